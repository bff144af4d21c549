/*-------------------------------------------------------------------------
 *
 * server.c
 *		An order API for the benchmark: XT's batchCancel over TLS, as fast as
 *		one thread can answer.
 *
 *		server CERTIFICATE DELAY_MS
 *
 * Listens on two ports of 127.0.0.1 and prints their numbers on one line: the
 * first answers at once, the second DELAY_MS milliseconds after a request was
 * read.  A line on stdin is answered with the numbers of connections and of
 * requests so far; the end of stdin ends the server.
 *
 * Every order is cancelled and every signature believed: the sandbox and the
 * tests are there to doubt.  HTTP is understood as far as the benchmark's
 * clients speak it, which is POST with a Content-Length, one request at a time
 * on a connection that stays open.
 *
 *-------------------------------------------------------------------------
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>

#define MAX_REQUEST		(64 * 1024)
#define MAX_HEAD		256
#define MAX_ID			20
#define MAX_EVENTS		64

#define BEGIN_ELEMENT	"{\"msg\":\"The order has been canceled successfully\",\"code\":120,\"id\":"
#define BEGIN_ANSWER	"{\"code\":200,\"data\":["
#define END_ANSWER		"],\"info\":\"The order has been canceled successfully\"}"

typedef enum SourceKind
{
	LISTENER,
	CONTROL,
	TIMER,
	CONNECTION
} SourceKind;

/* What epoll tells about. */
typedef struct Source
{
	SourceKind	kind;
	int			fd;
	bool		delayed;		/* a listener, or a connection made there */
} Source;

typedef struct Connection
{
	Source		source;			/* first */
	SSL		   *ssl;
	bool		shaken;			/* hands */
	bool		wants_write;

	char		request[MAX_REQUEST + 1];
	size_t		len;

	char	   *answer;
	size_t		answer_size;
	size_t		answer_len;		/* 0 = none to write */

	int64_t		due;			/* when to write it; 0 = now */
	struct Connection *next_due;	/* delays are equal, so this is a queue */
} Connection;

static int	epoll_fd;
static int	timer_fd;
static SSL_CTX *tls;
static int64_t delay_ns;
static Connection *first_due;
static Connection *last_due;
static long nconnections;
static long nrequests;

static void
fail(const char *what)
{
	fprintf(stderr, "server: %s\n", what);
	exit(1);
}

static int64_t
now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t) now.tv_sec * 1000000000 + now.tv_nsec;
}

static void
watch(Source *source, int operation, uint32_t events)
{
	struct epoll_event event = {.events = events, .data.ptr = source};

	if (epoll_ctl(epoll_fd, operation, source->fd, &event) != 0)
		fail("epoll_ctl");
}

/* ---------- the answer ---------- */

static int
hex_value(char c)
{
	return c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10;
}

