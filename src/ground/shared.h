/*-------------------------------------------------------------------------
 *
 * shared.h
 *		Memory that all sessions of the cluster share.
 *
 * A room that keeps something there describes it as an OgSharedPart; the roof
 * has the list of them.  With the library in shared_preload_libraries the
 * parts are made when the server starts, without it when a session first asks
 * for one.  Memory may be mapped at another address in each session, so
 * parts hold no pointers.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OG_SHARED_H
#define OG_SHARED_H

#include "storage/lwlock.h"

typedef struct OgSharedPart
{
	const char *name;

	/*
	 * How large it is where so many accounts and backends are to fit in, and
	 * how new memory of that size (zeroed) is made ready.
	 */
	Size		(*size) (int accounts, int backends);
	void		(*init) (void *memory, int accounts, int backends);
} OgSharedPart;

/* A foreign server, and what it was called when it was used last. */
typedef struct OgServerName
{
	Oid			database;
	Oid			serverid;
	NameData	name;
} OgServerName;

/*
 * Say what there is to be shared, and for how many accounts: a list with NULL
 * at its end and a setting, both read later.  For _PG_init().
 */
extern void og_shared_init(const OgSharedPart *const *parts,
						   const int *max_accounts);

/* For the hooks of a server that preloads the library. */
extern void og_shared_request(void);
extern void og_shared_startup(void);

/*
 * The memory of a part, all parts made if there is none yet.  Errors: those of
 * the server when memory cannot be had; none in a process that has had it once.
 */
extern void *og_shared_get(const OgSharedPart *part);

/* Does this process know all of it? */
extern bool og_shared_is_known(void);

/* Make a lock ready that lies in shared memory, under our name. */
extern void og_shared_lock_init(LWLock *lock);

/*
 * Each backend has room for one call.  Those that make several at once share
 * room for so many more.
 */
#define OG_MORE_CALLS	1024

/* This backend's number, below the number of backends a part is made for. */
extern int	og_shared_backend(void);

#endif							/* OG_SHARED_H */
