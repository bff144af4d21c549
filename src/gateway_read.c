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

#include "compat.h"
#include "gateway_internal.h"
#include "gateway_read.h"

/* First pause before another attempt; doubled each time. */
#define BACKOFF_MS			200

/*
 * Pause after a "too frequent" that does not say how long: the smallest window
 * of the pace, within these bounds; doubled each time.
 */
#define PACE_BACKOFF_MS		1000
#define MAX_PACE_BACKOFF_MS	30000

/* Least pause where the provider itself says how long. */
#define RETRY_AFTER_FLOOR_MS	100

#define MAX_DOUBLINGS		10

/* How often a long read adds to the statistics, in microseconds. */
#define ADD_EVERY_US		INT64CONST(1000000)

/* A read in progress. */
typedef struct Reader
{
	const OgRead *read;
	MemoryContext context;
	MemoryContext requests;		/* of one attempt */
	MemoryContextCallback on_reset;
	bool		ended;
	int64		added;			/* to the statistics; og_http_now() */
	Sending		sending;
	OgPace		pace;
	Walk	   *walk;
	const OgBatch *batch;		/* asked for now */
	int		   *order;			/* its keys, sorted */
	const char *request;		/* "GET /path" */
	int			attempts;
	int64		foreign;		/* records about ids nobody asked for */
} Reader;

/* What one answer is read into. */
typedef struct Answer
{
	OgRecords	records;
	Reader	   *reader;
	bool		usable;			/* its records are handed on ... */
	int			taken;			/* ... so many so far */
} Answer;

/* Why an attempt failed, for the error that it may become. */
typedef struct Failure
{
	int			sqlstate;
	const char *what;			/* complete messages, palloc'd */
	const char *status;			/* "HTTP 400 Bad Request", or NULL */
	const char *hint;
	bool		final;			/* it will not work the next time either */
	bool		pace;			/* it came too early */
	int64		retry_after_ms; /* -1 = not said */
} Failure;

/* ---------- beginning and end ---------- */

static void
add_to_stats(Reader *reader)
{
	const OgRead *read = reader->read;

	og_stats_add(read->account->serverid, read->account->server,
				 read->function, &reader->sending.counters);
	reader->added = og_http_now();
}

/* The read is over, or its memory goes. */
static void
end_report(void *arg)
{
	Reader	   *reader = arg;

	if (reader->ended)
		return;
	reader->ended = true;
	add_to_stats(reader);
	if (reader->sending.activity != NULL)
		og_activity_end(reader->sending.activity);
}

static void
begin_report(Reader *reader)
{
	const OgRead *read = reader->read;

	og_stats_attach();
	reader->sending.activity = og_activity_begin(read->account->server,
												 read->function,
												 read->keys ? read->keys->nkeys : 0);
	reader->sending.counters.calls = 1;
	reader->added = og_http_now();
	reader->on_reset.func = end_report;
	reader->on_reset.arg = reader;
	MemoryContextRegisterResetCallback(reader->context, &reader->on_reset);
}

/*
 * The pace of queries.  What is asked for without a key counts on the limit of
 * nobody, who is one account for all of this machine.
 */
static OgPace
read_pace(const OgAccount *account)
{
	const char *text = account->query_rate_limit;
	const char *reason;
	OgPace		pace;

	if (text == NULL)
		text = account->rate_limit;
	if (!og_pace_parse(text, &pace, &reason))
		elog(ERROR, "rate limit \"%s\" cannot be read: %s", text, reason);
	return pace;
}

static Reader *
open_reader(const OgRead *read)
{
	const OgAccount *account = read->account;
	Reader	   *reader = palloc0(sizeof(Reader));
	Sending    *sending = &reader->sending;

	reader->read = read;
	reader->context = CurrentMemoryContext;
	reader->requests = AllocSetContextCreate(CurrentMemoryContext,
											 "order_gateway read",
											 ALLOCSET_DEFAULT_SIZES);
	reader->pace = read_pace(account);
	sending->account = account;
	sending->patience_us = account->max_wait > 0
		? (int64) account->max_wait * 1000 : PG_INT64_MAX;
	if (account->call_timeout > 0)
		sending->deadline = og_http_now() +
			(int64) account->call_timeout * 1000;
	sending->http = og_http_open(CurrentMemoryContext);
	sending->limiter = og_limiter_open(account->identity, account->host,
									   read->operation->lane, account->server,
									   &reader->pace);
	begin_report(reader);
	return reader;
}

