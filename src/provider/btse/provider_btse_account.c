/*-------------------------------------------------------------------------
 *
 * provider_btse_account.c
 *		BTSE's reads of an account: its orders, trades, fees and investments.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "provider/btse/provider_btse.h"

/* The account's trades of so many days come in one answer. */
#define TRADES_DAYS		7

/*
 * One order is known for so many minutes after it was cancelled; ten less than
 * the page says, since not all clocks agree.
 */
#define CANCELLED_MINUTES	20

/* A status, or the code of an error, that says that there is no such order. */
#define BTSE_ORDER_NOT_FOUND	"16"

/* The type of an order that is filled, or over, at once. */
#define BTSE_MARKET_ORDER	"77"

/* Orders have no symbol where one is asked for by its id. */
static const OgParameter btse_orders_parameters[] = {
	{"symbol", "symbol"},
	{"order_id", "orderID"},
	{"client_order_id", "clOrderID"},
	{NULL}
};

static const OgParameter *const btse_order_parameters =
	btse_orders_parameters + 1;

static const OgParameter btse_trade_parameters[] = {
	{"symbol", "symbol"},
	{"from_time", "startTime"},
	{"to_time", "endTime"},
	{"count", "count"},
	{"order_id", "orderID"},
	{"client_order_id", "clOrderID"},
	{"match_symbol", "isMatchSymbol"},
	{NULL}
};

static const OgParameter btse_fee_parameters[] = {
	{"symbol", "symbol"},
	{NULL}
};

/* Who gives both of an order's names is answered by the first of them. */
#define BTSE_ASKED_NAMES \
	{"order_id", "order_id", OG_SAME_ID}, \
	{"client_order_id", "client_order_id", OG_SAME_ID, .unless = "order_id"}

static const OgDemand btse_asked_order[] = {
	{"symbol", "symbol", OG_SAME_WORD},
	BTSE_ASKED_NAMES,
	{NULL}
};

/* Trades of other markets come as well, if that is not ruled out. */
static const OgDemand btse_asked_trade[] = {
	{"symbol", "symbol", OG_SAME_WORD, .only_if = "match_symbol"},
	BTSE_ASKED_NAMES,
	{NULL}
};

static const OgDemand btse_asked_fee[] = {
	{"symbol", "symbol", OG_SAME_WORD},
	{NULL}
};

/* One order needs a name. */
static bool
btse_build_order(OgRequest *request, const OgBatch *batch)
{
	if (og_fields_get(batch->arguments, "order_id") == NULL &&
		og_fields_get(batch->arguments, "client_order_id") == NULL)
		return false;
	og_build_get(request, BTSE_ORDER_PATH, batch, btse_order_parameters);
	return true;
}

static int64
btse_trade_history_ms(const OgFields *arguments)
{
	return TRADES_DAYS * BTSE_MS_PER_DAY;
}

/* Both sides of a trade with oneself are told. */
static const char *const btse_trade_id[] = {
	"trade_id", "order_id", "side", NULL
};

static const OgSpan btse_trade_history_span = {
	.window_ms = btse_trade_history_ms,
	.time = "event_time"
};

/*
 * Words, one of each list, that say that there is no such order; a path that is
 * not there may end in "order", too.
 */
static bool
btse_says_no_order(OgSlice text)
{
	static const char *const elsewhere[] = {
		"/order", "url", "path", "route", "resource", "endpoint"
	};
	static const char *const what[] = {"order"};
	static const char *const is_not[] = {
		"not found", "notfound", "not_found", "not exist", "no such"
	};

	return og_mentions(text, what, lengthof(what)) &&
		og_mentions(text, is_not, lengthof(is_not)) &&
		!og_mentions(text, elsewhere, lengthof(elsewhere));
}

/*
 * Is a refusal about the order?  Software in front of an API says 404 of a path
 * that it does not know, in whatever members; that must not hide that base_url
 * is wrong.
 */
static bool
btse_misses_order(const OgRecords *records, OgSlice answer)
{
	return og_says(records->reading.code, BTSE_ORDER_NOT_FOUND) ||
		btse_says_no_order(records->reading.message) ||
		btse_says_no_order(og_json_member(answer, "error"));
}

/* Does the status of the order that it tells say that there is none? */
static bool
btse_is_no_order(OgSlice answer)
{
	OgJsonCursor cursor;
	OgSlice		order = answer;

	if (og_json_kind(answer) == OG_JSON_ARRAY)
	{
		og_json_open(&cursor, answer);
		(void) og_json_next_element(&cursor, &order);
	}
	return og_says(og_json_member(order, "status"), BTSE_ORDER_NOT_FOUND);
}

