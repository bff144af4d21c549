/*-------------------------------------------------------------------------
 *
 * test_providers.c
 *		Requests as they would leave: built and signed, byte for byte.
 *
 * The expected signatures are known answers of the providers' own pages, or
 * were computed with another implementation.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "ground/pace.h"
#include "provider/provider.h"
#include "tap.h"

#define MAX_KEYS	OG_MAX_BATCH

/* In a server a context frees what these rooms allocate; here nobody does. */
extern const char *__asan_default_options(void);

const char *
__asan_default_options(void)
{
	return "detect_leaks=0";
}

/* "POST base?query", then one line per header, then an empty line and body. */
static char *
render(const OgProvider *provider, const OgRequest *request, bool masked)
{
	StringInfoData out;

	initStringInfo(&out);
	appendStringInfo(&out, "%s ", og_method_name(request->method));
	og_append_url(&out, provider->base_url, request, masked);
	appendStringInfoChar(&out, '\n');
	for (int i = 0; i < request->headers.count; i++)
	{
		const OgField *field = &request->headers.items[i];

		appendStringInfo(&out, "%s: %s\n", field->name,
						 masked && field->secret ? OG_MASK : field->value);
	}
	appendStringInfo(&out, "\n%s", request->body.data);
	return out.data;
}

/* A NULL-terminated list of texts becomes the keys of a batch. */
static OgBatch
make_batch(const OgFields *arguments, const char *const *ids, OgSlice *keys)
{
	OgBatch		batch = {arguments, keys, 0};

	while (ids[batch.nkeys] != NULL)
	{
		keys[batch.nkeys] = og_slice_of(ids[batch.nkeys]);
		batch.nkeys++;
	}
	return batch;
}

/* Build and sign; NULL if either was refused. */
static char *
request_text(const OgProvider *provider, const OgFields *arguments,
			 const char *const *ids, const char *const *credentials,
			 const char *setting, int64 time_ms, bool masked)
{
	static OgSlice keys[MAX_KEYS];
	const OgOperation *operation = og_provider_operation(provider, "cancel");
	OgBatch		batch = make_batch(arguments, ids, keys);
	OgSigner	signer = {credentials, &setting, time_ms};
	OgRequest	request;

	og_request_init(&request, OG_GET, "");
	if (!og_build_request(operation, &request, &batch) ||
		!provider->sign(&request, &signer))
		return NULL;
	return render(provider, &request, masked);
}

#define IDS(...)	((const char *const[]) {__VA_ARGS__, NULL})

static void
test_xt(void)
{
	static const char *const account[] = {"myAccessKey", "mySecretKey"};
	OgFields	market = {0};
	OgFields	odd = {0};
	const char *text;

	og_fields_add(&market, "market", "btc_usdt");
	is_text(request_text(&og_xt, &market, IDS("123", "456", "789"), account,
						 "encoded", INT64CONST(1562919832183), false),
			"POST https://api.xt.com/trade/api/v1/batchCancel\n"
			"Content-Type: application/x-www-form-urlencoded\n"
			"\n"
			"accesskey=myAccessKey&data=WzEyMyw0NTYsNzg5XQ%3D%3D"
			"&market=btc_usdt&nonce=1562919832183&signature="
			"00cf95fcbe2ec745cf5d4d0844bf43fb4a5a564fa7abbb641c5c827770033090",
			"xt: the known answer");

	is_text(request_text(&og_xt, &market, IDS("123", "456", "789"), account,
						 "decoded", INT64CONST(1562919832183), false),
			"POST https://api.xt.com/trade/api/v1/batchCancel\n"
			"Content-Type: application/x-www-form-urlencoded\n"
			"\n"
			"accesskey=myAccessKey&data=WzEyMyw0NTYsNzg5XQ%3D%3D"
			"&market=btc_usdt&nonce=1562919832183&signature="
			"11af7288ddcc2beacca0ad497affc136a9a6469d361c70edee8d43d51472b0d3",
			"xt: signed over the decoded list");

	/* [9007199254740993,6216559590087220004,9999999999999999999] */
	text = request_text(&og_xt, &market,
						IDS("9007199254740993", "6216559590087220004",
							"9999999999999999999"), account, "encoded", 1,
						false);
	ok(strstr(text, "data=WzkwMDcxOTkyNTQ3NDA5OTMsNjIxNjU1OTU5MDA4NzIyMDAwNCw5"
			  "OTk5OTk5OTk5OTk5OTk5OTk5XQ%3D%3D&") != NULL,
	   "xt: ids beyond 2^53 keep their digits");

	og_fields_add(&odd, "market", "a'b=c&d%e\r\nf\xe4\xb9\xb0");
	text = request_text(&og_xt, &odd, IDS("1"), account, "encoded", 1, false);
	ok(strstr(text, "&market=a%27b%3Dc%26d%25e%0D%0Af%E4%B9%B0&nonce=1&") != NULL,
	   "xt: no market can become another parameter");

	ok(request_text(&og_xt, &market, IDS("1,2"), account, "encoded", 1,
					false) == NULL, "xt: an id that is no number is not sent");
	ok(request_text(&og_xt, &market, (const char *const[]) {NULL}, account,
					"encoded", 1, false) == NULL, "xt: nor is an empty list");
}

