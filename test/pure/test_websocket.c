/*-------------------------------------------------------------------------
 *
 * test_websocket.c
 *		Frames of a WebSocket, and the upgrade to one, by known bytes.
 *
 * The cases are those of the Autobahn test suite that a client meets, with its
 * numbers, where a client's behaviour is settled by what arrives: framing (1),
 * pings (2), reserved bits (3), opcodes (4), fragments (5), UTF-8 (6), farewells
 * (7) and limits (9).  (12 and 13 are of compression, which is not offered.)
 * Where this client is stricter than the suite by design, the case says so:
 * binary messages are refused, and so is NUL.  Each case is read at once and
 * byte by byte.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "ground/crypto.h"
#include "http/http_websocket.h"
#include "http/http_websocket_frames.h"
#include "http/http_websocket_upgrade.h"
#include "server_shim.h"
#include "tap.h"

#define MAX_MESSAGE		(128 * 1024)
#define OUT_SIZE		(64 * 1024)

#define BYTES(literal)	(literal), sizeof(literal) - 1

static char out[OUT_SIZE];

/* ---------- what arrives ---------- */

static void
append_slice(StringInfo said, OgSlice slice)
{
	if (slice.len > 40)
		appendStringInfo(said, "%zu bytes", slice.len);
	else
		appendBinaryStringInfo(said, slice.data, (int) slice.len);
}

/* Read all that arrives from bytes that come in pieces of so many. */
static char *
read_all(const char *bytes, size_t len, size_t piece, size_t max_message)
{
	OgFrames	frames = {0};
	StringInfoData said;
	OgArrival	arrival;

	initStringInfo(&said);
	if (!og_frames_open(&frames, max_message, out, sizeof(out)))
		abort();
	for (size_t at = 0; at < len; at += piece)
	{
		size_t		count = Min(piece, len - at);
		char	   *copy = malloc(count);

		/* Of its own size, so that a step too far is seen. */
		if (copy == NULL)
			abort();
		memcpy(copy, bytes + at, count);
		og_frames_feed(&frames, copy, count);
		while ((arrival = og_frames_next(&frames)) != OG_ARRIVED_NOTHING)
		{
			static const char *const names[] = {
				"", "text", "ping", "pong", "farewell", "broken"
			};

			if (said.len > 0)
				appendStringInfoChar(&said, ' ');
			appendStringInfo(&said, "%s(", names[arrival]);
			if (arrival >= OG_ARRIVED_FAREWELL)
				appendStringInfo(&said, "%d", frames.code);
			if (arrival == OG_ARRIVED_FAREWELL && frames.payload.len > 0)
				appendStringInfoChar(&said, ' ');
			if (arrival != OG_ARRIVED_BROKEN)
				append_slice(&said, frames.payload);
			appendStringInfoChar(&said, ')');
		}
		free(copy);
	}
	og_frames_close(&frames);
	return said.data;
}

static void
arrives(const char *name, const char *bytes, size_t len, const char *expected)
{
	is_text(read_all(bytes, len, len, MAX_MESSAGE), expected, name);
	is_text(read_all(bytes, len, 1, MAX_MESSAGE), expected,
			psprintf("%s, byte by byte", name));
}

typedef struct Case
{
	const char *name;
	const char *bytes;
	size_t		len;
	const char *expected;
} Case;

#define DIGITS_125 \
	"0123456789012345678901234567890123456789012345678901234567890123456789" \
	"0123456789012345678901234567890123456789012345678901234"

