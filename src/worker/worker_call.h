/*-------------------------------------------------------------------------
 *
 * worker_call.h
 *		A call that is being made: its rounds, and what is to be written of it.
 *
 * A call of the outbox takes as many calls of the pipeline as it takes: each
 * round asks for all orders that have no result yet.  What is provably not
 * processed at its end is asked for in the next one, until it expires.  Before
 * each round all that was checked when it was submitted is checked again.
 *
 * Nothing is written here: what has to be is gathered with the call, and
 * worker_turn.c does that for all of them together.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OG_WORKER_CALL_H
#define OG_WORKER_CALL_H

#include "gateway/gateway.h"
#include "monitor/stats.h"
#include "worker/worker_account.h"

/* What is known of a key. */
typedef struct KeyState
{
	uint32		turn;			/* that marked it; see below */
	uint16		attempts;		/* in rounds that are over */
	bool		done;			/* it has its result */
	bool		leads;			/* its request counts as in flight */
	bool		refused;		/* the last thing that it was answered */
	bool		told;			/* its session knows that its request leaves */
	bool		left;			/* that may have left */
} KeyState;

/* Of a key without a mark, and of one whose mark is to be written. */
#define UNMARKED	0
#define WANTED		PG_UINT32_MAX

/* What a key was answered last that was provably not processed. */
typedef struct LastAnswer
{
	TimestampTz sent_at;		/* 0 = none yet */
	TimestampTz answered_at;
	int			batch;
	int			words;			/* which of these; -1 = they are not kept */
} LastAnswer;

/* Words of such answers, of which there are few different ones. */
#define MAX_WORDS	16

typedef struct Words
{
	const char *code;
	const char *message;
	int			http_status;
} Words;

/* Keys that leave, or did not. */
typedef struct PendingMark
{
	int			number;			/* in the call, from 1 */
	bool		leaves;
	int		   *keys;
	int			nkeys;
	int			size;
} PendingMark;

/* What is to be written of a call; all in one context. */
typedef struct Pending
{
	MemoryContext context;
	PendingMark *marks;			/* in their order */
	int			nmarks;
	int			marks_size;
	OgJournalResult *results;
	int			nresults;
	int			results_size;
	bool		end;
} Pending;

typedef struct Making
{
	dlist_node	node;			/* among all, those first that wait longest */
	MemoryContext context;
	Line	   *line;
	OgJournalCall call;
	struct Served *served;		/* a session has handed it over: worker_told.h */
	const OgOperation *operation;
	OgKeys	   *keys;			/* all of them */
	KeyState   *states;			/* of each key */
	int		   *first;			/* position of each; NULL while all ids differ */
	int		   *next_same;		/* of each position: the next of its key, or -1 */
	int			nopen;			/* keys without a result */
	int			nmarks;			/* so many marks were numbered */
	int			outcomes[OG_OUTCOMES];
	OgStatsCounters counters;	/* what the statistics do not have yet */
	const char *over;			/* nothing more is sent, because ... */
	bool		withdrawn;		/* that is known, and nothing was done about it */
	OgVerdict	unsent;			/* what is not sent is that: another server may
								 * have sent it */
	const char *note;			/* of its end */
	bool		quarantined;
	LastAnswer *last;			/* of each key, or NULL */
	Words		words[MAX_WORDS];
	int			nwords;
	char	   *problem;		/* why something could not be sent, or NULL */

	/* the round that is made, or the wait for it */
	MemoryContext round;		/* NULL = there is none */
	Share	   *share;
	OgCall	   *pipeline;
	int		   *key_of;			/* of each of its keys; NULL = all are asked for */
	int			nbatches;		/* of rounds before it */
	int			highest_batch;	/* of this one */
	int			width;			/* requests that it can have in flight */
	int			in_flight;
	bool		stopped;
	bool		failed;			/* no connection came about */
	int64		next_round;		/* og_clock_now() */
	int64		pause_us;		/* the last one between rounds */
	int64		held_until;		/* og_clock_now(): no marks before */
	int64		yields_until;	/* the same: the next place is for others */

	int			finished;		/* keys that were looked at for its end */
	bool		stuck;			/* what is pending could not be written ... */
	bool		is_own;			/* ... which is its own trouble: others' could */
	bool		ended;			/* all of it has been, and nothing is left to do */
	bool		no_marks;		/* those that are pending are not to be made */
	Pending		pending;
} Making;

static inline Making *
making_of(dlist_node *node)
{
	/* The macro only takes the type of a member of that NULL. */
	/* cppcheck-suppress nullPointer */
	return dlist_container(Making, node, node);
}

/* ---------- worker_call.c ---------- */

/* Why nothing more of a call is sent. */
#define OG_WITHDRAWN	"it was withdrawn before it could be sent"
#define OG_EXPIRED		"it had expired before it could be sent"
#define OG_TIMED_OUT	"call_timeout ran out before it could be sent"
#define OG_UNREACHED	"its server could not be reached"

/*
 * Begin to make a call that was taken from the outbox; what is read goes below
 * "parent".  Needs a transaction.  NULL: it has ended already.  Errors: it cannot
 * be read, or must not be sent.
 */
extern Making *og_making_begin(const OgInstallation *installation,
							   const Queued *queued, MemoryContext parent);

/*
 * Begin to make a part of a call that a session has handed over, whose memory is
 * the current context, below "parent" from then on.  It is made in one round, as
 * it would be in the session.
 */
struct OgPart;
extern Making *og_making_serve(Line *line, const struct OgPart *part,
							   MemoryContext parent);

/* Is the next round to be opened? */
extern bool og_making_is_due(const Making *making, int64 now);

/*
 * Open it.  Needs a transaction.  Errors: those of og_share_take(), and of
 * opening a call; then it is to be closed.
 */
extern void og_making_open(Making *making, MemoryContext parent);

/*
 * Do what can be done now, for so many rows at most.  True if there is more;
 * else *pause tells until when there is not.
 */
extern bool og_making_advance(Making *making, int rows, OgPause *pause);

/* Nothing more of it is sent, for a reason that lives on. */
extern void og_making_stop(Making *making, const char *why);

/* Its round ends here, if there is one, whatever it has come to. */
extern void og_making_close(Making *making);

/* Free all of it, and leave its line. */
extern void og_making_end(Making *making);

/* Is there anything to be written of it? */
static inline bool
og_making_has_news(const Making *making)
{
	return making->pending.nmarks > 0 || making->pending.nresults > 0 ||
		making->pending.end;
}

/* The position of a key, from 1: where its id stands first. */
static inline int
og_making_ordinal(const Making *making, int key)
{
	return (making->first != NULL ? making->first[key] : key) + 1;
}

/* ---------- worker_witness.c ---------- */

extern const OgWitness og_worker_witness;

/* Nothing is marked yet: turns are counted from this one on. */
extern void og_witness_begin(uint32 turn);

/* While nothing can be written, nothing leaves; answers are read all the same. */
extern void og_witness_block(bool nothing_leaves);

/* All marks up to that of this turn are where they have to be: requests leave. */
extern void og_witness_release(uint32 turn);

/* An order that was never asked for with success gets its result. */
extern void og_pending_unsent(Making *making, int key);

/*
 * Nothing leaves any more, and nothing comes back: marks of what had not left are
 * taken back.
 */
extern void og_pending_last(Making *making);

/* What was pending has been written, in this turn. */
extern void og_pending_written(Making *making, uint32 turn);

#endif							/* OG_WORKER_CALL_H */
