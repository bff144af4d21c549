/*-------------------------------------------------------------------------
 *
 * gateway_batch.c
 *		The keys of one request of an act, and what becomes of each.
 *
 * What is asked once more are keys that were provably not processed; those
 * with a final outcome never are.
 *
 * Each key carries the last outcome it got, so that giving up at any moment
 * (no more attempts, max_wait, call_timeout) only means to stop: a key that
 * was never sent is "not_sent", one that the provider held off is "rejected".
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/memutils.h"

#include "gateway/gateway_internal.h"

static void batch_left(Errand *errand);
static void take_answer(Errand *errand, const OgResponse *response,
						Attempt *attempt);
static bool settle_keys(Errand *errand, OgTransfer *transfer,
						const Attempt *attempt, bool again);
static void give_up(Errand *errand, const char *why);

static const ErrandKind act = {
	.repeats = REPEAT_UNPROCESSED,
	.no_turn = "its turn did not come within max_wait",
	.left = batch_left,
	.take = take_answer,
	.settle = settle_keys,
	.give_up = give_up
};

/* The batch of an errand. */
static inline CallBatch *
batch_of(Errand *errand)
{
	return (CallBatch *) ((char *) errand - offsetof(CallBatch, errand));
}

/* Prepare batch "number" of a call: its keys, none of them sent. */
void
og_batch_create(CallBatch *batch, OgCall *call, int number)
{
	Errand	   *errand = &batch->errand;
	MemoryContext old;

	memset(batch, 0, sizeof(CallBatch));
	batch->call = call;
	batch->first_key = og_split_first(&call->split, number);
	batch->nkeys = og_split_first(&call->split, number + 1) - batch->first_key;
	errand->kind = &act;
	errand->operation = call->operation;
	errand->number = number;
	errand->context = AllocSetContextCreate(call->context,
											"order_gateway batch",
											ALLOCSET_SMALL_SIZES);

	old = MemoryContextSwitchTo(errand->context);
	batch->keys = palloc(batch->nkeys * sizeof(OgSlice));
	batch->asked = palloc(batch->nkeys * sizeof(OgSlice));
	batch->open = palloc(batch->nkeys * sizeof(int));
	batch->numbers = palloc(batch->nkeys * sizeof(int));
	batch->outcomes = palloc0(batch->nkeys * sizeof(OgOutcome));
	batch->exchanges = palloc0(batch->nkeys * sizeof(OgExchange));
	for (int i = 0; i < batch->nkeys; i++)
	{
		batch->keys[i] = og_keys_get(call->keys, batch->first_key + i);
		batch->asked[i] = batch->keys[i];
		batch->open[i] = i;
		batch->numbers[i] = batch->first_key + i;
		batch->outcomes[i].verdict = OG_NOT_SENT;
	}
	MemoryContextSwitchTo(old);

	errand->asked.arguments = og_keys_arguments(call->keys, batch->first_key,
												call->arguments);
	errand->asked.keys = batch->asked;
	errand->asked.nkeys = batch->nkeys;
	errand->numbers = batch->numbers;
	og_sender_add(&call->sender, errand);
}

/* All is said about a key. */
static void
close_key(CallBatch *batch, int i)
{
	OgCall	   *call = batch->call;
	OgOutcome  *outcome = &batch->outcomes[i];
	OgOutcome  *o = outcome;

	do
	{
		if (o->verdict == OG_TOO_FREQUENT)
			o->verdict = OG_REJECTED;
	} while ((o = o->next) != NULL);
	if (outcome->verdict == call->operation->done)
		call->ndone++;
	og_report_outcome(&call->sender, outcome->verdict);
}

static void
give_up(Errand *errand, const char *why)
{
	CallBatch  *batch = batch_of(errand);

	for (int i = 0; i < errand->asked.nkeys; i++)
	{
		OgOutcome  *outcome = &batch->outcomes[batch->open[i]];

		if (outcome->verdict == OG_NOT_SENT && outcome->message == NULL)
			outcome->message = why;
		close_key(batch, batch->open[i]);
	}
	errand->asked.nkeys = 0;
}

static void
batch_left(Errand *errand)
{
	const OgCaller *caller = &errand->sender->caller;

	if (caller->witness->left != NULL)
		caller->witness->left(caller->owner, errand->numbers,
							  errand->asked.nkeys);
}

static void
take_answer(Errand *errand, const OgResponse *response, Attempt *attempt)
{
	CallBatch  *batch = batch_of(errand);
	OgCollected *collected = &batch->collected;

	og_collect(collected, errand->operation, &errand->asked, response);
	batch->call->foreign += collected->foreign;
	attempt->wants_fewer = collected->wants_fewer;
	attempt->nonce_refused = collected->nonce_refused;
}

/*
 * Note what an attempt says about one key.  An attempt that did not get out
 * says nothing new about a key that was sent before.
 */
static void
note_outcome(CallBatch *batch, int i, const OgOutcome *outcome,
			 const OgResponse *response)
{
	const OgCaller *caller = &batch->errand.sender->caller;
	OgExchange *exchange = &batch->exchanges[i];
	bool		sent = response->delivery != OG_NOT_DELIVERED;

	exchange->attempts = batch->errand.attempts;
	if (!sent && exchange->sent_at != 0)
		return;
	batch->outcomes[i] = *outcome;
	exchange->http_status = response->status;
	exchange->sent_at = sent ? response->sent_at : 0;
	exchange->answered_at = sent ? response->answered_at : 0;
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
	CallBatch  *batch = batch_of(errand);
	int			nopen = 0;

	for (int i = 0; i < errand->asked.nkeys; i++)
	{
		int			key = batch->open[i];
		const OgOutcome *outcome = &batch->collected.outcomes[i];
		bool		unprocessed = outcome->verdict == OG_NOT_SENT ||
			outcome->verdict == OG_TOO_FREQUENT || attempt->nonce_refused;

		note_outcome(batch, key, outcome, og_http_response(transfer));
		if (again && unprocessed)
		{
			batch->open[nopen] = key;
			batch->numbers[nopen] = batch->first_key + key;
			batch->asked[nopen++] = batch->keys[key];
		}
		else
			close_key(batch, key);
	}
	errand->asked.nkeys = nopen;
	batch->answers = lappend(batch->answers, transfer);
	return nopen > 0;
}

/* All rows of a batch are out, or saved. */
void
og_batch_release(CallBatch *batch)
{
	ListCell   *cell;

	foreach(cell, batch->answers)
		og_http_release(lfirst(cell));
	MemoryContextDelete(batch->errand.context);
	batch->errand.context = NULL;
}
