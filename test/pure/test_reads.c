/*-------------------------------------------------------------------------
 *
 * test_reads.c
 *		Reads: requests byte for byte, and records out of answers, in all the
 *		ways in which documents name a field.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "provider/provider.h"
#include "tap.h"

#define TIME_MS	INT64CONST(1624985375123)

/* In a server a context frees what these rooms allocate; here nobody does. */
extern const char *__asan_default_options(void);

const char *
__asan_default_options(void)
{
	return "detect_leaks=0";
}

static const char *const btse_account[] = {
	"4e9536c79f0fdd72bf04f2430982d3f61d9d76c996f0175bbba470d69d59816x",
	"848db84ac252b6726e5f6e7a711d9c96d9fd77d020151b45839a5b59c37203bx"
};
static const char *const xt_account[] = {"myAccessKey", "mySecretKey"};
static const char *const tronsave_account[] = {"key"};
static const char *const wangdian_account[] = {
	"demo_sid", "demo_key", "testsecret:testsalt"
};

#define WANGDIAN_QUERY \
	"POST ?page_size=20&page_no=0&calc_total=1" \
	"&method=purchase.PurchaseReturn.queryWithDetail&v=1.0" \
	"&sid=demo_sid&key=demo_key&salt=testsalt&timestamp=299638175&sign="

/* ----
 * Requests
 * ----
 */

/* "symbol=BTC-USD count=3" as arguments. */
static OgFields
arguments_of(const char *text)
{
	OgFields	fields = {0};
	char	   *copy = pstrdup(text);

	for (char *word = strtok(copy, " "); word; word = strtok(NULL, " "))
	{
		char	   *equals = strchr(word, '=');

		*equals = '\0';
		og_fields_add(&fields, word, equals + 1);
	}
	return fields;
}

/* "1 2 3" as the keys of a batch. */
static OgBatch
batch_of(const OgFields *arguments, const char *ids)
{
	OgBatch		batch = {arguments, NULL, 0};
	OgSlice    *keys = palloc((strlen(ids) + 1) * sizeof(OgSlice));
	char	   *copy = pstrdup(ids);

	for (char *word = strtok(copy, " "); word; word = strtok(NULL, " "))
		keys[batch.nkeys++] = og_slice_of(word);
	batch.keys = keys;
	return batch;
}

static const OgOperation *
operation_of(const OgProvider *provider, const char *name)
{
	const OgOperation *operation = og_provider_operation(provider, name);

	if (operation == NULL)
	{
		printf("Bail out! no operation %s\n", name);
		exit(1);
	}
	return operation;
}

/* Method, URL without the base and, for a signed one, what it is signed by. */
static const char *
request_text(const OgProvider *provider, const char *const *account,
			 const char *name, const char *arguments, const char *ids)
{
	static const char *const settings[] = {"encoded"};
	const OgOperation *operation = operation_of(provider, name);
	OgFields	fields = arguments_of(arguments);
	OgBatch		batch = batch_of(&fields, ids);
	OgSigner	signer = {account, settings, TIME_MS};
	OgRequest	request;
	StringInfoData out;

	og_request_init(&request, OG_GET, "");
	if (!og_build_request(operation, &request, &batch) ||
		(operation->kind != OG_PUBLIC && !provider->sign(&request, &signer)))
		return NULL;
	initStringInfo(&out);
	appendStringInfo(&out, "%s ", og_method_name(request.method));
	og_append_url(&out, "", &request, false);
	for (int i = 0; i < request.headers.count; i++)
	{
		if (strcmp(request.headers.items[i].name, "request-sign") == 0)
			appendStringInfo(&out, " %.12s", request.headers.items[i].value);
	}
	if (request.body.len > 0)
		appendStringInfo(&out, " %s", request.body.data);
	return out.data;
}

