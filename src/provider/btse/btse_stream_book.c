/*-------------------------------------------------------------------------
 *
 * btse_stream_book.c
 *		Books and best prices in messages of BTSE's streams.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "provider/btse/btse_stream_internal.h"

/* Bytes of the smallest level there is: [1,0] and a comma. */
#define SMALLEST_LEVEL	6

/* The members of the data. */
enum
{
	SYMBOL,
	TYPE,
	SEQ,
	PREV_SEQ,
	TIME,
	BIDS,
	ASKS,
	MEMBERS
};

static const char *const names[MEMBERS] = {
	[SYMBOL] = "symbol",
	[TYPE] = "type",
	[SEQ] = "seqNum",
	[PREV_SEQ] = "prevSeqNum",
	[TIME] = "timestamp",
	[BIDS] = "bids",
	[ASKS] = "asks"
};

/* ---------- levels ---------- */

static bool
read_side(OgStreamMessage *message, OgSlice list, OgStreamSide *side)
{
	int			room = Min(list.len / SMALLEST_LEVEL + 1, OG_STREAM_CHANGES);
	OgSlice		values[3];
	OgJsonCursor cursor;
	OgSlice		element;

	if (og_json_kind(list) != OG_JSON_ARRAY)
		return refuse(message, "has no list of bids or of asks");
	side->levels = palloc(room * sizeof(OgStreamLevel));
	og_json_open(&cursor, list);
	while (og_json_next_list(&cursor, &element, values, lengthof(values)))
	{
		OgStreamLevel *level = &side->levels[side->count];

		if (side->count == room)
			return refuse(message, "has too many levels");
		if (og_json_kind(element) != OG_JSON_ARRAY || values[2].data != NULL ||
			!og_decimal_read(values[0], &level->price) ||
			!og_decimal_read(values[1], &level->size) ||
			og_decimal_is_zero(&level->price))
			return refuse(message, "has a level that is not a price and a size");
		side->count++;
	}
	return true;
}

/* ---------- best prices ---------- */

/* No size, or no level: nobody is there. */
static bool
keep_best(OgStreamMessage *message, OgStreamSide *side)
{
	if (side->count > 1)
		return refuse(message, "has several best prices on a side");
	if (side->count == 1 && og_decimal_is_zero(&side->levels[0].size))
		side->count = 0;
	return true;
}

static bool
check_best(OgStreamMessage *message)
{
	OgStreamSide *bids = &message->book.bids;
	OgStreamSide *asks = &message->book.asks;

	if (!keep_best(message, bids) || !keep_best(message, asks))
		return false;
	if (bids->count > 0 && asks->count > 0 &&
		og_decimal_compare(&bids->levels[0].price, &asks->levels[0].price) >= 0)
		return refuse(message, "has a best bid that is not below the best ask");
	return true;
}

/* ---------- data ---------- */

/* What kind of message is it, and does that fit its topic? */
static bool
read_type(OgStreamMessage *message, OgSlice type)
{
	bool		is_book = message->kind == OG_STREAM_BOOK;

	message->book.is_delta = is_book && og_says(type, "delta");
	if (og_json_kind(type) != OG_JSON_STRING ||
		!(message->book.is_delta ||
		  og_says(type, is_book ? "snapshot" : "snapshotL1")))
		return refuse(message, "has a type that its topic has not");
	return true;
}

/* A number of a sequence. */
static bool
read_number(OgSlice value, int64 *number)
{
	return og_json_integer(value, number) && *number >= 0;
}

static bool
read_numbers(OgStreamMessage *message, const OgSlice *values)
{
	OgStreamBook *book = &message->book;

	book->prev_seq = -1;
	if (message->kind == OG_STREAM_L1)
		return true;
	if (!read_number(values[SEQ], &book->seq))
		return refuse(message, "has no sequence number");
	if (!book->is_delta && og_json_kind(values[PREV_SEQ]) <= OG_JSON_NULL)
		return true;
	if (!read_number(values[PREV_SEQ], &book->prev_seq))
		return refuse(message, "has no previous sequence number");
	return true;
}

static bool
read_time(OgStreamMessage *message, OgSlice value)
{
	int64		ms;

	if (og_json_kind(value) <= OG_JSON_NULL)
		return true;
	if (og_time_ms(OG_TIME_MS, value, &ms) && ms > 0)
		message->event_ms = ms;
	else if (!og_json_integer(value, &ms) || ms != 0)
		return refuse(message, "has a time that is none");
	return true;
}

/* Behind the symbol the topic may say how coarse the book is. */
static int
read_grouping(const char *symbol, OgSlice topic_rest)
{
	size_t		len = strlen(symbol);
	int			grouping = 0;

	if (topic_rest.len < len + 2 || topic_rest.len > len + 4 ||
		memcmp(topic_rest.data, symbol, len) != 0 ||
		topic_rest.data[len] != '_')
		return -1;
	for (size_t i = len + 1; i < topic_rest.len; i++)
	{
		char		c = topic_rest.data[i];

		if (c < '0' || c > '9')
			return -1;
		grouping = grouping * 10 + (c - '0');
	}
	return grouping;
}

bool
og_btse_stream_read_book(OgStreamMessage *message, OgSlice data,
						 OgSlice topic_rest)
{
	OgSlice		values[MEMBERS];

	if (og_json_kind(data) != OG_JSON_OBJECT)
		return refuse(message, "has data that are not an object");
	og_json_pick(data, names, values, MEMBERS);
	if (!is_symbol(values[SYMBOL]))
		return refuse(message, "does not name its market");
	message->symbol = og_json_text(values[SYMBOL], OG_MAX_MARKET);
	if (message->kind == OG_STREAM_BOOK)
		message->grouping = read_grouping(message->symbol, topic_rest);

	return read_type(message, values[TYPE]) &&
		read_numbers(message, values) &&
		read_time(message, values[TIME]) &&
		read_side(message, values[BIDS], &message->book.bids) &&
		read_side(message, values[ASKS], &message->book.asks) &&
		(message->kind == OG_STREAM_BOOK || check_best(message));
}
