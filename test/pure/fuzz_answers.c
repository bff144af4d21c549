/*-------------------------------------------------------------------------
 *
 * fuzz_answers.c
 *		Hostile answers: whatever comes, each order gets one honest outcome.
 *
 * An input is three bytes (provider, HTTP status, kind of id) and a body.
 * With WITH_LIBFUZZER this is a target for libFuzzer (memory is not given
 * back, so give it -rss_limit_mb=0 -detect_leaks=0); without, a program
 * that mutates the answers below:
 *
 *		fuzz_answers [SECONDS [SEED]]
 *
 * What says "cancelled" is confirmed by a second reader, made of cJSON.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "gateway_collect.h"
#include "mb/pg_wchar.h"

#define HEAD	3				/* bytes before the body */
#define NKEYS	3

#define must(condition) \
	((condition) ? (void) 0 : fail(#condition, __LINE__))

static const int statuses[] = {
	200, 200, 200, 200, 201, 299, 101, 302, 400, 401, 404, 408, 429, 499, 500,
	503, 0, 600
};

static const char *const keys_of[][NKEYS] = {
	{"1", "2", "9007199254740993"}, /* in the order of og_providers */
	{"a", "b", "673c17a3129f1881382e98e3"},
	{"a"},
	{"a", "b", "CR202211100001"}
};

/* In a server a context frees what these rooms allocate; here nobody does. */
extern const char *__asan_default_options(void);

const char *
__asan_default_options(void)
{
	return "detect_leaks=0";
}

/* What a failure prints. */
static const uint8 *input;
static size_t input_len;

extern int	LLVMFuzzerTestOneInput(const uint8 *data, size_t len);

static void
fail(const char *condition, int line)
{
	fprintf(stderr, "fuzz_answers.c:%d: not %s, with %d %d %d and\n", line,
			condition, input[0], input[1], input[2]);
	fwrite(input + HEAD, 1, input_len - HEAD, stderr);
	fputc('\n', stderr);
	abort();
}

/* Is a cJSON value this text, or this number as far as doubles can tell? */
static bool
is_value(const cJSON *value, const char *text)
{
	if (cJSON_IsString(value))
		return strcmp(value->valuestring, text) == 0;
	return cJSON_IsNumber(value) && value->valuedouble == strtod(text, NULL);
}

static const cJSON *
member(const cJSON *object, const char *name)
{
	return cJSON_GetObjectItemCaseSensitive(object, name);
}

/* The second reader: does this element say that its order was cancelled? */
static bool
element_confirms(const OgProvider *provider, const cJSON *element,
				 const char *key)
{
	if (provider == &og_xt)
		return is_value(member(element, "code"), "120") &&
			is_value(member(element, "id"), key);
	if (provider == &og_tronsave)
		return cJSON_IsTrue(member(element, "is_success")) &&
			is_value(member(element, "order_id"), key);
	return provider == &og_btse && is_value(member(element, "status"), "6");
}

/* Does an element of a list carry the key? */
static bool
list_names(const cJSON *list, const char *name, const char *key)
{
	const cJSON *element;

	cJSON_ArrayForEach(element, list)
	{
		if (is_value(member(element, name), key))
			return true;
	}
	return false;
}

/* Does an answer of failures name all but this key? */
static bool
silence_confirms(const cJSON *answer, const char *key)
{
	const cJSON *data = member(answer, "data");
	const cJSON *failures = member(data, "error_info");
	char		number[16];

	snprintf(number, sizeof(number), "%d", cJSON_GetArraySize(failures));
	return is_value(member(answer, "status"), "0") &&
		is_value(member(data, "status"), "0") &&
		cJSON_IsArray(failures) &&
		is_value(member(data, "error_num"), number) &&
		!list_names(failures, "order_no", key);
}

static void
check_cancelled(const OgProvider *provider, const OgResponse *response,
				const OgOutcome *outcome, const char *key,
				const char *id_name)
{
	cJSON	   *answer = cJSON_ParseWithLength(response->body.data,
											   response->body.len);
	cJSON	   *element = cJSON_ParseWithLength(outcome->response.data,
												outcome->response.len);

	must(response->status >= 200 && response->status <= 299);
	if (provider == &og_wangdian)
		must(outcome->response.data == NULL && silence_confirms(answer, key));
	else
		must(element_confirms(provider, element, key));
	if (provider == &og_btse)
		must(list_names(answer, id_name, key));
	cJSON_Delete(answer);
	cJSON_Delete(element);
}

static void
check_text(const char *text, int max_chars)
{
	size_t		len = text == NULL ? 0 : strlen(text);

	must(text == NULL || og_utf8_clip(text, len, max_chars) == len);
	must(text == NULL ||
		 pg_encoding_verifymbstr(PG_UTF8, text, (int) len) == (int) len);
}

static bool
is_within(OgSlice inner, OgSlice outer)
{
	return inner.data == NULL ||
		(inner.data >= outer.data &&
		 inner.data + inner.len <= outer.data + outer.len);
}

static void
check_outcome(const OgOutcome *outcome, const OgResponse *response)
{
	int			status = response->status;

	must(outcome->verdict <= OG_TOO_FREQUENT);
	must(outcome->verdict != OG_NOT_SENT && outcome->verdict != OG_ACCEPTED);
	check_text(outcome->code, OG_MAX_CODE);
	check_text(outcome->message, OG_MAX_MESSAGE);
	must(is_within(outcome->response, response->body));
	must(is_within(outcome->part, outcome->response));
	if (outcome->response.data != NULL)
		must(outcome->response.data[0] == '{' &&
			 outcome->response.data[outcome->response.len - 1] == '}');
	if (status == 408 || status < 200 || status > 499 ||
		(status >= 300 && status <= 399))
		must(outcome->verdict == OG_UNKNOWN);
	if (status == 429)
		must(outcome->verdict == OG_UNKNOWN ||
			 outcome->verdict == OG_TOO_FREQUENT);
	if (outcome->verdict == OG_UNKNOWN || outcome->verdict == OG_REJECTED)
		must(outcome->message != NULL);
}

/* All orders of one key; true if it may go again. */
static bool
check_key(const OgProvider *provider, const OgOperation *operation,
		  const OgResponse *response, const OgOutcome *first, const char *key,
		  const char *id_name)
{
	int			count = 0;
	int			again = 0;

	for (const OgOutcome *o = first; o != NULL; o = o->next)
	{
		check_outcome(o, response);
		if (o->verdict == OG_CANCELLED)
			check_cancelled(provider, response, o, key, id_name);
		again += o->verdict == OG_TOO_FREQUENT;
		count++;
	}
	must(count == 1 || operation->several);
	must(count <= OG_MAX_PARTS);
	must(again == 0 || again == count);
	return again > 0;
}

int
LLVMFuzzerTestOneInput(const uint8 *data, size_t len)
{
	OgFields	arguments = {0};
	OgSlice		keys[NKEYS];
	OgBatch		batch = {&arguments, keys, 0};
	OgCollected collected;
	OgResponse	response = {.delivery = OG_ANSWERED};
	const OgProvider *provider;
	const OgOperation *operation;
	bool		by_client;
	char	   *body;
	int			again = 0;

	if (len < HEAD)
		return 0;
	input = data;
	input_len = len;
	provider = og_providers[data[0] % lengthof(keys_of)];
	operation = og_provider_operation(provider, "cancel");
	response.status = statuses[data[1] % lengthof(statuses)];
	by_client = data[2] % 2 == 1;
	og_fields_add(&arguments, "by",
				  by_client ? "client_order_id" : "order_id");
	for (; batch.nkeys < NKEYS && batch.nkeys < operation->batch_max;
		 batch.nkeys++)
		keys[batch.nkeys] =
			og_slice_of(keys_of[data[0] % lengthof(keys_of)][batch.nkeys]);

	/* of its own size, so that a step too far is seen */
	body = malloc(Max(len - HEAD, 1));
	memcpy(body, data + HEAD, len - HEAD);
	response.body = og_slice(body, len - HEAD);

	og_collect(&collected, operation, &batch, &response);
	must(collected.foreign >= 0);
	for (int i = 0; i < batch.nkeys; i++)
		again += check_key(provider, operation, &response,
						   &collected.outcomes[i],
						   keys_of[data[0] % lengthof(keys_of)][i],
						   by_client ? "clOrderID" : "orderID");
	must(again == collected.too_frequent);
	free(body);
	return 0;
}

#ifndef WITH_LIBFUZZER

#define RUNS_OF_A_CHILD	20000	/* memory goes back when it ends */
#define MAX_INPUT		4096

static const char *const seeds[] = {
	"{\"code\":200,\"data\":[{\"msg\":\"m\",\"code\":120,\"id\":1},{\"msg\":"
	"\"m\",\"code\":121,\"id\":2},{\"code\":124,\"id\":9007199254740993}],"
	"\"info\":\"done\"}",
	"{\"cancel_results\":[{\"order_id\":\"a\",\"is_success\":true,"
	"\"fail_reason\":null},{\"order_id\":\"b\",\"is_success\":false,"
	"\"fail_reason\":\"x\"},{\"order_id\":\"673c17a3129f1881382e98e3\","
	"\"is_success\":true}]}",
	"[{\"status\":6,\"orderID\":\"a\",\"clOrderID\":\"\",\"message\":\"\"},"
	"{\"status\":6,\"orderID\":\"b\",\"clOrderID\":\"a\",\"message\":\"\"},"
	"{\"status\":303,\"orderID\":\"c\"}]",
	"{\"status\":0,\"data\":{\"error_info\":[{\"order_no\":\"a\","
	"\"message\":\"采购退货单号不存在\"}],\"error_num\":1,\"status\":0}}",
	"{\"code\":308,\"info\":\"bad\",\"data\":[]}",
	"{\"error\":true,\"message\":\"TSAS:107 INVALID_API_KEY\"}",
	"{\"error\":true,\"message\":\"Rate limit reached\"}",
	"{\"status\":100,\"message\":\"\\u91c7\\ud83d\\ude00\"}",
	"{\"status\":400,\"errorCode\":-1,\"message\":\"BADREQUEST\"}"
};

static const char *const tokens[] = {
	"{", "}", "[", "]", ",", ":", "null", "true", "false", "0", "1", "2", "6",
	"16", "120", "121", "124", "303", "200", "100", "307", "\"a\"", "\"b\"",
	"\"\"", "\"\\u0061\"", "1.0", "-0", "1e5", "9007199254740993",
	"9007199254740992", "\"code\":", "\"id\":", "\"data\":", "\"status\":",
	"\"order_id\":", "\"orderID\":", "\"clOrderID\":", "\"error_num\":",
	"\"error_info\":[", "\"is_success\":", "\"fail_reason\":", "\xff",
	"\xf0\x9f\x98\x80", "\\ud800", " ", "\n"
};

static unsigned int
roll(unsigned int sides)
{
	return (unsigned int) random() % sides;
}

/* Replace "cut" bytes at a place by others, if there is room. */
static void
splice(uint8 *text, size_t *len, size_t at, size_t cut, const void *with,
	   size_t with_len)
{
	cut = Min(cut, *len - at);
	if (*len - cut + with_len > MAX_INPUT)
		return;
	memmove(text + at + with_len, text + at + cut, *len - at - cut);
	memcpy(text + at, with, with_len);
	*len += with_len - cut;
}

static void
mutate(uint8 *text, size_t *len)
{
	uint8		piece[64];
	size_t		at = HEAD + roll((unsigned int) (*len - HEAD) + 1);
	const char *token = tokens[roll(lengthof(tokens))];
	size_t		from = roll((unsigned int) *len);
	size_t		piece_len = Min(*len - from, 1 + roll(sizeof(piece)));

	memcpy(piece, text + from, piece_len);
	switch (roll(5))
	{
		case 0:
			if (at < *len)
				text[at] = (uint8) roll(256);
			break;
		case 1:
			splice(text, len, at, 1 + roll(8), "", 0);
			break;
		case 2:
			splice(text, len, at, 0, token, strlen(token));
			break;
		case 3:
			splice(text, len, at, 1 + roll(4), token, strlen(token));
			break;
		default:
			splice(text, len, at, roll(16), piece, piece_len);
	}
}

static void
run_child(unsigned int seed)
{
	srandom(seed);
	for (int i = 0; i < RUNS_OF_A_CHILD; i++)
	{
		unsigned int which = roll(lengthof(seeds));
		uint8		text[MAX_INPUT];
		size_t		len = HEAD + strlen(seeds[which]);

		text[0] = (uint8) (which < lengthof(keys_of) && roll(8) > 0
						   ? which : roll(256));
		text[1] = (uint8) roll(256);
		text[2] = (uint8) roll(256);
		memcpy(text + HEAD, seeds[which], len - HEAD);
		for (unsigned int n = roll(6); n > 0; n--)
			mutate(text, &len);
		(void) LLVMFuzzerTestOneInput(text, len);
	}
}

int
main(int argc, char **argv)
{
	time_t		end = time(NULL) + (argc > 1 ? atoi(argv[1]) : 10);
	unsigned int seed = argc > 2 ? (unsigned int) atoi(argv[2])
		: (unsigned int) time(NULL);
	long		runs = 0;

	do
	{
		pid_t		child = fork();
		int			status;

		if (child == 0)
		{
			run_child(seed);
			_exit(0);
		}
		if (child < 0 || waitpid(child, &status, 0) != child || status != 0)
		{
			fprintf(stderr, "failed with seed %u\n", seed);
			return 1;
		}
		seed++;
		runs += RUNS_OF_A_CHILD;
	} while (time(NULL) < end);
	printf("%ld answers, none misread\n", runs);
	return 0;
}

#endif							/* WITH_LIBFUZZER */
