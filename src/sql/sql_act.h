/*-------------------------------------------------------------------------
 *
 * sql_act.h
 *		Acts that are no cancels: their tables, orders and rows.
 *
 * sql_act.c			the SQL functions, calls and previews
 * sql_act_rows.c		the rows of a call
 * sql_act_table.c		which parameters each has
 * sql_act_orders.c		many orders, out of one jsonb
 *
 *-------------------------------------------------------------------------
 */
#ifndef OG_SQL_ACT_H
#define OG_SQL_ACT_H

#include "fmgr.h"
#include "nodes/execnodes.h"

#include "gateway/gateway.h"
#include "sql/sql_argument.h"

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

/* Take one row of the call; "rows" is such an ActRows. */
extern void og_act_put_row(void *rows, const OgRow *row);

#endif							/* OG_SQL_ACT_H */
