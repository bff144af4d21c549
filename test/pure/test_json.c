/*-------------------------------------------------------------------------
 *
 * test_json.c
 *		Known answers for the proof: what is taken, what is refused and why.
 *
 * The tables follow RFC 8259 and the common JSON test suites, then each of
 * our own limits at its edge and one beyond.  Besides, every case that is
 * taken is cut off after each of its bytes, and must be refused then.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "json_case.h"
#include "server_shim.h"
#include "tap.h"

typedef struct Case
{
	const char *text;
	size_t		len;
	const char *reason;			/* NULL: it is taken */
} Case;

#define TAKEN(literal)			{literal, sizeof(literal) - 1, NULL}
#define REFUSED(literal, why)	{literal, sizeof(literal) - 1, why}

static const Case structure[] = {
	TAKEN("[]"), TAKEN("{}"), TAKEN("[[]]"), TAKEN("[{}]"), TAKEN("{\"\":{}}"),
	TAKEN("[[],[]]"), TAKEN("[{},[],{}]"), TAKEN("{\"a\":[]}"),
	TAKEN("true"), TAKEN("false"), TAKEN("null"), TAKEN("0"), TAKEN("\"\""),
	TAKEN("[1]"), TAKEN("[1,2]"), TAKEN("[1,\"\",null,true,false,{},[]]"),
	TAKEN("{\"a\":1,\"b\":2}"), TAKEN("{\"a\":{\"a\":{\"a\":1}}}"),
	TAKEN("[{\"a\":1},{\"a\":2}]"),
	TAKEN(" \t\r\n[ \t\r\n] \t\r\n"),
	TAKEN(" { \"a\" : 1 , \"b\" : [ 1 , 2 ] } "),
	TAKEN("[\n1\r,\t2 ]\n"),
	REFUSED("", IS_EMPTY), REFUSED(" ", IS_EMPTY),
	REFUSED("\t\r\n  ", IS_EMPTY),
	REFUSED("[", IS_CUT_OFF), REFUSED("{", IS_CUT_OFF),
	REFUSED("[ ", IS_CUT_OFF), REFUSED("[1", IS_CUT_OFF),
	REFUSED("[1,", IS_CUT_OFF), REFUSED("[1 ", IS_CUT_OFF),
	REFUSED("{\"a\"", IS_CUT_OFF), REFUSED("{\"a\":", IS_CUT_OFF),
	REFUSED("{\"a\":1", IS_CUT_OFF), REFUSED("{\"a\":1,", IS_CUT_OFF),
	REFUSED("{\"a\":1, \"b", IS_CUT_OFF), REFUSED("[{},[[]", IS_CUT_OFF),
	REFUSED("]", IS_NOT_JSON), REFUSED("}", IS_NOT_JSON),
	REFUSED("[}", IS_NOT_JSON), REFUSED("{]", IS_NOT_JSON),
	REFUSED("[1}", IS_NOT_JSON), REFUSED("{\"a\":1]", IS_NOT_JSON),
	REFUSED("[]]", IS_NOT_JSON), REFUSED("{}}", IS_NOT_JSON),
	REFUSED("[][]", IS_NOT_JSON), REFUSED("{}{}", IS_NOT_JSON),
	REFUSED("[] []", IS_NOT_JSON), REFUSED("1 2", IS_NOT_JSON),
	REFUSED("[],", IS_NOT_JSON), REFUSED("[]x", IS_NOT_JSON),
	REFUSED("[]\0", IS_NOT_JSON), REFUSED("\0", IS_NOT_JSON),
	REFUSED("\0[]", IS_NOT_JSON), REFUSED("[\0]", IS_NOT_JSON),
	REFUSED("[1,]", IS_NOT_JSON), REFUSED("[,1]", IS_NOT_JSON),
	REFUSED("[,]", IS_NOT_JSON), REFUSED("[1,,2]", IS_NOT_JSON),
	REFUSED("[1 2]", IS_NOT_JSON), REFUSED("[1\"a\"]", IS_NOT_JSON),
	REFUSED("[\"a\"\"b\"]", IS_NOT_JSON), REFUSED("[[]1]", IS_NOT_JSON),
	REFUSED("[1:2]", IS_NOT_JSON), REFUSED("[\"a\":1]", IS_NOT_JSON),
	REFUSED(",", IS_NOT_JSON), REFUSED(":", IS_NOT_JSON),
	REFUSED("{,}", IS_NOT_JSON), REFUSED("{\"a\"}", IS_NOT_JSON),
	REFUSED("{\"a\",1}", IS_NOT_JSON), REFUSED("{\"a\":}", IS_NOT_JSON),
	REFUSED("{\"a\" 1}", IS_NOT_JSON), REFUSED("{:1}", IS_NOT_JSON),
	REFUSED("{\"a\"::1}", IS_NOT_JSON), REFUSED("{\"a\":1,}", IS_NOT_JSON),
	REFUSED("{\"a\":1,,\"b\":2}", IS_NOT_JSON),
	REFUSED("{\"a\":1 \"b\":2}", IS_NOT_JSON),
	REFUSED("{\"a\":1:2}", IS_NOT_JSON),
	REFUSED("{a:1}", IS_NOT_JSON), REFUSED("{'a':1}", IS_NOT_JSON),
	REFUSED("{1:1}", IS_NOT_JSON), REFUSED("{null:1}", IS_NOT_JSON),
	REFUSED("{[]:1}", IS_NOT_JSON), REFUSED("{{}:1}", IS_NOT_JSON),
	REFUSED("[//\n1]", IS_NOT_JSON), REFUSED("[/**/1]", IS_NOT_JSON),
	REFUSED("[1]//", IS_NOT_JSON), REFUSED("#\n[]", IS_NOT_JSON),
	REFUSED("\v[]", IS_NOT_JSON), REFUSED("\f[]", IS_NOT_JSON),
	REFUSED("[\v1]", IS_NOT_JSON), REFUSED("[1\f]", IS_NOT_JSON),
	REFUSED("\xC2\xA0[]", IS_NOT_JSON), REFUSED("[\xE3\x80\x80]", IS_NOT_JSON),
	REFUSED("[\x80]", IS_NOT_JSON), REFUSED("[\xFF]", IS_NOT_JSON),
	REFUSED("<html></html>", IS_NOT_JSON), REFUSED("abc", IS_NOT_JSON),
	REFUSED("callback([])", IS_NOT_JSON), REFUSED("*", IS_NOT_JSON),
	REFUSED("\xEF\xBB\xBF[]", HAS_BOM), REFUSED("\xEF\xBB\xBF", HAS_BOM),
	REFUSED(" \xEF\xBB\xBF[]", IS_NOT_JSON),
	REFUSED("[]\xEF\xBB\xBF", IS_NOT_JSON), REFUSED("\xEF\xBB", IS_NOT_JSON),
	REFUSED("\xFF\xFE[\0]\0", IS_NOT_JSON), REFUSED("[\0]\0", IS_NOT_JSON),
};