static const Case cases[] = {
	{"1.1.1 an empty message", BYTES("\x81\0"), "text()"},
	{"1.1.2 a message of 125 bytes", BYTES("\x81\x7D" DIGITS_125), "text(125 bytes)"},
	{"1.2.1 a binary message (refused by design)", BYTES("\x82\0"), "broken(1003)"},
	{"1.2.2 a longer one", BYTES("\x82\x02\xFE\xFE"), "broken(1003)"},
	{"a length in 16 bits that fits in 7", BYTES("\x81\x7E\0\x05Hello"), "broken(1002)"},
	{"a length in 64 bits that fits in 16", BYTES("\x81\x7F\0\0\0\0\0\0\xFF\xFFx"), "broken(1002)"},
	{"a length with its highest bit", BYTES("\x81\x7F\x80\0\0\0\0\0\0\0x"), "broken(1002)"},
	{"the largest length", BYTES("\x81\x7F\x7F\xFF\xFF\xFF\xFF\xFF\xFF\xFFx"), "broken(1009)"},
	{"5.1 a masked message", BYTES("\x81\x85\x01\x02\x03\x04Ignoi"), "broken(1002)"},
	{"a masked ping", BYTES("\x89\x80\x01\x02\x03\x04"), "broken(1002)"},

	{"2.1 a ping without payload", BYTES("\x89\0"), "ping()"},
	{"2.2 a ping with text", BYTES("\x89\x0DHello, world!"), "ping(Hello, world!)"},
	{"2.3 a ping with binary", BYTES("\x89\x04\xFF\xFE\xFD\xFC"), "ping(\xFF\xFE\xFD\xFC)"},
	{"2.4 a ping of 125 bytes", BYTES("\x89\x7D" DIGITS_125), "ping(125 bytes)"},
	{"2.5 a ping of 126 bytes", BYTES("\x89\x7E\0\x7E" DIGITS_125 "5"), "broken(1002)"},
	{"2.7 a pong that nobody asked for", BYTES("\x8A\0"), "pong()"},
	{"2.9 a pong, and a ping", BYTES("\x8A\x01x\x89\x01y"), "pong(x) ping(y)"},
	{"2.10 pings in a row", BYTES("\x89\x01" "a\x89\x01" "b\x89\x01" "c"), "ping(a) ping(b) ping(c)"},

	{"3.1 RSV3", BYTES("\x91\x05Hello"), "broken(1002)"},
	{"3.2 RSV2, behind a message", BYTES("\x81\x01x\xA1\x05Hello\x89\0"), "text(x) broken(1002)"},
	{"3.3 RSV2 and RSV3", BYTES("\x81\x01x\xB1\x05Hello\x89\0"), "text(x) broken(1002)"},
	{"3.4 RSV1: compressed", BYTES("\xC1\x05Hello"), "broken(1002)"},
	{"3.5 RSV1 and RSV3, binary", BYTES("\xD2\x01x"), "broken(1002)"},
	{"3.6 RSV1 and RSV2 of a ping", BYTES("\xE9\0"), "broken(1002)"},
	{"3.7 all of a farewell", BYTES("\xF8\0"), "broken(1002)"},

	{"4.1.1 opcode 3", BYTES("\x83\0"), "broken(1002)"},
	{"4.1.2 opcode 4 with payload", BYTES("\x84\x01x"), "broken(1002)"},
	{"4.1.3 opcode 5 behind a message", BYTES("\x81\x01x\x85\0\x89\0"), "text(x) broken(1002)"},
	{"4.1.4 opcode 6", BYTES("\x86\x01x"), "broken(1002)"},
	{"4.1.5 opcode 7", BYTES("\x87\x01x"), "broken(1002)"},
	{"4.2.1 opcode 11", BYTES("\x8B\0"), "broken(1002)"},
	{"4.2.2 opcode 12", BYTES("\x8C\x01x"), "broken(1002)"},
	{"4.2.3 opcode 13", BYTES("\x8D\0"), "broken(1002)"},
	{"4.2.4 opcode 14", BYTES("\x8E\x01x"), "broken(1002)"},
	{"4.2.5 opcode 15", BYTES("\x8F\0"), "broken(1002)"},

	{"5.1 a ping in two parts", BYTES("\x09\x01x\x80\x01y"), "broken(1002)"},
	{"5.2 a pong in two parts", BYTES("\x0A\x01x\x80\x01y"), "broken(1002)"},
	{"a farewell in two parts", BYTES("\x08\x02\x03\xE8\x80\x01y"), "broken(1002)"},
	{"5.3 a message in two parts", BYTES("\x01\x03Hel\x80\x02lo"), "text(Hello)"},
	{"5.6 a ping between parts", BYTES("\x01\x03Hel\x89\x01p\x80\x02lo"), "ping(p) text(Hello)"},
	{"5.9 a continuation of nothing", BYTES("\x80\x03Hel\x81\x01x"), "broken(1002)"},
	{"5.10 one with more to come", BYTES("\0\x03Hel\x81\x01x"), "broken(1002)"},
	{"5.12 one behind a message", BYTES("\x81\x01x\x80\x03Hel"), "text(x) broken(1002)"},
	{"5.15 one behind a whole message in parts", BYTES("\x01\x01" "a\x80\x01" "b\0\x01" "c\x81\x01" "d"),
	"text(ab) broken(1002)"},
	{"5.18 a text in the middle of another", BYTES("\x01\x01" "a\x81\x01" "b"), "broken(1002)"},
	{"a binary in the middle of a text", BYTES("\x01\x01" "a\x82\x01" "b"), "broken(1002)"},
	{"5.19 parts with pings between all", BYTES("\x01\x01" "a\x89\0\0\x01" "b\x8A\0\0\x01" "c\x89\x01!\x80\x01" "d"),
	"ping() pong() ping(!) text(abcd)"},
	{"6.1.2 empty parts", BYTES("\x01\0\0\0\x80\0"), "text()"},
	{"6.1.3 empty parts around a full one", BYTES("\x01\0\0\x02hi\x80\0"), "text(hi)"},
	{"a part that never comes", BYTES("\x01\x01" "a\0\x05" "b"), ""},
	{"half a head", BYTES("\x81"), ""},

	{"7.1.1 a message, and a farewell", BYTES("\x81\x01x\x88\x02\x03\xE8"), "text(x) farewell(1000)"},
	{"7.1.2 two farewells", BYTES("\x88\x02\x03\xE8\x88\x02\x03\xE8"), "farewell(1000)"},
	{"7.1.3 a ping behind a farewell", BYTES("\x88\x02\x03\xE8\x89\0"), "farewell(1000)"},
	{"7.1.5 a farewell in the middle of a message", BYTES("\x01\x01" "a\x88\x02\x03\xE8\x80\x01" "b"), "farewell(1000)"},
	{"7.3.1 a farewell without code", BYTES("\x88\0"), "farewell(1005)"},
	{"7.3.2 with half a code", BYTES("\x88\x01\x03"), "broken(1002)"},
	{"7.3.3 with a code", BYTES("\x88\x02\x03\xE9"), "farewell(1001)"},
	{"7.3.4 with a reason", BYTES("\x88\x06\x03\xE8" "Bye!"), "farewell(1000 Bye!)"},
	{"7.3.5 with the longest reason", BYTES("\x88\x7D\x03\xE8" "0123456789012345678901234567890123456789"
		"01234567890123456789012345678901234567890123456789012345678901234567890123456789"
		"012"), "farewell(1000 123 bytes)"},
	{"7.3.6 with a longer one", BYTES("\x88\x7E\0\x7E\x03\xE8xxx"), "broken(1002)"},
	{"7.5.1 with a reason that is not UTF-8", BYTES("\x88\x05\x03\xE8\xCE\xBA\xE1"), "broken(1007)"},
	{"7.5.2 with one that is", BYTES("\x88\x04\x03\xE8\xCE\xBA"), "farewell(1000 \xCE\xBA)"},
	{"7.9 a code of 0", BYTES("\x88\x02\0\0"), "broken(1002)"},
	{"7.9 999", BYTES("\x88\x02\x03\xE7"), "broken(1002)"},
	{"7.9 1004", BYTES("\x88\x02\x03\xEC"), "broken(1002)"},
	{"7.9 1005", BYTES("\x88\x02\x03\xED"), "broken(1002)"},
	{"7.9 1006", BYTES("\x88\x02\x03\xEE"), "broken(1002)"},
	{"7.9 1015", BYTES("\x88\x02\x03\xF7"), "broken(1002)"},
	{"7.9 1016", BYTES("\x88\x02\x03\xF8"), "broken(1002)"},
	{"7.9 1100", BYTES("\x88\x02\x04\x4C"), "broken(1002)"},
	{"7.9 2000", BYTES("\x88\x02\x07\xD0"), "broken(1002)"},
	{"7.9 2999", BYTES("\x88\x02\x0B\xB7"), "broken(1002)"},
	{"7.13 5000", BYTES("\x88\x02\x13\x88"), "broken(1002)"},
	{"7.13 65535", BYTES("\x88\x02\xFF\xFF"), "broken(1002)"},
	{"7.7 1002", BYTES("\x88\x02\x03\xEA"), "farewell(1002)"},
	{"7.7 1003", BYTES("\x88\x02\x03\xEB"), "farewell(1003)"},
	{"7.7 1007", BYTES("\x88\x02\x03\xEF"), "farewell(1007)"},
	{"7.7 1011", BYTES("\x88\x02\x03\xF3"), "farewell(1011)"},
	{"7.7 1012: a service starts over", BYTES("\x88\x02\x03\xF4"), "farewell(1012)"},
	{"7.7 1014", BYTES("\x88\x02\x03\xF6"), "farewell(1014)"},
	{"7.7 3000", BYTES("\x88\x02\x0B\xB8"), "farewell(3000)"},
	{"7.7 3999", BYTES("\x88\x02\x0F\x9F"), "farewell(3999)"},
	{"7.7 4000", BYTES("\x88\x02\x0F\xA0"), "farewell(4000)"},
	{"7.7 4999", BYTES("\x88\x02\x13\x87"), "farewell(4999)"},
};

