/*-------------------------------------------------------------------------
 *
 * http_kept.c
 *		The one connection per endpoint that stays open between calls.
 *
 * Each lives in a cache of its own (a CURLSH), which is what can be closed: a
 * cache of many would close the one that libcurl likes to.  One is closed when
 * its endpoint's authorities have changed, when it has been idle for too long
 * to be used again, and, the longest idle one first, when a descriptor is needed
 * and the server allows no more of them.  One that a transfer uses is not
 * closed before that has ended.
 *
 * An entry without an open socket is dropped when its transfer has ended, so
 * there are never more of them than descriptors.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "http/http_internal.h"

struct OgKept
{
	dlist_node	node;			/* in "kept" */
	char	   *origin;			/* malloc'd */
	char	   *sslrootcert;	/* malloc'd, or NULL */
	uint32		trust;			/* og_trust_apply() then */
	bool		distrusted;		/* not to be used again */
	CURLSH	   *connections;
	uint64		cache;			/* its number, for http_socket.c */
	bool		in_use;
	int64		idle_since;		/* og_clock_now() */
};

/* Longest idle first; those in use are anywhere. */
static dlist_head kept = DLIST_STATIC_INIT(kept);

#define kept_of(link) \
	((OgKept *) ((char *) (link) - offsetof(OgKept, node)))

uint64
og_cache_number(void)
{
	static uint64 last = 0;

	return ++last;
}

CURLSH *
og_cache_open(void)
{
	CURLSH	   *cache = curl_share_init();

	if (cache != NULL &&
		curl_share_setopt(cache, CURLSHOPT_SHARE,
						  CURL_LOCK_DATA_CONNECT) != CURLSHE_OK)
	{
		(void) curl_share_cleanup(cache);
		return NULL;
	}
	return cache;
}

/* Close what an entry keeps, and forget it.  It must not be in use. */
static void
drop(OgKept *entry)
{
	dlist_delete(&entry->node);
	(void) curl_share_cleanup(entry->connections);
	free(entry->origin);
	free(entry->sslrootcert);
	free(entry);
	og_socket_recount();
}

static bool
is_for(const OgKept *entry, const OgEndpoint *endpoint)
{
	OgEndpoint	own = {.origin = entry->origin,
	.sslrootcert = entry->sslrootcert};

	return og_endpoint_equal(&own, endpoint);
}

static OgKept *
find(const OgEndpoint *endpoint)
{
	dlist_iter	iter;

	dlist_foreach(iter, &kept)
	{
		OgKept	   *entry = kept_of(iter.cur);

		if (is_for(entry, endpoint))
			return entry;
	}
	return NULL;
}

/* A new entry for an endpoint, or NULL without memory. */
static OgKept *
make(const OgEndpoint *endpoint)
{
	OgKept	   *entry = calloc(1, sizeof(OgKept));

	if (entry == NULL)
		return NULL;
	entry->origin = strdup(endpoint->origin);
	if (endpoint->sslrootcert != NULL)
		entry->sslrootcert = strdup(endpoint->sslrootcert);
	entry->connections = og_cache_open();
	if (entry->origin == NULL || entry->connections == NULL ||
		(endpoint->sslrootcert != NULL && entry->sslrootcert == NULL))
	{
		if (entry->connections != NULL)
			(void) curl_share_cleanup(entry->connections);
		free(entry->sslrootcert);
		free(entry->origin);
		free(entry);
		return NULL;
	}
	entry->cache = og_cache_number();
	entry->trust = endpoint->trust;
	dlist_push_tail(&kept, &entry->node);
	return entry;
}

static bool
is_usable(const OgKept *entry)
{
	return !entry->distrusted &&
		og_clock_now() - entry->idle_since < OG_MAX_IDLE_SECONDS * USECS_PER_SEC;
}

/*
 * Let a transfer use the connection that is kept for its endpoint, or make the
 * one that will be.  False if another transfer uses it, or without memory.
 */
bool
og_kept_take(OgTransfer *transfer)
{
	OgKept	   *entry = find(&transfer->endpoint);

	if (entry != NULL && entry->in_use)
		return false;
	if (entry != NULL && (!is_usable(entry) ||
						  entry->trust != transfer->endpoint.trust))
	{
		drop(entry);
		entry = NULL;
	}
	if (entry == NULL)
		entry = make(&transfer->endpoint);
	if (entry == NULL ||
		curl_easy_setopt(transfer->easy, CURLOPT_SHARE,
						 entry->connections) != CURLE_OK)
		return false;
	entry->in_use = true;
	transfer->kept = entry;
	transfer->cache = entry->cache;
	return true;
}

/* Its transfer has ended, and its handle is gone. */
void
og_kept_leave(OgTransfer *transfer)
{
	OgKept	   *entry = transfer->kept;

	if (entry == NULL)
		return;
	transfer->kept = NULL;
	entry->in_use = false;
	entry->idle_since = og_clock_now();
	dlist_delete(&entry->node);
	dlist_push_tail(&kept, &entry->node);
	if (entry->distrusted || !og_socket_any_in(entry->cache, false))
		drop(entry);
}

/*
 * Has the endpoint an idle connection that it may use, as far as its authorities
 * have not changed?
 */
bool
og_kept_is_idle(const OgEndpoint *endpoint)
{
	OgKept	   *entry = find(endpoint);

	return entry != NULL && !entry->in_use && is_usable(entry) &&
		og_socket_any_in(entry->cache, true);
}

/* Nothing that was verified by this version of some authorities serves now. */
void
og_kept_distrust(uint32 trust)
{
	dlist_mutable_iter iter;

	dlist_foreach_modify(iter, &kept)
	{
		OgKept	   *entry = kept_of(iter.cur);

		if (entry->trust != trust)
			continue;
		entry->distrusted = true;
		if (!entry->in_use)
			drop(entry);
	}
}

/* Close the connection that has been idle for longest.  False if all are used. */
bool
og_kept_close_oldest(void)
{
	dlist_iter	iter;

	dlist_foreach(iter, &kept)
	{
		OgKept	   *entry = kept_of(iter.cur);

		if (!entry->in_use)
		{
			drop(entry);
			return true;
		}
	}
	return false;
}
