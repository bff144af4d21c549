--
-- Acts at BTSE that are no cancels: their arguments, their previews with known
-- answers, and their rows. Nothing here is ever sent.
--

\getenv srcdir PG_ABS_SRCDIR
\set refused :srcdir '/test/sql/refused.sql'
\set ECHO none
\i :refused
\set ECHO all
\pset format aligned
\pset tuples_only off

SET client_min_messages = warning;		-- not about CASCADE

-- the account of the provider's own example
CREATE SERVER btse FOREIGN DATA WRAPPER btse_fdw OPTIONS (base_url 'https://127.0.0.1:1/spot', retries '0');
CREATE USER MAPPING FOR CURRENT_USER SERVER btse OPTIONS (
	api_key '4e9536c79f0fdd72bf04f2430982d3f61d9d76c996f0175bbba470d69d59816x',
	secret_key '848db84ac252b6726e5f6e7a711d9c96d9fd77d020151b45839a5b59c37203bx');
CREATE FUNCTION example_time() RETURNS timestamptz LANGUAGE sql
RETURN '2021-06-29 16:49:35.123+00'::timestamptz;

--
-- Previews: signatures made by another implementation
--
\pset format unaligned
\pset tuples_only on

SELECT batch, ids, method, url, body, headers->>'request-nonce', headers->>'Content-Type', headers->>'request-sign'
FROM btse_create_order_preview('BTC-USD', 'BUY', 'LIMIT', 0.002, 8500.0, client_order_id => 'a1', at => example_time());
SELECT method, url, body, headers->>'request-sign'
FROM btse_create_order_preview('BTC-USD', 'buy', 'peg', 10, 25000, deviation => -10, stealth => 10, client_order_id => 'a1', at => example_time());
SELECT body FROM btse_create_order_preview('BTC-USD', 'Sell', 'OCO', size => 9007199254740993.000000001, price => 0.000000006,
	time_in_force => 'month', tx_type => 'limit', stop_price => 1e20, trigger_price => 1e-20, trail_value => 1.10,
	post_only => true, client_order_id => E'q"\\单', at => example_time());
SELECT body FROM btse_create_order_preview('BTC-USD', 'SELL', 'MARKET', 1, tx_type => 'Stop', trigger_price => 32000,
	post_only => false, client_order_id => '17');
SELECT method, url, body, headers->>'request-sign'
FROM btse_amend_order_preview('BTC-USD', '25248336-66d8-41ff-99fd-83489c4e6029', price => 35000, at => example_time());
SELECT body FROM btse_amend_order_preview('BTC-USD', client_order_id => 'a1', size => 10.050);
SELECT body FROM btse_amend_order_preview('BTC-USD', client_order_id => 'a1', trigger_price => 40020);
SELECT body FROM btse_amend_order_preview('BTC-USD', 'cb2785b0', NULL, 40010, 10.05, 40000);
SELECT body FROM btse_amend_order_preview('BTC-USD', 'cb2785b0', price => 40010, trigger_price => 40000);
SELECT method, url, body IS NULL, headers->>'request-sign' FROM btse_cancel_all_preview('BTC-USD', at => example_time());
SELECT method, url, body IS NULL, headers->>'request-sign' FROM btse_cancel_all_preview('A+B/C-USD', at => example_time());
SELECT method, url, body, headers->>'request-sign' FROM btse_cancel_all_after_preview('60 s', at => example_time());
SELECT body FROM unnest(ARRAY['0', '1 us', '1 ms', '1001 us', '1 day', '2 days -1 h']::interval[]) WITH ORDINALITY i (timeout, n),
	LATERAL btse_cancel_all_after_preview(timeout) ORDER BY n;
SELECT method, url, body, headers->>'request-sign' FROM btse_invest_deposit_preview('openusdt0001', 100.99, at => example_time());
SELECT method, url, body, headers->>'request-sign' FROM btse_invest_renew_preview('9223372036854775807', false, at => example_time());
SELECT method, url, body, headers->>'request-sign' FROM btse_invest_redeem_preview('1', 12.34, at => example_time());

