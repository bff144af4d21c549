/*-------------------------------------------------------------------------
 *
 * provider_btse_read.c
 *		What BTSE's reads have in common: a list or an error.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "provider/btse/provider_btse.h"

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
