/*-------------------------------------------------------------------------
 *
 * many_calls.c
 *		Drive any number of calls at once in one process, as a worker would.
 *
 * For test/t/133_many_calls.pl; see test/lib/OrderGateway/Many.pm.
 *
 *	many_calls(servers name[], ids text[], modes text[])
 *
 * cancels each id, or each of some ids with commas between them, at its server.
 * All calls are opened first, and then advanced in turn, with one wait for all of
 * them.  A call's mode says what is special: "plain"; "held", whose witness never
 * lets anything leave; "late", whose witness lets nothing but the first id leave
 * before that is answered; "slow", whose witness lets nothing leave before a turn
 * is over; "stopped", which is stopped when two ids have left; "unheard", which
 * is stopped as soon as one is on its way; "lazy", whose rows are not taken before
 * all plain ones are over; "cancelled", which is given up then; "hung", which the
 * test lets go when it has seen that; "read", which lists the open orders instead.
 * Held ones are given up at the very end.
 *
 * What was said of keys is told in the order in which it was: of each its
 * outcome, and a "*" where it is unprocessed.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"

#include "gateway/gateway.h"
#include "gateway/gateway_read.h"
#include "ground/clock.h"
#include "limiter/limiter_table.h"
#include "many.h"
#include "monitor/activity.h"
#include "monitor/stats.h"
#include "shared_parts.h"

PG_MODULE_MAGIC;

PG_FUNCTION_INFO_V1(many_calls);

/* Longer than any of this takes. */
#define PATIENCE_US	INT64CONST(120000000)

/* So long a "slow" witness says no: longer than a turn may be kept for it. */
#define SLOW_US		INT64CONST(1500000)

typedef struct Job
{
	bool		over;
	OgCall	   *call;
	OgReader   *reader;			/* instead */
	OgRead		read;
	const char *mode;
	int			asked;			/* so often its witness was asked ... */
	int			left;			/* ... and so many requests left */
	int			answers;		/* what it was told of keys */
	int64		slow_until;		/* og_clock_now(), from when it is first asked */
	bool		stopped;
	StringInfoData closed;		/* what was said of keys, in that order ... */
	StringInfoData rows;		/* ... and what rows say */
	int			nclosed;
	bool	   *is_closed;		/* per key */
	int			finished;		/* which one it was to end, from 1 */
	const char *outcome;
	const char *message;
} Job;

static const int max_accounts = 64;

static bool
may_leave(void *owner, const int *keys, int nkeys)
{
	Job		   *job = owner;

	job->asked++;
	if (strcmp(job->mode, "late") == 0)
		return keys[0] == 0 || job->answers > 0;
	if (strcmp(job->mode, "slow") == 0)
	{
		if (job->slow_until == 0)
			job->slow_until = og_clock_now() + SLOW_US;
		return og_clock_now() >= job->slow_until;
	}
	if (strcmp(job->mode, "stopped") == 0)
		return keys[0] < 2;
	return strcmp(job->mode, "held") != 0;
}

static void
note_left(void *owner, const int *keys, int nkeys)
{
	((Job *) owner)->left++;
}

static void
note_answered(void *owner, int key, const OgOutcome *outcome)
{
	((Job *) owner)->answers++;
}

/* What a row says, but for its position. */
static void
append_row(StringInfo text, const OgRow *row)
{
	for (const OgOutcome *o = row->outcome; o != NULL; o = o->next)
		appendStringInfo(text, "%s%s", o == row->outcome ? "" : "+",
						 og_verdict_name(o->verdict));
	if (row->unprocessed)
		appendStringInfoChar(text, '*');
}

static void
note_closed(void *owner, int key, const OgRow *row)
{
	Job		   *job = owner;

	if (job->is_closed[key])
		elog(ERROR, "key %d was closed twice", key);
	job->is_closed[key] = true;
	if (job->nclosed++ > 0)
		appendStringInfoChar(&job->closed, ' ');
	appendStringInfo(&job->closed, "%d:", key);
	append_row(&job->closed, row);
}

static void
take_record(void *owner, const OgRecord *record)
{
}

static void
forget_records(void *owner, int64 kept)
{
}

static const OgWitness witness = {
	.may_leave = may_leave,
	.left = note_left,
	.answered = note_answered,
	.closed = note_closed
};

