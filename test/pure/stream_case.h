/*-------------------------------------------------------------------------
 *
 * stream_case.h
 *		What the test programs of BTSE's streams share.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OG_STREAM_CASE_H
#define OG_STREAM_CASE_H

#include "lib/stringinfo.h"

#include "provider/btse/btse_stream.h"

/* In a server a context frees what these rooms allocate; here nobody does. */
extern const char *__asan_default_options(void);

const char *
__asan_default_options(void)
{
	return "detect_leaks=0";
}

/* A copy that ends where its memory does, and stays. */
static inline OgSlice
exactly(const char *text)
{
	size_t		len = strlen(text);
	char	   *copy = malloc(Max(len, 1));

	memcpy(copy, text, len);
	return og_slice(copy, len);
}

static inline void
show_json(StringInfo out, OgSlice value)
{
	if (value.data == NULL)
		appendStringInfoString(out, "-");
	else
		appendBinaryStringInfo(out, value.data, (int) value.len);
}

static inline void
show_side(StringInfo out, const OgStreamSide *side)
{
	for (int i = 0; i < side->count; i++)
	{
		char		price[OG_DECIMAL_TEXT];
		char		size[OG_DECIMAL_TEXT];

		og_decimal_write(&side->levels[i].price, price);
		og_decimal_write(&side->levels[i].size, size);
		appendStringInfo(out, " %sx%s", price, size);
	}
}

static inline void
show_record(StringInfo out, const OgColumn *columns, const OgSlice *values)
{
	for (int i = 0; columns[i].name != NULL; i++)
	{
		if (values[i].data == NULL)
			continue;
		appendStringInfo(out, " %s=", columns[i].name);
		show_json(out, values[i]);
	}
}

static inline void
show_data(StringInfo out, const OgStreamMessage *message)
{
	static const char *const kinds[] = {
		"l1", "book", "trades", "fills", "notifications"
	};

	appendStringInfoString(out, kinds[message->kind]);
	if (message->symbol != NULL)
		appendStringInfo(out, " %s", message->symbol);
	if (message->grouping >= 0)
		appendStringInfo(out, " grouping %d", message->grouping);
	if (message->what != OG_STREAM_DATA)
		return;
	if (message->kind == OG_STREAM_BOOK)
		appendStringInfo(out, " %s %lld after %lld",
						 message->book.is_delta ? "delta" : "snapshot",
						 (long long) message->book.seq,
						 (long long) message->book.prev_seq);
	if (message->kind <= OG_STREAM_BOOK)
	{
		appendStringInfo(out, " at %lld bids", (long long) message->event_ms);
		show_side(out, &message->book.bids);
		appendStringInfoString(out, " asks");
		show_side(out, &message->book.asks);
	}
	for (int i = 0; i < message->nrecords; i++)
	{
		appendStringInfoString(out, i > 0 ? " ;" : "");
		show_record(out, message->columns, message->records[i].values);
	}
}

/* What a message says, in one line. */
static inline char *
show(const OgStreamMessage *message)
{
	static const char *const whats[] = {
		"?", "pong", "subscribed", "unsubscribed", "login", "error", ""
	};
	StringInfoData out;

	initStringInfo(&out);
	appendStringInfoString(&out, whats[message->what]);
	for (int i = 0; i < message->nchannels; i++)
	{
		appendStringInfoChar(&out, ' ');
		show_json(&out, message->channels[i]);
	}
	if (message->what == OG_STREAM_LOGIN)
	{
		appendStringInfo(&out, " %s ", message->success ? "yes" : "no");
		show_json(&out, message->message);
	}
	for (int i = 0; i < message->nerrors; i++)
	{
		const OgStreamError *error = &message->errors[i];

		appendStringInfo(&out, "%s ", i > 0 ? ";" : "");
		show_json(&out, error->arg);
		appendStringInfoChar(&out, ' ');
		show_json(&out, error->code);
		appendStringInfoChar(&out, ' ');
		show_json(&out, error->message);
		if (error->known != OG_STREAM_CODE_OTHER)
			appendStringInfo(&out, " (%s)",
							 og_btse_stream_code_words(error->known));
	}
	if (message->is_data)
	{
		if (out.len > 0)
			appendStringInfoChar(&out, ' ');
		show_data(&out, message);
	}
	if (message->problem != NULL)
		appendStringInfo(&out, " %s", message->problem);
	return out.data;
}

#endif							/* OG_STREAM_CASE_H */
