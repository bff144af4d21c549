/*-------------------------------------------------------------------------
 *
 * worker_write.c
 *		When what a worker has to write is written, and what may leave then.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/timestamp.h"

#include "ground/clock.h"
#include "worker/worker_learned.h"
#include "worker/worker_loop.h"
#include "worker/worker_standby.h"
#include "worker/worker_turn.h"

/* Answers are gathered for half as long as a turn takes to write, and no longer. */
#define GATHER_US			INT64CONST(5000)

/* How soon to ask again what the standbys have, from the first time on. */
#define STANDBY_FIRST_US	INT64CONST(500)
#define STANDBY_LAST_US		INT64CONST(50000)

/* ---------- write ---------- */

/* The next turn; two numbers mean something else. */
static uint32
next_turn(const Loop *loop)
{
	uint32		turn = loop->turn + 1;

	while (turn == UNMARKED || turn == WANTED)
		turn++;
	return turn;
}

/* Marks of a turn wait for standbys, with those before where there are many. */
static void
await_standbys(Loop *loop, uint32 turn, XLogRecPtr end)
{
	if (loop->nawaited == 0)
		loop->awaited_since = og_clock_now();
	if (loop->nawaited == AWAITED_TURNS)
		loop->nawaited--;
	loop->awaited[loop->nawaited++] = (AwaitedTurn) {turn, end};
}

/* What could not be written is tried again. */
static void
unstick(Loop *loop)
{
	dlist_iter	iter;

	dlist_foreach(iter, &loop->makings)
		making_of(iter.cur)->stuck = false;
	og_learned_news()->stuck = false;
}

/* How many requests are out, as far as is known? */
static int
count_awaited(Loop *loop)
{
	int			count = 0;
	dlist_iter	iter;

	dlist_foreach(iter, &loop->makings)
	{
		const Making *making = making_of(iter.cur);

		count += making->in_flight;
		for (int i = 0; i < making->pending.nmarks; i++)
			count -= making->pending.marks[i].leaves;
	}
	return count;
}

/*
 * A turn waits for its flush, and the answers that come meanwhile wait for the
 * next one: with a moment between them that has more to write, and many at once
 * take fewer turns.  However long it took to send what the last one marked, what
 * is answered by then, and while that is read, belongs to it.  Who is alone
 * waits for nobody.
 */
static bool
gathers(Loop *loop, OgPause *pause)
{
	int64		now = og_clock_now();
	int			count = count_awaited(loop);
	bool		moves = count != loop->gathered_at;

	if (loop->gathered_at < 0)
		loop->gather_end = now + GATHER_US;
	loop->gathered_at = count;
	if (count <= 0 ||
		(now >= loop->gather_until && (!moves || now >= loop->gather_end)))
		return false;
	og_pause_until(pause, moves ? now : loop->gather_until);
	return true;
}

static void
note_written(Loop *loop, int64 begun)
{
	int64		now = og_clock_now();

	loop->gather_until = now + Min((now - begun) / 2, GATHER_US);
	loop->gathered_at = -1;
	loop->last_commit = GetCurrentTimestamp();
	loop->changed = true;
}

bool
og_write_news(Loop *loop, OgPause *pause)
{
	int64		begun = og_clock_now();
	XLogRecPtr	end = InvalidXLogRecPtr;
	uint32		turn = next_turn(loop);
	bool		again = loop->next_write != 0 && loop->now >= loop->next_write;
	Written		written;

	if (again)
		unstick(loop);
	else if (loop->blocked || gathers(loop, pause))
		return false;
	written = og_turn_write(&loop->installation, loop->journal, &loop->makings,
							og_learned_news(), turn, &end);
	if (og_learned_news()->written)
		og_learned_written(loop);
	loop->blocked = written == NOTHING_WRITTEN;
	og_witness_block(loop->blocked);
	if (written == NOTHING_WRITTEN || written == SOME_WRITTEN)
		loop->next_write = og_clock_now() + AGAIN_US;
	else if (again)
		loop->next_write = 0;
	if (written != ALL_WRITTEN && written != SOME_WRITTEN)
		return false;
	loop->turn = turn;
	note_written(loop, begun);
	await_standbys(loop, turn, end);
	return true;
}

/* ---------- release ---------- */

/* Requests may leave whose marks are where they have to be. */
bool
og_write_release(Loop *loop)
{
	XLogRecPtr	there = loop->nawaited > 0 ? og_standby_position() : 0;
	int			n = 0;

	while (n < loop->nawaited && loop->awaited[n].end <= there)
		og_witness_release(loop->awaited[n++].turn);
	if (n == 0)
		return false;
	loop->nawaited -= n;
	memmove(loop->awaited, loop->awaited + n,
			loop->nawaited * sizeof(AwaitedTurn));
	loop->awaited_since = og_clock_now();
	return true;
}

void
og_write_pause(const Loop *loop, OgPause *pause)
{
	int64		now = og_clock_now();
	int64		age = now - loop->awaited_since;

	if (loop->nawaited > 0)
		og_pause_until(pause, now + Min(Max(age / 4, STANDBY_FIRST_US),
									 STANDBY_LAST_US));
}
