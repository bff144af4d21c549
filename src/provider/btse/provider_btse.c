/*-------------------------------------------------------------------------
 *
 * provider_btse.c
 *		BTSE, spot trading API v3.3: the provider, its signature, and the table
 *		of all its operations.
 *
 * The signature covers path, nonce and body, but neither the query nor the
 * part of the base URL that comes before "/api": what a request is about is
 * not signed where it stands in the query.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "ground/crypto.h"
#include "provider/btse/provider_btse.h"

#define FIELDS "provider/btse/btse_fields.def"
#include "provider/fields.h"

const OgCode *const og_btse_codes = btse_codes;
const OgColumn *const og_btse_trade_columns = btse_trade_columns;
const OgColumn *const og_btse_own_trade_columns = btse_own_trade_columns;
const OgColumn *const og_btse_stream_trade_columns = btse_stream_trade_columns;
const OgColumn *const og_btse_stream_fill_columns = btse_stream_fill_columns;
const OgColumn *const og_btse_stream_notification_columns = btse_stream_notification_columns;

#define ORDER_PATH		"/api/v3.3/order"
#define ORDERS_PATH		"/api/v3.3/user/open_orders"
#define TIME_PATH		"/api/v3.3/time"

/* Lengths of time, in milliseconds. */
#define MS_PER_MINUTE	INT64CONST(60000)
#define MS_PER_DAY		(24 * 60 * MS_PER_MINUTE)

/* Trades of so many days come in one answer, if both ends are given. */
#define TRADES_DAYS		30

/*
 * Candles asked for at once.  300 come in one answer; the largest, a month,
 * is asked for as 30 days and may be shorter.
 */
#define CANDLES			270

static bool
btse_sign(OgRequest *request, const OgSigner *signer)
{
	char	   *nonce = psprintf(INT64_FORMAT, signer->time_ms);
	StringInfoData text;
	char	   *signature;

	initStringInfo(&text);
	appendStringInfoString(&text, request->path);
	appendStringInfoString(&text, nonce);
	appendBinaryStringInfo(&text, request->body.data, request->body.len);
	signature = og_hmac_hex(OG_SHA384,
							og_slice_of(signer->credentials[BTSE_SECRET_KEY]),
							og_slice(text.data, text.len));
	pfree(text.data);
	if (signature == NULL)
		return false;

	og_fields_add(&request->headers, "request-api",
				  signer->credentials[BTSE_API_KEY]);
	og_fields_add(&request->headers, "request-nonce", nonce);
	og_fields_add(&request->headers, "request-sign", signature);
	return true;
}

static void
btse_read_probe(OgReading *reading, OgSlice answer, const OgBatch *batch)
{
	og_take_time(reading, og_json_member(answer, "epoch"));
}

static void
btse_read_credentials(OgReading *reading, OgSlice answer,
					  const OgBatch *batch)
{
	if (og_json_kind(answer) == OG_JSON_ARRAY)
	{
		reading->envelope = OG_ENVELOPE_SUCCESS;
		return;
	}
	og_btse_read_error(reading, answer);
	if (og_says(reading->code, BTSE_UNAUTHORIZED) ||
		og_says(reading->code, BTSE_FORBIDDEN))
		reading->envelope = OG_ENVELOPE_REFUSAL;
}

/* One order needs a name. */
static bool
btse_build_order(OgRequest *request, const OgBatch *batch)
{
	return request->query.count > 0;
}

/* ---------- the operations ---------- */

/* The market, which records repeat. */
#define SAME_SYMBOL	.column = "symbol", .sameness = OG_SAME_WORD
#define SYMBOL		{"symbol", "symbol", SAME_SYMBOL}

/* Who gives both of an order's names is answered by the first of them. */
#define ORDER_NAMES \
	{"orderID", "order_id", .column = "order_id", .sameness = OG_SAME_ID}, \
	{"clOrderID", "client_order_id", .column = "client_order_id", \
	.sameness = OG_SAME_ID, .unless = "order_id"}

#define STRETCH \
	{"startTime", "from_time"}, {"endTime", "to_time"}, {"count", "count"}

#define LEVELS(argument, ...) \
	{argument, argument, .column = "level", .sameness = OG_AT_MOST, __VA_ARGS__}

/* Each act is about one thing; its body, if it has one, has the key first. */
#define ACT			.kind = OG_ACT, OG_BATCH(1)
#define EMPTY_ACT	ACT, .done = OG_ACCEPTED, .empty_is_accepted = true
#define KEY(name, place)	{name, OG_KEY, place, .required = true}

