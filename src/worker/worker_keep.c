/*-------------------------------------------------------------------------
 *
 * worker_keep.c
 *		How long the journal keeps calls: order_gateway.journal_keep.
 *
 * Calls are walked through in the order of their ids, some at each step, from
 * the first one up to the first that was submitted too late to be old: none
 * behind it is.  What cannot go yet is passed by, and found again when the next
 * walk begins.
 *
 * Calls of other installations stay: who restored an old dump wants to read it, and
 * they become no more.
 *
 * The rows of a large call go in several steps.  Its own and that of its end are
 * the last, and go together: without its end, a call would be made again.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/timestamp.h"

#include "ground/clock.h"
#include "worker/worker.h"
#include "worker/worker_keep.h"
#include "worker/worker_table.h"
#include "worker/worker_unsettled.h"

/* In one step: calls that are looked at, and rows that are removed. */
#define MOST_CALLS	200
#define MOST_ROWS	1000

/* Between two walks: a hundredth of what is kept, and no less or more than. */
#define LEAST_PAUSE_US	USECS_PER_SEC
#define MOST_PAUSE_US	USECS_PER_HOUR

/* How far the walk has come, in this process. */
static struct
{
	pg_uuid_t	installation;
	int			keep;			/* minutes, as the setting was then */
	int64		from;			/* a call */
	int64		due;			/* on og_clock_now() */
	int64		removed[MOST_CALLS];	/* calls, by the last step */
	int			nremoved;
}			walk;

/* A call that is looked at. */
typedef struct Candidate
{
	int64		call_id;
	Oid			roleid;
	text	   *reference;		/* or NULL */
} Candidate;

typedef struct Step
{
	const OgInstallation *installation;
	TimestampTz now;
	TimestampTz limit;			/* what was done before goes */
	Candidate	candidates[MOST_CALLS];
	int			count;
	bool		at_end;			/* of the walk */
	int			budget;			/* rows that may still be removed */
} Step;

/* ---------- rows of a call ---------- */

static bool
remove_of(Step *step, const Candidate *call, OgTable table, OgTable index)
{
	ScanKeyData keys[2];

	og_table_call_key(keys, &step->installation->id, call->call_id);
	return og_table_remove(table, index, keys, 2, &step->budget);
}

static void
reference_key(ScanKeyData keys[3], const Step *step, const Candidate *call)
{
	og_table_installation_key(&keys[0], &step->installation->id);
	ScanKeyInit(&keys[1], REFERENCE_ROLE_ID + 1, BTEqualStrategyNumber,
				F_OIDEQ, ObjectIdGetDatum(call->roleid));
	og_table_text_key(&keys[2], REFERENCE_REFERENCE,
					  PointerGetDatum(call->reference));
}

static bool
take_named_call(void *owner, const OgTableRow *row)
{
	*(int64 *) owner = DatumGetInt64(row->values[REFERENCE_CALL_ID]);
	return false;
}

/* Where a part of the call has gone, its name may be another one's by now. */
static bool
remove_reference(Step *step, const Candidate *call)
{
	int64		named = 0;
	ScanKeyData keys[3];

	if (call->reference == NULL)
		return true;
	reference_key(keys, step, call);
	og_table_scan(OG_REFERENCE_TABLE, OG_REFERENCE_KEY, NULL, keys, 3,
				  take_named_call, &named);
	if (named != call->call_id)
		return true;
	reference_key(keys, step, call);
	return og_table_remove(OG_REFERENCE_TABLE, OG_REFERENCE_KEY, keys, 3,
						   &step->budget);
}

/* False if some of it is left. */
static bool
remove_call(Step *step, const Candidate *call)
{
	if (!remove_of(step, call, OG_RESULT_TABLE, OG_RESULT_KEY) ||
		!remove_of(step, call, OG_MARK_TABLE, OG_MARK_KEY) ||
		!remove_of(step, call, OG_TRIAL_TABLE, OG_TRIAL_KEY) ||
		!remove_of(step, call, OG_UNSETTLED_TABLE, OG_UNSETTLED_KEY) ||
		!remove_of(step, call, OG_WITHDRAWAL_TABLE, OG_WITHDRAWAL_KEY) ||
		!remove_reference(step, call))
		return false;

	/* These two whatever they cost: neither may stay without the other. */
	step->budget = Max(step->budget, 4);
	return remove_of(step, call, OG_CALL_TABLE, OG_CALL_KEY) &&
		remove_of(step, call, OG_END_TABLE, OG_END_KEY);
}

