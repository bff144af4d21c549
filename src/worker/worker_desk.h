/*-------------------------------------------------------------------------
 *
 * worker_desk.h
 *		The desk at which sessions hand calls over to the worker of their
 *		database, and get their rows.
 *
 * Each backend has one place there, in shared memory: a queue for what it hands
 * over and another one for what comes back, both small, so that what is between a
 * session and the worker is bounded however many orders a call has.  A call goes
 * over in parts, one or two of which are with the worker at a time; each is a call
 * of the journal of its own.
 *
 * A session that goes, for whatever reason, leaves its place; the worker sends
 * nothing more of what it had handed over then, and completes what has left.  A
 * worker that goes leaves all places.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OG_WORKER_DESK_H
#define OG_WORKER_DESK_H

#include "access/transam.h"

#include "gateway/gateway.h"
#include "ground/shared.h"
#include "worker/worker_journal.h"

extern const OgSharedPart og_desk_shared;

/* So many keys, and about so many bytes, are one part at most. */
#define OG_PART_KEYS	10000
#define OG_PART_BYTES	(1024 * 1024)

/*
 * A part of a call.  Of .call all is set but .call_id, .xid and .timeline; .ids
 * has its ids as they were given, repeated ones included where the call is one
 * part, and else its different ids.  What the session saw of the catalog is what
 * it has checked; the worker makes the call with nothing else.
 */
typedef struct OgPart
{
	OgJournalCall call;
	Oid			session_role;
	int			pid;			/* of the session */
	OgAccountVersion version;	/* of the account */
} OgPart;

typedef enum OgDeskKind
{
	OG_DESK_BEGUN,				/* a part is a call of the journal: .call_id */
	OG_DESK_LEFT,				/* ids of the part from .first on, so many as
								 * .count, are about to leave; the first of those
								 * that are repeated */
	OG_DESK_BACK,				/* nothing was done about them: if they leave, that
								 * is told once more */
	OG_DESK_ROW,				/* .row, in the order of the part's ids: one for
								 * each of them, all orders of it chained */
	OG_DESK_NEWS,				/* .news, but for its account */
	OG_DESK_REFUSED,			/* the part is not made, and nothing of it was
								 * sent: .refusal is to be raised */
	OG_DESK_DONE,				/* the last row of a part has come */
	OG_DESK_GONE				/* the worker went; nothing more comes */
} OgDeskKind;

typedef struct OgDeskRefusal
{
	int			sqlstate;
	const char *message;
	const char *detail;			/* or NULL */
	const char *hint;			/* or NULL */
} OgDeskRefusal;

/*
 * What comes back.  Rows, and what ends a part, are told of one part after the
 * other, in their order; the rest may come at any time before that.
 */
typedef struct OgDeskMessage
{
	OgDeskKind	kind;
	int			part;			/* from 0 */
	int64		call_id;
	int			first;
	int			count;
	OgRow		row;			/* .position in the part's ids */
	OgNews		news;
	OgDeskRefusal	refusal;
} OgDeskMessage;

/* ---------- a session's end ---------- */

typedef struct OgDesk OgDesk;

/*
 * Take this backend's place, until the current memory context goes, or it is
 * closed.  Errors: 55000 the worker does not run (with what to do about it), and
 * those of an interrupt, while a worker has not let go of what this backend handed
 * over before.
 */
extern OgDesk *og_desk_open(void);
extern void og_desk_close(OgDesk *own);

/*
 * Hand a part over, which does not wait: false if there is no room for all of it
 * yet; then the same is to be handed over again, after a wait.  It stays as it is
 * by then.
 */
extern bool og_desk_hand_over(OgDesk *own, const OgPart *part);

/*
 * The next message, which lasts until the one after it; false if there is none
 * yet.
 */
extern bool og_desk_hear(OgDesk *own, OgDeskMessage *message);

/*
 * The call comes to an end here: nothing leaves after this of which what can be
 * heard now does not tell.  For callbacks of error contexts: raises no errors.
 */
extern void og_desk_stop(OgDesk *own);

/*
 * Sleep until there may be one, or room, for a second at most; interrupts are
 * serviced.  Errors: 40P01 the worker waits for this transaction as well.
 */
extern void og_desk_wait(OgDesk *own);

/* ---------- a worker's end ---------- */

typedef struct OgPlace OgPlace;

/*
 * A place of this database at which something was handed over, or whose session
 * has gone, since it was answered last; NULL if there is none.  It belongs to this
 * process from then on, until it is let go.  With "left", only one of those that
 * belong to it already, and whose session has gone.
 */
extern OgPlace *og_place_next(bool left);

/*
 * The next part that was handed over, in the current context, and its number in
 * its call; NULL if none has come whole.
 */
extern OgPart *og_place_hear(OgPlace *own, int *number);

/* Has its session gone?  Nobody hears what is told there then. */
extern bool og_place_is_left(const OgPlace *own);

/*
 * Is all that was told there in its queue, or with the session?  If not, there may
 * be room for the rest once the latch was set.
 */
extern bool og_place_is_clear(OgPlace *own);

/*
 * Tell messages, one after the other in these bytes (worker_message.h), where all
 * before is clear.
 */
extern void og_place_tell(OgPlace *own, const char *bytes, Size len);

/* Are the rows of this part to be told next?  When that is done: */
extern bool og_place_is_due(const OgPlace *own, int part);
extern void og_place_end_part(OgPlace *own);

/* Let one go, or all: who has one in use hears that the worker went. */
extern void og_place_leave(OgPlace *own);
extern void og_places_leave(void);

#endif							/* OG_WORKER_DESK_H */
