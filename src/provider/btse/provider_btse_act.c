/*-------------------------------------------------------------------------
 *
 * provider_btse_act.c
 *		BTSE's acts: cancel, create and amend orders, cancel all of a market at
 *		once or by a timer; deposit, renew and redeem investments.
 *
 * The key of each is what it is about: a create's is the client order id that
 * the new order gets, an amendment's the id of the order, that of "cancel all"
 * the market, that of the timer its milliseconds, a deposit's the product.
 *
 * A DELETE of an order that names no order cancels all orders of the market.
 * The build function of a cancel makes no request without an id; there is one
 * function alone that is to cancel all.
 *
 * The answer to a create is only believed if it carries the client order id
 * that was sent: both legs of an OCO order do.  Deposit and redeem answer
 * nothing where all is well, renew repeats what was asked for.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "provider/btse/provider_btse.h"

#define BTSE_PEG_PATH		"/api/v3.3/order/peg"
#define BTSE_TIMER_PATH		"/api/v3.3/order/cancelAllAfter"
#define BTSE_DEPOSIT_PATH	"/api/v3.3/invest/deposit"
#define BTSE_RENEW_PATH		"/api/v3.3/invest/renew"
#define BTSE_REDEEM_PATH	"/api/v3.3/invest/redeem"

/*
 * The most orders of a market that are read as cancelled; telling them apart
 * takes a second at most.
 */
#define BTSE_MAX_CANCELLED	10000

/* What they have in common: each is about one thing. */
#define BTSE_ACT	.kind = OG_ACT, .lane = OG_LANE_ORDERS, \
	.batch_max = 1, .batch_default = 1

/* ---------- what a request is about ---------- */

/* How argument "by" is called in a request and in an answer. */
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
 * Does the batch have one key, and does that name anything?  What is empty, or
 * could be after somebody trimmed it, must not leave.
 */
static bool
btse_names_one(const OgBatch *batch)
{
	OgSlice		id;

	if (batch->nkeys != 1)
		return false;
	id = batch->keys[0];
	return id.len > 0 &&
		(unsigned char) id.data[0] > ' ' &&
		(unsigned char) id.data[id.len - 1] > ' ';
}

static bool
is_argument(const OgBatch *batch, const char *name, const char *value)
{
	const char *given = og_fields_get(batch->arguments, name);

	return given != NULL && strcmp(given, value) == 0;
}

/*
 * ---------- JSON bodies ----------
 *
 * Amounts are JSON numbers, with the digits that they were given with.
 */

/* What a member of a body is in JSON. */
typedef enum BtseKind
{
	BTSE_STRING,
	BTSE_NUMBER,				/* as it is spelled */
	BTSE_BOOLEAN				/* "true" or "false" */
} BtseKind;

/* A member of a body, and the argument that it comes from. */
typedef struct BtseMember
{
	const char *argument;		/* NULL in the last row */
	const char *name;
	BtseKind	kind;
	bool		required;		/* no request is made without it */
} BtseMember;

/* Add a member; false when the value is not of its kind, or memory ran out. */
static bool
add_member(cJSON *body, const char *name, BtseKind kind, const char *value)
{
	switch (kind)
	{
		case BTSE_STRING:
			return cJSON_AddStringToObject(body, name, value) != NULL;
		case BTSE_NUMBER:
			return og_json_is_number(value) &&
				cJSON_AddRawToObject(body, name, value) != NULL;
		case BTSE_BOOLEAN:
			if (strcmp(value, "true") != 0 && strcmp(value, "false") != 0)
				return false;
			return cJSON_AddBoolToObject(body, name,
										 value[0] == 't') != NULL;
	}
	return false;
}

/*
 * Make a request with a JSON body: the one key of the batch as the member
 * "key_name", and after it those arguments that are given (members NULL: it
 * takes none).  False when it has no such key, a value is missing or not of its
 * kind, or memory ran out.
 */
