/*-------------------------------------------------------------------------
 *
 * worker_settle.c
 *		A worker asks what became of orders whose outcome is unknown.
 *
 * An asker takes some calls that are due, and gathers their orders by what is to be
 * asked: those of one function and one market are a group.  For each group the
 * account is opened as the role, and the provider asked in steps; what follows is
 * written with the next turn.  Then the calls wait for their next time.
 *
 * All of the limit of queries may be used while no act of the account waits or is
 * made, and a quarter of it otherwise; that is looked at before each step.
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
#include "limiter/limiter.h"
#include "worker/worker_account.h"
#include "worker/worker_internal.h"
#include "worker/worker_recover.h"
#include "worker/worker_settle.h"
#include "worker/worker_settlement.h"
#include "worker/worker_table.h"
#include "worker/worker_unsettled.h"

/* What an asker takes at once, and how many rows are looked at for it. */
#define TAKEN_CALLS		200
#define TAKEN_ORDERS	500
#define TAKEN_ROWS		5000

/* Askers that ask at the same time. */
#define MOST_ASKING		64

/* Rows of one turn; with more that are not written nothing more is asked. */
#define WRITTEN_ROWS	200
#define MOST_UNWRITTEN	2000

/* Acts that were sent so long ago say that others will be. */
#define RECENT_US		USECS_PER_SEC

/* An order that is asked for. */
typedef struct Order
{
	Unsettled  *call;
	int			ordinal;
	OgSent		sent;
	const char *order_state;	/* as it was told before, or NULL */
} Order;

/* Orders that are asked for together. */
typedef struct Group
{
	OgJournalCall call;			/* the first of their calls */
	const char *market;
	bool		create;
	OgKeys	   *keys;			/* one position for each order */
	Order	   *orders;
	int			norders;
	int			nsettled;
	int			outcomes[OG_OUTCOMES];
} Group;

/* What an asker asks now. */
typedef struct Asking
{
	dlist_node	node;
	MemoryContext context;
	Asker	   *asker;
	List	   *calls;			/* that were taken */
	List	   *groups;
	int			ngroup;			/* the one that is asked for, or is next */
	uint64		version;		/* of the catalog, when its account was opened */
	MemoryContext opened;		/* of the account, and all below */
	OgAccount  *account;
	OgPace		pace;			/* of its queries, as the server has it */
	OgSettling *settling;		/* NULL = no group is under way */
	bool		broken;			/* the calls are left for a while, but ... */
	Unsettled  *blamed;			/* ... this one for longer, or NULL */
} Asking;

/* What is to be written. */
typedef struct Note
{
	int64		call_id;
	bool		ends;			/* its row goes ... */
	bool		in_vain;		/* ... and something stays unknown */
	const char *note;
} Note;

static struct
{
	MemoryContext context;		/* of what is to be written */
	const OgInstallation *installation;
	dlist_head	askings;
	int			nasking;
	int64		next_look;		/* og_clock_now() */
	bool		tried;			/* it is known whether to ask at all */

	Settlement *settlements;	/* written in their order, and then the notes */
	int			nsettlements;
	int			size;
	int			nwritten;		/* of those */
	int			in_turn;		/* and of the turn that is being written */
	List	   *notes;
	Beside		beside;
}			settle;

static void write_news(void *arg);

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
	settle.context = AllocSetContextCreate(loop->context,
										   "order_gateway settlements",
										   ALLOCSET_DEFAULT_SIZES);
	settle.beside.write = write_news;
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

/* ---------- what is to be written ---------- */

Beside *
og_settle_news(void)
{
	settle.beside.pending = settle.nwritten < settle.nsettlements ||
		settle.notes != NIL;
	return &settle.beside;
}

