/*-------------------------------------------------------------------------
 *
 * gateway.h
 *		The one pipeline: split, build, wait for a turn, sign, send, read,
 *		collect.
 *
 * A call takes a list of ids and an operation, and answers one row per id in
 * the order in which they were given.  Its ids go out in batches, several at
 * once; rows are pulled, and the pipeline never runs further ahead of the row
 * that is next than OG_RUN_AHEAD times the number of requests in flight.
 *
 * Nothing here sleeps: whoever makes a call advances it, and then waits until
 * it can be advanced again.  A process may make any number of calls, and waits
 * for all of them at once.  Nothing here knows who that is, whether there is a
 * transaction, or who reads what is said: a witness is told what is about to
 * leave, what left, what came back and what people should hear.
 *
 * Errors are raised only by og_call_open(), before anything was sent.  What
 * the server raises at an interrupt passes through whatever is called.
 *
 * Words: a key is one of the different ids of a call; a batch holds the keys
 * of one request; an errand is a request until it is answered or given up,
 * with all its attempts; an exchange is one attempt.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OG_GATEWAY_H
#define OG_GATEWAY_H

#include "datatype/timestamp.h"
#include "lib/stringinfo.h"

#include "account/account.h"
#include "gateway/gateway_collect.h"
#include "provider/provider.h"

/* Batches that may run ahead of the next row, in requests in flight. */
#define OG_RUN_AHEAD	4

/*
 * The ids of a call, packed: all texts in one buffer.  A repeated id is one
 * key that stands at several positions.
 */
typedef struct OgKeys
{
	MemoryContext context;		/* of all this */
	char	   *text;
	size_t		text_len;
	size_t		text_size;
	uint32	   *ends;			/* where the text of key i ends */
	int			nkeys;
	size_t		keys_size;
	int			npositions;		/* ids given, repeated ones included */
	int		   *key_of;			/* position to key; NULL while all differ */
	size_t		key_of_size;
	struct keyhash_hash *index; /* while keys are being added */

	/*
	 * Per key, arguments of its own, which then stand in the place of the
	 * call's; NULL where all keys have the same.  Such keys go alone, one in
	 * each request.
	 */
	const OgFields *arguments;
} OgKeys;

/* Gather ids, in a context of their own below the current one. */
extern OgKeys *og_keys_create(void);

/* False if the id is there already. */
extern bool og_keys_add(OgKeys *keys, OgSlice id);

/* No more ids follow: give back what is not needed any more. */
extern void og_keys_finish(OgKeys *keys);
extern OgSlice og_keys_get(const OgKeys *keys, int key);

static inline int
og_keys_at(const OgKeys *keys, int position)
{
	return keys->key_of ? keys->key_of[position] : position;
}

/* Where the batch that begins with a key ends: the first key that is not in it. */
extern int	og_keys_batch_end(const OgKeys *keys, const OgAccount *account,
							  const OgOperation *operation, int first);

/*
 * That batch, its texts in the current context; "arguments" are the call's.
 * Answers these texts, whose order may be changed.
 */
extern OgSlice *og_keys_batch(OgBatch *batch, const OgKeys *keys, int first,
							  int end, const OgFields *arguments);

typedef struct OgCall OgCall;
typedef struct OgRow OgRow;

/* ---------- who makes a call, and who is told of it ---------- */

struct OgRow;

/* What people should hear. */
typedef enum OgNewsKind
{
	OG_NEWS_PACE,				/* the call will wait for .number seconds; .text
								 * tells until when the lane is held, or NULL */
	OG_NEWS_OTHERS_FIRST,		/* it has waited for others for so long, and
								 * nobody knows for how much longer */
	OG_NEWS_FOREIGN,			/* so many orders were answered about that were
								 * not asked for ... */
	OG_NEWS_STRAY,				/* ... or other records */
	OG_NEWS_DOUBT				/* there may be more than was told, because ... */
} OgNewsKind;

typedef struct OgNews
{
	OgNewsKind	kind;
	const OgAccount *account;
	const char *function;
	bool		is_act;
	int64		number;
	const char *text;
} OgNews;

/*
 * Who is told what a call does.  Any of the functions may be NULL.  Keys are
 * numbers of the call's; what is not about keys has none.  None of them may do
 * anything to the call, and the memory context that is current means nothing.
 */
typedef struct OgWitness
{
	/*
	 * A request with these keys has its turn, and would leave now: may it?  If
	 * not, it is asked again whenever the call is advanced, until it may (or
	 * call_timeout is over): so who holds a request advances its call as soon
	 * as he would let it go, since nothing else need ever happen to it.
	 *
	 * A request that is held keeps its place among those in flight of its call,
	 * and loses its turn after a second, so that no other call waits for it
	 * longer.  When it may leave then, it waits for another turn, and the
	 * witness is asked once more.  To be held costs nothing of max_wait.
	 */
	bool		(*may_leave) (void *owner, const int *keys, int nkeys);

	/* Its first byte leaves.  Inside libcurl: no errors, no palloc. */
	void		(*left) (void *owner, const int *keys, int nkeys);

	/* What is known now of a key that was asked for. */
	void		(*answered) (void *owner, int key, const OgOutcome *outcome);

	/*
	 * All is said about a key, once for each key of a call and before its rows
	 * are pulled, however it ended: answered, stopped, cancelled, or out of
	 * time.  Only a call that is closed, or whose context goes, says nothing of
	 * the keys that are left.  The row is that of all its positions, so
	 * .position means nothing; several orders of the key are chained by
	 * .outcome->next.  All of it is valid during this call only.
	 *
	 * An error that is raised here passes through whatever has advanced,
	 * stopped or cancelled the call, which can then only be thrown away.
	 */
	void		(*closed) (void *owner, int key, const OgRow *row);

	void		(*hear) (void *owner, const OgNews *news);
} OgWitness;

