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
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "gateway_read.h"
#include "limiter.h"
#include "provider_btse.h"
#include "sql_call.h"
#include "sql_record.h"

/* Rows, and bytes of them, between two resets of the memory they are formed in. */
#define ROWS_PER_RESET	256
#define BYTES_PER_RESET	(1024 * 1024)

/* What an argument is. */
typedef enum SqlKind
{
	SQL_MARKET,					/* name of a market */
	SQL_ID,						/* an id */
	SQL_COUNT,					/* int from 1 */
	SQL_GROUPING,				/* int, how coarse a book is */
	SQL_RESOLUTION,				/* int, minutes of a candle */
	SQL_FLAG,					/* boolean */
	SQL_FROM,					/* timestamptz; both belong to what is asked */
	SQL_TO
} SqlKind;

typedef struct SqlParameter
{
	const char *name;			/* also the operation's name for it */
	SqlKind		kind;
	bool		required;
} SqlParameter;

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
		{"grouping", SQL_GROUPING},
		{"limit_bids", SQL_COUNT},
		{"limit_asks", SQL_COUNT}
	}},
	{"btse_orderbook_l2", &og_btse, "orderbook_l2", {
		MARKET_ARGUMENT,
		{"depth", SQL_COUNT}
	}},
	{"btse_trades", &og_btse, "trades", {
		MARKET_ARGUMENT,
		TIME_ARGUMENTS,
		{"count", SQL_COUNT}
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
		{"count", SQL_COUNT},
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

/* Groupings of a book. */
#define MAX_GROUPING	8

/* Lengths of candles, in minutes. */
static const int resolutions[] = {
	1, 5, 15, 30, 60, 240, 360, 1440, 10080, 43200
};

/* Where the rows of a read go. */
typedef struct ReadResult
{
	ReturnSetInfo *rsinfo;
	SqlRecord  *record;
	MemoryContext context;		/* rows are formed in it */
	uint64		nrows;
	Datum	   *values;
	bool	   *nulls;

	/* where rows are about ids given: the column with the id, or -1 */
	int			key;
	const OgKeys *keys;
	FmgrInfo	input;
	Oid			ioparam;
} ReadResult;

/* ---------- arguments ---------- */

static const char *
int_argument(Datum value, const SqlParameter *parameter, int lowest,
			 int highest)
{
	int			number = DatumGetInt32(value);

	if (number < lowest || number > highest)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" is %d", parameter->name, number),
				 highest < PG_INT32_MAX
				 ? errhint("Give a number from %d to %d.", lowest, highest)
				 : errhint("Give a number from %d on.", lowest)));
	return psprintf("%d", number);
}

static const char *
resolution_argument(Datum value, const SqlParameter *parameter)
{
	int			number = DatumGetInt32(value);

	for (size_t i = 0; i < lengthof(resolutions); i++)
	{
		if (number == resolutions[i])
			return psprintf("%d", number);
	}
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("argument \"%s\" is %d", parameter->name, number),
			 errhint("Give the minutes of a candle: 1, 5, 15, 30, 60, 240, 360, 1440 (a day), 10080 (a week) or 43200 (a month).")));
}

/* A time in Unix milliseconds: the first that is not before, or the last. */
static const char *
time_argument(Datum value, const SqlParameter *parameter)
{
	TimestampTz at = DatumGetTimestampTz(value);

	if (TIMESTAMP_NOT_FINITE(at) || og_unix_ms(at) < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" is not a time from 1970 on",
						parameter->name),
				 errhint("Give a finite time, or NULL for none.")));
	if (parameter->kind == SQL_FROM)
		at += 999;
	return psprintf(INT64_FORMAT, og_unix_ms(at));
}

/* An argument as text, checked. */
static const char *
argument_text(Datum value, const SqlRead *read, const SqlParameter *parameter)
{
	const char *name;

	switch (parameter->kind)
	{
		case SQL_MARKET:
			name = TextDatumGetCString(value);
			og_sql_check_market(name, parameter->name);
			return name;
		case SQL_ID:
			name = TextDatumGetCString(value);
			og_sql_check_id(name, read->provider, parameter->name);
			return name;
		case SQL_COUNT:
			return int_argument(value, parameter, 1, PG_INT32_MAX);
		case SQL_GROUPING:
			return int_argument(value, parameter, 0, MAX_GROUPING);
		case SQL_RESOLUTION:
			return resolution_argument(value, parameter);
		case SQL_FLAG:
			return DatumGetBool(value) ? "true" : "false";
		case SQL_FROM:
		case SQL_TO:
			return time_argument(value, parameter);
	}
	return NULL;
}

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
	int			n = 0;

	for (const SqlParameter *parameter = read->parameters;
		 n < MAX_PARAMETERS && parameter->name != NULL; parameter++, n++)
	{
		if (!PG_ARGISNULL(n))
			og_fields_add(fields, parameter->name,
						  argument_text(PG_GETARG_DATUM(n), read, parameter));
		else if (parameter->required)
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("argument \"%s\" must not be null",
							parameter->name)));
	}
	if (read->one_order && og_fields_get(fields, "order_id") == NULL &&
		og_fields_get(fields, "client_order_id") == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("arguments \"%s\" and \"%s\" must not both be null",
						"order_id", "client_order_id"),
				 errhint("Name the order by one of them; btse_open_orders() lists all that are open.")));
	check_times(fields);
	if (PG_ARGISNULL(n))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("argument \"%s\" must not be null", "server")));
	return NameStr(*PG_GETARG_NAME(n));
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
	result->context = AllocSetContextCreate(CurrentMemoryContext,
											"order_gateway rows",
											ALLOCSET_DEFAULT_SIZES);
}

