/*-------------------------------------------------------------------------
 *
 * session_transaction.c
 *		What a transaction remembers of its calls, until it ends.
 *
 * An error leaves the memory of a function behind until its transaction is
 * cleaned up, which in a transaction block is when the user says ROLLBACK.  By
 * then credentials must be wiped, connections closed, turns given back and
 * queues left; all of that hangs on the memory.  So a context made here is
 * deleted as soon as its transaction or subtransaction aborts; before that,
 * what was sent by then is logged (session_trace.c).  What a subtransaction
 * that commits has left moves up to its parent.
 *
 * A prepared transaction could be rolled back by anybody, at any time, and
 * nobody would log what it had sent.  So one in which an act was called cannot
 * be prepared.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "utils/memutils.h"

#include "session/session.h"
#include "session/session_trace.h"

/*
 * There is a level for each subtransaction that is still open and has made
 * calls, the innermost first: so the end of one concerns the first level or
 * none.
 */
typedef struct Level
{
	SubTransactionId subxact;
	dlist_head	contexts;		/* Entries: functions that run */
	dlist_head	traces;			/* in order of time */
	struct Level *outer;
} Level;

/* Lies in the context that it is about. */
typedef struct Entry
{
	dlist_node	node;
	MemoryContext context;
	MemoryContextCallback on_delete;
} Entry;

static Level *innermost = NULL;

/* An act was called in it, whether or not its trace is still needed. */
static bool act_called = false;

/* Is there a level, and is it of a subtransaction, or of any? */
static bool
is_of(const Level *level, SubTransactionId subxact)
{
	return level != NULL &&
		(subxact == InvalidSubTransactionId || level->subxact == subxact);
}

/* Roll back one subtransaction, or all. */
static void
roll_back(SubTransactionId subxact)
{
	while (is_of(innermost, subxact))
	{
		Level	   *level = innermost;
		dlist_mutable_iter iter;

		innermost = level->outer;
		og_trace_roll_back(&level->traces);
		dlist_foreach_modify(iter, &level->contexts)
		{
			/* The macro only takes the type of a member of that NULL. */
			/* cppcheck-suppress nullPointer */
			MemoryContextDelete(dlist_container(Entry, node, iter.cur)->context);
		}
		pfree(level);
	}
}

/* Append a list to another one, which takes no time however long they are. */
static void
append_list(dlist_head *list, dlist_head *more)
{
	dlist_node *first;
	dlist_node *last;

	if (dlist_is_empty(more))
		return;
	first = dlist_head_node(more);
	last = dlist_tail_node(more);
	first->prev = list->head.prev;
	first->prev->next = first;
	last->next = &list->head;
	list->head.prev = last;
}

static void
move_up(SubTransactionId subxact, SubTransactionId parent)
{
	Level	   *level = innermost;

	if (!is_of(level, subxact))
		return;
	if (!is_of(level->outer, parent))
	{
		level->subxact = parent;
		return;
	}
	append_list(&level->outer->contexts, &level->contexts);
	append_list(&level->outer->traces, &level->traces);
	innermost = level->outer;
	pfree(level);
}

/*
 * Also where all acts were rolled back with a subtransaction, or sent nothing
 * in the end: what can be prepared must not depend on how a call went.
 */
static void
prevent_prepare(void)
{
	if (act_called)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("cannot PREPARE a transaction that has called a function which changes orders"),
				 errdetail("If the prepared transaction were rolled back, what was sent would leave no trace."),
				 errhint("Call it in a transaction of its own, and end that with COMMIT.")));
}

static void
on_xact(XactEvent event, void *arg)
{
	switch (event)
	{
		case XACT_EVENT_PRE_PREPARE:
			prevent_prepare();
			break;
		case XACT_EVENT_ABORT:
		case XACT_EVENT_PARALLEL_ABORT:
			roll_back(InvalidSubTransactionId);
			act_called = false;
			break;
		case XACT_EVENT_COMMIT:
		case XACT_EVENT_PARALLEL_COMMIT:
		case XACT_EVENT_PREPARE:
			innermost = NULL;	/* its memory goes with the transaction's */
			act_called = false;
			break;
		default:
			break;
	}
}

static void
on_subxact(SubXactEvent event, SubTransactionId subxact,
		   SubTransactionId parent, void *arg)
{
	if (event == SUBXACT_EVENT_ABORT_SUB)
		roll_back(subxact);
	else if (event == SUBXACT_EVENT_COMMIT_SUB)
		move_up(subxact, parent);
}

/* That of the current subtransaction, which is the innermost one. */
static Level *
current_level(void)
{
	static bool registered = false;
	SubTransactionId subxact = GetCurrentSubTransactionId();

	if (!registered)
	{
		RegisterXactCallback(on_xact, NULL);
		RegisterSubXactCallback(on_subxact, NULL);
		registered = true;
	}
	if (!is_of(innermost, subxact))
	{
		Level	   *level = MemoryContextAlloc(TopTransactionContext,
											   sizeof(Level));

		level->subxact = subxact;
		dlist_init(&level->contexts);
		dlist_init(&level->traces);
		level->outer = innermost;
		innermost = level;
	}
	return innermost;
}

dlist_head *
og_transaction_traces(void)
{
	act_called = true;
	return &current_level()->traces;
}

static void
forget(void *entry)
{
	dlist_delete(&((Entry *) entry)->node);
}

MemoryContext
og_session_context(void)
{
	Level	   *level = current_level();
	MemoryContext context = AllocSetContextCreate(CurTransactionContext,
												  "order_gateway function",
												  ALLOCSET_DEFAULT_SIZES);
	Entry	   *entry = MemoryContextAllocZero(context, sizeof(Entry));

	entry->context = context;
	entry->on_delete.func = forget;
	entry->on_delete.arg = entry;
	MemoryContextRegisterResetCallback(context, &entry->on_delete);
	dlist_push_tail(&level->contexts, &entry->node);
	return context;
}
