/*-------------------------------------------------------------------------
 *
 * test_limiter.c
 *		The arithmetic of src/limiter/limiter_lane.c, in virtual time.
 *
 * Time passes only when a simulation lets it.  What it proves of each pace is
 * that no stretch of a window's length ever saw more requests than the window
 * allows, and that turns came as fast as that permits.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

/* The file itself, so that its constants and static functions are known. */
#include "limiter/limiter_lane.c"

#include "server_shim.h"
#include "tap.h"

#define START	INT64CONST(817000000000000)	/* some moment */
#define S		US_PER_S
#define MS		US_PER_MS

#define MAX_SENT	20000

static OgLane key_lane;
static OgLane host_lane;

static int64 sent[MAX_SENT];
static int	nsent;

static uint64 random_state = UINT64CONST(0x2545F4914F6CDD1D);

/* A number from 0 to limit - 1; the same ones in each run. */
static int64
pick(int64 limit)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (int64) ((random_state >> 1) % (uint64) limit);
}

static void
new_lanes(void)
{
	memset(&key_lane, 0, sizeof(key_lane));
	memset(&host_lane, 0, sizeof(host_lane));
	nsent = 0;
}

static OgPace
pace_of(int nwindows, const OgWindow *windows)
{
	OgPace		pace = {.nwindows = nwindows};

	for (int i = 0; i < nwindows; i++)
		pace.windows[i] = windows[i];
	return pace;
}

static OgPace
one_window(int requests, int64 length_us)
{
	OgWindow	window = {requests, length_us, OG_PER_KEY};

	return pace_of(1, &window);
}

/* A lane and those windows of a pace that have its scope. */
static OgRuled
ruled_by(OgLane *lane, const OgPace *pace, OgScope scope)
{
	OgRuled		ruled = {.lane = lane};

	og_pace_add(&ruled.pace, pace, scope);
	return ruled;
}

/* As a call of an account asks, on its own lane and that of its host. */
static int64
ask_as(OgLane *key, const OgPace *pace, int64 now, OgTurn *turn)
{
	OgRuled		ruled[2] = {ruled_by(key, pace, OG_PER_KEY),
	ruled_by(&host_lane, pace, OG_PER_HOST)};

	return og_lane_ask(ruled, 2, now, turn);
}

static int64
ask(const OgPace *pace, int64 now, OgTurn *turn)
{
	return ask_as(&key_lane, pace, now, turn);
}

static int64
time_of(const OgPace *pace, int64 now, int64 n)
{
	OgRuled		key = ruled_by(&key_lane, pace, OG_PER_KEY);
	OgRuled		host = ruled_by(&host_lane, pace, OG_PER_HOST);

	return Max(og_lane_estimate(&key, now, n), og_lane_estimate(&host, now, n));
}

static void
stamp_as(OgLane *key, const OgTurn *turn, int64 now)
{
	og_lane_stamp(key, turn->slots[0], now);
	og_lane_stamp(&host_lane, turn->slots[1], now);
}

static void
stamp(const OgTurn *turn, int64 now)
{
	stamp_as(&key_lane, turn, now);
}

static void
give_back(const OgTurn *turn)
{
	og_lane_return(&key_lane, turn->slots[0], turn->reserved);
	og_lane_return(&host_lane, turn->slots[1], turn->reserved);
}

/* Send n requests, each as soon as it may; answers the time afterwards. */
static int64
send_at_once(const OgPace *pace, int64 now, int n)
{
	for (int i = 0; i < n; i++)
	{
		OgTurn		turn;
		int64		wait;

		while ((wait = ask(pace, now, &turn)) > 0)
			now += wait;
		stamp(&turn, now);
		sent[nsent++] = now;
	}
	return now;
}

static int
compare_times(const void *a, const void *b)
{
	int64 x = *(const int64 *) a;
	int64 y = *(const int64 *) b;

	return (x > y) - (x < y);
}

/* No stretch of a window's length saw more than it allows. */
static bool
within_limits(const OgPace *pace)
{
	(qsort) (sent, nsent, sizeof(sent[0]), compare_times);
	for (int i = 0; i < pace->nwindows; i++)
	{
		const OgWindow *window = &pace->windows[i];

		for (int j = window->requests; j < nsent; j++)
		{
			int64		stretch = sent[j] - sent[j - window->requests];

			if (stretch < reach(window))
			{
				printf("# %d requests within " INT64_FORMAT " us\n",
					   window->requests + 1, stretch);
				return false;
			}
		}
	}
	return true;
}

