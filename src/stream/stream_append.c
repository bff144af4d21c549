/*-------------------------------------------------------------------------
 *
 * stream_append.c
 *		Appended kinds: trades, fills and notifications.
 *
 * Trades and fills can be read afterwards, notifications cannot: of these, and of
 * trades that cannot be matched, an event tells from when to when they are missing.
 * So that this is known after a crash, too, a stream that is live says so every few
 * seconds by a mark.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/inval.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "ground/clock.h"
#include "stream/stream_append.h"
#include "worker/worker_table.h"

/* How often a stream that is live says so. */
#define MARK_US			(10 * USECS_PER_SEC)

/* So long one flush may take, where there is more than can be written in it. */
#define FLUSH_US		INT64CONST(60000)

/* The last attempt of a process that ends begins nothing after so long. */
#define LAST_US			(3 * USECS_PER_SEC)

/* What is shown of when a stream is complete is no older than this. */
#define SHOW_US			USECS_PER_SEC

#define GIVEN_UP \
	"its table takes rows more slowly than they come, or not at all: they are no longer asked for until it does"
#define LOST \
	"notifications of this time are lost: the provider tells each of them once"

static inline Appending *
appending_of(const Stream *stream)
{
	return stream->append;
}

/* ---------- streams that come and go ---------- */

/* Something about a table has changed. */
static void
note_change(Datum argument, Oid relid)
{
	dlist_iter	iter;

	if (og_stream_loop.context == NULL)
		return;
	dlist_foreach(iter, &og_stream_loop.streams)
	{
		Stream	   *stream = stream_of(iter.cur);

		if (stream->append == NULL || !OidIsValid(stream->wish.into_table) ||
			(relid != InvalidOid && relid != stream->wish.into_table))
			continue;
		appending_of(stream)->recheck = true;
		appending_of(stream)->is_other |= relid != InvalidOid;
	}
}

void
og_append_open(Stream *stream)
{
	static bool watching = false;

	if (!watching)
		CacheRegisterRelcacheCallback(note_change, (Datum) 0);
	watching = true;
	stream->append = og_queue_open(stream);
	appending_of(stream)->recheck = OidIsValid(stream->wish.into_table);
	og_tell_open();
}

void
og_append_close(Stream *stream)
{
	Appending  *append = appending_of(stream);

	og_backfill_stop(append);
	og_queue_close(append);
	stream->append = NULL;
}

/* ---------- marks ---------- */

/* What a stream's marks are of, where it is not followed market by market. */
static const char *
mark_symbol(const Appending *append)
{
	const char *symbol = append->stream->wish.symbol;

	return symbol != NULL ? symbol : "";
}

static void
take_mark(void *owner, const char *symbol, TimestampTz until)
{
	Appending  *append = owner;
	MemoryContext old = MemoryContextSwitchTo(append->context);
	AppendMark *mark = palloc0(sizeof(AppendMark));

	mark->symbol = pstrdup(symbol);
	mark->until = until;
	append->proved = lappend(append->proved, mark);
	MemoryContextSwitchTo(old);
}

static void
read_marks(void *arg)
{
	Appending  *append = arg;

	og_marks_read(append->stream->wish.stream_id, take_mark, append);
}

static void
forget_marks(Appending *append)
{
	ListCell   *cell;

	foreach(cell, append->proved)
	{
		AppendMark *mark = lfirst(cell);

		pfree(mark->symbol);
		pfree(mark);
	}
	list_free(append->proved);
	append->proved = NIL;
	append->known = false;
}

/* What this stream was when somebody followed it last. */
static void
know_marks(Appending *append)
{
	Stream	   *stream = append->stream;
	Trouble		trouble;
	ListCell   *cell;
	TimestampTz earliest = 0;

	forget_marks(append);
	if (!og_try(read_marks, append, &trouble))
	{
		og_trouble_show(&trouble);
		return;
	}
	append->known = true;
	foreach(cell, append->proved)
	{
		const AppendMark *mark = lfirst(cell);

		if (earliest == 0 || mark->until < earliest)
			earliest = mark->until;
	}
	if (stream->shown.complete_until == 0)
		stream->shown.complete_until = earliest;
	if (append->lost_at == 0 && stream->wish.kind != OG_STREAM_FILLS)
		append->lost_at = earliest;
	stream->changed = true;
}