/* The value of "data" in a form, unescaped, in place.  NULL if not there. */
static char *
form_data(char *body)
{
	char	   *from = strstr(body, "data=");
	char	   *start;
	char	   *to;

	if (from == NULL)
		return NULL;
	from += strlen("data=");
	start = to = from;
	while (*from != '\0' && *from != '&')
	{
		if (*from == '%' && from[1] != '\0' && from[2] != '\0')
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

static char *
put(char *at, const char *text, size_t len)
{
	memcpy(at, text, len);
	return at + len;
}

#define PUT(at, literal) put((at), (literal), sizeof(literal) - 1)

/* Write the elements for the ids of a JSON array. */
static char *
put_elements(char *at, const char *ids)
{
	bool		first = true;

	while (*(ids += strcspn(ids, "0123456789")) != '\0')
	{
		size_t		len = strspn(ids, "0123456789");

		if (!first)
			*at++ = ',';
		first = false;
		at = PUT(at, BEGIN_ELEMENT);
		at = put(at, ids, len);
		*at++ = '}';
		ids += len;
	}
	return at;
}

/*
 * Write the answer to a request.  The head comes first and tells the length of
 * the body, so the body is written behind a gap for it.
 */
static bool
build_answer(Connection *conn, char *body)
{
	char		json[MAX_REQUEST];
	char		head[MAX_HEAD];
	char	   *data = form_data(body);
	size_t		needed;
	char	   *start;
	char	   *end;
	int			head_len;
	int			json_len;

	if (data == NULL)
		return false;
	json_len = EVP_DecodeBlock((unsigned char *) json,
							   (unsigned char *) data, (int) strlen(data));
	if (json_len < 0)
		return false;
	json[json_len] = '\0';

	/* An id has at least two bytes of the array. */
	needed = MAX_HEAD + sizeof(BEGIN_ANSWER) + sizeof(END_ANSWER) +
		(size_t) (json_len / 2 + 1) * (sizeof(BEGIN_ELEMENT) + 2) +
		(size_t) json_len;
	if (needed > conn->answer_size)
	{
		conn->answer_size = needed;
		free(conn->answer);
		conn->answer = malloc(needed);
		if (conn->answer == NULL)
			fail("out of memory");
	}

	start = conn->answer + MAX_HEAD;
	end = PUT(start, BEGIN_ANSWER);
	end = put_elements(end, json);
	end = PUT(end, END_ANSWER);
	head_len = snprintf(head, sizeof(head),
						"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
						"Content-Length: %zu\r\n\r\n", (size_t) (end - start));
	memmove(conn->answer + head_len, start, (size_t) (end - start));
	memcpy(conn->answer, head, (size_t) head_len);
	conn->answer_len = (size_t) (end - start) + (size_t) head_len;
	return true;
}

/* ---------- connections ---------- */

static void
close_connection(Connection *conn)
{
	SSL_free(conn->ssl);
	close(conn->source.fd);
	free(conn->answer);
	free(conn);
}

/*
 * Should we wait after what TLS said?  Otherwise the connection is at its end.
 */
static bool
may_go_on(Connection *conn, int result)
{
	int			error = SSL_get_error(conn->ssl, result);
	bool		wants_write = error == SSL_ERROR_WANT_WRITE;

	ERR_clear_error();
	if (error != SSL_ERROR_WANT_READ && !wants_write)
		return false;
	if (wants_write != conn->wants_write)
		watch(&conn->source, EPOLL_CTL_MOD,
			  wants_write ? EPOLLIN | EPOLLOUT : EPOLLIN);
	conn->wants_write = wants_write;
	return true;
}

static bool
write_answer(Connection *conn)
{
	int			result = SSL_write(conn->ssl, conn->answer,
								   (int) conn->answer_len);

	if (result <= 0)
		return may_go_on(conn, result);
	conn->answer_len = 0;
	return true;
}

static void
arm_timer(int64_t due)
{
	struct itimerspec at = {
		.it_value = {
			.tv_sec = due / 1000000000,
			.tv_nsec = due % 1000000000
		}
	};

	timerfd_settime(timer_fd, TFD_TIMER_ABSTIME, &at, NULL);
}

static void
delay_answer(Connection *conn)
{
	conn->due = now_ns() + delay_ns;
	conn->next_due = NULL;
	watch(&conn->source, EPOLL_CTL_MOD, 0);
	if (first_due == NULL)
	{
		first_due = conn;
		arm_timer(conn->due);
	}
	else
		last_due->next_due = conn;
	last_due = conn;
}

static void
write_due(void)
{
	uint64_t	expirations;

	if (read(timer_fd, &expirations, sizeof(expirations)) < 0)
		return;
	while (first_due != NULL && first_due->due <= now_ns())
	{
		Connection *conn = first_due;

		/* What is wrong with a connection comes up when it is served. */
		first_due = conn->next_due;
		conn->due = 0;
		watch(&conn->source, EPOLL_CTL_MOD, EPOLLIN);
		if (!write_answer(conn))
			shutdown(conn->source.fd, SHUT_RDWR);
	}
	if (first_due != NULL)
		arm_timer(first_due->due);
}

/* The length of the body that a whole head announces. */
static size_t
content_length(const char *head, const char *end)
{
	static const char name[] = "\r\nContent-Length:";

	for (; head < end; head++)
	{
		if (strncasecmp(head, name, sizeof(name) - 1) == 0)
			return strtoul(head + sizeof(name) - 1, NULL, 10);
	}
	return 0;
}

/* Answer the request if it is whole.  False if it cannot be answered. */
static bool
take_request(Connection *conn)
{
	char	   *end = strstr(conn->request, "\r\n\r\n");
	size_t		total;

	if (end == NULL)
		return conn->len < MAX_REQUEST;
	total = (size_t) (end + 4 - conn->request) +
		content_length(conn->request, end);
	if (conn->len < total)
		return total <= MAX_REQUEST;

	conn->len = 0;
	nrequests++;
	if (!build_answer(conn, end + 4))
		return false;
	if (!conn->source.delayed)
		return write_answer(conn);
	delay_answer(conn);
	return true;
}

/* Act on a connection.  False if it is at its end. */
static bool
serve(Connection *conn)
{
	int			result;

	if (!conn->shaken)
	{
		result = SSL_accept(conn->ssl);
		if (result != 1)
			return may_go_on(conn, result);
		conn->shaken = true;
	}
	if (conn->due != 0)
		return true;
	if (conn->answer_len > 0)
		return write_answer(conn);

	do
	{
		result = SSL_read(conn->ssl, conn->request + conn->len,
						  (int) (MAX_REQUEST - conn->len));
		if (result <= 0)
			return may_go_on(conn, result);
		conn->len += (size_t) result;
		conn->request[conn->len] = '\0';
		if (!take_request(conn))
			return false;
	} while (SSL_pending(conn->ssl) > 0);
	return true;
}

static void
take_connection(const Source *listener)
{
	Connection *conn = calloc(1, sizeof(Connection));
	int			one = 1;

	if (conn == NULL)
		fail("out of memory");
	conn->source.kind = CONNECTION;
	conn->source.delayed = listener->delayed;
	conn->source.fd = accept4(listener->fd, NULL, NULL,
							  SOCK_NONBLOCK | SOCK_CLOEXEC);
	conn->ssl = SSL_new(tls);
	if (conn->source.fd < 0 || conn->ssl == NULL)
		fail("could not take a connection");
	setsockopt(conn->source.fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	SSL_set_fd(conn->ssl, conn->source.fd);
	watch(&conn->source, EPOLL_CTL_ADD, EPOLLIN);
	nconnections++;
}

/* ---------- beginning and end ---------- */

/* A line on stdin asks for the counts; its end is ours. */
static void
answer_control(void)
{
	char		line[64];

	if (read(STDIN_FILENO, line, sizeof(line)) <= 0)
		exit(0);
	printf("%ld %ld\n", nconnections, nrequests);
	fflush(stdout);
}

static int
listen_on(Source *listener, bool delayed)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)
	};
	socklen_t	len = sizeof(address);

	listener->kind = LISTENER;
	listener->delayed = delayed;
	listener->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (listener->fd < 0 ||
		bind(listener->fd, (struct sockaddr *) &address, len) != 0 ||
		listen(listener->fd, SOMAXCONN) != 0 ||
		getsockname(listener->fd, (struct sockaddr *) &address, &len) != 0)
		fail("could not listen");
	watch(listener, EPOLL_CTL_ADD, EPOLLIN);
	return ntohs(address.sin_port);
}

