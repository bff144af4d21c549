/*-------------------------------------------------------------------------
 *
 * worker_desk.c
 *		The desk at which sessions hand calls over to the worker of their
 *		database: a session's end.
 *
 * A session that ends a call in order keeps its place, and so does the worker, and
 * the next call of that session goes through the same queues.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "port/atomics.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "storage/proc.h"
#include "storage/shm_mq.h"
#include "utils/memutils.h"

#include "ground/clock.h"
#include "ground/compat.h"
#include "worker/worker_internal.h"
#include "worker/worker_message.h"
#include "worker/worker_place.h"

/* While no worker has taken its place, a session looks for one so often ... */
#define LOOK_FOR_WORKER_MS	200

/* ... and gives up when there was none for so long; it is restarted in a second. */
#define WORKER_MISSING_US	INT64CONST(5000000)

/*
 * How often a session that waits looks whether the worker waits for it, and how
 * often it sees that, one time soon after the other, before it gives up.  The
 * worker waits for a lock for a second, and then does something else for one.
 */
#define LOOK_FOR_LOCKS_MS	1000
#define SIGHTINGS			3
#define SIGHTINGS_APART_US	INT64CONST(5000000)

struct OgDesk
{
	MemoryContext context;		/* of all this */
	MemoryContext scratch;		/* of the last message */
	void	   *user;			/* who has opened it, or NULL: see close_for_user() */
	int			number;
	Place	   *place;
	shm_mq_handle *there;
	shm_mq_handle *back;
	StringInfoData outgoing;	/* a part that is on its way, or nothing */
	OgBytes		packet;			/* messages that have come */
	int			nhanded;		/* parts of this call ... */
	int			nended;			/* ... and those of which all has come */
	bool		large;			/* a message did not fit into its queue, so our
								 * ends of these need more memory */
	bool		stopped;		/* see og_desk_stop() */
	bool		gone;			/* the worker */
	int64		missing_since;	/* og_clock_now(): no worker, 0 = there is one */
	int64		next_look;		/* og_clock_now(): for locks, see above */
	int64		sighted_at;
	int			nsighted;		/* so often, since anything was heard */
};

/* What this backend has. */
static OgDesk *mine = NULL;

/* Whose call has not come to its end leaves the place, and nobody else. */
static void
leave(void)
{
	OgDesk	   *own = mine;
	Desk	   *desk = og_desk_lock(LW_EXCLUSIVE);

	mine = NULL;
	own->place->open = false;
	*og_knock_at(desk, own->number) = own->place->worker != NO_WORKER
		? own->place->dboid : InvalidOid;
	og_desk_unlock(desk);

	/* These wake the worker. */
	shm_mq_detach(own->there);
	shm_mq_detach(own->back);
	MemoryContextDelete(own->context);
}

static void
leave_at_exit(int code, Datum arg)
{
	if (mine != NULL)
		leave();
}

/* Does the worker have it, still? */
static bool
is_taken(const OgDesk *own)
{
	Desk	   *desk = og_desk_lock(LW_SHARED);
	bool		taken = own->place->worker != NO_WORKER;

	og_desk_unlock(desk);
	return taken;
}

void
og_desk_close(OgDesk *own)
{
	if (own != mine)
		return;
	own->user = NULL;
	if (own->gone || own->stopped || own->large || own->outgoing.len > 0 ||
		own->nended < own->nhanded || own->packet.at < own->packet.end ||
		!is_taken(own))
		leave();
}

/* The memory of whoever opened it goes. */
static void
close_for_user(void *user)
{
	if (mine != NULL && mine->user == user)
		og_desk_close(mine);
}

static void
raise_missing(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("the gateway worker of this database is not running"),
			 errdetail("Nothing was sent: calls of acts are made by the worker, which writes them down."),
			 errhint("order_gateway_workers and the server's log tell why it does not run. With the server option journal 'false' calls are made without it.")));
}

