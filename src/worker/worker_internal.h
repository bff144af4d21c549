/*-------------------------------------------------------------------------
 *
 * worker_internal.h
 *		What the files of the worker's room share with each other.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OG_WORKER_INTERNAL_H
#define OG_WORKER_INTERNAL_H

#include "nodes/pg_list.h"

#include "gateway/gateway.h"
#include "worker/worker.h"

/* Databases that can have a worker; each takes a background process. */
#define MAX_WORKERS	128

/* How often launcher and workers look, with nobody to wake them. */
#define LOOK_MS		1000

/* ---------- worker_setting.c ---------- */

/* This server preloads the library: it has a launcher. */
extern bool og_worker_launched;

/* The names of the setting, folded, each once: a list of char *. */
extern List *og_worker_names(void);

/* ---------- worker_shared.c ---------- */

/* Why a database has no worker now. */
typedef enum WorkerObstacle
{
	OBSTACLE_NONE,
	OBSTACLE_ABSENT,			/* there is no such database */
	OBSTACLE_CLOSED,			/* it takes no connections */
	OBSTACLE_CROWD				/* max_worker_processes are there */
} WorkerObstacle;

/*
 * The launcher's part.  It alone adds and removes entries: afterwards there is
 * one for each name, and no other but those of workers that still run.
 */
extern void og_workers_set_names(List *names);

/* Go through the entries: their number, or -1 behind the last. */
extern int	og_workers_next(int slot);
extern void og_workers_get(int slot, OgWorkerState *copy);

/* Which database it is, if it has no worker now, and what is in the way. */
extern void og_workers_set_database(int slot, Oid dboid,
									WorkerObstacle obstacle);

/*
 * default_transaction_read_only as the configuration of the server has it, which
 * the launcher tells and a worker, who has a value of its own, asks.
 */
extern void og_workers_tell_read_only(bool read_only);
extern bool og_workers_are_read_only(void);

/* Does the setting name it, still? */
extern bool og_workers_is_named(int slot);

/* May it be started, as far as whoever wanted it stopped lets it? */
extern bool og_workers_may_start(int slot);

/* The same for a stream worker of that database: is it still this entry's? */
extern bool og_workers_may_stream(int slot, Oid dboid);

/*
 * A worker's part: it is here, until it ends.  Answers its database; InvalidOid
 * if it is not wanted any more, or there is one already.
 */
extern Oid	og_workers_attach(int slot);
extern void og_workers_show(const OgWorkerState *state);
extern void og_workers_show_error(const char *error);
extern void og_workers_show_pauses(const OgWorkerPause *pauses, int count);
extern void og_workers_show_heartbeats(int live);
extern void og_workers_read_own(OgWorkerState *copy);

/* Wake the worker of this database, if it has one. */
extern void og_workers_wake(void);

/* Its process; NULL if there is none.  (Another one may have that place by now.) */
extern struct PGPROC *og_workers_process(void);

/* False: it is to end.  Whoever wants that sends it a signal, too. */
extern bool og_workers_is_welcome(void);

/*
 * Stop the worker of a database, and keep it from coming back until this
 * transaction is over, or the subtransaction in which it was stopped is rolled
 * back.  Answers when it has gone, or after five seconds.
 */
extern void og_workers_stop(Oid dboid);

/*
 * Does a database of that name have a live heartbeat, as far as its worker has
 * told?  And which one has that is none of these, or NULL: that takes no lock, so
 * any process may ask which knows shared memory.
 */
extern bool og_workers_have_heartbeat(const char *database);
extern const char *og_workers_heartbeat_beside(List *names);

/* ---------- worker_sight.c ---------- */

/* This transaction runs a statement. */
extern void og_sight_note(Node *statement);

/*
 * Does the worker of this database wait for a lock that this backend holds, or
 * that somebody holds or asked for before who waits for this one?
 */
extern bool og_sight_bars_worker(void);

/* ---------- worker_main.c ---------- */

/* Name of the function that a worker's process runs. */
#define WORKER_MAIN	"og_worker_main"

/* ---------- worker_loop.c ---------- */

/*
 * The extension is there: in this installation of it calls are made, until it is
 * gone, or another one is there.  All three are called outside of a transaction, in
 * a context that lasts no longer, and may raise errors: those of opening leave it
 * closed, all others end the process, and a new one begins within a second.
 */
extern void og_loop_open(void);

/*
 * Do what can be done now, a bounded part of it.  True if there is more to do at
 * once; false: nothing until *pause, which is given as "no such time", or until
 * the latch is set, or something comes in.
 */
extern bool og_loop_turn(OgPause *pause);
extern void og_loop_close(void);

#endif							/* OG_WORKER_INTERNAL_H */
