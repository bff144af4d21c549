/*-------------------------------------------------------------------------
 *
 * sql_argument.c
 *		One argument, out of SQL or JSON, checked.
 *
 * An argument becomes the text that leaves: an amount with the very digits
 * that numeric prints, a word in capitals, a time in Unix milliseconds.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "common/int.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/numeric.h"
#include "utils/timestamp.h"

#include "ground/clock.h"
#include "ground/list.h"
#include "sql/sql_argument.h"

const char *const og_id_kinds[] = {"order_id", "client_order_id", NULL};

/* Digits of an id that is a number. */
#define NUMBER_ID_DIGITS	19

const char *
og_argument_subject(const SqlGiven *given, const char *name)
{
	return given->position == 0
		? psprintf("argument \"%s\"", name)
		: psprintf("\"%s\" of the order at position %d", name,
				   given->position);
}

static void
refuse(const SqlGiven *given, const SqlParameter *parameter, const char *fault)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("%s %s", og_argument_subject(given, parameter->name), fault)));
}

/* ---------- text ---------- */

static void
check_market(const SqlGiven *given, const SqlParameter *parameter,
			 const char *text)
{
	size_t		len = strlen(text);

	if (len >= 1 && len <= OG_MAX_MARKET &&
		strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
			   "0123456789_-.") == len)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("%s is not the name of a market",
					og_argument_subject(given, parameter->name)),
			 errdetail("A market has 1 to %d characters of A-Z a-z 0-9 _ - and the point.",
					   OG_MAX_MARKET)));
}

static void
check_id(const SqlGiven *given, const SqlParameter *parameter,
		 const char *text)
{
	bool		printable;
	const char *fault = og_id_fault(og_slice_of(text), given->provider,
									&printable);
	size_t		digits = strspn(text, "0123456789");

	if (fault != NULL)
		refuse(given, parameter, fault);
	if (parameter->kind == SQL_NUMBER_ID &&
		(text[digits] != '\0' || digits > NUMBER_ID_DIGITS || text[0] == '0'))
		refuse(given, parameter,
			   "is not 1 to " CppAsString2(NUMBER_ID_DIGITS) " digits without a leading zero");
}

/* "BUY", "SELL" */
static char *
list_words(const char *const *words)
{
	StringInfoData list;

	initStringInfo(&list);
	for (; *words != NULL; words++)
		og_list_add(&list, "\"%s\"", *words);
	return list.data;
}

/* A word as the provider writes it. */
static const char *
find_word(const SqlGiven *given, const SqlParameter *parameter,
		  const char *text)
{
	for (const char *const *word = parameter->words; *word != NULL; word++)
	{
		if (pg_strcasecmp(*word, text) == 0)
			return *word;
	}
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("%s is none of the words that it may be",
					og_argument_subject(given, parameter->name)),
			 errhint("Valid words are %s, in any case.",
					 list_words(parameter->words))));
	return NULL;				/* not reached */
}

static void
check_choice(const SqlGiven *given, const SqlParameter *parameter,
			 const char *text)
{
	const char *const *words = parameter->words;

	if (strcmp(text, words[0]) != 0 && strcmp(text, words[1]) != 0)
		refuse(given, parameter, psprintf("is neither \"%s\" nor \"%s\"",
										  words[0], words[1]));
}

static void
take_text(SqlGiven *given, const SqlParameter *parameter, const char *text)
{
	if (parameter->kind == SQL_MARKET)
		check_market(given, parameter, text);
	else if (parameter->kind == SQL_WORD)
		text = find_word(given, parameter, text);
	else if (parameter->kind == SQL_CHOICE)
		check_choice(given, parameter, text);
	else
		check_id(given, parameter, text);
	og_fields_add(&given->fields, parameter->name, text);
}

/* ---------- amounts ---------- */

/* <0, 0, >0 */
static int
compare(Numeric amount, int bound)
{
	Numeric		number = int64_to_numeric(bound);

	return DatumGetInt32(DirectFunctionCall2(numeric_cmp,
											 NumericGetDatum(amount),
											 NumericGetDatum(number)));
}

static void
take_amount(SqlGiven *given, const SqlParameter *parameter, Numeric amount)
{
	char	   *text;

	if (numeric_is_nan(amount) || numeric_is_inf(amount))
		refuse(given, parameter, "is not a number");
	if ((parameter->least != 0
		 ? compare(amount, parameter->least) < 0
		 : compare(amount, 0) <= 0) ||
		(parameter->most != 0 && compare(amount, parameter->most) > 0))
		refuse(given, parameter, psprintf("must be %s", parameter->range));

	text = DatumGetCString(DirectFunctionCall1(numeric_out,
											   NumericGetDatum(amount)));
	if (strlen(text) > OG_JSON_MAX_NUMBER)
		refuse(given, parameter,
			   "has more than " CppAsString2(OG_JSON_MAX_NUMBER) " characters");
	og_fields_add(&given->fields, parameter->name, text);
}

/* ---------- counts ---------- */