/*
 * An order; or nothing, where the answer says that there is no such order among
 * those that are known: open ones, and those that were cancelled within half an
 * hour.  So does one that is empty, if its HTTP status is that of a success.
 */
static void
btse_read_order(OgRecords *records, OgSlice answer, const OgBatch *batch)
{
	if (og_json_is_empty(answer))
	{
		records->reading.envelope = OG_ENVELOPE_SUCCESS;
		return;
	}
	records->nothing = btse_is_no_order(answer);
	if (records->nothing)
		return;
	og_btse_read_list(records, answer, batch);
	if (records->reading.envelope != OG_ENVELOPE_SUCCESS)
		records->nothing = btse_misses_order(records, answer);
}

/*
 * What the status of an order says.  One that was rejected or refunded may have
 * stood in the book before, so that those say nothing.
 */
static OgOrderState
btse_order_state(const OgColumn *columns, const OgSlice *values)
{
	static const struct
	{
		const char *status;
		OgOrderState state;
	}			states[] = {
		{"2", OG_ORDER_OPEN},
		{"9", OG_ORDER_OPEN},	/* its trigger waits */
		{"10", OG_ORDER_OPEN},	/* its trigger has fired */
		{"5", OG_ORDER_PARTLY_FILLED},
		{"3", OG_ORDER_FILLED},
		{"4", OG_ORDER_FILLED},
		{"6", OG_ORDER_CANCELLED}
	};
	OgSlice		status = values[og_column(columns, "status")];

	for (size_t i = 0; i < lengthof(states); i++)
	{
		if (!og_says(status, states[i].status))
			continue;
		if (states[i].state == OG_ORDER_OPEN &&
			og_is_positive(values[og_column(columns, "total_filled_base_size")]))
			return OG_ORDER_PARTLY_FILLED;
		return states[i].state;
	}
	return OG_ORDER_UNKNOWN;
}

/* A market order trades at once, unless it has a trigger to wait for. */
static bool
btse_is_fixed(const OgColumn *columns, const OgSlice *values)
{
	return og_says(values[og_column(columns, "order_type")],
				   BTSE_MARKET_ORDER) &&
		!og_is_positive(values[og_column(columns, "trigger_type")]) &&
		!og_is_positive(values[og_column(columns, "trigger_price")]);
}

/*
 * One order is known while it is open and for half an hour after it was
 * cancelled, so one that is not may have been filled.
 */
const OgInquiry og_btse_inquiries[] = {
	{
		"get_order", .market = true, .client_ids = true,
		.state = btse_order_state,
		.time = "event_time",
		.filled = "total_filled_base_size",
		.size = "current_order_base_size",
		.minutes = CANCELLED_MINUTES
	},
	{
		"trade_history", .market = true, .client_ids = true,
		.time = "event_time",
		.filled = "filled_size",
		.size = "size",
		.fixed = btse_is_fixed,
		.days = TRADES_DAYS
	},
	{NULL}
};

/* What they have in common. */
#define BTSE_READ	.kind = OG_READ, .lane = OG_LANE_QUERIES

const OgOperation og_btse_account_reads[] = {
	{
		.name = "get_order", BTSE_READ,
		.build = btse_build_order,
		.columns = og_btse_order_columns,
		.read_records = btse_read_order,
		.demands = btse_asked_order,
		.one = true
	},
	{
		.name = "open_orders", BTSE_READ,
		.path = BTSE_ORDERS_PATH,
		.parameters = btse_orders_parameters,
		.columns = og_btse_order_columns,
		.read_records = og_btse_read_list,
		.demands = btse_asked_order
	},
	{
		.name = "trade_history", BTSE_READ,
		.path = "/api/v3.3/user/trade_history",
		.parameters = btse_trade_parameters,
		.columns = og_btse_own_trade_columns,
		.read_records = og_btse_read_list,
		.demands = btse_asked_trade,
		.span = &btse_trade_history_span,
		.id = btse_trade_id
	},
	{
		.name = "fees", BTSE_READ,
		.path = "/api/v3.3/user/fees",
		.parameters = btse_fee_parameters,
		.columns = og_btse_fee_columns,
		.read_records = og_btse_read_list,
		.demands = btse_asked_fee,
		.one = true
	},
	{
		.name = "invest_products", BTSE_READ,
		.path = "/api/v3.3/invest/products",
		.columns = og_btse_product_columns,
		.read_records = og_btse_read_list
	},
	{
		.name = "invest_orders", BTSE_READ,
		.path = "/api/v3.3/invest/orders",
		.columns = og_btse_investment_columns,
		.read_records = og_btse_read_list
	},
	{
		.name = "invest_history", BTSE_READ,
		.path = "/api/v3.3/invest/history",
		.columns = og_btse_investing_columns,
		.read_records = og_btse_read_list
	},
	{.name = NULL}
};
