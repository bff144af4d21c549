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
} OgQuestion;

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
 * Do all that can be done now.  True if all was asked, or asking has failed; else
 * *pause tells until when there is nothing to do.
 */
extern bool og_settling_advance(OgSettling *settling, OgPause *pause);

/* Why it failed, or NULL. */
extern const OgFailure *og_settling_failure(OgSettling *settling);

/*
 * When all was asked, and after a failure for what was known by then: what follows
 * for the act about a key that was sent at a time, 0 = that is not known.
 */
extern void og_settling_conclude(const OgSettling *settling, int key,
								 TimestampTz sent_at, OgSettled *settled);

/* When asking began, so that what is concluded was so then or later. */
extern TimestampTz og_settling_checked_at(const OgSettling *settling);
extern void og_settling_close(OgSettling *settling);

#endif							/* OG_SETTLE_H */