static void
test_cases(void)
{
	for (size_t i = 0; i < lengthof(cases); i++)
		arrives(cases[i].name, cases[i].bytes, cases[i].len, cases[i].expected);
}

/* ---------- UTF-8 ---------- */

static const struct
{
	const char *name;
	const char *bytes;
	size_t		len;
	bool		valid;
}			texts[] = {
	{"6.2.1 of several languages", BYTES("Hello-\xC2\xB5@\xC3\x9F\xC3\xB6\xC3\xA4\xC3\xBC\xC3\xA0\xC3\xA1-UTF-8!!"), true},
	{"6.3.1 with a lone surrogate", BYTES("\xCE\xBA\xE1\xBD\xB9\xCF\x83\xCE\xBC\xCE\xB5\xED\xA0\x80" "edited"), false},
	{"6.4.1 beyond the last character", BYTES("\xCE\xBA\xF4\x90\x80\x80" "edited"), false},
	{"6.5.2 cut within a character", BYTES("\xCE\xBA\xE1"), false},
	{"6.5.3 cut behind a lead byte", BYTES("\xF0\x9F\x98"), false},
	{"6.6.1 of a NUL (refused by design)", BYTES("\0"), false},
	{"6.6.2 of two bytes", BYTES("\xC2\x80"), true},
	{"6.6.3 of three bytes", BYTES("\xE0\xA0\x80"), true},
	{"6.6.4 of four bytes", BYTES("\xF0\x90\x80\x80"), true},
	{"6.6.5 of five bytes", BYTES("\xF8\x88\x80\x80\x80"), false},
	{"6.6.6 of six bytes", BYTES("\xFC\x84\x80\x80\x80\x80"), false},
	{"6.7.1 the last of one byte", BYTES("\x7F"), true},
	{"6.7.2 the last of two bytes", BYTES("\xDF\xBF"), true},
	{"6.7.3 the last of three bytes", BYTES("\xEF\xBF\xBF"), true},
	{"6.7.4 the last of all", BYTES("\xF4\x8F\xBF\xBF"), true},
	{"6.8.1 the last of five bytes", BYTES("\xFB\xBF\xBF\xBF\xBF"), false},
	{"6.8.2 the last of six bytes", BYTES("\xFD\xBF\xBF\xBF\xBF\xBF"), false},
	{"6.9.1 before the surrogates", BYTES("\xED\x9F\xBF"), true},
	{"6.9.2 behind the surrogates", BYTES("\xEE\x80\x80"), true},
	{"6.9.3 a replacement character", BYTES("\xEF\xBF\xBD"), true},
	{"6.9.5 the first beyond all", BYTES("\xF4\x90\x80\x80"), false},
	{"6.10.1 a continuation byte", BYTES("\x80"), false},
	{"6.10.2 another one", BYTES("\xBF"), false},
	{"6.10.7 several of them", BYTES("\x80\xBF\x80\xBF\x80\xBF\x80"), false},
	{"6.11.1 lead bytes without more", BYTES("\xC0 \xC1 \xC2 \xC3 "), false},
	{"6.12.1 a lead byte alone", BYTES("\xC0"), false},
	{"6.12.3 half of three bytes", BYTES("\xE0\x80"), false},
	{"6.14.1 a byte that never occurs", BYTES("\xFE"), false},
	{"6.14.2 the other one", BYTES("\xFF"), false},
	{"6.15.1 a slash, overlong", BYTES("\xC0\xAF"), false},
	{"6.15.2 in three bytes", BYTES("\xE0\x80\xAF"), false},
	{"6.15.3 in four bytes", BYTES("\xF0\x80\x80\xAF"), false},
	{"6.16.1 the longest overlong", BYTES("\xC1\xBF"), false},
	{"6.16.2 in three bytes", BYTES("\xE0\x9F\xBF"), false},
	{"6.16.3 in four bytes", BYTES("\xF0\x8F\xBF\xBF"), false},
	{"6.17.1 a NUL, overlong", BYTES("\xC0\x80"), false},
	{"6.18.1 the first surrogate", BYTES("\xED\xA0\x80"), false},
	{"6.18.7 the last surrogate", BYTES("\xED\xBF\xBF"), false},
	{"6.19.1 a pair of surrogates", BYTES("\xED\xA0\x80\xED\xB0\x80"), false},
	{"6.21.1 U+FFFE, of no character", BYTES("\xEF\xBF\xBE"), true},
	{"6.22.1 U+1FFFE", BYTES("\xF0\x9F\xBF\xBE"), true},
	{"6.22.33 U+10FFFF", BYTES("\xF4\x8F\xBF\xBF"), true},
	{"6.23.1 ASCII", BYTES("\x01 tab\tnewline\n~"), true},
};

