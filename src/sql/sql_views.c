/*-------------------------------------------------------------------------
 *
 * sql_views.c
 *		What goes on and what went on, as rows: activity, statistics, limits.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_foreign_server.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

#include "limiter/limiter_table.h"
#include "monitor/activity.h"
#include "monitor/stats.h"

PG_FUNCTION_INFO_V1(order_gateway_activity);
PG_FUNCTION_INFO_V1(order_gateway_stats);
PG_FUNCTION_INFO_V1(order_gateway_stats_reset);
PG_FUNCTION_INFO_V1(order_gateway_limits);

/* ---------- rows ---------- */

#define MAX_COLUMNS	32

/* A row that is being filled, from its first column on. */
typedef struct Row
{
	int			ncolumns;
	Datum		values[MAX_COLUMNS];
	bool		nulls[MAX_COLUMNS];
} Row;

static void
add(Row *row, Datum value)
{
	Assert(row->ncolumns < MAX_COLUMNS);
	row->nulls[row->ncolumns] = false;
	row->values[row->ncolumns++] = value;
}

static void
add_null(Row *row)
{
	Assert(row->ncolumns < MAX_COLUMNS);
	row->values[row->ncolumns] = (Datum) 0;
	row->nulls[row->ncolumns++] = true;
}

/* NULL if there is none. */
static void
add_oid(Row *row, Oid oid)
{
	if (OidIsValid(oid))
		add(row, ObjectIdGetDatum(oid));
	else
		add_null(row);
}

static void
add_time(Row *row, TimestampTz at)
{
	if (at != 0)
		add(row, TimestampTzGetDatum(at));
	else
		add_null(row);
}

static void
add_text(Row *row, const char *text)
{
	add(row, CStringGetTextDatum(text));
}

static void
add_count(Row *row, int64 count)
{
	add(row, Int64GetDatum(count));
}

static void
add_ms(Row *row, int64 us)
{
	add(row, Float8GetDatum((double) us / 1000));
}

static void
put(const ReturnSetInfo *rsinfo, Row *row)
{
	/* Functions of a newer library, called by an older script or reversed. */
	if (row->ncolumns != rsinfo->setDesc->natts)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("the result has %d columns instead of %d",
						rsinfo->setDesc->natts, row->ncolumns),
				 errhint("Update the extension: ALTER EXTENSION order_gateway UPDATE.")));
	tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, row->values,
						 row->nulls);
	row->ncolumns = 0;
}

/* A moment of og_clock_now(), as the time of day has it; 0 = none. */
static void
add_moment(Row *row, int64 at)
{
	add_time(row, at == 0 ? 0 : GetCurrentTimestamp() + (at - og_clock_now()));
}

/* ---------- servers ---------- */

typedef enum Existence
{
	IS_THERE,
	IS_DROPPED,
	IS_ELSEWHERE				/* in another database, which cannot be seen */
} Existence;

/*
 * Is a server still there, and what is it called?  A new one of the same name
 * is another one.
 */
static Existence
find_server(const OgServerName *server, NameData *name)
{
	HeapTuple	tuple;

	*name = server->name;
	if (server->database != MyDatabaseId)
		return SearchSysCacheExists1(DATABASEOID,
									 ObjectIdGetDatum(server->database))
			? IS_ELSEWHERE : IS_DROPPED;
	tuple = SearchSysCache1(FOREIGNSERVEROID,
							ObjectIdGetDatum(server->serverid));
	if (!HeapTupleIsValid(tuple))
		return IS_DROPPED;
	*name = ((Form_pg_foreign_server) GETSTRUCT(tuple))->srvname;
	ReleaseSysCache(tuple);
	return IS_THERE;
}

/* ---------- who may ---------- */

/*
 * Statistics and limits are of all databases.  A privilege on a function
 * is of one, and easily given away (GRANT ... ON ALL FUNCTIONS IN SCHEMA, default
 * privileges); so who calls is looked at here, too.
 */
static void
require_reader_of_all(const char *what)
{
	if (!has_privs_of_role(GetUserId(), ROLE_PG_READ_ALL_STATS))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied to see %s of order_gateway", what),
				 errdetail("Only roles with privileges of the \"%s\" role may see them, since they are of all databases.",
						   "pg_read_all_stats")));
}

