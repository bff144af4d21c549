/*-------------------------------------------------------------------------
 *
 * provider_btse_read.c
 *		What BTSE's answers to reads say, and where an order stands.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "provider/btse/provider_btse.h"

/*
 * One order is known for so many minutes after it was cancelled; ten less than
 * the page says, since not all clocks agree.
 */
#define CANCELLED_MINUTES	20

/* A status, or the code of an error, that says that there is no such order. */
#define BTSE_ORDER_NOT_FOUND	"16"

/* ---------- errors and lists ---------- */

/* An object that stands for an error; another code leaves that to the status. */
static void
btse_read_refusal(OgRecords *records, OgSlice answer)
{
	static const OgMeaning codes[] = {
		{BTSE_UNAUTHORIZED, OG_REFUSED_CREDENTIALS},
		{BTSE_FORBIDDEN, OG_REFUSED_CREDENTIALS},
		{"400", OG_REFUSED_ARGUMENTS},
		{"300", OG_REFUSED_ARGUMENTS},	/* size, ... */
		{"301", OG_REFUSED_ARGUMENTS},
		{"302", OG_REFUSED_ARGUMENTS},	/* ... price */
		{"404", OG_REFUSED_UNKNOWN},
		{BTSE_ORDER_NOT_FOUND, OG_REFUSED_UNKNOWN},
		{"429", OG_REFUSED_PACE},
		{BTSE_TOO_FREQUENT, OG_REFUSED_PACE},
		{NULL, OG_REFUSED_SOMEHOW}
	};

	og_btse_read_error(&records->reading, answer);
	records->reading.note = "is not what was asked for";
	records->refusal = og_meaning(codes, records->reading.code)->meaning;
}

/* Orders have a message as well, but they have a market or an id, too. */
static bool
btse_is_error(OgSlice object)
{
	return og_has_any(object, OG_NAMES("errorCode", "message", "msg")) &&
		(og_has_any(object, OG_NAMES("errorCode")) ||
		 !og_has_any(object, OG_NAMES("symbol", "orderID")));
}

/* Take an object that has anything of what was asked for. */
static bool
btse_take_object(OgRecords *records, OgSlice object)
{
	OgSlice		values[OG_MAX_COLUMNS];
	bool		has_column = false;

	if (og_json_kind(object) != OG_JSON_OBJECT || btse_is_error(object))
		return false;
	og_pick_columns(records->columns, object, values);
	for (int i = 0; records->columns[i].name != NULL; i++)
		has_column = has_column || values[i].data != NULL;
	if (has_column)
	{
		records->reading.envelope = OG_ENVELOPE_SUCCESS;
		records->take(records, values, object);
	}
	return has_column;
}

void
og_btse_read_list(OgRecords *records, OgSlice answer, const OgBatch *batch)
{
	if (og_json_kind(answer) == OG_JSON_ARRAY)
		og_take_objects(records, answer);
	else if (!btse_take_object(records, answer))
		btse_read_refusal(records, answer);
}

/* ---------- markets ---------- */

/* A list of candles, each a list of its values. */
void
og_btse_read_candles(OgRecords *records, OgSlice answer, const OgBatch *batch)
{
	OgReading  *reading = &records->reading;
	OgJsonCursor candles;
	OgSlice		candle;
	OgSlice		values[OG_MAX_COLUMNS];
	int			count = 0;

	if (og_json_kind(answer) != OG_JSON_ARRAY)
	{
		btse_read_refusal(records, answer);
		return;
	}
	while (records->columns[count].name != NULL)
		count++;
	og_json_open(&candles, answer);
	while (og_json_next_list(&candles, &candle, values, count))
	{
		if (og_json_kind(candle) != OG_JSON_ARRAY)
		{
			reading->note = "has a candle that is not a list";
			return;
		}
		records->take(records, values, candle);
	}
	reading->envelope = OG_ENVELOPE_SUCCESS;
}

/*
 * Take the levels of one side, best first.  What they share with the book is
 * in "values" already.  False if one of them is none.
 */
static bool
btse_take_side(OgRecords *records, OgSlice levels, const char *side,
			   OgSlice *values)
{
	static const char *const names[] = {"price", "size"};
	const OgColumn *columns = records->columns;
	int			price = og_column(columns, "price");
	int			size = og_column(columns, "size");
	OgSlice    *level = &values[og_column(columns, "level")];
	OgSlice		found[lengthof(names)];
	OgJsonPicker picker;
	OgSlice		element;
	int			n = 0;

	values[og_column(columns, "side")] = og_slice_of(side);
	og_json_pick_open(&picker, levels, names, lengthof(names));
	while (og_json_pick_next(&picker, &element, found))
	{
		char		number[16];

		if (og_json_kind(element) != OG_JSON_OBJECT)
			return false;
		*level = og_slice(number, snprintf(number, sizeof(number), "%d", ++n));
		values[price] = found[0];
		values[size] = found[1];
		records->take(records, values, element);
	}
	return true;
}