static const Case literals[] = {
	TAKEN("[true]"), TAKEN("[false]"), TAKEN("[null]"),
	TAKEN("{\"a\":null}"), TAKEN(" null "),
	REFUSED("t", IS_CUT_OFF), REFUSED("tru", IS_CUT_OFF),
	REFUSED("[fals", IS_CUT_OFF), REFUSED("nul", IS_CUT_OFF),
	REFUSED("True", IS_NOT_JSON), REFUSED("TRUE", IS_NOT_JSON),
	REFUSED("[tru]", IS_NOT_JSON), REFUSED("[nul]", IS_NOT_JSON),
	REFUSED("[falsy]", IS_NOT_JSON), REFUSED("truex", IS_NOT_JSON),
	REFUSED("nulll", IS_NOT_JSON), REFUSED("[truefalse]", IS_NOT_JSON),
	REFUSED("[null1]", IS_NOT_JSON), REFUSED("nUll", IS_NOT_JSON),
	REFUSED("undefined", IS_NOT_JSON), REFUSED("None", IS_NOT_JSON),
	REFUSED("NaN", IS_NOT_JSON), REFUSED("Infinity", IS_NOT_JSON),
	REFUSED("[-Infinity]", IS_NOT_JSON), REFUSED("[nan]", IS_NOT_JSON),
	REFUSED("[-NaN]", IS_NOT_JSON), REFUSED("nan", IS_NOT_JSON),
	REFUSED("tr\0e", IS_NOT_JSON),
};

