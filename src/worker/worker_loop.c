/*-------------------------------------------------------------------------
 *
 * worker_loop.c
 *		What a worker does with the calls of its database.
 *
 * One turn after the other:
 *
 *	look		what was committed since the last look goes to the outbox
 *	begin		calls whose turn it is are read, and their accounts opened
 *	advance		each call goes on as far as it can, for a bounded number of rows
 *	write		what came of that is committed, in one transaction for all
 *	release		requests whose marks the standbys have may leave
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
#include "http/http.h"
#include "worker/worker_internal.h"
#include "worker/worker_keep.h"
#include "worker/worker_recover.h"
#include "worker/worker_standby.h"
#include "worker/worker_turn.h"

/* Between two looks, where much is going on. */
#define LOOKS_APART_US		INT64CONST(2000)

/* Between two attempts at what failed. */
#define AGAIN_US			INT64CONST(1000000)

/* Calls that are begun in one turn, and that have requests at once, in all ... */
#define BEGUN_IN_TURN		64
#define MOST_ROUNDS			256

/* ... of which the last quarter is for lines that have none. */
#define CROWDED_ROUNDS		(MOST_ROUNDS / 4 * 3)

/* Rows of one call, and of all, in one turn. */
#define ROWS_OF_CALL		200
#define ROWS_IN_TURN		2000

/* Between two times that what goes on is shown. */
#define SHOWS_APART_US		INT64CONST(50000)

/* Steps of removing old calls in one second. */
#define REMOVALS_IN_TICK	10

/* How soon to ask again what the standbys have, from the first time on. */
#define STANDBY_FIRST_US	INT64CONST(500)
#define STANDBY_LAST_US		INT64CONST(50000)

/* Turns whose marks wait for standbys, told apart. */
#define AWAITED_TURNS		64

typedef struct AwaitedTurn
{
	uint32		turn;
	XLogRecPtr	end;
} AwaitedTurn;

static struct
{
	MemoryContext context;		/* NULL = it is not open */
	OgInstallation installation;
	OgLook		look;
	List	   *withdrawn;		/* found by the look that goes on */
	bool		looked;			/* the last look succeeded */
	bool		wants_look;		/* something may have come since, too early for
								 * another one */
	bool		may_send;
	int64		next_look;
	int64		next_tick;
	int64		next_begin;		/* not before, since something failed */
	int64		suspect;		/* the one suspect call that is under way, 0 = none */
	dlist_head	makings;
	int			nrounds;		/* makings with requests, or about to have them */
	bool		blocked;		/* nothing can be written ... */
	int64		next_write;		/* ... and what is stuck not tried, before */
	uint32		turn;
	AwaitedTurn awaited[AWAITED_TURNS];
	int			nawaited;
	int64		awaited_since;

	/* what is shown */
	bool		changed;
	int64		next_show;
	TimestampTz last_commit;
	int64		nquarantined;
}			loop;

static Making *
making_of(dlist_node *node)
{
	return dlist_container(Making, node, node);
}

/* ---------- opening and closing ---------- */

void
og_loop_close(void)
{
	dlist_mutable_iter iter;

	if (loop.context == NULL)
		return;
	dlist_foreach_modify(iter, &loop.makings)
		og_making_close(making_of(iter.cur));
	if (loop.look.running != NULL)
		pfree(loop.look.running);
	MemoryContextDelete(loop.context);
	memset(&loop, 0, sizeof(loop));
}

/* Turns go back, and what was in flight is counted, also when the process ends. */
static void
close_at_exit(int code, Datum arg)
{
	og_loop_close();
}

void
og_loop_open(void)
{
	static bool registered = false;
	OgInstallation installation;

	og_recover(&installation);
	memset(&loop, 0, sizeof(loop));
	loop.context = AllocSetContextCreate(TopMemoryContext,
										 "order_gateway calls",
										 ALLOCSET_DEFAULT_SIZES);
	loop.installation = installation;
	loop.turn = UNMARKED + 1;
	dlist_init(&loop.makings);
	og_witness_begin(loop.turn);
	og_outbox_open(loop.context);
	if (!registered)
		before_shmem_exit(close_at_exit, (Datum) 0);
	registered = true;
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

	og_outbox_add(&call, entry->serverid, entry->roleid);
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
	MemoryContextSwitchTo(old);
}

