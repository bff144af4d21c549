/*-------------------------------------------------------------------------
 *
 * worker_journal.c
 *		The journal's installation, and its calls: added, looked for, read.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "access/xlog.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_sequence.h"
#include "catalog/pg_type.h"
#include "commands/sequence.h"
#include "foreign/foreign.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/catcache.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"
#include "utils/xid8.h"

#include "ground/compat.h"
#include "worker/worker_function.h"
#include "worker/worker_journal.h"
#include "worker/worker_table.h"

bool
og_journal_exists(void)
{
	return og_tables_exist();
}

/* ---------- the installation ---------- */

/* An installation, and where its row is. */
typedef struct FoundInstallation
{
	OgInstallation installation;
	ItemPointerData at;
	bool		found;
} FoundInstallation;

static bool
take_installation(void *owner, const OgTableRow *row)
{
	FoundInstallation *found = owner;
	OgInstallation *installation = &found->installation;
	const Datum *values = row->values;

	if (DatumGetObjectId(values[INSTALLATION_DATABASE]) != MyDatabaseId)
		return true;
	installation->id = *DatumGetUUIDP(values[INSTALLATION_ID]);
	installation->system_identifier =
		DatumGetInt64(values[INSTALLATION_SYSTEM_IDENTIFIER]);
	installation->timeline = DatumGetInt32(values[INSTALLATION_TIMELINE]);
	installation->done_below = DatumGetInt64(values[INSTALLATION_DONE_BELOW]);
	installation->doubtful_below =
		DatumGetInt64(values[INSTALLATION_DOUBTFUL_BELOW]);
	installation->crashes = DatumGetInt32(values[INSTALLATION_CRASHES]);
	installation->running = DatumGetBool(values[INSTALLATION_RUNNING]);
	installation->held = DatumGetBool(values[INSTALLATION_HELD]);
	installation->settles = DatumGetBool(values[INSTALLATION_SETTLES]);
	installation->alive_at = row->nulls[INSTALLATION_ALIVE_AT] ? 0
		: DatumGetTimestampTz(values[INSTALLATION_ALIVE_AT]);
	found->at = *row->at;
	found->found = true;
	return false;
}

static FoundInstallation
find_installation(void)
{
	FoundInstallation found = {.found = false};

	og_table_scan(OG_INSTALLATION_TABLE, OG_INSTALLATION_KEY, NULL, NULL, 0,
				  take_installation, &found);
	return found;
}

static void
set_columns(const OgInstallation *installation, Datum *values, bool *nulls)
{
	values[INSTALLATION_SYSTEM_IDENTIFIER] =
		Int64GetDatum(installation->system_identifier);
	values[INSTALLATION_TIMELINE] = Int32GetDatum(installation->timeline);
	values[INSTALLATION_DONE_BELOW] = Int64GetDatum(installation->done_below);
	values[INSTALLATION_DOUBTFUL_BELOW] =
		Int64GetDatum(installation->doubtful_below);
	values[INSTALLATION_CRASHES] = Int32GetDatum(installation->crashes);
	values[INSTALLATION_RUNNING] = BoolGetDatum(installation->running);
	values[INSTALLATION_HELD] = BoolGetDatum(installation->held);
	values[INSTALLATION_SETTLES] = BoolGetDatum(installation->settles);
	values[INSTALLATION_ALIVE_AT] = og_time_or_null(installation->alive_at,
													&nulls[INSTALLATION_ALIVE_AT]);
}

/* The transaction in which this process made one, and may take it back. */
static FullTransactionId made_in = {0};

/* What was made at first, or came along with a template, belongs elsewhere. */
static OgInstallation
make_installation(void)
{
	Datum		values[INSTALLATION_COLUMNS] = {0};
	bool		nulls[INSTALLATION_COLUMNS] = {false};
	OgInstallation installation = {0};

	values[INSTALLATION_ID] = DirectFunctionCall1(gen_random_uuid, (Datum) 0);
	installation.id = *DatumGetUUIDP(values[INSTALLATION_ID]);
	installation.system_identifier = GetSystemIdentifier();
	installation.timeline = GetWALInsertionTimeLine();
	installation.settles = true;
	values[INSTALLATION_DATABASE] = ObjectIdGetDatum(MyDatabaseId);
	values[INSTALLATION_CREATED_AT] = TimestampTzGetDatum(GetCurrentTimestamp());
	set_columns(&installation, values, nulls);
	og_table_insert(OG_INSTALLATION_TABLE, values, nulls);
	CommandCounterIncrement();

	/* Whoever remembers another one, whose row is gone, forgets it. */
	CacheInvalidateRelcacheByRelid(og_table_oid(OG_INSTALLATION_TABLE));
	made_in = GetTopFullTransactionId();
	return installation;
}

