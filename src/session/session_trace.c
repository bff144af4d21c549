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
 * line per batch.  A trace belongs to the subtransaction that made the call,
 * and moves up when that commits.
 *
 * An id that was sent may stand for several orders, for one that only the
 * provider can name, or for all of a market.  So the names that an answer gives
 * them are kept beside it, as they are spelled there.
 *
 * A prepared transaction could be rolled back by anybody, at any time, and
 * nobody would write that line.  So one in which an act was called cannot be
 * prepared.
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

#include "session/session_trace.h"

struct TraceCall
{
	dlist_node	node;
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

	/* NamedOrders and the bytes of each, key by key, in no order of keys */
	char	   *named;
	size_t		named_len;
	size_t		named_size;

	bool		running;		/* all this is in the memory of the call ... */
	bool		adopted;		/* ... or, later, in that of its ids */
	MemoryContext context;		/* of the call, while it runs */
	MemoryContext keys;			/* of the ids */
};

/* Orders of a key as the provider named them: one, or without a name some. */
typedef struct NamedOrders
{
	int			key;
	OgVerdict	verdict;
	int			count;
	int			len;			/* of the name that follows; 0 = none */
} NamedOrders;

/* Where the orders of a key begin. */
typedef struct NamedKey
{
	int			key;
	const char *at;
} NamedKey;

/* A trace of more bytes than this is not copied. */
#define LARGE_TRACE	(64 * 1024)

/*
 * Bytes of names that are kept for one key, and so the length of a line; more
 * orders are only counted.  The 10,000 that one answer may name fit in with
 * names of 36 characters, as the provider's own are.
 */
#define MAX_NAMED	(600 * 1024)

/*
 * Calls of a subtransaction, in order of time, with those of its own that
 * committed.  There is a level for each that is still open and has made calls,
 * the innermost first: so its end concerns the first one or none.
 */
typedef struct Level
{
	SubTransactionId subxact;
	dlist_head	calls;
	struct Level *outer;
} Level;

static Level *innermost = NULL;

#define BEGINS_BATCH	(1 << OG_OUTCOMES)

/* An act was called in it, whether or not its trace is still needed. */
static bool act_called = false;

StaticAssertDecl(BEGINS_BATCH < 256, "what is noted of a key are bits of one byte");

static inline TraceCall *
call_of(dlist_node *node)
{
	/* The macro only takes the type of a member of that NULL. */
	/* cppcheck-suppress nullPointer */
	return dlist_container(TraceCall, node, node);
}

/* ---------- levels ---------- */

/* Is there a level, and is it of a subtransaction, or of any? */
static bool
is_of(const Level *level, SubTransactionId subxact)
{
	return level != NULL &&
		(subxact == InvalidSubTransactionId || level->subxact == subxact);
}

/* That of the current subtransaction, which is the innermost one. */
static Level *
current_level(void)
{
	SubTransactionId subxact = GetCurrentSubTransactionId();

	if (!is_of(innermost, subxact))
	{
		Level	   *level = MemoryContextAlloc(TopTransactionContext,
											   sizeof(Level));

		level->subxact = subxact;
		dlist_init(&level->calls);
		level->outer = innermost;
		innermost = level;
	}
	return innermost;
}

/* ---------- what is said at a rollback ---------- */

static int
compare_keys(const void *a, const void *b)
{
	int			one = ((const NamedKey *) a)->key;
	int			other = ((const NamedKey *) b)->key;

	return one < other ? -1 : one > other;
}

/* Step over the orders at a place. */
static const char *
read_named(const char *at, NamedOrders *orders)
{
	memcpy(orders, at, sizeof(NamedOrders));
	return at + sizeof(NamedOrders) + orders->len;
}

/* The keys whose orders were named, sorted; answers how many. */
static int
list_named(const TraceCall *call, NamedKey **list)
{
	const char *at = call->named;
	const char *end = call->named + call->named_len;
	int			count = 0;

	*list = NULL;
	if (call->named_len == 0)
		return 0;
	/* There are no more than that. */
	*list = MemoryContextAllocHuge(CurrentMemoryContext,
								   call->named_len / sizeof(NamedOrders) *
								   sizeof(NamedKey));
	while (at < end)
	{
		NamedOrders orders;
		const char *next = read_named(at, &orders);

		if (count == 0 || (*list)[count - 1].key != orders.key)
		{
			(*list)[count].key = orders.key;
			(*list)[count++].at = at;
		}
		at = next;
	}
	qsort(*list, count, sizeof(NamedKey), compare_keys);
	return count;
}

static void
append_key(StringInfo names, const TraceCall *call, int key)
{
	uint32		start = key == 0 ? 0 : call->ends[key - 1];

	if (names->len > 0)
		appendStringInfoString(names, ", ");
	appendBinaryStringInfo(names, call->text + start,
						   (int) (call->ends[key] - start));
}

