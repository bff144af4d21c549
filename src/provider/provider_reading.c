/*-------------------------------------------------------------------------
 *
 * provider_reading.c
 *		What an answer says, value by value, and the verdict on an order.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "provider/provider_reading.h"

/* Characters of a message that are looked through for words. */
#define LONGEST_MENTION	1000

/* Values of order_outcome; OG_TOO_FREQUENT is shown as what it ends as. */
const char *
og_verdict_name(OgVerdict verdict)
{
	static const char *const names[] = {
		[OG_CANCELLED] = "cancelled",
		[OG_ACCEPTED] = "accepted",
		[OG_NOT_FOUND] = "not_found",
		[OG_NOT_CANCELLABLE] = "not_cancellable",
		[OG_REJECTED] = "rejected",
		[OG_NOT_SENT] = "not_sent",
		[OG_UNKNOWN] = "unknown",
		[OG_TOO_FREQUENT] = "rejected"
	};

	return names[verdict];
}

const char *
og_order_state_name(OgOrderState state)
{
	static const char *const names[] = {
		[OG_ORDER_OPEN] = "open",
		[OG_ORDER_PARTLY_FILLED] = "partly_filled",
		[OG_ORDER_FILLED] = "filled",
		[OG_ORDER_CANCELLED] = "cancelled",
		[OG_ORDER_GONE] = "gone",
		[OG_ORDER_UNKNOWN] = "unknown"
	};

	return names[state];
}

/* ---------- what a value says ---------- */

bool
og_says(OgSlice value, const char *text)
{
	return og_names(value, og_slice_of(text));
}

bool
og_is_id(OgSlice value)
{
	OgJsonKind	kind = og_json_kind(value);

	return kind == OG_JSON_NUMBER ||
		(kind == OG_JSON_STRING && value.len > strlen("\"\""));
}

bool
og_names(OgSlice value, OgSlice key)
{
	OgJsonKind	kind = og_json_kind(value);

	return (kind == OG_JSON_STRING || kind == OG_JSON_NUMBER) &&
		og_json_compare(value, key) == 0;
}

bool
og_says_in_any_case(OgSlice value, OgSlice text)
{
	OgSlice		plain;
	char	   *said;
	bool		same;

	if (og_json_kind(value) != OG_JSON_STRING)
		return false;
	if (og_json_plain(value, &plain))
		return plain.len == text.len &&
			pg_strncasecmp(plain.data, text.data, text.len) == 0;
	said = og_json_text(value, (int) text.len + 1);
	same = strlen(said) == text.len &&
		pg_strncasecmp(said, text.data, text.len) == 0;
	pfree(said);
	return same;
}

const OgMeaning *
og_meaning(const OgMeaning *meanings, OgSlice value)
{
	while (meanings->text != NULL && !og_says(value, meanings->text))
		meanings++;
	return meanings;
}

bool
og_mentions(OgSlice value, const char *const *words)
{
	char	   *text;
	bool		found = false;

	if (og_json_kind(value) != OG_JSON_STRING)
		return false;
	text = og_json_text(value, LONGEST_MENTION);
	for (; *words != NULL && !found; words++)
	{
		for (const char *c = text; *c != '\0' && !found; c++)
			found = pg_strncasecmp(c, *words, strlen(*words)) == 0;
	}
	pfree(text);
	return found;
}

/* Its sign, and any digit but zero before an exponent, decide. */
bool
og_is_positive(OgSlice value)
{
	OgJsonKind	kind = og_json_kind(value);

	if (kind != OG_JSON_NUMBER && kind != OG_JSON_STRING)
		return false;
	for (size_t i = kind == OG_JSON_STRING ? 1 : 0; i < value.len; i++)
	{
		char		c = value.data[i];

		if (c >= '1' && c <= '9')
			return true;
		if (c != '0' && c != '.')
			return false;
	}
	return false;
}

OgSlice
og_first_member(OgSlice object, const char *const *names)
{
	OgSlice		values[OG_MAX_NAMES];
	int			count = 0;

	while (names[count] != NULL)
		count++;
	Assert(count <= OG_MAX_NAMES);
	og_json_pick(object, names, values, count);
	for (int i = 0; i < count; i++)
	{
		if (og_json_kind(values[i]) > OG_JSON_NULL)
			return values[i];
	}
	return og_slice(NULL, 0);
}

bool
og_has_any(OgSlice object, const char *const *names)
{
	return og_first_member(object, names).data != NULL;
}

int
og_take_by_id(OgReading *reading, OgSlice id, const OgResult *result)
{
	OgJsonKind	kind = og_json_kind(id);
	int			key;

	if (kind != OG_JSON_STRING && kind != OG_JSON_NUMBER)
		return -1;
	key = reading->find(reading, id);
	reading->take(reading, key, result);
	return key;
}

OgOrderState
og_order_state(const OgMeaning *states, OgSlice status, OgSlice filled)
{
	OgOrderState state = og_meaning(states, status)->meaning;

	return state == OG_ORDER_OPEN && og_is_positive(filled)
		? OG_ORDER_PARTLY_FILLED : state;
}
