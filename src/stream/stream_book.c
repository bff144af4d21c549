/*-------------------------------------------------------------------------
 *
 * stream_book.c
 *		An order book in memory.
 *
 * A message is applied to a draft, which becomes the book when all of it was in
 * order.  Both sides are arrays, best price first: with 50 levels, moving some of
 * them costs less than anything that saves it.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "stream/stream_book.h"

struct OgBook
{
	bool		is_live;
	int64		seq;
	int64		event_ms;
	int			counts[OG_BOOK_SIDES];
	OgStreamLevel levels[OG_BOOK_SIDES][OG_STREAM_DEPTH];
};

/*
 * While a delta is applied a side may have more levels than at its end.  With this
 * many more are new than there were, so that they are too many at its end as well;
 * unless it adds what it removes again, which is not worth the room.
 */
#define DRAFT_DEPTH		(2 * OG_STREAM_DEPTH + 28)

typedef struct Draft
{
	int			count;
	OgStreamLevel levels[DRAFT_DEPTH];
} Draft;

static const struct
{
	const char *name;
	const char *words;
}			results[] = {
	[OG_BOOK_OK] = {"ok", "is in order"},
	[OG_BOOK_WAITS] = {"waits", "waits for a snapshot"},
	[OG_BOOK_GAP] = {"gap", "changes are missing"},
	[OG_BOOK_WENT_BACK] = {"went_back", "the sequence number went back"},
	[OG_BOOK_CROSSED] = {"crossed", "the best bid is not below the best ask"},
	[OG_BOOK_TOO_DEEP] = {"too_deep", "there are more than 50 levels on a side"},
	[OG_BOOK_TWICE] = {"twice", "a snapshot has a price twice on a side"}
};

StaticAssertDecl(OG_STREAM_DEPTH == 50, "the words above name this limit");

const char *
og_book_result_name(OgBookResult result)
{
	return results[result].name;
}

const char *
og_book_result_words(OgBookResult result)
{
	return results[result].words;
}

OgBook *
og_book_create(void)
{
	return palloc0(sizeof(OgBook));
}

void
og_book_forget(OgBook *book)
{
	book->is_live = false;
	book->counts[OG_BOOK_BIDS] = book->counts[OG_BOOK_ASKS] = 0;
	book->seq = book->event_ms = 0;
}

/* ---------- one side ---------- */

/* <0: a is better than b. */
static inline int
compare_prices(OgBookSide side, const OgDecimal *a, const OgDecimal *b)
{
	int			order = og_decimal_compare(a, b);

	return side == OG_BOOK_BIDS ? -order : order;
}

