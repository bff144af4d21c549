/*-------------------------------------------------------------------------
 *
 * provider_xt.c
 *		XT, spot trading API v1.
 *
 * Every call is a list of parameters.  While a request is built they are its
 * query; signing adds the account's own, and moves those of a POST into the
 * form body, where this API wants them.
 *
 * The parameter "data" holds a list of ids and is sent as the base64 of a
 * JSON array.  It stays JSON until the request is signed, because setting
 * signed_data decides which of the two spellings is signed: the published
 * text says the decoded one, the published sample signs the encoded one.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "ground/crypto.h"
#include "provider/provider.h"

#define XT_MAX_IDS		100		/* the service ignores what is beyond */
#define XT_MAX_DIGITS	19		/* of an id */
#define XT_PAGE_SIZE	1000	/* of open orders, the largest there is ... */
#define XT_LEAST_PAGE	10		/* ... and the smallest */

/* A code of an envelope. */
#define XT_SIGNATURE_REFUSED	"308"

enum
{
	XT_ACCESS_KEY,
	XT_SECRET_KEY
};

enum
{
	XT_SIGNED_DATA
};

/* What the code of one order's element says. */
static const OgMeaning xt_order_codes[] = {
	{"120", OG_CANCELLED},
	{"121", OG_NOT_FOUND},		/* or cancelled before */
	{"122", OG_NOT_CANCELLABLE},	/* cancelled or completed */
	{"123", OG_UNKNOWN},		/* failed, and it does not know why */
	{"124", OG_TOO_FREQUENT},
	{NULL, OG_UNKNOWN}
};

/* What the code of an envelope says of all of them, and of a read. */
static const OgMeaning xt_codes[] = {
	{"307", OG_REJECTED, OG_REFUSED_CREDENTIALS},	/* access key */
	{XT_SIGNATURE_REFUSED, OG_REJECTED, OG_REFUSED_CREDENTIALS},
	{"400", OG_REJECTED, OG_REFUSED_ARGUMENTS}, /* malformed */
	{"404", OG_REJECTED, OG_REFUSED_UNKNOWN},	/* other */
	{"107", OG_REJECTED},		/* trading is not open */
	{"124", OG_UNKNOWN, OG_REFUSED_PACE},	/* documented of one order only */
	{NULL, OG_UNKNOWN}
};

/* Ids go out as bare JSON numbers: nothing but digits may ever pass here. */
static const char *
xt_check_id(OgSlice id)
{
	bool		good = id.len >= 1 && id.len <= XT_MAX_DIGITS &&
		id.data[0] != '0';

	for (size_t i = 0; i < id.len && good; i++)
		good = id.data[i] >= '0' && id.data[i] <= '9';
	return good ? NULL
		: "1 to " CppAsString2(XT_MAX_DIGITS) " digits without a leading zero";
}

/*
 * The list of orders of a call.  Such numbers need no escapes, and so no cJSON:
 * its allocations for each cost more than the signature of all.
 */
static bool
xt_build_orders(OgRequest *request, const OgBatch *batch)
{
	StringInfoData data;

	initStringInfo(&data);
	for (int i = 0; i < batch->nkeys; i++)
	{
		const OgSlice *id = &batch->keys[i];

		if (xt_check_id(*id) != NULL)
			return false;
		appendStringInfoChar(&data, i == 0 ? '[' : ',');
		appendBinaryStringInfo(&data, id->data, (int) id->len);
	}
	appendStringInfoChar(&data, ']');
	og_fields_add(&request->query, "data", data.data);
	return batch->nkeys > 0;
}

/* The id of one order is added already. */
static bool
xt_build_order(OgRequest *request, const OgBatch *batch)
{
	return xt_check_id(og_slice_of(og_fields_get(&request->query, "id"))) == NULL;
}

/* Signature over "name=value&name=value" of sorted parameters, all raw. */
static char *
xt_signature(const OgFields *parameters, const char *secret_key)
{
	StringInfoData text;
	char	   *signature;

	initStringInfo(&text);
	for (int i = 0; i < parameters->count; i++)
	{
		if (i > 0)
			appendStringInfoChar(&text, '&');
		appendStringInfoString(&text, parameters->items[i].name);
		appendStringInfoChar(&text, '=');
		appendStringInfoString(&text, parameters->items[i].value);
	}
	signature = og_hmac_hex(OG_SHA256, og_slice_of(secret_key),
							og_slice(text.data, text.len));
	pfree(text.data);
	return signature;
}

