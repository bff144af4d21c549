/*-------------------------------------------------------------------------
 *
 * http_ending.c
 *		What became of a transfer, and the words for it.
 *
 * Whether anything left this machine is decided by one fact only: whether
 * the request was started (see begin_sending in http_request.c).  Bytes that
 * may have left count as having left.
 *
 * The words are ours, the system's and libcurl's about itself, never a
 * remote's, and hold nothing of a request but host and port.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "http/http_internal.h"

/* Write the words for what went wrong. */
#define tell(transfer, ...) \
	((transfer)->response.problem = (transfer)->problem, \
	 og_tell((transfer)->problem, __VA_ARGS__))

/*
 * Scheme, host and path of a redirect, for people to see.  What else is in a
 * Location may be secret: it is often our own query.
 */
static char *
describe_location(const OgTransfer *transfer, const char *location)
{
	static const CURLUPart hidden[] = {
		CURLUPART_USER, CURLUPART_PASSWORD, CURLUPART_OPTIONS,
		CURLUPART_QUERY, CURLUPART_FRAGMENT
	};
	const char *target = transfer->out.target;
	char	   *path = strndup(target, strcspn(target, "?"));
	CURLU	   *parser = curl_url();
	char	   *text = NULL;
	bool		ok;

	ok = parser != NULL && path != NULL &&
		curl_url_set(parser, CURLUPART_URL, transfer->dial.endpoint->origin,
					 0) == CURLUE_OK &&
		curl_url_set(parser, CURLUPART_PATH, path, 0) == CURLUE_OK &&
		curl_url_set(parser, CURLUPART_URL, location,
					 CURLU_NON_SUPPORT_SCHEME | CURLU_ALLOW_SPACE |
					 CURLU_PATH_AS_IS) == CURLUE_OK;
	for (size_t i = 0; i < lengthof(hidden); i++)
		ok = ok && curl_url_set(parser, hidden[i], NULL, 0) == CURLUE_OK;
	if (ok && curl_url_get(parser, CURLUPART_URL, &text,
						   CURLU_NO_DEFAULT_PORT) == CURLUE_OK)
		og_make_printable(text);
	curl_url_cleanup(parser);
	free(path);
	return text;
}

/* ---------- why there is no answer ---------- */

/* Why a request was not started, and whether it may work later. */
static void
explain_unsent(OgTransfer *transfer, CURLcode code)
{
	if (transfer->too_late)
	{
		tell(transfer, "its turn was over before it could leave for %s",
			 transfer->dial.endpoint->site);
		transfer->response.held_back = true;
		return;
	}
	if (transfer->stale)
		code = CURLE_GOT_NOTHING;
	transfer->response.may_retry =
		og_dial_explain(&transfer->dial, code,
						Min(transfer->dial.connect_timeout_ms,
							transfer->timeout_ms), transfer->problem);
	transfer->response.problem = transfer->problem;
}

/* Why no whole answer came to a request that was started. */
static void
explain_unanswered(OgTransfer *transfer, CURLcode code)
{
	const OgIncoming *answer = &transfer->answer;

	if (answer->too_large)
	{
		tell(transfer, "the answer is larger than %zu bytes", answer->limit);
		return;
	}
	if (answer->refused != NULL)
	{
		tell(transfer, "%s", answer->refused);
		return;
	}
	if (transfer->dial.start_refused || (code == CURLE_OK && !answer->head_done))
		code = CURLE_GOT_NOTHING;

	switch (code)
	{
		case CURLE_OK:
			tell(transfer, "the answer does not tell where it ends");
			break;
		case CURLE_GOT_NOTHING:
		case CURLE_SEND_ERROR:
		case CURLE_RECV_ERROR:
		case CURLE_PARTIAL_FILE:
			if (answer->status == 0)
				tell(transfer, "the connection was lost before an answer came");
			else
				tell(transfer, "the connection was lost in the middle of the answer");
			break;
		case CURLE_OPERATION_TIMEDOUT:
			if (answer->status == 0)
				tell(transfer, "no answer within %d ms", transfer->timeout_ms);
			else
				tell(transfer, "no whole answer within %d ms",
					 transfer->timeout_ms);
			break;
		case CURLE_OUT_OF_MEMORY:
#if LIBCURL_VERSION_NUM >= 0x080600
		case CURLE_TOO_LARGE:
#endif
			/* How libcurl speaks of a line that is longer than its bound. */
			if (!answer->head_done)
			{
				tell(transfer, "the headers of the answer are too large");
				break;
			}
			/* FALLTHROUGH */
		default:
			tell(transfer, "could not read the answer: %s",
				 curl_easy_strerror(code));
			break;
	}
}

