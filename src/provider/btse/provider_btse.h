/*-------------------------------------------------------------------------
 *
 * provider_btse.h
 *		What the files of BTSE's spot API share.
 *
 * provider_btse.c			the provider: its signature, the check
 * provider_btse_act.c		acts on orders and investments: requests, verdicts
 * provider_btse_market.c	public reads
 * provider_btse_account.c	reads of an account
 * provider_btse_answer.c	what answers have in common: lists, errors
 * provider_btse_columns.c	columns of what it answers, names of its codes
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
extern const OgOperation og_btse_acts[];
extern const OgOperation og_btse_market_reads[];
extern const OgOperation og_btse_account_reads[];

/* What to ask for where an order stands. */
extern const OgInquiry og_btse_inquiries[];

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

/* An object that stands for an error, in the answer to a read. */
extern void og_btse_read_refusal(OgRecords *records, OgSlice answer);

/* Is this object an error, and not what was asked for? */
extern bool og_btse_is_error(OgSlice object);

/* A list of objects, or one of them. */
extern void og_btse_read_list(OgRecords *records, OgSlice answer,
							  const OgBatch *batch);

#endif							/* OG_PROVIDER_BTSE_H */
