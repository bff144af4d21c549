/*-------------------------------------------------------------------------
 *
 * gateway_walk.h
 *		What the files of a read share with each other.
 *
 * gateway_walk.c		a read's requests, one after the other
 * gateway_span.c		... over a span of time
 * gateway_page.c		... from page to page
 * gateway_record.c		which records are handed on, and when
 * gateway_failure.c	why a read failed
 *
 *-------------------------------------------------------------------------
 */
#ifndef OG_GATEWAY_WALK_H
#define OG_GATEWAY_WALK_H

#include "gateway/gateway_internal.h"
#include "gateway/gateway_read.h"

/*
 * gateway_record.c
 *
 * What the arguments of a read promise of each record.
 */
typedef struct Asked Asked;

extern Asked *og_asked_begin(const OgOperation *operation,
							 const OgFields *arguments);
extern bool og_asked_for(const Asked *asked, const OgSlice *values);

/*
 * Records kept back with their times (NULL = none), in the context that is
 * current at the beginning: all, or the newest "most" at least.  Released are
 * the newest, no more than that, and nothing is kept then; answers how many
 * that were.  -1 = any number.
 */
typedef struct Held Held;

extern Held *og_held_begin(const OgColumn *columns);
extern void og_held_add(Held *held, const int64 *ms, const OgRecord *record,
						int64 most);
extern int64 og_held_count(const Held *held);
extern int64 og_held_release(Held *held, int64 most, const OgRead *read);

/*
 * How long answers have been that did not name a count, and that did: no
 * provider gives fewer records than it has given before, unless there are no
 * more of them.
 */
typedef struct OgLengths
{
	int64		plain;
	int64		counted;
} OgLengths;

/*
 * Whether the answers were all there is.  A flaw is why they cannot be, a doubt
 * why they may not be, each in words; else NULL.
 */
typedef struct Wholeness
{
	const char *flaw;			/* completes "it ..." */
	const char *hint;			/* what to do then */
	const char *doubt;			/* sentences */
} Wholeness;

/*
 * gateway_span.c
 *
 * The requests of a read over a span of time, which is walked in windows of
 * this length.  "wanted" are so many records at most, the newest, -1 = all;
 * "kept" is how many of this window are there already.  The next request is
 * NULL after the last.  "ms" is the time of a record, NULL if it has none.
 */
typedef struct SpanRequest
{
	int64		from_ms;
	int64		to_ms;
	int64		count;			/* records at most, -1 = not said */
	bool		entering;		/* it is the first one of a window */
} SpanRequest;

typedef struct Span Span;

extern Span *og_span_begin(const OgOperation *operation, OgLengths *lengths,
						   Wholeness *wholeness, int64 from_ms, int64 to_ms,
						   int64 window_ms);
extern const SpanRequest *og_span_next(Span *span, int64 wanted, int64 kept);

/* Is a record to be handed on? */
extern bool og_span_admits(Span *span, const int64 *ms, OgSlice key);

/*
 * gateway_page.c
 *
 * The requests of a read from page to page: the number of the next page, 0
 * after the last.  "given" and "foreign" are the records so far that were
 * handed on, and that were not asked for.  A page of known bytes tells nothing
 * new; one that departs from the pass before sets them back.
 */
typedef struct Pages Pages;

extern Pages *og_pages_begin(const OgRead *read, Wholeness *wholeness);
extern int	og_pages_next(Pages *pages, int64 given, int64 foreign);
extern bool og_pages_know(Pages *pages, OgSlice body, int64 *given,
						  int64 *foreign);

/* Is a record new in this pass? */
extern bool og_pages_admit(Pages *pages, OgSlice key);

/*
 * gateway_walk.c
 *
 * The requests of a read.  og_walk_next() prepares the next one, and answers
 * false after the last.  Records of an answer are given to the walk, which
 * hands those on that were asked for and are new, at once or when they have
 * their turn.
 */
typedef struct Walk
{
	const OgRead *read;
	OgFields	arguments;		/* of the next request */
	Asked	   *asked;
	int			time;			/* column, or -1 */
	int64		to_ms;			/* no record is later, -1 = whenever */
	int64		wanted;			/* records at most, -1 = all */
	Held	   *held;			/* records that wait for their turn, or NULL */
	StringInfoData key;			/* of the record at hand */
	bool		begun;
	int64		foreign;		/* records that were not asked for ... */
	int64		given;			/* ... and those that were, and are new */
	Wholeness	wholeness;
	Span	   *span;			/* NULL: no span of time */
	Pages	   *pages;			/* NULL: no pages */
} Walk;

extern Walk *og_walk_begin(const OgRead *read, OgLengths *lengths);
extern bool og_walk_next(Walk *walk);

/* Were all records of an answer with these bytes told already? */
extern bool og_walk_knows(Walk *walk, OgSlice body);
extern void og_walk_take(Walk *walk, const OgRecord *record);

/*
 * gateway_failure.c
 *
 * Each tells of one way in which a read fails; texts are palloc'd or static.
 * What an attempt came to is noted there, too.
 */
extern void og_failure_answered(OgFailure *failure, Attempt *attempt,
								const OgRecords *records, const char *flaw,
								const OgResponse *response);
extern void og_failure_unanswered(OgFailure *failure, Attempt *attempt,
								  const OgResponse *response,
								  bool timed_out);
extern void og_failure_unsent(OgFailure *failure, const char *why,
							  bool timed_out);
extern void og_failure_unmade(OgFailure *failure);
extern void og_failure_missed(OgFailure *failure, int64 count,
							  const OgResponse *response);
extern void og_failure_incomplete(OgFailure *failure,
								  const Wholeness *wholeness);

#endif							/* OG_GATEWAY_WALK_H */
