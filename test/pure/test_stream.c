/*-------------------------------------------------------------------------
 *
 * test_stream.c
 *		BTSE's streams: what is sent, and what acknowledgements, errors, books
 *		and best prices say.  What the page has as an example stands here word by
 *		word.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "json_case.h"
#include "stream_case.h"
#include "tap.h"

/* ---------- what is sent ---------- */

static void
test_topics(void)
{
	static const char *const several[] = {
		"snapshotL1:BTC-USD", "update:BTC-USD_0"
	};
	static const char *const strange[] = {"a\"b\\c\n"};

	is_text(og_btse_stream_topic(OG_STREAM_L1, "BTC-USD", 0),
			"snapshotL1:BTC-USD", "topic of best prices");
	is_text(og_btse_stream_topic(OG_STREAM_BOOK, "BTC-USD", 0),
			"update:BTC-USD_0", "topic of a book");
	is_text(og_btse_stream_topic(OG_STREAM_BOOK, "BTC-USD", 8),
			"update:BTC-USD_8", "... that is coarse");
	is_text(og_btse_stream_topic(OG_STREAM_TRADES, "BTC-USD", 0),
			"tradeHistoryApi:BTC-USD", "topic of trades");
	is_text(og_btse_stream_topic(OG_STREAM_FILLS, NULL, 0), "fills",
			"topic of fills");
	is_text(og_btse_stream_topic(OG_STREAM_NOTIFICATIONS, NULL, 0),
			"notificationApiV3", "topic of notifications");
	is_text(og_btse_stream_subscribe(several, 1, true),
			"{\"op\":\"subscribe\",\"args\":[\"snapshotL1:BTC-USD\"]}",
			"one is asked for");
	is_text(og_btse_stream_subscribe(several, 2, false),
			"{\"op\":\"unsubscribe\",\"args\":"
			"[\"snapshotL1:BTC-USD\",\"update:BTC-USD_0\"]}",
			"two are not asked for any more");
	is_text(og_btse_stream_subscribe(strange, 1, true),
			"{\"op\":\"subscribe\",\"args\":[\"a\\\"b\\\\c\\u000a\"]}",
			"whatever is asked for is JSON");
	is_text(OG_STREAM_PING, "ping", "a ping");
	for (OgStreamKind kind = 0; kind < OG_STREAM_KINDS; kind++)
		ok(og_btse_stream_is_at_books(kind) == (kind <= OG_STREAM_BOOK),
		   "kind %d is at its URL", kind);
}

static void
test_symbols(void)
{
	static const char *const good[] = {
		"BTC-USD", "1000SHIB-USDT", "btc_usd", "A", "BTC/USD", "X.Y+Z",
		"0123456789012345678901234567890123456789012345678901234567890123"
	};
	static const char *const bad[] = {
		"", " ", "BTC USD", "BTC:USD", "BTC-USD\n", "BTC\"USD", "\xE9\x87\x87",
		"01234567890123456789012345678901234567890123456789012345678901234"
	};

	for (int i = 0; i < lengthof(good); i++)
		ok(og_provider_is_market(&og_btse, good[i]), "a symbol: %s", good[i]);
	for (int i = 0; i < lengthof(bad); i++)
		ok(!og_provider_is_market(&og_btse, bad[i]), "no symbol: %s", bad[i]);
}

/* The example of the page's chapter on logging in. */
static void
test_login(void)
{
	static const char *const credentials[] = {
		"4e9536c79f0fdd72bf04f2430982d3f61d9d76c996f0175bbba470d69d59816x",
		"848db84ac252b6726e5f6e7a711d9c96d9fd77d020151b45839a5b59c37203bx"
	};
	OgSigner	signer = {credentials, NULL, INT64CONST(1624985375123)};

	is_text(og_btse_stream_login(&signer),
			"{\"op\":\"authKeyExpires\",\"args\":["
			"\"4e9536c79f0fdd72bf04f2430982d3f61d9d76c996f0175bbba470d69d59816x\","
			"\"1624985375123\","
			"\"c410d38c681579adb335885800cff24c66171b7cc8376cfe43da1408c5817481"
			"56b89bcc5a115bb496413bda481139fb\"]}",
			"a login is signed as the page signs it");
}

/* ---------- what is answered ---------- */

typedef struct Case
{
	const char *text;
	const char *shown;
} Case;

