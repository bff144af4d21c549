/*-------------------------------------------------------------------------
 *
 * sql_read.c
 *		Reads: arguments in, one row per record out.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/lsyscache.h"

#include "session/session.h"
#include "sql/sql_function.h"
#include "sql/sql_record.h"
#include "sql/sql_rows.h"

/* Where the rows of a read go. */
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
open_rows(ReadRows *read, FunctionCallInfo fcinfo, const SqlCall *call)
{
	Oid			id_type = call->given.id_type;
	Oid			input;

	memset(read, 0, sizeof(*read));
	og_sql_rows_open(&read->rows, fcinfo);
	read->record = og_sql_record(read->rows.desc, call->operation->columns);
	if (call->given.list == NULL)
		return;
	read->key = og_sql_rows_id(&read->rows, og_sql_key_column(call), id_type);
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
put_row(void *owner, const OgRecord *record)
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
forget_rows(void *owner, int64 kept)
{
	og_sql_rows_keep(&((ReadRows *) owner)->rows, kept);
}

void
og_sql_read(FunctionCallInfo fcinfo, const void *function)
{
	SqlCall		call;
	ReadRows	rows;
	OgRead		read = {0};

	og_sql_take_call(fcinfo, function, false, &call);
	open_rows(&rows, fcinfo, &call);
	rows.keys = og_sql_call_keys(&call);
	if (rows.keys != NULL && rows.keys->nkeys == 0)
		return;
	read.operation = call.operation;
	read.arguments = &call.given.fields;
	read.keys = rows.keys;
	read.take = put_row;
	read.forget = forget_rows;
	read.owner = &rows;
	og_session_read(call.account, call.function->name, &read);
}
