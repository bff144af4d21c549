/*-------------------------------------------------------------------------
 *
 * limiter_lane.c
 *		The arithmetic of turns on one lane, or on several at once.
 *
 * A window of N requests per length L gives a turn when fewer than N slots
 * count: those pending, and those sent within the last L + margin.  The
 * margin covers what a provider's clock sees of network jitter.  The rule is
 * exact: N turns may be had at once, and the next one when the first of them
 * is out.
 *
 * Stamps are times of a clock that nobody can set (clock.h); memory and clock
 * begin anew together at the latest when the machine does.  Should the time
 * go back all the same, stamps in the future are taken as of now, which waits
 * too long once, and never too short; and a pause begins anew, so whatever a
 * lane remembers lasts for no longer than its own length.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "common/int.h"

#include "limiter/limiter_lane.h"

#define US_PER_MS	INT64CONST(1000)
#define US_PER_S	INT64CONST(1000000)

/* Margin of a window: a fiftieth of it, within these bounds. */
#define MARGIN_PART	50
#define MIN_MARGIN	(10 * US_PER_MS)
#define MAX_MARGIN	(250 * US_PER_MS)

/*
 * While turns are pending, ask again after as long as the last of them has been
 * by now, within these bounds.  Nobody can say when they leave, and asking must
 * not cost much however long that takes.
 */
#define MIN_PENDING_WAIT	US_PER_MS
#define MAX_PENDING_WAIT	US_PER_S

/* Clocks read in two sessions may come in the wrong order by this much. */
#define SKEW		US_PER_S

/* Nobody asks to be left alone for longer. */
#define MAX_HOLD	(86400 * US_PER_S)

/* A nonce runs ahead of the time of day no further. */
#define MAX_NONCE_LEAD_MS	INT64CONST(86400000)

/* Slots are used without a lock: the server must not emulate atomics by one. */
StaticAssertDecl(sizeof(pg_atomic_uint64) == sizeof(uint64),
				 "order_gateway needs 64-bit atomic operations");
StaticAssertDecl(OG_LANE_SLOTS > OG_MAX_PER_WINDOW,
				 "a lane must remember more than a window counts");

/*
 * A slot: 0 = free, positive = stamp of a request that was sent, negative =
 * pending, the complement of the time at which it was reserved.
 */
static inline int64
slot_of(OgLane *lane, int i)
{
	return (int64) pg_atomic_read_u64(&lane->slots[i]);
}

static inline bool
slot_change(OgLane *lane, int i, int64 from, int64 to)
{
	uint64		expected = (uint64) from;

	return pg_atomic_compare_exchange_u64(&lane->slots[i], &expected,
										  (uint64) to);
}

static int64
reach(const OgWindow *window)
{
	int64		margin = window->length_us / MARGIN_PART;

	return window->length_us + Min(Max(margin, MIN_MARGIN), MAX_MARGIN);
}

static int64
read_time(pg_atomic_uint64 *variable)
{
	return (int64) pg_atomic_read_u64(variable);
}

/* Set a time back to "limit" if it is later. */
static void
limit_time(pg_atomic_uint64 *variable, int64 limit)
{
	uint64		value = pg_atomic_read_u64(variable);

	while ((int64) value < 0 || (int64) value > limit)
	{
		if (pg_atomic_compare_exchange_u64(variable, &value, (uint64) limit))
			break;
	}
}

/* Set a time to "least" if it is earlier. */
static void
raise_time(pg_atomic_uint64 *variable, int64 least)
{
	uint64		value = pg_atomic_read_u64(variable);

	while ((int64) value < least)
	{
		if (pg_atomic_compare_exchange_u64(variable, &value, (uint64) least))
			break;
	}
}

/* ---------- what windows count ---------- */

/*
 * How many requests of an unknown history a window counts at a time; see
 * og_lane_doubt().
 */
