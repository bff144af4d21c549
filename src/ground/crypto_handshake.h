/*-------------------------------------------------------------------------
 *
 * crypto_handshake.h
 *		What a TLS handshake shows of the other side.
 *
 * A handshake is watched from within OpenSSL's own verification of the
 * certificate, so that what is wrong with one that was refused can be told as
 * well.  Watching changes nothing of the verdict.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OG_CRYPTO_HANDSHAKE_H
#define OG_CRYPTO_HANDSHAKE_H

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
 * Fill *handshake in all handshakes of an SSL_CTX, for as long as that lives.
 * Neither this nor what it brings about raises errors or pallocs.
 */
extern bool og_handshake_watch(void *ssl_ctx, OgHandshake *handshake);

#endif							/* OG_CRYPTO_HANDSHAKE_H */
