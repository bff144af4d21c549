/*-------------------------------------------------------------------------
 *
 * second_opinion.h
 *		What an answer says of each order, read a second time, for fuzzers to
 *		compare og_collect() with.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OG_SECOND_OPINION_H
#define OG_SECOND_OPINION_H

#include "provider/provider.h"
#include "second_reader.h"

/* What must become of one order. */
typedef struct Opinion
{
	OgVerdict	verdict;
	const Node *element;		/* the first that is about it, or NULL */
	const Node *code;			/* the provider's words, NULL where they must */
	const Node *message;		/* be ours, or none */
	struct Opinion *next;		/* the next order of the same key */
} Opinion;

/*
 * What was asked for: BTSE's acts are heard each in its own way, all others
 * by their provider alone.
 */
typedef struct Asked
{
	const OgProvider *provider;
	const char *operation;
	const char *id_name;		/* how an answer of BTSE calls the key */
	bool		at_once;		/* a new order that may be over at once */
	bool		renew;			/* what a renewal asks for */
	const char *symbol;			/* the market, NULL where none is named */
	const char *side;			/* of a new order: "BUY", "SELL" */
	bool		bounded;		/* ... not at any price */
	bool		oco;			/* ... which is two */
	const char *amount;			/* of an investment */
} Asked;

/*
 * The opinion on each key of a batch, and in *foreign how many elements are
 * about orders that were not asked for.
 */
extern Opinion *second_opinion(const Asked *asked, int status,
							   OgSlice answer, const OgSlice *keys, int nkeys,
							   int *foreign);

#endif							/* OG_SECOND_OPINION_H */
