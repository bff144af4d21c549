/*-------------------------------------------------------------------------
 *
 * crypto.h
 *		What we need of OpenSSL: signatures, encodings, and what a TLS handshake
 *		shows of the other side.
 *
 * Texts are palloc'd and NUL-terminated.  Functions that sign answer NULL when
 * OpenSSL fails (a FIPS build without MD5, for instance): they are called while
 * earlier requests of the same call are under way, when raising an error is no
 * longer allowed.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OG_CRYPTO_H
#define OG_CRYPTO_H

#include "ground/message.h"

typedef enum OgHash
{
	OG_MD5,
	OG_SHA1,					/* for WebSocket's handshake, which is no
								 * signature */
	OG_SHA256,
	OG_SHA384
} OgHash;

/* Lower-case hex of hash(text); NULL on failure. */
extern char *og_hash_hex(OgHash hash, OgSlice text);

/* Lower-case hex of HMAC-hash(key, text) (RFC 2104); NULL on failure. */
extern char *og_hmac_hex(OgHash hash, OgSlice key, OgSlice text);

/* Base64 of hash(text); NULL on failure. */
extern char *og_hash_base64(OgHash hash, OgSlice text);

/* Base64 (RFC 4648, with padding, without line breaks). */
extern char *og_base64(OgSlice bytes);

/*
 * OpenSSL's words for what it found wrong with a certificate (static), or
 * NULL if it has none for this result.
 */
extern const char *og_certificate_problem(long result);

/* Overwrite bytes that held a secret, so that no optimiser drops it. */
extern void og_wipe(void *bytes, size_t len);

/* Wipe, then pfree, NUL-terminated text; NULL is allowed. */
extern void og_wipe_text(char *text);

/* Room for a text out of a certificate, and for a name of OpenSSL's. */
#define OG_CERTIFICATE_TEXT	100
#define OG_HANDSHAKE_TEXT	64

/*
 * Texts out of a certificate are the other side's, made printable ASCII; what
 * has no room ends in "...".  All of it is empty until the other side has
 * shown a certificate.
 */
typedef struct OgHandshake
{
	bool		seen;			/* it has shown a certificate */
	const char *distrust;		/* OpenSSL's words (static) on why it is not
								 * trusted; NULL if it is in time and from an
								 * authority we trust, whatever its name */
	char		protocol[OG_HANDSHAKE_TEXT];	/* "TLSv1.3" */
	char		cipher[OG_HANDSHAKE_TEXT];
	int64		not_before;		/* Unix time */
	int64		not_after;
	char		names[OG_CERTIFICATE_TEXT]; /* "localhost, 127.0.0.1" */
	char		issuer[OG_CERTIFICATE_TEXT];
} OgHandshake;

/* Is this ("OpenSSL/3.0.17") the library that we call ourselves? */
extern bool og_handshake_can_watch(const char *library);

/*
 * Fill *handshake in all handshakes of an SSL_CTX, for as long as that lives,
 * from within OpenSSL's own verification of the certificate: so what is wrong
 * with one that was refused can be told as well.  That changes nothing of the
 * verdict, and neither this nor what it brings about raises errors or pallocs.
 */
extern bool og_handshake_watch(void *ssl_ctx, OgHandshake *handshake);

#endif							/* OG_CRYPTO_H */
