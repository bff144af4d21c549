-- 5  What is unknown left this machine, and no trustworthy verdict came back.
--    So nothing was sent a second time, and no row claims anything.

SELECT o.provider, l.outcome, count(*) AS orders, l.attempts,
       l.http_status AS http, l.message
FROM order_gateway_results l JOIN orders o ON o.id = l.order_id
WHERE l.outcome = 'unknown'
GROUP BY o.provider, l.outcome, l.attempts, l.http_status, l.message
ORDER BY o.provider;

-- Ask the providers where these orders stand. That only reads: it touches none.

CREATE VIEW unknown AS
SELECT o.provider, array_agg(l.order_id ORDER BY l.order_id) AS ids,
       array_agg(l.sent_at ORDER BY l.order_id) AS sent_at
FROM order_gateway_results l JOIN orders o ON o.id = l.order_id
WHERE l.outcome = 'unknown'
GROUP BY o.provider;

CREATE TABLE settled AS
SELECT 'btse' AS provider, s.*
FROM unknown u, order_gateway_settle('btse', u.ids, u.sent_at, 'BTC-USD') AS s
WHERE u.provider = 'btse';

INSERT INTO settled
SELECT 'tronsave', s.*
FROM unknown u, order_gateway_settle('tronsave', u.ids, u.sent_at) AS s
WHERE u.provider = 'tronsave';

INSERT INTO settled
SELECT 'wangdian', s.*
FROM unknown u, order_gateway_settle('wangdian', u.ids, u.sent_at) AS s
WHERE u.provider = 'wangdian';

INSERT INTO settled
SELECT 'xt', s.*
FROM unknown u, order_gateway_settle('xt', u.ids, u.sent_at, 'btc_usdt') AS s
WHERE u.provider = 'xt';

SELECT provider, 'unknown' AS was, order_state, outcome, count(*) AS orders
FROM settled
GROUP BY provider, order_state, outcome
ORDER BY provider, outcome;

-- Take over what is certain, and mark what somebody must look at. Of an order
-- that a provider does not know ("gone") nothing follows: it stays unknown.

UPDATE orders o
SET status = CASE coalesce(s.outcome, l.outcome)
                 WHEN 'cancelled' THEN 'cancelled'
                 WHEN 'not_found' THEN 'gone'
                 WHEN 'not_cancellable' THEN 'closed'
                 WHEN 'not_sent' THEN 'open'         -- may simply go again
                 ELSE 'to be checked'                -- rejected, unknown
             END
FROM order_gateway_results l LEFT JOIN settled s ON s.order_id = l.order_id
WHERE l.order_id = o.id;

SELECT provider, count(*) AS orders,
       count(*) FILTER (WHERE status = 'open') AS open,
       count(*) FILTER (WHERE status = 'cancelled') AS cancelled,
       count(*) FILTER (WHERE status = 'closed') AS closed,
       count(*) FILTER (WHERE status = 'gone') AS gone,
       count(*) FILTER (WHERE status = 'to be checked') AS "to be checked"
FROM orders
GROUP BY provider
ORDER BY provider;
