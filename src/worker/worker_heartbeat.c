/*-------------------------------------------------------------------------
 *
 * worker_heartbeat.c
 *		Beats, and what is to be told of them.
 *
 * A beat is begun by a row that is committed.  When the standbys have it that
 * have to, its request goes out, as a call of its own that waits for its turn
 * before all others.  What it was answered is written down, too; where that
 * fails, it is written with the row of the next beat.
 *
 *		RESTING		until it is due
 *		COMMITTED	its row is, and the standbys are waited for
 *		OUT			its request is on its way
 *
 * A beat that was not accepted is followed by another one, after a pause that is
 * doubled each time.  What the role of a heartbeat may not do any more, or whom
 * the provider does not know, is not asked again: it is lost, and that is said.
 *
 * Times are those of og_clock_now(), but for those of rows, which people read.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "access/xlog.h"
#include "catalog/objectaddress.h"
#include "lib/ilist.h"
#include "miscadmin.h"
#include "nodes/pg_list.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

#include "ground/clock.h"
#include "ground/compat.h"
#include "monitor/stats.h"
#include "worker/worker_account.h"
#include "worker/worker_heartbeat.h"
#include "worker/worker_internal.h"
#include "worker/worker_standby.h"
#include "worker/worker_table.h"
#include "worker/worker_turn.h"

/* Parts of a timeout: between two beats, and what one may take. */
#define BEATS_IN_TIMEOUT	3
#define TRIES_IN_TIMEOUT	6

/* What a request that stops the timer may take. */
#define STOP_MS				5000

/* Between two beats of which the first was not accepted: doubled, from here. */
#define FIRST_PAUSE_US		INT64CONST(100000)
#define LONGEST_PAUSE_US	USECS_PER_MINUTE

/* Wishes are looked at so often at most. */
#define LOOKS_APART_US		INT64CONST(50000)

/* What could not be read or written is tried again. */
#define AGAIN_US		USECS_PER_SEC

/* The standbys are asked again: soon, and then less and less often. */
#define STANDBY_FIRST_US	INT64CONST(500)
#define STANDBY_LAST_US		INT64CONST(50000)

/* After so many beats in a row in which the server crashed. */
#define MOST_CRASHES		3

/* How a provider says that it does not know us, or that we may not. */
#define HTTP_UNAUTHORIZED	401
#define HTTP_FORBIDDEN		403

static const char *const CRASHES =
"the server crashed each time that a beat was made";
static const char *const AWAITS_STANDBYS =
"the synchronous standbys do not have its row";
static const char *const HELD_UP =
"the worker made no beat: it was held up, or could not write";

typedef enum BeatState
{
	BEAT_RESTING,
	BEAT_COMMITTED,
	BEAT_OUT
} BeatState;

typedef struct Beat
{
	dlist_node	node;
	MemoryContext context;		/* of all this */
	MemoryContext words;		/* of what the row says in words */
	OgHeartbeat row;			/* as it is, or is to be written */
	bool		changed;		/* it is not written ... */
	int64		next_write;		/* ... and that is not tried before */
	bool		wanted;			/* found by the look that goes on */
	bool		ended;			/* its rows are to be removed */
	BeatState	state;
	int64		due;			/* while it rests */
	int64		pause_us;		/* the last one */
	XLogRecPtr	end;			/* of the row's transaction ... */
	int64		committed;		/* ... and when that was */

	/* its request */
	MemoryContext request;		/* NULL = there is none */
	OgAccount  *account;
	OgCall	   *call;
	int64		sent_wish;		/* what it is about */
	int64		sent_ms;
	int64		opened;
	int64		deadline;

	/* the timer, as far as is known */
	int64		renewed;		/* 0 = it does not run */
	int64		runs_us;
	bool		told_late;
} Beat;

static struct
{
	MemoryContext context;		/* NULL = they are not open */
	pg_uuid_t	installation;
	dlist_head	beats;
	int64		next_look;
	bool		looks;			/* one is wanted */
}			heartbeats;

static inline Beat *
beat_of(dlist_node *node)
{
	/* The macro only takes the type of a member of that NULL. */
	/* cppcheck-suppress nullPointer */
	return dlist_container(Beat, node, node);
}

static void
pause_until(OgPause *pause, int64 until)
{
	og_pause_merge(pause, &(OgPause) {until, OG_WAIT_NONE});
}

static bool
is_to_stop(const Beat *beat)
{
	return beat->row.wish.timeout_ms == 0;
}

