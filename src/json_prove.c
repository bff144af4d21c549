/*-------------------------------------------------------------------------
 *
 * json_prove.c
 *		The proof that an answer is JSON that nothing can stumble over.
 *
 * One pass over the bytes, without recursion and without copying.  What has
 * been opened is on a stack of OG_JSON_MAX_DEPTH; whatever breaks a rule ends
 * the pass at once with its reason.
 *
 * Keys.  That no key stands twice in one object with different values is
 * shown when the object closes.  Until then the offsets of its keys wait on a
 * second stack, above those of the objects around it: 4 bytes a key.  The
 * first of them fit into the prover itself, which is all that any provider's
 * answers need.  When they do not, one allocation is made that is certain to
 * do: what is left of the answer cannot hold more than one key in each
 * OG_JSON_SMALLEST_MEMBER bytes, so this never takes more than 4/5 of the
 * answer's size, and what is never touched of it costs nothing.
 *
 * A few keys are compared each with each.  More of them are sorted, and then
 * equal ones are neighbours.  The sort is a heap sort because the order of
 * the keys is the sender's to choose: it needs no memory and has no bad case,
 * where quicksort can be made quadratic by who knows its pivots.  With the
 * common prefix of keys bounded by their length, comparing all keys costs at
 * most their bytes times the logarithm of their number.
 *
 * Two values of one key are the same if their bytes are.  (1.0 and 1.00 are
 * not: a reader that takes the other one would show the other one.)
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/memutils.h"

#include "json.h"
#include "json_escape.h"

/* Keys that wait without an allocation. */
#define KEYS_AT_FIRST		256

/* Objects with more keys than this are sorted. */
#define KEYS_COMPARED		24

/* The smallest member there is, with what separates it from the next. */
#define SMALLEST_MEMBER		5	/* "":0, */

/* Why an answer was not proven; each completes "the answer ...". */
#define IS_EMPTY			"is empty"
#define IS_TOO_LARGE		"is too large"
#define IS_NOT_JSON			"is not JSON"
#define IS_CUT_OFF			"is cut off"
#define IS_NOT_UTF8			"is not valid UTF-8"
#define IS_TOO_DEEP			"is nested too deeply"
#define HAS_BOM				"begins with a byte order mark"
#define HAS_LONG_NUMBER		"has a number of too many digits"
#define HAS_LARGE_EXPONENT	"has a number with too large an exponent"
#define HAS_NUL				"has a zero byte in a string"
#define HAS_HALF_PAIR		"has half a surrogate pair in a string"
#define HAS_TWO_VALUES		"has two values for one key"

typedef struct Container
{
	bool		is_object;
	uint32		first_key;		/* its keys wait from here on */
} Container;

typedef struct Prover
{
	const char *start;
	const char *at;
	const char *end;
	const char *pause;			/* look for interrupts here; not above end */
	const char *reason;			/* what is wrong, once something is */

	Container	open[OG_JSON_MAX_DEPTH];
	int			depth;			/* how many are open */

	uint32	   *keys;			/* where waiting keys begin, with their quote,
								 * from the start of the answer */
	uint32		nkeys;
	uint32		maxkeys;
	uint32		keys_at_first[KEYS_AT_FIRST];
} Prover;

/* Bytes that a string may hold and that need no second look. */
static const bool plain[256] = {
#define EIGHT	true, true, true, true, true, true, true, true
	[0x20] = true, true, false /* quote */ , true, true, true, true, true,
	EIGHT, EIGHT, EIGHT,
	EIGHT, EIGHT, EIGHT,
	true, true, true, true, false /* backslash */ , true, true, true,
	EIGHT, EIGHT, EIGHT, EIGHT
#undef EIGHT
};

static bool
fail(Prover *p, const char *reason)
{
	p->reason = reason;
	return false;
}

/* Call it when "at" has come to "pause". */
static void
pause_here(Prover *p)
{
	CHECK_FOR_INTERRUPTS();
	p->pause = p->at + Min(p->end - p->at, OG_JSON_PAUSE);
}

/*
 * Step over white space.  False at the end of the answer.
 */
static inline bool
skip_space(Prover *p)
{
	for (;; p->at++)
	{
		if (unlikely(p->at >= p->pause))
		{
			if (p->at >= p->end)
				return false;
			pause_here(p);
		}
		if (!og_json_is_space(*p->at))
			return true;
	}
}

/*
 * Is there the second half of a surrogate pair at "at"?
 */
static bool
is_second_half(const char *at, const char *end)
{
	int			unit;

	if (end - at < OG_JSON_UNICODE_ESCAPE || at[0] != '\\' || at[1] != 'u')
		return false;
	unit = og_json_code_unit(at);
	return unit >= 0 && is_utf16_surrogate_second(unit);
}

/*
 * Prove the escape at "at".  A pair of surrogates is one escape.
 */
static bool
prove_escape(Prover *p)
{
	ptrdiff_t	left = p->end - p->at;
	int			unit;

	if (left < 2)
		return fail(p, IS_CUT_OFF);
	if (p->at[1] != 'u')
	{
		if (og_json_escape_letter(p->at[1]) == '\0')
			return fail(p, IS_NOT_JSON);
		p->at += 2;
		return true;
	}

	if (left < OG_JSON_UNICODE_ESCAPE)
		return fail(p, IS_CUT_OFF);
	unit = og_json_code_unit(p->at);
	if (unit < 0)
		return fail(p, IS_NOT_JSON);
	if (unit == 0)
		return fail(p, HAS_NUL);
	if (is_utf16_surrogate_second(unit))
		return fail(p, HAS_HALF_PAIR);
	p->at += OG_JSON_UNICODE_ESCAPE;
	if (is_utf16_surrogate_first(unit))
	{
		if (!is_second_half(p->at, p->end))
			return fail(p, HAS_HALF_PAIR);
		p->at += OG_JSON_UNICODE_ESCAPE;
	}
	return true;
}

