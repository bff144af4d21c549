/*-------------------------------------------------------------------------
 *
 * limiter_nonce.c
 *		Times to sign with that increase.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "limiter/limiter_lane.h"

/* A nonce runs ahead of the time of day no further. */
#define MAX_NONCE_LEAD_MS	INT64CONST(86400000)

int64
og_nonce_next(pg_atomic_uint64 *last_nonce, int64 now_ms)
{
	uint64		value = pg_atomic_read_u64(last_nonce);
	int64		nonce;

	do
	{
		int64		last = (int64) value;

		if (last < now_ms || last > now_ms + MAX_NONCE_LEAD_MS)
			nonce = now_ms;
		else
			nonce = last + 1;
	} while (!pg_atomic_compare_exchange_u64(last_nonce, &value,
											 (uint64) nonce));
	return nonce;
}
