/*-------------------------------------------------------------------------
 *
 * worker_call.c
 *		A call that is being made: its beginning, its rounds, its end.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "miscadmin.h"
#include "storage/lock.h"
#include "utils/inval.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "ground/clock.h"
#include "worker/worker_call.h"
#include "worker/worker_recover.h"
#include "worker/worker_told.h"

/* Ids of a call that are worth to be kept once only. */
#define MANY_IDS			1000

/* ---------- beginning ---------- */

/* Where each id of the call stands, if some stand at several places. */
static void
set_places(Making *making)
{
	const OgKeys *keys = making->keys;
	int		   *last;

	if (keys->key_of == NULL)
		return;
	making->first = MemoryContextAllocHuge(making->context,
										   keys->nkeys * sizeof(int));
	making->next_same = MemoryContextAllocHuge(making->context,
											   keys->npositions * sizeof(int));
	last = MemoryContextAllocHuge(making->context, keys->nkeys * sizeof(int));
	memset(last, 0xff, keys->nkeys * sizeof(int));
	for (int i = 0; i < keys->npositions; i++)
	{
		int			key = keys->key_of[i];

		making->next_same[i] = -1;
		if (last[key] < 0)
			making->first[key] = i;
		else
			making->next_same[last[key]] = i;
		last[key] = i;
	}
	pfree(last);
}

static void
take_keys(Making *making)
{
	const OgJournalCall *call = &making->call;

	making->keys = og_keys_create();
	for (int i = 0; i < call->nids; i++)
	{
		if ((i & 0xffff) == 0)
			CHECK_FOR_INTERRUPTS();
		(void) og_keys_add(making->keys, call->ids[i]);
	}
	og_keys_finish(making->keys);
	making->keys->arguments = call->order_arguments;
	making->nopen = making->keys->nkeys;
	making->states = MemoryContextAllocExtended(making->context,
												Max(making->nopen, 1) * sizeof(KeyState),
												MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	set_places(making);
}

/*
 * What another worker has done of it.  What that had marked has its results since
 * this one started; else nobody knows what became of it, and it must not be sent.
 */
static void
take_progress(Making *making, const OgJournalProgress *progress)
{
	making->nmarks = progress->nmarks;
	memcpy(making->outcomes, progress->outcomes, sizeof(making->outcomes));
	for (int key = 0; key < making->keys->nkeys; key++)
	{
		int			state = progress->states[og_making_ordinal(making, key) - 1];

		if (state == OG_ORDINAL_MARKED)
			ereport(ERROR,
					(errcode(ERRCODE_DATA_CORRUPTED),
					 errmsg("order %d of the call was marked, and has no result",
							og_making_ordinal(making, key))));
		making->states[key].done = state == OG_ORDINAL_DONE;
		making->nopen -= making->states[key].done;
	}
}

static Making *
create(Line *line, int64 call_id)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext,
												  "order_gateway outbox call",
												  ALLOCSET_SMALL_SIZES);
	Making	   *making = MemoryContextAllocZero(context, sizeof(Making));

	making->context = context;
	making->line = line;
	making->call.call_id = call_id;
	making->pending.context = AllocSetContextCreate(context,
													"order_gateway news",
													ALLOCSET_SMALL_SIZES);
	return making;
}

/* Whether it is sent at all, and what becomes of what is not. */
static void
set_prospects(Making *making, const OgInstallation *installation,
			  const Queued *queued, const OgJournalProgress *progress)
{
	const OgJournalCall *call = &making->call;

	making->unsent = og_recover_unsent(installation, call, progress);
	making->over = og_recover_objection(installation, call, progress);
	if (making->over == NULL && strcmp(call->origin, OG_OF_SESSION) == 0)
		making->over = OG_LEFT_BEHIND;
	making->note = making->over;
	if (making->over != NULL)
		return;
	if (queued->withdrawn)
		making->over = OG_WITHDRAWN;
	else if (queued->expired)
		making->over = OG_EXPIRED;
}

