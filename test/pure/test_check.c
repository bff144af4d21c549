/*-------------------------------------------------------------------------
 *
 * test_check.c
 *		What a check asks of a provider, what it reads in the answers, and
 *		what answers tell of our clock.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "answers.h"
#include "tap.h"

/* 2026-11-25 01:38:46 UTC, as Unix time and as a Date. */
#define MOMENT		INT64CONST(1795570726)
#define MOMENT_DATE	"Wed, 25 Nov 2026 01:38:46 GMT"

/* A timestamp of so many milliseconds after MOMENT. */
static TimestampTz
after_moment(int64 ms)
{
	return (MOMENT - (int64) (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) *
			SECS_PER_DAY) * USECS_PER_SEC + ms * 1000;
}

/* An answer with this Date, sent and answered at such times of our clock. */
static OgResponse
dated(const char *date, int64 sent_ms, int64 answered_ms)
{
	OgResponse	response = {
		.delivery = OG_ANSWERED,
		.status = 200,
		.date = date,
		.sent_at = after_moment(sent_ms),
		.answered_at = after_moment(answered_ms)
	};

	return response;
}

/* ----
 * Clocks
 * ----
 */

static void
test_dates(void)
{
	static const char *const bad[] = {
		"", "Wed", "Wednesday, 25-Nov-2026 01:38:46 GMT",
		"Wednesday, 25-Nov-26 01:38:46", "Wed, 25-Nov-26 01:38:46 GMT",
		"Wed Nov 25 01:38:46 2026 GMT", "Wed Nov 25 01:38:46 26",
		"Wednesday Nov 25 01:38:46 2026", "Wed Nov   01:38:46 2026",
		"Wex, 25 Nov 2026 01:38:46 GMT", "wed, 25 Nov 2026 01:38:46 GMT",
		"Thu, 31 Nov 2026 01:38:46 GMT", "Wed, 29 Feb 2023 01:38:46 GMT",
		"Thu, 29 Feb 2100 01:38:46 GMT", "Wed, 25 Nov 2026 01:38:46 CET",
		"Wed, 25 Nov 2026 01:38:46 GMT ", "Wed, 00 Nov 2026 01:38:46 GMT",
		"Wed, 32 Nov 2026 01:38:46 GMT", "Wed, 25 Nox 2026 01:38:46 GMT",
		"Wed, 25 Nov 2026 24:38:46 GMT", "Wed, 25 Nov 2026 01:60:46 GMT",
		"Wed, 25 Nov 2026 01:38:61 GMT", "Wed, 25 Nov 2026 -1:38:46 GMT",
		"Wed, 25 Nov 1899 01:38:46 GMT", "Wed, 25 Nov 2O26 01:38:46 GMT",
		"Wed, 25 Nov 2026 01.38.46 GMT"
	};
	static const char *const good[] = {
		MOMENT_DATE, "Wednesday, 25-Nov-26 01:38:46 GMT",
		"Wed Nov 25 01:38:46 2026"
	};
	OgClock		clock;
	OgResponse	response;

	for (size_t i = 0; i < lengthof(good); i++)
	{
		response = dated(good[i], 500, 500);
		ok(og_http_clock(&response, &clock) && clock.ahead_ms == 0,
		   "a date: \"%s\"", good[i]);
	}
	for (size_t i = 0; i < lengthof(bad); i++)
	{
		response = dated(bad[i], 0, 0);
		ok(!og_http_clock(&response, &clock), "no date: \"%s\"", bad[i]);
	}
	response = dated(NULL, 0, 0);
	ok(!og_http_clock(&response, &clock), "no Date at all");
	response = dated(MOMENT_DATE, 0, 0);
	response.answered_at = 0;
	ok(!og_http_clock(&response, &clock), "no answer");

	response = dated("Thu, 29 Feb 2024 23:59:60 GMT", 0, 0);
	ok(og_http_clock(&response, &clock), "a leap second of a leap day");
	is_number(clock.ahead_ms,
			  (MOMENT - INT64CONST(1709251200)) * 1000 - 500,
			  "... is midnight");
}

