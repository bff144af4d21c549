/*-------------------------------------------------------------------------
 *
 * random.h
 *		Numbers at random that are the same whenever .state begins as the same.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OG_RANDOM_H
#define OG_RANDOM_H

static uint64 state = 1;

static uint32
below(uint32 limit)
{
	state = state * UINT64CONST(6364136223846793005) +
		UINT64CONST(1442695040888963407);
	return (uint32) ((state >> 33) % limit);
}

#endif							/* OG_RANDOM_H */
