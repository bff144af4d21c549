--
-- Settings: there are few, and the prefix is ours
--
-- Secrets live in user mappings only; whoever puts one into a setting by
-- mistake is told so as soon as the library is there to do it. Where the server
-- preloads it, that is from the first statement on (settings_1.out).
--
\c -
-- before the library is loaded PostgreSQL takes whatever has a prefix
SET order_gateway.secret_key = 'x';
LOAD 'order_gateway';
SHOW order_gateway.secret_key;
SELECT name FROM pg_settings WHERE name LIKE 'order%';
-- once it is loaded, nothing
SET order_gateway.secret_key = 'x';
SELECT set_config('order_gateway.timeout', '1s', false);
ALTER ROLE CURRENT_USER SET order_gateway.timeout = '1s';
SHOW order_gateway.timeout;
-- other prefixes are not ours
SET order_gateways.timeout = '1s';
-- a call loads it, too
\c -
SELECT * FROM batch_cancel_preview('btc_usdt', '{1}');
SET order_gateway.timeout = '1s';
-- so does writing an option
\c -
CREATE SERVER regress_og FOREIGN DATA WRAPPER xt_fdw;
SET order_gateway.timeout = '1s';
DROP SERVER regress_og;