/*
 * Prove the character at "at", which is not ASCII.
 */
static bool
prove_utf8(Prover *p)
{
	const unsigned char *at = (const unsigned char *) p->at;
	int			len = pg_utf_mblen(at);

	if (len > p->end - p->at || !pg_utf8_islegal(at, len))
		return fail(p, IS_NOT_UTF8);
	p->at += len;
	return true;
}

/*
 * Prove a string, "at" its opening quote.
 */
static bool
prove_string(Prover *p)
{
	p->at++;
	for (;;)
	{
		const char *at = p->at;
		const char *pause = p->pause;

		while (at < pause && plain[(unsigned char) *at])
			at++;
		p->at = at;

		if (unlikely(at >= pause))
		{
			if (at >= p->end)
				return fail(p, IS_CUT_OFF);
			pause_here(p);
		}
		else if (*at == '"')
		{
			p->at++;
			return true;
		}
		else if (*at == '\\')
		{
			if (!prove_escape(p))
				return false;
		}
		else if (IS_HIGHBIT_SET(*at))
		{
			if (!prove_utf8(p))
				return false;
		}
		else
			return fail(p, *at == '\0' ? HAS_NUL : IS_NOT_JSON);
	}
}

static inline const char *
skip_digits(const char *at, const char *end)
{
	while (at < end && *at >= '0' && *at <= '9')
		at++;
	return at;
}

/*
 * Is an exponent of these digits, leading zeros aside, within the limit?
 */
static bool
exponent_fits(const char *at, const char *end)
{
	int			exponent = 0;

	for (; at < end; at++)
	{
		exponent = exponent * 10 + (*at - '0');
		if (exponent > OG_JSON_MAX_EXPONENT)
			return false;
	}
	return true;
}

/*
 * Prove a number, "at" its first character.  Not a character more than a
 * number may have is looked at.
 */
static bool
prove_number(Prover *p)
{
	const char *end = p->at + Min(p->end - p->at, OG_JSON_MAX_NUMBER + 1);
	const char *at = p->at;
	const char *digits;

	if (*at == '-')
		at++;
	digits = at;
	at = skip_digits(at, end);
	if (at > digits + 1 && *digits == '0')
		return fail(p, IS_NOT_JSON);

	/* "digits" is what must have been stepped over for the grammar's sake. */
	if (at > digits && at < end && *at == '.')
	{
		digits = ++at;
		at = skip_digits(at, end);
	}
	if (at > digits && at < end && (*at == 'e' || *at == 'E'))
	{
		at++;
		if (at < end && (*at == '+' || *at == '-'))
			at++;
		digits = at;
		at = skip_digits(at, end);
		if (!exponent_fits(digits, at))
			return fail(p, HAS_LARGE_EXPONENT);
	}

	if (at - p->at > OG_JSON_MAX_NUMBER)
		return fail(p, HAS_LONG_NUMBER);
	if (at == digits)
		return fail(p, at == p->end ? IS_CUT_OFF : IS_NOT_JSON);
	p->at = at;
	return true;
}

static bool
prove_literal(Prover *p, const char *literal)
{
	size_t		len = strlen(literal);
	size_t		left = p->end - p->at;

	if (memcmp(p->at, literal, Min(len, left)) != 0)
		return fail(p, IS_NOT_JSON);
	if (left < len)
		return fail(p, IS_CUT_OFF);
	p->at += len;
	return true;
}

/*
 * Order keys, given behind their opening quotes, by what they say.
 */
static int
compare_keys(const char *a, const char *b)
{
	const char *pause = a + OG_JSON_PAUSE;

	for (;;)
	{
		char		a_bytes[OG_JSON_ESCAPED_MAX];
		char		b_bytes[OG_JSON_ESCAPED_MAX];
		int			a_len = 1;
		int			b_len = 1;
		int			order;

		while (*a == *b && *a != '"' && *a != '\\' && a < pause)
		{
			a++;
			b++;
		}
		if (unlikely(a >= pause))
		{
			CHECK_FOR_INTERRUPTS();
			pause = a + OG_JSON_PAUSE;
		}

		/* A key that ends comes before one that goes on. */
		if (*a == '"' || *b == '"')
			return (*b == '"') - (*a == '"');

		/*
		 * An escape stands where a character begins, so the other side is at
		 * the beginning of one too, and has as many bytes or differs.
		 */
		if (*a == '\\')
			a_len = og_json_unescape(a, a_bytes, &a);
		else
			a_bytes[0] = *a++;
		if (*b == '\\')
			b_len = og_json_unescape(b, b_bytes, &b);
		else
			b_bytes[0] = *b++;
		while (a_len < b_len && *a != '"' && *a != '\\')
			a_bytes[a_len++] = *a++;
		while (b_len < a_len && *b != '"' && *b != '\\')
			b_bytes[b_len++] = *b++;
		order = memcmp(a_bytes, b_bytes, Min(a_len, b_len));
		if (order != 0)
			return order;
	}
}
