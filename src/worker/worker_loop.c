/*-------------------------------------------------------------------------
 *
 * worker_loop.c
 *		What a worker does with the calls of its database.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "worker/worker_internal.h"

void
og_loop_open(void)
{
}

bool
og_loop_turn(OgPause *pause)
{
	return false;
}

void
og_loop_close(void)
{
}
