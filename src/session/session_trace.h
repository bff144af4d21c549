/*-------------------------------------------------------------------------
 *
 * session_trace.h
 *		So that nothing that was sent is lost without a trace.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OG_SESSION_TRACE_H
#define OG_SESSION_TRACE_H

#include "gateway/gateway.h"

/* What one call has sent; see session_trace.c. */
typedef struct TraceCall TraceCall;

extern TraceCall *og_trace_begin(const OgCall *call, const char *server,
								 const char *function, const OgKeys *keys);
extern void og_trace_left(TraceCall *call, const int *keys, int nkeys);
extern void og_trace_verdict(TraceCall *call, int key,
							 const OgOutcome *outcome);
extern void og_trace_end(TraceCall *call);

/* What session_context.c tells of the calls of a subtransaction, or of all. */
extern void og_trace_roll_back(SubTransactionId subxact);
extern void og_trace_move_up(SubTransactionId subxact,
							 SubTransactionId parent);
extern void og_trace_forget(void);

/* Errors: 0A000 where an act was called in this transaction. */
extern void og_trace_prevent_prepare(void);

#endif							/* OG_SESSION_TRACE_H */
