--
-- Reads: their arguments, rows and privileges; nothing is sent
--
\getenv srcdir PG_ABS_SRCDIR
\set refused :srcdir '/test/sql/refused.sql'
\set ECHO none
\i :refused
\set ECHO all

CREATE ROLE regress_og_reader;
CREATE SERVER btse FOREIGN DATA WRAPPER btse_fdw OPTIONS (base_url 'https://127.0.0.1:1', retries '0');
CREATE SERVER xt FOREIGN DATA WRAPPER xt_fdw OPTIONS (base_url 'https://127.0.0.1:1', retries '0');
CREATE SERVER tronsave FOREIGN DATA WRAPPER tronsave_fdw OPTIONS (base_url 'https://127.0.0.1:1', retries '0');
CREATE USER MAPPING FOR CURRENT_USER SERVER btse OPTIONS (api_key 'k', secret_key 's');
CREATE USER MAPPING FOR CURRENT_USER SERVER xt OPTIONS (access_key 'k', secret_key 's');
CREATE USER MAPPING FOR CURRENT_USER SERVER tronsave OPTIONS (api_key 'k');
CREATE SERVER wangdian FOREIGN DATA WRAPPER wangdian_fdw OPTIONS (base_url 'https://127.0.0.1:1', retries '0');
CREATE USER MAPPING FOR CURRENT_USER SERVER wangdian OPTIONS (sid 's', app_key 'k', app_secret 's:s');

-- what is required
SELECT refused($$SELECT * FROM btse_ohlcv(NULL, 60)$$);
SELECT refused($$SELECT * FROM btse_ohlcv('BTC-USD', NULL)$$);
SELECT refused($$SELECT * FROM btse_orderbook(NULL)$$);
SELECT refused($$SELECT * FROM btse_orderbook_l2(NULL)$$);
SELECT refused($$SELECT * FROM btse_trades(NULL)$$);
SELECT refused($$SELECT * FROM btse_trade_history(NULL)$$);
SELECT refused($$SELECT * FROM btse_order()$$);
SELECT refused($$SELECT * FROM xt_open_orders(NULL)$$);
SELECT refused($$SELECT * FROM xt_order('btc_usdt', NULL)$$);
SELECT refused($$SELECT * FROM xt_orders(NULL, '{1}'::int[])$$);
SELECT refused($$SELECT * FROM btse_time(NULL)$$);

-- markets and ids
SELECT refused($$SELECT * FROM btse_price('')$$);
SELECT refused($$SELECT * FROM btse_price('BTC USD')$$);
SELECT refused($$SELECT * FROM btse_fees('BTC&USD')$$);
SELECT refused($$SELECT * FROM btse_order('')$$);
SELECT refused($$SELECT * FROM btse_order(client_order_id => ' x')$$);
SELECT refused($$SELECT * FROM btse_open_orders(order_id => repeat('x', 129))$$);
SELECT refused($$SELECT * FROM xt_order('btc_usdt', '0x1')$$);
SELECT refused($$SELECT * FROM xt_orders('btc_usdt', '{1,01}'::text[])$$);
SELECT refused($$SELECT * FROM xt_orders('btc_usdt', ARRAY[1, NULL])$$);
SELECT refused($$SELECT * FROM tronsave_orders(ARRAY[1.5::float8])$$);
SELECT refused($$SELECT * FROM wangdian_returns('{CR1,""}'::text[])$$);
SELECT refused($$SELECT * FROM wangdian_returns(ARRAY['CR1', 'CR2 '])$$);

-- numbers
SELECT refused($$SELECT * FROM btse_ohlcv('BTC-USD', 2)$$);
SELECT refused($$SELECT * FROM btse_orderbook('BTC-USD', "grouping" => 9)$$);
SELECT refused($$SELECT * FROM btse_orderbook('BTC-USD', -1)$$);
SELECT refused($$SELECT * FROM btse_orderbook('BTC-USD', limit_bids => 0)$$);
SELECT refused($$SELECT * FROM btse_orderbook_l2('BTC-USD', 0)$$);
SELECT refused($$SELECT * FROM btse_trades('BTC-USD', count => -1)$$);

