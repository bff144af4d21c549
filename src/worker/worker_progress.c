/*-------------------------------------------------------------------------
 *
 * worker_progress.c
 *		What the journal has of a call's way: marks, results, its end.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "access/xlog.h"
#include "common/hashfn.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/timestamp.h"
#include "utils/xid8.h"

#include "ground/compat.h"
#include "worker/worker_journal.h"
#include "worker/worker_table.h"

/* So many trials are forgotten at once; any others by and by. */
#define MOST_TRIALS		10000

/* ---------- rows in ---------- */

/* Rows of one kind that are added together. */
typedef struct Adding
{
	const OgInstallation *installation;
	const void *rows;
	TimestampTz at;
	uint32		timeline;
} Adding;

static void
form_mark(void *owner, int number, Datum *values, bool *nulls)
{
	const Adding *adding = owner;
	const OgJournalMark *mark = (const OgJournalMark *) adding->rows + number;

	values[MARK_INSTALLATION] = UUIDPGetDatum(&adding->installation->id);
	values[MARK_CALL_ID] = Int64GetDatum(mark->call_id);
	values[MARK_NUMBER] = Int32GetDatum(mark->number);
	values[MARK_LEAVES] = BoolGetDatum(mark->leaves);
	values[MARK_ORDINALS] = og_ints_datum(mark->ordinals, mark->nordinals);
	values[MARK_TIMELINE] = Int32GetDatum(adding->timeline);
	values[MARK_MARKED_AT] = TimestampTzGetDatum(adding->at);
}

void
og_journal_marks(const OgInstallation *installation,
				 const OgJournalMark *marks, int count)
{
	Adding		adding = {installation, marks, GetCurrentTimestamp(),
	GetWALInsertionTimeLine()};

	og_table_insert_many(OG_MARK_TABLE, count, form_mark, &adding);
}

static void
form_result(void *owner, int number, Datum *values, bool *nulls)
{
	const Adding *adding = owner;
	const OgJournalResult *result =
		(const OgJournalResult *) adding->rows + number;
	bool		unused;

	values[RESULT_INSTALLATION] = UUIDPGetDatum(&adding->installation->id);
	values[RESULT_CALL_ID] = Int64GetDatum(result->call_id);
	values[RESULT_ORDINAL] = Int32GetDatum(result->ordinal);
	values[RESULT_LEG] = Int32GetDatum(result->leg);
	values[RESULT_ORDER_ID] = og_slice_or_null(result->order_id, &unused);
	values[RESULT_OUTCOME] = og_outcome_datum(result->outcome);
	values[RESULT_ANSWERED_OUTCOME] = result->settled_at == 0
		? values[RESULT_OUTCOME] : og_outcome_datum(OG_UNKNOWN);
	values[RESULT_CODE] = og_text_or_null(result->code, &nulls[RESULT_CODE]);
	values[RESULT_MESSAGE] = og_text_or_null(result->message,
											 &nulls[RESULT_MESSAGE]);
	values[RESULT_BATCH] = og_int_or_null(result->batch, &nulls[RESULT_BATCH]);
	values[RESULT_ATTEMPTS] = Int32GetDatum(result->attempts);
	values[RESULT_HTTP_STATUS] = og_int_or_null(result->http_status,
												&nulls[RESULT_HTTP_STATUS]);
	values[RESULT_SENT_AT] = og_time_or_null(result->sent_at,
											 &nulls[RESULT_SENT_AT]);
	values[RESULT_ANSWERED_AT] = og_time_or_null(result->answered_at,
												 &nulls[RESULT_ANSWERED_AT]);
	values[RESULT_RESPONSE] = og_slice_or_null(result->response,
											   &nulls[RESULT_RESPONSE]);
	values[RESULT_ORDER_STATE] = og_text_or_null(result->order_state,
												 &nulls[RESULT_ORDER_STATE]);
	values[RESULT_SETTLED_AT] = og_time_or_null(result->settled_at,
												&nulls[RESULT_SETTLED_AT]);
}

void
og_journal_results(const OgInstallation *installation,
				   const OgJournalResult *results, int count)
{
	Adding		adding = {installation, results};

	og_table_insert_many(OG_RESULT_TABLE, count, form_result, &adding);
}

