/*-------------------------------------------------------------------------
 *
 * http_websocket.c
 *		WebSockets: connections over which text messages come and go.
 *
 * libcurl connects, does TLS, and from then on only reads and writes bytes
 * (CURLOPT_CONNECT_ONLY); what they say is ours (http_websocket_upgrade.c and
 * http_websocket_frames.c).  The protocol below TLS is always HTTP/1.1, and TLS
 * is not asked for another (no ALPN): libcurl 7.88 crashes in curl_easy_send()
 * where the server has picked HTTP/2.
 *
 * Each connection is in a cache (CURLSH) of its own: when one handle is taken
 * out of a multi handle, libcurl has all connections of its cache that were
 * opened like this closed.
 *
 * A socket is watched by its edges (see http_event.c), so .watch.ready stays set
 * until libcurl has said that nothing more can be read.
 *
 * What is to be sent stands in one buffer.  TLS wants the very same bytes again,
 * at the same place and at least as many, where it could not send them, so while
 * an attempt is pending nothing in the buffer moves.
 *
 * Of pings that could not be answered yet only the last one is: the standard
 * allows it, and it bounds what a flood of them can make us keep.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "ground/crypto.h"
#include "http/http_internal.h"
#include "http/http_websocket.h"
#include "http/http_websocket_frames.h"
#include "http/http_websocket_upgrade.h"

/* What is read at once: a record of TLS. */
#define INPUT_SIZE		16384

/* What is sent at once. */
#define MAX_ATTEMPT		16384

/* So often a call reads; the next one goes on. */
#define MAX_READS		4

/*
 * Pings, pongs and the like within so long; a server sends one in some seconds.
 */
#define CONTROL_WINDOW_US	USECS_PER_SEC
#define MAX_CONTROLS		100

/* How long the other side has to answer our farewell. */
#define MAX_FAREWELL_US		USECS_PER_SEC

/* How far a connection has come, which its user sees as fewer states. */
typedef enum Phase
{
	DIALING,					/* libcurl connects */
	UPGRADING,					/* our request for it is on its way */
	OPEN,
	CLOSING,					/* our farewell is on its way */
	CLOSED
} Phase;

struct OgWebSocket
{
	MemoryContextCallback on_reset;
	Phase		phase;
	OgDial		dial;
	OgWatch		watch;
	int64		give_up;		/* when opening takes too long */
	int64		last_heard;

	/* the upgrade */
	char	   *request;
	char	   *accept;			/* what has to be answered */
	int			http_status;

	/* what comes in */
	OgFrames	frames;			/* and goes out: .out is our buffer */
	char		input[INPUT_SIZE];
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

static const char *
site_of(const OgWebSocket *ws)
{
	return ws->dial.endpoint->site;
}

/* ---------- the end ---------- */

/*
 * Give back the connection, and be CLOSED.  The last message may still be looked
 * at.  Must not throw.
 */
static void
drop(OgWebSocket *ws)
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
	ws->phase = CLOSED;
}

/* It goes, or its context does. */
static void
close_on_reset(void *arg)
{
	OgWebSocket *ws = arg;

	drop(ws);
	og_frames_close(&ws->frames);
	if (ws->dial.endpoint != NULL)
		og_endpoint_leave(ws->dial.endpoint);
	ws->dial.endpoint = NULL;
}

/* Close it for a problem, whose words were written, without a word to anybody. */
static void
give_up(OgWebSocket *ws)
{
	ws->has_problem = true;
	if (ws->close_code == 0)
		ws->close_code = OG_WS_LOST;
	drop(ws);
}

/* The connection was lost, or what we need for it was. */
static void
lose(OgWebSocket *ws, const char *how)
{
	if (ws->phase == CLOSING)
	{
		/* That is how many answer a farewell. */
		ws->close_code = OG_WS_LOST;
		drop(ws);
		return;
	}
	if (ws->phase == OPEN)
		og_tell(ws->problem, "lost the connection to %s: %s", site_of(ws), how);
	else
		og_tell(ws->problem, "could not open a WebSocket at %s: %s",
				site_of(ws), how);
	give_up(ws);
}

/* ---------- sending ---------- */

/*
 * Send what there is, as far as the network takes it.  False if the connection
 * is lost by that.
 */
