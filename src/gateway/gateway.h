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
 * Errors are raised only by og_call_open(), before anything was sent.  What
 * the server raises at an interrupt passes through og_call_next(); the trace
 * (gateway_trace.c) then says in the context and in the log what was sent.
 *
 * Words: a key is one of the different ids of a call; a batch holds the keys
 * of one request; an exchange is one attempt at such a request.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OG_GATEWAY_H
#define OG_GATEWAY_H

#include "datatype/timestamp.h"

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
	int			keys_size;
	int			npositions;		/* ids given, repeated ones included */
	int		   *key_of;			/* position to key; NULL while all differ */
	int			key_of_size;
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

/*
 * A context for all that a function of ours needs, and nothing else.  The
 * caller deletes it at its end; it goes by itself when the (sub)transaction is
 * rolled back.  It is not the executor's child, whose memory lives as long as a
 * cursor: credentials and connections must not.
 */
extern MemoryContext og_context_create(void);

/* The arguments of the batch that begins with a key. */
static inline const OgFields *
og_keys_arguments(const OgKeys *keys, int key, const OgFields *of_call)
{
	return keys->arguments ? &keys->arguments[key] : of_call;
}

typedef struct OgCall OgCall;

/* The setting order_gateway.log_requests: one LOG line per request. */
extern bool og_log_requests;

/* One row of the answer; valid until the next is asked for. */
typedef struct OgRow
{
	int			position;		/* in the list of ids, from 0 */
	const OgOutcome *outcome;
	int			batch;			/* from 1 */
	int			attempts;
	int			http_status;	/* 0 = none came */
	TimestampTz sent_at;		/* 0 = never sent */
	TimestampTz answered_at;	/* 0 = no answer */
} OgRow;

/*
 * Begin a call of at least one key.  "function" is its name for people, a
 * constant.  The current context must be one of og_context_create(), and hold
 * the account, arguments and keys as well.  Errors: those of opening libcurl
 * or a lane.
 */
extern OgCall *og_call_open(const OgAccount *account,
							const OgOperation *operation,
							const OgFields *arguments, const OgKeys *keys,
							const char *function);

/* The next row, or false after the last. */
extern bool og_call_next(OgCall *call, OgRow *row);

/* End a call; raises its one WARNING about orders nobody asked for. */
extern void og_call_close(OgCall *call);

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