typedef struct OgCaller
{
	const char *function;		/* its name for people, a constant */
	Oid			role;			/* who calls ... */
	Oid			session_role;	/* ... in whose session */
	const OgWitness *witness;
	void	   *owner;			/* given to the witness */
	bool		in_rounds;		/* what was not processed is asked for again by
								 * another call: calls, and what becomes of ids,
								 * are counted by the caller */
	bool		urgent;			/* it waits for its turn before all others */
	int64		deadline;		/* og_clock_now(): call_timeout runs out then,
								 * since this is only a part of the call; 0 =
								 * it begins now */
	int			pid;			/* the process of that session; 0 = this one */
} OgCaller;

/* What a call waits for, and until when at the latest (og_clock_now()). */
typedef struct OgPause
{
	int64		until;			/* 0 = no such time */
	OgWait		what;
} OgPause;

/*
 * Wait until one of the calls, reads and checks of this process may have
 * something to do, among those that said so when they were advanced since the
 * last wait.  A row that is there may be left alone meanwhile.  With several,
 * it is the earliest of their pauses that counts.
 */
extern void og_gateway_wait(const OgPause *pause);

/* The earlier of two pauses. */
extern void og_pause_merge(OgPause *pause, const OgPause *other);

/* The same with one that nobody is told of; 0 = it does not end. */
static inline void
og_pause_until(OgPause *pause, int64 until)
{
	og_pause_merge(pause, &(OgPause) {until, OG_WAIT_NONE});
}

/* ---------- calls ---------- */

/* The setting order_gateway.log_requests: one LOG line per request. */
extern bool og_log_requests;

/*
 * One row of the answer; valid until the next is asked for.
 *
 * .unprocessed says that the provider has provably done nothing about any order
 * of this key, so that the same may be asked once more by another call: it was
 * never sent (no turn, no connection, no TLS, not built), or all that it was
 * answered is "too frequent" or 429, or that the nonce of its whole request
 * came too late.  It speaks of what was sent last: a key that was in flight
 * when its call was cancelled is unprocessed only if no byte of that attempt
 * had left.  It does not say that another attempt is any use.
 */
struct OgRow
{
	int			position;		/* in the list of ids, from 0 */
	const OgOutcome *outcome;
	int			batch;			/* from 1 */
	int			attempts;
	int			http_status;	/* 0 = none came */
	TimestampTz sent_at;		/* 0 = never sent */
	TimestampTz answered_at;	/* 0 = no answer */
	bool		unprocessed;	/* provably; see above */
};

/*
 * A copy of an outcome, and of those behind it, in the current context, but for
 * .part; and what is freed of it, which is all but the first outcome itself.
 */
extern void og_outcome_copy(OgOutcome *to, const OgOutcome *from);
extern void og_outcome_free(OgOutcome *outcome);

/*
 * Begin a call of at least one key.  It lives in a context below the current
 * one, which must hold the account, arguments and keys as well, and whose end
 * ends the call: turns that were not used are given back then, and what is in
 * flight is given up.  Errors: those of opening libcurl or a lane.
 */
extern OgCall *og_call_open(const OgAccount *account,
							const OgOperation *operation,
							const OgFields *arguments, const OgKeys *keys,
							const OgCaller *caller);

/*
 * Do all that can be done now.  True if og_call_next() can be called: the next
 * row is there, or there is none any more.  Else *pause tells until when there
 * is nothing to do.
 */
extern bool og_call_advance(OgCall *call, OgPause *pause);

/* The next row, or false after the last. */
extern bool og_call_next(OgCall *call, OgRow *row);

/*
 * Nothing more is sent, not even what was on its way to a connection: keys that
 * were never sent are "not sent" for that reason, a text that has to outlive
 * the call, and others keep what they were answered last.  What has left is
 * waited for, as always, and not sent again; so the call is advanced, and its
 * rows are taken, until there is none any more.  May be said at any time
 * between two steps of a call, and again.
 */
extern void og_call_stop(OgCall *call, const char *why);

/*
 * Give up: nothing more is sent, and what is in flight is not waited for.  The
 * rows that say so are there at once.  The text outlives the call.
 */
extern void og_call_cancel(OgCall *call, const char *why);

/* End a call; what it was answered about orders nobody asked for is heard. */
extern void og_call_close(OgCall *call);

/* How far a call has come, in keys. */
typedef struct OgProgress
{
	int			total;
	int			answered;
	int			done;			/* of those, with the verdict that was wanted ... */
	OgVerdict	wanted;			/* ... which is this one */
	int			in_flight;
} OgProgress;

/*
 * The keys in flight are appended where they are to be made: if their rows are
 * lost, nobody else knows them.
 */
extern void og_call_progress(const OgCall *call, OgProgress *progress,
							 StringInfo in_flight);

/* A request as a call would send it; valid during the callback. */
typedef struct OgPreview
{
	int			batch;
	int			nkeys;
	const OgRequest *request;
	const char *base_url;
} OgPreview;

/*
 * Build and sign every request of a call and hand it to "show", sending none.
 * Errors: 58000 when a request cannot be built or signed.
 */
extern void og_call_preview(const OgAccount *account,
							const OgOperation *operation,
							const OgFields *arguments, const OgKeys *keys,
							TimestampTz at,
							void (*show) (const OgPreview *preview, void *arg),
							void *arg);

#endif							/* OG_GATEWAY_H */
