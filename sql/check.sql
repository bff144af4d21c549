--
-- order_gateway_check: arguments, servers and privileges; nothing is sent
--
\getenv srcdir PG_ABS_SRCDIR
\set refused :srcdir '/test/sql/refused.sql'
\set ECHO none
\i :refused
\set ECHO all

CREATE ROLE regress_og_checker;
CREATE SERVER checked FOREIGN DATA WRAPPER xt_fdw OPTIONS (base_url 'https://localhost:1');
CREATE FOREIGN DATA WRAPPER stranger;
CREATE SERVER strange FOREIGN DATA WRAPPER stranger;

-- one server, in FROM
SELECT refused($$SELECT * FROM order_gateway_check(NULL)$$);
SELECT refused($$SELECT order_gateway_check('checked')$$);
SELECT refused($$SELECT (order_gateway_check('checked')).*$$);
SELECT refused($$SELECT * FROM order_gateway_check()$$);

-- of ours
SELECT refused($$SELECT * FROM order_gateway_check('nowhere')$$);
SELECT refused($$SELECT * FROM order_gateway_check('strange')$$);

-- PUBLIC may not
SET ROLE regress_og_checker;
SELECT refused($$SELECT * FROM order_gateway_check('checked')$$);
RESET ROLE;

-- EXECUTE is not enough
GRANT EXECUTE ON FUNCTION order_gateway_check(name) TO regress_og_checker;
SET ROLE regress_og_checker;
SELECT refused($$SELECT * FROM order_gateway_check('checked')$$);
RESET ROLE;

-- nor is USAGE: whose credentials are to be checked?
GRANT USAGE ON FOREIGN SERVER checked TO regress_og_checker;
CREATE USER MAPPING FOR CURRENT_USER SERVER checked OPTIONS (access_key 'the-superusers-key', secret_key 's');
SET ROLE regress_og_checker;
SELECT refused($$SELECT * FROM order_gateway_check('checked')$$);
RESET ROLE;

-- what does not come about is a row; what comes after it was not reached
CREATE USER MAPPING FOR regress_og_checker SERVER checked OPTIONS (access_key 'the-checkers-key', secret_key 's');
SET ROLE regress_og_checker;
SELECT item, ok, result FROM order_gateway_check('checked') WHERE item <> 'name lookup';
BEGIN TRANSACTION READ ONLY;
SELECT item, hint FROM order_gateway_check('checked') WHERE NOT ok;
COMMIT;
RESET ROLE;

-- as many rows as the planner is told, each about another item
SELECT count(*), count(DISTINCT item) FROM order_gateway_check('checked');

DROP SERVER checked, strange CASCADE;
DROP FOREIGN DATA WRAPPER stranger;
DROP OWNED BY regress_og_checker;
DROP ROLE regress_og_checker;
DROP FUNCTION refused;
