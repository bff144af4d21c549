/*-------------------------------------------------------------------------
 *
 * fuzz_answers.c
 *		Hostile answers: whatever comes, each order gets one honest outcome.
 *
 * Built once for each provider, with FUZZED naming its struct (og_xt).  An
 * input is a line and a body:
 *
 *		STATUS ID_NAME ID ID ...\n
 *		BODY
 *
 * which is the HTTP status, a word for what was asked for (see forms[] below;
 * any other is a cancel), and the ids.  What must hold:
 *
 * - Every id has an outcome; one of several only where the provider has that.
 * - Verdict, code, message and the number of strangers are those of a second
 *	 opinion, which shares no code with what it is compared with.
 * - What is shown as the response is the very place in the answer where the
 *	 first element about that order stands; nothing is respelled.
 * - The answer is not written to, and read again for the same ids in another
 *	 order it gives the same.
 *
 * See fuzz.h for how it is run.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "fuzz.h"
#include "gateway/gateway_collect.h"
#include "second_opinion.h"
#include "server_shim.h"

#define MAX_KEYS	128
#define MAX_KEY_LEN	128

/* What an input says was asked, and what came back. */
typedef struct Question
{
	const OgOperation *operation;
	OgFields	arguments;
	Asked		asked;
	OgSlice		keys[MAX_KEYS];
	OgBatch		batch;
	OgResponse	response;
} Question;

/* What can be asked for: ID_NAME of an input, and what it stands for. */
#define MARKET	"symbol=BTC-USD"

static const struct
{
	const char *word;
	const char *operation;
	const char *arguments;		/* beside the key: "name=value name=value" */
	const char *id_name;
}			forms[] = {
	{"clOrderID", "cancel", "by=client_order_id " MARKET, "clOrderID"},
	{"create_order", "create_order", "type=LIMIT side=BUY " MARKET, "clOrderID"},
	{"create_at_once", "create_order", "type=MARKET side=SELL " MARKET, "clOrderID"},
	{"create_post_only", "create_order",
	"type=LIMIT side=SELL post_only=true " MARKET, "clOrderID"},
	{"create_oco", "create_order", "type=OCO side=BUY " MARKET, "clOrderID"},
	{"amend_order", "amend_order", "by=order_id " MARKET, "orderID"},
	{"amend_by_client", "amend_order", "by=client_order_id " MARKET, "clOrderID"},
	{"cancel_all", "cancel_all", "", "symbol"},
	{"cancel_all_after", "cancel_all_after", "", NULL},
	{"invest_deposit", "invest_deposit", "amount=1.50", NULL},
	{"invest_renew", "invest_renew", "auto_renew=true", NULL},
	{"invest_end", "invest_renew", "auto_renew=false", NULL},
	{"orderID", "cancel", "by=order_id " MARKET, "orderID"}
};

/*
 * ----
 * Inputs
 * ----
 */

static bool
is_argument(const Question *question, const char *name, const char *value)
{
	const char *given = og_fields_get(&question->arguments, name);

	return given != NULL && strcmp(given, value) == 0;
}

/* The same, as the second opinion wants it. */
static void
fill_asked(Question *question, const char *operation, const char *id_name)
{
	Asked	   *asked = &question->asked;

	asked->provider = &FUZZED;
	asked->operation = operation;
	asked->id_name = id_name;
	asked->at_once = is_argument(question, "type", "MARKET") ||
		is_argument(question, "post_only", "true");
	asked->renew = is_argument(question, "auto_renew", "true");
	asked->symbol = og_fields_get(&question->arguments, "symbol");
	asked->side = og_fields_get(&question->arguments, "side");
	asked->bounded = !is_argument(question, "type", "MARKET");
	asked->oco = is_argument(question, "type", "OCO");
	asked->amount = og_fields_get(&question->arguments, "amount");
}

