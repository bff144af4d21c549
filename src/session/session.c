/*-------------------------------------------------------------------------
 *
 * session.c
 *		Calls made in a session: waiting, errors, and what people hear.
 *
 * A call is pulled: while its function asks for rows, the pipeline works until
 * there is one, and sleeps here where it has nothing to do.  The context line
 * of errors stands on the stack just as long.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"

#include "ground/compat.h"
#include "session/session.h"
#include "session/session_trace.h"

/* ---------- what people hear ---------- */

static void
hear_pace(const OgNews *news)
{
	const char *server = news->account->server;

	/* The provider told how long it wants to be left alone. */
	ereport(NOTICE,
			(errmsg("the pace of server \"%s\" makes this call wait for about " INT64_FORMAT " seconds",
					server, news->number),
			 news->text != NULL
			 ? errdetail("The provider asked for a pause until %s.", news->text)
			 : 0,
			 news->is_act && news->account->max_wait > 0
			 ? errhint("Option max_wait ends such waits after %d seconds; ids that had no turn by then are \"not_sent\".",
					   news->account->max_wait / 1000) : 0));
}

static void
hear_foreign(const OgNews *news)
{
	int			foreign = (int) Min(news->number, PG_INT32_MAX);

	ereport(WARNING,
			(errcode(ERRCODE_WARNING),
			 errmsg_plural("server \"%s\" answered about %d order that was not asked for",
						   "server \"%s\" answered about %d orders that were not asked for",
						   foreign, news->account->server, foreign),
			 errdetail("What it said about them was ignored.")));
}

/* The same of what is no order, or was not asked for by an id. */
static void
hear_stray(const OgNews *news)
{
	int			stray = (int) Min(news->number, PG_INT32_MAX);

	ereport(WARNING,
			(errcode(ERRCODE_WARNING),
			 errmsg_plural("server \"%s\" answered with %d record that was not asked for",
						   "server \"%s\" answered with %d records that were not asked for",
						   stray, news->account->server, stray),
			 errdetail("They are of another order or market, or more than were asked for, and were left out.")));
}

static void
hear(void *owner, const OgNews *news)
{
	switch (news->kind)
	{
		case OG_NEWS_PACE:
			hear_pace(news);
			break;
		case OG_NEWS_OTHERS_FIRST:
			ereport(NOTICE,
					(errmsg("other calls have been using the account of server \"%s\" for %d seconds; this one goes on waiting for its turn",
							news->account->server, (int) news->number)));
			break;
		case OG_NEWS_FOREIGN:
			hear_foreign(news);
			break;
		case OG_NEWS_STRAY:
			hear_stray(news);
			break;
		case OG_NEWS_DOUBT:
			ereport(WARNING,
					(errcode(ERRCODE_WARNING),
					 errmsg("%s(): server \"%s\" may have more records than it told",
							news->function, news->account->server),
					 errdetail("%s", news->text)));
			break;
	}
}

/* Reads and checks leave no trace. */
static const OgWitness listener = {
	.hear = hear
};

static OgCaller
caller_of(const char *function, const OgWitness *witness, void *owner)
{
	OgCaller	caller = {function, GetUserId(), GetSessionUserId(), witness,
	owner};

	return caller;
}

/* ---------- acts ---------- */

typedef struct SessionCall
{
	OgCall	   *call;
	const OgOperation *operation;
	TraceCall  *trace;
} SessionCall;

static void
note_left(void *owner, const int *keys, int nkeys)
{
	og_trace_left(((SessionCall *) owner)->trace, keys, nkeys);
}

static void
note_answered(void *owner, int key, const OgOutcome *outcome)
{
	og_trace_verdict(((SessionCall *) owner)->trace, key, outcome);
}

static const OgWitness tracer = {
	.left = note_left,
	.answered = note_answered,
	.hear = hear
};

/*
 * Say what an error finds, unless it is only a notice or a log line.  A key in
 * flight that is to be made is known to nobody but the rows, which are lost
 * now.
 */
