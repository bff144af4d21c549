/*-------------------------------------------------------------------------
 *
 * gateway_internal.h
 *		What the files of the pipeline share with each other.
 *
 * From the top down; each file uses those below it only.
 *
 * gateway.c			a call: its batches, and a row for each of its ids
 * gateway_read.c		a read: one request after the other, records
 * gateway_check.c		requests that only try whether a server can be used
 * gateway_walk.c		which requests a read takes: see gateway_walk.h
 * gateway_sender.c		who sends the requests of a call: turn, signature,
 *						answer, another attempt
 * gateway_report.c		what goes on, for the views and the log
 * gateway_pace.c		what requests count on, and how long they may wait
 * gateway_request.c	a request: build, sign, wipe; or show it only
 * gateway_collect.c	an answer becomes one outcome per key
 * gateway_failure.c	an answer becomes why a read failed
 * gateway_keys.c		the ids of a call, and which go in one request
 *
 *-------------------------------------------------------------------------
 */
#ifndef OG_GATEWAY_INTERNAL_H
#define OG_GATEWAY_INTERNAL_H

#include "lib/ilist.h"

#include "gateway/gateway.h"
#include "ground/clock.h"
#include "http/http.h"
#include "limiter/limiter.h"
#include "monitor/activity.h"
#include "monitor/stats.h"

/* What one call shows and counts; see gateway_report.c. */
typedef struct Report
{
	MemoryContextCallback on_reset;
	bool		counted;		/* in the statistics, and shown to others */
	OgActivity *activity;
	OgActivity	unseen;			/* where it is not shown */
	OgStatsCounters counters;	/* since they were added last */
	int64		added;			/* when: og_clock_now() */
	int64		total;			/* keys of an act, whose fate is counted ... */
	int			nclosed;		/* ... with a final outcome ... */
	int			nanswered;		/* ... other than "not sent" */
	int64		estimated;		/* last_turn: og_clock_now() */
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
	OgPace		pace;			/* windows of the key that count its requests */
	bool		is_act;
	dlist_head	errands;		/* that are not done, in their order */
	struct Errand *ended;		/* its answer is to be read, or NULL */
	int			busy;			/* those that had a turn and are not answered */
	int64		further;		/* requests that will follow; -1 = unknown */

	/* bounds */
	int			width;			/* requests in flight at once */
	int64		deadline;		/* og_clock_now(); 0 = none */
	int64		patience_us;	/* for turns and pauses, what is left of it */
	int64		pausing_since;	/* og_clock_now(); 0 = it does not wait for one */
	int64		waited_us;		/* for them so far */
	bool		resting;		/* there is nothing to do before .rest is over,
								 * unless something happens */
	OgPause		rest;
	const char *stopped;		/* nothing more is sent, because ... */
	bool		one_by_one;		/* no request leaves before the last one is
								 * answered: their order matters ... */
	bool		order_in_vain;	/* ... but is not what it was about */
	bool		announced;		/* a long wait was told of */

	Report		report;
} Sender;

typedef enum ErrandState
{
	ERRAND_READY,				/* may be sent as soon as it has a turn, but not
								 * before .not_before */
	ERRAND_WITNESSED,			/* has a turn; the witness holds it back ... */
	ERRAND_HELD,				/* ... and did so until that was over */
	ERRAND_IN_FLIGHT,			/* until its answer is read */
	ERRAND_DONE
} ErrandState;

typedef struct Errand Errand;

/* What an attempt came to, as far as another one depends on it. */
typedef struct Attempt
{
	bool		wants_fewer;	/* it came too early */
	bool		nonce_refused;	/* and was refused as a whole for that alone */
	bool		final;			/* it would be answered the same once more, or
								 * nobody would ask */
} Attempt;

/* Whose errand it is: what becomes of its answer. */
typedef struct ErrandKind
{
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
 * One request, from its first turn until it is answered or given up.  The first
 * part of a struct of its kind's; .asked is kept up to date there.
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
	int		   *numbers;		/* of these keys in the call; NULL if none */
	OgSight    *sight;			/* see OgHttpRequest, or NULL */

	ErrandState state;
	int			attempts;
	int64		not_before;		/* og_clock_now() */
	OgTurn		turn;
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

/* Is its answer awaited? */
static inline bool
og_errand_is_away(const Errand *errand)
{
	return errand->state == ERRAND_IN_FLIGHT && errand->left;
}

/*
 * gateway_sender.c
 *
 * What a sender holds goes with the context that is current when it is opened.
 * The fields that are zero in a new one are: .further and .width may be set,
 * .deadline and .patience_us changed.
 */
extern void og_sender_open(Sender *sender, const OgAccount *account,
						   const OgOperation *operation,
						   const OgCaller *caller);
extern void og_sender_add(Sender *sender, Errand *errand);

/* False if there is nothing to do before *pause is over, or nothing at all. */
extern bool og_sender_step(Sender *sender, OgPause *pause);
extern void og_sender_stop(Sender *sender, const char *why);
extern void og_sender_cancel(Sender *sender, const char *unsent,
							 const char *unanswered);

/* gateway_report.c */
extern void og_report_begin(Sender *sender, int64 ids);
extern void og_report_left(Sender *sender, TimestampTz at);
extern void og_report_end_of_attempt(Sender *sender, const Errand *errand,
									 const OgResponse *response);
extern void og_report_retry(Sender *sender);
extern void og_report_outcome(Sender *sender, OgVerdict verdict);
extern void og_report_wait(Sender *sender, OgWait what, int64 now);

/* Pauses that are doubled with each attempt are so at most that often. */
#define OG_MAX_DOUBLINGS	10

/* gateway_pace.c */
extern void og_pace_open(Sender *sender, const OgOperation *operation);
extern int64 og_pace_hold(Sender *sender, const OgResponse *response,
						  bool wants_fewer, int attempts);
extern bool og_pace_allows(const Sender *sender, int64 wait_us);
extern void og_pace_pause(Sender *sender, OgPause *pause, int64 wait_us,
						  OgWait what);
extern void og_pace_announce(Sender *sender, int64 wait_us);
extern void og_pace_end_wait(Sender *sender);
extern const char *og_pace_explain(Sender *sender, const char *why);
extern void og_pace_hear(const Sender *sender, OgNewsKind kind, int64 number,
						 const char *text);

/* A request that can be sent or shown; see gateway_request.c. */
typedef struct SignedRequest
{
	MemoryContext context;
	MemoryContextCallback on_reset;
	OgRequest	parts;
	StringInfoData url;			/* once asked for */
} SignedRequest;

extern SignedRequest *og_signed_request(const OgAccount *account,
										const OgOperation *operation,
										const OgBatch *asked, int64 time_ms);
extern OgTransfer *og_signed_start(SignedRequest *request,
								   const OgAccount *account, OgHttp *http,
								   OgHttpReady ready, void *owner,
								   OgSight *sight);
extern void og_signed_free(SignedRequest *request);

#endif							/* OG_GATEWAY_INTERNAL_H */
