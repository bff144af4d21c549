/*-------------------------------------------------------------------------
 *
 * provider_keys.h
 *		Which key of a batch an answer means.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OG_PROVIDER_KEYS_H
#define OG_PROVIDER_KEYS_H

#include "provider/provider.h"

/*
 * The keys of a batch while one answer is read.  All but the batch begins as
 * zero; "sorted" is palloc'd when it is first needed, and may be pfree'd after
 * the last search.
 */
typedef struct OgKeyIndex
{
	const OgBatch *batch;
	int			next;			/* the key after the one that was found last */
	int		   *sorted;			/* all keys, by their texts; or NULL */
} OgKeyIndex;

/*
 * Which key a JSON string or number means, however it is spelled; -1 if none,
 * and for a value of any other kind.  Looks for interrupts.
 */
extern int	og_key_find(OgKeyIndex *index, OgSlice id);

#endif							/* OG_PROVIDER_KEYS_H */
