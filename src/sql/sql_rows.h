/*-------------------------------------------------------------------------
 *
 * sql_rows.h
 *		Functions that return rows: where they may be called, memory, and the
 *		rows themselves.
 *
 * Attributes of a row type are found by their names, once per call, so that a
 * later version may add some.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OG_SQL_ROWS_H
#define OG_SQL_ROWS_H

#include "access/tupdesc.h"
#include "datatype/timestamp.h"
#include "fmgr.h"

#include "ground/message.h"

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

/* Errors: 0A000 in a database that is not UTF8. */
extern void og_sql_need_utf8(const char *name);

/* Rows that are formed one after the other. */
typedef struct SqlRows
{
	FunctionCallInfo fcinfo;
	struct Tuplestorestate *store;
	TupleDesc	desc;
	Datum	   *values;			/* of the row being formed */
	bool	   *nulls;
	MemoryContext scratch;		/* what it is formed in */
	MemoryContext outside;		/* what was current before */
	int		   *order;			/* attributes as they are added, -1 = there is
								 * none; NULL = all, from the first on */
	int			next;			/* how many were added to the row */
	uint64		nrows;
} SqlRows;

/* The rows of a body, formed in memory of their own below the current. */
extern void og_sql_rows_open(SqlRows *rows, FunctionCallInfo fcinfo);

/*
 * The number of the attribute of that name, or -1; it must be of that type,
 * unless that is InvalidOid.
 */
extern int	og_sql_rows_attribute(const SqlRows *rows, const char *name, Oid type);

/* An attribute that rows are given; of any type if that is InvalidOid. */
typedef struct SqlAttribute
{
	const char *name;
	Oid			type;
} SqlAttribute;

/*
 * What is added to each row are these attributes, those that there are, in
 * this order; otherwise the row type's, from the first on.  Errors: XX000 where
 * one has another type.
 */
extern void og_sql_rows_order(SqlRows *rows, const SqlAttribute *attributes,
							  int count);

/* Begin a row, all null; set an attribute of it, if there is such; put it. */
extern void og_sql_row_begin(SqlRows *rows);
extern void og_sql_row_set(SqlRows *rows, int attribute, Datum value);
extern void og_sql_row_end(SqlRows *rows);

/* Drop all rows but the first so many. */
extern void og_sql_rows_keep(SqlRows *rows, int64 kept);

/*
 * Add the value of the attribute that is next; text that is NULL and the time 0
 * are null.  What a row type of another version of the extension does not have
 * is left out, what it has more is null.  Errors: 42804 where it is of another
 * type (InvalidOid: who opened the rows has checked it).
 */
extern void og_sql_row_add(SqlRows *rows, Oid type, Datum value);
extern void og_sql_row_add_nulls(SqlRows *rows, int count);
extern void og_sql_row_add_int(SqlRows *rows, int value);
extern void og_sql_row_add_text(SqlRows *rows, Oid type, const char *text);
extern void og_sql_row_add_bytes(SqlRows *rows, Oid type, OgSlice text);
extern void og_sql_row_add_time(SqlRows *rows, TimestampTz at);

/*
 * The values of an attribute's enum by the names of ours that they stand for,
 * looked up by the type that a result really has: the extension may have been
 * dropped and created again in this session.  Errors: 42704 where the type
 * lacks one.
 */
extern void og_sql_rows_enum(const SqlRows *rows, const char *name, int count,
							 const char *(*value) (int), Oid *values);

/* Those of attribute "outcome", by verdict. */
extern void og_sql_rows_outcome(const SqlRows *rows, Oid *outcomes);

/* Attribute of the ids' own type.  Errors: 42804 where it is of another. */
extern int	og_sql_rows_id(const SqlRows *rows, const char *name, Oid type);

#endif							/* OG_SQL_ROWS_H */
