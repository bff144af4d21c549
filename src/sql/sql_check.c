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

#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "session/session.h"
#include "sql/sql_function.h"
#include "sql/sql_rows.h"

PG_FUNCTION_INFO_V1(order_gateway_check);

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
	int			item;			/* attribute numbers from 0 */
	int			ok;
	int			result;
	int			hint;
	const OgAccount *account;
	const OgCheck *check;
} CheckRows;

static void
open_rows(CheckRows *rows, FunctionCallInfo fcinfo)
{
	og_sql_rows_open(&rows->rows, fcinfo);
	rows->item = og_sql_rows_attribute(&rows->rows, "item", TEXTOID);
	rows->ok = og_sql_rows_attribute(&rows->rows, "ok", BOOLOID);
	rows->result = og_sql_rows_attribute(&rows->rows, "result", TEXTOID);
	rows->hint = og_sql_rows_attribute(&rows->rows, "hint", TEXTOID);
}

static void
put(CheckRows *rows, const char *item, Ok ok, const char *result,
	const char *hint)
{
	og_sql_row_begin(&rows->rows);
	og_sql_row_set_text(&rows->rows, rows->item, item);
	if (ok != OK_NULL)
		og_sql_row_set(&rows->rows, rows->ok, BoolGetDatum(ok == OK_TRUE));
	og_sql_row_set_text(&rows->rows, rows->result, result);
	og_sql_row_set_text(&rows->rows, rows->hint, hint);
	og_sql_row_end(&rows->rows);
}

/* ---------- the way there ---------- */

/* Put the row of an item that the probe did not get to; false if it did. */
static bool
put_unreached(CheckRows *rows, const char *item, OgStage stage)
{
	const OgAsked *probe = &rows->check->probe;

	if (probe->response == NULL)
		put(rows, item, OK_NULL, psprintf("not tried: %s", probe->unsent),
			NULL);
	else if (rows->check->sight.stage < stage)
		put(rows, item, OK_NULL, "not reached", NULL);
	else
		return false;
	return true;
}

/* Put that of an item that it did not get past; false if it did. */
static bool
put_unpassed(CheckRows *rows, const char *item, OgStage stage,
			 const char *hint)
{
	if (put_unreached(rows, item, stage))
		return true;
	if (rows->check->sight.stage != stage)
		return false;
	put(rows, item, OK_FALSE, rows->check->probe.response->problem, hint);
	return true;
}

static double
ms(int64 us)
{
	return (double) us / 1000;
}

/* The host of the server's address, without the port. */
static char *
host_of(const OgAccount *account)
{
	char	   *host = pstrdup(account->host);

	*strrchr(host, ':') = '\0';
	return host;
}

static void
put_lookup(CheckRows *rows)
{
	const OgSight *sight = &rows->check->sight;
	char	   *host = host_of(rows->account);

	if (put_unpassed(rows, "name lookup", OG_STAGE_LOOKUP,
					 "Check the host in option base_url, and that this machine has a name server that answers."))
		return;
	if (strcmp(host, sight->address) == 0 ||
		strcmp(host, psprintf("[%s]", sight->address)) == 0)
		put(rows, "name lookup", OK_TRUE,
			psprintf("%s is an address", host), NULL);
	else
		put(rows, "name lookup", OK_TRUE,
			psprintf("%s is %s, in %.1f ms", host, sight->address,
					 ms(sight->looked_up_us)), NULL);
}

static void
put_connection(CheckRows *rows)
{
	const OgSight *sight = &rows->check->sight;
	const char *took = "";

	if (put_unpassed(rows, "connection", OG_STAGE_CONNECT,
					 "Check host and port in option base_url, and whether a firewall lets this machine out."))
		return;
	if (sight->connected_us != 0)
		took = psprintf(", in %.1f ms",
						ms(sight->connected_us - sight->looked_up_us));
	put(rows, "connection", OK_TRUE,
		psprintf("to %s port %s%s", sight->address,
				 strrchr(rows->account->host, ':') + 1, took), NULL);
}

