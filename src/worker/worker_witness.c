/*-------------------------------------------------------------------------
 *
 * worker_witness.c
 *		What the pipeline asks and tells of a call that is being made, and what
 *		is to be written of it.
 *
 * A request may leave when all its orders are marked: a row that says so is
 * committed, flushed, and where the synchronous standbys have to have it.  Until
 * then it is held back; that it was asked for is what makes its mark.  The number
 * of a turn stands for what was committed in it.
 *
 * An attempt that was provably not processed takes its mark back, so that it is
 * no order of unknown fate if all ends now; another attempt needs another mark.
 *
 * Requests count as in flight of their line from when their mark is wanted until
 * something is said of their first key.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "ground/clock.h"
#include "worker/worker_call.h"
#include "worker/worker_internal.h"
#include "worker/worker_told.h"

/*
 * A request that is refused for its nonce was overtaken by another one: so long
 * those of its line are sent one after the other then.
 */
#define IN_ORDER_US		INT64CONST(60000000)

/* So long who wanted a place has a claim on the next one. */
#define WANTED_US		INT64CONST(100000)

/* Marks of all turns up to this one let requests leave. */
static uint32 released = 0;

/* Nothing can be written: nothing leaves. */
static bool blocked = false;

void
og_witness_begin(uint32 turn)
{
	released = turn;
	blocked = false;
}

void
og_witness_release(uint32 turn)
{
	released = turn;
}

void
og_witness_block(bool nothing_leaves)
{
	blocked = nothing_leaves;
}

/* Turns are counted on and on, beyond what fits. */
static bool
is_released(uint32 turn)
{
	return turn != UNMARKED && turn != WANTED &&
		(int32) (turn - released) <= 0;
}

/* The key of a call that a key of its round is. */
static int
key_of(const Making *making, int key)
{
	return making->key_of != NULL ? making->key_of[key] : key;
}

/* ---------- requests in flight ---------- */

static void
take_place(Making *making, KeyState *state)
{
	Line	   *line = making->line;

	if (state->leads)
		return;
	state->leads = true;
	making->in_flight++;
	line->in_flight++;
	line->served_last = making->served != NULL;
	line->wanted_at[line->served_last] = 0;
}

static void
give_place_back(Making *making, KeyState *state)
{
	if (!state->leads)
		return;
	state->leads = false;
	state->told = false;
	making->in_flight--;
	making->line->in_flight--;
}

/* Is there a place for one more request? */
static bool
has_place(Making *making, int64 now)
{
	Line	   *line = making->line;
	bool		served = making->served != NULL;
	int			most = now < line->in_order_until ? 1 : line->max_in_flight;

	/* Who only tries whether a server can be reached does that once. */
	if (!served && line->target->pause_us != 0 && making->in_flight > 0)
		return false;
	if (line->in_flight >= most)
	{
		line->wanted_at[served] = now;
		return false;
	}

	/* What sessions wait for and what they do not take turns. */
	making->yields_until = line->served_last != served ? 0
		: line->wanted_at[!served] + WANTED_US;
	return now >= making->yields_until;
}

/* May this call send anything now, as far as its server goes? */
static bool
target_lets(const Making *making, int64 now)
{
	/* A session wants to hear what is the matter. */
	return making->served != NULL ||
		og_target_lets(making->line->target, making->call.call_id, now);
}

/* ---------- marks ---------- */

static PendingMark *
add_mark(Making *making, bool leaves)
{
	Pending    *pending = &making->pending;
	PendingMark *mark;

	if (pending->marks == NULL || pending->nmarks == pending->marks_size)
	{
		int			size = Max(2 * pending->marks_size, 4);

		pending->marks = pending->marks == NULL
			? MemoryContextAlloc(pending->context, size * sizeof(PendingMark))
			: repalloc(pending->marks, size * sizeof(PendingMark));
		pending->marks_size = size;
	}
	mark = &pending->marks[pending->nmarks++];
	*mark = (PendingMark) {.number = ++making->nmarks,.leaves = leaves};
	return mark;
}

