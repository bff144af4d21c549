/*-------------------------------------------------------------------------
 *
 * test_json_alike.c
 *		Objects that look like the one before: what the proof and a picker
 *		remember of it must never show.
 *
 * A list is in order exactly when each of its objects is by itself, and what
 * is picked out of its elements is what is picked out of each of them alone.
 * Both is tried on lists made at random, of objects that are like each other
 * but for one thing; every list ends where its memory does.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "json_case.h"
#include "server_shim.h"
#include "tap.h"

#define LISTS		10000
#define MOST		8			/* objects of a list */
#define MOST_KEYS	70			/* more than are remembered */

typedef struct Case
{
	const char *text;
	const char *reason;			/* NULL: it is taken */
} Case;

static const Case cases[] = {
	{"[{\"a\":1,\"b\":2},{\"a\":3,\"b\":4},{\"a\":5,\"b\":6}]"},
	{"[{\"a\":1,\"b\":2},{\"b\":3,\"a\":4},{\"a\":5,\"b\":6}]"},
	{"[{\"a\":1,\"b\":2},{\"a\":3},{},{\"a\":1,\"b\":2,\"c\":3}]"},
	{"[{\"a\":1},{\"ab\":1},{\"a\":1},{\"\":1},{\"\\u0061\":1}]"},
	{"[{\"n0\":1,\"a rather long key\":2},{\"n0\":3,\"\":4}]"},
	{"[{\"a\":1,\"a\":1},{\"a\":2,\"a\":2}]"},
	{"[{\"a\":1,\"a\":1},{\"a\":1,\"a\":2}]", HAS_TWO},
	{"[{\"a\":1,\"b\":2,\"b\":2},{\"a\":1,\"b\":2,\"b\":3}]", HAS_TWO},
	{"[{\"a\":1,\"b\":2},{\"a\":1,\"b\":2,\"a\":3}]", HAS_TWO},
	{"[{\"a\":1,\"b\":2,\"c\":3},{\"a\":1,\"b\":2,\"a\":3}]", HAS_TWO},
	{"[{\"a\":1,\"b\":2},{\"a\":1,\"\\u0061\":2}]", HAS_TWO},
	{"[{\"a\":1,\"b\":2},{\"b\":1},{\"b\":1,\"b\":2}]", HAS_TWO},
	{"[{\"ab\":1,\"b\":1},{\"a\":1,\"a\":2}]", HAS_TWO},
	{"[{\"a\":{\"b\":1,\"b\":1}},{\"a\":{\"b\":1,\"b\":2}}]", HAS_TWO},
	{"[{\"a\":{\"b\":1},\"c\":1},{\"a\":{\"b\":1},\"c\":1,\"a\":2}]", HAS_TWO},
	{"[{\"a\":[{\"x\":1,\"y\":2},{\"x\":1,\"y\":2}],\"b\":1},"
		"{\"a\":[{\"x\":1,\"y\":2,\"x\":3}],\"b\":1}]", HAS_TWO},
	{"{\"a\":[{\"x\":1}],\"b\":[{\"x\":1},{\"x\":1,\"x\":2}]}", HAS_TWO},
	{"[{\"a\\\"\":1},{\"a\\\"\":1,\"a\":2}]"},
	{"[{\"a\":1},{\"a\"1}]", IS_NOT_JSON},
	{"[{\"a\":1},{\"a\"", IS_CUT_OFF},
	{"[{\"a\":1},{\"a", IS_CUT_OFF},
	{"[{\"abcdefgh\":1},{\"abcd\n\":1}]", IS_NOT_JSON},
};

/* Does a picker find what is found in each element by itself? */
static bool
is_picked_alike(OgSlice list)
{
	static const char *const names[] = {
		"n0", "n1", "n2", "n3", "n7", "n62", "n63", "n64", "n65", "a", "none"
	};
	OgSlice		values[lengthof(names)];
	OgJsonPicker picker;
	OgJsonCursor cursor;
	OgSlice		element;
	OgSlice		other;

	og_json_pick_open(&picker, list, names, lengthof(names));
	og_json_open(&cursor, list);
	while (og_json_pick_next(&picker, &element, values))
	{
		if (!og_json_next_element(&cursor, &other) ||
			element.data != other.data || element.len != other.len)
			return false;
		for (int i = 0; i < lengthof(names); i++)
		{
			other = og_json_member(element, names[i]);
			if (values[i].data != other.data || values[i].len != other.len)
				return false;
		}
	}
	return !og_json_next_element(&cursor, &other);
}

/*
 * Prove a copy that ends where its memory does, and pick from it.  Answers the
 * reason of a refusal, NULL when all is as it should be.
 */
static const char *
prove_and_pick(OgSlice list)
{
	char	   *copy = malloc(list.len);
	OgSlice		value;
	const char *reason = NULL;

	memcpy(copy, list.data, list.len);
	if (og_json_prove(og_slice(copy, list.len), &value, &reason))
		reason = is_picked_alike(value) ? NULL : "is not picked alike";
	free(copy);
	return reason;
}

static void
test_cases(void)
{
	for (int i = 0; i < lengthof(cases); i++)
		is_text(prove_and_pick(og_slice_of(cases[i].text)), cases[i].reason,
				cases[i].text);
}

