/*-------------------------------------------------------------------------
 *
 * gateway_sender.c
 *		Who sends the requests of one call: each one's turn, its way, its answer,
 *		another attempt; and which of them goes when.
 *
 * A step starts everything that may start now, and then reads an answer that
 * has come, if any: so the next request is on its way while the last answer is
 * being read.  It never sleeps, but says until when there is nothing to do.
 *
 * An act is asked once more only for what was provably not processed, because
 * no connection came about, or the provider said "too frequent", or it refused
 * the request for a nonce that another request had overtaken (settle() knows
 * which keys that are); a read whatever failed for a reason that may pass.
 *
 * What a sender holds hangs on its context.  When that goes, be it early because
 * of an error or a terminated backend, the transport aborts its transfers and
 * the limiter gives back the turns that were not used, each by a callback of
 * its own there.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/timestamp.h"

#include "gateway/gateway_internal.h"

/*
 * First pause before another attempt, be it for lack of a connection or for a
 * nonce that somebody else may have overtaken; doubled each time.
 */
#define BACKOFF_MS			200

void
og_sender_open(Sender *sender, const OgAccount *account,
			   const OgOperation *operation, const OgCaller *caller)
{
	sender->context = CurrentMemoryContext;
	sender->account = account;
	sender->caller = *caller;
	sender->is_act = operation->kind == OG_ACT;
	dlist_init(&sender->errands);
	sender->further = -1;
	sender->width = 1;
	sender->report.activity = &sender->report.unseen;
	sender->http = og_http_open(CurrentMemoryContext);
	og_pace_open(sender, operation);
}

/* ---------- the end of an errand ---------- */

static void
finish(Errand *errand)
{
	errand->state = ERRAND_DONE;
	dlist_delete(&errand->node);
}

/* It was not sent: its turn goes back, if it has one. */
static void
return_turn(Errand *errand)
{
	og_limiter_return(errand->sender->limiter, &errand->turn);
	if (errand->state == ERRAND_WITNESSED || errand->state == ERRAND_HELD)
		errand->sender->busy--;
	errand->state = ERRAND_READY;
}

static void
give_up(Errand *errand, const char *why)
{
	return_turn(errand);
	errand->kind->give_up(errand, why);
	finish(errand);
}

/* One more request; given up at once where nothing more is sent. */
void
og_sender_add(Sender *sender, Errand *errand)
{
	errand->sender = sender;
	sender->resting = false;
	dlist_push_tail(&sender->errands, &errand->node);
	if (sender->stopped != NULL)
		give_up(errand, sender->stopped);
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
	const OgCaller *caller = &sender->caller;

	if (!og_limiter_stamp(sender->limiter, &errand->turn, og_clock_now()))
		return false;
	errand->left = true;
	og_report_left(sender, at);
	if (errand->numbers != NULL && caller->witness->left != NULL)
		caller->witness->left(caller->owner, errand->numbers,
							  errand->asked.nkeys);
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
		errand->state = ERRAND_IN_FLIGHT;
		errand->left = false;
		errand->path = request->parts.path;
		errand->method = request->parts.method;
		errand->transfer = og_signed_start(request, sender->account,
										   sender->http, leaves, errand,
										   errand->sight);
		og_signed_free(request);
	}
	else
		give_up(errand, "the request could not be built and signed");
	MemoryContextSwitchTo(old);
}

/* Does the witness let a request go that has its turn? */
static bool
may_leave(const Errand *errand)
{
	const OgCaller *caller = &errand->sender->caller;
	int			nkeys = errand->numbers != NULL ? errand->asked.nkeys : 0;

	return caller->witness->may_leave == NULL ||
		caller->witness->may_leave(caller->owner, errand->numbers, nkeys);
}

/*
 * Ask for a turn, as soon as the time of an errand has come.  False if those
 * after it must not ask before it; *pause tells when it may ask again, if it
 * still may.
 */
static bool
ask_for_turn(Errand *errand, int64 now, OgPause *pause)
{
	Sender	   *sender = errand->sender;
	const char *no_turn = sender->is_act
		? "its turn did not come within max_wait"
		: "the pace leaves no turn for it now";
	int64		wait_us = errand->not_before - now;

	if (wait_us > 0)
	{
		if (og_pace_allows(sender, wait_us))
		{
			og_pace_pause(sender, pause, wait_us, OG_WAIT_BACKOFF);
			return !sender->one_by_one;
		}
		give_up(errand, og_pace_explain(sender, no_turn));
		return true;
	}
	wait_us = og_limiter_ask(sender->limiter, og_clock_now(), &errand->turn);
	if (wait_us == 0)
	{
		errand->state = ERRAND_WITNESSED;
		sender->busy++;
		return true;
	}
	if (og_pace_allows(sender, wait_us))
		og_pace_pause(sender, pause, wait_us, OG_WAIT_TURN);
	else
		sender->stopped = og_pace_explain(sender, no_turn);
	return false;
}

