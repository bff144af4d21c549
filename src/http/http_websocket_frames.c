/*-------------------------------------------------------------------------
 *
 * http_websocket_frames.c
 *		Frames of a WebSocket, as the client of one reads and writes them.
 *
 * Of wslay only what reads and writes a single frame is used.  Its other half,
 * which makes messages of them, puts every part of a message into a piece of
 * memory of its own, a hundred times the size of a part of one byte; answers
 * every ping, however many there are; says nothing of what it found wrong with
 * the head of a frame; and takes some farewells for wrong that are right since
 * (1012 to 1014).
 *
 * Text is looked at when it is whole.  It may have no NUL: no text of this
 * server can have one.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <wslay/wslay.h>

#include "mb/pg_wchar.h"

#include "http/http_websocket.h"
#include "http/http_websocket_frames.h"

/* What a message has room for at first. */
#define FIRST_CAPACITY	4096

/* ---------- what wslay asks for ---------- */

/* As much of what was fed as there is room for; -1 = none is left. */
static ssize_t
give_input(uint8_t *room, size_t size, int flags, void *frames)
{
	OgFrames   *self = frames;
	size_t		len = Min(size, self->left);

	if (len == 0)
		return -1;
	memcpy(room, self->input, len);
	self->input += len;
	self->left -= len;
	return (ssize_t) len;
}

/* There is room: see og_frames_write(). */
static ssize_t
take_output(const uint8_t *bytes, size_t len, int flags, void *frames)
{
	OgFrames   *self = frames;

	if (len > self->out_size - self->out_len)
		return -1;
	memcpy(self->out + self->out_len, bytes, len);
	self->out_len += len;
	return (ssize_t) len;
}

static int
make_mask(uint8_t *mask, size_t len, void *frames)
{
	return pg_strong_random(mask, len) ? 0 : -1;
}

bool
og_frames_open(OgFrames *frames, size_t max_message, char *out,
			   size_t out_size)
{
	const struct wslay_frame_callbacks callbacks = {
		.send_callback = take_output,
		.recv_callback = give_input,
		.genmask_callback = make_mask
	};

	frames->max_message = max_message;
	frames->out = out;
	frames->out_size = out_size;
	return wslay_frame_context_init(&frames->wslay, &callbacks, frames) == 0;
}

void
og_frames_close(OgFrames *frames)
{
	if (frames->wslay != NULL)
		wslay_frame_context_free(frames->wslay);
	free(frames->message);
	frames->wslay = NULL;
	frames->message = NULL;
	frames->over = true;
}

void
og_frames_feed(OgFrames *frames, const char *bytes, size_t len)
{
	frames->input = bytes;
	frames->left = len;
}

/* ---------- what may arrive ---------- */

static OgArrival
broken(OgFrames *frames, int code, const char *problem)
{
	frames->over = true;
	frames->code = code;
	frames->problem = problem;
	return OG_ARRIVED_BROKEN;
}

/* A frame that is a message, or a part of one, begins. */
static OgArrival
begin_part(OgFrames *frames, const struct wslay_frame_iocb *frame)
{
	bool		goes_on = frame->opcode == WSLAY_CONTINUATION_FRAME;

	if (goes_on && !frames->in_message)
		return broken(frames, OG_WS_PROTOCOL, "a continuation of no message");
	if (!goes_on && frames->in_message)
		return broken(frames, OG_WS_PROTOCOL,
					  "a message in the middle of another");
	if (frame->opcode == WSLAY_BINARY_FRAME)
		return broken(frames, OG_WS_NOT_TEXT, "a binary message");
	if (!goes_on)
	{
		frames->in_message = true;
		frames->len = 0;
		frames->parts = 0;
	}
	if (++frames->parts > OG_FRAME_MAX_PARTS)
		return broken(frames, OG_WS_POLICY, "a message in too many parts");
	if (frame->payload_length > frames->max_message - frames->len)
		return broken(frames, OG_WS_TOO_BIG, "a message that is too large");
	return OG_ARRIVED_NOTHING;
}

/* A frame begins: may it be that? */
static OgArrival
begin_frame(OgFrames *frames, const struct wslay_frame_iocb *frame)
{
	frames->taken = 0;
	if (frame->rsv != WSLAY_RSV_NONE)
		return broken(frames, OG_WS_PROTOCOL,
					  "a frame of an extension that is not in use");
	if (frame->mask)
		return broken(frames, OG_WS_PROTOCOL, "a masked frame");
	switch (frame->opcode)
	{
		case WSLAY_CONTINUATION_FRAME:
		case WSLAY_TEXT_FRAME:
		case WSLAY_BINARY_FRAME:
			return begin_part(frames, frame);
		case WSLAY_CONNECTION_CLOSE:
			if (frame->payload_length == 1)
				return broken(frames, OG_WS_PROTOCOL,
							  "a farewell with half a code");
			return OG_ARRIVED_NOTHING;
		case WSLAY_PING:
		case WSLAY_PONG:
			return OG_ARRIVED_NOTHING;
		default:
			return broken(frames, OG_WS_PROTOCOL, "a frame of an unknown kind");
	}
}

/* Room for so many more bytes of the message. */
static bool
make_room(OgFrames *frames, size_t more)
{
	size_t		size = Max(frames->capacity, FIRST_CAPACITY);
	char	   *bigger;

	if (frames->capacity - frames->len >= more)
		return true;
	while (size - frames->len < more)
		size *= 2;
	bigger = realloc(frames->message, size);
	if (bigger == NULL)
		return false;
	frames->message = bigger;
	frames->capacity = size;
	return true;
}