static int
count_doubtful(OgLane *lane, const OgWindow *window, int64 at)
{
	int64		since = read_time(&lane->doubt_since);
	int64		full = reach(window);
	int64		age = at - since;

	if (since == 0 || age >= full)
		return 0;
	if (age < 0 || window->length_us <= OG_LANE_DOUBT_US)
		return window->requests;
	return window->requests - (int) (window->requests * age / full);
}

/* What a window counts now, but for what is doubtful: the time of each. */
typedef struct Counted
{
	int			count;
	int64		times[OG_LANE_SLOTS];
} Counted;

/* With "with_pending", pending turns count as if they were sent now. */
static void
collect(Counted *counted, OgLane *lane, const OgWindow *window, int64 now,
		bool with_pending)
{
	int64		horizon = Max(now - reach(window), 0);
	int			count = 0;

	for (int i = 0; i < OG_LANE_SLOTS; i++)
	{
		int64		time = slot_of(lane, i);

		if (unlikely(time < 0))
		{
			if (~time < now - OG_LANE_MAX_PENDING)
				time = ~time;
			else
				time = with_pending ? now : 0;
		}
		counted->times[count] = time;
		count += time > horizon;
	}
	counted->count = count;
}

/* How many requests a window counts now. */
static int
count_now(OgLane *lane, const OgWindow *window, int64 now)
{
	Counted		counted;

	collect(&counted, lane, window, now, true);
	return counted.count + count_doubtful(lane, window, now);
}

/* How many of those it will count later, if nothing more is sent. */
static int
count_later(const Counted *counted, OgLane *lane, const OgWindow *window,
			int64 at)
{
	int64		horizon = at - reach(window);
	int			count = count_doubtful(lane, window, at);

	for (int i = 0; i < counted->count; i++)
		count += counted->times[i] > horizon;
	return count;
}

/*
 * How long it takes until a window counts fewer than "room" requests.  What
 * counts only ever shrinks with time, so this is a search by halves.
 */
static int64
wait_for_room(OgLane *lane, const OgWindow *window, int64 now,
			  int room, bool with_pending)
{
	int64		low = 0;
	int64		high = reach(window) + SKEW;	/* all are out by then */
	Counted		counted;

	collect(&counted, lane, window, now, with_pending);
	if (count_later(&counted, lane, window, now) < room)
		return 0;
	while (high - low > 1)
	{
		int64		middle = low + (high - low) / 2;

		if (count_later(&counted, lane, window, now + middle) < room)
			high = middle;
		else
			low = middle;
	}
	return high;
}

/* How long to wait where nothing but pending turns are in the way. */
static int64
wait_for_pending(OgLane *lane, int64 now)
{
	int64		youngest = 0;

	for (int i = 0; i < OG_LANE_SLOTS; i++)
	{
		int64		slot = slot_of(lane, i);

		if (unlikely(slot < 0))
			youngest = Max(youngest, ~slot);
	}
	return Min(Max(now - youngest, MIN_PENDING_WAIT), MAX_PENDING_WAIT);
}

/* When asking a lane makes sense again: 0 if it is open. */
static int64
wait_of(const OgRuled *ruled, int64 now)
{
	OgLane	   *lane = ruled->lane;
	int64		wait = Max(og_lane_held_until(lane, now), now) - now;

	for (int i = 0; i < ruled->pace.nwindows; i++)
	{
		const OgWindow *window = &ruled->pace.windows[i];
		int64		this_wait;

		if (count_now(lane, window, now) < window->requests)
			continue;

		/* Without those pending: any of them may be given back. */
		this_wait = wait_for_room(lane, window, now, window->requests, false);
		if (this_wait == 0)
			this_wait = wait_for_pending(lane, now);
		wait = Max(wait, this_wait);
	}
	return wait;
}

/* ---------- turns ---------- */

typedef struct Found
{
	int			slot;			/* -1 = none */
	int64		before;			/* what was in it */
} Found;

