/*-------------------------------------------------------------------------
 *
 * stream_tell.h
 *		What streams tell of orders whose outcome is unknown.
 *
 * stream_tell.c			what was told of which order, and when it is looked for
 * stream_tell_settle.c		what follows for those that the journal does not know
 * stream_tell_account.c	which account that is
 *
 *-------------------------------------------------------------------------
 */
#ifndef OG_STREAM_TELL_H
#define OG_STREAM_TELL_H

#include "lib/ilist.h"

#include "stream/stream_append.h"
#include "worker/worker_journal.h"

/* So much is remembered of what is told of one order. */
#define MOST_TOLD		16

/* What is told: the status of a notification, or a fill. */
#define A_FILL			(-1)

typedef struct Told
{
	TimestampTz at;
	int			status;
} Told;

typedef struct OrderKey
{
	char		account[OG_NAME_HASH + 1];
	char		id[OG_STREAM_MAX_ID + 1];
} OrderKey;

typedef struct Order
{
	OrderKey	key;
	dlist_node	node;			/* of all, those that were told of last behind */
	int			ntold;
	Told		told[MOST_TOLD];
	int64		told_at;		/* og_clock_now() */
	int			look;			/* that is next */
	bool		waits;			/* for a call to be done */
} Order;

/* Orders that are looked for in one transaction, and what that came to. */
typedef struct Learning
{
	OgInstallation installation;
	List	   *orders;			/* Order * */
	int			count;			/* results that are known now */
} Learning;

/*
 * What was told of the orders of a Learning settles what is unknown of them in the
 * journal; .waits is set of those that a call is about which is not done.  A step of
 * a transaction.  Errors: 55P03 the journal is locked, or is another
 * one.
 */
extern void og_tell_settle(void *arg);

#endif							/* OG_STREAM_TELL_H */
