/*-------------------------------------------------------------------------
 *
 * sql_journal.c
 *		What people do with the journal, besides looking at its views: wait for
 *		calls, withdraw them, find orders.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "access/xlog.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "miscadmin.h"
#include "storage/latch.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

#include "ground/compat.h"
#include "sql/sql_function.h"
#include "sql/sql_rows.h"
#include "worker/worker.h"
#include "worker/worker_journal.h"
#include "worker/worker_recover.h"
#include "worker/worker_table.h"

/* How long a wait sleeps between two looks: longer from look to look. */
#define LEAST_PAUSE_MS	1
#define MOST_PAUSE_MS	100

/* As long as anybody waits: 68 years. */
#define LONGEST_WAIT_MS	(PG_INT32_MAX * INT64CONST(1000))

/* ---------- who may see what ---------- */

PG_FUNCTION_INFO_V1(order_gateway_may_see);

/*
 * OIDs of roles are those of the cluster in which a call was submitted, so calls
 * that were copied from another one are known by names.
 */
static bool
may_see(bool own, Oid roleid, const char *role)
{
	if (has_privs_of_role(GetUserId(), ROLE_PG_READ_ALL_DATA))
		return true;
	if (!own)
		roleid = get_role_oid(role, true);
	return SearchSysCacheExists1(AUTHOID, ObjectIdGetDatum(roleid)) &&
		is_member_of_role(GetUserId(), roleid);
}

/* order_gateway_may_see(own boolean, role_id oid, role name) */
Datum
order_gateway_may_see(PG_FUNCTION_ARGS)
{
	if (PG_ARGISNULL(0) || PG_ARGISNULL(1) || PG_ARGISNULL(2))
		PG_RETURN_NULL();
	PG_RETURN_BOOL(may_see(PG_GETARG_BOOL(0), PG_GETARG_OID(1),
						   NameStr(*PG_GETARG_NAME(2))));
}

/* order_gateway_pauses(): of calls that may be seen. */
void
og_sql_pauses(FunctionCallInfo fcinfo, const void *nothing)
{
	OgWorkerPause *pauses;
	int			count = og_worker_pauses(&pauses);
	SqlRows		rows;

	og_sql_rows_open(&rows, fcinfo);
	for (int i = 0; i < count; i++)
	{
		if (!may_see(true, pauses[i].roleid, ""))
			continue;
		og_sql_row_begin(&rows);
		og_sql_row_add(&rows, OIDOID, ObjectIdGetDatum(pauses[i].serverid));
		og_sql_row_add(&rows, OIDOID, ObjectIdGetDatum(pauses[i].roleid));
		og_sql_row_add_time(&rows, pauses[i].until);
		og_sql_row_end(&rows);
	}
}

/* ---------- a call that somebody names ---------- */

static int64
take_call_id(FunctionCallInfo fcinfo)
{
	return DatumGetInt64(og_sql_needed(fcinfo, 0, "call_id"));
}

/* What is asked of a call before all else. */
typedef struct Named
{
	bool		found;
	FullTransactionId xid;
	Oid			roleid;
	NameData	role;
} Named;

static bool
take_named(void *owner, const OgTableRow *row)
{
	Named	   *named = owner;

	named->found = true;
	named->xid = FullTransactionIdFromU64(DatumGetUInt64(row->values[CALL_XID]));
	named->roleid = DatumGetObjectId(row->values[CALL_ROLE_ID]);
	named->role = *DatumGetName(row->values[CALL_ROLE]);
	return false;
}

static Named
find_call(const pg_uuid_t *installation, int64 call_id)
{
	Named		named = {.found = false};
	ScanKeyData keys[2];

	og_table_call_key(keys, installation, call_id);
	og_table_scan(OG_CALL_TABLE, OG_CALL_KEY, NULL, keys, 2, take_named,
				  &named);
	return named;
}

/* A call of this installation, which may have been submitted a moment ago. */
static Named
need_call(OgInstallation *installation, int64 call_id)
{
	Named		named = {.found = false};

	CommandCounterIncrement();
	if (og_journal_find(installation))
		named = find_call(&installation->id, call_id);
	if (!named.found)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("call " INT64_FORMAT " does not exist", call_id),
				 errhint("It may have been submitted by a transaction that has not committed, or been removed when it was older than order_gateway.journal_keep.")));
	return named;
}

/* Whose it is, is not everybody's business. */
static void
refuse_call(int64 call_id)
{
	ereport(ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("permission denied for call " INT64_FORMAT, call_id),
			 errdetail("It was submitted by a role that you are not a member of.")));
}

/* ---------- results ---------- */

