/*-------------------------------------------------------------------------
 *
 * gateway_index.c
 *		Which of the keys of a request is an answer about?
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"

#include "gateway/gateway_index.h"
#include "ground/json.h"

static int
compare_keys(const void *a, const void *b, void *keys)
{
	const OgSlice *of = keys;

	return og_slice_compare(of[*(const int *) a], of[*(const int *) b]);
}

static void
sort_keys(KeyIndex *index)
{
	index->order = palloc(index->nkeys * sizeof(int));
	for (int i = 0; i < index->nkeys; i++)
		index->order[i] = i;
	qsort_arg(index->order, index->nkeys, sizeof(int), compare_keys,
			  (void *) index->keys);
}

/* Find a key by a bisection. */
static int
search(KeyIndex *index, OgSlice id)
{
	int			low = 0;
	int			high = index->nkeys;

	if (index->order == NULL)
		sort_keys(index);
	while (low < high)
	{
		int			middle = low + (high - low) / 2;
		int			key = index->order[middle];
		int			order = og_json_compare(id, index->keys[key]);

		if (order == 0)
			return key;
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return -1;
}

/* Answers mostly come in the order of the question: try the next key first. */
int
og_index_find(KeyIndex *index, OgSlice id)
{
	OgJsonKind	kind = og_json_kind(id);
	int			key = -1;

	CHECK_FOR_INTERRUPTS();
	if ((kind != OG_JSON_STRING && kind != OG_JSON_NUMBER) ||
		index->nkeys == 0)
		return -1;
	if (index->next < index->nkeys &&
		og_json_compare(id, index->keys[index->next]) == 0)
		key = index->next;
	else
		key = search(index, id);
	if (key >= 0)
		index->next = key + 1;
	return key;
}
