/*-------------------------------------------------------------------------
 *
 * worker_try.c
 *		Steps that may fail; the one place where an error is caught.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "utils/memutils.h"
#include "utils/resowner.h"
#include "utils/snapmgr.h"

#include "worker/worker.h"
#include "worker/worker_process.h"
#include "worker/worker_table.h"
#include "worker/worker_try.h"

/* What was raised, in a context that lives on; the server goes on after that. */
static void
take_error(Trouble *trouble, MemoryContext context)
{
	ErrorData  *error;

	MemoryContextSwitchTo(context);
	error = CopyErrorData();
	FlushErrorState();
	trouble->sqlstate = error->sqlerrcode;

	/* The server tells that a lock has timed out, but not which. */
	if (og_table_awaited != NULL && error->sqlerrcode == ERRCODE_LOCK_NOT_AVAILABLE)
		trouble->message = psprintf("table \"%s\" is locked", og_table_awaited);
	else
		trouble->message = pstrdup(error->message);
	FreeErrorData(error);
}

bool
og_try_alone(Step step, void *arg, Trouble *trouble)
{
	MemoryContext context = CurrentMemoryContext;
	volatile bool done = false;

	og_table_awaited = NULL;
	PG_TRY();
	{
		step(arg);
		done = true;
	}
	PG_CATCH();
	{
		take_error(trouble, context);
		AbortCurrentTransaction();
	}
	PG_END_TRY();
	MemoryContextSwitchTo(context);
	return done;
}

/* A step in a transaction. */
typedef struct Transaction
{
	Step		step;
	void	   *arg;
} Transaction;

static void
run_transaction(void *arg)
{
	const Transaction *transaction = arg;

	SetCurrentStatementStartTimestamp();
	StartTransactionCommand();
	PushActiveSnapshot(GetTransactionSnapshot());
	transaction->step(transaction->arg);
	PopActiveSnapshot();
	CommitTransactionCommand();
}

bool
og_try(Step step, void *arg, Trouble *trouble)
{
	Transaction transaction = {step, arg};

	return og_try_alone(run_transaction, &transaction, trouble);
}

bool
og_try_part(Step step, void *arg, Trouble *trouble)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	volatile bool done = false;

	BeginInternalSubTransaction(NULL);
	PG_TRY();
	{
		step(arg);
		ReleaseCurrentSubTransaction();
		done = true;
	}
	PG_CATCH();
	{
		take_error(trouble, context);
		RollbackAndReleaseCurrentSubTransaction();
	}
	PG_END_TRY();
	MemoryContextSwitchTo(context);
	CurrentResourceOwner = owner;
	return done;
}

bool
og_trouble_passes(const Trouble *trouble)
{
	/* rolled back, out of something, locked, interrupted, a system's failure */
	static const int passing[] = {
		MAKE_SQLSTATE('4', '0', '0', '0', '0'),
		MAKE_SQLSTATE('5', '3', '0', '0', '0'),
		MAKE_SQLSTATE('5', '5', '0', '0', '0'),
		MAKE_SQLSTATE('5', '7', '0', '0', '0'),
		MAKE_SQLSTATE('5', '8', '0', '0', '0')
	};

	for (int i = 0; i < lengthof(passing); i++)
	{
		if (ERRCODE_TO_CATEGORY(trouble->sqlstate) == passing[i])
			return true;
	}
	return false;
}

void
og_trouble_show(const Trouble *trouble)
{
	static char shown[OG_LAST_ERROR];

	og_process_show_error(trouble->message);
	if (strncmp(shown, trouble->message, sizeof(shown) - 1) == 0)
		return;
	strlcpy(shown, trouble->message, sizeof(shown));
	ereport(LOG,
			(errcode(trouble->sqlstate),
			 errmsg("order_gateway: %s", trouble->message)));
}
