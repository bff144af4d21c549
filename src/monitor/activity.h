/*-------------------------------------------------------------------------
 *
 * activity.h
 *		Calls in progress, for others to see.
 *
 * Each call has an entry in shared memory, which its process alone writes:
 * that of its backend, or, where a process makes many calls at once, one of
 * those that are common.  A reader takes a copy and looks at .changes before and
 * after: odd, or not the same, means that it was being written.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OG_ACTIVITY_H
#define OG_ACTIVITY_H

#include "datatype/timestamp.h"

#include "port/atomics.h"

#include "ground/shared.h"
#include "http/http.h"

typedef struct OgActivity
{
	pg_atomic_uint32 owner;		/* the process that has the entry; 0 = free */
	uint32		changes;		/* odd while the entry is being written */
	int			pid;			/* 0 = no call in progress */
	Oid			database;
	Oid			role;			/* who calls ... */
	Oid			session_role;	/* ... in whose session */
	Oid			serverid;
	NameData	server;			/* what it was called at first */
	NameData	function;
	TimestampTz started;
	int64		begun;			/* the same by og_clock_now() */

	int64		ids;			/* in total */
	int64		answered;		/* of them, with an outcome */
	int64		sent;			/* requests that left ... */
	int64		answers;		/* ... and were answered */
	int64		retried;		/* attempts after the first of a batch */
	int			in_flight;

	OgWait		waiting;
	TimestampTz waiting_since;
	int64		last_turn;		/* when the pace lets the last request go, at
								 * the earliest, by og_clock_now(); 0 = not
								 * known */
} OgActivity;

/*
 * Show a call in progress, of a process that may be another one, until
 * og_activity_end() or until this backend ends; NULL if there are too many.  Errors: those of the server when there is
 * no memory to share.
 */
extern OgActivity *og_activity_begin(Oid role, Oid session_role, int pid,
									 Oid serverid, const char *server,
									 const char *function, int64 ids);
extern void og_activity_end(OgActivity *activity);

/* Around each change of an entry.  Callable inside libcurl. */
extern void og_activity_change(OgActivity *activity);
extern void og_activity_changed(OgActivity *activity);

/* Copies of the entries of all calls in progress. */
extern int	og_activity_read(OgActivity **copies);

extern const OgSharedPart og_activity_shared;

#endif							/* OG_ACTIVITY_H */
