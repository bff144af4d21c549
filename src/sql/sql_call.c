/*-------------------------------------------------------------------------
 *
 * sql_call.c
 *		A call: its arguments, its account, and its rows.
 *
 * The column that is the key of an act's rows always shows what was sent.  What
 * an element of the answer says is only shown in the columns of an order where
 * it is about that key, or was believed, and contradicts nothing that was asked
 * for; all of it is in "raw" or "response".
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/json.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"

#include "session/session.h"
#include "sql/sql_function.h"
#include "sql/sql_record.h"
#include "sql/sql_rows.h"
#include "worker/worker_function.h"

/* ---------- arguments ---------- */

Datum
og_sql_needed(FunctionCallInfo fcinfo, int n, const char *name)
{
	SqlGiven	nothing = {0};
	SqlParameter parameter = {name, .required = true};

	if (PG_ARGISNULL(n))
		og_argument_take(fcinfo, n, &parameter, &nothing);
	return PG_GETARG_DATUM(n);
}

const char *
og_sql_server(FunctionCallInfo fcinfo, int n)
{
	return NameStr(*DatumGetName(og_sql_needed(fcinfo, n, "server")));
}

const OgOperation *
og_sql_operation(const OgProvider *provider, const char *name)
{
	const OgOperation *operation = og_provider_operation(provider, name);

	if (operation == NULL)
		elog(ERROR, "provider %s has no operation \"%s\"", provider->name,
			 name);
	return operation;
}

static bool
takes_ids(const SqlParameter *parameters)
{
	while (parameters->name != NULL && parameters->kind != SQL_IDS)
		parameters++;
	return parameters->name != NULL;
}

/*
 * Take the arguments that leave, and the server.  Of a function of ids, all
 * that is missing, and the type of the ids, is told before anything is said of
 * a value.
 */
static const char *
take_arguments(FunctionCallInfo fcinfo, SqlCall *call)
{
	const SqlParameter *parameters = call->function->parameters;
	int			n;

	if (takes_ids(parameters))
	{
		for (n = 0; parameters[n].name != NULL; n++)
		{
			if (parameters[n].kind == SQL_IDS || PG_ARGISNULL(n))
				og_argument_take(fcinfo, n, &parameters[n], &call->given);
		}
		(void) og_sql_server(fcinfo, n);
	}
	for (n = 0; parameters[n].name != NULL; n++)
	{
		if (parameters[n].kind != SQL_IDS)
			og_argument_take(fcinfo, n, &parameters[n], &call->given);
	}
	if (call->function->complete)
		call->function->complete(&call->given);
	call->next = n + 1;
	return og_sql_server(fcinfo, n);
}

void
og_sql_open_call(SqlCall *call, const char *server, SqlPurpose purpose)
{
	const SqlFunction *function = call->function;

	call->operation = og_sql_operation(function->provider,
									   function->operation);
	if (call->operation->kind == OG_ACT && purpose != SQL_TO_SHOW)
	{
		const char *name = psprintf("%s%s()", function->name,
									purpose == SQL_TO_SUBMIT ? OG_SUBMIT : "");

		PreventCommandIfReadOnly(name);
		PreventCommandDuringRecovery(name);
	}
	call->account = og_account_open(server, function->provider,
									call->operation->kind != OG_PUBLIC);
}

void
og_sql_take_call(FunctionCallInfo fcinfo, const SqlFunction *function,
				 SqlPurpose purpose, SqlCall *call)
{
	call->function = function;
	call->given.provider = function->provider;
	og_sql_open_call(call, take_arguments(fcinfo, call), purpose);
}

/* When the requests of a preview are stamped. */
static TimestampTz
take_at(FunctionCallInfo fcinfo, const SqlCall *call)
{
	TimestampTz at = DatumGetTimestampTz(og_sql_needed(fcinfo, call->next, "at"));

	if (TIMESTAMP_NOT_FINITE(at))
		og_argument_refuse(&call->given, "at", "must be finite", NULL);
	return at;
}

/* The column that says what a row is about. */
static const char *
key_column(const SqlCall *call)
{
	return call->function->key ? call->function->key
		: og_fields_get(&call->given.fields, "by");
}

OgKeys *
og_sql_take_keys(const SqlCall *call)
{
	const SqlGiven *given = &call->given;
	OgKeys	   *keys;

	if (given->list != NULL)
		return og_ids_keys(given);
	if (given->orders != NULL)
		return given->orders;
	if (call->operation->kind != OG_ACT)
		return NULL;
	keys = og_keys_create();
	(void) og_keys_add(keys, og_slice_of(og_fields_get(&given->fields,
													   key_column(call))));
	og_keys_finish(keys);
	return keys;
}

/* ---------- acts ---------- */

