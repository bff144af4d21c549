/*-------------------------------------------------------------------------
 *
 * stream_append.h
 *		Appended kinds: rows on their way from the provider to a table.
 *
 * What comes by a stream, or is read afterwards, waits in a queue of its stream.
 * At each flush the first rows of it are written in one transaction for all
 * streams with the same table and role, and what tells them apart goes into a
 * ledger with them: so nothing is appended twice, whatever is told twice.  A table
 * that takes nothing for now keeps its own rows waiting and nobody else's, up to a
 * bound of memory; beyond it its streams are given up until it does, and what was
 * missed meanwhile is read then.
 *
 * Up to when a stream is complete is written behind the rows that prove it: such a
 * mark waits in the queue, too.
 *
 * stream_append.c			what the loop calls
 * stream_append_queue.c	rows that wait
 * stream_append_write.c	a transaction of them; rows that are refused
 * stream_append_fresh.c	rows that are new
 * stream_append_log.c		rows in the extension's own logs
 * stream_append_into.c		rows in tables of users
 * stream_append_seen.c		the ledger, and marks
 * stream_append_keep.c		what is old is removed
 * stream_target.c			may rows be appended to a table?
 * stream_backfill.c		what was missed is read
 * stream_market.c			in which markets
 * stream_merge.c			trades that were read, and whether they are the same ones
 * stream_tell.c			what is told of orders whose outcome is unknown (stream_tell.h)
 * stream_tell_account.c	and whose account they are of
 *
 *-------------------------------------------------------------------------
 */
#ifndef OG_STREAM_APPEND_H
#define OG_STREAM_APPEND_H

#include "stream/stream_internal.h"
#include "stream/stream_target.h"
#include "worker/worker_try.h"

/* The most rows of one transaction. */
#define MOST_WRITTEN	1000

/*
 * Rows that were refused are remembered, some of them: one that is read again is told
 * once, and not tried again where it took too long.
 */
#define REFUSALS_KEPT	256

typedef struct Refused
{
	uint32		hash;
	bool		took_too_long;
} Refused;

typedef struct Appending Appending;

/* A row that waits; all of it is one piece of memory. */
typedef struct AppendRow
{
	dlist_node	node;
	Appending  *append;
	size_t		size;
	uint64		number;			/* how many were added to its queue by then */
	TimestampTz received_at;
	TimestampTz heard_until;	/* what was told before that came before it */
	bool		of_rest;		/* it was read afterwards */
	OgStreamIdentity identity;	/* of notifications: nothing */
	OgSlice		raw;
	OgSlice		values[FLEXIBLE_ARRAY_MEMBER];
} AppendRow;

#define append_row_of(node_ptr)	dlist_container(AppendRow, node, node_ptr)

/* Up to when a market, or all ("") of a stream, is complete. */
typedef struct AppendMark
{
	char	   *symbol;
	TimestampTz until;
	uint64		number;			/* proved by rows up to this one ... */
	uint64		events;			/* ... and by so many events, such as of holes */
} AppendMark;

/* What there is of a stream of an appended kind. */
struct Appending
{
	Stream	   *stream;
	MemoryContext context;		/* of rows and marks */

	/* Rows that wait. */
	dlist_head	queue;
	int			count;
	size_t		bytes;
	size_t		told;			/* of those, by the stream: these are bounded */
	uint64		added;			/* rows so far ... */
	uint64		done;			/* ... and those of them that wait no more */
	List	   *marks;			/* AppendMark * that wait behind them */

	/* Its table takes nothing for now. */
	int64		paused_until;
	int64		pause_us;
	int			batch;			/* rows to try at once */
	int			failures;		/* of one row that takes too long */
	Refused		refused[REFUSALS_KEPT]; /* a ring of the last ones */
	uint32		nrefused;
	bool		recheck;		/* look whether it is what it has to be */
	bool		is_other;		/* it was changed */

	/* Up to when it is complete, as its table of marks has it. */
	bool		known;			/* that was read */
	List	   *proved;			/* AppendMark * */

	/* Whether what happens is told, and what was before. */
	bool		live;
	bool		begun;			/* what was missed is being read, or was */
	TimestampTz live_since;
	TimestampTz lost_at;		/* from when on it may be missing; 0 = nothing is */
	bool		passed;			/* all that was missed is known when these rows
								 * are done: */
	uint64		passed_at;

	/*
	 * Of what was before it was live: up to when was it read so late that nothing
	 * can be missing?  DT_NOEND = all of it.  It is so when these rows are done.
	 */
	TimestampTz proved_until;
	TimestampTz proof_until;	/* 0 = nothing new */
	uint64		proof_at;
	int64		next_mark;		/* when it is written again that it is live */
	int64		behind_us;		/* so much the provider's clock is behind ours */
	struct Backfill *backfill;	/* while it is begun */
	struct Merge *merge;		/* of trades: stream_merge.c's */

	/* What the last pass of it read, to be told when these rows are done. */
	TimestampTz read_from;		/* 0 = nothing is to be told */
	TimestampTz read_until;
	uint64		read_at;
	int64		nread;			/* so many were appended since that was told */
};

/* What was told of it before that has been heard; 0 = not known. */
static inline TimestampTz
og_append_heard(const Stream *stream)
{
	return stream->topic != NULL ? stream->topic->connection->last_heard : 0;
}

/* ---------- stream_append_queue.c ---------- */

extern Appending *og_queue_open(Stream *stream);
extern void og_queue_close(Appending *append);

