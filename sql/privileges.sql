--
-- Who may call: EXECUTE on the function, USAGE on the server, a user mapping
--
\getenv srcdir PG_ABS_SRCDIR
\set refused :srcdir '/test/sql/refused.sql'
\set ECHO none
\i :refused
\set ECHO all

SET client_min_messages = warning;		-- not about CASCADE
-- Nothing leaves: all calls are of empty arrays, or previews.
CREATE ROLE regress_og_owner;
CREATE ROLE regress_og_clerk;
CREATE SERVER xt FOREIGN DATA WRAPPER xt_fdw OPTIONS (base_url 'https://localhost:1');
CREATE SERVER tronsave FOREIGN DATA WRAPPER tronsave_fdw OPTIONS (base_url 'https://localhost:1');
CREATE SERVER btse FOREIGN DATA WRAPPER btse_fdw OPTIONS (base_url 'https://localhost:1');
CREATE SERVER wangdian FOREIGN DATA WRAPPER wangdian_fdw OPTIONS (base_url 'https://localhost:1');

CREATE TABLE calls (n int, call text);
INSERT INTO calls VALUES
	(1, $$batch_cancel('btc_usdt', '{}'::bigint[])$$),
	(2, $$tronsave_cancel('{}'::text[])$$),
	(3, $$btse_cancel('BTC-USD', '{}'::text[])$$),
	(4, $$wangdian_cancel('{}'::text[])$$),
	(5, $$batch_cancel_preview('btc_usdt', '{1}'::bigint[])$$),
	(6, $$tronsave_cancel_preview('{a}'::text[])$$),
	(7, $$btse_cancel_preview('BTC-USD', '{a}'::text[])$$),
	(8, $$wangdian_cancel_preview('{a}'::text[])$$);
GRANT SELECT ON calls TO PUBLIC;

-- PUBLIC may execute none
SET ROLE regress_og_clerk;
SELECT refused('SELECT * FROM ' || call) FROM calls ORDER BY n;
RESET ROLE;

-- EXECUTE is not enough
GRANT EXECUTE ON FUNCTION batch_cancel, tronsave_cancel, btse_cancel, wangdian_cancel,
	batch_cancel_preview, tronsave_cancel_preview, btse_cancel_preview, wangdian_cancel_preview
	TO regress_og_clerk, regress_og_owner;
SET ROLE regress_og_clerk;
SELECT refused('SELECT * FROM ' || call) FROM calls ORDER BY n;
RESET ROLE;

-- nor is USAGE: whose credentials? The hint is the statement that is missing.
GRANT USAGE ON FOREIGN SERVER xt, tronsave, btse, wangdian TO regress_og_clerk, regress_og_owner;
SET ROLE regress_og_clerk;
SELECT refused('SELECT * FROM ' || call) FROM calls ORDER BY n;
RESET ROLE;

-- somebody else's mapping is none, the superuser's included
CREATE USER MAPPING FOR CURRENT_USER SERVER xt OPTIONS (access_key 'the-superusers-key', secret_key 's');
CREATE USER MAPPING FOR regress_og_owner SERVER xt OPTIONS (access_key 'the-owners-key', secret_key 's');
SET ROLE regress_og_clerk;
SELECT refused($$SELECT * FROM batch_cancel('btc_usdt', '{}'::bigint[])$$);
SELECT refused($$SELECT * FROM batch_cancel_preview('btc_usdt', '{1}'::bigint[])$$);
RESET ROLE;

-- names that need quotes get them in the hint
CREATE ROLE "regress_og Müller";
CREATE SERVER "XT of the north" FOREIGN DATA WRAPPER xt_fdw;
GRANT USAGE ON FOREIGN SERVER "XT of the north" TO "regress_og Müller";
GRANT EXECUTE ON FUNCTION batch_cancel TO "regress_og Müller";
SET ROLE "regress_og Müller";
SELECT refused($$SELECT * FROM batch_cancel('btc_usdt', '{}'::bigint[], 'XT of the north')$$);
RESET ROLE;
DROP SERVER "XT of the north";
DROP OWNED BY "regress_og Müller";
DROP ROLE "regress_og Müller";

-- a mapping for PUBLIC is everybody's who has none of his own
CREATE FUNCTION account() RETURNS text
LANGUAGE sql AS $$
	SELECT substring(body FROM 'accesskey=([^&]*)')
	FROM batch_cancel_preview('btc_usdt', '{1}'::bigint[])
$$;
CREATE USER MAPPING FOR PUBLIC SERVER xt OPTIONS (access_key 'the-publics-key', secret_key 's');
SET ROLE regress_og_clerk;
SELECT account();
SELECT * FROM batch_cancel('btc_usdt', '{}'::bigint[]);
RESET ROLE;
CREATE USER MAPPING FOR regress_og_clerk SERVER xt OPTIONS (access_key 'the-clerks-key', secret_key 's');
SET ROLE regress_og_clerk;
SELECT account();
RESET ROLE;
SET ROLE regress_og_owner;
SELECT account();
RESET ROLE;
SELECT account();

-- one who may not use the server is refused whatever mapping there is
REVOKE USAGE ON FOREIGN SERVER xt FROM regress_og_clerk;
SET ROLE regress_og_clerk;
SELECT refused('SELECT account()');
RESET ROLE;
DROP USER MAPPING FOR PUBLIC SERVER xt;
DROP USER MAPPING FOR regress_og_clerk SERVER xt;
DROP OWNED BY regress_og_clerk;

-- a SECURITY DEFINER function lends an account without showing it
GRANT CREATE ON SCHEMA public TO regress_og_owner;
SET ROLE regress_og_owner;
CREATE FUNCTION cancel_for_clerks(ids bigint[]) RETURNS SETOF text
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
	SELECT outcome::text FROM batch_cancel('btc_usdt', ids)
$$;
CREATE FUNCTION account_of_definer() RETURNS text
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
	SELECT account()
$$;
SET ROLE regress_og_clerk;
SELECT count(*) FROM cancel_for_clerks('{}');
SELECT account_of_definer();
SELECT refused($$SELECT * FROM batch_cancel('btc_usdt', '{}'::bigint[])$$);
SELECT refused('SELECT account()');
RESET ROLE;

-- what there is to see of mappings, for a lent account and for a server's owner
CREATE ROLE regress_og_host;
ALTER SERVER xt OWNER TO regress_og_host;
CREATE FUNCTION mappings() RETURNS SETOF text
LANGUAGE sql AS $$
	SELECT CASE WHEN usename LIKE 'regress%' THEN usename ELSE 'the superuser' END || ': ' ||
		coalesce(umoptions::text, 'not for you')
	FROM pg_user_mappings WHERE srvname = 'xt' ORDER BY 1
$$;
SET ROLE regress_og_clerk;
SELECT mappings();
SELECT refused('SELECT umoptions FROM pg_user_mapping');
SET ROLE regress_og_host;
SELECT mappings();
SET ROLE regress_og_owner;
SELECT mappings();
RESET ROLE;

DROP FUNCTION cancel_for_clerks, account_of_definer, account, mappings, refused;
DROP TABLE calls;
DROP SERVER xt, tronsave, btse, wangdian CASCADE;
DROP OWNED BY regress_og_owner, regress_og_clerk, regress_og_host;
DROP ROLE regress_og_owner, regress_og_clerk, regress_og_host;
