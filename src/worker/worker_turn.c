/*-------------------------------------------------------------------------
 *
 * worker_turn.c
 *		What one turn of a worker writes.
 *
 * What all calls have to write goes into one transaction, so that all of them
 * wait for one flush.  When that fails, it is repeated call by call, each in a
 * subtransaction, so that one that cannot be written keeps back no other.  What
 * cannot be written stays where it is, and is tried again.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "access/xlog.h"
#include "commands/async.h"
#include "miscadmin.h"

#include "ground/clock.h"
#include "worker/worker_internal.h"
#include "worker/worker_table.h"
#include "worker/worker_told.h"
#include "worker/worker_turn.h"
#include "worker/worker_unsettled.h"

/* So long a call is left alone that somebody is about to withdraw. */
#define HELD_US		INT64CONST(100000)

/* What lock_timeout raises. */
#define LOCKED		MAKE_SQLSTATE('5', '5', 'P', '0', '3')

/* ---------- what is written ---------- */

void
og_turn_check(Oid journal)
{
	if (og_table_oid(OG_CALL_TABLE) != journal)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("the journal of these calls does not exist any more")));
}

/* Calls whose news are written together. */
typedef struct Writing
{
	const OgInstallation *installation;
	Oid			journal;
	Making	  **makings;
	int			count;
	int			nmarks;
	int			nresults;
	bool		any_stuck;		/* others are, since an earlier turn */
	Beside	   *beside;			/* written with all of them, or NULL */
	bool		quiet;			/* nobody is notified, whose queue may be full */

	/* of write_each() */
	int			nwritten;
	bool		locked;
	bool		passes;			/* what kept back one of them does so with all, for
								 * some time */
} Writing;

/*
 * May this call's requests leave, as far as its withdrawal goes?  While somebody
 * withdraws it, it is left alone.
 */
static void
check_withdrawal(const OgInstallation *installation, Making *making)
{
	bool		leaves = false;
	OgWithdrawal withdrawal;

	making->no_marks = false;
	for (int i = 0; i < making->pending.nmarks && !leaves; i++)
		leaves = making->pending.marks[i].leaves;
	if (!leaves)
		return;
	withdrawal = og_journal_ask_to_mark(installation, making->call.call_id);
	making->no_marks = withdrawal != OG_NOT_WITHDRAWN;
	if (withdrawal == OG_BEING_WITHDRAWN)
		making->held_until = og_clock_now() + HELD_US;
	if (withdrawal == OG_IS_WITHDRAWN)
		making->withdrawn = true;
}

/*
 * A call that a session has handed over is added with the first that is to be
 * written of it.  An attempt that failed had another number.
 */
static bool
add_call(const OgInstallation *installation, Making *making)
{
	if (making->served == NULL || making->served->written)
		return false;
	making->call.call_id = 0;
	(void) og_journal_add(installation, &making->call);
	return true;
}

static void
write_marks(const Writing *writing)
{
	OgJournalMark *marks = palloc(Max(writing->nmarks, 1) * sizeof(OgJournalMark));
	int			count = 0;

	for (int i = 0; i < writing->count; i++)
	{
		const Making *making = writing->makings[i];

		for (int m = 0; m < making->pending.nmarks; m++)
		{
			const PendingMark *mark = &making->pending.marks[m];
			int		   *ordinals;

			if (mark->leaves && making->no_marks)
				continue;
			ordinals = palloc(mark->nkeys * sizeof(int));
			for (int k = 0; k < mark->nkeys; k++)
				ordinals[k] = og_making_ordinal(making, mark->keys[k]);
			marks[count++] = (OgJournalMark) {making->call.call_id,
				mark->number, mark->leaves, ordinals, mark->nkeys};
		}
	}
	if (count > 0)
		og_journal_marks(writing->installation, marks, count);
}