static void
take_count(SqlGiven *given, const SqlParameter *parameter, int count)
{
	if (count < parameter->least ||
		(parameter->most != 0 && count > parameter->most))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s is %d",
						og_argument_subject(given, parameter->name), count),
				 parameter->most != 0
				 ? errhint("Give a number from %d to %d.", parameter->least,
						   parameter->most)
				 : errhint("Give a number from %d on.", parameter->least)));
	og_fields_add(&given->fields, parameter->name, psprintf("%d", count));
}

static void
take_resolution(SqlGiven *given, const SqlParameter *parameter, int minutes)
{
	static const int resolutions[] = {
		1, 5, 15, 30, 60, 240, 360, 1440, 10080, 43200
	};

	for (size_t i = 0; i < lengthof(resolutions); i++)
	{
		if (minutes != resolutions[i])
			continue;
		og_fields_add(&given->fields, parameter->name,
					  psprintf("%d", minutes));
		return;
	}
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("%s is %d", og_argument_subject(given, parameter->name),
					minutes),
			 errhint("Give the minutes of a candle: 1, 5, 15, 30, 60, 240, 360, 1440 (a day), 10080 (a week) or 43200 (a month).")));
}

/* ---------- times ---------- */

/* The first millisecond that is not before it, or the last one. */
static void
take_time(SqlGiven *given, const SqlParameter *parameter, TimestampTz at)
{
	if (TIMESTAMP_NOT_FINITE(at) || og_unix_ms(at) < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s is not a time from 1970 on",
						og_argument_subject(given, parameter->name)),
				 errhint("Give a finite time, or NULL for none.")));
	if (parameter->kind == SQL_FROM)
		at += 999;
	og_fields_add(&given->fields, parameter->name,
				  psprintf(INT64_FORMAT, og_unix_ms(at)));
}

/*
 * An interval as whole milliseconds.  What is shorter than one must not become
 * the zero that stops a timer.
 */
static void
take_duration(SqlGiven *given, const SqlParameter *parameter,
			  const Interval *interval)
{
	int64		days;
	int64		us;

	if (interval->month != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s must not have months or years, which differ in length",
						og_argument_subject(given, parameter->name)),
				 errhint("Use days, hours, minutes or seconds, such as interval '60 s'.")));
	if (pg_mul_s64_overflow(interval->day, USECS_PER_DAY, &days) ||
		pg_add_s64_overflow(interval->time, days, &us))
		refuse(given, parameter, "is too long");
	if (us < 0)
		refuse(given, parameter, "must not be negative");
	og_fields_add(&given->fields, parameter->name,
				  psprintf(INT64_FORMAT, us / 1000 + (us % 1000 != 0)));
}

/* ---------- any ---------- */

void
og_argument_take(SqlGiven *given, const SqlParameter *parameter, Datum value)
{
	switch (parameter->kind)
	{
		case SQL_MARKET:
		case SQL_ID:
		case SQL_NUMBER_ID:
		case SQL_WORD:
		case SQL_CHOICE:
			take_text(given, parameter, TextDatumGetCString(value));
			return;
		case SQL_AMOUNT:
			take_amount(given, parameter, DatumGetNumeric(value));
			return;
		case SQL_COUNT:
			take_count(given, parameter, DatumGetInt32(value));
			return;
		case SQL_RESOLUTION:
			take_resolution(given, parameter, DatumGetInt32(value));
			return;
		case SQL_FLAG:
			og_fields_add(&given->fields, parameter->name,
						  DatumGetBool(value) ? "true" : "false");
			return;
		case SQL_DURATION:
			take_duration(given, parameter, DatumGetIntervalP(value));
			return;
		case SQL_FROM:
		case SQL_TO:
			take_time(given, parameter, DatumGetTimestampTz(value));
			return;
		case SQL_SERVER:
			given->server = NameStr(*DatumGetName(value));
			return;
		case SQL_AT:
			given->at = DatumGetTimestampTz(value);
			if (TIMESTAMP_NOT_FINITE(given->at))
				refuse(given, parameter, "must be finite");
			return;
		case SQL_IDS:
		case SQL_ORDERS:
			break;
	}
	elog(ERROR, "argument \"%s\" is a list", parameter->name);
}

void
og_argument_take_json(SqlGiven *given, const SqlParameter *parameter,
					  const JsonbValue *value)
{
	const char *wanted;

	if (value->type == jbvNull)
		return;
	switch (parameter->kind)
	{
		case SQL_AMOUNT:
			if (value->type == jbvNumeric)
			{
				take_amount(given, parameter, value->val.numeric);
				return;
			}
			wanted = "is not a JSON number";
			break;
		case SQL_FLAG:
			if (value->type == jbvBool)
			{
				og_argument_take(given, parameter,
								 BoolGetDatum(value->val.boolean));
				return;
			}
			wanted = "is not a JSON boolean";
			break;
		default:
			if (value->type == jbvString)
			{
				take_text(given, parameter, pnstrdup(value->val.string.val,
													 value->val.string.len));
				return;
			}
			wanted = "is not a JSON string";
			break;
	}
	refuse(given, parameter, wanted);
}

void
og_argument_take_null(const SqlGiven *given, const SqlParameter *parameter)
{
	if (!parameter->required)
		return;
	if (given->position > 0)
		refuse(given, parameter, "is missing");
	ereport(ERROR,
			(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
			 errmsg("%s must not be null",
					og_argument_subject(given, parameter->name))));
}