static void
close_reader(Reader *reader)
{
	const char *server = reader->read->account->server;
	int			foreign = (int) Min(reader->foreign, PG_INT32_MAX);

	og_http_close(reader->sending.http);
	og_limiter_close(reader->sending.limiter);
	end_report(reader);
	MemoryContextDelete(reader->requests);
	if (foreign > 0)
		ereport(WARNING,
				(errcode(ERRCODE_WARNING),
				 errmsg_plural("server \"%s\" answered about %d order that was not asked for",
							   "server \"%s\" answered about %d orders that were not asked for",
							   foreign, server, foreign),
				 errdetail("What it said about them was ignored.")));
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
	Reader	   *reader = ((Answer *) reading)->reader;
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
	Reader	   *reader = answer->reader;
	OgRecord	record = {values, raw, {NULL, 0}};

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
		record.key = reader->batch->keys[records->key];
	}
	if (og_walk_admits(reader->walk, values))
		reader->read->take(reader->read->owner, &record);
}

/* ---------- what failed ---------- */

/* "code 400, BAD_REQUEST: symbol", or NULL if it has no words of its own. */
static const char *
provider_words(const OgReading *reading)
{
	const char *code = og_json_text(reading->code, OG_MAX_CODE);
	const char *message = og_json_text(reading->message, OG_MAX_MESSAGE);

	if (code != NULL && message != NULL)
		return psprintf("code %s, %s", code, message);
	return code != NULL ? psprintf("code %s", code) : message;
}

/* How far our clock is off, if a refusal may be because of that. */
static const char *
credentials_hint(const OgReading *reading, const OgResponse *response)
{
	OgClock		clock;

	if (reading->clock_suspected && og_http_clock(response, &clock) &&
		og_http_clock_differs(&clock, 1000))
		return psprintf("Set this machine's clock: %s.",
						og_http_clock_words(&clock));
	return "Check the user mapping, and at the provider what the key may do and from which addresses.";
}

/* What kind of a failure an answer is, by its words or else its status. */
static OgRefusal
refusal_of(const OgRecords *records, int status)
{
	if (status == 429)
		return OG_REFUSED_PACE;
	if (records->refusal != OG_REFUSED_SOMEHOW)
		return records->refusal;
	switch (status)
	{
		case 400:
			return OG_REFUSED_ARGUMENTS;
		case 401:
		case 403:
			return OG_REFUSED_CREDENTIALS;
		case 404:
			return OG_REFUSED_UNKNOWN;
	}
	return OG_REFUSED_SOMEHOW;
}

/* A refusal for one of the reasons that users can do something about. */
static void
fail_refused(Failure *failure, OgRefusal refusal, const OgRecords *records,
			 const OgResponse *response)
{
	failure->final = true;
	switch (refusal)
	{
		case OG_REFUSED_CREDENTIALS:
			failure->sqlstate = ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION;
			failure->hint = credentials_hint(&records->reading, response);
			break;
		case OG_REFUSED_ARGUMENTS:
			failure->sqlstate = ERRCODE_INVALID_PARAMETER_VALUE;
			failure->hint = "Check the arguments of the call.";
			break;
		case OG_REFUSED_UNKNOWN:
			failure->sqlstate = ERRCODE_NO_DATA;
			failure->hint = "The provider knows nothing of that name; or option base_url does not lead to its API.";
			break;
		case OG_REFUSED_PACE:
			failure->sqlstate = ERRCODE_CONFIGURATION_LIMIT_EXCEEDED;
			failure->hint = "Wait a while, and see in order_gateway_limits who else asks.";
			failure->final = false;
			failure->pace = true;
			break;
		case OG_REFUSED_SOMEHOW:
			failure->sqlstate = ERRCODE_EXTERNAL_ROUTINE_EXCEPTION;
			failure->hint = "Check option base_url, its path as well.";
			break;
	}
}

