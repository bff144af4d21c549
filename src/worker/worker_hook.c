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
 * What a live heartbeat needs cannot be taken away: its provider would cancel all
 * orders of the account a little later, to everybody's surprise.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/objectaccess.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_class.h"
#include "catalog/pg_database.h"
#include "catalog/pg_extension.h"
#include "catalog/pg_foreign_server.h"
#include "catalog/pg_user_mapping.h"
#include "commands/dbcommands.h"
#include "commands/defrem.h"
#include "commands/extension.h"
#include "foreign/foreign.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "tcop/utility.h"
#include "utils/acl.h"
#include "utils/syscache.h"
#include "utils/varlena.h"

#include "ground/compat.h"
#include "worker/worker_heartbeat.h"
#include "worker/worker_internal.h"
#include "worker/worker_journal.h"
#include "worker/worker_stream.h"
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

/* (A server's function for that is not to be had in all minor releases.) */
static bool
may_create_databases(void)
{
	HeapTuple	tuple;
	bool		may = superuser();

	if (may)
		return true;
	tuple = SearchSysCache1(AUTHOID, ObjectIdGetDatum(GetUserId()));
	if (HeapTupleIsValid(tuple))
	{
		may = ((Form_pg_authid) GETSTRUCT(tuple))->rolcreatedb;
		ReleaseSysCache(tuple);
	}
	return may;
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
		return may_create_databases() && (owns || is_template(dboid));
	if (IsA(statement, RenameStmt) && !may_create_databases())
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

/* A worker goes by the name of its database. */
static bool
keeps_worker(const char *name)
{
	ListCell   *cell;

	foreach(cell, og_worker_names())
	{
		if (strcmp(lfirst(cell), name) == 0)
			return true;
	}
	return false;
}

/* A database that goes, or gets a name with which it has no worker. */
static void
keep_heartbeat(Node *statement)
{
	bool		renames = IsA(statement, RenameStmt);
	const char *name = IsA(statement, DropdbStmt) || renames
		? database_of(statement) : NULL;
	Oid			dboid = name ? get_database_oid(name, true) : InvalidOid;

	if (!OidIsValid(dboid) || !is_allowed(statement, dboid) ||
		!og_workers_have_heartbeat(name) ||
		(renames && keeps_worker(((RenameStmt *) statement)->newname)))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_IN_USE),
			 renames
			 ? errmsg("cannot rename database \"%s\" because it has a live heartbeat",
					  name)
			 : errmsg("cannot drop database \"%s\" because it has a live heartbeat",
					  name),
			 errdetail("The provider would cancel all open orders of the account."),
			 errhint("Stop it with btse_heartbeat_stop() first; the view order_gateway_heartbeats of that database shows it.")));
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
	keep_heartbeat(planned->utilityStmt);
	make_room(planned->utilityStmt);
	og_sight_note(planned->utilityStmt);
	if (commits_for_another(planned->utilityStmt))
	{
		og_worker_wake_at_commit();
		og_streamer_ask_at_commit();
	}
	if (previous_utility)
		previous_utility(planned, text, read_only, context, parameters,
						 environment, receiver, completion);
	else
		standard_ProcessUtility(planned, text, read_only, context, parameters,
								environment, receiver, completion);
}

/* ---------- the setting ---------- */

/*
 * A database whose heartbeat is live stays among them.  When the server starts
 * nobody knows of any.
 */
static bool
leaves_heartbeat(List *names)
{
	const char *database = og_worker_launched && og_shared_is_known()
		? og_workers_heartbeat_beside(names) : NULL;

	if (database == NULL)
		return false;
	GUC_check_errcode(ERRCODE_OBJECT_IN_USE);
	GUC_check_errmsg("cannot take database \"%s\" out of order_gateway.databases because it has a live heartbeat",
					 database);
	GUC_check_errhint("The view order_gateway_heartbeats of that database shows it. Stop it with btse_heartbeat_stop() first.");
	return true;
}

