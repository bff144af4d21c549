/*-------------------------------------------------------------------------
 *
 * shared_parts.h
 *		What lives in shared memory, of all rooms.
 *
 * Whoever makes that memory, or finds it, has to know all of it: its size is what
 * it is recognized by.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SHARED_PARTS_H
#define SHARED_PARTS_H

#include "ground/shared.h"
#include "limiter/limiter_table.h"
#include "monitor/activity.h"
#include "monitor/stats.h"
#include "stream/stream.h"
#include "worker/worker.h"
#include "worker/worker_desk.h"
#include "worker/worker_stream.h"

static const OgSharedPart *const shared_parts[] = {
	&og_limiter_shared,
	&og_activity_shared,
	&og_stats_shared,
	&og_worker_shared,
	&og_desk_shared,
	&og_streamer_shared,
	&og_stream_shared,
	NULL
};

#endif							/* SHARED_PARTS_H */
