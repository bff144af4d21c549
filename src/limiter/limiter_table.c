/*-------------------------------------------------------------------------
 *
 * limiter_table.c
 *		Lanes in shared memory, and the calls that wait on them.
 *
 * Names, users and queues change under one lock, held for microseconds.  What
 * lanes remember needs no lock (see limiter_lane.h): only who decides on a turn
 * does, and that is mostly the head of the queue.
 *
 * A place that nobody is at may be given to another name once it is idle:
 * nothing that it remembers counts any more, in the longest window that it was
 * ever asked with.  Still, servers with longer windows may exist.  So the
 * table remembers how far back the history goes that it has lost, and a new
 * place starts in doubt about all before.  For new memory that is the time at
 * which it was made.
 *
 * Turns are first come, first served, but that a call which is urgent stands in
 * front of all others.  A call that gets no turn at once stands
 * in its lane's queue.  Only the head of a queue asks for a turn, and waits
 * until its time has come; all others wait until they are the head, which
 * whoever was before them tells by setting the latch of their process.  A call
 * stands in one queue of each number of lanes at most, so queues are lists
 * through an array of seats.  There is a seat for each backend, so one that
 * makes a call at a time always has one, and some more for those that make many
 * at once.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "storage/shmem.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "ground/compat.h"
#include "limiter/limiter_table.h"

/* Where a call waits, on one lane of each number at most. */
typedef struct Seat
{
	int			owner;			/* number of the backend; -1 = free */
	int			lane[OG_MAX_LANES]; /* -1 = does not wait */
	int			next[OG_MAX_LANES]; /* -1 = the last one */
} Seat;

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
static Seat *seats = NULL;

/* ---------- memory ---------- */

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

	return add_size(size, mul_size(backends + OG_MORE_CALLS, sizeof(Seat)));
}

/* Where the parts of the memory lie. */
static void
locate(void *memory, int accounts)
{
	table = memory;
	lanes = (OgSharedLane *) ((char *) memory + places_size(accounts));
	seats = (Seat *) ((char *) lanes + lanes_size(accounts));
}

/* Nothing was ever sent on a lane. */
static void
init_lane(OgSharedLane *lane, int number)
{
	memset(lane, 0, sizeof(*lane));
	og_shared_lock_init(&lane->lock);
	lane->number = number;
	lane->first = -1;
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
		init_lane(&lanes[i], i < accounts * ACCOUNT_LANES
				  ? i % ACCOUNT_LANES : OG_LANE_HOST);
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

/* The backend ends, maybe in the middle of calls: others must not wait for it. */
static void
leave_seats(int code, Datum arg)
{
	for (int i = 0; i < table->seats; i++)
	{
		int			seat = i;

		og_queue_leave_all(&seat);
	}
}

void
og_table_attach(void)
{
	static bool attached = false;
	Table	   *memory;

	if (attached)
		return;
	memory = og_shared_get(&og_limiter_shared);
	locate(memory, memory->max_places);
	before_shmem_exit(leave_seats, (Datum) 0);
	attached = true;
}

/* ---------- places ---------- */

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

		if (lane->first >= 0 || !og_lane_is_idle(&lane->lane, now))
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
		init_lane(shared, shared->number);
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

	LWLockAcquire(&table->lock, LW_EXCLUSIVE);
	place = find_place(kind, name);
	if (place != NULL)
	{
		if (strcmp(place->name, name) != 0)
			settle_place(place, name, label);
		place->users++;
	}
	LWLockRelease(&table->lock);
	if (place == NULL)
		refuse_full(kind);
	return place;
}

void
og_table_leave(OgPlace *place)
{
	LWLockAcquire(&table->lock, LW_EXCLUSIVE);
	place->users--;
	LWLockRelease(&table->lock);
}

OgSharedLane *
og_table_lane(const OgPlace *place, int number)
{
	return &lanes[place->lanes + number];
}

/* ---------- queues ---------- */

/* Find a seat for a call of this backend, the table being locked. */
static int
take_seat(void)
{
	int			me = og_shared_backend();
	int			nseats = table->seats;
	int			seat = me;

	if (seats[me].owner >= 0)
		seat = nseats - OG_MORE_CALLS;
	while (seat < nseats && seats[seat].owner >= 0)
		seat++;
	if (seat == nseats)
		return OG_NO_SEAT;
	seats[seat].owner = me;
	return seat;
}

/* Wake the first in a queue, if there is one; that never waits for anything. */
static void
wake_first(const OgSharedLane *lane)
{
	if (lane->first >= 0)
		SetLatch(&og_proc_by_number(seats[lane->first].owner)->procLatch);
}

/* The link of a queue that leads to a seat, or to nothing at its end. */
static int *
link_to(OgSharedLane *lane, int seat)
{
	int		   *link = &lane->first;

	while (*link >= 0 && *link != seat)
		link = &seats[*link].next[lane->number];
	return link;
}

/* How many stand before this seat, or all if it is not in the queue. */
static int
count_before(const OgSharedLane *lane, int seat)
{
	int			count = 0;

	for (int i = lane->first; i >= 0 && i != seat;
		 i = seats[i].next[lane->number])
		count++;
	return count;
}

