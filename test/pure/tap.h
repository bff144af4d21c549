/*-------------------------------------------------------------------------
 *
 * tap.h
 *		The few functions that a test program needs to print TAP.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OG_TAP_H
#define OG_TAP_H

#include <stdio.h>
#include <string.h>

static int	tap_tests;
static int	tap_failures;

/* One test; its name is printf's, and shown on one line. */
static bool pg_attribute_printf(2, 3)
ok(bool passed, const char *name,...)
{
	va_list		arguments;
	char		line[1000];

	va_start(arguments, name);
	vsnprintf(line, sizeof(line), name, arguments);
	va_end(arguments);
	for (char *c = line; *c != '\0'; c++)
	{
		/* Nor may anything look like one of TAP's directives. */
		if ((unsigned char) *c < ' ' || *c == '#')
			*c = '?';
	}

	tap_tests++;
	tap_failures += !passed;
	printf("%sok %d - %s\n", passed ? "" : "not ", tap_tests, line);
	return passed;
}

/* Texts are the same; NULL is only the same as NULL. */
static inline bool
is_text(const char *got, const char *expected, const char *name)
{
	bool		same = got == NULL || expected == NULL ? got == expected :
	strcmp(got, expected) == 0;

	ok(same, "%s", name);
	if (!same)
		printf("#      got: %s\n# expected: %s\n", got ? got : "(null)",
			   expected ? expected : "(null)");
	return same;
}

static inline bool
is_number(long long got, long long expected, const char *name)
{
	ok(got == expected, "%s", name);
	if (got != expected)
		printf("#      got: %lld\n# expected: %lld\n", got, expected);
	return got == expected;
}

/* The end of main(). */
static inline int
done_testing(void)
{
	printf("1..%d\n", tap_tests);
	return tap_failures > 0;
}

#endif							/* OG_TAP_H */
