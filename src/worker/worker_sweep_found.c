/*-------------------------------------------------------------------------
 *
 * worker_sweep_found.c
 *		Orders that a provider has: does the journal know them?
 *
 * Nearly all of them have results, which an index tells.  Whoever is left is
 * compared with what each call of the journal names: it may be in flight, or
 * belong to a call that was given up.  That costs a walk through all calls, but
 * only where there is somebody to be looked for, and some at a time.
 *
 * An order is read after the mark of its request was committed, so a walk that
 * begins after that sees the call.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "ground/clock.h"
#include "ground/order_id.h"
#include "worker/worker.h"
#include "worker/worker_function.h"
#include "worker/worker_sweep.h"
#include "worker/worker_table.h"

/* So many are compared with the calls together. */
#define MANY_SUSPECTS	1000

/* Orders that are entered at once. */
#define ORDERS_AT_ONCE	100

/* How a found order is told of. */
static const char *const MESSAGE =
"the provider has this order of ours, and the journal did not know it";
static const char *const NOTE =
"found at the provider: the server that created this order did not pass its rows on, or it was created without the worker";

typedef struct Suspect
{
	char		id[OG_ORDER_ID_LENGTH + 1]; /* the key, in lower case */
	bool		sifted;			/* it has no results */
	bool		entered;		/* in this transaction */
	int64		call_id;
	OgOrderState state;
	char	   *symbol;			/* NULL where it is not told */
	char	   *side;
	char	   *raw;
} Suspect;

struct Suspects
{
	const OgInstallation *installation;
	const OgSweep *sweep;
	const OgOperation *create;
	const OgProvider *provider;
	MemoryContext parent;
	MemoryContext context;		/* of all suspects */
	HTAB	   *all;
	int			unsifted;
	int64		next_call;		/* to be compared with */
	int			cost;			/* of this step of that */
};

/* ---------- what is read ---------- */

const OgSweepRead og_sweep_reads[] = {
	{"open_orders", false},
	{"trade_history", true},
	{NULL}
};

const OgOperation *
og_sweep_create(const OgProvider *provider)
{
	const OgOperation *create = og_provider_operation(provider,
													  "create_order");

	for (int i = 0; og_sweep_reads[i].operation != NULL && create != NULL; i++)
	{
		const OgOperation *read =
			og_provider_operation(provider, og_sweep_reads[i].operation);

		if (read == NULL || read->kind != OG_READ ||
			og_column(read->columns, "client_order_id") < 0)
			return NULL;
	}
	return create;
}

/* ---------- suspects ---------- */

/* There are none, as yet. */
static void
begin(Suspects *suspects)
{
	HASHCTL		info = {.keysize = OG_ORDER_ID_LENGTH + 1,
	.entrysize = sizeof(Suspect)};

	suspects->context = AllocSetContextCreate(suspects->parent,
											  "order_gateway suspects",
											  ALLOCSET_DEFAULT_SIZES);
	info.hcxt = suspects->context;
	suspects->all = hash_create("order_gateway suspects", 64, &info,
								HASH_ELEM | HASH_STRINGS | HASH_CONTEXT);
	suspects->unsifted = 0;
	suspects->next_call = PG_INT64_MIN;
}

Suspects *
og_suspects_create(const OgInstallation *installation, const OgSweep *sweep,
				   const OgOperation *create, const OgProvider *provider,
				   MemoryContext parent)
{
	Suspects   *suspects = MemoryContextAllocZero(parent, sizeof(Suspects));

	suspects->installation = installation;
	suspects->sweep = sweep;
	suspects->create = create;
	suspects->provider = provider;
	suspects->parent = parent;
	begin(suspects);
	return suspects;
}

int
og_suspects_count(const Suspects *suspects)
{
	return (int) hash_get_num_entries(suspects->all);
}

bool
og_suspects_are_many(const Suspects *suspects)
{
	return og_suspects_count(suspects) >= MANY_SUSPECTS;
}

bool
og_suspects_are_new(const Suspects *suspects)
{
	return suspects->unsifted > 0;
}

/*
 * Is it an id that we made, of an order that the journal would still have?  It
 * is made when its call is submitted.
 */
