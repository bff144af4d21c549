/*-------------------------------------------------------------------------
 *
 * worker_heartbeat.c
 *		Which heartbeats there are, and when each beats.
 *
 * worker_beat.c makes the beats.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "nodes/pg_list.h"
#include "utils/memutils.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

#include "ground/clock.h"
#include "worker/worker_beat.h"
#include "worker/worker_heartbeat.h"
#include "worker/worker_internal.h"
#include "worker/worker_standby.h"
#include "worker/worker_table.h"
#include "worker/worker_turn.h"

/* Wishes are looked at so often at most. */
#define LOOKS_APART_US		INT64CONST(50000)

/* After so many beats in a row in which the server crashed. */
#define MOST_CRASHES		3

static const char *const CRASHES =
"the server crashed each time that a beat was made";

static struct
{
	MemoryContext context;		/* NULL = they are not open */
	pg_uuid_t	installation;
	dlist_head	beats;
	int64		next_look;
	bool		looks;			/* one is wanted */
}			heartbeats;

/* ---------- one heartbeat ---------- */

/* What is seen coming is told once, and what has come. */
static void
tell_times(Beat *beat, int64 now, OgPause *pause)
{
	int64		late = beat->renewed + beat->runs_us / BEATS_IN_TIMEOUT * 2;
	int64		fires = beat->renewed + beat->runs_us;

	if (beat->renewed == 0)
		return;
	if (now >= fires)
	{
		beat->renewed = 0;
		beat->row.armed_at = 0;
		beat->changed = true;
		og_beat_tell_fired(beat);
		return;
	}
	if (now >= late && !beat->told_late)
	{
		beat->told_late = true;
		if (!beat->row.lost)
			og_beat_tell_late(beat);
	}
	og_pause_until(pause, beat->told_late ? fires : late);
}

/* One that never began a beat has nothing to stop. */
static bool
has_nothing_to_stop(const Beat *beat)
{
	return beat_is_to_stop(beat) && beat->row.beats == 0;
}

static void
advance_resting(Beat *beat, int64 now, bool may_beat, OgPause *pause)
{
	bool		is_due = !beat->row.lost && !beat->ended && now >= beat->due;

	if (!may_beat)
		return;
	if (has_nothing_to_stop(beat))
		beat->ended = beat->changed = true;
	else if (is_due)
		og_beat_begin(beat);
	if (beat->state == BEAT_RESTING && beat->changed &&
		now >= beat->next_write)
		og_beat_write(beat, pause);
	if (beat->state == BEAT_RESTING && !beat->row.lost && !beat->ended)
		og_pause_until(pause, beat->due);
}

/*
 * Its row is older than the next one would be: the worker stood still, or the
 * standbys did.  That says nothing of now.
 */
static bool
is_stale(const Beat *beat, int64 now)
{
	return !beat_is_to_stop(beat) && now - beat->committed >
		2 * og_beat_deadline_ms(beat) * INT64CONST(1000);
}

static void
advance_committed(Beat *beat, int64 now, bool may_beat, OgPause *pause)
{
	if (og_standby_position() < beat->end)
		og_beat_await(beat, pause);
	else if (may_beat && is_stale(beat, now))
		og_beat_begin(beat);
	else if (may_beat)
		og_beat_send(beat);
}

static void
advance(Beat *beat, bool may_beat, OgPause *pause)
{
	int64		now = og_clock_now();
	bool		rested = beat->state == BEAT_RESTING;

	tell_times(beat, now, pause);
	if (beat->state == BEAT_RESTING)
		advance_resting(beat, now, may_beat, pause);
	if (beat->state == BEAT_COMMITTED)
		advance_committed(beat, now, may_beat, pause);
	if (beat->state == BEAT_OUT)
		og_beat_advance(beat, pause);

	/* What it came to is written at once. */
	if (beat->state == BEAT_RESTING && !rested)
		og_pause_until(pause, now);
}

/* ---------- which there are ---------- */

static void
forget(Beat *beat)
{
	og_beat_close(beat);
	dlist_delete(&beat->node);
	MemoryContextDelete(beat->context);
}

static Beat *
find_beat(const OgWish *wish)
{
	dlist_iter	iter;

	dlist_foreach(iter, &heartbeats.beats)
	{
		Beat	   *beat = beat_of(iter.cur);

		if (beat->row.wish.serverid == wish->serverid &&
			beat->row.wish.roleid == wish->roleid)
			return beat;
	}
	return NULL;
}

/* A time of day, on our clock. */
static int64
clock_of(TimestampTz at)
{
	return og_clock_now() - Max(GetCurrentTimestamp() - at, 0);
}

/*
 * One that another worker kept: its timer runs, maybe.  Where the server crashed
 * while a beat was made, that may have been the cause.
 */
static void
take_over(Beat *beat)
{
	OgHeartbeat *row = &beat->row;
	OgInstallation installation;

	if (row->armed_at != 0 && row->fires_at > GetCurrentTimestamp())
	{
		beat->renewed = clock_of(row->renewed_at);
		beat->runs_us = row->fires_at - row->renewed_at;
	}
	og_journal_installation(&installation);
	if (row->answered < row->beats && installation.crashes > 0)
		row->crashes++;
}

