/*-------------------------------------------------------------------------
 *
 * http_event.c
 *		The process's multi handle, and the one sleep on it.
 *
 * One multi handle lives as long as the process, and is driven by
 * curl_multi_socket_action() alone.  A WaitEventSet cannot drop a descriptor,
 * so libcurl's sockets are watched by one epoll descriptor, and the one
 * WaitEventSet holds three things for ever: the latch, postmaster death and
 * that descriptor.  So whoever sleeps here sleeps for all groups of the process,
 * and each of them finds afterwards what has become of its own transfers.
 *
 * libcurl looks names up in threads of its own.  All signals are blocked
 * while it runs, so that those threads inherit that mask and no handler of the
 * server ever runs in one of them.  Each run is short, and interrupts are
 * looked for after each.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <errno.h>
#include <signal.h>
#include <sys/epoll.h>

#include "libpq/pqsignal.h"
#include "miscadmin.h"
#include "storage/fd.h"
#include "storage/latch.h"

#include "ground/clock.h"
#include "ground/compat.h"
#include "http/http_internal.h"

/* Descriptors taken per wake-up; what is left wakes us again. */
#define MAX_EVENTS 64

/*
 * Connections libcurl keeps in one cache.  Caches are closed as a whole (see
 * http_connection.c), so this only has to be above any number of requests at
 * once that the server's limit on descriptors allows.
 */
#define MAX_CONNECTIONS 1024L

static struct
{
	CURLM	   *multi;
	int			epoll_fd;
	WaitEventSet *set;			/* there when all the rest is, too */
	int64		timer;			/* when libcurl wants to run; 0 = not */
	int64		slept_us;		/* in all */
	uint64		sleeps;			/* that are over */
	bool		news;			/* the next one is not needed */
	uint32		names[OG_WAIT_STREAM + 1]; /* wait events, by OgWait */
	void		(*ended) (OgTransfer *transfer, CURLcode code);
} loop = {.epoll_fd = -1};

/* How long this process has slept here in all, for differences. */
int64
og_event_slept(void)
{
	return loop.slept_us;
}

/* A group has seen all that has happened, and waits for more in the next sleep. */
void
og_event_await(OgHttp *http)
{
	http->awaits = loop.sleeps + 1;
	http->news = false;
}

/*
 * Something happened that a group has not seen yet.  One that does not wait,
 * since its caller has something else to do with it first, sees it when asked.
 */
void
og_event_news(OgHttp *http)
{
	http->news = true;
	if (http->awaits == loop.sleeps + 1)
		loop.news = true;
}

/* libcurl's CURLMOPT_TIMERFUNCTION: remember when to run. */
static int
set_timer(CURLM *multi, long timeout_ms, void *unused)
{
	loop.timer = timeout_ms < 0 ? 0
		: og_clock_now() + (int64) timeout_ms * 1000;
	return 0;
}

/*
 * libcurl's CURLMOPT_SOCKETFUNCTION: watch a socket, or no longer.  An error
 * returned from here would spoil the multi handle for good, so it is left
 * with the transfer, which og_http_next() then gives up.
 */
static int
watch_socket(CURL *easy, curl_socket_t fd, int what, void *unused,
			 void *unused_too)
{
	struct epoll_event event = {.data.fd = fd};
	OgTransfer *transfer = NULL;
	int			rc;

	og_socket_watched(fd, what != CURL_POLL_REMOVE);
	if (what == CURL_POLL_REMOVE)
	{
		/* A descriptor that was closed has left by itself. */
		(void) epoll_ctl(loop.epoll_fd, EPOLL_CTL_DEL, fd, &event);
		return 0;
	}

	if (what & CURL_POLL_IN)
		event.events |= EPOLLIN;
	if (what & CURL_POLL_OUT)
		event.events |= EPOLLOUT;
	rc = epoll_ctl(loop.epoll_fd, EPOLL_CTL_ADD, fd, &event);
	if (rc != 0 && errno == EEXIST)
		rc = epoll_ctl(loop.epoll_fd, EPOLL_CTL_MOD, fd, &event);
	if (rc != 0 &&
		curl_easy_getinfo(easy, CURLINFO_PRIVATE, &transfer) == CURLE_OK &&
		transfer != NULL)
	{
		transfer->broken = transfer->http->broken = true;
		og_event_news(transfer->http);
	}
	return 0;
}

