/*-------------------------------------------------------------------------
 *
 * limiter_queue.c
 *		Turns are first come, first served.
 *
 * A session that gets no turn at once stands in its lane's queue.  Only the
 * head of a queue asks for a turn, and sleeps until its time has come; all
 * others sleep until they are the head, which whoever was before them tells by
 * setting their latch.  A session stands in one queue of each number of lanes
 * at most, so queues are lists through an array of seats, one per backend.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "limiter/limiter_table.h"
#include "storage/latch.h"
#include "storage/proc.h"

#include "ground/compat.h"

static void
append(int number, OgSharedLane *lane, int me)
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

static void
take_out(int number, OgSharedLane *lane, int me)
{
	OgSeat	   *seat = og_table_seat(me);
	OgQueue    *queue = &lane->queue;
	int			previous = seat->previous[number];
	int			next = seat->next[number];

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
}

/* Set the latch of a session, if there is one: to be done without a lock. */
static void
wake(int backend)
{
	if (backend >= 0)
		SetLatch(&og_proc_by_number(backend)->procLatch);
}

bool
og_queue_join(int number, OgSharedLane *lane)
{
	int			me = og_shared_backend();
	bool		is_head;

	og_table_lock(true);
	if (og_table_seat(me)->lane[number] < 0)
		append(number, lane, me);
	Assert(og_table_seat(me)->lane[number] == og_table_index_of(lane));
	is_head = lane->queue.first == me;
	og_table_unlock();
	return is_head;
}

void
og_queue_leave(int number)
{
	int			me = og_shared_backend();
	int			index = og_table_seat(me)->lane[number];
	int			head = -1;

	/* Nobody else puts us in a queue or takes us out. */
	if (index < 0)
		return;
	og_table_lock(true);
	{
		OgSharedLane *lane = og_table_lane_at(index);

		if (lane->queue.first == me)
			head = og_table_seat(me)->next[number];
		take_out(number, lane, me);
	}
	og_table_unlock();
	wake(head);
}

void
og_queue_wake(OgSharedLane *lane)
{
	int			head;

	og_table_lock(false);
	head = lane->queue.first;
	og_table_unlock();
	if (head != og_shared_backend())
		wake(head);
}

int
og_queue_ahead(int number, OgSharedLane *lane)
{
	int			me = og_shared_backend();
	int			ahead = 0;

	og_table_lock(false);
	for (int i = lane->queue.first; i >= 0 && i != me;
		 i = og_table_seat(i)->next[number])
		ahead++;
	og_table_unlock();
	return ahead;
}
