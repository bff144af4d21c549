/*-------------------------------------------------------------------------
 *
 * gateway_report.c
 *		What a call shows to others while it runs, and counts.
 *
 * A sender tells this file what happens; it passes that on to the call's entry
 * among the activities, to the statistics, and to the log.  What was
 * counted is added to the statistics once a second and at the end, which may
 * also be that of the call's memory: then the ids whose answer was awaited
 * have become unknown, and those that were not sent stay so.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/timestamp.h"

#include "gateway/gateway_internal.h"

/* How often a running call adds to the statistics, in microseconds. */
#define ADD_EVERY_US	INT64CONST(1000000)

/* How often its end is estimated anew, which takes a while. */
#define ESTIMATE_EVERY_US	INT64CONST(500000)

bool		og_log_requests = false;

/* ---------- beginning and end ---------- */

static void
add_to_stats(Sender *sender)
{
	Report	   *report = &sender->report;

	if (report->counted)
		og_stats_add(sender->account->serverid, sender->account->server,
					 sender->caller.function, &report->counters);
	report->added = og_clock_now();
}

/* The sender's memory goes. */
static void
end_on_reset(void *arg)
{
	Sender	   *sender = arg;
	Report	   *report = &sender->report;
	int64		nunanswered = 0;
	dlist_iter	iter;

	og_pace_end_wait(sender);
	dlist_foreach(iter, &sender->errands)
	{
		const Errand *errand = og_errand_of(iter.cur);

		if (sender->is_act && og_errand_is_away(errand))
			nunanswered += errand->asked.nkeys;
	}
	/* Some of an answer that was being noted may be counted already. */
	nunanswered = Min(nunanswered, report->total - report->nclosed);
	if (!sender->caller.in_rounds)
	{
		report->counters.ids[OG_UNKNOWN] += nunanswered;
		report->counters.ids[OG_NOT_SENT] += report->total -
			report->nclosed - nunanswered;
	}
	add_to_stats(sender);
	og_activity_end(report->activity);
}

/* Show a call about so many ids to others, and count it. */
void
og_report_begin(Sender *sender, int64 ids)
{
	Report	   *report = &sender->report;
	int			pid = sender->caller.pid;
	OgActivity *activity = og_activity_begin(sender->caller.role,
											 sender->caller.session_role,
											 pid != 0 ? pid : MyProcPid,
											 sender->account->serverid,
											 sender->account->server,
											 sender->caller.function, ids);

	if (activity != NULL)
		report->activity = activity;
	report->counted = true;
	report->total = sender->is_act ? ids : 0;
	report->counters.calls = sender->caller.in_rounds ? 0 : 1;
	report->added = og_clock_now();
	report->on_reset.func = end_on_reset;
	report->on_reset.arg = sender;
	MemoryContextRegisterResetCallback(sender->context, &report->on_reset);
}

/* ---------- requests ---------- */

/* A request leaves.  Runs inside libcurl. */
void
og_report_left(Sender *sender, TimestampTz at)
{
	OgActivity *activity = sender->report.activity;

	sender->report.counters.requests++;
	og_activity_change(activity);
	activity->sent++;
	activity->in_flight++;
	if (activity->waiting == OG_WAIT_CONNECT)
	{
		activity->waiting = OG_WAIT_ANSWER;
		activity->waiting_since = at;
	}
	og_activity_changed(activity);
}

/* One LOG line per attempt. */
static void
log_attempt(const Sender *sender, const Errand *errand,
			const OgResponse *response)
{
	const char *provider = sender->account->provider->name;
	const char *method = og_method_name(errand->method);
	char		end[64];

	if (response->delivery == OG_NOT_DELIVERED)
		snprintf(end, sizeof(end), "not sent");
	else if (response->status == 0)
		snprintf(end, sizeof(end), "no answer in %.3f ms",
				 (double) response->took_us / 1000);
	else
		snprintf(end, sizeof(end), "HTTP %d%s in %.3f ms", response->status,
				 response->delivery == OG_ANSWERED ? "" : ", cut off",
				 (double) response->took_us / 1000);
	ereport(LOG_SERVER_ONLY,
			(errmsg("order_gateway: %s %s %s: %s, %d ids",
					provider, method, errand->path, end,
					errand->asked.nkeys),
			 errdetail_log("%s on server \"%s\", batch %d, attempt %d%s%s",
						   sender->caller.function, sender->account->server,
						   errand->number + 1, errand->attempts,
						   response->problem ? ": " : ".",
						   response->problem ? response->problem : ""),
			 errhidestmt(true), errhidecontext(true)));
}

/* An attempt is over, whichever way; its open keys are still those asked. */
void
og_report_end_of_attempt(Sender *sender, const Errand *errand,
						 const OgResponse *response)
{
	Report	   *report = &sender->report;
	OgStatsCounters *counters = &report->counters;
	OgActivity *activity = report->activity;

	counters->connections += response->connects;
	counters->bytes_sent += response->bytes_sent;
	counters->bytes_received += response->bytes_received;
	if (response->delivery == OG_ANSWERED)
		og_stats_count_answer(counters, response->took_us);
	if (errand->left)
	{
		og_activity_change(activity);
		activity->in_flight--;
		activity->answers += response->delivery == OG_ANSWERED;
		og_activity_changed(activity);
	}
	if (og_log_requests)
		log_attempt(sender, errand, response);
	if (og_clock_now() - report->added > ADD_EVERY_US)
		add_to_stats(sender);
}

/* A request is to be sent again. */
void
og_report_retry(Sender *sender)
{
	OgActivity *activity = sender->report.activity;

	sender->report.counters.retries++;
	og_activity_change(activity);
	activity->retried++;
	og_activity_changed(activity);
}

/* ---------- ids ---------- */

/* All is said about a key. */
void
og_report_outcome(Sender *sender, OgVerdict verdict)
{
	Report	   *report = &sender->report;

	if (!sender->caller.in_rounds)
		report->counters.ids[verdict]++;
	report->nclosed++;
	report->nanswered += verdict != OG_NOT_SENT;
}

/* ---------- waiting ---------- */

/* When the pace will let the last request go; 0 = nobody knows. */
static int64
last_turn(Sender *sender, int64 now)
{
	int64		left = sender->further;
	int64		wait;
	dlist_iter	iter;

	if (left < 0)
		return 0;
	dlist_foreach(iter, &sender->errands)
		left += og_errand_of(iter.cur)->state == ERRAND_READY ||
			og_errand_of(iter.cur)->state == ERRAND_HELD;
	wait = og_limiter_estimate(sender->limiter, now, left);
	return wait < PG_INT64_MAX - now ? now + wait : 0;
}

/*
 * There is nothing to do but to wait.  That this is for a turn is also the time
 * to say when the last one will have been had.
 */
void
og_report_wait(Sender *sender, OgWait what, int64 now)
{
	Report	   *report = &sender->report;
	OgActivity *activity = report->activity;
	bool		same = what == activity->waiting;
	int64		turn = activity->last_turn;

	if (same && what != OG_WAIT_TURN &&
		activity->answered == report->nanswered)
		return;
	if (what == OG_WAIT_TURN && now - report->estimated > ESTIMATE_EVERY_US)
	{
		turn = last_turn(sender, now);
		report->estimated = now;
	}

	og_activity_change(activity);
	activity->answered = report->nanswered;
	if (!same)
		activity->waiting_since = GetCurrentTimestamp();
	activity->waiting = what;
	activity->last_turn = turn;
	og_activity_changed(activity);
}
