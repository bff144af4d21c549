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

#include "gateway/gateway_failure.h"
#include "gateway/gateway_internal.h"
#include "gateway/gateway_walk.h"

struct OgReader
{
	const OgOperation *operation;	/* the first one, whose limit they share */
	MemoryContext batches;		/* of what is asked for now */
	MemoryContext requests;		/* of the last attempt */
	Sender		sender;
	int64		date_ms;		/* Date of the last answer, 0 = none */
	int64		foreign;		/* records about ids nobody asked for ... */
	int64		others;			/* ... and about other things */

	/* the read under way, and how long answers to its operation have been */
	const OgRead *read;			/* NULL: it is over */
	const OgOperation *measured;
	OgLengths	lengths;
	Walk	   *walk;			/* for the keys asked for now, or NULL */
	int			first_key;		/* of them, among all */
	int			next_key;		/* that was not asked for yet */
	Errand		errand;			/* the request under way, if .asking */
	bool		asking;
	bool		answered;
	bool		failed;
	Failure		failure;		/* of the last attempt */
};

/* What one answer is read into. */
typedef struct Answer
{
	OgRecords	records;
	OgReader   *reader;
	OgKeyIndex	keys;			/* of the batch */
	bool		usable;			/* its records are handed on ... */
	int			taken;			/* ... so many so far */
} Answer;

/* ---------- records ---------- */

