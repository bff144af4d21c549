/*-------------------------------------------------------------------------
 *
 * limiter_table.h
 *		Lanes in shared memory, and the calls that wait on them.
 *
 * A table of fixed size with a place for each account, which has a lane for
 * each class of operation, and one for each host, which has one lane.  A
 * place is named by a hash.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OG_LIMITER_TABLE_H
#define OG_LIMITER_TABLE_H

#include "ground/shared.h"
#include "limiter/limiter_lane.h"

/* Length of a place's name: digits of a hash. */
#define OG_PLACE_NAME	32

/* The most bytes of what a place shows to people. */
#define OG_LABEL_SIZE	256

/* The most limits of servers that are noted of a lane. */
#define OG_MAX_NOTES	32

typedef enum OgPlaceKind
{
	OG_PLACE_ACCOUNT,
	OG_PLACE_HOST
} OgPlaceKind;

/* Calls in order of arrival, by the numbers of their seats; -1 = none. */
typedef struct OgQueue
{
	int			first;
	int			last;
	int			length;
} OgQueue;

/* A limit that a server keeps on a lane. */
typedef struct OgNote
{
	OgWindow	window;
	OgServerName server;
	uint64		used;			/* in the order of such uses; 0 = no note */
} OgNote;

/* A lane with its queue, and what people may know of it. */
typedef struct OgSharedLane
{
	OgQueue		queue;
	OgServerName server;		/* that used it last; of no database = none */
	OgNote		notes[OG_MAX_NOTES];
	uint64		uses;
	OgLane		lane;
} OgSharedLane;

typedef struct OgPlace
{
	char		name[OG_PLACE_NAME + 1];	/* empty = free */
	OgPlaceKind kind;
	int			users;			/* calls that are at it now */
	int			lanes;			/* number of the first of its lanes */
	pg_atomic_uint64 last_nonce;	/* of an account */
	char		label[OG_LABEL_SIZE];	/* host and port; no key */
} OgPlace;

/* Find the table; must be called before all else. */
extern void og_table_attach(void);

/*
 * Take the place of a name, made if there is none, and stay at it until
 * og_table_leave().  Errors: 53400 when all places are taken by accounts (or
 * hosts) that are in use or whose requests still count.
 */
extern OgPlace *og_table_enter(OgPlaceKind kind, const char *name,
							   const char *label);

/* Raises no errors, so it may be called when a context goes. */
extern void og_table_leave(OgPlace *place);

/* One of the lanes of a place: that of a class, or a host's only one. */
extern OgSharedLane *og_table_lane(const OgPlace *place, int number);

/*
 * Note who uses a lane and to which limits, for people to see.  A limit stays
 * noted when others use the lane, until its server has others.
 */
extern void og_table_note(OgSharedLane *lane, Oid serverid,
						  const char *server, const OgPace *pace);

extern bool og_table_same_limit(const OgWindow *a, const OgWindow *b);

/*
 * A lane as people may see it: what the table knows of it, and what it
 * remembers.
 */
typedef struct OgLaneView
{
	OgPlace		place;
	int			number;			/* of the lane within its place */
	int			waiting;		/* calls in its queue */
	OgServerName server;
	OgNote		notes[OG_MAX_NOTES];
	OgLane	   *lane;
} OgLaneView;

/* Show every lane that was ever asked for a turn. */
extern void og_table_walk(void (*show) (const OgLaneView *view, void *arg),
						  void *arg);

/*
 * ----
 * Queues (limiter_queue.c)
 * ----
 */

/*
 * Where a call waits, on one lane of each number at most.  Each backend has a
 * seat of its number; its further calls take one of those that are common.
 */
typedef struct OgSeat
{
	int			owner;			/* number of the backend; -1 = free */
	int			lane[OG_MAX_LANES]; /* -1 = does not wait */
	int			next[OG_MAX_LANES];
	int			previous[OG_MAX_LANES];
} OgSeat;

#define OG_NO_SEAT	(-1)

/* Must be called before all below; they raise no errors. */
extern void og_queue_attach(void);

/*
 * Stand in the queue of a lane of that number, at its end unless already in
 * it.  True at its head.  A call without a seat takes one; if none is free, it
 * still has none afterwards, and is at the head of a queue in which nobody is.
 */
extern bool og_queue_join(int *seat, int number, OgSharedLane *lane);

/*
 * Leave a queue, if in it; or all, and give the seat back.  Whoever is at the
 * head afterwards is woken.
 */
extern void og_queue_leave(int seat, int number);
extern void og_queue_leave_all(int *seat);

/* Wake the head of a queue: it may have less to wait for than it thinks. */
extern void og_queue_wake(OgSharedLane *lane);

/* How many stand before this seat, or all if it is not in the queue. */
extern int	og_queue_ahead(int seat, int number, OgSharedLane *lane);

/* What the files of this room see of each other's. */
extern void og_table_lock(bool exclusive);
extern void og_table_unlock(void);
extern int	og_table_seats(void);
extern OgSeat *og_table_seat(int number);
extern OgSharedLane *og_table_lane_at(int index);
extern int	og_table_index_of(const OgSharedLane *lane);

extern const OgSharedPart og_limiter_shared;

#endif							/* OG_LIMITER_TABLE_H */
