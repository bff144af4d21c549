/*-------------------------------------------------------------------------
 *
 * settle_finding.c
 *		What the reads of a provider say of one order, and what follows.
 *
 * A conclusion must be true whatever else happened: what was asked for may
 * still be running at the provider for a while, so that "open" or "not known"
 * means nothing then; and of an order that no read knows nothing follows, since
 * a read may be late, or know no more.
 *
 * That an order was filled follows from its fills only if they are all it was
 * ever to be.  What a fill tells of its order's size may be what that was when
 * the order was placed, or when the fill came about, so fills that add up to it
 * may still be a part of an order that was amended since.  That cannot be where
 * fills tell different sizes (then they tell the size of their time), where an
 * order of this kind cannot be amended, or where it was alive so short a time ago
 * that the provider would know it had it been cancelled since.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/fmgrprotos.h"

#include "ground/clock.h"
#include "ground/numeric.h"
#include "settle/settle_finding.h"

/* A request may run at a provider for so long after it was sent. */
#define RUNNING_SECONDS	60

/* An order that is older than the request to create it by more is another one. */
#define CREATED_BEFORE_MS	INT64CONST(60000)

/* What is told of a time that is so far ahead is nonsense. */
#define AHEAD_MS		INT64CONST(60000)

/* ---------- values ---------- */

/* The value in a column of that name; nothing if there is no such column. */
static OgSlice
value_of(const OgOperation *operation, const OgSlice *values,
		 const char *name)
{
	return name == NULL ? og_slice(NULL, 0)
		: values[og_column(operation->columns, name)];
}

/* A number above zero, or NULL. */
static Numeric
amount_of(const OgOperation *operation, const OgSlice *values,
		  const char *name)
{
	OgSlice		value = value_of(operation, values, name);
	Datum		number;

	return og_is_positive(value) && og_numeric(value, &number)
		? DatumGetNumeric(number) : NULL;
}

/* A time that can be one, as Unix milliseconds; else 0. */
static int64
time_of(const OgOperation *operation, const OgSlice *values,
		const char *name, int64 now_ms)
{
	int			column;
	int64		ms;

	if (name == NULL)
		return 0;
	column = og_column(operation->columns, name);
	if (!og_time_ms(operation->columns[column].type, values[column], &ms) ||
		ms < 0 || ms > now_ms + AHEAD_MS)
		return 0;
	return ms;
}

static int
compare(Numeric a, Numeric b)
{
	return DatumGetInt32(DirectFunctionCall2(numeric_cmp,
											 NumericGetDatum(a),
											 NumericGetDatum(b)));
}

/* ---------- states ---------- */

/*
 * Does it say itself that a part of it was not filled?  What tells of no fill at
 * all says so, too.
 */
static bool
lacks_a_part(const OgInquiry *inquiry, const OgOperation *operation,
			 const OgSlice *values)
{
	Numeric		filled = amount_of(operation, values, inquiry->filled);
	Numeric		size = amount_of(operation, values, inquiry->size);

	if (size == NULL ||
		og_json_kind(value_of(operation, values, inquiry->filled)) <= OG_JSON_NULL)
		return false;
	return filled == NULL || compare(filled, size) < 0;
}

/* Two records of one order that say different things say nothing. */
void
og_finding_take_state(Finding *finding, const OgInquiry *inquiry,
					  const OgOperation *operation, const OgSlice *values,
					  int64 now_ms)
{
	OgOrderState state = inquiry->state(operation->columns, values);

	finding->exists = finding->exists || state != OG_ORDER_UNKNOWN;
	if (state == OG_ORDER_FILLED && lacks_a_part(inquiry, operation, values))
		state = OG_ORDER_UNKNOWN;
	if (finding->found && finding->state != state)
		finding->state = OG_ORDER_UNKNOWN;
	else
		finding->state = state;
	finding->found = true;
	finding->made_ms = Max(finding->made_ms,
						   time_of(operation, values, inquiry->time, now_ms));
}

/* ---------- fills ---------- */

void
og_fills_begin(Fills *fills, const OgInquiry *inquiry,
			   const OgOperation *operation)
{
	memset(fills, 0, sizeof(*fills));
	fills->context = CurrentMemoryContext;
	fills->inquiry = inquiry;
	fills->operation = operation;
	fills->seen = og_keys_create();
}

/* The whole of a string or number, "" if it is none. */
static char *
id_text(const OgOperation *operation, const OgSlice *values,
		const char *name)
{
	OgSlice		value = value_of(operation, values, name);

	return og_is_id(value) ? og_json_text(value, (int) value.len) : pstrdup("");
}

void
og_fills_take(Fills *fills, const OgSlice *values)
{
	const OgInquiry *inquiry = fills->inquiry;
	const OgOperation *operation = fills->operation;
	MemoryContext old = MemoryContextSwitchTo(fills->context);
	char	   *order = id_text(operation, values, "order_id");
	char	   *id = id_text(operation, values, operation->id[0]);
	int64		ms = time_of(operation, values, inquiry->time,
							 PG_INT64_MAX - AHEAD_MS);
	Numeric		size = amount_of(operation, values, inquiry->size);
	Numeric		filled = amount_of(operation, values, inquiry->filled);
	bool		is_new = id[0] != '\0' &&
		og_keys_add(fills->seen, og_slice_of(id));

	fills->several |= fills->order != NULL && strcmp(order, fills->order) != 0;
	fills->order = order;

	fills->untimed |= ms == 0;
	if (fills->count == 0 || ms < fills->first_ms)
		fills->first_ms = ms;
	fills->last_ms = Max(fills->last_ms, ms);

	/*
	 * Without an id a fill cannot be told from one that comes twice, so it does
	 * not count; nor does one that is told in two ways.
	 */
	fills->unsound |= !is_new || filled == NULL || size == NULL;
	if (fills->filled == NULL)
		fills->filled = filled;
	else if (is_new && filled != NULL)
		fills->filled = DatumGetNumeric(DirectFunctionCall2(numeric_add,
															NumericGetDatum(fills->filled),
															NumericGetDatum(filled)));

	fills->resized |= size != NULL && fills->size != NULL &&
		compare(size, fills->size) != 0;
	if (fills->size == NULL ||
		(size != NULL && compare(size, fills->size) > 0))
		fills->size = size;

	fills->amendable |= inquiry->fixed == NULL ||
		!inquiry->fixed(operation->columns, values);
	fills->count++;
	MemoryContextSwitchTo(old);
}

