/*-------------------------------------------------------------------------
 *
 * sql_views.c
 *		What goes on and what went on, as rows: activity, statistics, limits,
 *		workers.
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
#include "utils/syscache.h"
#include "utils/timestamp.h"

#include "limiter/limiter_table.h"
#include "monitor/activity.h"
#include "monitor/stats.h"
#include "sql/sql_rows.h"
#include "worker/worker.h"

PG_FUNCTION_INFO_V1(order_gateway_activity);
PG_FUNCTION_INFO_V1(order_gateway_stats);
PG_FUNCTION_INFO_V1(order_gateway_stats_reset);
PG_FUNCTION_INFO_V1(order_gateway_limits);
PG_FUNCTION_INFO_V1(order_gateway_workers);

/* ---------- rows ---------- */

static void
add_count(SqlRows *rows, int64 count)
{
	og_sql_row_add(rows, INT8OID, Int64GetDatum(count));
}

static void
add_ms(SqlRows *rows, double us)
{
	og_sql_row_add(rows, FLOAT8OID, Float8GetDatum(us / 1000));
}

static void
add_oid(SqlRows *rows, Oid oid)
{
	og_sql_row_add(rows, OIDOID, ObjectIdGetDatum(oid));
}

static void
add_name(SqlRows *rows, const NameData *name)
{
	og_sql_row_add(rows, NAMEOID, NameGetDatum(name));
}

/* A moment of og_clock_now(), as the time of day has it; 0 = none. */
static void
add_moment(SqlRows *rows, int64 at)
{
	og_sql_row_add_time(rows, at == 0 ? 0
						: GetCurrentTimestamp() + (at - og_clock_now()));
}

/* ---------- servers ---------- */

/*
 * Was a server dropped?  Also told is what it is called, or was when it was
 * used last.  A new one of the same name is another one; of those in other
 * databases only these can be seen.
 */
static bool
is_dropped(const OgServerName *server, NameData *name)
{
	HeapTuple	tuple;

	*name = server->name;
	if (server->database != MyDatabaseId)
		return !SearchSysCacheExists1(DATABASEOID,
									  ObjectIdGetDatum(server->database));
	tuple = SearchSysCache1(FOREIGNSERVEROID,
							ObjectIdGetDatum(server->serverid));
	if (!HeapTupleIsValid(tuple))
		return true;
	*name = ((Form_pg_foreign_server) GETSTRUCT(tuple))->srvname;
	ReleaseSysCache(tuple);
	return false;
}

