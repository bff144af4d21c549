/*-------------------------------------------------------------------------
 *
 * http_request.c
 *		From a request to libcurl's options.
 *
 * libcurl is given the origin as its URL and path and query apart, as the
 * target to ask for: a query can hold secrets, and so it never gets into what
 * libcurl derives from a URL, its error messages included.
 *
 * A request is only ever sent once.  libcurl by itself repeats a request
 * when a reused connection dies before the first byte of an answer, which may
 * well be after the provider has read it.  Every sending begins with
 * CURLOPT_PREREQFUNCTION, over new and reused connections alike: the first
 * is let pass, and any other refused.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/timestamp.h"

#include "ground/crypto.h"
#include "http/http_internal.h"

#define USER_AGENT "order_gateway/1.1"

/*
 * Longer than any documented base URL, shorter than what the strictest server
 * takes (8 kB) by enough to leave room for path and query.
 */
#define MAX_BASE_URL 1024

/* How long a parsed file of authorities is used even if it looks the same. */
#define CA_CACHE_SECONDS 300L

/* ----
 * URLs
 * ----
 */

/* True if all of it is visible ASCII: no space, no control character. */
static bool
is_visible(const char *text)
{
	for (; *text != '\0'; text++)
	{
		if (*text <= ' ' || *text > '~')
			return false;
	}
	return true;
}

/*
 * The end of scheme and authority of an http or https URL, or NULL if it is
 * no such URL.
 */
static const char *
end_of_origin(const char *url)
{
	const char *authority;

	if (pg_strncasecmp(url, "https://", 8) == 0)
		authority = url + 8;
	else if (pg_strncasecmp(url, "http://", 7) == 0)
		authority = url + 7;
	else
		return NULL;
	return authority + strcspn(authority, "/?#");
}

/*
 * The "scheme://host:port" of a URL without path and query, malloc'd, in lower
 * case and with the port always said; or NULL.
 */
