--
-- Views: what they look like, and who may look
--
-- What they show of calls is tested by test/t. Nothing here resets statistics,
-- since they may be somebody's.
--
\d order_gateway_activity
\d order_gateway_stats
\d order_gateway_limits
\d order_gateway_workers
-- every column is explained
SELECT attrelid::regclass, attname FROM pg_attribute
WHERE attrelid::regclass::text LIKE 'order_gateway_%' AND attnum > 0
	AND col_description(attrelid, attnum) IS NULL AND attrelid IN (SELECT oid FROM pg_class WHERE relkind = 'v');
-- who may
CREATE ROLE regress_og_reader;
CREATE ROLE regress_og_monitor IN ROLE pg_monitor;
SELECT v, r, has_table_privilege(r, v, 'SELECT') AS may_select
FROM unnest('{order_gateway_activity,order_gateway_stats,order_gateway_limits,order_gateway_workers}'::text[]) v,
	unnest('{regress_og_reader,regress_og_monitor}'::text[]) r
ORDER BY 1, 2;
SELECT r, has_function_privilege(r, 'order_gateway_stats_reset()', 'EXECUTE') AS may_reset
FROM unnest('{regress_og_reader,regress_og_monitor}'::text[]) r ORDER BY 1;
SET ROLE regress_og_reader;
SELECT * FROM order_gateway_stats;
SELECT * FROM order_gateway_limits;
SELECT * FROM order_gateway_workers;
SELECT order_gateway_stats_reset();
SET ROLE regress_og_monitor;
SELECT order_gateway_stats_reset();
RESET ROLE;
DROP ROLE regress_og_reader, regress_og_monitor;
-- they work whether or not the library is preloaded
SELECT count(*) >= 0 AS can_be_read FROM order_gateway_activity;
SELECT count(*) >= 0 AS can_be_read FROM order_gateway_stats;
SELECT count(*) >= 0 AS can_be_read FROM order_gateway_limits;
SELECT count(*) >= 0 AS can_be_read FROM order_gateway_workers;
