/*-------------------------------------------------------------------------
 *
 * sql_sweep.c
 *		Having orders looked for that the journal may have lost.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "miscadmin.h"
#include "utils/acl.h"

#include "ground/compat.h"
#include "worker/worker.h"
#include "worker/worker_sweep.h"
#include "worker/worker_table.h"

PG_FUNCTION_INFO_V1(order_gateway_sweep);

/* order_gateway_sweep(): answers at how many accounts the worker will look. */
Datum
order_gateway_sweep(PG_FUNCTION_ARGS)
{
	OgInstallation installation;
	int			count;

	PreventCommandIfReadOnly("order_gateway_sweep()");
	PreventCommandDuringRecovery("order_gateway_sweep()");
	if (!has_privs_of_role(GetUserId(), og_table_owner()))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied to have orders looked for"),
				 errdetail("Only a superuser, or the owner of the extension, may do that.")));
	og_journal_installation(&installation);
	count = og_sweeps_want(&installation);
	if (count > 0)
		og_worker_wake_at_commit();
	PG_RETURN_INT32(count);
}
