/*-------------------------------------------------------------------------
 *
 * activity.c
 *		Calls in progress, for others to see.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "ground/clock.h"
#include "monitor/activity.h"
#include "miscadmin.h"
#include "storage/ipc.h"
#include "storage/shmem.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

/* A writer that was stopped in the middle of a change is not waited for. */
#define MAX_TRIES	1000

typedef struct ActivityTable
{
	int			size;
	OgActivity	entries[FLEXIBLE_ARRAY_MEMBER];
} ActivityTable;

static Size
table_size(int accounts, int backends)
{
	return add_size(offsetof(ActivityTable, entries),
					mul_size(backends + OG_MORE_CALLS, sizeof(OgActivity)));
}

static void
init_table(void *memory, int accounts, int backends)
{
	ActivityTable *self = memory;

	self->size = backends + OG_MORE_CALLS;
	for (int i = 0; i < self->size; i++)
		pg_atomic_init_u32(&self->entries[i].owner, 0);
}

const OgSharedPart og_activity_shared = {
	.name = "activity",
	.size = table_size,
	.init = init_table
};

void
og_activity_change(OgActivity *activity)
{
	activity->changes++;
	pg_write_barrier();
}

void
og_activity_changed(OgActivity *activity)
{
	pg_write_barrier();
	activity->changes++;
}

void
og_activity_end(OgActivity *activity)
{
	/* It may be another's, if this backend began to end before the call did. */
	if (pg_atomic_read_u32(&activity->owner) != (uint32) MyProcPid)
		return;
	/* A backend that ended in the middle of a change left it odd. */
	if (activity->changes % 2 == 0)
		og_activity_change(activity);
	activity->pid = 0;
	og_activity_changed(activity);
	pg_atomic_write_u32(&activity->owner, 0);
}

/* A backend that ends by FATAL may not have come to the end of its calls. */
static void
end_at_exit(int code, Datum arg)
{
	ActivityTable *table = og_shared_get(&og_activity_shared);

	for (int i = 0; i < table->size; i++)
		og_activity_end(&table->entries[i]);
}

static bool
claim(OgActivity *entry)
{
	uint32		owner = 0;

	return pg_atomic_read_u32(&entry->owner) == 0 &&
		pg_atomic_compare_exchange_u32(&entry->owner, &owner,
									   (uint32) MyProcPid);
}

/* This backend's entry, or else a common one; NULL if none is free. */
static OgActivity *
take_entry(void)
{
	static bool attached = false;
	ActivityTable *table = og_shared_get(&og_activity_shared);
	OgActivity *mine = &table->entries[og_shared_backend()];

	if (!attached)
		before_shmem_exit(end_at_exit, (Datum) 0);
	attached = true;
	if (claim(mine))
		return mine;
	for (int i = table->size - OG_MORE_CALLS; i < table->size; i++)
	{
		if (claim(&table->entries[i]))
			return &table->entries[i];
	}
	return NULL;
}

OgActivity *
og_activity_begin(Oid role, Oid session_role, int pid, Oid serverid,
				  const char *server, const char *function, int64 ids)
{
	OgActivity *activity = take_entry();

	if (activity == NULL)
		return NULL;
	og_activity_change(activity);
	memset(&activity->pid, 0,
		   sizeof(OgActivity) - offsetof(OgActivity, pid));
	activity->pid = pid;
	activity->database = MyDatabaseId;
	activity->role = role;
	activity->session_role = session_role;
	activity->serverid = serverid;
	namestrcpy(&activity->server, server);
	namestrcpy(&activity->function, function);
	activity->ids = ids;
	activity->started = GetCurrentTimestamp();
	activity->begun = og_clock_now();
	activity->waiting_since = activity->started;
	og_activity_changed(activity);
	return activity;
}

int
og_activity_read(OgActivity **copies)
{
	ActivityTable *table = og_shared_get(&og_activity_shared);
	int			count = 0;

	*copies = palloc(table->size * sizeof(OgActivity));
	for (int i = 0; i < table->size; i++)
	{
		volatile OgActivity *entry = &table->entries[i];
		OgActivity *copy = &(*copies)[count];
		uint32		before;
		bool		whole = false;

		if (entry->pid == 0)
			continue;
		for (int tries = 0; tries < MAX_TRIES && !whole; tries++)
		{
			CHECK_FOR_INTERRUPTS();
			before = entry->changes;
			pg_read_barrier();
			memcpy(copy, (const void *) entry, sizeof(OgActivity));
			pg_read_barrier();
			whole = before % 2 == 0 && before == entry->changes;
		}
		if (whole && copy->pid != 0)
			count++;
	}
	return count;
}
