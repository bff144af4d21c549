/*-------------------------------------------------------------------------
 *
 * worker_outbox.c
 *		Calls that were submitted and are not begun: which one is next.
 *
 * Entries are numbered; two kinds of heaps, and a hash table, hold their
 * numbers.  One heap has all entries by the time at which something has to be
 * done with them: let them in line, or end them unsent.  Each line has one of
 * those that may begin, by the number of the call.
 *
 * Entry 0 is nobody's: it holds the number of a call that is looked for.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "common/hashfn.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "worker/worker_outbox.h"

typedef struct Entry
{
	int64		call_id;		/* of a free one: the next free one */
	TimestampTz expires_at;		/* DT_NOBEGIN = withdrawn */
	union
	{
		TimestampTz not_before; /* of one that does not stand in its line yet */
		struct
		{
			uint32		since;	/* the same in seconds ... */
			uint32		place;	/* ... and where in the line */
		}			queue;
	}			is;
	uint32		in_time;		/* place in the heap of times; of a late one: the
								 * next late one */
	uint32		line:29;		/* number of its line */
	uint32		stands:1;		/* it stands there */
	uint32		is_late:1;		/* it is to end unsent */
	uint32		is_new:1;
} Entry;

#define MAX_ENTRIES	((uint32) 1 << 30)

/* So many get in line, or are late, at once. */
#define MOST_ADVANCED	20000

/* With fewer entries than that, memory is not given back. */
#define FEW_ENTRIES	16384

/* A place in the hash table; named as simplehash.h wants it. */
typedef struct Place
{
	uint32		number:31;
	uint32		status:1;
} Place;

static uint32 hash_entry(uint32 number);
static bool same_call(uint32 a, uint32 b);

#define SH_PREFIX		places
#define SH_ELEMENT_TYPE	Place
#define SH_KEY_TYPE		uint32
#define SH_KEY			number
#define SH_HASH_KEY(tb, key)	hash_entry(key)
#define SH_EQUAL(tb, a, b)	same_call(a, b)
#define SH_SCOPE		static inline
#define SH_DECLARE
#define SH_DEFINE
#include "lib/simplehash.h"

static struct
{
	MemoryContext context;
	HTAB	   *lines;
	Line	  **numbered;		/* by their numbers; NULL = a free one */
	uint32		nnumbered;
	HTAB	   *targets;
	dlist_head	waiting;		/* lines in which somebody stands */
	MemoryContext bulk;			/* of what grows with the number of entries */
	Entry	   *entries;
	uint32		count;
	uint32		used;			/* numbers that have been given out */
	uint32		size;
	uint32		free;			/* the first free one below, 0 = none */
	Heap		times;			/* of all but late ones */
	uint32		first_late;		/* 0 = there is none */
	uint32		last_late;
	places_hash *places;
}			outbox;

static uint32
hash_entry(uint32 number)
{
	uint64		call_id = (uint64) outbox.entries[number].call_id;

	return hash_combine(murmurhash32((uint32) call_id), (uint32) (call_id >> 32));
}

static bool
same_call(uint32 a, uint32 b)
{
	return outbox.entries[a].call_id == outbox.entries[b].call_id;
}

/* ---------- heaps ---------- */

/* When something has to be done with an entry. */
static TimestampTz
due_time(const Entry *entry)
{
	return entry->stands ? entry->expires_at
		: Min(entry->is.not_before, entry->expires_at);
}

static bool
comes_before(const Heap *heap, uint32 a, uint32 b)
{
	const Entry *first = &outbox.entries[a];
	const Entry *second = &outbox.entries[b];

	return heap->by_time ? due_time(first) < due_time(second)
		: first->call_id < second->call_id;
}

static void
put_at(Heap *heap, uint32 place, uint32 number)
{
	heap->items[place] = number;
	if (heap->by_time)
		outbox.entries[number].in_time = place;
	else
		outbox.entries[number].is.queue.place = place;
}

