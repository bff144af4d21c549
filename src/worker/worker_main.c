/*-------------------------------------------------------------------------
 *
 * worker_main.c
 *		A worker's process: its start, its loop, its end.
 *
 * What is done with calls is worker_loop.c's.  Nothing is caught here: an error
 * that escapes ends the process, as it does any background worker, is shown as
 * the worker's last one, and the launcher starts another worker.
 *
 * The process ends wherever interrupts are looked for, which is each time around
 * and in each wait.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#ifdef __GLIBC__
#include <malloc.h>
#endif

#include "access/xact.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "storage/lock.h"
#include "tcop/tcopprot.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/timeout.h"

#include "ground/clock.h"
#include "ground/compat.h"
#include "worker/worker_internal.h"
#include "worker/worker_journal.h"
#include "worker/worker_recover.h"
#include "worker/worker_table.h"
#include "worker/worker_turn.h"

pg_noreturn PGDLLEXPORT void og_worker_main(Datum argument);

static emit_log_hook_type previous_log_hook = NULL;

/*
 * The journal that calls are made from, by its first table: that of the extension
 * that is there; InvalidOid = it is not.
 */
static Oid	journal = InvalidOid;

/* What is allocated in one turn; transactions leave another one current. */
static MemoryContext turn_context = NULL;

/* ---------- settings ---------- */

/*
 * Nobody who sets something for a database, a role or all may change what a
 * worker promises: with synchronous_commit off, a mark would be gone after a
 * crash, and its request leave twice.  What is set so cannot be changed by a
 * reload either.
 */
static void
fix_settings(void)
{
	static const char *const fixed[][2] = {
		{"role", "none"},
		{"search_path", "pg_catalog, pg_temp"},
		{"synchronous_commit", "local"},
		{"commit_delay", "0"},
		{"default_transaction_isolation", "read committed"},
		{"default_transaction_read_only", "off"},
		{"default_transaction_deferrable", "off"},
		{"session_replication_role", "origin"},
		{"row_security", "off"},
		{"zero_damaged_pages", "off"},
		{"exit_on_error", "off"},
		{"lock_timeout", "1s"},
		{"statement_timeout", "0"},
		{"idle_in_transaction_session_timeout", "0"},
		{"transaction_timeout", "0"},	/* since 17 */
#ifdef OG_PLANT_J1
		{"synchronous_commit", "off"},	/* a fault for test/storm to find */
#endif
	};

	StartTransactionCommand();
	SetConfigOption("session_authorization",
					GetUserNameFromId(GetAuthenticatedUserId(), false),
					PGC_SUSET, PGC_S_OVERRIDE);
	for (int i = 0; i < lengthof(fixed); i++)
	{
		if (GetConfigOption(fixed[i][0], true, false) != NULL)
			SetConfigOption(fixed[i][0], fixed[i][1], PGC_SUSET,
							PGC_S_OVERRIDE);
	}
	CommitTransactionCommand();
}

/* ---------- signals and errors ---------- */

/*
 * The server's lock_timeout cancels by this signal, too, and that is to work;
 * but a worker runs no statement of anybody who could cancel it.
 */
static void
cancel(SIGNAL_ARGS)
{
	if (get_timeout_indicator(LOCK_TIMEOUT, false))
		StatementCancelHandler(postgres_signal_arg);
}

/* Show what ends this process, but for what it is told to. */
static void
note_error(ErrorData *error)
{
	if (error->elevel >= ERROR && error->sqlerrcode != ERRCODE_ADMIN_SHUTDOWN)
		og_workers_show_error(error->message);
	if (previous_log_hook)
		previous_log_hook(error);
}

/* ---------- start ---------- */

/* One worker for a database, however it came to be started. */
static bool
is_alone(void)
{
	LOCKTAG		tag = og_lock_tag(OG_LOCK_WORKER);

	return LockAcquire(&tag, ExclusiveLock, true, true) != LOCKACQUIRE_NOT_AVAIL;
}

/*
 * What is freed goes back to the system: a worker lives for months after its
 * largest call.  The C library would learn from that call to keep blocks of its
 * size.
 */