static void
check(const Case *cases, int count)
{
	for (int i = 0; i < count; i++)
	{
		OgStreamMessage message;
		bool		understood = og_btse_stream_read(exactly(cases[i].text),
													 &message);

		is_text(show(&message), cases[i].shown,
				psprintf("message %.200s", cases[i].text));
		ok(understood == (message.problem == NULL) &&
		   understood == (message.what != OG_STREAM_NOT_UNDERSTOOD),
		   "... which is %s", understood ? "understood" : "not understood");
	}
}

#define CHECK(cases)	check(cases, lengthof(cases))

static void
test_answers(void)
{
	static const Case cases[] = {
		{"pong", "pong"},
		{"{\n  \"event\": \"subscribe\",\n  \"channel\": [\n"
			"    \"tradeHistoryApi:BTC-USD\"\n  ]\n}",
		"subscribed \"tradeHistoryApi:BTC-USD\""},
		{"{\"event\":\"subscribe\",\"channel\":[]}", "subscribed"},
		{"{\"event\":\"subscribe\",\"channel\":null}", "subscribed"},
		{"{\"channel\":[\"a\",\"b\",\"c\",\"d\",\"e\",\"f\",\"g\",\"h\",\"i\"],"
			"\"event\":\"unsubscribe\"}",
		"unsubscribed \"a\" \"b\" \"c\" \"d\" \"e\" \"f\" \"g\" \"h\" \"i\""},
		{"{\"event\":\"login\",\"success\":true}", "login yes -"},
		{"{\"event\":\"login\",\"success\":\"true\"}", "login yes -"},
		{"{\"event\":\"login\",\"success\":false,\"message\":\"no such key\"}",
		"login no \"no such key\""},
		{"{\"event\":\"login\"}", "login no -"},
		{"{\"event\":\"login\",\"success\":1}", "login no -"},
		{"{\"event\":\"login\",\"success\":null}", "login no -"},

		{"{\"event\":\"subscribe\"}", "? has no list of channels"},
		{"{\"event\":\"subscribe\",\"channel\":\"fills\"}",
		"? has no list of channels"},
		{"{\"event\":\"subscribe\",\"channel\":[1]}",
		"? has a channel that is not a string"},
		{"{\"event\":\"subscribe\",\"channel\":[\"a\",null]}",
		"? has a channel that is not a string"},
		{"{\"event\":\"welcome\"}", "? tells an event that is not documented"},
		{"{\"event\":null,\"channel\":[]}",
		"? tells an event that is not documented"},
	};

	CHECK(cases);
}

static void
test_errors(void)
{
	static const Case cases[] = {
		{"{\"severity\":\"ERROR\",\"errors\":[{\"arg\":\"update:XXX_0\",\"error\":"
			"{\"code\":1000,\"message\":\"Market pair provided is currently not supported.\"}}]}",
		"error \"update:XXX_0\" 1000 \"Market pair provided is currently not "
		"supported.\" (the market is not supported)"},
		{"{\"code\":1001,\"message\":\"x\"}",
		"error - 1001 \"x\" (the operation is not supported)"},
		{"{\"errorCode\":\"1002\",\"msg\":\"x\"}",
		"error - \"1002\" \"x\" (the request is not valid)"},
		{"{\"error\":{\"code\":1005,\"message\":\"x\"}}",
		"error - 1005 \"x\" (there is no such topic)"},
		{"{\"event\":\"error\",\"code\":1007}",
		"error - 1007 - (the buffer of messages is full)"},
		{"{\"errors\":[{\"error\":{\"code\":1008}}]}",
		"error - 1008 - (there were too many failed attempts)"},
		{"{\"errors\":[{\"arg\":\"a\",\"code\":1009,\"message\":\"x\"},"
			"{\"arg\":\"b\",\"error\":{\"code\":1003,\"message\":\"y\"}},"
			"{\"error\":\"z\"},{\"message\":\"4\"},{\"message\":\"5\"}]}",
		"error \"a\" 1009 \"x\" (this topic has no grouping); \"b\" 1003 \"y\"; "
		"- - \"z\"; - - \"4\"; - - \"5\""},
		{"{\"error\":\"bad\"}", "error - - \"bad\""},
		{"{\"code\":1004}", "error - 1004 -"},
		{"{\"code\":1006.0,\"message\":null}", "error - 1006.0 -"},

		{"{\"errors\":[]}", "? has errors, and none of them"},
		{"{\"errors\":[1]}", "? has an error that says nothing"},
		{"{\"errors\":[{\"code\":1000},{\"arg\":\"a\"}]}",
		"? has an error that says nothing"},
		{"{\"error\":{}}", "? is none that is documented"},
		{"{\"event\":\"error\"}", "? is none that is documented"},
		{"{}", "? is none that is documented"},
		{"{\"hello\":\"world\"}", "? is none that is documented"},
	};

	CHECK(cases);
}

