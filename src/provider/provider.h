/*-------------------------------------------------------------------------
 *
 * provider.h
 *		What an order API says and means, as tables of pure functions.
 *
 * A provider is one const OgProvider: its options, how it signs, and a table
 * of operations.  An operation is one endpoint: how a request for some orders
 * is built, and how an answer is read.  A new endpoint is one row of such a
 * table; a new provider is one file and one line in og_providers[].
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

#include "ground/json.h"
#include "ground/message.h"

/* The largest numbers of options any provider has. */
#define OG_MAX_CREDENTIALS	4
#define OG_MAX_SETTINGS		2

/* The most tables of operations of one provider. */
#define OG_MAX_TABLES		8

/* The largest batch any provider may take. */
#define OG_MAX_BATCH		1000

/*
 * Where one key answers several orders: the most of them that are read from
 * one answer, and the most bytes of the JSON value of such an order's own id.
 * Both bound the work of telling them apart.
 */
#define OG_MAX_PARTS		1000
#define OG_MAX_PART_LEN		512

/*
 * What an answer says about one order.  All but the last are outcomes that
 * users see, in the order of the SQL enum order_outcome.
 */
typedef enum OgVerdict
{
	OG_CANCELLED,				/* the provider said so */
	OG_ACCEPTED,				/* create and the like: the provider took it */
	OG_NOT_FOUND,				/* no such open order */
	OG_NOT_CANCELLABLE,			/* its state forbids it */
	OG_REJECTED,				/* refused; nothing was done */
	OG_NOT_SENT,				/* never left this machine */
	OG_UNKNOWN,					/* bytes left, no trustworthy verdict */
	OG_TOO_FREQUENT				/* not processed because of pace: send again */
} OgVerdict;

#define OG_OUTCOMES	(OG_UNKNOWN + 1)

extern const char *og_verdict_name(OgVerdict verdict);

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

/* What one answer says about one order.  Slices point into the answer. */
typedef struct OgResult
{
	OgVerdict	verdict;
	OgSlice		code;			/* JSON value, or nothing */
	OgSlice		message;		/* JSON value, or nothing */
	OgSlice		element;		/* the bytes of this order's element */
	OgSlice		part;			/* where one key answers several orders: the
								 * JSON value of this one's own id */
	bool		stranger;		/* the element bears the key, but what it tells
								 * of is not what was asked for */
	const char *note;			/* our own words, as those of a reading */
} OgResult;

/* What the envelope of an answer claims about the request as a whole. */
typedef enum OgEnvelope
{
	OG_ENVELOPE_SILENT,			/* nothing that can be trusted */
	OG_ENVELOPE_SUCCESS,		/* that it was carried out */
	OG_ENVELOPE_REFUSAL			/* that it was refused */
} OgEnvelope;

/*
 * An answer being read.  The reader of an operation calls find() and take()
 * for each element, and says in the other members what the answer means for
 * the keys it gave no verdict on.  The caller sets these to "unknown" with
 * no words beforehand.
 */
typedef struct OgReading OgReading;
struct OgReading
{
	/*
	 * Which key of the batch a JSON string or number means; -1 if none, and
	 * for a value of any other kind.
	 */
	int			(*find) (OgReading *reading, OgSlice id);

	/* Take the verdict on a key.  With key -1 the element is only counted
	 * as one that was not asked for. */
	void		(*take) (OgReading *reading, int key, const OgResult *result);

	OgVerdict	rest;			/* verdict on every key without a result */
	OgEnvelope	envelope;
	OgSlice		code;			/* JSON value: the envelope's own code ... */
	OgSlice		message;		/* ... and message, or nothing */
	bool		blank;			/* it says no more than no body would */
	const char *note;			/* our own words (static) where the answer has
								 * none, completing "the answer ...", or NULL */
	bool		clock_suspected;	/* it refuses what a clock that is wrong
									 * makes wrong: a signature, a time */
	bool		too_frequent;	/* it says, of whatever, that requests come too
								 * frequently */
	bool		nonce_refused;	/* it refuses the request because of its nonce:
								 * another one was above it */
	int64		time_ms;		/* Unix time by the provider's clock, 0 if not
								 * told ... */
	int			time_unit_ms;	/* ... and the unit it is told in */
};

/*
 * Records: what a read answers, and what an act says of an order besides its
 * verdict.  A shape is a list of columns, by their names in SQL, with where an
 * element of the answer has each; what is not there, or of another type than
 * documented, is nothing.  Shapes are written in *_fields.def (fields.h).
 */
typedef enum OgColumnType
{
	OG_TEXT,					/* string, or a number as it is spelled */
	OG_NUMERIC,					/* number, or a string that is one */
	OG_INTEGER,					/* the same, whole and within an int */
	OG_BOOLEAN,
	OG_TIME_MS,					/* Unix time in milliseconds; 0 = none */
	OG_TIME_S,					/* in seconds, or in milliseconds where it is
								 * as large as that */
	OG_JSON_TEXT,				/* any value, its very bytes */
	OG_NAME_OF_CODE				/* what the code in the column before means; has
								 * no fields of its own */
} OgColumnType;

/* A documented number and its name. */
typedef struct OgCode
{
	int			code;
	const char *name;			/* NULL in the last row */
	const char *meaning;		/* as documented */
} OgCode;

/* The most names that documents give to one field. */
#define OG_MAX_ALIASES		4

typedef struct OgColumn
{
	const char *name;			/* in SQL; NULL in the last row */
	OgColumnType type;
	const char *fields[OG_MAX_ALIASES]; /* members of the element: the first
										 * that is given counts.  Only what
										 * stands behind the first may also be
										 * another column's. */
	const OgCode *codes;		/* only OG_NAME_OF_CODE */
} OgColumn;