static bool
btse_build_body(OgRequest *request, OgMethod method, const char *path,
				const OgBatch *batch, const char *key_name,
				BtseKind key_kind, const BtseMember *members)
{
	char	   *key;
	cJSON	   *body;
	bool		added;

	if (!btse_names_one(batch))
		return false;
	key = pnstrdup(batch->keys[0].data, batch->keys[0].len);
	body = cJSON_CreateObject();
	added = add_member(body, key_name, key_kind, key);
	for (; members != NULL && members->argument != NULL && added; members++)
	{
		const char *value = og_fields_get(batch->arguments,
										  members->argument);

		if (value != NULL)
			added = add_member(body, members->name, members->kind, value);
		else
			added = !members->required;
	}
	pfree(key);
	if (!added)
	{
		cJSON_Delete(body);
		return false;
	}

	request->method = method;
	request->path = path;
	og_fields_add(&request->headers, "Content-Type", "application/json");
	return og_json_append(&request->body, body);
}

/* ---------- cancel ---------- */

/* What the status in an answer to a DELETE says. */
static const OgMeaning btse_delete_status[] = {
	{"6", OG_CANCELLED},
	{"16", OG_NOT_FOUND},
	{"3", OG_NOT_CANCELLABLE},	/* filled */
	{"4", OG_NOT_CANCELLABLE},	/* filled in full */
	{"7", OG_NOT_CANCELLABLE},	/* refunded */
	{"15", OG_REJECTED},
	{"1", OG_REJECTED},			/* no market */
	{BTSE_TOO_FREQUENT, OG_TOO_FREQUENT},
	{NULL, OG_UNKNOWN}			/* alive, undecided or not documented */
};

static bool
btse_build_cancel(OgRequest *request, const OgBatch *batch)
{
	const char *symbol = og_fields_get(batch->arguments, "symbol");
	const char *id_name = btse_id_name(batch);

	if (symbol == NULL || id_name == NULL || !btse_names_one(batch))
		return false;

	request->method = OG_DELETE;
	request->path = BTSE_ORDER_PATH;
	og_fields_add(&request->query, "symbol", symbol);
	og_fields_add(&request->query, id_name,
				  pnstrdup(batch->keys[0].data, batch->keys[0].len));
	return true;
}

static void
btse_read_cancel(OgReading *reading, OgSlice answer, const OgBatch *batch)
{
	BtseAsked	asked = {
		.act = BTSE_CANCEL,
		.id_name = btse_id_name(batch),
		.meanings = btse_delete_status,
		.arguments = batch->arguments
	};

	og_btse_read_orders(reading, answer, &asked);
}

/* ---------- create ---------- */

static const BtseMember btse_new_order[] = {
	{"symbol", "symbol", BTSE_STRING, true},
	{"side", "side", BTSE_STRING, true},
	{"type", "type", BTSE_STRING, true},
	{"size", "size", BTSE_NUMBER, true},
	{"price", "price", BTSE_NUMBER},
	{"time_in_force", "time_in_force", BTSE_STRING},
	{"tx_type", "txType", BTSE_STRING},
	{"stop_price", "stopPrice", BTSE_NUMBER},
	{"trigger_price", "triggerPrice", BTSE_NUMBER},
	{"trail_value", "trailValue", BTSE_NUMBER},
	{"post_only", "postOnly", BTSE_BOOLEAN},
	{"stealth", "stealth", BTSE_NUMBER},
	{"deviation", "deviation", BTSE_NUMBER},
	{NULL}
};

/*
 * What the status in the answer to a create says.  An order that could only
 * trade at once, and got nothing, was taken nevertheless and is over, and so
 * is one that must not trade at once, and would have; of any other, a status 6
 * explains nothing, and the first row does not count.
 */
