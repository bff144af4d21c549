/*-------------------------------------------------------------------------
 *
 * sql_call.c
 *		The arguments of a call, and its account.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "tcop/utility.h"

#include "sql/sql_function.h"

static const SqlParameter server_parameter = {
	"server", SQL_SERVER, .required = true
};

static const SqlParameter time_parameter = {
	"at", SQL_AT, .required = true
};

void
og_sql_take(FunctionCallInfo fcinfo, int n, const SqlParameter *parameter,
			SqlGiven *given)
{
	if (parameter->kind == SQL_IDS)
		og_ids_take(fcinfo, n, parameter, given);
	else if (parameter->kind == SQL_ORDERS)
		og_orders_take(given, parameter,
					   PG_ARGISNULL(n) ? NULL : PG_GETARG_JSONB_P(n));
	else if (PG_ARGISNULL(n))
		og_argument_take_null(given, parameter);
	else
		og_argument_take(given, parameter, PG_GETARG_DATUM(n));
}

const char *
og_sql_server(FunctionCallInfo fcinfo, int n)
{
	SqlGiven	given = {0};

	og_sql_take(fcinfo, n, &server_parameter, &given);
	return given.server;
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

/* The array of ids among parameters, or NULL. */
static const SqlParameter *
find_ids(const SqlParameter *parameters)
{
	for (; parameters->name != NULL; parameters++)
	{
		if (parameters->kind == SQL_IDS)
			return parameters;
	}
	return NULL;
}

/*
 * Of a function of ids, all that is missing, and the type of the ids, is told
 * before anything is said of a value.
 */
static void
check_missing(FunctionCallInfo fcinfo, const SqlParameter *parameters,
			  SqlGiven *given)
{
	int			n;

	for (n = 0; parameters[n].name != NULL; n++)
	{
		if (parameters[n].kind == SQL_IDS || PG_ARGISNULL(n))
			og_sql_take(fcinfo, n, &parameters[n], given);
	}
	(void) og_sql_server(fcinfo, n);
}

/* Take the arguments that leave, and the server.  Answers how many. */
static int
take_arguments(FunctionCallInfo fcinfo, const SqlFunction *function,
			   SqlGiven *given)
{
	const SqlParameter *parameters = function->parameters;
	int			n;

	if (find_ids(parameters) != NULL)
		check_missing(fcinfo, parameters, given);
	for (n = 0; parameters[n].name != NULL; n++)
	{
		if (given->list != &parameters[n])
			og_sql_take(fcinfo, n, &parameters[n], given);
	}
	if (function->complete)
		function->complete(given);
	given->server = og_sql_server(fcinfo, n);
	return n + 1;
}

static void
prevent_act(const char *function)
{
	char	   *name = psprintf("%s()", function);

	PreventCommandIfReadOnly(name);
	PreventCommandDuringRecovery(name);
	pfree(name);
}

void
og_sql_take_call(FunctionCallInfo fcinfo, const SqlFunction *function,
				 bool preview, SqlCall *call)
{
	int			n;

	memset(call, 0, sizeof(SqlCall));
	call->function = function;
	call->operation = og_sql_operation(function->provider,
									   function->operation);
	call->given.provider = function->provider;
	n = take_arguments(fcinfo, function, &call->given);
	if (call->operation->kind == OG_ACT && !preview)
		prevent_act(function->name);
	call->account = og_account_open(call->given.server, function->provider,
									call->operation->kind != OG_PUBLIC);
	if (preview)
		og_sql_take(fcinfo, n, &time_parameter, &call->given);
}

const char *
og_sql_key_column(const SqlCall *call)
{
	return call->function->key ? call->function->key
		: og_fields_get(&call->given.fields, "by");
}

OgKeys *
og_sql_call_keys(const SqlCall *call)
{
	const SqlGiven *given = &call->given;
	const char *key;
	OgKeys	   *keys;

	if (given->list != NULL)
		return og_ids_keys(given);
	if (given->orders != NULL)
		return given->orders;
	if (call->operation->kind != OG_ACT)
		return NULL;

	key = og_fields_get(&given->fields, og_sql_key_column(call));
	keys = og_keys_create();
	(void) og_keys_add(keys, og_slice_of(key));
	og_keys_finish(keys);
	return keys;
}
