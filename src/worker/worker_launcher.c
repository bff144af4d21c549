/*-------------------------------------------------------------------------
 *
 * worker_launcher.c
 *		Which databases have a worker: starts and restarts them; and stream
 *		workers, beside them, where there is something to follow.
 *
 * One process of the cluster, in no database.  Each second, and whenever one of
 * its workers has ended, it looks up which databases there are, so one that is
 * made later gets its worker.  The server restarts none of them: a worker that
 * the server revived beside one of ours would be one too many.
 *
 * A worker that ends is started again at once, but never sooner than a second
 * after its last start: what ends it may be there, still.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/pg_database.h"
#include "miscadmin.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/latch.h"
#include "storage/proc.h"
#include "tcop/tcopprot.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "ground/clock.h"
#include "ground/compat.h"
#include "worker/worker_internal.h"
#include "worker/worker_stream.h"

#define LAUNCHER_MAIN	"og_launcher_main"

#define LOOK_US		(LOOK_MS * INT64CONST(1000))

pg_noreturn PGDLLEXPORT void og_launcher_main(Datum argument);

/* What an entry may have running. */
typedef enum Kind
{
	GATEWAY,
	STREAMS,
	KINDS
} Kind;

static const struct
{
	const char *function;
	const char *type;
}			kinds[KINDS] = {
	[GATEWAY] = {WORKER_MAIN, "order_gateway worker"},
	[STREAMS] = {STREAMER_MAIN, "order_gateway stream worker"}
};

/* What this process started, by entry. */
typedef struct Started
{
	BackgroundWorkerHandle *handle; /* NULL = nothing, or it has ended */
	int64		at;				/* when that was tried last; 0 = never */
	bool		refused;		/* there were too many processes then */
} Started;

static Started started[KINDS][MAX_WORKERS];

/* ---------- processes ---------- */

static void
describe(BackgroundWorker *worker, const char *function, const char *type)
{
	memset(worker, 0, sizeof(*worker));
	worker->bgw_flags = BGWORKER_SHMEM_ACCESS |
		BGWORKER_BACKEND_DATABASE_CONNECTION;
	worker->bgw_start_time = BgWorkerStart_RecoveryFinished;
	strlcpy(worker->bgw_library_name, "order_gateway",
			sizeof(worker->bgw_library_name));
	strlcpy(worker->bgw_function_name, function,
			sizeof(worker->bgw_function_name));
	strlcpy(worker->bgw_type, type, sizeof(worker->bgw_type));
	strlcpy(worker->bgw_name, type, sizeof(worker->bgw_name));
}

/* pg_upgrade must not find anybody at work. */
void
og_worker_register(void)
{
	BackgroundWorker launcher;

	if (IsBinaryUpgrade)
		return;
	describe(&launcher, LAUNCHER_MAIN, "order_gateway launcher");
	launcher.bgw_restart_time = 1;
	RegisterBackgroundWorker(&launcher);
	og_worker_launched = true;
}

static void
start(int slot, Kind kind)
{
	Started    *it = &started[kind][slot];
	BackgroundWorker worker;
	OgWorkerState state;

	og_workers_get(slot, &state);
	describe(&worker, kinds[kind].function, kinds[kind].type);
	snprintf(worker.bgw_name, sizeof(worker.bgw_name), "%s for %s",
			 kinds[kind].type, NameStr(state.database));
	worker.bgw_restart_time = BGW_NEVER_RESTART;
	worker.bgw_main_arg = Int32GetDatum(slot);
	worker.bgw_notify_pid = MyProcPid;
	it->at = og_clock_now();
	it->refused = !RegisterDynamicBackgroundWorker(&worker, &it->handle);
	if (!it->refused)
		return;
	it->handle = NULL;
	if (kind == GATEWAY)
		og_workers_set_database(slot, state.dboid, OBSTACLE_CROWD);
}

/* Is what was started still there, or about to be? */
static bool
is_alive(Started *it)
{
	pid_t		pid;

	if (it->handle == NULL)
		return false;
	if (GetBackgroundWorkerPid(it->handle, &pid) != BGWH_STOPPED)
		return true;
	pfree(it->handle);
	it->handle = NULL;
	return false;
}

/* Tell of databases that go without, once, until all have theirs. */
static void
report_crowd(int missing)
{
	static bool told = false;

	if (missing > 0 && !told)
		ereport(LOG,
				(errcode(ERRCODE_INSUFFICIENT_RESOURCES),
				 errmsg_plural("order_gateway: there is no worker for %d database, because max_worker_processes (%d) are running already",
							   "order_gateway: there are no workers for %d databases, because max_worker_processes (%d) are running already",
							   missing, missing, max_worker_processes),
				 errhint("Raise max_worker_processes: order_gateway takes one, and for each database of order_gateway.databases one more, or two where streams are followed.")));
	told = missing > 0;
}

