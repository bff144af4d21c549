/*-------------------------------------------------------------------------
 *
 * stream_internal.h
 *		What the files of the streams' room share with each other.
 *
 * All of this is one process's, and single-threaded.  Memory of streams, topics
 * and connections is below loop.context, each with a context of its own.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OG_STREAM_INTERNAL_H
#define OG_STREAM_INTERNAL_H

#include "lib/ilist.h"
#include "storage/itemptr.h"

#include "account/account.h"
#include "gateway/gateway.h"
#include "http/http_websocket.h"
#include "stream/stream.h"
#include "stream/stream_book.h"
#include "worker/worker_journal.h"

/* Name of the function that the process runs: see also worker_launcher.c. */
#define STREAM_MAIN	"og_stream_main"

typedef struct Party Party;
typedef struct Topic Topic;
typedef struct Connection Connection;

/* ---------- streams ---------- */

/* What somebody follows, as the worker knows it. */
typedef struct Stream
{
	dlist_node	node;			/* of .streams of the loop */
	dlist_node	topic_node;		/* of its topic, if that is not NULL */
	MemoryContext context;
	OgStreamWish wish;			/* its texts are in .context */
	Party	   *party;			/* as whom, and where */
	Topic	   *topic;			/* NULL = it is not asked for now */
	bool		wanted;			/* found at the last look at the table */

	/* What is shown of it: stream_shared.c copies it when it has changed. */
	OgStreamShown shown;
	int			place;			/* of its entry there, -1 = there is no room */
	bool		changed;
	OgStreamState told;			/* the state that is in its entry */

	/*
	 * Of appended kinds, stream_append.c's.  "caught_up": what was missed was read,
	 * so that it may be live; "held": it is not asked for until its target takes
	 * rows again; "barred": that is not what it has to be.
	 */
	bool		was_live;		/* once, in this worker */
	bool		caught_up;
	bool		held;
	bool		barred;
	void	   *append;
} Stream;

#define stream_of(node_ptr)	dlist_container(Stream, node, node_ptr)
#define topic_stream_of(node_ptr)	dlist_container(Stream, topic_node, node_ptr)

/* ---------- parties: stream_party.c ---------- */

/*
 * As whom streams are followed at a server: a role, with credentials where the
 * kind is private.  Opened anew when the catalog has changed.
 */
struct Party
{
	dlist_node	node;			/* of .parties of the loop */
	MemoryContext context;
	Oid			serverid;
	Oid			roleid;
	bool		is_private;
	char	   *server;			/* their names */
	char	   *role;

	/* Below .context; NULL = it could not be opened, for this reason. */
	MemoryContext account_context;
	const OgAccount *account;
	char	   *problem;

	bool		tried;			/* to open it */
	uint64		version;		/* of the catalog then */
	int64		again_at;		/* when that is tried again; 0 = then not */
};

#define party_of_node(node_ptr)	dlist_container(Party, node, node_ptr)

/* That of a stream, made if there is none yet. */
extern Party *og_party_for(const OgStreamWish *wish);

/* Open those that have to be opened anew, and forget those without streams. */
extern void og_parties_look(void);
extern void og_parties_close(void);

/* ---------- topics: stream_topic.c ---------- */

/* How long an acknowledgement may take. */
#define OG_ACK_US		(10 * USECS_PER_SEC)

/* What was refused is tried again after that. */
#define OG_REFUSED_US	(3600 * USECS_PER_SEC)

typedef enum TopicState
{
	TOPIC_WAITING,				/* to be asked for, from .due on */
	TOPIC_ASKED,				/* it was: acknowledgement by .due */
	TOPIC_ACCEPTED,				/* first data by .due */
	TOPIC_LIVE,
	TOPIC_REFUSED				/* asked for again at .due, alone */
} TopicState;

struct Topic
{
	dlist_node	node;			/* of its connection */
	MemoryContext context;
	Connection *connection;
	OgStreamKind kind;
	char	   *symbol;			/* NULL = all */
	int			grouping;
	char	   *name;			/* as the provider calls it */
	dlist_head	streams;		/* that follow it, by .topic_node */
	TopicState	state;
	int64		due;
	int64		pause_us;		/* before it is asked for once more */
	int64		asked_at;		/* the same for all that were asked together */
	int64		live_at;		/* since when it is live; 0 = it is not */
	int64		heard_at;		/* last data since then; 0 = none yet */
	TimestampTz received_at;	/* the same moment, for people */
	bool		alone;			/* it was refused: it is asked for alone */
	bool		unasked;		/* asked for once, and not to be relied on: that is
								 * to be taken back before it is asked for anew */

