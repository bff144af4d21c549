/*-------------------------------------------------------------------------
 *
 * sql_settle.c
 *		What became of orders whose outcome is unknown.
 *
 * Asks the provider by its reads, as its inquiries say, and draws a conclusion
 * for each order.  A conclusion must be true whatever else happened: what was
 * asked for may still be running at the provider for a while, so that "open" or
 * "not known" means nothing then; and of an order that no read knows nothing
 * follows, since a read may be late, or know no more.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "funcapi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/numeric.h"
#include "utils/timestamp.h"

#include "gateway_read.h"
#include "limiter.h"
#include "sql_call.h"
#include "sql_outcome.h"
#include "sql_record.h"
#include "sql_rows.h"

PG_FUNCTION_INFO_V1(order_gateway_settle);

#define FUNCTION_NAME	"order_gateway_settle"

/* A request may run at a provider for so long after it was sent. */
#define RUNNING_SECONDS	60

/*
 * Less than the days of which a provider knows is asked for, so that what is
 * asked for around it is one request with it.
 */
#define SHORTER_MS	INT64CONST(10000)

/* An order that is older than the request to create it by more is another one. */
#define CREATED_BEFORE_MS	INT64CONST(60000)

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

enum
{
	COL_ORDER_ID,
	COL_OUTCOME,
	COL_STATE,
	COL_MESSAGE,
	COL_ORDINAL,
	COL_CHECKED_AT,
	COL_RAW,
	NCOLUMNS
};

/* What the reads said of one key. */
typedef struct Finding
{
	bool		found;
	bool		exists;			/* a record says where it stands ... */
	bool		closed;			/* fills are known, and it is not open */
	int64		newest_ms;		/* ... of this time at the latest, 0 = none */
	OgOrderState state;
	char	   *raw;			/* the element that says so, or NULL */
	Numeric		filled;			/* sum of its fills, NULL = none */
} Finding;

typedef struct Settling
{
	ReturnSetInfo *rsinfo;
	const OgProvider *provider;
	OgAccount  *account;
	OgReader   *reader;
	SqlArguments arguments;		/* ids, as og_sql_keys() wants them */
	const char *market;
	const char *by;
	bool		create;			/* what is unknown is whether they exist */
	ArrayType  *sent_at;		/* NULL = not known */
	MemoryContext context;		/* of all that findings point to */
	OgKeys	   *keys;
	Finding    *findings;		/* per key */
	TimestampTz checked_at;
	Oid			outcomes[OG_OUTCOMES];
	Oid			states[OG_ORDER_STATES];

	/* the inquiry under way */
	const OgInquiry *inquiry;
	const OgOperation *operation;
	int			current;		/* key that is asked for, or -1 */
} Settling;

/* ---------- arguments ---------- */

static void
refuse(int sqlstate, const char *argument, const char *what, const char *hint)
{
	ereport(ERROR,
			(errcode(sqlstate),
			 errmsg("argument \"%s\" %s", argument, what),
			 hint ? errhint("%s", hint) : 0));
}

/* The inquiries that go by market need one, the others must not have it. */
static void
take_market(FunctionCallInfo fcinfo, Settling *settling)
{
	bool		needed = settling->provider->inquiries->market;

	if (needed && PG_ARGISNULL(ARG_MARKET))
		refuse(ERRCODE_NULL_VALUE_NOT_ALLOWED, "market", "must not be null",
			   "Orders of this provider are asked for by their market.");
	if (!needed && !PG_ARGISNULL(ARG_MARKET))
		refuse(ERRCODE_INVALID_PARAMETER_VALUE, "market", "must be null",
			   "Orders of this provider have no market.");
	if (!needed)
		return;
	settling->market = text_to_cstring(PG_GETARG_TEXT_PP(ARG_MARKET));
	og_sql_check_market(settling->market, "market");
}

/* Times in the order of the ids: one for each, or none at all. */
static void
take_times(FunctionCallInfo fcinfo, Settling *settling)
{
	int			nids = settling->arguments.ids == NULL ? 0
		: ArrayGetNItems(ARR_NDIM(settling->arguments.ids),
						 ARR_DIMS(settling->arguments.ids));

	if (PG_ARGISNULL(ARG_SENT_AT))
		return;
	settling->sent_at = PG_GETARG_ARRAYTYPE_P(ARG_SENT_AT);
	if (ArrayGetNItems(ARR_NDIM(settling->sent_at),
					   ARR_DIMS(settling->sent_at)) != nids)
		refuse(ERRCODE_INVALID_PARAMETER_VALUE, "sent_at",
			   "has not as many elements as \"ids\"",
			   "Give one time for each id, in the same order: array_agg(... ORDER BY ...) for both.");
}

