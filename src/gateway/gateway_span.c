/*-------------------------------------------------------------------------
 *
 * gateway_span.c
 *		The requests of a read over a span of time, so that it answers all.
 *
 * A span is walked from its newest window to its oldest, each as long as a
 * provider answers at once.  How many records that is at most is not
 * documented, nor whether it is the newest or the oldest of them, in what order
 * they come, or whether the ends of a stretch belong to it.  What is relied on:
 *
 * - Records that are left out are older than all that came, or newer than all
 *   that came: an answer has no holes.
 * - An answer shorter than another one left nothing out.
 * - Times are whole seconds at the coarsest.  So what lies a second within a
 *   stretch belongs to it for sure, and windows are asked for with a second at
 *   both of their ends which is not theirs.
 *
 * What came of a window has two edges, its oldest and its newest record.  An
 * edge is open while something may lie beyond it; then what begins there is
 * asked for.  The records of the edge itself must come again in that answer,
 * else a stretch that reaches further back is asked for: it was then told what
 * lies next to the edge.  What came from beyond it moves the edge; an answer
 * without that closes it, if it is short enough to have left nothing out.
 *
 * Records that fill an answer by themselves, all of one moment, hide what lies
 * beyond it.  Then a longer answer is asked for; and where there is none, a
 * stretch that leaves out that moment: but whether the moment itself was told
 * in full cannot be known then.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/memutils.h"

#include "gateway/gateway_walk.h"

/* Some providers count in seconds. */
#define COARSEST_MS	INT64CONST(1000)

/*
 * That many records of one moment, as many as a provider tells at most, are
 * rarely all of them; up to the second number they are where nothing else came
 * and the provider has shown that it tells more when it is asked for more.
 */
#define CROWD			5
#define DOUBTFUL_CROWD	20
#define SURE_CROWD		50

/*
 * How far the stretch beyond an edge reaches back over it, from the furthest
 * to where it leaves out the edge.
 */
static const int64 reaches_ms[] = {
	COARSEST_MS, 1, 0, -1, -COARSEST_MS
};

#define FURTHEST	0
#define FIRST_REACH	2
#define NARROWEST	((int) lengthof(reaches_ms) - 1)

typedef enum Side
{
	OLDER,
	NEWER
} Side;

#define NSIDES	(NEWER + 1)

typedef struct Edge
{
	bool		open;
	int64		ms;				/* of its records */
} Edge;

/* What is known of the answer to the last request. */
typedef struct SpanAnswer
{
	int64		count;			/* of all its records ... */
	int64		timed;			/* ... of this window, and the seconds around it */
	int64		fresh;			/* ... for the first time */
	int64		again;			/* those of the edge, once more */
	int64		beyond;			/* those that lie beyond it */
	int64		foreign;		/* those of other times */
	bool		astray;			/* one is from behind what was asked for */
	int64		oldest_ms;		/* of the timed ones */
	int64		newest_ms;
} SpanAnswer;

struct Span
{
	bool		whole;			/* one request brings all of a window */
	OgLengths  *lengths;
	int64		first;			/* all that is asked for, in ms ... */
	int64		window;			/* ... in windows of this length ... */
	int64		low;			/* ... of which this is walked now */
	int64		high;
	Edge		edges[NSIDES];
	int			reach[NSIDES];	/* with which an edge came again */
	int64		told;			/* records of this window */
	bool		limited;		/* it is known that answers get no longer, however
								 * many records are asked for */
	bool		lost;			/* an edge did not come again, however far */

	/* the question */
	bool		begun;
	bool		entering;		/* it is about all of the window ... */
	bool		testing;		/* ... or so once more, to see how much is told,
								 * else ... */
	Side		side;			/* ... about what lies beyond this edge ... */
	int			level;			/* ... with this reach */
	bool		repeated;		/* with a longer one the edge came again */
	int64		longer;			/* ask for so many records, 0 = any number */
	int64		before_longer;	/* so many came without that */
	SpanRequest request;
	SpanAnswer	answer;

	bool		enough;			/* older records are not needed */
	OgKeys	   *seen;			/* keys of this window, since an edge was at ... */
	int64		seen_since;		/* ... and those before them, which may come again */
	OgKeys	   *seen_before;
	OgKeys	   *untimed;
	Wholeness  *wholeness;
};

/* ---------- questions ---------- */

/* Begin a set of keys anew; the one there was may be the one before it. */
static void
renew_seen(Span *span, int64 since, bool keep)
{
	OgKeys	   *forgotten = keep ? span->seen_before : span->seen;

	if (forgotten != NULL)
		MemoryContextDelete(forgotten->context);
	span->seen_before = keep ? span->seen : NULL;
	span->seen = og_keys_create();
	span->seen_since = since;
}

static bool
is_new(Span *span, OgSlice key)
{
	bool		fresh = og_keys_add(span->seen, key);

	return fresh && (span->seen_before == NULL ||
					 og_keys_add(span->seen_before, key));
}

