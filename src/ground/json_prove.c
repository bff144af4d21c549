/*-------------------------------------------------------------------------
 *
 * json_prove.c
 *		The proof that an answer is JSON that nothing can stumble over.
 *
 * One pass over the bytes, without recursion and without copying.  What has
 * been opened is on a stack of OG_JSON_MAX_DEPTH; whatever breaks a rule ends
 * the pass at once with its reason.
 *
 * An answer with many records has the same keys in each of them.  So the keys
 * of an object are held against those of the object before it, at the same
 * depth: what is spelled alike, in the same order, needs no second proof.
 *
 * That no key stands twice in one object with different values is shown when
 * the object closes (json_keys.c).  Until then the offsets of its keys wait on
 * a second stack, above those of the objects around it: 4 bytes a key.  The
 * first of them fit into the prover itself, which is all that any provider's
 * answers need.  When they do not, one allocation is made that is certain to
 * do: what is left of the answer holds no more than one key in each
 * SMALLEST_MEMBER bytes, so this takes some 4/5 of the answer's size at most,
 * and what is never touched of it costs nothing.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/memutils.h"

#include "ground/json.h"
#include "ground/json_internal.h"

/* Keys that wait without an allocation. */
#define KEYS_AT_FIRST		256

/* Keys of an object that the next one is held against. */
#define KEYS_REMEMBERED		64

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
#define HAS_LONG_NUMBER		"has a number of more than 100 characters"
#define HAS_LARGE_EXPONENT	"has an exponent above 100"
#define HAS_NUL				"has a zero character in a string"
#define HAS_HALF_PAIR		"has half a surrogate pair in a string"
#define HAS_TWO_VALUES		"has two values for one key"

StaticAssertDecl(OG_JSON_MAX_NUMBER == 100 && OG_JSON_MAX_EXPONENT == 100,
				 "the words above name these limits");

/* A proven key, from its opening quote to the colon behind it. */
typedef struct Key
{
	uint32		offset;			/* from the start of the answer */
	uint32		len;
} Key;

