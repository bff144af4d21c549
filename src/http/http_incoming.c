/*-------------------------------------------------------------------------
 *
 * http_incoming.c
 *		Callbacks that take an answer in.
 *
 * All of an answer is hostile.  What cannot be part of an answer we could
 * trust ends the transfer at once: answering libcurl that fewer bytes were
 * taken than it gave does that.  The callbacks allocate with malloc and raise
 * no errors.
 *
 * libcurl hands over header lines one by one, those of interim (1xx) answers
 * first and those of a chunked body's trailer last.  Only what stands between
 * the final status line and the empty line after it counts.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/timestamp.h"

#include "http/http_internal.h"

/* Of status lines, headers and trailers together; real ones stay below 8 kB. */
#define MAX_HEAD_BYTES (64 * 1024)

/* First allocation for a body of unknown length. */
#define FIRST_BODY_BYTES ((size_t) 4096)

/* Longest Content-Length we read: 10^18 - 1 fits an int64. */
#define MAX_LENGTH_DIGITS 18

/* Without white space around it. */
static OgSlice
trimmed(OgSlice text)
{
	while (text.len > 0 && strchr(" \t\r\n", text.data[0]) != NULL)
	{
		text.data++;
		text.len--;
	}
	while (text.len > 0 && strchr(" \t\r\n", text.data[text.len - 1]) != NULL)
		text.len--;
	return text;
}

/* Stop reading, for a reason.  Answers what the callbacks answer. */
static size_t
refuse(OgIncoming *answer, const char *reason)
{
	if (answer->refused == NULL)
		answer->refused = reason;
	return 0;
}

/* Keep the first of a header.  False without memory. */
static bool
keep_first(char **kept, OgSlice value)
{
	if (*kept == NULL)
		*kept = strndup(value.data, value.len);
	return *kept != NULL;
}

/* Keep all of a header, several as the list that they make together. */
static bool
keep_all(char **kept, OgSlice value)
{
	char	   *list;

	if (*kept == NULL)
		return keep_first(kept, value);
	if (asprintf(&list, "%s, %.*s", *kept, (int) value.len, value.data) < 0)
		return false;
	free(*kept);
	*kept = list;
	return true;
}

void
og_incoming_free_body(OgIncoming *answer)
{
	free(answer->body);
	answer->body = NULL;
	answer->len = answer->capacity = 0;
}

void
og_incoming_free(OgIncoming *answer)
{
	free(answer->location);
	free(answer->retry_after);
	free(answer->date);
	og_incoming_free_body(answer);
}

/* A new head begins: "HTTP/1.1 200 ...", which libcurl has checked. */
static bool
read_status_line(OgIncoming *answer, OgSlice line)
{
	const char *c = memchr(line.data, ' ', line.len);
	const char *end = line.data + line.len;
	int			status = 0;
	int			digits = 0;

	if (c == NULL)
		return false;
	for (c++; c < end && *c >= '0' && *c <= '9' && digits < 4; c++, digits++)
		status = status * 10 + (*c - '0');
	if (digits != 3 || status < 100 || status > 599)
		return false;
	if (status < 200)
		return status != 101;	/* we asked for no other protocol */

	answer->status = status;
	answer->at = GetCurrentTimestamp();
	return true;
}

/* Content-Length: decimal digits; twice only if both say the same. */
static bool
read_length(OgIncoming *answer, OgSlice value)
{
	int64		length = 0;

	if (value.len == 0 || value.len > MAX_LENGTH_DIGITS)
		return false;
	for (size_t i = 0; i < value.len; i++)
	{
		if (value.data[i] < '0' || value.data[i] > '9')
			return false;
		length = length * 10 + (value.data[i] - '0');
	}
	if (answer->content_length >= 0 && answer->content_length != length)
		return false;
	answer->content_length = length;
	return true;
}

/* Too large gets its words elsewhere, with the number. */
static const char *
too_large(OgIncoming *answer)
{
	answer->too_large = true;
	return "the answer is too large";
}

/* One header of the final head.  NULL, or why the answer is refused. */
static const char *
read_header(OgIncoming *answer, OgSlice name, OgSlice value)
{
	bool		stored = true;

	if (og_slice_is_word(name, "content-length"))
	{
		if (!read_length(answer, value))
			return "the length of the answer is malformed";
	}
	else if (og_slice_is_word(name, "transfer-encoding"))
	{
		if (answer->chunked || !og_slice_is_word(value, "chunked"))
			return "the answer has a transfer encoding other than chunked";
		answer->chunked = true;
	}
	else if (og_slice_is_word(name, "content-encoding"))
	{
		if (value.len > 0 && !og_slice_is_word(value, "identity"))
			return "the answer is compressed";
	}
	else if (og_slice_is_word(name, "location"))
		stored = keep_first(&answer->location, value);
	else if (og_slice_is_word(name, "retry-after"))
		stored = keep_all(&answer->retry_after, value);
	else if (og_slice_is_word(name, "date"))
		stored = keep_first(&answer->date, value);

	return stored ? NULL : "out of memory";
}

