/*-------------------------------------------------------------------------
 *
 * worker_journal.h
 *		The journal: every call that a worker makes, and each of its orders.
 *
 * Rows are only ever added on the way from a call that is submitted to one that
 * is done, so a transaction that somebody holds open for hours costs nothing;
 * what state a call is in follows from which rows there are.
 *
 *	call		what was asked for, added by whoever submits it
 *	mark		orders that a request is about to carry, before it leaves; and,
 *				by a later row, that it was not processed, for certain
 *	result		what became of an order
 *	trial		a call that may crash the server is about to be made
 *	end			what became of a call
 *	unsettled	calls with orders of unknown outcome; see worker_unsettled.h
 *	withdrawal	what has not left is not to be sent any more
 *	reference	names that users gave to calls of theirs
 *
 * Each row belongs to an installation: one CREATE EXTENSION in one database.
 * Rows that were copied from elsewhere, by a dump, a template or a subscription,
 * belong to another one, and are never acted upon.
 *
 * Everything here may raise errors, needs a transaction, and sees what it
 * changed itself; worker_journal.c has calls, worker_look.c which are new,
 * worker_progress.c what becomes of them.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OG_WORKER_JOURNAL_H
#define OG_WORKER_JOURNAL_H

#include "access/transam.h"
#include "datatype/timestamp.h"
#include "utils/uuid.h"

#include "ground/message.h"
#include "provider/provider.h"

/* ---------- installations ---------- */

/* What an installation knows of itself. */
typedef struct OgInstallation
{
	pg_uuid_t	id;
	uint64		system_identifier;	/* of the cluster, and ... */
	uint32		timeline;		/* ... of the server, when a worker sent last */
	int64		done_below;		/* all calls below have ended */
	int64		doubtful_below; /* another server may have sent calls below, if
								 * they have another timeline */
	int			crashes;		/* starts after one, since a minute without */
	bool		running;		/* a worker, or it did not end well */
	bool		held;			/* until somebody adopts it */
	bool		settles;		/* false: that crashed the server, it seems */
	TimestampTz alive_at;		/* when a worker ran last; 0 = never */
} OgInstallation;

/* Is the extension there, in this database? */
extern bool og_journal_exists(void);

/*
 * The installation of this database, made if there is none: a database that was
 * copied from a template brings that of another.
 */
extern void og_journal_installation(OgInstallation *installation);

/* The same, if there is one already. */
extern bool og_journal_find(OgInstallation *installation);

/* The same for whoever only adds and reads rows: .id alone is set, mostly by
 * what this process has read before. */
extern void og_journal_installation_id(OgInstallation *installation);

/* Is it in another cluster than it was: after pg_upgrade, whose OIDs are others? */
extern bool og_journal_is_moved(const OgInstallation *installation);

/*
 * Keep others from changing the installation until this transaction is over,
 * and read it; false if somebody else does, who is waited for where "wait" says
 * so.  Whoever does may write down all but its id.
 */
extern bool og_journal_hold(OgInstallation *installation, bool wait);
extern void og_journal_save(const OgInstallation *installation);

/* ---------- calls ---------- */

/*
 * The origin of a call that a session has handed over to the worker, and of one
 * that is entered when all is known of it.
 */
#define OG_OF_SESSION	"session"
#define OG_IS_FOUND		"found"

/* A call as it is submitted, and as it is read again. */
typedef struct OgJournalCall
{
	int64		call_id;
	FullTransactionId xid;
	uint32		timeline;
	const char *origin;			/* "outbox", or one of these */
	const char *function;		/* its name for people: that which would make
								 * the call at once */
	Oid			functionid;		/* what was called */
	const char *provider;
	const char *operation;
	Oid			serverid;
	const char *server;
	Oid			roleid;
	const char *role;
	OgFields	arguments;		/* as the texts that leave */
	OgSlice    *ids;			/* as they were given, repeated ones included */
	int			nids;
	OgFields   *order_arguments;	/* of each id, or NULL; ids all differ then */
	const char *reference;		/* or NULL */
	TimestampTz submitted_at;
	TimestampTz not_before;
	TimestampTz expires_at;		/* DT_NOEND = never */
} OgJournalCall;

