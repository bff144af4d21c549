/*-------------------------------------------------------------------------
 *
 * sql_argument.c
 *		One argument, out of SQL or JSON, checked.
 *
 * An argument becomes the text that leaves: an amount with the very digits
 * that numeric prints, a word in capitals, a time in Unix milliseconds.
 *
 * Many new orders come in one jsonb.  Each is an object of the arguments that a
 * single order takes, by their names.  jsonb keeps numbers as numeric, so
 * amounts are exact.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "common/int.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/numeric.h"
#include "utils/timestamp.h"

#include "ground/clock.h"
#include "ground/compat.h"
#include "ground/list.h"
#include "sql/sql_function.h"

const char *const og_id_kinds[] = {"order_id", "client_order_id", NULL};

/* Digits of an id that is a number. */
#define NUMBER_ID_DIGITS	19

/* What an error is about: argument "x", or "x" of an order in a list. */
static const char *
subject(const SqlGiven *given, const char *name)
{
	return given->position == 0
		? psprintf("argument \"%s\"", name)
		: psprintf("\"%s\" of the order at position %d", name,
				   given->position);
}

void
og_argument_refuse(const SqlGiven *given, const char *name, const char *fault,
				   const char *hint)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("%s %s", subject(given, name), fault),
			 hint ? errhint("%s", hint) : 0));
}

pg_noreturn static void
refuse(const SqlGiven *given, const SqlParameter *parameter, const char *fault,
	   const char *hint)
{
	og_argument_refuse(given, parameter->name, fault, hint);
}

/* ---------- values, as the text that leaves ---------- */

static const char *
market_text(const SqlGiven *given, const SqlParameter *parameter,
			const char *text)
{
	if (!og_provider_is_market(given->provider, text))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s is not the name of a market",
						subject(given, parameter->name)),
				 errdetail("A market has 1 to %d characters of A-Z a-z 0-9 and \"%s\".",
						   OG_MAX_MARKET, given->provider->market_signs)));
	return text;
}

static const char *
id_text(const SqlGiven *given, const SqlParameter *parameter, const char *text)
{
	bool		printable;
	const char *fault = og_id_fault(og_slice_of(text), given->provider,
									&printable);
	size_t		digits = strspn(text, "0123456789");

	if (fault == NULL && parameter->kind == SQL_NUMBER_ID &&
		(text[digits] != '\0' || digits > NUMBER_ID_DIGITS || text[0] == '0'))
		fault = "is not 1 to " CppAsString2(NUMBER_ID_DIGITS) " digits without a leading zero";
	if (fault != NULL)
		refuse(given, parameter, fault, NULL);
	return text;
}

/* A word as the provider writes it. */
static const char *
word_text(const SqlGiven *given, const SqlParameter *parameter,
		  const char *text)
{
	const char *const *word;
	StringInfoData valid;

	for (word = parameter->words; *word != NULL; word++)
	{
		if (pg_strcasecmp(*word, text) == 0)
			return *word;
	}
	initStringInfo(&valid);
	for (word = parameter->words; *word != NULL; word++)
		og_list_add(&valid, "\"%s\"", *word);
	refuse(given, parameter, "is none of the words that it may be",
		   psprintf("Valid words are %s, in any case.", valid.data));
}

static const char *
choice_text(const SqlGiven *given, const SqlParameter *parameter,
			const char *text)
{
	const char *const *words = parameter->words;

	if (strcmp(text, words[0]) != 0 && strcmp(text, words[1]) != 0)
		refuse(given, parameter, psprintf("is neither \"%s\" nor \"%s\"",
										  words[0], words[1]), NULL);
	return text;
}

/* <0, 0, >0 */
static int
compare(Numeric amount, int bound)
{
	Datum		number = NumericGetDatum(int64_to_numeric(bound));

	return DatumGetInt32(DirectFunctionCall2(numeric_cmp,
											 NumericGetDatum(amount), number));
}

