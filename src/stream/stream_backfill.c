/*-------------------------------------------------------------------------
 *
 * stream_backfill.c
 *		Fills and trades that no stream has told: they are read.
 *
 * When a stream is live, all that may have been missed is read: fills in every
 * market, from its mark on, a minute earlier; and so it is again after some
 * seconds, a minute and some minutes, since the provider tells by its reads later
 * than by its streams; fills then each hour.  A market is complete up to when it
 * was read, less the time by which reads may lag.
 *
 * Trades are one market's, and taken as stream_merge.c says, or an event tells that
 * they are missing.
 *
 * Reads take a quarter of what the account's queries may have.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "gateway/gateway_read.h"
#include "ground/clock.h"
#include "provider/btse/provider_btse.h"
#include "stream/stream_append.h"
#include "stream/stream_market.h"
#include "worker/worker_account.h"

/* So much earlier than a mark is read, and so much reads may lag. */
#define EARLIER_US		(60 * USECS_PER_SEC)
#define LAG_US			(300 * USECS_PER_SEC)

/* Trades are not read from earlier than this. */
#define TRADES_US		USECS_PER_DAY

/* Records of one pass that are told not to be understood. */
#define MOST_STRANGE	10

/* When passes are made, from when the stream was live, in seconds. */
static const int fill_passes[] = {0, 10, 60, 300};
static const int trade_passes[] = {1, 10, 60, 300};

#define PASSES			((int) lengthof(fill_passes))
#define HOURLY_US		(3600 * USECS_PER_SEC)

#define UNMATCHED \
	"trades of this time are missing: what the provider answers about it does not hold the trades that have come by the stream"
#define TOO_LONG \
	"trades of this time are missing: they are not read from further back than a day"
#define NO_MARKET \
	"fills of this market were not read: the provider tells nothing of it"

typedef enum BackfillState
{
	BETWEEN_PASSES,
	LISTING,					/* which markets there are */
	READING,					/* a market */
	ADDING						/* trades that match */
} BackfillState;

typedef struct Backfill
{
	MemoryContext context;
	Appending  *append;
	Markets		markets;
	int			pass;			/* number of the next one, or of this one */
	int64		begun_at;		/* og_clock_now() */
	int64		due;			/* nothing is done before */
	int64		pause_us;
	TimestampTz lost_at;		/* of trades: they are missing from then on ... */
	TimestampTz live_since;		/* ... to then */
	bool		matched;		/* and were the same ones, once */

	/* a pass */
	BackfillState state;
	MemoryContext reading;
	OgAccount  *account;
	OgReader   *reader;
	OgRead		read;
	OgFields	arguments;
	int			market;
	bool		unlisted;		/* nobody knows which markets there are */
	int			nstrange;
	TimestampTz from;			/* the earliest that it reads */
	TimestampTz pass_at;		/* when it was begun */
	TimestampTz asked_at;		/* when the market is asked for */
	int64		ahead_ms;		/* so much the provider's clock is ahead */
} Backfill;

static bool
is_trades(const Backfill *backfill)
{
	return backfill->append->stream->wish.kind == OG_STREAM_TRADES;
}

/* ---------- markets ---------- */

static void
take_market(void *owner, const OgRecord *record)
{
	Backfill   *backfill = owner;
	const OgColumn *columns = backfill->read.operation->columns;

	og_market_see(&backfill->markets,
				  record->values[og_column(columns, "symbol")]);
}

/* Where something was filled, more may have been, whatever markets are listed. */
void
og_backfill_see(Appending *append, const OgSlice *values)
{
	const OgColumn *shape = og_append_shape(append->stream->wish.kind);

	if (append->backfill != NULL)
		og_market_see(&append->backfill->markets,
					  values[og_column(shape, "symbol")]);
}

static Market *
current_market(const Backfill *backfill)
{
	return og_market_get(&backfill->markets, backfill->market);
}

/* ---------- beginning and end ---------- */