/* Whoever was the first asks once more in vain, and waits to be woken. */
static void
enter_queue(int me, OgSharedLane *lane, bool first)
{
	int		   *link = first ? &lane->first : link_to(lane, me);

	seats[me].next[lane->number] = *link;
	*link = me;
	seats[me].lane[lane->number] = (int) (lane - lanes);
}

/* Take a seat out of a queue.  Whoever becomes the first is told so. */
static void
take_out(int me, OgSharedLane *lane)
{
	bool		was_first = lane->first == me;

	*link_to(lane, me) = seats[me].next[lane->number];
	seats[me].lane[lane->number] = -1;
	if (was_first)
		wake_first(lane);
}

/*
 * Has a call of this backend that seat?  Nobody else gives us one or takes it
 * from us.  Not if it was given back when the backend began to end, which is
 * before the memory of its calls goes: then it may be another's by now.
 */
static bool
is_ours(int seat)
{
	return seat != OG_NO_SEAT &&
		seats[seat].owner == og_shared_backend();
}

bool
og_queue_join(int *seat, OgSharedLane *lane, bool first)
{
	bool		is_head;

	LWLockAcquire(&table->lock, LW_EXCLUSIVE);
	if (*seat == OG_NO_SEAT)
		*seat = take_seat();
	if (*seat != OG_NO_SEAT && seats[*seat].lane[lane->number] < 0)
		enter_queue(*seat, lane, first);
	/* Where nobody waits, no seat is as good as the first one. */
	is_head = lane->first == *seat;
	LWLockRelease(&table->lock);
	return is_head;
}

void
og_queue_leave(int seat, OgSharedLane *lane)
{
	if (!is_ours(seat) || seats[seat].lane[lane->number] < 0)
		return;
	LWLockAcquire(&table->lock, LW_EXCLUSIVE);
	take_out(seat, lane);
	LWLockRelease(&table->lock);
}

void
og_queue_leave_all(int *seat)
{
	int			me = *seat;

	*seat = OG_NO_SEAT;
	if (!is_ours(me))
		return;
	LWLockAcquire(&table->lock, LW_EXCLUSIVE);
	for (int number = 0; number < OG_MAX_LANES; number++)
	{
		if (seats[me].lane[number] >= 0)
			take_out(me, &lanes[seats[me].lane[number]]);
	}
	seats[me].owner = -1;
	LWLockRelease(&table->lock);
}

void
og_queue_wake(const OgSharedLane *lane)
{
	LWLockAcquire(&table->lock, LW_SHARED);
	wake_first(lane);
	LWLockRelease(&table->lock);
}

int
og_queue_ahead(int seat, const OgSharedLane *lane)
{
	int			ahead;

	LWLockAcquire(&table->lock, LW_SHARED);
	ahead = count_before(lane, seat);
	LWLockRelease(&table->lock);
	return ahead;
}

/* ---------- what people see ---------- */

bool
og_note_keeps(const OgNote *note, const OgWindow *window)
{
	for (int i = 0; i < note->pace.nwindows; i++)
	{
		const OgWindow *kept = &note->pace.windows[i];

		if (kept->requests == window->requests &&
			kept->length_us == window->length_us)
			return true;
	}
	return false;
}

/* The note of a server; else a free one, or that which was not used longest. */
static OgNote *
find_note(OgSharedLane *lane, const OgServerName *server)
{
	OgNote	   *oldest = &lane->notes[0];

	for (int i = 0; i < OG_MAX_NOTES; i++)
	{
		OgNote	   *note = &lane->notes[i];

		if (note->server.database == server->database &&
			note->server.serverid == server->serverid)
			return note;
		if (note->used < oldest->used)
			oldest = note;
	}
	return oldest;
}

void
og_table_note(OgSharedLane *lane, Oid serverid, const char *server,
			  const OgPace *pace)
{
	OgServerName user = {.database = MyDatabaseId, .serverid = serverid};
	OgNote	   *note;

	namestrcpy(&user.name, server);
	LWLockAcquire(&table->lock, LW_EXCLUSIVE);
	note = find_note(lane, &user);
	note->server = user;
	note->used = ++lane->uses;
	note->pace.nwindows = 0;
	for (int i = 0; i < pace->nwindows; i++)
	{
		/* Limits of different options may be the same. */
		if (!og_note_keeps(note, &pace->windows[i]))
			note->pace.windows[note->pace.nwindows++] = pace->windows[i];
	}
	LWLockRelease(&table->lock);
}

/* Look at one lane.  False if nobody ever used it. */
static bool
view_lane(OgLaneView *view, int place, int number)
{
	OgSharedLane *shared;

	LWLockAcquire(&table->lock, LW_SHARED);
	view->place = table->places[place];
	shared = og_table_lane(&view->place, number);
	view->number = shared->number;
	view->waiting = count_before(shared, OG_NO_SEAT);
	memcpy(view->notes, shared->notes, sizeof(view->notes));
	LWLockRelease(&table->lock);
	view->lane = &shared->lane;
	view->last = &view->notes[0];
	for (int i = 1; i < OG_MAX_NOTES; i++)
	{
		if (view->notes[i].used > view->last->used)
			view->last = &view->notes[i];
	}
	return view->last->used > 0;
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
