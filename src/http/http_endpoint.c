/*-------------------------------------------------------------------------
 *
 * http_endpoint.c
 *		Where requests go: URLs, and the endpoints that they lead to.
 *
 * What a process knows of an endpoint outlives the transfers to it, and holds
 * no key.  When there are too many, the one that was left longest ago gives way.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/memutils.h"

#include "http/http_internal.h"

/* More than there can be connections. */
#define MAX_ENDPOINTS	1024

/* Those whose last transfer ended longest ago come first. */
static dlist_head endpoints = DLIST_STATIC_INIT(endpoints);
static int	nendpoints = 0;

#define endpoint_of(link) \
	((OgEndpoint *) ((char *) (link) - offsetof(OgEndpoint, node)))

/* ---------- URLs ---------- */

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
	char	   *url = NULL;
	char	   *origin = NULL;
	size_t		len;

	if (parser != NULL &&
		curl_url_set(parser, CURLUPART_URL, text,
					 CURLU_DISALLOW_USER) == CURLUE_OK &&
		curl_url_get(parser, CURLUPART_URL, &url,
					 CURLU_DEFAULT_PORT) == CURLUE_OK)
	{
		len = strlen(url) - strlen("/");
		if (len > 2 && strncmp(url + len - 2, ":0", 2) != 0)
			origin = strndup(url, len);
		for (char *c = origin; c != NULL && *c != '\0'; c++)
			*c = (char) pg_ascii_tolower((unsigned char) *c);
	}
	curl_free(url);
	curl_url_cleanup(parser);
	return origin;
}

/*
 * The same of any URL, or NULL.  The last one is remembered, because a session
 * mostly talks to one server: an origin holds no secret.
 */
static const char *
parse_origin(const char *url)
{
	static char *text = NULL;
	static char *origin = NULL;
	const char *end = og_url_path(url);

	if (end == NULL)
		return NULL;
	if (origin == NULL || strlen(text) != (size_t) (end - url) ||
		memcmp(text, url, end - url) != 0)
	{
		free(text);
		free(origin);
		text = strndup(url, end - url);
		origin = text != NULL ? normalize_origin(text) : NULL;
	}
	return origin;
}

static bool
is_encrypted(const char *origin)
{
	return strncmp(origin, "https:", 6) == 0;
}

bool
og_http_base_url_ok(const char *url, bool *is_https)
{
	const char *origin;

	if (strlen(url) > MAX_BASE_URL || !og_is_visible(url) ||
		strpbrk(url, "?#@\\\"<>^`{|}") != NULL)
		return false;
	origin = parse_origin(url);
	if (origin != NULL)
		*is_https = is_encrypted(origin);
	return origin != NULL;
}

/* ---------- endpoints ---------- */

/* Does a connection made for this endpoint serve one of these? */
static bool
is_same(const OgEndpoint *endpoint, const char *origin, const char *sslrootcert)
{
	if (strcmp(endpoint->origin, origin) != 0)
		return false;
	if (endpoint->sslrootcert == NULL || sslrootcert == NULL)
		return endpoint->sslrootcert == sslrootcert;
	return strcmp(endpoint->sslrootcert, sslrootcert) == 0;
}

/* Forget the one that was left longest ago. */
static void
forget_oldest(void)
{
	dlist_iter	iter;

	dlist_foreach(iter, &endpoints)
	{
		OgEndpoint *endpoint = endpoint_of(iter.cur);

		if (endpoint->users > 0)
			continue;
		og_kept_close_all(endpoint);
		dlist_delete(&endpoint->node);
		nendpoints--;
		pfree(endpoint->origin);
		if (endpoint->sslrootcert != NULL)
			pfree(endpoint->sslrootcert);
		pfree(endpoint);
		return;
	}
}

static OgEndpoint *
make_endpoint(const char *origin, const char *sslrootcert)
{
	OgEndpoint *endpoint = MemoryContextAllocZero(TopMemoryContext,
												  sizeof(OgEndpoint));

	endpoint->origin = MemoryContextStrdup(TopMemoryContext, origin);
	if (sslrootcert != NULL)
		endpoint->sslrootcert = MemoryContextStrdup(TopMemoryContext,
													sslrootcert);
	dlist_init(&endpoint->idle);
	endpoint->is_https = is_encrypted(origin);
	endpoint->site = strstr(endpoint->origin, "://") + 3;
	if (nendpoints >= MAX_ENDPOINTS)
		forget_oldest();
	dlist_push_tail(&endpoints, &endpoint->node);
	nendpoints++;
	return endpoint;
}

OgEndpoint *
og_endpoint_enter(const char *url, const char *sslrootcert)
{
	const char *origin = parse_origin(url);
	OgEndpoint *endpoint = NULL;
	dlist_iter	iter;

	if (origin == NULL)
		return NULL;
	dlist_reverse_foreach(iter, &endpoints)
	{
		if (is_same(endpoint_of(iter.cur), origin, sslrootcert))
		{
			endpoint = endpoint_of(iter.cur);
			break;
		}
	}
	if (endpoint == NULL)
		endpoint = make_endpoint(origin, sslrootcert);
	endpoint->users++;
	return endpoint;
}

void
og_endpoint_leave(OgEndpoint *endpoint)
{
	endpoint->users--;
	dlist_delete(&endpoint->node);
	dlist_push_tail(&endpoints, &endpoint->node);
}