static void
require_superuser_for_reset(void)
{
	if (!superuser())
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied to reset statistics of order_gateway"),
				 errdetail("Only superusers may reset them, since they are of all databases.")));
}

/* ---------- activity ---------- */

static const char *
wait_name(OgWait what)
{
	switch (what)
	{
		case OG_WAIT_NONE:
			break;
		case OG_WAIT_TURN:
			return "turn";
		case OG_WAIT_CONNECT:
			return "connect";
		case OG_WAIT_ANSWER:
			return "answer";
		case OG_WAIT_BACKOFF:
			return "backoff";
	}
	return NULL;
}

/*
 * When a call will be done: when its ids are all answered at the rate there
 * was so far, but not before the pace lets its last request go.
 */
static int64
expected_end(const OgActivity *activity)
{
	int64		now = og_clock_now();
	int64		end = 0;

	if (activity->answered > 0)
		end = activity->begun +
			(int64) ((double) (now - activity->begun) *
					 activity->ids / activity->answered);
	end = Max(end, activity->last_turn);
	return end == 0 ? 0 : Max(end, now);
}

static bool
may_see(const OgActivity *activity)
{
	return has_privs_of_role(GetUserId(), ROLE_PG_READ_ALL_STATS) ||
		has_privs_of_role(GetUserId(), activity->role) ||
		has_privs_of_role(GetUserId(), activity->session_role);
}

/* order_gateway_activity(): one row per call in progress. */
Datum
order_gateway_activity(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	OgActivity *calls;
	int			count;

	InitMaterializedSRF(fcinfo, 0);
	count = og_activity_read(&calls);
	for (int i = 0; i < count; i++)
	{
		const OgActivity *call = &calls[i];
		const char *waiting = wait_name(call->waiting);
		OgServerName server = {call->database, call->serverid, call->server};
		NameData	name;
		Row			row = {0};

		if (!may_see(call))
			continue;
		(void) find_server(&server, &name);
		add(&row, Int32GetDatum(call->pid));
		add_oid(&row, call->database);
		add_oid(&row, call->role);
		add(&row, NameGetDatum(&name));
		add_text(&row, NameStr(call->function));
		add_time(&row, call->started);
		add_count(&row, call->ids);
		add_count(&row, call->answered);
		add_count(&row, call->sent);
		add_count(&row, call->answers);
		add(&row, Int32GetDatum(call->in_flight));
		add_count(&row, call->retried);
		if (waiting != NULL)
			add_text(&row, waiting);
		else
			add_null(&row);
		add_time(&row, waiting != NULL ? call->waiting_since : 0);
		add_moment(&row, expected_end(call));
		put(rsinfo, &row);
	}
	return (Datum) 0;
}

/* ---------- statistics ---------- */

