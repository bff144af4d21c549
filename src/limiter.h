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
 * sleeps itself; the times of turns are all passed in.
 *
 * Lanes and nonces are plain memory without pointers (limiter_lane.h).  They
 * live in shared memory where the server has some for us (limiter_table.c),
 * and turns are then given in the order in which sessions asked
 * (limiter_queue.c).  Else they live in a small file below pg_stat_tmp for
 * each host and for each account's classes of operation, mapped by each
 * session (limiter_file.c), and one call at a time uses an account, under
 * its heavyweight lock (limiter_lock.c).
 *
 *-------------------------------------------------------------------------
 */
#ifndef OG_LIMITER_H
#define OG_LIMITER_H

#include "datatype/timestamp.h"

#include "provider.h"

/* A call's view of the lanes it counts on. */
typedef struct OgLimiter OgLimiter;

/* A turn that was reserved; plain values, copied freely. */
typedef struct OgTurn
{
	uint64		key_slot;
	uint64		host_slot;
	TimestampTz reserved;		/* when; tells it from a later one in its slot */
	bool		taken;
} OgTurn;

/* What og_limiter_ask() answers to those who have others before them. */
#define OG_UNTIL_WOKEN	PG_INT64_MAX

/*
 * Open the lanes of an account and its host for one call.  "account" and
 * "host" are texts that name them (provider, base URL and key; host and
 * port): of the first only its hash is ever stored.  "lane" is the class of
 * operation, "server" is for people to see.  Allocated in the current context.
 *
 * The caller must hold the account from og_limiter_lock() until
 * og_limiter_close() or the end of its (sub)transaction.  Errors: 53400 when
 * there is no room for another account, 58030 when a lane's file cannot be
 * had.
 */
extern OgLimiter *og_limiter_open(const char *account, const char *host,
								  int lane, const char *server,
								  const OgPace *pace);

/*
 * Where lanes are in files: take the cluster-wide lock of this limiter's
 * account, an advisory-class heavyweight lock with database 0, so it shows in
 * pg_locks, waits in turn and ends at death.  Waits for at most timeout_ms (-1
 * = no bound) and answers false when that ran out.  Errors: only those of the
 * lock manager at an interrupt or deadlock, or when the user's lock_timeout is
 * shorter (55P03).  In shared memory there is nothing to be locked.
 */
extern bool og_limiter_lock(OgLimiter *limiter, int64 timeout_ms);
extern void og_limiter_close(OgLimiter *limiter);

/*
 * Ask for a turn.  Answers 0 and fills *turn when it is granted now, else the
 * number of microseconds after which asking again makes sense, or
 * OG_UNTIL_WOKEN: then the process latch will be set.  Whoever has asked in
 * vain stands in a queue, until granted or og_limiter_desist().
 */
extern int64 og_limiter_ask(OgLimiter *limiter, TimestampTz now,
							OgTurn *turn);
extern void og_limiter_desist(OgLimiter *limiter);

/*
 * The request of a turn leaves now.  Answers false if it must not: the turn
 * has become too old, or its lane is held since.  Callable inside libcurl.
 */
extern bool og_limiter_stamp(OgLimiter *limiter, OgTurn *turn,
							 TimestampTz now);

/* The request of a turn did not leave. */
extern void og_limiter_return(OgLimiter *limiter, OgTurn *turn);

/*
 * Nobody in this lane sends before "until" (429, Retry-After), not even when
 * its pace is 'off'; for a day at most.  Other accounts of the host may.
 */
extern void og_limiter_hold(OgLimiter *limiter, TimestampTz until);

/* Until when that is; 0 if the lane is not held. */
extern TimestampTz og_limiter_held_until(OgLimiter *limiter, TimestampTz now);

/*
 * How long n turns will take from now, in microseconds, at the least: what a
 * user is told before a long wait.
 */
extern int64 og_limiter_estimate(OgLimiter *limiter, TimestampTz now,
								 int64 n);

/* Unix time in milliseconds of a timestamp. */
static inline int64
og_unix_ms(TimestampTz at)
{
	return at / 1000 +
		(int64) (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * SECS_PER_DAY * 1000;
}

/* A nonce: now_ms, or one more than the last one of this account. */
extern int64 og_limiter_nonce(OgLimiter *limiter, int64 now_ms);

#endif							/* OG_LIMITER_H */
