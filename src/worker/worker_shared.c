/*-------------------------------------------------------------------------
 *
 * worker_shared.c
 *		What all processes may know of the workers.
 *
 * One entry for each database that the setting names.  The launcher makes and
 * removes them, a worker writes its own, and whoever wants one gone for a while
 * says so there.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <signal.h>

#include "access/xact.h"
#include "access/xlog.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "storage/proc.h"
#include "storage/procarray.h"
#include "utils/ascii.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "ground/compat.h"
#include "worker/worker_internal.h"
#include "worker/worker_stream.h"

/* How long whoever wants a worker to stop waits for that. */
#define STOP_MS		5000
#define STOP_LOOK_MS 10

typedef struct WorkerEntry
{
	bool		used;
	bool		named;			/* by the setting, still */
	WorkerObstacle obstacle;
	int			stopped_by;		/* process that keeps it from running; 0 = none */
	int			stopped_level;	/* that process's subtransaction */
	pg_atomic_uint32 heartbeats;	/* that are live, also while it does not run */
	OgWorkerState state;
	int			encoding;		/* of the last error */
	int			npauses;
	OgWorkerPause pauses[OG_WORKER_PAUSES];
} WorkerEntry;

typedef struct WorkerTable
{
	LWLock		lock;
	bool		read_only;		/* default_transaction_read_only of the server */
	WorkerEntry entries[MAX_WORKERS];
} WorkerTable;

/* The entry of this process, if it is a worker. */
static WorkerEntry *mine = NULL;

/* Does this transaction keep a worker away?  Does it wake one? */
static bool keeps_away = false;
static bool wakes = false;

static Size
table_size(int accounts, int backends)
{
	return sizeof(WorkerTable);
}

static void
init_table(void *memory, int accounts, int backends)
{
	WorkerTable *table = memory;

	og_shared_lock_init(&table->lock);
	for (int i = 0; i < MAX_WORKERS; i++)
		pg_atomic_init_u32(&table->entries[i].heartbeats, 0);
}

const OgSharedPart og_worker_shared = {
	.name = "workers",
	.size = table_size,
	.init = init_table
};

static WorkerTable *
lock_table(LWLockMode mode)
{
	WorkerTable *table = og_shared_get(&og_worker_shared);

	LWLockAcquire(&table->lock, mode);
	return table;
}

static void
unlock_table(WorkerTable *table)
{
	LWLockRelease(&table->lock);
}

static WorkerEntry *
find_database(WorkerTable *table, Oid dboid)
{
	for (int i = 0; i < MAX_WORKERS; i++)
	{
		if (table->entries[i].used && table->entries[i].state.dboid == dboid)
			return &table->entries[i];
	}
	return NULL;
}

static WorkerEntry *
find_name(WorkerTable *table, const char *name)
{
	for (int i = 0; i < MAX_WORKERS; i++)
	{
		if (table->entries[i].used &&
			strcmp(NameStr(table->entries[i].state.database), name) == 0)
			return &table->entries[i];
	}
	return NULL;
}

/* ---------- names ---------- */

/* An entry for a name; NULL while all are in use by workers that still run. */
static WorkerEntry *
add_name(WorkerTable *table, const char *name)
{
	for (int i = 0; i < MAX_WORKERS; i++)
	{
		WorkerEntry *entry = &table->entries[i];

		if (entry->used)
			continue;
		memset(entry, 0, sizeof(WorkerEntry));
		pg_atomic_init_u32(&entry->heartbeats, 0);
		namestrcpy(&entry->state.database, name);
		entry->used = true;
		return entry;
	}
	return NULL;
}

void
og_workers_set_names(List *names)
{
	WorkerTable *table = lock_table(LW_EXCLUSIVE);
	ListCell   *cell;

	for (int i = 0; i < MAX_WORKERS; i++)
		table->entries[i].named = false;
	foreach(cell, names)
	{
		WorkerEntry *entry = find_name(table, lfirst(cell));

		if (entry == NULL)
			entry = add_name(table, lfirst(cell));
		if (entry != NULL)
			entry->named = true;
	}
	for (int i = 0; i < MAX_WORKERS; i++)
	{
		WorkerEntry *entry = &table->entries[i];

		if (entry->used && !entry->named && entry->state.pid == 0)
			entry->used = false;
	}
	unlock_table(table);
}

/* ---------- the launcher's entries ---------- */