/* Texts of a call that its ids were read with, in the current context. */
static void
copy_texts(OgJournalCall *call)
{
	OgFields	arguments = {0};

	for (int i = 0; i < call->arguments.count; i++)
		og_fields_add(&arguments, pstrdup(call->arguments.items[i].name),
					  pstrdup(call->arguments.items[i].value));
	call->arguments = arguments;
	call->function = pstrdup(call->function);
	call->provider = pstrdup(call->provider);
	call->operation = pstrdup(call->operation);
	call->server = pstrdup(call->server);
	call->role = pstrdup(call->role);
	call->origin = pstrdup(call->origin);
	call->reference = NULL;
}

/*
 * A row can be seen shortly before others are told what else its transaction has
 * changed: a role that it dropped, a right that it took.  That is over when it
 * gives back the lock on its number.
 */
static void
await_submitter(const OgJournalCall *call)
{
	LOCKTAG		transaction;

	SET_LOCKTAG_TRANSACTION(transaction, XidFromFullTransactionId(call->xid));
	(void) LockAcquire(&transaction, ShareLock, false, false);
	(void) LockRelease(&transaction, ShareLock, false);
	AcceptInvalidationMessages();
}

/*
 * Read the call, and what was done of it.  The ids of a long one are kept as keys
 * only.
 */
static void
read_call(Making *making, const OgInstallation *installation, bool is_new,
		  OgJournalProgress *progress)
{
	OgJournalCall *call = &making->call;
	MemoryContext context = AllocSetContextCreate(making->context,
												  "order_gateway row",
												  ALLOCSET_SMALL_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);

	if (!og_journal_read(installation, call->call_id, call))
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("the journal does not have the call any more")));
	await_submitter(call);

	/* Of a new one there is nothing, unless recovery has come to it. */
	is_new = is_new && !og_recover_is_doubtful(installation, call->call_id,
											   call->timeline);
	if (!is_new)
		og_journal_progress(installation, call, progress);
	MemoryContextSwitchTo(old);
	if (progress->ended)
		return;
	take_keys(making);
	if (!is_new)
		take_progress(making, progress);
	call->ids = NULL;
	if (call->nids < MANY_IDS || call->order_arguments != NULL)
		return;
	copy_texts(call);
	MemoryContextDelete(context);
}

Making *
og_making_begin(const OgInstallation *installation, const Queued *queued,
				MemoryContext parent)
{
	Making	   *making = create(queued->line, queued->call_id);
	MemoryContext old = MemoryContextSwitchTo(making->context);
	OgJournalProgress progress = {0};

	read_call(making, installation, queued->is_new, &progress);
	if (!progress.ended)
		set_prospects(making, installation, queued, &progress);
	MemoryContextSwitchTo(old);
	if (progress.ended)
		return NULL;
	MemoryContextSetParent(making->context, parent);
	return making;
}

Making *
og_making_serve(Line *line, const OgPart *part, MemoryContext parent)
{
	MemoryContext handed = CurrentMemoryContext;
	Making	   *making = create(line, 0);
	MemoryContext old = MemoryContextSwitchTo(making->context);

	making->call = part->call;
	making->unsent = OG_NOT_SENT;
	take_keys(making);
	MemoryContextSwitchTo(old);
	MemoryContextSetParent(making->context, parent);
	MemoryContextSetParent(handed, making->context);
	return making;
}

/* ---------- a round ---------- */

/* The keys that are asked for: all, or a copy of those that are open. */
static const OgKeys *
open_keys(Making *making)
{
	const OgKeys *all = making->keys;
	OgFields   *arguments = NULL;
	OgKeys	   *open;
	int			n = 0;

	making->key_of = NULL;
	if (making->nopen == all->nkeys)
		return all;
	open = og_keys_create();
	making->key_of = MemoryContextAllocHuge(CurrentMemoryContext,
											making->nopen * sizeof(int));
	if (all->arguments != NULL)
		arguments = MemoryContextAllocHuge(CurrentMemoryContext,
										   making->nopen * sizeof(OgFields));
	for (int key = 0; key < all->nkeys; key++)
	{
		if (making->states[key].done)
			continue;
		(void) og_keys_add(open, og_keys_get(all, key));
		if (arguments != NULL)
			arguments[n] = all->arguments[key];
		making->key_of[n++] = key;
	}
	og_keys_finish(open);
	open->arguments = arguments;
	return open;
}

