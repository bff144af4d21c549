/*-------------------------------------------------------------------------
 *
 * account.c
 *		Opening an account: from a server's name to credentials; and the
 *		validators of the foreign-data wrappers.
 *
 * Reads the catalog rows themselves, through the system caches.  The server's
 * own GetForeignServer() and GetUserMapping() would do, were it not for the
 * copies of all options that they leave behind.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/pg_attribute.h"
#include "catalog/pg_foreign_data_wrapper.h"
#include "catalog/pg_foreign_server.h"
#include "catalog/pg_foreign_table.h"
#include "catalog/pg_user_mapping.h"
#include "fmgr.h"
#include "foreign/foreign.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/formatting.h"
#include "utils/syscache.h"

#include "account/account_option.h"
#include "ground/compat.h"
#include "ground/crypto.h"
#include "ground/list.h"
#include "http/http.h"

/* Servers named in a hint. */
#define MAX_NAMED	10

/* ---------- servers ---------- */

static void
refuse_no_server(const char *server, const OgProvider *provider)
{
	bool		is_https = false;
	const char *options = "";

	/* A statement that works for everybody. */
	if (!og_http_base_url_ok(provider->base_url, &is_https) || !is_https)
		options = " OPTIONS (base_url 'https://...')";
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_OBJECT),
			 errmsg("server \"%s\" does not exist", server),
			 errhint("CREATE SERVER %s FOREIGN DATA WRAPPER %s%s;",
					 quote_identifier(server),
					 quote_identifier(provider->wrapper), options)));
}

/* The servers of a wrapper that the current user may use, for a hint. */
static char *
fitting_servers(const OgProvider *provider)
{
	Oid			wrapper = get_foreign_data_wrapper_oid(provider->wrapper, true);
	StringInfoData names;
	Relation	catalog;
	SysScanDesc scan;
	HeapTuple	tuple;
	int			count = 0;

	initStringInfo(&names);
	catalog = table_open(ForeignServerRelationId, AccessShareLock);
	scan = systable_beginscan(catalog, InvalidOid, false, NULL, 0, NULL);
	while (count < MAX_NAMED && HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_foreign_server row = (Form_pg_foreign_server) GETSTRUCT(tuple);

		if (row->srvfdw != wrapper ||
			og_server_aclcheck(row->oid, GetUserId()) != ACLCHECK_OK)
			continue;
		og_list_add(&names, "\"%s\"", NameStr(row->srvname));
		count++;
	}
	systable_endscan(scan);
	table_close(catalog, AccessShareLock);
	return names.data;
}

static void
check_wrapper(const char *server, Oid wrapperid, const OgProvider *provider)
{
	ForeignDataWrapper *wrapper = GetForeignDataWrapper(wrapperid);
	char	   *fitting;

	if (strcmp(wrapper->fdwname, provider->wrapper) == 0)
		return;
	fitting = fitting_servers(provider);
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("server \"%s\" is not a server of \"%s\"",
					server, provider->wrapper),
			 errdetail("It belongs to foreign-data wrapper \"%s\".",
					   wrapper->fdwname),
			 *fitting != '\0' ?
			 errhint("Servers that fit: %s.", fitting) :
			 errhint("There is no server that fits; create one with FOREIGN DATA WRAPPER %s.",
					 quote_identifier(provider->wrapper))));
}

/* "host:port" in lower case, and the path after it. */
static void
split_base_url(OgAccount *account, const char **path)
{
	const char *start = strstr(account->base_url, "://") + 3;
	char	   *host = asc_tolower(start, strcspn(start, "/"));
	const char *colon = strrchr(host, ':');

	*path = start + strlen(host);

	/* The colons of an IPv6 address come before its bracket. */
	if (colon == NULL || strchr(colon, ']') != NULL)
		host = psprintf("%s:%s", host,
						pg_strncasecmp(account->base_url, "https:", 6) == 0 ?
						"443" : "80");
	account->host = host;
}

static void
read_server(OgAccount *account, const char *server)
{
	Oid			serverid = get_foreign_server_oid(server, true);
	HeapTuple	tuple = NULL;
	AclResult	acl;
	Datum		options;
	bool		isnull;
	size_t		len;

	if (OidIsValid(serverid))
		tuple = SearchSysCache1(FOREIGNSERVEROID, ObjectIdGetDatum(serverid));
	if (!HeapTupleIsValid(tuple))
		refuse_no_server(server, account->provider);

	acl = og_server_aclcheck(serverid, GetUserId());
	if (acl != ACLCHECK_OK)
		aclcheck_error(acl, OBJECT_FOREIGN_SERVER, server);
	check_wrapper(server, ((Form_pg_foreign_server) GETSTRUCT(tuple))->srvfdw,
				  account->provider);

	account->serverid = serverid;
	account->server = pstrdup(server);
	account->version.server = HeapTupleHeaderGetRawXmin(tuple->t_data);
	options = SysCacheGetAttr(FOREIGNSERVEROID, tuple,
							  Anum_pg_foreign_server_srvoptions, &isnull);
	og_account_read_server(account, isnull ? (Datum) 0 : options);
	ReleaseSysCache(tuple);

	len = strlen(account->base_url);
	while (len > 0 && account->base_url[len - 1] == '/')
		len--;
	account->base_url = pnstrdup(account->base_url, len);
}