static const struct
{
	const char *operation;
	const char *arguments;
	const char *request;
}			btse_requests[] = {
	{"market_summary", "", "GET /api/v3.3/market_summary"},
	{"market_summary", "symbol=BTC-USD", "GET /api/v3.3/market_summary?symbol=BTC-USD"},
	{"ohlcv", "symbol=BTC-USD resolution=60 from_time=1 to_time=2",
	"GET /api/v3.3/ohlcv?symbol=BTC-USD&resolution=60&start=1&end=2"},
	{"price", "symbol=BTC-USD", "GET /api/v3.3/price?symbol=BTC-USD"},
	{"orderbook", "symbol=BTC-USD grouping=0 limit_bids=3 limit_asks=4",
	"GET /api/v3.3/orderbook?symbol=BTC-USD&group=0&limit_bids=3&limit_asks=4"},
	{"orderbook_l2", "symbol=BTC-USD depth=5",
	"GET /api/v3.3/orderbook/L2?symbol=BTC-USD&depth=5"},
	{"trades", "symbol=BTC-USD from_time=1 to_time=2 count=3",
	"GET /api/v3.3/trades?symbol=BTC-USD&startTime=1&endTime=2&count=3"},
	{"time", "", "GET /api/v3.3/time"},

	/* signed: HMAC-SHA384 over path and nonce, computed by another implementation */
	{"get_order", "order_id=a client_order_id=b",
	"GET /api/v3.3/order?orderID=a&clOrderID=b 6b7a6208bcc7"},
	{"get_order", "symbol=BTC-USD", NULL},
	{"get_order", "symbol=BTC-USD order_id=a",
	"GET /api/v3.3/order?orderID=a 6b7a6208bcc7"},
	{"open_orders", "", "GET /api/v3.3/user/open_orders ef67f0006424"},
	{"open_orders", "symbol=BTC-USD client_order_id=b%",
	"GET /api/v3.3/user/open_orders?symbol=BTC-USD&clOrderID=b%25 ef67f0006424"},
	{"trade_history", "symbol=BTC-USD from_time=1 to_time=2 count=3 order_id=a client_order_id=b match_symbol=true",
		"GET /api/v3.3/user/trade_history?symbol=BTC-USD&startTime=1&endTime=2&count=3&orderID=a&clOrderID=b&isMatchSymbol=true "
	"e56f5a5c5bcd"},
	{"fees", "", "GET /api/v3.3/user/fees 13e989c131d1"},
	{"invest_products", "", "GET /api/v3.3/invest/products 8bc858307392"},
	{"invest_orders", "", "GET /api/v3.3/invest/orders a0d468d43de9"},
	{"invest_history", "", "GET /api/v3.3/invest/history bd4076d95f4d"}
};

static void
test_requests(void)
{
	for (size_t i = 0; i < lengthof(btse_requests); i++)
		is_text(request_text(&og_btse, btse_account,
							 btse_requests[i].operation,
							 btse_requests[i].arguments, ""),
				btse_requests[i].request,
				psprintf("btse %s %s", btse_requests[i].operation,
						 btse_requests[i].arguments));

	/* signatures computed by another implementation over the sorted parameters */
	is_text(request_text(&og_xt, xt_account, "get_order",
						 "market=btc_usdt id=6216559590087220004", ""),
			"GET /trade/api/v1/getOrder?accesskey=myAccessKey"
			"&id=6216559590087220004&market=btc_usdt&nonce=1624985375123"
			"&signature=5eeab9944b20cb63c871239dd8ba028dee53355fe8a3b09b77b80f05823e1cf6", "xt get_order");
	ok(request_text(&og_xt, xt_account, "get_order", "market=m id=01", "") == NULL,
	   "xt get_order: no other ids");
	is_text(request_text(&og_xt, xt_account, "get_orders", "market=btc_usdt",
						 "123 456 789"),
			"GET /trade/api/v1/getBatchOrders?accesskey=myAccessKey"
			"&data=WzEyMyw0NTYsNzg5XQ%3D%3D&market=btc_usdt"
			"&nonce=1624985375123&signature=a2d030dff442a6c5d75f349697e11502444d5fadacd937f462a1f01bfda12875", "xt get_orders");
	is_text(request_text(&og_tronsave, tronsave_account, "get_orders", "",
						 "a b"),
			"POST /v0/fast-charge-order-tracking {\"order_ids\":[\"a\",\"b\"]}",
			"tronsave get_orders");

	/* the parameters of the page are signed as all of the query is */
	is_text(request_text(&og_wangdian, wangdian_account, "get_returns", "",
						 "CR202211100001"),
			WANGDIAN_QUERY "a3b0c59e6fd246f6b785f57eb1caca08 [{\"return_no\":\"CR202211100001\"}]",
			"wangdian get_returns");
	is_text(request_text(&og_wangdian, wangdian_account, "get_returns",
						 "order_id=采购退货-\"1", ""),
			WANGDIAN_QUERY "9ca28a4b7637a3743fb80087fac47b64 [{\"return_no\":\"采购退货-\\\"1\"}]",
			"wangdian get_returns, by an argument");
	ok(request_text(&og_wangdian, wangdian_account, "get_returns", "",
					"a b") == NULL, "wangdian get_returns: not two at once");
	ok(request_text(&og_wangdian, wangdian_account, "get_returns", "",
					"") == NULL, "wangdian get_returns: not without one");
}

