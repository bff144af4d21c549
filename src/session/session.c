/*-------------------------------------------------------------------------
 *
 * session.c
 *		Calls made in a session: who makes them, waiting, and errors.
 *
 * A call is pulled: while its function asks for rows, the pipeline works until
 * there is one, and sleeps here where it has nothing to do.  The context line
 * of errors stands on the stack just as long.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "miscadmin.h"

#include "ground/compat.h"
#include "session/session_desk.h"
#include "session/session_hear.h"
#include "session/session_trace.h"
#include "worker/worker.h"

/* Reads and checks leave no trace. */
static const OgWitness listener = {
	.hear = og_session_hear
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
	.hear = og_session_hear
};

static void
call_errcontext(void *call)
{
	OgProgress	progress;
	StringInfoData names;

	if (!og_session_is_error())
		return;
	initStringInfo(&names);
	og_call_progress(call, &progress, &names);
	og_session_tell_progress(&progress, names.data, "");
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

/* Make the call here. */
static void
make_call(const OgAct *act)
{
	Trace	   *trace = og_trace_begin(og_transaction_traces(), act->account,
									   act->operation, act->function,
									   act->keys);
	OgCaller	caller = caller_of(act->function, &tracer, trace);
	OgCall	   *call = og_call_open(act->account, act->operation,
									act->arguments, act->keys, &caller);
	ErrorContextCallback on_error = {error_context_stack, call_errcontext, call};
	OgRow		row;

	error_context_stack = &on_error;
	while (next_row(call, &row))
		act->put(act->owner, &row);
	error_context_stack = on_error.previous;

	og_call_close(call);
}

/*
 * Is it the worker's, where the database has one?  Not what that could not make as
 * it is meant here; and a process that helps with a plan makes no calls of others.
 */
static bool
is_handed_over(const OgAct *act)
{
	return act->account->journal && og_worker_is_wanted() &&
		!IsInParallelMode() &&
		og_worker_can_make(act->account, GetUserId(), act->functionid);
}

void
og_session_act(const OgAct *act)
{
	if (is_handed_over(act))
		og_session_hand_over(act);
	else
		make_call(act);
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
