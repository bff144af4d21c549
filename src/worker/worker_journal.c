/*-------------------------------------------------------------------------
 *
 * worker_journal.c
 *		The journal's tables: every call that a worker makes, and each of its
 *		orders.
 *
 * Rows go in and out below SQL: whoever submits a call needs no right on these
 * tables, no setting of a session reaches what is written, and no plan is made.
 * All tables have plain indexes only, no constraint that is to be checked and
 * no trigger but those of replication.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "access/xlog.h"
#include "catalog/indexing.h"
#include "catalog/namespace.h"
#include "catalog/pg_extension.h"
#include "catalog/pg_type.h"
#include "commands/extension.h"
#include "commands/sequence.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/inval.h"
#include "utils/json.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"
#include "utils/xid8.h"

#include "worker/worker_journal.h"

#define EXTENSION	"order_gateway"

/* ---------- tables ---------- */

typedef enum Table
{
	INSTALLATION,
	CALL,
	MARK,
	RESULT,
	END,
	WITHDRAWAL,
	REFERENCE,
	INSTALLATION_KEY,			/* indexes */
	CALL_KEY,
	CALL_XID,
	MARK_KEY,
	RESULT_KEY,
	END_KEY,
	WITHDRAWAL_XID,
	REFERENCE_KEY,
	CALL_ID,					/* sequence */
	NTABLES
} Table;

static const char *const names[NTABLES] = {
	[INSTALLATION] = "order_gateway_installation",
	[CALL] = "order_gateway_journal_call",
	[MARK] = "order_gateway_journal_mark",
	[RESULT] = "order_gateway_journal_result",
	[END] = "order_gateway_journal_end",
	[WITHDRAWAL] = "order_gateway_journal_withdrawal",
	[REFERENCE] = "order_gateway_journal_reference",
	[INSTALLATION_KEY] = "order_gateway_installation_pkey",
	[CALL_KEY] = "order_gateway_journal_call_pkey",
	[MARK_KEY] = "order_gateway_journal_mark_pkey",
	[RESULT_KEY] = "order_gateway_journal_result_pkey",
	[END_KEY] = "order_gateway_journal_end_pkey",
	[REFERENCE_KEY] = "order_gateway_journal_reference_pkey",
	[CALL_XID] = "order_gateway_journal_call_xid",
	[WITHDRAWAL_XID] = "order_gateway_journal_withdrawal_xid",
	[CALL_ID] = "order_gateway_call_id"
};

/* Columns, in the order of the install script. */
enum
{
	INSTALLATION_ID, INSTALLATION_DATABASE, INSTALLATION_TIMELINE,
	INSTALLATION_DONE_BELOW, INSTALLATION_ALIVE_AT, INSTALLATION_CREATED_AT,
	INSTALLATION_NCOLUMNS
};

enum
{
	CALL_INSTALLATION, CALL_CALL_ID, CALL_XID8, CALL_TIMELINE, CALL_ORIGIN,
	CALL_FUNCTION, CALL_PROVIDER, CALL_OPERATION, CALL_SERVERID, CALL_SERVER,
	CALL_ROLEID, CALL_ROLE, CALL_ARGUMENTS, CALL_IDS, CALL_OF_IDS,
	CALL_REFERENCE, CALL_SUBMITTED_AT, CALL_NOT_BEFORE, CALL_EXPIRES_AT,
	CALL_NCOLUMNS
};

enum
{
	MARK_INSTALLATION, MARK_CALL_ID, MARK_REQUEST, MARK_ATTEMPT, MARK_LEAVES,
	MARK_ORDINALS, MARK_MARKED_AT, MARK_NCOLUMNS
};

enum
{
	RESULT_INSTALLATION, RESULT_CALL_ID, RESULT_ORDINAL, RESULT_LEG,
	RESULT_ORDER_ID, RESULT_OUTCOME, RESULT_ANSWERED_OUTCOME, RESULT_CODE,
	RESULT_MESSAGE, RESULT_BATCH, RESULT_ATTEMPTS, RESULT_HTTP_STATUS,
	RESULT_SENT_AT, RESULT_ANSWERED_AT, RESULT_RESPONSE, RESULT_ORDER_STATE,
	RESULT_SETTLED_AT, RESULT_NCOLUMNS
};

enum
{
	END_INSTALLATION, END_CALL_ID, END_DONE_AT, END_QUARANTINED,
	END_OUTCOMES, END_NOTE, END_NCOLUMNS
};

enum
{
	REFERENCE_INSTALLATION, REFERENCE_ROLEID, REFERENCE_REFERENCE,
	REFERENCE_CALL_ID, REFERENCE_CONTENT, REFERENCE_NCOLUMNS
};

