/*-------------------------------------------------------------------------
 *
 * http_websocket_open.c
 *		How a WebSocket is opened: libcurl connects, and the other side grants
 *		our upgrade.
 *
 * The protocol below TLS is always HTTP/1.1, and TLS is not asked for another (no
 * ALPN): libcurl 7.88 crashes in curl_easy_send() where the server has picked
 * HTTP/2.
 *
 * Each connection is in a cache (CURLSH) of its own: when one handle is taken
 * out of a multi handle, libcurl has all connections of its cache that were
 * opened like this closed.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "http/http_websocket_internal.h"
#include "http/http_websocket_upgrade.h"

/* ---------- the request ---------- */

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

/* ---------- connecting ---------- */

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
		og_ws_give_up(ws);
	}
	else if (!prepare_dial(dial) || !og_watch_connect(&ws->watch, dial->easy))
	{
		og_tell(ws->problem, "libcurl could not prepare the connection");
		og_ws_give_up(ws);
	}
}

/* It goes, or its context does. */
static void
close_on_reset(void *arg)
{
	OgWebSocket *ws = arg;

	og_ws_drop(ws);
	og_frames_close(&ws->frames);
	if (ws->dial.endpoint != NULL)
		og_endpoint_leave(ws->dial.endpoint);
	ws->dial.endpoint = NULL;
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
	ws->open_until = ws->last_heard + (int64) target->connect_timeout_ms * 1000;
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
		og_ws_give_up(ws);
	}

	/* What is CLOSED at once is to be seen at once. */
	ws->watch.ready |= ws->phase == OG_WS_GONE;
	og_watch_await(&ws->watch);
	return ws;
}

/* libcurl has connected it, or could not. */
void
og_ws_end_dialing(OgWebSocket *ws)
{
	OgDial	   *dial = &ws->dial;
	curl_socket_t fd = CURL_SOCKET_BAD;

	if (ws->watch.result != CURLE_OK)
	{
		ws->hopeless = !og_dial_explain(dial, ws->watch.result,
										dial->connect_timeout_ms, ws->problem);
		og_ws_give_up(ws);
		return;
	}
	dial->started = true;
	if (curl_easy_getinfo(dial->easy, CURLINFO_ACTIVESOCKET,
						  &fd) != CURLE_OK || fd == CURL_SOCKET_BAD ||
		!og_watch_socket(&ws->watch, fd))
	{
		og_ws_lose(ws, "it could not be watched");
		return;
	}
	ws->phase = OG_WS_UPGRADING;
	ws->watch.due = ws->open_until;
	ws->frames.out_len = strlen(ws->request);
	memcpy(ws->frames.out, ws->request, ws->frames.out_len);
}

/* ---------- the upgrade ---------- */

/* The answer to our upgrade was no. */
static void
end_refused(OgWebSocket *ws, const OgUpgrade *upgrade)
{
	if (upgrade->problem != NULL)
		og_tell(ws->problem, "could not open a WebSocket at %s, which sent %s",
				og_ws_site(ws), upgrade->problem);
	else
		og_tell(ws->problem, "could not open a WebSocket at %s: HTTP %d",
				og_ws_site(ws), upgrade->status);
	og_ws_give_up(ws);
}

/* Read the answer to our upgrade.  What comes behind it are frames. */
void
og_ws_read_upgrade(OgWebSocket *ws)
{
	OgUpgrade	upgrade;
	size_t		len;

	if (!og_ws_read(ws, &len))
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
	ws->phase = OG_WS_TALKING;
}