/* When the last of n requests can leave at the earliest, alone on a lane. */
static int64
shortest(const OgPace *pace, int n)
{
	int64		time = 0;

	for (int i = 0; i < pace->nwindows; i++)
	{
		const OgWindow *window = &pace->windows[i];

		time = Max(time, (n - 1) / window->requests * reach(window));
	}
	return time;
}

static void
test_full_speed(void)
{
	static const struct
	{
		const char *name;
		int			n;
		int			nwindows;
		OgWindow	windows[3];
	}			cases[] = {
		{"10/1s", 101, 1, {{10, S, OG_PER_KEY}}},
		{"1/2s", 20, 1, {{1, 2 * S, OG_PER_KEY}}},
		{"75/1s", 1000, 1, {{75, S, OG_PER_KEY}}},
		{"1/1ms", 50, 1, {{1, MS, OG_PER_KEY}}},
		{"4000/60s", 12001, 1, {{4000, 60 * S, OG_PER_KEY}}},
		{"3/1d", 10, 1, {{3, 86400 * S, OG_PER_KEY}}},
		{"10/1s per key, 1000/60s per host", 3000, 2,
		{{10, S, OG_PER_KEY}, {1000, 60 * S, OG_PER_HOST}}},
		{"15/1s, 30/1s per host, 100/1min", 500, 3,
		{{15, S, OG_PER_KEY}, {30, S, OG_PER_HOST}, {100, 60 * S, OG_PER_KEY}}},
	};

	for (int i = 0; i < lengthof(cases); i++)
	{
		OgPace		pace = pace_of(cases[i].nwindows, cases[i].windows);
		int64		took;
		int64		estimate;

		new_lanes();
		estimate = time_of(&pace, START,
									cases[i].n);
		took = send_at_once(&pace, START, cases[i].n) - START;
		ok(within_limits(&pace), "%s: kept", cases[i].name);
		ok(estimate <= took, "%s: not faster than estimated",
		   cases[i].name);
		if (cases[i].nwindows == 1)
		{
			ok(took == shortest(&pace, cases[i].n), "%s: at full speed",
			   cases[i].name);
			ok(estimate == took, "%s: estimated exactly", cases[i].name);
		}
		else
			ok(took <= shortest(&pace, cases[i].n) + 61 * S,
			   "%s: at full speed", cases[i].name);
	}
}

static void
test_burst(void)
{
	OgPace		pace = one_window(10, S);
	OgTurn		turn;

	new_lanes();
	is_number(send_at_once(&pace, START, 10), START, "ten turns at once");
	is_number(ask(&pace, START, &turn), 1020 * MS,
			  "the 11th waits for a window and a margin");
	ok(!turn.taken, "... and is not taken");
	is_number(ask(&pace, START + 400 * MS, &turn), 620 * MS,
			  "... which pass with time");
	is_number(time_of(&pace, START + 400 * MS, 25),
			  620 * MS + 2 * 1020 * MS, "25 more are three windows away");
	is_number(time_of(&pace, START, 0), 0,
			  "none is no wait");
	ok(time_of(&pace, START,
						PG_INT64_MAX) > 0,
	   "no number of turns overflows");
}

static void
test_pending(void)
{
	OgPace		pace = one_window(2, S);
	OgTurn		turns[3];

	new_lanes();
	is_number(ask(&pace, START, &turns[0]), 0, "first turn");
	is_number(ask(&pace, START, &turns[1]), 0, "second turn");
	is_number(ask(&pace, START, &turns[2]), MIN_PENDING_WAIT,
			  "turns that stay pending block, and are asked about often");
	is_number(ask(&pace, START + 40 * MS, &turns[2]), 40 * MS,
			  "... later again after as long as they were pending");
	is_number(ask(&pace, START + 5 * S, &turns[2]), MAX_PENDING_WAIT,
			  "... and at least once a second");
	stamp(&turns[0], START + 5 * S);
	is_number(ask(&pace, START + 5 * S, &turns[2]), MAX_PENDING_WAIT,
			  "one sent, one pending: still so");
	stamp(&turns[1], START + 6 * S);
	is_number(ask(&pace, START + 6 * S, &turns[2]), 20 * MS,
			  "all sent: the wait is exact");

	new_lanes();
	(void) ask(&pace, START, &turns[0]);
	(void) ask(&pace, START, &turns[1]);
	give_back(&turns[1]);
	is_number(ask(&pace, START, &turns[1]), 0,
			  "a turn given back is free at once");
	is_number((long long) turns[1].slots[0], 1, "... and its slot used again");

	new_lanes();
	pace = one_window(1, S);
	(void) ask(&pace, START, &turns[0]);
	is_number(ask(&pace, START + 60 * S, &turns[1]), MAX_PENDING_WAIT,
			  "a turn of a dead session blocks for a minute");
	is_number(ask(&pace, START + 61 * S, &turns[1]), 0,
			  "... then it counts from when it was reserved");

}

