/*-------------------------------------------------------------------------
 *
 * compat.h
 *		Differences between PostgreSQL 15 and 18, in one place.
 *
 * Each entry defines a name of ours for what differs, so that no other file
 * asks for a version.  Included by the files that need it, after the server's
 * headers.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OG_COMPAT_H
#define OG_COMPAT_H

#include "catalog/pg_database.h"
#include "catalog/pg_foreign_server.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_proc.h"
#include "foreign/foreign.h"
#include "storage/dsm.h"
#include "storage/latch.h"
#include "storage/lock.h"
#include "storage/lwlock.h"
#include "storage/proc.h"
#include "storage/shmem.h"
#include "utils/acl.h"
#include "utils/memutils.h"
#include "utils/resowner.h"
#include "utils/wait_event.h"

#if PG_VERSION_NUM >= 160000
#include "varatt.h"
#endif
#if PG_VERSION_NUM >= 170000
#include "storage/dsm_registry.h"
#endif
#if PG_VERSION_NUM >= 180000
#include "storage/waiteventset.h"
#endif

#if PG_VERSION_NUM < 150000
#error "order_gateway needs PostgreSQL 15 or newer"
#endif

/* Stands before a declaration since 18, where the older name is gone. */
#if PG_VERSION_NUM < 180000
#define pg_noreturn pg_attribute_noreturn()
#endif

/* One access check for all classes of objects since 16. */
static inline AclResult
og_server_aclcheck(Oid serverid, Oid roleid)
{
#if PG_VERSION_NUM >= 160000
	return object_aclcheck(ForeignServerRelationId, serverid, roleid,
						   ACL_USAGE);
#else
	return pg_foreign_server_aclcheck(serverid, roleid, ACL_USAGE);
#endif
}

static inline AclResult
og_function_aclcheck(Oid functionid, Oid roleid)
{
#if PG_VERSION_NUM >= 160000
	return object_aclcheck(ProcedureRelationId, functionid, roleid,
						   ACL_EXECUTE);
#else
	return pg_proc_aclcheck(functionid, roleid, ACL_EXECUTE);
#endif
}

static inline AclResult
og_schema_aclcheck(Oid schemaid, Oid roleid)
{
#if PG_VERSION_NUM >= 160000
	return object_aclcheck(NamespaceRelationId, schemaid, roleid, ACL_USAGE);
#else
	return pg_namespace_aclcheck(schemaid, roleid, ACL_USAGE);
#endif
}

/* What a database has whose removal was begun: known since 15.4. */
#ifndef DATCONNLIMIT_INVALID_DB
#define DATCONNLIMIT_INVALID_DB (-2)
#endif

static inline bool
og_owns_database(Oid dboid, Oid roleid)
{
#if PG_VERSION_NUM >= 160000
	return object_ownercheck(DatabaseRelationId, dboid, roleid);
#else
	return pg_database_ownercheck(dboid, roleid);
#endif
}

/* Does this backend hold that very lock? */
static inline bool
og_holds_lock(const LOCKTAG *tag, LOCKMODE mode)
{
#if PG_VERSION_NUM >= 170000
	return LockHeldByMe(tag, mode, false);
#else
	return LockHeldByMe(tag, mode);
#endif
}

/*
 * A wait event set that lives as long as the process: allocated in
 * TopMemoryContext, since 17 owned by no resource owner.
 */
static inline WaitEventSet *
og_create_wait_event_set(int nevents)
{
#if PG_VERSION_NUM >= 170000
	return CreateWaitEventSet(NULL, nevents);
#else
	return CreateWaitEventSet(TopMemoryContext, nevents);
#endif
}

/* What a wait is called in pg_stat_activity; extensions have names since 17. */
static inline uint32
og_wait_event(const char *name)
{
#if PG_VERSION_NUM >= 170000
	return WaitEventExtensionNew(name);
#else
	return PG_WAIT_EXTENSION;
#endif
}

/* The number of a backend's PGPROC, and back: has had several names. */
static inline int
og_proc_number(const PGPROC *proc)
{
	return (int) (proc - ProcGlobal->allProcs);
}

static inline PGPROC *
og_proc_by_number(int number)
{
	return &ProcGlobal->allProcs[number];
}

/*
 * Shared memory of a name, made by "init" when it is asked for first.  Since
 * 17 there is a registry for that.  Before, the segment's handle stands under
 * the name in main shared memory, which always has room for a few words; both
 * are made anew when the server starts over after a crash.
 */
static inline void *
og_named_segment(const char *name, Size size, void (*init) (void *segment))
{
	bool		found;
#if PG_VERSION_NUM >= 170000
	return GetNamedDSMSegment(name, size, init, &found);
#else
	dsm_handle *handle;
	dsm_segment *segment;

	LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
	handle = ShmemInitStruct(name, sizeof(*handle), &found);
	if (!found)
		*handle = DSM_HANDLE_INVALID;
	if (*handle != DSM_HANDLE_INVALID)
		segment = dsm_attach(*handle);
	else
	{
		segment = dsm_create(size, 0);
		init(dsm_segment_address(segment));
		dsm_pin_segment(segment);
		*handle = dsm_segment_handle(segment);
	}
	if (segment == NULL)
		elog(ERROR, "could not map shared memory \"%s\"", name);
	dsm_pin_mapping(segment);
	LWLockRelease(AddinShmemInitLock);
	return dsm_segment_address(segment);
#endif
}

#endif							/* OG_COMPAT_H */
