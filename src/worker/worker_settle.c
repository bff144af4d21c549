/*-------------------------------------------------------------------------
 *
 * worker_settle.c
 *		A worker asks what became of orders whose outcome is unknown.
 *
 * A round of an asker takes some calls that are due.  For each group of their orders
 * the account is opened as the role, and the provider asked in steps; what follows
 * is written with the next turn.  Then the calls wait for their next time.
 *
 * What fails because of the way there pauses the asker, for a second at first; what
 * fails because of what was asked has its calls wait for their next time.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "ground/clock.h"
#include "worker/worker_account.h"
#include "worker/worker_asking.h"
#include "worker/worker_internal.h"
#include "worker/worker_learned.h"
#include "worker/worker_recover.h"
#include "worker/worker_settle.h"
#include "worker/worker_table.h"
#include "worker/worker_turn.h"

/* Askers that ask at the same time. */
#define MOST_ASKING		64

static struct
{
	const OgInstallation *installation;
	dlist_head	askings;
	int			nasking;
	int64		next_look;		/* og_clock_now() */
	bool		tried;			/* it is known whether to ask at all */
}			settle;

/* ---------- opening and closing ---------- */

static void
read_unsettled(void *arg)
{
	og_unsettled_read(settle.installation);
}

static void
forget_all(void)
{
	memset(&settle, 0, sizeof(settle));
	dlist_init(&settle.askings);
}

void
og_settle_open(Loop *loop)
{
	forget_all();
	settle.installation = &loop->installation;
	og_learned_open(&loop->installation, loop->context);
	og_table_begin();
	og_unsettled_read(&loop->installation);
	og_table_commit();
}

/* Its memory goes with the loop's. */
void
og_settle_close(void)
{
	og_unsettled_open();
	forget_all();
}

/* ---------- a group ---------- */

static Group *
current_group(const Asking *asking)
{
	return asking->ngroup < list_length(asking->groups)
		? list_nth(asking->groups, asking->ngroup) : NULL;
}

/* Nobody hears what a session would be told of records that are left out. */
static const OgWitness deaf = {.hear = NULL};

static void
open_group(void *arg)
{
	Asking	   *asking = arg;
	const Group *group = current_group(asking);
	Oid			roleid = group->call.roleid;
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext,
												  "order_gateway asker's account",
												  ALLOCSET_SMALL_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	OgCaller	caller = {"order_gateway_settle", roleid, roleid, &deaf};
	OgQuestion	question = {
		.keys = group->keys,
		.market = group->market,
		.by = group->create ? "client_order_id" : "order_id",
		.create = group->create,
		.in_steps = true,
		.lists = !asking->asker->no_list
	};

	asking->version = og_share_version();
	asking->account = og_share_open(&group->call);
	asking->pace = asking->account->query_rate_limit;
	og_asking_set_pace(asking);
	asking->settling = og_settling_open(asking->account, &question, &caller);
	MemoryContextSwitchTo(old);
	MemoryContextSetParent(context, asking->context);
	asking->opened = context;
}

static void
go_on(void *arg)
{
	Asking	   *asking = arg;

	og_asking_set_pace(asking);
	og_settling_go_on(asking->settling);
}

static void
close_group(Asking *asking)
{
	if (asking->settling != NULL)
		og_settling_close(asking->settling);
	asking->settling = NULL;
	if (asking->opened != NULL)
		MemoryContextDelete(asking->opened);
	asking->opened = NULL;
	asking->ngroup++;
}

/* Its calls could not be asked for, because ... */
static void
note_group(const Group *group, const char *reason)
{
	for (int i = 0; i < group->norders; i++)
		og_learned_reason(group->orders[i].call, reason);
}

