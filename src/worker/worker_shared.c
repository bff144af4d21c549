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
#include "commands/dbcommands.h"
#include "miscadmin.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "storage/proc.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"
#include "utils/varlena.h"

#include "ground/compat.h"
#include "worker/worker_internal.h"

/* How long whoever wants a worker to stop waits for that. */
#define STOP_MS		5000
#define STOP_LOOK_MS 10

char	   *og_worker_databases = NULL;

typedef struct WorkerEntry
{
	bool		used;
	bool		named;			/* by the setting, still */
	int			stopped_by;		/* process that keeps it from running; 0 = none */
	OgWorkerState state;
} WorkerEntry;

typedef struct WorkerTable
{
	LWLock		lock;
	WorkerEntry entries[MAX_WORKERS];
} WorkerTable;

/* The entry of this process, if it is a worker. */
static WorkerEntry *mine = NULL;

/* The database whose worker this transaction keeps away, or wakes. */
static Oid	stopped = InvalidOid;
static bool wakes = false;

static Size
table_size(int accounts, int backends)
{
	return sizeof(WorkerTable);
}

static void
init_table(void *memory, int accounts, int backends)
{
	og_shared_lock_init(&((WorkerTable *) memory)->lock);
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

List *
og_worker_names(void)
{
	List	   *names = NIL;

	if (og_worker_databases != NULL)
		(void) SplitIdentifierString(pstrdup(og_worker_databases), ',', &names);
	return names;
}

/* Is it a list of names? */
bool
og_worker_check_databases(char **value, void **extra, GucSource source)
{
	char	   *copy = pstrdup(*value);
	List	   *names;
	bool		valid = SplitIdentifierString(copy, ',', &names);

	if (!valid)
		GUC_check_errdetail("List syntax is invalid.");
	else if (list_length(names) > MAX_WORKERS)
	{
		GUC_check_errdetail("There are more than %d names.", MAX_WORKERS);
		valid = false;
	}
	if (valid)
		list_free(names);
	pfree(copy);
	return valid;
}

/*
 * Which database this is called, by what is in shared memory already: a name
 * that the launcher has not seen yet is looked up.
 */
bool
og_worker_is_wanted(void)
{
	char	   *name = get_database_name(MyDatabaseId);
	ListCell   *cell;

	foreach(cell, og_worker_names())
	{
		if (name != NULL && strcmp(lfirst(cell), name) == 0)
			return true;
	}
	return false;
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

		for (int i = 0; i < MAX_WORKERS && entry == NULL; i++)
		{
			if (table->entries[i].used)
				continue;
			entry = &table->entries[i];
			memset(entry, 0, sizeof(WorkerEntry));
			entry->used = true;
			namestrcpy(&entry->state.database, lfirst(cell));
		}
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
og_workers_set_database(int slot, Oid dboid)
{
	WorkerTable *table = lock_table(LW_EXCLUSIVE);

	table->entries[slot].state.dboid = dboid;
	unlock_table(table);
}

void
og_workers_set_error(int slot, const char *error)
{
	WorkerTable *table = lock_table(LW_EXCLUSIVE);

	strlcpy(table->entries[slot].state.last_error, error, OG_LAST_ERROR);
	unlock_table(table);
}

bool
og_workers_may_start(int slot)
{
	WorkerTable *table = lock_table(LW_SHARED);
	WorkerEntry *entry = &table->entries[slot];
	bool		may = entry->named && entry->stopped_by == 0 &&
		entry->state.pid == 0 && OidIsValid(entry->state.dboid);

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
	OgWorkerState *state = &mine->state;

	state->pid = 0;
	state->in_flight = 0;
	state->connections = 0;
	state->awaits_standby = false;
	mine = NULL;
	unlock_table(table);
}

bool
og_workers_attach(Oid dboid)
{
	WorkerTable *table = lock_table(LW_EXCLUSIVE);
	WorkerEntry *entry = find_database(table, dboid);
	bool		welcome = entry != NULL && entry->named &&
		entry->stopped_by == 0 && entry->state.pid == 0;

	if (welcome)
	{
		entry->state.pid = MyProcPid;
		entry->state.proc = og_shared_backend();
		entry->state.since = GetCurrentTimestamp();
		mine = entry;
	}
	unlock_table(table);
	if (welcome)
		before_shmem_exit(detach, (Datum) 0);
	return welcome;
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
	unlock_table(table);
}

void
og_workers_show_error(const char *error)
{
	WorkerTable *table = lock_table(LW_EXCLUSIVE);

	strlcpy(mine->state.last_error, error, OG_LAST_ERROR);
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

/* Wake the worker of this database, if it has one. */
static void
wake(void)
{
	WorkerTable *table = lock_table(LW_SHARED);
	WorkerEntry *entry = find_database(table, MyDatabaseId);

	if (entry != NULL && entry->state.pid != 0)
		SetLatch(&og_proc_by_number(entry->state.proc)->procLatch);
	unlock_table(table);
}

/* A worker that this transaction stopped may come back. */
static void
let_come_back(void)
{
	WorkerTable *table = lock_table(LW_EXCLUSIVE);

	for (int i = 0; i < MAX_WORKERS; i++)
	{
		if (table->entries[i].stopped_by == MyProcPid)
			table->entries[i].stopped_by = 0;
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
		wake();
	if (OidIsValid(stopped))
		let_come_back();
	wakes = false;
	stopped = InvalidOid;
}

static void
watch_transaction(void)
{
	static bool watching = false;

	if (!watching)
		RegisterXactCallback(end_of_transaction, NULL);
	watching = true;
}

void
og_worker_wake_at_commit(void)
{
	watch_transaction();
	wakes = true;
}

/* Tell it to go; 0 = there is none. */
static int
send_away(Oid dboid)
{
	WorkerTable *table = lock_table(LW_EXCLUSIVE);
	WorkerEntry *entry = find_database(table, dboid);
	int			pid = 0;

	if (entry != NULL)
	{
		stopped = dboid;
		entry->stopped_by = MyProcPid;
		pid = entry->state.pid;
	}
	unlock_table(table);
	return pid;
}

void
og_workers_stop(Oid dboid)
{
	int			pid;

	watch_transaction();
	pid = send_away(dboid);
	if (pid == 0)
		return;
	(void) kill(pid, SIGTERM);
	for (int waited = 0; waited < STOP_MS; waited += STOP_LOOK_MS)
	{
		if (send_away(dboid) == 0)
			return;
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
						 STOP_LOOK_MS, PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
	}
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

		if (entry != NULL)
			*copy = entry->state;
		else
			namestrcpy(&copy->database, lfirst(cell));
	}
	unlock_table(table);
	return count;
}