static void
take_arguments(FunctionCallInfo fcinfo, Settling *settling)
{
	const char *server = og_sql_server(fcinfo, ARG_SERVER);
	const char *act;

	og_sql_take_ids(fcinfo, ARG_IDS, "ids", &settling->arguments);
	settling->provider = og_account_provider(server);
	if (settling->provider->inquiries == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("server \"%s\" cannot be asked what became of its orders",
						server),
				 errdetail("Its provider has no call that reads them."),
				 errhint("Open them in the provider's own client and look at their state.")));
	take_market(fcinfo, settling);
	settling->by = og_sql_required_text(fcinfo, ARG_BY, "by");
	og_sql_check_by(settling->by);
	if (strcmp(settling->by, "client_order_id") == 0 &&
		settling->provider->inquiries->keys)
		refuse(ERRCODE_INVALID_PARAMETER_VALUE, "by", "must be \"order_id\"",
			   "This provider knows orders by their own ids only.");
	act = og_sql_required_text(fcinfo, ARG_ACT, "act");
	og_sql_check_choice(act, "act", "cancel", "create");
	settling->create = strcmp(act, "create") == 0;
	take_times(fcinfo, settling);
	settling->account = og_account_open(server, settling->provider, true);
}

/* ---------- asking ---------- */

/* The numeric in a column of that name, or NULL. */
static Numeric
numeric_in_column(const Settling *settling, const OgSlice *values,
				  const char *name)
{
	Datum		number;

	return og_sql_numeric(values[og_column(settling->operation->columns, name)],
						  &number) ? DatumGetNumeric(number) : NULL;
}

/*
 * One of several fills of an order.  Without an id it cannot be told from one
 * that comes twice, so it does not count.
 */
static void
take_fill(Settling *settling, Finding *finding, const OgSlice *values)
{
	const OgColumn *columns = settling->operation->columns;
	OgSlice		id = values[og_column(columns, settling->operation->id[0])];
	Numeric		filled = numeric_in_column(settling, values,
										   settling->inquiry->filled);
	Numeric		size = numeric_in_column(settling, values,
										 settling->inquiry->size);

	finding->closed = true;
	if (finding->state != OG_ORDER_FILLED)
		finding->state = OG_ORDER_PARTLY_FILLED;
	if (filled == NULL || !og_is_id(id))
		return;
	if (finding->filled != NULL)
		filled = DatumGetNumeric(DirectFunctionCall2(numeric_add,
													 NumericGetDatum(finding->filled),
													 NumericGetDatum(filled)));
	finding->filled = filled;
	if (size != NULL &&
		DatumGetBool(DirectFunctionCall2(numeric_ge, NumericGetDatum(filled),
										 NumericGetDatum(size))))
		finding->state = OG_ORDER_FILLED;
}

/* Two records of one order that say different things say nothing. */
static void
take_state(Settling *settling, Finding *finding, const OgSlice *values)
{
	OgOrderState state = settling->inquiry->state(settling->operation->columns,
												  values);

	if (finding->found && finding->state != state)
		finding->state = OG_ORDER_UNKNOWN;
	else
		finding->state = state;
	finding->exists = finding->exists || state != OG_ORDER_UNKNOWN;
}

static void
take_time(const Settling *settling, Finding *finding, const OgSlice *values)
{
	const OgColumn *columns = settling->operation->columns;
	int			column = og_column(columns, "event_time");
	int64		ms;

	if (column >= 0 &&
		og_time_ms(columns[column].type, values[column], &ms))
		finding->newest_ms = Max(finding->newest_ms, ms);
}

/* Is a record about the order that was asked for, by what it says itself? */
static bool
is_current(const Settling *settling, const OgSlice *values)
{
	const OgColumn *columns = settling->operation->columns;
	OgSlice		key = og_keys_get(settling->keys, settling->current);
	OgSlice		id = values[og_column(columns, settling->by)];
	OgSlice		symbol = values[og_column(columns, "symbol")];

	return og_json_kind(id) != OG_JSON_NOTHING &&
		og_json_compare(id, key) == 0 &&
		(og_json_kind(symbol) == OG_JSON_NOTHING ||
		 og_says_in_any_case(symbol, og_slice_of(settling->market)));
}

