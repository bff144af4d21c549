/*-------------------------------------------------------------------------
 *
 * http_clock.c
 *		Dates, and what that of an answer says about our clock.
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

#include "http/http.h"

/* ---------- dates ---------- */

/* The number that is written at a place, or -1 if other than digits are. */
static int
number_at(const char *text, int digits)
{
	int			number = 0;

	for (int i = 0; i < digits; i++)
	{
		if (text[i] < '0' || text[i] > '9')
			return -1;
		number = number * 10 + (text[i] - '0');
	}
	return number;
}

/* Which of some names of that length the text begins with, or -1. */
static int
name_at(const char *text, const char *names, int length)
{
	for (int i = 0; names[i * length] != '\0'; i++)
	{
		if (strncmp(text, names + i * length, length) == 0)
			return i;
	}
	return -1;
}

/* The length of the long name of a day that the text begins with, or 0. */
static int
long_day(const char *text)
{
	static const char *const days[] = {
		"Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday",
		"Saturday"
	};

	for (size_t i = 0; i < lengthof(days); i++)
	{
		if (strncmp(text, days[i], strlen(days[i])) == 0)
			return (int) strlen(days[i]);
	}
	return 0;
}

/* A year of two digits is the one that is nearest to now. */
static int
whole_year(int two_digits, int64 now_ms)
{
	time_t		now = (time_t) (now_ms / 1000);
	struct tm	utc;
	int			this_year = 2000;
	int			year;

	if (two_digits < 0)
		return -1;
	if (gmtime_r(&now, &utc) != NULL)
		this_year = utc.tm_year + 1900;
	year = this_year - this_year % 100 + two_digits;
	if (year > this_year + 50)
		return year - 100;
	return year <= this_year - 50 ? year + 100 : year;
}

/* Where the parts of a date stand, from the end of its day's name. */
typedef struct DateForm
{
	const char *pattern;		/* 0 a digit, _ a part, all else itself */
	int			month_day;
	int			month;
	int			year;
	int			year_digits;
	int			time;
} DateForm;

static const DateForm date_forms[] = {
	{", 00 ___ 0000 00:00:00 GMT", 2, 5, 9, 4, 14}, /* what senders write */
	{", 00-___-00 00:00:00 GMT", 2, 5, 9, 2, 12},	/* after a long name */
	{" ___ _0 00:00:00 0000", 5, 1, 17, 4, 8}	/* asctime() */
};

static bool
fits(const char *text, const char *pattern)
{
	for (; *pattern != '\0'; text++, pattern++)
	{
		if (*text == '\0' ||
			(*pattern == '0' ? *text < '0' || *text > '9'
			 : *pattern != '_' && *text != *pattern))
			return false;
	}
	return true;
}

/* Read what has the form.  False if there is no such moment. */
static bool
read_form(const char *text, const DateForm *form, int64 now_ms, int64 *seconds)
{
	static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	const char *day = text + form->month_day;
	const char *clock = text + form->time;
	int			year = number_at(text + form->year, form->year_digits);
	struct tm	time = {0};
	bool		leap;

	if (form->year_digits == 2)
		year = whole_year(year, now_ms);
	leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
	time.tm_year = year - 1900;
	time.tm_mon = name_at(text + form->month,
						  "JanFebMarAprMayJunJulAugSepOctNovDec", 3);
	time.tm_mday = *day == ' ' ? number_at(day + 1, 1) : number_at(day, 2);
	time.tm_hour = number_at(clock, 2);
	time.tm_min = number_at(clock + 3, 2);
	time.tm_sec = number_at(clock + 6, 2);
	if (time.tm_year < 0 || time.tm_mon < 0 || time.tm_mday < 1 ||
		time.tm_mday > days[time.tm_mon] + (time.tm_mon == 1 && leap) ||
		time.tm_hour > 23 || time.tm_min > 59 || time.tm_sec > 60)
		return false;
	*seconds = timegm(&time);
	return true;
}

const char *
og_http_read_date(const char *text, int64 now_ms, int64 *seconds)
{
	int			length = long_day(text);
	const DateForm *form;

	if (length > 0)
		form = &date_forms[1];
	else if (name_at(text, "SunMonTueWedThuFriSat", 3) >= 0)
	{
		length = 3;
		form = text[3] == ',' ? &date_forms[0] : &date_forms[2];
	}
	else
		return NULL;
	text += length;
	if (!fits(text, form->pattern) ||
		!read_form(text, form, now_ms, seconds))
		return NULL;
	return text + strlen(form->pattern);
}

/* ---------- clocks ---------- */

int64
og_http_unix_ms(TimestampTz at)
{
	return at / 1000 +
		(int64) (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * SECS_PER_DAY * 1000;
}

void
og_http_compare_clocks(const OgResponse *response, int64 time_ms, int unit_ms,
					   OgClock *clock)
{
	int64		sent = og_http_unix_ms(response->sent_at);
	int64		took = og_http_unix_ms(response->answered_at) - sent;

	clock->ahead_ms = sent + took / 2 - (time_ms + unit_ms / 2);
	clock->error_ms = (Max(took, 0) + unit_ms + 1) / 2;
}

bool
og_http_clock(const OgResponse *response, OgClock *clock)
{
	int64		seconds;
	const char *end;

	if (response->date == NULL || response->sent_at == 0 ||
		response->answered_at == 0)
		return false;
	end = og_http_read_date(response->date,
							og_http_unix_ms(response->answered_at), &seconds);
	if (end == NULL || *end != '\0')
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
