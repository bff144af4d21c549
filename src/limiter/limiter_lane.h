/*-------------------------------------------------------------------------
 *
 * limiter_lane.h
 *		What a lane remembers, and the arithmetic of turns.
 *
 * Plain memory and passed-in times: nothing here sleeps, locks, allocates,
 * raises errors or reads a clock, so all of it can be tested without a
 * server, and a lane may live in whatever memory sessions share.
 *
 * A lane is a bag of slots, one per request: free, pending (a turn was
 * reserved, the request has not left yet) or sent (with its stamp).  Windows
 * count slots by their stamps, so the order of slots means nothing; a new turn
 * takes the slot that was free or whose stamp is the oldest.
 *
 * Several sessions may use one lane at once.  Whoever decides on a turn has to
 * keep others from doing so meanwhile.  Everything else is one atomic operation,
 * which makes stamping and giving back safe in callbacks, and a session that
 * dies at any point leaves no lane in disorder.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OG_LIMITER_LANE_H
#define OG_LIMITER_LANE_H

#include "port/atomics.h"

#include "limiter/limiter.h"

/* More than OG_MAX_PER_WINDOW, so what a window counts is never forgotten. */
#define OG_LANE_SLOTS	4096

/* Zeroed memory is a lane on which nothing was ever sent. */
typedef struct OgLane
{
	pg_atomic_uint64 held_until;	/* nobody sends before; 0 = not held */
	pg_atomic_uint64 held_for;	/* the length of that pause */
	pg_atomic_uint64 doubt_since;	/* history before this is lost; 0 = none */
	pg_atomic_uint64 longest;	/* longest window ever asked with, us */
	pg_atomic_uint64 cursor;	/* where a free slot is likely */
	pg_atomic_uint64 slots[OG_LANE_SLOTS];	/* see slot_of() */
} OgLane;

/* A lane that a request counts on, and the windows that rule there. */
typedef struct OgRuled
{
	OgLane	   *lane;
	OgPace		pace;			/* of any scope: the lane is that scope */
} OgRuled;

/* As og_limiter_ask(), on up to OG_MAX_LANES lanes that are locked: all or none. */
extern int64 og_lane_ask(const OgRuled *ruled, int nlanes, int64 now,
						 OgTurn *turn);

/*
 * A turn that is pending for longer counts as if its request had left when it
 * was reserved, since whoever had it may be gone; it must not be used then.
 */
#define OG_LANE_MAX_PENDING	INT64CONST(60000000)

extern void og_lane_stamp(OgLane *lane, int slot, int64 now);
extern void og_lane_return(OgLane *lane, int slot, int64 reserved);

/*
 * How long its windows, or a pause, want a lane to wait now, pending turns
 * counted: 0 if it is open.
 */
extern int64 og_lane_wait(const OgRuled *ruled, int64 now);

/* Nobody sends for so long, a day at most; a longer pause stays. */
extern void og_lane_hold(OgLane *lane, int64 now, int64 length);

/* When nobody is kept from sending any more; 0 if nobody is. */
extern int64 og_lane_held_until(OgLane *lane, int64 now);

/* How long n turns will take from now, at the least. */
extern int64 og_lane_estimate(const OgRuled *ruled, int64 now, int64 n);

/*
 * Does nothing that a lane remembers count any more, in the longest window
 * that it was ever asked with?
 */
extern bool og_lane_is_idle(OgLane *lane, int64 now);

/* When something was sent last; 0 = never. */
extern int64 og_lane_last_sent(OgLane *lane);

/* For people to see: how many requests a window counts now. */
extern int	og_lane_used(OgLane *lane, const OgWindow *window, int64 now);

/*
 * What was sent before "since" is not known: until it is out of them,
 * windows of up to OG_LANE_DOUBT_US count as spent, and longer ones refill
 * evenly.
 */
#define OG_LANE_DOUBT_US	INT64CONST(2000000)

extern void og_lane_doubt(OgLane *lane, int64 since);

/*
 * A nonce: now_ms, or one more than the last one.  One that is more than a day
 * ahead is the work of a clock that was wrong, and forgotten.
 */
extern int64 og_nonce_next(pg_atomic_uint64 *last_nonce, int64 now_ms);

#endif							/* OG_LIMITER_LANE_H */
