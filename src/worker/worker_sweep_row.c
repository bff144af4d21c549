/*-------------------------------------------------------------------------
 *
 * worker_sweep_row.c
 *		Which sweeps there are, and how far they have come.
 *
 * Whoever changes one of these rows holds a lock on their table from before it
 * is read, until the change is committed.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "access/xlog.h"
#include "catalog/pg_type.h"
#include "foreign/foreign.h"
#include "storage/lmgr.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "worker/worker_sweep.h"
#include "worker/worker_table.h"

/* Reading is tried so often, if each time the server crashes. */
#define MOST_TRIALS		3

/* Stands among the trials in the place of a call. */
#define TRIAL_OF_SWEEPS	(-1)

static const char *const CRASHES =
"reading was given up: the server crashed each time that it was tried";

/* ---------- rows ---------- */

static Datum
name_datum(const NameData *name)
{
	return og_name_datum(NameStr(*name));
}

static void
set_columns(const OgSweep *sweep, Datum *values, bool *nulls)
{
	values[SWEEP_WANTED_AT] = TimestampTzGetDatum(sweep->wanted_at);
	values[SWEEP_DONE_AT] = og_time_or_null(sweep->done_at,
											&nulls[SWEEP_DONE_AT]);
	values[SWEEP_FOUND] = Int64GetDatum(sweep->found);
	values[SWEEP_IS_OFF] = BoolGetDatum(sweep->is_off);
	values[SWEEP_PROBLEM] = og_text_or_null(sweep->problem,
											&nulls[SWEEP_PROBLEM]);
}

static void
insert_row(const OgInstallation *installation, const OgSweep *sweep)
{
	Datum		values[SWEEP_COLUMNS] = {0};
	bool		nulls[SWEEP_COLUMNS] = {false};

	values[SWEEP_INSTALLATION] = UUIDPGetDatum(&installation->id);
	values[SWEEP_SERVER_ID] = ObjectIdGetDatum(sweep->serverid);
	values[SWEEP_ROLE_ID] = ObjectIdGetDatum(sweep->roleid);
	values[SWEEP_SERVER] = name_datum(&sweep->server);
	values[SWEEP_ROLE] = name_datum(&sweep->role);
	values[SWEEP_TIMELINE] = Int32GetDatum(GetWALInsertionTimeLine());
	set_columns(sweep, values, nulls);
	og_table_insert(OG_SWEEP_TABLE, values, nulls);
}

/* What is written anew each time that it is wanted, and by then. */
static void
update_row(const ItemPointerData *at, const OgSweep *sweep, bool from_here)
{
	Datum		values[SWEEP_COLUMNS] = {0};
	bool		nulls[SWEEP_COLUMNS] = {false};
	bool		replace[SWEEP_COLUMNS] = {false};

	set_columns(sweep, values, nulls);
	values[SWEEP_SERVER] = name_datum(&sweep->server);
	values[SWEEP_ROLE] = name_datum(&sweep->role);
	values[SWEEP_TIMELINE] = Int32GetDatum(GetWALInsertionTimeLine());
	for (int i = SWEEP_SERVER; i < SWEEP_COLUMNS; i++)
		replace[i] = from_here || i >= SWEEP_DONE_AT;
	og_table_update(OG_SWEEP_TABLE, at, values, nulls, replace);
}

typedef struct FoundSweep
{
	bool		found;
	ItemPointerData at;
	TimestampTz wanted_at;
} FoundSweep;

static bool
take_place(void *owner, const OgTableRow *row)
{
	FoundSweep *found = owner;

	found->found = true;
	found->at = *row->at;
	found->wanted_at = DatumGetTimestampTz(row->values[SWEEP_WANTED_AT]);
	return false;
}

static FoundSweep
find_row(const OgInstallation *installation, const OgSweep *sweep)
{
	FoundSweep	found = {.found = false};
	ScanKeyData keys[3];

	og_table_installation_key(&keys[0], &installation->id);
	ScanKeyInit(&keys[1], SWEEP_SERVER_ID + 1, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(sweep->serverid));
	ScanKeyInit(&keys[2], SWEEP_ROLE_ID + 1, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(sweep->roleid));
	og_table_scan(OG_SWEEP_TABLE, OG_SWEEP_KEY, NULL, keys, 3, take_place,
				  &found);
	return found;
}

void
og_sweeps_need_locks(void)
{
	static const OgTable tables[] = {
		OG_SWEEP_TABLE, OG_CALL_TABLE, OG_RESULT_TABLE, OG_END_TABLE,
		OG_TRIAL_TABLE
	};

	for (int i = 0; i < lengthof(tables); i++)
	{
		if (!og_table_try_lock(tables[i], RowExclusiveLock))
			ereport(ERROR,
					(errcode(ERRCODE_LOCK_NOT_AVAILABLE),
					 errmsg("orders cannot be looked for while somebody has the journal's tables locked")));
	}
}

