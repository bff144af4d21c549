/*-------------------------------------------------------------------------
 *
 * sql_rows.c
 *		Functions that return rows: where they may be called, and memory.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "funcapi.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/memutils.h"

#include "session/session.h"
#include "sql/sql_rows.h"

/* Rows, and bytes of them, between two resets of the memory they are formed in. */
#define ROWS_PER_RESET	256
#define BYTES_PER_RESET	(1024 * 1024)

/* Refuse to run where that could go wrong. */
static void
check_context(FunctionCallInfo fcinfo, const char *name)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;

	if (rsinfo == NULL || !IsA(rsinfo, ReturnSetInfo) ||
		(rsinfo->allowedModes & SFRM_Materialize) == 0 ||
		(rsinfo->allowedModes & SFRM_Materialize_Preferred) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("%s() cannot be called in a target list", name),
				 errdetail("PostgreSQL might call it once per column there."),
				 errhint("Use it in FROM: SELECT * FROM %s(...).", name)));

	if (GetDatabaseEncoding() != PG_UTF8)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("%s() needs a database with encoding UTF8", name),
				 errdetail("The encoding of this database is %s.",
						   GetDatabaseEncodingName()),
				 errhint("Call it from a database that was created with ENCODING 'UTF8'.")));
}

Datum
og_sql_return_rows(FunctionCallInfo fcinfo, const char *name, SqlBody body,
				   const void *what)
{
	MemoryContext context;
	MemoryContext old;

	check_context(fcinfo, name);

	/* The executor has just derived the rows' type from the same expression. */
	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
	context = og_session_context();
	old = MemoryContextSwitchTo(context);
	body(fcinfo, what);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	return (Datum) 0;
}

void
og_scratch_open(SqlScratch *scratch)
{
	scratch->context = AllocSetContextCreate(CurrentMemoryContext,
											 "order_gateway rows",
											 ALLOCSET_DEFAULT_SIZES);
	scratch->nrows = 0;
}

void
og_scratch_row_done(SqlScratch *scratch)
{
	if (++scratch->nrows % ROWS_PER_RESET != 0 &&
		MemoryContextMemAllocated(scratch->context, false) <= BYTES_PER_RESET)
		return;
	CHECK_FOR_INTERRUPTS();
	MemoryContextReset(scratch->context);
}