static const OgOperation btse_operations[] = {
	{
		.name = OG_PROBE, .kind = OG_PUBLIC,
		.path = TIME_PATH, .read = btse_read_probe
	},
	{
		/*
		 * About an order that nobody has.  It takes the same permission as a
		 * cancel does.
		 */
		.name = OG_CREDENTIALS, .kind = OG_READ,
		.path = ORDERS_PATH,
		.parameters = OG_PARAMETERS(
			{"symbol", .always = "BTC-USD"},
			{"orderID", .always = "00000000-0000-0000-0000-000000000000"}),
		.read = btse_read_credentials
	},

	/* acts on orders */
	{
		.name = "cancel", ACT, .several = true,
		.method = OG_DELETE, .path = ORDER_PATH,
		.parameters = OG_PARAMETERS({"symbol", "symbol", .required = true}),
		.build = og_btse_build_cancel, .read = og_btse_read_cancel
	},
	{
		.name = "create_order", ACT, .several = true, .done = OG_ACCEPTED,
		.method = OG_POST, .path = ORDER_PATH,
		.parameters = OG_PARAMETERS(
			KEY("clOrderID", OG_BODY_TEXT),
			{"symbol", "symbol", OG_BODY_TEXT, true},
			{"side", "side", OG_BODY_TEXT, true},
			{"type", "type", OG_BODY_TEXT, true},
			{"size", "size", OG_BODY_NUMBER, true},
			{"price", "price", OG_BODY_NUMBER},
			{"time_in_force", "time_in_force", OG_BODY_TEXT},
			{"txType", "tx_type", OG_BODY_TEXT},
			{"stopPrice", "stop_price", OG_BODY_NUMBER},
			{"triggerPrice", "trigger_price", OG_BODY_NUMBER},
			{"trailValue", "trail_value", OG_BODY_NUMBER},
			{"postOnly", "post_only", OG_BODY_BOOLEAN},
			{"stealth", "stealth", OG_BODY_NUMBER},
			{"deviation", "deviation", OG_BODY_NUMBER}),
		.build = og_btse_build_create,
		.read = og_btse_read_create, .columns = btse_order_columns
	},
	{
		.name = "amend_order", ACT, .several = true, .done = OG_ACCEPTED,
		.method = OG_PUT, .path = ORDER_PATH, .build = og_btse_build_amend,
		.read = og_btse_read_amend, .columns = btse_order_columns
	},
	{
		/* The only request that cancels orders which it does not name. */
		.name = "cancel_all", ACT, .several = true,
		.method = OG_DELETE, .path = ORDER_PATH,
		.parameters = OG_PARAMETERS(KEY("symbol", OG_IN_QUERY)),
		.read = og_btse_read_cancel_all, .columns = btse_order_columns
	},
	{
		.name = "cancel_all_after", EMPTY_ACT,
		.method = OG_POST, .path = "/api/v3.3/order/cancelAllAfter",
		.parameters = OG_PARAMETERS(KEY("timeout", OG_BODY_NUMBER)),
		.read = og_btse_read_no_body
	},

	/* acts on investments */
	{
		.name = "invest_deposit", EMPTY_ACT,
		.method = OG_POST, .path = "/api/v3.3/invest/deposit",
		.parameters = OG_PARAMETERS(
			KEY("productId", OG_BODY_TEXT),
			{"amount", "amount", OG_BODY_NUMBER, true}),
		.read = og_btse_read_no_body
	},
	{
		.name = "invest_renew", ACT, .done = OG_ACCEPTED,
		.method = OG_POST, .path = "/api/v3.3/invest/renew",
		.parameters = OG_PARAMETERS(
			KEY("orderId", OG_BODY_NUMBER),
			{"autoRenew", "auto_renew", OG_BODY_BOOLEAN, true}),
		.read = og_btse_read_renew, .columns = btse_renewal_columns
	},
	{
		.name = "invest_redeem", EMPTY_ACT,
		.method = OG_POST, .path = "/api/v3.3/invest/redeem",
		.parameters = OG_PARAMETERS(
			KEY("orderId", OG_BODY_NUMBER),
			{"amount", "amount", OG_BODY_NUMBER, true}),
		.read = og_btse_read_no_body
	},

	/* markets */
	{
		.name = "market_summary", .kind = OG_PUBLIC, .one = true,
		.path = "/api/v3.3/market_summary",
		.parameters = OG_PARAMETERS(SYMBOL),
		.read_records = og_btse_read_list, .columns = btse_market_columns
	},
	{
		/* Its records do not tell their market. */
		.name = "ohlcv", .kind = OG_PUBLIC,
		.path = "/api/v3.3/ohlcv",
		.parameters = OG_PARAMETERS(
			{"symbol", "symbol"},
			{"resolution", "resolution"},
			{"start", "from_time"},
			{"end", "to_time"}),
		.read_records = og_btse_read_candles, .columns = btse_candle_columns,
		.span = &(const OgSpan) {
			.window_ms = CANDLES * MS_PER_MINUTE, .times = "resolution",
			.time = "open_time", .whole = true, .newest_first = true
		},
		.id = OG_NAMES("open_time")
	},
	{
		.name = "price", .kind = OG_PUBLIC, .one = true,
		.path = "/api/v3.3/price", .parameters = OG_PARAMETERS(SYMBOL),
		.read_records = og_btse_read_list, .columns = btse_price_columns
	},
	{
		.name = "orderbook", .kind = OG_PUBLIC, .one = true,
		.path = "/api/v3.3/orderbook",
		.parameters = OG_PARAMETERS(
			SYMBOL,
			{"group", "grouping"},
			LEVELS("limit_bids", .side = "buy"),
			LEVELS("limit_asks", .side = "sell")),
		.read_records = og_btse_read_book, .columns = btse_level_columns
	},
	{
		.name = "orderbook_l2", .kind = OG_PUBLIC, .one = true,
		.path = "/api/v3.3/orderbook/L2",
		.parameters = OG_PARAMETERS(SYMBOL, LEVELS("depth")),
		.read_records = og_btse_read_book, .columns = btse_level_columns
	},
	{
		.name = "trades", .kind = OG_PUBLIC,
		.path = "/api/v3.3/trades",
		.parameters = OG_PARAMETERS(SYMBOL, STRETCH),
		.read_records = og_btse_read_list, .columns = btse_trade_columns,
		.span = &(const OgSpan) {
			.window_ms = TRADES_DAYS * MS_PER_DAY, .time = "event_time"
		},
		.id = OG_NAMES("serial_id")
	},
	{
		.name = "time", .kind = OG_PUBLIC,
		.path = TIME_PATH,
		.read_records = og_btse_read_list, .columns = btse_time_columns
	},

	/* an account */
	{
		.name = "get_order", .kind = OG_READ, .one = true,
		.path = ORDER_PATH,
		.parameters = OG_PARAMETERS(
			{"symbol", "symbol", OG_ANSWER_ONLY, SAME_SYMBOL},
			ORDER_NAMES),
		.build = btse_build_order,
		.read_records = og_btse_read_order, .columns = btse_order_columns
	},
	{
		.name = "open_orders", .kind = OG_READ,
		.path = ORDERS_PATH, .parameters = OG_PARAMETERS(SYMBOL, ORDER_NAMES),
		.read_records = og_btse_read_list, .columns = btse_order_columns
	},
	{
		/*
		 * Trades of other markets come as well, if that is not ruled out.  Both
		 * sides of a trade with oneself are told.
		 */
		.name = "trade_history", .kind = OG_READ,
		.path = "/api/v3.3/user/trade_history",
		.parameters = OG_PARAMETERS(
			{"symbol", "symbol", SAME_SYMBOL, .only_if = "match_symbol"},
			STRETCH, ORDER_NAMES,
			{"isMatchSymbol", "match_symbol"}),
		.read_records = og_btse_read_list, .columns = btse_own_trade_columns,
		.span = &(const OgSpan) {
			.window_ms = BTSE_HISTORY_DAYS * MS_PER_DAY, .time = "event_time"
		},
		.id = OG_NAMES("trade_id", "order_id", "side")
	},
	{
		.name = "fees", .kind = OG_READ, .one = true,
		.path = "/api/v3.3/user/fees", .parameters = OG_PARAMETERS(SYMBOL),
		.read_records = og_btse_read_list, .columns = btse_fee_columns
	},
	{
		.name = "invest_products", .kind = OG_READ,
		.path = "/api/v3.3/invest/products",
		.read_records = og_btse_read_list, .columns = btse_product_columns
	},
	{
		.name = "invest_orders", .kind = OG_READ,
		.path = "/api/v3.3/invest/orders",
		.read_records = og_btse_read_list, .columns = btse_investment_columns
	},
	{
		.name = "invest_history", .kind = OG_READ,
		.path = "/api/v3.3/invest/history",
		.read_records = og_btse_read_list, .columns = btse_investing_columns
	},
	{.name = NULL}
};