static const Case numbers[] = {
	TAKEN("0"), TAKEN("-0"), TAKEN("1"), TAKEN("-1"), TAKEN("10"),
	TAKEN("123456789"), TAKEN("0.0"), TAKEN("-0.0"), TAKEN("0.1"),
	TAKEN("9007199254740993"), TAKEN("6216559590087220004"),
	TAKEN("9223372036854775808"), TAKEN("-9223372036854775809"),
	TAKEN("18446744073709551616"), TAKEN("0.000000006"), TAKEN("1.10"),
	TAKEN("100.00000000"), TAKEN("0e0"), TAKEN("0E0"), TAKEN("0e+0"),
	TAKEN("0e-0"), TAKEN("1e5"), TAKEN("1E5"), TAKEN("1e+5"), TAKEN("1e-5"),
	TAKEN("1.5e5"), TAKEN("-1.5E-05"), TAKEN("1e00"), TAKEN("1e05"),
	TAKEN("[0,-0,1e1]"), TAKEN("1 "), TAKEN("1\n"),
	TAKEN("1e100"), TAKEN("1e-100"), TAKEN("1E+100"), TAKEN("0e100"),
	TAKEN("1e000000000000000000000000000000100"),
	TAKEN("1e-000000000000000000000000000000100"),
	REFUSED("1e101", HAS_EXPONENT), REFUSED("1e-101", HAS_EXPONENT),
	REFUSED("1E+101", HAS_EXPONENT), REFUSED("0e101", HAS_EXPONENT),
	REFUSED("1E400", HAS_EXPONENT), REFUSED("-1E400", HAS_EXPONENT),
	REFUSED("1e200000", HAS_EXPONENT), REFUSED("[1e1000]", HAS_EXPONENT),
	REFUSED("1e4294967297", HAS_EXPONENT),
	REFUSED("1e18446744073709551617", HAS_EXPONENT),
	REFUSED("1e00000000000000000000000000000000101", HAS_EXPONENT),
	REFUSED("1e99999999999999999999999999999999999", HAS_EXPONENT),
	REFUSED("-", IS_CUT_OFF), REFUSED("1.", IS_CUT_OFF),
	REFUSED("1e", IS_CUT_OFF), REFUSED("1e+", IS_CUT_OFF),
	REFUSED("[-", IS_CUT_OFF), REFUSED("1.5e-", IS_CUT_OFF),
	REFUSED("[-]", IS_NOT_JSON), REFUSED("[1.]", IS_NOT_JSON),
	REFUSED("[1e]", IS_NOT_JSON), REFUSED("[1e+]", IS_NOT_JSON),
	REFUSED("[1e-]", IS_NOT_JSON), REFUSED("[1.e1]", IS_NOT_JSON),
	REFUSED("[.1]", IS_NOT_JSON), REFUSED(".5", IS_NOT_JSON),
	REFUSED("[-.1]", IS_NOT_JSON), REFUSED("+1", IS_NOT_JSON),
	REFUSED("[+1]", IS_NOT_JSON), REFUSED("--1", IS_NOT_JSON),
	REFUSED("[-+1]", IS_NOT_JSON), REFUSED("01", IS_NOT_JSON),
	REFUSED("-01", IS_NOT_JSON), REFUSED("00", IS_NOT_JSON),
	REFUSED("-00", IS_NOT_JSON), REFUSED("012.5", IS_NOT_JSON),
	REFUSED("[1.2.3]", IS_NOT_JSON), REFUSED("[1e2e3]", IS_NOT_JSON),
	REFUSED("[1e2.3]", IS_NOT_JSON), REFUSED("0x1F", IS_NOT_JSON),
	REFUSED("1a", IS_NOT_JSON), REFUSED("[1a]", IS_NOT_JSON),
	REFUSED("1_000", IS_NOT_JSON), REFUSED("1,000", IS_NOT_JSON),
	REFUSED("1f", IS_NOT_JSON), REFUSED("1.5f", IS_NOT_JSON),
	REFUSED("1-1", IS_NOT_JSON), REFUSED("- 1", IS_NOT_JSON),
	REFUSED("1 e5", IS_NOT_JSON), REFUSED("[1 .5]", IS_NOT_JSON),
	REFUSED("1\0", IS_NOT_JSON), REFUSED("\xEF\xBC\x91", IS_NOT_JSON),
};