/*
 * Append "mine-1: 17, 18 and 2 more" for the orders of a key with an outcome.
 * Answers their number.
 */
static int
append_named(StringInfo names, const TraceCall *call, const NamedKey *named,
			 OgVerdict verdict)
{
	const char *at = named->at;
	const char *end = call->named + call->named_len;
	int			with_name = 0;
	int			nameless = 0;
	NamedOrders orders;

	while (at < end)
	{
		const char *next = read_named(at, &orders);

		if (orders.key != named->key)
			break;
		at = next;
		if (orders.verdict != verdict)
			continue;
		if (with_name + nameless == 0)
			append_key(names, call, named->key);
		if (orders.len == 0)
		{
			nameless += orders.count;
			continue;
		}
		appendStringInfoString(names, with_name++ == 0 ? ": " : ", ");
		appendBinaryStringInfo(names, next - orders.len, orders.len);
	}
	if (with_name > 0 && nameless > 0)
		appendStringInfo(names, " and %d more", nameless);
	return with_name + nameless;
}

/* Append "2 cancelled (17, 18)" for one outcome of the keys in a batch. */
static void
describe_outcome(StringInfo line, const TraceCall *call, int first, int end,
				 OgVerdict verdict, const NamedKey *list, int nlist)
{
	StringInfoData names;
	int			count = 0;

	initStringInfo(&names);
	for (int key = first; key < end; key++)
	{
		NamedKey	wanted = {key, NULL};
		const NamedKey *named;

		if (!(call->outcomes[key] & (1 << verdict)))
			continue;
		named = nlist == 0 ? NULL
			: bsearch(&wanted, list, nlist, sizeof(NamedKey), compare_keys);
		if (named != NULL)
			count += append_named(&names, call, named, verdict);
		else
		{
			append_key(&names, call, key);
			count++;
		}
	}
	if (count > 0)
		appendStringInfo(line, "%s%d %s (%s)", line->len ? ", " : "", count,
						 og_verdict_name(verdict), names.data);
	pfree(names.data);
}

/* One LOG line per batch of which anything was sent. */
static void
log_call(const TraceCall *call)
{
	StringInfoData line;
	int			end;
	NamedKey   *list;
	int			nlist = list_named(call, &list);

	initStringInfo(&line);
	for (int first = 0, batch = 1; first < call->nkeys; first = end, batch++)
	{
		end = first + 1;
		while (end < call->nkeys && !(call->outcomes[end] & BEGINS_BATCH))
			end++;
		resetStringInfo(&line);
		for (int v = 0; v < OG_OUTCOMES; v++)
			describe_outcome(&line, call, first, end, (OgVerdict) v, list,
							 nlist);
		if (line.len > 0)
			ereport(LOG_SERVER_ONLY,
					(errmsg("order_gateway: rolled back after %s on server \"%s\" had sent batch %d: %s",
							call->function, call->server,
							batch, line.data),
					 errhidestmt(true), errhidecontext(true)));
	}
	pfree(line.data);
	if (list != NULL)
		pfree(list);
}

/* Log what a level knows, and forget it. */
static void
log_level(Level *level)
{
	dlist_mutable_iter iter;

	dlist_foreach_modify(iter, &level->calls)
	{
		TraceCall  *call = call_of(iter.cur);

		dlist_delete(&call->node);
		log_call(call);
		if (call->adopted)
			MemoryContextDelete(call->keys);
		else if (!call->running)
			pfree(call);
	}
}

/* Log the calls of one subtransaction, or of all, and forget them. */
void
og_trace_roll_back(SubTransactionId subxact)
{
	MemoryContext lines;
	MemoryContext old;

	if (!is_of(innermost, subxact))
		return;
	lines = AllocSetContextCreate(TopMemoryContext, "order_gateway trace",
								  ALLOCSET_SMALL_SIZES);
	old = MemoryContextSwitchTo(lines);
	while (is_of(innermost, subxact))
	{
		Level	   *level = innermost;

		innermost = level->outer;
		log_level(level);
		pfree(level);
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(lines);
}

/* Append a list to another one, which takes no time however long they are. */
static void
append_calls(dlist_head *list, dlist_head *more)
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

void
og_trace_move_up(SubTransactionId subxact, SubTransactionId parent)
{
	Level	   *level = innermost;

	if (level == NULL || level->subxact != subxact)
		return;
	if (!is_of(level->outer, parent))
	{
		level->subxact = parent;
		return;
	}
	append_calls(&level->outer->calls, &level->calls);
	innermost = level->outer;
	pfree(level);
}

/* The transaction is over; the memory goes with it. */
void
og_trace_forget(void)
{
	innermost = NULL;
	act_called = false;
}

/*
 * Also where all acts were rolled back with a subtransaction, or sent nothing
 * in the end: what can be prepared must not depend on how a call went.
 */
void
og_trace_prevent_prepare(void)
{
	if (act_called)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("cannot PREPARE a transaction that has called a function which changes orders"),
				 errdetail("If the prepared transaction were rolled back, what was sent would leave no trace."),
				 errhint("Call it in a transaction of its own, and end that with COMMIT.")));
}

