/*-------------------------------------------------------------------------
 *
 * worker_begin.c
 *		Which calls are begun, and when.
 *
 * The first call of each line is begun as soon as those that are being made leave
 * room for its requests, and a few more are, so that there is always one that
 * could go on.  A call that cannot be read, or must not be made, gets that as its
 * end, and touches no other.
 *
 * One that cannot be written touches no other, either, once it is known that this
 * is its own trouble.  Until then a few others are tried: if theirs can be, it is.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "ground/clock.h"
#include "worker/worker_loop.h"
#include "worker/worker_recover.h"
#include "worker/worker_told.h"
#include "worker/worker_turn.h"

/* Calls that are begun in one turn. */
#define BEGUN_IN_TURN	64

/* Calls of a line that may be made before its account was opened once. */
#define UNKNOWN_LINE	16

/* With so many rounds, only lines that have none begin one. */
#define CROWDED_ROUNDS	(MOST_ROUNDS / 4 * 3)

/*
 * So long only one suspect call is under way: one that crashes the server does so
 * when it is read, or answered.  Others do not wait for one that gets no answer.
 */
#define SUSPECT_US		INT64CONST(5000000)

/* Between two attempts at what cannot be begun, nor ended, for its own reasons. */
#define LATER_US		INT64CONST(10000000)

/* So many calls are tried while it may be that none can be written. */
#define MOST_TRIED	16

/*
 * How many calls may be begun now, and rounds opened?  No more than may stay in
 * memory with answers that cannot be written, if that should be so for all.
 */
static int
room_for_trials(const Loop *loop)
{
	bool		doubtful = false;
	int			tried = 0;
	dlist_iter	iter;

	/* Nothing is stuck. */
	if (loop->next_write == 0)
		return INT_MAX;
	dlist_foreach(iter, unconstify(dlist_head *, &loop->makings))
	{
		const Making *making = making_of(iter.cur);

		doubtful |= making->stuck && !making->is_own;
		tried += !making->is_own && (making->stuck || making->pipeline != NULL);
	}
	return doubtful ? Max(MOST_TRIED - tried, 0) : INT_MAX;
}

static bool
suspect_may_begin(const Loop *loop, int64 call_id)
{
	return loop->suspect == 0 || loop->suspect == call_id ||
		loop->now >= loop->suspect_until ||
		!og_recover_is_suspect(&loop->installation, call_id);
}

static void
note_suspect(Loop *loop, int64 call_id)
{
	if (!og_recover_is_suspect(&loop->installation, call_id))
		return;
	if (loop->suspect != call_id)
		loop->suspect_until = loop->now + SUSPECT_US;
	loop->suspect = call_id;
}

void
og_begin_at_rest(Loop *loop, int64 call_id)
{
	if (loop->suspect == call_id)
		loop->suspect = 0;
}

static bool
may_begin(void *arg, const Line *line, int64 call_id)
{
	const Loop *loop = arg;
	int			most = 2 * line->max_in_flight + 2;
	const Target *target = line->target;

	if (!suspect_may_begin(loop, call_id))
		return false;
	if (line->max_in_flight == 0)
		return line->nmade < UNKNOWN_LINE;
	if (target->pause_us != 0 &&
		(loop->now < target->paused_until || target->tried_by != 0 ||
		 line->nmade > 0))
		return false;
	if (loop->nrounds >= (line->nmade == 0 ? MOST_ROUNDS : CROWDED_ROUNDS))
		return false;
	return Max(line->width, line->nmade) < most;
}

/* A call that is to be read. */
typedef struct Beginning
{
	Loop	   *loop;
	Queued		queued;
	Making	   *making;
} Beginning;

static void
read_call(void *arg)
{
	Beginning  *beginning = arg;
	const Loop *loop = beginning->loop;

	beginning->making = og_making_begin(&loop->installation,
										&beginning->queued, loop->context);
}

/* A round that is to be opened. */
typedef struct Opening
{
	MemoryContext context;
	Making	   *making;
} Opening;

static void
open_round(void *arg)
{
	const Opening *opening = arg;

	og_making_open(opening->making, opening->context);
}

/*
 * What passes does so for all; else the others do not wait for this one, unless
 * it is one that is to end at once.
 */
