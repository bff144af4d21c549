/*-------------------------------------------------------------------------
 *
 * json_internal.h
 *		What the json files share: what escapes and exponents say, and the part
 *		of the proof that is about keys.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OG_JSON_INTERNAL_H
#define OG_JSON_INTERNAL_H

#include "mb/pg_wchar.h"

#include "ground/json.h"

/* Bytes of input after which a loop looks for interrupts: some 0.1 ms. */
#define OG_JSON_PAUSE	65536

/* \uXXXX has this many characters. */
#define OG_JSON_UNICODE_ESCAPE	6

static inline bool
og_json_is_space(char c)
{
	return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

static inline const char *
og_json_skip_digits(const char *at, const char *end)
{
	while (at < end && *at >= '0' && *at <= '9')
		at++;
	return at;
}

/*
 * Read the digits of an exponent.  False if it is, leading zeros aside, above
 * the limit.
 */
static inline bool
og_json_read_exponent(const char *at, const char *end, int *exponent)
{
	for (*exponent = 0; at < end; at++)
	{
		*exponent = *exponent * 10 + (*at - '0');
		if (*exponent > OG_JSON_MAX_EXPONENT)
			return false;
	}
	return true;
}

/*
 * The value of the four hex digits of a \uXXXX escape, "at" its backslash;
 * -1 if one of them is none.
 */
static inline int
og_json_code_unit(const char *at)
{
	int			unit = 0;

	for (int i = 2; i < OG_JSON_UNICODE_ESCAPE; i++)
	{
		char		c = at[i];

		unit <<= 4;
		if (c >= '0' && c <= '9')
			unit += c - '0';
		else if (c >= 'a' && c <= 'f')
			unit += c - 'a' + 10;
		else if (c >= 'A' && c <= 'F')
			unit += c - 'A' + 10;
		else
			return -1;
	}
	return unit;
}

/*
 * The character that the escape letter behind a backslash stands for, NUL
 * if it is no such letter ("u" is none).
 */
static inline char
og_json_escape_letter(char letter)
{
	switch (letter)
	{
		case '"':
		case '\\':
		case '/':
			return letter;
		case 'b':
			return '\b';
		case 'f':
			return '\f';
		case 'n':
			return '\n';
		case 'r':
			return '\r';
		case 't':
			return '\t';
		default:
			return '\0';
	}
}

/*
 * Write the character of a proven escape, "at" its backslash, as UTF-8 of up
 * to MAX_MULTIBYTE_CHAR_LEN bytes.  Answers their number and sets *next to
 * what follows the escape.
 */
static inline int
og_json_unescape(const char *at, char *utf8, const char **next)
{
	pg_wchar	code;

	if (at[1] != 'u')
	{
		*utf8 = og_json_escape_letter(at[1]);
		*next = at + 2;
		return 1;
	}

	code = og_json_code_unit(at);
	*next = at + OG_JSON_UNICODE_ESCAPE;
	if (is_utf16_surrogate_first(code))
	{
		/* The second half is there, by the proof. */
		code = surrogate_pair_to_codepoint(code, og_json_code_unit(*next));
		*next += OG_JSON_UNICODE_ESCAPE;
	}
	unicode_to_utf8(code, (unsigned char *) utf8);
	return pg_utf_mblen((unsigned char *) utf8);
}

/*
 * json_keys.c.  Does no key stand twice with different values?  The keys are
 * those of one object, given by where their opening quotes are, counted from
 * "start"; the object closes at "bracket".  Their order is changed.  If they
 * agree, *is_twice tells whether any stands twice.
 */
extern bool og_json_keys_agree(const char *start, uint32 *keys, uint32 nkeys,
							   const char *bracket, bool *is_twice);

#endif							/* OG_JSON_INTERNAL_H */
