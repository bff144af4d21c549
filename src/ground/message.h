/*-------------------------------------------------------------------------
 *
 * message.h
 *		Plain structs of HTTP messages, and their encodings.
 *
 * A request is held in parts (path, query, headers, body) for as long as
 * possible and only becomes text at two places: when it is sent, and when a
 * preview shows it.  A field may be marked as a secret; the rendering for
 * people replaces the value of such a field by "***".
 *
 * Nothing here knows a provider, opens a socket or reads a clock.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OG_MESSAGE_H
#define OG_MESSAGE_H

#include "lib/stringinfo.h"

/* What stands for a secret wherever people can read. */
#define OG_MASK "***"

/*
 * A piece of somebody else's bytes: not NUL-terminated, not owned.  Data is
 * NULL where there is nothing at all, which is not the same as empty.
 */
typedef struct OgSlice
{
	const char *data;
	size_t		len;
} OgSlice;

typedef enum OgMethod
{
	OG_GET,
	OG_POST,
	OG_PUT,
	OG_DELETE
} OgMethod;

/* One header, query parameter or argument; texts are NUL-terminated. */
typedef struct OgField
{
	const char *name;
	const char *value;
	bool		secret;			/* shown to people as OG_MASK */
} OgField;

/* A small list of fields, in the order in which they were added. */
typedef struct OgFields
{
	OgField    *items;
	int			count;
	int			capacity;
} OgFields;

/*
 * One HTTP request in parts.  "path" is what follows the base URL, with its
 * leading slash, or empty.  Query values are raw: percent-encoding happens
 * when the URL is written.  "body" holds the bytes as they will be sent;
 * a request without one has length 0.
 */
typedef struct OgRequest
{
	OgMethod	method;
	const char *path;
	OgFields	query;
	OgFields	headers;
	StringInfoData body;
} OgRequest;

static inline OgSlice
og_slice(const char *data, size_t len)
{
	OgSlice		slice = {data, len};

	return slice;
}

/* A slice of NUL-terminated text; of nothing if text is NULL. */
static inline OgSlice
og_slice_of(const char *text)
{
	return og_slice(text, text == NULL ? 0 : strlen(text));
}

/* NULL is only the same as NULL. */
static inline bool
og_same_text(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

/* A palloc'd copy; of nothing, nothing. */
static inline char *
og_copy_text(const char *text)
{
	return text != NULL ? pstrdup(text) : NULL;
}

/* In any case of ASCII letters. */
static inline bool
og_slice_is_word(OgSlice text, const char *word)
{
	return text.len == strlen(word) &&
		pg_strncasecmp(text.data, word, text.len) == 0;
}

extern bool og_slice_equal(OgSlice a, OgSlice b);
extern int	og_slice_compare(OgSlice a, OgSlice b);

/* A palloc'd copy; of nothing, nothing. */
extern OgSlice og_slice_copy(OgSlice slice);

extern const char *og_method_name(OgMethod method);

/* "HTTP 404 Not Found", palloc'd. */
extern char *og_status_words(int status);

/* Add to, read from (NULL if absent) and sort by name (bytewise) a list. */
extern void og_fields_add(OgFields *fields, const char *name,
						  const char *value);
extern void og_fields_add_secret(OgFields *fields, const char *name,
								 const char *value);
extern const char *og_fields_get(const OgFields *fields, const char *name);
extern void og_fields_sort(OgFields *fields);

/* Give the field of that name another value, or add it. */
extern void og_fields_set(OgFields *fields, const char *name,
						  const char *value);

/* An empty request: no path, no fields, an allocated empty body. */
extern void og_request_init(OgRequest *request, OgMethod method,
							const char *path);

/*
 * Append text with everything but RFC 3986's unreserved characters
 * (A-Z a-z 0-9 - . _ ~) percent-encoded, in upper-case hex.
 */
extern void og_append_percent_encoded(StringInfo out, const char *text);

/*
 * Append fields as "name=value&name=value", both sides percent-encoded: a
 * query string or an application/x-www-form-urlencoded body.  With "masked",
 * values of secret fields are replaced by OG_MASK.
 */
extern void og_append_form(StringInfo out, const OgFields *fields,
						   bool masked);

/* Append base_url, path and query of a request. */
extern void og_append_url(StringInfo out, const char *base_url,
						  const OgRequest *request, bool masked);

/*
 * Length in bytes of the longest prefix of valid UTF-8 text that has at most
 * max_chars characters.
 */
extern size_t og_utf8_clip(const char *text, size_t len, int max_chars);

#endif							/* OG_MESSAGE_H */