static void
add_key(Making *making, PendingMark *mark, int key)
{
	if (mark->nkeys == mark->size)
	{
		int			size = Max(2 * mark->size, 4);

		mark->keys = mark->keys == NULL
			? MemoryContextAlloc(making->pending.context, size * sizeof(int))
			: repalloc(mark->keys, size * sizeof(int));
		mark->size = size;
	}
	mark->keys[mark->nkeys++] = key;
}

/* Have those keys of a request marked that are not. */
static void
want_marks(Making *making, const int *keys, int nkeys)
{
	PendingMark *mark = NULL;

	for (int i = 0; i < nkeys; i++)
	{
		int			key = key_of(making, keys[i]);

		if (making->states[key].turn != UNMARKED)
			continue;
		if (mark == NULL)
			mark = add_mark(making, true);
		add_key(making, mark, key);
		making->states[key].turn = WANTED;
	}
}

/* What a key's mark says did not happen. */
static void
take_mark_back(Making *making, int key)
{
	Pending    *pending = &making->pending;
	PendingMark *mark = pending->nmarks > 0
		? &pending->marks[pending->nmarks - 1] : NULL;

	if (making->states[key].turn == UNMARKED)
		return;
	if (mark == NULL || mark->leaves)
		mark = add_mark(making, false);
	add_key(making, mark, key);
	making->states[key].turn = UNMARKED;
	making->states[key].left = false;
}

/*
 * From the first mark on that is not written none is, since one that takes back
 * what another says does not stand alone.
 */
void
og_pending_last(Making *making)
{
	Pending    *pending = &making->pending;
	int			n = 0;

	while (n < pending->nmarks && !pending->marks[n].leaves)
		n++;
	pending->nmarks = n;
	for (int key = 0; key < making->keys->nkeys; key++)
	{
		const KeyState *state = &making->states[key];

		if (state->turn != WANTED && !state->left && !state->done)
			take_mark_back(making, key);
	}
}

static bool
may_leave(void *owner, const int *keys, int nkeys)
{
	Making	   *making = owner;
	KeyState   *first = &making->states[key_of(making, keys[0])];
	int64		now = og_clock_now();

	if (blocked || making->stuck ||
		making->over != NULL || making->stopped || making->failed ||
		now < making->held_until ||
		GetCurrentTimestamp() >= making->call.expires_at ||
		!target_lets(making, now) ||
		(!first->leads && !has_place(making, now)))
		return false;
#ifdef OG_PLANT_DESK
	if (making->served != NULL)	/* a fault for test/storm to find */
		return og_told_leaves(making, keys, nkeys);
#endif
	want_marks(making, keys, nkeys);
	take_place(making, first);
#ifdef OG_PLANT_J5
	return true;				/* a fault for test/storm to find */
#endif
	for (int i = 0; i < nkeys; i++)
	{
		if (!is_released(making->states[key_of(making, keys[i])].turn))
			return false;
	}
	if (making->served != NULL && !og_told_leaves(making, keys, nkeys))
		return false;
	for (int i = 0; i < nkeys; i++)
		making->states[key_of(making, keys[i])].left = true;
	return true;
}

/* ---------- results ---------- */

static OgJournalResult *
add_result(Making *making)
{
	Pending    *pending = &making->pending;

	if (pending->nresults == pending->results_size)
	{
		int			size = Max(2 * pending->results_size, 4);

		pending->results = pending->results == NULL
			? MemoryContextAlloc(pending->context,
								 size * sizeof(OgJournalResult))
			: repalloc_huge(pending->results, size * sizeof(OgJournalResult));
		pending->results_size = size;
	}
	return &pending->results[pending->nresults++];
}

static const char *
copy_text(const char *text)
{
	return text != NULL ? pstrdup(text) : NULL;
}

/* All orders of a key, at one position of its id. */
static void
add_results(Making *making, int position, const OgRow *row)
{
	int			leg = 1;

	for (const OgOutcome *o = row->outcome; o != NULL; o = o->next, leg++)
	{
		OgJournalResult *result = add_result(making);

		*result = (OgJournalResult)
		{
			.ordinal = position + 1,
			.leg = leg,
			.order_id = og_keys_get(making->keys,
									og_keys_at(making->keys, position)),
			.outcome = o->verdict,
			.code = copy_text(o->code),
			.message = copy_text(o->message),
			.batch = row->batch,
			.attempts = row->attempts,
			.http_status = row->http_status,
			.sent_at = row->sent_at,
			.answered_at = row->answered_at,
			.response = og_slice_copy(o->response)
		};
		making->outcomes[o->verdict]++;
	}
}