/* More turns given back in one window than a lane has slots to spare. */
static void
test_many_returns(void)
{
	OgPace		pace = one_window(4000, 60 * S);
	OgPace		off = {.nwindows = 0};
	int64 now = START;
	OgTurn		turn;

	new_lanes();
	for (int i = 0; i < 3999; i++)
	{
		now = send_at_once(&pace, now, 1);
		(void) ask(&pace, now, &turn);
		give_back(&turn);
		now += MS;
	}
	for (int i = 0; i < 2 * OG_LANE_SLOTS; i++)
	{
		(void) ask(&off, now, &turn);
		give_back(&turn);
	}
	now = send_at_once(&pace, now, 4001);
	ok(within_limits(&pace), "turns given back make no room for others");
	ok(now - START <= shortest(&pace, 8000) + 4 * S, "... and take none");
}

static void
test_off(void)
{
	OgPace		off = {.nwindows = 0};
	OgPace		pace = one_window(100, S);
	OgTurn		turn;
	int64 now = START;

	new_lanes();
	for (int i = 0; i < 2 * OG_LANE_SLOTS; i++)
		now = send_at_once(&off, now + 1, 1);
	is_number(now, START + 2 * OG_LANE_SLOTS, "off: nothing waits");
	is_number(ask(&pace, now, &turn), 1020 * MS - 99,
			  "... but all is remembered, the newest best");
	og_lane_hold(&key_lane, now, 5 * S);
	is_number(ask(&off, now, &turn), 5 * S, "a hold is obeyed");
}

static void
test_hold(void)
{
	OgPace		pace = one_window(10, S);
	OgTurn		turn;

	new_lanes();
	og_lane_hold(&key_lane, START, 5 * S);
	og_lane_hold(&key_lane, START, 3 * S);
	is_number(ask(&pace, START, &turn), 5 * S, "the longest hold counts");
	is_number(time_of(&pace, START, 1), 5 * S,
			  "... and is estimated");
	is_number(ask(&pace, START + 5 * S, &turn), 0, "then it is over");
	og_lane_hold(&key_lane, START, 86400 * 30 * S);
	is_number(ask(&pace, START, &turn), MAX_HOLD, "no hold exceeds a day");
}

/*
 * Whatever a lane remembers lasts for no longer than its own length, should
 * time go back, by however much.
 */
static void
test_clock_set_back(void)
{
	OgPace		pace = one_window(3, S);
	OgPace		off = {.nwindows = 0};
	OgRuled		key = {.lane = &key_lane};
	OgTurn		turn;
	int64		now;

	new_lanes();
	now = send_at_once(&pace, START, 3);
	now -= 3600 * S;
	is_number(ask(&pace, now, &turn), 1020 * MS,
			  "an hour back: stamps count as of now");
	is_number(ask(&pace, now + 1020 * MS, &turn), 0,
			  "... once, and not for an hour");

	new_lanes();
	pace = one_window(1, S);
	(void) ask(&pace, START, &turn);
	is_number(ask(&pace, START - 3600 * S, &turn), MIN_PENDING_WAIT,
			  "... so do pending turns");
	is_number(ask(&pace, START - 3539 * S, &turn), 0, "... for a minute");

	new_lanes();
	og_lane_hold(&key_lane, START, 5 * S);
	now = START - 3600 * S;
	is_number(og_lane_held_until(&key_lane, now), now + 5 * S,
			  "a pause of 5 s begins anew");
	is_number(ask(&pace, now + 2 * S, &turn), 3 * S, "... goes on");
	is_number(ask(&pace, now + 5 * S, &turn), 0, "... and is over");

	new_lanes();
	og_lane_hold(&key_lane, START, 5 * S);
	is_number(ask(&off, START - 86400 * 7 * S, &turn), 5 * S,
			  "a week back, without a window: so, too");
	is_number(og_lane_estimate(&key, START - 86400 * 14 * S, 1), 5 * S,
			  "... and in what is estimated");

	new_lanes();
	og_lane_hold(&key_lane, START, 3600 * S);
	og_lane_hold(&key_lane, START + 4000 * S, 2 * S);
	now = START - 86400 * S;
	is_number(ask(&pace, now, &turn), 2 * S,
			  "a pause that was over does not lend its length to the next");

	new_lanes();
	og_lane_hold(&key_lane, START, 60 * S);
	og_lane_hold(&key_lane, START + 30 * S, 2 * S);
	is_number(ask(&pace, START - 3600 * S, &turn), 60 * S,
			  "one within another takes nothing from it");

	new_lanes();
	og_lane_doubt(&key_lane, START);
	is_number(ask(&pace, START - 3600 * S, &turn), 1020 * MS,
			  "a history in doubt is so for a window");
}

