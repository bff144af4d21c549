/*-------------------------------------------------------------------------
 *
 * http_websocket_upgrade.c
 *		How a connection becomes a WebSocket (RFC 6455, 4): the request for it,
 *		and whether the answer grants it.
 *
 * An answer is taken to the letter: it has to switch at once (no 1xx before,
 * no redirect), to nothing but WebSocket, for the very key that we sent, and
 * without an extension or subprotocol, since we ask for none.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "ground/crypto.h"
#include "http/http_websocket_upgrade.h"

/* What stands after a key when it is hashed: a constant of the standard. */
#define KEY_SUFFIX "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

#define STATUS_LINE "HTTP/1.1 "

/* A name of a header may have these besides letters and digits. */
#define NAME_MARKS "!#$%&'*+-.^_`|~"

/* What headers say of the upgrade; how often each of them came. */
typedef struct Said
{
	int			upgrades;
	int			accepts;
	bool		to_websocket;
	bool		connection_upgraded;
	bool		accepted;
	bool		extension;
	bool		subprotocol;
} Said;

char *
og_upgrade_key(const char bytes[OG_UPGRADE_KEY_SIZE])
{
	return og_base64(og_slice(bytes, OG_UPGRADE_KEY_SIZE));
}

char *
og_upgrade_accept(const char *key)
{
	char	   *hashed = psprintf("%s%s", key, KEY_SUFFIX);
	char	   *accept = og_hash_base64(OG_SHA1, og_slice_of(hashed));

	pfree(hashed);
	return accept;
}

char *
og_upgrade_request(const char *host, const char *target, const char *key,
				   const char *user_agent)
{
	return psprintf("GET %s HTTP/1.1\r\n"
					"Host: %s\r\n"
					"Upgrade: websocket\r\n"
					"Connection: Upgrade\r\n"
					"Sec-WebSocket-Key: %s\r\n"
					"Sec-WebSocket-Version: 13\r\n"
					"User-Agent: %s\r\n"
					"\r\n", target, host, key, user_agent);
}

/* ---------- reading an answer ---------- */

/* Without blanks at its ends. */
static OgSlice
trim(OgSlice text)
{
	while (text.len > 0 && (*text.data == ' ' || *text.data == '\t'))
	{
		text.data++;
		text.len--;
	}
	while (text.len > 0 && (text.data[text.len - 1] == ' ' ||
							text.data[text.len - 1] == '\t'))
		text.len--;
	return text;
}

/* Is this one of the items of a list? */
static bool
has_item(OgSlice list, const char *item)
{
	while (list.len > 0)
	{
		const char *comma = memchr(list.data, ',', list.len);
		size_t		len = comma != NULL ? comma - list.data : list.len;

		if (og_slice_is_word(trim(og_slice(list.data, len)), item))
			return true;
		len += comma != NULL;
		list = og_slice(list.data + len, list.len - len);
	}
	return false;
}

static bool
is_name(OgSlice name)
{
	for (size_t i = 0; i < name.len; i++)
	{
		unsigned char c = (unsigned char) name.data[i];

		if (c == '\0' || c > '~' ||
			(!isalnum(c) && strchr(NAME_MARKS, c) == NULL))
			return false;
	}
	return name.len > 0;
}

/* No control characters: what else it has, we do not care for. */
static bool
is_value(OgSlice value)
{
	for (size_t i = 0; i < value.len; i++)
	{
		unsigned char c = (unsigned char) value.data[i];

		if ((c < ' ' && c != '\t') || c == 0x7f)
			return false;
	}
	return true;
}

