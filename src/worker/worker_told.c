/*-------------------------------------------------------------------------
 *
 * worker_told.c
 *		What a session is told of a call that it has handed over.
 *
 * What a row says was to be written before the row was pulled, since the pipeline
 * closes a key before it hands out its rows: so when nothing of a call is waiting
 * to be written, all rows that were pulled may be told.
 *
 * A session that does not read is not waited for: its messages stay here, no more
 * rows are pulled, and no request leaves of which it was not told.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "port/atomics.h"

#include "worker/worker_message.h"
#include "worker/worker_told.h"

/* Bytes of rows that are kept for a session before no more are pulled. */
#define MOST_BYTES	(64 * 1024)

/* What is kept of a buffer that was larger. */
#define FEW_BYTES	1024

Served *
og_told_create(OgPlace *place, int number, const OgPart *part)
{
	Served	   *served = palloc0(sizeof(Served));

	served->place = place;
	served->part = number;
	served->handed = part;
	initStringInfo(&served->soon);
	initStringInfo(&served->rows);
	return served;
}

static void
put(Served *served, StringInfo out, OgDeskMessage message)
{
	message.part = served->part;
	og_message_put(out, &message);
}

static void
put_end(Served *served, OgDeskMessage message)
{
	put(served, &served->rows, message);
	served->nsafe = served->rows.len;
	served->ended = true;
}

void
og_told_refuse(Making *making, const OgDeskRefusal *refusal)
{
	put_end(making->served, (OgDeskMessage)
			{.kind = OG_DESK_REFUSED,.refusal = *refusal});
	making->ended = true;
}

/* ---------- what leaves ---------- */

/* Tell what need not wait.  True if all of it is in the queue. */
static bool
tell_soon(Served *served)
{
	if (!og_place_is_clear(served->place))
		return false;
	if (served->soon.len == 0)
		return true;
	og_place_tell(served->place, served->soon.data, served->soon.len);
	resetStringInfo(&served->soon);
	return og_place_is_clear(served->place);
}

/* Positions that follow each other are told of together. */
static void
put_left(Making *making, const int *keys, int nkeys)
{
	Served	   *served = making->served;
	int			begun = 0;

	for (int i = 1; i <= nkeys; i++)
	{
		int			first = og_making_ordinal(making, keys[begun]) - 1;

		if (i < nkeys &&
			og_making_ordinal(making, keys[i]) - 1 == first + i - begun)
			continue;
		put(served, &served->soon, (OgDeskMessage)
			{.kind = OG_DESK_LEFT,.first = first,.count = i - begun});
		begun = i;
	}
}

/*
 * Which call of the journal it is.  Not before something of it leaves, or its rows
 * are told: until the standbys have its row, another server may give that number
 * to another call.
 */
static void
put_name(Making *making)
{
	Served	   *served = making->served;

	if (!served->named && served->written)
		put(served, &served->soon, (OgDeskMessage)
			{.kind = OG_DESK_BEGUN,.call_id = making->call.call_id});
	served->named = served->written;
}

bool
og_told_leaves(Making *making, const int *keys, int nkeys)
{
	Served	   *served = making->served;
	KeyState   *first = &making->states[keys[0]];

	if (served->place == NULL)
		return false;
	put_name(making);
	if (!first->told)
		put_left(making, keys, nkeys);
	first->told = true;
	if (!tell_soon(served))
		return false;

	/* A session that has stopped since may not have heard it. */
	pg_memory_barrier();
	return !og_place_is_left(served->place);
}

void
og_told_back(Making *making, int key)
{
	Served	   *served = making->served;

	if (served->place != NULL)
		put(served, &served->soon, (OgDeskMessage)
			{.kind = OG_DESK_BACK,.first = og_making_ordinal(making, key) - 1,
			.count = 1});
}

bool
og_told_news(Making *making, const OgNews *news)
{
	Served	   *served = making->served;

	if (served->place == NULL)
		return false;
	put(served, &served->soon, (OgDeskMessage)
		{.kind = OG_DESK_NEWS,.news = *news});
	return true;
}

/* ---------- rows ---------- */

void
og_told_row(Making *making, const OgRow *row)
{
	Served	   *served = making->served;

	/* Further orders of an id go with its first row. */
	if (row->position < served->next)
		return;
	served->next = row->position + 1;
	if (served->place != NULL)
		put(served, &served->rows, (OgDeskMessage)
			{.kind = OG_DESK_ROW,.row = *row});
}

bool
og_told_is_full(const Making *making)
{
	return making->served->place != NULL &&
		making->served->rows.len >= MOST_BYTES;
}

void
og_told_unsent(Making *making, const char *why)
{
	OgOutcome	outcome = {.verdict = making->unsent,.message = why};
	OgRow		row = {.outcome = &outcome,.unprocessed = true};

	for (row.position = 0; row.position < making->keys->npositions; row.position++)
		og_told_row(making, &row);
}

void
og_told_written(Making *making)
{
	making->served->written = true;
}

/* ---------- telling ---------- */

/* So many bytes of the rows are on their way. */
static void
drop_rows(Served *served)
{
	StringInfo	rows = &served->rows;

	rows->len -= served->nsafe;
	memmove(rows->data, rows->data + served->nsafe, rows->len);
	rows->data[rows->len] = '\0';
	served->nsafe = 0;
	if (rows->len < FEW_BYTES && rows->maxlen > MOST_BYTES)
	{
		rows->data = repalloc(rows->data, FEW_BYTES);
		rows->maxlen = FEW_BYTES;
	}
}

static void
tell_rows(Served *served)
{
	if (served->nsafe == 0 || !og_place_is_due(served->place, served->part) ||
		!og_place_is_clear(served->place))
		return;
	og_place_tell(served->place, served->rows.data, served->nsafe);
	drop_rows(served);
	if (!served->ended || served->rows.len > 0)
		return;
	served->told = true;
	og_place_end_part(served->place);
}

void
og_told_tell(Making *making)
{
	Served	   *served = making->served;

	if (served->place == NULL || served->told)
		return;
	if (!og_making_has_news(making))
		served->nsafe = served->rows.len;
#ifdef OG_PLANT_J2
	served->nsafe = served->rows.len;	/* a fault for test/storm to find */
#endif
	if (making->ended && !served->ended)
		put_end(served, (OgDeskMessage) {.kind = OG_DESK_DONE});
	if (served->nsafe > 0)
		put_name(making);
	if (tell_soon(served))
		tell_rows(served);
}

bool
og_told_is_busy(const Making *making)
{
	const Served *served = making->served;

	return served->place != NULL &&
		!(served->told && og_place_is_clear(served->place));
}
