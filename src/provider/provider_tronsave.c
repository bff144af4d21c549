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

/* Where the credentials are tried: an order that nobody has. */
#define TRONSAVE_NO_ORDER	"000000000000000000000000"

/* Of each endpoint. */
#define TRONSAVE_PACE		"1/2s per key"

enum
{
	TRONSAVE_API_KEY
};

/* A POST about some orders, the same for whatever is asked of them. */
static bool
tronsave_build_post(OgRequest *request, const char *path, const OgBatch *batch)
{
	cJSON	   *body;
	cJSON	   *ids;

	request->method = OG_POST;
	request->path = path;
	og_fields_add(&request->headers, "Content-Type", "application/json");

	ids = og_batch_json(batch);
	body = cJSON_CreateObject();
	if (!cJSON_AddItemToObject(body, "order_ids", ids))
	{
		cJSON_Delete(ids);
		cJSON_Delete(body);
		return false;
	}
	return og_json_append(&request->body, body);
}

static bool
tronsave_build_cancel(OgRequest *request, const OgBatch *batch)
{
	return batch->nkeys >= 1 &&
		tronsave_build_post(request, "/v0/fast-charge-order-cancel", batch);
}

static bool
tronsave_build_credentials(OgRequest *request, const OgBatch *batch)
{
	OgSlice		nobodys = og_slice_of(TRONSAVE_NO_ORDER);
	OgBatch		tracked = {batch->arguments, &nobodys, 1};

	return tronsave_build_post(request, TRONSAVE_TRACKING_PATH, &tracked);
}

static bool
tronsave_sign(OgRequest *request, const OgSigner *signer)
{
	og_fields_add_secret(&request->headers, "apikey",
						 pstrdup(signer->credentials[TRONSAVE_API_KEY]));
	return true;
}

/*
 * Success is believed only if no reason for a failure stands beside it.
 */
static void
tronsave_take_element(OgReading *reading, OgSlice element)
{
	enum
	{
		ORDER_ID, IS_SUCCESS, FAIL_REASON, COUNT
	};
	static const char *const names[COUNT] = {
		"order_id", "is_success", "fail_reason"
	};
	OgSlice		values[COUNT];
	OgResult	result = {.verdict = OG_UNKNOWN};
	OgJsonKind	kind;

	if (og_json_kind(element) != OG_JSON_OBJECT)
		return;
	og_json_pick(element, names, values, COUNT);

	kind = og_json_kind(values[IS_SUCCESS]);
	if (kind == OG_JSON_FALSE)
		result.verdict = OG_REJECTED;
	else if (kind == OG_JSON_TRUE &&
			 og_json_kind(values[FAIL_REASON]) <= OG_JSON_NULL)
		result.verdict = OG_CANCELLED;
	result.message = values[FAIL_REASON];
	result.element = element;
	og_take_by_id(reading, values[ORDER_ID], &result);
}

/* Does a message begin with one of the service's own error numbers? */
static bool
tronsave_is_key_error(OgSlice message)
{
	static const char *const errors[] = {
		"TSAS:107",				/* INVALID_API_KEY */
		"TSAS:106"				/* API_KEY_REQUIRED */
	};
	char	   *text;
	bool		found = false;

	if (og_json_kind(message) != OG_JSON_STRING)
		return false;
	text = og_json_text(message, (int) strlen(errors[0]) + 1);
	for (size_t i = 0; i < lengthof(errors) && !found; i++)
	{
		size_t		len = strlen(errors[i]);

		found = strncmp(text, errors[i], len) == 0 &&
			(text[len] == '\0' || text[len] == ' ');
	}
	pfree(text);
	return found;
}

/* The verdict of an answer that says "error", true or the name of one. */
static OgVerdict
tronsave_refusal(OgSlice code, OgSlice message)
{
	if (og_says(code, "FST_ERR_VALIDATION") || tronsave_is_key_error(message))
		return OG_REJECTED;
	if (og_says(message, "Rate limit reached"))
		return OG_TOO_FREQUENT;
	return OG_UNKNOWN;
}

static void
tronsave_read_cancel(OgReading *reading, OgSlice answer, const OgBatch *batch)
{
	enum
	{
		CANCEL_RESULTS, ERROR_, CODE, MESSAGE, COUNT
	};
	static const char *const names[COUNT] = {
		"cancel_results", "error", "code", "message"
	};
	OgSlice		values[COUNT];
	OgJsonCursor cursor;
	OgSlice		element;
	OgJsonKind	error;
	bool		has_list;

	if (og_json_kind(answer) != OG_JSON_OBJECT)
	{
		reading->note = "is not an object";
		return;
	}
	og_json_pick(answer, names, values, COUNT);
	error = og_json_kind(values[ERROR_]);
	has_list = og_json_kind(values[CANCEL_RESULTS]) == OG_JSON_ARRAY;

	if (error == OG_JSON_TRUE || error == OG_JSON_STRING)
		reading->rest = tronsave_refusal(values[CODE], values[MESSAGE]);
	if (reading->rest != OG_UNKNOWN)
		reading->envelope = OG_ENVELOPE_REFUSAL;
	if (reading->envelope == OG_ENVELOPE_REFUSAL || !has_list)
	{
		reading->code = values[CODE];
		reading->message = values[MESSAGE];
	}
	if (!has_list)
	{
		reading->note = "has no list of orders";
		return;
	}

	og_json_open(&cursor, values[CANCEL_RESULTS]);
	while (og_json_next_element(&cursor, &element))
		tronsave_take_element(reading, element);
}

