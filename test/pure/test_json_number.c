/*-------------------------------------------------------------------------
 *
 * test_json_number.c
 *		Known answers for numbers that are read without their text.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "json_case.h"
#include "server_shim.h"
#include "tap.h"

#define NINES_18	"999999999999999999"
#define ZEROS_18	"000000000000000000"

/* What is read, as digits and scale; the last two columns count if "taken". */
static const struct
{
	const char *json;
	bool		taken;
	int64		digits;
	int			scale;
}			decimals[] = {
	{"0", true, 0, 0},
	{"-0", true, 0, 0},
	{"0.0", true, 0, 1},
	{"-0.00", true, 0, 2},
	{"7", true, 7, 0},
	{"-7", true, -7, 0},
	{"10", true, 10, 0},
	{"1.0", true, 10, 1},
	{"1.50", true, 150, 2},
	{"-0.000000006", true, -6, 9},
	{"36164.5", true, 361645, 1},
	{"1e5", true, 1, -5},
	{"1E+5", true, 1, -5},
	{"1.0E-4", true, 10, 5},
	{"1.5e1", true, 15, 0},
	{"12.50e1", true, 1250, 1},
	{"0e-5", true, 0, 5},
	{"0.0e3", true, 0, -2},
	{"1e005", true, 1, -5},
	{"1e100", true, 1, -100},
	{"1.0e-100", true, 10, 101},
	{"1e" ZEROS_18 "1", true, 1, -1},
	{NINES_18, true, INT64CONST(999999999999999999), 0},
	{"-" NINES_18, true, -INT64CONST(999999999999999999), 0},
	{"9.99999999999999999", true, INT64CONST(999999999999999999), 17},
	{"0.00000000000000001", true, 1, 17},
	{NINES_18 "e-100", true, INT64CONST(999999999999999999), 100},

	/* Too long, be it by zeros. */
	{"1" ZEROS_18, false},
	{"0." ZEROS_18, false},
	{"1." ZEROS_18, false},
	{"-1" NINES_18 ".5", false},
	{"9223372036854775807", false},
	{"\"0" ZEROS_18 "\"", false},

	/* A string is a number as well, if it is spelled like one. */
	{"\"0\"", true, 0, 0},
	{"\"-1.50\"", true, -150, 2},
	{"\"5.0E-4\"", true, 50, 5},
	{"\"" NINES_18 "\"", true, INT64CONST(999999999999999999), 0},
	{"\"1" NINES_18 "\"", false},
	{"\"\"", false},
	{"\"-\"", false},
	{"\"+1\"", false},
	{"\"01\"", false},
	{"\"00\"", false},
	{"\"-01\"", false},
	{"\"00.5\"", false},
	{"\".5\"", false},
	{"\"-.5\"", false},
	{"\"1.\"", false},
	{"\"1.e5\"", false},
	{"\"1.2.3\"", false},
	{"\"1..2\"", false},
	{"\"1e\"", false},
	{"\"1e+\"", false},
	{"\"e5\"", false},
	{"\"1e5e5\"", false},
	{"\"1e5.5\"", false},
	{"\"1e+-5\"", false},
	{"\"--1\"", false},
	{"\"1-\"", false},
	{"\" 1\"", false},
	{"\"1 \"", false},
	{"\"1,5\"", false},
	{"\"1_0\"", false},
	{"\"0x10\"", false},
	{"\"1e101\"", false},
	{"\"1e-101\"", false},
	{"\"1e4294967297\"", false},
	{"\"1e18446744073709551617\"", false},
	{"\"NaN\"", false},
	{"\"Infinity\"", false},
	{"\"\\u0031\"", false},
	{"\"1\\u0030\"", false},
	{"\"\xEF\xBC\x91\"", false},

	{"null", false},
	{"true", false},
	{"[1]", false},
	{"{\"a\":1}", false},
};

static void
test_decimals(void)
{
	for (int i = 0; i < lengthof(decimals); i++)
	{
		int64		digits = 0;
		int			scale = 0;
		bool		taken = og_json_decimal(proven_text(decimals[i].json),
											&digits, &scale);

		ok(taken == decimals[i].taken, "%s is %sread", decimals[i].json,
		   decimals[i].taken ? "" : "not ");
		if (!decimals[i].taken)
			continue;
		is_number(digits, decimals[i].digits, "... its digits");
		is_number(scale, decimals[i].scale, "... its scale");
	}
	ok(!og_json_decimal(og_slice(NULL, 0), &(int64) {0}, &(int) {0}),
	   "nothing is no number");
}

/* Where digits and scale are not enough, there is the text. */
static void
test_texts(void)
{
	static const char *const cases[][2] = {
		{"1" ZEROS_18, "1" ZEROS_18},
		{"-1.10e-3", "-1.10e-3"},
		{"\"1.10\"", "1.10"},
		{"\"\\u0031\"", "1"},
		{"\"1\\u002e5\"", "1.5"},
		{"\"\"", NULL},
		{"\"1 \"", NULL},
		{"\"1e101\"", NULL},
		{"true", NULL},
		{"null", NULL},
		{"[]", NULL}
	};
	StringInfoData out;

	for (int i = 0; i < lengthof(cases); i++)
		is_text(og_json_number_text(proven_text(cases[i][0])), cases[i][1],
				psprintf("text of %s as a number", cases[i][0]));
	is_text(og_json_number_text(og_slice(NULL, 0)), NULL,
			"nothing has no such text");

	initStringInfo(&out);
	for (int digits = 99; digits <= 101; digits++)
	{
		resetStringInfo(&out);
		appendStringInfoString(&out, "\"");
		append_repeated(&out, "1", digits);
		appendStringInfoString(&out, "\"");
		ok((og_json_number_text(proven_text(out.data)) != NULL) ==
		   (digits <= OG_JSON_MAX_NUMBER), "a string of %d digits", digits);
	}
}

/* What a value says, without a copy. */
static void
test_plain(void)
{
	static const char *const cases[][2] = {
		{"\"\"", ""}, {"\"a\"", "a"}, {"\"\xE9\x87\x87 b\"", "\xE9\x87\x87 b"},
		{"-1.50", "-1.50"}, {"\"\\n\"", NULL}, {"\"a\\u0061\"", NULL},
		{"true", NULL}, {"null", NULL}, {"[]", NULL}, {"{}", NULL}
	};
	OgSlice		text;

	for (int i = 0; i < lengthof(cases); i++)
	{
		bool		plain = og_json_plain(proven_text(cases[i][0]), &text);

		is_text(plain ? pnstrdup(text.data, text.len) : NULL, cases[i][1],
				psprintf("what %s says as it stands", cases[i][0]));
	}
	ok(!og_json_plain(og_slice(NULL, 0), &text), "nothing says nothing");
}

int
main(void)
{
	test_decimals();
	test_texts();
	test_plain();
	return done_testing();
}
