/*-------------------------------------------------------------------------
 *
 * crypto.h
 *		Signatures and encodings, on OpenSSL.
 *
 * All functions answer palloc'd, NUL-terminated text.  Those that sign
 * answer NULL when OpenSSL fails (a FIPS build without MD5, for instance):
 * they are called while earlier requests of the same call are under way, when
 * raising an error is no longer allowed.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OG_CRYPTO_H
#define OG_CRYPTO_H

#include "ground/message.h"

typedef enum OgHash
{
	OG_MD5,
	OG_SHA256,
	OG_SHA384
} OgHash;

/* Lower-case hex of hash(text); NULL on failure. */
extern char *og_hash_hex(OgHash hash, OgSlice text);

/* Lower-case hex of HMAC-hash(key, text) (RFC 2104); NULL on failure. */
extern char *og_hmac_hex(OgHash hash, OgSlice key, OgSlice text);

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

#endif							/* OG_CRYPTO_H */
