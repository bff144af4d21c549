/*-------------------------------------------------------------------------
 *
 * http_trust.c
 *		Which authorities are trusted, and whether that has changed.
 *
 * A file of authorities is parsed once and kept by libcurl: a system's bundle
 * costs more than all the rest of a handshake.  libcurl knows that parsed file
 * by its path, and so it knows the connections that were verified by it, and
 * the sessions of TLS that a connection may resume.  But it looks at the file
 * itself only once in a while.
 *
 * So we look at it (a symbolic link is followed) whenever a request goes to its
 * connection.  What a path holds has a version; when that becomes another one,
 * libcurl is told another spelling of the same path ("/./etc/..."), for which it
 * has nothing: it reads the file again, and no connection and no session serves
 * that was verified by what stood there before.  Kept connections of that kind
 * are closed.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "http/http_internal.h"

/* Paths that are remembered; the oldest gives way, and counts as changed. */
#define MAX_PATHS	1024

/* A version has so many bits, and each makes a spelling longer by this. */
#define VERSION_BITS	32
#define BYTES_PER_BIT	2

typedef struct Authorities
{
	char	   *path;			/* malloc'd */
	uint32		version;		/* no two of any paths are the same */
	int			problem;		/* errno: there is no such file */
	dev_t		device;
	ino_t		inode;
	off_t		size;
	struct timespec modified;
	struct timespec changed;	/* also where .modified was put back */
} Authorities;

static Authorities *known = NULL;	/* malloc'd */
static int	nknown = 0;
static int	max_known = 0;
static int	oldest = 0;
static uint32 versions = 0;		/* so many there were; 0 = of nothing */

/* The entry of a path, perhaps a new and empty one; NULL without memory. */
static Authorities *
find_path(const char *path)
{
	Authorities *entry;
	char	   *copy;

	for (int i = 0; i < nknown; i++)
	{
		if (strcmp(known[i].path, path) == 0)
			return &known[i];
	}

	if (nknown == max_known && max_known < MAX_PATHS)
	{
		int			size = Max(2 * max_known, 8);
		Authorities *bigger = realloc(known, size * sizeof(Authorities));

		if (bigger == NULL)
			return NULL;
		known = bigger;
		max_known = size;
	}
	copy = strdup(path);
	if (copy == NULL)
		return NULL;
	if (nknown < max_known)
		entry = &known[nknown++];
	else
	{
		entry = &known[oldest];
		oldest = (oldest + 1) % max_known;
		og_kept_distrust(entry->version);
		free(entry->path);
	}
	memset(entry, 0, sizeof(Authorities));
	entry->path = copy;
	entry->version = ++versions;
	entry->problem = -1;		/* not looked at */
	return entry;
}

static bool
same_moment(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

/* Look at the file again; one that was never looked at has not changed. */
static void
look_at(Authorities *entry)
{
	struct stat st = {0};
	int			problem = stat(entry->path, &st) == 0 ? 0 : errno;
	bool		first = entry->problem == -1;

	if (problem == entry->problem && st.st_dev == entry->device &&
		st.st_ino == entry->inode && st.st_size == entry->size &&
		same_moment(&st.st_mtim, &entry->modified) &&
		same_moment(&st.st_ctim, &entry->changed))
		return;
	entry->problem = problem;
	entry->device = st.st_dev;
	entry->inode = st.st_ino;
	entry->size = st.st_size;
	entry->modified = st.st_mtim;
	entry->changed = st.st_ctim;
	if (!first)
	{
		og_kept_distrust(entry->version);
		entry->version = ++versions;
	}
}

/*
 * The path in a spelling that only this version of it has, malloc'd: each bit
 * of its number becomes "/" or "/.", which lead nowhere else.
 */
static char *
spell(const char *path, uint32 version)
{
	size_t		size = strlen(path) + VERSION_BITS * BYTES_PER_BIT + 1;
	char	   *spelling = malloc(size);
	char	   *end = spelling;

	if (spelling == NULL)
		return NULL;
	for (version--; version > 0 && path[0] == '/'; version >>= 1)
	{
		*end++ = '/';
		if (version & 1)
			*end++ = '.';
	}
	strlcpy(end, path, size - (end - spelling));
	return spelling;
}

/*
 * The file, or else the directory, of authorities; NULL where libcurl was built
 * without either.
 */
static const char *
path_of(const OgEndpoint *endpoint, CURLoption *option)
{
	const curl_version_info_data *info;

	*option = CURLOPT_CAINFO;
	if (endpoint->sslrootcert != NULL)
		return endpoint->sslrootcert;
	info = curl_version_info(CURLVERSION_NOW);
	if (info->cainfo != NULL)
		return info->cainfo;
	*option = CURLOPT_CAPATH;
	return info->capath;
}

/*
 * Let a transfer trust what its endpoint's file of authorities holds now.  False
 * without memory.
 */
bool
og_trust_apply(OgTransfer *transfer)
{
	OgEndpoint *endpoint = &transfer->endpoint;
	CURL	   *easy = transfer->easy;
	CURLoption	option;
	const char *path;
	Authorities *entry;
	char	   *spelling;
	bool		ok;

	if (!endpoint->is_https)
		return true;
	path = path_of(endpoint, &option);
	if (path == NULL)
		return true;
	entry = find_path(path);
	if (entry == NULL)
		return false;
	look_at(entry);
	endpoint->trust = entry->version;

	spelling = spell(path, entry->version);
	if (spelling == NULL)
		return false;
	ok = curl_easy_setopt(easy, option, spelling) == CURLE_OK;

	/* A directory besides would keep libcurl from caching the parsed file. */
	if (option == CURLOPT_CAINFO)
		ok = ok && curl_easy_setopt(easy, CURLOPT_CAPATH,
									(char *) NULL) == CURLE_OK;
	free(spelling);
	return ok;
}

/* The path that could not be read, and why as far as the system knows. */
const char *
og_trust_problem(const OgEndpoint *endpoint, int *problem)
{
	CURLoption	option;
	const char *path = path_of(endpoint, &option);

	*problem = path != NULL && access(path, R_OK) != 0 ? errno : 0;
	return path;
}