/* Walk the window that ends here. */
static void
enter_window(Span *span, int64 high)
{
	span->high = high;
	span->low = Max(span->first, high - span->window);
	span->entering = true;
	span->longer = span->told = 0;
	if (span->seen_before != NULL)
		MemoryContextDelete(span->seen_before->context);
	renew_seen(span, 0, false);
}

static bool
next_window(Span *span)
{
	if (span->low <= span->first)
		return false;
	enter_window(span, span->low - 1);
	return true;
}

static void
ask_beyond(Span *span, Side side)
{
	span->entering = false;
	span->side = side;
	span->level = span->reach[side];
	span->repeated = false;
}

/*
 * Next: an edge that is open, the older one first; or the next window.  Where
 * there is enough, older records are not needed.
 */
static bool
go_on(Span *span)
{
	if (span->edges[OLDER].open && !span->enough)
		ask_beyond(span, OLDER);
	else if (span->edges[NEWER].open)
		ask_beyond(span, NEWER);
	else
		return !span->enough && next_window(span);
	return true;
}

/* May an answer of that length have left something out? */
static bool
may_be_cut(const Span *span)
{
	int64		count = span->answer.count;

	if (count == 0)
		return false;
	if (span->request.count < 0)
		return count >= span->lengths->plain;
	return count >= Min(span->request.count, span->lengths->counted);
}

/* Ask for longer answers.  False if the provider has shown that it has none. */
static bool
ask_longer(Span *span)
{
	int64		count = span->answer.count;

	if (span->request.count > count)
		return false;
	if (span->longer == 0)
		span->before_longer = count;
	span->longer = 2 * Max(count, span->longer);
	return true;
}

/* ---------- answers ---------- */

/* The edge is where the records end that came, on this side. */
static void
set_edge(Span *span, Side side)
{
	const SpanAnswer *answer = &span->answer;
	int64		ms = side == OLDER ? answer->oldest_ms : answer->newest_ms;

	span->edges[side].ms = ms;
	span->edges[side].open = may_be_cut(span) &&
		(side == OLDER ? ms >= span->low : ms <= span->high);
}

static bool
after_window(Span *span)
{
	const SpanAnswer *answer = &span->answer;

	if (answer->timed == 0)
	{
		if (answer->foreign > 0)
			span->wholeness->doubt = "Records of other times than those asked for were left out.";
		return next_window(span);
	}
	if (span->whole)
		return next_window(span);
	set_edge(span, OLDER);
	set_edge(span, NEWER);
	span->seen_since = answer->oldest_ms;
	if (answer->oldest_ms == answer->newest_ms && may_be_cut(span))
		(void) ask_longer(span);	/* all are of one moment */
	return go_on(span);
}

/* The edge moves to what came from beyond it, or nothing did. */
static bool
move_edge(Span *span)
{
	Side		side = span->side;

	if (span->answer.beyond == 0)
	{
		span->edges[side].open = false;
		return go_on(span);
	}

	/* What was left out was older, so nothing newer was. */
	if (side == OLDER)
		span->edges[NEWER].open = false;
	set_edge(span, side);

	/* What lies further from the edge than any reach does not come again. */
	if (llabs(span->edges[side].ms - span->seen_since) > 2 * COARSEST_MS)
		renew_seen(span, span->edges[side].ms, true);
	return go_on(span);
}

/*
 * Records of one moment filled an answer by themselves, which could not be had
 * longer: there may be more of them.  Where more is known of the window, it
 * shows by that whether answers are limited.
 */
static bool
after_crowd(Span *span)
{
	int64		count = span->lengths->counted;
	bool		more_for_more = count > span->before_longer;

	span->limited = span->limited || span->answer.beyond > 0;
	if (span->answer.beyond > 0 && count >= CROWD)
	{
		span->wholeness->flaw = "does not tell all records of one moment";
		return false;
	}
	if (!span->limited && span->told > count)
	{
		span->testing = true;
		return true;
	}
	if (span->limited ||
		count >= (more_for_more ? SURE_CROWD : DOUBTFUL_CROWD))
		span->wholeness->doubt = "More of one moment were asked for, and not told.";
	return move_edge(span);
}

/* Does not even an answer about the window have all that is known of it? */
static bool
after_test(Span *span)
{
	span->testing = false;
	span->answer.beyond = 0;
	if (span->answer.count < span->told &&
		span->answer.count < span->request.count)
	{
		span->limited = true;
		return after_crowd(span);
	}
	return move_edge(span);
}

/*
 * The edge did not come again, however far the request reached back.  Who makes
 * up records anew each time would be asked for ever.
 */
static bool
lose_edge(Span *span)
{
	if (span->lost)
		span->wholeness->flaw = "does not tell again what it had told before";
	span->lost = true;
	span->wholeness->doubt = "What it had told before did not come again where the next request began.";
	return span->wholeness->flaw == NULL && move_edge(span);
}