/* What is open at some depth, and what is left there of what was before. */
typedef struct Container
{
	bool		is_object;
	bool		is_alike;		/* its keys so far are the first of "keys" */
	uint32		first_key;		/* its keys wait from here on */

	/*
	 * The first keys of this object, and beyond its last one those of an
	 * object before which began with the same.  None when that one had a key
	 * twice.
	 */
	uint32		nkeys;
	Key			keys[KEYS_REMEMBERED];
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
	int			exponent;

	if (*at == '-')
		at++;
	digits = at;
	at = og_json_skip_digits(at, end);
	if (at > digits + 1 && *digits == '0')
		return fail(p, IS_NOT_JSON);

	/* "digits" is what must have been stepped over for the grammar's sake. */
	if (at > digits && at < end && *at == '.')
	{
		digits = ++at;
		at = og_json_skip_digits(at, end);
	}
	if (at > digits && at < end && (*at == 'e' || *at == 'E'))
	{
		at++;
		if (at < end && (*at == '+' || *at == '-'))
			at++;
		digits = at;
		at = og_json_skip_digits(at, end);
		if (!og_json_read_exponent(digits, at, &exponent))
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
 * Let the key at "at" wait for the end of its object.
 */
static void
add_key(Prover *p)
{
	if (unlikely(p->nkeys == p->maxkeys))
	{
		/*
		 * Only once: this is enough for all the rest.  Members whose closing
		 * bracket is missing are a byte shorter, and the last one may be cut
		 * off anywhere.
		 */
		Assert(p->keys == p->keys_at_first);
		p->maxkeys += (p->end - p->at) / SMALLEST_MEMBER +
			OG_JSON_MAX_DEPTH + 1;
		p->keys = palloc(p->maxkeys * sizeof(uint32));
		memcpy(p->keys, p->keys_at_first, sizeof(p->keys_at_first));
	}
	p->keys[p->nkeys++] = p->at - p->start;
}

/*
 * Step over a key and the colon behind it, which is number n of its object, if
 * the object before had the same, and all before it, too.
 */
static inline bool
skip_known_key(Prover *p, Container *object, uint32 n)
{
	if (object->is_alike && n < object->nkeys)
	{
		const Key  *key = &object->keys[n];

		if (key->len <= p->end - p->at &&
			memcmp(p->at, p->start + key->offset, key->len) == 0)
		{
			add_key(p);
			p->at += key->len;
			return true;
		}
	}
	object->is_alike = false;
	return false;
}

/*
 * Prove a key and the colon behind it, and remember them for the object after
 * this one.
 */
static bool
prove_key(Prover *p)
{
	Container  *object = &p->open[p->depth - 1];
	uint32		n = p->nkeys - object->first_key;
	const char *key;

	if (!skip_space(p))
		return fail(p, IS_CUT_OFF);
	if (skip_known_key(p, object, n))
		return true;
	if (*p->at != '"')
		return fail(p, IS_NOT_JSON);
	add_key(p);
	key = p->at;
	if (!prove_string(p))
		return false;
	if (!skip_space(p))
		return fail(p, IS_CUT_OFF);
	if (*p->at != ':')
		return fail(p, IS_NOT_JSON);
	p->at++;
	if (n < KEYS_REMEMBERED)
	{
		object->keys[n].offset = key - p->start;
		object->keys[n].len = p->at - key;
		object->nkeys = n + 1;
	}
	return true;
}

/*
 * Does no key of an object, "at" its closing bracket, stand twice with
 * different values?  If all are the first keys of the object before, none
 * stands twice at all: where one did, nothing was left to be like.
 */
static bool
prove_keys(Prover *p, Container *object)
{
	bool		is_twice;

	if (object->is_alike)
		return true;
	if (!og_json_keys_agree(p->start, p->keys + object->first_key,
							p->nkeys - object->first_key, p->at, &is_twice))
		return fail(p, HAS_TWO_VALUES);
	if (is_twice)
		object->nkeys = 0;
	return true;
}

/*
 * Close what was opened last, "at" its closing bracket.
 */
static bool
close_container(Prover *p)
{
	Container  *container = &p->open[--p->depth];

	if (container->is_object)
	{
		if (!prove_keys(p, container))
			return false;
		p->nkeys = container->first_key;
	}
	p->at++;
	return true;
}

/*
 * Open an array or object, "at" its bracket.  Sets *opened if there is a
 * value in it, which is due then; else it has been closed again.
 */
static bool
open_container(Prover *p, bool *opened)
{
	bool		is_object = *p->at == '{';
	Container  *container = &p->open[p->depth];

	if (p->depth == OG_JSON_MAX_DEPTH)
		return fail(p, IS_TOO_DEEP);
	container->is_object = is_object;
	container->is_alike = true;
	container->first_key = p->nkeys;
	p->depth++;

	p->at++;
	if (!skip_space(p))
		return fail(p, IS_CUT_OFF);
	if (*p->at == (is_object ? '}' : ']'))
		return close_container(p);
	*opened = true;
	return is_object ? prove_key(p) : true;
}

/*
 * Prove the value that is due: a scalar, or the beginning of a container.
 */
static bool
prove_value(Prover *p, bool *opened)
{
	*opened = false;
	if (!skip_space(p))
		return fail(p, IS_CUT_OFF);

	switch (*p->at)
	{
		case '"':
			return prove_string(p);
		case '[':
		case '{':
			return open_container(p, opened);
		case 't':
			return prove_literal(p, "true");
		case 'f':
			return prove_literal(p, "false");
		case 'n':
			return prove_literal(p, "null");
		case '-':
		case '0': case '1': case '2': case '3': case '4':
		case '5': case '6': case '7': case '8': case '9':
			return prove_number(p);
		default:
			return fail(p, IS_NOT_JSON);
	}
}

/*
 * After a value, close what ends with it.  Sets *due if another follows.
 */
static bool
prove_after_value(Prover *p, bool *due)
{
	*due = false;
	while (p->depth > 0)
	{
		bool		in_object = p->open[p->depth - 1].is_object;

		if (!skip_space(p))
			return fail(p, IS_CUT_OFF);
		if (*p->at == ',')
		{
			p->at++;
			*due = true;
			return in_object ? prove_key(p) : true;
		}
		if (*p->at != (in_object ? '}' : ']'))
			return fail(p, IS_NOT_JSON);
		if (!close_container(p))
			return false;
	}
	return true;
}

/*
 * Prove the answer, "at" the first character of its top value.
 */
static bool
prove_top_value(Prover *p)
{
	bool		opened;
	bool		due = true;

	while (due)
	{
		if (!prove_value(p, &opened))
			return false;
		if (!opened && !prove_after_value(p, &due))
			return false;
	}
	return true;
}

bool
og_json_prove(OgSlice answer, OgSlice *value, const char **reason)
{
	static const char bom[] = {'\xEF', '\xBB', '\xBF'};
	Prover		p;
	const char *top;
	const char *top_end;

	p.start = p.at = p.pause = answer.data;
	p.end = p.start + answer.len;
	p.reason = NULL;
	p.depth = 0;
	p.keys = p.keys_at_first;
	p.nkeys = 0;
	p.maxkeys = KEYS_AT_FIRST;
	for (int i = 0; i < OG_JSON_MAX_DEPTH; i++)
		p.open[i].nkeys = 0;

	if (answer.len > MaxAllocSize)
		p.reason = IS_TOO_LARGE;
	else if (answer.len >= sizeof(bom) &&
			 memcmp(answer.data, bom, sizeof(bom)) == 0)
		p.reason = HAS_BOM;
	else if (!skip_space(&p))
		p.reason = IS_EMPTY;

	if (p.reason == NULL)
	{
		top = p.at;
		if (prove_top_value(&p))
		{
			top_end = p.at;
			if (skip_space(&p))
				p.reason = IS_NOT_JSON;
			*value = og_slice(top, top_end - top);
		}
	}
	if (p.keys != p.keys_at_first)
		pfree(p.keys);
	*reason = p.reason;
	return p.reason == NULL;
}