/* In one frame, and in frames of a byte each. */
static void
test_utf8(void)
{
	for (size_t i = 0; i < lengthof(texts); i++)
	{
		char		bytes[200];
		size_t		len = 0;
		size_t		size = texts[i].len;
		const char *expected = texts[i].valid
			? psprintf("text(%.*s)", (int) size, texts[i].bytes) : "broken(1007)";

		bytes[len++] = (char) 0x81;
		bytes[len++] = (char) size;
		memcpy(bytes + len, texts[i].bytes, size);
		arrives(psprintf("a text %s", texts[i].name), bytes, len + size,
				expected);

		len = 0;
		for (size_t j = 0; j < size; j++)
		{
			bytes[len++] = (char) ((j == 0 ? 1 : 0) | (j == size - 1 ? 0x80 : 0));
			bytes[len++] = 1;
			bytes[len++] = texts[i].bytes[j];
		}
		arrives(psprintf("a text in parts %s", texts[i].name), bytes, len,
				expected);
	}
}

/* ---------- sizes ---------- */

/* A frame of so many 'x', palloc'd. */
static char *
frame_of(int first, size_t size, size_t *len)
{
	char	   *bytes = palloc(size + OG_FRAME_MAX_HEAD);
	int			width = size < 126 ? 0 : size < 65536 ? 2 : 8;

	*len = 0;
	bytes[(*len)++] = (char) first;
	bytes[(*len)++] = (char) (width == 0 ? size : width == 2 ? 126 : 127);
	for (int i = width - 1; i >= 0; i--)
		bytes[(*len)++] = (char) (i > 7 ? 0 : (uint64) size >> (8 * i));
	memset(bytes + *len, 'x', size);
	*len += size;
	return bytes;
}

