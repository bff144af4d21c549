/*-------------------------------------------------------------------------
 *
 * stats_file.h
 *		The statistics while the server is down.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OG_STATS_FILE_H
#define OG_STATS_FILE_H

#include "monitor/stats.h"

/*
 * Both report what goes wrong in the log, and raise no errors.  Free rows are
 * not written.
 */
extern void og_stats_file_write(const OgStats *rows, int max_rows,
								TimestampTz reset_at);

/* Fill zeroed rows, if there is a file, and remove it. */
extern void og_stats_file_read(OgStats *rows, int max_rows,
							   TimestampTz *reset_at);

#endif							/* OG_STATS_FILE_H */