void
og_journal_installation(OgInstallation *installation)
{
	FoundInstallation found = find_installation();

	if (!found.found)
	{
		/* Nobody else makes one meanwhile; whoever did has committed. */
		LockRelationOid(og_table_oid(OG_INSTALLATION_TABLE),
						ShareRowExclusiveLock);
		found = find_installation();
	}
	*installation = found.found ? found.installation : make_installation();
}

void
og_journal_installation_id(OgInstallation *installation)
{
	static pg_uuid_t id;
	static uint64 version = 0;

	uint64		current = og_table_version();

	if (version != current)
	{
		og_journal_installation(installation);
		id = installation->id;

		/* One that may be taken back is not known for longer than this. */
		version = FullTransactionIdIsValid(made_in) &&
			FullTransactionIdEquals(made_in, GetTopFullTransactionIdIfAny())
			? 0 : current;
	}
	memset(installation, 0, sizeof(*installation));
	installation->id = id;
}

bool
og_journal_is_moved(const OgInstallation *installation)
{
	return installation->system_identifier != GetSystemIdentifier();
}

bool
og_journal_hold(OgInstallation *installation, bool wait)
{
	if (wait)
		LockRelationOid(og_table_oid(OG_INSTALLATION_TABLE),
						ShareUpdateExclusiveLock);
	else if (!og_table_try_lock(OG_INSTALLATION_TABLE,
								ShareUpdateExclusiveLock))
		return false;
	og_journal_installation(installation);
	return true;
}

bool
og_journal_find(OgInstallation *installation)
{
	FoundInstallation found = {.found = false};

	if (og_tables_exist())
		found = find_installation();
	*installation = found.installation;
	return found.found;
}

void
og_journal_save(const OgInstallation *installation)
{
	FoundInstallation found = find_installation();
	Datum		values[INSTALLATION_COLUMNS] = {0};
	bool		nulls[INSTALLATION_COLUMNS] = {false};
	bool		replace[INSTALLATION_COLUMNS] = {false};

	if (!found.found || memcmp(&found.installation.id, &installation->id,
							   sizeof(pg_uuid_t)) != 0)
		return;
	set_columns(installation, values, nulls);
	for (int i = INSTALLATION_SYSTEM_IDENTIFIER; i <= INSTALLATION_ALIVE_AT; i++)
		replace[i] = true;
	og_table_update(OG_INSTALLATION_TABLE, &found.at, values, nulls, replace);
	CommandCounterIncrement();
}

/* ---------- calls in and out ---------- */

bool
og_journal_is_harmless(const char *operation, const OgFields *arguments)
{
	const char *by = og_fields_get(arguments, "by");

	return strcmp(operation, "cancel") == 0 &&
		(by == NULL || strcmp(by, "order_id") == 0);
}

/*
 * Numbers that sessions keep for later, or that go down or around, are given in
 * another order than they are used.
 */
static void
check_sequence(void)
{
	Oid			relid = og_table_oid(OG_CALL_ID);
	HeapTuple	tuple = SearchSysCache1(SEQRELID, ObjectIdGetDatum(relid));
	Form_pg_sequence sequence;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for sequence %u", relid);
	sequence = (Form_pg_sequence) GETSTRUCT(tuple);
	if (sequence->seqcache != 1 || sequence->seqincrement < 1 ||
		sequence->seqcycle)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("sequence \"%s\" does not number calls in their order",
						get_rel_name(relid)),
				 errhint("ALTER SEQUENCE %s INCREMENT BY 1 CACHE 1 NO CYCLE.",
						 get_rel_name(relid))));
	ReleaseSysCache(tuple);
}

int64
og_journal_next(void)
{
	check_sequence();

	/* First, as og_journal_last_id() says. */
	(void) GetTopFullTransactionId();
	return nextval_internal(og_table_oid(OG_CALL_ID), false);
}

