/*-------------------------------------------------------------------------
 *
 * worker_asking.h
 *		What an asker asks: orders of calls that are due, and how often.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OG_WORKER_ASKING_H
#define OG_WORKER_ASKING_H

#include "lib/ilist.h"
#include "nodes/pg_list.h"

#include "account/account.h"
#include "settle/settle.h"
#include "worker/worker_unsettled.h"

/* An order that is asked for. */
typedef struct Order
{
	Unsettled  *call;
	int			ordinal;
	OgSent		sent;
	const char *order_state;	/* as it was told before, or NULL */
} Order;

/* Orders that are asked for together. */
typedef struct Group
{
	OgJournalCall call;			/* the first of their calls */
	const char *market;
	bool		create;
	OgKeys	   *keys;			/* one position for each order */
	Order	   *orders;
	int			norders;
	int			nsettled;
	int			outcomes[OG_OUTCOMES];
} Group;

/* What an asker asks now. */
typedef struct Asking
{
	dlist_node	node;
	MemoryContext context;
	const OgInstallation *installation;
	Asker	   *asker;
	List	   *calls;			/* that were taken */
	List	   *groups;
	int			ngroup;			/* the one that is asked for, or is next */
	uint64		version;		/* of the catalog, when its account was looked at;
								 * ... */
	bool		outdated;		/* ... it is another one now */
	MemoryContext opened;		/* of the account, and all below */
	OgAccount  *account;
	OgPace		pace;			/* of its queries, as the server has it */
	OgSettling *settling;		/* NULL = no group is under way */
	bool		broken;			/* the calls are left for a while, but ... */
	Unsettled  *blamed;			/* ... this one for longer, or NULL */
	bool		unread;			/* they could not be read for now */
} Asking;

/*
 * Take calls that are due, and read what is unknown of them, a bounded number.
 * Needs a transaction.
 */
extern void og_asking_read(Asking *asking);

/*
 * How often to ask in the next step: as often as the server lets, while no act of
 * the account waits or is made, and else a quarter of that.  Errors: those of
 * og_limiter_open().
 */
extern void og_asking_set_pace(Asking *asking);

/* The same for another account, whose server has this pace. */
extern void og_asking_narrow(OgAccount *account, const OgPace *whole);

#endif							/* OG_WORKER_ASKING_H */