/* Rows are about ids of this type, and have them in column "order_id". */
static void
add_key(ReadResult *result, Oid id_type)
{
	TupleDesc	desc = result->rsinfo->setDesc;
	Oid			input;

	result->key = og_sql_attribute(desc, "order_id");
	if (result->key < 0 ||
		TupleDescAttr(desc, result->key)->atttypid != id_type)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("column \"order_id\" was not taken for type %s, that of the ids",
						format_type_be(id_type)),
				 errhint("Give named arguments in the order in which the function declares them.")));
	getTypeInputInfo(getBaseType(id_type), &input, &result->ioparam);
	fmgr_info(input, &result->input);
}

static void
put_row(void *owner, const OgRecord *record)
{
	ReadResult *result = owner;
	TupleDesc	desc = result->rsinfo->setDesc;
	MemoryContext old = MemoryContextSwitchTo(result->context);

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
	if (++result->nrows % ROWS_PER_RESET == 0 ||
		MemoryContextMemAllocated(result->context, false) > BYTES_PER_RESET)
	{
		CHECK_FOR_INTERRUPTS();
		MemoryContextReset(result->context);
	}
}

/* ---------- the functions ---------- */

static void
make_read(FunctionCallInfo fcinfo, const SqlRead *function)
{
	OgFields	fields = {0};
	ReadResult	result;
	OgRead		read = {0};
	const char *server = take_arguments(fcinfo, function, &fields);

	read.operation = og_provider_operation(function->provider,
										   function->operation);
	if (read.operation == NULL)
		elog(ERROR, "provider %s has no operation \"%s\"",
			 function->provider->name, function->operation);
	open_result(&result, fcinfo, read.operation);
	read.account = og_account_open(server, function->provider,
								   read.operation->kind != OG_PUBLIC);
	read.arguments = &fields;
	read.function = function->name;
	read.take = put_row;
	read.owner = &result;
	og_read(&read);
}

/* The same about a list of ids. */
static void
make_read_of_ids(FunctionCallInfo fcinfo, const SqlFunction *function)
{
	SqlArguments arguments;
	ReadResult	result;
	OgRead		read = {0};

	og_sql_arguments(fcinfo, function, true, &arguments);
	read.operation = arguments.operation;
	open_result(&result, fcinfo, read.operation);
	add_key(&result, arguments.id_type);
	read.account = arguments.account;
	read.arguments = &arguments.fields;
	read.keys = result.keys = og_sql_keys(function, &arguments);
	read.function = function->name;
	read.take = put_row;
	read.owner = &result;
	if (read.keys->nkeys > 0)
		og_read(&read);
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

/* Call one or the other, in a context that goes with an error. */
static Datum
read_rows(FunctionCallInfo fcinfo, const char *name, const SqlRead *read,
		  const SqlFunction *read_of_ids)
{
	MemoryContext context;
	MemoryContext old;

	og_sql_check_context(fcinfo, name);
	InitMaterializedSRF(fcinfo, 0);
	context = og_context_create();
	old = MemoryContextSwitchTo(context);
	if (read_of_ids != NULL)
		make_read_of_ids(fcinfo, read_of_ids);
	else if (read != NULL)
		make_read(fcinfo, read);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	return (Datum) 0;
}

/* Each has an entry in the table, by its name. */
#define READ_FUNCTION(function) \
	PG_FUNCTION_INFO_V1(function); \
	Datum \
	function(PG_FUNCTION_ARGS) \
	{ \
		return read_rows(fcinfo, #function, find_read(#function), NULL); \
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

	return read_rows(fcinfo, function.name, NULL, &function);
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

	return read_rows(fcinfo, function.name, NULL, &function);
}

/* btse_codes(): what the provider's page calls its numbers; asks nobody. */
Datum
btse_codes(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;

	InitMaterializedSRF(fcinfo, 0);
	for (const OgCode *code = og_btse_codes; code->code != NULL; code++)
	{
		Datum		values[] = {
			Int32GetDatum(pg_strtoint32(code->code)),
			CStringGetTextDatum(code->name),
			CStringGetTextDatum(code->meaning)
		};
		bool		nulls[lengthof(values)] = {false};

		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values,
							 nulls);
	}
	return (Datum) 0;
}
