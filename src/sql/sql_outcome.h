/*-------------------------------------------------------------------------
 *
 * sql_outcome.h
 *		Outcomes as values of the SQL enum order_outcome.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OG_SQL_OUTCOME_H
#define OG_SQL_OUTCOME_H

#include "provider/provider.h"

/*
 * Look up the enum's values by the type that a result really has: the
 * extension may have been dropped and created again in this session.  Errors:
 * 42704 where it lacks one.
 */
extern void og_sql_outcomes(Oid type, Oid *outcomes);

/*
 * The values of an enum, by the names of ours that they stand for.  Errors:
 * 42704 where the type lacks one.
 */
extern void og_sql_enum(Oid type, int count, const char *(*name) (int),
						Oid *values);

#endif							/* OG_SQL_OUTCOME_H */