static const Case strings[] = {
	TAKEN("\"\""), TAKEN("\"a\""), TAKEN("[\"a\",\"b\"]"), TAKEN("\" \""),
	TAKEN("\"\x7F\""), TAKEN("\"'\""), TAKEN("\"/\""), TAKEN("\"[{,:}]\""),
	TAKEN("\"\\\"\""), TAKEN("\"\\\\\""), TAKEN("\"\\/\""), TAKEN("\"\\b\""),
	TAKEN("\"\\f\\n\\r\\t\""), TAKEN("\"\\\\\\\"\""), TAKEN("\"\\\\\\\\\""),
	TAKEN("\"\\\\u0000\""), TAKEN("\"\\\\n\""),
	TAKEN("\"\\u0001\""), TAKEN("\"\\u001F\""), TAKEN("\"\\u0020\""),
	TAKEN("\"\\u007f\""), TAKEN("\"\\u0080\""), TAKEN("\"\\u07FF\""),
	TAKEN("\"\\u0800\""), TAKEN("\"\\uABCD\""), TAKEN("\"\\uabcd\""),
	TAKEN("\"\\uAbCd\""), TAKEN("\"\\uD7FF\""), TAKEN("\"\\uE000\""),
	TAKEN("\"\\uFEFF\""), TAKEN("\"\\uFFFE\""), TAKEN("\"\\uFFFF\""),
	TAKEN("\"\\uD800\\uDC00\""), TAKEN("\"\\uDBFF\\uDFFF\""),
	TAKEN("\"\\ud83d\\ude00\""), TAKEN("\"x\\ud83d\\ude00x\""),
	TAKEN("\"\\uD83D\\uDE00\\uD83D\\uDE00\""),
	TAKEN("{\"\\uD83D\\uDE00\":1}"), TAKEN("{\"\\u0061\":1}"),
	REFUSED("\"", IS_CUT_OFF), REFUSED("\"a", IS_CUT_OFF),
	REFUSED("\"\\", IS_CUT_OFF), REFUSED("\"\\\"", IS_CUT_OFF),
	REFUSED("\"\\u", IS_CUT_OFF), REFUSED("\"\\u00", IS_CUT_OFF),
	REFUSED("\"\\u006", IS_CUT_OFF), REFUSED("\"\\u0061", IS_CUT_OFF),
	REFUSED("[\"a", IS_CUT_OFF), REFUSED("[\"a]", IS_CUT_OFF),
	REFUSED("\"\\a\"", IS_NOT_JSON), REFUSED("\"\\v\"", IS_NOT_JSON),
	REFUSED("\"\\0\"", IS_NOT_JSON), REFUSED("\"\\'\"", IS_NOT_JSON),
	REFUSED("\"\\ \"", IS_NOT_JSON), REFUSED("\"\\x41\"", IS_NOT_JSON),
	REFUSED("\"\\U0041\"", IS_NOT_JSON), REFUSED("\"\\N\"", IS_NOT_JSON),
	REFUSED("\"\\\n\"", IS_NOT_JSON), REFUSED("\"\\\0\"", IS_NOT_JSON),
	REFUSED("\"\\\xC3\xA9\"", IS_NOT_JSON),
	REFUSED("\"\\u004\"  ", IS_NOT_JSON), REFUSED("\"\\u00 1\"", IS_NOT_JSON),
	REFUSED("\"\\uGGGG\"", IS_NOT_JSON), REFUSED("\"\\u004G\"", IS_NOT_JSON),
	REFUSED("\"\\u+041\"", IS_NOT_JSON), REFUSED("\"\\u-041\"", IS_NOT_JSON),
	REFUSED("\"\\u{41}\"", IS_NOT_JSON), REFUSED("\"\\u:;<=\"", IS_NOT_JSON),
	REFUSED("\"\\u@`/g\"", IS_NOT_JSON),
	REFUSED("'a'", IS_NOT_JSON), REFUSED("\\\"a\\\"", IS_NOT_JSON),
	REFUSED("\"a\"b\"", IS_NOT_JSON), REFUSED("\"\x01\"", IS_NOT_JSON),
	REFUSED("\"\t\"", IS_NOT_JSON), REFUSED("\"\n\"", IS_NOT_JSON),
	REFUSED("\"\r\"", IS_NOT_JSON), REFUSED("\"\x1F\"", IS_NOT_JSON),
	REFUSED("{\"a\nb\":1}", IS_NOT_JSON),
	REFUSED("\"\0\"", HAS_NUL), REFUSED("\"a\0b\"", HAS_NUL),
	REFUSED("{\"a\0b\":1}", HAS_NUL), REFUSED("\"\\u0000\"", HAS_NUL),
	REFUSED("\"a\\u0000b\"", HAS_NUL), REFUSED("{\"\\u0000\":1}", HAS_NUL),
	REFUSED("[\"\\\\\\u0000\"]", HAS_NUL),
	REFUSED("\"\\uD800\"", HAS_HALF), REFUSED("\"\\uDBFF\"", HAS_HALF),
	REFUSED("\"\\uDC00\"", HAS_HALF), REFUSED("\"\\uDFFF\"", HAS_HALF),
	REFUSED("\"\\uD800x\"", HAS_HALF), REFUSED("\"\\uD800\\n\"", HAS_HALF),
	REFUSED("\"\\uD800\\u0041\"", HAS_HALF),
	REFUSED("\"\\uD800\\uD800\"", HAS_HALF),
	REFUSED("\"\\uD800\\uE000\"", HAS_HALF),
	REFUSED("\"\\uD800\\uDBFF\"", HAS_HALF),
	REFUSED("\"\\uDC00\\uD800\"", HAS_HALF),
	REFUSED("\"\\uD800\\uDC00\\uDC00\"", HAS_HALF),
	REFUSED("\"\\uD800\\uDC0G\"", HAS_HALF),
	REFUSED("\"\\uD800\\\\uDC00\"", HAS_HALF),
	REFUSED("\"\\uD800\xED\xB0\x80\"", HAS_HALF),
	REFUSED("{\"\\uDEAD\":1}", HAS_HALF),
};

