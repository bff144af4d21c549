-- Before the request left, the worker had written down which orders it carries.
-- A new worker finds that, and no answer. It neither claims anything nor sends
-- them again: that the provider saw them once, only the sandbox can tell.

SELECT count(*) AS orders, r.outcome, a.times AS arrived,
       left(r.message, 42) || ' ...' AS message
FROM order_gateway_find(ARRAY['7000000000000000001', '7000000000000000002']) r,
     arrived a
GROUP BY r.outcome, a.times, r.message;

-- Ask the provider.

SELECT s.order_id, 'unknown' AS was, s.order_state, s.outcome
FROM order_gateway_settle('xt',
         (SELECT array_agg(r.order_id ORDER BY r.ordinal)
          FROM order_gateway_results r
          WHERE r.order_id LIKE '700000000000000000_'),
         NULL, 'btc_usdt') AS s;