bool
og_sweep_save(const OgInstallation *installation, const OgSweep *sweep)
{
	FoundSweep	found;

	if (!og_table_try_lock(OG_SWEEP_TABLE, ShareUpdateExclusiveLock))
		ereport(ERROR,
				(errcode(ERRCODE_LOCK_NOT_AVAILABLE),
				 errmsg("somebody is having orders looked for once more, in a transaction that has not ended")));
	found = find_row(installation, sweep);
	if (!found.found || found.wanted_at != sweep->wanted_at)
		return false;
	update_row(&found.at, sweep, false);
	CommandCounterIncrement();
	return true;
}

/* ---------- what is wanted ---------- */

/* The accounts that the journal has calls of. */
typedef struct AccountKey
{
	Oid			serverid;
	Oid			roleid;
} AccountKey;

typedef struct Account
{
	AccountKey	key;
	NameData	server;
	NameData	role;
} Account;

static bool
take_account(void *owner, const OgTableRow *row)
{
	const Datum *values = row->values;
	AccountKey	key = {DatumGetObjectId(values[CALL_SERVER_ID]),
	DatumGetObjectId(values[CALL_ROLE_ID])};
	Account    *account;
	bool		known;

	account = hash_search((HTAB *) owner, &key, HASH_ENTER, &known);
	account->server = *DatumGetName(values[CALL_SERVER]);
	account->role = *DatumGetName(values[CALL_ROLE]);
	return true;
}

/* pg_upgrade gives servers other OIDs, and keeps their names. */
static Oid
server_now(const Account *account)
{
	if (GetForeignServerExtended(account->key.serverid, FSV_MISSING_OK) != NULL)
		return account->key.serverid;
	return get_foreign_server_oid(NameStr(account->server), true);
}

/* Has the provider of a server what a sweep reads? */
static bool
is_swept(Oid serverid)
{
	ForeignServer *server = GetForeignServer(serverid);
	const char *wrapper = GetForeignDataWrapper(server->fdwid)->fdwname;

	for (int i = 0; og_providers[i] != NULL; i++)
	{
		if (strcmp(og_providers[i]->wrapper, wrapper) == 0)
			return og_sweep_create(og_providers[i]) != NULL;
	}
	return false;
}

static bool
want(const OgInstallation *installation, const Account *account)
{
	OgSweep		sweep = {.serverid = server_now(account),
		.roleid = account->key.roleid,
		.server = account->server,
		.role = account->role,
	.wanted_at = GetCurrentTimestamp()};
	FoundSweep	found;

	if (!OidIsValid(sweep.serverid) || !is_swept(sweep.serverid))
		return false;
	found = find_row(installation, &sweep);
	if (found.found)
		update_row(&found.at, &sweep, true);
	else
		insert_row(installation, &sweep);
	CommandCounterIncrement();
	return true;
}

