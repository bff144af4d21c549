--
-- Options of servers and user mappings: what is accepted, and the words with
-- which all else is refused. An option is refused when it is written.
--
\getenv srcdir PG_ABS_SRCDIR
\set refused :srcdir '/test/sql/refused.sql'
\set ECHO none
\i :refused
\set ECHO all

-- A server with these options, created and dropped.
CREATE FUNCTION server(wrapper text, options text) RETURNS SETOF text
LANGUAGE plpgsql AS $$
DECLARE
	line text;
BEGIN
	FOR line IN SELECT * FROM refused(format(
		'CREATE SERVER regress_og FOREIGN DATA WRAPPER %I OPTIONS (%s)',
		wrapper, options))
	LOOP
		RETURN NEXT line;
	END LOOP;
	DROP SERVER IF EXISTS regress_og;
END
$$;
SET client_min_messages = warning;		-- not about the DROP

-- One option with several values, a line each.
CREATE FUNCTION server_values(wrapper text, option text, VARIADIC vals text[])
RETURNS SETOF text
LANGUAGE sql AS $$
	SELECT format('%s %L %s', option, val, line)
	FROM unnest(vals) val, server(wrapper, format('%I %L', option, val)) line
$$;

--
-- Every option of the four wrappers, with a value that is all right
--
CREATE TABLE valid (wrapper text, option text, value text);
INSERT INTO valid
SELECT wrapper, option, value
FROM unnest('{xt_fdw,tronsave_fdw,btse_fdw,wangdian_fdw}'::text[]) wrapper,
	(VALUES ('base_url', 'https://example.com'),
		('allow_http', 'false'),
		('journal', 'false'),
		('sslrootcert', '/etc/ssl/ca.pem'),
		('connect_timeout', '5s'),
		('timeout', '1min'),
		('call_timeout', '5min'),
		('max_wait', '1h'),
		('max_in_flight', '4'),
		('batch_size', '1'),
		('rate_limit', '5/1s'),
		('query_rate_limit', '5/1s'),
		('retries', '1'),
		('max_response_size', '1MB'),
		('signed_data', 'decoded')) o (option, value);
SELECT wrapper, string_agg(option || ' ' || line, ', ' ORDER BY option)
FROM valid, server(wrapper, format('%I %L', option, value) ||
	-- Wangdian's own address is plain HTTP, so it needs another one
	CASE WHEN wrapper = 'wangdian_fdw' AND option <> 'base_url'
		THEN ', base_url ''https://example.com''' ELSE '' END) line
WHERE line NOT LIKE ' %'
GROUP BY wrapper ORDER BY wrapper;
-- all of them at once
SELECT wrapper, server(wrapper, string_agg(format('%I %L', option, value), ', '))
FROM valid
WHERE option <> 'signed_data' OR wrapper = 'xt_fdw'
GROUP BY wrapper ORDER BY wrapper;
-- and none
SELECT wrapper, refused(format('CREATE SERVER regress_og_%1$s FOREIGN DATA WRAPPER %1$I', wrapper))
FROM unnest('{xt_fdw,tronsave_fdw,btse_fdw,wangdian_fdw}'::text[]) wrapper;
DROP SERVER regress_og_xt_fdw;
DROP SERVER regress_og_tronsave_fdw;
DROP SERVER regress_og_btse_fdw;
DROP TABLE valid;

--
-- Names
--
SELECT server('xt_fdw', $$bas_url 'https://example.com'$$);
SELECT server('tronsave_fdw', $$"Timeout" '1s'$$);
SELECT server('btse_fdw', $$"" '1s'$$);
SELECT server('wangdian_fdw', $$query_limit '1/1s'$$);
SELECT server('btse_fdw', $$signed_data 'encoded'$$);
-- a credential is no option of a server, and is not repeated
SELECT server('xt_fdw', $$secret_key 'hush-hush'$$);
-- only servers and user mappings have options
SELECT refused($$ALTER FOREIGN DATA WRAPPER xt_fdw OPTIONS (ADD base_url 'https://example.com')$$);
CREATE SERVER regress_og_table FOREIGN DATA WRAPPER xt_fdw;
SELECT refused($$CREATE FOREIGN TABLE t (a int) SERVER regress_og_table OPTIONS (market 'btc_usdt')$$);
SELECT refused($$CREATE FOREIGN TABLE t (a int OPTIONS (market 'btc_usdt')) SERVER regress_og_table$$);
DROP SERVER regress_og_table;

