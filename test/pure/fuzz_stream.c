/*-------------------------------------------------------------------------
 *
 * fuzz_stream.c
 *		Throws messages of BTSE's streams at their reader and at a book.
 *
 * An input is the messages of a connection, one on each line.  What is taken for
 * data of a book is exactly what the second opinion takes for that, and after each
 * of them the book is the second one.  A message that is not understood says why
 * and leaves nothing; records have what their own bytes say, and names that tell
 * them apart.
 *
 * See fuzz.h for how it is run.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "fuzz.h"
#include "second_stream.h"
#include "server_shim.h"

/* Messages of one connection. */
#define MAX_MESSAGES	16

static SecondBook second;

/* ----
 * Records
 * ----
 */

static const char *
member_of(const char *column, OgStreamKind kind)
{
	static const struct
	{
		OgStreamKind kind;
		const char *column;
		const char *member;
	}			members[] = {
		{OG_STREAM_TRADES, "price", "price"},
		{OG_STREAM_TRADES, "size", "size"},
		{OG_STREAM_TRADES, "symbol", "symbol"},
		{OG_STREAM_FILLS, "filled_price", "price"},
		{OG_STREAM_FILLS, "filled_size", "size"},
		{OG_STREAM_FILLS, "symbol", "symbol"},
		{OG_STREAM_FILLS, "fee_amount", "feeAmount"},
		{OG_STREAM_NOTIFICATIONS, "status", "status"},
		{OG_STREAM_NOTIFICATIONS, "price", "price"}
	};

	for (int i = 0; i < lengthof(members); i++)
	{
		if (members[i].kind == kind && strcmp(members[i].column, column) == 0)
			return members[i].member;
	}
	return NULL;
}

static bool
is_price(const Node *value)
{
	char	   *number = second_decimal(value);

	return number != NULL && strspn(number, "0.") != strlen(number);
}

static void
check_values(const OgStreamMessage *message, const OgStreamRecord *record,
			 const Node *node)
{
	for (int i = 0; message->columns[i].name != NULL; i++)
	{
		const char *name = member_of(message->columns[i].name, message->kind);
		const Node *member = name != NULL ? second_member(node, name) : NULL;

		if (name == NULL)
			continue;
		if (member == NULL || member->kind == OG_JSON_NULL)
			must(record->values[i].data == NULL);
		else
			must(og_slice_equal(record->values[i], member->bytes));
		if (message->kind != OG_STREAM_NOTIFICATIONS &&
			(strcmp(name, "price") == 0 || strcmp(name, "size") == 0))
			must(is_price(member));
	}
}

static void
check_identity(const OgStreamMessage *message, const OgStreamRecord *record)
{
	OgStreamIdentity identity;

	og_btse_stream_identify(message->kind, record->values, &identity);
	must((identity.id == NULL) == (message->kind == OG_STREAM_NOTIFICATIONS));
	must(identity.id == identity.remember[0]);
	must(identity.remember[OG_STREAM_NAMES] == NULL);
	must(identity.known_as[OG_STREAM_NAMES] == NULL);

	/* Once seen, it is known. */
	if (identity.id != NULL)
		must(strcmp(identity.remember[0], identity.known_as[0]) == 0);
}

static void
check_records(const OgStreamMessage *message, const Node *data)
{
	const Node *node = second_is(data, OG_JSON_ARRAY) ? data->first : data;

	must(message->columns == og_btse_stream_columns(message->kind));
	for (int i = 0; i < message->nrecords; i++)
	{
		const OgStreamRecord *record = &message->records[i];

		must(second_is(node, OG_JSON_OBJECT));
		must(record->raw.data == node->bytes.data &&
			 record->raw.len == node->bytes.len);
		check_values(message, record, node);
		check_identity(message, record);
		node = second_is(data, OG_JSON_ARRAY) ? node->next : NULL;
	}
	must(node == NULL);
}

/* ----
 * Messages
 * ----
 */

static void
check_best(const OgStreamBook *book)
{
	must(book->bids.count <= 1 && book->asks.count <= 1);
	if (book->bids.count == 1 && book->asks.count == 1)
		must(og_decimal_compare(&book->bids.levels[0].price,
								&book->asks.levels[0].price) < 0);
}

