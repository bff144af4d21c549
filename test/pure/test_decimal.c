/*-------------------------------------------------------------------------
 *
 * test_decimal.c
 *		Exact decimals: known answers, and many of them against texts.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "ground/decimal.h"
#include "json_case.h"
#include "random.h"
#include "second_stream.h"
#include "server_shim.h"
#include "tap.h"

#define ROUNDS	20000

/* A slice in memory of its own size. */
static bool
read_exactly(const char *json, OgDecimal *decimal)
{
	size_t		len = strlen(json);
	char	   *copy = malloc(len);
	bool		is_read;

	memcpy(copy, json, len);
	is_read = og_decimal_read(og_slice(copy, len), decimal);
	free(copy);
	return is_read;
}

static void
test_reading(void)
{
	static const struct
	{
		const char *json;
		const char *written;	/* NULL = refused */
	}			cases[] = {
		{"0", "0"},
		{"\"0\"", "0"},
		{"\"28016.7\"", "28016.7"},
		{"5302.8", "5302.8"},
		{"0.007", "0.007"},
		{"34799.000000025", "34799.000000025"},
		{"\"0.24000\"", "0.24000"},
		{"0.000000006", "0.000000006"},
		{"0.0000", "0.0000"},
		{"1e5", "100000"},
		{"1.10E+5", "110000"},
		{"15e-1", "1.5"},
		{"1e-7", "0.0000001"},
		{"0e100", "0"},
		{"123456789012345678", "123456789012345678"},
		{"1234567890123456789", "1234567890123456789"},
		{"9007199254740993", "9007199254740993"},
		{"999999999999999999999999999999999999",
			"999999999999999999999999999999999999"},
		{"\"100000000000000000000000000000000000\"",
			"100000000000000000000000000000000000"},
		{"\"1.00000000000000000000000000000000000\"",
			"1.00000000000000000000000000000000000"},
		{"123456789012345678.000000000000000009",
			"123456789012345678.000000000000000009"},
		{"0.000000000000000000000000000000000000000000000000000000000000000001",
			"0.000000000000000000000000000000000000000000000000000000000000000001"},
		{"1234567890123456789012345678901234567", NULL},
		{"\"1000000000000000000000000000000000000\"", NULL},
		{"\"1.000000000000000000000000000000000000\"", NULL},
		{"-1", NULL},
		{"\"-1\"", NULL},
		{"-0", NULL},
		{"\"+1\"", NULL},
		{"\"01\"", NULL},
		{"\"00\"", NULL},
		{"\"1.\"", NULL},
		{"\".5\"", NULL},
		{"\"1e\"", NULL},
		{"\"1e+\"", NULL},
		{"\"1e400\"", NULL},
		{"\"1e101\"", NULL},
		{"\"1e-101\"", NULL},
		{"\"1e99999999999999999999\"", NULL},
		{"\"1.5e1.5\"", NULL},
		{"\"0x10\"", NULL},
		{"\"1,000\"", NULL},
		{"\" 1\"", NULL},
		{"\"1 \"", NULL},
		{"\"\"", NULL},
		{"\"NaN\"", NULL},
		{"\"Infinity\"", NULL},
		{"\"\\u0031\"", NULL},
		{"null", NULL},
		{"true", NULL},
		{"[1]", NULL},
		{"{}", NULL}
	};
	char		text[OG_DECIMAL_TEXT];
	OgDecimal	decimal;

	for (int i = 0; i < lengthof(cases); i++)
	{
		bool		is_read = read_exactly(cases[i].json, &decimal);
		int			len = is_read ? og_decimal_write(&decimal, text) : 0;

		is_text(is_read ? text : NULL, cases[i].written,
				psprintf("%s is %s", cases[i].json,
						 cases[i].written ? cases[i].written : "refused"));
		if (is_read)
			is_number(len, strlen(text), "... of so many characters");
	}
	ok(!og_decimal_read(og_slice(NULL, 0), &decimal), "nothing is no number");
}

