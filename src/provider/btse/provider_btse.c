/*-------------------------------------------------------------------------
 *
 * provider_btse.c
 *		BTSE, spot trading API v3.3: the provider, its signature, the check.
 *
 * The signature covers path, nonce and body, but neither the query nor the
 * part of the base URL that comes before "/api": what a request is about is
 * not signed where it stands in the query.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "ground/crypto.h"
#include "provider/btse/provider_btse.h"

/* Where the credentials are tried: an order that nobody has. */
#define BTSE_ANY_SYMBOL		"BTC-USD"
#define BTSE_NO_ORDER		"00000000-0000-0000-0000-000000000000"

enum
{
	BTSE_API_KEY,
	BTSE_SECRET_KEY
};

static bool
btse_sign(OgRequest *request, const OgSigner *signer)
{
	char	   *nonce = psprintf(INT64_FORMAT, signer->time_ms);
	StringInfoData text;
	char	   *signature;

	initStringInfo(&text);
	appendStringInfoString(&text, request->path);
	appendStringInfoString(&text, nonce);
	appendBinaryStringInfo(&text, request->body.data, request->body.len);
	signature = og_hmac_hex(OG_SHA384,
							og_slice_of(signer->credentials[BTSE_SECRET_KEY]),
							og_slice(text.data, text.len));
	pfree(text.data);
	if (signature == NULL)
		return false;

	og_fields_add(&request->headers, "request-api",
				  signer->credentials[BTSE_API_KEY]);
	og_fields_add(&request->headers, "request-nonce", nonce);
	og_fields_add(&request->headers, "request-sign", signature);
	return true;
}

static void
btse_read_probe(OgReading *reading, OgSlice answer, const OgBatch *batch)
{
	og_take_time(reading, og_json_member(answer, "epoch"));
}

/* A read that takes the same permission as a cancel does. */
static bool
btse_build_credentials(OgRequest *request, const OgBatch *batch)
{
	request->method = OG_GET;
	request->path = BTSE_ORDERS_PATH;
	og_fields_add(&request->query, "symbol", BTSE_ANY_SYMBOL);
	og_fields_add(&request->query, "orderID", BTSE_NO_ORDER);
	return true;
}

static void
btse_read_credentials(OgReading *reading, OgSlice answer,
					  const OgBatch *batch)
{
	if (og_json_kind(answer) == OG_JSON_ARRAY)
	{
		reading->envelope = OG_ENVELOPE_SUCCESS;
		return;
	}
	og_btse_read_error(reading, answer);
	if (og_says(reading->code, BTSE_UNAUTHORIZED) ||
		og_says(reading->code, BTSE_FORBIDDEN))
		reading->envelope = OG_ENVELOPE_REFUSAL;
}

static const OgOperation btse_check_operations[] = {
	{
		.name = OG_PROBE,
		.kind = OG_PUBLIC,
		.lane = OG_LANE_QUERIES,
		.path = BTSE_TIME_PATH,
		.read = btse_read_probe
	},
	{
		.name = OG_CREDENTIALS,
		.kind = OG_READ,
		.lane = OG_LANE_QUERIES,
		.build = btse_build_credentials,
		.read = btse_read_credentials
	},
	{.name = NULL}
};

const OgProvider og_btse = {
	.name = "btse",
	.wrapper = "btse_fdw",
	.base_url = "https://api.btse.com/spot",

	/*
	 * Each class has a limit per "API" and one per user: 75 and 75, 15 and 30.
	 * Nobody says whether an API is an endpoint or a key; the smaller one for
	 * all of a class keeps both, whatever it is.
	 */
	.rate_limit = "75/1s per key",
	.query_rate_limit = "15/1s per key",
	.needs_nonce = true,
	.max_batch = 1,
	.clock_tolerance = 5,		/* not documented */
	.credentials = {
		[BTSE_API_KEY] = {.name = "api_key"},
		[BTSE_SECRET_KEY] = {.name = "secret_key"}
	},
	.key = BTSE_API_KEY,
	.sign = btse_sign,
	.inquiries = og_btse_inquiries,
	.operations = {
		btse_check_operations,
		og_btse_acts,
		og_btse_market_reads,
		og_btse_account_reads
	}
};