static void
test_xt_ids(void)
{
	static const char *const bad[] = {
		"", "0", "01", "12345678901234567890", "-1", "+1", "1.0", "1e3", " 1",
		"1 ", "0x1", "1]", "\xef\xbc\x91"
	};
	static const char *const good[] = {
		"1", "10", "9223372036854775807", "9999999999999999999"
	};

	for (size_t i = 0; i < lengthof(bad); i++)
		is_text(og_xt.check_id(og_slice_of(bad[i])),
				"1 to 19 digits without a leading zero",
				psprintf("xt: \"%s\" is no id", bad[i]));
	for (size_t i = 0; i < lengthof(good); i++)
		ok(og_xt.check_id(og_slice_of(good[i])) == NULL,
		   "xt: %s is an id", good[i]);
}

static void
test_tronsave(void)
{
	static const char *const account[] = {"the-key"};
	OgFields	none = {0};

	is_text(request_text(&og_tronsave, &none,
						 IDS("673c17a3129f1881382e98e3", "12345678901234567890"),
						 account, NULL, 1, false),
			"POST https://api.tronsave.io/v0/fast-charge-order-cancel\n"
			"Content-Type: application/json\n"
			"apikey: the-key\n"
			"\n"
			"{\"order_ids\":[\"673c17a3129f1881382e98e3\","
			"\"12345678901234567890\"]}",
			"tronsave: a request");
	is_text(request_text(&og_tronsave, &none,
						 IDS("a\"],\"x\":[\"", "\\\r\n", "\xe5\x8d\x95=&%"),
						 account, NULL, 1, true),
			"POST https://api.tronsave.io/v0/fast-charge-order-cancel\n"
			"Content-Type: application/json\n"
			"apikey: ***\n"
			"\n"
			"{\"order_ids\":[\"a\\\"],\\\"x\\\":[\\\"\",\"\\\\\\r\\n\","
			"\"\xe5\x8d\x95=&%\"]}",
			"tronsave: ids stay strings, the key is masked");
}

/* The body that the known answers of BTSE's page were computed over. */
static const char *const btse_body =
"{\"postOnly\":false,\"price\":8500.0,\"side\":\"BUY\",\"size\":0.002,"
"\"stopPrice\":0.0,\"symbol\":\"BTC-USD\",\"time_in_force\":\"GTC\","
"\"trailValue\":0.0,\"triggerPrice\":0.0,\"txType\":\"LIMIT\","
"\"type\":\"LIMIT\"}";

static const char *const btse_account[] = {
	"4e9536c79f0fdd72bf04f2430982d3f61d9d76c996f0175bbba470d69d59816x",
	"848db84ac252b6726e5f6e7a711d9c96d9fd77d020151b45839a5b59c37203bx"
};

static void
btse_signs(const char *path, const char *body, int64 time_ms,
		   const char *expected)
{
	OgSigner	signer = {btse_account, NULL, time_ms};
	OgRequest	request;

	og_request_init(&request, OG_POST, path);
	og_fields_add(&request.query, "not", "signed");
	appendStringInfoString(&request.body, body);
	ok(og_btse.sign(&request, &signer), "btse: %s can be signed", path);
	is_text(og_fields_get(&request.headers, "request-api"), btse_account[0],
			"btse: the key");
	is_text(og_fields_get(&request.headers, "request-nonce"),
			psprintf(INT64_FORMAT, time_ms), "btse: the nonce");
	is_text(og_fields_get(&request.headers, "request-sign"), expected,
			"btse: the known answer");
}

static void
test_btse_signatures(void)
{
	btse_signs("/api/v3.2/order", btse_body, INT64CONST(1624985375123),
			   "e9cd0babdf497b536d1e48bc9cf1fadad3426b36406b5747d77ae4e3cdc9"
			   "ab556863f2d0cf78e0228c39a064ad43afb7");
	btse_signs("/api/v3.3/order", btse_body, INT64CONST(1624985375123),
			   "8523d528bc9a6d3509849c6bfaec7c54535387d438362de790f49b809b02"
			   "67dd3738258ea11bc6c36028c4632813fe03");
}

