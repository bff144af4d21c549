/*-------------------------------------------------------------------------
 *
 * worker_turn.h
 *		What one turn of a worker writes.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OG_WORKER_TURN_H
#define OG_WORKER_TURN_H

#include "access/xlogdefs.h"

#include "worker/worker_call.h"
#include "worker/worker_try.h"

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
	SOME_WRITTEN,				/* and others are stuck, for reasons that seem to
								 * be their own; it may be that all are */
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
 * them take note of it; and what there is beside them.  "journal" is the table of
 * these calls.  *end: up to where the standbys have to have it.
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
