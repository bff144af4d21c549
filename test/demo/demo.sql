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

-- 3  Cancel whatever is older than an hour. Each call stands alone in its FROM,
--    and its rows go into a log: every order named gets its row. (Without ids a
--    call has no rows and sends nothing: that makes the log, with its columns.)

CREATE TABLE cancel_log AS
SELECT now() AS logged_at, c.*
FROM batch_cancel('btc_usdt', '{}'::text[]) AS c;

INSERT INTO cancel_log
SELECT now(), c.*
FROM batch_cancel('btc_usdt',
                  (SELECT array_agg(id ORDER BY id) FROM orders
                   WHERE provider = 'xt'
                     AND placed_at < now() - interval '1 hour')) AS c;

INSERT INTO cancel_log
SELECT now(), c.*
FROM tronsave_cancel((SELECT array_agg(id ORDER BY id) FROM orders
                      WHERE provider = 'tronsave'
                        AND placed_at < now() - interval '1 hour')) AS c;

INSERT INTO cancel_log
SELECT now(), c.*
FROM btse_cancel('BTC-USD',
                 (SELECT array_agg(id ORDER BY id) FROM orders
                  WHERE provider = 'btse'
                    AND placed_at < now() - interval '1 hour')) AS c;

INSERT INTO cancel_log
SELECT now(), c.*
FROM wangdian_cancel((SELECT array_agg(id ORDER BY id) FROM orders
                      WHERE provider = 'wangdian'
                        AND placed_at < now() - interval '1 hour')) AS c;

-- 4  What became of them, at a glance.

SELECT o.provider, count(*) AS orders,
       count(*) FILTER (WHERE l.outcome = 'cancelled') AS cancelled,
       count(*) FILTER (WHERE l.outcome = 'not_found') AS not_found,
       count(*) FILTER (WHERE l.outcome = 'not_cancellable') AS closed,
       count(*) FILTER (WHERE l.outcome = 'rejected') AS rejected,
       count(*) FILTER (WHERE l.outcome = 'unknown') AS unknown
FROM cancel_log l JOIN orders o ON o.id = l.order_id
GROUP BY o.provider
ORDER BY o.provider;

-- One row of each kind, in the provider's own words. Each has the provider's
-- own bytes for that order, too, and when the request left and was answered.

SELECT DISTINCT ON (o.provider, l.outcome)
       o.provider, left(l.order_id, 19) AS order_id, l.outcome, l.code,
       left(l.message, 38) AS message
FROM cancel_log l JOIN orders o ON o.id = l.order_id
ORDER BY o.provider, l.outcome, l.ordinal;
