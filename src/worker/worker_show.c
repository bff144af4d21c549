/*-------------------------------------------------------------------------
 *
 * worker_show.c
 *		What a worker shows others of its calls.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/timestamp.h"

#include "ground/clock.h"
#include "http/http.h"
#include "worker/worker_internal.h"
#include "worker/worker_loop.h"
#include "worker/worker_unsettled.h"

/* Not at each change, of which there may be thousands in a second. */
#define SHOWS_APART_US	INT64CONST(50000)

typedef struct Pauses
{
	OgWorkerPause pauses[OG_WORKER_PAUSES];
	int			count;
	TimestampTz now;
	int64		clock_now;
} Pauses;

static void
add_pause(Line *line, void *arg)
{
	Pauses	   *pauses = arg;
	int64		left = line->target->paused_until - pauses->clock_now;

	if (left > 0 && pauses->count < OG_WORKER_PAUSES)
		pauses->pauses[pauses->count++] = (OgWorkerPause)
		{
			line->serverid, line->roleid, pauses->now + left
		};
}

static void
show_pauses(void)
{
	Pauses		pauses = {.now = GetCurrentTimestamp(),
	.clock_now = og_clock_now()};

	og_outbox_lines(add_pause, &pauses);
	og_workers_show_pauses(pauses.pauses, pauses.count);
}

/*
 * One of which nothing is out, and nothing has come back, is queued, still: its
 * server may be away, and that is tried again and again.  One of a session never
 * stood in a queue.
 */
static void
count_making(OgWorkerState *state, const Making *making)
{
	if (making->served != NULL || making->in_flight > 0 || making->keys == NULL ||
		making->nopen < making->keys->nkeys)
	{
		state->in_flight++;
		return;
	}
	state->queued++;
	if (state->oldest_queued == 0 ||
		making->call.not_before < state->oldest_queued)
		state->oldest_queued = making->call.not_before;
}

static void
show(Loop *loop)
{
	OgWorkerState state = {
		.queued = og_outbox_count(),
		.oldest_queued = og_outbox_waits_since(),
		.quarantined = loop->nquarantined,
		.connections = og_http_kept_count(),
		.last_commit = loop->last_commit,
		.awaits_standby = loop->nawaited > 0
	};
	dlist_iter	iter;

	state.unsettled = og_unsettled_count(&state.oldest_unsettled);

	dlist_foreach(iter, &loop->makings)
		count_making(&state, making_of(iter.cur));
	og_workers_show(&state);
	show_pauses();
}

void
og_show(Loop *loop, OgPause *pause)
{
	int64		now = og_clock_now();

	if (!loop->changed)
		return;
	if (now < loop->next_show)
	{
		og_pause_until(pause, loop->next_show);
		return;
	}
	show(loop);
	loop->changed = false;
	loop->next_show = now + SHOWS_APART_US;
}
