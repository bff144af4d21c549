/*-------------------------------------------------------------------------
 *
 * worker_beat.c
 *		One beat: its row, its request, and what it comes to.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "access/xlog.h"
#include "catalog/objectaddress.h"
#include "miscadmin.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "ground/clock.h"
#include "ground/compat.h"
#include "monitor/stats.h"
#include "worker/worker_account.h"
#include "worker/worker_beat.h"
#include "worker/worker_internal.h"
#include "worker/worker_table.h"
#include "worker/worker_turn.h"

/* What a request that stops the timer may take. */
#define STOP_MS				5000

/* Between two beats of which the first was not accepted: doubled, from here. */
#define FIRST_PAUSE_US		INT64CONST(100000)
#define LONGEST_PAUSE_US	USECS_PER_MINUTE

/* The standbys are asked again: soon, and then less and less often. */
#define STANDBY_FIRST_US	INT64CONST(500)
#define STANDBY_LAST_US		INT64CONST(50000)

/* How a provider says that it does not know us, or that we may not. */
#define HTTP_UNAUTHORIZED	401
#define HTTP_FORBIDDEN		403

static const char *const AWAITS_STANDBYS =
"the synchronous standbys do not have its row";
static const char *const HELD_UP =
"the worker made no beat: it was held up, or could not write";

/* How long a beat may take, in milliseconds. */
int
og_beat_deadline_ms(const Beat *beat)
{
	return beat_is_to_stop(beat) ? STOP_MS
		: (int) (beat->row.wish.timeout_ms / TRIES_IN_TIMEOUT);
}

/* ---------- words ---------- */

/* What the row says of the last beat. */
void
og_beat_set_words(Beat *beat, const char *code, const char *message)
{
	MemoryContext words = AllocSetContextCreate(beat->context,
												"order_gateway words",
												ALLOCSET_SMALL_SIZES);

	beat->row.code = code ? MemoryContextStrdup(words, code) : NULL;
	beat->row.message = message ? MemoryContextStrdup(words, message) : NULL;
	if (beat->words != NULL)
		MemoryContextDelete(beat->words);
	beat->words = words;
}

/* Why nothing was accepted lately. */
static const char *
reason(const Beat *beat)
{
	const OgHeartbeat *row = &beat->row;

	if (!row->has_outcome || row->outcome == OG_ACCEPTED)
		return HELD_UP;
	return row->message ? row->message : og_verdict_name(row->outcome);
}

static void
tell_armed(const Beat *beat)
{
	ereport(LOG,
			(errmsg("order_gateway: the heartbeat of role \"%s\" at server \"%s\" is armed",
					beat->row.wish.role, beat->row.wish.server),
			 errdetail("The provider cancels all open orders of the account %lld ms after the last beat.",
					   (long long) (beat->runs_us / 1000))));
}

static void
tell_failure(const Beat *beat)
{
	ereport(LOG,
			(errmsg("order_gateway: a beat of role \"%s\" at server \"%s\" failed: %s",
					beat->row.wish.role, beat->row.wish.server, reason(beat)),
			 errdetail("It is tried again.")));
}

void
og_beat_tell_late(const Beat *beat)
{
	ereport(WARNING,
			(errmsg("order_gateway: the heartbeat of role \"%s\" at server \"%s\" is late: %s",
					beat->row.wish.role, beat->row.wish.server, reason(beat)),
			 errdetail("The provider cancels all open orders of the account at %s.",
					   timestamptz_to_str(beat->row.fires_at))));
}

void
og_beat_tell_fired(const Beat *beat)
{
	ereport(WARNING,
			(errmsg("order_gateway: the timer of the heartbeat of role \"%s\" at server \"%s\" has run out: %s",
					beat->row.wish.role, beat->row.wish.server, reason(beat)),
			 errdetail("The provider has cancelled all open orders of the account.")));
}

static void
tell_lost(const Beat *beat)
{
	ereport(WARNING,
			(errmsg("order_gateway: the heartbeat of role \"%s\" at server \"%s\" is lost: %s",
					beat->row.wish.role, beat->row.wish.server, reason(beat)),
			 beat->renewed != 0
			 ? errdetail("It has no further beats: the provider cancels all open orders of the account at %s.",
						 timestamptz_to_str(beat->row.fires_at))
			 : errdetail("It has no further beats."),
			 errhint("When that is mended, call btse_heartbeat_start() again.")));
}

/* ---------- the end of a beat ---------- */

static void
rest(Beat *beat, int64 due)
{
	beat->state = BEAT_RESTING;
	beat->due = due;
	beat->changed = true;
}

static void
note_outcome(Beat *beat, OgVerdict outcome, const char *code,
			 const char *message)
{
	og_beat_set_words(beat, code, message);
	beat->row.has_outcome = true;
	beat->row.outcome = outcome;
	beat->row.answered = beat->row.beats;
	beat->row.crashes = 0;
}