static const OgMeaning btse_new_status[] = {
	{"6", OG_ACCEPTED},			/* cancelled */
	{"2", OG_ACCEPTED},			/* inserted */
	{"4", OG_ACCEPTED},			/* traded in full */
	{"5", OG_ACCEPTED},			/* traded in part */
	{"9", OG_ACCEPTED},			/* trigger inserted */
	{"10", OG_ACCEPTED},		/* trigger activated */
	{"8", OG_REJECTED},			/* balance */
	{"15", OG_REJECTED},
	{"1", OG_REJECTED},			/* no market */
	{"11", OG_REJECTED},		/* currency */
	{"13", OG_REJECTED},		/* leverage */
	{"41", OG_REJECTED},		/* risk limit */
	{"101", OG_REJECTED},		/* price beyond that of liquidation */
	{"300", OG_REJECTED},		/* size too large ... */
	{"301", OG_REJECTED},		/* ... or invalid */
	{"302", OG_REJECTED},		/* price */
	{"304", OG_REJECTED},		/* too many open orders */
	{BTSE_TOO_FREQUENT, OG_TOO_FREQUENT},
	{NULL, OG_UNKNOWN}			/* undecided or not documented */
};

static const OgMeaning *const btse_resting_status = btse_new_status + 1;

static bool
btse_build_create(OgRequest *request, const OgBatch *batch)
{
	return btse_build_body(request, OG_POST,
						   is_argument(batch, "type", "PEG")
						   ? BTSE_PEG_PATH : BTSE_ORDER_PATH,
						   batch, "clOrderID", BTSE_STRING, btse_new_order);
}

/* Is it in the nature of an order that it may end as soon as it is there? */
static bool
may_be_over_at_once(const OgBatch *batch)
{
	return is_argument(batch, "type", "MARKET") ||
		is_argument(batch, "time_in_force", "IOC") ||
		is_argument(batch, "time_in_force", "FOK") ||
		is_argument(batch, "post_only", "true");
}

static void
btse_read_create(OgReading *reading, OgSlice answer, const OgBatch *batch)
{
	BtseAsked	asked = {
		.act = BTSE_CREATE,
		.id_name = "clOrderID",
		.meanings = may_be_over_at_once(batch)
		? btse_new_status : btse_resting_status,
		.arguments = batch->arguments
	};

	og_btse_read_orders(reading, answer, &asked);
}

/* ---------- amend ---------- */

/* What can be amended: one of these, or several by type ALL. */
static const struct
{
	const char *argument;
	const char *type;			/* of a request for this alone */
}			btse_amendable[] = {
	{"price", "PRICE"},
	{"size", "SIZE"},
	{"trigger_price", "TRIGGERPRICE"}
};

static const BtseMember btse_amendment[] = {
	{"symbol", "symbol", BTSE_STRING},
	{"type", "type", BTSE_STRING},
	{"value", "value", BTSE_NUMBER},
	{"price", "orderPrice", BTSE_NUMBER},
	{"size", "orderSize", BTSE_NUMBER},
	{"trigger_price", "triggerPrice", BTSE_NUMBER},
	{NULL}
};

/* What the status in the answer to a PUT says. */
static const OgMeaning btse_amend_status[] = {
	{"2", OG_ACCEPTED},
	{"4", OG_ACCEPTED},
	{"5", OG_ACCEPTED},
	{"9", OG_ACCEPTED},
	{"10", OG_ACCEPTED},
	{"16", OG_NOT_FOUND},
	{"8", OG_REJECTED},			/* balance */
	{"15", OG_REJECTED},
	{"1", OG_REJECTED},			/* no market */
	{"300", OG_REJECTED},		/* size too large ... */
	{"301", OG_REJECTED},		/* ... or invalid */
	{"302", OG_REJECTED},		/* price */
	{BTSE_TOO_FREQUENT, OG_TOO_FREQUENT},
	{NULL, OG_UNKNOWN}			/* over, undecided or not documented */
};

