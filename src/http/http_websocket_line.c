/*-------------------------------------------------------------------------
 *
 * http_websocket_line.c
 *		The line of a WebSocket: its bytes, and losing or leaving it.
 *
 * What is to be sent stands in one buffer.  TLS wants the very same bytes again,
 * at the same place and at least as many, where it could not send them, so while
 * an attempt is pending nothing in the buffer moves.
 *
 * A socket is watched by its edges (see http_event.c), so .watch.ready stays set
 * until libcurl has said that nothing more can be read.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "ground/crypto.h"
#include "http/http_websocket_internal.h"

/* What is sent at once. */
#define MAX_ATTEMPT		16384

/* ---------- leaving it ---------- */

/*
 * Give back the connection, and be GONE.  The last message may still be looked
 * at.  Must not throw.
 */
void
og_ws_drop(OgWebSocket *ws)
{
	OgDial	   *dial = &ws->dial;

	/* A socket that is closed with something unread would lose what it sent. */
	if (ws->watch.fd >= 0)
		og_socket_drain(ws->watch.fd);
	og_watch_end(&ws->watch);
	if (dial->easy != NULL)
		curl_easy_cleanup(dial->easy);
	dial->easy = NULL;
	og_cache_close(dial->cache);
	dial->cache = NULL;
	og_socket_unreserve(dial);
	if (ws->frames.out != NULL)
		og_wipe(ws->frames.out, ws->frames.out_len);
	ws->frames.out_len = 0;
	ws->watch.ready = false;
	ws->phase = OG_WS_GONE;
}

/* Close it for a problem, whose words were written, without a word to anybody. */
void
og_ws_give_up(OgWebSocket *ws)
{
	ws->has_problem = true;
	if (ws->close_code == 0)
		ws->close_code = OG_WS_LOST;
	og_ws_drop(ws);
}

/* The connection was lost, or what we need for it was. */
void
og_ws_lose(OgWebSocket *ws, const char *how)
{
	if (ws->phase == OG_WS_LEAVING)
	{
		/* That is how many answer a farewell. */
		ws->close_code = OG_WS_LOST;
		og_ws_drop(ws);
		return;
	}
	if (ws->phase == OG_WS_TALKING)
		og_tell(ws->problem, "lost the connection to %s: %s", og_ws_site(ws), how);
	else
		og_tell(ws->problem, "could not open a WebSocket at %s: %s",
				og_ws_site(ws), how);
	og_ws_give_up(ws);
}

/* ---------- bytes ---------- */

/*
 * Send what there is, as far as the network takes it.  False if the connection
 * is lost by that.
 */
bool
og_ws_flush(OgWebSocket *ws)
{
	OgFrames   *frames = &ws->frames;

	while (frames->out_len > 0)
	{
		size_t		attempt = ws->attempted;
		size_t		sent = 0;
		CURLcode	code;

		if (attempt == 0)
			attempt = Min(frames->out_len, MAX_ATTEMPT);
		code = curl_easy_send(ws->dial.easy, frames->out, attempt, &sent);
		if (code == CURLE_AGAIN)
		{
			ws->attempted = attempt;
			return true;
		}
		if (code != CURLE_OK)
		{
			og_ws_lose(ws, "it could not be written to");
			return false;
		}

		/* What was sent may have been a signature. */
		ws->attempted = 0;
		og_wipe(frames->out, sent);
		frames->out_len -= sent;
		memmove(frames->out, frames->out + sent, frames->out_len);
		og_wipe(frames->out + frames->out_len, sent);
	}
	return true;
}

/*
 * Read into the input buffer behind what is there.  False if there is nothing
 * now, or the connection is lost.
 */
bool
og_ws_read(OgWebSocket *ws, size_t *len)
{
	CURLcode	code;

	*len = 0;
	code = curl_easy_recv(ws->dial.easy, ws->input + ws->input_len,
						  OG_WS_INPUT_SIZE - ws->input_len, len);
	if (code == CURLE_AGAIN)
	{
		ws->watch.ready = false;
		return false;
	}

	/* Whether TLS that ends so was cut, versions of its library see differently. */
	if (code != CURLE_OK || *len == 0)
	{
		og_ws_lose(ws, "it ended without a farewell");
		return false;
	}
	ws->last_heard = og_clock_now();
	return true;
}
