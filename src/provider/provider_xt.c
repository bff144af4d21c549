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

/* Codes of an envelope. */
#define XT_SUCCESS				"200"
#define XT_ACCESS_KEY_REFUSED	"307"
#define XT_SIGNATURE_REFUSED	"308"
#define XT_MALFORMED			"400"
#define XT_OTHER				"404"

/* Documented of one order, but said of a request as well. */
#define XT_TOO_FREQUENT			"124"

enum
{
	XT_ACCESS_KEY,
	XT_SECRET_KEY
};

enum
{
	XT_SIGNED_DATA
};

static const char *const xt_signed_data[] = {"encoded", "decoded", NULL};

/* What the code of one order's element says. */
static const OgMeaning xt_order_codes[] = {
	{"120", OG_CANCELLED},
	{"121", OG_NOT_FOUND},		/* or cancelled before */
	{"122", OG_NOT_CANCELLABLE},	/* cancelled or completed */
	{"123", OG_UNKNOWN},		/* failed, and it does not know why */
	{XT_TOO_FREQUENT, OG_TOO_FREQUENT},
	{NULL, OG_UNKNOWN}
};

/* Those that refuse the request as a whole. */
static const OgMeaning xt_refusals[] = {
	{XT_ACCESS_KEY_REFUSED, OG_REJECTED},
	{XT_SIGNATURE_REFUSED, OG_REJECTED},
	{XT_MALFORMED, OG_REJECTED},
	{XT_OTHER, OG_REJECTED},
	{"107", OG_REJECTED},		/* trading is not open */
	{NULL, OG_UNKNOWN}
};

/* Words of a refusal that is about the time of a request. */
static const char *const xt_time_words[] = {"nonce", "timestamp"};

/*
 * Words by which a refused signature is one that another request has overtaken:
 * what is refused like that was not looked at.
 */
static const char *const xt_nonce_words[] = {"nonce"};

/* Where the credentials are tried: there is always such a market. */
#define XT_ANY_MARKET	"btc_usdt"

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

/* The parameters of a call about some orders of a market. */
static bool
xt_add_orders(OgRequest *request, const OgBatch *batch)
{
	const char *market = og_fields_get(batch->arguments, "market");
	StringInfoData data;

	if (market == NULL || batch->nkeys < 1 || batch->nkeys > XT_MAX_IDS)
		return false;
	for (int i = 0; i < batch->nkeys; i++)
	{
		if (xt_check_id(batch->keys[i]) != NULL)
			return false;
	}

	initStringInfo(&data);
	og_append_number_array(&data, batch);
	og_fields_add(&request->query, "market", market);
	og_fields_add(&request->query, "data", data.data);
	return true;
}

static bool
xt_build_cancel(OgRequest *request, const OgBatch *batch)
{
	request->method = OG_POST;
	request->path = "/trade/api/v1/batchCancel";
	og_fields_add(&request->headers, "Content-Type",
				  "application/x-www-form-urlencoded");
	return xt_add_orders(request, batch);
}

/* Give the parameter "data", if there is one, the spelling that is sent. */
static void
xt_encode_data(OgFields *parameters)
{
	for (int i = 0; i < parameters->count; i++)
	{
		OgField    *field = &parameters->items[i];

		if (strcmp(field->name, "data") == 0)
			field->value = og_base64(og_slice_of(field->value));
	}
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
	char	   *signature;

	og_fields_add(parameters, "accesskey",
				  signer->credentials[XT_ACCESS_KEY]);
	og_fields_add(parameters, "nonce",
				  psprintf(INT64_FORMAT, signer->time_ms));
	og_fields_sort(parameters);

	if (!decoded)
		xt_encode_data(parameters);
	signature = xt_signature(parameters,
							 signer->credentials[XT_SECRET_KEY]);
	if (signature == NULL)
		return false;
	if (decoded)
		xt_encode_data(parameters);

	og_fields_add(parameters, "signature", signature);
	og_fields_sort(parameters);
	if (request->method == OG_POST)
	{
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
			.verdict = og_meaning(xt_order_codes, values[CODE]),
			.code = values[CODE],
			.message = values[MSG],
			.element = element
		};

		og_take_by_id(reading, values[ID], &result);
	}
}

