/*-------------------------------------------------------------------------
 *
 * provider_btse_columns.c
 *		Columns of what BTSE answers, and the names of its codes.
 *
 * The page names some fields in several ways: in its tables (which the
 * columns follow), in its examples, and in the list of names that v3.3 gives
 * up.  All are read, the newest first.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "provider/btse/provider_btse.h"

/* The page's chapter "API Enum". */
const OgCode og_btse_codes[] = {
	{-1, "TIMEOUT",
		"the request timed out: check the order's status"},
	{1, "MARKET_UNAVAILABLE",
		"the market is not available"},
	{2, "ORDER_INSERTED",
		"the order was inserted"},
	{4, "ORDER_FULLY_TRANSACTED",
		"the order was filled in full"},
	{5, "ORDER_PARTIALLY_TRANSACTED",
		"the order was filled in part"},
	{6, "ORDER_CANCELLED",
		"the order was cancelled"},
	{7, "ORDER_REFUNDED",
		"the order was refunded"},
	{8, "INSUFFICIENT_BALANCE",
		"the account's balance is too small"},
	{9, "TRIGGER_INSERTED",
		"the trigger order was inserted"},
	{10, "TRIGGER_ACTIVATED",
		"the trigger order was activated"},
	{11, "ERROR_INVALID_CURRENCY",
		"the currency is not valid"},
	{12, "ERROR_UPDATE_RISK_LIMIT",
		"the risk limit could not be updated"},
	{13, "ERROR_INVALID_LEVERAGE",
		"the leverage is not valid"},
	{15, "ORDER_REJECTED",
		"the order was rejected"},
	{16, "ORDER_NOTFOUND",
		"there is no order with this order id or client order id"},
	{17, "REQUEST_FAILED",
		"the request could not be completed: check the order's status"},
	{20, "SUCCESS",
		"the operation succeeded"},
	{21, "FREEZE_SUCCESSFUL",
		"freezing succeeded"},
	{27, "TRANSFER_SUCCESSFUL",
		"funds were moved between futures and spot"},
	{28, "TRANSFER_UNSUCCESSFUL",
		"funds could not be moved between futures and spot"},
	{29, "QUERY_GET_ORDERS",
		"query of orders"},
	{31, "QUERY_GET_POSITIONS",
		"query of positions"},
	{33, "QUERY_GET_ALL_POSITIONS_ORDERS",
		"query of the orders of all positions"},
	{34, "QUERY_WALLET",
		"query of the wallet"},
	{36, "QUERY_FUTURES_MARGIN",
		"query of the margin of futures"},
	{41, "ERROR_INVALID_RISK_LIMIT",
		"the risk limit is not valid"},
	{51, "QUERY_GET_ORDERS_WITH_LIMIT",
		"query of orders with a limit"},
	{64, "STATUS_LIQUIDATION",
		"the account is being liquidated"},
	{65, "STATUS_ACTIVE",
		"the order is active"},
	{66, "MODE_BUY",
		"buying"},
	{76, "ORDER_TYPE_LIMIT",
		"limit order"},
	{77, "ORDER_TYPE_MARKET",
		"market order"},
	{80, "ORDER_TYPE_PEG",
		"peg or algo order"},
	{81, "ORDER_TYPE_OTC",
		"over-the-counter order"},
	{83, "MODE_SELL",
		"selling"},
	{85, "STATUS_PROCESSING",
		"the order is not active"},
	{88, "STATUS_INACTIVE",
		"the order is not active"},
	{101, "FUTURES_ORDER_PRICE_OUTSIDE_LIQUIDATION_PRICE",
		"the futures order is outside of the liquidation price"},
	{110, "FUTURES_FUNDING",
		"funding of futures"},
	{123, "AMEND_ORDER",
		"the order is amended"},
	{124, "UNFREEZE_SUCCESSFUL",
		"unfreezing succeeded"},
	{300, "ERROR_MAX_ORDER_SIZE_EXCEEDED",
		"the order is larger than the largest size"},
	{301, "ERROR_INVALID_ORDER_SIZE",
		"the order's size is not valid"},
	{302, "ERROR_INVALID_ORDER_PRICE",
		"the order's price is not valid"},
	{303, "ERROR_RATE_LIMITS_EXCEEDED",
		"the rate limit was exceeded"},
	{304, "ERROR_MAX_OPEN_ORDER_EXCEEDED",
		"there are too many open orders"},
	{1003, "ORDER_LIQUIDATION",
		"the order is being liquidated"},
	{1004, "ORDER_ADL",
		"the order is subject to automatic deleveraging"},
	{30410, "BLOCK_TRADE_COMPLETE_SUCCESS",
		"the block trade was completed"},
	{0, NULL}
};

