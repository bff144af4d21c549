-- 1  What we have: orders at four providers, all of them open as far as we
--    know, and where the providers are. (The sandbox wrote those statements;
--    at home they name the real providers and your own keys.)

SELECT o.provider, count(*) AS orders,
       count(*) FILTER (WHERE o.placed_at < now() - interval '1 hour')
           AS over_an_hour,
       u.option_value AS base_url
FROM orders o
JOIN pg_foreign_server s ON s.srvname = o.provider,
     pg_options_to_table(s.srvoptions) u
WHERE u.option_name = 'base_url'
GROUP BY o.provider, u.option_value
ORDER BY o.provider;

-- 2  What would be sent? A preview builds and signs, sends nothing, and shows
--    no secret.

\x on
SELECT *
FROM batch_cancel_preview('btc_usdt',
                          (SELECT array_agg(id ORDER BY id) FROM orders
                           WHERE provider = 'xt'
                             AND placed_at < now() - interval '5 hours'));
\x off

-- 3  Cancel whatever is older than an hour. A call is submitted: that is a row,
--    written by this very transaction. So ROLLBACK takes it back, and nothing
--    is sent.

BEGIN;
SELECT batch_cancel_submit('btc_usdt', array_agg(id)) IS NOT NULL AS submitted
FROM orders WHERE provider = 'xt';
ROLLBACK;

SELECT count(*) AS calls FROM order_gateway_calls;

-- Our own table and the calls change together, or not at all.

BEGIN;

UPDATE orders SET status = 'cancelling'
WHERE placed_at < now() - interval '1 hour';

SELECT batch_cancel_submit('btc_usdt', array_agg(id ORDER BY id)) > 0 AS xt
FROM orders WHERE provider = 'xt' AND status = 'cancelling';

SELECT tronsave_cancel_submit(array_agg(id ORDER BY id)) > 0 AS tronsave
FROM orders WHERE provider = 'tronsave' AND status = 'cancelling';

SELECT btse_cancel_submit('BTC-USD', array_agg(id ORDER BY id)) > 0 AS btse
FROM orders WHERE provider = 'btse' AND status = 'cancelling';

SELECT wangdian_cancel_submit(array_agg(id ORDER BY id)) > 0 AS wangdian
FROM orders WHERE provider = 'wangdian' AND status = 'cancelling';

COMMIT;

-- The gateway worker, a process of this database, makes the four calls now, at
-- once. Nobody has to wait for it; here we do.

SELECT c.function, c.server, count(*) AS rows
FROM order_gateway_calls c, order_gateway_wait(c.call_id)
GROUP BY c.call_id, c.function, c.server
ORDER BY c.call_id;

-- 4  What became of them, at a glance.

SELECT o.provider, count(*) AS orders,
       count(*) FILTER (WHERE l.outcome = 'cancelled') AS cancelled,
       count(*) FILTER (WHERE l.outcome = 'not_found') AS not_found,
       count(*) FILTER (WHERE l.outcome = 'not_cancellable') AS closed,
       count(*) FILTER (WHERE l.outcome = 'rejected') AS rejected,
       count(*) FILTER (WHERE l.outcome = 'unknown') AS unknown
FROM order_gateway_results l JOIN orders o ON o.id = l.order_id
GROUP BY o.provider
ORDER BY o.provider;

-- One row of each kind, in the provider's own words. Each has the provider's
-- own bytes for that order, too, and when the request left and was answered.

SELECT DISTINCT ON (o.provider, l.outcome)
       o.provider, left(l.order_id, 19) AS order_id, l.outcome, l.code,
       left(l.message, 38) AS message
FROM order_gateway_results l JOIN orders o ON o.id = l.order_id
ORDER BY o.provider, l.outcome, l.ordinal;
