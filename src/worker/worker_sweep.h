/*-------------------------------------------------------------------------
 *
 * worker_sweep.h
 *		After a promotion: orders that a provider has, and the journal does not.
 *
 * What an asynchronous standby did not get before it was promoted is lost, and
 * was perhaps sent.  Of the orders that were created so something is left: each
 * bears a client order id of ours, which tells that this installation made it,
 * and when.  So the orders that an account has open, and its trades as far back
 * as the provider tells them, are read once after a promotion.  Whatever bears
 * our mark, is not older than the journal, and stands in no row of it is entered
 * as a call of its own, of origin "found".
 *
 * There is one sweep for each server and role that the journal has calls of, and
 * a row for each, written by the very transaction that takes note of the
 * promotion.  So a worker that ends before a sweep is done leaves it to the next
 * one, which begins it again: what was entered by then is known.
 *
 * worker_sweep.c			which are due, as a part of the loop
 * worker_sweep_read.c		reading what an account has
 * worker_sweep_found.c		does the journal know an order?  Entering it
 * worker_sweep_row.c		which sweeps there are
 *
 *-------------------------------------------------------------------------
 */
#ifndef OG_WORKER_SWEEP_H
#define OG_WORKER_SWEEP_H

#include "lib/ilist.h"
#include "nodes/pg_list.h"

#include "gateway/gateway_read.h"
#include "worker/worker.h"
#include "worker/worker_account.h"

/*
 * What one turn may cost, where it goes through calls: so many, if they have few
 * ids.
 */
#define OG_CALLS_OF_TURN	2000
#define OG_COST_OF_CALL(ids)	(1 + (ids) / 10)

/* ---------- what is read ---------- */

/*
 * The reads of a provider that a sweep takes, in this order.  What is told by
 * market is asked for in all markets that calls of the account or its open orders
 * name.
 */
typedef struct OgSweepRead
{
	const char *operation;		/* NULL in the last row */
	bool		by_market;
} OgSweepRead;

extern const OgSweepRead og_sweep_reads[];

/*
 * The act that creates the orders that these tell of; NULL if the provider has
 * none, or tells no client order ids.
 */
extern const OgOperation *og_sweep_create(const OgProvider *provider);

/* ---------- worker_sweep_row.c ---------- */

/* A sweep of the orders of one server and role. */
typedef struct OgSweep
{
	Oid			serverid;
	Oid			roleid;
	NameData	server;			/* their names then */
	NameData	role;
	TimestampTz wanted_at;
	TimestampTz done_at;		/* 0 = it is not */
	int64		found;			/* orders that were entered, so far */
	bool		is_off;			/* reading crashed the server again and again */
	const char *problem;		/* why it is not done, or what was not read of one
								 * that is; NULL = nothing */
} OgSweep;

/*
 * Have all accounts that the journal has calls of swept, from the beginning, and
 * answer how many these are.  Waits for others that do so.
 */
extern int	og_sweeps_want(const OgInstallation *installation);

/* Those that are neither done nor off: a list of OgSweep *. */
extern List *og_sweeps_due(const OgInstallation *installation);

/*
 * Markets that calls of an account name, from call *from on, for a bounded number
 * of calls.  True if these were all.
 */
extern bool og_sweep_markets(const OgInstallation *installation,
							 const OgSweep *sweep, int64 *from,
							 OgKeys *markets);

/*
 * Write down what became of one.  False if somebody wants it from the beginning,
 * or it is not there any more.  Waits for nobody: 55P03 if somebody is about to
 * want sweeps.
 */
extern bool og_sweep_save(const OgInstallation *installation,
						  const OgSweep *sweep);

/*
 * Before anything is read, outside of a transaction: that it is tried is
 * committed.  False if it was tried three times before, and each time the server
 * crashed: then all that is due is off.
 */
extern bool og_sweeps_try(const OgInstallation *installation);

/*
 * Can all that a sweep reads and writes be had without waiting for anybody?  Else
 * 55P03 is raised.
 */
extern void og_sweeps_need_locks(void);

/* A minute went by without a crash, or nothing is tried any more. */
extern void og_sweeps_forget_trials(const OgInstallation *installation);

