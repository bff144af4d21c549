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

#include "gateway/gateway_walk.h"

/* A difference of clocks below this explains no refusal. */
#define CLOCK_MENTIONED_MS	1000

/* What users can do about a refusal. */
static const struct
{
	int			sqlstate;
	const char *hint;
}			refusals[] = {
	[OG_REFUSED_SOMEHOW] = {ERRCODE_EXTERNAL_ROUTINE_EXCEPTION,
	"Check option base_url, its path as well."},
	[OG_REFUSED_CREDENTIALS] = {ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION,
	"Check the user mapping, and at the provider what the key may do and from which addresses."},
	[OG_REFUSED_ARGUMENTS] = {ERRCODE_INVALID_PARAMETER_VALUE,
	"Check the arguments of the call."},
	[OG_REFUSED_UNKNOWN] = {ERRCODE_NO_DATA,
	"The provider knows nothing of that name; or option base_url does not lead to its API."},
	[OG_REFUSED_PACE] = {ERRCODE_CONFIGURATION_LIMIT_EXCEEDED,
	"Wait a while, and see in order_gateway_limits who else asks."}
};

static void
set_failure(OgFailure *failure, int sqlstate, const char *what,
			const char *hint)
{
	memset(failure, 0, sizeof(*failure));
	failure->sqlstate = sqlstate;
	failure->what = what;
	failure->hint = hint;
}

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

/* What explains a refusal of key or signature better; else NULL. */
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
	return NULL;
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

/* A refusal stays, but for its pace; and the next request has its own nonce. */
static void
fail_refused(OgFailure *failure, Attempt *attempt, OgRefusal refusal,
			 const char *words, const OgReading *reading,
			 const OgResponse *response)
{
	const char *hint = refusal == OG_REFUSED_CREDENTIALS
		? credentials_hint(reading, response) : NULL;

	set_failure(failure, refusals[refusal].sqlstate,
				psprintf("refused: %s", words),
				hint != NULL ? hint : refusals[refusal].hint);
	attempt->final = refusal == OG_REFUSED_CREDENTIALS
		? !reading->nonce_refused : refusal != OG_REFUSED_PACE;
}

/*
 * An answer that is no success: "flaw" is why it could not even be read, else
 * "records" is what was.
 */
void
og_failure_answered(OgFailure *failure, Attempt *attempt,
					const OgRecords *records, const char *flaw,
					const OgResponse *response)
{
	const OgReading *reading = &records->reading;
	int			status = response->status;
	const char *status_words = og_status_words(status);
	OgRefusal	refusal = refusal_of(records, status);
	const char *words = flaw == NULL ? provider_words(reading) : NULL;

	attempt->wants_fewer = refusal == OG_REFUSED_PACE;
	if (words == NULL && response->location != NULL)
		words = psprintf("redirect to %s was not followed",
						 response->location);
	if (status == 408 || status >= 500)
		set_failure(failure, ERRCODE_CONNECTION_FAILURE,
					psprintf("failed: %s", words ? words : status_words),
					"The provider has a problem of its own. A read changes nothing: try again later.");
	else if (status >= 200 && status <= 299 && refusal == OG_REFUSED_SOMEHOW)
		set_failure(failure, ERRCODE_EXTERNAL_ROUTINE_EXCEPTION,
					psprintf("gave an answer that cannot be used: it %s%s%s",
							 flaw ? flaw : reading->note
							 ? reading->note : "is not a success",
							 words ? ", " : "", words ? words : ""),
					"Check option base_url, its path as well; else the provider has a problem of its own.");
	else
		fail_refused(failure, attempt, refusal,
					 words ? words : status_words, reading, response);
	failure->status = status_words;
}

static void
fail_timed_out(OgFailure *failure, const char *what)
{
	set_failure(failure, ERRCODE_QUERY_CANCELED, what,
				"Ask for less at once, or raise option call_timeout of the server.");
}

/* No answer, or not all of one. */
void
og_failure_unanswered(OgFailure *failure, Attempt *attempt,
					  const OgResponse *response, bool timed_out)
{
	bool		sent = response->delivery != OG_NOT_DELIVERED;
	const char *what = psprintf(sent ? "gave no whole answer: %s"
								: "could not be reached: %s",
								response->problem ? response->problem
								: "the connection failed");

	attempt->wants_fewer = response->status == 429;
	attempt->final = timed_out || (!sent && !response->may_retry);
	if (timed_out)
		fail_timed_out(failure, what);
	else if (sent)
		set_failure(failure, ERRCODE_CONNECTION_FAILURE, what,
					"A read changes nothing: try again later.");
	else
		set_failure(failure,
					ERRCODE_SQLCLIENT_UNABLE_TO_ESTABLISH_SQLCONNECTION, what,
					"order_gateway_check() tells what is in the way.");
	if (response->status != 0)
		failure->status = og_status_words(response->status);
}

/* Nothing could be sent: there was no turn, or no time. */
void
og_failure_unsent(OgFailure *failure, const char *why, bool timed_out)
{
	if (timed_out)
		fail_timed_out(failure, "could not be asked: call_timeout ran out");
	else
		set_failure(failure, ERRCODE_CONFIGURATION_LIMIT_EXCEEDED,
					psprintf("could not be asked within max_wait: %s", why),
					"See in order_gateway_limits who else asks, or raise option max_wait of the server.");
}

/* OpenSSL cannot do what the provider's signature takes. */
void
og_failure_unmade(OgFailure *failure)
{
	set_failure(failure, ERRCODE_SYSTEM_ERROR,
				"could not be asked: the request could not be built and signed",
				"Check that OpenSSL on this machine offers the digest that this provider asks for.");
}

/* A good answer, but about so many other things only. */
void
og_failure_missed(OgFailure *failure, int64 count, const OgResponse *response)
{
	set_failure(failure, ERRCODE_EXTERNAL_ROUTINE_EXCEPTION,
				psprintf(count == 1
						 ? "gave an answer that cannot be used: it has " INT64_FORMAT " record that was not asked for, and none that was"
						 : "gave an answer that cannot be used: it has " INT64_FORMAT " records that were not asked for, and none that was",
						 count),
				"The provider has a problem of its own, or answers with other names than it is asked by: see what it tells without this argument.");
	failure->status = og_status_words(response->status);
}

/* All answers were good, but they are not all there is. */
void
og_failure_incomplete(OgFailure *failure, const Wholeness *wholeness)
{
	set_failure(failure, ERRCODE_EXTERNAL_ROUTINE_EXCEPTION,
				psprintf("gave answers that are not complete: it %s",
						 wholeness->flaw),
				wholeness->hint);
}