static bool
is_plain(const OgAccount *account)
{
	return pg_strncasecmp(account->base_url, "http:", 5) == 0;
}

static void
put_tls(CheckRows *rows)
{
	const OgSight *sight = &rows->check->sight;
	const OgHandshake *handshake = &sight->handshake;
	const char *took = "";

	if (is_plain(rows->account))
	{
		put(rows, "tls", OK_NULL, "none: base_url is plain http",
			"Whoever is on the way can read and change what is sent. If the provider has an https address, give that as base_url.");
		return;
	}
	if (put_unpassed(rows, "tls", OG_STAGE_TLS,
					 "The other side has to speak TLS 1.2 or newer; check that the port in option base_url is one for https."))
		return;
	if (sight->encrypted_us != 0)
		took = psprintf(", in %.1f ms",
						ms(sight->encrypted_us - sight->connected_us));
	if (handshake->seen)
		put(rows, "tls", OK_TRUE,
			psprintf("%s, %s%s", handshake->protocol, handshake->cipher, took),
			NULL);
	else if (sight->encrypted_us != 0)
		put(rows, "tls", OK_TRUE, psprintf("1.2 or newer%s", took), NULL);
	else
		put(rows, "tls", OK_NULL, "not reached", NULL);
}

/* ---------- the certificate ---------- */

static int64
unix_now(void)
{
	return (int64) timestamptz_to_time_t(GetCurrentTimestamp());
}

