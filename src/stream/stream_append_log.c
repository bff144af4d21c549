/*-------------------------------------------------------------------------
 *
 * stream_append_log.c
 *		Rows of appended kinds in the extension's own logs.
 *
 * The columns of a log are known by their names, as those of a table of a user are;
 * beside them it has what tells installation, server and role.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "commands/sequence.h"
#include "utils/builtins.h"
#include "utils/rel.h"

#include "stream/stream_append.h"
#include "stream/stream_append_value.h"
#include "worker/worker_table.h"

/* What a log has, and tables of users have not. */
typedef enum OwnColumn
{
	NOT_OWN,
	OWN_INSTALLATION,
	OWN_SERVER_ID,
	OWN_ROLE_ID,
	OWN_FILL_ID,
	OWN_NOTIFICATION_ID
} OwnColumn;

static const struct
{
	const char *name;
	OwnColumn	what;
}			own_columns[] =
{
	{"installation", OWN_INSTALLATION},
	{"server_id", OWN_SERVER_ID},
	{"role_id", OWN_ROLE_ID},
	{"fill_id", OWN_FILL_ID},
	{"notification_id", OWN_NOTIFICATION_ID}
};

typedef struct LogColumn
{
	OwnColumn	own;
	AppendColumn column;		/* if it is NOT_OWN */
} LogColumn;

typedef struct Log
{
	AppendRow **rows;
	int			ncolumns;
	LogColumn	columns[OG_MOST_COLUMNS];
} Log;

static OgTable
table_of(OgStreamKind kind)
{
	switch (kind)
	{
		case OG_STREAM_TRADES:
			return OG_STREAM_TRADE_TABLE;
		case OG_STREAM_FILLS:
			return OG_STREAM_FILL_TABLE;
		default:
			return OG_STREAM_NOTIFICATION_TABLE;
	}
}

static OwnColumn
find_own(const char *name)
{
	for (int i = 0; i < lengthof(own_columns); i++)
	{
		if (strcmp(own_columns[i].name, name) == 0)
			return own_columns[i].what;
	}
	return NOT_OWN;
}

static void
match_column(LogColumn *match, const char *name, const AppendColumn *columns,
			 int count)
{
	match->own = find_own(name);
	for (int i = 0; i < count && match->own == NOT_OWN; i++)
	{
		if (strcmp(columns[i].name, name) != 0)
			continue;
		match->column = columns[i];
		return;
	}
	if (match->own == NOT_OWN)
		elog(ERROR, "nothing is known of column \"%s\"", name);
}

static void
match_columns(Log *log, OgStreamKind kind)
{
	OgTable		table = table_of(kind);
	Relation	rel = table_open(og_table_oid(table), AccessShareLock);
	AppendColumn columns[MOST_APPEND_COLUMNS];
	int			count = og_append_columns(kind, columns);

	log->ncolumns = og_table_columns[table];
	for (int i = 0; i < log->ncolumns; i++)
		match_column(&log->columns[i],
					 NameStr(TupleDescAttr(RelationGetDescr(rel), i)->attname),
					 columns, count);
	table_close(rel, NoLock);
}

static Datum
own_value(OwnColumn own, const AppendRow *row)
{
	const OgStreamWish *wish = &row->append->stream->wish;

	switch (own)
	{
		case OWN_INSTALLATION:
			return UUIDPGetDatum(&og_stream_loop.installation);
		case OWN_SERVER_ID:
			return ObjectIdGetDatum(og_server_number(wish->serverid));
		case OWN_ROLE_ID:
			return ObjectIdGetDatum(wish->roleid);
		case OWN_FILL_ID:
			return CStringGetTextDatum(row->identity.id);
		default:
			return Int64GetDatum(nextval_internal(og_table_oid(OG_STREAM_NOTIFICATION_ID),
												  false));
	}
}

static void
form_row(void *owner, int number, Datum *values, bool *nulls)
{
	const Log  *log = owner;
	const AppendRow *row = log->rows[number];

	for (int i = 0; i < log->ncolumns; i++)
	{
		const LogColumn *column = &log->columns[i];

		if (column->own != NOT_OWN)
			values[i] = own_value(column->own, row);
		else
			nulls[i] = !og_append_value(row, &column->column, &values[i]);
	}
}

void
og_log_append(OgStreamKind kind, AppendRow **rows, int count)
{
	Log		   *log = palloc(sizeof(Log));

	log->rows = rows;
	match_columns(log, kind);
	og_table_insert_many(table_of(kind), count, form_row, log);
	pfree(log);
}