/* ---------- what is noted ---------- */

/* A call begins, in the memory that is current. */
TraceCall *
og_trace_begin(const OgCall *call, const char *server, const char *function,
			   const OgKeys *keys)
{
	TraceCall  *trace = palloc0(sizeof(TraceCall));

	trace->function = function;
	trace->server = server;
	trace->nkeys = keys->nkeys;
	trace->text = keys->text;
	trace->ends = keys->ends;
	trace->outcomes = palloc_extended(Max(keys->nkeys, 1),
									  MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	for (int i = 0; i < og_call_batches(call); i++)
		trace->outcomes[og_call_first_key(call, i)] = BEGINS_BATCH;
	trace->running = true;
	trace->context = CurrentMemoryContext;
	trace->keys = keys->context;
	dlist_push_tail(&current_level()->calls, &trace->node);
	act_called = true;
	return trace;
}

/* A request with these keys leaves.  Runs inside libcurl. */
void
og_trace_left(TraceCall *call, const int *keys, int nkeys)
{
	for (int i = 0; i < nkeys; i++)
	{
		uint8	   *outcomes = &call->outcomes[keys[i]];

		*outcomes = (*outcomes & BEGINS_BATCH) | 1 << OG_UNKNOWN;
	}
}

/* Note orders of a key, with the name of one, or without. */
static void
add_named(TraceCall *call, const NamedOrders *orders, const char *name)
{
	size_t		len = sizeof(NamedOrders) + orders->len;

	if (call->named_size - call->named_len < len)
	{
		call->named_size = Max(2 * call->named_size, call->named_len + len);
		call->named = call->named == NULL
			? MemoryContextAllocHuge(call->context, call->named_size)
			: repalloc_huge(call->named, call->named_size);
	}
	memcpy(call->named + call->named_len, orders, sizeof(NamedOrders));
	memcpy(call->named + call->named_len + sizeof(NamedOrders), name,
		   orders->len);
	call->named_len += len;
}

/*
 * Note the names of all orders of a key.  They are the spelling of JSON values,
 * which has no control characters that could forge a line of the log.
 */
static void
name_orders(TraceCall *call, int key, const OgOutcome *outcome)
{
	size_t		start = call->named_len;
	int			nameless[OG_OUTCOMES] = {0};

	for (; outcome; outcome = outcome->next)
	{
		NamedOrders orders = {key, outcome->verdict, 1, 0};
		OgSlice		name = outcome->part;

		if (og_json_kind(name) == OG_JSON_STRING)
			name = og_slice(name.data + 1, name.len - 2);
		orders.len = (int) name.len;
		if (name.len == 0 || call->named_len - start > MAX_NAMED)
			nameless[outcome->verdict]++;
		else
			add_named(call, &orders, name.data);
	}
	for (int v = 0; v < OG_OUTCOMES; v++)
	{
		NamedOrders orders = {key, (OgVerdict) v, nameless[v], 0};

		if (nameless[v] > 0)
			add_named(call, &orders, "");
	}
}

/*
 * What is known now about a key that was sent, and all orders it named.  A key
 * that may go again ("too frequent", for all that it names) has no orders yet.
 */
void
og_trace_verdict(TraceCall *call, int key, const OgOutcome *outcome)
{
	uint32		start = key == 0 ? 0 : call->ends[key - 1];
	OgSlice		text = og_slice(call->text + start, call->ends[key] - start);
	const OgOutcome *o = outcome;
	uint8		outcomes = call->outcomes[key] & BEGINS_BATCH;

	do
	{
		if (o->verdict == OG_TOO_FREQUENT)
			outcomes |= 1 << OG_REJECTED;
		else if (o->verdict != OG_NOT_SENT)
			outcomes |= 1 << o->verdict;
	} while ((o = o->next) != NULL);
	call->outcomes[key] = outcomes;

	if (outcome->verdict != OG_TOO_FREQUENT &&
		(outcome->next != NULL ||
		 (outcome->part.data != NULL && !og_names(outcome->part, text))))
		name_orders(call, key, outcome);
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
	size_t		size = sizeof(TraceCall) + call->nkeys + server_size +
		call->named_len;
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
	if (call->named_len > 0)
		kept->named = put_bytes(&place, call->named, call->named_len);
	kept->outcomes = put_bytes(&place, call->outcomes, call->nkeys);
	kept->server = put_bytes(&place, call->server, server_size);

	/* It takes the place of the other one. */
	kept->node.prev->next = &kept->node;
	kept->node.next->prev = &kept->node;
}
