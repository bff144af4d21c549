/*-------------------------------------------------------------------------
 *
 * worker_standby.h
 *		Do the standbys have what was committed?
 *
 * A worker never waits for them inside of a COMMIT, which would hold up all
 * that it does, and could be cancelled: it commits locally, and holds back each
 * request until they have its mark, as synchronous_standby_names asks.
 *
 * Nobody wakes it when they have: whoever holds something back asks again, in
 * a millisecond at first.  The setting may change meanwhile, so what is held
 * back is compared with what is answered then.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OG_WORKER_STANDBY_H
#define OG_WORKER_STANDBY_H

#include "access/xlogdefs.h"

/* Are there standbys that have to have it? */
extern bool og_standby_is_asked(void);

/*
 * Up to where they have it, flushed: InvalidXLogRecPtr while too few of them
 * are connected.  Where nobody asks for them it is up to anywhere
 * (PG_UINT64_MAX).  It may go back, where another standby takes a place.
 */
extern XLogRecPtr og_standby_position(void);

#endif							/* OG_WORKER_STANDBY_H */