-- times
SELECT refused($$SELECT * FROM btse_trades('BTC-USD', '-infinity')$$);
SELECT refused($$SELECT * FROM btse_trades('BTC-USD', to_time => 'infinity')$$);
SELECT refused($$SELECT * FROM btse_trades('BTC-USD', '1969-12-31 23:59+00')$$);
SELECT refused($$SELECT * FROM btse_trade_history('BTC-USD', '2025-07-02', '2025-07-01')$$);
SELECT refused($$SELECT * FROM btse_ohlcv('BTC-USD', 1, now() + interval '1 hour')$$);

-- in FROM, at a server of the provider
SELECT refused($$SELECT btse_time()$$);
SELECT refused($$SELECT (btse_price()).symbol$$);
SELECT refused($$SELECT * FROM btse_time('nowhere')$$);
SELECT refused($$SELECT * FROM btse_time('xt')$$);
SELECT refused($$SELECT * FROM xt_open_orders('btc_usdt', 'btse')$$);

-- an array of none asks nobody
SELECT count(*) FROM xt_orders('btc_usdt', '{}'::bigint[]);
SELECT count(*) FROM tronsave_orders(NULL::text[]);
SELECT count(*) FROM wangdian_returns('{}');
-- ids come back in their type
SELECT pg_typeof(return_no) FROM (VALUES (1)) v LEFT JOIN wangdian_returns('{}'::varchar(20)[]) ON true;
SELECT refused($$SELECT pg_typeof(return_no) FROM wangdian_returns(server => 'wangdian', return_nos => '{}'::int[])$$);
SELECT pg_typeof(order_id) FROM (VALUES (1)) v LEFT JOIN xt_orders('btc_usdt', '{}'::bigint[]) ON true;

-- nobody listens there
SELECT refused($$SELECT * FROM btse_time()$$);
SELECT refused($$SELECT * FROM btse_open_orders()$$);
SELECT refused($$SELECT * FROM xt_orders('btc_usdt', '{1,2}'::bigint[])$$);
SELECT refused($$SELECT * FROM tronsave_orders('{a}')$$);
SELECT refused($$SELECT * FROM wangdian_returns('{CR1}')$$);
BEGIN TRANSACTION READ ONLY;
SELECT refused($$SELECT * FROM btse_trade_history('BTC-USD')$$);
COMMIT;

-- PUBLIC may not
SET ROLE regress_og_reader;
SELECT refused($$SELECT * FROM btse_time()$$);
SELECT refused($$SELECT * FROM btse_fees()$$);
RESET ROLE;
-- EXECUTE is not enough
GRANT EXECUTE ON FUNCTION btse_time(name), btse_fees(text, name) TO regress_og_reader;
SET ROLE regress_og_reader;
SELECT refused($$SELECT * FROM btse_time()$$);
RESET ROLE;
-- with USAGE, what is public needs no mapping; the rest does
GRANT USAGE ON FOREIGN SERVER btse TO regress_og_reader;
SET ROLE regress_og_reader;
SELECT refused($$SELECT * FROM btse_time()$$);
SELECT refused($$SELECT * FROM btse_fees()$$);
-- names of codes are everybody's
SELECT * FROM btse_codes() WHERE code IN (-1, 2, 4, 6, 16, 76, 303, 30410);
SELECT count(*), count(DISTINCT code), count(DISTINCT name) FROM btse_codes();
RESET ROLE;

-- columns
\d btse_order
\d btse_own_trade
\d btse_book_level
\d btse_candle

SET client_min_messages = warning;		-- not about the CASCADE
DROP SERVER btse, xt, tronsave, wangdian CASCADE;
DROP OWNED BY regress_og_reader;
DROP ROLE regress_og_reader;
DROP FUNCTION refused;
