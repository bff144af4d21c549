/*-------------------------------------------------------------------------
 *
 * limiter_lock.h
 *		One call at a time per account.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OG_LIMITER_LOCK_H
#define OG_LIMITER_LOCK_H

#include "storage/lock.h"

typedef struct OgAccountLock
{
	LOCKTAG		tag;
	int			held;			/* how often, by its owner */
} OgAccountLock;

typedef enum OgLockResult
{
	OG_LOCK_TIMEOUT,
	OG_LOCK_NEW,				/* ours now */
	OG_LOCK_NESTED				/* was ours before */
} OgLockResult;

extern void og_account_lock_init(OgAccountLock *lock, uint64 hash);

/* Wait for at most timeout_ms, -1 = no bound; see og_limiter_lock(). */
extern OgLockResult og_account_lock_acquire(OgAccountLock *lock,
											int64 timeout_ms);

/* Release it if held, in the (sub)transaction that acquired it. */
extern void og_account_lock_release(OgAccountLock *lock);

#endif							/* OG_LIMITER_LOCK_H */
