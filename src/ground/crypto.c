/*-------------------------------------------------------------------------
 *
 * crypto.c
 *		What we need of OpenSSL: signatures, encodings, and what a TLS handshake
 *		shows of the other side.
 *
 * Every function is one shot: no context, and so no state that a key went
 * into, outlives a call; only the algorithms themselves do.  The raw digest is
 * wiped before it is forgotten; its text belongs to the caller.
 *
 * When OpenSSL fails, its queue of errors is emptied: it is one queue per
 * thread, and libcurl or the server's own TLS would find what we left there
 * and take it for an error of theirs.  What watches a handshake runs inside of
 * OpenSSL, which runs inside of libcurl: no errors, no palloc, and that queue is
 * left as it was found.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <arpa/inet.h>
#include <limits.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <time.h>

#include "utils/builtins.h"

#include "ground/crypto.h"

/* ---------- signatures and encodings ---------- */

/*
 * Fetched once: what EVP_sha256() and the like answer is looked up anew for
 * every digest.  NULL if OpenSSL does not have it.
 */
static const EVP_MD *
digest_of(OgHash hash)
{
	static const char *const names[] = {
		[OG_MD5] = "MD5",
		[OG_SHA1] = "SHA1",
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

/* A digest that was computed, in hex, or NULL; the digest is wiped. */
static char *
hex_of(bool computed, unsigned char *digest, unsigned int len)
{
	char	   *text = NULL;

	if (computed)
	{
		text = palloc(len * 2 + 1);
		text[hex_encode((const char *) digest, len, text)] = '\0';
	}
	else
		ERR_clear_error();
	og_wipe(digest, EVP_MAX_MD_SIZE);
	return text;
}

char *
og_hash_hex(OgHash hash, OgSlice text)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned int len = 0;
	const EVP_MD *type = digest_of(hash);
	bool		done = type != NULL &&
		EVP_Digest(bytes_of(text), text.len, digest, &len, type, NULL);

	return hex_of(done, digest, len);
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
	done = type != NULL && context != NULL && key.len <= INT_MAX &&
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
	bool		done = hmac(digest_of(hash), key, text, digest, &len);

	return hex_of(done, digest, len);
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

char *
og_hash_base64(OgHash hash, OgSlice text)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned int len = 0;
	const EVP_MD *type = digest_of(hash);

	if (type == NULL ||
		!EVP_Digest(bytes_of(text), text.len, digest, &len, type, NULL))
	{
		ERR_clear_error();
		return NULL;
	}
	return og_base64(og_slice((const char *) digest, len));
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

/* ---------- handshakes ---------- */

const char *
og_certificate_problem(long result)
{
	if (result == X509_V_OK || result == X509_V_ERR_UNSPECIFIED)
		return NULL;
	return X509_verify_cert_error_string(result);
}

bool
og_handshake_can_watch(const char *library)
{
	const char *name = "OpenSSL/";

	return library != NULL && strncmp(library, name, strlen(name)) == 0 &&
		strcmp(library + strlen(name),
			   OpenSSL_version(OPENSSL_VERSION_STRING)) == 0;
}

/* Append somebody else's bytes to a list, made printable. */
static void
append_item(char *list, const char *bytes, size_t len)
{
	const char *more = "...";
	size_t		at = strlen(list);
	size_t		end = OG_CERTIFICATE_TEXT - 1 - strlen(more);

	if (at > 0 && at < end)
		list[at++] = ',';
	if (at > 0 && at < end)
		list[at++] = ' ';
	for (size_t i = 0; i < len && at < end; i++)
		list[at++] = bytes[i] < ' ' || bytes[i] > '~' ? '?' : bytes[i];
	list[at] = '\0';
	if (at == end)
		strlcpy(list + at, more, OG_CERTIFICATE_TEXT - at);
}

static int64
unix_time(const ASN1_TIME *at)
{
	struct tm	time;

	return ASN1_TIME_to_tm(at, &time) ? (int64) timegm(&time) : 0;
}

/* The names and addresses that a certificate is for. */
static void
see_names(OgHandshake *handshake, X509 *certificate)
{
	GENERAL_NAMES *names = X509_get_ext_d2i(certificate, NID_subject_alt_name,
											NULL, NULL);

	handshake->names[0] = '\0';
	for (int i = 0; i < sk_GENERAL_NAME_num(names); i++)
	{
		const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
		int			type;
		const ASN1_STRING *value = GENERAL_NAME_get0_value(name, &type);
		char		address[INET6_ADDRSTRLEN];
		const char *text = (const char *) ASN1_STRING_get0_data(value);
		size_t		len = ASN1_STRING_length(value);

		if (type == GEN_IPADD && (len == 4 || len == 16) &&
			inet_ntop(len == 4 ? AF_INET : AF_INET6, text, address,
					  sizeof(address)) != NULL)
			append_item(handshake->names, address, strlen(address));
		else if (type == GEN_DNS)
			append_item(handshake->names, text, len);
	}
	GENERAL_NAMES_free(names);
}

/* Organisation and name of who issued a certificate. */
static void
see_issuer(OgHandshake *handshake, X509 *certificate)
{
	static const int parts[] = {NID_organizationName, NID_commonName};
	const X509_NAME *issuer = X509_get_issuer_name(certificate);

	handshake->issuer[0] = '\0';
	for (size_t i = 0; i < lengthof(parts); i++)
	{
		char		text[OG_CERTIFICATE_TEXT];
		int			len = X509_NAME_get_text_by_NID(issuer, parts[i], text,
													sizeof(text));

		if (len > 0)
			append_item(handshake->issuer, text, len);
	}
}

/*
 * OpenSSL's verify callback: called for each certificate of the chain, down
 * to the other side's own, or until one of them is refused.
 */
static int
see(int verified, X509_STORE_CTX *store)
{
	SSL		   *ssl = X509_STORE_CTX_get_ex_data(store,
												 SSL_get_ex_data_X509_STORE_CTX_idx());
	OgHandshake *handshake = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
	X509	   *certificate = X509_STORE_CTX_get0_cert(store);

	if (!verified)
		handshake->distrust =
			X509_verify_cert_error_string(X509_STORE_CTX_get_error(store));
	if (handshake->seen || certificate == NULL)
		return verified;
	handshake->seen = true;

	(void) ERR_set_mark();
	strlcpy(handshake->protocol, SSL_get_version(ssl),
			sizeof(handshake->protocol));
	strlcpy(handshake->cipher, SSL_get_cipher_name(ssl),
			sizeof(handshake->cipher));
	handshake->not_before = unix_time(X509_get0_notBefore(certificate));
	handshake->not_after = unix_time(X509_get0_notAfter(certificate));
	see_names(handshake, certificate);
	see_issuer(handshake, certificate);
	(void) ERR_pop_to_mark();
	return verified;
}

bool
og_handshake_watch(void *ssl_ctx, OgHandshake *handshake)
{
	SSL_CTX    *context = ssl_ctx;

	if (!SSL_CTX_set_app_data(context, handshake))
	{
		ERR_clear_error();
		return false;
	}
	SSL_CTX_set_verify(context, SSL_CTX_get_verify_mode(context), see);
	return true;
}