/* A key has its result, which is said at each place where its id stands. */
static void
put_result(Making *making, int key, const OgRow *row)
{
	MemoryContext old = MemoryContextSwitchTo(making->pending.context);

	for (int position = og_making_ordinal(making, key) - 1; position >= 0;
		 position = making->next_same ? making->next_same[position] : -1)
		add_results(making, position, row);
	making->counters.ids[row->outcome->verdict]++;
	making->states[key].done = true;
	making->nopen--;
	MemoryContextSwitchTo(old);
}

/* ---------- what is not processed ---------- */

/*
 * Which words these are, among those that were heard; new ones if need be, -1 if
 * there are too many.
 */
static int
find_words(Making *making, const OgRow *row)
{
	const OgOutcome *outcome = row->outcome;
	const char *code = outcome->code ? outcome->code : "";
	const char *message = outcome->message ? outcome->message : "";
	int			n = 0;
	MemoryContext old;

	while (n < making->nwords &&
		   (making->words[n].http_status != row->http_status ||
			strcmp(making->words[n].code, code) != 0 ||
			strcmp(making->words[n].message, message) != 0))
		n++;
	if (n < making->nwords)
		return n;
	if (n == MAX_WORDS)
		return -1;
	old = MemoryContextSwitchTo(making->context);
	making->words[n] = (Words) {pstrdup(code), pstrdup(message),
		row->http_status};
	making->nwords++;
	MemoryContextSwitchTo(old);
	return n;
}

