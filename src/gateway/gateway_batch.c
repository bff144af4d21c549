/*-------------------------------------------------------------------------
 *
 * gateway_batch.c
 *		One batch: build, sign, send, take the answer, try again.
 *
 * A batch is sent again only for what was provably not processed: no
 * connection came about, or the provider said "too frequent", or it refused the
 * request for a nonce that another request had overtaken.  The keys that go
 * again are its open keys; keys with a final outcome never do.
 *
 * Each key carries the last outcome it got, so that giving up at any moment
 * (no more retries, max_wait, call_timeout) only means to stop: a key that
 * was never sent is "not_sent", one that the provider held off is "rejected".
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "gateway/gateway_internal.h"

/*
 * First pause before a connection, or a nonce that somebody else may have
 * overtaken, is tried again; doubled each time.
 */
#define BACKOFF_MS				200

#define MAX_DOUBLINGS			10

/* Prepare batch "number" of a call: its keys, none of them sent. */
void
og_batch_create(CallBatch *batch, OgCall *call, int number)
{
	MemoryContext old;

	memset(batch, 0, sizeof(CallBatch));
	batch->call = call;
	batch->number = number;
	batch->first_key = og_split_first(&call->split, number);
	batch->nkeys = og_split_first(&call->split, number + 1) - batch->first_key;
	batch->context = AllocSetContextCreate(call->context, "order_gateway batch",
										   ALLOCSET_SMALL_SIZES);

	old = MemoryContextSwitchTo(batch->context);
	batch->keys = palloc(batch->nkeys * sizeof(OgSlice));
	batch->asked = palloc(batch->nkeys * sizeof(OgSlice));
	batch->open = palloc(batch->nkeys * sizeof(int));
	batch->outcomes = palloc0(batch->nkeys * sizeof(OgOutcome));
	batch->exchanges = palloc0(batch->nkeys * sizeof(OgExchange));
	for (int i = 0; i < batch->nkeys; i++)
	{
		batch->keys[i] = og_keys_get(call->keys, batch->first_key + i);
		batch->asked[i] = batch->keys[i];
		batch->open[i] = i;
		batch->outcomes[i].verdict = OG_NOT_SENT;
	}
	batch->nopen = batch->nkeys;
	MemoryContextSwitchTo(old);
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
	if (outcome->verdict != OG_NOT_SENT)
		call->nanswered++;
	if (outcome->verdict == call->operation->done)
		call->ndone++;
	og_report_outcome(call, outcome->verdict);
}

/* Nothing more of this batch is sent; what is open stays as it is. */
void
og_batch_give_up(CallBatch *batch, const char *why)
{
	for (int i = 0; i < batch->nopen; i++)
	{
		OgOutcome  *outcome = &batch->outcomes[batch->open[i]];

		if (outcome->verdict == OG_NOT_SENT && outcome->message == NULL)
			outcome->message = why;
		close_key(batch, batch->open[i]);
	}
	batch->nopen = 0;
	batch->state = BATCH_DONE;
}

/*
 * The connection is ready: the request leaves now, unless that took so long
 * that its turn is not valid any more.  Runs inside libcurl.
 */
static bool
batch_leaves(void *owner, TimestampTz at)
{
	CallBatch  *batch = owner;
	OgCall	   *call = batch->call;

	if (!og_limiter_stamp(call->limiter, &batch->turn, og_clock_now()))
		return false;
	batch->left = true;
	batch->has_turn = false;
	og_report_left(call, batch, at);
	for (int i = 0; i < batch->nopen; i++)
		og_trace_sent(call->trace, batch->first_key + batch->open[i]);
	return true;
}

/* What the open keys of a batch are asked with. */
static OgBatch
what_is_asked(const CallBatch *batch)
{
	const OgCall *call = batch->call;
	OgBatch		asked;

	asked.arguments = og_keys_arguments(call->keys, batch->first_key,
										call->arguments);
	asked.keys = batch->asked;
	asked.nkeys = batch->nopen;
	return asked;
}

/* Give a turn back whose request did not leave. */
static void
return_turn(CallBatch *batch)
{
	if (batch->has_turn)
		og_limiter_return(batch->call->limiter, &batch->turn);
	batch->has_turn = false;
}

/* Send the open keys of a batch that has a turn. */
void
og_batch_send(CallBatch *batch)
{
	OgCall	   *call = batch->call;
	OgBatch		asked = what_is_asked(batch);
	int64		now_ms = og_unix_ms(GetCurrentTimestamp());
	MemoryContext old = MemoryContextSwitchTo(batch->context);
	SignedRequest *request;

	request = og_signed_request(call->account, call->operation, &asked,
								og_limiter_nonce(call->limiter, now_ms));
	if (request)
	{
		if (batch->attempts++ > 0)
			og_report_retry(call);
		batch->left = false;
		batch->path = request->parts.path;
		batch->method = request->parts.method;
		batch->transfer = og_signed_start(request, call->account, call->http,
										  batch_leaves, batch, NULL);
		og_signed_free(request);
		batch->state = BATCH_IN_FLIGHT;
		call->in_flight++;
	}
	else
	{
		return_turn(batch);
		og_batch_give_up(batch, "the request could not be built and signed");
	}
	MemoryContextSwitchTo(old);
}

