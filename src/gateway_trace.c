/*-------------------------------------------------------------------------
 *
 * gateway_trace.c
 *		So that nothing that was sent is lost without a trace.
 *
 * A call raises no error once something was sent, but the statement it is
 * part of may still fail: it is cancelled, runs into a timeout, its backend
 * is terminated, a disk is full, a later row violates a constraint.  The rows
 * are lost then, but the orders have been cancelled.  So a trace keeps, for as
 * long as the statement runs, which ids were sent and what became of them, and
 * writes one LOG line per batch when the statement fails.
 *
 * The trace lives in the memory context of the statement and hangs on a reset
 * callback there: that runs on ERROR and on FATAL alike, and for failures
 * after the function has returned.  Whether the statement fails is seen by
 * the transaction's state: a context that goes while a transaction is in
 * progress belongs to a statement that ended well.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "lib/stringinfo.h"
#include "utils/memutils.h"

#include "gateway_internal.h"

struct TraceCall
{
	TraceCall  *next;
	char		server[NAMEDATALEN];
	const char *function;
	OgKeys	   *keys;
	int			batch_size;

	/*
	 * Per key a set of bits, one per outcome; none while it was not sent.  A
	 * key whose answer is awaited is unknown.
	 */
	uint8	   *outcomes;
};

struct OgTrace
{
	MemoryContext context;
	MemoryContextCallback callback;
	TraceCall  *calls;			/* in order of time */
	TraceCall  *last;
};

static void trace_callback(void *arg);

StaticAssertDecl(OG_OUTCOMES <= 8, "outcomes of a key are bits of one byte");

OgTrace *
og_trace_create(MemoryContext statement)
{
	OgTrace    *trace = MemoryContextAllocZero(statement, sizeof(OgTrace));

	trace->context = statement;
	trace->callback.func = trace_callback;
	trace->callback.arg = trace;
	MemoryContextRegisterResetCallback(statement, &trace->callback);
	return trace;
}

MemoryContext
og_trace_context(const OgTrace *trace)
{
	return trace->context;
}

/* A call begins.  The trace owns the keys from here on. */
TraceCall *
og_trace_begin(OgTrace *trace, const char *server, const char *function,
			   OgKeys *keys, int batch_size)
{
	TraceCall  *call = MemoryContextAllocZero(trace->context,
											  sizeof(TraceCall));

	strlcpy(call->server, server, NAMEDATALEN);
	call->function = function;
	call->keys = keys;
	call->batch_size = batch_size;
	call->outcomes = MemoryContextAllocExtended(trace->context,
												Max(keys->nkeys, 1),
												MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	if (trace->last)
		trace->last->next = call;
	else
		trace->calls = call;
	trace->last = call;
	return call;
}

/* A request with this key leaves.  Runs inside libcurl. */
void
og_trace_sent(TraceCall *call, int key)
{
	call->outcomes[key] = 1 << OG_UNKNOWN;
}

/* What is known now about a key that was sent, and all orders it named. */
void
og_trace_verdict(TraceCall *call, int key, const OgOutcome *outcome)
{
	uint8		outcomes = 0;

	for (; outcome; outcome = outcome->next)
		if (outcome->verdict == OG_TOO_FREQUENT)
			outcomes |= 1 << OG_REJECTED;
		else if (outcome->verdict != OG_NOT_SENT)
			outcomes |= 1 << outcome->verdict;
	call->outcomes[key] = outcomes;
}

/* The call is over; positions are not needed any more. */
void
og_trace_end(TraceCall *call)
{
	if (call->keys->key_of)
		pfree(call->keys->key_of);
	call->keys->key_of = NULL;
}

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
		OgSlice		id = og_keys_get(call->keys, key);

		if (!(call->outcomes[key] & (1 << verdict)))
			continue;
		if (count++ > 0)
			appendStringInfoString(line, ", ");
		appendBinaryStringInfo(line, id.data, (int) id.len);
	}
	appendStringInfoChar(line, ')');
}

/* One LOG line per batch of which anything was sent. */
static void
log_call(const TraceCall *call)
{
	int			nkeys = call->keys->nkeys;
	StringInfoData line;

	initStringInfo(&line);
	for (int first = 0; first < nkeys; first += call->batch_size)
	{
		int			end = Min(nkeys, first + call->batch_size);

		resetStringInfo(&line);
		for (int v = 0; v < OG_OUTCOMES; v++)
			describe_outcome(&line, call, first, end, (OgVerdict) v);
		if (line.len > 0)
			ereport(LOG,
					(errmsg("order_gateway: the statement that called %s on server \"%s\" failed, batch %d: %s",
							call->function, call->server,
							first / call->batch_size + 1, line.data),
					 errhidestmt(true), errhidecontext(true)));
	}
	pfree(line.data);
}

/*
 * The statement's memory goes.  Nothing may be thrown here; a LOG message is
 * not, short of running out of memory.
 */
static void
trace_callback(void *arg)
{
	OgTrace    *trace = arg;
	MemoryContext old;
	MemoryContext lines;

	if (IsTransactionState() || trace->calls == NULL)
		return;

	lines = AllocSetContextCreate(TopMemoryContext, "order_gateway trace",
								  ALLOCSET_SMALL_SIZES);
	old = MemoryContextSwitchTo(lines);
	for (TraceCall *call = trace->calls; call; call = call->next)
		log_call(call);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(lines);
}
