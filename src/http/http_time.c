/*-------------------------------------------------------------------------
 *
 * http_time.c
 *		The times that an answer tells: its Date, and what a Retry-After asks.
 *
 * Providers refuse a signature whose time is too far from their own.  Every
 * answer tells their time, so that a refusal can tell how far the clocks are
 * apart.  A time that was told in whole units was true at some moment of that
 * unit, and the answer was written at some moment between the request's
 * departure and the answer's arrival.  So the difference is known only within
 * half of both: that is the error which is always told with it.
 *
 * For a Retry-After the standard knows seconds and dates.  Providers write more
 * than that:
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
 * Pure functions, which libcurl has no part in: its curl_getdate() takes nearly
 * anything for a date.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <time.h>

#include "ground/clock.h"
#include "http/http.h"

/* The longest wait that is believed: whoever means more than a day says so. */
#define MAX_WAIT_MS		(INT64CONST(24) * 3600 * 1000)

/* Digits of a Unix time, from 2001 to 2286; other numbers are shorter. */
#define DIGITS_OF_SECONDS	10
#define DIGITS_OF_MS		13
#define MAX_DIGITS_OF_WAIT	9

#define DIGITS "0123456789"

/* ---------- dates ---------- */

/* The year that is nearest to now, of those with the same last two digits. */
static int
nearest_year(int year, int64 now_ms)
{
	time_t		now = (time_t) (now_ms / 1000);
	struct tm	utc;

	if (gmtime_r(&now, &utc) == NULL)
		return year;
	year = utc.tm_year - utc.tm_year % 100 + year % 100;
	if (year > utc.tm_year + 50)
		return year - 100;
	return year <= utc.tm_year - 50 ? year + 100 : year;
}

/* Seconds of Unix time, false if the calendar has no such moment. */
static bool
unix_seconds(struct tm *utc, int64 *seconds)
{
	int			day = utc->tm_mday;
	int			second = utc->tm_sec;

	utc->tm_sec = 0;			/* a leap second leads into the next day */
	*seconds = (int64) timegm(utc) + second;
	return utc->tm_mday == day && utc->tm_year >= 0 && second <= 60;
}

/*
 * Read the date that a text begins with, in any of the three forms that HTTP
 * has known, to the letter: it has to be what it would be written as.  Answers
 * where it ends, NULL if it is none.  By now_ms a year of two digits becomes a
 * whole one.  (A server always has the names of locale C.)
 */
static const char *
read_date(const char *text, int64 now_ms, int64 *seconds)
{
	static const char *const forms[] = {
		"%a, %d %b %Y %H:%M:%S GMT",	/* what senders write */
		"%A, %d-%b-%y %H:%M:%S GMT",
		"%a %b %e %H:%M:%S %Y"	/* asctime() */
	};

	for (size_t i = 0; i < lengthof(forms); i++)
	{
		struct tm	utc = {0};
		char		written[64];
		const char *end = strptime(text, forms[i], &utc);

		if (end == NULL ||
			strftime(written, sizeof(written), forms[i], &utc) != end - text ||
			memcmp(written, text, end - text) != 0)
			continue;
		if (strstr(forms[i], "%y") != NULL)
			utc.tm_year = nearest_year(utc.tm_year, now_ms);
		return unix_seconds(&utc, seconds) ? end : NULL;
	}
	return NULL;
}

/* The moment that is all of a text, in Unix milliseconds; 0 if it is none. */
static int64
date_ms(const char *text, int64 now_ms)
{
	int64		seconds;
	const char *end = text != NULL ? read_date(text, now_ms, &seconds) : NULL;

	return end != NULL && *end == '\0' ? seconds * 1000 : 0;
}

int64
og_http_date_ms(const OgResponse *response)
{
	return date_ms(response->date, og_unix_ms(response->answered_at));
}

/* ---------- clocks ---------- */

void
og_http_compare_clocks(const OgResponse *response, int64 time_ms, int unit_ms,
					   OgClock *clock)
{
	int64		sent = og_unix_ms(response->sent_at);
	int64		took = og_unix_ms(response->answered_at) - sent;

	clock->ahead_ms = sent + took / 2 - (time_ms + unit_ms / 2);
	clock->error_ms = (Max(took, 0) + unit_ms + 1) / 2;
}

bool
og_http_clock(const OgResponse *response, OgClock *clock)
{
	int64		date = og_http_date_ms(response);

	if (date == 0 || response->sent_at == 0 || response->answered_at == 0)
		return false;
	og_http_compare_clocks(response, date, 1000, clock);
	return true;
}

bool
og_http_clock_differs(const OgClock *clock, int64 tolerance_ms)
{
	return llabs(clock->ahead_ms) - clock->error_ms > tolerance_ms;
}

char *
og_http_clock_words(const OgClock *clock)
{
	const char *where = clock->ahead_ms < 0 ? "behind" : "ahead of";
	int64		apart_ms = llabs(clock->ahead_ms);

	/* A fraction is only worth telling where it is known. */
	if (apart_ms < 10000 && clock->error_ms < 100)
		return psprintf("our clock is %.1f s %s the provider's",
						(double) apart_ms / 1000, where);
	return psprintf("our clock is " INT64_FORMAT " s %s the provider's",
					(apart_ms + 500) / 1000, where);
}

/* ---------- Retry-After ---------- */

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

int64
og_http_retry_after(const char *value, const char *date, int64 now_ms)
{
	int64		longest = -1;
	int64		theirs_ms = date_ms(date, now_ms);

	if (theirs_ms != 0)
		now_ms = theirs_ms;
	while (*(value += strspn(value, ", \t")) != '\0')
	{
		int64		seconds;
		const char *end = read_date(value, now_ms, &seconds);

		if (end != NULL && ends_item(end))
		{
			longest = Max(longest, seconds * 1000 - now_ms);
			longest = Max(longest, 0);
			value = end;
		}
		else
			longest = Max(longest, read_number(value, now_ms));
		value += strcspn(value, ",");
	}
	return Min(longest, MAX_WAIT_MS);
}
