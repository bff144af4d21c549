/*-------------------------------------------------------------------------
 *
 * worker_settle.h
 *		A worker asks what became of orders whose outcome is unknown.
 *
 * Each asker is served by itself, so that one whose provider hangs keeps back no
 * other.  It asks with the rights of the role that made the call.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OG_WORKER_SETTLE_H
#define OG_WORKER_SETTLE_H

#include "worker/worker_loop.h"

/*
 * Begin for an installation that was recovered: what is unknown is read.  Called
 * outside of a transaction; errors are those of the server.
 */
extern void og_settle_open(Loop *loop);
extern void og_settle_close(void);

/*
 * Do what can be done now, a bounded part of it.  True if there is more; else
 * *pause tells until when there is not.
 */
extern bool og_settle_advance(Loop *loop, OgPause *pause);

#endif							/* OG_WORKER_SETTLE_H */