/* Keep what a key was answered that may be asked again. */
static void
keep_answer(Making *making, int key, const OgRow *row)
{
	if (row->sent_at == 0)
		return;
	if (making->last == NULL)
		making->last = MemoryContextAllocExtended(making->context,
												  making->keys->nkeys * sizeof(LastAnswer),
												  MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	making->last[key] = (LastAnswer) {row->sent_at, row->answered_at,
		making->nbatches + row->batch, find_words(making, row)};
}

static void
note_problem(Making *making, const char *problem)
{
	if (problem == NULL ||
		(making->problem != NULL && strcmp(making->problem, problem) == 0))
		return;
	if (making->problem != NULL)
		pfree(making->problem);
	making->problem = MemoryContextStrdup(making->context, problem);
}

void
og_pending_unsent(Making *making, int key)
{
	const LastAnswer *last = making->last ? &making->last[key] : NULL;
	OgOutcome	outcome = {.verdict = making->unsent};
	OgRow		row = {.outcome = &outcome,.attempts = making->states[key].attempts};

	Assert(making->states[key].turn == UNMARKED);
	outcome.message = making->over;
	if (making->problem != NULL && strcmp(making->over, OG_EXPIRED) == 0)
		outcome.message = psprintf("%s: %s", making->over, making->problem);
	if (last != NULL && last->sent_at != 0)
	{
		static const Words forgotten = {"", "", 0};
		const Words *words = last->words >= 0
			? &making->words[last->words] : &forgotten;

		/* What this server was refused, another one may have been granted. */
		if (outcome.verdict == OG_NOT_SENT)
			outcome.verdict = OG_REJECTED;
		outcome.code = words->code[0] != '\0' ? words->code : NULL;
		outcome.message = words->message[0] != '\0' ? words->message : NULL;
		row.http_status = words->http_status;
		row.sent_at = last->sent_at;
		row.answered_at = last->answered_at;
		row.batch = last->batch;
	}
	put_result(making, key, &row);
}

/* ---------- what is told of keys ---------- */

/* A server could not be reached: tell of the beginning of that. */
static void
tell_failure(const Making *making, const char *problem)
{
	const char *server = making->share->account->server;
	char		error[OG_LAST_ERROR];

	snprintf(error, sizeof(error), "server \"%s\": %s", server,
			 problem ? problem : "could not be reached");
	og_workers_show_error(error);
	if (making->line->target->nfailures == 1)
		ereport(LOG,
				(errmsg("order_gateway: calls of server \"%s\" wait: %s",
						server, problem ? problem : "it could not be reached"),
				 errdetail("They are tried again until they expire.")));
}

/*
 * What an attempt came to.  All keys of its request are told of, the first one
 * first.
 */
static void
note_answered(void *owner, int key, const OgOutcome *outcome)
{
	Making	   *making = owner;

	key = key_of(making, key);
	give_place_back(making, &making->states[key]);
	making->states[key].refused = outcome->verdict == OG_REJECTED;
	if (outcome->verdict != OG_NOT_SENT && outcome->verdict != OG_UNKNOWN)
		og_target_reach(making->line->target);
	else if (outcome->verdict == OG_NOT_SENT && making->over == NULL &&
			 !making->stopped && making->served == NULL)
	{
		note_problem(making, outcome->message);
		making->failed = true;
		if (og_target_fail(making->line->target,
						   making->share->account->version.server,
						   og_clock_now()))
			tell_failure(making, outcome->message);
	}
	if (outcome->verdict != OG_NOT_SENT && outcome->verdict != OG_TOO_FREQUENT)
		return;
	if (making->served != NULL && making->states[key].left)
		og_told_back(making, key);
	take_mark_back(making, key);
}

static void
note_closed(void *owner, int key, const OgRow *row)
{
	Making	   *making = owner;
	KeyState   *state;
	OgRow		all = *row;

	key = key_of(making, key);
	state = &making->states[key];
	give_place_back(making, state);
	if (row->http_status != 0)
		og_target_reach(making->line->target);
	making->highest_batch = Max(making->highest_batch, row->batch);
	all.attempts = Min(state->attempts + row->attempts, PG_UINT16_MAX);
	if (row->unprocessed && making->served == NULL)
	{
		take_mark_back(making, key);
		keep_answer(making, key, row);
		if (row->sent_at == 0 && making->over == NULL && !making->stopped)
			note_problem(making, row->outcome->message);
		state->attempts = (uint16) all.attempts;

		/* A refusal that leaves it unprocessed is one of the nonce. */
		if (state->refused)
			making->line->in_order_until = og_clock_now() + IN_ORDER_US;
		state->refused = false;
		return;
	}
	all.batch = making->nbatches + row->batch;
	put_result(making, key, &all);
}

static void
hear(void *owner, const OgNews *news)
{
	Making	   *making = owner;
	int			number = (int) Min(news->number, PG_INT32_MAX);

	if (making->served != NULL && og_told_news(making, news))
		return;
	if (news->kind == OG_NEWS_FOREIGN)
		ereport(LOG,
				(errmsg_plural("order_gateway: server \"%s\" answered about %d order that was not asked for",
							   "order_gateway: server \"%s\" answered about %d orders that were not asked for",
							   number, news->account->server, number),
				 errdetail("What it said about them, in answer to call " INT64_FORMAT ", was ignored.",
						   making->call.call_id)));
}

const OgWitness og_worker_witness = {
	.may_leave = may_leave,
	.answered = note_answered,
	.closed = note_closed,
	.hear = hear
};

/* ---------- what was written ---------- */

/*
 * A call counts once, however many rounds it took, and each of its ids with what
 * became of it in the end.  One that could not be read has no name to count by.
 * The pipeline counts those of sessions, unless it was not begun.
 */
static void
count(Making *making)
{
	const OgJournalCall *call = &making->call;

	if (call->server == NULL || (making->served != NULL && making->served->opened) ||
		(making->pending.nresults == 0 && !making->pending.end))
		return;
	making->counters.calls = making->pending.end;
	og_stats_add(call->serverid, call->server, call->function,
				 &making->counters);
}

void
og_pending_written(Making *making, uint32 turn)
{
	Pending    *pending = &making->pending;

	count(making);
	if (making->served != NULL)
		og_told_written(making);
	for (int i = 0; i < pending->nmarks; i++)
	{
		const PendingMark *mark = &pending->marks[i];

		for (int k = 0; mark->leaves && k < mark->nkeys; k++)
		{
			KeyState   *state = &making->states[mark->keys[k]];

			if (state->turn != WANTED)
				continue;
			state->turn = making->no_marks ? UNMARKED : turn;
			if (making->no_marks)
				give_place_back(making, state);
		}
	}
	making->no_marks = false;
	MemoryContextReset(pending->context);
	*pending = (Pending) {.context = pending->context};
}
