/*-------------------------------------------------------------------------
 *
 * provider_tronsave.c
 *		TronSave, API v0: fast-charge orders.
 *
 * Requests and answers are JSON; the key itself is sent, in a header, and
 * nothing is signed.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "provider/provider.h"

/* No maximum is documented. */
#define TRONSAVE_BATCH		100
#define TRONSAVE_MAX_BATCH	OG_MAX_BATCH

#define TRONSAVE_TRACKING_PATH	"/v0/fast-charge-order-tracking"
#define TRONSAVE_NO_LIST	"has no list of orders"

/* Of each endpoint. */
#define TRONSAVE_PACE		"1/2s per key"

enum
{
	TRONSAVE_API_KEY
};

/*
 * A list of orders, whatever is asked of them.  Without any it is about one
 * that nobody has, by which the credentials are tried.
 */
static bool
tronsave_build(OgRequest *request, const OgBatch *batch)
{
	OgSlice		nobodys = og_slice_of("000000000000000000000000");
	const OgBatch instead = {batch->arguments, &nobodys, 1};

	return og_add_json(request, "{\"order_ids\":",
					   og_batch_json(batch->nkeys > 0 ? batch : &instead), "}");
}

static bool
tronsave_sign(OgRequest *request, const OgSigner *signer)
{
	og_fields_add_secret(&request->headers, "apikey",
						 pstrdup(signer->credentials[TRONSAVE_API_KEY]));
	return true;
}

/* Success is believed only if no reason for a failure stands beside it. */
static void
tronsave_take_elements(OgReading *reading, OgSlice list)
{
	enum
	{
		ORDER_ID, IS_SUCCESS, FAIL_REASON, COUNT
	};
	static const char *const names[COUNT] = {
		"order_id", "is_success", "fail_reason"
	};
	OgSlice		values[COUNT];
	OgJsonPicker picker;
	OgSlice		element;

	og_json_pick_open(&picker, list, names, COUNT);
	while (og_json_pick_next(&picker, &element, values))
	{
		OgJsonKind	success = og_json_kind(values[IS_SUCCESS]);
		OgResult	result = {
			.verdict = OG_UNKNOWN,
			.message = values[FAIL_REASON],
			.element = element
		};

		if (success == OG_JSON_FALSE)
			result.verdict = OG_REJECTED;
		else if (success == OG_JSON_TRUE &&
				 og_json_kind(values[FAIL_REASON]) <= OG_JSON_NULL)
			result.verdict = OG_CANCELLED;
		(void) og_take_by_id(reading, values[ORDER_ID], &result);
	}
}

/* One of the service's own errors: INVALID_API_KEY, API_KEY_REQUIRED? */
static bool
tronsave_is_key_error(OgSlice message)
{
	const char *text = og_json_text(message, 9);

	return text != NULL &&
		(strncmp(text, "TSAS:107", 8) == 0 || strncmp(text, "TSAS:106", 8) == 0) &&
		(text[8] == '\0' || text[8] == ' ');
}

/* Read the words of an answer, and what they refuse. */
static OgRefusal
tronsave_read_words(OgReading *reading, OgSlice answer)
{
	reading->code = og_json_member(answer, "code");
	reading->message = og_json_member(answer, "message");

	if (tronsave_is_key_error(reading->message))
		return OG_REFUSED_CREDENTIALS;
	if (og_says(reading->code, "FST_ERR_VALIDATION"))
		return OG_REFUSED_ARGUMENTS;
	return og_says(reading->message, "Rate limit reached")
		? OG_REFUSED_PACE : OG_REFUSED_SOMEHOW;
}

/* A refusal says "error", true or the name of one. */
static void
tronsave_read_cancel(OgReading *reading, OgSlice answer, const OgBatch *batch)
{
	static const char *const names[] = {"cancel_results", "error"};
	OgSlice		values[lengthof(names)];
	OgRefusal	refusal;
	bool		has_list;
	bool		refused;

	og_json_pick(answer, names, values, lengthof(names));
	has_list = og_json_kind(values[0]) == OG_JSON_ARRAY;
	refused = og_json_kind(values[1]) == OG_JSON_TRUE ||
		og_json_kind(values[1]) == OG_JSON_STRING;
	if (!has_list)
		reading->note = og_json_kind(answer) == OG_JSON_OBJECT
			? TRONSAVE_NO_LIST : "is not an object";
	tronsave_take_elements(reading, values[0]);
	if (has_list && !refused)
		return;

	refusal = tronsave_read_words(reading, answer);
	if (refused && refusal != OG_REFUSED_SOMEHOW)
	{
		reading->envelope = OG_ENVELOPE_REFUSAL;
		reading->rest = refusal == OG_REFUSED_PACE
			? OG_TOO_FREQUENT : OG_REJECTED;
	}
	else if (has_list)
		reading->code = reading->message = og_slice(NULL, 0);
}

