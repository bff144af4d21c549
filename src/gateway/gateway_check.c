/*-------------------------------------------------------------------------
 *
 * gateway_check.c
 *		What can be known of a server without touching an order.
 *
 * The credentials are sent only to where the probe has shown the provider's
 * API to be, so a wrong base_url that happens to answer never learns a key.
 * Nothing is tried a second time: a check tells what it sees.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "gateway/gateway_check.h"
#include "gateway/gateway_internal.h"

/*
 * The longest wait for a turn, in microseconds.  Whoever checks a server sits
 * and waits for it; a job that is busy with the account is answer enough.
 */
#define PATIENCE_US			(INT64CONST(10) * USECS_PER_SEC)

typedef struct Checking
{
	Errand		errand;			/* the request under way, or the last one ... */
	Sender		sender;			/* ... who sends it ... */
	OgAsked    *asked;			/* ... what it is about; NULL: all is over */
	OgCheck		check;
	MemoryContext context;
	const OgAccount *account;
	OgCaller	caller;
	int64		deadline;		/* og_clock_now(); 0 = none */
} Checking;

/* ---------- one request ---------- */

/* No answer to a check is about an order. */
static int
find_none(OgReading *reading, OgSlice id)
{
	return -1;
}

static void
take_none(OgReading *reading, int key, const OgResult *result)
{
}

/*
 * Read an answer.  One without a documented form is read as far as it is an
 * object, which is what errors of an API mostly are.
 */
static void
read_answer(OgAsked *asked, OgReading *reading)
{
	const OgBatch nothing = {0};
	OgSlice		answer;

	if (!og_json_prove(asked->response->body, &answer, &asked->flaw))
		return;
	if (asked->operation->read == NULL)
	{
		if (og_json_kind(answer) == OG_JSON_OBJECT)
			asked->envelope = OG_ENVELOPE_SUCCESS;
		else
			asked->flaw = "is not an object";
		return;
	}
	asked->operation->read(reading, answer, &nothing);
	asked->flaw = reading->note;
	asked->envelope = reading->envelope;
	asked->clock_suspected = reading->clock_suspected;
	asked->code = og_json_text(reading->code, OG_MAX_CODE);
	asked->message = og_json_text(reading->message, OG_MAX_MESSAGE);
}

/* By the provider's own time, if it tells it, for it checks ours by that. */
static void
compare_clocks(OgCheck *check, const OgReading *reading,
			   const OgResponse *response)
{
	check->clock_known = og_http_clock(response, &check->clock);
	if (reading->time_ms != 0)
	{
		og_http_compare_clocks(response, reading->time_ms,
							   reading->time_unit_ms, &check->clock);
		check->clock_known = true;
	}
}

static void
take_answer(Errand *errand, const OgResponse *response, Attempt *attempt)
{
	Checking   *checking = (Checking *) errand;
	OgAsked    *asked = checking->asked;
	OgReading	reading = {find_none, take_none, .rest = OG_UNKNOWN,
	.envelope = OG_ENVELOPE_SILENT};

	asked->response = response;
	asked->request = psprintf("%s %s", og_method_name(errand->method),
							  errand->path[0] != '\0' ? errand->path
							  : "base_url");
	if (response->delivery == OG_ANSWERED)
	{
		read_answer(asked, &reading);
		if (asked == &checking->check.probe)
			compare_clocks(&checking->check, &reading, response);
	}
	attempt->wants_fewer = response->status == 429 || reading.too_frequent;
	attempt->final = true;
}

/* The response stays as long as the check. */
static bool
settle(Errand *errand, OgTransfer *transfer, const Attempt *attempt, bool again)
{
	return false;
}

static void
give_up(Errand *errand, const char *why)
{
	((Checking *) errand)->asked->unsent = why;
}

static const ErrandKind check_request = {
	.take = take_answer,
	.settle = settle,
	.give_up = give_up
};

/* Ask what asked->operation asks, as that account. */
static void
begin_request(Checking *checking, OgAsked *asked, const OgAccount *account)
{
	MemoryContext old = MemoryContextSwitchTo(checking->context);
	Errand	   *errand = &checking->errand;
	Sender	   *sender = &checking->sender;

	memset(errand, 0, sizeof(*errand));
	memset(sender, 0, sizeof(*sender));
	checking->asked = asked;
	errand->kind = &check_request;
	errand->operation = asked->operation;
	errand->context = checking->context;
	og_sender_open(sender, account, asked->operation, &checking->caller);
	if (asked == &checking->check.probe)
	{
		errand->sight = &checking->check.sight;
		checking->deadline = sender->deadline;
	}
	sender->deadline = checking->deadline;
	sender->patience_us = Min(sender->patience_us, PATIENCE_US);
	og_sender_add(sender, errand);
	MemoryContextSwitchTo(old);
}

/* ---------- the check ---------- */

bool
og_check_found_api(const OgAsked *probe)
{
	const OgResponse *response = probe->response;

	if (response == NULL || response->delivery != OG_ANSWERED)
		return false;

	if (response->status >= 200 && response->status <= 299)
		return probe->operation->read == NULL ||
			probe->envelope == OG_ENVELOPE_SUCCESS;

	/* Whoever has no public read may say so as it likes. */
	return probe->operation->read == NULL &&
		response->status >= 400 && response->status <= 499 &&
		response->status != 408 && response->status != 429;
}

OgCheck *
og_check_open(const OgAccount *nobody, const OgAccount *account,
			  const OgCaller *caller)
{
	/* Transfers point into this, also while an error unwinds the stack. */
	Checking   *checking = palloc0(sizeof(Checking));
	OgCheck    *check = &checking->check;
	const OgProvider *provider = account->provider;

	checking->context = CurrentMemoryContext;
	checking->account = account;
	checking->caller = *caller;
	check->probe.operation = og_provider_operation(provider, OG_PROBE);
	check->credentials.operation = og_provider_operation(provider,
														 OG_CREDENTIALS);
	begin_request(checking, &check->probe, nobody);
	return check;
}

/* A request was answered or given up: what follows from it. */
static void
go_on(Checking *checking)
{
	OgCheck    *check = &checking->check;
	bool		was_probe = checking->asked == &check->probe;

	og_limiter_close(checking->sender.limiter);
	checking->asked = NULL;
	if (!was_probe || check->credentials.operation == NULL)
		return;
	if (og_check_found_api(&check->probe))
		begin_request(checking, &check->credentials, checking->account);
	else
		check->credentials.unsent = "what comes before it is not in order";
}

bool
og_check_advance(OgCheck *check, OgPause *pause)
{
	Checking   *checking = (Checking *) ((char *) check -
										 offsetof(Checking, check));
	const Errand *errand = &checking->errand;

	while (checking->asked != NULL)
	{
		if (errand->state == ERRAND_DONE)
			go_on(checking);
		else if (!og_sender_step(&checking->sender, pause) &&
				 errand->state != ERRAND_DONE)
			return false;
	}
	return true;
}