/* ---------- what is told, and what is not ---------- */

void
og_append_live(Stream *stream)
{
	Appending  *append = appending_of(stream);

	append->live = true;
	append->begun = append->passed = false;
	append->live_since = GetCurrentTimestamp();
}

/* All of it is complete but what waits in the queue. */
static TimestampTz
complete_until(const Appending *append)
{
	const Stream *stream = append->stream;

	if (append->count > 0)
		return append_row_of(append->queue.head.next)->received_at;
	return stream->topic != NULL ? stream->topic->connection->last_heard : 0;
}

void
og_append_lost(Stream *stream, TimestampTz since)
{
	Appending  *append = appending_of(stream);

	if (append == NULL || !append->live)
		return;
	og_backfill_stop(append);
	append->live = append->begun = append->passed = false;
	if (stream->caught_up)
	{
		append->lost_at = since;
		if (stream->wish.kind != OG_STREAM_FILLS)
			og_queue_mark(append, mark_symbol(append), since);
	}
	else if (append->lost_at == 0)
		append->lost_at = append->live_since;
	stream->caught_up = false;
	stream->changed = true;
}

/* More than may wait: the stream is given up until its table takes rows. */
static void
give_up(Appending *append)
{
	Stream	   *stream = append->stream;
	TimestampTz from = GetCurrentTimestamp();
	TimestampTz to = from;
	int			count = og_queue_give_up(append, &from, &to) + 1;

	og_stream_set_error(stream, GIVEN_UP);
	og_stream_tell(&(StreamEvent) {
		.event = "overflow",
		.stream = stream,
		.message = GIVEN_UP,
		.from_time = from,
		.to_time = GetCurrentTimestamp(),
		.rows = count
	});
	og_backfill_stop(append);
	if (stream->caught_up || append->lost_at == 0)
		append->lost_at = from;
	forget_marks(append);
	stream->caught_up = append->passed = false;
	stream->held = true;
	stream->changed = true;
}

/* What else a record is of use for. */
static void
take_notice(Appending *append, const OgSlice *values)
{
	OgStreamKind kind = append->stream->wish.kind;

	if (kind == OG_STREAM_FILLS)
		og_backfill_see(append, values);
	if (og_stream_is_private(kind))
		og_append_tell(append, values);
	else
		og_merge_note(append, values);
}

void
og_append_take(Stream *stream, const OgStreamMessage *message)
{
	Appending  *append = appending_of(stream);

	for (int i = 0; i < message->nrecords && !stream->held; i++)
	{
		const OgStreamRecord *record = &message->records[i];

		take_notice(append, record->values);
		if (!og_queue_add(append, record->values, record->raw, false))
			give_up(append);
	}
}

/* ---------- a turn ---------- */

/* What was before is told, or is read. */
static void
begin(Appending *append)
{
	Stream	   *stream = append->stream;

	if (!append->known)
		know_marks(append);
	if (!append->known)
		return;
	append->begun = true;
	if (stream->wish.kind != OG_STREAM_NOTIFICATIONS)
	{
		og_backfill_begin(append);
		return;
	}
	if (append->lost_at != 0)
		og_stream_tell(&(StreamEvent) {
			.event = "hole",
			.stream = stream,
			.message = LOST,
			.from_time = append->lost_at,
			.to_time = append->live_since
		});
	append->passed = true;
	append->passed_at = append->added;
}

/* Is all that was missed in the table? */
static void
catch_up(Appending *append)
{
	Stream	   *stream = append->stream;

	if (!append->passed || append->done < append->passed_at ||
		stream->caught_up)
		return;
	stream->caught_up = true;
	stream->changed = true;
	append->lost_at = 0;
	append->next_mark = 0;
}

/* What was read afterwards: told of the first pass, and where there was some. */
static void
tell_read(Appending *append)
{
	if (append->read_from == 0 || append->done < append->read_at)
		return;
	if (append->nread > 0 ||
		(append->proved != NIL && !append->stream->caught_up))
		og_stream_tell(&(StreamEvent) {
			.event = "backfill",
			.stream = append->stream,
			.from_time = append->read_from,
			.to_time = append->read_until,
			.rows = append->nread
		});
	append->read_from = 0;
	append->nread = 0;
}

