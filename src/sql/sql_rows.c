/*-------------------------------------------------------------------------
 *
 * sql_rows.c
 *		Functions that return rows: where they may be called, memory, and the
 *		rows themselves.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_enum.h"
#include "catalog/pg_type.h"
#include "executor/tuptable.h"
#include "funcapi.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

#include "session/session.h"
#include "sql/sql_rows.h"

/* Rows, and bytes of them, between two resets of the memory they are formed in. */
#define ROWS_PER_RESET	256
#define BYTES_PER_RESET	(1024 * 1024)

/* Refuse to run where that could go wrong. */
static void
check_context(FunctionCallInfo fcinfo, const char *name)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;

	if (rsinfo == NULL || !IsA(rsinfo, ReturnSetInfo) ||
		(rsinfo->allowedModes & SFRM_Materialize) == 0 ||
		(rsinfo->allowedModes & SFRM_Materialize_Preferred) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("%s() cannot be called in a target list", name),
				 errdetail("PostgreSQL might call it once per column there."),
				 errhint("Use it in FROM: SELECT * FROM %s(...).", name)));

	og_sql_need_utf8(name);
}

void
og_sql_need_utf8(const char *name)
{
	if (GetDatabaseEncoding() != PG_UTF8)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("%s() needs a database with encoding UTF8", name),
				 errdetail("The encoding of this database is %s.",
						   GetDatabaseEncodingName()),
				 errhint("Call it from a database that was created with ENCODING 'UTF8'.")));
}

Datum
og_sql_return_rows(FunctionCallInfo fcinfo, const char *name, SqlBody body,
				   const void *what)
{
	MemoryContext context;
	MemoryContext old;

	check_context(fcinfo, name);

	/* The executor has just derived the rows' type from the same expression. */
	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
	context = og_session_context();
	old = MemoryContextSwitchTo(context);
	body(fcinfo, what);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	return (Datum) 0;
}

/* ---------- rows ---------- */

void
og_sql_rows_open(SqlRows *rows, FunctionCallInfo fcinfo)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;

	rows->fcinfo = fcinfo;
	rows->store = rsinfo->setResult;
	rows->desc = rsinfo->setDesc;
	rows->values = palloc(rows->desc->natts * sizeof(Datum));
	rows->nulls = palloc(rows->desc->natts * sizeof(bool));
	rows->scratch = AllocSetContextCreate(CurrentMemoryContext,
										  "order_gateway rows",
										  ALLOCSET_DEFAULT_SIZES);
	rows->nrows = 0;
	rows->order = NULL;
}

int
og_sql_rows_attribute(const SqlRows *rows, const char *name, Oid type)
{
	for (int i = 0; i < rows->desc->natts; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(rows->desc, i);

		if (attribute->attisdropped ||
			strcmp(NameStr(attribute->attname), name) != 0)
			continue;
		if (OidIsValid(type) && attribute->atttypid != type)
			elog(ERROR, "attribute \"%s\" has an unexpected type", name);
		return i;
	}
	return -1;
}

void
og_sql_rows_order(SqlRows *rows, const SqlAttribute *attributes, int count)
{
	rows->order = palloc(count * sizeof(int));
	for (int i = 0; i < count; i++)
		rows->order[i] = og_sql_rows_attribute(rows, attributes[i].name,
											   attributes[i].type);
}

void
og_sql_row_begin(SqlRows *rows)
{
	rows->outside = MemoryContextSwitchTo(rows->scratch);
	memset(rows->nulls, true, rows->desc->natts * sizeof(bool));
	rows->next = 0;
}

void
og_sql_row_set(SqlRows *rows, int attribute, Datum value)
{
	if (attribute < 0)
		return;
	rows->values[attribute] = value;
	rows->nulls[attribute] = false;
}

static void
check_type(const SqlRows *rows, int attribute, Oid type)
{
	Form_pg_attribute column = TupleDescAttr(rows->desc, attribute);

	if (OidIsValid(type) && column->atttypid != type)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("column \"%s\" of the result has an unexpected type",
						NameStr(column->attname)),
				 errhint("Update the extension: ALTER EXTENSION order_gateway UPDATE.")));
}

/* Where the next value goes, or NULL: nowhere.  Those in order are checked. */
static inline Datum *
next_value(SqlRows *rows, Oid type)
{
	int			attribute = rows->order ? rows->order[rows->next] : rows->next;

	rows->next++;
	if (attribute < 0 || attribute >= rows->desc->natts)
		return NULL;
	if (rows->order == NULL)
		check_type(rows, attribute, type);
	rows->nulls[attribute] = false;
	return &rows->values[attribute];
}

void
og_sql_row_add(SqlRows *rows, Oid type, Datum value)
{
	Datum	   *place = next_value(rows, type);

	if (place != NULL)
		*place = value;
}

