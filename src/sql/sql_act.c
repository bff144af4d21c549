/*-------------------------------------------------------------------------
 *
 * sql_act.c
 *		Acts: arguments in, one row per order out, of what became of it.
 *
 * The column that is the key always shows what was sent.  What an element of
 * the answer says is only shown in the columns of an order where it is about
 * that key, or was believed, and contradicts nothing that was asked for; all
 * of it is in "raw" or "response".
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/builtins.h"

#include "session/session.h"
#include "sql/sql_function.h"
#include "sql/sql_record.h"
#include "sql/sql_rows.h"

/* Attributes that are the same for all acts; a row type need not have each. */
enum
{
	CODE,
	MESSAGE,
	ORDINAL,
	BATCH,
	ATTEMPTS,
	HTTP_STATUS,
	SENT_AT,
	ANSWERED_AT,
	RESPONSE,
	NCOMMON
};

static const struct
{
	const char *name;
	Oid			type;
}			common[NCOMMON] = {
	[CODE] = {"code", TEXTOID},
	[MESSAGE] = {"message", TEXTOID},
	[ORDINAL] = {"ordinal", INT4OID},
	[BATCH] = {"batch", INT4OID},
	[ATTEMPTS] = {"attempts", INT4OID},
	[HTTP_STATUS] = {"http_status", INT4OID},
	[SENT_AT] = {"sent_at", TIMESTAMPTZOID},
	[ANSWERED_AT] = {"answered_at", TIMESTAMPTZOID},
	[RESPONSE] = {"response", JSONOID}
};

/* Where rows go, and what is needed to form them. */
typedef struct ActRows
{
	SqlRows		rows;
	const OgColumn *columns;	/* of an element, NULL = none are shown */
	const OgKeys *keys;
	SqlRecord  *record;
	Oid			outcomes[OG_OUTCOMES];	/* enum values by verdict */
	int			outcome;		/* attribute numbers from 0, -1 = none */
	int			of[NCOMMON];
	int			key;
	int			key_column;		/* of the shape, -1 = it has none */

	/* ids as they were given, or NULL: the key is shown as text */
	ArrayIterator ids;
	int			position;		/* of .id */
	Datum		id;
} ActRows;

/* The key as it was given, or as text. */
static void
find_key(ActRows *act, const SqlCall *call)
{
	const char *key = og_sql_key_column(call);
	const SqlGiven *given = &call->given;

	if (given->list != NULL)
		act->key = og_sql_rows_id(&act->rows, key, given->id_type);
	else
		act->key = og_sql_rows_attribute(&act->rows, key, TEXTOID);
	act->key_column = act->columns ? og_column(act->columns, key) : -1;
	act->position = -1;
	if (given->ids != NULL)
		act->ids = array_create_iterator(given->ids, 0, NULL);
}

static void
open_rows(ActRows *act, FunctionCallInfo fcinfo, const SqlCall *call)
{
	memset(act, 0, sizeof(*act));
	og_sql_rows_open(&act->rows, fcinfo);
	act->columns = call->operation->columns;
	find_key(act, call);
	act->record = og_sql_record(act->rows.desc, act->columns);
	act->outcome = og_sql_rows_outcome(&act->rows, act->outcomes);
	for (int i = 0; i < NCOMMON; i++)
		act->of[i] = og_sql_rows_attribute(&act->rows, common[i].name,
										   common[i].type);
}

/* Rows come in input order, so this goes ahead only. */
static void
seek_id(ActRows *act, int position)
{
	bool		isnull;

	while (act->position < position)
	{
		if (!array_iterate(act->ids, &act->id, &isnull))
			elog(ERROR, "the array of ids ended early");
		act->position++;
	}
}

static Datum
text_of(OgSlice bytes)
{
	return PointerGetDatum(cstring_to_text_with_len(bytes.data,
													(int) bytes.len));
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
	OgSlice		values[OG_MAX_COLUMNS] = {{NULL}};

	if (act->columns && outcome->response.data)
	{
		og_pick_columns(act->columns, outcome->response, values);
		if (outcome->stranger ||
			(outcome->verdict == OG_UNKNOWN && !is_about(act, values, key)))
			memset(values, 0, sizeof(values));
	}
	og_sql_record_fill(act->record, values, outcome->response,
					   act->rows.values, act->rows.nulls);
}

static void
put_row(void *owner, const OgRow *row)
{
	ActRows    *act = owner;
	SqlRows    *rows = &act->rows;
	const OgOutcome *outcome = row->outcome;
	OgSlice		key = og_keys_get(act->keys,
								  og_keys_at(act->keys, row->position));

	if (act->ids != NULL)
		seek_id(act, row->position);
	og_sql_row_begin(rows);
	if (act->record->nmatches > 0)
		set_element(act, outcome, key);
	if (act->ids != NULL)
		og_sql_row_set(rows, act->key, act->id);
	else if (act->key >= 0)
		og_sql_row_set(rows, act->key, text_of(key));
	og_sql_row_set(rows, act->outcome,
				   ObjectIdGetDatum(act->outcomes[outcome->verdict]));
	og_sql_row_set_text(rows, act->of[CODE], outcome->code);
	og_sql_row_set_text(rows, act->of[MESSAGE], outcome->message);
	og_sql_row_set(rows, act->of[ORDINAL], Int32GetDatum(row->position + 1));
	og_sql_row_set(rows, act->of[BATCH], Int32GetDatum(row->batch));
	og_sql_row_set(rows, act->of[ATTEMPTS], Int32GetDatum(row->attempts));
	if (row->http_status != 0)
		og_sql_row_set(rows, act->of[HTTP_STATUS],
					   Int32GetDatum(row->http_status));
	if (outcome->response.data && act->of[RESPONSE] >= 0)
		og_sql_row_set(rows, act->of[RESPONSE], text_of(outcome->response));
	og_sql_row_set_time(rows, act->of[SENT_AT], row->sent_at);
	og_sql_row_set_time(rows, act->of[ANSWERED_AT], row->answered_at);
	og_sql_row_end(rows);
}

/* Make the call, unless there is nothing to ask for. */
void
og_sql_act(FunctionCallInfo fcinfo, const void *function)
{
	SqlCall		arguments;
	ActRows		act;

	og_sql_take_call(fcinfo, function, false, &arguments);
	open_rows(&act, fcinfo, &arguments);
	act.keys = og_sql_call_keys(&arguments);
	if (act.keys->nkeys == 0)
		return;
	og_session_act(arguments.account, arguments.operation,
				   &arguments.given.fields, act.keys,
				   arguments.function->name, put_row, &act);
}