-- each order has a request of its own, a millisecond later
SELECT batch, url, headers->>'request-nonce', body
FROM btse_create_orders_preview('[
	{"symbol": "BTC-USD", "side": "BUY", "type": "LIMIT", "size": 0.0020, "price": 34000.50, "client_order_id": "a1"},
	{"symbol": "ETH-USD", "side": "sell", "type": "PEG", "size": 9007199254740993, "price": 1, "stealth": 100, "deviation": null, "post_only": true, "client_order_id": "a2"}
]', at => example_time());
SELECT count(*) FROM btse_create_orders_preview('[]');
SELECT count(*) FROM btse_create_orders_preview(NULL);
-- made anew for each order
SELECT count(DISTINCT body::json->>'clOrderID') FROM btse_create_orders_preview('[
	{"symbol": "BTC-USD", "side": "BUY", "type": "MARKET", "size": 1}, {"symbol": "BTC-USD", "side": "BUY", "type": "MARKET", "size": 1}]')
WHERE body::json->>'clOrderID' ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$';

\pset tuples_only off
\pset format aligned

--
-- Rows, where nobody listens
--
SELECT outcome, code, message, ordinal, attempts, http_status, sent_at, client_order_id, order_id, status, raw
FROM btse_create_order('BTC-USD', 'BUY', 'MARKET', 1, client_order_id => 'a1');
SELECT outcome, ordinal, client_order_id FROM btse_create_orders('[
	{"symbol": "BTC-USD", "side": "BUY", "type": "MARKET", "size": 1, "client_order_id": "a1"},
	{"symbol": "BTC-USD", "side": "BUY", "type": "MARKET", "size": 1, "client_order_id": "a2"}]');
SELECT outcome, order_id, client_order_id FROM btse_amend_order('BTC-USD', 'o1', price => 1);
SELECT outcome, order_id, client_order_id FROM btse_amend_order('BTC-USD', client_order_id => 'a1', price => 1);
SELECT outcome, symbol, order_id FROM btse_cancel_all('BTC-USD');
SELECT outcome, attempts FROM btse_cancel_all_after('1 min');
SELECT outcome, attempts FROM btse_invest_deposit('p', 1);
SELECT outcome, order_id, auto_renew FROM btse_invest_renew('1', true);
SELECT outcome, attempts FROM btse_invest_redeem('1', 1);

