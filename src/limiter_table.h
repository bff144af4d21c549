/*-------------------------------------------------------------------------
 *
 * limiter_table.h
 *		Lanes in shared memory, and the sessions that wait on them.
 *
 * A table of fixed size with a place for each account, which has a lane for
 * each class of operation, and one for each host, which has one lane.  A
 * place is named by a hash.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OG_LIMITER_TABLE_H
#define OG_LIMITER_TABLE_H

#include "limiter_lane.h"
#include "shared.h"

/* The most bytes of what a place shows to people. */
#define OG_LABEL_SIZE	256

typedef enum OgPlaceKind
{
	OG_PLACE_ACCOUNT,
	OG_PLACE_HOST
} OgPlaceKind;

/* Sessions in order of arrival, by their numbers; -1 = none. */
typedef struct OgQueue
{
	int			first;
	int			last;
	int			length;
} OgQueue;

/* A lane with its queue, and who used it last. */
typedef struct OgSharedLane
{
	OgQueue		queue;
	OgPace		pace;			/* as last asked with */
	Oid			database;
	NameData	server;
	OgLane		lane;
} OgSharedLane;

typedef struct OgPlace
{
	char		name[OG_LANE_NAME + 1]; /* empty = free */
	OgPlaceKind kind;
	int			users;			/* calls that are at it now */
	int			lanes;			/* number of the first of its lanes */
	char		label[OG_LABEL_SIZE];	/* host and port; no key */
} OgPlace;

/* Is there a table in this server?  Attaches to it. */
extern bool og_table_attach(void);

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

/* Note who asks, and with which pace, for people to see. */
extern void og_table_note(OgSharedLane *lane, const char *server,
						  const OgPace *pace);

/*
 * A lane as people may see it: what the table knows of it, and what it
 * remembers.
 */
typedef struct OgLaneView
{
	OgPlace		place;
	int			number;			/* of the lane within its place */
	int			waiting;		/* sessions in its queue */
	OgPace		pace;
	Oid			database;
	NameData	server;
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

/* A session waits on its account's lane and on its host's, in this order. */
typedef enum OgQueueKind
{
	OG_QUEUE_KEY,
	OG_QUEUE_HOST,
	OG_QUEUE_KINDS
} OgQueueKind;

/* Where a session waits; its number is that of the backend. */
typedef struct OgSeat
{
	int			lane[OG_QUEUE_KINDS];	/* -1 = does not wait */
	int			next[OG_QUEUE_KINDS];
	int			previous[OG_QUEUE_KINDS];
} OgSeat;

/* Stand in a queue, at its end unless already in it.  True at its head. */
extern bool og_queue_join(OgQueueKind kind, OgSharedLane *lane);

/* Leave a queue, if in it; whoever is at the head afterwards is woken. */
extern void og_queue_leave(OgQueueKind kind);

/* Wake the head of a queue: it may have less to wait for than it thinks. */
extern void og_queue_wake(OgSharedLane *lane);

/* How many stand before this session, or all if it is not in the queue. */
extern int	og_queue_ahead(OgQueueKind kind, OgSharedLane *lane);

/* What the files of this room see of each other's. */
extern void og_table_lock(bool exclusive);
extern void og_table_unlock(void);
extern OgSeat *og_table_seat(int backend);
extern OgSharedLane *og_table_lane_at(int index);
extern int	og_table_index_of(const OgSharedLane *lane);

extern const OgSharedPart og_limiter_shared;

#endif							/* OG_LIMITER_TABLE_H */
