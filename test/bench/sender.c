/*-------------------------------------------------------------------------
 *
 * sender.c
 *		BTSE's streams for the benchmark over TLS: books that change as fast as
 *		one thread can tell of it.
 *
 *		sender CERTIFICATE CHANGES
 *
 * Listens on a port of 127.0.0.1 and prints its number.  Whoever comes may
 * upgrade, log in, and subscribe: every symbol has a book, whose snapshot has 50
 * levels a side.  A line on stdin, "COUNT RATE", sends so many deltas of CHANGES
 * levels each, of all books in turn, RATE in a second, or, with 0, as fast as
 * they are taken; it is answered with the nanoseconds that this took, as soon as
 * the network has all of it.  The end of stdin ends the sender.
 *
 * What changes in a delta is one of some texts that are made at the beginning, in
 * which no level comes or goes; symbol, sequence and time are true.
 *
 *-------------------------------------------------------------------------
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <openssl/ssl.h>

#include "text.h"

#define MAX_HEARD		(64 * 1024)
#define MAX_EVENTS		64
#define MAX_SYMBOL		32
#define LEVELS			50
#define CANNED			64
/* Above this a connection is to read first. */
#define MAX_WAITING		(1024 * 1024)
#define FIRST_SEQ		628282
#define GUID			"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

enum
{
	TEXT_FRAME = 1, CLOSE_FRAME = 8, PING_FRAME = 9, PONG_FRAME = 10
};

typedef struct Connection
{
	int			fd;
	SSL		   *ssl;
	bool		shaken;			/* hands */
	bool		upgraded;
	bool		broken;
	bool		wants_write;
	char		input[MAX_HEARD + 1];
	size_t		len;
	Text		output;
	size_t		written;		/* of it */
} Connection;

typedef struct Book
{
	Connection *conn;
	char		symbol[MAX_SYMBOL];
	long		seq;
} Book;

/* What a delta, or a snapshot, has between its topic and its sequence. */
static Text canned[CANNED];
static Text snapshot;

static int	epoll_fd;
static SSL_CTX *tls;
static Book *books;
static int	nbooks;
static int	next_book;

/* What is being sent */
static long wanted;
static long sent;
static long rate;
static int64_t begun;

static int64_t
clock_ns(clockid_t which)
{
	struct timespec now;

	clock_gettime(which, &now);
	return (int64_t) now.tv_sec * 1000000000 + now.tv_nsec;
}

/* ---------- what is said ---------- */

static void
append_levels(Text *text, const char *side, int way, int count)
{
	append_string(text, side);
	for (int i = 0; i < count; i++)
	{
		int			level = count == LEVELS ? i : rand() % LEVELS;
		double		price = 36975.5 + way * (0.5 + 0.5 * level);
		char		item[64];

		snprintf(item, sizeof(item), "%s[\"%.1f\",\"%d.%05d\"]",
				 i > 0 ? "," : "", price, rand() % 5, rand() % 99999 + 1);
		append_string(text, item);
	}
	append_string(text, "],");
}

static void
make_texts(int changes)
{
	append_levels(&snapshot, "\"bids\":[", -1, LEVELS);
	append_levels(&snapshot, "\"asks\":[", 1, LEVELS);
	for (int i = 0; i < CANNED; i++)
	{
		append_levels(&canned[i], "\"bids\":[", -1, (changes + 1) / 2);
		append_levels(&canned[i], "\"asks\":[", 1, changes / 2);
	}
}

static void
send_frame(Connection *conn, int opcode, const char *data, size_t len)
{
	unsigned char head[4] = {(unsigned char) (0x80 | opcode)};
	size_t		size = 2;

	if (len > UINT16_MAX)
		fail("too long a frame");
	if (len < 126)
		head[1] = (unsigned char) len;
	else
	{
		head[1] = 126;
		head[2] = (unsigned char) (len >> 8);
		head[3] = (unsigned char) len;
		size = 4;
	}
	append(&conn->output, (char *) head, size);
	append(&conn->output, data, len);
}

