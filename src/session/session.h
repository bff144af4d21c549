/*-------------------------------------------------------------------------
 *
 * session.h
 *		Calls of a session, and what its transaction remembers of them.
 *
 * The pipeline knows no session.  This room makes calls for one: it waits where
 * the pipeline would have to, has people hear by NOTICE and WARNING what they
 * should, and is the witness of what was sent: in the context of errors while
 * a call runs, and by LOG lines where its transaction is rolled back.  In a
 * database with a worker it hands acts over to that one, which keeps a journal:
 *
 * session.c			who makes a call; calls made here
 * session_desk.c		acts made by the worker
 * session_gone.c		... and what became of them if that went in the middle
 * session_part.c		a call in parts
 * session_hear.c		what people hear
 * session_trace.c		what was sent by what is rolled back
 * session_transaction.c	what a transaction remembers
 *
 * Each of these must be called in a context of og_session_context(), or in one
 * below it, which holds the account and all else that is given as well.
 * "function" is the caller's name for people, a constant.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OG_SESSION_H
#define OG_SESSION_H

#include "account/account.h"
#include "gateway/gateway.h"
#include "gateway/gateway_check.h"
#include "gateway/gateway_read.h"
#include "settle/settle.h"

/*
 * A context for all that a function of ours needs, and nothing else.  The
 * caller deletes it at its end; it goes by itself when the (sub)transaction is
 * rolled back.  It is not the executor's child, whose memory lives as long as a
 * cursor: credentials and connections must not.
 */
extern MemoryContext og_session_context(void);

/* An act, of at least one key. */
typedef struct OgAct
{
	const OgAccount *account;
	const OgOperation *operation;
	const OgFields *arguments;
	const OgKeys *keys;
	const char *function;
	Oid			functionid;		/* of the SQL function */
	void		(*put) (void *owner, const OgRow *row);
	void	   *owner;
} OgAct;

/*
 * Have a call made: by the worker of this database, where it has one, and else
 * here.  Each of its rows is handed to put(), in the order of the ids.  Raises
 * one WARNING about orders nobody asked for.  Errors, before anything was sent:
 * those of og_call_open(), or 55000 the worker does not run, and what it refuses;
 * what the server itself raises, and put().
 */
extern void og_session_act(const OgAct *act);

/* Read.  Errors: those of OgFailure, of og_reader_open(), and the server's. */
extern void og_session_read(const OgAccount *account, const char *function,
							const OgRead *read);

/*
 * Ask what became of orders, until all is known that can be.  What fails is
 * raised; whoever asked closes it.
 */
extern OgSettling *og_session_settle(const OgAccount *account,
									 const OgQuestion *question,
									 const char *function);

/* Check a server; see og_check_open(). */
extern const OgCheck *og_session_check(const OgAccount *nobody,
									   const OgAccount *account,
									   const char *function);

#endif							/* OG_SESSION_H */
