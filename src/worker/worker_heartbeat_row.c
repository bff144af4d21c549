/*-------------------------------------------------------------------------
 *
 * worker_heartbeat_row.c
 *		What is wished of heartbeats, and what a worker knows of them.
 *
 * Wishes are only added by sessions, and removed by the worker when they are
 * overruled.  Two transactions that wish something of the same heartbeat come one
 * after the other, so that the larger number is that which is committed later.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_foreign_server.h"
#include "commands/dbcommands.h"
#include "foreign/foreign.h"
#include "miscadmin.h"
#include "nodes/pg_list.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/timestamp.h"

#include "ground/compat.h"
#include "worker/worker.h"
#include "worker/worker_heartbeat.h"
#include "worker/worker_table.h"

static bool
is_same(const OgWish *a, const OgWish *b)
{
	return a->serverid == b->serverid && a->roleid == b->roleid;
}

/* ---------- wishing ---------- */

/* Nobody else wishes anything of this heartbeat until this transaction ends. */
static void
lock_heartbeat(const OgWish *wish)
{
	LOCKTAG		tag;

	SET_LOCKTAG_ADVISORY(tag, MyDatabaseId, wish->serverid, wish->roleid,
						 OG_LOCK_HEARTBEAT);
	(void) LockAcquire(&tag, ExclusiveLock, false, false);
}

/* Nor does it lose its server: whoever drops that sees the wish afterwards. */
static void
keep_server(const OgWish *wish)
{
	LockDatabaseObject(ForeignServerRelationId, wish->serverid, 0,
					   AccessShareLock);
	if (GetForeignServerExtended(wish->serverid, FSV_MISSING_OK) == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("server \"%s\" does not exist any more", wish->server),
				 errdetail("It was dropped meanwhile.")));
}

void
og_heartbeat_wish(const OgInstallation *installation, OgWish *wish)
{
	Datum		values[WISH_COLUMNS] = {0};
	bool		nulls[WISH_COLUMNS] = {false};

	keep_server(wish);
	lock_heartbeat(wish);
	wish->number = og_journal_next();
	wish->wished_at = GetCurrentTimestamp();
	values[WISH_INSTALLATION] = UUIDPGetDatum(&installation->id);
	values[WISH_NUMBER] = Int64GetDatum(wish->number);
	values[WISH_FUNCTION] = CStringGetTextDatum(wish->function);
	values[WISH_FUNCTION_ID] = ObjectIdGetDatum(wish->functionid);
	values[WISH_SERVER_ID] = ObjectIdGetDatum(wish->serverid);
	values[WISH_SERVER] = og_name_datum(wish->server);
	values[WISH_ROLE_ID] = ObjectIdGetDatum(wish->roleid);
	values[WISH_ROLE] = og_name_datum(wish->role);
	values[WISH_TIMEOUT_MS] = Int64GetDatum(wish->timeout_ms);
	values[WISH_WISHED_AT] = TimestampTzGetDatum(wish->wished_at);
	og_table_insert(OG_WISH_TABLE, values, nulls);
	CommandCounterIncrement();
}

/* ---------- reading ---------- */

static OgWish
read_wish(const OgTableRow *row)
{
	const Datum *values = row->values;

	return (OgWish)
	{
		.number = DatumGetInt64(values[WISH_NUMBER]),
		.function = TextDatumGetCString(values[WISH_FUNCTION]),
		.functionid = DatumGetObjectId(values[WISH_FUNCTION_ID]),
		.serverid = DatumGetObjectId(values[WISH_SERVER_ID]),
		.server = pstrdup(NameStr(*DatumGetName(values[WISH_SERVER]))),
		.roleid = DatumGetObjectId(values[WISH_ROLE_ID]),
		.role = pstrdup(NameStr(*DatumGetName(values[WISH_ROLE]))),
		.timeout_ms = DatumGetInt64(values[WISH_TIMEOUT_MS]),
		.wished_at = DatumGetTimestampTz(values[WISH_WISHED_AT])
	};
}

static OgHeartbeat *
find(List *heartbeats, const OgWish *wish)
{
	ListCell   *cell;

	foreach(cell, heartbeats)
	{
		OgHeartbeat *heartbeat = lfirst(cell);

		if (is_same(&heartbeat->wish, wish))
			return heartbeat;
	}
	return NULL;
}

/* Wishes come in their order. */
static bool
take_wish(void *owner, const OgTableRow *row)
{
	List	  **heartbeats = owner;
	OgWish		wish = read_wish(row);
	OgHeartbeat *heartbeat = find(*heartbeats, &wish);

	if (heartbeat == NULL)
	{
		heartbeat = palloc0(sizeof(OgHeartbeat));
		*heartbeats = lappend(*heartbeats, heartbeat);
	}
	heartbeat->wish = wish;
	return true;
}

static char *
text_of(const OgTableRow *row, int column)
{
	return row->nulls[column] ? NULL : TextDatumGetCString(row->values[column]);
}

