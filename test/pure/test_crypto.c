/*-------------------------------------------------------------------------
 *
 * test_crypto.c
 *		Known answers for src/crypto.c: RFC 1321 (MD5), FIPS 180-4 (SHA-2),
 *		RFC 4231 (HMAC-SHA-2), RFC 2202 (HMAC-MD5), RFC 4648 (base64), and
 *		the signatures of providers, as far as they are primitives.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <openssl/err.h>
#include <openssl/x509_vfy.h>

#include "ground/crypto.h"
#include "server_shim.h"
#include "tap.h"

/* A slice of a literal, which may hold zero bytes. */
#define BYTES(literal)	{literal, sizeof(literal) - 1}

typedef struct HashCase
{
	const char *name;
	OgHash		hash;
	OgSlice		text;
	const char *hex;
} HashCase;

static const HashCase hash_cases[] = {
	{"MD5 of nothing", OG_MD5, {NULL, 0}, "d41d8cd98f00b204e9800998ecf8427e"},
	{"MD5 of empty text", OG_MD5, BYTES(""),
	"d41d8cd98f00b204e9800998ecf8427e"},
	{"MD5, RFC 1321: a", OG_MD5, BYTES("a"),
	"0cc175b9c0f1b6a831c399e269772661"},
	{"MD5, RFC 1321: abc", OG_MD5, BYTES("abc"),
	"900150983cd24fb0d6963f7d28e17f72"},
	{"MD5, RFC 1321: message digest", OG_MD5, BYTES("message digest"),
	"f96b697d7cb7938d525a2f31aaf161d0"},
	{"MD5, RFC 1321: 80 digits", OG_MD5,
		BYTES("1234567890123456789012345678901234567890"
			  "1234567890123456789012345678901234567890"),
	"57edf4a22be3c955ac49da2e2107b67a"},
	{"SHA-256 of empty text", OG_SHA256, BYTES(""),
		"e3b0c44298fc1c149afbf4c8996fb924"
	"27ae41e4649b934ca495991b7852b855"},
	{"SHA-256, FIPS 180: abc", OG_SHA256, BYTES("abc"),
		"ba7816bf8f01cfea414140de5dae2223"
	"b00361a396177a9cb410ff61f20015ad"},
	{"SHA-384, FIPS 180: abc", OG_SHA384, BYTES("abc"),
		"cb00753f45a35e8bb5a03d699ac65007272c32ab0eded163"
	"1a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7"},
	{"MD5 as Wangdian signs", OG_MD5,
		BYTES("testsecret"
			  "body[[\"CR202211100001\",\"CR202211100002\","
			  "\"CR202211100003\"]]"
			  "keydemo_key"
			  "methodpurchase.PurchaseReturn.batchCancelOrder"
			  "salttestsalt"
			  "siddemo_sid"
			  "timestamp343000000"
			  "v1.0"
			  "testsecret"),
	"eda046be606586e9dae378ae435a6878"},
	{"MD5 as Wangdian signs, of UTF-8", OG_MD5,
		BYTES("testsecret"
			  "body[[\"\xE9\x87\x87\xE8\xB4\xAD\xE9\x80\x80\xE8\xB4\xA7-1\"]]"
			  "keydemo_key"
			  "methodpurchase.PurchaseReturn.batchCancelOrder"
			  "salttestsalt"
			  "siddemo_sid"
			  "timestamp343000000"
			  "v1.0"
			  "testsecret"),
	"60be6e20c8ea64bf6856a18996b0d9b3"},
};

#define TWENTY(byte)	byte byte byte byte byte byte byte byte byte byte \
	byte byte byte byte byte byte byte byte byte byte
#define FIFTY(byte)		TWENTY(byte) TWENTY(byte) \
	byte byte byte byte byte byte byte byte byte byte
#define KEY_131			FIFTY("\xaa") FIFTY("\xaa") TWENTY("\xaa") \
	"\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa"

typedef struct HmacCase
{
	const char *name;
	OgHash		hash;
	OgSlice		key;
	OgSlice		text;
	const char *hex;
} HmacCase;

