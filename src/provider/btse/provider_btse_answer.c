/*-------------------------------------------------------------------------
 *
 * provider_btse_answer.c
 *		What BTSE answers: errors, nothing, lists of orders to acts, lists of
 *		whatever to reads.
 *
 * In the answer to an act one id may stand for several orders: the legs of an OCO order, or orders
 * that share a client order id.  They are told apart by their own orderID.
 *
 * An order counts if it bears the id that was sent and contradicts nothing else
 * that was; see contradiction().
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "provider/btse/provider_btse.h"

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
	reading->note = BTSE_NO_LIST;
	/* Key, nonce and signature are all refused like this. */
	reading->clock_suspected = og_says(reading->code, BTSE_UNAUTHORIZED);
	reading->too_frequent = og_says(reading->code, BTSE_TOO_FREQUENT);
}

/* An object in which nothing speaks of an error: what was sent, for instance. */
static bool
is_blank_object(OgSlice object)
{
	enum
	{
		ERROR_CODE, ERROR_TEXT, CODE, STATUS, MESSAGE, MSG, SUCCESS, COUNT
	};
	static const char *const names[COUNT] = {
		"errorCode", "error", "code", "status", "message", "msg", "success"
	};
	OgSlice		values[COUNT];
	OgSlice		code;

	og_json_pick(object, names, values, COUNT);
	code = og_first_given(&values[CODE], MESSAGE - CODE);
	if (og_first_given(values, CODE).data != NULL ||
		og_json_kind(values[SUCCESS]) == OG_JSON_FALSE)
		return false;
	if (code.data == NULL)
		return og_first_given(&values[MESSAGE], SUCCESS - MESSAGE).data == NULL;
	return og_says(code, BTSE_SUCCESS) || og_says(code, "200");
}

/* A JSON number in one spelling, so that 1.10, 1.1 and 11e-1 are the same. */
static char *
spell_number(const char *text)
{
	const char *exponent = strpbrk(text, "eE");
	int			places = exponent ? (int) strtol(exponent + 1, NULL, 10) : 0;
	bool		fraction = false;
	StringInfoData digits;

	initStringInfo(&digits);
	for (const char *c = text; *c != '\0' && c != exponent; c++)
	{
		if (*c == '.')
			fraction = true;
		else if (*c >= '0' && *c <= '9')
		{
			places -= fraction;
			if (digits.len > 0 || *c != '0')
				appendStringInfoChar(&digits, *c);
		}
	}
	if (digits.len == 0)
		return pstrdup("0");
	while (digits.data[digits.len - 1] == '0')
	{
		digits.data[--digits.len] = '\0';
		places++;
	}
	return psprintf("%s%se%d", text[0] == '-' ? "-" : "", digits.data, places);
}

/* Is this another amount than the one that was sent, if there was one? */
static bool
is_another_amount(OgSlice value, const char *sent)
{
	char	   *said;

	if (og_json_kind(value) <= OG_JSON_NULL || sent == NULL)
		return false;
	said = og_json_text(value, OG_JSON_MAX_NUMBER + 1);
	return !og_json_is_number(said) ||
		strcmp(spell_number(said), spell_number(sent)) != 0;
}

/* Does an object name something else than what the request was about? */
static bool
names_another(OgSlice object, const OgBatch *batch)
{
	static const char *const names[] = {"timeout", "productId", "orderId"};
	OgSlice		values[lengthof(names)];

	og_json_pick(object, names, values, lengthof(names));
	for (size_t i = 0; i < lengthof(names); i++)
	{
		if (og_json_kind(values[i]) > OG_JSON_NULL &&
			!og_names(values[i], batch->keys[0]))
			return true;
	}
	return is_another_amount(og_json_member(object, "amount"),
							 og_fields_get(batch->arguments, "amount"));
}

/*
 * HTTP 200 is all that is documented.  Some software makes a body of nothing,
 * or repeats what it was sent.
 */
