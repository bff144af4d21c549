/*-------------------------------------------------------------------------
 *
 * shared.h
 *		Memory that all sessions of the cluster share.
 *
 * A room that keeps something there describes it as an OgSharedPart; the roof
 * has the list of them.  With the library in shared_preload_libraries the
 * parts are made when the server starts.  Without it, PostgreSQL 17 and newer
 * make each when a session first asks for it (the DSM registry), and older
 * ones cannot.
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
 * The memory of a part, or NULL where this server has none.  Errors: those of
 * the server when memory that should be there cannot be had.
 */
extern void *og_shared_get(const OgSharedPart *part);

/* The same, or error 55000 with the remedy as its hint. */
extern void *og_shared_require(const OgSharedPart *part);

/* Make a lock ready that lies in shared memory, under our name. */
extern void og_shared_lock_init(LWLock *lock);

/* This backend's number, below the number of backends a part is made for. */
extern int	og_shared_backend(void);

#endif							/* OG_SHARED_H */
