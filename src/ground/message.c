/*-------------------------------------------------------------------------
 *
 * message.c
 *		Plain structs of HTTP messages, and their encodings.
 *
 * Lists of fields keep the pointers they are given: whoever adds a field
 * keeps its texts alive for as long as the list, and a secret is thereby
 * stored in one place only, which its owner can wipe.  A list starts out
 * zeroed and grows in the memory context that is current then.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "ground/message.h"

/* Most requests have fewer fields than this. */
#define FIELDS_AT_FIRST		8

static void
add_field(OgFields *fields, const char *name, const char *value, bool secret)
{
	OgField    *field;

	if (fields->count == fields->capacity)
	{
		int			capacity = Max(fields->capacity * 2, FIELDS_AT_FIRST);

		if (fields->items == NULL)
			fields->items = palloc(capacity * sizeof(OgField));
		else
			fields->items = repalloc(fields->items,
									 capacity * sizeof(OgField));
		fields->capacity = capacity;
	}
	field = &fields->items[fields->count++];
	field->name = name;
	field->value = value;
	field->secret = secret;
}

/*
 * Nothing equals nothing else, not even empty text.
 */
bool
og_slice_equal(OgSlice a, OgSlice b)
{
	return og_slice_compare(a, b) == 0;
}

/*
 * Order by bytes, a prefix before what it begins, nothing before all else.
 */
int
og_slice_compare(OgSlice a, OgSlice b)
{
	int			order;

	if (a.data == NULL || b.data == NULL)
		return (a.data != NULL) - (b.data != NULL);

	order = memcmp(a.data, b.data, Min(a.len, b.len));
	if (order == 0)
		order = (a.len > b.len) - (a.len < b.len);
	return order;
}

OgSlice
og_slice_copy(OgSlice slice)
{
	char	   *copy;

	if (slice.data == NULL)
		return slice;
	copy = palloc(Max(slice.len, 1));
	memcpy(copy, slice.data, slice.len);
	return og_slice(copy, slice.len);
}

const char *
og_method_name(OgMethod method)
{
	static const char *const names[] = {
		[OG_GET] = "GET",
		[OG_POST] = "POST",
		[OG_PUT] = "PUT",
		[OG_DELETE] = "DELETE"
	};

	return names[method];
}

char *
og_status_words(int status)
{
	static const struct
	{
		int			status;
		const char *phrase;
	}			phrases[] = {
		{200, " OK"},
		{400, " Bad Request"},
		{401, " Unauthorized"},
		{403, " Forbidden"},
		{404, " Not Found"},
		{405, " Method Not Allowed"},
		{408, " Request Timeout"},
		{429, " Too Many Requests"},
		{500, " Internal Server Error"},
		{502, " Bad Gateway"},
		{503, " Service Unavailable"},
		{504, " Gateway Timeout"}
	};
	const char *phrase = "";

	for (size_t i = 0; i < lengthof(phrases); i++)
	{
		if (phrases[i].status == status)
			phrase = phrases[i].phrase;
	}
	return psprintf("HTTP %d%s", status, phrase);
}

void
og_fields_add(OgFields *fields, const char *name, const char *value)
{
	add_field(fields, name, value, false);
}

void
og_fields_add_secret(OgFields *fields, const char *name, const char *value)
{
	add_field(fields, name, value, true);
}

/* The first field of that name (names are case-sensitive), or NULL. */
static OgField *
find_field(const OgFields *fields, const char *name)
{
	for (int i = 0; i < fields->count; i++)
	{
		if (strcmp(fields->items[i].name, name) == 0)
			return &fields->items[i];
	}
	return NULL;
}

void
og_fields_set(OgFields *fields, const char *name, const char *value)
{
	OgField    *field = find_field(fields, name);

	if (field != NULL)
		field->value = value;
	else
		og_fields_add(fields, name, value);
}

const char *
og_fields_get(const OgFields *fields, const char *name)
{
	const OgField *field = find_field(fields, name);

	return field != NULL ? field->value : NULL;
}

