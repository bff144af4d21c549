/*-------------------------------------------------------------------------
 *
 * session_desk.c
 *		Acts of a session that the worker of its database makes.
 *
 * The session hands a call over in parts, and gets its rows in order, while it
 * waits at its latch.  Before a request leaves, that is told here; and whoever has
 * an error to explain stops that first.  So what was not told has not left, and the
 * context of the error can say so.
 *
 * A call that could not be made raises an error as long as nothing of it was sent.
 * After that, what is not sent any more has rows that say why.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "ground/list.h"
#include "session/session_desk.h"
#include "session/session_gone.h"
#include "session/session_hear.h"
#include "session/session_part.h"

typedef struct Talk
{
	SessionCall *call;
	OgDesk	   *desk;
	MemoryContext outgoing_context;
	OgPart	   *outgoing;		/* that is being handed over, or NULL */
	int			nended;			/* parts of which all was told */
	const char *over;			/* no more parts are handed over, because ... */
	const OgDeskRefusal *refusal;	/* that is to be raised, or NULL */
	bool		paced;			/* people have heard of the pace */
	int64		foreign;		/* orders that nobody asked for */
	StringInfoData calls;		/* of the journal */
	int			ncalls;
} Talk;

/* ---------- errors ---------- */

/* A part is a call of the journal, or ids of it leave, or have not. */
static void
take_note(Talk *talk, const OgDeskMessage *message)
{
	SessionPart *part = og_session_part(talk->call, message->part);

	switch (message->kind)
	{
		case OG_DESK_BEGUN:
			part->call_id = message->call_id;
			og_list_add(&talk->calls, INT64_FORMAT, message->call_id);
			talk->ncalls++;
			break;
		case OG_DESK_LEFT:
			og_session_left(talk->call, part, message->first, message->count);
			break;
		case OG_DESK_BACK:
			og_session_back(talk->call, part, message->first, message->count);
			break;
		default:
			break;
	}
}

/* Which calls of the journal it is, behind a comma. */
static const char *
describe_calls(const Talk *talk)
{
	if (talk->ncalls == 0)
		return "";
	return psprintf(", %s %s of the journal",
					talk->ncalls == 1 ? "call" : "calls", talk->calls.data);
}

/*
 * Nothing more leaves from here on, and what had left by now was told: then all
 * else was not sent.  Rows that have come are counted, though nobody will see them.
 */
static void
learn_last(Talk *talk)
{
	OgDeskMessage message;

	og_desk_stop(talk->desk);
	while (og_desk_hear(talk->desk, &message) && message.kind != OG_DESK_GONE)
	{
		if (message.kind == OG_DESK_ROW)
			og_session_count(talk->call,
							 og_session_part(talk->call, message.part),
							 &message.row);
		else
			take_note(talk, &message);
	}
}

static void
talk_errcontext(void *owner)
{
	Talk	   *talk = owner;
	OgProgress	progress;
	StringInfoData names;

	if (!og_session_is_error())
		return;
	learn_last(talk);
	initStringInfo(&names);
	og_session_progress(talk->call, &progress, &names);
	og_session_tell_progress(&progress, names.data, describe_calls(talk));
	pfree(names.data);
}

static void
raise_refusal(const OgDeskRefusal *refusal)
{
	ereport(ERROR,
			(errcode(refusal->sqlstate),
			 errmsg_internal("%s", refusal->message),
			 refusal->detail ? errdetail_internal("%s", refusal->detail) : 0,
			 refusal->hint ? errhint("%s", refusal->hint) : 0));
}

/* ---------- what goes over ---------- */

/*
 * Half of the last part has come, or there is none yet.  No more are begun once
 * call_timeout has run out.
 */
static bool
is_due(Talk *talk)
{
	SessionCall *call = talk->call;
	const SessionPart *last;

	if (talk->over != NULL || call->next_key >= call->act->keys->nkeys)
		return false;
	if (call->ncut == 0)
		return true;
	last = og_session_part(call, call->ncut - 1);
	if (call->ncut - talk->nended >= PARTS_AT_ONCE ||
		last->nanswered < last->nids / 2)
		return false;
	if (GetCurrentTimestamp() < call->expires_at)
		return true;
	talk->over = "call_timeout ran out before it could be sent";
	return false;
}

static void
hand_over(Talk *talk)
{
	MemoryContext old;

	if (talk->outgoing == NULL)
	{
		if (!is_due(talk))
			return;
		old = MemoryContextSwitchTo(talk->outgoing_context);
		talk->outgoing = og_session_form(talk->call,
										 og_session_cut(talk->call));
		MemoryContextSwitchTo(old);
	}
	if (!og_desk_hand_over(talk->desk, talk->outgoing))
		return;
	talk->outgoing = NULL;
	MemoryContextReset(talk->outgoing_context);
}

