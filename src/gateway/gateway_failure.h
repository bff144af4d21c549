/*-------------------------------------------------------------------------
 *
 * gateway_failure.h
 *		An answer becomes why a read failed.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OG_GATEWAY_FAILURE_H
#define OG_GATEWAY_FAILURE_H

#include "gateway/gateway_read.h"

/* Why an attempt failed; texts are palloc'd or static. */
typedef struct Failure
{
	OgFailure	told;
	bool		final;			/* it will not work the next time either */
	bool		pace;			/* it came too early */
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
extern void og_failure_unmade(Failure *failure);
extern void og_failure_missed(Failure *failure, int64 count,
							  const OgResponse *response);
extern void og_failure_incomplete(Failure *failure, const char *flaw,
								  const char *hint);

#endif							/* OG_GATEWAY_FAILURE_H */
