/*-------------------------------------------------------------------------
 *
 * stream_shared.c
 *		What all processes may know of streams.
 *
 * One entry for each stream of a worker, as long as that worker lives; whoever
 * reads finds no entry of a worker that has gone.  One that hangs, or was stopped,
 * still has its entries: so a worker tells in each turn that it is alive, and what
 * has not told so for some seconds is not live, whatever its entries say.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "storage/ipc.h"
#include "utils/timestamp.h"

#include "ground/clock.h"
#include "ground/compat.h"
#include "stream/stream_internal.h"
#include "worker/worker_internal.h"

int			og_stream_flush = 100;
int			og_stream_keep = 0;
int			og_stream_queue = 16 * 1024;

StreamLoop	og_stream_loop;

/* Not heard of for so long, a worker is taken for gone. */
#define ALIVE_US	(10 * USECS_PER_SEC)

typedef struct Worker
{
	Oid			dboid;			/* InvalidOid = free */
	int64		alive_at;		/* og_clock_now() */
} Worker;

/*
 * A table whose code had to be ended with a worker: for an hour others leave it
 * alone, unless it changes.  The last ones are remembered.
 */
#define MOST_HUNG	64
#define HUNG_US		(3600 * USECS_PER_SEC)

typedef struct Hung
{
	Oid			dboid;
	Oid			relid;			/* InvalidOid = none */
	int64		until;			/* og_clock_now() */
} Hung;

typedef struct StreamTable
{
	LWLock		lock;
	Worker		workers[MAX_WORKERS];
	Hung		hung[MOST_HUNG];
	uint32		nhung;
	OgStreamShown entries[OG_MOST_STREAMS];
} StreamTable;

/* This process, if it is a stream worker. */
static Worker *mine = NULL;

/* Only a server that preloads the library has workers. */
static Size
table_size(int accounts, int backends)
{
	return og_worker_launched ? sizeof(StreamTable) : 0;
}

static void
init_table(void *memory, int accounts, int backends)
{
	if (og_worker_launched)
		og_shared_lock_init(&((StreamTable *) memory)->lock);
}

const OgSharedPart og_stream_shared = {
	.name = "streams",
	.size = table_size,
	.init = init_table
};

static StreamTable *
lock_table(LWLockMode mode)
{
	StreamTable *table = og_shared_get(&og_stream_shared);

	LWLockAcquire(&table->lock, mode);
	return table;
}

static void
unlock_table(StreamTable *table)
{
	LWLockRelease(&table->lock);
}

/* ---------- the worker ---------- */

static void
leave(int code, Datum arg)
{
	StreamTable *table = lock_table(LW_EXCLUSIVE);

	for (int i = 0; i < OG_MOST_STREAMS; i++)
	{
		if (table->entries[i].dboid == mine->dboid)
			table->entries[i].stream_id = 0;
	}
	mine->dboid = InvalidOid;
	mine = NULL;
	unlock_table(table);
}

/*
 * There is a place for each that the launcher can start.  A turn may follow each
 * message, but nobody asks more exactly than by the second.
 */
void
og_stream_tell_alive(void)
{
	int64		now = og_clock_now();
	bool		joins = mine == NULL;
	StreamTable *table;

	if (!joins && now < mine->alive_at + USECS_PER_SEC)
		return;
	table = lock_table(LW_EXCLUSIVE);
	for (int i = 0; i < MAX_WORKERS && mine == NULL; i++)
	{
		if (table->workers[i].dboid == InvalidOid)
			mine = &table->workers[i];
	}
	mine->dboid = MyDatabaseId;
	mine->alive_at = now;
	unlock_table(table);
	if (joins)
		before_shmem_exit(leave, (Datum) 0);
}

int
og_stream_place(void)
{
	StreamTable *table = lock_table(LW_EXCLUSIVE);
	int			place = 0;

	while (place < OG_MOST_STREAMS && table->entries[place].stream_id != 0)
		place++;
	if (place == OG_MOST_STREAMS)
		place = -1;
	else
	{
		memset(&table->entries[place], 0, sizeof(OgStreamShown));
		table->entries[place].stream_id = -1;	/* taken */
	}
	unlock_table(table);
	return place;
}

void
og_stream_show(Stream *stream)
{
	StreamTable *table;

	stream->changed = false;
	stream->told = stream->shown.state;
	if (stream->place < 0)
		return;
	table = lock_table(LW_EXCLUSIVE);
	table->entries[stream->place] = stream->shown;
	unlock_table(table);
}

