/*-------------------------------------------------------------------------
 *
 * sql_stream.c
 *		Streams: started and stopped in the caller's transaction, for the stream
 *		worker to follow once that has committed; and what it shows of them.
 *
 * Whoever starts one needs what he needs to read from that server.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/transam.h"
#include "access/xlog.h"
#include "catalog/pg_type.h"
#include "foreign/foreign.h"
#include "miscadmin.h"
#include "nodes/pg_list.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "provider/btse/provider_btse.h"
#include "session/session.h"
#include "sql/sql_function.h"
#include "sql/sql_rows.h"
#include "stream/stream.h"
#include "worker/worker.h"
#include "worker/worker_journal.h"
#include "worker/worker_stream.h"
#include "worker/worker_table.h"

PG_FUNCTION_INFO_V1(btse_stream_start);
PG_FUNCTION_INFO_V1(btse_stream_stop);
PG_FUNCTION_INFO_V1(order_gateway_stream_may_see);
PG_FUNCTION_INFO_V1(order_gateway_stream_states);
PG_FUNCTION_INFO_V1(order_gateway_stream_books);
PG_FUNCTION_INFO_V1(order_gateway_stream_quotes);

/* Groupings of a book, as documented. */
#define MOST_GROUPING	8

enum
{
	ARGUMENT_KIND, ARGUMENT_SYMBOL, ARGUMENT_GROUPING, ARGUMENT_INTO_TABLE,
	ARGUMENT_SERVER
};

/* ---------- starting ---------- */

static void
need_writable(const char *function)
{
	PreventCommandIfReadOnly(function);
	PreventCommandDuringRecovery(function);
}

static void
refuse(const char *argument, const char *fault, const char *hint)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("argument \"%s\" %s", argument, fault),
			 errhint("%s", hint)));
}

static OgStreamKind
take_kind(FunctionCallInfo fcinfo)
{
	char	   *name = text_to_cstring(DatumGetTextPP(og_sql_needed(fcinfo,
																	ARGUMENT_KIND,
																	"kind")));
	OgStreamKind kind;

	if (!og_stream_kind_of(name, &kind))
		refuse("kind", "is not a kind of stream",
			   "Kinds are: l1, book, trades, fills, notifications.");
	return kind;
}

/* Of a market, its name; of an account there is none. */
static const char *
take_symbol(FunctionCallInfo fcinfo, OgStreamKind kind)
{
	char	   *symbol;

	if (PG_ARGISNULL(ARGUMENT_SYMBOL))
	{
		if (!og_stream_is_private(kind))
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("argument \"symbol\" must not be null"),
					 errhint("A stream of kind \"%s\" follows one market, such as 'BTC-USD'.",
							 og_stream_kind_name(kind))));
		return NULL;
	}
	symbol = text_to_cstring(PG_GETARG_TEXT_PP(ARGUMENT_SYMBOL));
	if (og_stream_is_private(kind))
		refuse("symbol", "must be null where an account is followed",
			   "Fills and notifications come of all markets; the log has a column symbol.");
	if (!og_provider_is_market(&og_btse, symbol))
		refuse("symbol", "is not the name of a market",
			   psprintf("It is 1 to %d letters, digits and signs of \"%s\", such as 'BTC-USD'.",
						OG_MAX_MARKET, og_btse.market_signs));
	return symbol;
}

static int
take_grouping(FunctionCallInfo fcinfo, OgStreamKind kind)
{
	int			grouping = DatumGetInt32(og_sql_needed(fcinfo,
													   ARGUMENT_GROUPING,
													   "book_grouping"));

	if (grouping < 0 || grouping > MOST_GROUPING)
		refuse("book_grouping", "is not from 0 to 8",
			   "0 is the finest that there is.");
	if (grouping != 0 && kind != OG_STREAM_BOOK)
		refuse("book_grouping", "is for streams of kind \"book\" only",
			   "Leave it out.");
	return grouping;
}

