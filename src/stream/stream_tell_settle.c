/*-------------------------------------------------------------------------
 *
 * stream_tell_settle.c
 *		What follows from what streams tell, for orders whose outcome is unknown.
 *
 * What counts is what came since the request was sent.  A call is settled when it is
 * done: until then the gateway worker counts what came of it.  Should both write down
 * the same at once, one of them tries again.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "provider/btse/provider_btse.h"
#include "stream/stream_tell.h"
#include "worker/worker_settlement.h"
#include "worker/worker_table.h"

/* ---------- unknown results ---------- */

/* A result that is unknown, of this order. */
typedef struct UnknownOf
{
	int64		call_id;
	int			ordinal;
	TimestampTz sent_at;		/* 0 = not known */
} UnknownOf;

#define MOST_UNKNOWN	20

typedef struct Looking
{
	Order	   *order;
	UnknownOf	unknown[MOST_UNKNOWN];
	int			count;
} Looking;

static bool
take_result(void *owner, const OgTableRow *row)
{
	Looking    *looking = owner;
	const pg_uuid_t *id =
		DatumGetUUIDP(row->values[RESULT_INSTALLATION]);

	if (memcmp(id, &og_stream_loop.installation, sizeof(pg_uuid_t)) != 0 ||
		og_outcome_of(row->values[RESULT_OUTCOME]) != OG_UNKNOWN ||
		DatumGetInt32(row->values[RESULT_LEG]) != 1)
		return true;
	looking->unknown[looking->count++] = (UnknownOf)
	{
		.call_id = DatumGetInt64(row->values[RESULT_CALL_ID]),
		.ordinal = DatumGetInt32(row->values[RESULT_ORDINAL]),
		.sent_at = row->nulls[RESULT_SENT_AT] ? 0
			: DatumGetTimestampTz(row->values[RESULT_SENT_AT])
	};
	return looking->count < MOST_UNKNOWN;
}

static void
find_results(Looking *looking)
{
	ScanKeyData key;

	og_table_text_key(&key, RESULT_ORDER_ID,
					  CStringGetTextDatum(looking->order->key.id));
	og_table_scan(OG_RESULT_TABLE, OG_RESULT_ORDER, NULL, &key, 1,
				  take_result, looking);
}

/* ---------- what follows ---------- */

static bool
act_of(const OgJournalCall *call, OgStreamAct *act)
{
	static const struct
	{
		const char *operation;
		OgStreamAct act;
	}			acts[] =
	{
		{"create_order", OG_STREAM_CREATE},
		{"cancel", OG_STREAM_CANCEL},
		{"amend_order", OG_STREAM_AMEND}
	};

	for (int i = 0; i < lengthof(acts); i++)
	{
		if (strcmp(acts[i].operation, call->operation) != 0)
			continue;
		*act = acts[i].act;
		return true;
	}
	return false;
}

static void
add_status(OgStreamTold *told, OgStreamAct act, int status)
{
	if (status == A_FILL)
		og_btse_stream_filled(told, act);
	else
		og_btse_stream_notified(told, act, status);
}

/*
 * Was all heard since then that is told of this account?  A process that has just
 * begun has not heard what was told before.
 */
static bool
heard_all(const char *account, TimestampTz since)
{
	bool		followed = false;
	dlist_iter	iter;

	dlist_foreach(iter, &og_stream_loop.streams)
	{
		const Stream *stream = stream_of(iter.cur);

		if (stream->wish.kind != OG_STREAM_NOTIFICATIONS ||
			stream->party->account == NULL ||
			strcmp(og_account_names(stream->party->account)->account,
				   account) != 0)
			continue;
		if (stream->shown.state != OG_STREAM_LIVE ||
			stream->shown.since > since)
			return false;
		followed = true;
	}
	return followed;
}

static OgVerdict
verdict_since(const Order *order, OgStreamAct act, TimestampTz since)
{
	OgStreamTold told = {0};

	for (int i = 0; i < order->ntold; i++)
	{
		if (order->told[i].at >= since)
			add_status(&told, act, order->told[i].status);
	}
	if (told.is_weak && !heard_all(order->key.account, since))
		return OG_UNKNOWN;
	return og_btse_stream_verdict(&told);
}

