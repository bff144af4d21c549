/*-------------------------------------------------------------------------
 *
 * limit.c
 *		What a plain C program on libcurl, OpenSSL and cJSON needs for the same
 *		work: batches of ids signed for XT, sent over TLS, answers read into
 *		rows.  It is what order_gateway is measured against.
 *
 *		limit PORT CA one CALLS			calls of one id each, one after another
 *		limit PORT CA first				the first call of a process
 *		limit PORT CA many IDS LANES	batches of 100 over so many connections
 *		limit PORT CA singles IDS LANES	the same, with one id in each
 *
 * Prints the seconds that each call took, one a line ("one"), or that all of
 * it took.  Before "one" and "many" the first connection is opened by a call
 * that is not counted, as in a session that has made calls before; before
 * "singles" all of them are.
 *
 * It does what a programmer in a hurry would do, and no more: a handle for
 * each lane, kept; one list of rows with a copy of each message; whatever goes
 * wrong ends the program.
 *
 *-------------------------------------------------------------------------
 */
#include <stdbool.h>
#include <stdint.h>
#include <cjson/cJSON.h>
#include <curl/curl.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "text.h"

#define FIRST_ID		INT64_C(156293034776986)
#define MAX_LANES		64

typedef struct Row
{
	int64_t		id;
	int			code;
	char	   *message;
} Row;

/* A connection, and the request that is under way on it. */
typedef struct Lane
{
	CURL	   *easy;
	Text		body;
	Text		answer;
	bool		busy;
} Lane;

static const char *port;
static const char *ca;
static struct curl_slist *headers;
static Row *rows;
static size_t nrows;
static size_t rows_size;
static long ids_per_batch = 100;

/* ---------- requests ---------- */

/* Of what is sent, base64 alone has characters that a form must escape. */
static void
append_escaped(Text *text, const char *base64)
{
	for (; *base64 != '\0'; base64++)
	{
		switch (*base64)
		{
			case '+':
				append_string(text, "%2B");
				break;
			case '/':
				append_string(text, "%2F");
				break;
			case '=':
				append_string(text, "%3D");
				break;
			default:
				append(text, base64, 1);
		}
	}
}

/* The parameter "data": base64 of the ids as a JSON array. */
static void
encode_ids(Text *data, int64_t first, long count)
{
	static Text json;
	char		number[32];

	json.len = 0;
	append_string(&json, "[");
	for (long i = 0; i < count; i++)
	{
		int			len = snprintf(number, sizeof(number), "%s%lld",
								   i > 0 ? "," : "", (long long) (first + i));

		append(&json, number, (size_t) len);
	}
	append_string(&json, "]");

	data->len = 0;
	if (data->size < json.len * 2 + 8)
	{
		data->size = json.len * 2 + 8;
		data->data = enlarge(data->data, data->size);
	}
	data->len = (size_t) EVP_EncodeBlock((unsigned char *) data->data,
										 (unsigned char *) json.data,
										 (int) json.len);
}

/* The signed form: parameters in the order of their names. */
static void
build_body(Text *body, int64_t first, long count)
{
	static Text data;
	static Text plain;
	char		nonce[32];
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned int digest_len;
	char		hex[2 * EVP_MAX_MD_SIZE + 1];

	write_nonce(nonce, sizeof(nonce));
	encode_ids(&data, first, count);

	plain.len = 0;
	append_string(&plain, "accesskey=k&data=");
	append(&plain, data.data, data.len);
	append_string(&plain, "&market=btc_usdt&nonce=");
	append_string(&plain, nonce);
	if (HMAC(EVP_sha256(), "s", 1, (unsigned char *) plain.data, plain.len,
			 digest, &digest_len) == NULL)
		fail("could not sign");
	write_hex(hex, digest, digest_len);

	body->len = 0;
	append_string(body, "accesskey=k&data=");
	append_escaped(body, data.data);
	append_string(body, "&market=btc_usdt&nonce=");
	append_string(body, nonce);
	append_string(body, "&signature=");
	append_string(body, hex);
}

/* ---------- answers ---------- */

static void
add_row(const cJSON *element)
{
	const cJSON *id = cJSON_GetObjectItemCaseSensitive(element, "id");
	const cJSON *code = cJSON_GetObjectItemCaseSensitive(element, "code");
	const cJSON *msg = cJSON_GetObjectItemCaseSensitive(element, "msg");

	if (!cJSON_IsNumber(id) || !cJSON_IsNumber(code) || !cJSON_IsString(msg))
		fail("an element of the answer is malformed");
	if (nrows == rows_size)
	{
		rows_size = rows_size > 0 ? rows_size * 2 : 1024;
		rows = enlarge(rows, rows_size * sizeof(Row));
	}
	rows[nrows].id = (int64_t) id->valuedouble;
	rows[nrows].code = code->valueint;
	rows[nrows].message = strdup(msg->valuestring);
	nrows++;
}

static void
read_answer(Lane *lane)
{
	cJSON	   *answer;
	cJSON	   *element;
	long		status = 0;

	curl_easy_getinfo(lane->easy, CURLINFO_RESPONSE_CODE, &status);
	answer = cJSON_ParseWithLength(lane->answer.data, lane->answer.len);
	if (status != 200 || answer == NULL)
		fail("no answer that could be read");
	cJSON_ArrayForEach(element,
					   cJSON_GetObjectItemCaseSensitive(answer, "data"))
	{
		add_row(element);
	}
	cJSON_Delete(answer);
}

