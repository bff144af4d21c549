/*-------------------------------------------------------------------------
 *
 * worker_told.h
 *		What a session is told of a call that it has handed over.
 *
 * Rows are pulled from the pipeline and kept as bytes until what they say is
 * committed, and the session takes them; while it does not, no more are pulled,
 * and by and by nothing more is sent.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OG_WORKER_TOLD_H
#define OG_WORKER_TOLD_H

#include "worker/worker_call.h"
#include "worker/worker_desk.h"

typedef struct Served
{
	OgPlace    *place;			/* NULL = the session has gone */
	int			part;			/* number of this part in its call */
	const OgPart *handed;
	bool		opened;			/* the pipeline makes it, and counts it */
	bool		written;		/* the call stands in the journal ... */
	bool		named;			/* ... and the session knows as which */
	bool		pulled;			/* all rows of the pipeline were */
	bool		ended;			/* the end of the part is among the rows ... */
	bool		told;			/* ... and all of them are on their way */
	StringInfoData soon;		/* messages that need not wait */
	StringInfoData rows;		/* rows, and the end of the part ... */
	int			nsafe;			/* ... of which so many bytes may be told */
	int			next;			/* position of the next row */
} Served;

/* A part that is being made gets its memory; who makes it sets the rest. */
extern Served *og_told_create(OgPlace *place, int number,
							  const OgPart *part);

/* It is not made, and nothing of it was sent. */
extern void og_told_refuse(Making *making, const OgDeskRefusal *refusal);

/*
 * A request with these keys of the call is about to leave.  May it?  Only when the
 * session has been told, whatever becomes of it then.
 */
extern bool og_told_leaves(Making *making, const int *keys, int nkeys);

/* One of these keys has not left, or was provably not processed. */
extern void og_told_back(Making *making, int key);

/* News; false if nobody hears them. */
extern bool og_told_news(Making *making, const OgNews *news);

/* A row that was pulled; are there enough of them for now? */
extern void og_told_row(Making *making, const OgRow *row);
extern bool og_told_is_full(const Making *making);

/* None of its orders was sent, for one reason; that is a row for each. */
extern void og_told_unsent(Making *making, const char *why);

/* Something of it was written, and so was the call. */
extern void og_told_written(Making *making);

/* Tell what may be told, as far as there is room. */
extern void og_told_tell(Making *making);

/* Is there more to tell of a call that has ended? */
extern bool og_told_is_busy(const Making *making);

#endif							/* OG_WORKER_TOLD_H */
