/*-------------------------------------------------------------------------
 *
 * gateway_errand.c
 *		One request: its turn, its way, its answer, another attempt.
 *
 * What may be asked once more is said by the errand's kind (Repeats): an act
 * only for what was provably not processed, because no connection came about,
 * or the provider said "too frequent", or it refused the request for a nonce
 * that another request had overtaken; a read whatever failed for a reason that
 * may pass.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "gateway/gateway_internal.h"

/*
 * First pause before another attempt, be it for lack of a connection or for a
 * nonce that somebody else may have overtaken; doubled each time.
 */
#define BACKOFF_MS			200

#define MAX_DOUBLINGS		10

/* ---------- its end ---------- */

static void
finish(Errand *errand)
{
	errand->state = ERRAND_DONE;
	dlist_delete(&errand->node);
}

/* Give a turn back whose request did not leave. */
static void
return_turn(Errand *errand)
{
	if (errand->has_turn)
		og_limiter_return(errand->sender->limiter, &errand->turn);
	errand->has_turn = false;
}

void
og_errand_give_up(Errand *errand, const char *why)
{
	if (errand->state == ERRAND_WITNESSED)
		errand->sender->busy--;
	return_turn(errand);
	errand->kind->give_up(errand, why);
	finish(errand);
}

/* ---------- its way ---------- */

/*
 * The connection is ready: the request leaves now, unless that took so long
 * that its turn is not valid any more.  Runs inside libcurl.
 */
static bool
leaves(void *owner, TimestampTz at)
{
	Errand	   *errand = owner;
	Sender	   *sender = errand->sender;

	if (!og_limiter_stamp(sender->limiter, &errand->turn, og_clock_now()))
		return false;
	errand->left = true;
	errand->has_turn = false;
	og_report_left(sender, errand, at);
	if (errand->kind->left != NULL)
		errand->kind->left(errand);
	return true;
}

/* Send an errand that has a turn, and that the witness lets go. */
static void
send(Errand *errand)
{
	Sender	   *sender = errand->sender;
	int64		now_ms = og_unix_ms(GetCurrentTimestamp());
	MemoryContext old = MemoryContextSwitchTo(errand->context);
	SignedRequest *request;

	request = og_signed_request(sender->account, errand->operation,
								&errand->asked,
								og_limiter_nonce(sender->limiter, now_ms));
	if (request != NULL)
	{
		if (errand->attempts++ > 0)
			og_report_retry(sender);
		errand->left = false;
		errand->path = request->parts.path;
		errand->method = request->parts.method;
		errand->transfer = og_signed_start(request, sender->account,
										   sender->http, leaves, errand,
										   errand->sight);
		og_signed_free(request);
		errand->state = ERRAND_IN_FLIGHT;
	}
	else
		og_errand_give_up(errand,
						  "the request could not be built and signed");
	MemoryContextSwitchTo(old);
}

/* Does the witness let a request go that has its turn? */
static bool
may_leave(Errand *errand)
{
	const OgCaller *caller = &errand->sender->caller;
	int			nkeys = errand->numbers != NULL ? errand->asked.nkeys : 0;

	return caller->witness->may_leave == NULL ||
		caller->witness->may_leave(caller->owner, errand->numbers, nkeys);
}

/* Ask for a turn.  0 if it has one, else for how long to wait. */
static int64
ask_for_turn(Errand *errand)
{
	Sender	   *sender = errand->sender;
	int64		wait_us = og_limiter_ask(sender->limiter, og_clock_now(),
										 &errand->turn);

	if (wait_us == 0)
	{
		errand->has_turn = true;
		errand->state = ERRAND_WITNESSED;
		sender->busy++;
	}
	return wait_us;
}

/*
 * Send an errand, if it may go now.  True if those after it must not be tried:
 * it waits for its turn, and *pause says how long, or the sender is stopped.
 */
