/*-------------------------------------------------------------------------
 *
 * btse_stream.c
 *		BTSE's streams: topics, and what to send.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "ground/crypto.h"
#include "provider/btse/btse_stream_internal.h"
#include "provider/btse/provider_btse.h"

/* What is signed to log in, with the nonce behind it, whatever the URL is. */
#define LOGIN_PATH	"/ws/spot"

/* What a topic is called. */
static const struct
{
	const char *name;
	bool		of_market;		/* a colon and the symbol follow */
	bool		at_books;
}			topics[] = {
	[OG_STREAM_L1] = {"snapshotL1", true, true},
	[OG_STREAM_BOOK] = {"update", true, true},
	[OG_STREAM_TRADES] = {"tradeHistoryApi", true, false},
	[OG_STREAM_FILLS] = {"fills", false, false},
	[OG_STREAM_NOTIFICATIONS] = {"notificationApiV3", false, false}
};

StaticAssertDecl(lengthof(topics) == OG_STREAM_KINDS, "each kind has a topic");

bool
og_btse_stream_is_at_books(OgStreamKind kind)
{
	return topics[kind].at_books;
}

char *
og_btse_stream_topic(OgStreamKind kind, const char *symbol, int grouping)
{
	const char *name = topics[kind].name;

	if (!topics[kind].of_market)
		return pstrdup(name);
	if (kind == OG_STREAM_BOOK)
		return psprintf("%s:%s_%d", name, symbol, grouping);
	return psprintf("%s:%s", name, symbol);
}

bool
og_btse_stream_kind(OgSlice topic, OgStreamKind *kind, OgSlice *rest)
{
	for (int i = 0; i < OG_STREAM_KINDS; i++)
	{
		size_t		len = strlen(topics[i].name);

		if (topic.len < len || memcmp(topic.data, topics[i].name, len) != 0)
			continue;
		*kind = i;
		*rest = og_slice(topic.data + len, topic.len - len);
		if (!topics[i].of_market)
			return rest->len == 0;
		if (rest->len == 0 || *rest->data != ':')
			return false;
		*rest = og_slice(rest->data + 1, rest->len - 1);
		return true;
	}
	return false;
}

/* ---------- what to send ---------- */

/* Append text, which is UTF-8, as a JSON string. */
static void
append_string(StringInfo out, const char *text)
{
	appendStringInfoChar(out, '"');
	for (; *text != '\0'; text++)
	{
		if (*text == '"' || *text == '\\')
			appendStringInfoChar(out, '\\');
		if ((unsigned char) *text < ' ')
			appendStringInfo(out, "\\u%04x", *text);
		else
			appendStringInfoChar(out, *text);
	}
	appendStringInfoChar(out, '"');
}

/* Write an operation with its arguments. */
static char *
write_operation(const char *op, const char *const *arguments, int count)
{
	StringInfoData out;

	initStringInfo(&out);
	appendStringInfo(&out, "{\"op\":\"%s\",\"args\":[", op);
	for (int i = 0; i < count; i++)
	{
		if (i > 0)
			appendStringInfoChar(&out, ',');
		append_string(&out, arguments[i]);
	}
	appendStringInfoString(&out, "]}");
	return out.data;
}

char *
og_btse_stream_subscribe(const char *const *names, int count, bool on)
{
	return write_operation(on ? "subscribe" : "unsubscribe", names, count);
}

char *
og_btse_stream_login(const OgSigner *signer)
{
	const char *secret = signer->credentials[BTSE_SECRET_KEY];
	char	   *nonce = psprintf(INT64_FORMAT, signer->time_ms);
	char	   *text = psprintf("%s%s", LOGIN_PATH, nonce);
	char	   *signature = og_hmac_hex(OG_SHA384, og_slice_of(secret),
										og_slice_of(text));
	char	   *login = NULL;

	if (signature != NULL)
	{
		const char *arguments[] = {
			signer->credentials[BTSE_API_KEY], nonce, signature
		};

		login = write_operation("authKeyExpires", arguments,
								lengthof(arguments));
	}
	og_wipe_text(signature);
	pfree(text);
	pfree(nonce);
	return login;
}
