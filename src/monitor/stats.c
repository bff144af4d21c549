/*-------------------------------------------------------------------------
 *
 * stats.c
 *		What calls did since the last reset, per server and function.
 *
 * A table of fixed size in shared memory under one lock.  A call adds what it
 * counted once a second and when it ends, so the lock is rarely wanted.  When
 * the table is full, the row that was not used for the longest makes room.
 *
 * A preloading server writes the table to a file when it is shut down and
 * reads it when it starts.  The file is written under another name and moved
 * into place when it is whole, and removed when it was read: so statistics of
 * before a crash never come back.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <unistd.h>

#include "miscadmin.h"
#include "pgstat.h"
#include "storage/fd.h"
#include "storage/ipc.h"
#include "storage/shmem.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "monitor/stats.h"

/* Rows for each account: several functions, from several databases. */
#define ROWS_PER_ACCOUNT	8

/* The upper bounds of all buckets but the last, which has none. */
static const int bounds_ms[OG_STATS_BUCKETS - 1] = {
	1, 2, 5, 10, 20, 50, 100, 200, 500,
	1000, 2000, 5000, 10000, 20000, 50000
};

typedef struct StatsTable
{
	LWLock		lock;
	int			max_rows;
	int64		uses;			/* additions, for the order of rows by use */
	TimestampTz reset_at;
	OgStats		rows[FLEXIBLE_ARRAY_MEMBER];
} StatsTable;

static Size
table_size(int accounts, int backends)
{
	return add_size(offsetof(StatsTable, rows),
					mul_size(mul_size(accounts, ROWS_PER_ACCOUNT),
							 sizeof(OgStats)));
}

static void
init_table(void *memory, int accounts, int backends)
{
	StatsTable *self = memory;

	og_shared_lock_init(&self->lock);
	self->max_rows = accounts * ROWS_PER_ACCOUNT;
	self->reset_at = GetCurrentTimestamp();
}

const OgSharedPart og_stats_shared = {
	.name = "statistics",
	.size = table_size,
	.init = init_table
};

static StatsTable *
get_table(void)
{
	return og_shared_get(&og_stats_shared);
}

/* ---------- counting ---------- */

void
og_stats_count_answer(OgStatsCounters *counters, int64 us)
{
	int			bucket = 0;

	while (bucket < OG_STATS_BUCKETS - 1 &&
		   us > (int64) bounds_ms[bucket] * 1000)
		bucket++;
	counters->histogram[bucket]++;
	if (counters->answers == 0 || us < counters->answer_min_us)
		counters->answer_min_us = us;
	counters->answer_max_us = Max(counters->answer_max_us, us);
	counters->answer_us += us;
	counters->answers++;
}

/* All of them are sums, but for the shortest and the longest time. */
static void
add_counters(OgStatsCounters *to, const OgStatsCounters *from)
{
	int64		min_us = from->answers == 0 ? to->answer_min_us
		: to->answers == 0 ? from->answer_min_us
		: Min(to->answer_min_us, from->answer_min_us);
	int64		max_us = Max(to->answer_max_us, from->answer_max_us);
	int64	   *sums = (int64 *) to;
	const int64 *more = (const int64 *) from;

	for (size_t i = 0; i < sizeof(OgStatsCounters) / sizeof(int64); i++)
		sums[i] += more[i];
	to->answer_min_us = min_us;
	to->answer_max_us = max_us;
}

/* The row of a function on a server of this database, made if need be. */
static OgStats *
find_row(StatsTable *table, Oid serverid, const char *function)
{
	OgStats    *oldest = &table->rows[0];

	for (int i = 0; i < table->max_rows; i++)
	{
		OgStats    *row = &table->rows[i];

		if (row->serverid == serverid && row->database == MyDatabaseId &&
			strcmp(NameStr(row->function), function) == 0)
			return row;
		/* A free one was never used. */
		if (row->used < oldest->used)
			oldest = row;
	}
	memset(oldest, 0, sizeof(*oldest));
	oldest->database = MyDatabaseId;
	oldest->serverid = serverid;
	namestrcpy(&oldest->function, function);
	return oldest;
}