/* Where a price is, or belongs. */
static inline int
find_price(const Draft *draft, OgBookSide side, const OgDecimal *price,
		   bool *found)
{
	int			low = 0;
	int			high = draft->count;

	while (low < high)
	{
		int			middle = (low + high) / 2;
		int			order = compare_prices(side, price,
										   &draft->levels[middle].price);

		if (order == 0)
		{
			*found = true;
			return middle;
		}
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	*found = false;
	return low;
}

/* Change a level, or remove it, or add it; false if there is no room. */
static inline bool
put_level(Draft *draft, OgBookSide side, const OgStreamLevel *level,
		  bool *was_there)
{
	int			place = find_price(draft, side, &level->price, was_there);
	OgStreamLevel *at = &draft->levels[place];
	size_t		behind = (draft->count - place) * sizeof(OgStreamLevel);

	if (og_decimal_is_zero(&level->size))
	{
		if (*was_there)
		{
			memmove(at, at + 1, behind - sizeof(OgStreamLevel));
			draft->count--;
		}
		return true;
	}
	if (!*was_there)
	{
		if (draft->count == DRAFT_DEPTH)
			return false;
		memmove(at + 1, at, behind);
		draft->count++;
	}
	*at = *level;
	return true;
}

static OgBookResult
apply_side(Draft *draft, OgBookSide side, const OgStreamSide *changes,
		   bool is_delta)
{
	for (int i = 0; i < changes->count; i++)
	{
		bool		was_there;

		if (!put_level(draft, side, &changes->levels[i], &was_there))
			return OG_BOOK_TOO_DEEP;
		if (was_there && !is_delta)
			return OG_BOOK_TWICE;
	}
	return draft->count <= OG_STREAM_DEPTH ? OG_BOOK_OK : OG_BOOK_TOO_DEEP;
}

/* ---------- the book ---------- */

static inline const OgStreamSide *
changes_of(const OgStreamMessage *message, OgBookSide side)
{
	return side == OG_BOOK_BIDS ? &message->book.bids : &message->book.asks;
}

/* Does this message come next? */
static OgBookResult
check_number(const OgBook *book, const OgStreamBook *told)
{
	if (!told->is_delta)
		return book->is_live && told->seq < book->seq ? OG_BOOK_WENT_BACK
			: OG_BOOK_OK;
	if (!book->is_live)
		return OG_BOOK_WAITS;
	if (told->seq <= book->seq)
		return OG_BOOK_WENT_BACK;
#ifdef OG_PLANT_GAP
	return OG_BOOK_OK;
#endif
	return told->prev_seq == book->seq && told->seq - 1 == book->seq ? OG_BOOK_OK
		: OG_BOOK_GAP;
}

static bool
is_crossed(const Draft *drafts)
{
	const Draft *bids = &drafts[OG_BOOK_BIDS];
	const Draft *asks = &drafts[OG_BOOK_ASKS];

	return bids->count > 0 && asks->count > 0 &&
		og_decimal_compare(&bids->levels[0].price, &asks->levels[0].price) >= 0;
}

/* Draft what the book is after this message. */
static OgBookResult
make_drafts(const OgBook *book, const OgStreamMessage *message, Draft *drafts)
{
	bool		is_delta = message->book.is_delta;

	for (OgBookSide side = OG_BOOK_BIDS; side < OG_BOOK_SIDES; side++)
	{
		OgBookResult result;

		drafts[side].count = is_delta ? book->counts[side] : 0;
		memcpy(drafts[side].levels, book->levels[side],
			   drafts[side].count * sizeof(OgStreamLevel));
		result = apply_side(&drafts[side], side, changes_of(message, side),
							is_delta);
		if (result != OG_BOOK_OK)
			return result;
	}
	return is_crossed(drafts) ? OG_BOOK_CROSSED : OG_BOOK_OK;
}

static void
keep_drafts(OgBook *book, const OgStreamMessage *message, const Draft *drafts)
{
	for (OgBookSide side = OG_BOOK_BIDS; side < OG_BOOK_SIDES; side++)
	{
		book->counts[side] = drafts[side].count;
		memcpy(book->levels[side], drafts[side].levels,
			   drafts[side].count * sizeof(OgStreamLevel));
	}
	book->seq = message->book.seq;
	book->event_ms = message->event_ms;
	book->is_live = true;
}

OgBookResult
og_book_take(OgBook *book, const OgStreamMessage *message)
{
	Draft		drafts[OG_BOOK_SIDES];
	OgBookResult result = check_number(book, &message->book);

	Assert(message->what == OG_STREAM_DATA && message->kind == OG_STREAM_BOOK);
	if (result == OG_BOOK_OK)
		result = make_drafts(book, message, drafts);
	if (result == OG_BOOK_OK)
		keep_drafts(book, message, drafts);
	else if (OG_BOOK_BROKE(result))
		og_book_forget(book);
	return result;
}

/* The same prices and sizes, however they are spelled? */
static bool
is_side(const OgBook *book, OgBookSide side, const Draft *draft)
{
	if (draft->count != book->counts[side])
		return false;
	for (int i = 0; i < draft->count; i++)
	{
		const OgStreamLevel *a = &draft->levels[i];
		const OgStreamLevel *b = &book->levels[side][i];

		if (og_decimal_compare(&a->price, &b->price) != 0 ||
			og_decimal_compare(&a->size, &b->size) != 0)
			return false;
	}
	return true;
}

bool
og_book_is(const OgBook *book, const OgStreamMessage *message,
		   bool *comparable)
{
	Draft		drafts[OG_BOOK_SIDES];

	*comparable = book->is_live && !message->book.is_delta &&
		message->book.seq == book->seq;
	return *comparable &&
		make_drafts(book, message, drafts) == OG_BOOK_OK &&
		is_side(book, OG_BOOK_BIDS, &drafts[OG_BOOK_BIDS]) &&
		is_side(book, OG_BOOK_ASKS, &drafts[OG_BOOK_ASKS]);
}

bool
og_book_is_live(const OgBook *book)
{
	return book->is_live;
}

int64
og_book_seq(const OgBook *book)
{
	return book->seq;
}

int64
og_book_event_ms(const OgBook *book)
{
	return book->event_ms;
}

int
og_book_levels(const OgBook *book, OgBookSide side,
			   const OgStreamLevel **levels)
{
	*levels = book->levels[side];
	return book->counts[side];
}
