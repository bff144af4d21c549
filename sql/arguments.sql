--
-- Arguments: what a call takes, and what is refused before anything is sent
--
\getenv srcdir PG_ABS_SRCDIR
\set refused :srcdir '/test/sql/refused.sql'
\set ECHO none
\i :refused
\set ECHO all

SET client_min_messages = warning;		-- not about CASCADE
-- Nothing leaves: what is accepted is of an empty array, or a preview.
CREATE SERVER xt FOREIGN DATA WRAPPER xt_fdw OPTIONS (base_url 'https://localhost:1');
CREATE SERVER tronsave FOREIGN DATA WRAPPER tronsave_fdw OPTIONS (base_url 'https://localhost:1');
CREATE SERVER btse FOREIGN DATA WRAPPER btse_fdw OPTIONS (base_url 'https://localhost:1');
CREATE SERVER wangdian FOREIGN DATA WRAPPER wangdian_fdw OPTIONS (base_url 'https://localhost:1');
CREATE USER MAPPING FOR CURRENT_USER SERVER xt OPTIONS (access_key 'k', secret_key 's');
CREATE USER MAPPING FOR CURRENT_USER SERVER tronsave OPTIONS (api_key 'k');
CREATE USER MAPPING FOR CURRENT_USER SERVER btse OPTIONS (api_key 'k', secret_key 's');
CREATE USER MAPPING FOR CURRENT_USER SERVER wangdian OPTIONS (sid 's', app_key 'k', app_secret 's:s');

-- The same arguments given to a call and to its preview, with either's words.
CREATE FUNCTION call(function text, arguments text) RETURNS SETOF text
LANGUAGE sql AS $$
	SELECT refused(format('SELECT * FROM %s(%s)', function, arguments))
$$;
CREATE FUNCTION call_and_preview(function text, arguments text) RETURNS SETOF text
LANGUAGE sql AS $$
	SELECT call(function, arguments)
	UNION ALL
	SELECT call(function || '_preview', arguments)
$$;
-- One id, given to a preview; with what it is sent as, or the refusal.
CREATE FUNCTION sent_as(function text, arguments text, id text) RETURNS SETOF text
LANGUAGE plpgsql AS $$
BEGIN
	RETURN QUERY EXECUTE format('SELECT coalesce(body, url) FROM %s_preview(%s, at => ''epoch'')', function, arguments) USING id;
EXCEPTION WHEN OTHERS THEN
	RETURN NEXT SQLSTATE || ': ' || SQLERRM;
END
$$;

--
-- An empty or NULL array is no rows and no request
--
SELECT * FROM batch_cancel('btc_usdt', '{}'::bigint[]);
SELECT * FROM batch_cancel('btc_usdt', NULL::bigint[]);
SELECT * FROM batch_cancel('btc_usdt', '{}');
SELECT * FROM batch_cancel('btc_usdt', NULL);
SELECT * FROM batch_cancel('btc_usdt', (SELECT array_agg(i) FROM generate_series(1, 0) i));
SELECT * FROM tronsave_cancel('{}');
SELECT * FROM tronsave_cancel(NULL);
SELECT * FROM btse_cancel('BTC-USD', '{}');
SELECT * FROM btse_cancel('BTC-USD', NULL, 'client_order_id');
SELECT * FROM wangdian_cancel('{}');
SELECT * FROM wangdian_cancel(NULL);
SELECT * FROM batch_cancel_preview('btc_usdt', '{}');
SELECT * FROM batch_cancel_preview('btc_usdt', NULL);
SELECT * FROM tronsave_cancel_preview(NULL);
SELECT * FROM btse_cancel_preview('BTC-USD', NULL);
SELECT * FROM wangdian_cancel_preview(NULL);