static OgKeys *
keys_of(const char *ids)
{
	OgKeys	   *keys = og_keys_create();

	while (*ids != '\0')
	{
		size_t		len = strcspn(ids, ",");

		(void) og_keys_add(keys, og_slice(ids, len));
		ids += len + (ids[len] == ',');
	}
	og_keys_finish(keys);
	return keys;
}

static void
open_job(Job *job, const char *server, const char *ids)
{
	const OgProvider *provider = og_account_provider(server);
	OgAccount  *account = og_account_open(server, provider, true);
	OgFields   *arguments = palloc0(sizeof(OgFields));
	OgCaller	caller = {"many_calls", GetUserId(), GetSessionUserId(),
	&witness, job};
	OgKeys	   *keys = keys_of(ids);

	initStringInfo(&job->closed);
	initStringInfo(&job->rows);
	job->is_closed = palloc0(keys->nkeys * sizeof(bool));
	og_fields_add(arguments, "market", "btc_usdt");
	og_fields_add(arguments, "symbol", "BTC-USD");
	og_fields_add(arguments, "by", "order_id");
	if (strcmp(job->mode, "read") == 0)
	{
		job->read.operation = og_provider_operation(provider, "open_orders");
		job->read.arguments = arguments;
		job->read.take = take_record;
		job->read.forget = forget_records;
		job->reader = og_reader_open(account, job->read.operation, &caller, 0);
		og_reader_ask(job->reader, &job->read);
		return;
	}
	job->call = og_call_open(account, og_provider_operation(provider, "cancel"),
							 arguments, keys, &caller);
}

/* True if the read goes on, until *pause. */
static bool
advance_read(Job *job, OgPause *pause)
{
	const OgFailure *failure;

	if (!og_reader_advance(job->reader, pause))
		return true;
	failure = og_reader_failure(job->reader);
	job->outcome = failure ? "failed" : "read";
	job->message = failure ? pstrdup(failure->what) : NULL;
	og_reader_close(job->reader);
	return false;
}

/* What a row says must have been said before. */
static void
take_row(Job *job, const OgRow *row)
{
	if (job->nclosed <= row->position || !job->is_closed[row->position])
		elog(ERROR, "key %d was not closed before its row", row->position);
	if (row->position > 0)
		appendStringInfoChar(&job->rows, ' ');
	append_row(&job->rows, row);
	job->outcome = og_verdict_name(row->outcome->verdict);
	job->message = row->outcome->message
		? pstrdup(row->outcome->message) : NULL;
}

/*
 * Take what rows there are, unless they have to lie.  True if the call goes on,
 * until *pause.
 */
static bool
advance_call(Job *job, OgPause *pause, bool lazy)
{
	OgRow		row;

	while (og_call_advance(job->call, pause))
	{
		if (lazy)
		{
			pause->until = 0;
			return true;
		}
		if (!og_call_next(job->call, &row))
		{
			og_call_close(job->call);
			return false;
		}
		take_row(job, &row);
	}
	return true;
}

/* Stop what has come so far that it is to be stopped. */
static void
stop_in_time(Job *job)
{
	bool		stop = false;

	if (strcmp(job->mode, "stopped") == 0)
		stop = job->left == 2;
	else if (strcmp(job->mode, "unheard") == 0)
		stop = job->asked > 0;
	if (!stop || job->stopped)
		return;
	job->stopped = true;
	og_call_stop(job->call, "the test stops");
}

static bool
advance(Job *job, OgPause *pause, bool lazy, int *nfinished)
{
	lazy = lazy && strcmp(job->mode, "lazy") == 0;
	if (job->reader ? advance_read(job, pause)
		: advance_call(job, pause, lazy))
	{
		stop_in_time(job);
		if (strcmp(job->mode, "slow") == 0 && job->left == 0)
			og_pause_merge(pause, &(OgPause) {job->slow_until, OG_WAIT_NONE});
		return true;
	}
	job->over = true;
	job->finished = ++*nfinished;
	return false;
}

static int
count_mode(const Job *jobs, int njobs, const char *mode)
{
	int			count = 0;

	for (int i = 0; i < njobs; i++)
		count += !jobs[i].over && strcmp(jobs[i].mode, mode) == 0;
	return count;
}

