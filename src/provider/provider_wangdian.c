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

/* Words of a refusal of the signature ("sign") or of the time. */
static const char *const wangdian_clock_words[] = {
	"签名", "时间", "sign", "timestamp"
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

/*
 * A call of this method, with its one argument, which goes with it.  Answers
 * false when memory for that could not be had.
 */
static bool
wangdian_build_call(OgRequest *request, const char *method, cJSON *argument)
{
	cJSON	   *arguments;

	request->method = OG_POST;
	request->path = "";
	og_fields_add(&request->headers, "Content-Type", "application/json");
	og_fields_add(&request->query, "method", method);
	og_fields_add(&request->query, "v", "1.0");

	arguments = cJSON_CreateArray();
	if (!cJSON_AddItemToArray(arguments, argument))
	{
		cJSON_Delete(argument);
		cJSON_Delete(arguments);
		return false;
	}
	return og_json_append(&request->body, arguments);
}

static bool
wangdian_build_cancel(OgRequest *request, const OgBatch *batch)
{
	if (batch->nkeys < 1 || batch->nkeys > WANGDIAN_MAX_IDS)
		return false;
	return wangdian_build_call(request,
							   "purchase.PurchaseReturn.batchCancelOrder",
							   og_batch_json(batch));
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

/*
 * Take one element of "error_info".  Answers false when it is not a failure,
 * with its reason, of an order that was asked for.
 */
static bool
wangdian_take_failure(OgReading *reading, OgSlice element)
{
	enum
	{
		ORDER_NO, MESSAGE, COUNT
	};
	static const char *const names[COUNT] = {"order_no", "message"};
	OgSlice		values[COUNT];
	OgResult	result = {.verdict = OG_UNKNOWN};
	bool		has_reason;

	if (og_json_kind(element) != OG_JSON_OBJECT)
		return false;
	og_json_pick(element, names, values, COUNT);

	has_reason = og_json_kind(values[MESSAGE]) == OG_JSON_STRING;
	if (has_reason)
		result.verdict = og_meaning(wangdian_reasons, values[MESSAGE]);
	result.message = values[MESSAGE];
	result.element = element;
	og_take_by_id(reading, values[ORDER_NO], &result);
	return has_reason && reading->find(reading, values[ORDER_NO]) >= 0;
}

/*
 * Take the failures that "data" of an answer names.  Answers NULL if they are
 * all there are, so that silence about an order means that it was cancelled;
 * else why that cannot be known.
 */
static const char *
wangdian_read_failures(OgReading *reading, OgSlice data)
{
	enum
	{
		STATUS, ERROR_INFO, ERROR_NUM, COUNT
	};
	static const char *const names[COUNT] = {
		"status", "error_info", "error_num"
	};
	OgSlice		values[COUNT];
	OgJsonCursor cursor;
	OgSlice		element;
	bool		understood = true;
	int			count = 0;
	char	   *number;
	bool		complete;

	if (og_json_kind(data) != OG_JSON_OBJECT)
		return "has no data";
	og_json_pick(data, names, values, COUNT);
	if (og_json_kind(values[ERROR_INFO]) != OG_JSON_ARRAY)
		return "has no list of failures";

	og_json_open(&cursor, values[ERROR_INFO]);
	while (og_json_next_element(&cursor, &element))
	{
		if (!wangdian_take_failure(reading, element))
			understood = false;
		count++;
	}

	number = psprintf("%d", count);
	complete = og_says(values[ERROR_NUM], number);
	pfree(number);

	if (!og_says(values[STATUS], WANGDIAN_DONE))
		return "does not say that the list of failures is complete";
	if (!complete)
		return "counts another number of failures than it names";
	if (!understood)
		return "names failures of something else than the orders asked for";
	return NULL;
}

static void
wangdian_read_cancel(OgReading *reading, OgSlice answer, const OgBatch *batch)
{
	enum
	{
		STATUS, MESSAGE, DATA, COUNT
	};
	static const char *const names[COUNT] = {"status", "message", "data"};
	OgSlice		values[COUNT];
	const char *doubt;

	if (og_json_kind(answer) != OG_JSON_OBJECT)
	{
		reading->note = "is not an object";
		return;
	}
	og_json_pick(answer, names, values, COUNT);
	doubt = wangdian_read_failures(reading, values[DATA]);

	if (og_says(values[STATUS], WANGDIAN_DONE))
	{
		/* Its own words are not about any of the orders. */
		reading->envelope = OG_ENVELOPE_SUCCESS;
		reading->note = doubt;
		if (doubt == NULL)
			reading->rest = OG_CANCELLED;
		return;
	}

	reading->code = values[STATUS];
	reading->message = values[MESSAGE];
	if (og_says(values[STATUS], WANGDIAN_REFUSED))
	{
		reading->envelope = OG_ENVELOPE_REFUSAL;
		reading->rest = OG_REJECTED;
		reading->clock_suspected = og_mentions(values[MESSAGE],
											   wangdian_clock_words,
											   lengthof(wangdian_clock_words));
	}
	else
		reading->note = "has no status that is documented";
}

/* ---------- reads ---------- */

#define TABLES_ARE	static const
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
	OgSlice		status = values[og_column(columns, "status")];
	OgSlice		stockout = values[og_column(columns, "stockout_status")];
	bool		not_out = og_json_kind(stockout) == OG_JSON_NOTHING ||
		og_says(stockout, "0");

	if (og_says(status, "10"))
		return not_out ? OG_ORDER_CANCELLED : OG_ORDER_UNKNOWN;
	if (og_says(status, "60"))
		return OG_ORDER_FILLED;
	if (!og_says(status, "20") && !og_says(status, "30") &&
		!og_says(status, "40"))
		return OG_ORDER_UNKNOWN;
	if (not_out)
		return OG_ORDER_OPEN;
	if (og_says(stockout, "2"))
		return OG_ORDER_FILLED;
	return og_says(stockout, "1") || og_says(stockout, "3")
		? OG_ORDER_PARTLY_FILLED : OG_ORDER_UNKNOWN;
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
	const char *number = og_fields_get(batch->arguments, "order_id");
	cJSON	   *argument = cJSON_CreateObject();

	if (batch->nkeys == 1)
		number = pnstrdup(batch->keys[0].data, batch->keys[0].len);
	if (batch->nkeys > 1 || number == NULL || number[0] == '\0' ||
		cJSON_AddStringToObject(argument, "return_no", number) == NULL)
	{
		cJSON_Delete(argument);
		return false;
	}
	og_fields_add(&request->query, "page_size",
				  CppAsString2(WANGDIAN_PAGE_SIZE));
	og_fields_add(&request->query, "page_no", "0");
	og_fields_add(&request->query, "calc_total", "1");
	return wangdian_build_call(request,
							   "purchase.PurchaseReturn.queryWithDetail",
							   argument);
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

/* Take the returns of a page, if it has all there are. */
static void
wangdian_take_returns(OgRecords *records, OgSlice data, const OgBatch *batch)
{
	OgSlice		list = og_json_member(data, "order");
	int			count = count_elements(list);
	int64		total;

	if (count < 0)
		records->reading.note = "has no list of returns";
	else if (!og_json_integer(og_json_member(data, "total_count"), &total) ||
			 total != count)
		records->reading.note = "counts another number of returns than it tells";
	else if (batch->nkeys > 0)
		og_take_known_objects(records, list, "return_no");
	else
		og_take_objects(records, list);
}

static void
wangdian_read_returns(OgRecords *records, OgSlice answer, const OgBatch *batch)
{
	enum
	{
		STATUS, MESSAGE, DATA, COUNT
	};
	static const char *const names[COUNT] = {"status", "message", "data"};
	OgReading  *reading = &records->reading;
	OgSlice		values[COUNT];

	og_json_pick(answer, names, values, COUNT);
	if (og_says(values[STATUS], WANGDIAN_DONE))
	{
		wangdian_take_returns(records, values[DATA], batch);
		return;
	}
	reading->code = values[STATUS];
	reading->message = values[MESSAGE];
	reading->note = "is not a success";
	records->nothing = og_says(values[STATUS], WANGDIAN_REFUSED) &&
		og_says(values[MESSAGE], WANGDIAN_NO_RETURN);
	reading->clock_suspected = og_mentions(values[MESSAGE],
										   wangdian_clock_words,
										   lengthof(wangdian_clock_words));
	if (reading->clock_suspected)
		records->refusal = OG_REFUSED_CREDENTIALS;
}

static const OgOperation wangdian_operations[] = {
	{
		.name = "cancel",
		.kind = OG_ACT,
		.lane = OG_LANE_ORDERS,
		.batch_max = WANGDIAN_MAX_IDS,
		.batch_default = WANGDIAN_MAX_IDS,
		.build = wangdian_build_cancel,
		.likeness = wangdian_likeness,
		.read = wangdian_read_cancel
	},
	{
		.name = "get_returns",
		.kind = OG_READ,
		.lane = OG_LANE_QUERIES,
		.batch_max = 1,
		.batch_default = 1,
		.build = wangdian_build_returns,
		.columns = wangdian_return_columns,
		.read_records = wangdian_read_returns
	},
	{
		/* There is no public read: see what answers at all. */
		.name = OG_PROBE,
		.kind = OG_PUBLIC,
		.lane = OG_LANE_QUERIES,
		.path = ""
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
	.operations = {wangdian_operations}
};