static void
test_sizes(void)
{
	static const size_t sizes[] = {124, 125, 126, 127, 128, 4096, 16384, 65535, 65536, MAX_MESSAGE};

	for (size_t i = 0; i < lengthof(sizes); i++)
	{
		size_t		len;
		char	   *bytes = frame_of(0x81, sizes[i], &len);
		const char *expected = psprintf("text(%zu bytes)", sizes[i]);

		is_text(read_all(bytes, len, len, MAX_MESSAGE), expected,
				psprintf("1.1, 9.1 a message of %zu bytes", sizes[i]));
		is_text(read_all(bytes, len, 997, MAX_MESSAGE), expected, "... in pieces");
		is_text(read_all(bytes, len, len, sizes[i] - 1), "broken(1009)",
				"... and one too many");
		pfree(bytes);
	}
}

/* A message that is too large only as a whole, and one in too many parts. */
static void
test_parts(void)
{
	StringInfoData all;
	size_t		len;
	char	   *part = frame_of(0, MAX_MESSAGE / 4, &len);

	initStringInfo(&all);
	for (int i = 0; i < 4; i++)
	{
		part[0] = i == 0 ? 1 : i == 3 ? (char) 0x80 : 0;
		appendBinaryStringInfo(&all, part, (int) len);
	}
	is_text(read_all(all.data, all.len, 5000, MAX_MESSAGE),
			psprintf("text(%d bytes)", MAX_MESSAGE), "9.3 the largest in four parts");
	all.data[3 * len] = 0;
	appendBinaryStringInfo(&all, "\x80\x01x", 3);
	is_text(read_all(all.data, all.len, 5000, MAX_MESSAGE), "broken(1009)",
			"... and a part too many");

	resetStringInfo(&all);
	appendBinaryStringInfo(&all, "\x01\0", 2);
	for (int i = 1; i < OG_FRAME_MAX_PARTS - 1; i++)
		appendBinaryStringInfo(&all, "\0\0", 2);
	appendBinaryStringInfo(&all, "\x80\0", 2);
	is_text(read_all(all.data, all.len, 5000, MAX_MESSAGE), "text()",
			"as many parts as may be");
	all.data[all.len - 2] = 0;
	appendBinaryStringInfo(&all, "\x80\0", 2);
	is_text(read_all(all.data, all.len, 5000, MAX_MESSAGE), "broken(1008)",
			"... and one more");
}