static const Case encodings[] = {
	TAKEN("\"\xC2\x80\""), TAKEN("\"\xC3\xA9\""), TAKEN("\"\xDF\xBF\""),
	TAKEN("\"\xE0\xA0\x80\""), TAKEN("\"\xE1\x80\x80\""),
	TAKEN("\"\xE9\x87\x87\xE8\xB4\xAD\""), TAKEN("\"\xED\x9F\xBF\""),
	TAKEN("\"\xEE\x80\x80\""), TAKEN("\"\xEF\xBB\xBF\""),
	TAKEN("\"\xEF\xBF\xBE\""), TAKEN("\"\xEF\xBF\xBF\""),
	TAKEN("\"\xF0\x90\x80\x80\""), TAKEN("\"\xF0\x9F\x98\x80\""),
	TAKEN("\"\xF3\xBF\xBF\xBF\""), TAKEN("\"\xF4\x8F\xBF\xBF\""),
	TAKEN("{\"\xE9\x87\x87\":\"\xE8\xB4\xAD\"}"),
	TAKEN("\"\xE2\x80\xA8\xE2\x80\xA9\""),
	REFUSED("\"\x80\"", IS_NOT_UTF8), REFUSED("\"\xBF\"", IS_NOT_UTF8),
	REFUSED("\"\xC0\x80\"", IS_NOT_UTF8), REFUSED("\"\xC0\xAF\"", IS_NOT_UTF8),
	REFUSED("\"\xC1\xBF\"", IS_NOT_UTF8), REFUSED("\"\xC2\"", IS_NOT_UTF8),
	REFUSED("\"\xC2\xC2\x80\"", IS_NOT_UTF8),
	REFUSED("\"\xC3\x28\"", IS_NOT_UTF8), REFUSED("\"\xC3\xC0\"", IS_NOT_UTF8),
	REFUSED("\"\xE0\x80\x80\"", IS_NOT_UTF8),
	REFUSED("\"\xE0\x9F\xBF\"", IS_NOT_UTF8),
	REFUSED("\"\xE1\x80\"", IS_NOT_UTF8),
	REFUSED("\"\xE1\x80\xC0\"", IS_NOT_UTF8),
	REFUSED("\"\xE1\xC0\x80\"", IS_NOT_UTF8),
	REFUSED("\"\xED\xA0\x80\"", IS_NOT_UTF8),
	REFUSED("\"\xED\xAF\xBF\"", IS_NOT_UTF8),
	REFUSED("\"\xED\xB0\x80\"", IS_NOT_UTF8),
	REFUSED("\"\xED\xBF\xBF\"", IS_NOT_UTF8),
	REFUSED("\"\xED\xA0\xBD\xED\xB8\x80\"", IS_NOT_UTF8),
	REFUSED("\"\xF0\x80\x80\x80\"", IS_NOT_UTF8),
	REFUSED("\"\xF0\x8F\xBF\xBF\"", IS_NOT_UTF8),
	REFUSED("\"\xF0\x90\x80\"", IS_NOT_UTF8),
	REFUSED("\"\xF4\x90\x80\x80\"", IS_NOT_UTF8),
	REFUSED("\"\xF5\x80\x80\x80\"", IS_NOT_UTF8),
	REFUSED("\"\xF8\x88\x80\x80\x80\"", IS_NOT_UTF8),
	REFUSED("\"\xFC\x84\x80\x80\x80\x80\"", IS_NOT_UTF8),
	REFUSED("\"\xFE\"", IS_NOT_UTF8), REFUSED("\"\xFF\"", IS_NOT_UTF8),
	REFUSED("{\"\xFF\":1}", IS_NOT_UTF8),
	REFUSED("\"\xB2\xC9\xB9\xBA\"", IS_NOT_UTF8),
	REFUSED("\"caf\xE9\"", IS_NOT_UTF8),
	REFUSED("\"\xE9\x87", IS_NOT_UTF8), REFUSED("\"\xF0\x9F\x98", IS_NOT_UTF8),
	REFUSED("\"\xC3", IS_NOT_UTF8), REFUSED("\"\x80", IS_NOT_UTF8),
};

