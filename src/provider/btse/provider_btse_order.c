/*-------------------------------------------------------------------------
 *
 * provider_btse_order.c
 *		What BTSE's answers to acts say of orders.
 *
 * One id may stand for several orders: the legs of an OCO order, or orders that
 * share a client order id.  They are told apart by their own orderID.
 *
 * An order counts if it bears the id that was sent, be it a new order's client
 * order id, and contradicts nothing else that was; see contradiction().  In the
 * answer to a cancel others are its legs.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "provider/btse/provider_btse.h"

/*
 * The most orders of a market that are read as cancelled; telling them apart
 * takes a second at most.
 */
#define MAX_CANCELLED	10000

#define ANOTHER_MARKET	"names an order of another market"

/* What was done to the orders of a list. */
typedef enum Act
{
	CANCEL,
	CREATE,
	AMEND,
	CANCEL_ALL
} Act;

/* What was asked for, and the reading of the answer. */
typedef struct Asked
{
	OgReading  *reading;
	const OgBatch *batch;
	Act			act;
	int			id;				/* the key's place in a list of values */
} Asked;

/* What is read of an order, and where it stands in a list of values. */
enum
{
	STATUS, MESSAGE, ORDER_ID, CLIENT_ORDER_ID, SYMBOL, SIDE, ORDER_TYPE, NVALUES
};

static const char *const names[NVALUES] = {
	"status", "message", "orderID", "clOrderID", "symbol", "side", "orderType"
};

/* Types of orders as numbers; where nobody knows the order, it is 0. */
#define NO_TYPE			"0"
#define MARKET_TYPE		"77"

/* ---------- what its status says ---------- */

#define ORDER_CANCELLED	"6"

/*
 * In the answer to a DELETE, a POST and a PUT.  What is left out, or unknown
 * here, is alive, over for another reason, undecided or not documented.
 */
static const struct
{
	const char *status;
	OgVerdict	verdicts[AMEND + 1];
}			statuses[] = {
	{"1", {OG_REJECTED, OG_REJECTED, OG_REJECTED}}, /* no market */
	{"2", {OG_UNKNOWN, OG_ACCEPTED, OG_ACCEPTED}},	/* inserted */
	{"3", {OG_NOT_CANCELLABLE, OG_UNKNOWN, OG_UNKNOWN}},	/* filled */
	{"4", {OG_NOT_CANCELLABLE, OG_ACCEPTED, OG_ACCEPTED}},	/* in full */
	{"5", {OG_UNKNOWN, OG_ACCEPTED, OG_ACCEPTED}},	/* in part */
	{ORDER_CANCELLED, {OG_CANCELLED, OG_ACCEPTED, OG_UNKNOWN}},
	{"7", {OG_NOT_CANCELLABLE, OG_UNKNOWN, OG_UNKNOWN}},	/* refunded */
	{"8", {OG_UNKNOWN, OG_REJECTED, OG_REJECTED}},	/* balance */
	{"9", {OG_UNKNOWN, OG_ACCEPTED, OG_ACCEPTED}},	/* trigger inserted */
	{"10", {OG_UNKNOWN, OG_ACCEPTED, OG_ACCEPTED}}, /* trigger activated */
	{"11", {OG_UNKNOWN, OG_REJECTED, OG_UNKNOWN}},	/* currency */
	{"13", {OG_UNKNOWN, OG_REJECTED, OG_UNKNOWN}},	/* leverage */
	{"15", {OG_REJECTED, OG_REJECTED, OG_REJECTED}},
	{"16", {OG_NOT_FOUND, OG_UNKNOWN, OG_NOT_FOUND}},
	{"41", {OG_UNKNOWN, OG_REJECTED, OG_UNKNOWN}},	/* risk limit */
	{"101", {OG_UNKNOWN, OG_REJECTED, OG_UNKNOWN}}, /* beyond liquidation */
	{"300", {OG_UNKNOWN, OG_REJECTED, OG_REJECTED}},	/* size too large ... */
	{"301", {OG_UNKNOWN, OG_REJECTED, OG_REJECTED}},	/* ... or invalid */
	{"302", {OG_UNKNOWN, OG_REJECTED, OG_REJECTED}},	/* price */
	{BTSE_TOO_FREQUENT, {OG_TOO_FREQUENT, OG_TOO_FREQUENT, OG_TOO_FREQUENT}},
	{"304", {OG_UNKNOWN, OG_REJECTED, OG_UNKNOWN}}	/* too many open orders */
};

