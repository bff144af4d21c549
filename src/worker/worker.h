/*-------------------------------------------------------------------------
 *
 * worker.h
 *		The gateway worker: what was committed is sent, and what was sent is
 *		known, whatever dies.
 *
 * One background process per database that order_gateway.databases names.  A
 * launcher starts them, and starts them again; only a server that preloads the
 * library has it.
 *
 * worker_launcher.c	which databases have a worker: starts and restarts them
 * worker_setting.c		which databases are named, and other settings
 * worker_shared.c		what all processes may know of the workers
 * worker_main.c		the process: its start, its loop, its end
 * worker_process.c		what the processes have in common
 * worker_stream.c		stream workers, as far as they are known here
 * worker_hook.c		what must not happen under a worker's feet
 * worker_sight.c		what a transaction keeps from a worker
 *
 *-------------------------------------------------------------------------
 */
#ifndef OG_WORKER_H
#define OG_WORKER_H

#include "datatype/timestamp.h"
#include "utils/guc.h"

#include "account/account.h"
#include "ground/shared.h"

/*
 * Settings order_gateway.databases, .journal_keep (minutes, 0 = for ever) and
 * .notify_channel (empty = none).
 */
extern char *og_worker_databases;
extern int	og_journal_keep;
extern char *og_notify_channel;
extern bool og_worker_check_databases(char **value, void **extra,
									  GucSource source);
extern bool og_worker_check_channel(char **value, void **extra,
									GucSource source);

/* What others may know of a worker. */
#define OG_LAST_ERROR	256

typedef struct OgWorkerState
{
	NameData	database;		/* as the setting names it */
	Oid			dboid;			/* InvalidOid = there is no such database */
	int			pid;			/* 0 = not running */
	int			proc;			/* og_shared_backend() of it */
	TimestampTz since;
	int64		queued;
	int64		in_flight;		/* calls that are being made */
	int64		quarantined;
	TimestampTz oldest_queued;	/* 0 = none */
	int			connections;
	TimestampTz last_commit;	/* 0 = none yet */
	bool		awaits_standby;
	int64		unsettled;		/* calls with orders that are unknown */
	TimestampTz oldest_unsettled;	/* 0 = none */
	char		last_error[OG_LAST_ERROR];	/* or why it does not run */
} OgWorkerState;

/* Calls of an account are left alone for a while. */
#define OG_WORKER_PAUSES	64

typedef struct OgWorkerPause
{
	Oid			serverid;
	Oid			roleid;
	TimestampTz until;
} OgWorkerPause;

extern const OgSharedPart og_worker_shared;

/*
 * For _PG_init() of a server that preloads the library: the launcher, and what a
 * worker must know of before it happens.
 */
extern void og_worker_register(void);
extern void og_worker_hook(void);

/* Copies of the states of all workers that the setting names, in its order. */
extern int	og_worker_read(OgWorkerState **copies);

/* The pauses of this database's worker: how many; none where it is not running. */
extern int	og_worker_pauses(OgWorkerPause **copies);

/*
 * Does the setting of a server that preloads the library name this database?  Is
 * its worker there?
 */
extern bool og_worker_is_wanted(void);
extern bool og_worker_is_running(void);

/*
 * Can that worker make a call of this transaction: does it see all of the catalog
 * that was checked for it, and wait for no lock that is held here?  Errors: 42P01
 * where there is no journal.
 */
extern bool og_worker_can_make(const OgAccount *account, Oid roleid,
							   Oid functionid);

/* This transaction, if it commits, wakes the worker of this database. */
extern void og_worker_wake_at_commit(void);

#endif							/* OG_WORKER_H */
