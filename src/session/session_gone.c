/*-------------------------------------------------------------------------
 *
 * session_gone.c
 *		The worker went in the middle of a call: what the journal has of it.
 *
 * All that left stands there before it does, and a worker that has gone writes
 * nothing more.  What was answered by then is told as it was answered; what was
 * about to leave is unknown, until the next worker has settled it; all else was
 * not sent, and never will be: the calls of sessions do not go on.
 *
 * The worker may have written down a call without our having heard of that.  So
 * it is looked for by what was handed over, which no two parts have the same.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/memutils.h"

#include "session/session_gone.h"
#include "worker/worker_journal.h"

/* A part, and what was found of it. */
typedef struct Found
{
	SessionCall *call;
	SessionPart *part;
	const OgJournalProgress *progress;
	const char *unknown;

	/* results of one id, which are orders of it */
	int			ordinal;		/* 0 = there are none yet */
	OgRow		row;
	OgOutcome  *last;
	MemoryContext context;		/* of these */
} Found;

/* Ids up to before this position, of which there are no results. */
static void
say_up_to(Found *found, int position)
{
	SessionPart *part = found->part;

	while (part->nanswered < position)
	{
		bool		marked = found->progress != NULL &&
			found->progress->states[part->nanswered] == OG_ORDINAL_MARKED;

		if (marked)
			og_session_say(found->call, part, OG_UNKNOWN, found->unknown);
		else
			og_session_say(found->call, part, OG_NOT_SENT, OG_SESSION_STOPPED);
	}
}

/* The results of one id have all come. */
static void
finish_id(Found *found)
{
	if (found->ordinal > found->part->nanswered)
	{
		say_up_to(found, found->ordinal - 1);
		found->row.position = found->part->nanswered;
		og_session_answer(found->call, found->part, &found->row);
	}
	found->ordinal = 0;
	MemoryContextReset(found->context);
}

static OgOutcome *
outcome_of(const OgJournalResult *result)
{
	OgOutcome	outcome = {
		.verdict = result->outcome,
		.code = result->code,
		.message = result->message,
		.response = result->response,

		/* Of no other outcome is the answer that of a stranger. */
		.stranger = result->outcome == OG_UNKNOWN
	};
	OgOutcome  *copy = palloc(sizeof(OgOutcome));

	og_outcome_copy(copy, &outcome);
	return copy;
}

static void
take_result(void *owner, const OgJournalResult *result)
{
	Found	   *found = owner;
	MemoryContext old;
	OgOutcome  *outcome;

	if (result->ordinal != found->ordinal)
		finish_id(found);
	old = MemoryContextSwitchTo(found->context);
	outcome = outcome_of(result);
	MemoryContextSwitchTo(old);
	if (found->ordinal == result->ordinal)
		found->last->next = outcome;
	else
		found->row = (OgRow)
		{
			.outcome = outcome,
			.batch = result->batch,
			.attempts = result->attempts,
			.http_status = result->http_status,
			.sent_at = result->sent_at,
			.answered_at = result->answered_at
		};
	found->ordinal = result->ordinal;
	found->last = outcome;
}

/* Answer the rest of a part.  Answers whether the journal knows it. */
static bool
recover_part(SessionCall *call, SessionPart *part,
			 const OgInstallation *installation)
{
	OgPart	   *form = og_session_form(call, part);
	Found		found = {.call = call,.part = part};
	OgJournalProgress progress;

	if (part->call_id == 0 && installation != NULL)
		form->call.call_id = part->call_id =
			og_journal_find_handed_over(installation, part->before,
										&form->call);
	if (part->call_id == 0)
		return false;
	og_journal_progress(installation, &form->call, &progress);
	found.progress = &progress;
	found.unknown =
		psprintf("the gateway worker stopped while the request was out; call " INT64_FORMAT " of the journal shows what becomes of it",
				 part->call_id);
	found.context = AllocSetContextCreate(CurrentMemoryContext,
										  "order_gateway results",
										  ALLOCSET_SMALL_SIZES);
	og_journal_read_results(installation, part->call_id, take_result, &found);
	finish_id(&found);
	say_up_to(&found, part->nids);
	MemoryContextDelete(found.context);
	return true;
}

bool
og_session_recover(SessionCall *call, int first_part)
{
	OgInstallation installation;
	bool		exists = og_journal_find(&installation);

	for (int number = first_part; number < call->ncut; number++)
	{
		SessionPart *part = og_session_part(call, number);
		Found		nothing = {.call = call,.part = part};

		if (recover_part(call, part, exists ? &installation : NULL))
			continue;
		if (call->position == 0)
			return false;
		say_up_to(&nothing, part->nids);
	}
	return true;
}
