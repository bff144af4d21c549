-- What we have: orders at four providers, all of them open as far as we know.

SELECT provider, market, status, count(*), min(placed_at)::timestamp(0) AS oldest
FROM orders
GROUP BY provider, market, status
ORDER BY provider;

-- The servers and our credentials for them. (The sandbox wrote these
-- statements; at home they name the real providers and your own keys.)

SELECT s.srvname AS server, w.fdwname AS wrapper, o.option_value AS base_url
FROM pg_foreign_server s
JOIN pg_foreign_data_wrapper w ON w.oid = s.srvfdw,
     pg_options_to_table(s.srvoptions) o
WHERE o.option_name = 'base_url'
ORDER BY server;

-- What would go out? A preview builds and signs, sends nothing, and shows no
-- secret.

\x on
SELECT *
FROM batch_cancel_preview('btc_usdt', (SELECT array_agg(id ORDER BY id) FROM orders
                                       WHERE provider = 'xt' AND placed_at < now() - interval '5 hours'));
\x off

-- Cancel whatever is older than one hour. Each call stands alone in its FROM,
-- and its rows go into a log: every order named gets its row.

CREATE TABLE cancel_log
(
    logged_at   timestamptz NOT NULL,
    order_id    text NOT NULL,
    outcome     order_outcome NOT NULL,
    code        text,
    message     text,
    ordinal     int,
    batch       int,
    attempts    int,
    http_status int,
    sent_at     timestamptz,
    answered_at timestamptz,
    response    json
);

INSERT INTO cancel_log
SELECT now(), c.*
FROM batch_cancel('btc_usdt', (SELECT array_agg(id ORDER BY id) FROM orders
                               WHERE provider = 'xt' AND placed_at < now() - interval '1 hour')) AS c;

INSERT INTO cancel_log
SELECT now(), c.*
FROM tronsave_cancel((SELECT array_agg(id ORDER BY id) FROM orders
                      WHERE provider = 'tronsave' AND placed_at < now() - interval '1 hour')) AS c;

INSERT INTO cancel_log
SELECT now(), c.*
FROM btse_cancel('BTC-USD', (SELECT array_agg(id ORDER BY id) FROM orders
                             WHERE provider = 'btse' AND placed_at < now() - interval '1 hour')) AS c;

INSERT INTO cancel_log
SELECT now(), c.*
FROM wangdian_cancel((SELECT array_agg(id ORDER BY id) FROM orders
                      WHERE provider = 'wangdian' AND placed_at < now() - interval '1 hour')) AS c;

-- What became of them, joined with our orders.

SELECT o.provider, l.outcome, count(*), min(l.code) AS code, left(min(l.message), 72) AS message
FROM cancel_log l JOIN orders o ON o.id = l.order_id
GROUP BY o.provider, l.outcome
ORDER BY o.provider, l.outcome;

-- One batch at XT got no answer: its connection died after the request had
-- left. Nobody here can know whether its orders are gone, so nothing was sent
-- a second time and no row claims anything.

SELECT o.provider, l.batch, l.outcome, count(*), min(l.attempts) AS attempts,
       left(min(l.message), 72) AS message
FROM cancel_log l JOIN orders o ON o.id = l.order_id
WHERE o.provider = 'xt'
GROUP BY o.provider, l.batch, l.outcome
ORDER BY l.batch, l.outcome;

-- Single rows, the provider's own bytes included.

SELECT l.order_id, l.outcome, l.code, l.http_status,
       left(l.response::text, 30) AS response
FROM (SELECT DISTINCT ON (o.provider, l.outcome) o.provider, l.*
      FROM cancel_log l JOIN orders o ON o.id = l.order_id
      ORDER BY o.provider, l.outcome, l.ordinal) AS l
ORDER BY l.provider, l.outcome;

-- Take over what is certain, and mark what somebody must look at.

UPDATE orders o
SET status = CASE l.outcome
                 WHEN 'cancelled' THEN 'cancelled'
                 WHEN 'not_found' THEN 'gone'
                 WHEN 'not_cancellable' THEN 'closed'
                 WHEN 'not_sent' THEN o.status       -- may simply go again
                 ELSE 'to be checked'                -- rejected, unknown
             END
FROM cancel_log l
WHERE l.order_id = o.id;

SELECT provider, status, count(*)
FROM orders
GROUP BY provider, status
ORDER BY provider, status;