/*
 * Is it in the nature of a new order that it may end as soon as it is there?
 * One that could only trade at once, and got nothing, was taken nevertheless,
 * and so was one that must not trade at once, and would have.
 */
static bool
may_be_over_at_once(const OgBatch *batch)
{
	return og_batch_says(batch, "type", "MARKET") ||
		og_batch_says(batch, "time_in_force", "IOC") ||
		og_batch_says(batch, "time_in_force", "FOK") ||
		og_batch_says(batch, "post_only", "true");
}

/*
 * What tells an order from others: its own id.  The client's is one only where
 * there is no other; a name that is too long to be kept is none.
 */
static OgSlice
part_of(const OgSlice *values)
{
	OgSlice		id = og_is_id(values[ORDER_ID])
		? values[ORDER_ID] : values[CLIENT_ORDER_ID];

	return og_is_id(id) && id.len <= OG_MAX_PART_LEN
		? id : og_slice(NULL, 0);
}

/* What the status of an order says; nothing of one that cannot be told. */
static OgVerdict
verdict_of(const Asked *asked, const OgSlice *values)
{
	int			act = asked->act == CANCEL_ALL ? CANCEL : asked->act;
	size_t		i = 0;

	while (i < lengthof(statuses) && !og_says(values[STATUS], statuses[i].status))
		i++;
	if (i == lengthof(statuses) || part_of(values).data == NULL ||
		(act == CREATE && og_says(values[STATUS], ORDER_CANCELLED) &&
		 !may_be_over_at_once(asked->batch)))
		return OG_UNKNOWN;
	if (statuses[i].verdicts[act] != OG_TOO_FREQUENT)
		return statuses[i].verdicts[act];

	/*
	 * A new order with an id was made, and must not be made once more; and
	 * where all orders of a market were to be cancelled, others may have been.
	 */
	if (act == CREATE && og_is_id(values[ORDER_ID]))
		return OG_UNKNOWN;
	return asked->act == CANCEL_ALL ? OG_REJECTED : OG_TOO_FREQUENT;
}

/* ---------- is it what was asked for? ---------- */

/* "BTC-null" is how a market is called of an order that nobody knows. */
static bool
is_market(OgSlice value, const char *symbol, bool blank)
{
	const char *hyphen = strrchr(symbol, '-');

	if (og_says_in_any_case(value, og_slice_of(symbol)))
		return true;
	return blank && hyphen != NULL &&
		og_says_in_any_case(value,
							og_slice_of(psprintf("%.*s-null",
												 (int) (hyphen - symbol),
												 symbol)));
}

/* As a word, and by the page's table of codes, by name or by number. */
static bool
is_other_side(OgSlice value, const char *side)
{
	static const char *const sides[2][3] = {
		{"BUY", "MODE_BUY", "66"},
		{"SELL", "MODE_SELL", "83"}
	};
	const char *const *other = sides[strcmp(side, sides[0][0]) == 0];

	for (int i = 0; i < 3; i++)
	{
		if (og_says(value, other[i]) ||
			og_says_in_any_case(value, og_slice_of(other[i])))
			return true;
	}
	return false;
}

/*
 * How an order differs from what was asked for, completing "the answer ...",
 * or NULL.  Not what is left out, or not documented, but what is contradicted
 * makes it another order:
 *
 * - its market;
 * - of a new order, its side, and that it trades at any price although it was
 *	 to have one.  A MARKET order that gets a bound from the provider (76), and
 *	 any order that is called algorithmic (80), is still what was asked for.
 *
 * Prices and sizes may differ, and do: a price becomes that of the fill, or is
 * rounded to the market's step, sizes are told in one currency or the other,
 * shrink with what is filled, and an amendment may come late.  They are shown,
 * as are flags and times in force, some of which all samples leave at their
 * defaults.
 *
 * An order that nobody knows has no type, and then (as in the page's sample of
 * a refused amendment) a market without its quote and a side by default: a
 * refusal is not the less one for that.
 */