/* Where the rows of a view go. */
static void
open_view(SqlRows *rows, FunctionCallInfo fcinfo)
{
	InitMaterializedSRF(fcinfo, 0);
	og_sql_rows_open(rows, fcinfo);
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

/* ---------- activity ---------- */

static const char *const wait_names[] = {
	[OG_WAIT_TURN] = "turn",
	[OG_WAIT_CONNECT] = "connect",
	[OG_WAIT_ANSWER] = "answer",
	[OG_WAIT_BACKOFF] = "backoff",
	[OG_WAIT_JOURNAL] = "journal"
};

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

static void
put_activity(SqlRows *rows, const OgActivity *call)
{
	OgServerName server = {call->database, call->serverid, call->server};
	const char *waiting = wait_names[call->waiting];
	NameData	name;

	(void) is_dropped(&server, &name);
	og_sql_row_begin(rows);
	og_sql_row_add_int(rows, call->pid);
	add_oid(rows, call->database);
	add_oid(rows, call->role);
	add_name(rows, &name);
	og_sql_row_add_text(rows, TEXTOID, NameStr(call->function));
	og_sql_row_add_time(rows, call->started);
	add_count(rows, call->ids);
	add_count(rows, call->answered);
	add_count(rows, call->sent);
	add_count(rows, call->answers);
	og_sql_row_add_int(rows, call->in_flight);
	add_count(rows, call->retried);
	og_sql_row_add_text(rows, TEXTOID, waiting);
	og_sql_row_add_time(rows, waiting != NULL ? call->waiting_since : 0);
	add_moment(rows, expected_end(call));
	og_sql_row_end(rows);
}

/* order_gateway_activity(): one row per call in progress. */
Datum
order_gateway_activity(PG_FUNCTION_ARGS)
{
	SqlRows		rows;
	OgActivity *calls;
	int			count;

	open_view(&rows, fcinfo);
	count = og_activity_read(&calls);
	for (int i = 0; i < count; i++)
	{
		if (may_see(&calls[i]))
			put_activity(&rows, &calls[i]);
	}
	return (Datum) 0;
}

/* ---------- statistics ---------- */

static void
add_counts(SqlRows *rows, const int64 *counts, int n)
{
	Datum	   *datums = palloc(n * sizeof(Datum));

	for (int i = 0; i < n; i++)
		datums[i] = Int64GetDatum(counts[i]);
	og_sql_row_add(rows, INT8ARRAYOID,
				   PointerGetDatum(construct_array(datums, n, INT8OID, 8,
												   FLOAT8PASSBYVAL,
												   TYPALIGN_DOUBLE)));
}

static void
add_counters(SqlRows *rows, const OgStatsCounters *counters)
{
	int64		answers = counters->answers;

	add_count(rows, counters->calls);
	add_count(rows, counters->requests);
	add_count(rows, counters->retries);
	for (int i = 0; i < OG_OUTCOMES; i++)
		add_count(rows, counters->ids[i]);
	add_count(rows, counters->bytes_sent);
	add_count(rows, counters->bytes_received);
	add_count(rows, counters->connections);
	add_ms(rows, counters->turn_wait_us);
	add_count(rows, answers);
	if (answers > 0)
	{
		add_ms(rows, counters->answer_min_us);
		add_ms(rows, (double) counters->answer_us / answers);
		add_ms(rows, counters->answer_max_us);
	}
	else
		og_sql_row_add_nulls(rows, 3);
	add_counts(rows, counters->histogram, OG_STATS_BUCKETS);
}

/* order_gateway_stats(): one row per server and function. */
Datum
order_gateway_stats(PG_FUNCTION_ARGS)
{
	SqlRows		rows;
	OgStats    *stats;
	TimestampTz reset_at;
	int			count;

	require_reader_of_all("statistics");
	open_view(&rows, fcinfo);
	count = og_stats_read(&stats, &reset_at);
	for (const OgStats *row = stats; row < stats + count; row++)
	{
		OgServerName server = {row->database, row->serverid, row->server};
		NameData	name;
		bool		dropped = is_dropped(&server, &name);

		og_sql_row_begin(&rows);
		add_oid(&rows, row->database);
		add_name(&rows, &name);
		if (dropped || row->database == MyDatabaseId)
			og_sql_row_add(&rows, BOOLOID, BoolGetDatum(dropped));
		else
			og_sql_row_add_nulls(&rows, 1);
		og_sql_row_add_text(&rows, TEXTOID, NameStr(row->function));
		add_counters(&rows, &row->counters);
		og_sql_row_add_time(&rows, row->since);
		og_sql_row_add_time(&rows, reset_at);
		og_sql_row_end(&rows);
	}
	return (Datum) 0;
}

/* order_gateway_stats_reset(): forget all statistics. */
Datum
order_gateway_stats_reset(PG_FUNCTION_ARGS)
{
	if (!superuser())
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied to reset statistics of order_gateway"),
				 errdetail("Only superusers may reset them, since they are of all databases.")));
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
add_window(SqlRows *rows, OgLane *lane, const OgWindow *window, int64 now)
{
	OgRuled		alone = {.lane = lane,
		.pace = {.windows = {*window}, .nwindows = 1}};
	int			used = og_lane_used(lane, window, now);
	int64		wait = og_lane_wait(&alone, now);

	og_sql_row_add_text(rows, TEXTOID, og_pace_window_text(window));
	og_sql_row_add_int(rows, window->requests);
	og_sql_row_add_int(rows, used);
	og_sql_row_add_int(rows, Max(window->requests - used, 0));
	add_moment(rows, wait > 0 ? now + wait : 0);
}