/*
 * Add a record, in the order of the kind's shape.  Records are copied.  False if
 * more was told than may wait: it was not added.  What is read is not refused: who
 * reads asks whether so much is waiting that he should not.
 */
extern bool og_queue_add(Appending *append, const OgSlice *values, OgSlice raw,
						 bool of_rest);

/* Is so much waiting that nothing more should be read for it? */
extern bool og_queue_is_long(const Appending *append);

/* A mark behind all rows that were added so far, and all events that were told. */
extern void og_queue_mark(Appending *append, const char *symbol,
						  TimestampTz until);

/* This row, the first of its queue, waits no more. */
extern void og_queue_remove(AppendRow *row);

/* May it be written, where rows up to this one are done? */
extern bool og_mark_is_proved(const AppendMark *mark, uint64 done);

/* Those marks that are proved wait no more. */
extern void og_queue_forget_marks(Appending *append);

/*
 * Give up all but the first rows, and all marks.  Answers how many rows that were;
 * *from and *to, when the first and the last of them came.
 */
extern int	og_queue_give_up(Appending *append, TimestampTz *from,
							 TimestampTz *to);

/* ---------- stream_append_seen.c ---------- */

/* Was this row appended before, to the table of its stream? */
extern bool og_seen(const AppendRow *row);

/* Rows that are appended now. */
extern void og_seen_add(AppendRow **rows, int count);

/*
 * So far back goes what is remembered: trades from before may have been appended.
 * Known after a step of removal was made.
 */
extern TimestampTz og_seen_horizon(void);

/* Marks of a stream; needs a transaction. */
typedef void (*MarkFound) (void *owner, const char *symbol, TimestampTz until);

extern void og_marks_read(int32 stream_id, MarkFound found, void *owner);
extern void og_mark_write(int32 stream_id, const char *symbol,
						  TimestampTz until);

/* The earliest of all marks; those of streams that are no more are removed. */
extern TimestampTz og_marks_clean(void);

/* ---------- stream_append_fresh.c ---------- */

/*
 * Those of a batch that are to be appended: not told twice in it, nor appended before.
 * Needs a transaction; "fresh" has room for all.
 */
extern int	og_fresh_find(AppendRow **rows, int count, AppendRow **fresh);

/*
 * A row is refused.  True if nobody is to be told: he was, and the same one came
 * again.
 */
extern bool og_refused_note(const AppendRow *row, bool took_too_long);

/* ---------- stream_append_log.c, stream_append_into.c ---------- */

/* Append these rows, of one kind; needs a transaction. */
extern void og_log_append(OgStreamKind kind, AppendRow **rows, int count);

/*
 * The same into a table, as a role.  Opened before, in the transaction and outside
 * of any part of it; lock and right are there.
 */
typedef struct Into Into;

extern Into *og_into_open(const AppendTarget *target, Oid roleid);
extern void og_into_append(const Into *into, AppendRow **rows, int count);
extern void og_into_close(Into *into);

/*
 * What runs in such a table takes too long after some seconds, and is cancelled.
 * Whoever catches an error of it stops the clock, which must not strike after it.
 */
extern void og_into_stop_clock(void);

/* Of what was cancelled: did it take so long, or does this process end? */
extern bool og_into_took_long(void);

/*
 * Cancel what runs now, if anything does: for handlers of signals.  From now on it
 * may take a moment only.
 */
extern void og_into_cancel(void);
extern void og_into_hurry(void);

/* ---------- stream_append_write.c ---------- */

/*
 * Write the first rows of these streams, all of one kind, table and role.  True if
 * there may be more to be written at once.
 */
extern bool og_append_write(List *appends);

/* ---------- stream_append_keep.c ---------- */

/* Remove what is old, some of it. */
extern void og_append_keep(void);

/* ---------- stream_backfill.c ---------- */

/* What was missed is to be read; and no more of that. */
extern void og_backfill_begin(Appending *append);
extern void og_backfill_stop(Appending *append);

/* A fill has come: its market is one to be read. */
extern void og_backfill_see(Appending *append, const OgSlice *values);

/*
 * Do what can be done now.  It sets .passed when all was read once, and .proof_until
 * with each pass.
 */
extern void og_backfill_turn(Appending *append, OgPause *pause);

/* ---------- stream_merge.c ---------- */

/* A trade of this stream has come. */
extern void og_merge_note(Appending *append, const OgSlice *values);

/*
 * Take what a read tells of the market, one attempt after the other.  The attempt
 * is over: does the answer hold the trades that have come within its span?
 */
extern void og_merge_begin(Appending *append);
extern void og_merge_take(Appending *append, const OgSlice *values,
						  OgSlice raw);
extern bool og_merge_matches(const Appending *append);

/* Add what was read to the queue, some of it.  True if that was all. */
extern bool og_merge_add(Appending *append);
extern void og_merge_end(Appending *append);

/* ---------- stream_tell.c ---------- */

/* Something was told of an order of this stream's account. */
extern void og_append_tell(const Appending *append, const OgSlice *values);

/* Have the journal settled by what was told; transactions are its own. */
extern void og_tell_turn(void);
extern void og_tell_open(void);

/* ---------- stream_tell_account.c ---------- */

/*
 * What names the account of a role at a server, "" if it cannot be opened any more.
 * Needs a transaction, for which *all, which begins as NIL, keeps what was found.
 */
extern const char *og_tell_account(List **all, Oid serverid, Oid roleid);

#endif							/* OG_STREAM_APPEND_H */
