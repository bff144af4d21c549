/*-------------------------------------------------------------------------
 *
 * worker_outbox.h
 *		Calls that were submitted and are not begun: which one is next.
 *
 * A call stands in a line with all others of the same server and role, which is
 * the same account at the provider, in the order in which they were submitted.
 * Each line is served by itself, so that one in which nothing moves holds up no
 * other.
 *
 * Only what says when a call may be begun is kept here, in 48 bytes; what it is
 * about is read when it begins.  What a call costs does not depend on how many
 * there are, beyond a logarithm.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OG_WORKER_OUTBOX_H
#define OG_WORKER_OUTBOX_H

#include "lib/ilist.h"

#include "worker/worker_journal.h"

/* Entries by their numbers, the first of some order at the top. */
typedef struct Heap
{
	uint32	   *items;
	uint32		count;
	uint32		size;
	bool		by_time;
} Heap;

/* A server, and whether it can be reached. */
typedef struct Target
{
	Oid			serverid;		/* the key */
	TransactionId server_version;	/* of its row, when that was tried last */
	int64		paused_until;	/* og_clock_now(); 0 = there is no pause */
	int64		pause_us;		/* its length; 0 = all is well */
	int			nfailures;		/* since it was reached last */
	int64		tried_by;		/* the one call that may try whether all is well
								 * again; 0 = none does */
} Target;

/* The calls of one server and role. */
typedef struct Line
{
	Oid			serverid;		/* the key ... */
	Oid			roleid;			/* ... has no padding */
	Target	   *target;
	uint32		number;			/* of this line */
	dlist_node	node;			/* among those in which somebody waits */
	Heap		queue;			/* by number of the call */
	uint32		nqueued;		/* those, and others whose time has not come */

	/* of those that are being made; see worker_call.c */
	int			nmade;			/* so many ... */
	int			width;			/* ... can have so many requests in flight ... */
	int			in_flight;		/* ... and so many are, or are about to be */
	int			max_in_flight;	/* as the server's option has it; 0 = that is not
								 * known yet */
	int64		in_order_until; /* og_clock_now(): until then one request is sent
								 * after the other */

	/*
	 * Calls that sessions have handed over do not stand in the queue.  Where
	 * these and others want places for requests, they get them in turn.
	 */
	int			nserved;		/* such calls */
	int64		wanted_at[2];	/* og_clock_now(): a place was wanted in vain by
								 * others, and by these */
	bool		served_last;	/* these got the last place */
	struct Share *share;		/* their account, or NULL */
} Line;

/* What is to be begun, and why it is not sent, if it is not. */
typedef struct Queued
{
	int64		call_id;
	Line	   *line;
	TimestampTz not_before;
	TimestampTz expires_at;
	bool		is_new;			/* it was submitted while this worker ran */
	bool		withdrawn;
	bool		expired;
} Queued;

extern void og_outbox_open(MemoryContext parent);

/* A call; one that is there already is no other. */
extern void og_outbox_add(const Queued *call, Oid serverid, Oid roleid);

/* False if it is not there. */
extern bool og_outbox_withdraw(int64 call_id);

/* Take a call that was withdrawn, or had expired when og_outbox_advance() was
 * called last. */
extern bool og_outbox_take_late(Queued *call);

/*
 * Let in line whose time has come, and see which have expired, a bounded number
 * of them.  Answers when there is more to do.
 */
extern TimestampTz og_outbox_advance(TimestampTz now);

/*
 * Take the first call of the first line that may begin one; that line is then
 * the last to be asked.
 */
extern bool og_outbox_take(bool (*may_begin) (void *arg, const Line *line,
											  int64 call_id),
						   void *arg, Queued *call);

/* It was taken, and has ended. */
extern void og_outbox_leave(Line *line);

/* The line of a call that does not stand in it, until that has ended. */
extern Line *og_outbox_pass(Oid serverid, Oid roleid);
extern void og_outbox_passed(Line *line);

extern int64 og_outbox_count(void);

/* Since when the one that waits longest could have been begun; 0 = none is. */
extern TimestampTz og_outbox_waits_since(void);

/* Go through the lines. */
extern void og_outbox_lines(void (*visit) (Line *line, void *arg), void *arg);

/* ---------- worker_target.c ---------- */

/*
 * It could not be reached, as this version of its row has it: nothing is tried
 * for a while.  False if that is known already.
 */
extern bool og_target_fail(Target *target, TransactionId server_version,
						   int64 now);
extern void og_target_reach(Target *target);

/* If its row is another one now, its pause ends, and one call may try. */
extern void og_target_look(Target *target, TransactionId server_version);

/* May this call send something there?  If not now, it may ask again. */
extern bool og_target_lets(Target *target, int64 call_id, int64 now);

/* This call tries no more. */
extern void og_target_leave(Target *target, int64 call_id);

#endif							/* OG_WORKER_OUTBOX_H */
