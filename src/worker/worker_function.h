/*-------------------------------------------------------------------------
 *
 * worker_function.h
 *		Which functions are the extension's own.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OG_WORKER_FUNCTION_H
#define OG_WORKER_FUNCTION_H

/* What its name ends with, behind that of what makes the call at once. */
#define OG_SUBMIT	"_submit"

/*
 * The extension's own of a name, and that which submits calls of another,
 * whatever else of that name stands beside it; InvalidOid = there is none.  Needs
 * a transaction.
 */
extern Oid	og_extension_function(const char *name);
extern Oid	og_submit_function(const char *function);

#endif							/* OG_WORKER_FUNCTION_H */
