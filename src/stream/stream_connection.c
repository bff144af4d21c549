/*-------------------------------------------------------------------------
 *
 * stream_connection.c
 *		Connections: which topics each carries, where it goes, and what comes
 *		after a loss.
 *
 * What is private has a connection of its own for each account, so that nothing
 * that is public can take it down.  Two groupings of one market never share one,
 * since what the provider tells of a book does not say which of them it is.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "common/pg_prng.h"
#include "miscadmin.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "ground/clock.h"
#include "stream/stream_internal.h"

/* ---------- where it goes ---------- */

/* The account that says so: its own, or that of anybody at the server. */
static const OgAccount *
account_of(Connection *connection)
{
	dlist_iter	iter;

	if (connection->party != NULL)
		return connection->party->account;
	dlist_foreach(iter, &og_stream_loop.parties)
	{
		Party	   *party = party_of_node(iter.cur);

		if (party->serverid == connection->serverid && party->account != NULL)
			return party->account;
	}
	return NULL;
}

static const char *
url_of(Connection *connection, const OgAccount *account)
{
	return connection->of_books ? account->book_stream_url
		: account->stream_url;
}

/* Credentials are wiped with the context. */
static void
set_place(Connection *connection, const OgAccount *account)
{
	MemoryContext old;

	MemoryContextReset(connection->place_context);
	old = MemoryContextSwitchTo(connection->place_context);
	connection->target.url = pstrdup(url_of(connection, account));
	connection->target.sslrootcert = og_copy_text(account->sslrootcert);
	connection->target.connect_timeout_ms = account->connect_timeout;
	connection->target.max_message = OG_WS_MAX_MESSAGE;
	connection->awaits_login = account->stream_login_ack;
	connection->server = pstrdup(account->server);
	memset(connection->credentials, 0, sizeof(connection->credentials));
	for (int i = 0; i < OG_MAX_CREDENTIALS && connection->party != NULL; i++)
	{
		const char *text = account->credentials[i];

		if (text != NULL)
			connection->credentials[i] = og_account_secret(text, strlen(text));
	}
	MemoryContextSwitchTo(old);
}

static bool
is_there(Connection *connection, const OgAccount *account)
{
	const OgWebSocketTarget *target = &connection->target;

	for (int i = 0; i < OG_MAX_CREDENTIALS && connection->party != NULL; i++)
	{
		if (!og_same_text(connection->credentials[i], account->credentials[i]))
			return false;
	}
	return og_same_text(target->url, url_of(connection, account)) &&
		og_same_text(target->sslrootcert, account->sslrootcert) &&
		target->connect_timeout_ms == account->connect_timeout &&
		connection->awaits_login == account->stream_login_ack;
}

/* ---------- which there are ---------- */

static Connection *
make_connection(Party *party, bool of_books)
{
	MemoryContext context = AllocSetContextCreate(og_stream_loop.context,
												  "order_gateway stream connection",
												  ALLOCSET_SMALL_SIZES);
	Connection *connection = MemoryContextAllocZero(context,
													sizeof(Connection));

	connection->context = context;
	connection->place_context =
		AllocSetContextCreate(context, "order_gateway stream place",
							  ALLOCSET_SMALL_SIZES);
	connection->socket_context =
		AllocSetContextCreate(context, "order_gateway stream socket",
							  ALLOCSET_DEFAULT_SIZES);
	connection->serverid = party->serverid;
	connection->party = party->is_private ? party : NULL;
	connection->of_books = of_books;
	set_place(connection, party->account);
	dlist_init(&connection->topics);
	dlist_push_tail(&og_stream_loop.connections, &connection->node);
	return connection;
}

static bool
is_topic(const Topic *topic, const OgStreamWish *wish)
{
	return topic->kind == wish->kind && topic->grouping == wish->grouping &&
		og_same_text(topic->symbol, wish->symbol);
}

static Topic *
find_topic(Connection *connection, const OgStreamWish *wish)
{
	dlist_iter	iter;

	dlist_foreach(iter, &connection->topics)
	{
		if (is_topic(topic_of(iter.cur), wish))
			return topic_of(iter.cur);
	}
	return NULL;
}

/* Would its messages be told from those of all others there? */
static bool
has_room(Connection *connection, const OgStreamWish *wish)
{
	dlist_iter	iter;

	if (connection->ntopics >= MOST_TOPICS)
		return false;
	dlist_foreach(iter, &connection->topics)
	{
		const Topic *topic = topic_of(iter.cur);

		if (topic->kind == wish->kind && og_same_text(topic->symbol, wish->symbol))
			return false;
	}
	return true;
}

