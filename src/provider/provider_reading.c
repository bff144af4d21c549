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
	switch (verdict)
	{
		case OG_CANCELLED:
			return "cancelled";
		case OG_ACCEPTED:
			return "accepted";
		case OG_NOT_FOUND:
			return "not_found";
		case OG_NOT_CANCELLABLE:
			return "not_cancellable";
		case OG_REJECTED:
		case OG_TOO_FREQUENT:
			return "rejected";
		case OG_NOT_SENT:
			return "not_sent";
		case OG_UNKNOWN:
			break;
	}
	return "unknown";
}

bool
og_says(OgSlice value, const char *text)
{
	OgJsonKind	kind = og_json_kind(value);

	return (kind == OG_JSON_STRING || kind == OG_JSON_NUMBER) &&
		og_json_equals(value, text);
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

OgVerdict
og_meaning(const OgMeaning *meanings, OgSlice value)
{
	while (meanings->text != NULL && !og_says(value, meanings->text))
		meanings++;
	return meanings->verdict;
}

bool
og_mentions(OgSlice value, const char *const *words, int count)
{
	char	   *text;
	bool		found = false;

	if (og_json_kind(value) != OG_JSON_STRING)
		return false;
	text = og_json_text(value, LONGEST_MENTION);
	for (int i = 0; i < count && !found; i++)
	{
		size_t		len = strlen(words[i]);

		for (const char *c = text; *c != '\0' && !found; c++)
			found = pg_strncasecmp(c, words[i], len) == 0;
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
og_first_given(const OgSlice *values, int count)
{
	for (int i = 0; i < count; i++)
	{
		if (og_json_kind(values[i]) > OG_JSON_NULL)
			return values[i];
	}
	return og_slice(NULL, 0);
}

void
og_take_by_id(OgReading *reading, OgSlice id, const OgResult *result)
{
	OgJsonKind	kind = og_json_kind(id);

	if (kind == OG_JSON_STRING || kind == OG_JSON_NUMBER)
		reading->take(reading, reading->find(reading, id), result);
}
