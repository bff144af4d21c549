/*-------------------------------------------------------------------------
 *
 * worker_process.c
 *		What processes of ours have in common: their settings, signals, errors,
 *		and that there is one of each kind in a database.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#ifdef __GLIBC__
#include <malloc.h>
#endif

#include "access/xact.h"
#include "miscadmin.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/lock.h"
#include "tcop/tcopprot.h"
#include "utils/guc.h"
#include "utils/timeout.h"

#include "worker/worker_process.h"

/* What this process is. */
static const OgProcess *own = NULL;

static emit_log_hook_type previous_log_hook = NULL;

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
 * The server's timeouts cancel by this signal, too, and those that we set are to
 * work; but a worker runs no statement of anybody who could cancel it.
 */
static void
cancel(SIGNAL_ARGS)
{
	if (get_timeout_indicator(LOCK_TIMEOUT, false) ||
		get_timeout_indicator(STATEMENT_TIMEOUT, false))
		StatementCancelHandler(postgres_signal_arg);
}

void
og_process_show_error(const char *error)
{
	if (own != NULL && own->show_error != NULL)
		own->show_error(error);
}

/* Show what ends this process, but for what it is told to. */
static void
note_error(ErrorData *error)
{
	if (error->elevel >= ERROR && error->sqlerrcode != ERRCODE_ADMIN_SHUTDOWN)
		og_process_show_error(error->message);
	if (previous_log_hook)
		previous_log_hook(error);
}

/* ---------- start ---------- */

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

void
og_process_begin(pqsigfunc end)
{
	keep_little_memory();
	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	pqsignal(SIGTERM, end);
	pqsignal(SIGINT, cancel);
	BackgroundWorkerUnblockSignals();
}

/* One of a kind for a database, however it came to be started. */
static bool
is_alone(void)
{
	LOCKTAG		tag = og_lock_tag(own->lock);

	return LockAcquire(&tag, ExclusiveLock, true, true) != LOCKACQUIRE_NOT_AVAIL;
}

void
og_process_enter(const OgProcess *process, Oid dboid)
{
	own = process;
	previous_log_hook = emit_log_hook;
	emit_log_hook = note_error;
	BackgroundWorkerInitializeConnectionByOid(dboid, InvalidOid, 0);
	if (!is_alone())
		ereport(FATAL,
				(errcode(ERRCODE_OBJECT_IN_USE),
				 errmsg("order_gateway: %s", own->twice)));
	fix_settings();
}