static char *
btse_text(const char *symbol, const char *by, const char *const *ids)
{
	OgFields	arguments = {0};

	if (symbol)
		og_fields_add(&arguments, "symbol", symbol);
	if (by)
		og_fields_add(&arguments, "by", by);
	return request_text(&og_btse, &arguments, ids, btse_account, NULL,
						INT64CONST(1624985375123), false);
}

static void
test_btse(void)
{
	static const char *const nameless[] = {
		"", " ", "\t", " x", "x ", "\n", "x\r"
	};

	is_text(btse_text("BTC-USD", "client_order_id",
					  IDS("a&orderID=\" %\r\n\xe5\x8d\x95")),
			"DELETE https://api.btse.com/spot/api/v3.3/order"
			"?symbol=BTC-USD&clOrderID=a%26orderID%3D%22%20%25%0D%0A%E5%8D%95\n"
			"request-api: "
			"4e9536c79f0fdd72bf04f2430982d3f61d9d76c996f0175bbba470d69d59816x\n"
			"request-nonce: 1624985375123\n"
			"request-sign: 6b7a6208bcc7748d2702c3a86fa4b055b389a649dfd4afe538f0767d67ff"
			"061b9deb7be0f35fb68c0259a38a91302a9a\n"
			"\n",
			"btse: by client_order_id");
	ok(strstr(btse_text("BTC-USD", "order_id", IDS("9be4a6bb-bf56")),
			  "?symbol=BTC-USD&orderID=9be4a6bb-bf56\n") != NULL,
	   "btse: by order_id");

	for (size_t i = 0; i < lengthof(nameless); i++)
		ok(btse_text("BTC-USD", "order_id", IDS(nameless[i])) == NULL,
		   "btse: no request without an id (%d)", (int) i);
	ok(btse_text("BTC-USD", "order_id", (const char *const[]) {NULL}) == NULL,
	   "btse: none without any");
	ok(btse_text("BTC-USD", "order_id", IDS("1", "2")) == NULL,
	   "btse: none with two");
	ok(btse_text("BTC-USD", "symbol", IDS("1")) == NULL,
	   "btse: none by something else");
	ok(btse_text("BTC-USD", NULL, IDS("1")) == NULL,
	   "btse: none by nothing");
	ok(btse_text(NULL, "order_id", IDS("1")) == NULL,
	   "btse: none without a symbol");
}

static void
test_wangdian(void)
{
	static const char *const account[] = {
		"demo_sid", "demo_key", "testsecret:testsalt"
	};
	const int64 time_ms = (INT64CONST(343000000) + INT64CONST(1325347200)) * 1000 + 999;
	OgFields	none = {0};
	const OgOption *secret = &og_wangdian.credentials[2];

	is_text(request_text(&og_wangdian, &none,
						 IDS("CR202211100001", "CR202211100002",
							 "CR202211100003"), account, NULL, time_ms, false),
			"POST http://wdt.wangdian.cn/openapi"
			"?method=purchase.PurchaseReturn.batchCancelOrder&v=1.0"
			"&sid=demo_sid&key=demo_key&salt=testsalt&timestamp=343000000"
			"&sign=eda046be606586e9dae378ae435a6878\n"
			"Content-Type: application/json\n"
			"\n"
			"[[\"CR202211100001\",\"CR202211100002\",\"CR202211100003\"]]",
			"wangdian: the known answer");
	is_text(request_text(&og_wangdian, &none, IDS("采购退货-1"), account, NULL,
						 time_ms, true),
			"POST http://wdt.wangdian.cn/openapi"
			"?method=purchase.PurchaseReturn.batchCancelOrder&v=1.0"
			"&sid=demo_sid&key=demo_key&salt=***&timestamp=343000000"
			"&sign=60be6e20c8ea64bf6856a18996b0d9b3\n"
			"Content-Type: application/json\n"
			"\n"
			"[[\"采购退货-1\"]]",
			"wangdian: the known answer in Chinese, masked");

	ok(secret->valid("a:b") && secret->valid("a:b:c"),
	   "wangdian: secret and salt");
	ok(!secret->valid("") && !secret->valid("a") && !secret->valid("a:") &&
	   !secret->valid(":b") && !secret->valid(":"),
	   "wangdian: neither of them may be empty");
}

