/*-------------------------------------------------------------------------
 *
 * worker_message.h
 *		What goes over the desk, as bytes: parts of calls there, and messages
 *		back.
 *
 * Both ends are processes of one server with one library, so numbers are as the
 * machine has them.  Texts have a NUL behind them, so that whoever reads them
 * takes them as they lie.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OG_WORKER_MESSAGE_H
#define OG_WORKER_MESSAGE_H

#include "lib/stringinfo.h"

#include "worker/worker_desk.h"

/* Bytes that are being read. */
typedef struct OgBytes
{
	const char *at;
	const char *end;
} OgBytes;

/* Append the so-manieth part of a call. */
extern void og_message_put_part(StringInfo out, const OgPart *part,
								int number);

/*
 * Read one; its texts stay where they are, and lists are made in the current
 * context.
 */
extern void og_message_get_part(OgBytes *in, OgPart *part, int *number);

/* Append a message, and read one in the same way. */
extern void og_message_put(StringInfo out, const OgDeskMessage *message);
extern void og_message_get(OgBytes *in, OgDeskMessage *message);

#endif							/* OG_WORKER_MESSAGE_H */