/* What is said of a Date that came between two times of our clock. */
static const char *
clock_text(int64 sent_ms, int64 answered_ms)
{
	OgResponse	response = dated(MOMENT_DATE, sent_ms, answered_ms);
	OgClock		clock;

	if (!og_http_clock(&response, &clock))
		return "unknown";
	return psprintf(INT64_FORMAT " " INT64_FORMAT " %s", clock.ahead_ms,
					clock.error_ms, og_http_clock_words(&clock));
}

static void
test_clocks(void)
{
	OgClock		clock = {.ahead_ms = 2600, .error_ms = 600};

	is_text(clock_text(500, 500),
			"0 500 our clock is 0 s ahead of the provider's",
			"a Date is a whole second");
	is_text(clock_text(131400, 131600),
			"131000 600 our clock is 131 s ahead of the provider's",
			"half a round trip is taken off, and added to the error");
	is_text(clock_text(-3500, -3500),
			"-4000 500 our clock is 4 s behind the provider's", "behind");
	is_text(clock_text(-86399500, -86399500),
			"-86400000 500 our clock is 86400 s behind the provider's",
			"by a day");
	is_text(clock_text(0, 20000),
			"9500 10500 our clock is 10 s ahead of the provider's",
			"who answers after 20 s may have written it at any time");
	is_text(clock_text(1000, 0),
			"0 500 our clock is 0 s ahead of the provider's",
			"our clock was set back meanwhile");

	ok(!og_http_clock_differs(&clock, 2000), "by 2 s, but not by more");
	ok(og_http_clock_differs(&clock, 1999), "surely by more");
	clock.ahead_ms = -2601;
	ok(og_http_clock_differs(&clock, 2000), "to the other side");
}

/* ----
 * Refusals in a call
 * ----
 */

typedef struct Refusal
{
	const char *name;
	const OgProvider *provider;
	int			status;
	const char *body;
	const char *expected;		/* "%" stands for the words on the clock */
} Refusal;

static const Refusal refusals[] = {
	{"xt: signature", &og_xt, 200, "{\"code\":308,\"info\":\"signature\"}",
	"rejected|308|signature%|-"},
	{"xt: in text", &og_xt, 200, "{\"code\":\"308\",\"data\":null}",
	"rejected|308|the provider gave no reason%|-"},
	{"xt: nonce", &og_xt, 200, "{\"code\":400,\"info\":\"invalid Nonce\"}",
	"rejected|400|invalid Nonce%|-"},
	{"xt: malformed otherwise", &og_xt, 200,
	"{\"code\":400,\"info\":\"market\"}", "rejected|400|market|-"},
	{"xt: key", &og_xt, 200, "{\"code\":307,\"info\":\"key\"}",
	"rejected|307|key|-"},
	{"xt: not documented", &og_xt, 200,
	"{\"code\":309,\"info\":\"signature\"}", "unknown|309|signature|-"},
	{"xt: signature, but lost", &og_xt, 500,
		"{\"code\":308,\"info\":\"signature\"}",
	"unknown|308|signature|-"},
	{"btse: signature", &og_btse, 401,
		"{\"errorCode\":401,\"message\":\"UNAUTHORIZED\",\"status\":401}",
	"rejected|401|UNAUTHORIZED%|-"},
	{"btse: without words", &og_btse, 401, "{\"status\":401}",
	"rejected|401|HTTP 401 Unauthorized%|-"},
	{"btse: permission", &og_btse, 403,
		"{\"errorCode\":403,\"message\":\"FORBIDDEN\"}",
	"rejected|403|FORBIDDEN|-"},
	{"btse: a page", &og_btse, 401, "<html>",
	"rejected|-|HTTP 401 Unauthorized|-"},
	{"wangdian: signature", &og_wangdian, 200,
		"{\"status\":100,\"message\":\"签名错误\"}",
	"rejected|100|签名错误%|-"},
	{"wangdian: timestamp", &og_wangdian, 200,
		"{\"status\":100,\"message\":\"时间戳错误\"}",
	"rejected|100|时间戳错误%|-"},
	{"wangdian: in English", &og_wangdian, 200,
		"{\"status\":100,\"message\":\"Invalid Sign\"}",
	"rejected|100|Invalid Sign%|-"},
	{"wangdian: arguments", &og_wangdian, 200,
		"{\"status\":100,\"message\":\"参数错误\"}",
	"rejected|100|参数错误|-"},
	{"wangdian: no words", &og_wangdian, 200, "{\"status\":100,\"message\":7}",
	"rejected|100|7|-"},
	{"tronsave: key", &og_tronsave, 401,
		"{\"error\":true,\"message\":\"TSAS:107 INVALID_API_KEY\"}",
	"rejected|-|TSAS:107 INVALID_API_KEY|-"}
};

