/*-------------------------------------------------------------------------
 *
 * fuzz_json.c
 *		Throws answers at the proof, and walks through what it takes.
 *
 * What is proven is exactly what the second reader takes, and both see the
 * same tree: every value at the same place to its last byte, with the same
 * keys and the same decoded strings.  A value is proven by itself, its text
 * keeps to its limit and compares equal to it, a member is found by its name,
 * in an object alone and in one after others, a number is exact by its digits
 * as by its text, nothing stays allocated.  cJSON takes all that we take.
 *
 * See fuzz.h for how it is run.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "fuzz.h"
#include "second_reader.h"
#include "server_shim.h"

#define CLIP	7

/* Names picked at once. */
#define MAX_PICKED	8

/* As many as an exponent can ask for. */
#define TEN_ZEROS	"0000000000"
#define ZEROS		TEN_ZEROS TEN_ZEROS TEN_ZEROS TEN_ZEROS TEN_ZEROS \
					TEN_ZEROS TEN_ZEROS TEN_ZEROS TEN_ZEROS TEN_ZEROS

/* cJSON reads numbers of fewer characters than this. */
#define CJSON_NUMBER_SIZE	64

/* What the second opinion has allocated while we walked. */
static size_t theirs;

static void walk(OgSlice value, const Node *node);

static void
check_text(OgSlice value, const Node *node)
{
	char	   *text = og_json_text(value, CLIP);
	char	   *all = og_json_text(value, PG_INT32_MAX);
	char	   *shown = second_shown(node, CLIP);
	char	   *shown_all = second_shown(node, PG_INT32_MAX);

	must((text == NULL) == (node->kind == OG_JSON_NULL));
	if (text != NULL)
	{
		int			order = og_json_compare(value, og_slice_of(text));

		must(strcmp(text, shown) == 0);
		must(strcmp(all, shown_all) == 0);
		must(second_count(all, strlen(all)) >= 0);
		must(og_json_equals(value, all));
		must(strlen(all) > strlen(text) ? order > 0 : order == 0);
		pfree(text);
		pfree(all);
		pfree(shown);
		pfree(shown_all);
	}
}

/* A number of these digits, as numeric shows it. */
static char *
write_number(int64 digits, int scale)
{
	char	   *number = psprintf("%s%0*lld%.*s", digits < 0 ? "-" : "",
								  Max(scale, 0) + 1,
								  (long long) (digits < 0 ? -digits : digits),
								  digits == 0 ? 0 : Max(-scale, 0),
								  ZEROS);
	int			places = Max(scale, 0);

	return places == 0 ? number :
		psprintf("%.*s.%s", (int) strlen(number) - places, number,
				 number + strlen(number) - places);
}

/* Is a whole number what is shown of it, or too large for an int64? */
static void
check_integer(OgSlice value, const char *shown)
{
	size_t		whole = strcspn(shown, ".");
	bool		is_whole = strspn(shown + whole, ".0") == strlen(shown + whole);
	int64		integer;

	errno = 0;
	if (og_json_integer(value, &integer))
		must(is_whole && strtoll(shown, NULL, 10) == integer && errno == 0);
	else
		must(!is_whole || strtoll(shown, NULL, 10) == PG_INT64_MIN ||
			 errno == ERANGE);
}

static void
check_number(OgSlice value, const Node *node)
{
	char	   *text = og_json_number_text(value);
	int			count = 0;
	char	   *shown;
	size_t		left;
	int64		digits;
	int			scale;
	bool		is_read = og_json_decimal(value, &digits, &scale);

	if (text != NULL)
		pfree(text);
	left = shim_in_use;
	shown = second_number(node, &count);
	must((text != NULL) == (shown != NULL));
	must(is_read == (shown != NULL && count <= 18 &&
					 memchr(value.data, '\\', value.len) == NULL));
	if (is_read)
		must(strcmp(write_number(digits, scale), shown) == 0);
	theirs += shim_in_use - left;
	if (shown != NULL)
		check_integer(value, shown);
	else
		must(!og_json_integer(value, &digits));
}

