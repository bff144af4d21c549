/*-------------------------------------------------------------------------
 *
 * session_trace.c
 *		So that nothing that was sent is lost without a trace.
 *
 * A call raises no error once something was sent, but what it is part of may
 * still be rolled back: the statement is cancelled, its backend terminated, a
 * disk full, a constraint violated by a later row or at commit, or somebody
 * says ROLLBACK.  The rows are lost then, and the orders are cancelled all the
 * same.  So a trace of each call is kept until its transaction ends, with the
 * ids that were sent and what became of them, and a rollback writes one LOG
 * line per batch.
 *
 * An id that was sent may stand for several orders, for one that only the
 * provider can name, or for all of a market.  So the names that an answer gives
 * them are kept beside it, as they are spelled there.
 *
 * A trace is one piece of memory, so that a transaction of many calls stays
 * small.  It has a copy of all that it needs, since the call's own memory holds
 * credentials and goes with it.  Only of many ids there is no second copy: it
 * takes over their memory, which the call then looks at for as long as it runs.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "utils/memutils.h"

#include "ground/list.h"
#include "session/session_trace.h"

struct Trace
{
	dlist_node	node;
	MemoryContext ids;			/* that it took over, and lies in; or NULL */
	const char *function;
	const char *server;
	int			nkeys;
	const uint32 *ends;			/* where each key ends ... */
	const char *text;			/* ... in the text of all */

	/*
	 * Per key a set of bits, one per outcome; none while it was not sent.  A
	 * key whose answer is awaited is unknown.  One more bit says that a batch
	 * begins with it.
	 */
	uint8	   *outcomes;

	/* of keys whose orders were named, in memory of their own; else NULL */
	size_t	   *named_at;		/* per key where its Named begin, or NO_NAMES */
	char	   *named;			/* Named and the text of each, key by key */
	size_t		named_len;
	size_t		named_size;
};

/* Orders of a key with one verdict, and what a line says of them. */
typedef struct Named
{
	int			key;
	OgVerdict	verdict;
	int			count;
	int			len;			/* of the text: ": 17, 18 and 2 more", or empty */
} Named;

/*
 * Bytes of names that are kept of a Named, and so the length of a line; more
 * orders are only counted.  The 10,000 that one answer may name fit in with
 * names of 36 characters, as the provider's own are.
 */
#define MAX_NAMES	(600 * 1024)

#define NO_NAMES	SIZE_MAX

/* Ids of more bytes than this are not copied. */
#define MAX_COPIED	(64 * 1024)

#define BEGINS_BATCH	(1 << OG_OUTCOMES)

StaticAssertDecl(BEGINS_BATCH < 256, "what is noted of a key are bits of one byte");

static OgSlice
key_of(const Trace *trace, int key)
{
	uint32		start = key == 0 ? 0 : trace->ends[key - 1];

	return og_slice(trace->text + start, trace->ends[key] - start);
}

static void
free_trace(Trace *trace)
{
	if (trace->named != NULL)
		pfree(trace->named);
	if (trace->named_at != NULL)
		pfree(trace->named_at);
	if (trace->ids != NULL)
		MemoryContextDelete(trace->ids);
	else
		pfree(trace);
}

/* ---------- what is said at a rollback ---------- */

/* Append the orders of a key with an outcome; answers how many they are. */
static int
append_orders(StringInfo names, const Trace *trace, int key, OgVerdict verdict)
{
	OgSlice		text = key_of(trace, key);
	size_t		at = trace->named_at != NULL ? trace->named_at[key] : NO_NAMES;
	Named		named;

	og_list_add(names, "%.*s", (int) text.len, text.data);
	for (; at < trace->named_len; at += sizeof(Named) + named.len)
	{
		memcpy(&named, trace->named + at, sizeof(Named));
		if (named.key != key)
			break;
		if (named.verdict != verdict)
			continue;
		appendBinaryStringInfo(names, trace->named + at + sizeof(Named),
							   named.len);
		return named.count;
	}
	return 1;
}

/* Append "2 cancelled (17, 18)" for one outcome of the keys in a batch. */
static void
describe_outcome(StringInfo line, const Trace *trace, int first, int end,
				 OgVerdict verdict)
{
	StringInfoData names;
	int			count = 0;

	initStringInfo(&names);
	for (int key = first; key < end; key++)
	{
		if (trace->outcomes[key] & (1 << verdict))
			count += append_orders(&names, trace, key, verdict);
	}
	if (count > 0)
		og_list_add(line, "%d %s (%s)", count, og_verdict_name(verdict),
					names.data);
	pfree(names.data);
}

/* One LOG line per batch of which anything was sent. */
static void
log_trace(const Trace *trace)
{
	StringInfoData line;
	int			end;

	initStringInfo(&line);
	for (int first = 0, batch = 1; first < trace->nkeys; first = end, batch++)
	{
		end = first + 1;
		while (end < trace->nkeys && !(trace->outcomes[end] & BEGINS_BATCH))
			end++;
		resetStringInfo(&line);
		for (int v = 0; v < OG_OUTCOMES; v++)
			describe_outcome(&line, trace, first, end, (OgVerdict) v);
		if (line.len > 0)
			ereport(LOG_SERVER_ONLY,
					(errmsg("order_gateway: rolled back after %s on server \"%s\" had sent batch %d: %s",
							trace->function, trace->server,
							batch, line.data),
					 errhidestmt(true), errhidecontext(true)));
	}
}