/* What is expected, with other words on the clock. */
static char *
with_words(const char *expected, const char *words)
{
	const char *mark = strchr(expected, '%');

	if (mark == NULL)
		return pstrdup(expected);
	return psprintf("%.*s%s%s", (int) (mark - expected), expected, words,
					mark + 1);
}

static void
test_refusals(void)
{
	for (size_t i = 0; i < lengthof(refusals); i++)
	{
		const Refusal *row = &refusals[i];
		OgResponse	response = dated(MOMENT_DATE, 131500, 131500);

		response.status = row->status;
		response.body = og_slice_of(row->body);
		is_text(collect_text(row->provider, "1", &response),
				with_words(row->expected,
						   "; our clock is 131 s ahead of the provider's"),
				row->name);
		response.sent_at = response.answered_at = after_moment(3000);
		is_text(collect_text(row->provider, "1", &response),
				with_words(row->expected, ""), "... 2.5 s are no reason");
		response.sent_at = after_moment(-9000);
		response.answered_at = after_moment(9000);
		is_text(collect_text(row->provider, "1", &response),
				with_words(row->expected, ""), "... nor what is uncertain");
		response.date = NULL;
		is_text(collect_text(row->provider, "1", &response),
				with_words(row->expected, ""), "... nor what is not told");
	}
}

/* A message that is as long as it may be makes room. */
static void
test_room(void)
{
	OgSlice		key = og_slice_of("1");
	OgBatch		batch = {NULL, &key, 1};
	OgResponse	response = dated(MOMENT_DATE, -11500, -11500);
	OgCollected collected;
	StringInfoData body;
	const char *message;

	initStringInfo(&body);
	appendStringInfoString(&body, "{\"status\":100,\"message\":\"签名");
	for (int i = 0; i < 1200; i++)
		appendStringInfoString(&body, "错");
	appendStringInfoString(&body, "\"}");
	response.body = og_slice(body.data, body.len);
	og_collect(&collected, og_provider_operation(&og_wangdian, "cancel"),
			   &batch, &response);
	message = collected.outcomes[0].message;
	is_number(og_utf8_clip(message, strlen(message), OG_MAX_MESSAGE),
			  strlen(message), "no more characters than a message has");
	is_number(og_utf8_clip(message, strlen(message), OG_MAX_MESSAGE - 1) + 1,
			  strlen(message), "but all of them");
	is_text(strstr(message, "; our"),
			"; our clock is 12 s behind the provider's", "clock included");
}

/* ----
 * Requests of a check
 * ----
 */

static const char *
asked(const OgProvider *provider, const char *name, const char *setting)
{
	static const char *const account[] = {"key", "secret", "c:d"};
	const OgOperation *operation = og_provider_operation(provider, name);
	OgSigner	signer = {account, &setting, 1};
	OgBatch		nothing = {0};
	OgRequest	request;
	StringInfoData out;

	if (operation == NULL)
		return "none";
	og_request_init(&request, OG_GET, "");
	if (!og_build_request(operation, &request, &nothing) ||
		(operation->kind != OG_PUBLIC && !provider->sign(&request, &signer)))
		return "could not be built";
	initStringInfo(&out);
	appendStringInfo(&out, "%s ", og_method_name(request.method));
	og_append_url(&out, "", &request, false);
	appendStringInfo(&out, " %s", request.body.data);
	return out.data;
}

