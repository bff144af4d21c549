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

#include "gateway/gateway.h"

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

/* Make room for so many elements in an array of the call's context. */
static void *
make_room(OgKeys *keys, void *array, size_t *size, size_t needed, size_t width)
{
	if (array != NULL && needed <= *size)
		return array;
	*size = Max(needed, Max(64, *size * 2));
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
	keys->text = make_room(keys, keys->text, &keys->text_size, needed, 1);
	keys->ends = make_room(keys, keys->ends, &keys->keys_size,
						   keys->nkeys + 1, sizeof(uint32));
	memcpy(keys->text + keys->text_len, id.data, id.len);
	keys->text_len = needed;
	keys->ends[keys->nkeys++] = (uint32) needed;
}

/* From the first repeated id on, positions need a map. */
static int *
map_of(OgKeys *keys)
{
	int			nmapped = keys->key_of != NULL ? keys->npositions : 0;

	keys->key_of = make_room(keys, keys->key_of, &keys->key_of_size,
							 keys->npositions + 1, sizeof(int));
	for (int i = nmapped; i < keys->npositions; i++)
		keys->key_of[i] = i;
	return keys->key_of;
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

	if (key < known || keys->key_of != NULL)
		map_of(keys)[keys->npositions] = key;
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

/* May a key stand in one request with others? */
static bool
is_unlike(uint64 likeness, const uint64 *others, int nothers)
{
	for (int i = 0; i < nothers; i++)
	{
		if (likeness == 0 || others[i] == likeness || others[i] == 0)
			return false;
	}
	return true;
}

int
og_keys_batch_end(const OgKeys *keys, const OgAccount *account,
				  const OgOperation *operation, int first)
{
	int			wanted = account->batch_size != 0 ? account->batch_size
		: operation->batch_default;
	int			most = Min(Min(wanted, operation->batch_max),
						   keys->nkeys - first);
	uint64		others[OG_MAX_BATCH];
	int			n = 0;

	if (operation->likeness == NULL || most == 1)
		return first + most;
	CHECK_FOR_INTERRUPTS();
	while (n < most)
	{
		others[n] = operation->likeness(og_keys_get(keys, first + n));
		if (!is_unlike(others[n], others, n))
			break;
		n++;
	}
	return first + n;
}

OgSlice *
og_keys_batch(OgBatch *batch, const OgKeys *keys, int first, int end,
			  const OgFields *arguments)
{
	OgSlice    *texts = palloc((end - first) * sizeof(OgSlice));

	for (int i = first; i < end; i++)
		texts[i - first] = og_keys_get(keys, i);
	batch->arguments = keys->arguments ? &keys->arguments[first] : arguments;
	batch->keys = texts;
	batch->nkeys = end - first;
	return texts;
}