/* Take the word for what was asked for. */
static void
read_form(Question *question, OgSlice word)
{
	size_t		form = lengthof(forms) - 1;
	char	   *argument;

	for (size_t i = 0; i < lengthof(forms); i++)
	{
		if (og_slice_equal(word, og_slice_of(forms[i].word)) &&
			og_provider_operation(&FUZZED, forms[i].operation) != NULL)
			form = i;
	}
	question->operation = og_provider_operation(&FUZZED,
												forms[form].operation);
	for (argument = strtok(pstrdup(forms[form].arguments), " ");
		 argument != NULL; argument = strtok(NULL, " "))
	{
		char	   *value = strchr(argument, '=');

		*value = '\0';
		og_fields_add(&question->arguments, argument, value + 1);
	}
	fill_asked(question, forms[form].operation, forms[form].id_name);
}

/* Step over the next word of a line and answer it; empty at its end. */
static OgSlice
next_word(OgSlice *line)
{
	size_t		len = 0;
	OgSlice		word;

	while (len < line->len && line->data[len] != ' ')
		len++;
	word = og_slice(line->data, len);
	len = Min(len + 1, line->len);
	*line = og_slice(line->data + len, line->len - len);
	return word;
}

/* A call asks for each id once, and refuses those that could be none. */
static bool
may_ask(const Question *question, OgSlice key)
{
	if (key.len == 0 || key.len > MAX_KEY_LEN)
		return false;
	for (int i = 0; i < question->batch.nkeys; i++)
	{
		if (og_slice_equal(question->keys[i], key))
			return false;
	}
	return true;
}

/* Answers false when the input has no line. */
static bool
read_input(Question *question, OgSlice input)
{
	const char *end = memchr(input.data, '\n', input.len);
	OgSlice		line;
	OgSlice		word;

	if (end == NULL)
		return false;
	line = og_slice(input.data, end - input.data);
	memset(question, 0, sizeof(*question));

	word = next_word(&line);
	question->response.delivery = OG_ANSWERED;
	question->response.delimited = true;
	for (size_t i = 0; i < Min(word.len, 3); i++)
		question->response.status = question->response.status * 10 +
			(word.data[i] & 0x0F) % 10;

	read_form(question, next_word(&line));
	question->batch.arguments = &question->arguments;
	question->batch.keys = question->keys;
	while (line.len > 0 &&
		   question->batch.nkeys < Min(MAX_KEYS, question->operation->batch_max))
	{
		word = next_word(&line);
		if (may_ask(question, word))
			question->keys[question->batch.nkeys++] = word;
	}
	question->response.body = og_slice(end + 1,
									   input.data + input.len - end - 1);
	return question->batch.nkeys > 0;
}

/*
 * ----
 * What must hold
 * ----
 */

/* Our own words, or the provider's, cut where they must be. */
static void
check_words(const char *words, const Node *theirs, int max_chars)
{
	const char *expected = second_shown(theirs, max_chars);
	int			chars = words == NULL ? 0 : second_count(words, strlen(words));

	must(chars >= 0 && chars <= max_chars);
	if (expected != NULL)
		must(words != NULL && strcmp(words, expected) == 0);
}

static void
check_outcome(const Question *question, const OgOutcome *outcome,
			  const Opinion *opinion)
{
	bool		is_cancel = strcmp(question->operation->name, "cancel") == 0;

	must(outcome->verdict == opinion->verdict);
	must(outcome->verdict != OG_NOT_SENT);
	must(outcome->verdict != OG_ACCEPTED || !is_cancel);
	must(outcome->verdict != OG_CANCELLED ||
		 question->operation->done == OG_CANCELLED);

	check_words(outcome->code, opinion->code, OG_MAX_CODE);
	check_words(outcome->message, opinion->message, OG_MAX_MESSAGE);
	if (second_shown(opinion->code, 1) == NULL)
		must(outcome->code == NULL);
	if (outcome->verdict == OG_UNKNOWN || outcome->verdict == OG_REJECTED)
		must(outcome->message != NULL);

	if (opinion->element == NULL)
		must(outcome->response.data == NULL && outcome->part.data == NULL);
	else
	{
		must(outcome->response.data == opinion->element->bytes.data &&
			 outcome->response.len == opinion->element->bytes.len);
		must(outcome->part.data == NULL ||
			 (outcome->part.data > outcome->response.data &&
			  outcome->part.data + outcome->part.len <
			  outcome->response.data + outcome->response.len));
	}
}

