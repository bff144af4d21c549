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
 * Several sessions may use one lane at once (those of different accounts
 * share that of their host).  Whoever decides on a turn enters the lane
 * first; entering never waits, the loser is told to ask again.  Everything
 * else is one atomic operation, which makes stamping and giving back safe in
 * callbacks, and a session that dies at any point leaves no lane blocked.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OG_LIMITER_LANE_H
#define OG_LIMITER_LANE_H

#include "port/atomics.h"

#include "limiter.h"

/* More than OG_MAX_PER_WINDOW, so what a window counts is never forgotten. */
#define OG_LANE_SLOTS	4096

/* Zeroed memory is a lane on which nothing was ever sent. */
typedef struct OgLane
{
	pg_atomic_uint64 busy;		/* when the session within came in; 0 = none */
	pg_atomic_uint64 held_until;	/* nobody sends before; 0 = not held */
	pg_atomic_uint64 doubt_since;	/* history before this is lost; 0 = none */
	pg_atomic_uint64 last_nonce;
	pg_atomic_uint64 slots[OG_LANE_SLOTS];	/* see slot_of() */
} OgLane;

/* As og_limiter_ask(), on the lanes of a key and of its host: both or none. */
extern int64 og_lane_ask(OgLane *key, OgLane *host, const OgPace *pace,
						 TimestampTz now, OgTurn *turn);
extern void og_lane_stamp(OgLane *lane, uint64 slot, TimestampTz now);
extern void og_lane_return(OgLane *lane, uint64 slot, TimestampTz reserved);

extern void og_lane_hold(OgLane *lane, TimestampTz until);
extern int64 og_lane_estimate(OgLane *key, OgLane *host, const OgPace *pace,
							  TimestampTz now, int64 n);
extern int64 og_lane_nonce(OgLane *lane, int64 now_ms);

/* Free all pending slots: for a lane whose only user has just come. */
extern void og_lane_forget_pending(OgLane *lane);

/*
 * What was sent before "since" is not known: until it is out of them,
 * windows of up to OG_LANE_DOUBT_US count as spent, and longer ones refill
 * evenly.
 */
#define OG_LANE_DOUBT_US	INT64CONST(2000000)

extern void og_lane_doubt(OgLane *lane, TimestampTz since);

#endif							/* OG_LIMITER_LANE_H */
