/*-------------------------------------------------------------------------
 *
 * stream_merge.c
 *		Trades that were read: are they the ones that the stream tells?
 *
 * That the number of a trade is the same in both is documented nowhere.  So what
 * was read is taken only if it holds trades that have come by the stream: all of
 * those within the time that it tells of, and one at least.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "common/hashfn.h"
#include "utils/memutils.h"

#include "stream/stream_append.h"

/* Trades that are remembered, and the most that one read may tell. */
#define REMEMBERED	256
#define MOST_READ	50000

typedef struct Trade
{
	uint64		id;				/* its hash */
	int64		ms;
} Trade;

typedef struct Read
{
	Trade		trade;
	OgSlice    *values;
	OgSlice		raw;
} Read;

typedef struct Merge
{
	/* A ring of those that came last. */
	Trade		came[REMEMBERED];
	uint64		ncame;

	/* What was read. */
	MemoryContext context;
	Read	   *reads;
	int			nreads;
	int			size;
	int			nadded;			/* of those, to the queue */
	bool		too_many;
} Merge;

static Merge *
merge_of(Appending *append)
{
	if (append->merge == NULL)
		append->merge = MemoryContextAllocZero(append->context,
											   sizeof(Merge));
	return append->merge;
}

/* False if it has no time. */
static bool
know_trade(Trade *trade, const OgSlice *values)
{
	const OgColumn *shape = og_append_shape(OG_STREAM_TRADES);
	OgStreamIdentity identity;

	og_btse_stream_identify(OG_STREAM_TRADES, values, &identity);
	trade->id = hash_bytes_extended((const unsigned char *) identity.id,
									(int) strlen(identity.id), 0);
	return og_time_ms(OG_TIME_MS, values[og_column(shape, "event_time")],
					  &trade->ms);
}

void
og_merge_note(Appending *append, const OgSlice *values)
{
	Merge	   *merge = merge_of(append);
	Trade		trade;

	if (know_trade(&trade, values))
		merge->came[merge->ncame++ % REMEMBERED] = trade;
}

/* ---------- what is read ---------- */

void
og_merge_begin(Appending *append)
{
	Merge	   *merge = merge_of(append);

	og_merge_end(append);
	merge->context = AllocSetContextCreate(append->context,
										   "order_gateway trades",
										   ALLOCSET_DEFAULT_SIZES);
	merge->nreads = merge->nadded = 0;
	merge->size = 256;
	merge->too_many = false;
	merge->reads = MemoryContextAlloc(merge->context,
									  merge->size * sizeof(Read));
}

void
og_merge_end(Appending *append)
{
	Merge	   *merge = merge_of(append);

	if (merge->context != NULL)
		MemoryContextDelete(merge->context);
	merge->context = NULL;
}

static OgSlice
copy_slice(OgSlice slice, OgSlice raw, OgSlice raw_copy)
{
	if (slice.data >= raw.data && slice.data + slice.len <= raw.data + raw.len)
		return og_slice(raw_copy.data + (slice.data - raw.data), slice.len);
	return og_slice_copy(slice);
}

void
og_merge_take(Appending *append, const OgSlice *values, OgSlice raw)
{
	Merge	   *merge = merge_of(append);
	const OgColumn *shape = og_append_shape(OG_STREAM_TRADES);
	MemoryContext old;
	Read	   *read;
	int			count = 0;

	merge->too_many |= merge->nreads == MOST_READ;
	if (merge->too_many)
		return;
	old = MemoryContextSwitchTo(merge->context);
	if (merge->nreads == merge->size)
	{
		merge->size *= 2;
		merge->reads = repalloc(merge->reads, merge->size * sizeof(Read));
	}
	read = &merge->reads[merge->nreads];
	if (know_trade(&read->trade, values))
	{
		while (shape[count].name != NULL)
			count++;
		read->raw = og_slice_copy(raw);
		read->values = palloc(count * sizeof(OgSlice));
		for (int i = 0; i < count; i++)
			read->values[i] = copy_slice(values[i], raw, read->raw);
		merge->nreads++;
	}
	MemoryContextSwitchTo(old);
}

/* ---------- are they the same? ---------- */

static int
compare_ids(const void *a, const void *b)
{
	uint64		x = ((const Read *) a)->trade.id;
	uint64		y = ((const Read *) b)->trade.id;

	return x < y ? -1 : x > y;
}

/*
 * Those that came while the read goes only as far as another one, or from before
 * its first, say nothing.
 */
bool
og_merge_matches(const Appending *append)
{
	const Merge *merge = append->merge;
	int64		first_ms = PG_INT64_MAX;
	int64		last_ms = 0;
	int			nfound = 0;

	if (merge == NULL || merge->too_many || merge->nreads == 0)
		return false;
	for (int i = 0; i < merge->nreads; i++)
	{
		first_ms = Min(first_ms, merge->reads[i].trade.ms);
		last_ms = Max(last_ms, merge->reads[i].trade.ms);
	}
	qsort(merge->reads, merge->nreads, sizeof(Read), compare_ids);
	for (int i = 0; i < Min(merge->ncame, REMEMBERED); i++)
	{
		Read		key = {merge->came[i]};

		if (bsearch(&key, merge->reads, merge->nreads, sizeof(Read),
					compare_ids) != NULL)
			nfound++;
		else if (key.trade.ms > first_ms && key.trade.ms < last_ms)
			return false;
	}
	return nfound > 0;
}

bool
og_merge_add(Appending *append)
{
	Merge	   *merge = append->merge;

	while (merge->nadded < merge->nreads && !og_queue_is_long(append))
	{
		const Read *read = &merge->reads[merge->nadded++];

		(void) og_queue_add(append, read->values, read->raw, true);
	}
	return merge->nadded == merge->nreads;
}
