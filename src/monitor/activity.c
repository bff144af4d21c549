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
	int			backends;
	OgActivity	entries[FLEXIBLE_ARRAY_MEMBER];
} ActivityTable;

static Size
table_size(int accounts, int backends)
{
	return add_size(offsetof(ActivityTable, entries),
					mul_size(backends, sizeof(OgActivity)));
}

static void
init_table(void *memory, int accounts, int backends)
{
	((ActivityTable *) memory)->backends = backends;
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
	/* A backend that ended in the middle of a change left it odd. */
	if (activity->changes % 2 == 0)
		og_activity_change(activity);
	activity->pid = 0;
	og_activity_changed(activity);
}

static void
end_at_exit(int code, Datum activity)
{
	og_activity_end((OgActivity *) DatumGetPointer(activity));
}

/* This backend's entry. */
static OgActivity *
my_entry(void)
{
	static OgActivity *mine = NULL;

	if (mine == NULL)
	{
		ActivityTable *table = og_shared_get(&og_activity_shared);

		mine = &table->entries[og_shared_backend()];
		before_shmem_exit(end_at_exit, PointerGetDatum(mine));
	}
	return mine;
}

OgActivity *
og_activity_begin(Oid role, Oid session_role, Oid serverid,
				  const char *server, const char *function, int64 ids)
{
	OgActivity *activity = my_entry();
	uint32		changes;

	og_activity_change(activity);
	changes = activity->changes;
	memset(activity, 0, sizeof(*activity));
	activity->changes = changes;
	activity->pid = MyProcPid;
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

	*copies = palloc(table->backends * sizeof(OgActivity));
	for (int i = 0; i < table->backends; i++)
	{
		volatile OgActivity *entry = &table->entries[i];
		OgActivity *copy = &(*copies)[count];
		uint32		before;
		bool		whole = false;

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
