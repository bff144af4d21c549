/*-------------------------------------------------------------------------
 *
 * worker_account.c
 *		As whom a call is made, and where it goes.
 *
 * Role and server are known by their OIDs, so that renaming them changes
 * nothing.  Where the function that submitted a call is not there any more,
 * this may be another cluster, made by pg_upgrade: roles have kept their OIDs
 * then, but servers and functions only their names.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_user_mapping.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/catcache.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/syscache.h"

#include "ground/compat.h"
#include "http/http.h"
#include "worker/worker_account.h"
#include "worker/worker_function.h"
#include "worker/worker_table.h"

/* Counts changes of what a share was made from. */
static uint64 version = 0;

/* Functions that calls were made with, by their hashes. */
#define MOST_FUNCTIONS	128

static uint32 functions[MOST_FUNCTIONS];
static int	nfunctions = 0;

static bool
is_watched(uint32 function)
{
	int			i = 0;

	while (i < nfunctions && functions[i] != function)
		i++;
	return i < nfunctions || i == MOST_FUNCTIONS;
}

void
og_share_watch(Oid functionid)
{
	uint32		function = GetSysCacheHashValue1(PROCOID,
												 ObjectIdGetDatum(functionid));

	if (!is_watched(function))
		functions[nfunctions++] = function;
}

/* Somebody always creates functions; the hash of all that there are is 0. */
static void
count_change(Datum argument, int cache, uint32 hash)
{
	if (cache != PROCOID || hash == 0 || is_watched(hash))
		version++;
}

static void
watch_catalog(void)
{
	static const int caches[] = {
		AUTHOID, AUTHMEMROLEMEM, FOREIGNDATAWRAPPEROID, FOREIGNSERVEROID,
		PROCOID, USERMAPPINGOID
	};
	static bool watching = false;

	for (int i = 0; i < lengthof(caches) && !watching; i++)
		CacheRegisterSyscacheCallback(caches[i], count_change, (Datum) 0);
	watching = true;
}

uint64
og_share_version(void)
{
	watch_catalog();
	return version;
}

static TransactionId
version_of(HeapTuple tuple)
{
	return HeapTupleIsValid(tuple) ? HeapTupleHeaderGetRawXmin(tuple->t_data)
		: InvalidTransactionId;
}

/* False if there is none. */
static bool
read_mapping(Oid serverid, Oid roleid, OgAccountVersion *read)
{
	HeapTuple	tuple = SearchSysCache2(USERMAPPINGUSERSERVER,
										ObjectIdGetDatum(roleid),
										ObjectIdGetDatum(serverid));

	if (!HeapTupleIsValid(tuple))
		return false;
	read->mapping = version_of(tuple);
	read->mappingid = ((Form_pg_user_mapping) GETSTRUCT(tuple))->oid;
	ReleaseSysCache(tuple);
	return true;
}

AccountRows
og_account_rows(Oid serverid, Oid roleid)
{
	HeapTuple	server = SearchSysCache1(FOREIGNSERVEROID,
										 ObjectIdGetDatum(serverid));
	AccountRows rows = {.version.server = version_of(server)};

	if (!HeapTupleIsValid(server))
		return rows;
	ReleaseSysCache(server);
	rows.allowed = SearchSysCacheExists1(AUTHOID, ObjectIdGetDatum(roleid)) &&
		og_server_aclcheck(serverid, roleid) == ACLCHECK_OK;
	if (!read_mapping(serverid, roleid, &rows.version))
		(void) read_mapping(serverid, InvalidOid, &rows.version);
	return rows;
}

bool
og_account_rows_differ(const AccountRows *a, const AccountRows *b)
{
	return !og_account_is_same(&a->version, &b->version) ||
		a->allowed != b->allowed;
}

/* ---------- the function ---------- */

/* Is this still the function that was called: to make the call, or submit it? */
static bool
is_function(const OgJournalCall *call)
{
	char	   *name = get_func_name(call->functionid);

	return name != NULL &&
		get_func_namespace(call->functionid) == og_table_schema() &&
		(strcmp(name, call->function) == 0 ||
		 strcmp(name, psprintf("%s%s", call->function, OG_SUBMIT)) == 0);
}