static const HmacCase hmac_cases[] = {
	{"HMAC-SHA-256, RFC 4231 case 1", OG_SHA256, BYTES(TWENTY("\x0b")),
		BYTES("Hi There"),
		"b0344c61d8db38535ca8afceaf0bf12b"
	"881dc200c9833da726e9376c2e32cff7"},
	{"HMAC-SHA-384, RFC 4231 case 1", OG_SHA384, BYTES(TWENTY("\x0b")),
		BYTES("Hi There"),
		"afd03944d84895626b0825f4ab46907f15f9dadbe4101ec6"
	"82aa034c7cebc59cfaea9ea9076ede7f4af152e8b2fa9cb6"},
	{"HMAC-SHA-256, RFC 4231 case 2", OG_SHA256, BYTES("Jefe"),
		BYTES("what do ya want for nothing?"),
		"5bdcc146bf60754e6a042426089575c7"
	"5a003f089d2739839dec58b964ec3843"},
	{"HMAC-SHA-384, RFC 4231 case 2", OG_SHA384, BYTES("Jefe"),
		BYTES("what do ya want for nothing?"),
		"af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47"
	"e42ec3736322445e8e2240ca5e69e2c78b3239ecfab21649"},
	{"HMAC-SHA-256, RFC 4231 case 3", OG_SHA256, BYTES(TWENTY("\xaa")),
		BYTES(FIFTY("\xdd")),
		"773ea91e36800e46854db8ebd09181a7"
	"2959098b3ef8c122d9635514ced565fe"},
	{"HMAC-SHA-256, RFC 4231 case 6: key above a block", OG_SHA256,
		BYTES(KEY_131),
		BYTES("Test Using Larger Than Block-Size Key - Hash Key First"),
		"60e431591ee0b67f0d8a26aacbf5b77f"
	"8e0bc6213728c5140546040f0ee37f54"},
	{"HMAC-SHA-384, RFC 4231 case 6: key above a block", OG_SHA384,
		BYTES(KEY_131),
		BYTES("Test Using Larger Than Block-Size Key - Hash Key First"),
		"4ece084485813e9088d2c63a041bc5b44f9ef1012a2b588f"
	"3cd11f05033ac4c60c2ef6ab4030fe8296248df163f44952"},
	{"HMAC-MD5, RFC 2202 case 2", OG_MD5, BYTES("Jefe"),
		BYTES("what do ya want for nothing?"),
	"750c783e6ab0b503eaa86e310a5db738"},
	{"HMAC-SHA-256 of nothing with no key", OG_SHA256, {NULL, 0}, {NULL, 0},
		"b613679a0814d9ec772f95d778c35fc5"
	"ff1697c493715653c6c712144292c5ad"},
	{"HMAC-SHA-256 as XT signs", OG_SHA256, BYTES("mySecretKey"),
		BYTES("accesskey=myAccessKey&data=WzEyMyw0NTYsNzg5XQ==&"
			  "market=btc_usdt&nonce=1562919832183"),
		"00cf95fcbe2ec745cf5d4d0844bf43fb"
	"4a5a564fa7abbb641c5c827770033090"},
};

static void
test_hashes(void)
{
	for (int i = 0; i < lengthof(hash_cases); i++)
	{
		const HashCase *c = &hash_cases[i];

		is_text(og_hash_hex(c->hash, c->text), c->hex, c->name);
	}
	for (int i = 0; i < lengthof(hmac_cases); i++)
	{
		const HmacCase *c = &hmac_cases[i];

		is_text(og_hmac_hex(c->hash, c->key, c->text), c->hex, c->name);
	}
}

static void
test_base64(void)
{
	static const struct
	{
		OgSlice		bytes;
		const char *text;
	}			cases[] = {
		{{NULL, 0}, ""},
		{BYTES(""), ""},
		{BYTES("f"), "Zg=="},
		{BYTES("fo"), "Zm8="},
		{BYTES("foo"), "Zm9v"},
		{BYTES("foob"), "Zm9vYg=="},
		{BYTES("fooba"), "Zm9vYmE="},
		{BYTES("foobar"), "Zm9vYmFy"},
		{BYTES("\0\xFF\xFE\xFB"), "AP/++w=="},
		{BYTES("[123,456,789]"), "WzEyMyw0NTYsNzg5XQ=="},
	};
	char		bytes[300];
	char	   *text;

	for (int i = 0; i < lengthof(cases); i++)
		is_text(og_base64(cases[i].bytes), cases[i].text,
				psprintf("base64 \"%s\"", cases[i].text));

	memset(bytes, 'x', sizeof(bytes));
	text = og_base64(og_slice(bytes, sizeof(bytes)));
	is_number(strlen(text), 400, "base64 of 300 bytes");
	ok(strchr(text, '\n') == NULL, "... is one line");
}

static void
test_wiping(void)
{
	char		secret[] = "secret";
	size_t		before = shim_in_use;

	og_wipe(secret, sizeof(secret));
	ok(memcmp(secret, "\0\0\0\0\0\0", sizeof(secret)) == 0, "bytes wiped");
	og_wipe_text(NULL);
	og_wipe_text(pstrdup("secret"));
	ok(shim_in_use == before, "text wiped and freed");
}

static void
test_certificate_problems(void)
{
	is_text(og_certificate_problem(X509_V_ERR_CERT_HAS_EXPIRED),
			"certificate has expired", "a certificate's problem is told");
	is_text(og_certificate_problem(X509_V_OK), NULL, "... if it has one");
	is_text(og_certificate_problem(X509_V_ERR_UNSPECIFIED), NULL,
			"... that is known");
}

static void
test_failure(void)
{
	OgSlice		key = og_slice("k", (size_t) INT_MAX + 1);

	is_text(og_hmac_hex(OG_SHA256, key, og_slice_of("x")), NULL,
			"a key too long for OpenSSL is a failure");
	ok(ERR_peek_error() == 0, "OpenSSL's queue of errors is empty");
}

int
main(void)
{
	test_hashes();
	test_base64();
	test_wiping();
	test_certificate_problems();
	test_failure();
	return done_testing();
}