static void
test_requests(void)
{
	for (int i = 0; og_providers[i] != NULL; i++)
	{
		const OgProvider *provider = og_providers[i];

		const OgOperation *probe = og_provider_operation(provider, OG_PROBE);
		const OgOperation *tried = og_provider_operation(provider,
														 OG_CREDENTIALS);

		ok(probe != NULL && probe->kind == OG_PUBLIC,
		   "%s: a probe tells no key", provider->name);
		ok(tried == NULL || (tried->kind == OG_READ && tried->read != NULL),
		   "%s: credentials are tried by a read", provider->name);
		ok(provider->clock_tolerance > 0, "%s: a clock may differ a little",
		   provider->name);
	}

	is_text(asked(&og_xt, OG_PROBE, "encoded"),
			"GET /trade/api/v1/getServerTime ", "xt: probe");
	is_text(asked(&og_btse, OG_PROBE, NULL), "GET /api/v3.3/time ",
			"btse: probe");
	is_text(asked(&og_tronsave, OG_PROBE, NULL), "GET  ", "tronsave: probe");
	is_text(asked(&og_wangdian, OG_PROBE, NULL), "GET  ", "wangdian: probe");

	is_text(asked(&og_xt, OG_CREDENTIALS, "encoded"),
			"GET /trade/api/v1/getBatchOrders?accesskey=key&data=WzFd"
			"&market=btc_usdt&nonce=1&signature="
			"03ccbdfd284537df6f17a6ab67e6f26d3cac3d02f213579ab8823db0b1213c6d ",
			"xt: credentials");
	is_text(asked(&og_xt, OG_CREDENTIALS, "decoded"),
			"GET /trade/api/v1/getBatchOrders?accesskey=key&data=WzFd"
			"&market=btc_usdt&nonce=1&signature="
			"67f4979c5e81d9c5776065b6972f6d414f5be6a9f17f8a211f91251621d8584c ",
			"xt: credentials, signed over the decoded list");
	is_text(asked(&og_btse, OG_CREDENTIALS, NULL),
			"GET /api/v3.3/user/open_orders?symbol=BTC-USD"
			"&orderID=00000000-0000-0000-0000-000000000000 ",
			"btse: credentials");
	is_text(asked(&og_tronsave, OG_CREDENTIALS, NULL),
			"POST /v0/fast-charge-order-tracking "
			"{\"order_ids\":[\"000000000000000000000000\"]}",
			"tronsave: credentials");
	is_text(asked(&og_wangdian, OG_CREDENTIALS, NULL), "none",
			"wangdian: no read that does nothing");
}

/* ----
 * Answers to a check
 * ----
 */

typedef struct Answer
{
	const OgProvider *provider;
	const char *operation;
	const char *body;
	const char *expected;		/* see answer_text() */
} Answer;