static bool
is_ours(const Suspects *suspects, OgSlice id)
{
	int64		oldest = og_unix_ms(GetCurrentTimestamp()) -
		og_journal_keep * INT64CONST(60000);

	return og_order_id_is_ours(suspects->installation->id.data, id) &&
		(og_journal_keep == 0 || og_order_id_ms(id) > oldest);
}

static char *
text_or_null(OgSlice value)
{
	return og_is_id(value) ? og_json_text(value, (int) value.len) : NULL;
}

static void
see(Suspects *suspects, const char *text, const SeenOrder *order)
{
	Suspect    *suspect;
	bool		known;

	/* Our ids are in lower case, whatever the provider makes of them. */
	char	   *id = pstrdup(text);

	for (char *at = id; *at; at++)
		*at = pg_ascii_tolower((unsigned char) *at);
	suspect = hash_search(suspects->all, id, HASH_ENTER, &known);
	pfree(id);
	if (known)
		return;
	suspect->sifted = suspect->entered = false;
	suspect->call_id = 0;
	suspect->state = order->state;
	suspect->symbol = text_or_null(order->symbol);
	suspect->side = text_or_null(order->side);
	suspect->raw = pnstrdup(order->raw.data, order->raw.len);
	suspects->unsifted++;

	/* Calls that were compared with do not name it, for all we know. */
	suspects->next_call = PG_INT64_MIN;
}

void
og_suspects_see(Suspects *suspects, const SeenOrder *order)
{
	MemoryContext old = MemoryContextSwitchTo(suspects->context);
	char	   *id = text_or_null(order->client_order_id);

	if (id != NULL && is_ours(suspects, og_slice_of(id)))
		see(suspects, id, order);
	if (id != NULL)
		pfree(id);
	MemoryContextSwitchTo(old);
}

/* ---------- what the journal knows ---------- */

static bool
has_result(const Suspect *suspect)
{
	ScanKeyData key;

	og_table_text_key(&key, RESULT_ORDER_ID, CStringGetTextDatum(suspect->id));
	return og_table_has(OG_RESULT_TABLE, OG_RESULT_ORDER, &key, 1);
}

static void
let_go(Suspects *suspects, const Suspect *suspect)
{
	(void) hash_search(suspects->all, suspect->id, HASH_REMOVE, NULL);
}

void
og_suspects_sift(Suspects *suspects)
{
	HASH_SEQ_STATUS each;
	Suspect    *suspect;

	if (suspects->unsifted == 0)
		return;
	hash_seq_init(&each, suspects->all);
	while ((suspect = hash_seq_search(&each)) != NULL)
	{
		if (!suspect->sifted && has_result(suspect))
			let_go(suspects, suspect);
		else
			suspect->sifted = true;
	}
	suspects->unsifted = 0;
	if (og_suspects_count(suspects) > 0)
		return;
	MemoryContextDelete(suspects->context);
	begin(suspects);
}

/* Whoever is named is known. */
static void
let_go_of_named(Suspects *suspects, Datum ids)
{
	ArrayType  *array = DatumGetArrayTypeP(ids);
	ArrayIterator each = array_create_iterator(array, 0, NULL);
	Datum		element;
	bool		isnull;

	while (array_iterate(each, &element, &isnull))
	{
		const text *id = isnull ? NULL : (text *) DatumGetPointer(element);
		char		key[OG_ORDER_ID_LENGTH + 1];

		if (id == NULL || VARSIZE_ANY_EXHDR(id) != OG_ORDER_ID_LENGTH)
			continue;
		memcpy(key, VARDATA_ANY(id), OG_ORDER_ID_LENGTH);
		key[OG_ORDER_ID_LENGTH] = '\0';
		(void) hash_search(suspects->all, key, HASH_REMOVE, NULL);
	}
	array_free_iterator(each);
	suspects->cost += OG_COST_OF_CALL(ArrayGetNItems(ARR_NDIM(array),
													 ARR_DIMS(array)));
	if ((Pointer) array != DatumGetPointer(ids))
		pfree(array);
}

