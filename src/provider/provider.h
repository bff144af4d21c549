/*-------------------------------------------------------------------------
 *
 * provider.h
 *		What an order API says and means, as tables of pure functions.
 *
 * provider.c				the list of providers
 * provider_request.c		requests, by what an operation says of them; keys
 * provider_reading.h		verdicts on orders, and what a value says
 * provider_record.h		columns and records of an answer
 *
 * A provider is one const OgProvider: its options, how it signs, and its table
 * of operations.  An operation is one endpoint: what a request is made of, and
 * how an answer is read.  A new endpoint is one row of that table; a new
 * provider is one file, or folder, and one line in OG_PROVIDERS.
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
	int64		window_ms;		/* in one request ... */
	const char *times;			/* ... times this argument, or NULL */
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

/* Where a parameter stands in a request, and as what. */
typedef enum OgParameterKind
{
	OG_IN_QUERY,
	OG_BODY_TEXT,				/* a member of the JSON body: a string ... */
	OG_BODY_NUMBER,				/* ... a number, as it is spelled ... */
	OG_BODY_BOOLEAN,			/* ... or "true" or "false" */
	OG_ANSWER_ONLY				/* in none: the answer alone must say it */
} OgParameterKind;

/* How a record must repeat what was asked for. */
typedef enum OgSameness
{
	OG_SAME_ID,					/* spelled the same, and it must be said */
	OG_SAME_WORD,				/* in any case; who says no word says nothing */
	OG_AT_MOST					/* a whole number that is not larger */
} OgSameness;

/* The name of an argument that stands for the one key of a batch. */
#define OG_KEY	""

/*
 * An argument of ours: how a request says it, and what each record of the
 * answer must then say.  Records that say something else are no answer.
 */
typedef struct OgParameter
{
	const char *name;			/* in the request; NULL in the last row */
	const char *argument;		/* OG_KEY, or as OgBatch has it; NULL: it is
								 * always said, and says .always */
	OgParameterKind kind;
	bool		required;		/* no request is made without it */
	const char *always;

	const char *column;			/* of a record; NULL = no matter which */
	OgSameness	sameness;
	const char *unless;			/* not where this argument is given, too ... */
	const char *only_if;		/* ... only where this one is "true" ... */
	const char *side;			/* ... only of records of this side */
} OgParameter;

#define OG_PARAMETERS(...)	((const OgParameter[]) {__VA_ARGS__, {NULL}})

typedef enum OgOperationKind
{
	OG_ACT,						/* changes orders: never sent twice */
	OG_READ,					/* signed, may be repeated */
	OG_PUBLIC					/* unsigned, may be repeated */
} OgOperationKind;

/*
 * Which limit of the account an operation counts on.  Requests of one class
 * are counted together.
 */
