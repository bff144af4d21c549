/*-------------------------------------------------------------------------
 *
 * fuzz_json.c
 *		Throws answers at the proof, and walks through what it takes.
 *
 * What is proven must be readable to its last byte: every slice lies within
 * its container and is proven by itself, text keeps to its limit and compares
 * equal to its string, a member is found by its name, nothing stays
 * allocated.  cJSON, which takes all that we take, must see the same tree
 * with the same keys and strings.
 *
 * Built with libFuzzer (make libfuzzer), or with the driver below, which
 * mutates a few answers at random: fuzz_json [SECONDS [SEED]].
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <time.h>

#include "mb/pg_wchar.h"

#include "json_case.h"
#include "server_shim.h"

#define CLIP	7

extern int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MUST(condition) \
do { \
	if (!(condition)) \
	{ \
		fprintf(stderr, "%s:%d: must be: %s\n", __FILE__, __LINE__, \
				#condition); \
		abort(); \
	} \
} while (0)

/* cJSON reads numbers of fewer characters than this. */
#define CJSON_NUMBER_SIZE	64

static void walk(OgSlice value, const cJSON *tree);

static int
count_characters(const char *text)
{
	int			characters = 0;

	for (; *text != '\0'; text++)
		characters += (*text & 0xC0) != 0x80;
	return characters;
}

static void
check_text(OgSlice value)
{
	char	   *text = og_json_text(value, CLIP);
	char	   *all = og_json_text(value, PG_INT32_MAX);

	MUST((text == NULL) == (og_json_kind(value) == OG_JSON_NULL));
	MUST((all == NULL) == (text == NULL));
	if (text != NULL)
	{
		int			order = og_json_compare(value, og_slice_of(text));

		MUST(count_characters(text) <= CLIP);
		MUST(strncmp(all, text, strlen(text)) == 0);
		MUST(pg_encoding_verifymbstr(PG_UTF8, all, strlen(all)) ==
			 strlen(all));
		MUST(og_json_equals(value, all));
		MUST(strlen(all) > strlen(text) ? order > 0 : order == 0);
		pfree(text);
		pfree(all);
	}
}

static void
check_inside(OgSlice outer, OgSlice inner)
{
	MUST(inner.len > 0);
	MUST(inner.data > outer.data);
	MUST(inner.data + inner.len < outer.data + outer.len);
}

static void
walk_array(OgSlice value, const cJSON *tree)
{
	const cJSON *child = tree == NULL ? NULL : tree->child;
	OgJsonCursor cursor;
	OgSlice		element;

	og_json_open(&cursor, value);
	while (og_json_next_element(&cursor, &element))
	{
		check_inside(value, element);
		MUST(tree == NULL || child != NULL);
		walk(element, child);
		child = child == NULL ? NULL : child->next;
	}
	MUST(child == NULL);
}

static void
walk_object(OgSlice value, const cJSON *tree)
{
	const cJSON *child = tree == NULL ? NULL : tree->child;
	OgJsonCursor cursor;
	OgSlice		name;
	OgSlice		member;
	int			members = 0;

	og_json_open(&cursor, value);
	while (og_json_next_member(&cursor, &name, &member))
	{
		char	   *text = og_json_text(name, PG_INT32_MAX);

		check_inside(value, name);
		check_inside(value, member);
		MUST(og_json_kind(name) == OG_JSON_STRING);
		MUST(tree == NULL || child != NULL);
		if (child != NULL)
			MUST(strcmp(child->string, text) == 0);

		/* The first of that name may be another, with the same bytes. */
		if (members++ < 10)
			MUST(og_slice_equal(og_json_member(value, text), member));
		walk(member, child);
		child = child == NULL ? NULL : child->next;
		pfree(text);
	}
	MUST(child == NULL);
}