static Oid
take_table(FunctionCallInfo fcinfo, OgStreamKind kind)
{
	Oid			relid;

	if (PG_ARGISNULL(ARGUMENT_INTO_TABLE))
		return InvalidOid;
	relid = PG_GETARG_OID(ARGUMENT_INTO_TABLE);
	if (!og_stream_is_appended(kind))
		refuse("into_table", "is for streams of kind \"trades\", \"fills\" and \"notifications\" only",
			   "Books and best prices are read from btse_book, btse_book_top and btse_l1.");
	og_stream_check_target(relid, kind);
	return relid;
}

/* In the memory of a call, which the secrets of an account go with. */
static int32
start(FunctionCallInfo fcinfo)
{
	OgStreamWish wish = {0};
	OgInstallation installation;
	const char *server;
	OgAccount  *account;

	wish.kind = take_kind(fcinfo);
	wish.symbol = take_symbol(fcinfo, wish.kind);
	wish.grouping = take_grouping(fcinfo, wish.kind);
	server = og_sql_server(fcinfo, ARGUMENT_SERVER);
	need_writable(OG_STREAM_START "()");
	account = og_account_open(server, &og_btse,
							  og_stream_is_private(wish.kind));
	og_stream_need_places(account);
	wish.into_table = take_table(fcinfo, wish.kind);
	wish.functionid = fcinfo->flinfo->fn_oid;
	wish.serverid = account->serverid;
	wish.server = account->server;
	wish.roleid = GetUserId();
	wish.role = GetUserNameFromId(GetUserId(), false);
	og_sql_need_worker("Nobody would follow the stream.", "");
	og_sql_warn_of_worker("The stream is followed when it runs.");
	og_journal_installation_id(&installation);
	(void) og_stream_add(&installation.id, &wish);
	og_streamer_ask_at_commit();
	return wish.stream_id;
}

/* btse_stream_start(kind, symbol, book_grouping, into_table, server) */
Datum
btse_stream_start(PG_FUNCTION_ARGS)
{
	MemoryContext context;
	MemoryContext old;
	int32		stream_id;

	og_sql_need_utf8(OG_STREAM_START);
	context = og_session_context();
	old = MemoryContextSwitchTo(context);
	stream_id = start(fcinfo);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	PG_RETURN_INT32(stream_id);
}

/* btse_stream_stop(stream_id) */
Datum
btse_stream_stop(PG_FUNCTION_ARGS)
{
	int32		stream_id = DatumGetInt32(og_sql_needed(fcinfo, 0,
														"stream_id"));
	OgInstallation installation;

	need_writable("btse_stream_stop()");
	og_journal_installation_id(&installation);
	if (!og_stream_remove(&installation.id, stream_id))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("there is no stream %d of role \"%s\"", stream_id,
						GetUserNameFromId(GetUserId(), false)),
				 errhint("The view order_gateway_streams shows those that there are; roles that are members of that which started one can stop it.")));
	og_streamer_ask_at_commit();
	PG_RETURN_VOID();
}

/* ---------- who sees what ---------- */

/* order_gateway_stream_may_see(own, kind, server_id, server, role_id, role) */
Datum
order_gateway_stream_may_see(PG_FUNCTION_ARGS)
{
	OgStreamKind kind;

	for (int i = 0; i < 6; i++)
	{
		if (PG_ARGISNULL(i))
			PG_RETURN_NULL();
	}
	if (!og_stream_kind_of(text_to_cstring(PG_GETARG_TEXT_PP(1)), &kind))
		PG_RETURN_BOOL(false);
	PG_RETURN_BOOL(og_stream_may_see(PG_GETARG_BOOL(0), kind,
									 PG_GETARG_OID(2),
									 NameStr(*PG_GETARG_NAME(3)),
									 PG_GETARG_OID(4),
									 NameStr(*PG_GETARG_NAME(5))));
}

static bool
may_see(const OgStreamShown *shown)
{
	return og_stream_may_see(true, shown->kind, shown->serverid, "",
							 shown->roleid, "");
}

/* ---------- what is shown ---------- */

