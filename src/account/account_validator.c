/*-------------------------------------------------------------------------
 *
 * account_validator.c
 *		The validators of the foreign-data wrappers, one per provider.
 *
 * The server calls them with all options that an object would have after a
 * CREATE or ALTER.  They read those as a call would, into an account that
 * nobody uses.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "account/account_option.h"
#include "catalog/pg_attribute.h"
#include "catalog/pg_class.h"
#include "catalog/pg_foreign_data_wrapper.h"
#include "catalog/pg_foreign_server.h"
#include "catalog/pg_foreign_table.h"
#include "catalog/pg_user_mapping.h"
#include "fmgr.h"
#include "miscadmin.h"

/*
 * Whoever may write a server with allow_http may send its users' credentials
 * over the network in the clear.  A later ALTER of anything else, the address
 * above all, is as good as the first one, so it takes a superuser as well.
 */
static void
check_server(OgAccount *account, Datum options)
{
	og_account_read_server(account, options);
	if (account->allow_http && !superuser())
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied to create or alter a server with option \"allow_http\""),
				 errdetail("Only a superuser may allow credentials and orders to travel unencrypted."),
				 errhint("Drop allow_http in the same command and use an https address, or ask a superuser.")));
}

static Datum
validate(FunctionCallInfo fcinfo, const OgProvider *provider)
{
	OgAccount	account = {.provider = provider};
	Datum		options = PG_GETARG_DATUM(0);

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		PG_RETURN_VOID();
	switch (PG_GETARG_OID(1))
	{
		case ForeignServerRelationId:
			check_server(&account, options);
			break;
		case UserMappingRelationId:
			og_account_read_mapping(&account, options, NULL);
			break;
		case ForeignDataWrapperRelationId:
			og_account_read_none("A foreign-data wrapper", options);
			break;
		case ForeignTableRelationId:
			og_account_read_none("A foreign table", options);
			break;
		case AttributeRelationId:
			og_account_read_none("A column", options);
			break;
		default:
			og_account_read_none("An object of this kind", options);
			break;
	}
	PG_RETURN_VOID();
}

/* xt_fdw_validator(), and so on. */
#define VALIDATOR(name) \
	PG_FUNCTION_INFO_V1(name##_fdw_validator); \
	Datum \
	name##_fdw_validator(PG_FUNCTION_ARGS) \
	{ \
		return validate(fcinfo, &og_##name); \
	}

OG_PROVIDERS(VALIDATOR)
