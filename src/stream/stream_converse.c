/*-------------------------------------------------------------------------
 *
 * stream_converse.c
 *		What is said on a connection: login, pings, and what each message is.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "ground/clock.h"
#include "ground/crypto.h"
#include "stream/stream_internal.h"

#define LOGIN_US		(5 * USECS_PER_SEC)
#define PING_US			(10 * USECS_PER_SEC)
#define PONG_US			(10 * USECS_PER_SEC)

/* So many messages are taken in one turn, or so many bytes and one message. */
#define MESSAGES_IN_TURN 200
#define BYTES_IN_TURN	(1024 * 1024)

/* ---------- what comes ---------- */

/*
 * The topic whose data it is, or NULL.  Where it tells a grouping that is another,
 * it comes late, from one that was followed before.
 */
static Topic *
find_subject(Connection *connection, const OgStreamMessage *message)
{
	dlist_iter	iter;

	dlist_foreach(iter, &connection->topics)
	{
		Topic	   *topic = topic_of(iter.cur);

		if (topic->kind == message->kind &&
			(topic->kind != OG_STREAM_BOOK || message->grouping < 0 ||
			 topic->grouping == message->grouping) &&
			(topic->symbol == NULL ||
			 (message->symbol != NULL &&
			  strcmp(topic->symbol, message->symbol) == 0)))
			return topic;
	}
	return NULL;
}

static void
take_data(Connection *connection, const OgStreamMessage *message)
{
	Topic	   *topic = find_subject(connection, message);

	if (topic != NULL)
		og_topic_take(topic, message);
	else
		og_stream_tell_once(connection, "the provider sent data that was not asked for",
					 message->value);
}

/*
 * What was told is not known now.  Where it can be asked for anew, that is done;
 * what is not about anything that we asked for does no harm.  False: the
 * connection was lost.
 */
static bool
take_nonsense(Connection *connection, const OgStreamMessage *message)
{
	char	   *words = psprintf("the provider sent a message that %s",
								 message->problem);
	Topic	   *topic = message->is_data && message->symbol != NULL
		? find_subject(connection, message) : NULL;

	if (topic != NULL && !og_stream_is_appended(topic->kind))
	{
		og_topic_not_understood(topic, message->problem);
		return true;
	}
	if (!message->is_data && message->value.data != NULL)
	{
		og_stream_tell_once(connection, words, message->value);
		return true;
	}
	og_connection_lose(connection, OG_WS_POLICY, words);
	return false;
}

static void
be_open(Connection *connection)
{
	int64		now = og_clock_now();
	dlist_iter	iter;
	dlist_iter	inner;

	connection->state = CONNECTION_OPEN;
	connection->opened_at = now;
	connection->ping_at = now + PING_US;
	connection->told = connection->strange = false;
	connection->empty_due = 0;
	connection->stirred = true;
	og_stream_tell(&(StreamEvent) {
		.event = "connected", .connection = connection,
		.message = connection->target.url
	});
	dlist_foreach(iter, &connection->topics)
	{
		dlist_foreach(inner, &topic_of(iter.cur)->streams)
		{
			topic_stream_of(inner.cur)->shown.reconnects += connection->was_open;
			topic_stream_of(inner.cur)->changed = true;
		}
	}
	connection->was_open = true;
}

/* False: it was lost. */
static bool
take_login(Connection *connection, const OgStreamMessage *message)
{
	if (connection->state != CONNECTION_LOGGING_IN)
		return true;
	if (message->success)
	{
		be_open(connection);
		return true;
	}
	og_connection_lose(connection, OG_WS_NORMAL, "the provider refused the login");
	return false;
}

/* False: it was lost. */
static bool
take(Connection *connection, OgSlice text)
{
	OgStreamMessage message;

	connection->last_heard = connection->drained_at;
	if (!og_btse_stream_read(text, &message))
		return take_nonsense(connection, &message);
	switch (message.what)
	{
		case OG_STREAM_PONG:
			connection->pong_due = 0;
			break;
		case OG_STREAM_SUBSCRIBED:
			og_ask_acknowledged(connection, &message);
			break;
		case OG_STREAM_LOGIN:
			return take_login(connection, &message);
		case OG_STREAM_ERROR:
			og_ask_refused(connection, &message);
			break;
		case OG_STREAM_DATA:
			take_data(connection, &message);
			break;
		case OG_STREAM_UNSUBSCRIBED:
		case OG_STREAM_NOT_UNDERSTOOD:
			break;
	}
	return true;
}

/* ---------- a turn ---------- */

static void
open_socket(Connection *connection)
{
	connection->state = CONNECTION_OPENING;
	connection->last_heard = 0;
	connection->drained_at = GetCurrentTimestamp();
	connection->socket = og_websocket_open(connection->socket_context,
										   &connection->target);
}