static void
form_end(void *owner, int number, Datum *values, bool *nulls)
{
	const Adding *adding = owner;
	const OgJournalEnd *end = (const OgJournalEnd *) adding->rows + number;

	values[END_INSTALLATION] = UUIDPGetDatum(&adding->installation->id);
	values[END_CALL_ID] = Int64GetDatum(end->call_id);
	values[END_QUARANTINED] = BoolGetDatum(end->quarantined);
	values[END_OUTCOMES] = og_ints_datum(end->outcomes, OG_OUTCOMES);
	values[END_NOTE] = og_text_or_null(end->note, &nulls[END_NOTE]);
	values[END_DONE_AT] = TimestampTzGetDatum(adding->at);
}

void
og_journal_ends(const OgInstallation *installation, const OgJournalEnd *ends,
				int count)
{
	Adding		adding = {installation, ends, GetCurrentTimestamp()};

	og_table_insert_many(OG_END_TABLE, count, form_end, &adding);
}

typedef struct Following
{
	const OgJournalCall *call;
	OgJournalProgress *progress;
} Following;

static bool
take_mark(void *owner, const OgTableRow *row)
{
	Following  *following = owner;
	uint8	   *states = following->progress->states;
	bool		leaves = DatumGetBool(row->values[MARK_LEAVES]);
	ArrayType  *ordinals = DatumGetArrayTypeP(row->values[MARK_ORDINALS]);
	int			count = ArrayGetNItems(ARR_NDIM(ordinals), ARR_DIMS(ordinals));
	const int32 *each = (const int32 *) ARR_DATA_PTR(ordinals);

#ifdef OG_PLANT_J3
	leaves = false;				/* a fault for test/storm to find */
#endif
	following->progress->nmarks = DatumGetInt32(row->values[MARK_NUMBER]);
	for (int i = 0; i < count; i++)
	{
		if (each[i] >= 1 && each[i] <= following->call->nids)
			states[each[i] - 1] = leaves ? OG_ORDINAL_MARKED : OG_ORDINAL_OPEN;
	}
	return true;
}

static bool
take_result(void *owner, const OgTableRow *row)
{
	Following  *following = owner;
	int			ordinal = DatumGetInt32(row->values[RESULT_ORDINAL]);

	following->progress->outcomes[og_outcome_of(row->values[RESULT_OUTCOME])]++;
	if (ordinal >= 1 && ordinal <= following->call->nids)
		following->progress->states[ordinal - 1] = OG_ORDINAL_DONE;
	return true;
}

static bool
take_end(void *owner, const OgTableRow *row)
{
	((Following *) owner)->progress->ended = true;
	return false;
}

/* On the same timeline: whatever was marked before is known wherever this is. */
static bool
take_withdrawal(void *owner, const OgTableRow *row)
{
	Following  *following = owner;

	if ((uint32) DatumGetInt32(row->values[WITHDRAWAL_TIMELINE]) ==
		following->call->timeline)
		following->progress->withdrawn = true;
	return true;
}

/* ---------- which calls are open ---------- */

/* Calls in the order of their ids, of which those that have ended go out. */
typedef struct Sifting
{
	int64	   *calls;
	int			count;
	int			most;
	int			next;			/* to be compared with the next end */
	int			kept;
} Sifting;

/* The second column of all tables but that of references. */
static int64
call_id_of(const OgTableRow *row)
{
	return DatumGetInt64(row->values[CALL_CALL_ID]);
}

static bool
take_call_id(void *owner, const OgTableRow *row)
{
	Sifting    *sifting = owner;
	int64		call_id = call_id_of(row);

	if (sifting->count > 0 && sifting->calls[sifting->count - 1] == call_id)
		return true;
	if (sifting->count == sifting->most)
		return false;
	sifting->calls[sifting->count++] = call_id;
	return true;
}