static void
test_hostile(void)
{
	static const Case cases[] = {
		{"", "? is empty"},
		{"   ", "? is empty"},
		{"PONG", "? is not JSON"},
		{"pong ", "? is not JSON"},
		{"ping", "? is not JSON"},
		{"{", "? is cut off"},
		{"{\"event\":\"subscribe\",\"channel\":[]", "? is cut off"},
		{"{\"event\":\"subscribe\",\"channel\":[]}x", "? is not JSON"},
		{"\xEF\xBB\xBF{}", "? begins with a byte order mark"},
		{"{\"event\":\"\xFF\"}", "? is not valid UTF-8"},
		{"{\"event\":\"\\u0000\"}", "? has a zero character in a string"},
		{"{\"event\":\"login\",\"success\":true,\"success\":false}",
		"? has two values for one key"},
		{"{\"a\":1e400}", "? has an exponent above 100"},
		{"[]", "? is not an object"},
		{"\"pong\"", "? is not an object"},
		{"null", "? is not an object"},
		{"1", "? is not an object"},
		{"{\"topic\":null,\"data\":{}}", "? has a topic that is not a string"},
		{"{\"topic\":5,\"data\":{}}", "? has a topic that is not a string"},
		{"{\"topic\":\"\",\"data\":{}}", "? has a topic that is not documented"},
		{"{\"topic\":\"fillsX\",\"data\":[]}",
		"? has a topic that is not documented"},
		{"{\"topic\":\"fills:BTC-USD\",\"data\":[]}",
		"? has a topic that is not documented"},
		{"{\"topic\":\"update\",\"data\":{}}",
		"? has a topic that is not documented"},
		{"{\"topic\":\"updateX:BTC-USD_0\",\"data\":{}}",
		"? has a topic that is not documented"},
		{"{\"topic\":\"snapshotL\",\"data\":{}}",
		"? has a topic that is not documented"},
	};
	StringInfoData deep;
	OgStreamMessage message;

	CHECK(cases);
	initStringInfo(&deep);
	append_repeated(&deep, "{\"data\":", 33);
	appendStringInfoString(&deep, "0");
	append_repeated(&deep, "}", 33);
	ok(!og_btse_stream_read(og_slice(deep.data, deep.len), &message),
	   "what is nested 33 times");
	is_text(message.problem, "is nested too deeply", "... is too deep");
}

/* ---------- best prices ---------- */

#define L1(members) \
	"{\"topic\":\"snapshotL1:BTC-USD\",\"data\":{" members "}}"
#define L1_OF(bids, asks) \
	L1("\"bids\":" bids ",\"asks\":" asks ",\"type\":\"snapshotL1\"," \
	   "\"symbol\":\"BTC-USD\",\"timestamp\":1680750154232")

static void
test_best_prices(void)
{
	static const Case cases[] = {
		{"{\n  \"topic\": \"snapshotL1:BTC-USD\",\n  \"data\": {\n"
			"    \"bids\": [\n      [\n          \"28016.7\",\n"
			"          \"1.48063\"\n      ]\n    ],\n    \"asks\": [\n      [\n"
			"          \"28033.6\",\n          \"1.34133\"\n      ]\n    ],\n"
			"    \"type\": \"snapshotL1\",\n    \"symbol\": \"BTC-USD\",\n"
			"    \"timestamp\": 1680750154232\n  }\n}",
		"l1 BTC-USD at 1680750154232 bids 28016.7x1.48063 asks 28033.6x1.34133"},
		{L1_OF("[[1,2]]", "[]"), "l1 BTC-USD at 1680750154232 bids 1x2 asks"},
		{L1_OF("[]", "[]"), "l1 BTC-USD at 1680750154232 bids asks"},
		{L1_OF("[[1,\"0.00\"]]", "[[\"2\",\"1\"]]"),
		"l1 BTC-USD at 1680750154232 bids asks 2x1"},
		{L1_OF("[[2,0]]", "[[1,1]]"),
		"l1 BTC-USD at 1680750154232 bids asks 1x1"},

		{L1_OF("[[1,1],[0.5,1]]", "[]"),
		"? l1 BTC-USD has several best prices on a side"},
		{L1_OF("[[1.0,1]]", "[[\"1\",1]]"),
		"? l1 BTC-USD has a best bid that is not below the best ask"},
		{L1("\"bids\":[],\"asks\":[],\"type\":\"delta\",\"symbol\":\"BTC-USD\""),
		"? l1 BTC-USD has a type that its topic has not"},
		{L1("\"bids\":[],\"asks\":[],\"type\":\"snapshot\",\"symbol\":\"BTC-USD\""),
		"? l1 BTC-USD has a type that its topic has not"},
		{L1("\"bids\":[],\"asks\":[],\"type\":\"snapshotL1\""),
		"? l1 does not name its market"},
		{"{\"topic\":\"snapshotL1:BTC-USD\"}",
		"? l1 has data that are not an object"},
		{"{\"topic\":\"snapshotL1:BTC-USD\",\"data\":[]}",
		"? l1 has data that are not an object"},
	};

	CHECK(cases);
}

