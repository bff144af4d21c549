--
-- Settling unknown outcomes: arguments. What it answers is tested by test/t.
--
\set VERBOSITY default
CREATE SERVER xt FOREIGN DATA WRAPPER xt_fdw;
CREATE SERVER btse FOREIGN DATA WRAPPER btse_fdw;
CREATE SERVER tronsave FOREIGN DATA WRAPPER tronsave_fdw;
CREATE SERVER wangdian FOREIGN DATA WRAPPER wangdian_fdw OPTIONS (base_url 'https://127.0.0.1:1');
-- no such server
SELECT * FROM order_gateway_settle('nowhere', '{1}');
-- each argument
SELECT * FROM order_gateway_settle(NULL, '{1}');
SELECT * FROM order_gateway_settle('xt', '{1}');
SELECT * FROM order_gateway_settle('xt', '{1}', market => 'b tc');
SELECT * FROM order_gateway_settle('tronsave', '{1}', market => 'btc_usdt');
SELECT * FROM order_gateway_settle('wangdian', '{CR1}', market => 'btc_usdt');
SELECT * FROM order_gateway_settle('wangdian', '{CR1}', by => 'client_order_id');
SELECT * FROM order_gateway_settle('xt', '{1}', market => 'btc_usdt', by => 'client_order_id');
SELECT * FROM order_gateway_settle('btse', '{1}', market => 'BTC-USD', by => 'name');
SELECT * FROM order_gateway_settle('btse', '{1}', market => 'BTC-USD', by => NULL);
SELECT * FROM order_gateway_settle('btse', '{1}', market => 'BTC-USD', act => 'amend');
SELECT * FROM order_gateway_settle('btse', '{1,2}'::text[], '{2026-01-01}'::timestamptz[], 'BTC-USD');
SELECT * FROM order_gateway_settle('btse', '{1.5}'::float8[], market => 'BTC-USD');
-- a mapping is needed, as for any signed read
SELECT * FROM order_gateway_settle('xt', '{1}', market => 'btc_usdt');
CREATE USER MAPPING FOR CURRENT_USER SERVER xt OPTIONS (access_key 'k', secret_key 's');
SELECT * FROM order_gateway_settle('xt', '{1,x}', market => 'btc_usdt');
SELECT * FROM order_gateway_settle('xt', ARRAY[1, NULL], market => 'btc_usdt');
SELECT * FROM order_gateway_settle('wangdian', '{CR1}');
-- nothing to be asked
SELECT * FROM order_gateway_settle('xt', '{}', market => 'btc_usdt');
SELECT * FROM order_gateway_settle('xt', NULL, market => 'btc_usdt');
-- not in a target list
SELECT (order_gateway_settle('xt', '{1}', market => 'btc_usdt')).*;
-- the states, in their order
SELECT enum_range(NULL::order_state);
DROP SERVER xt, btse, tronsave, wangdian CASCADE;