void
og_workers_tell_read_only(bool read_only)
{
	WorkerTable *table = lock_table(LW_EXCLUSIVE);

	table->read_only = read_only;
	unlock_table(table);
}

bool
og_workers_are_read_only(void)
{
	WorkerTable *table = lock_table(LW_SHARED);
	bool		read_only = table->read_only;

	unlock_table(table);
	return read_only;
}

int
og_workers_next(int slot)
{
	WorkerTable *table = lock_table(LW_SHARED);

	do
		slot++;
	while (slot < MAX_WORKERS && !table->entries[slot].used);
	unlock_table(table);
	return slot < MAX_WORKERS ? slot : -1;
}

void
og_workers_get(int slot, OgWorkerState *copy)
{
	WorkerTable *table = lock_table(LW_SHARED);

	*copy = table->entries[slot].state;
	unlock_table(table);
}

void
og_workers_set_database(int slot, Oid dboid, WorkerObstacle obstacle)
{
	WorkerTable *table = lock_table(LW_EXCLUSIVE);
	WorkerEntry *entry = &table->entries[slot];

	if (entry->state.pid == 0)
	{
		entry->state.dboid = dboid;
		entry->obstacle = obstacle;
	}
	unlock_table(table);
}

/* Whoever wants it stopped is heeded as long as that process lives. */
static bool
is_stopped(const WorkerEntry *entry)
{
	return entry->stopped_by != 0 &&
		BackendPidGetProc(entry->stopped_by) != NULL;
}

/* Is it named, and nobody in its way? */
static bool
is_startable(const WorkerEntry *entry)
{
	return entry->used && entry->named && entry->state.pid == 0 &&
		OidIsValid(entry->state.dboid) && !is_stopped(entry);
}

bool
og_workers_may_start(int slot)
{
	WorkerTable *table = lock_table(LW_SHARED);
	bool		may = is_startable(&table->entries[slot]);

	unlock_table(table);
	return may;
}

bool
og_workers_may_stream(int slot, Oid dboid)
{
	WorkerTable *table = lock_table(LW_SHARED);
	const WorkerEntry *entry = &table->entries[slot];
	bool		may = entry->used && entry->named &&
		entry->state.dboid == dboid && OidIsValid(dboid) && !is_stopped(entry);

	unlock_table(table);
	return may;
}

bool
og_workers_is_named(int slot)
{
	WorkerTable *table = lock_table(LW_SHARED);
	bool		named = table->entries[slot].named;

	unlock_table(table);
	return named;
}

/* ---------- a worker's own ---------- */

static void
detach(int code, Datum arg)
{
	WorkerTable *table = lock_table(LW_EXCLUSIVE);

	mine->state.pid = 0;
	mine->npauses = 0;
	mine = NULL;
	unlock_table(table);
}

/* What the last one told of itself is over, but for its error. */
static void
begin(WorkerEntry *entry)
{
	OgWorkerState *state = &entry->state;
	OgWorkerState last = *state;

	memset(state, 0, sizeof(*state));
	state->database = last.database;
	state->dboid = last.dboid;
	state->last_commit = last.last_commit;
	memcpy(state->last_error, last.last_error, OG_LAST_ERROR);
	state->pid = MyProcPid;
	state->proc = og_shared_backend();
	state->since = GetCurrentTimestamp();
	entry->obstacle = OBSTACLE_NONE;
	entry->stopped_by = 0;
	entry->npauses = 0;
}

Oid
og_workers_attach(int slot)
{
	WorkerTable *table = lock_table(LW_EXCLUSIVE);
	WorkerEntry *entry = &table->entries[slot];
	Oid			dboid = InvalidOid;

	if (is_startable(entry))
	{
		begin(entry);
		dboid = entry->state.dboid;
		mine = entry;
	}
	unlock_table(table);
	if (OidIsValid(dboid))
		before_shmem_exit(detach, (Datum) 0);
	return dboid;
}

/* All that a worker tells, but who it is. */
void
og_workers_show(const OgWorkerState *state)
{
	WorkerTable *table = lock_table(LW_EXCLUSIVE);
	OgWorkerState *own = &mine->state;

	own->queued = state->queued;
	own->in_flight = state->in_flight;
	own->quarantined = state->quarantined;
	own->oldest_queued = state->oldest_queued;
	own->connections = state->connections;
	own->last_commit = state->last_commit;
	own->awaits_standby = state->awaits_standby;
	own->unsettled = state->unsettled;
	own->oldest_unsettled = state->oldest_unsettled;
	unlock_table(table);
}

