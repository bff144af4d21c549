/*-------------------------------------------------------------------------
 *
 * provider_btse.c
 *		BTSE, spot trading API v3.3.
 *
 * The signature covers path, nonce and body, but neither the query nor the
 * part of the base URL that comes before "/api": what a request is about is
 * not signed where it stands in the query.
 *
 * A DELETE of an order that names no order cancels all orders of the market.
 * The one build function here makes no request without an id.
 *
 * One id may stand for several orders: the legs of an OCO order, or orders
 * that share a client order id.  They are told apart by their own orderID.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "crypto.h"
#include "provider_btse.h"

/* Where the credentials are tried: an order that nobody has. */
#define BTSE_ANY_SYMBOL		"BTC-USD"
#define BTSE_NO_ORDER		"00000000-0000-0000-0000-000000000000"

/* A Unix time from here on is one in milliseconds. */
#define BTSE_FIRST_MS		INT64CONST(100000000000)

enum
{
	BTSE_API_KEY,
	BTSE_SECRET_KEY
};

/* What the status in an answer to a DELETE says. */
static const OgMeaning btse_delete_status[] = {
	{"6", OG_CANCELLED},
	{"16", OG_NOT_FOUND},
	{"3", OG_NOT_CANCELLABLE},	/* filled */
	{"4", OG_NOT_CANCELLABLE},	/* filled in full */
	{"7", OG_NOT_CANCELLABLE},	/* refunded */
	{"15", OG_REJECTED},
	{"1", OG_REJECTED},			/* no market */
	{"303", OG_TOO_FREQUENT},
	{NULL, OG_UNKNOWN}			/* alive, undecided or not documented */
};

/* How argument "by" is called in a query and in an answer. */
static const struct
{
	const char *by;
	const char *name;
}			btse_ids[] = {
	{"order_id", "orderID"},
	{"client_order_id", "clOrderID"}
};

static const char *
btse_id_name(const OgBatch *batch)
{
	const char *by = og_fields_get(batch->arguments, "by");

	for (size_t i = 0; by != NULL && i < lengthof(btse_ids); i++)
	{
		if (strcmp(btse_ids[i].by, by) == 0)
			return btse_ids[i].name;
	}
	return NULL;
}

/*
 * Does an id name anything?  What is empty, or could be after somebody
 * trimmed it, must not leave.
 */
static bool
btse_names_order(OgSlice id)
{
	return id.len > 0 &&
		(unsigned char) id.data[0] > ' ' &&
		(unsigned char) id.data[id.len - 1] > ' ';
}

static bool
btse_build_cancel(OgRequest *request, const OgBatch *batch)
{
	const char *symbol = og_fields_get(batch->arguments, "symbol");
	const char *id_name = btse_id_name(batch);

	if (symbol == NULL || id_name == NULL ||
		batch->nkeys != 1 || !btse_names_order(batch->keys[0]))
		return false;

	request->method = OG_DELETE;
	request->path = BTSE_ORDER_PATH;
	og_fields_add(&request->query, "symbol", symbol);
	og_fields_add(&request->query, id_name,
				  pnstrdup(batch->keys[0].data, batch->keys[0].len));
	return true;
}

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

/* An object instead of a list: no order is named, only an error. */
void
og_btse_read_error(OgReading *reading, OgSlice answer)
{
	enum
	{
		ERROR_CODE, CODE, STATUS, MESSAGE, MSG, COUNT
	};
	static const char *const names[COUNT] = {
		"errorCode", "code", "status", "message", "msg"
	};
	OgSlice		values[COUNT];

	og_json_pick(answer, names, values, COUNT);
	reading->code = og_first_given(&values[ERROR_CODE], MESSAGE);
	reading->message = og_first_given(&values[MESSAGE], COUNT - MESSAGE);
	reading->note = "is not a list of orders";
	/* Key, nonce and signature are all refused like this. */
	reading->clock_suspected = og_says(reading->code, BTSE_UNAUTHORIZED);
}

/*
 * Can this list be the answer to a DELETE of the one key of the batch?  It
 * must consist of objects, one of which carries that id.
 */
typedef enum BtseList
{
	BTSE_LIST_UNUSABLE,
	BTSE_LIST_FOREIGN,
	BTSE_LIST_OURS
} BtseList;