/*
 * The parameters of an amendment: the arguments of the call, or for a single
 * one of them its type and value.  False when there is none.
 */
static bool
amendment_of(const OgFields *arguments, OgFields *amendment)
{
	const char *symbol = og_fields_get(arguments, "symbol");
	int			last = -1;
	int			count = 0;

	for (int i = 0; i < (int) lengthof(btse_amendable); i++)
	{
		if (og_fields_get(arguments, btse_amendable[i].argument) != NULL)
		{
			last = i;
			count++;
		}
	}
	if (symbol == NULL || count == 0)
		return false;

	og_fields_add(amendment, "symbol", symbol);
	if (count == 1)
	{
		og_fields_add(amendment, "type", btse_amendable[last].type);
		og_fields_add(amendment, "value",
					  og_fields_get(arguments, btse_amendable[last].argument));
		return true;
	}
	og_fields_add(amendment, "type", "ALL");
	for (size_t i = 0; i < lengthof(btse_amendable); i++)
	{
		const char *name = btse_amendable[i].argument;
		const char *value = og_fields_get(arguments, name);

		if (value != NULL)
			og_fields_add(amendment, name, value);
	}
	return true;
}

static bool
btse_build_amend(OgRequest *request, const OgBatch *batch)
{
	const char *id_name = btse_id_name(batch);
	OgFields	amendment = {0};
	OgBatch		amended = *batch;

	amended.arguments = &amendment;
	return id_name != NULL && amendment_of(batch->arguments, &amendment) &&
		btse_build_body(request, OG_PUT, BTSE_ORDER_PATH, &amended,
						id_name, BTSE_STRING, btse_amendment);
}

static void
btse_read_amend(OgReading *reading, OgSlice answer, const OgBatch *batch)
{
	BtseAsked	asked = {
		.act = BTSE_AMEND,
		.id_name = btse_id_name(batch),
		.meanings = btse_amend_status,
		.arguments = batch->arguments
	};

	og_btse_read_orders(reading, answer, &asked);
}

/* ---------- cancel all ---------- */

/* The only request that cancels orders which it does not name. */
static bool
btse_build_cancel_all(OgRequest *request, const OgBatch *batch)
{
	if (!btse_names_one(batch))
		return false;
	request->method = OG_DELETE;
	request->path = BTSE_ORDER_PATH;
	og_fields_add(&request->query, "symbol",
				  pnstrdup(batch->keys[0].data, batch->keys[0].len));
	return true;
}

/*
 * Each order that was cancelled has an element.  An empty list says that the
 * request was carried out, and that there was nothing to cancel.
 */
static void
btse_read_cancel_all(OgReading *reading, OgSlice answer, const OgBatch *batch)
{
	BtseAsked	asked = {
		.act = BTSE_CANCEL_ALL,
		.meanings = btse_delete_status,
		.arguments = batch->arguments
	};
	OgJsonCursor cursor;
	OgSlice		element;

	if (og_json_kind(answer) != OG_JSON_ARRAY)
	{
		og_btse_read_error(reading, answer);
		reading->note = BTSE_NO_LIST;
		return;
	}
	if (!og_btse_is_list_of_orders(reading, answer, BTSE_MAX_CANCELLED))
		return;
	og_json_open(&cursor, answer);
	while (og_json_next_element(&cursor, &element))
	{
		OgSlice		symbol = og_json_member(element, "symbol");
		const char *doubt = NULL;

		/* The market is all that was asked for: one that is not told is none. */
		if (!og_is_id(symbol))
			doubt = "names an order without its market";
		else if (!og_says_in_any_case(symbol, batch->keys[0]))
			doubt = BTSE_ANOTHER_MARKET;
		og_btse_take_order(reading, element, &asked, doubt);
	}
	if (!og_json_is_empty(answer))
		return;
	reading->envelope = OG_ENVELOPE_SUCCESS;
	reading->rest = OG_ACCEPTED;
}

