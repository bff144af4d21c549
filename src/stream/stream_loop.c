/*-------------------------------------------------------------------------
 *
 * stream_loop.c
 *		What a stream worker does in a turn.
 *
 * It takes what has come in, at most so much of each connection; writes what is to
 * be written, each time that the setting says; and looks each second, or when it
 * was asked, which streams there are.
 *
 * No transaction stays open beyond a step of a turn.  What cannot be written stays
 * in memory and is tried again: of books only what they are then.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "ground/clock.h"
#include "stream/stream_internal.h"
#include "worker/worker_table.h"
#include "worker/worker_try.h"

/* What could not be written is tried again after this. */
#define WRITE_AGAIN_US	(1 * USECS_PER_SEC)
#define LOCKED_US		INT64CONST(50000)

#define ROOM \
	"order_gateway_streams can show no more than " CppAsString2(OG_MOST_STREAMS) " streams"

/* ---------- streams ---------- */

static Stream *
find_stream(int32 stream_id)
{
	dlist_iter	iter;

	dlist_foreach(iter, &og_stream_loop.streams)
	{
		if (stream_of(iter.cur)->wish.stream_id == stream_id)
			return stream_of(iter.cur);
	}
	return NULL;
}

static void
fill_shown(Stream *stream)
{
	OgStreamShown *shown = &stream->shown;
	const OgStreamWish *wish = &stream->wish;

	shown->stream_id = wish->stream_id;
	shown->dboid = MyDatabaseId;
	shown->serverid = wish->serverid;
	shown->roleid = wish->roleid;
	shown->kind = wish->kind;
	shown->grouping = wish->grouping;
	shown->into_table = OidIsValid(wish->into_table);
	strlcpy(shown->symbol, wish->symbol ? wish->symbol : "",
			sizeof(shown->symbol));
	shown->state = OG_STREAM_CONNECTING;
	shown->since = GetCurrentTimestamp();
}