/* Objects of many keys, of which the last stands twice in the second one. */
static void
test_many_keys(void)
{
	StringInfoData out;

	initStringInfo(&out);
	for (int keys = 60; keys <= MOST_KEYS; keys++)
	{
		for (int twice = 0; twice <= 1; twice++)
		{
			resetStringInfo(&out);
			for (int object = 0; object < 2; object++)
			{
				appendStringInfoString(&out, object == 0 ? "[{" : "},{");
				for (int key = 0; key < keys; key++)
					appendStringInfo(&out, "\"k%d\":%d,", key, key);
				appendStringInfo(&out, "\"last\":1");
			}
			appendStringInfoString(&out, twice ? ",\"last\":2}]" : "}]");
			is_text(prove_and_pick(og_slice(out.data, out.len)),
					twice ? HAS_TWO : NULL,
					psprintf("%d keys, %s", keys + 1,
							 twice ? "and one twice" : "each once"));
		}
	}
}

/* ---------- lists at random ---------- */

static uint32 seed = 1;

/* A number below "end". */
static int
pick(int end)
{
	seed = seed * 1664525 + 1013904223;
	return (seed >> 8) % end;
}

/* The keys of an object: numbers of names, and how each is spelled. */
typedef struct Keys
{
	int			count;
	struct
	{
		int			name;
		bool		escaped;
	}			of[MOST_KEYS + 1];
} Keys;

static void
insert_key(Keys *keys, int at, int name)
{
	for (int i = keys->count++; i > at; i--)
		keys->of[i] = keys->of[i - 1];
	keys->of[at].name = name;
	keys->of[at].escaped = false;
}

/* One thing that differs; mostly nothing. */
static void
vary(Keys *keys)
{
	int			at = keys->count > 0 ? pick(keys->count) : 0;

	switch (pick(12))
	{
		case 0:
			keys->count = at;
			break;
		case 1:
			if (keys->count > 0)
				keys->of[at].escaped = !keys->of[at].escaped;
			break;
		case 2:
			if (keys->count < MOST_KEYS)
				insert_key(keys, at, pick(keys->count + 2));
			break;
		case 3:
			if (keys->count > 0)
			{
				int			name = keys->of[at].name;

				keys->of[at].name = keys->of[0].name;
				keys->of[0].name = name;
			}
			break;
	}
}

static void
append_key(StringInfo out, int name, bool escaped)
{
	if (escaped)
		appendStringInfo(out, "\"\\u006e%d\"", name);
	else
		appendStringInfo(out, "\"n%d\"", name);
}

static void
append_object(StringInfo out, const Keys *keys)
{
	appendStringInfoChar(out, '{');
	for (int i = 0; i < keys->count; i++)
	{
		appendStringInfoString(out, i == 0 ? "" : pick(20) == 0 ? " , " : ",");
		append_key(out, keys->of[i].name, keys->of[i].escaped);
		appendStringInfo(out, ":%d", pick(6) == 0 ? 2 : 1);
	}
	appendStringInfoChar(out, '}');
}

/* A list, and where each of its objects begins and ends. */
static int
append_list(StringInfo out, int *ends)
{
	Keys		keys = {0};
	int			objects = 1 + pick(MOST);
	int			count = pick(20) == 0 ? 60 + pick(10) : pick(6);

	for (int i = 0; i < count; i++)
		insert_key(&keys, i, pick(10) == 0 ? pick(count + 2) : i);
	for (int i = 0; i < objects; i++)
	{
		appendStringInfoChar(out, i == 0 ? '[' : ',');
		append_object(out, &keys);
		ends[i] = out->len;
		vary(&keys);
	}
	appendStringInfoChar(out, ']');
	return objects;
}

/* Is each object in order by itself? */
static bool
are_all_proven(const char *list, const int *ends, int objects)
{
	OgSlice		value;
	const char *reason;

	for (int i = 0; i < objects; i++)
	{
		int			from = i == 0 ? 1 : ends[i - 1] + 1;

		if (!og_json_prove(og_slice(list + from, ends[i] - from), &value,
						   &reason))
			return false;
	}
	return true;
}

static void
test_random_lists(void)
{
	int			taken = 0;
	int			wrong = 0;
	StringInfoData out;

	initStringInfo(&out);
	for (int i = 0; i < LISTS; i++)
	{
		int			ends[MOST];
		int			objects;
		const char *reason;
		bool		all;

		resetStringInfo(&out);
		objects = append_list(&out, ends);
		reason = prove_and_pick(og_slice(out.data, out.len));
		all = are_all_proven(out.data, ends, objects);
		if (all ? reason != NULL : reason == NULL || strcmp(reason, HAS_TWO) != 0)
		{
			printf("# %s\n", out.data);
			wrong++;
		}
		taken += all;
	}
	is_number(wrong, 0, "lists that are not what their objects are");
	ok(taken > LISTS / 2 && taken < LISTS * 9 / 10, "%d of %d are in order",
	   taken, LISTS);
}

int
main(void)
{
	test_cases();
	test_many_keys();
	test_random_lists();
	return done_testing();
}