/* What a message needs of memory is its own size, whatever its parts. */
static void
test_memory(void)
{
	OgFrames	frames = {0};

	if (!og_frames_open(&frames, MAX_MESSAGE, out, sizeof(out)))
		abort();
	og_frames_feed(&frames, "\x81\x7F\0\0\0\0\0\x02\0\0x", 11);
	ok(og_frames_next(&frames) == OG_ARRIVED_NOTHING, "a large message begins");
	ok(frames.capacity <= 4096, "... and takes no memory before it has come");
	og_frames_close(&frames);
	ok(og_frames_next(&frames) == OG_ARRIVED_NOTHING, "nothing arrives when it is closed");
}

/* ---------- what is sent ---------- */

/* Read a frame as its receiver would: unmask it in place. */
static bool
unmask(char *frame, size_t len, size_t head, size_t payload)
{
	const char *mask = frame + head - 4;

	if (len != head + payload || (frame[1] & 0x80) == 0)
		return false;
	for (size_t i = 0; i < payload; i++)
		frame[head + i] ^= mask[i % 4];
	return true;
}

static void
test_writing(void)
{
	static const struct
	{
		size_t		size;
		size_t		head;
	}			sizes[] = {{0, 6}, {5, 6}, {125, 6}, {126, 8}, {40000, 8}};
	OgFrames	frames = {0};
	char	   *text = palloc(OUT_SIZE);
	char		masks[2][4];

	memset(text, 'a', OUT_SIZE);
	if (!og_frames_open(&frames, MAX_MESSAGE, out, sizeof(out)))
		abort();
	for (size_t i = 0; i < lengthof(sizes); i++)
	{
		frames.out_len = 0;
		ok(og_frames_write(&frames, OG_FRAME_TEXT, og_slice(text, sizes[i].size)) &&
		   (unsigned char) out[0] == 0x81 &&
		   unmask(out, frames.out_len, sizes[i].head, sizes[i].size) &&
		   memcmp(out + sizes[i].head, text, sizes[i].size) == 0,
		   "a text of %zu bytes is written", sizes[i].size);
	}
	ok(!og_frames_write(&frames, OG_FRAME_TEXT, og_slice(text, 30000)),
	   "there is no room for another");
	is_number(frames.out_len, 40008, "... of which nothing is written");
	ok(!og_frames_write(&frames, OG_FRAME_TEXT, og_slice(text, SIZE_MAX)),
	   "nor for one beyond all");

	frames.out_len = 0;
	for (int i = 0; i < 2; i++)
	{
		(void) og_frames_write_farewell(&frames, 1000);
		memcpy(masks[i], out + frames.out_len - 6, 4);
	}
	is_number(frames.out_len, 16, "two farewells are written");
	ok(memcmp(masks[0], masks[1], 4) != 0, "... each with a mask of its own");
	ok((unsigned char) out[0] == 0x88 && unmask(out, 8, 6, 2) &&
	   memcmp(out + 6, "\x03\xE8", 2) == 0, "... with its code");
	frames.out_len = 0;
	ok(og_frames_write_farewell(&frames, OG_WS_NO_CODE) && frames.out_len == 6,
	   "one without code is written");
	og_frames_close(&frames);
}

