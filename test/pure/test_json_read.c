/*-------------------------------------------------------------------------
 *
 * test_json_read.c
 *		Known answers for what reads proven answers, and what builds JSON.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "json_case.h"
#include "server_shim.h"
#include "tap.h"

static void
is_slice(OgSlice got, const char *expected, const char *name)
{
	is_text(got.data == NULL ? NULL : pnstrdup(got.data, got.len), expected,
			name);
}

static void
test_kinds(void)
{
	static const struct
	{
		const char *text;
		OgJsonKind	kind;
	}			cases[] = {
		{"null", OG_JSON_NULL}, {"false", OG_JSON_FALSE},
		{"true", OG_JSON_TRUE}, {"0", OG_JSON_NUMBER}, {"-1", OG_JSON_NUMBER},
		{"9.5e1", OG_JSON_NUMBER}, {"\"\"", OG_JSON_STRING},
		{"[]", OG_JSON_ARRAY}, {"{}", OG_JSON_OBJECT}
	};

	for (int i = 0; i < lengthof(cases); i++)
		is_number(og_json_kind(proven_text(cases[i].text)), cases[i].kind,
				  psprintf("kind of %s", cases[i].text));
	is_number(og_json_kind(og_slice(NULL, 0)), OG_JSON_NOTHING,
			  "kind of nothing");
}

/* What stepping through a value shows, one item after the other. */
static char *
walk(OgSlice container)
{
	StringInfoData out;
	OgJsonCursor cursor;
	OgSlice		name;
	OgSlice		value;

	initStringInfo(&out);
	og_json_open(&cursor, container);
	while (og_json_next_element(&cursor, &value))
		appendStringInfo(&out, "<%.*s>", (int) value.len, value.data);
	while (og_json_next_member(&cursor, &name, &value))
		appendStringInfo(&out, "<%.*s=%.*s>", (int) name.len, name.data,
						 (int) value.len, value.data);

	/* Once at the end, always at the end. */
	if (og_json_next_element(&cursor, &value) ||
		og_json_next_member(&cursor, &name, &value))
		appendStringInfoString(&out, "<again>");
	return out.data;
}

static void
test_cursors(void)
{
	static const char *const cases[][2] = {
		{"[]", ""}, {"{}", ""}, {"[ ]", ""}, {"{ \n }", ""},
		{"1", ""}, {"\"[1]\"", ""}, {"null", ""},
		{"[1]", "<1>"}, {"[1,2,3]", "<1><2><3>"},
		{" [ 1 , 2\t,\n3 ] ", "<1><2><3>"},
		{"[true,null,-1.50e+3,\"a\"]", "<true><null><-1.50e+3><\"a\">"},
		{"[[1,[2]],{\"a\":[3]},[]]", "<[1,[2]]><{\"a\":[3]}><[]>"},
		{"[ [ ] , { } ]", "<[ ]><{ }>"},
		{"[\"]\",\"[\",\"\\\"]\",\"\\\\\"]", "<\"]\"><\"[\"><\"\\\"]\"><\"\\\\\">"},
		{"[[\"]\"],{\"}\":\"{\"}]", "<[\"]\"]><{\"}\":\"{\"}>"},
		{"{\"a\":1}", "<\"a\"=1>"},
		{" { \"a\" : 1 , \"b\" : [ 2 ] } ", "<\"a\"=1><\"b\"=[ 2 ]>"},
		{"{\"a\\\"\":{\"b\":{}},\"\":\"}\"}",
		"<\"a\\\"\"={\"b\":{}}><\"\"=\"}\">"},
		{"[6216559590087220004,9007199254740993,0.000000006,-0,1.10]",
		"<6216559590087220004><9007199254740993><0.000000006><-0><1.10>"},
	};
	OgJsonCursor cursor;
	OgSlice		name;
	OgSlice		value;

	for (int i = 0; i < lengthof(cases); i++)
		is_text(walk(proven_text(cases[i][0])), cases[i][1],
				psprintf("items of %s", cases[i][0]));
	is_text(walk(og_slice(NULL, 0)), "", "items of nothing");

	og_json_open(&cursor, proven_text("{\"a\":1}"));
	ok(!og_json_next_element(&cursor, &value), "an object has no elements");
	ok(og_json_next_member(&cursor, &name, &value), "... but members still");
	og_json_open(&cursor, proven_text("[\"a\",1]"));
	ok(!og_json_next_member(&cursor, &name, &value),
	   "an array has no members");
	ok(og_json_next_element(&cursor, &value), "... but elements still");
}