/* Numbers that are one to MySQL are alike; what may equal anything is like all. */
static void
test_wangdian_likeness(void)
{
	static const struct
	{
		const char *one;
		const char *other;
		bool		alike;
	}			pairs[] = {
		{"CR1", "cr1", true},
		{"cR1", "Cr1", true},
		{"CR1", "ＣＲ１", true},
		{"cr1", "ＣＲ１", true},
		{"CR 1", "CR　1", true},
		{"CR-1", "CR－1", true},
		{"采购退货-Ａ", "采购退货-a", true},
		{"CR1", "CR2", false},
		{"CR1", "CR11", false},
		{"CR 1", "CR1", false},
		{"CR-1", "CR_1", false},
		{"采购退货-1", "采购退或-1", false},
		{"{a", "[a", false},
		{"@1", "`1", false}
	};
	static const char *const odd[] = {
		"é", "ß", "Ω", "К1", "ｶ", "か", "①", "CR\u200b1", "CR1\u0301", "㐀", "\U00020000",
		"\uf900", "\u00a0" "1", "ı"
	};
	uint64		(*likeness) (OgSlice key) =
		og_provider_operation(&og_wangdian, "cancel")->likeness;

	for (size_t i = 0; i < lengthof(pairs); i++)
		ok(likeness(og_slice_of(pairs[i].one)) != 0 &&
		   (likeness(og_slice_of(pairs[i].one)) ==
			likeness(og_slice_of(pairs[i].other))) == pairs[i].alike,
		   "wangdian: %s and %s are %s", pairs[i].one, pairs[i].other,
		   pairs[i].alike ? "alike" : "not alike");
	for (size_t i = 0; i < lengthof(odd); i++)
		ok(likeness(og_slice_of(odd[i])) == 0, "wangdian: %s goes alone",
		   odd[i]);
}

/* No batch may be larger than what a provider takes. */
static void
test_maxima(void)
{
	static char text[MAX_KEYS + 1][8];
	static const char *ids[MAX_KEYS + 2];
	static const char *const account[] = {"a", "b", "c:d"};
	OgFields	market = {0};

	og_fields_add(&market, "market", "m");
	for (int i = 0; i < 101; i++)
	{
		snprintf(text[i], sizeof(text[i]), "%d", i + 1);
		ids[i] = text[i];
	}
	ok(request_text(&og_xt, &market, ids, account, "encoded", 1,
					false) == NULL, "xt: not 101 ids");
	ids[100] = NULL;
	ok(request_text(&og_xt, &market, ids, account, "encoded", 1,
					false) != NULL, "xt: 100 ids");
	ids[21] = NULL;
	ok(request_text(&og_wangdian, &market, ids, account, NULL, 1,
					false) == NULL, "wangdian: not 21 numbers");
	ids[20] = NULL;
	ok(request_text(&og_wangdian, &market, ids, account, NULL, 1,
					false) != NULL, "wangdian: 20 numbers");
}

/* Windows as "requests/microseconds scope", or what is wrong. */
static char *
pace_text(const char *text)
{
	StringInfoData out;
	OgPace		pace;
	const char *reason;

	if (!og_pace_parse(text, &pace, &reason))
		return pstrdup(reason);
	initStringInfo(&out);
	for (int i = 0; i < pace.nwindows; i++)
		appendStringInfo(&out, "%s%d/" INT64_FORMAT "%s", i > 0 ? " " : "",
						 pace.windows[i].requests, pace.windows[i].length_us,
						 pace.windows[i].scope == OG_PER_HOST ? "h" : "k");
	appendStringInfo(&out, " >" INT64_FORMAT, og_pace_smallest_us(&pace));
	return out.data;
}

#define FORM	"It is \"off\", or one or more limits such as \"10/1s per key, 1000/60s per host\"."
#define UNITS	"A duration needs one of the units \"ms\", \"s\", \"min\", \"h\" and \"d\"."
#define NUMBER	"The number of requests must be between 1 and 4000."
#define LENGTH	"A duration must be between 1 ms and 1 d."
#define PER		"A limit counts \"per key\" or \"per host\"."
#define REST	"Limits are separated by commas, and each may end in \"per key\" or \"per host\"."

