/*-------------------------------------------------------------------------
 *
 * worker_sweep_read.c
 *		Reading what an account has, in search of orders that were lost.
 *
 * First the markets are gathered that calls of the account name.  Then one read
 * after the other is made, as the account's role.  What a read tells is sifted as
 * it comes.  When there are many orders that have no results, or all was read,
 * these are compared with all calls, and who is left then is entered.  A read
 * that fails, or cannot be begun, begins all of it again after a pause.
 *
 * These are a few requests, once after a promotion.  While acts of the account
 * wait or are made, they take a quarter of what its queries may have; and they
 * have no end but that of what there is to be read.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_authid.h"
#include "foreign/foreign.h"
#include "mb/pg_wchar.h"
#include "utils/memutils.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

#include "ground/clock.h"
#include "worker/worker_account.h"
#include "worker/worker_asking.h"
#include "worker/worker_sweep.h"
#include "worker/worker_table.h"
#include "worker/worker_turn.h"

/* The longest pause between two attempts. */
#define LONGEST_PAUSE_US	(10 * USECS_PER_MINUTE)

/* So much less than what the provider knows is asked for, as time goes on. */
#define SHORTER_MS		INT64CONST(10000)

#define MS_PER_DAY		(SECS_PER_DAY * INT64CONST(1000))

/* A step of the database's; one that failed is tried again in a second. */
static bool
succeeds(Sweeping *sweeping, Step step)
{
	Trouble		trouble;

	if (og_try(step, sweeping, &trouble))
		return true;
	og_trouble_show(&trouble);
	sweeping->next_try = og_clock_now() + USECS_PER_SEC;
	return false;
}

/* As much of a text as there is room for. */
static void
take_words(char words[OG_LAST_ERROR], const char *text)
{
	int			len = pg_mbcliplen(text, (int) strlen(text),
								   OG_LAST_ERROR - 1);

	memmove(words, text, len);
	words[len] = '\0';
}

void
og_sweeping_stop(Sweeping *sweeping)
{
	if (sweeping->reading == NULL)
		return;
	if (sweeping->reader != NULL)
		og_reader_close(sweeping->reader);
	sweeping->reader = NULL;
	MemoryContextDelete(sweeping->reading);
	sweeping->reading = NULL;
}

/* ---------- what is read ---------- */

/* An open order may have others beside it. */
static void
note_market(Sweeping *sweeping, OgSlice symbol)
{
	char	   *market;

	if (!og_is_id(symbol))
		return;
	market = og_json_text(symbol, (int) symbol.len);
	(void) og_keys_add(sweeping->markets, og_slice_of(market));
	pfree(market);
}

/* An order, as a read tells of it; what has traded was not cancelled before. */
static void
take_order(void *owner, const OgRecord *record)
{
	Sweeping   *sweeping = owner;
	const OgColumn *columns = sweeping->read.operation->columns;
	const OgInquiry *inquiry = sweeping->account->provider->inquiries;
	int			filled = inquiry->filled == NULL ? -1
		: og_column(columns, inquiry->filled);
	int			symbol = og_column(columns, "symbol");
	int			side = og_column(columns, "side");
	bool		is_open = sweeping->number == 0;
	SeenOrder	order = {
		.client_order_id = record->values[og_column(columns, "client_order_id")],
		.raw = record->raw,
		.state = OG_ORDER_PARTLY_FILLED
	};

	if (is_open && (filled < 0 || !og_is_positive(record->values[filled])))
		order.state = OG_ORDER_OPEN;
	if (symbol >= 0)
		order.symbol = record->values[symbol];
	if (symbol >= 0 && is_open)
		note_market(sweeping, order.symbol);
	if (side >= 0)
		order.side = record->values[side];
	og_suspects_see(sweeping->suspects, &order);
}

static void
hear(void *owner, const OgNews *news)
{
	if (news->kind == OG_NEWS_DOUBT)
		ereport(LOG,
				(errmsg("order_gateway: there may be more orders at server \"%s\" than it told",
						news->account->server),
				 errdetail("%s", news->text)));
}

