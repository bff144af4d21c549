/*-------------------------------------------------------------------------
 *
 * worker_turn.h
 *		What one turn of a worker writes; and the one place where an error is
 *		caught.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OG_WORKER_TURN_H
#define OG_WORKER_TURN_H

#include "access/xlogdefs.h"

#include "worker/worker_call.h"

/* Why a step failed. */
typedef struct Trouble
{
	int			sqlstate;
	char	   *message;		/* in the context that was current */
} Trouble;

typedef void (*Step) (void *arg);

/*
 * Do a step in a transaction of its own, or in a subtransaction of the one that
 * there is.  False if it failed: all that it did to the database is undone.  What
 * ends the process ends it here, too.
 */
extern bool og_turn_try(Step step, void *arg, Trouble *trouble);
extern bool og_turn_try_part(Step step, void *arg, Trouble *trouble);

/* The same for one that has transactions of its own. */
extern bool og_turn_try_alone(Step step, void *arg, Trouble *trouble);

/*
 * May the same step succeed later?  That is so where something was locked, full
 * or interrupted, and not where something does not exist, or is not allowed.
 */
extern bool og_trouble_passes(const Trouble *trouble);

/* Tell of it, once for each that is another one. */
extern void og_trouble_show(const Trouble *trouble);

/*
 * The table of calls is still this one: that of another installation has nothing
 * to do with what is being made.  Needs a transaction.  Errors: 42P01 if not.
 */
extern void og_turn_check(Oid journal);

/* What one turn came to. */
typedef enum Written
{
	NOTHING_TO_WRITE,
	ALL_WRITTEN,
	SOME_WRITTEN,				/* and others are stuck, for reasons of their own */
	NOTHING_WRITTEN				/* nothing can be written now */
} Written;

/* Something else that is to be written with what there is of calls. */
typedef struct Beside
{
	Step		write;
	void	   *arg;
	bool		pending;		/* there is something */
	bool		stuck;			/* it could not be written */
	bool		written;		/* with this turn */
} Beside;

/*
 * Write what there is to be written of these calls, as so-manieth turn, and have
 * them take note of it; and what there is beside them.  "journal" is the table of these calls.  *end: up to where the
 * standbys have to have it.
 */
extern Written og_turn_write(const OgInstallation *installation,
							 Oid journal, dlist_head *makings,
							 Beside *beside, uint32 turn, XLogRecPtr *end);

/*
 * The process ends, and can still write: what came back is written, and that
 * nothing left of marked requests that were not let go.  Where somebody has a
 * table for himself the next worker makes of it what it can.
 */
extern void og_turn_write_last(const OgInstallation *installation,
							   Oid journal, dlist_head *makings);

#endif							/* OG_WORKER_TURN_H */