/* Note what a header says; false if it is none. */
static bool
read_header(OgSlice line, const char *accept, Said *said)
{
	const char *colon = memchr(line.data, ':', line.len);
	OgSlice		name;
	OgSlice		value;

	if (colon == NULL)
		return false;
	name = og_slice(line.data, colon - line.data);
	value = trim(og_slice(colon + 1, line.len - name.len - 1));
	if (!is_name(name) || !is_value(value))
		return false;

	if (og_slice_is_word(name, "Upgrade"))
	{
		said->upgrades++;
		said->to_websocket = og_slice_is_word(value, "websocket");
	}
	else if (og_slice_is_word(name, "Connection"))
		said->connection_upgraded |= has_item(value, "upgrade");
	else if (og_slice_is_word(name, "Sec-WebSocket-Accept"))
	{
		said->accepts++;
		said->accepted = og_slice_equal(value, og_slice_of(accept));
	}
	else if (og_slice_is_word(name, "Sec-WebSocket-Extensions"))
		said->extension |= value.len > 0;
	else if (og_slice_is_word(name, "Sec-WebSocket-Protocol"))
		said->subprotocol |= value.len > 0;
	return true;
}

/* The status that a line of it tells; 0 if it is no such line. */
static int
read_status(OgSlice line)
{
	size_t		at = strlen(STATUS_LINE);
	int			status = 0;

	if (line.len < at + 3 || memcmp(line.data, STATUS_LINE, at) != 0 ||
		(line.len > at + 3 && line.data[at + 3] != ' ') || !is_value(line))
		return 0;
	for (int i = 0; i < 3; i++, at++)
	{
		if (line.data[at] < '0' || line.data[at] > '9')
			return 0;
		status = status * 10 + (line.data[at] - '0');
	}
	return status < 100 ? 0 : status;
}

/* The next line, and go on behind it; false if it is not whole. */
static bool
next_line(OgSlice *text, OgSlice *line)
{
	const char *end = text->len > 0 ? memmem(text->data, text->len, "\r\n", 2)
		: NULL;

	if (end == NULL)
		return false;
	*line = og_slice(text->data, end - text->data);
	*text = og_slice(end + 2, text->len - line->len - 2);
	return true;
}

/* What is wrong with an upgrade of which all headers were read, or NULL. */
static const char *
problem_of(const Said *said)
{
	if (said->upgrades != 1 || !said->to_websocket ||
		!said->connection_upgraded)
		return "an answer that does not switch to WebSocket";
	if (said->accepts != 1 || !said->accepted)
		return "an answer to another key than ours";
	if (said->extension)
		return "an extension that nobody asked for";
	if (said->subprotocol)
		return "a subprotocol that nobody asked for";
	return NULL;
}

static OgUpgrade
refused(int status, const char *problem)
{
	return (OgUpgrade)
	{
		.state = OG_UPGRADE_REFUSED, .status = status, .problem = problem
	};
}

/* Not all of the answer has come. */
static OgUpgrade
unknown(OgSlice answer, int status)
{
	size_t		len = Min(answer.len, strlen(STATUS_LINE));

	if (len > 0 && memcmp(answer.data, STATUS_LINE, len) != 0)
		return refused(0, "an answer that is not HTTP/1.1");
	if (answer.len >= OG_UPGRADE_MAX_HEAD)
		return refused(status, "an answer with headers that are too large");
	return (OgUpgrade)
	{
		.state = OG_UPGRADE_UNKNOWN, .status = status
	};
}

OgUpgrade
og_upgrade_read(OgSlice answer, const char *accept)
{
	OgSlice		rest = og_slice(answer.data,
								Min(answer.len, OG_UPGRADE_MAX_HEAD));
	OgSlice		line;
	Said		said = {0};
	const char *problem;
	int			status;

	if (!next_line(&rest, &line))
		return unknown(answer, 0);
	status = read_status(line);
	if (status == 0)
		return refused(0, "an answer that is not HTTP/1.1");

	/* Nothing else of such an answer is of any use, so it is not awaited. */
	if (status != 101)
		return refused(status, NULL);
	while (next_line(&rest, &line))
	{
		if (line.len == 0)
		{
			problem = problem_of(&said);
			return problem != NULL ? refused(status, problem) : (OgUpgrade)
			{
				.state = OG_UPGRADE_GRANTED, .status = status,
				.head_len = rest.data - answer.data
			};
		}
		if (!read_header(line, accept, &said))
			return refused(status, "an answer with a header that is not valid");
	}
	return unknown(answer, status);
}
