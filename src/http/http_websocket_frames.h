/*-------------------------------------------------------------------------
 *
 * http_websocket_frames.h
 *		Frames of a WebSocket, as the client of one reads and writes them.
 *
 * Pure functions over bytes: no connection, no clock, no errors raised.  wslay
 * reads and writes single frames; what they may say, and in which order, and
 * how much of it, is decided here.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OG_HTTP_WEBSOCKET_FRAMES_H
#define OG_HTTP_WEBSOCKET_FRAMES_H

#include "ground/message.h"

/* What a control frame can carry, and a farewell besides its code. */
#define OG_FRAME_MAX_CONTROL	125
#define OG_FRAME_MAX_REASON		(OG_FRAME_MAX_CONTROL - 2)

/* The most that a frame takes besides what it carries. */
#define OG_FRAME_MAX_HEAD		14

/*
 * A message may come in so many frames: those of at least 64 bytes each make
 * the largest one.  Without a bound, empty ones could come for ever.
 */
#define OG_FRAME_MAX_PARTS		16384

typedef enum OgArrival
{
	OG_ARRIVED_NOTHING,			/* until more is fed */
	OG_ARRIVED_MESSAGE,			/* a whole text, valid UTF-8 without NUL */
	OG_ARRIVED_PING,
	OG_ARRIVED_PONG,
	OG_ARRIVED_FAREWELL,		/* .code and .payload say which */
	OG_ARRIVED_BROKEN			/* to be closed with .code for .problem */
} OgArrival;

typedef struct OgFrames
{
	struct wslay_frame_context *wslay;
	size_t		max_message;

	/* what is fed, and not taken yet */
	const char *input;
	size_t		left;

	/* the message that comes in; malloc'd */
	char	   *message;
	size_t		len;
	size_t		capacity;
	bool		in_message;		/* some of it has come, but not its last frame */
	int			parts;

	/* the frame that comes in */
	bool		in_frame;
	uint64		taken;			/* of what it carries */
	char		control[OG_FRAME_MAX_CONTROL];

	/* what has arrived */
	OgSlice		payload;		/* until the next call */
	int			code;
	const char *problem;		/* "a masked frame": what should not have come */
	bool		over;			/* nothing more is taken */

	/* where frames are written to */
	char	   *out;
	size_t		out_len;
	size_t		out_size;
} OgFrames;

/* What is written, by the names of the standard. */
typedef enum OgFrameKind
{
	OG_FRAME_TEXT = 1,
	OG_FRAME_FAREWELL = 8,
	OG_FRAME_PONG = 10
} OgFrameKind;

/* Zeroed at first.  Frames are written to "out".  False without memory. */
extern bool og_frames_open(OgFrames *frames, size_t max_message,
						   char *out, size_t out_size);
extern void og_frames_close(OgFrames *frames);

/* Give bytes, which have to stay until NOTHING arrives.  All before are taken. */
extern void og_frames_feed(OgFrames *frames, const char *bytes, size_t len);

/* Go on to the next thing that has arrived whole. */
extern OgArrival og_frames_next(OgFrames *frames);

/*
 * Append a frame to .out, masked with random bytes.  False, and nothing is
 * appended, if there is no room or nothing random.
 */
extern bool og_frames_write(OgFrames *frames, OgFrameKind kind,
							OgSlice payload);

/* The same for a farewell; OG_WS_NO_CODE is one without code. */
extern bool og_frames_write_farewell(OgFrames *frames, int code);

#endif							/* OG_HTTP_WEBSOCKET_FRAMES_H */
