/*-------------------------------------------------------------------------
 *
 * stream_market.h
 *		Markets in which an account's fills are read.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OG_STREAM_MARKET_H
#define OG_STREAM_MARKET_H

#include "stream/stream_append.h"

typedef struct Market
{
	char	   *symbol;
	TimestampTz until;			/* it is complete up to then */
	bool		marked;			/* it has a mark */
	bool		absent;			/* the provider tells nothing of it */
} Market;

typedef struct Markets
{
	MemoryContext context;
	List	   *list;			/* Market * */
	TimestampTz begun_at;		/* a new one is complete up to then */
} Markets;

/* Those that are known: that of the stream, or those that have marks. */
extern void og_market_begin(Markets *markets, const Appending *append);

/* This is one: a JSON value. */
extern void og_market_see(Markets *markets, OgSlice symbol);

/* By their numbers from 0; NULL behind the last. */
extern Market *og_market_get(const Markets *markets, int number);

#endif							/* OG_STREAM_MARKET_H */
