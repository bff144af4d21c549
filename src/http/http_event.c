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
 * WebSockets are watched by the same epoll descriptor.  While one connects, it is
 * libcurl's, in a multi handle of their own: the other one's idle connections
 * and these have nothing to do with each other.  When it is connected, libcurl
 * does no more than read and write when it is asked to, and the socket is ours to
 * watch: by its edges, since it is always read until there is no more, and what
 * TLS has taken from a socket already, no level of it would tell.
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

/* A multi handle. */
typedef struct Driver
{
	CURLM	   *multi;
	int64		timer;			/* when libcurl wants to run; 0 = not */
	void		(*done) (CURL *easy, CURLcode code);
} Driver;

static Driver transfers;
static Driver websockets;

static struct
{
	int			epoll_fd;
	WaitEventSet *set;			/* there when all the rest is, too */
	dlist_head	watches;		/* all of them */
	int64		slept_us;		/* in all */
	uint64		sleeps;			/* that are over */
	bool		news;			/* the next one is not needed */
	bool		more;			/* nor that, but others shall have their turn */
	uint32		names[OG_WAIT_STREAM + 1]; /* wait events, by OgWait */
	void		(*ended) (OgTransfer *transfer, CURLcode code);
} loop = {.epoll_fd = -1, .watches = DLIST_STATIC_INIT(loop.watches)};

#define watch_of(link) \
	((OgWatch *) ((char *) (link) - offsetof(OgWatch, node)))

/*
 * What epoll tells with an event: a descriptor of libcurl's and whose it is, or
 * the watch of a connected WebSocket, whose address is even.
 */
#define TAG_TRANSFERS	1
#define TAG_WEBSOCKETS	3
#define TAG_BITS		2
#define tag_of_fd(fd, driver) \
	((uint64) (fd) << TAG_BITS | \
	 ((driver) == &transfers ? TAG_TRANSFERS : TAG_WEBSOCKETS))

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
set_timer(CURLM *multi, long timeout_ms, void *driver)
{
	((Driver *) driver)->timer = timeout_ms < 0 ? 0
		: og_clock_now() + (int64) timeout_ms * 1000;
	return 0;
}

/*
 * libcurl's CURLMOPT_SOCKETFUNCTION: watch a socket, or no longer.  An error
 * returned from here would spoil the multi handle for good, so it is left
 * with the transfer, which og_http_next() then gives up.  A WebSocket ends by
 * libcurl's timer then.
 */
