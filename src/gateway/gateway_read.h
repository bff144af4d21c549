/*-------------------------------------------------------------------------
 *
 * gateway_read.h
 *		Reads: what a provider tells, as records.
 *
 * A read asks one request after the other, as many as it takes: batches of
 * ids, stretches of time, or pages.  Nothing can be lost by asking again, so a
 * request that failed is repeated, also after bytes left; what fails in the
 * end is told as such, and is an error only to who makes it one.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OG_GATEWAY_READ_H
#define OG_GATEWAY_READ_H

#include "account/account.h"
#include "gateway/gateway.h"
#include "provider/provider.h"

/* One record of an answer; valid during the callback. */
typedef struct OgRecord
{
	const OgSlice *values;		/* one per column of the operation */
	OgSlice		raw;			/* the bytes of its element */
	int			key;			/* number of the id that it is about, among those
								 * that were asked for; -1 = none were */
} OgRecord;

typedef struct OgRead
{
	const OgOperation *operation;
	const OgFields *arguments;
	const OgKeys *keys;			/* ids to ask for, at least one; or NULL */
	void		(*take) (void *owner, const OgRecord *record);

	/* Pages changed: all that was taken but the first so many is told anew. */
	void		(*forget) (void *owner, int64 kept);

	/*
	 * Asked after each answer, or NULL: what was taken is enough.  Then nothing
	 * more is asked about these keys, nor whether it was all there is.
	 */
	bool		(*enough) (void *owner);
	void	   *owner;
	bool		unknown_is_none;	/* what the server does not know, or answers
									 * about something else, is no record
									 * instead of an error (02000, 38000) */
} OgRead;

/*
 * Why a read failed; texts live as long as the reader.  .asked is "GET /path",
 * or NULL where no request was made.
 *
 * The SQLSTATE is 08001 the server was not reached, 08006 it gave no whole
 * answer or failed, 28000 it refuses key or signature, 22023 it refuses the
 * arguments, 02000 it knows nothing of that name, 53400 it is asked too
 * frequently (or the pace leaves no turn within max_wait), 57014 call_timeout,
 * 38000 an answer that makes no sense, or answers that cannot be all, 58000 a
 * request that could not be made.  Where there is no time or no turn for another
 * attempt, it is that of the last one.
 */
typedef struct OgFailure
{
	int			sqlstate;
	const char *what;			/* completes "server ..." */
	const char *status;			/* "HTTP 400 Bad Request", or NULL */
	const char *hint;
	const char *asked;
	int			attempts;
	const OgAccount *account;	/* whose server it was ... */
	const char *function;		/* ... and who called */
} OgFailure;

/*
 * Several reads of one call, about so many ids: call_timeout and max_wait bound
 * them together, and they are seen as one.  All must be of one kind and count
 * on one limit.  A reader lives in the context that is current when it is
 * opened.  Errors: those of opening libcurl or a lane.
 */
typedef struct OgReader OgReader;

extern OgReader *og_reader_open(const OgAccount *account,
								const OgOperation *operation,
								const OgCaller *caller, int64 ids);

/*
 * Begin a read, which hands each record that was asked for to take(), once; at
 * the end people hear how many came that were not.  They come in the order of
 * the answers, or newest first where the operation says so or only so many are
 * asked for.  *read has to stay until the read is over.
 */
extern void og_reader_ask(OgReader *reader, const OgRead *read);

/*
 * Do all that can be done now.  True if the read is over, and then another one
 * may begin unless it has failed; else *pause tells until when there is nothing
 * to do.
 */
extern bool og_reader_advance(OgReader *reader, OgPause *pause);

/* Why the last read failed, or NULL. */
extern const OgFailure *og_reader_failure(OgReader *reader);
extern void og_reader_close(OgReader *reader);

/*
 * When the last answer was written, by the provider's own clock (its Date), in
 * ms of Unix time; 0 if it does not tell.
 */
extern int64 og_reader_date_ms(const OgReader *reader);

#endif							/* OG_GATEWAY_READ_H */
