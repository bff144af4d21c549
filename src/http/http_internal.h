/*-------------------------------------------------------------------------
 *
 * http_internal.h
 *		What the files of the http room share.
 *
 *		http.c			groups: opening, starting, waiting, giving up
 *		http_connection.c	who uses which connection, and who waits for one
 *		http_endpoint.c	URLs, and what a process knows of the endpoints that they
 *						lead to
 *		http_kept.c		caches of connections, and those that stay open between
 *						calls
 *		http_dial.c		opening a connection, and the words for why there is none
 *		http_trust.c	whose certificates count, and whether that changed
 *		http_event.c	the process's multi handle, and sleeping on it
 *		http_socket.c	sockets and their count
 *		http_request.c	from a request to libcurl's options
 *		http_incoming.c	callbacks that take an answer in
 *		http_ending.c	what became of a transfer, and the words for it
 *		http_sight.c	what is seen of a connection, where that is asked for
 *		http_websocket*.c	connections over which messages come and go: see
 *						http_websocket_internal.h
 *		http_time.c		the times that an answer tells: Date, Retry-After
 *
 * Everything that lives in a callback of libcurl is malloc'd, and nothing
 * there raises an error or looks for interrupts.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OG_HTTP_INTERNAL_H
#define OG_HTTP_INTERNAL_H

#include <curl/curl.h>

#include "lib/ilist.h"

#include "ground/clock.h"
#include "http/http.h"

/* CURLOPT_QUICK_EXIT: a name lookup can be given up. */
#if defined(LIBCURL_VERSION_NUM) && LIBCURL_VERSION_NUM < 0x075700
#error "order_gateway needs libcurl 7.87 or newer"
#endif

#define OG_USER_AGENT "order_gateway/1.1"

/* Our words for what went wrong, the longest host name (253) included. */
#define OG_PROBLEM_SIZE 768

/* Where requests go, and what a process knows of that. */
typedef struct OgEndpoint
{
	dlist_node	node;			/* in the list of all */
	int			users;			/* transfers to it */
	char	   *origin;			/* "https://host:port", lower case */
	const char *site;			/* the "host:port" in it */
	char	   *sslrootcert;	/* or NULL */
	bool		is_https;

	/* how long it took lately; 0 = unknown */
	int64		connect_us;
	int64		answer_us;

	/* connections that stay open between calls */
	int			nkept;
	dlist_head	idle;			/* those that no transfer uses, the one that was
								 * used last first */
} OgEndpoint;

typedef struct OgKept OgKept;

/*
 * No connection is reused that was idle for longer: a NAT entry may be gone by
 * then.  libcurl counts whole seconds and reuses at up to this many, so 29
 * means under 30.
 */
#define OG_MAX_IDLE_SECONDS 29L

/*
 * All that libcurl only points at while it sends: copies that are wiped before
 * they are freed, since they hold keys and signatures.
 */
typedef struct OgOutgoing
{
	struct curl_slist *lines;	/* an array of header lines, linked */
	int			nlines;
	char	   *target;			/* path and query */
	char	   *body;			/* NULL = none */
	size_t		body_len;
	size_t		head_len;		/* of target and header lines */
} OgOutgoing;

/* An answer as it comes in; all pointers malloc'd. */
typedef struct OgIncoming
{
	/* the head: only that of the final answer, not of a 1xx before it */
	size_t		head_bytes;		/* of all heads and trailers */
	int			status;			/* 0 until the final status line */
	TimestampTz at;				/* when that came */
	bool		head_done;
	bool		chunked;
	int64		content_length; /* -1 = not given */
	char	   *location;
	char	   *retry_after;
	char	   *date;

	/* the body */
	char	   *body;			/* NUL-terminated */
	size_t		len;
	size_t		capacity;		/* without the NUL */
	size_t		limit;

	/* why we did not read on, or NULL */
	const char *refused;
	bool		too_large;		/* it is that: has better words */
} OgIncoming;