/* Are there any whose end depends on nobody but themselves? */
static bool
some_go_on(const Job *jobs, int njobs)
{
	static const char *const modes[] = {
		"plain", "late", "slow", "stopped", "unheard", "read"
	};
	int			count = 0;

	for (int i = 0; i < lengthof(modes); i++)
		count += count_mode(jobs, njobs, modes[i]);
	return count > 0;
}

static void
cancel_mode(Job *jobs, int njobs, const char *mode)
{
	for (int i = 0; i < njobs; i++)
	{
		if (!jobs[i].over && strcmp(jobs[i].mode, mode) == 0)
			og_call_cancel(jobs[i].call, "the test gives up");
	}
}

static void
drive(Job *jobs, int njobs)
{
	int64		end = og_clock_now() + PATIENCE_US;
	int			nfinished = 0;

	for (;;)
	{
		OgPause		pause = {end, OG_WAIT_NONE};
		bool		lazy = some_go_on(jobs, njobs);

		for (int i = 0; i < njobs; i++)
		{
			OgPause		own = {0, OG_WAIT_NONE};

			if (!jobs[i].over &&
				advance(&jobs[i], &own, lazy, &nfinished))
				og_pause_merge(&pause, &own);
		}
		if (nfinished == njobs)
			return;
		if (og_clock_now() >= end)
			elog(ERROR, "only %d of %d calls are over", nfinished, njobs);
		if (some_go_on(jobs, njobs))
			og_gateway_wait(&pause);
		else if (lazy)
			continue;			/* with those that were lazy */
		else if (count_mode(jobs, njobs, "lazy") > 0)
			og_gateway_wait(&pause);
		else if (count_mode(jobs, njobs, "cancelled") > 0)
			cancel_mode(jobs, njobs, "cancelled");
		else if (count_mode(jobs, njobs, "hung") > 0)
			og_gateway_wait(&pause);
		else
			cancel_mode(jobs, njobs, "held");
	}
}

/* Calls of this process that others can see. */
static int
count_shown(void)
{
	OgActivity *copies;
	int			count = og_activity_read(&copies);
	int			mine = 0;

	for (int i = 0; i < count; i++)
		mine += copies[i].pid == MyProcPid;
	return mine;
}

static char *
text_at(ArrayType *array, int i)
{
	Oid			type = ARR_ELEMTYPE(array);
	bool		isnull;
	Datum		datum = array_get_element(PointerGetDatum(array), 1, &i, -1,
										  type == NAMEOID ? NAMEDATALEN : -1,
										  false,
										  type == NAMEOID ? 'c' : 'i',
										  &isnull);

	return type == NAMEOID ? pstrdup(NameStr(*DatumGetName(datum)))
		: TextDatumGetCString(datum);
}

void
share_memory(void)
{
	og_shared_init(shared_parts, &max_accounts);
}

Datum
many_calls(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	ArrayType  *servers = PG_GETARG_ARRAYTYPE_P(0);
	ArrayType  *ids = PG_GETARG_ARRAYTYPE_P(1);
	ArrayType  *modes = PG_GETARG_ARRAYTYPE_P(2);
	int			njobs = ArrayGetNItems(ARR_NDIM(servers), ARR_DIMS(servers));
	Job		   *jobs = palloc0(njobs * sizeof(Job));
	int			shown;

	InitMaterializedSRF(fcinfo, 0);
	share_memory();
	for (int i = 0; i < njobs; i++)
	{
		jobs[i].mode = text_at(modes, i + 1);
		open_job(&jobs[i], text_at(servers, i + 1), text_at(ids, i + 1));
	}
	shown = count_shown();
	drive(jobs, njobs);
	for (int i = 0; i < njobs; i++)
	{
		const Job  *job = &jobs[i];
		Datum		values[] = {
			Int32GetDatum(i + 1), Int32GetDatum(job->finished),
			CStringGetTextDatum(job->outcome),
			CStringGetTextDatum(job->message ? job->message : ""),
			Int32GetDatum(job->asked), Int32GetDatum(job->left),
			Int32GetDatum(shown),
			CStringGetTextDatum(job->closed.data),
			CStringGetTextDatum(job->rows.data)
		};
		bool		nulls[lengthof(values)] = {false};

		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	}
	return (Datum) 0;
}