	OgBook	   *book;			/* of books */

	/* Of books and best prices; also what is to be written. */
	bool		comparing;		/* it was silent: the next snapshot is due, and to
								 * be what the book is */
	bool		changed;
	int64		changed_at;		/* og_clock_now(), since when it is so */
	bool		written;		/* since it is live: so that it may be shown, ... */
	FullTransactionId written_by;	/* ... to whoever sees this transaction */
	int64		event_ms;		/* of what is known now, as the provider has it */
	OgStreamLevel best[OG_BOOK_SIDES];	/* of l1 */
	bool		has_best[OG_BOOK_SIDES];
	ItemPointerData place;		/* of its row; invalid = not known */
	ItemPointerData next_place; /* the same when it is committed, ... */
	bool		writing;		/* ... if it was written in this transaction */
};

#define topic_of(node_ptr)	dlist_container(Topic, node, node_ptr)

/* One of a connection, without streams. */
extern Topic *og_topic_open(Connection *connection, OgStreamKind kind,
							const char *symbol, int grouping);
extern void og_topic_close(Topic *topic);

/* A stream follows it, and no longer; the topic stays. */
extern void og_topic_join(Topic *topic, Stream *stream);
extern void og_topic_leave(Stream *stream);

/* What its connection tells it. */
extern void og_topic_asked(Topic *topic, int64 at);
extern void og_topic_accepted(Topic *topic);
extern void og_topic_refused(Topic *topic, const char *message);
extern void og_topic_take(Topic *topic, const OgStreamMessage *message);
extern void og_topic_lost(Topic *topic, TimestampTz since);

/* Of a message of its own nothing could be taken: it is asked for anew. */
extern void og_topic_not_understood(Topic *topic, const char *problem);

/* It is asked for elsewhere now: what was refused may be taken. */
extern void og_topic_forgive(Topic *topic);

/* What is late. */
extern void og_topic_turn(Topic *topic, OgPause *pause);

/* It was written: .next_place is where. */
extern void og_topic_written(Topic *topic);

/* What state is a stream in?  Others are shown it at once. */
extern void og_stream_judge(Stream *stream);

/* ---------- connections: stream_connection.c ---------- */

/* The most topics of one connection. */
#define MOST_TOPICS		100

typedef enum ConnectionState
{
	CONNECTION_PAUSING,			/* until .due */
	CONNECTION_OPENING,			/* by the transport's own deadline */
	CONNECTION_LOGGING_IN,		/* acknowledged by .due */
	CONNECTION_OPEN
} ConnectionState;

struct Connection
{
	dlist_node	node;			/* of .connections of the loop */
	MemoryContext context;
	Oid			serverid;
	char	   *server;
	Party	   *party;			/* whose account it is; NULL = public topics */
	bool		of_books;		/* at book_stream_url; else at stream_url */

	/* Where it goes, and how; in memory of its own, which is replaced. */
	MemoryContext place_context;
	OgWebSocketTarget target;
	const char *credentials[OG_MAX_CREDENTIALS];	/* of a party; wiped */
	bool		awaits_login;	/* a login has to be acknowledged */

	MemoryContext socket_context;	/* goes with .socket */
	OgWebSocket *socket;		/* NULL = there is none now */
	ConnectionState state;
	int64		due;
	int64		pause_us;		/* before the next attempt */
	int64		opened_at;		/* since when it is open; 0 = it is not */
	int64		ping_at;		/* when the next one is sent */
	int64		pong_due;		/* 0 = none is awaited */

	/*
	 * All that had arrived by then was taken; and when that was before the last
	 * message came: what was told before that has been heard.  A process that was
	 * kept waiting takes a message long after it came, and others are behind it.
	 */
	TimestampTz drained_at;
	TimestampTz last_heard;
	bool		was_open;		/* at least once */
	bool		told;			/* that it is not, since it was */
	bool		sound;			/* something on it has been live */
	int64		alone_at;		/* when one may be asked for that was refused */
	int			empty_due;		/* acknowledgements of nothing that follow errors */
	int64		error_at;		/* when the last of these errors came */
	bool		stirred;		/* topics have to be looked at, ... */
	int64		tend_at;		/* ... or then */
	bool		strange;		/* it told something that was not asked for */
	dlist_head	topics;
	int			ntopics;
};

