/*-------------------------------------------------------------------------
 *
 * sql_call.c
 *		The arguments of a call, and its account.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "funcapi.h"
#include "miscadmin.h"
#include "tcop/utility.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

#include "sql/sql_call.h"

const SqlFunction og_sql_batch_cancel = {
	.name = "batch_cancel",
	.provider = &og_xt,
	.operation = "cancel",
	.market = "market",
	.ids = "ids",
};

const SqlFunction og_sql_tronsave_cancel = {
	.name = "tronsave_cancel",
	.provider = &og_tronsave,
	.operation = "cancel",
	.ids = "ids",
};

const SqlFunction og_sql_btse_cancel = {
	.name = "btse_cancel",
	.provider = &og_btse,
	.operation = "cancel",
	.market = "symbol",
	.by = true,
	.ids = "ids",
};

const SqlFunction og_sql_wangdian_cancel = {
	.name = "wangdian_cancel",
	.provider = &og_wangdian,
	.operation = "cancel",
	.ids = "return_nos",
};

Datum
og_sql_required(FunctionCallInfo fcinfo, int n, const char *name)
{
	if (PG_ARGISNULL(n))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("argument \"%s\" must not be null", name)));
	return PG_GETARG_DATUM(n);
}

const char *
og_sql_server(FunctionCallInfo fcinfo, int n)
{
	return NameStr(*DatumGetName(og_sql_required(fcinfo, n, "server")));
}

const OgOperation *
og_sql_operation(const OgProvider *provider, const char *name)
{
	const OgOperation *operation = og_provider_operation(provider, name);

	if (operation == NULL)
		elog(ERROR, "provider %s has no operation \"%s\"", provider->name,
			 name);
	return operation;
}

bool
og_sql_is_market(const char *market)
{
	size_t		len = strlen(market);

	return len >= 1 && len <= OG_MAX_MARKET &&
		strspn(market, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
			   "0123456789_-.") == len;
}

void
og_sql_check_market(const char *market, const char *argument)
{
	if (og_sql_is_market(market))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("argument \"%s\" is not the name of a market", argument),
			 errdetail("A market has 1 to %d characters of A-Z a-z 0-9 _ - and the point.",
					   OG_MAX_MARKET)));
}

void
og_sql_prevent_act(const char *function)
{
	char	   *name = psprintf("%s()", function);

	PreventCommandIfReadOnly(name);
	PreventCommandDuringRecovery(name);
	pfree(name);
}

const char *
og_sql_required_text(FunctionCallInfo fcinfo, int n, const char *name)
{
	return TextDatumGetCString(og_sql_required(fcinfo, n, name));
}

void
og_sql_check_choice(const char *value, const char *argument, const char *one,
					const char *other)
{
	if (strcmp(value, one) != 0 && strcmp(value, other) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" is neither \"%s\" nor \"%s\"",
						argument, one, other)));
}

void
og_sql_check_by(const char *by)
{
	og_sql_check_choice(by, "by", "order_id", "client_order_id");
}

void
og_sql_take_ids(FunctionCallInfo fcinfo, int n, const char *name,
				SqlArguments *arguments)
{
	Oid			array_type = get_fn_expr_argtype(fcinfo->flinfo, n);

	arguments->id_type = get_base_element_type(array_type);
	if (!PG_ARGISNULL(n))
	{
		arguments->ids = PG_GETARG_ARRAYTYPE_P(n);
		arguments->id_type = ARR_ELEMTYPE(arguments->ids);
	}
	og_sql_check_id_type(arguments->id_type, name);
}

void
og_sql_check_id_column(TupleDesc desc, int column, Oid id_type)
{
	if (column >= 0 && TupleDescAttr(desc, column)->atttypid == id_type)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_DATATYPE_MISMATCH),
			 errmsg("column \"%s\" was not taken for type %s, that of the ids",
					column >= 0 ? NameStr(TupleDescAttr(desc, column)->attname)
					: "order_id",
					format_type_be(id_type)),
			 errhint("Give named arguments in the order in which the function declares them.")));
}

void
og_sql_arguments(FunctionCallInfo fcinfo, const SqlFunction *function,
				 bool sends, SqlArguments *arguments)
{
	const char *market = NULL;
	const char *by = NULL;
	const char *server;
	int			n = 0;

	memset(arguments, 0, sizeof(SqlArguments));
	arguments->operation = og_sql_operation(function->provider,
											function->operation);
	if (function->market)
		market = og_sql_required_text(fcinfo, n++, function->market);
	og_sql_take_ids(fcinfo, n++, function->ids, arguments);
	if (function->by)
		by = og_sql_required_text(fcinfo, n++, "by");
	server = og_sql_server(fcinfo, n++);
	arguments->nargs = n;

	if (market)
	{
		og_sql_check_market(market, function->market);
		og_fields_add(&arguments->fields, function->market, market);
	}
	if (by)
	{
		og_sql_check_by(by);
		og_fields_add(&arguments->fields, "by", by);
	}
	if (sends && arguments->operation->kind == OG_ACT)
		og_sql_prevent_act(function->name);
	arguments->account = og_account_open(server,
										 function->provider,
										 arguments->operation->kind != OG_PUBLIC);
}