/*
 * Was it alive within so many minutes before it was not known any more?  All of
 * these times are the provider's: ours may be any.
 */
static bool
was_just_alive(const Fills *fills, const Finding *finding, int minutes)
{
	int64		known_ms = minutes * INT64CONST(60000);

	return finding->absent_ms != 0 && !fills->untimed &&
		fills->last_ms > finding->absent_ms - known_ms &&
		fills->last_ms < finding->absent_ms + AHEAD_MS;
}

/* Why these fills do not show that their order was filled, or NULL. */
static const char *
doubt_about(const Fills *fills, const Finding *finding, int minutes)
{
	int			order;

	if (fills->several)
		return "there are trades of several orders";
	if (fills->unsound)
		return "its trades do not tell how much of it was filled";
	order = compare(fills->filled, fills->size);
	if (order < 0)
		return "its trades are for a part of it, and nothing is known of the rest";
	if (order > 0)
		return "its trades add up to more than its size, so it was amended, and nobody knows to what";
	if (!fills->resized && fills->amendable &&
		!was_just_alive(fills, finding, minutes))
		return "its trades add up to its size: it was filled, unless it was amended to a larger one";
	return NULL;
}

/*
 * An order that traded a moment before it was not known any more was not
 * cancelled in between, which would be known; so it was filled, whatever else it
 * traded.
 */
bool
og_fills_suffice(const Fills *fills, const Finding *finding, int minutes)
{
	return fills->filled != NULL && doubt_about(fills, finding, minutes) == NULL &&
		was_just_alive(fills, finding, minutes);
}

void
og_fills_judge(const Fills *fills, Finding *finding, int minutes,
			   int64 now_ms)
{
	if (fills->count == 0)
		return;
	finding->found = true;
	if (fills->filled == NULL)
	{
		finding->state = OG_ORDER_UNKNOWN;
		return;
	}
	finding->exists = true;
	finding->closed = true;
	finding->doubt = doubt_about(fills, finding, minutes);
	finding->state = finding->doubt == NULL ? OG_ORDER_FILLED
		: fills->several ? OG_ORDER_UNKNOWN : OG_ORDER_PARTLY_FILLED;
	if (!fills->untimed && fills->last_ms <= now_ms + AHEAD_MS)
		finding->made_ms = fills->first_ms;
}

/* ---------- conclusions ---------- */

/* Of a create, all that matters is whether the order is the one it made. */
static OgVerdict
conclude_create(const Finding *finding, TimestampTz sent_after,
				const char **message)
{
	*message = "the provider has it";
	if (sent_after == 0)
		return OG_ACCEPTED;
	if (finding->made_ms == 0)
		*message = "the provider has an order of this id, but does not tell when that was made";
	else if (finding->made_ms < og_unix_ms(sent_after) - CREATED_BEFORE_MS)
		*message = "the provider has an order of this id, but from before the request was sent";
	else
		return OG_ACCEPTED;
	return OG_UNKNOWN;
}

OgVerdict
og_finding_conclude(const Finding *finding, const UnknownAct *act,
					const OgSent *sent, TimestampTz checked_at,
					const char **message)
{
	if (act->create && finding->exists)
		return conclude_create(finding, sent->after, message);
	if (!act->create && act->shared_id)
	{
		*message = "orders may share a client order id: ask by the order id";
		return OG_UNKNOWN;
	}
	switch (finding->state)
	{
		case OG_ORDER_CANCELLED:
			*message = "the provider says that it is cancelled";
			return OG_CANCELLED;
		case OG_ORDER_FILLED:
			*message = "it was filled, or is done";
			return OG_NOT_CANCELLABLE;
		case OG_ORDER_UNKNOWN:
			*message = finding->doubt ? finding->doubt
				: "the provider's answer does not tell";
			return OG_UNKNOWN;
		case OG_ORDER_PARTLY_FILLED:
			*message = act->part_is_final
				? "it was carried out in part, or stopped" : finding->doubt;
			if (act->part_is_final)
				return OG_NOT_CANCELLABLE;
			if (finding->closed)
				return OG_UNKNOWN;
			break;
		case OG_ORDER_OPEN:
		case OG_ORDER_GONE:
			break;
	}

	/* Open, or not known: what was asked for may not be done yet. */
	if (sent->before == 0)
		*message = "it is not known when the request was sent, so it may still be running";
	else if (checked_at - sent->before < RUNNING_SECONDS * USECS_PER_SEC)
		*message = "the request may still be running at the provider: ask again later";
	else if (finding->state == OG_ORDER_GONE)
		*message = "the provider does not know it: it never was, or was cancelled or filled long ago";
	else
	{
		*message = "it is still open, so nothing was done: it may be cancelled again";
		return OG_REJECTED;
	}
	return OG_UNKNOWN;
}