/* How many requests it can have in flight. */
static int
width_of(const Making *making, const OgKeys *keys)
{
	const OgAccount *account = making->share->account;
	int			width = 0;

	for (int key = 0; key < keys->nkeys && width < account->max_in_flight;
		 width++)
		key = og_keys_batch_end(keys, account, making->operation, key);
	return width;
}

static const OgOperation *
operation_of(const Making *making)
{
	const OgProvider *provider = making->share->account->provider;
	const OgOperation *operation = og_provider_operation(provider,
														 making->call.operation);

	if (operation == NULL || operation->kind != OG_ACT)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("provider \"%s\" has no act \"%s\"", provider->name,
						making->call.operation)));
	return operation;
}

/* What the session has seen of the catalog is what it has checked. */
static void
check_versions(const Making *making)
{
	const OgAccount *account = making->share->account;
	const OgPart *part = making->served->handed;

	if (!og_account_is_same(&account->version, &part->version))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("server \"%s\" or its user mapping was changed before the call could be sent",
						account->server)));
}

/* When call_timeout of the whole call runs out, of which this is a later part. */
static int64
deadline_of(const Making *making)
{
	TimestampTz at = making->call.expires_at;

	return making->served == NULL || TIMESTAMP_IS_NOEND(at) ? 0
		: og_clock_now() + Max(at - GetCurrentTimestamp(), 1);
}

static OgCaller
caller_of(Making *making)
{
	const Served *served = making->served;
	Oid			role = making->call.roleid;
	OgCaller	caller = {making->call.function, role,
		served != NULL ? served->handed->session_role : role,
		&og_worker_witness, making,
	.in_rounds = served == NULL,.deadline = deadline_of(making),
	.pid = served != NULL ? served->handed->pid : 0};

	return caller;
}

void
og_making_open(Making *making, MemoryContext parent)
{
	OgCaller	caller = caller_of(making);
	const OgKeys *keys;
	MemoryContext old;

	making->share = og_share_take(making->line, &making->call, parent);
	if (making->served != NULL)
		check_versions(making);
	making->operation = operation_of(making);
	making->round = AllocSetContextCreate(making->share->context,
										  "order_gateway round",
										  ALLOCSET_SMALL_SIZES);
	old = MemoryContextSwitchTo(making->round);
	keys = open_keys(making);
	making->stopped = making->failed = false;
	making->pipeline = og_call_open(making->share->account, making->operation,
									&making->call.arguments, keys, &caller);
	MemoryContextSwitchTo(old);
	if (making->served != NULL)
	{
		making->served->opened = true;
		return;
	}
	making->line->width -= making->width;
	making->width = width_of(making, keys);
	making->line->width += making->width;
}

void
og_making_close(Making *making)
{
	/* What was never closed has not left, and has no place any more. */
	for (int key = 0; making->in_flight > 0 && key < making->keys->nkeys; key++)
	{
		if (!making->states[key].leads)
			continue;
		making->states[key].leads = false;
		making->in_flight--;
		making->line->in_flight--;
	}
	if (making->pipeline != NULL)
		og_call_close(making->pipeline);
	making->pipeline = NULL;
	if (making->round != NULL)
		MemoryContextDelete(making->round);
	making->round = NULL;
	making->key_of = NULL;
	if (making->share != NULL)
		og_share_return(making->share);
	making->share = NULL;
	making->nbatches += making->highest_batch;
	making->highest_batch = 0;
	og_target_leave(making->line->target, making->call.call_id);
}

void
og_making_stop(Making *making, const char *why)
{
	if (making->over == NULL)
		making->over = why;
	if (making->pipeline == NULL || making->stopped)
		return;
	making->stopped = true;
	og_call_stop(making->pipeline, why);
}