/* Soon after the machine was started, time is younger than windows are long. */
static void
test_beginning_of_time(void)
{
	OgPace		pace = one_window(2, 86400 * S);
	OgTurn		turn;

	new_lanes();
	ok(og_lane_is_idle(&key_lane, 7), "at first a lane is idle");
	is_number(ask(&pace, 7, &turn), 0, "free slots are no requests");
	stamp(&turn, 7);
	is_number(ask(&pace, 8, &turn), 0, "... and there is a second turn");
	stamp(&turn, 8);
	ok(ask(&pace, 9, &turn) > 86399 * S, "... but no third");
	is_number(og_lane_used(&key_lane, &pace.windows[0], 9), 2,
			  "what was sent then counts");
	pace.nwindows = 0;
	is_number(ask(&pace, 9, &turn), 0, "off");
}

/*
 * A provider that counts reads and acts together, of which reads have a
 * window of their own as well: three lanes.
 */
static void
test_counted_together(void)
{
	static OgLane queries;
	OgRuled		read[3] = {{.lane = &queries, .pace = one_window(4, S)},
	{.lane = &key_lane, .pace = one_window(10, S)}, {.lane = &host_lane}};
	OgPace		key_pace = one_window(10, S);
	OgTurn		turn;
	int64		now = START;
	int			reads = 0;
	int			acts = 0;

	new_lanes();
	memset(&queries, 0, sizeof(queries));
	while (nsent < 300)
	{
		int64		read_wait = og_lane_ask(read, 3, now, &turn);
		int64		act_wait;

		if (read_wait == 0)
		{
			for (int i = 0; i < 3; i++)
				og_lane_stamp(read[i].lane, turn.slots[i], now);
			sent[nsent++] = now;
			reads++;
		}
		act_wait = og_lane_ask(read + 1, 2, now, &turn);
		if (act_wait == 0)
		{
			og_lane_stamp(&key_lane, turn.slots[0], now);
			og_lane_stamp(&host_lane, turn.slots[1], now);
			sent[nsent++] = now;
			acts++;
		}
		now += Min(read_wait, act_wait);
	}
	ok(within_limits(&key_pace), "reads and acts keep the pace together");
	is_number(now - START, 29 * 1020 * MS, "... at full speed");
	is_number(reads, 30 * 4, "... reads no faster than they may by themselves");
	is_number(acts, 300 - 30 * 4, "... acts have what is left");
	is_number(og_lane_used(&host_lane, &key_pace.windows[0], now), 10,
			  "... and the host remembers both");

	/* A pause of the key holds reads, too; theirs holds no acts. */
	og_lane_hold(&key_lane, now + 10 * S, 5 * S);
	is_number(og_lane_ask(read, 3, now + 10 * S, &turn), 5 * S,
			  "a pause of the key is one of reads");
	og_lane_hold(&queries, now + 20 * S, 5 * S);
	is_number(og_lane_ask(read + 1, 2, now + 20 * S, &turn), 0,
			  "... but not the other way round");
}

