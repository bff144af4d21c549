/*-------------------------------------------------------------------------
 *
 * worker_recover.c
 *		Calls that cannot go on, or are given up.
 *
 * Three kinds of calls get results here without being made: what was marked and
 * not answered when a worker stopped; what another server may have sent, whose
 * marks did not reach this one; and calls that crash the server.
 *
 * A mark does not prove that a byte left, so such a result has no sent_at, and
 * its outcome is what the mark is for: "unknown".
 *
 * Many small calls go into one transaction, and a call of 100,000 orders into one
 * of its own.  Whatever stops that, the next start goes on where this one was.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xlog.h"
#include "miscadmin.h"
#include "utils/memutils.h"

#include "worker/worker_recover.h"
#include "worker/worker_table.h"
#include "worker/worker_turn.h"
#include "worker/worker_unsettled.h"

/* Rows of one transaction, and calls that are looked for together. */
#define ROWS_AT_ONCE	1000
#define CALLS_AT_ONCE	1000

/* So many crashes, each after it was tried, are a call's own. */
#define MOST_CRASHES	2

static const char *const STOPPED =
"the worker or the server stopped while the request was out";
static const char *const PROMOTED =
"the server was promoted: the one before it may have sent this order";
static const char *const CRASHES =
"the call was given up: the server crashed each time that it was made";

/* What becomes of orders that have no results. */
typedef struct Fate
{
	bool		ends_open;		/* those that never left, too ... */
	OgVerdict	open;			/* ... with this outcome, ... */
	const char *why;			/* ... because */
	bool		quarantined;
} Fate;

/* A call that gets results, and what was written in this transaction. */
typedef struct Ending
{
	const OgInstallation *installation;
	MemoryContext context;		/* of all this, and below it ... */
	MemoryContext call_context; /* ... of the call */
	OgJournalCall call;
	OgJournalProgress progress;
	OgJournalResult *results;	/* not written yet */
	int			nresults;
	int			written;
	bool		at_once;		/* all of the call goes into this transaction */
} Ending;

/* Of the last ending, if an error ended that early. */
static MemoryContext left = NULL;

/* What it needs outlives its transactions. */
static void
begin_ending(Ending *ending, const OgInstallation *installation)
{
	if (left != NULL)
		MemoryContextDelete(left);
	left = AllocSetContextCreate(TopMemoryContext,
								 "order_gateway calls that end",
								 ALLOCSET_DEFAULT_SIZES);
	memset(ending, 0, sizeof(*ending));
	ending->installation = installation;
	ending->context = left;
	ending->call_context = AllocSetContextCreate(ending->context,
												 "order_gateway call",
												 ALLOCSET_DEFAULT_SIZES);
	ending->results = MemoryContextAlloc(ending->context, ROWS_AT_ONCE *
										 sizeof(OgJournalResult));
	og_table_begin();
}

static void
finish_ending(Ending *ending)
{
	og_table_commit();
	MemoryContextDelete(ending->context);
	left = NULL;
}

static void
begin_anew(Ending *ending)
{
	og_table_commit();
	CHECK_FOR_INTERRUPTS();
	og_table_begin();
	ending->written = 0;
}

/* So many rows were written; is it enough for one transaction? */
static void
count_rows(Ending *ending, int rows)
{
	ending->written += rows;
	if (ending->written >= ROWS_AT_ONCE && !ending->at_once)
		begin_anew(ending);
}

/* ---------- results and ends ---------- */

static void
write_results(Ending *ending)
{
	bool		unknown = false;

	og_journal_results(ending->installation, ending->results,
					   ending->nresults);
	for (int i = 0; i < ending->nresults; i++)
		unknown |= ending->results[i].outcome == OG_UNKNOWN;

	/* Of a call of which only the ids can be read nothing can be asked. */
	if (unknown && ending->call.operation != NULL)
		og_unsettled_add(ending->installation, &ending->call, true);
	count_rows(ending, ending->nresults);
	ending->nresults = 0;
}

static void
add_result(Ending *ending, int position, OgVerdict outcome, const char *why)
{
	OgVerdict	honest = outcome;

	if (outcome == OG_NOT_SENT)
		honest = og_recover_unsent(ending->installation, &ending->call,
								   &ending->progress);
	ending->results[ending->nresults++] = (OgJournalResult)
	{
		.call_id = ending->call.call_id,
		.ordinal = position + 1,
		.leg = 1,
		.order_id = ending->call.ids[position],
		.outcome = honest,
		.attempts = ending->progress.states[position] == OG_ORDINAL_MARKED,
		.message = why
	};
	ending->progress.outcomes[honest]++;
	if (ending->nresults == ROWS_AT_ONCE)
		write_results(ending);
}

