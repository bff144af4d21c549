/*-------------------------------------------------------------------------
 *
 * http_websocket_upgrade.h
 *		How a connection becomes a WebSocket (RFC 6455, 4): the request for it,
 *		and whether the answer grants it.
 *
 * Pure functions: no connection, no clock.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OG_HTTP_WEBSOCKET_UPGRADE_H
#define OG_HTTP_WEBSOCKET_UPGRADE_H

#include "ground/message.h"

/* Status line and headers of an answer are refused beyond this. */
#define OG_UPGRADE_MAX_HEAD	8192

/* The bytes of a key, which have to be random. */
#define OG_UPGRADE_KEY_SIZE	16

/* The key in Base64, as it is sent, palloc'd. */
extern char *og_upgrade_key(const char bytes[OG_UPGRADE_KEY_SIZE]);

/*
 * What has to be answered to a key, palloc'd; NULL if OpenSSL has no SHA-1.
 */
extern char *og_upgrade_accept(const char *key);

/*
 * The request, palloc'd.  Host is that of a Host header; target begins with "/".
 */
extern char *og_upgrade_request(const char *host, const char *target,
								const char *key, const char *user_agent);

typedef enum OgUpgradeState
{
	OG_UPGRADE_UNKNOWN,			/* more of the answer has to come */
	OG_UPGRADE_GRANTED,
	OG_UPGRADE_REFUSED
} OgUpgradeState;

typedef struct OgUpgrade
{
	OgUpgradeState state;
	int			status;			/* 0 until the status line is whole */
	size_t		head_len;		/* where frames begin, if it is granted */
	const char *problem;		/* why not: "an answer that ..." */
} OgUpgrade;

/* Read all that has come of an answer.  Raises no errors. */
extern OgUpgrade og_upgrade_read(OgSlice answer, const char *accept);

#endif							/* OG_HTTP_WEBSOCKET_UPGRADE_H */