void
og_btse_read_book(OgRecords *records, OgSlice answer, const OgBatch *batch)
{
	OgReading  *reading = &records->reading;
	OgSlice		buy = og_json_member(answer, "buyQuote");
	OgSlice		sell = og_json_member(answer, "sellQuote");
	OgJsonKind	bids = og_json_kind(buy);
	OgJsonKind	asks = og_json_kind(sell);
	OgSlice		values[OG_MAX_COLUMNS];

	if (og_json_kind(answer) != OG_JSON_OBJECT || btse_is_error(answer))
	{
		btse_read_refusal(records, answer);
		return;
	}
	/* Where one side is left out, it is as if empty. */
	if ((bids > OG_JSON_NULL && bids != OG_JSON_ARRAY) ||
		(asks > OG_JSON_NULL && asks != OG_JSON_ARRAY) ||
		(bids <= OG_JSON_NULL && asks <= OG_JSON_NULL))
	{
		reading->note = "has no lists of quotes";
		return;
	}
	og_pick_columns(records->columns, answer, values);
	if (btse_take_side(records, buy, "\"buy\"", values) &&
		btse_take_side(records, sell, "\"sell\"", values))
		reading->envelope = OG_ENVELOPE_SUCCESS;
	else
		reading->note = "has a level that is not an object";
}

/* ---------- orders ---------- */

/*
 * Words, one of each list, that say that there is no such order; a path that is
 * not there may end in "order", too.
 */
static bool
btse_says_no_order(OgSlice text)
{
	return og_mentions(text, OG_NAMES("order")) &&
		og_mentions(text, OG_NAMES("not found", "notfound", "not_found",
								   "not exist", "no such")) &&
		!og_mentions(text, OG_NAMES("/order", "url", "path", "route",
									"resource", "endpoint"));
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
void
og_btse_read_order(OgRecords *records, OgSlice answer, const OgBatch *batch)
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
const OgMeaning og_btse_states[] = {
	{"2", OG_ORDER_OPEN},
	{"9", OG_ORDER_OPEN},		/* its trigger waits */
	{"10", OG_ORDER_OPEN},		/* its trigger has fired */
	{"5", OG_ORDER_PARTLY_FILLED},
	{"3", OG_ORDER_FILLED},
	{"4", OG_ORDER_FILLED},
	{"6", OG_ORDER_CANCELLED},
	{NULL, OG_ORDER_UNKNOWN}
};

static OgOrderState
btse_order_state(const OgColumn *columns, const OgSlice *values)
{
	return og_order_state(og_btse_states,
						  values[og_column(columns, "status")],
						  values[og_column(columns, "total_filled_base_size")]);
}

/* A list has open orders only, and says whether their trigger waits. */
static OgOrderState
btse_listed_state(const OgColumn *columns, const OgSlice *values)
{
	static const OgMeaning states[] = {
		{"STATUS_ACTIVE", OG_ORDER_OPEN},
		{"STATUS_INACTIVE", OG_ORDER_OPEN},
		{NULL, OG_ORDER_UNKNOWN}
	};

	return og_order_state(states, values[og_column(columns, "order_state")],
						  values[og_column(columns, "total_filled_base_size")]);
}

/* A market order trades at once, unless it has a trigger to wait for. */
static bool
btse_is_fixed(const OgColumn *columns, const OgSlice *values)
{
	return og_says(values[og_column(columns, "order_type")], "77") &&
		!og_is_positive(values[og_column(columns, "trigger_type")]) &&
		!og_is_positive(values[og_column(columns, "trigger_price")]);
}

/*
 * One order is known while it is open and for half an hour after it was
 * cancelled, so one that is not may have been filled.
 */
const OgInquiry og_btse_inquiries[] = {
	{
		"open_orders", .list = true, .market = true, .client_ids = true,
		.state = btse_listed_state, .time = "event_time",
		.filled = "total_filled_base_size", .size = "current_order_base_size"
	},
	{
		"get_order", .market = true, .client_ids = true,
		.state = btse_order_state, .minutes = CANCELLED_MINUTES,
		.time = "event_time",
		.filled = "total_filled_base_size", .size = "current_order_base_size"
	},
	{
		"trade_history", .market = true, .client_ids = true,
		.fixed = btse_is_fixed, .days = BTSE_HISTORY_DAYS,
		.time = "event_time", .filled = "filled_size", .size = "size"
	},
	{NULL}
};
