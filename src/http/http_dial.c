/*-------------------------------------------------------------------------
 *
 * http_dial.c
 *		How a connection is opened, and the words for why there is none.
 *
 * Requests and WebSockets connect by the same rules: the same kinds of sockets,
 * the same certificates, the same bounds.
 *
 * The words are ours, the system's and libcurl's about itself, never a
 * remote's, and hold nothing of a URL but host and port.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "mb/pg_wchar.h"

#include "ground/crypto.h"
#include "http/http_internal.h"

/* How long a parsed file of authorities is used even if it looks the same. */
#define CA_CACHE_SECONDS 300L

/*
 * Tell libcurl where to connect, and how.  Whose certificates are trusted is
 * set when it connects: see http_trust.c.
 */
bool
og_dial_prepare(OgDial *dial)
{
	CURL	   *easy = dial->easy;
	bool		ok = true;

	OG_SET(CURLOPT_URL, dial->endpoint->origin);
	OG_SET(CURLOPT_PROTOCOLS_STR, "http,https");
	OG_SET(CURLOPT_HTTP_VERSION, (long) CURL_HTTP_VERSION_1_1);
	OG_SET(CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
	OG_SET(CURLOPT_NETRC, (long) CURL_NETRC_IGNORED);
	OG_SET(CURLOPT_PROXY, "");
	OG_SET(CURLOPT_NOPROXY, "*");

	OG_SET(CURLOPT_NOSIGNAL, 1L);
	OG_SET(CURLOPT_QUICK_EXIT, 1L);
	OG_SET(CURLOPT_CONNECTTIMEOUT_MS, (long) dial->connect_timeout_ms);
	OG_SET(CURLOPT_TCP_NODELAY, 1L);
	OG_SET(CURLOPT_OPENSOCKETFUNCTION, og_socket_open);
	OG_SET(CURLOPT_OPENSOCKETDATA, dial);
	OG_SET(CURLOPT_CLOSESOCKETFUNCTION, og_socket_close);
	OG_SET(CURLOPT_CLOSESOCKETDATA, (void *) NULL);

	OG_SET(CURLOPT_SSLVERSION, (long) CURL_SSLVERSION_TLSv1_2);
	OG_SET(CURLOPT_SSL_VERIFYPEER, 1L);
	OG_SET(CURLOPT_SSL_VERIFYHOST, 2L);
	OG_SET(CURLOPT_CA_CACHE_TIMEOUT, CA_CACHE_SECONDS);
	OG_SET(CURLOPT_ERRORBUFFER, dial->error);
	return ok;
}

/* Make text fit to be shown: in place, what is not ASCII replaced. */
void
og_make_printable(char *text)
{
	for (; *text != '\0'; text++)
	{
		if (*text < ' ' || *text > '~')
			*text = '?';
	}
}

/* Write the words for what went wrong. */
void
og_tell(char *problem, const char *format,...)
{
	va_list		args;
	int			len;

	va_start(args, format);
	(void) vsnprintf(problem, OG_PROBLEM_SIZE, format, args);
	va_end(args);

	/* The system's words may be translated, or cut within a character. */
	len = (int) strlen(problem);
	if (!pg_verify_mbstr(PG_UTF8, problem, len, true))
		og_make_printable(problem);
}

/* No connection came about, or no socket for one. */
static void
explain_unconnected(OgDial *dial, char *problem)
{
	const char *site = dial->endpoint->site;
	long		os_errno = 0;

	(void) curl_easy_getinfo(dial->easy, CURLINFO_OS_ERRNO, &os_errno);
	if (dial->socket_errno != 0)
		og_tell(problem, "could not open a socket: %s",
				strerror(dial->socket_errno));
	else if (os_errno != 0)
		og_tell(problem, "could not connect to %s: %s", site,
				strerror((int) os_errno));
	else
		og_tell(problem, "could not connect to %s", site);
}

/*
 * The certificate is no good.  libcurl's words are not used: they may cite the
 * certificate, and differ from version to version.
 */
static void
explain_certificate(OgDial *dial, char *problem)
{
	const char *site = dial->endpoint->site;
	const char *words;
	long		result = 0;

	(void) curl_easy_getinfo(dial->easy, CURLINFO_SSL_VERIFYRESULT, &result);
	words = og_certificate_problem(result);
	if (words != NULL)
		og_tell(problem, "could not verify the certificate of %s: %s", site,
				words);
	else
		og_tell(problem, "the certificate of %s is for another name", site);
}

/* There is nothing to check a certificate against. */
static void
explain_authorities(OgDial *dial, char *problem)
{
	int			why;
	const char *path = og_trust_problem(dial->endpoint, &why);

	if (why != 0)
		og_tell(problem, "could not read the file of root certificates \"%s\": %s",
				path, strerror(why));
	else
		og_tell(problem, "could not read the file of root certificates \"%s\"",
				path);
}

/*
 * Write why libcurl did not connect within so long, and answer whether it may
 * work later.
 */
bool
og_dial_explain(OgDial *dial, CURLcode code, int timeout_ms, char *problem)
{
	const char *site = dial->endpoint->site;

	switch (code)
	{
		case CURLE_COULDNT_RESOLVE_HOST:
			og_tell(problem, "could not look up the address of %s", site);
			return true;
		case CURLE_COULDNT_CONNECT:
			explain_unconnected(dial, problem);
			return true;
		case CURLE_OPERATION_TIMEDOUT:
			og_tell(problem, "no connection to %s within %d ms", site,
					timeout_ms);
			return true;
		case CURLE_SSL_CONNECT_ERROR:
			og_make_printable(dial->error);
			og_tell(problem, "could not agree on TLS with %s: %s", site,
					dial->error);
			return true;
		case CURLE_PEER_FAILED_VERIFICATION:
			explain_certificate(dial, problem);
			return false;
		case CURLE_SSL_CACERT_BADFILE:
			explain_authorities(dial, problem);
			return false;
		case CURLE_OUT_OF_MEMORY:
		case CURLE_SEND_ERROR:
		case CURLE_RECV_ERROR:
		case CURLE_GOT_NOTHING:
			og_tell(problem, "could not connect to %s: %s", site,
					curl_easy_strerror(code));
			return true;
		default:
			og_tell(problem, "could not send to %s: %s", site,
					curl_easy_strerror(code));
			return false;
	}
}
