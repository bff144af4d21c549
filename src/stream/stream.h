/*-------------------------------------------------------------------------
 *
 * stream.h
 *		The stream worker: what a provider tells by itself, into tables.
 *
 * One background process per database, beside the gateway worker, and only while
 * there is something to follow: the launcher of the gateway workers starts it, and
 * what stops one of these stops it, too.  Users' triggers, and tables that somebody
 * has locked, are its business alone: orders and beats are another process's.
 *
 *	stream			what somebody follows: a row, from btse_stream_start() to
 *					btse_stream_stop()
 *	topic			what the provider is asked for; equal ones of several streams
 *					are one
 *	connection		carries topics; those of an account have one of their own
 *	appended kinds	trades, fills, notifications: each message is rows
 *
 * stream_wish.c		streams, as rows
 * stream_shared.c		what all processes may know of them
 * stream_main.c		the process: its start, its loop, its end
 * stream_loop.c		what it does in a turn
 * stream_server.c		numbers by which logs know servers
 * stream_party.c		as whom streams are followed, and where that is
 * stream_topic.c		what is asked for, and what becomes of it
 * stream_connection.c	connections: which there are, where they go, losses
 * stream_ask.c			topics are asked for, and the answers to that
 * stream_converse.c	login, pings, and what each message is
 * stream_table.c		books and best prices, written
 * stream_event.c		what happened, for people
 * stream_append*.c		appended kinds
 *
 *-------------------------------------------------------------------------
 */
#ifndef OG_STREAM_H
#define OG_STREAM_H

#include "access/transam.h"
#include "datatype/timestamp.h"
#include "nodes/pg_list.h"
#include "utils/uuid.h"

#include "account/account.h"
#include "ground/shared.h"
#include "provider/btse/btse_stream.h"

/*
 * Settings order_gateway.stream_flush (ms), .stream_keep (minutes, 0 = for ever) and
 * .stream_queue (kB).
 */
extern int	og_stream_flush;
extern int	og_stream_keep;
extern int	og_stream_queue;

/* ---------- stream_wish.c ---------- */

/* The function that starts one: whose right is needed as long as it is followed. */
#define OG_STREAM_START		"btse_stream_start"

/*
 * Does this server say where its streams are?  Errors: HV002 an option that is
 * missing.
 */
extern void og_stream_need_places(const OgAccount *account);

/* A stream as somebody has started it. */
typedef struct OgStreamWish
{
	int32		stream_id;
	OgStreamKind kind;
	const char *symbol;			/* NULL = all of the account */
	int			grouping;		/* of a book */
	Oid			into_table;		/* InvalidOid = the extension's own */
	Oid			functionid;		/* whose right is needed */
	Oid			serverid;
	const char *server;			/* its name then */
	Oid			roleid;
	const char *role;			/* its name then */
	TimestampTz started_at;
} OgStreamWish;

/* "l1" and so on; and back, false if there is no such kind. */
extern const char *og_stream_kind_name(OgStreamKind kind);
extern bool og_stream_kind_of(const char *name, OgStreamKind *kind);

/* Is it about an account, so that it needs credentials?  Are rows appended? */
extern bool og_stream_is_private(OgStreamKind kind);
extern bool og_stream_is_appended(OgStreamKind kind);

/*
 * May the current role see what such a stream tells?  "own": it is of this
 * installation, and OIDs count; else names do.
 */
extern bool og_stream_may_see(bool own, OgStreamKind kind, Oid serverid,
							  const char *server, Oid roleid,
							  const char *role);

/*
 * Follow something, when this transaction has committed; answers the stream's
 * number.  Errors: 42710 the role follows that already, 54000 there are too many
 * streams, 42704 the server was dropped meanwhile.
 */
extern int32 og_stream_add(const pg_uuid_t *installation, OgStreamWish *wish);

/*
 * Do so no longer.  False if there is no such stream of a role that the current one
 * is a member of, be it of this installation or of another one.
 */
extern bool og_stream_remove(const pg_uuid_t *installation, int32 stream_id);

/* Those of an installation, in the current context: OgStreamWish *. */
extern List *og_streams_read(const pg_uuid_t *installation);

/* ---------- stream_target.c ---------- */

/*
 * Can rows of a kind be appended to this table, by the current user?  Errors say
 * why not: 42501, 42809, 0A000, 42804, ...
 */
extern void og_stream_check_target(Oid relid, OgStreamKind kind);

/* ---------- stream_shared.c ---------- */

typedef enum OgStreamState
{
	OG_STREAM_CONNECTING,
	OG_STREAM_CATCHING_UP,		/* of appended kinds: it comes, and what was
								 * missed is being read */
	OG_STREAM_LIVE,
	OG_STREAM_STALE,
	OG_STREAM_REFUSED
} OgStreamState;

extern const char *og_stream_state_name(OgStreamState state);

/* What others may know of a stream. */
#define OG_STREAM_ERROR_SIZE		160

/* Streams of all databases together that can be shown. */
#define OG_MOST_STREAMS		2048

typedef struct OgStreamShown
{
	int32		stream_id;		/* 0 = free */
	Oid			dboid;
	Oid			serverid;
	Oid			roleid;
	OgStreamKind kind;
	int			grouping;
	bool		into_table;		/* somebody's own: its errors are for his eyes */
	char		symbol[OG_MAX_MARKET + 1];
	OgStreamState state;
	FullTransactionId written_by;	/* of books and best prices: who wrote the row
									 * first since it is live */
	TimestampTz since;
	int64		messages;
	int64		rows;
	TimestampTz last_message_at;	/* 0 = none yet */
	TimestampTz complete_until; /* 0 = not known */
	int64		queued;
	int64		gaps;
	int64		reconnects;
	char		last_error[OG_STREAM_ERROR_SIZE];
} OgStreamShown;

extern const OgSharedPart og_stream_shared;

/*
 * Copies of what this database's worker shows, as it is now: one that has not
 * been heard of for some seconds has no stream that is live.
 */
extern int	og_streams_shown(OgStreamShown **copies);

#endif							/* OG_STREAM_H */
