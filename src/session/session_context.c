/*-------------------------------------------------------------------------
 *
 * session_context.c
 *		Memory that goes when its (sub)transaction is rolled back.
 *
 * An error leaves the memory of a function behind until its transaction is
 * cleaned up, which in a transaction block is when the user says ROLLBACK.  By
 * then credentials must be wiped, connections closed, turns given back and
 * queues left; all of that hangs on the memory.  So a context made here is
 * deleted as soon as its transaction or subtransaction aborts; before that,
 * what was sent by then is logged (session_trace.c), and a transaction that
 * could not be logged any more is refused.  The two callbacks are registered
 * once per process.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "lib/ilist.h"
#include "utils/memutils.h"

#include "session/session.h"
#include "session/session_trace.h"

/* Lies in the context that it is about. */
typedef struct Entry
{
	dlist_node	node;
	SubTransactionId subxact;
	MemoryContext context;
	MemoryContextCallback on_delete;
} Entry;

static dlist_head entries = DLIST_STATIC_INIT(entries);

static inline Entry *
entry_of(dlist_node *node)
{
	/* The macro only takes the type of a member of that NULL. */
	/* cppcheck-suppress nullPointer */
	return dlist_container(Entry, node, node);
}

static void
forget(void *entry)
{
	dlist_delete(&((Entry *) entry)->node);
}

/* Delete the contexts of one subtransaction, or all. */
static void
roll_back(SubTransactionId subxact)
{
	dlist_mutable_iter iter;

	og_trace_roll_back(subxact);
	dlist_foreach_modify(iter, &entries)
	{
		Entry	   *entry = entry_of(iter.cur);

		if (subxact == InvalidSubTransactionId || entry->subxact == subxact)
			MemoryContextDelete(entry->context);
	}
}

static void
on_xact(XactEvent event, void *arg)
{
	switch (event)
	{
		case XACT_EVENT_PRE_PREPARE:
			og_trace_prevent_prepare();
			break;
		case XACT_EVENT_ABORT:
		case XACT_EVENT_PARALLEL_ABORT:
			roll_back(InvalidSubTransactionId);
			og_trace_forget();
			break;
		case XACT_EVENT_COMMIT:
		case XACT_EVENT_PARALLEL_COMMIT:
		case XACT_EVENT_PREPARE:
			og_trace_forget();
			break;
		default:
			break;
	}
}

static void
on_subxact(SubXactEvent event, SubTransactionId subxact,
		   SubTransactionId parent, void *arg)
{
	dlist_iter	iter;

	if (event == SUBXACT_EVENT_ABORT_SUB)
		roll_back(subxact);
	else if (event == SUBXACT_EVENT_COMMIT_SUB)
	{
		og_trace_move_up(subxact, parent);
		dlist_foreach(iter, &entries)
		{
			Entry	   *entry = entry_of(iter.cur);

			if (entry->subxact == subxact)
				entry->subxact = parent;
		}
	}
}

MemoryContext
og_session_context(void)
{
	static bool registered = false;
	MemoryContext context;
	Entry	   *entry;

	if (!registered)
	{
		RegisterXactCallback(on_xact, NULL);
		RegisterSubXactCallback(on_subxact, NULL);
		registered = true;
	}
	context = AllocSetContextCreate(CurTransactionContext,
									"order_gateway function",
									ALLOCSET_DEFAULT_SIZES);
	entry = MemoryContextAllocZero(context, sizeof(Entry));
	entry->subxact = GetCurrentSubTransactionId();
	entry->context = context;
	entry->on_delete.func = forget;
	entry->on_delete.arg = entry;
	MemoryContextRegisterResetCallback(context, &entry->on_delete);
	dlist_push_tail(&entries, &entry->node);
	return context;
}