void
og_backfill_begin(Appending *append)
{
	MemoryContext context = AllocSetContextCreate(append->context,
												  "order_gateway backfill",
												  ALLOCSET_SMALL_SIZES);
	Backfill   *backfill = MemoryContextAllocZero(context, sizeof(Backfill));

	og_backfill_stop(append);
	backfill->context = context;
	backfill->append = append;
	backfill->begun_at = og_clock_now();
	backfill->lost_at = append->lost_at;
	backfill->live_since = append->live_since;
	append->backfill = backfill;
	backfill->markets.context = context;
	og_market_begin(&backfill->markets, append);
	if (is_trades(backfill) && append->lost_at == 0)
	{
		/* Nobody has followed them before. */
		append->passed = true;
		append->passed_at = append->added;
		append->proved_until = DT_NOEND;
		backfill->due = PG_INT64_MAX;
	}
	else if (is_trades(backfill))
		backfill->due = backfill->begun_at + trade_passes[0] * USECS_PER_SEC;
}

static void
stop_reading(Backfill *backfill)
{
	if (backfill->reader != NULL)
		og_reader_close(backfill->reader);
	backfill->reader = NULL;
	if (backfill->reading != NULL)
		MemoryContextDelete(backfill->reading);
	backfill->reading = NULL;
}

void
og_backfill_stop(Appending *append)
{
	Backfill   *backfill = append->backfill;

	if (backfill == NULL)
		return;
	if (is_trades(backfill))
		og_merge_end(append);
	stop_reading(backfill);
	MemoryContextDelete(backfill->context);
	append->backfill = NULL;
}

/* ---------- a pass ---------- */

/* Nobody is told what a session would hear. */
static const OgWitness deaf = {.hear = NULL};

static void
open_account(void *arg)
{
	Backfill   *backfill = arg;
	const Stream *stream = backfill->append->stream;
	MemoryContext old = MemoryContextSwitchTo(backfill->reading);
	OgPace		whole;

	backfill->account = og_account_open_as(stream->wish.roleid,
										   stream->party->server, &og_btse,
										   stream->party->is_private);
	whole = backfill->account->query_rate_limit;
	backfill->account->query_rate_limit.nwindows = 0;
	og_pace_add_quarter(&backfill->account->query_rate_limit, &whole);
	backfill->account->call_timeout = backfill->account->max_wait = 0;
	MemoryContextSwitchTo(old);
}

static void
put_off(Backfill *backfill)
{
	backfill->pause_us = og_longer_pause(backfill->pause_us);
	backfill->due = og_clock_now() + backfill->pause_us;
}

static void
show_failure(Backfill *backfill, const char *why)
{
	og_stream_set_error(backfill->append->stream,
						psprintf("what was missed could not be read: %s", why));
	stop_reading(backfill);
}

/* It is tried again after a pause, from where it was. */
static void
fail(Backfill *backfill, const char *why)
{
	show_failure(backfill, why);
	if (is_trades(backfill))
		og_merge_end(backfill->append);
	put_off(backfill);
}

static void
begin_pass(Backfill *backfill)
{
	bool		listed = backfill->append->stream->wish.symbol == NULL;

	backfill->market = 0;
	backfill->unlisted = false;
	backfill->nstrange = 0;
	backfill->from = backfill->pass_at = GetCurrentTimestamp();
	backfill->state = listed ? LISTING : READING;
}

static int64
next_due(const Backfill *backfill)
{
	const int  *passes = is_trades(backfill) ? trade_passes : fill_passes;

	if (backfill->pass < PASSES)
		return backfill->begun_at + passes[backfill->pass] * USECS_PER_SEC;
	return is_trades(backfill) ? PG_INT64_MAX : og_clock_now() + HOURLY_US;
}

/*
 * Reads may lag behind what has happened: so a pass proves what was so long before it
 * was begun, and one that is begun so long after the stream was live all of it.
 */
static void
prove(Backfill *backfill, bool was_taken)
{
	Appending  *append = backfill->append;

	if (backfill->pass >= PASSES)
		append->proof_until = DT_NOEND;
	else if (was_taken)
		append->proof_until = backfill->pass_at + backfill->ahead_ms * 1000 - LAG_US;
	append->proof_at = append->added;
}

/* What it came to is told when its rows are written. */
static void
end_pass(Backfill *backfill)
{
	Appending  *append = backfill->append;
	bool		was_taken = !is_trades(backfill) || backfill->state == ADDING;

	stop_reading(backfill);
	backfill->state = BETWEEN_PASSES;
	if (backfill->unlisted)
	{
		/* Those that are known were read; others may be missing. */
		put_off(backfill);
		return;
	}
	backfill->pass++;
	backfill->pause_us = 0;
	backfill->due = next_due(backfill);
	append->read_from = backfill->from;
	append->read_until = GetCurrentTimestamp();
	append->read_at = append->added;
	prove(backfill, was_taken);
	if (append->passed)
		return;
	append->passed = true;
	append->passed_at = append->added;
}

