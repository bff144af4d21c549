/*-------------------------------------------------------------------------
 *
 * sql_function.h
 *		What a SQL function is, its arguments, and what is done for a call.
 *
 * sql_functions.c is the table of them, each with the functions that follow
 * from it.  The parameters of a function are a list of what its arguments are,
 * from the first on.  What is asked for is checked before anything is sent:
 *
 * sql_argument.c		one value, out of SQL or JSON; orders in a list
 * sql_ids.c			an array of ids
 * sql_conditions.c		what arguments mean to each other
 * sql_call.c			a call: its arguments, its account, and its rows
 * sql_submit.c			a call that is made later
 *
 *-------------------------------------------------------------------------
 */
#ifndef OG_SQL_FUNCTION_H
#define OG_SQL_FUNCTION_H

#include "fmgr.h"
#include "utils/array.h"
#include "utils/jsonb.h"
#include "utils/uuid.h"

#include "gateway/gateway.h"
#include "ground/compat.h"
#include "provider/provider.h"

/* What a parameter holds, which is also what it is in SQL and in JSON. */
typedef enum SqlKind
{
	SQL_MARKET,					/* text: the name of one */
	SQL_ID,						/* text */
	SQL_NUMBER_ID,				/* text: digits */
	SQL_WORD,					/* text: one of some, in any case */
	SQL_CHOICE,					/* text: one of two, as they are written */
	SQL_AMOUNT,					/* numeric */
	SQL_COUNT,					/* int */
	SQL_RESOLUTION,				/* int: minutes of a candle */
	SQL_FLAG,					/* boolean */
	SQL_DURATION,				/* interval: not negative */
	SQL_FROM,					/* timestamptz: the beginning of a stretch ... */
	SQL_TO,						/* ... or its end */
	SQL_IDS,					/* anycompatiblearray: what a call is about */
	SQL_ORDERS					/* jsonb: orders, each with arguments */
} SqlKind;

typedef struct SqlParameter
{
	const char *name;			/* also the operation's name for it; NULL in
								 * the last row */
	SqlKind		kind;
	bool		required;
	const char *const *words;	/* of a word or choice, NULL at the end */

	/* of an amount or a count; an amount's in words, too */
	const char *range;
	int			least;			/* of an amount, 0 = must be above zero */
	int			most;			/* 0 = no such bound */

	/* of orders: the function that makes a single one of them */
	const struct SqlFunction *single;

	const char *preset;			/* where JSON lacks it; NULL = it is null */
} SqlParameter;

/* Arguments, checked one by one. */
typedef struct SqlGiven
{
	const OgProvider *provider;
	int			position;		/* of the order in a list, 0 = the only one */
	OgFields	fields;			/* those that are not null, as the text that
								 * leaves */
	bool		made_id;		/* fields have an id that we made */
	const pg_uuid_t *installation;	/* whose mark it bears; NULL = not looked
									 * for yet, or there is none */
	const SqlParameter *list;	/* the ids', NULL = none are taken */
	ArrayType  *ids;			/* NULL = no ids */
	Oid			id_type;		/* of the array's elements, maybe a domain */
	OgKeys	   *orders;			/* NULL = none are taken */
	bool	   *made_ids;		/* of each of them: .made_id */
} SqlGiven;

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

/* ---------- sql_argument.c ---------- */

/* The kinds of ids that argument "by" may pick. */
extern const char *const og_id_kinds[];

/* Take argument n.  Errors: 22004, 22023, 42804. */
extern void og_argument_take(FunctionCallInfo fcinfo, int n,
							 const SqlParameter *parameter, SqlGiven *given);

/* Take all but ids out of a JSON object, by their names.  Errors: 22004, 22023. */
extern void og_arguments_take_json(const SqlParameter *parameters,
								   JsonbContainer *object, SqlGiven *given);

/*
 * Raise 22023 about argument "name", or about that of an order in a list;
 * "fault" says what is wrong with it, "hint" may be NULL.
 */
pg_noreturn extern void og_argument_refuse(const SqlGiven *given,
										   const char *name, const char *fault,
										   const char *hint);

/* ---------- sql_ids.c ---------- */

/*
 * Take argument n as the array of ids, whose elements' type is checked even
 * when it is NULL.  Errors: 42804.
 */
extern void og_ids_take(FunctionCallInfo fcinfo, int n,
						const SqlParameter *parameter, SqlGiven *given);

/* The texts of the ids taken, checked.  Errors: 22004, 22023. */
extern OgKeys *og_ids_keys(const SqlGiven *given);

/*
 * What is wrong with the text of an id, or NULL; "provider" is NULL where it may
 * be of any.  *printable tells whether the id may be repeated in an error
 * message.
 */
