/*-------------------------------------------------------------------------
 *
 * order_gateway.c
 *		Signed calls to order APIs from SQL, answered with rows.
 *
 * A call cancels a list of orders at a provider and answers one row per order
 * with an outcome that can be trusted with money: what may have been executed
 * is never called failed and never sent again, and what was not confirmed is
 * never called cancelled.
 *
 * The house, from the roof down.  A file includes only headers of floors
 * below its own (make check-floors).
 *
 *	5	order_gateway	module, settings
 *	4	sql_*			Datums in, rows out
 *							sql_call		arguments and account of a call
 *							sql_ids			ids out of an SQL array
 *							sql_cancel		the cancel functions
 *							sql_preview		requests shown instead of sent
 *							sql_support		row estimates for the planner
 *	3	gateway			the one pipeline: split, build, wait for a turn,
 *						sign, send, read, collect (see gateway_internal.h)
 *	2	account			options of servers and user mappings, credentials
 *		limiter			pace: turns and nonces per lane
 *	1	provider_*		what each API says and means: pure functions
 *		http			libcurl, TLS, deadlines, interrupts
 *	0	message			requests in parts, their encodings
 *		crypto			digests and signatures
 *		json			building JSON, and the proving reader of answers
 *		compat			differences between versions of PostgreSQL
 *
 * A call runs in the session that makes it.  Nothing on floors 0 to 3 knows
 * that: keys come in and rows are pulled, so that another process can run the
 * same pipeline.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/guc.h"

PG_MODULE_MAGIC;

PGDLLEXPORT void _PG_init(void);

/* No settings yet: everything a call needs is an option of its server. */
void
_PG_init(void)
{
	MarkGUCPrefixReserved("order_gateway");
}
