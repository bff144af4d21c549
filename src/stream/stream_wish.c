/*-------------------------------------------------------------------------
 *
 * stream_wish.c
 *		Streams, as rows: who follows what.
 *
 * Sessions add rows and remove them; the worker only reads them.  Two roles may
 * follow the same, and one role the same into several tables.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_foreign_server.h"
#include "commands/sequence.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

#include "ground/compat.h"
#include "stream/stream.h"
#include "worker/worker_table.h"

/* ---------- kinds ---------- */

static const char *const kind_names[OG_STREAM_KINDS] = {
	[OG_STREAM_L1] = "l1",
	[OG_STREAM_BOOK] = "book",
	[OG_STREAM_TRADES] = "trades",
	[OG_STREAM_FILLS] = "fills",
	[OG_STREAM_NOTIFICATIONS] = "notifications"
};

const char *
og_stream_kind_name(OgStreamKind kind)
{
	return kind_names[kind];
}

bool
og_stream_kind_of(const char *name, OgStreamKind *kind)
{
	for (int i = 0; i < OG_STREAM_KINDS; i++)
	{
		if (strcmp(kind_names[i], name) != 0)
			continue;
		*kind = i;
		return true;
	}
	return false;
}

bool
og_stream_is_private(OgStreamKind kind)
{
	return kind == OG_STREAM_FILLS || kind == OG_STREAM_NOTIFICATIONS;
}

bool
og_stream_is_appended(OgStreamKind kind)
{
	return og_stream_is_private(kind) || kind == OG_STREAM_TRADES;
}

bool
og_stream_may_see(bool own, OgStreamKind kind, Oid serverid,
				  const char *server, Oid roleid, const char *role)
{
	Oid			user = GetUserId();

	if (has_privs_of_role(user, ROLE_PG_READ_ALL_DATA))
		return true;
	if (!own)
	{
		serverid = get_foreign_server_oid(server, true);
		roleid = get_role_oid(role, true);
	}
	if (SearchSysCacheExists1(AUTHOID, ObjectIdGetDatum(roleid)) &&
		is_member_of_role(user, roleid))
		return true;
	return !og_stream_is_private(kind) &&
		SearchSysCacheExists1(FOREIGNSERVEROID, ObjectIdGetDatum(serverid)) &&
		og_server_aclcheck(serverid, user) == ACLCHECK_OK;
}

void
og_stream_need_places(const OgAccount *account)
{
	const char *missing = account->stream_url == NULL ? "stream_url"
		: account->book_stream_url == NULL ? "book_stream_url" : NULL;

	if (missing == NULL)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_FDW_DYNAMIC_PARAMETER_VALUE_NEEDED),
			 errmsg("server \"%s\" lacks option \"%s\"", account->server,
					missing),
			 errdetail("Where streams are is known of the provider's documented addresses only."),
			 errhint("ALTER SERVER %s OPTIONS (ADD %s 'wss://...');",
					 quote_identifier(account->server), missing)));
}

/* ---------- rows ---------- */

static OgStreamWish
read_wish(const OgTableRow *row)
{
	const Datum *values = row->values;
	const bool *nulls = row->nulls;
	OgStreamWish wish = {0};
	char	   *kind = TextDatumGetCString(values[STREAM_KIND]);

	if (!og_stream_kind_of(kind, &wish.kind))
		elog(ERROR, "there is no kind of stream \"%s\"", kind);
	wish.stream_id = DatumGetInt32(values[STREAM_STREAM_ID]);
	if (!nulls[STREAM_SYMBOL])
		wish.symbol = TextDatumGetCString(values[STREAM_SYMBOL]);
	if (!nulls[STREAM_BOOK_GROUPING])
		wish.grouping = DatumGetInt32(values[STREAM_BOOK_GROUPING]);
	if (!nulls[STREAM_INTO_TABLE])
		wish.into_table = DatumGetObjectId(values[STREAM_INTO_TABLE]);
	wish.functionid = DatumGetObjectId(values[STREAM_FUNCTION_ID]);
	wish.serverid = DatumGetObjectId(values[STREAM_SERVER_ID]);
	wish.server = pstrdup(NameStr(*DatumGetName(values[STREAM_SERVER])));
	wish.roleid = DatumGetObjectId(values[STREAM_ROLE_ID]);
	wish.role = pstrdup(NameStr(*DatumGetName(values[STREAM_ROLE])));
	wish.started_at = DatumGetTimestampTz(values[STREAM_STARTED_AT]);
	return wish;
}

static bool
take_wish(void *owner, const OgTableRow *row)
{
	List	  **wishes = owner;
	OgStreamWish *wish = palloc(sizeof(OgStreamWish));

	*wish = read_wish(row);
	*wishes = lappend(*wishes, wish);
	return true;
}

List *
og_streams_read(const pg_uuid_t *installation)
{
	List	   *wishes = NIL;
	ScanKeyData key;

	og_table_installation_key(&key, installation);
	og_table_scan(OG_STREAM_TABLE, OG_STREAM_KEY, NULL, &key, 1, take_wish,
				  &wishes);
	return wishes;
}

/* ---------- starting ---------- */

static bool
is_same(const OgStreamWish *a, const OgStreamWish *b)
{
	return a->kind == b->kind && a->grouping == b->grouping &&
		og_same_text(a->symbol, b->symbol) &&
		a->into_table == b->into_table && a->serverid == b->serverid &&
		a->roleid == b->roleid;
}