/* Pages are asked for by their number, in the largest size there is. */
static void
test_pages(void)
{
	is_text(request_text(&og_xt, xt_account, "open_orders",
						 "market=btc_usdt page=2", ""),
			"GET /trade/api/v1/getOpenOrders?accesskey=myAccessKey"
			"&market=btc_usdt&nonce=1624985375123&page=2&pageSize=1000"
			"&signature=64d150a9706a9b235f0ab6027e7e37057f30688511d674f86f8edf50037d8254", "xt open_orders");
	ok(!request_text(&og_xt, xt_account, "open_orders", "market=m", ""), "... by number");
}

/* ----
 * Answers
 * ----
 */

typedef struct Taken
{
	OgRecords	records;
	const OgBatch *batch;
	StringInfoData text;
} Taken;

static int
find_key(OgReading *reading, OgSlice id)
{
	const OgBatch *batch = ((Taken *) reading)->batch;

	for (int i = 0; i < batch->nkeys; i++)
		if (og_json_compare(id, batch->keys[i]) == 0)
			return i;
	return -1;
}

/* Append what there is of a record: "[order_id=1 price=2]". */
static void
take_record(OgRecords *records, const OgSlice *values, OgSlice raw)
{
	StringInfo	text = &((Taken *) records)->text;
	const OgBatch *batch = ((Taken *) records)->batch;
	const char *space = "";

	appendStringInfoChar(text, '[');
	if (batch->nkeys > 0)
	{
		appendStringInfo(text, "%d:", records->key);
		space = " ";
	}
	for (int i = 0; records->columns[i].name != NULL; i++)
	{
		if (values[i].data == NULL)
			continue;
		appendStringInfo(text, "%s%s=%s", space, records->columns[i].name,
						 og_json_text(values[i], 100));
		space = " ";
	}
	appendStringInfoChar(text, ']');
}

static const char *
refusal_name(OgRefusal refusal)
{
	switch (refusal)
	{
		case OG_REFUSED_CREDENTIALS:
			return "credentials";
		case OG_REFUSED_ARGUMENTS:
			return "arguments";
		case OG_REFUSED_UNKNOWN:
			return "unknown";
		case OG_REFUSED_PACE:
			return "pace";
		case OG_REFUSED_SOMEHOW:
			break;
	}
	return "somehow";
}

/* The records of an answer, or why there are none. */
static const char *
answer_text(const OgProvider *provider, const char *name, const char *ids,
			const char *json)
{
	const OgOperation *operation = operation_of(provider, name);
	OgFields	fields = {0};
	OgBatch		batch = batch_of(&fields, ids);
	Taken		taken = {0};
	OgReading  *reading = &taken.records.reading;
	OgSlice		answer;
	const char *reason;

	reading->find = find_key;
	reading->rest = OG_UNKNOWN;
	taken.records.columns = operation->columns;
	taken.records.take = take_record;
	taken.records.key = -1;
	taken.batch = &batch;
	initStringInfo(&taken.text);
	if (!og_json_prove(og_slice_of(json), &answer, &reason))
		return reason;
	operation->read_records(&taken.records, answer, &batch);
	if (taken.records.nothing)
		return "nothing";
	if (reading->envelope == OG_ENVELOPE_SUCCESS)
		return taken.text.data;
	appendStringInfo(&taken.text, "refused: %s",
					 refusal_name(taken.records.refusal));
	if (reading->code.data != NULL)
		appendStringInfo(&taken.text, " %s", og_json_text(reading->code, 64));
	if (reading->message.data != NULL)
		appendStringInfo(&taken.text, " \"%s\"",
						 og_json_text(reading->message, 100));
	if (reading->note != NULL)
		appendStringInfo(&taken.text, " (%s)", reading->note);
	return taken.text.data;
}

