/*-------------------------------------------------------------------------
 *
 * worker_account.h
 *		As whom a call is made, and where it goes.
 *
 * All that was checked when it was submitted is so again before it is sent: a
 * role may have been dropped since, and a right taken away.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OG_WORKER_ACCOUNT_H
#define OG_WORKER_ACCOUNT_H

#include "foreign/foreign.h"

#include "account/account.h"
#include "worker/worker_outbox.h"

/*
 * An account that calls of one line have in common, as long as one of them is
 * being made; whatever uses it has its memory below .context.
 */
typedef struct Share
{
	MemoryContext context;
	OgAccount  *account;
	Oid			functionid;		/* that may be called */
	uint64		version;		/* of the catalog, when it was opened */
	Line	   *line;
	int			users;
} Share;

/*
 * The account of a call, for whoever gives it back.  Needs a transaction; a new
 * one is made below "parent".  Errors: 42704 the role, server, mapping or
 * function is not there any more, 42501 no right, and those of
 * og_account_open().
 */
extern Share *og_share_take(Line *line, const OgJournalCall *call,
							MemoryContext parent);
extern void og_share_return(Share *share);

/*
 * Open an account as a role, in the current context.  Needs a transaction.
 * Errors: those of og_account_open().
 */
extern OgAccount *og_account_open_as(Oid roleid, const char *server,
									 const OgProvider *provider,
									 bool with_credentials);

/*
 * What was there when somebody asked for something in its name has to be there
 * still; names are those of then.  Need a transaction.  Errors: 42704.
 */
extern void og_account_need_role(Oid roleid, const char *role);
extern ForeignServer *og_account_need_server(Oid serverid, const char *server);

/*
 * The account of a call for whoever needs it once, in the current context.  Needs
 * a transaction.  Errors: the same.
 */
extern OgAccount *og_share_open(const OgJournalCall *call);

/*
 * Counts changes of any role, right, function, server and mapping.  Most of them
 * concern nobody here: whoever wants to know asks for the rows.
 */
extern uint64 og_share_version(void);

/* Changes of this function count from now on: its rights, and that it goes. */
extern void og_share_watch(Oid functionid);

/*
 * What decides how an account is opened as a role, and whether it is; Invalid =
 * there is no such row.
 */
typedef struct AccountRows
{
	OgAccountVersion version;
	bool		allowed;		/* the role is there, and may use the server */
} AccountRows;

/* Needs a transaction; raises nothing of its own. */
extern AccountRows og_account_rows(Oid serverid, Oid roleid);
extern bool og_account_rows_differ(const AccountRows *a, const AccountRows *b);

#endif							/* OG_WORKER_ACCOUNT_H */
