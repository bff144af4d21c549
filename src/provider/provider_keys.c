/*-------------------------------------------------------------------------
 *
 * provider_keys.c
 *		Which key of a batch an answer means.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"

#include "provider/provider_keys.h"

static int
compare_keys(const void *a, const void *b, void *keys)
{
	const OgSlice *texts = keys;

	return og_slice_compare(texts[*(const int *) a], texts[*(const int *) b]);
}

static int
compare_id(const void *id, const void *key, void *keys)
{
	const OgSlice *texts = keys;

	return og_json_compare(*(const OgSlice *) id, texts[*(const int *) key]);
}

static int *
sort_keys(const OgBatch *batch)
{
	int		   *sorted = palloc(batch->nkeys * sizeof(int));

	for (int i = 0; i < batch->nkeys; i++)
		sorted[i] = i;
	qsort_arg(sorted, batch->nkeys, sizeof(int), compare_keys,
			  (void *) batch->keys);
	return sorted;
}

/* Answers mostly come in the order of the question: try the next key first. */
int
og_key_find(OgKeyIndex *index, OgSlice id)
{
	const OgBatch *batch = index->batch;
	OgJsonKind	kind = og_json_kind(id);
	const int  *found;

	CHECK_FOR_INTERRUPTS();
	if (batch->nkeys == 0 ||
		(kind != OG_JSON_STRING && kind != OG_JSON_NUMBER))
		return -1;
	if (index->next < batch->nkeys &&
		og_json_compare(id, batch->keys[index->next]) == 0)
		return index->next++;

	if (index->sorted == NULL)
		index->sorted = sort_keys(batch);
	found = bsearch_arg(&id, index->sorted, batch->nkeys, sizeof(int),
						compare_id, (void *) batch->keys);
	if (found == NULL)
		return -1;
	index->next = *found + 1;
	return *found;
}
