/*-------------------------------------------------------------------------
 *
 * fuzz_frames.c
 *		Throws bytes at what reads a WebSocket: its upgrade, and its frames.
 *
 * Frames: what arrives is the same whether bytes come at once, one by one, or
 * in pieces, and is what a second reader finds, which looks at all of them at
 * once and shares no code with the first (not even wslay, nor the server's
 * UTF-8).  Nothing arrives behind an end, and no message takes more memory than
 * it has bytes.
 *
 * Upgrade: what begins like an answer of HTTP/1.1 is read at every length.  Once
 * it is granted or refused, it stays that, and all that is granted has what has
 * to be in it.
 *
 * See fuzz.h for how it is run.  A byte FD stands for 00, which a seed cannot
 * have, and neither occurs in text.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "fuzz.h"
#include "ground/message.h"
#include "http/http_websocket_frames.h"
#include "http/http_websocket_upgrade.h"
#include "server_shim.h"

#define NUL_BYTE	0xFD

/* Small, so that it is met. */
#define MAX_MESSAGE	300

#define ACCEPT		"s3pPLMBiTxaQ9kYGzzhZRbK+xOo="

/* ---------- the second reader ---------- */

typedef struct Second
{
	const unsigned char *bytes;
	size_t		len;
	size_t		at;
	StringInfo	said;
	char		message[MAX_MESSAGE + 1];
	size_t		message_len;
	bool		in_message;
} Second;

/* How long the character is that begins here, 0 if it is none. */
static size_t
character(const unsigned char *text, size_t len)
{
	uint32		code;
	size_t		size;

	if (text[0] < 0x80)
		return text[0] != 0;
	size = text[0] >= 0xF0 ? 4 : text[0] >= 0xE0 ? 3 : 2;
	if (text[0] < 0xC2 || text[0] > 0xF4 || size > len)
		return 0;
	code = text[0] & (0xFF >> (size + 1));
	for (size_t i = 1; i < size; i++)
	{
		if ((text[i] & 0xC0) != 0x80)
			return 0;
		code = code << 6 | (text[i] & 0x3F);
	}
	if ((size == 3 && code < 0x800) || (size == 4 && code < 0x10000) ||
		(code >= 0xD800 && code < 0xE000) || code > 0x10FFFF)
		return 0;
	return size;
}

static bool
second_is_text(const char *text, size_t len)
{
	while (len > 0)
	{
		size_t		size = character((const unsigned char *) text, len);

		if (size == 0)
			return false;
		text += size;
		len -= size;
	}
	return true;
}

/* Write down what arrived.  False: it is the end. */
static bool
say(StringInfo said, const char *what, int code, const char *bytes, size_t len)
{
	appendStringInfo(said, "%s %d %zu ", what, code, len);
	appendBinaryStringInfo(said, bytes, (int) len);
	return strcmp(what, "broken") != 0 && strcmp(what, "farewell") != 0;
}

static bool
second_broken(Second *second, int code)
{
	return say(second->said, "broken", code, "", 0);
}

static bool
second_farewell(Second *second, const unsigned char *data, size_t len)
{
	int			code = len >= 2 ? data[0] * 256 + data[1] : 1005;

	if (len == 1 || (len > 1 && (code < 1000 || code > 4999 ||
								 (code > 1014 && code < 3000) ||
								 code == 1004 || code == 1005 || code == 1006)))
		return second_broken(second, 1002);
	if (len > 2 && !second_is_text((const char *) data + 2, len - 2))
		return second_broken(second, 1007);
	return say(second->said, "farewell", code,
			   len > 2 ? (const char *) data + 2 : "", len > 2 ? len - 2 : 0);
}

static bool
second_text(Second *second)
{
	second->in_message = false;
	if (!second_is_text(second->message, second->message_len))
		return second_broken(second, 1007);
	return say(second->said, "message", 0, second->message,
			   second->message_len);
}

/* The length of a frame's payload; *at is moved behind it.  -1 = not there yet. */
static int64
second_length(const Second *second, size_t *at, bool *minimal)
{
	int			first = second->bytes[second->at + 1] & 0x7F;
	int			width = first == 126 ? 2 : first == 127 ? 8 : 0;
	uint64		length = 0;

	*at = second->at + 2;
	*minimal = true;
	if (width == 0)
		return first;
	if (second->len - *at < (size_t) width)
		return -1;
	for (int i = 0; i < width; i++)
		length = length << 8 | second->bytes[(*at)++];
	*minimal = (width == 2 ? length > 125 : length > 65535) &&
		length <= PG_INT64_MAX;
	return (int64) (length & PG_INT64_MAX);
}