/* Read the envelope, which all answers have.  Answers its "data". */
static OgSlice
xt_read_envelope(OgReading *reading, OgSlice answer)
{
	enum
	{
		CODE, DATA, INFO_, MSG, MESSAGE, COUNT
	};
	static const char *const names[COUNT] = {
		"code", "data", "info", "msg", "message"
	};
	OgSlice		values[COUNT];

	if (og_json_kind(answer) != OG_JSON_OBJECT)
	{
		reading->note = "is not an object";
		return og_slice(NULL, 0);
	}
	og_json_pick(answer, names, values, COUNT);

	if (og_says(values[CODE], XT_SUCCESS))
	{
		/* Its words are about the call, not about an order it leaves out. */
		reading->envelope = OG_ENVELOPE_SUCCESS;
		return values[DATA];
	}
	reading->rest = og_meaning(xt_refusals, values[CODE]);
	reading->code = values[CODE];
	reading->message = og_first_given(&values[INFO_], COUNT - INFO_);
	if (reading->rest == OG_REJECTED)
		reading->envelope = OG_ENVELOPE_REFUSAL;
	else
		reading->note = "has no code that is documented";
	reading->clock_suspected = og_says(reading->code, XT_SIGNATURE_REFUSED) ||
		(og_says(reading->code, XT_MALFORMED) &&
		 og_mentions(reading->message, xt_time_words,
					 lengthof(xt_time_words)));
	reading->too_frequent = og_says(reading->code, XT_TOO_FREQUENT);
	reading->nonce_refused = og_says(reading->code, XT_SIGNATURE_REFUSED) &&
		og_mentions(reading->message, xt_nonce_words,
					lengthof(xt_nonce_words));
	return values[DATA];
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
	{
		og_take_time(reading, og_json_member(data, "serverTime"));
		return;
	}
	reading->envelope = OG_ENVELOPE_SILENT;
	if (reading->note == NULL)
		reading->note = OG_NO_TIME;
}

/* A read with "data", so that setting signed_data is tried as well. */
static bool
xt_build_credentials(OgRequest *request, const OgBatch *batch)
{
	request->method = OG_GET;
	request->path = "/trade/api/v1/getBatchOrders";
	og_fields_add(&request->query, "market", XT_ANY_MARKET);
	og_fields_add(&request->query, "data", "[1]");
	return true;
}

/* Only some refusals are about who asks. */
static void
xt_read_credentials(OgReading *reading, OgSlice answer, const OgBatch *batch)
{
	(void) xt_read_envelope(reading, answer);
	if (reading->envelope == OG_ENVELOPE_REFUSAL &&
		!reading->clock_suspected &&
		!og_says(reading->code, XT_ACCESS_KEY_REFUSED))
		reading->envelope = OG_ENVELOPE_SILENT;
}

/* ---------- reads ---------- */

#define TABLES_ARE	static const
#define FIELDS "provider/xt_fields.def"
#include "provider/fields.h"

static OgOrderState
xt_order_state(const OgColumn *columns, const OgSlice *values)
{
	OgSlice		status = values[og_column(columns, "status")];

	if (og_says(status, "0") || og_says(status, "1"))
		return og_is_positive(values[og_column(columns, "complete_number")])
			? OG_ORDER_PARTLY_FILLED : OG_ORDER_OPEN;
	if (og_says(status, "2") || og_says(status, "4"))
		return OG_ORDER_FILLED;
	return og_says(status, "3") ? OG_ORDER_CANCELLED : OG_ORDER_UNKNOWN;
}

static const OgInquiry xt_inquiries[] = {
	{"get_orders", .keys = true, .market = true, .state = xt_order_state,
	.time = "time", .filled = "complete_number", .size = "number"},
	{NULL}
};

/* Those of an order that was asked for by its id, which the caller knows. */
#define xt_known_order_columns	(xt_order_columns + 1)

static bool
xt_build_order(OgRequest *request, const OgBatch *batch)
{
	const char *market = og_fields_get(batch->arguments, "market");
	const char *id = og_fields_get(batch->arguments, "id");

	if (market == NULL || id == NULL || xt_check_id(og_slice_of(id)) != NULL)
		return false;
	request->path = "/trade/api/v1/getOrder";
	og_fields_add(&request->query, "market", market);
	og_fields_add(&request->query, "id", id);
	return true;
}

static bool
xt_build_open_orders(OgRequest *request, const OgBatch *batch)
{
	const char *market = og_fields_get(batch->arguments, "market");
	const char *page = og_fields_get(batch->arguments, "page");

	if (market == NULL || page == NULL)
		return false;
	request->path = "/trade/api/v1/getOpenOrders";
	og_fields_add(&request->query, "market", market);
	og_fields_add(&request->query, "page", page);
	og_fields_add(&request->query, "pageSize", CppAsString2(XT_PAGE_SIZE));
	return true;
}