static const char *
amount_text(const SqlGiven *given, const SqlParameter *parameter,
			Numeric amount)
{
	char	   *text;

	if (numeric_is_nan(amount) || numeric_is_inf(amount))
		refuse(given, parameter, "is not a number", NULL);
	if ((parameter->least != 0
		 ? compare(amount, parameter->least) < 0
		 : compare(amount, 0) <= 0) ||
		(parameter->most != 0 && compare(amount, parameter->most) > 0))
		refuse(given, parameter, psprintf("must be %s", parameter->range),
			   NULL);
	text = DatumGetCString(DirectFunctionCall1(numeric_out,
											   NumericGetDatum(amount)));
	if (strlen(text) > OG_JSON_MAX_NUMBER)
		refuse(given, parameter,
			   "has more than " CppAsString2(OG_JSON_MAX_NUMBER) " characters",
			   NULL);
	return text;
}

static const char *
count_text(const SqlGiven *given, const SqlParameter *parameter, int count)
{
	if (count < parameter->least ||
		(parameter->most != 0 && count > parameter->most))
		refuse(given, parameter, psprintf("is %d", count),
			   parameter->most == 0
			   ? psprintf("Give a number from %d on.", parameter->least)
			   : psprintf("Give a number from %d to %d.", parameter->least,
						  parameter->most));
	return psprintf("%d", count);
}

static const char *
resolution_text(const SqlGiven *given, const SqlParameter *parameter,
				int minutes)
{
	static const int resolutions[] = {
		1, 5, 15, 30, 60, 240, 360, 1440, 10080, 43200
	};

	for (size_t i = 0; i < lengthof(resolutions); i++)
	{
		if (minutes == resolutions[i])
			return psprintf("%d", minutes);
	}
	refuse(given, parameter, psprintf("is %d", minutes),
		   "Give the minutes of a candle: 1, 5, 15, 30, 60, 240, 360, 1440 (a day), 10080 (a week) or 43200 (a month).");
}

/* The first millisecond that is not before it, or the last one. */
static const char *
time_text(const SqlGiven *given, const SqlParameter *parameter, TimestampTz at)
{
	if (TIMESTAMP_NOT_FINITE(at) || og_unix_ms(at) < 0)
		refuse(given, parameter, "is not a time from 1970 on",
			   "Give a finite time, or NULL for none.");
	if (parameter->kind == SQL_FROM)
		at += 999;
	return psprintf(INT64_FORMAT, og_unix_ms(at));
}

/*
 * An interval as whole milliseconds.  What is shorter than one must not become
 * the zero that stops a timer.
 */
static const char *
duration_text(const SqlGiven *given, const SqlParameter *parameter,
			  const Interval *interval)
{
	int64		days;
	int64		us;

	if (interval->month != 0)
		refuse(given, parameter,
			   "must not have months or years, which differ in length",
			   "Use days, hours, minutes or seconds, such as interval '60 s'.");
	if (pg_mul_s64_overflow(interval->day, USECS_PER_DAY, &days) ||
		pg_add_s64_overflow(interval->time, days, &us))
		refuse(given, parameter, "is too long", NULL);
	if (us < 0)
		refuse(given, parameter, "must not be negative", NULL);
	return psprintf(INT64_FORMAT, us / 1000 + (us % 1000 != 0));
}

static const char *
value_text(const SqlGiven *given, const SqlParameter *parameter, Datum value)
{
	switch (parameter->kind)
	{
		case SQL_MARKET:
			return market_text(given, parameter, TextDatumGetCString(value));
		case SQL_ID:
		case SQL_NUMBER_ID:
			return id_text(given, parameter, TextDatumGetCString(value));
		case SQL_WORD:
			return word_text(given, parameter, TextDatumGetCString(value));
		case SQL_CHOICE:
			return choice_text(given, parameter, TextDatumGetCString(value));
		case SQL_AMOUNT:
			return amount_text(given, parameter, DatumGetNumeric(value));
		case SQL_COUNT:
			return count_text(given, parameter, DatumGetInt32(value));
		case SQL_RESOLUTION:
			return resolution_text(given, parameter, DatumGetInt32(value));
		case SQL_FLAG:
			return DatumGetBool(value) ? "true" : "false";
		case SQL_DURATION:
			return duration_text(given, parameter, DatumGetIntervalP(value));
		case SQL_FROM:
		case SQL_TO:
			return time_text(given, parameter, DatumGetTimestampTz(value));
		case SQL_IDS:
		case SQL_ORDERS:
			break;
	}
	elog(ERROR, "argument \"%s\" is a list", parameter->name);
}

