/*-------------------------------------------------------------------------
 *
 * stream_tell.c
 *		What streams tell of orders, kept in mind until it is of use.
 *
 * What was told of an order is kept in mind for some minutes, by its id and by a
 * client order id of our own making: by no other name, since others may be given
 * again; and by the account that it is of, since others may have an order of that
 * name.  Roles with the same key have the same account.  The journal is looked at
 * when it comes, and some times later, since an order may turn unknown only after
 * that: so its outcome is known before anybody asks.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "commands/sequence.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "ground/clock.h"
#include "ground/order_id.h"
#include "stream/stream_tell.h"
#include "worker/worker_table.h"

/* Orders that are kept in mind. */
#define MOST_ORDERS		10000

/* Orders that one transaction looks for. */
#define MOST_LOOKED_AT	200

/* Rows of our logs that a new process reads. */
#define MOST_READ		2000
#define READ_US			(USECS_PER_HOUR)

/* When an order is looked for, since it was told of last, in milliseconds. */
static const int looks[] = {0, 2000, 10000, 40000, 120000, 600000};

/* For so long a call is waited for that is not done. */
#define LONGEST_US		(600 * USECS_PER_SEC)

static struct
{
	MemoryContext loop;			/* of which loop all this is */
	MemoryContext context;
	HTAB	   *orders;
	dlist_head	by_age;
	bool		read;			/* what our logs have */
	int64		next_turn;
}			mind;

/* ---------- what is told ---------- */

static void
forget(Order *order)
{
	dlist_delete(&order->node);
	(void) hash_search(mind.orders, &order->key, HASH_REMOVE, NULL);
}

static void
add_told(Order *order, TimestampTz at, int status)
{
	if (order->ntold == MOST_TOLD)
	{
		order->ntold--;
		memmove(order->told, order->told + 1, order->ntold * sizeof(Told));
	}
	order->told[order->ntold++] = (Told) {at, status};
	order->told_at = og_clock_now();
	order->look = 0;
	mind.next_turn = 0;
}

static void
note(const char *account, const char *id, TimestampTz at, int status)
{
	OrderKey	key;
	Order	   *order;
	bool		found;

	if (strlen(id) > OG_STREAM_MAX_ID || account[0] == '\0')
		return;
	memset(&key, 0, sizeof(key));
	strlcpy(key.account, account, sizeof(key.account));
	strlcpy(key.id, id, sizeof(key.id));
	order = hash_search(mind.orders, &key, HASH_ENTER, &found);
	if (found)
		dlist_delete(&order->node);
	else
	{
		order->ntold = 0;
		order->waits = false;
	}
	dlist_push_tail(&mind.by_age, &order->node);
	add_told(order, at, status);
	if (hash_get_num_entries(mind.orders) > MOST_ORDERS)
		forget(dlist_head_element(Order, node, &mind.by_age));
}

/* By both of its names; our own are in lower case, whatever the provider does. */
static void
note_order(const char *account, const char *order_id, char *client_order_id,
		   TimestampTz at, int status)
{
	if (order_id != NULL)
		note(account, order_id, at, status);
	if (client_order_id == NULL ||
		!og_order_id_is_ours(og_stream_loop.installation.data,
							 og_slice_of(client_order_id)))
		return;
	for (char *c = client_order_id; *c; c++)
		*c = pg_ascii_tolower((unsigned char) *c);
	note(account, client_order_id, at, status);
}

static char *
text_of(const OgColumn *shape, const OgSlice *values, const char *name)
{
	OgSlice		value = values[og_column(shape, name)];

	return og_is_id(value) ? og_json_text(value, OG_STREAM_MAX_ID + 1) : NULL;
}

void
og_append_tell(const Appending *append, const OgSlice *values)
{
	const OgStreamWish *wish = &append->stream->wish;
	const Party *party = append->stream->party;
	const OgColumn *shape = og_append_shape(wish->kind);
	int64		status = A_FILL;

	if (wish->kind == OG_STREAM_NOTIFICATIONS &&
		(!og_json_integer(values[og_column(shape, "status")], &status) ||
		 status < 0 || status > PG_INT32_MAX))
		return;
	if (party->account == NULL)
		return;
	note_order(og_account_names(party->account)->account,
			   text_of(shape, values, "order_id"),
			   text_of(shape, values, "client_order_id"),
			   GetCurrentTimestamp(), (int) status);
}

/* ---------- what was told before this process began ---------- */

static char *
text_or_null(const OgTableRow *row, int column)
{
	return row->nulls[column] ? NULL
		: TextDatumGetCString(row->values[column]);
}

/* Rows of one log. */
typedef struct Reading
{
	List	   *accounts;		/* og_tell_account()'s */
	int			left;			/* so many more */
} Reading;

static const char *
account_of_row(Reading *reading, const OgTableRow *row, int server, int role)
{
	return og_tell_account(&reading->accounts,
					  og_server_numbered(DatumGetObjectId(row->values[server])),
					  DatumGetObjectId(row->values[role]));
}

