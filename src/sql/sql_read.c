/*-------------------------------------------------------------------------
 *
 * sql_read.c
 *		The read functions: arguments in, one row per record out.
 *
 * What a function asks and takes is one entry of a table.  All arguments but
 * the last, the server, may be NULL where they are not required, and are then
 * not sent.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"

#include "limiter/limiter.h"
#include "provider/btse/provider_btse.h"
#include "session/session.h"
#include "sql/sql_argument.h"
#include "sql/sql_call.h"
#include "sql/sql_record.h"
#include "sql/sql_rows.h"

/* Of one function, and the row after the last. */
#define MAX_PARAMETERS	8

/* One SQL function. */
typedef struct SqlRead
{
	const char *name;			/* as users call it */
	const OgProvider *provider;
	const char *operation;		/* as the provider's table names it */
	SqlParameter parameters[MAX_PARAMETERS];
	bool		one_order;		/* needs order_id or client_order_id */
} SqlRead;

#define REQUIRED true

#define MARKET_ARGUMENT		{"symbol", SQL_MARKET, REQUIRED}
#define ANY_MARKET_ARGUMENT	{"symbol", SQL_MARKET}
#define TIME_ARGUMENTS		{"from_time", SQL_FROM}, {"to_time", SQL_TO}
#define ORDER_ARGUMENTS		{"order_id", SQL_ID}, {"client_order_id", SQL_ID}

static const SqlRead reads[] = {
	{"btse_market_summary", &og_btse, "market_summary", {
		ANY_MARKET_ARGUMENT
	}},
	{"btse_ohlcv", &og_btse, "ohlcv", {
		MARKET_ARGUMENT,
		{"resolution", SQL_RESOLUTION, REQUIRED},
		TIME_ARGUMENTS
	}},
	{"btse_price", &og_btse, "price", {
		ANY_MARKET_ARGUMENT
	}},
	{"btse_orderbook", &og_btse, "orderbook", {
		MARKET_ARGUMENT,
		{"grouping", SQL_COUNT, .most = 8},
		{"limit_bids", SQL_COUNT, .least = 1},
		{"limit_asks", SQL_COUNT, .least = 1}
	}},
	{"btse_orderbook_l2", &og_btse, "orderbook_l2", {
		MARKET_ARGUMENT,
		{"depth", SQL_COUNT, .least = 1}
	}},
	{"btse_trades", &og_btse, "trades", {
		MARKET_ARGUMENT,
		TIME_ARGUMENTS,
		{"count", SQL_COUNT, .least = 1}
	}},
	{"btse_time", &og_btse, "time"},
	{"btse_order", &og_btse, "get_order", {
		ORDER_ARGUMENTS
	}, true},
	{"btse_open_orders", &og_btse, "open_orders", {
		ANY_MARKET_ARGUMENT,
		ORDER_ARGUMENTS
	}},
	{"btse_trade_history", &og_btse, "trade_history", {
		MARKET_ARGUMENT,
		TIME_ARGUMENTS,
		{"count", SQL_COUNT, .least = 1},
		ORDER_ARGUMENTS,
		{"match_symbol", SQL_FLAG}
	}},
	{"btse_fees", &og_btse, "fees", {
		ANY_MARKET_ARGUMENT
	}},
	{"btse_invest_products", &og_btse, "invest_products"},
	{"btse_invest_orders", &og_btse, "invest_orders"},
	{"btse_invest_history", &og_btse, "invest_history"},
	{"xt_open_orders", &og_xt, "open_orders", {
		{"market", SQL_MARKET, REQUIRED}
	}},
	{"xt_order", &og_xt, "get_order", {
		{"market", SQL_MARKET, REQUIRED},
		{"id", SQL_ID, REQUIRED}
	}},
};

/* Where the rows of a read go. */
typedef struct ReadResult
{
	ReturnSetInfo *rsinfo;
	SqlRecord  *record;
	SqlScratch	scratch;
	Datum	   *values;
	bool	   *nulls;

	/* where rows are about ids given: the column with the id, or -1 */
	int			key;
	const OgKeys *keys;
	FmgrInfo	input;
	Oid			ioparam;
} ReadResult;

