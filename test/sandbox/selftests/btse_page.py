"""The names of fields on BTSE's page, of spot v3.3: by operation, those that
its examples and its tables agree on, and those that only one of them has."""

BOTH = {
    "market_summary":
        "active availableSettlement base closeTime contractEnd "
        "contractSize contractStart fundingRate futures high24Hr "
        "highestBid inactiveTime isMarketOpenToOtc isMarketOpenToSpot "
        "last low24Hr lowestAsk maxOrderSize maxPosition maxRiskLimit "
        "minOrderSize minPriceIncrement minRiskLimit minSizeIncrement "
        "minValidPrice openInterest openInterestUSD openTime "
        "percentageChange quote size startMatching symbol "
        "timeBasedContract volume",
    "price": "indexPrice lastPrice markPrice symbol",
    "orderbook": "buyQuote sellQuote symbol timestamp",
    "orderbook_l2": "buyQuote sellQuote symbol timestamp",
    "trades": "price serialId side size symbol timestamp",
    "time": "epoch iso",
    "create_order":
        "avgFilledPrice clOrderID currentOrderBaseSize "
        "currentOrderQuoteSize deviation filledBaseSize message "
        "orderCurrency orderID orderType originalOrderBaseSize "
        "originalOrderQuoteSize postOnly price side status stealth "
        "stopPrice symbol time_in_force timestamp totalFilledBaseSize "
        "trigger triggerPrice",
    "get_order":
        "avgFilledPrice clOrderID currentOrderBaseSize "
        "currentOrderQuoteSize orderCurrency orderID orderType orderValue "
        "originalOrderBaseSize originalOrderQuoteSize pegPriceDeviation "
        "pegPriceMax pegPriceMin price quote side status symbol "
        "timeInForce timestamp totalFilledBaseSize trailValue "
        "triggerOrder triggerOrderType triggerOriginalPrice triggerPrice "
        "triggerStopPrice triggerTrailingStopDeviation triggered",
    "open_orders":
        "avgFilledPrice cancelDuration clOrderID orderID orderState "
        "orderType orderValue pegPriceDeviation pegPriceMax pegPriceMin "
        "price side symbol timeInForce timestamp trailValue triggerOrder "
        "triggerOrderType triggerOriginalPrice triggerPrice "
        "triggerStopPrice triggerTrailingStopDeviation triggered",
    "trade_history":
        "avgFilledPrice base clOrderID feeAmount feeCurrency filledPrice "
        "filledSize orderId orderType price quote realizedPnl serialId "
        "side size symbol timestamp total tradeId triggerPrice "
        "triggerType username wallet",
    "fees": "makerfee symbol takerfee",
    "invest_products":
        "autorenewsupported compounding currency dailylimit id "
        "incrementalsize intereststartdate minsize name rates startdate "
        "type",
    "invest_renew": "autoRenew orderId",
    "invest_orders":
        "autorenew autorenewsupported compounding currency duration "
        "endtime id interestearned name nextinterestpayouttime "
        "payoutlocktime rate redemptionprocessing starttime type",
    "invest_history":
        "amount currency duration interestearned name rate totalamount "
        "txntime txntype type",
}
EXAMPLES = {
    "create_order": "remainingBaseSize remainingQuoteSize",
    "get_order": "remainingBaseSize remainingQuoteSize",
    "open_orders": "fillSize filledSize size",
    "invest_orders": "dailylimit investamt",
}
TABLES = {
    "create_order": "remainingOrderBaseSize remainingOrderQuoteSize",
    "get_order": "remainingOrderBaseSize remainingOrderQuoteSize",
    "open_orders":
        "currentOrderBaseSize currentOrderQuoteSize orderCurrency "
        "originalOrderBaseSize originalOrderQuoteSize "
        "remainingOrderBaseSize remainingOrderQuoteSize "
        "totalFilledBaseSize",
    "invest_orders": "investment",
}
# what v3.3 gives up, where the page says so
OLD_ACT = "fillSize originalSize remainingSize size"
OLD_ORDER = "filledSize remainingSize size"
OLD_OPEN = "fillSize filledSize remainingSize size"
# the answers to create_order, amend_order and cancel have the same fields
SAME = {"create_peg_order": "create_order", "amend_order": "create_order",
        "cancel": "create_order"}


def fields(operation, naming):
    """The names an answer of this operation has."""
    operation = SAME.get(operation, operation)
    only = {"examples": EXAMPLES, "tables": TABLES}[naming]
    return set((BOTH[operation] + " " + only.get(operation, "")).split())
