/*-------------------------------------------------------------------------
 *
 * stream_topic.c
 *		What is asked for, and what becomes of it.
 *
 * A topic is live when it is acknowledged and its first data has come; of a book
 * that is its snapshot.  As soon as anything is wrong with it, its streams are
 * stale for everybody, before anything else is done; it is asked for anew, and
 * what comes until then is not looked at.  Its connection does what is to be
 * sent: this file says only when.
 *
 * What a reader sees of a book is a row that was committed; so a book is shown to
 * be live only after its row has been written, and no longer than it can be.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "ground/clock.h"
#include "stream/stream_internal.h"

/* How long the first data may take. */
#define DATA_US		(10 * USECS_PER_SEC)

/* A book, or best prices, that tell nothing for so long are asked for anew. */
#define SILENT_US	(60 * USECS_PER_SEC)

/* One that was live for so long begins with no pause again. */
#define SOUND_US	(10 * USECS_PER_SEC)

/*
 * What could not be written for so long, and one flush more, is not shown any more:
 * longer than such pauses as we make ourselves (stream_table.c).
 */
#define LATE_US		(15 * USECS_PER_SEC)

#define NOT_WRITTEN \
	"what has changed cannot be written: its table is locked, or the disk is full"

/* ---------- states ---------- */

static bool
is_late(const Topic *topic)
{
	return topic->changed && topic->written &&
		og_clock_now() - topic->changed_at >=
		LATE_US + og_stream_flush * INT64CONST(1000);
}

static bool
is_written(const Topic *topic)
{
	return og_stream_is_appended(topic->kind) ||
		(topic->written && !is_late(topic));
}

static OgStreamState
state_of(const Stream *stream)
{
	const Topic *topic = stream->topic;

	if (stream->party->account == NULL && stream->party->tried)
		return OG_STREAM_REFUSED;
	if (stream->barred ||
		(topic != NULL && topic->state == TOPIC_REFUSED))
		return OG_STREAM_REFUSED;
	if (topic != NULL && topic->state == TOPIC_LIVE && is_written(topic))
		return og_stream_is_appended(topic->kind) && !stream->caught_up
			? OG_STREAM_CATCHING_UP : OG_STREAM_LIVE;
	return stream->was_live ? OG_STREAM_STALE : OG_STREAM_CONNECTING;
}

/* The role may not follow it any more, or cannot. */
static void
tell_refused(Stream *stream, const char *problem)
{
	og_stream_set_error(stream, problem);
	og_stream_tell(&(StreamEvent) {
		.event = "refused", .stream = stream, .message = problem
	});
}

static void
tell_late(Stream *stream)
{
	og_stream_set_error(stream, NOT_WRITTEN);
	og_stream_tell(&(StreamEvent) {
		.event = "not_written", .stream = stream, .message = NOT_WRITTEN
	});
}

void
og_stream_judge(Stream *stream)
{
	OgStreamState state = state_of(stream);

	if (state == OG_STREAM_LIVE)
		stream->was_live = true;
	if (state == OG_STREAM_REFUSED && stream->shown.state != state &&
		stream->party->account == NULL)
		tell_refused(stream, stream->party->problem);
	if (state == OG_STREAM_STALE && stream->shown.state == OG_STREAM_LIVE &&
		stream->topic != NULL && is_late(stream->topic))
		tell_late(stream);
	if (stream->topic != NULL)
		stream->shown.written_by = stream->topic->written_by;
	og_stream_set_state(stream, state);
	if (stream->told != state)
		og_stream_show(stream);
}

/* Its state has changed, so that something else may be due. */
static void
judge(Topic *topic)
{
	dlist_iter	iter;

	topic->connection->stirred = true;
	dlist_foreach(iter, &topic->streams)
		og_stream_judge(topic_stream_of(iter.cur));
}

static void
set_error(Topic *topic, const char *error)
{
	dlist_iter	iter;

	dlist_foreach(iter, &topic->streams)
		og_stream_set_error(topic_stream_of(iter.cur), error);
}

static void
tell(const Topic *topic, const char *event, const char *message)
{
	og_stream_tell(&(StreamEvent) {
		.event = event, .topic = topic, .message = message
	});
}

/* ---------- topics and streams ---------- */

Topic *
og_topic_open(Connection *connection, OgStreamKind kind, const char *symbol,
			  int grouping)
{
	MemoryContext context = AllocSetContextCreate(connection->context,
												  "order_gateway topic",
												  ALLOCSET_SMALL_SIZES);
	Topic	   *topic = MemoryContextAllocZero(context, sizeof(Topic));
	MemoryContext old = MemoryContextSwitchTo(context);

	topic->context = context;
	topic->connection = connection;
	topic->kind = kind;
	topic->symbol = og_copy_text(symbol);
	topic->grouping = grouping;
	topic->name = og_btse_stream_topic(kind, symbol, grouping);
	if (kind == OG_STREAM_BOOK)
		topic->book = og_book_create();
	ItemPointerSetInvalid(&topic->place);
	dlist_init(&topic->streams);
	dlist_push_tail(&connection->topics, &topic->node);
	connection->ntopics++;
	connection->stirred = true;
	MemoryContextSwitchTo(old);
	return topic;
}

