/*-------------------------------------------------------------------------
 *
 * sql_functions.c
 *		The table of our SQL functions that ask a provider; and what the planner
 *		may know of them.
 *
 * An entry says what a function is called, which operation of which provider
 * it is, what its arguments are and what its rows are about.  All functions
 * that follow from it are made by its macro: of an act, the call, its preview,
 * and its submission.  Types and columns of the rows are the install script's.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

/* This header of the server declares arguments the old way. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wstrict-prototypes"
#include "nodes/nodeFuncs.h"
#pragma GCC diagnostic pop
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "nodes/supportnodes.h"
#include "optimizer/optimizer.h"
#include "utils/array.h"
#include "utils/lsyscache.h"

#include "provider/btse/provider_btse.h"
#include "sql/sql_function.h"
#include "sql/sql_rows.h"

/* ---------- how a function follows from its entry ---------- */

/*
 * The C function of a SQL function, which runs a body for an entry, or NULL: of
 * one that returns rows, and of any other.
 */
#define SQL_FUNCTION(symbol, body, entry) \
	PG_FUNCTION_INFO_V1(symbol); \
	Datum \
	symbol(PG_FUNCTION_ARGS) \
	{ \
		return og_sql_return_rows(fcinfo, #symbol, body, entry); \
	}

#define SQL_SCALAR(symbol, body, entry) \
	PG_FUNCTION_INFO_V1(symbol); \
	Datum \
	symbol(PG_FUNCTION_ARGS) \
	{ \
		return body(fcinfo, entry); \
	}

#define ENTRY(function, ...) \
	static const SqlFunction function##_entry = { \
		.name = #function, __VA_ARGS__ \
	};

