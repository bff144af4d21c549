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
 * The house, from the roof down.  Each room is a folder; a file includes only
 * headers of its own room and of floors below, and no two files of a room need
 * each other (make check-floors).
 *
 *	6	order_gateway.c	module, settings, shared memory
 *	5	sql/			Datums in, rows out: the functions, their arguments,
 *						their rows; views; row estimates for the planner
 *		session/		calls made in a session: waiting, errors, notices, and the
 *						trace of what a rolled back transaction had sent
 *		worker/			calls made by a background process per database: what was
 *						committed is sent, and what was sent is known
 *		stream/			what a provider tells by itself, into tables: another
 *						process beside that one
 *		settle/			what became of orders whose outcome is unknown
 *	4	gateway/		the one pipeline: split, build, wait for a turn, sign,
 *						send, read, collect; knows no session, and never sleeps
 *	3	account/		options of servers and user mappings, credentials
 *		limiter/		pace: turns and nonces per lane
 *		monitor/		calls in progress, and statistics of those that were
 *	2	provider/		what each API says and means: pure functions
 *		http/			libcurl, TLS, deadlines, interrupts
 *	1	ground/			message, crypto, json, pace, clock, shared memory, and the
 *						differences between versions of PostgreSQL
 *
 * A call runs in the session that makes it: keys come in, and rows are pulled.
 * What a request waits for, whether it may be repeated, and what is told of it
 * is the same for acts, reads and checks.  The way of one cancel, from its SQL
 * function to the socket and back:
 *
 *	sql/sql_functions.c			its name, arguments and operation
 *	sql/sql_call.c				arguments and keys in, a row for each out
 *	session/session.c			pulls rows, and waits; notices, error context
 *	gateway/gateway.c			batches of keys, and what becomes of each key
 *	gateway/gateway_sender.c	turn, signature, answer, another attempt
 *	provider/provider_xt.c		how it is built and signed, what answers say
 *	gateway/gateway_collect.c	verdicts against status and delivery
 *	http/http_request.c			what libcurl is told, and the first byte
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "fmgr.h"
#include "miscadmin.h"
#include "storage/ipc.h"
#include "utils/guc.h"

#include "gateway/gateway.h"
#include "shared_parts.h"
#include "stream/stream.h"
#include "worker/worker.h"

PG_MODULE_MAGIC;

PGDLLEXPORT void _PG_init(void);

/* Setting order_gateway.max_accounts. */
static int	max_accounts = 64;

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
	DefineCustomStringVariable("order_gateway.databases",
							   "Sets the databases that have a gateway worker.",
							   "A list of names; it needs the library in shared_preload_libraries.",
							   &og_worker_databases, "", PGC_SIGHUP,
							   GUC_LIST_INPUT,
							   og_worker_check_databases, NULL, NULL);
	DefineCustomIntVariable("order_gateway.journal_keep",
							"Sets how long the journal keeps calls that are done.",
							"0 keeps them for ever.",
							&og_journal_keep, og_journal_keep, 0, INT_MAX,
							PGC_SIGHUP, GUC_UNIT_MIN, NULL, NULL, NULL);
	DefineCustomStringVariable("order_gateway.notify_channel",
							   "Sets the channel on which a worker notifies the id of each call that is done.",
							   "Empty notifies nobody.",
							   &og_notify_channel, "", PGC_SIGHUP, 0,
							   og_worker_check_channel, NULL, NULL);
	DefineCustomIntVariable("order_gateway.stream_flush",
							"Sets how long what streams tell is gathered before it is written.",
							"0 writes it at once.",
							&og_stream_flush, og_stream_flush, 0, 60000,
							PGC_SIGHUP, GUC_UNIT_MS, NULL, NULL, NULL);
	DefineCustomIntVariable("order_gateway.stream_keep",
							"Sets how long the logs of trades, fills and notifications are kept.",
							"0 keeps them for ever.",
							&og_stream_keep, og_stream_keep, 0, INT_MAX,
							PGC_SIGHUP, GUC_UNIT_MIN, NULL, NULL, NULL);
	DefineCustomIntVariable("order_gateway.stream_queue",
							"Sets how much of one stream may wait for a table that takes no rows.",
							"Beyond it the stream is stale until the table takes some, and what was missed is read then.",
							&og_stream_queue, og_stream_queue, 64, 1024 * 1024,
							PGC_SIGHUP, GUC_UNIT_KB, NULL, NULL, NULL);
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
	og_worker_register();
	og_worker_hook();
}