static bool
xt_build_orders(OgRequest *request, const OgBatch *batch)
{
	request->path = "/trade/api/v1/getBatchOrders";
	return xt_add_orders(request, batch);
}

/* What the code of an envelope refuses. */
static OgRefusal
xt_refusal(OgSlice code)
{
	if (og_says(code, XT_ACCESS_KEY_REFUSED) ||
		og_says(code, XT_SIGNATURE_REFUSED))
		return OG_REFUSED_CREDENTIALS;
	if (og_says(code, XT_MALFORMED))
		return OG_REFUSED_ARGUMENTS;
	if (og_says(code, XT_OTHER))
		return OG_REFUSED_UNKNOWN;
	if (og_says(code, XT_TOO_FREQUENT))
		return OG_REFUSED_PACE;
	return OG_REFUSED_SOMEHOW;
}

/* Is the envelope that was read a success?  If not, say what it refuses. */
static bool
xt_is_success(OgRecords *records)
{
	if (records->reading.envelope == OG_ENVELOPE_SUCCESS)
		return true;
	records->refusal = xt_refusal(records->reading.code);
	return false;
}

/* The list of open orders, or one order. */
static void
xt_read_orders(OgRecords *records, OgSlice answer, const OgBatch *batch)
{
	OgSlice		data = xt_read_envelope(&records->reading, answer);

	if (!xt_is_success(records))
		return;
	if (og_json_kind(data) == OG_JSON_NULL)
		records->nothing = true;
	else
		og_take_objects(records, data);
}

/* Those of a list of ids. */
static void
xt_read_known_orders(OgRecords *records, OgSlice answer, const OgBatch *batch)
{
	OgSlice		data = xt_read_envelope(&records->reading, answer);

	if (xt_is_success(records))
		og_take_known_objects(records, data, "id");
}

static const char *const xt_order_id[] = {"order_id", NULL};

/* Its records do not tell their market. */
static const OgDemand xt_asked_order[] = {
	{"id", "order_id", OG_SAME_ID},
	{NULL}
};

static const OgPages xt_pages = {"page", XT_PAGE_SIZE, XT_LEAST_PAGE};

static const OgOperation xt_operations[] = {
	{
		.name = "cancel",
		.kind = OG_ACT,
		.lane = OG_LANE_ORDERS,
		.batch_max = XT_MAX_IDS,
		.batch_default = XT_MAX_IDS,
		.build = xt_build_cancel,
		.read = xt_read_cancel
	},
	{
		.name = OG_PROBE,
		.kind = OG_PUBLIC,
		.lane = OG_LANE_QUERIES,
		.path = "/trade/api/v1/getServerTime",
		.read = xt_read_probe
	},
	{
		.name = OG_CREDENTIALS,
		.kind = OG_READ,
		.lane = OG_LANE_QUERIES,
		.build = xt_build_credentials,
		.read = xt_read_credentials
	},
	{
		.name = "get_order",
		.kind = OG_READ,
		.lane = OG_LANE_QUERIES,
		.build = xt_build_order,
		.columns = xt_order_columns,
		.read_records = xt_read_orders,
		.demands = xt_asked_order,
		.one = true
	},
	{
		.name = "open_orders",
		.kind = OG_READ,
		.lane = OG_LANE_QUERIES,
		.build = xt_build_open_orders,
		.columns = xt_order_columns,
		.read_records = xt_read_orders,
		.pages = &xt_pages,
		.id = xt_order_id
	},
	{
		.name = "get_orders",
		.kind = OG_READ,
		.lane = OG_LANE_QUERIES,
		.batch_max = XT_MAX_IDS,
		.batch_default = XT_MAX_IDS,
		.build = xt_build_orders,
		.columns = xt_known_order_columns,
		.read_records = xt_read_known_orders
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
			.choices = xt_signed_data
		}
	},
	.credentials = {
		[XT_ACCESS_KEY] = {.name = "access_key"},
		[XT_SECRET_KEY] = {.name = "secret_key"}
	},
	.key = XT_ACCESS_KEY,
	.check_id = xt_check_id,
	.sign = xt_sign,
	.inquiries = xt_inquiries,
	.operations = {xt_operations}
};
