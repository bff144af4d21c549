/*-------------------------------------------------------------------------
 *
 * provider.h
 *		What an order API says and means, as tables of pure functions.
 *
 * provider.h				providers and their operations, for all floors above
 * provider_record.h		columns and records of an answer
 * provider_reading.h		verdicts on orders, and what a value says
 * providers.c				the list of providers
 *
 * A provider is one const OgProvider: its options, how it signs, and a table
 * of operations.  An operation is one endpoint: how a request for some orders
 * is built, and how an answer is read.  A new endpoint is one row of such a
 * table; a new provider is one file, or folder, and one line in OG_PROVIDERS.
 *
 * Providers do no I/O, read no clock, keep no state and raise no errors of
 * their own: build and read are called while other requests of the same call
 * are under way, and an order must then get a row, not an exception.  They
 * palloc in the current context and may end by longjmp at an interrupt.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OG_PROVIDER_H
#define OG_PROVIDER_H

#include "provider/provider_record.h"

/* More than any provider has options: the last row of each table has no name. */
#define OG_MAX_CREDENTIALS	4
#define OG_MAX_SETTINGS		2

/* The most tables of operations of one provider. */
#define OG_MAX_TABLES		8

/* The largest batch any provider may take. */
#define OG_MAX_BATCH		1000

/* What is sent in one request. */
typedef struct OgBatch
{
	const OgFields *arguments;	/* market, symbol, by, ... as the operation
								 * names them */
	const OgSlice *keys;		/* the orders' ids, all different */
	int			nkeys;
} OgBatch;

/* What signing needs beside the request. */
typedef struct OgSigner
{
	const char *const *credentials; /* in the order of .credentials below */
	const char *const *settings;	/* in the order of .settings below */
	const char *base_url;
	int64		time_ms;		/* Unix time; unique and increasing per
								 * account, so also a nonce */
} OgSigner;

/*
 * A read over a span of time, of which a provider answers no more than so
 * much at once.  Arguments "from_time" and "to_time", Unix times in
 * milliseconds, both belong to it; without the first, one request is all.
 * Where a request does not bring all of a window, there is an argument "count",
 * how many records are asked for at most.
 */
typedef struct OgSpan
{
	int64		(*window_ms) (const OgFields *arguments);	/* in one request */
	const char *time;			/* column with the time of a record */
	bool		whole;			/* one request brings all of a window; else
								 * what may be missing is asked for until
								 * nothing new comes */
	bool		newest_first;	/* records are told in that order, whatever the
								 * provider's is */
} OgSpan;

/*
 * A read from page to page, which an argument numbers from 1.  What is known of
 * the order of its records is nothing, and so is what comes and goes between
 * two pages.
 */
typedef struct OgPages
{
	const char *argument;
	int			size;			/* asked for ... */
	int			smallest;		/* ... and the least that a page may have: with
								 * fewer records it is the last one */
} OgPages;

/*
 * What was asked for: where the argument is given, the column of a record must
 * not say anything else.
 */
typedef enum OgSameness
{
	OG_SAME_ID,					/* spelled the same, and it must be said */
	OG_SAME_WORD,				/* in any case; who says no word says nothing */
	OG_AT_MOST					/* a whole number that is not larger */
} OgSameness;

typedef struct OgDemand
{
	const char *argument;		/* NULL in the last row */
	const char *column;
	OgSameness	sameness;
	const char *unless;			/* not where this argument is given, too ... */
	const char *only_if;		/* ... only where this one is "true" ... */
	const char *side;			/* ... only of records of this side */
} OgDemand;

typedef enum OgOperationKind
{
	OG_ACT,						/* changes orders: never sent twice */
	OG_READ,					/* signed, may be repeated */
	OG_PUBLIC					/* unsigned, may be repeated */
} OgOperationKind;

/*
 * Which limit of the account an operation counts on.  Requests of one class
 * are counted together; where a provider counts endpoints one by one, each has
 * a class to itself.
 */
typedef enum OgLaneClass
{
	OG_LANE_ORDERS,				/* option rate_limit */
	OG_LANE_QUERIES				/* option query_rate_limit */
} OgLaneClass;

#define OG_LANE_CLASSES	(OG_LANE_QUERIES + 1)