static const Case keys[] = {
	TAKEN("{\"a\":1,\"b\":1}"), TAKEN("{\"a\":1,\"A\":2}"),
	TAKEN("{\"a\":1,\"aa\":2}"), TAKEN("{\"aa\":1,\"a\":2}"),
	TAKEN("{\"\":1,\"a\":2}"), TAKEN("{\"a\":1,\"a \":2}"),
	TAKEN("{\"a\":1,\"a\":1}"), TAKEN("{\"a\" : 1 , \"a\":1 }"),
	TAKEN("{\"a\":1,\"\\u0061\":1}"), TAKEN("{\"\":\"\",\"\":\"\"}"),
	TAKEN("{\"a\":[1,2],\"a\":[1,2]}"), TAKEN("{\"a\":{},\"a\":{}}"),
	TAKEN("{\"a\":1,\"b\":{\"a\":2}}"), TAKEN("{\"b\":{\"a\":2},\"a\":1}"),
	TAKEN("[{\"a\":1},{\"a\":2}]"), TAKEN("{\"a\":{\"a\":{\"a\":2}}}"),
	TAKEN("{\"a\":\"a\",\"b\":\"a\"}"), TAKEN("{\"a\":1,\"a\":1,\"a\":1}"),
	TAKEN("{\"\\n\":1,\"n\":2}"), TAKEN("{\"\\\\\":1,\"\\\"\":2}"),
	TAKEN("{\"\xC3\xA9\":1,\"\\u00e9\":1}"),
	TAKEN("{\"\xC3\xA9\":1,\"\\u00ea\":2}"),
	TAKEN("{\"\xC3\xA9\":1,\"\xC3\xAA\":2}"),
	TAKEN("{\"\\uD83D\\uDE00\":1,\"\\uD83D\\uDE01\":2}"),
	REFUSED("{\"a\":1,\"a\":2}", HAS_TWO),
	REFUSED("{\"\":1,\"\":2}", HAS_TWO),
	REFUSED("{\"a\":1,\"b\":1,\"a\":2}", HAS_TWO),
	REFUSED("{\"a\":1,\"a\":1,\"a\":2}", HAS_TWO),
	REFUSED("{\"a\":1,\"a\":2,\"a\":1}", HAS_TWO),
	REFUSED("{\"a\":1,\"a\":null}", HAS_TWO),
	REFUSED("{\"a\":1,\"a\":\"1\"}", HAS_TWO),
	REFUSED("{\"a\":1,\"a\":1.0}", HAS_TWO),
	REFUSED("{\"a\":1,\"a\":11}", HAS_TWO),
	REFUSED("{\"a\":[],\"a\":{}}", HAS_TWO),
	REFUSED("{\"a\":[1],\"a\":[1 ]}", HAS_TWO),
	REFUSED("{\"a\":\"a\",\"a\":\"\\u0061\"}", HAS_TWO),
	REFUSED("{\"a\":1,\"\\u0061\":2}", HAS_TWO),
	REFUSED("{\"\\u0061\":1,\"\\u0061\":2}", HAS_TWO),
	REFUSED("{\"status\":1,\"st\\u0061tus\":2}", HAS_TWO),
	REFUSED("{\"/\":1,\"\\/\":2}", HAS_TWO),
	REFUSED("{\"\\n\":1,\"\\u000a\":2}", HAS_TWO),
	REFUSED("{\"\\u000A\":1,\"\\u000a\":2}", HAS_TWO),
	REFUSED("{\"\xC3\xA9\":1,\"\\u00e9\":2}", HAS_TWO),
	REFUSED("{\"\xE9\x87\x87x\":1,\"\\u91c7\\u0078\":2}", HAS_TWO),
	REFUSED("{\"\xF0\x9F\x98\x80\":1,\"\\uD83D\\uDE00\":2}", HAS_TWO),
	REFUSED("[[{\"x\":{\"a\":1,\"a\":2}}]]", HAS_TWO),
	REFUSED("{\"a\":{\"b\":1},\"a\":{\"b\":2}}", HAS_TWO),
	REFUSED("{\"x\":[{\"a\":1}],\"a\":1,\"a\":2}", HAS_TWO),
};

static const char *
readable(const Case *c)
{
	StringInfoData out;

	initStringInfo(&out);
	for (size_t i = 0; i < c->len; i++)
	{
		unsigned char byte = c->text[i];

		/* A "#" would make the rest of a test's name a directive. */
		if (byte < 0x20 || byte > 0x7E || byte == '#')
			appendStringInfo(&out, "<%02X>", byte);
		else
			appendStringInfoChar(&out, byte);
	}
	return out.data;
}