/* Answers whether the function is the very same that was called. */
static bool
check_function(const OgJournalCall *call)
{
	const char *name = psprintf("%s%s", call->function, OG_SUBMIT);
	bool		same;
	Oid			functionid;

	og_share_watch(call->functionid);
	same = is_function(call);
	functionid = same ? call->functionid : og_submit_function(call->function);
	og_share_watch(functionid);
	if (!OidIsValid(functionid))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_FUNCTION),
				 errmsg("function %s() does not exist any more", name)));
	if (og_function_aclcheck(functionid, call->roleid) != ACLCHECK_OK)
		aclcheck_error(ACLCHECK_NO_PRIV, OBJECT_FUNCTION, name);
	return same;
}

/* ---------- role and server ---------- */

void
og_account_need_role(Oid roleid, const char *role)
{
	if (!SearchSysCacheExists1(AUTHOID, ObjectIdGetDatum(roleid)))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("role \"%s\" does not exist any more", role)));
}

ForeignServer *
og_account_need_server(Oid serverid, const char *server)
{
	ForeignServer *found = GetForeignServerExtended(serverid, FSV_MISSING_OK);

	if (found == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("server \"%s\" does not exist any more", server)));
	return found;
}

static const OgProvider *
provider_of(const OgJournalCall *call)
{
	for (int i = 0; og_providers[i] != NULL; i++)
	{
		if (strcmp(og_providers[i]->name, call->provider) == 0)
			return og_providers[i];
	}
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_OBJECT),
			 errmsg("there is no provider \"%s\"", call->provider)));
}

/* What the server is called now. */
static const char *
server_of(const OgJournalCall *call, bool same_cluster)
{
	ForeignServer *server = GetForeignServerExtended(call->serverid,
													 FSV_MISSING_OK);

	if (server != NULL)
		return server->servername;
	if (same_cluster)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("server \"%s\" does not exist any more", call->server),
				 errdetail("One that was created under this name since is another one.")));
	return call->server;
}

OgAccount *
og_account_open_as(Oid roleid, const char *server, const OgProvider *provider,
				   bool with_credentials)
{
	OgAccount  *account;
	Oid			user;
	int			security;

	GetUserIdAndSecContext(&user, &security);
	SetUserIdAndSecContext(roleid,
						   security | SECURITY_LOCAL_USERID_CHANGE |
						   SECURITY_RESTRICTED_OPERATION);
	account = og_account_open(server, provider, with_credentials);
	SetUserIdAndSecContext(user, security);
	return account;
}

/* Opened as that role. */
OgAccount *
og_share_open(const OgJournalCall *call)
{
	bool		same;

	og_account_need_role(call->roleid, call->role);
	same = check_function(call);
	return og_account_open_as(call->roleid, server_of(call, same),
							  provider_of(call), true);
}

/* ---------- shares ---------- */

/* As many as the account with the most has requests in flight. */
static void
keep_connections(int count)
{
	static int	most = 1;

	most = Max(most, count);
	og_http_keep(most);
}

Share *
og_share_take(Line *line, const OgJournalCall *call, MemoryContext parent)
{
	Share	   *share = line->share;
	MemoryContext context;
	MemoryContext old;

	watch_catalog();
	if (share != NULL && share->version == version &&
		share->functionid == call->functionid)
	{
		share->users++;
		return share;
	}

	/* It goes with the transaction's memory until all is well. */
	context = AllocSetContextCreate(CurrentMemoryContext,
									"order_gateway account",
									ALLOCSET_SMALL_SIZES);
	old = MemoryContextSwitchTo(context);
	share = palloc0(sizeof(Share));
	share->context = context;
	share->version = version;
	share->functionid = call->functionid;
	share->line = line;
	share->users = 1;
	share->account = og_share_open(call);
	MemoryContextSwitchTo(old);
	MemoryContextSetParent(context, parent);
	line->share = share;
	line->max_in_flight = share->account->max_in_flight;
	keep_connections(line->max_in_flight);
	return share;
}

void
og_share_return(Share *share)
{
	if (--share->users > 0)
		return;
	if (share->line->share == share)
		share->line->share = NULL;
	MemoryContextDelete(share->context);
}