/*
 * Sort by name, fields of one name staying in order.  Lists are short, so
 * insertion does.
 */
void
og_fields_sort(OgFields *fields)
{
	for (int i = 1; i < fields->count; i++)
	{
		OgField		field = fields->items[i];
		int			j = i;

		while (j > 0 && strcmp(fields->items[j - 1].name, field.name) > 0)
		{
			fields->items[j] = fields->items[j - 1];
			j--;
		}
		fields->items[j] = field;
	}
}

void
og_request_init(OgRequest *request, OgMethod method, const char *path)
{
	memset(request, 0, sizeof(OgRequest));
	request->method = method;
	request->path = path;
	initStringInfo(&request->body);
}

/* Every byte of most requests goes through here. */
static inline bool
is_unreserved(unsigned char c)
{
	static const bool unreserved[256] = {
		['0'] = true, ['1'] = true, ['2'] = true, ['3'] = true, ['4'] = true,
		['5'] = true, ['6'] = true, ['7'] = true, ['8'] = true, ['9'] = true,
#define LETTER(upper, lower)	[upper] = true, [lower] = true
		LETTER('A', 'a'), LETTER('B', 'b'), LETTER('C', 'c'), LETTER('D', 'd'),
		LETTER('E', 'e'), LETTER('F', 'f'), LETTER('G', 'g'), LETTER('H', 'h'),
		LETTER('I', 'i'), LETTER('J', 'j'), LETTER('K', 'k'), LETTER('L', 'l'),
		LETTER('M', 'm'), LETTER('N', 'n'), LETTER('O', 'o'), LETTER('P', 'p'),
		LETTER('Q', 'q'), LETTER('R', 'r'), LETTER('S', 's'), LETTER('T', 't'),
		LETTER('U', 'u'), LETTER('V', 'v'), LETTER('W', 'w'), LETTER('X', 'x'),
		LETTER('Y', 'y'), LETTER('Z', 'z'),
#undef LETTER
		['-'] = true, ['.'] = true, ['_'] = true, ['~'] = true
	};

	return unreserved[c];
}

void
og_append_percent_encoded(StringInfo out, const char *text)
{
	static const char hex[] = "0123456789ABCDEF";

	for (;;)
	{
		const char *run = text;

		while (is_unreserved(*text))
			text++;
		appendBinaryStringInfo(out, run, (int) (text - run));
		if (*text == '\0')
			break;
		appendStringInfoChar(out, '%');
		appendStringInfoChar(out, hex[(unsigned char) *text >> 4]);
		appendStringInfoChar(out, hex[(unsigned char) *text & 0x0F]);
		text++;
	}
}

void
og_append_form(StringInfo out, const OgFields *fields, bool masked)
{
	for (int i = 0; i < fields->count; i++)
	{
		const OgField *field = &fields->items[i];

		if (i > 0)
			appendStringInfoChar(out, '&');
		og_append_percent_encoded(out, field->name);
		appendStringInfoChar(out, '=');
		if (masked && field->secret)
			appendStringInfoString(out, OG_MASK);
		else
			og_append_percent_encoded(out, field->value);
	}
}

/*
 * A slash at the end of base_url gives way to the one that paths begin with.
 */
void
og_append_url(StringInfo out, const char *base_url, const OgRequest *request,
			  bool masked)
{
	size_t		len = strlen(base_url);

	if (request->path[0] == '/' && len > 0 && base_url[len - 1] == '/')
		len--;
	appendBinaryStringInfo(out, base_url, len);
	appendStringInfoString(out, request->path);
	if (request->query.count > 0)
	{
		appendStringInfoChar(out, '?');
		og_append_form(out, &request->query, masked);
	}
}

size_t
og_utf8_clip(const char *text, size_t len, int max_chars)
{
	int			chars = 0;

	for (size_t i = 0; i < len; i++)
	{
		bool		continues = ((unsigned char) text[i] & 0xC0) == 0x80;

		/* Every byte that does not continue a character begins one. */
		if (!continues && chars++ >= max_chars)
			return i;
	}
	return len;
}