/* What is known now of an order. */
static void
take_order(Asking *asking, Group *group, Order *order, int key)
{
	OgSettled	settled;

	og_settling_conclude(asking->settling, key, &order->sent, &settled);
	group->outcomes[settled.outcome]++;
	if (settled.outcome != OG_UNKNOWN)
	{
		order->call->nopen--;
		group->nsettled++;
	}
	else if (order->order_state != NULL &&
			 strcmp(order->order_state,
					og_order_state_name(settled.state)) == 0)
		return;
	og_learned_add(&(Settlement) {
		.call_id = order->call->call_id,
		.ordinal = order->ordinal,
		.outcome = settled.outcome,
		.state = settled.state,
		.settled_at = GetCurrentTimestamp()
	});
}

static void
take_known(Asking *asking)
{
	Group	   *group = current_group(asking);
	int			key;

	while (og_settling_next(asking->settling, &key))
	{
		for (int i = 0; i < group->norders; i++)
		{
			if (og_keys_at(group->keys, i) == key)
				take_order(asking, group, &group->orders[i], key);
		}
	}
}

/* For the log: what was learned. */
static void
tell(const Asking *asking)
{
	const Group *group = current_group(asking);
	StringInfoData found;

	if (group->nsettled == 0)
		return;
	initStringInfo(&found);
	for (int i = 0; i < OG_OUTCOMES; i++)
	{
		if (group->outcomes[i] > 0)
			appendStringInfo(&found, "%s%d %s", found.len > 0 ? ", " : "",
							 group->outcomes[i], og_verdict_name(i));
	}
	ereport(LOG,
			(errmsg("order_gateway: asked server \"%s\" what became of %d orders that were unknown: %s",
					asking->account->server, group->norders, found.data)));
	pfree(found.data);
}

/* ---------- what fails ---------- */

/* The calls are left for a while; those that could be asked for are not. */
static void
break_off(Asking *asking, bool pauses)
{
	Asker	   *asker = asking->asker;

	asking->broken = true;
	if (!pauses)
		return;
	asker->pause_us = og_longer_pause(asker->pause_us);
	asker->paused_until = og_clock_now() + asker->pause_us;
}

/*
 * Is it the way there, or the provider's time, that will be better later, and not
 * what it was asked?
 */
static bool
is_passing(int sqlstate)
{
	int			category = ERRCODE_TO_CATEGORY(sqlstate);

	return category == MAKE_SQLSTATE('0', '8', '0', '0', '0') ||
		category == MAKE_SQLSTATE('5', '3', '0', '0', '0') ||
		category == MAKE_SQLSTATE('5', '7', '0', '0', '0');
}

/* Whose order was asked for alone when that failed? */
static Unsettled *
find_blamed(const Asking *asking)
{
	const Group *group = current_group(asking);
	int			key = og_settling_failed_key(asking->settling);

	for (int i = 0; i < group->norders && key >= 0; i++)
	{
		if (og_keys_at(group->keys, i) == key)
			return group->orders[i].call;
	}
	return NULL;
}

/* Asking failed.  A list that cannot be had is not asked for again. */
static void
take_failure(Asking *asking, const OgFailure *failure)
{
	Asker	   *asker = asking->asker;
	bool		listing = og_settling_was_listing(asking->settling);

	note_group(current_group(asking),
			   psprintf("could not be settled: server \"%s\" %s",
						failure->account->server, failure->what));
	if (listing)
		asker->no_list = true;
	if (is_passing(failure->sqlstate) || listing)
	{
		asking->blamed = find_blamed(asking);
		break_off(asking, true);
	}
	close_group(asking);
}

/* It could not even be begun: for what will pass, or for good. */
static void
take_trouble(Asking *asking, const Trouble *trouble)
{
	if (og_trouble_passes(trouble))
	{
		og_trouble_show(trouble);
		break_off(asking, true);
	}
	else
		note_group(current_group(asking),
				   psprintf("could not be settled: %s", trouble->message));
	close_group(asking);
}

/* ---------- a round ---------- */

/* A call that was asked for: nothing is unknown, or it has another time. */
static void
end_call(Unsettled *call)
{
	if (call->from > 0)
	{
		og_unsettled_wait(call, GetCurrentTimestamp());
		return;
	}
	if ((call->nopen == 0 && !call->more) || !og_unsettled_next_time(call))
		og_learned_end(call);
}

