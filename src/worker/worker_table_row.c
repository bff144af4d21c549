/*-------------------------------------------------------------------------
 *
 * worker_table_row.c
 *		Rows in and out of the journal's tables, below SQL.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/heapam.h"
#include "access/heaptoast.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/indexing.h"
#include "catalog/pg_collation.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "storage/bufmgr.h"
#include "storage/lmgr.h"
#include "utils/fmgroids.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "worker/worker_table.h"

/* ---------- locks ---------- */

const char *og_table_awaited = NULL;

/* Whoever gives up waiting for it is told which table that was, by og_try(). */
static Relation
open_table(OgTable table, LOCKMODE mode)
{
	Oid			oid = og_table_oid(table);

	if (!ConditionalLockRelationOid(oid, mode))
	{
		og_table_awaited = og_table_names[table];
		LockRelationOid(oid, mode);
		og_table_awaited = NULL;
	}
	return table_open(oid, NoLock);
}

/* ---------- rows in ---------- */

/* An array as wide as a table to which somebody has added columns. */
static void *
widen(const void *array, OgTable table, int natts, size_t width, int filling)
{
	char	   *wide = palloc(natts * width);

	memset(wide, filling, natts * width);
	memcpy(wide, array, Min(og_table_columns[table], natts) * width);
	return wide;
}

/* A row; columns that somebody has added are null. */
HeapTuple
og_table_form(OgTable table, TupleDesc desc, const Datum *values,
			  const bool *nulls)
{
	int			natts = desc->natts;

	if (natts == og_table_columns[table])
		return heap_form_tuple(desc, (Datum *) values, (bool *) nulls);
	return heap_form_tuple(desc,
						   widen(values, table, natts, sizeof(Datum), 0),
						   widen(nulls, table, natts, sizeof(bool), true));
}

/* The same with other values; columns that somebody has added stay. */
static HeapTuple
modify_row(TupleDesc desc, OgTable table, HeapTuple row, const Datum *values,
		   const bool *nulls, const bool *replace)
{
	int			natts = desc->natts;

	return heap_modify_tuple(row, desc,
							 widen(values, table, natts, sizeof(Datum), 0),
							 widen(nulls, table, natts, sizeof(bool), true),
							 widen(replace, table, natts, sizeof(bool), false));
}

/*
 * Does the quick way know all indexes of a table?  Somebody may have added one
 * on an expression, on a part of the rows, or with columns beside its key.
 */
static bool
is_plain(CatalogIndexState indexes)
{
	for (int i = 0; i < indexes->ri_NumIndices; i++)
	{
		IndexInfo  *info = indexes->ri_IndexRelationInfo[i];

		if (info->ii_Expressions != NIL || info->ii_Predicate != NIL ||
			info->ii_ExclusionOps != NULL ||
			info->ii_NumIndexKeyAttrs != info->ii_NumIndexAttrs)
			return false;
	}
	return true;
}

/* Insert rows the long way, by the executor. */
static void
insert_executed(CatalogIndexState indexes, TupleTableSlot **slots, int count)
{
	EState	   *state = CreateExecutorState();

	PushActiveSnapshot(GetTransactionSnapshot());
	for (int i = 0; i < count; i++)
	{
		ExecSimpleRelationInsert(indexes, state, slots[i]);
		ResetPerTupleExprContext(state);
	}
	PopActiveSnapshot();
	FreeExecutorState(state);
}

static void
update_executed(CatalogIndexState indexes, TupleDesc desc,
				const ItemPointerData *row, HeapTuple changed)
{
	EState	   *state = CreateExecutorState();
	TupleTableSlot *place = MakeSingleTupleTableSlot(desc, &TTSOpsHeapTuple);
	TupleTableSlot *slot = MakeSingleTupleTableSlot(desc, &TTSOpsHeapTuple);

	place->tts_tid = *row;
	ExecStoreHeapTuple(changed, slot, false);
	PushActiveSnapshot(GetTransactionSnapshot());
	ExecSimpleRelationUpdate(indexes, state, NULL, place, slot);
	PopActiveSnapshot();
	ExecDropSingleTupleTableSlot(slot);
	ExecDropSingleTupleTableSlot(place);
	FreeExecutorState(state);
}

void
og_table_insert(OgTable table, const Datum *values, const bool *nulls)
{
	Relation	rel = open_table(table, RowExclusiveLock);
	TupleDesc	desc = RelationGetDescr(rel);
	CatalogIndexState indexes = CatalogOpenIndexes(rel);
	HeapTuple	tuple = og_table_form(table, desc, values, nulls);

	if (is_plain(indexes))
		CatalogTupleInsertWithInfo(rel, tuple, indexes);
	else
	{
		TupleTableSlot *slot = MakeSingleTupleTableSlot(desc, &TTSOpsHeapTuple);

		ExecStoreHeapTuple(tuple, slot, false);
		insert_executed(indexes, &slot, 1);
		ExecDropSingleTupleTableSlot(slot);
	}
	heap_freetuple(tuple);
	CatalogCloseIndexes(indexes);
	table_close(rel, NoLock);
}