static void
prepare_tls(const char *certificate)
{
	tls = SSL_CTX_new(TLS_server_method());
	if (tls == NULL ||
		SSL_CTX_use_certificate_chain_file(tls, certificate) != 1 ||
		SSL_CTX_use_PrivateKey_file(tls, certificate, SSL_FILETYPE_PEM) != 1)
		fail("could not read the certificate");
	SSL_CTX_set_mode(tls, SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
}

static void
act(Source *source)
{
	switch (source->kind)
	{
		case LISTENER:
			take_connection(source);
			break;
		case CONTROL:
			answer_control();
			break;
		case TIMER:
			write_due();
			break;
		case CONNECTION:
			if (!serve((Connection *) source))
				close_connection((Connection *) source);
			break;
	}
}

int
main(int argc, char **argv)
{
	Source		at_once;
	Source		later;
	Source		control = {.kind = CONTROL, .fd = STDIN_FILENO};
	Source		timer = {.kind = TIMER};
	struct epoll_event events[MAX_EVENTS];
	int			port;

	if (argc != 3)
		fail("usage: server CERTIFICATE DELAY_MS");
	signal(SIGPIPE, SIG_IGN);
	prepare_tls(argv[1]);
	delay_ns = atol(argv[2]) * INT64_C(1000000);

	epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	timer.fd = timer_fd = timerfd_create(CLOCK_MONOTONIC,
										 TFD_NONBLOCK | TFD_CLOEXEC);
	if (epoll_fd < 0 || timer_fd < 0)
		fail("could not begin");
	watch(&control, EPOLL_CTL_ADD, EPOLLIN);
	watch(&timer, EPOLL_CTL_ADD, EPOLLIN);
	port = listen_on(&at_once, false);
	printf("%d %d\n", port, listen_on(&later, true));
	fflush(stdout);

	for (;;)
	{
		int			count = epoll_wait(epoll_fd, events, MAX_EVENTS, -1);

		if (count < 0 && errno != EINTR)
			fail("epoll_wait");
		for (int i = 0; i < count; i++)
			act(events[i].data.ptr);
	}
}
