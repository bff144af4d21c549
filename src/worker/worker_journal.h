/*-------------------------------------------------------------------------
 *
 * worker_journal.h
 *		The journal's tables: every call that a worker makes, and each of its
 *		orders.
 *
 * This is the one room that knows their layout.  Rows are only ever added on the
 * way from a call that is submitted to one that is done, so a transaction that
 * somebody holds open for hours costs nothing; what state a call is in follows
 * from which rows there are.
 *
 *	call		what was asked for, added by whoever submits it
 *	mark		orders that a request is about to carry, before it leaves; and, as a
 *				second row, that it provably did not leave
 *	result		what became of an order
 *	end			what became of a call
 *	withdrawal	what has not left is not to be sent any more
 *	reference	names that users gave to calls of theirs
 *
 * Each row belongs to an installation: one CREATE EXTENSION in one database.
 * Rows that were copied from elsewhere, by a dump, a template or a subscription,
 * belong to another one, and are never acted upon.
 *
 * Everything here may raise errors, and needs a transaction.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OG_WORKER_JOURNAL_H
#define OG_WORKER_JOURNAL_H

#include "access/transam.h"
#include "datatype/timestamp.h"
#include "utils/snapshot.h"
#include "utils/uuid.h"

#include "ground/message.h"
#include "provider/provider.h"

/* What an installation knows of itself. */
typedef struct OgInstallation
{
	pg_uuid_t	id;
	uint32		timeline;
	int64		done_below;		/* all calls below have ended */
	TimestampTz alive_at;		/* when a worker said so last; 0 = never */
} OgInstallation;

/* A call as it is submitted, and as it is read again. */
typedef struct OgJournalCall
{
	int64		call_id;
	FullTransactionId xid;
	uint32		timeline;
	const char *origin;			/* "outbox", "session" or "found" */
	const char *function;		/* its name for people */
	const char *provider;
	const char *operation;
	Oid			serverid;
	const char *server;
	Oid			roleid;
	const char *role;
	const OgFields *arguments;	/* as the texts that leave */
	const OgSlice *ids;			/* in input order */
	int			nids;
	const OgFields *of_ids;		/* arguments that each id has of its own, or
								 * NULL */
	const char *reference;		/* or NULL */
	TimestampTz submitted_at;
	TimestampTz not_before;
	TimestampTz expires_at;
} OgJournalCall;

/* What a look needs of each call; see worker_outbox.c. */
typedef struct OgJournalEntry
{
	int64		call_id;
	TimestampTz not_before;
	TimestampTz expires_at;
	Oid			serverid;
	Oid			roleid;
} OgJournalEntry;

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
	OgSlice		response;
} OgJournalResult;

/* Is the extension there, in this database? */
extern bool og_journal_exists(void);

/*
 * The installation of this database, made if there is none: a database that was
 * copied from a template brings that of another.
 */
extern void og_journal_installation(OgInstallation *installation);

/*
 * Add a call, in this transaction, and answer its id.  A call with a reference
 * that its role has used before is not added: *again is set, and the answer is
 * that one's id.  Errors: 23505 if that one was about something else.
 */
extern int64 og_journal_submit(OgJournalCall *call, bool *again);

/* ---------- for the worker ---------- */

/*
 * Calls that were committed after a snapshot was taken, and are visible to this
 * one; all that have not ended where there was none.
 */
extern void og_journal_look(const OgInstallation *installation,
							Snapshot before, Snapshot now,
							void (*found) (void *owner,
										   const OgJournalEntry *entry),
							void *owner);

/* Read a call; false if there is none. */
extern bool og_journal_read(const OgInstallation *installation, int64 call_id,
							OgJournalCall *call);

extern void og_journal_mark(const OgInstallation *installation, int64 call_id,
							int request, int attempt, bool leaves,
							const int *ordinals, int nordinals);
extern void og_journal_result(const OgInstallation *installation,
							  const OgJournalResult *result);
extern void og_journal_end(const OgInstallation *installation, int64 call_id,
						   bool quarantined, const int64 *outcomes,
						   const char *note);

#endif							/* OG_WORKER_JOURNAL_H */
