/*-------------------------------------------------------------------------
 *
 * btse_stream_record.c
 *		Trades, fills and notifications of BTSE, out of messages and out of reads.
 *
 * A trade or a fill that nothing tells apart, or whose market, price or size
 * cannot be read, is none: a read may tell it better.  Any other value that is not
 * as documented is nothing, as everywhere, and to be seen in the record's bytes.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "provider/btse/btse_stream_internal.h"
#include "provider/btse/provider_btse.h"

/* The longest side, with its quotes. */
#define MAX_SIDE	20

const OgColumn *
og_btse_stream_columns(OgStreamKind kind)
{
	switch (kind)
	{
		case OG_STREAM_TRADES:
			return og_btse_stream_trade_columns;
		case OG_STREAM_FILLS:
			return og_btse_stream_fill_columns;
		case OG_STREAM_NOTIFICATIONS:
			return og_btse_stream_notification_columns;
		case OG_STREAM_L1:
		case OG_STREAM_BOOK:
			break;
	}
	return NULL;
}

static int
count_columns(const OgColumn *columns)
{
	int			count = 0;

	while (columns[count].name != NULL)
		count++;
	return count;
}

/* The value of a column, or a slice of nothing. */
static OgSlice
value_of(OgStreamKind kind, const OgSlice *values, const char *name)
{
	int			column = og_column(og_btse_stream_columns(kind), name);

	return column < 0 ? og_slice(NULL, 0) : values[column];
}

/* ---------- one spelling ---------- */

/* Is a number more than digits? */
static bool
has_more_than_digits(OgSlice number)
{
	for (size_t i = 0; i < number.len; i++)
	{
		if (number.data[i] < '0' || number.data[i] > '9')
			return true;
	}
	return false;
}

/*
 * An id is a string, or a number by its digits, however those are written: some
 * documents call such a one a double.  0 and an empty string are none.
 */
static OgSlice
normal_id(OgSlice id)
{
	int64		number;

	if (!og_is_id(id) || og_says(id, "0"))
		return og_slice(NULL, 0);
	if (og_json_kind(id) == OG_JSON_NUMBER && has_more_than_digits(id) &&
		og_json_integer(id, &number))
		return og_slice_of(psprintf(INT64_FORMAT, number));
	return id;
}

static OgSlice
normal_side(OgSlice side)
{
	if (og_says_in_any_case(side, og_slice_of("BUY")) ||
		og_says(side, "MODE_BUY") || og_says(side, "66"))
		return og_slice_of("\"BUY\"");
	if (og_says_in_any_case(side, og_slice_of("SELL")) ||
		og_says(side, "MODE_SELL") || og_says(side, "83"))
		return og_slice_of("\"SELL\"");
	return side;
}

/* A boolean, or in words. */
static OgSlice
normal_maker(OgSlice maker)
{
	if (og_says(maker, "maker") || og_says(maker, "true"))
		return og_slice_of("true");
	if (og_says(maker, "taker") || og_says(maker, "false"))
		return og_slice_of("false");
	return maker;
}

static void
normalize(OgStreamKind kind, OgSlice *values)
{
	static const struct
	{
		const char *name;
		OgSlice		(*normal) (OgSlice value);
	}			rules[] = {
		{"trade_id", normal_id},
		{"serial_id", normal_id},
		{"order_id", normal_id},
		{"client_order_id", normal_id},
		{"side", normal_side},
		{"maker", normal_maker}
	};
	const OgColumn *columns = og_btse_stream_columns(kind);

	for (int i = 0; i < lengthof(rules); i++)
	{
		int			column = og_column(columns, rules[i].name);

		if (column >= 0)
			values[column] = rules[i].normal(values[column]);
	}
}

/* ---------- what a record must have ---------- */

/* None, or one that is not too long to be remembered. */
static bool
is_short_id(OgSlice id)
{
	return id.len <= OG_STREAM_MAX_ID + strlen("\"\"");
}

/* Prices and sizes of what was traded. */
static bool
is_above_zero(OgSlice value)
{
	OgDecimal	decimal;

	return og_decimal_read(value, &decimal) && !og_decimal_is_zero(&decimal);
}

static const char *
check_trade(const OgSlice *values)
{
	OgSlice		id = value_of(OG_STREAM_TRADES, values, "trade_id");

	if (!is_symbol(value_of(OG_STREAM_TRADES, values, "symbol")))
		return "does not name its market";
	if (id.data == NULL || !is_short_id(id))
		return "has a trade without an id";
	if (!is_above_zero(value_of(OG_STREAM_TRADES, values, "price")) ||
		!is_above_zero(value_of(OG_STREAM_TRADES, values, "size")))
		return "has a trade without a price or a size";
	return NULL;
}

static const char *
check_fill(const OgSlice *values)
{
	OgSlice		serial = value_of(OG_STREAM_FILLS, values, "serial_id");
	OgSlice		trade = value_of(OG_STREAM_FILLS, values, "trade_id");
	OgSlice		order = value_of(OG_STREAM_FILLS, values, "order_id");
	OgSlice		side = value_of(OG_STREAM_FILLS, values, "side");

	if (!is_symbol(value_of(OG_STREAM_FILLS, values, "symbol")))
		return "does not name its market";
	if (!is_short_id(serial) || !is_short_id(trade) || !is_short_id(order) ||
		side.len > MAX_SIDE)
		return "has a fill with an id that is too long";
	if (serial.data == NULL &&
		(trade.data == NULL || order.data == NULL || side.data == NULL))
		return "has a fill that nothing tells apart";
	if (!is_above_zero(value_of(OG_STREAM_FILLS, values, "filled_price")) ||
		!is_above_zero(value_of(OG_STREAM_FILLS, values, "filled_size")))
		return "has a fill without a price or a size";
	return NULL;
}

