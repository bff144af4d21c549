/*-------------------------------------------------------------------------
 *
 * http.h
 *		Requests over HTTPS: libcurl, TLS, deadlines and interrupts.
 *
 * A caller opens a group, starts transfers in it, and asks which has ended.
 * There may be any number of groups, and one sleep for all of them: it is on
 * the process latch, so it ends at once on query cancel, timeout, shutdown or
 * postmaster death.  A group hangs on a memory context, and deleting or
 * resetting that context (which happens also on FATAL) aborts its transfers.  A
 * transfer is never sent a second time, whatever becomes of its connection.
 *
 * Knows no provider and no JSON.  Only og_http_open() and og_http_sleep() may
 * raise errors: the first before anything was sent, the second what the
 * server itself raises at an interrupt.  (Where the server has no memory left,
 * og_http_start() says so as any palloc() does.)
 *
 *-------------------------------------------------------------------------
 */
#ifndef OG_HTTP_H
#define OG_HTTP_H

#include "datatype/timestamp.h"

#include "ground/crypto.h"
#include "ground/message.h"

/* How far a request came, as far as this machine can know. */
typedef enum OgDelivery
{
	OG_NOT_DELIVERED,			/* provably no byte of it left */
	OG_NO_ANSWER,				/* bytes left; no whole answer came back */
	OG_ANSWERED					/* a whole answer of at most the size cap; over
								 * plain http one that ends where the
								 * connection does counts as whole, and its
								 * reader has to see whether it is */
} OgDelivery;

/* The last thing that a transfer came to. */
typedef enum OgStage
{
	OG_STAGE_LOOKUP,			/* no address yet */
	OG_STAGE_CONNECT,			/* no TCP connection */
	OG_STAGE_TLS,				/* no agreement on how to encrypt */
	OG_STAGE_CERTIFICATE,		/* a certificate that is no good, or none to
								 * check it against */
	OG_STAGE_REQUEST,			/* no answer */
	OG_STAGE_ANSWER
} OgStage;

/* Room for any address. */
#define OG_ADDRESS_SIZE	64

/*
 * What is seen of a transfer's connection.  Times are microseconds from the
 * transfer's start, 0 where that moment never came.
 */
typedef struct OgSight
{
	OgStage		stage;
	char		address[OG_ADDRESS_SIZE];	/* the last one that was tried */
	int			tried;			/* how many were */
	bool		handshake_begun;	/* the TCP connection is there */
	int64		looked_up_us;
	int64		connected_us;
	int64		encrypted_us;
	int64		sent_us;
	int64		answered_us;	/* first byte of the answer */
	OgHandshake handshake;
} OgSight;

/*
 * Called when the connection is ready, just before the first byte of the
 * request leaves, which may be before og_http_start() returns; not called
 * at all if that never happens.  Where it answers false, the request does
 * not leave.  Runs inside libcurl: no errors, no palloc, no interrupts.
 */
typedef bool (*OgHttpReady) (void *owner, TimestampTz at);

typedef struct OgHttpRequest
{
	const char *method;
	const char *url;
	const OgFields *headers;
	OgSlice		body;			/* copied; no data = no body */
	const char *sslrootcert;	/* CA file, or NULL for the system's */
	int			connect_timeout_ms; /* name lookup to end of TLS handshake */
	int			timeout_ms;		/* of all of the request, from when it goes to
								 * its connection */
	size_t		max_response_size;	/* of the decoded body */
	OgHttpReady ready;
	void	   *owner;

	/*
	 * Zeroed, to be filled by the time that the transfer ends, or NULL.  It
	 * has to live as long as the transfer, which then gets a connection that
	 * is made for it and closed after it.
	 */
	OgSight    *sight;
} OgHttpRequest;

typedef struct OgResponse
{
	OgDelivery	delivery;
	bool		may_retry;		/* not delivered, and it may work later: not a
								 * certificate that failed to verify */
	bool		held_back;		/* not delivered, since .ready said no */
	int			status;			/* 0 until a status line came */
	OgSlice		body;			/* of an answered one, else no data; belongs
								 * to the transfer */
	bool		delimited;		/* its head told where the body ends; else it
								 * ended where the connection did */
	const char *location;		/* scheme, host and path of a redirect, or
								 * NULL */
	int64		retry_after_ms; /* og_http_retry_after(), -1 also without one */
	const char *date;			/* the provider's clock, as its answer writes
								 * it, or NULL; belongs to the transfer */
	TimestampTz sent_at;		/* 0 if not delivered */
	TimestampTz answered_at;	/* 0 if no status line came */
	int64		took_us;		/* from leaving to the end, however it ended;
								 * 0 if not delivered */
	int64		bytes_sent;		/* of head and body ... */
	int64		bytes_received; /* ... without what TLS adds */
	int			connects;		/* connections opened for it */
	const char *problem;		/* why it did not end in OG_ANSWERED: words
								 * for a user, without any secret; or NULL */
} OgResponse;