static char *
normalize_origin(const char *text)
{
	CURLU	   *parser = curl_url();
	char	   *scheme = NULL;
	char	   *host = NULL;
	char	   *port = NULL;
	char	   *origin = NULL;

	if (parser != NULL &&
		curl_url_set(parser, CURLUPART_URL, text,
					 CURLU_DISALLOW_USER) == CURLUE_OK &&
		curl_url_get(parser, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
		curl_url_get(parser, CURLUPART_HOST, &host, 0) == CURLUE_OK &&
		curl_url_get(parser, CURLUPART_PORT, &port,
					 CURLU_DEFAULT_PORT) == CURLUE_OK &&
		host[0] != '\0' && strcmp(port, "0") != 0)
	{
		size_t		size = strlen(scheme) + strlen(host) + strlen(port) + 5;

		origin = malloc(size);
		if (origin != NULL)
		{
			char	   *c;

			snprintf(origin, size, "%s://%s:%s", scheme, host, port);
			for (c = origin; *c != '\0'; c++)
				*c = (char) pg_ascii_tolower((unsigned char) *c);
		}
	}

	curl_free(port);
	curl_free(host);
	curl_free(scheme);
	curl_url_cleanup(parser);
	return origin;
}

/*
 * The same of any URL.  The last one is remembered, because a session mostly
 * talks to one server: an origin holds no secret.
 */
static char *
parse_origin(const char *url)
{
	static char *last_text = NULL;
	static char *last_origin = NULL;
	const char *end = end_of_origin(url);
	char	   *text;
	char	   *origin;

	if (end == NULL)
		return NULL;
	if (last_text != NULL && strlen(last_text) == (size_t) (end - url) &&
		memcmp(last_text, url, end - url) == 0)
		return strdup(last_origin);

	text = strndup(url, end - url);
	if (text == NULL)
		return NULL;
	origin = normalize_origin(text);
	if (origin == NULL)
	{
		free(text);
		return NULL;
	}
	free(last_text);
	free(last_origin);
	last_text = text;
	last_origin = origin;
	return strdup(origin);
}

bool
og_http_base_url_ok(const char *url, bool *is_https)
{
	char	   *origin;
	bool		ok;

	if (strlen(url) > MAX_BASE_URL || !is_visible(url) ||
		strpbrk(url, "?#@\\\"<>^`{|}") != NULL)
		return false;

	origin = parse_origin(url);
	ok = (origin != NULL);
	if (ok && is_https != NULL)
		*is_https = (strncmp(origin, "https:", 6) == 0);
	free(origin);
	return ok;
}

static bool
endpoint_init(OgEndpoint *endpoint, const OgHttpRequest *request)
{
	endpoint->origin = parse_origin(request->url);
	if (endpoint->origin == NULL)
		return false;
	endpoint->is_https = (strncmp(endpoint->origin, "https:", 6) == 0);
	endpoint->site = strstr(endpoint->origin, "://") + 3;
	if (request->sslrootcert != NULL)
	{
		endpoint->sslrootcert = strdup(request->sslrootcert);
		if (endpoint->sslrootcert == NULL)
			return false;
	}
	return true;
}

/* True if a connection made for one serves the other. */
bool
og_endpoint_equal(const OgEndpoint *a, const OgEndpoint *b)
{
	if (strcmp(a->origin, b->origin) != 0)
		return false;
	if (a->sslrootcert == NULL || b->sslrootcert == NULL)
		return a->sslrootcert == b->sslrootcert;
	return strcmp(a->sslrootcert, b->sslrootcert) == 0;
}

/* ----
 * What libcurl points at
 * ----
 */

/* True if libcurl can write it as one header line, and only one. */
static bool
header_ok(const OgField *header)
{
	const char *c;

	if (header->name[0] == '\0' || !is_visible(header->name) ||
		strpbrk(header->name, ":;") != NULL)
		return false;
	for (c = header->value; *c != '\0'; c++)
	{
		if ((unsigned char) *c < ' ' || *c == '\x7f')
			return false;
	}
	return true;
}

/* Take bytes off a block that was made large enough. */
static void *
take(char **free_space, size_t size)
{
	void	   *taken = *free_space;

	*free_space += size;
	return taken;
}

/* Append text to a block that was made large enough. */
static void
add_text(char **at, const char *text)
{
	size_t		len = strlen(text);

	memcpy(*at, text, len + 1);
	*at += len;
}

/*
 * Append a header line to the list.  To libcurl "Name;" is an empty header,
 * and "Name:" (a value of NULL) says to send none where it would by itself.
 */
static void
add_line(OgOutgoing *out, char **space, struct curl_slist **node,
		 const char *name, const char *value)
{
	size_t		size = strlen(name) + (value ? strlen(value) : 0) + 3;
	struct curl_slist *last = (*node)++;
	char	   *at;

	last->data = at = take(space, size);
	last->next = NULL;
	add_text(&at, name);
	if (value == NULL)
		add_text(&at, ":");
	else if (value[0] == '\0')
		add_text(&at, ";");
	else
	{
		add_text(&at, ": ");
		add_text(&at, value);
	}

	if (out->headers == NULL)
		out->headers = last;
	else
		last[-1].next = last;
}

static bool
has_header(const OgFields *headers, const char *name)
{
	int			i;

	for (i = 0; i < headers->count; i++)
	{
		if (pg_strcasecmp(headers->items[i].name, name) == 0)
			return true;
	}
	return false;
}

static bool
headers_ok(const OgFields *headers)
{
	int			i;

	for (i = 0; headers != NULL && i < headers->count; i++)
	{
		if (!header_ok(&headers->items[i]))
			return false;
	}
	return true;
}

/* Copy headers, target and body into one block.  False without memory. */
static bool
copy_outgoing(OgOutgoing *out, const OgHttpRequest *request)
{
	static const OgFields none = {NULL, 0, 0};
	const OgFields *headers = request->headers ? request->headers : &none;
	const char *path = end_of_origin(request->url);
	const char *slash = (path[0] == '/') ? "" : "/";
	size_t		target_size = strlen(slash) + strlen(path) + 1;
	struct curl_slist *node;
	size_t		nodes_size;
	char	   *space;
	char	   *target;
	int			i;

	out->head_len = target_size;
	nodes_size = ((size_t) headers->count + 2) * sizeof(struct curl_slist);
	out->size = nodes_size + target_size + request->body.len + 1 +
		strlen("Expect") + strlen("Content-Type") + 2 * 3;
	for (i = 0; i < headers->count; i++)
	{
		const OgField *header = &headers->items[i];

		out->size += strlen(header->name) + strlen(header->value) + 3;
		out->head_len += strlen(header->name) + strlen(header->value) + 4;
	}

	out->block = malloc(out->size);
	if (out->block == NULL)
		return false;
	space = out->block;

	node = take(&space, nodes_size);
	for (i = 0; i < headers->count; i++)
		add_line(out, &space, &node, headers->items[i].name,
				 headers->items[i].value);
	add_line(out, &space, &node, "Expect", NULL);
	if (!has_header(headers, "Content-Type"))
		add_line(out, &space, &node, "Content-Type", NULL);

	target = take(&space, target_size);
	snprintf(target, target_size, "%s%s", slash, path);
	out->target = target;

	if (request->body.data != NULL)
	{
		char	   *body = take(&space, request->body.len + 1);

		memcpy(body, request->body.data, request->body.len);
		body[request->body.len] = '\0';
		out->body = body;
		out->body_len = request->body.len;
	}
	return true;
}

/* Wipe and free what libcurl pointed at.  Its handle must be gone. */
void
og_request_free(OgTransfer *transfer)
{
	OgOutgoing *out = &transfer->out;
	OgEndpoint *endpoint = &transfer->endpoint;

	if (out->block != NULL)
	{
		og_wipe(out->block, out->size);
		free(out->block);
	}
	memset(out, 0, sizeof(*out));
	free(endpoint->origin);
	free(endpoint->sslrootcert);
	memset(endpoint, 0, sizeof(*endpoint));
}

/* ----
 * Options
 * ----
 */

/*
 * libcurl's CURLOPT_PREREQFUNCTION: the connection is ready, and the first
 * byte of a request about to leave.
 */
static int
begin_sending(void *transfer, char *remote_ip, char *local_ip,
			  int remote_port, int local_port)
{
	OgTransfer *self = transfer;
	long		connects = 0;
	TimestampTz now;

	if (self->started)
	{
		self->start_refused = true;
		return CURL_PREREQFUNC_ABORT;
	}

	(void) curl_easy_getinfo(self->easy, CURLINFO_NUM_CONNECTS, &connects);

	/* Nobody tells which socket is reused, but it is not watched yet. */
	self->stale = connects == 0 && og_socket_idle_has_input();
	if (self->stale)
		return CURL_PREREQFUNC_ABORT;

	now = GetCurrentTimestamp();
	if (self->ready != NULL && !self->ready(self->owner, now))
	{
		self->too_late = true;
		return CURL_PREREQFUNC_ABORT;
	}
	og_socket_unreserve(self);
	self->started = true;
	self->slept_before = og_event_slept();
	self->started_us = og_clock_now();
	self->response.sent_at = now;
	self->http->nunstarted--;
	return CURL_PREREQFUNC_OK;
}

/* Set an option unless one before it failed. */
#define SET(option, value) \
	(ok = ok && curl_easy_setopt(easy, (option), (value)) == CURLE_OK)

/* Who is asked what. */
static bool
set_request(OgTransfer *transfer, const char *method)
{
	CURL	   *easy = transfer->easy;
	const OgOutgoing *out = &transfer->out;
	bool		ok = true;

	SET(CURLOPT_URL, transfer->endpoint.origin);
	SET(CURLOPT_REQUEST_TARGET, out->target);
	SET(CURLOPT_PROTOCOLS_STR, "http,https");
	SET(CURLOPT_HTTP_VERSION, (long) CURL_HTTP_VERSION_1_1);
	SET(CURLOPT_HTTP09_ALLOWED, 0L);
	SET(CURLOPT_FOLLOWLOCATION, 0L);
	SET(CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
	SET(CURLOPT_NETRC, (long) CURL_NETRC_IGNORED);
	SET(CURLOPT_PROXY, "");
	SET(CURLOPT_NOPROXY, "*");
	SET(CURLOPT_USERAGENT, USER_AGENT);
	SET(CURLOPT_HTTPHEADER, out->headers);

	if (out->body != NULL || strcmp(method, "POST") == 0)
	{
		SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t) out->body_len);
		SET(CURLOPT_POSTFIELDS, out->body ? out->body : "");
	}
	else
		SET(CURLOPT_HTTPGET, 1L);
	SET(CURLOPT_CUSTOMREQUEST, method);
	return ok;
}

