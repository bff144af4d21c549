/*-------------------------------------------------------------------------
 *
 * sql_check.c
 *		order_gateway_check: what a DBA wants to know of a server, as rows.
 *
 * Each item is one row.  "ok" is true, or false with what was seen and a hint
 * what to do about it, or NULL where an item was not reached or does not
 * exist.  The items stand in the order in which a call meets them, so the
 * first that is false is the one to look at.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <time.h>

#include "catalog/pg_type.h"
#include "utils/timestamp.h"

#include "ground/list.h"
#include "session/session.h"
#include "sql/sql_function.h"
#include "sql/sql_rows.h"

/* A certificate that ends sooner than this is about to be a problem. */
#define SOON_DAYS	14

/* Differences of clocks below this are none. */
#define SAME_TIME_MS	100

typedef enum Ok
{
	OK_NULL,
	OK_FALSE,
	OK_TRUE
} Ok;

/* A check, and where its rows go. */
typedef struct CheckRows
{
	SqlRows		rows;
	const char *item;			/* of the row that is next */
	const OgAccount *account;
	const OgCheck *check;
} CheckRows;

static void
put(CheckRows *rows, Ok ok, const char *result, const char *hint)
{
	og_sql_row_begin(&rows->rows);
	og_sql_row_add_text(&rows->rows, TEXTOID, rows->item);
	if (ok == OK_NULL)
		og_sql_row_add_nulls(&rows->rows, 1);
	else
		og_sql_row_add(&rows->rows, BOOLOID, BoolGetDatum(ok == OK_TRUE));
	og_sql_row_add_text(&rows->rows, TEXTOID, result);
	og_sql_row_add_text(&rows->rows, TEXTOID, hint);
	og_sql_row_end(&rows->rows);
}

/* ---------- the way there ---------- */

static double
ms(int64 us)
{
	return (double) us / 1000;
}

/* How long a step took, where that is known. */
static const char *
took(int64 from_us, int64 to_us)
{
	return to_us == 0 ? "" : psprintf(", in %.1f ms", ms(to_us - from_us));
}

static void
put_lookup(CheckRows *rows)
{
	const OgSight *sight = &rows->check->sight;
	char	   *host = pstrdup(rows->account->host);

	*strrchr(host, ':') = '\0';
	if (strcmp(host, sight->address) == 0 ||
		strcmp(host, psprintf("[%s]", sight->address)) == 0)
		put(rows, OK_TRUE, psprintf("%s is an address", host), NULL);
	else
		put(rows, OK_TRUE,
			psprintf("%s is %s, in %.1f ms", host, sight->address,
					 ms(sight->looked_up_us)), NULL);
}

static void
put_connection(CheckRows *rows)
{
	const OgSight *sight = &rows->check->sight;

	put(rows, OK_TRUE,
		psprintf("to %s port %s%s", sight->address,
				 strrchr(rows->account->host, ':') + 1,
				 took(sight->looked_up_us, sight->connected_us)), NULL);
}

static void
put_tls(CheckRows *rows)
{
	const OgSight *sight = &rows->check->sight;
	const OgHandshake *handshake = &sight->handshake;
	const char *in = took(sight->connected_us, sight->encrypted_us);

	if (handshake->seen)
		put(rows, OK_TRUE, psprintf("%s, %s%s", handshake->protocol,
									handshake->cipher, in), NULL);
	else if (sight->encrypted_us != 0)
		put(rows, OK_TRUE, psprintf("1.2 or newer%s", in), NULL);
	else
		put(rows, OK_NULL, "not reached", NULL);
}

/* ---------- the certificate ---------- */

/* "until 2027-02-23 (89 days), for localhost, issued by Let's Encrypt, R11" */
static char *
describe_certificate(const OgHandshake *handshake)
{
	StringInfoData text;
	int64		left_s = handshake->not_after - (int64) time(NULL);
	const char *end = timestamptz_to_str(time_t_to_timestamptz(handshake->not_after));

	initStringInfo(&text);
	appendStringInfo(&text, "until %.*s", (int) strcspn(end, " "), end);
	if (left_s >= 0)
		appendStringInfo(&text, " (" INT64_FORMAT " days)",
						 left_s / SECS_PER_DAY);
	appendStringInfo(&text, ", for %s", handshake->names[0] != '\0' ?
					 handshake->names : "no name");
	if (handshake->issuer[0] != '\0')
		appendStringInfo(&text, ", issued by %s", handshake->issuer);
	return text.data;
}

/* What to do about a certificate that was refused. */
static const char *
certificate_hint(const OgHandshake *handshake)
{
	int64		now = (int64) time(NULL);

	if (!handshake->seen)
		return "Option sslrootcert has to name a file that exists and that the server's operating system user can read.";
	if (now > handshake->not_after)
		return "The provider has to renew it; or this machine's clock is wrong.";
	if (now < handshake->not_before)
		return "Set this machine's clock, or wait: it is not valid yet.";
	if (handshake->distrust != NULL)
		return "If your own company's authority issued it, name that authority's file in option sslrootcert. Otherwise, somebody may be in between.";
	return "Give a host in option base_url that the certificate is for.";
}

