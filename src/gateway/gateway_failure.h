/*-------------------------------------------------------------------------
 *
 * gateway_failure.h
 *		Why a read failed, and the error that it becomes.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OG_GATEWAY_FAILURE_H
#define OG_GATEWAY_FAILURE_H

#include "gateway/gateway_read.h"
#include "ground/compat.h"

/* Why an attempt failed; texts are palloc'd or static. */
typedef struct Failure
{
	int			sqlstate;
	const char *what;			/* completes "server ..." */
	const char *status;			/* "HTTP 400 Bad Request", or NULL */
	const char *hint;
	bool		final;			/* it will not work the next time either */
	bool		pace;			/* it came too early */
	int64		hold_ms;		/* the lane is held for so long, -1 = it is not */
} Failure;

/* Each fills a zeroed failure. */
extern void og_failure_answered(Failure *failure, const OgRecords *records,
								const char *flaw,
								const OgResponse *response);
extern void og_failure_unanswered(Failure *failure,
								  const OgResponse *response,
								  bool timed_out);
extern void og_failure_unsent(Failure *failure, const char *why,
							  bool timed_out);
extern void og_failure_missed(Failure *failure, int64 count,
							  const OgResponse *response);
extern void og_failure_incomplete(Failure *failure, const char *flaw,
								  const char *hint);

/* "asked" is "GET /path", or the function where no request was made. */
pg_noreturn extern void og_failure_raise(const Failure *failure,
										 const char *server,
										 const char *function,
										 const char *asked, int attempts);

#endif							/* OG_GATEWAY_FAILURE_H */
