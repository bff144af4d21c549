/*-------------------------------------------------------------------------
 *
 * http_websocket.c
 *		WebSockets: connections over which text messages come and go.
 *
 * libcurl connects, does TLS, and from then on only reads and writes bytes
 * (CURLOPT_CONNECT_ONLY); what they say is ours (http_websocket_upgrade.c and
 * http_websocket_frames.c).
 *
 * Of pings that could not be answered yet only the last one is: the standard
 * allows it, and it bounds what a flood of them can make us keep.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "http/http_websocket_internal.h"

/* So often a call reads; the next one goes on. */
#define MAX_READS		4

/*
 * Pings, pongs and the like within so long; a server sends one in some seconds.
 */
#define CONTROL_WINDOW_US	USECS_PER_SEC
#define MAX_CONTROLS		100

/* How long the other side has to answer our farewell. */
#define MAX_FAREWELL_US		USECS_PER_SEC

/* ---------- sending ---------- */

/* Say farewell as far as that is possible at once, and go. */
static void
say_farewell(OgWebSocket *ws, int code)
{
	if (ws->phase == OG_WS_TALKING && og_frames_write_farewell(&ws->frames, code) &&
		!og_ws_flush(ws))
		return;
	og_ws_drop(ws);
}

/* It did what it must not: tell it by this code, and go. */
static void
refuse(OgWebSocket *ws, int code, const char *what)
{
	og_tell(ws->problem, "closed the connection to %s, which sent %s",
			og_ws_site(ws), what);
	ws->has_problem = true;
	ws->close_code = code;
	say_farewell(ws, code);
}

/* Answer the last ping that was not, if there is room for it. */
static void
answer_ping(OgWebSocket *ws)
{
	if (ws->pong_len >= 0 &&
		og_frames_write(&ws->frames, OG_FRAME_PONG,
						og_slice(ws->pong, ws->pong_len)))
		ws->pong_len = -1;
}

bool
og_websocket_send(OgWebSocket *ws, OgSlice text)
{
	if (ws->phase != OG_WS_TALKING)
		return false;
	if (!og_frames_write(&ws->frames, OG_FRAME_TEXT, text))
	{
		og_tell(ws->problem, "closed the connection to %s, which does not take what is sent",
				og_ws_site(ws));
		og_ws_give_up(ws);
		return false;
	}
	return og_ws_flush(ws);
}

/* ---------- reading ---------- */

/* Count a control frame.  False if it is not to be answered. */
static bool
may_come(OgWebSocket *ws)
{
	int64		now = og_clock_now();

	if (ws->phase != OG_WS_TALKING)
		return false;
	if (now - ws->window >= CONTROL_WINDOW_US)
	{
		ws->window = now;
		ws->controls = 0;
	}
	if (++ws->controls <= MAX_CONTROLS)
		return true;
	refuse(ws, OG_WS_POLICY, "too many pings");
	return false;
}

/* The other side's farewell, or its answer to ours. */
static void
take_farewell(OgWebSocket *ws)
{
	OgSlice		reason = ws->frames.payload;

	ws->close_code = ws->frames.code;
	if (reason.data != NULL)
	{
		ws->reason_len = (int) reason.len;
		memcpy(ws->reason, reason.data, reason.len);
	}
	if (ws->phase == OG_WS_TALKING)
	{
		if (ws->close_code == OG_WS_NO_CODE)
			og_tell(ws->problem, "%s closed the connection without a code",
					og_ws_site(ws));
		else
			og_tell(ws->problem, "%s closed the connection with code %d",
					og_ws_site(ws), ws->close_code);
		ws->has_problem = true;
	}
	say_farewell(ws, ws->close_code);
}

/* Take what has arrived whole: true if it is a message for our user. */
static bool
take_arrival(OgWebSocket *ws, OgArrival arrival)
{
	const OgFrames *frames = &ws->frames;

	switch (arrival)
	{
		case OG_ARRIVED_NOTHING:
			return false;
		case OG_ARRIVED_MESSAGE:
			return ws->phase == OG_WS_TALKING;
		case OG_ARRIVED_PING:
			if (may_come(ws))
			{
				ws->pong_len = (int) frames->payload.len;
				memcpy(ws->pong, frames->payload.data, frames->payload.len);
			}
			return false;
		case OG_ARRIVED_PONG:
			(void) may_come(ws);
			return false;
		case OG_ARRIVED_FAREWELL:
			take_farewell(ws);
			return false;
		case OG_ARRIVED_BROKEN:
			if (ws->phase == OG_WS_TALKING)
				refuse(ws, frames->code, frames->problem);
			else
				og_ws_lose(ws, "");
			return false;
	}
	return false;
}

