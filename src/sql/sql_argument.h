/*-------------------------------------------------------------------------
 *
 * sql_argument.h
 *		Arguments by a table: what each holds, and what it must be.
 *
 * The parameters of a function are a list of what its arguments are, from the
 * first on; sql_call.c goes through it.  Everything here may raise errors: it
 * runs before anything is sent.
 *
 * sql_argument.c		one value, out of SQL or JSON
 * sql_ids.c			an array of ids
 * sql_orders.c			a list of orders, each with arguments of its own
 *
 *-------------------------------------------------------------------------
 */
#ifndef OG_SQL_ARGUMENT_H
#define OG_SQL_ARGUMENT_H

#include "fmgr.h"
#include "utils/array.h"
#include "utils/jsonb.h"

#include "gateway/gateway.h"
#include "provider/provider.h"

/* The longest id, in bytes, and the longest market or symbol. */
#define OG_MAX_ID		128
#define OG_MAX_MARKET	64

/* What a parameter holds, which is also what it is in SQL and in JSON. */
typedef enum SqlKind
{
	SQL_MARKET,					/* text: the name of one */
	SQL_ID,						/* text */
	SQL_NUMBER_ID,				/* text: digits */
	SQL_WORD,					/* text: one of some, in any case */
	SQL_CHOICE,					/* text: one of two, as they are written */
	SQL_AMOUNT,					/* numeric */
	SQL_COUNT,					/* int */
	SQL_RESOLUTION,				/* int: minutes of a candle */
	SQL_FLAG,					/* boolean */
	SQL_DURATION,				/* interval, as milliseconds */
	SQL_FROM,					/* timestamptz, as Unix milliseconds; both ... */
	SQL_TO,						/* ... belong to what is asked for */

	/* What does not leave as text: it goes to a place of its own. */
	SQL_IDS,					/* an array of any type that holds ids; NULL is
								 * none, as an aggregate over nothing is */
	SQL_ORDERS,					/* jsonb: an array of orders; NULL is none */
	SQL_SERVER,					/* name */
	SQL_AT						/* timestamptz: when requests are stamped */
} SqlKind;

typedef struct SqlParameter
{
	const char *name;			/* also the operation's name for it; NULL in
								 * the last row */
	SqlKind		kind;
	bool		required;
	const char *const *words;	/* of a word or choice, NULL at the end */

	/* of an amount or a count; an amount's in words, too */
	const char *range;
	int			least;			/* of an amount, 0 = must be above zero */
	int			most;			/* 0 = no such bound */

	/* of orders: the function that makes a single one of them */
	const struct SqlFunction *single;
} SqlParameter;

/* Arguments, checked one by one. */
typedef struct SqlGiven
{
	const OgProvider *provider;
	int			position;		/* of the order in a list, 0 = the only one */
	OgFields	fields;			/* those that are not null, as the text that
								 * leaves */
	const SqlParameter *list;	/* the ids', NULL = none are taken */
	ArrayType  *ids;			/* NULL = no ids */
	Oid			id_type;		/* of the array's elements, maybe a domain */
	OgKeys	   *orders;			/* NULL = none are taken */
	const char *server;
	TimestampTz at;
} SqlGiven;

/* ---------- sql_argument.c ---------- */

/* The kinds of ids that argument "by" may pick. */
extern const char *const og_id_kinds[];

/* Take a value that is not null.  Errors: 22023. */
extern void og_argument_take(SqlGiven *given, const SqlParameter *parameter,
							 Datum value);

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

/* ---------- sql_ids.c ---------- */

/*
 * Take argument n as the array of ids, whose elements' type is checked even
 * when it is NULL.  Errors: 42804.
 */
extern void og_ids_take(FunctionCallInfo fcinfo, int n,
						const SqlParameter *parameter, SqlGiven *given);

/* The texts of the ids taken, checked.  Errors: 22004, 22023. */
extern OgKeys *og_ids_keys(const SqlGiven *given);

/*
 * What is wrong with the text of an id, or NULL.  *printable tells whether
 * the id may be repeated in an error message.
 */
extern const char *og_id_fault(OgSlice id, const OgProvider *provider,
							   bool *printable);

/* ---------- sql_orders.c ---------- */

/*
 * Take the orders of a list, with the arguments of each.  Errors: 22023 with
 * the position of the order.
 */
extern void og_orders_take(SqlGiven *given, const SqlParameter *parameter,
						   Jsonb *orders);

#endif							/* OG_SQL_ARGUMENT_H */
