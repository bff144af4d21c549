/*-------------------------------------------------------------------------
 *
 * stream_append_write.c
 *		A transaction of rows; and rows that a table refuses.
 *
 * All rows of a batch are written at once.  Where that fails because of a row, they
 * are halved, each half in a subtransaction, until the rows are found that the
 * table does not take: what there is of them goes into an event, and they wait no
 * more.  Where it fails because of the table, or the server, all of them wait, and
 * after a pause it is tried again.  A batch that takes too long is tried with
 * fewer rows, and a single one that does so again and again is refused.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "storage/lmgr.h"
#include "utils/lsyscache.h"

#include "ground/clock.h"
#include "ground/compat.h"
#include "stream/stream_append.h"
#include "worker/worker_table.h"

/* Pauses of a table that takes nothing. */
#define FIRST_PAUSE_US	INT64CONST(200000)
#define LONGEST_PAUSE_US	INT64CONST(10000000)

/* After an attempt that took too long: others have their turn meanwhile. */
#define SLOW_PAUSE_US	INT64CONST(2500000)

/* So often one row may take too long. */
#define MOST_FAILURES	2

#define TOO_LONG \
	"the table, or a trigger of it, took longer than 5 s, and was cancelled"

/* Rows that one transaction refuses: others wait for the next one. */
#define MOST_REFUSED	50

typedef struct Refusal
{
	AppendRow  *row;
	char	   *why;
	bool		took_too_long;
} Refusal;

/* A batch of rows on its way into a table. */
typedef struct Writing
{
	OgStreamKind kind;
	Oid			relid;			/* of a user; InvalidOid = our log */
	Oid			roleid;
	List	   *appends;
	AppendRow **rows;			/* in the order of the queues */
	int			count;
	AppendRow **fresh;			/* those that were not appended before */
	int			nfresh;
	Into	   *into;
	MemoryContext context;		/* of what is said of it */

	/* what came of it */
	bool		locked;			/* somebody has the table; nothing was done */
	bool		checked;		/* the table is as it should be */
	bool		judged;			/* it is known which rows are fresh */
	bool		marked;			/* marks were written, if that is committed */
	int			ndone;			/* of .fresh: written, or refused */
	Refusal		refusals[MOST_REFUSED];
	int			nrefused;
	Trouble		trouble;		/* why it was given up behind those */
} Writing;

/* ---------- writing ---------- */

static void
append_rows(const Writing *writing, AppendRow **rows, int count)
{
	if (writing->into != NULL)
		og_into_append(writing->into, rows, count);
	else
		og_log_append(writing->kind, rows, count);
	og_seen_add(rows, count);
	CommandCounterIncrement();
}

/* Some of them, as a part of the transaction. */
typedef struct Part
{
	Writing    *writing;
	int			first;
	int			count;
} Part;

static void
append_part(void *arg)
{
	const Part *part = arg;

	append_rows(part->writing, &part->writing->fresh[part->first],
				part->count);
}

static void
refuse(Writing *writing, AppendRow *row, const Trouble *trouble)
{
	writing->refusals[writing->nrefused++] =
		(Refusal) {
		row, MemoryContextStrdup(writing->context, trouble->message),
		trouble->sqlstate == ERRCODE_QUERY_CANCELED
	};
}

/* Does it fail because of the row, as far as anybody can tell? */
static bool
is_of_row(const Trouble *trouble)
{
	return !og_trouble_passes(trouble);
}

/* False if the rest has to wait. */
static bool
append_in_parts(Writing *writing, int first, int count)
{
	Part		part = {writing, first, count};
	Trouble		trouble;
	int			half = count / 2;

	if (og_try_part(append_part, &part, &trouble))
	{
		writing->ndone = first + count;
		return true;
	}
	og_into_stop_clock();
	if (!is_of_row(&trouble))
	{
		writing->trouble = trouble;
		writing->trouble.message = MemoryContextStrdup(writing->context,
													   trouble.message);
		return false;
	}
	if (count > 1)
		return append_in_parts(writing, first, half) &&
			append_in_parts(writing, first + half, count - half);
	refuse(writing, writing->fresh[first], &trouble);
	writing->ndone = first + 1;
	return writing->nrefused < MOST_REFUSED;
}

/* Marks whose rows are all done with this transaction. */
static void
write_marks(const Writing *writing)
{
	ListCell   *cell;

	foreach(cell, writing->appends)
	{
		const Appending *append = lfirst(cell);
		uint64		done = append->done;
		ListCell   *mark_cell;

		for (int i = 0; i < writing->count; i++)
		{
			if (writing->rows[i]->append == append)
				done = writing->rows[i]->number;
		}
		foreach(mark_cell, append->marks)
		{
			const AppendMark *mark = lfirst(mark_cell);

			if (og_mark_is_proved(mark, done))
				og_mark_write(append->stream->wish.stream_id, mark->symbol,
							  mark->until);
		}
	}
}