static void
check_answer(const OgStreamMessage *message, const Node *node)
{
	const Node *channels = second_member(node, "channel");
	const Node *channel = channels != NULL ? channels->first : NULL;

	for (int i = 0; i < message->nchannels; i++, channel = channel->next)
	{
		must(second_is(channel, OG_JSON_STRING));
		must(og_json_equals(message->channels[i], channel->text));
	}
	if (message->what == OG_STREAM_SUBSCRIBED ||
		message->what == OG_STREAM_UNSUBSCRIBED)
		must(channel == NULL);
	if (message->success)
		must(second_is(second_member(node, "success"), OG_JSON_TRUE) ||
			 second_says_text(second_member(node, "success"), "true"));
	must((message->what == OG_STREAM_ERROR) == (message->nerrors > 0));
}

static void
check_message(OgBook *book, OgSlice text)
{
	const Node *node = second_read(text);
	OgStreamMessage message;
	bool		understood = og_btse_stream_read(text, &message);
	bool		is_book;
	bool		is_delta;
	int64		seq;
	int64		prev_seq;

	must(understood == (message.what != OG_STREAM_NOT_UNDERSTOOD));
	must(understood == (message.problem == NULL));
	must((node != NULL) == (message.value.data != NULL));
	if (message.what == OG_STREAM_PONG)
		must(text.len == 4 && memcmp(text.data, "pong", 4) == 0);
	else if (understood)
		must(second_is(node, OG_JSON_OBJECT));
	if (!understood)
		must(message.nrecords == 0 && message.nchannels == 0 &&
			 message.nerrors == 0 && message.book.bids.count == 0 &&
			 message.book.asks.count == 0);
	check_answer(&message, node);

	is_book = message.what == OG_STREAM_DATA && message.kind == OG_STREAM_BOOK;
	must(is_book == second_is_book(node, &is_delta, &seq, &prev_seq));
	if (message.what == OG_STREAM_DATA && message.kind == OG_STREAM_L1)
		check_best(&message.book);
	else if (message.what == OG_STREAM_DATA && !is_book)
		check_records(&message, second_member(node, "data"));

	/* One book takes what is about any, and is lost with what makes no sense. */
	if (is_book)
	{
		bool		comparable;

		must(message.book.is_delta == is_delta && message.book.seq == seq &&
			 message.book.prev_seq == prev_seq);
		(void) og_book_take(book, &message);
		second_take(&second, node);
		must(og_book_is(book, &message, &comparable) ==
			 (!is_delta && second.is_live));
	}
	else if (!understood)
	{
		og_book_forget(book);
		second.is_live = false;
		second.seq = second.sides[0].count = second.sides[1].count = 0;
	}
	must(second_agrees(book, &second));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *at = (const char *) data;
	const char *end = at + size;
	OgBook	   *book = og_book_create();

	fuzz_input(data, size);
	memset(&second, 0, sizeof(second));
	for (int i = 0; i < MAX_MESSAGES && at < end; i++)
	{
		const char *line_end = memchr(at, '\n', end - at);
		size_t		len = (line_end != NULL ? line_end : end) - at;
		char	   *copy = malloc(Max(len, 1));

		/* Of its own size, so that a step too far is seen. */
		memcpy(copy, at, len);
		check_message(book, og_slice(copy, len));
		free(copy);
		at += len + 1;
	}
	shim_forget();
	return 0;
}

#define BOOK(type, seq, prev_seq, bids, asks) \
	"{\"topic\":\"update:A-B_0\",\"data\":{\"bids\":[" bids "],\"asks\":[" asks \
	"],\"seqNum\":" seq ",\"prevSeqNum\":" prev_seq ",\"type\":\"" type "\"," \
	"\"timestamp\":1565135165600,\"symbol\":\"A-B\"}}"