static void
put_certificate(CheckRows *rows)
{
	const OgSight *sight = &rows->check->sight;
	const OgHandshake *handshake = &sight->handshake;
	bool		soon = handshake->not_after - (int64) time(NULL) <
		SOON_DAYS * SECS_PER_DAY;

	if (sight->stage == OG_STAGE_CERTIFICATE)
		put(rows, OK_FALSE, !handshake->seen
			? rows->check->probe.response->problem
			: psprintf("%s (%s)", handshake->distrust != NULL
					   ? handshake->distrust : "for another name",
					   describe_certificate(handshake)),
			certificate_hint(handshake));
	else if (!handshake->seen)
		put(rows, OK_TRUE,
			"trusted, and for this host; its end is not known", NULL);
	else
		put(rows, soon ? OK_FALSE : OK_TRUE, describe_certificate(handshake),
			soon ? "When it ends, nothing can be sent any more: see that the provider renews it in time." : NULL);
}

/* ---------- the answer ---------- */

/* "GET /path: HTTP 404 Not Found, code 404, no such path" */
static char *
describe_answer(const OgAsked *asked)
{
	const OgResponse *response = asked->response;
	StringInfoData text;

	initStringInfo(&text);
	appendStringInfo(&text, "%s: ", asked->request);
	if (response->delivery != OG_ANSWERED)
		appendStringInfoString(&text, response->problem);
	else if (response->location != NULL)
		appendStringInfo(&text, "HTTP %d redirect to %s was not followed",
						 response->status, response->location);
	else
		appendStringInfoString(&text, og_status_words(response->status));

	if (asked->code != NULL)
		appendStringInfo(&text, ", code %s", asked->code);
	if (asked->message != NULL)
		appendStringInfo(&text, ", %s", asked->message);
	if (asked->code == NULL && asked->message == NULL &&
		asked->flaw != NULL && response->status <= 299)
		appendStringInfo(&text, ", but the answer %s", asked->flaw);
	return text.data;
}

/* What to do about an answer that is not what was hoped for. */
static const char *
answer_hint(const OgResponse *response)
{
	if (response->delivery != OG_ANSWERED)
		return "Try again. If it stays like this, the provider has a problem, or base_url does not lead to its API.";
	if (response->status >= 300 && response->status <= 399)
		return "Give the address of the API itself in option base_url.";
	if (response->status == 429)
		return "Wait a while, and find out who else uses this account or this machine's address.";
	if (response->status >= 500 || response->status == 408)
		return "The provider has a problem of its own. Try again later.";
	return "Check option base_url, its path as well: this is not what the provider's API answers.";
}

static void
put_http(CheckRows *rows)
{
	const OgAsked *probe = &rows->check->probe;
	const char *answer = describe_answer(probe);

	if (!og_check_found_api(probe))
		put(rows, OK_FALSE, answer, answer_hint(probe->response));
	else if (probe->operation->read != NULL)
		put(rows, OK_TRUE, answer, NULL);
	else if (probe->envelope == OG_ENVELOPE_SUCCESS)
		put(rows, OK_TRUE,
			psprintf("%s, in JSON as an API answers", answer), NULL);
	else
		put(rows, OK_NULL, answer,
			"Something answers there. This provider has nothing public that would tell whether it is its API.");
}

static void
put_round_trip(CheckRows *rows)
{
	const OgSight *sight = &rows->check->sight;

	put(rows, OK_TRUE, psprintf("%.1f ms from request to answer",
								ms(sight->answered_us - sight->sent_us)), NULL);
}

/* Is our clock so wrong that requests may be refused? */
static bool
clock_is_wrong(const CheckRows *rows)
{
	return rows->check->clock_known &&
		og_http_clock_differs(&rows->check->clock,
							  rows->account->provider->clock_tolerance *
							  INT64CONST(1000));
}

static void
put_clock(CheckRows *rows)
{
	const OgClock *clock = &rows->check->clock;

	if (!rows->check->clock_known)
		put(rows, OK_NULL, "the answer does not tell the time", NULL);
	else
		put(rows, clock_is_wrong(rows) ? OK_FALSE : OK_TRUE,
			og_http_clock_differs(clock, SAME_TIME_MS)
			? og_http_clock_words(clock)
			: psprintf("ours and the provider's agree within %.1f s",
					   (double) (llabs(clock->ahead_ms) + clock->error_ms + 99) / 1000),
			!clock_is_wrong(rows) ? NULL
			: psprintf("Set this machine's clock, and have chrony or another NTP client keep it. More than %d s off may be refused.",
					   rows->account->provider->clock_tolerance));
}

/* ---------- items of the probe ---------- */

