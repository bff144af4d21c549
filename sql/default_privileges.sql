--
-- Nobody has rights at first, also where default privileges say otherwise
--
-- Hosted platforms give roles such as "anon" all that anybody makes.
--
SET client_min_messages = warning;		-- not about CASCADE
CREATE VIEW members AS
SELECT d.classid, d.objid, pg_describe_object(d.classid, d.objid, 0) AS object, o.*
FROM pg_depend AS d
JOIN (SELECT tableoid, oid, 'f'::"char" AS kind, proowner AS owner, proacl AS acl FROM pg_proc
	UNION ALL SELECT tableoid, oid, 'r', relowner, relacl FROM pg_class
	UNION ALL SELECT tableoid, oid, 'T', typowner, typacl FROM pg_type WHERE typtype <> 'b'
	UNION ALL SELECT tableoid, oid, 'F', fdwowner, fdwacl FROM pg_foreign_data_wrapper) AS o
	ON o.tableoid = d.classid AND o.oid = d.objid
WHERE d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e'
	AND d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'order_gateway');
-- what others than the owner may
CREATE VIEW rights AS
SELECT m.kind, m.object, CASE WHEN a.grantee = 0 THEN 'PUBLIC' ELSE a.grantee::regrole::text END AS grantee,
	a.privilege_type AS privilege, a.is_grantable
FROM members AS m, aclexplode(coalesce(m.acl, acldefault(m.kind, m.owner))) AS a
WHERE a.grantee <> m.owner;

-- where nobody said anything
DROP EXTENSION order_gateway;
CREATE EXTENSION order_gateway;
CREATE TABLE at_first AS TABLE rights;
SELECT object, grantee, privilege, is_grantable FROM at_first WHERE kind <> 'T' ORDER BY object COLLATE "C", grantee;
SELECT DISTINCT grantee, privilege, is_grantable FROM at_first WHERE kind = 'T';

CREATE FUNCTION difference() RETURNS SETOF text
LANGUAGE sql AS $$
	(SELECT 'more: ' || r FROM (TABLE rights EXCEPT ALL TABLE at_first) AS r
	UNION ALL
	SELECT 'less: ' || r FROM (TABLE at_first EXCEPT ALL TABLE rights) AS r
	UNION ALL
	-- what pg_dump would have to grant or revoke
	SELECT 'dumped: ' || object FROM members AS m
	LEFT JOIN pg_init_privs AS i ON i.objoid = m.objid AND i.classoid = m.classid AND i.objsubid = 0
	WHERE coalesce(m.acl, acldefault(m.kind, m.owner))::text[] <>
		coalesce(i.initprivs, acldefault(m.kind, m.owner))::text[])
	ORDER BY 1
$$;
SELECT difference();

-- everything for everybody, by all ways there are
CREATE ROLE regress_og_anon;
CREATE ROLE regress_og_grantor;
CREATE ROLE "regress_og ""odd"", PUBLIC";
ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO PUBLIC, regress_og_anon;
ALTER DEFAULT PRIVILEGES GRANT ALL ON FUNCTIONS TO regress_og_anon;
ALTER DEFAULT PRIVILEGES GRANT ALL ON SEQUENCES TO regress_og_anon;
ALTER DEFAULT PRIVILEGES GRANT ALL ON TYPES TO regress_og_anon;
ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO regress_og_grantor, pg_read_all_stats WITH GRANT OPTION;
ALTER DEFAULT PRIVILEGES GRANT ALL ON FUNCTIONS TO regress_og_grantor, pg_read_all_stats WITH GRANT OPTION;
ALTER DEFAULT PRIVILEGES GRANT ALL ON TYPES TO regress_og_grantor WITH GRANT OPTION;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT ALL ON TABLES TO "regress_og ""odd"", PUBLIC";
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT ALL ON FUNCTIONS TO "regress_og ""odd"", PUBLIC";
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT ALL ON TYPES TO "regress_og ""odd"", PUBLIC";
DROP EXTENSION order_gateway;
CREATE EXTENSION order_gateway;
SELECT difference();
-- of anything else they get it
CREATE FUNCTION mine() RETURNS int LANGUAGE sql AS 'SELECT 1';
SELECT has_function_privilege(r, 'mine()', 'EXECUTE')
FROM unnest('{regress_og_anon,regress_og_grantor,"regress_og \"odd\", PUBLIC"}'::text[]) AS r;
DROP FUNCTION mine;