static void
call_errcontext(void *arg)
{
	SessionCall *self = arg;
	OgVerdict	done = self->operation->done;
	int			category = ERRCODE_TO_CATEGORY(geterrcode());
	bool		named = done != OG_CANCELLED;
	OgProgress	progress;
	StringInfoData names;

	if (category == ERRCODE_SUCCESSFUL_COMPLETION ||
		category == ERRCODE_WARNING)
		return;
	initStringInfo(&names);
	og_call_progress(self->call, &progress, named ? &names : NULL);
	errcontext("order_gateway: %d of %d ids answered (%d %s), %d in flight%s%s%s, %d not sent",
			   progress.answered, progress.total, progress.done,
			   og_verdict_name(done), progress.in_flight,
			   names.len > 0 ? " (" : "", names.data,
			   names.len > 0 ? ")" : "",
			   progress.total - progress.answered - progress.in_flight);
	pfree(names.data);
}

/* The next row, or false after the last. */
static bool
next_row(OgCall *call, OgRow *row)
{
	OgPause		pause;

	while (!og_call_advance(call, &pause))
		og_gateway_wait(&pause);
	return og_call_next(call, row);
}

void
og_session_act(const OgAccount *account, const OgOperation *operation,
			   const OgFields *arguments, const OgKeys *keys,
			   const char *function,
			   void (*put) (void *owner, const OgRow *row), void *owner)
{
	/* What leaves is noted there, also while an error unwinds the stack. */
	SessionCall *self = palloc0(sizeof(SessionCall));
	OgCaller	caller = caller_of(function, &tracer, self);
	ErrorContextCallback on_error = {error_context_stack, call_errcontext, self};
	OgRow		row;

	self->operation = operation;
	self->call = og_call_open(account, operation, arguments, keys, &caller);
	self->trace = og_trace_begin(self->call, account->server, function, keys);

	error_context_stack = &on_error;
	while (next_row(self->call, &row))
		put(owner, &row);
	og_trace_end(self->trace);
	error_context_stack = on_error.previous;

	og_call_close(self->call);
}

/* ---------- reads and checks ---------- */

struct OgSessionReader
{
	OgReader   *reader;
	const OgAccount *account;
	const char *function;
};

pg_noreturn static void
raise_failure(const OgSessionReader *self, const OgFailure *failure)
{
	const char *asked = failure->asked != NULL ? failure->asked
		: self->function;
	int			attempts = failure->attempts;

	ereport(ERROR,
			(errcode(failure->sqlstate),
			 errmsg("%s(): server \"%s\" %s", self->function,
					self->account->server, failure->what),
			 failure->status != NULL
			 ? errdetail_plural("%s to %s, in %d attempt.",
								"%s to %s, in %d attempts.",
								attempts, failure->status, asked, attempts)
			 : errdetail_plural("%s, in %d attempt.",
								"%s, in %d attempts.",
								attempts, asked, attempts),
			 errhint("%s", failure->hint)));
}

OgSessionReader *
og_session_reader_open(const OgAccount *account, const OgOperation *operation,
					   const char *function, int64 ids)
{
	OgSessionReader *self = palloc(sizeof(OgSessionReader));
	OgCaller	caller = caller_of(function, &listener, NULL);

	self->reader = og_reader_open(account, operation, &caller, ids);
	self->account = account;
	self->function = function;
	return self;
}

void
og_session_reader_ask(OgSessionReader *self, const OgRead *read)
{
	const OgFailure *failure;
	OgPause		pause;

	og_reader_ask(self->reader, read);
	while (!og_reader_advance(self->reader, &pause))
		og_gateway_wait(&pause);
	failure = og_reader_failure(self->reader);
	if (failure != NULL)
		raise_failure(self, failure);
}

int64
og_session_reader_date_ms(const OgSessionReader *self)
{
	return og_reader_date_ms(self->reader);
}

void
og_session_reader_close(OgSessionReader *self)
{
	og_reader_close(self->reader);
	pfree(self);
}

void
og_session_read(const OgAccount *account, const char *function,
				const OgRead *read)
{
	OgSessionReader *self =
		og_session_reader_open(account, read->operation, function,
							   read->keys ? read->keys->nkeys : 0);

	og_session_reader_ask(self, read);
	og_session_reader_close(self);
}

const OgCheck *
og_session_check(const OgAccount *nobody, const OgAccount *account,
				 const char *function)
{
	OgCaller	caller = caller_of(function, &listener, NULL);
	OgCheck    *check = og_check_open(nobody, account, &caller);
	OgPause		pause;

	while (!og_check_advance(check, &pause))
		og_gateway_wait(&pause);
	return check;
}
