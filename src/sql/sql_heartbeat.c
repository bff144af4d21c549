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
	og_sql_need_worker("Nobody would renew the timer, or stop it.",
					   "; btse_cancel_all_after() sets the timer, or stops it, at once");
	og_sql_warn_of_worker("The heartbeat is started, or stopped, when it runs.");
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
