/*-------------------------------------------------------------------------
 *
 * worker_hook.c
 *		What must not happen under a worker's feet.
 *
 * A database cannot be dropped, renamed, moved or copied while somebody is
 * connected to it, and a worker always is.  So whoever may do that sends it
 * away first, and it comes back when the transaction is over, if its database
 * is still there under its name.
 *
 * What was prepared and is committed now may have submitted calls.
 *
 * What a transaction changes, a worker cannot see yet (worker_sight.c).
 *
 * The extension cannot be dropped while calls are on their way: what becomes of
 * them would be written nowhere.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/objectaccess.h"
#include "catalog/pg_class.h"
#include "catalog/pg_database.h"
#include "catalog/pg_extension.h"
#include "commands/dbcommands.h"
#include "commands/defrem.h"
#include "commands/extension.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "tcop/utility.h"
#include "utils/acl.h"
#include "utils/syscache.h"

#include "ground/compat.h"
#include "worker/worker_internal.h"
#include "worker/worker_journal.h"
#include "worker/worker_table.h"

static ProcessUtility_hook_type previous_utility = NULL;
static object_access_hook_type previous_access = NULL;

/* ---------- databases ---------- */

/* The value of an option, or NULL. */
static const char *
option_text(List *options, const char *name)
{
	ListCell   *cell;

	foreach(cell, options)
	{
		DefElem    *option = lfirst(cell);

		if (strcmp(option->defname, name) == 0 && option->arg != NULL)
			return defGetString(option);
	}
	return NULL;
}

/* The database that nobody may be connected to, or NULL. */
static const char *
database_of(Node *statement)
{
	switch (nodeTag(statement))
	{
		case T_DropdbStmt:
			return ((DropdbStmt *) statement)->dbname;
		case T_RenameStmt:
			return ((RenameStmt *) statement)->renameType == OBJECT_DATABASE
				? ((RenameStmt *) statement)->subname : NULL;
		case T_AlterDatabaseStmt:
			return option_text(((AlterDatabaseStmt *) statement)->options,
							   "tablespace") != NULL
				? ((AlterDatabaseStmt *) statement)->dbname : NULL;
		case T_CreatedbStmt:
			{
				const char *template =
					option_text(((CreatedbStmt *) statement)->options,
								"template");

				return template != NULL ? template : "template1";
			}
		default:
			return NULL;
	}
}

static bool
is_template(Oid dboid)
{
	HeapTuple	tuple = SearchSysCache1(DATABASEOID, ObjectIdGetDatum(dboid));
	bool		is = false;

	if (HeapTupleIsValid(tuple))
	{
		is = ((Form_pg_database) GETSTRUCT(tuple))->datistemplate;
		ReleaseSysCache(tuple);
	}
	return is;
}

/*
 * May the current user do that?  Who may not does not stop a worker either.  The
 * database of this session can be copied, but not taken away.
 */
static bool
is_allowed(Node *statement, Oid dboid)
{
	bool		owns = og_owns_database(dboid, GetUserId());

	if (IsA(statement, CreatedbStmt))
		return have_createdb_privilege() && (owns || is_template(dboid));
	if (IsA(statement, RenameStmt) && !have_createdb_privilege())
		return false;
	return owns && dboid != MyDatabaseId;
}

static void
make_room(Node *statement)
{
	const char *name = database_of(statement);
	Oid			dboid = name ? get_database_oid(name, true) : InvalidOid;

	if (OidIsValid(dboid) && is_allowed(statement, dboid))
		og_workers_stop(dboid);
}

/* Another session has submitted then what this one commits. */
static bool
commits_for_another(Node *statement)
{
	return IsA(statement, TransactionStmt) &&
		((TransactionStmt *) statement)->kind == TRANS_STMT_COMMIT_PREPARED;
}

static void
utility(PlannedStmt *planned, const char *text, bool read_only,
		ProcessUtilityContext context, ParamListInfo parameters,
		QueryEnvironment *environment, DestReceiver *receiver,
		QueryCompletion *completion)
{
	make_room(planned->utilityStmt);
	og_sight_note(planned->utilityStmt);
	if (commits_for_another(planned->utilityStmt))
		og_worker_wake_at_commit();
	if (previous_utility)
		previous_utility(planned, text, read_only, context, parameters,
						 environment, receiver, completion);
	else
		standard_ProcessUtility(planned, text, read_only, context, parameters,
								environment, receiver, completion);
}

/* ---------- the extension ---------- */

/* Is the extension being dropped: does this backend hold the lock for that? */
static bool
drops_extension(void)
{
	Oid			extension = get_extension_oid(OG_EXTENSION, true);
	LOCKTAG		tag;

	if (!OidIsValid(extension))
		return false;
	SET_LOCKTAG_OBJECT(tag, MyDatabaseId, ExtensionRelationId, extension, 0);
	return og_holds_lock(&tag, AccessExclusiveLock);
}

static bool
is_part_of_journal(Oid relid)
{
	if (!og_journal_exists())
		return false;
	for (int i = 0; i < OG_TABLES; i++)
	{
		if (og_table_oid(i) == relid)
			return true;
	}
	return false;
}

/*
 * By whatever command the extension is dropped, all that goes with it is locked
 * before the first object is removed, and the extension is the last.  So the
 * journal is looked at when the first part of it is about to go: nobody else can
 * submit a call then, nor a worker end one, and afterwards it is not whole
 * any more.
 */
static void
object_access(ObjectAccessType type, Oid classid, Oid objectid, int column, void *arg)
{
	if (previous_access)
		previous_access(type, classid, objectid, column, arg);
	if (type != OAT_DROP || classid != RelationRelationId || column != 0 ||
		!is_part_of_journal(objectid) || !drops_extension())
		return;
	if (og_journal_has_open_calls())
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_IN_USE),
				 errmsg("cannot drop extension \"%s\" because it has calls that are queued or in flight",
						OG_EXTENSION),
				 errhint("order_gateway_calls shows them. Wait until they are done, or take back what was not sent yet with order_gateway_withdraw().")));
}

void
og_worker_hook(void)
{
	previous_utility = ProcessUtility_hook;
	ProcessUtility_hook = utility;
	previous_access = object_access_hook;
	object_access_hook = object_access;
}