static void
test_members(void)
{
	static const char *const names[] = {"code", "data", "info", "missing"};
	OgSlice		values[lengthof(names)];
	OgSlice		object = proven_text(
		"{\"info\":\"x\",\"code\" : 200,\"in\":{\"missing\":1},"
		"\"dat\\u0061\":[1],\"code\":200,\"code2\":3}");

	og_json_pick(object, names, values, lengthof(names));
	is_slice(values[0], "200", "a member");
	ok(values[0].data < values[1].data, "... the first of two");
	is_slice(values[1], "[1]", "a member whose key has an escape");
	is_slice(values[2], "\"x\"", "a string member with its quotes");
	is_slice(values[3], NULL, "no such member at this level");
	is_slice(og_json_member(object, "code2"), "3", "a single member");
	is_slice(og_json_member(object, "cod"), NULL, "half a name is no name");
	is_slice(og_json_member(object, ""), NULL, "no name is no name");
	is_slice(og_json_member(proven_text("{\"\":1}"), ""), "1", "an empty key");
	is_slice(og_json_member(proven_text("{\"a\":null}"), "a"), "null",
			 "a member that is null is there");
	is_slice(og_json_member(proven_text("[\"code\",1]"), "code"), NULL,
			 "an array has no members");
	is_slice(og_json_member(proven_text("\"code\""), "code"), NULL,
			 "a string has no members");
	is_slice(og_json_member(og_slice(NULL, 0), "code"), NULL,
			 "nothing has no members");
}

static void
test_members_of_elements(void)
{
	static const char *const names[] = {"id", "code"};
	OgSlice		values[lengthof(names)];
	OgSlice		element;
	OgJsonPicker picker;

	og_json_pick_open(&picker, proven_text(
		"[ {\"id\":1,\"a\":[{\"code\":9}],\"code\":\"x\"} ,{}, \"id\","
		"{\"cod\\u0065\" : {\"id\":2} }]"), names, lengthof(names));

	ok(og_json_pick_next(&picker, &element, values),
	   "there is a first element");
	is_slice(element, "{\"id\":1,\"a\":[{\"code\":9}],\"code\":\"x\"}",
			 "... all of it");
	is_slice(values[0], "1", "... with its id");
	is_slice(values[1], "\"x\"", "... and its own code");
	ok(og_json_pick_next(&picker, &element, values),
	   "there is a second element");
	is_slice(element, "{}", "... which is empty");
	is_slice(values[0], NULL, "... and has nothing of the first");
	ok(og_json_pick_next(&picker, &element, values),
	   "there is a third element");
	is_slice(element, "\"id\"", "... which is a string");
	is_slice(values[0], NULL, "... and so has no members");
	ok(og_json_pick_next(&picker, &element, values),
	   "there is a fourth element");
	is_slice(values[0], NULL, "... whose code has the id");
	is_slice(values[1], "{\"id\":2}", "... under an escaped name");
	ok(!og_json_pick_next(&picker, &element, values),
	   "there is no fifth element");

	og_json_pick_open(&picker, proven_text("{\"id\":1}"), names,
					  lengthof(names));
	ok(!og_json_pick_next(&picker, &element, values),
	   "an object has no elements to pick from");
}

/* Strings of all lengths around those that are searched in another way. */
static void
test_ends_of_strings(void)
{
	bool		good = true;

	for (int len = 0; len < 80; len++)
	{
		for (int escape = 0; escape <= len; escape++)
		{
			StringInfoData text;
			OgJsonCursor cursor;
			OgSlice		first = {0};
			OgSlice		second = {0};

			initStringInfo(&text);
			appendStringInfoString(&text, "[\"");
			for (int i = 0; i < len; i++)
				appendStringInfoString(&text, i == escape ? "\\\"" : "x");
			appendStringInfoString(&text, "\",2]");
			og_json_open(&cursor, proven_text(text.data));
			good = good && og_json_next_element(&cursor, &first) &&
				og_json_next_element(&cursor, &second) &&
				first.len == (size_t) text.len - 4 &&
				og_json_equals(second, "2") &&
				!og_json_next_element(&cursor, &second);
			pfree(text.data);
		}
	}
	ok(good, "a string ends at its quote, with and without an escape");
}

static int
sign(int order)
{
	return (order > 0) - (order < 0);
}

