/*-------------------------------------------------------------------------
 *
 * gateway_walk.h
 *		What the files of a read share with each other.
 *
 * gateway_walk.c	a read's requests, one after the other
 * gateway_span.c	... over a span of time
 * gateway_page.c	... from page to page
 * gateway_asked.c	is a record what was asked for?
 * gateway_held.c	records kept back, to be told newest first
 *
 *-------------------------------------------------------------------------
 */
#ifndef OG_GATEWAY_WALK_H
#define OG_GATEWAY_WALK_H

#include "gateway/gateway_read.h"

/*
 * gateway_asked.c
 *
 * What the arguments of a read promise of each record.
 */
typedef struct Asked Asked;

extern Asked *og_asked_begin(const OgOperation *operation,
							 const OgFields *arguments);
extern bool og_asked_for(const Asked *asked, const OgSlice *values);

/*
 * gateway_held.c
 *
 * Records with their times (NULL = none), kept in the context that is current
 * at the beginning.  Released are the newest, at most so many (-1 = all), and
 * nothing is kept then; answers how many that were.
 */
typedef struct Held Held;

extern Held *og_held_begin(const OgColumn *columns);
extern void og_held_add(Held *held, const int64 *ms, const OgRecord *record);
extern int64 og_held_count(const Held *held);
extern void og_held_prune(Held *held, int64 most);
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
 * gateway_walk.c
 *
 * The requests of a read.  og_walk_next() prepares the next one, and answers
 * false after the last.  Records of an answer are given to the walk, which
 * hands those on that were asked for and are new, at once or when they have
 * their turn.
 *
 * The flaw is why the provider's answers cannot be all, with a hint what to do;
 * the doubt why they may not be; both may be NULL.
 */
typedef struct Walk Walk;

extern Walk *og_walk_begin(const OgRead *read, OgLengths *lengths);
extern bool og_walk_next(Walk *walk);
extern const OgFields *og_walk_arguments(const Walk *walk);

/* Were all records of an answer with these bytes told already? */
extern bool og_walk_knows(Walk *walk, OgSlice body);
extern void og_walk_take(Walk *walk, const OgRecord *record);
extern const char *og_walk_flaw(const Walk *walk, const char **hint);
extern const char *og_walk_doubt(const Walk *walk);

/* So many records were not asked for; the others were, be they new or not. */
extern int64 og_walk_foreign(const Walk *walk);

/* Has the last answer nothing but such, where one thing was asked for? */
extern bool og_walk_missed(const Walk *walk);

/* It is asked for once more. */
extern void og_walk_again(Walk *walk);

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
} SpanRequest;

typedef struct Span Span;

extern Span *og_span_begin(const OgOperation *operation, OgLengths *lengths,
						   int64 from_ms, int64 to_ms, int64 window_ms);
extern const SpanRequest *og_span_next(Span *span, int64 wanted, int64 kept);

/* Is the request that was prepared last the first one of a window? */
extern bool og_span_enters(const Span *span);

/* Is a record to be handed on? */
extern bool og_span_admits(Span *span, const int64 *ms, OgSlice key);
extern const char *og_span_flaw(const Span *span);
extern const char *og_span_doubt(const Span *span);

/*
 * gateway_page.c
 *
 * The requests of a read from page to page: the number of the next page, 0
 * after the last.  "given" and "foreign" are the records so far that were
 * handed on, and that were not asked for.  A page of known bytes tells nothing
 * new; one that departs from the pass before sets them back.
 */
typedef struct Pages Pages;

extern Pages *og_pages_begin(const OgRead *read);
extern int	og_pages_next(Pages *pages, int64 given, int64 foreign);
extern bool og_pages_know(Pages *pages, OgSlice body, int64 *given,
						  int64 *foreign);

/* Is a record new in this pass? */
extern bool og_pages_admit(Pages *pages, OgSlice key);
extern const char *og_pages_flaw(const Pages *pages);
extern const char *og_pages_doubt(const Pages *pages);

#endif							/* OG_GATEWAY_WALK_H */