/* A table's own words (of a trigger, say) are for those of the stream's role. */
static bool
may_see_error(const OgStreamShown *shown)
{
	return shown->last_error[0] != '\0' &&
		(!shown->into_table ||
		 og_stream_may_see(true, OG_STREAM_FILLS, shown->serverid, "",
						   shown->roleid, ""));
}

static void
put_state(SqlRows *rows, const OgStreamShown *shown)
{
	og_sql_row_begin(rows);
	og_sql_row_add_int(rows, shown->stream_id);
	og_sql_row_add_text(rows, TEXTOID, og_stream_state_name(shown->state));
	og_sql_row_add_time(rows, shown->since);
	og_sql_row_add(rows, INT8OID, Int64GetDatum(shown->messages));
	og_sql_row_add(rows, INT8OID, Int64GetDatum(shown->rows));
	og_sql_row_add_time(rows, shown->last_message_at);
	og_sql_row_add_time(rows, shown->complete_until);
	og_sql_row_add(rows, INT8OID, Int64GetDatum(shown->queued));
	og_sql_row_add(rows, INT8OID, Int64GetDatum(shown->gaps));
	og_sql_row_add(rows, INT8OID, Int64GetDatum(shown->reconnects));
	og_sql_row_add_text(rows, TEXTOID, may_see_error(shown)
						? shown->last_error : NULL);
	og_sql_row_end(rows);
}

static void
show_states(FunctionCallInfo fcinfo, const void *nothing)
{
	OgStreamShown *shown;
	int			count = og_streams_shown(&shown);
	SqlRows		rows;

	og_sql_rows_open(&rows, fcinfo);
	for (int i = 0; i < count; i++)
	{
		if (may_see(&shown[i]))
			put_state(&rows, &shown[i]);
	}
}

/* order_gateway_stream_states(): one row for each stream of a worker. */
Datum
order_gateway_stream_states(PG_FUNCTION_ARGS)
{
	return og_sql_return_rows(fcinfo, "order_gateway_stream_states",
							  show_states, NULL);
}

/* ---------- books and best prices ---------- */

/* What is live is in rows of a table, of which these may be seen. */
typedef struct Showing
{
	SqlRows		rows;
	OgStreamKind kind;
	OgStreamShown *shown;		/* of that kind, live, and to be seen */
	int			count;
	FullTransactionId next;		/* later than all that wrote them */
} Showing;

static void
need_primary(const char *what)
{
	if (!RecoveryInProgress())
		return;
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("%s are not known on a standby", what),
			 errdetail("They are kept in unlogged tables."),
			 errhint("Ask the primary server.")));
}

static int
compare_shown(const void *a, const void *b)
{
	const OgStreamShown *x = a;
	const OgStreamShown *y = b;

	if (x->serverid != y->serverid)
		return x->serverid < y->serverid ? -1 : 1;
	if (x->grouping != y->grouping)
		return x->grouping < y->grouping ? -1 : 1;
	return strcmp(x->symbol, y->symbol);
}

/* Several may follow the same. */
static void
find_live(Showing *showing)
{
	int			all = og_streams_shown(&showing->shown);

	for (int i = 0; i < all; i++)
	{
		const OgStreamShown *shown = &showing->shown[i];

		if (shown->kind == showing->kind && shown->state == OG_STREAM_LIVE &&
			may_see(shown))
			showing->shown[showing->count++] = *shown;
	}
	showing->next = ReadNextFullTransactionId();
	qsort(showing->shown, showing->count, sizeof(OgStreamShown),
		  compare_shown);
}

/*
 * A transaction whose snapshot is from before it became live sees a row of an earlier
 * time, which was not shown then, and is not to be now.  What is too long ago for a
 * number to tell is known to everybody.
 */
static bool
is_seen(const Showing *showing, const OgStreamShown *shown)
{
	return U64FromFullTransactionId(showing->next) -
		U64FromFullTransactionId(shown->written_by) > PG_INT32_MAX / 2 ||
		!XidInMVCCSnapshot(XidFromFullTransactionId(shown->written_by),
						   GetActiveSnapshot());
}