/*
 * Bring times to reason that are in the future, and find the slot that the
 * next turn may take: a free one or else the oldest, -1 if all are pending.
 */
static Found
settle(OgLane *lane, int64 now)
{
	Found		oldest = {-1, 0};
	int64		oldest_time = PG_INT64_MAX;

	if (read_time(&lane->doubt_since) > now + SKEW ||
		read_time(&lane->doubt_since) < 0)
		limit_time(&lane->doubt_since, now);

	for (int i = 0; i < OG_LANE_SLOTS; i++)
	{
		int64		slot = slot_of(lane, i);
		int64		time = slot;

		/* Nearly all are neither negative nor in the future. */
		if (unlikely((uint64) slot > (uint64) (now + SKEW)))
		{
			time = slot < 0 ? ~slot : slot;
			if (time > now + SKEW)
			{
				int64		mended = slot < 0 ? ~now : now;

				if (!slot_change(lane, i, slot, mended))
					continue;
				slot = mended;
				time = now;
			}
			if (slot < 0 && time >= now - OG_LANE_MAX_PENDING)
				continue;
		}
		if (time < oldest_time)
		{
			oldest = (Found) {i, slot};
			oldest_time = time;
		}
	}
	return oldest;
}

/*
 * Reserve a slot.  Fails when there is none, or when whoever had a turn there
 * for too long stamps it after all.
 */
static bool
reserve(OgLane *lane, Found found, int64 now)
{
	if (found.slot < 0 ||
		!slot_change(lane, found.slot, found.before, ~now))
		return false;

	/* Windows that reach back so far do not know what else is gone. */
	raise_time(&lane->doubt_since, found.before);
	return true;
}

/*
 * A slot that is free or long out of every window, found without a search, or
 * -1: mostly the one that follows the last one so found.
 */
static Found
likely_slot(OgLane *lane, int64 now)
{
	OgWindow	longest = {.length_us = read_time(&lane->longest)};
	int			i = (int) (pg_atomic_fetch_add_u64(&lane->cursor, 1) % OG_LANE_SLOTS);
	int64		slot = slot_of(lane, i);

	if (slot != 0 && (slot < 0 || slot >= now - reach(&longest)))
		i = -1;
	return (Found) {i, slot};
}

/* The slot for the next turn on a lane, searched for if it has to be. */
static Found
find_slot(const OgRuled *ruled, int64 now)
{
	Found		found = {-1, 0};

	if (ruled->pace.nwindows == 0)
		found = likely_slot(ruled->lane, now);
	return found.slot >= 0 ? found : settle(ruled->lane, now);
}

/* Reserve a slot on each lane or on none. */
static bool
reserve_all(const OgRuled *ruled, int nlanes, const Found *found, int64 now,
			OgTurn *turn)
{
	for (int i = 0; i < nlanes; i++)
	{
		if (!reserve(ruled[i].lane, found[i], now))
		{
			while (i-- > 0)
				og_lane_return(ruled[i].lane, found[i].slot, now);
			return false;
		}
		turn->slots[i] = found[i].slot;
	}
	turn->reserved = now;
	turn->taken = true;
	return true;
}

/* Its windows will want to know what was sent. */
static void
remember_for(const OgRuled *ruled)
{
	for (int i = 0; i < ruled->pace.nwindows; i++)
		raise_time(&ruled->lane->longest, ruled->pace.windows[i].length_us);
}

int64
og_lane_ask(const OgRuled *ruled, int nlanes, int64 now, OgTurn *turn)
{
	Found		found[OG_MAX_LANES] = {{0}};
	int64		wait = 0;

	turn->taken = false;
	for (int i = 0; i < nlanes; i++)
	{
		remember_for(&ruled[i]);
		found[i] = find_slot(&ruled[i], now);
		wait = Max(wait, wait_of(&ruled[i], now));
	}
	if (wait == 0 && !reserve_all(ruled, nlanes, found, now, turn))
		wait = MIN_PENDING_WAIT;
	return wait;
}

