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
-- settings of the worker are the server's, not a session's
SELECT name, setting, unit, context, vartype FROM pg_settings
WHERE name IN ('order_gateway.databases', 'order_gateway.journal_keep', 'order_gateway.notify_channel')
ORDER BY name;
SET order_gateway.databases = 'erp';
SET order_gateway.journal_keep = '1d';
SHOW order_gateway.journal_keep;
-- none of these is written: each is refused first
ALTER SYSTEM SET order_gateway.databases = 'erp, "Bi';
ALTER SYSTEM SET order_gateway.databases = 'a b';
\set VERBOSITY sqlstate
-- its words are the server's, and others since 17
ALTER SYSTEM SET order_gateway.journal_keep = -1;
\set VERBOSITY default
ALTER SYSTEM SET order_gateway.notify_channel = 'Orders';
ALTER SYSTEM SET order_gateway.notify_channel = '1st';
ALTER SYSTEM SET order_gateway.notify_channel = 'a_name_that_is_longer_than_any_name_of_a_channel_could_ever_be_x';