static void
test_comparing(void)
{
	static const struct
	{
		const char *scalar;
		const char *text;
		int			order;
	}			cases[] = {
		{"\"\"", "", 0}, {"\"a\"", "a", 0}, {"\"a\"", "b", -1},
		{"\"b\"", "a", 1}, {"\"a\"", "", 1}, {"\"\"", "a", -1},
		{"\"ab\"", "abc", -1}, {"\"abc\"", "ab", 1}, {"\"b\"", "ab", 1},
		{"\"\\u0061\"", "a", 0}, {"\"x\\u0061y\"", "xay", 0},
		{"\"\\u0061\"", "ab", -1}, {"\"\\u0061b\"", "a", 1},
		{"\"\\u0062\"", "a", 1}, {"\"\\u0061\"", "", 1},
		{"\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\/\b\f\n\r\t", 0},
		{"\"\\n\"", "n", -1}, {"\"\\n\"", "\\n", -1},
		{"\"\\u00e9\"", "\xC3\xA9", 0}, {"\"\xC3\xA9\"", "\xC3\xA9", 0},
		{"\"\\u00e9\"", "\xC3", 1}, {"\"\\u00e9\"", "\xC3\xAA", -1},
		{"\"\\u00e9\"", "z", 1}, {"\"\xC3\xA9\"", "z", 1},
		{"\"\\u91c7\\u8d2d\"", "\xE9\x87\x87\xE8\xB4\xAD", 0},
		{"\"\\uD83D\\uDE00\"", "\xF0\x9F\x98\x80", 0},
		{"\"\\ud83d\\ude00x\"", "\xF0\x9F\x98\x80", 1},
		{"\"\\uD83D\\uDE00\"", "\xF0\x9F\x98", 1},
		{"\"\\uD83D\\uDE00\"", "\xF0\x9F\x98\x81", -1},
		{"\"\\uFFFF\"", "\xF0\x90\x80\x80", -1},
		{"1", "1", 0}, {"1", "01", 1}, {"1.0", "1", 1}, {"-0", "0", -1},
		{"6216559590087220004", "6216559590087220004", 0},
		{"6216559590087220004", "6216559590087220224", -1},
		{"9007199254740993", "9007199254740992", 1},
		{"0.000000006", "6e-9", -1}, {"true", "true", 0}, {"null", "null", 0},
		{"\"123\"", "123", 0}, {"[1]", "[1]", 0},
	};

	for (int i = 0; i < lengthof(cases); i++)
	{
		OgSlice		scalar = proven_text(cases[i].scalar);
		const char *text = cases[i].text;

		is_number(sign(og_json_compare(scalar, og_slice_of(text))),
				  cases[i].order,
				  psprintf("case %d: %s against text", i, cases[i].scalar));
		ok(og_json_equals(scalar, text) == (cases[i].order == 0),
		   "... equality agrees");
	}
	is_number(sign(og_json_compare(proven_text("\"a\""), BYTES("a\0"))), -1,
			  "a zero byte in text counts");
	ok(!og_json_equals(og_slice(NULL, 0), ""), "nothing is not empty text");
	is_number(sign(og_json_compare(og_slice(NULL, 0), BYTES(""))), -1,
			  "nothing comes first");
	is_number(sign(og_json_compare(proven_text("\"\""), og_slice(NULL, 0))),
			  1, "... before the empty string too");
}

static void
test_text(void)
{
	static const struct
	{
		const char *value;
		int			max_chars;
		const char *text;
	}			cases[] = {
		{"\"\"", 64, ""}, {"\"abc\"", 64, "abc"}, {"\"abc\"", 3, "abc"},
		{"\"abc\"", 2, "ab"}, {"\"abc\"", 0, ""}, {"\"abc\"", -1, ""},
		{"\"a\\\"b\\\\c\\/\"", 64, "a\"b\\c/"},
		{"\"\\b\\f\\n\\r\\t\"", 64, "\b\f\n\r\t"},
		{"\"\\n\\n\\n\"", 2, "\n\n"},
		{"\"\\u0041\\u00e9\\u91c7\\uD83D\\uDE00\"", 64,
		"A\xC3\xA9\xE9\x87\x87\xF0\x9F\x98\x80"},
		{"\"\\u0041\\u00e9\\u91c7\\uD83D\\uDE00\"", 3,
		"A\xC3\xA9\xE9\x87\x87"},
		{"\"\xE9\x87\x87\xE8\xB4\xAD\"", 1, "\xE9\x87\x87"},
		{"\"\xF0\x9F\x98\x80\xF0\x9F\x98\x80\"", 1, "\xF0\x9F\x98\x80"},
		{"\"\xC3\xA9\"", PG_INT32_MAX, "\xC3\xA9"},
		{"200", 64, "200"}, {"200", 2, "20"}, {"-0", 64, "-0"},
		{"6216559590087220004", 64, "6216559590087220004"},
		{"0.000000006", 64, "0.000000006"}, {"1.10", 64, "1.10"},
		{"true", 64, "true"}, {"false", 64, "false"}, {"null", 64, NULL},
		{"{\"a\": [1]}", 64, "{\"a\": [1]}"}, {"[\"\\u0041\"]", 64, "[\"\\u0041\"]"},
		{"[\"\xE9\x87\x87\xE8\xB4\xAD\"]", 3, "[\"\xE9\x87\x87"},
	};

	for (int i = 0; i < lengthof(cases); i++)
		is_text(og_json_text(proven_text(cases[i].value), cases[i].max_chars),
				cases[i].text,
				psprintf("text of case %d: %s", i, cases[i].value));
	is_text(og_json_text(og_slice(NULL, 0), 64), NULL, "nothing has no text");
}

