/*-------------------------------------------------------------------------
 *
 * http_sight.c
 *		What is seen of a connection on the way to an answer.
 *
 * Only of requests that ask for it, and only of connections made for them:
 * name lookup, TCP, TLS and certificate of a connection that was already there
 * are long past.  What libcurl remembers of earlier ones (addresses, sessions
 * of TLS) is not used either.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "http/http_internal.h"

/*
 * libcurl's CURLOPT_SSL_CTX_FUNCTION: the connection is there, and TLS begins.
 * A handshake that cannot be watched goes on unseen.  The SSL_CTX of another
 * library than ours would be no SSL_CTX to us.
 */
static CURLcode
begin_handshake(CURL *easy, void *ssl_ctx, void *transfer)
{
	OgSight    *sight = ((OgTransfer *) transfer)->dial.sight;

	sight->handshake_begun = true;
	if (og_handshake_can_watch(curl_version_info(CURLVERSION_NOW)->ssl_version))
		(void) og_handshake_watch(ssl_ctx, &sight->handshake);
	return CURLE_OK;
}

/* Set what makes a transfer's connection a new one, and a seen one. */
bool
og_sight_prepare(OgTransfer *transfer)
{
	CURL	   *easy = transfer->dial.easy;

	if (curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L) != CURLE_OK ||
		curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L) != CURLE_OK ||
		curl_easy_setopt(easy, CURLOPT_DNS_CACHE_TIMEOUT, 0L) != CURLE_OK ||
		curl_easy_setopt(easy, CURLOPT_SSL_SESSIONID_CACHE, 0L) != CURLE_OK)
		return false;

	/* Not every library that libcurl may be built with has such a thing. */
	(void) curl_easy_setopt(easy, CURLOPT_SSL_CTX_FUNCTION, begin_handshake);
	(void) curl_easy_setopt(easy, CURLOPT_SSL_CTX_DATA, transfer);
	return true;
}

/* A connection to this address is tried. */
void
og_sight_address(OgDial *dial, const struct curl_sockaddr *address)
{
	OgSight    *sight = dial->sight;
	const struct sockaddr *any = &address->addr;
	const void *bytes = any->sa_family == AF_INET6
		? (const void *) &((const struct sockaddr_in6 *) any)->sin6_addr
		: (const void *) &((const struct sockaddr_in *) any)->sin_addr;

	if (sight == NULL)
		return;
	sight->tried++;
	if (inet_ntop(any->sa_family, bytes, sight->address,
				  sizeof(sight->address)) == NULL)
		sight->address[0] = '\0';
}

/* Microseconds from the start to this moment, 0 if it never came. */
static int64
moment(CURL *easy, CURLINFO which)
{
	curl_off_t	us = 0;

	(void) curl_easy_getinfo(easy, which, &us);
	return us;
}

/* How far it came. */
static OgStage
stage_of(const OgTransfer *transfer, CURLcode code)
{
	const OgSight *sight = transfer->dial.sight;

	/* A request that was held back at the last moment had its connection. */
	if (transfer->dial.started || code == CURLE_ABORTED_BY_CALLBACK)
		return transfer->response.status == 0
			? OG_STAGE_REQUEST : OG_STAGE_ANSWER;
	if (sight->tried == 0)
		return OG_STAGE_LOOKUP;
	if (code == CURLE_PEER_FAILED_VERIFICATION ||
		code == CURLE_SSL_CACERT_BADFILE)
		return OG_STAGE_CERTIFICATE;
	return sight->handshake_begun ? OG_STAGE_TLS : OG_STAGE_CONNECT;
}

/* The transfer has ended, and its response is written. */
void
og_sight_end(OgTransfer *transfer, CURLcode code)
{
	OgSight    *sight = transfer->dial.sight;
	CURL	   *easy = transfer->dial.easy;
	char	   *address = NULL;

	if (sight == NULL || easy == NULL)
		return;
	sight->looked_up_us = moment(easy, CURLINFO_NAMELOOKUP_TIME_T);
	sight->connected_us = moment(easy, CURLINFO_CONNECT_TIME_T);
	sight->encrypted_us = moment(easy, CURLINFO_APPCONNECT_TIME_T);
	sight->sent_us = moment(easy, CURLINFO_PRETRANSFER_TIME_T);
	sight->answered_us = moment(easy, CURLINFO_STARTTRANSFER_TIME_T);
	sight->stage = stage_of(transfer, code);

	/* Of several that were tried, the one that took the connection. */
	if (sight->connected_us != 0 &&
		curl_easy_getinfo(easy, CURLINFO_PRIMARY_IP, &address) == CURLE_OK &&
		address != NULL && address[0] != '\0')
		strlcpy(sight->address, address, sizeof(sight->address));
}