static Datum
counts_array(const int64 *counts, int n)
{
	Datum	   *datums = palloc(n * sizeof(Datum));

	for (int i = 0; i < n; i++)
		datums[i] = Int64GetDatum(counts[i]);
	return PointerGetDatum(construct_array(datums, n, INT8OID, 8,
										   FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
}

static void
add_counters(Row *row, const OgStatsCounters *counters)
{
	int64		answers = counters->answers;

	add_count(row, counters->calls);
	add_count(row, counters->requests);
	add_count(row, counters->retries);
	for (int i = 0; i < OG_OUTCOMES; i++)
		add_count(row, counters->ids[i]);
	add_count(row, counters->bytes_sent);
	add_count(row, counters->bytes_received);
	add_count(row, counters->connections);
	add_ms(row, counters->turn_wait_us);
	add_count(row, answers);
	if (answers > 0)
	{
		add_ms(row, counters->answer_min_us);
		add(row, Float8GetDatum((double) counters->answer_us / 1000 / answers));
		add_ms(row, counters->answer_max_us);
	}
	else
		for (int i = 0; i < 3; i++)
			add_null(row);
	add(row, counts_array(counters->histogram, OG_STATS_BUCKETS));
}

/* order_gateway_stats(): one row per server and function. */
Datum
order_gateway_stats(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	OgStats    *rows;
	TimestampTz reset_at;
	int			count;

	require_reader_of_all("statistics");
	InitMaterializedSRF(fcinfo, 0);
	count = og_stats_read(&rows, &reset_at);
	for (int i = 0; i < count; i++)
	{
		OgServerName server = {rows[i].database, rows[i].serverid, rows[i].server};
		NameData	name;
		Existence	exists = find_server(&server, &name);
		Row			row = {0};

		add_oid(&row, rows[i].database);
		add(&row, NameGetDatum(&name));
		if (exists != IS_ELSEWHERE)
			add(&row, BoolGetDatum(exists == IS_DROPPED));
		else
			add_null(&row);
		add_text(&row, NameStr(rows[i].function));
		add_counters(&row, &rows[i].counters);
		add_time(&row, rows[i].since);
		add_time(&row, reset_at);
		put(rsinfo, &row);
	}
	return (Datum) 0;
}

/* order_gateway_stats_reset(): forget all statistics. */
Datum
order_gateway_stats_reset(PG_FUNCTION_ARGS)
{
	require_superuser_for_reset();
	og_stats_reset();
	PG_RETURN_VOID();
}

/* ---------- limits ---------- */

static const char *
lane_class(const OgLaneView *view)
{
	if (view->place.kind == OG_PLACE_HOST)
		return "host";
	return view->number == OG_LANE_QUERIES ? "queries" : "orders";
}

/* What a window counts, and when it gives the next turn. */
static void
add_window(Row *row, OgLane *lane, const OgWindow *window, int64 now)
{
	OgRuled		alone = {.lane = lane,
		.pace = {.windows = {*window}, .nwindows = 1}};
	int			used = og_lane_used(lane, window, now);
	int64		wait = og_lane_wait(&alone, now);

	add_text(row, og_pace_window_text(window));
	add(row, Int32GetDatum(window->requests));
	add(row, Int32GetDatum(used));
	add(row, Int32GetDatum(Max(window->requests - used, 0)));
	add_moment(row, wait > 0 ? now + wait : 0);
}

/*
 * One row: of a limit, or with window NULL, of a lane that has none.  The
 * server is that which used it last, unless it was dropped since.
 */
static void
put_lane(const OgLaneView *view, const OgServerName *server,
		 const OgWindow *window, const ReturnSetInfo *rsinfo)
{
	int64		now = og_clock_now();
	NameData	name;
	bool		exists = find_server(server, &name) != IS_DROPPED;
	Row			row = {0};

	add(&row, CStringGetTextDatum(pnstrdup(view->place.name, 12)));
	add_text(&row, lane_class(view));
	add_text(&row, view->place.label);
	add_oid(&row, exists ? server->database : InvalidOid);
	if (exists)
		add(&row, NameGetDatum(&name));
	else
		add_null(&row);
	if (window != NULL)
		add_window(&row, view->lane, window, now);
	else
		for (int i = 0; i < 5; i++)
			add_null(&row);
	add_moment(&row, og_lane_held_until(view->lane, now));
	add(&row, Int32GetDatum(view->waiting));
	add_moment(&row, og_lane_last_sent(view->lane));
	put(rsinfo, &row);
}

/* The note of a limit that was used last, of any server that is there. */
static const OgNote *
last_note(const OgLaneView *view, const OgWindow *window)
{
	const OgNote *last = NULL;
	NameData	name;

	for (int i = 0; i < OG_MAX_NOTES; i++)
	{
		const OgNote *note = &view->notes[i];

		if (og_note_keeps(note, window) &&
			(last == NULL || note->used > last->used) &&
			find_server(&note->server, &name) != IS_DROPPED)
			last = note;
	}
	return last;
}

/* One row per limit that servers keep, or one for a lane that has none. */
static void
show_lane(const OgLaneView *view, void *arg)
{
	bool		shown = false;

	for (int i = 0; i < OG_MAX_NOTES; i++)
	{
		const OgNote *note = &view->notes[i];

		for (int j = 0; j < note->pace.nwindows; j++)
		{
			const OgWindow *window = &note->pace.windows[j];

			if (note != last_note(view, window))
				continue;
			put_lane(view, &note->server, window, arg);
			shown = true;
		}
	}
	if (!shown)
		put_lane(view, &view->last->server, NULL, arg);
}

/* order_gateway_limits(): what is left of each window of each lane. */
Datum
order_gateway_limits(PG_FUNCTION_ARGS)
{
	require_reader_of_all("limits");
	InitMaterializedSRF(fcinfo, 0);
	og_table_attach();
	og_table_walk(show_lane, fcinfo->resultinfo);
	return (Datum) 0;
}