static bool
flush(OgWebSocket *ws)
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
			lose(ws, "it could not be written to");
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

/* Say farewell as far as that is possible at once, and go. */
static void
say_farewell(OgWebSocket *ws, int code)
{
	if (ws->phase == OPEN && og_frames_write_farewell(&ws->frames, code) &&
		!flush(ws))
		return;
	drop(ws);
}

/* It did what it must not: tell it by this code, and go. */
static void
refuse(OgWebSocket *ws, int code, const char *what)
{
	og_tell(ws->problem, "closed the connection to %s, which sent %s",
			site_of(ws), what);
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
	if (ws->phase != OPEN)
		return false;
	if (!og_frames_write(&ws->frames, OG_FRAME_TEXT, text))
	{
		og_tell(ws->problem, "closed the connection to %s, which does not take what is sent",
				site_of(ws));
		give_up(ws);
		return false;
	}
	return flush(ws);
}

/* ---------- opening ---------- */

/* "ws://host/path?query" with http instead of ws, palloc'd; NULL if it is none. */
static char *
http_url(const char *url)
{
	if (pg_strncasecmp(url, "wss://", 6) == 0)
		return psprintf("https://%s", url + 6);
	if (pg_strncasecmp(url, "ws://", 5) == 0)
		return psprintf("http://%s", url + 5);
	return NULL;
}

bool
og_websocket_url_ok(const char *url, bool *is_encrypted)
{
	char	   *http = http_url(url);
	char	   *query;
	bool		ok;

	if (http == NULL)
		return false;
	query = strchr(http, '?');
	ok = query == NULL ||
		(og_is_visible(query) && strpbrk(query, "#\\\"<>^`{|}") == NULL);
	if (query != NULL)
		*query = '\0';
	ok = ok && og_http_base_url_ok(http, is_encrypted);
	pfree(http);
	return ok;
}

/* The request that asks for it. */
static char *
upgrade_request(const OgEndpoint *endpoint, const char *url, const char *key)
{
	const char *path = og_url_path(url);
	const char *port = endpoint->is_https ? ":443" : ":80";
	char	   *host = pstrdup(endpoint->site);
	size_t		len = strlen(host);
	char	   *target = psprintf("%s%s", path[0] == '/' ? "" : "/", path);
	char	   *request;

	/* As browsers do: not every server knows its name with its port. */
	if (len > strlen(port) && strcmp(host + len - strlen(port), port) == 0)
		host[len - strlen(port)] = '\0';
	request = og_upgrade_request(host, target, key, OG_USER_AGENT);
	pfree(host);
	pfree(target);
	return request;
}

/* All that has to be thought of before there is a connection; may throw. */
static const char *
prepare(OgWebSocket *ws, const OgWebSocketTarget *target)
{
	char	   *url = http_url(target->url);
	bool		is_encrypted;
	char		random[OG_UPGRADE_KEY_SIZE];
	char	   *key;

	if (url == NULL || !og_websocket_url_ok(target->url, &is_encrypted))
		return "the URL is not valid";
	ws->dial.endpoint = og_endpoint_enter(url, target->sslrootcert);
	if (ws->dial.endpoint == NULL)
		return "the URL is not valid";
	if (!pg_strong_random(random, sizeof(random)))
		return "there is nothing random to make a key of";
	key = og_upgrade_key(random);
	ws->accept = og_upgrade_accept(key);
	if (ws->accept == NULL)
		return "OpenSSL has no SHA-1, which WebSocket needs";
	ws->request = upgrade_request(ws->dial.endpoint, url, key);
	if (strlen(ws->request) > OG_WS_SEND_BUFFER)
		return "the URL is too long";
	pfree(key);
	pfree(url);
	return NULL;
}

/* Tell libcurl to do no more than connect. */
static bool
prepare_dial(OgDial *dial)
{
	CURL	   *easy = dial->easy = curl_easy_init();
	bool		ok = easy != NULL;

	dial->cache = og_cache_open();
	ok = ok && dial->cache != NULL && og_dial_prepare(dial);
	OG_SET(CURLOPT_SHARE, dial->cache);
	OG_SET(CURLOPT_CONNECT_ONLY, 1L);
	OG_SET(CURLOPT_SSL_ENABLE_ALPN, 0L);
	return ok && og_trust_apply(dial);
}

