/*-------------------------------------------------------------------------
 *
 * gateway_check.h
 *		What can be known of a server without touching an order.
 *
 * Two requests at most: the provider's probe, unsigned and over a connection
 * of its own, so that all of the way there is seen; then its read that tries
 * the credentials, if it has one.  They wait for turns like any other
 * request, but not for long.
 *
 * What became of them is told as facts.  What they mean to a user, and in
 * which words, is floor 4's business (sql_check.c).
 *
 *-------------------------------------------------------------------------
 */
#ifndef OG_GATEWAY_CHECK_H
#define OG_GATEWAY_CHECK_H

#include "account/account.h"
#include "gateway/gateway.h"
#include "http/http.h"

/* One request of a check. */
typedef struct OgAsked
{
	const OgOperation *operation;	/* NULL: the provider has none such */
	char	   *request;		/* "GET /path", without query */
	const char *unsent;			/* why it was not tried, or NULL */
	const OgResponse *response; /* NULL if it was not tried */

	/* of a whole answer */
	const char *flaw;			/* what is wrong with it, or NULL: completes
								 * "the answer ..." */
	OgEnvelope	envelope;		/* see OG_PROBE and OG_CREDENTIALS */
	bool		clock_suspected;
	char	   *code;			/* the provider's, or NULL */
	char	   *message;
} OgAsked;

typedef struct OgCheck
{
	OgSight		sight;			/* of the probe's connection */
	OgAsked		probe;
	OgAsked		credentials;
	bool		clock_known;
	OgClock		clock;			/* by the probe's answer */
} OgCheck;

/* Does the answer to a probe look like the provider's? */
extern bool og_check_found_api(const OgAsked *probe);

/*
 * Check a server.  "nobody" is the account without credentials, as which the
 * probe is sent.  The check lives in the current context.  Errors: those of
 * opening libcurl or a lane.
 */
extern OgCheck *og_check_open(const OgAccount *nobody,
							  const OgAccount *account,
							  const OgCaller *caller);

/*
 * Do all that can be done now.  True if the check is over; else *pause tells
 * until when there is nothing to do.  Errors: those of opening a lane.
 */
extern bool og_check_advance(OgCheck *check, OgPause *pause);

#endif							/* OG_GATEWAY_CHECK_H */
