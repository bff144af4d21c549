/*-------------------------------------------------------------------------
 *
 * worker_sweep.c
 *		Sweeps, as a part of a worker's loop: which are due, and may be tried.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "lib/ilist.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "ground/clock.h"
#include "worker/worker_account.h"
#include "worker/worker_internal.h"
#include "worker/worker_sweep.h"
#include "worker/worker_table.h"
#include "worker/worker_turn.h"

/* Accounts that are read at once. */
#define MOST_AT_ONCE	8

/* A crash that comes later is not this one's. */
#define CLEAN_US		USECS_PER_MINUTE

static struct
{
	MemoryContext context;		/* NULL = they are not open */
	const OgInstallation *installation;
	dlist_head	all;
	int64		next_look;
	uint64		version;		/* of the catalog, at a look */
	bool		may_read;		/* there is something, and it may be tried */
	int64		tried_at;		/* og_clock_now(), 0 = not yet */
	bool		is_noted;		/* that is written down */
} sweeps;

/* ---------- opening and closing ---------- */

void
og_sweeps_open(const OgInstallation *installation, MemoryContext parent)
{
	memset(&sweeps, 0, sizeof(sweeps));
	sweeps.context = AllocSetContextCreate(parent, "order_gateway sweeps",
										   ALLOCSET_SMALL_SIZES);
	sweeps.installation = installation;
	dlist_init(&sweeps.all);
}

static Sweeping *
sweeping_of(dlist_node *node)
{
	/* The macro only takes the type of a member of that NULL. */
	/* cppcheck-suppress nullPointer */
	return dlist_container(Sweeping, node, node);
}

static void
drop(Sweeping *sweeping)
{
	og_sweeping_stop(sweeping);
	dlist_delete(&sweeping->node);
	MemoryContextDelete(sweeping->context);
}

void
og_sweeps_close(void)
{
	dlist_mutable_iter iter;

	if (sweeps.context == NULL)
		return;
	dlist_foreach_modify(iter, &sweeps.all)
		drop(sweeping_of(iter.cur));
	MemoryContextDelete(sweeps.context);
	memset(&sweeps, 0, sizeof(sweeps));
}

/* ---------- which are due ---------- */

static bool
is_known(const OgSweep *row)
{
	dlist_iter	iter;

	dlist_foreach(iter, &sweeps.all)
	{
		const OgSweep *known = &sweeping_of(iter.cur)->row;

		if (known->serverid == row->serverid && known->roleid == row->roleid)
			return true;
	}
	return false;
}

static void
add(const OgSweep *row)
{
	MemoryContext context = AllocSetContextCreate(sweeps.context,
												  "order_gateway sweep",
												  ALLOCSET_SMALL_SIZES);
	Sweeping   *sweeping = MemoryContextAllocZero(context, sizeof(Sweeping));

	sweeping->context = context;
	sweeping->installation = sweeps.installation;
	sweeping->row = *row;
	if (row->problem != NULL)
	{
		strlcpy(sweeping->problem, row->problem, sizeof(sweeping->problem));
		sweeping->row.problem = sweeping->problem;
	}
	dlist_push_tail(&sweeps.all, &sweeping->node);

	/* Whoever wanted it may have taken back what was written down. */
	sweeps.tried_at = 0;
}

static void
look_at_rows(void *arg)
{
	ListCell   *cell;

	og_sweeps_need_locks();
	foreach(cell, og_sweeps_due(sweeps.installation))
	{
		const OgSweep *row = lfirst(cell);

		if (!is_known(row))
			add(row);
	}
}

static void
try_step(void *arg)
{
	*(bool *) arg = og_sweeps_try(sweeps.installation);
}

static void
forget_step(void *arg)
{
	og_sweeps_forget_trials(sweeps.installation);
}

/* A step that failed is tried again at the next look. */
static bool
succeeds(bool done, const Trouble *trouble)
{
	if (!done)
		og_trouble_show(trouble);
	return done;
}

/*
 * Before anything is read it is written down that it is tried, and taken back
 * when nothing is left to be read, or a minute has gone by without a crash.
 * False: nothing is to be read.
 */
static bool
note_trial(int64 now)
{
	bool		is_idle = dlist_is_empty(&sweeps.all);
	bool		may_try = true;
	Trouble		trouble;

	if (sweeps.tried_at == 0 && !is_idle)
	{
		if (!succeeds(og_try_alone(try_step, &may_try, &trouble),
					  &trouble))
			return false;
		sweeps.tried_at = now;
		sweeps.is_noted = true;
	}
	else if (sweeps.is_noted && (is_idle || now - sweeps.tried_at >= CLEAN_US))
		sweeps.is_noted = !succeeds(og_try(forget_step, NULL, &trouble),
									&trouble);
	while (!may_try && !dlist_is_empty(&sweeps.all))
		drop(sweeping_of(dlist_head_node(&sweeps.all)));
	return !dlist_is_empty(&sweeps.all);
}

/* ---------- a turn ---------- */

/* Who changed a server or a right wants to know at once whether that helps. */
static void
end_pauses(void *arg)
{
	dlist_iter	iter;

	dlist_foreach(iter, &sweeps.all)
	{
		Sweeping   *sweeping = sweeping_of(iter.cur);
		AccountRows rows;

		if (sweeping->reading != NULL)
			continue;
		rows = og_account_rows(sweeping->row.serverid, sweeping->row.roleid);
		if (og_account_rows_differ(&rows, &sweeping->rows))
			sweeping->next_try = 0;
		sweeping->rows = rows;
	}
}

static void
look(int64 now)
{
	uint64		version = og_share_version();
	Trouble		trouble;

	sweeps.next_look = now + LOOK_MS * INT64CONST(1000);
	(void) succeeds(og_try(look_at_rows, NULL, &trouble), &trouble);
	if (sweeps.version != version &&
		succeeds(og_try(end_pauses, NULL, &trouble), &trouble))
		sweeps.version = version;
}

/* How many are being read? */
static int
count_reading(void)
{
	int			count = 0;
	dlist_iter	iter;

	dlist_foreach(iter, &sweeps.all)
		count += sweeping_of(iter.cur)->reading != NULL;
	return count;
}

static bool
turn_of(Sweeping *sweeping, int64 now, OgPause *pause)
{
	if (now < sweeping->next_try)
		og_pause_until(pause, sweeping->next_try);
	else if (sweeping->gone || sweeping->reading != NULL)
		return og_sweeping_advance(sweeping, pause);
	else if (count_reading() < MOST_AT_ONCE)
	{
		og_sweeping_begin(sweeping);
		return true;
	}
	return false;
}

/* All that are due go on. */
static bool
advance(int64 now, OgPause *pause)
{
	bool		more = false;
	dlist_mutable_iter iter;

	dlist_foreach_modify(iter, &sweeps.all)
	{
		Sweeping   *sweeping = sweeping_of(iter.cur);

		more |= turn_of(sweeping, now, pause);
		if (sweeping->is_over)
			drop(sweeping);
	}
	return more;
}

bool
og_sweeps_turn(bool may_read, OgPause *pause)
{
	int64		now = og_clock_now();
	bool		more = false;

	if (!may_read)
		return false;
	if (now >= sweeps.next_look)
	{
		look(now);
		sweeps.may_read = note_trial(now);
	}
	if (sweeps.may_read)
		more = advance(now, pause);
	og_pause_until(pause, sweeps.next_look);
	return more;
}