/* One that is not shown is not seen by anybody, whatever becomes of it. */
static void
refuse_more(int count)
{
	if (count >= OG_MOST_STREAMS)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("this database has %d streams, and can have no more",
						count),
				 errhint("The view order_gateway_streams shows them, and btse_stream_stop() ends one.")));
}

static void
refuse_same(const List *others, const OgStreamWish *wish)
{
	ListCell   *cell;

	foreach(cell, others)
	{
		const OgStreamWish *other = lfirst(cell);

		if (is_same(other, wish))
			ereport(ERROR,
					(errcode(ERRCODE_DUPLICATE_OBJECT),
					 errmsg("role \"%s\" follows that already", wish->role),
					 errdetail("It is stream %d.", other->stream_id),
					 errhint("The view order_gateway_streams shows it, and btse_stream_stop(%d) ends it.",
							 other->stream_id)));
	}
}

/* What is dropped meanwhile would leave a stream that cannot be followed. */
static void
keep_server(const OgStreamWish *wish)
{
	LockDatabaseObject(ForeignServerRelationId, wish->serverid, 0,
					   AccessShareLock);
	if (!SearchSysCacheExists1(FOREIGNSERVEROID,
							   ObjectIdGetDatum(wish->serverid)))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("server \"%s\" does not exist any more", wish->server)));
}

int32
og_stream_add(const pg_uuid_t *installation, OgStreamWish *wish)
{
	Datum		values[STREAM_COLUMNS] = {0};
	bool		nulls[STREAM_COLUMNS] = {false};
	List	   *others;

	keep_server(wish);
	others = og_streams_read(installation);
	refuse_same(others, wish);
	refuse_more(list_length(others));
	wish->stream_id =
		(int32) nextval_internal(og_table_oid(OG_STREAM_ID), false);
	wish->started_at = GetCurrentTimestamp();
	values[STREAM_INSTALLATION] = UUIDPGetDatum(installation);
	values[STREAM_STREAM_ID] = Int32GetDatum(wish->stream_id);
	values[STREAM_KIND] = CStringGetTextDatum(og_stream_kind_name(wish->kind));
	values[STREAM_SYMBOL] = og_text_or_null(wish->symbol,
											&nulls[STREAM_SYMBOL]);
	nulls[STREAM_BOOK_GROUPING] = wish->kind != OG_STREAM_BOOK;
	values[STREAM_BOOK_GROUPING] = Int32GetDatum(wish->grouping);
	nulls[STREAM_INTO_TABLE] = !OidIsValid(wish->into_table);
	values[STREAM_INTO_TABLE] = ObjectIdGetDatum(wish->into_table);
	values[STREAM_FUNCTION_ID] = ObjectIdGetDatum(wish->functionid);
	values[STREAM_SERVER_ID] = ObjectIdGetDatum(wish->serverid);
	values[STREAM_SERVER] = og_name_datum(wish->server);
	values[STREAM_ROLE_ID] = ObjectIdGetDatum(wish->roleid);
	values[STREAM_ROLE] = og_name_datum(wish->role);
	values[STREAM_STARTED_AT] = TimestampTzGetDatum(wish->started_at);
	og_table_insert(OG_STREAM_TABLE, values, nulls);
	CommandCounterIncrement();
	return wish->stream_id;
}

/* ---------- stopping ---------- */

/* Whose row it is: that of this installation, if there are several. */
typedef struct Stopping
{
	const pg_uuid_t *installation;
	int32		stream_id;
	bool		found;
	bool		own;
	pg_uuid_t	id;				/* of its installation */
} Stopping;

/* Only those of a role stop its streams, whoever else sees them. */
static bool
may_stop(bool own, const OgStreamWish *wish)
{
	Oid			roleid = own ? wish->roleid : get_role_oid(wish->role, true);

	return superuser() ||
		(SearchSysCacheExists1(AUTHOID, ObjectIdGetDatum(roleid)) &&
		 is_member_of_role(GetUserId(), roleid));
}

static bool
take_stopping(void *owner, const OgTableRow *row)
{
	Stopping   *stopping = owner;
	OgStreamWish wish = read_wish(row);
	const pg_uuid_t *id = DatumGetUUIDP(row->values[STREAM_INSTALLATION]);
	bool		own = memcmp(id, stopping->installation,
							 sizeof(pg_uuid_t)) == 0;

	if (wish.stream_id != stopping->stream_id || !may_stop(own, &wish))
		return true;
	stopping->found = true;
	stopping->own = own;
	stopping->id = *id;
	return !own;
}

bool
og_stream_remove(const pg_uuid_t *installation, int32 stream_id)
{
	Stopping	stopping = {installation, stream_id};
	ScanKeyData keys[2];
	int			most = 1;

	og_table_scan(OG_STREAM_TABLE, OG_STREAM_KEY, NULL, keys, 0,
				  take_stopping, &stopping);
	if (!stopping.found)
		return false;
	og_table_installation_key(&keys[0], &stopping.id);
	ScanKeyInit(&keys[1], STREAM_STREAM_ID + 1, BTEqualStrategyNumber,
				F_INT4EQ, Int32GetDatum(stream_id));

	/* Another session may have stopped it just now. */
	(void) og_table_remove(OG_STREAM_TABLE, OG_STREAM_KEY, keys, 2, &most);
	CommandCounterIncrement();
	return most == 0;
}