/*
 * Take a piece of what a frame carries.  Of a control frame wslay has seen to it
 * that it is small.
 */
static OgArrival
take_piece(OgFrames *frames, const struct wslay_frame_iocb *frame)
{
	if (frame->data_length > 0 && wslay_is_ctrl_frame(frame->opcode))
		memcpy(frames->control + frames->taken, frame->data,
			   frame->data_length);
	else if (frame->data_length > 0)
	{
		if (!make_room(frames, frame->data_length))
			return broken(frames, OG_WS_TOO_BIG,
						  "a message for which there is no memory");
		memcpy(frames->message + frames->len, frame->data, frame->data_length);
		frames->len += frame->data_length;
	}
	frames->taken += frame->data_length;
	return OG_ARRIVED_NOTHING;
}

/* Valid UTF-8 without NUL? */
static bool
is_text(OgSlice text)
{
	return text.len == 0 ||
		pg_encoding_verifymbstr(PG_UTF8, text.data,
								(int) text.len) == (int) text.len;
}

/* May somebody say farewell with this code? */
static bool
may_be_told(int code)
{
	return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) ||
		(code >= 3000 && code <= 4999);
}

static OgArrival
end_farewell(OgFrames *frames)
{
	const unsigned char *bytes = (const unsigned char *) frames->control;

	frames->code = OG_WS_NO_CODE;
	frames->payload = og_slice(NULL, 0);
	if (frames->taken >= 2)
	{
		frames->code = bytes[0] << 8 | bytes[1];
		frames->payload = og_slice(frames->control + 2, frames->taken - 2);
		if (!may_be_told(frames->code))
			return broken(frames, OG_WS_PROTOCOL,
						  "a farewell with a code that does not exist");
		if (!is_text(frames->payload))
			return broken(frames, OG_WS_NOT_UTF8,
						  "a farewell that is not UTF-8");
	}
	frames->over = true;
	return OG_ARRIVED_FAREWELL;
}

/* A frame has come whole. */
static OgArrival
end_frame(OgFrames *frames, const struct wslay_frame_iocb *frame)
{
	frames->payload = og_slice(frames->control, frames->taken);
	switch (frame->opcode)
	{
		case WSLAY_CONNECTION_CLOSE:
			return end_farewell(frames);
		case WSLAY_PING:
			return OG_ARRIVED_PING;
		case WSLAY_PONG:
			return OG_ARRIVED_PONG;
		default:
			break;
	}
	if (!frame->fin)
		return OG_ARRIVED_NOTHING;
	frames->in_message = false;
	frames->payload = og_slice(frames->len > 0 ? frames->message : "",
							   frames->len);
	if (!is_text(frames->payload))
		return broken(frames, OG_WS_NOT_UTF8, "a message that is not UTF-8");
	return OG_ARRIVED_MESSAGE;
}

/* Some of a frame has come: its head, and some of what it carries. */
static OgArrival
take_frame(OgFrames *frames, const struct wslay_frame_iocb *frame)
{
	OgArrival	arrival = OG_ARRIVED_NOTHING;

	if (!frames->in_frame)
		arrival = begin_frame(frames, frame);
	if (arrival == OG_ARRIVED_NOTHING)
		arrival = take_piece(frames, frame);
	if (arrival != OG_ARRIVED_NOTHING)
		return arrival;
	frames->in_frame = frames->taken < frame->payload_length;
	return frames->in_frame ? OG_ARRIVED_NOTHING : end_frame(frames, frame);
}

OgArrival
og_frames_next(OgFrames *frames)
{
	while (!frames->over)
	{
		struct wslay_frame_iocb frame = {0};
		ssize_t		result = wslay_frame_recv(frames->wslay, &frame);
		OgArrival	arrival;

		if (result == WSLAY_ERR_WANT_READ)
			return OG_ARRIVED_NOTHING;
		if (result < 0)
			return broken(frames, OG_WS_PROTOCOL,
						  "a frame with a head that is not valid");
		arrival = take_frame(frames, &frame);
		if (arrival != OG_ARRIVED_NOTHING)
			return arrival;
	}
	return OG_ARRIVED_NOTHING;
}

/* ---------- what is sent ---------- */

bool
og_frames_write(OgFrames *frames, OgFrameKind kind, OgSlice payload)
{
	struct wslay_frame_iocb frame = {
		.fin = 1,
		.opcode = kind,
		.mask = 1,
		.payload_length = payload.len,
		.data = (const uint8_t *) payload.data,
		.data_length = payload.len
	};
	size_t		before = frames->out_len;

	if (payload.len > frames->out_size - before ||
		OG_FRAME_MAX_HEAD > frames->out_size - before - payload.len)
		return false;
	if (wslay_frame_send(frames->wslay, &frame) == (ssize_t) payload.len)
		return true;
	frames->out_len = before;
	return false;
}

bool
og_frames_write_farewell(OgFrames *frames, int code)
{
	char		bytes[2] = {(char) (code >> 8), (char) code};

	return og_frames_write(frames, OG_FRAME_FAREWELL,
						   og_slice(bytes,
									code == OG_WS_NO_CODE ? 0 : sizeof(bytes)));
}
