/*-------------------------------------------------------------------------
 *
 * stream_append_fresh.c
 *		Which rows of a batch are new, and which were refused before.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "common/hashfn.h"
#include "utils/hsearch.h"
#include "utils/timestamp.h"

#include "stream/stream_append.h"
#include "worker/worker_value.h"

/* ---------- rows that were told before ---------- */

/* The longest name of a row, with its market, server and role. */
#define MOST_NAME	512

typedef struct NameTaken
{
	char		text[MOST_NAME];
} NameTaken;

static bool
is_taken(HTAB *names, const AppendRow *row, const char *id, bool take)
{
	const OgStreamWish *wish = &row->append->stream->wish;
	NameTaken		name;
	bool		found;

	/* As in the ledger: what two roles are told are two rows. */
	snprintf(name.text, sizeof(name.text), "%u %u %s %s", wish->serverid,
			 og_stream_is_private(wish->kind) ? wish->roleid : InvalidOid,
			 wish->kind == OG_STREAM_TRADES ? wish->symbol : "", id);
	(void) hash_search(names, name.text, take ? HASH_ENTER : HASH_FIND,
					   &found);
	return found;
}

/* Is it told twice in this batch? */
static bool
is_repeated(HTAB *names, const AppendRow *row)
{
	const OgStreamIdentity *identity = &row->identity;

	for (int i = 0; identity->known_as[i] != NULL; i++)
	{
		if (is_taken(names, row, identity->known_as[i], false))
			return true;
	}
	for (int i = 0; identity->remember[i] != NULL; i++)
		(void) is_taken(names, row, identity->remember[i], true);
	return false;
}

/* A trade from before all that is remembered may have been appended. */
static bool
is_too_old(const AppendRow *row)
{
	OgStreamKind kind = row->append->stream->wish.kind;
	const OgColumn *shape = og_append_shape(kind);
	Datum		at;

	return kind == OG_STREAM_TRADES &&
		og_value(shape, og_column(shape, "event_time"), row->values, &at) &&
		DatumGetTimestampTz(at) < og_seen_horizon();
}

/* ---------- rows that were refused ---------- */

static uint32
hash_of(const AppendRow *row)
{
	const char *id = row->identity.id;

	return id != NULL
		? DatumGetUInt32(hash_any((const unsigned char *) id,
								  (int) strlen(id)))
		: DatumGetUInt32(hash_any((const unsigned char *) row->raw.data,
								  (int) row->raw.len));
}

/* Was it refused before? */
static const Refused *
find_refused(const AppendRow *row)
{
	const Appending *append = row->append;
	uint32		hash = hash_of(row);

	for (int i = 0; i < Min(append->nrefused, REFUSALS_KEPT); i++)
	{
		if (append->refused[i].hash == hash)
			return &append->refused[i];
	}
	return NULL;
}

/* A row that was read again, and would take too long again. */
static bool
takes_too_long(const AppendRow *row)
{
	const Refused *refused = row->of_rest ? find_refused(row) : NULL;

	return refused != NULL && refused->took_too_long;
}

bool
og_refused_note(const AppendRow *row, bool took_too_long)
{
	Appending  *append = row->append;
	bool		again = find_refused(row) != NULL;

	append->refused[append->nrefused++ % REFUSALS_KEPT] =
		(Refused) {hash_of(row), took_too_long};
	return again && (row->of_rest || row->identity.id != NULL);
}

/* ---------- all of a batch ---------- */

int
og_fresh_find(AppendRow **rows, int count, AppendRow **fresh)
{
	HASHCTL		control = {.keysize = sizeof(NameTaken),
	.entrysize = sizeof(NameTaken)};
	int			nfresh = 0;
	HTAB	   *names;

	control.hcxt = CurrentMemoryContext;
	names = hash_create("order_gateway rows", Max(count, 1), &control,
						HASH_ELEM | HASH_STRINGS | HASH_CONTEXT);
	for (int i = 0; i < count; i++)
	{
		AppendRow  *row = rows[i];

#ifdef OG_PLANT_LOST
		if (row->append->stream->wish.kind == OG_STREAM_FILLS &&
			hash_of(row) % 16 == 0)
			continue;
#endif
#ifdef OG_PLANT_TWICE
		if (row->append->stream->wish.kind == OG_STREAM_FILLS)
		{
			fresh[nfresh++] = row;
			continue;
		}
#endif
		if (!is_repeated(names, row) && !is_too_old(row) &&
			!takes_too_long(row) && !og_seen(row))
			fresh[nfresh++] = row;
	}
	hash_destroy(names);
	return nfresh;
}
