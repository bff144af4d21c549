/*-------------------------------------------------------------------------
 *
 * gateway.c
 *		A call: which batch goes when, deadlines, waiting, and rows.
 *
 * og_call_next() is a pull: it hands out the rows of the batch at the head,
 * and runs the pipeline until that batch is done.  One step of the pipeline
 * starts everything that may start now, then sleeps until a transfer ends or
 * the next thing becomes possible.
 *
 * What a call allocates hangs on .context.  When that goes early, because of
 * an error or a terminated backend (see gateway_trace.c), the transport aborts
 * its transfers and the limiter gives back the turns that were not used, each
 * by a callback of its own there.  The account's lock is the transaction's
 * and goes with it.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "gateway_internal.h"

/* Why an id was not sent, where several places say so. */
#define UNSENT_AT_TIMEOUT	"call_timeout ran out before it could be sent"
#define NO_TURN				"its turn did not come within max_wait"

/* A wait of more than this is announced before it begins. */
#define ANNOUNCED_WAIT_US	(INT64CONST(60) * USECS_PER_SEC)

/* What later positions of a key answer whose batch is gone. */
typedef struct SavedOutcome
{
	OgOutcome	outcome;
	OgExchange	exchange;
	int			batch;
} SavedOutcome;

/* A key, where ids are repeated: how often it is still to be answered. */
typedef struct RepeatedKey
{
	int			remaining;
	SavedOutcome *saved;		/* NULL while its batch is there */
} RepeatedKey;

static void call_errcontext(void *arg);
static void call_step(OgCall *call);

/* ---------- beginning and end ---------- */