/*
 * The round is over.  Where its server could not be reached, that is what the
 * next one waits for.
 */
static void
end_round(Making *making, int nopen_before)
{
	og_making_close(making);
	if (making->failed || making->nopen == 0)
		making->next_round = 0;
	else
	{
		making->pause_us = og_longer_pause(making->nopen < nopen_before ? 0
										   : making->pause_us);
		making->next_round = og_clock_now() + making->pause_us;
	}
}

/* Is an answer awaited of something that has left? */
static bool
awaits_answers(const Making *making)
{
	OgProgress	progress;
	StringInfoData unused;

	initStringInfo(&unused);
	og_call_progress(making->pipeline, &progress, &unused);
	pfree(unused.data);
	return progress.in_flight > 0;
}

/* Stop what its server cannot be reached for, or others try that first. */
static void
stop_in_vain(Making *making)
{
	if (making->stopped ||
		(!making->failed &&
		 og_target_lets(making->line->target, making->call.call_id,
						og_clock_now())))
		return;
	making->stopped = making->failed = true;
	og_call_stop(making->pipeline, OG_UNREACHED);
}

/*
 * The same for a session, which gets the pipeline's rows as they are.  One that is
 * there stays there while the session has not taken those before.
 */
static bool
advance_served(Making *making, int rows, OgPause *pause)
{
	OgPause		own = {0, OG_WAIT_NONE};
	OgRow		row;

	for (int i = 0; i < rows; i++)
	{
		if (!og_call_advance(making->pipeline, &own))
		{
			og_pause_merge(pause, &own);
			return false;
		}
		if (og_told_is_full(making))
			return false;
		if (!og_call_next(making->pipeline, &row))
		{
			making->served->pulled = true;
			end_round(making, making->nopen);
			return true;
		}
		og_told_row(making, &row);
	}
	return true;
}

static bool
advance_round(Making *making, int rows, OgPause *pause)
{
	int			nopen = making->nopen;
	OgPause		own = {0, OG_WAIT_NONE};
	OgRow		row;

	for (int i = 0; i < rows; i++)
	{
		bool		ready;

		stop_in_vain(making);
		if (making->stopped && !awaits_answers(making))
		{
			end_round(making, nopen);
			return true;
		}
		ready = og_call_advance(making->pipeline, &own);
		if (!ready && making->failed && !making->stopped)
			continue;
		if (!ready)
		{
			og_pause_merge(pause, &own);
			return false;
		}
		if (!og_call_next(making->pipeline, &row))
		{
			end_round(making, nopen);
			return true;
		}
	}
	return true;
}

/* What is still open of a call that is over is not sent. */
static bool
finish(Making *making, int rows)
{
	int			enough = making->pending.nresults + rows;

	for (; making->nopen > 0 && making->finished < making->keys->nkeys;
		 making->finished++)
	{
		if (making->pending.nresults >= enough)
			return true;
		if (!making->states[making->finished].done)
			og_pending_unsent(making, making->finished);
	}
	if (making->served != NULL && !making->served->pulled)
	{
		og_told_unsent(making, making->over);
		making->served->pulled = true;
	}
	making->pending.end = true;
	return false;
}

bool
og_making_advance(Making *making, int rows, OgPause *pause)
{
	bool		more = making->pipeline != NULL &&
		(making->served != NULL ? advance_served(making, rows, pause)
		 : advance_round(making, rows, pause));

	/* Its end is written with its last results. */
	if (making->pipeline == NULL &&
		(making->over != NULL || making->nopen == 0))
		return finish(making, rows);
	return more;
}

bool
og_making_is_due(const Making *making, int64 now)
{
	return making->pipeline == NULL && making->over == NULL && !making->ended &&
		making->nopen > 0 && now >= making->next_round;
}

void
og_making_end(Making *making)
{
	Line	   *line = making->line;

	bool		passed = making->served != NULL;

	og_making_close(making);
	line->width -= making->width;
	MemoryContextDelete(making->context);
	if (passed)
		og_outbox_passed(line);
	else
		og_outbox_leave(line);
}
