/*-------------------------------------------------------------------------
 *
 * gateway_report.c
 *		What a call shows to others while it runs, and counts.
 *
 * The pipeline tells this file what happens; it passes that on to the call's
 * entry among the activities, to the statistics, and to the log.  What was
 * counted is added to the statistics once a second and at the end, which may
 * also be that of the call's memory: then the ids whose answer was awaited
 * have become unknown, and those that were not sent stay so.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/timestamp.h"

#include "gateway/gateway_internal.h"

/* How often a running call adds to the statistics, in microseconds. */
#define ADD_EVERY_US	INT64CONST(1000000)

/* How often its end is estimated anew, which takes a while. */
#define ESTIMATE_EVERY_US	INT64CONST(500000)

bool		og_log_requests = false;

/* ---------- beginning and end ---------- */

static void
add_to_stats(OgCall *call, int64 now)
{
	CallReport *report = &call->report;

	og_stats_add(call->account->serverid, call->account->server,
				 call->function, &report->counters);
	report->added = now;
}

void
og_report_end(OgCall *call)
{
	CallReport *report = &call->report;
	int			nkeys = call->keys->nkeys;

	if (report->ended)
		return;
	report->ended = true;
	og_report_waited(call, og_clock_now());
	report->counters.ids[OG_UNKNOWN] += report->nunanswered;
	report->counters.ids[OG_NOT_SENT] += nkeys - report->nclosed -
		report->nunanswered;
	add_to_stats(call, 0);
	og_activity_end(report->activity);
}

/* The call's memory goes. */
static void
end_on_reset(void *call)
{
	og_report_end(call);
}

void
og_report_begin(OgCall *call)
{
	CallReport *report = &call->report;

	report->activity = og_activity_begin(call->account->serverid,
										 call->account->server,
										 call->function, call->keys->nkeys);
	report->counters.calls = 1;
	report->added = og_clock_now();
	report->on_reset.func = end_on_reset;
	report->on_reset.arg = call;
	MemoryContextRegisterResetCallback(call->context, &report->on_reset);
}

/* ---------- requests ---------- */

/* A request leaves.  Runs inside libcurl. */
void
og_report_left(OgCall *call, const CallBatch *batch, TimestampTz at)
{
	CallReport *report = &call->report;
	OgActivity *activity = report->activity;

	report->counters.requests++;
	report->nunanswered += batch->nopen;
	og_activity_change(activity);
	activity->sent++;
	activity->in_flight++;
	if (activity->waiting == OG_WAIT_CONNECT)
	{
		activity->waiting = report->waiting = OG_WAIT_ANSWER;
		activity->waiting_since = at;
	}
	og_activity_changed(activity);
}

/* One LOG line per attempt. */
static void
log_attempt(const OgCall *call, const CallBatch *batch,
			const OgResponse *response)
{
	const char *provider = call->account->provider->name;
	const char *method = og_method_name(batch->method);
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
					provider, method, batch->path, end, batch->nopen),
			 errdetail_log("%s on server \"%s\", batch %d, attempt %d%s%s",
						   call->function, call->account->server,
						   batch->number + 1, batch->attempts,
						   response->problem ? ": " : ".",
						   response->problem ? response->problem : ""),
			 errhidestmt(true), errhidecontext(true)));
}

/* Count what a request took, whichever way it ended. */
void
og_report_response(OgStatsCounters *counters, const OgResponse *response)
{
	counters->connections += response->connects;
	counters->bytes_sent += response->bytes_sent;
	counters->bytes_received += response->bytes_received;
	if (response->delivery == OG_ANSWERED)
		og_stats_count_answer(counters, response->took_us);
}

