/*-------------------------------------------------------------------------
 *
 * gateway_batch.c
 *		One batch: build, sign, send, take the answer, try again.
 *
 * A batch is sent again only for what was provably not processed: no
 * connection came about, or the provider said "too frequent".  The keys that
 * go again are its open keys; keys with a final outcome never do.
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

#include "crypto.h"
#include "gateway_internal.h"

/* First pause before a connection is tried again; doubled each time. */
#define CONNECT_BACKOFF_MS		200

/* Least pause after a "too frequent"; doubled each time. */
#define PACE_BACKOFF_MS			1000

/* Least pause where the provider itself says how long. */
#define RETRY_AFTER_FLOOR_MS	100

/*
 * Room for any URL: a base URL of at most 1 kB and credentials of at most
 * 1 kB each, tripled by percent-encoding.  A buffer that had to grow would
 * leave a copy behind that is not wiped.
 */
#define URL_ROOM				(16 * 1024)

/* Prepare batch "number" of a call: its keys, none of them sent. */
void
batch_create(CallBatch *batch, OgCall *call, int number)
{
	MemoryContext old;

	memset(batch, 0, sizeof(CallBatch));
	batch->call = call;
	batch->number = number;
	batch->first_key = number * call->batch_size;
	batch->nkeys = Min(call->batch_size, call->keys->nkeys - batch->first_key);
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
	if (outcome->verdict == OG_CANCELLED)
		call->ncancelled++;
}

/* Nothing more of this batch is sent; what is open stays as it is. */
void
batch_give_up(CallBatch *batch, const char *why)
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

/* Build and sign the request for the open keys, in the current context. */
bool
batch_build(OgRequest *request, const OgAccount *account,
			const OgOperation *operation, const OgBatch *asked,
			int64 time_ms)
{
	OgSigner	signer;

	signer.credentials = account->credentials;
	signer.settings = account->settings;
	signer.base_url = account->base_url;
	signer.time_ms = time_ms;

	og_request_init(request, OG_GET, "");
	return operation->build(request, asked) &&
		account->provider->sign(request, &signer);
}

/* The connection is ready: the request leaves now.  Runs inside libcurl. */
static void
batch_leaves(void *owner, TimestampTz at)
{
	CallBatch  *batch = owner;
	OgCall	   *call = batch->call;

	batch->left = true;
	if (batch->has_turn)
		og_limiter_stamp(call->limiter, &batch->turn, at);
	batch->has_turn = false;
	for (int i = 0; i < batch->nopen; i++)
		og_trace_sent(call->trace, batch->first_key + batch->open[i]);
}

/* Hand a signed request to the transport, which copies it. */
static void
start_transfer(CallBatch *batch, const OgRequest *request)
{
	OgCall	   *call = batch->call;
	const OgAccount *account = call->account;
	OgHttpRequest http = {0};
	StringInfoData url;

	initStringInfo(&url);
	enlargeStringInfo(&url, URL_ROOM);
	og_append_url(&url, account->base_url, request, false);
	http.method = og_method_name(request->method);
	http.url = url.data;
	http.headers = &request->headers;
	http.body = og_slice(request->body.len > 0 ? request->body.data : NULL,
						 request->body.len);
	http.sslrootcert = account->sslrootcert;
	http.connect_timeout_ms = account->connect_timeout;
	http.timeout_ms = account->timeout;
	http.max_response_size = account->max_response_size;
	http.ready = batch_leaves;
	http.owner = batch;

	batch->transfer = og_http_start(call->http, &http);
	og_wipe(url.data, url.maxlen);
}

/* Overwrite our copies of secrets in a request. */
void
batch_wipe_request(OgRequest *request)
{
	const OgFields *lists[] = {&request->query, &request->headers};

	for (int l = 0; l < lengthof(lists); l++)
		for (int i = 0; i < lists[l]->count; i++)
			if (lists[l]->items[i].secret)
				og_wipe((char *) lists[l]->items[i].value,
						strlen(lists[l]->items[i].value));
}

