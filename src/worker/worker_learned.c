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

/* Rows of one turn; with more that are not written nothing more is asked. */
#define WRITTEN_ROWS	200
#define MOST_UNWRITTEN	2000

/* What is to be written of a call. */
typedef struct Note
{
	int64		call_id;
	bool		ends;			/* its row goes ... */
	bool		in_vain;		/* ... and something stays unknown */
	const char *note;
} Note;

static struct
{
	MemoryContext context;		/* of all this */
	const OgInstallation *installation;
	Settlement *settlements;	/* written in their order, and then the notes */
	int			nsettlements;
	int			size;
	int			nwritten;		/* of those */
	int			in_turn;		/* and of the turn that is being written */
	List	   *notes;
	Beside		beside;
}			learned;

/* ---------- what is known ---------- */

bool
og_learned_is_much(void)
{
	return learned.nsettlements - learned.nwritten > MOST_UNWRITTEN;
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

/* Notes come after all that was learned before them. */
static void
write_news(void *arg)
{
	int			left = learned.nsettlements - learned.nwritten;
	ListCell   *cell;

	learned.in_turn = Min(left, WRITTEN_ROWS);
	if (learned.in_turn > 0)
		og_settlement_write(learned.installation,
							learned.settlements + learned.nwritten,
							learned.in_turn);
	if (learned.in_turn < left)
		return;
	foreach(cell, learned.notes)
		write_note(lfirst(cell));
}

Beside *
og_learned_news(void)
{
	learned.beside.pending = learned.nwritten < learned.nsettlements ||
		learned.notes != NIL;
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

void
og_learned_written(Loop *loop)
{
	for (int i = 0; i < learned.in_turn; i++)
	{
		const Settlement *settlement =
			&learned.settlements[learned.nwritten + i];

		if (settlement->counts)
			count_anew(loop, settlement);
	}
	learned.nwritten += learned.in_turn;
	learned.in_turn = 0;
	if (learned.nwritten < learned.nsettlements)
		return;
	learned.settlements = NULL;
	learned.nsettlements = learned.nwritten = 0;
	learned.notes = NIL;
	MemoryContextReset(learned.context);
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
