/*-------------------------------------------------------------------------
 *
 * worker_desk.c
 *		The desk at which sessions hand calls over to the worker of their
 *		database.
 *
 * A place belongs to its backend, which alone opens it, and to the worker that has
 * taken it, until that lets it go; only when neither has it any more is it made
 * anew.  Between the two are two message queues of the server's (shm_mq), which
 * wake whoever waits at the other end, also when this one goes.
 *
 * The worker need not look at places where nothing happens: whoever has done
 * something at one knocks.  A session that ends a call in order keeps its place, and
 * so does the worker, and the next call of that session goes through the same queues.
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

/* Queues of one place; what is larger goes through in pieces. */
#define THERE_SIZE	(8 * 1024)
#define BACK_SIZE	(32 * 1024)

/* While no worker has taken its place, a session looks for one so often ... */
#define LOOK_FOR_WORKER_MS	200

/* ... and gives up when there was none for so long; it is restarted in a second. */
#define WORKER_MISSING_US	INT64CONST(5000000)

/* What is kept of a buffer. */
#define PLACE_BYTES	1024

/* Of a place that no worker has. */
#define NO_WORKER	(-1)

typedef struct Place
{
	bool		open;			/* its backend has it */
	int			worker;			/* number of the process, or NO_WORKER */
	Oid			dboid;
	char		there[THERE_SIZE] pg_attribute_aligned(MAXIMUM_ALIGNOF);
	char		back[BACK_SIZE] pg_attribute_aligned(MAXIMUM_ALIGNOF);
} Place;

typedef struct Desk
{
	LWLock		lock;			/* of .open, .worker and .dboid of places */
	int			nplaces;
	Oid			knocks[FLEXIBLE_ARRAY_MEMBER];	/* of each: the database whose
												 * worker is to look at it */
} Desk;

/* ---------- memory ---------- */

static Size
places_offset(int backends)
{
	return CACHELINEALIGN(offsetof(Desk, knocks) + backends * sizeof(Oid));
}

/* Only a server that preloads the library has workers. */
static Size
desk_size(int accounts, int backends)
{
	if (!og_worker_launched)
		return 0;
	return add_size(places_offset(backends),
					mul_size(backends, sizeof(Place)));
}

static Place *
place_at(Desk *desk, int number)
{
	return (Place *) ((char *) desk + places_offset(desk->nplaces)) + number;
}

static void
init_desk(void *memory, int accounts, int backends)
{
	Desk	   *desk = memory;

	if (!og_worker_launched)
		return;
	og_shared_lock_init(&desk->lock);
	desk->nplaces = backends;
	for (int i = 0; i < backends; i++)
		place_at(desk, i)->worker = NO_WORKER;
}

const OgSharedPart og_desk_shared = {
	.name = "desk",
	.size = desk_size,
	.init = init_desk
};

static Desk *
the_desk(void)
{
	return og_shared_get(&og_desk_shared);
}

static Desk *
lock_desk(LWLockMode mode)
{
	Desk	   *desk = the_desk();

	LWLockAcquire(&desk->lock, mode);
	return desk;
}

static void
unlock_desk(Desk *desk)
{
	LWLockRelease(&desk->lock);
}

static volatile Oid *
knock_at(Desk *desk, int number)
{
	return &desk->knocks[number];
}

/* ---------- a session's end ---------- */

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
};

/* What this backend has. */
static OgDesk *mine = NULL;

