/*-------------------------------------------------------------------------
 *
 * settle.h
 *		What became of orders whose outcome is unknown.
 *
 * Asks a provider by its reads, as its inquiries say, touches no order, and
 * draws a conclusion for each.  Nothing here sleeps: whoever settles advances it,
 * and waits as for a call.
 *
 * settle.c				asking
 * settle_finding.c		what the answers say of one order, and what follows
 *
 *-------------------------------------------------------------------------
 */
#ifndef OG_SETTLE_H
#define OG_SETTLE_H

#include "gateway/gateway_read.h"

/* What nobody knows the outcome of. */
typedef struct OgQuestion
{
	const OgKeys *keys;			/* ids of the orders, at least one */
	const char *market;			/* NULL where orders of the provider have none */
	const char *by;				/* which ids: "order_id" or "client_order_id" */
	bool		create;			/* they were to be created, else cancelled */

	bool		in_steps;		/* single questions are asked some at a time */
	bool		lists;			/* open orders first, where one read has them */
} OgQuestion;

/*
 * When a request left: no sooner than the first of these, no later than the
 * second; 0 = that is not known.
 */
typedef struct OgSent
{
	TimestampTz after;
	TimestampTz before;
} OgSent;

/* What is known of one order; texts last as long as the settling. */
typedef struct OgSettled
{
	OgVerdict	outcome;		/* of the act, OG_UNKNOWN if nothing follows */
	OgOrderState state;			/* where the order stands now */
	const char *message;		/* why */
	const char *raw;			/* the element that says so, or NULL */
} OgSettled;

typedef struct OgSettling OgSettling;

/*
 * Begin, in a context below the current one, which must hold the account and all
 * that is asked for as well.  Errors: those of og_reader_open().
 */
extern OgSettling *og_settling_open(const OgAccount *account,
									const OgQuestion *question,
									const OgCaller *caller);

/*
 * Do all that can be done now.  True if a step is over: all was asked, asking has
 * failed, or it is to go on; else *pause tells until when there is nothing to do.
 */
extern bool og_settling_advance(OgSettling *settling, OgPause *pause);

/*
 * A key of which no more will be known than now; each is told once.  False if
 * there is none yet, or none any more.
 */
extern bool og_settling_next(OgSettling *settling, int *key);

/* Why it failed, or NULL; and the one key that was asked for then, or -1. */
extern const OgFailure *og_settling_failure(OgSettling *settling);
extern int	og_settling_failed_key(const OgSettling *settling);
extern bool og_settling_was_listing(const OgSettling *settling);

/* Was all asked? */
extern bool og_settling_is_over(const OgSettling *settling);

/*
 * The next step, which is a call of its own as far as pace, call_timeout and
 * max_wait go: it counts with what the account says now.  Errors: those of
 * og_reader_open().
 */
extern void og_settling_go_on(OgSettling *settling);

/* What follows about a key, which was told, for an act that was sent then. */
extern void og_settling_conclude(const OgSettling *settling, int key,
								 const OgSent *sent, OgSettled *settled);

/* When asking began, so that what is concluded was so then or later. */
extern TimestampTz og_settling_checked_at(const OgSettling *settling);
extern void og_settling_close(OgSettling *settling);

#endif							/* OG_SETTLE_H */