/* A lane that may be given to another account. */
static void
test_idle(void)
{
	OgPace		pace = one_window(1, 10 * S);
	OgTurn		turn;

	new_lanes();
	is_number(og_lane_is_idle(&key_lane, START), 1, "a new lane is idle");
	(void) ask(&pace, START, &turn);
	is_number(og_lane_is_idle(&key_lane, START + 3600 * S), 0,
			  "one with a pending turn is not");
	stamp(&turn, START);
	is_number(og_lane_last_sent(&key_lane) == START, 1,
			  "it knows when it was used last");
	is_number(og_lane_is_idle(&key_lane, START + 10 * S), 0,
			  "nor one whose longest window still counts");
	is_number(og_lane_is_idle(&key_lane, START + 11 * S), 1,
			  "... until that is over");
	og_lane_hold(&key_lane, START, 60 * S);
	is_number(og_lane_is_idle(&key_lane, START + 59 * S), 0,
			  "nor one that is held back");
	is_number(og_lane_is_idle(&key_lane, START + 61 * S), 1, "... until that is over");
}

static int64
wait_on(const OgPace *pace, OgScope scope, int64 now)
{
	OgRuled		ruled = ruled_by(&key_lane, pace, scope);

	return og_lane_wait(&ruled, now);
}

/* What people see of a window. */
static void
test_used(void)
{
	OgPace		pace = one_window(3, S);
	OgTurn		turn;

	new_lanes();
	is_number(og_lane_used(&key_lane, &pace.windows[0], START), 0,
			  "nothing is used");
	is_number(wait_on(&pace, OG_PER_KEY, START), 0,
			  "... and nothing to wait for");
	for (int i = 0; i < 3; i++)
	{
		(void) ask(&pace, START + i * MS, &turn);
		stamp(&turn, START + i * MS);
	}
	is_number(og_lane_used(&key_lane, &pace.windows[0], START + 2 * MS), 3,
			  "all is used");
	is_number(wait_on(&pace, OG_PER_KEY, START + 2 * MS),
			  S + 20 * MS - 2 * MS, "... until the first one is out");
	is_number(wait_on(&pace, OG_PER_HOST, START + 2 * MS), 0,
			  "... in the windows of its own scope");
	is_number(og_lane_held_until(&key_lane, START), 0, "it is not held");
}

static void
test_two_keys_one_host(void)
{
	static OgLane other_key;
	OgWindow	windows[2] = {{10, S, OG_PER_KEY}, {15, S, OG_PER_HOST}};
	OgPace		pace = pace_of(2, windows);
	OgPace		host_pace = pace_of(1, &windows[1]);
	int64 now = START;
	int			by_key[2] = {0, 0};

	new_lanes();
	memset(&other_key, 0, sizeof(other_key));
	host_pace.windows[0].scope = OG_PER_KEY;
	while (nsent < 200)
	{
		int64		least = PG_INT64_MAX;

		for (int i = 0; i < 2; i++)
		{
			OgLane	   *lane = i == 0 ? &key_lane : &other_key;
			OgTurn		turn;
			int64		wait = ask_as(lane, &pace, now, &turn);

			least = Min(least, wait);
			if (wait > 0)
				continue;
			stamp_as(lane, &turn, now);
			sent[nsent++] = now;
			by_key[i]++;
		}
		now += least;
	}
	ok(within_limits(&host_pace), "two accounts keep the pace of their host");
	is_number(now - START, 13 * 1020 * MS, "... at full speed");
	ok(by_key[0] >= 60 && by_key[1] >= 60, "... each in its turn");

	/* A host that is spent must cost the key nothing. */
	new_lanes();
	host_pace = pace_of(1, &windows[1]);
	(void) send_at_once(&host_pace, START, 15);
	memset(&key_lane, 0, sizeof(key_lane));
	for (int i = 0; i < 50; i++)
	{
		OgTurn		turn;

		(void) ask(&pace, START, &turn);
	}
	is_number(send_at_once(&pace, START + 1020 * MS, 10), START + 1020 * MS,
			  "turns are reserved on both lanes or on none");
}

static void
test_doubt(void)
{
	OgPace		pace = one_window(10, S);
	OgTurn		turn;
	int64		took;

	new_lanes();
	og_lane_doubt(&key_lane, START);
	is_number(ask(&pace, START + 500 * MS, &turn), 520 * MS,
			  "a short window counts as spent");
	is_number(ask(&pace, START + 1020 * MS, &turn), 0, "... until it is over");

	new_lanes();
	pace = one_window(60, 60 * S);
	og_lane_doubt(&key_lane, START);
	ok(send_at_once(&pace, START, 1) - START <= 1010 * MS,
	   "a long one refills evenly");
	took = send_at_once(&pace, START, 29) - START;
	ok(took >= 30 * S && took <= 31 * S, "... half of it in half the time");
	is_number(send_at_once(&pace, START + 61 * S, 31), START + 61 * S,
			  "... and all of it in the end");

	pace.nwindows = 0;
	og_lane_doubt(&key_lane, START + 100 * S);
	is_number(ask(&pace, START + 100 * S, &turn), 0, "off: no doubt");
}

