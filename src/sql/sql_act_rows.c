/*-------------------------------------------------------------------------
 *
 * sql_act_rows.c
 *		The rows of an act: what became of it, and what the provider says of
 *		the order.
 *
 * Attributes of the row type are found by their names.  The one that is the
 * key always shows what was sent.  What an element says is only shown in the
 * others where it is about that key, or was believed, and contradicts nothing
 * that was asked for; all of it is in "raw".
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "sql/sql_act.h"
#include "sql/sql_outcome.h"
#include "sql/sql_record.h"
#include "sql/sql_rows.h"

/* Attributes that all acts have; a row type need not have the ordinal. */
enum
{
	CODE,
	MESSAGE,
	ORDINAL,
	ATTEMPTS,
	HTTP_STATUS,
	SENT_AT,
	ANSWERED_AT,
	NCOMMON
};

static const struct
{
	const char *name;
	Oid			type;
}			common[NCOMMON] = {
	{"code", TEXTOID},
	{"message", TEXTOID},
	{"ordinal", INT4OID},
	{"attempts", INT4OID},
	{"http_status", INT4OID},
	{"sent_at", TIMESTAMPTZOID},
	{"answered_at", TIMESTAMPTZOID}
};

/* Where rows go, and what is needed to form them. */
struct ActRows
{
	ReturnSetInfo *rsinfo;
	const OgColumn *columns;
	const OgKeys *keys;
	Oid			outcomes[OG_OUTCOMES];	/* enum values by verdict */
	int			outcome;		/* attribute numbers from 0, -1 = none */
	int			of[NCOMMON];
	int			key;
	int			key_column;		/* of the shape, -1 = it has none */
	SqlRecord  *record;
	Datum	   *values;
	bool	   *nulls;
	SqlScratch	scratch;
};

static void
find_attributes(ActRows *rows, const char *key)
{
	TupleDesc	desc = rows->rsinfo->setDesc;

	rows->outcome = og_sql_attribute(desc, "outcome");
	if (rows->outcome < 0)
		elog(ERROR, "the row type has no attribute \"outcome\"");
	og_sql_outcomes(TupleDescAttr(desc, rows->outcome)->atttypid,
					rows->outcomes);
	for (int i = 0; i < NCOMMON; i++)
	{
		rows->of[i] = og_sql_attribute(desc, common[i].name);
		if (rows->of[i] >= 0 &&
			TupleDescAttr(desc, rows->of[i])->atttypid != common[i].type)
			elog(ERROR, "attribute \"%s\" has an unexpected type",
				 common[i].name);
	}

	rows->key = og_sql_attribute(desc, key);
	if (rows->key >= 0 && TupleDescAttr(desc, rows->key)->atttypid != TEXTOID)
		elog(ERROR, "attribute \"%s\" has an unexpected type", key);
	rows->key_column = -1;
	for (int i = 0; rows->columns && rows->columns[i].name; i++)
	{
		if (strcmp(rows->columns[i].name, key) == 0)
			rows->key_column = i;
	}
}

static void
put(ActRows *rows, int attribute, Datum value, bool isnull)
{
	if (attribute < 0)
		return;
	rows->values[attribute] = value;
	rows->nulls[attribute] = isnull;
}

static void
put_text(ActRows *rows, int attribute, const char *text)
{
	put(rows, attribute, text ? CStringGetTextDatum(text) : (Datum) 0,
		text == NULL);
}

/* Does an element say that it is about this key? */
static bool
is_about(const ActRows *rows, const OgSlice *values, OgSlice key)
{
	return rows->key_column >= 0 &&
		og_names(values[rows->key_column], key);
}

/* What the provider says of the order. */
static void
put_element(ActRows *rows, const OgOutcome *outcome, OgSlice key)
{
	OgSlice		values[OG_MAX_COLUMNS] = {{NULL}};

	if (rows->columns && outcome->response.data)
	{
		og_pick_columns(rows->columns, outcome->response, values);
		if (outcome->stranger ||
			(outcome->verdict == OG_UNKNOWN && !is_about(rows, values, key)))
			memset(values, 0, sizeof(values));
	}
	og_sql_record_fill(rows->record, values, outcome->response, rows->values,
					   rows->nulls);
	if (rows->key >= 0)
		put(rows, rows->key,
			PointerGetDatum(cstring_to_text_with_len(key.data, (int) key.len)),
			false);
}

static void
form_row(ActRows *rows, const OgRow *row)
{
	const OgOutcome *outcome = row->outcome;

	memset(rows->nulls, true, rows->rsinfo->setDesc->natts);
	put_element(rows, outcome,
				og_keys_get(rows->keys, og_keys_at(rows->keys, row->position)));
	put(rows, rows->outcome,
		ObjectIdGetDatum(rows->outcomes[outcome->verdict]), false);
	put_text(rows, rows->of[CODE], outcome->code);
	put_text(rows, rows->of[MESSAGE], outcome->message);
	put(rows, rows->of[ORDINAL], Int32GetDatum(row->position + 1), false);
	put(rows, rows->of[ATTEMPTS], Int32GetDatum(row->attempts), false);
	put(rows, rows->of[HTTP_STATUS], Int32GetDatum(row->http_status),
		row->http_status == 0);
	put(rows, rows->of[SENT_AT], TimestampTzGetDatum(row->sent_at),
		row->sent_at == 0);
	put(rows, rows->of[ANSWERED_AT], TimestampTzGetDatum(row->answered_at),
		row->answered_at == 0);
	tuplestore_putvalues(rows->rsinfo->setResult, rows->rsinfo->setDesc,
						 rows->values, rows->nulls);
}

ActRows *
og_act_rows(ReturnSetInfo *rsinfo, const OgOperation *operation,
			const char *key, const OgKeys *keys)
{
	int			natts = rsinfo->setDesc->natts;
	ActRows    *rows = palloc0(sizeof(ActRows));

	rows->rsinfo = rsinfo;
	rows->columns = operation->columns;
	rows->keys = keys;
	rows->record = og_sql_record(rsinfo->setDesc, operation->columns);
	rows->values = palloc0(natts * sizeof(Datum));
	rows->nulls = palloc(natts * sizeof(bool));
	find_attributes(rows, key);
	og_scratch_open(&rows->scratch);
	return rows;
}

void
og_act_put_row(void *owner, const OgRow *row)
{
	ActRows    *rows = owner;
	MemoryContext old = MemoryContextSwitchTo(rows->scratch.context);

	form_row(rows, row);
	MemoryContextSwitchTo(old);
	og_scratch_row_done(&rows->scratch);
}
