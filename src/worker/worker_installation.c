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
#include "commands/dbcommands.h"
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
#include "worker/worker_sweep.h"
#include "worker/worker_table.h"
#include "worker/worker_unsettled.h"
#include "worker/worker_upgraded.h"

/* A worker that was alive this long ago may be failed over without asking. */
#define FRESH_MS		(5 * 60 * 1000)

/* How often is written down that one is alive; a clean minute. */
#define ALIVE_US		(60 * USECS_PER_SEC)

/*
 * Settling is tried in the trials of no call.  Two crashes that followed one: the
 * first came before any was noted.
 */
#define SETTLING		INT64CONST(0)
#define SETTLING_CRASHES 2

/* Calls that are looked at in one second to know which are done. */
#define CALLS_AT_ONCE	5000


static volatile sig_atomic_t told_to_end = false;

/* Of this process, since it began with the journal. */
static struct
{
	int64		next_note;		/* on og_clock_now() */
	bool		adopted;		/* what was held */
	int64		decided_below;	/* calls below are committed, or never will be */
	int64		bound;			/* so will be those below this, 0 = that is not
								 * asked, as soon as ... */
	FullTransactionId running_below;	/* ... transactions below have ended */
}			progress;

/* ---------- the end ---------- */

void
og_recover_told_to_end(SIGNAL_ARGS)
{
	told_to_end = true;
	die(postgres_signal_arg);
}

bool
og_recover_ends_well(int code)
{
	return code == 0 || told_to_end;
}

static void
note_end(int code, Datum argument)
{
	OgInstallation installation;

	if (!og_recover_ends_well(code))
		return;
	AbortOutOfAnyTransaction();
	og_table_begin();
	if (og_journal_exists() && og_journal_hold(&installation, false))
	{
		installation.running = false;
		og_journal_save(&installation);
	}
	og_table_commit();
}

/* ---------- the start ---------- */

/* Was this server promoted since, and what does that mean? */
static void
judge_timeline(OgInstallation *installation)
{
	bool		has_run = installation->alive_at != 0;

	if (installation->held ||
		GetWALInsertionTimeLine() <= installation->timeline)
		return;
	if (has_run && (og_journal_is_moved(installation) ||
					TimestampDifferenceExceeds(installation->alive_at,
											   GetCurrentTimestamp(),
											   FRESH_MS)))
		installation->held = true;
	if (installation->held || !has_run || !og_standby_is_asked())
		installation->doubtful_below = og_journal_last_id() + 1;
}

static const char *const OFF =
"unknown outcomes are not asked for any more: the server crashed each time that they were";

static void
say_held(void)
{
	og_workers_show_error(OG_HELD);
	ereport(WARNING,
			(errmsg("order_gateway: %s", OG_HELD),
			 errhint("If the other one does not run any more, call order_gateway_adopt() in database \"%s\".",
					 get_database_name(MyDatabaseId))));
}

static void
say_off(void)
{
	og_workers_show_error(OFF);
	ereport(WARNING,
			(errmsg("order_gateway: %s", OFF),
			 errhint("Call order_gateway_adopt() in database \"%s\" to have that tried again.",
					 get_database_name(MyDatabaseId))));
}

/*
 * A worker that did not end well is another process: this one may begin again,
 * where something was locked, or the journal was gone for a while.
 */
static void
note_start(OgInstallation *installation)
{
	static pg_uuid_t own = {{0}};

	og_table_begin();
	(void) og_journal_hold(installation, true);
	judge_timeline(installation);
	if (installation->running &&
		memcmp(&own, &installation->id, sizeof(pg_uuid_t)) != 0)
		installation->crashes++;
	installation->running = true;
	installation->alive_at = GetCurrentTimestamp();
	og_journal_save(installation);
	og_recover_suspect(og_journal_last_id());
	if (installation->held)
		say_held();
	else if (!installation->settles)
		say_off();
	og_table_commit();
	own = installation->id;
}

