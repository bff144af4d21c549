/*-------------------------------------------------------------------------
 *
 * worker_heartbeat.h
 *		Heartbeats: a provider's timer that is renewed as long as this database
 *		can commit.
 *
 * The timer, when it runs out, cancels all open orders of its account.  A worker
 * renews it every third of its timeout, and each time only after it has committed
 * a row, which the synchronous standbys have, where the server asks for them.  So
 * it runs out soon after this database can commit no more, whatever the reason:
 * what cannot tell what became of an order does not leave orders open.
 *
 * A renewal is one beat: a row, then a request.  A beat has a sixth of the
 * timeout from then on; what became of one that is not accepted does not matter,
 * since another one does no harm: it is followed by the next, soon.
 *
 * There is one heartbeat for a server and a role, which are an account.  What
 * people want of it are wishes: rows that sessions add, of which the last one
 * that is committed counts.  What a worker knows of it is a row that only the
 * worker writes, so that no transaction of anybody ever holds up a beat.
 *
 * worker_heartbeat.c		which there are, and when each beats
 * worker_beat.c			one beat
 * worker_heartbeat_row.c	wishes and rows
 * worker_writable.c		can this database take what its users write?
 *
 *-------------------------------------------------------------------------
 */
#ifndef OG_WORKER_HEARTBEAT_H
#define OG_WORKER_HEARTBEAT_H

#include "storage/lockdefs.h"

#include "gateway/gateway.h"
#include "worker/worker_journal.h"

/* What a timeout may be. */
#define OG_HEARTBEAT_LEAST_MS	INT64CONST(5000)
#define OG_HEARTBEAT_MOST_MS	(24 * 3600 * INT64CONST(1000))

/* The operation of a provider that has such a timer; 0 stops it. */
#define OG_HEARTBEAT_OPERATION	"cancel_all_after"
#define OG_HEARTBEAT_ARGUMENT	"timeout"

/* ---------- worker_heartbeat_row.c ---------- */

/* What somebody wants of a heartbeat. */
typedef struct OgWish
{
	int64		number;			/* a later one has a larger one */
	const char *function;		/* by which it was said ... */
	Oid			functionid;		/* ... and whose rights are needed */
	Oid			serverid;
	const char *server;			/* its name then */
	Oid			roleid;
	const char *role;			/* its name then */
	int64		timeout_ms;		/* 0 = stop */
	TimestampTz wished_at;
} OgWish;

/* What a worker knows of a heartbeat. */
typedef struct OgHeartbeat
{
	OgWish		wish;			/* the last one */
	int64		obeyed;			/* the number of that which the worker has seen;
								 * 0 = it knows nothing of this heartbeat yet */
	TimestampTz started_at;
	int64		beats;			/* so many were begun ... */
	TimestampTz beat_at;		/* ... the last one then; 0 = never */
	int64		answered;		/* number of the last one that has an outcome */
	int			crashes;		/* of the server, after as many beats in a row */
	TimestampTz armed_at;		/* since when the timer runs; 0 = it does not */
	TimestampTz renewed_at;		/* sent_at of the last beat that was accepted */
	TimestampTz fires_at;		/* when the timer runs out; 0 = it never ran */
	bool		has_outcome;
	OgVerdict	outcome;		/* of the last beat, with ... */
	const char *code;			/* ... or NULL */
	const char *message;
	bool		lost;			/* it has no further beats, until the next wish */
} OgHeartbeat;

/*
 * Wish something, in this transaction: .number and .wished_at are set here.
 * Whoever else does about the same heartbeat is waited for; the server stays
 * until the transaction is over.  Errors: 42704 it was dropped meanwhile.
 */
extern void og_heartbeat_wish(const OgInstallation *installation,
							  OgWish *wish);

/*
 * All heartbeats of an installation, as far as is committed or done by this
 * transaction, in the current context: a list of OgHeartbeat *.
 */
extern List *og_heartbeats_read(const pg_uuid_t *installation);

/*
 * Is there a live heartbeat in this database: one that is wanted, or is to be
 * stopped and is not, and is not lost?  Of a server, or a role there, if they are
 * given.  Names it, for an error.
 */
extern bool og_heartbeat_is_live(Oid serverid, Oid roleid, const char **server,
								 const char **role);

/* The worker's: write down what it knows; remove all but the last wish. */
extern void og_heartbeat_save(const pg_uuid_t *installation,
							  const OgHeartbeat *heartbeat);
extern void og_heartbeat_forget_wishes(const pg_uuid_t *installation,
									   const OgHeartbeat *heartbeat);

/* It has ended, unless somebody wishes something else: remove all of it. */
extern void og_heartbeat_remove(const pg_uuid_t *installation,
								const OgHeartbeat *heartbeat);

/*
 * Get this lock on their tables without waiting for anybody.  Errors: 55P03 that
 * cannot be.
 */
extern void og_heartbeats_need_locks(LOCKMODE mode);

/* ---------- worker_writable.c ---------- */

/*
 * Raise why a role could not commit anything in this database now: 25006 it is
 * to be read only, 53100 there is no room on the disk.  Needs a transaction.
 */
extern void og_writable_check(Oid roleid, const char *role);

/* ---------- worker_heartbeat.c ---------- */

/*
 * Those of an installation, whose memory is below "parent": until that goes, and
 * they are closed.
 */
extern void og_heartbeats_open(const OgInstallation *installation,
							   MemoryContext parent);
extern void og_heartbeats_close(void);

/*
 * Do what can be done now.  "looks": whatever was committed by now is to be seen;
 * "may_beat": something may be sent, and can be written.  *pause tells until when
 * there is nothing more to do.
 */
extern void og_heartbeats_turn(bool looks, bool may_beat, OgPause *pause);

#endif							/* OG_WORKER_HEARTBEAT_H */