/* An attempt is over, whichever way; its open keys are still those asked. */
void
og_report_end_of_attempt(OgCall *call, const CallBatch *batch,
						 const OgResponse *response)
{
	CallReport *report = &call->report;
	OgActivity *activity = report->activity;
	int64		now = og_clock_now();

	og_report_response(&report->counters, response);
	if (batch->left)
		report->nunanswered -= batch->nopen;
	if (batch->left)
	{
		og_activity_change(activity);
		activity->in_flight--;
		activity->answers += response->delivery == OG_ANSWERED;
		og_activity_changed(activity);
	}
	if (og_log_requests)
		log_attempt(call, batch, response);
	if (now - report->added > ADD_EVERY_US)
		add_to_stats(call, now);
}

/* A request is to be sent again. */
void
og_report_retried(OgStatsCounters *counters, OgActivity *activity)
{
	counters->retries++;
	og_activity_change(activity);
	activity->retried++;
	og_activity_changed(activity);
}

void
og_report_retry(OgCall *call)
{
	og_report_retried(&call->report.counters, call->report.activity);
}

/* Warn of what was answered about orders that nobody asked for, if anything. */
void
og_report_foreign(const char *server, int64 count)
{
	int			foreign = (int) Min(count, PG_INT32_MAX);

	if (foreign > 0)
		ereport(WARNING,
				(errcode(ERRCODE_WARNING),
				 errmsg_plural("server \"%s\" answered about %d order that was not asked for",
							   "server \"%s\" answered about %d orders that were not asked for",
							   foreign, server, foreign),
				 errdetail("What it said about them was ignored.")));
}

/* The same of what is no order, or was not asked for by an id. */
void
og_report_others(const char *server, int64 count)
{
	int			others = (int) Min(count, PG_INT32_MAX);

	if (others > 0)
		ereport(WARNING,
				(errcode(ERRCODE_WARNING),
				 errmsg_plural("server \"%s\" answered with %d record that was not asked for",
							   "server \"%s\" answered with %d records that were not asked for",
							   others, server, others),
				 errdetail("They are of another order or market, or more than were asked for, and were left out.")));
}

/* ---------- ids ---------- */

/* All is said about a key. */
void
og_report_outcome(OgCall *call, OgVerdict verdict)
{
	CallReport *report = &call->report;

	report->counters.ids[verdict]++;
	report->nclosed++;
}

/* ---------- waiting ---------- */

/* When the pace will let the last request of a call go; 0 = nobody knows. */
static int64
last_turn(OgCall *call, int64 now)
{
	int64		left = call->split.nbatches - call->created;
	int64		wait;

	for (int i = call->head; i < call->created; i++)
	{
		BatchState	state = call->ring[i % call->ring_size].state;

		left += state == BATCH_READY || state == BATCH_BACKOFF;
	}
	wait = og_limiter_estimate(call->limiter, now, left);
	return wait < PG_INT64_MAX - now ? now + wait : 0;
}

/*
 * The call is about to sleep.  That it does so for a turn is also the time to
 * say when it will have had its last one.
 */
void
og_report_wait(OgCall *call, OgWait what, int64 now)
{
	CallReport *report = &call->report;
	OgActivity *activity = report->activity;
	TimestampTz since;
	int64		turn;

	if (what == OG_WAIT_TURN)
		report->turn_since = now;
	if (what == report->waiting && what != OG_WAIT_TURN &&
		activity->answered == call->nanswered)
		return;
	since = what == report->waiting ? activity->waiting_since
		: GetCurrentTimestamp();
	turn = activity->last_turn;
	if (what == OG_WAIT_TURN && now - report->estimated > ESTIMATE_EVERY_US)
	{
		turn = last_turn(call, now);
		report->estimated = now;
	}
	report->waiting = what;

	og_activity_change(activity);
	activity->answered = call->nanswered;
	activity->waiting = what;
	activity->waiting_since = since;
	activity->last_turn = turn;
	og_activity_changed(activity);
}

/* It does not sleep any more. */
void
og_report_waited(OgCall *call, int64 now)
{
	CallReport *report = &call->report;

	if (report->turn_since != 0)
		report->counters.turn_wait_us += now - report->turn_since;
	report->turn_since = 0;
}
