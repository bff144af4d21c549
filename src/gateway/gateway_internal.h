/*-------------------------------------------------------------------------
 *
 * gateway_internal.h
 *		What the files of the pipeline share with each other.
 *
 * From the top down; each file uses those below it only.
 *
 * gateway.c			a call: its batches, its rows, repeated ids included
 * gateway_read.c		a read: one request after the other, records
 * gateway_check.c		requests that only try whether a server can be used
 * gateway_batch.c		the keys of one request, and what becomes of each
 * gateway_walk.c		which requests a read takes: see gateway_walk.h
 * gateway_sender.c		who sends the requests of a call: which goes when
 * gateway_errand.c		one request: turn, signature, answer, another attempt
 * gateway_patience.c	how long requests may wait, and what is said of that
 * gateway_report.c		what goes on, for the views and the log
 * gateway_hold.c		a provider that wants to be left alone for a while
 * gateway_pace.c		what the requests of an account count on
 * gateway_request.c	a request: build, sign, wipe
 * gateway_collect.c	an answer becomes one outcome per key
 * gateway_failure.c	an answer becomes why a read failed
 * gateway_keys.c		the ids of a call
 * gateway_preview.c	the same requests, shown instead of sent
 *
 *-------------------------------------------------------------------------
 */
#ifndef OG_GATEWAY_INTERNAL_H
#define OG_GATEWAY_INTERNAL_H

#include "lib/ilist.h"
#include "nodes/pg_list.h"

#include "gateway/gateway.h"
#include "ground/clock.h"
#include "http/http.h"
#include "limiter/limiter.h"
#include "monitor/activity.h"
#include "monitor/stats.h"

/* A request that can be sent or shown; see gateway_request.c. */
typedef struct SignedRequest
{
	MemoryContext context;
	MemoryContextCallback on_reset;
	OgRequest	parts;
	StringInfoData url;			/* once asked for */
} SignedRequest;

/* What one call shows and counts; see gateway_report.c. */
typedef struct Report
{
	MemoryContextCallback on_reset;
	bool		shown;			/* to others, and in the statistics */
	bool		ended;
	OgActivity *activity;
	OgActivity	unseen;			/* where it is not shown */
	OgStatsCounters counters;	/* since they were added last */
	int64		added;			/* when: og_clock_now() */
	int64		total;			/* keys of an act, whose fate is counted ... */
	int			nunanswered;	/* ... that left, without a verdict so far ... */
	int			nclosed;		/* ... with a final outcome ... */
	int			nanswered;		/* ... other than "not sent" */
	int64		estimated;		/* last_turn: og_clock_now() */
	OgWait		waiting;
} Report;

/*
 * Who sends the requests of one call: over which connections and lanes, how
 * long it may take in all, and who hears of it.
 */
typedef struct Sender
{
	MemoryContext context;
	const OgAccount *account;
	OgCaller	caller;
	OgHttp	   *http;
	OgLimiter  *limiter;
	OgPace		pace;
	bool		is_act;
	dlist_head	errands;		/* that are not done, in their order */
	struct Errand *ended;		/* its answer is to be read, or NULL */
	int			busy;			/* those with a turn, or in flight */
	int64		further;		/* requests that will follow; -1 = unknown */

	/* bounds */
	int			width;			/* requests in flight at once */
	int64		deadline;		/* og_clock_now(); 0 = none */
	int64		patience_us;	/* for turns and pauses in all ... */
	int64		waited_us;		/* ... of which so much is over */
	int64		pausing_since;	/* og_clock_now(); 0 = it does not wait ... */
	bool		for_turn;		/* ... for one of these, for a turn */
	const char *stopped;		/* nothing more is sent, because ... */
	bool		timed_out;		/* ... call_timeout is over */
	bool		one_by_one;		/* no request leaves before the last one is
								 * answered: their order matters ... */
	bool		order_in_vain;	/* ... but is not what it was about */
	bool		announced;		/* a long wait was told of */

	Report		report;
} Sender;

typedef enum ErrandState
{
	ERRAND_READY,				/* may be sent as soon as it has a turn */
	ERRAND_PAUSED,				/* not before .not_before */
	ERRAND_WITNESSED,			/* has a turn; the witness holds it back */
	ERRAND_IN_FLIGHT,
	ERRAND_ENDED,				/* its transfer ended, and was not read yet */
	ERRAND_DONE
} ErrandState;

