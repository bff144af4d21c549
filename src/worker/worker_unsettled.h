/*-------------------------------------------------------------------------
 *
 * worker_unsettled.h
 *		Which calls have orders whose outcome is unknown, and when it is asked
 *		next what became of them.
 *
 * A call is asked for when option settle_after of its server has gone by since the
 * first outcome of it was unknown, then after twice that time, and so on for a day;
 * what was in flight when the server or a worker fell over, at once.  So what there
 * is to be remembered is since when: a row of the journal for each such call, which
 * goes when nothing of it is unknown any more, or nobody asks any more.
 *
 * A worker reads these rows at its start, and knows all that come later, since it
 * alone adds them.  It keeps a bounded number in mind, and the others in the table.
 *
 * Words: an asker is the role that asks a server about its calls.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OG_WORKER_UNSETTLED_H
#define OG_WORKER_UNSETTLED_H

#include "lib/ilist.h"
#include "lib/pairingheap.h"

#include "worker/worker_account.h"

typedef struct Asker
{
	Oid			serverid;		/* the key ... */
	Oid			roleid;			/* ... has no padding */
	dlist_node	node;			/* among all, see og_unsettled_next_asker() */
	dlist_head	all;			/* its calls */
	pairingheap calls;			/* those that wait, and are due first, first */
	int			ncalls;			/* with those that are asked for */
	uint64		version;		/* of the catalog, when it was last asked ... */
	bool		known;			/* ... for the option of its server: */
	int			settle_after;	/* ms, 0 = never */
	AccountRows rows;			/* as they were then */
	int64		paused_until;	/* og_clock_now(), since something failed ... */
	int64		pause_us;		/* ... for so long */
	int64		no_list_until;	/* og_clock_now(): a list of open orders could not
								 * be had */
	struct Asking *asking;		/* under way, or NULL */
} Asker;

typedef struct Unsettled
{
	int64		call_id;		/* the key */
	pairingheap_node node;		/* among those of its asker that wait */
	pairingheap_node age;		/* among all, by .since */
	dlist_node	of_asker;
	Asker	   *asker;
	TimestampTz since;
	TimestampTz due;
	int			step;			/* of the times at which it is asked for; -1 = at
								 * once */
	int			from;			/* the order to go on with */
	int			nopen;			/* orders that were asked for, and are unknown */
	bool		waits;			/* it is among .asker->calls */
	bool		more;			/* something of it became unknown meanwhile */
	bool		removed;		/* the journal has forgotten it */
	uint32		note;			/* hash of its note, 0 = it has none */
} Unsettled;

/* Can its provider tell what became of it?  "operation" is an act's. */
extern bool og_unsettled_is_told(const char *operation,
								 const OgFields *arguments);

/* Forget all that is in mind. */
extern void og_unsettled_open(void);

/*
 * Orders of a call are unknown now: needs a transaction, which adds its row if
 * it has none.
 */
extern void og_unsettled_add(const OgInstallation *installation,
							 const OgJournalCall *call, bool at_once);

/*
 * Read rows from the table, a bounded number, as long as there may be some that
 * are in the table alone, and there is room for them.  Needs a transaction.
 */
extern void og_unsettled_read(const OgInstallation *installation);
extern bool og_unsettled_wants_more(void);

/* What is remembered of a note. */
extern uint32 og_unsettled_hash(const char *note);

/* Its row goes, or has this note from now on.  Needs a transaction. */
extern void og_unsettled_remove(const OgInstallation *installation,
								int64 call_id);
extern void og_unsettled_note(const OgInstallation *installation,
							  int64 call_id, const char *note);

/*
 * After pg_upgrade: the calls that have rows, from *from on, so many at most, which
 * are counted; *from is where the next are, PG_INT64_MAX = there are none.  And that
 * the server of one has another OID, if it has a row.  What is in mind stays: whoever
 * asks opens the account that the call has.
 */
extern int	og_unsettled_calls(const OgInstallation *installation,
							   int64 *from, int64 *calls, int most);
extern void og_unsettled_move(const OgInstallation *installation,
							  int64 call_id, Oid serverid);

/* Is it in mind? */
extern bool og_unsettled_is_in_mind(int64 call_id);

/* How many calls there are in mind, and since when the oldest; 0 = there is none. */
extern int64 og_unsettled_count(TimestampTz *oldest);

/*
 * The asker that was looked at longest ago, which is the last to be looked at
 * again; NULL = there is none.  How many there are.
 */
extern Asker *og_unsettled_next_asker(void);
extern int	og_unsettled_count_askers(void);

/* When the first of its calls is due; DT_NOEND = none is. */
extern TimestampTz og_asker_due(const Asker *asker);

/* Take that call, to ask for it.  NULL if there is none that is due. */
extern Unsettled *og_asker_take(Asker *asker, TimestampTz now);

/* Its first call that waits, which stays, or NULL. */
extern const Unsettled *og_asker_first(const Asker *asker);

/* Its server asks after that time: all of its calls are due by that. */
extern void og_asker_set(Asker *asker, int settle_after);

/*
 * A call that was taken waits again: for its next time, false if there is none any
 * more; or until a moment.
 */
extern bool og_unsettled_next_time(Unsettled *call);

/* Would it have none, had it been asked for as often as it should? */
extern bool og_unsettled_is_old(const Unsettled *call);
extern void og_unsettled_wait(Unsettled *call, TimestampTz until);

/* It was taken, and is not asked for any more. */
extern void og_unsettled_forget(Unsettled *call);

/* A call has been removed from the journal. */
extern void og_unsettled_let_go(int64 call_id);

#endif							/* OG_WORKER_UNSETTLED_H */
