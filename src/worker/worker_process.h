/*-------------------------------------------------------------------------
 *
 * worker_process.h
 *		What processes of ours have in common: their settings, signals, errors,
 *		and that there is one of each kind in a database.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OG_WORKER_PROCESS_H
#define OG_WORKER_PROCESS_H

#include "libpq/pqsignal.h"

#include "worker/worker_table.h"

typedef struct OgProcess
{
	OgLockClass lock;			/* held as long as it lives */
	const char *twice;			/* the error where another process has it */
	void		(*show_error) (const char *error);	/* must raise none; or NULL */
} OgProcess;

/*
 * The first that such a process does; "end" handles SIGTERM, and ends in what the
 * server's die() does.
 */
extern void og_process_begin(pqsigfunc end);

/*
 * Enter a database, as a superuser, with settings that nobody there can change.
 * From then on errors are shown as *process says, which has to stay.  FATAL: this
 * database has such a process already.
 */
extern void og_process_enter(const OgProcess *process, Oid dboid);

/* As *process says. */
extern void og_process_show_error(const char *error);

#endif							/* OG_WORKER_PROCESS_H */
