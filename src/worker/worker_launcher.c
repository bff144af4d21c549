/*-------------------------------------------------------------------------
 *
 * worker_launcher.c
 *		Which databases have a worker: starts and restarts them.
 *
 * One process of the cluster, in no database.  Each second, and whenever a
 * worker of its has ended, it looks the setting's names up, so a database that
 * is made later gets its worker, and one that is dropped or renamed loses it.
 * The server restarts neither: a worker that the server revived beside one of
 * ours would be one too many.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/indexing.h"
#include "catalog/pg_database.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/latch.h"
#include "storage/proc.h"
#include "tcop/tcopprot.h"
#include "utils/fmgroids.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

#include "ground/compat.h"
#include "worker/worker_internal.h"

#define LAUNCHER_MAIN	"og_launcher_main"

pg_noreturn PGDLLEXPORT void og_launcher_main(Datum argument);

/* What this process started, by entry. */
static BackgroundWorkerHandle *handles[MAX_WORKERS];

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

void
og_worker_register(void)
{
	BackgroundWorker launcher;

	describe(&launcher, LAUNCHER_MAIN, "order_gateway launcher");
	launcher.bgw_restart_time = 1;
	RegisterBackgroundWorker(&launcher);
}

/* The database of that name, and whether it takes connections. */
static Oid
find_database(const char *name, bool *connectable)
{
	HeapTuple	tuple;
	Oid			dboid = InvalidOid;
	Relation	rel = table_open(DatabaseRelationId, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;

	ScanKeyInit(&key, Anum_pg_database_datname, BTEqualStrategyNumber,
				F_NAMEEQ, CStringGetDatum(name));
	scan = systable_beginscan(rel, DatabaseNameIndexId, true, NULL, 1, &key);
	tuple = systable_getnext(scan);
	if (HeapTupleIsValid(tuple))
	{
		Form_pg_database row = (Form_pg_database) GETSTRUCT(tuple);

		dboid = row->oid;
		*connectable = row->datallowconn;
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return dboid;
}

/* Note for each entry which database it is now. */
static void
look_up(void)
{
	StartTransactionCommand();
	for (int slot = -1; (slot = og_workers_next(slot)) >= 0;)
	{
		OgWorkerState state;
		bool		connectable = false;
		Oid			dboid;

		og_workers_get(slot, &state);
		dboid = find_database(NameStr(state.database), &connectable);
		if (!OidIsValid(dboid))
			og_workers_set_error(slot, "there is no database of this name");
		else if (!connectable)
		{
			og_workers_set_error(slot, "the database takes no connections");
			dboid = InvalidOid;
		}
		if (state.pid == 0)
			og_workers_set_database(slot, dboid);
	}
	CommitTransactionCommand();
}

static void
start(int slot)
{
	BackgroundWorker worker;
	OgWorkerState state;

	og_workers_get(slot, &state);
	describe(&worker, WORKER_MAIN, "order_gateway worker");
	snprintf(worker.bgw_name, sizeof(worker.bgw_name),
			 "order_gateway worker for %s", NameStr(state.database));
	worker.bgw_restart_time = BGW_NEVER_RESTART;
	worker.bgw_main_arg = ObjectIdGetDatum(state.dboid);
	worker.bgw_notify_pid = MyProcPid;
	if (RegisterDynamicBackgroundWorker(&worker, &handles[slot]))
		return;
	handles[slot] = NULL;
	if (strcmp(state.last_error, "there are too few background processes") != 0)
		ereport(LOG,
				(errmsg("order_gateway: no worker could be started for database \"%s\": there are too few background processes",
						NameStr(state.database)),
				 errhint("Raise max_worker_processes; the launcher takes one, and each database of order_gateway.databases another.")));
	og_workers_set_error(slot, "there are too few background processes");
}

/* Is what was started for an entry still there, or about to be? */
static bool
is_alive(int slot)
{
	pid_t		pid;

	if (handles[slot] == NULL)
		return false;
	if (GetBackgroundWorkerPid(handles[slot], &pid) != BGWH_STOPPED)
		return true;
	pfree(handles[slot]);
	handles[slot] = NULL;
	return false;
}

/* End a worker whose database the setting does not name any more. */
static void
start_and_end(void)
{
	for (int slot = -1; (slot = og_workers_next(slot)) >= 0;)
	{
		if (is_alive(slot))
		{
			if (!og_workers_is_named(slot))
				TerminateBackgroundWorker(handles[slot]);
		}
		else if (og_workers_may_start(slot))
			start(slot);
	}
}

void
og_launcher_main(Datum argument)
{
	MemoryContext look;

	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	pqsignal(SIGTERM, die);
	BackgroundWorkerUnblockSignals();
	BackgroundWorkerInitializeConnection(NULL, NULL, 0);
	look = AllocSetContextCreate(TopMemoryContext, "order_gateway look",
								 ALLOCSET_SMALL_SIZES);
	for (;;)
	{
		CHECK_FOR_INTERRUPTS();
		if (ConfigReloadPending)
		{
			ConfigReloadPending = false;
			ProcessConfigFile(PGC_SIGHUP);
		}
		MemoryContextSwitchTo(look);
		og_workers_set_names(og_worker_names());
		look_up();
		MemoryContextSwitchTo(TopMemoryContext);
		start_and_end();
		MemoryContextReset(look);
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
						 LOOK_MS, PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
	}
}