const char *const fuzz_seeds[] = {
	BOOK("snapshot", "7", "6", "[\"59252.5\",\"0.06865\"],[59249.0,0.24]",
		 "[\"59292.0\",\"0.5\"],[\"59285.5\",\"1\"],[\"59278.5\",\"0.01472\"]") "\n"
	BOOK("delta", "8", "7", "[\"59250.50\",\"2.15622\"],[\"59249\",0]", "") "\n"
	BOOK("delta", "9", "8", "", "[59278.50,0],[59270,1e-8],[59270.0,2]") "\n"
	BOOK("delta", "10", "9", "", "[59270,3]"),
	BOOK("snapshot", "1", "0", "[1,1]", "[2,1]") "\n"
	BOOK("delta", "3", "2", "", "") "\n"
	BOOK("delta", "4", "3", "", "") "\n"
	BOOK("snapshot", "4", "3", "[1,1],[0.5,1]", "[2,1]") "\n"
	BOOK("delta", "5", "4", "[2,1]", "") "\n"
	BOOK("snapshot", "1", "0", "[1,1],[1.0,1]", ""),
	"{\"topic\":\"snapshotL1:BTC-USD\",\"data\":{\"bids\":[[\"28016.7\",\"1.48063\"]],"
	"\"asks\":[[\"28033.6\",\"1.34133\"]],\"type\":\"snapshotL1\",\"symbol\":\"BTC-USD\","
	"\"timestamp\":1680750154232}}",
	"{\"topic\":\"tradeHistoryApi:BTC-USD\",\"data\":[{\"symbol\":\"BTC-USD\","
	"\"side\":\"SELL\",\"size\":0.007,\"price\":5302.8,\"tradeId\":118974855,"
	"\"timestamp\":1584446020295},{\"symbol\":\"BTC-USD\",\"side\":\"BUY\","
	"\"size\":\"1\",\"price\":\"2\",\"serialId\":\"5\"}]}",
	"{\"topic\":\"fills\",\"data\":[{\"orderId\":\"o\",\"serialId\":\"94711228\","
	"\"clOrderId\":\"c\",\"type\":76,\"symbol\":\"BTC-USD\",\"side\":\"BUY\","
	"\"price\":\"34799.000000025\",\"size\":\"0.00001\",\"feeAmount\":\"0.000000006\","
	"\"maker\":\"maker\",\"timestamp\":1698118893000,\"tradeId\":\"t\"}]}",
	"{\"topic\":\"notificationApiV3\",\"data\":{\"symbol\":\"BTC-USD\",\"orderID\":\"o\","
	"\"side\":\"MODE_BUY\",\"orderType\":\"76\",\"price\":1,\"status\":2,"
	"\"clOrderID\":\"c\",\"maker\":true,\"remainingBaseSize\":10}}",
	"pong\n{\"event\":\"subscribe\",\"channel\":[\"fills\",\"update:BTC-USD_0\"]}\n"
	"{\"event\":\"unsubscribe\",\"channel\":[]}\n{\"event\":\"login\",\"success\":true}\n"
	"{\"severity\":\"ERROR\",\"errors\":[{\"arg\":\"update:X_0\",\"error\":{\"code\":1000,"
	"\"message\":\"no\"}}]}\n{\"code\":1005,\"message\":\"no\"}\n"
	"{\"event\":\"login\",\"success\":false,\"message\":\"no\"}",
	NULL
};

const char *const fuzz_tokens[] = {
	"\"update:A-B_0\"", "\"update:A-B\"", "\"snapshotL1:A-B\"", "\"fills\"",
	"\"notificationApiV3\"", "\"tradeHistoryApi:A-B\"", "\"topic\":", "\"data\":",
	"\"bids\":[", "\"asks\":[", "\"seqNum\":", "\"prevSeqNum\":", "\"type\":",
	"\"snapshot\"", "\"delta\"", "\"symbol\":\"A-B\"", "\"timestamp\":",
	"\"event\":", "\"channel\":", "\"success\":", "\"errors\":", "\"error\":",
	"\"price\":", "\"size\":", "\"filledPrice\":", "\"serialId\":", "\"tradeId\":",
	"\"status\":", "\"maker\":", "\"orderID\":", "\"orderId\":", "pong",
	"[1,1],", ",[1,0]", ",[\"1.0\",2]", ",[0,1]", ",[2,1]", "59270", "59252.5",
	"\n", "{", "}", "[", "]", ",", ":", "\"", "\\u0031", "null", "true", "0", "1",
	"2", "-", ".", "e1", "e-1", "00000000000000000000",
	"123456789012345678901234567890123456",
	BOOK("snapshot", "4", "3", "[1,1]", "[2,1]") "\n",
	BOOK("delta", "5", "4", "", "[2,0],[3,1]") "\n",
	NULL
};