void
og_topic_close(Topic *topic)
{
	dlist_delete(&topic->node);
	topic->connection->ntopics--;
	MemoryContextDelete(topic->context);
}

void
og_topic_join(Topic *topic, Stream *stream)
{
	dlist_push_tail(&topic->streams, &stream->topic_node);
	stream->topic = topic;
	if (topic->state == TOPIC_LIVE && og_stream_is_appended(topic->kind))
		og_append_live(stream);
	og_stream_judge(stream);
}

void
og_topic_leave(Stream *stream)
{
	TimestampTz heard = stream->topic->connection->last_heard;

	dlist_delete(&stream->topic_node);
	stream->topic = NULL;
	if (og_stream_is_appended(stream->wish.kind))
		og_append_lost(stream, heard != 0 ? heard : GetCurrentTimestamp());
	og_stream_judge(stream);
}

/* ---------- what is not to be relied on ---------- */

static void
forget_data(Topic *topic)
{
	if (topic->book != NULL)
		og_book_forget(topic->book);
	topic->comparing = false;
	topic->changed = topic->written = false;
	topic->heard_at = topic->live_at = 0;
}

/* What has been asked for is no more; "since" is when it was lost. */
static void
lose(Topic *topic, TimestampTz since)
{
	bool		was_live = topic->state == TOPIC_LIVE;
	dlist_iter	iter;

	topic->state = TOPIC_WAITING;
	forget_data(topic);
	judge(topic);
	if (!was_live || !og_stream_is_appended(topic->kind))
		return;
	dlist_foreach(iter, &topic->streams)
		og_append_lost(topic_stream_of(iter.cur), since);
}

void
og_topic_lost(Topic *topic, TimestampTz since)
{
	topic->unasked = false;
	if (topic->state == TOPIC_REFUSED)
		return;
	lose(topic, since);
	topic->due = 0;
}

/* Something was wrong with it. */
static void
tell_fault(Topic *topic, const char *event, const char *message)
{
	dlist_iter	iter;

	set_error(topic, message);
	dlist_foreach(iter, &topic->streams)
		topic_stream_of(iter.cur)->shown.gaps++;
	tell(topic, event, message);
}

/* It is asked for anew: at once, then later and later. */
static void
ask_anew(Topic *topic, const char *event, const char *message)
{
	int64		now = og_clock_now();

	if (topic->live_at != 0 && now - topic->live_at >= SOUND_US)
		topic->pause_us = 0;
	topic->due = now + topic->pause_us;
	topic->pause_us = og_longer_pause(topic->pause_us);
	topic->unasked = true;
	lose(topic, GetCurrentTimestamp());
	tell_fault(topic, event, message);
}

void
og_topic_not_understood(Topic *topic, const char *problem)
{
	if (topic->state != TOPIC_WAITING && topic->state != TOPIC_REFUSED)
		ask_anew(topic, "unexpected",
				 psprintf("the provider sent a message that %s", problem));
}

/* ---------- what the connection tells ---------- */

void
og_topic_asked(Topic *topic, int64 at)
{
	topic->state = TOPIC_ASKED;
	topic->asked_at = at;
	topic->due = at + OG_ACK_US;
	topic->unasked = false;
}

static void
become_live(Topic *topic)
{
	dlist_iter	iter;

	topic->state = TOPIC_LIVE;
	topic->live_at = og_clock_now();
	topic->due = 0;
	topic->alone = false;
	topic->connection->sound = true;
	if (og_stream_is_appended(topic->kind))
	{
		topic->pause_us = 0;
		dlist_foreach(iter, &topic->streams)
			og_append_live(topic_stream_of(iter.cur));
	}
	judge(topic);
}

/* Has come what has to come before it is live? */
static bool
has_first_data(const Topic *topic)
{
	if (og_stream_is_appended(topic->kind))
		return true;
	return topic->kind == OG_STREAM_BOOK ? og_book_is_live(topic->book) : topic->heard_at != 0;
}

void
og_topic_accepted(Topic *topic)
{
	if (topic->state != TOPIC_ASKED)
		return;
	topic->connection->stirred = true;
	topic->state = TOPIC_ACCEPTED;
	topic->due = og_clock_now() + DATA_US;
	if (has_first_data(topic))
		become_live(topic);
}

