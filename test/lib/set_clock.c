/*
 * Clocks that a test can set: preloaded into a server, so that they differ from the
 * machine's by as many seconds as the file OG_CLOCK_FILE says (longs in their own
 * bytes, which may change at any moment): the first that of the time of day, the
 * second, if there is one, that which only goes forward, and must.
 */
#define _GNU_SOURCE

#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static volatile const long *offsets;

#define DAY		0
#define STEADY	1

__attribute__((constructor)) static void
map_offset(void)
{
	const char *path = getenv("OG_CLOCK_FILE");
	int			fd = path != NULL ? open(path, O_RDONLY) : -1;
	void	   *map;

	if (fd < 0)
		return;

	/* Behind the end of the file its page is zero. */
	map = mmap(NULL, 2 * sizeof(*offsets), PROT_READ, MAP_SHARED, fd, 0);
	close(fd);
	if (map != MAP_FAILED)
		offsets = map;
}

static long
difference(int number)
{
	return offsets != NULL ? offsets[number] : 0;
}

int
clock_gettime(clockid_t clock, struct timespec *now)
{
	int			result = (int) syscall(SYS_clock_gettime, clock, now);

	if (result == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
		now->tv_sec += difference(DAY);
	if (result == 0 && (clock == CLOCK_MONOTONIC || clock == CLOCK_MONOTONIC_COARSE))
		now->tv_sec += difference(STEADY);
	return result;
}

int
gettimeofday(struct timeval *now, void *zone)
{
	int			result = (int) syscall(SYS_gettimeofday, now, zone);

	if (result == 0)
		now->tv_sec += difference(DAY);
	return result;
}

time_t
time(time_t *store)
{
	struct timespec now;

	(void) clock_gettime(CLOCK_REALTIME, &now);
	if (store != NULL)
		*store = now.tv_sec;
	return now.tv_sec;
}