/* Words on what is wrong with a record, which is brought to one spelling. */
static const char *
finish(OgStreamKind kind, OgSlice *values)
{
	normalize(kind, values);
	if (kind == OG_STREAM_TRADES)
		return check_trade(values);
	return kind == OG_STREAM_FILLS ? check_fill(values) : NULL;
}

/* ---------- messages ---------- */

/* The records of a message, while they are taken. */
typedef struct Taking
{
	OgRecords	records;
	OgStreamMessage *message;
	int			room;
	int			ncolumns;
} Taking;

static void
append_record(Taking *taking, const OgSlice *values, OgSlice raw)
{
	OgStreamMessage *message = taking->message;
	size_t		size = taking->ncolumns * sizeof(OgSlice);
	OgSlice    *copy = palloc(size);

	if (message->nrecords == taking->room)
	{
		taking->room *= 2;
		message->records = repalloc(message->records,
									taking->room * sizeof(OgStreamRecord));
	}
	memcpy(copy, values, size);
	message->records[message->nrecords++] = (OgStreamRecord) {copy, raw};
}

/* All trades of a message are of the market that the first one names. */
static const char *
check_market(OgStreamMessage *message, const OgSlice *values)
{
	OgSlice		symbol = value_of(message->kind, values, "symbol");

	if (message->kind != OG_STREAM_TRADES || !is_symbol(symbol))
		return NULL;
	if (message->symbol == NULL)
		message->symbol = og_json_text(symbol, OG_MAX_MARKET);
	return og_says(symbol, message->symbol) ? NULL
		: "has trades of several markets";
}

static void
take_record(OgRecords *records, const OgSlice *values, OgSlice raw)
{
	Taking	   *taking = (Taking *) records;
	OgStreamMessage *message = taking->message;
	OgSlice		normal[OG_MAX_COLUMNS];

	if (message->problem != NULL)
		return;
	memcpy(normal, values, taking->ncolumns * sizeof(OgSlice));
	message->problem = check_market(message, normal);
	if (message->problem == NULL)
		message->problem = finish(message->kind, normal);
	if (message->problem == NULL)
		append_record(taking, normal, raw);
}

bool
og_btse_stream_read_records(OgStreamMessage *message, OgSlice data)
{
	Taking		taking = {.message = message, .room = 4};

	message->columns = og_btse_stream_columns(message->kind);
	message->records = palloc(taking.room * sizeof(OgStreamRecord));
	taking.ncolumns = count_columns(message->columns);
	taking.records.columns = message->columns;
	taking.records.take = take_record;
	og_take_objects(&taking.records, data);
	if (message->problem == NULL &&
		taking.records.reading.envelope != OG_ENVELOPE_SUCCESS)
		message->problem = taking.records.reading.note;
	return message->problem == NULL;
}

/* ---------- reads ---------- */

const char *
og_btse_stream_of_read(OgStreamKind kind, const OgSlice *read, OgSlice *values)
{
	const OgColumn *columns = og_btse_stream_columns(kind);
	bool		is_trade = kind == OG_STREAM_TRADES;
	const OgColumn *read_columns = is_trade ? og_btse_trade_columns
		: og_btse_own_trade_columns;

	Assert(is_trade || kind == OG_STREAM_FILLS);
	for (int i = 0; columns[i].name != NULL; i++)
	{
		const char *name = columns[i].name;
		int			column;

		/* A public trade has one number only, by either name. */
		if (is_trade && strcmp(name, "trade_id") == 0)
			name = "serial_id";
		column = og_column(read_columns, name);
		values[i] = column < 0 ? og_slice(NULL, 0) : read[column];
	}
	return finish(kind, values);
}

/* ---------- identity ---------- */

static const char *
text_of(OgStreamKind kind, const OgSlice *values, const char *name)
{
	return og_json_text(value_of(kind, values, name), OG_STREAM_MAX_ID);
}

/* Of all that is told of a trade in which an account may be on both sides. */
static char *
name_part(const OgSlice *values, const char *as)
{
	const char *trade = text_of(OG_STREAM_FILLS, values, "trade_id");
	const char *order = text_of(OG_STREAM_FILLS, values, "order_id");
	const char *side = text_of(OG_STREAM_FILLS, values, "side");

	return trade == NULL || order == NULL || side == NULL ? NULL
		: psprintf("%s %s/%s/%s", as, trade, order, side);
}

/*
 * Two fills with serial ids are told apart by these alone.  One that is told
 * without is the same as one with the same trade, order and side, whether that
 * has a serial id or not.
 */
static void
identify_fill(const OgSlice *values, OgStreamIdentity *identity)
{
	const char *serial = text_of(OG_STREAM_FILLS, values, "serial_id");
	const char *part = name_part(values, "trade");
	const char *numbered = name_part(values, "numbered trade");

	if (serial != NULL)
	{
		identity->remember[0] = psprintf("serial %s", serial);
		identity->remember[1] = numbered;
		identity->known_as[0] = identity->remember[0];
		identity->known_as[1] = part;
	}
	else
	{
		identity->remember[0] = part;
		identity->known_as[0] = part;
		identity->known_as[1] = numbered;
	}
}

void
og_btse_stream_identify(OgStreamKind kind, const OgSlice *values,
						OgStreamIdentity *identity)
{
	memset(identity, 0, sizeof(*identity));
	if (kind == OG_STREAM_FILLS)
		identify_fill(values, identity);
	else if (kind == OG_STREAM_TRADES)
	{
		identity->remember[0] = text_of(kind, values, "trade_id");
		identity->known_as[0] = identity->remember[0];
	}
	identity->id = identity->remember[0];
}