/* Let libcurl connect.  What hinders that at once is its problem. */
static void
dial(OgWebSocket *ws)
{
	OgDial	   *dial = &ws->dial;

	if (!og_kept_make_room(dial))
	{
		og_tell(ws->problem, "could not open a socket: %s", strerror(errno));
		give_up(ws);
	}
	else if (!prepare_dial(dial) || !og_watch_connect(&ws->watch, dial->easy))
	{
		og_tell(ws->problem, "libcurl could not prepare the connection");
		give_up(ws);
	}
}

OgWebSocket *
og_websocket_open(MemoryContext context, const OgWebSocketTarget *target)
{
	MemoryContext old = MemoryContextSwitchTo(context);
	OgWebSocket *ws;
	const char *problem;

	og_http_init();
	ws = palloc0(sizeof(OgWebSocket));
	ws->watch.fd = -1;
	ws->pong_len = ws->reason_len = -1;
	ws->last_heard = og_clock_now();
	ws->dial.connect_timeout_ms = target->connect_timeout_ms;
	ws->give_up = ws->last_heard + (int64) target->connect_timeout_ms * 1000;
	ws->on_reset.func = close_on_reset;
	ws->on_reset.arg = ws;
	MemoryContextRegisterResetCallback(context, &ws->on_reset);

	problem = prepare(ws, target);
	if (problem == NULL &&
		!og_frames_open(&ws->frames, target->max_message > 0
						? target->max_message : OG_WS_MAX_MESSAGE,
						palloc(OG_WS_SEND_BUFFER), OG_WS_SEND_BUFFER))
		problem = "there is no memory for it";
	MemoryContextSwitchTo(old);

	if (problem == NULL)
		dial(ws);
	else
	{
		ws->hopeless = ws->dial.endpoint == NULL;
		og_tell(ws->problem, "%s", problem);
		give_up(ws);
	}

	/* What is CLOSED at once is to be seen at once. */
	ws->watch.ready |= ws->phase == CLOSED;
	og_watch_await(&ws->watch);
	return ws;
}

/* libcurl has connected it, or could not. */
static void
end_dialing(OgWebSocket *ws)
{
	OgDial	   *dial = &ws->dial;
	curl_socket_t fd = CURL_SOCKET_BAD;

	if (ws->watch.result != CURLE_OK)
	{
		ws->hopeless = !og_dial_explain(dial, ws->watch.result,
										dial->connect_timeout_ms, ws->problem);
		give_up(ws);
		return;
	}
	dial->started = true;
	if (curl_easy_getinfo(dial->easy, CURLINFO_ACTIVESOCKET,
						  &fd) != CURLE_OK || fd == CURL_SOCKET_BAD ||
		!og_watch_socket(&ws->watch, fd))
	{
		lose(ws, "it could not be watched");
		return;
	}
	ws->phase = UPGRADING;
	ws->watch.due = ws->give_up;
	ws->frames.out_len = strlen(ws->request);
	memcpy(ws->frames.out, ws->request, ws->frames.out_len);
}

/* ---------- reading ---------- */

/*
 * Read into the input buffer behind what is there.  False if there is nothing
 * now, or the connection is lost.
 */
static bool
read_more(OgWebSocket *ws, size_t *len)
{
	CURLcode	code;

	*len = 0;
	code = curl_easy_recv(ws->dial.easy, ws->input + ws->input_len,
						  INPUT_SIZE - ws->input_len, len);
	if (code == CURLE_AGAIN)
	{
		ws->watch.ready = false;
		return false;
	}
	if (code != CURLE_OK || *len == 0)
	{
		lose(ws, code == CURLE_OK ? "it was closed without a farewell"
			 : "it was cut");
		return false;
	}
	ws->last_heard = og_clock_now();
	return true;
}

/* The answer to our upgrade was no. */
static void
end_refused(OgWebSocket *ws, const OgUpgrade *upgrade)
{
	if (upgrade->problem != NULL)
		og_tell(ws->problem, "could not open a WebSocket at %s, which sent %s",
				site_of(ws), upgrade->problem);
	else
		og_tell(ws->problem, "could not open a WebSocket at %s: HTTP %d",
				site_of(ws), upgrade->status);
	give_up(ws);
}