static bool
sift_out(void *owner, const OgTableRow *row)
{
	Sifting    *sifting = owner;
	int64		ended = call_id_of(row);

	while (sifting->next < sifting->count &&
		   sifting->calls[sifting->next] < ended)
		sifting->calls[sifting->kept++] = sifting->calls[sifting->next++];
	if (sifting->next < sifting->count &&
		sifting->calls[sifting->next] == ended)
		sifting->next++;
	return sifting->next < sifting->count;
}

int
og_journal_open_calls(const OgInstallation *installation, bool marked,
					  int64 *from, int64 *calls, int most)
{
	Sifting		sifting = {.calls = calls,.most = most};
	ScanKeyData keys[2];

	og_table_call_key_from(keys, &installation->id, *from);
	og_table_scan(marked ? OG_MARK_TABLE : OG_CALL_TABLE,
				  marked ? OG_MARK_KEY : OG_CALL_KEY, NULL, keys, 2,
				  take_call_id, &sifting);
	*from = sifting.count < most ? PG_INT64_MAX : calls[sifting.count - 1] + 1;
	if (sifting.count == 0)
		return 0;
	og_table_call_key_from(keys, &installation->id, calls[0]);
	og_table_scan(OG_END_TABLE, OG_END_KEY, NULL, keys, 2, sift_out, &sifting);
	while (sifting.next < sifting.count)
		calls[sifting.kept++] = calls[sifting.next++];
	return sifting.kept;
}

/* ---------- how far a call has come ---------- */

/* Go through the rows that a table has of a call. */
static void
scan_call(OgTable table, OgTable index, const OgInstallation *installation,
		  int64 call_id, OgFound found, void *owner)
{
	ScanKeyData keys[2];

	og_table_call_key(keys, &installation->id, call_id);
	og_table_scan(table, index, NULL, keys, 2, found, owner);
}

/* An id, and where it stands first. */
typedef struct FirstPlace
{
	OgSlice		id;				/* the key: its address */
	int			position;
} FirstPlace;

static uint32
hash_id(const void *key, Size size)
{
	const OgSlice *id = key;

	return hash_bytes((const unsigned char *) id->data, (int) id->len);
}

static int
compare_ids(const void *a, const void *b, Size size)
{
	return og_slice_compare(*(const OgSlice *) a, *(const OgSlice *) b);
}

/* Repeated ids share what was marked of the first of them. */
static void
share_marks(const OgJournalCall *call, uint8 *states)
{
	HASHCTL		info = {.keysize = sizeof(OgSlice),
		.entrysize = sizeof(FirstPlace),
		.hash = hash_id,.match = compare_ids,
	.hcxt = CurrentMemoryContext};
	HTAB	   *places = hash_create("order_gateway ids", call->nids, &info,
									 HASH_ELEM | HASH_FUNCTION | HASH_COMPARE |
									 HASH_CONTEXT);

	for (int i = 0; i < call->nids; i++)
	{
		bool		again;
		FirstPlace *first = hash_search(places, &call->ids[i], HASH_ENTER,
										&again);

		if (!again)
			first->position = i;
		else if (states[i] == OG_ORDINAL_OPEN)
			states[i] = states[first->position] == OG_ORDINAL_MARKED
				? OG_ORDINAL_MARKED : OG_ORDINAL_OPEN;
	}
	hash_destroy(places);
}

void
og_journal_progress(const OgInstallation *installation,
					const OgJournalCall *call, OgJournalProgress *progress)
{
	Following	following = {call, progress};

	memset(progress, 0, sizeof(*progress));
	progress->states = MemoryContextAllocExtended(CurrentMemoryContext,
												  Max(call->nids, 1),
												  MCXT_ALLOC_HUGE |
												  MCXT_ALLOC_ZERO);
	scan_call(OG_MARK_TABLE, OG_MARK_KEY, installation, call->call_id,
			  take_mark, &following);
	if (progress->nmarks > 0 && call->nids > 1)
		share_marks(call, progress->states);
	scan_call(OG_RESULT_TABLE, OG_RESULT_KEY, installation, call->call_id,
			  take_result, &following);
	scan_call(OG_END_TABLE, OG_END_KEY, installation, call->call_id, take_end,
			  &following);
	scan_call(OG_WITHDRAWAL_TABLE, OG_WITHDRAWAL_KEY, installation,
			  call->call_id, take_withdrawal, &following);
}

