/*-------------------------------------------------------------------------
 *
 * sql_record.c
 *		Records of a provider as SQL values.
 *
 * Numbers go from the answer's digits to numeric, never through a double.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/timestamp.h"

#include "sql_record.h"

/* Longest text of a column; all of a longer one is in "raw". */
#define MAX_TEXT	1000

/* No time or code is larger. */
#define LARGEST_WHOLE	INT64CONST(1000000000000000000)

/* A Unix time from here on is one in milliseconds, whatever it is said to be. */
#define FIRST_MS		INT64CONST(100000000000)

int
og_sql_attribute(TupleDesc desc, const char *name)
{
	for (int i = 0; i < desc->natts; i++)
	{
		if (!TupleDescAttr(desc, i)->attisdropped &&
			strcmp(NameStr(TupleDescAttr(desc, i)->attname), name) == 0)
			return i;
	}
	return -1;
}

/* The SQL type of a column. */
static Oid
sql_type(OgColumnType type)
{
	switch (type)
	{
		case OG_TEXT:
		case OG_NAME_OF_CODE:
			return TEXTOID;
		case OG_NUMERIC:
			return NUMERICOID;
		case OG_INTEGER:
			return INT4OID;
		case OG_BOOLEAN:
			return BOOLOID;
		case OG_TIME_MS:
		case OG_TIME_S:
			return TIMESTAMPTZOID;
		case OG_JSON_TEXT:
			return JSONOID;
	}
	return InvalidOid;
}

static int
find_column(const OgColumn *columns, Form_pg_attribute attribute)
{
	const char *name = NameStr(attribute->attname);

	if (attribute->attisdropped)
		return SQL_RECORD_NONE;
	for (int i = 0; columns && columns[i].name; i++)
	{
		if (strcmp(columns[i].name, name) != 0)
			continue;
		if (attribute->atttypid != sql_type(columns[i].type))
			elog(ERROR, "attribute \"%s\" has an unexpected type", name);
		return i;
	}
	return strcmp(name, "raw") == 0 && attribute->atttypid == JSONOID
		? SQL_RECORD_RAW : SQL_RECORD_NONE;
}

SqlRecord *
og_sql_record(TupleDesc desc, const OgColumn *columns)
{
	SqlRecord  *record = palloc0(sizeof(SqlRecord));

	record->desc = desc;
	record->columns = columns;
	record->column_of = palloc(desc->natts * sizeof(int));
	for (int i = 0; i < desc->natts; i++)
		record->column_of[i] = find_column(columns, TupleDescAttr(desc, i));
	return record;
}

/* ---------- values ---------- */

/* A Datum, or false for NULL. */
static bool
text_value(OgSlice value, Datum *datum)
{
	OgJsonKind	kind = og_json_kind(value);

	if (kind != OG_JSON_STRING && kind != OG_JSON_NUMBER)
		return false;
	*datum = CStringGetTextDatum(og_json_text(value, MAX_TEXT));
	return true;
}

bool
og_sql_numeric(OgSlice value, Datum *datum)
{
	OgJsonKind	kind = og_json_kind(value);
	char	   *text;

	if ((kind != OG_JSON_STRING && kind != OG_JSON_NUMBER) ||
		value.len > OG_JSON_MAX_NUMBER + strlen("\"\""))
		return false;
	text = og_json_text(value, OG_JSON_MAX_NUMBER);
	if (!og_json_is_number(text))
		return false;
	*datum = DirectFunctionCall3(numeric_in, CStringGetDatum(text),
								 ObjectIdGetDatum(InvalidOid),
								 Int32GetDatum(-1));
	return true;
}

/*
 * A whole number, however it is written: "Double" is what many documents call
 * the type of a time, and some software writes such a one as 1.7E12.
 */
