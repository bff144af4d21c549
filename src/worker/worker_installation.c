/*-------------------------------------------------------------------------
 *
 * worker_installation.c
 *		Where a worker runs, and whether it may send.
 *
 * What an installation notes of itself tells the next worker what happened:
 *
 *	running		the last worker did not end well: the server crashed, or it fell
 *				over itself.  A clean end takes it back.
 *	timeline	a larger one now: this server was promoted.  Marks of the server
 *				before it may be lost, unless a synchronous standby was asked
 *				for.  That is what the configuration of this server says now,
 *				which nothing but its administrator can know better.
 *	alive_at	... long ago, and the timeline is new: a backup that was restored,
 *				or a clone, whose original may still run.  Then all is held, and
 *				the row says so, until somebody adopts it.  What is adopted so may
 *				have been sent meanwhile, whatever standbys had then.
 *	system_identifier	another one: pg_upgrade, which begins with timeline 1
 *				again and gives foreign servers and functions other OIDs; or, on
 *				a larger timeline, pg_createsubscriber, whose original still runs.
 *
 * Whoever changes the row holds it (og_journal_hold()) from before it is read.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "access/xlog.h"
#include "miscadmin.h"
#include "storage/ipc.h"
#include "tcop/tcopprot.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "ground/clock.h"
#include "worker/worker_internal.h"
#include "worker/worker_recover.h"
#include "worker/worker_standby.h"

/* A worker that was alive this long ago may be failed over without asking. */
#define FRESH_MS		(5 * 60 * 1000)

/* How often is written down that one is alive; a clean minute. */
#define ALIVE_US		(60 * USECS_PER_SEC)

/* Calls that are looked at in one second to know which are done. */
#define CALLS_AT_ONCE	5000

static const char *const HELD =
"held: this is a copy, or was promoted late; see order_gateway_adopt()";

/* Of the process. */
static volatile sig_atomic_t told_to_end = false;
static int64 next_note = 0;		/* on og_clock_now() */

static void
begin(void)
{
	SetCurrentStatementStartTimestamp();
	StartTransactionCommand();
	PushActiveSnapshot(GetTransactionSnapshot());
}

static void
commit(void)
{
	PopActiveSnapshot();
	CommitTransactionCommand();
}

/* ---------- the end ---------- */

void
og_recover_told_to_end(SIGNAL_ARGS)
{
	told_to_end = true;
	die(postgres_signal_arg);
}

/* The process ends, and it can still write. */
static void
note_end(int code, Datum argument)
{
	OgInstallation installation;

	if (code != 0 && !told_to_end)
		return;
	AbortOutOfAnyTransaction();
	begin();
	if (og_journal_exists() && og_journal_hold(&installation, false))
	{
		installation.running = false;
		og_journal_save(&installation);
	}
	commit();
}

/* ---------- the start ---------- */

static bool
is_moved(const OgInstallation *installation)
{
	return installation->system_identifier != GetSystemIdentifier();
}

/* Was this server promoted since, and what does that mean? */
static void
judge_timeline(OgInstallation *installation)
{
	bool		has_run = installation->alive_at != 0;

	if (installation->held ||
		GetWALInsertionTimeLine() <= installation->timeline)
		return;
	if (has_run && (is_moved(installation) ||
					TimestampDifferenceExceeds(installation->alive_at,
											   GetCurrentTimestamp(),
											   FRESH_MS)))
		installation->held = true;
	else if (!has_run || !og_standby_is_asked())
		installation->doubtful_below = og_journal_last_id() + 1;
}

static void
note_start(OgInstallation *installation)
{
	begin();
	(void) og_journal_hold(installation, true);
	judge_timeline(installation);
	if (installation->running)
		installation->crashes++;
	installation->running = true;
	installation->alive_at = GetCurrentTimestamp();
	og_journal_save(installation);
	og_recover_suspect(og_journal_last_id());
	commit();
}

/* What was queued on another timeline or in another cluster, and may go on. */
static void
follow_timeline(OgInstallation *installation)
{
	int64		done_below = installation->done_below;
	uint32		timeline = GetWALInsertionTimeLine();

	if (installation->timeline == timeline && !is_moved(installation))
		return;
	og_recover_end_doubtful(installation);
	begin();
	(void) og_journal_hold(installation, true);
	if (is_moved(installation))
		og_journal_find_anew(installation);
	installation->done_below = Max(done_below, installation->done_below);
	installation->timeline = timeline;
	installation->system_identifier = GetSystemIdentifier();
	og_journal_save(installation);
	commit();
}

void
og_recover(OgInstallation *installation)
{
	note_start(installation);
	before_shmem_exit(note_end, (Datum) 0);
	next_note = og_clock_now() + ALIVE_US;
	og_recover_end_marked(installation);
	if (installation->held)
	{
		ereport(WARNING,
				(errmsg("nothing is sent from database \"%s\": this looks like a copy of a server that may still run",
						MyBgworkerEntry ? MyBgworkerEntry->bgw_name : ""),
				 errhint("If the other one is gone for good, call order_gateway_adopt().")));
		og_workers_show_error(HELD);
	}
	else
		follow_timeline(installation);
}