/* What these are called in this database; forgotten when one of them changes. */
static Oid	oids[NTABLES];

static void
forget(Datum argument, Oid relid)
{
	for (int i = 0; i < NTABLES; i++)
	{
		if (relid == InvalidOid || oids[i] == relid)
		{
			memset(oids, 0, sizeof(oids));
			return;
		}
	}
}

/* The schema of the extension, InvalidOid where there is none. */
static Oid
schema(void)
{
	Relation	rel = table_open(ExtensionRelationId, AccessShareLock);
	Oid			namespace = InvalidOid;
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&key, Anum_pg_extension_extname, BTEqualStrategyNumber,
				F_NAMEEQ, CStringGetDatum(EXTENSION));
	scan = systable_beginscan(rel, ExtensionNameIndexId, true, NULL, 1, &key);
	tuple = systable_getnext(scan);
	if (HeapTupleIsValid(tuple))
		namespace = ((Form_pg_extension) GETSTRUCT(tuple))->extnamespace;
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return namespace;
}

static bool
find_tables(void)
{
	static bool watching = false;
	Oid			namespace;

	if (OidIsValid(oids[NTABLES - 1]))
		return true;
	if (!watching)
		CacheRegisterRelcacheCallback(forget, (Datum) 0);
	watching = true;
	namespace = schema();
	if (!OidIsValid(namespace))
		return false;
	for (int i = 0; i < NTABLES; i++)
	{
		oids[i] = get_relname_relid(names[i], namespace);
		if (!OidIsValid(oids[i]))
			return false;
	}
	return true;
}

bool
og_journal_exists(void)
{
	return find_tables();
}

static Oid
oid_of(Table table)
{
	if (!find_tables())
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("table \"%s\" of extension \"%s\" does not exist",
						names[table], EXTENSION)));
	return oids[table];
}

/* ---------- rows in ---------- */

static void
insert(Table table, const Datum *values, const bool *nulls)
{
	Relation	rel = table_open(oid_of(table), RowExclusiveLock);
	HeapTuple	tuple = heap_form_tuple(RelationGetDescr(rel),
										(Datum *) values, (bool *) nulls);

	CatalogTupleInsert(rel, tuple);
	heap_freetuple(tuple);
	table_close(rel, RowExclusiveLock);
}

static Datum
text_or_null(const char *text, bool *isnull)
{
	*isnull = text == NULL;
	return text ? CStringGetTextDatum(text) : (Datum) 0;
}

static Datum
slice_or_null(OgSlice slice, bool *isnull)
{
	*isnull = slice.data == NULL;
	return slice.data
		? PointerGetDatum(cstring_to_text_with_len(slice.data,
												   (int) slice.len))
		: (Datum) 0;
}

static Datum
time_or_null(TimestampTz at, bool *isnull)
{
	*isnull = at == 0;
	return TimestampTzGetDatum(at);
}

static Datum
int_or_null(int number, bool *isnull)
{
	*isnull = number == 0;
	return Int32GetDatum(number);
}

static Datum
name_of(const char *name)
{
	return DirectFunctionCall1(namein, CStringGetDatum(name));
}

/* Fields as a JSON object of texts. */
static void
append_fields(StringInfo out, const OgFields *fields)
{
	appendStringInfoChar(out, '{');
	for (int i = 0; fields != NULL && i < fields->count; i++)
	{
		if (i > 0)
			appendStringInfoString(out, ", ");
		escape_json(out, fields->items[i].name);
		appendStringInfoString(out, ": ");
		escape_json(out, fields->items[i].value);
	}
	appendStringInfoChar(out, '}');
}

static Datum
fields_datum(const OgFields *fields)
{
	StringInfoData json;

	initStringInfo(&json);
	append_fields(&json, fields);
	return PointerGetDatum(cstring_to_text_with_len(json.data, json.len));
}

/* The same of each id, as an array. */
static Datum
list_datum(const OgFields *of_ids, int count, bool *isnull)
{
	StringInfoData json;

	*isnull = of_ids == NULL;
	if (of_ids == NULL)
		return (Datum) 0;
	initStringInfo(&json);
	appendStringInfoChar(&json, '[');
	for (int i = 0; i < count; i++)
	{
		if (i > 0)
			appendStringInfoString(&json, ", ");
		append_fields(&json, &of_ids[i]);
	}
	appendStringInfoChar(&json, ']');
	return PointerGetDatum(cstring_to_text_with_len(json.data, json.len));
}

