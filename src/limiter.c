/*-------------------------------------------------------------------------
 *
 * limiter.c
 *		A call's view of its lanes.
 *
 * Ties together the arithmetic (limiter_lane.c), the memory it works on
 * (limiter_table.c and limiter_queue.c, or limiter_file.c with the lock of the
 * account, limiter_lock.c).  Each call counts on two lanes, that of its key and
 * class of operation, and that of its host; it reserves on both or on none, and
 * is remembered by both even if its own pace has no window for them, or none at
 * all ('off').
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
#include "limiter_file.h"
#include "limiter_table.h"

struct OgLimiter
{
	OgPace		pace;
	OgLane	   *key;
	OgLane	   *host;
	OgLane	   *nonces;			/* the account's lane of orders */

	/* where these are in shared memory, else NULL */
	bool		shared;
	OgPlace    *key_place;
	OgPlace    *host_place;
	OgSharedLane *key_queue;
	OgSharedLane *host_queue;	/* NULL if no window counts per host */

	/* where they are in files */
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

/* ---------- in files ---------- */

static OgLane *
open_file(const char *what, int number, const char *text)
{
	char	   *name = hash_name(what, number, text);
	OgLane	   *lane;

	name[OG_LANE_NAME] = '\0';
	lane = og_lane_open(name);
	pfree(name);
	return lane;
}

static void
open_files(OgLimiter *limiter, const char *account, const char *host,
		   int lane)
{
	char	   *hash;

	limiter->key = open_file("lane", lane, account);
	limiter->host = open_file("host", 0, host);
	limiter->nonces = open_file("lane", OG_LANE_ORDERS, account);

	/* The first 64 bits, read as text so that byte order does not matter. */
	hash = hash_name("account", 0, account);
	hash[16] = '\0';
	og_account_lock_init(&limiter->lock, strtou64(hash, NULL, 16));
	pfree(hash);
}

static void
close_files(OgLimiter *limiter)
{
	if (limiter->key != NULL)
		og_lane_close(limiter->key);
	if (limiter->host != NULL)
		og_lane_close(limiter->host);
	if (limiter->nonces != NULL)
		og_lane_close(limiter->nonces);
}

/* ---------- in shared memory ---------- */

static OgPlace *
enter_place(OgPlaceKind kind, const char *what, const char *text,
			const char *label)
{
	char	   *name = hash_name(what, 0, text);
	OgPlace    *place;

	name[OG_LANE_NAME] = '\0';
	place = og_table_enter(kind, name, label);
	pfree(name);
	return place;
}

static bool
counts_per_host(const OgPace *pace)
{
	for (int i = 0; i < pace->nwindows; i++)
		if (pace->windows[i].scope == OG_PER_HOST)
			return true;
	return false;
}

static void
enter_places(OgLimiter *limiter, const char *account, const char *host,
			 int lane, const char *server)
{
	OgSharedLane *host_lane;

	limiter->key_place = enter_place(OG_PLACE_ACCOUNT, "account", account,
									 host);
	limiter->host_place = enter_place(OG_PLACE_HOST, "host", host, host);
	limiter->key_queue = og_table_lane(limiter->key_place, lane);
	host_lane = og_table_lane(limiter->host_place, 0);
	if (counts_per_host(&limiter->pace))
		limiter->host_queue = host_lane;
	og_table_note(limiter->key_queue, server, &limiter->pace);
	og_table_note(host_lane, server, &limiter->pace);

	limiter->key = &limiter->key_queue->lane;
	limiter->host = &host_lane->lane;
	limiter->nonces = &og_table_lane(limiter->key_place,
									 OG_LANE_ORDERS)->lane;
}

static void
leave_places(OgLimiter *limiter)
{
	og_limiter_desist(limiter);
	if (limiter->key_place != NULL)
		og_table_leave(limiter->key_place);
	if (limiter->host_place != NULL)
		og_table_leave(limiter->host_place);
	limiter->key_place = limiter->host_place = NULL;
	limiter->key_queue = limiter->host_queue = NULL;
}

/* Tell those who wait that there is a turn less before them. */
static void
wake_others(const OgLimiter *limiter)
{
	if (limiter->key_queue != NULL)
		og_queue_wake(limiter->key_queue);
	if (limiter->host_queue != NULL)
		og_queue_wake(limiter->host_queue);
}

/* ---------- both ---------- */

/* Give everything back but the lock, which its transaction may have lost. */
static void
release_lanes(void *arg)
{
	OgLimiter  *limiter = arg;
	bool		returned = limiter->npending > 0;

	while (limiter->npending > 0)
	{
		OgTurn	   *turn = &limiter->pending[--limiter->npending];

		og_lane_return(limiter->key, turn->key_slot, turn->reserved);
		og_lane_return(limiter->host, turn->host_slot, turn->reserved);
	}
	if (returned)
		wake_others(limiter);
	if (limiter->shared)
		leave_places(limiter);
	else
		close_files(limiter);
	limiter->key = limiter->host = limiter->nonces = NULL;
}

