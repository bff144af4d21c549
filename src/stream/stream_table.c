/*-------------------------------------------------------------------------
 *
 * stream_table.c
 *		Books and best prices, written.
 *
 * Each has one row, which is replaced by what is known when it is written: what was
 * between does not matter.  The tables are not logged, and their rows' versions go
 * as soon as nobody can see them any more; where somebody can for long, all that
 * is written becomes dead weight.  Above a bound books are written seldom then,
 * and their age tells.
 *
 * Where a row was written last is remembered, so that it need not be looked for.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/transam.h"
#include "access/xact.h"
#include "catalog/indexing.h"
#include "catalog/pg_type.h"
#include "storage/bufmgr.h"
#include "storage/procarray.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/timestamp.h"

#include "ground/clock.h"
#include "ground/numeric.h"
#include "stream/stream_internal.h"
#include "worker/worker_table.h"

/* As much may be dead before books are written only each so often. */
#define MOST_DEAD		(INT64CONST(64) * 1024 * 1024)
#define SELDOM_US		(10 * USECS_PER_SEC)

static struct
{
	int64		dead;			/* bytes since .horizon, or a little more */
	TransactionId horizon;		/* what ended before is gone when all see it */
	int64		next_write;		/* while there is too much of it */
}			weight;

/* Which files the rows of each table are in: places in others mean nothing. */
static Oid files[2];

/* A table that rows are written to. */
typedef struct Target
{
	OgTable		table;
	OgTable		key;
	int			nkeys;
	Relation	rel;
	CatalogIndexState indexes;
} Target;

/* ---------- values ---------- */

static Datum
numbers(const OgStreamLevel *levels, int count, bool sizes)
{
	Datum		values[OG_STREAM_DEPTH];

	for (int i = 0; i < count; i++)
		values[i] = og_decimal_numeric(sizes ? &levels[i].size
									   : &levels[i].price);
	return PointerGetDatum(construct_array(values, count, NUMERICOID, -1, false,
										   TYPALIGN_INT));
}

