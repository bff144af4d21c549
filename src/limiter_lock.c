/*-------------------------------------------------------------------------
 *
 * limiter_lock.c
 *		The heavyweight lock of an account.
 *
 * A lock of the advisory class with database 0, which counts in the whole
 * cluster; its fourth field is unlike that of the server's own advisory
 * functions, so that no user's lock can meet it.  The lock manager gives us
 * order of arrival, interruptible waits, a view (pg_locks, objsubid 20295),
 * and release at error and at death.
 *
 * The lock manager's one bound on waits is lock_timeout, which ends in an
 * ERROR.  A bounded wait therefore runs in a subtransaction, which that error
 * aborts; it is started only when the lock is taken by somebody else.  A
 * user's own lock_timeout that is shorter than our bound stays the user's
 * own error.
 *
 * Whichever way it was taken, the lock belongs to the current transaction's
 * resource owner, not to the portal's: it is where the subtransaction leaves
 * it, and so the one place to release it from.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "limiter_lock.h"
#include "storage/proc.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/resowner.h"

/* "OG"; the server's own advisory locks have 1 and 2. */
#define LOCK_CLASS	0x4F47

void
og_account_lock_init(OgAccountLock *lock, uint64 hash)
{
	SET_LOCKTAG_ADVISORY(lock->tag, 0, (uint32) (hash >> 32), (uint32) hash,
						 LOCK_CLASS);
	lock->held = 0;
}

static LockAcquireResult
acquire(const LOCKTAG *tag, bool dont_wait)
{
	ResourceOwner owner = CurrentResourceOwner;
	LockAcquireResult result;

	CurrentResourceOwner = CurTransactionResourceOwner;
	result = LockAcquire(tag, ExclusiveLock, false, dont_wait);
	CurrentResourceOwner = owner;
	return result;
}

/*
 * Wait within a subtransaction that has a lock_timeout of its own.  Answers
 * false when that ran out; any other error is the caller's.
 */
static bool
acquire_within(const LOCKTAG *tag, int timeout_ms)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	volatile bool acquired = false;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		char		value[32];
		int			nest = NewGUCNestLevel();

		snprintf(value, sizeof(value), "%d", timeout_ms);
		(void) set_config_option("lock_timeout", value, PGC_USERSET,
								 PGC_S_SESSION, GUC_ACTION_SAVE, true, 0,
								 false);
		(void) acquire(tag, false);
		AtEOXact_GUC(true, nest);
		ReleaseCurrentSubTransaction();
		acquired = true;
	}
	PG_CATCH();
	{
		ErrorData  *error;

		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
		MemoryContextSwitchTo(context);
		CurrentResourceOwner = owner;
		if (error->sqlerrcode != ERRCODE_LOCK_NOT_AVAILABLE)
			ReThrowError(error);
		FreeErrorData(error);
	}
	PG_END_TRY();

	MemoryContextSwitchTo(context);
	CurrentResourceOwner = owner;
	return acquired;
}

OgLockResult
og_account_lock_acquire(OgAccountLock *lock, int64 timeout_ms)
{
	LockAcquireResult result = acquire(&lock->tag, true);

	if (result == LOCKACQUIRE_NOT_AVAIL)
	{
		if (timeout_ms == 0)
			return OG_LOCK_TIMEOUT;
		if (timeout_ms < 0 || (LockTimeout > 0 && LockTimeout <= timeout_ms))
			(void) acquire(&lock->tag, false);
		else if (!acquire_within(&lock->tag, (int) Min(timeout_ms, INT_MAX)))
			return OG_LOCK_TIMEOUT;
		result = LOCKACQUIRE_OK;
	}
	lock->held++;
	return result == LOCKACQUIRE_OK ? OG_LOCK_NEW : OG_LOCK_NESTED;
}

void
og_account_lock_release(OgAccountLock *lock)
{
	ResourceOwner owner = CurrentResourceOwner;

	CurrentResourceOwner = CurTransactionResourceOwner;
	for (; lock->held > 0; lock->held--)
		(void) LockRelease(&lock->tag, ExclusiveLock, false);
	CurrentResourceOwner = owner;
}