/* Sleep until the latch is set, or for so long. */
static void
wait_for_worker(int milliseconds)
{
	static uint32 event = 0;

	if (event == 0)
		event = og_wait_event("OrderGatewayWorker");
	(void) WaitLatch(MyLatch,
					 WL_LATCH_SET | WL_EXIT_ON_PM_DEATH | WL_TIMEOUT,
					 milliseconds, event);
	ResetLatch(MyLatch);
	CHECK_FOR_INTERRUPTS();
}

/* What this backend had before is let go of by the worker, as soon as it looks. */
static void
await_release(void)
{
	for (;;)
	{
		Desk	   *desk = og_desk_lock(LW_SHARED);
		bool		free = og_place_at(desk, og_shared_backend())->worker == NO_WORKER;

		og_desk_unlock(desk);
		if (free)
			return;
		wait_for_worker(LOOK_FOR_WORKER_MS);
	}
}

/* Make the queues of a place that nobody has. */
static void
make_queues(Place *place)
{
	shm_mq_set_sender(shm_mq_create(place->there, THERE_SIZE), MyProc);
	shm_mq_set_receiver(shm_mq_create(place->back, BACK_SIZE), MyProc);
}

static void
take_place(void)
{
	static bool registered = false;
	MemoryContext context = AllocSetContextCreate(TopMemoryContext,
												  "order_gateway desk",
												  ALLOCSET_SMALL_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	OgDesk	   *own = palloc0(sizeof(OgDesk));
	Desk	   *desk;

	if (!registered)
		before_shmem_exit(leave_at_exit, (Datum) 0);
	registered = true;
	own->context = context;
	own->scratch = AllocSetContextCreate(context, "order_gateway message",
										 ALLOCSET_SMALL_SIZES);
	own->number = og_shared_backend();
	own->place = og_place_at(og_desk_memory(), own->number);
	initStringInfo(&own->outgoing);
	make_queues(own->place);
	own->there = shm_mq_attach((shm_mq *) own->place->there, NULL, NULL);
	own->back = shm_mq_attach((shm_mq *) own->place->back, NULL, NULL);
	MemoryContextSwitchTo(old);
	desk = og_desk_lock(LW_EXCLUSIVE);
	own->place->dboid = MyDatabaseId;
	own->place->open = true;
	og_desk_unlock(desk);
	mine = own;
}

OgDesk *
og_desk_open(void)
{
	MemoryContextCallback *callback;

	if (mine != NULL && mine->user != NULL)
		elog(ERROR, "this backend is handing over another call");
	if (mine != NULL && !is_taken(mine))
		leave();
	if (mine == NULL)
	{
		if (!og_worker_is_running())
			raise_missing();
		await_release();
		take_place();
	}
	callback = palloc0(sizeof(MemoryContextCallback));
	callback->func = close_for_user;
	callback->arg = callback;
	MemoryContextRegisterResetCallback(CurrentMemoryContext, callback);
	mine->user = callback;
	mine->nhanded = mine->nended = 0;
	mine->missing_since = 0;
	mine->next_look = og_clock_now() + LOOK_FOR_LOCKS_MS * INT64CONST(1000);
	mine->nsighted = 0;
	return mine;
}

/* The worker is to look here, whatever it has seen by now. */
static void
knock(const OgDesk *own)
{
	Desk	   *desk = og_desk_memory();

	*og_knock_at(desk, own->number) = MyDatabaseId;
	pg_memory_barrier();
}

/*
 * A worker that looked before all was sent has not heard it, and does not know
 * that it is to look again.
 */
static void
knock_again(const OgDesk *own)
{
	Desk	   *desk = og_desk_memory();

	pg_memory_barrier();
	if (*og_knock_at(desk, own->number) == InvalidOid)
		knock(own);
	else if (shm_mq_get_receiver((shm_mq *) own->place->there) != NULL)
		return;
	og_workers_wake();
}

bool
og_desk_hand_over(OgDesk *own, const OgPart *part)
{
	shm_mq_result result;

	if (own->outgoing.len == 0)
		og_message_put_part(&own->outgoing, part, own->nhanded);
	own->large |= own->outgoing.len > THERE_SIZE / 2;
	knock(own);
	result = shm_mq_send(own->there, own->outgoing.len, own->outgoing.data,
						 true, true);
	knock_again(own);
	if (result == SHM_MQ_WOULD_BLOCK)
		return false;
	own->nhanded++;
	own->outgoing.len = 0;
	return true;
}

/*
 * Has there been no worker for so long that none will come?  What was handed over
 * is taken back then.
 */
static bool
is_missed(OgDesk *own)
{
	int64		now = og_clock_now();
	Desk	   *desk;

	if (og_worker_is_running())
	{
		own->missing_since = 0;
		knock_again(own);
	}
	else if (own->missing_since == 0)
		own->missing_since = now;
	if (own->missing_since == 0 ||
		now - own->missing_since < WORKER_MISSING_US)
		return false;
	desk = og_desk_lock(LW_EXCLUSIVE);
	if (own->place->worker == NO_WORKER)
	{
		own->place->open = false;
		*og_knock_at(desk, own->number) = InvalidOid;
		own->gone = true;
	}
	og_desk_unlock(desk);
	return own->gone;
}

static bool
is_attached(const OgDesk *own)
{
	return shm_mq_get_receiver((shm_mq *) own->place->there) != NULL;
}

/* The next messages; false if there are none yet. */
static bool
receive(OgDesk *own)
{
	Size		len;
	void	   *data;

	switch (shm_mq_receive(own->back, &len, &data, true))
	{
		case SHM_MQ_WOULD_BLOCK:
			return !is_attached(own) && is_missed(own);
		case SHM_MQ_DETACHED:
			own->gone = true;
			break;
		case SHM_MQ_SUCCESS:
			own->packet.at = data;
			own->packet.end = own->packet.at + len;
			own->large |= len > BACK_SIZE / 2;
			break;
	}
	return true;
}

bool
og_desk_hear(OgDesk *own, OgDeskMessage *message)
{
	MemoryContext old;

	MemoryContextReset(own->scratch);
	if (own->packet.at == own->packet.end && !own->gone && !receive(own))
		return false;
	if (own->packet.at == own->packet.end)
	{
		*message = (OgDeskMessage) {.kind = OG_DESK_GONE};
		return true;
	}
	old = MemoryContextSwitchTo(own->scratch);
	og_message_get(&own->packet, message);
	MemoryContextSwitchTo(old);
	own->nsighted = 0;
	own->nended += message->kind == OG_DESK_DONE ||
		message->kind == OG_DESK_REFUSED;
	return true;
}

/*
 * The worker looks whether it has been left when it has told what is about to
 * leave: so it sees that, or we hear this.
 */
void
og_desk_stop(OgDesk *own)
{
	own->stopped = true;
	*(volatile bool *) &own->place->open = false;
	pg_memory_barrier();
}

/*
 * Nobody else sees that two processes wait for each other of which one waits at
 * its latch.  Once may be by chance.
 */
static void
look_for_locks(OgDesk *own)
{
	int64		now = og_clock_now();

	if (now < own->next_look)
		return;
	own->next_look = now + LOOK_FOR_LOCKS_MS * INT64CONST(1000);
	if (!og_sight_bars_worker())
		return;
	if (now - own->sighted_at > SIGHTINGS_APART_US)
		own->nsighted = 0;
	own->sighted_at = now;
	if (++own->nsighted == SIGHTINGS)
		ereport(ERROR,
				(errcode(ERRCODE_T_R_DEADLOCK_DETECTED),
				 errmsg("the gateway worker waits for a lock that comes free when this transaction ends"),
				 errdetail("This transaction waits for the worker, which makes its call."),
				 errhint("A transaction that has read the journal, or changed what is being altered, is to be ended before a function that changes orders is called.")));
}

void
og_desk_wait(OgDesk *own)
{
	wait_for_worker(is_attached(own) ? LOOK_FOR_LOCKS_MS : LOOK_FOR_WORKER_MS);
	look_for_locks(own);
}