/* "until 2027-02-23 (89 days), for localhost, issued by Let's Encrypt, R11" */
static char *
describe_certificate(const OgHandshake *handshake)
{
	StringInfoData text;
	int64		left_s = handshake->not_after - unix_now();
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
	int64		now = unix_now();

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
	bool		soon;

	if (is_plain(rows->account))
	{
		put(rows, "certificate", OK_NULL, "none: base_url is plain http",
			NULL);
		return;
	}
	if (handshake->seen && sight->stage == OG_STAGE_CERTIFICATE)
	{
		put(rows, "certificate", OK_FALSE,
			psprintf("%s (%s)", handshake->distrust != NULL
					 ? handshake->distrust : "for another name",
					 describe_certificate(handshake)),
			certificate_hint(handshake));
		return;
	}
	if (put_unpassed(rows, "certificate", OG_STAGE_CERTIFICATE,
					 certificate_hint(handshake)))
		return;
	if (!handshake->seen)
	{
		put(rows, "certificate", OK_TRUE,
			"trusted, and for this host; its end is not known", NULL);
		return;
	}
	soon = handshake->not_after - unix_now() < SOON_DAYS * SECS_PER_DAY;
	put(rows, "certificate", soon ? OK_FALSE : OK_TRUE,
		describe_certificate(handshake),
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
	bool		found;

	if (put_unreached(rows, "http", OG_STAGE_REQUEST))
		return;
	found = og_check_found_api(probe);
	if (!found)
		put(rows, "http", OK_FALSE, describe_answer(probe),
			answer_hint(probe->response));
	else if (probe->operation->read != NULL)
		put(rows, "http", OK_TRUE, describe_answer(probe), NULL);
	else if (probe->envelope == OG_ENVELOPE_SUCCESS)
		put(rows, "http", OK_TRUE,
			psprintf("%s, in JSON as an API answers", describe_answer(probe)),
			NULL);
	else
		put(rows, "http", OK_NULL,
			describe_answer(probe),
			"Something answers there. This provider has nothing public that would tell whether it is its API.");
}

static void
put_round_trip(CheckRows *rows)
{
	const OgSight *sight = &rows->check->sight;

	if (put_unreached(rows, "round trip", OG_STAGE_ANSWER))
		return;
	put(rows, "round trip", OK_TRUE,
		psprintf("%.1f ms from request to answer",
				 ms(sight->answered_us - sight->sent_us)), NULL);
}

static void
put_clock(CheckRows *rows)
{
	const OgCheck *check = rows->check;
	int			tolerance = rows->account->provider->clock_tolerance;
	const OgClock *clock = &check->clock;
	bool		wrong;

	if (put_unreached(rows, "clock", OG_STAGE_ANSWER))
		return;
	if (!check->clock_known)
	{
		put(rows, "clock", OK_NULL, "the answer does not tell the time",
			NULL);
		return;
	}
	wrong = og_http_clock_differs(clock, (int64) tolerance * 1000);
	put(rows, "clock", wrong ? OK_FALSE : OK_TRUE,
		og_http_clock_differs(clock, SAME_TIME_MS)
		? og_http_clock_words(clock)
		: psprintf("ours and the provider's agree within %.1f s",
				   (double) (llabs(clock->ahead_ms) + clock->error_ms + 99) / 1000),
		wrong ? psprintf("Set this machine's clock, and have chrony or another NTP client keep it. More than %d s off may be refused.",
						 tolerance) : NULL);
}

/* ---------- the credentials ---------- */

/* The options that a refusal of the credentials may be about. */
static const char *
credentials_hint(const CheckRows *rows)
{
	const OgProvider *provider = rows->account->provider;
	StringInfoData text;

	if (rows->check->credentials.clock_suspected && rows->check->clock_known &&
		og_http_clock_differs(&rows->check->clock,
							  (int64) provider->clock_tolerance * 1000))
		return "Set this machine's clock first.";

	initStringInfo(&text);
	appendStringInfoString(&text, "Check the user mapping (");
	for (int i = 0; i < OG_MAX_CREDENTIALS; i++)
	{
		if (provider->credentials[i].name != NULL)
			appendStringInfo(&text, "%s%s", i > 0 ? ", " : "",
							 provider->credentials[i].name);
	}
	appendStringInfoChar(&text, ')');
	for (int i = 0; i < OG_MAX_SETTINGS; i++)
	{
		if (provider->settings[i].name != NULL)
			appendStringInfo(&text, ", the server's option %s",
							 provider->settings[i].name);
	}
	appendStringInfoString(&text, ", and at the provider what the key may do and from which addresses.");
	return text.data;
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

	if (asked->operation == NULL)
		put(rows, "credentials", OK_NULL,
			"not tried: the provider has no call that only reads",
			"The first call will tell: with wrong ones it is refused whole, and nothing is done.");
	else if (response == NULL)
		put(rows, "credentials", OK_NULL,
			psprintf("not tried: %s", asked->unsent), NULL);
	else if (is_refusal(asked))
		put(rows, "credentials", OK_FALSE,
			psprintf("refused by %s", describe_answer(asked)),
			credentials_hint(rows));
	else if (response->delivery == OG_ANSWERED && response->status >= 200 &&
			 response->status <= 299 &&
			 asked->envelope == OG_ENVELOPE_SUCCESS)
		put(rows, "credentials", OK_TRUE,
			psprintf("accepted by %s", asked->request), NULL);
	else
		put(rows, "credentials", OK_FALSE,
			psprintf("not known: %s", describe_answer(asked)),
			answer_hint(response));
}

/* ---------- the function ---------- */

static void
check(FunctionCallInfo fcinfo, const void *what)
{
	CheckRows	rows = {0};
	const OgProvider *provider;
	const OgAccount *nobody;
	const char *server = og_sql_server(fcinfo, 0);

	provider = og_account_provider(server);
	nobody = og_account_open(server, provider, false);
	rows.account = og_account_open(server, provider, true);
	open_rows(&rows, fcinfo);

	rows.check = og_session_check(nobody, rows.account,
								  "order_gateway_check");
	put_lookup(&rows);
	put_connection(&rows);
	put_tls(&rows);
	put_certificate(&rows);
	put_http(&rows);
	put_round_trip(&rows);
	put_clock(&rows);
	put_credentials(&rows);
}

/* order_gateway_check(server name) */
Datum
order_gateway_check(PG_FUNCTION_ARGS)
{
	return og_sql_return_rows(fcinfo, "order_gateway_check", check, NULL);
}