/* It is asked for as soon as its asker may ask again. */
static void
put_back(Unsettled *call, int64 pause_us)
{
	call->from = call->nopen = 0;
	og_unsettled_wait(call, GetCurrentTimestamp() + pause_us);
}

static void
end_round(Asking *asking)
{
	int64		pause_us = asking->asker->pause_us;
	ListCell   *cell;

	asking->asker->asking = NULL;
	if (!asking->broken)
		asking->asker->pause_us = pause_us = 0;
	foreach(cell, asking->calls)
	{
		Unsettled  *call = lfirst(cell);

		if (asking->unread ||
			(asking->broken && call->nopen > 0 && call != asking->blamed &&
			 !og_unsettled_is_old(call)))
			put_back(call, pause_us);
		else
			end_call(call);
	}
	dlist_delete(&asking->node);
	settle.nasking--;
	settle.next_look = 0;
	MemoryContextDelete(asking->context);
}

/* Open the current group, or go on with it. */
static bool
try_step(Asking *asking, Step step)
{
	Trouble		trouble;

	if (og_turn_try(step, asking, &trouble))
		return true;
	take_trouble(asking, &trouble);
	return false;
}

/* Is an account the same as when it was opened, and still its role's to use? */
typedef struct Reopening
{
	Asking	   *asking;
	bool		same;
} Reopening;

static void
reopen(void *arg)
{
	Reopening  *reopening = arg;
	Asking	   *asking = reopening->asking;
	const OgAccount *account;

	asking->version = og_share_version();
	account = og_share_open(&current_group(asking)->call);
	reopening->same = og_account_is_same(&account->version,
										 &asking->account->version);
}

static bool
is_as_opened(Asking *asking)
{
	Reopening	reopening = {asking, true};
	Trouble		trouble;

	return asking->version == og_share_version() ||
		(og_turn_try(reopen, &reopening, &trouble) && reopening.same);
}

/* The step is over. */
static void
end_step(Asking *asking)
{
	const OgFailure *failure = og_settling_failure(asking->settling);

	take_known(asking);
	if (failure != NULL)
		take_failure(asking, failure);
	else if (og_settling_is_over(asking->settling))
	{
		note_group(current_group(asking), NULL);
		tell(asking);
		close_group(asking);
	}
	else if (!is_as_opened(asking))
	{
		break_off(asking, false);
		close_group(asking);
	}
	else
		(void) try_step(asking, go_on);
}

/* True if there is more to do at once. */
static bool
advance_asking(const Loop *loop, Asking *asking, OgPause *pause)
{
	OgPause		own = {0, OG_WAIT_NONE};

	if (asking->settling != NULL &&
		!og_settling_advance(asking->settling, &own))
	{
		og_pause_merge(pause, &own);
		return false;
	}
	if (loop->blocked || og_learned_is_much())
		return false;
	if (asking->settling != NULL)
		end_step(asking);
	else if (asking->broken || current_group(asking) == NULL)
		end_round(asking);
	else
		(void) try_step(asking, open_group);
	return true;
}

/* ---------- who asks ---------- */

/* What the server of an asker says of when it is asked. */
typedef struct Inspection
{
	Asker	   *asker;
	int			settle_after;
	OgAccountVersion version;
} Inspection;

static void
inspect(void *arg)
{
	Inspection *inspection = arg;
	const Unsettled *first = og_asker_first(inspection->asker);
	const OgAccount *account;
	OgJournalCall head;

	if (first == NULL ||
		!og_journal_read_head(settle.installation, first->call_id, &head))
		return;
	account = og_share_open(&head);
	inspection->settle_after = account->settle_after;
	inspection->version = account->version;
}

/*
 * Where that cannot be known, each of its calls says why when it is due.  Who has
 * changed the server wants to know at once whether that helps; other changes end no
 * pause.
 */