typedef enum OgLaneClass
{
	OG_LANE_ORDERS,				/* acts: option rate_limit */
	OG_LANE_QUERIES				/* all others: option query_rate_limit */
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

/*
 * Add to an empty request what no parameter can say, such as another path.
 * Answers false when none can be made of this batch that names each order and
 * nothing else, or when memory for it could not be had from a library that
 * reports so.
 */
typedef bool OgBuilder(OgRequest *request, const OgBatch *batch);

/*
 * Read a proven answer, to an act or to a read; "answer" is its top value, of
 * any kind.  What the HTTP status means beside it is judged by the caller.
 */
typedef void OgActReader(OgReading *reading, OgSlice answer,
						 const OgBatch *batch);
typedef void OgRecordReader(OgRecords *records, OgSlice answer,
							const OgBatch *batch);

/* So many keys at most, and by default. */
#define OG_BATCH(n)	.batch_max = n, .batch_default = n

typedef struct OgOperation
{
	const char *name;			/* "cancel": the same with every provider */
	OgOperationKind kind;
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

	/* What it asks; see og_build_request(). */
	OgMethod	method;
	const char *path;
	const OgParameter *parameters;	/* NULL = it takes none */
	OgBuilder  *build;			/* NULL = that is all */

	/*
	 * Keys that the provider may take for one must not stand in one request,
	 * where its answer could not be told apart: they are those for which this
	 * is the same.  Zero is like every other, and so goes alone.  NULL: it
	 * takes no two keys for one.
	 */
	uint64		(*likeness) (OgSlice key);

	/* What it answers: of an act, and of what a check asks ... */
	OgActReader *read;

	/* ... or of a read, records; their columns, which some acts have, too. */
	OgRecordReader *read_records;
	const OgColumn *columns;

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
 * A question that tells where an order stands, by a read.  What the first does
 * not know is asked of the next.  A read with keys asks for many orders at
 * once; else it is asked for one after the other, by argument "order_id" or
 * "client_order_id", and "symbol" where that is a parameter of the read.  A list
 * tells some orders of a market, by "symbol" alone; the first may be one, and is
 * left out where few orders are asked for.
 *
 * Where .state is NULL its records are fills of an order, which it tells apart
 * by the first column of the operation's .id.
 */
typedef struct OgInquiry
{
	const char *operation;		/* NULL in the last row */
	bool		keys;
	bool		list;
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

/* Where streams are, for those who are at a documented base URL. */
typedef struct OgStreamPlace
{
	const char *base_url;		/* NULL in the last row */
	const char *stream_url;
	const char *book_stream_url;
} OgStreamPlace;

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

	const OgStreamPlace *stream_places; /* NULL = it has no streams */

	const char *market_signs;	/* what the name of a market may have besides
								 * letters and digits; NULL = it has none */

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

	const OgOperation *operations;	/* with a row without a name at its end */
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

/*
 * Can a market be called so at this provider?  At most OG_MAX_MARKET characters,
 * none of which could pass for something else in a request or a topic.
 */
#define OG_MAX_MARKET	64

extern bool og_provider_is_market(const OgProvider *provider,
								  const char *text);

/* ---------- requests ---------- */

/*
 * Fill an initialised, empty request for a batch: method and path, those
 * parameters that are given, and what .build adds.  False as said there, also
 * where a parameter is missing or not of its kind, or where there are other
 * keys than the operation takes.
 */
extern bool og_build_request(const OgOperation *operation, OgRequest *request,
							 const OgBatch *batch);

/* Add parameters to a request alone; a JSON body is all of them that go there. */
extern bool og_add_parameters(OgRequest *request, const OgBatch *batch,
							  const OgParameter *parameters);

/*
 * Make this tree, which is deleted, the JSON body of a request, with what
 * stands around it.
 */
extern bool og_add_json(OgRequest *request, const char *before, cJSON *tree,
						const char *behind);

/*
 * The one key of a batch, palloc'd.  NULL if it has none, or several, or if
 * that names nothing: what is empty, or could be after somebody trimmed it,
 * must not leave.
 */
extern const char *og_batch_key(const OgBatch *batch);

/*
 * The keys of a batch as a JSON array of strings.  NULL when cJSON ran out of
 * memory.
 */
extern cJSON *og_batch_json(const OgBatch *batch);

/* The window of a span, for these arguments. */
extern int64 og_span_window(const OgSpan *span, const OgFields *arguments);

/* Was this argument given, with this value? */
extern bool og_batch_says(const OgBatch *batch, const char *argument,
						  const char *value);

/* ---------- keys ---------- */

/*
 * The keys of a batch while one answer is read.  All but the batch begins as
 * zero; "sorted" is palloc'd when it is first needed, and may be pfree'd after
 * the last search.
 */
typedef struct OgKeyIndex
{
	const OgBatch *batch;
	int			next;			/* the key after the one that was found last */
	const OgSlice **sorted;		/* all keys, by their texts; or NULL */
} OgKeyIndex;

/*
 * Which key a JSON string or number means, however it is spelled; -1 if none,
 * and for a value of any other kind.  Looks for interrupts.
 */
extern int	og_key_find(OgKeyIndex *index, OgSlice id);

#endif							/* OG_PROVIDER_H */
