/*-------------------------------------------------------------------------
 *
 * btse_stream_internal.h
 *		What the files of BTSE's streams share.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OG_BTSE_STREAM_INTERNAL_H
#define OG_BTSE_STREAM_INTERNAL_H

#include "provider/btse/btse_stream.h"

/* Say why a message is not understood, in static words. */
static inline bool
refuse(OgStreamMessage *message, const char *problem)
{
	message->problem = problem;
	return false;
}

/* Is this a string that can be a symbol, however long that is spelled? */
static inline bool
is_symbol(OgSlice value)
{
	return og_json_kind(value) == OG_JSON_STRING &&
		value.len > strlen("\"\"") &&
		value.len <= OG_MAX_MARKET + strlen("\"\"");
}

/* ---------- btse_stream.c ---------- */

/*
 * Which kind has this topic?  *rest is what follows the name and a colon, of a
 * kind that is about a market.
 */
extern bool og_btse_stream_kind(OgSlice topic, OgStreamKind *kind,
								OgSlice *rest);

/* ---------- btse_stream_book.c ---------- */

/* Read data of L1 or a book; .kind is known. */
extern bool og_btse_stream_read_book(OgStreamMessage *message, OgSlice data,
									 OgSlice topic_rest);

/* ---------- btse_stream_record.c ---------- */

/* Read data of any other kind, which is known. */
extern bool og_btse_stream_read_records(OgStreamMessage *message, OgSlice data);

#endif							/* OG_BTSE_STREAM_INTERNAL_H */
