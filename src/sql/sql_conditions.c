/*-------------------------------------------------------------------------
 *
 * sql_conditions.c
 *		What the arguments of a call mean to each other.
 *
 * What the provider documents is checked before anything leaves, and so is what
 * it would have to ignore, to trade at once where the arguments say that the
 * order is to wait; what it leaves open is left to it.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/fmgrprotos.h"
#include "utils/timestamp.h"

#include "ground/clock.h"
#include "ground/order_id.h"
#include "sql/sql_function.h"
#include "worker/worker_journal.h"

static bool
has(const SqlGiven *given, const char *name)
{
	return og_fields_get(&given->fields, name) != NULL;
}

/* ---------- create ---------- */

static bool
is(const SqlGiven *given, const char *name, const char *word)
{
	const char *value = og_fields_get(&given->fields, name);

	return value != NULL && strcmp(value, word) == 0;
}

#define NEEDED	true, "is needed for"
#define BARRED	false, "cannot be given for"

/* Where .when holds, an argument must be there, or must not. */
typedef struct Rule
{
	bool		when;
	bool		needed;
	const char *fault;
	const char *name;
	const char *whose;			/* such as "a LIMIT order" */
	const char *hint;
} Rule;

/* What type, trigger and "post_only" of an order mean for its other arguments. */
static void
check_rules(const SqlGiven *given)
{
	bool		market = is(given, "type", "MARKET");
	bool		oco = is(given, "type", "OCO");
	bool		peg = is(given, "type", "PEG");
	bool		waits = is(given, "tx_type", "STOP") ||
		is(given, "tx_type", "TRIGGER");
	bool		at_once = is(given, "time_in_force", "IOC") ||
		is(given, "time_in_force", "FOK");
	bool		post_only = is(given, "post_only", "true");
	const char *no_trigger = "an order that waits for no trigger";
	const char *set_trigger = "Give tx_type => 'STOP' or 'TRIGGER', or type => 'OCO'.";
	const Rule	rules[] = {
		{market, BARRED, "price", "a MARKET order",
		"A MARKET order takes the prices that it finds; use type LIMIT to bound them."},
		{!market, NEEDED, "price", "an order of this type",
		"Only a MARKET order has no price."},
		{peg, NEEDED, "stealth", "a PEG order",
		"It is the percentage of the order that the order book shows."},
		{!peg, BARRED, "stealth", "an order of this type",
		"It is for orders of type PEG."},
		{!peg, BARRED, "deviation", "an order of this type",
		"It is for orders of type PEG."},
		{waits && (oco || peg), false, "must be LIMIT for", "tx_type", "an order of this type",
		"STOP and TRIGGER are for orders of type LIMIT and MARKET."},
		{oco, NEEDED, "stop_price", "an OCO order",
		"It is the price of the leg that waits for its trigger."},
		{oco, NEEDED, "trigger_price", "an OCO order",
		"It is the price that sets off the leg with the stop price."},
		{waits, NEEDED, "trigger_price", "a STOP or TRIGGER order",
		"It is the price that sets it off."},
		{!oco && !waits, BARRED, "trigger_price", no_trigger, set_trigger},
		{!oco && !waits, BARRED, "stop_price", no_trigger, set_trigger},
		{!oco && !waits, BARRED, "trail_value", no_trigger, set_trigger},

		/* an order that only waits in the book, and one that only trades */
		{post_only && market, BARRED, "post_only", "a MARKET order",
		"A MARKET order never waits in the order book; use type LIMIT."},
		{post_only && at_once, BARRED, "post_only", "an IOC or FOK order",
		"Such an order never waits in the order book; leave out time_in_force."},
	};

	for (const Rule *rule = rules; rule < rules + lengthof(rules); rule++)
	{
		if (rule->when && has(given, rule->name) != rule->needed)
			og_argument_refuse(given, rule->name,
							   psprintf("%s %s", rule->fault, rule->whose),
							   rule->hint);
	}
}

/* Whose mark the ids that we make bear; NULL = there is none yet. */
static const pg_uuid_t *
installation_of(SqlGiven *given)
{
	OgInstallation found;

	if (given->installation == NULL && og_journal_find(&found))
	{
		pg_uuid_t  *copy = palloc(sizeof(pg_uuid_t));

		*copy = found.id;
		given->installation = copy;
	}
	return given->installation;
}

/*
 * An id by which an order found later is known as ours.  Those of a process are
 * numbered, from anywhere on, so that no two are the same.
 */
static const char *
make_id(SqlGiven *given)
{
	static uint64 number = 0;
	const pg_uuid_t *installation = installation_of(given);
	Datum		uuid;
	char	   *id;

	if (installation == NULL)
	{
		uuid = DirectFunctionCall1(gen_random_uuid, (Datum) 0);
		return DatumGetCString(DirectFunctionCall1(uuid_out, uuid));
	}
	if (number == 0 && !pg_strong_random(&number, sizeof(number)))
		elog(ERROR, "could not generate random values");
	id = og_order_id_make(installation->data,
						  og_unix_ms(GetCurrentTimestamp()), number++);
	if (id == NULL)
		elog(ERROR, "could not make an order's id");
	return id;
}

/* An order always has an id of our own, so that it can be looked for. */
void
og_complete_order(SqlGiven *given)
{
	check_rules(given);
	if (!has(given, "client_order_id"))
	{
		og_fields_add(&given->fields, "client_order_id", make_id(given));
		given->made_id = true;
	}
}

/* ---------- amend ---------- */

void
og_complete_amendment(SqlGiven *given)
{
	bool		by_order_id = has(given, "order_id");

	if (by_order_id == has(given, "client_order_id"))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("exactly one of the arguments \"order_id\" and \"client_order_id\" must be given"),
				 errhint("Where both are known, the order id is the one that no other order shares.")));
	if (!has(given, "price") && !has(given, "size") &&
		!has(given, "trigger_price"))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("nothing is to be amended"),
				 errhint("Give at least one of the arguments \"price\", \"size\" and \"trigger_price\".")));
	og_fields_add(&given->fields, "by",
				  by_order_id ? "order_id" : "client_order_id");
}

/* ---------- reads ---------- */

/* A stretch of time needs an end, which is not before its beginning. */
void
og_complete_stretch(SqlGiven *given)
{
	const char *from = og_fields_get(&given->fields, "from_time");
	const char *to = og_fields_get(&given->fields, "to_time");

	if (from == NULL)
		return;
	if (to == NULL)
	{
		to = psprintf(INT64_FORMAT, og_unix_ms(GetCurrentTimestamp()));
		og_fields_add(&given->fields, "to_time", to);
	}
	if (strtoll(from, NULL, 10) > strtoll(to, NULL, 10))
		og_argument_refuse(given, "from_time", "is after \"to_time\"",
						   "Both belong to what is asked for; without \"to_time\" that is now.");
}

/* One order, by either of its ids. */
void
og_complete_one_order(SqlGiven *given)
{
	if (!has(given, "order_id") && !has(given, "client_order_id"))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("arguments \"%s\" and \"%s\" must not both be null",
						"order_id", "client_order_id"),
				 errhint("Name the order by one of them; btse_open_orders() lists all that are open.")));
}
