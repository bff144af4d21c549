/*-------------------------------------------------------------------------
 *
 * stream_append_seen.c
 *		What was appended, and up to when that is complete.
 *
 * The ledger is written with the rows themselves, so that it knows exactly those
 * that are there, whatever constraints their table has.  What nobody will read
 * again is removed from it: that is from before the earliest mark, and from before
 * what the provider tells at all.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/timestamp.h"

#include "stream/stream_append.h"
#include "worker/worker_table.h"

/* ---------- the ledger ---------- */

/* Those of a market are everybody's. */
static Oid
role_of(const OgStreamWish *wish)
{
	return og_stream_is_private(wish->kind) ? wish->roleid : InvalidOid;
}

/* Trades are told apart within their market. */
static const char *
name_of(const OgStreamWish *wish, const char *id)
{
	return wish->kind == OG_STREAM_TRADES
		? psprintf("%s %s", wish->symbol, id) : id;
}

static bool
is_known(const OgStreamWish *wish, const char *id)
{
	const char *kind = og_stream_kind_name(wish->kind);
	ScanKeyData keys[6];

	og_table_installation_key(&keys[0], &og_stream_loop.installation);
	ScanKeyInit(&keys[1], STREAM_SEEN_TARGET + 1, BTEqualStrategyNumber,
				F_OIDEQ, ObjectIdGetDatum(wish->into_table));
	ScanKeyInit(&keys[2], STREAM_SEEN_SERVER_ID + 1, BTEqualStrategyNumber,
				F_OIDEQ, ObjectIdGetDatum(og_server_number(wish->serverid)));
	ScanKeyInit(&keys[3], STREAM_SEEN_ROLE_ID + 1, BTEqualStrategyNumber,
				F_OIDEQ, ObjectIdGetDatum(role_of(wish)));
	og_table_text_key(&keys[4], STREAM_SEEN_KIND, CStringGetTextDatum(kind));
	og_table_text_key(&keys[5], STREAM_SEEN_ID,
					  CStringGetTextDatum(name_of(wish, id)));
	return og_table_has(OG_STREAM_SEEN_TABLE, OG_STREAM_SEEN_KEY, keys, 6);
}

bool
og_seen(const AppendRow *row)
{
	const OgStreamWish *wish = &row->append->stream->wish;

	for (int i = 0; row->identity.known_as[i] != NULL; i++)
	{
		if (is_known(wish, row->identity.known_as[i]))
			return true;
	}
	return false;
}

/* A name that is remembered of a row. */
typedef struct Entry
{
	const OgStreamWish *wish;
	const char *id;
} Entry;

static void
form_entry(void *owner, int number, Datum *values, bool *nulls)
{
	const Entry *entry = (const Entry *) owner + number;
	const OgStreamWish *wish = entry->wish;

	values[STREAM_SEEN_INSTALLATION] =
		UUIDPGetDatum(&og_stream_loop.installation);
	values[STREAM_SEEN_TARGET] = ObjectIdGetDatum(wish->into_table);
	values[STREAM_SEEN_SERVER_ID] =
		ObjectIdGetDatum(og_server_number(wish->serverid));
	values[STREAM_SEEN_ROLE_ID] = ObjectIdGetDatum(role_of(wish));
	values[STREAM_SEEN_KIND] =
		CStringGetTextDatum(og_stream_kind_name(wish->kind));
	values[STREAM_SEEN_ID] = CStringGetTextDatum(name_of(wish, entry->id));
	values[STREAM_SEEN_AT] = TimestampTzGetDatum(GetCurrentTimestamp());
}

void
og_seen_add(AppendRow **rows, int count)
{
	Entry	   *entries = palloc(count * OG_STREAM_NAMES * sizeof(Entry));
	int			nentries = 0;

	for (int i = 0; i < count; i++)
	{
		const char *const *names = rows[i]->identity.remember;

		for (; *names != NULL; names++)
			entries[nentries++] =
				(Entry) {&rows[i]->append->stream->wish, *names};
	}
	if (nentries > 0)
		og_table_insert_many(OG_STREAM_SEEN_TABLE, nentries, form_entry,
							 entries);
	pfree(entries);
}

/* ---------- marks ---------- */

typedef struct MarkReading
{
	MarkFound	found;
	void	   *owner;
} MarkReading;

static void
mark_keys(ScanKeyData keys[2], int32 stream_id)
{
	og_table_installation_key(&keys[0], &og_stream_loop.installation);
	ScanKeyInit(&keys[1], STREAM_MARK_STREAM_ID + 1, BTEqualStrategyNumber,
				F_INT4EQ, Int32GetDatum(stream_id));
}

