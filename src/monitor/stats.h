/*-------------------------------------------------------------------------
 *
 * stats.h
 *		What calls did since the last reset, per server and function.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OG_STATS_H
#define OG_STATS_H

#include "datatype/timestamp.h"

#include "ground/shared.h"
#include "provider/provider.h"

/* Answer times are counted in so many buckets. */
#define OG_STATS_BUCKETS	16

/* What is counted, each an int64. */
typedef struct OgStatsCounters
{
	int64		calls;
	int64		requests;		/* that left */
	int64		retries;		/* attempts after the first of a batch */
	int64		ids[OG_OUTCOMES];
	int64		bytes_sent;
	int64		bytes_received;
	int64		connections;	/* opened */
	int64		turn_wait_us;

	/* of requests that were answered, from leaving to the end */
	int64		answers;
	int64		answer_us;		/* sum */
	int64		answer_min_us;
	int64		answer_max_us;
	int64		histogram[OG_STATS_BUCKETS];
} OgStatsCounters;

/* One row of the statistics. */
typedef struct OgStats
{
	Oid			database;		/* Invalid = this entry is free */
	Oid			serverid;
	NameData	function;
	NameData	server;			/* as it was called last */
	TimestampTz since;			/* first counted */
	int64		used;			/* last counted, in the order of such uses */
	OgStatsCounters counters;
} OgStats;

/* Count the time of one answer. */
extern void og_stats_count_answer(OgStatsCounters *counters, int64 us);

/*
 * Add to what is known of a server and function of the current database, and
 * zero what was added.  Raises no errors in a process that has memory to share
 * (og_activity_begin()).
 */
extern void og_stats_add(Oid serverid, const char *server,
						 const char *function, OgStatsCounters *counters);

/* Copies of all rows, and the time of the last reset. */
extern int	og_stats_read(OgStats **copies, TimestampTz *reset_at);
extern void og_stats_reset(void);

/* For the hook of a server that preloads: read the file, write it at exit. */
extern void og_stats_startup(void);

extern const OgSharedPart og_stats_shared;

#endif							/* OG_STATS_H */
