/*-------------------------------------------------------------------------
 *
 * sql_act.c
 *		Acts that are no cancels: create, amend, cancel all, invest.
 *
 * Each SQL function has its arguments in the order of its table of parameters,
 * and then the server; a preview has the time of its requests last.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "funcapi.h"
#include "utils/builtins.h"

#include "session/session.h"
#include "sql/sql_act.h"
#include "sql/sql_call.h"
#include "sql/sql_rows.h"

PG_FUNCTION_INFO_V1(btse_create_order);
PG_FUNCTION_INFO_V1(btse_create_orders);
PG_FUNCTION_INFO_V1(btse_amend_order);
PG_FUNCTION_INFO_V1(btse_cancel_all);
PG_FUNCTION_INFO_V1(btse_cancel_all_after);
PG_FUNCTION_INFO_V1(btse_invest_deposit);
PG_FUNCTION_INFO_V1(btse_invest_renew);
PG_FUNCTION_INFO_V1(btse_invest_redeem);
PG_FUNCTION_INFO_V1(btse_create_order_preview);
PG_FUNCTION_INFO_V1(btse_create_orders_preview);
PG_FUNCTION_INFO_V1(btse_amend_order_preview);
PG_FUNCTION_INFO_V1(btse_cancel_all_preview);
PG_FUNCTION_INFO_V1(btse_cancel_all_after_preview);
PG_FUNCTION_INFO_V1(btse_invest_deposit_preview);
PG_FUNCTION_INFO_V1(btse_invest_renew_preview);
PG_FUNCTION_INFO_V1(btse_invest_redeem_preview);

/* The arguments of a call, checked. */
typedef struct ActCall
{
	const OgOperation *operation;
	SqlGiven	given;			/* of a single act */
	OgKeys	   *keys;			/* none: there is nothing to do */
	OgAccount  *account;
	int			nargs;			/* taken so far: where further ones begin */
} ActCall;

/* The name of the argument that says what an act is about. */
static const char *
key_of(const SqlAct *act, const OgFields *arguments)
{
	return act->key ? act->key : og_fields_get(arguments, "by");
}

/* One act: its arguments are those of the function. */
static void
take_one(FunctionCallInfo fcinfo, const SqlAct *act, ActCall *call)
{
	const char *key;

	call->given.provider = &og_btse;
	call->given.parameters = act->parameters;
	call->nargs = og_arguments_take(fcinfo, &call->given);
	if (act->complete)
		act->complete(&call->given);
	key = og_fields_get(&call->given.fields, key_of(act, &call->given.fields));
	(void) og_keys_add(call->keys, og_slice_of(key));
	og_keys_finish(call->keys);
}

/* Many: NULL is none, as an aggregate over nothing is. */
static void
take_many(FunctionCallInfo fcinfo, const SqlAct *act, ActCall *call)
{
	int			n = call->nargs++;

	if (PG_ARGISNULL(n))
		og_keys_finish(call->keys);
	else
		call->keys = og_act_orders(act, PG_GETARG_JSONB_P(n));
}

/*
 * Read and check all arguments, and open the account, all of it in the current
 * context.  "sends": requests will be sent.
 */
static void
take_arguments(FunctionCallInfo fcinfo, const SqlAct *act, bool sends,
			   ActCall *call)
{
	const char *server;

	memset(call, 0, sizeof(ActCall));
	call->operation = og_sql_operation(&og_btse, act->operation);
	call->keys = og_keys_create();
	if (act->many)
		take_many(fcinfo, act, call);
	else
		take_one(fcinfo, act, call);

	server = og_sql_server(fcinfo, call->nargs++);
	if (sends)
		og_sql_prevent_act(act->name);
	call->account = og_account_open(server, &og_btse, true);
}

/* ---------- calls ---------- */

static void
make_call(FunctionCallInfo fcinfo, const void *what)
{
	const SqlAct *act = what;
	ActCall		arguments;
	ActRows    *rows;

	take_arguments(fcinfo, act, true, &arguments);
	if (arguments.keys->nkeys == 0)
		return;
	rows = og_act_rows((ReturnSetInfo *) fcinfo->resultinfo,
					   arguments.operation,
					   key_of(act, &arguments.given.fields), arguments.keys);
	og_session_act(arguments.account, arguments.operation,
				   &arguments.given.fields, arguments.keys, act->name,
				   og_act_put_row, rows);
}

