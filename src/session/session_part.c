/*-------------------------------------------------------------------------
 *
 * session_part.c
 *		A call that the worker makes, in parts: its ids go over, and its rows come
 *		back.
 *
 * Nearly all calls are one part, and what was given stands in the journal as it
 * was given.  Of a longer one each different id goes over once, and its row is
 * kept here for as long as it is to be shown again.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "ground/list.h"
#include "session/session_part.h"

/* ---------- beginning ---------- */

/* Memory for each key of a call, of which there may be many. */
static void *
of_each_key(const SessionCall *call, size_t size)
{
	return MemoryContextAllocExtended(call->context,
									  call->act->keys->nkeys * size,
									  MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
}

SessionCall *
og_session_call(const OgAct *act)
{
	SessionCall *call = palloc0(sizeof(SessionCall));
	int			call_timeout = act->account->call_timeout;

	call->act = act;
	call->role = GetUserNameFromId(GetUserId(), false);
	call->context = CurrentMemoryContext;
	call->left = of_each_key(call, sizeof(bool));
	call->expires_at = call_timeout == 0 ? DT_NOEND
		: TimestampTzPlusMilliseconds(GetCurrentTimestamp(), call_timeout);
	return call;
}

/* ---------- parts ---------- */

/* How many bytes of a part a key is. */
static size_t
key_size(const OgKeys *keys, int key)
{
	size_t		size = og_keys_get(keys, key).len;

	if (keys->arguments == NULL)
		return size;
	for (int i = 0; i < keys->arguments[key].count; i++)
	{
		const OgField *field = &keys->arguments[key].items[i];

		size += strlen(field->name) + strlen(field->value);
	}
	return size;
}

/* Does one more request fit in?  *size is that of all before, and grows. */
static bool
fits(const OgKeys *keys, const SessionPart *part, int end, size_t *size)
{
	for (int key = part->end; key < end; key++)
		*size += key_size(keys, key);
	return part->end == part->first ||
		(end - part->first <= OG_PART_KEYS && *size <= OG_PART_BYTES);
}

/* Of a call in several parts, rows of repeated ids are kept. */
static void
expect_repeated(SessionCall *call)
{
	const OgKeys *keys = call->act->keys;

	if (keys->key_of == NULL || call->remaining != NULL)
		return;
	call->remaining = of_each_key(call, sizeof(int));
	call->repeated = of_each_key(call, sizeof(RepeatedRow *));
	for (int i = 0; i < keys->npositions; i++)
	{
		if ((i & 0xffff) == 0)
			CHECK_FOR_INTERRUPTS();
		call->remaining[keys->key_of[i]]++;
	}
}

/* One that begins with the next key, and ends after so many at most. */
static SessionPart *
cut(SessionCall *call, bool bounded)
{
	const OgAct *act = call->act;
	const OgKeys *keys = act->keys;
	SessionPart *part = og_session_part(call, call->ncut);
	TimestampTz last = call->ncut == 0 ? 0
		: og_session_part(call, call->ncut - 1)->submitted_at;
	size_t		size = 0;
	int			end;

	memset(part, 0, sizeof(*part));
	part->first = part->end = part->batch_end = call->next_key;
	part->nbatches = part->batch = call->next_batch;
	while (part->end < keys->nkeys)
	{
		end = og_keys_batch_end(keys, act->account, act->operation, part->end);
		if (bounded && !fits(keys, part, end, &size))
			break;
		part->end = end;
		call->next_batch++;
	}
	call->next_key = part->end;
	part->nids = part->end - part->first;
	part->whole = part->nids == keys->nkeys && keys->npositions <= OG_PART_KEYS;
	if (part->whole)
		part->nids = keys->npositions;
	else
		expect_repeated(call);
	part->submitted_at = Max(GetCurrentTimestamp(), last + 1);
	part->before = ReadNextFullTransactionId();
	call->ncut++;
	return part;
}

SessionPart *
og_session_cut(SessionCall *call)
{
	return cut(call, true);
}

SessionPart *
og_session_cut_rest(SessionCall *call)
{
	return cut(call, false);
}

/* The key of a position among a part's ids. */
static int
key_at(const SessionCall *call, const SessionPart *part, int position)
{
	return part->whole ? og_keys_at(call->act->keys, position)
		: part->first + position;
}

OgPart *
og_session_form(const SessionCall *call, const SessionPart *part)
{
	const OgAct *act = call->act;
	const OgKeys *keys = act->keys;
	OgPart	   *form = palloc0(sizeof(OgPart));

	form->call = (OgJournalCall)
	{
		.call_id = part->call_id,
		.origin = "session",
		.function = act->function,
		.functionid = act->functionid,
		.provider = act->account->provider->name,
		.operation = act->operation->name,
		.serverid = act->account->serverid,
		.server = act->account->server,
		.roleid = GetUserId(),
		.role = call->role,
		.arguments = *act->arguments,
		.ids = palloc(part->nids * sizeof(OgSlice)),
		.nids = part->nids,
		.submitted_at = part->submitted_at,
		.not_before = part->submitted_at,
		.expires_at = part->first == 0 ? DT_NOEND : call->expires_at
	};
	for (int i = 0; i < part->nids; i++)
		form->call.ids[i] = og_keys_get(keys, key_at(call, part, i));
	if (keys->arguments != NULL)
		form->call.order_arguments = (OgFields *) &keys->arguments[part->first];
	form->session_role = GetSessionUserId();
	form->pid = MyProcPid;
	form->version = act->account->version;
	return form;
}

/* ---------- rows ---------- */

/* Ids without rows have left, or have not. */
static void
set_left(SessionCall *call, const SessionPart *part, int first, int count,
		 bool left)
{
	for (int i = first; i < first + count && i < part->nids; i++)
	{
		int			key = key_at(call, part, i);

		if (key < call->nanswered || call->left[key] == left)
			continue;
		call->left[key] = left;
		call->nin_flight += left ? 1 : -1;
	}
}

void
og_session_left(SessionCall *call, const SessionPart *part, int first,
				int count)
{
	set_left(call, part, first, count, true);
}

void
og_session_back(SessionCall *call, const SessionPart *part, int first,
				int count)
{
	set_left(call, part, first, count, false);
}

/* All orders of the next position. */
static void
put_next(SessionCall *call, const OgRow *row)
{
	const OgAct *act = call->act;
	OgRow		put = *row;

	put.position = call->position++;
	for (const OgOutcome *o = row->outcome; o != NULL; o = o->next)
	{
		put.outcome = o;
		act->put(act->owner, &put);
	}
}

/* A row that its key is to be shown with once more. */
static void
keep_row(SessionCall *call, int key, const OgRow *row)
{
	RepeatedRow *kept;
	MemoryContext old;

	if (--call->remaining[key] == 0)
		return;
	old = MemoryContextSwitchTo(call->context);
	kept = palloc(sizeof(RepeatedRow));
	kept->row = *row;
	kept->row.outcome = &kept->outcome;
	og_outcome_copy(&kept->outcome, row->outcome);
	call->repeated[key] = kept;
	MemoryContextSwitchTo(old);
}

/* Positions that follow, and are of keys that were answered. */
static void
put_repeated(SessionCall *call)
{
	const OgKeys *keys = call->act->keys;

	while (call->position < keys->npositions &&
		   keys->key_of[call->position] < call->nanswered)
	{
		int			key = keys->key_of[call->position];
		RepeatedRow *kept = call->repeated[key];

		if ((call->position & 0xffff) == 0)
			CHECK_FOR_INTERRUPTS();
		put_next(call, &kept->row);
		if (--call->remaining[key] > 0)
			continue;
		og_outcome_free(&kept->outcome);
		pfree(kept);
		call->repeated[key] = NULL;
	}
}

/* The request of a key, as it would be numbered in one call of all parts. */
static int
batch_of(const SessionCall *call, SessionPart *part, int key)
{
	const OgAct *act = call->act;

	if (key < part->batch_first)
	{
		part->batch_end = part->first;
		part->batch = part->nbatches;
	}
	while (key >= part->batch_end)
	{
		part->batch_first = part->batch_end;
		part->batch_end = og_keys_batch_end(act->keys, act->account,
											act->operation, part->batch_end);
		part->batch++;
	}
	return part->batch;
}

/* The next id of a part has its row.  Answers its key. */
static int
count_row(SessionCall *call, SessionPart *part, const OgRow *row)
{
	int			key = key_at(call, part, part->nanswered++);

	if (key == call->nanswered)
	{
		call->nanswered++;
		call->nin_flight -= call->left[key];
		call->ndone += row->outcome->verdict == call->act->operation->done;
	}
	return key;
}

void
og_session_count(SessionCall *call, SessionPart *part, const OgRow *row)
{
	if (row->position == part->nanswered)
		(void) count_row(call, part, row);
}

void
og_session_answer(SessionCall *call, SessionPart *part, const OgRow *row)
{
	OgRow		whole = *row;
	int			key;

	if (row->position != part->nanswered)
		elog(ERROR, "the row of id %d came instead of that of id %d",
			 row->position + 1, part->nanswered + 1);
	key = count_row(call, part, row);
	whole.batch = row->batch == 0 ? batch_of(call, part, key)
		: row->batch + part->nbatches;
	put_next(call, &whole);
	if (call->remaining == NULL)
		return;
	keep_row(call, key, &whole);
	put_repeated(call);
}

void
og_session_say(SessionCall *call, SessionPart *part, OgVerdict verdict,
			   const char *why)
{
	OgOutcome	outcome = {.verdict = verdict,.message = why};
	OgRow		row = {
		.position = part->nanswered,
		.outcome = &outcome,
		.attempts = verdict == OG_UNKNOWN
	};

	og_session_answer(call, part, &row);
}

/* ---------- how far it has come ---------- */

void
og_session_progress(const SessionCall *call, OgProgress *progress,
					StringInfo in_flight)
{
	const OgKeys *keys = call->act->keys;

	progress->total = keys->nkeys;
	progress->answered = call->nanswered;
	progress->done = call->ndone;
	progress->wanted = call->act->operation->done;
	progress->in_flight = call->nin_flight;
	if (progress->wanted == OG_CANCELLED)
		return;
	for (int key = call->nanswered; key < call->next_key; key++)
	{
		OgSlice		id = og_keys_get(keys, key);

		if (call->left[key])
			og_list_add(in_flight, "%.*s", (int) id.len, id.data);
	}
}
