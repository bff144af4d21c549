/*-------------------------------------------------------------------------
 *
 * gateway_held.c
 *		Records kept back, to be told newest first.
 *
 * A provider's order is not ours: which of some records are the newest shows
 * only when all of their time are there.  A record points into an answer that
 * goes, so it is copied.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/memutils.h"

#include "gateway/gateway_walk.h"

typedef struct Item
{
	int64		ms;
	int64		number;			/* as it came, from 0 */
	OgRecord	record;
} Item;

struct Held
{
	MemoryContext context;
	MemoryContext records;
	int			ncolumns;
	Item	   *items;
	int64		count;
	int64		size;
	int64		came;
};

Held *
og_held_begin(const OgColumn *columns)
{
	Held	   *held = palloc0(sizeof(Held));

	held->context = CurrentMemoryContext;
	held->records = AllocSetContextCreate(CurrentMemoryContext,
										  "order_gateway held records",
										  ALLOCSET_DEFAULT_SIZES);
	while (columns[held->ncolumns].name != NULL)
		held->ncolumns++;
	return held;
}

static OgSlice
copy_slice(OgSlice from)
{
	char	   *copy;

	if (from.data == NULL)
		return from;
	copy = palloc(Max(from.len, 1));
	memcpy(copy, from.data, from.len);
	return og_slice(copy, from.len);
}

/* Values of a record mostly are parts of it. */
static OgSlice
copy_value(OgSlice value, OgSlice raw, OgSlice copy)
{
	if (value.data == NULL || value.data < raw.data ||
		value.data + value.len > raw.data + raw.len)
		return copy_slice(value);
	return og_slice(copy.data + (value.data - raw.data), value.len);
}

static OgRecord
copy_record(const Held *held, const OgRecord *from)
{
	MemoryContext old = MemoryContextSwitchTo(held->records);
	OgSlice    *values = palloc(held->ncolumns * sizeof(OgSlice));
	OgRecord	record = {values, copy_slice(from->raw), from->key};

	for (int i = 0; i < held->ncolumns; i++)
		values[i] = copy_value(from->values[i], from->raw, record.raw);
	MemoryContextSwitchTo(old);
	return record;
}

static void
make_room(Held *held)
{
	if (held->count < held->size)
		return;
	held->size = Max(64, 2 * held->size);
	held->items = held->items == NULL
		? MemoryContextAllocHuge(held->context, held->size * sizeof(Item))
		: repalloc_huge(held->items, held->size * sizeof(Item));
}

void
og_held_add(Held *held, const int64 *ms, const OgRecord *record)
{
	make_room(held);
	held->items[held->count++] = (Item)
	{
		ms != NULL ? *ms : PG_INT64_MIN, held->came++, copy_record(held, record)
	};
}

int64
og_held_count(const Held *held)
{
	return held->count;
}

/* The newest first, and of one moment those first that came first. */
static int
compare_items(const void *a, const void *b)
{
	const Item *one = a;
	const Item *other = b;

	if (one->ms != other->ms)
		return one->ms > other->ms ? -1 : 1;
	return one->number < other->number ? -1 : 1;
}

static void
sort(Held *held)
{
	if (held->count > 1)
		qsort(held->items, held->count, sizeof(Item), compare_items);
}

/* No more than the newest so many are needed. */
void
og_held_prune(Held *held, int64 most)
{
	MemoryContext old_records = held->records;

	if (held->count <= most)
		return;
	sort(held);
	held->records = AllocSetContextCreate(held->context,
										  "order_gateway held records",
										  ALLOCSET_DEFAULT_SIZES);
	held->count = most;
	for (int64 i = 0; i < most; i++)
		held->items[i].record = copy_record(held, &held->items[i].record);
	MemoryContextDelete(old_records);
}

int64
og_held_release(Held *held, int64 most, const OgRead *read)
{
	int64		count = most < 0 ? held->count : Min(most, held->count);

	sort(held);
	for (int64 i = 0; i < count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		read->take(read->owner, &held->items[i].record);
	}
	held->count = 0;
	MemoryContextReset(held->records);
	return count;
}
