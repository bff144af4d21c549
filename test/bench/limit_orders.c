/*-------------------------------------------------------------------------
 *
 * limit_orders.c
 *		What a plain C program on libcurl, OpenSSL and cJSON needs for reads,
 *		and for orders of BTSE's one by one: beside limit.c, what order_gateway
 *		is measured against.
 *
 *		limit-orders PORT CA read PATH PAGES		answers, all their members
 *		limit-orders PORT CA create|settle ORDERS	a request for each
 *
 * Prints the seconds that all of it took, behind a first request that opens the
 * connection.  Reads keep each member of each record, numbers as doubles.
 *
 *-------------------------------------------------------------------------
 */
#include <stdbool.h>

#include <cjson/cJSON.h>
#include <curl/curl.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "text.h"

#define ORDER_PATH	"/spot/api/v3.3/order"

/* A member of a record. */
typedef struct Value
{
	double		number;
	char	   *text;			/* NULL: it is the number */
} Value;

static const char *port;
static CURL *easy;
static Text answer;
static Value *values;
static size_t nvalues;
static size_t values_size;
static long nrecords;

/* ---------- records ---------- */

static void
keep_member(const cJSON *member)
{
	Value	   *value;

	if (nvalues == values_size)
	{
		values_size = values_size > 0 ? values_size * 2 : 1024;
		values = enlarge(values, values_size * sizeof(Value));
	}
	value = &values[nvalues++];
	value->number = member->valuedouble;
	value->text = cJSON_IsString(member) ? strdup(member->valuestring) : NULL;
}

static void
keep_records(const cJSON *list)
{
	const cJSON *record;
	const cJSON *member;

	cJSON_ArrayForEach(record, list)
	{
		nrecords++;
		cJSON_ArrayForEach(member, record)
		{
			keep_member(member);
		}
	}
}

/* The list is the answer, or stands in it. */
static void
read_records(void)
{
	cJSON	   *json = cJSON_ParseWithLength(answer.data, answer.len);
	const cJSON *data = cJSON_GetObjectItemCaseSensitive(json, "data");

	if (json == NULL)
		fail("an answer is not JSON");
	keep_records(data != NULL ? data : json);
	cJSON_Delete(json);
}

/* ---------- requests ---------- */

static void
perform(const char *method, const char *path, const char *body)
{
	char		url[512];
	long		status = 0;
	CURLcode	code;

	snprintf(url, sizeof(url), "https://localhost:%s%s", port, path);
	answer.len = 0;
	curl_easy_setopt(easy, CURLOPT_URL, url);
	curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, method);
	curl_easy_setopt(easy, CURLOPT_POSTFIELDS, body);
	if (body == NULL)
		curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L);
	code = curl_easy_perform(easy);
	if (code != CURLE_OK)
		fail(curl_easy_strerror(code));
	curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
	if (status != 200)
		fail("a request was refused");
}

/* The headers that sign a request. */
static struct curl_slist *
sign(const char *body)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned int len;
	char		nonce[32];
	char		text[1024];
	char		header[2 * EVP_MAX_MD_SIZE + 32];
	struct curl_slist *headers;

	write_nonce(nonce, sizeof(nonce));
	snprintf(text, sizeof(text), "/api/v3.3/order%s%s", nonce, body);
	if (HMAC(EVP_sha384(), "s", 1, (unsigned char *) text, strlen(text),
			 digest, &len) == NULL)
		fail("could not sign");
	snprintf(header, sizeof(header), "request-nonce: %s", nonce);
	headers = curl_slist_append(NULL, header);
	strcpy(header, "request-sign: ");
	write_hex(header + strlen(header), digest, len);
	headers = curl_slist_append(headers, header);
	headers = curl_slist_append(headers, "request-api: k");
	headers = curl_slist_append(headers, "Content-Type: application/json");
	return curl_slist_append(headers, "Expect:");
}

/* Does the answer speak of the order? */
static bool
is_about(const char *id)
{
	cJSON	   *json = cJSON_ParseWithLength(answer.data, answer.len);
	const cJSON *order = cJSON_IsArray(json) ? json->child : json;
	const cJSON *known = cJSON_GetObjectItemCaseSensitive(order, "clOrderID");
	bool		same = cJSON_IsString(known) &&
		strcmp(known->valuestring, id) == 0;

	cJSON_Delete(json);
	return same;
}

static void
ask_about(bool create, long number)
{
	char		id[32];
	char		path[128];
	char		body[256];
	struct curl_slist *headers;

	snprintf(id, sizeof(id), "order-%ld", number);
	snprintf(path, sizeof(path), ORDER_PATH "?orderID=%s", id);
	snprintf(body, sizeof(body),
			 "{\"symbol\":\"BTC-USD\",\"side\":\"BUY\",\"type\":\"LIMIT\","
			 "\"size\":0.002,\"price\":7000.5,\"clOrderID\":\"%s\"}", id);
	headers = sign(create ? body : "");
	curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
	if (create)
		perform("POST", ORDER_PATH, body);
	else
		perform("GET", path, NULL);
	curl_easy_setopt(easy, CURLOPT_HTTPHEADER, NULL);
	curl_slist_free_all(headers);
	if (!is_about(id))
		fail("an answer is about another order");
}

static void
read_pages(const char *path, long pages)
{
	char		url[256];

	for (long page = 1; page <= pages; page++)
	{
		snprintf(url, sizeof(url), "%s?page=%ld", path, page);
		perform("GET", url, NULL);
		read_records();
	}
}

int
main(int argc, char **argv)
{
	const char *what = argc > 3 ? argv[3] : "";
	long		count = argc > 4 ? atol(argv[argc - 1]) : 0;
	double		start;

	if (count < 1)
		fail("usage: limit-orders PORT CA read PATH PAGES | create|settle ORDERS");
	port = argv[1];
	curl_global_init(CURL_GLOBAL_ALL);
	easy = curl_easy_init();
	curl_easy_setopt(easy, CURLOPT_CAINFO, argv[2]);
	curl_easy_setopt(easy, CURLOPT_HTTP_VERSION,
					 (long) CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_answer);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, &answer);
	ask_about(false, 0);

	start = seconds();
	if (strcmp(what, "read") == 0)
		read_pages(argv[4], count);
	else
	{
		for (long i = 1; i <= count; i++)
			ask_about(strcmp(what, "create") == 0, i);
	}
	printf("%.9f %ld\n", seconds() - start, nrecords);
	return 0;
}