static Datum
texts_datum(const OgSlice *texts, int count)
{
	Datum	   *elements = MemoryContextAllocHuge(CurrentMemoryContext,
												  Max(count, 1) * sizeof(Datum));

	for (int i = 0; i < count; i++)
		elements[i] = PointerGetDatum(cstring_to_text_with_len(texts[i].data,
															   (int) texts[i].len));
	return PointerGetDatum(construct_array(elements, count, TEXTOID, -1, false,
										   TYPALIGN_INT));
}

static Datum
ints_datum(const int *numbers, int count)
{
	Datum	   *elements = palloc(Max(count, 1) * sizeof(Datum));

	for (int i = 0; i < count; i++)
		elements[i] = Int32GetDatum(numbers[i]);
	return PointerGetDatum(construct_array(elements, count, INT4OID,
										   sizeof(int32), true, TYPALIGN_INT));
}

/* ---------- rows out ---------- */

/*
 * Go through rows in the order of an index, whose first columns are given by
 * keys; "found" says whether to go on.
 */
typedef bool (*RowFunction) (void *owner, const Datum *values,
							 const bool *nulls);

static void
scan(Table table, Table index, Snapshot snapshot, ScanKey keys, int nkeys,
	 RowFunction found, void *owner)
{
	Relation	rel = table_open(oid_of(table), AccessShareLock);
	Relation	order = index_open(oid_of(index), AccessShareLock);
	TupleDesc	desc = RelationGetDescr(rel);
	Datum	   *values = palloc(desc->natts * sizeof(Datum));
	bool	   *nulls = palloc(desc->natts * sizeof(bool));
	SysScanDesc rows = systable_beginscan_ordered(rel, order, snapshot, nkeys,
												  keys);
	HeapTuple	tuple;
	bool		more = true;

	while (more && HeapTupleIsValid(tuple =
									systable_getnext_ordered(rows,
															 ForwardScanDirection)))
	{
		CHECK_FOR_INTERRUPTS();
		heap_deform_tuple(tuple, desc, values, nulls);
		more = found(owner, values, nulls);
	}
	systable_endscan_ordered(rows);
	index_close(order, AccessShareLock);
	table_close(rel, AccessShareLock);
}

/* Keys of an index that begins with installation and call. */
static void
key_of_call(ScanKeyData keys[2], const OgInstallation *installation,
			StrategyNumber strategy, int64 call_id)
{
	ScanKeyInit(&keys[0], 1, BTEqualStrategyNumber, F_UUID_EQ,
				UUIDPGetDatum(&installation->id));
	ScanKeyInit(&keys[1], 2, strategy,
				strategy == BTEqualStrategyNumber ? F_INT8EQ : F_INT8GE,
				Int64GetDatum(call_id));
}

/* ---------- the installation ---------- */

static bool
take_installation(void *owner, const Datum *values, const bool *nulls)
{
	OgInstallation *installation = owner;

	if (DatumGetObjectId(values[INSTALLATION_DATABASE]) != MyDatabaseId)
		return true;
	installation->id = *DatumGetUUIDP(values[INSTALLATION_ID]);
	installation->timeline = DatumGetInt32(values[INSTALLATION_TIMELINE]);
	installation->done_below = DatumGetInt64(values[INSTALLATION_DONE_BELOW]);
	installation->alive_at = nulls[INSTALLATION_ALIVE_AT] ? 0
		: DatumGetTimestampTz(values[INSTALLATION_ALIVE_AT]);
	return false;
}

static bool
find_installation(OgInstallation *installation, Snapshot snapshot)
{
	memset(installation, 0, sizeof(*installation));
	installation->timeline = 0;
	scan(INSTALLATION, INSTALLATION_KEY, snapshot, NULL, 0, take_installation,
		 installation);
	return installation->timeline != 0;
}

/* What was made at first, or came along with a template, belongs elsewhere. */
static void
make_installation(OgInstallation *installation)
{
	Datum		values[INSTALLATION_NCOLUMNS] = {0};
	bool		nulls[INSTALLATION_NCOLUMNS] = {false};
	Datum		id = DirectFunctionCall1(gen_random_uuid, (Datum) 0);

	memset(installation, 0, sizeof(*installation));
	installation->id = *DatumGetUUIDP(id);
	installation->timeline = GetWALInsertionTimeLine();
	values[INSTALLATION_ID] = id;
	values[INSTALLATION_DATABASE] = ObjectIdGetDatum(MyDatabaseId);
	values[INSTALLATION_TIMELINE] = Int32GetDatum(installation->timeline);
	values[INSTALLATION_DONE_BELOW] = Int64GetDatum(0);
	values[INSTALLATION_ALIVE_AT] = time_or_null(0, &nulls[INSTALLATION_ALIVE_AT]);
	values[INSTALLATION_CREATED_AT] =
		TimestampTzGetDatum(GetCurrentTransactionStartTimestamp());
	insert(INSTALLATION, values, nulls);
}

