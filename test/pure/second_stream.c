/*-------------------------------------------------------------------------
 *
 * second_stream.c
 *		A second opinion on what BTSE's streams tell of a book, and on the book.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "second_stream.h"

#define DEPTH	50

/* ----
 * Numbers
 * ----
 */

char *
second_decimal(const Node *value)
{
	int			count = 0;
	char	   *text = second_number(value, &count);
	OgSlice		spelled;
	int			digits = 0;

	if (text == NULL)
		return NULL;
	spelled = value->kind == OG_JSON_STRING ? og_slice_of(value->text)
		: value->bytes;

	/* Digits as spelled, without zeros in front; strings have no escapes. */
	if (memchr(value->bytes.data, '\\', value->bytes.len) != NULL)
		return NULL;
	for (size_t i = 0; i < spelled.len; i++)
	{
		char		c = spelled.data[i];

		if (c == '-')
			return NULL;
		if (c == 'e' || c == 'E')
			break;
		if (c != '.' && (c != '0' || digits > 0))
			digits++;
	}
	if (digits > 36)
		return NULL;

	if (strchr(text, '.') != NULL)
	{
		char	   *end = text + strlen(text);

		while (end[-1] == '0')
			*--end = '\0';
		if (end[-1] == '.')
			*--end = '\0';
	}
	return text;
}

int
second_compare(const char *a, const char *b)
{
	size_t		a_whole = strcspn(a, ".");
	size_t		b_whole = strcspn(b, ".");

	if (a_whole != b_whole)
		return a_whole < b_whole ? -1 : 1;
	return strcmp(a, b);
}

static bool
is_zero(const char *text)
{
	return strspn(text, "0.") == strlen(text);
}

/* A whole number that is not negative, and an int64. */
static bool
whole(const Node *value, int64 *number)
{
	int			count;
	char	   *text = second_number(value, &count);

	if (text == NULL)
		return false;
	if (strchr(text, '.') != NULL)
	{
		char	   *point = strchr(text, '.');

		if (strspn(point + 1, "0") != strlen(point + 1))
			return false;
		*point = '\0';
	}
	errno = 0;
	*number = strtoll(text, NULL, 10);
	return errno == 0 && *number >= 0;
}

/* ----
 * Messages
 * ----
 */

static bool
is_side(const Node *list)
{
	int			count = 0;

	if (!second_is(list, OG_JSON_ARRAY))
		return false;
	for (const Node *level = list->first; level != NULL; level = level->next)
	{
		char	   *price;

		if (!second_is(level, OG_JSON_ARRAY) || level->first == NULL ||
			level->first->next == NULL || level->first->next->next != NULL)
			return false;
		price = second_decimal(level->first);
		if (price == NULL || is_zero(price) ||
			second_decimal(level->first->next) == NULL)
			return false;
		count++;
	}
	return count <= 1000;
}

static bool
given(const Node *value)
{
	return value != NULL && value->kind != OG_JSON_NULL;
}

static bool
is_time(const Node *value)
{
	int64		ms;

	return !given(value) ||
		(whole(value, &ms) && ms <= INT64CONST(9000000000000000));
}

bool
second_is_book(const Node *message, bool *is_delta, int64 *seq,
			   int64 *prev_seq)
{
	const Node *topic = second_member(message, "topic");
	const Node *data = second_member(message, "data");
	const Node *symbol = second_member(data, "symbol");
	const Node *type = second_member(data, "type");

	if (!second_is(message, OG_JSON_OBJECT) || !second_is(topic, OG_JSON_STRING) ||
		strncmp(topic->text, "update:", 7) != 0 || !second_is(data, OG_JSON_OBJECT) ||
		!second_is(symbol, OG_JSON_STRING) || symbol->bytes.len < 3 ||
		symbol->bytes.len > 66 || !second_is(type, OG_JSON_STRING))
		return false;
	*is_delta = strcmp(type->text, "delta") == 0;
	if (!*is_delta && strcmp(type->text, "snapshot") != 0)
		return false;
	*prev_seq = -1;
	if (!whole(second_member(data, "seqNum"), seq))
		return false;
	if ((*is_delta || given(second_member(data, "prevSeqNum"))) &&
		!whole(second_member(data, "prevSeqNum"), prev_seq))
		return false;
	return is_time(second_member(data, "timestamp")) &&
		is_side(second_member(data, "bids")) &&
		is_side(second_member(data, "asks"));
}