typedef struct Case
{
	const char *operation;
	const char *answer;
	const char *records;
} Case;

static const Case btse_answers[] = {
	/* an order, with the names of the examples, the tables, and older ones */
	{"get_order", "{\"orderID\":\"a\",\"clOrderID\":\"b\",\"timestamp\":1697766317422,\"timeInForce\":\"GTC\",\"avgFilledPrice\":0.10,\"originalOrderBaseSize\":10,\"originalOrderQuoteSize\":null,\"remainingBaseSize\":9007199254740993,\"status\":6}",
	"[order_id=a status=6 avg_filled_price=0.10 client_order_id=b time_in_force=GTC event_time=1697766317422 original_order_base_size=10 remaining_order_base_size=9007199254740993]"},
	{"get_order", "{\"orderID\":\"a\",\"time_in_force\":\"GTC\",\"remainingOrderBaseSize\":1,\"remainingOrderQuoteSize\":2,\"totalFilledBaseSize\":3,\"filledBaseSize\":4}",
	"[order_id=a time_in_force=GTC remaining_order_base_size=1 remaining_order_quote_size=2 total_filled_base_size=3 filled_base_size=4]"},
	{"open_orders", "[{\"orderID\":\"a\",\"size\":5,\"fillSize\":1,\"filledSize\":2,\"remainingSize\":3}]",
	"[order_id=a original_order_base_size=5 current_order_base_size=5 remaining_order_base_size=3 total_filled_base_size=2 filled_base_size=1]"},
	{"open_orders", "[{\"orderID\":\"a\",\"size\":5,\"originalSize\":6,\"currentOrderBaseSize\":null}]",
	"[order_id=a original_order_base_size=6 current_order_base_size=5]"},
	{"open_orders", "[]", ""},
	{"open_orders", "[{},{\"orderID\":null}]", "[][]"},

	/* no such order */
	{"get_order", "{\"errorCode\":16,\"message\":\"m\",\"status\":400}", "nothing"},
	{"get_order", "{\"code\":\"16\"}", "nothing"},
	{"get_order", "[{\"status\":16,\"orderID\":\"a\"}]", "nothing"},
	{"get_order", "{\"status\":404,\"message\":\"Order not found\"}", "nothing"},
	{"get_order", "{\"errorCode\":400,\"message\":\"BADREQUEST: no such order\"}", "nothing"},
	{"get_order", "{\"error\":\"ORDER_NOTFOUND\"}", "nothing"},

	/* an answer with nothing in it is none; its status tells what that means */
	{"get_order", "{}", ""},
	{"get_order", "[]", ""},
	{"get_order", "null", ""},

	/* something else is not there */
	{"get_order", "{\"errorCode\":404,\"message\":\"m\",\"status\":404}",
	"refused: unknown 404 \"m\" (is not what was asked for)"},
	{"get_order", "{\"code\":404,\"msg\":\"m\"}",
	"refused: unknown 404 \"m\" (is not what was asked for)"},
	{"get_order", "{\"status\":404,\"message\":\"no such path: /v3/order\"}",
	"refused: unknown 404 \"no such path: /v3/order\" (is not what was asked for)"},
	{"get_order", "{\"status\":404,\"error\":\"Not Found\",\"message\":\"The requested URL of an order was not found\"}",
	"refused: unknown 404 \"The requested URL of an order was not found\" (is not what was asked for)"},
	{"get_order", "{\"status\":404,\"message\":\"m\",\"path\":\"/p\"}",
	"refused: unknown 404 \"m\" (is not what was asked for)"},
	{"get_order", "{\"orderID\":\"a\",\"status\":16,\"symbol\":\"\"}", "nothing"},
	{"open_orders", "{\"errorCode\":404,\"message\":\"m\",\"status\":404}",
	"refused: unknown 404 \"m\" (is not what was asked for)"},

	/* errors */
	{"fees", "{\"errorCode\":401,\"message\":\"UNAUTHORIZED\",\"status\":401}",
	"refused: credentials 401 \"UNAUTHORIZED\" (is not what was asked for)"},
	{"fees", "{\"code\":403,\"msg\":\"no\",\"symbol\":null}",
	"refused: credentials 403 \"no\" (is not what was asked for)"},
	{"fees", "{\"errorCode\":303,\"message\":\"slow\"}",
	"refused: pace 303 \"slow\" (is not what was asked for)"},
	{"trades", "{\"errorCode\":302,\"message\":\"p\"}",
	"refused: arguments 302 \"p\" (is not what was asked for)"},
	{"trades", "{\"errorCode\":1}",
	"refused: somehow 1 (is not what was asked for)"},
	{"trades", "7", "refused: somehow (is not what was asked for)"},
	{"trades", "{}", "refused: somehow (is not what was asked for)"},
	{"trades", "[{\"price\":1},[]]",
	"[price=1]refused: somehow (has an element that is not an object)"},

	/* one, or a list of them */
	{"fees", "{\"makerfee\":0,\"symbol\":\"btc-usd\",\"takerfee\":0.0006}",
	"[symbol=btc-usd makerfee=0 takerfee=0.0006]"},
	{"fees", "[{\"symbol\":\"A\"},{\"symbol\":\"B\"}]", "[symbol=A][symbol=B]"},
	{"time", "{\"iso\":\"i\",\"epoch\":1}", "[iso=i epoch=1]"},

	/* levels and candles */
	{"orderbook", "{\"buyQuote\":[{\"price\":\"2.0\",\"size\":\"1\"},{\"price\":1}],\"sellQuote\":[{\"size\":3}],\"timestamp\":9,\"symbol\":\"S\"}",
		"[symbol=S side=buy level=1 price=2.0 size=1 event_time=9]"
		"[symbol=S side=buy level=2 price=1 event_time=9]"
	"[symbol=S side=sell level=1 size=3 event_time=9]"},
	{"orderbook_l2", "{\"symbol\":\"S\",\"buyQuote\":[]}", ""},
	{"orderbook_l2", "{\"sellQuote\":[],\"buyQuote\":null}", ""},
	{"orderbook_l2", "{\"symbol\":\"S\"}",
	"refused: somehow (has no lists of quotes)"},
	{"orderbook_l2", "{\"buyQuote\":[],\"sellQuote\":{}}",
	"refused: somehow (has no lists of quotes)"},
	{"orderbook_l2", "{\"buyQuote\":[7]}",
	"refused: somehow (has a level that is not an object)"},
	{"orderbook_l2", "[]", "refused: somehow (is not what was asked for)"},
	{"ohlcv", "[[1,2,3.50,1e2,5,6,7],[8]]",
	"[open_time=1 open=2 high=3.50 low=1e2 close=5 volume=6][open_time=8]"},
	{"ohlcv", "[{}]", "refused: somehow (has a candle that is not a list)"},

	/* trades of the account, investments */
	{"trade_history", "[{\"tradeId\":\"t\",\"orderId\":\"o\",\"clOrderID\":\"c\",\"avgFilledPrice\":\"34799.000000025\",\"feeAmount\":0.000000006,\"serialId\":94711228,\"triggerType\":1001}]",
	"[trade_id=t order_id=o client_order_id=c avg_filled_price=34799.000000025 fee_amount=0.000000006 trigger_type=1001 serial_id=94711228]"},
	{"invest_products", "[{\"id\":\"p\",\"rates\":[{\"days\":1}],\"startdate\":5}]",
	"[id=p startdate=5 rates=[{\"days\":1}]]"},
	{"invest_orders", "[{\"id\":1,\"investamt\":2},{\"id\":2,\"investment\":3}]",
	"[order_id=1 investment=2][order_id=2 investment=3]"},
	{"invest_history", "[{\"txntime\":1,\"txntype\":\"t\",\"rate\":\"0.5\"}]",
	"[txntime=1 rate=0.5 txntype=t]"}
};

