/*-------------------------------------------------------------------------
 *
 * gateway.c
 *		A call: which batch goes when, deadlines, and waiting.
 *
 * Rows are pulled (gateway_rows.c), and whoever needs one runs the pipeline
 * step by step.  A step starts everything that may start now, then reads an
 * answer that has come, or else sleeps until a transfer ends or the next thing
 * becomes possible.  So the next request is on its way while the last answer
 * is being read.
 *
 * What a call allocates hangs on .context.  When that goes early, because of
 * an error or a terminated backend (see gateway_context.c), the transport aborts
 * its transfers and the limiter gives back the turns that were not used, each
 * by a callback of its own there.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "gateway/gateway_internal.h"

/* Why an id was not sent, where several places say so. */
#define UNSENT_AT_TIMEOUT	"call_timeout ran out before it could be sent"
#define NO_TURN				"its turn did not come within max_wait"

/* What a call sleeps for, and until when at the latest; 0 = no such time. */
typedef struct Pause
{
	int64		until;
	OgWait		what;
} Pause;

static void call_errcontext(void *arg);

/* ---------- beginning and end ---------- */

/* How many keys go into one request. */
int
og_keys_per_request(const OgAccount *account, const OgOperation *operation)
{
	int			size = account->batch_size;

	if (size == 0)
		size = operation->batch_default;
	return Min(size, operation->batch_max);
}

OgCall *
og_call_open(const OgAccount *account, const OgOperation *operation,
			 const OgFields *arguments, const OgKeys *keys,
			 const char *function)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext,
												  "order_gateway call",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	OgCall	   *call = palloc0(sizeof(OgCall));

	call->context = context;
	call->account = account;
	call->operation = operation;
	call->arguments = arguments;
	call->function = function;
	call->keys = keys;
	og_keys_split(&call->split, keys, account, operation);
	Assert(keys->arguments == NULL || call->split.size == 1);
	call->pace = og_pace_of(account, operation);
	call->ring_size = Min(OG_RUN_AHEAD * account->max_in_flight,
						  call->split.nbatches);
	call->ring = palloc0(call->ring_size * sizeof(CallBatch));
	og_rows_begin(call);

	call->deadline = og_pace_deadline(account);
	call->http = og_http_open(context);
	call->limiter = og_pace_limiter(account, operation);
	og_report_begin(call);
	call->trace = og_trace_begin(old, account->server, function, keys,
								 &call->split);

	call->on_error.callback = call_errcontext;
	call->on_error.arg = call;
	call->on_error.previous = error_context_stack;
	error_context_stack = &call->on_error;

	MemoryContextSwitchTo(old);
	og_pace_begin(call);
	return call;
}

void
og_call_close(OgCall *call)
{
	const char *server = call->account->server;
	int64		foreign = call->foreign;

	while (call->head < call->created)
		og_batch_release(&call->ring[call->head++ % call->ring_size]);
	og_http_close(call->http);
	og_limiter_close(call->limiter);
	og_report_end(call);
	og_trace_end(call->trace);
	error_context_stack = call->on_error.previous;
	MemoryContextDelete(call->context);
	og_report_foreign(server, foreign);
}

/*
 * Append the keys in flight of a batch.  One that is to be made is known to
 * nobody but the rows, which are lost now.
 */
static void
name_in_flight(const CallBatch *batch, StringInfo names)
{
	for (int i = 0; i < batch->nopen; i++)
	{
		OgSlice		key = batch->keys[batch->open[i]];

		appendStringInfo(names, "%s%.*s", names->len > 0 ? ", " : " (",
						 (int) key.len, key.data);
	}
}