/* How long a beat may take, in milliseconds. */
static int
deadline_ms(const Beat *beat)
{
	return is_to_stop(beat) ? STOP_MS
		: (int) (beat->row.wish.timeout_ms / TRIES_IN_TIMEOUT);
}

/* ---------- words ---------- */

/* What the row says of the last beat. */
static void
set_words(Beat *beat, const char *code, const char *message)
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

static void
tell_late(const Beat *beat)
{
	ereport(WARNING,
			(errmsg("order_gateway: the heartbeat of role \"%s\" at server \"%s\" is late: %s",
					beat->row.wish.role, beat->row.wish.server, reason(beat)),
			 errdetail("The provider cancels all open orders of the account at %s.",
					   timestamptz_to_str(beat->row.fires_at))));
}

static void
tell_fired(const Beat *beat)
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
	set_words(beat, code, message);
	beat->row.has_outcome = true;
	beat->row.outcome = outcome;
	beat->row.answered = beat->row.beats;
	beat->row.crashes = 0;
}

/* It was not accepted, or not sent at all: another one follows. */
static void
fail(Beat *beat, OgVerdict outcome, const char *code, const char *message)
{
	int64		longest = Min(deadline_ms(beat) * INT64CONST(1000),
							  LONGEST_PAUSE_US);
	bool		first = beat->pause_us == 0;

	note_outcome(beat, outcome, code, message);
	og_workers_show_error(reason(beat));
	if (first)
		tell_failure(beat);
	beat->pause_us = Min(Max(2 * beat->pause_us, FIRST_PAUSE_US), longest);
	rest(beat, og_clock_now() + beat->pause_us);
}

static void
lose(Beat *beat, OgVerdict outcome, const char *code, const char *message)
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
		lose(beat, outcome->verdict, outcome->code, outcome->message);
	else
		fail(beat, outcome->verdict, outcome->code, outcome->message);
}

static void
close_request(Beat *beat)
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
		og_heartbeat_remove(&heartbeats.installation, &beat->row);
	else
		og_heartbeat_save(&heartbeats.installation, &beat->row);
}

/* Where that fails it is tried again, at the latest with the next beat. */
static void
write_row(Beat *beat, OgPause *pause)
{
	Trouble		trouble;

	if (og_turn_try(save, beat, &trouble))
	{
		beat->changed = false;
		return;
	}
	og_trouble_show(&trouble);
	beat->next_write = og_clock_now() + AGAIN_US;
	pause_until(pause, beat->next_write);
}

static void
save_beat(void *arg)
{
	Beat	   *beat = arg;

	og_heartbeats_need_locks(RowExclusiveLock);
	og_writable_check(beat->row.wish.roleid);
	og_heartbeat_save(&heartbeats.installation, &beat->row);
	og_heartbeat_forget_wishes(&heartbeats.installation, &beat->row);
}

static void
begin_beat(Beat *beat)
{
	OgHeartbeat before = beat->row;
	Trouble		trouble;

	beat->row.obeyed = beat->row.wish.number;
	beat->row.beats++;
	beat->row.beat_at = GetCurrentTimestamp();
	if (og_turn_try(save_beat, beat, &trouble))
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

	if (!SearchSysCacheExists1(AUTHOID, ObjectIdGetDatum(wish->roleid)))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("role \"%s\" does not exist any more", wish->role)));
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
	int			most_ms = deadline_ms(beat);
	ForeignServer *server = GetForeignServerExtended(wish->serverid,
													 FSV_MISSING_OK);
	OgAccount  *account;

	if (server == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("server \"%s\" does not exist any more",
						wish->server)));
	account = og_account_open_as(wish->roleid, server->servername,
								 og_account_provider(server->servername));
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
	beat->deadline = beat->opened + deadline_ms(beat) * INT64CONST(1000);
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

static void
send_beat(Beat *beat)
{
	Trouble		trouble;

	if (og_turn_try(open_request, beat, &trouble))
	{
		beat->state = BEAT_OUT;
		return;
	}
	close_request(beat);
	if (og_trouble_passes(&trouble))
		fail(beat, OG_NOT_SENT, NULL, trouble.message);
	else
		lose(beat, OG_NOT_SENT, NULL, trouble.message);
}

static void
advance_request(Beat *beat, OgPause *pause)
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
	close_request(beat);
}

/* ---------- one heartbeat ---------- */

