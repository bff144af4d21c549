/*-------------------------------------------------------------------------
 *
 * server.c
 *		An order API for the benchmark over TLS, as fast as one thread can
 *		answer; server_answer.c has what it says.
 *
 *		server CERTIFICATE DELAY_MS BODIES
 *
 * Listens on two ports of 127.0.0.1 and prints their numbers on one line: the
 * first answers at once, the second DELAY_MS milliseconds after a request was
 * read.  A line on stdin is answered with the numbers of connections and of
 * requests so far, and with when the last request began to arrive (nanoseconds
 * of CLOCK_MONOTONIC); the end of stdin ends the server.
 *
 * HTTP is understood as far as the benchmark's clients speak it, which is one
 * request at a time on a connection that stays open.
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
#include <openssl/ssl.h>

#include "server_answer.h"

#define MAX_REQUEST		(64 * 1024)
#define MAX_EVENTS		64

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

	Text		answer;			/* empty: none to write */

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
static int64_t last_arrival;

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

/* ---------- connections ---------- */

static void
close_connection(Connection *conn)
{
	SSL_free(conn->ssl);
	close(conn->source.fd);
	free(conn->answer.data);
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
	int			result = SSL_write(conn->ssl, conn->answer.data,
								   (int) conn->answer.len);

	if (result <= 0)
		return may_go_on(conn, result);
	conn->answer.len = 0;
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
	if (!answer_request(conn->request, end + 4, &conn->answer))
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
	if (conn->answer.len > 0)
		return write_answer(conn);

	do
	{
		result = SSL_read(conn->ssl, conn->request + conn->len,
						  (int) (MAX_REQUEST - conn->len));
		if (result <= 0)
			return may_go_on(conn, result);
		if (conn->len == 0)
			last_arrival = now_ns();
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
	printf("%ld %ld %lld\n", nconnections, nrequests, (long long) last_arrival);
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

	if (argc != 4)
		fail("usage: server CERTIFICATE DELAY_MS BODIES");
	signal(SIGPIPE, SIG_IGN);
	prepare_tls(argv[1]);
	read_bodies_from(argv[3]);
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