const OgCode og_btse_trigger_types[] = {
	{1001, "STOP", "stop loss"},
	{1002, "TAKEPROFIT", "take profit"},
	{0, NULL}
};

/*
 * All that any endpoint says of an order.  "filled" and "fill" have been names of
 * the same; "size" was what is now the current size, which is the original one
 * unless the order was amended.
 */
const OgColumn og_btse_order_columns[] = {
	{"order_id", OG_TEXT, {"orderID"}},
	{"symbol", OG_TEXT, {"symbol"}},
	{"quote", OG_TEXT, {"quote"}},
	{"status", OG_INTEGER, {"status"}},
	{"status_name", OG_NAME_OF_CODE, {NULL}, og_btse_codes},
	{"order_state", OG_TEXT, {"orderState"}},
	{"order_type", OG_INTEGER, {"orderType"}},
	{"order_type_name", OG_NAME_OF_CODE, {NULL}, og_btse_codes},
	{"side", OG_TEXT, {"side"}},
	{"price", OG_NUMERIC, {"price"}},
	{"order_value", OG_NUMERIC, {"orderValue"}},
	{"trail_value", OG_NUMERIC, {"trailValue"}},
	{"avg_filled_price", OG_NUMERIC, {"avgFilledPrice"}},
	{"client_order_id", OG_TEXT, {"clOrderID"}},
	{"time_in_force", OG_TEXT, {"timeInForce", "time_in_force"}},
	{"event_time", OG_TIME_MS, {"timestamp"}},
	{"peg_price_min", OG_NUMERIC, {"pegPriceMin"}},
	{"peg_price_max", OG_NUMERIC, {"pegPriceMax"}},
	{"peg_price_deviation", OG_NUMERIC, {"pegPriceDeviation"}},
	{"cancel_duration", OG_NUMERIC, {"cancelDuration"}},
	{"trigger_order", OG_BOOLEAN, {"triggerOrder"}},
	{"trigger_price", OG_NUMERIC, {"triggerPrice"}},
	{"trigger_original_price", OG_NUMERIC, {"triggerOriginalPrice"}},
	{"trigger_order_type", OG_INTEGER, {"triggerOrderType"}},
	{"trigger_order_type_name", OG_NAME_OF_CODE, {NULL}, og_btse_codes},
	{"trigger_trailing_stop_deviation", OG_NUMERIC,
		{"triggerTrailingStopDeviation"}},
	{"trigger_stop_price", OG_NUMERIC, {"triggerStopPrice"}},
	{"triggered", OG_BOOLEAN, {"triggered"}},
	{"original_order_base_size", OG_NUMERIC,
		{"originalOrderBaseSize", "originalSize", "size"}},
	{"original_order_quote_size", OG_NUMERIC, {"originalOrderQuoteSize"}},
	{"current_order_base_size", OG_NUMERIC, {"currentOrderBaseSize", "size"}},
	{"current_order_quote_size", OG_NUMERIC, {"currentOrderQuoteSize"}},
	{"remaining_order_base_size", OG_NUMERIC,
		{"remainingOrderBaseSize", "remainingBaseSize", "remainingSize"}},
	{"remaining_order_quote_size", OG_NUMERIC,
		{"remainingOrderQuoteSize", "remainingQuoteSize"}},
	{"filled_base_size", OG_NUMERIC, {"filledBaseSize", "fillSize"}},
	{"total_filled_base_size", OG_NUMERIC,
		{"totalFilledBaseSize", "filledSize", "fillSize"}},
	{"order_currency", OG_TEXT, {"orderCurrency"}},
	{"trigger", OG_BOOLEAN, {"trigger"}},
	{"stop_price", OG_NUMERIC, {"stopPrice"}},
	{"stealth", OG_NUMERIC, {"stealth"}},
	{"deviation", OG_NUMERIC, {"deviation"}},
	{"post_only", OG_BOOLEAN, {"postOnly"}},
	{"message", OG_TEXT, {"message"}},
	{NULL}
};