/* It was not accepted, or not sent at all: another one follows. */
static void
fail(Beat *beat, OgVerdict outcome, const char *code, const char *message)
{
	int64		longest = Min(og_beat_deadline_ms(beat) * INT64CONST(1000),
							  LONGEST_PAUSE_US);
	bool		first = beat->pause_us == 0;

	note_outcome(beat, outcome, code, message);
	og_workers_show_error(reason(beat));
	if (first)
		tell_failure(beat);
	beat->pause_us = Min(Max(2 * beat->pause_us, FIRST_PAUSE_US), longest);
	rest(beat, og_clock_now() + beat->pause_us);
}

void
og_beat_lose(Beat *beat, OgVerdict outcome, const char *code, const char *message)
{
	note_outcome(beat, outcome, code, message);
	og_workers_show_error(reason(beat));
	beat->row.obeyed = beat->row.wish.number;
	beat->row.lost = true;
	tell_lost(beat);
	rest(beat, og_clock_now());
}

static void
accept(Beat *beat, const OgRow *answer)
{
	OgHeartbeat *row = &beat->row;

	note_outcome(beat, OG_ACCEPTED, NULL, answer->outcome->message);
	beat->pause_us = 0;
	beat->told_late = false;
	if (beat->sent_ms == 0)
	{
		row->armed_at = row->fires_at = 0;
		beat->renewed = 0;
		beat->ended = row->wish.number == beat->sent_wish;
		rest(beat, og_clock_now());
		return;
	}
	row->renewed_at = answer->sent_at;
	row->fires_at = TimestampTzPlusMilliseconds(answer->sent_at,
												beat->sent_ms);
	beat->runs_us = beat->sent_ms * 1000;
	if (beat->renewed == 0)
	{
		row->armed_at = answer->sent_at;
		tell_armed(beat);
	}
	beat->renewed = beat->opened;
	rest(beat, row->wish.number == beat->sent_wish
		 ? beat->opened + beat->runs_us / BEATS_IN_TIMEOUT : og_clock_now());
}

/*
 * What the provider refuses for want of a right, or of a key that it knows, it
 * would refuse again; not so where only the order of requests was wrong.
 */
static bool
is_refused(const Beat *beat, const OgRow *answer)
{
	return beat->row.wish.number == beat->sent_wish &&
		answer->outcome->verdict == OG_REJECTED && !answer->unprocessed &&
		(answer->http_status == HTTP_UNAUTHORIZED ||
		 answer->http_status == HTTP_FORBIDDEN);
}

/*
 * A beat is one call, and no order: what became of it counts only where the timer
 * was set, so that nobody looks for orders that are unknown.
 */
static void
count(const Beat *beat, const OgOutcome *outcome)
{
	OgStatsCounters counters = {.calls = 1};

	counters.ids[OG_ACCEPTED] = outcome->verdict == OG_ACCEPTED;
	og_stats_add(beat->account->serverid, beat->account->server,
				 beat->row.wish.function, &counters);
}

static void
take_answer(Beat *beat, const OgRow *answer)
{
	const OgOutcome *outcome = answer->outcome;

	count(beat, outcome);
	if (outcome->verdict == OG_ACCEPTED)
		accept(beat, answer);
	else if (is_refused(beat, answer))
		og_beat_lose(beat, outcome->verdict, outcome->code, outcome->message);
	else
		fail(beat, outcome->verdict, outcome->code, outcome->message);
}

void
og_beat_close(Beat *beat)
{
	if (beat->call != NULL)
		og_call_close(beat->call);
	beat->call = NULL;
	if (beat->request != NULL)
		MemoryContextDelete(beat->request);
	beat->request = NULL;
}

/* ---------- its row ---------- */

static void
save(void *arg)
{
	const Beat *beat = arg;

	og_heartbeats_need_locks(RowExclusiveLock);
	if (beat->ended)
		og_heartbeat_remove(&beat->installation, &beat->row);
	else
		og_heartbeat_save(&beat->installation, &beat->row);
}

/* Where that fails it is tried again, at the latest with the next beat. */
void
og_beat_write(Beat *beat, OgPause *pause)
{
	Trouble		trouble;

	if (og_try(save, beat, &trouble))
	{
		beat->changed = false;
		return;
	}
	og_trouble_show(&trouble);
	beat->next_write = og_clock_now() + HEARTBEAT_AGAIN_US;
	og_pause_until(pause, beat->next_write);
}

static void
save_beat(void *arg)
{
	Beat	   *beat = arg;

	og_heartbeats_need_locks(RowExclusiveLock);

	/* Who wants it stopped has committed that. */
	if (!beat_is_to_stop(beat))
		og_writable_check(beat->row.wish.roleid, beat->row.wish.role);
	og_heartbeat_save(&beat->installation, &beat->row);
	og_heartbeat_forget_wishes(&beat->installation, &beat->row);
}

void
og_beat_begin(Beat *beat)
{
	OgHeartbeat before = beat->row;
	Trouble		trouble;

	beat->row.obeyed = beat->row.wish.number;
	beat->row.beats++;
	beat->row.beat_at = GetCurrentTimestamp();
	if (og_try(save_beat, beat, &trouble))
	{
		beat->changed = false;
		beat->state = BEAT_COMMITTED;
		beat->end = XactLastCommitEnd;
		beat->committed = og_clock_now();
		return;
	}
	beat->row = before;
	fail(beat, OG_NOT_SENT, NULL, trouble.message);
}

