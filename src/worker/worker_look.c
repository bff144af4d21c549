/*-------------------------------------------------------------------------
 *
 * worker_look.c
 *		What was committed since the last look: calls, and withdrawals.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"
#include "utils/xid8.h"

#include "ground/compat.h"
#include "worker/worker_journal.h"
#include "worker/worker_table.h"

typedef struct Looking
{
	const OgInstallation *installation;
	Snapshot	snapshot;
	void		(*found) (void *owner, const OgJournalEntry *entry);
	void		(*withdrawn) (void *owner, int64 call_id);
	void	   *owner;
	int64		next_ended;		/* of the first look */
	bool		any;			/* of those that are on their way */
} Looking;

static bool
is_origin(Datum origin, const char *name)
{
	const text *is = DatumGetTextPP(origin);
	OgSlice		slice = og_slice(VARDATA_ANY(is), VARSIZE_ANY_EXHDR(is));

	return og_slice_equal(slice, og_slice_of(name));
}

static bool
take_entry(void *owner, const OgTableRow *row)
{
	Looking    *looking = owner;
	const Datum *values = row->values;

	/* It has its end, and nothing of it is to be sent. */
	if (is_origin(values[CALL_ORIGIN], OG_IS_FOUND))
		return true;
	looking->found(looking->owner, &(OgJournalEntry)
				   {
					   .call_id = DatumGetInt64(values[CALL_CALL_ID]),
					   .not_before = DatumGetTimestampTz(values[CALL_NOT_BEFORE]),
					   .expires_at = DatumGetTimestampTz(values[CALL_EXPIRES_AT]),
					   .timeline = DatumGetInt32(values[CALL_TIMELINE]),
					   .serverid = DatumGetObjectId(values[CALL_SERVER_ID]),
					   .roleid = DatumGetObjectId(values[CALL_ROLE_ID]),
					   .of_session = is_origin(values[CALL_ORIGIN], OG_OF_SESSION)
				   });
	return true;
}

static bool
take_withdrawal(void *owner, const OgTableRow *row)
{
	Looking    *looking = owner;

	looking->withdrawn(looking->owner,
					   DatumGetInt64(row->values[WITHDRAWAL_CALL_ID]));
	return true;
}

/* Keys of an index: what transactions wrote whose number is this, or more. */
static void
xid_key(ScanKeyData keys[2], const Looking *looking, int column,
		FullTransactionId xid, bool and_above)
{
	og_table_installation_key(&keys[0], &looking->installation->id);
	ScanKeyInit(&keys[1], column + 1,
				and_above ? BTGreaterEqualStrategyNumber
				: BTEqualStrategyNumber,
				and_above ? F_XID8GE : F_XID8EQ,
				FullTransactionIdGetDatum(xid));
}

static void
look_at(Looking *looking, FullTransactionId xid, bool and_above)
{
	ScanKeyData keys[2];

	xid_key(keys, looking, CALL_XID, xid, and_above);
	og_table_scan(OG_CALL_TABLE, OG_CALL_XID, looking->snapshot, keys, 2,
				  take_entry, looking);
	xid_key(keys, looking, WITHDRAWAL_XID, xid, and_above);
	og_table_scan(OG_WITHDRAWAL_TABLE, OG_WITHDRAWAL_XID, looking->snapshot,
				  keys, 2, take_withdrawal, looking);
}

/* Did this one have an end when the first look came to it? */
static bool
take_ended(void *owner, const OgTableRow *row)
{
	((Looking *) owner)->next_ended =
		DatumGetInt64(row->values[END_CALL_ID]);
	return false;
}

static bool
has_ended(Looking *looking, int64 call_id)
{
	ScanKeyData keys[2];

	if (looking->next_ended < call_id)
	{
		looking->next_ended = PG_INT64_MAX;
		og_table_call_key_from(keys, &looking->installation->id, call_id);
		og_table_scan(OG_END_TABLE, OG_END_KEY, looking->snapshot, keys, 2,
					  take_ended, looking);
	}
	return looking->next_ended == call_id;
}

static bool
take_open_entry(void *owner, const OgTableRow *row)
{
	if (!has_ended(owner, DatumGetInt64(row->values[CALL_CALL_ID])))
		(void) take_entry(owner, row);
	return true;
}

static void
first_look(Looking *looking)
{
	int64		from = looking->installation->done_below;
	ScanKeyData keys[2];

	looking->next_ended = PG_INT64_MIN;
	og_table_call_key_from(keys, &looking->installation->id, from);
	og_table_scan(OG_CALL_TABLE, OG_CALL_KEY, looking->snapshot, keys, 2,
				  take_open_entry, looking);
	og_table_call_key_from(keys, &looking->installation->id, from);
	og_table_scan(OG_WITHDRAWAL_TABLE, OG_WITHDRAWAL_KEY, looking->snapshot,
				  keys, 2, take_withdrawal, looking);
}