#include "wangdian_case.h"

static const Case xt_answers[] = {
	{"get_order", "{\"code\":200,\"data\":{\"id\":6216559590087220004,\"avgPrice\":\"1.10\",\"time\":5,\"status\":1}}",
	"[order_id=6216559590087220004 avg_price=1.10 status=1 time=5]"},
	{"get_order", "{\"code\":200,\"data\":null}", "nothing"},
	{"get_order", "{\"code\":404,\"info\":\"i\"}", "refused: unknown 404 \"i\""},
	{"open_orders", "{\"code\":200,\"data\":[{\"id\":1},{\"id\":\"2\"}]}",
	"[order_id=1][order_id=2]"},
	{"open_orders", "{\"code\":200,\"data\":7}",
	"refused: somehow (has no list where one is due)"},
	{"open_orders", "{\"code\":307,\"info\":\"i\"}",
	"refused: credentials 307 \"i\""},
	{"open_orders", "{\"code\":999,\"info\":\"i\"}",
	"refused: somehow 999 \"i\" (has no code that is documented)"},
	{"open_orders", "[]", "refused: somehow (is not an object)"}
};

/* ---- Where a return of Wangdian stands ---- */

static void
test_wangdian_states(void)
{
	const OgInquiry *inquiry = og_wangdian.inquiries;
	const OgColumn *columns = operation_of(&og_wangdian,
										   inquiry->operation)->columns;

	for (size_t i = 0; i < lengthof(wangdian_states); i++)
	{
		OgSlice		values[OG_MAX_COLUMNS];

		og_pick_columns(columns,
						og_slice_of(psprintf("{\"status\":%s,\"stockout_status\":%s}",
											 wangdian_states[i].status,
											 wangdian_states[i].stockout)),
						values);
		is_text(og_order_state_name(inquiry->state(columns, values)),
				og_order_state_name(wangdian_states[i].state),
				psprintf("wangdian: status %s, stockout_status %s",
						 wangdian_states[i].status,
						 wangdian_states[i].stockout));
	}
}

