/*-------------------------------------------------------------------------
 *
 * http_clock.c
 *		What the Date of an answer says about our clock.
 *
 * Providers refuse a signature whose time is too far from their own.  Every
 * answer tells their time, so that a refusal can tell how far the clocks are
 * apart.
 *
 * A time that was told in whole units was true at some moment of that unit,
 * and the answer was written at some moment between the request's departure
 * and the answer's arrival.  So the difference is known only within half of
 * both: that is the error which is always told with it.
 *
 * Pure functions, which libcurl has no part in: most answers' Date is never
 * looked at.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <time.h>

#include "http.h"

/* "Sun, 06 Nov 1994 08:49:37 GMT", the one form that senders may write. */
#define DATE_LENGTH	29

/* Unix time in milliseconds of a timestamp. */
static int64
unix_ms(TimestampTz at)
{
	return at / 1000 +
		(int64) (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * SECS_PER_DAY * 1000;
}

/* The number that is written at a place, or -1 if other than digits are. */
static int
number_at(const char *text, int place, int digits)
{
	int			number = 0;

	for (int i = place; i < place + digits; i++)
	{
		if (text[i] < '0' || text[i] > '9')
			return -1;
		number = number * 10 + (text[i] - '0');
	}
	return number;
}

/* The month that is written at a place, from 0, or -1. */
static int
month_at(const char *text, int place)
{
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

	for (int month = 0; month < 12; month++)
	{
		if (strncmp(text + place, months + 3 * month, 3) == 0)
			return month;
	}
	return -1;
}

/* Read a Date: seconds of Unix time. */
static bool
read_date(const char *text, int64 *seconds)
{
	struct tm	time = {0};

	if (strlen(text) != DATE_LENGTH || strcmp(text + 25, " GMT") != 0 ||
		text[3] != ',' || text[19] != ':' || text[22] != ':')
		return false;
	time.tm_mday = number_at(text, 5, 2);
	time.tm_mon = month_at(text, 8);
	time.tm_year = number_at(text, 12, 4) - 1900;
	time.tm_hour = number_at(text, 17, 2);
	time.tm_min = number_at(text, 20, 2);
	time.tm_sec = number_at(text, 23, 2);
	if (time.tm_mday < 1 || time.tm_mday > 31 || time.tm_mon < 0 ||
		time.tm_year < 0 || time.tm_hour < 0 || time.tm_hour > 23 ||
		time.tm_min < 0 || time.tm_min > 59 || time.tm_sec < 0 ||
		time.tm_sec > 60)
		return false;
	*seconds = timegm(&time);
	return true;
}

void
og_http_compare_clocks(const OgResponse *response, int64 time_ms, int unit_ms,
					   OgClock *clock)
{
	int64		sent = unix_ms(response->sent_at);
	int64		took = unix_ms(response->answered_at) - sent;

	clock->ahead_ms = sent + took / 2 - (time_ms + unit_ms / 2);
	clock->error_ms = (Max(took, 0) + unit_ms + 1) / 2;
}

bool
og_http_clock(const OgResponse *response, OgClock *clock)
{
	int64		seconds;

	if (response->date == NULL || response->sent_at == 0 ||
		response->answered_at == 0 || !read_date(response->date, &seconds))
		return false;
	og_http_compare_clocks(response, seconds * 1000, 1000, clock);
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