static const char *
contradiction(const Asked *asked, const OgSlice *values)
{
	const OgFields *arguments = asked->batch->arguments;
	const char *symbol = og_fields_get(arguments, "symbol");
	const char *side = og_fields_get(arguments, "side");
	const char *type = og_fields_get(arguments, "type");
	OgVerdict	verdict = verdict_of(asked, values);
	bool		blank = verdict != OG_ACCEPTED && verdict != OG_CANCELLED &&
		og_says(values[ORDER_TYPE], NO_TYPE);

	/* The market is all that was asked for: one that is not told is none. */
	if (asked->act == CANCEL_ALL)
	{
		if (!og_is_id(values[SYMBOL]))
			return "names an order without its market";
		return og_says_in_any_case(values[SYMBOL], asked->batch->keys[0])
			? NULL : ANOTHER_MARKET;
	}
	if (symbol != NULL && og_is_id(values[SYMBOL]) &&
		!is_market(values[SYMBOL], symbol, blank))
		return ANOTHER_MARKET;
	if (asked->act != CREATE || blank)
		return NULL;
	if (side != NULL && is_other_side(values[SIDE], side))
		return "names an order of the other side";
	if (type != NULL && strcmp(type, "MARKET") != 0 &&
		og_says(values[ORDER_TYPE], MARKET_TYPE))
		return "names a MARKET order, which was not asked for";
	return NULL;
}

/* ---------- taking them ---------- */

/* Take an order; with a doubt, it is one that nobody asked for, and unknown. */
static void
take_order(const Asked *asked, OgSlice element, const OgSlice *values,
		   const char *doubt)
{
	OgReading  *reading = asked->reading;
	OgResult	result = {
		.verdict = OG_UNKNOWN,
		.element = element,
		.part = part_of(values),
		.stranger = doubt != NULL,
		.note = doubt
	};

	/* Whatever order it is about, that is said to us. */
	if (og_says(values[STATUS], BTSE_TOO_FREQUENT))
		reading->too_frequent = true;
	if (doubt == NULL)
	{
		result.code = values[STATUS];
		result.message = values[MESSAGE];
		result.verdict = verdict_of(asked, values);
	}
	else if (og_is_id(values[ORDER_ID]) || og_is_id(values[CLIENT_ORDER_ID]))
		reading->take(reading, -1, &result);
	reading->take(reading, 0, &result);
}

static bool
carries_key(const Asked *asked, const OgSlice *values)
{
	return asked->reading->find(asked->reading, values[asked->id]) == 0;
}

/*
 * Does an element name another order than the key does?  In the answer to a
 * cancel that is another leg of the same order, if the market is.
 */
static bool
is_somebody_elses(const Asked *asked, const OgSlice *values)
{
	if (asked->act == CANCEL_ALL || !og_is_id(values[asked->id]) ||
		carries_key(asked, values))
		return false;
	return asked->act != CANCEL || contradiction(asked, values) != NULL;
}

/* If none of them is "ours", what they are is in doubt. */
static void
take_list(const Asked *asked, OgSlice list, bool ours)
{
	OgReading  *reading = asked->reading;
	OgJsonPicker picker;
	OgSlice		element;
	OgSlice		values[NVALUES];

	og_json_pick_open(&picker, list, names, NVALUES);
	while (og_json_pick_next(&picker, &element, values))
	{
		OgResult	stranger = {.verdict = OG_UNKNOWN};
		const char *doubt = contradiction(asked, values);

		if (ours && is_somebody_elses(asked, values))
			reading->take(reading, -1, &stranger);
		else
			take_order(asked, element, values,
					   doubt == NULL && !ours ? reading->note : doubt);
	}
}

