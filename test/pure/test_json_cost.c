/*-------------------------------------------------------------------------
 *
 * test_json_cost.c
 *		What hostile answers cost: memory, and work.
 *
 * Work is not measured by a clock but in visits of CHECK_FOR_INTERRUPTS():
 * one for each 64 KB of input, for each step of a sort and for each item a
 * cursor steps to.  That also shows that a query cancel is never far away.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "json_case.h"
#include "server_shim.h"
#include "tap.h"

#define MEGABYTE	(1024 * 1024)
#define LARGE		(8 * MEGABYTE)

/* Bytes between looks for interrupts, and a little: an escape is whole. */
#define PAUSE		(65536 + 16)

typedef void (*Maker) (StringInfo out, int i);

static void
empty_key(StringInfo out, int i)
{
	appendStringInfoString(out, "\"\":0");
}

static void
tiny_key(StringInfo out, int i)
{
	appendStringInfo(out, "\"%c\":0", 'a' + i % 26);
}

static void
rising_key(StringInfo out, int i)
{
	appendStringInfo(out, "\"%x\":0", i);
}

static void
falling_key(StringInfo out, int i)
{
	appendStringInfo(out, "\"%x\":0", 0x7FFFFFFF - i);
}

/* In the order of organ pipes, which many a quicksort is slow on. */
static void
organ_pipe_key(StringInfo out, int i)
{
	appendStringInfo(out, "\"%07d\":0", i % 2 == 0 ? i : 9999999 - i);
}

static void
scattered_key(StringInfo out, int i)
{
	appendStringInfo(out, "\"%08x\":0", (uint32) i * 2654435761U);
}

static void
escaped_key(StringInfo out, int i)
{
	appendStringInfo(out, "\"\\u%04x\\u%04x\":0", i % 0xD000 + 1,
					 i / 0xD000 + 1);
}

/* Keys that differ in their last bytes alone. */
static void
long_key(StringInfo out, int i)
{
	appendStringInfoChar(out, '"');
	append_repeated(out, "the same prefix for every key of them all ", 24);
	appendStringInfo(out, "%d\":0", i);
}

static void
object_of_keys(StringInfo out, int i)
{
	appendStringInfoString(out, "{\"a\":0,\"b\":1,\"c\":2}");
}

static void
object_of_30_keys(StringInfo out, int i)
{
	appendStringInfoChar(out, '{');
	for (int key = 0; key < 30; key++)
		appendStringInfo(out, "%s\"k%d\":0", key > 0 ? "," : "", key);
	appendStringInfoChar(out, '}');
}

static void
number(StringInfo out, int i)
{
	appendStringInfoChar(out, '0');
}

static void
empty_object(StringInfo out, int i)
{
	appendStringInfoString(out, "{}");
}

static void
empty_array(StringInfo out, int i)
{
	appendStringInfoString(out, "[]");
}

static void
chinese(StringInfo out, int i)
{
	appendStringInfoString(out, "\"\xE9\x87\x87\xE8\xB4\xAD\"");
}

static void
fill(StringInfo out, Maker maker, size_t size, const char *brackets)
{
	resetStringInfo(out);
	enlargeStringInfo(out, size + 8192);
	appendStringInfoChar(out, brackets[0]);
	maker(out, 0);
	for (int i = 1; out->len < size; i++)
	{
		appendStringInfoChar(out, ',');
		maker(out, i);
	}
	appendStringInfoChar(out, brackets[1]);
}

/* How often proving this looks for interrupts; -1 when it is refused. */
static int64
work_of(StringInfo answer)
{
	OgSlice		value;
	const char *reason;
	bool		taken;

	shim_reset_peak();
	shim_count_interrupts(true);
	taken = og_json_prove(og_slice(answer->data, answer->len), &value,
						  &reason);
	shim_count_interrupts(false);
	return taken ? shim_interrupts : -1;
}

static void
test_costs(StringInfo out)
{
	static const struct
	{
		const char *name;
		Maker		maker;
		const char *brackets;
		size_t		smallest;	/* bytes of a member, to bound their number */
	}			cases[] = {
		{"1.6 million empty keys", empty_key, "{}", 5},
		{"1.3 million tiny keys", tiny_key, "{}", 6},
		{"rising keys", rising_key, "{}", 8},
		{"falling keys", falling_key, "{}", 10},
		{"keys like organ pipes", organ_pipe_key, "{}", 12},
		{"scattered keys", scattered_key, "{}", 12},
		{"escaped keys", escaped_key, "{}", 17},
		{"long keys alike", long_key, "{}", 1000},
		{"small objects", object_of_keys, "[]", 0},
		{"objects of 30 keys", object_of_30_keys, "[]", 9},
		{"numbers", number, "[]", 0},
		{"empty objects", empty_object, "[]", 0},
		{"empty arrays", empty_array, "[]", 0},
		{"Chinese strings", chinese, "[]", 0},
	};

	for (int i = 0; i < lengthof(cases); i++)
	{
		size_t		before;
		double		members;
		double		bound;
		int64		work;

		fill(out, cases[i].maker, LARGE, cases[i].brackets);
		before = shim_in_use;
		work = work_of(out);

		ok(work >= 0, "8 MB of %s are proven", cases[i].name);
		ok(shim_peak - before <= out->len, "... in %.2f times their size",
		   (double) (shim_peak - before) / out->len);
		ok(shim_in_use == before, "... which is freed");

		/* Building a heap, emptying it, reading neighbours; input. */
		members = cases[i].smallest > 0 ? out->len / cases[i].smallest : 0;
		bound = members > 0 ? members * (log2(members) + 8) : 0;
		bound += 3.0 * out->len / PAUSE + 3;
		ok(work <= bound, "... with %.0f of %.0f steps", (double) work, bound);
		ok(work >= out->len / PAUSE,
		   "... of which none is longer than 64 KB");
	}
}

