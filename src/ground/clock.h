/*-------------------------------------------------------------------------
 *
 * clock.h
 *		Time, in the two ways that it is needed.
 *
 * Whatever lasts (deadlines, pauses, what a window counts) is measured on a
 * clock that nobody can set.  What people, logs and providers are told is the
 * time of day, a TimestampTz, which may be wrong, and set at any moment.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OG_CLOCK_H
#define OG_CLOCK_H

#include <time.h>

#include "datatype/timestamp.h"

/*
 * Microseconds on the clock that only goes forward, the same one for all
 * processes of this machine until it is started again.  Callable anywhere.
 */
static inline int64
og_clock_now(void)
{
	struct timespec now;

	(void) clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64) now.tv_sec * USECS_PER_SEC + now.tv_nsec / 1000;
}

/* Unix time in milliseconds of a timestamp. */
static inline int64
og_unix_ms(TimestampTz at)
{
	return at / 1000 +
		(int64) (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * SECS_PER_DAY * 1000;
}

/* The pause after one that brought nothing: from a second, doubled, to a minute. */
static inline int64
og_longer_pause(int64 pause_us)
{
	return Min(Max(2 * pause_us, USECS_PER_SEC), USECS_PER_MINUTE);
}

#endif							/* OG_CLOCK_H */