static void
take_value(SqlGiven *given, const SqlParameter *parameter, Datum value)
{
	og_fields_add(&given->fields, parameter->name,
				  value_text(given, parameter, value));
}

static void
take_null(const SqlGiven *given, const SqlParameter *parameter)
{
	if (!parameter->required)
		return;
	if (given->position > 0)
		refuse(given, parameter, "is missing", NULL);
	ereport(ERROR,
			(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
			 errmsg("%s must not be null", subject(given, parameter->name))));
}

/* ---------- orders ---------- */

static void take_orders(SqlGiven *given, const SqlParameter *parameter,
						Jsonb *orders);

static const SqlParameter *
find_parameter(const SqlGiven *given, const SqlParameter *parameters,
			   const JsonbValue *name)
{
	OgSlice		wanted = og_slice(name->val.string.val, name->val.string.len);
	const SqlParameter *parameter;
	StringInfoData valid;

	for (parameter = parameters; parameter->name != NULL; parameter++)
	{
		if (parameter->kind != SQL_IDS &&
			og_slice_equal(og_slice_of(parameter->name), wanted))
			return parameter;
	}
	initStringInfo(&valid);
	for (parameter = parameters; parameter->name != NULL; parameter++)
	{
		if (parameter->kind != SQL_IDS)
			og_list_add(&valid, "\"%s\"", parameter->name);
	}
	if (given->position == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("there is no argument \"%.*s\"",
						pg_mbcliplen(wanted.data, (int) wanted.len, NAMEDATALEN),
						wanted.data),
				 *valid.data == '\0' ? 0 :
				 errhint("The arguments are %s.", valid.data)));
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("the order at position %d has an unknown member \"%.*s\"",
					given->position,
					pg_mbcliplen(wanted.data, (int) wanted.len, NAMEDATALEN),
					wanted.data),
			 errhint("An order has %s.", valid.data)));
}

/* A value as SQL would give it. */
static Datum
json_datum(const SqlParameter *parameter, const JsonbValue *value)
{
	const char *text;

	if (parameter->kind == SQL_AMOUNT)
		return NumericGetDatum(value->val.numeric);
	if (parameter->kind == SQL_FLAG)
		return BoolGetDatum(value->val.boolean);
	text = pnstrdup(value->val.string.val, value->val.string.len);
	if (parameter->kind == SQL_DURATION)
		return DirectFunctionCall3(interval_in, CStringGetDatum(text),
								   ObjectIdGetDatum(InvalidOid),
								   Int32GetDatum(-1));
	return CStringGetTextDatum(text);
}

/* A member of an order. */
static void
take_json(SqlGiven *given, const SqlParameter *parameter,
		  const JsonbValue *value)
{
	bool		amount = parameter->kind == SQL_AMOUNT;
	bool		flag = parameter->kind == SQL_FLAG;

	if (value->type == jbvNull)
		return;
	if (parameter->kind == SQL_ORDERS)
	{
		take_orders(given, parameter, JsonbValueToJsonb((JsonbValue *) value));
		return;
	}
	if (value->type != (amount ? jbvNumeric : flag ? jbvBool : jbvString))
		refuse(given, parameter,
			   psprintf("is not a JSON %s",
						amount ? "number" : flag ? "boolean" : "string"), NULL);
	take_value(given, parameter, json_datum(parameter, value));
}

