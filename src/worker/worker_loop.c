/*-------------------------------------------------------------------------
 *
 * worker_loop.c
 *		What a worker does with the calls of its database.
 *
 * One turn after the other:
 *
 *	look		what was committed since the last look goes to the outbox
 *	beat		heartbeats go before all else (worker_heartbeat.h)
 *	begin		calls whose turn it is are read, and their accounts opened
 *	advance		each call goes on as far as it can, for a bounded number of rows
 *	write		what came of that is committed, in one transaction for all
 *	release		requests whose marks the standbys have may leave
 *	tell		sessions hear what was committed
 *	sweep		after a promotion, orders that the journal lost are looked for
 *
 * No transaction is open while anybody is waited for.  Where nothing can be
 * written, nothing is sent: then the next turn only tries to write again.
 *
 * worker_outbox.c	calls that are not begun, and their lines
 * worker_target.c	servers that cannot be reached
 * worker_account.c	as whom a call is made, and where it goes
 * worker_witness.c	what is asked and told while a call is made
 * worker_call.c	a call that is being made
 * worker_turn.c	what is written, and errors
 * worker_write.c	when it is written, and what may leave then
 * worker_begin.c	which calls are begun
 * worker_served.c	calls that sessions hand over
 * worker_told.c	what these sessions are told
 * worker_settle.c	what became of orders that are unknown
 * worker_show.c	what others see of all this
 * worker_sweep.c	orders that a provider has, and the journal does not
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "miscadmin.h"
#include "storage/ipc.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "ground/clock.h"
#include "worker/worker_heartbeat.h"
#include "worker/worker_internal.h"
#include "worker/worker_keep.h"
#include "worker/worker_learned.h"
#include "worker/worker_loop.h"
#include "worker/worker_recover.h"
#include "worker/worker_settle.h"
#include "worker/worker_sweep.h"
#include "worker/worker_table.h"
#include "worker/worker_told.h"
#include "worker/worker_turn.h"
#include "worker/worker_unsettled.h"

/* Between two looks, where much is going on. */
#define LOOKS_APART_US		INT64CONST(2000)

/* How much later than that, at most, where sessions wait. */
#define LOOK_LATE_US		INT64CONST(10000)

/*
 * Rows in one turn: of each call so many at least, and more where fewer calls
 * share what all of them may have.
 */
#define ROWS_OF_CALL		200
#define ROWS_OF_LONE_CALL	1000
#define ROWS_IN_TURN		2000

/* Steps of removing old calls in one second. */
#define REMOVALS_IN_TICK	10

static Loop loop;

/* ---------- opening and closing ---------- */

void
og_loop_close(void)
{
	dlist_mutable_iter iter;

	if (loop.context == NULL)
		return;
	og_sweeps_close();
	dlist_foreach_modify(iter, &loop.makings)
		og_making_close(making_of(iter.cur));
	og_heartbeats_close();
	og_places_leave();
	if (loop.look.running != NULL)
		pfree(loop.look.running);
	og_settle_close();
	MemoryContextDelete(loop.context);
	memset(&loop, 0, sizeof(loop));
}

static void
write_at_exit(int code, Datum arg)
{
	if (loop.context != NULL && OidIsValid(loop.journal) &&
		og_recover_ends_well(code))
		og_turn_write_last(&loop.installation, loop.journal, &loop.makings);
}

/* Turns go back, and what was in flight is counted, also when the process ends. */
static void
close_at_exit(int code, Datum arg)
{
	AbortOutOfAnyTransaction();
	og_loop_close();
}

/* Sessions would wait for ever for one that went without a word. */
static void
leave_at_exit(int code, Datum arg)
{
	og_places_leave();
}

/* The last one runs first.  An error in one does not keep the others back. */
static void
watch_exit(void)
{
	static bool watching = false;

	if (watching)
		return;
	before_shmem_exit(leave_at_exit, (Datum) 0);
	before_shmem_exit(close_at_exit, (Datum) 0);
	before_shmem_exit(write_at_exit, (Datum) 0);
	watching = true;
}

void
og_loop_open(void)
{
	OgInstallation installation;

	og_unsettled_open();
	og_recover(&installation);
	memset(&loop, 0, sizeof(loop));
	loop.context = AllocSetContextCreate(TopMemoryContext,
										 "order_gateway calls",
										 ALLOCSET_DEFAULT_SIZES);
	loop.installation = installation;
	loop.turn = UNMARKED + 1;
	og_witness_begin(loop.turn);
	dlist_init(&loop.makings);
	og_outbox_open(loop.context);
	og_heartbeats_open(&loop.installation, loop.context);
	og_sweeps_open(&loop.installation, loop.context);
	watch_exit();
	og_settle_open(&loop);
}

/* ---------- look ---------- */

