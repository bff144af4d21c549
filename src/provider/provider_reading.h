/*-------------------------------------------------------------------------
 *
 * provider_reading.h
 *		What an answer says, value by value, and the verdict on an order.
 *
 * An act's answer is read into an OgReading: one result for each order that it
 * mentions, and what it means for the others.  All values are slices of a proven
 * answer (json.h).
 *
 *-------------------------------------------------------------------------
 */
#ifndef OG_PROVIDER_READING_H
#define OG_PROVIDER_READING_H

#include "ground/json.h"

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

/* ---------- what a value says ---------- */

/* True if a JSON string or number is spelled like this. */
extern bool og_says(OgSlice value, const char *text);
extern bool og_names(OgSlice value, OgSlice key);

/* True for a string or number that names something. */
extern bool og_is_id(OgSlice value);

/* Is it a string that says this text, in upper or lower case? */
extern bool og_says_in_any_case(OgSlice value, OgSlice text);

/* True if a JSON number, or a string that is one, is above zero. */
extern bool og_is_positive(OgSlice value);

/*
 * A documented code or message, and what it stands for: a verdict, the state of
 * an order, or what it refuses.
 */
typedef struct OgMeaning
{
	const char *text;			/* NULL in the last row: anything else */
	int			meaning;		/* of the enum that the table is for */
	int			refusal;		/* beside a verdict: the OgRefusal of a read */
} OgMeaning;

/* The row of what a value says. */
extern const OgMeaning *og_meaning(const OgMeaning *meanings, OgSlice value);

/* A list of words or names. */
#define OG_NAMES(...)	((const char *const[]) {__VA_ARGS__, NULL})

/* True if a JSON string has one of these words in it, in any case of ASCII. */
extern bool og_mentions(OgSlice value, const char *const *words);

/*
 * The first of an object's members of so many names that is there and not
 * null, or a slice of nothing; is there any?
 */
#define OG_MAX_NAMES	3

extern OgSlice og_first_member(OgSlice object, const char *const *names);
extern bool og_has_any(OgSlice object, const char *const *names);

/*
 * Take the verdict of an element that carries this id.  One that carries no
 * id at all is about no order, and is passed over.  Answers which key that is,
 * as find() does.
 */
extern int	og_take_by_id(OgReading *reading, OgSlice id,
						  const OgResult *result);

/*
 * Where an order stands by its status.  What is open, and was filled in part,
 * says so by how much was.
 */
extern OgOrderState og_order_state(const OgMeaning *states, OgSlice status,
								   OgSlice filled);

#endif							/* OG_PROVIDER_READING_H */