/*
 * The operations that order_gateway_check looks for.  They take no keys.
 *
 * A probe is a public read.  The envelope it reads is a success if the answer
 * is one of the API's, and may come with the provider's time.  A probe without
 * a reader asks for something of which nothing is documented.
 *
 * Credentials are tried by a signed read.  The envelope it reads is a success
 * if key and signature were accepted, a refusal if one of them was not, and
 * silent if neither is known.
 */
#define OG_PROBE		"probe"
#define OG_CREDENTIALS	"credentials"

/* An argument of ours, and what a query calls it. */
typedef struct OgParameter
{
	const char *argument;		/* NULL in the last row */
	const char *name;
} OgParameter;

typedef struct OgOperation
{
	const char *name;			/* "cancel": the same with every provider */
	OgOperationKind kind;
	OgLaneClass lane;
	int			batch_max;		/* most keys of one request */
	int			batch_default;	/* where option batch_size is not given */
	OgVerdict	done;			/* of an act, its verdict where all is well:
								 * OG_CANCELLED, or OG_ACCEPTED */
	bool		several;		/* one key may answer several orders */
	bool		empty_is_accepted;	/* an act whose answer has no body where all
									 * is well: a 2xx, and nothing after a head
									 * that says so, or a body that is blank */
	bool		one;			/* a read that is asked for one thing, where it is
								 * asked for something: an answer about others
								 * only makes no sense */

	/*
	 * Fill an initialised, empty request.  Answers false when none can be
	 * made of this batch that names each order and nothing else, or when
	 * memory for it could not be had from a library that reports so.
	 */
	bool		(*build) (OgRequest *request, const OgBatch *batch);

	/*
	 * Keys that the provider may take for one must not stand in one request,
	 * where its answer could not be told apart: they are those for which this
	 * is the same.  Zero is like every other, and so goes alone.  NULL: it
	 * takes no two keys for one.
	 */
	uint64		(*likeness) (OgSlice key);

	/* Where .build is NULL: it is a GET of this path, with what is given of ... */
	const char *path;
	const OgParameter *parameters;	/* ... these, NULL = it takes none */

	/*
	 * Read a proven answer; "answer" is its top value, of any kind.  What
	 * the HTTP status means beside it is judged by the caller.
	 */
	void		(*read) (OgReading *reading, OgSlice answer,
						 const OgBatch *batch);

	/*
	 * Columns of what it answers, NULL if there are none.  A read has a reader
	 * of records in the place of the one above.
	 */
	const OgColumn *columns;
	void		(*read_records) (OgRecords *records, OgSlice answer,
								 const OgBatch *batch);

	/*
	 * What of its arguments each record must say, NULL = nothing.  Records that
	 * say something else are no answer.
	 */
	const OgDemand *demands;

	/*
	 * A read that takes several requests goes over time, or from page to page.
	 * Records that say the same in the columns of "id", the first of which
	 * names them, are one that is seen twice where requests meet.
	 */
	const OgSpan *span;
	const OgPages *pages;
	const char *const *id;		/* ends in a NULL; NULL: by all that they say */
} OgOperation;

/*
 * Where an order stands, in the order of the SQL enum order_state.
 */
typedef enum OgOrderState
{
	OG_ORDER_OPEN,
	OG_ORDER_PARTLY_FILLED,		/* and open, or nobody knows of the rest */
	OG_ORDER_FILLED,
	OG_ORDER_CANCELLED,
	OG_ORDER_GONE,				/* the provider does not know it, or no more */
	OG_ORDER_UNKNOWN			/* it says nothing that is documented */
} OgOrderState;

#define OG_ORDER_STATES	(OG_ORDER_UNKNOWN + 1)

extern const char *og_order_state_name(OgOrderState state);

/*
 * A question that tells where an order stands, by a read.  What the first does
 * not know is asked of the next.  A read with keys asks for many orders at
 * once; else it is asked for one after the other, by argument "order_id" or
 * "client_order_id", and "symbol" where that is a parameter of the read.
 *
 * Where .state is NULL its records are fills of an order, which it tells apart
 * by the first column of the operation's .id.
 */
