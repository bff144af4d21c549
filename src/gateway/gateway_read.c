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

#include "gateway/gateway_walk.h"

struct OgReader
{
	Errand		errand;			/* the request under way, or the last one */
	MemoryContext context;
	MemoryContext batches;		/* of what is asked for now */
	MemoryContext requests;		/* of the last attempt */
	Sender		sender;
	int64		date_ms;		/* Date of the last answer, 0 = none */
	int64		foreign;		/* records about ids nobody asked for ... */
	int64		others;			/* ... and about other things */

	/* the read under way, and how long answers to its operation have been */
	const OgRead *read;			/* NULL: it is over */
	const OgOperation *operation;
	OgLengths	lengths;
	Walk	   *walk;			/* for the keys asked for now, or NULL */
	int			first_key;		/* of them, among all */
	int			next_key;		/* that was not asked for yet */
	bool		answered;
	bool		failed;
	OgFailure	failure;		/* of the last attempt */
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

/* Is the time over that the call may take in all? */
static bool
is_timed_out(const OgReader *reader)
{
	return reader->sender.deadline != 0 &&
		og_clock_now() >= reader->sender.deadline;
}

/*
 * Is anything of a good answer what was asked for, where that is one thing?  If
 * not, it is asked for once more.
 */
static bool
is_about_it(OgReader *reader, const OgResponse *response)
{
	Walk	   *walk = reader->walk;

	if (reader->read->unknown_is_none || !reader->operation->one ||
		walk->given > 0 || walk->foreign == 0)
		return true;
	og_failure_missed(&reader->failure, walk->foreign, response);
	walk->foreign = 0;
	return false;
}

/* Read an answer.  True if it was a success. */
static bool
read_answer(OgReader *reader, const OgResponse *response, Attempt *attempt)
{
	const OgBatch *asked = &reader->errand.asked;
	Answer		answer = {.reader = reader, .keys = {.batch = asked}};
	OgRecords  *records = &answer.records;
	OgReading  *reading = &records->reading;
	const char *flaw = NULL;
	OgSlice		value;
	bool		done = response->status >= 200 && response->status <= 299;

	if (og_walk_knows(reader->walk, response->body) && done)
		return true;
	reading->find = find_key;
	reading->rest = OG_UNKNOWN;
	reading->envelope = OG_ENVELOPE_SILENT;
	records->columns = reader->operation->columns;
	records->take = take_record;
	records->key = -1;
	answer.usable = done;
	if (og_json_prove(response->body, &value, &flaw))
		reader->operation->read_records(records, value, asked);

	if (flaw == NULL && done && reading->envelope == OG_ENVELOPE_SUCCESS)
		return is_about_it(reader, response);
	if (records->nothing &&
		(done || response->status == 400 || response->status == 404))
		return true;
	og_failure_answered(&reader->failure, attempt, records, flaw, response);

	/* What was handed on must not be handed on once more. */
	if (answer.taken > 0)
		attempt->final = true;
	return reader->failure.sqlstate == ERRCODE_NO_DATA &&
		reader->read->unknown_is_none;
}

/* Take an answer, or that there is none. */
static void
take_answer(Errand *errand, const OgResponse *response, Attempt *attempt)
{
	OgReader   *reader = (OgReader *) errand;

	MemoryContextReset(reader->requests);
	reader->date_ms = og_http_date_ms(response);
	if (response->delivery == OG_ANSWERED)
		reader->answered = read_answer(reader, response, attempt);
	else
		og_failure_unanswered(&reader->failure, attempt, response,
							  is_timed_out(reader));
}

static bool
settle(Errand *errand, OgTransfer *transfer, const Attempt *attempt, bool again)
{
	OgReader   *reader = (OgReader *) errand;

	og_http_release(transfer);
	reader->failed = !reader->answered && !again;
	return !reader->answered && again;
}

/* Not asked, or not once more: what the last attempt was answered stays. */
static void
give_up(Errand *errand, const char *why)
{
	OgReader   *reader = (OgReader *) errand;

	reader->failed = true;
	if (errand->attempts > 0)
		return;
	if (errand->sender->stopped == NULL)
		og_failure_unmade(&reader->failure);
	else
		og_failure_unsent(&reader->failure, why, is_timed_out(reader));
}

static const ErrandKind read_request = {
	.take = take_answer,
	.settle = settle,
	.give_up = give_up
};

/* Ask what the walk wants to be asked next. */
static void
begin_request(OgReader *reader)
{
	Errand	   *errand = &reader->errand;

	errand->operation = reader->operation;
	errand->number++;
	errand->state = ERRAND_READY;
	errand->attempts = 0;
	errand->not_before = 0;
	reader->answered = false;
	og_sender_add(&reader->sender, errand);
}

/* ---------- the read ---------- */

/* The next keys to be asked for, or that none are.  False after the last. */
static bool
begin_batch(OgReader *reader)
{
	const OgKeys *keys = reader->read->keys;
	OgBatch    *asked = &reader->errand.asked;
	int			first = reader->next_key;

	if (first >= (keys != NULL ? keys->nkeys : 1))
		return false;
	reader->walk = og_walk_begin(reader->read, &reader->lengths);
	reader->answered = false;
	reader->first_key = first;
	reader->next_key = keys == NULL ? 1
		: og_keys_batch_end(keys, reader->sender.account, reader->operation,
							first);
	memset(asked, 0, sizeof(*asked));
	if (keys != NULL)
		(void) og_keys_batch(asked, keys, first, reader->next_key, NULL);
	asked->arguments = &reader->walk->arguments;
	return true;
}

/* Were the answers all there is? */
static bool
is_whole(OgReader *reader)
{
	const Wholeness *wholeness = &reader->walk->wholeness;

	if (wholeness->doubt != NULL)
		og_pace_hear(&reader->sender, OG_NEWS_DOUBT, 0, wholeness->doubt);
	if (wholeness->flaw != NULL)
		og_failure_incomplete(&reader->failure, wholeness);
	return wholeness->flaw == NULL;
}

/* Does whoever reads want no more of these keys? */
static bool
has_enough(const OgReader *reader)
{
	const OgRead *read = reader->read;

	return reader->answered && read->enough != NULL &&
		read->enough(read->owner);
}

/* Nothing is asked now: go on to the next request, or end the read. */
static void
go_on(OgReader *reader)
{
	MemoryContext old = MemoryContextSwitchTo(reader->batches);
	Walk	   *walk = reader->walk;
	bool		enough = walk != NULL && has_enough(reader);

	if (walk == NULL && !begin_batch(reader))
		reader->read = NULL;
	else if (!enough && og_walk_next(reader->walk))
		begin_request(reader);
	else if (!enough && !is_whole(reader))
		reader->failed = true;
	else
	{
		reader->others += reader->walk->foreign;
		reader->walk = NULL;
		MemoryContextReset(reader->batches);
	}
	MemoryContextSwitchTo(old);
}

bool
og_reader_advance(OgReader *reader, OgPause *pause)
{
	const Errand *errand = &reader->errand;

	while (reader->read != NULL && !reader->failed)
	{
		if (errand->state == ERRAND_DONE)
			go_on(reader);
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
og_reader_failure(OgReader *reader)
{
	if (!reader->failed)
		return NULL;
	reader->failure.asked = describe_request(reader);
	reader->failure.attempts = reader->errand.attempts;
	reader->failure.account = reader->sender.account;
	reader->failure.function = reader->sender.caller.function;
	return &reader->failure;
}

/* ---------- beginning and end ---------- */

OgReader *
og_reader_open(const OgAccount *account, const OgOperation *operation,
			   const OgCaller *caller, int64 ids)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext,
												  "order_gateway reader",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	OgReader   *reader = palloc0(sizeof(OgReader));
	Errand	   *errand = &reader->errand;

	reader->context = context;
	reader->operation = operation;
	reader->batches = AllocSetContextCreate(context, "order_gateway batch",
											ALLOCSET_SMALL_SIZES);
	reader->requests = AllocSetContextCreate(context, "order_gateway read",
											 ALLOCSET_DEFAULT_SIZES);
	errand->kind = &read_request;
	errand->context = reader->requests;
	errand->number = -1;
	errand->state = ERRAND_DONE;
	og_sender_open(&reader->sender, account, operation, caller);
	reader->sender.one_by_one = true;
	og_report_begin(&reader->sender, ids);
	MemoryContextSwitchTo(old);
	return reader;
}

void
og_reader_ask(OgReader *reader, const OgRead *read)
{
	const OgOperation *last = reader->operation;

	Assert(read->operation->kind == last->kind);
	Assert(reader->read == NULL && !reader->failed);
	reader->read = read;
	reader->next_key = 0;
	reader->errand.path = NULL;
	if (read->operation != last)
		memset(&reader->lengths, 0, sizeof(reader->lengths));
	reader->operation = read->operation;
}

int64
og_reader_date_ms(const OgReader *reader)
{
	return reader->date_ms;
}

void
og_reader_close(OgReader *reader)
{
	if (reader->foreign > 0)
		og_pace_hear(&reader->sender, OG_NEWS_FOREIGN, reader->foreign, NULL);
	if (reader->others > 0)
		og_pace_hear(&reader->sender, OG_NEWS_STRAY, reader->others, NULL);
	MemoryContextDelete(reader->context);
}
