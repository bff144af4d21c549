--
-- How many rows the planner expects: as many as the array has elements, where
-- that is known, else 1000. EXPLAIN calls nothing: there is no server here.
--

\pset format unaligned
\pset tuples_only on

CREATE FUNCTION expected_rows(query text) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
	plan json;
BEGIN
	EXECUTE 'EXPLAIN (FORMAT JSON) ' || query INTO plan;
	RETURN plan -> 0 -> 'Plan' ->> 'Plan Rows';
END
$$;
CREATE FUNCTION expected(function text) RETURNS bigint
LANGUAGE sql AS $$
	SELECT expected_rows('SELECT * FROM ' || function)
$$;

-- constants
SELECT expected($$batch_cancel('btc_usdt', '{1,2,3}'::bigint[])$$);
SELECT expected($$batch_cancel('btc_usdt', '{1,2,3}')$$);
SELECT expected($$batch_cancel('btc_usdt', '{{1,2,3},{4,5,6}}'::int[])$$);
SELECT expected($$batch_cancel('btc_usdt', '[7:8]={1,2}'::int[])$$);
SELECT expected(format('batch_cancel(%L, %L::bigint[])', 'btc_usdt', array_agg(i))) FROM generate_series(1, 250) i;
SELECT expected(format('tronsave_cancel(%L::text[])', array_agg(i))) FROM generate_series(1, 5000) i;
-- the planner never expects less than one row
SELECT expected($$batch_cancel('btc_usdt', '{}'::bigint[])$$);
SELECT expected($$batch_cancel('btc_usdt', NULL::bigint[])$$);
SELECT expected($$batch_cancel('btc_usdt', NULL)$$);

-- expressions
SELECT expected($$batch_cancel('btc_usdt', ARRAY[1, 2, 3])$$);
SELECT expected($$batch_cancel('btc_usdt', ARRAY[random()::int, 2])$$);
SELECT expected($$batch_cancel('btc_usdt', string_to_array('1,2,3,4', ','))$$);
SELECT expected($$batch_cancel('btc_usdt', ARRAY['1', '2']::bigint[])$$);
SELECT expected($$batch_cancel('btc_usdt', '{1,2}'::int[]::bigint[])$$);
SELECT expected($$batch_cancel('btc_usdt', array_fill(1, ARRAY[7]))$$);

-- nobody knows
SELECT expected($$batch_cancel('btc_usdt', (SELECT array_agg(i) FROM generate_series(1, 3) i))$$);
SELECT expected($$batch_cancel('btc_usdt', ARRAY(SELECT i FROM generate_series(1, 3) i))$$);
SELECT expected($$batch_cancel('btc_usdt', array_fill(1, ARRAY[random()::int]))$$);
SELECT expected($$batch_cancel('btc_usdt', ARRAY[ARRAY[random()], ARRAY[random()]]::int[])$$);
SELECT expected_rows($$SELECT c.* FROM (VALUES (ARRAY[random()::int])) v (ids), LATERAL batch_cancel('btc_usdt', v.ids) c$$);

-- every cancel function, and whichever way its arguments are given
SELECT expected($$tronsave_cancel('{a,b}'::text[])$$);
SELECT expected($$btse_cancel('BTC-USD', '{a,b}'::text[], 'client_order_id')$$);
SELECT expected($$wangdian_cancel('{a,b,c}'::text[], 'erp')$$);
SELECT expected($$wangdian_returns('{a,b,c}'::text[], 'erp')$$);
SELECT expected($$batch_cancel(market => 'btc_usdt', ids => '{1,2,3}'::bigint[], server => 'xt')$$);
SELECT expected($$wangdian_cancel(return_nos => '{a,b}'::text[], server => 'erp')$$);

-- parameters: known in a custom plan, not in a generic one
PREPARE cancel (bigint[]) AS SELECT * FROM batch_cancel('btc_usdt', $1);
SET plan_cache_mode = force_custom_plan;
SELECT expected_rows($$EXECUTE cancel('{1,2,3,4,5}')$$);
SELECT expected_rows($$EXECUTE cancel(NULL)$$);
SET plan_cache_mode = force_generic_plan;
SELECT expected_rows($$EXECUTE cancel('{1,2,3,4,5}')$$);
RESET plan_cache_mode;
DEALLOCATE cancel;

-- a preview has a row per request, and is no act
SELECT expected($$batch_cancel_preview('btc_usdt', '{1,2,3}'::bigint[])$$);

DROP FUNCTION expected, expected_rows;