static TimestampTz
time_of(const OgTableRow *row, int column)
{
	return row->nulls[column] ? 0 : DatumGetTimestampTz(row->values[column]);
}

static bool
take_row(void *owner, const OgTableRow *row)
{
	const Datum *values = row->values;
	OgWish		named = {
		.serverid = DatumGetObjectId(values[HEARTBEAT_SERVER_ID]),
		.roleid = DatumGetObjectId(values[HEARTBEAT_ROLE_ID])
	};
	OgHeartbeat *heartbeat = find(*(List **) owner, &named);

	if (heartbeat == NULL)
		return true;
	heartbeat->obeyed = DatumGetInt64(values[HEARTBEAT_WISH]);
	heartbeat->started_at = time_of(row, HEARTBEAT_STARTED_AT);
	heartbeat->beats = DatumGetInt64(values[HEARTBEAT_BEATS]);
	heartbeat->beat_at = time_of(row, HEARTBEAT_BEAT_AT);
	heartbeat->answered = DatumGetInt64(values[HEARTBEAT_ANSWERED]);
	heartbeat->crashes = DatumGetInt32(values[HEARTBEAT_CRASHES]);
	heartbeat->armed_at = time_of(row, HEARTBEAT_ARMED_AT);
	heartbeat->renewed_at = time_of(row, HEARTBEAT_RENEWED_AT);
	heartbeat->fires_at = time_of(row, HEARTBEAT_FIRES_AT);
	heartbeat->has_outcome = !row->nulls[HEARTBEAT_OUTCOME];
	if (heartbeat->has_outcome)
		heartbeat->outcome = og_outcome_of(values[HEARTBEAT_OUTCOME]);
	heartbeat->code = text_of(row, HEARTBEAT_CODE);
	heartbeat->message = text_of(row, HEARTBEAT_MESSAGE);

	/* What is wished since is not what was lost. */
	heartbeat->lost = DatumGetBool(values[HEARTBEAT_LOST]) &&
		heartbeat->obeyed == heartbeat->wish.number;
	return true;
}

List *
og_heartbeats_read(const pg_uuid_t *installation)
{
	List	   *heartbeats = NIL;
	ScanKeyData key;

	og_table_installation_key(&key, installation);
	og_table_scan(OG_WISH_TABLE, OG_WISH_KEY, NULL, &key, 1, take_wish,
				  &heartbeats);
	if (heartbeats == NIL)
		return NIL;
	og_table_installation_key(&key, installation);
	og_table_scan(OG_HEARTBEAT_TABLE, OG_HEARTBEAT_KEY, NULL, &key, 1,
				  take_row, &heartbeats);
	return heartbeats;
}

bool
og_heartbeat_is_live(Oid serverid, Oid roleid, const char **server,
					 const char **role)
{
	OgInstallation installation;
	ListCell   *cell;

	/* Where no worker is wanted nobody beats, whatever the tables have. */
	if (!og_worker_is_wanted() || !og_journal_find(&installation))
		return false;
	foreach(cell, og_heartbeats_read(&installation.id))
	{
		const OgHeartbeat *heartbeat = lfirst(cell);

		if (heartbeat->lost ||
			(OidIsValid(serverid) && heartbeat->wish.serverid != serverid) ||
			(OidIsValid(roleid) && heartbeat->wish.roleid != roleid))
			continue;
		*server = heartbeat->wish.server;
		*role = heartbeat->wish.role;
		return true;
	}
	return false;
}

/* ---------- writing ---------- */

void
og_heartbeats_need_locks(LOCKMODE mode)
{
	if (!og_table_try_lock(OG_HEARTBEAT_TABLE, mode) ||
		!og_table_try_lock(OG_WISH_TABLE, mode))
		ereport(ERROR,
				(errcode(ERRCODE_LOCK_NOT_AVAILABLE),
				 errmsg("the tables of heartbeats are locked")));
}

static void
row_keys(ScanKeyData keys[3], const pg_uuid_t *installation,
		 const OgWish *wish)
{
	og_table_installation_key(&keys[0], installation);
	ScanKeyInit(&keys[1], HEARTBEAT_SERVER_ID + 1, BTEqualStrategyNumber,
				F_OIDEQ, ObjectIdGetDatum(wish->serverid));
	ScanKeyInit(&keys[2], HEARTBEAT_ROLE_ID + 1, BTEqualStrategyNumber,
				F_OIDEQ, ObjectIdGetDatum(wish->roleid));
}

static bool
take_place(void *owner, const OgTableRow *row)
{
	*(ItemPointerData *) owner = *row->at;
	return false;
}