/* May be called while an error is on its way; raises none. */
void
og_workers_show_error(const char *error)
{
	int			len = pg_mbcliplen(error, (int) strlen(error),
								   OG_LAST_ERROR - 1);
	WorkerTable *table;

	if (mine == NULL)
		return;
	table = lock_table(LW_EXCLUSIVE);
	memcpy(mine->state.last_error, error, len);
	mine->state.last_error[len] = '\0';
	mine->encoding = GetDatabaseEncoding();
	unlock_table(table);
}

void
og_workers_show_pauses(const OgWorkerPause *pauses, int count)
{
	WorkerTable *table = lock_table(LW_EXCLUSIVE);

	mine->npauses = Min(count, OG_WORKER_PAUSES);
	memcpy(mine->pauses, pauses, mine->npauses * sizeof(OgWorkerPause));
	unlock_table(table);
}

void
og_workers_show_heartbeats(int live)
{
	pg_atomic_write_u32(&mine->heartbeats, live);
}

void
og_workers_read_own(OgWorkerState *copy)
{
	WorkerTable *table = lock_table(LW_SHARED);

	*copy = mine->state;
	unlock_table(table);
}

bool
og_workers_is_welcome(void)
{
	WorkerTable *table = lock_table(LW_SHARED);
	bool		welcome = mine->named && mine->stopped_by == 0;

	unlock_table(table);
	return welcome;
}

/* ---------- heartbeats ---------- */

static bool
is_among(const char *name, List *names)
{
	ListCell   *cell;

	foreach(cell, names)
	{
		if (strcmp(lfirst(cell), name) == 0)
			return true;
	}
	return false;
}

/*
 * The postmaster may take no lock: so names are read as they are, which change
 * only while an entry is not used.
 */
const char *
og_workers_heartbeat_beside(List *names)
{
	WorkerTable *table = og_shared_get(&og_worker_shared);

	for (int i = 0; i < MAX_WORKERS; i++)
	{
		WorkerEntry *entry = &table->entries[i];

		if (entry->used && pg_atomic_read_u32(&entry->heartbeats) > 0 &&
			!is_among(NameStr(entry->state.database), names))
			return NameStr(entry->state.database);
	}
	return NULL;
}

bool
og_workers_have_heartbeat(const char *database)
{
	WorkerTable *table = lock_table(LW_SHARED);
	WorkerEntry *entry = find_name(table, database);
	bool		has = entry != NULL &&
		pg_atomic_read_u32(&entry->heartbeats) > 0;

	unlock_table(table);
	return has;
}

/* ---------- what others want of a worker ---------- */

bool
og_worker_is_running(void)
{
	WorkerTable *table = lock_table(LW_SHARED);
	WorkerEntry *entry = find_database(table, MyDatabaseId);
	bool		running = entry != NULL && entry->state.pid != 0;

	unlock_table(table);
	return running;
}

PGPROC *
og_workers_process(void)
{
	WorkerTable *table = lock_table(LW_SHARED);
	WorkerEntry *entry = find_database(table, MyDatabaseId);
	PGPROC	   *process = entry != NULL && entry->state.pid != 0
		? og_proc_by_number(entry->state.proc) : NULL;

	unlock_table(table);
	return process;
}

void
og_workers_wake(void)
{
	PGPROC	   *process = og_workers_process();

	/* Whoever has that place by now looks once for nothing. */
	if (process != NULL)
		SetLatch(&process->procLatch);
}

/*
 * Workers that this transaction stopped at this level, or within, may come back,
 * or are kept away by the level above.
 */
static void
end_level(int level, bool aborted)
{
	WorkerTable *table = lock_table(LW_EXCLUSIVE);

	for (int i = 0; i < MAX_WORKERS; i++)
	{
		WorkerEntry *entry = &table->entries[i];

		if (entry->stopped_by != MyProcPid || entry->stopped_level < level)
			continue;
		if (aborted)
			entry->stopped_by = 0;
		else
			entry->stopped_level = level - 1;
	}
	unlock_table(table);
}

static void
end_of_transaction(XactEvent event, void *arg)
{
	if (event != XACT_EVENT_COMMIT && event != XACT_EVENT_ABORT &&
		event != XACT_EVENT_PREPARE)
		return;
	if (wakes && event == XACT_EVENT_COMMIT)
		og_workers_wake();
	if (keeps_away)
		end_level(0, true);
	wakes = false;
	keeps_away = false;
}

