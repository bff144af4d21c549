/*-------------------------------------------------------------------------
 *
 * stream_event.c
 *		What happened to streams, for people.
 *
 * Events are kept until they can be written, up to a bound: a table that is locked
 * for hours, or a peer that makes nothing but trouble, costs no more memory than
 * that.  How many were left out is said by the first that is written afterwards.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "commands/sequence.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "ground/clock.h"
#include "stream/stream_internal.h"
#include "worker/worker.h"
#include "worker/worker_table.h"

/* Events that wait to be written, and the most of what was received with one. */
#define MOST_EVENTS		1000
#define MOST_RAW		8192

/* Old ones are removed so often, so many at once. */
#define KEEP_US			(10 * USECS_PER_SEC)
#define REMOVED_AT_ONCE	500

typedef struct Kept
{
	TimestampTz at;
	char	   *event;
	int32		stream_id;		/* 0 = none */
	const char *kind;			/* NULL = all */
	char	   *symbol;
	int			grouping;		/* -1 = none */
	Oid			serverid;
	char	   *server;
	Oid			roleid;			/* InvalidOid = nobody's */
	char	   *role;
	char	   *message;
	TimestampTz from_time;
	TimestampTz to_time;
	int64		rows;
	OgSlice		raw;
} Kept;

static struct
{
	MemoryContext context;		/* of those that are kept */
	List	   *kept;			/* Kept * */
	int64		left_out;
	uint64		told;			/* since this process began ... */
	uint64		written;		/* ... and those before are written */
	int64		next_removal;
}			events;

/* ---------- what happened ---------- */

/*
 * Whose it is: that of a server, or of an account there, or of whoever has trades
 * appended to a table of his own, whose words may be in it.
 */
static void
set_owner(Kept *kept, const StreamEvent *event)
{
	const Connection *connection = event->topic != NULL
		? event->topic->connection : event->connection;
	const Party *party = event->stream != NULL ? event->stream->party
		: connection->party;

	kept->serverid = party != NULL ? party->serverid : connection->serverid;
	kept->server = og_copy_text(party != NULL ? party->server : connection->server);
	if (party == NULL ||
		!(party->is_private ||
		  (event->stream != NULL && OidIsValid(event->stream->wish.into_table))))
		return;
	kept->roleid = party->roleid;
	kept->role = og_copy_text(party->role);
}

static void
set_subject(Kept *kept, const StreamEvent *event)
{
	set_owner(kept, event);
	kept->grouping = -1;
	if (event->stream != NULL)
	{
		const OgStreamWish *wish = &event->stream->wish;

		kept->stream_id = wish->stream_id;
		kept->kind = og_stream_kind_name(wish->kind);
		kept->symbol = og_copy_text(wish->symbol);
		kept->grouping = wish->kind == OG_STREAM_BOOK ? wish->grouping : -1;
	}
	else if (event->topic != NULL)
	{
		kept->kind = og_stream_kind_name(event->topic->kind);
		kept->symbol = og_copy_text(event->topic->symbol);
		kept->grouping = event->topic->kind == OG_STREAM_BOOK
			? event->topic->grouping : -1;
	}
	if (event->symbol != NULL)
		kept->symbol = og_copy_text(event->symbol);
}

/* What is longer is of no use to anybody, and not JSON any more where it is cut. */
static OgSlice
copy_raw(OgSlice raw)
{
	char	   *bytes;

	if (raw.data == NULL || raw.len > MOST_RAW)
		return (OgSlice) {NULL};
	bytes = palloc(raw.len);
	memcpy(bytes, raw.data, raw.len);
	return og_slice(bytes, raw.len);
}

