/*-------------------------------------------------------------------------
 *
 * sql_heartbeat.c
 *		Heartbeats: started and stopped in the caller's transaction, for the
 *		gateway worker to obey once that has committed.
 *
 * Whoever starts one needs what he needs to set the provider's timer himself.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "commands/dbcommands.h"
#include "miscadmin.h"
#include "nodes/pg_list.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "provider/btse/provider_btse.h"
#include "session/session.h"
#include "sql/sql_function.h"
#include "sql/sql_rows.h"
#include "worker/worker.h"
#include "worker/worker_heartbeat.h"

PG_FUNCTION_INFO_V1(btse_heartbeat_start);
PG_FUNCTION_INFO_V1(btse_heartbeat_stop);

static const SqlFunction start = {
	.name = "btse_heartbeat_start",
	.provider = &og_btse,
	.operation = OG_HEARTBEAT_OPERATION,
	.parameters = (const SqlParameter[]) {
		{OG_HEARTBEAT_ARGUMENT, SQL_DURATION, .required = true}, {NULL}
	}
};

static const SqlFunction stop = {
	.name = "btse_heartbeat_stop",
	.provider = &og_btse,
	.operation = OG_HEARTBEAT_OPERATION,
	.parameters = (const SqlParameter[]) {{NULL}}
};

static void
need_worker(void)
{
	if (!og_worker_is_wanted())
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("database \"%s\" has no gateway worker",
						get_database_name(MyDatabaseId)),
				 errdetail("Nobody would renew the timer, or stop it."),
				 errhint("Add the database to order_gateway.databases, which needs order_gateway in shared_preload_libraries; btse_cancel_all_after() sets the timer, or stops it, at once.")));
	if (!og_worker_is_running())
		ereport(WARNING,
				(errcode(ERRCODE_WARNING),
				 errmsg("the gateway worker of this database is not running"),
				 errdetail("The heartbeat is started, or stopped, when it runs."),
				 errhint("The server's log tells why, and the view order_gateway_workers.")));
}

static int64
take_timeout(const SqlGiven *given)
{
	int64		ms = strtoll(og_fields_get(&given->fields,
										   OG_HEARTBEAT_ARGUMENT), NULL, 10);

	if (ms < OG_HEARTBEAT_LEAST_MS || ms > OG_HEARTBEAT_MOST_MS)
		og_argument_refuse(given, OG_HEARTBEAT_ARGUMENT,
						   "is not from 5 seconds to a day",
						   "It is renewed every third of that, and runs out when this database cannot commit for so long.");
	return ms;
}

/* One that is lost can be stopped, too: its timer may still run. */
static void
need_heartbeat(const OgInstallation *installation, const OgWish *wish)
{
	ListCell   *cell;

	foreach(cell, og_heartbeats_read(&installation->id))
	{
		const OgWish *other = &((OgHeartbeat *) lfirst(cell))->wish;

		if (other->serverid == wish->serverid && other->roleid == wish->roleid)
			return;
	}
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_OBJECT),
			 errmsg("role \"%s\" has no heartbeat at server \"%s\"",
					wish->role, wish->server),
			 errhint("The view order_gateway_heartbeats shows those that there are; the role that started one stops it.")));
}

/* In the memory of a call, which the secrets of an account go with. */
static void
wish_for(FunctionCallInfo fcinfo, const SqlFunction *function)
{
	SqlCall		call = {0};
	OgInstallation installation;
	OgWish		wish = {0};

	og_sql_take_call(fcinfo, function, SQL_TO_CALL, &call);
	wish.function = function->name;
	wish.functionid = fcinfo->flinfo->fn_oid;
	wish.serverid = call.account->serverid;
	wish.server = call.account->server;
	wish.roleid = GetUserId();
	wish.role = GetUserNameFromId(GetUserId(), false);
	if (function == &start)
		wish.timeout_ms = take_timeout(&call.given);
	need_worker();
	og_journal_installation_id(&installation);
	if (function == &stop)
		need_heartbeat(&installation, &wish);
	og_heartbeat_wish(&installation, &wish);
	og_worker_wake_at_commit();
}

static void
run(FunctionCallInfo fcinfo, const SqlFunction *function)
{
	MemoryContext context;
	MemoryContext old;

	og_sql_need_utf8(function->name);
	context = og_session_context();
	old = MemoryContextSwitchTo(context);
	wish_for(fcinfo, function);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
}

/* btse_heartbeat_start(timeout interval, server name) */
Datum
btse_heartbeat_start(PG_FUNCTION_ARGS)
{
	run(fcinfo, &start);
	PG_RETURN_VOID();
}

/* btse_heartbeat_stop(server name) */
Datum
btse_heartbeat_stop(PG_FUNCTION_ARGS)
{
	run(fcinfo, &stop);
	PG_RETURN_VOID();
}