/* Rows that go into a page, and into the log of changes, together. */
#define ROWS_AT_ONCE	128

/*
 * Of a row that is toasted heap_multi_insert() writes a copy, and the one that the
 * indexes are given has no place.
 */
static bool
goes_alone(HeapTuple row)
{
	return HeapTupleHasExternal(row) || row->t_len > TOAST_TUPLE_THRESHOLD;
}

/* Rows that wait to be inserted together. */
typedef struct Batch
{
	Relation	rel;
	CatalogIndexState indexes;
	bool		plain;
	TupleTableSlot *slots[ROWS_AT_ONCE];
	int			nslots;			/* that there are */
	int			nrows;
} Batch;

static void
insert_batch(Batch *batch)
{
	if (batch->nrows == 0)
		return;
	if (batch->plain)
		CatalogTuplesMultiInsertWithInfo(batch->rel, batch->slots, batch->nrows,
										 batch->indexes);
	else
		insert_executed(batch->indexes, batch->slots, batch->nrows);
	batch->nrows = 0;
}

static void
insert_row(Batch *batch, HeapTuple row)
{
	if (batch->plain && goes_alone(row))
	{
		CatalogTupleInsertWithInfo(batch->rel, row, batch->indexes);
		heap_freetuple(row);
		return;
	}
	ExecStoreHeapTuple(row, batch->slots[batch->nrows++], true);
	if (batch->nrows == batch->nslots)
		insert_batch(batch);
}

void
og_table_insert_many(OgTable table, int count, OgForm form, void *owner)
{
	Relation	rel = open_table(table, RowExclusiveLock);
	TupleDesc	desc = RelationGetDescr(rel);
	Batch		batch = {rel, CatalogOpenIndexes(rel)};

	batch.plain = is_plain(batch.indexes);
	batch.nslots = Min(count, ROWS_AT_ONCE);
	for (int i = 0; i < batch.nslots; i++)
		batch.slots[i] = MakeSingleTupleTableSlot(desc, &TTSOpsHeapTuple);
	for (int i = 0; i < count; i++)
	{
		Datum		values[OG_MOST_COLUMNS] = {0};
		bool		nulls[OG_MOST_COLUMNS] = {false};

		form(owner, i, values, nulls);
		insert_row(&batch, og_table_form(table, desc, values, nulls));
	}
	insert_batch(&batch);
	for (int i = 0; i < batch.nslots; i++)
		ExecDropSingleTupleTableSlot(batch.slots[i]);
	CatalogCloseIndexes(batch.indexes);
	table_close(rel, NoLock);
}

void
og_table_update(OgTable table, const ItemPointerData *row,
				const Datum *values, const bool *nulls, const bool *replace)
{
	Relation	rel = open_table(table, RowExclusiveLock);
	TupleDesc	desc = RelationGetDescr(rel);
	CatalogIndexState indexes = CatalogOpenIndexes(rel);
	HeapTupleData old;
	HeapTuple	changed;
	Buffer		buffer;

	old.t_self = *row;
	if (!heap_fetch(rel, SnapshotAny, &old, &buffer, false))
		elog(ERROR, "a row of table \"%s\" is gone", og_table_names[table]);
	changed = modify_row(desc, table, &old, values, nulls, replace);
	ReleaseBuffer(buffer);
	if (is_plain(indexes))
		CatalogTupleUpdateWithInfo(rel, &changed->t_self, changed, indexes);
	else
		update_executed(indexes, desc, row, changed);
	heap_freetuple(changed);
	CatalogCloseIndexes(indexes);
	table_close(rel, NoLock);
}

/* ---------- rows out ---------- */

static void
visit(SysScanDesc scan, TupleDesc desc, OgFound found, void *owner)
{
	Datum	   *values = palloc(desc->natts * sizeof(Datum));
	bool	   *nulls = palloc(desc->natts * sizeof(bool));
	bool		more = true;
	HeapTuple	tuple;

	while (more)
	{
		CHECK_FOR_INTERRUPTS();
		tuple = systable_getnext_ordered(scan, ForwardScanDirection);
		if (!HeapTupleIsValid(tuple))
			break;
		heap_deform_tuple(tuple, desc, values, nulls);
		more = found(owner, &(OgTableRow) {values, nulls, &tuple->t_self});
	}
	pfree(values);
	pfree(nulls);
}

/* What is now; a parallel plan has one snapshot for all that it does. */
static Snapshot
current_snapshot(void)
{
	return IsInParallelMode() ? GetActiveSnapshot() : GetLatestSnapshot();
}