/* How far a transfer has come; a group has a list of each. */
typedef enum OgProgress
{
	OG_PREPARED,
	OG_WAITING,					/* in line for a connection */
	OG_RUNNING,					/* it is libcurl's */
	OG_ENDED,					/* og_http_next() will answer it */
	OG_OVER						/* it has, or will not */
} OgProgress;

/*
 * A connection that libcurl opens, or takes from a cache: for a transfer, or for
 * a WebSocket.
 */
typedef struct OgDial
{
	CURL	   *easy;			/* NULL once it is over */
	OgEndpoint *endpoint;
	CURLSH	   *cache;			/* that the connection is in, or NULL */
	uint64		trust;			/* see og_trust_apply(); 0 = not yet, or none */
	int			connect_timeout_ms;
	bool		has_socket;		/* a descriptor is set apart for it */
	OgSight    *sight;			/* the caller's, or NULL */

	/* set in callbacks */
	bool		started;		/* bytes may have left over it */
	bool		start_refused;	/* libcurl wanted to connect, or send, again */
	int			socket_errno;	/* no socket could be made */
	char		error[CURL_ERROR_SIZE]; /* libcurl's words */
} OgDial;

struct OgTransfer
{
	OgHttp	   *http;
	OgProgress	progress;
	dlist_node	node;			/* in that list of its group */
	OgDial		dial;
	OgKept	   *kept;			/* whose cache that is, if it is one */
	OgOutgoing	out;
	OgIncoming	answer;

	/* from the request */
	OgHttpReady ready;
	void	   *owner;
	int			timeout_ms;

	/* set in callbacks */
	int64		slept_before;	/* og_event_slept() when it started */
	bool		stale;			/* an idle connection was at its end by then */
	bool		too_late;		/* .ready did not let it leave */
	int64		started_us;		/* og_clock_now() */
	bool		broken;			/* its socket could not be watched */

	OgResponse	response;
	char	   *location;		/* libcurl's to free */
	char		problem[OG_PROBLEM_SIZE];
};

struct OgHttp
{
	MemoryContext context;
	MemoryContextCallback on_reset;
	dlist_head	transfers[OG_OVER + 1]; /* all that were not released */
	uint64		awaits;			/* news, in the sleep of this number */
	bool		news;			/* it has not looked yet */
	bool		broken;			/* transfers are to be given up */
	int64		lost_us;		/* by the line since the last new connection */
	int64		slept_seen;		/* og_event_slept() when that was counted */
	int			nrunning;
	int			width;			/* so many connections were in use at once */
	CURLSH	   *extra;			/* connections beyond those that are kept; NULL
								 * until one is needed */
};

/*
 * dlist_container(), without the check of types that cppcheck takes for a
 * look through a null pointer.
 */
#define og_transfer_of(link) \
	((OgTransfer *) ((char *) (link) - offsetof(OgTransfer, node)))

static inline void
og_transfer_move(OgTransfer *transfer, OgProgress progress)
{
	dlist_delete(&transfer->node);
	dlist_push_tail(&transfer->http->transfers[progress], &transfer->node);
	transfer->progress = progress;
}

/*
 * What a sleep watches for a WebSocket: first that it is connected, then its
 * socket.
 */
typedef struct OgWatch
{
	dlist_node	node;			/* in the list of all */
	CURL	   *easy;			/* NULL = it is not watched */
	int			fd;				/* -1 = not yet connected */
	bool		connecting;
	CURLcode	result;			/* of connecting, when it no longer does */
	bool		ready;			/* something happened; for its owner to reset */
	int64		due;			/* to be looked at then, whatever happens */
	uint64		awaits;			/* that, in the sleep of this number */
} OgWatch;

/* Set libcurl's option for "easy", unless one before it failed and "ok" is false. */
#define OG_SET(option, value) \
	(ok = ok && curl_easy_setopt(easy, (option), (value)) == CURLE_OK)

/* http.c */
extern void og_http_init(void);

/* http_connection.c */
extern void og_connection_take(OgTransfer *transfer);
extern void og_connection_learn(const OgTransfer *transfer);
extern int64 og_connection_advance(OgHttp *http);