/* ---------- the upgrade ---------- */

#define ACCEPT	"s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
#define SWITCHING "HTTP/1.1 101 Switching Protocols\r\n"
#define UPGRADE	"Upgrade: websocket\r\nConnection: Upgrade\r\n"
#define ACCEPTED "Sec-WebSocket-Accept: " ACCEPT "\r\n"
#define KEPT_OUT "HTTP/1.1 101 Switching Protocols\r\n" UPGRADE ACCEPTED

static const Case answers[] = {
	{"the least", BYTES(SWITCHING UPGRADE ACCEPTED "\r\n\x81"), "granted 101"},
	{"other spellings", BYTES("HTTP/1.1 101\r\nuPGRADE:WebSocket\r\nconnection: keep-alive ,\tupgrade\r\n"
		"sec-websocket-accept:\t" ACCEPT " \r\nServer: x\r\nX-\xC3\xA4: y\r\n\r\n"), "refused 101: an answer with a header that is not valid"},
	{"other spellings of names", BYTES("HTTP/1.1 101\r\nuPGRADE:WebSocket\r\nconnection: keep-alive ,\tupgrade\r\n"
		"sec-websocket-accept:\t" ACCEPT " \r\nServer: \xC3\xA4\r\nEmpty:\r\n\r\n"), "granted 101"},
	{"empty lists", BYTES(KEPT_OUT "Sec-WebSocket-Extensions:\r\nSec-WebSocket-Protocol: \r\n\r\n"), "granted 101"},
	{"nothing yet", BYTES(""), "unknown 0"},
	{"half a status line", BYTES("HTTP/1.1 10"), "unknown 0"},
	{"half of the headers", BYTES(SWITCHING UPGRADE), "unknown 101"},
	{"all but the last byte", BYTES(SWITCHING UPGRADE ACCEPTED "\r"), "unknown 101"},
	{"200", BYTES("HTTP/1.1 200 OK\r\n"), "refused 200"},
	{"301", BYTES("HTTP/1.1 301 Moved Permanently\r\nLocation: wss://elsewhere/\r\n\r\n"), "refused 301"},
	{"429", BYTES("HTTP/1.1 429\r\n"), "refused 429"},
	{"100 before it", BYTES("HTTP/1.1 100 Continue\r\n\r\n" KEPT_OUT "\r\n"), "refused 100"},
	{"HTTP/1.0", BYTES("HTTP/1.0 101 Switching Protocols\r\n"), "refused 0: an answer that is not HTTP/1.1"},
	{"HTTP/2", BYTES("\0\0\x12\x04\0\0\0\0\0"), "refused 0: an answer that is not HTTP/1.1"},
	{"a banner", BYTES("SSH-2.0"), "refused 0: an answer that is not HTTP/1.1"},
	{"a status of two digits", BYTES("HTTP/1.1 99 x\r\n"), "refused 0: an answer that is not HTTP/1.1"},
	{"a status of four digits", BYTES("HTTP/1.1 1010\r\n"), "refused 0: an answer that is not HTTP/1.1"},
	{"no status", BYTES("HTTP/1.1 \r\n"), "refused 0: an answer that is not HTTP/1.1"},
	{"no Upgrade", BYTES(SWITCHING "Connection: Upgrade\r\n" ACCEPTED "\r\n"), "refused 101: an answer that does not switch to WebSocket"},
	{"another Upgrade", BYTES(SWITCHING "Upgrade: h2c\r\nConnection: Upgrade\r\n" ACCEPTED "\r\n"), "refused 101: an answer that does not switch to WebSocket"},
	{"two Upgrades", BYTES(KEPT_OUT "Upgrade: websocket\r\n\r\n"), "refused 101: an answer that does not switch to WebSocket"},
	{"no Connection", BYTES(SWITCHING "Upgrade: websocket\r\n" ACCEPTED "\r\n"), "refused 101: an answer that does not switch to WebSocket"},
	{"no accept", BYTES(SWITCHING UPGRADE "\r\n"), "refused 101: an answer to another key than ours"},
	{"another accept", BYTES(SWITCHING UPGRADE "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xoo=\r\n\r\n"), "refused 101: an answer to another key than ours"},
	{"a longer accept", BYTES(SWITCHING UPGRADE "Sec-WebSocket-Accept: " ACCEPT "=\r\n\r\n"), "refused 101: an answer to another key than ours"},
	{"two accepts", BYTES(KEPT_OUT ACCEPTED "\r\n"), "refused 101: an answer to another key than ours"},
	{"an extension", BYTES(KEPT_OUT "Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n"), "refused 101: an extension that nobody asked for"},
	{"a subprotocol", BYTES(KEPT_OUT "Sec-WebSocket-Protocol: chat\r\n\r\n"), "refused 101: a subprotocol that nobody asked for"},
	{"a folded header", BYTES(SWITCHING "X: y\r\n z\r\n" UPGRADE ACCEPTED "\r\n"), "refused 101: an answer with a header that is not valid"},
	{"a header without colon", BYTES(SWITCHING "X\r\n"), "refused 101: an answer with a header that is not valid"},
	{"a header without name", BYTES(SWITCHING ": y\r\n"), "refused 101: an answer with a header that is not valid"},
	{"a name with a blank", BYTES(SWITCHING "Upgrade : websocket\r\n"), "refused 101: an answer with a header that is not valid"},
	{"a NUL", BYTES(SWITCHING "X: a\0b\r\n"), "refused 101: an answer with a header that is not valid"},
	{"a lone carriage return", BYTES(SWITCHING "X: a\rb\r\n"), "refused 101: an answer with a header that is not valid"},
	{"lone newlines", BYTES("HTTP/1.1 101 Switching Protocols\nX: y\n\n\r\n"), "refused 0: an answer that is not HTTP/1.1"},
};