static int
watch_socket(CURL *easy, curl_socket_t fd, int what, void *driver,
			 void *unused)
{
	struct epoll_event event = {.data.u64 = tag_of_fd(fd, driver)};
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
	if (rc != 0 && driver == &transfers &&
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
make_multi(Driver *driver)
{
	CURLM	   *multi = curl_multi_init();

	if (multi == NULL)
		return NULL;
	if (curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION,
						  watch_socket) != CURLM_OK ||
		curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, driver) != CURLM_OK ||
		curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION,
						  set_timer) != CURLM_OK ||
		curl_multi_setopt(multi, CURLMOPT_TIMERDATA, driver) != CURLM_OK ||
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

/* libcurl is done with a transfer. */
static void
end_transfer(CURL *easy, CURLcode code)
{
	OgTransfer *transfer = NULL;

	if (curl_easy_getinfo(easy, CURLINFO_PRIVATE, &transfer) == CURLE_OK &&
		transfer != NULL)
		loop.ended(transfer, code);
}

/* Something happened to what a watch is for. */
static void
note(OgWatch *watch)
{
	watch->ready = true;
	if (watch->awaits == loop.sleeps + 1)
		loop.news = true;
}

/* libcurl has connected a WebSocket, or could not. */
static void
end_connecting(CURL *easy, CURLcode code)
{
	OgWatch    *watch = NULL;

	if (curl_easy_getinfo(easy, CURLINFO_PRIVATE, &watch) == CURLE_OK &&
		watch != NULL)
	{
		watch->connecting = false;
		watch->result = code;
		note(watch);
	}
}

/* False if libcurl has no memory. */
static bool
init_driver(Driver *driver, void (*done) (CURL *easy, CURLcode code))
{
	driver->done = done;
	if (driver->multi == NULL)
		driver->multi = make_multi(driver);
	return driver->multi != NULL;
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
	if (websockets.multi == NULL)
	{
		check_libcurl();
		if (curl_global_init(CURL_GLOBAL_ALL) != CURLE_OK ||
			!init_driver(&transfers, end_transfer) ||
			!init_driver(&websockets, end_connecting))
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
 * Let libcurl act on a descriptor, or on time, and end what it is done with.
 */
static void
run(Driver *driver, curl_socket_t fd, int mask)
{
	sigset_t	saved;
	CURLMsg    *message;
	int			count;

	/* libcurl arms the timer anew if it is still of use. */
	if (fd == CURL_SOCKET_TIMEOUT)
		driver->timer = 0;
	(void) sigprocmask(SIG_SETMASK, &BlockSig, &saved);
	(void) curl_multi_socket_action(driver->multi, fd, mask, &count);
	(void) sigprocmask(SIG_SETMASK, &saved, NULL);

	while ((message = curl_multi_info_read(driver->multi, &count)) != NULL)
	{
		if (message->msg == CURLMSG_DONE)
			driver->done(message->easy_handle, message->data.result);
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
	if (curl_multi_add_handle(transfers.multi, transfer->dial.easy) != CURLM_OK)
	{
		og_event_fail(transfer);
		return;
	}
	og_transfer_move(transfer, OG_RUNNING);
	transfer->http->nrunning++;
	run(&transfers, CURL_SOCKET_TIMEOUT, 0);
}

/* Take it back; one that is under way loses its connection. */
void
og_event_remove(OgTransfer *transfer)
{
	if (transfer->progress != OG_RUNNING)
		return;
	(void) curl_multi_remove_handle(transfers.multi, transfer->dial.easy);
	transfer->http->nrunning--;
}

/* ---------- WebSockets ---------- */

/* Let libcurl connect.  False if it has no memory. */
bool
og_watch_connect(OgWatch *watch, CURL *easy)
{
	if (curl_easy_setopt(easy, CURLOPT_PRIVATE, watch) != CURLE_OK ||
		curl_multi_add_handle(websockets.multi, easy) != CURLM_OK)
		return false;
	watch->easy = easy;
	watch->fd = -1;
	watch->connecting = true;
	dlist_push_tail(&loop.watches, &watch->node);
	run(&websockets, CURL_SOCKET_TIMEOUT, 0);
	return true;
}

/* It is connected: watch its socket.  False if the kernel would not. */
bool
og_watch_socket(OgWatch *watch, int fd)
{
	struct epoll_event event = {
		.data.u64 = (uint64) (uintptr_t) watch,
		.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET
	};

	if (epoll_ctl(loop.epoll_fd, EPOLL_CTL_ADD, fd, &event) != 0)
		return false;
	watch->fd = fd;
	return true;
}

/* Watch it no longer; libcurl closes its connection.  Must not throw. */
void
og_watch_end(OgWatch *watch)
{
	if (watch->easy == NULL)
		return;
	if (watch->fd >= 0)
		(void) epoll_ctl(loop.epoll_fd, EPOLL_CTL_DEL, watch->fd,
						 &(struct epoll_event) {0});
	(void) curl_multi_remove_handle(websockets.multi, watch->easy);
	dlist_delete(&watch->node);
	watch->easy = NULL;
	watch->fd = -1;
	watch->due = 0;
}

/*
 * It has been looked at: what happens to it ends the next sleep, and what was
 * left of it ends that at once.
 */
void
og_watch_await(OgWatch *watch)
{
	watch->awaits = loop.sleeps + 1;
	if (watch->ready)
		loop.more = true;
}

/*
 * When the first of those that wait has to be looked at; "until", if that is
 * sooner, or there is none.  0 = never.
 */
static int64
next_due(int64 until)
{
	dlist_iter	iter;

	dlist_foreach(iter, &loop.watches)
	{
		OgWatch    *watch = watch_of(iter.cur);

		if (watch->due != 0 && watch->awaits == loop.sleeps + 1 &&
			(until == 0 || watch->due < until))
			until = watch->due;
	}
	return until;
}

/* ---------- sleeping ---------- */

/* Act on what the sockets have. */
static void
serve_sockets(void)
{
	struct epoll_event events[MAX_EVENTS];
	int			count;

	count = epoll_wait(loop.epoll_fd, events, MAX_EVENTS, 0);

	/* An edge does not come up again, so nothing may be done before. */
	for (int i = 0; i < count; i++)
	{
		if ((events[i].data.u64 & 1) == 0)
			note((OgWatch *) (uintptr_t) events[i].data.u64);
	}
	for (int i = 0; i < count; i++)
	{
		uint64		tag = events[i].data.u64;
		int			mask = 0;

		if ((tag & 1) == 0)
			continue;

		if (events[i].events & EPOLLIN)
			mask |= CURL_CSELECT_IN;
		if (events[i].events & EPOLLOUT)
			mask |= CURL_CSELECT_OUT;
		if (events[i].events & (EPOLLERR | EPOLLHUP))
			mask |= CURL_CSELECT_ERR;
		run((tag & ((1 << TAG_BITS) - 1)) == TAG_TRANSFERS
			? &transfers : &websockets, (curl_socket_t) (tag >> TAG_BITS), mask);

		/* What is lost of the events by an error comes up again. */
		CHECK_FOR_INTERRUPTS();
	}
}

/*
 * Run libcurl if it is time for that.  Answers how long to sleep, if timeout_us
 * (-1 = no bound) is the most.
 */
static int64
serve_timer(Driver *driver, int64 timeout_us)
{
	int64		left;

	if (driver->timer == 0)
		return timeout_us;
	left = driver->timer - og_clock_now();
	if (left <= 0)
	{
		run(driver, CURL_SOCKET_TIMEOUT, 0);
		return 0;
	}
	return timeout_us < 0 ? left : Min(left, timeout_us);
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

	timeout_us = serve_timer(&transfers, timeout_us);
	timeout_us = serve_timer(&websockets, timeout_us);
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
	until = loop.more ? og_clock_now() : next_due(until);

	/* Even without time left, what has come in is taken in once. */
	while (!loop.news && !woken && left != 0)
	{
		CHECK_FOR_INTERRUPTS();
		if (until != 0)
			left = Max(until - og_clock_now(), 0);
		woken = turn(left, what);
	}
	loop.news = loop.more = false;
	loop.sleeps++;
	CHECK_FOR_INTERRUPTS();
}

/* A latch that was set is left for the next sleep to find. */
void
og_event_rest(int64 until, OgWait what)
{
	int64		left_us = until - og_clock_now();

	if (left_us > 0)
		(void) WaitLatch(MyLatch,
						 WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
						 (long) Min((left_us + 999) / 1000, INT_MAX),
						 loop.names[what]);
	CHECK_FOR_INTERRUPTS();
}