/* An answer that is no success: "flaw" is why it could not even be read. */
static void
fail_answered(Failure *failure, const Answer *answer, const char *flaw,
			  const OgResponse *response)
{
	const OgReading *reading = &answer->records.reading;
	int			status = response->status;
	bool		done = status >= 200 && status <= 299;
	OgRefusal	refusal = refusal_of(&answer->records, status);
	const char *words = flaw == NULL ? provider_words(reading) : NULL;

	failure->status = og_status_words(status);
	if (status == 408 || status >= 500)
	{
		failure->sqlstate = ERRCODE_CONNECTION_FAILURE;
		failure->what = psprintf("failed: %s", words ? words : failure->status);
		failure->hint = "The provider has a problem of its own. A read changes nothing: try again later.";
		return;
	}
	if (words == NULL && response->location != NULL)
		words = psprintf("redirect to %s was not followed",
						 response->location);
	if (done && refusal == OG_REFUSED_SOMEHOW)
	{
		failure->sqlstate = ERRCODE_EXTERNAL_ROUTINE_EXCEPTION;
		failure->what = psprintf("gave an answer that cannot be used: it %s%s%s",
								 flaw ? flaw : reading->note
								 ? reading->note : "is not a success",
								 words ? ", " : "", words ? words : "");
		failure->hint = "Check option base_url, its path as well; else the provider has a problem of its own.";
		failure->final = answer->taken > 0;
		return;
	}
	fail_refused(failure, refusal, &answer->records, response);
	failure->what = psprintf("refused: %s", words ? words : failure->status);
}

/* Is the time over that the read may take in all? */
static bool
is_timed_out(const Reader *reader)
{
	return reader->sending.deadline != 0 &&
		og_http_now() >= reader->sending.deadline;
}

static void
fail_timed_out(Failure *failure, const char *what)
{
	failure->final = true;
	failure->sqlstate = ERRCODE_QUERY_CANCELED;
	failure->what = what;
	failure->hint = "Ask for less at once, or raise option call_timeout of the server.";
}

/* No answer, or not all of one. */
static void
fail_unanswered(Failure *failure, const Reader *reader,
				const OgResponse *response)
{
	bool		sent = response->delivery != OG_NOT_DELIVERED;
	const char *problem = response->problem ? response->problem
		: "the connection failed";

	failure->status = response->status != 0
		? og_status_words(response->status) : NULL;
	failure->what = psprintf(sent ? "gave no whole answer: %s"
							 : "could not be reached: %s", problem);
	if (is_timed_out(reader))
	{
		fail_timed_out(failure, failure->what);
		return;
	}
	failure->sqlstate = sent ? ERRCODE_CONNECTION_FAILURE
		: ERRCODE_SQLCLIENT_UNABLE_TO_ESTABLISH_SQLCONNECTION;
	failure->hint = sent
		? "A read changes nothing: try again later."
		: "order_gateway_check() tells what is in the way.";
	failure->final = !sent && !response->may_retry;
}

/* Nothing could be sent: there was no turn, or no time. */
static void
fail_unsent(Failure *failure, const Reader *reader, const char *why)
{
	if (is_timed_out(reader))
	{
		fail_timed_out(failure, "could not be asked: call_timeout ran out");
		return;
	}
	failure->final = true;
	failure->sqlstate = ERRCODE_CONFIGURATION_LIMIT_EXCEEDED;
	failure->what = psprintf("could not be asked within max_wait: %s", why);
	failure->hint = "See in order_gateway_limits who else asks, or raise option max_wait of the server.";
}

pg_noreturn static void raise_failure(const Reader *reader,
									  const Failure *failure);

static void
raise_failure(const Reader *reader, const Failure *failure)
{
	const OgRead *read = reader->read;
	const char *request = reader->request ? reader->request : read->function;

	ereport(ERROR,
			(errcode(failure->sqlstate),
			 errmsg("%s(): server \"%s\" %s", read->function,
					read->account->server, failure->what),
			 failure->status != NULL
			 ? errdetail_plural("%s to %s, in %d attempt.",
								"%s to %s, in %d attempts.",
								reader->attempts, failure->status, request,
								reader->attempts)
			 : errdetail_plural("%s, in %d attempt.",
								"%s, in %d attempts.",
								reader->attempts, request, reader->attempts),
			 errhint("%s", failure->hint)));
}

/* ---------- one request ---------- */

/* Read an answer.  True if it was a success. */
static bool
read_answer(Reader *reader, const OgResponse *response, Failure *failure)
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

	if (flaw == NULL && (answer.records.nothing
						 ? response->status < 500 && response->status != 408 &&
						 response->status != 429
						 : done && reading->envelope == OG_ENVELOPE_SUCCESS))
		return true;
	fail_answered(failure, &answer, flaw, response);
	failure->retry_after_ms = response->retry_after_ms;
	return false;
}

/* "GET /path", the same for all requests of a read. */
static const char *
describe_request(const Reader *reader, const OgRequest *parts)
{
	return MemoryContextStrdup(reader->context,
							   psprintf("%s %s", og_method_name(parts->method),
										parts->path));
}