static void
test_answers(void)
{
	for (size_t i = 0; i < lengthof(btse_answers); i++)
		is_text(answer_text(&og_btse, btse_answers[i].operation, "",
							btse_answers[i].answer),
				btse_answers[i].records,
				psprintf("btse %s %s", btse_answers[i].operation,
						 btse_answers[i].answer));
	for (size_t i = 0; i < lengthof(xt_answers); i++)
		is_text(answer_text(&og_xt, xt_answers[i].operation, "",
							xt_answers[i].answer),
				xt_answers[i].records,
				psprintf("xt %s %s", xt_answers[i].operation,
						 xt_answers[i].answer));

	is_text(answer_text(&og_xt, "get_orders", "1 2",
						"{\"code\":200,\"data\":[{\"id\":2,\"number\":\"1\"},{\"id\":3},{\"id\":\"1\"}]}"),
			"[1: number=1][-1:][0:]", "xt: which ids are answered");
	is_text(answer_text(&og_tronsave, "get_orders", "a b",
						"{\"results\":[{\"order_id\":\"b\",\"status\":\"Matched\"},{\"order_id\":7}]}"),
			"[1: status=Matched][-1:]", "tronsave: which ids are answered");
	is_text(answer_text(&og_tronsave, "get_orders", "a",
						"{\"message\":\"TSAS:107 INVALID_API_KEY\"}"),
			"refused: credentials \"TSAS:107 INVALID_API_KEY\" (has no list of orders)",
			"tronsave: a wrong key");
	for (size_t i = 0; i < lengthof(wangdian_answers); i++)
		is_text(answer_text(&og_wangdian, "get_returns", "CR1",
							wangdian_answers[i].answer),
				wangdian_answers[i].records,
				psprintf("wangdian %s", wangdian_answers[i].answer));
	is_text(answer_text(&og_wangdian, "get_returns", "",
						WANGDIAN_PAGE("{\"return_no\":\"cr1\"}", "1")),
			"[order_id=cr1]", "wangdian: what was asked for without a key");
	is_text(answer_text(&og_tronsave, "get_orders", "a",
						"{\"message\":\"Rate limit reached\"}"),
			"refused: pace \"Rate limit reached\" (has no list of orders)",
			"tronsave: too frequent");
}

/* ----
 * Mutated answers
 * ----
 */

