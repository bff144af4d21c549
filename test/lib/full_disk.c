/*
 * A disk that a test can fill: preloaded into a server, so that nothing makes a
 * file longer below a directory whose name is in OG_DISK_DIRECTORY ("base") while
 * the file OG_DISK_FILE says so (an int in its own bytes, not 0, which may change
 * at any moment).  As on a real one, what is there can be written once more.
 */
#define _GNU_SOURCE

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

static volatile const int *full;
static char directory[64];

__attribute__((constructor)) static void
map_switch(void)
{
	const char *path = getenv("OG_DISK_FILE");
	const char *name = getenv("OG_DISK_DIRECTORY");
	int			fd = path != NULL ? open(path, O_RDONLY) : -1;
	void	   *map;

	if (fd < 0)
		return;
	(void) snprintf(directory, sizeof(directory), "/%s/",
					name != NULL ? name : "base");
	map = mmap(NULL, sizeof(*full), PROT_READ, MAP_SHARED, fd, 0);
	close(fd);
	if (map != MAP_FAILED)
		full = map;
}

/* Is there no room for this file up to there? */
static bool
has_no_room(int fd, off_t end)
{
	char		link[64];
	char		path[4096];
	ssize_t		length;
	struct stat is;

	if (full == NULL || *full == 0 || fstat(fd, &is) != 0 ||
		!S_ISREG(is.st_mode) || end <= is.st_size)
		return false;
	(void) snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	length = readlink(link, path, sizeof(path) - 1);
	if (length < 0)
		return false;
	path[length] = '\0';
	return strstr(path, directory) != NULL;
}

static ssize_t
no_space(void)
{
	errno = ENOSPC;
	return -1;
}

static size_t
size_of(const struct iovec *parts, int count)
{
	size_t		size = 0;

	for (int i = 0; i < count; i++)
		size += parts[i].iov_len;
	return size;
}

/* What the name would be without this library. */
#define REAL(name)	((__typeof__(&name)) dlsym(RTLD_NEXT, #name))

ssize_t
write(int fd, const void *data, size_t size)
{
	static __typeof__(&write) real;
	off_t		at;

	if (real == NULL)
		real = REAL(write);
	if (full != NULL && *full != 0 && (at = lseek(fd, 0, SEEK_CUR)) >= 0 &&
		has_no_room(fd, at + (off_t) size))
		return no_space();
	return real(fd, data, size);
}

ssize_t
pwrite(int fd, const void *data, size_t size, off_t at)
{
	static __typeof__(&pwrite) real;

	if (real == NULL)
		real = REAL(pwrite);
	return has_no_room(fd, at + (off_t) size) ? no_space()
		: real(fd, data, size, at);
}

ssize_t
pwritev(int fd, const struct iovec *parts, int count, off_t at)
{
	static __typeof__(&pwritev) real;

	if (real == NULL)
		real = REAL(pwritev);
	return has_no_room(fd, at + (off_t) size_of(parts, count)) ? no_space()
		: real(fd, parts, count, at);
}

int
posix_fallocate(int fd, off_t at, off_t size)
{
	static __typeof__(&posix_fallocate) real;

	if (real == NULL)
		real = REAL(posix_fallocate);
	return has_no_room(fd, at + size) ? ENOSPC : real(fd, at, size);
}

/* The names by which a program knows them that asks for large files. */
ssize_t
pwrite64(int fd, const void *data, size_t size, off64_t at)
{
	return pwrite(fd, data, size, at);
}

ssize_t
pwritev64(int fd, const struct iovec *parts, int count, off64_t at)
{
	return pwritev(fd, parts, count, at);
}

int
posix_fallocate64(int fd, off64_t at, off64_t size)
{
	return posix_fallocate(fd, at, size);
}
