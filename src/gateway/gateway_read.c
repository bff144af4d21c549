/*-------------------------------------------------------------------------
 *
 * gateway_read.c
 *		Reads: ask, ask again, hand on records.
 *
 * An answer is worth its records only if its status is a success; what else
 * comes is read for what it says of the failure.  Whatever failed may work the
 * next time, but for what was refused for a reason that stays.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "gateway/gateway_failure.h"
#include "gateway/gateway_internal.h"
#include "gateway/gateway_walk.h"

/* First pause before another attempt; doubled each time. */
#define BACKOFF_MS			200

#define MAX_DOUBLINGS		10

/* How often a long read adds to the statistics, in microseconds. */
#define ADD_EVERY_US		INT64CONST(1000000)

struct OgReader
{
	const OgAccount *account;
	const OgOperation *operation;	/* the first one, whose limit they share */
	const char *function;
	MemoryContext context;
	MemoryContext requests;		/* of one attempt */
	MemoryContextCallback on_reset;
	bool		ended;
	int64		added;			/* to the statistics; og_clock_now() */
	Sending		sending;
	OgPace		pace;
	int64		date_ms;		/* Date of the last answer, 0 = none */
	int64		foreign;		/* records about ids nobody asked for ... */
	int64		others;			/* ... and about other things */

	/* the read under way, and how long answers to its operation have been */
	const OgRead *read;
	const OgOperation *measured;
	OgLengths	lengths;
	Walk	   *walk;
	const OgBatch *batch;		/* asked for now */
	int			first_key;		/* of the batch, among all */
	int		   *order;			/* its keys, sorted */
	const char *request;		/* "GET /path" */
	int			attempts;
};

/* What one answer is read into. */
typedef struct Answer
{
	OgRecords	records;
	OgReader   *reader;
	bool		usable;			/* its records are handed on ... */
	int			taken;			/* ... so many so far */
} Answer;

/* ---------- beginning and end ---------- */

static void
add_to_stats(OgReader *reader)
{
	og_stats_add(reader->account->serverid, reader->account->server,
				 reader->function, &reader->sending.counters);
	reader->added = og_clock_now();
}

/* The call is over, or its memory goes. */
static void
end_report(void *arg)
{
	OgReader   *reader = arg;

	if (reader->ended)
		return;
	reader->ended = true;
	add_to_stats(reader);
	og_activity_end(reader->sending.activity);
}

static void
begin_report(OgReader *reader, int64 ids)
{
	reader->sending.activity = og_activity_begin(reader->account->serverid,
												 reader->account->server,
												 reader->function, ids);
	reader->sending.counters.calls = 1;
	reader->added = og_clock_now();
	reader->on_reset.func = end_report;
	reader->on_reset.arg = reader;
	MemoryContextRegisterResetCallback(reader->context, &reader->on_reset);
}

/* Is the time over that the call may take in all? */
static bool
is_timed_out(const OgReader *reader)
{
	return reader->sending.deadline != 0 &&
		og_clock_now() >= reader->sending.deadline;
}

/* "request" is what was asked for; NULL until one was made. */
pg_noreturn static void
fail(const OgReader *reader, const Failure *failure)
{
	og_failure_raise(failure, reader->account->server, reader->function,
					 reader->request ? reader->request : reader->function,
					 reader->attempts);
}

OgReader *
og_reader_open(const OgAccount *account, const OgOperation *operation,
			   const char *function, int64 ids)
{
	OgReader   *reader = palloc0(sizeof(OgReader));
	Sending    *sending = &reader->sending;

	reader->account = account;
	reader->operation = operation;
	reader->function = function;
	reader->context = CurrentMemoryContext;
	reader->requests = AllocSetContextCreate(CurrentMemoryContext,
											 "order_gateway read",
											 ALLOCSET_DEFAULT_SIZES);
	reader->pace = og_pace_of(account, operation);
	sending->account = account;
	sending->patience_us = account->max_wait > 0
		? (int64) account->max_wait * 1000 : PG_INT64_MAX;
	sending->deadline = og_pace_deadline(account);
	sending->http = og_http_open(CurrentMemoryContext);
	sending->limiter = og_pace_limiter(account, operation);
	begin_report(reader, ids);
	return reader;
}

void
og_reader_close(OgReader *reader)
{
	og_http_close(reader->sending.http);
	og_limiter_close(reader->sending.limiter);
	end_report(reader);
	MemoryContextDelete(reader->requests);
	og_report_foreign(reader->account->server, reader->foreign);
	og_report_others(reader->account->server, reader->others);
}

/* ---------- records ---------- */

/* For a bisection: which of these keys comes first? */
static int
compare_keys(const void *a, const void *b, void *batch)
{
	const OgSlice *keys = ((const OgBatch *) batch)->keys;

	return og_slice_compare(keys[*(const int *) a], keys[*(const int *) b]);
}

