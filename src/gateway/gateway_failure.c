/*-------------------------------------------------------------------------
 *
 * gateway_failure.c
 *		An answer becomes why a read failed.
 *
 * This is the one place where delivery, HTTP status and the words of a
 * provider become an SQLSTATE, a message with the provider's own words, and a
 * hint what to do; and where it is said whether asking again makes sense.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "gateway/gateway_failure.h"

/* A difference of clocks below this explains no refusal. */
#define CLOCK_MENTIONED_MS	1000

/* "code 400, BAD_REQUEST: symbol", or NULL if it has no words of its own. */
static const char *
provider_words(const OgReading *reading)
{
	const char *code = og_json_text(reading->code, OG_MAX_CODE);
	const char *message = og_json_text(reading->message, OG_MAX_MESSAGE);

	if (code != NULL && message != NULL)
		return psprintf("code %s, %s", code, message);
	return code != NULL ? psprintf("code %s", code) : message;
}

/* How far our clock is off, if a refusal may be because of that. */
static const char *
credentials_hint(const OgReading *reading, const OgResponse *response)
{
	OgClock		clock;

	if (reading->clock_suspected && og_http_clock(response, &clock) &&
		og_http_clock_differs(&clock, CLOCK_MENTIONED_MS))
		return psprintf("Set this machine's clock: %s.",
						og_http_clock_words(&clock));
	if (reading->nonce_refused)
		return "Another request with the same key overtook this one: let one session at a time use the key, and set option max_in_flight of its servers to 1.";
	return "Check the user mapping, and at the provider what the key may do and from which addresses.";
}

/* What kind of a failure an answer is, by its words or else its status. */
static OgRefusal
refusal_of(const OgRecords *records, int status)
{
	if (status == 429)
		return OG_REFUSED_PACE;
	if (records->refusal != OG_REFUSED_SOMEHOW)
		return records->refusal;
	switch (status)
	{
		case 400:
			return OG_REFUSED_ARGUMENTS;
		case 401:
		case 403:
			return OG_REFUSED_CREDENTIALS;
		case 404:
			return OG_REFUSED_UNKNOWN;
	}
	return OG_REFUSED_SOMEHOW;
}

/* A refusal for one of the reasons that users can do something about. */
static void
fail_refused(Failure *failure, OgRefusal refusal, const OgRecords *records,
			 const OgResponse *response)
{
	failure->final = true;
	switch (refusal)
	{
		case OG_REFUSED_CREDENTIALS:
			failure->told.sqlstate = ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION;
			failure->told.hint = credentials_hint(&records->reading, response);

			/* The next one has a nonce of its own. */
			failure->final = !records->reading.nonce_refused;
			break;
		case OG_REFUSED_ARGUMENTS:
			failure->told.sqlstate = ERRCODE_INVALID_PARAMETER_VALUE;
			failure->told.hint = "Check the arguments of the call.";
			break;
		case OG_REFUSED_UNKNOWN:
			failure->told.sqlstate = ERRCODE_NO_DATA;
			failure->told.hint = "The provider knows nothing of that name; or option base_url does not lead to its API.";
			break;
		case OG_REFUSED_PACE:
			failure->told.sqlstate = ERRCODE_CONFIGURATION_LIMIT_EXCEEDED;
			failure->told.hint = "Wait a while, and see in order_gateway_limits who else asks.";
			failure->final = false;
			break;
		case OG_REFUSED_SOMEHOW:
			failure->told.sqlstate = ERRCODE_EXTERNAL_ROUTINE_EXCEPTION;
			failure->told.hint = "Check option base_url, its path as well.";
			break;
	}
}

/*
 * An answer that is no success: "flaw" is why it could not even be read, else
 * "records" is what was.
 */
