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

/* The most servers whose limits are noted of a lane. */
#define OG_MAX_NOTES	16

typedef enum OgPlaceKind
{
	OG_PLACE_ACCOUNT,
	OG_PLACE_HOST
} OgPlaceKind;

/* The limits that a server keeps on a lane. */
typedef struct OgNote
{
	OgServerName server;
	OgPace		pace;
	uint64		used;			/* in the order of such uses; 0 = no note */
} OgNote;

/* A lane with its queue, and what people may know of it. */
typedef struct OgSharedLane
{
	LWLock		lock;			/* of who decides on a turn */
	int			first;			/* seat of the call that waits in front; -1 = none */
	int			number;			/* a class of operation, or OG_LANE_HOST */
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
 * Note who uses a lane and to which limits, for people to see.  They stay noted
 * when others use the lane, until their server has others.
 */
extern void og_table_note(OgSharedLane *lane, Oid serverid,
						  const char *server, const OgPace *pace);

/* Is this one of the limits of a note? */
extern bool og_note_keeps(const OgNote *note, const OgWindow *window);

/*
 * A lane as people may see it: what the table knows of it, and what it
 * remembers.
 */
typedef struct OgLaneView
{
	OgPlace		place;
	int			number;
	int			waiting;		/* calls in its queue */
	OgNote		notes[OG_MAX_NOTES];
	const OgNote *last;			/* of who used it last */
	OgLane	   *lane;
} OgLaneView;

/* Show every lane that was ever asked for a turn. */
extern void og_table_walk(void (*show) (const OgLaneView *view, void *arg),
						  void *arg);

/*
 * Queues: these raise no errors.
 *
 * Stand in the queue of a lane, at its end, or where "first" says so in front of
 * it, unless already in it.  True at its head.  A call without a seat takes one; if none is free, it still has none
 * afterwards, and is at the head of a queue in which nobody is.
 */
#define OG_NO_SEAT	(-1)

extern bool og_queue_join(int *seat, OgSharedLane *lane, bool first);

/*
 * Leave a queue, if in it; or all, and give the seat back.  Whoever is at the
 * head afterwards is woken.
 */
extern void og_queue_leave(int seat, OgSharedLane *lane);
extern void og_queue_leave_all(int *seat);

/* Wake the head of a queue: it may have less to wait for than it thinks. */
extern void og_queue_wake(const OgSharedLane *lane);

/* How many stand before this seat, or all if it is not in the queue. */
extern int	og_queue_ahead(int seat, const OgSharedLane *lane);

extern const OgSharedPart og_limiter_shared;

#endif							/* OG_LIMITER_TABLE_H */
