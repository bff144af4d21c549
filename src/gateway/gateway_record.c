/*-------------------------------------------------------------------------
 *
 * gateway_record.c
 *		Which records of a read are handed on, and when.
 *
 * Whoever asks for an order, or for a market, must not be told of another one
 * under its name, however a provider comes to answer with it.  What each
 * argument promises of the records is said in the provider's table; here it is
 * kept.
 *
 * A provider's order is not ours: which of some records are the newest shows
 * only when all of their time are there.  Until then they are held, as copies,
 * since a record points into an answer that goes.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/memutils.h"

#include "gateway/gateway_walk.h"

/* Keep more than twice what is wanted, and this, and sort out the rest. */
#define KEPT_BESIDES	1000

/* The most demands of one operation. */
#define MAX_DEMANDS	8

typedef struct Applied
{
	const OgParameter *demand;
	int			column;
	OgSlice		wanted;
} Applied;

struct Asked
{
	Applied		applied[MAX_DEMANDS];
	int			count;
	int			side;			/* column, or -1 */
};

/* Does it apply to these arguments? */
static bool
applies(const OgParameter *demand, const OgFields *arguments)
{
	const char *flag = demand->only_if == NULL ? "true"
		: og_fields_get(arguments, demand->only_if);

	return demand->column != NULL &&
		og_fields_get(arguments, demand->argument) != NULL &&
		(demand->unless == NULL ||
		 og_fields_get(arguments, demand->unless) == NULL) &&
		flag != NULL && strcmp(flag, "true") == 0;
}

Asked *
og_asked_begin(const OgOperation *operation, const OgFields *arguments)
{
	Asked	   *asked = palloc0(sizeof(Asked));

	for (const OgParameter *demand = operation->parameters;
		 demand != NULL && demand->name != NULL; demand++)
	{
		if (!applies(demand, arguments))
			continue;
		Assert(asked->count < MAX_DEMANDS);
		asked->applied[asked->count++] = (Applied)
		{
			demand, og_column(operation->columns, demand->column),
				og_slice_of(og_fields_get(arguments, demand->argument))
		};
	}
	asked->side = operation->columns == NULL ? -1
		: og_column(operation->columns, "side");
	return asked;
}

static bool
is_at_most(OgSlice value, OgSlice most)
{
	int64		number;

	return !og_json_integer(value, &number) ||
		number <= strtoll(most.data, NULL, 10);
}

/*
 * A record without an id is about no order at all.  What is no word says
 * nothing of a market, as where a provider's records have no field for it.
 */
static bool
meets(OgSlice value, const Applied *applied)
{
	switch (applied->demand->sameness)
	{
		case OG_SAME_ID:
			return og_names(value, applied->wanted);
		case OG_SAME_WORD:
			return og_json_kind(value) != OG_JSON_STRING ||
				!og_is_id(value) ||
				og_says_in_any_case(value, applied->wanted);
		case OG_AT_MOST:
			return is_at_most(value, applied->wanted);
	}
	return false;
}

bool
og_asked_for(const Asked *asked, const OgSlice *values)
{
	for (int i = 0; i < asked->count; i++)
	{
		const Applied *applied = &asked->applied[i];

		if (applied->demand->side != NULL &&
			!og_says(values[asked->side], applied->demand->side))
			continue;
		if (!meets(values[applied->column], applied))
			return false;
	}
	return true;
}

/* ---------- records that are held ---------- */

typedef struct Item
{
	int64		ms;
	int64		number;			/* of one moment, in the order as they came */
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

/* Values of a record mostly are parts of it. */
static OgSlice
copy_value(OgSlice value, OgSlice raw, OgSlice copy)
{
	if (value.data == NULL || value.data < raw.data ||
		value.data + value.len > raw.data + raw.len)
		return og_slice_copy(value);
	return og_slice(copy.data + (value.data - raw.data), value.len);
}

static OgRecord
copy_record(const Held *held, const OgRecord *from)
{
	MemoryContext old = MemoryContextSwitchTo(held->records);
	OgSlice    *values = palloc(held->ncolumns * sizeof(OgSlice));
	OgRecord	record = {values, og_slice_copy(from->raw), from->key};

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
static void
prune(Held *held, int64 most)
{
	MemoryContext old_records = held->records;

	sort(held);
	held->records = AllocSetContextCreate(held->context,
										  "order_gateway held records",
										  ALLOCSET_DEFAULT_SIZES);
	held->count = most;
	for (int64 i = 0; i < most; i++)
	{
		held->items[i].number = i;
		held->items[i].record = copy_record(held, &held->items[i].record);
	}
	MemoryContextDelete(old_records);
}

void
og_held_add(Held *held, const int64 *ms, const OgRecord *record, int64 most)
{
	make_room(held);
	held->items[held->count] = (Item)
	{
		ms != NULL ? *ms : PG_INT64_MIN, held->count, copy_record(held, record)
	};
	if (++held->count > 2 * most + KEPT_BESIDES && most >= 0)
		prune(held, most);
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