/* Is it a list of names? */
bool
og_worker_check_databases(char **value, void **extra, GucSource source)
{
	char	   *copy = pstrdup(*value);
	List	   *names;
	bool		valid = SplitIdentifierString(copy, ',', &names);

	if (!valid)
		GUC_check_errdetail("List syntax is invalid.");
	else if (list_length(names) > MAX_WORKERS)
	{
		GUC_check_errdetail("There are more than %d names.", MAX_WORKERS);
		valid = false;
	}
	else
		valid = !leaves_heartbeat(names);
	list_free(names);
	pfree(copy);
	return valid;
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
keep_journal(Oid relid)
{
	const char *server;
	const char *role;

	if (!is_part_of_journal(relid) || !drops_extension())
		return;
	if (og_journal_has_open_calls())
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_IN_USE),
				 errmsg("cannot drop extension \"%s\" because it has calls that are queued or in flight",
						OG_EXTENSION),
				 errhint("order_gateway_calls shows them. Wait until they are done, or take back what was not sent yet with order_gateway_withdraw().")));
	if (og_heartbeat_is_live(InvalidOid, InvalidOid, &server, &role))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_IN_USE),
				 errmsg("cannot drop extension \"%s\" because it has a live heartbeat",
						OG_EXTENSION),
				 errdetail("It is that of role \"%s\" at server \"%s\": the provider would cancel all open orders of the account.",
						   role, server),
				 errhint("Stop it with btse_heartbeat_stop() first; the view order_gateway_heartbeats shows when it has ended.")));
}

/* ---------- servers and mappings ---------- */

static const char *
server_name(Oid serverid)
{
	ForeignServer *server = GetForeignServerExtended(serverid, FSV_MISSING_OK);

	return server ? server->servername : "";
}

/* The server is locked by now, so nobody starts one meanwhile. */
static void
keep_server(Oid serverid)
{
	const char *server;			/* what it was called once */
	const char *role;

	if (og_heartbeat_is_live(serverid, InvalidOid, &server, &role))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_IN_USE),
				 errmsg("cannot drop server \"%s\" because it has a live heartbeat",
						server_name(serverid)),
				 errdetail("It is that of role \"%s\": the provider would cancel all open orders of the account.",
						   role),
				 errhint("Stop it with btse_heartbeat_stop() first; the view order_gateway_heartbeats shows when it has ended.")));
}

/* Only that of the very role: what becomes of one of PUBLIC is seen later. */
static void
keep_mapping(Oid mappingid)
{
	HeapTuple	tuple = SearchSysCache1(USERMAPPINGOID,
										ObjectIdGetDatum(mappingid));
	Form_pg_user_mapping mapping;
	const char *server;
	const char *role;

	if (!HeapTupleIsValid(tuple))
		return;
	mapping = (Form_pg_user_mapping) GETSTRUCT(tuple);
	if (OidIsValid(mapping->umuser) &&
		og_heartbeat_is_live(mapping->umserver, mapping->umuser, &server,
							 &role))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_IN_USE),
				 errmsg("cannot drop the user mapping of role \"%s\" at server \"%s\" because of a live heartbeat",
						role, server_name(mapping->umserver)),
				 errdetail("The provider would cancel all open orders of the account."),
				 errhint("Stop it with btse_heartbeat_stop() first; the view order_gateway_heartbeats shows when it has ended.")));
	ReleaseSysCache(tuple);
}

/* ---------- the hooks ---------- */

static void
object_access(ObjectAccessType type, Oid classid, Oid objectid, int column, void *arg)
{
	if (previous_access)
		previous_access(type, classid, objectid, column, arg);
	if (type != OAT_DROP || column != 0)
		return;
	if (classid == RelationRelationId)
		keep_journal(objectid);
	else if (classid == ForeignServerRelationId)
		keep_server(objectid);
	else if (classid == UserMappingRelationId)
		keep_mapping(objectid);
}

void
og_worker_hook(void)
{
	previous_utility = ProcessUtility_hook;
	ProcessUtility_hook = utility;
	previous_access = object_access_hook;
	object_access_hook = object_access;
}