static void
keep_little_memory(void)
{
#ifdef __GLIBC__
	(void) mallopt(M_MMAP_THRESHOLD, 512 * 1024);
	(void) mallopt(M_TRIM_THRESHOLD, 4 * 1024 * 1024);
#endif
}

static void
start(int slot)
{
	Oid			dboid;

	keep_little_memory();
	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	pqsignal(SIGTERM, og_recover_told_to_end);
	pqsignal(SIGINT, cancel);
	BackgroundWorkerUnblockSignals();
	dboid = og_workers_attach(slot);
	if (!OidIsValid(dboid))
		proc_exit(0);
	previous_log_hook = emit_log_hook;
	emit_log_hook = note_error;
	BackgroundWorkerInitializeConnectionByOid(dboid, InvalidOid, 0);
	if (!is_alone())
		ereport(FATAL,
				(errcode(ERRCODE_OBJECT_IN_USE),
				 errmsg("order_gateway: this database has another worker")));
	fix_settings();
}

/* ---------- loop ---------- */

static void
report_activity(void)
{
	OgWorkerState own;
	char		text[128];

	if (!OidIsValid(journal))
	{
		pgstat_report_activity(STATE_IDLE,
							   "order_gateway: the extension is not in this database");
		return;
	}
	og_workers_read_own(&own);
	snprintf(text, sizeof(text),
			 "order_gateway: " INT64_FORMAT " in flight, "
			 INT64_FORMAT " queued", own.in_flight, own.queued);
	pgstat_report_activity(own.in_flight > 0 ? STATE_RUNNING : STATE_IDLE,
						   text);
}

static void
open_loop(void *arg)
{
	og_loop_open();
}

static void
find_journal(void *arg)
{
	Oid		   *found = arg;

	*found = og_journal_exists() ? og_table_oid(OG_CALL_TABLE) : InvalidOid;
}

/*
 * Has the extension come, gone, or become another one?  While somebody has the
 * catalog for himself that cannot be told, and what is in flight is not let go.
 */
static void
look_at_extension(void)
{
	Oid			found;
	Trouble		trouble;

	if (!og_turn_try(find_journal, &found, &trouble))
	{
		og_trouble_show(&trouble);
		return;
	}
	MemoryContextSwitchTo(turn_context);
	if (found == journal)
		return;
	if (OidIsValid(journal))
		og_loop_close();
	journal = found;

	/* What is locked now, or full, may not be so at the next look. */
	if (OidIsValid(journal) && !og_turn_try_alone(open_loop, NULL, &trouble))
	{
		og_trouble_show(&trouble);
		journal = InvalidOid;
	}
	MemoryContextSwitchTo(turn_context);
}

/* What is to be done each second, and after a reload. */
static void
look(void)
{
	if (ConfigReloadPending)
	{
		ConfigReloadPending = false;
		ProcessConfigFile(PGC_SIGHUP);
	}
	look_at_extension();
	report_activity();
	(void) pgstat_report_stat(false);
}

/* Once around.  Answers when the next look is due. */
static int64
turn(int64 next_look)
{
	OgPause		pause = {0, OG_WAIT_NONE};
	bool		more = false;

	if (!og_workers_is_welcome())
		proc_exit(0);
	if (ConfigReloadPending || og_clock_now() >= next_look)
	{
		look();
		next_look = og_clock_now() + LOOK_MS * INT64CONST(1000);
	}
	if (OidIsValid(journal))
		more = og_loop_turn(&pause);

	/* Where there is more to do, what has come in meanwhile is taken in. */
	if (more)
		pause.until = og_clock_now();
	og_pause_merge(&pause, &(OgPause) {next_look, pause.what});
	og_gateway_wait(&pause);
	return next_look;
}

void
og_worker_main(Datum argument)
{
	int64		next_look = 0;

	start(DatumGetInt32(argument));
	turn_context = AllocSetContextCreate(TopMemoryContext,
										 "order_gateway turn",
										 ALLOCSET_DEFAULT_SIZES);
	for (;;)
	{
		CHECK_FOR_INTERRUPTS();
		MemoryContextReset(turn_context);
		MemoryContextSwitchTo(turn_context);
		next_look = turn(next_look);
	}
}