/* Count the positions of each key, if any key is repeated. */
static void
count_positions(OgCall *call)
{
	const OgKeys *keys = call->keys;

	if (keys->key_of == NULL)
		return;
	call->repeated = MemoryContextAllocExtended(call->context,
												keys->nkeys * sizeof(RepeatedKey),
												MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	for (int i = 0; i < keys->npositions; i++)
	{
		if ((i & 0xffff) == 0)
			CHECK_FOR_INTERRUPTS();
		call->repeated[keys->key_of[i]].remaining++;
	}
}

/* How many keys go into one request. */
int
og_keys_per_request(const OgAccount *account, const OgOperation *operation)
{
	int			size = account->batch_size;

	if (size == 0)
		size = operation->batch_default;
	return Min(size, operation->batch_max);
}

/* The pace of the operation's class; the option was checked before. */
static OgPace
call_pace(const OgAccount *account, const OgOperation *operation)
{
	const char *text = operation->lane == OG_LANE_QUERIES
		? account->query_rate_limit : account->rate_limit;
	const char *reason;
	OgPace		pace;

	if (!og_pace_parse(text, &pace, &reason))
		elog(ERROR, "rate limit \"%s\" cannot be read: %s", text, reason);
	return pace;
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
	call->batch_size = og_keys_per_request(account, operation);
	call->nbatches = keys->nkeys / call->batch_size +
		(keys->nkeys % call->batch_size != 0);
	call->pace = call_pace(account, operation);
	call->ring_size = OG_RUN_AHEAD * account->max_in_flight;
	call->ring = palloc0(call->ring_size * sizeof(CallBatch));
	count_positions(call);

	if (account->call_timeout > 0)
		call->deadline = og_http_now() +
			(int64) account->call_timeout * 1000;
	call->http = og_http_open(context);
	call->limiter = og_limiter_open(account->identity, account->host,
									operation->lane, &call->pace);
	call->trace = og_trace_begin(old, account->server, function, keys,
								 call->batch_size);

	call->on_error.callback = call_errcontext;
	call->on_error.arg = call;
	call->on_error.previous = error_context_stack;
	error_context_stack = &call->on_error;

	MemoryContextSwitchTo(old);
	return call;
}

void
og_call_close(OgCall *call)
{
	int			foreign = (int) Min(call->foreign, PG_INT32_MAX);
	const char *server = call->account->server;

	while (call->head < call->created)
		og_batch_release(&call->ring[call->head++ % call->ring_size]);
	og_http_close(call->http);
	og_limiter_close(call->limiter);
	og_trace_end(call->trace);
	error_context_stack = call->on_error.previous;
	MemoryContextDelete(call->context);

	if (foreign > 0)
		ereport(WARNING,
				(errcode(ERRCODE_WARNING),
				 errmsg_plural("server \"%s\" answered about %d order that was not asked for",
							   "server \"%s\" answered about %d orders that were not asked for",
							   foreign, server, foreign),
				 errdetail("What it said about them was ignored.")));
}

/* Say what an error finds, unless it is only a notice or a log line. */
static void
call_errcontext(void *arg)
{
	OgCall	   *call = arg;
	int			total = call->keys->nkeys;
	int			in_flight = 0;
	int			category = ERRCODE_TO_CATEGORY(geterrcode());

	if (category == ERRCODE_SUCCESSFUL_COMPLETION ||
		category == ERRCODE_WARNING)
		return;
	for (int i = call->head; i < call->created; i++)
	{
		const CallBatch *batch = &call->ring[i % call->ring_size];

		if (batch->state == BATCH_IN_FLIGHT && batch->left)
			in_flight += batch->nopen;
	}
	errcontext("order_gateway: %d of %d ids answered (%d cancelled), %d in flight, %d not sent",
			   call->nanswered, total, call->ncancelled, in_flight,
			   total - call->nanswered - in_flight);
}

/* ---------- pace and bounds ---------- */

/* Nothing more is sent in this call; what is in flight is waited for. */
static void
stop_sending(OgCall *call, const char *why)
{
	call->stopped = why;
	for (int i = call->head; i < call->created; i++)
	{
		CallBatch  *batch = &call->ring[i % call->ring_size];

		if (batch->state == BATCH_READY || batch->state == BATCH_BACKOFF)
			og_batch_give_up(batch, why);
	}
}

/* call_timeout is over: give up what is in flight, too. */
static void
time_out(OgCall *call)
{
	stop_sending(call, UNSENT_AT_TIMEOUT);
	for (int i = call->head; i < call->created; i++)
	{
		CallBatch  *batch = &call->ring[i % call->ring_size];

		if (batch->state != BATCH_IN_FLIGHT)
			continue;
		og_http_abandon(batch->transfer, batch->left
						? "call_timeout ran out before an answer came"
						: UNSENT_AT_TIMEOUT);
		og_batch_take(batch);
	}
}

/* The earlier of two times, of which 0 is none. */
static int64
earlier(int64 a, int64 b)
{
	if (a == 0 || b == 0)
		return a + b;
	return Min(a, b);
}

/* How much longer the call may wait for turns and backoff. */
static int64
patience_us(const OgCall *call)
{
	if (call->account->max_wait == 0)
		return PG_INT64_MAX;
	return (int64) call->account->max_wait * 1000 - call->waited_us;
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

/* Tell the user, once, before a wait of more than a minute. */
static void
announce_wait(OgCall *call, int64 wait_us)
{
	wait_us = Min(wait_us, bound_us(call));
	if (call->announced || wait_us <= ANNOUNCED_WAIT_US)
		return;
	call->announced = true;
	ereport(NOTICE,
			(errmsg("the pace of server \"%s\" makes this call wait for about " INT64_FORMAT " seconds",
					call->account->server, wait_us / USECS_PER_SEC),
			 call->account->max_wait > 0 ?
			 errhint("Option max_wait ends such waits after %d seconds; ids that had no turn by then are \"not_sent\".",
					 call->account->max_wait / 1000) : 0));
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

	if (wait_for_lock(call, Min(most_us, ANNOUNCED_WAIT_US)))
		return true;
	if (most_us <= ANNOUNCED_WAIT_US)
		return false;
	ereport(NOTICE,
			(errmsg("another call has been using the account of server \"%s\" for %d seconds; this one goes on waiting for its turn",
					call->account->server,
					(int) (ANNOUNCED_WAIT_US / USECS_PER_SEC))));
	return wait_for_lock(call, bound_us(call));
}

/* Before the first request: wait for the account, and look ahead. */
static void
begin_sending(OgCall *call)
{
	bool		deadline_first = call->deadline != 0 &&
		call->deadline - og_http_now() < patience_us(call);

	call->locked = take_lock(call);
	if (call->locked)
		announce_wait(call, og_limiter_estimate(call->limiter,
												GetCurrentTimestamp(),
												call->nbatches));
	else if (deadline_first)
		stop_sending(call, "another call used this account until call_timeout ran out");
	else
		stop_sending(call, "another call used this account until max_wait ran out");
}

/* ---------- one step ---------- */

/* Hold the next batches in the ring, as far as it reaches. */
static void
fill_ring(OgCall *call)
{
	while (call->created < call->nbatches &&
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
 * Send what may be sent now, oldest batch first.  Answers the time of the
 * next thing that becomes possible without a transfer ending, or 0.
 */
static int64
send_ready(OgCall *call, int64 now)
{
	int64		wake = 0;

	for (int i = call->head; i < call->created; i++)
	{
		CallBatch  *batch = &call->ring[i % call->ring_size];
		int64		wait_us;

		if (call->in_flight >= call->account->max_in_flight)
			return 0;
		if (batch->state != BATCH_READY && batch->state != BATCH_BACKOFF)
			continue;
		if (batch->state == BATCH_BACKOFF && batch->not_before > now)
		{
			if (batch->not_before - now > patience_us(call))
				og_batch_give_up(batch, NO_TURN);
			else
				wake = earlier(wake, batch->not_before);
			continue;
		}

		wait_us = og_limiter_ask(call->limiter, GetCurrentTimestamp(),
								 &batch->turn);
		if (wait_us > 0 && wait_us > patience_us(call))
		{
			stop_sending(call, NO_TURN);
			return 0;
		}
		if (wait_us > 0)
			return earlier(wake, now + wait_us);
		batch->has_turn = true;
		og_batch_send(batch);
	}
	return wake;
}

/* True when no request will be started any more, short of a retry. */
static bool
nothing_to_send(const OgCall *call)
{
	if (call->created < call->nbatches)
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

/*
 * Start what may start, then sleep until something happens: a transfer ends,
 * a turn or a retry is due, or the call's deadline is over.
 */
static void
call_step(OgCall *call)
{
	int64		now;
	int64		wake;
	OgTransfer *ended;

	fill_ring(call);
	if (!call->locked && call->stopped == NULL)
		begin_sending(call);
	now = og_http_now();
	if (call->deadline != 0 && now >= call->deadline)
	{
		time_out(call);
		return;
	}

	wake = send_ready(call, now);
	if (wake != 0)
		announce_wait(call, wake - now);
	if (nothing_to_send(call))
		og_http_drain(call->http);
	if (call->in_flight == 0 && wake == 0)
		return;

	now = og_http_now();
	ended = og_http_wait(call->http,
						 sleep_ms(now, earlier(wake, call->deadline)));
	if (wake != 0)
		call->waited_us += og_http_now() - now;
	if (ended)
		og_batch_take(og_http_owner(ended));
}

/* ---------- rows ---------- */

/* A copy of an outcome, and of those behind it, in the call's context. */
static void
copy_outcome(OgOutcome *to, const OgOutcome *from)
{
	*to = *from;
	if (from->code)
		to->code = pstrdup(from->code);
	if (from->message)
		to->message = pstrdup(from->message);
	if (from->response.data)
	{
		char	   *bytes = palloc(Max(from->response.len, 1));

		memcpy(bytes, from->response.data, from->response.len);
		to->response.data = bytes;
	}
	to->part = og_slice(NULL, 0);
	if (from->next)
	{
		to->next = palloc(sizeof(OgOutcome));
		copy_outcome(to->next, from->next);
	}
}

/* Free such a copy, but not the outcome itself. */
static void
free_outcome(OgOutcome *outcome)
{
	if (outcome->next)
	{
		free_outcome(outcome->next);
		pfree(outcome->next);
	}
	if (outcome->code)
		pfree((char *) outcome->code);
	if (outcome->message)
		pfree((char *) outcome->message);
	if (outcome->response.data)
		pfree((char *) outcome->response.data);
}

/* The last row of a saved outcome is out. */
static void
free_saved(OgCall *call)
{
	free_outcome(&call->spent->outcome);
	pfree(call->spent);
	call->spent = NULL;
}

/* Keep what later positions of repeated keys will answer. */
static void
save_repeated(OgCall *call, const CallBatch *batch)
{
	MemoryContext old = MemoryContextSwitchTo(call->context);

	for (int i = 0; i < batch->nkeys; i++)
	{
		int			key = batch->first_key + i;
		SavedOutcome *saved;

		if (call->repeated[key].remaining == 0)
			continue;
		saved = palloc(sizeof(SavedOutcome));
		copy_outcome(&saved->outcome, &batch->outcomes[i]);
		saved->exchange = batch->exchanges[i];
		saved->batch = batch->number;
		call->repeated[key].saved = saved;
	}
	MemoryContextSwitchTo(old);
}

/* All rows of the batch at the head are out: go on to the next. */
static void
leave_head(OgCall *call)
{
	CallBatch  *batch = &call->ring[call->head % call->ring_size];

	if (call->repeated)
		save_repeated(call, batch);
	og_batch_release(batch);
	call->head++;
}

/* Run the pipeline until the batch of a key is done. */
static CallBatch *
finish_batch_of(OgCall *call, int key)
{
	int			number = key / call->batch_size;

	while (call->head < number)
		leave_head(call);
	while (call->created <= number ||
		   call->ring[number % call->ring_size].state != BATCH_DONE)
		call_step(call);
	return &call->ring[number % call->ring_size];
}

static void
fill_row(OgRow *row, const OgExchange *exchange, int batch)
{
	row->batch = batch + 1;
	row->attempts = exchange->attempts;
	row->http_status = exchange->http_status;
	row->sent_at = exchange->sent_at;
	row->answered_at = exchange->answered_at;
}

bool
og_call_next(OgCall *call, OgRow *row)
{
	SavedOutcome *saved = NULL;
	int			key;

	if (call->further)
	{
		*row = call->row;
		row->outcome = call->further;
		call->further = call->further->next;
		return true;
	}
	if (call->spent)
		free_saved(call);
	if (call->position >= call->keys->npositions)
		return false;

	key = og_keys_at(call->keys, call->position);
	row->position = call->position;
	if (call->repeated)
	{
		call->repeated[key].remaining--;
		saved = call->repeated[key].saved;
	}
	if (saved)
	{
		if (call->repeated[key].remaining == 0)
			call->spent = saved;
		row->outcome = &saved->outcome;
		fill_row(row, &saved->exchange, saved->batch);
	}
	else
	{
		CallBatch  *batch = finish_batch_of(call, key);
		int			i = key - batch->first_key;

		row->outcome = &batch->outcomes[i];
		fill_row(row, &batch->exchanges[i], batch->number);
	}
	call->position++;
	call->row = *row;
	call->further = row->outcome->next;
	return true;
}
