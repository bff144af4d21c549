/*-------------------------------------------------------------------------
 *
 * worker_loop.h
 *		What a worker knows of its calls, for those parts of its loop that have
 *		files of their own.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OG_WORKER_LOOP_H
#define OG_WORKER_LOOP_H

#include "access/xlogdefs.h"
#include "nodes/pg_list.h"

#include "worker/worker_call.h"

/* Calls that have requests at once, in all. */
#define MOST_ROUNDS		256

/* Between two attempts at what failed. */
#define AGAIN_US		INT64CONST(1000000)

/* Turns whose marks wait for standbys, told apart. */
#define AWAITED_TURNS	64

typedef struct AwaitedTurn
{
	uint32		turn;
	XLogRecPtr	end;
} AwaitedTurn;

/* Times are those of og_clock_now(), and 0 where there is nothing to be done. */
typedef struct Loop
{
	MemoryContext context;		/* NULL = it is not open */
	OgInstallation installation;
	Oid			journal;		/* the table of its calls; set by the first look */
	int			nrounds;		/* makings of the outbox with requests, or about to
								 * have them */
	int			nserved;		/* makings that sessions have handed over */
	bool		crowded;		/* so many that others wait */
	int64		now;			/* when this turn began */
	dlist_head	makings;

	/* look */
	OgLook		look;
	List	   *withdrawn;		/* found by the look that goes on */
	bool		looked;			/* the last look succeeded ... */
	bool		may_send;		/* ... and calls may be begun */
	int64		next_look;
	uint64		version;		/* of servers and the like; see look() */
	int64		next_tick;

	/* begin */
	int64		next_begin;		/* not before, since something failed */
	int64		suspect;		/* the last suspect call that is under way, 0 = none */
	int64		suspect_until;	/* another one is not begun before */

	/* write, release */
	int			nawaited;		/* turns in .awaited */
	bool		blocked;		/* nothing can be written ... */
	int64		next_write;		/* ... and what is stuck not tried, before */
	int64		gather_until;	/* more news may come before they are written */
	int64		gather_end;		/* ... if they come one after the other */
	int			gathered_at;	/* requests that were out then; -1 = a new turn */
	uint32		turn;
	AwaitedTurn awaited[AWAITED_TURNS];
	int64		awaited_since;

	/* show */
	bool		changed;
	int64		next_show;
	TimestampTz last_commit;
	int64		nquarantined;
} Loop;

/* ---------- worker_begin.c ---------- */

/*
 * Begin calls whose turn it is, and rounds that are due, some at a time.  True
 * if there were any: there may be more.
 */
extern bool og_begin_calls(Loop *loop);

/* Nothing of a call is under way. */
extern void og_begin_at_rest(Loop *loop, int64 call_id);

/* ---------- worker_served.c ---------- */

/*
 * Take what sessions have handed over, and leave what they have left.  Waits for
 * nobody.
 */
extern void og_serve(Loop *loop);

/* Tell sessions what may be told.  True if more rows can be pulled now. */
extern bool og_serve_tell(Loop *loop);

/* ---------- worker_write.c ---------- */

/*
 * Write what there is, unless more is about to come.  True if anything was
 * written.
 */
extern bool og_write_news(Loop *loop, OgPause *pause);

/* Let requests leave whose marks are where they have to be.  True if there were any. */
extern bool og_write_release(Loop *loop);

/* Standbys are asked less and less often for what they do not have. */
extern void og_write_pause(const Loop *loop, OgPause *pause);

/* ---------- worker_show.c ---------- */

/* Show others how it goes, if that has changed, and if it is time for it. */
extern void og_show(Loop *loop, OgPause *pause);

#endif							/* OG_WORKER_LOOP_H */