/* Refuse a library that cannot do what we rely on. */
static void
check_libcurl(void)
{
	const curl_version_info_data *info = curl_version_info(CURLVERSION_NOW);

	if (info->version_num < 0x075700 ||
		(info->features & CURL_VERSION_SSL) == 0 ||
		(info->features & CURL_VERSION_ASYNCHDNS) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_SYSTEM_ERROR),
				 errmsg("cannot use libcurl %s", info->version),
				 errdetail("It must be 7.87 or newer, with TLS and asynchronous name lookup.")));
}

static CURLM *
make_multi(void)
{
	CURLM	   *multi = curl_multi_init();

	if (multi == NULL)
		return NULL;
	if (curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION,
						  watch_socket) != CURLM_OK ||
		curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION,
						  set_timer) != CURLM_OK ||
		curl_multi_setopt(multi, CURLMOPT_PIPELINING,
						  CURLPIPE_NOTHING) != CURLM_OK ||
		curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS,
						  MAX_CONNECTIONS) != CURLM_OK)
	{
		(void) curl_multi_cleanup(multi);
		return NULL;
	}
	return multi;
}

static void
make_epoll(void)
{
	if (!AcquireExternalFD())
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_RESOURCES),
				 errmsg("could not create epoll descriptor: %m")));
	loop.epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (loop.epoll_fd < 0)
	{
		ReleaseExternalFD();
		ereport(ERROR,
				(errcode(ERRCODE_SYSTEM_ERROR),
				 errmsg("could not create epoll descriptor: %m")));
	}
}

/* How waits are called in pg_stat_activity.  This may raise an error. */
static void
name_waits(void)
{
	loop.names[OG_WAIT_TURN] = og_wait_event("OrderGatewayTurn");
	loop.names[OG_WAIT_CONNECT] = og_wait_event("OrderGatewayConnect");
	loop.names[OG_WAIT_ANSWER] = og_wait_event("OrderGatewayAnswer");
	loop.names[OG_WAIT_BACKOFF] = og_wait_event("OrderGatewayBackoff");
	loop.names[OG_WAIT_JOURNAL] = og_wait_event("OrderGatewayJournal");
	loop.names[OG_WAIT_STREAM] = og_wait_event("OrderGatewayStream");
	loop.names[OG_WAIT_NONE] = og_wait_event("OrderGatewayIdle");
}

/*
 * Make what a process needs once.  After an error the next call goes on where
 * this one stopped.  "ended" is told of each transfer that libcurl is done
 * with.
 */
void
og_event_init(void (*ended) (OgTransfer *transfer, CURLcode code))
{
	WaitEventSet *set;

	if (loop.set != NULL)
		return;
	loop.ended = ended;
	if (loop.multi == NULL)
	{
		check_libcurl();
		if (curl_global_init(CURL_GLOBAL_ALL) == CURLE_OK)
			loop.multi = make_multi();
		if (loop.multi == NULL)
			ereport(ERROR,
					(errcode(ERRCODE_SYSTEM_ERROR),
					 errmsg("could not initialize libcurl")));
	}
	name_waits();
	if (loop.epoll_fd < 0)
		make_epoll();
	set = og_create_wait_event_set(3);
	AddWaitEventToSet(set, WL_LATCH_SET, PGINVALID_SOCKET, MyLatch, NULL);
	if (IsUnderPostmaster)
		AddWaitEventToSet(set, WL_EXIT_ON_PM_DEATH, PGINVALID_SOCKET,
						  NULL, NULL);
	AddWaitEventToSet(set, WL_SOCKET_READABLE, loop.epoll_fd, NULL, NULL);
	loop.set = set;
}

/*
 * Let libcurl act on a descriptor, or on time, and end the transfers that it is
 * done with.
 */
