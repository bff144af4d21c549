/*-------------------------------------------------------------------------
 *
 * worker_writable.c
 *		Can this database take what its users write?
 *
 * That a worker's own row is committed does not say so: its transactions write
 * whatever default_transaction_read_only says, and a row that takes the place of
 * another one needs no room on a disk that is full.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <fcntl.h>
#include <unistd.h>

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_db_role_setting.h"
#include "catalog/pg_type.h"
#include "common/file_utils.h"
#include "miscadmin.h"
#include "storage/fd.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "worker/worker_heartbeat.h"
#include "worker/worker_internal.h"
#include "worker/worker_table.h"

/* ---------- settings ---------- */

#define READ_ONLY	"default_transaction_read_only"

/* Does a list of settings have ours, and what does it say? */
static bool
find_setting(ArrayType *settings, bool *read_only)
{
	Datum	   *texts;
	int			count;
	bool		found = false;

	deconstruct_array(settings, TEXTOID, -1, false, TYPALIGN_INT, &texts, NULL,
					  &count);
	for (int i = 0; i < count; i++)
	{
		char	   *name = TextDatumGetCString(texts[i]);
		char	   *value = strchr(name, '=');

		if (value == NULL)
			continue;
		*value++ = '\0';
		if (pg_strcasecmp(name, READ_ONLY) == 0 &&
			parse_bool(value, read_only))
			found = true;
	}
	return found;
}

/* ALTER DATABASE and ALTER ROLE; InvalidOid = all. */
static bool
is_set_for(Oid database, Oid roleid, bool *read_only)
{
	Relation	rel = table_open(DbRoleSettingRelationId, AccessShareLock);
	bool		found = false;
	ScanKeyData keys[2];
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&keys[0], Anum_pg_db_role_setting_setdatabase,
				BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(database));
	ScanKeyInit(&keys[1], Anum_pg_db_role_setting_setrole,
				BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(roleid));
	scan = systable_beginscan(rel, DbRoleSettingDatidRolidIndexId, true, NULL,
							  2, keys);
	tuple = systable_getnext(scan);
	if (HeapTupleIsValid(tuple))
	{
		bool		isnull;
		Datum		settings = heap_getattr(tuple,
											Anum_pg_db_role_setting_setconfig,
											RelationGetDescr(rel), &isnull);

		found = !isnull && find_setting(DatumGetArrayTypeP(settings),
										read_only);
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return found;
}

/* As a new session of that role would have it. */
static bool
is_read_only(Oid roleid)
{
	bool		read_only;

	if (is_set_for(MyDatabaseId, roleid, &read_only) ||
		is_set_for(InvalidOid, roleid, &read_only) ||
		is_set_for(MyDatabaseId, InvalidOid, &read_only) ||
		is_set_for(InvalidOid, InvalidOid, &read_only))
		return read_only;
	return og_workers_are_read_only();
}

/* ---------- room ---------- */

static void
refuse_room(const char *path)
{
	ereport(ERROR,
			(errcode(ERRCODE_DISK_FULL),
			 errmsg("there is no room for a page in \"%s\": %m", path)));
}

/*
 * Is there room for one page more in a tablespace?  That is written where the
 * server keeps temporary files, whose names it removes when it starts, too.
 */
static void
try_page(Oid tablespace)
{
	char		directory[MAXPGPATH];
	char		path[MAXPGPATH];
	PGAlignedBlock page;
	int			file;
	bool		written;

	TempTablespacePath(directory, tablespace);
	snprintf(path, sizeof(path), "%s/%s_order_gateway.%u", directory,
			 PG_TEMP_FILE_PREFIX, MyDatabaseId);
	file = OpenTransientFile(path, O_RDWR | O_CREAT | O_TRUNC | PG_BINARY);
	if (file < 0 && errno == ENOENT)
	{
		(void) MakePGDirectory(directory);
		file = OpenTransientFile(path, O_RDWR | O_CREAT | O_TRUNC | PG_BINARY);
	}
	if (file < 0)
		refuse_room(directory);
	memset(page.data, 0x5A, sizeof(page.data));
	errno = 0;
	written = write(file, page.data, BLCKSZ) == BLCKSZ;
	if (!written && errno == 0)
		errno = ENOSPC;
	if (!written)
	{
		int			failure = errno;

		(void) unlink(path);
		errno = failure;
		refuse_room(directory);
	}
	CloseTransientFile(file);
	(void) unlink(path);
}

static Oid
tablespace_of(OgTable table)
{
	Oid			tablespace = get_rel_tablespace(og_table_oid(table));

	return OidIsValid(tablespace) ? tablespace : MyDatabaseTableSpace;
}

/* Where the journal is, which every call writes to. */
static void
need_room(void)
{
	static const OgTable tables[] = {
		OG_CALL_TABLE, OG_MARK_TABLE, OG_RESULT_TABLE, OG_HEARTBEAT_TABLE
	};
	Oid			tried[lengthof(tables)];

	for (int i = 0; i < lengthof(tables); i++)
	{
		bool		is_new = true;

		tried[i] = tablespace_of(tables[i]);
		for (int j = 0; j < i; j++)
			is_new &= tried[j] != tried[i];
		if (is_new)
			try_page(tried[i]);
	}
}

void
og_writable_check(Oid roleid, const char *role)
{
	if (is_read_only(roleid))
		ereport(ERROR,
				(errcode(ERRCODE_READ_ONLY_SQL_TRANSACTION),
				 errmsg("%s is on for role \"%s\"", READ_ONLY, role)));
	need_room();
}