/* The keys of a batch, sorted. */
static int *
sort_keys(const OgBatch *batch)
{
	int		   *order = palloc(batch->nkeys * sizeof(int));

	for (int i = 0; i < batch->nkeys; i++)
		order[i] = i;
	qsort_arg(order, batch->nkeys, sizeof(int), compare_keys,
			  (void *) batch);
	return order;
}

static int
find_key(OgReading *reading, OgSlice id)
{
	OgReader	   *reader = ((Answer *) reading)->reader;
	OgJsonKind	kind = og_json_kind(id);
	int			low = 0;
	int			high = reader->batch->nkeys;

	CHECK_FOR_INTERRUPTS();
	if (kind != OG_JSON_STRING && kind != OG_JSON_NUMBER)
		return -1;
	while (low < high)
	{
		int			middle = (low + high) / 2;
		int			key = reader->order[middle];
		int			order = og_json_compare(id, reader->batch->keys[key]);

		if (order == 0)
			return key;
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return -1;
}

static void
take_record(OgRecords *records, const OgSlice *values, OgSlice raw)
{
	Answer	   *answer = (Answer *) records;
	OgReader	   *reader = answer->reader;
	OgRecord	record = {values, raw, -1};

	CHECK_FOR_INTERRUPTS();
	if (!answer->usable)
		return;
	answer->taken++;
	if (reader->batch->nkeys > 0)
	{
		if (records->key < 0)
		{
			reader->foreign++;
			return;
		}
		record.key = reader->first_key + records->key;
	}
	og_walk_take(reader->walk, &record);
}

/* ---------- one request ---------- */

/* Is anything of a good answer what was asked for? */
static bool
is_about_it(OgReader *reader, Failure *failure, const OgResponse *response)
{
	if (reader->read->unknown_is_none || !og_walk_missed(reader->walk))
		return true;
	og_failure_missed(failure, og_walk_foreign(reader->walk), response);
	og_walk_again(reader->walk);
	return false;
}

/* Read an answer.  True if it was a success. */
static bool
read_answer(OgReader *reader, const OgResponse *response, Failure *failure)
{
	const OgOperation *operation = reader->read->operation;
	Answer		answer = {0};
	OgReading  *reading = &answer.records.reading;
	const char *flaw = NULL;
	OgSlice		value;
	bool		done = response->status >= 200 && response->status <= 299;

	reading->find = find_key;
	reading->rest = OG_UNKNOWN;
	reading->envelope = OG_ENVELOPE_SILENT;
	answer.records.columns = operation->columns;
	answer.records.take = take_record;
	answer.records.key = -1;
	answer.reader = reader;
	answer.usable = done;
	if (og_json_prove(response->body, &value, &flaw))
		operation->read_records(&answer.records, value, reader->batch);

	if (flaw == NULL && done && reading->envelope == OG_ENVELOPE_SUCCESS)
		return is_about_it(reader, failure, response);
	if (answer.records.nothing &&
		(done || response->status == 400 || response->status == 404))
		return true;
	og_failure_answered(failure, &answer.records, flaw, response);

	/* What was handed on must not be handed on once more. */
	if (answer.taken > 0)
		failure->final = true;
	return false;
}

/*
 * "GET /path", the same for all requests of a read; where all go to the one
 * address, that.
 */
static const char *
describe_request(const OgReader *reader, const OgRequest *parts)
{
	return MemoryContextStrdup(reader->context,
							   psprintf("%s %s", og_method_name(parts->method),
										parts->path[0] != '\0' ? parts->path
										: reader->account->base_url));
}

/* When an answer was written, by the clock of who wrote it; 0 = not told. */
static int64
date_of(const OgResponse *response)
{
	int64		now_ms = og_http_unix_ms(response->answered_at);
	int64		seconds;
	const char *end;

	if (response->date == NULL)
		return 0;
	end = og_http_read_date(response->date, now_ms, &seconds);
	return end != NULL && *end == '\0' ? seconds * 1000 : 0;
}

/* Send the request that has its turn. */
static bool
send_request(OgReader *reader, Failure *failure)
{
	Sending    *sending = &reader->sending;
	int64		now_ms = og_unix_ms(GetCurrentTimestamp());
	SignedRequest *request;
	OgTransfer *transfer;
	const OgResponse *response;
	bool		done = false;

	request = og_signed_request(reader->account, reader->read->operation,
								reader->batch,
								og_limiter_nonce(sending->limiter, now_ms));
	if (request == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_SYSTEM_ERROR),
				 errmsg("%s(): the request could not be built and signed",
						reader->function)));
	if (reader->request == NULL)
		reader->request = describe_request(reader, &request->parts);
	transfer = og_sending_exchange(sending, request, NULL);
	response = og_http_response(transfer);

	/* The provider wanted a pause meanwhile: it has not been tried. */
	if (response->held_back &&
		og_limiter_held_for(sending->limiter, og_clock_now()) > 0)
		reader->attempts--;
	reader->date_ms = date_of(response);
	if (response->delivery == OG_ANSWERED)
		done = read_answer(reader, response, failure);
	else
		og_failure_unanswered(failure, response, is_timed_out(reader));
	failure->hold_ms = og_hold_lane(sending->limiter, &reader->pace, response,
									failure->pace || response->status == 429,
									reader->attempts);
	og_http_release(transfer);
	return done;
}

