--
-- For pg_regress: what a statement is refused with, a line each for SQLSTATE
-- and message, detail, and hint; "accepted" if it is not.
--

CREATE FUNCTION refused(statement text) RETURNS SETOF text
LANGUAGE plpgsql AS $$
DECLARE
	state text;
	message text;
	detail text;
	hint text;
BEGIN
	EXECUTE statement;
	RETURN NEXT 'accepted';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS
		state = RETURNED_SQLSTATE,
		message = MESSAGE_TEXT,
		detail = PG_EXCEPTION_DETAIL,
		hint = PG_EXCEPTION_HINT;
	RETURN NEXT state || ': ' || message;
	IF detail <> '' THEN
		RETURN NEXT '    DETAIL: ' || detail;
	END IF;
	IF hint <> '' THEN
		RETURN NEXT '    HINT: ' || hint;
	END IF;
END
$$;

\pset format unaligned
\pset tuples_only on
