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

#include "provider.h"
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
 * The opinion on each key of a batch, and in *foreign how many elements are
 * about orders that were not asked for.  "id_name" is how BTSE calls the key.
 */
extern Opinion *second_opinion(const OgProvider *provider, int status,
							   OgSlice answer, const OgSlice *keys, int nkeys,
							   const char *id_name, int *foreign);

#endif							/* OG_SECOND_OPINION_H */
