/*-------------------------------------------------------------------------
 *
 * provider_btse_market.c
 *		BTSE's public reads: markets, candles, prices, books, trades, time.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "provider/btse/provider_btse.h"

/* Trades of so many days come in one answer, if both ends are given. */
#define TRADES_DAYS		30

/*
 * Candles asked for at once.  300 come in one answer; the largest, a month,
 * is asked for as 30 days and may be shorter.
 */
#define CANDLES			270

/* ---------- requests ---------- */

static const OgParameter btse_symbol[] = {
	{"symbol", "symbol"},
	{NULL}
};

static const OgParameter btse_candle_parameters[] = {
	{"symbol", "symbol"},
	{"resolution", "resolution"},
	{"from_time", "start"},
	{"to_time", "end"},
	{NULL}
};

static const OgParameter btse_book_parameters[] = {
	{"symbol", "symbol"},
	{"grouping", "group"},
	{"limit_bids", "limit_bids"},
	{"limit_asks", "limit_asks"},
	{"depth", "depth"},
	{NULL}
};

static const OgParameter btse_trade_parameters[] = {
	{"symbol", "symbol"},
	{"from_time", "startTime"},
	{"to_time", "endTime"},
	{"count", "count"},
	{NULL}
};

static const OgDemand btse_asked_symbol[] = {
	{"symbol", "symbol", OG_SAME_WORD},
	{NULL}
};

static const OgDemand btse_asked_book[] = {
	{"symbol", "symbol", OG_SAME_WORD},
	{"limit_bids", "level", OG_AT_MOST, .side = "buy"},
	{"limit_asks", "level", OG_AT_MOST, .side = "sell"},
	{"depth", "level", OG_AT_MOST},
	{NULL}
};

/* ---------- windows ---------- */

static int64
btse_candles_ms(const OgFields *arguments)
{
	const char *minutes = og_fields_get(arguments, "resolution");

	return CANDLES * BTSE_MS_PER_MINUTE * (minutes ? strtol(minutes, NULL, 10) : 1);
}

static int64
btse_trades_ms(const OgFields *arguments)
{
	return TRADES_DAYS * BTSE_MS_PER_DAY;
}

static const char *const btse_candle_id[] = {"open_time", NULL};
static const char *const btse_trade_id[] = {"serial_id", NULL};

static const OgSpan btse_candle_span = {
	.window_ms = btse_candles_ms,
	.time = "open_time",
	.whole = true,
	.newest_first = true
};

static const OgSpan btse_trade_span = {
	.window_ms = btse_trades_ms,
	.time = "event_time"
};

/* ---------- answers ---------- */

/* A list of candles, each a list of its values. */
static void
btse_read_candles(OgRecords *records, OgSlice answer, const OgBatch *batch)
{
	OgReading  *reading = &records->reading;
	OgJsonCursor candles;
	OgSlice		candle;

	if (og_json_kind(answer) != OG_JSON_ARRAY)
	{
		og_btse_read_refusal(records, answer);
		return;
	}
	og_json_open(&candles, answer);
	while (og_json_next_element(&candles, &candle))
	{
		OgSlice		values[OG_MAX_COLUMNS] = {{NULL, 0}};
		OgJsonCursor cursor;

		if (og_json_kind(candle) != OG_JSON_ARRAY)
		{
			reading->note = "has a candle that is not a list";
			return;
		}
		og_json_open(&cursor, candle);
		for (int i = 0; records->columns[i].name != NULL &&
			 og_json_next_element(&cursor, &values[i]); i++)
			continue;
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

/* Lists of both sides, or of one where the other is left out, as empty. */
static bool
btse_has_sides(OgSlice buy, OgSlice sell)
{
	OgJsonKind	kinds[] = {og_json_kind(buy), og_json_kind(sell)};

	for (size_t i = 0; i < lengthof(kinds); i++)
	{
		if (kinds[i] != OG_JSON_ARRAY && kinds[i] > OG_JSON_NULL)
			return false;
	}
	return kinds[0] == OG_JSON_ARRAY || kinds[1] == OG_JSON_ARRAY;
}

static void
btse_read_book(OgRecords *records, OgSlice answer, const OgBatch *batch)
{
	OgReading  *reading = &records->reading;
	OgSlice		buy = og_json_member(answer, "buyQuote");
	OgSlice		sell = og_json_member(answer, "sellQuote");
	OgSlice		values[OG_MAX_COLUMNS];

	if (og_json_kind(answer) != OG_JSON_OBJECT || og_btse_is_error(answer))
	{
		og_btse_read_refusal(records, answer);
		return;
	}
	if (!btse_has_sides(buy, sell))
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

/* ---------- the table ---------- */

#define BTSE_PUBLIC .kind = OG_PUBLIC, .lane = OG_LANE_QUERIES

const OgOperation og_btse_market_reads[] = {
	{
		.name = "market_summary", BTSE_PUBLIC,
		.path = "/api/v3.3/market_summary",
		.parameters = btse_symbol,
		.columns = og_btse_market_columns,
		.read_records = og_btse_read_list,
		.demands = btse_asked_symbol,
		.one = true
	},
	{
		.name = "ohlcv", BTSE_PUBLIC,
		.path = "/api/v3.3/ohlcv",
		.parameters = btse_candle_parameters,
		.columns = og_btse_candle_columns,
		.read_records = btse_read_candles,
		.span = &btse_candle_span,
		.id = btse_candle_id
	},
	{
		.name = "price", BTSE_PUBLIC,
		.path = "/api/v3.3/price",
		.parameters = btse_symbol,
		.columns = og_btse_price_columns,
		.read_records = og_btse_read_list,
		.demands = btse_asked_symbol,
		.one = true
	},
	{
		.name = "orderbook", BTSE_PUBLIC,
		.path = "/api/v3.3/orderbook",
		.parameters = btse_book_parameters,
		.columns = og_btse_level_columns,
		.read_records = btse_read_book,
		.demands = btse_asked_book,
		.one = true
	},
	{
		.name = "orderbook_l2", BTSE_PUBLIC,
		.path = "/api/v3.3/orderbook/L2",
		.parameters = btse_book_parameters,
		.columns = og_btse_level_columns,
		.read_records = btse_read_book,
		.demands = btse_asked_book,
		.one = true
	},
	{
		.name = "trades", BTSE_PUBLIC,
		.path = "/api/v3.3/trades",
		.parameters = btse_trade_parameters,
		.columns = og_btse_trade_columns,
		.read_records = og_btse_read_list,
		.demands = btse_asked_symbol,
		.span = &btse_trade_span,
		.id = btse_trade_id
	},
	{
		.name = "time", BTSE_PUBLIC,
		.path = BTSE_TIME_PATH,
		.columns = og_btse_time_columns,
		.read_records = og_btse_read_list
	},
	{.name = NULL}
};