static void
send_book(Book *book, const char *topic, const Text *changes, const char *type)
{
	static Text text;
	char		rest[160];
	int64_t		now = clock_ns(CLOCK_REALTIME) / 1000000;

	text.len = 0;
	append_string(&text, "{\"topic\":\"");
	append_string(&text, topic);
	append_string(&text, "\",\"data\":{");
	append(&text, changes->data, changes->len);
	snprintf(rest, sizeof(rest), "\"seqNum\":%ld,\"prevSeqNum\":%ld,"
			 "\"type\":\"%s\",\"timestamp\":%lld,\"symbol\":\"%s\"}}", book->seq,
			 book->seq - 1, type, (long long) now, book->symbol);
	append_string(&text, rest);
	send_frame(book->conn, TEXT_FRAME, text.data, text.len);
}

static void
send_delta(Book *book)
{
	char		topic[MAX_SYMBOL + 8];

	book->seq++;
	snprintf(topic, sizeof(topic), "update:%s", book->symbol);
	send_book(book, topic, &canned[book->seq % CANNED], "delta");
}

/* ---------- what is asked for ---------- */

/* A topic update:SYMBOL_GROUPING makes a book; others are silent. */
static void
subscribe(Connection *conn, const char *topic)
{
	const char *end = strrchr(topic, '_');
	Book	   *book;

	if (strncmp(topic, "update:", 7) != 0 || end == NULL ||
		end - topic - 7 >= MAX_SYMBOL)
		return;
	books = enlarge(books, ((size_t) nbooks + 1) * sizeof(Book));
	book = &books[nbooks++];
	book->conn = conn;
	snprintf(book->symbol, MAX_SYMBOL, "%.*s", (int) (end - topic - 7),
			 topic + 7);
	book->seq = FIRST_SEQ;
	send_book(book, topic, &snapshot, "snapshot");
}

/* The array of args, which is also what is acknowledged. */
static void
take_topics(Connection *conn, char *message)
{
	char	   *args = strchr(message, '[');
	char	   *end = args == NULL ? NULL : strchr(args, ']');
	Text		answer = {0};

	if (end == NULL)
		return;
	append_string(&answer, "{\"event\":\"subscribe\",\"channel\":");
	append(&answer, args, (size_t) (end + 1 - args));
	append_string(&answer, "}");
	send_frame(conn, TEXT_FRAME, answer.data, answer.len);
	free(answer.data);
	*end = '\0';
	for (char *topic = strtok(args, "[\", "); topic != NULL;
		 topic = strtok(NULL, "\", "))
		subscribe(conn, topic);
}

static void
take_message(Connection *conn, char *message)
{
	static const char login[] = "{\"event\":\"login\",\"success\":true}";

	if (strcmp(message, "ping") == 0)
		send_frame(conn, TEXT_FRAME, "pong", 4);
	else if (strstr(message, "\"authKeyExpires\"") != NULL)
		send_frame(conn, TEXT_FRAME, login, sizeof(login) - 1);
	else if (strstr(message, "\"subscribe\"") != NULL)
		take_topics(conn, message);
}

/* The bytes of the frame at the beginning, or 0 while it is not whole. */
static size_t
take_frame(Connection *conn)
{
	unsigned char *bytes = (unsigned char *) conn->input;
	size_t		len = conn->len < 2 ? 0 : bytes[1] & 0x7f;
	size_t		head = len == 126 ? 8 : 6;
	char	   *payload = conn->input + head;
	char		next;

	if (conn->len < head)
		return 0;
	if (len == 127)
		fail("too long a frame");
	if (len == 126)
		len = (size_t) bytes[2] << 8 | bytes[3];
	if (conn->len < head + len)
		return 0;
	for (size_t i = 0; i < len; i++)
		payload[i] = (char) (payload[i] ^ payload[(ssize_t) (i % 4) - 4]);
	next = payload[len];
	payload[len] = '\0';
	if ((bytes[0] & 0x0f) == TEXT_FRAME)
		take_message(conn, payload);
	else if ((bytes[0] & 0x0f) == PING_FRAME)
		send_frame(conn, PONG_FRAME, payload, len);
	else if ((bytes[0] & 0x0f) == CLOSE_FRAME)
		conn->broken = true;
	payload[len] = next;
	return head + len;
}

