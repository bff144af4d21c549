/*-------------------------------------------------------------------------
 *
 * worker_keep.h
 *		How long the journal keeps calls: order_gateway.journal_keep.
 *
 * A call is as old as its end, and goes with all that there is of it, its
 * reference too.  That holds for one with "unknown" orders as well: what was not
 * settled in all that time will not be.  A call that is not done never goes, and
 * neither do those of other installations, which are not ours.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OG_WORKER_KEEP_H
#define OG_WORKER_KEEP_H

#include "worker/worker_journal.h"

/*
 * Remove a few calls that were done long ago, with all their rows, in a
 * transaction of its own, waiting for nobody.  True if there may be more; what
 * is not due costs nothing, so it may be called at any time outside of a
 * transaction.
 */
extern bool og_keep_step(const OgInstallation *installation);

#endif							/* OG_WORKER_KEEP_H */
