--
-- Submitting: what is checked, in a database that has no gateway worker
--
-- What becomes of calls is tested by test/t, with workers.
--

\getenv srcdir PG_ABS_SRCDIR
\set refused :srcdir '/test/sql/refused.sql'
\set ECHO none
\i :refused
\set ECHO all

SET client_min_messages = warning;		-- not about CASCADE

CREATE ROLE regress_og_clerk;
CREATE SERVER xt FOREIGN DATA WRAPPER xt_fdw;
CREATE SERVER btse FOREIGN DATA WRAPPER btse_fdw;
CREATE USER MAPPING FOR CURRENT_USER SERVER xt OPTIONS (access_key 'a', secret_key 'b');
CREATE USER MAPPING FOR PUBLIC SERVER btse OPTIONS (api_key 'a', secret_key 'b');

--
-- All that is right, and nobody who would send it
--
SELECT refused($$SELECT batch_cancel_submit('btc_usdt', '{1}'::bigint[])$$);
SELECT refused($$SELECT batch_cancel_submit('btc_usdt', NULL)$$);
SELECT refused($$SELECT btse_create_orders_submit('[]')$$);
SELECT refused($$SELECT btse_create_order_submit('BTC-USD', 'BUY', 'LIMIT', 1, 2)$$);
SELECT refused($$INSERT INTO order_gateway_outbox (function, arguments, ids, server, reference) VALUES
	('batch_cancel', '{"market": "btc_usdt"}', '{1}', 'xt', 'r')$$);

--
-- The call's own checks come first
--
SELECT refused($$SELECT batch_cancel_submit(NULL, '{1}'::bigint[])$$);
SELECT refused($$SELECT batch_cancel_submit('btc usdt', '{1}'::bigint[])$$);
SELECT refused($$SELECT batch_cancel_submit('btc_usdt', '{1.5}'::float[])$$);
SELECT refused($$SELECT batch_cancel_submit('btc_usdt', '{1,NULL}'::int[])$$);
SELECT refused($$SELECT batch_cancel_submit('btc_usdt', '{1,x}')$$);
SELECT refused($$SELECT batch_cancel_submit('btc_usdt', '{1}', NULL)$$);
SELECT refused($$SELECT batch_cancel_submit('btc_usdt', '{1}', 'xt2')$$);
SELECT refused($$SELECT batch_cancel_submit('btc_usdt', '{1}', 'btse')$$);
SELECT refused($$SELECT btse_cancel_submit('BTC-USD', '{1}', by => 'id')$$);
SELECT refused($$SELECT btse_create_order_submit('BTC-USD', 'BUY', 'LIMIT', 1)$$);
SELECT refused($$SELECT btse_create_orders_submit('[{"symbol": "BTC-USD", "side": "BUY", "type": "LIMIT", "size": 0, "price": 1}]')$$);
SELECT refused($$SELECT btse_amend_order_submit('BTC-USD', 'a')$$);
SELECT refused($$SELECT btse_cancel_all_submit('*')$$);
SELECT refused($$SELECT btse_cancel_all_after_submit('-1 s')$$);
SELECT refused($$SELECT btse_invest_deposit_submit('p', -1)$$);
SELECT refused($$SELECT btse_invest_renew_submit('01', true)$$);
SELECT refused($$SELECT btse_invest_redeem_submit('1', 'NaN')$$);
BEGIN READ ONLY;
SELECT refused($$SELECT batch_cancel_submit('btc_usdt', '{1}')$$);
SELECT refused($$SELECT order_gateway_withdraw(1)$$);
SELECT refused($$SELECT order_gateway_adopt()$$);
ROLLBACK;

--
-- Reference and times
--
SELECT refused(format('SELECT batch_cancel_submit(''btc_usdt'', ''{1}'', reference => %L)', r))
FROM unnest(ARRAY['', E'a\nb', U&'a\0085b', repeat('a', 129), repeat('a', 128)]) AS r;
SELECT refused(format('SELECT batch_cancel_submit(''btc_usdt'', ''{1}'', not_before => %L)', t))
FROM unnest('{infinity,-infinity}'::text[]) AS t;
SELECT refused(format('SELECT batch_cancel_submit(''btc_usdt'', ''{1}'', not_before => now() + interval ''1 h'', expires_at => %s)', t))
FROM unnest(ARRAY['now()', $$'-infinity'$$, $$'2000-01-01 00:00:00+00'$$, $$now() + interval '1 h'$$, $$'infinity'$$]) AS t;