/* Orders that stay open: the call goes on with them. */
static int
settle_orders(Ending *ending, const Fate *fate)
{
	int			open = 0;

	for (int i = 0; i < ending->call.nids; i++)
	{
		uint8		state = ending->progress.states[i];

		if (state == OG_ORDINAL_MARKED)
			add_result(ending, i, OG_UNKNOWN, STOPPED);
		else if (state == OG_ORDINAL_OPEN && fate->ends_open)
			add_result(ending, i, fate->open, fate->why);
		else if (state == OG_ORDINAL_OPEN)
			open++;
	}
	write_results(ending);
	return open;
}

/* Read a call that has not ended, into its context. */
static bool
read_call(Ending *ending, int64 call_id)
{
	MemoryContext old;
	bool		found;

	MemoryContextReset(ending->call_context);
	old = MemoryContextSwitchTo(ending->call_context);
	found = og_journal_read(ending->installation, call_id, &ending->call);
	if (found)
		og_journal_progress(ending->installation, &ending->call,
							&ending->progress);
	MemoryContextSwitchTo(old);
	return found && !ending->progress.ended;
}

static void
end_call(Ending *ending, const Fate *fate)
{
	const OgJournalEnd end = {ending->call.call_id, fate->quarantined,
		ending->progress.outcomes, fate->why};

	if (settle_orders(ending, fate) > 0)
		return;
	og_journal_ends(ending->installation, &end, 1);
	count_rows(ending, 1);
}

/* A call that is to be read, and whether it has ended. */
typedef struct Reading
{
	Ending	   *ending;
	int64		call_id;
	bool		is_open;
} Reading;

static void
read_step(void *arg)
{
	Reading    *reading = arg;

	reading->is_open = read_call(reading->ending, reading->call_id);
}

static void
read_ids_step(void *arg)
{
	Reading    *reading = arg;
	Ending	   *ending = reading->ending;

	MemoryContextReset(ending->call_context);
	MemoryContextSwitchTo(ending->call_context);
	if (!og_journal_read_ids(ending->installation, reading->call_id,
							 &ending->call))
		return;
	og_journal_progress(ending->installation, &ending->call,
						&ending->progress);
	reading->is_open = !ending->progress.ended;
}

static void
check_trouble(const Trouble *trouble)
{
	if (og_trouble_passes(trouble))
		ereport(ERROR,
				(errcode(trouble->sqlstate),
				 errmsg("%s", trouble->message)));
	og_trouble_show(trouble);
}

/*
 * Write what becomes of a call.  Where that cannot be done, for reasons of its own,
 * the call stays as it is: nobody else is to wait for it.
 */
static void
write_or_leave(Ending *ending, Step step, void *arg)
{
	Trouble		trouble;

	ending->at_once = true;
	if (!og_try_part(step, arg, &trouble))
	{
		ending->nresults = 0;
		check_trouble(&trouble);
	}
	ending->at_once = false;
	count_rows(ending, 0);
}

/* A call that was read, and what becomes of it. */
typedef struct Deciding
{
	Ending	   *ending;
	const Fate *fate;
} Deciding;

static void
end_step(void *arg)
{
	const Deciding *deciding = arg;

	end_call(deciding->ending, deciding->fate);
}

static void
end_or_leave(Ending *ending, const Fate *fate)
{
	Deciding	deciding = {ending, fate};

	write_or_leave(ending, end_step, &deciding);
}

/*
 * A call that cannot be made gets its end, and each of its orders a row: where it
 * may have left, that is unknown.  If not even the ids can be read, its marks are
 * all that tells of it.
 */
static void
give_up(Ending *ending, int64 call_id, const char *why)
{
	static const int none[OG_OUTCOMES] = {0};
	Reading		reading = {ending, call_id, false};
	Fate		fate = {.ends_open = true,.open = OG_NOT_SENT,.why = why,
	.quarantined = true};
	OgJournalEnd end = {call_id, true, none, NULL};
	Trouble		trouble;

	if (og_try_part(read_ids_step, &reading, &trouble))
	{
		if (reading.is_open)
			end_call(ending, &fate);
		return;
	}
	check_trouble(&trouble);
	end.note = psprintf("%s; what was sent of it is not known", why);
	og_journal_ends(ending->installation, &end, 1);
	count_rows(ending, 1);
}

/* One that cannot be read, and why. */
typedef struct GivingUp
{
	Ending	   *ending;
	int64		call_id;
	const char *why;
} GivingUp;

static void
give_up_step(void *arg)
{
	const GivingUp *giving_up = arg;

	give_up(giving_up->ending, giving_up->call_id, giving_up->why);
}

/* The same for one that may not be readable, for which nobody else is to wait. */
static bool
read_or_give_up(Ending *ending, int64 call_id)
{
	Reading		reading = {ending, call_id, false};
	GivingUp	giving_up = {ending, call_id};
	Trouble		trouble;

	if (og_try_part(read_step, &reading, &trouble))
		return reading.is_open;
	check_trouble(&trouble);
	giving_up.why = MemoryContextStrdup(ending->context, trouble.message);
	write_or_leave(ending, give_up_step, &giving_up);
	return false;
}