#define connection_of(node_ptr)	dlist_container(Connection, node, node_ptr)

/*
 * Does the provider repeat what nobody is to read, as the key of a login that it
 * refuses?
 */
static inline bool
og_connection_repeats(const Connection *connection, OgSlice text)
{
	for (int i = 0; i < OG_MAX_CREDENTIALS; i++)
	{
		const char *secret = connection->credentials[i];

		if (secret != NULL && *secret != '\0' && text.len > 0 &&
			memmem(text.data, text.len, secret, strlen(secret)) != NULL)
			return true;
	}
	return false;
}

/*
 * The topic that a stream of this party follows, made if there is none, on a
 * connection that is made if there is none with room.
 */
extern Topic *og_connection_topic(Party *party, const OgStreamWish *wish);

/* Nobody follows it any more: take it back, and forget it. */
extern void og_connection_drop_topic(Topic *topic);

/* Servers and accounts may have changed: go where they are now. */
extern void og_connection_follow(Connection *connection);

/*
 * It is of no use any more, and made anew after a pause; the second where its
 * socket is closed.
 */
extern void og_connection_lose(Connection *connection, int code,
							   const char *why);
extern void og_connection_lose_closed(Connection *connection);

/* It is not needed any more. */
extern void og_connection_close(Connection *connection);

/* ---------- stream_ask.c ---------- */

/* What cannot be sent closes the connection, which is seen in the same turn. */
extern void og_send(Connection *connection, const char *text);

/* Ask for topics, or no more for them. */
extern void og_ask(Connection *connection, const char *const *names, int count,
				   bool on);

/* Those that are due. */
extern void og_ask_for_topics(Connection *connection, int64 now);

/* Answers to that.  True: one is overdue, so that the connection is no good. */
extern void og_ask_acknowledged(Connection *connection,
								const OgStreamMessage *message);
extern void og_ask_refused(Connection *connection,
						   const OgStreamMessage *message);
extern bool og_ask_is_overdue(Connection *connection, int64 now);

/* ---------- stream_converse.c ---------- */

/*
 * Do what can be done now with a connection, a bounded part of it.  True if there
 * is more.
 */
extern bool og_connection_turn(Connection *connection, OgPause *pause);

/* ---------- books and best prices, written: stream_table.c ---------- */

/* Is any of them to be written now?  Do it in the transaction that there is. */
extern bool og_stream_has_books(void);
extern void og_stream_write_books(void);

/* That was committed; or it failed, and rows have to be looked for anew. */
extern void og_stream_books_written(bool done);

/* In a transaction, before the first is written: remove what others left. */
extern void og_stream_forget_books(void);

/* ---------- the process ---------- */

/* The state of this process, in stream_shared.c. */
typedef struct StreamLoop
{
	MemoryContext context;		/* NULL = it is not open */
	pg_uuid_t	installation;
	Oid			table;			/* of streams: another one is another extension */
	bool		held;			/* nothing is followed until it is adopted */
	List	   *servers;		/* stream_server.c's */
	dlist_head	streams;
	dlist_head	parties;
	dlist_head	connections;
	int64		now;			/* og_clock_now() when the turn began */
	int64		next_flush;
	int64		events_again;	/* they could not be written: when to try it again */
	bool		news;			/* there is something for it */
	MemoryContext message_context;	/* what one message needs */
} StreamLoop;

extern StreamLoop og_stream_loop;

static inline void
pause_until(OgPause *pause, int64 until)
{
	og_pause_merge(pause, &(OgPause) {until, OG_WAIT_STREAM});
}

/* ---------- stream_shared.c ---------- */

/* The worker's part: entries, what is in them, and that it is alive. */
extern int	og_stream_place(void);
extern void og_stream_show(Stream *stream);
extern void og_stream_unshow(Stream *stream);
extern void og_stream_tell_alive(void);

