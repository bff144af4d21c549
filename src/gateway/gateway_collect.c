/*-------------------------------------------------------------------------
 *
 * gateway_collect.c
 *		From one HTTP response to what every key of a batch gets.
 *
 * Three voices speak about an order: the transport (did it leave, did a whole
 * answer come back), the HTTP status, and the provider's own words, which
 * again are an envelope about the request and elements about single orders.
 * Here the elements are gathered per key first, without judging them; then
 * each key is judged once, by judge_element() or judge_rest().  The rule is
 * the same everywhere: a verdict stands where nothing contradicts it, and
 * where something does, the outcome is "unknown".
 *
 * What is kept of an answer is one small struct per key, or per part of a key
 * (see OG_MAX_PARTS); elements that nobody asked for are only counted.  Texts
 * are decoded for what is shown, so never for more than the answer's size.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "mb/pg_wchar.h"
#include "miscadmin.h"

#include "gateway/gateway_collect.h"

/* A difference of clocks that explains no refusal is not worth a word. */
#define CLOCK_MENTIONED_MS	2000

/* What an HTTP status says about a request, before its body is heard. */
typedef enum StatusClass
{
	STATUS_DONE,				/* 2xx: the body decides */
	STATUS_REFUSED,				/* 4xx: not processed */
	STATUS_PACE,				/* 429: not processed, send again */
	STATUS_LOST,				/* 408, 5xx: nobody knows */
	STATUS_ELSEWHERE			/* 3xx and what is no final status */
} StatusClass;

/* Elements with one verdict on one key, or on one part of it. */
typedef struct Taken
{
	bool		given;			/* there is one at all */
	OgResult	result;			/* the first of them */
	bool		contradicted;	/* others have another verdict */
	char	   *part;			/* text of result.part, NULL without one */
	struct Taken *next;			/* next part of the same key */
} Taken;

/* All that is known while one response is being weighed. */
typedef struct Collector
{
	OgReading	reading;		/* first: readers hand this part back to us */
	const OgOperation *operation;
	const OgBatch *batch;
	int			status;
	StatusClass class;
	Taken	   *taken;			/* per key, its first part; NULL: the body was
								 * not read ... */
	const char *flaw;			/* ... why not: completes "the answer ..." */
	int			foreign;
	bool		named;			/* some element named some order */
	bool		processed;		/* the body says that the request was worked
								 * on, in whole or in part */
	OgKeyIndex	keys;			/* of the batch */
} Collector;

/*
 * ----
 * Gathering: what readers call
 * ----
 */

static int
find_key(OgReading *reading, OgSlice id)
{
	return og_key_find(&((Collector *) reading)->keys, id);
}

/* Is this what was taken before: the same key, and the same part of it? */
static bool
same_part(const Collector *collector, const Taken *taken, OgSlice part)
{
	if (!collector->operation->several)
		return true;
	if (taken->part == NULL || part.data == NULL)
		return taken->part == NULL && part.data == NULL;
	return og_json_equals(part, taken->part);
}

/*
 * Take the verdict of one element.  The number of parts is bounded by the
 * reader (OG_MAX_PARTS), so a list does.
 */
static void
take_result(OgReading *reading, int key, const OgResult *result)
{
	Collector  *collector = (Collector *) reading;
	Taken	   *taken;

	CHECK_FOR_INTERRUPTS();
	collector->named = true;
	if (result->verdict == OG_TOO_FREQUENT)
		reading->too_frequent = true;
	if (key < 0)
	{
		collector->foreign++;
		return;
	}

	taken = &collector->taken[key];
	while (taken->given && !same_part(collector, taken, result->part))
	{
		if (taken->next == NULL)
			taken->next = palloc0(sizeof(Taken));
		taken = taken->next;
	}

	if (!taken->given)
	{
		taken->given = true;
		taken->result = *result;
		if (result->part.data != NULL)
			taken->part = og_json_text(result->part, OG_MAX_PART_LEN);
	}
	else if (taken->result.verdict != result->verdict)
		taken->contradicted = true;
}

/*
 * ----
 * Judging
 * ----
 */

static StatusClass
classify_status(int status)
{
	if (status >= 200 && status <= 299)
		return STATUS_DONE;
	if (status == 429)
		return STATUS_PACE;
	if (status == 408 || (status >= 500 && status <= 599))
		return STATUS_LOST;
	if (status >= 400 && status <= 499)
		return STATUS_REFUSED;
	return STATUS_ELSEWHERE;
}

static bool
is_done(OgVerdict verdict)
{
	return verdict == OG_CANCELLED || verdict == OG_ACCEPTED;
}

/*
 * Does a proven body say that the request was worked on?  That contradicts a
 * status 429, which says that nothing was.  Of single orders, only refusals
 * go together with it; and a success, if every one came too frequently.
 */