/* Where somebody has a table of ours for himself, nobody waits for him either. */
static bool
lock_own(const Writing *writing)
{
	static const OgTable logs[OG_STREAM_KINDS] = {
		[OG_STREAM_TRADES] = OG_STREAM_TRADE_TABLE,
		[OG_STREAM_FILLS] = OG_STREAM_FILL_TABLE,
		[OG_STREAM_NOTIFICATIONS] = OG_STREAM_NOTIFICATION_TABLE
	};

	return og_table_try_lock(OG_STREAM_SEEN_TABLE, RowExclusiveLock) &&
		og_table_try_lock(OG_STREAM_MARK_TABLE, RowExclusiveLock) &&
		(OidIsValid(writing->relid) ||
		 og_table_try_lock(logs[writing->kind], RowExclusiveLock));
}

static void
check_hung(Oid relid)
{
	if (OidIsValid(relid) && og_hung_is(relid))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("what table \"%s\" runs goes on when it is cancelled",
						get_rel_name(relid))));
}

/* False if somebody has a table for himself. */
static bool
open_tables(Writing *writing)
{
	if (og_table_oid(OG_STREAM_TABLE) != og_stream_loop.table)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("the streams of these rows do not exist any more")));
	writing->locked = !lock_own(writing) ||
		(OidIsValid(writing->relid) &&
		 !ConditionalLockRelationOid(writing->relid, RowExclusiveLock));
	if (writing->locked)
		return false;
	check_hung(writing->relid);
	if (OidIsValid(writing->relid))
		writing->into = og_into_open(og_target_read(writing->relid,
													writing->kind,
													writing->roleid, NoLock),
									 writing->roleid);
	return true;
}

static void
close_tables(Writing *writing)
{
	if (writing->into != NULL)
		og_into_close(writing->into);
	writing->into = NULL;
}

static void
find_fresh(Writing *writing)
{
	writing->nfresh = og_fresh_find(writing->rows, writing->count,
									writing->fresh);
	writing->judged = true;
}

/* All at once. */
static void
write_all(void *arg)
{
	Writing    *writing = arg;

	writing->into = NULL;
	if (!open_tables(writing))
		return;
	writing->checked = true;
	find_fresh(writing);
	if (writing->nfresh > 0)
		append_rows(writing, writing->fresh, writing->nfresh);
	close_tables(writing);
	writing->ndone = writing->nfresh;
	write_marks(writing);
	writing->marked = true;
}

/* In parts, since that has failed. */
static void
write_parts(void *arg)
{
	Writing    *writing = arg;

	writing->into = NULL;
	writing->checked = false;
	if (!open_tables(writing))
		return;
	writing->checked = true;
	find_fresh(writing);
	(void) append_in_parts(writing, 0, writing->nfresh);
	close_tables(writing);
}

/* ---------- what came of it ---------- */

static void
tell_refusal(const Refusal *refusal)
{
	Stream	   *stream = refusal->row->append->stream;

	if (og_refused_note(refusal->row, refusal->took_too_long))
		return;
	og_stream_set_error(stream, refusal->why);
	og_stream_tell(&(StreamEvent) {
		.event = "refused_row",
		.stream = stream,
		.message = refusal->why,
		.rows = 1,
		.raw = refusal->row->raw
	});
}

static bool
is_refused(const Writing *writing, const AppendRow *row)
{
	for (int i = 0; i < writing->nrefused; i++)
	{
		if (writing->refusals[i].row == row)
			return true;
	}
	return false;
}

static void
count_row(const AppendRow *row)
{
	row->append->stream->shown.rows++;
	if (row->of_rest)
		row->append->nread++;
}

/*
 * Rows that are done wait no more: up to the first fresh one that is not.  Where
 * nobody knows which are fresh, all of them wait.
 */
static void
remove_rows(Writing *writing)
{
	const AppendRow *stop = writing->ndone < writing->nfresh
		? writing->fresh[writing->ndone] : NULL;
	int			nfresh = 0;

	if (!writing->judged)
		return;
	for (int i = 0; i < writing->nrefused; i++)
		tell_refusal(&writing->refusals[i]);
	for (int i = 0; i < writing->count; i++)
	{
		AppendRow  *row = writing->rows[i];

		if (row == stop)
			break;
		if (nfresh < writing->nfresh && writing->fresh[nfresh] == row)
		{
			nfresh++;
			if (!is_refused(writing, row))
				count_row(row);
		}
		og_queue_remove(row);
	}
}

/* The table takes rows. */
static void
accept(Writing *writing)
{
	ListCell   *cell;

	foreach(cell, writing->appends)
	{
		Appending  *append = lfirst(cell);

		append->pause_us = append->paused_until = 0;
		append->failures = 0;
		append->recheck = false;
		append->stream->barred = false;
		append->batch = Min(append->batch * 2, MOST_WRITTEN);
		append->stream->held = false;
		append->stream->changed = true;
	}
}

static void
pause_all(Writing *writing, int64 longest)
{
	ListCell   *cell;

	foreach(cell, writing->appends)
	{
		Appending  *append = lfirst(cell);

		append->pause_us = Min(Max(2 * append->pause_us, FIRST_PAUSE_US),
							   longest);
		append->paused_until = og_clock_now() + append->pause_us;
	}
}

