/* examples/grants.sql: made of docs/security.md by "make docs" */

-- ----
-- Privileges
-- ----

-- Who cancels, may also look at the orders, settle, and check the way to the
-- provider:
CREATE ROLE canceller;
GRANT USAGE ON FOREIGN SERVER xt TO canceller;
GRANT EXECUTE ON FUNCTION
    batch_cancel, batch_cancel_preview,
    xt_order, xt_orders, xt_open_orders,
    order_gateway_settle, order_gateway_check
TO canceller;

-- (For the other providers: tronsave_cancel, tronsave_cancel_preview and
-- tronsave_orders; wangdian_cancel, wangdian_cancel_preview and
-- wangdian_returns; for BTSE the next.) Who trades:
CREATE ROLE trader;
GRANT USAGE ON FOREIGN SERVER btse TO trader;
GRANT EXECUTE ON FUNCTION
    btse_create_order, btse_create_order_preview,
    btse_create_orders, btse_create_orders_preview,
    btse_amend_order, btse_amend_order_preview,
    btse_cancel, btse_cancel_preview,
    btse_order, btse_open_orders, btse_trade_history, btse_fees,
    order_gateway_settle, order_gateway_check
TO trader;

-- btse_cancel_all, btse_cancel_all_after, the heartbeat and the investments
-- (btse_invest_deposit and so on) are left out on purpose: they touch what
-- the caller never named, or move money. Who only reads:
CREATE ROLE reader;
GRANT USAGE ON FOREIGN SERVER xt, tronsave, btse, wangdian TO reader;
GRANT EXECUTE ON FUNCTION
    xt_order, xt_orders, xt_open_orders, tronsave_orders, wangdian_returns,
    btse_order, btse_open_orders, btse_trade_history, btse_fees,
    btse_invest_products, btse_invest_orders, btse_invest_history,
    btse_market_summary, btse_ohlcv, btse_price, btse_orderbook,
    btse_orderbook_l2, btse_trades, btse_time,
    order_gateway_settle
TO reader;

-- Give its mapping a key that may only read, where the provider has such
-- keys. Who watches:
CREATE ROLE monitor;
GRANT pg_read_all_stats TO monitor;
GRANT USAGE ON FOREIGN SERVER xt TO monitor;
GRANT EXECUTE ON FUNCTION order_gateway_check TO monitor;