/* One that waits for longer than a beat may take says so, once. */
void
og_beat_await(Beat *beat, OgPause *pause)
{
	int64		now = og_clock_now();
	int64		waits = now - beat->committed;

	if (waits > og_beat_deadline_ms(beat) * INT64CONST(1000) &&
		beat->row.answered < beat->row.beats)
	{
		note_outcome(beat, OG_NOT_SENT, NULL, AWAITS_STANDBYS);
		og_beat_write(beat, pause);
	}
	og_pause_until(pause, now + Min(Max(waits / 4, STANDBY_FIRST_US),
								 STANDBY_LAST_US));
}

/* ---------- its request ---------- */

static bool
may_leave(void *owner, const int *keys, int nkeys)
{
	const Beat *beat = owner;

	return og_clock_now() < beat->deadline;
}

static const OgWitness witness = {
	.may_leave = may_leave
};

/* May the role still do it?  Errors: 42704, 42501. */
static void
check_rights(const OgWish *wish)
{
	char	   *name = get_func_name(wish->functionid);

	og_account_need_role(wish->roleid, wish->role);
	if (name == NULL || strcmp(name, wish->function) != 0 ||
		get_func_namespace(wish->functionid) != og_table_schema())
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_FUNCTION),
				 errmsg("function %s() does not exist any more",
						wish->function)));
	if (og_function_aclcheck(wish->functionid, wish->roleid) != ACLCHECK_OK)
		aclcheck_error(ACLCHECK_NO_PRIV, OBJECT_FUNCTION, wish->function);
}

/* Its account, with bounds of the beat's own. */
static OgAccount *
open_account(const Beat *beat)
{
	const OgWish *wish = &beat->row.wish;
	int			most_ms = og_beat_deadline_ms(beat);
	ForeignServer *server = og_account_need_server(wish->serverid,
												   wish->server);
	OgAccount  *account;

	account = og_account_open_as(wish->roleid, server->servername,
								 og_account_provider(server->servername), true);
	account->call_timeout = most_ms;
	account->timeout = Min(account->timeout, most_ms);
	account->connect_timeout = Min(account->connect_timeout, most_ms);
	account->max_wait = 0;
	return account;
}

static OgCall *
open_call(Beat *beat, OgAccount *account)
{
	const OgWish *wish = &beat->row.wish;
	OgCaller	caller = {.function = wish->function,.role = wish->roleid,
		.session_role = wish->roleid,.witness = &witness,.owner = beat,
	.in_rounds = true,.urgent = true};
	const OgOperation *operation =
		og_provider_operation(account->provider, OG_HEARTBEAT_OPERATION);
	OgFields   *arguments = palloc0(sizeof(OgFields));
	OgKeys	   *keys = og_keys_create();
	char	   *timeout = psprintf(INT64_FORMAT, wish->timeout_ms);

	if (operation == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("provider \"%s\" has no act \"%s\"",
						account->provider->name, OG_HEARTBEAT_OPERATION)));
	og_fields_add(arguments, OG_HEARTBEAT_ARGUMENT, timeout);
	(void) og_keys_add(keys, og_slice_of(timeout));
	og_keys_finish(keys);
	beat->opened = og_clock_now();
	beat->deadline = beat->opened + og_beat_deadline_ms(beat) * INT64CONST(1000);
	beat->sent_wish = wish->number;
	beat->sent_ms = wish->timeout_ms;
	return og_call_open(account, operation, arguments, keys, &caller);
}

/* In the transaction's memory until all is well. */
static void
open_request(void *arg)
{
	Beat	   *beat = arg;
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext,
												  "order_gateway beat",
												  ALLOCSET_SMALL_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	OgAccount  *account;
	OgCall	   *call;

	check_rights(&beat->row.wish);
	account = open_account(beat);
	call = open_call(beat, account);
	MemoryContextSwitchTo(old);
	MemoryContextSetParent(context, beat->context);
	beat->request = context;
	beat->account = account;
	beat->call = call;
}

void
og_beat_send(Beat *beat)
{
	Trouble		trouble;

	if (og_try(open_request, beat, &trouble))
	{
		beat->state = BEAT_OUT;
		return;
	}
	og_beat_close(beat);
	if (og_trouble_passes(&trouble))
		fail(beat, OG_NOT_SENT, NULL, trouble.message);
	else
		og_beat_lose(beat, OG_NOT_SENT, NULL, trouble.message);
}

void
og_beat_advance(Beat *beat, OgPause *pause)
{
	OgPause		own = {0, OG_WAIT_NONE};
	OgRow		answer;

	if (!og_call_advance(beat->call, &own))
	{
		og_pause_merge(pause, &own);
		return;
	}
	if (!og_call_next(beat->call, &answer))
		elog(ERROR, "a beat has no answer");
	take_answer(beat, &answer);
	og_beat_close(beat);
}