static void
tronsave_read_credentials(OgReading *reading, OgSlice answer,
						  const OgBatch *batch)
{
	if (og_json_kind(og_json_member(answer, "results")) == OG_JSON_ARRAY)
	{
		reading->envelope = OG_ENVELOPE_SUCCESS;
		return;
	}
	reading->note = TRONSAVE_NO_LIST;
	if (tronsave_read_words(reading, answer) == OG_REFUSED_CREDENTIALS)
		reading->envelope = OG_ENVELOPE_REFUSAL;
}

/* ---------- reads ---------- */

#define FIELDS "provider/tronsave_fields.def"
#include "provider/fields.h"

/* The documented words of a status; there may be others. */
static const OgMeaning tronsave_states[] = {
	{"Pending", OG_ORDER_OPEN},
	{"Matched", OG_ORDER_FILLED},
	{"Completed", OG_ORDER_FILLED},
	{"Cancelled", OG_ORDER_CANCELLED},
	{"Canceled", OG_ORDER_CANCELLED},
	{NULL, OG_ORDER_UNKNOWN}
};

static OgOrderState
tronsave_order_state(const OgColumn *columns, const OgSlice *values)
{
	return og_meaning(tronsave_states,
					  values[og_column(columns, "status")])->meaning;
}

static const OgInquiry tronsave_inquiries[] = {
	{"get_orders", .keys = true, .state = tronsave_order_state},
	{NULL}
};

static void
tronsave_read_orders(OgRecords *records, OgSlice answer, const OgBatch *batch)
{
	OgSlice		results = og_json_member(answer, "results");

	if (og_json_kind(results) == OG_JSON_ARRAY)
	{
		og_take_known_objects(records, results, "order_id");
		return;
	}
	records->reading.note = TRONSAVE_NO_LIST;
	records->refusal = tronsave_read_words(&records->reading, answer);
}

#define TRONSAVE_ORDERS \
	.batch_max = TRONSAVE_MAX_BATCH, .batch_default = TRONSAVE_BATCH

static const OgOperation tronsave_operations[] = {
	{
		.name = "cancel", .kind = OG_ACT, TRONSAVE_ORDERS,
		.method = OG_POST, .path = "/v0/fast-charge-order-cancel",
		.build = tronsave_build, .read = tronsave_read_cancel
	},
	{
		/* There is no public read: see what answers at all. */
		.name = OG_PROBE, .kind = OG_PUBLIC, .path = ""
	},
	{
		.name = OG_CREDENTIALS, .kind = OG_READ,
		.method = OG_POST, .path = TRONSAVE_TRACKING_PATH,
		.build = tronsave_build, .read = tronsave_read_credentials
	},
	{
		.name = "get_orders", .kind = OG_READ, TRONSAVE_ORDERS,
		.method = OG_POST, .path = TRONSAVE_TRACKING_PATH,
		.build = tronsave_build,
		.read_records = tronsave_read_orders, .columns = tronsave_order_columns
	},
	{.name = NULL}
};

const OgProvider og_tronsave = {
	.name = "tronsave",
	.wrapper = "tronsave_fdw",
	.base_url = "https://api.tronsave.io",
	.rate_limit = TRONSAVE_PACE,
	.query_rate_limit = TRONSAVE_PACE,
	.max_batch = TRONSAVE_MAX_BATCH,
	.clock_tolerance = 5,		/* it does not look at ours */
	.credentials = {
		[TRONSAVE_API_KEY] = {.name = "api_key"}
	},
	.key = TRONSAVE_API_KEY,
	.sign = tronsave_sign,
	.inquiries = tronsave_inquiries,
	.operations = tronsave_operations
};