--
-- The outbox of other databases
--
CREATE FUNCTION insert_refused(function text, arguments text, ids text DEFAULT NULL, server text DEFAULT 'btse',
	reference text DEFAULT 'r') RETURNS SETOF text
LANGUAGE sql
RETURN refused(format('INSERT INTO order_gateway_outbox (function, arguments, ids, server, reference) VALUES (%L, %L, %L, %L, %L)',
	function, arguments, ids, server, reference));
SELECT insert_refused(NULL, '{}');
SELECT insert_refused('btse_order', '{}');
SELECT insert_refused('btse_cancel_all', '{"symbol": "BTC-USD"}', server => NULL);
SELECT insert_refused('btse_cancel_all', '{"symbol": "BTC-USD"}', reference => NULL);
SELECT insert_refused('btse_cancel_all', '{"symbol": "BTC-USD"}', '{1}');
SELECT insert_refused('btse_cancel_all', NULL);
SELECT insert_refused('btse_cancel_all', '["BTC-USD"]');
SELECT insert_refused('btse_cancel_all', '{"symbol": 1}');
SELECT insert_refused('btse_cancel_all', '{"symbol": "BTC-USD", "by": "order_id"}');
SELECT insert_refused('btse_cancel', '{"symbol": "BTC-USD", "ids": ["1"]}');
SELECT insert_refused('btse_cancel', '{"symbol": "BTC-USD"}', '{1,NULL}');
SELECT insert_refused('btse_cancel', '{"symbol": "BTC-USD", "by": "x"}', '{1}');
SELECT insert_refused('btse_create_order', '{"symbol": "BTC-USD", "side": "BUY", "type": "LIMIT", "size": "1", "price": 2}');
SELECT insert_refused('btse_create_orders', '{"orders": {}}');
SELECT insert_refused('btse_create_orders', '{"orders": [{"symbol": "BTC-USD"}]}');
SELECT insert_refused('btse_cancel_all_after', '{"timeout": "1 month"}');
SELECT insert_refused('btse_cancel_all_after', '{"timeout": "soon"}');
-- every act can be named
SELECT proname FROM pg_proc
WHERE proname LIKE '%\_submit' AND EXISTS (SELECT FROM insert_refused(left(proname, -7), NULL) AS r WHERE r LIKE '%is not a function%');
-- nothing but a worker is missing to these
SELECT n, r FROM (VALUES
	(1, 'btse_cancel', '{"symbol": "BTC-USD"}', '{1}'),
	(2, 'btse_cancel', '{"symbol": "BTC-USD", "by": "client_order_id"}', '{a}'),
	(3, 'btse_create_order', '{"symbol": "BTC-USD", "side": "BUY", "type": "LIMIT", "size": 1, "price": 2, "post_only": true}', NULL),
	(4, 'btse_create_orders', '{"orders": [{"symbol": "BTC-USD", "side": "BUY", "type": "LIMIT", "size": 1, "price": 2}]}', NULL),
	(5, 'btse_amend_order', '{"symbol": "BTC-USD", "order_id": "a", "price": 1.50}', NULL),
	(6, 'btse_cancel_all', '{"symbol": "BTC-USD"}', NULL),
	(7, 'btse_cancel_all_after', '{"timeout": "60 s"}', NULL),
	(8, 'btse_invest_deposit', '{"product_id": "p", "amount": 1}', NULL),
	(9, 'btse_invest_renew', '{"order_id": "1", "auto_renew": true}', NULL),
	(10, 'btse_invest_redeem', '{"order_id": "1", "amount": 1}', NULL)) AS v (n, function, arguments, ids),
	LATERAL insert_refused(function, arguments, ids) AS r
WHERE r NOT LIKE '  %' ORDER BY n;

