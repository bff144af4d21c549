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
 * connection.  What is seen of a file makes a number, and libcurl is told a
 * spelling of the path ("/./etc/...") that only this number has.  When the file
 * is another one, so is the spelling, for which libcurl has nothing: it reads
 * the file again, and no connection and no session serves that was verified by
 * what stood there before.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/hashfn.h"

#include "http/http_internal.h"

/* A number has so many bits, and each makes a spelling longer by two bytes. */
#define BITS			64
#define SPELLING_SIZE	(MAXPGPATH + 2 * BITS)

/* What can be seen of a file without reading it, as one number, never 0. */
static uint64
look_at(const char *path)
{
	struct
	{
		int64		problem;	/* errno: there is no such file */
		int64		device;
		int64		inode;
		int64		size;
		struct timespec modified;
		struct timespec changed;	/* also where .modified was put back */
	}			seen = {0};
	struct stat st;

	if (stat(path, &st) != 0)
		seen.problem = errno;
	else
	{
		seen.device = (int64) st.st_dev;
		seen.inode = (int64) st.st_ino;
		seen.size = (int64) st.st_size;
		seen.modified = st.st_mtim;
		seen.changed = st.st_ctim;
	}
	return Max(hash_bytes_extended((const unsigned char *) &seen,
								   sizeof(seen), 0), 1);
}

/*
 * Write the path in the spelling that this number has: each bit becomes "/" or
 * "/.", which lead nowhere else.
 */
static void
spell(const char *path, uint64 number, char *spelling)
{
	char	   *end = spelling;

	for (int i = 0; i < BITS; i++, number >>= 1)
	{
		*end++ = '/';
		if (number & 1)
			*end++ = '.';
	}
	strlcpy(end, path, MAXPGPATH);
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
 * Let a connection trust what its endpoint's file of authorities holds now.  False
 * if libcurl has no memory.
 */
bool
og_trust_apply(OgDial *dial)
{
	CURLoption	option;
	const char *path = path_of(dial->endpoint, &option);
	char		spelling[SPELLING_SIZE];

	if (!dial->endpoint->is_https || path == NULL)
		return true;
	dial->trust = look_at(path);
	spell(path, dial->trust, spelling);
	if (curl_easy_setopt(dial->easy, option, spelling) != CURLE_OK)
		return false;

	/* A directory besides would keep libcurl from caching the parsed file. */
	return option == CURLOPT_CAPATH ||
		curl_easy_setopt(dial->easy, CURLOPT_CAPATH,
						 (char *) NULL) == CURLE_OK;
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
