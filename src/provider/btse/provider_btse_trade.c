/*-------------------------------------------------------------------------
 *
 * provider_btse_trade.c
 *		BTSE's acts on orders: create, amend, cancel all of a market, and the
 *		timer that cancels all.
 *
 * The key of each is what it is about: a create's is the client order id that
 * the new order gets, an amendment's the id of the order, that of "cancel all"
 * the market, and the timer's its milliseconds.
 *
 * The answer to a create is only believed if it carries the client order id
 * that was sent: both legs of an OCO order do.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "provider/btse/provider_btse.h"

#define BTSE_PEG_PATH		"/api/v3.3/order/peg"
#define BTSE_TIMER_PATH		"/api/v3.3/order/cancelAllAfter"

/*
 * The most orders of a market that are read as cancelled; telling them apart
 * takes a second at most.
 */
#define BTSE_MAX_CANCELLED	10000

/* ---------- create ---------- */

static const BtseMember btse_new_order[] = {
	{"symbol", "symbol", BTSE_STRING},
	{"side", "side", BTSE_STRING},
	{"type", "type", BTSE_STRING},
	{"size", "size", BTSE_NUMBER},
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
is_argument(const OgBatch *batch, const char *name, const char *value)
{
	const char *given = og_fields_get(batch->arguments, name);

	return given != NULL && strcmp(given, value) == 0;
}

static bool
btse_build_create(OgRequest *request, const OgBatch *batch)
{
	static const char *const required[] = {"symbol", "side", "type", "size"};

	for (size_t i = 0; i < lengthof(required); i++)
	{
		if (og_fields_get(batch->arguments, required[i]) == NULL)
			return false;
	}
	return og_btse_names_one(batch) &&
		og_btse_build_body(request, OG_POST,
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
	const char *id_name = og_btse_id_name(batch);
	OgFields	amendment = {0};
	OgBatch		amended = *batch;

	amended.arguments = &amendment;
	return id_name != NULL && og_btse_names_one(batch) &&
		amendment_of(batch->arguments, &amendment) &&
		og_btse_build_body(request, OG_PUT, BTSE_ORDER_PATH, &amended,
						   id_name, BTSE_STRING, btse_amendment);
}

static void
btse_read_amend(OgReading *reading, OgSlice answer, const OgBatch *batch)
{
	BtseAsked	asked = {
		.act = BTSE_AMEND,
		.id_name = og_btse_id_name(batch),
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
	if (!og_btse_names_one(batch))
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
		.meanings = og_btse_delete_status,
		.arguments = batch->arguments
	};
	OgJsonCursor cursor;
	OgSlice		element;
	int			count = 0;

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
		count++;
	}
	if (count > 0)
		return;
	reading->envelope = OG_ENVELOPE_SUCCESS;
	reading->rest = OG_ACCEPTED;
}

/* ---------- cancel all after ---------- */

static const BtseMember btse_nothing_more[] = {{NULL}};

static bool
btse_build_timer(OgRequest *request, const OgBatch *batch)
{
	return og_btse_names_one(batch) &&
		og_btse_build_body(request, OG_POST, BTSE_TIMER_PATH, batch,
						   "timeout", BTSE_NUMBER, btse_nothing_more);
}

/* ---------- operations ---------- */

const OgOperation og_btse_trade_acts[] = {
	{
		.name = "create_order", BTSE_ORDER_ACT,
		.several = true,
		.done = OG_ACCEPTED,
		.build = btse_build_create,
		.read = btse_read_create,
		.columns = og_btse_order_columns
	},
	{
		.name = "amend_order", BTSE_ORDER_ACT,
		.several = true,
		.done = OG_ACCEPTED,
		.build = btse_build_amend,
		.read = btse_read_amend,
		.columns = og_btse_order_columns
	},
	{
		.name = "cancel_all", BTSE_ORDER_ACT,
		.several = true,
		.build = btse_build_cancel_all,
		.read = btse_read_cancel_all,
		.columns = og_btse_order_columns
	},
	{
		.name = "cancel_all_after", BTSE_ORDER_ACT,
		.done = OG_ACCEPTED,
		.build = btse_build_timer,
		.read = og_btse_read_no_body,
		.empty_is_accepted = true
	},
	{.name = NULL}
};