OgLimiter *
og_limiter_open(const char *account, const char *host, int lane,
				const char *server, const OgPace *pace)
{
	OgLimiter  *limiter = palloc0(sizeof(OgLimiter));

	limiter->pace = *pace;
	limiter->max_pending = 16;
	limiter->pending = palloc(limiter->max_pending * sizeof(OgTurn));
	limiter->shared = og_table_attach();
	limiter->callback.func = release_lanes;
	limiter->callback.arg = limiter;
	MemoryContextRegisterResetCallback(CurrentMemoryContext,
									   &limiter->callback);
	if (limiter->shared)
		enter_places(limiter, account, host, lane, server);
	else
		open_files(limiter, account, host, lane);
	return limiter;
}

bool
og_limiter_lock(OgLimiter *limiter, int64 timeout_ms)
{
	if (limiter->shared)
		return true;
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
	if (!limiter->shared)
		og_account_lock_release(&limiter->lock);
}

/* Ask when it is this session's turn to ask, which it may have to wait for. */
static int64
ask_in_order(OgLimiter *limiter, TimestampTz now, OgTurn *turn)
{
	int64		wait;

	if (!og_queue_join(OG_QUEUE_KEY, limiter->key_queue))
		return OG_UNTIL_WOKEN;
	if (limiter->host_queue != NULL)
	{
		/* Whoever waits for his own lane must not keep others from the host. */
		wait = og_lane_wait(limiter->key, &limiter->pace, OG_PER_KEY, now);
		if (wait > 0)
		{
			og_queue_leave(OG_QUEUE_HOST);
			return wait;
		}
		if (!og_queue_join(OG_QUEUE_HOST, limiter->host_queue))
			return OG_UNTIL_WOKEN;
	}
	wait = og_lane_ask(limiter->key, limiter->host, &limiter->pace, now, turn);
	if (turn->taken)
		og_limiter_desist(limiter);
	else if (limiter->host_queue != NULL &&
			 og_lane_wait(limiter->key, &limiter->pace, OG_PER_KEY, now) > 0)
		og_queue_leave(OG_QUEUE_HOST);
	return wait;
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
	turn->taken = false;
	if (limiter->shared && limiter->pace.nwindows > 0)
		wait = ask_in_order(limiter, now, turn);
	else
		wait = og_lane_ask(limiter->key, limiter->host, &limiter->pace, now,
						   turn);
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
			listed->host_slot == turn->host_slot &&
			listed->reserved == turn->reserved)
		{
			*listed = limiter->pending[--limiter->npending];
			return true;
		}
	}
	return false;
}

void
og_limiter_desist(OgLimiter *limiter)
{
	if (!limiter->shared)
		return;
	og_queue_leave(OG_QUEUE_KEY);
	og_queue_leave(OG_QUEUE_HOST);
}

bool
og_limiter_stamp(OgLimiter *limiter, OgTurn *turn, TimestampTz now)
{
	if (now - turn->reserved >= OG_LANE_MAX_PENDING ||
		og_lane_held_until(limiter->key, now) != 0 ||
		!unlist(limiter, turn))
		return false;
	og_lane_stamp(limiter->key, turn->key_slot, now);
	og_lane_stamp(limiter->host, turn->host_slot, now);
	turn->taken = false;
	return true;
}

void
og_limiter_return(OgLimiter *limiter, OgTurn *turn)
{
	if (unlist(limiter, turn))
	{
		og_lane_return(limiter->key, turn->key_slot, turn->reserved);
		og_lane_return(limiter->host, turn->host_slot, turn->reserved);
		wake_others(limiter);
	}
	turn->taken = false;
}

void
og_limiter_hold(OgLimiter *limiter, TimestampTz until)
{
	og_lane_hold(limiter->key, until);
}

TimestampTz
og_limiter_held_until(OgLimiter *limiter, TimestampTz now)
{
	return og_lane_held_until(limiter->key, now);
}

int64
og_limiter_estimate(OgLimiter *limiter, TimestampTz now, int64 n)
{
	int			ahead = 0;

	if (limiter->key_queue != NULL)
		ahead = og_queue_ahead(OG_QUEUE_KEY, limiter->key_queue);
	return og_lane_estimate(limiter->key, limiter->host, &limiter->pace, now,
							n + ahead);
}

int64
og_limiter_nonce(OgLimiter *limiter, int64 now_ms)
{
	return og_lane_nonce(limiter->nonces, now_ms);
}