/* May one be started, and is it wanted? */
static bool
is_due_to_run(int slot, Kind kind)
{
	OgWorkerState state;

	if (kind == GATEWAY)
		return og_workers_may_start(slot);
	og_workers_get(slot, &state);
	return og_streamer_is_wanted(slot, state.dboid) &&
		og_workers_may_stream(slot, state.dboid);
}

/*
 * Start what is to be there, and end what the setting does not name any more.
 * Answers whether it could not be started; *pause is for how long there is
 * nothing to do with it.
 */
static bool
start_or_end(int slot, Kind kind, int64 now, int64 *pause)
{
	Started    *it = &started[kind][slot];
	int64		due = it->at == 0 ? 0 : it->at + LOOK_US;

	if (is_alive(it))
	{
		if (!og_workers_is_named(slot))
			TerminateBackgroundWorker(it->handle);
		return false;
	}
	if (!is_due_to_run(slot, kind))
		return false;
	if (due <= now)
		start(slot, kind);
	else
		*pause = Min(*pause, due - now);
	return it->refused;
}

/* Answers for how many milliseconds there is nothing to do. */
static long
start_and_end(void)
{
	int64		now = og_clock_now();
	int64		pause = LOOK_US;
	int			missing = 0;

	for (int slot = -1; (slot = og_workers_next(slot)) >= 0;)
	{
		bool		refused = start_or_end(slot, GATEWAY, now, &pause);

		missing += start_or_end(slot, STREAMS, now, &pause) || refused;
	}
	report_crowd(missing);
	return (long) ((pause + 999) / 1000);
}

/* ---------- databases ---------- */

typedef struct Database
{
	NameData	name;
	Oid			oid;
	bool		open;
} Database;

/*
 * All databases, in the current context.  A process in no database has no
 * indexes, nor caches of catalogs; see also the server's autovacuum launcher.
 */
static List *
read_databases(void)
{
	MemoryContext context = CurrentMemoryContext;
	List	   *databases = NIL;
	Relation	rel;
	TableScanDesc scan;
	HeapTuple	tuple;

	StartTransactionCommand();
	(void) GetTransactionSnapshot();
	rel = table_open(DatabaseRelationId, AccessShareLock);
	scan = table_beginscan_catalog(rel, 0, NULL);
	while (HeapTupleIsValid(tuple = heap_getnext(scan, ForwardScanDirection)))
	{
		Form_pg_database row = (Form_pg_database) GETSTRUCT(tuple);
		MemoryContext old = MemoryContextSwitchTo(context);
		Database   *database = palloc(sizeof(Database));

		database->name = row->datname;
		database->oid = row->oid;
		database->open = row->datallowconn &&
			row->datconnlimit != DATCONNLIMIT_INVALID_DB;
		databases = lappend(databases, database);
		MemoryContextSwitchTo(old);
	}
	table_endscan(scan);
	table_close(rel, AccessShareLock);
	CommitTransactionCommand();
	MemoryContextSwitchTo(context);
	return databases;
}

/* Note for each entry which database it is now. */
static void
look_up(void)
{
	List	   *databases = read_databases();

	og_workers_set_names(og_worker_names());
	for (int slot = -1; (slot = og_workers_next(slot)) >= 0;)
	{
		WorkerObstacle obstacle = OBSTACLE_ABSENT;
		Oid			dboid = InvalidOid;
		OgWorkerState state;
		ListCell   *cell;

		og_workers_get(slot, &state);
		foreach(cell, databases)
		{
			Database   *database = lfirst(cell);

			if (strcmp(NameStr(database->name), NameStr(state.database)) != 0)
				continue;
			obstacle = !database->open ? OBSTACLE_CLOSED
				: started[GATEWAY][slot].refused ? OBSTACLE_CROWD : OBSTACLE_NONE;
			dboid = database->open ? database->oid : InvalidOid;
		}
		og_workers_set_database(slot, dboid, obstacle);
	}
}

void
og_launcher_main(Datum argument)
{
	uint32		event = og_wait_event("OrderGatewayLauncherMain");
	MemoryContext look;

	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	pqsignal(SIGTERM, die);
	BackgroundWorkerUnblockSignals();
	BackgroundWorkerInitializeConnection(NULL, NULL, 0);
	SetConfigOption("default_transaction_isolation", "read committed",
					PGC_SUSET, PGC_S_OVERRIDE);
	og_streamer_launched();
	look = AllocSetContextCreate(TopMemoryContext, "order_gateway look",
								 ALLOCSET_SMALL_SIZES);
	for (;;)
	{
		long		pause;

		CHECK_FOR_INTERRUPTS();
		if (ConfigReloadPending)
		{
			ConfigReloadPending = false;
			ProcessConfigFile(PGC_SIGHUP);
		}
		og_workers_tell_read_only(DefaultXactReadOnly);
		MemoryContextSwitchTo(look);
		look_up();
		MemoryContextSwitchTo(TopMemoryContext);
		MemoryContextReset(look);
		pause = start_and_end();
		(void) WaitLatch(MyLatch,
						 WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
						 pause, event);
		ResetLatch(MyLatch);
	}
}
