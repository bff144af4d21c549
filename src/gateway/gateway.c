/*-------------------------------------------------------------------------
 *
 * gateway.c
 *		A call: its batches, and its rows in the order of its ids.
 *
 * Batches are held in a ring, and handed to the call's sender as far as that
 * reaches.  og_call_next() hands out the rows of the batch at the head of the
 * ring; og_call_advance() has the sender work until that batch is done.  An id
 * that stands at several positions is answered at each of them: what its later
 * positions will say is kept when its batch goes.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/memutils.h"

#include "gateway/gateway_internal.h"
#include "ground/list.h"

/* What later positions of a key answer whose batch is gone. */
typedef struct SavedOutcome
{
	OgOutcome	outcome;
	OgExchange	exchange;
	int			batch;
} SavedOutcome;

/* A key, where ids are repeated: how often it is still to be answered. */
typedef struct RepeatedKey
{
	int			remaining;
	SavedOutcome *saved;		/* NULL while its batch is there */
} RepeatedKey;

/* Count the positions of each key, if any key is repeated. */
static void
count_positions(OgCall *call)
{
	const OgKeys *keys = call->keys;

	if (keys->key_of == NULL)
		return;
	call->repeated = MemoryContextAllocExtended(call->context,
												keys->nkeys * sizeof(RepeatedKey),
												MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	for (int i = 0; i < keys->npositions; i++)
	{
		if ((i & 0xffff) == 0)
			CHECK_FOR_INTERRUPTS();
		call->repeated[keys->key_of[i]].remaining++;
	}
}

/* ---------- beginning and end ---------- */

OgCall *
og_call_open(const OgAccount *account, const OgOperation *operation,
			 const OgFields *arguments, const OgKeys *keys,
			 const OgCaller *caller)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext,
												  "order_gateway call",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	OgCall	   *call = palloc0(sizeof(OgCall));

	call->context = context;
	call->operation = operation;
	call->arguments = arguments;
	call->keys = keys;
	og_keys_split(&call->split, keys, account, operation);
	Assert(keys->arguments == NULL || call->split.size == 1);
	call->ring_size = Min(OG_RUN_AHEAD * account->max_in_flight,
						  call->split.nbatches);
	call->ring = palloc0(call->ring_size * sizeof(CallBatch));
	count_positions(call);
	og_sender_open(&call->sender, account, operation, caller);
	call->sender.width = account->max_in_flight;
	call->sender.further = call->split.nbatches;
	og_report_begin(&call->sender, keys->nkeys);
	MemoryContextSwitchTo(old);
	return call;
}

void
og_call_cancel(OgCall *call, const char *why)
{
	og_sender_cancel(&call->sender, why, why);
}

void
og_call_close(OgCall *call)
{
	int64		foreign = call->foreign;

	while (call->head < call->created)
		og_batch_release(&call->ring[call->head++ % call->ring_size]);
	og_sender_close(&call->sender);
	if (foreign > 0)
		og_patience_hear(&call->sender, OG_NEWS_FOREIGN, foreign, NULL);
	MemoryContextDelete(call->context);
}

/* ---------- how far it is ---------- */

int
og_call_batches(const OgCall *call)
{
	return call->split.nbatches;
}

int
og_call_first_key(const OgCall *call, int batch)
{
	return og_split_first(&call->split, batch);
}

static void
append_open_keys(StringInfo names, const Errand *errand)
{
	for (int i = 0; i < errand->asked.nkeys; i++)
	{
		OgSlice		key = errand->asked.keys[i];

		og_list_add(names, "%.*s", (int) key.len, key.data);
	}
}

void
og_call_progress(const OgCall *call, OgProgress *progress,
				 StringInfo in_flight)
{
	dlist_iter	iter;

	progress->total = call->keys->nkeys;
	progress->answered = call->sender.report.nanswered;
	progress->done = call->ndone;
	progress->in_flight = 0;
	dlist_foreach(iter, (dlist_head *) &call->sender.errands)
	{
		const Errand *errand = og_errand_of(iter.cur);

		if (errand->state < ERRAND_IN_FLIGHT || !errand->left)
			continue;
		progress->in_flight += errand->asked.nkeys;
		if (in_flight != NULL)
			append_open_keys(in_flight, errand);
	}
}

/* ---------- its batches ---------- */

/* Hold the next batches in the ring, as far as it reaches. */
static void
fill_ring(OgCall *call)
{
	while (call->created < call->split.nbatches &&
		   call->created - call->head < call->ring_size)
	{
		CallBatch  *batch = &call->ring[call->created % call->ring_size];

		og_batch_create(batch, call, call->created);
		call->sender.further = call->split.nbatches - ++call->created;
	}
}

/* ---------- its rows ---------- */