/* Statuses whose answers end with the head. */
bool
og_incoming_has_no_body(const OgIncoming *answer)
{
	return answer->status == 204 || answer->status == 304;
}

/* The head is whole.  NULL, or why the answer is refused. */
static const char *
end_head(OgIncoming *answer)
{
	if (answer->status == 0)
		return NULL;			/* an interim answer */
	answer->head_done = true;

	/* What a proxy takes for the end may not be what we take for it. */
	if (answer->chunked && answer->content_length >= 0)
		return "the answer has a length and is chunked as well";
	if (!og_incoming_has_no_body(answer) && answer->content_length >= 0 &&
		(uint64) answer->content_length > answer->limit)
		return too_large(answer);
	return NULL;
}

/*
 * One "Name: value" line.  NULL, or why the answer is refused.
 *
 * A continued line (an obsolete form) would change the header before it, and a
 * space before the colon is read in two ways; both are refused.  An interim
 * answer has no body, so what would describe one makes it malformed.
 */
static const char *
read_line(OgIncoming *answer, OgSlice line)
{
	const char *colon = memchr(line.data, ':', line.len);
	OgSlice		name;
	OgSlice		value;

	name = og_slice(line.data, colon ? colon - line.data : 0);
	for (size_t i = 0; i < name.len; i++)
	{
		if ((unsigned char) name.data[i] <= ' ')
			name.len = 0;
	}
	if (name.len == 0)
		return "a header of the answer is malformed";
	value = og_slice(colon + 1, line.len - name.len - 1);

	if (answer->status != 0)
		return read_header(answer, name, trimmed(value));
	if (og_slice_is_word(name, "content-length") ||
		og_slice_is_word(name, "transfer-encoding"))
		return "an interim answer is malformed";
	return NULL;
}

/* libcurl's CURLOPT_HEADERFUNCTION: one line, with its line end. */
size_t
og_incoming_header(char *data, size_t size, size_t count, void *transfer)
{
	OgIncoming *answer = &((OgTransfer *) transfer)->answer;
	OgSlice		line = {data, size * count};
	const char *reason = NULL;

	answer->head_bytes += line.len;
	if (answer->head_bytes > MAX_HEAD_BYTES)
		return refuse(answer, "the headers of the answer are too large");
	if (answer->head_done)
		return line.len;		/* a trailer */

	if (memchr(line.data, '\0', line.len) != NULL)
		reason = "a header of the answer is malformed";
	else if (trimmed(line).len == 0)
		reason = end_head(answer);
	else if (line.len >= 5 && pg_strncasecmp(line.data, "http/", 5) == 0)
	{
		if (answer->status != 0 || !read_status_line(answer, trimmed(line)))
			reason = "the status of the answer is malformed";
	}
	else
		reason = read_line(answer, line);
	return reason == NULL ? line.len : refuse(answer, reason);
}

/* Room for this many more bytes of body, which the limit allows. */
static bool
make_room(OgIncoming *answer, size_t more)
{
	size_t		needed = answer->len + more;
	size_t		capacity = Max(answer->content_length, 0);
	char	   *bigger;

	if (answer->body != NULL && needed <= answer->capacity)
		return true;
	if (capacity < needed)
		capacity = Min(Max(2 * needed, FIRST_BODY_BYTES), answer->limit);
	bigger = realloc(answer->body, capacity + 1);
	if (bigger == NULL)
		return false;
	answer->body = bigger;
	answer->capacity = capacity;
	return true;
}

/* libcurl's CURLOPT_WRITEFUNCTION: a piece of the body. */
size_t
og_incoming_body(char *data, size_t size, size_t count, void *transfer)
{
	OgIncoming *answer = &((OgTransfer *) transfer)->answer;
	size_t		len = size * count;

	/* A size of 0 would not be told from a refusal. */
	if (len == 0)
		return 0;
	if (len > answer->limit - answer->len)
		return refuse(answer, too_large(answer));
	if (!make_room(answer, len))
		return refuse(answer, "out of memory");

	memcpy(answer->body + answer->len, data, len);
	answer->len += len;
	answer->body[answer->len] = '\0';
	return len;
}