--
-- NULL elsewhere is an error, also where there is nothing to do
--
SELECT call_and_preview('batch_cancel', $$NULL, '{}'::bigint[]$$);
SELECT call_and_preview('batch_cancel', $$NULL, NULL::bigint[]$$);
SELECT call_and_preview('batch_cancel', $$'btc_usdt', '{}'::bigint[], NULL$$);
SELECT call_and_preview('batch_cancel', $$'btc_usdt', '{1,NULL,3}'::bigint[]$$);
SELECT call_and_preview('batch_cancel', $$'btc_usdt', '{{1,2},{3,NULL}}'::bigint[]$$);
SELECT call_and_preview('tronsave_cancel', $$'{}'::text[], NULL$$);
SELECT call_and_preview('tronsave_cancel', $$'{NULL}'::text[]$$);
SELECT call_and_preview('btse_cancel', $$NULL, '{}'::text[]$$);
SELECT call_and_preview('btse_cancel', $$'BTC-USD', '{}'::text[], NULL$$);
SELECT call_and_preview('btse_cancel', $$'BTC-USD', '{}'::text[], 'order_id', NULL$$);
SELECT call_and_preview('btse_cancel', $$'BTC-USD', '{NULL}'::text[]$$);
SELECT call_and_preview('wangdian_cancel', $$'{}'::text[], NULL$$);
SELECT call_and_preview('wangdian_cancel', $$'{a,NULL}'::text[]$$);
SELECT call('batch_cancel_preview', $$'btc_usdt', '{}'::bigint[], 'xt', NULL$$);
SELECT call('btse_cancel_preview', $$'BTC-USD', '{}'::text[], at => NULL$$);
SELECT call('wangdian_cancel_preview', $$'{}'::text[], at => 'infinity'$$);
SELECT call('tronsave_cancel_preview', $$'{}'::text[], at => '-infinity'$$);

--
-- A market is 1 to 64 of A-Z a-z 0-9 _ - . (and a wrong one is not repeated)
--
SELECT format('%L %s', market, call('batch_cancel', format('%L, ''{}''::bigint[]', market)))
FROM unnest(ARRAY['btc_usdt', 'BTC-USD', 'x', '1INCH.E', repeat('x', 64), repeat('x', 65), '', ' ', 'btc usdt', 'btc_usdt ',
	'btc/usdt', 'btc_usdt&id=1', 'btc%5Fusdt', 'ｂｔｃ', E'btc\n', 'btc''']) market;
SELECT call_and_preview('btse_cancel', $$'BTC-USD&orderID=1', NULL$$);
SELECT call_and_preview('btse_cancel', $$'', '{a}'::text[]$$);