/* What is wished: at once, whatever became of what was wished before. */
static void
set_wish(Beat *beat, const OgWish *wish)
{
	OgWish	   *own = &beat->row.wish;

	if (beat->row.started_at == 0 ||
		(beat_is_to_stop(beat) && wish->timeout_ms != 0))
		beat->row.started_at = wish->wished_at;
	*own = *wish;
	own->function = MemoryContextStrdup(beat->context, wish->function);
	own->server = MemoryContextStrdup(beat->context, wish->server);
	own->role = MemoryContextStrdup(beat->context, wish->role);
	beat->row.lost = beat->ended = false;
	beat->due = beat->pause_us = 0;
}

static Beat *
add_beat(const OgHeartbeat *found)
{
	MemoryContext context = AllocSetContextCreate(heartbeats.context,
												  "order_gateway heartbeat",
												  ALLOCSET_SMALL_SIZES);
	Beat	   *beat = MemoryContextAllocZero(context, sizeof(Beat));

	beat->context = context;
	beat->installation = heartbeats.installation;
	beat->row = *found;
	take_over(beat);
	og_beat_set_words(beat, found->code, found->message);
	set_wish(beat, &found->wish);
	beat->row.lost = found->lost;
	dlist_push_tail(&heartbeats.beats, &beat->node);
	return beat;
}

/* One that was lost is shown for as long as a call would be that is done. */
static bool
is_forgotten(const Beat *beat)
{
	TimestampTz age = GetCurrentTimestamp() -
		Max(beat->row.beat_at, beat->row.wish.wished_at);

	if (!beat->row.lost || beat->renewed != 0)
		return false;
	return !SearchSysCacheExists1(FOREIGNSERVEROID,
								  ObjectIdGetDatum(beat->row.wish.serverid)) ||
		(og_journal_keep > 0 && age > og_journal_keep * USECS_PER_MINUTE);
}

static void
read_wishes(void *arg)
{
	List	   *found;
	ListCell   *cell;

	og_heartbeats_need_locks(AccessShareLock);
	found = og_heartbeats_read(&heartbeats.installation);
	foreach(cell, found)
	{
		const OgHeartbeat *heartbeat = lfirst(cell);
		Beat	   *beat = find_beat(&heartbeat->wish);

		if (beat == NULL)
			beat = add_beat(heartbeat);
		else if (beat->row.wish.number != heartbeat->wish.number)
			set_wish(beat, &heartbeat->wish);
		beat->wanted = true;
		if (!beat->ended && is_forgotten(beat))
			beat->ended = beat->changed = true;
	}
}

/* Live ones are shown to those who would take away what they need. */
static void
count_live(void)
{
	int			live = 0;
	dlist_iter	iter;

	dlist_foreach(iter, &heartbeats.beats)
		live += !beat_of(iter.cur)->row.lost && !beat_of(iter.cur)->ended;
	og_workers_show_heartbeats(live);
}

static void
give_up_crashing(void)
{
	dlist_iter	iter;

	dlist_foreach(iter, &heartbeats.beats)
	{
		Beat	   *beat = beat_of(iter.cur);

		if (beat->row.crashes >= MOST_CRASHES && !beat->row.lost)
			og_beat_lose(beat, OG_UNKNOWN, NULL, CRASHES);
	}
}

static void
look(int64 now)
{
	Trouble		trouble;
	dlist_mutable_iter iter;

	dlist_foreach_modify(iter, &heartbeats.beats)
		beat_of(iter.cur)->wanted = false;
	heartbeats.next_look = now + LOOKS_APART_US;
	heartbeats.looks = !og_try(read_wishes, NULL, &trouble);
	if (heartbeats.looks)
	{
		og_trouble_show(&trouble);
		heartbeats.next_look = now + HEARTBEAT_AGAIN_US;
		return;
	}
	dlist_foreach_modify(iter, &heartbeats.beats)
	{
		if (!beat_of(iter.cur)->wanted)
			forget(beat_of(iter.cur));
	}
	give_up_crashing();
}

/* ---------- all of them ---------- */

void
og_heartbeats_open(const OgInstallation *installation, MemoryContext parent)
{
	memset(&heartbeats, 0, sizeof(heartbeats));
	heartbeats.context = parent;
	heartbeats.installation = installation->id;
	heartbeats.looks = true;
	dlist_init(&heartbeats.beats);
}

void
og_heartbeats_close(void)
{
	dlist_mutable_iter iter;

	if (heartbeats.context == NULL)
		return;
	dlist_foreach_modify(iter, &heartbeats.beats)
		forget(beat_of(iter.cur));
	heartbeats.context = NULL;
}

void
og_heartbeats_turn(bool looks, bool may_beat, OgPause *pause)
{
	int64		now = og_clock_now();
	dlist_mutable_iter iter;

	heartbeats.looks |= looks;
	if (heartbeats.looks && now >= heartbeats.next_look)
		look(now);
	else if (heartbeats.looks)
		og_pause_until(pause, heartbeats.next_look);
	dlist_foreach_modify(iter, &heartbeats.beats)
	{
		Beat	   *beat = beat_of(iter.cur);

		advance(beat, may_beat, pause);
		if (beat->ended && !beat->changed)
			forget(beat);
	}

	/* As long as it is not known which there are, what was known before is. */
	if (!heartbeats.looks)
		count_live();
}
