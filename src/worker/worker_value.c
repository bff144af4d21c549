/*-------------------------------------------------------------------------
 *
 * worker_value.c
 *		Values of a provider's records as SQL values.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "common/int.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "ground/numeric.h"
#include "worker/worker_value.h"

/*
 * The longest text of a column, in bytes of the answer.  A part of an id would
 * be another id, so there is no cut: a longer text is NULL, and all of it in
 * "raw".  The bound is what keeps one row from costing several times its size.
 */
#define MAX_TEXT	(16 * 1024)

Oid
og_value_type(OgColumnType type)
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

/* A Datum, or false for NULL. */
static bool
text_value(OgSlice value, Datum *datum)
{
	OgJsonKind	kind = og_json_kind(value);
	OgSlice		text;

	if ((kind != OG_JSON_STRING && kind != OG_JSON_NUMBER) ||
		value.len > MAX_TEXT)
		return false;

	if (og_json_plain(value, &text))
		*datum = PointerGetDatum(cstring_to_text_with_len(text.data,
														  (int) text.len));
	else
		*datum = CStringGetTextDatum(og_json_text(value, (int) value.len));
	return true;
}

static bool
integer_value(OgSlice value, Datum *datum)
{
	int64		integer;

	if (!og_json_integer(value, &integer) ||
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

static bool
time_value(OgColumnType type, OgSlice value, Datum *datum)
{
	const int64 epoch_us = (int64) (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) *
		USECS_PER_DAY;
	int64		us;

	if (!og_time_ms(type, value, &us) ||
		pg_mul_s64_overflow(us, 1000, &us) ||
		pg_sub_s64_overflow(us, epoch_us, &us))
		return false;
	*datum = TimestampTzGetDatum(us);
	return IS_VALID_TIMESTAMP(us);
}

bool
og_value_json(OgSlice value, Datum *datum)
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

	if (!og_json_integer(code, &number))
		return false;
	name = og_code_name(column->codes, number);
	if (name == NULL)
		return false;
	*datum = CStringGetTextDatum(name);
	return true;
}

bool
og_value(const OgColumn *columns, int i, const OgSlice *values, Datum *datum)
{
	switch (columns[i].type)
	{
		case OG_TEXT:
			return text_value(values[i], datum);
		case OG_NUMERIC:
			return og_numeric(values[i], datum);
		case OG_INTEGER:
			return integer_value(values[i], datum);
		case OG_BOOLEAN:
			return boolean_value(values[i], datum);
		case OG_TIME_MS:
		case OG_TIME_S:
			return time_value(columns[i].type, values[i], datum);
		case OG_JSON_TEXT:
			return og_value_json(values[i], datum);
		case OG_NAME_OF_CODE:
			Assert(i > 0);
			return name_value(&columns[i], values[i - 1], datum);
	}
	return false;
}
