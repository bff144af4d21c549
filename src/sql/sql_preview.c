/*-------------------------------------------------------------------------
 *
 * sql_preview.c
 *		The requests that a call would make, as rows.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/builtins.h"

#include "ground/json.h"
#include "sql/sql_function.h"
#include "sql/sql_rows.h"

/* Where rows go, and the numbers of their attributes. */
typedef struct PreviewRows
{
	SqlRows		rows;
	int			batch;
	int			ids;
	int			method;
	int			url;
	int			headers;
	int			body;
} PreviewRows;

static void
open_rows(PreviewRows *preview, FunctionCallInfo fcinfo)
{
	SqlRows    *rows = &preview->rows;

	og_sql_rows_open(rows, fcinfo);
	preview->batch = og_sql_rows_attribute(rows, "batch", INT4OID);
	preview->ids = og_sql_rows_attribute(rows, "ids", INT4OID);
	preview->method = og_sql_rows_attribute(rows, "method", TEXTOID);
	preview->url = og_sql_rows_attribute(rows, "url", TEXTOID);
	preview->headers = og_sql_rows_attribute(rows, "headers", JSONOID);
	preview->body = og_sql_rows_attribute(rows, "body", TEXTOID);
}

/* Headers as a JSON object, secrets masked. */
static char *
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
	return text.data;
}

static void
put_row(const OgPreview *shown, void *owner)
{
	PreviewRows *preview = owner;
	SqlRows    *rows = &preview->rows;
	const OgRequest *request = shown->request;
	StringInfoData url;

	og_sql_row_begin(rows);
	initStringInfo(&url);
	og_append_url(&url, shown->base_url, request, true);
	og_sql_row_set(rows, preview->batch, Int32GetDatum(shown->batch));
	og_sql_row_set(rows, preview->ids, Int32GetDatum(shown->nkeys));
	og_sql_row_set_text(rows, preview->method, og_method_name(request->method));
	og_sql_row_set_text(rows, preview->url, url.data);
	og_sql_row_set_text(rows, preview->headers, headers_json(&request->headers));
	if (request->body.len > 0)
		og_sql_row_set_text(rows, preview->body, request->body.data);
	og_sql_row_end(rows);
}

void
og_sql_preview(FunctionCallInfo fcinfo, const void *function)
{
	SqlCall		call;
	PreviewRows preview;

	og_sql_take_call(fcinfo, function, true, &call);
	open_rows(&preview, fcinfo);
	og_call_preview(call.account, call.operation, &call.given.fields,
					og_sql_call_keys(&call), call.given.at, put_row, &preview);
}