/*
 * Connection, its certificate, and how long all may take.  Whose certificates
 * are trusted is set when it goes to its connection: see http_trust.c.
 */
static bool
set_connection(OgTransfer *transfer)
{
	CURL	   *easy = transfer->easy;
	bool		ok = true;

	SET(CURLOPT_NOSIGNAL, 1L);
	SET(CURLOPT_QUICK_EXIT, 1L);
	SET(CURLOPT_CONNECTTIMEOUT_MS, (long) transfer->connect_timeout_ms);
	SET(CURLOPT_TIMEOUT_MS, (long) transfer->timeout_ms);
	SET(CURLOPT_MAXAGE_CONN, OG_MAX_IDLE_SECONDS);
	SET(CURLOPT_TCP_NODELAY, 1L);
	SET(CURLOPT_OPENSOCKETFUNCTION, og_socket_open);
	SET(CURLOPT_OPENSOCKETDATA, transfer);
	SET(CURLOPT_CLOSESOCKETFUNCTION, og_socket_close);
	SET(CURLOPT_CLOSESOCKETDATA, (void *) NULL);
	SET(CURLOPT_PREREQFUNCTION, begin_sending);
	SET(CURLOPT_PREREQDATA, transfer);

	SET(CURLOPT_SSLVERSION, (long) CURL_SSLVERSION_TLSv1_2);
	SET(CURLOPT_SSL_VERIFYPEER, 1L);
	SET(CURLOPT_SSL_VERIFYHOST, 2L);
	SET(CURLOPT_CA_CACHE_TIMEOUT, CA_CACHE_SECONDS);
	return ok;
}

