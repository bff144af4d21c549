/*-------------------------------------------------------------------------
 *
 * sql_submit.c
 *		A call that is made later: written down in the caller's transaction, for
 *		the gateway worker to make once that has committed.
 *
 * It is checked as if it were made at once.  What is written goes below SQL, so
 * that whoever submits needs no rights on the tables, and no setting of the
 * session reaches it.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "access/xlog.h"
#include "commands/dbcommands.h"
#include "common/int.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "ground/compat.h"
#include "session/session.h"
#include "sql/sql_reference.h"
#include "sql/sql_rows.h"
#include "worker/worker.h"
#include "worker/worker_journal.h"

/* The longest reference, in bytes. */
#define MAX_REFERENCE	128

/* ---------- arguments ---------- */

/* C0, DEL and, as UTF-8 has them, C1. */
static bool
has_control(const char *text)
{
	for (const unsigned char *at = (const unsigned char *) text; *at; at++)
	{
		if (*at < ' ' || *at == 0x7f || (*at == 0xc2 && at[1] < 0xa0))
			return true;
	}
	return false;
}

static void
check_reference(const SqlGiven *given, const char *reference)
{
	if (*reference == '\0')
		og_argument_refuse(given, "reference", "is empty",
						   "Give a name of your own for this call, or NULL for none.");
	if (strlen(reference) > MAX_REFERENCE)
		og_argument_refuse(given, "reference",
						   "is longer than " CppAsString2(MAX_REFERENCE) " bytes",
						   NULL);
	if (has_control(reference))
		og_argument_refuse(given, "reference",
						   "contains a control character", NULL);
}

/* Something must be left of the time in which it may be sent. */
static void
check_expiry(const SqlSubmission *submission, TimestampTz now)
{
	const SqlGiven *given = &submission->call->given;

	if (submission->expires_at == 0)
		return;
	if (submission->expires_at <= now)
		og_argument_refuse(given, "expires_at", "is not in the future",
						   "Nothing would be sent. Give a later time, or NULL for that of option expire_after.");
	if (submission->expires_at <= submission->not_before)
		og_argument_refuse(given, "expires_at",
						   "is not after \"not_before\"",
						   "Nothing would be sent. Give a later time, or NULL for that of option expire_after.");
}

/*
 * When it expires, if nobody says so.  A cancel by an id that is never given
 * again does no harm however late it comes; anything else may.
 */
static TimestampTz
default_expiry(const SqlCall *call, TimestampTz from)
{
	int64		delay = call->account->expire_after * INT64CONST(1000);
	TimestampTz expires_at;

	if (delay == 0)
		delay = og_journal_is_harmless(call->function->operation,
									   &call->given.fields)
			? USECS_PER_DAY : USECS_PER_MINUTE;
	if (pg_add_s64_overflow(from, delay, &expires_at) ||
		!IS_VALID_TIMESTAMP(expires_at))
		return DT_NOEND;
	return expires_at;
}

/* ---------- the worker ---------- */

void
og_sql_need_worker(const char *detail, const char *instead)
{
	if (og_worker_is_wanted())
		return;
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("database \"%s\" has no gateway worker",
					get_database_name(MyDatabaseId)),
			 errdetail("%s", detail),
			 errhint("Add the database to order_gateway.databases, which needs order_gateway in shared_preload_libraries%s.",
					 instead)));
}

void
og_sql_warn_of_worker(const char *detail)
{
	if (og_worker_is_running())
		return;
	ereport(WARNING,
			(errcode(ERRCODE_WARNING),
			 errmsg("the gateway worker of this database is not running"),
			 errdetail("%s", detail),
			 errhint("The server's log tells why, and the view order_gateway_workers.")));
}

/* What is submitted is durable, and waits; said once in a transaction. */
static void
warn_once(FullTransactionId xid)
{
	static FullTransactionId warned_in = {0};

	if (FullTransactionIdEquals(warned_in, xid) || og_worker_is_running())
		return;
	warned_in = xid;
	og_sql_warn_of_worker("What is submitted is kept, and sent when it runs, unless it has expired by then.");
}

/* ---------- what is written ---------- */

/* All ids, as they were given. */
static void
set_ids(OgJournalCall *row, const OgKeys *keys)
{
	row->nids = keys->npositions;
	row->ids = palloc_extended(row->nids * sizeof(OgSlice), MCXT_ALLOC_HUGE);
	for (int i = 0; i < row->nids; i++)
		row->ids[i] = og_keys_get(keys, og_keys_at(keys, i));
	row->order_arguments = (OgFields *) keys->arguments;
}

