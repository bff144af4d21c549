/*-------------------------------------------------------------------------
 *
 * worker_learned.c
 *		What was learned of orders that were unknown, until it is written.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/memutils.h"

#include "worker/worker_learned.h"

/*
 * Rows of one turn, settlements and notes; with more that are not written nothing
 * more is asked.
 */
#define WRITTEN_ROWS	200
#define MOST_UNWRITTEN	2000

/* What is to be written of a call. */
typedef struct Note
{
	int64		call_id;
	int64		after;			/* so many settlements come before it */
	bool		ends;			/* its row goes ... */
	bool		in_vain;		/* ... and something stays unknown */
	char	   *note;
} Note;

static struct
{
	MemoryContext context;		/* of all this */
	const OgInstallation *installation;
	Settlement *settlements;	/* that are not written, in their order */
	int			nsettlements;
	int			size;
	int64		nwritten;		/* of others, before these */
	List	   *notes;			/* Note *, in their order */
	int			settlements_in_turn;	/* that is being written: the first of
										 * these, ... */
	int			notes_in_turn;	/* ... and of those */
	Beside		beside;
}			learned;

/* ---------- what is known ---------- */

bool
og_learned_is_much(void)
{
	return learned.nsettlements + list_length(learned.notes) > MOST_UNWRITTEN;
}

void
og_learned_add(const Settlement *settlement)
{
	MemoryContext old = MemoryContextSwitchTo(learned.context);

	if (learned.settlements == NULL)
	{
		learned.size = WRITTEN_ROWS;
		learned.settlements = palloc(learned.size * sizeof(Settlement));
	}
	if (learned.nsettlements == learned.size)
	{
		learned.size *= 2;
		learned.settlements = repalloc(learned.settlements,
									  learned.size * sizeof(Settlement));
	}
	learned.settlements[learned.nsettlements++] = *settlement;
	MemoryContextSwitchTo(old);
}

static Note *
add_note(int64 call_id)
{
	MemoryContext old = MemoryContextSwitchTo(learned.context);
	Note	   *note = palloc0(sizeof(Note));

	note->call_id = call_id;
	note->after = learned.nwritten + learned.nsettlements;
	learned.notes = lappend(learned.notes, note);
	MemoryContextSwitchTo(old);
	return note;
}

void
og_learned_reason(Unsettled *call, const char *reason)
{
	uint32		hash = og_unsettled_hash(reason);

	if (call->note == hash)
		return;
	call->note = hash;
	add_note(call->call_id)->note = reason == NULL ? NULL
		: MemoryContextStrdup(learned.context, reason);
}

void
og_learned_end(Unsettled *call)
{
	Note	   *note = add_note(call->call_id);

	note->ends = true;
	note->in_vain = call->nopen > 0;
	og_unsettled_forget(call);
}

/* ---------- writing ---------- */

static void
write_note(const Note *note)
{
	if (!note->ends)
	{
		og_unsettled_note(learned.installation, note->call_id, note->note);
		return;
	}
	if (og_unsettled_is_in_mind(note->call_id))
		return;
	if (note->in_vain)
		og_settlement_give_up(learned.installation, note->call_id);
	og_unsettled_remove(learned.installation, note->call_id);
}

/* A note comes after what was learned before it. */
static bool
is_due(const Note *note)
{
	return note->after <= learned.nwritten + learned.settlements_in_turn;
}

static void
write_news(void *arg)
{
	ListCell   *cell;

	learned.settlements_in_turn = Min(learned.nsettlements, WRITTEN_ROWS);
	learned.notes_in_turn = 0;
	if (learned.settlements_in_turn > 0)
		og_settlement_write(learned.installation, learned.settlements,
							learned.settlements_in_turn);
	foreach(cell, learned.notes)
	{
		if (learned.notes_in_turn == WRITTEN_ROWS || !is_due(lfirst(cell)))
			break;
		write_note(lfirst(cell));
		learned.notes_in_turn++;
	}
}

Beside *
og_learned_news(void)
{
	learned.beside.pending = learned.nsettlements > 0 || learned.notes != NIL;
	return &learned.beside;
}

/* A call that is being made still counts its own orders. */
static void
count_anew(Loop *loop, const Settlement *settlement)
{
	dlist_iter	iter;

	dlist_foreach(iter, &loop->makings)
	{
		Making	   *making = making_of(iter.cur);

		if (making->call.call_id != settlement->call_id)
			continue;
		making->outcomes[OG_UNKNOWN]--;
		making->outcomes[settlement->outcome]++;
	}
}

static void
drop_settlements(int count)
{
	learned.nwritten += count;
	learned.nsettlements -= count;
	memmove(learned.settlements, learned.settlements + count,
			learned.nsettlements * sizeof(Settlement));
}

static void
drop_notes(int count)
{
	for (int i = 0; i < count; i++)
	{
		Note	   *note = list_nth(learned.notes, i);

		if (note->note != NULL)
			pfree(note->note);
		pfree(note);
	}
	learned.notes = list_delete_first_n(learned.notes, count);
}

void
og_learned_written(Loop *loop)
{
	for (int i = 0; i < learned.settlements_in_turn; i++)
	{
		if (learned.settlements[i].counts)
			count_anew(loop, &learned.settlements[i]);
	}
	if (learned.settlements_in_turn > 0)
		drop_settlements(learned.settlements_in_turn);
	drop_notes(learned.notes_in_turn);
	learned.settlements_in_turn = learned.notes_in_turn = 0;
}

void
og_learned_open(const OgInstallation *installation, MemoryContext parent)
{
	memset(&learned, 0, sizeof(learned));
	learned.installation = installation;
	learned.context = AllocSetContextCreate(parent,
											"order_gateway settlements",
											ALLOCSET_DEFAULT_SIZES);
	learned.beside.write = write_news;
}
