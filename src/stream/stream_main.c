/*-------------------------------------------------------------------------
 *
 * stream_main.c
 *		A stream worker's process: its start, its loop, its end.
 *
 * It ends when there is nothing to follow, or the extension is gone, and is
 * started again when somebody asks (worker_stream.h).  Nothing is caught here: an
 * error that escapes ends the process, and the launcher starts another one.
 *
 * Told to end, it writes what it has, since some of that is told only once, without
 * waiting for anybody: code of users that is running is cancelled, and has a moment
 * when it is tried again.  So SIGTERM is looked at where nothing is going on; told
 * once more, some time later, the process ends wherever it is.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "fmgr.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "tcop/tcopprot.h"
#include "utils/guc.h"
#include "utils/memutils.h"

#include "ground/clock.h"
#include "ground/compat.h"
#include "stream/stream_append.h"
#include "stream/stream_internal.h"
#include "worker/worker_internal.h"
#include "worker/worker_process.h"
#include "worker/worker_stream.h"
#include "worker/worker_table.h"
#include "worker/worker_try.h"

pg_noreturn PGDLLEXPORT void og_stream_main(Datum argument);

/* What is allocated in one turn; transactions leave another one current. */
static MemoryContext turn_context = NULL;

/* It goes around, so that it sees that ... */
static volatile sig_atomic_t looping = false;

/* ... it was told to end, ... */
static volatile sig_atomic_t told_to_end = false;

/* ... at this time of og_clock_now(). */
static volatile int64 told_at = 0;

/*
 * The server's signals come twice: to the process, and to its group.  What comes
 * later is from somebody who does not want to wait for the last rows.
 */
#define TWICE_US	USECS_PER_SEC

/*
 * Nobody sees what has come in before the next flush, so what comes in within this
 * share of the time between two, and within so long at most, is taken together.
 */
#define REST_SHARE	10
#define REST_US		INT64CONST(10000)

/* ---------- start ---------- */

/* What ends it is in the log; the streams of one that has ended are stale. */
static const OgProcess process = {
	OG_LOCK_STREAMS, "this database has another stream worker", NULL
};

static void
end(SIGNAL_ARGS)
{
	int			saved_errno = errno;

	if (!looping ||
		(told_to_end && og_clock_now() - told_at >= TWICE_US))
		die(postgres_signal_arg);
	else if (!told_to_end)
	{
		told_at = og_clock_now();
		told_to_end = true;
		og_into_cancel();
		SetLatch(MyLatch);
	}
	errno = saved_errno;
}

static void
start(int slot)
{
	OgWorkerState state;

	og_process_begin(end);
	og_workers_get(slot, &state);
	if (!og_streamer_attach(slot, state.dboid) ||
		!og_workers_may_stream(slot, state.dboid))
		proc_exit(0);
	og_process_enter(&process, state.dboid);
}

/* ---------- loop ---------- */

/* The installation that is there, and its table of streams. */
typedef struct Found
{
	bool		found;
	OgInstallation installation;
	Oid			table;
} Found;

static void
find_installation(void *arg)
{
	Found	   *found = arg;

	found->found = og_journal_find(&found->installation);
	if (found->found)
		found->table = og_table_oid(OG_STREAM_TABLE);
}

/* False: there is nothing to be followed. */
static bool
open_streams(void)
{
	Found		found = {false};
	Trouble		trouble;

	if (!og_try(find_installation, &found, &trouble))
		ereport(ERROR,
				(errcode(trouble.sqlstate),
				 errmsg("%s", trouble.message)));
	if (found.found)
		og_stream_open(&found.installation.id, found.table);
	return found.found;
}

static void
report_activity(void)
{
	pgstat_report_activity(STATE_RUNNING, "order_gateway: streams");
}

pg_noreturn static void
leave(void)
{
	og_stream_close();
	proc_exit(0);
}

/* Nobody needs this process, unless somebody has asked just now. */
pg_noreturn static void
leave_for_good(uint64 asked)
{
	og_streamer_answer(asked);
	leave();
}

/* What is to be done each second, when somebody asks, and after a reload. */
static void
look(uint64 asked)
{
	if (ConfigReloadPending)
	{
		ConfigReloadPending = false;
		ProcessConfigFile(PGC_SIGHUP);

		/* The next flush was for when it was due by what was set before. */
		og_stream_loop.next_flush = 0;
	}
	switch (og_stream_look())
	{
		case OG_STREAM_SOME:
			break;
		case OG_STREAM_NOTHING:
			leave_for_good(asked);
		case OG_STREAM_ELSEWHERE:

			/* What was asked may be about another one: the next process looks. */
			leave();
	}
	MemoryContextSwitchTo(turn_context);
	(void) pgstat_report_stat(false);
}

/* What comes in now can wait a little. */
static void
rest(const OgPause *pause)
{
	int64		most_us = og_stream_flush * INT64CONST(1000) / REST_SHARE;
	int64		until = og_clock_now() + Min(most_us, REST_US);

	if (og_stream_loop.news)
		og_http_rest(Min(until, pause->until), pause->what);
}

/* Once around.  Answers when the next look is due. */
static int64
turn(int64 next_look)
{
	static uint64 seen = 0;
	uint64		asked = og_streamer_asked();
	OgPause		pause = {0, OG_WAIT_STREAM};

	if (ConfigReloadPending || asked != seen || og_clock_now() >= next_look)
	{
		look(asked);
		seen = asked;
		next_look = og_clock_now() + LOOK_MS * INT64CONST(1000);
	}
	if (og_stream_turn(&pause))
		pause.until = og_clock_now();
	MemoryContextSwitchTo(turn_context);
	og_pause_merge(&pause, &(OgPause) {next_look, pause.what});
	if (told_to_end)
		return next_look;
	rest(&pause);
	og_gateway_wait(&pause);
	return next_look;
}

/* As if it had been told just now. */
static void
end_well(void)
{
	og_stream_write_last();
	ProcDiePending = InterruptPending = true;
	CHECK_FOR_INTERRUPTS();
}

void
og_stream_main(Datum argument)
{
	int64		next_look = 0;
	uint64		asked;

	start(DatumGetInt32(argument));
	turn_context = AllocSetContextCreate(TopMemoryContext,
										 "order_gateway turn",
										 ALLOCSET_DEFAULT_SIZES);
	report_activity();
	MemoryContextSwitchTo(turn_context);
	asked = og_streamer_asked();
	if (!open_streams())
		leave_for_good(asked);
	looping = true;
	for (;;)
	{
		if (told_to_end)
			end_well();
		CHECK_FOR_INTERRUPTS();
		MemoryContextReset(turn_context);
		MemoryContextSwitchTo(turn_context);
		next_look = turn(next_look);
	}
}