void
og_sql_row_add_nulls(SqlRows *rows, int count)
{
	rows->next += count;
}

void
og_sql_row_add_int(SqlRows *rows, int value)
{
	og_sql_row_add(rows, INT4OID, Int32GetDatum(value));
}

void
og_sql_row_add_bytes(SqlRows *rows, Oid type, OgSlice text)
{
	Datum	   *place;

	if (text.data == NULL)
		og_sql_row_add_nulls(rows, 1);
	else if ((place = next_value(rows, type)) != NULL)
		*place = PointerGetDatum(cstring_to_text_with_len(text.data,
														  (int) text.len));
}

void
og_sql_row_add_text(SqlRows *rows, Oid type, const char *text)
{
	og_sql_row_add_bytes(rows, type,
						 text ? og_slice_of(text) : og_slice(NULL, 0));
}

void
og_sql_row_add_time(SqlRows *rows, TimestampTz at)
{
	if (at != 0)
		og_sql_row_add(rows, TIMESTAMPTZOID, TimestampTzGetDatum(at));
	else
		og_sql_row_add_nulls(rows, 1);
}

void
og_sql_row_end(SqlRows *rows)
{
	tuplestore_putvalues(rows->store, rows->desc, rows->values, rows->nulls);
	MemoryContextSwitchTo(rows->outside);
	if (++rows->nrows % ROWS_PER_RESET != 0 &&
		MemoryContextMemAllocated(rows->scratch, false) <= BYTES_PER_RESET)
		return;
	CHECK_FOR_INTERRUPTS();
	MemoryContextReset(rows->scratch);
}

/* A store gives back no row that was put, so those to keep go to another one. */
void
og_sql_rows_keep(SqlRows *rows, int64 kept)
{
	ReturnSetInfo *result = (ReturnSetInfo *) rows->fcinfo->resultinfo;
	MemoryContext old;
	TupleTableSlot *slot;

	if (kept == 0)
	{
		tuplestore_clear(rows->store);
		return;
	}
	old = MemoryContextSwitchTo(result->econtext->ecxt_per_query_memory);
	result->setResult = tuplestore_begin_heap((result->allowedModes & SFRM_Materialize_Random) != 0,
											  false, work_mem);
	slot = MakeSingleTupleTableSlot(rows->desc, &TTSOpsMinimalTuple);
	for (; kept > 0 && tuplestore_gettupleslot(rows->store, true, false, slot);
		 kept--)
	{
		CHECK_FOR_INTERRUPTS();
		tuplestore_puttupleslot(result->setResult, slot);
	}
	ExecDropSingleTupleTableSlot(slot);
	tuplestore_end(rows->store);
	rows->store = result->setResult;
	MemoryContextSwitchTo(old);
}

/* ---------- types that are looked up ---------- */

/* The number of an attribute that there must be. */
static int
needed_attribute(const SqlRows *rows, const char *name)
{
	int			attribute = og_sql_rows_attribute(rows, name, InvalidOid);

	if (attribute < 0)
		elog(ERROR, "the row type has no attribute \"%s\"", name);
	return attribute;
}

void
og_sql_rows_enum(const SqlRows *rows, const char *name, int count,
				 const char *(*value) (int), Oid *values)
{
	int			attribute = needed_attribute(rows, name);
	Oid			type = TupleDescAttr(rows->desc, attribute)->atttypid;

	for (int i = 0; i < count; i++)
	{
		values[i] = GetSysCacheOid2(ENUMTYPOIDNAME, Anum_pg_enum_oid,
									ObjectIdGetDatum(type),
									CStringGetDatum(value(i)));
		if (!OidIsValid(values[i]))
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_OBJECT),
					 errmsg("type %s has no value \"%s\"",
							format_type_be(type), value(i)),
					 errhint("Update the extension: ALTER EXTENSION order_gateway UPDATE.")));
	}
}

static const char *
outcome_name(int verdict)
{
	return og_verdict_name((OgVerdict) verdict);
}

void
og_sql_rows_outcome(const SqlRows *rows, Oid *outcomes)
{
	og_sql_rows_enum(rows, "outcome", OG_OUTCOMES, outcome_name, outcomes);
}

int
og_sql_rows_id(const SqlRows *rows, const char *name, Oid type)
{
	int			attribute = needed_attribute(rows, name);
	Oid			taken_for = TupleDescAttr(rows->desc, attribute)->atttypid;

	if (taken_for != type)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("column \"%s\" was taken for type %s, but the ids are of type %s",
						name, format_type_be(taken_for), format_type_be(type)),
				 errhint("Give named arguments in the order in which the function declares them.")));
	return attribute;
}
