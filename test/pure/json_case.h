/*-------------------------------------------------------------------------
 *
 * json_case.h
 *		What the test programs of the json room share.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OG_JSON_CASE_H
#define OG_JSON_CASE_H

#include "lib/stringinfo.h"

#include "ground/json.h"

/* The words of a refusal. */
#define IS_EMPTY	"is empty"
#define IS_NOT_JSON	"is not JSON"
#define IS_CUT_OFF	"is cut off"
#define IS_NOT_UTF8	"is not valid UTF-8"
#define IS_TOO_DEEP	"is nested too deeply"
#define HAS_BOM		"begins with a byte order mark"
#define HAS_LONG	"has a number of more than 100 characters"
#define HAS_EXPONENT "has an exponent above 100"
#define HAS_NUL		"has a zero character in a string"
#define HAS_HALF	"has half a surrogate pair in a string"
#define HAS_TWO		"has two values for one key"

/* A slice of a literal, which may hold zero bytes. */
#define BYTES(literal)	og_slice(literal, sizeof(literal) - 1)

/*
 * Prove a copy that ends where its memory does, so that AddressSanitizer and
 * valgrind see each byte read beyond.  The value is to be used no more.
 * Answers the reason of a refusal, NULL when proven.
 */
static inline const char *
prove_exactly(OgSlice answer)
{
	char	   *copy = malloc(Max(answer.len, 1));
	char	   *tail = copy + Max(answer.len, 1) - answer.len;
	OgSlice		value;
	const char *reason = NULL;

	if (answer.len > 0)
		memcpy(tail, answer.data, answer.len);
	if (og_json_prove(og_slice(tail, answer.len), &value, &reason))
		reason = NULL;
	free(copy);
	return reason;
}

/* A value out of an answer that is known to be in order. */
static inline OgSlice
proven(OgSlice answer)
{
	OgSlice		value;
	const char *reason;

	if (!og_json_prove(answer, &value, &reason))
	{
		printf("Bail out! %.*s %s\n", (int) answer.len, answer.data, reason);
		abort();
	}
	return value;
}

static inline OgSlice
proven_text(const char *answer)
{
	return proven(og_slice_of(answer));
}

static inline void
append_repeated(StringInfo out, const char *text, int times)
{
	for (int i = 0; i < times; i++)
		appendStringInfoString(out, text);
}

#endif							/* OG_JSON_CASE_H */
