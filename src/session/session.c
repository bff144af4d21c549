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
	int			max_wait = news->account->max_wait / 1000;

	/* The provider may have told how long it wants to be left alone. */
	ereport(NOTICE,
			(errmsg("the pace of server \"%s\" makes this call wait for about " INT64_FORMAT " seconds",
					news->account->server, news->number),
			 news->text != NULL
			 ? errdetail("The provider asked for a pause until %s.", news->text)
			 : 0,
			 news->is_act && max_wait > 0
			 ? errhint("Option max_wait ends such waits after %d seconds; ids that had no turn by then are \"not_sent\".",
					   max_wait) : 0));
}

static void
hear(void *owner, const OgNews *news)
{
	const char *server = news->account->server;
	int			number = (int) Min(news->number, PG_INT32_MAX);

	switch (news->kind)
	{
		case OG_NEWS_PACE:
			hear_pace(news);
			break;
		case OG_NEWS_OTHERS_FIRST:
			ereport(NOTICE,
					(errmsg("other calls have been using the account of server \"%s\" for %d seconds; this one goes on waiting for its turn",
							server, number)));
			break;
		case OG_NEWS_FOREIGN:
			ereport(WARNING,
					(errcode(ERRCODE_WARNING),
					 errmsg_plural("server \"%s\" answered about %d order that was not asked for",
								   "server \"%s\" answered about %d orders that were not asked for",
								   number, server, number),
					 errdetail("What it said about them was ignored.")));
			break;
		case OG_NEWS_STRAY:
			ereport(WARNING,
					(errcode(ERRCODE_WARNING),
					 errmsg_plural("server \"%s\" answered with %d record that was not asked for",
								   "server \"%s\" answered with %d records that were not asked for",
								   number, server, number),
					 errdetail("They are of another order or market, or more than were asked for, and were left out.")));
			break;
		case OG_NEWS_DOUBT:
			ereport(WARNING,
					(errcode(ERRCODE_WARNING),
					 errmsg("%s(): server \"%s\" may have more records than it told",
							news->function, server),
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

static const OgWitness tracer = {
	.left = og_trace_left,
	.answered = og_trace_verdict,
	.hear = hear
};

/* Say what an error finds, unless it is only a notice or a log line. */
static void
call_errcontext(void *call)
{
	int			category = ERRCODE_TO_CATEGORY(geterrcode());
	OgProgress	progress;
	StringInfoData names;

	if (category == ERRCODE_SUCCESSFUL_COMPLETION ||
		category == ERRCODE_WARNING)
		return;
	initStringInfo(&names);
	og_call_progress(call, &progress, &names);
	errcontext("order_gateway: %d of %d ids answered (%d %s), %d in flight%s%s%s, %d not sent",
			   progress.answered, progress.total, progress.done,
			   og_verdict_name(progress.wanted), progress.in_flight,
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
	Trace	   *trace = og_trace_begin(og_transaction_traces(), account,
									   operation, function, keys);
	OgCaller	caller = caller_of(function, &tracer, trace);
	OgCall	   *call = og_call_open(account, operation, arguments, keys,
									&caller);
	ErrorContextCallback on_error = {error_context_stack, call_errcontext, call};
	OgRow		row;

	error_context_stack = &on_error;
	while (next_row(call, &row))
		put(owner, &row);
	error_context_stack = on_error.previous;

	og_call_close(call);
}

/* ---------- reads and checks ---------- */

pg_noreturn static void
raise_failure(const OgFailure *failure)
{
	const char *asked = failure->asked != NULL ? failure->asked
		: failure->function;
	int			attempts = failure->attempts;

	ereport(ERROR,
			(errcode(failure->sqlstate),
			 errmsg("%s(): server \"%s\" %s", failure->function,
					failure->account->server, failure->what),
			 failure->status != NULL
			 ? errdetail_plural("%s to %s, in %d attempt.",
								"%s to %s, in %d attempts.",
								attempts, failure->status, asked, attempts)
			 : errdetail_plural("%s, in %d attempt.",
								"%s, in %d attempts.",
								attempts, asked, attempts),
			 errhint("%s", failure->hint)));
}

void
og_session_read(const OgAccount *account, const char *function,
				const OgRead *read)
{
	OgCaller	caller = caller_of(function, &listener, NULL);
	OgReader   *reader = og_reader_open(account, read->operation, &caller,
										read->keys ? read->keys->nkeys : 0);
	const OgFailure *failure;
	OgPause		pause;

	og_reader_ask(reader, read);
	while (!og_reader_advance(reader, &pause))
		og_gateway_wait(&pause);
	failure = og_reader_failure(reader);
	if (failure != NULL)
		raise_failure(failure);
	og_reader_close(reader);
}

OgSettling *
og_session_settle(const OgAccount *account, const OgQuestion *question,
				  const char *function)
{
	OgCaller	caller = caller_of(function, &listener, NULL);
	OgSettling *settling = og_settling_open(account, question, &caller);
	const OgFailure *failure;
	OgPause		pause;

	while (!og_settling_advance(settling, &pause))
		og_gateway_wait(&pause);
	failure = og_settling_failure(settling);
	if (failure != NULL)
		raise_failure(failure);
	return settling;
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