static void
check_inside(OgSlice outer, OgSlice inner)
{
	must(inner.len > 0);
	must(inner.data > outer.data);
	must(inner.data + inner.len < outer.data + outer.len);
}

/* Some names that elements of a list have, all different. */
static int
collect_names(const Node *list, const char **names)
{
	int			count = 0;

	for (const Node *element = list->first; element; element = element->next)
	{
		const Node *member = second_is(element, OG_JSON_OBJECT)
			? element->first : NULL;

		for (; member != NULL && count < MAX_PICKED; member = member->next)
		{
			int			i = 0;

			while (i < count && strcmp(names[i], member->name) != 0)
				i++;
			names[i] = member->name;
			count = Max(count, i + 1);
		}
	}
	return count;
}

/* What is picked out of element after element is what the second one finds. */
static void
check_picks(OgSlice value, const Node *node)
{
	const char *names[MAX_PICKED];
	OgSlice		values[MAX_PICKED];
	int			count = collect_names(node, names);
	const Node *child = node->first;
	OgJsonPicker picker;
	OgSlice		element;

	og_json_pick_open(&picker, value, names, count);
	while (og_json_pick_next(&picker, &element, values))
	{
		must(child != NULL && element.data == child->bytes.data &&
			 element.len == child->bytes.len);
		for (int i = 0; i < count; i++)
		{
			const Node *member = second_member(child, names[i]);

			must(values[i].data == (member ? member->bytes.data : NULL));
			must(values[i].len == (member ? member->bytes.len : 0));
		}
		child = child->next;
	}
	must(child == NULL);
}

static void
walk_array(OgSlice value, const Node *node)
{
	const Node *child = node->first;
	OgJsonCursor cursor;
	OgSlice		element;

	og_json_open(&cursor, value);
	while (og_json_next_element(&cursor, &element))
	{
		check_inside(value, element);
		must(child != NULL);
		walk(element, child);
		child = child->next;
	}
	must(child == NULL);
	check_picks(value, node);
}

static void
walk_object(OgSlice value, const Node *node)
{
	const Node *child = node->first;
	OgJsonCursor cursor;
	OgSlice		name;
	OgSlice		member;
	int			members = 0;

	og_json_open(&cursor, value);
	while (og_json_next_member(&cursor, &name, &member))
	{
		check_inside(value, name);
		check_inside(value, member);
		must(og_json_kind(name) == OG_JSON_STRING);
		must(child != NULL && og_json_equals(name, child->name));

		/* The first of that name may be another, with the same bytes. */
		if (members++ < 10)
			must(og_slice_equal(og_json_member(value, child->name), member));
		walk(member, child);
		child = child->next;
	}
	must(child == NULL);
}

static void
walk(OgSlice value, const Node *node)
{
	OgSlice		again;
	const char *reason;

	must(value.data == node->bytes.data && value.len == node->bytes.len);
	must(og_json_kind(value) == node->kind);
	must(og_json_prove(value, &again, &reason));
	must(again.data == value.data && again.len == value.len);
	check_text(value, node);
	check_number(value, node);
	if (node->kind == OG_JSON_ARRAY)
		walk_array(value, node);
	else if (node->kind == OG_JSON_OBJECT)
		walk_object(value, node);
}

static bool
has_long_number(OgSlice answer)
{
	size_t		run = 0;

	for (size_t i = 0; i < answer.len && run < CJSON_NUMBER_SIZE - 1; i++)
		run = strchr("0123456789+-.eE", answer.data[i]) != NULL ? run + 1 : 0;
	return run >= CJSON_NUMBER_SIZE - 1;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	OgSlice		answer = og_slice((const char *) data, size);
	const Node *node;
	OgSlice		value;
	const char *reason = NULL;
	bool		is_proven;
	size_t		before;

	fuzz_input(data, size);
	node = second_read(answer);
	before = shim_in_use;
	theirs = 0;

	is_proven = og_json_prove(answer, &value, &reason);
	must(is_proven == (reason == NULL));
	must(is_proven == (node != NULL));
	if (is_proven)
	{
		cJSON	   *tree = cJSON_ParseWithLength(value.data, value.len);

		must(tree != NULL || has_long_number(answer));
		cJSON_Delete(tree);
		walk(value, node);
	}
	must(shim_in_use == before + theirs);
	shim_forget();
	return 0;
}