--
-- Who may
--
GRANT USAGE ON FOREIGN SERVER btse TO regress_og_clerk;
GRANT INSERT ON order_gateway_outbox TO regress_og_clerk;
SET ROLE regress_og_clerk;
SELECT refused($$SELECT btse_cancel_all_submit('BTC-USD')$$);
SELECT refused($$INSERT INTO order_gateway_outbox (function, arguments, server, reference)
	VALUES ('btse_cancel_all', '{"symbol": "BTC-USD"}', 'btse', 'r')$$);
SELECT refused($$TABLE order_gateway_outbox$$);
SELECT refused($$TABLE order_gateway_journal_call$$);
SELECT refused($$SELECT order_gateway_adopt()$$);
TABLE order_gateway_calls;
TABLE order_gateway_results;
RESET ROLE;
GRANT EXECUTE ON FUNCTION btse_cancel_all_submit TO regress_og_clerk;
SET ROLE regress_og_clerk;
SELECT refused($$SELECT btse_cancel_all_submit('BTC-USD')$$);
SELECT refused($$INSERT INTO order_gateway_outbox (function, arguments, server, reference)
	VALUES ('btse_cancel_all', '{"symbol": "BTC-USD"}', 'btse', 'r')$$);
SELECT refused($$SELECT btse_cancel_all_submit('BTC-USD', 'xt')$$);
RESET ROLE;

--
-- Calls that there are not
--
SELECT refused($$SELECT order_gateway_withdraw(1)$$);
SELECT refused($$SELECT * FROM order_gateway_wait(1)$$);
SELECT refused($$SELECT order_gateway_withdraw(NULL)$$);
SELECT refused($$SELECT * FROM order_gateway_wait(NULL)$$);
SELECT refused($$SELECT * FROM order_gateway_wait(1, NULL)$$);
SELECT refused($$SELECT * FROM order_gateway_wait(1, '-1 s')$$);
SELECT refused($$SELECT * FROM order_gateway_wait(1, '1 month')$$);
SELECT refused($$SELECT (order_gateway_wait(1)).*$$);
SELECT count(*) FROM order_gateway_find('{1,2}'::int[]);
SELECT count(*) FROM order_gateway_find(NULL);
SELECT refused($$SELECT * FROM order_gateway_find('{1}'::float[])$$);
SELECT refused($$SELECT * FROM order_gateway_find('{NULL}')$$);
SELECT refused($$SELECT order_gateway_outbox_insert()$$);
-- nor is it called by a view whose columns are others
CREATE VIEW regress_og_outbox AS SELECT 1 AS function, 2 AS arguments, 3 AS ids, 4 AS server, 5 AS reference, 6 AS expires_at, 7 AS call_id;
CREATE TRIGGER crafted INSTEAD OF INSERT ON regress_og_outbox FOR EACH ROW EXECUTE FUNCTION order_gateway_outbox_insert();
SELECT refused($$INSERT INTO regress_og_outbox VALUES (1, 2, 3, 4, 5, 6, 7)$$);
DROP VIEW regress_og_outbox;

-- ids that we make bear a mark: version 8, and of one installation the same bytes
SELECT count(DISTINCT made), bool_and(made ~ '^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$'),
	bool_and(substr(made, 27, 8) = left(encode(sha256(uuid_send(i.id)), 'hex'), 8))
FROM order_gateway_installation AS i, generate_series(1, 3) AS n,
	LATERAL btse_create_orders_preview('[{"symbol": "BTC-USD", "side": "BUY", "type": "LIMIT", "size": 1, "price": 2},
		{"symbol": "BTC-USD", "side": "BUY", "type": "LIMIT", "size": 1, "price": 2}]', at => now() + n * interval '1 s') AS p,
	LATERAL (SELECT p.body::json->>'clOrderID') AS c (made);

\pset format aligned
\pset tuples_only off
\d order_gateway_calls
\d order_gateway_results
\d order_gateway_outbox

DROP FUNCTION insert_refused, refused;
DROP USER MAPPING FOR CURRENT_USER SERVER xt;
DROP USER MAPPING FOR PUBLIC SERVER btse;
DROP SERVER xt;
DROP SERVER btse CASCADE;
REVOKE ALL ON FUNCTION btse_cancel_all_submit FROM regress_og_clerk;
REVOKE ALL ON order_gateway_outbox FROM regress_og_clerk;
DROP ROLE regress_og_clerk;