/* ---------- what comes back ---------- */

/* What a part says is said of the call once. */
static void
hear(Talk *talk, OgNews *news)
{
	const OgAct *act = talk->call->act;

	news->account = act->account;
	news->function = act->function;
	if (news->kind == OG_NEWS_FOREIGN)
		talk->foreign += news->number;
	else if (news->kind != OG_NEWS_PACE || !talk->paced)
		og_session_hear(NULL, news);
	talk->paced |= news->kind == OG_NEWS_PACE;
}

/* It goes with the last message, too. */
static OgDeskRefusal *
copy_refusal(const OgDeskRefusal *refusal)
{
	OgDeskRefusal *copy = palloc(sizeof(OgDeskRefusal));

	copy->sqlstate = refusal->sqlstate;
	copy->message = pstrdup(refusal->message);
	copy->detail = refusal->detail ? pstrdup(refusal->detail) : NULL;
	copy->hint = refusal->hint ? pstrdup(refusal->hint) : NULL;
	return copy;
}

/* Nothing of a part was sent, nor will be of any after it. */
static void
take_refusal(Talk *talk, SessionPart *part, const OgDeskRefusal *refusal)
{
	const OgDeskRefusal *copy = copy_refusal(refusal);

	talk->over = copy->message;
	talk->nended++;
	if (talk->call->position == 0)
	{
		talk->refusal = copy;
		return;
	}
	while (part->nanswered < part->nids)
		og_session_say(talk->call, part, OG_NOT_SENT, talk->over);
}

static void
take_end(Talk *talk)
{
	static const OgDeskRefusal stopped = {
		ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
		"the gateway worker of this database stopped before it could make the call",
		"Nothing was sent.",
		"Call it again. The worker starts again within a second; if it does not, order_gateway_workers and the server's log tell why."
	};

	talk->over = OG_SESSION_STOPPED;
	talk->outgoing = NULL;
	if (!og_session_recover(talk->call, talk->nended))
		talk->refusal = &stopped;
	talk->nended = talk->call->ncut;
}

static void
take_message(Talk *talk, OgDeskMessage *message)
{
	SessionCall *call = talk->call;
	SessionPart *part = og_session_part(call, message->part);

	switch (message->kind)
	{
		case OG_DESK_BEGUN:
		case OG_DESK_LEFT:
		case OG_DESK_BACK:
			take_note(talk, message);
			break;
		case OG_DESK_ROW:
			og_session_answer(call, part, &message->row);
			break;
		case OG_DESK_NEWS:
			hear(talk, &message->news);
			break;
		case OG_DESK_REFUSED:
			take_refusal(talk, part, &message->refusal);
			break;
		case OG_DESK_DONE:
			talk->nended++;
			break;
		case OG_DESK_GONE:
			take_end(talk);
			break;
	}
}

/* ---------- a call ---------- */

/* Is there anything more to be handed over, or told? */
static bool
goes_on(const Talk *talk)
{
	const SessionCall *call = talk->call;

	return talk->nended < call->ncut ||
		(talk->over == NULL && call->next_key < call->act->keys->nkeys);
}

static void
have_it_made(Talk *talk)
{
	OgDeskMessage message;
	SessionPart *rest;

	while (goes_on(talk))
	{
		hand_over(talk);
		if (og_desk_hear(talk->desk, &message))
			take_message(talk, &message);
		else
			og_desk_wait(talk->desk);
		CHECK_FOR_INTERRUPTS();
	}
	if (talk->over == NULL || talk->refusal != NULL)
		return;
	rest = og_session_cut_rest(talk->call);
	while (rest->nanswered < rest->nids)
		og_session_say(talk->call, rest, OG_NOT_SENT, talk->over);
}

void
og_session_hand_over(const OgAct *act)
{
	Talk		talk = {0};
	ErrorContextCallback on_error = {error_context_stack, talk_errcontext, &talk};

	initStringInfo(&talk.calls);
	talk.call = og_session_call(act);
	talk.outgoing_context = AllocSetContextCreate(CurrentMemoryContext,
												  "order_gateway part",
												  ALLOCSET_SMALL_SIZES);
	talk.desk = og_desk_open();
	error_context_stack = &on_error;
	have_it_made(&talk);
	error_context_stack = on_error.previous;
	og_desk_close(talk.desk);
	if (talk.refusal != NULL)
		raise_refusal(talk.refusal);
	if (talk.foreign > 0)
		og_session_hear(NULL, &(OgNews)
						{
							.kind = OG_NEWS_FOREIGN,
							.account = act->account,
							.function = act->function,
							.is_act = true,
							.number = talk.foreign
						});
}