/* The bytes of the head, or 0 while it is not whole. */
static size_t
upgrade(Connection *conn)
{
	static const char name[] = "Sec-WebSocket-Key: ";
	char	   *end = strstr(conn->input, "\r\n\r\n");
	char	   *key = strcasestr(conn->input, name);
	char		text[128];
	unsigned char hash[SHA_DIGEST_LENGTH];
	unsigned char accept[2 * SHA_DIGEST_LENGTH];

	if (end == NULL)
		return 0;
	if (key == NULL || key > end)
	{
		conn->broken = true;
		return 0;
	}
	key += sizeof(name) - 1;
	snprintf(text, sizeof(text), "%.*s" GUID, (int) strcspn(key, "\r"), key);
	SHA1((unsigned char *) text, strlen(text), hash);
	EVP_EncodeBlock(accept, hash, sizeof(hash));
	append_string(&conn->output, "HTTP/1.1 101 Switching Protocols\r\n"
				  "Upgrade: websocket\r\nConnection: Upgrade\r\n"
				  "Sec-WebSocket-Accept: ");
	append_string(&conn->output, (char *) accept);
	append_string(&conn->output, "\r\n\r\n");
	conn->upgraded = true;
	return (size_t) (end + 4 - conn->input);
}

static void
take_input(Connection *conn)
{
	size_t		used;

	while (conn->len > 0 && !conn->broken)
	{
		used = conn->upgraded ? take_frame(conn) : upgrade(conn);
		if (used == 0)
			break;
		conn->len -= used;
		memmove(conn->input, conn->input + used, conn->len);
		conn->input[conn->len] = '\0';
	}
}

/* ---------- sockets ---------- */

static void
watch(Connection *conn, int operation, uint32_t events)
{
	struct epoll_event event = {.events = events, .data.ptr = conn};

	if (epoll_ctl(epoll_fd, operation, conn->fd, &event) != 0)
		fail("epoll_ctl");
}

static void
note_trouble(Connection *conn, int result)
{
	int			error = SSL_get_error(conn->ssl, result);

	ERR_clear_error();
	if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE)
		conn->broken = true;
}

static void
flush_output(Connection *conn)
{
	bool		wants_write;

	while (!conn->broken && conn->written < conn->output.len)
	{
		int			result = SSL_write(conn->ssl,
									   conn->output.data + conn->written,
									   (int) (conn->output.len - conn->written));

		if (result <= 0)
		{
			note_trouble(conn, result);
			break;
		}
		conn->written += (size_t) result;
	}
	if (conn->written == conn->output.len)
		conn->output.len = conn->written = 0;
	wants_write = conn->output.len > 0;
	if (wants_write != conn->wants_write)
		watch(conn, EPOLL_CTL_MOD, wants_write ? EPOLLIN | EPOLLOUT : EPOLLIN);
	conn->wants_write = wants_write;
}

static void
read_input(Connection *conn)
{
	int			result;

	if (!conn->shaken)
	{
		result = SSL_accept(conn->ssl);
		if (result != 1)
		{
			note_trouble(conn, result);
			return;
		}
		conn->shaken = true;
	}
	do
	{
		result = SSL_read(conn->ssl, conn->input + conn->len,
						  (int) (MAX_HEARD - conn->len));
		if (result <= 0)
		{
			note_trouble(conn, result);
			return;
		}
		conn->len += (size_t) result;
		conn->input[conn->len] = '\0';
		take_input(conn);
	} while (!conn->broken && SSL_pending(conn->ssl) > 0);
}

static void
forget(Connection *conn)
{
	int			kept = 0;

	for (int i = 0; i < nbooks; i++)
	{
		if (books[i].conn != conn)
			books[kept++] = books[i];
	}
	nbooks = kept;
	SSL_free(conn->ssl);
	close(conn->fd);
	free(conn->output.data);
	free(conn);
}

static void
serve(Connection *conn)
{
	read_input(conn);
	if (conn->shaken)
		flush_output(conn);
	if (conn->broken)
		forget(conn);
}