/* One attempt. */
static bool
attempt(OgReader *reader, Failure *failure)
{
	Sending    *sending = &reader->sending;
	const char *unsent;

	memset(failure, 0, sizeof(*failure));
	failure->hold_ms = -1;
	unsent = og_sending_turn(sending);
	if (unsent != NULL)
	{
		og_failure_unsent(failure, unsent, is_timed_out(reader));
		return false;
	}
	reader->attempts++;
	return send_request(reader, failure);
}

/* How long to pause after a failure. */
static int64
pause_ms(const OgReader *reader, const Failure *failure)
{
	if (failure->hold_ms >= 0)
		return failure->hold_ms;
	return (int64) BACKOFF_MS << Min(reader->attempts - 1, MAX_DOUBLINGS);
}

/* Ask until there is an answer. */
static void
ask(OgReader *reader)
{
	Failure		failure;

	reader->attempts = 0;
	for (;;)
	{
		MemoryContext old = MemoryContextSwitchTo(reader->requests);
		bool		done = attempt(reader, &failure);
		int64		pause;

		MemoryContextSwitchTo(old);
		if (done || (failure.sqlstate == ERRCODE_NO_DATA &&
					 reader->read->unknown_is_none))
			break;
		pause = reader->attempts > 0 ? pause_ms(reader, &failure) : 0;
		if (failure.final ||
			reader->attempts > reader->account->retries ||
			!og_sending_pause(&reader->sending, pause * 1000))
			fail(reader, &failure);
		og_report_retried(&reader->sending.counters,
						  reader->sending.activity);
		MemoryContextReset(reader->requests);
	}
	MemoryContextReset(reader->requests);
	if (og_clock_now() - reader->added > ADD_EVERY_US)
		add_to_stats(reader);
}

/* ---------- the read ---------- */

/* Were the answers all there is? */
static void
judge_walk(const OgReader *reader)
{
	const char *hint;
	const char *flaw = og_walk_flaw(reader->walk, &hint);
	const char *doubt = og_walk_doubt(reader->walk);
	Failure		failure = {0};

	if (doubt != NULL)
		ereport(WARNING,
				(errcode(ERRCODE_WARNING),
				 errmsg("%s(): server \"%s\" may have more records than it told",
						reader->function, reader->account->server),
				 errdetail("%s", doubt)));
	if (flaw == NULL)
		return;
	og_failure_incomplete(&failure, flaw, hint);
	fail(reader, &failure);
}

/* All requests about these keys, or about none. */
static void
ask_batch(OgReader *reader, const OgSlice *keys, int nkeys)
{
	const OgRead *read = reader->read;
	OgBatch		batch = {NULL, keys, nkeys};

	reader->walk = og_walk_begin(read, &reader->lengths);
	batch.arguments = og_walk_arguments(reader->walk);
	reader->batch = &batch;
	reader->order = sort_keys(&batch);
	while (og_walk_next(reader->walk))
		ask(reader);
	judge_walk(reader);
	reader->others += og_walk_foreign(reader->walk);
	reader->batch = NULL;
}

static void
ask_batches(OgReader *reader)
{
	const OgRead *read = reader->read;
	const OgKeys *keys = read->keys;
	int			size = og_keys_per_request(reader->account, read->operation);
	OgSlice    *asked = palloc(size * sizeof(OgSlice));
	MemoryContext batches = AllocSetContextCreate(CurrentMemoryContext,
												  "order_gateway batch",
												  ALLOCSET_SMALL_SIZES);

	for (int first = 0; first < keys->nkeys; first += size)
	{
		int			n = Min(size, keys->nkeys - first);
		MemoryContext old = MemoryContextSwitchTo(batches);

		for (int i = 0; i < n; i++)
			asked[i] = og_keys_get(keys, first + i);
		reader->first_key = first;
		ask_batch(reader, asked, n);
		MemoryContextSwitchTo(old);
		MemoryContextReset(batches);
	}
}

void
og_reader_ask(OgReader *reader, const OgRead *read)
{
	Assert(read->operation->kind == reader->operation->kind &&
		   read->operation->lane == reader->operation->lane);
	reader->read = read;
	reader->request = NULL;
	if (read->operation != reader->measured)
		memset(&reader->lengths, 0, sizeof(reader->lengths));
	reader->measured = read->operation;
	if (read->keys != NULL)
		ask_batches(reader);
	else
		ask_batch(reader, NULL, 0);
	reader->read = NULL;
}

int64
og_reader_date_ms(const OgReader *reader)
{
	return reader->date_ms;
}

void
og_read(const OgAccount *account, const char *function, const OgRead *read)
{
	OgReader   *reader = og_reader_open(account, read->operation, function,
										read->keys ? read->keys->nkeys : 0);

	og_reader_ask(reader, read);
	og_reader_close(reader);
}