/* Put an entry at a place, or where it belongs above or below that. */
static void
sift(Heap *heap, uint32 place, uint32 number)
{
	while (place > 0 && comes_before(heap, number, heap->items[(place - 1) / 2]))
	{
		put_at(heap, place, heap->items[(place - 1) / 2]);
		place = (place - 1) / 2;
	}
	for (;;)
	{
		uint32		child = 2 * place + 1;

		if (child + 1 < heap->count &&
			comes_before(heap, heap->items[child + 1], heap->items[child]))
			child++;
		if (child >= heap->count ||
			!comes_before(heap, heap->items[child], number))
			break;
		put_at(heap, place, heap->items[child]);
		place = child;
	}
	put_at(heap, place, number);
}

/* Room for one more; nothing changes where there is no memory. */
static void
heap_reserve(Heap *heap)
{
	uint32		size = Max(heap->size * 2, 16);

	if (heap->count < heap->size)
		return;
	heap->items = heap->items == NULL
		? MemoryContextAllocHuge(outbox.bulk, size * sizeof(uint32))
		: repalloc_huge(heap->items, size * sizeof(uint32));
	heap->size = size;
}

static void
heap_add(Heap *heap, uint32 number)
{
	heap->count++;
	sift(heap, heap->count - 1, number);
}

static void
heap_remove(Heap *heap, uint32 place)
{
	uint32		last = heap->items[--heap->count];

	if (place < heap->count)
		sift(heap, place, last);
}

/* ---------- lines ---------- */

static void *
find_or_make(HTAB *table, const void *key, Size keysize, Size size)
{
	bool		found;
	char	   *entry = hash_search(table, key, HASH_ENTER, &found);

	if (!found)
		memset(entry + keysize, 0, size - keysize);
	return entry;
}

static Line *
line_at(dlist_node *node)
{
	/* The macro only takes the type of a member of that NULL. */
	/* cppcheck-suppress nullPointer */
	return dlist_container(Line, node, node);
}

static Line *
line_of(const Entry *entry)
{
	return outbox.numbered[entry->line];
}

/* Give a new line a number. */
static void
number_line(Line *line)
{
	uint32		number = 0;

	while (number < outbox.nnumbered && outbox.numbered[number] != NULL)
		number++;
	if (number == outbox.nnumbered)
	{
		uint32		count = 2 * outbox.nnumbered;

		outbox.numbered = repalloc(outbox.numbered, count * sizeof(Line *));
		memset(outbox.numbered + outbox.nnumbered, 0,
			   outbox.nnumbered * sizeof(Line *));
		outbox.nnumbered = count;
	}
	outbox.numbered[number] = line;
	line->number = number;
}

static Line *
find_line(Oid serverid, Oid roleid)
{
	Oid			key[2] = {serverid, roleid};
	Target	   *target = find_or_make(outbox.targets, &serverid, sizeof(Oid),
									  sizeof(Target));
	Line	   *line = find_or_make(outbox.lines, key, sizeof(key),
									sizeof(Line));

	if (line->target == NULL)
		number_line(line);
	line->target = target;
	return line;
}

/* Forget a line that nobody is in. */
static void
drop_if_empty(Line *line)
{
	Oid			key[2] = {line->serverid, line->roleid};

	if (line->nqueued > 0 || line->nmade > 0 || line->nserved > 0)
		return;
	if (line->queue.items != NULL)
		pfree(line->queue.items);
	outbox.numbered[line->number] = NULL;
	(void) hash_search(outbox.lines, key, HASH_REMOVE, NULL);
}

/* An entry may begin. */
static void
stand_in_line(uint32 number)
{
	Entry	   *entry = &outbox.entries[number];
	Line	   *line = line_of(entry);

	heap_reserve(&line->queue);
	if (line->queue.count == 0)
		dlist_push_tail(&outbox.waiting, &line->node);
	entry->stands = true;
	entry->is.queue.since = (uint32) (Max(entry->is.not_before, 0) /
									  USECS_PER_SEC);
	heap_add(&line->queue, number);
}

static void
leave_queue(Entry *entry)
{
	Line	   *line = line_of(entry);

	if (!entry->stands)
		return;
	heap_remove(&line->queue, entry->is.queue.place);
	entry->stands = false;
	entry->is.not_before = (TimestampTz) entry->is.queue.since * USECS_PER_SEC;
	if (line->queue.count == 0)
		dlist_delete(&line->node);
}