static void
take_connection(int listener)
{
	Connection *conn = calloc(1, sizeof(Connection));
	int			one = 1;

	if (conn == NULL)
		fail("out of memory");
	conn->fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	conn->ssl = SSL_new(tls);
	if (conn->fd < 0 || conn->ssl == NULL)
		fail("could not take a connection");
	setsockopt(conn->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	SSL_set_fd(conn->ssl, conn->fd);
	watch(conn, EPOLL_CTL_ADD, EPOLLIN);
}

/* ---------- sending ---------- */

/* How many are due; without a rate all that are left. */
static long
due(void)
{
	double		passed = (double) (clock_ns(CLOCK_MONOTONIC) - begun) / 1e9;
	long		until = rate == 0 ? wanted : (long) (passed * (double) rate);

	return (until < wanted ? until : wanted) - sent;
}

/* A turn: what is due, as far as connections take it. */
static void
send_due(void)
{
	bool		full = false;

	for (long left = due(); left > 0 && nbooks > 0 && !full; left--)
	{
		Book	   *book = &books[next_book++ % nbooks];

		send_delta(book);
		sent++;
		full = book->conn->output.len - book->conn->written > MAX_WAITING;
	}
	for (int i = 0; i < nbooks; i++)
		flush_output(books[i].conn);
}

static bool
all_written(void)
{
	for (int i = 0; i < nbooks; i++)
	{
		if (books[i].conn->output.len > 0)
			return false;
	}
	return sent == wanted;
}

static void
take_order(void)
{
	char		line[64];
	ssize_t		len = read(STDIN_FILENO, line, sizeof(line) - 1);

	if (len <= 0)
		exit(0);
	line[len] = '\0';
	if (sscanf(line, "%ld %ld", &wanted, &rate) != 2)
		fail("COUNT RATE, please");
	sent = 0;
	begun = clock_ns(CLOCK_MONOTONIC);
}

static void
go_on_sending(void)
{
	if (wanted == 0)
		return;
	send_due();
	if (!all_written())
		return;
	printf("%lld\n", (long long) (clock_ns(CLOCK_MONOTONIC) - begun));
	fflush(stdout);
	wanted = 0;
}

/* Milliseconds until the next turn; what is full tells when it is not. */
static int
pause_ms(void)
{
	return wanted == 0 ? -1 : 1;
}

static int
listen_somewhere(void)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)
	};
	socklen_t	len = sizeof(address);
	int			fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *) &address, len) != 0 ||
		listen(fd, SOMAXCONN) != 0 ||
		getsockname(fd, (struct sockaddr *) &address, &len) != 0)
		fail("could not listen");
	printf("%d\n", ntohs(address.sin_port));
	fflush(stdout);
	return fd;
}

static void
prepare_tls(const char *certificate)
{
	tls = SSL_CTX_new(TLS_server_method());
	if (tls == NULL ||
		SSL_CTX_use_certificate_chain_file(tls, certificate) != 1 ||
		SSL_CTX_use_PrivateKey_file(tls, certificate, SSL_FILETYPE_PEM) != 1)
		fail("could not read the certificate");
	SSL_CTX_set_mode(tls, SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
					 SSL_MODE_ENABLE_PARTIAL_WRITE);
}

int
main(int argc, char **argv)
{
	Connection	listener = {0};
	Connection	control = {.fd = STDIN_FILENO};
	struct epoll_event events[MAX_EVENTS];

	if (argc != 3)
		fail("usage: sender CERTIFICATE CHANGES");
	signal(SIGPIPE, SIG_IGN);
	prepare_tls(argv[1]);
	make_texts(atoi(argv[2]));
	epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (epoll_fd < 0)
		fail("could not begin");
	listener.fd = listen_somewhere();
	watch(&listener, EPOLL_CTL_ADD, EPOLLIN);
	watch(&control, EPOLL_CTL_ADD, EPOLLIN);

	for (;;)
	{
		int			count = epoll_wait(epoll_fd, events, MAX_EVENTS, pause_ms());

		if (count < 0 && errno != EINTR)
			fail("epoll_wait");
		for (int i = 0; i < count; i++)
		{
			Connection *conn = events[i].data.ptr;

			if (conn == &listener)
				take_connection(listener.fd);
			else if (conn == &control)
				take_order();
			else
				serve(conn);
		}
		go_on_sending();
	}
}
