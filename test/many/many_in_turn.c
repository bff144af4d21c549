/*-------------------------------------------------------------------------
 *
 * many_in_turn.c
 *		Make calls of one id each, one after the other, some of them at once.
 *
 *	many_in_turn(server name, first bigint, calls int, at_once int, keep int)
 *
 * cancels so many ids from "first" on, each by a call of its own with an account
 * of its own, as a worker makes them; at most so many are open, and so many
 * connections are kept.  All of them must end as "cancelled".  Tells what that
 * took, and what this process holds afterwards: connections, and bytes by
 * palloc() and by malloc().  For test/t/134_many_kept.pl, and to see in a profile
 * what a call costs.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <malloc.h>

#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/memutils.h"

#include "gateway/gateway.h"
#include "ground/clock.h"
#include "many.h"

PG_FUNCTION_INFO_V1(many_in_turn);

/* One of those that are open. */
typedef struct Place
{
	MemoryContext context;
	OgCall	   *call;			/* NULL = none */
	int			closed;
} Place;

static void
count_closed(void *owner, int key, const OgRow *row)
{
	if (row->outcome->verdict != OG_CANCELLED)
		elog(ERROR, "not cancelled: %s", row->outcome->message
			 ? row->outcome->message : og_verdict_name(row->outcome->verdict));
	((Place *) owner)->closed++;
}

static const OgWitness witness = {.closed = count_closed};

static void
begin(Place *place, const char *server, int64 id)
{
	MemoryContext old = MemoryContextSwitchTo(place->context);
	const OgProvider *provider = og_account_provider(server);
	OgAccount  *account = og_account_open(server, provider, true);
	OgFields   *arguments = palloc0(sizeof(OgFields));
	OgKeys	   *keys = og_keys_create();
	OgCaller	caller = {"many_in_turn", GetUserId(), GetSessionUserId(),
	&witness, place};

	og_fields_add(arguments, "market", "btc_usdt");
	(void) og_keys_add(keys, og_slice_of(psprintf(INT64_FORMAT, id)));
	og_keys_finish(keys);
	place->closed = 0;
	place->call = og_call_open(account, og_provider_operation(provider, "cancel"),
							   arguments, keys, &caller);
	MemoryContextSwitchTo(old);
}

/* True if the call is over. */
static bool
advance(Place *place, OgPause *pause)
{
	OgPause		own = {0, OG_WAIT_NONE};
	OgRow		row;

	while (og_call_advance(place->call, &own))
	{
		if (!og_call_next(place->call, &row))
		{
			Assert(place->closed == 1);
			og_call_close(place->call);
			place->call = NULL;
			MemoryContextReset(place->context);
			return true;
		}
	}
	og_pause_merge(pause, &own);
	return false;
}

static void
drive(Place *places, int at_once, const char *server, int64 first, int calls)
{
	int			begun = 0;
	int			over = 0;

	while (over < calls)
	{
		OgPause		pause = {0, OG_WAIT_NONE};
		bool		moved = false;

		for (int i = 0; i < at_once; i++)
		{
			Place	   *place = &places[i];

			if (place->call == NULL && begun < calls)
				begin(place, server, first + begun++);
			if (place->call != NULL && advance(place, &pause))
			{
				over++;
				moved = true;
			}
		}
		if (!moved)
			og_gateway_wait(&pause);
	}
}

Datum
many_in_turn(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	const char *server = NameStr(*PG_GETARG_NAME(0));
	int			at_once = PG_GETARG_INT32(3);
	Place	   *places = palloc0(at_once * sizeof(Place));
	int64		begun = og_clock_now();
	Datum		values[4];
	bool		nulls[lengthof(values)] = {false};

	InitMaterializedSRF(fcinfo, 0);
	share_memory();
	og_http_keep(PG_GETARG_INT32(4));
	for (int i = 0; i < at_once; i++)
		places[i].context = AllocSetContextCreate(CurrentMemoryContext,
												  "many_in_turn place",
												  ALLOCSET_DEFAULT_SIZES);
	drive(places, at_once, server, PG_GETARG_INT64(1), PG_GETARG_INT32(2));
	for (int i = 0; i < at_once; i++)
		MemoryContextDelete(places[i].context);
	values[0] = Float8GetDatum((double) (og_clock_now() - begun) / 1000000);
	values[1] = Int32GetDatum(og_http_kept_count());
	values[2] = Int64GetDatum((int64) MemoryContextMemAllocated(TopMemoryContext, true));
	values[3] = Int64GetDatum((int64) (mallinfo2().uordblks + mallinfo2().hblkhd));
	tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	return (Datum) 0;
}
