/*-------------------------------------------------------------------------
 *
 * limiter_table.c
 *		Lanes in shared memory.
 *
 * Names, users and queues change under one lock, held for microseconds.  What
 * lanes remember needs no lock (see limiter_lane.h): only who decides on turns
 * does, and that is the head of the queue.
 *
 * A place that nobody is at may be given to another name once it is idle:
 * nothing that it remembers counts any more, in the longest window that it was
 * ever asked with.  Still, servers with longer windows may exist.  So the
 * table remembers how far back the history goes that it has lost, and a new
 * place starts in doubt about all before.  For new memory that is the time at
 * which it was made.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "limiter/limiter_table.h"
#include "miscadmin.h"
#include "storage/shmem.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

/* Lanes of an account, and of a host. */
#define ACCOUNT_LANES	OG_LANE_CLASSES
#define HOST_LANES		1

typedef struct Table
{
	LWLock		lock;
	int			max_places;		/* of each kind */
	int			seats;
	int64		lost_until;		/* history before this is not all here */
	OgPlace		places[FLEXIBLE_ARRAY_MEMBER];	/* accounts, then hosts */
} Table;

static Table *table = NULL;
static OgSharedLane *lanes = NULL;
static OgSeat *seats = NULL;

/*
 * ----
 * Memory
 * ----
 */

static Size
places_size(int accounts)
{
	return MAXALIGN(offsetof(Table, places) +
					mul_size(2 * (Size) accounts, sizeof(OgPlace)));
}

static Size
lanes_size(int accounts)
{
	return mul_size((Size) accounts * (ACCOUNT_LANES + HOST_LANES),
					MAXALIGN(sizeof(OgSharedLane)));
}

static Size
table_size(int accounts, int backends)
{
	Size		size = add_size(places_size(accounts), lanes_size(accounts));

	return add_size(size, mul_size(backends + OG_MORE_CALLS, sizeof(OgSeat)));
}

/* Where the parts of the memory lie. */
static void
locate(void *memory, int accounts)
{
	table = memory;
	lanes = (OgSharedLane *) ((char *) memory + places_size(accounts));
	seats = (OgSeat *) ((char *) lanes + lanes_size(accounts));
}

static void
init_table(void *memory, int accounts, int backends)
{
	locate(memory, accounts);
	og_shared_lock_init(&table->lock);
	table->max_places = accounts;
	table->seats = backends + OG_MORE_CALLS;
	table->lost_until = og_clock_now();
	for (int i = 0; i < 2 * accounts; i++)
	{
		OgPlace    *place = &table->places[i];

		place->kind = i < accounts ? OG_PLACE_ACCOUNT : OG_PLACE_HOST;
		place->lanes = i < accounts ? i * ACCOUNT_LANES
			: accounts * ACCOUNT_LANES + (i - accounts) * HOST_LANES;
	}
	for (int i = 0; i < accounts * (ACCOUNT_LANES + HOST_LANES); i++)
		lanes[i].queue.first = lanes[i].queue.last = -1;
	for (int i = 0; i < table->seats; i++)
	{
		seats[i].owner = -1;
		for (int number = 0; number < OG_MAX_LANES; number++)
			seats[i].lane[number] = -1;
	}
}

const OgSharedPart og_limiter_shared = {
	.name = "pace",
	.size = table_size,
	.init = init_table
};

void
og_table_attach(void)
{
	void	   *memory;

	if (table != NULL)
		return;
	memory = og_shared_get(&og_limiter_shared);
	locate(memory, ((Table *) memory)->max_places);
}

void
og_table_lock(bool exclusive)
{
	LWLockAcquire(&table->lock, exclusive ? LW_EXCLUSIVE : LW_SHARED);
}

void
og_table_unlock(void)
{
	LWLockRelease(&table->lock);
}

int
og_table_seats(void)
{
	return table->seats;
}

OgSeat *
og_table_seat(int number)
{
	return &seats[number];
}

OgSharedLane *
og_table_lane_at(int index)
{
	return &lanes[index];
}

int
og_table_index_of(const OgSharedLane *lane)
{
	return (int) (lane - lanes);
}

/*
 * ----
 * Places
 * ----
 */

static int
lanes_of(OgPlaceKind kind)
{
	return kind == OG_PLACE_ACCOUNT ? ACCOUNT_LANES : HOST_LANES;
}

/* The first of a kind's places. */
static OgPlace *
places_of(OgPlaceKind kind)
{
	return &table->places[kind == OG_PLACE_ACCOUNT ? 0 : table->max_places];
}

static bool
is_idle(OgPlace *place, int64 now)
{
	int64		nonce = (int64) pg_atomic_read_u64(&place->last_nonce);

	/* Nonces that run ahead of the time of day must not be forgotten. */
	if (place->users > 0 || nonce >= og_unix_ms(GetCurrentTimestamp()))
		return false;
	for (int i = 0; i < lanes_of(place->kind); i++)
	{
		OgSharedLane *lane = &lanes[place->lanes + i];

		if (lane->queue.length > 0 || !og_lane_is_idle(&lane->lane, now))
			return false;
	}
	return true;
}

