/*-------------------------------------------------------------------------
 *
 * http_websocket.h
 *		WebSockets: connections over which text messages come and go.
 *
 * A connection is opened without waiting for anything, and is read between
 * sleeps; og_http_sleep() waits for transfers and for these at once:
 *
 *		ws = og_websocket_open(context, &target);
 *		for (;;)
 *		{
 *			while (og_websocket_next(ws, &message))
 *				...
 *			if (og_websocket_state(ws) == OG_WS_CLOSED)
 *				...				-- og_websocket_problem() says why
 *			og_http_sleep(due, OG_WAIT_STREAM);
 *		}
 *
 * og_websocket_next() is what drives a connection: it takes in what has come,
 * answers pings and the other side's farewell, sends what could not leave
 * before, and gives up what takes too long.  So it is called for each of them
 * after each sleep, whatever their state.
 *
 * Whoever is on the other side may send anything: a connection that breaks a
 * rule or a bound is closed with the code for that, and has a problem.
 *
 * A connection hangs on a memory context: deleting or resetting that (which
 * happens also on FATAL) closes it at once.  Knows no provider and no JSON.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OG_HTTP_WEBSOCKET_H
#define OG_HTTP_WEBSOCKET_H

#include "datatype/timestamp.h"

#include "ground/message.h"

/* Codes that a connection is closed with (RFC 6455, 7.4.1). */
#define OG_WS_NORMAL		1000
#define OG_WS_GOING_AWAY	1001
#define OG_WS_PROTOCOL		1002	/* a rule of WebSocket was broken */
#define OG_WS_NOT_TEXT		1003	/* a binary message */
#define OG_WS_NO_CODE		1005	/* never sent: a farewell without code */
#define OG_WS_LOST			1006	/* never sent: no farewell */
#define OG_WS_NOT_UTF8		1007
#define OG_WS_POLICY		1008	/* more than is put up with */
#define OG_WS_TOO_BIG		1009	/* a message beyond max_message */

/* A message is refused beyond this where nobody says otherwise. */
#define OG_WS_MAX_MESSAGE	(1024 * 1024)

/* Room for what waits to be sent; a connection that needs more is closed. */
#define OG_WS_SEND_BUFFER	(64 * 1024)

typedef enum OgWebSocketState
{
	OG_WS_CONNECTING,			/* nothing can be sent yet */
	OG_WS_OPEN,
	OG_WS_CLOSING,				/* og_websocket_close() was called, and the
								 * other side has not answered yet */
	OG_WS_CLOSED				/* it holds no descriptor any more */
} OgWebSocketState;

typedef struct OgWebSocketTarget
{
	const char *url;			/* ws or wss, with path and query */
	const char *sslrootcert;	/* CA file, or NULL for the system's */
	int			connect_timeout_ms; /* until it is open: name lookup to the
									 * answer to our upgrade */
	size_t		max_message;	/* 0 = OG_WS_MAX_MESSAGE */
} OgWebSocketTarget;

typedef struct OgWebSocket OgWebSocket;

/*
 * Open a connection, bound to the life of "context".  It never blocks, and what
 * cannot even be begun is CLOSED with a problem.  Errors as of og_http_open(),
 * before anything is begun.  The target is copied.
 */
extern OgWebSocket *og_websocket_open(MemoryContext context,
									  const OgWebSocketTarget *target);

extern OgWebSocketState og_websocket_state(const OgWebSocket *ws);

/*
 * Send one text message: copied, sent as far as the network takes it, and the
 * rest by and by.  False if it is not OPEN, is lost by that, or has no room for
 * it: then it is CLOSED, for whoever does not take what we send is not there.
 * What was sent is wiped, since it may hold a signature.  Raises no errors.
 */
extern bool og_websocket_send(OgWebSocket *ws, OgSlice text);

/*
 * The next whole message, of valid UTF-8 without NUL: it is there until the
 * next call.  False if there is none now.  It takes in only so much at once; if
 * there is more, be it that the caller did not go on until false, the next
 * og_http_sleep() ends at once.  A connection that was not asked since the last
 * sleep does not end the next, and is found as it is when it is asked again.
 * Messages that came whole before a connection was closed by the other side are
 * still answered.  Raises no errors.
 */
extern bool og_websocket_next(OgWebSocket *ws, OgSlice *message);

/*
 * og_websocket_next() has just said that there is no message: all that had arrived by
 * this time was taken.  0 = that cannot be told.
 */
extern TimestampTz og_websocket_drained_at(const OgWebSocket *ws);

/*
 * When its last byte came, og_clock_now(): pings and parts of messages count,
 * what TLS says to itself does not.  Before it is open, when it was begun.
 */
extern int64 og_websocket_last_heard(const OgWebSocket *ws);

/*
 * Why it is CLOSED: words for a user, without any secret and without any of the
 * other side's; NULL if it is not, or was closed by og_websocket_close() alone.
 */
extern const char *og_websocket_problem(const OgWebSocket *ws);

/*
 * Would it be of no use to try again, unless somebody changes something?  True
 * of a certificate that does not verify, and of a URL that is none.
 */
extern bool og_websocket_is_hopeless(const OgWebSocket *ws);

/* The status that our upgrade was answered with, 101 if it is open; 0 = none. */
extern int	og_websocket_http_status(const OgWebSocket *ws);

/*
 * The code of the other side's farewell, OG_WS_NO_CODE if that had none; or the
 * one that we closed it with for a problem; OG_WS_LOST if it ended without; 0 as
 * long as it has not ended.
 */
extern int	og_websocket_close_code(const OgWebSocket *ws);

/*
 * What the other side said at its farewell: its words, valid UTF-8 of at most
 * 123 bytes, or no data.
 */
extern OgSlice og_websocket_close_reason(const OgWebSocket *ws);

/*
 * Say farewell with a code: nothing more can be sent, and no more messages are
 * answered.  It is CLOSED when the other side has answered, or a second later.
 * One that is not OPEN is CLOSED at once.  Raises no errors.
 */
extern void og_websocket_close(OgWebSocket *ws, int code);

/*
 * True if text is a ws or wss URL without user and fragment.  The same URL
 * with http or https for what it begins with goes to the same endpoint.
 */
extern bool og_websocket_url_ok(const char *url, bool *is_encrypted);

#endif							/* OG_HTTP_WEBSOCKET_H */