static void
take_entry(void *owner, const OgJournalEntry *entry)
{
	Queued		call = {
		.call_id = entry->call_id,
		.not_before = entry->not_before,
		.expires_at = entry->expires_at,
		.is_new = loop.look.begun
	};

	/* This worker has those that it serves; what others did not end is ended. */
	if (entry->of_session && loop.look.begun)
		return;
	og_outbox_add(&call, entry->serverid, entry->roleid);
	if (entry->of_session)
		(void) og_outbox_withdraw(call.call_id);
	loop.changed = true;
}

/* It may be of a call that this look has not come to. */
static void
note_withdrawal(void *owner, int64 call_id)
{
	MemoryContext old = MemoryContextSwitchTo(loop.context);
	int64	   *kept = palloc(sizeof(int64));

	*kept = call_id;
	loop.withdrawn = lappend(loop.withdrawn, kept);
	loop.changed = true;
	MemoryContextSwitchTo(old);
}

static void
look_at_journal(void *arg)
{
	if (!OidIsValid(loop.journal))
		loop.journal = og_table_oid(OG_CALL_TABLE);
	og_turn_check(loop.journal);
	og_journal_look(&loop.installation, &loop.look, take_entry,
					note_withdrawal, NULL);
	loop.may_send = og_recover_may_send(&loop.installation);
}

static void
withdraw(int64 call_id)
{
	dlist_iter	iter;

	if (og_outbox_withdraw(call_id))
		return;
	dlist_foreach(iter, &loop.makings)
	{
		Making	   *making = making_of(iter.cur);

		if (making->call.call_id == call_id)
			og_making_stop(making, OG_WITHDRAWN);
	}
}

static void
look_at_target(Line *line, void *arg)
{
	if (line->target->paused_until > 0)
		og_target_look(line->target,
					   og_account_rows(line->serverid, line->roleid).version.server);
}

static void
look_at_targets(void *arg)
{
	og_outbox_lines(look_at_target, NULL);
}

/* Who changed a server wants to know at once whether that helps. */
static void
end_pauses(void)
{
	uint64		version = og_share_version();
	Trouble		trouble;

	if (loop.version == version)
		return;
	if (!og_try(look_at_targets, NULL, &trouble))
		og_trouble_show(&trouble);
	loop.version = version;
	loop.changed = true;
}

/*
 * After a look that failed, what it had found by then is found once more: so
 * nothing is begun meanwhile, and the outbox knows it.
 */
static void
look(void)
{
	Trouble		trouble;
	ListCell   *cell;

	loop.looked = og_try(look_at_journal, NULL, &trouble);
	loop.next_look = loop.now + LOOKS_APART_US;
	if (loop.looked)
	{
		foreach(cell, loop.withdrawn)
			withdraw(*(int64 *) lfirst(cell));
	}
	else
	{
		og_trouble_show(&trouble);
		loop.next_look = og_clock_now() + AGAIN_US;
	}
	list_free_deep(loop.withdrawn);
	loop.withdrawn = NIL;
	end_pauses();
}

/* ---------- advance ---------- */

/* The clock of pauses, when a time of day comes. */
static int64
clock_at(TimestampTz at, TimestampTz now)
{
	return TIMESTAMP_IS_NOEND(at) ? 0 : loop.now + Max(at - now, 0);
}

/*
 * When it expires.  A call of a session gives up what is in flight then, too, which
 * is its pipeline's to do.
 */
static TimestampTz
end_of(const Making *making)
{
	return making->served != NULL && making->pipeline != NULL ? DT_NOEND
		: making->call.expires_at;
}

/*
 * What a call waits for beside its requests.  What could have been done in this
 * turn, and was not, waits for something else.
 */
static void
pause_for(const Making *making, TimestampTz now, OgPause *pause)
{
	int64		round = making->served != NULL ? making->next_round
		: Max(making->next_round, making->line->target->paused_until);

	if (making->over != NULL)
		return;
	og_pause_until(pause, clock_at(end_of(making), now));
	if (making->held_until > loop.now)
		og_pause_until(pause, making->held_until);
	if (making->yields_until > loop.now)
		og_pause_until(pause, making->yields_until);
	if (making->pipeline == NULL && round > loop.now)
		og_pause_until(pause, round);
}

/* Those that were served are the last ones next time. */
static void
rotate(dlist_node *first)
{
	while (dlist_head_node(&loop.makings) != first)
		dlist_push_tail(&loop.makings, dlist_pop_head_node(&loop.makings));
}

static int
rows_of_call(void)
{
	int			share = ROWS_IN_TURN / Max(loop.nrounds + loop.nserved, 1);

	return Min(Max(share, ROWS_OF_CALL), ROWS_OF_LONE_CALL);
}

