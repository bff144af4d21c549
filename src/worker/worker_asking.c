/*-------------------------------------------------------------------------
 *
 * worker_asking.c
 *		What an asker asks: orders of calls that are due, and how often.
 *
 * Orders are gathered by what is to be asked: those of one function and one market
 * are a group, however many calls they are of.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "ground/clock.h"
#include "limiter/limiter.h"
#include "worker/worker_asking.h"
#include "worker/worker_outbox.h"
#include "worker/worker_settlement.h"

/* What an asker takes at once, and how many rows are looked at for it. */
#define TAKEN_CALLS		200
#define TAKEN_ORDERS	500
#define TAKEN_ROWS		2000

/* Acts that were sent so long ago say that others will be. */
#define RECENT_US		USECS_PER_SEC

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
			group->create == create && og_same_text(group->market, market))
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
			result->sent_at != 0 ? result->sent_at
			: Max(head->submitted_at, head->not_before),
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
	const OgInstallation *installation = asking->installation;
	OgJournalCall head;
	UnknownResult *results;
	int			count;
	bool		found = og_journal_read_head(installation, call->call_id, &head);

	/* What each order was given is all that a list of new ones needs. */
	if (found && strcmp(head.operation, "create_order") == 0)
		found = og_journal_read(installation, call->call_id, &head);
	if (!found)
	{
		call->from = 0;			/* there is no more of it, either */
		return 0;
	}
	count = og_settlement_unknown(installation, call->call_id, &call->from,
								  most, rows, &results);
	for (int i = 0; i < count; i++)
		add_order(asking, call, &head, &results[i]);
	return count;
}

void
og_asking_read(Asking *asking)
{
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
has_acts(const OgAccount *account)
{
	Search		search = {account->serverid, false};

	og_outbox_lines(find_acts, &search);
	return search.found ||
		og_limiter_has_acts(og_account_names(account)->account, account->host,
							og_clock_now(),
							account->provider->counts_together ? 0 : RECENT_US);
}

void
og_asking_narrow(OgAccount *account, const OgPace *whole)
{
	account->query_rate_limit = *whole;
	if (!has_acts(account))
		return;
	account->query_rate_limit.nwindows = 0;
	og_pace_add_quarter(&account->query_rate_limit, whole);
	if (account->provider->counts_together)
	{
		OgPace		shared = {.nwindows = 0};

		og_pace_add(&shared, &account->rate_limit, OG_PER_KEY);
		og_pace_add_quarter(&account->query_rate_limit, &shared);
	}
}

void
og_asking_set_pace(Asking *asking)
{
	og_asking_narrow(asking->account, &asking->pace);
}