/* Columns of order_gateway_results, by those of the table. */
static const int result_columns[] = {
	RESULT_CALL_ID, RESULT_ORDINAL, RESULT_ORDER_ID, RESULT_OUTCOME,
	RESULT_ANSWERED_OUTCOME, RESULT_CODE, RESULT_MESSAGE, RESULT_BATCH,
	RESULT_ATTEMPTS, RESULT_HTTP_STATUS, RESULT_SENT_AT, RESULT_ANSWERED_AT,
	RESULT_RESPONSE, RESULT_ORDER_STATE, RESULT_SETTLED_AT
};

/*
 * What is stored out of line has to come along: the row may be removed before
 * the result is read.
 */
static Datum
whole_value(const SqlRows *rows, Datum value)
{
	if (TupleDescAttr(rows->desc, rows->next)->attlen != -1)
		return value;
	return PointerGetDatum(PG_DETOAST_DATUM_PACKED(value));
}

static bool
put_result(void *owner, const OgTableRow *row)
{
	SqlRows    *rows = owner;

	og_sql_row_begin(rows);
	for (int i = 0; i < lengthof(result_columns); i++)
	{
		int			column = result_columns[i];

		if (row->nulls[column])
			og_sql_row_add_nulls(rows, 1);
		else
			og_sql_row_add(rows, InvalidOid,
						   whole_value(rows, row->values[column]));
	}
	og_sql_row_end(rows);
	return true;
}

/* ---------- waiting ---------- */

static const SqlParameter timeout = {"timeout", SQL_DURATION, .required = true};

/* Sleep until a call is done, or the time is over. */
static void
wait_for(const OgInstallation *installation, int64 call_id, int64 ms)
{
	static uint32 event = 0;
	TimestampTz end = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), ms);
	int			pause = LEAST_PAUSE_MS;
	long		left;

	if (event == 0)
		event = og_wait_event("OrderGatewayWait");
	while (!og_journal_is_done(installation, call_id) &&
		   (left = TimestampDifferenceMilliseconds(GetCurrentTimestamp(),
												   end)) > 0)
	{
		(void) WaitLatch(MyLatch,
						 WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
						 Min(pause, left), event);
		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
		pause = Min(pause * 2, MOST_PAUSE_MS);
	}
}

/* order_gateway_wait(call_id bigint, timeout interval) */
void
og_sql_wait(FunctionCallInfo fcinfo, const void *nothing)
{
	int64		call_id = take_call_id(fcinfo);
	SqlGiven	given = {0};
	OgInstallation installation;
	Named		named;
	SqlRows		rows;
	ScanKeyData keys[2];

	og_argument_take(fcinfo, 1, &timeout, &given);
	named = need_call(&installation, call_id);
	if (!may_see(true, named.roleid, NameStr(named.role)))
		refuse_call(call_id);
	if (FullTransactionIdEquals(named.xid, GetTopFullTransactionIdIfAny()))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("call " INT64_FORMAT " was submitted by this transaction, which has not committed",
						call_id),
				 errhint("Nothing is sent before that: COMMIT, and then wait.")));
	wait_for(&installation, call_id,
			 Min(strtoll(og_fields_get(&given.fields, timeout.name), NULL, 10),
				 LONGEST_WAIT_MS));
	og_sql_rows_open(&rows, fcinfo);
	og_table_call_key(keys, &installation.id, call_id);
	og_table_scan(OG_RESULT_TABLE, OG_RESULT_KEY, NULL, keys, 2, put_result,
				  &rows);
}

/* ---------- finding orders ---------- */

typedef struct Finding
{
	SqlRows		rows;
	pg_uuid_t	own;			/* installation */

	/* the call of the row before, since orders of a call stand together */
	pg_uuid_t	installation;
	int64		call_id;
	bool		visible;
} Finding;

static bool
is_same(const pg_uuid_t *a, const pg_uuid_t *b)
{
	return memcmp(a, b, sizeof(pg_uuid_t)) == 0;
}

static bool
put_found(void *owner, const OgTableRow *row)
{
	Finding    *finding = owner;
	const pg_uuid_t *installation =
		DatumGetUUIDP(row->values[RESULT_INSTALLATION]);
	int64		call_id = DatumGetInt64(row->values[RESULT_CALL_ID]);

	if (call_id != finding->call_id ||
		!is_same(installation, &finding->installation))
	{
		Named		named = find_call(installation, call_id);

		finding->installation = *installation;
		finding->call_id = call_id;
		finding->visible = named.found &&
			may_see(is_same(installation, &finding->own), named.roleid,
					NameStr(named.role));
	}
	return finding->visible ? put_result(&finding->rows, row) : true;
}

/*
 * order_gateway_find(ids anycompatiblearray): as a function that is STABLE, it
 * sees what the query around it does.
 */
