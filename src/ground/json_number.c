/*-------------------------------------------------------------------------
 *
 * json_number.c
 *		Exact numbers.
 *
 * A number never becomes a double.  Nearly all that providers send have at
 * most MAX_DIGITS digits, which an int64 holds whatever they are; any other
 * stays the text that it is.
 *
 * Many a number is sent as a string, and such a one was not proven: it has to
 * be spelled as JSON would have it.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "common/int.h"

#include "ground/json_internal.h"

/* So many nines are below the largest int64. */
#define MAX_DIGITS	18

bool
og_json_is_number(const char *text)
{
	OgSlice		value = {NULL, 0};
	const char *reason;

	return og_json_prove(og_slice_of(text), &value, &reason) &&
		og_json_kind(value) == OG_JSON_NUMBER && value.len == strlen(text);
}

/*
 * Step over digits, and append them to a number, which may wrap around.
 */
static inline const char *
add_digits(const char *at, const char *end, uint64 *number)
{
	for (; at < end && *at >= '0' && *at <= '9'; at++)
		*number = *number * 10 + (*at - '0');
	return at;
}

/*
 * Read the digits in front of an exponent, with or without a point, as one
 * number, and count those behind the point.  False if there are too many, or
 * a point or a zero stands where JSON has none.
 */
static bool
take_digits(const char **at, const char *end, uint64 *number, int *places)
{
	const char *first = *at;
	const char *point;

	*number = 0;
	*places = 0;
	*at = point = add_digits(first, end, number);
	if (point < end && *point == '.')
	{
		*at = add_digits(point + 1, end, number);
		*places = *at - point - 1;
		if (*places == 0)
			return false;
	}
	if (point == first || (point > first + 1 && *first == '0'))
		return false;
	return (point - first) + *places <= MAX_DIGITS;
}

/*
 * Read an exponent, if one comes next.  False if it is none, or is too large.
 */
static bool
take_exponent(const char **at, const char *end, int *exponent)
{
	const char *first;
	bool		minus = false;

	*exponent = 0;
	if (*at == end || (**at != 'e' && **at != 'E'))
		return true;
	(*at)++;
	if (*at < end && (**at == '+' || **at == '-'))
		minus = *(*at)++ == '-';
	first = *at;
	*at = og_json_skip_digits(first, end);
	if (!og_json_read_exponent(first, *at, exponent))
		return false;
	if (minus)
		*exponent = -*exponent;
	return *at > first;
}

bool
og_json_decimal(OgSlice value, int64 *digits, int *scale)
{
	OgJsonKind	kind = og_json_kind(value);
	int			quote = kind == OG_JSON_STRING ? 1 : 0;
	const char *at;
	const char *end;
	bool		minus;
	uint64		number;
	int			places;
	int			exponent;

	if ((kind != OG_JSON_STRING && kind != OG_JSON_NUMBER) ||
		value.len > OG_JSON_MAX_NUMBER + 2 * quote)
		return false;
	at = value.data + quote;
	end = value.data + value.len - quote;

	minus = at < end && *at == '-';
	if (minus)
		at++;
	if (!take_digits(&at, end, &number, &places) ||
		!take_exponent(&at, end, &exponent) || at != end)
		return false;
	*digits = minus ? -(int64) number : (int64) number;
	*scale = places - exponent;
	return true;
}

/*
 * Move the point of a whole number.  False if it is none any more, or is too
 * large.
 */
static bool
shift_point(int64 *integer, int scale)
{
	for (; scale > 0 && *integer != 0; scale--)
	{
		if (*integer % 10 != 0)
			return false;
		*integer /= 10;
	}
	for (; scale < 0 && *integer != 0; scale++)
	{
		if (pg_mul_s64_overflow(*integer, 10, integer))
			return false;
	}
	return true;
}

/*
 * Read the text of a number of any length without a sign.
 */
static bool
take_whole(const char *text, int64 *integer)
{
	const char *exponent = strpbrk(text, "eE");
	int			places = (int) strcspn(text, ".eE");	/* before the point */
	int			seen = 0;

	if (exponent != NULL)
		places += (int) strtol(exponent + 1, NULL, 10);
	*integer = 0;
	for (; *text != '\0' && text != exponent; text++)
	{
		if (*text == '.')
			continue;
		if (seen++ >= places)
		{
			if (*text != '0')
				return false;
		}
		else if (pg_mul_s64_overflow(*integer, 10, integer) ||
				 pg_add_s64_overflow(*integer, *text - '0', integer))
			return false;
	}
	while (seen++ < places)
	{
		if (pg_mul_s64_overflow(*integer, 10, integer))
			return false;
	}
	return true;
}

bool
og_json_integer(OgSlice value, int64 *integer)
{
	char	   *text;
	bool		minus;
	bool		whole;
	int			scale;

	if (og_json_decimal(value, integer, &scale))
		return shift_point(integer, scale);

	/* It is a long one, has escapes, or is none. */
	text = og_json_number_text(value);
	if (text == NULL)
		return false;
	minus = text[0] == '-';
	whole = take_whole(text + minus, integer);
	if (whole && minus)
		*integer = -*integer;
	pfree(text);
	return whole;
}

char *
og_json_number_text(OgSlice value)
{
	OgJsonKind	kind = og_json_kind(value);
	char	   *text;

	if ((kind != OG_JSON_STRING && kind != OG_JSON_NUMBER) ||
		value.len > OG_JSON_MAX_NUMBER + strlen("\"\""))
		return NULL;
	text = og_json_text(value, OG_JSON_MAX_NUMBER);
	if (kind == OG_JSON_NUMBER || og_json_is_number(text))
		return text;
	pfree(text);
	return NULL;
}
