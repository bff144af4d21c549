/*-------------------------------------------------------------------------
 *
 * shared.c
 *		Memory that all sessions of the cluster share.
 *
 * A preloading server makes all parts in its main shared memory, so they live
 * as long as that: a crash of any backend makes the server create them anew.
 * The DSM registry makes each part on demand.  There, a small part of our own
 * comes first, with the number of accounts as it was then, since a segment
 * must be asked for with the size it was made with.
 *
 * Locks in shared memory need a tranche with a name, which each process has
 * to register for itself; so every part is looked up here once per process.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "storage/ipc.h"
#include "storage/proc.h"
#include "storage/shmem.h"

#include "compat.h"
#include "shared.h"

#define TRANCHE_NAME	"OrderGateway"

/* What all parts have in common. */
typedef struct SharedRoot
{
	int			tranche;
	int			accounts;
	int			backends;
} SharedRoot;

static const OgSharedPart *const *parts = NULL;
static const int *max_accounts = NULL;

/* As far as this process has looked it up, or inherited it. */
static SharedRoot *root = NULL;
static void **memory = NULL;	/* per part */

void
og_shared_init(const OgSharedPart *const *all_parts, const int *accounts)
{
	int			count = 0;

	parts = all_parts;
	max_accounts = accounts;
	while (parts[count] != NULL)
		count++;
	memory = MemoryContextAllocZero(TopMemoryContext, count * sizeof(void *));
}

static void
init_root(void *new_root)
{
	SharedRoot *self = new_root;

	self->tranche = LWLockNewTrancheId();
	self->accounts = *max_accounts;
	self->backends = MaxBackends;
}

/* The root is there now: locks of its tranche get their name. */
static void
use_root(SharedRoot *found)
{
	root = found;
	LWLockRegisterTranche(root->tranche, TRANCHE_NAME);
}

void
og_shared_lock_init(LWLock *lock)
{
	LWLockInitialize(lock, root->tranche);
}

int
og_shared_backend(void)
{
	return og_proc_number(MyProc);
}

/*
 * ----
 * Preloaded
 * ----
 */

/*
 * What lies there belongs to one layout.  Without preloading, sessions with a
 * library of another layout must not take it for theirs: raise this number with
 * any change of what a part holds.
 */
#define LAYOUT		1
#define ROOT_NAME	"order_gateway root " CppAsString2(LAYOUT)

static char *
shmem_name(const OgSharedPart *part)
{
	return psprintf("order_gateway %s %d", part->name, LAYOUT);
}

void
og_shared_request(void)
{
	Size		size = MAXALIGN(sizeof(SharedRoot));

	for (int i = 0; parts[i] != NULL; i++)
		size = add_size(size, MAXALIGN(parts[i]->size(*max_accounts,
													  MaxBackends)));
	RequestAddinShmemSpace(size);
}

static void *
make_preloaded(const char *name, Size size, bool *found)
{
	void	   *made = ShmemInitStruct(name, size, found);

	if (!*found)
		memset(made, 0, size);
	return made;
}

void
og_shared_startup(void)
{
	SharedRoot *the_root;
	bool		found;

	/* A crash made the server start over: what we knew is gone. */
	root = NULL;
	LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
	the_root = make_preloaded(ROOT_NAME, sizeof(SharedRoot),
							  &found);
	if (!found)
		init_root(the_root);
	use_root(the_root);
	for (int i = 0; parts[i] != NULL; i++)
	{
		memory[i] = make_preloaded(shmem_name(parts[i]),
								   parts[i]->size(root->accounts,
												  root->backends),
								   &found);
		if (!found)
			parts[i]->init(memory[i], root->accounts, root->backends);
	}
	LWLockRelease(AddinShmemInitLock);
}

/*
 * ----
 * On demand
 * ----
 */

/* What init_segment() is to make, since the registry does not tell it. */
static const OgSharedPart *part_to_init = NULL;

static void
init_segment(void *segment)
{
	memset(segment, 0, part_to_init->size(root->accounts, root->backends));
	part_to_init->init(segment, root->accounts, root->backends);
}

/* Ask the registry for a part; NULL where there is no registry. */
static void *
get_on_demand(const OgSharedPart *part)
{
	SharedRoot *the_root;

	if (root == NULL)
	{
		the_root = og_named_segment(ROOT_NAME, sizeof(SharedRoot), init_root);
		if (the_root == NULL)
			return NULL;
		use_root(the_root);
	}
	part_to_init = part;
	return og_named_segment(shmem_name(part),
							part->size(root->accounts, root->backends),
							init_segment);
}

void *
og_shared_get(const OgSharedPart *part)
{
	int			i = 0;

	while (parts[i] != NULL && parts[i] != part)
		i++;
	if (parts[i] == NULL)
		elog(ERROR, "there is no shared part \"%s\"", part->name);
	if (memory[i] == NULL)
		memory[i] = get_on_demand(part);
	return memory[i];
}

void *
og_shared_require(const OgSharedPart *part)
{
	void	   *found = og_shared_get(part);

	if (found == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("order_gateway must be loaded via \"shared_preload_libraries\""),
				 errdetail("Before PostgreSQL 17, only then do sessions share what this shows."),
				 errhint("Add order_gateway to shared_preload_libraries in postgresql.conf and restart the server.")));
	return found;
}