/* Nonces increase, also where two follow in one millisecond. */
static int64
next_nonce(void)
{
	static int64 last = 0;

	last = Max(last + 1, og_unix_ms(GetCurrentTimestamp()));
	return last;
}

static void
log_in(Connection *connection)
{
	OgSigner	signer = {.credentials = connection->credentials};
	char	   *text;

	if (connection->party == NULL)
	{
		be_open(connection);
		return;
	}
	signer.time_ms = next_nonce();
	text = og_btse_stream_login(&signer);
	if (text == NULL)
	{
		og_connection_lose(connection, OG_WS_NORMAL, "the login could not be signed");
		return;
	}
	connection->state = CONNECTION_LOGGING_IN;
	connection->due = og_clock_now() + LOGIN_US;
	og_send(connection, text);
	og_wipe(text, strlen(text));
	pfree(text);
	if (!connection->awaits_login)
		be_open(connection);
}

/* False: it was lost. */
static bool
keep_alive(Connection *connection, int64 now, OgPause *pause)
{
	if (connection->pong_due != 0 && now >= connection->pong_due)
	{
		og_connection_lose(connection, OG_WS_NORMAL, "a ping was not answered within 10 s");
		return false;
	}
	if (connection->pong_due == 0 && now >= connection->ping_at)
	{
		connection->ping_at = now + PING_US;
		connection->pong_due = now + PONG_US;
		og_send(connection, OG_STREAM_PING);
	}
	pause_until(pause, connection->pong_due != 0 ? connection->pong_due
				: connection->ping_at);
	return true;
}

/* There may be a hundred of them, and a message each millisecond. */
static void
tend_topics(Connection *connection, OgPause *pause)
{
	OgPause		next = {0, OG_WAIT_STREAM};
	int64		now = og_clock_now();
	dlist_iter	iter;

	if (!connection->stirred && now < connection->tend_at)
	{
		pause_until(pause, connection->tend_at);
		return;
	}
	connection->stirred = false;
	if (og_ask_is_overdue(connection, now))
	{
		og_connection_lose(connection, OG_WS_NORMAL, "what was asked for was not acknowledged within 10 s");
		return;
	}
	dlist_foreach(iter, &connection->topics)
		og_topic_turn(topic_of(iter.cur), &next);
	og_ask_for_topics(connection, now);
	dlist_foreach(iter, &connection->topics)
	{
		if (topic_of(iter.cur)->due > now)
			pause_until(&next, topic_of(iter.cur)->due);
	}

	/* What has changed just now is looked at once more. */
	connection->tend_at = connection->stirred ? now
		: next.until != 0 ? next.until : now + PING_US;
	pause_until(pause, connection->tend_at);
}

static void
advance(Connection *connection, OgPause *pause)
{
	int64		now = og_clock_now();

	if (connection->state == CONNECTION_LOGGING_IN && now >= connection->due)
		og_connection_lose(connection, OG_WS_NORMAL, "the login was not acknowledged within 5 s");
	if (connection->state == CONNECTION_LOGGING_IN)
		pause_until(pause, connection->due);
	if (connection->state == CONNECTION_OPEN &&
		keep_alive(connection, now, pause))
		tend_topics(connection, pause);
}

static void
note_drained(Connection *connection)
{
	TimestampTz at = og_websocket_drained_at(connection->socket);

	if (at != 0)
		connection->drained_at = at;
}

/* True: there may be more.  What each message needs goes with it. */
static bool
receive(Connection *connection)
{
	OgSlice		text;
	size_t		taken = 0;

	for (int i = 0; i < MESSAGES_IN_TURN && taken < BYTES_IN_TURN; i++)
	{
		MemoryContext old;
		bool		lost;
		bool		any;

		any = og_websocket_next(connection->socket, &text);
		if (connection->state == CONNECTION_OPENING &&
			og_websocket_state(connection->socket) == OG_WS_OPEN)
			log_in(connection);
		if (connection->socket == NULL)
			return false;
		if (!any)
		{
			note_drained(connection);
			return false;
		}
		taken += text.len;
		old = MemoryContextSwitchTo(og_stream_loop.message_context);
		lost = !take(connection, text);
		MemoryContextSwitchTo(old);
		MemoryContextReset(og_stream_loop.message_context);
		if (lost)
			return false;
	}
	return true;
}

bool
og_connection_turn(Connection *connection, OgPause *pause)
{
	bool		more = false;

	if (connection->state == CONNECTION_PAUSING &&
		og_clock_now() >= connection->due)
		open_socket(connection);
	if (connection->state != CONNECTION_PAUSING)
		more = receive(connection);
	advance(connection, pause);
	if (connection->state != CONNECTION_PAUSING && !more &&
		og_websocket_state(connection->socket) == OG_WS_CLOSED)
		og_connection_lose_closed(connection);
	if (connection->state == CONNECTION_PAUSING)
		pause_until(pause, connection->due);
	return more;
}