static bool
take_mark(void *owner, const OgTableRow *row)
{
	const MarkReading *reading = owner;
	char	   *symbol = TextDatumGetCString(row->values[STREAM_MARK_SYMBOL]);

	if (!row->nulls[STREAM_MARK_COMPLETE_UNTIL])
		reading->found(reading->owner, symbol,
					   DatumGetTimestampTz(row->values[STREAM_MARK_COMPLETE_UNTIL]));
	return true;
}

void
og_marks_read(int32 stream_id, MarkFound found, void *owner)
{
	MarkReading reading = {found, owner};
	ScanKeyData keys[2];

	mark_keys(keys, stream_id);
	og_table_scan(OG_STREAM_MARK_TABLE, OG_STREAM_MARK_KEY, NULL, keys, 2,
				  take_mark, &reading);
}

/* A mark that is to be written, and the row that it is in. */
typedef struct MarkPlace
{
	const char *symbol;
	bool		found;
	ItemPointerData at;
} MarkPlace;

static bool
take_place(void *owner, const OgTableRow *row)
{
	MarkPlace  *place = owner;
	char	   *symbol = TextDatumGetCString(row->values[STREAM_MARK_SYMBOL]);

	if (strcmp(symbol, place->symbol) != 0)
		return true;
	place->found = true;
	place->at = *row->at;
	return false;
}

void
og_mark_write(int32 stream_id, const char *symbol, TimestampTz until)
{
	Datum		values[STREAM_MARK_COLUMNS] = {0};
	bool		nulls[STREAM_MARK_COLUMNS] = {false};
	bool		replace[STREAM_MARK_COLUMNS] = {false};
	MarkPlace	place = {symbol};
	ScanKeyData keys[3];

	mark_keys(keys, stream_id);
	og_table_text_key(&keys[2], STREAM_MARK_SYMBOL,
					  CStringGetTextDatum(symbol));
	og_table_scan(OG_STREAM_MARK_TABLE, OG_STREAM_MARK_KEY, NULL, keys, 3,
				  take_place, &place);
	values[STREAM_MARK_INSTALLATION] =
		UUIDPGetDatum(&og_stream_loop.installation);
	values[STREAM_MARK_STREAM_ID] = Int32GetDatum(stream_id);
	values[STREAM_MARK_SYMBOL] = CStringGetTextDatum(symbol);
	values[STREAM_MARK_COMPLETE_UNTIL] = TimestampTzGetDatum(until);
	values[STREAM_MARK_PASSED_AT] =
		TimestampTzGetDatum(GetCurrentTimestamp());
	replace[STREAM_MARK_COMPLETE_UNTIL] = true;
	replace[STREAM_MARK_PASSED_AT] = true;
	if (place.found)
		og_table_update(OG_STREAM_MARK_TABLE, &place.at, values, nulls,
						replace);
	else
		og_table_insert(OG_STREAM_MARK_TABLE, values, nulls);
	CommandCounterIncrement();
}

/* ---------- marks of streams that are no more ---------- */

typedef struct MarkCleaning
{
	List	   *wishes;
	List	   *gone;			/* numbers of streams */
	TimestampTz earliest;
} MarkCleaning;

static bool
is_wished(const MarkCleaning *cleaning, int32 stream_id)
{
	ListCell   *cell;

	foreach(cell, cleaning->wishes)
	{
		if (((OgStreamWish *) lfirst(cell))->stream_id == stream_id)
			return true;
	}
	return false;
}

static bool
take_any_mark(void *owner, const OgTableRow *row)
{
	MarkCleaning *cleaning = owner;
	int32		stream_id = DatumGetInt32(row->values[STREAM_MARK_STREAM_ID]);

	if (!is_wished(cleaning, stream_id))
		cleaning->gone = list_append_unique_int(cleaning->gone, stream_id);
	else if (!row->nulls[STREAM_MARK_COMPLETE_UNTIL])
		cleaning->earliest =
			Min(cleaning->earliest,
				DatumGetTimestampTz(row->values[STREAM_MARK_COMPLETE_UNTIL]));
	return true;
}

TimestampTz
og_marks_clean(void)
{
	MarkCleaning cleaning = {
		.wishes = og_streams_read(&og_stream_loop.installation),
		.earliest = GetCurrentTimestamp()
	};
	ScanKeyData keys[2];
	ListCell   *cell;

	mark_keys(keys, 0);
	og_table_scan(OG_STREAM_MARK_TABLE, OG_STREAM_MARK_KEY, NULL, keys, 1,
				  take_any_mark, &cleaning);
	foreach(cell, cleaning.gone)
	{
		int			most = 1000;

		mark_keys(keys, lfirst_int(cell));
		(void) og_table_remove(OG_STREAM_MARK_TABLE, OG_STREAM_MARK_KEY, keys,
							   2, &most);
	}
	return cleaning.earliest;
}
