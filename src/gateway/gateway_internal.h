/*-------------------------------------------------------------------------
 *
 * gateway_internal.h
 *		What the files of the pipeline share with each other.
 *
 * gateway.c			the call: order, deadlines, waiting
 * gateway_rows.c		its rows, repeated ids included
 * gateway_pace.c		the pace, how long it may wait for turns
 * gateway_hold.c		a provider that wants to be left alone for a while
 * gateway_batch.c		one batch: send, take the answer, try again
 * gateway_request.c	a request: build, sign, wipe
 * gateway_collect.c	an answer becomes one outcome per key
 * gateway_keys.c		the ids of a call
 * gateway_trace.c		what was sent, for the error context and the log
 * gateway_context.c	memory that goes with its (sub)transaction
 * gateway_report.c		what goes on, for the views and the log
 * gateway_preview.c	the same requests, shown instead of sent
 * gateway_send.c		one request at a time, for what is no list of ids:
 * gateway_check.c		requests that only try whether a server can be used
 * gateway_read.c		reads: ask, ask again, hand on records
 * gateway_failure.c	why a read failed
 * gateway_walk.c		a read's requests, one after the other: see gateway_walk.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef OG_GATEWAY_INTERNAL_H
#define OG_GATEWAY_INTERNAL_H

#include "nodes/pg_list.h"

#include "gateway/gateway.h"
#include "ground/clock.h"
#include "http/http.h"
#include "limiter/limiter.h"
#include "monitor/activity.h"
#include "monitor/stats.h"

/* The last attempt at which a key was part of a request. */
typedef struct OgExchange
{
	int			attempts;
	int			http_status;
	TimestampTz sent_at;
	TimestampTz answered_at;
} OgExchange;

typedef enum BatchState
{
	BATCH_READY,				/* may be sent as soon as it has a turn */
	BATCH_BACKOFF,				/* not before .not_before */
	BATCH_IN_FLIGHT,
	BATCH_ENDED,				/* its transfer ended, and was not read yet */
	BATCH_DONE
} BatchState;

/*
 * The keys of one request.  The struct is part of the call and is used again;
 * what it points to lives in .context.
 */
typedef struct CallBatch
{
	OgCall	   *call;
	MemoryContext context;
	BatchState	state;
	int			number;			/* from 0 */
	int			first_key;
	int			nkeys;
	OgSlice    *keys;
	OgOutcome  *outcomes;		/* per key: final, or the last one so far */
	OgExchange *exchanges;		/* per key */

	/* the keys still open: all at first, later those that go again */
	int		   *open;			/* indexes into keys */
	OgSlice    *asked;			/* their texts, as OgBatch wants them */
	int			nopen;

	int			attempts;
	int64		not_before;		/* og_clock_now() */
	OgTurn		turn;
	bool		has_turn;		/* reserved, neither stamped nor returned */
	bool		left;			/* the first byte of this attempt is away */
	OgTransfer *transfer;		/* in flight, or ended */
	const char *path;			/* of the last request, for the log */
	OgMethod	method;
	List	   *answers;		/* ended transfers that outcomes point into */
} CallBatch;

/* A request that can be sent or shown; see gateway_request.c. */
typedef struct SignedRequest
{
	MemoryContext context;
	MemoryContextCallback on_reset;
	OgRequest	parts;
	StringInfoData url;			/* once asked for */
} SignedRequest;

/* What one call has sent; see gateway_trace.c. */
typedef struct TraceCall TraceCall;

/* What one call shows and counts; see gateway_report.c. */
typedef struct CallReport
{
	MemoryContextCallback on_reset;
	bool		ended;
	OgActivity *activity;
	OgStatsCounters counters;	/* since they were added last */
	int64		added;			/* when: og_clock_now() */
	int			nunanswered;	/* keys that left, without a verdict so far */
	int			nclosed;		/* keys with a final outcome */
	int64		estimated;		/* last_turn: og_clock_now() */
	OgWait		waiting;
	int64		turn_since;		/* asleep for a turn since then, or 0 */
} CallReport;

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
	ErrorContextCallback on_error;
	const OgAccount *account;
	const OgOperation *operation;
	const OgFields *arguments;
	const char *function;
	const OgKeys *keys;
	KeySplit	split;
	OgPace		pace;
	OgHttp	   *http;
	OgLimiter  *limiter;
	TraceCall  *trace;
	CallReport	report;

	/* batches [head, created) are held in the ring */
	CallBatch  *ring;
	int			ring_size;
	int			head;
	int			created;
	int			in_flight;
	CallBatch  *ended;			/* its answer is to be read, or NULL */

	/* bounds */
	int64		deadline;		/* og_clock_now(); 0 = none */
	int64		waited_us;		/* for turns and backoff so far */
	const char *stopped;		/* nothing more is sent, because ... */
	bool		one_by_one;		/* no request leaves before the last one is
								 * answered: their order matters ... */
	bool		order_in_vain;	/* ... but is not what it was about */
	bool		announced;		/* the NOTICE about a long wait was given */

	/* rows */
	int			position;
	const OgOutcome *further;	/* next order of the same key */
	OgRow		row;
	struct RepeatedKey *repeated;	/* per key; NULL while all ids differ */
	struct SavedOutcome *spent; /* its last row is out: to be freed */
	int64		foreign;		/* elements about orders not asked for */

	/* keys by fate, for the error context */
	int			nanswered;
	int			ndone;			/* of those, with the verdict that was wanted */
};

