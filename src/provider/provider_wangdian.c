/*-------------------------------------------------------------------------
 *
 * provider_wangdian.c
 *		Wangdian flagship ERP, open API.
 *
 * Every call goes to the one URL; the query names the method.  The body is a
 * JSON array of the call's arguments.  The signature covers the raw query and
 * the body, with the secret before and behind them.
 *
 * An answer to a cancel names only the orders that were not cancelled.  That
 * the others were is believed only of an answer that is whole; see
 * wangdian_read_failures().  Its database may hold two numbers for one that are
 * not the same bytes, so those never share a request; see wangdian_likeness().
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "mb/pg_wchar.h"

#include "ground/crypto.h"
#include "provider/provider.h"

#define WANGDIAN_MAX_IDS	20	/* more are refused */

/* A number is one return: what a read of it brings fits on one page. */
#define WANGDIAN_PAGE_SIZE	20

/* Its clock counts seconds from 2012-01-01 00:00:00 +08:00. */
#define WANGDIAN_EPOCH_S	INT64CONST(1325347200)

/* Values of "status". */
#define WANGDIAN_DONE		"0"
#define WANGDIAN_REFUSED	"100"

enum
{
	WANGDIAN_SID,
	WANGDIAN_APP_KEY,
	WANGDIAN_APP_SECRET
};

/* There is no such purchase return. */
#define WANGDIAN_NO_RETURN	"采购退货单号不存在"

/* Why an order was not cancelled. */
static const OgMeaning wangdian_reasons[] = {
	{WANGDIAN_NO_RETURN, OG_NOT_FOUND},
	/* it is neither being edited nor waiting for approval */
	{"采购退货单不是待审核或者编辑中状态", OG_NOT_CANCELLABLE},
	{NULL, OG_REJECTED}
};

/* "secret:salt", neither of them empty. */
static bool
wangdian_valid_app_secret(const char *value)
{
	const char *colon = strchr(value, ':');

	return colon != NULL && colon > value && colon[1] != '\0';
}

/*
 * Numbers are compared in MySQL, whose collations do not look at case, nor some
 * of them at width.  The characters that numbers are made of, ASCII and Chinese
 * ones, are otherwise told apart by all of them; any other may be equal to what
 * nobody would expect, or to nothing at all.
 */
static uint64
wangdian_likeness(OgSlice key)
{
	const uint64 prime = UINT64CONST(0x100000001b3);
	uint64		like = UINT64CONST(0xcbf29ce484222325);
	const unsigned char *at = (const unsigned char *) key.data;
	const unsigned char *end = at + key.len;

	for (; at < end; at += pg_utf_mblen(at))
	{
		pg_wchar	c = utf8_to_unicode(at);

		if (c >= 0xff01 && c <= 0xff5e) /* full-width ASCII */
			c -= 0xff01 - '!';
		else if (c == 0x3000)	/* full-width blank */
			c = ' ';
		if (c >= 'A' && c <= 'Z')
			c += 'a' - 'A';
		if (c > '~' && (c < 0x4e00 || c > 0x9fff))
			return 0;
		like = (like ^ c) * prime;
	}
	return Max(like, 1);
}

/* A body is the list of a call's arguments; this one takes a list. */
static bool
wangdian_build_cancel(OgRequest *request, const OgBatch *batch)
{
	return og_add_json(request, "[", og_batch_json(batch), "]");
}

/*
 * md5(secret + name + value + name + value ... + secret) of sorted fields.
 */
static char *
wangdian_signature(const OgFields *fields, OgSlice secret)
{
	size_t		len = 2 * secret.len;
	StringInfoData text;
	char	   *signature;

	for (int i = 0; i < fields->count; i++)
		len += strlen(fields->items[i].name) + strlen(fields->items[i].value);

	/* Made large enough first: growing would leave the secret behind. */
	initStringInfo(&text);
	enlargeStringInfo(&text, (int) len);
	appendBinaryStringInfo(&text, secret.data, (int) secret.len);
	for (int i = 0; i < fields->count; i++)
	{
		appendStringInfoString(&text, fields->items[i].name);
		appendStringInfoString(&text, fields->items[i].value);
	}
	appendBinaryStringInfo(&text, secret.data, (int) secret.len);

	signature = og_hash_hex(OG_MD5, og_slice(text.data, text.len));
	og_wipe(text.data, text.len);
	pfree(text.data);
	return signature;
}