extern const char *og_id_fault(OgSlice id, const OgProvider *provider,
							   bool *printable);

/* ---------- sql_conditions.c: "complete" of a function ---------- */

/* A new order: checks prices and triggers, and gives it an id if it has none. */
extern void og_complete_order(SqlGiven *given);

/* A change of one: by one id, and of something; adds argument "by". */
extern void og_complete_amendment(SqlGiven *given);

/* A stretch of time, if one is asked for: it ends now, if at no other time. */
extern void og_complete_stretch(SqlGiven *given);

/* One order: it has to be named. */
extern void og_complete_one_order(SqlGiven *given);

/* ---------- sql_call.c ---------- */

/* What arguments are taken for. */
typedef enum SqlPurpose
{
	SQL_TO_CALL,
	SQL_TO_SHOW,				/* a preview */
	SQL_TO_SUBMIT
} SqlPurpose;

/* A call, its arguments checked. */
typedef struct SqlCall
{
	const SqlFunction *function;
	const OgOperation *operation;
	SqlGiven	given;
	int			next;			/* the argument behind the server */
	OgAccount  *account;
} SqlCall;

/*
 * Read and check all arguments but the ids' texts, and open the account.
 * *call is all zero, but for .given.installation.  Unless it is for a preview,
 * requests will be sent, so an act is refused in a READ ONLY transaction and on
 * a standby.
 */
extern void og_sql_take_call(FunctionCallInfo fcinfo,
							 const SqlFunction *function, SqlPurpose purpose,
							 SqlCall *call);

/* The same, as far as it begins after the arguments. */
extern void og_sql_open_call(SqlCall *call, const char *server,
							 SqlPurpose purpose);

/*
 * What the call is about; none: there is nothing to do.  NULL of a read that
 * takes no ids.
 */
extern OgKeys *og_sql_take_keys(const SqlCall *call);

/* Argument n, which must be there.  Errors: 22004. */
extern Datum og_sql_needed(FunctionCallInfo fcinfo, int n, const char *name);

/* Take argument n as the name of a server.  Errors: 22004. */
extern const char *og_sql_server(FunctionCallInfo fcinfo, int n);

/* An operation that the provider's table must have. */
extern const OgOperation *og_sql_operation(const OgProvider *provider,
										   const char *name);

/* Bodies of functions, for og_sql_return_rows(): one row per order ... */
extern void og_sql_act(FunctionCallInfo fcinfo, const void *function);

/* ... per request that an act would send, per record of a read. */
extern void og_sql_preview(FunctionCallInfo fcinfo, const void *function);
extern void og_sql_read(FunctionCallInfo fcinfo, const void *function);

/* ---------- sql_functions.c ---------- */

/* The act of that name, or NULL. */
extern const SqlFunction *og_sql_find_act(const char *name);

/* ---------- sql_submit.c ---------- */

/* A call that is to be made later. */
typedef struct SqlSubmission
{
	SqlCall    *call;
	Oid			functionid;		/* of the function that submits */
	const char *reference;		/* NULL = none */
	TimestampTz not_before;		/* 0 = at once */
	TimestampTz expires_at;		/* 0 = as the server says */
} SqlSubmission;

/*
 * What is asked for here is done by the gateway worker.  55000 if there is to be
 * none in this database: "detail" says what that would mean, and "instead" ends the
 * hint.
 */
extern void og_sql_need_worker(const char *detail, const char *instead);

/* A WARNING if it does not run: "detail" says what becomes of what is asked for. */
extern void og_sql_warn_of_worker(const char *detail);

/* A time of a submission, which is not 0 unless it is null. */
extern TimestampTz og_sql_time(Datum time, bool isnull);

/* Body of functions that submit: the call's id, or NULL. */
extern Datum og_sql_submit(FunctionCallInfo fcinfo, const void *function);

/*
 * Submit what was checked.  False, if there is nothing to do; else the id of the
 * call.  Errors: 22023, 55000, and of a reference 23505, 40001.
 */
extern bool og_sql_submit_call(SqlSubmission *submission, int64 *call_id);

/* ---------- sql_check.c, sql_settle.c, sql_journal.c ---------- */

/* Bodies of functions that have no entry in the table. */
extern void og_sql_check(FunctionCallInfo fcinfo, const void *nothing);
extern void og_sql_settle(FunctionCallInfo fcinfo, const void *nothing);
extern void og_sql_wait(FunctionCallInfo fcinfo, const void *nothing);
extern void og_sql_find(FunctionCallInfo fcinfo, const void *nothing);
extern void og_sql_pauses(FunctionCallInfo fcinfo, const void *nothing);

#endif							/* OG_SQL_FUNCTION_H */
