/*-------------------------------------------------------------------------
 *
 * http_retry.c
 *		How long a Retry-After asks to wait.
 *
 * The standard knows seconds and dates.  Providers write more than that:
 *
 *		2.5						seconds, which are rounded up
 *		3, 3					a list, be it for several headers of that name:
 *								the longest of them counts
 *		Wed, 25 Nov 2026 ...	a moment: a date in any form of HTTP,
 *		1764259200				seconds of Unix time (ten digits)
 *		1764259200123			or milliseconds (thirteen)
 *
 * A moment is one of the provider's clock, so it is compared with the Date of
 * the same answer, and with our clock only where there is none.  One that has
 * passed asks for no wait.  What is none of these says nothing: neither what
 * stands beside it in a list nor our own pause is changed by it.
 *
 * Pure functions, which libcurl has no part in.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "http/http.h"

/* The longest wait that is believed: whoever means more than a day says so. */
#define MAX_WAIT_MS		(INT64CONST(24) * 3600 * 1000)

/* Digits of a Unix time, from 2001 to 2286; other numbers are shorter. */
#define DIGITS_OF_SECONDS	10
#define DIGITS_OF_MS		13
#define MAX_DIGITS_OF_WAIT	9

#define DIGITS "0123456789"

/* Does an item of a list end here? */
static bool
ends_item(const char *text)
{
	text += strspn(text, " \t");
	return *text == ',' || *text == '\0';
}

/* What a number means, rounded up: a wait, or a moment to wait for. */
static int64
wait_of_number(const char *digits, size_t count, bool more, int64 now_ms)
{
	int64		number = 0;

	for (size_t i = 0; i < count && i < DIGITS_OF_MS; i++)
		number = number * 10 + (digits[i] - '0');
	number += more;
	if (count <= MAX_DIGITS_OF_WAIT)
		return number * 1000;
	if (count == DIGITS_OF_SECONDS)
		return Max(number * 1000 - now_ms, 0);
	if (count == DIGITS_OF_MS)
		return Max(number - now_ms, 0);
	return -1;
}

/* Read "12" or "12.5".  -1 if the item is no such number. */
static int64
read_number(const char *text, int64 now_ms)
{
	size_t		zeros = strspn(text, "0");
	size_t		whole = strspn(text, DIGITS);
	const char *end = text + whole;
	bool		more = false;

	if (whole == 0)
		return -1;
	if (*end == '.')
	{
		size_t		fraction = strspn(end + 1, DIGITS);

		if (fraction == 0)
			return -1;
		more = strspn(end + 1, "0") < fraction;
		end += 1 + fraction;
	}
	if (!ends_item(end))
		return -1;
	return wait_of_number(text + zeros, whole - zeros, more, now_ms);
}

static int64
read_item(const char *text, int64 now_ms, const char **end)
{
	int64		seconds;

	*end = og_http_read_date(text, now_ms, &seconds);
	if (*end != NULL && ends_item(*end))
		return Max(seconds * 1000 - now_ms, 0);
	*end = text;
	return read_number(text, now_ms);
}

int64
og_http_retry_after(const char *value, const char *date, int64 now_ms)
{
	int64		longest = -1;
	int64		seconds;

	/* By the provider's clock, if it tells it. */
	if (date != NULL)
	{
		const char *end = og_http_read_date(date, now_ms, &seconds);

		if (end != NULL && *end == '\0')
			now_ms = seconds * 1000;
	}

	while (*(value += strspn(value, ", \t")) != '\0')
	{
		int64		wait = read_item(value, now_ms, &value);

		longest = Max(longest, wait);
		value += strcspn(value, ",");
	}
	return Min(longest, MAX_WAIT_MS);
}
