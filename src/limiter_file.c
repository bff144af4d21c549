/*-------------------------------------------------------------------------
 *
 * limiter_file.c
 *		Lanes in small files, mapped by each session.
 *
 * A lane is a file of fixed size, PG_STAT_TMP_DIR/order_gateway.<name>,
 * where <name> begins a SHA-256, so that no file name tells a key or a host.
 * The server removes files of that directory neither at start nor after a
 * crash (and base backups leave them out), so a lane's history
 * goes on after both.  Anybody may remove a file at any time: sessions notice
 * when they open the lane the next time, and what is lost is history.
 *
 * All of a new file is zero, which is a valid lane; so nothing needs to be
 * agreed upon by sessions that create it at once.  Its blocks are allocated
 * before it is mapped: a full disk is an error here, not a bus error later.
 * A file of a wrong size or without our mark is removed, never repaired, since
 * another session may have it mapped.
 *
 * What a lane starts with is empty, unless requests may just have been sent
 * that it does not know of: when it replaces a broken file, or when the
 * server started less than OG_LANE_DOUBT_US ago.
 *
 * Mappings are kept by the process for its next calls, the least recently
 * used of them is dropped for a new one.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "limiter_file.h"
#include "pgstat.h"
#include "storage/fd.h"
#include "utils/timestamp.h"

/* Ours, and of this version of OgLane: raise the last digits with it. */
#define LANE_MARK	UINT64CONST(0x4F474C414E450002)

typedef struct LaneFile
{
	pg_atomic_uint64 mark;		/* 0 = new */
	uint64		unused[7];
	OgLane		lane;
} LaneFile;

/* A mapping of this process. */
typedef struct Mapping
{
	LaneFile   *file;			/* NULL = this entry is free */
	dev_t		device;
	ino_t		inode;
	uint64		last_use;
	int			users;
	char		name[OG_LANE_NAME + 1]; /* empty if its file was replaced */
} Mapping;

/* More than the lanes of the accounts one session uses in turn. */
#define MAX_MAPPINGS	64

static Mapping mappings[MAX_MAPPINGS];
static uint64 uses = 0;

static void
unmap(Mapping *mapping)
{
	(void) munmap(mapping->file, sizeof(LaneFile));
	memset(mapping, 0, sizeof(*mapping));
}

/*
 * The mapping of a name, if the file that has this name now is the one that
 * is mapped.
 */
static Mapping *
find_mapping(const char *name, const char *path)
{
	for (int i = 0; i < MAX_MAPPINGS; i++)
	{
		Mapping    *mapping = &mappings[i];
		struct stat st;

		if (mapping->file == NULL || strcmp(mapping->name, name) != 0)
			continue;
		if (stat(path, &st) == 0 && st.st_dev == mapping->device &&
			st.st_ino == mapping->inode && st.st_size == sizeof(LaneFile))
			return mapping;
		if (mapping->users == 0)
			unmap(mapping);
		else
			mapping->name[0] = '\0';
	}
	return NULL;
}

/* An entry for a new mapping, made free if need be. */
static Mapping *
free_mapping(void)
{
	Mapping    *least = NULL;

	for (int i = 0; i < MAX_MAPPINGS; i++)
	{
		Mapping    *mapping = &mappings[i];

		if (mapping->file == NULL)
			return mapping;
		if (mapping->users == 0 &&
			(least == NULL || mapping->last_use < least->last_use))
			least = mapping;
	}
	if (least == NULL)
		elog(ERROR, "too many lanes are in use");
	unmap(least);
	return least;
}

static void
report_failure(const char *what, const char *path)
{
	ereport(ERROR,
			(errcode(ERRCODE_IO_ERROR),
			 errmsg("could not %s file \"%s\": %m", what, path),
			 errdetail("It keeps the pace of an account or a host; nothing was sent.")));
}

/*
 * Give a new file its size and blocks.  Never changes what another session
 * has already written to it.
 */
static void
allocate_file(int fd, const char *path)
{
#ifdef HAVE_POSIX_FALLOCATE
	int			error;

	do
	{
		error = posix_fallocate(fd, 0, sizeof(LaneFile));
	} while (error == EINTR);
	if (error == 0)
		return;
	(void) unlink(path);
	errno = error;
#else
	if (ftruncate(fd, sizeof(LaneFile)) == 0)
		return;
#endif
	report_failure("allocate", path);
}

/*
 * Map a file, created if there is none.  Answers false when it is not a lane.
 */
static bool
map_file(const char *path, Mapping *mapping)
{
	LaneFile   *file;
	struct stat st;
	uint64		mark;
	int			fd = OpenTransientFilePerm(path, O_RDWR | O_CREAT | PG_BINARY,
										   S_IRUSR | S_IWUSR);

	if (fd < 0)
		report_failure("open", path);
	if (fstat(fd, &st) != 0)
		report_failure("stat", path);
	if (st.st_size == 0)
		allocate_file(fd, path);
	else if (st.st_size != sizeof(LaneFile))
	{
		CloseTransientFile(fd);
		return false;
	}

	file = mmap(NULL, sizeof(LaneFile), PROT_READ | PROT_WRITE, MAP_SHARED,
				fd, 0);
	if (file == MAP_FAILED)
		report_failure("map", path);
	CloseTransientFile(fd);

	mark = pg_atomic_read_u64(&file->mark);
	if (mark != 0 && mark != LANE_MARK)
	{
		(void) munmap(file, sizeof(LaneFile));
		return false;
	}
	mapping->device = st.st_dev;
	mapping->inode = st.st_ino;
	mapping->file = file;
	return true;
}

/* Mark a new file as a lane; several sessions may do so at once. */
static void
start_lane(LaneFile *file, bool replaced)
{
	TimestampTz now = GetCurrentTimestamp();

	if (replaced)
		og_lane_doubt(&file->lane, now);
	else if (now - PgStartTime < OG_LANE_DOUBT_US)
		og_lane_doubt(&file->lane, PgStartTime);
	pg_write_barrier();
	pg_atomic_write_u64(&file->mark, LANE_MARK);
}

static Mapping *
make_mapping(const char *name, const char *path)
{
	Mapping    *mapping = free_mapping();
	bool		replaced = false;

	while (!map_file(path, mapping))
	{
		if (replaced)
			elog(ERROR, "file \"%s\" is no lane, again", path);
		ereport(LOG,
				(errmsg("removing file \"%s\", which is not valid", path),
				 errdetail("A new one takes its place.")));
		if (unlink(path) != 0 && errno != ENOENT)
			report_failure("remove", path);
		replaced = true;
	}
	if (pg_atomic_read_u64(&mapping->file->mark) == 0)
		start_lane(mapping->file, replaced);
	strlcpy(mapping->name, name, sizeof(mapping->name));
	return mapping;
}

OgLane *
og_lane_open(const char *name)
{
	char		path[MAXPGPATH];
	Mapping    *mapping;

	snprintf(path, sizeof(path), PG_STAT_TMP_DIR "/order_gateway.%s", name);
	mapping = find_mapping(name, path);
	if (mapping == NULL)
		mapping = make_mapping(name, path);
	mapping->users++;
	mapping->last_use = ++uses;
	return &mapping->file->lane;
}

void
og_lane_close(OgLane *lane)
{
	for (int i = 0; i < MAX_MAPPINGS; i++)
	{
		Mapping    *mapping = &mappings[i];

		if (mapping->file == NULL || &mapping->file->lane != lane)
			continue;
		mapping->users--;
		if (mapping->users == 0 && mapping->name[0] == '\0')
			unmap(mapping);
		return;
	}
}