/* What is seen coming is told once, and what has come. */
static void
tell_times(Beat *beat, int64 now, OgPause *pause)
{
	int64		late = beat->renewed + beat->runs_us / BEATS_IN_TIMEOUT * 2;
	int64		fires = beat->renewed + beat->runs_us;

	if (beat->renewed == 0)
		return;
	if (now >= fires)
	{
		beat->renewed = 0;
		beat->row.armed_at = 0;
		beat->changed = true;
		tell_fired(beat);
		return;
	}
	if (now >= late && !beat->told_late)
	{
		beat->told_late = true;
		if (!beat->row.lost)
			tell_late(beat);
	}
	pause_until(pause, beat->told_late ? fires : late);
}

/* One that never began a beat has nothing to stop. */
static bool
has_nothing_to_stop(const Beat *beat)
{
	return is_to_stop(beat) && beat->row.beats == 0;
}

static void
advance_resting(Beat *beat, int64 now, bool may_beat, OgPause *pause)
{
	bool		is_due = !beat->row.lost && !beat->ended && now >= beat->due;

	if (!may_beat)
		return;
	if (has_nothing_to_stop(beat))
		beat->ended = beat->changed = true;
	else if (is_due)
		begin_beat(beat);
	if (beat->state == BEAT_RESTING && beat->changed &&
		now >= beat->next_write)
		write_row(beat, pause);
	if (beat->state == BEAT_RESTING && !beat->row.lost && !beat->ended)
		pause_until(pause, beat->due);
}

/* One that waits for longer than a beat may take says so, once. */
static void
await_standbys(Beat *beat, int64 now, OgPause *pause)
{
	int64		waits = now - beat->committed;

	if (waits > deadline_ms(beat) * INT64CONST(1000) &&
		beat->row.answered < beat->row.beats)
	{
		note_outcome(beat, OG_NOT_SENT, NULL, AWAITS_STANDBYS);
		write_row(beat, pause);
	}
	pause_until(pause, now + Min(Max(waits / 4, STANDBY_FIRST_US),
								 STANDBY_LAST_US));
}

static void
advance_committed(Beat *beat, int64 now, bool may_beat, OgPause *pause)
{
	if (og_standby_position() < beat->end)
		await_standbys(beat, now, pause);
	else if (may_beat)
		send_beat(beat);
}

static void
advance(Beat *beat, bool may_beat, OgPause *pause)
{
	int64		now = og_clock_now();

	tell_times(beat, now, pause);
	if (beat->state == BEAT_RESTING)
		advance_resting(beat, now, may_beat, pause);
	if (beat->state == BEAT_COMMITTED)
		advance_committed(beat, now, may_beat, pause);
	if (beat->state == BEAT_OUT)
		advance_request(beat, pause);
}

/* ---------- which there are ---------- */

static void
forget(Beat *beat)
{
	close_request(beat);
	dlist_delete(&beat->node);
	MemoryContextDelete(beat->context);
}

static Beat *
find_beat(const OgWish *wish)
{
	dlist_iter	iter;

	dlist_foreach(iter, &heartbeats.beats)
	{
		Beat	   *beat = beat_of(iter.cur);

		if (beat->row.wish.serverid == wish->serverid &&
			beat->row.wish.roleid == wish->roleid)
			return beat;
	}
	return NULL;
}

/* A time of day, on our clock. */
static int64
clock_of(TimestampTz at)
{
	return og_clock_now() - Max(GetCurrentTimestamp() - at, 0);
}

/*
 * One that another worker kept: its timer runs, maybe.  Where the server crashed
 * while a beat was made, that may have been the cause.
 */
static void
take_over(Beat *beat)
{
	OgHeartbeat *row = &beat->row;
	OgInstallation installation;

	if (row->armed_at != 0 && row->fires_at > GetCurrentTimestamp())
	{
		beat->renewed = clock_of(row->renewed_at);
		beat->runs_us = row->fires_at - row->renewed_at;
	}
	og_journal_installation(&installation);
	if (row->answered < row->beats && installation.crashes > 0)
		row->crashes++;
}

/* What is wished: at once, whatever became of what was wished before. */
static void
set_wish(Beat *beat, const OgWish *wish)
{
	OgWish	   *own = &beat->row.wish;

	if (beat->row.started_at == 0 ||
		(is_to_stop(beat) && wish->timeout_ms != 0))
		beat->row.started_at = wish->wished_at;
	*own = *wish;
	own->function = MemoryContextStrdup(beat->context, wish->function);
	own->server = MemoryContextStrdup(beat->context, wish->server);
	own->role = MemoryContextStrdup(beat->context, wish->role);
	beat->row.lost = beat->ended = false;
	beat->due = beat->pause_us = 0;
}