static void
check_key(const Question *question, const OgOutcome *outcome,
		  const Opinion *opinion)
{
	int			count = 0;

	while (outcome != NULL && opinion != NULL)
	{
		check_outcome(question, outcome, opinion);
		must((outcome->verdict == OG_TOO_FREQUENT) ==
			 (opinion->verdict == OG_TOO_FREQUENT));
		outcome = outcome->next;
		opinion = opinion->next;
		count++;
	}
	must(outcome == NULL && opinion == NULL);
	must(count == 1 || question->operation->several);
}

static bool
is_same_text(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static void
check_same(const OgOutcome *a, const OgOutcome *b)
{
	while (a != NULL && b != NULL)
	{
		must(a->verdict == b->verdict);
		must(is_same_text(a->code, b->code));
		must(is_same_text(a->message, b->message));
		must(a->response.data == b->response.data &&
			 a->response.len == b->response.len);
		must(a->part.data == b->part.data && a->part.len == b->part.len);
		a = a->next;
		b = b->next;
	}
	must(a == NULL && b == NULL);
}

/* Read it again, the ids the other way round. */
static void
check_again(const Question *question, const OgCollected *first)
{
	OgSlice		keys[MAX_KEYS];
	OgBatch		batch = question->batch;
	OgCollected again;
	int			last = batch.nkeys - 1;

	for (int i = 0; i <= last; i++)
		keys[i] = question->keys[last - i];
	batch.keys = keys;
	og_collect(&again, question->operation, &batch, &question->response);
	for (int i = 0; i <= last; i++)
		check_same(&first->outcomes[i], &again.outcomes[last - i]);
	must(again.foreign == first->foreign);
}

static void
check_answer(const Question *question)
{
	const OgResponse *response = &question->response;
	OgCollected collected;
	Opinion    *opinions;
	int			foreign;
	int			again = 0;

	og_collect(&collected, question->operation, &question->batch, response);
	opinions = second_opinion(&question->asked, response->status,
							  response->body, question->keys,
							  question->batch.nkeys, &foreign);
	for (int i = 0; i < question->batch.nkeys; i++)
	{
		check_key(question, &collected.outcomes[i], &opinions[i]);
		again += collected.outcomes[i].verdict == OG_TOO_FREQUENT;
	}
	must(collected.foreign == foreign);
	must(again == 0 || collected.wants_fewer);

	/* What goes again for its nonce was all refused, and by one voice. */
	for (int i = 0; collected.nonce_refused && i < question->batch.nkeys; i++)
		must(collected.outcomes[i].verdict == OG_REJECTED &&
			 collected.outcomes[i].response.data == NULL);
	check_again(question, &collected);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	Question	question;
	OgSlice		asked;
	char	   *body;

	fuzz_input(data, size);
	if (read_input(&question, og_slice((const char *) data, size)))
	{
		/* Of its own size, so that a step too far is seen. */
		asked = question.response.body;
		body = malloc(Max(asked.len, 1));
		memcpy(body, asked.data, asked.len);
		question.response.body = og_slice(body, asked.len);

		check_answer(&question);
		must(memcmp(body, asked.data, asked.len) == 0);
		free(body);
	}
	shim_forget();
	return 0;
}

/* An element with each status, of orders that share a client order id. */
#define S(status)	"{\"status\":" #status ",\"orderID\":\"o" #status \
	"\",\"clOrderID\":\"a\",\"symbol\":\"BTC-USD\",\"message\":\"\"},"
#define EVERY_STATUS \
	"[" S(-1) S(1) S(2) S(3) S(4) S(5) S(6) S(7) S(8) S(9) S(10) S(11) S(12) \
	S(13) S(15) S(16) S(17) S(20) S(41) S(64) S(65) S(85) S(88) S(101) S(123) \
	S(300) S(301) S(302) S(303) S(304) S(305) S(1003) S(30410) S(null) \
	"{\"clOrderID\":\"a\",\"symbol\":\"btc-usd\"}]"

const char *const fuzz_seeds[] = {
	"200 clOrderID a\n" EVERY_STATUS,
	"200 create_order a\n" EVERY_STATUS,
	"200 create_at_once a\n" EVERY_STATUS,
	"200 amend_by_client a\n" EVERY_STATUS,
	"200 cancel_all BTC-USD\n" EVERY_STATUS,
	"200 create_post_only a\n" EVERY_STATUS,
	"200 create_oco a\n" EVERY_STATUS,
	"400 create_order a\n" EVERY_STATUS,
	"200 orderID 1 2 9007199254740993\n"
	"{\"code\":200,\"data\":[{\"msg\":\"m\",\"code\":120,\"id\":1},{\"msg\":"
	"\"m\",\"code\":121,\"id\":2},{\"code\":124,\"id\":9007199254740993}],"
	"\"info\":\"done\"}",
	"200 orderID a b 673c17a3129f1881382e98e3\n"
	"{\"cancel_results\":[{\"order_id\":\"a\",\"is_success\":true,"
	"\"fail_reason\":null},{\"order_id\":\"b\",\"is_success\":false,"
	"\"fail_reason\":\"x\"},{\"order_id\":\"673c17a3129f1881382e98e3\","
	"\"is_success\":true}]}",
	"200 clOrderID a\n"
	"[{\"status\":6,\"orderID\":\"a\",\"clOrderID\":\"\",\"message\":\"\"},"
	"{\"status\":6,\"orderID\":\"b\",\"clOrderID\":\"a\",\"message\":\"\"},"
	"{\"status\":303,\"orderID\":\"c\"}]",
	"200 create_order a\n"
	"[{\"status\":2,\"orderID\":\"b\",\"clOrderID\":\"a\",\"message\":\"\"},"
	"{\"status\":9,\"orderID\":\"c\",\"clOrderID\":\"a\"},"
	"{\"status\":6,\"orderID\":\"d\",\"clOrderID\":\"b\"}]",
	"200 create_at_once a\n[{\"status\":6,\"orderID\":\"b\",\"clOrderID\":\"a\"}]",
	"200 create_post_only a\n[{\"status\":6,\"orderID\":\"b\",\"clOrderID\":\"a\","
	"\"side\":\"SELL\",\"orderType\":76,\"symbol\":\"BTC-USD\"}]",
	"200 create_post_only a\n[{\"status\":15,\"orderID\":\"\",\"clOrderID\":\"a\","
	"\"side\":\"BUY\",\"orderType\":0,\"symbol\":\"BTC-null\"}]",
	"200 create_oco a\n[{\"status\":2,\"orderID\":\"b\",\"clOrderID\":\"a\","
	"\"side\":\"BUY\",\"orderType\":76,\"symbol\":\"BTC-USD\"}]",
	"200 create_oco a\n[{\"status\":9,\"orderID\":\"b\",\"clOrderID\":\"a\"},"
	"{\"status\":2,\"orderID\":\"c\",\"clOrderID\":\"a\",\"side\":\"SELL\"}]",
	"200 create_oco a\n[{\"status\":303,\"orderID\":\"\",\"clOrderID\":\"a\"}]",
	"200 orderID a\n[{\"status\":6,\"orderID\":\"a\",\"symbol\":\"ETH-USD\"}]",
	"200 clOrderID a\n"
	"[{\"status\":6,\"orderID\":\"o\",\"clOrderID\":\"a\",\"symbol\":\"BTC-USD\"},"
	"{\"status\":6,\"orderID\":\"p\",\"clOrderID\":\"a\",\"symbol\":\"ETH-USD\"},"
	"{\"status\":6,\"orderID\":\"q\",\"symbol\":\"ETH-USD\"}]",
	"200 amend_order a\n[{\"status\":2,\"orderID\":\"a\",\"clOrderID\":\"b\"}]",
	"200 amend_by_client a\n[{\"status\":16,\"orderID\":\"\",\"clOrderID\":\"a\"}]",
	"200 cancel_all B-U\n"
	"[{\"status\":6,\"orderID\":\"b\",\"symbol\":\"B-U\"},"
	"{\"status\":4,\"orderID\":\"c\",\"symbol\":\"b-u\"},"
	"{\"status\":6,\"orderID\":\"d\",\"symbol\":\"B-UT\"}]",
	"200 cancel_all B-U\n[{\"status\":303,\"orderID\":\"b\",\"symbol\":\"B-U\"}]",
	"200 cancel_all B-U\n[]",
	"200 cancel_all_after 1\n",
	"200 cancel_all_after 1\n{\"timeout\":1}",
	"200 cancel_all_after 1\n{\"status\":20,\"message\":\"m\",\"timeout\":\"2\"}",
	"200 invest_deposit a\n{}",
	"200 invest_deposit a\n{\"productId\":\"a\",\"amount\":1.5}",
	"200 invest_deposit a\n{\"amount\":\"15e-1\"}",
	"200 invest_renew 1\n{\"orderId\":1,\"autoRenew\":true}",
	"200 invest_end 1\n{\"orderId\":\"1\",\"autoRenew\":false}",
	"200 orderID a b CR202211100001\n"
	"{\"status\":0,\"data\":{\"error_info\":[{\"order_no\":\"a\","
	"\"message\":\"采购退货单号不存在\"}],\"error_num\":1,\"status\":0}}",
	"400 orderID 1\n{\"code\":308,\"info\":\"bad\",\"data\":[]}",
	"401 orderID a\n{\"error\":true,\"message\":\"TSAS:107 INVALID_API_KEY\"}",
	"429 orderID a\n{\"error\":true,\"message\":\"Rate limit reached\"}",
	"200 orderID a\n{\"status\":100,\"message\":\"\\u91c7\\ud83d\\ude00\"}",
	"400 orderID a\n{\"status\":400,\"errorCode\":-1,\"message\":\"BADREQUEST\"}",
	NULL
};

const char *const fuzz_tokens[] = {
	"{", "}", "[", "]", ",", ":", "null", "true", "false", "0", "1", "2", "6",
	"16", "120", "121", "124", "303", "200", "100", "307", "\"a\"", "\"b\"",
	"\"\"", "\"\\u0061\"", "1.0", "-0", "1e5", "9007199254740993",
	"9007199254740992", "\"code\":", "\"id\":", "\"data\":", "\"status\":",
	"\"order_id\":", "\"orderID\":", "\"clOrderID\":", "\"error_num\":",
	"\"error_info\":[", "\"is_success\":", "\"fail_reason\":", "\"message\":",
	"\"symbol\":", "\"B-U\"", "\"orderId\":", "\"autoRenew\":", "4", "8", "9", "15",
	"300", "create_order", "create_at_once", "create_post_only", "create_oco",
	"amend_order", "cancel_all", "\"side\":", "\"BUY\"", "\"SELL\"", "66", "83",
	"\"mode_sell\"", "\"orderType\":", "76", "77", "\"BTC-USD\"", "\"ETH-USD\"",
	"\"BTC-null\"", "\"amount\":", "1.5", "0.15E1",
	"cancel_all_after", "invest_renew", "\"order_no\":", "\"error\":true", "Rate limit reached", "\xff",
	"\xf0\x9f\x98\x80", "\\ud800", " ", "\n", "200 ", "400 ", "429 ", "408 ",
	NULL
};