static bool
pass_call(void *owner, const OgTableRow *row)
{
	Suspects   *suspects = owner;
	text	   *operation = DatumGetTextPP(row->values[CALL_OPERATION]);

	if (suspects->cost++ >= OG_CALLS_OF_TURN)
		return false;
	suspects->next_call = DatumGetInt64(row->values[CALL_CALL_ID]) + 1;
	if (VARSIZE_ANY_EXHDR(operation) == strlen(suspects->create->name) &&
		memcmp(VARDATA_ANY(operation), suspects->create->name,
			   VARSIZE_ANY_EXHDR(operation)) == 0)
		let_go_of_named(suspects, row->values[CALL_IDS]);
	return true;
}

bool
og_suspects_pass(Suspects *suspects)
{
	ScanKeyData keys[2];

	suspects->cost = 0;
	og_table_call_key_from(keys, &suspects->installation->id,
						   suspects->next_call);
	og_table_scan(OG_CALL_TABLE, OG_CALL_KEY, NULL, keys, 2, pass_call,
				  suspects);
	return suspects->cost <= OG_CALLS_OF_TURN ||
		og_suspects_count(suspects) == 0;
}

/* ---------- entering ---------- */

/* The call as it was made, as far as that is known; it is not made again. */
static OgJournalCall
call_of(const Suspects *suspects, const Suspect *suspect, OgSlice *id)
{
	const OgSweep *sweep = suspects->sweep;
	const char *function = psprintf("%s_%s", suspects->provider->name,
									suspects->create->name);
	OgJournalCall call = {
		.origin = OG_IS_FOUND,
		.function = function,
		.functionid = og_submit_function(function),
		.provider = suspects->provider->name,
		.operation = suspects->create->name,
		.serverid = sweep->serverid,
		.server = NameStr(sweep->server),
		.roleid = sweep->roleid,
		.role = NameStr(sweep->role),
		.ids = id,
		.nids = 1
	};

	*id = og_slice_of(suspect->id);
	if (suspect->symbol != NULL)
		og_fields_add(&call.arguments, "symbol", suspect->symbol);
	if (suspect->side != NULL)
		og_fields_add(&call.arguments, "side", suspect->side);
	call.submitted_at = (og_order_id_ms(*id) - og_unix_ms(0)) * 1000;
	call.not_before = call.expires_at = call.submitted_at;
	return call;
}

static void
enter(const Suspects *suspects, Suspect *suspect)
{
	OgSlice		id;
	OgJournalCall call = call_of(suspects, suspect, &id);
	OgJournalResult result = {
		.ordinal = 1,
		.leg = 1,
		.order_id = id,
		.outcome = OG_ACCEPTED,
		.message = MESSAGE,
		.attempts = 1,
		.response = og_slice_of(suspect->raw),
		.order_state = og_order_state_name(suspect->state),
		.settled_at = GetCurrentTimestamp()
	};
	int			outcomes[OG_OUTCOMES] = {0};
	OgJournalEnd end = {.outcomes = outcomes,.note = NOTE};

	suspect->call_id = og_journal_add(suspects->installation, &call);
	result.call_id = end.call_id = suspect->call_id;
	og_journal_results(suspects->installation, &result, 1);
	outcomes[OG_ACCEPTED] = 1;
	og_journal_ends(suspects->installation, &end, 1);
	suspect->entered = true;
}

void
og_suspects_enter(Suspects *suspects, OgSweep *sweep)
{
	HASH_SEQ_STATUS each;
	Suspect    *suspect;
	int			count = 0;

	hash_seq_init(&each, suspects->all);
	while ((suspect = hash_seq_search(&each)) != NULL)
	{
		suspect->entered = false;
		if (count >= ORDERS_AT_ONCE)
			continue;
		enter(suspects, suspect);
		count++;
	}
	sweep->found += count;
}

void
og_suspects_tell(Suspects *suspects)
{
	HASH_SEQ_STATUS each;
	Suspect    *suspect;

	hash_seq_init(&each, suspects->all);
	while ((suspect = hash_seq_search(&each)) != NULL)
	{
		if (!suspect->entered)
			continue;
		ereport(WARNING,
				(errmsg("order_gateway: server \"%s\" has order \"%s\", which this installation created and its journal did not know: it is call " INT64_FORMAT " now",
						NameStr(suspects->sweep->server), suspect->id,
						suspect->call_id)));
		let_go(suspects, suspect);
	}
	if (og_suspects_count(suspects) > 0)
		return;
	MemoryContextDelete(suspects->context);
	begin(suspects);
}
