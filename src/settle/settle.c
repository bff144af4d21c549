/*-------------------------------------------------------------------------
 *
 * settle.c
 *		Asks a provider what became of orders whose outcome is unknown.
 *
 * One inquiry after the other is made, for what those before did not know: about
 * all orders at once where it takes ids or lists some, else about one after the
 * other.  A list is worth asking for only where there are many.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "ground/clock.h"
#include "settle/settle.h"
#include "settle/settle_finding.h"

/*
 * Less than the days of which a provider knows is asked for, so that what is
 * asked for around it is one request with it.
 */
#define SHORTER_MS	INT64CONST(10000)

/* So many orders are worth a list of all that are open. */
#define WORTH_A_LIST	5

/* Questions of one step: what else wants to be asked waits for no longer. */
#define STEP_QUESTIONS	25

struct OgSettling
{
	MemoryContext context;		/* of all that findings point to */
	MemoryContext asking;		/* of what is asked now */
	const OgAccount *account;
	OgQuestion	question;
	UnknownAct	act;
	OgCaller	caller;
	OgReader   *reader;			/* of this step; NULL = it is over */
	Finding    *findings;		/* per key */
	bool	   *told;			/* of each: by og_settling_next() */
	TimestampTz checked_at;

	/* the inquiry under way, and what is asked for it */
	const OgInquiry *inquiry;
	const OgOperation *operation;
	int			next;			/* key that may be asked for next */
	int			nasked;			/* questions of this step */
	bool		reads;			/* "read" is under way */
	OgRead		read;
	OgFields	fields;
	int64		read_ms;		/* since then */
	int			current;		/* key that is asked for, or -1: all */
	OgKeyIndex	listed;			/* where a list is read, to find them */
	OgBatch		all;
	Fills		fills;			/* of that key */
	int			known_minutes;	/* of an inquiry before, see OgInquiry */
};

static const OgOperation *
operation_of(const OgSettling *settling, const char *name)
{
	const OgProvider *provider = settling->account->provider;
	const OgOperation *operation = og_provider_operation(provider, name);

	if (operation == NULL)
		elog(ERROR, "provider \"%s\" has no operation \"%s\"",
			 provider->name, name);
	return operation;
}

static Finding *
current_finding(const OgSettling *settling)
{
	return &settling->findings[settling->current];
}

/* ---------- records ---------- */

/* The id that a record says it is about, as far as it is of the market. */
static OgSlice
id_of(const OgSettling *settling, const OgSlice *values)
{
	const OgQuestion *question = &settling->question;
	const OgColumn *columns = settling->operation->columns;
	int			symbol = og_column(columns, "symbol");

	if (symbol < 0 || og_json_kind(values[symbol]) == OG_JSON_NOTHING ||
		og_says_in_any_case(values[symbol], og_slice_of(question->market)))
		return values[og_column(columns, question->by)];
	return og_slice(NULL, 0);
}

/* Is a record about the order that was asked for, by what it says itself? */
static bool
is_current(const OgSettling *settling, const OgSlice *values)
{
	return og_names(id_of(settling, values),
					og_keys_get(settling->question.keys, settling->current));
}

/* Might the provider take this id for the key, from which it differs? */
static bool
is_alike(const OgSettling *settling, OgSlice id)
{
	const OgOperation *cancel = operation_of(settling, "cancel");
	OgSlice		key = og_keys_get(settling->question.keys, settling->current);
	uint64		like;

	if (og_names(id, key))
		return false;
	if (og_says_in_any_case(id, key))
		return true;
	if (cancel->likeness == NULL || !og_is_id(id))
		return false;
	like = cancel->likeness(og_slice_of(og_json_text(id, (int) id.len)));
	return like == 0 || like == cancel->likeness(key);
}

/*
 * A server that does not heed what was asked for answers with other orders.
 * Where that is all it says, nobody knows whether there is the one.
 */
static void
pass_over(const OgSettling *settling, const OgSlice *values)
{
	OgSlice		id = values[og_column(settling->operation->columns,
									  settling->question.by)];

	if (settling->inquiry[1].operation == NULL || is_alike(settling, id))
		current_finding(settling)->strange = true;
}

/* The key that a record is about, or -1. */
static int
key_of(OgSettling *settling, const OgRecord *record)
{
	if (settling->inquiry->keys)
		return record->key;
	if (settling->inquiry->list)
		return og_key_find(&settling->listed,
						   id_of(settling, record->values));
	if (is_current(settling, record->values))
		return settling->current;
	pass_over(settling, record->values);
	return -1;
}