static bool
btse_build_timer(OgRequest *request, const OgBatch *batch)
{
	return btse_build_body(request, OG_POST, BTSE_TIMER_PATH, batch,
						   "timeout", BTSE_NUMBER, NULL);
}

/* ---------- investments ---------- */

static const BtseMember btse_amount[] = {
	{"amount", "amount", BTSE_NUMBER, true},
	{NULL}
};

static const BtseMember btse_renewal[] = {
	{"auto_renew", "autoRenew", BTSE_BOOLEAN, true},
	{NULL}
};

static bool
btse_build_deposit(OgRequest *request, const OgBatch *batch)
{
	return btse_build_body(request, OG_POST, BTSE_DEPOSIT_PATH, batch,
						   "productId", BTSE_STRING, btse_amount);
}

static bool
btse_build_redeem(OgRequest *request, const OgBatch *batch)
{
	return btse_build_body(request, OG_POST, BTSE_REDEEM_PATH, batch,
						   "orderId", BTSE_NUMBER, btse_amount);
}

static bool
btse_build_renew(OgRequest *request, const OgBatch *batch)
{
	return btse_build_body(request, OG_POST, BTSE_RENEW_PATH, batch,
						   "orderId", BTSE_NUMBER, btse_renewal);
}

static void
btse_read_renew(OgReading *reading, OgSlice answer, const OgBatch *batch)
{
	const char *asked = og_fields_get(batch->arguments, "auto_renew");
	OgJsonKind	wanted = asked != NULL && asked[0] == 't'
		? OG_JSON_TRUE : OG_JSON_FALSE;
	OgResult	result = {.verdict = OG_UNKNOWN};
	bool		ours = reading->find(reading,
									 og_json_member(answer, "orderId")) == 0;

	if (!ours)
		og_btse_read_error(reading, answer);
	reading->note = "does not confirm what was asked for";
	if (!ours)
		return;
	result.element = answer;
	if (og_json_kind(og_json_member(answer, "autoRenew")) == wanted)
		result.verdict = OG_ACCEPTED;
	reading->take(reading, 0, &result);
}

/* ---------- the table ---------- */

const OgOperation og_btse_acts[] = {
	{
		.name = "cancel", BTSE_ACT,
		.several = true,
		.build = btse_build_cancel,
		.read = btse_read_cancel
	},
	{
		.name = "create_order", BTSE_ACT,
		.several = true,
		.done = OG_ACCEPTED,
		.build = btse_build_create,
		.read = btse_read_create,
		.columns = og_btse_order_columns
	},
	{
		.name = "amend_order", BTSE_ACT,
		.several = true,
		.done = OG_ACCEPTED,
		.build = btse_build_amend,
		.read = btse_read_amend,
		.columns = og_btse_order_columns
	},
	{
		.name = "cancel_all", BTSE_ACT,
		.several = true,
		.build = btse_build_cancel_all,
		.read = btse_read_cancel_all,
		.columns = og_btse_order_columns
	},
	{
		.name = "cancel_all_after", BTSE_ACT,
		.done = OG_ACCEPTED,
		.build = btse_build_timer,
		.read = og_btse_read_no_body,
		.empty_is_accepted = true
	},
	{
		.name = "invest_deposit", BTSE_ACT,
		.done = OG_ACCEPTED,
		.build = btse_build_deposit,
		.read = og_btse_read_no_body,
		.empty_is_accepted = true
	},
	{
		.name = "invest_renew", BTSE_ACT,
		.done = OG_ACCEPTED,
		.build = btse_build_renew,
		.read = btse_read_renew,
		.columns = og_btse_renewal_columns
	},
	{
		.name = "invest_redeem", BTSE_ACT,
		.done = OG_ACCEPTED,
		.build = btse_build_redeem,
		.read = og_btse_read_no_body,
		.empty_is_accepted = true
	},
	{.name = NULL}
};