typedef struct Errand Errand;

/* What an attempt came to, as far as another one depends on it. */
typedef struct Attempt
{
	bool		wants_fewer;	/* it came too early */
	bool		nonce_refused;	/* and was refused as a whole for that alone */
	bool		final;			/* it would be answered the same once more */
} Attempt;

/*
 * What may be asked once more after a failure.  Whatever that is, keys that
 * were answered never are.
 */
typedef enum Repeats
{
	REPEAT_NOTHING,				/* a check tells what it sees */
	REPEAT_UNPROCESSED,			/* an act: what provably was not processed */
	REPEAT_ANYTHING				/* a read changes nothing */
} Repeats;

/* What differs between acts, reads and checks. */
typedef struct ErrandKind
{
	Repeats		repeats;
	bool		hurried;		/* a wait beyond call_timeout is not begun */
	const char *no_turn;		/* why nothing was sent that had to wait for
								 * too long */

	/* Its first byte leaves.  Inside libcurl.  NULL = nobody cares. */
	void		(*left) (Errand *errand);

	/* Read what became of an attempt. */
	void		(*take) (Errand *errand, const OgResponse *response,
						 Attempt *attempt);

	/*
	 * Keep what is known now, and the transfer or not.  False if nothing is
	 * left to ask; with "again" what may be asked once more is.
	 */
	bool		(*settle) (Errand *errand, OgTransfer *transfer,
						   const Attempt *attempt, bool again);

	/* Nothing more of it is sent; what is open stays as it is. */
	void		(*give_up) (Errand *errand, const char *why);
} ErrandKind;

/*
 * One request, from its first turn until it is answered or given up.  Part of
 * a struct of its kind's; .asked is kept up to date there.
 */
struct Errand
{
	dlist_node	node;
	const ErrandKind *kind;
	Sender	   *sender;
	const OgOperation *operation;
	MemoryContext context;		/* of what an attempt takes */
	int			number;			/* of the request, from 0 */
	OgBatch		asked;			/* the keys still open */
	const int  *numbers;		/* of these keys in the call; NULL if none */
	OgSight    *sight;			/* see OgHttpRequest, or NULL */

	ErrandState state;
	int			attempts;
	int64		not_before;		/* og_clock_now() */
	OgTurn		turn;
	bool		has_turn;		/* reserved, neither stamped nor returned */
	bool		left;			/* the first byte of this attempt is away */
	OgTransfer *transfer;		/* in flight, or ended */
	const char *path;			/* of the last request */
	OgMethod	method;
};

static inline Errand *
og_errand_of(dlist_node *node)
{
	/* The macro only takes the type of a member of that NULL. */
	/* cppcheck-suppress nullPointer */
	return dlist_container(Errand, node, node);
}

/* The last attempt at which a key was part of a request. */
typedef struct OgExchange
{
	int			attempts;
	int			http_status;
	TimestampTz sent_at;
	TimestampTz answered_at;
} OgExchange;

/*
 * The keys of one request.  The struct is part of the call and is used again;
 * what it points to lives in the errand's context.
 */
typedef struct CallBatch
{
	Errand		errand;
	OgCall	   *call;
	int			first_key;
	int			nkeys;
	OgSlice    *keys;
	OgOutcome  *outcomes;		/* per key: final, or the last one so far */
	OgExchange *exchanges;		/* per key */

	/* the keys still open: all at first, later those that go again */
	int		   *open;			/* indexes into keys ... */
	int		   *numbers;		/* ... their numbers in the call ... */
	OgSlice    *asked;			/* ... and their texts */

	OgCollected collected;		/* of the last answer */
	List	   *answers;		/* ended transfers that outcomes point into */
} CallBatch;

/*
 * Which keys go in which request, one after the other: full ones, unless some
 * keys must not stand together.  See gateway_keys.c.
 */
typedef struct KeySplit
{
	int			nkeys;
	int			size;			/* most keys of a request */
	int			nbatches;
	int		   *firsts;			/* the first key of each; NULL: all are full */
} KeySplit;

