/*-------------------------------------------------------------------------
 *
 * http_websocket_internal.h
 *		What the files of WebSockets share.
 *
 *		http_websocket.c		messages, pings and farewells
 *		http_websocket_open.c	from a URL to an open connection
 *		http_websocket_line.c	bytes that go and come, and losing or leaving it
 *		http_websocket_upgrade.c	the request for it, and whether it is granted
 *		http_websocket_frames.c	what bytes say, and how it is said
 *
 *-------------------------------------------------------------------------
 */
#ifndef OG_HTTP_WEBSOCKET_INTERNAL_H
#define OG_HTTP_WEBSOCKET_INTERNAL_H

#include "http/http_internal.h"
#include "http/http_websocket.h"
#include "http/http_websocket_frames.h"

/* What is read at once: a record of TLS. */
#define OG_WS_INPUT_SIZE	16384

/* How far a connection has come, which its user sees as fewer states. */
typedef enum OgWebSocketPhase
{
	OG_WS_DIALING,				/* libcurl connects */
	OG_WS_UPGRADING,			/* our request for it is on its way */
	OG_WS_TALKING,
	OG_WS_LEAVING,				/* our farewell is on its way */
	OG_WS_GONE
} OgWebSocketPhase;

struct OgWebSocket
{
	MemoryContextCallback on_reset;
	OgWebSocketPhase phase;
	OgDial		dial;
	OgWatch		watch;
	int64		open_until;		/* else it takes too long */
	int64		last_heard;

	/* the upgrade */
	char	   *request;
	char	   *accept;			/* what has to be answered */
	int			http_status;

	/* what comes in */
	OgFrames	frames;			/* and goes out: .out is our buffer */
	char		input[OG_WS_INPUT_SIZE];
	size_t		input_len;		/* while upgrading */
	int64		window;			/* of control frames; when it began ... */
	int			controls;		/* ... and how many have come */

	/* what goes out */
	size_t		attempted;		/* bytes that are to be sent again */
	int			pong_len;		/* of an answer that is due; -1 = none is */
	char		pong[OG_FRAME_MAX_CONTROL];

	/* how it ended */
	bool		hopeless;
	int			close_code;
	int			reason_len;		/* -1 = none was given */
	char		reason[OG_FRAME_MAX_REASON];
	bool		has_problem;
	char		problem[OG_PROBLEM_SIZE];
};

static inline const char *
og_ws_site(const OgWebSocket *ws)
{
	return ws->dial.endpoint->site;
}

/* http_websocket_line.c */
extern void og_ws_drop(OgWebSocket *ws);
extern void og_ws_give_up(OgWebSocket *ws);
extern void og_ws_lose(OgWebSocket *ws, const char *how);
extern bool og_ws_flush(OgWebSocket *ws);
extern bool og_ws_read(OgWebSocket *ws, size_t *len);

/* http_websocket_open.c */
extern void og_ws_end_dialing(OgWebSocket *ws);
extern void og_ws_read_upgrade(OgWebSocket *ws);

#endif							/* OG_HTTP_WEBSOCKET_INTERNAL_H */