static TimestampTz
time_of(int64 unix_ms)
{
	return unix_ms == 0 ? 0 : unix_ms * 1000 -
		(POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * USECS_PER_DAY;
}

static void
set_key(const Topic *topic, Datum *values)
{
	values[STREAM_BOOK_INSTALLATION] =
		UUIDPGetDatum(&og_stream_loop.installation);
	values[STREAM_BOOK_SERVER_ID] =
		ObjectIdGetDatum(topic->connection->serverid);
	values[STREAM_BOOK_SYMBOL] = CStringGetTextDatum(topic->symbol);
}

static void
set_book(const Topic *topic, Datum *values, bool *nulls)
{
	const OgStreamLevel *levels;
	int			count;

	set_key(topic, values);
	values[STREAM_BOOK_BOOK_GROUPING] = Int32GetDatum(topic->grouping);
	values[STREAM_BOOK_SEQ] = Int64GetDatum(og_book_seq(topic->book));
	values[STREAM_BOOK_EVENT_TIME] =
		og_time_or_null(time_of(og_book_event_ms(topic->book)),
						&nulls[STREAM_BOOK_EVENT_TIME]);
	values[STREAM_BOOK_RECEIVED_AT] = TimestampTzGetDatum(topic->received_at);
	count = og_book_levels(topic->book, OG_BOOK_BIDS, &levels);
	values[STREAM_BOOK_BID_PRICES] = numbers(levels, count, false);
	values[STREAM_BOOK_BID_SIZES] = numbers(levels, count, true);
	count = og_book_levels(topic->book, OG_BOOK_ASKS, &levels);
	values[STREAM_BOOK_ASK_PRICES] = numbers(levels, count, false);
	values[STREAM_BOOK_ASK_SIZES] = numbers(levels, count, true);
}

static void
set_best(const Topic *topic, Datum *values, bool *nulls)
{
	set_key(topic, values);
	for (int i = 0; i < OG_BOOK_SIDES; i++)
	{
		int			column = STREAM_L1_BID_PRICE + 2 * i;

		nulls[column] = nulls[column + 1] = !topic->has_best[i];
		if (!topic->has_best[i])
			continue;
		values[column] = og_decimal_numeric(&topic->best[i].price);
		values[column + 1] = og_decimal_numeric(&topic->best[i].size);
	}
	values[STREAM_L1_EVENT_TIME] =
		og_time_or_null(time_of(topic->event_ms), &nulls[STREAM_L1_EVENT_TIME]);
	values[STREAM_L1_RECEIVED_AT] = TimestampTzGetDatum(topic->received_at);
}

/* ---------- rows ---------- */

static bool
is_of(const Target *target, const Topic *topic)
{
	return (topic->kind == OG_STREAM_BOOK) ==
		(target->table == OG_STREAM_BOOK_TABLE);
}

static bool
take_place(void *owner, const OgTableRow *row)
{
	*(ItemPointerData *) owner = *row->at;
	return false;
}

/* Where the row of a topic is; invalid: there is none yet. */
static void
find_place(const Target *target, Topic *topic)
{
	ScanKeyData keys[4];

	og_table_installation_key(&keys[0], &og_stream_loop.installation);
	ScanKeyInit(&keys[1], STREAM_BOOK_SERVER_ID + 1, BTEqualStrategyNumber,
				F_OIDEQ, ObjectIdGetDatum(topic->connection->serverid));
	og_table_text_key(&keys[2], STREAM_BOOK_SYMBOL,
					  CStringGetTextDatum(topic->symbol));
	ScanKeyInit(&keys[3], STREAM_BOOK_BOOK_GROUPING + 1, BTEqualStrategyNumber,
				F_INT4EQ, Int32GetDatum(topic->grouping));
	og_table_scan(target->table, target->key, NULL, keys, target->nkeys,
				  take_place, &topic->place);
}

static HeapTuple
form_row(const Target *target, const Topic *topic)
{
	Datum		values[STREAM_BOOK_COLUMNS] = {0};
	bool		nulls[STREAM_BOOK_COLUMNS] = {false};

	if (topic->kind == OG_STREAM_BOOK)
		set_book(topic, values, nulls);
	else
		set_best(topic, values, nulls);
	return og_table_form(target->table, RelationGetDescr(target->rel), values,
						 nulls);
}

/*
 * Nobody reads a row where it is remembered, and only readers have a page give back
 * what is dead on it: so this does, or each page would be full after two rows.
 */
static void
make_room(const Target *target, const Topic *topic)
{
	Buffer		buffer = ReadBuffer(target->rel,
									ItemPointerGetBlockNumber(&topic->place));

	heap_page_prune_opt(target->rel, buffer);
	ReleaseBuffer(buffer);
}

static void
write_topic(const Target *target, Topic *topic)
{
	HeapTuple	row = form_row(target, topic);

	if (!ItemPointerIsValid(&topic->place))
		find_place(target, topic);
	if (ItemPointerIsValid(&topic->place))
	{
		make_room(target, topic);
		CatalogTupleUpdateWithInfo(target->rel, &topic->place, row,
								   target->indexes);
		weight.dead += row->t_len;
	}
	else
		CatalogTupleInsertWithInfo(target->rel, row, target->indexes);
	topic->next_place = row->t_self;
	topic->writing = true;
	if (!topic->written)
		topic->written_by = GetTopFullTransactionId();
	heap_freetuple(row);
}

/* Is there something of it that is not written? */
static bool
is_to_be_written(const Topic *topic)
{
	return topic->changed && topic->state == TOPIC_LIVE;
}

typedef void (*Visit) (Topic *topic, void *arg);

static void
visit(Visit visit_one, void *arg)
{
	dlist_iter	iter;
	dlist_iter	inner;

	dlist_foreach(iter, &og_stream_loop.connections)
	{
		dlist_foreach(inner, &connection_of(iter.cur)->topics)
			visit_one(topic_of(inner.cur), arg);
	}
}

static void
write_one(Topic *topic, void *arg)
{
	const Target *target = arg;

	if (is_to_be_written(topic) && is_of(target, topic))
		write_topic(target, topic);
}

static void
forget_place(Topic *topic, void *arg)
{
	const Target *target = arg;

	if (is_of(target, topic))
		ItemPointerSetInvalid(&topic->place);
}

/*
 * Has somebody emptied the table, or written it anew (TRUNCATE, VACUUM FULL)?
 * Where a row was there may be another one now, or no page.
 */
static void
check_places(const Target *target)
{
	Oid		   *file = &files[target->table == OG_STREAM_BOOK_TABLE];

	if (*file != target->rel->rd_rel->relfilenode)
		visit(forget_place, unconstify(Target *, target));
	*file = target->rel->rd_rel->relfilenode;
}

/* Whoever has a table for himself is not waited for. */
static void
write_to(Target target)
{
	MemoryContext context;
	MemoryContext old;

	if (!og_table_try_lock(target.table, RowExclusiveLock))
		return;
	context = AllocSetContextCreate(CurrentMemoryContext,
									"order_gateway books",
									ALLOCSET_DEFAULT_SIZES);
	target.rel = table_open(og_table_oid(target.table), NoLock);
	check_places(&target);
	target.indexes = CatalogOpenIndexes(target.rel);
	old = MemoryContextSwitchTo(context);
	visit(write_one, &target);
	MemoryContextSwitchTo(old);
	CatalogCloseIndexes(target.indexes);
	table_close(target.rel, NoLock);
	MemoryContextDelete(context);
}

/* ---------- dead weight ---------- */

/* What can nobody see any more, of what was replaced? */
static void
weigh(void)
{
	Relation	rel;
	TransactionId oldest;

	if (weight.dead < MOST_DEAD / 8 ||
		!og_table_try_lock(OG_STREAM_BOOK_TABLE, AccessShareLock))
		return;
	rel = table_open(og_table_oid(OG_STREAM_BOOK_TABLE), NoLock);
	oldest = GetOldestNonRemovableTransactionId(rel);
	table_close(rel, NoLock);
	if (TransactionIdIsValid(weight.horizon) &&
		TransactionIdPrecedes(oldest, weight.horizon))
		return;
	weight.dead = 0;
	weight.horizon = ReadNextTransactionId();
}

/* ---------- all of them ---------- */

static void
look_for_one(Topic *topic, void *arg)
{
	*(bool *) arg |= is_to_be_written(topic);
}

bool
og_stream_has_books(void)
{
	bool		any = false;

	if (weight.dead >= MOST_DEAD && og_clock_now() < weight.next_write)
		return false;
	visit(look_for_one, &any);
	return any;
}

void
og_stream_write_books(void)
{
	Target		books = {OG_STREAM_BOOK_TABLE, OG_STREAM_BOOK_KEY, 4};
	Target		best = {OG_STREAM_L1_TABLE, OG_STREAM_L1_KEY, 3};

	write_to(books);
	write_to(best);
	weigh();
	weight.next_write = og_clock_now() + SELDOM_US;
}

static void
end_one(Topic *topic, void *arg)
{
	bool		done = *(bool *) arg;

	if (!done)
		ItemPointerSetInvalid(&topic->place);
	if (done && topic->writing)
		og_topic_written(topic);
	topic->writing = false;
}

void
og_stream_books_written(bool done)
{
	visit(end_one, &done);
}

/* ---------- what is not followed any more ---------- */

static void
forget_rows(OgTable table, OgTable key)
{
	ScanKeyData installation;
	int			most = 10 * OG_MOST_STREAMS;

	if (!og_table_try_lock(table, RowExclusiveLock))
		return;
	og_table_installation_key(&installation, &og_stream_loop.installation);
	(void) og_table_remove(table, key, &installation, 1, &most);
}

/* Nothing that is there is of this process yet. */
void
og_stream_forget_books(void)
{
	forget_rows(OG_STREAM_BOOK_TABLE, OG_STREAM_BOOK_KEY);
	forget_rows(OG_STREAM_L1_TABLE, OG_STREAM_L1_KEY);
}