/* One value in many levels, each of them twice. */
static void
test_repeated_values(StringInfo out)
{
	StringInfoData inner;
	int64		work;
	int			levels = 0;

	initStringInfo(&inner);
	appendStringInfoString(&inner, "\"0123456789\"");
	while (inner.len < LARGE / 4)
	{
		resetStringInfo(out);
		appendStringInfo(out, "{\"a\":%s,\"a\":%s}", inner.data, inner.data);
		resetStringInfo(&inner);
		appendBinaryStringInfo(&inner, out->data, out->len);
		levels++;
	}
	work = work_of(out);
	ok(work >= 0, "a key twice in each of %d levels", levels);

	/* Each level looks at all below it twice, in pieces of up to 64 KB. */
	ok(work <= 3.0 * levels * out->len / PAUSE + 8.0 * (2 << levels),
	   "... with %.0f steps", (double) work);
	pfree(inner.data);
}

/* A long key in an object that is in objects with as many keys as can wait. */
static void
test_nested_keys(StringInfo out)
{
	size_t		before;

	resetStringInfo(out);
	for (int depth = 0; depth < OG_JSON_MAX_DEPTH; depth++)
	{
		appendStringInfoChar(out, '{');
		for (int i = 0; i < 40000; i++)
		{
			rising_key(out, i);
			appendStringInfoChar(out, ',');
		}
		appendStringInfoString(out, "\"\":");
	}
	appendStringInfoChar(out, '0');
	append_repeated(out, "}", OG_JSON_MAX_DEPTH);
	before = shim_in_use;
	ok(work_of(out) >= 0, "1.3 million keys on 32 levels are proven");
	ok(shim_peak - before <= out->len, "... in %.2f times their size",
	   (double) (shim_peak - before) / out->len);

	/* The last closing bracket is missing: all keys were waiting. */
	out->len -= OG_JSON_MAX_DEPTH;
	before = shim_in_use;
	ok(work_of(out) < 0, "... and refused when cut off");
	ok(shim_in_use == before, "... which frees as well");
}

static void
test_small_answers_allocate_nothing(StringInfo out)
{
	size_t		before;

	resetStringInfo(out);
	appendStringInfoString(out, "{\"code\":200,\"data\":[");
	for (int i = 0; i < 100; i++)
		appendStringInfo(out, "%s{\"result\":120,\"id\":%d,\"msg\":\"x\"}",
						 i > 0 ? "," : "", i);
	appendStringInfoString(out, "],\"info\":\"success\"}");
	before = shim_in_use;
	ok(work_of(out) >= 0, "100 elements of XT are proven");
	ok(shim_peak == before, "... without an allocation");
}

/* A string of 8 MB is not decoded to show the first of its characters. */
static void
test_text_of_long_string(StringInfo out)
{
	OgSlice		value;
	size_t		before;

	resetStringInfo(out);
	appendStringInfoChar(out, '"');
	append_repeated(out, "\\u91c7", LARGE / 6);
	appendStringInfoChar(out, '"');
	value = proven(og_slice(out->data, out->len));
	before = shim_in_use;
	shim_reset_peak();
	is_number(strlen(og_json_text(value, 1000)), 3000,
			  "1,000 characters of a string of 8 MB");
	ok(shim_peak - before <= 4001, "... take no more than 4 KB");
}

/* Stepping through an answer looks for interrupts all the way. */
static void
test_walking(StringInfo out)
{
	static const char *const names[] = {"k7", "k0"};
	OgSlice		values[lengthof(names)];
	OgJsonPicker picker;
	OgJsonCursor cursor;
	OgSlice		value;
	int			elements = 0;

	fill(out, number, LARGE, "[]");
	value = proven(og_slice(out->data, out->len));
	shim_count_interrupts(true);
	og_json_open(&cursor, value);
	while (og_json_next_element(&cursor, &value))
		elements++;
	shim_count_interrupts(false);
	ok(elements > 4000000, "%d elements", elements);
	is_number(shim_interrupts, elements + 1, "... each looks for interrupts");

	fill(out, object_of_30_keys, LARGE, "[]");
	value = proven(og_slice(out->data, out->len));
	shim_count_interrupts(true);
	elements = 0;
	og_json_pick_open(&picker, value, names, lengthof(names));
	while (og_json_pick_next(&picker, &value, values))
		elements++;
	shim_count_interrupts(false);
	is_number(shim_interrupts, elements * INT64CONST(32) + 1,
			  "picking looks for interrupts at each key and each element");

	resetStringInfo(out);
	appendStringInfoString(out, "[[");
	append_repeated(out, "0,", LARGE / 4);
	appendStringInfoString(out, "0],\"");
	append_repeated(out, "xy", LARGE / 4);
	appendStringInfoString(out, "\"]");
	value = proven(og_slice(out->data, out->len));
	shim_count_interrupts(true);
	og_json_open(&cursor, value);
	while (og_json_next_element(&cursor, &value))
		elements++;
	shim_count_interrupts(false);
	ok(shim_interrupts >= out->len / PAUSE,
	   "stepping over long values looks for interrupts");
}

int
main(void)
{
	StringInfoData out;

	initStringInfo(&out);
	test_costs(&out);
	test_repeated_values(&out);
	test_nested_keys(&out);
	test_small_answers_allocate_nothing(&out);
	test_text_of_long_string(&out);
	test_walking(&out);
	return done_testing();
}