void
og_journal_installation(OgInstallation *installation)
{
	if (find_installation(installation, GetLatestSnapshot()))
		return;

	/* Nobody else makes one meanwhile; whoever did has committed. */
	LockRelationOid(oid_of(INSTALLATION), ShareRowExclusiveLock);
	if (!find_installation(installation, GetLatestSnapshot()))
		make_installation(installation);
}

/* ---------- calls ---------- */

static void
add_call(const OgInstallation *installation, const OgJournalCall *call)
{
	Datum		values[CALL_NCOLUMNS] = {0};
	bool		nulls[CALL_NCOLUMNS] = {false};

	values[CALL_INSTALLATION] = UUIDPGetDatum(&installation->id);
	values[CALL_CALL_ID] = Int64GetDatum(call->call_id);
	values[CALL_XID8] = FullTransactionIdGetDatum(call->xid);
	values[CALL_TIMELINE] = Int32GetDatum(call->timeline);
	values[CALL_ORIGIN] = CStringGetTextDatum(call->origin);
	values[CALL_FUNCTION] = CStringGetTextDatum(call->function);
	values[CALL_PROVIDER] = CStringGetTextDatum(call->provider);
	values[CALL_OPERATION] = CStringGetTextDatum(call->operation);
	values[CALL_SERVERID] = ObjectIdGetDatum(call->serverid);
	values[CALL_SERVER] = name_of(call->server);
	values[CALL_ROLEID] = ObjectIdGetDatum(call->roleid);
	values[CALL_ROLE] = name_of(call->role);
	values[CALL_ARGUMENTS] = fields_datum(call->arguments);
	values[CALL_IDS] = texts_datum(call->ids, call->nids);
	values[CALL_OF_IDS] = list_datum(call->of_ids, call->nids,
									 &nulls[CALL_OF_IDS]);
	values[CALL_REFERENCE] = text_or_null(call->reference,
										  &nulls[CALL_REFERENCE]);
	values[CALL_SUBMITTED_AT] = TimestampTzGetDatum(call->submitted_at);
	values[CALL_NOT_BEFORE] = TimestampTzGetDatum(call->not_before);
	values[CALL_EXPIRES_AT] = TimestampTzGetDatum(call->expires_at);
	insert(CALL, values, nulls);
}

int64
og_journal_add(const OgInstallation *installation, OgJournalCall *call)
{
	call->call_id = nextval_internal(oid_of(CALL_ID), false);
	call->xid = GetTopFullTransactionId();
	call->timeline = installation->timeline;
	add_call(installation, call);
	return call->call_id;
}

/* ---------- the look ---------- */

typedef struct Look
{
	void		(*found) (void *owner, const OgJournalEntry *entry);
	void	   *owner;
	const pg_uuid_t *installation;
} Look;

static bool
take_entry(void *owner, const Datum *values, const bool *nulls)
{
	Look	   *look = owner;
	OgJournalEntry entry;

	if (memcmp(DatumGetUUIDP(values[CALL_INSTALLATION]), look->installation,
			   UUID_LEN) != 0)
		return true;
	entry.call_id = DatumGetInt64(values[CALL_CALL_ID]);
	entry.not_before = DatumGetTimestampTz(values[CALL_NOT_BEFORE]);
	entry.expires_at = DatumGetTimestampTz(values[CALL_EXPIRES_AT]);
	entry.serverid = DatumGetObjectId(values[CALL_SERVERID]);
	entry.roleid = DatumGetObjectId(values[CALL_ROLEID]);
	look->found(look->owner, &entry);
	return true;
}

/* The whole number of a running transaction, of which a snapshot has a part. */
static FullTransactionId
widen(TransactionId xid, FullTransactionId next)
{
	uint32		epoch = EpochFromFullTransactionId(next);

	if (xid > XidFromFullTransactionId(next))
		epoch--;
	return FullTransactionIdFromEpochAndXid(epoch, xid);
}

static void
look_at(Look *look, StrategyNumber strategy, FullTransactionId xid,
		Snapshot now)
{
	ScanKeyData key;

	ScanKeyInit(&key, 1, strategy,
				strategy == BTEqualStrategyNumber ? F_XID8EQ : F_XID8GE,
				FullTransactionIdGetDatum(xid));
	scan(CALL, CALL_XID, now, &key, 1, take_entry, look);
}