static void
add_stream(const OgStreamWish *wish)
{
	MemoryContext context = AllocSetContextCreate(og_stream_loop.context,
												  "order_gateway stream",
												  ALLOCSET_SMALL_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	Stream	   *stream = palloc0(sizeof(Stream));

	stream->context = context;
	stream->wish = *wish;
	stream->wish.symbol = og_copy_text(wish->symbol);
	stream->wish.server = pstrdup(wish->server);
	stream->wish.role = pstrdup(wish->role);
	stream->wanted = true;
	stream->party = og_party_for(wish);
	fill_shown(stream);
	dlist_push_tail(&og_stream_loop.streams, &stream->node);
	stream->place = og_stream_place();
	if (stream->place < 0)
		og_stream_tell(&(StreamEvent) {
			.event = "not_shown", .stream = stream, .message = ROOM
		});
	og_stream_show(stream);
	if (og_stream_is_appended(wish->kind))
		og_append_open(stream);
	MemoryContextSwitchTo(old);
}

/* It does not follow its topic; nobody does, maybe. */
static void
unfollow(Stream *stream)
{
	Topic	   *topic = stream->topic;

	if (topic == NULL)
		return;
	og_topic_leave(stream);
	if (dlist_is_empty(&topic->streams))
		og_connection_drop_topic(topic);
}

static void
forget_stream(Stream *stream)
{
	unfollow(stream);
	if (og_stream_is_appended(stream->wish.kind))
		og_append_close(stream);
	og_stream_unshow(stream);
	dlist_delete(&stream->node);
	MemoryContextDelete(stream->context);
}

/* ---------- which there are ---------- */

typedef struct Looking
{
	bool		there;			/* this is still the installation */
	bool		locked;			/* that cannot be told now */
	bool		held;
	List	   *wishes;
	List	   *servers;
	MemoryContext context;
} Looking;

static void
read_wishes(void *arg)
{
	Looking    *looking = arg;
	OgInstallation installation;
	MemoryContext old;

	/* Whoever has a table for himself does not hold up what comes in. */
	looking->locked = og_tables_exist() &&
		(!og_table_try_lock(OG_INSTALLATION_TABLE, AccessShareLock) ||
		 !og_table_try_lock(OG_STREAM_TABLE, AccessShareLock) ||
		 !og_table_try_lock(OG_STREAM_SERVER_TABLE, RowExclusiveLock));
	if (looking->locked || !og_journal_find(&installation) ||
		og_table_oid(OG_STREAM_TABLE) != og_stream_loop.table ||
		memcmp(&installation.id, &og_stream_loop.installation,
			   sizeof(pg_uuid_t)) != 0)
		return;
	looking->there = true;

	/* After pg_upgrade the gateway worker finds anew at which servers they are. */
	looking->held = installation.held || og_journal_is_moved(&installation);
	old = MemoryContextSwitchTo(looking->context);
	looking->wishes = og_streams_read(&installation.id);
	if (!looking->held)
		looking->servers = og_servers_read(looking->wishes);
	MemoryContextSwitchTo(old);
}

/* Servers and rights may have changed, and a target may take rows again. */
static void
place_streams(void)
{
	dlist_iter	iter;

	dlist_foreach(iter, &og_stream_loop.streams)
	{
		Stream	   *stream = stream_of(iter.cur);
		bool		follows = stream->party->account != NULL && !stream->held;

		if (follows && stream->topic == NULL)
			og_topic_join(og_connection_topic(stream->party, &stream->wish),
						  stream);
		else if (!follows)
			unfollow(stream);
		og_stream_judge(stream);
	}
}

static void
follow_connections(void)
{
	dlist_mutable_iter iter;

	dlist_foreach_modify(iter, &og_stream_loop.connections)
	{
		Connection *connection = connection_of(iter.cur);

		if (connection->ntopics == 0)
			og_connection_close(connection);
		else
			og_connection_follow(connection);
	}
}

static void
compare(const Looking *looking)
{
	dlist_mutable_iter iter;
	ListCell   *cell;

	dlist_foreach_modify(iter, &og_stream_loop.streams)
		stream_of(iter.cur)->wanted = false;
	foreach(cell, looking->held ? NIL : looking->wishes)
	{
		const OgStreamWish *wish = lfirst(cell);
		Stream	   *stream = find_stream(wish->stream_id);

		if (stream == NULL)
			add_stream(wish);
		else
			stream->wanted = true;
	}
	dlist_foreach_modify(iter, &og_stream_loop.streams)
	{
		if (!stream_of(iter.cur)->wanted)
			forget_stream(stream_of(iter.cur));
	}
}

OgStreamSight
og_stream_look(void)
{
	Looking		looking = {.context = CurrentMemoryContext};
	Trouble		trouble;

	og_stream_loop.now = og_clock_now();
	if (!og_try(read_wishes, &looking, &trouble))
	{
		/* What is locked now was there before. */
		og_trouble_show(&trouble);
		return OG_STREAM_SOME;
	}
	if (looking.locked)
		return OG_STREAM_SOME;
	if (!looking.there)
		return OG_STREAM_ELSEWHERE;
	if (!looking.held)
		og_servers_take(looking.servers);
	compare(&looking);

	/* Connections of accounts go before these do. */
	follow_connections();
	og_parties_look();
	place_streams();
	follow_connections();
	return looking.wishes != NIL || og_stream_has_events() ? OG_STREAM_SOME
		: OG_STREAM_NOTHING;
}

/* ---------- writing ---------- */

static void
check_tables(void)
{
	if (og_table_oid(OG_STREAM_TABLE) != og_stream_loop.table)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("the tables of these streams do not exist any more")));
}

static void
write_book_rows(void *arg)
{
	check_tables();
	og_stream_write_books();
}

/* False: that is to be tried again. */
static bool
write_books(void)
{
	Trouble		trouble;
	bool		done;

	if (!og_stream_has_books())
		return true;
	done = og_try(write_book_rows, NULL, &trouble);
	if (!done)
		og_trouble_show(&trouble);
	og_stream_books_written(done);
	return done;
}

static void
write_event_rows(void *arg)
{
	bool	   *done = arg;

	check_tables();
	*done = og_table_try_lock(OG_STREAM_EVENT_TABLE, RowExclusiveLock);
	if (*done)
		og_stream_write_events();
}

static void
write_events(void)
{
	Trouble		trouble;
	bool		done = false;

	if (!og_stream_has_events() || og_clock_now() < og_stream_loop.events_again)
		return;
	if (!og_try(write_event_rows, &done, &trouble))
	{
		og_trouble_show(&trouble);
		og_stream_loop.events_again = og_clock_now() + WRITE_AGAIN_US;
	}
	else if (done)
		og_stream_events_written();
}

/*
 * What was renamed since the last look: rows have the names of servers, and after
 * pg_upgrade they are found by these.
 */