void
og_table_scan(OgTable table, OgTable index, Snapshot snapshot, ScanKey keys,
			  int nkeys, OgFound found, void *owner)
{
	Relation	rel = open_table(table, AccessShareLock);
	Relation	order = index_open(og_table_oid(index), AccessShareLock);
	SysScanDesc scan;

	/* What is stored out of line is read by it, too. */
	PushActiveSnapshot(snapshot ? snapshot : current_snapshot());
	scan = systable_beginscan_ordered(rel, order, GetActiveSnapshot(), nkeys,
									  keys);
	visit(scan, RelationGetDescr(rel), found, owner);
	systable_endscan_ordered(scan);
	PopActiveSnapshot();

	/*
	 * As with a catalog: whoever waits for a call to be done must not hold what
	 * the worker waits for, behind somebody who wants the table for himself.
	 */
	index_close(order, AccessShareLock);
	table_close(rel, AccessShareLock);
}

static bool
note_row(void *owner, const OgTableRow *row)
{
	*(bool *) owner = true;
	return false;
}

bool
og_table_has(OgTable table, OgTable index, ScanKey keys, int nkeys)
{
	bool		has = false;

	og_table_scan(table, index, NULL, keys, nkeys, note_row, &has);
	return has;
}

bool
og_table_find_dirty(OgTable table, OgTable index, ScanKey keys, int nkeys,
					TransactionId *writer)
{
	Relation	rel = open_table(table, AccessShareLock);
	Relation	order = index_open(og_table_oid(index), AccessShareLock);
	SnapshotData dirty;
	SysScanDesc scan;
	bool		found;

	InitDirtySnapshot(dirty);
	PushActiveSnapshot(GetLatestSnapshot());
	scan = systable_beginscan_ordered(rel, order, &dirty, nkeys, keys);
	found = HeapTupleIsValid(systable_getnext_ordered(scan,
													  ForwardScanDirection));
	*writer = found ? dirty.xmin : InvalidTransactionId;
	systable_endscan_ordered(scan);
	PopActiveSnapshot();
	index_close(order, AccessShareLock);
	table_close(rel, AccessShareLock);
	return found;
}

/* ---------- rows that go ---------- */

typedef struct Places
{
	ItemPointerData *at;
	int			count;
	int			size;
	int			most;
} Places;

static bool
take_place(void *owner, const OgTableRow *row)
{
	Places	   *places = owner;

	if (places->count == places->most)
		return false;
	if (places->count == places->size)
	{
		places->size *= 2;
		places->at = repalloc(places->at,
							  places->size * sizeof(ItemPointerData));
	}
	places->at[places->count++] = *row->at;
	return true;
}

static bool
delete_row(Relation rel, ItemPointer at)
{
	TM_FailureData failure;

	return heap_delete(rel, at, GetCurrentCommandId(true), InvalidSnapshot,
					   false, &failure, false) == TM_Ok;
}

bool
og_table_remove(OgTable table, OgTable index, ScanKey keys, int nkeys,
				int *most)
{
	Places		places = {palloc(16 * sizeof(ItemPointerData)), 0, 16, *most};
	Relation	rel = open_table(table, RowExclusiveLock);
	bool		all;

	og_table_scan(table, index, NULL, keys, nkeys, take_place, &places);
	all = places.count < places.most;
	for (int i = 0; i < places.count; i++)
	{
		if (delete_row(rel, &places.at[i]))
			(*most)--;
		else
			all = false;
	}
	table_close(rel, NoLock);
	pfree(places.at);
	return all;
}

void
og_table_installation_key(ScanKey key, const pg_uuid_t *installation)
{
	ScanKeyInit(key, 1, BTEqualStrategyNumber, F_UUID_EQ,
				UUIDPGetDatum(installation));
}

void
og_table_text_key(ScanKey key, int column, Datum text)
{
	ScanKeyEntryInitialize(key, 0, column + 1, BTEqualStrategyNumber,
						   InvalidOid, DEFAULT_COLLATION_OID, F_TEXTEQ, text);
}

/* The first two columns of all tables that have such an index. */
static void
call_key(ScanKeyData keys[2], const pg_uuid_t *installation, int64 call_id,
		 StrategyNumber strategy, RegProcedure compare)
{
	og_table_installation_key(&keys[0], installation);
	ScanKeyInit(&keys[1], 2, strategy, compare, Int64GetDatum(call_id));
}

void
og_table_call_key(ScanKeyData keys[2], const pg_uuid_t *installation,
				  int64 call_id)
{
	call_key(keys, installation, call_id, BTEqualStrategyNumber, F_INT8EQ);
}

void
og_table_call_key_from(ScanKeyData keys[2], const pg_uuid_t *installation,
					   int64 call_id)
{
	call_key(keys, installation, call_id, BTGreaterEqualStrategyNumber,
			 F_INT8GE);
}

void
og_table_result_key_from(ScanKeyData keys[3], const pg_uuid_t *installation,
						 int64 call_id, int ordinal)
{
	og_table_call_key(keys, installation, call_id);
	ScanKeyInit(&keys[2], RESULT_ORDINAL + 1, BTGreaterEqualStrategyNumber,
				F_INT4GE, Int32GetDatum(ordinal));
}
