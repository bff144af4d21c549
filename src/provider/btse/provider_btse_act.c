/*-------------------------------------------------------------------------
 *
 * provider_btse_act.c
 *		BTSE's acts: what their requests say beside what the table does, and
 *		what is answered instead of orders.
 *
 * The key of each is what it is about: a create's is the client order id that
 * the new order gets, an amendment's the id of the order, that of "cancel all"
 * the market, that of the timer its milliseconds, a deposit's the product.
 *
 * A DELETE of an order that names no order cancels all orders of the market.
 * The build function of a cancel makes no request without an id; there is one
 * operation alone that is to cancel all.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "provider/btse/provider_btse.h"

/* ---------- requests ---------- */

/* How argument "by" is called in a request. */
static const char *
id_name(const OgBatch *batch)
{
	if (og_batch_says(batch, "by", "order_id"))
		return "orderID";
	return og_batch_says(batch, "by", "client_order_id") ? "clOrderID" : NULL;
}

bool
og_btse_build_cancel(OgRequest *request, const OgBatch *batch)
{
	const char *name = id_name(batch);
	const char *id = og_batch_key(batch);

	if (name == NULL || id == NULL)
		return false;
	og_fields_add(&request->query, name, id);
	return true;
}

bool
og_btse_build_create(OgRequest *request, const OgBatch *batch)
{
	if (og_batch_says(batch, "type", "PEG"))
		request->path = "/api/v3.3/order/peg";
	return true;
}

/* One of these alone is amended by its type and a value, several by type ALL. */
bool
og_btse_build_amend(OgRequest *request, const OgBatch *batch)
{
	static const struct
	{
		const char *argument;
		const char *type;
	}			amendable[] = {
		{"price", "PRICE"},
		{"size", "SIZE"},
		{"trigger_price", "TRIGGERPRICE"}
	};
	const OgParameter parameters[] = {
		{id_name(batch), OG_KEY, OG_BODY_TEXT, true},
		{"symbol", "symbol", OG_BODY_TEXT, true},
		{"type", "type", OG_BODY_TEXT, true},
		{"value", "value", OG_BODY_NUMBER},
		{"orderPrice", "price", OG_BODY_NUMBER},
		{"orderSize", "size", OG_BODY_NUMBER},
		{"triggerPrice", "trigger_price", OG_BODY_NUMBER},
		{NULL}
	};
	OgFields	sent = {0};
	OgBatch		amended = {&sent, batch->keys, batch->nkeys};
	const char *type = NULL;

	for (size_t i = 0; i < lengthof(amendable); i++)
	{
		const char *name = amendable[i].argument;
		const char *value = og_fields_get(batch->arguments, name);

		if (value == NULL)
			continue;
		og_fields_add(&sent, name, value);
		type = sent.count == 1 ? amendable[i].type : "ALL";
	}
	if (type == NULL || parameters[0].name == NULL)
		return false;
	if (sent.count == 1)
		sent.items[0].name = "value";
	og_fields_add(&sent, "type", type);
	og_fields_add(&sent, "symbol", og_fields_get(batch->arguments, "symbol"));
	return og_add_parameters(request, &amended, parameters);
}

/* ---------- answers ---------- */

void
og_btse_read_error(OgReading *reading, OgSlice answer)
{
	reading->code = og_first_member(answer,
									OG_NAMES("errorCode", "code", "status"));
	reading->message = og_first_member(answer, OG_NAMES("message", "msg"));
	reading->note = BTSE_NO_LIST;
	/* Key, nonce and signature are all refused like this. */
	reading->clock_suspected = og_says(reading->code, BTSE_UNAUTHORIZED);
	reading->too_frequent = og_says(reading->code, BTSE_TOO_FREQUENT);
}

/* An object in which nothing speaks of an error: what was sent, for instance. */
static bool
is_blank_object(OgSlice object)
{
	OgSlice		code = og_first_member(object, OG_NAMES("code", "status"));

	if (og_has_any(object, OG_NAMES("errorCode", "error")) ||
		og_json_kind(og_json_member(object, "success")) == OG_JSON_FALSE)
		return false;
	if (code.data == NULL)
		return !og_has_any(object, OG_NAMES("message", "msg"));
	return og_says(code, "20") || og_says(code, "200");
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

	for (size_t i = 0; i < lengthof(names); i++)
	{
		OgSlice		value = og_json_member(object, names[i]);

		if (og_json_kind(value) > OG_JSON_NULL &&
			!og_names(value, batch->keys[0]))
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

/* It repeats what was asked for. */
void
og_btse_read_renew(OgReading *reading, OgSlice answer, const OgBatch *batch)
{
	OgJsonKind	wanted = og_batch_says(batch, "auto_renew", "true")
		? OG_JSON_TRUE : OG_JSON_FALSE;
	OgResult	result = {.verdict = OG_UNKNOWN, .element = answer};

	if (og_json_kind(og_json_member(answer, "autoRenew")) == wanted)
		result.verdict = OG_ACCEPTED;
	if (reading->find(reading, og_json_member(answer, "orderId")) == 0)
		reading->take(reading, 0, &result);
	else
		og_btse_read_error(reading, answer);
	reading->note = "does not confirm what was asked for";
}