/* Where the answer goes, as it was sent: not even decoded if compressed. */
static bool
set_answer(OgTransfer *transfer)
{
	CURL	   *easy = transfer->easy;
	bool		ok = true;

	SET(CURLOPT_ACCEPT_ENCODING, (char *) NULL);
	SET(CURLOPT_HTTP_CONTENT_DECODING, 0L);
	SET(CURLOPT_HEADERFUNCTION, og_answer_header);
	SET(CURLOPT_HEADERDATA, transfer);
	SET(CURLOPT_WRITEFUNCTION, og_answer_body);
	SET(CURLOPT_WRITEDATA, transfer);
	SET(CURLOPT_ERRORBUFFER, transfer->error);
	SET(CURLOPT_PRIVATE, transfer);
	return ok;
}

/*
 * Make a handle for a request.  On failure, the verdict is written and false
 * answered; the caller frees what was made.
 */
bool
og_request_prepare(OgTransfer *transfer, const OgHttpRequest *request)
{
	if (!is_visible(request->url) || strchr(request->url, '#') != NULL ||
		!endpoint_init(&transfer->endpoint, request))
	{
		og_verdict_unstarted(transfer, false, "the URL is not valid");
		return false;
	}

	if (!headers_ok(request->headers))
	{
		og_verdict_unstarted(transfer, false, "a header is not valid");
		return false;
	}
	if (!copy_outgoing(&transfer->out, request))
	{
		og_verdict_unstarted(transfer, true, "out of memory");
		return false;
	}

	transfer->easy = curl_easy_init();
	if (transfer->easy == NULL ||
		!set_request(transfer, request->method) ||
		!set_connection(transfer) ||
		!set_answer(transfer) ||
		(transfer->sight != NULL && !og_sight_prepare(transfer)))
	{
		og_verdict_unstarted(transfer, true,
							 "libcurl could not prepare the request");
		return false;
	}
	return true;
}