/* ---------- what is read of a market ---------- */

static void
tell_strange(Backfill *backfill, const char *problem, OgSlice raw)
{
	if (backfill->nstrange++ >= MOST_STRANGE)
		return;
	og_stream_tell(&(StreamEvent) {
		.event = "unexpected",
		.stream = backfill->append->stream,
		.message = psprintf("the provider answered a record that %s", problem),
		.raw = raw
	});
}

static void
take_record(void *owner, const OgRecord *record)
{
	Backfill   *backfill = owner;
	Appending  *append = backfill->append;
	OgSlice		values[OG_MAX_COLUMNS];
	const char *problem = og_btse_stream_of_read(append->stream->wish.kind,
												 record->values, values);

	if (problem != NULL)
		tell_strange(backfill, problem, record->raw);
	else if (is_trades(backfill))
		og_merge_take(append, values, record->raw);
	else
		(void) og_queue_add(append, values, record->raw, true);
}

/* A moment of ours, as the provider's clock has it. */
static int64
provider_ms(const Backfill *backfill, TimestampTz at)
{
	return og_unix_ms(at) + Max(backfill->ahead_ms, 0);
}

static void
set_read(Backfill *backfill)
{
	const Market *market = current_market(backfill);
	TimestampTz from = market->until - EARLIER_US;

	if (is_trades(backfill))
		from = Max(backfill->lost_at,
				   GetCurrentTimestamp() - TRADES_US) - EARLIER_US;
	backfill->from = Min(backfill->from, from);
	og_fields_add(&backfill->arguments, "symbol", market->symbol);
	if (!is_trades(backfill))
		og_fields_add(&backfill->arguments, "match_symbol", "true");
	og_fields_add(&backfill->arguments, "from_time",
				  psprintf(INT64_FORMAT, og_unix_ms(from)));
	og_fields_add(&backfill->arguments, "to_time",
				  psprintf(INT64_FORMAT,
						   provider_ms(backfill, GetCurrentTimestamp())));
}

static const char *
operation_of(const Backfill *backfill)
{
	if (backfill->state == LISTING)
		return "market_summary";
	return is_trades(backfill) ? "trades" : "trade_history";
}

static void
ask(void *arg)
{
	Backfill   *backfill = arg;
	const Stream *stream = backfill->append->stream;
	OgCaller	caller = {"btse_stream_start", stream->wish.roleid,
	stream->wish.roleid, &deaf};
	MemoryContext old = MemoryContextSwitchTo(backfill->reading);

	memset(&backfill->arguments, 0, sizeof(OgFields));
	if (backfill->state == READING)
		set_read(backfill);
	backfill->read = (OgRead)
	{
		.operation = og_provider_operation(&og_btse, operation_of(backfill)),
		.arguments = &backfill->arguments,
		.take = backfill->state == LISTING ? take_market : take_record,
		.owner = backfill
	};
	backfill->asked_at = GetCurrentTimestamp();
	if (is_trades(backfill))
		og_merge_begin(backfill->append);
	backfill->reader = og_reader_open(backfill->account,
									  backfill->read.operation, &caller, 0);
	og_reader_ask(backfill->reader, &backfill->read);
	MemoryContextSwitchTo(old);
}

/* Each read has an account of its own: the role's rights may have changed. */
static void
begin_read(Backfill *backfill)
{
	Trouble		trouble;

	backfill->reading = AllocSetContextCreate(backfill->context,
											  "order_gateway backfill read",
											  ALLOCSET_DEFAULT_SIZES);
	if (!og_try(open_account, backfill, &trouble) ||
		!og_try(ask, backfill, &trouble))
		fail(backfill, trouble.message);
}

/* ---------- a read is over ---------- */

/* What the provider will never tell is a hole. */
static bool
is_final(const OgFailure *failure)
{
	return failure->sqlstate == ERRCODE_INVALID_PARAMETER_VALUE ||
		failure->sqlstate == ERRCODE_NO_DATA;
}

