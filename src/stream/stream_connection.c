/*-------------------------------------------------------------------------
 *
 * stream_connection.c
 *		Connections: which topics each carries, login, pings, acknowledgements,
 *		and what comes after a loss.
 *
 * What is private has a connection of its own for each account, so that nothing
 * that is public can take it down.  Two groupings of one market never share one,
 * since what the provider tells of a book does not say which of them it is.
 *
 * Topics are asked for together, but for those that were refused.  What was asked
 * for and what is acknowledged are compared as sets; where nothing of it is, the
 * connection is no good.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "common/pg_prng.h"
#include "miscadmin.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "ground/clock.h"
#include "ground/crypto.h"
#include "stream/stream_internal.h"

#define LOGIN_US		(5 * USECS_PER_SEC)
#define PING_US			(10 * USECS_PER_SEC)
#define PONG_US			(10 * USECS_PER_SEC)

/* Pauses after losses, which one that was open for so long ends. */
#define FIRST_PAUSE_US	(1 * USECS_PER_SEC)
#define LAST_PAUSE_US	(60 * USECS_PER_SEC)
#define SOUND_US		(10 * USECS_PER_SEC)

/* The largest message, and how many are taken in one turn. */
#define MOST_MESSAGE	(1024 * 1024)
#define MESSAGES_IN_TURN 200

/* How much of an error's words is repeated, in characters. */
#define MOST_CODE		64
#define MOST_WORDS		200

/* Why a connection is closed by us. */
#define CLOSE_NORMAL	1000
#define CLOSE_NONSENSE	1008

static void
tell(const Connection *connection, const char *event, const char *message)
{
	og_stream_tell(&(StreamEvent) {
		.event = event, .connection = connection, .message = message
	});
}

/* ---------- where it goes ---------- */

static char *
copy(const char *text)
{
	return text != NULL ? pstrdup(text) : NULL;
}

static bool
is_same(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

/* The account that says so: its own, or that of anybody at the server. */
static const OgAccount *
account_of(const Connection *connection)
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
url_of(const Connection *connection, const OgAccount *account)
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
	connection->target.sslrootcert = copy(account->sslrootcert);
	connection->target.connect_timeout_ms = account->connect_timeout;
	connection->target.max_message = MOST_MESSAGE;
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
is_there(const Connection *connection, const OgAccount *account)
{
	const OgWebSocketTarget *target = &connection->target;

	for (int i = 0; i < OG_MAX_CREDENTIALS && connection->party != NULL; i++)
	{
		if (!is_same(connection->credentials[i], account->credentials[i]))
			return false;
	}
	return is_same(target->url, url_of(connection, account)) &&
		is_same(target->sslrootcert, account->sslrootcert) &&
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
		is_same(topic->symbol, wish->symbol);
}

static Topic *
find_topic(const Connection *connection, const OgStreamWish *wish)
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
has_room(const Connection *connection, const OgStreamWish *wish)
{
	dlist_iter	iter;

	if (connection->ntopics >= MOST_TOPICS)
		return false;
	dlist_foreach(iter, &connection->topics)
	{
		const Topic *topic = topic_of(iter.cur);

		if (topic->kind == wish->kind && is_same(topic->symbol, wish->symbol))
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
	return pause_us / 2 +
		(int64) (pause_us / 2 * pg_prng_double(&pg_global_prng_state));
}

static void
drop_socket(Connection *connection, int code)
{
	if (connection->socket != NULL)
		og_websocket_close(connection->socket, code);
	connection->socket = NULL;
	MemoryContextReset(connection->socket_context);
}

static void
rest(Connection *connection)
{
	int64		now = og_clock_now();

	if (connection->opened_at != 0 && now - connection->opened_at >= SOUND_US)
		connection->pause_us = 0;
	connection->pause_us = connection->pause_us == 0 ? FIRST_PAUSE_US
		: Min(connection->pause_us * 2, LAST_PAUSE_US);
	connection->state = CONNECTION_PAUSING;
	connection->due = now + with_jitter(connection->pause_us);
	connection->opened_at = connection->pong_due = 0;
}

static void
lose(Connection *connection, int code, const char *why)
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
		dlist_foreach(inner, &topic->streams)
			og_stream_set_error(topic_stream_of(inner.cur), message);
	}

	/* What cannot be reached for hours is told once, and in last_error. */
	if (was_open || !connection->told)
		tell(connection, was_open ? "disconnected" : "not_connected", message);
	connection->told = true;
	pfree(message);
}

