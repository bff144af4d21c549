/*-------------------------------------------------------------------------
 *
 * sql_call.h
 *		What all SQL functions of this extension do with their arguments.
 *
 * Everything here may raise errors: it runs before anything is sent.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OG_SQL_CALL_H
#define OG_SQL_CALL_H

#include "access/tupdesc.h"
#include "fmgr.h"
#include "utils/array.h"

#include "account/account.h"
#include "gateway/gateway.h"

/* The longest id, in bytes, and the longest market or symbol. */
#define OG_MAX_ID		128
#define OG_MAX_MARKET	64

/*
 * Which function is called, and where its arguments stand.  One const table
 * entry per SQL function, shared by the call and its preview.
 */
typedef struct SqlFunction
{
	const char *name;			/* as users call it */
	const OgProvider *provider;
	const char *operation;		/* as the provider's table names it */
	const char *market;			/* name of the market argument, or NULL; it
								 * is also the operation's name for it */
	bool		by;				/* has an argument that picks the kind of id */
	const char *ids;			/* name of the array argument */
	const char *id_column;		/* of a read: where its rows have the id, NULL
								 * = in "order_id" */
} SqlFunction;

/* The four cancel functions. */
extern const SqlFunction og_sql_batch_cancel;
extern const SqlFunction og_sql_tronsave_cancel;
extern const SqlFunction og_sql_btse_cancel;
extern const SqlFunction og_sql_wangdian_cancel;

/* The arguments of a call, checked. */
typedef struct SqlArguments
{
	const OgOperation *operation;
	OgFields	fields;			/* market, by */
	ArrayType  *ids;			/* NULL = no ids */
	Oid			id_type;		/* of the array's elements, maybe a domain */
	OgAccount  *account;
	int			nargs;			/* where further ones begin */
} SqlArguments;

/*
 * Read and check all arguments but the ids' texts, and open the account.  All
 * of it is allocated in the current context, which should go as soon as the
 * account is not needed any more.  "sends": requests will be sent, so an act
 * is refused in a READ ONLY transaction and on a standby.
 */
extern void og_sql_arguments(FunctionCallInfo fcinfo,
							 const SqlFunction *function, bool sends,
							 SqlArguments *arguments);

/* The ids of an array, checked.  Errors: 22004, 22023. */
extern OgKeys *og_sql_keys(const SqlFunction *function,
						   const SqlArguments *arguments);

/*
 * What is wrong with the text of an id, or NULL.  *printable tells whether
 * the id may be repeated in an error message.
 */
extern const char *og_sql_id_fault(OgSlice id, const OgProvider *provider,
								   bool *printable);

/* Argument n, or 22004 if it is null: of any type, a text, the server. */
extern Datum og_sql_required(FunctionCallInfo fcinfo, int n, const char *name);
extern const char *og_sql_required_text(FunctionCallInfo fcinfo, int n,
										const char *name);
extern const char *og_sql_server(FunctionCallInfo fcinfo, int n);

/* 22023 unless it is one of two words, and one of those of argument "by". */
extern void og_sql_check_choice(const char *value, const char *argument,
								const char *one, const char *other);
extern void og_sql_check_by(const char *by);

/*
 * Argument n as the array of ids, whose elements' type is checked even when it
 * is NULL.  Errors: 42804.
 */
extern void og_sql_take_ids(FunctionCallInfo fcinfo, int n, const char *name,
							SqlArguments *arguments);

/* 42804 unless a column of rows, which may be -1, is of the type of the ids. */
extern void og_sql_check_id_column(TupleDesc desc, int column, Oid id_type);

/* An operation that the provider's table must have. */
extern const OgOperation *og_sql_operation(const OgProvider *provider,
										   const char *name);

/* 22023 unless this can be the name of a market. */
extern void og_sql_check_market(const char *market, const char *argument);

/* Can a market or symbol be called like this? */
extern bool og_sql_is_market(const char *market);

/* 25006 for an act in a READ ONLY transaction or on a standby. */
extern void og_sql_prevent_act(const char *function);

/*
 * Put a request that would be made into the rows of a preview: a
 * ReturnSetInfo.
 */
extern void og_sql_put_preview(const OgPreview *preview, void *rows);

/* Argument n of a preview: the time that requests are stamped with. */
extern TimestampTz og_sql_preview_time(FunctionCallInfo fcinfo, int n);

/* 42804 unless ids of this type are supported. */
extern void og_sql_check_id_type(Oid type, const char *argument);

#endif							/* OG_SQL_CALL_H */