static Beat *
add_beat(const OgHeartbeat *found)
{
	MemoryContext context = AllocSetContextCreate(heartbeats.context,
												  "order_gateway heartbeat",
												  ALLOCSET_SMALL_SIZES);
	Beat	   *beat = MemoryContextAllocZero(context, sizeof(Beat));

	beat->context = context;
	beat->row = *found;
	take_over(beat);
	set_words(beat, found->code, found->message);
	set_wish(beat, &found->wish);
	beat->row.lost = found->lost;
	dlist_push_tail(&heartbeats.beats, &beat->node);
	return beat;
}

/* One that was lost is shown for as long as a call would be that is done. */
static bool
is_forgotten(const Beat *beat)
{
	TimestampTz age = GetCurrentTimestamp() -
		Max(beat->row.beat_at, beat->row.wish.wished_at);

	if (!beat->row.lost || beat->renewed != 0)
		return false;
	return !SearchSysCacheExists1(FOREIGNSERVEROID,
								  ObjectIdGetDatum(beat->row.wish.serverid)) ||
		(og_journal_keep > 0 && age > og_journal_keep * USECS_PER_MINUTE);
}

static void
read_wishes(void *arg)
{
	List	   *found;
	ListCell   *cell;

	og_heartbeats_need_locks(AccessShareLock);
	found = og_heartbeats_read(&heartbeats.installation);
	foreach(cell, found)
	{
		const OgHeartbeat *heartbeat = lfirst(cell);
		Beat	   *beat = find_beat(&heartbeat->wish);

		if (beat == NULL)
			beat = add_beat(heartbeat);
		else if (beat->row.wish.number != heartbeat->wish.number)
			set_wish(beat, &heartbeat->wish);
		beat->wanted = true;
		if (!beat->ended && is_forgotten(beat))
			beat->ended = beat->changed = true;
	}
}

/* Live ones are shown to those who would take away what they need. */
static void
count_live(void)
{
	int			live = 0;
	dlist_iter	iter;

	dlist_foreach(iter, &heartbeats.beats)
		live += !beat_of(iter.cur)->row.lost && !beat_of(iter.cur)->ended;
	og_workers_show_heartbeats(live);
}

static void
give_up_crashing(void)
{
	dlist_iter	iter;

	dlist_foreach(iter, &heartbeats.beats)
	{
		Beat	   *beat = beat_of(iter.cur);

		if (beat->row.crashes >= MOST_CRASHES && !beat->row.lost)
			lose(beat, OG_UNKNOWN, NULL, CRASHES);
	}
}

static void
look(int64 now)
{
	Trouble		trouble;
	dlist_mutable_iter iter;

	dlist_foreach_modify(iter, &heartbeats.beats)
		beat_of(iter.cur)->wanted = false;
	heartbeats.next_look = now + LOOKS_APART_US;
	heartbeats.looks = !og_turn_try(read_wishes, NULL, &trouble);
	if (heartbeats.looks)
	{
		og_trouble_show(&trouble);
		heartbeats.next_look = now + AGAIN_US;
		return;
	}
	dlist_foreach_modify(iter, &heartbeats.beats)
	{
		if (!beat_of(iter.cur)->wanted)
			forget(beat_of(iter.cur));
	}
	give_up_crashing();
}

/* ---------- all of them ---------- */

void
og_heartbeats_open(const OgInstallation *installation, MemoryContext parent)
{
	memset(&heartbeats, 0, sizeof(heartbeats));
	heartbeats.context = parent;
	heartbeats.installation = installation->id;
	heartbeats.looks = true;
	dlist_init(&heartbeats.beats);
}

void
og_heartbeats_close(void)
{
	dlist_mutable_iter iter;

	if (heartbeats.context == NULL)
		return;
	dlist_foreach_modify(iter, &heartbeats.beats)
		forget(beat_of(iter.cur));
	heartbeats.context = NULL;
}

void
og_heartbeats_turn(bool looks, bool may_beat, OgPause *pause)
{
	int64		now = og_clock_now();
	dlist_mutable_iter iter;

	heartbeats.looks |= looks;
	if (heartbeats.looks && now >= heartbeats.next_look)
		look(now);
	else if (heartbeats.looks)
		pause_until(pause, heartbeats.next_look);
	dlist_foreach_modify(iter, &heartbeats.beats)
	{
		Beat	   *beat = beat_of(iter.cur);

		advance(beat, may_beat, pause);
		if (beat->ended && !beat->changed)
			forget(beat);
	}
	count_live();
}
