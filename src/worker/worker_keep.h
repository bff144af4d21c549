/*-------------------------------------------------------------------------
 *
 * worker_keep.h
 *		How long the journal keeps calls: order_gateway.journal_keep.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OG_WORKER_KEEP_H
#define OG_WORKER_KEEP_H

#include "worker/worker_journal.h"

/*
 * Remove a few calls that were done long ago, with all their rows, in a
 * transaction of its own.  True if there may be more.
 */
extern bool og_keep_step(const OgInstallation *installation);

#endif							/* OG_WORKER_KEEP_H */
