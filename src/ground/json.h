/*-------------------------------------------------------------------------
 *
 * json.h
 *		Building JSON (with cJSON), and the exact, proving reader of answers.
 *
 * The reader works in two steps, and never copies or converts what it reads.
 *
 * og_json_prove() goes over all of an answer once and shows that it is
 * RFC 8259 JSON in UTF-8 that nothing further down can stumble over: nesting
 * of at most OG_JSON_MAX_DEPTH, numbers of at most OG_JSON_MAX_NUMBER
 * characters with exponents within OG_JSON_MAX_EXPONENT, no \u0000, no lone
 * surrogate, no byte order mark, no key twice in one object with different
 * values.  Until that has succeeded, no other function may touch the answer.
 *
 * After that a value is a slice of the answer from its first to its last
 * character: a string with its quotes and escapes, a number with its very
 * digits.  Cursors step through members and elements.  A number never
 * becomes a double: it is compared, and handed on, as text.
 *
 * Long loops check for interrupts, so every function may end by longjmp when
 * a query is cancelled; nothing is held then but palloc'd memory.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OG_JSON_H
#define OG_JSON_H

#include <cjson/cJSON.h>

#include "ground/message.h"

#define OG_JSON_MAX_DEPTH		32	/* the top value counts as 1 */
#define OG_JSON_MAX_NUMBER		100 /* characters */
#define OG_JSON_MAX_EXPONENT	100 /* either sign */

typedef enum OgJsonKind
{
	OG_JSON_NOTHING,			/* data is NULL: no such member */
	OG_JSON_NULL,
	OG_JSON_FALSE,
	OG_JSON_TRUE,
	OG_JSON_NUMBER,
	OG_JSON_STRING,
	OG_JSON_ARRAY,
	OG_JSON_OBJECT
} OgJsonKind;

/* A position inside a proven array or object. */
typedef struct OgJsonCursor
{
	const char *at;
	const char *end;
} OgJsonCursor;

/*
 * Prove an answer.  On success *value is its top value without surrounding
 * white space.  On failure answers false and *reason says what is wrong in a
 * few static words that complete "the answer ..." ("is not JSON", "is not
 * valid UTF-8", "is nested too deeply", ...).  Extra memory is bounded by the
 * size of the answer.
 */
extern bool og_json_prove(OgSlice answer, OgSlice *value,
						  const char **reason);

/* Is this text one JSON number within those bounds, and nothing else? */
extern bool og_json_is_number(const char *text);

/* All functions from here on need a value out of a proven answer. */

static inline OgJsonKind
og_json_kind(OgSlice value)
{
	if (value.data == NULL)
		return OG_JSON_NOTHING;

	switch (*value.data)
	{
		case 'n':
			return OG_JSON_NULL;
		case 'f':
			return OG_JSON_FALSE;
		case 't':
			return OG_JSON_TRUE;
		case '"':
			return OG_JSON_STRING;
		case '[':
			return OG_JSON_ARRAY;
		case '{':
			return OG_JSON_OBJECT;
		default:
			return OG_JSON_NUMBER;
	}
}

/* True for null, and for an array or object without elements. */
extern bool og_json_is_empty(OgSlice value);

/* Step through an array or object; any other kind has no elements. */
extern void og_json_open(OgJsonCursor *cursor, OgSlice container);
extern bool og_json_next_element(OgJsonCursor *cursor, OgSlice *value);
extern bool og_json_next_member(OgJsonCursor *cursor, OgSlice *name,
								OgSlice *value);

/*
 * Fill values[i] with the member called names[i] of an object, or with a
 * slice of OG_JSON_NOTHING, in one pass.  Also when "object" is none.
 */
extern void og_json_pick(OgSlice object, const char *const *names,
						 OgSlice *values, int count);

/* Keys of an object that a picker remembers. */
#define OG_JSON_KEYS_KNOWN	64

/*
 * Picks members of each element of an array.  The elements of an answer have
 * mostly the same keys in the same order: each is looked up among the names
 * for the first of them only.
 */
typedef struct OgJsonPicker
{
	OgJsonCursor cursor;
	const char *const *names;
	int			count;

	/* the keys of the object before, and which name each has; -1 = none */
	int			nkeys;
	OgSlice		keys[OG_JSON_KEYS_KNOWN];
	int			places[OG_JSON_KEYS_KNOWN];
} OgJsonPicker;

/* Begin with an array; any other kind has no elements. */
extern void og_json_pick_open(OgJsonPicker *picker, OgSlice list,
							  const char *const *names, int count);

/* Step to the next element and pick members of it as above, in one pass. */
extern bool og_json_pick_next(OgJsonPicker *picker, OgSlice *element,
							  OgSlice *values);

/* The one member of that name, or a slice of OG_JSON_NOTHING. */
extern OgSlice og_json_member(OgSlice object, const char *name);

/*
 * Compare what a string says, or how a number or literal is spelled, with
 * text: <0, 0, >0 in byte order, without allocating.
 */
extern int	og_json_compare(OgSlice scalar, OgSlice text);
extern bool og_json_equals(OgSlice scalar, const char *text);

/*
 * A value as text, cut at max_chars characters: a string decoded, anything
 * else as it is spelled.  palloc'd; NULL for null and for nothing.
 */
extern char *og_json_text(OgSlice value, int max_chars);

/*
 * What a value says, or how it is spelled, without a copy: false for a string
 * with escapes, and for what is neither string nor number.
 */
extern bool og_json_plain(OgSlice value, OgSlice *text);

/*
 * Read a JSON number, or a string that is one: it is digits / 10^scale.  False
 * for anything else, and where 18 digits are not enough to write it down.
 */
extern bool og_json_decimal(OgSlice value, int64 *digits, int *scale);

/*
 * Read a JSON number, or a string that is one, if it is whole, however it is
 * written, and an int64: "Double" is what many documents call the type of a
 * time, and some software writes such a one as 1.7E12.
 */
extern bool og_json_integer(OgSlice value, int64 *integer);

/* The text of any JSON number, or string that is one, palloc'd; else NULL. */
extern char *og_json_number_text(OgSlice value);

/*
 * Append a cJSON tree, unformatted, and delete it.  Answers false when cJSON
 * ran out of memory (a NULL tree included).  Numbers that must stay exact go
 * in with cJSON_CreateRaw().
 */
extern bool og_json_append(StringInfo out, cJSON *tree);

#endif							/* OG_JSON_H */
