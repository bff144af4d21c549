/*-------------------------------------------------------------------------
 *
 * sql_act.h
 *		Acts that are no cancels: their tables, and their arguments.
 *
 * sql_act.c			the SQL functions, calls and previews
 * sql_act_rows.c		the rows of a call
 * sql_act_table.c		which parameters each has
 * sql_act_argument.c	one argument, out of SQL or JSON, checked
 * sql_act_orders.c		many orders, out of one jsonb
 *
 *-------------------------------------------------------------------------
 */
#ifndef OG_SQL_ACT_H
#define OG_SQL_ACT_H

#include "fmgr.h"
#include "nodes/execnodes.h"
#include "utils/jsonb.h"

#include "gateway.h"
#include "provider.h"

/* What a parameter holds, which is also what it is in SQL and in JSON. */
typedef enum SqlKind
{
	SQL_SYMBOL,					/* text: a market */
	SQL_ID,						/* text */
	SQL_NUMBER_ID,				/* text: digits */
	SQL_WORD,					/* text: one of some, in any case */
	SQL_AMOUNT,					/* numeric */
	SQL_FLAG,					/* boolean */
	SQL_DURATION				/* interval, as milliseconds */
} SqlKind;

typedef struct SqlParameter
{
	const char *name;			/* NULL in the last row */
	SqlKind		kind;
	bool		required;
	const char *const *words;	/* of a word, NULL at the end */

	/* of an amount: what it must be, in words and numbers */
	const char *range;
	int			least;			/* 0 = must be above zero */
	int			most;			/* 0 = no such bound */
} SqlParameter;

/* Arguments of one act, checked one by one, as text. */
typedef struct SqlGiven
{
	const SqlParameter *parameters;
	int			position;		/* of the order in a list, 0 = the only one */
	OgFields	fields;			/* those that are not null */
} SqlGiven;

/* A function: its operation, and what is checked before it is sent. */
typedef struct SqlAct
{
	const char *name;			/* as users call it */
	const char *operation;
	const SqlParameter *parameters;
	const char *key;			/* the argument that says what it is about, and
								 * its column; NULL = what argument "by" says */
	bool		many;			/* takes a list, not the parameters themselves */

	/* Check the arguments against each other, and complete them; or NULL. */
	void		(*complete) (SqlGiven *given);
} SqlAct;

extern const SqlAct og_act_create_order;
extern const SqlAct og_act_create_orders;
extern const SqlAct og_act_amend_order;
extern const SqlAct og_act_cancel_all;
extern const SqlAct og_act_cancel_all_after;
extern const SqlAct og_act_invest_deposit;
extern const SqlAct og_act_invest_renew;
extern const SqlAct og_act_invest_redeem;

/* ---------- sql_act_argument.c ---------- */

/* What an error is about: argument "x", or "x" of an order in a list. */
extern const char *og_act_subject(const SqlGiven *given, const char *name);

/* Take an argument that is not null.  Errors: 22023. */
extern void og_act_take(SqlGiven *given, const SqlParameter *parameter,
						Datum value);

/* The same, out of a JSON value. */
extern void og_act_take_json(SqlGiven *given, const SqlParameter *parameter,
							 const JsonbValue *value);

/* An argument that is null, or missing.  Errors: 22004, 22023. */
extern void og_act_take_null(const SqlGiven *given,
							 const SqlParameter *parameter);

/* ---------- sql_act_orders.c ---------- */

/*
 * The orders of a list, with the arguments of each.  Errors: 22023 with the
 * position of the order.
 */
extern OgKeys *og_act_orders(const SqlAct *act, Jsonb *orders);

/* ---------- sql_act_rows.c ---------- */

typedef struct ActRows ActRows;

/*
 * Prepare the rows of a call, before it is made; "key" names the attribute
 * that shows the keys.  Errors: a row type that this code does not fit.
 */
extern ActRows *og_act_rows(ReturnSetInfo *rsinfo,
							const OgOperation *operation, const char *key,
							const OgKeys *keys);

/* Pull all rows of the call. */
extern void og_act_put_rows(ActRows *rows, OgCall *call);

#endif							/* OG_SQL_ACT_H */