static void
write_results(const Writing *writing)
{
	OgJournalResult *results;
	int			count = 0;

	if (writing->nresults == 0)
		return;
	results = MemoryContextAllocHuge(CurrentMemoryContext,
									 writing->nresults * sizeof(OgJournalResult));
	for (int i = 0; i < writing->count; i++)
	{
		const Pending *pending = &writing->makings[i]->pending;

		for (int r = 0; r < pending->nresults; r++)
		{
			results[count] = pending->results[r];
			results[count++].call_id = writing->makings[i]->call.call_id;
		}
	}
	og_journal_results(writing->installation, results, count);
}

/* Calls with orders that are unknown now are asked for from now on. */
static void
write_unsettled(const Writing *writing)
{
	for (int i = 0; i < writing->count; i++)
	{
		const Making *making = writing->makings[i];
		bool		any = false;
		bool		at_once = false;

		for (int r = 0; r < making->pending.nresults; r++)
		{
			const OgJournalResult *result = &making->pending.results[r];

			/* Another server may have sent it, nobody knows when. */
			any |= result->outcome == OG_UNKNOWN;
			at_once |= result->outcome == OG_UNKNOWN && result->sent_at == 0;
		}
		if (any)
			og_unsettled_add(writing->installation, &making->call, at_once);
	}
}

static void
write_ends(const Writing *writing)
{
	OgJournalEnd *ends = palloc(writing->count * sizeof(OgJournalEnd));
	bool		notifies = !writing->quiet && og_notify_channel != NULL &&
		og_notify_channel[0] != '\0';
	int			count = 0;

	for (int i = 0; i < writing->count; i++)
	{
		const Making *making = writing->makings[i];

		if (!making->pending.end)
			continue;
		ends[count++] = (OgJournalEnd) {making->call.call_id,
			making->quarantined, making->outcomes, making->note};
		if (notifies)
			Async_Notify(og_notify_channel,
						 psprintf(INT64_FORMAT, making->call.call_id));
	}
	if (count > 0)
		og_journal_ends(writing->installation, ends, count);
}

/* All of it, in the transaction that there is. */
static void
write_all(void *arg)
{
	const Writing *writing = arg;

	og_turn_check(writing->journal);
	for (int i = 0; i < writing->count; i++)
	{
		/* Of one that is new nobody knows. */
		if (!add_call(writing->installation, writing->makings[i]))
			check_withdrawal(writing->installation, writing->makings[i]);
	}
	write_marks(writing);
	write_results(writing);
	write_unsettled(writing);
	write_ends(writing);
	if (writing->beside == NULL)
		return;
	CommandCounterIncrement();
	writing->beside->write(writing->beside->arg);
}

static Writing
only(const Writing *all, Making **making)
{
	Writing		one = *all;

	one.makings = making;
	one.count = 1;
	one.nmarks = (*making)->pending.nmarks;
	one.nresults = (*making)->pending.nresults;
	one.beside = NULL;
	one.quiet = true;
	return one;
}

/* What could not be written of them, for whatever reason. */
static void
note_trouble(Writing *writing, const Trouble *trouble)
{
	writing->locked |= trouble->sqlstate == LOCKED;
	writing->passes |= og_trouble_passes(trouble);
	og_trouble_show(trouble);
}

/* What there is beside calls, after them: as if it were another call. */
static void
write_beside(Writing *writing, Trouble *trouble)
{
	Beside	   *beside = writing->beside;

	if (!writing->locked && og_try_part(beside->write, beside->arg, trouble))
	{
		writing->nwritten++;
		return;
	}
	beside->stuck = true;
	note_trouble(writing, trouble);
}

/*
 * Call by call.  A table that is locked is so for all: whoever comes after one
 * that waited for it does not wait once more.
 */
static void
write_each(void *arg)
{
	Writing    *writing = arg;
	Trouble		trouble = {0};

	writing->nwritten = 0;
	writing->locked = writing->passes = false;
	for (int i = 0; i < writing->count; i++)
	{
		Writing		one = only(writing, &writing->makings[i]);

		if (!writing->locked && og_try_part(write_all, &one, &trouble))
			writing->nwritten++;
		else
		{
			one.makings[0]->stuck = true;
			note_trouble(writing, &trouble);
		}
	}
	if (writing->beside != NULL)
		write_beside(writing, &trouble);
}

/* ---------- a turn ---------- */

