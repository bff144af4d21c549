/*-------------------------------------------------------------------------
 *
 * server_answer.c
 *		What the benchmark's order API answers.
 *
 * XT's batchCancel cancels every order.  BTSE's order is made by POST, and
 * cancelled by DELETE as well as, for GET, long ago.  Any other GET is a read:
 * its answer lies in a file that is named after the path, with "_" for "/",
 * and the page, 1 if none is asked for.
 *
 * Every signature is believed: the sandbox and the tests are there to doubt.
 *
 *-------------------------------------------------------------------------
 */
#include <limits.h>

#include <openssl/evp.h>

#include "server_answer.h"

#define MAX_JSON		(64 * 1024)
#define MAX_BODIES		64
#define MAX_NAME		256

#define BEGIN_ELEMENT	"{\"msg\":\"The order has been canceled successfully\",\"code\":120,\"id\":"
#define BEGIN_ANSWER	"{\"code\":200,\"data\":["
#define END_ANSWER		"],\"info\":\"The order has been canceled successfully\"}"

/* An order of BTSE's, its two statuses aside. */
#define BEGIN_ORDER		"\"symbol\":\"BTC-USD\",\"orderType\":76,\"price\":7000.5," \
	"\"side\":\"BUY\",\"size\":0.002,\"timestamp\":1576812000000," \
	"\"triggerPrice\":0.0,\"stopPrice\":null,\"trigger\":false," \
	"\"message\":\"\",\"averageFillPrice\":0.0,\"fillSize\":0.0," \
	"\"stealth\":1.0,\"deviation\":1.0,\"orderID\":\""
#define ORDER_PATH		"/spot/api/v3.3/order"

/* The answer to a read, kept from the first time that it is asked for. */
typedef struct Body
{
	char		name[MAX_NAME];
	Text		text;
} Body;

static const char *directory;
static Body bodies[MAX_BODIES];
static int	nbodies;

void
read_bodies_from(const char *where)
{
	directory = where;
}

/* The value of a parameter, up to where it ends in a form, a line or JSON. */
static char *
find_value(char *text, const char *name, size_t *len)
{
	char	   *from = strstr(text, name);

	if (from == NULL)
		return NULL;
	from += strlen(name);
	*len = strcspn(from, "&\" \r\n");
	return from;
}

/* Put a head before a body that was written from "start" on. */
static void
put_head(Text *answer, const char *status)
{
	Text		body = *answer;
	char		head[MAX_NAME];

	memset(answer, 0, sizeof(*answer));
	snprintf(head, sizeof(head),
			 "HTTP/1.1 %s\r\nContent-Type: application/json\r\n"
			 "Content-Length: %zu\r\n\r\n", status, body.len);
	append_string(answer, head);
	append(answer, body.data, body.len);
	free(body.data);
}

/* ---------- batchCancel ---------- */

static int
hex_value(char c)
{
	return c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10;
}

/* The value of "data" in a form, unescaped, in place.  NULL if not there. */
static char *
form_data(char *body)
{
	size_t		len;
	char	   *from = find_value(body, "data=", &len);
	char	   *start = from;
	char	   *to = from;
	const char *end = from + len;

	if (from == NULL)
		return NULL;
	while (from < end)
	{
		if (*from == '%' && from + 2 < end)
		{
			*to++ = (char) (hex_value(from[1]) << 4 | hex_value(from[2]));
			from += 3;
		}
		else
			*to++ = *from++;
	}
	*to = '\0';
	return start;
}

/* An element for each id of a JSON array. */
static bool
cancel_batch(char *body, Text *answer)
{
	char		json[MAX_JSON];
	const char *ids = json;
	const char *separator = "";
	char	   *data = form_data(body);
	int			len = data == NULL ? -1 :
		EVP_DecodeBlock((unsigned char *) json, (unsigned char *) data,
						(int) strlen(data));

	if (len < 0)
		return false;
	json[len] = '\0';
	append_string(answer, BEGIN_ANSWER);
	while (*(ids += strcspn(ids, "0123456789")) != '\0')
	{
		size_t		digits = strspn(ids, "0123456789");

		append_string(answer, separator);
		separator = ",";
		append_string(answer, BEGIN_ELEMENT);
		append(answer, ids, digits);
		append_string(answer, "}");
		ids += digits;
	}
	append_string(answer, END_ANSWER);
	return true;
}

/* ---------- orders one by one ---------- */

static bool
tell_order(char *text, const char *name, const char *before,
		   const char *after, Text *answer)
{
	size_t		len;
	const char *id = find_value(text, name, &len);

	if (id == NULL)
		return false;
	append_string(answer, before);
	append_string(answer, BEGIN_ORDER);
	append(answer, id, len);
	append_string(answer, "\",\"clOrderID\":\"");
	append(answer, id, len);
	append_string(answer, after);
	return true;
}

/* ---------- reads ---------- */

static const Text *
find_body(const char *name)
{
	char		path[PATH_MAX];
	char		piece[BUFSIZ];
	Body	   *body = &bodies[nbodies];
	size_t		len;
	FILE	   *file;

	for (int i = 0; i < nbodies; i++)
	{
		if (strcmp(bodies[i].name, name) == 0)
			return &bodies[i].text;
	}
	snprintf(path, sizeof(path), "%s/%s", directory, name);
	file = fopen(path, "r");
	if (file == NULL || nbodies == MAX_BODIES)
		return NULL;
	snprintf(body->name, sizeof(body->name), "%s", name);
	while ((len = fread(piece, 1, sizeof(piece), file)) > 0)
		append(&body->text, piece, len);
	fclose(file);
	nbodies++;
	return &body->text;
}

static bool
read_body(char *path, Text *answer)
{
	size_t		path_len = strcspn(path, "? ");
	size_t		page_len = 1;
	const char *page = find_value(path, "page=", &page_len);
	char		name[MAX_NAME];
	const Text *body;

	snprintf(name, sizeof(name), "%.*s.%.*s", (int) path_len, path,
			 (int) page_len, page == NULL ? "1" : page);
	for (char *at = name; *at != '\0'; at++)
	{
		if (*at == '/')
			*at = '_';
	}
	body = find_body(name);
	if (body != NULL)
		append(answer, body->data, body->len);
	return body != NULL;
}

/* ---------- all ---------- */

static bool
is_order(const char *path)
{
	size_t		len = strlen(ORDER_PATH);

	return strncmp(path, ORDER_PATH, len) == 0 &&
		(path[len] == '?' || path[len] == ' ');
}

bool
answer_request(char *request, char *body, Text *answer)
{
	char	   *path = strchr(request, ' ');
	bool		known;

	if (path == NULL)
		return false;
	path++;
	answer->len = 0;
	if (!is_order(path))
		known = *request == 'P' ? cancel_batch(body, answer)
			: read_body(path, answer);
	else if (*request == 'P')
		known = tell_order(body, "\"clOrderID\":\"", "[{\"status\":2,",
						   "\"}]", answer);
	else if (*request == 'D')
		known = tell_order(path, "orderID=", "[{\"status\":6,", "\"}]",
						   answer);
	else
		known = tell_order(path, "orderID=", "{\"status\":6,", "\"}", answer);
	put_head(answer, known ? "200 OK" : "404 Not Found");
	return true;
}
