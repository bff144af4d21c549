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

#include "worker/worker.h"

/* Databases that can have a worker; each takes a background process. */
#define MAX_WORKERS	128

/* How often launcher and workers look, with nobody to wake them. */
#define LOOK_MS		1000

/* ---------- worker_shared.c ---------- */

/* The names of the setting, folded: a list of char *. */
extern List *og_worker_names(void);

/*
 * The launcher's part.  It alone adds and removes entries: afterwards there is
 * one for each name, and no other but those of workers that still run.
 */
extern void og_workers_set_names(List *names);

/* Go through the entries: their number, or -1 behind the last. */
extern int	og_workers_next(int slot);
extern void og_workers_get(int slot, OgWorkerState *copy);
extern void og_workers_set_database(int slot, Oid dboid);
extern void og_workers_set_error(int slot, const char *error);

/* Does the setting name it, still? */
extern bool og_workers_is_named(int slot);

/* May it be started, as far as whoever wanted it stopped lets it? */
extern bool og_workers_may_start(int slot);

/* The worker's part: it is here, until it ends. */
extern bool og_workers_attach(Oid dboid);
extern void og_workers_show(const OgWorkerState *state);
extern void og_workers_show_error(const char *error);
extern bool og_workers_is_welcome(void);

/*
 * Stop the worker of a database, and keep it from coming back until this
 * transaction is over.  Answers when it has gone, or after five seconds.
 */
extern void og_workers_stop(Oid dboid);

/* ---------- worker_main.c ---------- */

/* Name of the function that a worker's process runs. */
#define WORKER_MAIN	"og_worker_main"

#endif							/* OG_WORKER_INTERNAL_H */
