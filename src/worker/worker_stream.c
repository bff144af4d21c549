/*-------------------------------------------------------------------------
 *
 * worker_stream.c
 *		What is known of stream workers where none of them is: who wants one,
 *		and whether it runs.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <signal.h>

#include "access/xact.h"
#include "miscadmin.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "storage/proc.h"

#include "ground/compat.h"
#include "worker/worker_internal.h"
#include "worker/worker_journal.h"
#include "worker/worker_stream.h"
#include "worker/worker_table.h"

typedef struct Streamer
{
	Oid			dboid;			/* whose it is, or was */
	uint64		asked;
	uint64		answered;
	int			pid;			/* 0 = not running */
	int			proc;
} Streamer;

typedef struct StreamerTable
{
	LWLock		lock;
	int			launcher;		/* number of its process, -1 = not there */
	Streamer	streamers[MAX_WORKERS];
} StreamerTable;

/* That of this process, if it is one. */
static Streamer *mine = NULL;

/* Does this transaction ask? */
static bool asks = false;

static Size
table_size(int accounts, int backends)
{
	return sizeof(StreamerTable);
}

static void
init_table(void *memory, int accounts, int backends)
{
	StreamerTable *table = memory;

	og_shared_lock_init(&table->lock);
	table->launcher = -1;
}

const OgSharedPart og_streamer_shared = {
	.name = "streamers",
	.size = table_size,
	.init = init_table
};

static StreamerTable *
lock_table(LWLockMode mode)
{
	StreamerTable *table = og_shared_get(&og_streamer_shared);

	LWLockAcquire(&table->lock, mode);
	return table;
}

static void
unlock_table(StreamerTable *table)
{
	LWLockRelease(&table->lock);
}

static Streamer *
find_database(StreamerTable *table, Oid dboid)
{
	for (int i = 0; i < MAX_WORKERS; i++)
	{
		if (table->streamers[i].dboid == dboid)
			return &table->streamers[i];
	}
	return NULL;
}

/* ---------- asking ---------- */

/* A database that has no slot yet is looked at by its gateway worker's start. */
void
og_streamer_ask(void)
{
	StreamerTable *table = lock_table(LW_EXCLUSIVE);
	Streamer   *streamer = find_database(table, MyDatabaseId);

	if (streamer != NULL)
	{
		streamer->asked++;
		if (streamer->pid != 0)
			SetLatch(&og_proc_by_number(streamer->proc)->procLatch);
		else if (table->launcher >= 0)
			SetLatch(&og_proc_by_number(table->launcher)->procLatch);
	}
	unlock_table(table);
}

static void
end_of_transaction(XactEvent event, void *arg)
{
	if (event != XACT_EVENT_COMMIT && event != XACT_EVENT_ABORT &&
		event != XACT_EVENT_PREPARE)
		return;
	if (asks && event == XACT_EVENT_COMMIT)
		og_streamer_ask();
	asks = false;
}

void
og_streamer_ask_at_commit(void)
{
	static bool watching = false;

	/* Attaching to it may fail, which must not be after a commit. */
	(void) og_shared_get(&og_streamer_shared);
	if (!watching)
		RegisterXactCallback(end_of_transaction, NULL);
	watching = true;
	asks = true;
}

bool
og_streamer_is_running(void)
{
	StreamerTable *table = lock_table(LW_SHARED);
	Streamer   *streamer = find_database(table, MyDatabaseId);
	bool		running = streamer != NULL && streamer->pid != 0;

	unlock_table(table);
	return running;
}

static bool
has_slot(void)
{
	StreamerTable *table = lock_table(LW_SHARED);
	bool		has = find_database(table, MyDatabaseId) != NULL;

	unlock_table(table);
	return has;
}

/* Whoever commits a row once there is a slot is heard himself. */
bool
og_streamer_ask_if_needed(void)
{
	OgInstallation installation;
	ScanKeyData key;

	if (!has_slot() || !og_table_try_lock(OG_STREAM_TABLE, AccessShareLock))
		return false;
	if (!og_journal_find(&installation))
		return true;
	og_table_installation_key(&key, &installation.id);
	if (og_table_has(OG_STREAM_TABLE, OG_STREAM_KEY, &key, 1))
		og_streamer_ask();
	return true;
}

/* ---------- the launcher ---------- */

static void
launcher_ends(int code, Datum arg)
{
	StreamerTable *table = lock_table(LW_EXCLUSIVE);

	table->launcher = -1;
	unlock_table(table);
}

void
og_streamer_launched(void)
{
	StreamerTable *table = lock_table(LW_EXCLUSIVE);

	table->launcher = og_shared_backend();
	unlock_table(table);
	before_shmem_exit(launcher_ends, (Datum) 0);
}

/*
 * A slot of another database knows nothing of this one; the one that this database
 * had before does.
 */
static void
take_over(StreamerTable *table, Streamer *streamer, Oid dboid)
{
	Streamer   *before = find_database(table, dboid);
	Streamer	taken = {.dboid = dboid};

	if (before != NULL && before->pid != 0)
		return;
	if (before != NULL)
	{
		taken = *before;
		memset(before, 0, sizeof(*before));
	}
	*streamer = taken;
}

/* A database that nobody may connect to now (InvalidOid) is not forgotten. */
bool
og_streamer_is_wanted(int slot, Oid dboid)
{
	StreamerTable *table = lock_table(LW_EXCLUSIVE);
	Streamer   *streamer = &table->streamers[slot];
	bool		wanted;

	if (OidIsValid(dboid) && streamer->dboid != dboid && streamer->pid == 0)
		take_over(table, streamer, dboid);
	wanted = streamer->dboid == dboid && streamer->pid == 0 &&
		streamer->asked != streamer->answered;
	unlock_table(table);
	return wanted;
}

/* ---------- the process ---------- */

static void
detach(int code, Datum arg)
{
	StreamerTable *table = lock_table(LW_EXCLUSIVE);

	mine->pid = 0;
	mine = NULL;

	/* What was asked just now may want another one at once. */
	if (table->launcher >= 0)
		SetLatch(&og_proc_by_number(table->launcher)->procLatch);
	unlock_table(table);
}

bool
og_streamer_attach(int slot, Oid dboid)
{
	StreamerTable *table = lock_table(LW_EXCLUSIVE);
	Streamer   *streamer = &table->streamers[slot];

	if (streamer->dboid == dboid && streamer->pid == 0)
	{
		streamer->pid = MyProcPid;
		streamer->proc = og_shared_backend();
		mine = streamer;
	}
	unlock_table(table);
	if (mine != NULL)
		before_shmem_exit(detach, (Datum) 0);
	return mine != NULL;
}

uint64
og_streamer_asked(void)
{
	StreamerTable *table = lock_table(LW_SHARED);
	uint64		asked = mine->asked;

	unlock_table(table);
	return asked;
}

void
og_streamer_answer(uint64 asked)
{
	StreamerTable *table = lock_table(LW_EXCLUSIVE);

	mine->answered = asked;
	unlock_table(table);
}

/* ---------- whoever wants it gone ---------- */

bool
og_streamer_send_away(Oid dboid, bool first)
{
	StreamerTable *table = lock_table(LW_SHARED);
	Streamer   *streamer = find_database(table, dboid);
	bool		gone = streamer == NULL || streamer->pid == 0;

	if (!gone && first)
		(void) kill(streamer->pid, SIGTERM);
	unlock_table(table);
	return gone;
}