static void
look_at_journal(void *arg)
{
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

/*
 * After a look that failed, what it had found by then is found once more: so
 * nothing is begun meanwhile, and the outbox knows it.
 */
static void
look(int64 now)
{
	Trouble		trouble;
	ListCell   *cell;

	loop.looked = og_turn_try(look_at_journal, NULL, &trouble);
	loop.wants_look = false;
	loop.next_look = now + LOOKS_APART_US;
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
}

/* ---------- begin ---------- */

/* Only one suspect call is under way at a time. */
static bool
suspect_may_begin(int64 call_id)
{
	return loop.suspect == 0 || loop.suspect == call_id ||
		!og_recover_is_suspect(&loop.installation, call_id);
}

/* Nothing of a call is under way. */
static void
note_at_rest(int64 call_id)
{
	if (loop.suspect == call_id)
		loop.suspect = 0;
}

static bool
may_begin(const Line *line, int64 call_id)
{
	int			most = line->max_in_flight + line->max_in_flight / 4 + 2;
	const Target *target = line->target;

	if (!suspect_may_begin(call_id))
		return false;
	if (line->max_in_flight == 0)
		return line->nmade == 0;
	if (target->pause_us != 0 &&
		(og_clock_now() < target->paused_until || target->tried_by != 0 ||
		 line->nmade > 0))
		return false;
	if (loop.nrounds >= (line->nmade == 0 ? MOST_ROUNDS : CROWDED_ROUNDS))
		return false;
	return Max(line->width, line->nmade) < most;
}

/* A call that is to be read. */
typedef struct Beginning
{
	Queued		queued;
	Making	   *making;
} Beginning;

static void
read_call(void *arg)
{
	Beginning  *beginning = arg;

	beginning->making = og_making_begin(&loop.installation,
										&beginning->queued, loop.context);
}

static void
open_round(void *arg)
{
	og_making_open(arg, loop.context);
}

static void
put_back(const Queued *queued)
{
	og_outbox_add(queued, queued->line->serverid, queued->line->roleid);
	og_outbox_leave(queued->line);
	note_at_rest(queued->call_id);
	loop.next_begin = og_clock_now() + AGAIN_US;
}

/* Its next round, or why there is none. */
static void
try_round(Making *making)
{
	Trouble		trouble;

	if (og_turn_try_part(open_round, making, &trouble))
	{
		if (og_recover_is_suspect(&loop.installation, making->call.call_id))
			loop.suspect = making->call.call_id;
		return;
	}
	og_making_close(making);
	loop.nrounds--;
	note_at_rest(making->call.call_id);
	og_trouble_show(&trouble);
	if (og_trouble_passes(&trouble))
	{
		making->next_round = og_clock_now() + AGAIN_US;
		return;
	}
	making->over = MemoryContextStrdup(making->context, trouble.message);
	making->note = making->over;
}

/* A call of the outbox is made from now on, or goes back there. */
static void
begin_call(const Queued *queued)
{
	Beginning	beginning = {.queued = *queued};
	Trouble		trouble;

	if (!og_turn_try_part(read_call, &beginning, &trouble))
	{
		og_trouble_show(&trouble);
		if (og_trouble_passes(&trouble))
		{
			put_back(queued);
			return;
		}
		beginning.making = og_making_refuse(queued, trouble.message,
											loop.context);
		loop.nquarantined++;
	}
	if (beginning.making == NULL)
	{
		note_at_rest(queued->call_id);
		og_outbox_leave(queued->line);
	}
	else
		dlist_push_tail(&loop.makings, &beginning.making->node);
}

/* What is begun in one turn. */
typedef struct Begun
{
	Queued		calls[BEGUN_IN_TURN];
	int			ncalls;
} Begun;

static bool
may_open(const Making *making, int64 now)
{
	return og_making_is_due(making, now) &&
		suspect_may_begin(making->call.call_id) &&
		og_target_lets(making->line->target, making->call.call_id, now);
}

/* Open rounds that are due, as many as there may be. */
static void
open_rounds(void)
{
	int64		now = og_clock_now();
	dlist_iter	iter;

	dlist_foreach(iter, &loop.makings)
	{
		Making	   *making = making_of(iter.cur);

		if (loop.nrounds >= MOST_ROUNDS)
			return;
		if (!may_open(making, now))
			continue;
		loop.nrounds++;
		try_round(making);
	}
}

static void
begin_all(void *arg)
{
	const Begun *begun = arg;

	for (int i = 0; i < begun->ncalls; i++)
		begin_call(&begun->calls[i]);
	if (loop.may_send)
		open_rounds();
}

/*
 * A call that may have crashed the server is tried with a note of that before it,
 * in a transaction of its own.
 */
typedef struct Trial
{
	int64		call_id;
	bool		may_be_made;
} Trial;

static void
note_trial(void *arg)
{
	Trial	   *trial = arg;

	trial->may_be_made = og_recover_try(&loop.installation, trial->call_id);
}

/* May it be begun?  Else it is out of the way, or back in the outbox. */
static bool
may_be_tried(const Queued *queued)
{
	Trial		trial = {queued->call_id, true};
	Trouble		trouble;

	if (queued->is_new || queued->withdrawn || queued->expired)
		return true;
	if (!og_turn_try_alone(note_trial, &trial, &trouble))
	{
		og_trouble_show(&trouble);
		put_back(queued);
		return false;
	}
	if (trial.may_be_made)
	{
		if (og_recover_is_suspect(&loop.installation, queued->call_id))
			loop.suspect = queued->call_id;
		return true;
	}
	loop.nquarantined++;
	og_outbox_leave(queued->line);
	return false;
}

/*
 * The next call that may begin, be it only to say that it does not.  While all
 * is held nobody knows what became of any: another server may have sent it.
 */
static bool
take_call(Queued *queued)
{
	return loop.may_send &&
		(og_outbox_take_late(GetCurrentTimestamp(), queued) ||
		 og_outbox_take(may_begin, queued));
}

static bool
any_due(void)
{
	int64		now = og_clock_now();
	dlist_iter	iter;

	dlist_foreach(iter, &loop.makings)
	{
		if (may_open(making_of(iter.cur), now))
			return true;
	}
	return false;
}

/* True if something was begun: there may be more. */
static bool
begin(int64 now)
{
	Begun	   *begun;
	Trouble		trouble;

	if (!loop.looked || now < loop.next_begin)
		return false;
	begun = palloc0(sizeof(Begun));
	while (begun->ncalls < BEGUN_IN_TURN && loop.next_begin <= now &&
		   take_call(&begun->calls[begun->ncalls]))
		begun->ncalls += may_be_tried(&begun->calls[begun->ncalls]);
	if (begun->ncalls == 0 && !(loop.may_send && any_due()))
		return false;

	/* What each of them raises is caught there. */
	if (!og_turn_try(begin_all, begun, &trouble))
		ereport(ERROR,
				(errcode(trouble.sqlstate),
				 errmsg("%s", trouble.message)));
	loop.changed = true;
	return true;
}

/* ---------- advance ---------- */

/* The clock of pauses, when a time of day comes. */
static int64
clock_at(TimestampTz at, TimestampTz now, int64 clock_now)
{
	return TIMESTAMP_IS_NOEND(at) ? 0 : clock_now + Max(at - now, 0);
}

static void
pause_until(OgPause *pause, int64 until)
{
	og_pause_merge(pause, &(OgPause) {until, OG_WAIT_NONE});
}

/* What a call waits for beside its requests. */
static void
pause_for(const Making *making, TimestampTz now, int64 clock_now,
		  OgPause *pause)
{
	const Target *target = making->line->target;

	if (making->over != NULL)
		return;
	pause_until(pause, clock_at(making->call.expires_at, now, clock_now));
	if (making->held_until > clock_now && making->held_until < PG_INT64_MAX)
		pause_until(pause, making->held_until);
	if (making->pipeline == NULL &&
		(target->tried_by == 0 || clock_now < target->paused_until))
		pause_until(pause, Max(Max(making->next_round, target->paused_until),
							   loop.next_begin));
}

/* Those that were served are the last ones next time. */
static void
rotate(dlist_node *first)
{
	while (dlist_head_node(&loop.makings) != first)
		dlist_push_tail(&loop.makings, dlist_pop_head_node(&loop.makings));
}

/*
 * Of what cannot be written more answers are read, lest they are lost; nothing
 * else becomes of it.
 */
static bool
advance(OgPause *pause)
{
	TimestampTz now = GetCurrentTimestamp();
	int64		clock_now = og_clock_now();
	int			rows = 0;
	bool		more = false;
	dlist_iter	iter;

	dlist_foreach(iter, &loop.makings)
	{
		Making	   *making = making_of(iter.cur);
		bool		had_round = making->pipeline != NULL;

		if (!had_round && (loop.blocked || making->stuck))
			continue;
		if (rows >= ROWS_IN_TURN)
		{
			rotate(iter.cur);
			return true;
		}
		if (making->over == NULL && making->call.expires_at <= now)
			og_making_stop(making, OG_EXPIRED);
		rows -= making->pending.nresults;
		more |= og_making_advance(making, ROWS_OF_CALL, pause);
		rows += making->pending.nresults;
		if (had_round && making->pipeline == NULL)
		{
			loop.nrounds--;
			note_at_rest(making->call.call_id);
		}
		pause_for(making, now, clock_now, pause);
	}
	return more;
}

/* ---------- write ---------- */

/* Free what has ended. */
static void
sweep(void)
{
	dlist_mutable_iter iter;

	dlist_foreach_modify(iter, &loop.makings)
	{
		Making	   *making = making_of(iter.cur);

		if (!making->ended)
			continue;
		note_at_rest(making->call.call_id);
		dlist_delete(&making->node);
		og_making_end(making);
	}
}

/* The next turn; two numbers mean something else. */
static uint32
next_turn(void)
{
	uint32		turn = loop.turn + 1;

	while (turn == UNMARKED || turn == WANTED)
		turn++;
	return turn;
}

/* Marks of a turn wait for standbys, with those before where there are many. */
static void
await_standbys(uint32 turn, XLogRecPtr end, int64 now)
{
	if (loop.nawaited == 0)
		loop.awaited_since = now;
	if (loop.nawaited == AWAITED_TURNS)
		loop.nawaited--;
	loop.awaited[loop.nawaited++] = (AwaitedTurn) {turn, end};
}

/* What could not be written is tried again. */
static void
unstick(void)
{
	dlist_iter	iter;

	dlist_foreach(iter, &loop.makings)
		making_of(iter.cur)->stuck = false;
}

static bool
write_news(int64 now)
{
	XLogRecPtr	end = InvalidXLogRecPtr;
	uint32		turn = next_turn();
	bool		again = loop.next_write != 0 && now >= loop.next_write;
	Written		written;

	if (again)
		unstick();
	if (loop.blocked && !again)
		return false;
	written = og_turn_write(&loop.installation, &loop.makings, turn, &end);
	loop.blocked = written == NOTHING_WRITTEN;
	og_witness_block(loop.blocked);
	if (written == NOTHING_WRITTEN || written == SOME_WRITTEN)
		loop.next_write = og_clock_now() + AGAIN_US;
	else if (again)
		loop.next_write = 0;
	if (written != ALL_WRITTEN && written != SOME_WRITTEN)
		return false;
	loop.turn = turn;
	loop.last_commit = GetCurrentTimestamp();
	loop.changed = true;
	await_standbys(turn, end, og_clock_now());
	sweep();
	return true;
}

/* ---------- release ---------- */

/* Requests may leave whose marks are where they have to be. */
static bool
release(void)
{
	XLogRecPtr	there = loop.nawaited > 0 ? og_standby_position() : 0;
	int			n = 0;

	while (n < loop.nawaited && loop.awaited[n].end <= there)
		og_witness_release(loop.awaited[n++].turn);
	loop.nawaited -= n;
	memmove(loop.awaited, loop.awaited + n,
			loop.nawaited * sizeof(AwaitedTurn));
	if (n > 0)
		loop.awaited_since = og_clock_now();
	return n > 0;
}

/* They are asked less and less often for what they do not have. */
static void
pause_for_standbys(OgPause *pause)
{
	int64		now = og_clock_now();
	int64		age = now - loop.awaited_since;

	if (loop.nawaited > 0)
		pause_until(pause, now + Min(Max(age / 4, STANDBY_FIRST_US),
									 STANDBY_LAST_US));
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
tick(int64 now)
{
	Trouble		trouble;

	if (!og_turn_try_alone(tell_recovery, NULL, &trouble))
		og_trouble_show(&trouble);
	else if (!og_turn_try_alone(remove_old, NULL, &trouble))
		og_trouble_show(&trouble);
	loop.next_tick = now + LOOK_MS * INT64CONST(1000);
	loop.changed = true;
}

/* ---------- what is shown ---------- */

typedef struct Pauses
{
	OgWorkerPause pauses[OG_WORKER_PAUSES];
	int			count;
	TimestampTz now;
	int64		clock_now;
} Pauses;

static void
add_pause(Line *line, void *arg)
{
	Pauses	   *pauses = arg;
	int64		left = line->target->paused_until - pauses->clock_now;

	if (left > 0 && pauses->count < OG_WORKER_PAUSES)
		pauses->pauses[pauses->count++] = (OgWorkerPause)
		{
			line->serverid, line->roleid, pauses->now + left
		};
}

static void
show(void)
{
	OgWorkerState state = {.queued = og_outbox_count()};
	Pauses		pauses = {.count = 0};
	dlist_iter	iter;

	state.oldest_queued = og_outbox_waits_since();
	dlist_foreach(iter, &loop.makings)
	{
		const Making *making = making_of(iter.cur);

		/* Nothing of it was ever sent, or about to be: it is queued, still. */
		if (making->nmarks > 0)
			state.in_flight++;
		else
		{
			state.queued++;
			if (state.oldest_queued == 0 ||
				making->call.not_before < state.oldest_queued)
				state.oldest_queued = making->call.not_before;
		}
	}
	state.quarantined = loop.nquarantined;
	state.connections = og_http_kept_count();
	state.last_commit = loop.last_commit;
	state.awaits_standby = loop.nawaited > 0;
	og_workers_show(&state);
	pauses.now = GetCurrentTimestamp();
	pauses.clock_now = og_clock_now();
	og_outbox_lines(add_pause, &pauses);
	og_workers_show_pauses(pauses.pauses, pauses.count);
}

/* Not at each change, of which there may be thousands in a second. */
static void
show_in_time(OgPause *pause)
{
	int64		now = og_clock_now();

	if (!loop.changed)
		return;
	if (now >= loop.next_show)
	{
		show();
		loop.changed = false;
		loop.next_show = now + SHOWS_APART_US;
	}
	else
		pause_until(pause, loop.next_show);
}

/* ---------- a turn ---------- */

bool
og_loop_turn(OgPause *pause)
{
	int64		now = og_clock_now();
	bool		more = false;

	if (now >= loop.next_tick)
		tick(now);
	loop.wants_look |= now < loop.next_look;
	if (now >= loop.next_look)
		look(now);
	pause_until(pause, clock_at(og_outbox_advance(GetCurrentTimestamp()),
								GetCurrentTimestamp(), now));
	if (!loop.blocked)
		more = begin(now);
	more |= advance(pause);
	more |= write_news(now);
	more |= release();
	pause_for_standbys(pause);
	if (loop.next_write != 0)
		pause_until(pause, loop.next_write);
	pause_until(pause, loop.wants_look ? loop.next_look
				: Max(loop.next_look, loop.next_tick));
	show_in_time(pause);
	return more && !loop.blocked;
}
