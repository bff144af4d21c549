/*-------------------------------------------------------------------------
 *
 * gateway.c
 *		A call: its batches, and its rows in the order of its ids.
 *
 * Some batches are held at a time, and handed to the call's sender.
 * og_call_next() hands out the rows of the first of them; og_call_advance() has
 * the sender work until that one is done.  An id that stands at several positions
 * is answered at each of them: what its later positions will say is kept when
 * its batch goes.
 *
 * Each key carries the last outcome it got, so that giving up at any moment
 * (no more attempts, max_wait, call_timeout) only means to stop: a key that
 * was never sent is "not_sent", one that the provider held off is "rejected".
 * What is asked once more are keys that were provably not processed; those
 * with a final outcome never are.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "nodes/pg_list.h"
#include "utils/memutils.h"

#include "gateway/gateway_internal.h"
#include "ground/list.h"

/* What is known of a key, and its row but for the position. */
typedef struct Answer
{
	OgOutcome	outcome;		/* final, or the last one so far */
	OgRow		row;			/* of the last attempt that it was part of */
} Answer;

/*
 * The keys of one request.  What it points to lives in the errand's context;
 * itself in the call's, since the sender looks at its errands, and libcurl at
 * what owns its transfers, also when all contexts go, which children do first.
 */
typedef struct CallBatch
{
	Errand		errand;
	OgCall	   *call;
	struct CallBatch *next;
	int			first_key;
	int			nkeys;
	OgSlice    *open;			/* texts of the keys still open */
	Answer	   *answers;		/* per key */
	OgCollected collected;		/* of the last response */
	List	   *transfers;		/* ended ones that outcomes point into */
} CallBatch;

/* A key, where ids are repeated: how often it is still to be answered. */
typedef struct RepeatedKey
{
	int			remaining;
	Answer	   *saved;			/* NULL while its batch is there */
} RepeatedKey;

struct OgCall
{
	MemoryContext context;
	const OgOperation *operation;
	const OgFields *arguments;
	const OgKeys *keys;
	Sender		sender;

	CallBatch  *first;			/* of those that are held, in their order; or NULL */
	CallBatch  *last;
	int			nheld;
	int			ncreated;
	int			next_key;		/* the first that is in no batch yet */

	/* rows */
	int			position;
	const OgOutcome *further;	/* next order of the same key */
	OgRow		row;
	RepeatedKey *repeated;		/* per key; NULL while all ids differ */
	Answer	   *spent;			/* that was saved; its last row is out */
	int64		foreign;		/* elements about orders not asked for */
	int			ndone;			/* keys with the verdict that was wanted */
};

/* ---------- what becomes of a batch ---------- */

/* All is said about a key. */
static void
close_key(CallBatch *batch, int i)
{
	OgCall	   *call = batch->call;
	const OgCaller *caller = &call->sender.caller;
	OgOutcome  *outcome = &batch->answers[i].outcome;

	for (OgOutcome *o = outcome; o != NULL; o = o->next)
	{
		if (o->verdict == OG_TOO_FREQUENT)
			o->verdict = OG_REJECTED;
	}
	if (outcome->verdict == call->operation->done)
		call->ndone++;
	og_report_outcome(&call->sender, outcome->verdict);
	if (caller->witness->closed != NULL)
		caller->witness->closed(caller->owner, batch->first_key + i,
								&batch->answers[i].row);
}

static void
give_up(Errand *errand, const char *why)
{
	CallBatch  *batch = (CallBatch *) errand;

	for (int i = 0; i < errand->asked.nkeys; i++)
	{
		int			key = errand->numbers[i] - batch->first_key;
		OgOutcome  *outcome = &batch->answers[key].outcome;

		if (outcome->verdict == OG_NOT_SENT && outcome->message == NULL)
			outcome->message = why;
		close_key(batch, key);
	}
	errand->asked.nkeys = 0;
}

static void
take_answer(Errand *errand, const OgResponse *response, Attempt *attempt)
{
	CallBatch  *batch = (CallBatch *) errand;
	OgCollected *collected = &batch->collected;

	og_collect(collected, errand->operation, &errand->asked, response);
	batch->call->foreign += collected->foreign;
	attempt->wants_fewer = collected->wants_fewer;
	attempt->nonce_refused = collected->nonce_refused;
}

/*
 * Note what an attempt says about one key.  An attempt that did not get out
 * says nothing new about a key that was sent before: what it was answered then
 * was that it is unprocessed.
 */
