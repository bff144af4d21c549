/*-------------------------------------------------------------------------
 *
 * sql_settle.c
 *		What became of orders whose outcome is unknown.
 *
 * Asks the provider by its reads, as its inquiries say, and draws a conclusion
 * for each order; see sql_finding.c.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "ground/clock.h"
#include "session/session.h"
#include "sql/sql_finding.h"
#include "sql/sql_function.h"
#include "sql/sql_rows.h"

/*
 * Less than the days of which a provider knows is asked for, so that what is
 * asked for around it is one request with it.
 */
#define SHORTER_MS	INT64CONST(10000)

/* Arguments, in order. */
enum
{
	ARG_SERVER,
	ARG_IDS,
	ARG_SENT_AT,
	ARG_MARKET,
	ARG_BY,
	ARG_ACT
};

static const char *const acts[] = {"cancel", "create", NULL};

static const SqlParameter parameters[] = {
	[ARG_IDS] = {"ids", SQL_IDS},
	[ARG_MARKET] = {"market", SQL_MARKET},
	[ARG_BY] = {"by", SQL_CHOICE, .required = true, .words = og_id_kinds},
	[ARG_ACT] = {"act", SQL_CHOICE, .required = true, .words = acts}
};

typedef struct Settling
{
	const OgProvider *provider;
	OgAccount  *account;
	OgReader   *reader;
	SqlGiven	given;
	const char *market;
	const char *by;
	UnknownAct	act;
	ArrayType  *sent_at;		/* NULL = not known */
	MemoryContext context;		/* of all that findings point to */
	OgKeys	   *keys;
	Finding    *findings;		/* per key */
	TimestampTz checked_at;

	SqlRows		rows;
	Oid			outcomes[OG_OUTCOMES];	/* enum values */
	Oid			states[OG_ORDER_STATES];

	/* the inquiry under way */
	const OgInquiry *inquiry;
	const OgOperation *operation;
	int			current;		/* key that is asked for, or -1 */
	Fills		fills;			/* of that key */
	int			known_minutes;	/* of an inquiry before, see OgInquiry */
} Settling;

/* ---------- arguments ---------- */

/* Take an argument by its kind.  Answers its text, NULL = there is none. */
static const char *
take(FunctionCallInfo fcinfo, int n, Settling *settling)
{
	og_argument_take(fcinfo, n, &parameters[n], &settling->given);
	return og_fields_get(&settling->given.fields, parameters[n].name);
}

/* The inquiries that go by market need one, the others must not have it. */
static void
check_market(FunctionCallInfo fcinfo, const SqlGiven *given, bool needed)
{
	if (needed && PG_ARGISNULL(ARG_MARKET))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("argument \"market\" must not be null"),
				 errhint("Orders of this provider are asked for by their market.")));
	if (!needed && !PG_ARGISNULL(ARG_MARKET))
		og_argument_refuse(given, "market", "must be null",
						   "Orders of this provider have no market.");
}

static int
length_of(const ArrayType *array)
{
	return array == NULL ? 0 : ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array));
}

static void
take_arguments(FunctionCallInfo fcinfo, Settling *settling)
{
	const char *server = og_sql_server(fcinfo, ARG_SERVER);
	const OgInquiry *inquiries;

	(void) take(fcinfo, ARG_IDS, settling);
	settling->provider = og_account_provider(server);
	settling->given.provider = settling->provider;
	inquiries = settling->provider->inquiries;
	check_market(fcinfo, &settling->given, inquiries->market);
	settling->market = take(fcinfo, ARG_MARKET, settling);
	settling->by = take(fcinfo, ARG_BY, settling);
	settling->act.shared_id = strcmp(settling->by, "client_order_id") == 0;
	if (settling->act.shared_id && !inquiries->client_ids)
		og_argument_refuse(&settling->given, "by", "must be \"order_id\"",
						   "This provider knows orders by their own ids only.");
	settling->act.create = strcmp(take(fcinfo, ARG_ACT, settling), "create") == 0;
	settling->act.part_is_final = inquiries->part_is_final;
	if (!PG_ARGISNULL(ARG_SENT_AT))
	{
		settling->sent_at = PG_GETARG_ARRAYTYPE_P(ARG_SENT_AT);
		if (length_of(settling->sent_at) != length_of(settling->given.ids))
			og_argument_refuse(&settling->given, "sent_at",
							   "has not as many elements as \"ids\"",
							   "Give one time for each id, in the same order: array_agg(... ORDER BY ...) for both.");
	}
	settling->account = og_account_open(server, settling->provider, true);
}

/* ---------- asking ---------- */