void
og_failure_answered(Failure *failure, const OgRecords *records,
					const char *flaw, const OgResponse *response)
{
	const OgReading *reading = &records->reading;
	int			status = response->status;
	bool		done = status >= 200 && status <= 299;
	OgRefusal	refusal = refusal_of(records, status);
	const char *words = flaw == NULL ? provider_words(reading) : NULL;

	failure->told.status = og_status_words(status);
	failure->pace = refusal == OG_REFUSED_PACE;
	if (status == 408 || status >= 500)
	{
		failure->told.sqlstate = ERRCODE_CONNECTION_FAILURE;
		failure->told.what = psprintf("failed: %s", words ? words : failure->told.status);
		failure->told.hint = "The provider has a problem of its own. A read changes nothing: try again later.";
		return;
	}
	if (words == NULL && response->location != NULL)
		words = psprintf("redirect to %s was not followed",
						 response->location);
	if (done && refusal == OG_REFUSED_SOMEHOW)
	{
		failure->told.sqlstate = ERRCODE_EXTERNAL_ROUTINE_EXCEPTION;
		failure->told.what = psprintf("gave an answer that cannot be used: it %s%s%s",
								 flaw ? flaw : reading->note
								 ? reading->note : "is not a success",
								 words ? ", " : "", words ? words : "");
		failure->told.hint = "Check option base_url, its path as well; else the provider has a problem of its own.";
		return;
	}
	fail_refused(failure, refusal, records, response);
	failure->told.what = psprintf("refused: %s", words ? words : failure->told.status);
}

static void
fail_timed_out(Failure *failure, const char *what)
{
	failure->final = true;
	failure->told.sqlstate = ERRCODE_QUERY_CANCELED;
	failure->told.what = what;
	failure->told.hint = "Ask for less at once, or raise option call_timeout of the server.";
}

/* No answer, or not all of one. */
void
og_failure_unanswered(Failure *failure, const OgResponse *response,
					  bool timed_out)
{
	bool		sent = response->delivery != OG_NOT_DELIVERED;
	const char *problem = response->problem ? response->problem
		: "the connection failed";

	failure->told.status = response->status != 0
		? og_status_words(response->status) : NULL;
	failure->told.what = psprintf(sent ? "gave no whole answer: %s"
							 : "could not be reached: %s", problem);
	if (timed_out)
	{
		fail_timed_out(failure, failure->told.what);
		return;
	}
	failure->told.sqlstate = sent ? ERRCODE_CONNECTION_FAILURE
		: ERRCODE_SQLCLIENT_UNABLE_TO_ESTABLISH_SQLCONNECTION;
	failure->told.hint = sent
		? "A read changes nothing: try again later."
		: "order_gateway_check() tells what is in the way.";
	failure->final = !sent && !response->may_retry;
}

/* Nothing could be sent: there was no turn, or no time. */
void
og_failure_unsent(Failure *failure, const char *why, bool timed_out)
{
	if (timed_out)
	{
		fail_timed_out(failure, "could not be asked: call_timeout ran out");
		return;
	}
	failure->final = true;
	failure->told.sqlstate = ERRCODE_CONFIGURATION_LIMIT_EXCEEDED;
	failure->told.what = psprintf("could not be asked within max_wait: %s", why);
	failure->told.hint = "See in order_gateway_limits who else asks, or raise option max_wait of the server.";
}

/* OpenSSL cannot do what the provider's signature takes. */
void
og_failure_unmade(Failure *failure)
{
	failure->final = true;
	failure->told.sqlstate = ERRCODE_SYSTEM_ERROR;
	failure->told.what = "could not be asked: the request could not be built and signed";
	failure->told.hint = "Check that OpenSSL on this machine offers the digest that this provider asks for.";
}

/* A good answer, but about so many other things only. */
void
og_failure_missed(Failure *failure, int64 count, const OgResponse *response)
{
	failure->told.sqlstate = ERRCODE_EXTERNAL_ROUTINE_EXCEPTION;
	failure->told.status = og_status_words(response->status);
	failure->told.what = psprintf(count == 1
							 ? "gave an answer that cannot be used: it has " INT64_FORMAT " record that was not asked for, and none that was"
							 : "gave an answer that cannot be used: it has " INT64_FORMAT " records that were not asked for, and none that was",
							 count);
	failure->told.hint = "The provider has a problem of its own, or answers with other names than it is asked by: see what it tells without this argument.";
}

/* All answers were good, but they are not all there is. */
void
og_failure_incomplete(Failure *failure, const char *flaw, const char *hint)
{
	failure->final = true;
	failure->told.sqlstate = ERRCODE_EXTERNAL_ROUTINE_EXCEPTION;
	failure->told.what = psprintf("gave answers that are not complete: it %s", flaw);
	failure->told.hint = hint;
}