void
og_topic_refused(Topic *topic, const char *message)
{
	lose(topic, GetCurrentTimestamp());
	topic->state = TOPIC_REFUSED;
	topic->due = og_clock_now() + OG_REFUSED_US;
	topic->alone = true;
	set_error(topic, message);
	judge(topic);
	tell(topic, "refused", message);
}

void
og_topic_forgive(Topic *topic)
{
	topic->due = 0;
	topic->alone = false;
	topic->connection->stirred = true;
	if (topic->state != TOPIC_REFUSED)
		return;
	topic->state = TOPIC_WAITING;
	judge(topic);
}

/* ---------- data ---------- */

static void
note_change(Topic *topic)
{
	if (!topic->changed)
		topic->changed_at = og_clock_now();
	topic->changed = true;
}

static void
take_best(Topic *topic, const OgStreamMessage *message)
{
	const OgStreamSide *sides[] = {&message->book.bids, &message->book.asks};

	if (topic->comparing)
		topic->due = 0;
	topic->comparing = false;
	for (int i = 0; i < OG_BOOK_SIDES; i++)
	{
		topic->has_best[i] = sides[i]->count > 0;
		if (topic->has_best[i])
			topic->best[i] = sides[i]->levels[0];
	}
	note_change(topic);
}

/* The snapshot of a book that was silent. */
static void
compare_with(Topic *topic, const OgStreamMessage *message)
{
	bool		comparable;
	bool		same = og_book_is(topic->book, message, &comparable);

	topic->comparing = false;
	topic->due = 0;
	if (comparable && !same)
		tell_fault(topic, "differs", "a book that was silent for 60 s is another one at the provider, of the same number");
	else if (!comparable)
		tell_fault(topic, "stalled", psprintf("a book that was silent for 60 s went on at the provider, from " INT64_FORMAT " to " INT64_FORMAT,
											  og_book_seq(topic->book),
											  message->book.seq));
}

/* False: it is not to be relied on any more, or this was passed over. */
static bool
take_book(Topic *topic, const OgStreamMessage *message)
{
	OgBookResult result;

	if (topic->comparing && message->book.is_delta)
		return false;
	if (topic->comparing)
		compare_with(topic, message);
	result = og_book_take(topic->book, message);
	if (result == OG_BOOK_OK)
		note_change(topic);
	else if (OG_BOOK_BROKE(result))
		ask_anew(topic, og_book_result_name(result),
				 og_book_result_words(result));
	return result == OG_BOOK_OK;
}

static void
count(Topic *topic)
{
	dlist_iter	iter;

	topic->heard_at = og_clock_now();
	topic->received_at = GetCurrentTimestamp();
	dlist_foreach(iter, &topic->streams)
	{
		Stream	   *stream = topic_stream_of(iter.cur);

		stream->shown.messages++;
		stream->shown.last_message_at = topic->received_at;
		stream->changed = true;
	}
}

static void
take_appended(Topic *topic, const OgStreamMessage *message)
{
	dlist_iter	iter;

	dlist_foreach(iter, &topic->streams)
		og_append_take(topic_stream_of(iter.cur), message);
}

void
og_topic_take(Topic *topic, const OgStreamMessage *message)
{
	if (topic->state == TOPIC_WAITING || topic->state == TOPIC_REFUSED)
		return;
	count(topic);
	if (og_stream_is_appended(topic->kind))
		take_appended(topic, message);
	else if (topic->kind == OG_STREAM_L1)
		take_best(topic, message);
	else if (!take_book(topic, message))
		return;
	topic->event_ms = message->event_ms;
	if (topic->state == TOPIC_ACCEPTED && has_first_data(topic))
		become_live(topic);
}

void
og_topic_written(Topic *topic)
{
	dlist_iter	iter;

	topic->place = topic->next_place;
	topic->changed = false;
	topic->written = topic->state == TOPIC_LIVE;
	dlist_foreach(iter, &topic->streams)
	{
		topic_stream_of(iter.cur)->shown.rows++;
		topic_stream_of(iter.cur)->changed = true;
	}
	judge(topic);
}

/* ---------- what is late ---------- */

/* It may be silent since nothing happens: it is asked for anew; books are compared. */
static void
compare(Topic *topic)
{
	topic->comparing = true;
	topic->unasked = true;
	topic->due = og_clock_now() + DATA_US;
}

void
og_topic_turn(Topic *topic, OgPause *pause)
{
	int64		now = og_clock_now();
	bool		watched = !og_stream_is_appended(topic->kind) &&
		topic->state == TOPIC_LIVE && !topic->comparing;

	if (watched && now - topic->heard_at >= SILENT_US)
		compare(topic);
	else if (watched)
		pause_until(pause, topic->heard_at + SILENT_US);
	if ((topic->state == TOPIC_ACCEPTED || topic->comparing) &&
		now >= topic->due)
		ask_anew(topic, "silent", "no data came within 10 s");
	if (topic->due > now)
		pause_until(pause, topic->due);
}
