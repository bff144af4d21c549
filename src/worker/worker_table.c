/*-------------------------------------------------------------------------
 *
 * worker_table.c
 *		The journal's tables: which there are in this database, by their names.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/pg_class.h"
#include "catalog/pg_enum.h"
#include "catalog/pg_extension.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/fmgroids.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

#include "worker/worker_table.h"

/* Of this database; known while .known. */
static struct
{
	bool		known;
	bool		changed;		/* while they were being looked up */
	uint64		version;		/* how often they were looked up */
	Oid			schema;
	Oid			oids[OG_TABLES];
	Oid			outcomes[OG_OUTCOMES];	/* values of the enum */
}			catalog;

/* ---------- transactions ---------- */

void
og_table_begin(void)
{
	SetCurrentStatementStartTimestamp();
	StartTransactionCommand();
	PushActiveSnapshot(GetTransactionSnapshot());
}

void
og_table_commit(void)
{
	PopActiveSnapshot();
	CommitTransactionCommand();
}

/* ---------- what is called how ---------- */

/* Something about a relation changed. */
static void
forget(Datum argument, Oid relid)
{
	catalog.changed = true;
	for (int i = 0; i < OG_TABLES && catalog.known; i++)
	{
		if (relid == InvalidOid || catalog.oids[i] == relid)
			catalog.known = false;
	}
}

static Oid
find_schema(void)
{
	Relation	rel = table_open(ExtensionRelationId, AccessShareLock);
	Oid			namespace = InvalidOid;
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&key, Anum_pg_extension_extname, BTEqualStrategyNumber,
				F_NAMEEQ, CStringGetDatum(OG_EXTENSION));
	scan = systable_beginscan(rel, ExtensionNameIndexId, true, NULL, 1, &key);
	tuple = systable_getnext(scan);
	if (HeapTupleIsValid(tuple))
		namespace = ((Form_pg_extension) GETSTRUCT(tuple))->extnamespace;
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return namespace;
}

static bool
find_outcomes(void)
{
	Oid			type = GetSysCacheOid2(TYPENAMENSP, Anum_pg_type_oid,
									   CStringGetDatum("order_outcome"),
									   ObjectIdGetDatum(catalog.schema));

	for (int i = 0; i < OG_OUTCOMES; i++)
	{
		catalog.outcomes[i] =
			GetSysCacheOid2(ENUMTYPOIDNAME, Anum_pg_enum_oid,
							ObjectIdGetDatum(type),
							CStringGetDatum(og_verdict_name(i)));
		if (!OidIsValid(catalog.outcomes[i]))
			return false;
	}
	return true;
}

/* Does it tell nothing but what is so now? */
static bool
is_of_now(OgTable table)
{
	return table == OG_STREAM_BOOK_TABLE || table == OG_STREAM_BOOK_KEY ||
		table == OG_STREAM_L1_TABLE || table == OG_STREAM_L1_KEY;
}

static bool
find_all(void)
{
	catalog.schema = find_schema();
	if (!OidIsValid(catalog.schema))
		return false;
	for (int i = 0; i < OG_TABLES; i++)
	{
		catalog.oids[i] = get_relname_relid(og_table_names[i], catalog.schema);

		/* What does not survive a crash says nothing about what was sent. */
		if (!OidIsValid(catalog.oids[i]) ||
			(!is_of_now(i) && get_rel_persistence(catalog.oids[i]) !=
			 RELPERSISTENCE_PERMANENT))
			return false;
	}
	return find_outcomes();
}

bool
og_tables_exist(void)
{
	static bool watching = false;

	if (!watching)
		CacheRegisterRelcacheCallback(forget, (Datum) 0);
	watching = true;
	AcceptInvalidationMessages();
	while (!catalog.known)
	{
		catalog.changed = false;
		if (!find_all())
			return false;
		catalog.known = !catalog.changed;
		catalog.version++;
	}
	return true;
}

/* Names that can be used until the next look at the catalog. */
static void
need_tables(void)
{
	if (!catalog.known && !og_tables_exist())
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("the tables of extension \"%s\" do not exist in this database",
						OG_EXTENSION),
				 errhint("CREATE EXTENSION %s; a table of it that was dropped, renamed or made unlogged has to come back.",
						 OG_EXTENSION)));
}

Oid
og_table_oid(OgTable table)
{
	need_tables();
	return catalog.oids[table];
}

Oid
og_table_schema(void)
{
	return og_tables_exist() ? catalog.schema : InvalidOid;
}

uint64
og_table_version(void)
{
	need_tables();
	return catalog.version;
}

Oid
og_table_owner(void)
{
	Oid			relid = og_table_oid(OG_CALL_TABLE);
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	Oid			owner;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for relation %u", relid);
	owner = ((Form_pg_class) GETSTRUCT(tuple))->relowner;
	ReleaseSysCache(tuple);
	return owner;
}

LOCKTAG
og_lock_tag(OgLockClass class)
{
	LOCKTAG		tag;

	SET_LOCKTAG_ADVISORY(tag, MyDatabaseId, 0, 0, class);
	return tag;
}

bool
og_table_try_lock(OgTable table, LOCKMODE mode)
{
	return ConditionalLockRelationOid(og_table_oid(table), mode);
}

/* ---------- outcomes ---------- */

Datum
og_outcome_datum(OgVerdict outcome)
{
	need_tables();
	return ObjectIdGetDatum(catalog.outcomes[outcome]);
}

OgVerdict
og_outcome_of(Datum value)
{
	need_tables();
	for (int i = 0; i < OG_OUTCOMES; i++)
	{
		if (catalog.outcomes[i] == DatumGetObjectId(value))
			return i;
	}
	elog(ERROR, "there is no outcome %u", DatumGetObjectId(value));
}
