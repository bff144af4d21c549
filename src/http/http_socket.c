/*-------------------------------------------------------------------------
 *
 * http_socket.c
 *		Sockets, and their count.
 *
 * The server wants to know of every descriptor that it did not open itself.
 * libcurl tells when it closes a socket, but not always: 7.88 closes one that
 * never got connected without a word.  So a list is kept of what was opened,
 * each with the identity of its inode, and an entry whose descriptor is no
 * longer that socket is struck off.  What libcurl opens besides without asking
 * (a pair to wake itself, and a few in each thread that looks a name up) cannot
 * be counted.
 *
 * The server allows only so many.  So a descriptor is set apart for a transfer
 * that will need one before libcurl is given it, as long as others can still be
 * closed for it (see http_connection.c); in the callback it would be too late.
 *
 * AcquireExternalFD() and ReleaseExternalFD() are the only functions of the
 * server that callbacks of libcurl call; they raise no errors.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "storage/fd.h"

#include "http/http_internal.h"

typedef struct OpenSocket
{
	int			fd;
	bool		idle;			/* was watched, and is not now */
	const CURLSH *cache;		/* that its connection is in, or NULL */
	dev_t		device;
	ino_t		inode;
} OpenSocket;

/* Enough for any farewell; what says more is shut down all the same. */
#define MAX_IDLE_READS	16

static OpenSocket *sockets = NULL;	/* malloc'd */
static int	nsockets = 0;
static int	max_sockets = 0;

/* The entry of a descriptor, or NULL. */
static OpenSocket *
find(int fd)
{
	for (int i = 0; i < nsockets; i++)
	{
		if (sockets[i].fd == fd)
			return &sockets[i];
	}
	return NULL;
}

/* Strike off an entry; the last one takes its place. */
static void
forget(OpenSocket *entry)
{
	*entry = sockets[--nsockets];
	ReleaseExternalFD();
}

/* Was a socket closed behind our back? */
static bool
is_gone(const OpenSocket *entry)
{
	struct stat st;

	return fstat(entry->fd, &st) != 0 ||
		st.st_dev != entry->device || st.st_ino != entry->inode;
}

/* Strike off those that were, of a cache or, where it is NULL, of all. */
void
og_socket_recount(const CURLSH *cache)
{
	for (int i = nsockets - 1; i >= 0; i--)
	{
		if ((cache == NULL || sockets[i].cache == cache) &&
			is_gone(&sockets[i]))
			forget(&sockets[i]);
	}
}

static bool
make_room(void)
{
	OpenSocket *bigger;
	int			size;

	if (nsockets < max_sockets)
		return true;
	size = Max(max_sockets * 2, 16);
	bigger = realloc(sockets, size * sizeof(OpenSocket));
	if (bigger == NULL)
		return false;
	sockets = bigger;
	max_sockets = size;
	return true;
}

/* Set a descriptor apart for a connection.  False if the server has no more. */
bool
og_socket_reserve(OgDial *dial)
{
	if (!dial->has_socket)
		dial->has_socket = AcquireExternalFD();
	return dial->has_socket;
}

void
og_socket_unreserve(OgDial *dial)
{
	if (dial->has_socket)
		ReleaseExternalFD();
	dial->has_socket = false;
}

/* Is there a socket of this cache, or an idle one? */
bool
og_socket_any_in(const CURLSH *cache, bool idle)
{
	for (int i = 0; i < nsockets; i++)
	{
		if (sockets[i].cache == cache && (sockets[i].idle || !idle))
			return true;
	}
	return false;
}

/*
 * libcurl's CURLOPT_OPENSOCKETFUNCTION.  Once a request has been started, a
 * new connection could only serve to send it again.
 */
curl_socket_t
og_socket_open(void *dial, curlsocktype purpose,
			   struct curl_sockaddr *address)
{
	OgDial	   *self = dial;
	struct stat st = {0};
	int			fd = -1;

	if (self->started)
	{
		self->start_refused = true;
		return CURL_SOCKET_BAD;
	}
	if (purpose != CURLSOCKTYPE_IPCXN)
		return CURL_SOCKET_BAD;

	og_sight_address(self, address);
	og_socket_recount(NULL);
	if (make_room() && og_socket_reserve(self))
		fd = socket(address->family, address->socktype | SOCK_CLOEXEC,
					address->protocol);
	if (fd < 0)
	{
		self->socket_errno = errno;
		return CURL_SOCKET_BAD;
	}
	(void) fstat(fd, &st);
	sockets[nsockets++] = (OpenSocket)
	{
		.fd = fd, .cache = self->cache,
		.device = st.st_dev, .inode = st.st_ino
	};
	self->has_socket = false;	/* its count is the entry's now */
	return fd;
}

/*
 * libcurl's CURLOPT_CLOSESOCKETFUNCTION.  A connection remembers it from the
 * transfer that opened it and may outlive that one, so its argument is not
 * used.
 */
int
og_socket_close(void *unused, curl_socket_t fd)
{
	OpenSocket *entry = find(fd);

	if (entry != NULL)
		forget(entry);
	return close(fd);
}

/* libcurl watches a socket, or no longer. */
void
og_socket_watched(int fd, bool watched)
{
	OpenSocket *entry = find(fd);

	if (entry != NULL)
		entry->idle = !watched;
}

/* Read and forget what has come in. */
void
og_socket_drain(int fd)
{
	char		bytes[4096];

	for (int reads = 0; reads < MAX_IDLE_READS; reads++)
	{
		if (recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT) <= 0)
			break;
	}
}

/* The same, and let nothing more come. */
static void
shut_down(int fd)
{
	og_socket_drain(fd);
	(void) shutdown(fd, SHUT_RDWR);
}

/* Also true when the other side is gone. */
static bool
has_input(int fd)
{
	struct pollfd check = {.fd = fd, .events = POLLIN};

	return poll(&check, 1, 0) > 0;
}

/*
 * Make libcurl see which idle connections of a cache are at their end: nobody
 * has asked anything there, so whatever came in makes them useless.
 */
void
og_socket_check_idle(const CURLSH *cache)
{
	if (cache == NULL)
		return;
	og_socket_recount(cache);
	for (int i = 0; i < nsockets; i++)
	{
		if (sockets[i].cache == cache && sockets[i].idle &&
			has_input(sockets[i].fd))
			shut_down(sockets[i].fd);
	}
}

/* No request will ever leave over this socket again, if it is idle. */
void
og_socket_discard(int fd)
{
	const OpenSocket *entry = find(fd);

	if (entry != NULL && entry->idle)
		shut_down(fd);
}

/*
 * The last look before a request leaves over a connection that was idle: what
 * came in there since the check above would be taken for the answer.
 */
bool
og_socket_idle_has_input(const CURLSH *cache)
{
	for (int i = 0; i < nsockets; i++)
	{
		if (sockets[i].cache == cache && sockets[i].idle &&
			has_input(sockets[i].fd))
			return true;
	}
	return false;
}