int64
og_journal_add(const OgInstallation *installation, OgJournalCall *call)
{
	Datum		values[CALL_COLUMNS] = {0};
	bool		nulls[CALL_COLUMNS] = {false};

	if (call->call_id == 0)
		call->call_id = og_journal_next();
	call->xid = GetTopFullTransactionId();
	call->timeline = GetWALInsertionTimeLine();
	values[CALL_INSTALLATION] = UUIDPGetDatum(&installation->id);
	values[CALL_CALL_ID] = Int64GetDatum(call->call_id);
	values[CALL_XID] = FullTransactionIdGetDatum(call->xid);
	values[CALL_TIMELINE] = Int32GetDatum(call->timeline);
	values[CALL_ORIGIN] = CStringGetTextDatum(call->origin);
	values[CALL_FUNCTION] = CStringGetTextDatum(call->function);
	values[CALL_FUNCTION_ID] = ObjectIdGetDatum(call->functionid);
	values[CALL_PROVIDER] = CStringGetTextDatum(call->provider);
	values[CALL_OPERATION] = CStringGetTextDatum(call->operation);
	values[CALL_SERVER_ID] = ObjectIdGetDatum(call->serverid);
	values[CALL_SERVER] = og_name_datum(call->server);
	values[CALL_ROLE_ID] = ObjectIdGetDatum(call->roleid);
	values[CALL_ROLE] = og_name_datum(call->role);
	values[CALL_ARGUMENTS] = og_fields_datum(&call->arguments);
	values[CALL_IDS] = og_texts_datum(call->ids, call->nids);
	values[CALL_ORDER_ARGUMENTS] =
		og_fields_list_datum(call->order_arguments, call->nids,
							 &nulls[CALL_ORDER_ARGUMENTS]);
	values[CALL_REFERENCE] = og_text_or_null(call->reference,
											 &nulls[CALL_REFERENCE]);
	values[CALL_SUBMITTED_AT] = TimestampTzGetDatum(call->submitted_at);
	values[CALL_NOT_BEFORE] = TimestampTzGetDatum(call->not_before);
	values[CALL_EXPIRES_AT] = TimestampTzGetDatum(call->expires_at);
	og_table_insert(OG_CALL_TABLE, values, nulls);
	return call->call_id;
}

int64
og_journal_last_id(void)
{
	LOCAL_FCINFO(info, 1);
	Datum		last;

	InitFunctionCallInfoData(*info, NULL, 1, InvalidOid, NULL, NULL);
	info->args[0].value = ObjectIdGetDatum(og_table_oid(OG_CALL_ID));
	info->args[0].isnull = false;
	last = pg_sequence_last_value(info);
	return info->isnull ? 0 : DatumGetInt64(last);
}

static char *
text_of(const OgTableRow *row, int column)
{
	return row->nulls[column] ? NULL : TextDatumGetCString(row->values[column]);
}

static char *
name_of(const OgTableRow *row, int column)
{
	return pstrdup(NameStr(*DatumGetName(row->values[column])));
}

static void
take_ids(OgJournalCall *call, Datum value)
{
	ArrayType  *array = DatumGetArrayTypePCopy(value);
	ArrayIterator each = array_create_iterator(array, 0, NULL);
	int			count = ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array));
	Datum		element;
	bool		isnull;

	call->ids = MemoryContextAllocHuge(CurrentMemoryContext,
									   Max(count, 1) * sizeof(OgSlice));
	call->nids = 0;
	while (call->nids < count && array_iterate(each, &element, &isnull))
	{
		text	   *id = isnull ? NULL : (text *) DatumGetPointer(element);

		call->ids[call->nids++] = id == NULL ? og_slice("", 0)
			: og_slice(VARDATA_ANY(id), VARSIZE_ANY_EXHDR(id));
	}
	array_free_iterator(each);
}

