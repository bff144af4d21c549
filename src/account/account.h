/*-------------------------------------------------------------------------
 *
 * account.h
 *		Servers and user mappings: who we are at a provider, and how to get
 *		there.
 *
 * Options are defined by one table (account_option.c) and by the providers;
 * the validators and the opening of an account read them by the same code.
 * Credentials are copied out of the catalog when a call begins and wiped when
 * its context goes.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OG_ACCOUNT_H
#define OG_ACCOUNT_H

#include "access/transam.h"

#include "ground/pace.h"
#include "provider/provider.h"

/*
 * Which versions of the catalog's rows an account was read from, which those who
 * must have read the same compare.  The mapping is that of the role or of PUBLIC,
 * which may be as old; InvalidOid = none was read.
 */
typedef struct OgAccountVersion
{
	TransactionId server;		/* xmin of its row */
	TransactionId mapping;		/* of the mapping's */
	Oid			mappingid;
} OgAccountVersion;

static inline bool
og_account_is_same(const OgAccountVersion *one, const OgAccountVersion *other)
{
	return one->server == other->server && one->mapping == other->mapping &&
		one->mappingid == other->mappingid;
}

typedef struct OgAccount
{
	const OgProvider *provider;
	Oid			serverid;
	char	   *server;			/* name of the foreign server */
	OgAccountVersion version;

	/* where */
	const char *base_url;		/* without a slash at its end */
	const char *host;			/* "host:port", lower case */
	const char *sslrootcert;	/* NULL = the system's */
	bool		allow_http;		/* a superuser allowed plain http */
	bool		journal;		/* a gateway worker, where there is one, makes
								 * the calls of sessions */

	/* streams; NULL = there are none, or nobody knows where they are */
	const char *stream_url;
	const char *book_stream_url;
	bool		stream_login_ack;	/* a login is over when that is told */

	/* bounds; durations in milliseconds, 0 = none where that is allowed */
	int			connect_timeout;
	int			timeout;
	int			call_timeout;
	int			max_wait;
	int			expire_after;	/* of what is submitted */
	int			settle_after;	/* of what is unknown, 0 = never */
	int			max_in_flight;
	int			batch_size;		/* 0 = the operation's own */
	int			retries;
	int			max_response_size;	/* bytes */

	OgPace		rate_limit;
	OgPace		query_rate_limit;

	/* in the order of the provider's tables */
	const char *settings[OG_MAX_SETTINGS];
	const char *credentials[OG_MAX_CREDENTIALS];	/* all NULL if public */

	char	   *identity;		/* provider, base URL and key: what names the
								 * account; holds a key, so it is wiped too */
	struct OgAccountNames *names;	/* see og_account_names() */
} OgAccount;

/*
 * The provider of a server, known by its wrapper.  Errors: 42704 no such
 * server, 22023 one of a wrapper that is not ours.
 */
extern const OgProvider *og_account_provider(const char *server);

/*
 * Look a server up and, with "with_credentials", the mapping of the current
 * user (or PUBLIC's).  Checks privileges.  Allocated in the current context,
 * with a callback that wipes credentials when it is reset.
 *
 * Errors: 42704 no such server or mapping (the missing statement as hint),
 * 22023 a server of another wrapper, 42501 no USAGE, HV002 a credential that
 * is missing.
 */
extern OgAccount *og_account_open(const char *server,
								  const OgProvider *provider,
								  bool with_credentials);

/* SHA-256 hashes, in hex, of what names an account and of its host. */
#define OG_NAME_HASH	64

typedef struct OgAccountNames
{
	char		account[OG_NAME_HASH + 1];
	char		host[OG_NAME_HASH + 1];
} OgAccountNames;

/* They are computed once, for those who make calls. */
extern const OgAccountNames *og_account_names(const OgAccount *account);

/*
 * Copy text that is a secret into the current context, whose next reset (or
 * end) wipes it.  With text NULL only allocates; the result is then zeroed.
 */
extern char *og_account_secret(const char *text, size_t len);

#endif							/* OG_ACCOUNT_H */