static void
add_settlement(const Settlement *settlement)
{
	MemoryContext old = MemoryContextSwitchTo(settle.context);

	if (settle.settlements == NULL)
	{
		settle.size = WRITTEN_ROWS;
		settle.settlements = palloc(settle.size * sizeof(Settlement));
	}
	if (settle.nsettlements == settle.size)
	{
		settle.size *= 2;
		settle.settlements = repalloc(settle.settlements,
									  settle.size * sizeof(Settlement));
	}
	settle.settlements[settle.nsettlements++] = *settlement;
	MemoryContextSwitchTo(old);
}

static Note *
add_note(int64 call_id)
{
	MemoryContext old = MemoryContextSwitchTo(settle.context);
	Note	   *note = palloc0(sizeof(Note));

	note->call_id = call_id;
	settle.notes = lappend(settle.notes, note);
	MemoryContextSwitchTo(old);
	return note;
}

/* Say why a call could not be asked for; NULL = it could. */
static void
note_reason(Unsettled *call, const char *reason)
{
	uint32		hash = og_unsettled_hash(reason);

	if (call->note == hash)
		return;
	call->note = hash;
	add_note(call->call_id)->note = reason == NULL ? NULL
		: MemoryContextStrdup(settle.context, reason);
}

static void
write_note(const Note *note)
{
	if (!note->ends)
	{
		og_unsettled_note(settle.installation, note->call_id, note->note);
		return;
	}
	if (og_unsettled_is_in_mind(note->call_id))
		return;
	if (note->in_vain)
		og_settlement_give_up(settle.installation, note->call_id);
	og_unsettled_remove(settle.installation, note->call_id);
}

/* Notes come after all that was learned before them. */
static void
write_news(void *arg)
{
	int			left = settle.nsettlements - settle.nwritten;
	ListCell   *cell;

	settle.in_turn = Min(left, WRITTEN_ROWS);
	if (settle.in_turn > 0)
		og_settlement_write(settle.installation,
							settle.settlements + settle.nwritten,
							settle.in_turn);
	if (settle.in_turn < left)
		return;
	foreach(cell, settle.notes)
		write_note(lfirst(cell));
}

/* A call that is being made still counts its own orders. */
static void
count_anew(Loop *loop, const Settlement *settlement)
{
	dlist_iter	iter;

	dlist_foreach(iter, &loop->makings)
	{
		Making	   *making = making_of(iter.cur);

		if (making->call.call_id != settlement->call_id)
			continue;
		making->outcomes[OG_UNKNOWN]--;
		making->outcomes[settlement->outcome]++;
	}
}

void
og_settle_written(Loop *loop)
{
	for (int i = 0; i < settle.in_turn; i++)
	{
		const Settlement *settlement =
			&settle.settlements[settle.nwritten + i];

		if (settlement->counts)
			count_anew(loop, settlement);
	}
	settle.nwritten += settle.in_turn;
	settle.in_turn = 0;
	if (settle.nwritten < settle.nsettlements)
		return;
	settle.settlements = NULL;
	settle.nsettlements = settle.nwritten = 0;
	settle.notes = NIL;
	MemoryContextReset(settle.context);
}

/* ---------- what is to be asked ---------- */

static const OgProvider *
provider_of(const OgJournalCall *call)
{
	for (int i = 0; og_providers[i] != NULL; i++)
	{
		if (strcmp(og_providers[i]->name, call->provider) == 0)
			return og_providers[i];
	}
	return NULL;
}

/* The market of an order of a call, by its position; NULL = it has none. */
static const char *
market_of(const OgJournalCall *call, int ordinal)
{
	const OgFields *arguments = call->order_arguments != NULL &&
		ordinal <= call->nids ? &call->order_arguments[ordinal - 1]
		: &call->arguments;
	const char *market = og_fields_get(arguments, "market");

	return market != NULL ? market : og_fields_get(arguments, "symbol");
}