/* ---------- results out ---------- */

typedef struct Reading
{
	void		(*take) (void *owner, const OgJournalResult *result);
	void	   *owner;
} Reading;

static char *
text_of(const OgTableRow *row, int column)
{
	return row->nulls[column] ? NULL
		: TextDatumGetCString(row->values[column]);
}

static int
int_of(const OgTableRow *row, int column)
{
	return row->nulls[column] ? 0 : DatumGetInt32(row->values[column]);
}

static TimestampTz
time_of(const OgTableRow *row, int column)
{
	return row->nulls[column] ? 0 : DatumGetTimestampTz(row->values[column]);
}

static bool
read_result(void *owner, const OgTableRow *row)
{
	const Reading *reading = owner;
	OgJournalResult result = {
		.call_id = call_id_of(row),
		.ordinal = int_of(row, RESULT_ORDINAL),
		.leg = int_of(row, RESULT_LEG),
		.order_id = og_slice_of(text_of(row, RESULT_ORDER_ID)),
		.outcome = og_outcome_of(row->values[RESULT_OUTCOME]),
		.code = text_of(row, RESULT_CODE),
		.message = text_of(row, RESULT_MESSAGE),
		.batch = int_of(row, RESULT_BATCH),
		.attempts = int_of(row, RESULT_ATTEMPTS),
		.http_status = int_of(row, RESULT_HTTP_STATUS),
		.sent_at = time_of(row, RESULT_SENT_AT),
		.answered_at = time_of(row, RESULT_ANSWERED_AT),
		.response = og_slice_of(text_of(row, RESULT_RESPONSE))
	};

	reading->take(reading->owner, &result);
	return true;
}

void
og_journal_read_results(const OgInstallation *installation, int64 call_id,
						void (*take) (void *owner,
									  const OgJournalResult *result),
						void *owner)
{
	Reading		reading = {take, owner};

	scan_call(OG_RESULT_TABLE, OG_RESULT_KEY, installation, call_id,
			  read_result, &reading);
}

/* ---------- trials ---------- */

typedef struct Trials
{
	int			crashes;		/* by now */
	int			before;			/* trials with fewer */
	bool		now;			/* one with as many */
} Trials;

static bool
take_trial(void *owner, const OgTableRow *row)
{
	Trials	   *trials = owner;
	int			crashes = DatumGetInt32(row->values[TRIAL_CRASHES]);

	if (crashes < trials->crashes)
		trials->before++;
	else
		trials->now = true;
	return true;
}

static void
add_trial(const OgInstallation *installation, int64 call_id, int crashes)
{
	Datum		values[TRIAL_COLUMNS] = {0};
	bool		nulls[TRIAL_COLUMNS] = {false};

	values[TRIAL_INSTALLATION] = UUIDPGetDatum(&installation->id);
	values[TRIAL_CALL_ID] = Int64GetDatum(call_id);
	values[TRIAL_CRASHES] = Int32GetDatum(crashes);
	values[TRIAL_BEGUN_AT] = TimestampTzGetDatum(GetCurrentTimestamp());
	og_table_insert(OG_TRIAL_TABLE, values, nulls);
}

int
og_journal_try(const OgInstallation *installation, int64 call_id, int crashes)
{
	Trials		trials = {.crashes = crashes};

	scan_call(OG_TRIAL_TABLE, OG_TRIAL_KEY, installation, call_id, take_trial,
			  &trials);
	if (!trials.now)
		add_trial(installation, call_id, crashes);
	return trials.before;
}

void
og_journal_forget_trials(const OgInstallation *installation)
{
	int			most = MOST_TRIALS;
	ScanKeyData keys[2];

	og_table_call_key_from(keys, &installation->id, PG_INT64_MIN);
	(void) og_table_remove(OG_TRIAL_TABLE, OG_TRIAL_KEY, keys, 2, &most);
}

/* ---------- withdrawal ---------- */

static bool
has_row(OgTable table, OgTable index, const OgInstallation *installation,
		int64 call_id)
{
	ScanKeyData keys[2];

	og_table_call_key(keys, &installation->id, call_id);
	return og_table_has(table, index, keys, 2);
}