static void
take_record(void *owner, const OgRecord *record)
{
	OgSettling *settling = owner;
	const OgInquiry *inquiry = settling->inquiry;
	int			key = key_of(settling, record);
	Finding    *finding;

	if (key < 0)
		return;
	finding = &settling->findings[key];

	/* Of what a list does not tell, the next inquiry may know more. */
	if (inquiry->list &&
		inquiry->state(settling->operation->columns,
					   record->values) == OG_ORDER_UNKNOWN)
		return;
	if (inquiry->state == NULL)
		og_fills_take(&settling->fills, record->values);
	else
		og_finding_take_state(finding, inquiry, settling->operation,
							  record->values,
							  og_unix_ms(GetCurrentTimestamp()));
	if (finding->raw == NULL)
	{
		MemoryContext old = MemoryContextSwitchTo(settling->context);

		finding->raw = pnstrdup(record->raw.data, record->raw.len);
		MemoryContextSwitchTo(old);
	}
}

/*
 * Do the trades that came show what became of the order?  Not of one that is
 * known by a client order id: others may share that, and of a new order the
 * first trade counts.
 */
static bool
has_enough(void *owner)
{
	const OgSettling *settling = owner;

	return settling->inquiry->state == NULL && !settling->act.create &&
		!settling->act.shared_id &&
		og_fills_suffice(&settling->fills, current_finding(settling),
						 settling->known_minutes);
}

/* ---------- asking ---------- */

/* Ask by the operation of the inquiry under way, about all keys or by arguments. */
static void
ask(OgSettling *settling, const OgKeys *keys)
{
	settling->read = (OgRead)
	{
		.operation = settling->operation,
		.arguments = &settling->fields,
		.keys = keys,
		.take = take_record,
		.enough = has_enough,
		.owner = settling,

		/* If it is not the order but all that is not there, the next one fails. */
		.unknown_is_none = settling->inquiry[1].operation != NULL
	};
	settling->reads = true;
	settling->nasked++;
	og_reader_ask(settling->reader, &settling->read);
}

/* What one order is asked for by. */
static void
add_arguments(OgSettling *settling)
{
	const OgQuestion *question = &settling->question;
	OgFields   *fields = &settling->fields;
	OgSlice		id = og_keys_get(question->keys, settling->current);
	int64		span_ms = settling->inquiry->days *
		SECS_PER_DAY * INT64CONST(1000);

	if (question->market != NULL)
		og_fields_add(fields, "symbol", question->market);
	og_fields_add(fields, question->by, pnstrdup(id.data, id.len));
	if (span_ms == 0)
		return;
	og_fields_add(fields, "match_symbol", "true");
	og_fields_add(fields, "from_time",
				  psprintf(INT64_FORMAT,
						   settling->read_ms - span_ms + SHORTER_MS));
	og_fields_add(fields, "to_time",
				  psprintf(INT64_FORMAT, settling->read_ms));
}

/* Ask for the next order that is not known.  False if there is none. */
static bool
ask_one(OgSettling *settling)
{
	int			nkeys = settling->question.keys->nkeys;

	while (settling->next < nkeys && settling->findings[settling->next].found)
		settling->next++;
	if (settling->next == nkeys)
		return false;
	settling->current = settling->next++;
	settling->read_ms = og_unix_ms(GetCurrentTimestamp());
	add_arguments(settling);
	if (settling->inquiry->state == NULL)
		og_fills_begin(&settling->fills, settling->inquiry,
					   settling->operation);
	ask(settling, NULL);
	return true;
}

/* Ask for all at once.  False if that was done. */
static bool
ask_by_keys(OgSettling *settling)
{
	if (settling->next > 0)
		return false;
	settling->next = settling->question.keys->nkeys;
	settling->current = -1;
	if (settling->question.market != NULL)
		og_fields_add(&settling->fields, "market", settling->question.market);
	ask(settling, settling->question.keys);
	return true;
}

/* Ask for all that are of the market.  False if that was done, or is no use. */
static bool
ask_for_list(OgSettling *settling)
{
	const OgKeys *keys = settling->question.keys;

	if (settling->next > 0 || !settling->question.lists ||
		keys->nkeys < WORTH_A_LIST)
		return false;
	settling->next = keys->nkeys;
	settling->current = -1;
	(void) og_keys_batch(&settling->all, keys, 0, keys->nkeys, NULL);
	settling->listed = (OgKeyIndex) {.batch = &settling->all};
	og_fields_add(&settling->fields, "symbol", settling->question.market);
	ask(settling, NULL);
	return true;
}

/* What was asked for has been told. */
static void
end_read(OgSettling *settling)
{
	const OgInquiry *inquiry = settling->inquiry;

	settling->reads = false;
	if (settling->current >= 0)
	{
		Finding    *finding = current_finding(settling);

		if (inquiry->state == NULL)
			og_fills_judge(&settling->fills, finding, settling->known_minutes,
						   settling->read_ms);
		else if (!finding->found && inquiry->minutes > 0)
			finding->absent_ms = og_reader_date_ms(settling->reader);
	}
	memset(&settling->fields, 0, sizeof(settling->fields));
	MemoryContextReset(settling->asking);
}