static void
put_back(Loop *loop, const Queued *queued, const Trouble *trouble)
{
	Queued		later = *queued;

	og_trouble_show(trouble);
	if (og_trouble_passes(trouble) || queued->withdrawn || queued->expired)
		loop->next_begin = og_clock_now() + AGAIN_US;
	else
		later.not_before = GetCurrentTimestamp() + LATER_US;
	og_outbox_add(&later, queued->line->serverid, queued->line->roleid);
	og_outbox_leave(queued->line);
	og_begin_at_rest(loop, queued->call_id);
}

/*
 * The one round of a call that a session has handed over.  What would have been an
 * error in the session is one there.
 */
static void
try_served(Loop *loop, Making *making)
{
	Opening		opening = {loop->context, making};
	Trouble		trouble;

	if (og_try_part(open_round, &opening, &trouble))
		return;
	og_making_close(making);
	if (ERRCODE_TO_CATEGORY(trouble.sqlstate) ==
		ERRCODE_INSUFFICIENT_RESOURCES)
		og_told_refuse(making, &(OgDeskRefusal)
					   {trouble.sqlstate, trouble.message});
	else if (og_trouble_passes(&trouble))
		making->next_round = og_clock_now() + AGAIN_US;
	else
		making->over = MemoryContextStrdup(making->context, trouble.message);
}

/* Its next round, or why there is none. */
static void
try_round(Loop *loop, Making *making)
{
	Opening		opening = {loop->context, making};
	Trouble		trouble;

	if (og_try_part(open_round, &opening, &trouble))
	{
		note_suspect(loop, making->call.call_id);
		return;
	}
	og_making_close(making);
	loop->nrounds--;
	og_begin_at_rest(loop, making->call.call_id);
	if (og_trouble_passes(&trouble))
	{
		og_trouble_show(&trouble);
		making->next_round = og_clock_now() + AGAIN_US;
		return;
	}
	making->over = MemoryContextStrdup(making->context, trouble.message);
	making->note = making->over;
}

/* What is begun in one turn, and what cannot be. */
typedef struct Refused
{
	Queued		queued;
	const char *why;
} Refused;

typedef struct Begun
{
	Loop	   *loop;
	Queued		calls[BEGUN_IN_TURN];
	int			ncalls;
	Refused		refused[BEGUN_IN_TURN];
	int			nrefused;
	int			room;			/* so many rounds are opened at most */
} Begun;

/* A call of the outbox is made from now on, or goes back there. */
static void
begin_call(Begun *begun, const Queued *queued)
{
	Loop	   *loop = begun->loop;
	Beginning	beginning = {loop, *queued};
	Trouble		trouble;

	if (!og_try_part(read_call, &beginning, &trouble))
	{
		if (og_trouble_passes(&trouble))
		{
			put_back(loop, queued, &trouble);
			return;
		}
		og_trouble_show(&trouble);
		begun->refused[begun->nrefused++] = (Refused)
		{
			*queued, MemoryContextStrdup(GetMemoryChunkContext(begun),
										 trouble.message)
		};
		return;
	}
	if (beginning.making == NULL)
	{
		og_begin_at_rest(loop, queued->call_id);
		og_outbox_leave(queued->line);
	}
	else
		dlist_push_tail(&loop->makings, &beginning.making->node);
}

static bool
may_open(const Loop *loop, const Making *making)
{
	if (!og_making_is_due(making, loop->now))
		return false;
	if (making->served != NULL)
		return true;
	return loop->nrounds < MOST_ROUNDS &&
		suspect_may_begin(loop, making->call.call_id) &&
		og_target_lets(making->line->target, making->call.call_id, loop->now);
}

/* Open rounds that are due, as many as there may be. */
static void
open_rounds(Loop *loop, int room)
{
	dlist_iter	iter;

	dlist_foreach(iter, &loop->makings)
	{
		Making	   *making = making_of(iter.cur);

		if (room == 0 || !may_open(loop, making))
			continue;
		room--;
		if (making->served != NULL)
		{
			try_served(loop, making);
			continue;
		}
		loop->nrounds++;
		try_round(loop, making);
	}
}

