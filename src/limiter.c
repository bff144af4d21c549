/*-------------------------------------------------------------------------
 *
 * limiter.c
 *		A call's view of its lanes.
 *
 * Ties together the arithmetic (limiter_lane.c), the memory it works on
 * (limiter_store.c) and the lock of the account (limiter_lock.c).  Each call
 * counts on two lanes, that of its key and class of operation, and that of
 * its host; it reserves on both or on none, and is remembered by both even if
 * its own pace has no window for them, or none at all ('off').
 *
 * Turns that were reserved are listed here until they are stamped or given
 * back, so that a call which ends by an error leaves none pending.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "crypto.h"
#include "limiter.h"
#include "limiter_lock.h"
#include "limiter_store.h"

struct OgLimiter
{
	OgPace		pace;
	OgLane	   *key;
	OgLane	   *host;
	OgLane	   *nonces;			/* the account's lane of orders */
	OgAccountLock lock;
	OgTurn	   *pending;
	int			npending;
	int			max_pending;
	MemoryContextCallback callback;
};

/*
 * Hash what a text names; "what" keeps names of different kinds apart.  The
 * text may hold a key, so our copy is wiped.
 */
static char *
hash_name(const char *what, int number, const char *text)
{
	size_t		size = strlen(what) + strlen(text) + 16;
	char	   *copy = palloc(size);
	char	   *hex;

	snprintf(copy, size, "%s %d %s", what, number, text);
	hex = og_hash_hex(OG_SHA256, og_slice_of(copy));
	og_wipe_text(copy);
	if (hex == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_EXTERNAL_ROUTINE_EXCEPTION),
				 errmsg("could not compute a SHA-256 hash")));
	return hex;
}

static OgLane *
open_lane(const char *what, int number, const char *text)
{
	char	   *name = hash_name(what, number, text);
	OgLane	   *lane;

	name[OG_LANE_NAME] = '\0';
	lane = og_lane_open(name);
	pfree(name);
	return lane;
}

/* Give everything back but the lock, which its transaction may have lost. */
static void
release_lanes(void *arg)
{
	OgLimiter  *limiter = arg;

	while (limiter->npending > 0)
	{
		OgTurn	   *turn = &limiter->pending[--limiter->npending];

		og_lane_return(limiter->key, turn->key_slot, turn->reserved);
		og_lane_return(limiter->host, turn->host_slot, turn->reserved);
	}
	if (limiter->key != NULL)
		og_lane_close(limiter->key);
	if (limiter->host != NULL)
		og_lane_close(limiter->host);
	if (limiter->nonces != NULL)
		og_lane_close(limiter->nonces);
	limiter->key = limiter->host = limiter->nonces = NULL;
}

OgLimiter *
og_limiter_open(const char *account, const char *host, int lane,
				const OgPace *pace)
{
	OgLimiter  *limiter = palloc0(sizeof(OgLimiter));
	char	   *hash;

	limiter->pace = *pace;
	limiter->max_pending = 16;
	limiter->pending = palloc(limiter->max_pending * sizeof(OgTurn));
	limiter->callback.func = release_lanes;
	limiter->callback.arg = limiter;
	MemoryContextRegisterResetCallback(CurrentMemoryContext,
									   &limiter->callback);

	limiter->key = open_lane("lane", lane, account);
	limiter->host = open_lane("host", 0, host);
	limiter->nonces = open_lane("lane", OG_LANE_ORDERS, account);

	/* The first 64 bits, read as text so that byte order does not matter. */
	hash = hash_name("account", 0, account);
	hash[16] = '\0';
	og_account_lock_init(&limiter->lock, strtou64(hash, NULL, 16));
	pfree(hash);
	return limiter;
}

bool
og_limiter_lock(OgLimiter *limiter, int64 timeout_ms)
{
	switch (og_account_lock_acquire(&limiter->lock, timeout_ms))
	{
		case OG_LOCK_TIMEOUT:
			return false;
		case OG_LOCK_NEW:
			/* Whoever had it is gone: what is pending never left. */
			og_lane_forget_pending(limiter->key);
			return true;
		case OG_LOCK_NESTED:
			return true;
	}
	return false;
}

void
og_limiter_close(OgLimiter *limiter)
{
	release_lanes(limiter);
	og_account_lock_release(&limiter->lock);
}

int64
og_limiter_ask(OgLimiter *limiter, TimestampTz now, OgTurn *turn)
{
	int64		wait;

	/* Make room first: this may fail, and then nothing may be reserved. */
	if (limiter->npending == limiter->max_pending)
	{
		limiter->pending = repalloc(limiter->pending,
									2 * limiter->max_pending * sizeof(OgTurn));
		limiter->max_pending *= 2;
	}
	wait = og_lane_ask(limiter->key, limiter->host, &limiter->pace, now, turn);
	if (turn->taken)
		limiter->pending[limiter->npending++] = *turn;
	return wait;
}

/* Take a turn off the list.  False if it is not there (any more). */
static bool
unlist(OgLimiter *limiter, const OgTurn *turn)
{
	for (int i = 0; turn->taken && i < limiter->npending; i++)
	{
		OgTurn	   *listed = &limiter->pending[i];

		if (listed->key_slot == turn->key_slot &&
			listed->host_slot == turn->host_slot)
		{
			*listed = limiter->pending[--limiter->npending];
			return true;
		}
	}
	return false;
}

void
og_limiter_stamp(OgLimiter *limiter, OgTurn *turn, TimestampTz now)
{
	if (unlist(limiter, turn))
	{
		og_lane_stamp(limiter->key, turn->key_slot, now);
		og_lane_stamp(limiter->host, turn->host_slot, now);
	}
	turn->taken = false;
}

void
og_limiter_return(OgLimiter *limiter, OgTurn *turn)
{
	if (unlist(limiter, turn))
	{
		og_lane_return(limiter->key, turn->key_slot, turn->reserved);
		og_lane_return(limiter->host, turn->host_slot, turn->reserved);
	}
	turn->taken = false;
}

void
og_limiter_hold(OgLimiter *limiter, TimestampTz until)
{
	og_lane_hold(limiter->key, until);
}

int64
og_limiter_estimate(OgLimiter *limiter, TimestampTz now, int64 n)
{
	return og_lane_estimate(limiter->key, limiter->host, &limiter->pace, now,
							n);
}

int64
og_limiter_nonce(OgLimiter *limiter, int64 now_ms)
{
	return og_lane_nonce(limiter->nonces, now_ms);
}