/*
 * One row: of a limit, or with window NULL, of a lane that has none.  The
 * server is that which used it last, unless it was dropped since.
 */
static void
put_lane(SqlRows *rows, const OgLaneView *view, const OgServerName *server,
		 const OgWindow *window)
{
	int64		now = og_clock_now();
	NameData	name;

	og_sql_row_begin(rows);
	og_sql_row_add_text(rows, TEXTOID, pnstrdup(view->place.name, 12));
	og_sql_row_add_text(rows, TEXTOID, lane_class(view));
	og_sql_row_add_text(rows, TEXTOID, view->place.label);
	if (is_dropped(server, &name))
		og_sql_row_add_nulls(rows, 2);
	else
	{
		add_oid(rows, server->database);
		add_name(rows, &name);
	}
	if (window == NULL)
		og_sql_row_add_nulls(rows, 5);
	else
		add_window(rows, view->lane, window, now);
	add_moment(rows, og_lane_held_until(view->lane, now));
	og_sql_row_add_int(rows, view->waiting);
	add_moment(rows, og_lane_last_sent(view->lane));
	og_sql_row_end(rows);
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
			!is_dropped(&note->server, &name))
			last = note;
	}
	return last;
}

/* One row per limit that servers keep, or one for a lane that has none. */
static void
show_lane(const OgLaneView *view, void *rows)
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
			put_lane(rows, view, &note->server, window);
			shown = true;
		}
	}
	if (!shown)
		put_lane(rows, view, &view->last->server, NULL);
}

/* order_gateway_limits(): what is left of each window of each lane. */
Datum
order_gateway_limits(PG_FUNCTION_ARGS)
{
	SqlRows		rows;

	require_reader_of_all("limits");
	open_view(&rows, fcinfo);
	og_table_attach();
	og_table_walk(show_lane, &rows);
	return (Datum) 0;
}

/* ---------- workers ---------- */

/* What a worker tells of its calls is known while it runs. */
static void
put_worker(SqlRows *rows, const OgWorkerState *worker)
{
	const char *error = worker->last_error;

	og_sql_row_begin(rows);
	add_name(rows, &worker->database);
	if (worker->pid == 0)
		og_sql_row_add_nulls(rows, 7);
	else
	{
		og_sql_row_add_int(rows, worker->pid);
		og_sql_row_add_time(rows, worker->since);
		add_count(rows, worker->queued);
		add_count(rows, worker->in_flight);
		add_count(rows, worker->quarantined);
		og_sql_row_add_time(rows, worker->oldest_queued);
		og_sql_row_add_int(rows, worker->connections);
	}
	og_sql_row_add_time(rows, worker->last_commit);
	if (worker->pid == 0)
		og_sql_row_add_nulls(rows, 3);
	else
	{
		og_sql_row_add(rows, BOOLOID, BoolGetDatum(worker->awaits_standby));
		add_count(rows, worker->unsettled);
		og_sql_row_add_time(rows, worker->oldest_unsettled);
	}
	og_sql_row_add_text(rows, TEXTOID, error[0] != '\0' ? error : NULL);
	og_sql_row_end(rows);
}

/* order_gateway_workers(): one row per database of the setting. */
Datum
order_gateway_workers(PG_FUNCTION_ARGS)
{
	SqlRows		rows;
	OgWorkerState *workers;
	int			count;

	require_reader_of_all("workers");
	open_view(&rows, fcinfo);
	count = og_worker_read(&workers);
	for (int i = 0; i < count; i++)
		put_worker(&rows, &workers[i]);
	return (Datum) 0;
}