/*
 * How far our clock is ahead of another, as far as an answer can tell: by
 * .ahead_ms (negative is behind), and .error_ms more or less.
 */
typedef struct OgClock
{
	int64		ahead_ms;
	int64		error_ms;
} OgClock;

typedef struct OgHttp OgHttp;	/* a group of transfers of one call */
typedef struct OgTransfer OgTransfer;

/*
 * Open a group, bound to the life of "context".  Initialises libcurl in this
 * process if needed.  Errors: 58000 when libcurl cannot do what we need.
 */
extern OgHttp *og_http_open(MemoryContext context);

/*
 * How many connections this process keeps open to each endpoint between its
 * calls: one, unless it says otherwise.  One that has been idle for half a
 * minute is closed by the next sleep, and never used again.
 */
extern void og_http_keep(int per_endpoint);

/* How many it keeps now, to all endpoints; those in use are counted, too. */
extern int	og_http_kept_count(void);

/*
 * Start one transfer.  Never fails: what cannot even be started ends at once
 * as not delivered.  Where answers come quicker than a new connection, it waits
 * for those before it (see http_connection.c), and leaves when the first of
 * them is answered.
 */
extern OgTransfer *og_http_start(OgHttp *http, const OgHttpRequest *request);

/* What a wait is for, as it shows in pg_stat_activity. */
typedef enum OgWait
{
	OG_WAIT_NONE,				/* nothing that can be told */
	OG_WAIT_TURN,				/* the pace, or another call */
	OG_WAIT_CONNECT,			/* a connection */
	OG_WAIT_ANSWER,
	OG_WAIT_BACKOFF,			/* before a retry */
	OG_WAIT_JOURNAL,			/* to be written down before it may leave */
	OG_WAIT_STREAM				/* messages: see http_websocket.h */
} OgWait;

/*
 * A transfer of this group that has ended, each once and in the order in which
 * they ended; NULL if there is none now.  Begins those in line that may begin.
 * It never sleeps; *due is when it should be asked again though nothing has
 * happened (og_clock_now()), 0 = then not.
 */
extern OgTransfer *og_http_next(OgHttp *http, int64 *due);

/*
 * Has nothing happened to this group since og_http_next() answered NULL, and
 * does that have to wait for nothing but its own transfers?  Then it answers
 * NULL again until *due, and waits for the next sleep as if it had been asked,
 * which would cost more.
 */
extern bool og_http_await(OgHttp *http);

/*
 * Sleep until something has happened (a transfer has left, or ended) to a group
 * of this process that waits for it: since the last sleep, its og_http_next()
 * has answered NULL.  What happens to others does not keep these from their
 * sleep.  Also until the process latch was set, since somebody may have woken us
 * for a reason of the caller's, or until that time (og_clock_now(), 0 = no
 * such).  Without transfers this is an interruptible sleep.
 */
extern void og_http_sleep(int64 until, OgWait what);

/*
 * Sleep until that time or until the process latch was set, whatever comes in:
 * for somebody who would rather take much of it at a time.
 */
extern void og_http_rest(int64 until, OgWait what);

extern void *og_http_owner(const OgTransfer *transfer);

/* What became of a transfer that has ended. */
extern const OgResponse *og_http_response(const OgTransfer *transfer);

/*
 * Give a transfer up that is still under way: afterwards its response says
 * what is known (not delivered, or no answer), and og_http_next() will not
 * answer it any more.  One that has ended stays as it is, and og_http_next()
 * answers it as always: then false.
 */
extern bool og_http_abandon(OgTransfer *transfer, const char *problem);

/* Free a transfer, its response and body, wiping what could hold a secret. */
extern void og_http_release(OgTransfer *transfer);

/* When an answer was written, by the clock of who wrote it; 0 = not told. */
extern int64 og_http_date_ms(const OgResponse *response);

/*
 * How long a Retry-After asks to wait, in milliseconds and for a day at most;
 * -1 if it says nothing that can be read.  "date" is the answer's own Date, if
 * it has one, else NULL; now_ms is our clock, as Unix time.  Reads no clock and
 * raises no errors.
 */
extern int64 og_http_retry_after(const char *value, const char *date,
								 int64 now_ms);

/*
 * Compare clocks by the Date of an answer; false if it has none.  Reads no
 * clock and raises no errors, and costs nothing where it is not called.
 */
extern bool og_http_clock(const OgResponse *response, OgClock *clock);

/* The same by a Unix time that an answer tells, which counts in such units. */
extern void og_http_compare_clocks(const OgResponse *response, int64 time_ms,
								   int unit_ms, OgClock *clock);

/* True if the clocks differ by more than this, whatever the error. */
extern bool og_http_clock_differs(const OgClock *clock, int64 tolerance_ms);

/* "our clock is 131 s ahead of the provider's", palloc'd. */
extern char *og_http_clock_words(const OgClock *clock);

/* True if text is an http or https URL without user, query and fragment. */
extern bool og_http_base_url_ok(const char *url, bool *is_https);

#endif							/* OG_HTTP_H */
