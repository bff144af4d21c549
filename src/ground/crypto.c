/*-------------------------------------------------------------------------
 *
 * crypto.c
 *		Signatures and encodings, on OpenSSL.
 *
 * Every function is one shot: no context, and so no state that a key went
 * into, outlives a call; only the algorithms themselves do.  The raw digest is
 * wiped before it is forgotten; its text belongs to the caller.
 *
 * When OpenSSL fails, its queue of errors is emptied: it is one queue per
 * thread, and libcurl or the server's own TLS would find what we left there
 * and take it for an error of theirs.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <limits.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/x509_vfy.h>

#include "utils/builtins.h"

#include "ground/crypto.h"

/*
 * Fetched once: what EVP_sha256() and the like answer is looked up anew for
 * every digest.  NULL if OpenSSL does not have it.
 */
static const EVP_MD *
digest_of(OgHash hash)
{
	static const char *const names[] = {
		[OG_MD5] = "MD5",
		[OG_SHA256] = "SHA2-256",
		[OG_SHA384] = "SHA2-384"
	};
	static EVP_MD *digests[lengthof(names)];

	if (digests[hash] == NULL)
		digests[hash] = EVP_MD_fetch(NULL, names[hash], NULL);
	return digests[hash];
}

/* OpenSSL takes bytes, and is not asked what it does with NULL. */
static const unsigned char *
bytes_of(OgSlice slice)
{
	return (const unsigned char *) (slice.data == NULL ? "" : slice.data);
}

static char *
hex_of(const unsigned char *bytes, size_t len)
{
	char	   *text = palloc(len * 2 + 1);

	text[hex_encode((const char *) bytes, len, text)] = '\0';
	return text;
}

char *
og_hash_hex(OgHash hash, OgSlice text)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned int len = 0;
	const EVP_MD *type = digest_of(hash);
	char	   *hex = NULL;

	if (type != NULL &&
		EVP_Digest(bytes_of(text), text.len, digest, &len, type, NULL))
		hex = hex_of(digest, len);
	else
		ERR_clear_error();
	og_wipe(digest, sizeof(digest));
	return hex;
}

/*
 * HMAC() in its steps, as PostgreSQL takes them, too: the function itself
 * looks up both algorithms by their names, which costs as much as two blocks.
 * What went into the context is wiped with it.
 */
static bool
hmac(const EVP_MD *type, OgSlice key, OgSlice text, unsigned char *digest,
	 unsigned int *len)
{
	HMAC_CTX   *context = HMAC_CTX_new();
	bool		done;

	/* The length of a key is the one that OpenSSL takes as an int. */
	done = context != NULL && key.len <= INT_MAX &&
		HMAC_Init_ex(context, bytes_of(key), (int) key.len, type, NULL) &&
		HMAC_Update(context, bytes_of(text), text.len) &&
		HMAC_Final(context, digest, len);
	HMAC_CTX_free(context);
	return done;
}

char *
og_hmac_hex(OgHash hash, OgSlice key, OgSlice text)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned int len = 0;
	const EVP_MD *type = digest_of(hash);
	char	   *hex = NULL;

	if (type != NULL && hmac(type, key, text, digest, &len))
		hex = hex_of(digest, len);
	else
		ERR_clear_error();
	og_wipe(digest, sizeof(digest));
	return hex;
}

char *
og_base64(OgSlice bytes)
{
	/*
	 * Three bytes become four characters.  What palloc grants is so far below
	 * INT_MAX that OpenSSL's int holds the length.
	 */
	char	   *text = palloc((bytes.len + 2) / 3 * 4 + 1);

	EVP_EncodeBlock((unsigned char *) text, bytes_of(bytes), (int) bytes.len);
	return text;
}

const char *
og_certificate_problem(long result)
{
	if (result == X509_V_OK || result == X509_V_ERR_UNSPECIFIED)
		return NULL;
	return X509_verify_cert_error_string(result);
}

void
og_wipe(void *bytes, size_t len)
{
	OPENSSL_cleanse(bytes, len);
}

void
og_wipe_text(char *text)
{
	if (text == NULL)
		return;
	og_wipe(text, strlen(text));
	pfree(text);
}
