/*-------------------------------------------------------------------------
 *
 * worker_learned.h
 *		What was learned of orders that were unknown, until it is written.
 *
 * It is written with the turns of a worker, some at a time, beside what there is of
 * calls; and tried again if it cannot be.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OG_WORKER_LEARNED_H
#define OG_WORKER_LEARNED_H

#include "worker/worker_loop.h"
#include "worker/worker_settlement.h"
#include "worker/worker_turn.h"
#include "worker/worker_unsettled.h"

/* Nothing is known yet. */
extern void og_learned_open(const OgInstallation *installation,
							MemoryContext parent);

/* An order is known now, or its state is. */
extern void og_learned_add(const Settlement *settlement);

/* Why a call could not be asked for; NULL = it could. */
extern void og_learned_reason(Unsettled *call, const char *reason);

/*
 * A call that was taken is not asked for any more: nothing of it is unknown, or
 * what is stays so.
 */
extern void og_learned_end(Unsettled *call);

/* Is so much not written yet that nothing more should be asked? */
extern bool og_learned_is_much(void);

/* What of it is to be written beside calls, and that it was. */
extern Beside *og_learned_news(void);
extern void og_learned_written(Loop *loop);

#endif							/* OG_WORKER_LEARNED_H */
