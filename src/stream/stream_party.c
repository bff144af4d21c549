/*-------------------------------------------------------------------------
 *
 * stream_party.c
 *		As whom streams are followed, and where that is.
 *
 * All that was checked when a stream was started is so again before it is
 * followed, and whenever roles, rights, servers or mappings have changed: what
 * the role may not do any more is refused, until it may.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "foreign/foreign.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "ground/compat.h"
#include "provider/btse/provider_btse.h"
#include "stream/stream_internal.h"
#include "worker/worker_account.h"
#include "worker/worker_function.h"
#include "worker/worker_try.h"

/* What could not be opened may be so for reasons that no catalog tells. */
#define AGAIN_US	(60 * USECS_PER_SEC)

/* A reason that passes, such as a lock. */
#define SOON_US		(1 * USECS_PER_SEC)

/* ---------- which there are ---------- */

static Party *
make_party(const OgStreamWish *wish)
{
	MemoryContext context = AllocSetContextCreate(og_stream_loop.context,
												  "order_gateway stream party",
												  ALLOCSET_SMALL_SIZES);
	Party	   *party = MemoryContextAllocZero(context, sizeof(Party));

	party->context = context;
	party->serverid = wish->serverid;
	party->roleid = wish->roleid;
	party->is_private = og_stream_is_private(wish->kind);
	party->server = MemoryContextStrdup(context, wish->server);
	party->role = MemoryContextStrdup(context, wish->role);
	dlist_push_tail(&og_stream_loop.parties, &party->node);
	return party;
}

Party *
og_party_for(const OgStreamWish *wish)
{
	bool		is_private = og_stream_is_private(wish->kind);
	dlist_iter	iter;

	dlist_foreach(iter, &og_stream_loop.parties)
	{
		Party	   *party = party_of_node(iter.cur);

		if (party->serverid == wish->serverid &&
			party->roleid == wish->roleid && party->is_private == is_private)
			return party;
	}
	return make_party(wish);
}

static void
forget(Party *party)
{
	dlist_delete(&party->node);
	MemoryContextDelete(party->context);
}

static bool
has_streams(const Party *party)
{
	dlist_iter	iter;

	dlist_foreach(iter, &og_stream_loop.streams)
	{
		if (stream_of(iter.cur)->party == party)
			return true;
	}
	return false;
}

/* ---------- opening ---------- */

/* May the role start streams, still? */
static void
check_function(const Party *party)
{
	Oid			functionid = og_extension_function(OG_STREAM_START);

	if (!OidIsValid(functionid))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_FUNCTION),
				 errmsg("function %s() does not exist any more",
						OG_STREAM_START)));
	og_share_watch(functionid);
	if (og_function_aclcheck(functionid, party->roleid) != ACLCHECK_OK)
		aclcheck_error(ACLCHECK_NO_PRIV, OBJECT_FUNCTION, OG_STREAM_START);
}

/* What is being opened: in the context that is to be the account's. */
typedef struct Opening
{
	Party	   *party;
	MemoryContext context;
	const OgAccount *account;
	char	   *server;
	char	   *role;
} Opening;

static void
open_party(void *arg)
{
	Opening    *opening = arg;
	Party	   *party = opening->party;
	ForeignServer *server;
	MemoryContext old;

	og_account_need_role(party->roleid, party->role);
	server = og_account_need_server(party->serverid, party->server);
	check_function(party);
	old = MemoryContextSwitchTo(opening->context);
	opening->server = pstrdup(server->servername);
	opening->role = GetUserNameFromId(party->roleid, false);
	opening->account = og_account_open_as(party->roleid, opening->server,
										  &og_btse, party->is_private);
	og_stream_need_places(opening->account);
	MemoryContextSwitchTo(old);
}

/* What was open stays so where the reason is none of its own. */
static void
fail(Party *party, const Trouble *trouble)
{
	bool		passes = og_trouble_passes(trouble);

	party->again_at = og_stream_loop.now + (passes ? SOON_US : AGAIN_US);
	if (passes && party->account != NULL)
		return;
	if (party->account_context != NULL)
		MemoryContextDelete(party->account_context);
	party->account_context = NULL;
	party->account = NULL;
	if (party->problem != NULL)
		pfree(party->problem);
	party->problem = MemoryContextStrdup(party->context, trouble->message);
}

static void
take_opened(Party *party, const Opening *opening)
{
	if (party->account_context != NULL)
		MemoryContextDelete(party->account_context);
	party->account_context = opening->context;
	party->account = opening->account;
	party->again_at = 0;
	pfree(party->server);
	pfree(party->role);
	party->server = MemoryContextStrdup(party->context, opening->server);
	party->role = MemoryContextStrdup(party->context, opening->role);
}

static void
open_anew(Party *party, uint64 version)
{
	Opening		opening = {party};
	Trouble		trouble;

	opening.context = AllocSetContextCreate(party->context,
											"order_gateway stream account",
											ALLOCSET_SMALL_SIZES);
	party->tried = true;
	party->version = version;
	if (og_try(open_party, &opening, &trouble))
	{
		take_opened(party, &opening);
		return;
	}
	MemoryContextDelete(opening.context);
	fail(party, &trouble);
}

/* ---------- all of them ---------- */

void
og_parties_look(void)
{
	uint64		version = og_share_version();
	dlist_mutable_iter iter;

	dlist_foreach_modify(iter, &og_stream_loop.parties)
	{
		Party	   *party = party_of_node(iter.cur);

		if (!has_streams(party))
			forget(party);
		else if (!party->tried || party->version != version ||
				 (party->again_at != 0 &&
				  og_stream_loop.now >= party->again_at))
			open_anew(party, version);
	}
}

void
og_parties_close(void)
{
	dlist_mutable_iter iter;

	dlist_foreach_modify(iter, &og_stream_loop.parties)
		forget(party_of_node(iter.cur));
}