static const char *
upgrade_words(OgSlice answer)
{
	static const char *const names[] = {"unknown", "granted", "refused"};
	OgUpgrade	upgrade = og_upgrade_read(answer, ACCEPT);

	return psprintf("%s %d%s%s", names[upgrade.state], upgrade.status,
					upgrade.problem != NULL ? ": " : "",
					upgrade.problem != NULL ? upgrade.problem : "");
}

static void
test_upgrade(void)
{
	StringInfoData large;

	is_text(og_upgrade_accept("dGhlIHNhbXBsZSBub25jZQ=="), ACCEPT,
			"the standard's own key");
	is_text(og_upgrade_key("the sample nonce"), "dGhlIHNhbXBsZSBub25jZQ==",
			"... which is its own nonce");
	for (size_t i = 0; i < lengthof(answers); i++)
		is_text(upgrade_words(og_slice(answers[i].bytes, answers[i].len)),
				answers[i].expected,
				psprintf("an upgrade answered by %s", answers[i].name));
	is_number(og_upgrade_read(og_slice(answers[0].bytes, answers[0].len),
							  ACCEPT).head_len,
			  answers[0].len - 1, "frames begin behind the head");

	initStringInfo(&large);
	appendStringInfo(&large, "%sX: %*s", SWITCHING, OG_UPGRADE_MAX_HEAD, "x");
	is_text(upgrade_words(og_slice(large.data, large.len)),
			"refused 101: an answer with headers that are too large",
			"headers without end");
	is_text(upgrade_words(og_slice(large.data, OG_UPGRADE_MAX_HEAD - 1)),
			"unknown 101", "... are awaited up to the bound");
	is_text(og_upgrade_request("a.example:8080", "/ws/spot?x=1", "KEY", "me/1"),
			"GET /ws/spot?x=1 HTTP/1.1\r\nHost: a.example:8080\r\n"
			"Upgrade: websocket\r\nConnection: Upgrade\r\n"
			"Sec-WebSocket-Key: KEY\r\nSec-WebSocket-Version: 13\r\n"
			"User-Agent: me/1\r\n\r\n", "the request");
}

int
main(void)
{
	test_cases();
	test_utf8();
	test_sizes();
	test_parts();
	test_memory();
	test_writing();
	test_upgrade();
	return done_testing();
}