/* A record points into the answer it is from, but for what a level is made of. */
static OgSlice mutated;
static int	outside;

static bool
is_inside(OgSlice value)
{
	return value.data >= mutated.data &&
		value.data + value.len <= mutated.data + mutated.len;
}

static void
check_record(OgRecords *records, const OgSlice *values, OgSlice raw)
{
	if (!is_inside(raw))
		outside++;
	for (int i = 0; records->columns[i].name != NULL; i++)
	{
		OgColumnType type = records->columns[i].type;

		if (values[i].data == NULL || is_inside(values[i]))
			continue;
		if (strcmp(records->columns[i].name, "side") != 0 &&
			strcmp(records->columns[i].name, "level") != 0)
			outside++;
		if (type == OG_NAME_OF_CODE)
			outside++;
	}
}

/* Let all reads of a provider have an answer. */
static int
read_mutated(const OgProvider *provider, OgSlice answer, const OgBatch *batch)
{
	int			count = 0;

	for (const OgOperation *o = provider->operations; o->name; o++)
	{
		Taken		taken = {0};

		if (o->read_records == NULL)
			continue;
		taken.records.reading.find = find_key;
		taken.records.columns = o->columns;
		taken.records.take = check_record;
		taken.batch = batch;
		o->read_records(&taken.records, answer, batch);
		count++;
	}
	return count;
}

/* Each byte of an answer becomes each of these, one after the other. */
static int
mutate(const OgProvider *provider, const char *json)
{
	static const char bytes[] = "{}[]\":,07-n ";
	OgFields	none = {0};
	OgBatch		batch = batch_of(&none, "1 a");
	char	   *text = pstrdup(json);
	int			count = 0;

	mutated = og_slice_of(text);
	for (size_t at = 0; at < mutated.len; at++)
		for (const char *byte = bytes; *byte; byte++)
		{
			char		was = text[at];
			OgSlice		answer;
			const char *reason;

			text[at] = *byte;
			if (og_json_prove(mutated, &answer, &reason))
				count += read_mutated(provider, answer, &batch);
			text[at] = was;
		}
	return count;
}

static void
test_mutations(void)
{
	int			count = 0;

	for (size_t i = 0; i < lengthof(btse_answers); i++)
		count += mutate(&og_btse, btse_answers[i].answer);
	for (size_t i = 0; i < lengthof(xt_answers); i++)
		count += mutate(&og_xt, xt_answers[i].answer);
	count += mutate(&og_tronsave,
					"{\"results\":[{\"order_id\":\"a\",\"status\":\"Matched\"}]}");
	for (size_t i = 0; i < lengthof(wangdian_answers); i++)
		count += mutate(&og_wangdian, wangdian_answers[i].answer);
	ok(count > 10000, "mutated answers are read");
	is_number(outside, 0, "... and nothing outside of them");
}

/* ----
 * Whole numbers and times
 * ----
 */

static const struct
{
	const char *json;
	bool		whole;
	int64		integer;
}			integers[] = {
	{"0", true, 0},
	{"-0", true, 0},
	{"7", true, 7},
	{"\"7\"", true, 7},
	{"-303", true, -303},
	{"12.0", true, 12},
	{"12.000e1", true, 120},
	{"1.7E12", true, INT64CONST(1700000000000)},
	{"1.6E+1", true, 16},
	{"120e-1", true, 12},
	{"\"1e3\"", true, 1000},
	{"0e100", true, 0},
	{"0.0e-100", true, 0},
	{"9223372036854775807", true, PG_INT64_MAX},
	{"-9223372036854775807", true, -PG_INT64_MAX},
	{"9223372036854775808", false, 0},
	{"1e100", false, 0},
	{"1e19", false, 0},
	{"12.5", false, 0},
	{"1e-1", false, 0},
	{"0.01e1", false, 0},
	{"\"\"", false, 0},
	{"\"07\"", false, 0},
	{"\" 7\"", false, 0},
	{"\"7x\"", false, 0},
	{"\"1e9223372036854775807\"", false, 0},
	{"true", false, 0},
	{"null", false, 0},
	{"[7]", false, 0}
};