/* For as many days as the provider knows what this read tells. */
static int
days_of(const OgProvider *provider, const char *operation)
{
	for (const OgInquiry *each = provider->inquiries; each->operation != NULL;
		 each++)
	{
		if (strcmp(each->operation, operation) == 0)
			return each->days;
	}
	return 0;
}

static void
set_read(Sweeping *sweeping)
{
	const OgProvider *provider = sweeping->account->provider;
	const OgSweepRead *read = &og_sweep_reads[sweeping->number];
	int64		now_ms = og_unix_ms(GetCurrentTimestamp());
	int			days = days_of(provider, read->operation);

	memset(&sweeping->arguments, 0, sizeof(OgFields));
	if (read->by_market)
	{
		OgSlice		market = og_keys_get(sweeping->markets, sweeping->market);

		og_fields_add(&sweeping->arguments, "symbol",
					  pnstrdup(market.data, market.len));
		og_fields_add(&sweeping->arguments, "match_symbol", "true");
	}
	if (days > 0)
	{
		og_fields_add(&sweeping->arguments, "from_time",
					  psprintf(INT64_FORMAT,
							   now_ms - days * MS_PER_DAY + SHORTER_MS));
		og_fields_add(&sweeping->arguments, "to_time",
					  psprintf(INT64_FORMAT, now_ms));
	}
	sweeping->read = (OgRead)
	{
		.operation = og_provider_operation(provider, read->operation),
		.arguments = &sweeping->arguments,
		.take = take_order,
		.owner = sweeping
	};
}

/* Each read is opened by itself, since the pace may have to be another one. */
static void
ask_step(void *arg)
{
	static const OgWitness witness = {.hear = hear};
	Sweeping   *sweeping = arg;
	OgCaller	caller = {"order_gateway_sweep", sweeping->row.roleid,
	sweeping->row.roleid, &witness, sweeping};
	MemoryContext old = MemoryContextSwitchTo(sweeping->reading);

	set_read(sweeping);
	og_asking_narrow(sweeping->account, &sweeping->pace);
	sweeping->reader = og_reader_open(sweeping->account,
									  sweeping->read.operation, &caller, 0);
	og_reader_ask(sweeping->reader, &sweeping->read);
	MemoryContextSwitchTo(old);
}

/* ---------- beginning ---------- */

/* What a server is called now; NULL if it, or the role, does not exist. */
static const char *
find_server(Sweeping *sweeping)
{
	const ForeignServer *server =
		GetForeignServerExtended(sweeping->row.serverid, FSV_MISSING_OK);

	if (!SearchSysCacheExists1(AUTHOID,
							   ObjectIdGetDatum(sweeping->row.roleid)))
	{
		take_words(sweeping->problem,
				   psprintf("role \"%s\" does not exist any more",
							NameStr(sweeping->row.role)));
		return NULL;
	}
	if (server == NULL)
		take_words(sweeping->problem,
				   psprintf("server \"%s\" does not exist any more",
							NameStr(sweeping->row.server)));
	return server == NULL ? NULL : server->servername;
}

static void
open_account(Sweeping *sweeping, const char *server)
{
	const OgProvider *provider = og_account_provider(server);
	const OgOperation *create = og_sweep_create(provider);
	MemoryContext old;

	if (create == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("orders of provider \"%s\" cannot be looked for",
						provider->name)));
	old = MemoryContextSwitchTo(sweeping->reading);
	sweeping->account = og_account_open_as(sweeping->row.roleid, server,
										   provider, true);

	/* However long it takes: nobody waits for it. */
	sweeping->account->call_timeout = sweeping->account->max_wait = 0;
	sweeping->pace = sweeping->account->query_rate_limit;
	sweeping->suspects = og_suspects_create(sweeping->installation,
											&sweeping->row, create, provider,
											sweeping->reading);
	sweeping->markets = og_keys_create();
	MemoryContextSwitchTo(old);
}