static bool
xt_sign(OgRequest *request, const OgSigner *signer)
{
	OgFields   *parameters = &request->query;
	bool		decoded = strcmp(signer->settings[XT_SIGNED_DATA],
								 "decoded") == 0;
	const char *data = og_fields_get(parameters, "data");
	const char *encoded = data != NULL ? og_base64(og_slice_of(data)) : NULL;
	char	   *signature;

	og_fields_add(parameters, "accesskey",
				  signer->credentials[XT_ACCESS_KEY]);
	og_fields_add(parameters, "nonce",
				  psprintf(INT64_FORMAT, signer->time_ms));
	og_fields_sort(parameters);

	if (encoded != NULL && !decoded)
		og_fields_set(parameters, "data", encoded);
	signature = xt_signature(parameters,
							 signer->credentials[XT_SECRET_KEY]);
	if (signature == NULL)
		return false;
	if (encoded != NULL && decoded)
		og_fields_set(parameters, "data", encoded);

	og_fields_add(parameters, "signature", signature);
	og_fields_sort(parameters);
	if (request->method == OG_POST)
	{
		og_fields_add(&request->headers, "Content-Type",
					  "application/x-www-form-urlencoded");
		og_append_form(&request->body, parameters, false);
		memset(parameters, 0, sizeof(*parameters));
	}
	return true;
}

/* Take the verdicts of the elements of "data". */
static void
xt_take_elements(OgReading *reading, OgSlice data)
{
	enum
	{
		ID, CODE, MSG, COUNT
	};
	static const char *const names[COUNT] = {"id", "code", "msg"};
	OgSlice		values[COUNT];
	OgJsonPicker picker;
	OgSlice		element;

	og_json_pick_open(&picker, data, names, COUNT);
	while (og_json_pick_next(&picker, &element, values))
	{
		OgResult	result = {
			.verdict = og_meaning(xt_order_codes, values[CODE])->meaning,
			.code = values[CODE],
			.message = values[MSG],
			.element = element
		};

		(void) og_take_by_id(reading, values[ID], &result);
	}
}

/* Read the envelope, which all answers have.  Answers its "data". */
static OgSlice
xt_read_envelope(OgReading *reading, OgSlice answer)
{
	OgSlice		code = og_json_member(answer, "code");
	const OgMeaning *said = og_meaning(xt_codes, code);
	bool		signature = og_says(code, XT_SIGNATURE_REFUSED);

	/* Its words are about the call, not about an order it leaves out. */
	if (og_says(code, "200"))
	{
		reading->envelope = OG_ENVELOPE_SUCCESS;
		return og_json_member(answer, "data");
	}
	reading->code = code;
	reading->message = og_first_member(answer,
									   OG_NAMES("info", "msg", "message"));
	reading->rest = said->meaning;
	if (reading->rest == OG_REJECTED)
		reading->envelope = OG_ENVELOPE_REFUSAL;
	else
		reading->note = og_json_kind(answer) == OG_JSON_OBJECT
			? "has no code that is documented" : "is not an object";

	/* Of what another request has overtaken, nothing was looked at. */
	reading->nonce_refused = signature &&
		og_mentions(reading->message, OG_NAMES("nonce"));
	reading->clock_suspected = signature ||
		(said->refusal == OG_REFUSED_ARGUMENTS &&
		 og_mentions(reading->message, OG_NAMES("nonce", "timestamp")));
	reading->too_frequent = said->refusal == OG_REFUSED_PACE;
	return og_json_member(answer, "data");
}

static void
xt_read_cancel(OgReading *reading, OgSlice answer, const OgBatch *batch)
{
	OgSlice		data = xt_read_envelope(reading, answer);

	if (og_json_kind(data) == OG_JSON_ARRAY)
		xt_take_elements(reading, data);
	else if (reading->envelope == OG_ENVELOPE_SUCCESS)
		reading->note = "has no list of orders";
}

static void
xt_read_probe(OgReading *reading, OgSlice answer, const OgBatch *batch)
{
	OgSlice		data = xt_read_envelope(reading, answer);

	if (reading->envelope == OG_ENVELOPE_SUCCESS)
		og_take_time(reading, og_json_member(data, "serverTime"));
	else
	{
		reading->envelope = OG_ENVELOPE_SILENT;
		reading->note = reading->note ? reading->note : OG_NO_TIME;
	}
}

/* Only some refusals are about who asks. */
static void
xt_read_credentials(OgReading *reading, OgSlice answer, const OgBatch *batch)
{
	(void) xt_read_envelope(reading, answer);
	if (reading->envelope == OG_ENVELOPE_REFUSAL &&
		!reading->clock_suspected &&
		og_meaning(xt_codes, reading->code)->refusal != OG_REFUSED_CREDENTIALS)
		reading->envelope = OG_ENVELOPE_SILENT;
}

/* ---------- reads ---------- */

#define FIELDS "provider/xt_fields.def"
#include "provider/fields.h"