/* ---------- books ---------- */

/* The page's examples. */
#define PAGE_SNAPSHOT \
	"{\n  \"topic\": \"update:BTC-USD_0\",\n  \"data\": {\n    \"bids\": [\n" \
	"      [\n        \"59252.5\",\n        \"0.06865\"\n      ],\n" \
	"      [\n        \"59249.0\",\n        \"0.24000\"\n      ],\n" \
	"      [\n        \"59235.5\",\n        \"0.16073\"\n      ],\n" \
	"      [\n        \"59235.0\",\n        \"0.26626\"\n      ],\n" \
	"      [\n        \"59233.0\",\n        \"0.50000\"\n      ]\n    ],\n" \
	"    \"asks\": [\n" \
	"      [\n        \"59292.0\",\n        \"0.50000\"\n      ],\n" \
	"      [\n        \"59285.5\",\n        \"0.24000\"\n      ],\n" \
	"      [\n        \"59285.0\",\n        \"0.15598\"\n      ],\n" \
	"      [\n        \"59282.5\",\n        \"0.06829\"\n      ],\n" \
	"      [\n        \"59278.5\",\n        \"0.01472\"\n      ]\n    ],\n" \
	"    \"seqNum\": 628282,\n    \"prevSeqNum\": 628281,\n" \
	"    \"type\": \"snapshot\",\n    \"timestamp\": 1565135165600,\n" \
	"    \"symbol\": \"BTC-USD\"\n  }\n}"
#define PAGE_DELTA \
	"{\n  \"topic\": \"update:BTC-USD\",\n  \"data\": {\n    \"bids\": [],\n" \
	"    \"asks\": [\n      [\n        \"59367.5\",\n        \"2.15622\"\n" \
	"      ],\n      [\n        \"59325.5\",\n        \"0\"\n      ]\n    ],\n" \
	"    \"seqNum\": 628283,\n    \"prevSeqNum\": 628282,\n" \
	"    \"type\": \"delta\",\n    \"timestamp\": 1565135165600,\n" \
	"    \"symbol\": \"BTC-USD\"\n  }\n}"

#define BOOK(topic, members) \
	"{\"topic\":\"" topic "\",\"data\":{\"symbol\":\"BTC-USD\"," members "}}"
#define DELTA(members) \
	BOOK("update:BTC-USD_0", "\"type\":\"delta\"," members)
#define NUMBERS		"\"seqNum\":2,\"prevSeqNum\":1,\"timestamp\":5"
#define SIDES		"\"bids\":[[1,2]],\"asks\":[[3,4]]"
#define OF_BIDS(bids)	DELTA(NUMBERS ",\"asks\":[],\"bids\":" bids)

