/*-------------------------------------------------------------------------
 *
 * wangdian_case.h
 *		What Wangdian may answer when it is asked for a return, and what that
 *		says; for test_reads.c, which has Case.
 *
 *-------------------------------------------------------------------------
 */
#ifndef WANGDIAN_CASE_H
#define WANGDIAN_CASE_H

#define WANGDIAN_PAGE(orders, total) \
	"{\"status\":0,\"data\":{\"total_count\":" total ",\"order\":[" orders "]}}"

static const Case wangdian_answers[] = {
	{NULL, WANGDIAN_PAGE("{\"return_no\":\"CR1\",\"status\":30,\"stockout_status\":0,\"goods_count\":2.5000,\"created\":1660117745000}", "1"),
	"[0: order_id=CR1 status=30 stockout_status=0 goods_count=2.5000 created=1660117745000]"},
	{NULL, WANGDIAN_PAGE("{\"return_no\":\"cr1\"},{\"return_no\":\"CR1\"},{}", "\"3\""),
	"[-1: order_id=cr1][0: order_id=CR1][-1:]"},
	{NULL, WANGDIAN_PAGE("", "0"), ""},
	{NULL, "{\"status\":100,\"message\":\"采购退货单号不存在\"}", "nothing"},

	/* a page that is not all of it, or no page */
	{NULL, WANGDIAN_PAGE("{\"return_no\":\"CR1\"}", "2"),
	"refused: somehow (counts another number of returns than it tells)"},
	{NULL, WANGDIAN_PAGE("{\"return_no\":\"CR1\"}", "0"),
	"refused: somehow (counts another number of returns than it tells)"},
	{NULL, WANGDIAN_PAGE("", "null"),
	"refused: somehow (counts another number of returns than it tells)"},
	{NULL, "{\"status\":0,\"data\":{\"order\":[]}}",
	"refused: somehow (counts another number of returns than it tells)"},
	{NULL, "{\"status\":0,\"data\":{\"total_count\":0,\"order\":{}}}",
	"refused: somehow (has no list of returns)"},
	{NULL, "{\"status\":0}", "refused: somehow (has no list of returns)"},
	{NULL, WANGDIAN_PAGE("7", "1"),
	"refused: somehow (has an element that is not an object)"},

	/* errors */
	{NULL, "{\"status\":100,\"message\":\"签名错误\"}",
	"refused: credentials 100 \"签名错误\" (is not a success)"},
	{NULL, "{\"status\":100,\"message\":\"接口不存在\"}",
	"refused: somehow 100 \"接口不存在\" (is not a success)"},
	{NULL, "{\"status\":1,\"message\":\"采购退货单号不存在\"}",
	"refused: somehow 1 \"采购退货单号不存在\" (is not a success)"},
	{NULL, "[]", "refused: somehow (is not a success)"},
	{NULL, "{}", "refused: somehow (is not a success)"}
};

/* Where a return stands. */

static const struct
{
	const char *status;
	const char *stockout;
	OgOrderState state;
}			wangdian_states[] = {
	{"10", "0", OG_ORDER_CANCELLED},
	{"\"10\"", "null", OG_ORDER_CANCELLED},
	{"10", "1", OG_ORDER_UNKNOWN},
	{"10", "2", OG_ORDER_UNKNOWN},
	{"20", "0", OG_ORDER_OPEN},
	{"30", "0", OG_ORDER_OPEN},
	{"40", "\"0\"", OG_ORDER_OPEN},
	{"40", "null", OG_ORDER_OPEN},
	{"40", "1", OG_ORDER_PARTLY_FILLED},
	{"40", "2", OG_ORDER_FILLED},
	{"40", "3", OG_ORDER_PARTLY_FILLED},
	{"40", "4", OG_ORDER_UNKNOWN},
	{"40", "{}", OG_ORDER_UNKNOWN},
	{"60", "0", OG_ORDER_FILLED},
	{"60", "2", OG_ORDER_FILLED},
	{"50", "0", OG_ORDER_UNKNOWN},
	{"null", "0", OG_ORDER_UNKNOWN}
};

#endif							/* WANGDIAN_CASE_H */