struct OgCall
{
	MemoryContext context;
	const OgOperation *operation;
	const OgFields *arguments;
	const OgKeys *keys;
	KeySplit	split;
	Sender		sender;

	/* batches [head, created) are held in the ring */
	CallBatch  *ring;
	int			ring_size;
	int			head;
	int			created;

	/* rows */
	int			position;
	const OgOutcome *further;	/* next order of the same key */
	OgRow		row;
	struct RepeatedKey *repeated;	/* per key; NULL while all ids differ */
	struct SavedOutcome *spent; /* its last row is out: to be freed */
	int64		foreign;		/* elements about orders not asked for */
	int			ndone;			/* keys with the verdict that was wanted */
};

/* gateway_batch.c */
extern void og_batch_create(CallBatch *batch, OgCall *call, int number);
extern void og_batch_release(CallBatch *batch);

/*
 * gateway_sender.c
 *
 * The fields that are zero in a new one are: .further and .width may be set,
 * .deadline and .patience_us changed.
 */
extern void og_sender_open(Sender *sender, const OgAccount *account,
						   const OgOperation *operation,
						   const OgCaller *caller);
extern void og_sender_add(Sender *sender, Errand *errand);

/* False if there is nothing to do before *pause is over, or nothing at all. */
extern bool og_sender_step(Sender *sender, OgPause *pause);
extern void og_sender_cancel(Sender *sender, const char *unsent,
							 const char *unanswered);
extern void og_sender_close(Sender *sender);

/* gateway_errand.c */
extern bool og_errand_try(Errand *errand, int64 now, OgPause *pause);
extern void og_errand_end(Errand *errand);
extern bool og_errand_can_wait(const Errand *errand);
extern void og_errand_take(Errand *errand);
extern void og_errand_give_up(Errand *errand, const char *why);

/* gateway_patience.c */
extern int64 og_patience_deadline(const OgAccount *account);
extern bool og_patience_allows(const Sender *sender, const ErrandKind *kind,
							   int64 wait_us);
extern void og_patience_pause(Sender *sender, OgPause *pause, int64 wait_us,
							  OgWait what);
extern void og_patience_announce(Sender *sender, int64 wait_us);
extern void og_patience_begin(Sender *sender, const OgPause *pause);
extern void og_patience_end(Sender *sender);
extern const char *og_patience_explain(Sender *sender, const char *why);
extern void og_patience_hear(const Sender *sender, OgNewsKind kind,
							 int64 number, const char *text);

/* gateway_report.c */
extern void og_report_begin(Sender *sender, int64 ids);
extern void og_report_left(Sender *sender, const Errand *errand,
						   TimestampTz at);
extern void og_report_end_of_attempt(Sender *sender, const Errand *errand,
									 const OgResponse *response);
extern void og_report_retry(Sender *sender);
extern void og_report_outcome(Sender *sender, OgVerdict verdict);
extern void og_report_wait(Sender *sender, OgWait what, int64 now);
extern void og_report_end(Sender *sender);

/* gateway_hold.c */
extern int64 og_hold_lane(OgLimiter *limiter, const OgPace *pace,
						  const OgResponse *response, bool wants_fewer,
						  int attempts);
extern const char *og_hold_end(OgLimiter *limiter);

/* gateway_pace.c: all windows, and the lanes, that count an operation */
extern OgPace og_pace_of(const OgAccount *account,
						 const OgOperation *operation);
extern OgLimiter *og_pace_limiter(const OgAccount *account,
								  const OgOperation *operation);

/* gateway_request.c */
extern SignedRequest *og_signed_request(const OgAccount *account,
										const OgOperation *operation,
										const OgBatch *asked, int64 time_ms);
extern OgTransfer *og_signed_start(SignedRequest *request,
								   const OgAccount *account, OgHttp *http,
								   OgHttpReady ready, void *owner,
								   OgSight *sight);
extern void og_signed_free(SignedRequest *request);

/* gateway_keys.c */
extern void og_keys_split(KeySplit *split, const OgKeys *keys,
						  const OgAccount *account,
						  const OgOperation *operation);
extern int	og_split_first(const KeySplit *split, int batch);
extern int	og_split_batch(const KeySplit *split, int key);

#endif							/* OG_GATEWAY_INTERNAL_H */