void
og_sql_find(FunctionCallInfo fcinfo, const void *nothing)
{
	static const SqlParameter ids = {"ids", SQL_IDS};
	SqlGiven	given = {0};
	OgKeys	   *keys;
	OgInstallation installation = {0};
	Finding		finding = {.call_id = -1};

	og_argument_take(fcinfo, 0, &ids, &given);
	keys = og_ids_keys(&given);
	og_sql_rows_open(&finding.rows, fcinfo);
	(void) og_journal_find(&installation);
	finding.own = installation.id;
	for (int i = 0; i < keys->nkeys; i++)
	{
		OgSlice		id = og_keys_get(keys, i);
		text	   *wanted = cstring_to_text_with_len(id.data, (int) id.len);
		ScanKeyData key;

		og_table_text_key(&key, RESULT_ORDER_ID, PointerGetDatum(wanted));
		og_table_scan(OG_RESULT_TABLE, OG_RESULT_ORDER, GetActiveSnapshot(),
					  &key, 1, put_found, &finding);
		pfree(wanted);
	}
}

/* ---------- withdrawing ---------- */

PG_FUNCTION_INFO_V1(order_gateway_withdraw);

/*
 * How many orders of a call are in each state; none, if it is done.  Where another
 * server may have sent what is not marked here, none of it is open for certain.
 */
static void
count_states(const OgInstallation *installation, int64 call_id,
			 int counts[OG_ORDINAL_DONE + 1])
{
	OgJournalCall call;
	OgJournalProgress progress;

	memset(counts, 0, (OG_ORDINAL_DONE + 1) * sizeof(int));
	if (!og_journal_read(installation, call_id, &call))
		return;
	og_journal_progress(installation, &call, &progress);
	for (int i = 0; i < call.nids && !progress.ended; i++)
		counts[progress.states[i]]++;
	if (call.timeline == GetWALInsertionTimeLine() ||
		!og_recover_may_be_doubtful(installation, call_id))
		return;
	counts[OG_ORDINAL_MARKED] += counts[OG_ORDINAL_OPEN];
	counts[OG_ORDINAL_OPEN] = 0;
}

/*
 * order_gateway_withdraw(call_id bigint): once that is added nothing more of the
 * call is marked, so what is counted then is what is withdrawn for certain.  What
 * is marked has left, or is about to; if it does not, it is withdrawn as well.
 */
Datum
order_gateway_withdraw(PG_FUNCTION_ARGS)
{
	int64		call_id = take_call_id(fcinfo);
	OgInstallation installation;
	Named		named;
	int			counts[OG_ORDINAL_DONE + 1];

	PreventCommandIfReadOnly("order_gateway_withdraw()");
	PreventCommandDuringRecovery("order_gateway_withdraw()");
	named = need_call(&installation, call_id);
	if (!SearchSysCacheExists1(AUTHOID, ObjectIdGetDatum(named.roleid)) ?
		!superuser() : !is_member_of_role(GetUserId(), named.roleid))
		refuse_call(call_id);
	if (!og_journal_withdraw(&installation, call_id,
							 GetUserNameFromId(GetUserId(), false)))
		PG_RETURN_INT32(0);
	count_states(&installation, call_id, counts);
	if (counts[OG_ORDINAL_OPEN] + counts[OG_ORDINAL_MARKED] > 0)
		og_worker_wake_at_commit();
	else
		og_journal_take_back(&installation, call_id);
	PG_RETURN_INT32(counts[OG_ORDINAL_OPEN]);
}

/* ---------- installations ---------- */

PG_FUNCTION_INFO_V1(order_gateway_adopt);
PG_FUNCTION_INFO_V1(order_gateway_installation_stays);

/* order_gateway_adopt(): the worker may go on here. */
Datum
order_gateway_adopt(PG_FUNCTION_ARGS)
{
	PreventCommandIfReadOnly("order_gateway_adopt()");
	PreventCommandDuringRecovery("order_gateway_adopt()");
	if (!has_privs_of_role(GetUserId(), og_table_owner()))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied to have the gateway worker go on here"),
				 errdetail("Only a superuser, or the owner of the extension, may do that.")));
	if (og_recover_adopt())
		og_worker_wake_at_commit();
	else
		ereport(NOTICE,
				(errmsg("nothing is held back in this database, so there is nothing to adopt")));
	PG_RETURN_VOID();
}

/* order_gateway_installation_stays(): a trigger of rows that are replicated. */
Datum
order_gateway_installation_stays(PG_FUNCTION_ARGS)
{
	if (!CALLED_AS_TRIGGER(fcinfo))
		elog(ERROR, "order_gateway_installation_stays() is not called by a trigger");
	return PointerGetDatum(NULL);
}
