--
-- Upgrade walk: every version there is, every way between them, and moving
--
-- There is one version so far, so the walk is short; the first release after
-- it adds its update here. The enum and the functions get new OIDs on the way,
-- in one and the same session, and calls must not be confused by that.
--
CREATE SERVER other FOREIGN DATA WRAPPER xt_fdw;
-- what users made depends on it, so it does not go by accident
DROP EXTENSION order_gateway;
DROP SERVER other;

-- nobody listens there, so this is refused without a network
CREATE FUNCTION try(schema text) RETURNS TABLE (order_id text, outcome text, outcome_type text)
LANGUAGE plpgsql AS $$
BEGIN
	CREATE SERVER xt FOREIGN DATA WRAPPER xt_fdw OPTIONS (base_url 'https://127.0.0.1:1', retries '0');
	CREATE USER MAPPING FOR CURRENT_USER SERVER xt OPTIONS (access_key 'k', secret_key 's');
	RETURN QUERY EXECUTE format(
		'SELECT c.order_id::text, c.outcome::text, pg_typeof(c.outcome)::text FROM %I.batch_cancel(''btc_usdt'', ''{1,2}''::bigint[]) c', schema);
	RETURN QUERY EXECUTE format(
		'SELECT p.ids::text, p.method, p.url FROM %I.batch_cancel_preview(''btc_usdt'', ''{1,2}''::bigint[]) p', schema);
	DROP SERVER xt CASCADE;
END
$$;
SET client_min_messages = warning;		-- not about the CASCADE
SELECT * FROM try('public');

-- the version that comes by default; what the server lists as available may
-- not be where a package under test is (extension_destdir)
SELECT extversion, extrelocatable FROM pg_extension WHERE extname = 'order_gateway';
SELECT source, target, path FROM pg_extension_update_paths('order_gateway') WHERE path IS NOT NULL;

-- again, in this session
DROP EXTENSION order_gateway;
SELECT count(*) FROM pg_type WHERE typname = 'order_outcome';
SELECT count(*) FROM pg_foreign_data_wrapper;
CREATE EXTENSION order_gateway VERSION '1.0';
SELECT * FROM try('public');

-- in a schema of its own
DROP EXTENSION order_gateway;
CREATE SCHEMA regress_og;
CREATE EXTENSION order_gateway SCHEMA regress_og VERSION '1.0';
SELECT * FROM try('regress_og');
-- which need not be on the search_path, nor any other
SET search_path = '';
SELECT * FROM public.try('regress_og');
RESET search_path;

-- moved, with a view that depends on it
CREATE SERVER mine FOREIGN DATA WRAPPER xt_fdw;
CREATE USER MAPPING FOR CURRENT_USER SERVER mine OPTIONS (access_key 'k', secret_key 's');
CREATE VIEW preview AS SELECT ids, method, url FROM regress_og.batch_cancel_preview('btc_usdt', '{1,2,3}'::bigint[], 'mine');
SELECT * FROM preview;
CREATE SCHEMA regress_og_2;
ALTER EXTENSION order_gateway SET SCHEMA regress_og_2;
SELECT * FROM preview;
SELECT pg_get_viewdef('preview') LIKE '%FROM regress_og_2.batch_cancel_preview(%' AS moved;
SELECT * FROM try('regress_og_2');
SELECT outcome FROM (VALUES ('unknown'::regress_og_2.order_outcome), ('cancelled'), ('accepted')) v (outcome) ORDER BY outcome;
ALTER EXTENSION order_gateway SET SCHEMA public;
SELECT * FROM try('public');
SELECT n.nspname FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace WHERE extname = 'order_gateway';
DROP VIEW preview;
DROP SERVER mine CASCADE;
DROP SCHEMA regress_og, regress_og_2;

-- updating to where it is
ALTER EXTENSION order_gateway UPDATE;
ALTER EXTENSION order_gateway UPDATE TO '0.9';

-- a script of another version: columns that one of the two does not know
CREATE FUNCTION first_code(columns text) RETURNS json LANGUAGE plpgsql AS $$
DECLARE
	answer json;
BEGIN
	EXECUTE format('CREATE FUNCTION pg_temp.codes() RETURNS TABLE (%s) LANGUAGE C AS %L, ''btse_codes''',
		columns, (SELECT probin FROM pg_proc WHERE proname = 'btse_codes'));
	EXECUTE 'SELECT row_to_json(c) FROM pg_temp.codes() c LIMIT 1' INTO answer;
	DROP FUNCTION pg_temp.codes();
	RETURN answer;
END
$$;
SELECT first_code('code int, name text');
SELECT first_code('code int, name text, meaning text, severity int');
SELECT first_code('code bigint, name text');
DROP FUNCTION first_code;

DROP FUNCTION try;