static void
test_nonce(void)
{
	int64		now_ms = INT64CONST(1763600000000);
	pg_atomic_uint64 last_nonce = {0};

	is_number(og_nonce_next(&last_nonce, now_ms), now_ms, "a nonce is now");
	is_number(og_nonce_next(&last_nonce, now_ms), now_ms + 1, "... or one more");
	is_number(og_nonce_next(&last_nonce, now_ms + 1), now_ms + 2,
			  "... than the last");
	is_number(og_nonce_next(&last_nonce, now_ms - 5000), now_ms + 3,
			  "... also when the clock was set back");
	is_number(og_nonce_next(&last_nonce, now_ms + 10), now_ms + 10,
			  "... and now again");
	is_number(og_nonce_next(&last_nonce, now_ms - 2 * 86400000), now_ms - 2 * 86400000,
			  "a day ahead it was a wrong clock");
}

/*
 * Requests that leave late or never, asked for at random times.  The clock
 * may be set back; "real" time is what the provider sees.
 */
static void
run_at_random(const char *name, const OgPace *pace, bool set_back)
{
	OgTurn		turns[8];
	int			nturns = 0;
	int64 real = START;
	int64		behind = 0;

	new_lanes();
	for (int step = 0; step < 6000; step++)
	{
		int64 now = real - behind;
		int64		wait = 1;

		if (nturns < lengthof(turns))
			wait = ask(pace, now, &turns[nturns]);
		if (wait == 0)
			nturns++;
		else if (nturns == 0)
			real += wait;

		while (nturns > 0 && pick(3) == 0)
		{
			int			i = (int) pick(nturns);

			if (pick(4) == 0)
				give_back(&turns[i]);
			else
			{
				stamp(&turns[i], real - behind);
				sent[nsent++] = real;
			}
			turns[i] = turns[--nturns];
		}
		real += pick(20) == 0 ? pick(2 * S) : pick(20 * MS);
		if (pick(500) == 0)
			og_lane_hold(&key_lane, real - behind, pick(3 * S));
		if (set_back && pick(500) == 0)
			behind += S + pick(7200 * S);
	}
	ok(nsent > 500, "%s: %d requests at random", name, nsent);
	ok(within_limits(pace), "%s: kept", name);
}

static void
test_at_random(void)
{
	OgWindow	windows[2] = {{10, S, OG_PER_KEY}, {100, 20 * S, OG_PER_HOST}};
	OgPace		pace = pace_of(2, windows);

	run_at_random("10/1s, 100/20s per host", &pace, false);
	run_at_random("the same, clock set back", &pace, true);
	pace = one_window(50, 10 * S);
	run_at_random("50/10s", &pace, false);
	run_at_random("50/10s, clock set back", &pace, true);
}

/* Whatever a lane holds, it answers, and comes to reason. */
static void
test_garbage(void)
{
	OgPace		pace = one_window(10, S);
	OgTurn		turn;
	bool		sane = true;

	for (int round = 0; round < 50; round++)
	{
		uint64	   *words = (uint64 *) &key_lane;

		new_lanes();
		for (size_t i = 0; i < sizeof(key_lane) / sizeof(uint64); i++)
			words[i] = round == 0 ? (uint64) PG_INT64_MIN :
				(uint64) pick(PG_INT64_MAX) << (round & 1);
		for (int i = 0; i < 5; i++)
		{
			int64		wait = ask(&pace, START + i * S, &turn);

			sane = sane && wait >= 0 && wait <= MAX_HOLD;
			wait = time_of(&pace, START + i * S, 1);
			sane = sane && wait >= 0 && wait <= MAX_HOLD;
		}
		sane = sane && ask(&pace, START + MAX_HOLD + 10 * S, &turn) == 0;
	}
	ok(sane, "garbage costs a day at most");
}

int
main(void)
{
	test_burst();
	test_full_speed();
	test_pending();
	test_many_returns();
	test_off();
	test_hold();
	test_clock_set_back();
	test_beginning_of_time();
	test_counted_together();
	test_idle();
	test_used();
	test_two_keys_one_host();
	test_doubt();
	test_nonce();
	test_at_random();
	test_garbage();
	return done_testing();
}