static void
walk(OgSlice value, const cJSON *tree)
{
	OgSlice		again;
	const char *reason;

	MUST(og_json_prove(value, &again, &reason));
	MUST(again.data == value.data && again.len == value.len);
	check_text(value);

	switch (og_json_kind(value))
	{
		case OG_JSON_STRING:
			if (tree != NULL)
				MUST(cJSON_IsString(tree) &&
					 og_json_equals(value, tree->valuestring));
			break;
		case OG_JSON_NUMBER:
			MUST(value.len <= OG_JSON_MAX_NUMBER);
			MUST(tree == NULL || cJSON_IsNumber(tree));
			break;
		case OG_JSON_ARRAY:
			MUST(tree == NULL || cJSON_IsArray(tree));
			walk_array(value, tree);
			break;
		case OG_JSON_OBJECT:
			MUST(tree == NULL || cJSON_IsObject(tree));
			walk_object(value, tree);
			break;
		default:
			break;
	}
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
	char	   *copy = malloc(size + 1);
	OgSlice		answer = og_slice(copy + 1, size);
	OgSlice		value;
	const char *reason = NULL;
	size_t		before = shim_in_use;

	/* What is read beyond the end is beyond the memory. */
	memcpy(copy + 1, data, size);
	if (og_json_prove(answer, &value, &reason))
	{
		cJSON	   *tree = cJSON_ParseWithLength(value.data, value.len);

		MUST(reason == NULL);
		MUST(tree != NULL || has_long_number(answer));
		walk(value, tree);
		cJSON_Delete(tree);
	}
	else
		MUST(reason != NULL);
	MUST(shim_in_use == before);
	free(copy);
	return 0;
}

#ifndef WITH_LIBFUZZER

#define MAX_INPUT	4096

/* More keys than wait without an allocation. */
#define TEN(text)	text text text text text text text text text text
#define MANY_KEYS	TEN(TEN("\"\":0,\"a\":1,\"\\u0061\":1,"))

static const char *const seeds[] = {
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
	" [ true , null , -1 , \"\\n\\\"\\\\\\/\" , [ ] , { } ] ",
};

static const char *const tokens[] = {
	"{", "}", "[", "]", ",", ":", "\"", "\\", "\\u", "\\u0000", "\\uD83D",
	"\\uDE00", "\\u0061", "a", "\"a\":1", "\"a\":2", ",\"a\":1", "null",
	"true", "false", "0", "-", ".", "e", "1e100", "1e-101", "00", "\xEF\xBB\xBF",
	"\xE9\x87\x87", "\xF0\x9F\x98\x80", "\xED\xA0\x80", "\xC0\x80", "\xFF",
	" ", "\n", "\t", "[[[[[[[[", "]]]]]]]]", "123456789012345678901234567890",
};

static uint64 state;

static uint32
below(uint32 limit)
{
	state = state * UINT64CONST(6364136223846793005) +
		UINT64CONST(1442695040888963407);
	return (uint32) ((state >> 33) % limit);
}

/* Put bytes in place of some that are there. */
static size_t
replace(char *input, size_t len, size_t at, size_t gone, const char *bytes,
		size_t count)
{
	gone = Min(gone, len - at);
	if (len - gone + count > MAX_INPUT)
		return len;
	memmove(input + at + count, input + at + gone, len - at - gone);
	memcpy(input + at, bytes, count);
	return len - gone + count;
}

static size_t
mutate(char *input, size_t len)
{
	size_t		at = below(len + 1);
	const char *token = tokens[below(lengthof(tokens))];
	char		copy[64];
	size_t		from;
	size_t		count;

	switch (below(6))
	{
		case 0:
			return replace(input, len, at, 0, token, strlen(token));
		case 1:
			return replace(input, len, at, strlen(token), token,
						   strlen(token));
		case 2:
			return replace(input, len, at, below(8), "", 0);
		case 3:
			if (at < len)
				input[at] ^= 1 << below(8);
			return len;
		case 4:
			return below(20) == 0 ? at : len;
		default:
			/* Repeat or move a piece of it. */
			from = below(len + 1);
			count = Min(below(sizeof(copy)), len - from);
			memcpy(copy, input + from, count);
			return replace(input, len, at, below(2) * count, copy, count);
	}
}

int
main(int argc, char **argv)
{
	long		seconds = argc > 1 ? strtol(argv[1], NULL, 10) : 10;
	uint64		seed = argc > 2 ? strtoull(argv[2], NULL, 10) : time(NULL);
	time_t		end = time(NULL) + seconds;
	long		inputs = 0;
	long		taken = 0;

	printf("seed %llu\n", (unsigned long long) seed);
	fflush(stdout);
	state = seed;
	while (inputs % 1000 != 0 || time(NULL) < end)
	{
		const char *text = seeds[below(lengthof(seeds))];
		char		input[MAX_INPUT];
		size_t		len = replace(input, 0, 0, 0, text, strlen(text));

		for (int i = below(8); i >= 0; i--)
			len = mutate(input, len);
		taken += prove_exactly(og_slice(input, len)) == NULL;
		LLVMFuzzerTestOneInput((const uint8_t *) input, len);
		inputs++;
	}
	printf("%ld answers, %ld of them proven and walked\n", inputs, taken);
	return 0;
}

#endif							/* !WITH_LIBFUZZER */