/* Whose call has not come to its end leaves the place, and nobody else. */
static void
leave(void)
{
	OgDesk	   *own = mine;
	Desk	   *desk = lock_desk(LW_EXCLUSIVE);

	mine = NULL;
	own->place->open = false;
	*knock_at(desk, own->number) = own->place->worker != NO_WORKER
		? own->place->dboid : InvalidOid;
	unlock_desk(desk);

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
	Desk	   *desk = lock_desk(LW_SHARED);
	bool		taken = own->place->worker != NO_WORKER;

	unlock_desk(desk);
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

/* Sleep until the latch is set, or for so long, 0 = for ever. */
static void
wait_for_worker(int milliseconds)
{
	static uint32 event = 0;

	if (event == 0)
		event = og_wait_event("OrderGatewayWorker");
	(void) WaitLatch(MyLatch,
					 WL_LATCH_SET | WL_EXIT_ON_PM_DEATH |
					 (milliseconds > 0 ? WL_TIMEOUT : 0), milliseconds, event);
	ResetLatch(MyLatch);
	CHECK_FOR_INTERRUPTS();
}

/* What this backend had before is let go of by the worker, as soon as it looks. */
static void
await_release(void)
{
	for (;;)
	{
		Desk	   *desk = lock_desk(LW_SHARED);
		bool		free = place_at(desk, og_shared_backend())->worker == NO_WORKER;

		unlock_desk(desk);
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
	own->place = place_at(the_desk(), own->number);
	initStringInfo(&own->outgoing);
	make_queues(own->place);
	own->there = shm_mq_attach((shm_mq *) own->place->there, NULL, NULL);
	own->back = shm_mq_attach((shm_mq *) own->place->back, NULL, NULL);
	MemoryContextSwitchTo(old);
	desk = lock_desk(LW_EXCLUSIVE);
	own->place->dboid = MyDatabaseId;
	own->place->open = true;
	unlock_desk(desk);
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
	return mine;
}

/* The worker is to look here, whatever it has seen by now. */
static void
knock(const OgDesk *own)
{
	Desk	   *desk = the_desk();

	*knock_at(desk, own->number) = MyDatabaseId;
	pg_memory_barrier();
}

/*
 * A worker that looked before all was sent has not heard it, and does not know
 * that it is to look again.
 */
static void
knock_again(const OgDesk *own)
{
	Desk	   *desk = the_desk();

	pg_memory_barrier();
	if (*knock_at(desk, own->number) == InvalidOid)
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
	desk = lock_desk(LW_EXCLUSIVE);
	if (own->place->worker == NO_WORKER)
	{
		own->place->open = false;
		*knock_at(desk, own->number) = InvalidOid;
		own->gone = true;
	}
	unlock_desk(desk);
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

void
og_desk_wait(OgDesk *own)
{
	wait_for_worker(is_attached(own) ? 0 : LOOK_FOR_WORKER_MS);
}

/* ---------- a worker's end ---------- */

struct OgPlace
{
	int			number;
	Place	   *place;
	MemoryContext context;
	shm_mq_handle *there;
	shm_mq_handle *back;
	StringInfoData outgoing;	/* what does not fit into its queue yet */
	int			part;			/* whose rows are told */
};

/* Those that this process has taken, by their numbers; NULL before the first. */
static OgPlace **taken = NULL;

/* Is it this process's from now on?  Not if its session has gone by now. */
static bool
claim(int number)
{
	Desk	   *desk = lock_desk(LW_EXCLUSIVE);
	Place	   *place = place_at(desk, number);
	bool		free = place->open && place->worker == NO_WORKER &&
		place->dboid == MyDatabaseId;

	if (free)
		place->worker = og_shared_backend();
	unlock_desk(desk);
	return free;
}

/*
 * Take a place, if there is anybody.  All memory is there before it is claimed,
 * since that could not be undone.
 */
static OgPlace *
take(int number)
{
	MemoryContext context = AllocSetContextCreate(TopMemoryContext,
												  "order_gateway place",
												  ALLOCSET_SMALL_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	OgPlace    *own = palloc0(sizeof(OgPlace));

	own->number = number;
	own->place = place_at(the_desk(), number);
	own->context = context;
	initStringInfo(&own->outgoing);
	if (claim(number))
	{
		shm_mq_set_receiver((shm_mq *) own->place->there, MyProc);
		shm_mq_set_sender((shm_mq *) own->place->back, MyProc);
		own->there = shm_mq_attach((shm_mq *) own->place->there, NULL, NULL);
		own->back = shm_mq_attach((shm_mq *) own->place->back, NULL, NULL);
	}
	MemoryContextSwitchTo(old);
	if (own->there != NULL)
		return own;
	MemoryContextDelete(context);
	return NULL;
}

OgPlace *
og_place_next(void)
{
	Desk	   *desk = the_desk();

	if (taken == NULL)
		taken = MemoryContextAllocZero(TopMemoryContext, desk->nplaces *
									   sizeof(OgPlace *));
	for (int i = 0; i < desk->nplaces; i++)
	{
		if (*knock_at(desk, i) != MyDatabaseId)
			continue;
		*knock_at(desk, i) = InvalidOid;
		pg_memory_barrier();
		if (taken[i] == NULL)
			taken[i] = take(i);
		if (taken[i] != NULL)
			return taken[i];
	}
	return NULL;
}

OgPart *
og_place_hear(OgPlace *own, int *number)
{
	Size		len;
	void	   *data;
	OgBytes		bytes;
	OgPart	   *part;

	if (shm_mq_receive(own->there, &len, &data, true) != SHM_MQ_SUCCESS)
		return NULL;
	bytes.at = memcpy(MemoryContextAllocHuge(CurrentMemoryContext, len), data,
					  len);
	bytes.end = bytes.at + len;
	part = palloc(sizeof(OgPart));
	og_message_get_part(&bytes, part, number);
	if (*number == 0)
		own->part = 0;
	return part;
}

bool
og_place_is_left(const OgPlace *own)
{
	return !*(volatile bool *) &own->place->open;
}

/* Who has gone takes all. */
static bool
send_back(OgPlace *own, const char *bytes, Size len)
{
	return shm_mq_send(own->back, len, bytes, true, true) != SHM_MQ_WOULD_BLOCK;
}

bool
og_place_is_clear(OgPlace *own)
{
	StringInfo	outgoing = &own->outgoing;

	if (outgoing->len == 0)
		return true;
	if (!send_back(own, outgoing->data, outgoing->len))
		return false;

	/* What was large is seldom needed. */
	pfree(outgoing->data);
	outgoing->data = MemoryContextAlloc(own->context, PLACE_BYTES);
	outgoing->maxlen = PLACE_BYTES;
	resetStringInfo(outgoing);
	return true;
}

void
og_place_tell(OgPlace *own, const char *bytes, Size len)
{
	Assert(own->outgoing.len == 0);

	/* What is to be sent once more must stay as it is. */
	if (!send_back(own, bytes, len))
		appendBinaryStringInfo(&own->outgoing, bytes, (int) len);
}

bool
og_place_is_due(const OgPlace *own, int part)
{
	return own->part == part;
}

void
og_place_end_part(OgPlace *own)
{
	own->part++;
}

void
og_place_leave(OgPlace *own)
{
	Desk	   *desk;
	int			number = own->number;

	shm_mq_detach(own->there);
	shm_mq_detach(own->back);
	taken[number] = NULL;
	desk = lock_desk(LW_EXCLUSIVE);
	own->place->worker = NO_WORKER;
	unlock_desk(desk);
	MemoryContextDelete(own->context);

	/* Who waits to open it anew is not woken by these queues. */
	SetLatch(&og_proc_by_number(number)->procLatch);
}

void
og_places_leave(void)
{
	Desk	   *desk = the_desk();

	for (int i = 0; taken != NULL && i < desk->nplaces; i++)
	{
		if (taken[i] != NULL)
			og_place_leave(taken[i]);
	}
}
