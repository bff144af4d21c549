/*-------------------------------------------------------------------------
 *
 * session_part.h
 *		A call that the worker makes, in parts: its ids go over, and its rows come
 *		back.
 *
 * Parts hold keys that follow each other, and end where a request does; so their
 * requests are those of the call.  Rows come in the order of the ids of a part.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OG_SESSION_PART_H
#define OG_SESSION_PART_H

#include "session/session.h"
#include "worker/worker_desk.h"

typedef struct SessionPart
{
	int			first;			/* its keys: from this one ... */
	int			end;			/* ... up to before this one */
	bool		whole;			/* the call is this one part: its ids are all
								 * that were given, repeated ones included */
	int			nids;
	int			nanswered;		/* of its ids, from the first on */
	int64		call_id;		/* in the journal; 0 = none is known */
	TimestampTz submitted_at;	/* no two parts have the same */
	FullTransactionId before;	/* when it was handed over, no transaction had
								 * this number, or one above */

	/* the request that was looked for last: its number, from 1, and its keys */
	int			nbatches;		/* of parts before */
	int			batch;
	int			batch_first;
	int			batch_end;
} SessionPart;

/* A repeated key that was answered, where it is to be so again. */
typedef struct RepeatedRow
{
	OgRow		row;
	OgOutcome	outcome;
} RepeatedRow;

/* Two parts are with the worker, at most. */
#define PARTS_AT_ONCE	2

typedef struct SessionCall
{
	MemoryContext context;		/* of all this */
	const OgAct *act;
	const char *role;			/* it may be dropped before the last part */
	TimestampTz expires_at;		/* of parts behind the first: call_timeout */
	SessionPart parts[PARTS_AT_ONCE];	/* by their numbers, in turn */
	int			ncut;
	int			next_key;		/* the first that is in no part yet */
	int			next_batch;		/* requests of all parts */

	int			position;		/* of the next row */
	int			nanswered;		/* keys, from the first on */
	int			ndone;			/* of those, with the verdict that was wanted */
	bool	   *left;			/* of each key: it has left */
	int			nin_flight;		/* those without an answer */
	int		   *remaining;		/* of each key: positions to be answered; NULL
								 * while no row has to be kept */
	RepeatedRow **repeated;
} SessionCall;

/* Begin; it lives in the current context. */
extern SessionCall *og_session_call(const OgAct *act);

static inline SessionPart *
og_session_part(SessionCall *call, int number)
{
	return &call->parts[number % PARTS_AT_ONCE];
}

/* The next part; and, if it never is one, all that is in none yet. */
extern SessionPart *og_session_cut(SessionCall *call);
extern SessionPart *og_session_cut_rest(SessionCall *call);

/* It as it is handed over, in the current context. */
extern OgPart *og_session_form(const SessionCall *call,
							   const SessionPart *part);

/* So many ids of a part leave, from the one at this position of it on. */
extern void og_session_left(SessionCall *call, const SessionPart *part,
							int first, int count);

/* The same have not: they wait, or have rows that say why not. */
extern void og_session_back(SessionCall *call, const SessionPart *part,
							int first, int count);

/*
 * The row of the next id of a part, all its orders chained.  Its .batch is counted
 * from the first request of the part; where that is 0, it is found out here.
 */
extern void og_session_answer(SessionCall *call, SessionPart *part,
							  const OgRow *row);

/* The same, of which no more is wanted than that it has come. */
extern void og_session_count(SessionCall *call, SessionPart *part,
							 const OgRow *row);

/* The same for what nobody else says anything of. */
extern void og_session_say(SessionCall *call, SessionPart *part,
						   OgVerdict verdict, const char *why);

/* How far it has come; see og_call_progress(). */
extern void og_session_progress(const SessionCall *call, OgProgress *progress,
								StringInfo in_flight);

#endif							/* OG_SESSION_PART_H */