static void
begin_all(void *arg)
{
	Begun	   *begun = arg;

	for (int i = 0; i < begun->ncalls; i++)
		begin_call(begun, &begun->calls[i]);
	if (begun->loop->may_send)
		open_rounds(begun->loop, begun->room);
}

/* What cannot be made gets its end, in transactions of its own. */
typedef struct GivingUp
{
	const OgInstallation *installation;
	const Refused *refused;
} GivingUp;

static void
give_up(void *arg)
{
	const GivingUp *giving_up = arg;

	og_recover_give_up(giving_up->installation,
					   giving_up->refused->queued.call_id,
					   giving_up->refused->why);
}

static void
end_refused(const Begun *begun)
{
	Loop	   *loop = begun->loop;

	for (int i = 0; i < begun->nrefused; i++)
	{
		GivingUp	giving_up = {&loop->installation, &begun->refused[i]};
		const Queued *queued = &begun->refused[i].queued;
		Trouble		trouble;

		if (!og_try_alone(give_up, &giving_up, &trouble))
		{
			put_back(loop, queued, &trouble);
			continue;
		}
		og_begin_at_rest(loop, queued->call_id);
		og_outbox_leave(queued->line);
		loop->nquarantined++;
	}
}

/*
 * A call that may have crashed the server is tried with a note of that before it,
 * in a transaction of its own.
 */
typedef struct Trial
{
	const OgInstallation *installation;
	int64		call_id;
	bool		may_be_made;
} Trial;

static void
note_trial(void *arg)
{
	Trial	   *trial = arg;

	trial->may_be_made = og_recover_try(trial->installation, trial->call_id);
}

/* May it be begun?  Else it is out of the way, or back in the outbox. */
static bool
may_be_tried(Loop *loop, const Queued *queued)
{
	Trial		trial = {&loop->installation, queued->call_id, true};
	Trouble		trouble;

	if (queued->is_new || queued->withdrawn || queued->expired)
		return true;
	if (!og_try_alone(note_trial, &trial, &trouble))
	{
		put_back(loop, queued, &trouble);
		return false;
	}
	if (trial.may_be_made)
	{
		note_suspect(loop, queued->call_id);
		return true;
	}
	loop->nquarantined++;
	og_outbox_leave(queued->line);
	return false;
}

/*
 * The next call that may begin, be it only to say that it does not.  While all
 * is held nobody knows what became of any: another server may have sent it.
 */
static bool
take_call(Loop *loop, Queued *queued, bool late_first)
{
	if (!loop->may_send)
		return false;
	return (late_first && og_outbox_take_late(queued)) ||
		og_outbox_take(may_begin, loop, queued) ||
		og_outbox_take_late(queued);
}

static bool
any_due(Loop *loop)
{
	dlist_iter	iter;

	dlist_foreach(iter, &loop->makings)
	{
		if (may_open(loop, making_of(iter.cur)))
			return true;
	}
	return false;
}

/*
 * Take from the outbox what is to be begun now: in turn what ends unsent, and
 * what does not, so that neither waits for the other, however many there are.
 */
static void
take_calls(Begun *begun)
{
	Loop	   *loop = begun->loop;

	for (bool late_first = true;
		 begun->ncalls < Min(begun->room, BEGUN_IN_TURN) &&
		 loop->next_begin <= loop->now &&
		 take_call(loop, &begun->calls[begun->ncalls], late_first);
		 late_first = !late_first)
		begun->ncalls += may_be_tried(loop, &begun->calls[begun->ncalls]);
}

bool
og_begin_calls(Loop *loop)
{
	Begun	   *begun;
	Trouble		trouble;

	if (!loop->looked || (loop->now < loop->next_begin && loop->nserved == 0))
		return false;
	begun = palloc0(sizeof(Begun));
	begun->loop = loop;
	begun->room = room_for_trials(loop);
	take_calls(begun);
	if (begun->ncalls == 0 &&
		!(loop->may_send && begun->room > 0 && any_due(loop)))
		return false;

	/* What each of them raises is caught there. */
	if (!og_try(begin_all, begun, &trouble))
		ereport(ERROR,
				(errcode(trouble.sqlstate),
				 errmsg("%s", trouble.message)));
	end_refused(begun);
	loop->changed = true;
	return true;
}