static const OgMeaning xt_states[] = {
	{"0", OG_ORDER_OPEN},
	{"1", OG_ORDER_OPEN},
	{"2", OG_ORDER_FILLED},
	{"3", OG_ORDER_CANCELLED},
	{"4", OG_ORDER_FILLED},
	{NULL, OG_ORDER_UNKNOWN}
};

static OgOrderState
xt_order_state(const OgColumn *columns, const OgSlice *values)
{
	return og_order_state(xt_states, values[og_column(columns, "status")],
						  values[og_column(columns, "complete_number")]);
}

static const OgInquiry xt_inquiries[] = {
	{"get_orders", .keys = true, .market = true, .state = xt_order_state,
	.time = "time", .filled = "complete_number", .size = "number"},
	{NULL}
};

/*
 * A list of orders, open ones or those of a list of ids, or one order; or
 * nothing, where there is none.
 */
static void
xt_read_orders(OgRecords *records, OgSlice answer, const OgBatch *batch)
{
	OgReading  *reading = &records->reading;
	OgSlice		data = xt_read_envelope(reading, answer);

	if (reading->envelope != OG_ENVELOPE_SUCCESS)
		records->refusal = og_meaning(xt_codes, reading->code)->refusal;
	else if (batch->nkeys > 0)
		og_take_known_objects(records, data, "id");
	else if (og_json_kind(data) == OG_JSON_NULL)
		records->nothing = true;
	else
		og_take_objects(records, data);
}

#define XT_MARKET	{"market", "market", .required = true}

static const OgOperation xt_operations[] = {
	{
		.name = "cancel", .kind = OG_ACT, OG_BATCH(XT_MAX_IDS),
		.method = OG_POST, .path = "/trade/api/v1/batchCancel",
		.parameters = OG_PARAMETERS(XT_MARKET), .build = xt_build_orders,
		.read = xt_read_cancel
	},
	{
		.name = OG_PROBE, .kind = OG_PUBLIC,
		.path = "/trade/api/v1/getServerTime",
		.read = xt_read_probe
	},
	{
		/*
		 * A read with "data", so that setting signed_data is tried as well, of
		 * a market that there always is.
		 */
		.name = OG_CREDENTIALS, .kind = OG_READ,
		.path = "/trade/api/v1/getBatchOrders",
		.parameters = OG_PARAMETERS(
			{"market", .always = "btc_usdt"},
			{"data", .always = "[1]"}),
		.read = xt_read_credentials
	},
	{
		/* Its records do not tell their market. */
		.name = "get_order", .kind = OG_READ, .one = true,
		.path = "/trade/api/v1/getOrder",
		.parameters = OG_PARAMETERS(
			XT_MARKET,
			{"id", "id", .required = true, .column = "order_id",
			.sameness = OG_SAME_ID}),
		.build = xt_build_order,
		.read_records = xt_read_orders, .columns = xt_order_columns
	},
	{
		.name = "open_orders", .kind = OG_READ,
		.path = "/trade/api/v1/getOpenOrders",
		.parameters = OG_PARAMETERS(
			XT_MARKET,
			{"page", "page", .required = true},
			{"pageSize", .always = CppAsString2(XT_PAGE_SIZE)}),
		.read_records = xt_read_orders, .columns = xt_order_columns,
		.pages = &(const OgPages) {"page", XT_PAGE_SIZE, XT_LEAST_PAGE},
		.id = OG_NAMES("order_id")
	},
	{
		/* The id of each is the one that was asked for. */
		.name = "get_orders", .kind = OG_READ, OG_BATCH(XT_MAX_IDS),
		.path = "/trade/api/v1/getBatchOrders",
		.parameters = OG_PARAMETERS(XT_MARKET), .build = xt_build_orders,
		.read_records = xt_read_orders, .columns = xt_order_columns + 1
	},
	{.name = NULL}
};

const OgProvider og_xt = {
	.name = "xt",
	.wrapper = "xt_fdw",
	.base_url = "https://api.xt.com",

	/* 10 a second for a user; over 1000 a minute an address is locked out. */
	.rate_limit = "10/1s per key, 1000/60s per host",
	.query_rate_limit = "off",
	.counts_together = true,
	.needs_nonce = true,
	.max_batch = XT_MAX_IDS,
	.clock_tolerance = 5,		/* not documented */
	.settings = {
		[XT_SIGNED_DATA] = {
			.name = "signed_data",
			.preset = "encoded",
			.choices = OG_NAMES("encoded", "decoded")
		}
	},
	.credentials = {
		[XT_ACCESS_KEY] = {.name = "access_key"},
		[XT_SECRET_KEY] = {.name = "secret_key"}
	},
	.key = XT_ACCESS_KEY,
	.market_signs = "_-.",
	.check_id = xt_check_id,
	.sign = xt_sign,
	.inquiries = xt_inquiries,
	.operations = xt_operations
};