static void
run(curl_socket_t fd, int mask)
{
	sigset_t	saved;
	CURLMsg    *message;
	int			count;

	/* libcurl arms the timer anew if it is still of use. */
	if (fd == CURL_SOCKET_TIMEOUT)
		loop.timer = 0;
	(void) sigprocmask(SIG_SETMASK, &BlockSig, &saved);
	(void) curl_multi_socket_action(loop.multi, fd, mask, &count);
	(void) sigprocmask(SIG_SETMASK, &saved, NULL);

	while ((message = curl_multi_info_read(loop.multi, &count)) != NULL)
	{
		OgTransfer *transfer = NULL;
		CURLcode	code = message->data.result;

		if (message->msg == CURLMSG_DONE &&
			curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE,
							  &transfer) == CURLE_OK && transfer != NULL)
			loop.ended(transfer, code);
	}
}

/* There is no memory to begin a transfer. */
void
og_event_fail(OgTransfer *transfer)
{
	loop.ended(transfer, CURLE_OUT_OF_MEMORY);
}

/*
 * Hand a prepared transfer to libcurl, which sends it at once if there is a
 * connection: nothing may be done before that happens.
 */
void
og_event_add(OgTransfer *transfer)
{
	if (curl_multi_add_handle(loop.multi, transfer->dial.easy) != CURLM_OK)
	{
		og_event_fail(transfer);
		return;
	}
	og_transfer_move(transfer, OG_RUNNING);
	transfer->http->nrunning++;
	run(CURL_SOCKET_TIMEOUT, 0);
}

/* Take it back; one that is under way loses its connection. */
void
og_event_remove(OgTransfer *transfer)
{
	if (transfer->progress != OG_RUNNING)
		return;
	(void) curl_multi_remove_handle(loop.multi, transfer->dial.easy);
	transfer->http->nrunning--;
}

/* Act on what the sockets have. */
static void
serve_sockets(void)
{
	struct epoll_event events[MAX_EVENTS];
	int			count;

	count = epoll_wait(loop.epoll_fd, events, MAX_EVENTS, 0);
	for (int i = 0; i < count; i++)
	{
		int			mask = 0;

		if (events[i].events & EPOLLIN)
			mask |= CURL_CSELECT_IN;
		if (events[i].events & EPOLLOUT)
			mask |= CURL_CSELECT_OUT;
		if (events[i].events & (EPOLLERR | EPOLLHUP))
			mask |= CURL_CSELECT_ERR;
		run(events[i].data.fd, mask);

		/* What is lost of the events by an error comes up again. */
		CHECK_FOR_INTERRUPTS();
	}
}

/*
 * Sleep until something happens, but for at most timeout_us (-1 = no bound),
 * and act on it.  Answers true if the latch was set.
 */
static bool
turn(int64 timeout_us, OgWait what)
{
	WaitEvent	events[3];
	bool		woken = false;
	int64		asleep;
	long		timeout_ms = -1;
	int			count;

	if (loop.timer != 0)
	{
		int64		left = loop.timer - og_clock_now();

		if (left <= 0)
		{
			run(CURL_SOCKET_TIMEOUT, 0);
			timeout_us = 0;
		}
		else if (timeout_us < 0 || left < timeout_us)
			timeout_us = left;
	}

	asleep = og_clock_now();
	if (timeout_us >= 0)
		timeout_ms = (long) Min((timeout_us + 999) / 1000, INT_MAX);
	count = WaitEventSetWait(loop.set, timeout_ms, events, lengthof(events),
							 loop.names[what]);
	loop.slept_us += og_clock_now() - asleep;
	for (int i = 0; i < count; i++)
	{
		if (events[i].events & WL_LATCH_SET)
		{
			ResetLatch(MyLatch);
			CHECK_FOR_INTERRUPTS();
			woken = true;
		}
		if (events[i].events & WL_SOCKET_READABLE)
			serve_sockets();
	}
	return woken;
}

void
og_event_sleep(int64 until, OgWait what)
{
	int64		left = -1;
	bool		woken = false;

	og_kept_close_old();

	/* Even without time left, what has come in is taken in once. */
	while (!loop.news && !woken && left != 0)
	{
		CHECK_FOR_INTERRUPTS();
		if (until != 0)
			left = Max(until - og_clock_now(), 0);
		woken = turn(left, what);
	}
	loop.news = false;
	loop.sleeps++;
	CHECK_FOR_INTERRUPTS();
}
