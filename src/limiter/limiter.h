/*-------------------------------------------------------------------------
 *
 * limiter.h
 *		Pace: how often a provider lets itself be asked, per lane.
 *
 * A lane is what a provider counts requests on: an account's orders or
 * queries, or a host.  It remembers when its last requests were sent, not a
 * balance; every call applies the windows of its own server to that history.
 * With N requests per window, a turn is given when the N-th last stamp plus
 * the window and a margin for jitter has passed.
 *
 * A turn is reserved first, and stamped when its request leaves; a turn that
 * was not used is given back.  The limiter answers how long to wait, and never
 * sleeps itself; the times of turns are all passed in, and are those of
 * og_clock_now().
 *
 * Lanes and nonces are plain memory without pointers (limiter_lane.h), which
 * all sessions of the cluster share (limiter_table.h).  Turns are given in the
 * order in which calls asked (limiter_table.c).
 *
 *-------------------------------------------------------------------------
 */
#ifndef OG_LIMITER_H
#define OG_LIMITER_H

#include "ground/clock.h"
#include "ground/pace.h"
#include "provider/provider.h"

/* The lanes of an account are numbered by class; this is that of its host. */
#define OG_LANE_HOST	OG_LANE_CLASSES

/* The most lanes that one request counts on. */
#define OG_MAX_LANES	(OG_LANE_HOST + 1)

/* A lane that the requests of a call count on. */
typedef struct OgLaneRules
{
	int			lane;
	OgPace		pace;			/* what it is to keep there ... */
	OgPace		shown;			/* ... with what others of its server are */
} OgLaneRules;

/*
 * What the requests of a call count on.  "account" and "host" name them, as
 * hashes (of provider, base URL and key; of host and port).  The server and the
 * host's label are for people to see.
 *
 * Lanes stand in the order in which a session waits for them, those that fewer
 * others use first.  The last is the host's, the one before is that on which
 * the provider counts the key.
 */
typedef struct OgCounted
{
	const char *account;
	const char *host;
	const char *host_label;
	Oid			serverid;
	const char *server;
	bool		needs_nonce;	/* see OgProvider */
	bool		urgent;			/* it stands in front of all who wait */
	int			nlanes;
	OgLaneRules lanes[OG_MAX_LANES];
} OgCounted;

/* A call's view of the lanes it counts on. */
typedef struct OgLimiter OgLimiter;

/* A turn that was reserved; plain values, copied freely. */
typedef struct OgTurn
{
	int			slots[OG_MAX_LANES];	/* in the order of the call's lanes */
	int64		reserved;		/* when; tells it from a later one there */
	bool		taken;
} OgTurn;

/* What og_limiter_ask() answers to those who have others before them. */
#define OG_UNTIL_WOKEN	PG_INT64_MAX

/*
 * Open the lanes that a call counts on.  Allocated in the current context.
 * Errors: 53400 when there is no room for another account or host, and those
 * of the server when it has no memory to share.
 */
extern OgLimiter *og_limiter_open(const OgCounted *counted);
extern void og_limiter_close(OgLimiter *limiter);

/*
 * Ask for a turn.  Answers 0 and fills *turn when it is granted now, else the
 * number of microseconds after which asking again makes sense, or
 * OG_UNTIL_WOKEN: then the process latch will be set.  Whoever has asked in
 * vain stands in a queue, until granted or og_limiter_desist().
 */
extern int64 og_limiter_ask(OgLimiter *limiter, int64 now, OgTurn *turn);
extern void og_limiter_desist(OgLimiter *limiter);

/*
 * The request of a turn leaves now.  Answers false if it must not: the turn
 * has become too old, or its lane is held since.  Callable inside libcurl.
 */
extern bool og_limiter_stamp(OgLimiter *limiter, OgTurn *turn, int64 now);

/*
 * Until when a turn may be kept whose request may not leave yet.  Then it is to
 * be returned: others who wait would have it.
 */
extern int64 og_limiter_turn_end(const OgTurn *turn);

/* The request of a turn did not leave. */
extern void og_limiter_return(OgLimiter *limiter, OgTurn *turn);

/*
 * Nobody whose requests count on the same lane of the key sends for so many
 * microseconds (429, Retry-After), not even when its pace is 'off'; for a day
 * at most.  Other accounts of the host may.
 */
extern void og_limiter_hold(OgLimiter *limiter, int64 now, int64 length);

/* For how many microseconds more; 0 if the lane is not held. */
extern int64 og_limiter_held_for(OgLimiter *limiter, int64 now);

/*
 * How long n turns will take from now, in microseconds, at the least: what a
 * user is told before a long wait.
 */
extern int64 og_limiter_estimate(OgLimiter *limiter, int64 now, int64 n);

/*
 * Does any session wait for a turn of an act of this account now, or was one sent
 * within the last so many microseconds, on the lane that acts count on?  Errors:
 * as og_limiter_open().
 */
extern bool og_limiter_has_acts(const char *account, const char *host_label,
								int64 now, int64 within);

/*
 * The time to sign with: now_ms, a Unix time, or one more than the last one of
 * this account where its provider needs it to be above.
 */
extern int64 og_limiter_nonce(OgLimiter *limiter, int64 now_ms);

#endif							/* OG_LIMITER_H */
