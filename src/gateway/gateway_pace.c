/*-------------------------------------------------------------------------
 *
 * gateway_pace.c
 *		What the requests of an account count on, and how long they wait for it.
 *
 * Turns and pauses before another attempt count together towards max_wait, and
 * are cut by call_timeout.  Nothing here sleeps: what counts is the time
 * between two steps of a sender, where the first one found nothing to do but
 * to wait for such a thing.
 *
 * A provider that wants to be left alone for a while says so by HTTP 429, by
 * its own "too frequent", or by a Retry-After with any other refusal or failure.
 * Whatever becomes of the request that was answered like that, the lane is then
 * held for every session, be it with acts, reads or checks: others would only
 * be refused as well, and a provider that is not left alone may lock the
 * account.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/timestamp.h"

#include "gateway/gateway_internal.h"

/* Whoever waits without knowing for how long looks up so often, to say so. */
#define LONGEST_SLEEP_US	INT64CONST(60000000)

/* A wait of more than this is announced before it begins. */
#define ANNOUNCED_WAIT_US	INT64CONST(60000000)

/*
 * Pause after a "too frequent" that does not say for how long: the smallest
 * window of the pace, within these bounds; doubled each time.
 */
#define PACE_BACKOFF_MS			1000
#define MAX_PACE_BACKOFF_MS		30000

/* Least pause where the provider itself says how long. */
#define RETRY_AFTER_FLOOR_MS	100

/* Statuses from here on say that a request did not succeed. */
#define FIRST_FAILURE			400

/* ---------- lanes ---------- */

/* Count on one more lane of the key, by the windows of an option. */
static void
count_on(OgCounted *counted, OgLaneClass lane, const OgPace *option)
{
	OgLaneRules *rules = &counted->lanes[counted->nlanes++];

	rules->lane = lane;
	og_pace_add(&rules->pace, option, OG_PER_KEY);
	rules->shown = rules->pace;
}

/*
 * Whatever goes to a host counts there, and waits for what rate_limit says of
 * it; queries for what query_rate_limit says, too.
 */
static void
count_on_host(OgCounted *counted, const OgAccount *account, bool is_query)
{
	OgLaneRules *rules = &counted->lanes[counted->nlanes++];

	rules->lane = OG_LANE_HOST;
	og_pace_add(&rules->shown, &account->rate_limit, OG_PER_HOST);
	if (!is_query)
		rules->pace = rules->shown;
	og_pace_add(&rules->shown, &account->query_rate_limit, OG_PER_HOST);
	if (is_query)
		rules->pace = rules->shown;
}

/*
 * Does an operation without a key count on more than its host?  Then it is on
 * the limit of nobody, who is one account for all of this machine.  Not where
 * the provider counts users, nor if nothing is documented of it (see OG_PROBE).
 */
static bool
counts_on_nobody(const OgProvider *provider, const OgOperation *operation)
{
	return !provider->counts_together &&
		(operation->read != NULL || operation->read_records != NULL);
}

/*
 * What an operation counts on.  Where the provider counts all that is signed
 * together, a query does so on two lanes of the key: on that of queries, which
 * only we know, and on the provider's.
 */
static OgCounted
counted_by(const OgAccount *account, const OgOperation *operation)
{
	static const OgPace off = {.nwindows = 0};
	const OgProvider *provider = account->provider;
	bool		is_query = operation->kind != OG_ACT;
	bool		is_signed = operation->kind != OG_PUBLIC;
	OgCounted	counted = {
		.account = og_account_names(account)->account,
		.host = og_account_names(account)->host,
		.host_label = account->host,
		.serverid = account->serverid,
		.server = account->server,
		.needs_nonce = provider->needs_nonce
	};

	if (is_query)
		count_on(&counted, OG_LANE_QUERIES,
				 is_signed || counts_on_nobody(provider, operation)
				 ? &account->query_rate_limit : &off);
	if (!is_query || (is_signed && provider->counts_together))
		count_on(&counted, OG_LANE_ORDERS, &account->rate_limit);
	count_on_host(&counted, account, is_query);
	return counted;
}

/*
 * What the requests of a sender count on, and how long they may wait: it has
 * nothing of that yet.
 */
void
og_pace_open(Sender *sender, const OgOperation *operation)
{
	const OgAccount *account = sender->account;
	OgCounted	counted = counted_by(account, operation);

	counted.urgent = sender->caller.urgent;
	for (int i = 0; i < counted.nlanes; i++)
		og_pace_add(&sender->pace, &counted.lanes[i].pace, OG_PER_KEY);
	sender->limiter = og_limiter_open(&counted);
	if (sender->caller.deadline != 0)
		sender->deadline = sender->caller.deadline;
	else if (account->call_timeout > 0)
		sender->deadline = og_clock_now() +
			(int64) account->call_timeout * 1000;
	sender->patience_us = account->max_wait > 0
		? (int64) account->max_wait * 1000 : PG_INT64_MAX;
}

/* ---------- a lane that is held ---------- */