void
og_stats_add(Oid serverid, const char *server, const char *function,
			 OgStatsCounters *counters)
{
	StatsTable *table = get_table();
	OgStats    *row;

	LWLockAcquire(&table->lock, LW_EXCLUSIVE);
	row = find_row(table, serverid, function);
	namestrcpy(&row->server, server);
	if (row->since == 0)
		row->since = GetCurrentTimestamp();
	row->used = ++table->uses;
	add_counters(&row->counters, counters);
	LWLockRelease(&table->lock);
	memset(counters, 0, sizeof(*counters));
}

/* ---------- reading and resetting ---------- */

/* Rows are taken from the first on, and only given back all at once. */
static int
count_rows(const StatsTable *table)
{
	int			count = 0;

	while (count < table->max_rows && OidIsValid(table->rows[count].database))
		count++;
	return count;
}

int
og_stats_read(OgStats **copies, TimestampTz *reset_at)
{
	StatsTable *table = get_table();
	int			count;

	*copies = palloc_extended(table->max_rows * sizeof(OgStats),
							  MCXT_ALLOC_HUGE);
	LWLockAcquire(&table->lock, LW_SHARED);
	count = count_rows(table);
	memcpy(*copies, table->rows, count * sizeof(OgStats));
	*reset_at = table->reset_at;
	LWLockRelease(&table->lock);
	return count;
}

void
og_stats_reset(void)
{
	StatsTable *table = get_table();
	TimestampTz now = GetCurrentTimestamp();

	LWLockAcquire(&table->lock, LW_EXCLUSIVE);
	memset(table->rows, 0, table->max_rows * sizeof(OgStats));
	table->reset_at = now;
	LWLockRelease(&table->lock);
}

/* ---------- over a restart ---------- */

#define STATS_FILE	PGSTAT_STAT_PERMANENT_DIRECTORY "/order_gateway.stat"

/* Ours, and of this version of OgStats: raise the last digits with it. */
#define STATS_MARK	UINT64CONST(0x4F47535441540002)

/* What the file begins with; rows follow. */
typedef struct StatsHead
{
	uint64		mark;
	uint32		row_size;		/* of a build that lays them out like us */
	int32		count;
	TimestampTz reset_at;
} StatsHead;

static void
report_failure(const char *what)
{
	ereport(LOG,
			(errcode_for_file_access(),
			 errmsg("could not %s file \"%s\": %m", what, STATS_FILE)));
}

/* The postmaster ends: keep the statistics, unless something went wrong. */
static void
save(int code, Datum arg)
{
	const StatsTable *table = get_table();
	StatsHead	head = {STATS_MARK, sizeof(OgStats), count_rows(table),
	table->reset_at};
	FILE	   *file;
	bool		whole;

	if (code != 0)
		return;
	file = AllocateFile(STATS_FILE ".tmp", PG_BINARY_W);
	if (file == NULL)
	{
		report_failure("create");
		return;
	}
	whole = fwrite(&head, sizeof(head), 1, file) == 1 &&
		fwrite(table->rows, sizeof(OgStats), head.count, file) == head.count;
	if (FreeFile(file) != 0 || !whole)
	{
		report_failure("write");
		(void) unlink(STATS_FILE ".tmp");
		return;
	}
	(void) durable_rename(STATS_FILE ".tmp", STATS_FILE, LOG);
}

static bool
read_rows(FILE *file, StatsTable *table)
{
	StatsHead	head;

	if (fread(&head, sizeof(head), 1, file) != 1 ||
		head.mark != STATS_MARK || head.row_size != sizeof(OgStats) ||
		head.count < 0)
		return false;
	head.count = Min(head.count, table->max_rows);
	if (fread(table->rows, sizeof(OgStats), head.count, file) != head.count)
	{
		memset(table->rows, 0, table->max_rows * sizeof(OgStats));
		return false;
	}
	table->reset_at = head.reset_at;
	for (int i = 0; i < head.count; i++)
		table->uses = Max(table->uses, table->rows[i].used);
	return true;
}

void
og_stats_startup(void)
{
	FILE	   *file;

	if (IsUnderPostmaster)
		return;
	on_shmem_exit(save, (Datum) 0);
	file = AllocateFile(STATS_FILE, PG_BINARY_R);
	if (file == NULL)
	{
		if (errno != ENOENT)
			report_failure("read");
		return;
	}
	if (!read_rows(file, get_table()))
		ereport(LOG,
				(errmsg("file \"%s\" is not valid; statistics begin anew",
						STATS_FILE)));
	FreeFile(file);
	(void) unlink(STATS_FILE);
}