--
-- Values
--
-- addresses: http and https, without user, query and fragment
SELECT server_values('xt_fdw', 'base_url', 'https://example.com', 'https://example.com/',
	'https://example.com:8443/some/path', 'https://127.0.0.1', 'https://[::1]:8443', 'HTTPS://EXAMPLE.COM');
SELECT server_values('xt_fdw', 'base_url', '', 'example.com', 'ftp://example.com', 'file:///etc/passwd',
	'https://', 'https:///path', 'https://user@example.com', 'https://user:hush@example.com',
	'https://example.com/?query', 'https://example.com/#fragment', 'https://example.com:port',
	'https://example.com:99999', 'https://exa mple.com', ' https://example.com', E'https://example.com/\n',
	'https://example.com/采购', 'unix:///tmp/socket');
-- of several that are wrong, the one that is written first is told
SELECT server('xt_fdw', $$max_wait 'x', timeout 'y'$$);
SELECT server('xt_fdw', $$timeout 'y', max_wait 'x'$$);
-- plain HTTP must be meant
SELECT server('xt_fdw', $$base_url 'http://example.com'$$);
SELECT server('xt_fdw', $$base_url 'http://example.com', allow_http 'false'$$);
SELECT server('xt_fdw', $$base_url 'http://example.com', allow_http 'true'$$);
SELECT server('xt_fdw', $$base_url 'https://example.com', allow_http 'true'$$);
SELECT server('wangdian_fdw', $$timeout '30s'$$);
SELECT server('wangdian_fdw', $$allow_http 'true'$$);
SELECT server_values('xt_fdw', 'allow_http', 'true', 'off', 'yes', '1', '', 'perhaps', '2');
-- files are looked for when they are used: a dump restores anywhere
SELECT server_values('xt_fdw', 'sslrootcert', '/no/such/file', 'ca.pem', '', E'/ca\n.pem');
-- durations need their unit
SELECT server_values('xt_fdw', 'connect_timeout', '1ms', '10s', '1min', '1h', '0', '10', '61min', '0s', '-1s', 's', '1 s',
	'1s ', '1.5s', '1e3ms', '0x10s', '1w', '1us', '1S', '10s 5ms', '99999999999999s', '');
SELECT server_values('xt_fdw', 'timeout', '30s', '24d', '25d', '0', '0ms', '30');
SELECT server_values('xt_fdw', 'call_timeout', '0', '0s', '90s', '60', '-1', 'none');
SELECT server_values('xt_fdw', 'max_wait', '0', '10min', '10', '25d');
-- counts have none
SELECT server_values('xt_fdw', 'max_in_flight', '1', '64', '0', '65', '-1', '1.0', '08', ' 8', '8s', '', 'many', '99999999999');
SELECT server_values('xt_fdw', 'retries', '0', '10', '11', '-1', 'off');
SELECT server_values('xt_fdw', 'max_response_size', '1024', '1kB', '8MB', '64MB', '65MB', '1023', '1GB', '8 MB', '8mb', '0', 'all');
-- never above the provider's maximum
SELECT server_values('xt_fdw', 'batch_size', '1', '100', '101', '0');
SELECT server_values('tronsave_fdw', 'batch_size', '1', '1000', '1001', '0');
SELECT server_values('btse_fdw', 'batch_size', '1', '2');
SELECT line FROM unnest('{1,20,21}'::text[]) n,
	server('wangdian_fdw', format('base_url ''https://example.com'', batch_size %L', n)) line;
-- pace
SELECT server_values('xt_fdw', 'rate_limit', 'off', '10/1s', '10/1s per key', '1000/60s per host',
	'10/1s per key, 1000/60s per host', '10/1s,5/2min per host', ' 10 / 1 s  per  key ', '1/1d', '4000/1h', '1/250ms',
	'OFF', '10/1s PER HOST');
