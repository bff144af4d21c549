/*-------------------------------------------------------------------------
 *
 * worker_unsettled.c
 *		Which calls have orders whose outcome is unknown, and when it is asked
 *		next what became of them.
 *
 * Nothing depends on the memory of a worker that has ended: the times at which a
 * call is asked for follow from when it became unknown.  Of those that have gone by
 * the last one is made up for.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "common/hashfn.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "ground/clock.h"
#include "worker/worker_table.h"
#include "worker/worker_unsettled.h"

/* So many calls are kept in mind: about 15 MB. */
#define MOST_CALLS		100000

/* So many rows are read at once. */
#define READ_ROWS		1000

/* What a server's option is taken for until it is known, and could be 0. */
#define SETTLE_AFTER_MS	60000

/* Nobody asks for longer than a day after; so often at the least. */
#define LONGEST_US		USECS_PER_DAY

static struct
{
	MemoryContext context;
	HTAB	   *calls;
	HTAB	   *askers;
	dlist_head	turns;			/* of all askers */
	pairingheap ages;			/* of all calls, the oldest first */
	int64		read_below;		/* call: rows below it that are not in mind are
								 * about to go */
	bool		more;			/* there may be others from there on */
}			unsettled;

/* ---------- what can be asked ---------- */

/*
 * Of an amendment no read tells whether it was that which made an order what it
 * is, nor of a cancel of all that there was.  Orders may share a client order id,
 * so that a cancel by it is not known by any of them.
 */
bool
og_unsettled_is_told(const char *operation, const OgFields *arguments)
{
	return og_journal_is_harmless(operation, arguments) ||
		strcmp(operation, "create_order") == 0;
}

/* ---------- times ---------- */

static int64
delay_of(const Asker *asker, int step)
{
	return step < 0 ? 0
		: (int64) (asker->settle_after * INT64CONST(1000)) << step;
}

/* Has a call another time, after that of its step? */
static bool
has_next(const Asker *asker, int step)
{
	return asker->settle_after == 0 ||
		delay_of(asker, step + 1) <= LONGEST_US ||
		step < 0;
}

static void
set_due(Unsettled *call)
{
	call->due = call->asker->settle_after == 0 ? DT_NOEND
		: call->since + delay_of(call->asker, call->step);
}

/* The last time that has gone by, or else the first. */
static int
step_at(const Asker *asker, TimestampTz since, TimestampTz now)
{
	int			step = 0;

	while (asker->settle_after > 0 && has_next(asker, step) &&
		   since + delay_of(asker, step + 1) <= now)
		step++;
	return step;
}

/*
 * The macros only take the type of a member of that NULL.  What waits, by its
 * place in the heap of its asker; what there is, by that among the ages.
 */
static Unsettled *
waiting_of(const pairingheap_node *node)
{
	/* cppcheck-suppress nullPointer */
	return unconstify(Unsettled *,
					  pairingheap_const_container(Unsettled, node, node));
}

static const Unsettled *
aged_of(const pairingheap_node *node)
{
	/* cppcheck-suppress nullPointer */
	return pairingheap_const_container(Unsettled, age, node);
}

static int
compare_due(const pairingheap_node *a, const pairingheap_node *b, void *arg)
{
	const Unsettled *x = waiting_of(a);
	const Unsettled *y = waiting_of(b);

	/* The heap has the largest first. */
	if (x->due != y->due)
		return x->due < y->due ? 1 : -1;
	return x->call_id < y->call_id ? 1 : x->call_id > y->call_id ? -1 : 0;
}

static int
compare_age(const pairingheap_node *a, const pairingheap_node *b, void *arg)
{
	const Unsettled *x = aged_of(a);
	const Unsettled *y = aged_of(b);

	return x->since < y->since ? 1 : x->since > y->since ? -1 : 0;
}

/* ---------- what is in mind ---------- */

