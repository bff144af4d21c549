/*-------------------------------------------------------------------------
 *
 * btse_stream_tell.c
 *		What notifications and fills of BTSE say of acts on an order.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "provider/btse/btse_stream.h"
#include "provider/btse/provider_btse.h"

#define ACTS	(OG_STREAM_AMEND + 1)

/* What a status says: OG_UNKNOWN = nothing. */
typedef struct Meaning
{
	int			status;
	OgVerdict	verdicts[ACTS];
	bool		is_weak;		/* only if nothing else is told of the order */
} Meaning;

/*
 * The names stand in btse_codes.  That the market is not there, or the balance
 * too small, may as well be said of what is done to an order that exists.
 */
static const Meaning meanings[] = {
	{1, {OG_REJECTED, OG_UNKNOWN, OG_UNKNOWN}, true},
	{2, {OG_ACCEPTED, OG_UNKNOWN, OG_UNKNOWN}},
	{4, {OG_ACCEPTED, OG_NOT_CANCELLABLE, OG_UNKNOWN}},
	{5, {OG_ACCEPTED, OG_UNKNOWN, OG_UNKNOWN}},
	{6, {OG_ACCEPTED, OG_CANCELLED, OG_UNKNOWN}},
	{8, {OG_REJECTED, OG_UNKNOWN, OG_UNKNOWN}, true},
	{9, {OG_ACCEPTED, OG_UNKNOWN, OG_UNKNOWN}},
	{10, {OG_ACCEPTED, OG_UNKNOWN, OG_UNKNOWN}},
	{15, {OG_UNKNOWN, OG_UNKNOWN, OG_REJECTED}}
};

/* What is weak gives way to what is not; two that differ say nothing. */
static void
add_verdict(OgStreamTold *told, OgVerdict verdict, bool is_weak)
{
	if (verdict == OG_UNKNOWN)
		return;
	if (told->count == 0 || (told->is_weak && !is_weak))
	{
		told->verdict = verdict;
		told->is_weak = is_weak;
	}
	else if (told->is_weak == is_weak && told->verdict != verdict)
		told->verdict = OG_UNKNOWN;
	told->count++;
}

void
og_btse_stream_notified(OgStreamTold *told, OgStreamAct act, int64 status)
{
	for (int i = 0; i < lengthof(meanings); i++)
	{
		if (meanings[i].status == status)
			add_verdict(told, meanings[i].verdicts[act], meanings[i].is_weak);
	}
}

/* What was filled has been accepted before. */
void
og_btse_stream_filled(OgStreamTold *told, OgStreamAct act)
{
	add_verdict(told, act == OG_STREAM_CREATE ? OG_ACCEPTED : OG_UNKNOWN, false);
}

OgVerdict
og_btse_stream_verdict(const OgStreamTold *told)
{
	return told->count > 0 ? told->verdict : OG_UNKNOWN;
}

OgOrderState
og_btse_stream_state(int64 status)
{
	char		text[24];
	int			length = snprintf(text, sizeof(text), INT64_FORMAT, status);

	return og_meaning(og_btse_states, og_slice(text, length))->meaning;
}
