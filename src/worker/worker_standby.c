/*-------------------------------------------------------------------------
 *
 * worker_standby.c
 *		Do the standbys have what was committed?
 *
 * What a COMMIT would wait for is read where it would be told: which walsenders
 * count follows from synchronous_standby_names as this process has it and as
 * they have it, and how far each standby is stands in their shared memory.
 * Nothing is written there, and nobody is waited for.
 *
 * What counts is what they have flushed, whatever level of synchronous_commit
 * anybody asks for: a mark that a standby has written and not flushed could be
 * gone when it is promoted.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "replication/syncrep.h"
#include "replication/walsender.h"

#include "worker/worker_standby.h"

/* As with a COMMIT, without walsenders there is nobody to wait for. */
bool
og_standby_is_asked(void)
{
	return SyncRepConfig != NULL && SyncRepConfig->num_sync > 0 &&
		max_wal_senders > 0;
}

/* The one that is furthest comes first. */
static int
compare_flushed(const void *a, const void *b)
{
	XLogRecPtr	left = ((const SyncRepStandbyData *) a)->flush;
	XLogRecPtr	right = ((const SyncRepStandbyData *) b)->flush;

	return left > right ? -1 : left < right;
}

/*
 * Of FIRST n the candidates are no more than n, so both with it and with ANY n
 * all is there that the n-th of them has.
 */
XLogRecPtr
og_standby_position(void)
{
	SyncRepStandbyData *standbys;
	XLogRecPtr	position = InvalidXLogRecPtr;
	int			count;

#ifdef OG_PLANT_STANDBY
	return PG_UINT64_MAX;		/* a fault for test/storm to find */
#endif
	if (!og_standby_is_asked())
		return PG_UINT64_MAX;
	count = SyncRepGetCandidateStandbys(&standbys);
	qsort(standbys, count, sizeof(SyncRepStandbyData), compare_flushed);
	if (count >= SyncRepConfig->num_sync)
		position = standbys[SyncRepConfig->num_sync - 1].flush;
	pfree(standbys);
	return position;
}