static void
show_complete(Appending *append)
{
	Stream	   *stream = append->stream;
	TimestampTz until = complete_until(append);

	/* Whoever believes it has to see the holes before that. */
	if (until >= stream->shown.complete_until + SHOW_US &&
		og_stream_events_are_safe(og_stream_events_told()))
	{
		stream->shown.complete_until = until;
		stream->changed = true;
	}
	if (stream->wish.kind == OG_STREAM_FILLS ||
		og_clock_now() < append->next_mark)
		return;
	append->next_mark = og_clock_now() + MARK_US;
	if (until != 0)
		og_queue_mark(append, mark_symbol(append), until);
}

static void
turn_stream(Stream *stream, OgPause *pause)
{
	Appending  *append = appending_of(stream);

	if (append->live && !append->begun)
		begin(append);
	if (append->begun)
		og_backfill_turn(append, pause);
	tell_read(append);
	catch_up(append);
	if (append->live && stream->caught_up)
		show_complete(append);
	if (append->marks != NIL)
		pause_until(pause, og_stream_loop.next_flush);
}

void
og_append_turn(OgPause *pause)
{
	dlist_iter	iter;

	dlist_foreach(iter, &og_stream_loop.streams)
	{
		Stream	   *stream = stream_of(iter.cur);

		if (stream->append != NULL)
			turn_stream(stream, pause);
	}
}

/* ---------- writing ---------- */

static bool
has_news(const Appending *append, int64 now)
{
	return (append->count > 0 || append->marks != NIL || append->recheck) &&
		append->paused_until <= now;
}

/* One kind goes into one table, as one role where that is a user's. */
static bool
go_together(const Stream *a, const Stream *b)
{
	return a->wish.kind == b->wish.kind &&
		a->wish.into_table == b->wish.into_table &&
		(!OidIsValid(a->wish.into_table) || a->wish.roleid == b->wish.roleid);
}

/* Streams that go together, and the place of each among all: first ones only. */
static List *
group_of(const Stream *first, int64 now)
{
	List	   *group = NIL;
	dlist_iter	iter;

	dlist_foreach(iter, &og_stream_loop.streams)
	{
		Stream	   *stream = stream_of(iter.cur);

		if (stream->append == NULL || !go_together(stream, first) ||
			!has_news(stream->append, now))
			continue;
		if (group == NIL && stream != first)
			return NIL;
		group = lappend(group, stream->append);
	}
	return group;
}

static List *
all_groups(void)
{
	int64		now = og_clock_now();
	List	   *groups = NIL;
	dlist_iter	iter;

	dlist_foreach(iter, &og_stream_loop.streams)
	{
		Stream	   *stream = stream_of(iter.cur);
		List	   *group;

		if (stream->append == NULL || !has_news(stream->append, now))
			continue;
		group = group_of(stream, now);
		if (group != NIL)
			groups = lappend(groups, group);
	}
	return groups;
}

void
og_append_flush(OgPause *pause)
{
	int64		until = og_clock_now() + FLUSH_US;
	bool		more;

	og_append_keep();
	og_tell_turn();
	do
	{
		ListCell   *cell;

		more = false;
		foreach(cell, all_groups())
			more |= og_append_write(lfirst(cell));
	} while (more && og_clock_now() < until);
}

/* ---------- the last attempt ---------- */

/* Up to now it was told all, so that this is where a hole begins. */
static void
prepare_last(Appending *append)
{
	Stream	   *stream = append->stream;

	append->paused_until = 0;
	if (append->live && stream->caught_up && stream->topic != NULL &&
		stream->wish.kind != OG_STREAM_FILLS)
		og_queue_mark(append, mark_symbol(append),
					  stream->topic->connection->last_heard);
}

void
og_append_write_last(void)
{
	int64		until = og_clock_now() + LAST_US;
	ListCell   *cell;
	dlist_iter	iter;

	og_into_hurry();
	dlist_foreach(iter, &og_stream_loop.streams)
	{
		if (stream_of(iter.cur)->append != NULL)
			prepare_last(stream_of(iter.cur)->append);
	}
	foreach(cell, all_groups())
	{
		while (og_clock_now() < until && og_append_write(lfirst(cell)))
			;
	}
}
