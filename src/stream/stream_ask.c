/*-------------------------------------------------------------------------
 *
 * stream_ask.c
 *		Topics are asked for, and the answers to that.
 *
 * They are asked for together, but for those that were refused.  What was asked
 * for and what is acknowledged are compared as sets; where nothing of it is, the
 * connection is no good.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "ground/clock.h"
#include "ground/list.h"
#include "stream/stream_internal.h"

/*
 * So far apart are those asked for that were refused, or as far as lets each have its
 * turn in the time after which it is due: 36 s where all topics of a connection are.
 */
#define ALONE_US		(60 * USECS_PER_SEC)

/*
 * So much of an answer is looked at: ten times what can be asked for.  Whoever says
 * more says nonsense, of which a mebibyte would cost a hundred of them.
 */
#define MOST_ANSWERS	(10 * MOST_TOPICS)

/* How much of an error's words is repeated, in characters. */
#define MOST_CODE		64
#define MOST_WORDS		200

/* ---------- sending ---------- */

/* What cannot be sent closes it, which is seen in the same turn. */
void
og_send(Connection *connection, const char *text)
{
	(void) og_websocket_send(connection->socket, og_slice_of(text));
}

void
og_ask(Connection *connection, const char *const *names, int count, bool on)
{
	char	   *text = og_btse_stream_subscribe(names, count, on);

	og_send(connection, text);
	pfree(text);
}

/* No two that are asked at different times have the same number. */
static int64
next_asked_at(void)
{
	static int64 last = 0;

	last = Max(last + 1, og_clock_now());
	return last;
}

/* Is it to be asked for now? */
static bool
is_due(const Topic *topic, int64 now)
{
	return (topic->state == TOPIC_WAITING || topic->state == TOPIC_REFUSED) &&
		now >= topic->due;
}

static int64
alone_us(Connection *connection)
{
	int			count = 0;
	dlist_iter	iter;

	dlist_foreach(iter, &connection->topics)
		count += topic_of(iter.cur)->alone;
	return Min(ALONE_US, OG_REFUSED_US / Max(count, 1));
}

/*
 * One that was refused, and few of them: the provider closes connections that ask
 * too often for what there is not.
 */
static void
ask_alone(Connection *connection, Topic *topic, int64 now)
{
	const char *name = topic->name;

	if (now < connection->alone_at)
	{
		topic->due = connection->alone_at;
		return;
	}
	connection->alone_at = now + alone_us(connection);
	og_ask(connection, &name, 1, true);
	og_topic_asked(topic, next_asked_at());
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
		og_ask(connection, names, count, false);
}

/* What was silent stays what it is until the answer comes. */
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
		og_ask(connection, &name, 1, false);
		og_ask(connection, &name, 1, true);
	}
}

void
og_ask_for_topics(Connection *connection, int64 now)
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

		if (!is_due(topic, now))
			continue;
		if (topic->alone)
		{
			ask_alone(connection, topic, now);
			continue;
		}
		names[count++] = topic->name;
		og_topic_asked(topic, at);
	}
	if (count > 0)
		og_ask(connection, names, count, true);
}

/* ---------- acknowledgements ---------- */

/* Is there but one answer that is awaited?  Then *at is when that was asked. */
static bool
awaits_one(Connection *connection, int64 *at)
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
find_name(Connection *connection, OgSlice name)
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

/* What is acknowledged so much later than an error is something else. */
static void
forget_old_error(Connection *connection)
{
	if (og_clock_now() >= connection->error_at + OG_ACK_US)
		connection->empty_due = 0;
}

/*
 * What was answered by errors alone is acknowledged as well, by nothing: that is not
 * about what was asked for meanwhile.
 */
static bool
is_after_error(Connection *connection)
{
	forget_old_error(connection);
	if (connection->empty_due == 0)
		return false;
	connection->empty_due--;
	return true;
}

void
og_ask_acknowledged(Connection *connection, const OgStreamMessage *message)
{
	int64		at;

	for (int i = 0; i < Min(message->nchannels, MOST_ANSWERS); i++)
	{
		Topic	   *topic = find_name(connection, message->channels[i]);

		if (topic != NULL)
			og_topic_accepted(topic);
	}
	if (message->nchannels == 0 && !is_after_error(connection) &&
		awaits_one(connection, &at))
		refuse_asked(connection, at, "the provider acknowledged no topic");
}

/* Is anything that was asked for then in another state than that? */
static bool
any_other_than(Connection *connection, int64 at, TopicState state)
{
	dlist_iter	iter;

	dlist_foreach(iter, &connection->topics)
	{
		const Topic *topic = topic_of(iter.cur);

		if (topic->asked_at == at && topic->state != state)
			return true;
	}
	return false;
}

/* True if the connection is no good. */
bool
og_ask_is_overdue(Connection *connection, int64 now)
{
	dlist_iter	iter;

	dlist_foreach(iter, &connection->topics)
	{
		Topic	   *topic = topic_of(iter.cur);

		if (topic->state != TOPIC_ASKED || now < topic->due)
			continue;
		/* Nothing was acknowledged of what was asked for together with it. */
		if (!topic->alone &&
			!any_other_than(connection, topic->asked_at, TOPIC_ASKED))
			return true;
		og_topic_refused(topic, "the provider did not acknowledge it");
	}
	return false;
}

static void
add_words(const Connection *connection, StringInfo words, OgSlice value,
		  int most)
{
	char	   *text = og_json_text(value, most);

	if (text != NULL && !og_connection_repeats(connection, og_slice_of(text)))
		og_list_add(words, "%s", text);
}

/* "the provider answers 1005, there is no such topic, update:X_0": its own words. */
static char *
error_words(const Connection *connection, const OgStreamError *error)
{
	StringInfoData words;

	initStringInfo(&words);
	add_words(connection, &words, error->code, MOST_CODE);
	add_words(connection, &words, error->message, MOST_WORDS);
	add_words(connection, &words, error->arg, MOST_WORDS);
	return psprintf("the provider answers %s", words.data);
}

/* Where all is that was asked for together, an acknowledgement of nothing follows. */
static void
refuse(Connection *connection, Topic *topic, const char *words)
{
	og_topic_refused(topic, words);
	if (any_other_than(connection, topic->asked_at, TOPIC_REFUSED))
		return;
	forget_old_error(connection);
	connection->empty_due++;
	connection->error_at = og_clock_now();
}

void
og_ask_refused(Connection *connection, const OgStreamMessage *message)
{
	for (int i = 0; i < Min(message->nerrors, MOST_ANSWERS); i++)
	{
		const OgStreamError *error = &message->errors[i];
		Topic	   *topic = find_name(connection, error->arg);

		if (topic != NULL && topic->state == TOPIC_ASKED)
			refuse(connection, topic, error_words(connection, error));
		else
			og_stream_tell_once(connection, error_words(connection, error), message->value);
	}
}