SELECT server_values('xt_fdw', 'rate_limit', '', 'on', '10', '10/s', '10/1', '10/1 per key', '0/1s', '-1/1s', '4001/1s', '1/0s',
	'1/2d', '10/1s per user', '10/1s per', '10/1s,', ',10/1s', '10/1s 5/1s', '10/1s; 5/1s', '1.5/1s', 'off, 10/1s', '10/1s, off',
	'10/1s per key per host', '10/1y', '1/1s,1/1s,1/1s,1/1s,1/1s,1/1s,1/1s,1/1s,1/1s');
SELECT server_values('btse_fdw', 'query_rate_limit', 'off', '15/1s', 'never');
-- XT's own
SELECT server_values('xt_fdw', 'signed_data', 'encoded', 'decoded', 'Encoded', '');

--
-- ALTER is checked as CREATE is, and all options that result from it
--
CREATE SERVER regress_og FOREIGN DATA WRAPPER xt_fdw OPTIONS (timeout '10s');
SELECT refused($$ALTER SERVER regress_og OPTIONS (SET timeout '10')$$);
SELECT refused($$ALTER SERVER regress_og OPTIONS (ADD retry '1')$$);
SELECT refused($$ALTER SERVER regress_og OPTIONS (ADD base_url 'http://example.com')$$);
SELECT refused($$ALTER SERVER regress_og OPTIONS (ADD allow_http 'true', ADD base_url 'http://example.com')$$);
SELECT refused($$ALTER SERVER regress_og OPTIONS (DROP allow_http)$$);
SELECT refused($$ALTER SERVER regress_og OPTIONS (DROP allow_http, DROP base_url)$$);
SELECT unnest(srvoptions) FROM pg_foreign_server WHERE srvname = 'regress_og';

--
-- User mappings: all credentials, nothing else, and no message shows one
--
CREATE SERVER regress_og_tronsave FOREIGN DATA WRAPPER tronsave_fdw;
CREATE SERVER regress_og_btse FOREIGN DATA WRAPPER btse_fdw;
CREATE SERVER regress_og_wangdian FOREIGN DATA WRAPPER wangdian_fdw OPTIONS (base_url 'https://example.com');
-- whatever is lacking is named
SELECT refused($$CREATE USER MAPPING FOR CURRENT_USER SERVER regress_og$$);
SELECT refused($$CREATE USER MAPPING FOR CURRENT_USER SERVER regress_og OPTIONS (access_key 'hush-hush')$$);
SELECT refused($$CREATE USER MAPPING FOR CURRENT_USER SERVER regress_og OPTIONS (secret_key 'hush-hush')$$);
SELECT refused($$CREATE USER MAPPING FOR CURRENT_USER SERVER regress_og_tronsave$$);
SELECT refused($$CREATE USER MAPPING FOR CURRENT_USER SERVER regress_og_btse OPTIONS (api_key 'hush-hush')$$);
SELECT refused($$CREATE USER MAPPING FOR CURRENT_USER SERVER regress_og_wangdian OPTIONS (sid 's', app_key 'k')$$);
-- names
SELECT refused($$CREATE USER MAPPING FOR CURRENT_USER SERVER regress_og OPTIONS (access_key 'k', secret_key 'hush-hush', api_key 'hush-hush')$$);
SELECT refused($$CREATE USER MAPPING FOR CURRENT_USER SERVER regress_og OPTIONS (access_key 'k', secret_key 'hush-hush', timeout '1s')$$);
SELECT refused($$CREATE USER MAPPING FOR CURRENT_USER SERVER regress_og_tronsave OPTIONS (apikey 'hush-hush')$$);
SELECT refused($$CREATE USER MAPPING FOR CURRENT_USER SERVER regress_og_btse OPTIONS (secret 'hush-hush')$$);
SELECT refused($$CREATE USER MAPPING FOR CURRENT_USER SERVER regress_og_wangdian OPTIONS (app_secret 'hush:hush', password 'hush-hush')$$);
-- values
SELECT refused($$CREATE USER MAPPING FOR CURRENT_USER SERVER regress_og OPTIONS (access_key '', secret_key 'hush-hush')$$);
SELECT refused($$CREATE USER MAPPING FOR CURRENT_USER SERVER regress_og OPTIONS (access_key 'k', secret_key '')$$);
SELECT refused($$CREATE USER MAPPING FOR CURRENT_USER SERVER regress_og_tronsave OPTIONS (api_key E'hush-hush\r\nx-header: 1')$$);
SELECT refused(format($$CREATE USER MAPPING FOR CURRENT_USER SERVER regress_og_tronsave OPTIONS (api_key %L)$$, repeat('hush', 251)));
SELECT refused($$CREATE USER MAPPING FOR CURRENT_USER SERVER regress_og_wangdian OPTIONS (sid 's', app_key 'k', app_secret 'hush-hush')$$);
SELECT refused($$CREATE USER MAPPING FOR CURRENT_USER SERVER regress_og_wangdian OPTIONS (sid 's', app_key 'k', app_secret ':hush')$$);
SELECT refused($$CREATE USER MAPPING FOR CURRENT_USER SERVER regress_og_wangdian OPTIONS (sid 's', app_key 'k', app_secret 'hush:')$$);
-- good ones, and ALTER
SELECT refused($$CREATE USER MAPPING FOR CURRENT_USER SERVER regress_og OPTIONS (access_key 'k', secret_key 'hush-hush')$$);
SELECT refused($$CREATE USER MAPPING FOR CURRENT_USER SERVER regress_og_tronsave OPTIONS (api_key 'hush-hush')$$);
SELECT refused($$CREATE USER MAPPING FOR CURRENT_USER SERVER regress_og_btse OPTIONS (api_key 'k', secret_key 'hush-hush')$$);
SELECT refused($$CREATE USER MAPPING FOR CURRENT_USER SERVER regress_og_wangdian OPTIONS (sid 's', app_key 'k', app_secret 'hush:hush:hush')$$);
SELECT refused($$ALTER USER MAPPING FOR CURRENT_USER SERVER regress_og OPTIONS (SET secret_key 'hush-hush-2')$$);
SELECT refused($$ALTER USER MAPPING FOR CURRENT_USER SERVER regress_og OPTIONS (SET secret_key '')$$);
SELECT refused($$ALTER USER MAPPING FOR CURRENT_USER SERVER regress_og OPTIONS (DROP secret_key)$$);
SELECT refused($$ALTER USER MAPPING FOR CURRENT_USER SERVER regress_og OPTIONS (ADD token 'hush-hush')$$);
SELECT refused($$ALTER USER MAPPING FOR CURRENT_USER SERVER regress_og_wangdian OPTIONS (SET app_secret 'hush-hush')$$);
DROP SERVER regress_og, regress_og_tronsave, regress_og_btse, regress_og_wangdian CASCADE;