static void
test_pace(void)
{
	static const struct
	{
		const char *text;
		const char *expected;
	}			rows[] = {
		{"10/1s per key, 1000/60s per host", "10/1000000k 1000/60000000h >1000000"},
		{"10/1s", "10/1000000k >1000000"},
		{" 1 / 2 S Per  HOST,3/4MIN ", "1/2000000h 3/240000000k >240000000"},
		{"1000/60s per host", "1000/60000000h >0"},
		{"1/1ms,1/24h,1/1d", "1/1000k 1/86400000000k 1/86400000000k >1000"},
		{"off", " >0"},
		{" OFF ", " >0"},
		{"4000/1s", "4000/1000000k >1000000"},
		{"4001/1s", NUMBER},
		{"0/1s", NUMBER},
		{"99999999999999999999999/1s", NUMBER},
		{"1/0s", LENGTH},
		{"1/25h", LENGTH},
		{"1/2d", LENGTH},
		{"1/18446744073709551617ms", LENGTH},
		{"", FORM},
		{"10", FORM},
		{"10/", FORM},
		{"/1s", FORM},
		{"-1/1s", FORM},
		{"1.5/1s", FORM},
		{"10/1s,", FORM},
		{"10/1s,,1/1s", FORM},
		{"ten/1s", FORM},
		{"1/1.5s", UNITS},
		{"10/1", UNITS},
		{"10/1 per key", UNITS},
		{"10/1sec", UNITS},
		{"10/1us", UNITS},
		{"10/1s per ip", PER},
		{"10/1s per", PER},
		{"10/1s per keys", PER},
		{"10/1s key", REST},
		{"10/1s 5/1s", REST},
		{"off, 1/1s", "Nothing may follow \"off\"."},
		{"offer", FORM},
		{"1/1s,1/1s,1/1s,1/1s,1/1s,1/1s,1/1s,1/1s,1/1s", "There may be at most 8 limits."},
	};

	for (size_t i = 0; i < lengthof(rows); i++)
		is_text(pace_text(rows[i].text), rows[i].expected,
				psprintf("pace \"%s\"", rows[i].text));
}

/* A window is shown as it would be written. */
static void
test_pace_shown(void)
{
	static const char *const texts[] = {
		"10/1s per key", "1000/1min per host", "1/1ms per key", "4000/1h per key",
		"7/1d per host", "3/1500ms per key", "5/90s per key"
	};
	OgPace		pace;
	OgPace		sum = {.nwindows = 0};
	const char *reason;

	for (size_t i = 0; i < lengthof(texts); i++)
	{
		ok(og_pace_parse(texts[i], &pace, &reason), "\"%s\" is read", texts[i]);
		is_text(og_pace_window_text(&pace.windows[0]), texts[i], "... and shown");
	}
	ok(og_pace_parse("60/60s", &pace, &reason), "one in another unit");
	is_text(og_pace_window_text(&pace.windows[0]), "60/1min per key",
			"... is shown in the largest that fits");
	(void) og_pace_parse("1/1s, 2/2s per host, 3/3s", &pace, &reason);
	og_pace_add(&sum, &pace, OG_PER_KEY);
	og_pace_add(&sum, &pace, OG_PER_HOST);
	is_number(sum.nwindows, 3, "all windows of two scopes");
	is_number(sum.windows[1].requests, 3, "... those per key first");
}

/* What the tables promise to those who read them. */
static void
test_tables(void)
{
	OgPace		pace;
	const char *reason;

	for (int i = 0; og_providers[i] != NULL; i++)
	{
		const OgProvider *p = og_providers[i];
		const OgOperation *cancel = og_provider_operation(p, "cancel");

		is_text(p->wrapper, psprintf("%s_fdw", p->name), "a wrapper");
		ok(og_pace_parse(p->rate_limit, &pace, &reason),
		   "%s: rate_limit", p->name);
		ok(og_pace_parse(p->query_rate_limit, &pace, &reason),
		   "%s: query_rate_limit", p->name);
		ok(cancel != NULL && cancel->kind == OG_ACT &&
		   cancel->batch_max == p->max_batch &&
		   cancel->batch_max <= OG_MAX_BATCH &&
		   cancel->batch_default >= 1 &&
		   cancel->batch_default <= cancel->batch_max,
		   "%s: cancel", p->name);
		ok(p->credentials[p->key].name != NULL, "%s: key", p->name);
	}
	ok(og_provider_operation(&og_xt, "create") == NULL, "no other operation");
	is_text(og_verdict_name(OG_NOT_CANCELLABLE), "not_cancellable", "a name");
	is_text(og_verdict_name(OG_UNKNOWN), "unknown", "the last name");
}

int
main(void)
{
	test_xt();
	test_xt_ids();
	test_tronsave();
	test_btse_signatures();
	test_btse();
	test_wangdian();
	test_wangdian_likeness();
	test_maxima();
	test_pace();
	test_pace_shown();
	test_tables();
	return done_testing();
}
