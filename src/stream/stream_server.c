/*-------------------------------------------------------------------------
 *
 * stream_server.c
 *		Numbers by which the logs, the ledger and events know servers.
 *
 * The OID of a server is another one after pg_upgrade, and logs may be as large as
 * they like: so their rows have a number that stays, and one small table tells which
 * server that is.  Only a stream worker adds to it, and keeps the names there those
 * that servers have, since by these they are found anew (worker_upgraded.c).
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "foreign/foreign.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "stream/stream_internal.h"
#include "worker/worker_table.h"

typedef struct Numbered
{
	Oid			number;
	Oid			serverid;
	bool		is_dropped;
	NameData	server;			/* if it is not */
	ItemPointerData at;
} Numbered;

/* ---------- the table ---------- */

static bool
take_row(void *owner, const OgTableRow *row)
{
	List	  **all = owner;
	Numbered   *numbered = palloc0(sizeof(Numbered));

	numbered->number = DatumGetObjectId(row->values[STREAM_SERVER_NUMBER]);
	numbered->serverid =
		DatumGetObjectId(row->values[STREAM_SERVER_SERVER_ID]);
	numbered->is_dropped = row->nulls[STREAM_SERVER_SERVER];
	if (!numbered->is_dropped)
		numbered->server = *DatumGetName(row->values[STREAM_SERVER_SERVER]);
	numbered->at = *row->at;
	*all = lappend(*all, numbered);
	return true;
}

static Numbered *
find_server(List *all, Oid serverid)
{
	ListCell   *cell;

	foreach(cell, all)
	{
		if (((Numbered *) lfirst(cell))->serverid == serverid)
			return lfirst(cell);
	}
	return NULL;
}

static bool
is_taken(List *all, Oid number)
{
	ListCell   *cell;

	foreach(cell, all)
	{
		if (((Numbered *) lfirst(cell))->number == number)
			return true;
	}
	return false;
}

static Numbered *
add_server(List *all, Oid serverid, const char *server)
{
	Numbered   *numbered = palloc0(sizeof(Numbered));
	Datum		values[STREAM_SERVER_COLUMNS] = {0};
	bool		nulls[STREAM_SERVER_COLUMNS] = {false};

	numbered->number = numbered->serverid = serverid;
	while (is_taken(all, numbered->number))
		numbered->number++;
	namestrcpy(&numbered->server, server);
	values[STREAM_SERVER_INSTALLATION] =
		UUIDPGetDatum(&og_stream_loop.installation);
	values[STREAM_SERVER_NUMBER] = ObjectIdGetDatum(numbered->number);
	values[STREAM_SERVER_SERVER_ID] = ObjectIdGetDatum(serverid);
	values[STREAM_SERVER_SERVER] = NameGetDatum(&numbered->server);
	og_table_insert(OG_STREAM_SERVER_TABLE, values, nulls);
	CommandCounterIncrement();
	return numbered;
}

/* It has got another name, or was dropped. */
static void
keep_name(Numbered *numbered)
{
	ForeignServer *server = GetForeignServerExtended(numbered->serverid,
													 FSV_MISSING_OK);
	Datum		values[STREAM_SERVER_COLUMNS] = {0};
	bool		nulls[STREAM_SERVER_COLUMNS] = {false};
	bool		replace[STREAM_SERVER_COLUMNS] = {false};

	if (server == NULL ? numbered->is_dropped :
		!numbered->is_dropped &&
		strcmp(server->servername, NameStr(numbered->server)) == 0)
		return;
	numbered->is_dropped = server == NULL;
	if (server != NULL)
		namestrcpy(&numbered->server, server->servername);
	nulls[STREAM_SERVER_SERVER] = server == NULL;
	values[STREAM_SERVER_SERVER] = NameGetDatum(&numbered->server);
	replace[STREAM_SERVER_SERVER] = true;
	og_table_update(OG_STREAM_SERVER_TABLE, &numbered->at, values, nulls,
					replace);
}

List *
og_servers_read(List *wishes)
{
	List	   *all = NIL;
	ScanKeyData key;
	ListCell   *cell;

	og_table_installation_key(&key, &og_stream_loop.installation);
	og_table_scan(OG_STREAM_SERVER_TABLE, OG_STREAM_SERVER_KEY, NULL, &key, 1,
				  take_row, &all);
	foreach(cell, all)
		keep_name(lfirst(cell));
	foreach(cell, wishes)
	{
		const OgStreamWish *wish = lfirst(cell);

		if (find_server(all, wish->serverid) == NULL)
			all = lappend(all, add_server(all, wish->serverid, wish->server));
	}
	return all;
}

/* ---------- what is known of it ---------- */

void
og_servers_take(List *all)
{
	MemoryContext old = MemoryContextSwitchTo(og_stream_loop.context);
	List	   *known = NIL;
	ListCell   *cell;

	foreach(cell, all)
	{
		Numbered   *numbered = palloc(sizeof(Numbered));

		*numbered = *(Numbered *) lfirst(cell);
		known = lappend(known, numbered);
	}
	list_free_deep(og_stream_loop.servers);
	og_stream_loop.servers = known;
	MemoryContextSwitchTo(old);
}

Oid
og_server_number(Oid serverid)
{
	const Numbered *numbered = find_server(og_stream_loop.servers, serverid);

	if (numbered == NULL)
		elog(ERROR, "server %u has no number", serverid);
	return numbered->number;
}

Oid
og_server_numbered(Oid number)
{
	ListCell   *cell;

	foreach(cell, og_stream_loop.servers)
	{
		const Numbered *numbered = lfirst(cell);

		if (numbered->number == number)
			return numbered->serverid;
	}
	return InvalidOid;
}