--
-- Arguments
--
\pset format unaligned
\pset tuples_only on
-- what must be there
SELECT refused($$SELECT FROM btse_create_order(NULL, 'BUY', 'MARKET', 1)$$);
SELECT refused($$SELECT FROM btse_create_order('BTC-USD', NULL, 'MARKET', 1)$$);
SELECT refused($$SELECT FROM btse_create_order('BTC-USD', 'BUY', NULL, 1)$$);
SELECT refused($$SELECT FROM btse_create_order('BTC-USD', 'BUY', 'MARKET', NULL)$$);
SELECT refused($$SELECT FROM btse_create_order('BTC-USD', 'BUY', 'MARKET', 1, server => NULL)$$);
SELECT refused($$SELECT FROM btse_cancel_all(NULL)$$);
SELECT refused($$SELECT FROM btse_cancel_all_after(NULL)$$);
SELECT refused($$SELECT FROM btse_invest_deposit(NULL, 1)$$);
SELECT refused($$SELECT FROM btse_invest_renew('1', NULL)$$);
SELECT refused($$SELECT FROM btse_invest_redeem('1', NULL)$$);
SELECT refused($$SELECT FROM btse_amend_order('BTC-USD', price => 1)$$);
SELECT refused($$SELECT FROM btse_amend_order('BTC-USD', 'o1', 'a1', 1)$$);
SELECT refused($$SELECT FROM btse_amend_order('BTC-USD', 'o1')$$);
-- words and names
SELECT refused($$SELECT FROM btse_create_order('BTC-USD', 'LONG', 'MARKET', 1)$$);
SELECT refused($$SELECT FROM btse_create_order('BTC-USD', 'BUY', 'STOP', 1)$$);
SELECT refused($$SELECT FROM btse_create_order('BTC-USD', 'BUY', 'LIMIT', 1, 1, time_in_force => 'YEAR')$$);
SELECT refused($$SELECT FROM btse_create_order('BTC-USD', 'BUY', 'LIMIT', 1, 1, tx_type => 'TAKEPROFIT')$$);
SELECT refused($$SELECT FROM btse_create_order('BTC USD', 'BUY', 'LIMIT', 1, 1)$$);
SELECT refused($$SELECT FROM btse_cancel_all('')$$);
SELECT refused($$SELECT FROM btse_cancel_all('BTC-USD&orderID=1')$$);
SELECT refused($$SELECT FROM btse_create_order('BTC-USD', 'BUY', 'LIMIT', 1, 1, client_order_id => '')$$);
SELECT refused($$SELECT FROM btse_create_order('BTC-USD', 'BUY', 'LIMIT', 1, 1, client_order_id => ' a')$$);
SELECT refused($$SELECT FROM btse_create_order('BTC-USD', 'BUY', 'LIMIT', 1, 1, client_order_id => repeat('x', 129))$$);
SELECT refused($$SELECT FROM btse_amend_order('BTC-USD', E'\t', price => 1)$$);
SELECT refused($$SELECT FROM btse_invest_renew('01', true)$$);
SELECT refused($$SELECT FROM btse_invest_redeem('1.0', 1)$$);
SELECT refused($$SELECT FROM btse_invest_redeem('12345678901234567890', 1)$$);
-- amounts
SELECT refused($$SELECT FROM btse_create_order('BTC-USD', 'BUY', 'LIMIT', 'NaN', 1)$$);
SELECT refused($$SELECT FROM btse_create_order('BTC-USD', 'BUY', 'LIMIT', 1, 'Infinity')$$);
SELECT refused($$SELECT FROM btse_create_order('BTC-USD', 'BUY', 'LIMIT', 1, '-Infinity')$$);
SELECT refused($$SELECT FROM btse_create_order('BTC-USD', 'BUY', 'LIMIT', 0, 1)$$);
SELECT refused($$SELECT FROM btse_create_order('BTC-USD', 'BUY', 'LIMIT', 1, -1)$$);
SELECT refused($$SELECT FROM btse_create_order('BTC-USD', 'BUY', 'LIMIT', 1e100, 1)$$);
SELECT refused($$SELECT FROM btse_create_order('BTC-USD', 'BUY', 'PEG', 1, 1, stealth => 0)$$);
SELECT refused($$SELECT FROM btse_create_order('BTC-USD', 'BUY', 'PEG', 1, 1, stealth => 100.1)$$);
SELECT refused($$SELECT FROM btse_create_order('BTC-USD', 'BUY', 'PEG', 1, 1, stealth => 100, deviation => -10.00001)$$);
SELECT refused($$SELECT FROM btse_create_order('BTC-USD', 'BUY', 'PEG', 1, 1, stealth => 100, deviation => 10.00001)$$);
SELECT refused($$SELECT FROM btse_create_order_preview('BTC-USD', 'BUY', 'PEG', 1, 1, stealth => 100, deviation => 0)$$);
SELECT refused($$SELECT FROM btse_amend_order('BTC-USD', 'o1', size => 'NaN')$$);
SELECT refused($$SELECT FROM btse_invest_deposit('p', 0)$$);
-- what each type needs
SELECT refused($$SELECT FROM btse_create_order('BTC-USD', 'BUY', 'LIMIT', 1)$$);
SELECT refused($$SELECT FROM btse_create_order('BTC-USD', 'BUY', 'MARKET', 1, 1)$$);
SELECT refused($$SELECT FROM btse_create_order('BTC-USD', 'BUY', 'LIMIT', 1, 1, tx_type => 'STOP')$$);
SELECT refused($$SELECT FROM btse_create_order('BTC-USD', 'BUY', 'MARKET', 1, tx_type => 'TRIGGER')$$);
SELECT refused($$SELECT FROM btse_create_order('BTC-USD', 'BUY', 'LIMIT', 1, 1, trigger_price => 1)$$);
SELECT refused($$SELECT FROM btse_create_order('BTC-USD', 'BUY', 'LIMIT', 1, 1, stop_price => 1, tx_type => 'LIMIT')$$);
SELECT refused($$SELECT FROM btse_create_order('BTC-USD', 'BUY', 'OCO', 1, 1, trigger_price => 1)$$);
SELECT refused($$SELECT FROM btse_create_order('BTC-USD', 'BUY', 'OCO', 1, 1, stop_price => 1)$$);
SELECT refused($$SELECT FROM btse_create_order('BTC-USD', 'BUY', 'OCO', 1, 1, 'GTC', 'STOP', 1, 1)$$);
SELECT refused($$SELECT FROM btse_create_order('BTC-USD', 'BUY', 'PEG', 1, 1)$$);
SELECT refused($$SELECT FROM btse_create_order('BTC-USD', 'BUY', 'LIMIT', 1, 1, stealth => 10)$$);
SELECT refused($$SELECT FROM btse_create_order('BTC-USD', 'BUY', 'LIMIT', 1, 1, deviation => 1)$$);
-- what would trade at once, though the arguments say that it waits
SELECT refused($$SELECT FROM btse_create_order('BTC-USD', 'BUY', 'LIMIT', 1, 1, trail_value => 1)$$);
SELECT refused($$SELECT FROM btse_create_order('BTC-USD', 'BUY', 'MARKET', 1, trail_value => 1)$$);
SELECT refused($$SELECT FROM btse_create_order('BTC-USD', 'BUY', 'MARKET', 1, trail_value => 1, tx_type => 'limit')$$);
SELECT refused($$SELECT FROM btse_create_order('BTC-USD', 'BUY', 'PEG', 1, 1, stealth => 10, trail_value => 1)$$);
SELECT refused($$SELECT FROM btse_create_order('BTC-USD', 'BUY', 'MARKET', 1, tx_type => 'STOP', trail_value => 1)$$);
SELECT refused($$SELECT FROM btse_create_order('BTC-USD', 'BUY', 'MARKET', 1, trigger_price => 1)$$);
SELECT refused($$SELECT FROM btse_create_order('BTC-USD', 'BUY', 'MARKET', 1, stop_price => 1)$$);
SELECT refused($$SELECT FROM btse_create_order('BTC-USD', 'BUY', 'PEG', 1, 1, stealth => 10, trigger_price => 1)$$);
SELECT refused($$SELECT FROM btse_create_order('BTC-USD', 'BUY', 'MARKET', 1, post_only => true)$$);
SELECT refused($$SELECT FROM btse_create_order('BTC-USD', 'BUY', 'MARKET', 1, post_only => true, tx_type => 'STOP', trigger_price => 1)$$);
SELECT refused($$SELECT FROM btse_create_order('BTC-USD', 'BUY', 'LIMIT', 1, 1, 'ioc', post_only => true)$$);
SELECT refused($$SELECT FROM btse_create_order('BTC-USD', 'BUY', 'LIMIT', 1, 1, 'FOK', post_only => true)$$);
SELECT refused($$SELECT FROM btse_create_order_preview('BTC-USD', 'BUY', 'LIMIT', 1, 1, trail_value => 1)$$);
SELECT refused($$SELECT FROM btse_create_order_preview('BTC-USD', 'BUY', 'MARKET', 1, post_only => true)$$);
SELECT refused($$SELECT FROM btse_create_orders('[{"symbol": "BTC-USD", "side": "BUY", "type": "MARKET", "size": 1},
	{"symbol": "BTC-USD", "side": "BUY", "type": "LIMIT", "size": 1, "price": 1, "trail_value": 1}]')$$);
SELECT refused($$SELECT FROM btse_create_orders_preview('[{"symbol": "BTC-USD", "side": "BUY", "type": "LIMIT", "size": 1, "price": 1,
	"post_only": true, "time_in_force": "IOC"}]')$$);
-- ... and what does wait, or says nothing about it
SELECT body FROM btse_create_order_preview('BTC-USD', 'BUY', 'MARKET', 1, tx_type => 'STOP', trigger_price => 2, trail_value => 1, client_order_id => 'a');
SELECT body FROM btse_create_order_preview('BTC-USD', 'BUY', 'LIMIT', 1, 1, 'DAY', post_only => true, client_order_id => 'a');
SELECT body FROM btse_create_order_preview('BTC-USD', 'BUY', 'LIMIT', 1, 1, 'IOC', post_only => false, client_order_id => 'a');
SELECT body FROM btse_create_order_preview('BTC-USD', 'BUY', 'MARKET', 1, time_in_force => 'FOK', client_order_id => 'a');
-- durations
SELECT refused($$SELECT FROM btse_cancel_all_after('-1 ms')$$);
SELECT refused($$SELECT FROM btse_cancel_all_after('1 month')$$);
SELECT refused($$SELECT FROM btse_cancel_all_after('1 year -365 days')$$);
SELECT refused($$SELECT FROM btse_cancel_all_after('178000000 days')$$);
-- lists
SELECT refused($$SELECT FROM btse_create_orders('{}')$$);
SELECT refused($$SELECT FROM btse_create_orders('1')$$);
SELECT refused($$SELECT FROM btse_create_orders('"[]"')$$);
SELECT refused($$SELECT FROM btse_create_orders('null')$$);
SELECT refused($$SELECT FROM btse_create_orders('[1]')$$);
SELECT refused($$SELECT FROM btse_create_orders('[[]]')$$);
SELECT refused($$SELECT FROM btse_create_orders('[null]')$$);
SELECT refused($$SELECT FROM btse_create_orders('[{}]')$$);
SELECT refused($$SELECT FROM btse_create_orders('[{"symbol": "BTC-USD", "side": "BUY", "type": "MARKET", "size": 1}, {"Side": "BUY"}]')$$);
SELECT refused($$SELECT FROM btse_create_orders('[{"symbol": "BTC-USD", "side": "BUY", "type": "MARKET", "size": "1"}]')$$);
SELECT refused($$SELECT FROM btse_create_orders('[{"symbol": 1}]')$$);
SELECT refused($$SELECT FROM btse_create_orders('[{"symbol": ["BTC-USD"]}]')$$);
SELECT refused($$SELECT FROM btse_create_orders('[{"symbol": "BTC-USD", "post_only": "true"}]')$$);
SELECT refused($$SELECT FROM btse_create_orders('[{"symbol": "BTC-USD", "side": "BUY", "type": "LIMIT", "size": 1}]')$$);
SELECT refused($$SELECT FROM btse_create_orders('[{"symbol": "BTC-USD", "side": null, "type": "MARKET", "size": 1}]')$$);
SELECT refused($$SELECT FROM btse_create_orders('[{"symbol": "BTC-USD", "side": "BUY", "type": "MARKET", "size": 1, "client_order_id": "a"},
	{"symbol": "BTC-USD", "side": "BUY", "type": "MARKET", "size": 1, "client_order_id": "b"},
	{"symbol": "BTC-USD", "side": "BUY", "type": "MARKET", "size": 1, "client_order_id": "a"}]')$$);
-- where, and at whose
SELECT refused($$SELECT btse_cancel_all('BTC-USD')$$);
SELECT refused($$SELECT (btse_create_order('BTC-USD', 'BUY', 'MARKET', 1)).outcome$$);
SELECT refused($$SELECT FROM btse_cancel_all('BTC-USD', 'nobody')$$);
SELECT refused($$SELECT FROM btse_cancel_all_preview('BTC-USD', at => NULL)$$);
BEGIN READ ONLY;
SELECT refused($$SELECT FROM btse_create_order('BTC-USD', 'BUY', 'MARKET', 1)$$);
ROLLBACK;

\pset tuples_only off
\pset format aligned

--
-- A row type may get more attributes, or lose some
--
BEGIN;
ALTER TYPE btse_order_result ADD ATTRIBUTE more text;
SELECT outcome, client_order_id, more FROM btse_create_order('BTC-USD', 'BUY', 'MARKET', 1, client_order_id => 'a1');
ALTER TYPE btse_order_result DROP ATTRIBUTE more;
SELECT outcome, client_order_id FROM btse_create_order('BTC-USD', 'BUY', 'MARKET', 1, client_order_id => 'a1');
ROLLBACK;

-- every attribute says what it is
SELECT c.relname, a.attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
WHERE c.relkind = 'c' AND c.relname LIKE 'btse%result' AND a.attnum > 0 AND NOT a.attisdropped
	AND coalesce(col_description(c.oid, a.attnum), '') = '';

DROP FUNCTION example_time, refused;
DROP SERVER btse CASCADE;