/* Send the open keys of a batch that has a turn. */
void
batch_send(CallBatch *batch)
{
	OgCall	   *call = batch->call;
	MemoryContext request_context;
	MemoryContext old;
	OgRequest	request;
	OgBatch		asked = {call->arguments, batch->asked, batch->nopen};
	int64		now_ms = og_unix_ms(GetCurrentTimestamp());

	batch->attempts++;
	batch->left = false;

	request_context = AllocSetContextCreate(batch->context,
											"order_gateway request",
											ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(request_context);
	if (batch_build(&request, call->account, call->operation, &asked,
					og_limiter_nonce(call->limiter, now_ms)))
	{
		start_transfer(batch, &request);
		batch_wipe_request(&request);
		batch->state = BATCH_IN_FLIGHT;
		call->in_flight++;
	}
	else
	{
		batch_return_turn(batch);
		batch->attempts--;
		batch_give_up(batch, "the request could not be built and signed");
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(request_context);
}

/* Give a turn back whose request did not leave. */
void
batch_return_turn(CallBatch *batch)
{
	if (batch->has_turn)
		og_limiter_return(batch->call->limiter, &batch->turn);
	batch->has_turn = false;
}

/* How long to wait before the open keys go again, in milliseconds. */
static int64
backoff_ms(const CallBatch *batch, const OgResponse *response)
{
	int			doublings = Min(batch->attempts - 1, 10);
	int64		pause;

	if (response->delivery == OG_NOT_DELIVERED)
		return (int64) CONNECT_BACKOFF_MS << doublings;
	if (response->retry_after_ms >= 0)
		return Max(response->retry_after_ms, RETRY_AFTER_FLOOR_MS);
	pause = og_pace_smallest_us(&batch->call->pace) / 1000;
	return Max(pause, PACE_BACKOFF_MS) << doublings;
}

/* Plan another attempt for the keys that are still open. */
static void
plan_retry(CallBatch *batch, const OgResponse *response, TimestampTz now)
{
	int64		pause = backoff_ms(batch, response);

	batch->state = BATCH_BACKOFF;
	batch->not_before = now + pause * 1000;
	if (response->delivery != OG_NOT_DELIVERED)
		og_limiter_hold(batch->call->limiter, batch->not_before);
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
 * Take what became of an attempt.  Keys are closed, unless they may go again
 * and the batch may still retry.
 */
void
batch_take(CallBatch *batch, TimestampTz now)
{
	OgCall	   *call = batch->call;
	OgTransfer *transfer = batch->transfer;
	const OgResponse *response = og_http_response(transfer);
	OgBatch		asked = {call->arguments, batch->asked, batch->nopen};
	OgCollected collected;
	bool		retry;
	int			nopen = 0;
	MemoryContext old;

	old = MemoryContextSwitchTo(batch->context);
	og_collect(&collected, call->operation, &asked, response);
	call->foreign += collected.foreign;
	batch_return_turn(batch);
	retry = call->stopped == NULL &&
		batch->attempts <= call->account->retries &&
		(response->delivery != OG_NOT_DELIVERED || response->may_retry);

	for (int i = 0; i < batch->nopen; i++)
	{
		int			key = batch->open[i];
		const OgOutcome *outcome = &collected.outcomes[i];
		bool		unprocessed = outcome->verdict == OG_NOT_SENT ||
			outcome->verdict == OG_TOO_FREQUENT;

		note_outcome(batch, key, outcome, response);
		if (retry && unprocessed)
			batch->open[nopen++] = key;
		else
			close_key(batch, key);
	}
	batch->nopen = nopen;
	batch->transfer = NULL;
	batch->answers = lappend(batch->answers, transfer);
	call->in_flight--;
	if (nopen > 0)
		plan_retry(batch, response, now);
	else
		batch->state = BATCH_DONE;
	MemoryContextSwitchTo(old);
}

/* All rows of a batch are out, or saved. */
void
batch_release(CallBatch *batch)
{
	ListCell   *cell;

	foreach(cell, batch->answers)
		og_http_release(lfirst(cell));
	MemoryContextDelete(batch->context);
	batch->context = NULL;
}