static bool
take_notification(void *owner, const OgTableRow *row)
{
	if (!row->nulls[STREAM_NOTIFICATION_STATUS])
		note_order(account_of_row(owner, row, STREAM_NOTIFICATION_SERVER_ID,
								  STREAM_NOTIFICATION_ROLE_ID),
				   text_or_null(row, STREAM_NOTIFICATION_ORDER_ID),
				   text_or_null(row, STREAM_NOTIFICATION_CLIENT_ORDER_ID),
				   DatumGetTimestampTz(row->values[STREAM_NOTIFICATION_RECEIVED_AT]),
				   DatumGetInt32(row->values[STREAM_NOTIFICATION_STATUS]));
	return true;
}

static bool
take_fill(void *owner, const OgTableRow *row)
{
	Reading    *reading = owner;

	note_order(account_of_row(reading, row, STREAM_FILL_SERVER_ID,
							  STREAM_FILL_ROLE_ID),
			   text_or_null(row, STREAM_FILL_ORDER_ID),
			   text_or_null(row, STREAM_FILL_CLIENT_ORDER_ID),
			   DatumGetTimestampTz(row->values[STREAM_FILL_RECEIVED_AT]),
			   A_FILL);
	return --reading->left > 0;
}

static void
read_logs(void *arg)
{
	int64		last = nextval_internal(og_table_oid(OG_STREAM_NOTIFICATION_ID),
										false);
	Reading		reading = {NIL, MOST_READ};
	ScanKeyData keys[2];

	og_table_installation_key(&keys[0], &og_stream_loop.installation);
	ScanKeyInit(&keys[1], STREAM_NOTIFICATION_NOTIFICATION_ID + 1,
				BTGreaterEqualStrategyNumber, F_INT8GE,
				Int64GetDatum(last - MOST_READ));
	og_table_scan(OG_STREAM_NOTIFICATION_TABLE, OG_STREAM_NOTIFICATION_KEY,
				  NULL, keys, 2, take_notification, &reading);
	og_table_installation_key(&keys[0], &og_stream_loop.installation);
	ScanKeyInit(&keys[1], STREAM_FILL_RECEIVED_AT + 1,
				BTGreaterEqualStrategyNumber, F_TIMESTAMPTZ_GE,
				TimestampTzGetDatum(GetCurrentTimestamp() - READ_US));
	og_table_scan(OG_STREAM_FILL_TABLE, OG_STREAM_FILL_AT, NULL, keys, 2,
				  take_fill, &reading);
}

void
og_tell_open(void)
{
	HASHCTL		control = {.keysize = sizeof(OrderKey),
	.entrysize = sizeof(Order)};

	if (mind.loop == og_stream_loop.context)
		return;
	memset(&mind, 0, sizeof(mind));
	mind.loop = og_stream_loop.context;
	mind.context = AllocSetContextCreate(mind.loop,
										 "order_gateway orders told of",
										 ALLOCSET_DEFAULT_SIZES);
	control.hcxt = mind.context;
	mind.orders = hash_create("order_gateway orders told of", 256, &control,
							  HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	dlist_init(&mind.by_age);
}

/* ---------- a turn ---------- */

static int64
due_of(const Order *order)
{
	return order->told_at + looks[order->look] * INT64CONST(1000);
}

static List *
find_due(void)
{
	int64		now = og_clock_now();
	List	   *due = NIL;
	dlist_iter	iter;

	mind.next_turn = now + USECS_PER_SEC;
	dlist_foreach(iter, &mind.by_age)
	{
		Order	   *order = dlist_container(Order, node, iter.cur);

		if (due_of(order) > now)
			continue;
		if (list_length(due) == MOST_LOOKED_AT)
		{
			mind.next_turn = 0;
			break;
		}
		due = lappend(due, order);
	}
	return due;
}

/* Orders that were looked for have another time, or are forgotten. */
static void
go_on(List *orders)
{
	ListCell   *cell;

	foreach(cell, orders)
	{
		Order	   *order = lfirst(cell);

		if (order->waits && og_clock_now() - order->told_at < LONGEST_US)
			order->look = Min(Max(order->look, 1), 2);
		else if (++order->look == lengthof(looks))
			forget(order);
	}
}

static void
tell_settled(int count)
{
	if (count > 0)
		ereport(LOG,
				(errmsg("order_gateway: streams have told what became of %d orders that were unknown",
						count)));
}

void
og_tell_turn(void)
{
	Learning	learning = {0};
	Trouble		trouble;

	if (mind.orders == NULL || og_clock_now() < mind.next_turn)
		return;
	if (!mind.read && !og_try(read_logs, NULL, &trouble))
	{
		og_trouble_show(&trouble);
		mind.next_turn = og_clock_now() + USECS_PER_SEC;
		return;
	}
	mind.read = true;
	learning.installation.id = og_stream_loop.installation;
	learning.orders = find_due();
	if (learning.orders == NIL)
		return;
	if (!og_try(og_tell_settle, &learning, &trouble))
	{
		/* It is tried again; what is locked now may be so for long. */
		mind.next_turn = og_clock_now() + USECS_PER_SEC;
		return;
	}
	tell_settled(learning.count);
	go_on(learning.orders);
}
