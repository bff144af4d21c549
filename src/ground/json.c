/*-------------------------------------------------------------------------
 *
 * json.c
 *		Stepping through proven answers.
 *
 * Everything here reads bytes that og_json_prove() has seen to be in order,
 * and so needs no bounds beyond the closing bracket or quote that is known to
 * come: a string ends, brackets match, an escape is whole.
 *
 * A cursor's "end" is the closing bracket of what it goes through, which
 * also tells arrays from objects: asking an object for elements answers none.
 *
 * To step over a nested value means to scan it, so reading a whole answer
 * scans a byte once for each level it is nested in that somebody steps
 * through.  Nothing is remembered between calls but by a picker, which has
 * seen what the elements before had for keys.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"

#include "ground/json.h"
#include "ground/json_internal.h"

/* The bytes that end a run of others, in a string and between strings. */
static const bool ends_in_string[256] = {['"'] = true, ['\\'] = true};
static const bool ends_outside[256] = {
	['"'] = true, ['['] = true, [']'] = true, ['{'] = true, ['}'] = true
};

/* In a container, these end a number or literal. */
static const bool ends_scalar[256] = {
	[','] = true, [']'] = true, ['}'] = true,
	[' '] = true, ['\n'] = true, ['\r'] = true, ['\t'] = true
};

/* Up to here, looking at each byte beats a search by the library. */
#define SHORT_STRING	16

/*
 * Step over white space inside of a container, where something else follows.
 */
static inline const char *
skip_space(const char *at)
{
	const char *pause = at + OG_JSON_PAUSE;

	while (og_json_is_space(*at))
	{
		if (unlikely(++at >= pause))
		{
			CHECK_FOR_INTERRUPTS();
			pause = at + OG_JSON_PAUSE;
		}
	}
	return at;
}

/*
 * Step to the next byte that ends a run.  There is one, by the proof.
 */
static inline const char *
skip_run(const char *at, const bool *ends)
{
	for (;;)
	{
		const char *pause = at + OG_JSON_PAUSE;

		while (!ends[(unsigned char) *at] && at < pause)
			at++;
		if (likely(at < pause))
			return at;
		CHECK_FOR_INTERRUPTS();
	}
}

/*
 * Step over a string, "at" its opening quote.
 */
static const char *
skip_string(const char *at)
{
	const char *pause = at + OG_JSON_PAUSE;
	const char *near = at + SHORT_STRING;

	/* Most are short, and most of the others have no escapes. */
	for (at++; at < near; at++)
	{
		if (*at == '"')
			return at + 1;
		if (*at == '\\')
			break;
	}
	if (at == near)
	{
		const char *quote = memchr(at, '"', OG_JSON_PAUSE);

		if (quote != NULL && memchr(at, '\\', quote - at) == NULL)
			return quote + 1;
	}

	at = skip_run(at, ends_in_string);
	while (*at == '\\')
	{
		at = skip_run(at + 2, ends_in_string);
		if (unlikely(at >= pause))
		{
			CHECK_FOR_INTERRUPTS();
			pause = at + OG_JSON_PAUSE;
		}
	}
	return at + 1;
}

/*
 * Step over an array or object, "at" its opening bracket.
 */
static const char *
skip_container(const char *at)
{
	const char *pause = at + OG_JSON_PAUSE;
	int			depth = 0;

	do
	{
		at = skip_run(at, ends_outside);
		if (*at == '"')
			at = skip_string(at);
		else
		{
			depth += (*at == '[' || *at == '{') ? 1 : -1;
			at++;
		}
		if (unlikely(at >= pause))
		{
			CHECK_FOR_INTERRUPTS();
			pause = at + OG_JSON_PAUSE;
		}
	} while (depth > 0);
	return at;
}

/*
 * Step over the value that begins "at", in a container.
 */
static inline const char *
skip_value(const char *at)
{
	if (*at == '"')
		return skip_string(at);
	if (*at == '[' || *at == '{')
		return skip_container(at);
	return skip_run(at, ends_scalar);
}

void
og_json_open(OgJsonCursor *cursor, OgSlice container)
{
	OgJsonKind	kind = og_json_kind(container);

	if (kind == OG_JSON_ARRAY || kind == OG_JSON_OBJECT)
	{
		cursor->at = container.data + 1;
		cursor->end = container.data + container.len - 1;
	}
	else
		cursor->at = cursor->end = NULL;
}

bool
og_json_is_empty(OgSlice value)
{
	OgJsonCursor cursor;

	og_json_open(&cursor, value);
	return og_json_kind(value) == OG_JSON_NULL ||
		(cursor.end != NULL && skip_space(cursor.at) == cursor.end);
}

/*
 * Step to the next key of an object, or element of an array.  False at its
 * closing bracket.
 */
static inline bool
next_inside(const char **at, char bracket)
{
	CHECK_FOR_INTERRUPTS();
	*at = skip_space(*at);
	if (**at == ',')
		*at = skip_space(*at + 1);
	return **at != bracket;
}

/* The same of a cursor, if it is in a container that ends with this bracket. */
static bool
next_item(OgJsonCursor *cursor, char bracket)
{
	return cursor->end != NULL && *cursor->end == bracket &&
		next_inside(&cursor->at, bracket);
}

/*
 * Take the value that comes next, "at" before it or white space.
 */
static inline OgSlice
take_from(const char **at)
{
	const char *from = skip_space(*at);

	*at = skip_value(from);
	return og_slice(from, *at - from);
}