static Writing
gather(const OgInstallation *installation, Oid journal, dlist_head *makings,
	   Beside *beside)
{
	Writing		writing = {installation, journal};
	int			count = 0;
	dlist_iter	iter;

	dlist_foreach(iter, makings)
		count++;
	writing.makings = palloc(Max(count, 1) * sizeof(Making *));
	dlist_foreach(iter, makings)
	{
		Making	   *making = making_of(iter.cur);

		writing.any_stuck |= making->stuck;
		if (making->stuck || !og_making_has_news(making))
			continue;
		writing.makings[writing.count++] = making;
		writing.nmarks += making->pending.nmarks;
		writing.nresults += making->pending.nresults;
	}
	if (beside != NULL && beside->pending && !beside->stuck)
		writing.beside = beside;
	return writing;
}

static Written
write_gathered(Writing *writing)
{
	Trouble		trouble;

	if (og_try(write_all, writing, &trouble))
		return ALL_WRITTEN;
	og_trouble_show(&trouble);
	if (og_try(write_each, writing, &trouble))
		return writing->locked || (writing->nwritten == 0 && writing->passes)
			? NOTHING_WRITTEN : SOME_WRITTEN;
	og_trouble_show(&trouble);
	for (int i = 0; i < writing->count; i++)
		writing->makings[i]->stuck = true;
	if (writing->beside != NULL)
		writing->beside->stuck = true;
	return NOTHING_WRITTEN;
}

/* Results could be written: so what cannot be has trouble of its own. */
static void
clear_others(const Writing *writing, dlist_head *makings)
{
	bool		any = false;
	dlist_iter	iter;

	for (int i = 0; i < writing->count && !any; i++)
		any = !writing->makings[i]->stuck &&
			writing->makings[i]->pending.nresults > 0;
	if (!any)
		return;
	dlist_foreach(iter, makings)
	{
		Making	   *making = making_of(iter.cur);

		making->is_own = making->stuck;
	}
}

/* Without waiting for anybody, since nothing ends that any more. */
static bool
may_write(Oid journal)
{
	static const OgTable tables[] = {
		OG_CALL_TABLE, OG_MARK_TABLE, OG_RESULT_TABLE, OG_UNSETTLED_TABLE,
		OG_END_TABLE
	};

	if (!og_journal_exists() || og_table_oid(OG_CALL_TABLE) != journal)
		return false;
	for (int i = 0; i < lengthof(tables); i++)
	{
		if (!og_table_try_lock(tables[i], RowExclusiveLock))
			return false;
	}
	return true;
}

void
og_turn_write_last(const OgInstallation *installation, Oid journal,
				   dlist_head *makings)
{
	Writing		writing;
	dlist_iter	iter;

	AbortOutOfAnyTransaction();
	og_table_begin();
	dlist_foreach(iter, makings)
		og_pending_last(making_of(iter.cur));
	writing = gather(installation, journal, makings, NULL);
	writing.quiet = true;
	if (writing.count > 0 && may_write(journal))
	{
		for (int i = 0; i < writing.count; i++)
			(void) add_call(installation, writing.makings[i]);
		write_marks(&writing);
		write_results(&writing);
		write_unsettled(&writing);
		write_ends(&writing);
	}
	og_table_commit();
}

Written
og_turn_write(const OgInstallation *installation, Oid journal,
			  dlist_head *makings, Beside *beside, uint32 turn,
			  XLogRecPtr *end)
{
	Writing		writing = gather(installation, journal, makings, beside);
	Written		written;

	beside->written = false;
	if (writing.count == 0 && writing.beside == NULL)
		return NOTHING_TO_WRITE;
	written = write_gathered(&writing);
	*end = XactLastCommitEnd;
	beside->written = writing.beside != NULL && !beside->stuck;
	if (written == SOME_WRITTEN || writing.any_stuck)
		clear_others(&writing, makings);
	for (int i = 0; i < writing.count; i++)
	{
		Making	   *making = writing.makings[i];

		if (making->stuck)
			continue;
		making->is_own = false;
		making->ended = making->pending.end;
		og_pending_written(making, turn);
	}
	return written;
}
