/*-------------------------------------------------------------------------
 *
 * order_gateway.c
 *		Signed calls to order APIs from SQL, answered with rows.
 *
 * A call cancels, creates or amends orders at a provider and answers one row
 * per order with an outcome that can be trusted with money: what may have been
 * executed is never called failed and never sent again, and what was not
 * confirmed is never called done.
 *
 * The house, from the roof down.  A file includes only headers of floors
 * below its own (make check-floors).
 *
 *	5	order_gateway	module, settings
 *	4	sql_*			Datums in, rows out
 *							sql_call		arguments and account of a call
 *							sql_ids			ids out of an SQL array
 *							sql_cancel		the cancel functions
 *							sql_act			all other acts (see sql_act.h)
 *							sql_record		what a provider says, as SQL values
 *							sql_outcome		outcomes as values of their enum
 *							sql_preview		requests shown instead of sent
 *							sql_read		the read functions
 *							sql_settle		what became of unknown outcomes
 *							sql_finding		what follows from what reads say
 *							sql_record		what a provider tells, as SQL values
 *							sql_views		activity, statistics, limits
 *							sql_check		what a DBA wants to know before going live
 *							sql_support		row estimates for the planner
 *	3	gateway			the one pipeline: split, build, wait for a turn,
 *						sign, send, read, collect (see gateway_internal.h)
 *	2	account			options of servers and user mappings, credentials
 *		limiter			pace: turns and nonces per lane
 *		activity		calls in progress
 *		stats			what calls did since the last reset
 *	1	provider_*		what each API says and means: pure functions
 *		http			libcurl, TLS, deadlines, interrupts
 *	0	message			requests in parts, their encodings
 *		crypto			digests and signatures
 *		json			building JSON, and the proving reader of answers
 *		pace			how often a provider lets itself be asked, as written
 *		clock			what lasts, and the time of day
 *		shared			memory that all sessions share
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
#include "miscadmin.h"
#include "storage/ipc.h"
#include "utils/guc.h"

#include "activity.h"
#include "gateway.h"
#include "limiter_table.h"
#include "shared.h"
#include "stats.h"

PG_MODULE_MAGIC;

PGDLLEXPORT void _PG_init(void);

/* Setting order_gateway.max_accounts. */
static int	max_accounts = 64;

/* What lives in shared memory. */
static const OgSharedPart *const shared_parts[] = {
	&og_limiter_shared,
	&og_activity_shared,
	&og_stats_shared,
	NULL
};

static shmem_request_hook_type previous_request_hook = NULL;
static shmem_startup_hook_type previous_startup_hook = NULL;

static void
request_hook(void)
{
	if (previous_request_hook)
		previous_request_hook();
	og_shared_request();
}

static void
startup_hook(void)
{
	if (previous_startup_hook)
		previous_startup_hook();
	og_shared_startup();
	og_stats_startup();
}

static void
define_settings(void)
{
	bool		preloading = process_shared_preload_libraries_in_progress;

	/* It is the size of shared memory, which is made once. */
	DefineCustomIntVariable("order_gateway.max_accounts",
							"Sets the number of accounts, and of hosts, whose pace is kept at once.",
							"Each takes about 110 kB of shared memory.",
							&max_accounts, 64, 1, 1024,
							preloading ? PGC_POSTMASTER : PGC_SIGHUP, 0,
							NULL, NULL, NULL);
	DefineCustomBoolVariable("order_gateway.log_requests",
							 "Logs each request: provider, path, status, time and number of ids.",
							 NULL,
							 &og_log_requests, false, PGC_SUSET, 0,
							 NULL, NULL, NULL);
	MarkGUCPrefixReserved("order_gateway");
}

void
_PG_init(void)
{
	define_settings();
	og_shared_init(shared_parts, &max_accounts);
	if (!process_shared_preload_libraries_in_progress)
		return;
	previous_request_hook = shmem_request_hook;
	shmem_request_hook = request_hook;
	previous_startup_hook = shmem_startup_hook;
	shmem_startup_hook = startup_hook;
}