/*
 * Does a call do no harm however often, and however late, it is made?  That is
 * so with cancels of orders by ids that are never given again.
 */
extern bool og_journal_is_harmless(const char *operation,
								   const OgFields *arguments);

/*
 * Add a call in this transaction, and answer its id: .xid and .timeline are set
 * here, and .call_id, unless it has got one by og_journal_next().
 */
extern int64 og_journal_add(const OgInstallation *installation,
							OgJournalCall *call);

/* The number of a call that may be added. */
extern int64 og_journal_next(void);

/* Read a call, into the current context; false if there is none. */
extern bool og_journal_read(const OgInstallation *installation, int64 call_id,
							OgJournalCall *call);

/* The same without its ids, and what each of them was given. */
extern bool og_journal_read_head(const OgInstallation *installation,
								 int64 call_id, OgJournalCall *call);

/* The same of one that cannot be read: its ids, and what goes with them. */
extern bool og_journal_read_ids(const OgInstallation *installation,
								int64 call_id, OgJournalCall *call);

/*
 * Give a call the OIDs that its server and function have now: pg_upgrade keeps
 * their names.  Answers that of the server, InvalidOid if there is none.
 */
extern Oid	og_journal_find_anew(const OgInstallation *installation,
								 int64 call_id);

/*
 * The last id that a call got, here and by now.  A transaction has its number
 * before the id of any call that it adds.
 */
extern int64 og_journal_last_id(void);

/* What a look finds of each call. */
typedef struct OgJournalEntry
{
	int64		call_id;
	TimestampTz not_before;
	TimestampTz expires_at;
	uint32		timeline;
	Oid			serverid;
	Oid			roleid;
	bool		of_session;		/* a session has handed it over */
} OgJournalEntry;

/*
 * What has been seen: everything below .next but what was running then.  A look
 * costs what was committed since the last one, however many transactions have
 * been open for however long.
 */
typedef struct OgLook
{
	bool		begun;			/* the first look has been taken */
	FullTransactionId next;
	FullTransactionId *running; /* in TopMemoryContext */
	int			nrunning;
} OgLook;

/*
 * All calls of an installation that were committed since the last look, and at
 * the first one all that have not ended; and which were withdrawn meanwhile (at
 * the first look: all withdrawals of calls that are not known to have ended).
 * After an error the next look begins where this one did, so what had been found
 * by then is found once more.
 */
extern void og_journal_look(const OgInstallation *installation, OgLook *look,
							void (*found) (void *owner,
										   const OgJournalEntry *entry),
							void (*withdrawn) (void *owner, int64 call_id),
							void *owner);

/*
 * Of the first calls from *from on, or of the first of them that have marks, so
 * many at most: which have not ended?  Answers how many that are, and in *from
 * where the next are to be looked for, PG_INT64_MAX = there are none.
 */
extern int	og_journal_open_calls(const OgInstallation *installation,
								  bool marked, int64 *from, int64 *calls,
								  int most);

/*
 * Which call did a worker write down of this one, which a session handed over to
 * it?  0 = none; since then no transaction had a number below.
 */
extern int64 og_journal_find_handed_over(const OgInstallation *installation,
										 FullTransactionId since,
										 const OgJournalCall *call);

/* Is any call of this database's installation queued or in flight? */
extern bool og_journal_has_open_calls(void);

/* ---------- what becomes of them ---------- */

typedef enum OgOrdinalState
{
	OG_ORDINAL_OPEN,			/* it never left, for certain */
	OG_ORDINAL_MARKED,			/* it may have left, and nothing is known */
	OG_ORDINAL_DONE				/* it has its results */
} OgOrdinalState;