/* Codes are cut at 64 characters, of which each may be a pair of escapes. */
static void
test_clipped_text(void)
{
	static const struct
	{
		const char *spelled;
		const char *meant;
	}			characters[] = {
		{"x", "x"}, {"\\n", "\n"}, {"\xC3\xA9", "\xC3\xA9"},
		{"\\u00E9", "\xC3\xA9"}, {"\\u91c7", "\xE9\x87\x87"},
		{"\xE9\x87\x87", "\xE9\x87\x87"},
		{"\\uD83D\\uDE00", "\xF0\x9F\x98\x80"},
		{"\xF0\x9F\x98\x80", "\xF0\x9F\x98\x80"},
	};

	for (int i = 0; i < lengthof(characters); i++)
	{
		for (int count = 63; count <= 65; count++)
		{
			StringInfoData string;
			StringInfoData text;

			initStringInfo(&string);
			initStringInfo(&text);
			appendStringInfoChar(&string, '"');
			append_repeated(&string, characters[i].spelled, count);
			appendStringInfoChar(&string, '"');
			append_repeated(&text, characters[i].meant, Min(count, 64));
			is_text(og_json_text(proven_text(string.data), 64), text.data,
					psprintf("%d times %s cut at 64", count,
							 characters[i].spelled));
		}
	}
}

static void
test_building(void)
{
	StringInfoData out;
	cJSON	   *tree = cJSON_CreateArray();
	cJSON	   *object = cJSON_CreateObject();
	size_t		before;

	initStringInfo(&out);
	appendStringInfoString(&out, "before ");
	cJSON_AddItemToArray(tree, cJSON_CreateRaw("6216559590087220004"));
	cJSON_AddItemToArray(tree, cJSON_CreateRaw("0.000000006"));
	cJSON_AddItemToArray(tree, cJSON_CreateString("a\"\\\n\xE9\x87\x87"));
	cJSON_AddItemToArray(tree, object);
	cJSON_AddStringToObject(object, "k", "v");
	ok(og_json_append(&out, tree), "a tree is appended");
	is_text(out.data, "before [6216559590087220004,0.000000006,"
			"\"a\\\"\\\\\\n\xE9\x87\x87\",{\"k\":\"v\"}]",
			"... unformatted, numbers as they were given");

	resetStringInfo(&out);
	before = shim_in_use;
	ok(!og_json_append(&out, NULL), "no tree, no text");
	shim_out_of_memory = true;
	ok(!og_json_append(&out, cJSON_CreateString("x")),
	   "out of memory is said, not raised");
	is_text(out.data, "", "nothing was appended");
	ok(shim_in_use == before, "nothing is left allocated");
}

static void
test_emptiness(void)
{
	static const char *const empty[] = {"null", "[]", "{}", "[ \n]", "{\t }"};
	static const char *const full[] = {
		"[null]", "{\"\":0}", "[[]]", "\"\"", "0", "false", "true"
	};

	for (size_t i = 0; i < lengthof(empty); i++)
		ok(og_json_is_empty(proven_text(empty[i])), "%s is empty", empty[i]);
	for (size_t i = 0; i < lengthof(full); i++)
		ok(!og_json_is_empty(proven_text(full[i])), "%s is not", full[i]);
	ok(!og_json_is_empty(og_slice(NULL, 0)), "nothing is not");
}

int
main(void)
{
	test_kinds();
	test_emptiness();
	test_cursors();
	test_members();
	test_members_of_elements();
	test_ends_of_strings();
	test_comparing();
	test_text();
	test_clipped_text();
	test_building();
	return done_testing();
}