/* Read the answer to our upgrade.  What comes behind it are frames. */
static void
read_upgrade(OgWebSocket *ws)
{
	OgUpgrade	upgrade;
	size_t		len;

	if (!read_more(ws, &len))
		return;
	ws->input_len += len;
	upgrade = og_upgrade_read(og_slice(ws->input, ws->input_len), ws->accept);
	ws->http_status = upgrade.status;
	if (upgrade.state == OG_UPGRADE_REFUSED)
		end_refused(ws, &upgrade);
	if (upgrade.state != OG_UPGRADE_GRANTED)
		return;
	og_frames_feed(&ws->frames, ws->input + upgrade.head_len,
				   ws->input_len - upgrade.head_len);
	ws->input_len = 0;
	ws->watch.due = 0;
	ws->phase = OPEN;
}

/* Count a control frame.  False if it is not to be answered. */
static bool
may_come(OgWebSocket *ws)
{
	int64		now = og_clock_now();

	if (ws->phase != OPEN)
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
	if (ws->phase == OPEN)
	{
		if (ws->close_code == OG_WS_NO_CODE)
			og_tell(ws->problem, "%s closed the connection without a code",
					site_of(ws));
		else
			og_tell(ws->problem, "%s closed the connection with code %d",
					site_of(ws), ws->close_code);
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
			return ws->phase == OPEN;
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
			if (ws->phase == OPEN)
				refuse(ws, frames->code, frames->problem);
			else
				lose(ws, "");
			return false;
	}
	return false;
}

/* The next message of those that have come, or come in a few more reads. */
static bool
read_frames(OgWebSocket *ws, OgSlice *message)
{
	int			reads = 0;

	while (ws->phase == OPEN || ws->phase == CLOSING)
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
		if (reads++ == MAX_READS || !read_more(ws, &len))
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
	if (ws->phase == CLOSING)
	{
		ws->close_code = OG_WS_LOST;
		drop(ws);
		return;
	}
	og_tell(ws->problem, "no WebSocket at %s within %d ms", site_of(ws),
			ws->dial.connect_timeout_ms);
	give_up(ws);
}

/* Go on with everything but sending.  True if there is a message. */
static bool
advance(OgWebSocket *ws, OgSlice *message)
{
	check_due(ws);
	if (ws->phase == DIALING && !ws->watch.connecting)
		end_dialing(ws);
	if (ws->phase == DIALING || ws->phase == CLOSED || !flush(ws))
		return false;
	if (ws->phase == UPGRADING)
		read_upgrade(ws);
	return read_frames(ws, message);
}

bool
og_websocket_next(OgWebSocket *ws, OgSlice *message)
{
	bool		found;

	*message = og_slice(NULL, 0);
	if (ws->phase == CLOSED)
	{
		ws->watch.ready = false;
		og_frames_close(&ws->frames);
		return false;
	}
	found = advance(ws, message);
	if (!found && ws->phase == OPEN && ws->pong_len >= 0)
	{
		answer_ping(ws);
		(void) flush(ws);
	}
	og_watch_await(&ws->watch);
	return found;
}

/* ---------- closing ---------- */

void
og_websocket_close(OgWebSocket *ws, int code)
{
	if (ws->phase == CLOSING || ws->phase == CLOSED)
		return;
	if (ws->phase != OPEN || !og_frames_write_farewell(&ws->frames, code))
	{
		ws->close_code = OG_WS_LOST;
		drop(ws);
		return;
	}
	ws->phase = CLOSING;
	ws->watch.due = og_clock_now() + MAX_FAREWELL_US;
	(void) flush(ws);
}

/* ---------- what is to be seen ---------- */

OgWebSocketState
og_websocket_state(const OgWebSocket *ws)
{
	switch (ws->phase)
	{
		case DIALING:
		case UPGRADING:
			return OG_WS_CONNECTING;
		case OPEN:
			return OG_WS_OPEN;
		case CLOSING:
			return OG_WS_CLOSING;
		case CLOSED:
			break;
	}
	return OG_WS_CLOSED;
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