typedef struct Item
{
	const char *name;
	OgStage		stage;			/* how far the probe has to come */
	void		(*put) (CheckRows *rows);
	const char *hint;			/* if it came no further, or NULL */
} Item;

static const Item items[] = {
	{"name lookup", OG_STAGE_LOOKUP, put_lookup,
	"Check the host in option base_url, and that this machine has a name server that answers."},
	{"connection", OG_STAGE_CONNECT, put_connection,
	"Check host and port in option base_url, and whether a firewall lets this machine out."},
	{"tls", OG_STAGE_TLS, put_tls,
	"The other side has to speak TLS 1.2 or newer; check that the port in option base_url is one for https."},
	{"certificate", OG_STAGE_CERTIFICATE, put_certificate},
	{"http", OG_STAGE_REQUEST, put_http},
	{"round trip", OG_STAGE_ANSWER, put_round_trip},
	{"clock", OG_STAGE_ANSWER, put_clock},
};

static void
put_item(CheckRows *rows, const Item *item)
{
	const OgAsked *probe = &rows->check->probe;
	OgStage		reached = rows->check->sight.stage;

	rows->item = item->name;
	if ((item->stage == OG_STAGE_TLS || item->stage == OG_STAGE_CERTIFICATE) &&
		pg_strncasecmp(rows->account->base_url, "http:", 5) == 0)
		put(rows, OK_NULL, "none: base_url is plain http",
			item->stage == OG_STAGE_CERTIFICATE ? NULL :
			"Whoever is on the way can read and change what is sent. If the provider has an https address, give that as base_url.");
	else if (probe->response == NULL)
		put(rows, OK_NULL, psprintf("not tried: %s", probe->unsent), NULL);
	else if (reached < item->stage)
		put(rows, OK_NULL, "not reached", NULL);
	else if (reached == item->stage && item->hint != NULL)
		put(rows, OK_FALSE, probe->response->problem, item->hint);
	else
		item->put(rows);
}

/* ---------- the credentials ---------- */

/* The options that a refusal of the credentials may be about. */
static const char *
credentials_hint(const CheckRows *rows)
{
	const OgProvider *provider = rows->account->provider;
	StringInfoData names;
	StringInfoData hint;

	if (rows->check->credentials.clock_suspected && clock_is_wrong(rows))
		return "Set this machine's clock first.";

	initStringInfo(&names);
	for (const OgOption *option = provider->credentials; option->name; option++)
		og_list_add(&names, "%s", option->name);
	initStringInfo(&hint);
	appendStringInfo(&hint, "Check the user mapping (%s)", names.data);
	for (const OgOption *option = provider->settings; option->name; option++)
		appendStringInfo(&hint, ", the server's option %s", option->name);
	appendStringInfoString(&hint, ", and at the provider what the key may do and from which addresses.");
	return hint.data;
}

/* Did the provider say that it does not accept them? */
static bool
is_refusal(const OgAsked *asked)
{
	const OgResponse *response = asked->response;

	return response->delivery == OG_ANSWERED &&
		((asked->envelope == OG_ENVELOPE_REFUSAL && response->status < 500) ||
		 response->status == 401 || response->status == 403);
}

static void
put_credentials(CheckRows *rows)
{
	const OgAsked *asked = &rows->check->credentials;
	const OgResponse *response = asked->response;

	rows->item = "credentials";
	if (asked->operation == NULL)
		put(rows, OK_NULL,
			"not tried: the provider has no call that only reads",
			"The first call will tell: with wrong ones it is refused whole, and nothing is done.");
	else if (response == NULL)
		put(rows, OK_NULL,
			psprintf("not tried: %s", asked->unsent), NULL);
	else if (is_refusal(asked))
		put(rows, OK_FALSE,
			psprintf("refused by %s", describe_answer(asked)),
			credentials_hint(rows));
	else if (response->delivery == OG_ANSWERED && response->status >= 200 &&
			 response->status <= 299 &&
			 asked->envelope == OG_ENVELOPE_SUCCESS)
		put(rows, OK_TRUE,
			psprintf("accepted by %s", asked->request), NULL);
	else
		put(rows, OK_FALSE,
			psprintf("not known: %s", describe_answer(asked)),
			answer_hint(response));
}

/* ---------- the function ---------- */

/* order_gateway_check(server name) */
void
og_sql_check(FunctionCallInfo fcinfo, const void *nothing)
{
	CheckRows	rows = {0};
	const char *server = og_sql_server(fcinfo, 0);
	const OgProvider *provider = og_account_provider(server);
	const OgAccount *nobody = og_account_open(server, provider, false);

	rows.account = og_account_open(server, provider, true);
	og_sql_rows_open(&rows.rows, fcinfo);
	rows.check = og_session_check(nobody, rows.account,
								  "order_gateway_check");
	for (size_t i = 0; i < lengthof(items); i++)
		put_item(&rows, &items[i]);
	put_credentials(&rows);
}