static bool
after_edge(Span *span)
{
	const SpanAnswer *answer = &span->answer;

	if (answer->again == 0 && !span->repeated)
	{
		if (span->level == FURTHEST)
			return lose_edge(span);
		span->reach[span->side] = --span->level;
		return true;
	}
	if (answer->again == 0)
		return after_crowd(span);	/* its moment has been left out */
	if (answer->beyond == 0 && may_be_cut(span))
	{
		if (ask_longer(span))
			return true;
		span->repeated = true;
		if (span->level < NARROWEST)
		{
			span->level++;
			return true;
		}
		return after_crowd(span);
	}
	return move_edge(span);
}

/*
 * Some may know only where a stretch ends: they cannot be asked for what is
 * newer.
 */
static bool
after_stray(Span *span)
{
	if (span->entering || span->side == OLDER)
	{
		span->wholeness->flaw = "does not keep to the times that it was asked for";
		return false;
	}
	span->wholeness->doubt = "It does not keep to the beginning of the times that it was asked for.";
	span->edges[NEWER].open = false;
	return go_on(span);
}

/* What to ask next, after an answer.  False if nothing is left. */
static bool
step(Span *span)
{
	int64	   *longest = span->request.count < 0 ? &span->lengths->plain
		: &span->lengths->counted;

	*longest = Max(*longest, span->answer.count);
	if (span->testing)
		return after_test(span);
	if (span->answer.astray && span->answer.fresh == 0)
		return after_stray(span);
	return span->entering ? after_window(span) : after_edge(span);
}

/* The stretch of time that a question is about.  False if there is none. */
static bool
set_request(Span *span, int64 wanted)
{
	SpanRequest *request = &span->request;
	int64		from_ms = span->low - COARSEST_MS;
	int64		to_ms = span->high + COARSEST_MS;
	int64		reach = reaches_ms[span->level];
	bool		beyond = !span->entering && !span->testing;

	if (beyond && span->side == OLDER)
		to_ms = Min(to_ms, span->edges[OLDER].ms + reach);
	if (beyond && span->side == NEWER)
		from_ms = Max(from_ms, span->edges[NEWER].ms - reach);
	request->entering = span->entering;
	request->from_ms = Max(from_ms, 0);
	request->to_ms = to_ms;
	request->count = span->longer > 0 ? span->longer : -1;
	if (wanted >= 0)
		request->count = Max(request->count, wanted);
	return request->from_ms <= to_ms;
}

/* ---------- the span ---------- */

Span *
og_span_begin(const OgOperation *operation, OgLengths *lengths,
			  Wholeness *wholeness, int64 from_ms, int64 to_ms,
			  int64 window_ms)
{
	Span	   *span = palloc0(sizeof(Span));

	span->whole = operation->span->whole;
	span->lengths = lengths;
	span->wholeness = wholeness;
	span->first = from_ms;
	span->window = window_ms - 2 * COARSEST_MS;
	span->reach[OLDER] = span->reach[NEWER] = FIRST_REACH;
	span->untimed = og_keys_create();
	enter_window(span, to_ms);
	return span;
}

const SpanRequest *
og_span_next(Span *span, int64 wanted, int64 kept)
{
	bool		more = true;

	span->enough = wanted >= 0 && kept >= wanted;
	if (span->begun)
		more = step(span);
	span->begun = true;
	while (more && !set_request(span, wanted))
	{
		/* Nothing lies beyond the edge. */
		span->edges[span->side].open = false;
		more = go_on(span);
	}
	memset(&span->answer, 0, sizeof(span->answer));
	return more ? &span->request : NULL;
}

/* Take note of a record of the window, or the seconds around it. */
static void
note_time(Span *span, int64 ms, bool fresh)
{
	SpanAnswer *answer = &span->answer;

	if (answer->timed++ == 0)
		answer->oldest_ms = answer->newest_ms = ms;
	answer->oldest_ms = Min(answer->oldest_ms, ms);
	answer->newest_ms = Max(answer->newest_ms, ms);
	answer->fresh += fresh;
	span->told += fresh;
	if (!span->entering)
	{
		int64		edge = span->edges[span->side].ms;

		answer->again += !fresh && ms == edge;
		answer->beyond += span->side == OLDER ? ms < edge : ms > edge;
	}
}

bool
og_span_admits(Span *span, const int64 *ms, OgSlice key)
{
	SpanAnswer *answer = &span->answer;
	bool		fresh;

	answer->count++;
	if (span->testing)
		return false;			/* all of it was told, and is forgotten in part */
	if (ms == NULL)
	{
		span->wholeness->doubt = "Its records have no time, so that older ones could not be asked for.";
		return og_keys_add(span->untimed, key);
	}
	if (!span->entering && span->side == NEWER
		? *ms < span->request.from_ms - COARSEST_MS
		: *ms > span->request.to_ms + COARSEST_MS)
		answer->astray = true;
	if (*ms < span->low - COARSEST_MS || *ms > span->high + COARSEST_MS)
	{
		answer->foreign++;
		return false;
	}
	fresh = is_new(span, key);
	note_time(span, *ms, fresh);
	return fresh && *ms >= span->low && *ms <= span->high;
}