/* What the socket says of its end. */
static void
lose_closed(Connection *connection)
{
	const char *problem = og_websocket_problem(connection->socket);
	int			code = og_websocket_close_code(connection->socket);
	char	   *message;

	if (problem == NULL)
		problem = "the provider closed the connection";
	message = code > 0 ? psprintf("%s (close code %d)", problem, code)
		: pstrdup(problem);
	lose(connection, CLOSE_NORMAL, message);
}

void
og_connection_close(Connection *connection)
{
	dlist_mutable_iter iter;

	dlist_foreach_modify(iter, &connection->topics)
		og_topic_close(topic_of(iter.cur));
	drop_socket(connection, CLOSE_NORMAL);
	dlist_delete(&connection->node);
	MemoryContextDelete(connection->context);
}

void
og_connection_follow(Connection *connection)
{
	const OgAccount *account = account_of(connection);

	if (account == NULL || is_there(connection, account))
		return;
	set_place(connection, account);
	if (connection->state == CONNECTION_PAUSING)
	{
		connection->due = 0;
		return;
	}
	lose(connection, CLOSE_NORMAL, "options of the server, or of the user mapping, have changed");
	connection->due = 0;
}

/* ---------- sending ---------- */

/* What cannot be sent closes it, which is seen in the same turn. */
static void
send_text(Connection *connection, const char *text)
{
	(void) og_websocket_send(connection->socket, og_slice_of(text));
}

static void
ask(Connection *connection, const char *const *names, int count, bool on)
{
	char	   *text = og_btse_stream_subscribe(names, count, on);

	send_text(connection, text);
	pfree(text);
}

/* Is it to be asked for now? */
static bool
is_due(const Topic *topic, int64 now)
{
	return (topic->state == TOPIC_WAITING || topic->state == TOPIC_REFUSED) &&
		now >= topic->due;
}

/* What is not to be relied on any more is taken back, before it is asked anew. */
static void
take_back(Connection *connection, int64 now)
{
	const char *names[MOST_TOPICS];
	int			count = 0;
	dlist_iter	iter;

	dlist_foreach(iter, &connection->topics)
	{
		Topic	   *topic = topic_of(iter.cur);

		if (!topic->unasked || topic->comparing)
			continue;
		topic->unasked = false;
		names[count++] = topic->name;
	}
	if (count > 0)
		ask(connection, names, count, false);
}

/* A book that is compared stays what it is until the answer comes. */
static void
ask_to_compare(Connection *connection)
{
	dlist_iter	iter;

	dlist_foreach(iter, &connection->topics)
	{
		Topic	   *topic = topic_of(iter.cur);
		const char *name = topic->name;

		if (!topic->comparing || !topic->unasked)
			continue;
		topic->unasked = false;
		ask(connection, &name, 1, false);
		ask(connection, &name, 1, true);
	}
}

/* No two that are asked at different times have the same number. */
static int64
next_asked_at(void)
{
	static int64 last = 0;

	last = Max(last + 1, og_clock_now());
	return last;
}

static void
ask_for_topics(Connection *connection, int64 now)
{
	const char *names[MOST_TOPICS];
	int64		at = next_asked_at();
	int			count = 0;
	dlist_iter	iter;

	take_back(connection, now);
	ask_to_compare(connection);
	dlist_foreach(iter, &connection->topics)
	{
		Topic	   *topic = topic_of(iter.cur);
		const char *name = topic->name;

		if (!is_due(topic, now))
			continue;
		if (topic->alone)
			ask(connection, &name, 1, true);
		else
			names[count++] = name;
		og_topic_asked(topic, topic->alone ? next_asked_at() : at);
	}
	if (count > 0)
		ask(connection, names, count, true);
}

/* ---------- acknowledgements ---------- */

/* Is there but one answer that is awaited?  Then *at is when that was asked. */
static bool
awaits_one(const Connection *connection, int64 *at)
{
	dlist_iter	iter;

	*at = 0;
	dlist_foreach(iter, &connection->topics)
	{
		const Topic *topic = topic_of(iter.cur);

		if (topic->state != TOPIC_ASKED)
			continue;
		if (*at != 0 && *at != topic->asked_at)
			return false;
		*at = topic->asked_at;
	}
	return *at != 0;
}

