/*-------------------------------------------------------------------------
 *
 * provider_btse.h
 *		What the files of BTSE's spot API share.
 *
 * provider_btse.c			the provider: signature, cancels, the check
 * provider_btse_trade.c	acts on orders: create, amend, cancel all
 * provider_btse_deposit.c	acts on investments
 * provider_btse_body.c		the JSON bodies of acts
 * provider_btse_answer.c	lists of orders, and errors
 * provider_btse_read.c		what reads have in common
 * provider_btse_columns.c	columns of what it answers, names of its codes
 * provider_btse_market.c	public reads
 * provider_btse_account.c	orders, trades and fees of an account
 * provider_btse_invest.c	its investments
 *
 *-------------------------------------------------------------------------
 */
#ifndef OG_PROVIDER_BTSE_H
#define OG_PROVIDER_BTSE_H

#include "provider/provider.h"

#define BTSE_ORDER_PATH		"/api/v3.3/order"
#define BTSE_ORDERS_PATH	"/api/v3.3/user/open_orders"
#define BTSE_TIME_PATH		"/api/v3.3/time"

/* Lengths of time, in milliseconds. */
#define BTSE_MS_PER_MINUTE	INT64CONST(60000)
#define BTSE_MS_PER_DAY		(24 * 60 * BTSE_MS_PER_MINUTE)

/* What operations of a kind have in common; an act is about one order. */
#define BTSE_READ	.kind = OG_READ, .lane = OG_LANE_QUERIES
#define BTSE_ORDER_ACT	.kind = OG_ACT, .lane = OG_LANE_ORDERS, \
	.batch_max = 1, .batch_default = 1

/* Codes of an error: they are those of HTTP. */
#define BTSE_SUCCESS		"20"
#define BTSE_UNAUTHORIZED	"401"
#define BTSE_FORBIDDEN		"403"

/* Of an error, or the status of an order that was asked for. */
#define BTSE_TOO_FREQUENT	"303"

/* What is noted of an answer that is something else. */
#define BTSE_NO_LIST		"is not a list of orders"
#define BTSE_NO_ID			"does not carry the id of this order"
#define BTSE_ANOTHER_MARKET	"names an order of another market"

/* The page's table of codes, and those of a trade's trigger. */
extern const OgCode og_btse_codes[];
extern const OgCode og_btse_trigger_types[];

/*
 * Columns, one per documented field and named like it (btse_fields.def).  Those
 * of an order are of all that is said of one by any endpoint; a row type takes
 * what it needs.
 */
extern const OgColumn og_btse_order_columns[];
extern const OgColumn og_btse_renewal_columns[];
extern const OgColumn og_btse_market_columns[];
extern const OgColumn og_btse_candle_columns[];
extern const OgColumn og_btse_price_columns[];
extern const OgColumn og_btse_level_columns[];
extern const OgColumn og_btse_trade_columns[];
extern const OgColumn og_btse_time_columns[];
extern const OgColumn og_btse_own_trade_columns[];
extern const OgColumn og_btse_fee_columns[];
extern const OgColumn og_btse_product_columns[];
extern const OgColumn og_btse_investment_columns[];
extern const OgColumn og_btse_investing_columns[];

/* Tables of operations. */
extern const OgOperation og_btse_trade_acts[];
extern const OgOperation og_btse_deposit_acts[];
extern const OgOperation og_btse_market_operations[];
extern const OgOperation og_btse_account_operations[];
extern const OgOperation og_btse_invest_operations[];

/* What to ask for where an order stands. */
extern const OgInquiry og_btse_inquiries[];

/* An object that stands for an error, in the answer to a read. */
extern void og_btse_read_refusal(OgRecords *records, OgSlice answer);

/* Is this object an error, and not what was asked for? */
extern bool og_btse_is_error(OgSlice object);

/* A list of objects, or one of them. */
extern void og_btse_read_list(OgRecords *records, OgSlice answer,
							  const OgBatch *batch);

/* ---------- provider_btse.c ---------- */

/* What the status in an answer to a DELETE says. */
extern const OgMeaning og_btse_delete_status[];

/* How argument "by" is called in a request and in an answer, or NULL. */
extern const char *og_btse_id_name(const OgBatch *batch);

/*
 * Does the batch have one key, and does that name anything?  What is empty, or
 * could be after somebody trimmed it, must not leave.
 */
extern bool og_btse_names_one(const OgBatch *batch);

/* ---------- provider_btse_body.c ---------- */

/* What a member of a body is in JSON. */
typedef enum BtseKind
{
	BTSE_STRING,
	BTSE_NUMBER,				/* as it is spelled */
	BTSE_BOOLEAN				/* "true" or "false" */
} BtseKind;

/* A member of a body, and the argument that it comes from. */
typedef struct BtseMember
{
	const char *argument;		/* NULL in the last row */
	const char *name;
	BtseKind	kind;
} BtseMember;

/*
 * Make a request with a JSON body: the key of the batch as the member
 * "key_name", and after it those arguments that are given.  False when a value
 * is not of its kind, or memory ran out.
 */
extern bool og_btse_build_body(OgRequest *request, OgMethod method,
							   const char *path, const OgBatch *batch,
							   const char *key_name, BtseKind key_kind,
							   const BtseMember *members);

/* ---------- provider_btse_answer.c ---------- */

/* An object instead of a list: no order is named, only an error. */
extern void og_btse_read_error(OgReading *reading, OgSlice answer);

/* The same, of an act that is documented to answer nothing at all. */
extern void og_btse_read_no_body(OgReading *reading, OgSlice answer,
								 const OgBatch *batch);

/* What was done to the orders of a list. */
typedef enum BtseAct
{
	BTSE_CANCEL,
	BTSE_CANCEL_ALL,
	BTSE_AMEND,
	BTSE_CREATE
} BtseAct;

/* What was asked for, and how the answer to it is read. */
typedef struct BtseAsked
{
	BtseAct		act;
	const char *id_name;		/* the key, in an element */
	const OgMeaning *meanings;	/* of a status */
	const OgFields *arguments;	/* "symbol" and, of a new order, "side" and
								 * "type": what an order must not contradict */
} BtseAsked;

/*
 * Read a list of orders that must carry the key, which one of its elements has
 * to do.  In the answer to a cancel those that carry another are legs of the
 * same order, else they were not asked for.  Of an OCO order that was to be
 * made, a leg that is left out is unknown.
 */
extern void og_btse_read_orders(OgReading *reading, OgSlice answer,
								const BtseAsked *asked);

/*
 * Are these all objects, and not more than so many?  If not, the reading notes
 * why.
 */
extern bool og_btse_is_list_of_orders(OgReading *reading, OgSlice list,
									  int most);

/*
 * Take an order of such a list for the one key.  With a doubt, which completes
 * "the answer ...", it is one that nobody asked for, and unknown.
 */
extern void og_btse_take_order(OgReading *reading, OgSlice element,
							   const BtseAsked *asked, const char *doubt);

#endif							/* OG_PROVIDER_BTSE_H */
