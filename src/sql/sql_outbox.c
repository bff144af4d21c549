/*-------------------------------------------------------------------------
 *
 * sql_outbox.c
 *		The view order_gateway_outbox: each row that is inserted becomes a call.
 *
 * It is for other databases, which insert through postgres_fdw.  What a row asks
 * for is checked as by the function that submits it, EXECUTE privilege included.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/rel.h"

#include "ground/compat.h"
#include "session/session.h"
#include "sql/sql_function.h"
#include "sql/sql_rows.h"
#include "worker/worker_function.h"

PG_FUNCTION_INFO_V1(order_gateway_outbox_insert);

/* Columns of the view. */
enum
{
	OUTBOX_FUNCTION, OUTBOX_ARGUMENTS, OUTBOX_IDS, OUTBOX_SERVER,
	OUTBOX_REFERENCE, OUTBOX_EXPIRES_AT, OUTBOX_CALL_ID, OUTBOX_COLUMNS
};

static const char *const columns[OUTBOX_COLUMNS] = {
	"function", "arguments", "ids", "server", "reference", "expires_at",
	"call_id"
};

static const Oid types[OUTBOX_COLUMNS] = {
	TEXTOID, JSONOID, TEXTARRAYOID, NAMEOID, TEXTOID, TIMESTAMPTZOID, INT8OID
};

/* A row that is inserted. */
typedef struct OutboxRow
{
	Datum		values[OUTBOX_COLUMNS];
	bool		nulls[OUTBOX_COLUMNS];
} OutboxRow;

static void
need_column(const OutboxRow *row, int column, const char *hint)
{
	if (row->nulls[column])
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("column \"%s\" of order_gateway_outbox must not be null",
						columns[column]),
				 hint ? errhint("%s", hint) : 0));
}

static const SqlFunction *
take_function(const OutboxRow *row)
{
	const SqlFunction *function;
	char	   *name;

	need_column(row, OUTBOX_FUNCTION, NULL);
	name = TextDatumGetCString(row->values[OUTBOX_FUNCTION]);
	function = og_sql_find_act(name);
	if (function == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"%s\" is not a function that can be submitted", name),
				 errhint("Name one that has a \"_submit\" beside it, such as batch_cancel.")));
	return function;
}

/* ---------- privileges ---------- */

/* Which function would submit it; the role needs the right to call that. */
static Oid
submitting_function(const SqlFunction *function)
{
	const char *name = psprintf("%s" OG_SUBMIT, function->name);
	Oid			oid = og_submit_function(function->name);
	AclResult	acl;

	if (!OidIsValid(oid))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("function %s() does not exist", name),
				 errhint("Update the extension: ALTER EXTENSION order_gateway UPDATE.")));
	acl = og_function_aclcheck(oid, GetUserId());
	if (acl != ACLCHECK_OK)
		aclcheck_error(acl, OBJECT_FUNCTION, name);
	return oid;
}

/* ---------- arguments ---------- */

static void
take_ids(const OutboxRow *row, SqlCall *call)
{
	const SqlParameter *parameter = call->function->parameters;

	while (parameter->name != NULL && parameter->kind != SQL_IDS)
		parameter++;
	if (parameter->name != NULL)
	{
		call->given.list = parameter;
		call->given.id_type = TEXTOID;
		if (!row->nulls[OUTBOX_IDS])
			call->given.ids = DatumGetArrayTypeP(row->values[OUTBOX_IDS]);
	}
	else if (!row->nulls[OUTBOX_IDS])
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("column \"%s\" of order_gateway_outbox must be null for %s",
						columns[OUTBOX_IDS], call->function->name),
				 errhint("What this function is about stands among its arguments.")));
}

static void
take_arguments(const OutboxRow *row, SqlCall *call)
{
	const char *json = "{}";
	Jsonb	   *object;

	if (!row->nulls[OUTBOX_ARGUMENTS])
		json = TextDatumGetCString(row->values[OUTBOX_ARGUMENTS]);
	object = DatumGetJsonbP(DirectFunctionCall1(jsonb_in,
												CStringGetDatum(json)));
	if (!JB_ROOT_IS_OBJECT(object))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("column \"%s\" of order_gateway_outbox is not a JSON object",
						columns[OUTBOX_ARGUMENTS]),
				 errhint("Give an object of the function's arguments by name, such as {\"market\": \"btc_usdt\"}.")));
	take_ids(row, call);
	og_arguments_take_json(call->function->parameters, &object->root,
						   &call->given);
	if (call->function->complete)
		call->function->complete(&call->given);
}

/* ---------- rows ---------- */

/* In the memory of a call, which the secrets of an account go with. */
static bool
submit_row(const OutboxRow *row, int64 *call_id)
{
	SqlCall		call = {.function = take_function(row)};
	SqlSubmission submission = {.call = &call};

	need_column(row, OUTBOX_SERVER, NULL);
	need_column(row, OUTBOX_REFERENCE,
				"The other database commits on its own: without a name, a repeat would be another call.");
	submission.functionid = submitting_function(call.function);
	call.given.provider = call.function->provider;
	take_arguments(row, &call);
	og_sql_open_call(&call, NameStr(*DatumGetName(row->values[OUTBOX_SERVER])),
					 SQL_TO_SUBMIT);
	submission.reference = TextDatumGetCString(row->values[OUTBOX_REFERENCE]);
	submission.expires_at = og_sql_time(row->values[OUTBOX_EXPIRES_AT],
										row->nulls[OUTBOX_EXPIRES_AT]);
	return og_sql_submit_call(&submission, call_id);
}

/*
 * Does our view call, or one that looks like it?  Whoever may execute the
 * function may make a view of other columns, too.
 */
static void
need_outbox(FunctionCallInfo fcinfo)
{
	const TriggerData *trigger = (const TriggerData *) fcinfo->context;
	TupleDesc	desc = NULL;

	if (CALLED_AS_TRIGGER(fcinfo) && TRIGGER_FIRED_INSTEAD(trigger->tg_event) &&
		TRIGGER_FIRED_BY_INSERT(trigger->tg_event))
		desc = RelationGetDescr(trigger->tg_relation);
	for (int i = 0; i < OUTBOX_COLUMNS && desc != NULL; i++)
	{
		if (desc->natts != OUTBOX_COLUMNS ||
			TupleDescAttr(desc, i)->atttypid != types[i])
			desc = NULL;
	}
	if (desc == NULL)
		elog(ERROR, "order_gateway_outbox_insert() is not called by its trigger");
}

/* order_gateway_outbox_insert(): INSTEAD OF INSERT; the row gets its call_id. */
Datum
order_gateway_outbox_insert(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;
	MemoryContext context;
	MemoryContext old;
	TupleDesc	desc;
	OutboxRow	row;
	int64		call_id = 0;
	bool		submitted;

	need_outbox(fcinfo);
	og_sql_need_utf8("order_gateway_outbox_insert");
	desc = RelationGetDescr(trigger->tg_relation);
	heap_deform_tuple(trigger->tg_trigtuple, desc, row.values, row.nulls);
	context = og_session_context();
	old = MemoryContextSwitchTo(context);
	submitted = submit_row(&row, &call_id);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	row.values[OUTBOX_CALL_ID] = Int64GetDatum(call_id);
	row.nulls[OUTBOX_CALL_ID] = !submitted;
	return PointerGetDatum(heap_form_tuple(desc, row.values, row.nulls));
}
