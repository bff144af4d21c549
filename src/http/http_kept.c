/*-------------------------------------------------------------------------
 *
 * http_kept.c
 *		Caches of connections, and the connections that stay open to each endpoint
 *		between calls.
 *
 * A session keeps one per endpoint; a process that makes many calls at once
 * keeps as many as it says.  Each lives in a cache of its own (a CURLSH), which
 * is what can be closed: of a cache of many libcurl would close the one that it
 * likes to.  While a transfer uses one, it is that transfer's alone.
 *
 * The one that was used last is used first, so that those which are not needed
 * grow old.  One is closed when its endpoint's authorities have changed, when it
 * has been idle for too long to be used again, and, the longest idle one first,
 * when a descriptor is needed and the server allows no more of them.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/memutils.h"

#include "http/http_internal.h"

struct OgKept
{
	dlist_node	node;			/* in its endpoint's list of idle ones */
	dlist_node	age;			/* in the list of all idle ones */
	OgEndpoint *endpoint;
	CURLSH	   *cache;
	uint64		trust;			/* whom it trusts: see og_trust_apply() */
	int64		idle_since;		/* og_clock_now() */
};

/* Those that have been idle for longest come first. */
static dlist_head by_age = DLIST_STATIC_INIT(by_age);
static int	nkept = 0;
static int	most = 1;			/* per endpoint */

#define kept_of(link, member) \
	((OgKept *) ((char *) (link) - offsetof(OgKept, member)))

/* ---------- caches of connections ---------- */

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

/* NULL is none.  Nothing of one that was closed is taken for one of the next. */
void
og_cache_close(CURLSH *cache)
{
	if (cache == NULL)
		return;
	(void) curl_share_cleanup(cache);
	og_socket_recount(cache);
}

/* ---------- kept connections ---------- */

void
og_http_keep(int per_endpoint)
{
	most = per_endpoint;
}

int
og_http_kept_count(void)
{
	return nkept;
}

CURLSH *
og_kept_cache(const OgKept *kept)
{
	return kept->cache;
}

static bool
is_too_old(const OgKept *kept)
{
	return og_clock_now() - kept->idle_since >=
		OG_MAX_IDLE_SECONDS * USECS_PER_SEC;
}

/* The idle one of an endpoint that was used last, or NULL. */
static OgKept *
youngest_of(const OgEndpoint *endpoint)
{
	dlist_head *idle = (dlist_head *) &endpoint->idle;

	return dlist_is_empty(idle) ? NULL : kept_of(dlist_head_node(idle), node);
}

static void
unlist(OgKept *kept)
{
	dlist_delete(&kept->node);
	dlist_delete(&kept->age);
}

/* It is in no list. */
static void
close_kept(OgKept *kept)
{
	og_cache_close(kept->cache);
	kept->endpoint->nkept--;
	nkept--;
	pfree(kept);
}

static void
close_idle(OgKept *kept)
{
	unlist(kept);
	close_kept(kept);
}

/* One that will be a transfer's when that connects; NULL without memory. */
static OgKept *
make_kept(const OgTransfer *transfer)
{
	OgKept	   *kept = MemoryContextAllocExtended(TopMemoryContext,
												  sizeof(OgKept),
												  MCXT_ALLOC_NO_OOM);

	if (kept == NULL)
		return NULL;
	kept->cache = og_cache_open();
	if (kept->cache == NULL)
	{
		pfree(kept);
		return NULL;
	}
	kept->endpoint = transfer->dial.endpoint;
	kept->trust = transfer->dial.trust;
	kept->endpoint->nkept++;
	nkept++;
	return kept;
}

/*
 * A connection to a transfer's endpoint that is kept, or will be: the transfer's
 * alone until it leaves.  NULL if others use them all, or without memory.
 */
OgKept *
og_kept_take(const OgTransfer *transfer)
{
	OgEndpoint *endpoint = transfer->dial.endpoint;
	OgKept	   *kept;

	while ((kept = youngest_of(endpoint)) != NULL)
	{
		if (kept->trust == transfer->dial.trust && !is_too_old(kept))
		{
			unlist(kept);
			return kept;
		}
		close_idle(kept);
	}
	return endpoint->nkept < most ? make_kept(transfer) : NULL;
}

/* The transfer that used it has ended, and its handle is gone. */
void
og_kept_leave(OgKept *kept)
{
	OgEndpoint *endpoint = kept->endpoint;

	og_socket_recount(kept->cache);
	while (endpoint->nkept > most && !dlist_is_empty(&endpoint->idle))
		close_idle(kept_of(dlist_tail_node(&endpoint->idle), node));
	if (endpoint->nkept > most || !og_socket_any_in(kept->cache, false))
	{
		close_kept(kept);
		return;
	}
	kept->idle_since = og_clock_now();
	dlist_push_head(&endpoint->idle, &kept->node);
	dlist_push_tail(&by_age, &kept->age);
}

/* Is there an idle one, as far as authorities have not changed? */
bool
og_kept_is_idle(const OgEndpoint *endpoint)
{
	const OgKept *kept = youngest_of(endpoint);

	return kept != NULL && !is_too_old(kept) &&
		og_socket_any_in(kept->cache, true);
}

/* Close the one that has been idle for longest.  False if all are used. */
static bool
close_oldest(void)
{
	if (dlist_is_empty(&by_age))
		return false;
	close_idle(kept_of(dlist_head_node(&by_age), age));
	return true;
}

/*
 * Set the descriptor apart that a new connection will need; idle ones are closed
 * for that.  False if there is none.
 */
bool
og_kept_make_room(OgDial *dial)
{
	while (!og_socket_reserve(dial))
	{
		if (!close_oldest())
			return false;
	}
	return true;
}

/* Close those that have been idle for too long. */
void
og_kept_close_old(void)
{
	while (!dlist_is_empty(&by_age) &&
		   is_too_old(kept_of(dlist_head_node(&by_age), age)))
		(void) close_oldest();
}

/* Close all of an endpoint that nobody uses. */
void
og_kept_close_all(OgEndpoint *endpoint)
{
	OgKept	   *kept;

	while ((kept = youngest_of(endpoint)) != NULL)
		close_idle(kept);
}