/* What JSON does not have, or has as null. */
static void
take_absent(SqlGiven *given, const SqlParameter *parameter)
{
	if (parameter->preset != NULL)
		og_fields_add(&given->fields, parameter->name, parameter->preset);
	else if (parameter->kind == SQL_ORDERS && given->orders == NULL)
		take_orders(given, parameter, NULL);
	else if (parameter->kind != SQL_IDS && parameter->kind != SQL_ORDERS)
		take_null(given, parameter);
}

void
og_arguments_take_json(const SqlParameter *parameters, JsonbContainer *object,
					   SqlGiven *given)
{
	JsonbIterator *iterator = JsonbIteratorInit(object);
	JsonbValue	value;
	JsonbIteratorToken token;

	while ((token = JsonbIteratorNext(&iterator, &value, true)) != WJB_DONE)
	{
		const SqlParameter *parameter;

		if (token != WJB_KEY)
			continue;
		parameter = find_parameter(given, parameters, &value);
		(void) JsonbIteratorNext(&iterator, &value, true);
		take_json(given, parameter, &value);
	}
	for (; parameters->name != NULL; parameters++)
	{
		if (og_fields_get(&given->fields, parameters->name) == NULL)
			take_absent(given, parameters);
	}
}

/* Check an order of a list.  Answers its arguments. */
static OgFields
take_order(SqlGiven *list, const SqlFunction *single, const JsonbValue *value,
		   int position)
{
	SqlGiven	given = {single->provider, position,
	.installation = list->installation};
	OgKeys	   *keys = list->orders;
	const char *id;

	if (value->type != jbvBinary ||
		!JsonContainerIsObject(value->val.binary.data))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the order at position %d is not a JSON object",
						position)));
	og_arguments_take_json(single->parameters, value->val.binary.data, &given);
	single->complete(&given);
	list->installation = given.installation;
	list->made_ids[position - 1] = given.made_id;
	id = og_fields_get(&given.fields, single->key);
	(void) og_keys_add(keys, og_slice_of(id));
	if (keys->nkeys != position)
		og_argument_refuse(&given, single->key,
						   "stands at an earlier position as well",
						   "Give each order an id of its own, or none, to have one made.");
	return given.fields;
}

/* All orders of a list, each with arguments of its own. */
static OgFields *
take_elements(SqlGiven *given, const SqlFunction *single, Jsonb *orders)
{
	size_t		count = Max(JB_ROOT_COUNT(orders), 1);
	OgFields   *arguments = palloc0(count * sizeof(OgFields));
	JsonbIterator *iterator = JsonbIteratorInit(&orders->root);
	JsonbIteratorToken token;
	JsonbValue	value;
	int			position = 0;

	given->made_ids = palloc0(count * sizeof(bool));
	while ((token = JsonbIteratorNext(&iterator, &value, true)) != WJB_DONE)
	{
		CHECK_FOR_INTERRUPTS();
		if (token != WJB_ELEM)
			continue;
		position++;
		arguments[position - 1] = take_order(given, single, &value, position);
	}
	return arguments;
}

/* None, where there is no list. */
static void
take_orders(SqlGiven *given, const SqlParameter *parameter, Jsonb *orders)
{
	if (orders != NULL &&
		(!JB_ROOT_IS_ARRAY(orders) || JB_ROOT_IS_SCALAR(orders)))
		refuse(given, parameter, "is not a JSON array",
			   "Give an array of objects, such as jsonb_agg(to_jsonb(o)).");
	given->orders = og_keys_create();
	if (orders != NULL)
		given->orders->arguments = take_elements(given, parameter->single,
												 orders);
	og_keys_finish(given->orders);
}

/* ---------- any ---------- */

void
og_argument_take(FunctionCallInfo fcinfo, int n, const SqlParameter *parameter,
				 SqlGiven *given)
{
	if (parameter->kind == SQL_IDS)
		og_ids_take(fcinfo, n, parameter, given);
	else if (parameter->kind == SQL_ORDERS)
		take_orders(given, parameter,
					PG_ARGISNULL(n) ? NULL : PG_GETARG_JSONB_P(n));
	else if (PG_ARGISNULL(n))
		take_null(given, parameter);
	else
		take_value(given, parameter, PG_GETARG_DATUM(n));
}