/* ---------- its answer ---------- */

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
	int64		held_ms = og_pace_hold(sender, response, attempt->wants_fewer,
									   errand->attempts);

	if (held_ms >= 0)
		return held_ms;
	if (response->held_back)
		return 0;
	if (attempt->nonce_refused && !sender->one_by_one)
	{
		sender->one_by_one = true;
		return 0;
	}
	return (int64) BACKOFF_MS << Min(errand->attempts - 1, OG_MAX_DOUBLINGS);
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
	if (attempt->final || sender->stopped != NULL || !attempts_left ||
		(attempt->nonce_refused && sender->order_in_vain))
		return false;
	return response->delivery != OG_NOT_DELIVERED || response->may_retry;
}

/* Take what an errand was answered, or that it was not. */
static void
take(Errand *errand)
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
	pause_ms = pause_after(errand, response, &attempt);
	again = may_go_again(errand, response, &attempt, was_alone);
	errand->not_before = og_clock_now() + pause_ms * 1000;

	/* Until all of it is noted, it is away: that may fail for lack of memory. */
	again = errand->kind->settle(errand, transfer, &attempt, again);
	errand->transfer = NULL;
	return_turn(errand);
	if (!again)
		finish(errand);
	MemoryContextSwitchTo(old);
}

/* Read the answer that others were sent before. */
static void
take_ended(Sender *sender)
{
	Errand	   *errand = sender->ended;

	sender->ended = NULL;
	if (errand != NULL)
		take(errand);
}

/*
 * Take note of a transfer that ended, and see whether others go first.  Not if
 * its status alone may say that they had better not, nor where the user wants
 * one after the other.
 */
static void
end_transfer(Sender *sender, OgTransfer *transfer)
{
	const OgResponse *response = og_http_response(transfer);

	sender->ended = og_http_owner(transfer);
	sender->busy--;
	if (response->delivery != OG_ANSWERED || response->status != 200 ||
		sender->width == 1 || sender->one_by_one)
		take_ended(sender);
}

/* ---------- giving up ---------- */

/* Nothing more is sent; what is in flight is waited for. */
static void
stop(Sender *sender, const char *why)
{
	dlist_mutable_iter iter;

	sender->stopped = why;
	sender->resting = false;
	og_limiter_desist(sender->limiter);
	dlist_foreach_modify(iter, &sender->errands)
	{
		Errand	   *errand = og_errand_of(iter.cur);

		if (errand->state < ERRAND_IN_FLIGHT)
			give_up(errand, why);
	}
}

/*
 * The same, for whoever wants nothing more to be sent: also what has a turn and
 * waits for its connection is given up.
 */
void
og_sender_stop(Sender *sender, const char *why)
{
	dlist_mutable_iter iter;

	stop(sender, why);
	dlist_foreach_modify(iter, &sender->errands)
	{
		Errand	   *errand = og_errand_of(iter.cur);

		if (errand->left || !og_http_abandon(errand->transfer, why))
			continue;
		sender->busy--;
		take(errand);
	}
}

/* Give up what is in flight, too. */
void
og_sender_cancel(Sender *sender, const char *unsent, const char *unanswered)
{
	dlist_mutable_iter iter;

	stop(sender, unsent);
	take_ended(sender);
	dlist_foreach_modify(iter, &sender->errands)
	{
		Errand	   *errand = og_errand_of(iter.cur);

		(void) og_http_abandon(errand->transfer,
							   errand->left ? unanswered : unsent);
		sender->busy--;
		take(errand);
	}
}

/* ---------- one step ---------- */

/*
 * One that the witness held back when it had its turn.  When that is over,
 * others must not wait for it any longer; as soon as it may leave then, it asks
 * for another one.
 */
static void
look_after_held(Errand *errand, int64 now, OgPause *held)
{
	if (errand->state == ERRAND_WITNESSED &&
		now >= og_limiter_turn_end(&errand->turn))
	{
		og_limiter_return(errand->sender->limiter, &errand->turn);
		errand->state = ERRAND_HELD;
	}
	if (errand->state == ERRAND_HELD && may_leave(errand))
		return_turn(errand);
	if (errand->state == ERRAND_HELD)
		og_pause_merge(held, &(OgPause) {0, OG_WAIT_JOURNAL});
}

