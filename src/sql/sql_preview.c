/*-------------------------------------------------------------------------
 *
 * sql_preview.c
 *		The requests that a call would make, as rows.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "ground/json.h"
#include "sql/sql_call.h"
#include "sql/sql_rows.h"

PG_FUNCTION_INFO_V1(batch_cancel_preview);
PG_FUNCTION_INFO_V1(tronsave_cancel_preview);
PG_FUNCTION_INFO_V1(btse_cancel_preview);
PG_FUNCTION_INFO_V1(wangdian_cancel_preview);

enum
{
	COL_BATCH,
	COL_IDS,
	COL_METHOD,
	COL_URL,
	COL_HEADERS,
	COL_BODY,
	NCOLUMNS
};

/* Headers as a JSON object, secrets masked. */
static Datum
headers_json(const OgFields *headers)
{
	StringInfoData text;
	cJSON	   *object = cJSON_CreateObject();

	for (int i = 0; i < headers->count; i++)
	{
		const OgField *header = &headers->items[i];

		cJSON_AddStringToObject(object, header->name,
								header->secret ? OG_MASK : header->value);
	}
	initStringInfo(&text);
	if (!og_json_append(&text, object))
		ereport(ERROR,
				(errcode(ERRCODE_OUT_OF_MEMORY),
				 errmsg("out of memory")));
	return CStringGetTextDatum(text.data);
}

void
og_sql_put_preview(const OgPreview *preview, void *rows)
{
	ReturnSetInfo *rsinfo = rows;
	const OgRequest *request = preview->request;
	Datum		values[NCOLUMNS] = {0};
	bool		nulls[NCOLUMNS] = {0};
	StringInfoData url;

	initStringInfo(&url);
	og_append_url(&url, preview->base_url, request, true);
	values[COL_BATCH] = Int32GetDatum(preview->batch);
	values[COL_IDS] = Int32GetDatum(preview->nkeys);
	values[COL_METHOD] = CStringGetTextDatum(og_method_name(request->method));
	values[COL_URL] = CStringGetTextDatum(url.data);
	values[COL_HEADERS] = headers_json(&request->headers);
	nulls[COL_BODY] = request->body.len == 0;
	if (request->body.len > 0)
		values[COL_BODY] = CStringGetTextDatum(request->body.data);
	tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
}

TimestampTz
og_sql_preview_time(FunctionCallInfo fcinfo, int n)
{
	TimestampTz at = DatumGetTimestampTz(og_sql_required(fcinfo, n, "at"));

	if (TIMESTAMP_NOT_FINITE(at))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" must be finite", "at")));
	return at;
}

static void
show_requests(FunctionCallInfo fcinfo, const void *what)
{
	const SqlFunction *function = what;
	SqlArguments arguments;
	TimestampTz at;
	OgKeys	   *keys;

	og_sql_arguments(fcinfo, function, false, &arguments);
	at = og_sql_preview_time(fcinfo, arguments.nargs);
	keys = og_sql_keys(function, &arguments);
	og_call_preview(arguments.account, arguments.operation, &arguments.fields,
					keys, at, og_sql_put_preview, fcinfo->resultinfo);
}

static Datum
preview(FunctionCallInfo fcinfo, const SqlFunction *function)
{
	return og_sql_return_rows(fcinfo, psprintf("%s_preview", function->name),
							  show_requests, function);
}

/* batch_cancel_preview(market, ids, server, at timestamptz) */
Datum
batch_cancel_preview(PG_FUNCTION_ARGS)
{
	return preview(fcinfo, &og_sql_batch_cancel);
}

/* tronsave_cancel_preview(ids, server, at timestamptz) */
Datum
tronsave_cancel_preview(PG_FUNCTION_ARGS)
{
	return preview(fcinfo, &og_sql_tronsave_cancel);
}

/* btse_cancel_preview(symbol, ids, by, server, at timestamptz) */
Datum
btse_cancel_preview(PG_FUNCTION_ARGS)
{
	return preview(fcinfo, &og_sql_btse_cancel);
}

/* wangdian_cancel_preview(return_nos, server, at timestamptz) */
Datum
wangdian_cancel_preview(PG_FUNCTION_ARGS)
{
	return preview(fcinfo, &og_sql_wangdian_cancel);
}
