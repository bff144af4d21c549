/*-------------------------------------------------------------------------
 *
 * gateway_span.c
 *		The requests of a read over a span of time, so that it answers all.
 *
 * A span is walked from its newest window to its oldest, each as long as a
 * provider answers at once.  How many records that is at most, and whether it
 * is the newest or the oldest of them, is not always documented.  So, after an
 * answer, what is as old as the oldest of its records or older is asked for,
 * until nothing new comes; and where the oldest record came first, also what is
 * as new as the newest or newer.
 *
 * The records of that moment, the boundary, must come again then.  Where they
 * do not, the provider does not count the ends of a stretch as part of it, or
 * counts in seconds: then a longer stretch is asked for.  Where nothing else
 * comes, though the answer is as long as any, there may be more records of that
 * moment than an answer holds: then a longer answer is asked for.
 *
 * A record that two answers have is known by its key, and keys are remembered
 * from one answer to the next.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/memutils.h"

#include "gateway_internal.h"

/* Some providers count in seconds; nothing further off is of this stretch. */
#define COARSEST_MS	INT64CONST(1000)

/* No provider limits its answers to fewer, where more are asked for. */
#define SMALLEST_LIMIT	5

/* So many records of one moment are rarely all. */
#define DOUBTFUL_COUNT	50

typedef enum Question
{
	WHOLE_WINDOW,
	FROM_BOUNDARY,				/* included */
	PAST_BOUNDARY				/* not included */
} Question;

/* What is known of the answer to the last request. */
typedef struct SpanAnswer
{
	int64		count;			/* of all its records ... */
	int64		timed;			/* ... with a time within the window ... */
	int64		fresh;			/* ... for the first time */
	int64		again;			/* those of the boundary, once more */
	int64		past;			/* those past it */
	int64		untimed;
	int64		foreign;		/* those that lie outside of the window */
	bool		astray;			/* one is of a time that was not asked for */
	int64		first_ms;		/* of those within the window */
	int64		last_ms;
	int64		oldest_ms;
	int64		newest_ms;
} SpanAnswer;

struct Span
{
	MemoryContext context;
	const OgWalk *plan;
	bool		begun;
	bool		takes_count;
	int64		first;			/* all that is asked for, in ms ... */
	int64		window;			/* ... in windows of this length ... */
	int64		low;			/* ... of which this is walked now */
	int64		high;
	int64		wanted;			/* records at most, -1 = all */
	int64		longer;			/* ask for answers of so many, 0 = any */
	int64		longest;		/* answer so far */
	int64		reach;			/* so much of what is known is asked for again */
	bool		lost_boundary;	/* it did not come again, however far */
	bool		upward;			/* on from the newest, not the oldest */
	bool		went_up;
	Question	question;
	int64		boundary;
	int64		distance_ms;	/* from it, of what lies past it */
	int64		first_oldest;	/* of the answer about the whole window */
	int64		oldest;			/* in this window, so far */
	int64		newest;
	OgKeys	   *seen;			/* keys of this answer and the one before */
	OgKeys	   *page;			/* those of this one */
	OgKeys	   *seam;			/* those where the window before ended ... */
	OgKeys	   *next_seam;		/* ... and where this one does */
	SpanAnswer	answer;
	SpanRequest request;
	const char *doubt;
	const char *flaw;
};

static OgKeys *
new_keys(Span *span)
{
	MemoryContext old = MemoryContextSwitchTo(span->context);
	OgKeys	   *keys = og_keys_create();

	MemoryContextSwitchTo(old);
	return keys;
}

/* Put keys into the place of others. */
static void
replace_keys(OgKeys **keys, OgKeys *others)
{
	if (*keys != NULL)
		MemoryContextDelete((*keys)->context);
	*keys = others;
}

/* ---------- questions ---------- */

/* Walk the window that ends here. */
static void
set_window(Span *span, int64 high)
{
	span->high = high;
	span->low = Max(span->first, high - span->window);
	span->question = WHOLE_WINDOW;
	span->upward = span->went_up = false;
	span->longer = span->longest = 0;
	span->oldest = PG_INT64_MAX;
	span->newest = PG_INT64_MIN;
	replace_keys(&span->seen, new_keys(span));
	replace_keys(&span->page, new_keys(span));
	replace_keys(&span->seam, span->next_seam);
	span->next_seam = new_keys(span);
}

/*
 * The window before.  They meet in a moment, which a provider may count to none
 * of them if each were to end before the other begins.
 */
static bool
next_window(Span *span)
{
	if (span->low <= span->first)
		return false;
	set_window(span, span->plan->whole ? span->low - 1 : span->low);
	return true;
}