/* A copy of an outcome, and of those behind it, in the call's context. */
static void
copy_outcome(OgOutcome *to, const OgOutcome *from)
{
	*to = *from;
	if (from->code)
		to->code = pstrdup(from->code);
	if (from->message)
		to->message = pstrdup(from->message);
	if (from->response.data)
	{
		char	   *bytes = palloc(Max(from->response.len, 1));

		memcpy(bytes, from->response.data, from->response.len);
		to->response.data = bytes;
	}
	to->part = og_slice(NULL, 0);
	if (from->next)
	{
		to->next = palloc(sizeof(OgOutcome));
		copy_outcome(to->next, from->next);
	}
}

/* Free such a copy, but not the outcome itself. */
static void
free_outcome(OgOutcome *outcome)
{
	if (outcome->next)
	{
		free_outcome(outcome->next);
		pfree(outcome->next);
	}
	if (outcome->code)
		pfree((char *) outcome->code);
	if (outcome->message)
		pfree((char *) outcome->message);
	if (outcome->response.data)
		pfree((char *) outcome->response.data);
}

/* The last row of a saved outcome is out. */
static void
free_saved(OgCall *call)
{
	free_outcome(&call->spent->outcome);
	pfree(call->spent);
	call->spent = NULL;
}

/* Keep what later positions of repeated keys will answer. */
static void
save_repeated(OgCall *call, const CallBatch *batch)
{
	MemoryContext old = MemoryContextSwitchTo(call->context);

	for (int i = 0; i < batch->nkeys; i++)
	{
		int			key = batch->first_key + i;
		SavedOutcome *saved;

		if (call->repeated[key].remaining == 0)
			continue;
		saved = palloc(sizeof(SavedOutcome));
		copy_outcome(&saved->outcome, &batch->outcomes[i]);
		saved->exchange = batch->exchanges[i];
		saved->batch = batch->errand.number;
		call->repeated[key].saved = saved;
	}
	MemoryContextSwitchTo(old);
}

/* All rows of the batch at the head are out: go on to the next. */
static void
leave_head(OgCall *call)
{
	CallBatch  *batch = &call->ring[call->head % call->ring_size];

	if (call->repeated)
		save_repeated(call, batch);
	og_batch_release(batch);
	call->head++;
}

/* The batch that a key is in, which is in the ring. */
static CallBatch *
batch_of(OgCall *call, int key)
{
	int			number = og_split_batch(&call->split, key);

	return &call->ring[number % call->ring_size];
}

static void
fill_row(OgRow *row, const OgExchange *exchange, int batch)
{
	row->batch = batch + 1;
	row->attempts = exchange->attempts;
	row->http_status = exchange->http_status;
	row->sent_at = exchange->sent_at;
	row->answered_at = exchange->answered_at;
}

/* The batch that has to be done before the next row is there, or -1. */
static int
batch_needed(const OgCall *call)
{
	int			key;

	if (call->further != NULL || call->position >= call->keys->npositions)
		return -1;
	key = og_keys_at(call->keys, call->position);
	if (call->repeated != NULL && call->repeated[key].saved != NULL)
		return -1;
	return og_split_batch(&call->split, key);
}

static bool
is_done(const OgCall *call, int number)
{
	return number < call->created &&
		call->ring[number % call->ring_size].errand.state == ERRAND_DONE;
}

bool
og_call_advance(OgCall *call, OgPause *pause)
{
	int			number = batch_needed(call);

	if (number < 0)
		return true;
	if (call->created == 0)
		og_patience_announce(&call->sender,
							 og_limiter_estimate(call->sender.limiter,
												 og_clock_now(),
												 call->split.nbatches));
	while (call->head < number)
		leave_head(call);
	while (!is_done(call, number))
	{
		fill_ring(call);
		if (!is_done(call, number) &&
			!og_sender_step(&call->sender, pause))
			return is_done(call, number);
	}
	return true;
}

bool
og_call_next(OgCall *call, OgRow *row)
{
	SavedOutcome *saved = NULL;
	int			key;

	if (call->further)
	{
		*row = call->row;
		row->outcome = call->further;
		call->further = call->further->next;
		return true;
	}
	if (call->spent)
		free_saved(call);
	if (call->position >= call->keys->npositions)
		return false;

	key = og_keys_at(call->keys, call->position);
	row->position = call->position;
	if (call->repeated)
	{
		call->repeated[key].remaining--;
		saved = call->repeated[key].saved;
	}
	if (saved)
	{
		if (call->repeated[key].remaining == 0)
			call->spent = saved;
		row->outcome = &saved->outcome;
		fill_row(row, &saved->exchange, saved->batch);
	}
	else
	{
		CallBatch  *batch = batch_of(call, key);
		int			i = key - batch->first_key;

		row->outcome = &batch->outcomes[i];
		fill_row(row, &batch->exchanges[i], batch->errand.number);
	}
	call->position++;
	call->row = *row;
	call->further = row->outcome->next;
	return true;
}