typedef struct OgInquiry
{
	const char *operation;		/* NULL in the last row */
	bool		keys;
	bool		market;			/* orders go by their market, too */
	bool		client_ids;		/* and may be asked for by client order ids */
	bool		part_is_final;	/* one that is filled in part stays so */

	/* Where the order of a record stands. */
	OgOrderState (*state) (const OgColumn *columns, const OgSlice *values);

	/* Names of columns, NULL = there is none such. */
	const char *time;			/* when the order was made, or the fill */
	const char *filled;			/* how much was filled, by one fill or in all */
	const char *size;			/* of the order, in the same unit */

	/* Of fills: is this of an order that could never have been amended? */
	bool		(*fixed) (const OgColumn *columns, const OgSlice *values);
	int			days;			/* it knows those of so many days */

	/*
	 * Else: an order that was open at a time, and of which it tells nothing
	 * within so many minutes, was filled.  0 = that does not follow.
	 */
	int			minutes;
} OgInquiry;

/* An option of a server or user mapping that only this provider has. */
typedef struct OgOption
{
	const char *name;
	const char *preset;			/* value where not given; NULL = required */
	const char *const *choices; /* NULL-terminated list, or NULL = any text */
	bool		(*valid) (const char *value);	/* more than choices can say,
												 * or NULL */
	const char *rule;			/* what valid() wants, for the hint */
} OgOption;

typedef struct OgProvider
{
	const char *name;			/* "xt" */
	const char *wrapper;		/* its foreign-data wrapper, "xt_fdw" */
	const char *base_url;		/* documented production URL */
	const char *rate_limit;		/* documented, as the option is written */
	const char *query_rate_limit;
	bool		counts_together;	/* what is signed counts on rate_limit,
									 * whatever its class; query_rate_limit
									 * only narrows reads further */
	bool		needs_nonce;	/* the time that is signed must be above all
								 * before; else it only has to be right */
	int			max_batch;		/* largest batch_size, 1 = not settable higher */
	int			clock_tolerance;	/* seconds our clock may differ by */

	OgOption	settings[OG_MAX_SETTINGS];	/* server options of its own */
	OgOption	credentials[OG_MAX_CREDENTIALS];	/* of the user mapping */
	int			key;			/* the credential that is the account's name
								 * at the provider */

	/* NULL if an id is acceptable, else what it must be ("1 to 19 digits"). */
	const char *(*check_id) (OgSlice id);

	/*
	 * Sign a built request, once: another attempt is built anew.  Values of
	 * fields marked as secret are copies, for the caller to wipe.  Answers
	 * false when it could not be signed.
	 */
	bool		(*sign) (OgRequest *request, const OgSigner *signer);

	/* What to ask for where an order stands: one at least. */
	const OgInquiry *inquiries;

	/* Tables of operations, each with a row without a name at its end. */
	const OgOperation *operations[OG_MAX_TABLES];
} OgProvider;

/*
 * All of them, for lists and whatever each must have.
 */
#define OG_PROVIDERS(EACH) \
	EACH(xt) \
	EACH(tronsave) \
	EACH(btse) \
	EACH(wangdian)

#define DECLARE(name)	extern const OgProvider og_##name;
OG_PROVIDERS(DECLARE)
#undef DECLARE

/* A list of them, NULL at its end. */
extern const OgProvider *const og_providers[];

/* The operation of that name, or NULL. */
extern const OgOperation *og_provider_operation(const OgProvider *provider,
												const char *name);

/* ---------- requests ---------- */

/* Fill a request for a batch, by .build or what stands in its place. */
extern bool og_build_request(const OgOperation *operation, OgRequest *request,
							 const OgBatch *batch);

/* Make it a GET of this path, with those arguments that were given. */
extern void og_build_get(OgRequest *request, const char *path,
						 const OgBatch *batch, const OgParameter *parameters);

/*
 * The keys of a batch as a JSON array of strings.  NULL when cJSON ran out of
 * memory.
 */
extern cJSON *og_batch_json(const OgBatch *batch);

/*
 * Append the keys of a batch as a JSON array of numbers, which the caller has
 * checked that they are.  Such tokens need no escapes, and so no cJSON: its
 * allocations for each cost more than the signature of all.
 */
extern void og_append_number_array(StringInfo out, const OgBatch *batch);

#endif							/* OG_PROVIDER_H */
