/*-------------------------------------------------------------------------
 *
 * gateway_sender.c
 *		Who sends the requests of one call: which of them goes when.
 *
 * A step starts everything that may start now, and then reads an answer that
 * has come, if any: so the next request is on its way while the last answer is
 * being read.  It never sleeps, but says until when there is nothing to do.
 *
 * What a sender holds hangs on its context.  When that goes early, because of
 * an error or a terminated backend, the transport aborts its transfers and the
 * limiter gives back the turns that were not used, each by a callback of its
 * own there.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "gateway/gateway_internal.h"

/* Open it in the current context. */
void
og_sender_open(Sender *sender, const OgAccount *account,
			   const OgOperation *operation, const OgCaller *caller)
{
	sender->context = CurrentMemoryContext;
	sender->account = account;
	sender->caller = *caller;
	sender->is_act = operation->kind == OG_ACT;
	sender->pace = og_pace_of(account, operation);
	dlist_init(&sender->errands);
	sender->further = -1;
	sender->width = 1;
	sender->deadline = og_patience_deadline(account);
	sender->patience_us = account->max_wait > 0
		? (int64) account->max_wait * 1000 : PG_INT64_MAX;
	sender->report.activity = &sender->report.unseen;
	sender->http = og_http_open(CurrentMemoryContext);
	sender->limiter = og_pace_limiter(account, operation);
}

void
og_sender_close(Sender *sender)
{
	og_http_close(sender->http);
	og_limiter_close(sender->limiter);
	og_report_end(sender);
}

/* One more request; given up at once where nothing more is sent. */
void
og_sender_add(Sender *sender, Errand *errand)
{
	errand->sender = sender;
	dlist_push_tail(&sender->errands, &errand->node);
	if (sender->stopped != NULL)
		og_errand_give_up(errand, sender->stopped);
}

/* ---------- giving up ---------- */

/* Nothing more is sent; what is in flight is waited for. */
static void
stop(Sender *sender, const char *why)
{
	dlist_mutable_iter iter;

	sender->stopped = why;
	og_limiter_desist(sender->limiter);
	dlist_foreach_modify(iter, &sender->errands)
	{
		Errand	   *errand = og_errand_of(iter.cur);

		if (errand->state <= ERRAND_WITNESSED)
			og_errand_give_up(errand, why);
	}
}

/* Read the answer that others were sent before. */
static void
take_ended(Sender *sender)
{
	Errand	   *errand = sender->ended;

	sender->ended = NULL;
	if (errand != NULL)
		og_errand_take(errand);
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

		if (errand->state != ERRAND_IN_FLIGHT)
			continue;
		og_http_abandon(errand->transfer, errand->left ? unanswered : unsent);
		og_errand_end(errand);
		og_errand_take(errand);
	}
}

static void
time_out(Sender *sender)
{
	sender->timed_out = true;
	og_sender_cancel(sender,
					 og_patience_explain(sender,
										 "call_timeout ran out before it could be sent"),
					 "call_timeout ran out before an answer came");
}

/* ---------- one step ---------- */

/*
 * Send what the witness lets go by now.  No older errand must stand before
 * those: it may wait for a turn, or for their place.
 */
static void
send_witnessed(Sender *sender, int64 now, OgPause *pause)
{
	dlist_mutable_iter iter;

	dlist_foreach_modify(iter, &sender->errands)
	{
		Errand	   *errand = og_errand_of(iter.cur);

		if (errand->state == ERRAND_WITNESSED)
			(void) og_errand_try(errand, now, pause);
	}
}

/*
 * Send what may be sent now, oldest first.  Answers what becomes possible next
 * without a transfer ending.
 */
static OgPause
send_ready(Sender *sender, int64 now)
{
	OgPause		pause = {0, OG_WAIT_BACKOFF};
	dlist_mutable_iter iter;

	send_witnessed(sender, now, &pause);
	dlist_foreach_modify(iter, &sender->errands)
	{
		Errand	   *errand = og_errand_of(iter.cur);

		if (errand->state > ERRAND_PAUSED)
			continue;
		if (sender->busy >= (sender->one_by_one ? 1 : sender->width))
		{
			pause.until = 0;
			break;
		}
		if (og_errand_try(errand, now, &pause))
			break;
	}

	/* Whoever does not wait for a turn must not stand before others. */
	if (pause.what != OG_WAIT_TURN)
		og_limiter_desist(sender->limiter);
	return pause;
}

/* What a sender waits for, as users see it. */
static OgWait
what_for(const Sender *sender, const OgPause *pause)
{
	bool		in_flight = false;
	dlist_iter	iter;

	if (pause->what == OG_WAIT_TURN)
		return OG_WAIT_TURN;
	dlist_foreach(iter, (dlist_head *) &sender->errands)
	{
		const Errand *errand = og_errand_of(iter.cur);

		if (errand->state == ERRAND_IN_FLIGHT && !errand->left)
			return OG_WAIT_CONNECT;
		in_flight = in_flight || errand->state == ERRAND_IN_FLIGHT;
	}
	return in_flight ? OG_WAIT_ANSWER : OG_WAIT_BACKOFF;
}

/* There is nothing to do but to wait. */
static void
begin_to_wait(Sender *sender, OgPause *pause, int64 due)
{
	OgPause		asked_again = {due, pause->what};
	OgPause		over = {sender->deadline, pause->what};

	og_patience_begin(sender, pause);
	pause->what = what_for(sender, pause);
	og_report_wait(sender, pause->what, og_clock_now());
	asked_again.what = over.what = pause->what;
	og_pause_merge(pause, &asked_again);
	og_pause_merge(pause, &over);
}

/* Take note of a transfer that ended, and see whether others go first. */
static void
end_transfer(Sender *sender, OgTransfer *transfer)
{
	sender->ended = og_http_owner(transfer);
	og_errand_end(sender->ended);
	if (!og_errand_can_wait(sender->ended))
		take_ended(sender);
}

bool
og_sender_step(Sender *sender, OgPause *pause)
{
	int64		now = og_clock_now();
	const char *stopped = sender->stopped;
	OgTransfer *transfer;
	int64		due;

	og_patience_end(sender);
	if (sender->deadline != 0 && now >= sender->deadline)
	{
		time_out(sender);
		return true;
	}
	*pause = send_ready(sender, now);
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
		begin_to_wait(sender, pause, due);
		return false;
	}
	return true;
}
