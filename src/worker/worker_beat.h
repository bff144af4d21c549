/*-------------------------------------------------------------------------
 *
 * worker_beat.h
 *		One heartbeat of a worker, and the beat that it is at.
 *
 * A beat is begun by a row that is committed.  When the standbys have it that
 * have to, its request goes out, as a call of its own that waits for its turn
 * before all others.  What it was answered is written down, too; where that
 * fails, it is written with the row of the next beat.
 *
 *		RESTING		until it is due
 *		COMMITTED	its row is, and the standbys are waited for
 *		OUT			its request is on its way
 *
 * A beat that was not accepted is followed by another one, after a pause that is
 * doubled each time.  What the role of a heartbeat may not do any more, or whom
 * the provider does not know, is not asked again: it is lost, and that is said.
 *
 * Times are those of og_clock_now(), but for those of rows, which people read.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OG_WORKER_BEAT_H
#define OG_WORKER_BEAT_H

#include "access/xlogdefs.h"
#include "lib/ilist.h"

#include "worker/worker_heartbeat.h"

/* Parts of a timeout: between two beats, and what one may take. */
#define BEATS_IN_TIMEOUT	3
#define TRIES_IN_TIMEOUT	6

/* What could not be read or written is tried again. */
#define HEARTBEAT_AGAIN_US	USECS_PER_SEC

typedef enum BeatState
{
	BEAT_RESTING,
	BEAT_COMMITTED,
	BEAT_OUT
} BeatState;

typedef struct Beat
{
	dlist_node	node;
	pg_uuid_t	installation;
	MemoryContext context;		/* of all this */
	MemoryContext words;		/* of what the row says in words */
	OgHeartbeat row;			/* as it is, or is to be written */
	bool		changed;		/* it is not written ... */
	int64		next_write;		/* ... and that is not tried before */
	bool		wanted;			/* found by the look that goes on */
	bool		ended;			/* its rows are to be removed */
	BeatState	state;
	int64		due;			/* while it rests */
	int64		pause_us;		/* the last one */
	XLogRecPtr	end;			/* of the row's transaction ... */
	int64		committed;		/* ... and when that was */

	/* its request */
	MemoryContext request;		/* NULL = there is none */
	OgAccount  *account;
	OgCall	   *call;
	int64		sent_wish;		/* what it is about */
	int64		sent_ms;
	int64		opened;
	int64		deadline;

	/* the timer, as far as is known */
	int64		renewed;		/* 0 = it does not run */
	int64		runs_us;
	bool		told_late;
} Beat;

static inline Beat *
beat_of(dlist_node *node)
{
	/* The macro only takes the type of a member of that NULL. */
	/* cppcheck-suppress nullPointer */
	return dlist_container(Beat, node, node);
}

static inline bool
beat_is_to_stop(const Beat *beat)
{
	return beat->row.wish.timeout_ms == 0;
}

/* How long a beat may take, in milliseconds. */
extern int	og_beat_deadline_ms(const Beat *beat);

/* What the row says of the last beat, in words; either may be NULL. */
extern void og_beat_set_words(Beat *beat, const char *code,
							  const char *message);

/* Tell that the timer is about to run out, and that it has. */
extern void og_beat_tell_late(const Beat *beat);
extern void og_beat_tell_fired(const Beat *beat);

/* No further beats, for this reason. */
extern void og_beat_lose(Beat *beat, OgVerdict outcome, const char *code,
						 const char *message);

/* Write its row as it is, or remove it; it stays .changed if that fails. */
extern void og_beat_write(Beat *beat, OgPause *pause);

/* Commit the row of a beat: it is COMMITTED then, unless that failed. */
extern void og_beat_begin(Beat *beat);

/* The standbys do not have the row, still. */
extern void og_beat_await(Beat *beat, OgPause *pause);

/* Send its request: it is OUT then, unless that failed. */
extern void og_beat_send(Beat *beat);

/* Do what can be done about the request. */
extern void og_beat_advance(Beat *beat, OgPause *pause);

/* The request is given up, if there is one. */
extern void og_beat_close(Beat *beat);

#endif							/* OG_WORKER_BEAT_H */