void
og_stream_tell(const StreamEvent *event)
{
	MemoryContext old;
	Kept	   *kept;

	events.told++;
	if (list_length(events.kept) >= MOST_EVENTS)
	{
		events.left_out++;
		return;
	}
	if (events.context == NULL)
		events.context = AllocSetContextCreate(TopMemoryContext,
											   "order_gateway stream events",
											   ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(events.context);
	kept = palloc0(sizeof(Kept));
	kept->at = GetCurrentTimestamp();
	kept->event = pstrdup(event->event);
	set_subject(kept, event);
	kept->message = og_copy_text(event->message);
	kept->from_time = event->from_time;
	kept->to_time = event->to_time;
	kept->rows = event->rows;
	kept->raw = copy_raw(event->raw);
	events.kept = lappend(events.kept, kept);
	MemoryContextSwitchTo(old);
}

void
og_stream_tell_once(Connection *connection, const char *what, OgSlice raw)
{
	if (connection->strange)
		return;
	connection->strange = true;
	if (og_connection_repeats(connection, raw))
		raw = (OgSlice) {NULL};
	og_stream_tell(&(StreamEvent) {
		.event = "unexpected", .connection = connection, .message = what,
		.raw = raw
	});
}

/* ---------- rows ---------- */

bool
og_stream_has_events(void)
{
	return events.kept != NIL ||
		(og_journal_keep > 0 && og_clock_now() >= events.next_removal);
}

static const char *
message_of(const Kept *kept, bool first)
{
	if (!first || events.left_out == 0)
		return kept->message;
	return psprintf("%s%s(" INT64_FORMAT " more events were left out)",
					kept->message ? kept->message : "",
					kept->message ? " " : "", events.left_out);
}

static void
write_event(const Kept *kept, bool first)
{
	Datum		values[STREAM_EVENT_COLUMNS] = {0};
	bool		nulls[STREAM_EVENT_COLUMNS] = {false};

#define TEXT(column, text) \
	values[column] = og_text_or_null(text, &nulls[column])
#define TIME(column, at) \
	values[column] = og_time_or_null(at, &nulls[column])

	values[STREAM_EVENT_INSTALLATION] =
		UUIDPGetDatum(&og_stream_loop.installation);
	values[STREAM_EVENT_EVENT_ID] =
		Int64GetDatum(nextval_internal(og_table_oid(OG_STREAM_EVENT_ID),
									   false));
	values[STREAM_EVENT_AT] = TimestampTzGetDatum(kept->at);
	TEXT(STREAM_EVENT_EVENT, kept->event);
	nulls[STREAM_EVENT_STREAM_ID] = kept->stream_id == 0;
	values[STREAM_EVENT_STREAM_ID] = Int32GetDatum(kept->stream_id);
	TEXT(STREAM_EVENT_KIND, kept->kind);
	TEXT(STREAM_EVENT_SYMBOL, kept->symbol);
	nulls[STREAM_EVENT_BOOK_GROUPING] = kept->grouping < 0;
	values[STREAM_EVENT_BOOK_GROUPING] = Int32GetDatum(kept->grouping);
	values[STREAM_EVENT_SERVER_ID] =
		ObjectIdGetDatum(og_server_number(kept->serverid));
	values[STREAM_EVENT_SERVER] = og_name_datum(kept->server);
	nulls[STREAM_EVENT_ROLE_ID] = !OidIsValid(kept->roleid);
	values[STREAM_EVENT_ROLE_ID] = ObjectIdGetDatum(kept->roleid);
	nulls[STREAM_EVENT_ROLE] = kept->role == NULL;
	if (kept->role != NULL)
		values[STREAM_EVENT_ROLE] = og_name_datum(kept->role);
	TEXT(STREAM_EVENT_MESSAGE, message_of(kept, first));
	TIME(STREAM_EVENT_FROM_TIME, kept->from_time);
	TIME(STREAM_EVENT_TO_TIME, kept->to_time);
	nulls[STREAM_EVENT_ROWS] = kept->rows == 0;
	values[STREAM_EVENT_ROWS] = Int64GetDatum(kept->rows);
	values[STREAM_EVENT_RAW] = og_slice_or_null(kept->raw,
												&nulls[STREAM_EVENT_RAW]);
	og_table_insert(OG_STREAM_EVENT_TABLE, values, nulls);

#undef TEXT
#undef TIME
}

/* They are kept as long as calls of the journal are. */
static void
remove_old(void)
{
	int64		now = og_clock_now();
	int			most = REMOVED_AT_ONCE;
	ScanKeyData keys[2];

	if (og_journal_keep == 0 || now < events.next_removal)
		return;
	events.next_removal = now + KEEP_US;
	og_table_installation_key(&keys[0], &og_stream_loop.installation);
	ScanKeyInit(&keys[1], STREAM_EVENT_AT + 1, BTLessStrategyNumber,
				F_TIMESTAMPTZ_LT,
				TimestampTzGetDatum(GetCurrentTimestamp() -
									og_journal_keep * USECS_PER_MINUTE));
	(void) og_table_remove(OG_STREAM_EVENT_TABLE, OG_STREAM_EVENT_AT, keys, 2,
						   &most);
}

void
og_stream_write_events(void)
{
	bool		first = true;
	ListCell   *cell;

	foreach(cell, events.kept)
	{
		write_event(lfirst(cell), first);
		first = false;
	}
	remove_old();
}

void
og_stream_events_written(void)
{
	if (events.context != NULL)
		MemoryContextReset(events.context);
	events.kept = NIL;
	events.left_out = 0;
	events.written = events.told;
}

uint64
og_stream_events_told(void)
{
	return events.told;
}

bool
og_stream_events_are_safe(uint64 told)
{
	return told <= events.written;
}
