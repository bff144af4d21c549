/*-------------------------------------------------------------------------
 *
 * limiter.c
 *		A call's view of its lanes.
 *
 * Ties together the arithmetic (limiter_lane.c) and the memory it works on
 * (limiter_table.c).  A request counts on several lanes: those of its key, and
 * that of its host.  A call reserves on all of them or on none, and is
 * remembered by all even if its own pace has no window for them, or none at all
 * ('off').
 *
 * Turns that were reserved are listed here until they are stamped or given
 * back, so that a call which ends by an error leaves none pending.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "limiter/limiter.h"
#include "limiter/limiter_table.h"

/* When all common seats are taken: look again after so long. */
#define NO_SEAT_US	INT64CONST(50000)

/*
 * So long a turn may be kept for a request that may not leave: longer than it
 * takes to write down what it is, and to have that on another machine.
 */
#define KEPT_TURN_US	INT64CONST(1000000)

struct OgLimiter
{
	OgPlace    *account;
	OgPlace    *host;
	bool		needs_nonce;
	bool		urgent;
	int			seat;			/* in its lanes' queues, or OG_NO_SEAT */

	/* what its requests count on, in the order of OgCounted */
	int			nlanes;
	OgSharedLane *lanes[OG_MAX_LANES];
	OgRuled		ruled[OG_MAX_LANES];

	OgTurn	   *pending;
	int			npending;
	int			max_pending;
	MemoryContextCallback callback;
};

/* ---------- beginning and end ---------- */

/* Take the place of what a hash names, of which the first half is kept. */
static OgPlace *
enter_place(OgPlaceKind kind, const char *hash, const char *label)
{
	char		name[OG_PLACE_NAME + 1];

	strlcpy(name, hash, sizeof(name));
	return og_table_enter(kind, name, label);
}

static void
enter_places(OgLimiter *limiter, const OgCounted *counted)
{
	limiter->account = enter_place(OG_PLACE_ACCOUNT, counted->account,
								   counted->host_label);
	limiter->host = enter_place(OG_PLACE_HOST, counted->host,
								counted->host_label);
	for (int i = 0; i < counted->nlanes; i++)
	{
		const OgLaneRules *rules = &counted->lanes[i];
		OgSharedLane *lane = rules->lane == OG_LANE_HOST
			? og_table_lane(limiter->host, 0)
			: og_table_lane(limiter->account, rules->lane);

		limiter->lanes[i] = lane;
		limiter->ruled[i].lane = &lane->lane;
		limiter->ruled[i].pace = rules->pace;
		og_table_note(lane, counted->serverid, counted->server, &rules->shown);
	}
	limiter->nlanes = counted->nlanes;
}

/* Tell those who wait that there is a turn less before them. */
static void
wake_others(const OgLimiter *limiter)
{
	for (int i = 0; i < limiter->nlanes; i++)
		og_queue_wake(limiter->lanes[i]);
}

/* Give the slots of a turn back. */
static void
return_slots(OgLimiter *limiter, const OgTurn *turn)
{
	for (int i = 0; i < limiter->nlanes; i++)
		og_lane_return(limiter->ruled[i].lane, turn->slots[i], turn->reserved);
}

/* Give everything back; also when the memory goes. */
static void
release(void *arg)
{
	OgLimiter  *limiter = arg;

	if (limiter->npending > 0)
	{
		while (limiter->npending > 0)
			return_slots(limiter, &limiter->pending[--limiter->npending]);
		wake_others(limiter);
	}
	og_limiter_desist(limiter);
	if (limiter->account != NULL)
		og_table_leave(limiter->account);
	if (limiter->host != NULL)
		og_table_leave(limiter->host);
	limiter->account = limiter->host = NULL;
	limiter->nlanes = 0;
}

OgLimiter *
og_limiter_open(const OgCounted *counted)
{
	OgLimiter  *limiter = palloc0(sizeof(OgLimiter));

	limiter->seat = OG_NO_SEAT;
	limiter->needs_nonce = counted->needs_nonce;
	limiter->urgent = counted->urgent;
	limiter->max_pending = 16;
	limiter->pending = palloc(limiter->max_pending * sizeof(OgTurn));
	og_table_attach();
	limiter->callback.func = release;
	limiter->callback.arg = limiter;
	MemoryContextRegisterResetCallback(CurrentMemoryContext,
									   &limiter->callback);
	enter_places(limiter, counted);
	return limiter;
}

void
og_limiter_close(OgLimiter *limiter)
{
	release(limiter);
}

/* ---------- turns ---------- */

/* The last lane on which a window rules this call, or -1. */
static int
last_ruled(const OgLimiter *limiter)
{
	int			last = limiter->nlanes - 1;

	while (last >= 0 && limiter->ruled[last].pace.nwindows == 0)
		last--;
	return last;
}

/*
 * Stand in the queues of all lanes with windows, one after the other.  Answers
 * 0 if it is this call's turn to ask, else how long it has to wait for that.
 */
