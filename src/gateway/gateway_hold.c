/*-------------------------------------------------------------------------
 *
 * gateway_hold.c
 *		A provider that wants to be left alone for a while, and is.
 *
 * It says so by HTTP 429, by its own "too frequent", or by a Retry-After with
 * any other refusal or failure.  Whatever becomes of the request that was
 * answered like that, the lane is then held for every session, be it with acts,
 * reads or checks: others would only be refused as well, and a provider that is
 * not left alone may lock the account.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/timestamp.h"

#include "gateway/gateway_internal.h"

/*
 * Pause after a "too frequent" that does not say for how long: the smallest
 * window of the pace, within these bounds; doubled each time.
 */
#define PACE_BACKOFF_MS			1000
#define MAX_PACE_BACKOFF_MS		30000

#define MAX_DOUBLINGS			10

/* Least pause where the provider itself says how long. */
#define RETRY_AFTER_FLOOR_MS	100

/* Statuses from here on say that a request did not succeed. */
#define FIRST_FAILURE			400

/* How long the lane is to be left alone after an answer, -1 = it is not. */
static int64
hold_ms(const OgPace *pace, const OgResponse *response, bool wants_fewer,
		int attempts)
{
	bool		failed = response->status >= FIRST_FAILURE;
	int64		pause;

	if (!wants_fewer && (!failed || response->retry_after_ms < 0))
		return -1;
	if (response->retry_after_ms >= 0)
		return Max(response->retry_after_ms, RETRY_AFTER_FLOOR_MS);
	pause = og_pace_smallest_us(pace) / 1000;
	pause = Min(Max(pause, PACE_BACKOFF_MS), MAX_PACE_BACKOFF_MS);
	return pause << Min(Max(attempts - 1, 0), MAX_DOUBLINGS);
}

/*
 * Hold the lane if an answer wants that, which came to the so-manieth attempt.
 * Answers for how many milliseconds, or -1.
 */
int64
og_hold_lane(OgLimiter *limiter, const OgPace *pace,
			 const OgResponse *response, bool wants_fewer, int attempts)
{
	int64		pause = hold_ms(pace, response, wants_fewer, attempts);

	if (pause >= 0)
		og_limiter_hold(limiter, og_clock_now(), pause * 1000);
	return pause;
}

/* Until when the lane is held, in words and whole seconds; NULL if it is not. */
const char *
og_hold_end(OgLimiter *limiter)
{
	int64		left = og_limiter_held_for(limiter, og_clock_now());
	TimestampTz until = GetCurrentTimestamp() + left + USECS_PER_SEC - 1;

	if (left == 0)
		return NULL;
	return pstrdup(timestamptz_to_str(until - until % USECS_PER_SEC));
}