bool
og_json_next_element(OgJsonCursor *cursor, OgSlice *value)
{
	if (!next_item(cursor, ']'))
		return false;
	*value = take_from(&cursor->at);
	return true;
}

bool
og_json_next_member(OgJsonCursor *cursor, OgSlice *name, OgSlice *value)
{
	if (!next_item(cursor, '}'))
		return false;
	*name = take_from(&cursor->at);
	cursor->at = skip_space(cursor->at) + 1;	/* the colon */
	*value = take_from(&cursor->at);
	return true;
}

/*
 * Does a key say this name?
 */
static inline bool
is_named(OgSlice key, const char *name)
{
	const char *at = key.data + 1;
	const char *rest = name;

	while (*at == *rest && *at != '"' && *at != '\\')
	{
		at++;
		rest++;
	}
	if (*at == '\\')
		return og_json_equals(key, name);
	return *at == '"' && *rest == '\0';
}

/*
 * The first name that a key has and that was not given a value; -1 if none.
 * Where a key stands twice, both values are the same.
 */
static int
find_place(OgSlice key, const char *const *names, const OgSlice *values,
		   int count)
{
	for (int i = 0; i < count; i++)
	{
		if (values[i].data == NULL && is_named(key, names[i]))
			return i;
	}
	return -1;
}

static void
clear_values(OgSlice *values, int count)
{
	for (int i = 0; i < count; i++)
		values[i] = og_slice(NULL, 0);
}

void
og_json_pick(OgSlice object, const char *const *names, OgSlice *values,
			 int count)
{
	const char *at;
	int			missing = count;

	clear_values(values, count);
	if (og_json_kind(object) != OG_JSON_OBJECT)
		return;
	at = object.data + 1;
	while (missing > 0 && next_inside(&at, '}'))
	{
		OgSlice		key = {at, skip_string(at) - at};
		int			place = find_place(key, names, values, count);
		OgSlice		value;

		at = skip_space(at + key.len) + 1;	/* the colon */
		value = take_from(&at);
		if (place >= 0)
		{
			values[place] = value;
			missing--;
		}
	}
}

void
og_json_pick_open(OgJsonPicker *picker, OgSlice list,
				  const char *const *names, int count)
{
	og_json_open(&picker->cursor, list);
	picker->names = names;
	picker->count = count;
	picker->nkeys = 0;
}

/*
 * Is the key at "at", which is number n of its object, that of the object
 * before, with its colon?
 */
static inline bool
is_known_key(const OgJsonPicker *picker, const char *at, int n)
{
	if (n < picker->nkeys)
	{
		OgSlice		key = picker->keys[n];

		return key.len <= picker->cursor.end - at &&
			memcmp(at, key.data, key.len) == 0;
	}
	return false;
}

/*
 * Step over a key and its colon, and answer its place.  Which name a key has
 * follows from it and from the keys before it: where all of these are known, so
 * is its place.  One that is not known puts an end to what is.
 */
static inline int
take_key(OgJsonPicker *picker, const OgSlice *values, const char **at, int n)
{
	OgSlice		key;
	int			place;

	if (is_known_key(picker, *at, n))
	{
		*at += picker->keys[n].len;
		return picker->places[n];
	}

	key = og_slice(*at, skip_string(*at) - *at);
	*at = skip_space(*at + key.len) + 1;
	place = find_place(key, picker->names, values, picker->count);
	if (n < OG_JSON_KEYS_KNOWN)
	{
		picker->keys[n] = og_slice(key.data, *at - key.data);
		picker->places[n] = place;
		picker->nkeys = n + 1;
	}
	return place;
}

/*
 * Pick members of an object, "at" behind its opening bracket.  Answers what
 * follows the object.
 */
static const char *
pick_members(OgJsonPicker *picker, const char *at, OgSlice *values)
{
	for (int n = 0; next_inside(&at, '}'); n++)
	{
		int			place = take_key(picker, values, &at, n);
		OgSlice		value = take_from(&at);

		if (place >= 0)
			values[place] = value;
	}
	return at + 1;
}

bool
og_json_pick_next(OgJsonPicker *picker, OgSlice *element, OgSlice *values)
{
	OgJsonCursor *cursor = &picker->cursor;
	const char *from;

	if (!next_item(cursor, ']'))
		return false;
	clear_values(values, picker->count);
	from = cursor->at;
	cursor->at = *from == '{' ? pick_members(picker, from + 1, values)
		: skip_value(from);
	*element = og_slice(from, cursor->at - from);
	return true;
}

/*
 * Take the first elements of an array, "at" behind its opening bracket.
 * Answers what follows the array.
 */
static const char *
take_elements(const char *at, OgSlice *values, int count)
{
	for (int n = 0; next_inside(&at, ']'); n++)
	{
		const char *from = at;

		at = skip_value(from);
		if (n < count)
			values[n] = og_slice(from, at - from);
	}
	return at + 1;
}

bool
og_json_next_list(OgJsonCursor *cursor, OgSlice *element, OgSlice *values,
				  int count)
{
	const char *from;

	if (!next_item(cursor, ']'))
		return false;
	clear_values(values, count);
	from = cursor->at;
	cursor->at = *from == '[' ? take_elements(from + 1, values, count)
		: skip_value(from);
	*element = og_slice(from, cursor->at - from);
	return true;
}

OgSlice
og_json_member(OgSlice object, const char *name)
{
	OgSlice		value;

	og_json_pick(object, &name, &value, 1);
	return value;
}