static bool
was_processed(const Collector *collector)
{
	bool		worked_on =
		collector->reading.envelope == OG_ENVELOPE_SUCCESS;
	bool		all_too_frequent = true;

	for (int i = 0; i < collector->batch->nkeys; i++)
	{
		for (const Taken *taken = &collector->taken[i]; taken != NULL;
			 taken = taken->next)
		{
			OgVerdict	verdict = taken->contradicted
				? OG_UNKNOWN : taken->result.verdict;

			if (!taken->given || verdict != OG_TOO_FREQUENT)
				all_too_frequent = false;
			if (taken->given && verdict != OG_TOO_FREQUENT &&
				verdict != OG_REJECTED)
				worked_on = true;
		}
	}
	return collector->foreign > 0 || is_done(collector->reading.rest) ||
		(worked_on && !all_too_frequent);
}

/* What is left of a verdict beside the status. */
static OgVerdict
judge(const Collector *collector, OgVerdict verdict)
{
	switch (collector->class)
	{
		case STATUS_DONE:
			return verdict;
		case STATUS_REFUSED:
			return is_done(verdict) ? OG_UNKNOWN : verdict;
		case STATUS_PACE:
			return collector->processed ? OG_UNKNOWN : OG_TOO_FREQUENT;
		case STATUS_LOST:
		case STATUS_ELSEWHERE:
			break;
	}
	return OG_UNKNOWN;
}

/* The verdict on an order that has an element of its own. */
static OgVerdict
judge_element(const Collector *collector, const Taken *taken)
{
	return taken->contradicted ? OG_UNKNOWN
		: judge(collector, taken->result.verdict);
}

/*
 * The verdict on all orders without an element.  A refusal of the request is
 * one of them all only where no element shows that it was worked on.
 */
static OgVerdict
judge_rest(const Collector *collector)
{
	const OgReading *reading = &collector->reading;
	OgVerdict	rest = reading->rest;
	bool		refused = collector->class == STATUS_REFUSED;

	if (refused && reading->envelope == OG_ENVELOPE_SUCCESS)
		rest = OG_UNKNOWN;
	else if (refused && rest != OG_TOO_FREQUENT && !is_done(rest))
		rest = OG_REJECTED;
	if (collector->named &&
		(refused || reading->envelope == OG_ENVELOPE_REFUSAL))
		rest = OG_UNKNOWN;
	return judge(collector, rest);
}

/*
 * ----
 * Words: the provider's own, or ours where it has none
 * ----
 */

/* Our own words, of unknown length and perhaps with bytes of a header. */
static const char *
clip_words(char *words)
{
	size_t		len = pg_encoding_verifymbstr(PG_UTF8, words,
											  (int) strlen(words));

	words[og_utf8_clip(words, len, OG_MAX_MESSAGE)] = '\0';
	return words;
}

/*
 * A refusal that a wrong clock may explain tells how wrong ours is, if it
 * surely is; the words that it is added to are cut to make room.
 */
static const char *
add_clock(const char *message, const OgResponse *response)
{
	OgClock		clock;
	char	   *words;
	int			room;

	if (!og_http_clock(response, &clock) ||
		!og_http_clock_differs(&clock, CLOCK_MENTIONED_MS))
		return message;
	words = og_http_clock_words(&clock);
	room = OG_MAX_MESSAGE - (int) strlen(words) - (int) strlen("; ");
	return psprintf("%.*s; %s",
					(int) og_utf8_clip(message, strlen(message), room),
					message, words);
}

/*
 * Our message where the provider has none.  "note" is what the reader has to
 * say, or NULL; "otherwise" are our words if neither it nor the status explains
 * more.
 */
static const char *
our_words(const Collector *collector, OgVerdict verdict, const char *note,
		  const char *otherwise)
{
	if (verdict != OG_UNKNOWN && verdict != OG_REJECTED &&
		verdict != OG_TOO_FREQUENT)
		return NULL;
	if (collector->class != STATUS_DONE)
		return og_status_words(collector->status);
	if (collector->taken == NULL)
		return psprintf("the answer %s", collector->flaw);
	if (verdict != OG_UNKNOWN)
		return "the provider gave no reason";
	if (note != NULL)
		return psprintf("the answer %s", note);
	return otherwise;
}

/*
 * ----
 * Outcomes
 * ----
 */

static void
fill_from_taken(OgOutcome *outcome, const Collector *collector, const Taken *taken)
{
	const OgResult *result = &taken->result;

	outcome->verdict = judge_element(collector, taken);
	outcome->response = result->element;
	outcome->part = result->part;
	outcome->stranger = result->stranger;
	if (taken->contradicted)
	{
		outcome->message = "the answer contradicts itself about this order";
		return;
	}
	outcome->code = og_json_text(result->code, OG_MAX_CODE);
	outcome->message = og_json_text(result->message, OG_MAX_MESSAGE);
	if (outcome->message == NULL)
		outcome->message =
			our_words(collector, outcome->verdict,
					  result->note ? result->note : collector->reading.note,
					  "the answer does not say what became of this order");
}

/*
 * All orders of one key.  One that was refused for its pace may only go again
 * if nothing else is known of its key, which names them all.
 */
