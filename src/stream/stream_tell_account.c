/*-------------------------------------------------------------------------
 *
 * stream_tell_account.c
 *		Whose account an order is of.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "foreign/foreign.h"
#include "utils/memutils.h"

#include "provider/btse/provider_btse.h"
#include "stream/stream_append.h"
#include "worker/worker_account.h"

/* That of a role at a server, as far as one transaction knows it. */
typedef struct Known
{
	Oid			serverid;
	Oid			roleid;
	char		account[OG_NAME_HASH + 1];	/* "" = there is none */
} Known;

static void
open_known(void *arg)
{
	Known	   *known = arg;
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext,
												  "order_gateway account",
												  ALLOCSET_SMALL_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	const ForeignServer *server = GetForeignServer(known->serverid);
	const OgAccount *account = og_account_open_as(known->roleid,
												  server->servername,
												  &og_btse, true);

	strlcpy(known->account, og_account_names(account)->account,
			sizeof(known->account));
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
}

const char *
og_tell_account(List **all, Oid serverid, Oid roleid)
{
	Known	   *known;
	Trouble		trouble;
	ListCell   *cell;

	foreach(cell, *all)
	{
		known = lfirst(cell);
		if (known->serverid == serverid && known->roleid == roleid)
			return known->account;
	}
	known = palloc0(sizeof(Known));
	known->serverid = serverid;
	known->roleid = roleid;
	if (!og_try_part(open_known, known, &trouble))
		known->account[0] = '\0';
	*all = lappend(*all, known);
	return known->account;
}