/*
 * Take the list from an answer to tracking.  If it has none, false, and what it
 * says instead.
 */
static bool
tronsave_find_results(OgReading *reading, OgSlice answer, OgSlice *results)
{
	enum
	{
		RESULTS, CODE, MESSAGE, COUNT
	};
	static const char *const names[COUNT] = {"results", "code", "message"};
	OgSlice		values[COUNT];

	og_json_pick(answer, names, values, COUNT);
	*results = values[RESULTS];
	if (og_json_kind(*results) == OG_JSON_ARRAY)
		return true;
	reading->code = values[CODE];
	reading->message = values[MESSAGE];
	reading->note = "has no list of orders";
	return false;
}

static void
tronsave_read_credentials(OgReading *reading, OgSlice answer,
						  const OgBatch *batch)
{
	OgSlice		results;

	if (tronsave_find_results(reading, answer, &results))
		reading->envelope = OG_ENVELOPE_SUCCESS;
	else if (tronsave_is_key_error(reading->message))
		reading->envelope = OG_ENVELOPE_REFUSAL;
}

/* ---------- reads ---------- */

/* An order's own id is the one it was asked for by. */
static const OgColumn tronsave_order_columns[] = {
	{"status", OG_TEXT, {"status"}},
	{NULL}
};

/* The documented words of a status; there may be others. */
static OgOrderState
tronsave_order_state(const OgColumn *columns, const OgSlice *values)
{
	OgSlice		status = values[og_column(columns, "status")];

	if (og_says(status, "Pending"))
		return OG_ORDER_OPEN;
	if (og_says(status, "Matched") || og_says(status, "Completed"))
		return OG_ORDER_FILLED;
	if (og_says(status, "Cancelled") || og_says(status, "Canceled"))
		return OG_ORDER_CANCELLED;
	return OG_ORDER_UNKNOWN;
}

static const OgInquiry tronsave_inquiries[] = {
	{"get_orders", .keys = true, .state = tronsave_order_state},
	{NULL}
};

static bool
tronsave_build_orders(OgRequest *request, const OgBatch *batch)
{
	return batch->nkeys >= 1 &&
		tronsave_build_post(request, TRONSAVE_TRACKING_PATH, batch);
}

static OgRefusal
tronsave_read_refusal(OgSlice code, OgSlice message)
{
	if (tronsave_is_key_error(message))
		return OG_REFUSED_CREDENTIALS;
	switch (tronsave_refusal(code, message))
	{
		case OG_REJECTED:
			return OG_REFUSED_ARGUMENTS;
		case OG_TOO_FREQUENT:
			return OG_REFUSED_PACE;
		default:
			return OG_REFUSED_SOMEHOW;
	}
}

static void
tronsave_read_orders(OgRecords *records, OgSlice answer, const OgBatch *batch)
{
	OgReading  *reading = &records->reading;
	OgSlice		results;

	if (tronsave_find_results(reading, answer, &results))
		og_take_known_objects(records, results, "order_id");
	else
		records->refusal = tronsave_read_refusal(reading->code,
												 reading->message);
}

static const OgOperation tronsave_operations[] = {
	{
		.name = "cancel",
		.kind = OG_ACT,
		.lane = OG_LANE_ORDERS,
		.batch_max = TRONSAVE_MAX_BATCH,
		.batch_default = TRONSAVE_BATCH,
		.build = tronsave_build_cancel,
		.read = tronsave_read_cancel
	},
	{
		/* There is no public read: see what answers at all. */
		.name = OG_PROBE,
		.kind = OG_PUBLIC,
		.lane = OG_LANE_QUERIES,
		.path = ""
	},
	{
		.name = OG_CREDENTIALS,
		.kind = OG_READ,
		.lane = OG_LANE_QUERIES,
		.build = tronsave_build_credentials,
		.read = tronsave_read_credentials
	},
	{
		.name = "get_orders",
		.kind = OG_READ,
		.lane = OG_LANE_QUERIES,
		.batch_max = TRONSAVE_MAX_BATCH,
		.batch_default = TRONSAVE_BATCH,
		.build = tronsave_build_orders,
		.columns = tronsave_order_columns,
		.read_records = tronsave_read_orders
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
	.operations = {tronsave_operations}
};
