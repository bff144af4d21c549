/*-------------------------------------------------------------------------
 *
 * stream_append_keep.c
 *		How long rows of the extension's own logs are kept:
 *		order_gateway.stream_keep.
 *
 * The ledger keeps what may be told again: what is younger than the provider's own
 * memory, and than the earliest mark.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/fmgroids.h"
#include "utils/timestamp.h"

#include "ground/clock.h"
#include "stream/stream_append.h"
#include "worker/worker_table.h"

/* Rows that one step removes, and how soon the next one is made. */
#define REMOVED_AT_ONCE	1000
#define SOON_US			USECS_PER_SEC
#define LATER_US		(60 * USECS_PER_SEC)

/* So far back the provider tells trades and fills, and a day for its clock. */
#define TOLD_US			(8 * USECS_PER_DAY)

static TimestampTz horizon = 0;

TimestampTz
og_seen_horizon(void)
{
	return horizon;
}

/* Remove rows of a table that are from before; false if there may be more. */
static bool
remove_before(OgTable table, OgTable index, int installation, int at,
			  TimestampTz limit, int *most)
{
	ScanKeyData keys[2];

	ScanKeyInit(&keys[0], installation + 1, BTEqualStrategyNumber, F_UUID_EQ,
				UUIDPGetDatum(&og_stream_loop.installation));
	ScanKeyInit(&keys[1], at + 1, BTLessStrategyNumber, F_TIMESTAMPTZ_LT,
				TimestampTzGetDatum(limit));
	return og_table_remove(table, index, keys, 2, most);
}

/* Notifications are numbered as they come. */
typedef struct Oldest
{
	TimestampTz limit;
	int64		last;			/* that goes; 0 = none */
	int			count;
} Oldest;

static bool
take_oldest(void *owner, const OgTableRow *row)
{
	Oldest	   *oldest = owner;

	if (DatumGetTimestampTz(row->values[STREAM_NOTIFICATION_RECEIVED_AT]) >=
		oldest->limit || oldest->count++ == REMOVED_AT_ONCE)
		return false;
	oldest->last =
		DatumGetInt64(row->values[STREAM_NOTIFICATION_NOTIFICATION_ID]);
	return true;
}

static bool
remove_notifications(TimestampTz limit, int *most)
{
	Oldest		oldest = {limit};
	ScanKeyData keys[2];

	og_table_installation_key(&keys[0], &og_stream_loop.installation);
	og_table_scan(OG_STREAM_NOTIFICATION_TABLE, OG_STREAM_NOTIFICATION_KEY,
				  NULL, keys, 1, take_oldest, &oldest);
	if (oldest.last == 0)
		return true;
	og_table_installation_key(&keys[0], &og_stream_loop.installation);
	ScanKeyInit(&keys[1], STREAM_NOTIFICATION_NOTIFICATION_ID + 1,
				BTLessEqualStrategyNumber, F_INT8LE,
				Int64GetDatum(oldest.last));
	return og_table_remove(OG_STREAM_NOTIFICATION_TABLE,
						   OG_STREAM_NOTIFICATION_KEY, keys, 2, most) &&
		oldest.count < REMOVED_AT_ONCE;
}

static bool
may_remove(void)
{
	static const OgTable tables[] = {
		OG_STREAM_TRADE_TABLE, OG_STREAM_FILL_TABLE,
		OG_STREAM_NOTIFICATION_TABLE, OG_STREAM_SEEN_TABLE,
		OG_STREAM_MARK_TABLE
	};

	if (og_table_oid(OG_STREAM_TABLE) != og_stream_loop.table)
		return false;
	for (int i = 0; i < lengthof(tables); i++)
	{
		if (!og_table_try_lock(tables[i], RowExclusiveLock))
			return false;
	}
	return true;
}

static bool
remove_logs(int *most)
{
	TimestampTz limit = GetCurrentTimestamp() -
		og_stream_keep * USECS_PER_MINUTE;

	return og_stream_keep == 0 ||
		(remove_before(OG_STREAM_TRADE_TABLE, OG_STREAM_TRADE_AT,
					   STREAM_TRADE_INSTALLATION, STREAM_TRADE_RECEIVED_AT,
					   limit, most) &&
		 remove_before(OG_STREAM_FILL_TABLE, OG_STREAM_FILL_AT,
					   STREAM_FILL_INSTALLATION, STREAM_FILL_RECEIVED_AT,
					   limit, most) &&
		 remove_notifications(limit, most));
}

static void
remove_step(void *arg)
{
	bool	   *all = arg;
	int			most = REMOVED_AT_ONCE;
	TimestampTz now = GetCurrentTimestamp();
	TimestampTz earliest;

	*all = true;
	if (!may_remove())
		return;
	earliest = og_marks_clean() - USECS_PER_DAY;
	horizon = Min(earliest, now - TOLD_US);
	*all = remove_logs(&most) &&
		remove_before(OG_STREAM_SEEN_TABLE, OG_STREAM_SEEN_AT,
					  STREAM_SEEN_INSTALLATION, STREAM_SEEN_AT, horizon,
					  &most);
}

void
og_append_keep(void)
{
	static int64 due = 0;
	static int	keep = 0;
	bool		all;
	Trouble		trouble;

	if (og_clock_now() < due && keep == og_stream_keep)
		return;
	keep = og_stream_keep;
	if (!og_try(remove_step, &all, &trouble))
	{
		og_trouble_show(&trouble);
		all = true;
	}
	due = og_clock_now() + (all ? LATER_US : SOON_US);
}