int
og_sweeps_want(const OgInstallation *installation)
{
	HASHCTL		info = {.keysize = sizeof(AccountKey),
		.entrysize = sizeof(Account),
	.hcxt = CurrentMemoryContext};
	HTAB	   *accounts = hash_create("order_gateway accounts", 32, &info,
									   HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	HASH_SEQ_STATUS each;
	const Account *account;
	ScanKeyData keys[2];
	int			count = 0;

	LockRelationOid(og_table_oid(OG_SWEEP_TABLE), ShareUpdateExclusiveLock);
	og_table_call_key_from(keys, &installation->id, PG_INT64_MIN);
	og_table_scan(OG_CALL_TABLE, OG_CALL_KEY, NULL, keys, 2, take_account,
				  accounts);
	hash_seq_init(&each, accounts);
	while ((account = hash_seq_search(&each)) != NULL)
		count += want(installation, account);
	hash_destroy(accounts);
	og_sweeps_forget_trials(installation);
	return count;
}

/* ---------- markets ---------- */

typedef struct Markets
{
	const OgSweep *sweep;
	OgKeys	   *keys;
	MemoryContext context;		/* of one call */
	int64		next;			/* call */
	int			cost;
} Markets;

static void
take_market(Markets *markets, const OgFields *arguments)
{
	const char *market = og_fields_get(arguments, "symbol");

	if (market != NULL)
		(void) og_keys_add(markets->keys, og_slice_of(market));
}

/* Of the call, or of each of its orders. */
static void
take_markets(Markets *markets, const OgTableRow *row)
{
	OgFields	arguments = {0};
	OgFields   *orders;
	ArrayType  *ids;
	int			count;

	og_fields_read(row->values[CALL_ARGUMENTS], &arguments);
	take_market(markets, &arguments);
	if (row->nulls[CALL_ORDER_ARGUMENTS])
		return;
	ids = DatumGetArrayTypeP(row->values[CALL_IDS]);
	count = ArrayGetNItems(ARR_NDIM(ids), ARR_DIMS(ids));
	orders = og_fields_list_read(row->values[CALL_ORDER_ARGUMENTS], count);
	for (int i = 0; i < count; i++)
		take_market(markets, &orders[i]);
	markets->cost += OG_COST_OF_CALL(count);
}

static bool
take_call(void *owner, const OgTableRow *row)
{
	Markets    *markets = owner;
	MemoryContext old;

	if (markets->cost++ >= OG_CALLS_OF_TURN)
		return false;
	markets->next = DatumGetInt64(row->values[CALL_CALL_ID]) + 1;
	if (DatumGetObjectId(row->values[CALL_ROLE_ID]) != markets->sweep->roleid)
		return true;
	old = MemoryContextSwitchTo(markets->context);
	take_markets(markets, row);
	MemoryContextSwitchTo(old);
	MemoryContextReset(markets->context);
	return true;
}

bool
og_sweep_markets(const OgInstallation *installation, const OgSweep *sweep,
				 int64 *from, OgKeys *markets)
{
	Markets		walk = {.sweep = sweep,.keys = markets,.next = *from};
	ScanKeyData keys[2];

	walk.context = AllocSetContextCreate(CurrentMemoryContext,
										 "order_gateway markets",
										 ALLOCSET_DEFAULT_SIZES);
	og_table_call_key_from(keys, &installation->id, *from);
	og_table_scan(OG_CALL_TABLE, OG_CALL_KEY, NULL, keys, 2, take_call, &walk);
	*from = walk.next;
	MemoryContextDelete(walk.context);
	return walk.cost <= OG_CALLS_OF_TURN;
}

/* ---------- what is due ---------- */

static bool
take_due(void *owner, const OgTableRow *row)
{
	List	  **due = owner;
	const Datum *values = row->values;
	OgSweep    *sweep;

	if (DatumGetBool(values[SWEEP_IS_OFF]) || !row->nulls[SWEEP_DONE_AT])
		return true;
	sweep = palloc0(sizeof(OgSweep));
	sweep->serverid = DatumGetObjectId(values[SWEEP_SERVER_ID]);
	sweep->roleid = DatumGetObjectId(values[SWEEP_ROLE_ID]);
	sweep->server = *DatumGetName(values[SWEEP_SERVER]);
	sweep->role = *DatumGetName(values[SWEEP_ROLE]);
	sweep->wanted_at = DatumGetTimestampTz(values[SWEEP_WANTED_AT]);
	sweep->found = DatumGetInt64(values[SWEEP_FOUND]);
	if (!row->nulls[SWEEP_PROBLEM])
		sweep->problem = TextDatumGetCString(values[SWEEP_PROBLEM]);
	*due = lappend(*due, sweep);
	return true;
}

List *
og_sweeps_due(const OgInstallation *installation)
{
	List	   *due = NIL;
	ScanKeyData key;

	og_table_installation_key(&key, &installation->id);
	og_table_scan(OG_SWEEP_TABLE, OG_SWEEP_KEY, NULL, &key, 1, take_due, &due);
	return due;
}

/* ---------- what may crash the server ---------- */

static void
turn_off(const OgInstallation *installation)
{
	ListCell   *cell;

	foreach(cell, og_sweeps_due(installation))
	{
		OgSweep    *sweep = lfirst(cell);

		sweep->is_off = true;
		sweep->problem = CRASHES;
		(void) og_sweep_save(installation, sweep);
	}
	ereport(WARNING,
			(errmsg("order_gateway: orders that the journal may have lost are not looked for any more: the server crashed each time"),
			 errhint("Call order_gateway_sweep() to have it tried again.")));
}

bool
og_sweeps_try(const OgInstallation *installation)
{
	int			crashes;

	og_table_begin();
	og_sweeps_need_locks();
	crashes = og_journal_try(installation, TRIAL_OF_SWEEPS,
							 installation->crashes);
	if (crashes >= MOST_TRIALS)
		turn_off(installation);
	og_table_commit();
	return crashes < MOST_TRIALS;
}

void
og_sweeps_forget_trials(const OgInstallation *installation)
{
	int			most = PG_INT32_MAX;
	ScanKeyData keys[2];

	og_table_call_key(keys, &installation->id, TRIAL_OF_SWEEPS);
	(void) og_table_remove(OG_TRIAL_TABLE, OG_TRIAL_KEY, keys, 2, &most);
}
