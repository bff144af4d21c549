/*-------------------------------------------------------------------------
 *
 * worker_served.c
 *		Calls that sessions hand over: from the desk, and back there.
 *
 * Each part of such a call is a call of the journal of its own.  It is made in one
 * round, beside the outbox and not behind it: its session waits, and wants to hear
 * at once what is the matter.
 *
 * When a session goes, nothing more of what it had handed over is sent; what has
 * left is waited for, and written.  What was not begun by then leaves no trace.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/memutils.h"

#include "worker/worker_loop.h"
#include "worker/worker_recover.h"
#include "worker/worker_told.h"

/* Parts that are made at once; with more, others wait at their desks. */
#define MOST_SERVED	512

static const char *const LEFT =
"the statement that called was cancelled, or its session ended";

/* ---------- what is handed over ---------- */

/* Nobody knows what became of orders of which there is another copy. */
static void
refuse_if_held(Making *making, bool may_send)
{
	if (!may_send)
		og_told_refuse(making, &(OgDeskRefusal)
					   {ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE, OG_HELD,
						   NULL,
						   "If the other one does not run any more, call order_gateway_adopt()."});
}

static void
make(Loop *loop, OgPlace *place, const OgPart *part, int number)
{
	Served	   *served = og_told_create(place, number, part);
	Line	   *line = og_outbox_pass(part->call.serverid, part->call.roleid);
	Making	   *making = og_making_serve(line, part, loop->context);

	making->served = served;
	dlist_push_tail(&loop->makings, &making->node);
	loop->nserved++;
	loop->changed = true;
	refuse_if_held(making, loop->may_send);
}

/* The next part that has come whole, if there is any. */
static bool
take_part(Loop *loop, OgPlace *place)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext,
												  "order_gateway part",
												  ALLOCSET_SMALL_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	int			number;
	OgPart	   *part = og_place_hear(place, &number);

	if (part != NULL)
		make(loop, place, part, number);
	else
		MemoryContextDelete(context);
	MemoryContextSwitchTo(old);
	return part != NULL;
}

/* ---------- sessions that go ---------- */

static void
let_go(Loop *loop, OgPlace *place)
{
	dlist_iter	iter;

	dlist_foreach(iter, &loop->makings)
	{
		Making	   *making = making_of(iter.cur);
		Served	   *served = making->served;

		if (served == NULL || served->place != place)
			continue;
		served->place = NULL;
		if (served->opened || served->written || og_making_has_news(making))
			og_making_stop(making, LEFT);
		else
			making->ended = true;
	}
	og_place_leave(place);
}

/* One that goes is heard of at the desk, too, but only while parts are taken. */
static void
look_for_left(Loop *loop)
{
	dlist_iter	iter;

	if (loop->nserved == 0)
		return;
	dlist_foreach(iter, &loop->makings)
	{
		const Served *served = making_of(iter.cur)->served;

		if (served != NULL && served->place != NULL &&
			og_place_is_left(served->place))
			let_go(loop, served->place);
	}
}

/*
 * Where no parts are taken now, who has gone is let go of all the same: the next
 * session in that place waits for it, be it of another database.
 */
void
og_serve(Loop *loop)
{
	look_for_left(loop);
	for (;;)
	{
		bool		takes = loop->looked && loop->nserved < MOST_SERVED;
		OgPlace    *place = og_place_next(!takes);

		if (place == NULL)
			break;
		while (takes && take_part(loop, place))
			 /* there may be another one */ ;
		if (og_place_is_left(place))
			let_go(loop, place);
	}
	loop->crowded = loop->nserved >= MOST_SERVED;
}

/* ---------- what is told ---------- */

bool
og_serve_tell(Loop *loop)
{
	bool		more = false;
	dlist_iter	iter;

	if (loop->nserved == 0)
		return false;
	dlist_foreach(iter, &loop->makings)
	{
		Making	   *making = making_of(iter.cur);
		bool		was_full;

		if (making->served == NULL)
			continue;
		was_full = og_told_is_full(making);
		og_told_tell(making);
		more |= was_full && !og_told_is_full(making);
	}
	return more;
}