const OgColumn og_btse_market_columns[] = {
	{"symbol", OG_TEXT, {"symbol"}},
	{"last", OG_NUMERIC, {"last"}},
	{"lowest_ask", OG_NUMERIC, {"lowestAsk"}},
	{"highest_bid", OG_NUMERIC, {"highestBid"}},
	{"percentage_change", OG_NUMERIC, {"percentageChange"}},
	{"volume", OG_NUMERIC, {"volume"}},
	{"high24_hr", OG_NUMERIC, {"high24Hr"}},
	{"low24_hr", OG_NUMERIC, {"low24Hr"}},
	{"base", OG_TEXT, {"base"}},
	{"quote", OG_TEXT, {"quote"}},
	{"active", OG_BOOLEAN, {"active"}},
	{"size", OG_NUMERIC, {"size"}},
	{"min_valid_price", OG_NUMERIC, {"minValidPrice"}},
	{"min_price_increment", OG_NUMERIC, {"minPriceIncrement"}},
	{"min_order_size", OG_NUMERIC, {"minOrderSize"}},
	{"min_size_increment", OG_NUMERIC, {"minSizeIncrement"}},
	{"max_order_size", OG_NUMERIC, {"maxOrderSize"}},
	{"open_interest", OG_NUMERIC, {"openInterest"}},
	{"open_interest_usd", OG_NUMERIC, {"openInterestUSD"}},
	{"contract_start", OG_TIME_MS, {"contractStart"}},
	{"contract_end", OG_TIME_MS, {"contractEnd"}},
	{"time_based_contract", OG_BOOLEAN, {"timeBasedContract"}},
	{"open_time", OG_TIME_MS, {"openTime"}},
	{"close_time", OG_TIME_MS, {"closeTime"}},
	{"start_matching", OG_TIME_MS, {"startMatching"}},
	{"inactive_time", OG_TIME_MS, {"inactiveTime"}},
	{"funding_rate", OG_NUMERIC, {"fundingRate"}},
	{"contract_size", OG_NUMERIC, {"contractSize"}},
	{"max_position", OG_NUMERIC, {"maxPosition"}},
	{"min_risk_limit", OG_NUMERIC, {"minRiskLimit"}},
	{"max_risk_limit", OG_NUMERIC, {"maxRiskLimit"}},
	{"available_settlement", OG_JSON_TEXT, {"availableSettlement"}},
	{"futures", OG_BOOLEAN, {"futures"}},
	{"is_market_open_to_otc", OG_BOOLEAN, {"isMarketOpenToOtc"}},
	{"is_market_open_to_spot", OG_BOOLEAN, {"isMarketOpenToSpot"}},
	{NULL}
};

/* A candle is an array, by places. */
const OgColumn og_btse_candle_columns[] = {
	{"open_time", OG_TIME_S},
	{"open", OG_NUMERIC},
	{"high", OG_NUMERIC},
	{"low", OG_NUMERIC},
	{"close", OG_NUMERIC},
	{"volume", OG_NUMERIC},
	{NULL}
};

const OgColumn og_btse_price_columns[] = {
	{"symbol", OG_TEXT, {"symbol"}},
	{"index_price", OG_NUMERIC, {"indexPrice"}},
	{"last_price", OG_NUMERIC, {"lastPrice"}},
	{"mark_price", OG_NUMERIC, {"markPrice"}},
	{NULL}
};

/* A level has a side by the list it stands in, and a place there. */
const OgColumn og_btse_level_columns[] = {
	{"symbol", OG_TEXT, {"symbol"}},
	{"side", OG_TEXT},
	{"level", OG_INTEGER},
	{"price", OG_NUMERIC, {"price"}},
	{"size", OG_NUMERIC, {"size"}},
	{"event_time", OG_TIME_MS, {"timestamp"}},
	{NULL}
};

const OgColumn og_btse_trade_columns[] = {
	{"serial_id", OG_TEXT, {"serialId"}},
	{"symbol", OG_TEXT, {"symbol"}},
	{"side", OG_TEXT, {"side"}},
	{"price", OG_NUMERIC, {"price"}},
	{"size", OG_NUMERIC, {"size"}},
	{"event_time", OG_TIME_MS, {"timestamp"}},
	{NULL}
};

const OgColumn og_btse_time_columns[] = {
	{"iso", OG_TEXT, {"iso"}},
	{"epoch", OG_TIME_S, {"epoch"}},
	{NULL}
};

