-- For streams.sql: wait until something is true, half a minute at most.

CREATE PROCEDURE wait_until(condition text) LANGUAGE plpgsql AS $$
DECLARE
    met boolean := false;
BEGIN
    FOR try IN 1 .. 300 LOOP
        EXECUTE 'SELECT ' || condition INTO met;
        EXIT WHEN met;
        PERFORM pg_sleep(0.1);
    END LOOP;
    ASSERT met, condition;
END $$;
