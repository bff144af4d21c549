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
 *	withdrawal	what has not left is not to be sent any more
 *	reference	names that users gave to calls of theirs
 *
 * Each row belongs to an installation: one CREATE EXTENSION in one database.
 * Rows that were copied from elsewhere, by a dump, a template or a subscription,
 * belong to another one, and are never acted upon.
 *
 * Everything here may raise errors, needs a transaction, and sees what it
 * changed itself; worker_journal.c has calls, worker_progress.c what becomes of
 * them.
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
	uint32		timeline;		/* of the server, when a worker ran last */
	int64		done_below;		/* all calls below have ended */
	int			crashes;		/* starts after one, since a minute without */
	TimestampTz alive_at;		/* when a worker ran last; 0 = never */
} OgInstallation;

/* Is the extension there, in this database? */
extern bool og_journal_exists(void);

/*
 * The installation of this database, made if there is none: a database that was
 * copied from a template brings that of another.
 */
extern void og_journal_installation(OgInstallation *installation);

/* Write down all but the id of an installation. */
extern void og_journal_save(const OgInstallation *installation);

/* ---------- calls ---------- */

/* A call as it is submitted, and as it is read again. */
typedef struct OgJournalCall
{
	int64		call_id;
	FullTransactionId xid;
	uint32		timeline;
	const char *origin;			/* "outbox", "session" or "found" */
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
 * Add a call in this transaction, and answer its id: .call_id, .xid and
 * .timeline are set here.
 */
extern int64 og_journal_add(const OgInstallation *installation,
							OgJournalCall *call);

/* Read a call, into the current context; false if there is none. */
extern bool og_journal_read(const OgInstallation *installation, int64 call_id,
							OgJournalCall *call);

/* What a look finds of each call. */
typedef struct OgJournalEntry
{
	int64		call_id;
	TimestampTz not_before;
	TimestampTz expires_at;
	uint32		timeline;
	Oid			serverid;
	Oid			roleid;
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

/* Is any call of this database's installation not done? */
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
	int			ntrials;
	int			outcomes[OG_OUTCOMES];	/* of first legs and all others */
	bool		withdrawn;
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
} OgJournalResult;

extern void og_journal_results(const OgInstallation *installation,
							   const OgJournalResult *results, int count);

extern void og_journal_trial(const OgInstallation *installation,
							 int64 call_id, int number);

extern void og_journal_end(const OgInstallation *installation, int64 call_id,
						   bool quarantined, const int outcomes[OG_OUTCOMES],
						   const char *note);

/* Withdraw a call; whether it is allowed is for the caller to know. */
extern void og_journal_withdraw(const OgInstallation *installation,
								int64 call_id, const char *role);

/* Was it withdrawn, as far as is committed now? */
extern bool og_journal_is_withdrawn(const OgInstallation *installation,
									int64 call_id);

/*
 * Whoever withdraws a call, and whoever marks orders of it, holds this until the
 * end of its transaction; a worker that does not get it at once leaves the call
 * alone for now.
 */
extern void og_journal_lock_withdrawal(int64 call_id);
extern bool og_journal_try_lock_mark(int64 call_id);

#endif							/* OG_WORKER_JOURNAL_H */