static void
test_books(void)
{
	static const Case cases[] = {
		{PAGE_SNAPSHOT,
			"book BTC-USD grouping 0 snapshot 628282 after 628281 at 1565135165600 "
			"bids 59252.5x0.06865 59249.0x0.24000 59235.5x0.16073 59235.0x0.26626 "
			"59233.0x0.50000 asks 59292.0x0.50000 59285.5x0.24000 59285.0x0.15598 "
		"59282.5x0.06829 59278.5x0.01472"},
		{PAGE_DELTA,
			"book BTC-USD delta 628283 after 628282 at 1565135165600 bids "
		"asks 59367.5x2.15622 59325.5x0"},

		/* Whatever the topic says, the market is that of the data. */
		{BOOK("update:ETH-USD_0", "\"type\":\"delta\"," NUMBERS "," SIDES),
		"book BTC-USD delta 2 after 1 at 5 bids 1x2 asks 3x4"},
		{BOOK("update:", "\"type\":\"delta\"," NUMBERS "," SIDES),
		"book BTC-USD delta 2 after 1 at 5 bids 1x2 asks 3x4"},
		{BOOK("update:BTC-USD_", "\"type\":\"delta\"," NUMBERS "," SIDES),
		"book BTC-USD delta 2 after 1 at 5 bids 1x2 asks 3x4"},
		{BOOK("update:BTC-USD_1x", "\"type\":\"delta\"," NUMBERS "," SIDES),
		"book BTC-USD delta 2 after 1 at 5 bids 1x2 asks 3x4"},
		{BOOK("update:BTC-USD_1234", "\"type\":\"delta\"," NUMBERS "," SIDES),
		"book BTC-USD delta 2 after 1 at 5 bids 1x2 asks 3x4"},
		{BOOK("update:BTC-USD_12", "\"type\":\"delta\"," NUMBERS "," SIDES),
		"book BTC-USD grouping 12 delta 2 after 1 at 5 bids 1x2 asks 3x4"},
		{"{\"data\":{\"asks\":[],\"bids\":[],\"seqNum\":2,\"prevSeqNum\":1,"
			"\"type\":\"\\u0064elta\",\"symbol\":\"\\u0042TC-USD\"},"
			"\"topic\":\"\\u0075pdate:BTC-USD_3\"}",
		"book BTC-USD grouping 3 delta 2 after 1 at 0 bids asks"},

		/* Numbers and strings, each where the other one is usual. */
		{DELTA("\"seqNum\":\"2\",\"prevSeqNum\":\"1\",\"timestamp\":\"5\","
			   "\"bids\":[[59252.5,\"0.06865\"],[1e2,5E-1]],\"asks\":[]"),
		"book BTC-USD grouping 0 delta 2 after 1 at 5 bids 59252.5x0.06865 100x0.5 asks"},
		{DELTA("\"seqNum\":2.0,\"prevSeqNum\":1e0,\"timestamp\":1.565135165600E12,"
			   "\"bids\":[],\"asks\":[]"),
		"book BTC-USD grouping 0 delta 2 after 1 at 1565135165600 bids asks"},
		{DELTA("\"seqNum\":9223372036854775807,\"prevSeqNum\":9223372036854775806,"
			   "\"timestamp\":0,\"bids\":[],\"asks\":[]"),
			"book BTC-USD grouping 0 delta 9223372036854775807 after "
		"9223372036854775806 at 0 bids asks"},
		{BOOK("update:BTC-USD_0", "\"type\":\"snapshot\",\"seqNum\":7," SIDES),
		"book BTC-USD grouping 0 snapshot 7 after -1 at 0 bids 1x2 asks 3x4"},

		{DELTA("\"seqNum\":2," SIDES),
		"? book BTC-USD grouping 0 has no previous sequence number"},
		{DELTA("\"prevSeqNum\":1," SIDES),
		"? book BTC-USD grouping 0 has no sequence number"},
		{DELTA("\"seqNum\":-2,\"prevSeqNum\":1," SIDES),
		"? book BTC-USD grouping 0 has no sequence number"},
		{DELTA("\"seqNum\":2.5,\"prevSeqNum\":1," SIDES),
		"? book BTC-USD grouping 0 has no sequence number"},
		{DELTA("\"seqNum\":9223372036854775808,\"prevSeqNum\":1," SIDES),
		"? book BTC-USD grouping 0 has no sequence number"},
		{DELTA("\"seqNum\":1e30,\"prevSeqNum\":1," SIDES),
		"? book BTC-USD grouping 0 has no sequence number"},
		{DELTA("\"seqNum\":2,\"prevSeqNum\":null," SIDES),
		"? book BTC-USD grouping 0 has no previous sequence number"},
		{DELTA("\"seqNum\":2,\"prevSeqNum\":1,\"timestamp\":-5," SIDES),
		"? book BTC-USD grouping 0 has a time that is none"},
		{DELTA("\"seqNum\":2,\"prevSeqNum\":1,\"timestamp\":\"now\"," SIDES),
		"? book BTC-USD grouping 0 has a time that is none"},
		{DELTA("\"seqNum\":2,\"prevSeqNum\":1,\"timestamp\":9e18," SIDES),
		"? book BTC-USD grouping 0 has a time that is none"},
		{DELTA(NUMBERS ",\"bids\":[]"),
		"? book BTC-USD grouping 0 has no list of bids or of asks"},
		{DELTA(NUMBERS ",\"bids\":null,\"asks\":[]"),
		"? book BTC-USD grouping 0 has no list of bids or of asks"},
		{DELTA(NUMBERS ",\"bids\":{\"1\":2},\"asks\":[]"),
		"? book BTC-USD grouping 0 has no list of bids or of asks"},
		{BOOK("update:BTC-USD_0", NUMBERS "," SIDES),
		"? book BTC-USD grouping 0 has a type that its topic has not"},
		{BOOK("update:BTC-USD_0", "\"type\":\"snapshotL1\"," NUMBERS "," SIDES),
		"? book BTC-USD grouping 0 has a type that its topic has not"},
		{BOOK("update:BTC-USD_0", "\"type\":[\"delta\"]," NUMBERS "," SIDES),
		"? book BTC-USD grouping 0 has a type that its topic has not"},
	};

	CHECK(cases);
}

