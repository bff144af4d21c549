/*-------------------------------------------------------------------------
 *
 * crypto_handshake.c
 *		What a TLS handshake shows of the other side.
 *
 * All here runs inside of OpenSSL, which runs inside of libcurl: no errors,
 * no palloc.  OpenSSL's queue of errors, in which libcurl looks for its own,
 * is left as it was found.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <time.h>

#include "ground/crypto_handshake.h"

/* Where an SSL_CTX keeps whom to tell; -1 until asked for. */
static int	told_index = -1;

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
		int			at = X509_NAME_get_index_by_NID(issuer, parts[i], -1);
		const ASN1_STRING *value;

		if (at < 0)
			continue;
		value = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(issuer, at));
		append_item(handshake->issuer,
					(const char *) ASN1_STRING_get0_data(value),
					ASN1_STRING_length(value));
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
	OgHandshake *handshake = SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl),
												 told_index);
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

	if (told_index < 0)
		told_index = SSL_CTX_get_ex_new_index(0, NULL, NULL, NULL, NULL);
	if (told_index < 0 ||
		!SSL_CTX_set_ex_data(context, told_index, handshake))
	{
		ERR_clear_error();
		return false;
	}
	SSL_CTX_set_verify(context, SSL_CTX_get_verify_mode(context), see);
	return true;
}