/* Say what an error finds, unless it is only a notice or a log line. */
static void
call_errcontext(void *arg)
{
	OgCall	   *call = arg;
	OgVerdict	done = call->operation->done;
	int			total = call->keys->nkeys;
	int			in_flight = 0;
	int			category = ERRCODE_TO_CATEGORY(geterrcode());
	StringInfoData names;

	if (category == ERRCODE_SUCCESSFUL_COMPLETION ||
		category == ERRCODE_WARNING)
		return;
	initStringInfo(&names);
	for (int i = call->head; i < call->created; i++)
	{
		const CallBatch *batch = &call->ring[i % call->ring_size];

		if ((batch->state == BATCH_IN_FLIGHT || batch->state == BATCH_ENDED) &&
			batch->left)
		{
			in_flight += batch->nopen;
			if (done != OG_CANCELLED)
				name_in_flight(batch, &names);
		}
	}
	if (names.len > 0)
		appendStringInfoChar(&names, ')');
	errcontext("order_gateway: %d of %d ids answered (%d %s), %d in flight%s, %d not sent",
			   call->nanswered, total, call->ndone, og_verdict_name(done),
			   in_flight, names.data, total - call->nanswered - in_flight);
	pfree(names.data);
}

/* ---------- giving up ---------- */

/* How many requests of the call may be in flight at once. */
int
og_call_width(const OgCall *call)
{
	return call->one_by_one ? 1 : call->account->max_in_flight;
}

/* Nothing more is sent in this call; what is in flight is waited for. */
void
og_call_stop(OgCall *call, const char *why)
{
	call->stopped = why;
	og_limiter_desist(call->limiter);
	for (int i = call->head; i < call->created; i++)
	{
		CallBatch  *batch = &call->ring[i % call->ring_size];

		if (batch->state == BATCH_READY || batch->state == BATCH_BACKOFF)
			og_batch_give_up(batch, why);
	}
}

/* The same words, with what a provider may have to do with it. */
static const char *
explain(OgCall *call, const char *why)
{
	MemoryContext old = MemoryContextSwitchTo(call->context);

	why = og_hold_explain(call->limiter, why);
	MemoryContextSwitchTo(old);
	return why;
}

/* Read the answer that others were sent before. */
static void
take_ended(OgCall *call)
{
	CallBatch  *batch = call->ended;

	call->ended = NULL;
	og_batch_take(batch);
}

/* call_timeout is over: give up what is in flight, too. */
static void
time_out(OgCall *call)
{
	const char *unsent = explain(call, UNSENT_AT_TIMEOUT);

	og_call_stop(call, unsent);
	if (call->ended != NULL)
		take_ended(call);
	for (int i = call->head; i < call->created; i++)
	{
		CallBatch  *batch = &call->ring[i % call->ring_size];

		if (batch->state != BATCH_IN_FLIGHT)
			continue;
		og_http_abandon(batch->transfer, batch->left
						? "call_timeout ran out before an answer came"
						: unsent);
		og_batch_end(batch);
		og_batch_take(batch);
	}
}

/* ---------- one step ---------- */

/* The earlier of two times, of which 0 is none. */
static int64
earlier(int64 a, int64 b)
{
	if (a == 0 || b == 0)
		return a + b;
	return Min(a, b);
}

/* Hold the next batches in the ring, as far as it reaches. */
static void
fill_ring(OgCall *call)
{
	while (call->created < call->split.nbatches &&
		   call->created - call->head < call->ring_size)
	{
		CallBatch  *batch = &call->ring[call->created % call->ring_size];

		og_batch_create(batch, call, call->created);
		call->created++;
		if (call->stopped)
			og_batch_give_up(batch, call->stopped);
	}
}

/*
 * Send one batch, if it may go now.  True if it has to wait for its turn; then
 * *pause says how long.
 */
static bool
send_in_turn(OgCall *call, CallBatch *batch, int64 now, Pause *pause)
{
	int64		wait_us = og_limiter_ask(call->limiter, og_clock_now(),
										 &batch->turn);

	if (wait_us == 0)
	{
		batch->has_turn = true;
		og_batch_send(batch);
		return false;
	}
	if (!og_pace_allows(call, wait_us))
	{
		og_call_stop(call, explain(call, NO_TURN));
		pause->until = 0;
		return true;
	}
	og_pace_announce(call, wait_us);
	pause->until = earlier(pause->until, now + og_pace_sleep(call, wait_us));
	pause->what = OG_WAIT_TURN;
	return true;
}

