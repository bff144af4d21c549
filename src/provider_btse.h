/*-------------------------------------------------------------------------
 *
 * provider_btse.h
 *		What the files of BTSE's spot API share.
 *
 * provider_btse.c			the provider: signature, cancels, the check
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

#include "provider.h"

#define BTSE_ORDER_PATH		"/api/v3.3/order"
#define BTSE_ORDERS_PATH	"/api/v3.3/user/open_orders"
#define BTSE_TIME_PATH		"/api/v3.3/time"

/* Codes of an error: they are those of HTTP, or of the page's own table. */
#define BTSE_UNAUTHORIZED	"401"
#define BTSE_FORBIDDEN		"403"

/* The page's table of codes, and those of a trade's trigger. */
extern const OgCode og_btse_codes[];
extern const OgCode og_btse_trigger_types[];

/*
 * Columns, one per documented field and named like it.  Those of an order are
 * of all that is said of one by any endpoint; a row type takes what it needs.
 */
extern const OgColumn og_btse_order_columns[];
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
extern const OgOperation og_btse_market_operations[];
extern const OgOperation og_btse_account_operations[];
extern const OgOperation og_btse_invest_operations[];

/* An argument of ours, and what a query calls it. */
typedef struct BtseParameter
{
	const char *argument;		/* NULL in the last row */
	const char *name;
} BtseParameter;

/* Make it a GET of this path, with those arguments that were given. */
extern void og_btse_get(OgRequest *request, const char *path,
						const OgBatch *batch,
						const BtseParameter *parameters);

/* What an object says that stands for an error. */
extern void og_btse_read_error(OgReading *reading, OgSlice answer);

/* The same of a read: also what was refused. */
extern void og_btse_read_refusal(OgRecords *records, OgSlice answer);

/* Is this object an error, and not what was asked for? */
extern bool og_btse_is_error(OgSlice object);

/* A list of objects, or one of them. */
extern void og_btse_read_list(OgRecords *records, OgSlice answer,
							  const OgBatch *batch);

#endif							/* OG_PROVIDER_BTSE_H */