void
og_stream_unshow(Stream *stream)
{
	StreamTable *table;

	if (stream->place < 0)
		return;
	table = lock_table(LW_EXCLUSIVE);
	table->entries[stream->place].stream_id = 0;
	unlock_table(table);
	stream->place = -1;
}

void
og_stream_set_state(Stream *stream, OgStreamState state)
{
	if (stream->shown.state == state)
		return;
	stream->shown.state = state;
	stream->shown.since = GetCurrentTimestamp();
	stream->changed = true;
}

void
og_stream_set_error(Stream *stream, const char *error)
{
	int			len = pg_mbcliplen(error, (int) strlen(error),
								   OG_STREAM_ERROR_SIZE - 1);

	memcpy(stream->shown.last_error, error, len);
	stream->shown.last_error[len] = '\0';
	stream->changed = true;
}

/* ---------- tables that are left alone ---------- */

void
og_hung_note(Oid relid)
{
	StreamTable *table = lock_table(LW_EXCLUSIVE);

	table->hung[table->nhung++ % MOST_HUNG] =
		(Hung) {MyDatabaseId, relid, og_clock_now() + HUNG_US};
	unlock_table(table);
}

static Hung *
find_hung(StreamTable *table, Oid relid)
{
	for (int i = 0; i < MOST_HUNG; i++)
	{
		if (table->hung[i].dboid == MyDatabaseId &&
			table->hung[i].relid == relid &&
			og_clock_now() < table->hung[i].until)
			return &table->hung[i];
	}
	return NULL;
}

bool
og_hung_is(Oid relid)
{
	StreamTable *table = lock_table(LW_SHARED);
	bool		is_hung = find_hung(table, relid) != NULL;

	unlock_table(table);
	return is_hung;
}

void
og_hung_forgive(Oid relid)
{
	StreamTable *table = lock_table(LW_EXCLUSIVE);
	Hung	   *hung;

	while ((hung = find_hung(table, relid)) != NULL)
		hung->relid = InvalidOid;
	unlock_table(table);
}

/* ---------- everybody ---------- */

const char *
og_stream_state_name(OgStreamState state)
{
	static const char *const names[] = {
		[OG_STREAM_CONNECTING] = "connecting",
		[OG_STREAM_CATCHING_UP] = "catching_up",
		[OG_STREAM_LIVE] = "live",
		[OG_STREAM_STALE] = "stale",
		[OG_STREAM_REFUSED] = "refused"
	};

	return names[state];
}

static bool
is_alive(const StreamTable *table)
{
	int64		now = og_clock_now();

	for (int i = 0; i < MAX_WORKERS; i++)
	{
		if (table->workers[i].dboid == MyDatabaseId)
			return now - table->workers[i].alive_at < ALIVE_US;
	}
	return false;
}

/* What a worker that hangs would say of itself. */
static void
make_stale(OgStreamShown *shown)
{
	if (shown->state == OG_STREAM_REFUSED)
		return;
	shown->state = OG_STREAM_STALE;
	strlcpy(shown->last_error, "the stream worker does nothing",
			OG_STREAM_ERROR_SIZE);
}

static bool
is_ours(const OgStreamShown *entry)
{
	return entry->stream_id > 0 && entry->dboid == MyDatabaseId;
}

static int
count_ours(void)
{
	StreamTable *table = lock_table(LW_SHARED);
	int			count = 0;

	for (int i = 0; i < OG_MOST_STREAMS; i++)
		count += is_ours(&table->entries[i]);
	unlock_table(table);
	return count;
}

/* No memory is asked for while the lock is held. */
int
og_streams_shown(OgStreamShown **copies)
{
	int			most = og_worker_launched ? count_ours() : 0;
	StreamTable *table;
	int			count = 0;
	bool		alive;

	*copies = palloc(Max(most, 1) * sizeof(OgStreamShown));
	if (most == 0)
		return 0;
	table = lock_table(LW_SHARED);
	alive = is_alive(table);
	for (int i = 0; i < OG_MOST_STREAMS && count < most; i++)
	{
		if (!is_ours(&table->entries[i]))
			continue;
		(*copies)[count] = table->entries[i];
		if (!alive)
			make_stale(&(*copies)[count]);
		count++;
	}
	unlock_table(table);
	return count;
}