static void
know_option(Asker *asker)
{
	Inspection	inspection = {asker, asker->settle_after, asker->opened};
	Trouble		trouble;

	if (asker->known && asker->version == og_share_version())
		return;
	asker->version = og_share_version();
	asker->known = true;
	if (!og_turn_try(inspect, &inspection, &trouble))
		memset(&inspection.version, 0, sizeof(OgAccountVersion));
	else
		og_asker_set(asker, inspection.settle_after);
	if (og_account_is_same(&asker->opened, &inspection.version))
		return;
	asker->opened = inspection.version;
	asker->paused_until = 0;
	asker->no_list = false;
}

static void
read_calls(void *arg)
{
	og_asking_read(arg);
}

/*
 * What could not be read is not known to be settled.  It is read again after the
 * pause if the trouble passes; else the call that was read last, which is the
 * cause, waits for its next time.
 */
static void
take_unread(Asking *asking, const Trouble *trouble)
{
	Unsettled  *last;

	asking->unread = og_trouble_passes(trouble);
	if (asking->unread || asking->calls == NIL)
		return;
	last = llast(asking->calls);
	last->from = 0;
	last->more = true;
}

static void
begin_round(Loop *loop, Asker *asker)
{
	MemoryContext context = AllocSetContextCreate(loop->context,
												  "order_gateway asker",
												  ALLOCSET_SMALL_SIZES);
	Asking	   *asking = MemoryContextAllocZero(context, sizeof(Asking));
	Trouble		trouble;

	asking->context = context;
	asking->installation = settle.installation;
	asking->asker = asker;
	asker->asking = asking;
	dlist_push_tail(&settle.askings, &asking->node);
	settle.nasking++;
	if (og_turn_try(read_calls, asking, &trouble))
		return;
	og_trouble_show(&trouble);
	break_off(asking, true);
	take_unread(asking, &trouble);
}

static void
add_asker(Asker *asker, void *arg)
{
	List	  **askers = arg;

	*askers = lappend(*askers, asker);
}

static void
try_settling(void *arg)
{
	(void) og_recover_may_settle(&((Loop *) arg)->installation);
}

/* The first time that anything is asked: does that crash the server? */
static bool
may_begin(Loop *loop)
{
	Trouble		trouble;

	if (!settle.tried && !og_turn_try_alone(try_settling, loop, &trouble))
	{
		og_trouble_show(&trouble);
		return false;
	}
	settle.tried = true;
	return loop->installation.settles;
}

/* Those whose calls are due begin. */
static void
look_at_askers(Loop *loop)
{
	TimestampTz now = GetCurrentTimestamp();
	List	   *askers = NIL;
	ListCell   *cell;

	og_unsettled_askers(add_asker, &askers);
	foreach(cell, askers)
	{
		Asker	   *asker = lfirst(cell);

		if (asker->asking != NULL || settle.nasking >= MOST_ASKING)
			continue;
		know_option(asker);
		if (loop->now >= asker->paused_until &&
			og_asker_due(asker) <= now && may_begin(loop))
			begin_round(loop, asker);
	}
}

/* ---------- a turn ---------- */

/* May it be asked at all? */
static bool
may_ask(const Loop *loop)
{
	return loop->looked && loop->may_send && !loop->blocked &&
		loop->installation.settles;
}

static void
look(Loop *loop)
{
	Trouble		trouble;

	settle.next_look = loop->now + LOOK_MS * INT64CONST(1000);
	if (!og_unsettled_any() || !may_ask(loop))
		return;
	if (og_unsettled_wants_more() &&
		!og_turn_try(read_unsettled, NULL, &trouble))
		og_trouble_show(&trouble);
	look_at_askers(loop);
}

bool
og_settle_advance(Loop *loop, OgPause *pause)
{
	bool		more = false;
	dlist_mutable_iter iter;

	if (loop->now >= settle.next_look)
		look(loop);
	dlist_foreach_modify(iter, &settle.askings)
		more |= advance_asking(loop, dlist_container(Asking, node, iter.cur),
							   pause);
	return more;
}
