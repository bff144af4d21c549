/*-------------------------------------------------------------------------
 *
 * worker_sight.c
 *		What this transaction keeps from a worker: what that cannot see yet, and
 *		what it would have to wait for.
 *
 * A worker reads the catalog as it is committed.  Rows of it that this transaction
 * has written say so themselves.  What it has removed, and who is a member of whom,
 * no row of a call's own account tells; so statements that may do that are noted,
 * until the transaction is over, rolled back in part or not.
 *
 * A worker writes to the journal while the session that has handed a call over
 * waits for it, and nobody would see that each waits for the other.  So where this
 * transaction holds a lock that the worker would wait for, it makes its calls
 * itself.  It may hold one that only somebody else waits for, who then asks for a
 * table of the journal before the worker does: that is looked for while a call is
 * made.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "utils/array.h"
#include "utils/fmgrprotos.h"
#include "utils/syscache.h"

#include "ground/compat.h"
#include "worker/worker.h"
#include "worker/worker_internal.h"
#include "worker/worker_table.h"

/* This transaction has run such a statement. */
static bool changed = false;

static void
forget(XactEvent event, void *arg)
{
	if (event == XACT_EVENT_COMMIT || event == XACT_EVENT_ABORT ||
		event == XACT_EVENT_PREPARE)
		changed = false;
}

/* ---------- statements ---------- */

/* An object that an account, or a right on it, depends on? */
static bool
is_of_account(ObjectType type)
{
	return type == OBJECT_FOREIGN_SERVER || type == OBJECT_FDW ||
		type == OBJECT_ROLE || type == OBJECT_EXTENSION;
}

static bool
is_change(Node *statement)
{
	switch (nodeTag(statement))
	{
		case T_CreateFdwStmt:
		case T_AlterFdwStmt:
		case T_CreateForeignServerStmt:
		case T_AlterForeignServerStmt:
		case T_CreateUserMappingStmt:
		case T_AlterUserMappingStmt:
		case T_DropUserMappingStmt:
		case T_CreateRoleStmt:
		case T_AlterRoleStmt:
		case T_DropRoleStmt:
		case T_GrantRoleStmt:
		case T_DropOwnedStmt:
		case T_ReassignOwnedStmt:
		case T_CreateExtensionStmt:
		case T_AlterExtensionStmt:
		case T_AlterExtensionContentsStmt:
			return true;
		case T_GrantStmt:
			return is_of_account(((GrantStmt *) statement)->objtype);
		case T_RenameStmt:
			return is_of_account(((RenameStmt *) statement)->renameType);
		case T_AlterOwnerStmt:
			return is_of_account(((AlterOwnerStmt *) statement)->objectType);
		case T_AlterObjectSchemaStmt:
			return is_of_account(((AlterObjectSchemaStmt *) statement)->objectType);
		case T_DropStmt:
			return is_of_account(((DropStmt *) statement)->removeType);
		default:
			return false;
	}
}

void
og_sight_note(Node *statement)
{
	static bool watching = false;

	if (!is_change(statement))
		return;
	if (!watching)
		RegisterXactCallback(forget, NULL);
	watching = true;
	changed = true;
}

/* ---------- rows ---------- */

/* Has this transaction written the row of that OID? */
static bool
is_own_row(int cache, Oid oid)
{
	HeapTuple	tuple = SearchSysCache1(cache, ObjectIdGetDatum(oid));
	bool		own = true;

	if (HeapTupleIsValid(tuple))
	{
		own = TransactionIdIsCurrentTransactionId(HeapTupleHeaderGetRawXmin(tuple->t_data));
		ReleaseSysCache(tuple);
	}
	return own;
}

/* ---------- locks ---------- */

/* Does this backend hold a lock that somebody who writes there would wait for? */
static bool
bars_writers(Oid relid)
{
	static const LOCKMODE modes[] = {
		ShareLock, ShareRowExclusiveLock, ExclusiveLock, AccessExclusiveLock
	};
	LOCKTAG		tag;

	SET_LOCKTAG_RELATION(tag, MyDatabaseId, relid);
	for (int i = 0; i < lengthof(modes); i++)
	{
		if (og_holds_lock(&tag, modes[i]))
			return true;
	}
	return false;
}

static bool
bars_journal(void)
{
	for (int i = 0; i < OG_TABLES; i++)
	{
		if (bars_writers(og_table_oid(i)))
			return true;
	}
	return false;
}

bool
og_worker_can_make(const OgAccount *account, Oid roleid, Oid functionid)
{
	return !changed &&
		!TransactionIdIsCurrentTransactionId(account->version.server) &&
		!TransactionIdIsCurrentTransactionId(account->version.mapping) &&
		!is_own_row(AUTHOID, roleid) && !is_own_row(PROCOID, functionid) &&
		!bars_journal();
}

/* ---------- who waits for whom ---------- */

/* So many processes that wait for each other are looked at. */
#define MOST_WAITING	64

typedef struct Waiting
{
	int			pids[MOST_WAITING];
	int			count;
} Waiting;

static void
add_process(Waiting *waiting, int pid)
{
	/* A prepared transaction has none. */
	for (int i = 0; i < waiting->count; i++)
	{
		if (waiting->pids[i] == pid)
			return;
	}
	if (pid != 0 && waiting->count < MOST_WAITING)
		waiting->pids[waiting->count++] = pid;
}

static void
add_blockers(Waiting *waiting, int pid)
{
	ArrayType  *blockers =
		DatumGetArrayTypeP(DirectFunctionCall1(pg_blocking_pids,
											   Int32GetDatum(pid)));
	const int32 *pids = (const int32 *) ARR_DATA_PTR(blockers);
	int			count = ArrayGetNItems(ARR_NDIM(blockers), ARR_DIMS(blockers));

	for (int i = 0; i < count; i++)
		add_process(waiting, pids[i]);
	pfree(blockers);
}

bool
og_sight_bars_worker(void)
{
	const PGPROC *worker = og_workers_process();
	Waiting		waiting = {.count = 0};

	/* It seldom waits for any; all is looked at only then. */
	if (worker == NULL ||
		(worker->wait_event_info & 0xFF000000) != PG_WAIT_LOCK)
		return false;
	add_process(&waiting, worker->pid);
	for (int i = 0; i < waiting.count; i++)
	{
		if (waiting.pids[i] == MyProcPid)
			return true;
		add_blockers(&waiting, waiting.pids[i]);
	}
	return false;
}