int64
og_lane_wait(const OgRuled *ruled, int64 now)
{
	(void) settle(ruled->lane, now);
	return wait_of(ruled, now);
}

/* The turn is ours, so there is nobody to ask. */
void
og_lane_stamp(OgLane *lane, int slot, int64 now)
{
	pg_atomic_write_u64(&lane->slots[slot], (uint64) now);
}

/* Only the very turn is freed: its slot may have become another session's. */
void
og_lane_return(OgLane *lane, int slot, int64 reserved)
{
	(void) slot_change(lane, slot, ~reserved, 0);
}

/*
 * The length goes first: whoever finds a pause finds one that is as long at
 * least.
 */
void
og_lane_hold(OgLane *lane, int64 now, int64 length)
{
	length = Min(length, MAX_HOLD);
	if (og_lane_held_until(lane, now) == 0)
		pg_atomic_write_u64(&lane->held_for, (uint64) length);
	else
		raise_time(&lane->held_for, length);
	raise_time(&lane->held_until, now + length);
}

int64
og_lane_held_until(OgLane *lane, int64 now)
{
	int64		until;

	limit_time(&lane->held_until,
			   now + Min(Max(read_time(&lane->held_for), 0), MAX_HOLD));
	until = read_time(&lane->held_until);
	return until > now ? until : 0;
}

void
og_lane_doubt(OgLane *lane, int64 since)
{
	pg_atomic_write_u64(&lane->doubt_since, (uint64) since);
}

int64
og_lane_last_sent(OgLane *lane)
{
	int64		last = 0;

	for (int i = 0; i < OG_LANE_SLOTS; i++)
		last = Max(last, slot_of(lane, i));
	return last;
}

bool
og_lane_is_idle(OgLane *lane, int64 now)
{
	OgWindow	longest = {.length_us = read_time(&lane->longest)};
	int64		last;

	if (og_lane_held_until(lane, now) != 0)
		return false;
	for (int i = 0; i < OG_LANE_SLOTS; i++)
	{
		if (slot_of(lane, i) < 0)
			return false;
	}
	last = og_lane_last_sent(lane);
	return last == 0 || last <= now - reach(&longest);
}

int
og_lane_used(OgLane *lane, const OgWindow *window, int64 now)
{
	return count_now(lane, window, now);
}

/*
 * With N per window, turn n comes a whole window after turn n - N; among the
 * first N it waits for the history to leave room for those before it.
 */
int64
og_lane_estimate(const OgRuled *ruled, int64 now, int64 n)
{
	int64		wait;

	if (n <= 0)
		return 0;
	if (ruled->pace.nwindows > 0)
		(void) settle(ruled->lane, now);
	wait = Max(og_lane_held_until(ruled->lane, now), now) - now;
	for (int i = 0; i < ruled->pace.nwindows; i++)
	{
		const OgWindow *window = &ruled->pace.windows[i];
		int64		rounds = (n - 1) / window->requests;
		int			before = (int) ((n - 1) % window->requests);
		int64		this_wait;

		if (pg_mul_s64_overflow(rounds, reach(window), &this_wait) ||
			pg_add_s64_overflow(this_wait,
								wait_for_room(ruled->lane, window, now,
											  window->requests - before, true),
								&this_wait))
			this_wait = PG_INT64_MAX;
		wait = Max(wait, this_wait);
	}
	return wait;
}

/* ---------- nonces ---------- */

int64
og_nonce_next(pg_atomic_uint64 *last_nonce, int64 now_ms)
{
	uint64		value = pg_atomic_read_u64(last_nonce);
	int64		nonce;

	do
	{
		int64		last = (int64) value;

		if (last < now_ms || last > now_ms + MAX_NONCE_LEAD_MS)
			nonce = now_ms;
		else
			nonce = last + 1;
	} while (!pg_atomic_compare_exchange_u64(last_nonce, &value,
											 (uint64) nonce));
	return nonce;
}
