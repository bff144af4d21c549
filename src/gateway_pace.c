/*-------------------------------------------------------------------------
 *
 * gateway_pace.c
 *		The pace of an account, how long a call waits for its turns, and what it
 *		says of that.
 *
 * Turns, the account's lock and pauses before retries count together towards
 * max_wait, and are cut by call_timeout.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/timestamp.h"

#include "gateway_internal.h"

/* ---------- of an account ---------- */

/* The pace of the operation's class; the options were checked before. */
OgPace
og_pace_of(const OgAccount *account, const OgOperation *operation)
{
	const char *text = account->rate_limit;
	const char *reason;
	OgPace		pace;

	if (operation->lane == OG_LANE_QUERIES && account->query_rate_limit != NULL)
		text = account->query_rate_limit;
	if (!og_pace_parse(text, &pace, &reason))
		elog(ERROR, "rate limit \"%s\" cannot be read: %s", text, reason);
	return pace;
}

/* The lane that keeps it. */
OgLimiter *
og_pace_limiter(const OgAccount *account, const OgOperation *operation,
				const OgPace *pace)
{
	return og_limiter_open(account->identity, account->host, operation->lane,
						   account->server, pace);
}

/* When a call that begins now has to be over, by og_http_now(); 0 = never. */
int64
og_pace_deadline(const OgAccount *account)
{
	if (account->call_timeout == 0)
		return 0;
	return og_http_now() + (int64) account->call_timeout * 1000;
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
		bound = Min(bound, call->deadline - og_http_now());
	return Max(bound, 0);
}

static void
announce(OgCall *call, int64 wait_us)
{
	call->announced = true;
	ereport(NOTICE,
			(errmsg("the pace of server \"%s\" makes this call wait for about " INT64_FORMAT " seconds",
					call->account->server, wait_us / USECS_PER_SEC),
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

/* Wait for the account's lock, which counts as waiting for a turn. */
static bool
wait_for_lock(OgCall *call, int64 most_us)
{
	int64		start = og_http_now();
	bool		locked;

	locked = og_limiter_lock(call->limiter, most_us == PG_INT64_MAX
							 ? -1 : (most_us + 999) / 1000);
	call->waited_us += og_http_now() - start;
	return locked;
}

/*
 * Take the account's lock, so that one call at a time keeps the pace.  How
 * long that takes nobody can say beforehand, so a long wait is announced when
 * it has become one.
 */
static bool
take_lock(OgCall *call)
{
	int64		most_us = bound_us(call);

	if (wait_for_lock(call, Min(most_us, OG_ANNOUNCED_WAIT_US)))
		return true;
	if (most_us <= OG_ANNOUNCED_WAIT_US)
		return false;
	announce_others(call);
	return wait_for_lock(call, bound_us(call));
}

/* Before the first request: wait for the account, and look ahead. */
void
og_pace_begin(OgCall *call)
{
	bool		deadline_first = call->deadline != 0 &&
		call->deadline - og_http_now() < patience_us(call);

	call->locked = take_lock(call);
	if (call->locked)
		og_pace_announce(call, og_limiter_estimate(call->limiter,
												   GetCurrentTimestamp(),
												   call->split.nbatches));
	else if (deadline_first)
		og_call_stop(call, "other calls used this account until call_timeout ran out");
	else
		og_call_stop(call, "other calls used this account until max_wait ran out");
}