/* What is the same for all acts; a row type need not have each. */
static const SqlAttribute common[] = {
	{"outcome"},				/* of the extension's own type */
	{"code", TEXTOID},
	{"message", TEXTOID},
	{"ordinal", INT4OID},
	{"batch", INT4OID},
	{"attempts", INT4OID},
	{"http_status", INT4OID},
	{"sent_at", TIMESTAMPTZOID},
	{"answered_at", TIMESTAMPTZOID},
	{"response", JSONOID}
};

/* Where rows go, and what is needed to form them. */
typedef struct ActRows
{
	SqlRows		rows;
	const OgKeys *keys;
	SqlRecord  *record;			/* its columns are an element's, NULL = none
								 * are shown */
	Oid			outcomes[OG_OUTCOMES];	/* enum values by verdict */
	int			key;			/* number of the attribute, -1 = none */
	int			key_column;		/* of the shape, -1 = it has none */

	/* ids as they were given, or NULL: the key is shown as text */
	ArrayIterator ids;
	int			position;		/* of .id */
	Datum		id;
} ActRows;

static void
open_act(ActRows *act, FunctionCallInfo fcinfo, const SqlCall *call)
{
	const SqlGiven *given = &call->given;
	const OgColumn *columns = call->operation->columns;
	const char *key = key_column(call);

	memset(act, 0, sizeof(*act));
	og_sql_rows_open(&act->rows, fcinfo);
	act->key = given->list != NULL
		? og_sql_rows_id(&act->rows, key, given->id_type)
		: og_sql_rows_attribute(&act->rows, key, TEXTOID);
	act->key_column = columns ? og_column(columns, key) : -1;
	act->position = -1;
	if (given->ids != NULL)
		act->ids = array_create_iterator(given->ids, 0, NULL);
	act->record = og_sql_record(act->rows.desc, columns);
	og_sql_rows_outcome(&act->rows, act->outcomes);
	og_sql_rows_order(&act->rows, common, lengthof(common));
}

/* The key as it was given, or as text.  Rows come in input order. */
static Datum
shown_key(ActRows *act, OgSlice key, int position)
{
	bool		isnull;

	if (act->ids == NULL)
		return PointerGetDatum(cstring_to_text_with_len(key.data,
														(int) key.len));
	for (; act->position < position; act->position++)
	{
		if (!array_iterate(act->ids, &act->id, &isnull))
			elog(ERROR, "the array of ids ended early");
	}
	return act->id;
}

/* Does an element say that it is about this key? */
static bool
is_about(const ActRows *act, const OgSlice *values, OgSlice key)
{
	return act->key_column >= 0 && og_names(values[act->key_column], key);
}

/* What the provider says of the order. */
static void
set_element(ActRows *act, const OgOutcome *outcome, OgSlice key)
{
	const OgColumn *columns = act->record->columns;
	OgSlice		values[OG_MAX_COLUMNS] = {{NULL}};

	if (columns && outcome->response.data)
	{
		og_pick_columns(columns, outcome->response, values);
		if (outcome->stranger ||
			(outcome->verdict == OG_UNKNOWN && !is_about(act, values, key)))
			memset(values, 0, sizeof(values));
	}
	og_sql_record_fill(act->record, values, outcome->response,
					   act->rows.values, act->rows.nulls);
}

static void
put_order(void *owner, const OgRow *row)
{
	ActRows    *act = owner;
	SqlRows    *rows = &act->rows;
	const OgOutcome *outcome = row->outcome;
	OgSlice		key = og_keys_get(act->keys,
								  og_keys_at(act->keys, row->position));

	og_sql_row_begin(rows);
	if (act->record->nmatches > 0)
		set_element(act, outcome, key);
	og_sql_row_set(rows, act->key, shown_key(act, key, row->position));
	og_sql_row_add(rows, InvalidOid,
				   ObjectIdGetDatum(act->outcomes[outcome->verdict]));
	og_sql_row_add_text(rows, TEXTOID, outcome->code);
	og_sql_row_add_text(rows, TEXTOID, outcome->message);
	og_sql_row_add_int(rows, row->position + 1);
	og_sql_row_add_int(rows, row->batch);
	og_sql_row_add_int(rows, row->attempts);
	if (row->http_status != 0)
		og_sql_row_add_int(rows, row->http_status);
	else
		og_sql_row_add_nulls(rows, 1);
	og_sql_row_add_time(rows, row->sent_at);
	og_sql_row_add_time(rows, row->answered_at);
	og_sql_row_add_bytes(rows, JSONOID, outcome->response);
	og_sql_row_end(rows);
}