static int
find_key(OgReading *reading, OgSlice id)
{
	return og_key_find(&((Answer *) reading)->keys, id);
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
	if (reader->errand.asked.nkeys > 0)
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

static OgReader *
reader_of(Errand *errand)
{
	return (OgReader *) ((char *) errand - offsetof(OgReader, errand));
}

/* Is the time over that the call may take in all? */
static bool
is_timed_out(const OgReader *reader)
{
	return reader->sender.deadline != 0 &&
		og_clock_now() >= reader->sender.deadline;
}

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

	if (og_walk_knows(reader->walk, response->body) && done)
		return true;
	reading->find = find_key;
	reading->rest = OG_UNKNOWN;
	reading->envelope = OG_ENVELOPE_SILENT;
	answer.records.columns = operation->columns;
	answer.records.take = take_record;
	answer.records.key = -1;
	answer.reader = reader;
	answer.keys.batch = &reader->errand.asked;
	answer.usable = done;
	if (og_json_prove(response->body, &value, &flaw))
		operation->read_records(&answer.records, value, &reader->errand.asked);

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

/* Take an answer, or that there is none. */
static void
take_answer(Errand *errand, const OgResponse *response, Attempt *attempt)
{
	OgReader   *reader = reader_of(errand);
	Failure    *failure = &reader->failure;

	MemoryContextReset(reader->requests);
	memset(failure, 0, sizeof(*failure));
	reader->date_ms = og_http_date_ms(response);
	if (response->delivery == OG_ANSWERED)
		reader->answered = read_answer(reader, response, failure);
	else
		og_failure_unanswered(failure, response, is_timed_out(reader));
	if (failure->told.sqlstate == ERRCODE_NO_DATA &&
		reader->read->unknown_is_none)
		reader->answered = true;
	attempt->wants_fewer = failure->pace || response->status == 429;
	attempt->final = failure->final;
}

static bool
settle(Errand *errand, OgTransfer *transfer, const Attempt *attempt, bool again)
{
	OgReader   *reader = reader_of(errand);

	og_http_release(transfer);
	reader->failed = !reader->answered && !again;
	return !reader->answered && again;
}

/* Not asked, or not once more: what the last attempt was answered stays. */
static void
give_up(Errand *errand, const char *why)
{
	OgReader   *reader = reader_of(errand);

	reader->failed = true;
	if (errand->attempts > 0)
		return;
	memset(&reader->failure, 0, sizeof(reader->failure));
	if (errand->sender->stopped == NULL)
		og_failure_unmade(&reader->failure);
	else
		og_failure_unsent(&reader->failure, why, is_timed_out(reader));
}

static const ErrandKind read_request = {
	.repeats = REPEAT_ANYTHING,
	.hurried = true,
	.no_turn = "the pace leaves no turn for it now",
	.take = take_answer,
	.settle = settle,
	.give_up = give_up
};

/* Ask what the walk wants to be asked next. */
static void
begin_request(OgReader *reader)
{
	Errand	   *errand = &reader->errand;

	errand->operation = reader->read->operation;
	errand->state = ERRAND_READY;
	errand->attempts = 0;
	errand->not_before = 0;
	reader->answered = false;
	reader->asking = true;
	og_sender_add(&reader->sender, errand);
}

/* It was answered or given up. */
static void
end_request(OgReader *reader)
{
	reader->asking = false;
	reader->errand.number++;
}

/* ---------- the read ---------- */

/* Were the answers all there is? */
static void
judge_walk(OgReader *reader)
{
	const char *hint;
	const char *flaw = og_walk_flaw(reader->walk, &hint);
	const char *doubt = og_walk_doubt(reader->walk);

	if (doubt != NULL)
		og_patience_hear(&reader->sender, OG_NEWS_DOUBT, 0, doubt);
	if (flaw == NULL)
		return;
	reader->failed = true;
	memset(&reader->failure, 0, sizeof(reader->failure));
	og_failure_incomplete(&reader->failure, flaw, hint);
}

/* The next keys to be asked for, or that none are.  False after the last. */
static bool
begin_batch(OgReader *reader)
{
	const OgRead *read = reader->read;
	const OgKeys *keys = read->keys;
	OgBatch    *asked = &reader->errand.asked;
	OgSlice    *texts = NULL;
	int			n = 0;

	if (reader->next_key >= (keys != NULL ? keys->nkeys : 1))
		return false;
	if (keys != NULL)
	{
		n = Min(og_keys_per_request(reader->sender.account, read->operation),
				keys->nkeys - reader->next_key);
		texts = palloc(n * sizeof(OgSlice));
		for (int i = 0; i < n; i++)
			texts[i] = og_keys_get(keys, reader->next_key + i);
	}
	reader->first_key = reader->next_key;
	reader->next_key += Max(n, 1);
	reader->walk = og_walk_begin(read, &reader->lengths);
	reader->answered = false;
	asked->arguments = og_walk_arguments(reader->walk);
	asked->keys = texts;
	asked->nkeys = n;
	return true;
}

/* Does whoever reads want no more of these keys? */
static bool
has_enough(const OgReader *reader)
{
	const OgRead *read = reader->read;

	return reader->answered && read->enough != NULL &&
		read->enough(read->owner);
}

/* No more is asked about these keys. */
static void
end_batch(OgReader *reader)
{
	reader->others += og_walk_foreign(reader->walk);
	reader->walk = NULL;
	MemoryContextReset(reader->batches);
}

/* Nothing is asked now: go on to the next request, or end the read. */
static void
go_on(OgReader *reader)
{
	MemoryContext old = MemoryContextSwitchTo(reader->batches);

	if (reader->walk == NULL && !begin_batch(reader))
		reader->read = NULL;
	else if (has_enough(reader))
		end_batch(reader);
	else if (og_walk_next(reader->walk))
		begin_request(reader);
	else
	{
		judge_walk(reader);
		if (!reader->failed)
			end_batch(reader);
	}
	MemoryContextSwitchTo(old);
}

bool
og_reader_advance(OgReader *reader, OgPause *pause)
{
	const Errand *errand = &reader->errand;

	while (reader->read != NULL && !reader->failed)
	{
		if (!reader->asking)
			go_on(reader);
		else if (errand->state == ERRAND_DONE)
			end_request(reader);
		else if (!og_sender_step(&reader->sender, pause) &&
				 errand->state != ERRAND_DONE)
			return false;
	}
	reader->read = NULL;
	return true;
}

/* "GET /path"; where all go to the one address, that. */
static const char *
describe_request(const OgReader *reader)
{
	const Errand *errand = &reader->errand;

	if (errand->path == NULL)
		return NULL;
	return psprintf("%s %s", og_method_name(errand->method),
					errand->path[0] != '\0' ? errand->path
					: reader->sender.account->base_url);
}

const OgFailure *
og_reader_failure(const OgReader *reader)
{
	OgFailure  *failure;

	if (!reader->failed)
		return NULL;
	failure = palloc(sizeof(OgFailure));
	*failure = reader->failure.told;
	failure->asked = describe_request(reader);
	failure->attempts = reader->errand.attempts;
	return failure;
}

/* ---------- beginning and end ---------- */

OgReader *
og_reader_open(const OgAccount *account, const OgOperation *operation,
			   const OgCaller *caller, int64 ids)
{
	OgReader   *reader = palloc0(sizeof(OgReader));

	reader->operation = operation;
	reader->batches = AllocSetContextCreate(CurrentMemoryContext,
											"order_gateway batch",
											ALLOCSET_SMALL_SIZES);
	reader->requests = AllocSetContextCreate(CurrentMemoryContext,
											 "order_gateway read",
											 ALLOCSET_DEFAULT_SIZES);
	reader->errand.kind = &read_request;
	reader->errand.context = reader->requests;
	og_sender_open(&reader->sender, account, operation, caller);
	reader->sender.one_by_one = true;
	og_report_begin(&reader->sender, ids);
	return reader;
}

void
og_reader_ask(OgReader *reader, const OgRead *read)
{
	Assert(read->operation->kind == reader->operation->kind);
	Assert(reader->read == NULL && !reader->failed);
	reader->read = read;
	reader->next_key = 0;
	reader->errand.path = NULL;
	if (read->operation != reader->measured)
		memset(&reader->lengths, 0, sizeof(reader->lengths));
	reader->measured = read->operation;
}

int64
og_reader_date_ms(const OgReader *reader)
{
	return reader->date_ms;
}

void
og_reader_close(OgReader *reader)
{
	og_sender_close(&reader->sender);
	MemoryContextDelete(reader->batches);
	MemoryContextDelete(reader->requests);
	if (reader->foreign > 0)
		og_patience_hear(&reader->sender, OG_NEWS_FOREIGN, reader->foreign,
						 NULL);
	if (reader->others > 0)
		og_patience_hear(&reader->sender, OG_NEWS_STRAY, reader->others, NULL);
}