static int64
queue_up(OgLimiter *limiter, int64 now)
{
	int			last = last_ruled(limiter);

	for (int i = 0; i <= last; i++)
	{
		int64		wait = 0;

		if (limiter->ruled[i].pace.nwindows > 0 &&
			!og_queue_join(&limiter->seat, limiter->lanes[i], limiter->urgent))
			return limiter->seat != OG_NO_SEAT ? OG_UNTIL_WOKEN : NO_SEAT_US;

		/* Whoever waits for one lane must not keep others from the next. */
		if (i < last)
			wait = og_lane_wait(&limiter->ruled[i], now);
		if (wait > 0)
		{
			for (int j = i + 1; j <= last; j++)
				og_queue_leave(limiter->seat, limiter->lanes[j]);
			return wait;
		}
	}
	return 0;
}

/* Decide on a turn.  All sessions lock lanes in the same order. */
static int64
decide(OgLimiter *limiter, int64 now, OgTurn *turn)
{
	int64		wait;

	for (int i = 0; i < limiter->nlanes; i++)
		LWLockAcquire(&limiter->lanes[i]->lock, LW_EXCLUSIVE);
	wait = og_lane_ask(limiter->ruled, limiter->nlanes, now, turn);
	for (int i = 0; i < limiter->nlanes; i++)
		LWLockRelease(&limiter->lanes[i]->lock);
	return wait;
}

int64
og_limiter_ask(OgLimiter *limiter, int64 now, OgTurn *turn)
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
	wait = queue_up(limiter, now);
	if (wait > 0)
		return wait;
	wait = decide(limiter, now, turn);
	if (turn->taken)
	{
		og_limiter_desist(limiter);
		limiter->pending[limiter->npending++] = *turn;
	}
	else
	{
		/* A lane may have been closed by those who do not queue ('off'). */
		(void) queue_up(limiter, now);
	}
	return wait;
}

/* Take a turn off the list.  False if it is not there (any more). */
static bool
unlist(OgLimiter *limiter, const OgTurn *turn)
{
	for (int i = 0; turn->taken && i < limiter->npending; i++)
	{
		OgTurn	   *listed = &limiter->pending[i];

		if (listed->reserved == turn->reserved &&
			memcmp(listed->slots, turn->slots,
				   limiter->nlanes * sizeof(turn->slots[0])) == 0)
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
	og_queue_leave_all(&limiter->seat);
}

/* The lane on which the provider counts the key. */
static OgLane *
lane_of_key(const OgLimiter *limiter)
{
	return limiter->ruled[limiter->nlanes - 2].lane;
}

bool
og_limiter_stamp(OgLimiter *limiter, OgTurn *turn, int64 now)
{
	if (now - turn->reserved >= OG_LANE_MAX_PENDING ||
		og_lane_held_until(lane_of_key(limiter), now) != 0 ||
		!unlist(limiter, turn))
		return false;
	for (int i = 0; i < limiter->nlanes; i++)
		og_lane_stamp(limiter->ruled[i].lane, turn->slots[i], now);
	turn->taken = false;
	return true;
}

int64
og_limiter_turn_end(const OgTurn *turn)
{
	return turn->reserved + KEPT_TURN_US;
}

void
og_limiter_return(OgLimiter *limiter, OgTurn *turn)
{
	if (unlist(limiter, turn))
	{
		return_slots(limiter, turn);
		wake_others(limiter);
	}
	turn->taken = false;
}

void
og_limiter_hold(OgLimiter *limiter, int64 now, int64 length)
{
	og_lane_hold(lane_of_key(limiter), now, length);
}

int64
og_limiter_held_for(OgLimiter *limiter, int64 now)
{
	int64		until = og_lane_held_until(lane_of_key(limiter), now);

	return until != 0 ? until - now : 0;
}

int64
og_limiter_estimate(OgLimiter *limiter, int64 now, int64 n)
{
	int64		wait = 0;

	for (int i = 0; i < limiter->nlanes; i++)
	{
		int			ahead = og_queue_ahead(limiter->seat, limiter->lanes[i]);

		wait = Max(wait, og_lane_estimate(&limiter->ruled[i], now,
										  n > 0 ? n + ahead : 0));
	}
	return wait;
}

int64
og_limiter_nonce(OgLimiter *limiter, int64 now_ms)
{
	if (!limiter->needs_nonce)
		return now_ms;
	return og_nonce_next(&limiter->account->last_nonce, now_ms);
}

bool
og_limiter_has_acts(const char *account, const char *host_label, int64 now,
					int64 within)
{
	OgPlace    *place;
	OgSharedLane *lane;
	bool		has;

	og_table_attach();
	place = enter_place(OG_PLACE_ACCOUNT, account, host_label);
	lane = og_table_lane(place, OG_LANE_ORDERS);
	has = og_queue_ahead(OG_NO_SEAT, lane) > 0 ||
		(within > 0 && og_lane_last_sent(&lane->lane) > now - within);
	og_table_leave(place);
	return has;
}