/* ---------- the walk ---------- */

/* One that was submitted in the future says that the clock was set back. */
static bool
take_candidate(void *owner, const OgTableRow *row)
{
	Step	   *step = owner;
	TimestampTz submitted =
		DatumGetTimestampTz(row->values[CALL_SUBMITTED_AT]);
	Candidate  *call = &step->candidates[step->count];

	step->at_end = submitted >= step->limit && submitted <= step->now;
	if (step->at_end || step->count == MOST_CALLS)
		return false;
	step->count++;
	call->call_id = DatumGetInt64(row->values[CALL_CALL_ID]);
	call->roleid = DatumGetObjectId(row->values[CALL_ROLE_ID]);
	call->reference = row->nulls[CALL_REFERENCE] ? NULL
		: DatumGetTextPCopy(row->values[CALL_REFERENCE]);
	return true;
}

static void
find_candidates(Step *step)
{
	ScanKeyData keys[2];

	step->at_end = true;
	og_table_call_key_from(keys, &step->installation->id, walk.from);
	og_table_scan(OG_CALL_TABLE, OG_CALL_KEY, NULL, keys, 2, take_candidate,
				  step);
	if (step->count == MOST_CALLS)
		step->at_end = false;
}

static bool
take_done_at(void *owner, const OgTableRow *row)
{
	*(TimestampTz *) owner = DatumGetTimestampTz(row->values[END_DONE_AT]);
	return false;
}

static bool
is_old(const Step *step, const Candidate *call)
{
	TimestampTz done_at = DT_NOEND;
	ScanKeyData keys[2];

	og_table_call_key(keys, &step->installation->id, call->call_id);
	og_table_scan(OG_END_TABLE, OG_END_KEY, NULL, keys, 2, take_done_at,
				  &done_at);
	return done_at < step->limit;
}

/* Remove what may go; false where the rest has to wait for another step. */
static bool
remove_calls(Step *step)
{
	for (int i = 0; i < step->count; i++)
	{
		const Candidate *call = &step->candidates[i];

		walk.from = call->call_id;
		if (is_old(step, call))
		{
			if (remove_call(step, call))
				walk.removed[walk.nremoved++] = call->call_id;
			else if (step->budget <= 0)
				return false;
		}
		walk.from++;
	}
	return true;
}

/* ---------- a step ---------- */

/* Is it time for one?  A walk begins anew where something else is to be kept. */
static bool
is_due(const OgInstallation *installation)
{
	if (og_journal_keep == 0)
		return false;
	if (walk.keep != og_journal_keep ||
		memcmp(&walk.installation, &installation->id, UUID_LEN) != 0)
	{
		walk.installation = installation->id;
		walk.keep = og_journal_keep;
		walk.from = 0;
		walk.due = 0;
	}
	return og_clock_now() >= walk.due;
}

static void
end_walk(void)
{
	int64		pause = walk.keep * USECS_PER_MINUTE / 100;

	pause = Max(pause, LEAST_PAUSE_US);
	walk.from = 0;
	walk.due = og_clock_now() + Min(pause, MOST_PAUSE_US);
}

static bool
may_remove(void)
{
	static const OgTable tables[] = {
		OG_CALL_TABLE, OG_END_TABLE, OG_RESULT_TABLE, OG_MARK_TABLE,
		OG_TRIAL_TABLE, OG_UNSETTLED_TABLE, OG_WITHDRAWAL_TABLE,
		OG_REFERENCE_TABLE
	};

	for (int i = 0; i < lengthof(tables); i++)
	{
		if (!og_table_try_lock(tables[i], RowExclusiveLock))
			return false;
	}
	return true;
}

/* True if there is more to do. */
static bool
take_step(const OgInstallation *installation)
{
	Step	   *step = palloc0(sizeof(Step));

	step->installation = installation;
	step->now = GetCurrentTimestamp();
	step->limit = step->now - walk.keep * USECS_PER_MINUTE;
	step->budget = MOST_ROWS;
	find_candidates(step);
	return !remove_calls(step) || !step->at_end;
}

bool
og_keep_step(const OgInstallation *installation)
{
	bool		more = false;

	if (!is_due(installation))
		return false;
	walk.nremoved = 0;
	og_table_begin();
	if (!may_remove())
		walk.due = og_clock_now() + LEAST_PAUSE_US;
	else if (take_step(installation))
		more = true;
	else
		end_walk();
	og_table_commit();
	for (int i = 0; i < walk.nremoved; i++)
		og_unsettled_let_go(walk.removed[i]);
	return more;
}
