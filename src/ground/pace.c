/*-------------------------------------------------------------------------
 *
 * pace.c
 *		How often a provider lets itself be asked, as it is written.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "ground/pace.h"

#define US_PER_MS	INT64CONST(1000)
#define US_PER_S	INT64CONST(1000000)
#define US_PER_MIN	(60 * US_PER_S)
#define US_PER_H	(60 * US_PER_MIN)
#define US_PER_D	(24 * US_PER_H)

/* A longer window could not be told from being locked out. */
#define MAX_WINDOW_US	US_PER_D

/* Larger numbers are refused as being too large, whatever their unit. */
#define MAX_NUMBER		INT64CONST(1000000000)

/* From the smallest to the largest. */
static const struct
{
	const char *name;
	int64		us;
}			units[] = {
	{"ms", US_PER_MS},
	{"s", US_PER_S},
	{"min", US_PER_MIN},
	{"h", US_PER_H},
	{"d", US_PER_D}
};

static void
skip_space(const char **at)
{
	*at += strspn(*at, " \t\r\n");
}

/* Step over one character, and white space around it, if it comes next. */
static bool
take_char(const char **at, char c)
{
	skip_space(at);
	if (**at != c)
		return false;
	(*at)++;
	skip_space(at);
	return true;
}

/* Step over a word of ASCII letters, in any case, if it comes next. */
static bool
take_word(const char **at, const char *word)
{
	size_t		len = strlen(word);

	skip_space(at);
	for (size_t i = 0; i < len; i++)
	{
		/* stops at the end of *at as well: no letter is NUL */
		if (((*at)[i] | 0x20) != word[i])
			return false;
	}
	/* "s" must not be taken out of "sec" */
	if (((*at)[len] | 0x20) >= 'a' && ((*at)[len] | 0x20) <= 'z')
		return false;
	*at += len;
	skip_space(at);
	return true;
}

/* Read digits; a number above MAX_NUMBER becomes MAX_NUMBER + 1. */
static bool
take_number(const char **at, int64 *number)
{
	skip_space(at);
	if (**at < '0' || **at > '9')
		return false;
	for (*number = 0; **at >= '0' && **at <= '9'; (*at)++)
		*number = Min(*number * 10 + (**at - '0'), MAX_NUMBER + 1);
	return true;
}

/* Read "N/DURATION [per key|per host]". */
static bool
take_window(const char **at, OgWindow *window, const char **reason)
{
	int64		requests;
	int64		count;
	int64		unit = 0;

	*reason = "It is \"off\", or one or more limits such as \"10/1s per key, 1000/60s per host\".";
	if (!take_number(at, &requests) || !take_char(at, '/') ||
		!take_number(at, &count))
		return false;

	for (size_t i = 0; i < lengthof(units) && unit == 0; i++)
	{
		if (take_word(at, units[i].name))
			unit = units[i].us;
	}
	*reason = "A duration needs one of the units \"ms\", \"s\", \"min\", \"h\" and \"d\".";
	if (unit == 0)
		return false;

	*reason = "The number of requests must be between 1 and " CppAsString2(OG_MAX_PER_WINDOW) ".";
	if (requests < 1 || requests > OG_MAX_PER_WINDOW)
		return false;
	*reason = "A duration must be between 1 ms and 1 d.";
	if (count < 1 || count > MAX_WINDOW_US / unit)
		return false;

	window->requests = (int) requests;
	window->length_us = count * unit;
	window->scope = OG_PER_KEY;
	if (take_word(at, "per"))
	{
		*reason = "A limit counts \"per key\" or \"per host\".";
		if (take_word(at, "host"))
			window->scope = OG_PER_HOST;
		else if (!take_word(at, "key"))
			return false;
	}
	return true;
}

bool
og_pace_parse(const char *text, OgPace *pace, const char **reason)
{
	const char *at = text;

	memset(pace, 0, sizeof(*pace));
	if (take_word(&at, "off"))
	{
		*reason = "Nothing may follow \"off\".";
		return *at == '\0';
	}

	do
	{
		*reason = "There may be at most " CppAsString2(OG_MAX_WINDOWS) " limits.";
		if (pace->nwindows == OG_MAX_WINDOWS)
			return false;
		if (!take_window(&at, &pace->windows[pace->nwindows], reason))
			return false;
		pace->nwindows++;
	} while (take_char(&at, ','));

	*reason = "Limits are separated by commas, and each may end in \"per key\" or \"per host\".";
	return *at == '\0';
}

int64
og_pace_smallest_us(const OgPace *pace)
{
	int64		smallest = 0;

	for (int i = 0; i < pace->nwindows; i++)
	{
		const OgWindow *window = &pace->windows[i];

		if (window->scope == OG_PER_KEY &&
			(smallest == 0 || window->length_us < smallest))
			smallest = window->length_us;
	}
	return smallest;
}

void
og_pace_add(OgPace *pace, const OgPace *more, OgScope scope)
{
	for (int i = 0; i < more->nwindows; i++)
	{
		Assert(pace->nwindows < lengthof(pace->windows));
		if (more->windows[i].scope == scope)
			pace->windows[pace->nwindows++] = more->windows[i];
	}
}

void
og_pace_add_quarter(OgPace *pace, const OgPace *whole)
{
	for (int i = 0; i < whole->nwindows; i++)
	{
		OgWindow   *window = &pace->windows[pace->nwindows++];

		*window = whole->windows[i];
		if (window->requests >= 4)
			window->requests /= 4;
		else
			window->length_us *= 4;
	}
}

char *
og_pace_window_text(const OgWindow *window)
{
	int			unit = lengthof(units) - 1;

	while (unit > 0 && window->length_us % units[unit].us != 0)
		unit--;
	return psprintf("%d/" INT64_FORMAT "%s per %s", window->requests,
					window->length_us / units[unit].us, units[unit].name,
					window->scope == OG_PER_HOST ? "host" : "key");
}
