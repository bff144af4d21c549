/*-------------------------------------------------------------------------
 *
 * stream_append_into.c
 *		Rows of appended kinds in tables of users.
 *
 * One INSERT of a batch, with one array for each column, as the role that started
 * the stream: so triggers fire, partitions are found, policies and defaults hold,
 * as with any INSERT of that role.  What such code sets does not stay, what it could
 * do as somebody else it cannot, and it does not take for ever.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/timeout.h"

#include "stream/stream_append.h"
#include "stream/stream_append_value.h"

/* So long one INSERT may take. */
#define LONGEST_MS	5000

/* ... and in the last attempt of a process that ends. */
#define LAST_MS		500

static int	longest_ms = LONGEST_MS;

/* One is running. */
static volatile sig_atomic_t running = false;

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

void
og_into_cancel(void)
{
	if (running)
		InterruptPending = QueryCancelPending = true;
}

void
og_into_hurry(void)
{
	longest_ms = LAST_MS;
}

static void
start_clock(void)
{
	enable_timeout_after(STATEMENT_TIMEOUT, longest_ms);
	running = true;
}

void
og_into_stop_clock(void)
{
	running = false;
	disable_timeout(STATEMENT_TIMEOUT, false);
	QueryCancelPending = false;
}

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
	start_clock();
	result = SPI_execute_plan(into->plan, values, NULL, false, 0);
	running = false;
	disable_timeout(STATEMENT_TIMEOUT, false);
	if (result != SPI_OK_INSERT)
		elog(ERROR, "SPI_execute_plan failed: %s",
			 SPI_result_code_string(result));
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
}