static bool
is_blank(OgSlice answer, const OgBatch *batch)
{
	switch (og_json_kind(answer))
	{
		case OG_JSON_TRUE:
			return true;
		case OG_JSON_STRING:
			return og_json_equals(answer, "");
		case OG_JSON_OBJECT:
			return is_blank_object(answer) && !names_another(answer, batch);
		default:
			return og_json_is_empty(answer);
	}
}

void
og_btse_read_no_body(OgReading *reading, OgSlice answer, const OgBatch *batch)
{
	og_btse_read_error(reading, answer);
	reading->note = "has a body, which is not documented";
	reading->blank = is_blank(answer, batch);
}

bool
og_btse_is_list_of_orders(OgReading *reading, OgSlice list, int most)
{
	OgJsonCursor cursor;
	OgSlice		element;
	int			count = 0;

	og_json_open(&cursor, list);
	while (og_json_next_element(&cursor, &element))
	{
		if (og_json_kind(element) != OG_JSON_OBJECT)
		{
			reading->note = BTSE_NO_LIST;
			return false;
		}
		if (++count > most)
		{
			reading->note = psprintf("names more than %d orders", most);
			return false;
		}
	}
	return true;
}

/* ---------- lists of orders ---------- */

/* What is read of an order, and where it stands in a list of values. */
enum
{
	STATUS, MESSAGE, ORDER_ID, CLIENT_ORDER_ID, SYMBOL, SIDE, ORDER_TYPE, NVALUES
};

static const char *const btse_order_fields[NVALUES] = {
	"status", "message", "orderID", "clOrderID", "symbol", "side", "orderType"
};

/* Types of orders as numbers; where nobody knows the order, it is 0. */
#define BTSE_NO_TYPE		"0"
#define BTSE_MARKET_TYPE	"77"

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

/*
 * What "too frequent" about one order means.  A new order with an id was made,
 * and must not be made once more; and where all orders of a market were to be
 * cancelled, others may have been.
 */
static OgVerdict
too_frequent(BtseAct act, OgSlice order_id)
{
	if (act == BTSE_CREATE && og_is_id(order_id))
		return OG_UNKNOWN;
	return act == BTSE_CANCEL_ALL ? OG_REJECTED : OG_TOO_FREQUENT;
}