static void
fill_key(OgOutcome *outcome, const Collector *collector, const Taken *taken)
{
	OgOutcome  *last = outcome;
	bool		all_too_frequent;

	fill_from_taken(outcome, collector, taken);
	all_too_frequent = outcome->verdict == OG_TOO_FREQUENT;
	while ((taken = taken->next) != NULL)
	{
		last->next = palloc0(sizeof(OgOutcome));
		last = last->next;
		fill_from_taken(last, collector, taken);
		if (last->verdict != OG_TOO_FREQUENT)
			all_too_frequent = false;
	}

	for (last = outcome; last != NULL && !all_too_frequent; last = last->next)
	{
		if (last->verdict == OG_TOO_FREQUENT)
			last->verdict = OG_REJECTED;
	}
}

/* Keys without an element get this; its texts are shared. */
static void
fill_rest(OgOutcome *rest, const Collector *collector,
		  const OgResponse *response)
{
	rest->verdict = judge_rest(collector);
	if (collector->taken != NULL)
	{
		rest->code = og_json_text(collector->reading.code, OG_MAX_CODE);
		rest->message = og_json_text(collector->reading.message,
									 OG_MAX_MESSAGE);
	}
	if (rest->message == NULL)
		rest->message = our_words(collector, rest->verdict,
								  collector->reading.note,
								  "the answer does not mention this order");
	if (rest->verdict == OG_REJECTED && collector->reading.clock_suspected)
		rest->message = add_clock(rest->message, response);
}

/* A response that no body can explain is the same to all keys. */
static void
fill_unheard(OgOutcome *rest, const OgResponse *response)
{
	rest->verdict = OG_UNKNOWN;
	if (response->delivery == OG_NOT_DELIVERED)
	{
		rest->verdict = OG_NOT_SENT;
		rest->message = response->problem != NULL
			? clip_words(pstrdup(response->problem))
			: "the request could not be sent";
	}
	else if (response->delivery == OG_NO_ANSWER)
		rest->message = response->problem != NULL
			? clip_words(pstrdup(response->problem))
			: "no whole answer came back";
	else if (response->location != NULL)
		rest->message =
			clip_words(psprintf("HTTP %d redirect to %s was not followed",
								response->status, response->location));
	else
		rest->message = og_status_words(response->status);
}

/*
 * Is this the answer of an act that has none?  One that ends where the
 * connection does may have lost a body on the way.
 */
static bool
is_silent_success(const Collector *collector, const OgResponse *response)
{
	if (!collector->operation->empty_is_accepted || !response->delimited ||
		collector->class != STATUS_DONE)
		return false;
	for (size_t i = 0; i < response->body.len; i++)
	{
		char		c = response->body.data[i];

		if (c != ' ' && c != '\t' && c != '\r' && c != '\n')
			return false;
	}
	return true;
}

/* Prove and read the body, gathering what it says. */
static void
read_body(Collector *collector, const OgResponse *response)
{
	OgReading  *reading = &collector->reading;
	bool		silent = is_silent_success(collector, response);
	OgSlice		answer;

	if (!silent && !og_json_prove(response->body, &answer, &collector->flaw))
		return;
	collector->taken = palloc0(collector->batch->nkeys * sizeof(Taken));
	if (!silent)
		collector->operation->read(reading, answer, collector->batch);
	if (silent || (reading->blank && collector->class == STATUS_DONE))
		reading->rest = OG_ACCEPTED;
	collector->processed = was_processed(collector);
}

void
og_collect(OgCollected *collected, const OgOperation *operation,
		   const OgBatch *batch, const OgResponse *response)
{
	Collector	collector = {
		.reading = {find_key, take_result, .rest = OG_UNKNOWN,
		.envelope = OG_ENVELOPE_SILENT},
		.operation = operation,
		.batch = batch,
		.status = response->status,
		.class = classify_status(response->status),
		.keys = {.batch = batch}
	};
	const OgReading *reading = &collector.reading;
	OgOutcome	rest = {0};
	bool		heard = response->delivery == OG_ANSWERED &&
		collector.class != STATUS_ELSEWHERE;

	if (heard)
	{
		read_body(&collector, response);
		fill_rest(&rest, &collector, response);
	}
	else
		fill_unheard(&rest, response);

	collected->outcomes = palloc0(batch->nkeys * sizeof(OgOutcome));
	collected->foreign = collector.foreign;
	collected->wants_fewer = collector.class == STATUS_PACE ||
		reading->too_frequent || reading->rest == OG_TOO_FREQUENT;
	collected->nonce_refused = heard && reading->nonce_refused &&
		!collector.named && rest.verdict == OG_REJECTED;
	for (int i = 0; i < batch->nkeys; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (collector.taken != NULL && collector.taken[i].given)
			fill_key(&collected->outcomes[i], &collector,
					 &collector.taken[i]);
		else
			collected->outcomes[i] = rest;
	}

	/* Outcomes may wait long for their rows; what was gathered need not. */
	if (collector.taken != NULL)
		pfree(collector.taken);
	if (collector.keys.sorted != NULL)
		pfree(collector.keys.sorted);
}