void
og_sql_act(FunctionCallInfo fcinfo, const void *function)
{
	SqlCall		call = {0};
	ActRows		act;

	og_sql_take_call(fcinfo, function, SQL_TO_CALL, &call);
	open_act(&act, fcinfo, &call);
	act.keys = og_sql_take_keys(&call);
	if (act.keys->nkeys > 0)
		og_session_act(&(OgAct)
					   {
						   .account = call.account,
						   .operation = call.operation,
						   .arguments = &call.given.fields,
						   .keys = act.keys,
						   .function = call.function->name,
						   .functionid = fcinfo->flinfo->fn_oid,
						   .put = put_order,
						   .owner = &act
					   });
}

/* ---------- previews ---------- */

/* Headers as a JSON object, secrets masked. */
static char *
headers_json(const OgFields *headers)
{
	StringInfoData text;

	initStringInfo(&text);
	for (int i = 0; i < headers->count; i++)
	{
		const OgField *header = &headers->items[i];

		appendStringInfoChar(&text, i == 0 ? '{' : ',');
		escape_json(&text, header->name);
		appendStringInfoChar(&text, ':');
		escape_json(&text, header->secret ? OG_MASK : header->value);
	}
	appendStringInfoString(&text, headers->count == 0 ? "{}" : "}");
	return text.data;
}

static void
put_request(const OgPreview *shown, void *owner)
{
	SqlRows    *rows = owner;
	const OgRequest *request = shown->request;
	StringInfoData url;

	og_sql_row_begin(rows);
	initStringInfo(&url);
	og_append_url(&url, shown->base_url, request, true);
	og_sql_row_add_int(rows, shown->batch);
	og_sql_row_add_int(rows, shown->nkeys);
	og_sql_row_add_text(rows, TEXTOID, og_method_name(request->method));
	og_sql_row_add_text(rows, TEXTOID, url.data);
	og_sql_row_add_text(rows, JSONOID, headers_json(&request->headers));
	og_sql_row_add_text(rows, TEXTOID,
						request->body.len > 0 ? request->body.data : NULL);
	og_sql_row_end(rows);
}

void
og_sql_preview(FunctionCallInfo fcinfo, const void *function)
{
	SqlCall		call = {0};
	SqlRows		rows;
	TimestampTz at;

	og_sql_take_call(fcinfo, function, SQL_TO_SHOW, &call);
	at = take_at(fcinfo, &call);
	og_sql_rows_open(&rows, fcinfo);
	og_call_preview(call.account, call.operation, &call.given.fields,
					og_sql_take_keys(&call), at, put_request, &rows);
}

/* ---------- reads ---------- */

typedef struct ReadRows
{
	SqlRows		rows;
	SqlRecord  *record;

	/* of rows about ids that were given: they show those, in their own type */
	const OgKeys *keys;			/* or NULL */
	int			key;
	FmgrInfo	input;
	Oid			ioparam;
} ReadRows;

static void
open_read(ReadRows *read, FunctionCallInfo fcinfo, const SqlCall *call)
{
	Oid			id_type = call->given.id_type;
	Oid			input;

	memset(read, 0, sizeof(*read));
	og_sql_rows_open(&read->rows, fcinfo);
	read->record = og_sql_record(read->rows.desc, call->operation->columns);
	if (call->given.list == NULL)
		return;
	read->key = og_sql_rows_id(&read->rows, key_column(call), id_type);
	getTypeInputInfo(getBaseType(id_type), &input, &read->ioparam);
	fmgr_info(input, &read->input);
}

/* An id that was given, in its own type. */
static Datum
id_value(ReadRows *read, int key)
{
	OgSlice		id = og_keys_get(read->keys, key);

	return InputFunctionCall(&read->input, pnstrdup(id.data, id.len),
							 read->ioparam, -1);
}

static void
put_record(void *owner, const OgRecord *record)
{
	ReadRows   *read = owner;
	SqlRows    *rows = &read->rows;

	og_sql_row_begin(rows);
	og_sql_record_fill(read->record, record->values, record->raw,
					   rows->values, rows->nulls);
	if (read->keys != NULL)
		og_sql_row_set(rows, read->key, id_value(read, record->key));
	og_sql_row_end(rows);
}

static void
forget_records(void *owner, int64 kept)
{
	og_sql_rows_keep(&((ReadRows *) owner)->rows, kept);
}

void
og_sql_read(FunctionCallInfo fcinfo, const void *function)
{
	SqlCall		call = {0};
	ReadRows	rows;
	OgRead		read = {0};

	og_sql_take_call(fcinfo, function, SQL_TO_CALL, &call);
	open_read(&rows, fcinfo, &call);
	rows.keys = og_sql_take_keys(&call);
	if (rows.keys != NULL && rows.keys->nkeys == 0)
		return;
	read.operation = call.operation;
	read.arguments = &call.given.fields;
	read.keys = rows.keys;
	read.take = put_record;
	read.forget = forget_records;
	read.owner = &rows;
	og_session_read(call.account, call.function->name, &read);
}