/*
 * No beginning of what is taken is taken, but for numbers at the top and
 * what only lacks white space at the end.
 */
static bool
is_refused_when_cut(const Case *c)
{
	size_t		len = c->len;
	char		first = c->text[strspn(c->text, " \t\r\n")];
	bool		number = first == '-' || (first >= '0' && first <= '9');

	while (len > 0 && strchr(" \t\r\n", c->text[len - 1]) != NULL)
		len--;
	while (len-- > 0)
	{
		const char *reason = prove_exactly(og_slice(c->text, len));

		if (number)
			continue;			/* must only not crash */
		if (reason == NULL ||
			(strcmp(reason, IS_CUT_OFF) != 0 &&
			 strcmp(reason, IS_EMPTY) != 0 &&
			 strcmp(reason, IS_NOT_UTF8) != 0 &&
			 strcmp(reason, HAS_HALF) != 0))
			return false;
	}
	return true;
}

static void
test_cases(const Case *cases, int count)
{
	for (int i = 0; i < count; i++)
	{
		const Case *c = &cases[i];

		is_text(prove_exactly(og_slice(c->text, c->len)), c->reason,
				psprintf("%s: %s", c->reason ? "refused" : "taken",
						 readable(c)));
		if (c->reason == NULL && !is_refused_when_cut(c))
			ok(false, "refused when cut off: %s", readable(c));
	}
}

static void
test_depth(void)
{
	static const struct
	{
		const char *open;
		const char *inside;
		const char *close;
	}			shapes[] = {
		{"[", "", "]"}, {"[", "1", "]"}, {"[ ", "{}", " ]"},
		{"{\"a\":", "1", "}"}, {"{\"a\":", "[]", "}"}, {"[0,", "\"\"", ",0]"},
	};

	for (int i = 0; i < lengthof(shapes); i++)
	{
		bool		container = strchr("[{", shapes[i].inside[0]) != NULL &&
		shapes[i].inside[0] != '\0';

		for (int depth = 31; depth <= 34; depth++)
		{
			StringInfoData out;
			int			around = container ? depth - 1 : depth;

			initStringInfo(&out);
			append_repeated(&out, shapes[i].open, around);
			appendStringInfoString(&out, shapes[i].inside);
			append_repeated(&out, shapes[i].close, around);
			is_text(prove_exactly(og_slice(out.data, out.len)),
					depth > OG_JSON_MAX_DEPTH ? IS_TOO_DEEP : NULL,
					psprintf("%d levels of %s%s%s", depth, shapes[i].open,
							 shapes[i].inside, shapes[i].close));
		}
	}
	{
		StringInfoData out;

		initStringInfo(&out);
		append_repeated(&out, "[", 100000);
		is_text(prove_exactly(og_slice(out.data, out.len)), IS_TOO_DEEP,
				"100,000 brackets");
		resetStringInfo(&out);
		appendStringInfoChar(&out, '[');
		append_repeated(&out, "[[[]]],", 1000);
		appendStringInfoString(&out, "0]");
		is_text(prove_exactly(og_slice(out.data, out.len)), NULL,
				"what is closed does not count as deep");
	}
}

static void
test_long_numbers(void)
{
	static const char *const beginnings[] = {"", "-", "0.", "1e", "-1.5E-"};

	for (int i = 0; i < lengthof(beginnings); i++)
	{
		for (int len = 99; len <= 102; len++)
		{
			StringInfoData out;
			const char *expected = len > OG_JSON_MAX_NUMBER ? HAS_LONG : NULL;
			bool		exponent = strpbrk(beginnings[i], "eE") != NULL;

			initStringInfo(&out);
			appendStringInfoString(&out, beginnings[i]);
			append_repeated(&out, exponent ? "0" : "7", len - out.len);
			is_text(prove_exactly(og_slice(out.data, out.len)), expected,
					psprintf("%d characters of %s...", len, beginnings[i]));
			appendStringInfoString(&out, " ");
			is_text(prove_exactly(og_slice(out.data, out.len)), expected,
					"... and white space");
		}
	}
	{
		StringInfoData out;

		initStringInfo(&out);
		append_repeated(&out, "1", 100000);
		is_text(prove_exactly(og_slice(out.data, out.len)), HAS_LONG,
				"100,000 digits");
	}
}

/*
 * An object of many keys, each twice, the second time with an escape; one of
 * them with another value when "differs".
 */