#define ACT(function, ...) \
	ENTRY(function, __VA_ARGS__) \
	SQL_FUNCTION(function, og_sql_act, &function##_entry) \
	SQL_FUNCTION(function##_preview, og_sql_preview, &function##_entry) \
	SQL_SCALAR(function##_submit, og_sql_submit, &function##_entry)

#define READ(function, ...) \
	ENTRY(function, __VA_ARGS__) \
	SQL_FUNCTION(function, og_sql_read, &function##_entry)

/* ---------- parameters ---------- */

#define PARAMETERS(...)	(const SqlParameter[]) {__VA_ARGS__, {NULL}}
#define NO_PARAMETERS	(const SqlParameter[]) {{NULL}}

#define REQUIRED		.required = true
#define POSITIVE		.range = "greater than 0"

#define MARKET(name)	{name, SQL_MARKET, REQUIRED}
#define ANY_MARKET		{"symbol", SQL_MARKET}
#define IDS(name)		{name, SQL_IDS}
#define BY				{"by", SQL_CHOICE, REQUIRED, .words = og_id_kinds, \
	.preset = "order_id"}
#define ORDER			{"order_id", SQL_ID}, {"client_order_id", SQL_ID}
#define STRETCH			{"from_time", SQL_FROM}, {"to_time", SQL_TO}
#define COUNT(name)		{name, SQL_COUNT, .least = 1}

static const char *const sides[] = {"BUY", "SELL", NULL};
static const char *const types[] = {"LIMIT", "MARKET", "OCO", "PEG", NULL};
static const char *const tx_types[] = {"LIMIT", "STOP", "TRIGGER", NULL};
static const char *const times_in_force[] = {
	"GTC", "IOC", "FOK", "HALFMIN", "FIVEMIN", "HOUR", "TWELVEHOUR", "DAY",
	"WEEK", "MONTH", NULL
};

/* ---------- cancels ---------- */

ACT(batch_cancel, &og_xt, "cancel",
	PARAMETERS(MARKET("market"), IDS("ids")), "order_id")
ACT(tronsave_cancel, &og_tronsave, "cancel",
	PARAMETERS(IDS("ids")), "order_id")
ACT(btse_cancel, &og_btse, "cancel",
	PARAMETERS(MARKET("symbol"), IDS("ids"), BY), "order_id")
ACT(wangdian_cancel, &og_wangdian, "cancel",
	PARAMETERS(IDS("return_nos")), "order_id")

/* ---------- other acts ---------- */

ACT(btse_create_order, &og_btse, "create_order",
	PARAMETERS(MARKET("symbol"),
			   {"side", SQL_WORD, REQUIRED, .words = sides},
			   {"type", SQL_WORD, REQUIRED, .words = types},
			   {"size", SQL_AMOUNT, REQUIRED, POSITIVE},
			   {"price", SQL_AMOUNT, POSITIVE},
			   {"time_in_force", SQL_WORD, .words = times_in_force},
			   {"tx_type", SQL_WORD, .words = tx_types},
			   {"stop_price", SQL_AMOUNT, POSITIVE},
			   {"trigger_price", SQL_AMOUNT, POSITIVE},
			   {"trail_value", SQL_AMOUNT, POSITIVE},
			   {"post_only", SQL_FLAG},
			   {"client_order_id", SQL_ID},
			   {"stealth", SQL_AMOUNT,
			   .range = "greater than 0 and at most 100", .most = 100},
			   {"deviation", SQL_AMOUNT,
			   .range = "from -10 to 10", .least = -10, .most = 10}),
	"client_order_id", og_complete_order)
ACT(btse_create_orders, &og_btse, "create_order",
	PARAMETERS({"orders", SQL_ORDERS, .single = &btse_create_order_entry}),
	"client_order_id")
ACT(btse_amend_order, &og_btse, "amend_order",
	PARAMETERS(MARKET("symbol"), ORDER,
			   {"price", SQL_AMOUNT, POSITIVE},
			   {"size", SQL_AMOUNT, POSITIVE},
			   {"trigger_price", SQL_AMOUNT, POSITIVE}),
	.complete = og_complete_amendment)
ACT(btse_cancel_all, &og_btse, "cancel_all",
	PARAMETERS(MARKET("symbol")), "symbol")
ACT(btse_cancel_all_after, &og_btse, "cancel_all_after",
	PARAMETERS({"timeout", SQL_DURATION, REQUIRED}), "timeout")
ACT(btse_invest_deposit, &og_btse, "invest_deposit",
	PARAMETERS({"product_id", SQL_ID, REQUIRED},
			   {"amount", SQL_AMOUNT, REQUIRED, POSITIVE}), "product_id")
ACT(btse_invest_renew, &og_btse, "invest_renew",
	PARAMETERS({"order_id", SQL_NUMBER_ID, REQUIRED},
			   {"auto_renew", SQL_FLAG, REQUIRED}), "order_id")
ACT(btse_invest_redeem, &og_btse, "invest_redeem",
	PARAMETERS({"order_id", SQL_NUMBER_ID, REQUIRED},
			   {"amount", SQL_AMOUNT, REQUIRED, POSITIVE}), "order_id")

static const SqlFunction *const acts[] = {
	&batch_cancel_entry,
	&tronsave_cancel_entry,
	&btse_cancel_entry,
	&wangdian_cancel_entry,
	&btse_create_order_entry,
	&btse_create_orders_entry,
	&btse_amend_order_entry,
	&btse_cancel_all_entry,
	&btse_cancel_all_after_entry,
	&btse_invest_deposit_entry,
	&btse_invest_renew_entry,
	&btse_invest_redeem_entry
};

const SqlFunction *
og_sql_find_act(const char *name)
{
	for (size_t i = 0; i < lengthof(acts); i++)
	{
		if (strcmp(acts[i]->name, name) == 0)
			return acts[i];
	}
	return NULL;
}

/* ---------- reads ---------- */

READ(btse_market_summary, &og_btse, "market_summary", PARAMETERS(ANY_MARKET))
READ(btse_ohlcv, &og_btse, "ohlcv",
	 PARAMETERS(MARKET("symbol"),
				{"resolution", SQL_RESOLUTION, REQUIRED},
				STRETCH),
	 .complete = og_complete_stretch)
READ(btse_price, &og_btse, "price", PARAMETERS(ANY_MARKET))
READ(btse_orderbook, &og_btse, "orderbook",
	 PARAMETERS(MARKET("symbol"),
				{"grouping", SQL_COUNT, .most = 8},
				COUNT("limit_bids"), COUNT("limit_asks")))
READ(btse_orderbook_l2, &og_btse, "orderbook_l2",
	 PARAMETERS(MARKET("symbol"), COUNT("depth")))
READ(btse_trades, &og_btse, "trades",
	 PARAMETERS(MARKET("symbol"), STRETCH, COUNT("count")),
	 .complete = og_complete_stretch)
READ(btse_time, &og_btse, "time", NO_PARAMETERS)
READ(btse_order, &og_btse, "get_order", PARAMETERS(ORDER),
	 .complete = og_complete_one_order)
READ(btse_open_orders, &og_btse, "open_orders", PARAMETERS(ANY_MARKET, ORDER))
READ(btse_trade_history, &og_btse, "trade_history",
	 PARAMETERS(MARKET("symbol"), STRETCH, COUNT("count"), ORDER,
				{"match_symbol", SQL_FLAG}),
	 .complete = og_complete_stretch)
READ(btse_fees, &og_btse, "fees", PARAMETERS(ANY_MARKET))
READ(btse_invest_products, &og_btse, "invest_products", NO_PARAMETERS)
READ(btse_invest_orders, &og_btse, "invest_orders", NO_PARAMETERS)
READ(btse_invest_history, &og_btse, "invest_history", NO_PARAMETERS)
READ(xt_open_orders, &og_xt, "open_orders", PARAMETERS(MARKET("market")))
READ(xt_order, &og_xt, "get_order",
	 PARAMETERS(MARKET("market"), {"id", SQL_ID, REQUIRED}))
READ(xt_orders, &og_xt, "get_orders",
	 PARAMETERS(MARKET("market"), IDS("ids")), "order_id")
READ(tronsave_orders, &og_tronsave, "get_orders",
	 PARAMETERS(IDS("ids")), "order_id")
READ(wangdian_returns, &og_wangdian, "get_returns",
	 PARAMETERS(IDS("return_nos")), "return_no")

/* ---------- of any provider, and of the journal ---------- */

SQL_FUNCTION(order_gateway_check, og_sql_check, NULL)
SQL_FUNCTION(order_gateway_settle, og_sql_settle, NULL)
SQL_FUNCTION(order_gateway_wait, og_sql_wait, NULL)
SQL_FUNCTION(order_gateway_find, og_sql_find, NULL)
SQL_FUNCTION(order_gateway_pauses, og_sql_pauses, NULL)

/* ---------- what asks nobody ---------- */

PG_FUNCTION_INFO_V1(btse_codes);

/* btse_codes(): what the provider's page calls its numbers. */
Datum
btse_codes(PG_FUNCTION_ARGS)
{
	SqlRows		rows;

	InitMaterializedSRF(fcinfo, 0);
	og_sql_rows_open(&rows, fcinfo);
	for (const OgCode *code = og_btse_codes; code->name != NULL; code++)
	{
		og_sql_row_begin(&rows);
		og_sql_row_add_int(&rows, code->code);
		og_sql_row_add_text(&rows, TEXTOID, code->name);
		og_sql_row_add_text(&rows, TEXTOID, code->meaning);
		og_sql_row_end(&rows);
	}
	return (Datum) 0;
}

/* ---------- what the planner may know: how many rows ---------- */

PG_FUNCTION_INFO_V1(order_gateway_support);

/* How many elements an array expression has, or -1 where nobody knows. */
static double
length_of_array(Node *array)
{
	if (IsA(array, Const))
	{
		Const	   *constant = (Const *) array;
		ArrayType  *value;

		if (constant->constisnull)
			return 0;
		value = DatumGetArrayTypeP(constant->constvalue);
		return ArrayGetNItems(ARR_NDIM(value), ARR_DIMS(value));
	}
	if (IsA(array, ArrayExpr) && !((ArrayExpr *) array)->multidims)
		return list_length(((ArrayExpr *) array)->elements);
	return -1;
}

/* The first argument that is an array: every function of ours has one. */
static Node *
array_argument(List *args)
{
	ListCell   *cell;

	foreach(cell, args)
		if (OidIsValid(get_base_element_type(exprType(lfirst(cell)))))
			return lfirst(cell);
	return NULL;
}

/* order_gateway_support(internal): one row per id. */
Datum
order_gateway_support(PG_FUNCTION_ARGS)
{
	SupportRequestRows *request = (SupportRequestRows *) PG_GETARG_POINTER(0);
	Node	   *array;
	double		length;

	if (!IsA(request, SupportRequestRows) || !is_funcclause(request->node))
		PG_RETURN_POINTER(NULL);

	array = array_argument(((FuncExpr *) request->node)->args);
	if (array == NULL)
		PG_RETURN_POINTER(NULL);
	array = estimate_expression_value(request->root, array);
	length = length_of_array(array);
	if (length < 0)
		PG_RETURN_POINTER(NULL);
	request->rows = length;
	PG_RETURN_POINTER(request);
}
