/*-------------------------------------------------------------------------
 *
 * gateway_pace.c
 *		The pace of an account, how long a call waits for its turns, and what it
 *		says of that.
 *
 * Turns and pauses before retries count together towards max_wait, and are cut
 * by call_timeout.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/timestamp.h"

#include "gateway/gateway_internal.h"

/* ---------- of an account ---------- */

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
	bool		is_query = operation->lane == OG_LANE_QUERIES;
	bool		is_signed = operation->kind != OG_PUBLIC;
	OgCounted	counted = {
		.account = account->identity,
		.host = account->host,
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

/* All windows that count an operation. */
OgPace
og_pace_of(const OgAccount *account, const OgOperation *operation)
{
	OgCounted	counted = counted_by(account, operation);
	OgPace		pace = {.nwindows = 0};

	for (int i = 0; i < counted.nlanes; i++)
	{
		og_pace_add(&pace, &counted.lanes[i].pace, OG_PER_KEY);
		og_pace_add(&pace, &counted.lanes[i].pace, OG_PER_HOST);
	}
	return pace;
}

/* The lanes that count it. */
OgLimiter *
og_pace_limiter(const OgAccount *account, const OgOperation *operation)
{
	OgCounted	counted = counted_by(account, operation);

	return og_limiter_open(&counted);
}

/* When a call that begins now has to be over, by og_clock_now(); 0 = never. */
int64
og_pace_deadline(const OgAccount *account)
{
	if (account->call_timeout == 0)
		return 0;
	return og_clock_now() + (int64) account->call_timeout * 1000;
}

/* ---------- of a call ---------- */

/* How much longer the call may wait for turns and backoff. */
static int64
patience_us(const OgCall *call)
{
	if (call->account->max_wait == 0)
		return PG_INT64_MAX;
	return (int64) call->account->max_wait * 1000 - call->waited_us;
}

/* May the call still wait for so long, or at all where nobody knows? */
bool
og_pace_allows(const OgCall *call, int64 wait_us)
{
	if (wait_us == OG_UNTIL_WOKEN)
		return patience_us(call) > 0;
	return wait_us <= patience_us(call);
}

/* How long to sleep before asking again; others may be for too long before us. */
int64
og_pace_sleep(const OgCall *call, int64 wait_us)
{
	return Min(Min(wait_us, patience_us(call)), OG_LONGEST_SLEEP_US);
}

/* How long the call may wait for something else than an answer from now on. */
static int64
bound_us(const OgCall *call)
{
	int64		bound = patience_us(call);

	if (call->deadline != 0)
		bound = Min(bound, call->deadline - og_clock_now());
	return Max(bound, 0);
}

static void
announce(OgCall *call, int64 wait_us)
{
	const char *held = og_hold_end(call->limiter);

	call->announced = true;
	ereport(NOTICE,
			(errmsg("the pace of server \"%s\" makes this call wait for about " INT64_FORMAT " seconds",
					call->account->server, wait_us / USECS_PER_SEC),
			 held != NULL ? errdetail(OG_HELD_DETAIL, held) : 0,
			 call->account->max_wait > 0 ?
			 errhint("Option max_wait ends such waits after %d seconds; ids that had no turn by then are \"not_sent\".",
					 call->account->max_wait / 1000) : 0));
}

/* Others have been before us for a minute, and nobody knows for how long. */
static void
announce_others(OgCall *call)
{
	call->announced = true;
	ereport(NOTICE,
			(errmsg("other calls have been using the account of server \"%s\" for %d seconds; this one goes on waiting for its turn",
					call->account->server,
					(int) (OG_ANNOUNCED_WAIT_US / USECS_PER_SEC))));
}

/* Tell the user, once, of a wait of more than a minute: before it, if known. */
void
og_pace_announce(OgCall *call, int64 wait_us)
{
	if (call->announced)
		return;
	if (wait_us != OG_UNTIL_WOKEN)
	{
		wait_us = Min(wait_us, bound_us(call));
		if (wait_us > OG_ANNOUNCED_WAIT_US)
			announce(call, wait_us);
	}
	else if (call->waited_us >= OG_ANNOUNCED_WAIT_US)
		announce_others(call);
}

/* Before the first request: look ahead. */
void
og_pace_begin(OgCall *call)
{
	og_pace_announce(call, og_limiter_estimate(call->limiter, og_clock_now(),
											   call->split.nbatches));
}