static void
note_outcome(CallBatch *batch, int i, const OgOutcome *outcome,
			 bool unprocessed, const OgResponse *response)
{
	const OgCaller *caller = &batch->errand.sender->caller;
	Answer	   *answer = &batch->answers[i];
	OgRow	   *row = &answer->row;
	bool		sent = response->delivery != OG_NOT_DELIVERED;

	row->attempts = batch->errand.attempts;
	if (!sent && row->sent_at != 0)
		return;
	answer->outcome = *outcome;
	row->unprocessed = unprocessed;
	row->http_status = response->status;
	row->sent_at = sent ? response->sent_at : 0;
	row->answered_at = sent ? response->answered_at : 0;
	if (caller->witness->answered != NULL)
		caller->witness->answered(caller->owner, batch->first_key + i,
								  outcome);
}

/*
 * Close the keys that were asked for, but those that may go again if the
 * batch may.
 */
static bool
settle_keys(Errand *errand, OgTransfer *transfer, const Attempt *attempt,
			bool again)
{
	CallBatch  *batch = (CallBatch *) errand;
	int			nopen = 0;

	for (int i = 0; i < errand->asked.nkeys; i++)
	{
		int			key = errand->numbers[i] - batch->first_key;
		const OgOutcome *outcome = &batch->collected.outcomes[i];
		bool		unprocessed = outcome->verdict == OG_NOT_SENT ||
			outcome->verdict == OG_TOO_FREQUENT || attempt->nonce_refused;

		note_outcome(batch, key, outcome, unprocessed,
					 og_http_response(transfer));
		if (again && unprocessed)
		{
			errand->numbers[nopen] = errand->numbers[i];
			batch->open[nopen++] = batch->open[i];
		}
		else
			close_key(batch, key);
	}
	errand->asked.nkeys = nopen;
	batch->transfers = lappend(batch->transfers, transfer);
	return nopen > 0;
}

static const ErrandKind act = {
	.take = take_answer,
	.settle = settle_keys,
	.give_up = give_up
};

/* ---------- batches that are held ---------- */

/* Prepare the next batch of a call: its keys, none of them sent. */
static void
create_batch(OgCall *call)
{
	MemoryContext context = AllocSetContextCreate(call->context,
												  "order_gateway batch",
												  ALLOCSET_SMALL_SIZES);
	CallBatch  *batch = MemoryContextAllocZero(call->context,
											   sizeof(CallBatch));
	MemoryContext old = MemoryContextSwitchTo(context);
	Errand	   *errand = &batch->errand;
	int			first = call->next_key;

	call->next_key = og_keys_batch_end(call->keys, call->sender.account,
									   call->operation, first);
	batch->call = call;
	batch->first_key = first;
	batch->nkeys = call->next_key - first;
	batch->open = og_keys_batch(&errand->asked, call->keys, first,
								call->next_key, call->arguments);
	batch->answers = palloc0(batch->nkeys * sizeof(Answer));
	errand->kind = &act;
	errand->operation = call->operation;
	errand->context = context;
	errand->number = call->ncreated++;
	errand->numbers = palloc(batch->nkeys * sizeof(int));
	for (int i = 0; i < batch->nkeys; i++)
	{
		Answer	   *answer = &batch->answers[i];

		errand->numbers[i] = first + i;
		answer->outcome.verdict = OG_NOT_SENT;
		answer->row.outcome = &answer->outcome;
		answer->row.batch = call->ncreated;
		answer->row.unprocessed = true;
	}
	MemoryContextSwitchTo(old);

	if (call->first == NULL)
		call->first = batch;
	else
		call->last->next = batch;
	call->last = batch;
	call->nheld++;
	call->sender.further--;
	og_sender_add(&call->sender, errand);
}

void
og_outcome_copy(OgOutcome *to, const OgOutcome *from)
{
	*to = *from;
	if (from->code)
		to->code = pstrdup(from->code);
	if (from->message)
		to->message = pstrdup(from->message);
	to->response = og_slice_copy(from->response);
	to->part = og_slice(NULL, 0);
	if (from->next)
	{
		to->next = palloc(sizeof(OgOutcome));
		og_outcome_copy(to->next, from->next);
	}
}

void
og_outcome_free(OgOutcome *outcome)
{
	if (outcome->next)
	{
		og_outcome_free(outcome->next);
		pfree(outcome->next);
	}
	if (outcome->code)
		pfree((char *) outcome->code);
	if (outcome->message)
		pfree((char *) outcome->message);
	if (outcome->response.data)
		pfree((char *) outcome->response.data);
}

/* Keep what later positions of repeated keys will answer. */
static void
save_repeated(OgCall *call, const CallBatch *batch)
{
	MemoryContext old = MemoryContextSwitchTo(call->context);

	for (int i = 0; i < batch->nkeys; i++)
	{
		RepeatedKey *repeated = &call->repeated[batch->first_key + i];

		if (repeated->remaining == 0)
			continue;
		repeated->saved = palloc(sizeof(Answer));
		repeated->saved->row = batch->answers[i].row;
		repeated->saved->row.outcome = &repeated->saved->outcome;
		og_outcome_copy(&repeated->saved->outcome, &batch->answers[i].outcome);
	}
	MemoryContextSwitchTo(old);
}