/*
 * An OCO order is two.  Is there only one in the list, which does not refuse
 * the order as a whole, as one without an id does?
 */
static bool
lacks_a_leg(const Asked *asked, OgSlice list)
{
	char	   *first = NULL;
	int			count = 0;
	OgJsonPicker picker;
	OgSlice		element;
	OgSlice		values[NVALUES];

	og_json_pick_open(&picker, list, names, NVALUES);
	while (og_json_pick_next(&picker, &element, values))
	{
		OgSlice		part = part_of(values);

		if (is_somebody_elses(asked, values))
			continue;
		if (count++ == 0)
		{
			if (!og_is_id(values[ORDER_ID]) &&
				verdict_of(asked, values) != OG_ACCEPTED)
				return false;
			first = og_json_text(part, OG_MAX_PART_LEN);
		}
		else if (first == NULL || part.data == NULL ||
				 !og_json_equals(part, first))
			return false;
	}
	return true;
}

/*
 * Is it a list of at most so many orders?  If not, the reading notes why.  Does
 * one of them carry the key, and is what was asked for?  Then it is ours.
 */
static bool
look_through(const Asked *asked, OgSlice list, int most, bool *ours)
{
	OgJsonPicker picker;
	OgSlice		element;
	OgSlice		values[NVALUES];
	int			count = 0;

	og_json_pick_open(&picker, list, names, NVALUES);
	while (og_json_pick_next(&picker, &element, values))
	{
		if (og_json_kind(element) != OG_JSON_OBJECT)
		{
			asked->reading->note = BTSE_NO_LIST;
			return false;
		}
		if (++count > most)
		{
			asked->reading->note = psprintf("names more than %d orders", most);
			return false;
		}
		if (!*ours)
			*ours = carries_key(asked, values) &&
				contradiction(asked, values) == NULL;
	}
	return true;
}

/*
 * Read a list of orders that must carry the key, which one of its elements has
 * to do.  Where all of a market were to be cancelled each of them has one, and
 * an empty list says that there was nothing to cancel.
 */
static void
read_orders(OgReading *reading, OgSlice answer, const OgBatch *batch, Act act)
{
	Asked		asked = {reading, batch, act, ORDER_ID};
	OgResult	missing = {
		.verdict = OG_UNKNOWN,
		.note = "names one of the two orders that an OCO order is"
	};
	bool		all = act == CANCEL_ALL;
	bool		ours = all;

	if (act == CREATE || og_batch_says(batch, "by", "client_order_id"))
		asked.id = CLIENT_ORDER_ID;
	if (og_json_kind(answer) != OG_JSON_ARRAY)
	{
		og_btse_read_error(reading, answer);
		return;
	}
	if (!look_through(&asked, answer, all ? MAX_CANCELLED : OG_MAX_PARTS, &ours))
		return;
	if (!ours)
		reading->note = "does not carry the id of this order";
	take_list(&asked, answer, ours);

	/* Of the leg that is left out nobody knows whether it was made. */
	if (ours && act == CREATE && og_batch_says(batch, "type", "OCO") &&
		lacks_a_leg(&asked, answer))
		reading->take(reading, 0, &missing);
	if (all && og_json_is_empty(answer))
	{
		reading->envelope = OG_ENVELOPE_SUCCESS;
		reading->rest = OG_ACCEPTED;
	}
}

void
og_btse_read_cancel(OgReading *reading, OgSlice answer, const OgBatch *batch)
{
	read_orders(reading, answer, batch, CANCEL);
}

void
og_btse_read_create(OgReading *reading, OgSlice answer, const OgBatch *batch)
{
	read_orders(reading, answer, batch, CREATE);
}

void
og_btse_read_amend(OgReading *reading, OgSlice answer, const OgBatch *batch)
{
	read_orders(reading, answer, batch, AMEND);
}

void
og_btse_read_cancel_all(OgReading *reading, OgSlice answer,
						const OgBatch *batch)
{
	read_orders(reading, answer, batch, CANCEL_ALL);
}