/* ---------- arguments ---------- */

/* A stretch of time needs an end, which is not before its beginning. */
static void
check_times(OgFields *fields)
{
	const char *from = og_fields_get(fields, "from_time");
	const char *to = og_fields_get(fields, "to_time");

	if (from == NULL)
		return;
	if (to == NULL)
	{
		to = psprintf(INT64_FORMAT, og_unix_ms(GetCurrentTimestamp()));
		og_fields_add(fields, "to_time", to);
	}
	if (strtoll(from, NULL, 10) > strtoll(to, NULL, 10))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" is after \"%s\"",
						"from_time", "to_time"),
				 errhint("Both belong to what is asked for; without \"to_time\" that is now.")));
}

/* Take and check all arguments.  Answers the server's. */
static const char *
take_arguments(FunctionCallInfo fcinfo, const SqlRead *read, OgFields *fields)
{
	SqlGiven	given = {read->provider, read->parameters};
	int			n = og_arguments_take(fcinfo, &given);

	*fields = given.fields;
	if (read->one_order && og_fields_get(fields, "order_id") == NULL &&
		og_fields_get(fields, "client_order_id") == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("arguments \"%s\" and \"%s\" must not both be null",
						"order_id", "client_order_id"),
				 errhint("Name the order by one of them; btse_open_orders() lists all that are open.")));
	check_times(fields);
	return og_sql_server(fcinfo, n);
}

/* ---------- rows ---------- */

static void
open_result(ReadResult *result, FunctionCallInfo fcinfo,
			const OgOperation *operation)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	int			natts = rsinfo->setDesc->natts;

	memset(result, 0, sizeof(*result));
	result->rsinfo = rsinfo;
	result->record = og_sql_record(rsinfo->setDesc, operation->columns);
	result->values = palloc(natts * sizeof(Datum));
	result->nulls = palloc(natts * sizeof(bool));
	result->key = -1;
	og_scratch_open(&result->scratch);
}

/* Rows are about ids of this type, and have them in this column. */
static void
add_key(ReadResult *result, const char *column, Oid id_type)
{
	TupleDesc	desc = result->rsinfo->setDesc;
	Oid			input;

	result->key = og_sql_attribute(desc, column);
	og_sql_check_id_column(desc, result->key, id_type);
	getTypeInputInfo(getBaseType(id_type), &input, &result->ioparam);
	fmgr_info(input, &result->input);
}

static void
put_row(void *owner, const OgRecord *record)
{
	ReadResult *result = owner;
	TupleDesc	desc = result->rsinfo->setDesc;
	MemoryContext old = MemoryContextSwitchTo(result->scratch.context);

	memset(result->nulls, true, desc->natts * sizeof(bool));
	og_sql_record_fill(result->record, record->values, record->raw,
					   result->values, result->nulls);
	if (result->key >= 0)
	{
		OgSlice		id = og_keys_get(result->keys, record->key);

		result->values[result->key] =
			InputFunctionCall(&result->input, pnstrdup(id.data, id.len),
							  result->ioparam, -1);
		result->nulls[result->key] = false;
	}
	tuplestore_putvalues(result->rsinfo->setResult, desc, result->values,
						 result->nulls);
	MemoryContextSwitchTo(old);
	og_scratch_row_done(&result->scratch);
}

static void
forget_rows(void *owner)
{
	tuplestore_clear(((ReadResult *) owner)->rsinfo->setResult);
}

/* ---------- the functions ---------- */

static void
make_read(FunctionCallInfo fcinfo, const void *what)
{
	const SqlRead *function = what;
	OgFields	fields = {0};
	ReadResult	result;
	OgRead		read = {0};
	const char *server = take_arguments(fcinfo, function, &fields);
	OgAccount  *account;

	read.operation = og_sql_operation(function->provider, function->operation);
	open_result(&result, fcinfo, read.operation);
	account = og_account_open(server, function->provider,
							  read.operation->kind != OG_PUBLIC);
	read.arguments = &fields;
	read.take = put_row;
	read.forget = forget_rows;
	read.owner = &result;
	og_session_read(account, function->name, &read);
}

