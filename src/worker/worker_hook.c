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
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_database.h"
#include "commands/dbcommands.h"
#include "commands/defrem.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "tcop/utility.h"
#include "utils/acl.h"
#include "utils/syscache.h"

#include "ground/compat.h"
#include "worker/worker_internal.h"

static ProcessUtility_hook_type previous_utility = NULL;

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

/* May the current user do that?  Who may not does not stop a worker either. */
static bool
is_allowed(Node *statement, Oid dboid)
{
	if (og_owns_database(dboid, GetUserId()))
		return true;
	return IsA(statement, CreatedbStmt) && have_createdb_privilege() &&
		is_template(dboid);
}

static void
make_room(Node *statement)
{
	const char *name = database_of(statement);
	Oid			dboid = name ? get_database_oid(name, true) : InvalidOid;

	if (OidIsValid(dboid) && dboid != MyDatabaseId &&
		is_allowed(statement, dboid))
		og_workers_stop(dboid);
}

static void
utility(PlannedStmt *planned, const char *text, bool read_only,
		ProcessUtilityContext context, ParamListInfo parameters,
		QueryEnvironment *environment, DestReceiver *receiver,
		QueryCompletion *completion)
{
	make_room(planned->utilityStmt);
	if (previous_utility)
		previous_utility(planned, text, read_only, context, parameters,
						 environment, receiver, completion);
	else
		standard_ProcessUtility(planned, text, read_only, context, parameters,
								environment, receiver, completion);
}

void
og_worker_hook(void)
{
	previous_utility = ProcessUtility_hook;
	ProcessUtility_hook = utility;
}