/* By its name, a JSON string. */
static Topic *
find_name(const Connection *connection, OgSlice name)
{
	dlist_iter	iter;

	dlist_foreach(iter, &connection->topics)
	{
		if (og_json_equals(name, topic_of(iter.cur)->name))
			return topic_of(iter.cur);
	}
	return NULL;
}

/* All of those that were asked for then, and have no answer. */
static void
refuse_asked(Connection *connection, int64 at, const char *message)
{
	dlist_iter	iter;

	dlist_foreach(iter, &connection->topics)
	{
		Topic	   *topic = topic_of(iter.cur);

		if (topic->state == TOPIC_ASKED && topic->asked_at == at)
			og_topic_refused(topic, message);
	}
}

static void
take_ack(Connection *connection, const OgStreamMessage *message)
{
	int64		at;

	for (int i = 0; i < message->nchannels; i++)
	{
		Topic	   *topic = find_name(connection, message->channels[i]);

		if (topic != NULL)
			og_topic_accepted(topic);
	}
	if (message->nchannels == 0 && awaits_one(connection, &at))
		refuse_asked(connection, at, "the provider acknowledged no topic");
}

/* Was anything acknowledged that was asked for together with it? */
static bool
has_answered(const Connection *connection, int64 at)
{
	dlist_iter	iter;

	dlist_foreach(iter, &connection->topics)
	{
		const Topic *topic = topic_of(iter.cur);

		if (topic->asked_at == at && topic->state != TOPIC_ASKED)
			return true;
	}
	return false;
}

/* True if the connection is no good. */
static bool
check_acks(Connection *connection, int64 now)
{
	dlist_iter	iter;

	dlist_foreach(iter, &connection->topics)
	{
		Topic	   *topic = topic_of(iter.cur);

		if (topic->state != TOPIC_ASKED || now < topic->due)
			continue;
		if (!topic->alone && !has_answered(connection, topic->asked_at))
			return true;
		og_topic_refused(topic, "the provider did not acknowledge it");
	}
	return false;
}

/* ---------- what comes ---------- */

/* "1005 the topic does not exist", of JSON values. */
static char *
error_words(const OgStreamError *error)
{
	char	   *code = og_json_text(error->code, MOST_CODE);
	char	   *message = og_json_text(error->message, MOST_WORDS);
	char	   *arg = og_json_text(error->arg, MOST_WORDS);

	return psprintf("the provider answers %s%s%s%s%s",
					code != NULL ? code : "an error",
					message != NULL ? ": " : "",
					message != NULL ? message : "",
					arg != NULL ? ", about " : "", arg != NULL ? arg : "");
}

static void
take_errors(Connection *connection, const OgStreamMessage *message)
{
	for (int i = 0; i < message->nerrors; i++)
	{
		const OgStreamError *error = &message->errors[i];
		Topic	   *topic = find_name(connection, error->arg);

		if (topic != NULL && topic->state == TOPIC_ASKED)
			og_topic_refused(topic, error_words(error));
		else
			tell(connection, "unexpected", error_words(error));
	}
}

/* The topic whose data it is, or NULL. */
static Topic *
find_subject(const Connection *connection, const OgStreamMessage *message)
{
	dlist_iter	iter;

	dlist_foreach(iter, &connection->topics)
	{
		Topic	   *topic = topic_of(iter.cur);

		if (topic->kind == message->kind &&
			(topic->symbol == NULL ||
			 (message->symbol != NULL &&
			  strcmp(topic->symbol, message->symbol) == 0)))
			return topic;
	}
	return NULL;
}

/* Told once of each connection. */
static void
be_surprised(Connection *connection, const char *what, OgSlice raw)
{
	if (connection->strange)
		return;
	connection->strange = true;
	og_stream_tell(&(StreamEvent) {
		.event = "unexpected", .connection = connection, .message = what,
		.raw = raw
	});
}

static void
take_data(Connection *connection, const OgStreamMessage *message)
{
	Topic	   *topic = find_subject(connection, message);

	if (topic != NULL)
		og_topic_take(topic, message);
	else
		be_surprised(connection, "the provider sent data that was not asked for",
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
		be_surprised(connection, words, message->value);
		return true;
	}
	lose(connection, CLOSE_NONSENSE, words);
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
	tell(connection, "connected", NULL);
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
	lose(connection, CLOSE_NORMAL, "the provider refused the login");
	return false;
}