/* ---------- entries ---------- */

/* What grows with the number of entries, of which there are none. */
static void
open_bulk(void)
{
	outbox.bulk = AllocSetContextCreate(outbox.context,
										"order_gateway outbox entries",
										ALLOCSET_DEFAULT_SIZES);
	outbox.size = 64;
	outbox.entries = MemoryContextAllocHuge(outbox.bulk,
											outbox.size * sizeof(Entry));
	outbox.used = 1;
	outbox.free = 0;
	outbox.times = (Heap) {.by_time = true};
	outbox.first_late = outbox.last_late = 0;
	outbox.places = places_create(outbox.bulk, outbox.size, NULL);
}

void
og_outbox_open(MemoryContext parent)
{
	HASHCTL		lines = {.keysize = 2 * sizeof(Oid), .entrysize = sizeof(Line)};
	HASHCTL		targets = {.keysize = sizeof(Oid), .entrysize = sizeof(Target)};

	memset(&outbox, 0, sizeof(outbox));
	outbox.context = AllocSetContextCreate(parent, "order_gateway outbox",
										   ALLOCSET_DEFAULT_SIZES);
	lines.hcxt = targets.hcxt = outbox.context;
	outbox.lines = hash_create("order_gateway lines", 64, &lines,
							   HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	outbox.targets = hash_create("order_gateway targets", 16, &targets,
								 HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	dlist_init(&outbox.waiting);
	outbox.nnumbered = 16;
	outbox.numbered = MemoryContextAllocZero(outbox.context,
											 outbox.nnumbered * sizeof(Line *));
	open_bulk();
}

static uint32
take_number(void)
{
	uint32		number = outbox.free;

	if (number != 0)
	{
		outbox.free = (uint32) outbox.entries[number].call_id;
		return number;
	}
	if (outbox.used >= MAX_ENTRIES)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("more than %u calls are queued", MAX_ENTRIES)));
	if (outbox.used == outbox.size)
	{
		outbox.entries = repalloc_huge(outbox.entries,
									   2 * (Size) outbox.size * sizeof(Entry));
		outbox.size *= 2;
	}
	return outbox.used++;
}

/* The entry of a call, 0 = there is none. */
static uint32
find_entry(int64 call_id)
{
	const Place *place;

	outbox.entries[0].call_id = call_id;
	place = places_lookup(outbox.places, 0);
	return place != NULL ? place->number : 0;
}

void
og_outbox_add(const Queued *call, Oid serverid, Oid roleid)
{
	bool		found;
	uint32		number;
	Line	   *line;
	Entry	   *entry;

	if (find_entry(call->call_id) != 0)
		return;
	line = find_line(serverid, roleid);
	heap_reserve(&outbox.times);
	number = take_number();
	entry = &outbox.entries[number];
	memset(entry, 0, sizeof(Entry));
	entry->call_id = call->call_id;
	entry->is.not_before = call->not_before;
	entry->expires_at = call->expires_at;
	entry->line = line->number;
	entry->is_new = call->is_new;
	(void) places_insert(outbox.places, number, &found);

	/* From here on nothing can fail. */
	line->nqueued++;
	heap_add(&outbox.times, number);
	outbox.count++;
}

/*
 * It ends unsent.  Late ones are kept apart, lest others whose time comes wait
 * until all of them have ended.
 */
static void
make_late(uint32 number)
{
	Entry	   *entry = &outbox.entries[number];

	leave_queue(entry);
	heap_remove(&outbox.times, entry->in_time);
	entry->is_late = true;
	entry->in_time = 0;
	if (outbox.last_late != 0)
		outbox.entries[outbox.last_late].in_time = number;
	else
		outbox.first_late = number;
	outbox.last_late = number;
}

