/*-------------------------------------------------------------------------
 *
 * gateway_send.c
 *		One request at a time: its turn, its way, its answer.
 *
 * What a check and a read send is not worth a pipeline.  Errors are only
 * those that the server raises at an interrupt.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/timestamp.h"

#include "gateway/gateway_internal.h"

/* How long it may still wait for something else than an answer. */
static int64
patience_us(const Sending *sending)
{
	int64		patience = sending->patience_us;

	if (sending->deadline != 0)
		patience = Min(patience, sending->deadline - og_clock_now());
	return Max(patience, 0);
}

/* Tell the user, once, of a wait of more than a minute. */
static void
announce(Sending *sending, int64 wait_us)
{
	const char *held;

	wait_us = Min(wait_us, patience_us(sending));
	if (sending->announced || wait_us <= OG_ANNOUNCED_WAIT_US)
		return;
	sending->announced = true;
	held = og_hold_end(sending->limiter);
	ereport(NOTICE,
			(errmsg("the pace of server \"%s\" makes this call wait for about " INT64_FORMAT " seconds",
					sending->account->server, wait_us / USECS_PER_SEC),
			 held != NULL ? errdetail(OG_HELD_DETAIL, held) : 0));
}

/* Show what it waits for. */
static void
show_wait(Sending *sending, OgWait what)
{
	OgActivity *activity = sending->activity;

	if (activity == NULL || activity->waiting == what)
		return;
	og_activity_change(activity);
	activity->waiting = what;
	activity->waiting_since = GetCurrentTimestamp();
	og_activity_changed(activity);
}

/* Sleep for a turn, which counts, or until somebody wakes us. */
static void
sleep_for_turn(Sending *sending, int64 wait_us)
{
	int64		begin = og_clock_now();
	int64		waited;

	show_wait(sending, OG_WAIT_TURN);
	(void) og_http_wait(sending->http, wait_us / 1000 + 1, OG_WAIT_TURN);
	waited = og_clock_now() - begin;
	sending->patience_us -= waited;
	sending->counters.turn_wait_us += waited;
}

/* Wait for a turn.  NULL, or why there is none. */
const char *
og_sending_turn(Sending *sending)
{
	for (;;)
	{
		int64		wait_us = og_limiter_ask(sending->limiter, og_clock_now(),
											 &sending->turn);
		int64		left = patience_us(sending);

		if (wait_us == 0)
			return NULL;

		/* Others are before us, and may be done at any time. */
		if (wait_us == OG_UNTIL_WOKEN && left > 0)
			wait_us = Min(left, OG_LONGEST_SLEEP_US);
		if (wait_us > left)
			return og_hold_explain(sending->limiter,
								   "the pace leaves no turn for it now");
		announce(sending, wait_us);
		sleep_for_turn(sending, Min(wait_us, OG_LONGEST_SLEEP_US));
	}
}

/* Sleep before another attempt.  False if there is not so much time left. */
bool
og_sending_pause(Sending *sending, int64 pause_us)
{
	int64		end = og_clock_now() + pause_us;
	int64		left_us;

	if (pause_us > patience_us(sending))
		return false;
	announce(sending, pause_us);
	sending->patience_us -= pause_us;
	show_wait(sending, OG_WAIT_BACKOFF);
	while ((left_us = end - og_clock_now()) > 0)
		(void) og_http_wait(sending->http, left_us / 1000 + 1,
							OG_WAIT_BACKOFF);
	return true;
}

/* The request leaves now.  Runs inside libcurl. */
static bool
leaves(void *owner, TimestampTz at)
{
	Sending    *sending = owner;
	OgActivity *activity = sending->activity;

	if (!og_limiter_stamp(sending->limiter, &sending->turn, og_clock_now()))
		return false;
	sending->counters.requests++;
	if (activity != NULL)
	{
		og_activity_change(activity);
		activity->sent++;
		activity->in_flight = 1;
		activity->waiting = OG_WAIT_ANSWER;
		activity->waiting_since = at;
		og_activity_changed(activity);
	}
	return true;
}

/* It is over, whichever way. */
static void
count_response(Sending *sending, const OgResponse *response)
{
	OgActivity *activity = sending->activity;

	og_report_response(&sending->counters, response);
	if (activity != NULL)
	{
		og_activity_change(activity);
		activity->in_flight = 0;
		activity->answers += response->delivery == OG_ANSWERED;
		og_activity_changed(activity);
	}
}

/* Send a request that has a turn, and wait for what becomes of it. */
OgTransfer *
og_sending_exchange(Sending *sending, SignedRequest *request, OgSight *sight)
{
	OgTransfer *transfer;

	show_wait(sending, OG_WAIT_CONNECT);
	transfer = og_signed_start(request, sending->account, sending->http,
							   leaves, sending, sight);
	og_http_drain(sending->http);
	for (;;)
	{
		int64		left_ms = -1;

		if (sending->deadline != 0)
			left_ms = (Max(sending->deadline - og_clock_now(), 0) + 999) / 1000;
		if (og_http_wait(sending->http, left_ms, OG_WAIT_ANSWER) != NULL)
			break;
		if (left_ms == 0)
		{
			og_http_abandon(transfer,
							"call_timeout ran out before an answer came");
			break;
		}
	}
	og_limiter_return(sending->limiter, &sending->turn);
	count_response(sending, og_http_response(transfer));
	return transfer;
}