/* A server that does not heed what was asked for answers with other orders. */
static void
take_record(void *owner, const OgRecord *record)
{
	Settling   *settling = owner;
	Finding    *finding;
	MemoryContext old;

	if (!settling->inquiry->keys && !is_current(settling, record->values))
		return;
	finding = &settling->findings[settling->inquiry->keys ? record->key
								  : settling->current];
	old = MemoryContextSwitchTo(settling->context);
	if (settling->inquiry->state == NULL)
	{
		take_fill(settling, finding, record->values);
		finding->exists = true;
	}
	else
		take_state(settling, finding, record->values);
	take_time(settling, finding, record->values);
	finding->found = true;
	if (finding->raw == NULL)
		finding->raw = pnstrdup(record->raw.data, record->raw.len);
	MemoryContextSwitchTo(old);
}

/* Ask by the operation of the inquiry under way. */
static void
ask(Settling *settling, const OgFields *fields, const OgKeys *keys)
{
	OgRead		read = {0};

	read.operation = settling->operation;
	read.arguments = fields;
	read.keys = keys;
	read.take = take_record;
	read.owner = settling;

	/* If it is not the order but all that is not there, the next one fails. */
	read.unknown_is_none = settling->inquiry[1].operation != NULL;
	og_reader_ask(settling->reader, &read);
}

/* Ask for one order. */
static void
ask_one(Settling *settling, int key)
{
	OgSlice		id = og_keys_get(settling->keys, key);
	OgFields	fields = {0};
	int64		now_ms = og_unix_ms(GetCurrentTimestamp());

	og_fields_add(&fields, "symbol", settling->market);
	og_fields_add(&fields, settling->by, pnstrdup(id.data, id.len));
	if (settling->inquiry->days > 0)
	{
		og_fields_add(&fields, "match_symbol", "true");
		og_fields_add(&fields, "from_time",
					  psprintf(INT64_FORMAT, now_ms + SHORTER_MS -
							   settling->inquiry->days * SECS_PER_DAY * INT64CONST(1000)));
		og_fields_add(&fields, "to_time",
					  psprintf(INT64_FORMAT, now_ms));
	}
	settling->current = key;
	ask(settling, &fields, NULL);
}

/* One inquiry after the other, for what those before did not know. */
static void
ask_all(Settling *settling)
{
	const OgInquiry *inquiries = settling->provider->inquiries;

	settling->reader =
		og_reader_open(settling->account,
					   og_sql_operation(settling->provider,
										inquiries->operation),
					   FUNCTION_NAME, settling->keys->nkeys);
	for (settling->inquiry = inquiries;
		 settling->inquiry->operation != NULL; settling->inquiry++)
	{
		settling->operation = og_sql_operation(settling->provider,
											   settling->inquiry->operation);
		if (settling->inquiry->keys)
		{
			OgFields	fields = {0};

			if (settling->market)
				og_fields_add(&fields, "market", settling->market);
			ask(settling, &fields, settling->keys);
			continue;
		}
		for (int key = 0; key < settling->keys->nkeys; key++)
			if (!settling->findings[key].found)
				ask_one(settling, key);
	}
	og_reader_close(settling->reader);
	for (int key = 0; key < settling->keys->nkeys; key++)
		if (!settling->findings[key].found)
			settling->findings[key].state = OG_ORDER_GONE;
}

/* ---------- conclusions ---------- */

typedef struct Conclusion
{
	OgVerdict	outcome;
	const char *message;
} Conclusion;

/* Does all that is known of it lie before the request that was to create it? */
static bool
is_older(const Finding *finding, TimestampTz sent_at)
{
	return sent_at != 0 && finding->newest_ms != 0 &&
		finding->newest_ms < og_unix_ms(sent_at) - CREATED_BEFORE_MS;
}

/* What follows for the act whose outcome was unknown. */
static Conclusion
conclude(const Settling *settling, const Finding *finding,
		 TimestampTz sent_at)
{
	bool		may_run = sent_at == 0 ||
		settling->checked_at - sent_at < RUNNING_SECONDS * USECS_PER_SEC;

	if (settling->create && finding->exists && is_older(finding, sent_at))
		return (Conclusion) {
		OG_UNKNOWN,
		"the provider has an order of this id, but from before the request was sent"};
	if (settling->create && finding->exists)
		return (Conclusion) {OG_ACCEPTED, "the provider has it"};
	if (!settling->create && strcmp(settling->by, "client_order_id") == 0)
		return (Conclusion) {
		OG_UNKNOWN,
		"orders may share a client order id: ask by the order id"};
	if (finding->state == OG_ORDER_CANCELLED)
		return (Conclusion) {OG_CANCELLED, "the provider says that it is cancelled"};
	if (finding->state == OG_ORDER_FILLED)
		return (Conclusion) {OG_NOT_CANCELLABLE, "it was filled"};
	if (finding->state == OG_ORDER_UNKNOWN)
		return (Conclusion) {OG_UNKNOWN, "the provider's answer does not tell"};
	if (finding->closed)
		return (Conclusion) {
		OG_UNKNOWN,
		"it is not open any more, and was filled in part as far as is known"};
	if (may_run)
		return (Conclusion) {
		OG_UNKNOWN,
		sent_at == 0
			? "it is not known when the request was sent, so it may still be running"
			: "the request may still be running at the provider: ask again later"};
	if (finding->state == OG_ORDER_GONE)
		return (Conclusion) {
		OG_UNKNOWN,
		"the provider does not know it: it never was, or was cancelled or filled long ago"};
	return (Conclusion) {
		OG_REJECTED,
		"it is still open, so nothing was done: it may be cancelled again"};
}