/* ----
 * The book
 * ----
 */

/* False if a price is there twice that must not be. */
static bool
apply(SecondSide *side, const Node *list, bool is_delta)
{
	for (const Node *level = list->first; level != NULL; level = level->next)
	{
		SecondLevel new = {
			second_decimal(level->first), second_decimal(level->first->next)
		};
		int			i = 0;

		while (i < side->count &&
			   second_compare(side->levels[i].price, new.price) != 0)
			i++;
		if (i < side->count && !is_delta)
			return false;
		if (is_zero(new.size))
		{
			if (i < side->count)
				side->levels[i] = side->levels[--side->count];
		}
		else
		{
			side->levels[i] = new;
			if (i == side->count)
				side->count++;
			if (side->count == SECOND_ROOM)
				abort();
		}
	}
	return side->count <= DEPTH;
}

static int
by_price(const void *a, const void *b)
{
	return second_compare(((const SecondLevel *) a)->price,
						  ((const SecondLevel *) b)->price);
}

static int
by_price_down(const void *a, const void *b)
{
	return by_price(b, a);
}

static void
sort_levels(SecondBook *book)
{
	qsort(book->sides[0].levels, book->sides[0].count, sizeof(SecondLevel),
		  by_price_down);
	qsort(book->sides[1].levels, book->sides[1].count, sizeof(SecondLevel),
		  by_price);
}

static void
lose(SecondBook *book)
{
	book->is_live = false;
	book->seq = 0;
	book->sides[0].count = book->sides[1].count = 0;
}

void
second_take(SecondBook *book, const Node *message)
{
	const Node *data = second_member(message, "data");
	bool		is_delta;
	int64		seq;
	int64		prev_seq;
	bool		fits;

	if (!second_is_book(message, &is_delta, &seq, &prev_seq))
	{
		lose(book);
		return;
	}
	if (is_delta && !book->is_live)
		return;
	if (is_delta ? seq != book->seq + 1 || prev_seq != book->seq
		: book->is_live && seq < book->seq)
	{
		lose(book);
		return;
	}
	if (!is_delta)
		book->sides[0].count = book->sides[1].count = 0;
	fits = apply(&book->sides[0], second_member(data, "bids"), is_delta) &&
		apply(&book->sides[1], second_member(data, "asks"), is_delta);
	sort_levels(book);
	if (!fits || (book->sides[0].count > 0 && book->sides[1].count > 0 &&
				  second_compare(book->sides[0].levels[0].price,
								 book->sides[1].levels[0].price) >= 0))
	{
		lose(book);
		return;
	}
	book->is_live = true;
	book->seq = seq;
}

/* The number that a decimal writes. */
static bool
is_written(const OgDecimal *decimal, const char *expected)
{
	char		text[OG_DECIMAL_TEXT];
	int			length = og_decimal_write(decimal, text);
	char	   *shortest = second_decimal(second_read(og_slice(text, length)));

	return shortest != NULL && strcmp(shortest, expected) == 0;
}

bool
second_agrees(const OgBook *book, const SecondBook *second)
{
	if (og_book_is_live(book) != second->is_live ||
		og_book_seq(book) != second->seq)
		return false;
	for (OgBookSide side = OG_BOOK_BIDS; side < OG_BOOK_SIDES; side++)
	{
		const SecondSide *expected = &second->sides[side];
		const OgStreamLevel *levels;

		if (og_book_levels(book, side, &levels) != expected->count)
			return false;
		for (int i = 0; i < expected->count; i++)
		{
			if (!is_written(&levels[i].price, expected->levels[i].price) ||
				!is_written(&levels[i].size, expected->levels[i].size))
				return false;
		}
	}
	return true;
}
