/*-------------------------------------------------------------------------
 *
 * gateway_trace.c
 *		So that nothing that was sent is lost without a trace.
 *
 * A call raises no error once something was sent, but what it is part of may
 * still be rolled back: the statement is cancelled, its backend terminated, a
 * disk full, a constraint violated by a later row or at commit, or somebody
 * says ROLLBACK.  The rows are lost then, and the orders are cancelled all the
 * same.  So a trace of each call is kept until its transaction ends, with the
 * ids that were sent and what became of them, and a rollback writes one LOG
 * line per batch.  A trace belongs to the subtransaction that made the call,
 * and moves up when that commits.
 *
 * While a call runs, its trace lies in the call's memory.  Afterwards the
 * trace of a small call is packed into one chunk, so that a transaction of many
 * calls stays small; that of a large one adopts the memory of its ids, since a
 * copy would double it.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "lib/ilist.h"
#include "lib/stringinfo.h"
#include "utils/memutils.h"

#include "gateway_internal.h"

struct TraceCall
{
	dlist_node	node;
	SubTransactionId subxact;
	const char *function;
	const char *server;
	int			nkeys;
	const char *text;			/* of all keys ... */
	const uint32 *ends;			/* ... and where each ends */

	/*
	 * Per key a set of bits, one per outcome; none while it was not sent.  A
	 * key whose answer is awaited is unknown.  One more bit says that a batch
	 * begins with it.
	 */
	uint8	   *outcomes;

	bool		running;		/* all this is in the memory of the call ... */
	bool		adopted;		/* ... or, later, in that of its ids */
	MemoryContext keys;			/* of the ids */
};

/* A trace of more bytes than this is not copied. */
#define LARGE_TRACE	(64 * 1024)

/* Calls of the current transaction, in order of time. */
static dlist_head calls = DLIST_STATIC_INIT(calls);

#define BEGINS_BATCH	(1 << OG_OUTCOMES)

StaticAssertDecl(BEGINS_BATCH < 256, "what is noted of a key are bits of one byte");

static inline TraceCall *
call_of(dlist_node *node)
{
	/* The macro only takes the type of a member of that NULL. */
	/* cppcheck-suppress nullPointer */
	return dlist_container(TraceCall, node, node);
}

/* ---------- what is said at a rollback ---------- */

/* Append "2 cancelled (17, 18)" for one outcome of the keys in a batch. */
static void
describe_outcome(StringInfo line, const TraceCall *call, int first, int end,
				 OgVerdict verdict)
{
	int			count = 0;

	for (int key = first; key < end; key++)
		if (call->outcomes[key] & (1 << verdict))
			count++;
	if (count == 0)
		return;

	appendStringInfo(line, "%s%d %s (", line->len ? ", " : "", count,
					 og_verdict_name(verdict));
	count = 0;
	for (int key = first; key < end; key++)
	{
		uint32		start = key == 0 ? 0 : call->ends[key - 1];

		if (!(call->outcomes[key] & (1 << verdict)))
			continue;
		if (count++ > 0)
			appendStringInfoString(line, ", ");
		appendBinaryStringInfo(line, call->text + start,
							   (int) (call->ends[key] - start));
	}
	appendStringInfoChar(line, ')');
}

/* One LOG line per batch of which anything was sent. */
static void
log_call(const TraceCall *call)
{
	StringInfoData line;
	int			end;

	initStringInfo(&line);
	for (int first = 0, batch = 1; first < call->nkeys; first = end, batch++)
	{
		end = first + 1;
		while (end < call->nkeys && !(call->outcomes[end] & BEGINS_BATCH))
			end++;
		resetStringInfo(&line);
		for (int v = 0; v < OG_OUTCOMES; v++)
			describe_outcome(&line, call, first, end, (OgVerdict) v);
		if (line.len > 0)
			ereport(LOG_SERVER_ONLY,
					(errmsg("order_gateway: rolled back after %s on server \"%s\" had sent batch %d: %s",
							call->function, call->server,
							batch, line.data),
					 errhidestmt(true), errhidecontext(true)));
	}
	pfree(line.data);
}