/*
 * Calls that are open, or are asked for: the others are over, and their rows are
 * what they were.
 */
static int
calls_to_find(const OgInstallation *installation, bool open, int64 *from,
			  int64 *calls)
{
	return open
		? og_journal_open_calls(installation, false, from, calls,
								CALLS_AT_ONCE)
		: og_unsettled_calls(installation, from, calls, CALLS_AT_ONCE);
}

static void
find_calls_anew(const OgInstallation *installation, bool open, int64 from)
{
	int64	   *calls = palloc(CALLS_AT_ONCE * sizeof(int64));

	while (from != PG_INT64_MAX)
	{
		int			count;

		og_table_begin();
		count = calls_to_find(installation, open, &from, calls);
		for (int i = 0; i < count; i++)
			og_unsettled_move(installation, calls[i],
							  og_journal_find_anew(installation, calls[i]));
		og_table_commit();
		CHECK_FOR_INTERRUPTS();
	}
	pfree(calls);
}

/* After pg_upgrade: what rows are about is found by its names. */
static void
find_anew(const OgInstallation *installation)
{
	find_calls_anew(installation, true, installation->done_below);
	find_calls_anew(installation, false, PG_INT64_MIN);
	og_table_begin();
	og_upgraded_find_servers(&installation->id);
	og_table_commit();
}

/* What was queued on another timeline or in another cluster, and may go on. */
static void
follow_timeline(OgInstallation *installation)
{
	int64		done_below = installation->done_below;
	uint32		timeline = GetWALInsertionTimeLine();

	if (installation->timeline == timeline && !og_journal_is_moved(installation))
		return;
	og_recover_end_doubtful(installation);
	if (og_journal_is_moved(installation))
		find_anew(installation);
	og_table_begin();
	(void) og_journal_hold(installation, true);
	installation->done_below = Max(done_below, installation->done_below);
	if (timeline > installation->timeline)
		(void) og_sweeps_want(installation);
	installation->timeline = timeline;
	installation->system_identifier = GetSystemIdentifier();
	og_journal_save(installation);
	og_table_commit();
}

/* Each process notes its end, however often it begins with a journal. */
static void
watch_end(void)
{
	static bool watching = false;

	if (!watching)
		before_shmem_exit(note_end, (Datum) 0);
	watching = true;
}

void
og_recover(OgInstallation *installation)
{
	memset(&progress, 0, sizeof(progress));
	progress.next_note = og_clock_now() + ALIVE_US;
	note_start(installation);
	watch_end();
	og_recover_end_marked(installation);
	if (!installation->held)
		follow_timeline(installation);
}

/* ---------- what is held ---------- */

bool
og_recover_may_send(const OgInstallation *installation)
{
	return !installation->held;
}

/* That it crashed the server is no reason any more, nor at the next start. */
static void
forget_settling(const OgInstallation *installation)
{
	int			most = PG_INT32_MAX;
	ScanKeyData keys[2];

	og_table_call_key(keys, &installation->id, SETTLING);
	(void) og_table_remove(OG_TRIAL_TABLE, OG_TRIAL_KEY, keys, 2, &most);
}

bool
og_recover_adopt(void)
{
	OgInstallation installation;

	(void) og_journal_hold(&installation, true);
	if (!installation.held && installation.settles)
		return false;
	installation.held = false;
	installation.settles = true;
	og_journal_save(&installation);
	forget_settling(&installation);
	return true;
}

/* ---------- what crashes when it is settled ---------- */

static void
stop_settling(OgInstallation *installation)
{
	OgInstallation now;

	(void) og_journal_hold(&now, true);
	now.settles = false;
	og_journal_save(&now);
	installation->settles = false;
}

bool
og_recover_may_settle(OgInstallation *installation)
{
	if (installation->settles && installation->crashes == 0)
		return true;
	og_table_begin();
	if (installation->settles &&
		og_journal_try(installation, SETTLING,
					   installation->crashes) >= SETTLING_CRASHES)
		stop_settling(installation);
	if (!installation->settles)
		say_off();
	og_table_commit();
	return installation->settles;
}