static bool
is_live(const Showing *showing, const OgTableRow *row)
{
	const OgStreamShown *shown;
	OgStreamShown key = {0};

	key.serverid = DatumGetObjectId(row->values[STREAM_BOOK_SERVER_ID]);
	if (showing->kind == OG_STREAM_BOOK)
		key.grouping =
			DatumGetInt32(row->values[STREAM_BOOK_BOOK_GROUPING]);
	text_to_cstring_buffer(DatumGetTextPP(row->values[STREAM_BOOK_SYMBOL]),
						   key.symbol, sizeof(key.symbol));
	shown = bsearch(&key, showing->shown, showing->count,
					sizeof(OgStreamShown), compare_shown);
	return shown != NULL && is_seen(showing, shown);
}

/* All behind the key are shown as they are, from a column on. */
static bool
put_row(void *owner, const OgTableRow *row)
{
	static const Oid book_types[] = {
		TEXTOID, INT4OID, INT8OID, TIMESTAMPTZOID, TIMESTAMPTZOID,
		NUMERICARRAYOID, NUMERICARRAYOID, NUMERICARRAYOID, NUMERICARRAYOID
	};
	static const Oid quote_types[] = {
		TEXTOID, NUMERICOID, NUMERICOID, NUMERICOID, NUMERICOID,
		TIMESTAMPTZOID, TIMESTAMPTZOID
	};
	Showing    *showing = owner;
	bool		is_book = showing->kind == OG_STREAM_BOOK;
	ForeignServer *server;

	if (!is_live(showing, row))
		return true;
	server = GetForeignServerExtended(DatumGetObjectId(row->values[STREAM_BOOK_SERVER_ID]),
									  FSV_MISSING_OK);
	if (server == NULL)
		return true;
	og_sql_row_begin(&showing->rows);
	og_sql_row_add(&showing->rows, NAMEOID, og_name_datum(server->servername));
	for (int i = 0; i < (is_book ? lengthof(book_types) : lengthof(quote_types)); i++)
	{
		if (row->nulls[STREAM_BOOK_SYMBOL + i])
			og_sql_row_add_nulls(&showing->rows, 1);
		else
			og_sql_row_add(&showing->rows,
						   is_book ? book_types[i] : quote_types[i],
						   row->values[STREAM_BOOK_SYMBOL + i]);
	}
	og_sql_row_end(&showing->rows);
	return true;
}

/*
 * By the snapshot of the statement, so that all that it sees of a book is of one
 * moment, however often it looks.
 */
static void
show_rows(FunctionCallInfo fcinfo, const void *kind)
{
	Showing		showing = {.kind = *(const OgStreamKind *) kind};
	bool		is_book = showing.kind == OG_STREAM_BOOK;
	OgInstallation installation;
	ScanKeyData key;

	need_primary(is_book ? "order books" : "best prices");
	og_sql_rows_open(&showing.rows, fcinfo);
	find_live(&showing);
	if (showing.count == 0 || !og_journal_find(&installation))
		return;
	og_table_installation_key(&key, &installation.id);
	og_table_scan(is_book ? OG_STREAM_BOOK_TABLE : OG_STREAM_L1_TABLE,
				  is_book ? OG_STREAM_BOOK_KEY : OG_STREAM_L1_KEY,
				  GetActiveSnapshot(), &key, 1, put_row, &showing);
}

/* order_gateway_stream_books(): one row for each book that is live. */
Datum
order_gateway_stream_books(PG_FUNCTION_ARGS)
{
	static const OgStreamKind kind = OG_STREAM_BOOK;

	return og_sql_return_rows(fcinfo, "order_gateway_stream_books", show_rows,
							  &kind);
}

/* order_gateway_stream_quotes(): the same of best prices. */
Datum
order_gateway_stream_quotes(PG_FUNCTION_ARGS)
{
	static const OgStreamKind kind = OG_STREAM_L1;

	return og_sql_return_rows(fcinfo, "order_gateway_stream_quotes", show_rows,
							  &kind);
}
