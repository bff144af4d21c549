/*-------------------------------------------------------------------------
 *
 * limit_stream.c
 *		What it costs at least to follow books: libcurl, wslay and cJSON in plain C.
 *
 *		limit-stream URL CA BOOKS
 *
 * Subscribes to so many books, B000-USD and so on, prints a line when all
 * snapshots are there, and takes deltas until stdin ends; then it prints how many
 * there were, and the nanoseconds of CPU that they took.  Of each delta it checks
 * the sequence and keeps the sizes, as doubles; nothing is written anywhere.
 *
 *-------------------------------------------------------------------------
 */
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <unistd.h>

#include <cjson/cJSON.h>
#include <curl/curl.h>
#include <wslay/wslay.h>

#include "text.h"

#define TOPICS			100		/* of a connection */
#define MAX_BOOKS		1000
#define LEVELS			200		/* prices that are kept of a book */
#define WAIT_MS			1000

typedef struct Connection
{
	CURL	   *curl;
	curl_socket_t fd;
	wslay_event_context_ptr frames;
} Connection;

typedef struct Book
{
	double		seq;
	int			nlevels;
	double		price[LEVELS];
	double		size[LEVELS];
} Book;

static Connection connections[MAX_BOOKS / TOPICS + 1];
static int	nconnections;
static Book books[MAX_BOOKS];
static int	nsnapshots;
static long ndeltas;

static int64_t
cpu_ns(void)
{
	struct timespec used;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
	return (int64_t) used.tv_sec * 1000000000 + used.tv_nsec;
}

/* ---------- what is told ---------- */

static void
take_levels(Book *book, const cJSON *levels)
{
	const cJSON *level;

	cJSON_ArrayForEach(level, levels)
	{
		double		price = atof(level->child->valuestring);
		double		size = atof(level->child->next->valuestring);
		int			at = 0;

		while (at < book->nlevels && book->price[at] != price)
			at++;
		if (at == LEVELS)
			fail("too many levels");
		if (at == book->nlevels)
			book->price[book->nlevels++] = price;
		book->size[at] = size;
	}
}

static double
number(const cJSON *data, const char *name)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(data, name);

	if (!cJSON_IsNumber(item))
		fail("a number is missing");
	return item->valuedouble;
}

static void
take_message(const char *text, size_t len)
{
	cJSON	   *message = cJSON_ParseWithLength(text, len);
	const cJSON *data = cJSON_GetObjectItemCaseSensitive(message, "data");
	const cJSON *symbol = cJSON_GetObjectItemCaseSensitive(data, "symbol");
	const cJSON *type = cJSON_GetObjectItemCaseSensitive(data, "type");

	if (cJSON_IsString(symbol) && cJSON_IsString(type))
	{
		Book	   *book = &books[atoi(symbol->valuestring + 1)];

		if (strcmp(type->valuestring, "snapshot") == 0)
			nsnapshots++;
		else if (number(data, "prevSeqNum") != book->seq)
			fail("a gap");
		else
			ndeltas++;
		book->seq = number(data, "seqNum");
		take_levels(book, cJSON_GetObjectItemCaseSensitive(data, "bids"));
		take_levels(book, cJSON_GetObjectItemCaseSensitive(data, "asks"));
	}
	cJSON_Delete(message);
}

/* ---------- frames ---------- */

static ssize_t
receive(wslay_event_context_ptr frames, uint8_t *data, size_t len, int flags,
		void *connection)
{
	Connection *conn = connection;
	size_t		got;
	CURLcode	result = curl_easy_recv(conn->curl, data, len, &got);

	(void) flags;
	if (result == CURLE_OK && got > 0)
		return (ssize_t) got;
	wslay_event_set_error(frames, result == CURLE_AGAIN ?
						  WSLAY_ERR_WOULDBLOCK : WSLAY_ERR_CALLBACK_FAILURE);
	return -1;
}

static ssize_t
transmit(wslay_event_context_ptr frames, const uint8_t *data, size_t len,
		 int flags, void *connection)
{
	Connection *conn = connection;
	size_t		gone;

	(void) flags;
	if (curl_easy_send(conn->curl, data, len, &gone) == CURLE_OK)
		return (ssize_t) gone;
	wslay_event_set_error(frames, WSLAY_ERR_CALLBACK_FAILURE);
	return -1;
}

static int
make_mask(wslay_event_context_ptr frames, uint8_t *mask, size_t len,
		  void *connection)
{
	(void) frames;
	(void) connection;
	memset(mask, 0x5a, len);
	return 0;
}

static void
take_frame(wslay_event_context_ptr frames,
		   const struct wslay_event_on_msg_recv_arg *message, void *connection)
{
	(void) frames;
	(void) connection;
	if (message->opcode == WSLAY_TEXT_FRAME)
		take_message((const char *) message->msg, message->msg_length);
}