static void
test_integers(void)
{
	int64		integer;

	for (size_t i = 0; i < lengthof(integers); i++)
	{
		bool		whole = og_json_integer(og_slice_of(integers[i].json),
									   &integer);

		ok(whole == integers[i].whole &&
		   (!whole || integer == integers[i].integer),
		   "%s as a whole number", integers[i].json);
	}
}

static const struct
{
	OgColumnType type;
	const char *json;
	int64		ms;				/* 0 = none */
}			times[] = {
	{OG_TIME_MS, "1624985375123", INT64CONST(1624985375123)},
	{OG_TIME_MS, "1.6E12", INT64CONST(1600000000000)},
	{OG_TIME_MS, "1624985375", 1624985375},
	{OG_TIME_S, "1624985375", INT64CONST(1624985375000)},
	{OG_TIME_S, "1624985375123", INT64CONST(1624985375123)},
	{OG_TIME_S, "-1", -1000},
	{OG_TIME_S, "0", 0},
	{OG_TIME_MS, "\"0\"", 0},
	{OG_TIME_MS, "1624985375123.5", 0},
	{OG_TIME_MS, "\"2021-06-29\"", 0}
};

static void
test_times(void)
{
	int64		ms;

	for (size_t i = 0; i < lengthof(times); i++)
	{
		bool		is_time = og_time_ms(times[i].type,
										 og_slice_of(times[i].json), &ms);

		ok(is_time == (times[i].ms != 0) && (!is_time || ms == times[i].ms),
		   "%s as a time in %s", times[i].json,
		   times[i].type == OG_TIME_S ? "seconds" : "milliseconds");
	}
}

/* ----
 * Shapes
 * ----
 */

/*
 * Whatever reads records has what that takes: columns with different names,
 * each with fields, or a code before it.
 */
static void
test_shapes(void)
{
	for (const OgProvider *const *p = og_providers; *p != NULL; p++)
		for (const OgOperation *o = (*p)->operations; o->name; o++)
		{
			int			wrong = 0;
			int			n = 0;

			if (o->read_records == NULL)
				continue;
			for (; o->columns[n].name != NULL; n++)
			{
				const OgColumn *column = &o->columns[n];

				if (og_column(o->columns, column->name) != n)
					wrong++;
				if (column->type == OG_NAME_OF_CODE &&
					(n == 0 || column->codes == NULL ||
					 o->columns[n - 1].type != OG_INTEGER))
					wrong++;
			}
			if (o->span && og_column(o->columns, o->span->time) < 0)
				wrong++;
			for (const OgParameter *d = o->parameters; d && d->name; d++)
				wrong += d->column && og_column(o->columns, d->column) < 0;
			for (const char *const *id = o->id; id && *id; id++)
				wrong += og_column(o->columns, *id) < 0;
			ok(wrong == 0 && n > 0 && n < OG_MAX_COLUMNS,
			   "%s %s: a good shape", (*p)->name, o->name);
		}
}

/* What an inquiry looks at is there. */
static void
test_inquiries(void)
{
	for (const OgProvider *const *p = og_providers; *p != NULL; p++)
		for (const OgInquiry *inquiry = (*p)->inquiries;
			 inquiry->operation != NULL; inquiry++)
		{
			const OgOperation *o = operation_of(*p, inquiry->operation);
			const char *const looked_at[] = {
				inquiry->time, inquiry->filled, inquiry->size,
				inquiry->keys ? NULL : "order_id",
				inquiry->client_ids ? "client_order_id" : NULL,
				!inquiry->keys && inquiry->market ? "symbol" : NULL
			};
			int			wrong = 0;

			for (size_t i = 0; i < lengthof(looked_at); i++)
				wrong += looked_at[i] != NULL &&
					og_column(o->columns, looked_at[i]) < 0;
			if (inquiry->state == NULL)
				wrong += o->id == NULL || inquiry->filled == NULL ||
					inquiry->size == NULL || inquiry->keys;
			ok(wrong == 0 && o->kind == OG_READ && o->read_records != NULL,
			   "%s: settled by %s", (*p)->name, inquiry->operation);
		}
}

int
main(void)
{
	test_requests();
	test_pages();
	test_answers();
	test_wangdian_states();
	test_mutations();
	test_integers();
	test_times();
	test_shapes();
	test_inquiries();
	return done_testing();
}
