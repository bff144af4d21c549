/*-------------------------------------------------------------------------
 *
 * sql_record.c
 *		Records of a provider as SQL values.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"

#include "sql/sql_record.h"
#include "worker/worker_value.h"

/* Is there what fills an attribute? */
static bool
find_column(const OgColumn *columns, Form_pg_attribute attribute, int *column)
{
	const char *name = NameStr(attribute->attname);

	if (attribute->attisdropped)
		return false;
	for (int i = 0; columns && columns[i].name; i++)
	{
		if (strcmp(columns[i].name, name) != 0)
			continue;
		if (attribute->atttypid != og_value_type(columns[i].type))
			elog(ERROR, "attribute \"%s\" has an unexpected type", name);
		*column = i;
		return true;
	}
	*column = SQL_RECORD_RAW;
	return strcmp(name, "raw") == 0 && attribute->atttypid == JSONOID;
}

SqlRecord *
og_sql_record(TupleDesc desc, const OgColumn *columns)
{
	SqlRecord  *record = palloc0(sizeof(SqlRecord));

	record->columns = columns;
	record->matches = palloc(desc->natts * sizeof(SqlMatch));
	for (int i = 0; i < desc->natts; i++)
	{
		SqlMatch   *match = &record->matches[record->nmatches];

		match->attribute = i;
		if (find_column(columns, TupleDescAttr(desc, i), &match->column))
			record->nmatches++;
	}
	return record;
}

void
og_sql_record_fill(const SqlRecord *record, const OgSlice *values,
				   OgSlice raw, Datum *datums, bool *nulls)
{
	for (int i = 0; i < record->nmatches; i++)
	{
		int			attribute = record->matches[i].attribute;
		int			column = record->matches[i].column;

		nulls[attribute] = column == SQL_RECORD_RAW
			? !og_value_json(raw, &datums[attribute])
			: !og_value(record->columns, column, values,
						&datums[attribute]);
	}
}
