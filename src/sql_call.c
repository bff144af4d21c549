/*-------------------------------------------------------------------------
 *
 * sql_call.c
 *		Where a call may be made, its arguments, and its account.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "funcapi.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "tcop/utility.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

#include "sql_call.h"

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

void
og_sql_check_context(FunctionCallInfo fcinfo, const char *name)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;

	if (rsinfo == NULL || !IsA(rsinfo, ReturnSetInfo) ||
		(rsinfo->allowedModes & SFRM_Materialize) == 0 ||
		(rsinfo->allowedModes & SFRM_Materialize_Preferred) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("%s() cannot be called in a target list", name),
				 errdetail("PostgreSQL might call it once per column there."),
				 errhint("Use it in FROM: SELECT * FROM %s(...).", name)));

	if (GetDatabaseEncoding() != PG_UTF8)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("%s() needs a database with encoding UTF8", name),
				 errdetail("The encoding of this database is %s.",
						   GetDatabaseEncodingName()),
				 errhint("Call it from a database that was created with ENCODING 'UTF8'.")));
}

/* The next argument; NULL is an error that names it. */
static Datum
required_argument(FunctionCallInfo fcinfo, SqlArguments *arguments,
				  const char *name)
{
	int			n = arguments->nargs++;

	if (PG_ARGISNULL(n))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("argument \"%s\" must not be null", name)));
	return PG_GETARG_DATUM(n);
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

static void
check_by(const char *by)
{
	if (strcmp(by, "order_id") == 0 || strcmp(by, "client_order_id") == 0)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("argument \"by\" is neither \"order_id\" nor \"client_order_id\"")));
}

/* The array argument, whose elements' type is checked even when it is NULL. */
static void
take_ids(FunctionCallInfo fcinfo, const SqlFunction *function,
		 SqlArguments *arguments)
{
	int			n = arguments->nargs++;
	Oid			array_type = get_fn_expr_argtype(fcinfo->flinfo, n);

	arguments->id_type = get_base_element_type(array_type);
	if (!PG_ARGISNULL(n))
	{
		arguments->ids = PG_GETARG_ARRAYTYPE_P(n);
		arguments->id_type = ARR_ELEMTYPE(arguments->ids);
	}
	og_sql_check_id_type(arguments->id_type, function->ids);
}

void
og_sql_arguments(FunctionCallInfo fcinfo, const SqlFunction *function,
				 bool sends, SqlArguments *arguments)
{
	const char *market = NULL;
	const char *by = NULL;
	Datum		server;

	memset(arguments, 0, sizeof(SqlArguments));
	arguments->operation = og_provider_operation(function->provider,
												 function->operation);
	if (arguments->operation == NULL)
		elog(ERROR, "provider %s has no operation \"%s\"",
			 function->provider->name, function->operation);

	if (function->market)
		market = TextDatumGetCString(required_argument(fcinfo, arguments,
													   function->market));
	take_ids(fcinfo, function, arguments);
	if (function->by)
		by = TextDatumGetCString(required_argument(fcinfo, arguments, "by"));
	server = required_argument(fcinfo, arguments, "server");

	if (market)
	{
		og_sql_check_market(market, function->market);
		og_fields_add(&arguments->fields, function->market, market);
	}
	if (by)
	{
		check_by(by);
		og_fields_add(&arguments->fields, "by", by);
	}
	if (sends && arguments->operation->kind == OG_ACT)
		og_sql_prevent_act(function->name);
	arguments->account = og_account_open(NameStr(*DatumGetName(server)),
										 function->provider,
										 arguments->operation->kind != OG_PUBLIC);
}