static bool
same_text(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static Group *
group_of(Asking *asking, const OgJournalCall *call, const char *market)
{
	bool		create = strcmp(call->operation, "create_order") == 0;
	ListCell   *cell;
	Group	   *group;

	foreach(cell, asking->groups)
	{
		group = lfirst(cell);
		if (group->call.functionid == call->functionid &&
			group->create == create && same_text(group->market, market))
			return group;
	}
	group = palloc0(sizeof(Group));
	group->call = *call;
	group->market = market;
	group->create = create;
	group->keys = og_keys_create();
	group->orders = palloc(TAKEN_ORDERS * sizeof(Order));
	asking->groups = lappend(asking->groups, group);
	return group;
}

static void
add_order(Asking *asking, Unsettled *call, const OgJournalCall *head,
		  const UnknownResult *result)
{
	const OgProvider *provider = provider_of(head);
	const char *market = market_of(head, result->ordinal);
	Group	   *group;

	if (provider == NULL || (provider->inquiries->market && market == NULL))
		return;
	if (!provider->inquiries->market)
		market = NULL;
	group = group_of(asking, head, market);
	(void) og_keys_add(group->keys, result->order_id);

	/* Of what was in flight when all fell over it is only known when not. */
	group->orders[group->norders++] = (Order)
	{
		.call = call,
		.ordinal = result->ordinal,
		.sent = {
			result->sent_at != 0 ? result->sent_at : head->submitted_at,
			result->sent_at != 0 ? result->sent_at : call->since
		},
		.order_state = result->order_state
	};
	call->nopen++;
}

/* Read what is unknown of a call.  Answers how many orders that are. */
static int
read_call(Asking *asking, Unsettled *call, int most, int *rows)
{
	const OgInstallation *installation = settle.installation;
	OgJournalCall head;
	UnknownResult *results;
	int			count;
	bool		found = og_journal_read_head(installation, call->call_id, &head);

	/* What each order was given is all that a list of new ones needs. */
	if (found && strcmp(head.operation, "create_order") == 0)
		found = og_journal_read(installation, call->call_id, &head);
	if (!found)
		return 0;
	count = og_settlement_unknown(installation, call->call_id, &call->from,
								  most, rows, &results);
	for (int i = 0; i < count; i++)
		add_order(asking, call, &head, &results[i]);
	return count;
}

/* Take calls that are due, and read what is unknown of them. */
static void
read_calls(void *arg)
{
	Asking	   *asking = arg;
	MemoryContext old = MemoryContextSwitchTo(asking->context);
	TimestampTz now = GetCurrentTimestamp();
	int			rows = TAKEN_ROWS;
	int			norders = 0;
	ListCell   *cell;

	while (rows > 0 && norders < TAKEN_ORDERS &&
		   list_length(asking->calls) < TAKEN_CALLS)
	{
		Unsettled  *call = og_asker_take(asking->asker, now);

		if (call == NULL)
			break;
		asking->calls = lappend(asking->calls, call);
		call->more = false;
		norders += read_call(asking, call, TAKEN_ORDERS - norders, &rows);
	}
	foreach(cell, asking->groups)
		og_keys_finish(((Group *) lfirst(cell))->keys);
	MemoryContextSwitchTo(old);
}

/* ---------- pace ---------- */

/* A quarter of a pace. */
static void
add_quarter(OgPace *pace, const OgPace *whole)
{
	for (int i = 0; i < whole->nwindows; i++)
	{
		OgWindow   *window = &pace->windows[pace->nwindows++];

		*window = whole->windows[i];
		if (window->requests >= 4)
			window->requests /= 4;
		else
			window->length_us *= 4;
	}
}

typedef struct Search
{
	Oid			serverid;
	bool		found;
} Search;

static void
find_acts(Line *line, void *arg)
{
	Search	   *search = arg;

	search->found |= line->serverid == search->serverid &&
		(line->nmade > 0 || line->queue.count > 0);
}

/*
 * Do acts of the account wait, or are they made: here, or in any session?  Where
 * the provider counts acts and reads together, those that were sent may be ours.
 */
static bool
has_acts(const Asking *asking)
{
	const OgAccount *account = asking->account;
	Search		search = {asking->asker->serverid, false};

	og_outbox_lines(find_acts, &search);
	return search.found ||
		og_limiter_has_acts(og_account_names(account)->account, account->host,
							og_clock_now(),
							account->provider->counts_together ? 0 : RECENT_US);
}

/* How often to ask in the next step. */
static void
set_pace(Asking *asking)
{
	OgAccount  *account = asking->account;

	account->query_rate_limit = asking->pace;
	if (!has_acts(asking))
		return;
	account->query_rate_limit.nwindows = 0;
	add_quarter(&account->query_rate_limit, &asking->pace);
	if (account->provider->counts_together)
	{
		OgPace		shared = {.nwindows = 0};

		og_pace_add(&shared, &account->rate_limit, OG_PER_KEY);
		add_quarter(&account->query_rate_limit, &shared);
	}
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
	set_pace(asking);
	asking->settling = og_settling_open(asking->account, &question, &caller);
	MemoryContextSwitchTo(old);
	MemoryContextSetParent(context, asking->context);
	asking->opened = context;
}

static void
go_on(void *arg)
{
	Asking	   *asking = arg;

	set_pace(asking);
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
		note_reason(group->orders[i].call, reason);
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
	add_settlement(&(Settlement) {
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

	return category == ERRCODE_TO_CATEGORY(ERRCODE_CONNECTION_EXCEPTION) ||
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
	Note	   *note;

	if (call->from > 0)
	{
		og_unsettled_wait(call, GetCurrentTimestamp());
		return;
	}
	if ((call->nopen > 0 || call->more) && og_unsettled_next_time(call))
		return;
	note = add_note(call->call_id);
	note->ends = true;
	note->in_vain = call->nopen > 0;
	og_unsettled_forget(call);
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

		if (asking->broken && call->nopen > 0 && call != asking->blamed &&
			!og_unsettled_is_old(call))
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
	else if (asking->version != og_share_version())
	{
		/* Somebody's rights may be others now. */
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
	if (loop->blocked ||
		settle.nsettlements - settle.nwritten > MOST_UNWRITTEN)
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
} Inspection;

static void
inspect(void *arg)
{
	Inspection *inspection = arg;
	const Unsettled *first = og_asker_first(inspection->asker);
	OgJournalCall head;

	if (first != NULL &&
		og_journal_read_head(settle.installation, first->call_id, &head))
		inspection->settle_after = og_share_open(&head)->settle_after;
}

/* Where that cannot be known, each of its calls says why when it is due. */
static void
know_option(Asker *asker)
{
	Inspection	inspection = {asker, asker->settle_after};
	Trouble		trouble;

	if (asker->known && asker->version == og_share_version())
		return;
	asker->version = og_share_version();
	asker->known = true;
	asker->paused_until = 0;
	asker->no_list = false;
	if (og_turn_try(inspect, &inspection, &trouble))
		og_asker_set(asker, inspection.settle_after);
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
	asking->asker = asker;
	asker->asking = asking;
	dlist_push_tail(&settle.askings, &asking->node);
	settle.nasking++;
	if (og_turn_try(read_calls, asking, &trouble))
		return;
	og_trouble_show(&trouble);
	break_off(asking, true);
}

static void
add_asker(Asker *asker, void *arg)
{
	List	  **askers = arg;

	*askers = lappend(*askers, asker);
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
		if (loop->now >= asker->paused_until && og_asker_due(asker) <= now)
			begin_round(loop, asker);
	}
}

/* ---------- a turn ---------- */

static void
try_settling(void *arg)
{
	Loop	   *loop = arg;

	(void) og_recover_may_settle(&loop->installation);
}

/* May it be asked at all? */
static bool
may_ask(Loop *loop)
{
	Trouble		trouble;

	if (!loop->looked || !loop->may_send || loop->blocked)
		return false;
	if (!settle.tried && !og_turn_try_alone(try_settling, loop, &trouble))
	{
		og_trouble_show(&trouble);
		return false;
	}
	settle.tried = true;
	return loop->installation.settles;
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