/*
 * Send what may be sent now, oldest batch first.  Answers what becomes
 * possible next without a transfer ending.
 */
static Pause
send_ready(OgCall *call, int64 now)
{
	Pause		pause = {0, OG_WAIT_BACKOFF};

	for (int i = call->head; i < call->created; i++)
	{
		CallBatch  *batch = &call->ring[i % call->ring_size];

		if (call->in_flight >= og_call_width(call))
		{
			pause.until = 0;
			break;
		}
		if (batch->state == BATCH_BACKOFF && batch->not_before > now)
		{
			if (og_pace_allows(call, batch->not_before - now))
			{
				og_pace_announce(call, batch->not_before - now);
				pause.until = earlier(pause.until, batch->not_before);
				if (call->one_by_one)
					break;
			}
			else
				og_batch_give_up(batch, explain(call, NO_TURN));
		}
		else if ((batch->state == BATCH_READY ||
				  batch->state == BATCH_BACKOFF) &&
				 send_in_turn(call, batch, now, &pause))
			break;
	}

	/* Whoever does not wait for a turn must not stand before others. */
	if (pause.what != OG_WAIT_TURN)
		og_limiter_desist(call->limiter);
	return pause;
}

/* True when no request will be started any more, short of a retry. */
static bool
nothing_to_send(const OgCall *call)
{
	if (call->created < call->split.nbatches)
		return false;
	for (int i = call->head; i < call->created; i++)
	{
		BatchState	state = call->ring[i % call->ring_size].state;

		if (state == BATCH_READY || state == BATCH_BACKOFF)
			return false;
	}
	return true;
}

/* Milliseconds to sleep until a time, rounded up; -1 if there is none. */
static int64
sleep_ms(int64 now, int64 until)
{
	if (until == 0)
		return -1;
	return until <= now ? 0 : (until - now + 999) / 1000;
}

/* What a call that sleeps waits for, as users see it. */
static OgWait
what_for(const OgCall *call, const Pause *pause)
{
	if (pause->what == OG_WAIT_TURN)
		return OG_WAIT_TURN;
	if (call->in_flight == 0)
		return OG_WAIT_BACKOFF;
	for (int i = call->head; i < call->created; i++)
	{
		const CallBatch *batch = &call->ring[i % call->ring_size];

		if (batch->state == BATCH_IN_FLIGHT && !batch->left)
			return OG_WAIT_CONNECT;
	}
	return OG_WAIT_ANSWER;
}

/*
 * Sleep until a transfer ends, the pause is over, somebody wakes us, or the
 * call's deadline is over.
 */
static void
sleep_for(OgCall *call, const Pause *pause)
{
	OgWait		what = what_for(call, pause);
	int64		now = og_clock_now();
	OgTransfer *ended;

	og_report_wait(call, what, now);
	ended = og_http_wait(call->http,
						 sleep_ms(now, earlier(pause->until, call->deadline)),
						 what);
	og_report_waited(call, og_clock_now());
	if (pause->until != 0)
		call->waited_us += og_clock_now() - now;
	if (ended == NULL)
		return;

	call->ended = og_http_owner(ended);
	og_batch_end(call->ended);
	if (!og_batch_can_wait(call->ended))
		take_ended(call);
}

void
og_call_step(OgCall *call)
{
	int64		now;
	Pause		pause;

	fill_ring(call);
	now = og_clock_now();
	if (call->deadline != 0 && now >= call->deadline)
	{
		time_out(call);
		return;
	}

	pause = send_ready(call, now);
	if (nothing_to_send(call))
		og_http_drain(call->http);
	if (call->ended != NULL)
		take_ended(call);
	else if (call->in_flight > 0 || pause.until != 0)
		sleep_for(call, &pause);
}