/* Take an entry out of all. */
static void
take_entry(uint32 number, Queued *call)
{
	Entry	   *entry = &outbox.entries[number];

	leave_queue(entry);
	if (!entry->is_late)
		heap_remove(&outbox.times, entry->in_time);
	(void) places_delete(outbox.places, number);
	call->call_id = entry->call_id;
	call->line = line_of(entry);
	call->not_before = entry->is.not_before;
	call->expires_at = entry->expires_at;
	call->is_new = entry->is_new;
	call->withdrawn = entry->expires_at == DT_NOBEGIN;
	call->expired = false;
	call->line->nqueued--;
	call->line->nmade++;
	entry->call_id = outbox.free;
	outbox.free = number;
	if (--outbox.count == 0 && outbox.used > FEW_ENTRIES)
	{
		HASH_SEQ_STATUS each;
		Line	   *line;

		hash_seq_init(&each, outbox.lines);
		while ((line = hash_seq_search(&each)) != NULL)
			line->queue = (Heap) {0};
		MemoryContextDelete(outbox.bulk);
		open_bulk();
	}
}

void
og_outbox_leave(Line *line)
{
	line->nmade--;
	drop_if_empty(line);
}

Line *
og_outbox_pass(Oid serverid, Oid roleid)
{
	Line	   *line = find_line(serverid, roleid);

	line->nserved++;
	return line;
}

void
og_outbox_passed(Line *line)
{
	line->nserved--;
	drop_if_empty(line);
}

bool
og_outbox_withdraw(int64 call_id)
{
	uint32		number = find_entry(call_id);

	if (number == 0)
		return false;
	outbox.entries[number].expires_at = DT_NOBEGIN;
	if (!outbox.entries[number].is_late)
		make_late(number);
	return true;
}

/* ---------- who is next ---------- */

bool
og_outbox_take_late(Queued *call)
{
	uint32		number = outbox.first_late;

	if (number == 0)
		return false;
	outbox.first_late = outbox.entries[number].in_time;
	if (outbox.first_late == 0)
		outbox.last_late = 0;
	take_entry(number, call);
	call->expired = !call->withdrawn;
	return true;
}

TimestampTz
og_outbox_advance(TimestampTz now)
{
	TimestampTz next = DT_NOEND;

	for (int i = 0; outbox.times.count > 0 && i < MOST_ADVANCED; i++)
	{
		uint32		number = outbox.times.items[0];
		Entry	   *entry = &outbox.entries[number];

		next = due_time(entry);
		if (next > now)
			break;
		if (entry->expires_at <= now)
			make_late(number);
		else
		{
			stand_in_line(number);
			sift(&outbox.times, entry->in_time, number);
		}
		next = outbox.times.count > 0 ? now : DT_NOEND;
	}
	return outbox.first_late != 0 ? now : next;
}

bool
og_outbox_take(bool (*may_begin) (void *arg, const Line *line, int64 call_id),
			   void *arg, Queued *call)
{
	dlist_iter	iter;

	dlist_foreach(iter, &outbox.waiting)
	{
		Line	   *line = line_at(iter.cur);

		if (!may_begin(arg, line,
					   outbox.entries[line->queue.items[0]].call_id))
			continue;
		dlist_delete(&line->node);
		dlist_push_tail(&outbox.waiting, &line->node);
		take_entry(line->queue.items[0], call);
		return true;
	}
	return false;
}

/* ---------- what there is ---------- */

int64
og_outbox_count(void)
{
	return outbox.count;
}

TimestampTz
og_outbox_waits_since(void)
{
	TimestampTz since = 0;
	dlist_iter	iter;

	dlist_foreach(iter, &outbox.waiting)
	{
		const Line *line = line_at(iter.cur);
		const Entry *entry = &outbox.entries[line->queue.items[0]];
		TimestampTz first = (TimestampTz) entry->is.queue.since * USECS_PER_SEC;

		if (since == 0 || first < since)
			since = first;
	}
	return since;
}

void
og_outbox_lines(void (*visit) (Line *line, void *arg), void *arg)
{
	HASH_SEQ_STATUS each;
	Line	   *line;

	hash_seq_init(&each, outbox.lines);
	while ((line = hash_seq_search(&each)) != NULL)
		visit(line, arg);
}