/* gateway.c */
extern int	og_keys_per_request(const OgAccount *account,
								const OgOperation *operation);

extern void og_call_step(OgCall *call);
extern void og_call_stop(OgCall *call, const char *why);
extern int	og_call_width(const OgCall *call);

/* gateway_keys.c */
extern void og_keys_split(KeySplit *split, const OgKeys *keys,
						  const OgAccount *account,
						  const OgOperation *operation);
extern int	og_split_first(const KeySplit *split, int batch);
extern int	og_split_batch(const KeySplit *split, int key);

/* gateway_rows.c */
extern void og_rows_begin(OgCall *call);

/*
 * gateway_pace.c
 *
 * Whoever waits without knowing for how long looks up so often, to say so.
 */
#define OG_LONGEST_SLEEP_US	INT64CONST(60000000)

/* A wait of more than this is announced before it begins. */
#define OG_ANNOUNCED_WAIT_US	INT64CONST(60000000)

extern OgPace og_pace_of(const OgAccount *account,
						 const OgOperation *operation);
extern OgLimiter *og_pace_limiter(const OgAccount *account,
								  const OgOperation *operation);
extern int64 og_pace_deadline(const OgAccount *account);

extern void og_pace_begin(OgCall *call);
extern bool og_pace_allows(const OgCall *call, int64 wait_us);
extern int64 og_pace_sleep(const OgCall *call, int64 wait_us);
extern void og_pace_announce(OgCall *call, int64 wait_us);

/* gateway_hold.c */
extern int64 og_hold_lane(OgLimiter *limiter, const OgPace *pace,
						  const OgResponse *response, bool wants_fewer,
						  int attempts);
extern const char *og_hold_end(OgLimiter *limiter);

/* What a NOTICE about a long wait adds, with that end. */
#define OG_HELD_DETAIL	"The provider asked for a pause until %s."

extern const char *og_hold_explain(OgLimiter *limiter, const char *why);

/* gateway_request.c */
extern SignedRequest *og_signed_request(const OgAccount *account,
										const OgOperation *operation,
										const OgBatch *asked, int64 time_ms);
extern OgTransfer *og_signed_start(SignedRequest *request,
								   const OgAccount *account, OgHttp *http,
								   OgHttpReady ready, void *owner,
								   OgSight *sight);
extern void og_signed_free(SignedRequest *request);

/*
 * gateway_send.c
 *
 * Who sends one request at a time, and how long that may still take.
 */
typedef struct Sending
{
	const OgAccount *account;
	OgHttp	   *http;
	OgLimiter  *limiter;
	OgTurn		turn;
	int64		deadline;		/* og_clock_now(); 0 = none */
	int64		patience_us;	/* for turns and pauses from now on */
	bool		announced;		/* the NOTICE about a long wait was given */
	OgActivity *activity;		/* NULL: nobody is to see it */
	OgStatsCounters counters;
} Sending;

extern const char *og_sending_turn(Sending *sending);
extern bool og_sending_pause(Sending *sending, int64 pause_us);
extern OgTransfer *og_sending_exchange(Sending *sending,
									   SignedRequest *request,
									   OgSight *sight);

/* gateway_batch.c */
extern void og_batch_create(CallBatch *batch, OgCall *call, int number);
extern void og_batch_send(CallBatch *batch);
extern void og_batch_end(CallBatch *batch);
extern bool og_batch_can_wait(const CallBatch *batch);
extern void og_batch_take(CallBatch *batch);
extern void og_batch_give_up(CallBatch *batch, const char *why);
extern void og_batch_release(CallBatch *batch);

/* gateway_report.c */
extern void og_report_begin(OgCall *call);
extern void og_report_left(OgCall *call, const CallBatch *batch,
						   TimestampTz at);
extern void og_report_end_of_attempt(OgCall *call, const CallBatch *batch,
									 const OgResponse *response);
extern void og_report_response(OgStatsCounters *counters,
							   const OgResponse *response);
extern void og_report_retry(OgCall *call);
extern void og_report_retried(OgStatsCounters *counters,
							  OgActivity *activity);
extern void og_report_foreign(const char *server, int64 count);
extern void og_report_others(const char *server, int64 count);
extern void og_report_outcome(OgCall *call, OgVerdict verdict);
extern void og_report_wait(OgCall *call, OgWait what, int64 now);
extern void og_report_waited(OgCall *call, int64 now);
extern void og_report_end(OgCall *call);

/* gateway_trace.c */
extern TraceCall *og_trace_begin(MemoryContext context, const char *server,
								 const char *function, const OgKeys *keys,
								 const KeySplit *split);
extern void og_trace_sent(TraceCall *call, int key);
extern void og_trace_verdict(TraceCall *call, int key,
							 const OgOutcome *outcome);
extern void og_trace_end(TraceCall *call);

/* What gateway_context.c tells of the calls of a subtransaction, or of all. */
extern void og_trace_roll_back(SubTransactionId subxact);
extern void og_trace_move_up(SubTransactionId subxact,
							 SubTransactionId parent);
extern void og_trace_forget(void);

/* Errors: 0A000 where an act was called in this transaction. */
extern void og_trace_prevent_prepare(void);

#endif							/* OG_GATEWAY_INTERNAL_H */
