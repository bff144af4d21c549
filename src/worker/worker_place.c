/*-------------------------------------------------------------------------
 *
 * worker_place.c
 *		The places of the desk: their memory, and what a worker does there.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "port/atomics.h"
#include "storage/latch.h"
#include "storage/proc.h"
#include "storage/shm_mq.h"
#include "utils/memutils.h"

#include "ground/compat.h"
#include "worker/worker_internal.h"
#include "worker/worker_message.h"
#include "worker/worker_place.h"

/* What is kept of a buffer. */
#define PLACE_BYTES	1024

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

Place *
og_place_at(Desk *desk, int number)
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
		og_place_at(desk, i)->worker = NO_WORKER;
}

const OgSharedPart og_desk_shared = {
	.name = "desk",
	.size = desk_size,
	.init = init_desk
};

Desk *
og_desk_memory(void)
{
	return og_shared_get(&og_desk_shared);
}

Desk *
og_desk_lock(LWLockMode mode)
{
	Desk	   *desk = og_desk_memory();

	LWLockAcquire(&desk->lock, mode);
	return desk;
}

void
og_desk_unlock(Desk *desk)
{
	LWLockRelease(&desk->lock);
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
	Desk	   *desk = og_desk_lock(LW_EXCLUSIVE);
	Place	   *place = og_place_at(desk, number);
	bool		free = place->open && place->worker == NO_WORKER &&
		place->dboid == MyDatabaseId;

	if (free)
		place->worker = og_shared_backend();
	og_desk_unlock(desk);
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
	own->place = og_place_at(og_desk_memory(), number);
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

bool
og_place_is_left(const OgPlace *own)
{
	return !*(volatile bool *) &own->place->open;
}

/* Somebody has knocked there: take it, unless that is done. */
static OgPlace *
answer(Desk *desk, int number)
{
	*og_knock_at(desk, number) = InvalidOid;
	pg_memory_barrier();
	if (taken[number] == NULL)
		taken[number] = take(number);
	return taken[number];
}

/* Who was answered last is the last one to be looked at. */
OgPlace *
og_place_next(bool left)
{
	static int	last = -1;
	Desk	   *desk = og_desk_memory();
	OgPlace    *place = NULL;

	if (taken == NULL)
		taken = MemoryContextAllocZero(TopMemoryContext, desk->nplaces *
									   sizeof(OgPlace *));
	for (int i = 1; place == NULL && i <= desk->nplaces; i++)
	{
		int			number = (last + i) % desk->nplaces;

		if (*og_knock_at(desk, number) != MyDatabaseId ||
			(left && (taken[number] == NULL ||
					  !og_place_is_left(taken[number]))))
			continue;
		place = answer(desk, number);
		if (place != NULL)
			last = number;
	}
	return place;
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
	desk = og_desk_lock(LW_EXCLUSIVE);
	own->place->worker = NO_WORKER;

	/* Its queues are of no use to the next worker. */
	own->place->open = false;
	og_desk_unlock(desk);
	MemoryContextDelete(own->context);

	/* Who waits to open it anew is not woken by these queues. */
	SetLatch(&og_proc_by_number(number)->procLatch);
}

void
og_places_leave(void)
{
	Desk	   *desk = og_desk_memory();

	for (int i = 0; taken != NULL && i < desk->nplaces; i++)
	{
		if (taken[i] != NULL)
			og_place_leave(taken[i]);
	}
}
