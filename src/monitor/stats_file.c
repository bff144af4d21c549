/*-------------------------------------------------------------------------
 *
 * stats_file.c
 *		The statistics while the server is down.
 *
 * The file is written under another name and moved into place when it is
 * whole, and removed when it was read: so statistics of before a crash never
 * come back.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <unistd.h>

#include "pgstat.h"
#include "monitor/stats_file.h"
#include "storage/fd.h"

#define STATS_FILE	PGSTAT_STAT_PERMANENT_DIRECTORY "/order_gateway.stat"

/* Ours, and of this version of OgStats: raise the last digits with it. */
#define STATS_MARK	UINT64CONST(0x4F47535441540002)

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

static bool
write_rows(FILE *file, const OgStats *rows, int max_rows,
		   TimestampTz reset_at)
{
	StatsHead	head = {STATS_MARK, sizeof(OgStats), 0, reset_at};
	bool		written;

	for (int i = 0; i < max_rows; i++)
		head.count += OidIsValid(rows[i].database);
	written = fwrite(&head, sizeof(head), 1, file) == 1;
	for (int i = 0; i < max_rows && written; i++)
	{
		if (OidIsValid(rows[i].database))
			written = fwrite(&rows[i], sizeof(OgStats), 1, file) == 1;
	}
	return written;
}

void
og_stats_file_write(const OgStats *rows, int max_rows, TimestampTz reset_at)
{
	FILE	   *file = AllocateFile(STATS_FILE ".tmp", PG_BINARY_W);
	bool		whole;

	if (file == NULL)
	{
		report_failure("create");
		return;
	}
	whole = write_rows(file, rows, max_rows, reset_at);
	if (FreeFile(file) != 0 || !whole)
	{
		report_failure("write");
		(void) unlink(STATS_FILE ".tmp");
		return;
	}
	(void) durable_rename(STATS_FILE ".tmp", STATS_FILE, LOG);
}

static bool
read_rows(FILE *file, OgStats *rows, int max_rows, TimestampTz *reset_at)
{
	StatsHead	head;

	if (fread(&head, sizeof(head), 1, file) != 1 ||
		head.mark != STATS_MARK || head.row_size != sizeof(OgStats) ||
		head.count < 0)
		return false;
	head.count = Min(head.count, max_rows);
	if (fread(rows, sizeof(OgStats), head.count, file) != head.count)
	{
		memset(rows, 0, max_rows * sizeof(OgStats));
		return false;
	}
	*reset_at = head.reset_at;
	return true;
}

void
og_stats_file_read(OgStats *rows, int max_rows, TimestampTz *reset_at)
{
	FILE	   *file = AllocateFile(STATS_FILE, PG_BINARY_R);

	if (file == NULL)
	{
		if (errno != ENOENT)
			report_failure("read");
		return;
	}
	if (!read_rows(file, rows, max_rows, reset_at))
		ereport(LOG,
				(errmsg("file \"%s\" is not valid; statistics begin anew",
						STATS_FILE)));
	FreeFile(file);
	(void) unlink(STATS_FILE);
}