/* How far a call has come. */
typedef struct OgJournalProgress
{
	uint8	   *states;			/* OgOrdinalState of each id, in input order */
	int			nmarks;			/* the next mark has the number above */
	int			outcomes[OG_OUTCOMES];	/* of first legs and all others */
	bool		withdrawn;		/* on the timeline where it was submitted */
	bool		ended;
} OgJournalProgress;

/* Repeated ids share what a mark says of the first of them. */
extern void og_journal_progress(const OgInstallation *installation,
								const OgJournalCall *call,
								OgJournalProgress *progress);

/* Orders, by their ordinals from 1, leave from now on, or did not. */
typedef struct OgJournalMark
{
	int64		call_id;
	int			number;			/* in the call, from 1 */
	bool		leaves;
	const int  *ordinals;
	int			nordinals;
} OgJournalMark;

extern void og_journal_marks(const OgInstallation *installation,
							 const OgJournalMark *marks, int count);

typedef struct OgJournalResult
{
	int64		call_id;
	int			ordinal;		/* in the list of ids, from 1 */
	int			leg;			/* of several orders of one id, from 1 */
	OgSlice		order_id;
	OgVerdict	outcome;
	const char *code;			/* NULL where there is none */
	const char *message;
	int			batch;			/* 0 = none */
	int			attempts;
	int			http_status;	/* 0 = none */
	TimestampTz sent_at;		/* 0 = never */
	TimestampTz answered_at;	/* 0 = never */
	OgSlice		response;		/* proven JSON, or nothing */

	/* Of an order that was asked for when nobody had heard of its call. */
	const char *order_state;	/* NULL where it was not */
	TimestampTz settled_at;		/* 0 = it was not */
} OgJournalResult;

extern void og_journal_results(const OgInstallation *installation,
							   const OgJournalResult *results, int count);

/* Those of a call, in their order, each valid during take() only. */
extern void og_journal_read_results(const OgInstallation *installation,
									int64 call_id,
									void (*take) (void *owner,
												  const OgJournalResult *result),
									void *owner);

/*
 * A call is tried, after so many crashes.  Answers how often it was before, each
 * time with fewer: so many of those followed a trial.
 */
extern int	og_journal_try(const OgInstallation *installation, int64 call_id,
						   int crashes);

/* No trial was followed by a crash. */
extern void og_journal_forget_trials(const OgInstallation *installation);

typedef struct OgJournalEnd
{
	int64		call_id;
	bool		quarantined;
	const int  *outcomes;		/* OG_OUTCOMES counts */
	const char *note;
} OgJournalEnd;

extern void og_journal_ends(const OgInstallation *installation,
							const OgJournalEnd *ends, int count);

/*
 * Withdraw a call; whether it is allowed is for the caller to know.  False if it
 * was withdrawn before; who does that now is waited for.  From here on until this
 * transaction ends nothing of the call is marked that is not yet.
 */
extern bool og_journal_withdraw(const OgInstallation *installation,
								int64 call_id, const char *role);

/* Take that back, in the same transaction. */
extern void og_journal_take_back(const OgInstallation *installation,
								 int64 call_id);

/* Was anything of it ever marked? */
extern bool og_journal_is_marked(const OgInstallation *installation,
								 int64 call_id);

/* Has it ended? */
extern bool og_journal_is_done(const OgInstallation *installation,
							   int64 call_id);

/* Was it withdrawn, as far as is committed now? */
extern bool og_journal_is_withdrawn(const OgInstallation *installation,
									int64 call_id);

/*
 * The same for whoever is about to mark orders of it, who has to commit that in
 * this transaction, since nobody withdraws a call before it ends.
 */
typedef enum OgWithdrawal
{
	OG_NOT_WITHDRAWN,
	OG_BEING_WITHDRAWN,			/* by a transaction that has not ended */
	OG_IS_WITHDRAWN
} OgWithdrawal;

extern OgWithdrawal og_journal_ask_to_mark(const OgInstallation *installation,
										   int64 call_id);

#endif							/* OG_WORKER_JOURNAL_H */
