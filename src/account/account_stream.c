/*-------------------------------------------------------------------------
 *
 * account_stream.c
 *		Options of servers that say where streams are.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "account/account_option.h"
#include "http/http.h"

bool
og_account_stream_url_ok(const char *url, bool *is_wss)
{
	return pg_strncasecmp(url, "ws", 2) == 0 &&
		og_http_base_url_ok(psprintf("http%s", url + 2), is_wss);
}

/* Plain text shows all to anybody on the way, so it must be meant. */
static void
check_stream(const OgAccount *account, const char *name, const char *url)
{
	bool		is_wss;

	if (url == NULL || account->allow_http ||
		(og_account_stream_url_ok(url, &is_wss) && is_wss))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("invalid value for option \"%s\": \"%s\" is not encrypted",
					name, url),
			 account->server == NULL ? 0 :
			 errdetail("It is an option of server \"%s\".", account->server),
			 errhint("Set %s to an address that begins with \"wss\", or have a superuser set allow_http to 'true'.",
					 name)));
}

void
og_account_place_streams(OgAccount *account)
{
	const OgStreamPlace *place = account->provider->stream_places;
	size_t		len = strlen(account->base_url);

	while (len > 0 && account->base_url[len - 1] == '/')
		len--;
	for (; place != NULL && place->base_url != NULL; place++)
	{
		if (strlen(place->base_url) != len ||
			pg_strncasecmp(place->base_url, account->base_url, len) != 0)
			continue;
		if (account->stream_url == NULL)
			account->stream_url = place->stream_url;
		if (account->book_stream_url == NULL)
			account->book_stream_url = place->book_stream_url;
	}
	check_stream(account, "stream_url", account->stream_url);
	check_stream(account, "book_stream_url", account->book_stream_url);
}
