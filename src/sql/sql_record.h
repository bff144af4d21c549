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

/* A column of a shape, and the attribute of a row type that it fills. */
typedef struct SqlMatch
{
	int			attribute;		/* from 0 */
	int			column;			/* index, or ... */
} SqlMatch;

#define SQL_RECORD_RAW	(-1)	/* ... the bytes of the element */

/* All of them that there are. */
typedef struct SqlRecord
{
	const OgColumn *columns;
	int			nmatches;
	SqlMatch   *matches;
} SqlRecord;

/*
 * Match a row type with a shape, NULL = it has no columns.  Attribute "raw" is
 * the bytes of the element.  Errors: XX000 where an attribute has another
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

#endif							/* OG_SQL_RECORD_H */
