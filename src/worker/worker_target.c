/*-------------------------------------------------------------------------
 *
 * worker_target.c
 *		Servers that cannot be reached, and when that is tried again.
 *
 * An outage costs one attempt per pause, and not one per order: while a server
 * is paused nothing is sent there, and then one call may try, with one request.
 * What it is answered, whatever that is, ends the pauses.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "ground/clock.h"
#include "worker/worker_outbox.h"

bool
og_target_fail(Target *target, TransactionId server_version, int64 now)
{
	target->server_version = server_version;

	/* Others that were under way at the same time say nothing new. */
	if (now < target->paused_until)
		return false;
	target->pause_us = og_longer_pause(target->pause_us);
	target->paused_until = now + target->pause_us;
	target->tried_by = 0;
	target->nfailures++;
	return true;
}

void
og_target_reach(Target *target)
{
	target->pause_us = target->paused_until = target->tried_by = 0;
	target->nfailures = 0;
}

void
og_target_look(Target *target, TransactionId server_version)
{
	if (target->server_version == server_version)
		return;
	target->server_version = server_version;
	target->paused_until = 0;
}

bool
og_target_lets(Target *target, int64 call_id, int64 now)
{
	if (target->pause_us == 0)
		return true;
	if (now < target->paused_until)
		return false;
	if (target->tried_by == 0)
		target->tried_by = call_id;
	return target->tried_by == call_id;
}

void
og_target_leave(Target *target, int64 call_id)
{
	if (target->tried_by == call_id)
		target->tried_by = 0;
}