/* Send one that has its turn, or see to it in time that it has no longer. */
static void
send_or_hold(Errand *errand, OgPause *held)
{
	if (may_leave(errand))
		send(errand);
	else
		og_pause_merge(held, &(OgPause) {og_limiter_turn_end(&errand->turn),
					   OG_WAIT_JOURNAL});
}

/*
 * Send what may be sent now, oldest first.  Answers what becomes possible next
 * without a transfer ending; *held tells whether the witness holds any, and
 * when to look after them, which is no wait for the pace.
 *
 * What the witness lets go by now leaves, though an older one may wait for a
 * turn, or for its place.
 */
static OgPause
send_ready(Sender *sender, int64 now, OgPause *held)
{
	OgPause		pause = {0, OG_WAIT_BACKOFF};
	bool		in_line = true;
	dlist_mutable_iter iter;

	dlist_foreach_modify(iter, &sender->errands)
	{
		Errand	   *errand = og_errand_of(iter.cur);

		look_after_held(errand, now, held);
		if (errand->state == ERRAND_READY && in_line)
		{
			in_line = sender->busy < (sender->one_by_one ? 1 : sender->width);
			if (in_line)
				in_line = ask_for_turn(errand, now, &pause);
			else
				pause.until = 0;
		}
		if (errand->state == ERRAND_WITNESSED)
			send_or_hold(errand, held);
	}

	/* Whoever does not wait for a turn must not stand before others. */
	if (pause.what != OG_WAIT_TURN)
		og_limiter_desist(sender->limiter);
	return pause;
}

/* What a sender waits for, as users see it. */
static OgWait
what_for(const Sender *sender, const OgPause *pause, const OgPause *held)
{
	OgWait		what = held->what != OG_WAIT_NONE ? held->what : OG_WAIT_BACKOFF;
	dlist_iter	iter;

	if (pause->what == OG_WAIT_TURN)
		return OG_WAIT_TURN;
	dlist_foreach(iter, (dlist_head *) &sender->errands)
	{
		const Errand *errand = og_errand_of(iter.cur);

		if (errand->state != ERRAND_IN_FLIGHT)
			continue;
		if (!errand->left)
			return OG_WAIT_CONNECT;
		what = OG_WAIT_ANSWER;
	}
	return what;
}

/* There is nothing to do but to wait, for *pause or "held", or until it is due. */
static void
begin_to_wait(Sender *sender, OgPause *pause, const OgPause *held, int64 due)
{
	if (pause->until != 0)
		sender->pausing_since = og_clock_now();
	pause->what = what_for(sender, pause, held);
	og_report_wait(sender, pause->what, og_clock_now());
	og_pause_merge(pause, &(OgPause) {held->until, pause->what});
	og_pause_merge(pause, &(OgPause) {due, pause->what});
	og_pause_merge(pause, &(OgPause) {sender->deadline, pause->what});

	/* Who waits for a turn may have it any time, and a witness lets go. */
	sender->resting = pause->what != OG_WAIT_TURN &&
		held->what == OG_WAIT_NONE;
	sender->rest = *pause;
}

/*
 * Is there still nothing to do?  A process that makes many calls advances them
 * all whenever something has happened to one.
 */
static bool
rests(Sender *sender, int64 now)
{
	sender->resting = sender->resting &&
		(sender->rest.until == 0 || now < sender->rest.until) &&
		og_http_await(sender->http);
	return sender->resting;
}

static void
time_out(Sender *sender)
{
	og_sender_cancel(sender,
					 og_pace_explain(sender,
									 "call_timeout ran out before it could be sent"),
					 "call_timeout ran out before an answer came");
}

bool
og_sender_step(Sender *sender, OgPause *pause)
{
	int64		now = og_clock_now();
	const char *stopped = sender->stopped;
	OgPause		held = {0, OG_WAIT_NONE};
	OgTransfer *transfer;
	int64		due;

	if (rests(sender, now))
	{
		*pause = sender->rest;
		return false;
	}
	og_pace_end_wait(sender);
	if (sender->deadline != 0 && now >= sender->deadline)
	{
		time_out(sender);
		return true;
	}
	*pause = send_ready(sender, now, &held);
	if (sender->stopped != stopped)
	{
		stop(sender, sender->stopped);
		return true;
	}
	if (sender->ended != NULL)
	{
		take_ended(sender);
		return true;
	}
	transfer = og_http_next(sender->http, &due);
	if (transfer != NULL)
		end_transfer(sender, transfer);
	else if (sender->busy > 0 || pause->until != 0)
	{
		begin_to_wait(sender, pause, &held, due);
		return false;
	}
	return true;
}