/* ---------- worker_sweep_found.c ---------- */

/* Orders that bear our mark and that the journal may not know. */
typedef struct Suspects Suspects;

/*
 * Those of one account: whatever is found belongs to that role, and was made by
 * this operation of the provider.
 */
extern Suspects *og_suspects_create(const OgInstallation *installation,
									const OgSweep *sweep,
									const OgOperation *create,
									const OgProvider *provider,
									MemoryContext parent);

/* An order as a read tells of it: JSON values. */
typedef struct SeenOrder
{
	OgSlice		client_order_id;
	OgSlice		symbol;
	OgSlice		side;
	OgSlice		raw;
	OgOrderState state;
} SeenOrder;

/* Take one, if it bears our mark; without a transaction. */
extern void og_suspects_see(Suspects *suspects, const SeenOrder *order);

/*
 * How many there are; are there as many as are compared at once; were some seen
 * that were not sifted?
 */
extern int	og_suspects_count(const Suspects *suspects);
extern bool og_suspects_are_many(const Suspects *suspects);
extern bool og_suspects_are_new(const Suspects *suspects);

/*
 * Let go of those that have results.  Needs a transaction; costs a look into an
 * index for each that is new.
 */
extern void og_suspects_sift(Suspects *suspects);

/*
 * The same with all that calls name, a bounded number of calls at a time.  True
 * if all calls were gone through, and whoever is left now is found.  Needs a
 * transaction.
 */
extern bool og_suspects_pass(Suspects *suspects);

/*
 * Enter some of them; needs a transaction, and "sweep" counts them.  When that
 * is committed they are to be told, and are suspects no more.
 */
extern void og_suspects_enter(Suspects *suspects, OgSweep *sweep);
extern void og_suspects_tell(Suspects *suspects);

/* ---------- worker_sweep_read.c ---------- */

/* An account that is due. */
typedef struct Sweeping
{
	dlist_node	node;
	MemoryContext context;
	const OgInstallation *installation;
	OgSweep		row;
	char		problem[OG_LAST_ERROR]; /* what .row.problem is */
	int64		pause_us;		/* the last one between two attempts */
	int64		next_try;		/* og_clock_now(): nothing is done before */
	AccountRows rows;			/* as they were at the last attempt */

	/* while it is read */
	MemoryContext reading;		/* NULL = it is not */
	OgAccount  *account;
	OgPace		pace;			/* of its queries, as the server has it */
	Suspects   *suspects;
	OgReader   *reader;			/* of the read under way, or NULL */
	OgRead		read;
	int			number;			/* of that among all reads, -1 = not begun */
	OgFields	arguments;
	OgKeys	   *markets;		/* that orders may be in */
	int64		next_call;		/* that may name others ... */
	bool		gathered;		/* ... or there is none */
	int			market;			/* that is asked for */
	bool		passed;			/* who is suspected now is in no call */
	char		omission[OG_LAST_ERROR];	/* what cannot be read, or "" */
	bool		gone;			/* the role or the server does not exist */
	bool		is_over;		/* nothing is left to be done */
} Sweeping;

/*
 * Begin to read its orders: again, from the beginning, if that was done before.
 */
extern void og_sweeping_begin(Sweeping *sweeping);

/*
 * Do what can be done now, a bounded part of it, as far as it was begun, or its
 * account is gone.  True if there is more to do at once.
 */
extern bool og_sweeping_advance(Sweeping *sweeping, OgPause *pause);

/* Nothing is read any more. */
extern void og_sweeping_stop(Sweeping *sweeping);

/* ---------- worker_sweep.c ---------- */

/* Sweeps of an installation, with memory below "parent", until they are closed. */
extern void og_sweeps_open(const OgInstallation *installation,
						   MemoryContext parent);
extern void og_sweeps_close(void);

/*
 * Do what can be done now, a bounded part of it.  "may_read": this installation
 * may act, and the journal can be written.  True if there is more to do at once;
 * else *pause tells until when there is not.
 */
extern bool og_sweeps_turn(bool may_read, OgPause *pause);

#endif							/* OG_WORKER_SWEEP_H */