/* More keys than wait without an allocation. */
#define TEN(text)	text text text text text text text text text text
#define MANY_KEYS	TEN(TEN("\"\":0,\"a\":1,\"\\u0061\":1,"))

const char *const fuzz_seeds[] = {
	"{" MANY_KEYS "\"b\":[{\"c\":{\"\":{\"\":{\"\":{}}}}}]}",
	"{\"code\":200,\"data\":[{\"result\":120,\"id\":\"6216559590087220004\","
	"\"msg\":\"Cancel order success\"},{\"result\":121,\"id\":2}],"
	"\"info\":\"success\"}",
	"[{\"status\":6,\"price\":0.000000006,\"size\":1.10E+5,\"clOrderID\":null,"
	"\"stealth\":1,\"postOnly\":false,\"message\":\"\\u4f60\\uD83D\\uDE00\"}]",
	"{\"status\":0,\"data\":{\"status\":0,\"error_info\":[{\"a\":"
	"\"\xE9\x87\x87\xE8\xB4\xAD\"}],\"error_num\":1},\"x\":[[[[[]]]],{}]}",
	"{\"a\":1,\"b\":2,\"c\":3,\"d\":4,\"e\":5,\"f\":6,\"g\":7,\"h\":8,\"i\":9,"
	"\"j\":1,\"k\":2,\"l\":3,\"m\":4,\"n\":5,\"o\":6,\"p\":7,\"q\":8,\"r\":9,"
	"\"s\":1,\"t\":2,\"u\":3,\"v\":4,\"w\":5,\"x\":6,\"y\":7,\"z\":8,\"\":9,"
	"\"a\":1,\"\\u0062\":2,\"aa\":[1,{\"a\":1}],\"ab\":-0}",
	"[{\"a\":1,\"b\":2,\"c\":3},{\"a\":1,\"b\":2,\"c\":3},{\"a\":4,\"b\":5},"
	"{\"b\":5,\"a\":4},{\"a\":1,\"\\u0062\":2,\"c\":3,\"d\":{\"a\":1,\"a\":1}},"
	"{\"a\":1,\"a\":1,\"b\":2},{},{\"a\":1,\"a\":1,\"b\":2,\"b\":2}]",
	"[0,-0,-0.00,1.0E-4,\"1e5\",\"-1.50\",\"01\",999999999999999999,"
	"1000000000000000000,9223372036854775807,-9223372036854775808,"
	"\"0.000000000000000001\",15e-1,120e-1,1e18,1e19,\"\\u0031\",\"\"]",
	" [ true , null , -1 , \"\\n\\\"\\\\\\/\" , [ ] , { } ] ",
	NULL
};

const char *const fuzz_tokens[] = {
	"{", "}", "[", "]", ",", ":", "\"", "\\", "\\u", "\\u0000", "\\uD83D",
	"\\uDE00", "\\u0061", "a", "\"a\":1", "\"a\":2", ",\"a\":1", "null",
	"{\"a\":1,\"b\":2},", "{\"b\":2,\"a\":1},", ",{\"a\":1,\"b\":2,\"c\":3}", "e1", "e-1", ".0", "9",
	"true", "false", "0", "-", ".", "e", "1e100", "1e-101", "00", "\xEF\xBB\xBF",
	"\xE9\x87\x87", "\xF0\x9F\x98\x80", "\xED\xA0\x80", "\xC0\x80", "\xFF",
	" ", "\n", "\t", "[[[[[[[[", "]]]]]]]]", "123456789012345678901234567890",
	NULL
};