void
og_recover_give_up(const OgInstallation *installation, int64 call_id,
				   const char *why)
{
	Ending		ending;

	begin_ending(&ending, installation);
	give_up(&ending, call_id, why);
	finish_ending(&ending);
}

/* ---------- what was marked and not answered ---------- */

void
og_recover_end_marked(const OgInstallation *installation)
{
	static const Fate goes_on = {.ends_open = false};
	int64		from = installation->done_below;
	Ending		ending;
	int64	   *calls;

	begin_ending(&ending, installation);
	calls = MemoryContextAlloc(ending.context, CALLS_AT_ONCE * sizeof(int64));
	while (from != PG_INT64_MAX)
	{
		int			count = og_journal_open_calls(installation, true, &from,
												  calls, CALLS_AT_ONCE);

		for (int i = 0; i < count; i++)
		{
			if (read_or_give_up(&ending, calls[i]))
				end_or_leave(&ending, &goes_on);
		}
		begin_anew(&ending);
	}
	finish_ending(&ending);
}

/* ---------- what another server may have sent ---------- */

bool
og_recover_is_doubtful(const OgInstallation *installation, int64 call_id,
					   uint32 timeline)
{
	return call_id < installation->doubtful_below &&
		timeline != GetWALInsertionTimeLine();
}

bool
og_recover_may_be_doubtful(const OgInstallation *installation, int64 call_id)
{
	return call_id < installation->doubtful_below ||
		installation->timeline != GetWALInsertionTimeLine();
}

OgVerdict
og_recover_unsent(const OgInstallation *installation,
				  const OgJournalCall *call, const OgJournalProgress *progress)
{
	return og_recover_is_doubtful(installation, call->call_id,
								  call->timeline) && !progress->withdrawn
		? OG_UNKNOWN : OG_NOT_SENT;
}

const char *
og_recover_objection(const OgInstallation *installation,
					 const OgJournalCall *call,
					 const OgJournalProgress *progress)
{
	if (og_recover_unsent(installation, call, progress) == OG_UNKNOWN &&
		(!og_journal_is_harmless(call->operation, &call->arguments) ||
		 strcmp(call->origin, OG_OF_SESSION) == 0))
		return PROMOTED;
	return NULL;
}

void
og_recover_end_doubtful(const OgInstallation *installation)
{
	static const Fate may_be_sent = {.ends_open = true,.open = OG_UNKNOWN};
	int64		from = installation->done_below;
	Ending		ending;
	int64	   *calls;

	begin_ending(&ending, installation);
	calls = MemoryContextAlloc(ending.context, CALLS_AT_ONCE * sizeof(int64));
	while (from < installation->doubtful_below)
	{
		int			count = og_journal_open_calls(installation, false, &from,
												  calls, CALLS_AT_ONCE);

		for (int i = 0; i < count; i++)
		{
			Fate		fate = may_be_sent;

			if (!read_or_give_up(&ending, calls[i]))
				continue;
			fate.why = og_recover_objection(installation, &ending.call,
											&ending.progress);
			if (fate.why != NULL)
				end_or_leave(&ending, &fate);
		}
		begin_anew(&ending);
	}
	finish_ending(&ending);
}

/* ---------- what may crash the server ---------- */

/* Calls with ids up to this were there when this worker began. */
static int64 last_suspect = 0;

void
og_recover_suspect(int64 last_id)
{
	last_suspect = last_id;
}

bool
og_recover_is_suspect(const OgInstallation *installation, int64 call_id)
{
	return installation->crashes > 0 && call_id <= last_suspect;
}

static void
quarantine(const OgInstallation *installation, int64 call_id)
{
	static const Fate given_up = {.ends_open = true,.open = OG_NOT_SENT,
	.quarantined = true};
	Fate		fate = given_up;
	Ending		ending;

	fate.why = CRASHES;
	begin_ending(&ending, installation);
	if (read_or_give_up(&ending, call_id))
	{
		end_call(&ending, &fate);
		ereport(WARNING,
				(errmsg("call %lld, %s of role \"%s\", is given up: the server crashed each time that it was made",
						(long long) call_id, ending.call.function,
						ending.call.role)));
	}
	finish_ending(&ending);
}

bool
og_recover_try(const OgInstallation *installation, int64 call_id)
{
	int			crashes;

	if (!og_recover_is_suspect(installation, call_id))
		return true;
	og_table_begin();
	crashes = og_journal_try(installation, call_id, installation->crashes);
	og_table_commit();
	if (crashes >= MOST_CRASHES)
		quarantine(installation, call_id);
	return crashes < MOST_CRASHES;
}