/* All rows of the first batch are out: go on to the next. */
static void
leave_first(OgCall *call)
{
	CallBatch  *batch = call->first;
	ListCell   *cell;

	if (call->repeated)
		save_repeated(call, batch);
	foreach(cell, batch->transfers)
		og_http_release(lfirst(cell));
	call->first = batch->next;
	call->nheld--;
	MemoryContextDelete(batch->errand.context);
	pfree(batch);
}

/* ---------- beginning and end ---------- */

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
	int			nbatches = 0;

	call->context = context;
	call->operation = operation;
	call->arguments = arguments;
	call->keys = keys;
	for (int key = 0; key < keys->nkeys; nbatches++)
		key = og_keys_batch_end(keys, account, operation, key);
	Assert(keys->arguments == NULL || nbatches == keys->nkeys);
	count_positions(call);
	og_sender_open(&call->sender, account, operation, caller);
	call->sender.width = account->max_in_flight;
	call->sender.further = nbatches;
	og_report_begin(&call->sender, keys->nkeys);
	MemoryContextSwitchTo(old);
	return call;
}

void
og_call_stop(OgCall *call, const char *why)
{
	og_sender_stop(&call->sender, why);
}

void
og_call_cancel(OgCall *call, const char *why)
{
	og_sender_cancel(&call->sender, why, why);
}

void
og_call_close(OgCall *call)
{
	if (call->foreign > 0)
		og_pace_hear(&call->sender, OG_NEWS_FOREIGN, call->foreign, NULL);
	MemoryContextDelete(call->context);
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
	progress->wanted = call->operation->done;
	progress->in_flight = 0;
	dlist_foreach(iter, (dlist_head *) &call->sender.errands)
	{
		const Errand *errand = og_errand_of(iter.cur);

		if (!og_errand_is_away(errand))
			continue;
		progress->in_flight += errand->asked.nkeys;
		if (call->operation->done != OG_CANCELLED)
			append_open_keys(in_flight, errand);
	}
	progress->in_flight = Min(progress->in_flight,
							  progress->total - progress->answered);
}

/* ---------- rows ---------- */

/* The key whose batch has to be done before the next row is there, or -1. */
static int
key_needed(const OgCall *call)
{
	int			key;

	if (call->further != NULL || call->position >= call->keys->npositions)
		return -1;
	key = og_keys_at(call->keys, call->position);
	return call->repeated != NULL && call->repeated[key].saved != NULL
		? -1 : key;
}

/*
 * Keys are numbered in the order of their first positions, so what is needed is
 * in the first batch that is held, or behind it.
 */
bool
og_call_advance(OgCall *call, OgPause *pause)
{
	int			key = key_needed(call);
	int			most = OG_RUN_AHEAD * call->sender.width;

	if (key < 0)
		return true;
	if (call->ncreated == 0 && call->sender.stopped == NULL)
		og_pace_announce(&call->sender,
						 og_limiter_estimate(call->sender.limiter,
											 og_clock_now(),
											 call->sender.further));
	while (call->first != NULL &&
		   key >= call->first->first_key + call->first->nkeys)
		leave_first(call);
	while (call->first == NULL || call->first->errand.state != ERRAND_DONE)
	{
		while (call->first == NULL ||
			   (call->nheld < most && call->next_key < call->keys->nkeys))
			create_batch(call);
		if (call->first->errand.state != ERRAND_DONE &&
			!og_sender_step(&call->sender, pause))
			return call->first->errand.state == ERRAND_DONE;
	}
	return true;
}

static void
free_spent(OgCall *call)
{
	if (call->spent == NULL)
		return;
	og_outcome_free(&call->spent->outcome);
	pfree(call->spent);
	call->spent = NULL;
}

/* What is said at the next position: by its batch, or by what was saved of it. */
static const OgRow *
next_row(OgCall *call)
{
	int			key = og_keys_at(call->keys, call->position);
	RepeatedKey *repeated;

	if (call->repeated != NULL)
	{
		repeated = &call->repeated[key];
		repeated->remaining--;
		if (repeated->saved != NULL && repeated->remaining == 0)
			call->spent = repeated->saved;
		if (repeated->saved != NULL)
			return &repeated->saved->row;
	}
	return &call->first->answers[key - call->first->first_key].row;
}

bool
og_call_next(OgCall *call, OgRow *row)
{
	if (call->further != NULL)
		call->row.outcome = call->further;
	else
	{
		free_spent(call);
		if (call->position >= call->keys->npositions)
			return false;
		call->row = *next_row(call);
		call->row.position = call->position++;
	}
	*row = call->row;
	call->further = row->outcome->next;
	return true;
}
