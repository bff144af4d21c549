/*-------------------------------------------------------------------------
 *
 * gateway_check.c
 *		What can be known of a server without touching an order.
 *
 * The credentials are sent only to where the probe has shown the provider's
 * API to be, so a wrong base_url that happens to answer never learns a key.
 * Nothing is tried a second time: a check tells what it sees.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/timestamp.h"

#include "gateway/gateway_check.h"
#include "gateway/gateway_internal.h"

/*
 * The longest wait for a turn, in microseconds.  Whoever checks a server sits
 * and waits for it; a job that is busy with the account is answer enough.
 */
#define PATIENCE_US			(INT64CONST(10) * USECS_PER_SEC)

/* Nothing more is sent after this time. */
#define OUT_OF_TIME			"call_timeout ran out before it could be sent"

/* ---------- one request ---------- */

/* How long a request may wait for its turn. */
static int64
patience_us(const OgAccount *account)
{
	if (account->max_wait == 0)
		return PATIENCE_US;
	return Min(PATIENCE_US, (int64) account->max_wait * 1000);
}

/* No answer to a check is about an order. */
static int
find_none(OgReading *reading, OgSlice id)
{
	return -1;
}

static void
take_none(OgReading *reading, int key, const OgResult *result)
{
}

/*
 * Read what came.  An answer without a documented form is read as far as it
 * is an object, which is what errors of an API mostly are.
 */
static void
read_answer(OgAsked *asked, OgReading *reading)
{
	const OgBatch nothing = {0};
	OgSlice		answer;

	if (asked->response->delivery != OG_ANSWERED)
		return;
	if (!og_json_prove(asked->response->body, &answer, &asked->flaw))
		return;
	if (asked->operation->read == NULL)
	{
		if (og_json_kind(answer) == OG_JSON_OBJECT)
			asked->envelope = OG_ENVELOPE_SUCCESS;
		else
			asked->flaw = "is not an object";
		return;
	}
	asked->operation->read(reading, answer, &nothing);
	asked->flaw = reading->note;
	asked->envelope = reading->envelope;
	asked->clock_suspected = reading->clock_suspected;
	asked->code = og_json_text(reading->code, OG_MAX_CODE);
	asked->message = og_json_text(reading->message, OG_MAX_MESSAGE);
}

/* Ask what asked->operation asks, and fill in the rest of *asked. */
static void
ask(OgAsked *asked, OgReading *reading, Sending *sending, OgSight *sight)
{
	const OgAccount *account = sending->account;
	const OgBatch nothing = {0};
	OgPace		pace = og_pace_of(account, asked->operation);
	SignedRequest *request;

	sending->patience_us = patience_us(account);
	sending->limiter = og_pace_limiter(account, asked->operation);
	if (sending->deadline != 0 && og_clock_now() >= sending->deadline)
		asked->unsent = OUT_OF_TIME;
	else
		asked->unsent = og_sending_turn(sending);

	if (asked->unsent == NULL)
	{
		int64		now_ms = og_unix_ms(GetCurrentTimestamp());

		request = og_signed_request(account, asked->operation, &nothing,
									og_limiter_nonce(sending->limiter,
													 now_ms));
		if (request != NULL)
		{
			asked->request = psprintf("%s %s",
									  og_method_name(request->parts.method),
									  request->parts.path[0] != '\0'
									  ? request->parts.path : "base_url");
			asked->response =
				og_http_response(og_sending_exchange(sending, request, sight));
			read_answer(asked, reading);
			(void) og_hold_lane(sending->limiter, &pace, asked->response,
								asked->response->status == 429 ||
								reading->too_frequent, 1);
			og_signed_free(request);
		}
		else
			asked->unsent = "the request could not be built and signed";
	}
	og_limiter_return(sending->limiter, &sending->turn);
	og_limiter_close(sending->limiter);
}

/* ---------- the check ---------- */

bool
og_check_found_api(const OgAsked *probe)
{
	const OgResponse *response = probe->response;

	if (response == NULL || response->delivery != OG_ANSWERED)
		return false;

	if (response->status >= 200 && response->status <= 299)
		return probe->operation->read == NULL ||
			probe->envelope == OG_ENVELOPE_SUCCESS;

	/* Whoever has no public read may say so as it likes. */
	return probe->operation->read == NULL &&
		response->status >= 400 && response->status <= 499 &&
		response->status != 408 && response->status != 429;
}

/* By the provider's own time, if it tells it, for it checks ours by that. */
static void
compare_clocks(OgCheck *check, const OgReading *reading)
{
	const OgResponse *response = check->probe.response;

	if (response == NULL || response->delivery != OG_ANSWERED)
		return;
	check->clock_known = og_http_clock(response, &check->clock);
	if (reading->time_ms != 0)
	{
		og_http_compare_clocks(response, reading->time_ms,
							   reading->time_unit_ms, &check->clock);
		check->clock_known = true;
	}
}

const OgCheck *
og_check(const OgAccount *nobody, const OgAccount *account)
{
	const OgProvider *provider = account->provider;
	OgReading	blank = {.find = find_none, .take = take_none,
		.rest = OG_UNKNOWN, .envelope = OG_ENVELOPE_SILENT};
	OgReading	reading = blank;

	/* Transfers point into these, also while an error unwinds the stack. */
	OgCheck    *check = palloc0(sizeof(OgCheck));
	Sending    *sending = palloc0(sizeof(Sending));

	check->probe.operation = og_provider_operation(provider, OG_PROBE);
	check->credentials.operation = og_provider_operation(provider,
														 OG_CREDENTIALS);
	sending->deadline = og_pace_deadline(account);
	sending->http = og_http_open(CurrentMemoryContext);

	sending->account = nobody;
	ask(&check->probe, &reading, sending, &check->sight);
	compare_clocks(check, &reading);

	if (check->credentials.operation == NULL)
		return check;
	if (!og_check_found_api(&check->probe))
	{
		check->credentials.unsent = "what comes before it is not in order";
		return check;
	}
	reading = blank;
	sending->account = account;
	ask(&check->credentials, &reading, sending, NULL);
	return check;
}
