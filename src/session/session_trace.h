/*-------------------------------------------------------------------------
 *
 * session_trace.h
 *		So that nothing that was sent is lost without a trace.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OG_SESSION_TRACE_H
#define OG_SESSION_TRACE_H

#include "lib/ilist.h"

#include "gateway/gateway.h"

/*
 * session_trace.c
 *
 * A trace is the last of a list from its beginning on, until that is rolled
 * back or its transaction ends.  The context of the ids may go with it then.
 */
typedef struct Trace Trace;

extern Trace *og_trace_begin(dlist_head *traces, const OgAccount *account,
							 const OgOperation *operation,
							 const char *function, const OgKeys *keys);

/* A witness of its call: what leaves, and what is known of it. */
extern void og_trace_left(void *owner, const int *keys, int nkeys);
extern void og_trace_verdict(void *owner, int key, const OgOutcome *outcome);

/* Log all of a list, and forget it. */
extern void og_trace_roll_back(dlist_head *traces);

/*
 * session_transaction.c
 *
 * The traces of the current subtransaction, in which an act is called.
 */
extern dlist_head *og_transaction_traces(void);

#endif							/* OG_SESSION_TRACE_H */