/* The table is not what it has to be, or is gone: said once. */
static void
refuse_table(Writing *writing)
{
	ListCell   *cell;

	foreach(cell, writing->appends)
	{
		Appending  *append = lfirst(cell);

		og_stream_set_error(append->stream, writing->trouble.message);
		if (!append->stream->barred)
			og_stream_tell(&(StreamEvent) {
				.event = "refused",
				.stream = append->stream,
				.message = writing->trouble.message
			});
		append->stream->barred = true;
		append->stream->changed = true;
	}
	pause_all(writing, USECS_PER_SEC);
}

/* A batch that took too long is tried with fewer rows. */
static void
take_too_long(Writing *writing)
{
	Appending  *first;
	ListCell   *cell;

	/* Marks alone have no row that is to blame. */
	if (writing->count == 0)
		return;
	first = writing->rows[0]->append;
	foreach(cell, writing->appends)
	{
		Appending  *append = lfirst(cell);

		append->batch = Max(Min(append->batch, writing->count) / 16, 1);
		append->pause_us = Max(append->pause_us, SLOW_PAUSE_US);
	}
	if (writing->count > 1 || ++first->failures < MOST_FAILURES)
		return;
	first->failures = 0;
	refuse(writing, writing->rows[0], &writing->trouble);
	writing->ndone = writing->nfresh = 1;
	writing->fresh[0] = writing->rows[0];
	writing->judged = true;
}

static void
take_trouble(Writing *writing)
{
	bool		too_long;
	ListCell   *cell;

	if (!writing->checked && !og_trouble_passes(&writing->trouble))
	{
		refuse_table(writing);
		return;
	}
	too_long = writing->trouble.sqlstate == ERRCODE_QUERY_CANCELED &&
		og_into_took_long();
	if (too_long)
		writing->trouble.message = pstrdup(TOO_LONG);
	foreach(cell, writing->appends)
		og_stream_set_error(((Appending *) lfirst(cell))->stream,
							writing->trouble.message);
	if (too_long)
		take_too_long(writing);
	pause_all(writing, LONGEST_PAUSE_US);
}

/* ---------- a batch ---------- */

static void
gather_of(Writing *writing, Appending *append, int most)
{
	dlist_iter	iter;

	dlist_foreach(iter, &append->queue)
	{
		if (writing->count >= most)
			return;
		writing->rows[writing->count++] = append_row_of(iter.cur);
	}
}

static Writing *
gather(List *appends)
{
	const Appending *first = linitial(appends);
	const OgStreamWish *wish = &first->stream->wish;
	Writing    *writing = palloc0(sizeof(Writing));
	int			most = first->batch;
	ListCell   *cell;

	writing->kind = wish->kind;
	writing->relid = wish->into_table;
	writing->roleid = wish->roleid;
	writing->appends = appends;
	writing->context = CurrentMemoryContext;
	writing->rows = palloc(MOST_WRITTEN * sizeof(AppendRow *));
	writing->fresh = palloc(MOST_WRITTEN * sizeof(AppendRow *));
	foreach(cell, appends)
		most = Min(most, ((Appending *) lfirst(cell))->batch);
	foreach(cell, appends)
		gather_of(writing, lfirst(cell), most);
	return writing;
}

static bool
has_more(List *appends)
{
	ListCell   *cell;

	foreach(cell, appends)
	{
		const Appending *append = lfirst(cell);

		if (append->count > 0 && append->paused_until <= og_clock_now())
			return true;
	}
	return false;
}

/* What code of a table's owner does must not let another process in beside this. */
static void
keep_alone(const Writing *writing)
{
	LOCKTAG		tag = og_lock_tag(OG_LOCK_STREAMS);

	if (OidIsValid(writing->relid) && !og_holds_lock(&tag, ExclusiveLock))
		(void) LockAcquire(&tag, ExclusiveLock, true, true);
}

/* True if all of it was done, and the table takes more. */
static bool
write_batch(Writing *writing)
{
	bool		done = og_try(write_all, writing, &writing->trouble);

	og_into_stop_clock();
	if (done || !writing->checked || !is_of_row(&writing->trouble))
		return done;
	writing->trouble = (Trouble) {0};
	writing->ndone = 0;
	done = og_try(write_parts, writing, &writing->trouble);
	og_into_stop_clock();
	if (!done)
		writing->ndone = writing->nrefused = 0;
	return done && writing->trouble.message == NULL;
}

/* What has changed may be what went on and on. */
static void
forgive(List *appends)
{
	ListCell   *cell;

	foreach(cell, appends)
	{
		Appending  *append = lfirst(cell);

		if (append->is_other)
			og_hung_forgive(append->stream->wish.into_table);
		append->is_other = false;
	}
}

bool
og_append_write(List *appends)
{
	Writing    *writing = gather(appends);
	ListCell   *cell;
	bool		done;

	forgive(appends);
	done = write_batch(writing);

	keep_alone(writing);
	if (done && writing->locked)
		return false;
	if (!done)
		take_trouble(writing);
	else
		accept(writing);
	remove_rows(writing);
	foreach(cell, appends)
	{
		if (done && writing->marked)
			og_queue_forget_marks(lfirst(cell));
	}
	return done && has_more(appends);
}