/* http_endpoint.c */
extern bool og_is_visible(const char *text);
extern const char *og_url_path(const char *url);

/*
 * The endpoint that a URL leads to, with a file of authorities or NULL: to be
 * left when its transfer has ended.  NULL if the URL is not valid.
 */
extern OgEndpoint *og_endpoint_enter(const char *url, const char *sslrootcert);
extern void og_endpoint_leave(OgEndpoint *endpoint);

/* http_kept.c */
extern CURLSH *og_cache_open(void);
extern void og_cache_close(CURLSH *cache);
extern OgKept *og_kept_take(const OgTransfer *transfer);
extern void og_kept_leave(OgKept *kept);
extern CURLSH *og_kept_cache(const OgKept *kept);
extern bool og_kept_is_idle(const OgEndpoint *endpoint);
extern bool og_kept_make_room(OgDial *dial);
extern void og_kept_close_old(void);
extern void og_kept_close_all(OgEndpoint *endpoint);

/* http_trust.c */
extern bool og_trust_apply(OgDial *dial);
extern const char *og_trust_problem(const OgEndpoint *endpoint, int *problem);

/* http_dial.c */
extern bool og_dial_prepare(OgDial *dial);
extern bool og_dial_explain(OgDial *dial, CURLcode code, int timeout_ms,
							char *problem);
extern void og_make_printable(char *text);
extern void og_tell(char *problem, const char *format,...) pg_attribute_printf(2, 3);

/* http_event.c */
extern void og_event_init(void (*ended) (OgTransfer *transfer, CURLcode code));
extern void og_event_sleep(int64 until, OgWait what);
extern void og_event_rest(int64 until, OgWait what);
extern void og_event_add(OgTransfer *transfer);
extern void og_event_fail(OgTransfer *transfer);
extern void og_event_remove(OgTransfer *transfer);
extern void og_event_await(OgHttp *http);
extern void og_event_news(OgHttp *http);
extern int64 og_event_slept(void);
extern bool og_watch_connect(OgWatch *watch, CURL *easy);
extern bool og_watch_socket(OgWatch *watch, int fd);
extern void og_watch_end(OgWatch *watch);
extern void og_watch_await(OgWatch *watch);

/* http_socket.c */
extern curl_socket_t og_socket_open(void *dial, curlsocktype purpose,
									struct curl_sockaddr *address);
extern int	og_socket_close(void *unused, curl_socket_t fd);
extern void og_socket_recount(const CURLSH *cache);
extern bool og_socket_reserve(OgDial *dial);
extern void og_socket_unreserve(OgDial *dial);
extern bool og_socket_any_in(const CURLSH *cache, bool idle);
extern void og_socket_watched(int fd, bool watched);
extern void og_socket_discard(int fd);
extern void og_socket_drain(int fd);
extern bool og_socket_idle_has_input(const CURLSH *cache);
extern void og_socket_check_idle(const CURLSH *cache);

/* http_request.c */
extern bool og_request_prepare(OgTransfer *transfer,
							   const OgHttpRequest *request);
extern void og_request_free(OgTransfer *transfer);

/* http_incoming.c */
extern size_t og_incoming_header(char *data, size_t size, size_t count,
								 void *transfer);
extern size_t og_incoming_body(char *data, size_t size, size_t count,
							   void *transfer);
extern bool og_incoming_has_no_body(const OgIncoming *answer);
extern void og_incoming_free_body(OgIncoming *answer);
extern void og_incoming_free(OgIncoming *answer);

/* http_sight.c; all but the first also where nothing is to be seen */
extern bool og_sight_prepare(OgTransfer *transfer);
extern void og_sight_address(OgDial *dial,
							 const struct curl_sockaddr *address);
extern void og_sight_end(OgTransfer *transfer, CURLcode code);

/* http_ending.c */
extern void og_ending(OgTransfer *transfer, CURLcode code,
					  const char *problem);

#endif							/* OG_HTTP_INTERNAL_H */
