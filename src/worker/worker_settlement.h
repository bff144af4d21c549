/*-------------------------------------------------------------------------
 *
 * worker_settlement.h
 *		Orders of the journal that are unknown, and what became of them.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OG_WORKER_SETTLEMENT_H
#define OG_WORKER_SETTLEMENT_H

#include "settle/settle.h"
#include "worker/worker_journal.h"

/* A result that is unknown. */
typedef struct UnknownResult
{
	int			ordinal;
	OgSlice		order_id;
	TimestampTz sent_at;		/* 0 = not known */
	const char *order_state;	/* as it was told before, or NULL */
} UnknownResult;

/*
 * Those of a call from *from on, "most" at most, into the current context, after
 * so many *rows of the table at most, from which those that were looked at are
 * taken off.  *from is where there may be more, 0 if there are none.  What one id stands for several
 * orders with is left out: no read of that id tells them apart.
 */
extern int	og_settlement_unknown(const OgInstallation *installation,
								  int64 call_id, int *from, int most,
								  int *rows, UnknownResult **results);

/* What is known now of a result that was unknown. */
typedef struct Settlement
{
	int64		call_id;
	int			ordinal;
	OgVerdict	outcome;		/* may be unknown, still */
	OgOrderState state;
	TimestampTz settled_at;
	bool		counts;			/* out: it was unknown, and its call is not done: who
								 * makes that has to count it anew */
} Settlement;

/* Write these; needs a transaction. */
extern void og_settlement_write(const OgInstallation *installation,
								Settlement *settlements, int count);

/* A call is not asked for any more: what its note says stays with its end. */
extern void og_settlement_give_up(const OgInstallation *installation,
								  int64 call_id);

#endif							/* OG_WORKER_SETTLEMENT_H */