static const Answer answers[] = {
	{&og_xt, OG_PROBE,
		"{\"code\":200,\"data\":{\"serverTime\":1562924059006},\"info\":\"success\"}",
	"success 1562924059006/1"},
	{&og_xt, OG_PROBE, "{\"code\":200,\"data\":{\"serverTime\":1.5e12}}",
	"success 1500000000000/1"},
	{&og_xt, OG_PROBE, "{\"code\":200,\"data\":{\"serverTime\":1.55e0}}",
	"silent does not tell the server's time"},
	{&og_xt, OG_PROBE, "{\"code\":200,\"data\":{\"serverTime\":-1}}",
	"silent does not tell the server's time"},
	{&og_xt, OG_PROBE,
		"{\"code\":200,\"data\":{\"serverTime\":1234567890123456789}}",
	"silent does not tell the server's time"},
	{&og_xt, OG_PROBE, "{\"code\":200}",
	"silent does not tell the server's time"},
	{&og_xt, OG_PROBE, "[]", "silent is not an object"},
	{&og_xt, OG_PROBE, "{\"code\":404,\"info\":\"no\"}",
	"silent does not tell the server's time: 404 no"},
	{&og_xt, OG_CREDENTIALS, "{\"code\":200,\"data\":[],\"info\":\"success\"}",
	"success"},
	{&og_xt, OG_CREDENTIALS, "{\"code\":307,\"info\":\"access key\"}",
	"refusal: 307 access key"},
	{&og_xt, OG_CREDENTIALS, "{\"code\":308,\"info\":\"signature\"}",
	"refusal: 308 signature (clock)"},
	{&og_xt, OG_CREDENTIALS, "{\"code\":400,\"info\":\"nonce\"}",
	"refusal: 400 nonce (clock)"},
	{&og_xt, OG_CREDENTIALS, "{\"code\":400,\"info\":\"data\"}",
	"silent: 400 data"},
	{&og_xt, OG_CREDENTIALS, "{\"code\":404,\"info\":\"locked\"}",
	"silent: 404 locked"},
	{&og_xt, OG_CREDENTIALS, "{\"code\":5,\"info\":\"?\"}",
	"silent has no code that is documented: 5 ?"},
	{&og_btse, OG_PROBE,
		"{\"iso\":\"2019-07-12T09:34:19.006Z\",\"epoch\":1562924059}",
	"success 1562924059000/1000"},
	{&og_btse, OG_PROBE, "{\"epoch\":\"1562924059006\"}",
	"success 1562924059006/1"},
	{&og_btse, OG_PROBE, "{\"epoch\":true}",
	"silent does not tell the server's time"},
	{&og_btse, OG_PROBE, "[1562924059]",
	"silent does not tell the server's time"},
	{&og_btse, OG_CREDENTIALS, "[]", "success"},
	{&og_btse, OG_CREDENTIALS,
		"{\"errorCode\":401,\"message\":\"UNAUTHORIZED\"}",
	"refusal is not a list of orders: 401 UNAUTHORIZED (clock)"},
	{&og_btse, OG_CREDENTIALS, "{\"errorCode\":403,\"message\":\"FORBIDDEN\"}",
	"refusal is not a list of orders: 403 FORBIDDEN"},
	{&og_btse, OG_CREDENTIALS, "{\"errorCode\":400,\"message\":\"BADREQUEST\"}",
	"silent is not a list of orders: 400 BADREQUEST"},
	{&og_btse, OG_CREDENTIALS, "\"401\"", "silent is not a list of orders"},
	{&og_tronsave, OG_CREDENTIALS, "{\"results\":[]}", "success"},
	{&og_tronsave, OG_CREDENTIALS,
		"{\"error\":true,\"message\":\"TSAS:107 INVALID_API_KEY\"}",
	"refusal has no list of orders: - TSAS:107 INVALID_API_KEY"},
	{&og_tronsave, OG_CREDENTIALS,
		"{\"error\":true,\"message\":\"TSAS:1070\"}",
	"silent has no list of orders: - TSAS:1070"},
	{&og_tronsave, OG_CREDENTIALS, "7", "silent has no list of orders"}
};

/* Nothing of a check is about an order. */
static int
find_none(OgReading *reading, OgSlice id)
{
	return -1;
}

static void
take_none(OgReading *reading, int key, const OgResult *result)
{
	ok(false, "a check takes no order");
}

/* "envelope note: code message (clock)", or "envelope time/unit". */
static const char *
answer_text(const Answer *answer)
{
	static const char *const envelopes[] = {"silent", "success", "refusal"};
	OgReading	reading = {.find = find_none, .take = take_none,
		.rest = OG_UNKNOWN};
	OgBatch		nothing = {0};
	OgSlice		value;
	const char *flaw;
	char	   *code;
	char	   *message;
	StringInfoData out;

	if (!og_json_prove(og_slice_of(answer->body), &value, &flaw))
		return "not proven";
	og_provider_operation(answer->provider,
						  answer->operation)->read(&reading, value, &nothing);
	code = og_json_text(reading.code, OG_MAX_CODE);
	message = og_json_text(reading.message, OG_MAX_MESSAGE);

	initStringInfo(&out);
	appendStringInfoString(&out, envelopes[reading.envelope]);
	if (reading.time_ms != 0)
		appendStringInfo(&out, " " INT64_FORMAT "/%d", reading.time_ms,
						 reading.time_unit_ms);
	if (reading.note != NULL)
		appendStringInfo(&out, " %s", reading.note);
	if (code != NULL || message != NULL)
		appendStringInfo(&out, ": %s %s", code ? code : "-",
						 message ? message : "-");
	if (reading.clock_suspected)
		appendStringInfoString(&out, " (clock)");
	return out.data;
}

static void
test_answers(void)
{
	for (size_t i = 0; i < lengthof(answers); i++)
		is_text(answer_text(&answers[i]), answers[i].expected,
				psprintf("%s %s: %s", answers[i].provider->name,
						 answers[i].operation, answers[i].body));
}

int
main(void)
{
	test_dates();
	test_clocks();
	test_refusals();
	test_room();
	test_requests();
	test_answers();
	return done_testing();
}