static OgJournalCall
journal_call(const SqlSubmission *submission, const OgKeys *keys,
			 TimestampTz now)
{
	const SqlCall *call = submission->call;
	OgJournalCall row = {
		.origin = "outbox",
		.function = call->function->name,
		.functionid = submission->functionid,
		.provider = call->function->provider->name,
		.operation = call->function->operation,
		.serverid = call->account->serverid,
		.server = call->account->server,
		.roleid = GetUserId(),
		.role = GetUserNameFromId(GetUserId(), false),
		.arguments = call->given.fields,
		.reference = submission->reference,
		.submitted_at = now,
		.not_before = Max(submission->not_before, now),
		.expires_at = submission->expires_at
	};

	if (row.expires_at == 0)
		row.expires_at = default_expiry(call, row.not_before);
	set_ids(&row, keys);
	return row;
}

bool
og_sql_submit_call(SqlSubmission *submission, int64 *call_id)
{
	const SqlCall *call = submission->call;
	TimestampTz now = GetCurrentTimestamp();
	OgKeys	   *keys = og_sql_take_keys(call);
	OgInstallation installation;
	OgJournalCall row;

	if (TIMESTAMP_NOT_FINITE(submission->not_before))
		og_argument_refuse(&call->given, "not_before", "must be finite", NULL);
	if (submission->reference == NULL)
		check_expiry(submission, now);
	else
		check_reference(&call->given, submission->reference);
	og_sql_need_worker("Nobody would send what is submitted.",
					   "; the function without \"_submit\" makes the call at once");
	if (keys->npositions == 0)
		return false;
	og_journal_installation_id(&installation);
	row = journal_call(submission, keys, now);
	if (row.reference != NULL && !og_reference_take(&installation, &row,
													&call->given))
	{
		*call_id = row.call_id;
		return true;
	}

	/* A repeat of another may well come when that has expired. */
	if (row.reference != NULL)
		check_expiry(submission, now);
	*call_id = og_journal_add(&installation, &row);
	warn_once(row.xid);

	/* It looks by itself each second, so what is for later need not wake it. */
	if (row.not_before - now < USECS_PER_SEC)
		og_worker_wake_at_commit();
	return true;
}

/* ---------- functions ---------- */

/* One that is as long past says the same as the time that stands for NULL. */
TimestampTz
og_sql_time(Datum time, bool isnull)
{
	if (isnull)
		return 0;
	return DatumGetTimestampTz(time) == 0 ? -1 : DatumGetTimestampTz(time);
}

static TimestampTz
take_time(FunctionCallInfo fcinfo, int n)
{
	return og_sql_time(PG_GETARG_DATUM(n), PG_ARGISNULL(n));
}

/* In the memory of a call, which the secrets of an account go with. */
static bool
submit(FunctionCallInfo fcinfo, const SqlFunction *function, int64 *call_id)
{
	OgInstallation installation;
	SqlCall		call = {0};
	SqlSubmission submission = {.call = &call,
	.functionid = fcinfo->flinfo->fn_oid};

	/* Ids of orders that are made bear its mark. */
	if (!XactReadOnly && !RecoveryInProgress())
	{
		og_journal_installation_id(&installation);
		call.given.installation = &installation.id;
	}
	og_sql_take_call(fcinfo, function, SQL_TO_SUBMIT, &call);
	if (!PG_ARGISNULL(call.next))
		submission.reference = text_to_cstring(PG_GETARG_TEXT_PP(call.next));
	submission.not_before = take_time(fcinfo, call.next + 1);
	submission.expires_at = take_time(fcinfo, call.next + 2);
	return og_sql_submit_call(&submission, call_id);
}

Datum
og_sql_submit(FunctionCallInfo fcinfo, const void *function)
{
	const SqlFunction *entry = function;
	MemoryContext context;
	MemoryContext old;
	int64		call_id = 0;
	bool		submitted;

	og_sql_need_utf8(entry->name);
	context = og_session_context();
	old = MemoryContextSwitchTo(context);
	submitted = submit(fcinfo, entry, &call_id);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	if (!submitted)
		PG_RETURN_NULL();
	PG_RETURN_INT64(call_id);
}
