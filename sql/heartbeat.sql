--
-- Heartbeats: what is checked when one is started or stopped, in a database that
-- has no gateway worker
--
-- What becomes of them is tested by test/t, with workers.
--

\getenv srcdir PG_ABS_SRCDIR
\set refused :srcdir '/test/sql/refused.sql'
\set ECHO none
\i :refused
\set ECHO all

SET client_min_messages = warning;		-- not about CASCADE

CREATE ROLE regress_og_heart;
CREATE SERVER btse FOREIGN DATA WRAPPER btse_fdw;
CREATE SERVER xt FOREIGN DATA WRAPPER xt_fdw;
CREATE USER MAPPING FOR CURRENT_USER SERVER btse OPTIONS (api_key 'a', secret_key 'b');

--
-- All that is right, and nobody who would keep it
--
SELECT refused($$SELECT btse_heartbeat_start('5 s')$$);
SELECT refused($$SELECT btse_heartbeat_start('1 day')$$);
SELECT refused($$SELECT btse_heartbeat_stop()$$);

--
-- Arguments
--
SELECT refused($$SELECT btse_heartbeat_start(NULL)$$);
SELECT refused($$SELECT btse_heartbeat_start('1 min', NULL)$$);
SELECT refused($$SELECT btse_heartbeat_stop(NULL)$$);
SELECT refused($$SELECT btse_heartbeat_start('0')$$);
SELECT refused($$SELECT btse_heartbeat_start('4999 ms')$$);
SELECT refused($$SELECT btse_heartbeat_start('1 day 1 ms')$$);
SELECT refused($$SELECT btse_heartbeat_start('-1 min')$$);
SELECT refused($$SELECT btse_heartbeat_start('1 month')$$);
SELECT refused($$SELECT btse_heartbeat_start('1 min', 'nowhere')$$);
SELECT refused($$SELECT btse_heartbeat_start('1 min', 'xt')$$);

--
-- Who may not write, or has no rights
--
BEGIN READ ONLY;
SELECT refused($$SELECT btse_heartbeat_start('1 min')$$);
SELECT refused($$SELECT btse_heartbeat_stop()$$);
ROLLBACK;
SET ROLE regress_og_heart;
SELECT refused($$SELECT btse_heartbeat_start('1 min')$$);
SELECT refused($$SELECT btse_heartbeat_stop()$$);
SELECT refused($$SELECT FROM order_gateway_heartbeat$$);
SELECT refused($$SELECT FROM order_gateway_heartbeat_wish$$);
SELECT count(*) FROM order_gateway_heartbeats;
RESET ROLE;
GRANT EXECUTE ON FUNCTION btse_heartbeat_start, btse_heartbeat_stop TO regress_og_heart;
SET ROLE regress_og_heart;
SELECT refused($$SELECT btse_heartbeat_start('1 min')$$);
RESET ROLE;
GRANT USAGE ON FOREIGN SERVER btse TO regress_og_heart;
SET ROLE regress_og_heart;
SELECT refused($$SELECT btse_heartbeat_start('1 min')$$);
SELECT refused($$SELECT btse_heartbeat_stop()$$);
RESET ROLE;

-- what it does is said first
SELECT left(obj_description(oid, 'pg_proc'), 60) FROM pg_proc
WHERE proname ~ '^btse_heartbeat' ORDER BY proname;

DROP SERVER btse, xt CASCADE;
DROP OWNED BY regress_og_heart;
DROP ROLE regress_og_heart;
DROP FUNCTION refused;
