/*-------------------------------------------------------------------------
 *
 * sql_cancel.c
 *		The cancel functions: ids in, one row per order out.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "session/session.h"
#include "sql/sql_call.h"
#include "sql/sql_outcome.h"
#include "sql/sql_rows.h"

PG_FUNCTION_INFO_V1(batch_cancel);
PG_FUNCTION_INFO_V1(tronsave_cancel);
PG_FUNCTION_INFO_V1(btse_cancel);
PG_FUNCTION_INFO_V1(wangdian_cancel);

/* The columns of the answer; this row is final in 1.0. */
enum
{
	COL_ORDER_ID,
	COL_OUTCOME,
	COL_CODE,
	COL_MESSAGE,
	COL_ORDINAL,
	COL_BATCH,
	COL_ATTEMPTS,
	COL_HTTP_STATUS,
	COL_SENT_AT,
	COL_ANSWERED_AT,
	COL_RESPONSE,
	NCOLUMNS
};

/* Where rows go, and what is needed to form them. */
typedef struct CancelResult
{
	ReturnSetInfo *rsinfo;
	Oid			outcomes[OG_OUTCOMES];	/* enum values by verdict */
	ArrayIterator ids;			/* stands at the id of .position */
	int			position;
	Datum		id;
	SqlScratch	scratch;
} CancelResult;

/* The rows' type must be what this code fills. */
static void
check_columns(const CancelResult *result, Oid id_type)
{
	TupleDesc	desc = result->rsinfo->setDesc;

	if (desc->natts != NCOLUMNS)
		elog(ERROR, "the result has %d columns instead of %d", desc->natts,
			 NCOLUMNS);
	if (TupleDescAttr(desc, COL_ORDER_ID)->atttypid != id_type)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("column \"order_id\" was taken for type %s, but the ids are of type %s",
						format_type_be(TupleDescAttr(desc, COL_ORDER_ID)->atttypid),
						format_type_be(id_type)),
				 errhint("Give named arguments in the order in which the function declares them.")));
}

static void
set_text(Datum *values, bool *nulls, int column, const char *text)
{
	nulls[column] = text == NULL;
	if (text)
		values[column] = CStringGetTextDatum(text);
}

static void
set_time(Datum *values, bool *nulls, int column, TimestampTz at)
{
	nulls[column] = at == 0;
	values[column] = TimestampTzGetDatum(at);
}

/* Form one row and put it away. */
static void
form_row(const CancelResult *result, const OgRow *row)
{
	const OgOutcome *outcome = row->outcome;
	Datum		values[NCOLUMNS] = {0};
	bool		nulls[NCOLUMNS] = {0};

	values[COL_ORDER_ID] = result->id;
	values[COL_OUTCOME] = ObjectIdGetDatum(result->outcomes[outcome->verdict]);
	set_text(values, nulls, COL_CODE, outcome->code);
	set_text(values, nulls, COL_MESSAGE, outcome->message);
	values[COL_ORDINAL] = Int32GetDatum(row->position + 1);
	values[COL_BATCH] = Int32GetDatum(row->batch);
	values[COL_ATTEMPTS] = Int32GetDatum(row->attempts);
	nulls[COL_HTTP_STATUS] = row->http_status == 0;
	values[COL_HTTP_STATUS] = Int32GetDatum(row->http_status);
	set_time(values, nulls, COL_SENT_AT, row->sent_at);
	set_time(values, nulls, COL_ANSWERED_AT, row->answered_at);
	nulls[COL_RESPONSE] = outcome->response.data == NULL;
	if (outcome->response.data)
		values[COL_RESPONSE] =
			PointerGetDatum(cstring_to_text_with_len(outcome->response.data,
													 (int) outcome->response.len));

	tuplestore_putvalues(result->rsinfo->setResult, result->rsinfo->setDesc,
						 values, nulls);
}

/* Step to the id that a row is about; rows come in input order. */
static void
seek_id(CancelResult *result, int position)
{
	bool		isnull;

	while (result->position < position)
	{
		if (!array_iterate(result->ids, &result->id, &isnull))
			elog(ERROR, "the array of ids ended early");
		result->position++;
	}
}

/* Take one row of the call. */
static void
put_row(void *owner, const OgRow *row)
{
	CancelResult *result = owner;
	MemoryContext old;

	seek_id(result, row->position);
	old = MemoryContextSwitchTo(result->scratch.context);
	form_row(result, row);
	MemoryContextSwitchTo(old);
	og_scratch_row_done(&result->scratch);
}

/* Make the call, unless there is nothing to ask for. */
static void
make_call(FunctionCallInfo fcinfo, const void *what)
{
	const SqlFunction *function = what;
	CancelResult result = {0};
	SqlArguments arguments;
	OgKeys	   *keys;

	og_sql_arguments(fcinfo, function, true, &arguments);
	result.rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	check_columns(&result, arguments.id_type);
	og_sql_outcomes(TupleDescAttr(result.rsinfo->setDesc,
								  COL_OUTCOME)->atttypid, result.outcomes);
	keys = og_sql_keys(function, &arguments);
	if (keys->nkeys == 0)
		return;

	result.position = -1;
	result.ids = array_create_iterator(arguments.ids, 0, NULL);
	og_scratch_open(&result.scratch);
	og_session_act(arguments.account, arguments.operation, &arguments.fields,
				   keys, function->name, put_row, &result);
}

static Datum
cancel(FunctionCallInfo fcinfo, const SqlFunction *function)
{
	return og_sql_return_rows(fcinfo, function->name, make_call, function);
}

/* batch_cancel(market text, ids anycompatiblearray, server name) */
Datum
batch_cancel(PG_FUNCTION_ARGS)
{
	return cancel(fcinfo, &og_sql_batch_cancel);
}

/* tronsave_cancel(ids anycompatiblearray, server name) */
Datum
tronsave_cancel(PG_FUNCTION_ARGS)
{
	return cancel(fcinfo, &og_sql_tronsave_cancel);
}

/* btse_cancel(symbol text, ids anycompatiblearray, by text, server name) */
Datum
btse_cancel(PG_FUNCTION_ARGS)
{
	return cancel(fcinfo, &og_sql_btse_cancel);
}

/* wangdian_cancel(return_nos anycompatiblearray, server name) */
Datum
wangdian_cancel(PG_FUNCTION_ARGS)
{
	return cancel(fcinfo, &og_sql_wangdian_cancel);
}
