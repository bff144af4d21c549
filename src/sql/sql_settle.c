/*-------------------------------------------------------------------------
 *
 * sql_settle.c
 *		What became of orders whose outcome is unknown.
 *
 * Arguments in, and a row for each id out; how that is found out is the room
 * settle/'s.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/timestamp.h"

#include "session/session.h"
#include "settle/settle.h"
#include "sql/sql_function.h"
#include "sql/sql_rows.h"

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
	SqlGiven	given;
	OgAccount  *account;
	OgQuestion	question;
	OgKeys	   *keys;			/* of the question */
	ArrayType  *sent_at;		/* NULL = not known */
	OgSettling *settling;

	SqlRows		rows;
	Oid			outcomes[OG_OUTCOMES];	/* enum values */
	Oid			states[OG_ORDER_STATES];
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
	const OgProvider *provider;
	OgQuestion *question = &settling->question;

	(void) take(fcinfo, ARG_IDS, settling);
	provider = og_account_provider(server);
	settling->given.provider = provider;
	check_market(fcinfo, &settling->given, provider->inquiries->market);
	question->market = take(fcinfo, ARG_MARKET, settling);
	question->by = take(fcinfo, ARG_BY, settling);
	if (strcmp(question->by, "client_order_id") == 0 &&
		!provider->inquiries->client_ids)
		og_argument_refuse(&settling->given, "by", "must be \"order_id\"",
						   "This provider knows orders by their own ids only.");
	question->create = strcmp(take(fcinfo, ARG_ACT, settling), "create") == 0;
	if (!PG_ARGISNULL(ARG_SENT_AT))
	{
		settling->sent_at = PG_GETARG_ARRAYTYPE_P(ARG_SENT_AT);
		if (length_of(settling->sent_at) != length_of(settling->given.ids))
			og_argument_refuse(&settling->given, "sent_at",
							   "has not as many elements as \"ids\"",
							   "Give one time for each id, in the same order: array_agg(... ORDER BY ...) for both.");
	}
	settling->account = og_account_open(server, provider, true);
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
	OgSent		sent = {sent_at, sent_at};
	OgSettled	settled;

	og_settling_conclude(settling->settling,
						 og_keys_at(settling->keys, position), &sent,
						 &settled);
	og_sql_row_begin(rows);
	og_sql_row_add(rows, InvalidOid, id);
	og_sql_row_add(rows, InvalidOid,
				   ObjectIdGetDatum(settling->outcomes[settled.outcome]));
	og_sql_row_add(rows, InvalidOid,
				   ObjectIdGetDatum(settling->states[settled.state]));
	og_sql_row_add_text(rows, TEXTOID, settled.message);
	og_sql_row_add_int(rows, position + 1);
	og_sql_row_add_time(rows, og_settling_checked_at(settling->settling));
	og_sql_row_add_text(rows, JSONOID, settled.raw);
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
	Settling	settling = {0};

	take_arguments(fcinfo, &settling);
	open_rows(&settling, fcinfo);
	settling.keys = og_ids_keys(&settling.given);
	if (settling.keys->nkeys == 0)
		return;
	settling.question.keys = settling.keys;
	settling.settling = og_session_settle(settling.account,
										  &settling.question,
										  "order_gateway_settle");
	put_rows(&settling);
	og_settling_close(settling.settling);
}
