/*-------------------------------------------------------------------------
 *
 * shared.c
 *		Memory that all sessions of the cluster share.
 *
 * There are two pieces of it: a root that says for how many accounts and
 * backends the parts were made, and the parts, one after the other.  A
 * preloading server has both in its main shared memory.  Else the first
 * session that asks has them made as segments of dynamic shared memory, which
 * stay until the server ends.  Either way a crash of any backend makes the
 * server start over, with new memory.
 *
 * Locks in shared memory need a tranche with a name, which each process has
 * to register for itself; so memory is looked up here once per process.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "storage/ipc.h"
#include "storage/proc.h"
#include "storage/shmem.h"

#include "ground/compat.h"
#include "ground/shared.h"

#define TRANCHE_NAME	"OrderGateway"

/*
 * What lies there belongs to one layout.  Without preloading, sessions with a
 * library of another layout must not take it for theirs: raise this number with
 * any change of what a part holds.
 */
#define LAYOUT		5
#define ROOT_NAME	"order_gateway root " CppAsString2(LAYOUT)
#define PARTS_NAME	"order_gateway parts " CppAsString2(LAYOUT)

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
static char *memory = NULL;		/* of all parts */

void
og_shared_init(const OgSharedPart *const *all_parts, const int *accounts)
{
	parts = all_parts;
	max_accounts = accounts;
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

/* ---------- what is made ---------- */

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

/* Where a part begins, or with NULL, where the last one ends. */
static Size
offset_of(const OgSharedPart *part, int accounts, int backends)
{
	Size		offset = 0;

	for (int i = 0; parts[i] != part; i++)
	{
		if (parts[i] == NULL)
			elog(ERROR, "there is no shared part \"%s\"", part->name);
		offset = add_size(offset, CACHELINEALIGN(parts[i]->size(accounts,
																backends)));
	}
	return offset;
}

static Size
parts_size(void)
{
	return offset_of(NULL, root->accounts, root->backends);
}

static void
init_parts(void *new_memory)
{
	memset(new_memory, 0, parts_size());
	for (int i = 0; parts[i] != NULL; i++)
		parts[i]->init((char *) new_memory +
					   offset_of(parts[i], root->accounts, root->backends),
					   root->accounts, root->backends);
}

/* ---------- where ---------- */

void
og_shared_request(void)
{
	RequestAddinShmemSpace(add_size(CACHELINEALIGN(sizeof(SharedRoot)),
									offset_of(NULL, *max_accounts,
											  MaxBackends)));
}

static void *
make_preloaded(const char *name, Size size, void (*init) (void *))
{
	bool		found;
	void	   *made = ShmemInitStruct(name, size, &found);

	if (!found)
		init(made);
	return made;
}

void
og_shared_startup(void)
{
	/* A crash made the server start over: what we knew is gone. */
	root = NULL;
	memory = NULL;
	LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
	use_root(make_preloaded(ROOT_NAME, sizeof(SharedRoot), init_root));
	memory = make_preloaded(PARTS_NAME, parts_size(), init_parts);
	LWLockRelease(AddinShmemInitLock);
}

bool
og_shared_is_known(void)
{
	return root != NULL && memory != NULL;
}

void *
og_shared_get(const OgSharedPart *part)
{
	if (root == NULL)
		use_root(og_named_segment(ROOT_NAME, sizeof(SharedRoot), init_root));
	if (memory == NULL)
		memory = og_named_segment(PARTS_NAME, parts_size(), init_parts);
	return memory + offset_of(part, root->accounts, root->backends);
}
