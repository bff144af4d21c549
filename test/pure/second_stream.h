/*-------------------------------------------------------------------------
 *
 * second_stream.h
 *		A second opinion on what BTSE's streams tell of a book, and on the book.
 *
 * It reads messages by the second reader and keeps levels as texts: slow, plain,
 * and sharing no code with what it judges.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OG_SECOND_STREAM_H
#define OG_SECOND_STREAM_H

#include "second_reader.h"
#include "stream/stream_book.h"

/* Levels of a side while a message is applied. */
#define SECOND_ROOM	4096

typedef struct SecondLevel
{
	char	   *price;			/* without zeros that say nothing */
	char	   *size;
} SecondLevel;

typedef struct SecondSide
{
	int			count;
	SecondLevel levels[SECOND_ROOM];
} SecondSide;

typedef struct SecondBook
{
	bool		is_live;
	int64		seq;
	SecondSide	sides[2];		/* bids, asks */
} SecondBook;

/* A number as the shortest text that says it; NULL if a level cannot have it. */
extern char *second_decimal(const Node *value);

/* <0, 0, >0: by such texts. */
extern int	second_compare(const char *a, const char *b);

/*
 * Is this data of a book, with nothing wrong in it?  If so, *is_delta, and the
 * numbers.
 */
extern bool second_is_book(const Node *message, bool *is_delta, int64 *seq,
						   int64 *prev_seq);

/* Take such a message.  A book that is not live afterwards has no levels. */
extern void second_take(SecondBook *book, const Node *message);

/* Is a book what this one is, to the last level? */
extern bool second_agrees(const OgBook *book, const SecondBook *second);

#endif							/* OG_SECOND_STREAM_H */