void
og_unsettled_open(void)
{
	HASHCTL		calls = {.keysize = sizeof(int64),
	.entrysize = sizeof(Unsettled)};
	HASHCTL		askers = {.keysize = 2 * sizeof(Oid),
	.entrysize = sizeof(Asker)};

	if (unsettled.context != NULL)
		MemoryContextDelete(unsettled.context);
	memset(&unsettled, 0, sizeof(unsettled));
	unsettled.context = AllocSetContextCreate(TopMemoryContext,
											  "order_gateway unsettled calls",
											  ALLOCSET_DEFAULT_SIZES);
	calls.hcxt = askers.hcxt = unsettled.context;
	unsettled.calls = hash_create("order_gateway unsettled", 256, &calls,
								  HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	unsettled.askers = hash_create("askers", 16, &askers,
								   HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	dlist_init(&unsettled.turns);
	unsettled.ages.ph_compare = compare_age;
	unsettled.read_below = PG_INT64_MIN;
	unsettled.more = true;
}

static Asker *
find_asker(Oid serverid, Oid roleid)
{
	Oid			key[2] = {serverid, roleid};
	bool		found;
	Asker	   *asker = hash_search(unsettled.askers, key, HASH_ENTER, &found);

	if (found)
		return asker;
	memset(asker, 0, sizeof(Asker));
	asker->serverid = serverid;
	asker->roleid = roleid;
	asker->settle_after = SETTLE_AFTER_MS;
	asker->calls.ph_compare = compare_due;
	dlist_init(&asker->all);
	dlist_push_head(&unsettled.turns, &asker->node);
	return asker;
}

static void
let_wait(Unsettled *call)
{
	call->waits = true;
	pairingheap_add(&call->asker->calls, &call->node);
}

static Unsettled *
find_call(int64 call_id)
{
	return hash_search(unsettled.calls, &call_id, HASH_FIND, NULL);
}

/* A call that is not in mind; NULL if there is no room for it. */
static Unsettled *
remember(int64 call_id, Oid serverid, Oid roleid, TimestampTz since,
		 bool at_once)
{
	Unsettled  *call;

	if (hash_get_num_entries(unsettled.calls) >= MOST_CALLS)
	{
		unsettled.read_below = Min(unsettled.read_below, call_id);
		unsettled.more = true;
		return NULL;
	}
	call = hash_search(unsettled.calls, &call_id, HASH_ENTER, NULL);
	memset(call, 0, sizeof(Unsettled));
	call->call_id = call_id;
	call->asker = find_asker(serverid, roleid);
	call->asker->ncalls++;
	dlist_push_tail(&call->asker->all, &call->of_asker);
	call->since = since;
	pairingheap_add(&unsettled.ages, &call->age);
	call->step = at_once ? -1
		: step_at(call->asker, since, GetCurrentTimestamp());
	set_due(call);
	let_wait(call);
	return call;
}

/* More of a call is unknown, since now. */
static void
remember_more(Unsettled *call, TimestampTz now)
{
	call->more = true;
	pairingheap_remove(&unsettled.ages, &call->age);
	call->since = Max(call->since, now);
	pairingheap_add(&unsettled.ages, &call->age);
}

void
og_unsettled_forget(Unsettled *call)
{
	Asker	   *asker = call->asker;
	Oid			key[2] = {asker->serverid, asker->roleid};

	pairingheap_remove(&unsettled.ages, &call->age);
	dlist_delete(&call->of_asker);
	(void) hash_search(unsettled.calls, &call->call_id, HASH_REMOVE, NULL);
	if (--asker->ncalls > 0 || asker->asking != NULL)
		return;
	dlist_delete(&asker->node);
	(void) hash_search(unsettled.askers, key, HASH_REMOVE, NULL);
}

/* One that is asked for just now has no other time. */
void
og_unsettled_let_go(int64 call_id)
{
	Unsettled  *call = find_call(call_id);

	if (call == NULL)
		return;
	call->removed = true;
	if (!call->waits)
		return;
	pairingheap_remove(&call->asker->calls, &call->node);
	og_unsettled_forget(call);
}

bool
og_unsettled_is_in_mind(int64 call_id)
{
	return find_call(call_id) != NULL;
}

int64
og_unsettled_count(TimestampTz *oldest)
{
	*oldest = 0;
	if (unsettled.calls == NULL || pairingheap_is_empty(&unsettled.ages))
		return 0;
	*oldest = aged_of(pairingheap_first(&unsettled.ages))->since;
	return hash_get_num_entries(unsettled.calls);
}

bool
og_unsettled_wants_more(void)
{
	return unsettled.more &&
		hash_get_num_entries(unsettled.calls) <= MOST_CALLS - READ_ROWS;
}

/* ---------- askers ---------- */

Asker *
og_unsettled_next_asker(void)
{
	Asker	   *asker;

	if (dlist_is_empty(&unsettled.turns))
		return NULL;

	/* cppcheck-suppress nullPointer */
	asker = dlist_head_element(Asker, node, &unsettled.turns);
	dlist_delete(&asker->node);
	dlist_push_tail(&unsettled.turns, &asker->node);
	return asker;
}

int
og_unsettled_count_askers(void)
{
	return (int) hash_get_num_entries(unsettled.askers);
}

const Unsettled *
og_asker_first(const Asker *asker)
{
	pairingheap *calls = unconstify(pairingheap *, &asker->calls);

	return pairingheap_is_empty(calls) ? NULL
		: waiting_of(pairingheap_first(calls));
}

TimestampTz
og_asker_due(const Asker *asker)
{
	const Unsettled *first = og_asker_first(asker);

	return first != NULL ? first->due : DT_NOEND;
}

Unsettled *
og_asker_take(Asker *asker, TimestampTz now)
{
	Unsettled  *call;

	if (og_asker_due(asker) > now)
		return NULL;
	call = waiting_of(pairingheap_remove_first(&asker->calls));
	call->waits = false;
	return call;
}

void
og_asker_set(Asker *asker, int settle_after)
{
	TimestampTz now = GetCurrentTimestamp();
	dlist_iter	iter;

	if (asker->settle_after == settle_after)
		return;
	asker->settle_after = settle_after;
	pairingheap_reset(&asker->calls);
	dlist_foreach(iter, &asker->all)
	{
		/* cppcheck-suppress nullPointer */
		Unsettled  *call = dlist_container(Unsettled, of_asker, iter.cur);

		if (!call->waits)
			continue;
		if (call->step >= 0)
			call->step = step_at(asker, call->since, now);
		set_due(call);
		let_wait(call);
	}
}

bool
og_unsettled_next_time(Unsettled *call)
{
	Asker	   *asker = call->asker;
	TimestampTz now = GetCurrentTimestamp();

	if (call->removed || !has_next(asker, call->step))
		return false;
	call->step = Max(call->step + 1, step_at(asker, call->since, now));
	call->from = 0;
	call->nopen = 0;
	set_due(call);
	let_wait(call);
	return true;
}

bool
og_unsettled_is_old(const Unsettled *call)
{
	return GetCurrentTimestamp() - call->since >
		Max(LONGEST_US, delay_of(call->asker, 0));
}

void
og_unsettled_wait(Unsettled *call, TimestampTz until)
{
	call->due = until;
	let_wait(call);
}

/* ---------- the table ---------- */

static bool
take_place(void *owner, const OgTableRow *row)
{
	*(ItemPointerData *) owner = *row->at;
	return false;
}

/* Where the row of a call is; invalid if it has none. */
static ItemPointerData
find_row(const OgInstallation *installation, int64 call_id)
{
	ItemPointerData at;
	ScanKeyData keys[2];

	ItemPointerSetInvalid(&at);
	og_table_call_key(keys, &installation->id, call_id);
	og_table_scan(OG_UNSETTLED_TABLE, OG_UNSETTLED_KEY, NULL, keys, 2,
				  take_place, &at);
	return at;
}

/* Give a row another time, unless that is 0.  False if there is no row. */
static bool
renew_row(const OgInstallation *installation, int64 call_id,
		  TimestampTz since)
{
	ItemPointerData at = find_row(installation, call_id);
	Datum		values[UNSETTLED_COLUMNS] = {0};
	bool		nulls[UNSETTLED_COLUMNS] = {false};
	bool		replace[UNSETTLED_COLUMNS] = {false};

	if (!ItemPointerIsValid(&at))
		return false;
	if (since == 0)
		return true;
	values[UNSETTLED_SINCE] = TimestampTzGetDatum(since);
	replace[UNSETTLED_SINCE] = true;
	og_table_update(OG_UNSETTLED_TABLE, &at, values, nulls, replace);
	CommandCounterIncrement();
	return true;
}

/*
 * What is added at once may have left until now, whatever was known of the call
 * before: so it is asked for anew, as if all of it had become unknown only now.
 */
void
og_unsettled_add(const OgInstallation *installation,
				 const OgJournalCall *call, bool at_once)
{
	Datum		values[UNSETTLED_COLUMNS] = {0};
	bool		nulls[UNSETTLED_COLUMNS] = {false};
	TimestampTz now = GetCurrentTimestamp();
	Unsettled  *known;

	if (!og_unsettled_is_told(call->operation, &call->arguments))
		return;

	/* If this is rolled back, what is in mind finds nothing that is unknown. */
	known = find_call(call->call_id);
	if (known != NULL)
		remember_more(known, now);
	else
		(void) remember(call->call_id, call->serverid, call->roleid, now,
						at_once);
	if (renew_row(installation, call->call_id, at_once ? now : 0))
		return;
	values[UNSETTLED_INSTALLATION] = UUIDPGetDatum(&installation->id);
	values[UNSETTLED_CALL_ID] = Int64GetDatum(call->call_id);
	values[UNSETTLED_SERVER_ID] = ObjectIdGetDatum(call->serverid);
	values[UNSETTLED_ROLE_ID] = ObjectIdGetDatum(call->roleid);
	values[UNSETTLED_SINCE] = TimestampTzGetDatum(now);
	nulls[UNSETTLED_NOTE] = true;
	og_table_insert(OG_UNSETTLED_TABLE, values, nulls);
	CommandCounterIncrement();
}

uint32
og_unsettled_hash(const char *note)
{
	return note == NULL ? 0
		: Max(string_hash(note, strlen(note) + 1), 1);
}

static bool
take_row(void *owner, const OgTableRow *row)
{
	const Datum *values = row->values;
	int64		call_id = DatumGetInt64(values[UNSETTLED_CALL_ID]);
	int		   *left = owner;
	Unsettled  *call;

	unsettled.read_below = call_id;
	if ((*left)-- == 0)
		return false;
	if (og_unsettled_is_in_mind(call_id))
		return true;
	call = remember(call_id, DatumGetObjectId(values[UNSETTLED_SERVER_ID]),
					DatumGetObjectId(values[UNSETTLED_ROLE_ID]),
					DatumGetTimestampTz(values[UNSETTLED_SINCE]), false);
	if (call == NULL)
		*left = -1;
	else if (!row->nulls[UNSETTLED_NOTE])
		call->note = og_unsettled_hash(TextDatumGetCString(values[UNSETTLED_NOTE]));
	return call != NULL;
}

void
og_unsettled_read(const OgInstallation *installation)
{
	int			left = READ_ROWS;
	ScanKeyData keys[2];

	og_table_call_key_from(keys, &installation->id, unsettled.read_below);
	og_table_scan(OG_UNSETTLED_TABLE, OG_UNSETTLED_KEY, NULL, keys, 2,
				  take_row, &left);
	unsettled.more = left < 0;
	if (!unsettled.more)
		unsettled.read_below = PG_INT64_MAX;
}

void
og_unsettled_remove(const OgInstallation *installation, int64 call_id)
{
	int			most = 1;
	ScanKeyData keys[2];

	og_table_call_key(keys, &installation->id, call_id);
	(void) og_table_remove(OG_UNSETTLED_TABLE, OG_UNSETTLED_KEY, keys, 2,
						   &most);
}

/* Give the row of a call, if it has one, another value in one column. */
static void
change_row(const OgInstallation *installation, int64 call_id, int column,
		   Datum value, bool is_null)
{
	Datum		values[UNSETTLED_COLUMNS] = {0};
	bool		nulls[UNSETTLED_COLUMNS] = {false};
	bool		replace[UNSETTLED_COLUMNS] = {false};
	ItemPointerData at = find_row(installation, call_id);

	if (!ItemPointerIsValid(&at))
		return;
	values[column] = value;
	nulls[column] = is_null;
	replace[column] = true;
	og_table_update(OG_UNSETTLED_TABLE, &at, values, nulls, replace);
	CommandCounterIncrement();
}

void
og_unsettled_note(const OgInstallation *installation, int64 call_id,
				  const char *note)
{
	bool		is_null = false;
	Datum		value = og_text_or_null(note, &is_null);

	change_row(installation, call_id, UNSETTLED_NOTE, value, is_null);
}

/* ---------- another cluster ---------- */

typedef struct Numbers
{
	int64	   *calls;
	int			count;
	int			most;
} Numbers;

static bool
take_number(void *owner, const OgTableRow *row)
{
	Numbers    *numbers = owner;

	if (numbers->count == numbers->most)
		return false;
	numbers->calls[numbers->count++] =
		DatumGetInt64(row->values[UNSETTLED_CALL_ID]);
	return true;
}

int
og_unsettled_calls(const OgInstallation *installation, int64 *from,
				   int64 *calls, int most)
{
	Numbers		numbers = {.calls = calls,.most = most};
	ScanKeyData keys[2];

	og_table_call_key_from(keys, &installation->id, *from);
	og_table_scan(OG_UNSETTLED_TABLE, OG_UNSETTLED_KEY, NULL, keys, 2,
				  take_number, &numbers);
	*from = numbers.count < most ? PG_INT64_MAX : calls[most - 1] + 1;
	return numbers.count;
}

void
og_unsettled_move(const OgInstallation *installation, int64 call_id,
				  Oid serverid)
{
	change_row(installation, call_id, UNSETTLED_SERVER_ID,
			   ObjectIdGetDatum(serverid), false);
}
