/*-------------------------------------------------------------------------
 *
 * worker_place.h
 *		The places of the desk, in shared memory, as both ends of it know them.
 *
 * A place belongs to its backend, which alone opens it, and to the worker that has
 * taken it, until that lets it go; only when neither has it any more is it made
 * anew.  Between the two are two message queues of the server's (shm_mq), which
 * wake whoever waits at the other end, also when this one goes.
 *
 * The worker need not look at places where nothing happens: whoever has done
 * something at one knocks.
 *
 * worker_desk.c	a session's end
 * worker_place.c	the memory, and a worker's end
 *
 *-------------------------------------------------------------------------
 */
#ifndef OG_WORKER_PLACE_H
#define OG_WORKER_PLACE_H

#include "storage/lwlock.h"

/* Queues of one place; what is larger goes through in pieces. */
#define THERE_SIZE	(8 * 1024)
#define BACK_SIZE	(32 * 1024)

/* Of a place that no worker has. */
#define NO_WORKER	(-1)

typedef struct Place
{
	bool		open;			/* its backend has it, and it may be taken */
	int			worker;			/* number of the process, or NO_WORKER */
	Oid			dboid;
	char		there[THERE_SIZE] pg_attribute_aligned(MAXIMUM_ALIGNOF);
	char		back[BACK_SIZE] pg_attribute_aligned(MAXIMUM_ALIGNOF);
} Place;

typedef struct Desk
{
	LWLock		lock;			/* of .open, .worker and .dboid of places */
	int			nplaces;
	Oid			knocks[FLEXIBLE_ARRAY_MEMBER];	/* of each: the database whose
												 * worker is to look at it */
} Desk;

extern Desk *og_desk_memory(void);
extern Desk *og_desk_lock(LWLockMode mode);
extern void og_desk_unlock(Desk *desk);
extern Place *og_place_at(Desk *desk, int number);

static inline volatile Oid *
og_knock_at(Desk *desk, int number)
{
	return &desk->knocks[number];
}

#endif							/* OG_WORKER_PLACE_H */