/*
 * Go on with a frame.  False at the end, or where there is no whole one.
 *
 * The first reader sees the head of a frame together with the first byte of its
 * payload, if it has one.
 */
static bool
second_frame(Second *second)
{
	const unsigned char *bytes = second->bytes;
	int			kind;
	size_t		at;
	bool		minimal;
	int64		length;
	bool		is_control;
	bool		last;

	if (second->len - second->at < 2)
		return false;
	kind = bytes[second->at] & 15;
	last = bytes[second->at] >> 7;
	is_control = kind >= 8;
	if (is_control && (!last || (bytes[second->at + 1] & 0x7F) > 125))
		return second_broken(second, 1002);
	length = second_length(second, &at, &minimal);
	if (length < 0)
		return false;
	if (!minimal)
		return second_broken(second, 1002);
	if (bytes[second->at + 1] & 0x80)
		at += 4;
	if (second->len < at + (length > 0))
		return false;

	if ((bytes[second->at] & 0x70) != 0 || (bytes[second->at + 1] & 0x80) != 0)
		return second_broken(second, 1002);
	if ((kind > 2 && kind < 8) || kind > 10)
		return second_broken(second, 1002);
	if (!is_control && (kind == 0) != second->in_message)
		return second_broken(second, 1002);
	if (kind == 2)
		return second_broken(second, 1003);
	if (kind == 8 && length == 1)
		return second_broken(second, 1002);
	if (kind == 1)
		second->message_len = 0;
	if (!is_control)
	{
		second->in_message = true;
		if ((uint64) length > MAX_MESSAGE - second->message_len)
			return second_broken(second, 1009);
	}
	if (second->len - at < (uint64) length)
		return false;
	second->at = at + length;
	if (kind == 8)
		return second_farewell(second, bytes + at, length);
	if (is_control)
		return say(second->said, kind == 9 ? "ping" : "pong", 0,
				   (const char *) bytes + at, length);
	memcpy(second->message + second->message_len, bytes + at, length);
	second->message_len += length;
	return last ? second_text(second) : true;
}

static StringInfo
second_read_frames(const uint8_t *data, size_t size)
{
	Second		second = {.bytes = data, .len = size, .said = makeStringInfo()};

	while (second_frame(&second))
		;
	return second.said;
}

/* ---------- the first reader ---------- */

/* In pieces of so many bytes. */
static StringInfo
read_frames(const uint8_t *data, size_t size, size_t piece)
{
	static const char *const names[] = {
		"", "message", "ping", "pong", "farewell", "broken"
	};
	OgFrames	frames = {0};
	OgArrival	arrival;
	StringInfo	said = makeStringInfo();
	bool		over = false;
	char		out[256];

	must(og_frames_open(&frames, MAX_MESSAGE, out, sizeof(out)));
	for (size_t at = 0; at < size; at += piece)
	{
		og_frames_feed(&frames, (const char *) data + at, Min(piece, size - at));
		while ((arrival = og_frames_next(&frames)) != OG_ARRIVED_NOTHING)
		{
			bool		ends = arrival >= OG_ARRIVED_FAREWELL;

			must(!over);
			over = ends;
			if (arrival == OG_ARRIVED_BROKEN)
				must(frames.problem != NULL);
			(void) say(said, names[arrival], ends ? frames.code : 0,
					   arrival == OG_ARRIVED_BROKEN ? "" : frames.payload.data,
					   arrival == OG_ARRIVED_BROKEN ? 0 : frames.payload.len);
		}
		must(frames.capacity <= 4096);
	}
	og_frames_close(&frames);
	return said;
}

static void
try_frames(const uint8_t *data, size_t size)
{
	const size_t pieces[] = {size, 1, 7};
	StringInfo	expected = second_read_frames(data, size);

	for (size_t i = 0; i < lengthof(pieces); i++)
	{
		StringInfo	said = read_frames(data, size, pieces[i]);

		must(said->len == expected->len);
		must(memcmp(said->data, expected->data, said->len) == 0);
	}
}

/* ---------- the upgrade ---------- */

static bool
has(const uint8_t *data, size_t size, const char *text)
{
	return memmem(data, size, text, strlen(text)) != NULL;
}

