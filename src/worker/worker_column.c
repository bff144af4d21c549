/*-------------------------------------------------------------------------
 *
 * worker_column.c
 *		Values of the journal's columns.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/json.h"
#include "utils/timestamp.h"

#include "ground/compat.h"
#include "ground/json.h"
#include "worker/worker_table.h"

Datum
og_text_or_null(const char *text, bool *isnull)
{
	*isnull = text == NULL;
	return text ? CStringGetTextDatum(text) : (Datum) 0;
}

Datum
og_slice_or_null(OgSlice slice, bool *isnull)
{
	*isnull = slice.data == NULL;
	return slice.data
		? PointerGetDatum(cstring_to_text_with_len(slice.data,
												   (int) slice.len))
		: (Datum) 0;
}

Datum
og_time_or_null(TimestampTz at, bool *isnull)
{
	*isnull = at == 0;
	return TimestampTzGetDatum(at);
}

Datum
og_int_or_null(int number, bool *isnull)
{
	*isnull = number == 0;
	return Int32GetDatum(number);
}

Datum
og_name_datum(const char *name)
{
	return DirectFunctionCall1(namein, CStringGetDatum(name));
}

Datum
og_texts_datum(const OgSlice *texts, int count)
{
	Datum	   *elements = MemoryContextAllocHuge(CurrentMemoryContext,
												  Max(count, 1) * sizeof(Datum));

	for (int i = 0; i < count; i++)
		elements[i] = PointerGetDatum(cstring_to_text_with_len(texts[i].data,
															   (int) texts[i].len));
	return PointerGetDatum(construct_array(elements, count, TEXTOID, -1, false,
										   TYPALIGN_INT));
}

Datum
og_ints_datum(const int *numbers, int count)
{
	Datum	   *elements = palloc(Max(count, 1) * sizeof(Datum));
	ArrayType  *array;

	for (int i = 0; i < count; i++)
		elements[i] = Int32GetDatum(numbers[i]);
	array = construct_array(elements, count, INT4OID, sizeof(int32), true,
							TYPALIGN_INT);
	pfree(elements);
	return PointerGetDatum(array);
}

/* ---------- fields as JSON ---------- */

static void
append_fields(StringInfo out, const OgFields *fields)
{
	appendStringInfoChar(out, '{');
	for (int i = 0; i < fields->count; i++)
	{
		if (i > 0)
			appendStringInfoString(out, ", ");
		escape_json(out, fields->items[i].name);
		appendStringInfoString(out, ": ");
		escape_json(out, fields->items[i].value);
	}
	appendStringInfoChar(out, '}');
}

Datum
og_fields_datum(const OgFields *fields)
{
	StringInfoData json;

	initStringInfo(&json);
	append_fields(&json, fields);
	return PointerGetDatum(cstring_to_text_with_len(json.data, json.len));
}

Datum
og_fields_list_datum(const OgFields *list, int count, bool *isnull)
{
	StringInfoData json;

	*isnull = list == NULL;
	if (list == NULL)
		return (Datum) 0;
	initStringInfo(&json);
	appendStringInfoChar(&json, '[');
	for (int i = 0; i < count; i++)
	{
		if (i > 0)
			appendStringInfoString(&json, ", ");
		append_fields(&json, &list[i]);
	}
	appendStringInfoChar(&json, ']');
	return PointerGetDatum(cstring_to_text_with_len(json.data, json.len));
}

/* Somebody may have changed what the table has by hand. */
static OgSlice
prove(Datum json)
{
	text	   *bytes = DatumGetTextPP(json);
	const char *reason = NULL;
	OgSlice		value;

	if (!og_json_prove(og_slice(VARDATA_ANY(bytes), VARSIZE_ANY_EXHDR(bytes)),
					   &value, &reason))
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("what the journal has of a call's arguments %s",
						reason)));
	return value;
}

static void
take_fields(OgSlice object, OgFields *fields)
{
	OgJsonCursor cursor;
	OgSlice		name;
	OgSlice		value;

	memset(fields, 0, sizeof(*fields));
	og_json_open(&cursor, object);
	while (og_json_next_member(&cursor, &name, &value))
		og_fields_add(fields, og_json_text(name, PG_INT32_MAX),
					  og_json_text(value, PG_INT32_MAX));
}

void
og_fields_read(Datum json, OgFields *fields)
{
	take_fields(prove(json), fields);
}

OgFields *
og_fields_list_read(Datum json, int count)
{
	OgFields   *list = palloc0(Max(count, 1) * sizeof(OgFields));
	OgJsonCursor cursor;
	OgSlice		object;

	og_json_open(&cursor, prove(json));
	for (int i = 0; i < count; i++)
	{
		if (!og_json_next_element(&cursor, &object))
			ereport(ERROR,
					(errcode(ERRCODE_DATA_CORRUPTED),
					 errmsg("what the journal has of a call's orders ends early")));
		take_fields(object, &list[i]);
	}
	return list;
}