static void
begin_step(void *arg)
{
	Sweeping   *sweeping = arg;
	const char *server = find_server(sweeping);

	sweeping->rows = og_account_rows(sweeping->row.serverid,
									 sweeping->row.roleid);
	sweeping->gone = server == NULL;
	if (!sweeping->gone)
		open_account(sweeping, server);
}

/* ---------- ends ---------- */

static void
save_step(void *arg)
{
	Sweeping   *sweeping = arg;

	og_sweeps_need_locks();
	if (!og_sweep_save(sweeping->installation, &sweeping->row))
		sweeping->is_over = true;
}

/* Why it is begun again, after a pause; that is told once for each reason. */
static void
fail(Sweeping *sweeping, const char *why)
{
	char		problem[OG_LAST_ERROR];

	og_sweeping_stop(sweeping);
	take_words(problem, why);
	if (sweeping->row.problem == NULL ||
		strcmp(sweeping->problem, problem) != 0)
	{
		take_words(sweeping->problem, problem);
		sweeping->row.problem = sweeping->problem;
		ereport(LOG,
				(errmsg("order_gateway: orders at server \"%s\" could not be read, and are read again: %s",
						NameStr(sweeping->row.server), problem)));
		(void) succeeds(sweeping, save_step);
	}
	sweeping->pause_us = Min(Max(2 * sweeping->pause_us, USECS_PER_SEC),
							 LONGEST_PAUSE_US);
	sweeping->next_try = og_clock_now() + sweeping->pause_us;
}

static void
fail_reading(Sweeping *sweeping, const OgFailure *failure)
{
	fail(sweeping, psprintf("server \"%s\" %s", failure->account->server,
							failure->what));
}

static void
tell_end(const Sweeping *sweeping)
{
	ereport(LOG,
			(errmsg("order_gateway: orders of role \"%s\" at server \"%s\" were looked for, and %lld found that the journal did not know",
					NameStr(sweeping->row.role), NameStr(sweeping->row.server),
					(long long) sweeping->row.found),
			 sweeping->row.problem != NULL
			 ? errdetail("Not all was read: %s.", sweeping->row.problem) : 0));
}

/* All was read, or never will be. */
static void
finish(Sweeping *sweeping)
{
	if (!sweeping->gone)
		take_words(sweeping->problem, sweeping->omission);
	sweeping->row.problem = sweeping->problem[0] != '\0' ? sweeping->problem
		: NULL;
	sweeping->row.done_at = GetCurrentTimestamp();
	if (!succeeds(sweeping, save_step))
		return;
	if (!sweeping->is_over)
		tell_end(sweeping);
	sweeping->is_over = true;
}

void
og_sweeping_begin(Sweeping *sweeping)
{
	Trouble		trouble;

	sweeping->reading = AllocSetContextCreate(sweeping->context,
											  "order_gateway sweep, reading",
											  ALLOCSET_DEFAULT_SIZES);
	sweeping->reader = NULL;
	sweeping->passed = false;
	sweeping->number = -1;
	sweeping->next_call = PG_INT64_MIN;
	sweeping->omission[0] = '\0';
	if (!og_try(begin_step, sweeping, &trouble))
		fail(sweeping, trouble.message);
}

/* ---------- what was read ---------- */

static void
markets_step(void *arg)
{
	Sweeping   *sweeping = arg;

	og_sweeps_need_locks();
	sweeping->gathered = og_sweep_markets(sweeping->installation, &sweeping->row,
										  &sweeping->next_call,
										  sweeping->markets);
}

static void
sift_step(void *arg)
{
	og_sweeps_need_locks();
	og_suspects_sift(((Sweeping *) arg)->suspects);
}

static void
pass_step(void *arg)
{
	Sweeping   *sweeping = arg;

	og_sweeps_need_locks();
	sweeping->passed = og_suspects_pass(sweeping->suspects);
}