const OgColumn og_btse_own_trade_columns[] = {
	{"trade_id", OG_TEXT, {"tradeId"}},
	{"order_id", OG_TEXT, {"orderId", "orderID"}},
	{"client_order_id", OG_TEXT, {"clOrderID", "clOrderId"}},
	{"symbol", OG_TEXT, {"symbol"}},
	{"side", OG_TEXT, {"side"}},
	{"order_type", OG_INTEGER, {"orderType"}},
	{"order_type_name", OG_NAME_OF_CODE, {NULL}, og_btse_codes},
	{"price", OG_NUMERIC, {"price"}},
	{"size", OG_NUMERIC, {"size"}},
	{"filled_price", OG_NUMERIC, {"filledPrice"}},
	{"filled_size", OG_NUMERIC, {"filledSize"}},
	{"avg_filled_price", OG_NUMERIC, {"avgFilledPrice"}},
	{"fee_amount", OG_NUMERIC, {"feeAmount"}},
	{"fee_currency", OG_TEXT, {"feeCurrency"}},
	{"base", OG_TEXT, {"base"}},
	{"quote", OG_TEXT, {"quote"}},
	{"trigger_type", OG_INTEGER, {"triggerType"}},
	{"trigger_type_name", OG_NAME_OF_CODE, {NULL}, og_btse_trigger_types},
	{"trigger_price", OG_NUMERIC, {"triggerPrice"}},
	{"realized_pnl", OG_NUMERIC, {"realizedPnl"}},
	{"total", OG_NUMERIC, {"total"}},
	{"wallet", OG_TEXT, {"wallet"}},
	{"username", OG_TEXT, {"username"}},
	{"serial_id", OG_TEXT, {"serialId"}},
	{"event_time", OG_TIME_MS, {"timestamp"}},
	{NULL}
};

const OgColumn og_btse_fee_columns[] = {
	{"symbol", OG_TEXT, {"symbol"}},
	{"makerfee", OG_NUMERIC, {"makerfee"}},
	{"takerfee", OG_NUMERIC, {"takerfee"}},
	{NULL}
};

const OgColumn og_btse_product_columns[] = {
	{"id", OG_TEXT, {"id"}},
	{"name", OG_TEXT, {"name"}},
	{"currency", OG_TEXT, {"currency"}},
	{"type", OG_TEXT, {"type"}},
	{"startdate", OG_TIME_MS, {"startdate"}},
	{"intereststartdate", OG_TIME_MS, {"intereststartdate"}},
	{"rates", OG_JSON_TEXT, {"rates"}},
	{"compounding", OG_BOOLEAN, {"compounding"}},
	{"autorenewsupported", OG_BOOLEAN, {"autorenewsupported"}},
	{"dailylimit", OG_NUMERIC, {"dailylimit"}},
	{"minsize", OG_NUMERIC, {"minsize"}},
	{"incrementalsize", OG_NUMERIC, {"incrementalsize"}},
	{NULL}
};

/* An investment's id is called as the acts on it call it. */
const OgColumn og_btse_investment_columns[] = {
	{"order_id", OG_TEXT, {"id"}},
	{"name", OG_TEXT, {"name"}},
	{"currency", OG_TEXT, {"currency"}},
	{"type", OG_TEXT, {"type"}},
	{"rate", OG_NUMERIC, {"rate"}},
	{"investment", OG_NUMERIC, {"investment", "investamt"}},
	{"interestearned", OG_NUMERIC, {"interestearned"}},
	{"nextinterestpayouttime", OG_TIME_MS, {"nextinterestpayouttime"}},
	{"starttime", OG_TIME_MS, {"starttime"}},
	{"endtime", OG_TIME_MS, {"endtime"}},
	{"duration", OG_NUMERIC, {"duration"}},
	{"payoutlocktime", OG_NUMERIC, {"payoutlocktime"}},
	{"autorenew", OG_BOOLEAN, {"autorenew"}},
	{"compounding", OG_BOOLEAN, {"compounding"}},
	{"autorenewsupported", OG_BOOLEAN, {"autorenewsupported"}},
	{"dailylimit", OG_NUMERIC, {"dailylimit"}},
	{"redemptionprocessing", OG_BOOLEAN, {"redemptionprocessing"}},
	{NULL}
};

const OgColumn og_btse_investing_columns[] = {
	{"txntime", OG_TIME_MS, {"txntime"}},
	{"name", OG_TEXT, {"name"}},
	{"currency", OG_TEXT, {"currency"}},
	{"rate", OG_NUMERIC, {"rate"}},
	{"type", OG_TEXT, {"type"}},
	{"txntype", OG_TEXT, {"txntype"}},
	{"amount", OG_NUMERIC, {"amount"}},
	{"totalamount", OG_NUMERIC, {"totalamount"}},
	{"interestearned", OG_NUMERIC, {"interestearned"}},
	{"duration", OG_NUMERIC, {"duration"}},
	{NULL}
};