/* The most columns of a shape. */
#define OG_MAX_COLUMNS		64

/* The name of a code, or NULL if it is not documented. */
extern const char *og_code_name(const OgCode *codes, int64 code);

/* Why an answer says that a read was refused. */
typedef enum OgRefusal
{
	OG_REFUSED_SOMEHOW,			/* not said, or for none of these reasons */
	OG_REFUSED_CREDENTIALS,
	OG_REFUSED_ARGUMENTS,
	OG_REFUSED_UNKNOWN,			/* there is nothing of that name */
	OG_REFUSED_PACE
} OgRefusal;

/*
 * The records of one answer.  A reader calls take() for each, with one JSON
 * value (or nothing) per column of the operation's shape and the bytes of its
 * element, and says in the reading what the envelope claims: a success, or
 * the read has failed.  It sets .key before, if the request had keys.
 */
typedef struct OgRecords OgRecords;
struct OgRecords
{
	OgReading	reading;		/* without take() */
	const OgColumn *columns;
	int			key;			/* which key the next record is about, as
								 * find() tells; -1 = one not asked for */
	void		(*take) (OgRecords *records, const OgSlice *values,
						 OgSlice raw);
	OgRefusal	refusal;
	bool		nothing;		/* it says, be it as a refusal, that there is no
								 * such record: an answer like any other */
};

/* The number of the column of that name, -1 if there is none. */
extern int	og_column(const OgColumn *columns, const char *name);

/* Pick the columns of an object; values has room for OG_MAX_COLUMNS. */
extern void og_pick_columns(const OgColumn *columns, OgSlice object,
							OgSlice *values);

/*
 * Take each object of a list as a record, or an object as the only one, and
 * call that a success.  Anything else is not.
 */
extern void og_take_objects(OgRecords *records, OgSlice value);

/*
 * Take each object of a list of what was asked for by its id, which stands in
 * this member.
 */
extern void og_take_known_objects(OgRecords *records, OgSlice list,
								  const char *id);

/*
 * A read over a stretch of time, of which a provider answers no more than so
 * much at once.  Arguments "from_time" and "to_time", Unix times in
 * milliseconds, both belong to it; without the first, one request is all.
 * Where a request does not bring all of a window, there is an argument "count",
 * how many records are asked for at most.
 */
typedef struct OgWalk
{
	int64		(*window_ms) (const OgFields *arguments);	/* in one request */
	const char *time;			/* column with the time of a record */
	bool		whole;			/* one request brings all of a window; else
								 * what may be missing is asked for until
								 * nothing new comes */
	bool		newest_first;	/* records are told in that order, whatever the
								 * provider's is */
} OgWalk;

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
	 * say something else are no answer; and where there is but one thing that
	 * was asked for, an answer about others only is one that makes no sense.
	 */
	const OgDemand *demands;
	bool		one;

	/*
	 * A read that takes several requests goes over time, or from page to page.
	 * Records that say the same in the columns of "id", the first of which
	 * names them, are one that is seen twice where requests meet.
	 */
	const OgWalk *walk;
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

/* Fill a request for a batch, by .build or what stands in its place. */
extern bool og_build_request(const OgOperation *operation, OgRequest *request,
							 const OgBatch *batch);

/* Make it a GET of this path, with those arguments that were given. */
extern void og_build_get(OgRequest *request, const char *path,
						 const OgBatch *batch, const OgParameter *parameters);

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

/* True if a JSON number, or a string that is one, is above zero. */
extern bool og_is_positive(OgSlice value);

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

extern const OgProvider og_xt;
extern const OgProvider og_tronsave;
extern const OgProvider og_btse;
extern const OgProvider og_wangdian;

/* All providers, NULL at the end: what tests and fuzzers go through. */
extern const OgProvider *const og_providers[];

extern const OgOperation *og_provider_operation(const OgProvider *provider,
												const char *name);

/*
 * What the files of the providers share.
 */

/* True if a JSON string or number is spelled like this. */
extern bool og_says(OgSlice value, const char *text);

/* True for a string or number that names something, and for one that names this. */
extern bool og_is_id(OgSlice value);
extern bool og_names(OgSlice value, OgSlice key);

/* Is it a string that says this text, in upper or lower case? */
extern bool og_says_in_any_case(OgSlice value, OgSlice text);

/* A documented code or message, and the verdict that it stands for. */
typedef struct OgMeaning
{
	const char *text;			/* NULL in the last row: anything else */
	OgVerdict	verdict;
} OgMeaning;

extern OgVerdict og_meaning(const OgMeaning *meanings, OgSlice value);

/* True if a JSON string has one of these words in it, in any case of ASCII. */
extern bool og_mentions(OgSlice value, const char *const *words, int count);

/* Read a Unix time of one of the types above; 0 stands for none. */
extern bool og_time_ms(OgColumnType type, OgSlice value, int64 *ms);

/* Take the server's time from the answer to a probe, or a note that it has none. */
#define OG_NO_TIME	"does not tell the server's time"
extern void og_take_time(OgReading *reading, OgSlice value);

/*
 * Take the verdict of an element that carries this id.  One that carries no
 * id at all is about no order, and is passed over.
 */
extern void og_take_by_id(OgReading *reading, OgSlice id,
						  const OgResult *result);

/* The first value that is there and not null, or a slice of nothing. */
extern OgSlice og_first_given(const OgSlice *values, int count);

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