/* The place of a name; else a free one; else one to be made free; else NULL. */
static OgPlace *
find_place(OgPlaceKind kind, const char *name)
{
	OgPlace    *places = places_of(kind);
	int64		now;

	for (int i = 0; i < table->max_places; i++)
		if (strcmp(places[i].name, name) == 0)
			return &places[i];
	for (int i = 0; i < table->max_places; i++)
		if (places[i].name[0] == '\0')
			return &places[i];
	now = og_clock_now();
	for (int i = 0; i < table->max_places; i++)
		if (is_idle(&places[i], now))
			return &places[i];
	return NULL;
}

/* Give a place to a name; what its lanes remembered is lost. */
static void
settle_place(OgPlace *place, const char *name, const char *label)
{
	for (int i = 0; i < lanes_of(place->kind); i++)
	{
		OgSharedLane *shared = &lanes[place->lanes + i];

		table->lost_until = Max(table->lost_until,
								og_lane_last_sent(&shared->lane));
		memset(shared, 0, sizeof(*shared));
		shared->queue.first = shared->queue.last = -1;
	}
	for (int i = 0; i < lanes_of(place->kind); i++)
		og_lane_doubt(&lanes[place->lanes + i].lane, table->lost_until);
	strlcpy(place->name, name, sizeof(place->name));
	strlcpy(place->label, label, sizeof(place->label));
	place->users = 0;
	pg_atomic_write_u64(&place->last_nonce, 0);
}

static void
refuse_full(OgPlaceKind kind)
{
	ereport(ERROR,
			(errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
			 errmsg("the pace of too many %s is being kept at once",
					kind == OG_PLACE_ACCOUNT ? "accounts" : "hosts"),
			 errdetail("There is room for %d, and all of them are in use or have requests that still count; nothing was sent.",
					   table->max_places),
			 errhint("Raise \"order_gateway.max_accounts\" and restart the server, or wait until the windows of others are over.")));
}

OgPlace *
og_table_enter(OgPlaceKind kind, const char *name, const char *label)
{
	OgPlace    *place;

	og_table_lock(true);
	place = find_place(kind, name);
	if (place != NULL)
	{
		if (strcmp(place->name, name) != 0)
			settle_place(place, name, label);
		place->users++;
	}
	og_table_unlock();
	if (place == NULL)
		refuse_full(kind);
	return place;
}

void
og_table_leave(OgPlace *place)
{
	og_table_lock(true);
	place->users--;
	og_table_unlock();
}

OgSharedLane *
og_table_lane(const OgPlace *place, int number)
{
	return &lanes[place->lanes + number];
}

/*
 * ----
 * What people see
 * ----
 */

bool
og_table_same_limit(const OgWindow *a, const OgWindow *b)
{
	return a->requests == b->requests && a->length_us == b->length_us;
}

static bool
has_limit(const OgPace *pace, const OgWindow *window)
{
	for (int i = 0; i < pace->nwindows; i++)
	{
		if (og_table_same_limit(&pace->windows[i], window))
			return true;
	}
	return false;
}

static bool
is_of(const OgNote *note, const OgServerName *server)
{
	return note->server.database == server->database &&
		note->server.serverid == server->serverid;
}

/* The note of a limit; else a free one, or that which was not used longest. */
static OgNote *
find_note(OgSharedLane *lane, const OgServerName *server,
		  const OgWindow *window)
{
	OgNote	   *oldest = &lane->notes[0];

	for (int i = 0; i < OG_MAX_NOTES; i++)
	{
		OgNote	   *note = &lane->notes[i];

		if (is_of(note, server) && og_table_same_limit(&note->window, window))
			return note;
		if (note->used < oldest->used)
			oldest = note;
	}
	return oldest;
}

/* The server has other limits now: forget those that it had. */
static void
drop_notes(OgSharedLane *lane, const OgServerName *server, const OgPace *pace)
{
	for (int i = 0; i < OG_MAX_NOTES; i++)
	{
		OgNote	   *note = &lane->notes[i];

		if (is_of(note, server) && !has_limit(pace, &note->window))
			memset(note, 0, sizeof(*note));
	}
}

void
og_table_note(OgSharedLane *lane, Oid serverid, const char *server,
			  const OgPace *pace)
{
	OgServerName user = {.database = MyDatabaseId, .serverid = serverid};

	namestrcpy(&user.name, server);
	og_table_lock(true);
	lane->server = user;
	lane->uses++;
	drop_notes(lane, &user, pace);
	for (int i = 0; i < pace->nwindows; i++)
	{
		OgNote	   *note = find_note(lane, &user, &pace->windows[i]);

		note->window = pace->windows[i];
		note->server = user;
		note->used = lane->uses;
	}
	og_table_unlock();
}

/* Look at one lane.  False if nobody ever used it. */
static bool
view_lane(OgLaneView *view, int place, int number)
{
	const OgSharedLane *shared;

	og_table_lock(false);
	view->place = table->places[place];
	view->number = number;
	shared = og_table_lane(&view->place, number);
	view->waiting = shared->queue.length;
	view->server = shared->server;
	memcpy(view->notes, shared->notes, sizeof(view->notes));
	og_table_unlock();
	view->lane = &lanes[view->place.lanes + number].lane;
	return view->place.name[0] != '\0' && OidIsValid(view->server.database);
}

void
og_table_walk(void (*show) (const OgLaneView *view, void *arg), void *arg)
{
	OgLaneView	view;

	for (int i = 0; i < 2 * table->max_places; i++)
	{
		CHECK_FOR_INTERRUPTS();
		for (int j = 0; j < lanes_of(table->places[i].kind); j++)
			if (view_lane(&view, i, j))
				show(&view, arg);
	}
}
