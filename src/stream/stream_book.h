/*-------------------------------------------------------------------------
 *
 * stream_book.h
 *		An order book in memory.
 *
 * It is what the provider's is as of one sequence number, or it is stale and has
 * no levels at all.  A message that breaks a rule makes it stale; there is no
 * state in between.
 *
 * A book takes the same memory for as long as it lives, and nothing here
 * allocates any besides.  No I/O, no clock, no catalog.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OG_STREAM_BOOK_H
#define OG_STREAM_BOOK_H

#include "provider/btse/btse_stream.h"

typedef enum OgBookSide
{
	OG_BOOK_BIDS,
	OG_BOOK_ASKS
} OgBookSide;

#define OG_BOOK_SIDES	(OG_BOOK_ASKS + 1)

typedef enum OgBookResult
{
	OG_BOOK_OK,
	OG_BOOK_WAITS,				/* a delta for a book that is stale: passed over */

	/* from here on: it is stale now */
	OG_BOOK_GAP,				/* something is missing before this message */
	OG_BOOK_WENT_BACK,			/* its number is not above that of the book */
	OG_BOOK_CROSSED,			/* somebody would buy at what somebody sells at */
	OG_BOOK_TOO_DEEP,			/* more than OG_STREAM_DEPTH levels on a side */
	OG_BOOK_TWICE				/* a snapshot has a price twice */
} OgBookResult;

/* Is a book stale after this that was not so before? */
#define OG_BOOK_BROKE(result)	((result) >= OG_BOOK_GAP)

/* "gap", "went_back", "crossed", ...: an event's name; and what it says. */
extern const char *og_book_result_name(OgBookResult result);
extern const char *og_book_result_words(OgBookResult result);

typedef struct OgBook OgBook;

/* One that is stale, in the current context: freed by pfree, or with that. */
extern OgBook *og_book_create(void);

/*
 * Forget it: it is stale until a snapshot comes, whatever that one's number is.
 * So it must be of a book, if not of all books of the connection, when a message was
 * not understood; and when a topic is asked for anew.
 */
extern void og_book_forget(OgBook *book);

/*
 * Take a message of kind OG_STREAM_BOOK.  A snapshot is taken by a stale book
 * whatever its number is, and by another one if that does not go back.  A price of
 * size zero is no level.  Changes of one delta are made in their order, and then
 * the book is looked at.
 */
extern OgBookResult og_book_take(OgBook *book, const OgStreamMessage *message);

/*
 * Is a snapshot of the very book, whose number it has as well?  *comparable tells
 * whether it has: with another number nothing is known.
 */
extern bool og_book_is(const OgBook *book, const OgStreamMessage *message,
					   bool *comparable);

/* Is it the provider's, as of og_book_seq()? */
extern bool og_book_is_live(const OgBook *book);
extern int64 og_book_seq(const OgBook *book);

/* When the provider says that this was so; 0 = it does not. */
extern int64 og_book_event_ms(const OgBook *book);

/* The levels of one side, best first, until the next change; none of a stale one. */
extern int	og_book_levels(const OgBook *book, OgBookSide side,
						   const OgStreamLevel **levels);

#endif							/* OG_STREAM_BOOK_H */