/* ---------- connections ---------- */

/* The upgrade; its answer ends where frames begin, before which nothing is. */
static void
upgrade(Connection *conn)
{
	static const char request[] = "GET /ws/oss/spot HTTP/1.1\r\n"
		"Host: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
		"Sec-WebSocket-Version: 13\r\n"
		"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
	char		head[4096];
	size_t		len = 0;
	size_t		got;
	struct pollfd ready = {.fd = conn->fd, .events = POLLIN};

	if (curl_easy_send(conn->curl, request, sizeof(request) - 1, &got) !=
		CURLE_OK)
		fail("could not upgrade");
	while (len < 4 || memcmp(head + len - 4, "\r\n\r\n", 4) != 0)
	{
		CURLcode	result = curl_easy_recv(conn->curl, head + len, 1, &got);

		if (result == CURLE_AGAIN)
			poll(&ready, 1, WAIT_MS);
		else if (result != CURLE_OK || got == 0 || ++len == sizeof(head))
			fail("no upgrade");
	}
}

static void
subscribe(Connection *conn, int first, int count)
{
	Text		text = {0};
	struct wslay_event_msg message = {.opcode = WSLAY_TEXT_FRAME};

	append_string(&text, "{\"op\":\"subscribe\",\"args\":[");
	for (int i = first; i < first + count; i++)
	{
		char		topic[40];

		snprintf(topic, sizeof(topic), "%s\"update:B%03d-USD_0\"",
				 i > first ? "," : "", i);
		append_string(&text, topic);
	}
	append_string(&text, "]}");
	message.msg = (const uint8_t *) text.data;
	message.msg_length = text.len;
	if (wslay_event_queue_msg(conn->frames, &message) != 0 ||
		wslay_event_send(conn->frames) != 0)
		fail("could not subscribe");
	free(text.data);
}

static void
open_connection(const char *url, const char *ca)
{
	static const struct wslay_event_callbacks callbacks = {
		.recv_callback = receive,
		.send_callback = transmit,
		.genmask_callback = make_mask,
		.on_msg_recv_callback = take_frame
	};
	Connection *conn = &connections[nconnections++];

	conn->curl = curl_easy_init();
	curl_easy_setopt(conn->curl, CURLOPT_URL, url);
	curl_easy_setopt(conn->curl, CURLOPT_CAINFO, ca);
	curl_easy_setopt(conn->curl, CURLOPT_CONNECT_ONLY, 1L);
	curl_easy_setopt(conn->curl, CURLOPT_HTTP_VERSION,
					 (long) CURL_HTTP_VERSION_1_1);
	if (curl_easy_perform(conn->curl) != CURLE_OK ||
		curl_easy_getinfo(conn->curl, CURLINFO_ACTIVESOCKET, &conn->fd) !=
		CURLE_OK)
		fail("could not connect");
	upgrade(conn);
	if (wslay_event_context_client_init(&conn->frames, &callbacks, conn) != 0)
		fail("out of memory");
}

static void
take_what_is_there(void)
{
	struct pollfd ready[MAX_BOOKS / TOPICS + 2];

	for (int i = 0; i < nconnections; i++)
		ready[i] = (struct pollfd) {.fd = connections[i].fd, .events = POLLIN};
	ready[nconnections] = (struct pollfd) {.fd = STDIN_FILENO, .events = POLLIN};
	poll(ready, (nfds_t) nconnections + 1, WAIT_MS);
	for (int i = 0; i < nconnections; i++)
	{
		if (ready[i].revents != 0 && wslay_event_recv(connections[i].frames) != 0)
			fail("a connection ended");
	}
}

static bool
stdin_ended(void)
{
	struct pollfd ready = {.fd = STDIN_FILENO, .events = POLLIN};
	char		byte;

	return poll(&ready, 1, 0) > 0 && read(STDIN_FILENO, &byte, 1) == 0;
}

int
main(int argc, char **argv)
{
	int			nbooks = argc == 4 ? atoi(argv[3]) : 0;
	int64_t		start;

	if (nbooks < 1 || nbooks > MAX_BOOKS)
		fail("usage: limit-stream URL CA BOOKS");
	curl_global_init(CURL_GLOBAL_DEFAULT);
	for (int first = 0; first < nbooks; first += TOPICS)
	{
		open_connection(argv[1], argv[2]);
		subscribe(&connections[nconnections - 1], first,
				  nbooks - first < TOPICS ? nbooks - first : TOPICS);
	}
	while (nsnapshots < nbooks)
		take_what_is_there();
	printf("ready\n");
	fflush(stdout);

	start = cpu_ns();
	while (!stdin_ended())
		take_what_is_there();
	printf("%ld %lld\n", ndeltas, (long long) (cpu_ns() - start));
	return 0;
}