/* Plan another attempt for the keys that are still open. */
static void
plan_retry(CallBatch *batch, int64 pause_ms)
{
	batch->state = BATCH_BACKOFF;
	batch->not_before = og_clock_now() + pause_ms * 1000;
	for (int i = 0; i < batch->nopen; i++)
		batch->asked[i] = batch->keys[batch->open[i]];
}

/*
 * Note what an attempt says about one key.  An attempt that did not get out
 * says nothing new about a key that was sent before.
 */
static void
note_outcome(CallBatch *batch, int i, const OgOutcome *outcome,
			 const OgResponse *response)
{
	OgExchange *exchange = &batch->exchanges[i];
	bool		sent = response->delivery != OG_NOT_DELIVERED;

	exchange->attempts = batch->attempts;
	if (!sent && exchange->sent_at != 0)
		return;
	batch->outcomes[i] = *outcome;
	exchange->http_status = response->status;
	exchange->sent_at = sent ? response->sent_at : 0;
	exchange->answered_at = sent ? response->answered_at : 0;
	og_trace_verdict(batch->call->trace, batch->first_key + i, outcome);
}

/*
 * Close the keys that were asked for, but those that may go again if the
 * batch may.
 */
static void
settle_keys(CallBatch *batch, const OgCollected *collected,
			const OgResponse *response, bool retry)
{
	int			nopen = 0;

	for (int i = 0; i < batch->nopen; i++)
	{
		int			key = batch->open[i];
		const OgOutcome *outcome = &collected->outcomes[i];
		bool		unprocessed = outcome->verdict == OG_NOT_SENT ||
			outcome->verdict == OG_TOO_FREQUENT || collected->nonce_refused;

		note_outcome(batch, key, outcome, response);
		if (retry && unprocessed)
			batch->open[nopen++] = key;
		else
			close_key(batch, key);
	}
	batch->nopen = nopen;
}

/* The transfer of a batch is over, and what it says can be taken. */
void
og_batch_end(CallBatch *batch)
{
	batch->state = BATCH_ENDED;
	batch->call->in_flight--;
}

/*
 * May other requests be sent before this one's answer is read?  Not if its
 * status alone may say that they had better not, nor where the user wants one
 * after the other.
 */
bool
og_batch_can_wait(const CallBatch *batch)
{
	const OgResponse *response = og_http_response(batch->transfer);

	return response->delivery == OG_ANSWERED && response->status == 200 &&
		og_call_width(batch->call) > 1;
}

/*
 * How long the open keys of a batch wait before they go again, and what follows
 * from an answer for the rest of the call.
 *
 * A nonce that is refused was overtaken by a later one: by one of this call
 * while several requests were in flight, or by another session's.  So from then
 * on this call sends one request after the other.  Only if that is not enough,
 * others are in the way and need time.
 */
static int64
pause_after(const CallBatch *batch, const OgCollected *collected,
			const OgResponse *response)
{
	OgCall	   *call = batch->call;
	int64		held_ms = og_hold_lane(call->limiter, &call->pace, response,
									   collected->wants_fewer,
									   batch->attempts);

	if (held_ms >= 0)
		return held_ms;
	if (response->held_back)
		return 0;
	if (collected->nonce_refused && !call->one_by_one)
	{
		call->one_by_one = true;
		return 0;
	}
	return (int64) BACKOFF_MS <<
		Min(batch->attempts - 1, MAX_DOUBLINGS);
}

/*
 * May the open keys of a batch go again, as far as they were not processed?  A
 * nonce that is refused each time although its request was alone is wrong for
 * another reason than its order: the other batches of the call do not try that.
 */
static bool
may_go_again(CallBatch *batch, const OgCollected *collected,
			 const OgResponse *response, bool was_alone)
{
	OgCall	   *call = batch->call;
	bool		attempts_left = batch->attempts <= call->account->retries;

	if (collected->nonce_refused && was_alone && !attempts_left)
		call->order_in_vain = true;
	if (call->stopped != NULL || !attempts_left ||
		(collected->nonce_refused && call->order_in_vain))
		return false;
	return response->delivery != OG_NOT_DELIVERED || response->may_retry;
}

/* Take what became of an attempt that has ended. */
void
og_batch_take(CallBatch *batch)
{
	OgCall	   *call = batch->call;
	OgTransfer *transfer = batch->transfer;
	const OgResponse *response = og_http_response(transfer);
	OgBatch		asked = what_is_asked(batch);
	MemoryContext old = MemoryContextSwitchTo(batch->context);
	OgCollected collected;
	bool		was_alone = call->one_by_one;
	int64		pause_ms;
	bool		retry;

	og_collect(&collected, call->operation, &asked, response);
	og_report_end_of_attempt(call, batch, response);
	call->foreign += collected.foreign;
	if (response->held_back)
		batch->attempts--;
	return_turn(batch);
	pause_ms = pause_after(batch, &collected, response);
	retry = may_go_again(batch, &collected, response, was_alone);
	settle_keys(batch, &collected, response, retry);
	batch->transfer = NULL;
	batch->answers = lappend(batch->answers, transfer);
	if (batch->nopen > 0)
		plan_retry(batch, pause_ms);
	else
		batch->state = BATCH_DONE;
	MemoryContextSwitchTo(old);
}

/* All rows of a batch are out, or saved. */
void
og_batch_release(CallBatch *batch)
{
	ListCell   *cell;

	foreach(cell, batch->answers)
		og_http_release(lfirst(cell));
	MemoryContextDelete(batch->context);
	batch->context = NULL;
}
