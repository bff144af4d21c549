/*-------------------------------------------------------------------------
 *
 * limiter_queue.c
 *		Turns are first come, first served.
 *
 * A call that gets no turn at once stands in its lane's queue.  Only the head
 * of a queue asks for a turn, and waits until its time has come; all others
 * wait until they are the head, which whoever was before them tells by setting
 * the latch of their process.  A call stands in one queue of each number of
 * lanes at most, so queues are lists through an array of seats.
 *
 * There is a seat for each backend, so one that makes a call at a time always
 * has one, and some more for those that make many at once.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "storage/ipc.h"
#include "storage/latch.h"
#include "storage/proc.h"

#include "ground/compat.h"
#include "limiter/limiter_table.h"

/* Find a seat for a call of this backend, the table being locked. */
static int
take_seat(void)
{
	int			me = og_shared_backend();
	int			nseats = og_table_seats();
	int			seat = me;

	if (og_table_seat(me)->owner >= 0)
		seat = nseats - OG_MORE_CALLS;
	while (seat < nseats && og_table_seat(seat)->owner >= 0)
		seat++;
	if (seat == nseats)
		return OG_NO_SEAT;
	og_table_seat(seat)->owner = me;
	return seat;
}

static void
append(int me, int number, OgSharedLane *lane)
{
	OgSeat	   *seat = og_table_seat(me);
	OgQueue    *queue = &lane->queue;

	seat->lane[number] = og_table_index_of(lane);
	seat->previous[number] = queue->last;
	seat->next[number] = -1;
	if (queue->last >= 0)
		og_table_seat(queue->last)->next[number] = me;
	else
		queue->first = me;
	queue->last = me;
	queue->length++;
}

/*
 * Take a seat out of a queue, if it is in one.  Answers the backend that is to
 * be told that it has become the head, or -1.
 */
static int
take_out(int me, int number)
{
	OgSeat	   *seat = og_table_seat(me);
	int			previous = seat->previous[number];
	int			next = seat->next[number];
	OgQueue    *queue;

	if (seat->lane[number] < 0)
		return -1;
	queue = &og_table_lane_at(seat->lane[number])->queue;
	if (previous >= 0)
		og_table_seat(previous)->next[number] = next;
	else
		queue->first = next;
	if (next >= 0)
		og_table_seat(next)->previous[number] = previous;
	else
		queue->last = previous;
	queue->length--;
	seat->lane[number] = -1;
	return previous < 0 && next >= 0 ? og_table_seat(next)->owner : -1;
}

/* Set the latch of a backend, if there is one: to be done without a lock. */
static void
wake(int backend)
{
	if (backend >= 0)
		SetLatch(&og_proc_by_number(backend)->procLatch);
}

/*
 * Has a call of this backend that seat?  Nobody else gives us one or takes it
 * from us.  Not if it was given back when the backend began to end, which is
 * before the memory of its calls goes: then it may be another's by now.
 */
static bool
is_ours(int seat)
{
	return seat != OG_NO_SEAT &&
		og_table_seat(seat)->owner == og_shared_backend();
}

/* The backend ends, maybe in the middle of calls: others must not wait for it. */
static void
leave_seats(int code, Datum arg)
{
	for (int i = 0; i < og_table_seats(); i++)
	{
		int			seat = i;

		og_queue_leave_all(&seat);
	}
}

void
og_queue_attach(void)
{
	static bool attached = false;

	if (!attached)
		before_shmem_exit(leave_seats, (Datum) 0);
	attached = true;
}

bool
og_queue_join(int *seat, int number, OgSharedLane *lane)
{
	bool		is_head;

	og_table_lock(true);
	if (*seat == OG_NO_SEAT)
		*seat = take_seat();
	if (*seat != OG_NO_SEAT)
	{
		OgSeat	   *mine = og_table_seat(*seat);

		if (mine->lane[number] < 0)
			append(*seat, number, lane);
		Assert(mine->lane[number] == og_table_index_of(lane));
	}
	/* Where nobody waits, no seat is as good as the first one. */
	is_head = lane->queue.first == *seat;
	og_table_unlock();
	return is_head;
}

void
og_queue_leave(int seat, int number)
{
	int			head;

	if (!is_ours(seat) || og_table_seat(seat)->lane[number] < 0)
		return;
	og_table_lock(true);
	head = take_out(seat, number);
	og_table_unlock();
	wake(head);
}

void
og_queue_leave_all(int *seat)
{
	int			heads[OG_MAX_LANES];
	int			me = *seat;

	*seat = OG_NO_SEAT;
	if (!is_ours(me))
		return;
	og_table_lock(true);
	for (int number = 0; number < OG_MAX_LANES; number++)
		heads[number] = take_out(me, number);
	og_table_seat(me)->owner = -1;
	og_table_unlock();
	for (int number = 0; number < OG_MAX_LANES; number++)
		wake(heads[number]);
}

void
og_queue_wake(OgSharedLane *lane)
{
	int			head = -1;

	og_table_lock(false);
	if (lane->queue.first >= 0)
		head = og_table_seat(lane->queue.first)->owner;
	og_table_unlock();
	wake(head);
}

int
og_queue_ahead(int seat, int number, OgSharedLane *lane)
{
	int			ahead = 0;

	og_table_lock(false);
	for (int i = lane->queue.first; i >= 0 && i != seat;
		 i = og_table_seat(i)->next[number])
		ahead++;
	og_table_unlock();
	return ahead;
}