Topic *
og_connection_topic(Party *party, const OgStreamWish *wish)
{
	bool		of_books = og_btse_stream_is_at_books(wish->kind);
	Connection *roomy = NULL;
	dlist_iter	iter;

	dlist_foreach(iter, &og_stream_loop.connections)
	{
		Connection *connection = connection_of(iter.cur);
		Topic	   *topic;

		if (connection->serverid != party->serverid ||
			connection->of_books != of_books ||
			connection->party != (party->is_private ? party : NULL))
			continue;
		topic = find_topic(connection, wish);
		if (topic != NULL)
			return topic;
		if (roomy == NULL && has_room(connection, wish))
			roomy = connection;
	}
	if (roomy == NULL)
		roomy = make_connection(party, of_books);
	return og_topic_open(roomy, wish->kind, wish->symbol, wish->grouping);
}

/* ---------- losing it ---------- */

/* Each process has pauses of its own. */
static int64
with_jitter(int64 pause_us)
{
	int64		half = pause_us / 2;

	return half + (int64) (half * pg_prng_double(&pg_global_prng_state));
}

static void
drop_socket(Connection *connection, int code)
{
	if (connection->socket != NULL)
		og_websocket_close(connection->socket, code);
	connection->socket = NULL;
	MemoryContextReset(connection->socket_context);
}

/* Pauses grow until one connection has carried something that was live. */
static void
rest(Connection *connection)
{
	int64		now = og_clock_now();

	if (connection->sound)
		connection->pause_us = 0;
	connection->sound = false;
	connection->pause_us = og_longer_pause(connection->pause_us);
	connection->state = CONNECTION_PAUSING;
	connection->due = now + with_jitter(connection->pause_us);
	connection->opened_at = connection->pong_due = 0;
}

void
og_connection_lose(Connection *connection, int code, const char *why)
{
	bool		was_open = connection->opened_at != 0;
	TimestampTz since = connection->last_heard != 0
		? connection->last_heard : GetCurrentTimestamp();
	char	   *message = pstrdup(why);
	dlist_iter	iter;
	dlist_iter	inner;

	drop_socket(connection, code);
	rest(connection);
	dlist_foreach(iter, &connection->topics)
	{
		Topic	   *topic = topic_of(iter.cur);

		og_topic_lost(topic, since);

		/* What was refused has another reason. */
		if (topic->state == TOPIC_REFUSED)
			continue;
		dlist_foreach(inner, &topic->streams)
			og_stream_set_error(topic_stream_of(inner.cur), message);
	}

	/* What cannot be reached for hours is told once, and in last_error. */
	if (was_open || !connection->told)
		og_stream_tell(&(StreamEvent) {
			.event = was_open ? "disconnected" : "not_connected",
			.connection = connection, .message = message
		});
	connection->told = true;
	pfree(message);
}

/* What the socket says of its end. */
void
og_connection_lose_closed(Connection *connection)
{
	const char *problem = og_websocket_problem(connection->socket);
	OgSlice		reason = og_websocket_close_reason(connection->socket);

	if (problem == NULL)
		problem = "the provider closed the connection";
	og_connection_lose(connection, OG_WS_NORMAL,
					   reason.len == 0 || og_connection_repeats(connection, reason)
					   ? problem :
					   psprintf("%s (%.*s)", problem, (int) reason.len,
								reason.data));
}

void
og_connection_close(Connection *connection)
{
	dlist_mutable_iter iter;

	dlist_foreach_modify(iter, &connection->topics)
		og_topic_close(topic_of(iter.cur));
	drop_socket(connection, OG_WS_NORMAL);
	dlist_delete(&connection->node);
	MemoryContextDelete(connection->context);
}

void
og_connection_follow(Connection *connection)
{
	const OgAccount *account = account_of(connection);
	dlist_iter	iter;

	if (account == NULL || is_there(connection, account))
		return;
	set_place(connection, account);
	if (connection->state != CONNECTION_PAUSING)
		og_connection_lose(connection, OG_WS_NORMAL, "options of the server, or of the user mapping, have changed");
	connection->due = 0;

	/* What was refused there may be taken here. */
	dlist_foreach(iter, &connection->topics)
		og_topic_forgive(topic_of(iter.cur));
}

void
og_connection_drop_topic(Topic *topic)
{
	Connection *connection = topic->connection;
	const char *name = topic->name;

	if (connection->state == CONNECTION_OPEN &&
		topic->state != TOPIC_WAITING && topic->state != TOPIC_REFUSED)
		og_ask(connection, &name, 1, false);
	og_topic_close(topic);
}