-- such a role tries everything
CREATE FUNCTION try(command text) RETURNS text
LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE command;
	RETURN 'done';
EXCEPTION WHEN OTHERS THEN
	RETURN SQLSTATE;
END
$$;
CREATE TABLE tries AS
SELECT object, format('SELECT %s(%s)', objid::regproc,
		(SELECT string_agg('NULL::' || CASE t WHEN 'anycompatiblearray'::regtype THEN 'text[]' ELSE format_type(t, NULL) END, ', ' ORDER BY n)
		FROM unnest((SELECT proargtypes FROM pg_proc WHERE oid = objid)::oid[]) WITH ORDINALITY AS u (t, n))) AS command
FROM members WHERE kind = 'f' AND object NOT LIKE '%(internal)'
UNION ALL
SELECT object, format('SELECT FROM %s', objid::regclass) FROM members WHERE kind = 'r';
GRANT SELECT ON tries TO PUBLIC;
GRANT EXECUTE ON FUNCTION try TO PUBLIC;
SET ROLE regress_og_anon;
CREATE TEMP TABLE tried AS SELECT object, try(command) AS outcome FROM tries;
SELECT count(*) > 40 AS many FROM tried WHERE outcome = '42501';
SELECT object FROM tried WHERE outcome <> '42501' ORDER BY object COLLATE "C";
RESET ROLE;
DROP TABLE tried;

-- moving it gives nothing away either
CREATE SCHEMA regress_og;
ALTER DEFAULT PRIVILEGES IN SCHEMA regress_og GRANT ALL ON FUNCTIONS TO regress_og_anon;
ALTER EXTENSION order_gateway SET SCHEMA regress_og;
ALTER EXTENSION order_gateway SET SCHEMA public;
SELECT difference();
-- nor does a schema that holds a function like one that the script calls
CREATE FUNCTION regress_og.format(text, text, text, text) RETURNS text LANGUAGE sql AS $$ SELECT 'SELECT 1' $$;
DROP EXTENSION order_gateway;
CREATE EXTENSION order_gateway SCHEMA regress_og;
ALTER EXTENSION order_gateway SET SCHEMA public;
SELECT difference();

-- where PUBLIC is given nothing by default, the rest is as it should be
ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
DROP EXTENSION order_gateway;
CREATE EXTENSION order_gateway;
SELECT difference();
ALTER DEFAULT PRIVILEGES GRANT EXECUTE ON FUNCTIONS TO PUBLIC;

-- What tells of all databases is nobody's by a GRANT alone, such as one on all
-- functions of a schema.
GRANT ALL ON ALL FUNCTIONS IN SCHEMA public TO regress_og_anon;
GRANT ALL ON ALL TABLES IN SCHEMA public TO regress_og_anon;
SET ROLE regress_og_anon;
SELECT * FROM order_gateway_stats;
SELECT * FROM order_gateway_stats();
SELECT * FROM order_gateway_limits;
SELECT * FROM order_gateway_limits();
SELECT * FROM order_gateway_workers;
SELECT * FROM order_gateway_workers();
SELECT order_gateway_stats_reset();
RESET ROLE;
-- who may see it may not reset it
GRANT pg_read_all_stats TO regress_og_anon;
SET ROLE regress_og_anon;
SELECT try(c) IN ('done', '55000') AS may
FROM unnest('{SELECT FROM order_gateway_stats,SELECT FROM order_gateway_limits}'::text[]) AS c;
SELECT order_gateway_stats_reset();
RESET ROLE;

DROP EXTENSION order_gateway;
DROP OWNED BY regress_og_anon, regress_og_grantor, "regress_og ""odd"", PUBLIC" CASCADE;
ALTER DEFAULT PRIVILEGES REVOKE ALL ON TABLES FROM PUBLIC, pg_read_all_stats;
ALTER DEFAULT PRIVILEGES REVOKE ALL ON FUNCTIONS FROM pg_read_all_stats;
SELECT count(*) FROM pg_default_acl;
DROP SCHEMA regress_og CASCADE;
DROP FUNCTION try, difference;
DROP TABLE tries, at_first;
DROP VIEW rights, members;
DROP ROLE regress_og_anon, regress_og_grantor, "regress_og ""odd"", PUBLIC";
CREATE EXTENSION order_gateway;
