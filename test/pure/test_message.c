/*-------------------------------------------------------------------------
 *
 * test_message.c
 *		Known answers for src/message.c.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "ground/message.h"
#include "server_shim.h"
#include "tap.h"

static void
is_buffer(StringInfo got, const char *expected, const char *name)
{
	is_text(got->data, expected, name);
	resetStringInfo(got);
}

static void
test_percent_encoding(StringInfo out)
{
	static const struct
	{
		const char *text;
		const char *encoded;
	}			cases[] = {
		{"", ""},
		{"btc_usdt", "btc_usdt"},
		{"-._~", "-._~"},
		{"ABCXYZabcxyz0123456789", "ABCXYZabcxyz0123456789"},
		{"a=b&c", "a%3Db%26c"},
		{"100%", "100%25"},
		{"\r\n", "%0D%0A"},
		{"it's \"quoted\"", "it%27s%20%22quoted%22"},
		{"WzEyMyw0NTYsNzg5XQ==", "WzEyMyw0NTYsNzg5XQ%3D%3D"},
		{"+/=", "%2B%2F%3D"},
		{"\xE9\x87\x87\xE8\xB4\xAD", "%E9%87%87%E8%B4%AD"},
		{"\xF0\x9F\x98\x80", "%F0%9F%98%80"},
		{"\x01\x7F", "%01%7F"},
		{"[]{}:,;?#@!$()*", "%5B%5D%7B%7D%3A%2C%3B%3F%23%40%21%24%28%29%2A"},
		{"\xFF\x80", "%FF%80"},
	};

	for (int i = 0; i < lengthof(cases); i++)
	{
		og_append_percent_encoded(out, cases[i].text);
		is_buffer(out, cases[i].encoded,
				  psprintf("percent-encoded: %s", cases[i].encoded));
	}
}

static void
test_fields(StringInfo out)
{
	OgFields	fields = {NULL, 0, 0};
	static const char *const names[] = {
		"nonce", "market", "data", "b", "a", "Z", "market", "accesskey",
		"aa", "\xE9", "z", "c", "d", "e", "f", "g", "h", "i", "j", "k"
	};
	const char *secret = "hush";

	og_append_form(out, &fields, false);
	is_buffer(out, "", "no fields are no form");
	is_text(og_fields_get(&fields, "x"), NULL, "no fields, no value");

	for (int i = 0; i < lengthof(names); i++)
		og_fields_add(&fields, names[i], psprintf("%d", i));
	is_number(fields.count, lengthof(names), "all fields are there");
	is_text(og_fields_get(&fields, "market"), "1", "the first of a name");
	is_text(og_fields_get(&fields, "Market"), NULL, "names have a case");
	is_text(og_fields_get(&fields, "k"), "19", "the last field");

	og_fields_sort(&fields);
	og_append_form(out, &fields, false);
	is_buffer(out, "Z=5&a=4&aa=8&accesskey=7&b=3&c=11&d=12&data=2&e=13&f=14"
			  "&g=15&h=16&i=17&j=18&k=19&market=1&market=6&nonce=0&z=10"
			  "&%E9=9",
			  "sorted by the bytes of names, equal ones in their order");

	fields.count = 0;
	og_fields_add(&fields, "k&y", "v=1");
	og_fields_add_secret(&fields, "key", secret);
	og_fields_add(&fields, "empty", "");
	og_append_form(out, &fields, false);
	is_buffer(out, "k%26y=v%3D1&key=hush&empty=", "a form as it is sent");
	og_append_form(out, &fields, true);
	is_buffer(out, "k%26y=v%3D1&key=***&empty=", "a form for people");
	ok(og_fields_get(&fields, "key") == secret, "a secret is not copied");
}

static void
test_url(StringInfo out)
{
	OgRequest	request;

	og_request_init(&request, OG_POST, "/v4/order");
	ok(request.body.data != NULL && request.body.len == 0, "an empty body");
	ok(request.method == OG_POST && request.query.count == 0 &&
	   request.headers.count == 0, "a request without fields");

	og_append_url(out, "https://api.xt.com", &request, false);
	is_buffer(out, "https://api.xt.com/v4/order", "base and path");
	og_append_url(out, "https://api.xt.com/", &request, false);
	is_buffer(out, "https://api.xt.com/v4/order", "one slash is enough");

	og_fields_add(&request.query, "symbol", "BTC-USDT");
	og_fields_add_secret(&request.query, "key", "hush");
	og_append_url(out, "https://h:8443/spot", &request, false);
	is_buffer(out, "https://h:8443/spot/v4/order?symbol=BTC-USDT&key=hush",
			  "base, path and query");
	og_append_url(out, "https://h:8443/spot", &request, true);
	is_buffer(out, "https://h:8443/spot/v4/order?symbol=BTC-USDT&key=***",
			  "a URL for people");

	og_request_init(&request, OG_POST, "");
	og_append_url(out, "http://wdt.wangdian.cn/openapi", &request, false);
	is_buffer(out, "http://wdt.wangdian.cn/openapi", "no path");
	og_append_url(out, "http://h/", &request, false);
	is_buffer(out, "http://h/", "no path, but a slash of the base");
	og_fields_add(&request.query, "v", "1.0");
	og_append_url(out, "http://wdt.wangdian.cn/openapi", &request, false);
	is_buffer(out, "http://wdt.wangdian.cn/openapi?v=1.0",
			  "no path, but a query");

	is_text(og_method_name(OG_GET), "GET", "GET");
	is_text(og_method_name(OG_POST), "POST", "POST");
	is_text(og_method_name(OG_PUT), "PUT", "PUT");
	is_text(og_method_name(OG_DELETE), "DELETE", "DELETE");
}

static int
sign(int order)
{
	return (order > 0) - (order < 0);
}

static void
test_slices(void)
{
	OgSlice		nothing = {NULL, 0};
	OgSlice		empty = og_slice("", 0);

	is_number(og_slice_of("abc").len, 3, "a slice of text");
	ok(og_slice_of(NULL).data == NULL, "a slice of nothing");
	ok(og_slice_equal(nothing, og_slice_of(NULL)), "nothing is nothing");
	ok(!og_slice_equal(nothing, empty), "nothing is not empty");
	ok(og_slice_equal(og_slice("abcd", 3), og_slice_of("abc")),
	   "equal slices");
	ok(!og_slice_equal(og_slice_of("abc"), og_slice_of("abd")),
	   "different slices");
	ok(!og_slice_equal(og_slice_of("ab"), og_slice_of("abc")), "a prefix");
	ok(og_slice_equal(og_slice("a\0b", 3), og_slice("a\0b", 3)),
	   "a zero byte is a byte");
	ok(!og_slice_equal(og_slice("a\0b", 3), og_slice("a\0c", 3)),
	   "bytes behind a zero byte count");

	is_number(sign(og_slice_compare(nothing, empty)), -1, "nothing < empty");
	is_number(sign(og_slice_compare(empty, nothing)), 1, "empty > nothing");
	is_number(sign(og_slice_compare(empty, og_slice_of("a"))), -1,
			  "empty < a");
	is_number(sign(og_slice_compare(og_slice_of("a"), og_slice_of("ab"))), -1,
			  "a prefix comes first");
	is_number(sign(og_slice_compare(og_slice_of("b"), og_slice_of("ab"))), 1,
			  "bytes before length");
	is_number(sign(og_slice_compare(og_slice_of("\xC3"), og_slice_of("z"))),
			  1, "bytes have no sign");
}

static void
test_clip(void)
{
	/* One, two, three and four bytes. */
	static const char mixed[] = "a\xC3\xA9\xE9\x87\x87\xF0\x9F\x98\x80z";
	static const int bytes[] = {0, 1, 3, 6, 10, 11, 11};

	for (int i = 0; i < lengthof(bytes); i++)
		is_number(og_utf8_clip(mixed, strlen(mixed), i), bytes[i],
				  psprintf("clipped at %d characters", i));
	is_number(og_utf8_clip(mixed, strlen(mixed), -1), 0,
			  "clipped below nothing");
	is_number(og_utf8_clip("", 0, 5), 0, "nothing to clip");
	is_number(og_utf8_clip("abc", 3, 3), 3, "exactly fits");
	is_number(og_utf8_clip("abcd", 4, 3), 3, "one too many");
	is_number(og_utf8_clip("ab\0cd", 5, 4), 4, "a zero byte is a character");
	is_number(og_utf8_clip(mixed, strlen(mixed), PG_INT32_MAX), 11,
			  "no limit");
}

int
main(void)
{
	StringInfoData out;

	initStringInfo(&out);
	test_percent_encoding(&out);
	test_fields(&out);
	test_url(&out);
	test_slices();
	test_clip();
	return done_testing();
}
