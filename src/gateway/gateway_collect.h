/*-------------------------------------------------------------------------
 *
 * gateway_collect.h
 *		From one HTTP response to what every key of a batch gets.
 *
 * This is the one place where delivery, HTTP status and the words of a
 * provider are weighed against each other.  It does no I/O, reads no clock
 * and raises no errors, so that it can be fuzzed without a server; it pallocs
 * in the current context and may end by longjmp at an interrupt.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OG_GATEWAY_COLLECT_H
#define OG_GATEWAY_COLLECT_H

#include "http/http.h"
#include "provider/provider.h"

#define OG_MAX_CODE		64		/* characters of a code shown to users ... */
#define OG_MAX_MESSAGE	1000	/* ... and of a message */

/*
 * What became of one order.  Code and message are NULL where there is none,
 * and may be shared by outcomes of one response; response and part point into
 * the body that was read, and live no longer than it.
 */
typedef struct OgOutcome
{
	OgVerdict	verdict;
	const char *code;			/* at most OG_MAX_CODE characters */
	const char *message;		/* at most OG_MAX_MESSAGE characters */
	OgSlice		response;		/* the bytes of this order's element */
	OgSlice		part;			/* JSON value: the own id of one of several */
	bool		stranger;		/* the response is not about what was asked for */
	struct OgOutcome *next;		/* the next of several orders of the same key */
} OgOutcome;

typedef struct OgCollected
{
	/*
	 * One per key, in the order of the batch.  Those with the verdict
	 * OG_TOO_FREQUENT were provably not processed, so they may be sent again.  A
	 * caller that gives up makes them OG_REJECTED; code and message are already
	 * what a user should then see.
	 */
	OgOutcome  *outcomes;
	int			foreign;		/* elements about orders nobody asked for */

	/* The provider wants fewer requests, whatever became of this one. */
	bool		wants_fewer;

	/*
	 * The whole request was refused because of its nonce, so that all keys are
	 * OG_REJECTED, and provably none was processed: they may be sent again.
	 */
	bool		nonce_refused;
} OgCollected;

/*
 * Fill *collected from what the transport reports about the request that was
 * built from "batch".
 */
extern void og_collect(OgCollected *collected, const OgOperation *operation,
					   const OgBatch *batch, const OgResponse *response);

#endif							/* OG_GATEWAY_COLLECT_H */