static void
tell_absent(Backfill *backfill, Market *market)
{
	if (!market->absent)
		og_stream_tell(&(StreamEvent) {
			.event = "hole",
			.stream = backfill->append->stream,
			.symbol = market->symbol,
			.message = NO_MARKET,
			.from_time = market->until,
			.to_time = backfill->asked_at
		});
	market->absent = true;
}

/*
 * The market is complete up to when it was asked for, by the provider's clock; or an
 * event tells what it will never be.
 */
static void
end_market(Backfill *backfill)
{
	Market	   *market = current_market(backfill);
	TimestampTz until = backfill->asked_at + backfill->ahead_ms * 1000 - LAG_US;

	if (until > market->until || !market->marked)
	{
		market->until = Max(market->until, until);
		market->marked = true;
		og_queue_mark(backfill->append, market->symbol, market->until);
	}
	backfill->market++;
}

/* Trades that were read, and are taken, or not. */
static void
end_trades(Backfill *backfill)
{
	Appending  *append = backfill->append;
	TimestampTz earliest = GetCurrentTimestamp() - TRADES_US;
	bool		last = backfill->pass == PASSES - 1;

	if (og_merge_matches(append))
	{
		if (!backfill->matched && backfill->lost_at < earliest)
			og_stream_tell(&(StreamEvent) {
				.event = "hole", .stream = append->stream,
				.message = TOO_LONG,
				.from_time = backfill->lost_at, .to_time = earliest
			});
		backfill->matched = true;
		backfill->state = ADDING;
		return;
	}
	og_merge_end(append);
	if (last && !backfill->matched)
		og_stream_tell(&(StreamEvent) {
			.event = "hole", .stream = append->stream,
			.message = UNMATCHED,
			.from_time = backfill->lost_at, .to_time = backfill->live_since
		});
	if (last || backfill->matched)
		end_pass(backfill);
	else
	{
		backfill->state = BETWEEN_PASSES;
		backfill->pass++;
		backfill->due = next_due(backfill);
	}
}

static char *
words_of(const OgFailure *failure)
{
	return psprintf("server \"%s\" %s", failure->account->server,
					failure->what);
}

static void
end_read(Backfill *backfill)
{
	const OgFailure *failure = og_reader_failure(backfill->reader);
	int64		date_ms = og_reader_date_ms(backfill->reader);

	if (date_ms != 0)
	{
		backfill->ahead_ms = date_ms - og_unix_ms(GetCurrentTimestamp());
		backfill->append->behind_us = Max(-backfill->ahead_ms, 0) * 1000;
	}
	if (failure != NULL && backfill->state == LISTING)
	{
		show_failure(backfill, words_of(failure));
		backfill->unlisted = true;
		backfill->state = READING;
		return;
	}
	if (failure != NULL && (is_trades(backfill) || !is_final(failure)))
	{
		fail(backfill, words_of(failure));
		return;
	}
	if (failure != NULL)
		tell_absent(backfill, current_market(backfill));
	stop_reading(backfill);
	if (!backfill->unlisted)
		backfill->pause_us = 0;
	if (backfill->state == LISTING)
		backfill->state = READING;
	else if (is_trades(backfill))
		end_trades(backfill);
	else
		end_market(backfill);
}

/* ---------- a turn ---------- */

/* True if there is more to do at once. */
static bool
advance(Backfill *backfill, OgPause *pause)
{
	if (backfill->state == BETWEEN_PASSES)
		begin_pass(backfill);
	else if (backfill->state == ADDING)
	{
		if (!og_merge_add(backfill->append))
			return false;
		og_merge_end(backfill->append);
		end_pass(backfill);
	}
	else if (og_queue_is_long(backfill->append))
		return false;
	else if (backfill->reader != NULL)
	{
		if (!og_reader_advance(backfill->reader, pause))
			return false;
		end_read(backfill);
	}
	else if (backfill->state == READING && current_market(backfill) == NULL)
		end_pass(backfill);
	else
		begin_read(backfill);
	return true;
}

void
og_backfill_turn(Appending *append, OgPause *pause)
{
	Backfill   *backfill = append->backfill;

	if (backfill == NULL)
		return;
	while (og_clock_now() >= backfill->due)
	{
		if (!advance(backfill, pause))
		{
			if (og_queue_is_long(append))
				pause_until(pause, og_stream_loop.next_flush);
			return;
		}
	}
	if (backfill->due != PG_INT64_MAX)
		pause_until(pause, backfill->due);
}