/* The state of a stream is this one now, since just now if it was another. */
extern void og_stream_set_state(Stream *stream, OgStreamState state);

/* What went wrong with it last; words of ours or the provider's. */
extern void og_stream_set_error(Stream *stream, const char *error);

/* A table whose code had to be ended with a process: is it, and is it no more? */
extern void og_hung_note(Oid relid);
extern bool og_hung_is(Oid relid);
extern void og_hung_forgive(Oid relid);

/* ---------- stream_server.c ---------- */

/*
 * In a transaction: all servers that have numbers, in the current context, with those
 * of these wishes.  When that is committed they are taken for what is known.
 */
extern List *og_servers_read(List *wishes);
extern void og_servers_take(List *all);

/* The number of a server that is followed; and back, InvalidOid if there is none. */
extern Oid	og_server_number(Oid serverid);
extern Oid	og_server_numbered(Oid number);

/* ---------- stream_event.c ---------- */

/* What happened.  Texts are copied; what is zero is not told. */
typedef struct StreamEvent
{
	const char *event;			/* see VIEW(btse_stream_event) */
	const Stream *stream;		/* one stream, or ... */
	const Topic *topic;			/* ... a topic, or ... */
	const Connection *connection;	/* ... all of a connection */
	const char *message;
	const char *symbol;			/* where it is not the stream's own */
	TimestampTz from_time;
	TimestampTz to_time;
	int64		rows;
	OgSlice		raw;			/* proved JSON */
} StreamEvent;

/* Tell of it with the next flush; with too many at once the rest is counted. */
extern void og_stream_tell(const StreamEvent *event);

/* What nobody asked for, or understands: the first of each connection. */
extern void og_stream_tell_once(Connection *connection, const char *what,
								OgSlice raw);

/* In a transaction: write those that are to be written, and remove old ones. */
extern bool og_stream_has_events(void);
extern void og_stream_write_events(void);
extern void og_stream_events_written(void);

/* How many were told so far; and whether that many are written. */
extern uint64 og_stream_events_told(void);
extern bool og_stream_events_are_safe(uint64 told);

/* ---------- stream_append.c: appended kinds ---------- */

/*
 * What the loop calls.  None of these raises an error or waits; transactions are
 * og_append_flush()'s own.
 *
 * A stream has come, or goes (what it has queued is lost then); the right party
 * and table are known, and may change while it is there.
 */
extern void og_append_open(Stream *stream);
extern void og_append_close(Stream *stream);

/* A message of its topic: the records are valid during the call only. */
extern void og_append_take(Stream *stream, const OgStreamMessage *message);

/*
 * Its topic is acknowledged, so that what happens from now on is told: what
 * happened before is to be read.  Its topic is not to be relied on any more;
 * "since" is when it was lost.
 */
extern void og_append_live(Stream *stream);
extern void og_append_lost(Stream *stream, TimestampTz since);

/*
 * It is time to write what is queued (at .next_flush of the loop), and to go on
 * reading what was missed.  *pause tells until when there is nothing more to do
 * beside the next flush.  Both keep .queued, .rows and .complete_until of
 * .shown, .caught_up and .held, and set .changed.
 */
extern void og_append_flush(OgPause *pause);
extern void og_append_turn(OgPause *pause);

/* The process ends: write what is queued, for which there is little time. */
extern void og_append_write_last(void);

/* ---------- stream_loop.c ---------- */

/*
 * In this installation streams are followed, until the loop is closed: all are
 * called outside of a transaction.
 */
extern void og_stream_open(const pg_uuid_t *installation, Oid table);
extern void og_stream_close(void);

typedef enum OgStreamSight
{
	OG_STREAM_SOME,				/* there is something to follow, or to be written
								 * of what was; or that cannot be told now */
	OG_STREAM_NOTHING,
	OG_STREAM_ELSEWHERE			/* this installation is no more; there may be
								 * another one */
} OgStreamSight;

/* What is committed by now is to be seen. */
extern OgStreamSight og_stream_look(void);

/*
 * Do what can be done now, a bounded part of it: true if there is more.  *pause
 * tells until when there is not.
 */
extern bool og_stream_turn(OgPause *pause);

/* The process ends: write what would be lost with it, without waiting for anybody. */
extern void og_stream_write_last(void);

#endif							/* OG_STREAM_INTERNAL_H */