/* False: it was lost. */
static bool
take(Connection *connection, OgSlice text)
{
	OgStreamMessage message;

	connection->last_heard = GetCurrentTimestamp();
	if (!og_btse_stream_read(text, &message))
		return take_nonsense(connection, &message);
	switch (message.what)
	{
		case OG_STREAM_PONG:
			connection->pong_due = 0;
			break;
		case OG_STREAM_SUBSCRIBED:
			take_ack(connection, &message);
			break;
		case OG_STREAM_LOGIN:
			return take_login(connection, &message);
		case OG_STREAM_ERROR:
			take_errors(connection, &message);
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

/* True: there may be more.  What each message needs goes with it. */
static bool
receive(Connection *connection)
{
	OgSlice		text;

	for (int i = 0; i < MESSAGES_IN_TURN; i++)
	{
		MemoryContext old;
		bool		lost;

		if (!og_websocket_next(connection->socket, &text))
			return false;
		old = MemoryContextSwitchTo(og_stream_loop.message_context);
		lost = !take(connection, text);
		MemoryContextSwitchTo(old);
		MemoryContextReset(og_stream_loop.message_context);
		if (lost)
			return false;
	}
	return true;
}

/* ---------- a turn ---------- */

static void
open_socket(Connection *connection)
{
	connection->state = CONNECTION_OPENING;
	connection->last_heard = 0;
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
		lose(connection, CLOSE_NORMAL, "the login could not be signed");
		return;
	}
	connection->state = CONNECTION_LOGGING_IN;
	connection->due = og_clock_now() + LOGIN_US;
	send_text(connection, text);
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
		lose(connection, CLOSE_NORMAL, "a ping was not answered within 10 s");
		return false;
	}
	if (connection->pong_due == 0 && now >= connection->ping_at)
	{
		connection->ping_at = now + PING_US;
		connection->pong_due = now + PONG_US;
		send_text(connection, OG_BTSE_STREAM_PING);
	}
	pause_until(pause, connection->pong_due != 0 ? connection->pong_due
				: connection->ping_at);
	return true;
}

static void
tend_topics(Connection *connection, OgPause *pause)
{
	int64		now = og_clock_now();
	dlist_iter	iter;

	if (check_acks(connection, now))
	{
		lose(connection, CLOSE_NORMAL, "what was asked for was not acknowledged within 10 s");
		return;
	}
	dlist_foreach(iter, &connection->topics)
		og_topic_turn(topic_of(iter.cur), pause);
	ask_for_topics(connection, now);
	dlist_foreach(iter, &connection->topics)
	{
		if (topic_of(iter.cur)->due > now)
			pause_until(pause, topic_of(iter.cur)->due);
	}
}

static void
advance(Connection *connection, OgPause *pause)
{
	int64		now = og_clock_now();

	if (connection->state == CONNECTION_LOGGING_IN && now >= connection->due)
		lose(connection, CLOSE_NORMAL, "the login was not acknowledged within 5 s");
	if (connection->state == CONNECTION_LOGGING_IN)
		pause_until(pause, connection->due);
	if (connection->state == CONNECTION_OPEN &&
		keep_alive(connection, now, pause))
		tend_topics(connection, pause);
}

bool
og_connection_turn(Connection *connection, OgPause *pause)
{
	bool		more = false;

	if (connection->state == CONNECTION_PAUSING &&
		og_clock_now() >= connection->due)
		open_socket(connection);
	if (connection->state == CONNECTION_OPENING &&
		og_websocket_state(connection->socket) == OG_WS_OPEN)
		log_in(connection);
	if (connection->state == CONNECTION_LOGGING_IN ||
		connection->state == CONNECTION_OPEN)
		more = receive(connection);
	advance(connection, pause);
	if (connection->state != CONNECTION_PAUSING &&
		og_websocket_state(connection->socket) == OG_WS_CLOSED && !more)
		lose_closed(connection);
	if (connection->state == CONNECTION_PAUSING)
		pause_until(pause, connection->due);
	return more;
}

void
og_connection_drop_topic(Topic *topic)
{
	Connection *connection = topic->connection;
	const char *name = topic->name;

	if (connection->state == CONNECTION_OPEN &&
		topic->state != TOPIC_WAITING && topic->state != TOPIC_REFUSED)
		ask(connection, &name, 1, false);
	og_topic_close(topic);
}
