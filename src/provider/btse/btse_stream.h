/*-------------------------------------------------------------------------
 *
 * btse_stream.h
 *		BTSE's streams: what to send, and what a message says.
 *
 * Nothing here does I/O, reads a clock or knows a catalog.  What is allocated is
 * palloc'd in the current context; slices point into the message, into constants,
 * or to such memory.
 *
 * A message is proven as an answer is (ground/json.h) and then read as a whole:
 * one that breaks a rule anywhere is not understood, and nothing of it may be
 * taken.
 *
 * btse_stream.c		what to send
 * btse_stream_read.c	what a message is; acknowledgements and errors
 * btse_stream_book.c	books and best prices in messages
 * btse_stream_record.c	trades, fills and notifications, also out of reads
 * btse_stream_tell.c	what notifications and fills say of acts
 *
 *-------------------------------------------------------------------------
 */
#ifndef OG_BTSE_STREAM_H
#define OG_BTSE_STREAM_H

#include "ground/decimal.h"
#include "provider/provider.h"

typedef enum OgStreamKind
{
	OG_STREAM_L1,
	OG_STREAM_BOOK,
	OG_STREAM_TRADES,
	OG_STREAM_FILLS,
	OG_STREAM_NOTIFICATIONS
} OgStreamKind;

#define OG_STREAM_KINDS		(OG_STREAM_NOTIFICATIONS + 1)

/* Levels on one side of a book, as documented. */
#define OG_STREAM_DEPTH		50

/* The most levels of one side that one message may have. */
#define OG_STREAM_CHANGES	1000

/* The longest part of an id that is read, in bytes. */
#define OG_STREAM_MAX_ID		128

/* ---------- what to send ---------- */

/* What the provider must answer with "pong". */
#define OG_STREAM_PING	"ping"

/* Is it at the URL of books (else at the other one)? */
extern bool og_btse_stream_is_at_books(OgStreamKind kind);

/*
 * The topic of a kind.  "symbol" is not used where all of an account is meant,
 * "grouping" only of books.
 */
extern char *og_btse_stream_topic(OgStreamKind kind, const char *symbol,
								  int grouping);

/* Ask for topics of these names, or no more for them, in one message. */
extern char *og_btse_stream_subscribe(const char *const *names, int count,
									  bool on);

/*
 * Log in: as an account's requests are signed, of the signer's time as nonce.
 * NULL if it could not be signed.  To be wiped: the text is as good as the
 * account for as long as the nonce is.
 */
extern char *og_btse_stream_login(const OgSigner *signer);

/* ---------- what a message says ---------- */

typedef enum OgStreamWhat
{
	OG_STREAM_NOT_UNDERSTOOD,	/* .problem; nothing of it may be taken */
	OG_STREAM_PONG,
	OG_STREAM_SUBSCRIBED,		/* .channels: those that were taken, maybe none */
	OG_STREAM_UNSUBSCRIBED,		/* .channels */
	OG_STREAM_LOGIN,			/* .success, .message */
	OG_STREAM_ERROR,			/* .errors */
	OG_STREAM_DATA				/* .kind and what follows it */
} OgStreamWhat;

/* The page's codes of errors. */
typedef enum OgStreamCode
{
	OG_STREAM_CODE_OTHER = 0,	/* none of these, or not told */
	OG_STREAM_NO_MARKET = 1000, /* the market is not supported */
	OG_STREAM_NO_OPERATION = 1001,	/* the operation is not supported */
	OG_STREAM_BAD_REQUEST = 1002,
	OG_STREAM_NO_TOPIC = 1005,
	OG_STREAM_BUFFER_FULL = 1007,	/* the connection is closed */
	OG_STREAM_TOO_MANY_FAILURES = 1008, /* the connection is closed */
	OG_STREAM_NO_GROUPING = 1009	/* a grouping was given where there is none */
} OgStreamCode;

/* What a documented code means, in a few words; NULL of any other. */
extern const char *og_btse_stream_code_words(OgStreamCode code);

/* JSON values, or slices of nothing. */
typedef struct OgStreamError
{
	OgSlice		arg;			/* the topic that it is about */
	OgSlice		code;
	OgSlice		message;
	OgStreamCode known;			/* the code, if it is documented */
} OgStreamError;

typedef struct OgStreamLevel
{
	OgDecimal	price;			/* above zero */
	OgDecimal	size;			/* zero: there is nothing at this price */
} OgStreamLevel;

/* Levels in the order in which they came. */
typedef struct OgStreamSide
{
	int			count;
	OgStreamLevel *levels;
} OgStreamSide;