/*
 * Hold the lane if an answer wants that, which came to the so-manieth attempt.
 * Answers for how many milliseconds, or -1.
 */
int64
og_pace_hold(Sender *sender, const OgResponse *response, bool wants_fewer,
			 int attempts)
{
	bool		failed = response->status >= FIRST_FAILURE;
	int64		pause = response->retry_after_ms;

	if (!wants_fewer && (!failed || pause < 0))
		return -1;
	if (pause >= 0)
		pause = Max(pause, RETRY_AFTER_FLOOR_MS);
	else
	{
		pause = og_pace_smallest_us(&sender->pace) / 1000;
		pause = Min(Max(pause, PACE_BACKOFF_MS), MAX_PACE_BACKOFF_MS);
		pause <<= Min(Max(attempts - 1, 0), OG_MAX_DOUBLINGS);
	}
	og_limiter_hold(sender->limiter, og_clock_now(), pause * 1000);
	return pause;
}

/* Until when the lane is held, in words and whole seconds; NULL if it is not. */
static const char *
hold_end(OgLimiter *limiter)
{
	int64		left = og_limiter_held_for(limiter, og_clock_now());
	TimestampTz until = GetCurrentTimestamp() + left + USECS_PER_SEC - 1;

	if (left == 0)
		return NULL;
	return pstrdup(timestamptz_to_str(until - until % USECS_PER_SEC));
}

/* ---------- waiting ---------- */

void
og_pause_merge(OgPause *pause, const OgPause *other)
{
	bool		earlier = other->until != 0 &&
		(pause->until == 0 || other->until < pause->until);

	if (earlier || pause->what == OG_WAIT_NONE)
		pause->what = other->what;
	if (earlier)
		pause->until = other->until;
}

void
og_gateway_wait(const OgPause *pause)
{
	og_http_sleep(pause->until, pause->what);
}

/* How long the call may wait for something else than an answer from now on. */
static int64
bound_us(const Sender *sender)
{
	int64		bound = sender->patience_us;

	if (sender->deadline != 0)
		bound = Min(bound, sender->deadline - og_clock_now());
	return Max(bound, 0);
}

/*
 * May a request still wait for so long, or at all where nobody knows?  Acts wait
 * until call_timeout is over; nothing else begins a wait beyond that.
 */
bool
og_pace_allows(const Sender *sender, int64 wait_us)
{
	int64		left = sender->is_act ? sender->patience_us : bound_us(sender);

	if (wait_us == OG_UNTIL_WOKEN)
		return left > 0;
	return wait_us <= left;
}

/* Pause for so long before asking again, unless others are for too long first. */
void
og_pace_pause(Sender *sender, OgPause *pause, int64 wait_us, OgWait what)
{
	og_pace_announce(sender, wait_us);
	wait_us = Min(Min(wait_us, sender->patience_us), LONGEST_SLEEP_US);
	og_pause_merge(pause, &(OgPause) {og_clock_now() + wait_us, what});
	pause->what = what;
}

/* The sender looks again, which had nothing to do but to wait. */
void
og_pace_end_wait(Sender *sender)
{
	int64		waited_us;

	if (sender->pausing_since == 0)
		return;
	waited_us = og_clock_now() - sender->pausing_since;
	sender->pausing_since = 0;
	sender->waited_us += waited_us;
	sender->patience_us -= waited_us;
	if (sender->report.activity->waiting == OG_WAIT_TURN)
		sender->report.counters.turn_wait_us += waited_us;
}

/* ---------- words ---------- */

void
og_pace_hear(const Sender *sender, OgNewsKind kind, int64 number,
			 const char *text)
{
	const OgCaller *caller = &sender->caller;
	OgNews		news = {kind, sender->account, caller->function,
		sender->is_act, number, text};

	if (caller->witness->hear != NULL)
		caller->witness->hear(caller->owner, &news);
}

/* Tell of a wait of more than a minute, once: before it, if known. */
void
og_pace_announce(Sender *sender, int64 wait_us)
{
	bool		known = wait_us != OG_UNTIL_WOKEN;

	wait_us = known ? Min(wait_us, bound_us(sender)) : sender->waited_us;
	if (sender->announced || wait_us < ANNOUNCED_WAIT_US ||
		(known && wait_us == ANNOUNCED_WAIT_US))
		return;
	sender->announced = true;
	og_pace_hear(sender, known ? OG_NEWS_PACE : OG_NEWS_OTHERS_FIRST,
				 (known ? wait_us : ANNOUNCED_WAIT_US) / USECS_PER_SEC,
				 known ? hold_end(sender->limiter) : NULL);
}

/* Why nothing is sent, and whose doing that is where a provider asked for it. */
const char *
og_pace_explain(Sender *sender, const char *why)
{
	MemoryContext old = MemoryContextSwitchTo(sender->context);
	const char *end = hold_end(sender->limiter);

	if (end != NULL)
		why = psprintf("%s: the provider asked for a pause until %s", why,
					   end);
	MemoryContextSwitchTo(old);
	return why;
}