/* The whole number of a transaction, of which a snapshot has a part. */
static FullTransactionId
widen(TransactionId xid, FullTransactionId next)
{
	uint32		epoch = EpochFromFullTransactionId(next);

	if (xid > XidFromFullTransactionId(next))
		epoch--;
	return FullTransactionIdFromEpochAndXid(epoch, xid);
}

static bool
is_running(Snapshot snapshot, FullTransactionId xid)
{
	TransactionId part = XidFromFullTransactionId(xid);

	for (uint32 i = 0; i < snapshot->xcnt; i++)
	{
		if (snapshot->xip[i] == part)
			return true;
	}
	return false;
}

/* Remember which transactions the next look has to look at. */
static void
keep_look(OgLook *look, Snapshot snapshot, FullTransactionId next)
{
	look->running = look->running == NULL
		? MemoryContextAlloc(TopMemoryContext,
							 Max(snapshot->xcnt, 1) * sizeof(FullTransactionId))
		: repalloc(look->running,
				   Max(snapshot->xcnt, 1) * sizeof(FullTransactionId));
	for (uint32 i = 0; i < snapshot->xcnt; i++)
		look->running[i] = widen(snapshot->xip[i], next);
	look->nrunning = (int) snapshot->xcnt;
	look->next = widen(snapshot->xmax, next);
	look->begun = true;
}

void
og_journal_look(const OgInstallation *installation, OgLook *look,
				void (*found) (void *owner, const OgJournalEntry *entry),
				void (*withdrawn) (void *owner, int64 call_id), void *owner)
{
	Looking		looking = {installation, NULL, found, withdrawn, owner};
	FullTransactionId next;

	looking.snapshot = RegisterSnapshot(GetLatestSnapshot());

	/* Read after the snapshot, it is never behind what that has. */
	next = ReadNextFullTransactionId();
	if (!look->begun)
		first_look(&looking);
	else
	{
		for (int i = 0; i < look->nrunning; i++)
		{
			if (!is_running(looking.snapshot, look->running[i]))
				look_at(&looking, look->running[i], false);
		}
		look_at(&looking, look->next, true);
	}
	keep_look(look, looking.snapshot, next);
	UnregisterSnapshot(looking.snapshot);
}

/* ---------- whether there is anything to do ---------- */

/*
 * Is a call on its way?  One that was withdrawn before anything of it was marked
 * is not, even where no worker is there to end it.
 */
static void
note_open(void *owner, const OgJournalEntry *entry)
{
	Looking    *looking = owner;
	int64		call_id = entry->call_id;

	looking->any = !og_journal_is_withdrawn(looking->installation, call_id) ||
		og_journal_is_marked(looking->installation, call_id);
}

static bool
take_open_and_stop(void *owner, const OgTableRow *row)
{
	Looking    *looking = owner;

	(void) take_open_entry(looking, row);
	return !looking->any;
}

bool
og_journal_has_open_calls(void)
{
	OgInstallation installation;
	Looking		looking = {&installation, NULL, note_open};
	ScanKeyData keys[2];

	og_journal_installation(&installation);
	looking.owner = &looking;
	looking.next_ended = PG_INT64_MIN;
	looking.snapshot = RegisterSnapshot(GetLatestSnapshot());
	og_table_call_key_from(keys, &installation.id, installation.done_below);
	og_table_scan(OG_CALL_TABLE, OG_CALL_KEY, looking.snapshot, keys, 2,
				  take_open_and_stop, &looking);
	UnregisterSnapshot(looking.snapshot);
	return looking.any;
}

/* ---------- calls of a session ---------- */

typedef struct HandedOver
{
	const OgJournalCall *call;
	struct varlena *ids;
	int64		found;
} HandedOver;

static bool
compare_handed_over(void *owner, const OgTableRow *row)
{
	HandedOver *handed = owner;
	const OgJournalCall *call = handed->call;
	struct varlena *ids;

	if (DatumGetTimestampTz(row->values[CALL_SUBMITTED_AT]) !=
		call->submitted_at ||
		DatumGetObjectId(row->values[CALL_ROLE_ID]) != call->roleid ||
		strcmp(TextDatumGetCString(row->values[CALL_ORIGIN]),
			   call->origin) != 0)
		return true;
	ids = PG_DETOAST_DATUM(row->values[CALL_IDS]);
	if (VARSIZE(ids) == VARSIZE(handed->ids) &&
		memcmp(ids, handed->ids, VARSIZE(ids)) == 0)
		handed->found = DatumGetInt64(row->values[CALL_CALL_ID]);
	return handed->found == 0;
}

int64
og_journal_find_handed_over(const OgInstallation *installation,
							FullTransactionId since, const OgJournalCall *call)
{
	Looking		looking = {.installation = installation};
	HandedOver	handed = {.call = call};
	ScanKeyData keys[2];

	handed.ids = (struct varlena *)
		DatumGetPointer(og_texts_datum(call->ids, call->nids));
	xid_key(keys, &looking, CALL_XID, since, true);
	og_table_scan(OG_CALL_TABLE, OG_CALL_XID, NULL, keys, 2,
				  compare_handed_over, &handed);
	return handed.found;
}
