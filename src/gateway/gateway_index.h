/*-------------------------------------------------------------------------
 *
 * gateway_index.h
 *		Which of the keys of a request is an answer about?
 *
 * Pure, as gateway_collect.h is.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OG_GATEWAY_INDEX_H
#define OG_GATEWAY_INDEX_H

#include "ground/message.h"

/* A new one is zero but for the keys, which have to stay. */
typedef struct KeyIndex
{
	const OgSlice *keys;
	int			nkeys;
	int			next;			/* key after the one found last */
	int		   *order;			/* the keys, sorted; NULL until needed */
} KeyIndex;

/*
 * The key that a JSON value names, as text or number; -1 if there is none.
 * Allocates in the current context, once.
 */
extern int	og_index_find(KeyIndex *index, OgSlice id);

#endif							/* OG_GATEWAY_INDEX_H */