/* Production, and the test net. */
static const OgStreamPlace stream_places[] = {
	{"https://api.btse.com/spot", "wss://ws.btse.com/ws/spot",
		"wss://ws.btse.com/ws/oss/spot"},
	{"https://testapi.btse.io/spot", "wss://testws.btse.io/ws/spot",
		"wss://testws.btse.io/ws/oss/spot"},
	{NULL}
};

const OgProvider og_btse = {
	.name = "btse",
	.wrapper = "btse_fdw",
	.base_url = "https://api.btse.com/spot",
	.stream_places = stream_places,

	/*
	 * Each class has a limit per "API" and one per user: 75 and 75, 15 and 30.
	 * Nobody says whether an API is an endpoint or a key; the smaller one for
	 * all of a class keeps both, whatever it is.
	 */
	.rate_limit = "75/1s per key",
	.query_rate_limit = "15/1s per key",
	.needs_nonce = true,
	.max_batch = 1,
	.clock_tolerance = 5,		/* not documented */
	.credentials = {
		[BTSE_API_KEY] = {.name = "api_key"},
		[BTSE_SECRET_KEY] = {.name = "secret_key"}
	},
	.key = BTSE_API_KEY,

	/* It signs neither a query nor what encoding makes of these. */
	.market_signs = "_-./+",
	.sign = btse_sign,
	.inquiries = og_btse_inquiries,
	.operations = btse_operations
};