static Datum
perform(FunctionCallInfo fcinfo, const SqlAct *act)
{
	return og_sql_return_rows(fcinfo, act->name, make_call, act);
}

/* ---------- previews ---------- */

static void
show_requests(FunctionCallInfo fcinfo, const void *what)
{
	const SqlAct *act = what;
	ActCall		arguments;
	TimestampTz at;

	take_arguments(fcinfo, act, false, &arguments);
	at = og_sql_preview_time(fcinfo, arguments.nargs);
	og_call_preview(arguments.account, arguments.operation,
					&arguments.given.fields, arguments.keys, at,
					og_sql_put_preview, fcinfo->resultinfo);
}

static Datum
preview(FunctionCallInfo fcinfo, const SqlAct *act)
{
	return og_sql_return_rows(fcinfo, psprintf("%s_preview", act->name),
							  show_requests, act);
}

/* ---------- the functions ---------- */

/*
 * btse_create_order(symbol, side, type, size, price, time_in_force, tx_type, stop_price,
 * trigger_price, trail_value, post_only, client_order_id, stealth, deviation,
 * server)
 */
Datum
btse_create_order(PG_FUNCTION_ARGS)
{
	return perform(fcinfo, &og_act_create_order);
}

Datum
btse_create_order_preview(PG_FUNCTION_ARGS)
{
	return preview(fcinfo, &og_act_create_order);
}

/* btse_create_orders(orders jsonb, server) */
Datum
btse_create_orders(PG_FUNCTION_ARGS)
{
	return perform(fcinfo, &og_act_create_orders);
}

Datum
btse_create_orders_preview(PG_FUNCTION_ARGS)
{
	return preview(fcinfo, &og_act_create_orders);
}

/*
 * btse_amend_order(symbol, order_id, client_order_id, price, size, trigger_price,
 * server)
 */
Datum
btse_amend_order(PG_FUNCTION_ARGS)
{
	return perform(fcinfo, &og_act_amend_order);
}

Datum
btse_amend_order_preview(PG_FUNCTION_ARGS)
{
	return preview(fcinfo, &og_act_amend_order);
}

/* btse_cancel_all(symbol, server) */
Datum
btse_cancel_all(PG_FUNCTION_ARGS)
{
	return perform(fcinfo, &og_act_cancel_all);
}

Datum
btse_cancel_all_preview(PG_FUNCTION_ARGS)
{
	return preview(fcinfo, &og_act_cancel_all);
}

/* btse_cancel_all_after(timeout interval, server) */
Datum
btse_cancel_all_after(PG_FUNCTION_ARGS)
{
	return perform(fcinfo, &og_act_cancel_all_after);
}

Datum
btse_cancel_all_after_preview(PG_FUNCTION_ARGS)
{
	return preview(fcinfo, &og_act_cancel_all_after);
}

/* btse_invest_deposit(product_id, amount, server) */
Datum
btse_invest_deposit(PG_FUNCTION_ARGS)
{
	return perform(fcinfo, &og_act_invest_deposit);
}

Datum
btse_invest_deposit_preview(PG_FUNCTION_ARGS)
{
	return preview(fcinfo, &og_act_invest_deposit);
}

/* btse_invest_renew(order_id, auto_renew, server) */
Datum
btse_invest_renew(PG_FUNCTION_ARGS)
{
	return perform(fcinfo, &og_act_invest_renew);
}

Datum
btse_invest_renew_preview(PG_FUNCTION_ARGS)
{
	return preview(fcinfo, &og_act_invest_renew);
}

/* btse_invest_redeem(order_id, amount, server) */
Datum
btse_invest_redeem(PG_FUNCTION_ARGS)
{
	return perform(fcinfo, &og_act_invest_redeem);
}

Datum
btse_invest_redeem_preview(PG_FUNCTION_ARGS)
{
	return preview(fcinfo, &og_act_invest_redeem);
}
