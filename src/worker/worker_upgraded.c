/*-------------------------------------------------------------------------
 *
 * worker_upgraded.c
 *		What is known of servers by their OIDs, after pg_upgrade.
 *
 * Roles and tables keep their OIDs, servers and functions only their names.  Rows
 * that are few are all moved in one transaction, or none is: so whoever comes again
 * after a crash finds either all of what was before, or all of what is now.  Calls
 * are moved one by one, each by the name that its row has (worker_journal.c).  What
 * streams have written is not touched (stream_server.c).
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/transam.h"
#include "access/xact.h"
#include "foreign/foreign.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "worker/worker_function.h"
#include "worker/worker_table.h"
#include "worker/worker_upgraded.h"

/* The columns of a table that tell of a server. */
typedef struct Telling
{
	OgTable		table;
	OgTable		key;
	int			serverid;
	int			server;			/* its name as of then, NOT_TOLD = it has none */
	int			as_of;			/* NOT_TOLD = now */
	int			functionid;		/* NOT_TOLD = it has none */
	int			function;		/* its name, NOT_TOLD = this one: */
	const char *one;
} Telling;

#define NOT_TOLD	(-1)

static const Telling tellings[] = {
	{OG_SWEEP_TABLE, OG_SWEEP_KEY, SWEEP_SERVER_ID, SWEEP_SERVER,
	SWEEP_WANTED_AT, NOT_TOLD, NOT_TOLD, NULL},
	{OG_WISH_TABLE, OG_WISH_KEY, WISH_SERVER_ID, WISH_SERVER, WISH_WISHED_AT,
	WISH_FUNCTION_ID, WISH_FUNCTION, NULL},
	{OG_HEARTBEAT_TABLE, OG_HEARTBEAT_KEY, HEARTBEAT_SERVER_ID, NOT_TOLD,
	NOT_TOLD, NOT_TOLD, NOT_TOLD, NULL},
	{OG_STREAM_TABLE, OG_STREAM_KEY, STREAM_SERVER_ID, STREAM_SERVER,
	STREAM_STARTED_AT, STREAM_FUNCTION_ID, NOT_TOLD, "btse_stream_start"},
	{OG_STREAM_SERVER_TABLE, OG_STREAM_SERVER_KEY, STREAM_SERVER_SERVER_ID,
	STREAM_SERVER_SERVER, NOT_TOLD, NOT_TOLD, NOT_TOLD, NULL}
};

/* OIDs that a server had, has while rows are moved, and has now. */
typedef enum Place
{
	BEFORE,
	BETWEEN,
	AFTER,
	PLACES
} Place;

typedef struct Moved
{
	Oid			oids[PLACES];
	TimestampTz as_of;			/* DT_NOBEGIN = it was not named */
	bool		is_named;		/* false: it was dropped, as far as is known */
	NameData	name;
} Moved;

typedef struct Moving
{
	const pg_uuid_t *installation;
	const Telling *telling;		/* that is gone through */
	List	   *moved;			/* Moved * */
	List	   *rows;			/* Row *, of .telling */
	Oid			nobody;			/* the last OID that was given to no server */
} Moving;

/* Where a row is, and what else of it changes. */
typedef struct Row
{
	ItemPointerData at;
	Oid			serverid;
	Oid			functionid;
} Row;

/* ---------- what rows tell ---------- */

static Moved *
find_moved(const Moving *moving, Place place, Oid oid)
{
	ListCell   *cell;

	foreach(cell, moving->moved)
	{
		Moved	   *moved = lfirst(cell);

		if (moved->oids[place] == oid)
			return moved;
	}
	return NULL;
}

/* No server that users create has an OID below that. */
static Moved *
add_moved(Moving *moving, Oid before)
{
	Moved	   *moved = palloc0(sizeof(Moved));

	moving->moved = lappend(moving->moved, moved);
	moved->oids[BEFORE] = before;
	moved->oids[BETWEEN] = FirstNormalObjectId - list_length(moving->moved);
	moved->as_of = DT_NOBEGIN;
	return moved;
}

/* It may have got another name since: the last that is told of it counts. */
static bool
take_name(void *owner, const OgTableRow *row)
{
	Moving	   *moving = owner;
	const Telling *telling = moving->telling;
	Oid			serverid = DatumGetObjectId(row->values[telling->serverid]);
	Moved	   *moved = find_moved(moving, BEFORE, serverid);
	TimestampTz as_of = telling->as_of == NOT_TOLD ? DT_NOEND
		: DatumGetTimestampTz(row->values[telling->as_of]);

	if (moved == NULL)
		moved = add_moved(moving, serverid);
	if (telling->server == NOT_TOLD || as_of < moved->as_of)
		return true;
	moved->as_of = as_of;
	moved->is_named = !row->nulls[telling->server];
	if (moved->is_named)
		moved->name = *DatumGetName(row->values[telling->server]);
	return true;
}