bool
og_errand_try(Errand *errand, int64 now, OgPause *pause)
{
	Sender	   *sender = errand->sender;
	int64		wait_us = errand->not_before - now;

	if (errand->state == ERRAND_PAUSED && wait_us > 0)
	{
		if (og_patience_allows(sender, errand->kind, wait_us))
		{
			og_patience_pause(sender, pause, wait_us, OG_WAIT_BACKOFF);
			return sender->one_by_one;
		}
		og_errand_give_up(errand, og_patience_explain(sender,
													  errand->kind->no_turn));
		return false;
	}
	if (errand->state == ERRAND_READY || errand->state == ERRAND_PAUSED)
	{
		wait_us = ask_for_turn(errand);
		if (wait_us > 0 && og_patience_allows(sender, errand->kind, wait_us))
			og_patience_pause(sender, pause, wait_us, OG_WAIT_TURN);
		else if (wait_us > 0)
			sender->stopped = og_patience_explain(sender,
												  errand->kind->no_turn);
		if (wait_us > 0)
			return true;
	}
	if (errand->state == ERRAND_WITNESSED && may_leave(errand))
		send(errand);
	return false;
}

/* ---------- its answer ---------- */

/* The transfer is over, and what it says can be taken. */
void
og_errand_end(Errand *errand)
{
	errand->state = ERRAND_ENDED;
	errand->sender->busy--;
}

/*
 * May other requests be sent before this one's answer is read?  Not if its
 * status alone may say that they had better not, nor where the user wants one
 * after the other.
 */
bool
og_errand_can_wait(const Errand *errand)
{
	const OgResponse *response = og_http_response(errand->transfer);
	const Sender *sender = errand->sender;

	return response->delivery == OG_ANSWERED && response->status == 200 &&
		sender->width > 1 && !sender->one_by_one;
}

/*
 * How long an errand waits before it goes again, and what follows from an
 * answer for all others of its sender.
 *
 * A nonce that is refused was overtaken by a later one: by one of this call
 * while several requests were in flight, or by another session's.  So from then
 * on this call sends one request after the other.  Only if that is not enough,
 * others are in the way and need time.
 */
static int64
pause_after(const Errand *errand, const OgResponse *response,
			const Attempt *attempt)
{
	Sender	   *sender = errand->sender;
	int64		held_ms = og_hold_lane(sender->limiter, &sender->pace, response,
									   attempt->wants_fewer, errand->attempts);

	if (held_ms >= 0)
		return held_ms;
	if (response->held_back)
		return 0;
	if (attempt->nonce_refused && !sender->one_by_one)
	{
		sender->one_by_one = true;
		return 0;
	}
	return (int64) BACKOFF_MS << Min(errand->attempts - 1, MAX_DOUBLINGS);
}

/*
 * May what is open of an errand be asked once more?  A nonce that is refused
 * each time although its request was alone is wrong for another reason than its
 * order: the other requests of the call do not try that.
 */
static bool
may_go_again(const Errand *errand, const OgResponse *response,
			 const Attempt *attempt, bool was_alone)
{
	Sender	   *sender = errand->sender;
	bool		attempts_left = errand->attempts <= sender->account->retries;

	if (attempt->nonce_refused && was_alone && !attempts_left)
		sender->order_in_vain = true;
	if (errand->kind->repeats == REPEAT_NOTHING || attempt->final ||
		sender->stopped != NULL || !attempts_left ||
		(attempt->nonce_refused && sender->order_in_vain))
		return false;
	return response->delivery != OG_NOT_DELIVERED || response->may_retry;
}

void
og_errand_take(Errand *errand)
{
	Sender	   *sender = errand->sender;
	OgTransfer *transfer = errand->transfer;
	const OgResponse *response = og_http_response(transfer);
	MemoryContext old = MemoryContextSwitchTo(errand->context);
	bool		was_alone = sender->one_by_one;
	Attempt		attempt = {0};
	int64		pause_ms;
	bool		again;

	errand->kind->take(errand, response, &attempt);
	og_report_end_of_attempt(sender, errand, response);

	/* The provider wanted a pause meanwhile: it has not been tried. */
	if (response->held_back &&
		og_limiter_held_for(sender->limiter, og_clock_now()) > 0)
		errand->attempts--;
	return_turn(errand);
	pause_ms = pause_after(errand, response, &attempt);
	again = may_go_again(errand, response, &attempt, was_alone);
	errand->transfer = NULL;
	if (errand->kind->settle(errand, transfer, &attempt, again))
	{
		errand->state = ERRAND_PAUSED;
		errand->not_before = og_clock_now() + pause_ms * 1000;
	}
	else
		finish(errand);
	MemoryContextSwitchTo(old);
}
