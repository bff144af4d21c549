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

/* How long a parsed file of authorities is used even if it looks the same. */
#define CA_CACHE_SECONDS 300L

/* ----
 * What libcurl points at
 * ----
 */

/* True if libcurl can write it as one header line, and only one. */
static bool
header_ok(const OgField *header)
{
	const char *c;

	if (header->name[0] == '\0' || !og_is_visible(header->name) ||
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
	const char *path = og_url_path(request->url);
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

	if (out->block != NULL)
	{
		og_wipe(out->block, out->size);
		free(out->block);
	}
	memset(out, 0, sizeof(*out));
	og_endpoint_free(&transfer->endpoint);
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
	og_event_unstarted(-1);
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
	SET(CURLOPT_HEADERFUNCTION, og_incoming_header);
	SET(CURLOPT_HEADERDATA, transfer);
	SET(CURLOPT_WRITEFUNCTION, og_incoming_body);
	SET(CURLOPT_WRITEDATA, transfer);
	SET(CURLOPT_ERRORBUFFER, transfer->error);
	SET(CURLOPT_PRIVATE, transfer);
	return ok;
}

/*
 * Make a handle for a request.  On failure, the ending is written and false
 * answered; the caller frees what was made.
 */
bool
og_request_prepare(OgTransfer *transfer, const OgHttpRequest *request)
{
	if (!og_is_visible(request->url) || strchr(request->url, '#') != NULL ||
		!og_endpoint_init(&transfer->endpoint, request))
	{
		og_ending_unstarted(transfer, false, "the URL is not valid");
		return false;
	}

	if (!headers_ok(request->headers))
	{
		og_ending_unstarted(transfer, false, "a header is not valid");
		return false;
	}
	if (!copy_outgoing(&transfer->out, request))
	{
		og_ending_unstarted(transfer, true, "out of memory");
		return false;
	}

	transfer->easy = curl_easy_init();
	if (transfer->easy == NULL ||
		!set_request(transfer, request->method) ||
		!set_connection(transfer) ||
		!set_answer(transfer) ||
		(transfer->sight != NULL && !og_sight_prepare(transfer)))
	{
		og_ending_unstarted(transfer, true,
							 "libcurl could not prepare the request");
		return false;
	}
	return true;
}