/* The same about a list of ids. */
static void
make_read_of_ids(FunctionCallInfo fcinfo, const void *what)
{
	const SqlFunction *function = what;
	SqlArguments arguments;
	ReadResult	result;
	OgRead		read = {0};

	og_sql_arguments(fcinfo, function, true, &arguments);
	read.operation = arguments.operation;
	open_result(&result, fcinfo, read.operation);
	add_key(&result, function->id_column ? function->id_column : "order_id",
			arguments.id_type);
	read.arguments = &arguments.fields;
	read.keys = result.keys = og_sql_keys(function, &arguments);
	read.take = put_row;
	read.owner = &result;
	if (read.keys->nkeys > 0)
		og_session_read(arguments.account, function->name, &read);
}

static const SqlRead *
find_read(const char *name)
{
	for (size_t i = 0; i < lengthof(reads); i++)
	{
		if (strcmp(reads[i].name, name) == 0)
			return &reads[i];
	}
	elog(ERROR, "function \"%s\" is in no table", name);
	return NULL;
}

/* Each has an entry in the table, by its name. */
#define READ_FUNCTION(function) \
	PG_FUNCTION_INFO_V1(function); \
	Datum \
	function(PG_FUNCTION_ARGS) \
	{ \
		return og_sql_return_rows(fcinfo, #function, make_read, \
								  find_read(#function)); \
	}

READ_FUNCTION(btse_market_summary)
READ_FUNCTION(btse_ohlcv)
READ_FUNCTION(btse_price)
READ_FUNCTION(btse_orderbook)
READ_FUNCTION(btse_orderbook_l2)
READ_FUNCTION(btse_trades)
READ_FUNCTION(btse_time)
READ_FUNCTION(btse_order)
READ_FUNCTION(btse_open_orders)
READ_FUNCTION(btse_trade_history)
READ_FUNCTION(btse_fees)
READ_FUNCTION(btse_invest_products)
READ_FUNCTION(btse_invest_orders)
READ_FUNCTION(btse_invest_history)
READ_FUNCTION(xt_open_orders)
READ_FUNCTION(xt_order)

PG_FUNCTION_INFO_V1(xt_orders);
PG_FUNCTION_INFO_V1(tronsave_orders);
PG_FUNCTION_INFO_V1(wangdian_returns);
PG_FUNCTION_INFO_V1(btse_codes);

/* xt_orders(market text, ids anycompatiblearray, server name) */
Datum
xt_orders(PG_FUNCTION_ARGS)
{
	static const SqlFunction function = {
		.name = "xt_orders",
		.provider = &og_xt,
		.operation = "get_orders",
		.market = "market",
		.ids = "ids"
	};

	return og_sql_return_rows(fcinfo, function.name, make_read_of_ids,
							  &function);
}

/* tronsave_orders(ids anycompatiblearray, server name) */
Datum
tronsave_orders(PG_FUNCTION_ARGS)
{
	static const SqlFunction function = {
		.name = "tronsave_orders",
		.provider = &og_tronsave,
		.operation = "get_orders",
		.ids = "ids"
	};

	return og_sql_return_rows(fcinfo, function.name, make_read_of_ids,
							  &function);
}

/* wangdian_returns(return_nos anycompatiblearray, server name) */
Datum
wangdian_returns(PG_FUNCTION_ARGS)
{
	static const SqlFunction function = {
		.name = "wangdian_returns",
		.provider = &og_wangdian,
		.operation = "get_returns",
		.ids = "return_nos",
		.id_column = "return_no"
	};

	return og_sql_return_rows(fcinfo, function.name, make_read_of_ids,
							  &function);
}

/* btse_codes(): what the provider's page calls its numbers; asks nobody. */
Datum
btse_codes(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;

	InitMaterializedSRF(fcinfo, 0);
	for (const OgCode *code = og_btse_codes; code->name != NULL; code++)
	{
		Datum		values[] = {
			Int32GetDatum(code->code),
			CStringGetTextDatum(code->name),
			CStringGetTextDatum(code->meaning)
		};
		bool		nulls[lengthof(values)] = {false};

		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values,
							 nulls);
	}
	return (Datum) 0;
}