/* The largest texts there can be. */
static void
test_room(void)
{
	const char *const largest[] = {
		"999999999999999999999999999999999999e100",
		psprintf("0.%093de-100", 1),
		psprintf("\"0.%093de-100\"", 1)
	};

	for (int i = 0; i < lengthof(largest); i++)
	{
		char		text[OG_DECIMAL_TEXT];
		OgDecimal	decimal;

		ok(read_exactly(largest[i], &decimal), "%s is read", largest[i]);
		ok(og_decimal_write(&decimal, text) < OG_DECIMAL_TEXT, "... and fits");
	}
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
		const char *a;
		const char *b;
		int			order;
	}			cases[] = {
		{"\"1.10\"", "\"1.1\"", 0},
		{"1.10", "\"1.1000000000000000000000000000000\"", 0},
		{"1e2", "100.00", 0},
		{"0", "0.000", 0},
		{"0e100", "0e-100", 0},
		{"0", "1e-100", -1},
		{"1e-100", "0.00", 1},
		{"9", "10", -1},
		{"9.9", "10", -1},
		{"10", "9.99999999999999999999999999999999999", 1},
		{"1e100", "999999999999999999999999999999999999", 1},
		{"1e-100", "1e100", -1},
		{"0.1", "0.09999999999999999999999999999999999", 1},
		{"999999999999999999", "1000000000000000000", -1},
		{"1000000000000000000.1", "1000000000000000000.10", 0},
		{"123456789012345678901", "123456789012345678901.000000000000001", -1}
	};

	for (int i = 0; i < lengthof(cases); i++)
	{
		OgDecimal	a;
		OgDecimal	b;
		bool		both = read_exactly(cases[i].a, &a) &&
			read_exactly(cases[i].b, &b);

		ok(both && sign(og_decimal_compare(&a, &b)) == cases[i].order &&
		   sign(og_decimal_compare(&b, &a)) == -cases[i].order,
		   "%s %s %s", cases[i].a, cases[i].order < 0 ? "<" :
		   cases[i].order > 0 ? ">" : "=", cases[i].b);
	}
}

/* ---------- at random ---------- */

/* A number of few different digits, so that many are alike. */
static char *
random_number(void)
{
	StringInfoData out;

	initStringInfo(&out);
	if (below(4) == 0)
		appendStringInfoChar(&out, '0');
	else
	{
		appendStringInfoChar(&out, "1199"[below(4)]);
		for (uint32 n = below(below(2) ? 3 : 20); n > 0; n--)
			appendStringInfoChar(&out, "0019"[below(4)]);
	}
	if (below(3) > 0)
	{
		appendStringInfoChar(&out, '.');
		for (uint32 n = 1 + below(below(2) ? 3 : 20); n > 0; n--)
			appendStringInfoChar(&out, "0001"[below(4)]);
	}
	if (below(4) == 0)
		appendStringInfo(&out, "e%d", (int) below(9) - 4);
	return out.data;
}

static void
test_at_random(void)
{
	int			equal = 0;
	int			wrong = 0;

	state = 15;
	for (int i = 0; i < ROUNDS; i++)
	{
		const Node *nodes[2];
		OgDecimal	decimals[2];
		char	   *texts[2];
		int			order;

		for (int n = 0; n < 2; n++)
		{
			char		written[OG_DECIMAL_TEXT];
			int			count;

			nodes[n] = second_read(og_slice_of(random_number()));
			texts[n] = second_decimal(nodes[n]);
			if (texts[n] == NULL)
				texts[n] = pstrdup("");
			if (og_decimal_read(nodes[n]->bytes, &decimals[n]) !=
				(texts[n][0] != '\0'))
				wrong++;
			if (texts[n][0] == '\0')
				continue;
			og_decimal_write(&decimals[n], written);
			wrong += strcmp(written, second_number(nodes[n], &count)) != 0;
		}
		if (texts[0][0] != '\0' && texts[1][0] != '\0')
		{
			order = sign(second_compare(texts[0], texts[1]));
			equal += order == 0;
			wrong += sign(og_decimal_compare(&decimals[0], &decimals[1])) != order;
		}
		shim_forget();
	}
	is_number(wrong, 0, "random numbers are read, written and compared right");
	ok(equal > ROUNDS / 200, "... of which %d were equal", equal);
}

int
main(void)
{
	test_reading();
	test_room();
	test_comparing();
	test_at_random();
	return done_testing();
}