/* ---------- what there is ---------- */

/*
 * libcurl is done with an answer: did it come to its own end?
 *
 * One that says neither how long it is nor that it is chunked ends where the
 * connection does, which anybody on the way could have brought about.  Whoever
 * reads its body has to see that it is whole, as a JSON value shows.  So it
 * does not matter how the connection ended.  To newer versions of libcurl an
 * end without TLS's own goodbye is an error, to older ones it is not.
 */
static bool
is_whole(const OgTransfer *transfer, CURLcode code)
{
	const OgIncoming *answer = &transfer->answer;

	if (!answer->head_done || answer->refused != NULL ||
		(code != CURLE_OK && code != CURLE_RECV_ERROR))
		return false;
	if (og_incoming_has_no_body(answer))
		return code == CURLE_OK && answer->len == 0;
	if (answer->chunked)
		return code == CURLE_OK;
	if (answer->content_length >= 0)
		return code == CURLE_OK &&
			answer->len == (uint64) answer->content_length;
	return true;
}

/* What the head of an answer says, whatever becomes of the transfer. */
static void
read_head(OgTransfer *transfer)
{
	const OgIncoming *answer = &transfer->answer;
	OgResponse *response = &transfer->response;

	response->status = answer->status;
	response->answered_at = answer->at;
	response->date = answer->date;
	if (answer->retry_after != NULL)
		response->retry_after_ms =
			og_http_retry_after(answer->retry_after, answer->date,
								og_unix_ms(answer->at));
	if (answer->location != NULL && answer->status / 100 == 3)
		response->location = transfer->location =
			describe_location(transfer, answer->location);
}

/*
 * Bytes of a request that were sent.  libcurl's size of a request includes its
 * body only where that left together with the head; what remains is counted
 * as uploaded, and then the few header lines of libcurl's own are left out.
 */
static int64
bytes_sent(const OgTransfer *transfer)
{
	long		request = 0;
	curl_off_t	upload = 0;

	(void) curl_easy_getinfo(transfer->dial.easy, CURLINFO_REQUEST_SIZE, &request);
	(void) curl_easy_getinfo(transfer->dial.easy, CURLINFO_SIZE_UPLOAD_T, &upload);
	return Max((int64) request, (int64) transfer->out.head_len + upload);
}

/* What it cost.  The handle must still be there. */
static void
read_cost(OgTransfer *transfer)
{
	const OgIncoming *answer = &transfer->answer;
	OgResponse *response = &transfer->response;
	long		connects = 0;

	if (transfer->dial.easy == NULL)
		return;
	(void) curl_easy_getinfo(transfer->dial.easy, CURLINFO_NUM_CONNECTS, &connects);
	response->connects = (int) connects;
	if (!transfer->dial.started)
		return;
	response->bytes_sent = bytes_sent(transfer);
	response->bytes_received = (int64) (answer->head_bytes + answer->len);
	response->took_us = Max(og_clock_now() - transfer->started_us, 1);
}

/*
 * libcurl is done with a transfer, with this result, or with "problem", it is
 * given up for that.
 */
void
og_ending(OgTransfer *transfer, CURLcode code, const char *problem)
{
	OgIncoming *answer = &transfer->answer;
	OgResponse *response = &transfer->response;

	read_head(transfer);
	read_cost(transfer);
	if (problem == NULL && transfer->dial.started && is_whole(transfer, code))
	{
		response->delivery = OG_ANSWERED;
		response->delimited = answer->chunked ||
			answer->content_length >= 0 || response->status == 204;
		response->body = og_slice(answer->body ? answer->body : "",
								  answer->len);
	}
	else
	{
		response->delivery = transfer->dial.started ? OG_NO_ANSWER : OG_NOT_DELIVERED;
		response->may_retry = !transfer->dial.started;
		if (problem != NULL)
			tell(transfer, "%s", problem);
		else if (transfer->dial.started)
			explain_unanswered(transfer, code);
		else
			explain_unsent(transfer, code);

		/* No body that is not whole leaves this room. */
		og_incoming_free_body(answer);
	}
	og_sight_end(transfer, code);
}
