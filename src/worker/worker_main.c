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

#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "utils/guc.h"
#include "utils/memutils.h"

#include "ground/clock.h"
#include "ground/compat.h"
#include "worker/worker_internal.h"
#include "worker/worker_journal.h"
#include "worker/worker_process.h"
#include "worker/worker_recover.h"
#include "worker/worker_stream.h"
#include "worker/worker_table.h"
#include "worker/worker_turn.h"

pg_noreturn PGDLLEXPORT void og_worker_main(Datum argument);

/*
 * The journal that calls are made from, by its first table: that of the extension
 * that is there; InvalidOid = it is not.
 */
static Oid	journal = InvalidOid;

/* Whether anything is to be followed in it was not looked at yet. */
static bool asks_streams = false;

/* What is allocated in one turn; transactions leave another one current. */
static MemoryContext turn_context = NULL;

/* ---------- start ---------- */

static const OgProcess process = {
	OG_LOCK_WORKER, "this database has another worker", og_workers_show_error
};

static void
start(int slot)
{
	Oid			dboid;

	og_process_begin(og_recover_told_to_end);
	dboid = og_workers_attach(slot);
	if (!OidIsValid(dboid))
		proc_exit(0);
	og_process_enter(&process, dboid);
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

	if (!og_try(find_journal, &found, &trouble))
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
	if (OidIsValid(journal) && !og_try_alone(open_loop, NULL, &trouble))
	{
		og_trouble_show(&trouble);
		journal = InvalidOid;
	}
	asks_streams = OidIsValid(journal);
	MemoryContextSwitchTo(turn_context);
}

static void
ask_streams(void *arg)
{
	bool	   *done = arg;

	*done = og_streamer_ask_if_needed();
}

/* What was followed before a crash, or by a server before this one, still is. */
static void
ask_for_streams(void)
{
	Trouble		trouble;
	bool		done = false;

	if (!og_try(ask_streams, &done, &trouble))
		og_trouble_show(&trouble);
	asks_streams = !done;
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
	if (asks_streams)
		ask_for_streams();
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