static bool
wangdian_sign(OgRequest *request, const OgSigner *signer)
{
	const char *app_secret = signer->credentials[WANGDIAN_APP_SECRET];
	const char *colon = strchr(app_secret, ':');
	OgFields   *query = &request->query;
	OgFields	fields = {0};
	char	   *signature;

	if (colon == NULL)
		return false;

	og_fields_add(query, "sid", signer->credentials[WANGDIAN_SID]);
	og_fields_add(query, "key", signer->credentials[WANGDIAN_APP_KEY]);
	og_fields_add_secret(query, "salt", pstrdup(colon + 1));
	og_fields_add(query, "timestamp",
				  psprintf(INT64_FORMAT,
						   signer->time_ms / 1000 - WANGDIAN_EPOCH_S));

	/* The body is signed as if it were one of them. */
	for (int i = 0; i < query->count; i++)
		og_fields_add(&fields, query->items[i].name, query->items[i].value);
	og_fields_add(&fields, "body", request->body.data);
	og_fields_sort(&fields);

	signature = wangdian_signature(&fields,
								   og_slice(app_secret, colon - app_secret));
	if (signature == NULL)
		return false;
	og_fields_add(query, "sign", signature);
	return true;
}

/* How many elements a list has, -1 if it is none. */
static int
count_elements(OgSlice list)
{
	OgJsonCursor cursor;
	OgSlice		element;
	int			count = 0;

	if (og_json_kind(list) != OG_JSON_ARRAY)
		return -1;
	og_json_open(&cursor, list);
	while (og_json_next_element(&cursor, &element))
		count++;
	return count;
}

/*
 * Take one element of "error_info".  Answers false when it is not a failure,
 * with its reason, of an order that was asked for.
 */
static bool
wangdian_take_failure(OgReading *reading, OgSlice element)
{
	OgSlice		order_no = og_json_member(element, "order_no");
	OgSlice		message = og_json_member(element, "message");
	bool		has_reason = og_json_kind(message) == OG_JSON_STRING;
	OgResult	result = {
		.verdict = has_reason
		? og_meaning(wangdian_reasons, message)->meaning : OG_UNKNOWN,
		.message = message,
		.element = element
	};

	return og_take_by_id(reading, order_no, &result) >= 0 && has_reason;
}

/*
 * Take the failures that "data" of an answer names.  Answers NULL if they are
 * all there are, so that silence about an order means that it was cancelled;
 * else why that cannot be known.
 */
static const char *
wangdian_read_failures(OgReading *reading, OgSlice data)
{
	OgSlice		failures = og_json_member(data, "error_info");
	int			count = count_elements(failures);
	OgJsonCursor cursor;
	OgSlice		element;
	bool		understood = true;
	char		number[16];

	if (og_json_kind(data) != OG_JSON_OBJECT)
		return "has no data";
	if (count < 0)
		return "has no list of failures";
	og_json_open(&cursor, failures);
	while (og_json_next_element(&cursor, &element))
		understood = wangdian_take_failure(reading, element) && understood;

	if (!og_says(og_json_member(data, "status"), WANGDIAN_DONE))
		return "does not say that the list of failures is complete";
	snprintf(number, sizeof(number), "%d", count);
	if (!og_says(og_json_member(data, "error_num"), number))
		return "counts another number of failures than it names";
	return understood ? NULL
		: "names failures of something else than the orders asked for";
}

/* Is it a refusal of the signature ("sign"), or of the time? */
static bool
wangdian_mentions_time(OgSlice message)
{
	return og_mentions(message,
					   OG_NAMES("签名", "时间", "sign", "timestamp"));
}

/*
 * Read status and message.  True if the call was made; then they are not about
 * any of the orders.
 */
static bool
wangdian_read_words(OgReading *reading, OgSlice answer)
{
	OgSlice		status = og_json_member(answer, "status");

	if (og_says(status, WANGDIAN_DONE))
		return true;
	reading->code = status;
	reading->message = og_json_member(answer, "message");
	return false;
}

static void
wangdian_read_cancel(OgReading *reading, OgSlice answer, const OgBatch *batch)
{
	bool		done = wangdian_read_words(reading, answer);

	/* Single orders may be named whatever stands around them. */
	reading->note = wangdian_read_failures(reading,
										   og_json_member(answer, "data"));
	if (done)
	{
		reading->envelope = OG_ENVELOPE_SUCCESS;
		if (reading->note == NULL)
			reading->rest = OG_CANCELLED;
	}
	else if (og_says(reading->code, WANGDIAN_REFUSED))
	{
		reading->envelope = OG_ENVELOPE_REFUSAL;
		reading->rest = OG_REJECTED;
		reading->note = NULL;
		reading->clock_suspected = wangdian_mentions_time(reading->message);
	}
	else
		reading->note = og_json_kind(answer) == OG_JSON_OBJECT
			? "has no status that is documented" : "is not an object";
}

/* ---------- reads ---------- */

#define FIELDS "provider/wangdian_fields.def"
#include "provider/fields.h"

/*
 * A return can be cancelled while nothing of it left the warehouse, whatever
 * its own status is; one that was cancelled and left it nevertheless makes no
 * sense.
 */