static void
test_symbols_of_data(void)
{
	static const char *const bad[] = {
		"null", "5", "true", "\"\"", "[\"BTC-USD\"]", "{}",
		"\"01234567890123456789012345678901234567890123456789012345678901234\""
	};

	for (int i = 0; i < lengthof(bad); i++)
	{
		OgStreamMessage message;
		char	   *text = psprintf("{\"topic\":\"update:BTC-USD_0\",\"data\":"
									"{\"symbol\":%s,\"type\":\"delta\","
									"" NUMBERS "," SIDES "}}", bad[i]);

		ok(!og_btse_stream_read(exactly(text), &message),
		   "data of %s are refused", bad[i]);
		is_text(message.problem, "does not name its market", "... for that");
		ok(message.is_data && message.kind == OG_STREAM_BOOK &&
		   message.symbol == NULL, "... of whatever book");
	}
}

static void
test_levels(void)
{
	static const char *const bad[] = {
		"[[]]", "[[1]]", "[[1,2,3]]", "[{\"price\":1,\"size\":2}]", "[1,2]",
		"[null]", "[[1,null]]", "[[null,1]]", "[[1,\"\"]]", "[[\"\",1]]",
		"[[\"a\",1]]", "[[1,-1]]", "[[1,\"-1\"]]", "[[-1,1]]", "[[1,-0.0]]",
		"[[0,1]]", "[[\"0.00\",1]]", "[[0,0]]", "[[1,\"1e400\"]]",
		"[[\"1e400\",1]]", "[[1,\"NaN\"]]", "[[1,\"Infinity\"]]",
		"[[1,\"0x1\"]]", "[[1,[1]]]", "[[[1,1]]]", "[[1,true]]",
		"[[1,1],[2,1],[3]]", "[[1,1],[2,1],[3,-1]]",
		"[[\"1000000000000000000000000000000000000\",1]]",
		"[[1,0.1000000000000000000000000000000000000]]",
		"[[1,\"\\u0031\"]]"
	};
	OgStreamMessage message;
	StringInfoData text;

	for (int i = 0; i < lengthof(bad); i++)
	{
		ok(!og_btse_stream_read(
								exactly(psprintf(OF_BIDS("%s"), bad[i])),
								&message) &&
		   message.what == OG_STREAM_NOT_UNDERSTOOD,
		   "levels %s are refused", bad[i]);
		is_text(message.problem, "has a level that is not a price and a size",
				"... for that");
		ok(message.book.bids.count == 0 && message.book.asks.count == 0,
		   "... and nothing of them is left");
		is_text(message.symbol, "BTC-USD", "... but whose book it is");
	}
	ok(!og_btse_stream_read(exactly(OF_BIDS("[[1,1e400]]")), &message),
	   "a number of JSON can be absurd as well");
	is_text(message.problem, "has an exponent above 100", "... which is found");

	initStringInfo(&text);
	append_repeated(&text, "[1,0],", OG_STREAM_CHANGES - 1);
	appendStringInfoString(&text, "[1,0]");
	ok(og_btse_stream_read(exactly(psprintf(OF_BIDS("[%s]"), text.data)),
						   &message), "1,000 changes of a side are read");
	is_number(message.book.bids.count, OG_STREAM_CHANGES, "... all of them");
	ok(!og_btse_stream_read(exactly(psprintf(OF_BIDS("[%s,[1,0]]"), text.data)),
							&message), "one more");
	is_text(message.problem, "has too many levels", "... is one too many");
}

int
main(void)
{
	test_topics();
	test_symbols();
	test_login();
	test_answers();
	test_errors();
	test_hostile();
	test_best_prices();
	test_books();
	test_symbols_of_data();
	test_levels();
	return done_testing();
}
