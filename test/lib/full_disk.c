/*
 * A disk that a test can fill: preloaded into a server, whose files cannot become
 * longer while the file OG_FULL_DISK_FILE exists, but for those of its log of
 * changes and its own log.
 */
#define _GNU_SOURCE

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

/* Would writing up to there take room on a disk that has none? */
static int
takes_room(int fd, off_t end)
{
	const char *flag = getenv("OG_FULL_DISK_FILE");
	char		link[64];
	char		path[PATH_MAX];
	struct stat	file;
	ssize_t		len;

	if (flag == NULL || access(flag, F_OK) != 0 ||
		fstat(fd, &file) != 0 || !S_ISREG(file.st_mode) || end <= file.st_size)
		return 0;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	len = readlink(link, path, sizeof(path) - 1);
	if (len < 0)
		return 0;
	path[len] = '\0';
	return strstr(path, "/base/") != NULL;
}

static size_t
length_of(const struct iovec *parts, int count)
{
	size_t		length = 0;

	for (int i = 0; i < count; i++)
		length += parts[i].iov_len;
	return length;
}

static ssize_t
refuse(void)
{
	errno = ENOSPC;
	return -1;
}

ssize_t
write(int fd, const void *data, size_t length)
{
	off_t		at = lseek(fd, 0, SEEK_CUR);
	int			keep = errno;

	if (at >= 0 && takes_room(fd, at + (off_t) length))
		return refuse();
	errno = keep;
	return syscall(SYS_write, fd, data, length);
}

ssize_t
pwrite(int fd, const void *data, size_t length, off_t at)
{
	if (takes_room(fd, at + (off_t) length))
		return refuse();
	return syscall(SYS_pwrite64, fd, data, length, at);
}

ssize_t
pwrite64(int fd, const void *data, size_t length, off64_t at)
{
	return pwrite(fd, data, length, at);
}

ssize_t
pwritev(int fd, const struct iovec *parts, int count, off_t at)
{
	if (takes_room(fd, at + (off_t) length_of(parts, count)))
		return refuse();
	return syscall(SYS_pwritev, fd, parts, count, at, 0);
}

ssize_t
pwritev64(int fd, const struct iovec *parts, int count, off64_t at)
{
	return pwritev(fd, parts, count, at);
}

int
posix_fallocate(int fd, off_t at, off_t length)
{
	if (takes_room(fd, at + length))
		return ENOSPC;
	return syscall(SYS_fallocate, fd, 0, at, length) == 0 ? 0 : errno;
}

int
posix_fallocate64(int fd, off64_t at, off64_t length)
{
	return posix_fallocate(fd, at, length);
}