/* Was it adopted meanwhile? */
static void
look_at_hold(OgInstallation *installation)
{
	OgInstallation now;

	og_journal_installation(&now);
	progress.adopted = installation->held && !now.held;
	if (now.settles && !installation->settles)
	{
		og_workers_show_error("");
		ereport(LOG,
				(errmsg("order_gateway: unknown outcomes are asked for again")));
	}
	installation->settles = now.settles;
}

/* It was: outside of a transaction. */
static void
go_on(OgInstallation *installation)
{
	progress.adopted = false;
	follow_timeline(installation);
	installation->held = false;
	og_workers_show_error("");
	ereport(LOG,
			(errmsg("order_gateway: this installation was adopted, and sends again")));
}

/* ---------- each second ---------- */

/*
 * Ids are not committed in their order, so what is done below one is known only
 * when no lower one can come any more: up to the last id that was given by some
 * time, as soon as all transactions have ended that were running then.
 */
static void
learn_decided(void)
{
	Snapshot	snapshot = GetLatestSnapshot();
	TransactionId running_below =
		XidFromFullTransactionId(progress.running_below);

	if (progress.bound > 0 &&
		!TransactionIdPrecedes(snapshot->xmin, running_below))
	{
		progress.decided_below = progress.bound;
		progress.bound = 0;
	}
	if (progress.bound == 0)
	{
		progress.bound = og_journal_last_id() + 1;
		progress.running_below = ReadNextFullTransactionId();
	}
}

static void
advance_done(OgInstallation *installation)
{
	int64		from = installation->done_below;
	int64		first;
	int64	   *calls;
	int			open;

	learn_decided();

	/* Where the first is open there is nothing more to be looked at. */
	if (from >= progress.decided_below ||
		og_journal_open_calls(installation, false, &from, &first, 1) > 0)
		return;
	calls = palloc(CALLS_AT_ONCE * sizeof(int64));
	open = og_journal_open_calls(installation, false, &from, calls,
								 CALLS_AT_ONCE);
	installation->done_below = Min(progress.decided_below,
								   open > 0 ? calls[0] : from);
}

/*
 * Its row was removed, and calls are submitted to another installation: so this
 * worker is not that one's.
 */
static void
check_installation(const OgInstallation *installation)
{
	OgInstallation now;

	og_journal_installation(&now);
	if (memcmp(&now.id, &installation->id, sizeof(pg_uuid_t)) != 0)
		ereport(FATAL,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("order_gateway: this database has another installation now")));
}

/* A minute without a crash is over, or another one. */
static void
note_alive(OgInstallation *installation)
{
	OgInstallation now;

	if (!og_journal_hold(&now, false))
		return;
	if (now.crashes > 0)
		og_journal_forget_trials(&now);
	now.crashes = 0;
	now.running = true;
	now.done_below = Max(now.done_below, installation->done_below);
	now.alive_at = GetCurrentTimestamp();
	og_journal_save(&now);
	installation->crashes = 0;
	installation->alive_at = now.alive_at;
	progress.next_note = og_clock_now() + ALIVE_US;
}

static bool
may_read(void)
{
	return og_table_try_lock(OG_INSTALLATION_TABLE, AccessShareLock) &&
		og_table_try_lock(OG_CALL_TABLE, AccessShareLock) &&
		og_table_try_lock(OG_END_TABLE, AccessShareLock);
}

void
og_recover_tick(OgInstallation *installation)
{
	og_table_begin();
	if (may_read())
	{
		check_installation(installation);
		advance_done(installation);
		if (og_clock_now() >= progress.next_note)
			note_alive(installation);
		if (installation->held || !installation->settles)
			look_at_hold(installation);
	}
	og_table_commit();
	if (progress.adopted)
		go_on(installation);
}
