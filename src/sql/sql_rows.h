/*-------------------------------------------------------------------------
 *
 * sql_rows.h
 *		Functions that return rows: where they may be called, and memory.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OG_SQL_ROWS_H
#define OG_SQL_ROWS_H

#include "fmgr.h"

/* Puts the rows of a function into its result; "what" tells which it is. */
typedef void (*SqlBody) (FunctionCallInfo fcinfo, const void *what);

/*
 * Run the body of a function that returns a set of rows.  What it allocates
 * goes afterwards, or when the (sub)transaction is rolled back.  "name" is
 * that of the function, for messages.
 *
 * Errors: 0A000 in a target list, where the function could be called more than
 * once, or in a database that is not UTF8; and those of the body.
 */
extern Datum og_sql_return_rows(FunctionCallInfo fcinfo, const char *name,
								SqlBody body, const void *what);

/* Memory that rows are formed in, one after the other. */
typedef struct SqlScratch
{
	MemoryContext context;
	uint64		nrows;
} SqlScratch;

extern void og_scratch_open(SqlScratch *scratch);

/* A row is formed and put away: the memory may be used again. */
extern void og_scratch_row_done(SqlScratch *scratch);

#endif							/* OG_SQL_ROWS_H */