bool
og_journal_is_marked(const OgInstallation *installation, int64 call_id)
{
	return has_row(OG_MARK_TABLE, OG_MARK_KEY, installation, call_id);
}

bool
og_journal_is_withdrawn(const OgInstallation *installation, int64 call_id)
{
	return has_row(OG_WITHDRAWAL_TABLE, OG_WITHDRAWAL_KEY, installation,
				   call_id);
}

bool
og_journal_is_done(const OgInstallation *installation, int64 call_id)
{
	return has_row(OG_END_TABLE, OG_END_KEY, installation, call_id);
}

/*
 * Whoever marks orders holds this lock until that is committed, and whoever
 * withdraws a call while that is added.  So either the one sees that the call is
 * being withdrawn, or the other one all marks that there will be.  It is one for
 * all calls, since a transaction may withdraw any number.
 */
static LOCKTAG
marking_lock(void)
{
	return og_lock_tag(OG_LOCK_MARKING);
}

static OgWithdrawal
find_withdrawal(const OgInstallation *installation, int64 call_id,
				TransactionId *writer)
{
	ScanKeyData keys[2];

	og_table_call_key(keys, &installation->id, call_id);
	if (!og_table_find_dirty(OG_WITHDRAWAL_TABLE, OG_WITHDRAWAL_KEY, keys, 2,
							 writer))
		return OG_NOT_WITHDRAWN;
	return TransactionIdIsValid(*writer) ? OG_BEING_WITHDRAWN
		: OG_IS_WITHDRAWN;
}

OgWithdrawal
og_journal_ask_to_mark(const OgInstallation *installation, int64 call_id)
{
	LOCKTAG		tag = marking_lock();
	TransactionId writer;

	(void) LockAcquire(&tag, ExclusiveLock, false, false);
	return find_withdrawal(installation, call_id, &writer);
}

static void
add_withdrawal(const OgInstallation *installation, int64 call_id,
			   const char *role)
{
	Datum		values[WITHDRAWAL_COLUMNS] = {0};
	bool		nulls[WITHDRAWAL_COLUMNS] = {false};

	values[WITHDRAWAL_INSTALLATION] = UUIDPGetDatum(&installation->id);
	values[WITHDRAWAL_CALL_ID] = Int64GetDatum(call_id);
	values[WITHDRAWAL_XID] =
		FullTransactionIdGetDatum(GetTopFullTransactionId());
	values[WITHDRAWAL_ROLE] = og_name_datum(role);
	values[WITHDRAWAL_TIMELINE] = Int32GetDatum(GetWALInsertionTimeLine());
	values[WITHDRAWAL_WITHDRAWN_AT] =
		TimestampTzGetDatum(GetCurrentTimestamp());
	og_table_insert(OG_WITHDRAWAL_TABLE, values, nulls);
}

bool
og_journal_withdraw(const OgInstallation *installation, int64 call_id,
					const char *role)
{
	LOCKTAG		tag = marking_lock();

	for (;;)
	{
		TransactionId writer;
		OgWithdrawal withdrawal;

		(void) LockAcquire(&tag, ExclusiveLock, false, false);
		withdrawal = find_withdrawal(installation, call_id, &writer);
		if (withdrawal == OG_NOT_WITHDRAWN)
			add_withdrawal(installation, call_id, role);
		(void) LockRelease(&tag, ExclusiveLock, false);
		if (withdrawal != OG_BEING_WITHDRAWN)
		{
			CommandCounterIncrement();
			return withdrawal == OG_NOT_WITHDRAWN;
		}
		XactLockTableWait(writer, NULL, NULL, XLTW_None);
	}
}

void
og_journal_take_back(const OgInstallation *installation, int64 call_id)
{
	int			most = 1;
	ScanKeyData keys[2];

	og_table_call_key(keys, &installation->id, call_id);
	(void) og_table_remove(OG_WITHDRAWAL_TABLE, OG_WITHDRAWAL_KEY, keys, 2,
						   &most);
	CommandCounterIncrement();
}
