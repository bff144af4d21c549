--
-- What the extension consists of, and as what its functions are known
--

CREATE VIEW members AS
SELECT classid, objid, pg_describe_object(classid, objid, 0) AS object
FROM pg_depend
WHERE refclassid = 'pg_extension'::regclass
	AND refobjid = (SELECT oid FROM pg_extension WHERE extname = 'order_gateway')
	AND deptype = 'e'
	-- newer servers list array types and those of tables and views as well
	AND NOT (classid = 'pg_type'::regclass AND
		EXISTS (SELECT FROM pg_type LEFT JOIN pg_class AS c ON c.oid = typrelid
				WHERE pg_type.oid = objid AND (typcategory = 'A' OR relkind IN ('r', 'v'))));

-- the list
SELECT object FROM members ORDER BY object COLLATE "C";

-- every object says what it is for
SELECT object FROM members WHERE coalesce(obj_description(objid, classid::regclass::name), '') = '';
SELECT obj_description(oid, 'pg_extension') <> '' AS comment, extrelocatable, extversion
FROM pg_extension WHERE extname = 'order_gateway';
-- of those that users call, also what is called, and where it is from
SELECT object FROM members JOIN pg_proc ON oid = objid
WHERE classid = 'pg_proc'::regclass AND procost = 100000 AND proname NOT LIKE 'order_gateway%'
	AND obj_description(objid, 'pg_proc') !~ 'FROM.* Source: ';

-- every column of a row says what it is
SELECT a.attrelid::regclass, a.attname FROM pg_type t JOIN members ON t.oid = objid AND classid = 'pg_type'::regclass
JOIN pg_attribute a ON a.attrelid = t.typrelid
WHERE coalesce(col_description(a.attrelid, a.attnum), '') = '';

-- the outcomes, in their order
SELECT enumsortorder, enumlabel FROM pg_enum WHERE enumtypid = 'order_outcome'::regtype ORDER BY enumsortorder;

-- arguments and results
\pset format unaligned
SELECT proname, pg_get_function_arguments(oid) AS arguments
FROM pg_proc JOIN members ON oid = objid AND classid = 'pg_proc'::regclass
WHERE prorettype = 'record'::regtype ORDER BY proname COLLATE "C";
SELECT proname, pg_get_function_arguments(oid) AS arguments, prorettype::regtype AS result
FROM pg_proc JOIN members ON oid = objid AND classid = 'pg_proc'::regclass
WHERE prorettype <> 'record'::regtype ORDER BY proname COLLATE "C";
\pset format aligned
-- how they behave: v = volatile, s = stable; u = parallel unsafe, r = restricted, s = safe
SELECT proname, provolatile AS volatile, proparallel AS parallel, proisstrict AS strict, proretset AS set,
	prosecdef AS definer, procost AS cost, prorows AS rows, prosupport AS support, proconfig
FROM pg_proc JOIN members ON oid = objid AND classid = 'pg_proc'::regclass
ORDER BY proname COLLATE "C";

-- one row for all four, the same columns in the same order
SELECT count(DISTINCT columns) FROM (
	SELECT array_agg(a ORDER BY n)::text AS columns
	FROM pg_proc, unnest(proargnames, proargmodes, proallargtypes) WITH ORDINALITY u (name, mode, type, n),
		LATERAL (SELECT name || ' ' || type::regtype) a
	WHERE proname IN ('batch_cancel', 'tronsave_cancel', 'btse_cancel', 'wangdian_cancel') AND mode = 'o'
	GROUP BY proname) c;

-- nothing that reveals or moves orders is PUBLIC's
SELECT proname FROM pg_proc JOIN members ON oid = objid AND classid = 'pg_proc'::regclass
WHERE has_function_privilege('public', oid, 'EXECUTE') ORDER BY proname COLLATE "C";
SELECT fdwname, has_foreign_data_wrapper_privilege('public', oid, 'USAGE'), fdwhandler::regproc, fdwvalidator::regproc, fdwoptions
FROM pg_foreign_data_wrapper JOIN members ON oid = objid AND classid = 'pg_foreign_data_wrapper'::regclass
ORDER BY fdwname COLLATE "C";

-- it creates no server, and dumps what users bring about: all tables but that of the installation
SELECT count(*) FROM pg_foreign_server;
SELECT object, oid = ANY (SELECT unnest(extconfig) FROM pg_extension WHERE extname = 'order_gateway') AS dumped
FROM members JOIN pg_class ON oid = objid AND classid = 'pg_class'::regclass WHERE relkind <> 'v'
ORDER BY object COLLATE "C";

DROP VIEW members;
