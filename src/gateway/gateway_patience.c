/*-------------------------------------------------------------------------
 *
 * gateway_patience.c
 *		How long a call waits for its turns, and what it says of that.
 *
 * Turns and pauses before another attempt count together towards max_wait, and
 * are cut by call_timeout.  Nothing here sleeps: what counts is the time
 * between two steps of a sender, where the first one found nothing to do but
 * to wait for such a thing.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/memutils.h"

#include "gateway/gateway_internal.h"

/* Whoever waits without knowing for how long looks up so often, to say so. */
#define LONGEST_SLEEP_US	INT64CONST(60000000)

/* A wait of more than this is announced before it begins. */
#define ANNOUNCED_WAIT_US	INT64CONST(60000000)

/* ---------- pauses ---------- */

/* The earlier of two times, of which 0 is none. */
static int64
earlier(int64 a, int64 b)
{
	if (a == 0 || b == 0)
		return a + b;
	return Min(a, b);
}

void
og_pause_merge(OgPause *pause, const OgPause *other)
{
	int64		until = earlier(pause->until, other->until);

	if (until != pause->until || pause->what == OG_WAIT_NONE)
		pause->what = other->what;
	pause->until = until;
}

void
og_gateway_wait(const OgPause *pause)
{
	og_http_sleep(pause->until, pause->what);
}

/* ---------- bounds ---------- */

/* When a call that begins now has to be over, by og_clock_now(); 0 = never. */
int64
og_patience_deadline(const OgAccount *account)
{
	if (account->call_timeout == 0)
		return 0;
	return og_clock_now() + (int64) account->call_timeout * 1000;
}

/* How much longer may be waited for turns and pauses. */
static int64
left_us(const Sender *sender)
{
	return sender->patience_us - sender->waited_us;
}

/* How long the call may wait for something else than an answer from now on. */
static int64
bound_us(const Sender *sender)
{
	int64		bound = left_us(sender);

	if (sender->deadline != 0)
		bound = Min(bound, sender->deadline - og_clock_now());
	return Max(bound, 0);
}

/* May a request still wait for so long, or at all where nobody knows? */
bool
og_patience_allows(const Sender *sender, const ErrandKind *kind,
				   int64 wait_us)
{
	int64		left = kind->hurried ? bound_us(sender) : left_us(sender);

	if (wait_us == OG_UNTIL_WOKEN)
		return left > 0;
	return wait_us <= left;
}

/* Pause for so long before asking again, unless others are for too long first. */
void
og_patience_pause(Sender *sender, OgPause *pause, int64 wait_us, OgWait what)
{
	og_patience_announce(sender, wait_us);
	wait_us = Min(Min(wait_us, left_us(sender)), LONGEST_SLEEP_US);
	pause->until = earlier(pause->until, og_clock_now() + wait_us);
	pause->what = what;
}

/* The sender has nothing to do but to wait, for a turn or pause if *pause says so. */
void
og_patience_begin(Sender *sender, const OgPause *pause)
{
	if (pause->until == 0)
		return;
	sender->pausing_since = og_clock_now();
	sender->for_turn = pause->what == OG_WAIT_TURN;
}

/* It looks again. */
void
og_patience_end(Sender *sender)
{
	int64		waited_us;

	if (sender->pausing_since == 0)
		return;
	waited_us = og_clock_now() - sender->pausing_since;
	sender->pausing_since = 0;
	sender->waited_us += waited_us;
	if (sender->for_turn)
		sender->report.counters.turn_wait_us += waited_us;
}

/* ---------- words ---------- */

void
og_patience_hear(const Sender *sender, OgNewsKind kind, int64 number,
				 const char *text)
{
	const OgCaller *caller = &sender->caller;
	OgNews		news = {kind, sender->account, caller->function,
		sender->is_act, number, text};

	if (caller->witness->hear != NULL)
		caller->witness->hear(caller->owner, &news);
}

/* Tell of a wait of more than a minute, once: before it, if known. */
void
og_patience_announce(Sender *sender, int64 wait_us)
{
	bool		known = wait_us != OG_UNTIL_WOKEN;

	wait_us = known ? Min(wait_us, bound_us(sender)) : sender->waited_us;
	if (sender->announced || wait_us < ANNOUNCED_WAIT_US ||
		(known && wait_us == ANNOUNCED_WAIT_US))
		return;
	sender->announced = true;
	og_patience_hear(sender, known ? OG_NEWS_PACE : OG_NEWS_OTHERS_FIRST,
					 (known ? wait_us : ANNOUNCED_WAIT_US) / USECS_PER_SEC,
					 known ? og_hold_end(sender->limiter) : NULL);
}

/* Why nothing is sent, and whose doing that is where a provider asked for it. */
const char *
og_patience_explain(Sender *sender, const char *why)
{
	MemoryContext old = MemoryContextSwitchTo(sender->context);
	const char *end = og_hold_end(sender->limiter);

	if (end != NULL)
		why = psprintf("%s: the provider asked for a pause until %s", why,
					   end);
	MemoryContextSwitchTo(old);
	return why;
}
