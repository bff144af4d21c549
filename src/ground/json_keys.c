/*-------------------------------------------------------------------------
 *
 * json_keys.c
 *		The part of the proof that is about keys: none twice in one object
 *		with different values.
 *
 * Keys are compared by what they say, escapes decoded.  A few are compared
 * each with each.  More of them are sorted, and then equal ones are
 * neighbours.  The sort is a heap sort because the order of the keys is the
 * sender's to choose: it needs no memory and has no bad case, while quicksort
 * can be made quadratic by one who knows its pivots.  So all of this costs at
 * most the bytes of the keys times the logarithm of their number.
 *
 * Two values are the same if their bytes are.  1.0 and 1.00 are not: a reader
 * that takes the one shows something else than a reader that takes the other.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"

#include "ground/json.h"
#include "ground/json_internal.h"

/* Objects with more keys than this are sorted. */
#define KEYS_COMPARED		24

/* The keys of one object. */
typedef struct Keys
{
	const char *start;			/* offsets count from here */
	const char *bracket;		/* here the object closes */
	uint32	   *offsets;
	uint32		count;
	bool		is_twice;		/* one was found to stand twice */
} Keys;

/*
 * Copy the next character of a proven string as UTF-8.  Answers its length.
 */
static int
next_character(const char **at, char *utf8)
{
	int			len;

	if (**at == '\\')
		return og_json_unescape(*at, utf8, at);
	len = pg_utf_mblen((const unsigned char *) *at);
	memcpy(utf8, *at, len);
	*at += len;
	return len;
}

/*
 * Order keys, given behind their opening quotes, by the bytes of what they
 * say; one that ends comes before those that go on.
 */
static int
compare_keys(const char *a, const char *b)
{
	const char *pause = a + OG_JSON_PAUSE;

	for (;;)
	{
		while (*a == *b && *a != '"' && *a != '\\' && a < pause)
		{
			a++;
			b++;
		}
		if (a >= pause)
		{
			CHECK_FOR_INTERRUPTS();
			pause = a + OG_JSON_PAUSE;
		}

		if (*a == '"' || *b == '"')
			return (*b == '"') - (*a == '"');

		if (*a == '\\' || *b == '\\')
		{
			/*
			 * What came before was equal, so a character begins here on both
			 * sides.  No character's UTF-8 is the beginning of another's.
			 */
			char		a_char[MAX_MULTIBYTE_CHAR_LEN];
			char		b_char[MAX_MULTIBYTE_CHAR_LEN];
			int			a_len = next_character(&a, a_char);
			int			b_len = next_character(&b, b_char);
			int			order = memcmp(a_char, b_char, Min(a_len, b_len));

			if (order != 0)
				return order;
		}
		else if (*a != *b)
			return (unsigned char) *a - (unsigned char) *b;
	}
}

static inline int
compare_offsets(const Keys *keys, uint32 a, uint32 b)
{
	return compare_keys(keys->start + a + 1, keys->start + b + 1);
}

/*
 * Are the values of two keys the same?
 */
static bool
same_value(const Keys *keys, uint32 a, uint32 b)
{
	OgJsonCursor a_cursor = {keys->start + a, keys->bracket};
	OgJsonCursor b_cursor = {keys->start + b, keys->bracket};
	OgSlice		name;
	OgSlice		a_value;
	OgSlice		b_value;

	return og_json_next_member(&a_cursor, &name, &a_value) &&
		og_json_next_member(&b_cursor, &name, &b_value) &&
		og_slice_equal(a_value, b_value);
}

/*
 * Let a key sink to where it belongs in the first n, a heap but for that key.
 */
static void
sink(const Keys *keys, uint32 n, uint32 at)
{
	uint32	   *heap = keys->offsets;
	uint32		sinking = heap[at];

	for (;;)
	{
		uint32		child = at * 2 + 1;

		CHECK_FOR_INTERRUPTS();
		if (child >= n)
			break;
		if (child + 1 < n &&
			compare_offsets(keys, heap[child], heap[child + 1]) < 0)
			child++;
		if (compare_offsets(keys, sinking, heap[child]) >= 0)
			break;
		heap[at] = heap[child];
		at = child;
	}
	heap[at] = sinking;
}

static void
sort_keys(const Keys *keys)
{
	uint32	   *heap = keys->offsets;
	uint32		n = keys->count;

	for (uint32 i = n / 2; i-- > 0;)
		sink(keys, n, i);
	while (n > 1)
	{
		uint32		largest = heap[0];

		heap[0] = heap[--n];
		heap[n] = largest;
		sink(keys, n, 0);
	}
}

/*
 * Can it be told from their first characters that two keys differ?  Most can.
 */
static inline bool
differ_at_once(const Keys *keys, uint32 a, uint32 b)
{
	char		a_first = keys->start[a + 1];
	char		b_first = keys->start[b + 1];

	return a_first != b_first && a_first != '\\' && b_first != '\\';
}

/*
 * Each key is held against the first one like it only: what is compared of
 * values is then less than twice the object's size, or all is over.
 */
static bool
few_keys_agree(Keys *keys)
{
	for (uint32 i = 1; i < keys->count; i++)
	{
		uint32		key = keys->offsets[i];

		for (uint32 j = 0; j < i; j++)
		{
			uint32		other = keys->offsets[j];

			if (differ_at_once(keys, key, other) ||
				compare_offsets(keys, key, other) != 0)
				continue;
			keys->is_twice = true;
			if (!same_value(keys, key, other))
				return false;
			break;
		}
	}
	return true;
}

static bool
many_keys_agree(Keys *keys)
{
	sort_keys(keys);
	for (uint32 i = 1; i < keys->count; i++)
	{
		uint32		a = keys->offsets[i - 1];
		uint32		b = keys->offsets[i];

		if (compare_offsets(keys, a, b) != 0)
			continue;
		keys->is_twice = true;
		if (!same_value(keys, a, b))
			return false;
	}
	return true;
}

bool
og_json_keys_agree(const char *start, uint32 *keys, uint32 nkeys,
				   const char *bracket, bool *is_twice)
{
	Keys		all = {start, bracket, keys, nkeys, false};
	bool		agree = nkeys <= KEYS_COMPARED ? few_keys_agree(&all)
		: many_keys_agree(&all);

	*is_twice = all.is_twice;
	return agree;
}