/* Send the request that has its turn. */
static bool
send_request(Reader *reader, Failure *failure)
{
	Sending    *sending = &reader->sending;
	const OgRead *read = reader->read;
	int64		now_ms = og_unix_ms(GetCurrentTimestamp());
	SignedRequest *request;
	OgTransfer *transfer;
	const OgResponse *response;
	bool		done = false;

	request = og_signed_request(read->account, read->operation, reader->batch,
								og_limiter_nonce(sending->limiter, now_ms));
	if (request == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_SYSTEM_ERROR),
				 errmsg("%s(): the request could not be built and signed",
						read->function)));
	if (reader->request == NULL)
		reader->request = describe_request(reader, &request->parts);
	transfer = og_sending_exchange(sending, request, NULL);
	response = og_http_response(transfer);
	if (response->delivery == OG_ANSWERED)
		done = read_answer(reader, response, failure);
	else
		fail_unanswered(failure, reader, response);
	og_http_release(transfer);
	return done;
}

/* One attempt. */
static bool
attempt(Reader *reader, Failure *failure)
{
	Sending    *sending = &reader->sending;
	const char *unsent;

	memset(failure, 0, sizeof(*failure));
	failure->retry_after_ms = -1;
	unsent = og_sending_turn(sending);
	if (unsent != NULL)
	{
		fail_unsent(failure, reader, unsent);
		return false;
	}
	reader->attempts++;
	return send_request(reader, failure);
}

/* How long to pause after a failure; the lane, too, where it came too early. */
static int64
pause_ms(Reader *reader, const Failure *failure)
{
	int			doublings = Min(reader->attempts - 1, MAX_DOUBLINGS);
	int64		pause;

	if (failure->retry_after_ms >= 0)
		pause = Max(failure->retry_after_ms, RETRY_AFTER_FLOOR_MS);
	else if (failure->pace)
	{
		pause = og_pace_smallest_us(&reader->pace) / 1000;
		pause = Min(Max(pause, PACE_BACKOFF_MS),
					MAX_PACE_BACKOFF_MS) << doublings;
	}
	else
		pause = (int64) BACKOFF_MS << doublings;
	if (failure->pace)
		og_limiter_hold(reader->sending.limiter,
						GetCurrentTimestamp() + pause * 1000);
	return pause;
}

/* Ask until there is an answer. */
static void
ask(Reader *reader)
{
	Failure		failure;

	reader->attempts = 0;
	for (;;)
	{
		MemoryContext old = MemoryContextSwitchTo(reader->requests);
		bool		done = attempt(reader, &failure);
		int64		pause;

		MemoryContextSwitchTo(old);
		if (done)
			break;
		pause = reader->attempts > 0 ? pause_ms(reader, &failure) : 0;
		if (failure.final ||
			reader->attempts > reader->read->account->retries ||
			!og_sending_pause(&reader->sending, pause * 1000))
			raise_failure(reader, &failure);
		reader->sending.counters.retries++;
		if (reader->sending.activity != NULL)
		{
			og_activity_change(reader->sending.activity);
			reader->sending.activity->retried++;
			og_activity_changed(reader->sending.activity);
		}
		MemoryContextReset(reader->requests);
	}
	MemoryContextReset(reader->requests);
	if (og_http_now() - reader->added > ADD_EVERY_US)
		add_to_stats(reader);
}

/* ---------- the read ---------- */

/* All requests about these keys, or about none. */
static void
ask_batch(Reader *reader, const OgSlice *keys, int nkeys)
{
	const OgRead *read = reader->read;
	OgBatch		batch = {NULL, keys, nkeys};

	reader->walk = og_walk_begin(read->operation, read->arguments);
	batch.arguments = og_walk_arguments(reader->walk);
	reader->batch = &batch;
	reader->order = sort_keys(&batch);
	while (og_walk_next(reader->walk))
		ask(reader);
	reader->batch = NULL;
}

static void
ask_batches(Reader *reader)
{
	const OgRead *read = reader->read;
	const OgKeys *keys = read->keys;
	int			size = og_keys_per_request(read->account, read->operation);
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
		ask_batch(reader, asked, n);
		MemoryContextSwitchTo(old);
		MemoryContextReset(batches);
	}
}

void
og_read(const OgRead *read)
{
	Reader	   *reader = open_reader(read);
	const char *unsent = og_sending_lock(&reader->sending);

	if (unsent != NULL)
	{
		Failure		failure = {0};

		fail_unsent(&failure, reader, unsent);
		raise_failure(reader, &failure);
	}
	if (read->keys != NULL)
		ask_batches(reader);
	else
		ask_batch(reader, NULL, 0);
	close_reader(reader);
}
