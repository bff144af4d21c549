/*-------------------------------------------------------------------------
 *
 * http_connection.c
 *		Over which connections transfers go, and which of them wait for one.
 *
 * So many connections per endpoint are kept open between calls (http_kept.c).  A
 * transfer uses one of them as long as there is one that no other transfer uses.
 * All others share a cache of their group's own, which is closed with the group,
 * so what they opened does not outlive the call whichever way that ends.
 *
 * The server allows a process only so many descriptors.  Where all are taken,
 * connections that are kept and idle are closed, the longest idle one first;
 * and a transfer for which none can be closed waits for those of its group.
 *
 * A new connection costs two or three round trips and much computing on both
 * sides.  Where the network is what takes time, answers take at least a third
 * of that, and requests go out at once, each over a connection of its own if
 * need be.  Where answers come much quicker, from the same machine or one close
 * by, a request is answered sooner if it waits until another one is done.  So
 * there, a transfer that finds all connections of its group in use stands in
 * line, and another connection is opened when the line has lost as much time as
 * that costs.  Only time counts in which this process had nothing else to do,
 * and each further connection takes twice as much of it: if the last one did
 * not make the line shorter, the next will hardly.  A group's first transfer
 * never waits.
 *
 * Nothing begins while an answer other than 200 waits to be seen by our caller,
 * who may have to hold everything back.
 *
 * What connecting and answering take is remembered with the endpoint.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "http/http_internal.h"

/* So many slow answers take longer than a connection. */
#define SLOW_ANSWERS		4

/* What a connection is taken to cost while nobody knows. */
#define UNKNOWN_COST_US		INT64CONST(5000)

#define GROWTH				8

#define MAX_DOUBLINGS		10

/* ---------- what connections cost ---------- */

/*
 * An estimate is the least that was seen lately: a longer time lets it grow by a
 * GROWTH-th only.  Of an answer only that time counts in which we slept, for it
 * may have been there for as long as we were busy.
 */
static void
learn(int64 *estimate, int64 us)
{
	us = Max(us, 1);
	if (*estimate == 0)
		*estimate = us;
	else
		*estimate = Min(us, *estimate + *estimate / GROWTH + 1);
}

/* Remember how long a transfer that has ended took to connect and to answer. */
void
og_connection_learn(const OgTransfer *transfer)
{
	OgEndpoint *endpoint = transfer->dial.endpoint;
	long		connects = 0;
	curl_off_t	connect_us = 0;

	if (!transfer->dial.started || transfer->answer.at == 0)
		return;
	(void) curl_easy_getinfo(transfer->dial.easy, CURLINFO_NUM_CONNECTS, &connects);
	(void) curl_easy_getinfo(transfer->dial.easy, endpoint->is_https
							 ? CURLINFO_APPCONNECT_TIME_T
							 : CURLINFO_CONNECT_TIME_T, &connect_us);
	if (connects > 0 && connect_us > 0)
		learn(&endpoint->connect_us, connect_us);
	learn(&endpoint->answer_us, og_event_slept() - transfer->slept_before);
}

static int64
connection_cost_us(const OgEndpoint *endpoint)
{
	return endpoint->connect_us > 0 ? endpoint->connect_us : UNKNOWN_COST_US;
}

/* Is the network what takes time? */
static bool
answers_are_slow(const OgEndpoint *endpoint)
{
	return endpoint->answer_us * SLOW_ANSWERS > connection_cost_us(endpoint);
}

/* ---------- which connection ---------- */

/*
 * Decide over which connections a transfer goes.  Without memory for a cache
 * of the group's own, it uses the common one and closes its connection.
 */
static bool
choose_connections(OgTransfer *transfer)
{
	OgHttp	   *http = transfer->http;

	if (transfer->dial.sight != NULL)
		return true;			/* one of its own: see og_sight_prepare() */
	transfer->kept = og_kept_take(transfer);
	if (transfer->kept == NULL && http->extra == NULL)
		http->extra = og_cache_open();
	transfer->dial.cache = transfer->kept != NULL
		? og_kept_cache(transfer->kept) : http->extra;
	if (transfer->dial.cache == NULL)
		return curl_easy_setopt(transfer->dial.easy, CURLOPT_FORBID_REUSE,
								1L) == CURLE_OK;
	return curl_easy_setopt(transfer->dial.easy, CURLOPT_SHARE,
							transfer->dial.cache) == CURLE_OK;
}

/* ---------- who waits ---------- */

/*
 * Set the descriptor apart that a transfer will need, unless there is an idle
 * connection for it; kept ones are closed for that.  False if there is none.
 */
static bool
take_room(OgTransfer *transfer)
{
	const CURLSH *extra = transfer->http->extra;

	if (transfer->dial.sight == NULL &&
		(og_kept_is_idle(transfer->dial.endpoint) ||
		 (extra != NULL && og_socket_any_in(extra, true))))
		return true;
	return og_kept_make_room(&transfer->dial);
}

/* Hand a transfer to libcurl, which sends it now if it can. */
static void
run_transfer(OgTransfer *transfer)
{
	if (og_trust_apply(&transfer->dial) && choose_connections(transfer))
	{
		og_socket_check_idle(transfer->dial.cache);
		og_event_add(transfer);
	}
	else
		og_event_fail(transfer);
}

/*
 * Has an answer come that our caller has not seen yet, and that may tell him to
 * send nothing more?
 */
static bool
refusal_unseen(const OgHttp *http)
{
	dlist_iter	iter;

	dlist_foreach(iter, (dlist_head *) &http->transfers[OG_ENDED])
	{
		int			status = og_transfer_of(iter.cur)->response.status;

		if (status != 0 && status != 200)
			return true;
	}
	return false;
}

/*
 * How much time has to be lost before the next in line may begin: none where
 * not all connections are used, be it one that another call left.
 */
static int64
next_connection_price(const OgHttp *http, const OgTransfer *next)
{
	if (http->nrunning == 0 || http->nrunning < http->width ||
		answers_are_slow(next->dial.endpoint) || og_kept_is_idle(next->dial.endpoint))
		return 0;
	return connection_cost_us(next->dial.endpoint) <<
		Min(Max(http->width - 1, 0), MAX_DOUBLINGS);
}

/*
 * Begin those in line that have a connection now, or shall have a new one.
 * Answers after how much more sleep the next connection is due, or -1.
 */
int64
og_connection_advance(OgHttp *http)
{
	dlist_head *line = &http->transfers[OG_WAITING];
	int64		slept_us = og_event_slept();

	if (!dlist_is_empty(line))
		http->lost_us += slept_us - http->slept_seen;
	http->slept_seen = slept_us;
	if (refusal_unseen(http))
		return -1;

	while (!dlist_is_empty(line))
	{
		OgTransfer *transfer = og_transfer_of(dlist_head_node(line));
		int64		price_us = next_connection_price(http, transfer);

		if (http->lost_us < price_us)
			return price_us - http->lost_us;

		/* Without any other, it goes on all the same, and ends by that. */
		if (!take_room(transfer) && http->nrunning > 0)
			return -1;
		if (http->nrunning >= http->width)
		{
			http->lost_us = 0;
			http->width++;
		}
		run_transfer(transfer);
	}
	return -1;
}

/* Let a transfer that was prepared stand in line, and begin if it may. */
void
og_connection_take(OgTransfer *transfer)
{
	OgHttp	   *http = transfer->http;

	/* What those before it have lost must be counted without it. */
	(void) og_connection_advance(http);
	og_transfer_move(transfer, OG_WAITING);
	(void) og_connection_advance(http);
}
