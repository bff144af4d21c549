/*-------------------------------------------------------------------------
 *
 * sql_function.h
 *		What a SQL function is, and what is done for a call of it.
 *
 * sql_functions.c is the table of them, each with the functions that follow
 * from it; what they run is here:
 *
 * sql_call.c			the arguments of a call, and its account
 * sql_conditions.c		what arguments mean to each other
 * sql_act.c			acts: one row per order
 * sql_preview.c		what an act would send
 * sql_read.c			reads: one row per record
 *
 *-------------------------------------------------------------------------
 */
#ifndef OG_SQL_FUNCTION_H
#define OG_SQL_FUNCTION_H

#include "fmgr.h"

#include "account/account.h"
#include "gateway/gateway.h"
#include "sql/sql_argument.h"

typedef struct SqlFunction
{
	const char *name;			/* as users call it */
	const OgProvider *provider;
	const char *operation;		/* as the provider's table names it */

	/* The server follows them, and then, of a preview, the time. */
	const SqlParameter *parameters;

	/*
	 * Which column of the rows says what each is about; of an act that takes
	 * no ids, it is also the argument that says so, and NULL leaves that to
	 * argument "by".
	 */
	const char *key;

	/* Check the arguments against each other, and complete them; or NULL. */
	void		(*complete) (SqlGiven *given);
} SqlFunction;

/* ---------- sql_call.c ---------- */

/* A call, its arguments checked. */
typedef struct SqlCall
{
	const SqlFunction *function;
	const OgOperation *operation;
	SqlGiven	given;
	OgAccount  *account;
} SqlCall;

/*
 * Read and check all arguments but the ids' texts, and open the account.  All
 * of it is allocated in the current context, which should go as soon as the
 * account is not needed any more.  Unless it is for a preview, requests will be
 * sent, so an act is refused in a READ ONLY transaction and on a standby.
 */
extern void og_sql_take_call(FunctionCallInfo fcinfo,
							 const SqlFunction *function, bool preview,
							 SqlCall *call);

/*
 * What the call is about; none: there is nothing to do.  NULL of a read that
 * takes no ids.  Errors: 22004, 22023.
 */
extern OgKeys *og_sql_call_keys(const SqlCall *call);

/* The column of the rows that shows it. */
extern const char *og_sql_key_column(const SqlCall *call);

/* Take argument n; the server.  Errors: 22004, 22023, 42804. */
extern void og_sql_take(FunctionCallInfo fcinfo, int n,
						const SqlParameter *parameter, SqlGiven *given);
extern const char *og_sql_server(FunctionCallInfo fcinfo, int n);

/* An operation that the provider's table must have. */
extern const OgOperation *og_sql_operation(const OgProvider *provider,
										   const char *name);

/* ---------- sql_conditions.c: "complete" of a function ---------- */

/* A new order: checks prices and triggers, and gives it an id if it has none. */
extern void og_complete_order(SqlGiven *given);

/* A change of one: by one id, and of something; adds argument "by". */
extern void og_complete_amendment(SqlGiven *given);

/* A stretch of time, if one is asked for: it ends now, if at no other time. */
extern void og_complete_stretch(SqlGiven *given);

/* One order: it has to be named. */
extern void og_complete_one_order(SqlGiven *given);

/* ---------- bodies of functions, for og_sql_return_rows() ---------- */

extern void og_sql_act(FunctionCallInfo fcinfo, const void *function);
extern void og_sql_preview(FunctionCallInfo fcinfo, const void *function);
extern void og_sql_read(FunctionCallInfo fcinfo, const void *function);

#endif							/* OG_SQL_FUNCTION_H */