typedef struct OgStreamBook
{
	bool		is_delta;		/* else all of the book */
	int64		seq;			/* books only */
	int64		prev_seq;		/* of deltas; -1 where a snapshot tells none */
	OgStreamSide bids;			/* L1: one level, or none */
	OgStreamSide asks;
} OgStreamBook;

/* One trade, fill or notification: its columns, and its own bytes. */
typedef struct OgStreamRecord
{
	const OgSlice *values;		/* JSON values by og_btse_stream_columns() */
	OgSlice		raw;
} OgStreamRecord;

typedef struct OgStreamMessage
{
	OgStreamWhat what;

	/*
	 * Static words that complete "the message ..." ("is not JSON", "has a level
	 * that is not a price and a size").  What is told of .kind and .symbol then is
	 * what could be made out: is_data, and a symbol that is not NULL.
	 */
	const char *problem;
	bool		is_data;

	OgSlice		value;			/* all of it as JSON; no data if it is none */

	/* of acknowledgements: strings, to be compared by og_json_equals() */
	OgSlice    *channels;
	int			nchannels;

	/* of a login: and what it says otherwise, as JSON */
	bool		success;
	OgSlice		message;

	OgStreamError *errors;
	int			nerrors;

	/* of data */
	OgStreamKind kind;
	const char *symbol;			/* of L1, books and trades: what the data names,
								 * whatever the topic does.  NULL where there is no
								 * trade */
	int			grouping;		/* of books: where the topic has it; else -1 */
	int64		event_ms;		/* of L1 and books, 0 = not told */
	OgStreamBook book;			/* of L1 and books */
	const OgColumn *columns;	/* of all others */
	OgStreamRecord *records;
	int			nrecords;
} OgStreamMessage;

/*
 * Read a message, which has to stay while *message is in use.  False if it is not
 * understood.
 */
extern bool og_btse_stream_read(OgSlice text, OgStreamMessage *message);

/* ---------- records ---------- */

/*
 * The columns of trades, fills and notifications; NULL of other kinds.  They are
 * those of the views btse_trade_log, btse_fill_log and btse_notification_log.
 */
extern const OgColumn *og_btse_stream_columns(OgStreamKind kind);

/*
 * The same record out of what a read has answered: a trade out of operation
 * "trades", a fill out of "trade_history", values in the order of that
 * operation's columns.  It has its own price and size; whether a fill was the
 * maker's is not told there.  "values" has room for OG_MAX_COLUMNS.  NULL if it is
 * one, else static words that complete "the record ...".
 */
extern const char *og_btse_stream_of_read(OgStreamKind kind,
										  const OgSlice *read,
										  OgSlice *values);

/*
 * What tells trades of one market, or fills of one account, apart.  Fills may be
 * told with a serial id or without one, first the one and then the other: so
 * there are names that a record is known by.  It is one that was seen if any of
 * .known_as was remembered of another; .remember is what is to be remembered of
 * it.  Both have NULL behind their last one.  .id, the first of .remember, is its
 * name for people.
 */
#define OG_STREAM_NAMES		2

typedef struct OgStreamIdentity
{
	const char *id;
	const char *known_as[OG_STREAM_NAMES + 1];
	const char *remember[OG_STREAM_NAMES + 1];
} OgStreamIdentity;

extern void og_btse_stream_identify(OgStreamKind kind, const OgSlice *values,
									OgStreamIdentity *identity);

/* ---------- what is said of acts ---------- */

typedef enum OgStreamAct
{
	OG_STREAM_CREATE,
	OG_STREAM_CANCEL,
	OG_STREAM_AMEND
} OgStreamAct;

/*
 * What all that was told of an order since an act on it was sent says of the act.
 * All zero, that is with .count 0, to begin with.  What is weak may be trusted only
 * where nothing was missed since then.
 */
typedef struct OgStreamTold
{
	int			count;			/* of those that say anything */
	OgVerdict	verdict;		/* if count > 0; OG_UNKNOWN: they contradict each
								 * other */
	bool		is_weak;		/* it holds only if nothing else is told */
} OgStreamTold;

/*
 * Add a notification of this status, or a fill.  That it is about the order, and
 * not from before the act, is for the caller to know: by the order's id, or by a
 * client order id of our own making.
 */
extern void og_btse_stream_notified(OgStreamTold *told, OgStreamAct act,
									int64 status);
extern void og_btse_stream_filled(OgStreamTold *told, OgStreamAct act);

/* What follows: OG_UNKNOWN if nothing does. */
extern OgVerdict og_btse_stream_verdict(const OgStreamTold *told);

/* Where an order of this status stands; OG_ORDER_UNKNOWN if that is not said. */
extern OgOrderState og_btse_stream_state(int64 status);

#endif							/* OG_BTSE_STREAM_H */
