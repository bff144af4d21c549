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

#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/timestamp.h"

#include "limiter/limiter.h"
#include "sql/sql_function.h"

/* ---------- create ---------- */

static bool
is(const SqlGiven *given, const char *name, const char *word)
{
	const char *value = og_fields_get(&given->fields, name);

	return value != NULL && strcmp(value, word) == 0;
}

/* "whose" is such as "a LIMIT order". */
static void
need(const SqlGiven *given, const char *name, const char *whose,
	 const char *hint)
{
	if (og_fields_get(&given->fields, name) != NULL)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("%s is needed for %s", og_argument_subject(given, name), whose),
			 errhint("%s", hint)));
}

static void
do_without(const SqlGiven *given, const char *name, const char *whose,
		   const char *hint)
{
	if (og_fields_get(&given->fields, name) == NULL)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("%s cannot be given for %s", og_argument_subject(given, name),
					whose),
			 errhint("%s", hint)));
}

/* The price, and what only orders of type PEG have. */
static void
check_price(const SqlGiven *given)
{
	if (is(given, "type", "MARKET"))
		do_without(given, "price", "a MARKET order",
				   "A MARKET order takes the prices that it finds; use type LIMIT to bound them.");
	else
		need(given, "price", "an order of this type",
			 "Only a MARKET order has no price.");

	if (is(given, "type", "PEG"))
	{
		need(given, "stealth", "a PEG order",
			 "It is the percentage of the order that the order book shows.");
		return;
	}
	do_without(given, "stealth", "an order of this type",
			   "It is for orders of type PEG.");
	do_without(given, "deviation", "an order of this type",
			   "It is for orders of type PEG.");
}

/* What waits for a trigger. */
static void
check_trigger(const SqlGiven *given)
{
	bool		waits = is(given, "tx_type", "STOP") ||
		is(given, "tx_type", "TRIGGER");
	bool		oco = is(given, "type", "OCO");

	if (waits && (oco || is(given, "type", "PEG")))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s must be LIMIT for an order of this type",
						og_argument_subject(given, "tx_type")),
				 errhint("STOP and TRIGGER are for orders of type LIMIT and MARKET.")));
	if (oco)
	{
		need(given, "stop_price", "an OCO order",
			 "It is the price of the leg that waits for its trigger.");
		need(given, "trigger_price", "an OCO order",
			 "It is the price that sets off the leg with the stop price.");
	}
	else if (waits)
		need(given, "trigger_price", "a STOP or TRIGGER order",
			 "It is the price that sets it off.");
	else
	{
		static const char *const of_trigger[] = {
			"trigger_price", "stop_price", "trail_value"
		};

		for (size_t i = 0; i < lengthof(of_trigger); i++)
			do_without(given, of_trigger[i],
					   "an order that waits for no trigger",
					   "Give tx_type => 'STOP' or 'TRIGGER', or type => 'OCO'.");
	}
}

/*
 * An order that only waits in the book, and is also one that only trades at
 * once, would be the one or the other.
 */
static void
check_post_only(const SqlGiven *given)
{
	bool		at_once = is(given, "time_in_force", "IOC") ||
		is(given, "time_in_force", "FOK");

	if (!is(given, "post_only", "true"))
		return;
	if (is(given, "type", "MARKET"))
		do_without(given, "post_only", "a MARKET order",
				   "A MARKET order never waits in the order book; use type LIMIT.");
	if (at_once)
		do_without(given, "post_only", "an IOC or FOK order",
				   "Such an order never waits in the order book; leave out time_in_force.");
}

/* An order always has an id of our own, so that it can be looked for. */
void
og_complete_order(SqlGiven *given)
{
	check_price(given);
	check_trigger(given);
	check_post_only(given);
	if (og_fields_get(&given->fields, "client_order_id") == NULL)
	{
		Datum		uuid = DirectFunctionCall1(gen_random_uuid, (Datum) 0);

		og_fields_add(&given->fields, "client_order_id",
					  DatumGetCString(DirectFunctionCall1(uuid_out, uuid)));
	}
}

/* ---------- amend ---------- */

void
og_complete_amendment(SqlGiven *given)
{
	bool		by_order_id = og_fields_get(&given->fields, "order_id") != NULL;
	bool		by_client = og_fields_get(&given->fields,
										  "client_order_id") != NULL;

	if (by_order_id == by_client)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("exactly one of the arguments \"order_id\" and \"client_order_id\" must be given"),
				 errhint("Where both are known, the order id is the one that no other order shares.")));
	if (og_fields_get(&given->fields, "price") == NULL &&
		og_fields_get(&given->fields, "size") == NULL &&
		og_fields_get(&given->fields, "trigger_price") == NULL)
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
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" is after \"%s\"",
						"from_time", "to_time"),
				 errhint("Both belong to what is asked for; without \"to_time\" that is now.")));
}

/* One order, by either of its ids. */
void
og_complete_one_order(SqlGiven *given)
{
	if (og_fields_get(&given->fields, "order_id") == NULL &&
		og_fields_get(&given->fields, "client_order_id") == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("arguments \"%s\" and \"%s\" must not both be null",
						"order_id", "client_order_id"),
				 errhint("Name the order by one of them; btse_open_orders() lists all that are open.")));
}