static void
try_upgrade(const uint8_t *data, size_t size)
{
	OgUpgrade	last = {0};

	for (size_t len = 0; len <= size; len++)
	{
		OgUpgrade	upgrade = og_upgrade_read(og_slice((const char *) data, len),
											  ACCEPT);

		if (last.state != OG_UPGRADE_UNKNOWN)
		{
			must(upgrade.state == last.state);
			must(upgrade.status == last.status);
			must(upgrade.head_len == last.head_len);
		}
		must(upgrade.state != OG_UPGRADE_GRANTED ||
			 (upgrade.status == 101 && upgrade.head_len <= len &&
			  has(data, upgrade.head_len, ACCEPT) &&
			  has(data, upgrade.head_len, "\r\n\r\n")));
		must((upgrade.state == OG_UPGRADE_GRANTED) == (upgrade.head_len > 0));
		must(upgrade.problem == NULL || upgrade.state == OG_UPGRADE_REFUSED);
		last = upgrade;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t    *bytes = malloc(Max(size, 1));

	fuzz_input(data, size);
	if (bytes == NULL)
		abort();
	for (size_t i = 0; i < size; i++)
		bytes[i] = data[i] == NUL_BYTE ? 0 : data[i];
	if (size >= 4 && size < 1000 && memcmp(bytes, "HTTP", 4) == 0)
		try_upgrade(bytes, size);
	else if (size > 0)
		try_frames(bytes, size);
	free(bytes);
	shim_forget();
	return 0;
}

#define TEN "0123456789"
#define SIXTY TEN TEN TEN TEN TEN TEN

const char *const fuzz_seeds[] = {
	"\x81\x05Hello\x81\x03\xE2\x82\xAC\x89\x04ping\x8A\x04pong\x88\x02\x03\xE8",
	"\x01\x03Hel\x89\x01x\xFD\x01l\x80\x01o\x81\xFD",
	"\x81\x7E\xFD\x7E" TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN "012345",
	"\x81\x7E\x01\x2C" TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN
	TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN "\x89\xFD",
	"\x01\x14" TEN TEN "\xFD\x14" TEN TEN "\xFD\xFD\x80\x02ok\x88\x06\x03\xE9" "away",
	"\x81\x7F\xFD\xFD\xFD\xFD\xFD\x01\xFD\xFDx",
	"\x01\x78" SIXTY SIXTY "\xFD\x78" SIXTY SIXTY "\x80\x3C" SIXTY "\x81\x01x",
	"\x01\x78" SIXTY SIXTY "\xFD\x78" SIXTY SIXTY "\x80\x3D" SIXTY "x",
	"\x88\x02\x03\xF6", "\x88\x02\x03\xF7", "\x88\x02\x0B\xB8", "\x88\x02\x13\x87",
	"\x82\x02\x01\x02", "\x81\x85\x01\x02\x03\x04Ignoi", "\x88\xFD", "\xC1\x01x",
	"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
	"Connection: Upgrade\r\nSec-WebSocket-Accept: " ACCEPT "\r\n\r\n\x81\x02hi",
	"HTTP/1.1 101\r\nconnection: keep-alive, upgrade\r\nUPGRADE: WebSocket\r\n"
	"sec-websocket-accept:" ACCEPT "\r\nServer: x\r\n\r\n",
	"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n",
	NULL
};

const char *const fuzz_tokens[] = {
	"\x81", "\x01", "\xFD", "\x80", "\x88", "\x89", "\x8A", "\x82", "\x81\xFD",
	"\x80\xFD", "\xFD\xFD", "\x01\xFD", "\x01\x01x", "\x80\x01x", "\x81\x03\xE2\x82\xAC",
	"\x89\xFD", "\x89\x01p", "\x88\x02\x03\xE8", "\x88\x02\x03\xF4", "\x7E", "\x7F",
	"\x7E\xFD\x7E", "\x7F\xFD\xFD\xFD\xFD\xFD\xFD\x01", "\x03\xED", "\xC2\x80",
	"\xED\xA0\x80", "\xF4\x90\x80\x80", "\xE2\x82", "\xAC", TEN,
	"\r\n", "\r\n\r\n", ": ", ",", " ", "\t", "101", "HTTP/1.1 ", "Upgrade",
	"websocket", "Connection: upgrade\r\n", "Upgrade: websocket\r\n",
	"Sec-WebSocket-Accept: " ACCEPT "\r\n", "Sec-WebSocket-Extensions: x\r\n",
	"Sec-WebSocket-Protocol: x\r\n",
	NULL
};