static void
set_columns(const OgHeartbeat *heartbeat, Datum *values, bool *nulls)
{
	values[HEARTBEAT_WISH] = Int64GetDatum(heartbeat->obeyed);
	values[HEARTBEAT_STARTED_AT] = TimestampTzGetDatum(heartbeat->started_at);
	values[HEARTBEAT_BEATS] = Int64GetDatum(heartbeat->beats);
	values[HEARTBEAT_BEAT_AT] = og_time_or_null(heartbeat->beat_at,
												&nulls[HEARTBEAT_BEAT_AT]);
	values[HEARTBEAT_ANSWERED] = Int64GetDatum(heartbeat->answered);
	values[HEARTBEAT_CRASHES] = Int32GetDatum(heartbeat->crashes);
	values[HEARTBEAT_ARMED_AT] = og_time_or_null(heartbeat->armed_at,
												 &nulls[HEARTBEAT_ARMED_AT]);
	values[HEARTBEAT_RENEWED_AT] = og_time_or_null(heartbeat->renewed_at,
												   &nulls[HEARTBEAT_RENEWED_AT]);
	values[HEARTBEAT_FIRES_AT] = og_time_or_null(heartbeat->fires_at,
												 &nulls[HEARTBEAT_FIRES_AT]);
	nulls[HEARTBEAT_OUTCOME] = !heartbeat->has_outcome;
	if (heartbeat->has_outcome)
		values[HEARTBEAT_OUTCOME] = og_outcome_datum(heartbeat->outcome);
	values[HEARTBEAT_CODE] = og_text_or_null(heartbeat->code,
											 &nulls[HEARTBEAT_CODE]);
	values[HEARTBEAT_MESSAGE] = og_text_or_null(heartbeat->message,
												&nulls[HEARTBEAT_MESSAGE]);
	values[HEARTBEAT_LOST] = BoolGetDatum(heartbeat->lost);
}

void
og_heartbeat_save(const pg_uuid_t *installation, const OgHeartbeat *heartbeat)
{
	Datum		values[HEARTBEAT_COLUMNS] = {0};
	bool		nulls[HEARTBEAT_COLUMNS] = {false};
	bool		replace[HEARTBEAT_COLUMNS] = {false};
	ItemPointerData at;
	ScanKeyData keys[3];

	ItemPointerSetInvalid(&at);
	row_keys(keys, installation, &heartbeat->wish);
	og_table_scan(OG_HEARTBEAT_TABLE, OG_HEARTBEAT_KEY, NULL, keys, 3,
				  take_place, &at);
	set_columns(heartbeat, values, nulls);
	if (ItemPointerIsValid(&at))
	{
		for (int i = HEARTBEAT_WISH; i < HEARTBEAT_COLUMNS; i++)
			replace[i] = true;
		og_table_update(OG_HEARTBEAT_TABLE, &at, values, nulls, replace);
		return;
	}
	values[HEARTBEAT_INSTALLATION] = UUIDPGetDatum(installation);
	values[HEARTBEAT_SERVER_ID] = ObjectIdGetDatum(heartbeat->wish.serverid);
	values[HEARTBEAT_ROLE_ID] = ObjectIdGetDatum(heartbeat->wish.roleid);
	og_table_insert(OG_HEARTBEAT_TABLE, values, nulls);
}

/* Numbers of wishes that are overruled, or done. */
typedef struct Overruled
{
	const OgWish *wish;
	bool		all;			/* .wish is, too */
	List	   *numbers;		/* of int64 * */
} Overruled;

static bool
take_overruled(void *owner, const OgTableRow *row)
{
	Overruled  *overruled = owner;
	OgWish		wish = read_wish(row);
	int64	   *number;

	if (!is_same(&wish, overruled->wish) ||
		wish.number >= overruled->wish->number + overruled->all)
		return true;
	number = palloc(sizeof(int64));
	*number = wish.number;
	overruled->numbers = lappend(overruled->numbers, number);
	return true;
}

static void
remove_wishes(const pg_uuid_t *installation, const OgWish *wish, bool all)
{
	Overruled	overruled = {wish, all, NIL};
	ScanKeyData keys[2];
	ListCell   *cell;

	og_table_installation_key(&keys[0], installation);
	og_table_scan(OG_WISH_TABLE, OG_WISH_KEY, NULL, keys, 1, take_overruled,
				  &overruled);
	foreach(cell, overruled.numbers)
	{
		int			most = 1;

		og_table_call_key(keys, installation, *(int64 *) lfirst(cell));
		(void) og_table_remove(OG_WISH_TABLE, OG_WISH_KEY, keys, 2, &most);
	}
}

void
og_heartbeat_forget_wishes(const pg_uuid_t *installation,
						   const OgHeartbeat *heartbeat)
{
	remove_wishes(installation, &heartbeat->wish, false);
}

void
og_heartbeat_remove(const pg_uuid_t *installation,
					const OgHeartbeat *heartbeat)
{
	ScanKeyData keys[3];
	int			most = 1;

	remove_wishes(installation, &heartbeat->wish, true);
	row_keys(keys, installation, &heartbeat->wish);
	(void) og_table_remove(OG_HEARTBEAT_TABLE, OG_HEARTBEAT_KEY, keys, 3,
						   &most);
}
