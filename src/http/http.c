/*-------------------------------------------------------------------------
 *
 * http.c
 *		Groups of transfers: opening, starting, waiting, giving up.
 *
 * A transfer ends exactly once, in end_transfer(): its ending is written,
 * its handle is freed and what could hold a secret is wiped.  Handles are
 * not kept: curl_easy_reset() leaves parts of the last URL in them, and a new
 * one costs microseconds.  Connections (http_kept.c) and the parsed file of
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

#include "http/http_internal.h"

/* Free what a transfer held while it was under way. */
static void
let_go(OgTransfer *transfer)
{
	OgEndpoint *endpoint = transfer->dial.endpoint;

	if (transfer->dial.easy != NULL)
	{
		og_connection_learn(transfer);
		og_event_remove(transfer);
		curl_easy_cleanup(transfer->dial.easy);
		transfer->dial.easy = NULL;
		if (transfer->kept != NULL)
			og_kept_leave(transfer->kept);
		transfer->kept = NULL;
	}
	og_socket_unreserve(&transfer->dial);
	og_request_free(transfer);
	if (endpoint != NULL)
		og_endpoint_leave(endpoint);
	transfer->dial.endpoint = NULL;
	og_transfer_move(transfer, OG_OVER);
}

/* Free it, and let og_http_next() answer that it has ended. */
static void
let_answer(OgTransfer *transfer)
{
	let_go(transfer);
	og_event_news(transfer->http);
	og_transfer_move(transfer, OG_ENDED);
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

	if (curl_easy_getinfo(transfer->dial.easy, CURLINFO_ACTIVESOCKET,
						  &fd) == CURLE_OK && fd != CURL_SOCKET_BAD)
		og_socket_discard(fd);
}

/* libcurl is done with a transfer. */
static void
end_transfer(OgTransfer *transfer, CURLcode code)
{
	og_ending(transfer, code, NULL);
	if (transfer->response.delivery != OG_ANSWERED)
		discard_connection(transfer);
	let_answer(transfer);
}

/* The context of a group goes: abort and release everything.  Must not throw. */
static void
close_on_reset(void *arg)
{
	OgHttp	   *http = arg;

	for (int i = 0; i <= OG_OVER; i++)
	{
		while (!dlist_is_empty(&http->transfers[i]))
			og_http_release(og_transfer_of(dlist_head_node(&http->transfers[i])));
	}
	og_cache_close(http->extra);
}

/* What a process needs once.  Errors as of og_http_open(). */
void
og_http_init(void)
{
	og_event_init(end_transfer);
}

OgHttp *
og_http_open(MemoryContext context)
{
	OgHttp	   *http;

	og_http_init();

	http = MemoryContextAllocZero(context, sizeof(OgHttp));
	http->context = context;
	for (int i = 0; i <= OG_OVER; i++)
		dlist_init(&http->transfers[i]);
	http->slept_seen = og_event_slept();
	http->on_reset.func = close_on_reset;
	http->on_reset.arg = http;
	MemoryContextRegisterResetCallback(context, &http->on_reset);
	return http;
}

void
og_http_sleep(int64 until, OgWait what)
{
	og_http_init();
	og_event_sleep(until, what);
}

void
og_http_rest(int64 until, OgWait what)
{
	og_http_init();
	og_event_rest(until, what);
}

OgTransfer *
og_http_start(OgHttp *http, const OgHttpRequest *request)
{
	OgTransfer *transfer;

	transfer = MemoryContextAllocZero(http->context, sizeof(OgTransfer));
	transfer->http = http;
	transfer->ready = request->ready;
	transfer->owner = request->owner;
	transfer->dial.connect_timeout_ms = request->connect_timeout_ms;
	transfer->timeout_ms = request->timeout_ms;
	transfer->dial.sight = request->sight;
	transfer->answer.limit = request->max_response_size;
	transfer->answer.content_length = -1;
	transfer->response.retry_after_ms = -1;
	dlist_push_tail(&http->transfers[OG_PREPARED], &transfer->node);

	if (og_request_prepare(transfer, request))
		og_connection_take(transfer);
	else
		let_answer(transfer);
	return transfer;
}

/* Give up what the kernel would not watch. */
static void
end_broken(OgHttp *http)
{
	dlist_mutable_iter iter;

	if (!http->broken)
		return;
	http->broken = false;
	dlist_foreach_modify(iter, &http->transfers[OG_RUNNING])
	{
		OgTransfer *transfer = og_transfer_of(iter.cur);

		if (!transfer->broken)
			continue;
		og_ending(transfer, CURLE_OPERATION_TIMEDOUT,
				  "could not watch the connection");
		let_answer(transfer);
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
	if (dlist_is_empty(&http->transfers[OG_ENDED]))
	{
		og_event_await(http);
		return NULL;
	}
	transfer = og_transfer_of(dlist_head_node(&http->transfers[OG_ENDED]));
	og_transfer_move(transfer, OG_OVER);
	return transfer;
}

bool
og_http_await(OgHttp *http)
{
	/* Those in line may go over what other groups leave. */
	if (http->news || !dlist_is_empty(&http->transfers[OG_WAITING]))
		return false;
	og_event_await(http);
	return true;
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

bool
og_http_abandon(OgTransfer *transfer, const char *problem)
{
	if (transfer->dial.easy == NULL)
		return false;
	og_ending(transfer, CURLE_OPERATION_TIMEDOUT, problem);
	let_go(transfer);
	return true;
}

void
og_http_release(OgTransfer *transfer)
{
	let_go(transfer);
	og_incoming_free(&transfer->answer);
	curl_free(transfer->location);
	dlist_delete(&transfer->node);
	pfree(transfer);
}