/* The wrappers of all providers, for a hint. */
static char *
all_wrappers(void)
{
	StringInfoData names;

	initStringInfo(&names);
	for (int i = 0; og_providers[i] != NULL; i++)
		og_list_add(&names, "%s", og_providers[i]->wrapper);
	return names.data;
}

const OgProvider *
og_account_provider(const char *server)
{
	ForeignServer *found = GetForeignServerByName(server, true);
	const char *wrapper;

	if (found == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("server \"%s\" does not exist", server),
				 errhint("CREATE SERVER %s FOREIGN DATA WRAPPER ...; with one of %s.",
						 quote_identifier(server), all_wrappers())));

	wrapper = GetForeignDataWrapper(found->fdwid)->fdwname;
	for (int i = 0; og_providers[i] != NULL; i++)
	{
		if (strcmp(og_providers[i]->wrapper, wrapper) == 0)
			return og_providers[i];
	}
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("server \"%s\" is not a server of order_gateway", server),
			 errdetail("It belongs to foreign-data wrapper \"%s\".", wrapper),
			 errhint("Servers that fit belong to one of %s.",
					 all_wrappers())));
}

/* ---------- user mappings ---------- */

pg_noreturn static void
refuse_no_mapping(const OgAccount *account, const char *role)
{
	StringInfoData options;

	initStringInfo(&options);
	for (int i = 0; account->provider->credentials[i].name != NULL; i++)
		og_list_add(&options, "%s '...'", account->provider->credentials[i].name);
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_OBJECT),
			 errmsg("user mapping for %s on server \"%s\" does not exist",
					role, account->server),
			 errhint("CREATE USER MAPPING FOR %s SERVER %s OPTIONS (%s);",
					 role, quote_identifier(account->server),
					 options.data)));
}

/* The mapping of the current user, or else that of PUBLIC. */
static void
read_mapping(OgAccount *account)
{
	const char *role = quote_identifier(GetUserNameFromId(GetUserId(), false));
	Datum		server = ObjectIdGetDatum(account->serverid);
	HeapTuple	tuple = SearchSysCache2(USERMAPPINGUSERSERVER,
										ObjectIdGetDatum(GetUserId()), server);
	Datum		options;
	bool		isnull;

	if (!HeapTupleIsValid(tuple))
	{
		tuple = SearchSysCache2(USERMAPPINGUSERSERVER,
								ObjectIdGetDatum(InvalidOid), server);
		if (!HeapTupleIsValid(tuple))
			refuse_no_mapping(account, role);
		role = "PUBLIC";
	}
	account->version.mappingid =
		((Form_pg_user_mapping) GETSTRUCT(tuple))->oid;
	account->version.mapping = HeapTupleHeaderGetRawXmin(tuple->t_data);
	options = SysCacheGetAttr(USERMAPPINGUSERSERVER, tuple,
							  Anum_pg_user_mapping_umoptions, &isnull);
	og_account_read_mapping(account, isnull ? (Datum) 0 : options, role);
	ReleaseSysCache(tuple);
}

/* ---------- accounts ---------- */

/*
 * Provider, address (less the scheme, which the port implies) and key.  No part
 * can contain a line break.
 */
static void
set_identity(OgAccount *account, const char *path)
{
	const char *key = account->credentials[account->provider->key];
	char	   *place = psprintf("%s\n%s\n%s\n", account->provider->name,
								 account->host, path);
	size_t		len = strlen(place) + (key ? strlen(key) : 0);

	account->identity = og_account_secret(NULL, len);
	snprintf(account->identity, len + 1, "%s%s", place, key ? key : "");
	account->names = palloc0(sizeof(OgAccountNames));
}

static void
hash(const char *text, char *name)
{
	char	   *hex = og_hash_hex(OG_SHA256, og_slice_of(text));

	if (hex == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_EXTERNAL_ROUTINE_EXCEPTION),
				 errmsg("could not compute a SHA-256 hash")));
	strlcpy(name, hex, OG_NAME_HASH + 1);
	pfree(hex);
}

const OgAccountNames *
og_account_names(const OgAccount *account)
{
	OgAccountNames *names = account->names;

	if (names->host[0] == '\0')
	{
		hash(account->identity, names->account);
		hash(account->host, names->host);
	}
	return names;
}

OgAccount *
og_account_open(const char *server, const OgProvider *provider,
				bool with_credentials)
{
	OgAccount  *account = palloc0(sizeof(OgAccount));
	const char *path;

	account->provider = provider;
	read_server(account, server);
	split_base_url(account, &path);
	if (with_credentials)
		read_mapping(account);
	set_identity(account, path);
	return account;
}

/* ---------- validators ---------- */

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

/*
 * The server calls this with all options that an object would have after a
 * CREATE or ALTER.  They are read as by a call, into an account that nobody
 * uses.
 */
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