static const char *
prove_many(int count, int differs, bool nested)
{
	StringInfoData out;

	initStringInfo(&out);
	appendStringInfoString(&out, nested ? "{\"first\":0,\"in\":{" : "{");
	for (int i = 0; i < count; i++)
		appendStringInfo(&out, "\"key%d\":%d, ", i * 7919 % count, i + 1);
	for (int i = 0; i < count; i++)
		appendStringInfo(&out, "\"\\u006bey%d\" :%d%s",
						 i * 7919 % count, i + 1, i == differs ? "0," : ",");
	appendStringInfoString(&out, nested ? "\"\":1},\"last\":0}" : "\"\":1}");
	return prove_exactly(og_slice(out.data, out.len));
}

static void
test_many_keys(void)
{
	static const int counts[] = {
		1, 2, 5, 11, 12, 13, 24, 25, 100, 127, 128, 129, 256, 257, 1000, 5000
	};

	for (int i = 0; i < lengthof(counts); i++)
	{
		int			n = counts[i];

		is_text(prove_many(n, -1, false), NULL,
				psprintf("%d keys, each twice", n));
		is_text(prove_many(n, -1, true), NULL, "... in another object");
		is_text(prove_many(n, n - 1, false), HAS_TWO, "... the last differs");
		is_text(prove_many(n, n / 2, true), HAS_TWO,
				"... one in the middle differs");
	}
}

/*
 * Keys that wait on all levels when the answer is cut off, after as many as
 * wait without an allocation, are the shortest there are: no value, no end.
 */
static void
test_open_keys(void)
{
	bool		all_cut_off = true;

	for (int before = 200; before < 300; before++)
	{
		for (int cut = 0; cut < 5; cut++)
		{
			StringInfoData out;

			initStringInfo(&out);
			appendStringInfoChar(&out, '{');
			append_repeated(&out, "\"\":0,", before);
			append_repeated(&out, "\"\":{", OG_JSON_MAX_DEPTH - 1);
			appendStringInfoString(&out, "\"\":0");
			all_cut_off &= strcmp(prove_exactly(og_slice(out.data,
														 out.len - cut)),
								  IS_CUT_OFF) == 0;
			pfree(out.data);
		}
	}
	ok(all_cut_off, "short keys on all levels");
}

/*
 * Whatever stands at the edge of a stretch after which interrupts are looked
 * for is read as everywhere else.
 */
static void
test_edges_of_pauses(void)
{
	static const char *const tails[] = {
		"\"", "\\n\"", "\\u0061\"", "\\uD83D\\uDE00\"",
		"\xE9\x87\x87\"", "\xF0\x9F\x98\x80\""
	};
	bool		all_taken = true;
	bool		all_refused = true;

	for (int len = 65520; len < 65545; len++)
	{
		for (int i = 0; i < lengthof(tails); i++)
		{
			StringInfoData out;

			initStringInfo(&out);
			appendStringInfoChar(&out, '"');
			append_repeated(&out, "x", len);
			appendStringInfoString(&out, tails[i]);
			all_taken &= prove_exactly(og_slice(out.data, out.len)) == NULL;
			all_refused &=
				prove_exactly(og_slice(out.data, out.len - 1)) != NULL;
			memset(out.data, ' ', len);
			out.data[len] = '"';
			all_taken &= prove_exactly(og_slice(out.data, out.len)) == NULL;
			pfree(out.data);
		}
	}
	ok(all_taken, "strings and white space of about 64 KB are taken");
	ok(all_refused, "... and refused without their end");
}

static void
test_top_value(void)
{
	OgSlice		value = proven_text(" \n {\"a\": 1 } \t ");

	is_text(pnstrdup(value.data, value.len), "{\"a\": 1 }",
			"the top value is without white space around it");
	value = proven_text("  -0.50  ");
	is_text(pnstrdup(value.data, value.len), "-0.50", "... a number too");
	value = proven_text("true");
	is_text(pnstrdup(value.data, value.len), "true", "... and a literal");
	is_text(prove_exactly(og_slice(NULL, 0)), IS_EMPTY, "nothing is empty");
}

int
main(void)
{
	test_cases(structure, lengthof(structure));
	test_cases(literals, lengthof(literals));
	test_cases(numbers, lengthof(numbers));
	test_cases(strings, lengthof(strings));
	test_cases(encodings, lengthof(encodings));
	test_cases(keys, lengthof(keys));
	test_depth();
	test_long_numbers();
	test_many_keys();
	test_open_keys();
	test_edges_of_pauses();
	test_top_value();
	return done_testing();
}
