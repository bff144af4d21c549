-- Streams: what is checked when one is started, and who sees what.  Whether they
-- are followed is another test's: here is no worker.
\set SHOW_CONTEXT never
SET client_min_messages = warning;
CREATE ROLE stream_reader;
CREATE ROLE stream_stranger;
GRANT CREATE ON SCHEMA public TO stream_reader;
GRANT EXECUTE ON FUNCTION btse_stream_start, btse_stream_stop TO stream_reader, stream_stranger;
CREATE SERVER stream_official FOREIGN DATA WRAPPER btse_fdw;
CREATE SERVER stream_test FOREIGN DATA WRAPPER btse_fdw OPTIONS (base_url 'https://testapi.btse.io/spot/');
CREATE SERVER stream_own FOREIGN DATA WRAPPER btse_fdw OPTIONS (base_url 'https://127.0.0.1:1/spot');
CREATE SERVER stream_xt FOREIGN DATA WRAPPER xt_fdw;
GRANT USAGE ON FOREIGN SERVER stream_official, stream_own, stream_xt TO stream_reader;

-- the error of a statement: SQLSTATE, message, detail, hint
CREATE FUNCTION told(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	detail text;
	hint text;
BEGIN
	EXECUTE statement;
	RETURN 'accepted';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
	RETURN concat_ws(E'\n  ', SQLSTATE || ': ' || SQLERRM, nullif(detail, ''), nullif(hint, ''));
END $$;

\pset format unaligned
\pset tuples_only

-- options
SELECT told('ALTER SERVER stream_own OPTIONS (ADD stream_url ''https://127.0.0.1:1/ws/spot'')');
SELECT told('ALTER SERVER stream_own OPTIONS (ADD stream_url ''ws://127.0.0.1:1/ws/spot'')');
SELECT told('ALTER SERVER stream_own OPTIONS (ADD stream_url ''wss://user@127.0.0.1/ws/spot'')');
SELECT told('ALTER SERVER stream_own OPTIONS (ADD book_stream_url ''ws://127.0.0.1:1/ws/oss/spot'')');
SELECT told('ALTER SERVER stream_own OPTIONS (ADD stream_login_ack ''perhaps'')');
SELECT told('ALTER SERVER stream_xt OPTIONS (ADD stream_url ''wss://127.0.0.1/ws/spot'')');

-- arguments
SELECT told('SELECT btse_stream_start(NULL)');
SELECT told('SELECT btse_stream_start(''quotes'')');
SELECT told('SELECT btse_stream_start(''l1'')');
SELECT told('SELECT btse_stream_start(''l1'', ''BTC USD'')');
SELECT told('SELECT btse_stream_start(''l1'', '''')');
SELECT told('SELECT btse_stream_start(''l1'', ''BTC-USD'', 1)');
SELECT told('SELECT btse_stream_start(''book'', ''BTC-USD'', 9)');
SELECT told('SELECT btse_stream_start(''book'', ''BTC-USD'', -1)');
SELECT told('SELECT btse_stream_start(''book'', ''BTC-USD'', NULL)');
SELECT told('SELECT btse_stream_start(''book'', ''BTC-USD'', into_table => ''pg_class'', server => ''stream_official'')');
SELECT told('SELECT btse_stream_start(''fills'', ''BTC-USD'')');
SELECT told('SELECT btse_stream_start(''l1'', ''BTC-USD'', server => NULL)');
SELECT told('SELECT btse_stream_stop(NULL)');

-- servers, rights
SELECT told('SELECT btse_stream_start(''l1'', ''BTC-USD'', server => ''stream_nowhere'')');
SELECT split_part(told('SELECT btse_stream_start(''l1'', ''BTC-USD'', server => ''stream_xt'')'), E'\n', 1);
SELECT told('SELECT btse_stream_start(''l1'', ''BTC-USD'', server => ''stream_own'')');
SELECT told('ALTER SERVER stream_own OPTIONS (ADD stream_url ''wss://127.0.0.1:1/ws/spot'')');
SELECT told('SELECT btse_stream_start(''l1'', ''BTC-USD'', server => ''stream_own'')');
SELECT told('SELECT btse_stream_start(''fills'', server => ''stream_official'')');

-- no worker, but all else is well
SELECT told('SELECT btse_stream_start(''l1'', ''BTC-USD'', server => ''stream_official'')');
-- what a symbol may have is what the hint of a wrong one says
SELECT string_agg(chr(c), '' ORDER BY c) FROM generate_series(33, 126) AS c
WHERE told(format('SELECT btse_stream_start(''l1'', %L, server => ''stream_official'')', 'A' || chr(c) || 'B')) NOT LIKE '22023%';
SELECT told('SELECT btse_stream_start(''book'', ''BTC-USD'', 8, server => ''stream_test'')');
BEGIN READ ONLY;
SELECT told('SELECT btse_stream_start(''l1'', ''BTC-USD'', server => ''stream_official'')');
SELECT told('SELECT btse_stream_stop(1)');
ROLLBACK;
SET ROLE stream_stranger;
SELECT told('SELECT btse_stream_start(''l1'', ''BTC-USD'', server => ''stream_official'')');
SELECT told('SELECT btse_stream_stop(1)');
RESET ROLE;
REVOKE EXECUTE ON FUNCTION btse_stream_start FROM stream_stranger;
SET ROLE stream_stranger;
SELECT told('SELECT btse_stream_start(''l1'', ''BTC-USD'', server => ''stream_official'')');
RESET ROLE;

-- rows as a restored dump has them: of another installation
INSERT INTO order_gateway_stream
SELECT '00000000-0000-0000-0000-000000000001', n, kind, symbol, CASE kind WHEN 'book' THEN 0 END, NULL, 0, 1, server, n, role, now()
FROM (VALUES (1, 'book', 'BTC-USD', 'stream_official', 'stream_reader'),
	(2, 'fills', NULL, 'stream_official', 'stream_reader'),
	(3, 'l1', 'BTC-USD', 'stream_gone', 'stream_reader'),
	(4, 'fills', NULL, 'stream_official', 'nobody_any_more')) AS v (n, kind, symbol, server, role);
SELECT stream_id, kind, symbol, book_grouping, server, role, state, age, queued, last_error FROM order_gateway_streams ORDER BY 1;
SET ROLE stream_reader;
SELECT stream_id FROM order_gateway_streams ORDER BY 1;
SET ROLE stream_stranger;
SELECT stream_id FROM order_gateway_streams ORDER BY 1;
SELECT told('SELECT btse_stream_stop(2)');
RESET ROLE;
SET ROLE stream_reader;
SELECT told('SELECT btse_stream_stop(2)');
SELECT told('SELECT btse_stream_stop(2)');
SELECT told('SELECT btse_stream_stop(4)');
RESET ROLE;
SELECT told('SELECT btse_stream_stop(4)');
SELECT stream_id FROM order_gateway_streams ORDER BY 1;

-- what there is without a worker
SELECT count(*) FROM btse_book;
SELECT count(*) FROM btse_book_top;
SELECT count(*) FROM btse_l1;
SELECT count(*) FROM order_gateway_stream_states();
SELECT count(*) FROM btse_stream_event;

-- logs that were restored are seen by who may see the account, or the market
INSERT INTO order_gateway_stream_trade (installation, server_id, server, symbol, trade_id, received_at, source)
VALUES ('00000000-0000-0000-0000-000000000001', 1, 'stream_official', 'BTC-USD', '7', now(), 'stream');
INSERT INTO order_gateway_stream_fill (installation, fill_id, server_id, server, role_id, role, received_at, source)
VALUES ('00000000-0000-0000-0000-000000000001', '7', 1, 'stream_official', 1, 'stream_reader', now(), 'rest');
INSERT INTO order_gateway_stream_notification (installation, notification_id, server_id, server, role_id, role, received_at)
VALUES ('00000000-0000-0000-0000-000000000001', 7, 1, 'stream_official', 1, 'stream_reader', now());
SELECT 'trades ' || count(*) FROM btse_trade_log;
SET ROLE stream_reader;
SELECT 'trades ' || count(*) FROM btse_trade_log UNION ALL SELECT 'fills ' || count(*) FROM btse_fill_log UNION ALL SELECT 'notifications ' || count(*) FROM btse_notification_log;
SELECT told('SELECT FROM order_gateway_stream');
SELECT told('SELECT FROM order_gateway_stream_book');
SET ROLE stream_stranger;
SELECT 'trades ' || count(*) FROM btse_trade_log UNION ALL SELECT 'fills ' || count(*) FROM btse_fill_log UNION ALL SELECT 'notifications ' || count(*) FROM btse_notification_log;
RESET ROLE;

DELETE FROM order_gateway_stream;
DELETE FROM order_gateway_stream_trade;
DELETE FROM order_gateway_stream_fill;
DELETE FROM order_gateway_stream_notification;
DROP FUNCTION told;
DROP SERVER stream_official, stream_test, stream_own, stream_xt;
REVOKE CREATE ON SCHEMA public FROM stream_reader;
REVOKE EXECUTE ON FUNCTION btse_stream_start, btse_stream_stop FROM stream_reader, stream_stranger;
DROP ROLE stream_reader, stream_stranger;