/* What the status of an order says; nothing of one that cannot be told. */
static OgVerdict
verdict_of(const BtseAsked *asked, const OgSlice *values)
{
	OgVerdict	verdict = OG_UNKNOWN;

	if (part_of(values).data != NULL)
		verdict = og_meaning(asked->meanings, values[STATUS]);
	return verdict == OG_TOO_FREQUENT
		? too_frequent(asked->act, values[ORDER_ID]) : verdict;
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
contradiction(const BtseAsked *asked, const OgSlice *values)
{
	const char *symbol = og_fields_get(asked->arguments, "symbol");
	const char *side = og_fields_get(asked->arguments, "side");
	const char *type = og_fields_get(asked->arguments, "type");
	OgVerdict	verdict = verdict_of(asked, values);
	bool		blank = verdict != OG_ACCEPTED && verdict != OG_CANCELLED &&
		og_says(values[ORDER_TYPE], BTSE_NO_TYPE);

	if (symbol != NULL && og_is_id(values[SYMBOL]) &&
		!is_market(values[SYMBOL], symbol, blank))
		return BTSE_ANOTHER_MARKET;
	if (asked->act != BTSE_CREATE || blank)
		return NULL;
	if (side != NULL && is_other_side(values[SIDE], side))
		return "names an order of the other side";
	if (type != NULL && strcmp(type, "MARKET") != 0 &&
		og_says(values[ORDER_TYPE], BTSE_MARKET_TYPE))
		return "names a MARKET order, which was not asked for";
	return NULL;
}

/* ---------- taking them ---------- */

static void
take_values(OgReading *reading, OgSlice element, const OgSlice *values,
			const BtseAsked *asked, const char *doubt)
{
	OgResult	result = {.verdict = OG_UNKNOWN};

	result.element = element;
	result.part = part_of(values);

	/* Whatever order it is about, that is said to us. */
	if (og_meaning(asked->meanings, values[STATUS]) == OG_TOO_FREQUENT)
		reading->too_frequent = true;
	if (doubt != NULL)
	{
		result.stranger = true;
		result.note = doubt;
		if (og_is_id(values[ORDER_ID]) || og_is_id(values[CLIENT_ORDER_ID]))
			reading->take(reading, -1, &result);
	}
	else
	{
		result.code = values[STATUS];
		result.message = values[MESSAGE];
		result.verdict = verdict_of(asked, values);
	}
	reading->take(reading, 0, &result);
}

void
og_btse_take_order(OgReading *reading, OgSlice element,
				   const BtseAsked *asked, const char *doubt)
{
	OgSlice		values[NVALUES];

	og_json_pick(element, btse_order_fields, values, NVALUES);
	take_values(reading, element, values, asked, doubt);
}

/* What an element has where the key should be. */
static OgSlice
id_of(const OgSlice *values, const BtseAsked *asked)
{
	return values[strcmp(asked->id_name, btse_order_fields[ORDER_ID]) == 0
				  ? ORDER_ID : CLIENT_ORDER_ID];
}

/* Does an element of the list carry the key, and is what was asked for? */
static bool
carries_key(OgReading *reading, OgSlice list, const BtseAsked *asked)
{
	OgJsonPicker picker;
	OgSlice		element;
	OgSlice		values[NVALUES];

	og_json_pick_open(&picker, list, btse_order_fields, NVALUES);
	while (og_json_pick_next(&picker, &element, values))
	{
		if (reading->find(reading, id_of(values, asked)) == 0 &&
			contradiction(asked, values) == NULL)
			return true;
	}
	return false;
}

/*
 * The orders of a key that were taken, as far as it matters for an OCO order:
 * is there another beside the first?
 */
typedef struct Legs
{
	char	   *first;			/* name of the first, NULL if it has none */
	bool		any;
	bool		several;
	bool		whole;			/* the first refuses the order, and has no id:
								 * no leg was made */
} Legs;

static void
count_leg(Legs *legs, const OgSlice *values, const BtseAsked *asked)
{
	OgSlice		part = part_of(values);

	if (legs->any)
	{
		if (legs->first == NULL || part.data == NULL ||
			!og_json_equals(part, legs->first))
			legs->several = true;
		return;
	}
	legs->any = true;
	legs->first = og_json_text(part, OG_MAX_PART_LEN);
	legs->whole = !og_is_id(values[ORDER_ID]) &&
		verdict_of(asked, values) != OG_ACCEPTED;
}

/*
 * An OCO order is two.  Of the one that an answer leaves out nobody knows
 * whether it was made.
 */
static void
take_missing_leg(OgReading *reading, const Legs *legs)
{
	OgResult	result = {
		.verdict = OG_UNKNOWN,
		.note = "names one of the two orders that an OCO order is"
	};

	if (!legs->several && !legs->whole)
		reading->take(reading, 0, &result);
}

/*
 * Does an element name another order than the key does?  In the answer to a
 * cancel that is another leg of the same order, if the market is.
 */
static bool
is_somebody_elses(OgReading *reading, const OgSlice *values,
				  const BtseAsked *asked)
{
	OgSlice		id = id_of(values, asked);

	if (!og_is_id(id) || reading->find(reading, id) == 0)
		return false;
	return asked->act != BTSE_CANCEL || contradiction(asked, values) != NULL;
}

static void
take_list(OgReading *reading, OgSlice list, const BtseAsked *asked, bool ours)
{
	const char *type = og_fields_get(asked->arguments, "type");
	Legs		legs = {0};
	OgJsonPicker picker;
	OgSlice		element;
	OgSlice		values[NVALUES];

	og_json_pick_open(&picker, list, btse_order_fields, NVALUES);
	while (og_json_pick_next(&picker, &element, values))
	{
		OgResult	stranger = {.verdict = OG_UNKNOWN};
		const char *doubt = contradiction(asked, values);

		if (ours && is_somebody_elses(reading, values, asked))
		{
			reading->take(reading, -1, &stranger);
			continue;
		}
		if (doubt == NULL && !ours)
			doubt = BTSE_NO_ID;
		take_values(reading, element, values, asked, doubt);
		count_leg(&legs, values, asked);
	}
	if (ours && asked->act == BTSE_CREATE && type != NULL &&
		strcmp(type, "OCO") == 0)
		take_missing_leg(reading, &legs);
}

void
og_btse_read_orders(OgReading *reading, OgSlice answer,
					const BtseAsked *asked)
{
	bool		ours;

	if (og_json_kind(answer) != OG_JSON_ARRAY)
	{
		og_btse_read_error(reading, answer);
		reading->note = BTSE_NO_LIST;
		return;
	}
	if (!og_btse_is_list_of_orders(reading, answer, OG_MAX_PARTS))
		return;
	ours = carries_key(reading, answer, asked);
	if (!ours)
		reading->note = BTSE_NO_ID;
	take_list(reading, answer, asked, ours);
}

/* ---------- reads ---------- */

/* What the code of an error refuses; another one leaves that to the status. */
static const struct
{
	const char *code;
	OgRefusal	refusal;
}			btse_refusals[] = {
	{BTSE_UNAUTHORIZED, OG_REFUSED_CREDENTIALS},
	{BTSE_FORBIDDEN, OG_REFUSED_CREDENTIALS},
	{"400", OG_REFUSED_ARGUMENTS},
	{"300", OG_REFUSED_ARGUMENTS},	/* size, ... */
	{"301", OG_REFUSED_ARGUMENTS},
	{"302", OG_REFUSED_ARGUMENTS},	/* ... price */
	{"404", OG_REFUSED_UNKNOWN},
	{"16", OG_REFUSED_UNKNOWN},
	{"429", OG_REFUSED_PACE},
	{BTSE_TOO_FREQUENT, OG_REFUSED_PACE}
};

void
og_btse_read_refusal(OgRecords *records, OgSlice answer)
{
	OgReading  *reading = &records->reading;

	og_btse_read_error(reading, answer);
	reading->note = "is not what was asked for";
	for (size_t i = 0; i < lengthof(btse_refusals); i++)
	{
		if (og_says(reading->code, btse_refusals[i].code))
			records->refusal = btse_refusals[i].refusal;
	}
}

/* Orders have a message as well, but they have a market or an id, too. */
bool
og_btse_is_error(OgSlice object)
{
	enum
	{
		ERROR_CODE, MESSAGE, MSG, SYMBOL, ORDER_ID, COUNT
	};
	static const char *const names[COUNT] = {
		"errorCode", "message", "msg", "symbol", "orderID"
	};
	OgSlice		values[COUNT];

	og_json_pick(object, names, values, COUNT);
	if (og_first_given(&values[ERROR_CODE], 1).data != NULL)
		return true;
	return og_first_given(&values[MESSAGE], SYMBOL - MESSAGE).data != NULL &&
		og_first_given(&values[SYMBOL], COUNT - SYMBOL).data == NULL;
}

/* Take an object that has anything of what was asked for. */
static bool
btse_take_object(OgRecords *records, OgSlice object)
{
	OgSlice		values[OG_MAX_COLUMNS];
	bool		has_column = false;

	if (og_json_kind(object) != OG_JSON_OBJECT || og_btse_is_error(object))
		return false;
	og_pick_columns(records->columns, object, values);
	for (int i = 0; records->columns[i].name != NULL; i++)
		has_column = has_column || values[i].data != NULL;
	if (has_column)
	{
		records->reading.envelope = OG_ENVELOPE_SUCCESS;
		records->take(records, values, object);
	}
	return has_column;
}

void
og_btse_read_list(OgRecords *records, OgSlice answer, const OgBatch *batch)
{
	if (og_json_kind(answer) == OG_JSON_ARRAY)
		og_take_objects(records, answer);
	else if (!btse_take_object(records, answer))
		og_btse_read_refusal(records, answer);
}