--
-- Plain HTTP is for superusers to allow
--
CREATE ROLE regress_og_owner;
GRANT USAGE ON FOREIGN DATA WRAPPER xt_fdw, wangdian_fdw TO regress_og_owner;
SET ROLE regress_og_owner;
SELECT server('xt_fdw', $$base_url 'http://example.com'$$);
SELECT server('xt_fdw', $$base_url 'http://example.com', allow_http 'true'$$);
SELECT server('xt_fdw', $$allow_http 'true'$$);
SELECT server('xt_fdw', $$allow_http 'false'$$);
SELECT server('wangdian_fdw', $$allow_http 'true'$$);
SELECT refused('CREATE SERVER regress_og FOREIGN DATA WRAPPER xt_fdw');
SELECT refused($$ALTER SERVER regress_og OPTIONS (ADD allow_http 'true')$$);
-- a server that has it may not even be pointed elsewhere
RESET ROLE;
ALTER SERVER regress_og OPTIONS (ADD allow_http 'true', ADD base_url 'http://example.com');
SET ROLE regress_og_owner;
SELECT refused($$ALTER SERVER regress_og OPTIONS (SET base_url 'http://example.org')$$);
SELECT refused($$ALTER SERVER regress_og OPTIONS (ADD timeout '5s')$$);
-- but closed again
SELECT refused($$ALTER SERVER regress_og OPTIONS (DROP allow_http)$$);
SELECT refused($$ALTER SERVER regress_og OPTIONS (DROP allow_http, SET base_url 'https://example.com')$$);
RESET ROLE;
DROP SERVER regress_og;
DROP OWNED BY regress_og_owner;
DROP ROLE regress_og_owner;

DROP FUNCTION refused, server, server_values;
