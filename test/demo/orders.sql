-- A local order table, as an ERP or BI database might have it.

CREATE TABLE orders
(
    id        text PRIMARY KEY,
    provider  text NOT NULL,
    market    text,
    placed_at timestamptz NOT NULL,
    status    text NOT NULL DEFAULT 'open'
);

INSERT INTO orders (id, provider, market, placed_at)
SELECT (6216559590087220000 + n)::text, 'xt', 'btc_usdt',
       now() - n * interval '1 minute'
FROM generate_series(1, 309) AS n
UNION ALL
SELECT substr(md5('tronsave' || n), 1, 24), 'tronsave', NULL,
       now() - n * interval '1 minute'
FROM generate_series(1, 119) AS n
UNION ALL
SELECT md5('btse' || n)::uuid::text, 'btse', 'BTC-USD',
       now() - n * interval '1 minute'
FROM generate_series(1, 99) AS n
UNION ALL
SELECT 'CR20260105' || to_char(n, 'FM0000'), 'wangdian', NULL,
       now() - n * interval '1 minute'
FROM generate_series(1, 104) AS n;

-- What the providers will be told to know of them. Our table says "open"
-- everywhere; meanwhile some were filled, some cancelled by others, and a few
-- never arrived there.

CREATE VIEW provider_state AS
SELECT id, provider, market,
       CASE row_number() OVER (PARTITION BY provider ORDER BY placed_at) % 25
           WHEN 3 THEN 'filled'
           WHEN 7 THEN 'cancelled'
           WHEN 11 THEN NULL
           ELSE 'open'
       END AS status
FROM orders;

-- What goes wrong in the demo, one fault of the sandbox for each provider: the
-- connection dies after the orders of XT's second batch were cancelled,
-- TronSave's answer leaves an order out, BTSE's gateway says 502 although the
-- order is gone, and half of Wangdian's answer gets lost.

CREATE VIEW trouble (fault) AS
VALUES
    (json_build_object('provider', 'xt', 'fault', 'close_after',
                       'match_id', '6216559590087220200')),
    (json_build_object('provider', 'tronsave', 'fault', 'missing_rows',
                       'id', substr(md5('tronsave' || 100), 1, 24))),
    (json_build_object('provider', 'btse', 'fault', 'http_502',
                       'match_id', md5('btse' || 80)::uuid)),
    (json_build_object('provider', 'wangdian', 'fault', 'half_answer',
                       'match_id', 'CR202601050090'));
