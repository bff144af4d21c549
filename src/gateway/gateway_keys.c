/*-------------------------------------------------------------------------
 *
 * gateway_keys.c
 *		The ids of a call: packed, and each different one kept once.
 *
 * A call may bring a million ids, so they cost their text and four bytes each.
 * Ids that come in ascending order, as out of an index or a sequence, cannot be
 * repeated; from the first on that does not, a hash table is needed while they
 * are gathered.  The map from positions to keys exists only when an id is
 * repeated.
 *
 * They go into requests in their order.  Where a provider may take several
 * keys for one, a request ends before the second of them.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "common/hashfn.h"
#include "miscadmin.h"
#include "utils/memutils.h"

#include "gateway/gateway_internal.h"

typedef struct KeyEntry
{
	int			key;			/* also what is looked up */
	uint32		hash;
	char		status;
} KeyEntry;

static uint32 hash_key(const OgKeys *keys, int key);
static bool same_key(const OgKeys *keys, int a, int b);

#define SH_PREFIX		keyhash
#define SH_ELEMENT_TYPE	KeyEntry
#define SH_KEY_TYPE		int
#define SH_KEY			key
#define SH_HASH_KEY(tb, key)	hash_key((const OgKeys *) (tb)->private_data, key)
#define SH_EQUAL(tb, a, b)	same_key((const OgKeys *) (tb)->private_data, a, b)
#define SH_STORE_HASH
#define SH_GET_HASH(tb, entry)	(entry)->hash
#define SH_SCOPE		static inline
#define SH_DECLARE
#define SH_DEFINE
#include "lib/simplehash.h"

static uint32
hash_key(const OgKeys *keys, int key)
{
	OgSlice		text = og_keys_get(keys, key);

	return hash_bytes((const unsigned char *) text.data, (int) text.len);
}

static bool
same_key(const OgKeys *keys, int a, int b)
{
	return og_slice_equal(og_keys_get(keys, a), og_keys_get(keys, b));
}

OgKeys *
og_keys_create(void)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext,
												  "order_gateway keys",
												  ALLOCSET_SMALL_SIZES);
	OgKeys	   *keys = MemoryContextAllocZero(context, sizeof(OgKeys));

	keys->context = context;
	return keys;
}

OgSlice
og_keys_get(const OgKeys *keys, int key)
{
	size_t		start = key == 0 ? 0 : keys->ends[key - 1];

	return og_slice(keys->text + start, keys->ends[key] - start);
}

/* Make room for one more element in an array of the call's context. */
static void *
grow(OgKeys *keys, void *array, int *size, int used, size_t width)
{
	if (used < *size)
		return array;
	*size = *size == 0 ? 64 : *size * 2;
	if (array == NULL)
		return MemoryContextAllocHuge(keys->context, *size * width);
	return repalloc_huge(array, *size * width);
}

/* Append the text of a new key behind the last one. */
static void
append_key(OgKeys *keys, OgSlice id)
{
	size_t		needed = keys->text_len + id.len;

	if (needed > PG_UINT32_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("the ids of one call are larger than 4 GB"),
				 errhint("Cancel in several calls.")));
	if (needed > keys->text_size || keys->text == NULL)
	{
		keys->text_size = Max(needed, Max(1024, keys->text_size * 2));
		keys->text = keys->text == NULL
			? MemoryContextAllocHuge(keys->context, keys->text_size)
			: repalloc_huge(keys->text, keys->text_size);
	}
	keys->ends = grow(keys, keys->ends, &keys->keys_size, keys->nkeys,
					  sizeof(uint32));
	memcpy(keys->text + keys->text_len, id.data, id.len);
	keys->text_len = needed;
	keys->ends[keys->nkeys++] = (uint32) needed;
}

/* From the first repeated id on, positions need a map. */
static void
start_map(OgKeys *keys)
{
	while (keys->key_of_size < keys->npositions || keys->key_of == NULL)
		keys->key_of = grow(keys, keys->key_of, &keys->key_of_size,
							keys->key_of_size, sizeof(int));
	for (int i = 0; i < keys->npositions; i++)
		keys->key_of[i] = i;
}

/* Is a text longer than the last key, or as long and behind it in order? */
static bool
ascends(const OgKeys *keys, OgSlice id)
{
	OgSlice		last;

	if (keys->nkeys == 0)
		return true;
	last = og_keys_get(keys, keys->nkeys - 1);
	if (id.len != last.len)
		return id.len > last.len;
	return memcmp(id.data, last.data, id.len) > 0;
}