void
og_trace_roll_back(dlist_head *traces)
{
	MemoryContext lines;
	MemoryContext old;

	if (dlist_is_empty(traces))
		return;
	lines = AllocSetContextCreate(TopMemoryContext, "order_gateway trace",
								  ALLOCSET_SMALL_SIZES);
	old = MemoryContextSwitchTo(lines);
	while (!dlist_is_empty(traces))
	{
		Trace	   *trace;

		/* The macro only takes the type of a member of that NULL. */
		/* cppcheck-suppress nullPointer */
		trace = dlist_container(Trace, node, dlist_pop_head_node(traces));
		log_trace(trace);
		MemoryContextReset(lines);
		free_trace(trace);
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(lines);
}

/* ---------- what is noted ---------- */

Trace *
og_trace_begin(dlist_head *traces, const OgAccount *account,
			   const OgOperation *operation, const char *function,
			   const OgKeys *keys)
{
	size_t		ends_size = keys->nkeys * sizeof(uint32);
	size_t		server_size = strlen(account->server) + 1;
	bool		copies = ends_size + keys->text_len <= MAX_COPIED;
	size_t		size = sizeof(Trace) + keys->nkeys + server_size +
		(copies ? ends_size + keys->text_len : 0);
	Trace	   *trace = MemoryContextAllocHuge(copies ? TopTransactionContext
											   : keys->context, size);
	char	   *place = (char *) (trace + 1);

	memset(trace, 0, sizeof(Trace));
	trace->function = function;
	trace->nkeys = keys->nkeys;
	trace->ends = keys->ends;
	trace->text = keys->text;
	if (copies)
	{
		trace->ends = memcpy(place, keys->ends, ends_size);
		place += ends_size;
		trace->text = memcpy(place, keys->text, keys->text_len);
		place += keys->text_len;
	}
	trace->server = memcpy(place, account->server, server_size);
	place += server_size;
	trace->outcomes = memset(place, 0, keys->nkeys);
	for (int key = 0; key < keys->nkeys;
		 key = og_keys_batch_end(keys, account, operation, key))
		trace->outcomes[key] = BEGINS_BATCH;
	if (!copies)
	{
		trace->ids = keys->context;
		MemoryContextSetParent(trace->ids, TopTransactionContext);
	}
	dlist_push_tail(traces, &trace->node);
	return trace;
}

void
og_trace_left(void *owner, const int *keys, int nkeys)
{
	Trace	   *trace = owner;

	for (int i = 0; i < nkeys; i++)
	{
		uint8	   *outcomes = &trace->outcomes[keys[i]];

		*outcomes = (*outcomes & BEGINS_BATCH) | 1 << OG_UNKNOWN;
	}
}

/* Make room for so many bytes behind what is there. */
static void
make_room(Trace *trace, size_t len)
{
	size_t		at_size = trace->nkeys * sizeof(size_t);

	if (trace->named_size - trace->named_len >= len)
		return;
	trace->named_size = Max(2 * trace->named_size, trace->named_len + len);
	if (trace->named != NULL)
	{
		trace->named = repalloc_huge(trace->named, trace->named_size);
		return;
	}
	trace->named = MemoryContextAllocHuge(TopTransactionContext,
										  trace->named_size);
	trace->named_at = MemoryContextAllocHuge(TopTransactionContext, at_size);
	memset(trace->named_at, 0xff, at_size);
}

/*
 * Note the orders of a key with one verdict.  Their names are the spelling of
 * JSON values, which has no control characters that could forge a line of the
 * log.
 */
static void
note_named(Trace *trace, int key, OgVerdict verdict, const OgOutcome *outcome)
{
	Named		named = {key, verdict, 0, 0};
	int			nameless = 0;
	StringInfoData names;

	initStringInfo(&names);
	for (; outcome; outcome = outcome->next)
	{
		OgSlice		name = outcome->part;

		if (outcome->verdict != verdict)
			continue;
		named.count++;
		if (og_json_kind(name) == OG_JSON_STRING)
			name = og_slice(name.data + 1, name.len - 2);
		if (name.len == 0 || names.len > MAX_NAMES)
			nameless++;
		else
			appendStringInfo(&names, "%s%.*s", names.len > 0 ? ", " : ": ",
							 (int) name.len, name.data);
	}
	if (names.len > 0 && nameless > 0)
		appendStringInfo(&names, " and %d more", nameless);
	named.len = names.len;
	if (named.count > 0)
	{
		make_room(trace, sizeof(Named) + named.len);
		memcpy(trace->named + trace->named_len, &named, sizeof(Named));
		memcpy(trace->named + trace->named_len + sizeof(Named), names.data,
			   named.len);
		trace->named_len += sizeof(Named) + named.len;
	}
	pfree(names.data);
}

/*
 * A key that may go again ("too frequent", for all that it names) has no orders
 * yet.
 */
void
og_trace_verdict(void *owner, int key, const OgOutcome *outcome)
{
	Trace	   *trace = owner;
	uint8		outcomes = trace->outcomes[key] & BEGINS_BATCH;
	size_t		start = trace->named_len;
	const OgOutcome *o = outcome;

	do
	{
		if (o->verdict == OG_TOO_FREQUENT)
			outcomes |= 1 << OG_REJECTED;
		else if (o->verdict != OG_NOT_SENT)
			outcomes |= 1 << o->verdict;
	} while ((o = o->next) != NULL);
	trace->outcomes[key] = outcomes;

	if (outcome->verdict == OG_TOO_FREQUENT ||
		(outcome->next == NULL &&
		 (outcome->part.data == NULL ||
		  og_names(outcome->part, key_of(trace, key)))))
		return;
	for (int v = 0; v < OG_OUTCOMES; v++)
		note_named(trace, key, (OgVerdict) v, outcome);
	trace->named_at[key] = start;
}
