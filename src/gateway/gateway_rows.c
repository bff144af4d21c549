/*-------------------------------------------------------------------------
 *
 * gateway_rows.c
 *		The rows of a call, in the order in which its ids were given.
 *
 * og_call_next() hands out the rows of the batch at the head of the ring, and
 * has the pipeline run until that batch is done.  An id that stands at several
 * positions is answered at each of them: what its later positions will say is
 * kept when its batch goes.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/memutils.h"

#include "gateway/gateway_internal.h"

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
void
og_rows_begin(OgCall *call)
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
		saved->batch = batch->number;
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

/* Run the pipeline until the batch of a key is done. */
static CallBatch *
finish_batch_of(OgCall *call, int key)
{
	int			number = og_split_batch(&call->split, key);

	while (call->head < number)
		leave_head(call);
	while (call->created <= number ||
		   call->ring[number % call->ring_size].state != BATCH_DONE)
		og_call_step(call);
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
		CallBatch  *batch = finish_batch_of(call, key);
		int			i = key - batch->first_key;

		row->outcome = &batch->outcomes[i];
		fill_row(row, &batch->exchanges[i], batch->number);
	}
	call->position++;
	call->row = *row;
	call->further = row->outcome->next;
	return true;
}