--
-- by
--
SELECT format('%L %s', by, call('btse_cancel', format('''BTC-USD'', ''{}''::text[], %L', by)))
FROM unnest(ARRAY['order_id', 'client_order_id', 'orderID', 'ORDER_ID', '', ' order_id']) by;
SELECT call_and_preview('btse_cancel', $$'BTC-USD', NULL, 'clOrderID'$$);

--
-- Types of ids: each that is exact is taken as PostgreSQL prints it ...
--
CREATE DOMAIN regress_og_id AS bigint CHECK (VALUE > 0);
CREATE DOMAIN regress_og_id_of_id AS regress_og_id;
CREATE DOMAIN regress_og_ids AS bigint[];
SELECT type, sent_as('tronsave_cancel', format('ARRAY[$1::%s]', type), id)
FROM (VALUES ('smallint', '32767'), ('integer', '-2147483648'), ('bigint', '9007199254740993'), ('bigint', '9223372036854775807'),
	('numeric', '99999999999999999999999999999999999999'), ('numeric(30,10)', '0.0000000060'), ('numeric', '1e20'),
	('text', '6599c9a5d2c0d50008d3a8f1'), ('varchar', 'v'), ('varchar(9)', 'v'), ('char(9)', 'c'), ('char', '1'),
	('name', 'n'), ('uuid', 'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'), ('regress_og_id', '7'), ('regress_og_id_of_id', '8')) v (type, id);
SELECT body FROM tronsave_cancel_preview('{1,2}'::regress_og_ids);
SELECT body FROM tronsave_cancel_preview('{1,2}');
SELECT body FROM tronsave_cancel_preview(ARRAY[1, 2.50, 3]);
-- ... and comes back in its own type
CREATE FUNCTION type_of_order_id(ids text) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
	type text;
BEGIN
	EXECUTE format('CREATE TEMPORARY VIEW regress_og_view AS SELECT * FROM tronsave_cancel(%s)', ids);
	SELECT format_type(atttypid, atttypmod) INTO type
	FROM pg_attribute WHERE attrelid = 'regress_og_view'::regclass AND attname = 'order_id';
	PERFORM * FROM regress_og_view;
	DROP VIEW regress_og_view;
	RETURN type;
END
$$;
SELECT ids, type_of_order_id(ids)
FROM unnest(ARRAY[$$'{}'$$, 'NULL', $$'{}'::smallint[]$$, 'NULL::int[]', $$'{}'::bigint[]$$, $$'{}'::numeric[]$$, $$'{}'::numeric(20,2)[]$$,
	$$'{}'::text[]$$, $$'{}'::varchar[]$$, $$'{}'::varchar(9)[]$$, $$'{}'::char(9)[]$$, $$'{}'::name[]$$, $$'{}'::uuid[]$$,
	$$'{}'::regress_og_id[]$$, $$NULL::regress_og_id_of_id[]$$, $$'{}'::regress_og_ids$$]) ids;
-- All others are refused, with a list, also where there is none.
SELECT call('tronsave_cancel', $$'{}'::float8[]$$);
SELECT type, ids, sent_as('tronsave_cancel', format('%L::%s[]', ids, type), '') AS refused
FROM (VALUES ('real', '{1}'), ('float8', '{1}'), ('float8', '{}'), ('float8', NULL), ('boolean', '{t}'), ('json', '{1}'), ('jsonb', '{1}'),
	('bytea', '{a}'), ('date', '{today}'), ('timestamptz', '{now}'), ('money', '{1}'), ('oid', '{1}'), ('"char"', '{a}'), ('inet', '{::1}'),
	('bit(1)', '{1}'), ('interval', '{1s}'), ('order_outcome', '{cancelled}'), ('regclass', '{pg_class}'), ('tid', '{"(1,1)"}'),
	('pg_class', '{}')) v (type, ids);
CREATE DOMAIN regress_og_float AS float8;
SELECT call_and_preview('batch_cancel', $$'btc_usdt', '{1}'::regress_og_float[]$$);
SELECT call_and_preview('batch_cancel', $$'btc_usdt', NULL::float8[]$$);
SELECT call_and_preview('btse_cancel', $$'BTC-USD', '{}'::jsonb[]$$);
SELECT call_and_preview('wangdian_cancel', $$'{}'::real[]$$);
-- no array at all
SELECT call_and_preview('batch_cancel', $$'btc_usdt', 1$$);

--
-- The text of an id: nothing empty, blank, with white space at an end, with
-- control characters, or longer than 128 bytes
--
CREATE TABLE texts (n serial, what text, id text);
INSERT INTO texts (what, id) VALUES
	('plain', '6599c9a5d2c0d50008d3a8f1'),
	('empty', ''),
	('blank', ' '),
	('blanks', '   '),
	('ideographic space', U&'\3000'),
	('zero width space', U&'\200B'),
	('byte order mark', U&'\FEFF\FEFF'),
	('blank first', ' a'),
	('blank last', 'a '),
	('blank inside', 'a b'),
	('ideographic space first', U&'\3000a'),
	('ideographic space last', U&'a\3000'),
	('ideographic space inside', U&'a\3000b'),
	('no-break space last', U&'a\00A0'),
	('en quad first', U&'\2000a'),
	('hair space last', U&'a\200A'),
	('ogham space mark last', U&'a\1680'),
	('line separator last', U&'a\2028'),
	('paragraph separator last', U&'a\2029'),
	('narrow no-break space last', U&'a\202F'),
	('medium mathematical space last', U&'a\205F'),
	('next line inside', U&'a\0085b'),
	('tab first', E'\ta'),
	('newline last', E'a\n'),
	('carriage return inside', E'a\rb'),
	('escape inside', E'a\x1bb'),
	('byte 1', E'\x01'),
	('delete last', E'a\x7f'),
	('128 bytes', repeat('a', 128)),
	('129 bytes', repeat('a', 129)),
	('42 Chinese characters and 2 bytes', repeat('单', 42) || 'ab'),
	('43 Chinese characters', repeat('单', 43)),
	('quotes and backslash', '"''\'),
	('query characters', '&=%?#+/;'),
	('Chinese', '采购退货-1'),
	('beyond the first plane', U&'\+01F600'),
	('NULL, as a word', 'NULL');
SELECT what, sent_as('wangdian_cancel', 'ARRAY[$1]', id) FROM texts ORDER BY n;
-- no input makes BTSE's "cancel everything" form: every URL ends in an id
SELECT what, sent_as('btse_cancel', '''BTC-USD'', ARRAY[$1]', id) FROM texts ORDER BY n;
SELECT count(*), count(*) FILTER (WHERE sent ~ '^https://localhost:1/api/v3\.3/order\?symbol=BTC-USD&clOrderID=[^&=]+$'),
	count(*) FILTER (WHERE sent LIKE '22023: %')
FROM texts, sent_as('btse_cancel', '''BTC-USD'', ARRAY[$1], ''client_order_id''', id) sent;
-- the padding of char(n) is no part of it, and all padding is nothing
SELECT sent_as('tronsave_cancel', 'ARRAY[$1::char(5)]', id) FROM unnest(ARRAY['a', ' a', '', '     ']) id;
-- the position is named, and the call says the same
SELECT call_and_preview('tronsave_cancel', $$'{a,b,"c "}'::text[]$$);
SELECT call_and_preview('tronsave_cancel', $$'{{a,b},{c,""}}'::text[]$$);
SELECT call_and_preview('btse_cancel', $$'BTC-USD', E'[-1:0]={a,"\t"}'::text[]$$);
SELECT call_and_preview('wangdian_cancel', format($$'{a,%s}'::text[]$$, repeat('b', 129)));
DROP TABLE texts;

--
-- XT's ids are numbers: 1 to 19 digits without a leading zero
--
SELECT id, sent_as('batch_cancel', '''btc_usdt'', ARRAY[$1]', id)
FROM unnest(ARRAY['6216559590087220004', '1', '9999999999999999999', '10000000000000000000', '0', '01', '-1', '+1', '1.0', '1e3', '0x1', '1_000',
	'1 2', '１', 'one', '1,2', '1]', 'null', '"1"']) id;
SELECT id, sent_as('batch_cancel', '''btc_usdt'', ARRAY[$1::numeric]', id) FROM unnest('{1,1.0,0.5,-1,0,1e18,1e19,NaN,Infinity}'::text[]) id;
SELECT call_and_preview('batch_cancel', $$'btc_usdt', '{1,-2}'::int[]$$);
SELECT call_and_preview('batch_cancel', $$'btc_usdt', '{0}'::smallint[]$$);
SELECT call_and_preview('batch_cancel', $$'btc_usdt', ARRAY['a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11']::uuid[]$$);

--
-- Arrays of any shape: flattened as unnest does, counted from 1
--
SELECT ids, body FROM tronsave_cancel_preview('{{a,b},{c,d}}'::text[]);
SELECT ids, body FROM tronsave_cancel_preview('{{{a},{b}},{{c},{d}}}'::text[]);
SELECT ids, body FROM tronsave_cancel_preview('[5:6][0:1]={{a,b},{c,d}}'::text[]);
SELECT ids, body FROM tronsave_cancel_preview('[-3:-2]={a,b}'::text[]);

--
-- A repeated id is sent once
--
SELECT ids, body FROM tronsave_cancel_preview('{a,b,a,a,c,b}'::text[]);
SELECT ids, body FROM tronsave_cancel_preview('{1,1.0,1.00}'::numeric[]);
SELECT batch, ids, url FROM btse_cancel_preview('BTC-USD', '{a,a,A}'::text[]);
-- ... wherever it stands, behind ids in ascending order or not
SELECT ids, body FROM tronsave_cancel_preview('{1,2,3,10,10}'::int[]);
SELECT ids, body FROM tronsave_cancel_preview('{1,2,10,3,2,1,4}'::int[]);
SELECT ids, body FROM tronsave_cancel_preview('{3,2,1,3,4}'::int[]);
SELECT count(*), sum(ids) FROM tronsave_cancel_preview(
	ARRAY(SELECT i % 5000 FROM generate_series(0, 19999) AS i));

--
-- Not in a target list, where PostgreSQL might call once per column
--
SELECT refused($$SELECT batch_cancel('btc_usdt', '{}'::bigint[])$$);
SELECT refused($$SELECT (batch_cancel('btc_usdt', '{1}'::bigint[])).*$$);
SELECT refused($$SELECT tronsave_cancel('{a}'::text[])$$);
SELECT refused($$SELECT (btse_cancel('BTC-USD', '{a}'::text[])).outcome$$);
SELECT refused($$SELECT wangdian_cancel('{a}'::text[])$$);
SELECT refused($$SELECT (batch_cancel_preview('btc_usdt', '{1}'::bigint[])).*$$);
SELECT refused($$SELECT tronsave_cancel_preview('{a}'::text[])$$);
SELECT refused($$SELECT btse_cancel_preview('BTC-USD', '{a}'::text[])$$);
SELECT refused($$SELECT wangdian_cancel_preview('{a}'::text[])$$);
-- in FROM it may stand in any company
SELECT * FROM generate_series(1, 2) i, batch_cancel('btc_usdt', CASE WHEN i = 0 THEN ARRAY[i] END);
SELECT * FROM generate_series(1, 1) i LEFT JOIN LATERAL (SELECT outcome FROM tronsave_cancel('{}')) c ON true;
SELECT r.ordinal, r.n FROM ROWS FROM (batch_cancel('btc_usdt', '{}'::bigint[]), generate_series(1, 2))
	AS r (order_id, outcome, code, message, ordinal, batch, attempts, http_status, sent_at, answered_at, response, n);

--
-- Servers
--
SELECT call_and_preview('batch_cancel', $$'btc_usdt', '{}'::bigint[], 'no_such'$$);
SELECT call_and_preview('tronsave_cancel', $$NULL::text[], 'No "such"'$$);
SELECT call_and_preview('btse_cancel', $$'BTC-USD', '{}'::text[], 'order_id', ''$$);
SELECT call_and_preview('wangdian_cancel', $$'{}'::text[], 'no_such'$$);
SELECT call_and_preview('batch_cancel', $$'btc_usdt', '{}'::bigint[], 'btse'$$);
SELECT call_and_preview('tronsave_cancel', $$'{}'::text[], 'xt'$$);
CREATE FOREIGN DATA WRAPPER regress_og_other;
CREATE SERVER regress_og_other FOREIGN DATA WRAPPER regress_og_other;
SELECT call_and_preview('wangdian_cancel', $$'{}'::text[], 'regress_og_other'$$);
DROP FOREIGN DATA WRAPPER regress_og_other CASCADE;
DROP SERVER btse CASCADE;
SELECT call_and_preview('btse_cancel', $$'BTC-USD', '{}'::text[]$$);
SELECT call_and_preview('btse_cancel', $$'BTC-USD', '{}'::text[], server => 'xt'$$);

--
-- Named arguments
--
SELECT ids, body FROM tronsave_cancel_preview(ids => '{a}'::text[], server => 'tronsave');
SELECT ids, body FROM tronsave_cancel_preview(server => 'tronsave', ids => '{a}'::text[]);
SELECT ids FROM batch_cancel_preview(market => 'btc_usdt', ids => '{1}'::bigint[], server => 'xt');
SELECT order_id FROM batch_cancel(market => 'btc_usdt', ids => '{}'::bigint[]);
-- out of order, PostgreSQL itself mistakes the type of order_id
SELECT refused($$SELECT order_id FROM batch_cancel(ids => '{}'::bigint[], market => 'btc_usdt')$$);
SELECT refused($$SELECT order_id FROM batch_cancel(ids => '{1}'::bigint[], market => 'btc_usdt')$$);
SELECT refused($$SELECT order_id FROM batch_cancel('btc_usdt', server => 'xt', ids => '{1}'::bigint[])$$);
SELECT refused($$SELECT order_id FROM tronsave_cancel(server => 'tronsave', ids => '{}'::text[])$$);
SELECT refused($$SELECT order_id FROM wangdian_cancel(server => 'wangdian', return_nos => '{a}'::text[])$$);
SELECT refused($$SELECT * FROM batch_cancel('btc_usdt', id => '{1}'::bigint[])$$);

--
-- Of several faults: what is missing, then values, then the account, then ids
--
SELECT refused($$SELECT * FROM batch_cancel(NULL, '{1}'::float8[])$$);
SELECT refused($$SELECT * FROM btse_cancel('no market', '{1}'::float8[], NULL)$$);
SELECT refused($$SELECT * FROM btse_cancel('no market', '{1}'::bigint[], NULL, NULL)$$);
SELECT refused($$SELECT * FROM btse_cancel('no market', '{1}'::bigint[], 'name', NULL)$$);
SELECT refused($$SELECT * FROM btse_cancel('no market', '{1}'::bigint[], 'name', 'nowhere')$$);
SELECT refused($$SELECT * FROM btse_cancel('BTC-USD', '{1}'::bigint[], 'name', 'nowhere')$$);
SELECT refused($$SELECT * FROM btse_cancel('BTC-USD', '{" "}'::text[], server => 'nowhere')$$);
SELECT refused($$SELECT * FROM btse_cancel_preview('BTC-USD', '{" "}'::text[], at => NULL)$$);
SELECT refused($$SELECT * FROM xt_orders('no market', '{1}'::bigint[], NULL)$$);
SELECT refused($$SELECT * FROM xt_orders('btc_usdt', '{" "}'::text[], 'nowhere')$$);
SELECT refused($$SELECT * FROM btse_cancel_all('no market', NULL)$$);
SELECT refused($$SELECT * FROM btse_amend_order('BTC-USD', server => NULL)$$);
SELECT refused($$SELECT * FROM btse_create_orders('{}', NULL)$$);
SELECT refused($$SELECT * FROM btse_cancel_all_preview('BTC-USD', 'nowhere', NULL)$$);

--
-- An act is refused in a READ ONLY transaction; a preview is no act
--
BEGIN READ ONLY;
SELECT call_and_preview('batch_cancel', $$'btc_usdt', '{1}'::bigint[]$$);
SELECT call_and_preview('batch_cancel', $$'btc_usdt', '{}'::bigint[]$$);
SELECT call_and_preview('tronsave_cancel', $$'{a}'::text[]$$);
SELECT call_and_preview('wangdian_cancel', $$'{a}'::text[]$$);
COMMIT;

--
-- Other encodings than UTF8
--
\set main :DBNAME
CREATE DATABASE regress_og_latin1 ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0;
\c regress_og_latin1
CREATE EXTENSION order_gateway;
CREATE SERVER xt FOREIGN DATA WRAPPER xt_fdw;
CREATE USER MAPPING FOR CURRENT_USER SERVER xt OPTIONS (access_key 'k', secret_key 's');
SELECT * FROM batch_cancel('btc_usdt', '{}'::bigint[]);
SELECT * FROM batch_cancel_preview('btc_usdt', '{1}'::bigint[]);
\c :main
SET client_min_messages = warning;
DROP DATABASE regress_og_latin1;

DROP FUNCTION refused, call, call_and_preview, sent_as, type_of_order_id;
DROP DOMAIN regress_og_id_of_id, regress_og_id, regress_og_ids, regress_og_float;
DROP SERVER xt, tronsave, wangdian CASCADE;
