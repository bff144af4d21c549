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

/* ---------- what libcurl points at ---------- */

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

static bool
headers_ok(const OgFields *headers)
{
	for (int i = 0; i < headers->count; i++)
	{
		if (!header_ok(&headers->items[i]))
			return false;
	}
	return true;
}

static bool
has_header(const OgFields *headers, const char *name)
{
	for (int i = 0; i < headers->count; i++)
	{
		if (pg_strcasecmp(headers->items[i].name, name) == 0)
			return true;
	}
	return false;
}

/* One text of three, without a copy of any of it elsewhere. */
static char *
join(MemoryContext context, const char *a, const char *b, const char *c)
{
	size_t		size = strlen(a) + strlen(b) + strlen(c) + 1;
	char	   *text = MemoryContextAlloc(context, size);

	snprintf(text, size, "%s%s%s", a, b, c);
	return text;
}

static void
add_line(OgOutgoing *out, char *line)
{
	struct curl_slist *node = &out->lines[out->nlines++];

	node->data = line;
	node->next = NULL;
	if (out->nlines > 1)
		node[-1].next = node;
	out->head_len += strlen(line) + 2;
}

/*
 * Copy headers, target and body.  To libcurl "Name;" is an empty header, and
 * "Name:" says to send none where it would by itself.
 */
static void
copy_outgoing(OgTransfer *transfer, const OgHttpRequest *request)
{
	OgOutgoing *out = &transfer->out;
	MemoryContext context = transfer->http->context;
	const OgFields *headers = request->headers;
	const char *path = og_url_path(request->url);

	out->lines = MemoryContextAlloc(context, (headers->count + 2) *
									sizeof(struct curl_slist));
	for (int i = 0; i < headers->count; i++)
	{
		const OgField *header = &headers->items[i];

		add_line(out, join(context, header->name,
						   header->value[0] == '\0' ? ";" : ": ",
						   header->value));
	}
	add_line(out, join(context, "Expect", ":", ""));
	if (!has_header(headers, "Content-Type"))
		add_line(out, join(context, "Content-Type", ":", ""));

	out->target = join(context, path[0] == '/' ? "" : "/", path, "");
	out->head_len += strlen(out->target);
	if (request->body.data != NULL)
	{
		out->body = MemoryContextAlloc(context, request->body.len);
		out->body_len = request->body.len;
		memcpy(out->body, request->body.data, request->body.len);
	}
}

/* Wipe and free what libcurl pointed at.  Its handle must be gone. */
void
og_request_free(OgTransfer *transfer)
{
	OgOutgoing *out = &transfer->out;

	for (int i = 0; i < out->nlines; i++)
		og_wipe_text(out->lines[i].data);
	if (out->lines != NULL)
		pfree(out->lines);
	og_wipe_text(out->target);
	if (out->body != NULL)
	{
		og_wipe(out->body, out->body_len);
		pfree(out->body);
	}
	memset(out, 0, sizeof(*out));
}

/* ---------- options ---------- */

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

	if (self->dial.started)
	{
		self->dial.start_refused = true;
		return CURL_PREREQFUNC_ABORT;
	}

	(void) curl_easy_getinfo(self->dial.easy, CURLINFO_NUM_CONNECTS, &connects);

	/* Nobody tells which socket is reused, but it is not watched yet. */
	self->stale = connects == 0 && og_socket_idle_has_input(self->dial.cache);
	if (self->stale)
		return CURL_PREREQFUNC_ABORT;

	now = GetCurrentTimestamp();
	if (!self->ready(self->owner, now))
	{
		self->too_late = true;
		return CURL_PREREQFUNC_ABORT;
	}
	og_socket_unreserve(&self->dial);
	self->dial.started = true;
	self->slept_before = og_event_slept();
	self->started_us = og_clock_now();
	self->response.sent_at = now;

	/* From now on it is an answer that is waited for. */
	og_event_news(self->http);
	return CURL_PREREQFUNC_OK;
}

/* Who is asked what. */
static bool
set_request(OgTransfer *transfer, const char *method)
{
	CURL	   *easy = transfer->dial.easy;
	const OgOutgoing *out = &transfer->out;
	bool		ok = true;

	OG_SET(CURLOPT_REQUEST_TARGET, out->target);
	OG_SET(CURLOPT_HTTP09_ALLOWED, 0L);
	OG_SET(CURLOPT_FOLLOWLOCATION, 0L);
	OG_SET(CURLOPT_USERAGENT, OG_USER_AGENT);
	OG_SET(CURLOPT_HTTPHEADER, out->lines);

	if (out->body != NULL || strcmp(method, "POST") == 0)
	{
		OG_SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t) out->body_len);
		OG_SET(CURLOPT_POSTFIELDS, out->body ? out->body : "");
	}
	else
		OG_SET(CURLOPT_HTTPGET, 1L);
	OG_SET(CURLOPT_CUSTOMREQUEST, method);
	return ok;
}

/* How it connects, when it may leave, and how long all may take. */
static bool
set_connection(OgTransfer *transfer)
{
	CURL	   *easy = transfer->dial.easy;
	bool		ok = og_dial_prepare(&transfer->dial);

	OG_SET(CURLOPT_TIMEOUT_MS, (long) transfer->timeout_ms);
	OG_SET(CURLOPT_MAXAGE_CONN, OG_MAX_IDLE_SECONDS);
	OG_SET(CURLOPT_PREREQFUNCTION, begin_sending);
	OG_SET(CURLOPT_PREREQDATA, transfer);
	return ok;
}

/* Where the answer goes, as it was sent: not even decoded if compressed. */
static bool
set_answer(OgTransfer *transfer)
{
	CURL	   *easy = transfer->dial.easy;
	bool		ok = true;

	OG_SET(CURLOPT_ACCEPT_ENCODING, (char *) NULL);
	OG_SET(CURLOPT_HTTP_CONTENT_DECODING, 0L);
	OG_SET(CURLOPT_HEADERFUNCTION, og_incoming_header);
	OG_SET(CURLOPT_HEADERDATA, transfer);
	OG_SET(CURLOPT_WRITEFUNCTION, og_incoming_body);
	OG_SET(CURLOPT_WRITEDATA, transfer);
	OG_SET(CURLOPT_PRIVATE, transfer);
	return ok;
}

/* Make a handle for a request.  On failure, the ending is written. */
bool
og_request_prepare(OgTransfer *transfer, const OgHttpRequest *request)
{
	if (og_is_visible(request->url) && strchr(request->url, '#') == NULL)
		transfer->dial.endpoint = og_endpoint_enter(request->url,
											   request->sslrootcert);
	if (transfer->dial.endpoint == NULL || !headers_ok(request->headers))
	{
		og_ending(transfer, CURLE_URL_MALFORMAT, transfer->dial.endpoint == NULL
				  ? "the URL is not valid" : "a header is not valid");
		transfer->response.may_retry = false;
		return false;
	}
	copy_outgoing(transfer, request);

	transfer->dial.easy = curl_easy_init();
	if (transfer->dial.easy == NULL ||
		!set_request(transfer, request->method) ||
		!set_connection(transfer) ||
		!set_answer(transfer) ||
		(transfer->dial.sight != NULL && !og_sight_prepare(transfer)))
	{
		og_ending(transfer, CURLE_OUT_OF_MEMORY,
				  "libcurl could not prepare the request");
		return false;
	}
	return true;
}
