/*-------------------------------------------------------------------------
 *
 * stream_append_value.h
 *		Values of rows that wait, as SQL values.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OG_STREAM_APPEND_VALUE_H
#define OG_STREAM_APPEND_VALUE_H

#include "utils/timestamp.h"

#include "stream/stream_append.h"
#include "worker/worker_table.h"
#include "worker/worker_value.h"

/* The value of a column, in the current context; false for NULL. */
static inline bool
og_append_value(const AppendRow *row, const AppendColumn *column, Datum *value)
{
	const Stream *stream = row->append->stream;

	switch (column->source)
	{
		case FROM_RECORD:
			return og_value(og_append_shape(stream->wish.kind), column->place,
							row->values, value);
		case FROM_RAW:
			return og_value_json(row->raw, value);
		case FROM_RECEIVED_AT:
			*value = TimestampTzGetDatum(row->received_at);
			return true;
		case FROM_SOURCE:
			*value = CStringGetTextDatum(row->of_rest ? "rest" : "stream");
			return true;
		case FROM_SERVER:
			*value = og_name_datum(stream->party != NULL
								   ? stream->party->server
								   : stream->wish.server);
			return true;
		case FROM_ROLE:
			*value = og_name_datum(stream->party != NULL
								   ? stream->party->role : stream->wish.role);
			return true;
	}
	return false;
}

#endif							/* OG_STREAM_APPEND_VALUE_H */