static OgOrderState
wangdian_return_state(const OgColumn *columns, const OgSlice *values)
{
	static const OgMeaning states[] = {
		{"10", OG_ORDER_CANCELLED},
		{"20", OG_ORDER_OPEN},
		{"30", OG_ORDER_OPEN},
		{"40", OG_ORDER_OPEN},
		{"60", OG_ORDER_FILLED},
		{NULL, OG_ORDER_UNKNOWN}
	};
	static const OgMeaning stockouts[] = {
		{"0", OG_ORDER_OPEN},
		{"1", OG_ORDER_PARTLY_FILLED},
		{"2", OG_ORDER_FILLED},
		{"3", OG_ORDER_PARTLY_FILLED},
		{NULL, OG_ORDER_UNKNOWN}
	};
	OgSlice		stockout = values[og_column(columns, "stockout_status")];
	OgOrderState state =
		og_meaning(states, values[og_column(columns, "status")])->meaning;
	OgOrderState out = og_json_kind(stockout) == OG_JSON_NOTHING
		? OG_ORDER_OPEN : og_meaning(stockouts, stockout)->meaning;

	if (state == OG_ORDER_OPEN)
		return out;
	return state == OG_ORDER_CANCELLED && out != OG_ORDER_OPEN
		? OG_ORDER_UNKNOWN : state;
}

static const OgInquiry wangdian_inquiries[] = {
	{"get_returns", .state = wangdian_return_state, .time = "created",
	.part_is_final = true},
	{NULL}
};

/* It is asked for one number, the key or argument "order_id". */
static bool
wangdian_build_returns(OgRequest *request, const OgBatch *batch)
{
	const char *number = batch->nkeys > 0 ? og_batch_key(batch)
		: og_fields_get(batch->arguments, "order_id");

	return number != NULL && number[0] != '\0' &&
		og_add_json(request, "[{\"return_no\":", cJSON_CreateString(number),
					"}]");
}

/* What a refusal of a read says. */
static void
wangdian_read_refusal(OgRecords *records)
{
	OgReading  *reading = &records->reading;

	reading->note = "is not a success";
	records->nothing = og_says(reading->code, WANGDIAN_REFUSED) &&
		og_says(reading->message, WANGDIAN_NO_RETURN);
	reading->clock_suspected = wangdian_mentions_time(reading->message);
	if (reading->clock_suspected)
		records->refusal = OG_REFUSED_CREDENTIALS;
}

/* The returns of a page, if it has all there are. */
static void
wangdian_read_returns(OgRecords *records, OgSlice answer, const OgBatch *batch)
{
	bool		done = wangdian_read_words(&records->reading, answer);
	OgSlice		data = og_json_member(answer, "data");
	OgSlice		list = og_json_member(data, "order");
	int			count = count_elements(list);
	int64		total;

	if (!done)
		wangdian_read_refusal(records);
	else if (count < 0)
		records->reading.note = "has no list of returns";
	else if (!og_json_integer(og_json_member(data, "total_count"), &total) ||
			 total != count)
		records->reading.note = "counts another number of returns than it tells";
	else if (batch->nkeys > 0)
		og_take_known_objects(records, list, "return_no");
	else
		og_take_objects(records, list);
}

/* The one address takes calls of all methods. */
#define WANGDIAN_CALL(method_name) \
	{"method", .always = "purchase.PurchaseReturn." method_name}, \
	{"v", .always = "1.0"}

static const OgOperation wangdian_operations[] = {
	{
		.name = "cancel", .kind = OG_ACT,
		OG_BATCH(WANGDIAN_MAX_IDS), .likeness = wangdian_likeness,
		.method = OG_POST, .path = "",
		.parameters = OG_PARAMETERS(WANGDIAN_CALL("batchCancelOrder")),
		.build = wangdian_build_cancel, .read = wangdian_read_cancel
	},
	{
		.name = "get_returns", .kind = OG_READ, OG_BATCH(1),
		.method = OG_POST, .path = "",
		.parameters = OG_PARAMETERS(
			{"page_size", .always = CppAsString2(WANGDIAN_PAGE_SIZE)},
			{"page_no", .always = "0"},
			{"calc_total", .always = "1"},
			WANGDIAN_CALL("queryWithDetail")),
		.build = wangdian_build_returns,
		.read_records = wangdian_read_returns,
		.columns = wangdian_return_columns
	},
	{
		/* There is no public read: see what answers at all. */
		.name = OG_PROBE, .kind = OG_PUBLIC, .path = ""
	},
	{.name = NULL}
};

const OgProvider og_wangdian = {
	.name = "wangdian",
	.wrapper = "wangdian_fdw",
	.base_url = "http://wdt.wangdian.cn/openapi",
	.rate_limit = "off",
	.query_rate_limit = "off",
	.max_batch = WANGDIAN_MAX_IDS,
	.clock_tolerance = 120,
	.credentials = {
		[WANGDIAN_SID] = {.name = "sid"},
		[WANGDIAN_APP_KEY] = {.name = "app_key"},
		[WANGDIAN_APP_SECRET] = {
			.name = "app_secret",
			.valid = wangdian_valid_app_secret,
			.rule = "secret and salt, written as \"secret:salt\""
		}
	},
	.key = WANGDIAN_SID,
	.sign = wangdian_sign,
	.inquiries = wangdian_inquiries,
	.operations = wangdian_operations
};