static bool
take_head(void *owner, const OgTableRow *row)
{
	OgJournalCall *call = owner;
	const Datum *values = row->values;

	call->call_id = DatumGetInt64(values[CALL_CALL_ID]);
	call->xid = DatumGetFullTransactionId(values[CALL_XID]);
	call->timeline = DatumGetInt32(values[CALL_TIMELINE]);
	call->origin = text_of(row, CALL_ORIGIN);
	call->function = text_of(row, CALL_FUNCTION);
	call->functionid = DatumGetObjectId(values[CALL_FUNCTION_ID]);
	call->provider = text_of(row, CALL_PROVIDER);
	call->operation = text_of(row, CALL_OPERATION);
	call->serverid = DatumGetObjectId(values[CALL_SERVER_ID]);
	call->server = name_of(row, CALL_SERVER);
	call->roleid = DatumGetObjectId(values[CALL_ROLE_ID]);
	call->role = name_of(row, CALL_ROLE);
	og_fields_read(values[CALL_ARGUMENTS], &call->arguments);
	call->reference = text_of(row, CALL_REFERENCE);
	call->submitted_at = DatumGetTimestampTz(values[CALL_SUBMITTED_AT]);
	call->not_before = DatumGetTimestampTz(values[CALL_NOT_BEFORE]);
	call->expires_at = DatumGetTimestampTz(values[CALL_EXPIRES_AT]);
	return false;
}

static bool
take_call(void *owner, const OgTableRow *row)
{
	OgJournalCall *call = owner;

	take_ids(call, row->values[CALL_IDS]);
	call->order_arguments = row->nulls[CALL_ORDER_ARGUMENTS] ? NULL
		: og_fields_list_read(row->values[CALL_ORDER_ARGUMENTS], call->nids);
	return take_head(call, row);
}

static bool
read_call(const OgInstallation *installation, int64 call_id, OgFound found,
		  OgJournalCall *call)
{
	ScanKeyData keys[2];

	memset(call, 0, sizeof(*call));
	og_table_call_key(keys, &installation->id, call_id);
	og_table_scan(OG_CALL_TABLE, OG_CALL_KEY, NULL, keys, 2, found, call);
	return call->origin != NULL;
}

bool
og_journal_read(const OgInstallation *installation, int64 call_id,
				OgJournalCall *call)
{
	return read_call(installation, call_id, take_call, call);
}

bool
og_journal_read_head(const OgInstallation *installation, int64 call_id,
					 OgJournalCall *call)
{
	return read_call(installation, call_id, take_head, call);
}

static bool
take_ids_alone(void *owner, const OgTableRow *row)
{
	OgJournalCall *call = owner;

	call->call_id = DatumGetInt64(row->values[CALL_CALL_ID]);
	call->timeline = DatumGetInt32(row->values[CALL_TIMELINE]);
	take_ids(call, row->values[CALL_IDS]);
	return false;
}

bool
og_journal_read_ids(const OgInstallation *installation, int64 call_id,
					OgJournalCall *call)
{
	(void) read_call(installation, call_id, take_ids_alone, call);
	return call->ids != NULL;
}

/* ---------- another cluster ---------- */

/* What a call names, and where its row is. */
typedef struct Naming
{
	bool		found;
	ItemPointerData at;
	char	   *server;
	char	   *function;
} Naming;

static bool
take_names(void *owner, const OgTableRow *row)
{
	Naming	   *naming = owner;

	naming->found = true;
	naming->at = *row->at;
	naming->server = name_of(row, CALL_SERVER);
	naming->function = text_of(row, CALL_FUNCTION);
	return false;
}

Oid
og_journal_find_anew(const OgInstallation *installation, int64 call_id)
{
	Naming		naming = {.found = false};
	Oid			serverid;
	ScanKeyData keys[2];
	Datum		values[CALL_COLUMNS] = {0};
	bool		nulls[CALL_COLUMNS] = {false};
	bool		replace[CALL_COLUMNS] = {false};

	og_table_call_key(keys, &installation->id, call_id);
	og_table_scan(OG_CALL_TABLE, OG_CALL_KEY, NULL, keys, 2, take_names,
				  &naming);
	if (!naming.found)
		return InvalidOid;
	serverid = get_foreign_server_oid(naming.server, true);
	values[CALL_SERVER_ID] = ObjectIdGetDatum(serverid);
	values[CALL_FUNCTION_ID] = ObjectIdGetDatum(og_submit_function(naming.function));
	replace[CALL_SERVER_ID] = replace[CALL_FUNCTION_ID] = true;
	og_table_update(OG_CALL_TABLE, &naming.at, values, nulls, replace);
	return serverid;
}
