/*-------------------------------------------------------------------------
 *
 * http_endpoint.c
 *		URLs, and the TCP endpoint that one leads to.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "http/http_internal.h"

/*
 * Longer than any documented base URL, shorter than what the strictest server
 * takes (8 kB) by enough to leave room for path and query.
 */
#define MAX_BASE_URL 1024

/* True if all of it is visible ASCII: no space, no control character. */
bool
og_is_visible(const char *text)
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
const char *
og_url_path(const char *url)
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
	const char *end = og_url_path(url);
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

	if (strlen(url) > MAX_BASE_URL || !og_is_visible(url) ||
		strpbrk(url, "?#@\\\"<>^`{|}") != NULL)
		return false;

	origin = parse_origin(url);
	ok = (origin != NULL);
	if (ok && is_https != NULL)
		*is_https = (strncmp(origin, "https:", 6) == 0);
	free(origin);
	return ok;
}

bool
og_endpoint_init(OgEndpoint *endpoint, const OgHttpRequest *request)
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

void
og_endpoint_free(OgEndpoint *endpoint)
{
	free(endpoint->origin);
	free(endpoint->sslrootcert);
	memset(endpoint, 0, sizeof(*endpoint));
}