/* Not if it is wanted from the beginning, or belongs to what is gone. */
static void
enter_step(void *arg)
{
	Sweeping   *sweeping = arg;

	save_step(sweeping);
	if (sweeping->is_over)
		return;
	og_suspects_enter(sweeping->suspects, &sweeping->row);
	save_step(sweeping);
}

/* Those who are left are compared with all calls, and entered. */
static void
examine(Sweeping *sweeping)
{
	int64		found = sweeping->row.found;

	if (!sweeping->passed)
		(void) succeeds(sweeping, pass_step);
	else if (og_suspects_count(sweeping->suspects) == 0)
		sweeping->passed = false;
	else if (!succeeds(sweeping, enter_step))
		sweeping->row.found = found;
	else if (!sweeping->is_over)
		og_suspects_tell(sweeping->suspects);
}

/* Which read is next?  False: there is none any more. */
static bool
find_next(Sweeping *sweeping)
{
	const OgSweepRead *read = &og_sweep_reads[Max(sweeping->number, 0)];

	if (sweeping->number < 0 || !read->by_market ||
		++sweeping->market >= sweeping->markets->nkeys)
	{
		sweeping->market = 0;
		read = &og_sweep_reads[++sweeping->number];
	}
	return read->operation != NULL &&
		!(read->by_market && sweeping->markets->nkeys == 0);
}

static void
ask_next(Sweeping *sweeping)
{
	Trouble		trouble;

	if (sweeping->reader != NULL)
		og_reader_close(sweeping->reader);
	sweeping->reader = NULL;
	if (find_next(sweeping) && !og_try(ask_step, sweeping, &trouble))
		fail(sweeping, trouble.message);
}

/*
 * Calls may name a market that does not exist, or no more: the others are read
 * all the same.
 */
static bool
is_no_market(const Sweeping *sweeping, const OgFailure *failure)
{
	return og_sweep_reads[sweeping->number].by_market &&
		(failure->sqlstate == ERRCODE_INVALID_PARAMETER_VALUE ||
		 failure->sqlstate == ERRCODE_NO_DATA);
}

static void
leave_out(Sweeping *sweeping)
{
	OgSlice		market = og_keys_get(sweeping->markets, sweeping->market);

	if (sweeping->omission[0] == '\0')
		take_words(sweeping->omission,
				   psprintf("the provider tells nothing of market \"%.*s\"",
							(int) market.len, market.data));
}

static void
go_on(Sweeping *sweeping)
{
	const OgFailure *failure = og_reader_failure(sweeping->reader);

	if (failure != NULL && !is_no_market(sweeping, failure))
	{
		fail_reading(sweeping, failure);
		return;
	}
	if (failure != NULL)
		leave_out(sweeping);
	ask_next(sweeping);
}

/* Before anything is asked: which markets do calls name? */
static void
gather_markets(Sweeping *sweeping)
{
	Trouble		trouble;

	if (!og_try(markets_step, sweeping, &trouble))
		fail(sweeping, trouble.message);
	else if (sweeping->gathered)
		ask_next(sweeping);
}

/* What the reader has, and whatever it is asked next. */
static bool
read_on(Sweeping *sweeping, OgPause *pause)
{
	OgPause		own = {0, OG_WAIT_NONE};
	bool		more = og_reader_advance(sweeping->reader, &own);

	if (more)
		go_on(sweeping);
	else
		og_pause_merge(pause, &own);
	if (sweeping->reading != NULL && og_suspects_are_new(sweeping->suspects))
		(void) succeeds(sweeping, sift_step);
	return more;
}

bool
og_sweeping_advance(Sweeping *sweeping, OgPause *pause)
{
	bool		more = true;

	if (sweeping->gone)
		finish(sweeping);
	else if (sweeping->number < 0)
		gather_markets(sweeping);
	else if (sweeping->passed || og_suspects_are_many(sweeping->suspects) ||
			 (sweeping->reader == NULL &&
			  og_suspects_count(sweeping->suspects) > 0))
		examine(sweeping);
	else if (sweeping->reader == NULL)
		finish(sweeping);
	else
		more = read_on(sweeping, pause);
	return more;
}