/* The next message of those that have come, or come in a few more reads. */
static bool
read_frames(OgWebSocket *ws, OgSlice *message)
{
	int			reads = 0;

	while (ws->phase == OG_WS_TALKING || ws->phase == OG_WS_LEAVING)
	{
		OgArrival	arrival = og_frames_next(&ws->frames);
		size_t		len;

		if (take_arrival(ws, arrival))
		{
			*message = ws->frames.payload;
			return true;
		}
		if (arrival != OG_ARRIVED_NOTHING)
			continue;
		if (reads++ == MAX_READS || !og_ws_read(ws, &len))
			return false;
		og_frames_feed(&ws->frames, ws->input, len);
	}
	return false;
}

/* Has opening, or closing, taken too long? */
static void
check_due(OgWebSocket *ws)
{
	if (ws->watch.due == 0 || og_clock_now() < ws->watch.due)
		return;
	if (ws->phase == OG_WS_LEAVING)
	{
		ws->close_code = OG_WS_LOST;
		og_ws_drop(ws);
		return;
	}
	og_tell(ws->problem, "no WebSocket at %s within %d ms", og_ws_site(ws),
			ws->dial.connect_timeout_ms);
	og_ws_give_up(ws);
}

/* Go on with everything but sending.  True if there is a message. */
static bool
advance(OgWebSocket *ws, OgSlice *message)
{
	check_due(ws);
	if (ws->phase == OG_WS_DIALING && !ws->watch.connecting)
		og_ws_end_dialing(ws);
	if (ws->phase == OG_WS_DIALING || ws->phase == OG_WS_GONE || !og_ws_flush(ws))
		return false;
	if (ws->phase == OG_WS_UPGRADING)
		og_ws_read_upgrade(ws);
	return read_frames(ws, message);
}

bool
og_websocket_next(OgWebSocket *ws, OgSlice *message)
{
	bool		found;

	*message = og_slice(NULL, 0);
	if (ws->phase == OG_WS_GONE)
	{
		ws->watch.ready = false;
		og_frames_close(&ws->frames);
		return false;
	}
	found = advance(ws, message);
	if (!found && ws->phase == OG_WS_TALKING && ws->pong_len >= 0)
	{
		answer_ping(ws);
		(void) og_ws_flush(ws);
	}
	og_watch_await(&ws->watch);
	return found;
}

/* ---------- closing ---------- */

void
og_websocket_close(OgWebSocket *ws, int code)
{
	if (ws->phase == OG_WS_LEAVING || ws->phase == OG_WS_GONE)
		return;
	if (ws->phase != OG_WS_TALKING || !og_frames_write_farewell(&ws->frames, code))
	{
		ws->close_code = OG_WS_LOST;
		og_ws_drop(ws);
		return;
	}
	ws->phase = OG_WS_LEAVING;
	ws->watch.due = og_clock_now() + MAX_FAREWELL_US;
	(void) og_ws_flush(ws);
}

/* ---------- what is to be seen ---------- */

OgWebSocketState
og_websocket_state(const OgWebSocket *ws)
{
	switch (ws->phase)
	{
		case OG_WS_DIALING:
		case OG_WS_UPGRADING:
			return OG_WS_CONNECTING;
		case OG_WS_TALKING:
			return OG_WS_OPEN;
		case OG_WS_LEAVING:
			return OG_WS_CLOSING;
		case OG_WS_GONE:
			break;
	}
	return OG_WS_CLOSED;
}

TimestampTz
og_websocket_drained_at(const OgWebSocket *ws)
{
	return ws->phase == OG_WS_TALKING && !ws->watch.ready
		? og_event_polled_at() : 0;
}

int64
og_websocket_last_heard(const OgWebSocket *ws)
{
	return ws->last_heard;
}

const char *
og_websocket_problem(const OgWebSocket *ws)
{
	return ws->has_problem ? ws->problem : NULL;
}

bool
og_websocket_is_hopeless(const OgWebSocket *ws)
{
	return ws->hopeless;
}

int
og_websocket_http_status(const OgWebSocket *ws)
{
	return ws->http_status;
}

int
og_websocket_close_code(const OgWebSocket *ws)
{
	return ws->close_code;
}

OgSlice
og_websocket_close_reason(const OgWebSocket *ws)
{
	return ws->reason_len < 0 ? og_slice(NULL, 0)
		: og_slice(ws->reason, ws->reason_len);
}