static void
scan(Moving *moving, const Telling *telling, OgFound found)
{
	ScanKeyData key;

	moving->telling = telling;
	og_table_installation_key(&key, moving->installation);
	og_table_scan(telling->table, telling->key, NULL, &key, 1, found, moving);
}

/* ---------- which server that is now ---------- */

/* Was one of this name made later?  Then this was dropped before. */
static bool
is_outlived(const Moving *moving, const Moved *moved)
{
	ListCell   *cell;

	foreach(cell, moving->moved)
	{
		const Moved *other = lfirst(cell);

		if (other->is_named && other->oids[BEFORE] > moved->oids[BEFORE] &&
			strcmp(NameStr(other->name), NameStr(moved->name)) == 0)
			return true;
	}
	return false;
}

/* Below those of what users create: so no server has it, nor will have. */
static Oid
nobody(Moving *moving)
{
	do
		moving->nobody++;
	while (find_moved(moving, BEFORE, moving->nobody) != NULL);
	return moving->nobody;
}

/*
 * What had a server that is gone must not be taken for another one's, nor for that
 * of another that is gone.
 */
static void
find_server(Moving *moving, Moved *moved)
{
	Oid			after = InvalidOid;

	if (moved->oids[BEFORE] < FirstNormalObjectId)
		after = moved->oids[BEFORE];
	else if (moved->is_named && !is_outlived(moving, moved))
		after = get_foreign_server_oid(NameStr(moved->name), true);
	moved->oids[AFTER] = OidIsValid(after) ? after : nobody(moving);
}

/* ---------- moving rows ---------- */

static Oid
function_of(const Telling *telling, const OgTableRow *row)
{
	if (telling->functionid == NOT_TOLD)
		return InvalidOid;
	return og_extension_function(telling->function == NOT_TOLD ? telling->one
								 : TextDatumGetCString(row->values[telling->function]));
}

static bool
take_row(void *owner, const OgTableRow *row)
{
	Moving	   *moving = owner;
	const Telling *telling = moving->telling;
	Row		   *taken = palloc(sizeof(Row));

	taken->at = *row->at;
	taken->serverid = DatumGetObjectId(row->values[telling->serverid]);
	taken->functionid = function_of(telling, row);
	moving->rows = lappend(moving->rows, taken);
	return true;
}

static void
move_row(const Telling *telling, const Row *row, Oid serverid)
{
	Datum		values[OG_MOST_COLUMNS] = {0};
	bool		nulls[OG_MOST_COLUMNS] = {false};
	bool		replace[OG_MOST_COLUMNS] = {false};

	values[telling->serverid] = ObjectIdGetDatum(serverid);
	replace[telling->serverid] = true;
	if (telling->functionid != NOT_TOLD)
	{
		values[telling->functionid] = ObjectIdGetDatum(row->functionid);
		replace[telling->functionid] = true;
	}
	og_table_update(telling->table, &row->at, values, nulls, replace);
}

static void
move_rows(Moving *moving, const Telling *telling, Place from, Place to)
{
	ListCell   *cell;

	moving->rows = NIL;
	scan(moving, telling, take_row);
	foreach(cell, moving->rows)
	{
		const Row  *row = lfirst(cell);
		const Moved *moved = find_moved(moving, from, row->serverid);

		if (moved != NULL)
			move_row(telling, row, moved->oids[to]);
	}
	list_free_deep(moving->rows);
	CommandCounterIncrement();
}

/*
 * A server may have got the OID that another one had, which is still in that one's
 * rows, and keys have it: so all rows leave theirs first.
 */
static void
move_table(Moving *moving, const Telling *telling)
{
	move_rows(moving, telling, BEFORE, BETWEEN);
	move_rows(moving, telling, BETWEEN, AFTER);
}

void
og_upgraded_find_servers(const pg_uuid_t *installation)
{
	Moving		moving = {installation};
	ListCell   *cell;

	for (int i = 0; i < lengthof(tellings); i++)
		scan(&moving, &tellings[i], take_name);
	foreach(cell, moving.moved)
		find_server(&moving, lfirst(cell));
	for (int i = 0; i < lengthof(tellings); i++)
		move_table(&moving, &tellings[i]);
}
