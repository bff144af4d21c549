/*-------------------------------------------------------------------------
 *
 * sql_argument.h
 *		Arguments by a table: what each holds, and what it must be.
 *
 * Reads, and acts that are no cancels, have a table of their parameters, which
 * are the arguments of the SQL function from the first on.  An act's may also
 * come as a member of a JSON object.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OG_SQL_ARGUMENT_H
#define OG_SQL_ARGUMENT_H

#include "fmgr.h"
#include "utils/jsonb.h"

#include "provider/provider.h"

/* What a parameter holds, which is also what it is in SQL and in JSON. */
typedef enum SqlKind
{
	SQL_MARKET,					/* text: the name of one */
	SQL_ID,						/* text */
	SQL_NUMBER_ID,				/* text: digits */
	SQL_WORD,					/* text: one of some, in any case */
	SQL_AMOUNT,					/* numeric */
	SQL_COUNT,					/* int */
	SQL_RESOLUTION,				/* int: minutes of a candle */
	SQL_FLAG,					/* boolean */
	SQL_DURATION,				/* interval, as milliseconds */
	SQL_FROM,					/* timestamptz, as Unix milliseconds; both ... */
	SQL_TO						/* ... belong to what is asked for */
} SqlKind;

typedef struct SqlParameter
{
	const char *name;			/* also the operation's name for it; NULL in
								 * the last row */
	SqlKind		kind;
	bool		required;
	const char *const *words;	/* of a word, NULL at the end */

	/* of an amount or a count; an amount's in words, too */
	const char *range;
	int			least;			/* of an amount, 0 = must be above zero */
	int			most;			/* 0 = no such bound */
} SqlParameter;

/* Arguments, checked one by one, as the text that leaves. */
typedef struct SqlGiven
{
	const OgProvider *provider;
	const SqlParameter *parameters;
	int			position;		/* of the order in a list, 0 = the only one */
	OgFields	fields;			/* those that are not null */
} SqlGiven;

/*
 * Take the arguments of a function that the table has.  Answers where further
 * ones begin.  Errors: 22004, 22023.
 */
extern int	og_arguments_take(FunctionCallInfo fcinfo, SqlGiven *given);

/* Take one out of a JSON value.  Errors: 22023. */
extern void og_argument_take_json(SqlGiven *given,
								  const SqlParameter *parameter,
								  const JsonbValue *value);

/* One that is null, or missing.  Errors: 22004, 22023. */
extern void og_argument_take_null(const SqlGiven *given,
								  const SqlParameter *parameter);

/* What an error is about: argument "x", or "x" of an order in a list. */
extern const char *og_argument_subject(const SqlGiven *given,
									   const char *name);

#endif							/* OG_SQL_ARGUMENT_H */