static BtseList
btse_check_list(OgReading *reading, OgSlice list, const char *id_name)
{
	BtseList	verdict = BTSE_LIST_FOREIGN;
	OgJsonCursor cursor;
	OgSlice		element;
	int			count = 0;

	og_json_open(&cursor, list);
	while (og_json_next_element(&cursor, &element))
	{
		if (og_json_kind(element) != OG_JSON_OBJECT)
		{
			reading->note = "is not a list of orders";
			return BTSE_LIST_UNUSABLE;
		}
		if (++count > OG_MAX_PARTS)
		{
			reading->note = "names more than " CppAsString2(OG_MAX_PARTS) " orders";
			return BTSE_LIST_UNUSABLE;
		}
		if (reading->find(reading, og_json_member(element, id_name)) == 0)
			verdict = BTSE_LIST_OURS;
	}
	return verdict;
}

/* True for a string or number that can be the name of one order. */
static bool
btse_is_part(OgSlice id)
{
	OgJsonKind	kind = og_json_kind(id);

	return (kind == OG_JSON_NUMBER ||
			(kind == OG_JSON_STRING && id.len > strlen("\"\""))) &&
		id.len <= OG_MAX_PART_LEN;
}

static void
btse_take_element(OgReading *reading, OgSlice element, BtseList list)
{
	enum
	{
		STATUS, MESSAGE, ORDER_ID, CLIENT_ORDER_ID, COUNT
	};
	static const char *const names[COUNT] = {
		"status", "message", "orderID", "clOrderID"
	};
	OgSlice		values[COUNT];
	OgResult	result = {.verdict = OG_UNKNOWN};

	og_json_pick(element, names, values, COUNT);
	result.element = element;
	if (btse_is_part(values[ORDER_ID]))
		result.part = values[ORDER_ID];
	else if (btse_is_part(values[CLIENT_ORDER_ID]))
		result.part = values[CLIENT_ORDER_ID];

	if (list == BTSE_LIST_OURS)
	{
		result.code = values[STATUS];
		result.message = values[MESSAGE];
		if (result.part.data != NULL)
			result.verdict = og_meaning(btse_delete_status, values[STATUS]);
	}
	else if (result.part.data != NULL)
		reading->take(reading, -1, &result);
	reading->take(reading, 0, &result);
}

static void
btse_read_cancel(OgReading *reading, OgSlice answer, const OgBatch *batch)
{
	BtseList	list;
	OgJsonCursor cursor;
	OgSlice		element;

	if (og_json_kind(answer) != OG_JSON_ARRAY)
	{
		og_btse_read_error(reading, answer);
		return;
	}
	list = btse_check_list(reading, answer, btse_id_name(batch));
	if (list == BTSE_LIST_UNUSABLE)
		return;
	if (list == BTSE_LIST_FOREIGN)
		reading->note = "does not carry the id of this order";

	og_json_open(&cursor, answer);
	while (og_json_next_element(&cursor, &element))
		btse_take_element(reading, element, list);
}

static bool
btse_build_probe(OgRequest *request, const OgBatch *batch)
{
	request->method = OG_GET;
	request->path = BTSE_TIME_PATH;
	return true;
}

/* The unit of the time is not documented. */
static void
btse_read_probe(OgReading *reading, OgSlice answer, const OgBatch *batch)
{
	int64		epoch;

	if (!og_integer(og_json_member(answer, "epoch"), &epoch))
	{
		reading->note = "does not tell the server's time";
		return;
	}
	reading->envelope = OG_ENVELOPE_SUCCESS;
	reading->time_unit_ms = epoch >= BTSE_FIRST_MS ? 1 : 1000;
	reading->time_ms = epoch * reading->time_unit_ms;
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

static const OgOperation btse_operations[] = {
	{
		.name = "cancel",
		.kind = OG_ACT,
		.lane = OG_LANE_ORDERS,
		.batch_max = 1,
		.batch_default = 1,
		.several = true,
		.build = btse_build_cancel,
		.read = btse_read_cancel
	},
	{
		.name = OG_PROBE,
		.kind = OG_PUBLIC,
		.lane = OG_LANE_QUERIES,
		.build = btse_build_probe,
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
	.rate_limit = "75/1s per key",
	.query_rate_limit = "15/1s per key",
	.max_batch = 1,
	.clock_tolerance = 5,		/* not documented */
	.credentials = {
		[BTSE_API_KEY] = {.name = "api_key"},
		[BTSE_SECRET_KEY] = {.name = "secret_key"}
	},
	.key = BTSE_API_KEY,
	.sign = btse_sign,
	.operations = {
		btse_operations,
		og_btse_market_operations,
		og_btse_account_operations,
		og_btse_invest_operations
	}
};