static void
look_at_names(void)
{
	Looking		looking = {.context = CurrentMemoryContext};
	Trouble		trouble;

	og_stream_loop.now = og_clock_now();
	if (!og_try(read_wishes, &looking, &trouble))
		og_trouble_show(&trouble);
	else if (looking.there && !looking.held)
	{
		og_servers_take(looking.servers);
		og_parties_look();
	}
}

void
og_stream_write_last(void)
{
	OgPause		pause = {0, OG_WAIT_STREAM};
	dlist_iter	iter;

	look_at_names();

	/* What has come in by now is told as well. */
	dlist_foreach(iter, &og_stream_loop.connections)
	{
		Connection *connection = connection_of(iter.cur);

		if (connection->state == CONNECTION_OPEN)
			(void) og_connection_turn(connection, &pause);
	}

	/* Marks wait for events that were told before. */
	og_stream_loop.events_again = 0;
	write_events();
	og_append_write_last();
	og_stream_loop.events_again = 0;
	write_events();
}

static void
show_changes(void)
{
	dlist_iter	iter;

	dlist_foreach(iter, &og_stream_loop.streams)
	{
		og_stream_judge(stream_of(iter.cur));
		if (stream_of(iter.cur)->changed)
			og_stream_show(stream_of(iter.cur));
	}
}

/* Is there anything that the next flush is for? */
static bool
has_news(void)
{
	dlist_iter	iter;

	if (og_stream_has_books() || og_stream_has_events())
		return true;
	dlist_foreach(iter, &og_stream_loop.streams)
	{
		if (stream_of(iter.cur)->changed ||
			stream_of(iter.cur)->shown.queued > 0)
			return true;
	}
	return false;
}

/* What could not be written now, since it is locked, is not tried all the time. */
static void
flush(OgPause *pause)
{
	int64		wait_us = og_stream_flush * INT64CONST(1000);
	bool		done = write_books();

	/* Which cannot be written does not hold up the other. */
	write_events();
	og_append_flush(pause);
	show_changes();
	og_stream_loop.news = has_news();
	if (!done)
		wait_us = WRITE_AGAIN_US;
	else if (og_stream_loop.news)
		wait_us = Max(wait_us, LOCKED_US);
	og_stream_loop.next_flush = og_clock_now() + wait_us;
}

/* ---------- a turn ---------- */

bool
og_stream_turn(OgPause *pause)
{
	bool		more = false;
	dlist_iter	iter;

	og_stream_loop.now = og_clock_now();
	og_stream_tell_alive();
	dlist_foreach(iter, &og_stream_loop.connections)
		more |= og_connection_turn(connection_of(iter.cur), pause);
	og_append_turn(pause);
	if (og_clock_now() >= og_stream_loop.next_flush)
		flush(pause);

	/* Most turns follow others with news of their own. */
	if (!og_stream_loop.news)
		og_stream_loop.news = has_news();
	if (og_stream_loop.news)
		pause_until(pause, og_stream_loop.next_flush);
	return more;
}

/* ---------- opening and closing ---------- */

static void
forget_books(void *arg)
{
	og_stream_forget_books();
}

void
og_stream_open(const pg_uuid_t *installation, Oid table)
{
	Trouble		trouble;

	memset(&og_stream_loop, 0, sizeof(og_stream_loop));
	og_stream_loop.context = AllocSetContextCreate(TopMemoryContext,
												   "order_gateway streams",
												   ALLOCSET_DEFAULT_SIZES);
	og_stream_loop.message_context =
		AllocSetContextCreate(og_stream_loop.context,
							  "order_gateway stream message",
							  ALLOCSET_DEFAULT_SIZES);
	og_stream_loop.installation = *installation;
	og_stream_loop.table = table;
	dlist_init(&og_stream_loop.streams);
	dlist_init(&og_stream_loop.parties);
	dlist_init(&og_stream_loop.connections);
	og_stream_tell_alive();
	if (!og_try(forget_books, NULL, &trouble))
		og_trouble_show(&trouble);
}

void
og_stream_close(void)
{
	dlist_mutable_iter iter;

	if (og_stream_loop.context == NULL)
		return;
	dlist_foreach_modify(iter, &og_stream_loop.streams)
		forget_stream(stream_of(iter.cur));
	dlist_foreach_modify(iter, &og_stream_loop.connections)
		og_connection_close(connection_of(iter.cur));
	og_parties_close();
	MemoryContextDelete(og_stream_loop.context);
	og_stream_loop.context = NULL;
}