static bool
ask_from_boundary(Span *span, int64 ms)
{
	span->question = FROM_BOUNDARY;
	span->boundary = ms;
	return true;
}

/* Only what the last answer brought may come again. */
static void
forget_older(Span *span)
{
	replace_keys(&span->seen, span->page);
	span->page = new_keys(span);
}

/*
 * The boundary is where the last answer ended, before which nothing is left
 * out.  An answer that left something out may have told what lies past it.
 */
static bool
move_on(Span *span)
{
	int64		ms = span->upward ? span->answer.newest_ms
		: span->answer.oldest_ms;

	if (ms == (span->upward ? span->newest : span->oldest))
		forget_older(span);
	span->went_up = span->went_up || span->upward;
	return ask_from_boundary(span, ms);
}

/* Nothing else comes in this direction. */
static bool
turn(Span *span)
{
	if (!span->upward || span->went_up)
		return next_window(span);
	span->upward = false;
	return ask_from_boundary(span, span->first_oldest);
}

/*
 * The boundary did not come again: false if that cannot be helped.  Who makes
 * up records anew each time would be asked for ever.
 */
static bool
ask_wider(Span *span)
{
	if (span->reach < COARSEST_MS)
	{
		span->reach = span->reach == 0 ? 1 : COARSEST_MS;
		return true;
	}
	if (span->lost_boundary)
		span->flaw = "does not tell again what it had told before";
	span->lost_boundary = true;
	span->doubt = "What it had told before did not come again where the next request began.";
	return false;
}

/* Ask for what lies so far past the boundary.  False if nothing can. */
static bool
ask_past(Span *span, int64 distance_ms)
{
	if (span->question == PAST_BOUNDARY && span->distance_ms == distance_ms)
		return false;
	span->question = PAST_BOUNDARY;
	span->distance_ms = distance_ms;
	return span->upward ? span->boundary + distance_ms <= span->high
		: span->boundary - distance_ms >= span->low;
}

/* Ask for longer answers.  False if the provider has shown that it has none. */
static bool
ask_longer(Span *span)
{
	if (!span->takes_count || span->longest < span->longer)
		return false;
	span->longer = 2 * span->longest;
	return true;
}

/* Fewer came than were asked for, and no limit is so small. */
static bool
told_fewer(const Span *span)
{
	return span->answer.count < span->longer &&
		span->answer.count < SMALLEST_LIMIT;
}

/*
 * Whatever lies past the boundary shows that the boundary was told whole.  Else
 * an answer as long as any may have been cut there: a longer one will tell; and
 * where there is none, whether something lies past it.
 */
static bool
after_boundary(Span *span)
{
	const SpanAnswer *answer = &span->answer;

	if (answer->again == 0 && ask_wider(span))
		return true;
	if (span->flaw != NULL)
		return false;
	if (answer->past > 0)
		return move_on(span);
	if (answer->fresh > 0)
		return true;
	if (answer->again == 0 || answer->count < span->longest)
		return turn(span);
	if (ask_longer(span))
		return true;
	return (!told_fewer(span) && ask_past(span, 1)) || turn(span);
}

/*
 * Where the boundary comes again though it was left out, the provider counts in
 * seconds.  Nothing past it does not tell whether so many are all.
 */
static bool
after_probe(Span *span)
{
	const SpanAnswer *answer = &span->answer;

	if (answer->past > 0)
	{
		span->flaw = "does not tell all records of one moment";
		return false;
	}
	if (answer->again > 0 && ask_past(span, COARSEST_MS))
		return true;
	if (span->longest >= DOUBTFUL_COUNT)
		span->doubt = "More of one moment were asked for, and not told.";
	return turn(span);
}

/* All records of a full answer are of one moment, as if of a boundary. */
static bool
after_one_moment(Span *span)
{
	if (ask_longer(span))
		return true;
	if (told_fewer(span))
		return next_window(span);
	span->upward = true;
	forget_older(span);
	(void) ask_from_boundary(span, span->first_oldest);
	return ask_past(span, 1) || turn(span);
}

static bool
after_window(Span *span)
{
	const SpanAnswer *answer = &span->answer;

	if (span->plan->whole)
		return next_window(span);
	if (answer->timed == 0 && answer->untimed > 0)
		span->doubt = "Its records have no time, so that older ones could not be asked for.";
	else if (answer->timed == 0 && answer->foreign > 0)
		span->doubt = "Records of other times than those asked for were left out.";
	if (answer->timed == 0 ||
		(answer->fresh == 0 && answer->count < span->longest))
		return next_window(span);
	span->first_oldest = answer->oldest_ms;
	if (answer->oldest_ms == answer->newest_ms &&
		answer->count >= span->longest)
		return after_one_moment(span);
	span->upward = answer->last_ms > answer->first_ms;
	forget_older(span);
	return ask_from_boundary(span, span->upward ? answer->newest_ms
							 : answer->oldest_ms);
}

