/*-------------------------------------------------------------------------
 *
 * stream_append_into.c
 *		Rows of appended kinds in tables of users.
 *
 * One INSERT of a batch, with one array for each column, as the role that started
 * the stream: so triggers fire, partitions are found, policies and defaults hold,
 * as with any INSERT of that role.  What such code sets does not stay, what it could
 * do as somebody else it cannot, and it does not take for ever: when its time is
 * over it is cancelled, and where it catches that, each time that it does.  What goes
 * on all the same (a language that catches errors in a loop of its own) ends with
 * this process, and the next one does not begin with that table.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/timeout.h"
#include "utils/timestamp.h"

#include "ground/clock.h"
#include "stream/stream_append.h"
#include "stream/stream_append_value.h"

/* So long one INSERT may take, and in the last attempt of a process that ends. */
#define LONGEST_MS	5000
#define LAST_MS		1000

/* Then it is cancelled so often, for as long once more. */
#define AGAIN_MS	100

static int	longest_ms = LONGEST_MS;

/* That which is running. */
static volatile sig_atomic_t running = false;
static volatile sig_atomic_t cancelled = false;
static int64 over_at;			/* og_clock_now() */
static int	level;				/* of the transaction that it is in */
static Oid	relid;

/* Nothing but the end of this process ends it. */
static volatile sig_atomic_t ends_process = false;

struct Into
{
	const AppendTarget *target;
	SPIPlanPtr	plan;
	Oid			user;			/* who it was before ... */
	int			security;		/* ... and how */
	int			settings;		/* level of those that hold meanwhile */
};

static char *
write_statement(const AppendTarget *target)
{
	StringInfoData text;

	initStringInfo(&text);
	appendStringInfo(&text, "INSERT INTO %s (", target->name);
	for (int i = 0; i < target->ncolumns; i++)
		appendStringInfo(&text, "%s%s", i > 0 ? ", " : "",
						 quote_identifier(target->columns[i].name));
	appendStringInfoString(&text, ") SELECT * FROM ROWS FROM (");
	for (int i = 0; i < target->ncolumns; i++)
		appendStringInfo(&text, "%spg_catalog.unnest($%d)",
						 i > 0 ? ", " : "", i + 1);
	appendStringInfoString(&text, ") AS r");
	return text.data;
}

static void
prepare(Into *into)
{
	const AppendTarget *target = into->target;
	Oid			types[MOST_APPEND_COLUMNS];

	for (int i = 0; i < target->ncolumns; i++)
		types[i] = get_array_type(target->columns[i].type);
	into->plan = SPI_prepare(write_statement(target), target->ncolumns, types);
	if (into->plan == NULL)
		elog(ERROR, "SPI_prepare failed: %s",
			 SPI_result_code_string(SPI_result));
}

static void
set_local(const char *name, const char *value)
{
	(void) set_config_option(name, value, PGC_SUSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
}

Into *
og_into_open(const AppendTarget *target, Oid roleid)
{
	Into	   *into = palloc0(sizeof(Into));

	into->target = target;
	into->settings = NewGUCNestLevel();
	set_local("row_security", "on");
	set_local("lock_timeout", "100ms");
	GetUserIdAndSecContext(&into->user, &into->security);
	SetUserIdAndSecContext(roleid,
						   into->security | SECURITY_LOCAL_USERID_CHANGE |
						   SECURITY_RESTRICTED_OPERATION);
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	prepare(into);
	return into;
}

void
og_into_close(Into *into)
{
	(void) SPI_finish();
	AtEOXact_GUC(false, into->settings);
	SetUserIdAndSecContext(into->user, into->security);
}

/* One column of all rows. */
static Datum
make_array(const AppendColumn *column, AppendRow **rows, int count)
{
	Datum	   *values = palloc(count * sizeof(Datum));
	bool	   *nulls = palloc(count * sizeof(bool));
	int			dims[1] = {count};
	int			bounds[1] = {1};
	int16		len;
	bool		by_value;
	char		align;

	for (int i = 0; i < count; i++)
		nulls[i] = !og_append_value(rows[i], column, &values[i]);
	get_typlenbyvalalign(column->type, &len, &by_value, &align);
	return PointerGetDatum(construct_md_array(values, nulls, 1, dims, bounds,
											  column->type, len, by_value,
											  align));
}

/* ---------- the clock ---------- */

void
og_into_cancel(void)
{
	if (!running)
		return;
	cancelled = true;
	InterruptPending = QueryCancelPending = true;
}

bool
og_into_took_long(void)
{
	return !cancelled && longest_ms == LONGEST_MS;
}

/* Whoever has caught a cancel, by a subtransaction of his own, gets another one. */
static void
cancel_again(SubXactEvent event, SubTransactionId own, SubTransactionId parent,
			 void *arg)
{
	if (event == SUBXACT_EVENT_ABORT_SUB && running &&
		GetCurrentTransactionNestLevel() > level &&
		(cancelled || og_clock_now() >= over_at))
		InterruptPending = QueryCancelPending = true;
}

static void
end_process(void)
{
	if (!running)
		return;
	ends_process = longest_ms == LONGEST_MS;
	InterruptPending = ProcDiePending = true;
	SetLatch(MyLatch);
}

/* Who comes next must not begin with it. */
static void
note_end(int code, Datum arg)
{
	if (!ends_process)
		return;
	og_hung_note(relid);
	ereport(LOG,
			(errmsg("order_gateway: what table %u runs goes on when it is cancelled: it ends with the stream worker",
					relid)));
}

static void
watch_clock(void)
{
	static bool watching = false;

	if (watching)
		return;
	RegisterSubXactCallback(cancel_again, NULL);
	before_shmem_exit(note_end, (Datum) 0);
	watching = true;
}

/* The number of a timeout of our own. */
static TimeoutId
last_clock(void)
{
	static TimeoutId id = MAX_TIMEOUTS;

	if (id == MAX_TIMEOUTS)
		id = RegisterTimeout(USER_TIMEOUT, end_process);
	return id;
}

void
og_into_hurry(void)
{
	longest_ms = LAST_MS;
}

static void
start_clock(void)
{
	watch_clock();
	cancelled = false;
	level = GetCurrentTransactionNestLevel();
	over_at = og_clock_now() + longest_ms * INT64CONST(1000);
	enable_timeout_every(STATEMENT_TIMEOUT,
						 TimestampTzPlusMilliseconds(GetCurrentTimestamp(),
													 longest_ms), AGAIN_MS);
	enable_timeout_after(last_clock(), 2 * longest_ms);
	running = true;
}

void
og_into_stop_clock(void)
{
	running = false;
	disable_timeout(STATEMENT_TIMEOUT, false);
	disable_timeout(last_clock(), false);
	QueryCancelPending = false;
}

/* ---------- rows ---------- */

void
og_into_append(const Into *into, AppendRow **rows, int count)
{
	const AppendTarget *target = into->target;
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext,
												  "order_gateway rows",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	Datum		values[MOST_APPEND_COLUMNS];
	int			result;

	for (int i = 0; i < target->ncolumns; i++)
		values[i] = make_array(&target->columns[i], rows, count);
	relid = target->relid;
	start_clock();
	result = SPI_execute_plan(into->plan, values, NULL, false, 0);
	og_into_stop_clock();
	if (result != SPI_OK_INSERT)
		elog(ERROR, "SPI_execute_plan failed: %s",
			 SPI_result_code_string(result));
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
}