static void
begin_inquiry(OgSettling *settling, const OgInquiry *inquiry)
{
	settling->inquiry = inquiry;
	settling->next = 0;
	if (inquiry->operation != NULL)
		settling->operation = operation_of(settling, inquiry->operation);
}

/* Ask what is to be asked next.  False if that was all. */
static bool
ask_next(OgSettling *settling)
{
	while (settling->inquiry->operation != NULL)
	{
		if (settling->inquiry->keys ? ask_by_keys(settling)
			: settling->inquiry->list ? ask_for_list(settling)
			: ask_one(settling))
			return true;
		settling->known_minutes = Max(settling->known_minutes,
									  settling->inquiry->minutes);
		begin_inquiry(settling, settling->inquiry + 1);
	}
	return false;
}

static void
end_step(OgSettling *settling)
{
	if (settling->reader != NULL)
		og_reader_close(settling->reader);
	settling->reader = NULL;
	settling->nasked = 0;
}

static bool
advance(OgSettling *settling, OgPause *pause)
{
	if (settling->reader == NULL)
		return true;
	while (settling->reads || ask_next(settling))
	{
		if (!og_reader_advance(settling->reader, pause))
			return false;
		if (og_reader_failure(settling->reader) != NULL)
			return true;
		end_read(settling);
		if (settling->question.in_steps &&
			settling->nasked >= STEP_QUESTIONS)
			break;
	}
	end_step(settling);
	return true;
}

/* ---------- for whoever settles ---------- */

OgSettling *
og_settling_open(const OgAccount *account, const OgQuestion *question,
				 const OgCaller *caller)
{
	const OgInquiry *inquiries = account->provider->inquiries;
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext,
												  "order_gateway settling",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	OgSettling *settling = palloc0(sizeof(OgSettling));
	int			nkeys = question->keys->nkeys;

	settling->context = context;
	settling->asking = AllocSetContextCreate(context, "order_gateway settle",
											 ALLOCSET_DEFAULT_SIZES);
	settling->account = account;
	settling->question = *question;
	settling->caller = *caller;
	settling->act.create = question->create;
	settling->act.shared_id = strcmp(question->by, "client_order_id") == 0;
	settling->act.part_is_final = inquiries->part_is_final;
	settling->findings = palloc_extended(nkeys * sizeof(Finding),
										 MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	settling->told = palloc_extended(nkeys * sizeof(bool),
									 MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	settling->checked_at = GetCurrentTimestamp();
	begin_inquiry(settling, inquiries);
	MemoryContextSwitchTo(old);
	og_settling_go_on(settling);
	return settling;
}

void
og_settling_go_on(OgSettling *settling)
{
	MemoryContext old = MemoryContextSwitchTo(settling->context);

	settling->reader = og_reader_open(settling->account, settling->operation,
									  &settling->caller,
									  settling->question.keys->nkeys);
	MemoryContextSwitchTo(old);
}

bool
og_settling_advance(OgSettling *settling, OgPause *pause)
{
	MemoryContext old = MemoryContextSwitchTo(settling->asking);
	bool		over = advance(settling, pause);

	MemoryContextSwitchTo(old);
	return over;
}

bool
og_settling_is_over(const OgSettling *settling)
{
	return settling->inquiry->operation == NULL;
}

bool
og_settling_next(OgSettling *settling, int *key)
{
	int			nkeys = settling->question.keys->nkeys;
	bool		over = og_settling_is_over(settling);

	/* What an answer says that is not read to its end is not known yet. */
	for (*key = 0; *key < nkeys; (*key)++)
	{
		if (!settling->told[*key] &&
			(over || (settling->findings[*key].found &&
					  !(settling->reads && (settling->current < 0 ||
											settling->current == *key)))))
		{
			settling->told[*key] = true;
			return true;
		}
	}
	return false;
}

int
og_settling_failed_key(const OgSettling *settling)
{
	return settling->current;
}

bool
og_settling_was_listing(const OgSettling *settling)
{
	return settling->inquiry->list;
}

const OgFailure *
og_settling_failure(OgSettling *settling)
{
	return settling->reader == NULL ? NULL
		: og_reader_failure(settling->reader);
}

void
og_settling_conclude(const OgSettling *settling, int key, const OgSent *sent,
					 OgSettled *settled)
{
	const Finding *finding = &settling->findings[key];
	Finding		nothing = {
		.state = finding->strange ? OG_ORDER_UNKNOWN : OG_ORDER_GONE
	};

	settled->raw = finding->raw;
	if (!finding->found)
		finding = &nothing;
	settled->outcome = og_finding_conclude(finding, &settling->act, sent,
										   settling->checked_at,
										   &settled->message);
	settled->state = finding->state;
}

TimestampTz
og_settling_checked_at(const OgSettling *settling)
{
	return settling->checked_at;
}

void
og_settling_close(OgSettling *settling)
{
	end_step(settling);
	MemoryContextDelete(settling->context);
}