static bool
whole_number(OgSlice value, int64 *number)
{
	Datum		given;
	Datum		whole;
	Datum		limit;

	if (og_integer(value, number))
		return true;
	if (!og_sql_numeric(value, &given))
		return false;
	whole = DirectFunctionCall2(numeric_trunc, given, Int32GetDatum(0));
	limit = DirectFunctionCall1(int8_numeric, Int64GetDatum(LARGEST_WHOLE));
	if (!DatumGetBool(DirectFunctionCall2(numeric_eq, given, whole)) ||
		DatumGetBool(DirectFunctionCall2(numeric_gt,
										 DirectFunctionCall1(numeric_abs, whole),
										 limit)))
		return false;
	*number = DatumGetInt64(DirectFunctionCall1(numeric_int8, whole));
	return true;
}

static bool
integer_value(OgSlice value, Datum *datum)
{
	int64		integer;

	if (!whole_number(value, &integer) ||
		integer < PG_INT32_MIN || integer > PG_INT32_MAX)
		return false;
	*datum = Int32GetDatum((int32) integer);
	return true;
}

static bool
boolean_value(OgSlice value, Datum *datum)
{
	OgJsonKind	kind = og_json_kind(value);

	*datum = BoolGetDatum(kind == OG_JSON_TRUE);
	return kind == OG_JSON_TRUE || kind == OG_JSON_FALSE;
}

/* A Unix time; 0 stands for none. */
static bool
time_value(OgSlice value, bool in_seconds, Datum *datum)
{
	const int64 epoch = (int64) (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) *
		USECS_PER_DAY;
	int64		units;
	int64		unit_us;
	TimestampTz at;

	if (!whole_number(value, &units) || units == 0)
		return false;
	unit_us = in_seconds && units > -FIRST_MS && units < FIRST_MS
		? USECS_PER_SEC : 1000;
	if (units > PG_INT64_MAX / unit_us || units < PG_INT64_MIN / unit_us ||
		units * unit_us < PG_INT64_MIN + epoch)
		return false;
	at = units * unit_us - epoch;
	*datum = TimestampTzGetDatum(at);
	return IS_VALID_TIMESTAMP(at);
}

static bool
json_value(OgSlice value, Datum *datum)
{
	if (og_json_kind(value) <= OG_JSON_NULL)
		return false;
	*datum = PointerGetDatum(cstring_to_text_with_len(value.data,
													  (int) value.len));
	return true;
}

static bool
name_value(const OgColumn *column, OgSlice code, Datum *datum)
{
	int64		number;
	const char *name;

	if (!whole_number(code, &number))
		return false;
	name = og_code_name(column->codes,
						og_slice_of(psprintf(INT64_FORMAT, number)));
	if (name == NULL)
		return false;
	*datum = CStringGetTextDatum(name);
	return true;
}

static bool
column_value(const OgColumn *columns, int i, const OgSlice *values,
			 Datum *datum)
{
	switch (columns[i].type)
	{
		case OG_TEXT:
			return text_value(values[i], datum);
		case OG_NUMERIC:
			return og_sql_numeric(values[i], datum);
		case OG_INTEGER:
			return integer_value(values[i], datum);
		case OG_BOOLEAN:
			return boolean_value(values[i], datum);
		case OG_TIME_MS:
			return time_value(values[i], false, datum);
		case OG_TIME_S:
			return time_value(values[i], true, datum);
		case OG_JSON_TEXT:
			return json_value(values[i], datum);
		case OG_NAME_OF_CODE:
			Assert(i > 0);
			return name_value(&columns[i], values[i - 1], datum);
	}
	return false;
}

void
og_sql_record_fill(const SqlRecord *record, const OgSlice *values,
				   OgSlice raw, Datum *datums, bool *nulls)
{
	for (int i = 0; i < record->desc->natts; i++)
	{
		int			column = record->column_of[i];

		if (column == SQL_RECORD_RAW)
			nulls[i] = !json_value(raw, &datums[i]);
		else if (column != SQL_RECORD_NONE)
			nulls[i] = !column_value(record->columns, column, values,
									 &datums[i]);
	}
}
