/*-------------------------------------------------------------------------
 *
 * provider_btse.h
 *		What the files of BTSE's spot API share.
 *
 * provider_btse.c			the provider, and all of its operations
 * provider_btse_act.c		acts: what is sent, and answers without orders
 * provider_btse_order.c	what answers to acts say of orders
 * provider_btse_read.c		what answers to reads say; where an order stands
 * btse_stream*.c			its streams: btse_stream.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef OG_PROVIDER_BTSE_H
#define OG_PROVIDER_BTSE_H

#include "provider/provider.h"

/* Credentials, in their order. */
enum
{
	BTSE_API_KEY,
	BTSE_SECRET_KEY
};

/* Trades of the account that come in one answer: those of so many days. */
#define BTSE_HISTORY_DAYS	7

/* Codes of an error: they are those of HTTP. */
#define BTSE_UNAUTHORIZED	"401"
#define BTSE_FORBIDDEN		"403"

/* Of an error, or the status of an order that was asked for. */
#define BTSE_TOO_FREQUENT	"303"

/* What is noted of an answer to an act that is something else. */
#define BTSE_NO_LIST		"is not a list of orders"

/* The page's table of codes. */
extern const OgCode *const og_btse_codes;

/* Columns of reads "trades" and "trade_history", and of what streams tell. */
extern const OgColumn *const og_btse_trade_columns;
extern const OgColumn *const og_btse_own_trade_columns;
extern const OgColumn *const og_btse_stream_trade_columns;
extern const OgColumn *const og_btse_stream_fill_columns;
extern const OgColumn *const og_btse_stream_notification_columns;

/* What to ask for where an order stands. */
extern const OgInquiry og_btse_inquiries[];

/* ---------- provider_btse_act.c ---------- */

extern OgBuilder og_btse_build_cancel;
extern OgBuilder og_btse_build_create;
extern OgBuilder og_btse_build_amend;

/* An object instead of what was asked for: no order is named, only an error. */
extern void og_btse_read_error(OgReading *reading, OgSlice answer);

/* The same, of an act that is documented to answer nothing at all. */
extern OgActReader og_btse_read_no_body;
extern OgActReader og_btse_read_renew;

/* ---------- provider_btse_order.c ---------- */

extern OgActReader og_btse_read_cancel;
extern OgActReader og_btse_read_create;
extern OgActReader og_btse_read_amend;
extern OgActReader og_btse_read_cancel_all;

/* ---------- provider_btse_read.c ---------- */

/* The OgOrderState that the status of an order says. */
extern const OgMeaning og_btse_states[];

/* A list of objects, or one of them. */
extern OgRecordReader og_btse_read_list;
extern OgRecordReader og_btse_read_order;
extern OgRecordReader og_btse_read_candles;
extern OgRecordReader og_btse_read_book;

#endif							/* OG_PROVIDER_BTSE_H */