/* What to ask next, after an answer.  False if nothing is left. */
static bool
step(Span *span)
{
	if (span->wanted == 0)
		return false;
	span->longest = Max(span->longest, span->answer.count);
	if (span->answer.astray && span->answer.fresh == 0)
	{
		/* It may know ends of a stretch only. */
		if (span->upward && !span->went_up)
			return turn(span);
		span->flaw = "does not keep to the times that it was asked for";
		return false;
	}
	switch (span->question)
	{
		case WHOLE_WINDOW:
			return after_window(span);
		case FROM_BOUNDARY:
			return after_boundary(span);
		case PAST_BOUNDARY:
			return after_probe(span);
	}
	return false;
}

/* The stretch of time that a question is about. */
static void
set_request(Span *span)
{
	SpanRequest *request = &span->request;
	int64		reach = span->question == FROM_BOUNDARY ? span->reach
		: -span->distance_ms;

	request->from_ms = span->low;
	request->to_ms = span->high;
	if (span->question != WHOLE_WINDOW && span->upward)
		request->from_ms = Max(span->low, span->boundary - reach);
	else if (span->question != WHOLE_WINDOW)
		request->to_ms = Min(span->high, span->boundary + reach);
	request->count = span->longer > 0 ? span->longer : -1;
	if (span->wanted >= 0)
		request->count = Max(request->count,
							 span->wanted + span->seen->nkeys);
}

/* ---------- the span ---------- */

static bool
takes_argument(const OgOperation *operation, const char *argument)
{
	for (const OgParameter *parameter = operation->parameters;
		 parameter != NULL && parameter->argument != NULL; parameter++)
	{
		if (strcmp(parameter->argument, argument) == 0)
			return true;
	}
	return false;
}

Span *
og_span_begin(const OgOperation *operation, const SpanRequest *all,
			  int64 window_ms)
{
	Span	   *span = palloc0(sizeof(Span));

	span->context = CurrentMemoryContext;
	span->plan = operation->walk;
	span->takes_count = takes_argument(operation, "count");
	span->first = all->from_ms;
	span->window = window_ms;
	span->wanted = all->count;
	span->next_seam = new_keys(span);
	set_window(span, all->to_ms);
	return span;
}

const SpanRequest *
og_span_next(Span *span)
{
	if (span->begun && !step(span))
		return NULL;
	span->begun = true;
	set_request(span);
	memset(&span->answer, 0, sizeof(span->answer));
	return &span->request;
}

/* Take note of a record with a time within the window. */
static void
note_time(Span *span, int64 ms, OgSlice key, bool known)
{
	SpanAnswer *answer = &span->answer;

	if (answer->timed++ == 0)
		answer->first_ms = answer->oldest_ms = answer->newest_ms = ms;
	answer->last_ms = ms;
	answer->oldest_ms = Min(answer->oldest_ms, ms);
	answer->newest_ms = Max(answer->newest_ms, ms);
	answer->fresh += !known;
	if (span->question != WHOLE_WINDOW)
	{
		answer->again += known && ms == span->boundary;
		answer->past += span->upward ? ms > span->boundary
			: ms < span->boundary;
	}
	span->oldest = Min(span->oldest, ms);
	span->newest = Max(span->newest, ms);
	if (ms == span->low)
		(void) og_keys_add(span->next_seam, key);
}

bool
og_span_admits(Span *span, const int64 *ms, OgSlice key)
{
	SpanAnswer *answer = &span->answer;
	bool		known;

	answer->count++;
	if (ms != NULL)
	{
		if (span->upward ? *ms < span->request.from_ms - COARSEST_MS
			: *ms > span->request.to_ms + COARSEST_MS)
			answer->astray = true;
		answer->foreign += *ms < span->low - COARSEST_MS ||
			*ms > span->high + COARSEST_MS;
		if (*ms < span->low || *ms > span->high)
			return false;
	}
	known = !og_keys_add(span->seen, key);
	if (ms != NULL && *ms == span->high && !og_keys_add(span->seam, key))
		known = true;
	(void) og_keys_add(span->page, key);
	if (ms != NULL)
		note_time(span, *ms, key, known);
	else
		answer->untimed++;
	if (known || span->wanted == 0)
		return false;
	if (span->wanted > 0)
		span->wanted--;
	return true;
}

const char *
og_span_doubt(const Span *span)
{
	return span->doubt;
}

const char *
og_span_flaw(const Span *span)
{
	return span->flaw;
}