/* ---------- rows ---------- */

static const char *
state_name(int state)
{
	return og_order_state_name((OgOrderState) state);
}

static void
put_row(const Settling *settling, Datum id, int position,
		TimestampTz sent_at)
{
	const Finding *finding =
		&settling->findings[og_keys_at(settling->keys, position)];
	Conclusion	conclusion = conclude(settling, finding, sent_at);
	Datum		values[NCOLUMNS] = {0};
	bool		nulls[NCOLUMNS] = {0};

	values[COL_ORDER_ID] = id;
	values[COL_OUTCOME] = ObjectIdGetDatum(settling->outcomes[conclusion.outcome]);
	values[COL_STATE] = ObjectIdGetDatum(settling->states[finding->state]);
	values[COL_MESSAGE] = CStringGetTextDatum(conclusion.message);
	values[COL_ORDINAL] = Int32GetDatum(position + 1);
	values[COL_CHECKED_AT] = TimestampTzGetDatum(settling->checked_at);
	nulls[COL_RAW] = finding->raw == NULL;
	if (finding->raw != NULL)
		values[COL_RAW] = CStringGetTextDatum(finding->raw);
	tuplestore_putvalues(settling->rsinfo->setResult,
						 settling->rsinfo->setDesc, values, nulls);
}

static void
put_rows(const Settling *settling)
{
	ArrayIterator ids = array_create_iterator(settling->arguments.ids, 0, NULL);
	ArrayIterator times = settling->sent_at == NULL ? NULL
		: array_create_iterator(settling->sent_at, 0, NULL);
	Datum		id;
	bool		isnull;

	for (int i = 0; array_iterate(ids, &id, &isnull); i++)
	{
		Datum		time = (Datum) 0;
		bool		no_time = true;
		TimestampTz sent_at = 0;

		CHECK_FOR_INTERRUPTS();
		if (times != NULL)
			(void) array_iterate(times, &time, &no_time);
		if (!no_time && !TIMESTAMP_NOT_FINITE(DatumGetTimestampTz(time)))
			sent_at = DatumGetTimestampTz(time);
		put_row(settling, id, i, sent_at);
	}
}

static void
settle(FunctionCallInfo fcinfo, const void *what)
{
	SqlFunction function = {.name = FUNCTION_NAME, .ids = "ids"};
	Settling	settling = {0};
	TupleDesc	desc;

	settling.context = CurrentMemoryContext;
	settling.rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	desc = settling.rsinfo->setDesc;
	take_arguments(fcinfo, &settling);
	if (desc->natts != NCOLUMNS)
		elog(ERROR, "the result has %d columns instead of %d", desc->natts,
			 NCOLUMNS);
	og_sql_check_id_column(desc, COL_ORDER_ID, settling.arguments.id_type);
	og_sql_outcomes(TupleDescAttr(desc, COL_OUTCOME)->atttypid,
					settling.outcomes);
	og_sql_enum(TupleDescAttr(desc, COL_STATE)->atttypid, OG_ORDER_STATES,
				state_name, settling.states);
	function.provider = settling.provider;
	settling.keys = og_sql_keys(&function, &settling.arguments);
	if (settling.keys->nkeys == 0)
		return;
	settling.findings = palloc_extended(settling.keys->nkeys * sizeof(Finding),
										MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	settling.checked_at = GetCurrentTimestamp();
	ask_all(&settling);
	put_rows(&settling);
}

/*
 * order_gateway_settle(server name, ids anycompatiblearray,
 *		sent_at timestamptz[], market text, by text, act text)
 */
Datum
order_gateway_settle(PG_FUNCTION_ARGS)
{
	return og_sql_return_rows(fcinfo, FUNCTION_NAME, settle, NULL);
}
