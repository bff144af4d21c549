/*-------------------------------------------------------------------------
 *
 * sql_record.h
 *		Records of a provider as SQL values.
 *
 * The row types of functions are filled by the names of their attributes, so
 * that a later version may add some to a type, or to a shape.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OG_SQL_RECORD_H
#define OG_SQL_RECORD_H

#include "access/tupdesc.h"

#include "provider/provider.h"

/* Which column of a shape fills which attribute of a row type. */
typedef struct SqlRecord
{
	TupleDesc	desc;
	const OgColumn *columns;
	int		   *column_of;		/* per attribute: index, or one of ... */
} SqlRecord;

#define SQL_RECORD_NONE	(-1)	/* the shape has no such column */
#define SQL_RECORD_RAW	(-2)	/* the bytes of the element: attribute "raw" */

/*
 * Match a row type with a shape.  Errors: XX000 where an attribute has another
 * type than its column.
 */
extern SqlRecord *og_sql_record(TupleDesc desc, const OgColumn *columns);

/*
 * Fill the attributes that the shape has.  A value of another type than
 * documented is NULL.  Raises no errors but for lack of memory.
 */
extern void og_sql_record_fill(const SqlRecord *record,
							   const OgSlice *values, OgSlice raw,
							   Datum *datums, bool *nulls);

/*
 * A JSON number, or a string that is spelled like one, as numeric.  False for
 * anything else.
 */
extern bool og_sql_numeric(OgSlice value, Datum *datum);

#endif							/* OG_SQL_RECORD_H */
