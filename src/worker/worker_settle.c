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
 * One turn does some of all this: askers are looked at, and go on, one after the
 * other, and those that were not are the first next time.
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

/* In one turn so many askers are looked at, and so many go on. */
#define LOOKED_ASKERS	32
#define ADVANCED_ASKERS	8

/* After a list of what is open could not be had, another one is not asked for. */
#define NO_LIST_US		(10 * USECS_PER_MINUTE)

static struct
{
	const OgInstallation *installation;
	dlist_head	askings;		/* those first that may go on first */
	int			nasking;
	int64		next_look;		/* og_clock_now() */
	int			nunseen;		/* askers that this look has not come to */
	int64		next_read;		/* og_clock_now(): rows, after that failed */
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

static Asking *
asking_of(dlist_node *node)
{
	/* The macro only takes the type of a member of that NULL. */
	/* cppcheck-suppress nullPointer */
	return dlist_container(Asking, node, node);
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
		.lists = og_clock_now() >= asking->asker->no_list_until
	};

	asking->version = og_share_version();
	asking->outdated = false;
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

/* Asking failed.  A list that cannot be had is not asked for again soon. */
static void
take_failure(Asking *asking, const OgFailure *failure)
{
	Asker	   *asker = asking->asker;
	bool		listing = og_settling_was_listing(asking->settling);

	note_group(current_group(asking),
			   psprintf("could not be settled: server \"%s\" %s",
						failure->account->server, failure->what));
	if (listing)
		asker->no_list_until = og_clock_now() + NO_LIST_US;
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
put_back(Unsettled *call)
{
	call->from = call->nopen = 0;
	og_unsettled_wait(call, GetCurrentTimestamp());
}

static void
end_round(Asking *asking)
{
	ListCell   *cell;

	asking->asker->asking = NULL;
	if (!asking->broken)
		asking->asker->pause_us = 0;
	foreach(cell, asking->calls)
	{
		Unsettled  *call = lfirst(cell);

		if (asking->unread ||
			(asking->broken && call->nopen > 0 && call != asking->blamed &&
			 !og_unsettled_is_old(call)))
			put_back(call);
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

	if (og_try(step, asking, &trouble))
		return true;
	take_trouble(asking, &trouble);
	return false;
}

/*
 * Something in the catalog has changed.  Mostly that concerns others; else the
 * account is opened anew, by another round.
 */
static void
check_account(void *arg)
{
	Asking	   *asking = arg;
	uint64		version = og_share_version();
	const OgAccount *now = og_share_open(&current_group(asking)->call);

	asking->outdated = !og_account_is_same(&now->version,
										   &asking->account->version);
	asking->version = version;
}

/* Go on, if that may be. */
static void
next_step(Asking *asking)
{
	if (asking->version != og_share_version() &&
		!try_step(asking, check_account))
		return;
	if (!asking->outdated)
	{
		(void) try_step(asking, go_on);
		return;
	}
	break_off(asking, false);
	close_group(asking);
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
	else
		next_step(asking);
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
	AccountRows rows;
	int			settle_after;
} Inspection;

static void
inspect(void *arg)
{
	Inspection *inspection = arg;
	const Unsettled *first = og_asker_first(inspection->asker);
	OgJournalCall head;

	inspection->rows = og_account_rows(inspection->asker->serverid,
									   inspection->asker->roleid);
	if (first != NULL &&
		og_journal_read_head(settle.installation, first->call_id, &head))
		inspection->settle_after = og_share_open(&head)->settle_after;
}

/*
 * Where that cannot be known, each of its calls says why when it is due; false if
 * it can later.  Who changed a server or a right wants to know at once whether
 * that helps.
 */
static bool
know_option(Asker *asker)
{
	Inspection	inspection = {asker, asker->rows, asker->settle_after};
	uint64		version = og_share_version();
	Trouble		trouble;

	if (asker->known && asker->version == version)
		return true;
	if (og_try(inspect, &inspection, &trouble))
		og_asker_set(asker, inspection.settle_after);
	else if (og_trouble_passes(&trouble))
	{
		og_trouble_show(&trouble);
		return false;
	}
	if (og_account_rows_differ(&asker->rows, &inspection.rows))
		asker->paused_until = asker->no_list_until = 0;
	asker->rows = inspection.rows;
	asker->version = version;
	asker->known = true;
	return true;
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

/* False if its calls could not be read. */
static bool
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
	if (og_try(read_calls, asking, &trouble))
		return true;
	og_trouble_show(&trouble);
	break_off(asking, true);
	take_unread(asking, &trouble);
	return false;
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

	if (!settle.tried && !og_try_alone(try_settling, loop, &trouble))
	{
		og_trouble_show(&trouble);
		return false;
	}
	settle.tried = true;
	return loop->installation.settles;
}

/* What looking at an asker has come to. */
typedef enum Looked
{
	NOTHING_DUE,
	HAS_BEGUN,
	CANNOT_LOOK					/* that takes a while, and will with others */
} Looked;

static Looked
look_at_asker(Loop *loop, Asker *asker)
{
	if (asker->asking != NULL || settle.nasking >= MOST_ASKING)
		return NOTHING_DUE;
	if (!know_option(asker))
		return CANNOT_LOOK;
	if (loop->now < asker->paused_until ||
		og_asker_due(asker) > GetCurrentTimestamp())
		return NOTHING_DUE;
	return may_begin(loop) && begin_round(loop, asker) ? HAS_BEGUN
		: CANNOT_LOOK;
}

/* Those whose calls are due begin, one in a turn.  True if there may be more. */
static bool
look_at_askers(Loop *loop)
{
	Looked		looked = NOTHING_DUE;

	for (int i = 0; i < LOOKED_ASKERS && settle.nunseen > 0 &&
		 looked == NOTHING_DUE; i++)
	{
		Asker	   *asker = og_unsettled_next_asker();

		settle.nunseen = asker == NULL ? 0 : settle.nunseen - 1;
		if (asker != NULL)
			looked = look_at_asker(loop, asker);
	}
	if (looked == CANNOT_LOOK)
		settle.nunseen = 0;
	return settle.nunseen > 0;
}

/* ---------- a turn ---------- */

/* May it be asked at all? */
static bool
may_ask(const Loop *loop)
{
	return loop->looked && loop->may_send && !loop->blocked &&
		loop->installation.settles;
}

/* Rows that there is room for.  True if there may be more. */
static bool
read_rows(const Loop *loop)
{
	Trouble		trouble;

	if (loop->blocked || loop->now < settle.next_read ||
		!og_unsettled_wants_more())
		return false;
	if (og_try(read_unsettled, NULL, &trouble))
		return true;
	og_trouble_show(&trouble);
	settle.next_read = og_clock_now() + AGAIN_US;
	return false;
}

static bool
look(Loop *loop)
{
	if (loop->now >= settle.next_look)
	{
		settle.next_look = loop->now + LOOK_MS * INT64CONST(1000);
		settle.nunseen = og_unsettled_count_askers();
	}
	if (!may_ask(loop))
		settle.nunseen = 0;
	return look_at_askers(loop);
}

/* Some go on.  Those that could have, and did not, are the first next time. */
static bool
advance_askings(const Loop *loop, OgPause *pause)
{
	int			nadvanced = 0;

	for (int left = settle.nasking;
		 left > 0 && nadvanced < ADVANCED_ASKERS; left--)
	{
		dlist_node *node = dlist_pop_head_node(&settle.askings);

		dlist_push_tail(&settle.askings, node);
		nadvanced += advance_asking(loop, asking_of(node), pause);
	}
	return nadvanced > 0;
}

bool
og_settle_advance(Loop *loop, OgPause *pause)
{
	bool		more = read_rows(loop);

	more |= look(loop);
	return advance_askings(loop, pause) || more;
}
