/*-------------------------------------------------------------------------
 *
 * worker_value.h
 *		Values of a provider's records as SQL values.
 *
 * A value of another type than documented is none.  No function here raises errors
 * but for lack of memory.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OG_WORKER_VALUE_H
#define OG_WORKER_VALUE_H

#include "provider/provider_record.h"

/* The SQL type of a column. */
extern Oid	og_value_type(OgColumnType type);

/*
 * The value of a column, out of those of a record, in the current context.  False
 * for NULL.
 */
extern bool og_value(const OgColumn *columns, int i, const OgSlice *values,
					 Datum *datum);

/* The bytes of a JSON value. */
extern bool og_value_json(OgSlice value, Datum *datum);

#endif							/* OG_WORKER_VALUE_H */
