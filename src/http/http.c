/*-------------------------------------------------------------------------
 *
 * http.c
 *		Groups of transfers: opening, starting, waiting, giving up.
 *
 * A transfer ends exactly once, in end_transfer(): its ending is written,
 * its handle is freed and what could hold a secret is wiped.  Handles are
 * not kept: curl_easy_reset() leaves parts of the last URL in them, and a new
 * one costs microseconds.  Connections (http_endpoint.c) and the parsed file of
 * authorities, which are what is dear, outlive them.
 *
 * Our copies of headers, target and body are wiped when a transfer ends.
 * libcurl's own (of the target, and of the request in its send buffers) are
 * freed then, and it offers no way to wipe them: freed memory of the process
 * may hold their bytes until it is used again.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/memutils.h"

#include "http/http_internal.h"

/* Free what a transfer held while it was under way. */
static void
let_go(OgTransfer *transfer)
{
	OgEndpoint *endpoint = transfer->endpoint;

	if (transfer->easy != NULL)
	{
		og_connection_leave(transfer);
		og_event_remove(transfer);
		curl_easy_cleanup(transfer->easy);
		transfer->easy = NULL;
		if (transfer->cache != NULL && transfer->cache == endpoint->kept)
			og_kept_leave(endpoint);
	}
	og_socket_unreserve(transfer);
	if (!transfer->started && !transfer->ended)
		og_event_unstarted(-1);
	transfer->ended = true;
	og_request_free(transfer);
	if (endpoint != NULL)
		og_endpoint_leave(endpoint);
	transfer->endpoint = NULL;
}

/* Let og_http_next() answer a transfer that has ended. */
static void
enqueue(OgTransfer *transfer)
{
	og_event_news(transfer->http);
	dlist_push_tail(&transfer->http->ended, &transfer->ended_node);
	transfer->queued = true;
}

static void
dequeue(OgTransfer *transfer)
{
	if (transfer->queued)
		dlist_delete(&transfer->ended_node);
	transfer->queued = false;
}

/*
 * The connection of an answer that was not whole is at its end, or the rest of
 * that answer may still come.  libcurl thinks so too, but not always: 8.22 goes
 * on with one that TLS closed in the middle of a head.
 */
static void
discard_connection(OgTransfer *transfer)
{
	curl_socket_t fd = CURL_SOCKET_BAD;

	if (curl_easy_getinfo(transfer->easy, CURLINFO_ACTIVESOCKET,
						  &fd) == CURLE_OK && fd != CURL_SOCKET_BAD)
		og_socket_discard(fd);
}

/* libcurl is done with a transfer. */
static void
end_transfer(OgTransfer *transfer, CURLcode code)
{
	og_ending(transfer, code);
	if (transfer->response.delivery != OG_ANSWERED)
		discard_connection(transfer);
	let_go(transfer);
	enqueue(transfer);
}

/* The context of a group goes.  Must not throw. */
static void
close_on_reset(void *http)
{
	og_http_close(http);
}

OgHttp *
og_http_open(MemoryContext context)
{
	OgHttp	   *http;

	og_event_init(end_transfer);

	http = MemoryContextAllocZero(context, sizeof(OgHttp));
	http->context = context;
	dlist_init(&http->transfers);
	dlist_init(&http->ended);
	dlist_init(&http->waiting);
	http->slept_seen = og_event_slept();
	http->on_reset.func = close_on_reset;
	http->on_reset.arg = http;
	MemoryContextRegisterResetCallback(context, &http->on_reset);
	return http;
}

OgTransfer *
og_http_start(OgHttp *http, const OgHttpRequest *request)
{
	OgTransfer *transfer;

	Assert(!http->closed);
	transfer = MemoryContextAllocZero(http->context, sizeof(OgTransfer));
	transfer->http = http;
	transfer->ready = request->ready;
	transfer->owner = request->owner;
	transfer->connect_timeout_ms = request->connect_timeout_ms;
	transfer->timeout_ms = request->timeout_ms;
	transfer->sight = request->sight;
	transfer->answer.limit = request->max_response_size;
	transfer->answer.content_length = -1;
	transfer->response.retry_after_ms = -1;
	dlist_push_tail(&http->transfers, &transfer->node);
	og_event_unstarted(1);

	if (og_request_prepare(transfer, request))
		og_connection_take(transfer);
	else
	{
		let_go(transfer);
		enqueue(transfer);
	}
	return transfer;
}

/* Give up what could not be begun or watched. */
static void
end_broken(OgHttp *http)
{
	dlist_iter	iter;

	if (!http->broken)
		return;
	http->broken = false;
	dlist_foreach(iter, &http->transfers)
	{
		OgTransfer *transfer = og_transfer_of(node, iter.cur);

		if (transfer->easy == NULL || transfer->broken == NULL)
			continue;
		og_http_abandon(transfer, transfer->broken);
		enqueue(transfer);
	}
}

OgTransfer *
og_http_next(OgHttp *http, int64 *due)
{
	OgTransfer *transfer;
	int64		due_us;

	/* The next request leaves before an answer is read. */
	due_us = og_connection_advance(http);
	end_broken(http);
	*due = due_us < 0 ? 0 : og_clock_now() + due_us;
	if (dlist_is_empty(&http->ended))
	{
		og_event_await(http);
		return NULL;
	}
	transfer = og_transfer_of(ended_node, dlist_head_node(&http->ended));
	dequeue(transfer);
	return transfer;
}

void *
og_http_owner(const OgTransfer *transfer)
{
	return transfer->owner;
}

const OgResponse *
og_http_response(const OgTransfer *transfer)
{
	return &transfer->response;
}

void
og_http_abandon(OgTransfer *transfer, const char *problem)
{
	if (transfer->easy == NULL)
		return;
	og_ending_abandoned(transfer, problem);
	let_go(transfer);
}

void
og_http_release(OgTransfer *transfer)
{
	let_go(transfer);
	dequeue(transfer);
	og_incoming_free(&transfer->answer);
	curl_free(transfer->location);
	dlist_delete(&transfer->node);
	pfree(transfer);
}

void
og_http_close(OgHttp *http)
{
	if (http->closed)
		return;
	http->closed = true;
	while (!dlist_is_empty(&http->transfers))
		og_http_release(og_transfer_of(node,
									dlist_head_node(&http->transfers)));
	og_cache_close(http->extra);
	http->extra = NULL;
}
