/*-------------------------------------------------------------------------
 *
 * json_text.c
 *		What values of proven answers say, and building JSON.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"

#include "ground/json.h"
#include "ground/json_internal.h"

/*
 * Compare what stands between the quotes of a string with text.
 */
static int
compare_string(OgSlice string, OgSlice text)
{
	const char *at = string.data + 1;
	const char *end = string.data + string.len - 1;
	const char *other = text.data;
	const char *other_end = other + text.len;

	while (at < end && other < other_end)
	{
		char		bytes[MAX_MULTIBYTE_CHAR_LEN];
		int			len;
		int			order;

		if (*at != '\\')
		{
			if (*at != *other)
				return (unsigned char) *at - (unsigned char) *other;
			at++;
			other++;
			continue;
		}

		len = og_json_unescape(at, bytes, &at);
		order = memcmp(bytes, other, Min(len, other_end - other));
		if (order != 0)
			return order;
		if (len > other_end - other)
			return 1;
		other += len;
	}
	return (at < end) - (other < other_end);
}

/*
 * Nothing comes before any text, the empty one included.
 */
int
og_json_compare(OgSlice scalar, OgSlice text)
{
	if (og_json_kind(scalar) == OG_JSON_STRING && text.data != NULL)
		return compare_string(scalar, text);
	return og_slice_compare(scalar, text);
}

bool
og_json_equals(OgSlice scalar, const char *text)
{
	return og_json_compare(scalar, og_slice_of(text)) == 0;
}

/*
 * Decode up to max_chars characters of a string.  Answers their bytes.
 */
static size_t
decode_string(OgSlice string, char *out, int max_chars)
{
	const char *at = string.data + 1;
	const char *end = string.data + string.len - 1;
	size_t		len = 0;

	for (int chars = 0; at < end && chars < max_chars; chars++)
	{
		if (chars % OG_JSON_PAUSE == 0)
			CHECK_FOR_INTERRUPTS();

		if (*at == '\\')
			len += og_json_unescape(at, out + len, &at);
		else
		{
			int			char_len = pg_utf_mblen((const unsigned char *) at);

			memcpy(out + len, at, char_len);
			at += char_len;
			len += char_len;
		}
	}
	return len;
}

bool
og_json_plain(OgSlice value, OgSlice *text)
{
	OgJsonKind	kind = og_json_kind(value);

	*text = value;
	if (kind == OG_JSON_STRING)
		*text = og_slice(value.data + 1, value.len - 2);
	else if (kind != OG_JSON_NUMBER)
		return false;
	return memchr(text->data, '\\', text->len) == NULL;
}

char *
og_json_text(OgSlice value, int max_chars)
{
	OgJsonKind	kind = og_json_kind(value);
	size_t		len = value.len;
	char	   *text;

	if (kind == OG_JSON_NOTHING || kind == OG_JSON_NULL)
		return NULL;

	if (kind == OG_JSON_STRING)
	{
		/* Decoded text is never longer than its spelling. */
		size_t		max_len = Max(max_chars, 0) * (size_t) MAX_MULTIBYTE_CHAR_LEN;

		text = palloc(Min(len, max_len) + 1);
		if (len - 2 <= (size_t) Max(max_chars, 0) &&
			memchr(value.data + 1, '\\', len - 2) == NULL)
		{
			/* It says what it spells, and need not be cut. */
			len -= 2;
			memcpy(text, value.data + 1, len);
		}
		else
			len = decode_string(value, text, max_chars);
	}
	else
	{
		len = og_utf8_clip(value.data, len, max_chars);
		text = palloc(len + 1);
		memcpy(text, value.data, len);
	}
	text[len] = '\0';
	return text;
}

/*
 * What cJSON hands out is malloc'd and would be lost if we longjmped, so it
 * is copied by the one way of allocating that does not, and freed before
 * "out", which may raise an error, is touched.
 */
bool
og_json_append(StringInfo out, cJSON *tree)
{
	char	   *printed = cJSON_PrintUnformatted(tree);
	char	   *text = NULL;

	cJSON_Delete(tree);
	if (printed != NULL)
	{
		size_t		size = strlen(printed) + 1;

		text = palloc_extended(size, MCXT_ALLOC_HUGE | MCXT_ALLOC_NO_OOM);
		if (text != NULL)
			memcpy(text, printed, size);
		cJSON_free(printed);
	}
	if (text == NULL)
		return false;

	appendStringInfoString(out, text);
	pfree(text);
	return true;
}