/* ---------- calls ---------- */

static void
open_lane(Lane *lane)
{
	char		url[128];

	memset(lane, 0, sizeof(*lane));
	lane->easy = curl_easy_init();
	if (lane->easy == NULL)
		fail("out of memory");
	snprintf(url, sizeof(url), "https://localhost:%s/trade/api/v1/batchCancel",
			 port);
	curl_easy_setopt(lane->easy, CURLOPT_URL, url);
	curl_easy_setopt(lane->easy, CURLOPT_CAINFO, ca);
	curl_easy_setopt(lane->easy, CURLOPT_HTTP_VERSION,
					 (long) CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(lane->easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(lane->easy, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(lane->easy, CURLOPT_WRITEFUNCTION, take_answer);
	curl_easy_setopt(lane->easy, CURLOPT_WRITEDATA, &lane->answer);
	curl_easy_setopt(lane->easy, CURLOPT_PRIVATE, lane);
}

static void
load(Lane *lane, int64_t first, long count)
{
	build_body(&lane->body, first, count);
	lane->answer.len = 0;
	curl_easy_setopt(lane->easy, CURLOPT_POSTFIELDS, lane->body.data);
	curl_easy_setopt(lane->easy, CURLOPT_POSTFIELDSIZE,
					 (long) lane->body.len);
}

static void
call(Lane *lane, int64_t first, long count)
{
	CURLcode	code;

	load(lane, first, count);
	code = curl_easy_perform(lane->easy);
	if (code != CURLE_OK)
		fail(curl_easy_strerror(code));
	read_answer(lane);
}

static long
next_count(long done, long ids)
{
	return ids - done < ids_per_batch ? ids - done : ids_per_batch;
}

static void
one_by_one(Lane *lane, long ids)
{
	for (long done = 0; done < ids; done += ids_per_batch)
		call(lane, FIRST_ID + done, next_count(done, ids));
}

/* Take the answers that have come.  Answers how many lanes are free again. */
static int
take_ended(CURLM *multi)
{
	CURLMsg    *message;
	int			left;
	int			ended = 0;

	while ((message = curl_multi_info_read(multi, &left)) != NULL)
	{
		Lane	   *lane;

		if (message->data.result != CURLE_OK)
			fail(curl_easy_strerror(message->data.result));
		curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &lane);
		curl_multi_remove_handle(multi, lane->easy);
		lane->busy = false;
		read_answer(lane);
		ended++;
	}
	return ended;
}

static void
several_at_once(CURLM *multi, Lane *lanes, int nlanes, long ids)
{
	long		done = 0;
	int			busy = 0;

	while (done < ids || busy > 0)
	{
		int			running;
		int			ended;

		for (int i = 0; i < nlanes && done < ids; i++)
		{
			if (lanes[i].busy)
				continue;
			load(&lanes[i], FIRST_ID + done, next_count(done, ids));
			curl_multi_add_handle(multi, lanes[i].easy);
			lanes[i].busy = true;
			done += ids_per_batch;
			busy++;
		}
		curl_multi_perform(multi, &running);
		ended = take_ended(multi);
		busy -= ended;
		if (ended == 0)
			curl_multi_poll(multi, NULL, 0, 1000, NULL);
	}
}

static double
time_many(Lane *lanes, int nlanes, long ids)
{
	CURLM	   *multi = NULL;
	double		start;

	if (nlanes > 1)
	{
		multi = curl_multi_init();
		several_at_once(multi, lanes, nlanes, ids_per_batch == 1 ? nlanes : 1);
	}
	else
		call(&lanes[0], FIRST_ID, 1);

	nrows = 0;
	start = seconds();
	if (nlanes > 1)
		several_at_once(multi, lanes, nlanes, ids);
	else
		one_by_one(&lanes[0], ids);
	start = seconds() - start;
	if (nrows != (size_t) ids)
		fail("not one row for each id");
	return start;
}

int
main(int argc, char **argv)
{
	double		start = seconds();
	const char *what = argc > 3 ? argv[3] : "";
	long		count = argc > 4 ? atol(argv[4]) : 1;
	int			nlanes = argc > 5 ? atoi(argv[5]) : 1;
	Lane		lanes[MAX_LANES];

	if (argc < 4 || count < 1 || nlanes < 1 || nlanes > MAX_LANES)
		fail("usage: limit PORT CA one CALLS | first | many|singles IDS LANES");
	port = argv[1];
	ca = argv[2];

	curl_global_init(CURL_GLOBAL_ALL);
	headers = curl_slist_append(NULL, "Expect:");
	for (int i = 0; i < nlanes; i++)
		open_lane(&lanes[i]);

	if (strcmp(what, "singles") == 0)
		ids_per_batch = 1;
	if (strcmp(what, "many") == 0 || ids_per_batch == 1)
		printf("%.9f\n", time_many(lanes, nlanes, count));
	else
	{
		call(&lanes[0], FIRST_ID, 1);
		if (strcmp(what, "first") == 0)
			printf("%.9f\n", seconds() - start);
		for (long i = 0; strcmp(what, "one") == 0 && i < count; i++)
		{
			start = seconds();
			call(&lanes[0], FIRST_ID, 1);
			printf("%.9f\n", seconds() - start);
		}
	}
	return 0;
}
