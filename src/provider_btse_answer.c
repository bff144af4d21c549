/*-------------------------------------------------------------------------
 *
 * provider_btse_answer.c
 *		What BTSE's acts answer: lists of orders, and errors.
 *
 * One id may stand for several orders: the legs of an OCO order, or orders
 * that share a client order id.  They are told apart by their own orderID.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "provider_btse.h"

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

/* Does an object name something else than what the request was about? */
static bool
names_another(OgSlice object, OgSlice key)
{
	static const char *const names[] = {"timeout", "productId", "orderId"};
	OgSlice		values[lengthof(names)];

	og_json_pick(object, names, values, lengthof(names));
	for (size_t i = 0; i < lengthof(names); i++)
	{
		if (og_json_kind(values[i]) > OG_JSON_NULL &&
			!og_names(values[i], key))
			return true;
	}
	return false;
}

/*
 * HTTP 200 is all that is documented.  Some software makes a body of nothing,
 * or repeats what it was sent.
 */
static bool
is_blank(OgSlice answer, OgSlice key)
{
	switch (og_json_kind(answer))
	{
		case OG_JSON_TRUE:
			return true;
		case OG_JSON_STRING:
			return og_json_equals(answer, "");
		case OG_JSON_OBJECT:
			return is_blank_object(answer) && !names_another(answer, key);
		default:
			return og_json_is_empty(answer);
	}
}

void
og_btse_read_no_body(OgReading *reading, OgSlice answer, const OgBatch *batch)
{
	og_btse_read_error(reading, answer);
	reading->note = "has a body, which is not documented";
	reading->blank = is_blank(answer, batch->keys[0]);
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

/* True for what can be the name of one order among others. */
static bool
is_part(OgSlice value)
{
	return og_is_id(value) && value.len <= OG_MAX_PART_LEN;
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

void
og_btse_take_order(OgReading *reading, OgSlice element, BtseAct act,
				   const OgMeaning *meanings)
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
	if (is_part(values[ORDER_ID]))
		result.part = values[ORDER_ID];
	else if (is_part(values[CLIENT_ORDER_ID]))
		result.part = values[CLIENT_ORDER_ID];

	if (meanings != NULL)
	{
		result.code = values[STATUS];
		result.message = values[MESSAGE];
		if (result.part.data != NULL)
			result.verdict = og_meaning(meanings, values[STATUS]);

		if (result.verdict == OG_TOO_FREQUENT)
		{
			reading->too_frequent = true;
			result.verdict = too_frequent(act, values[ORDER_ID]);
		}
	}
	else if (result.part.data != NULL)
		reading->take(reading, -1, &result);
	reading->take(reading, 0, &result);
}

/* Does an element of the list carry the key? */
static bool
carries_key(OgReading *reading, OgSlice list, const char *id_name)
{
	OgJsonCursor cursor;
	OgSlice		element;

	og_json_open(&cursor, list);
	while (og_json_next_element(&cursor, &element))
	{
		if (reading->find(reading, og_json_member(element, id_name)) == 0)
			return true;
	}
	return false;
}

/* Does an element carry the id of another order than that of the key? */
static bool
is_another(OgReading *reading, OgSlice element, const char *id_name)
{
	OgSlice		id = og_json_member(element, id_name);

	return og_is_id(id) && reading->find(reading, id) != 0;
}

void
og_btse_read_orders(OgReading *reading, OgSlice answer, BtseAct act,
					const char *id_name, const OgMeaning *meanings)
{
	OgJsonCursor cursor;
	OgSlice		element;
	bool		ours;

	if (og_json_kind(answer) != OG_JSON_ARRAY)
	{
		og_btse_read_error(reading, answer);
		reading->note = BTSE_NO_LIST;
		return;
	}
	if (!og_btse_is_list_of_orders(reading, answer, OG_MAX_PARTS))
		return;
	ours = carries_key(reading, answer, id_name);
	if (!ours)
		reading->note = "does not carry the id of this order";

	og_json_open(&cursor, answer);
	while (og_json_next_element(&cursor, &element))
	{
		OgResult	stranger = {.verdict = OG_UNKNOWN};

		if (ours && act != BTSE_CANCEL && is_another(reading, element, id_name))
			reading->take(reading, -1, &stranger);
		else
			og_btse_take_order(reading, element, act, ours ? meanings : NULL);
	}
}
