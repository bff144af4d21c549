/*-------------------------------------------------------------------------
 *
 * gateway_pace.c
 *		What the requests of an account count on.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "gateway/gateway_internal.h"

/* Count on one more lane of the key, by the windows of an option. */
static void
count_on(OgCounted *counted, OgLaneClass lane, const OgPace *option)
{
	OgLaneRules *rules = &counted->lanes[counted->nlanes++];

	rules->lane = lane;
	og_pace_add(&rules->pace, option, OG_PER_KEY);
	rules->shown = rules->pace;
}

/*
 * Whatever goes to a host counts there, and waits for what rate_limit says of
 * it; queries for what query_rate_limit says, too.
 */
static void
count_on_host(OgCounted *counted, const OgAccount *account, bool is_query)
{
	OgLaneRules *rules = &counted->lanes[counted->nlanes++];

	rules->lane = OG_LANE_HOST;
	og_pace_add(&rules->shown, &account->rate_limit, OG_PER_HOST);
	if (!is_query)
		rules->pace = rules->shown;
	og_pace_add(&rules->shown, &account->query_rate_limit, OG_PER_HOST);
	if (is_query)
		rules->pace = rules->shown;
}

/*
 * Does an operation without a key count on more than its host?  Then it is on
 * the limit of nobody, who is one account for all of this machine.  Not where
 * the provider counts users, nor if nothing is documented of it (see OG_PROBE).
 */
static bool
counts_on_nobody(const OgProvider *provider, const OgOperation *operation)
{
	return !provider->counts_together &&
		(operation->read != NULL || operation->read_records != NULL);
}

/*
 * What an operation counts on.  Where the provider counts all that is signed
 * together, a query does so on two lanes of the key: on that of queries, which
 * only we know, and on the provider's.
 */
static OgCounted
counted_by(const OgAccount *account, const OgOperation *operation)
{
	static const OgPace off = {.nwindows = 0};
	const OgProvider *provider = account->provider;
	bool		is_query = operation->kind != OG_ACT;
	bool		is_signed = operation->kind != OG_PUBLIC;
	OgCounted	counted = {
		.account = account->identity,
		.host = account->host,
		.serverid = account->serverid,
		.server = account->server,
		.needs_nonce = provider->needs_nonce
	};

	if (is_query)
		count_on(&counted, OG_LANE_QUERIES,
				 is_signed || counts_on_nobody(provider, operation)
				 ? &account->query_rate_limit : &off);
	if (!is_query || (is_signed && provider->counts_together))
		count_on(&counted, OG_LANE_ORDERS, &account->rate_limit);
	count_on_host(&counted, account, is_query);
	return counted;
}

/* All windows that count an operation. */
OgPace
og_pace_of(const OgAccount *account, const OgOperation *operation)
{
	OgCounted	counted = counted_by(account, operation);
	OgPace		pace = {.nwindows = 0};

	for (int i = 0; i < counted.nlanes; i++)
	{
		og_pace_add(&pace, &counted.lanes[i].pace, OG_PER_KEY);
		og_pace_add(&pace, &counted.lanes[i].pace, OG_PER_HOST);
	}
	return pace;
}

/* The lanes that count it. */
OgLimiter *
og_pace_limiter(const OgAccount *account, const OgOperation *operation)
{
	OgCounted	counted = counted_by(account, operation);

	return og_limiter_open(&counted);
}