/* One call goes on.  True if it, or another one, has more to do at once. */
static bool
advance_call(Making *making, TimestampTz now, OgPause *pause)
{
	bool		had_round = making->pipeline != NULL;
	int			in_flight = making->in_flight;
	bool		more;

	if (making->over == NULL && making->withdrawn)
		og_making_stop(making, OG_WITHDRAWN);
	if (making->over == NULL && end_of(making) <= now)
		og_making_stop(making, making->served ? OG_TIMED_OUT : OG_EXPIRED);
	more = og_making_advance(making, rows_of_call(), pause);
	if (had_round && making->pipeline == NULL && making->served == NULL)
	{
		loop.nrounds--;
		og_begin_at_rest(&loop, making->call.call_id);
	}
	pause_for(making, now, pause);

	/* Whoever waits for its place is asked again. */
	return more || making->in_flight < in_flight;
}

/*
 * Of what cannot be written more answers are read, lest they are lost; nothing
 * else becomes of it.
 */
static bool
advance(OgPause *pause)
{
	TimestampTz now = GetCurrentTimestamp();
	int			rows = 0;
	bool		more = false;
	dlist_iter	iter;

	dlist_foreach(iter, &loop.makings)
	{
		Making	   *making = making_of(iter.cur);

		if (making->ended ||
			(making->pipeline == NULL && (loop.blocked || making->stuck)))
			continue;
		if (rows >= ROWS_IN_TURN)
		{
			rotate(iter.cur);
			return true;
		}
		rows -= making->pending.nresults;
		more |= advance_call(making, now, pause);
		rows += making->pending.nresults;
	}
	return more;
}

/* ---------- what has ended ---------- */

/* Free what has ended, and was told.  True if sessions wait for that. */
static bool
sweep(void)
{
	int			nserved = loop.nserved;
	dlist_mutable_iter iter;

	dlist_foreach_modify(iter, &loop.makings)
	{
		Making	   *making = making_of(iter.cur);

		if (!making->ended ||
			(making->served != NULL && og_told_is_busy(making)))
			continue;
		if (making->served != NULL)
			loop.nserved--;
		else
			og_begin_at_rest(&loop, making->call.call_id);
		dlist_delete(&making->node);
		og_making_end(making);
	}
	return loop.crowded && loop.nserved < nserved;
}

/* ---------- each second ---------- */

static void
tell_recovery(void *arg)
{
	og_recover_tick(&loop.installation);
}

static void
remove_old(void *arg)
{
	for (int i = 0; i < REMOVALS_IN_TICK && og_keep_step(&loop.installation); i++)
		CHECK_FOR_INTERRUPTS();
}

static void
tick(void)
{
	Trouble		trouble;

	if (!og_try_alone(tell_recovery, NULL, &trouble))
		og_trouble_show(&trouble);
	else if (!og_try_alone(remove_old, NULL, &trouble))
		og_trouble_show(&trouble);
	loop.next_tick = loop.now + LOOK_MS * INT64CONST(1000);
	loop.changed = true;
}

/* ---------- a turn ---------- */

/* When the outbox has something to do, unless nothing is begun now. */
static void
pause_for_outbox(OgPause *pause)
{
	TimestampTz now = GetCurrentTimestamp();
	TimestampTz next = og_outbox_advance(now);

	if (!loop.looked || !loop.may_send || loop.blocked)
		return;
	og_pause_until(pause, Max(clock_at(next, now), loop.next_begin));
}

/*
 * A look costs as much as a small call.  Where sessions wait for theirs, it waits
 * until they wait for something else, unless that takes long.
 */
static bool
is_look_due(void)
{
	return loop.now >= loop.next_look &&
		(loop.nserved == 0 || loop.now >= loop.next_look + LOOK_LATE_US);
}

/* Look at the end of a turn, if that is due.  True if there is something new. */
static bool
look_late(bool *looks)
{
	bool		changed = loop.changed;
	bool		found;

	if (*looks || loop.nserved == 0 || og_clock_now() < loop.next_look)
		return false;
	loop.changed = false;
	look();
	*looks = true;
	found = loop.changed;
	loop.changed |= changed;
	return found;
}

bool
og_loop_turn(OgPause *pause)
{
	bool		looks;
	bool		more = false;

	loop.now = og_clock_now();
	og_serve(&loop);
	looks = is_look_due();
	if (loop.now >= loop.next_tick)
		tick();
	if (looks)
		look();
	og_heartbeats_turn(looks, loop.looked && loop.may_send && !loop.blocked,
					   pause);
	pause_for_outbox(pause);
	if (!loop.blocked)
		more = og_begin_calls(&loop);
	more |= advance(pause);
	more |= og_settle_advance(&loop, pause);
	more |= og_write_news(&loop, pause);
	more |= og_write_release(&loop);
	more |= og_serve_tell(&loop);
	more |= sweep();
	more |= og_sweeps_turn(loop.looked && loop.may_send && !loop.blocked, pause);
	more = more || look_late(&looks);
	og_write_pause(&loop, pause);
	og_pause_until(pause, loop.next_write);

	/* What was committed since the last look, unless this was one. */
	og_pause_until(pause, looks && loop.looked ? loop.next_tick : loop.next_look);
	og_show(&loop, pause);
	return more && !loop.blocked;
}