/* Where the order stands, by the status that was told last, and by its fills. */
static OgOrderState
state_of(const Order *order, OgStreamAct act, OgVerdict verdict)
{
	OgOrderState state = OG_ORDER_UNKNOWN;
	bool		filled = false;

	if (verdict == OG_REJECTED && act == OG_STREAM_CREATE)
		return OG_ORDER_GONE;
	for (int i = order->ntold - 1; i >= 0 && state == OG_ORDER_UNKNOWN; i--)
	{
		if (order->told[i].status == A_FILL)
			filled = true;
		else
			state = og_btse_stream_state(order->told[i].status);
	}
	return filled && (state == OG_ORDER_OPEN || state == OG_ORDER_UNKNOWN)
		? OG_ORDER_PARTLY_FILLED : state;
}

/* What is written down of that. */
typedef struct Settling
{
	Learning   *learning;
	List	   *accounts;		/* og_tell_account()'s */
	Settlement *settlements;
	int			count;
	int			size;
} Settling;

static void
learn(Settling *settling, const Order *order, const UnknownOf *unknown,
	  OgStreamAct act, OgVerdict verdict)
{
	if (settling->count == settling->size)
	{
		settling->size *= 2;
		settling->settlements = repalloc(settling->settlements,
										 settling->size * sizeof(Settlement));
	}
	settling->settlements[settling->count++] = (Settlement)
	{
		.call_id = unknown->call_id,
		.ordinal = unknown->ordinal,
		.outcome = verdict,
		.state = state_of(order, act, verdict),
		.settled_at = GetCurrentTimestamp()
	};
}

static void
conclude(Settling *settling, Order *order, const UnknownOf *unknown)
{
	OgJournalCall call;
	OgStreamAct act;
	OgVerdict	verdict;

	if (!og_journal_read_head(&settling->learning->installation, unknown->call_id,
							  &call) ||
		strcmp(call.provider, og_btse.name) != 0 ||
		!act_of(&call, &act) ||
		strcmp(og_tell_account(&settling->accounts, call.serverid, call.roleid),
			   order->key.account) != 0)
		return;
	verdict = verdict_since(order, act, unknown->sent_at != 0
							? unknown->sent_at : call.submitted_at);
	if (verdict == OG_UNKNOWN)
		return;
	if (og_journal_is_done(&settling->learning->installation, unknown->call_id))
		learn(settling, order, unknown, act, verdict);
	else
		order->waits = true;
}

static void
look_for(Settling *settling, Order *order)
{
	Looking		looking = {.order = order};

	order->waits = false;
	find_results(&looking);
	for (int i = 0; i < looking.count; i++)
		conclude(settling, order, &looking.unknown[i]);
}

static int
compare_calls(const void *a, const void *b)
{
	const Settlement *x = a;
	const Settlement *y = b;

	if (x->call_id != y->call_id)
		return x->call_id < y->call_id ? -1 : 1;
	return x->ordinal - y->ordinal;
}

void
og_tell_settle(void *arg)
{
	Learning   *learning = arg;
	Settling	settling = {.learning = learning,.size = 16};
	ListCell   *cell;

	if (og_table_oid(OG_STREAM_TABLE) != og_stream_loop.table ||
		!og_table_try_lock(OG_RESULT_TABLE, RowExclusiveLock) ||
		!og_table_try_lock(OG_END_TABLE, RowExclusiveLock))
		ereport(ERROR,
				(errcode(ERRCODE_LOCK_NOT_AVAILABLE),
				 errmsg("the journal is locked, or is another one")));
	settling.settlements = palloc(settling.size * sizeof(Settlement));
	foreach(cell, learning->orders)
		look_for(&settling, lfirst(cell));
	learning->count = settling.count;
	if (settling.count == 0)
		return;
	qsort(settling.settlements, settling.count, sizeof(Settlement),
		  compare_calls);
	og_settlement_write(&learning->installation, settling.settlements,
						settling.count);
}