/* Is a record about the order that was asked for, by what it says itself? */
static bool
is_current(const Settling *settling, const OgSlice *values)
{
	const OgColumn *columns = settling->operation->columns;
	OgSlice		key = og_keys_get(settling->keys, settling->current);
	OgSlice		id = values[og_column(columns, settling->by)];
	int			symbol = og_column(columns, "symbol");

	return og_names(id, key) &&
		(symbol < 0 || og_json_kind(values[symbol]) == OG_JSON_NOTHING ||
		 og_says_in_any_case(values[symbol], og_slice_of(settling->market)));
}

/* Might the provider take this id for the key, from which it differs? */
static bool
is_alike(const Settling *settling, OgSlice id)
{
	const OgOperation *cancel = og_sql_operation(settling->provider, "cancel");
	OgSlice		key = og_keys_get(settling->keys, settling->current);
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
pass_over(const Settling *settling, const OgSlice *values)
{
	Finding    *finding = &settling->findings[settling->current];
	OgSlice		id = values[og_column(settling->operation->columns,
									  settling->by)];

	if (settling->inquiry[1].operation == NULL || is_alike(settling, id))
		finding->strange = true;
}

static void
take_record(void *owner, const OgRecord *record)
{
	Settling   *settling = owner;
	const OgInquiry *inquiry = settling->inquiry;
	Finding    *finding;

	if (!inquiry->keys && !is_current(settling, record->values))
	{
		pass_over(settling, record->values);
		return;
	}
	finding = &settling->findings[inquiry->keys ? record->key
								  : settling->current];
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
	const Settling *settling = owner;

	return settling->inquiry->state == NULL && !settling->act.create &&
		!settling->act.shared_id &&
		og_fills_suffice(&settling->fills,
						 &settling->findings[settling->current],
						 settling->known_minutes);
}

/* Ask by the operation of the inquiry under way. */
static void
ask(Settling *settling, const OgFields *fields, const OgKeys *keys)
{
	OgRead		read = {
		.operation = settling->operation,
		.arguments = fields,
		.keys = keys,
		.take = take_record,
		.enough = has_enough,
		.owner = settling,

		/* If it is not the order but all that is not there, the next one fails. */
		.unknown_is_none = settling->inquiry[1].operation != NULL
	};

	og_session_reader_ask(settling->reader, &read);
}

/* What one order is asked for by. */
static void
add_arguments(const Settling *settling, OgFields *fields, int key,
			  int64 now_ms)
{
	OgSlice		id = og_keys_get(settling->keys, key);
	int64		span_ms = settling->inquiry->days *
		SECS_PER_DAY * INT64CONST(1000);

	if (settling->market != NULL)
		og_fields_add(fields, "symbol", settling->market);
	og_fields_add(fields, settling->by, pnstrdup(id.data, id.len));
	if (span_ms == 0)
		return;
	og_fields_add(fields, "match_symbol", "true");
	og_fields_add(fields, "from_time",
				  psprintf(INT64_FORMAT, now_ms - span_ms + SHORTER_MS));
	og_fields_add(fields, "to_time", psprintf(INT64_FORMAT, now_ms));
}

/* Ask for one order.  What that takes is of the current context. */
static void
ask_one(Settling *settling, int key)
{
	const OgInquiry *inquiry = settling->inquiry;
	Finding    *finding = &settling->findings[key];
	int64		now_ms = og_unix_ms(GetCurrentTimestamp());
	OgFields	fields = {0};

	add_arguments(settling, &fields, key, now_ms);
	settling->current = key;
	if (inquiry->state == NULL)
		og_fills_begin(&settling->fills, inquiry, settling->operation);
	ask(settling, &fields, NULL);
	if (inquiry->state == NULL)
		og_fills_judge(&settling->fills, finding, settling->known_minutes,
					   now_ms);
	else if (!finding->found && inquiry->minutes > 0)
		finding->absent_ms = og_reader_date_ms(settling->reader);
}

/* Ask for one order after the other. */
static void
ask_each(Settling *settling)
{
	MemoryContext asking = AllocSetContextCreate(CurrentMemoryContext,
												 "order_gateway settle",
												 ALLOCSET_DEFAULT_SIZES);

	for (int key = 0; key < settling->keys->nkeys; key++)
	{
		MemoryContext old;

		if (settling->findings[key].found)
			continue;
		old = MemoryContextSwitchTo(asking);
		ask_one(settling, key);
		MemoryContextSwitchTo(old);
		MemoryContextReset(asking);
	}
	MemoryContextDelete(asking);
}

/* Ask for all at once. */
static void
ask_by_keys(Settling *settling)
{
	OgFields	fields = {0};

	if (settling->market != NULL)
		og_fields_add(&fields, "market", settling->market);
	ask(settling, &fields, settling->keys);
}

/* One inquiry after the other, for what those before did not know. */
static void
ask_all(Settling *settling)
{
	const OgInquiry *inquiries = settling->provider->inquiries;

	settling->reader =
		og_session_reader_open(settling->account,
							   og_sql_operation(settling->provider,
												inquiries->operation),
							   "order_gateway_settle", settling->keys->nkeys);
	for (settling->inquiry = inquiries;
		 settling->inquiry->operation != NULL; settling->inquiry++)
	{
		settling->operation = og_sql_operation(settling->provider,
											   settling->inquiry->operation);
		if (settling->inquiry->keys)
			ask_by_keys(settling);
		else
			ask_each(settling);
		settling->known_minutes = Max(settling->known_minutes,
									  settling->inquiry->minutes);
	}
	og_reader_close(settling->reader);
	for (int key = 0; key < settling->keys->nkeys; key++)
	{
		Finding    *finding = &settling->findings[key];

		if (!finding->found)
			finding->state = finding->strange ? OG_ORDER_UNKNOWN
				: OG_ORDER_GONE;
	}
}

/* ---------- rows ---------- */

/* Types of the extension, and of the ids, are looked up by their names. */
static const SqlAttribute attributes[] = {
	{"order_id"},
	{"outcome"},
	{"order_state"},
	{"message", TEXTOID},
	{"ordinal", INT4OID},
	{"checked_at", TIMESTAMPTZOID},
	{"raw", JSONOID}
};

static const char *
state_name(int state)
{
	return og_order_state_name((OgOrderState) state);
}

static void
open_rows(Settling *settling, FunctionCallInfo fcinfo)
{
	SqlRows    *rows = &settling->rows;

	og_sql_rows_open(rows, fcinfo);
	og_sql_rows_order(rows, attributes, lengthof(attributes));
	(void) og_sql_rows_id(rows, "order_id", settling->given.id_type);
	og_sql_rows_outcome(rows, settling->outcomes);
	og_sql_rows_enum(rows, "order_state", OG_ORDER_STATES, state_name,
					 settling->states);
}

static void
put_row(Settling *settling, Datum id, int position, TimestampTz sent_at)
{
	SqlRows    *rows = &settling->rows;
	const Finding *finding =
		&settling->findings[og_keys_at(settling->keys, position)];
	const char *message;
	OgVerdict	outcome = og_finding_conclude(finding, &settling->act, sent_at,
											  settling->checked_at, &message);

	og_sql_row_begin(rows);
	og_sql_row_add(rows, InvalidOid, id);
	og_sql_row_add(rows, InvalidOid,
				   ObjectIdGetDatum(settling->outcomes[outcome]));
	og_sql_row_add(rows, InvalidOid,
				   ObjectIdGetDatum(settling->states[finding->state]));
	og_sql_row_add_text(rows, TEXTOID, message);
	og_sql_row_add_int(rows, position + 1);
	og_sql_row_add_time(rows, settling->checked_at);
	og_sql_row_add_text(rows, JSONOID, finding->raw);
	og_sql_row_end(rows);
}

static void
put_rows(Settling *settling)
{
	ArrayIterator ids = array_create_iterator(settling->given.ids, 0, NULL);
	ArrayIterator times = settling->sent_at == NULL ? NULL
		: array_create_iterator(settling->sent_at, 0, NULL);
	Datum		id;
	Datum		time;
	bool		isnull;

	for (int i = 0; array_iterate(ids, &id, &isnull); i++)
	{
		TimestampTz sent_at = 0;

		if (times != NULL && array_iterate(times, &time, &isnull) && !isnull &&
			!TIMESTAMP_NOT_FINITE(DatumGetTimestampTz(time)))
			sent_at = DatumGetTimestampTz(time);
		put_row(settling, id, i, sent_at);
	}
}

/*
 * order_gateway_settle(server name, ids anycompatiblearray,
 *		sent_at timestamptz[], market text, by text, act text)
 */
void
og_sql_settle(FunctionCallInfo fcinfo, const void *nothing)
{
	Settling	settling = {.context = CurrentMemoryContext};

	take_arguments(fcinfo, &settling);
	open_rows(&settling, fcinfo);
	settling.keys = og_ids_keys(&settling.given);
	if (settling.keys->nkeys == 0)
		return;
	settling.findings = palloc_extended(settling.keys->nkeys * sizeof(Finding),
										MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	settling.checked_at = GetCurrentTimestamp();
	ask_all(&settling);
	put_rows(&settling);
}