/* Log the calls of one subtransaction, or of all, and forget them. */
void
og_trace_roll_back(SubTransactionId subxact)
{
	MemoryContext lines;
	MemoryContext old;
	dlist_mutable_iter iter;

	if (dlist_is_empty(&calls))
		return;
	lines = AllocSetContextCreate(TopMemoryContext, "order_gateway trace",
								  ALLOCSET_SMALL_SIZES);
	old = MemoryContextSwitchTo(lines);
	dlist_foreach_modify(iter, &calls)
	{
		TraceCall  *call = call_of(iter.cur);

		if (subxact != InvalidSubTransactionId && call->subxact != subxact)
			continue;
		dlist_delete(&call->node);
		log_call(call);
		if (call->adopted)
			MemoryContextDelete(call->keys);
		else if (!call->running)
			pfree(call);
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(lines);
}

void
og_trace_move_up(SubTransactionId subxact, SubTransactionId parent)
{
	dlist_iter	iter;

	dlist_foreach(iter, &calls)
	{
		TraceCall  *call = call_of(iter.cur);

		if (call->subxact == subxact)
			call->subxact = parent;
	}
}

/* All is committed; the memory goes with the transaction. */
void
og_trace_forget(void)
{
	dlist_init(&calls);
}

/* ---------- what is noted ---------- */

/* A call begins, whose memory is "context". */
TraceCall *
og_trace_begin(MemoryContext context, const char *server,
			   const char *function, const OgKeys *keys,
			   const KeySplit *split)
{
	TraceCall  *call;

	call = MemoryContextAllocZero(context, sizeof(TraceCall));
	call->subxact = GetCurrentSubTransactionId();
	call->function = function;
	call->server = server;
	call->nkeys = keys->nkeys;
	call->text = keys->text;
	call->ends = keys->ends;
	call->outcomes = MemoryContextAllocExtended(context,
												Max(keys->nkeys, 1),
												MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	for (int i = 0; i < split->nbatches; i++)
		call->outcomes[og_split_first(split, i)] = BEGINS_BATCH;
	call->running = true;
	call->keys = keys->context;
	dlist_push_tail(&calls, &call->node);
	return call;
}

/* A request with this key leaves.  Runs inside libcurl. */
void
og_trace_sent(TraceCall *call, int key)
{
	call->outcomes[key] = (call->outcomes[key] & BEGINS_BATCH) |
		1 << OG_UNKNOWN;
}

/* What is known now about a key that was sent, and all orders it named. */
void
og_trace_verdict(TraceCall *call, int key, const OgOutcome *outcome)
{
	uint8		outcomes = call->outcomes[key] & BEGINS_BATCH;

	for (; outcome; outcome = outcome->next)
		if (outcome->verdict == OG_TOO_FREQUENT)
			outcomes |= 1 << OG_REJECTED;
		else if (outcome->verdict != OG_NOT_SENT)
			outcomes |= 1 << outcome->verdict;
	call->outcomes[key] = outcomes;
}

/* Copy bytes to a place and step over them. */
static void *
put_bytes(char **place, const void *bytes, size_t size)
{
	void	   *copy = memcpy(*place, bytes, size);

	*place += size;
	return copy;
}

/*
 * The call is over: keep what a rollback would say, and nothing else of its
 * memory.
 */
void
og_trace_end(TraceCall *call)
{
	size_t		text_len = call->ends[call->nkeys - 1];
	size_t		ends_size = call->nkeys * sizeof(uint32);
	size_t		server_size = strlen(call->server) + 1;
	size_t		size = sizeof(TraceCall) + call->nkeys + server_size;
	TraceCall  *kept;
	char	   *place;

	call->adopted = size + ends_size + text_len > LARGE_TRACE;
	if (call->adopted)
		MemoryContextSetParent(call->keys, TopTransactionContext);
	else
		size += ends_size + text_len;
	kept = MemoryContextAllocHuge(call->adopted ? call->keys
								  : TopTransactionContext, size);
	*kept = *call;
	kept->running = false;

	place = (char *) (kept + 1);
	if (!call->adopted)
	{
		kept->ends = put_bytes(&place, call->ends, ends_size);
		kept->text = put_bytes(&place, call->text, text_len);
	}
	kept->outcomes = put_bytes(&place, call->outcomes, call->nkeys);
	kept->server = put_bytes(&place, call->server, server_size);

	dlist_delete(&call->node);
	dlist_push_tail(&calls, &kept->node);
}