static void
end_of_subtransaction(SubXactEvent event, SubTransactionId ending,
					  SubTransactionId parent, void *arg)
{
	if (keeps_away && (event == SUBXACT_EVENT_COMMIT_SUB ||
					   event == SUBXACT_EVENT_ABORT_SUB))
		end_level(GetCurrentTransactionNestLevel(),
				  event == SUBXACT_EVENT_ABORT_SUB);
}

static void
watch_transaction(void)
{
	static bool watching = false;

	if (watching)
		return;
	RegisterXactCallback(end_of_transaction, NULL);
	RegisterSubXactCallback(end_of_subtransaction, NULL);
	watching = true;
}

void
og_worker_wake_at_commit(void)
{
	watch_transaction();
	wakes = true;
}

/*
 * Keep it away, and end it: a process cannot have ended, nor its id belong to
 * another one, while its entry names it.  True if there is none.
 */
static bool
send_away(Oid dboid, bool first)
{
	WorkerTable *table = lock_table(LW_EXCLUSIVE);
	WorkerEntry *entry = find_database(table, dboid);
	bool		gone = entry == NULL || entry->state.pid == 0;

	if (entry != NULL && first)
	{
		keeps_away = true;
		entry->stopped_by = MyProcPid;
		entry->stopped_level = GetCurrentTransactionNestLevel();
	}
	if (!gone && first)
		(void) kill(entry->state.pid, SIGTERM);
	unlock_table(table);
	return og_streamer_send_away(dboid, first) && gone;
}

void
og_workers_stop(Oid dboid)
{
	TimestampTz begun = GetCurrentTimestamp();
	bool		gone;

	watch_transaction();
	gone = send_away(dboid, true);
	while (!gone &&
		   !TimestampDifferenceExceeds(begun, GetCurrentTimestamp(), STOP_MS))
	{
		(void) WaitLatch(MyLatch,
						 WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
						 STOP_LOOK_MS, PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
		gone = send_away(dboid, false);
	}
}

/* ---------- what others see of workers ---------- */

static const char *
explain(const WorkerEntry *entry)
{
	if (!og_worker_launched)
		return "order_gateway is not in shared_preload_libraries";
	if (RecoveryInProgress())
		return "no worker runs on a standby";
	if (entry != NULL && is_stopped(entry))
		return "a command needs the database for itself";
	switch (entry != NULL ? entry->obstacle : OBSTACLE_NONE)
	{
		case OBSTACLE_ABSENT:
			return "there is no database of this name";
		case OBSTACLE_CLOSED:
			return "the database takes no connections";
		case OBSTACLE_CROWD:
			return "max_worker_processes are running already";
		case OBSTACLE_NONE:
			break;
	}
	return NULL;
}

/* Words of a database in another encoding keep what is ASCII. */
static void
copy_entry(OgWorkerState *copy, const WorkerEntry *entry)
{
	*copy = entry->state;
	if (entry->encoding != GetDatabaseEncoding())
		ascii_safe_strlcpy(copy->last_error, entry->state.last_error,
						   OG_LAST_ERROR);
}

int
og_worker_read(OgWorkerState **copies)
{
	List	   *names = og_worker_names();
	WorkerTable *table;
	ListCell   *cell;
	int			count = 0;

	*copies = palloc0(Max(list_length(names), 1) * sizeof(OgWorkerState));
	table = lock_table(LW_SHARED);
	foreach(cell, names)
	{
		WorkerEntry *entry = find_name(table, lfirst(cell));
		OgWorkerState *copy = &(*copies)[count++];

		namestrcpy(&copy->database, lfirst(cell));
		if (entry != NULL)
			copy_entry(copy, entry);
		if (copy->pid == 0 && explain(entry) != NULL)
			strlcpy(copy->last_error, explain(entry), OG_LAST_ERROR);
	}
	unlock_table(table);
	return count;
}

int
og_worker_pauses(OgWorkerPause **copies)
{
	WorkerTable *table;
	WorkerEntry *entry;
	int			count = 0;

	*copies = palloc(OG_WORKER_PAUSES * sizeof(OgWorkerPause));
	table = lock_table(LW_SHARED);
	entry = find_database(table, MyDatabaseId);
	if (entry != NULL)
	{
		count = entry->npauses;
		memcpy(*copies, entry->pauses, count * sizeof(OgWorkerPause));
	}
	unlock_table(table);
	return count;
}