/* From the first id on that is not in order, all must be looked up. */
static void
start_index(OgKeys *keys)
{
	bool		found;

	keys->index = keyhash_create(keys->context, keys->nkeys * 2, keys);
	for (int i = 0; i < keys->nkeys; i++)
	{
		if ((i & 0xffff) == 0)
			CHECK_FOR_INTERRUPTS();
		keyhash_insert(keys->index, i, &found);
	}
}

/* Keep an id unless it is there already.  Answers its key. */
static int
find_or_append(OgKeys *keys, OgSlice id)
{
	int			candidate = keys->nkeys;
	KeyEntry   *entry;
	bool		found;

	if (keys->index == NULL)
	{
		if (ascends(keys, id))
		{
			append_key(keys, id);
			return candidate;
		}
		start_index(keys);
	}

	/* The candidate must be readable to be looked up; undone if repeated. */
	append_key(keys, id);
	entry = keyhash_insert(keys->index, candidate, &found);
	if (found)
	{
		keys->nkeys--;
		keys->text_len -= id.len;
	}
	return entry->key;
}

bool
og_keys_add(OgKeys *keys, OgSlice id)
{
	int			known = keys->nkeys;
	int			key = find_or_append(keys, id);

	if (key < known && keys->key_of == NULL)
		start_map(keys);
	if (keys->key_of != NULL)
	{
		keys->key_of = grow(keys, keys->key_of, &keys->key_of_size,
							keys->npositions, sizeof(int));
		keys->key_of[keys->npositions] = key;
	}
	keys->npositions++;
	return key == known;
}

void
og_keys_finish(OgKeys *keys)
{
	if (keys->index != NULL)
		keyhash_destroy(keys->index);
	keys->index = NULL;
	if (keys->nkeys == 0)
		return;
	keys->text = repalloc_huge(keys->text, Max(keys->text_len, 1));
	keys->ends = repalloc_huge(keys->ends, keys->nkeys * sizeof(uint32));
}

/* ---------- requests ---------- */

int
og_keys_per_request(const OgAccount *account, const OgOperation *operation)
{
	int			size = account->batch_size;

	if (size == 0)
		size = operation->batch_default;
	return Min(size, operation->batch_max);
}

/* May a key stand in one request with others? */
static bool
is_unlike(uint64 likeness, const uint64 *others, int nothers)
{
	if (nothers == 0)
		return true;
	if (likeness == 0)
		return false;
	for (int i = 0; i < nothers; i++)
	{
		if (others[i] == likeness || others[i] == 0)
			return false;
	}
	return true;
}

/* Where requests begin whose keys are all unlike each other. */
static void
split_unlike(KeySplit *split, const OgKeys *keys,
			 uint64 (*likeness) (OgSlice key))
{
	uint64	   *others = palloc(split->size * sizeof(uint64));
	int			nothers = 0;
	int			room = split->nbatches + 1;

	split->firsts = MemoryContextAllocHuge(CurrentMemoryContext,
										   room * sizeof(int));
	split->nbatches = 0;
	for (int key = 0; key < keys->nkeys; key++)
	{
		uint64		like = likeness(og_keys_get(keys, key));

		CHECK_FOR_INTERRUPTS();
		if (nothers == split->size || !is_unlike(like, others, nothers))
			nothers = 0;
		if (nothers == 0)
		{
			if (split->nbatches == room)
			{
				room = Min(room * 2, keys->nkeys);
				split->firsts = repalloc_huge(split->firsts,
											  room * sizeof(int));
			}
			split->firsts[split->nbatches++] = key;
		}
		others[nothers++] = like;
	}
	pfree(others);
}

/* Split the keys of a call, in the current context. */
void
og_keys_split(KeySplit *split, const OgKeys *keys, const OgAccount *account,
			  const OgOperation *operation)
{
	split->nkeys = keys->nkeys;
	split->size = og_keys_per_request(account, operation);
	split->nbatches = keys->nkeys / split->size +
		(keys->nkeys % split->size != 0);
	split->firsts = NULL;
	if (operation->likeness != NULL && split->size > 1)
		split_unlike(split, keys, operation->likeness);
}

/* The first key of a batch; behind the last, the number of all keys. */
int
og_split_first(const KeySplit *split, int batch)
{
	if (batch >= split->nbatches)
		return split->nkeys;
	return split->firsts != NULL ? split->firsts[batch] : batch * split->size;
}

/* The batch that a key is in. */
int
og_split_batch(const KeySplit *split, int key)
{
	int			low = 0;
	int			high = split->nbatches;

	if (split->firsts == NULL)
		return key / split->size;
	while (high - low > 1)
	{
		int			middle = low + (high - low) / 2;

		if (split->firsts[middle] <= key)
			low = middle;
		else
			high = middle;
	}
	return low;
}
