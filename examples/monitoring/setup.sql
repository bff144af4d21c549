-- What monitoring needs in a database that has order_gateway. Run it once in each
-- that is to be watched, as a superuser:
--
--	psql --dbname=erp --file=setup.sql
--
-- It makes one role that may see statistics and nothing else, a table with what
-- order_gateway_check said last, and a view of what is wrong now. Nothing here
-- sends anything but the procedure check_servers(), for whoever calls it.

\set ON_ERROR_STOP on
BEGIN;

-- The role that watches: of the exporter, and of Grafana's data source. It owns
-- nothing, has no user mapping, may call no provider, and changes nothing. The
-- other is for those who check: see below.

SELECT 'CREATE ROLE order_gateway_monitor LOGIN CONNECTION LIMIT 10 IN ROLE pg_read_all_stats',
       'CREATE ROLE order_gateway_checker'
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'order_gateway_monitor')
\gexec
ALTER ROLE order_gateway_monitor SET default_transaction_read_only = on;
ALTER ROLE order_gateway_monitor SET statement_timeout = '10s';

CREATE SCHEMA order_gateway_monitoring;

-- The extension may be in any schema.
SELECT format('GRANT USAGE ON SCHEMA order_gateway_monitoring, %I TO order_gateway_monitor', n.nspname),
       format('ALTER ROLE order_gateway_monitor IN DATABASE %I SET search_path = %I, order_gateway_monitoring',
              current_database(), n.nspname),
       format('SET LOCAL search_path = %I, order_gateway_monitoring', n.nspname)
FROM pg_extension AS e JOIN pg_namespace AS n ON n.oid = e.extnamespace
WHERE e.extname = 'order_gateway'
\gexec

-- What the journal of the gateway worker says of calls that were done in the last 15
-- minutes: counts only, since whose calls they are is not for everybody to see. It
-- asks the tables below the views, since it has to be fast in a journal of millions.

CREATE FUNCTION order_gateway_monitoring.journal()
RETURNS TABLE (server name, function text, calls bigint, quarantined bigint, unknown bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT c.server, c.function, count(*), count(*) FILTER (WHERE e.quarantined), coalesce(sum(e.outcomes[7]), 0)
    FROM order_gateway_journal_end AS e
    JOIN order_gateway_journal_call AS c USING (installation, call_id)
    WHERE e.done_at > now() - interval '15 min'
      AND e.installation IN (SELECT id FROM order_gateway_installation)
    GROUP BY c.server, c.function;
END;

REVOKE ALL ON FUNCTION order_gateway_monitoring.journal() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION order_gateway_monitoring.journal() TO order_gateway_monitor;

-- Heartbeats: whether their timers run and are renewed in time, and for how much longer
-- they run. Whose they are is told to whoever watches, but no more than that.

CREATE FUNCTION order_gateway_monitoring.heartbeats()
RETURNS TABLE (server name, role name, state text, armed boolean, since timestamptz, remaining_seconds numeric,
               timeout_seconds numeric, beats bigint, message text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT h.server, h.role, h.state,
           h.state <> 'lost' AND h.armed_at IS NOT NULL AND h.fires_at > now() + (h.fires_at - h.renewed_at) / 3,
           coalesce(h.renewed_at, h.started_at),
           CASE WHEN h.armed_at IS NULL THEN 0 ELSE greatest(extract(epoch FROM h.fires_at - now()), 0) END,
           coalesce(extract(epoch FROM h.timeout), 0), h.beats, h.message
    FROM order_gateway_heartbeats AS h;
END;

REVOKE ALL ON FUNCTION order_gateway_monitoring.heartbeats() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION order_gateway_monitoring.heartbeats() TO order_gateway_monitor;

-- Streams of BTSE, which this database follows: what is to be known of whether they are
-- well. Prices and depth of books are the market's, which anybody with USAGE on the
-- server sees; whoever watches sees them without it, and no fill and no notification.
-- The words of somebody's own table (of a trigger, say) are not told.
--
-- On a standby there are none: nothing is followed there, and books are not known.

CREATE FUNCTION order_gateway_monitoring.streams()
RETURNS TABLE (stream_id int, kind text, symbol text, book_grouping int, server name, role name, state text,
               since timestamptz, messages bigint, "rows" bigint, last_message_at timestamptz,
               complete_until timestamptz, queued bigint, gaps bigint, reconnects bigint, last_error text,
               started_at timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT s.stream_id, s.kind, s.symbol, s.book_grouping, s.server, s.role, s.state, s.since, s.messages, s.rows,
           s.last_message_at, s.complete_until, s.queued, s.gaps, s.reconnects,
           CASE WHEN s.into_table IS NULL THEN s.last_error END, s.started_at
    FROM order_gateway_streams AS s
    WHERE NOT pg_is_in_recovery();
END;

REVOKE ALL ON FUNCTION order_gateway_monitoring.streams() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION order_gateway_monitoring.streams() TO order_gateway_monitor;

-- Books that are live. "unwritten" is how long the newest message of one has waited for
-- its row to be written. Views of books raise an error on a standby, so that they may be
-- asked only where it is known that this is none: hence LATERAL.

CREATE FUNCTION order_gateway_monitoring.books()
RETURNS TABLE (server name, symbol text, book_grouping int, bid_price numeric, ask_price numeric, spread numeric,
               seq bigint, received_at timestamptz, age interval, unwritten interval)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT b.server, b.symbol, b.book_grouping, b.bid_price, b.ask_price, b.spread, b.seq, b.received_at, b.age,
           greatest(s.last_message_at - b.received_at, '0')
    FROM (SELECT NOT pg_is_in_recovery() AS is_primary) AS h
    CROSS JOIN LATERAL (SELECT * FROM btse_book_top WHERE h.is_primary OFFSET 0) AS b
    JOIN (SELECT server, symbol, book_grouping, max(last_message_at) AS last_message_at
          FROM order_gateway_streams
          WHERE kind = 'book' AND state = 'live'
          GROUP BY server, symbol, book_grouping) AS s USING (server, symbol, book_grouping);
END;

REVOKE ALL ON FUNCTION order_gateway_monitoring.books() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION order_gateway_monitoring.books() TO order_gateway_monitor;

-- Their levels, each with how far it is from the best price of its side (0.01 is one
-- percent), and with the size of all that is as good.

CREATE FUNCTION order_gateway_monitoring.depth()
RETURNS TABLE (server name, symbol text, book_grouping int, side text, level int, price numeric, size numeric,
               distance numeric, depth numeric)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT b.server, b.symbol, b.book_grouping, b.side, b.level, b.price, b.size,
           abs(b.price / first_value(b.price) OVER up_to_here - 1), sum(b.size) OVER up_to_here
    FROM (SELECT NOT pg_is_in_recovery() AS is_primary) AS h
    CROSS JOIN LATERAL (SELECT * FROM btse_book WHERE h.is_primary OFFSET 0) AS b
    WINDOW up_to_here AS (PARTITION BY b.server, b.symbol, b.book_grouping, b.side ORDER BY b.level);
END;

REVOKE ALL ON FUNCTION order_gateway_monitoring.depth() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION order_gateway_monitoring.depth() TO order_gateway_monitor;

-- What happened to streams in the last 15 minutes: how often, and never what was
-- received. The table and not its view, since there may be many.

CREATE FUNCTION order_gateway_monitoring.stream_events()
RETURNS TABLE (server name, role name, kind text, symbol text, event text, events bigint, first_at timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT coalesce(s.srvname, e.server), coalesce(r.rolname, e.role), e.kind, e.symbol, e.event, count(*), min(e.at)
    FROM order_gateway_stream_event AS e
    LEFT JOIN pg_foreign_server AS s ON s.oid = e.server_id
    LEFT JOIN pg_roles AS r ON r.oid = e.role_id
    WHERE e.at > now() - interval '15 min'
      AND e.installation IN (SELECT id FROM order_gateway_here)
      AND NOT pg_is_in_recovery()
    GROUP BY 1, 2, 3, 4, 5;
END;

REVOKE ALL ON FUNCTION order_gateway_monitoring.stream_events() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION order_gateway_monitoring.stream_events() TO order_gateway_monitor;

-- What order_gateway_check said last of each server, by whose credentials.

CREATE TABLE order_gateway_monitoring.check_result (
    role              name NOT NULL,
    server            name NOT NULL,
    item              text NOT NULL,
    ok                boolean,
    result            text,
    hint              text,
    certificate_until date,                    -- the last one seen
    checked_at        timestamptz NOT NULL,
    failed_since      timestamptz,
    PRIMARY KEY (role, server, item)
);

GRANT SELECT ON order_gateway_monitoring.check_result TO order_gateway_monitor;

-- Checks all servers for which the current role has a user mapping, as a call of
-- that role would find them. Let the role that cancels run it, so that its
-- credentials are what is tried: it takes EXECUTE on order_gateway_check and
-- membership in order_gateway_checker.

GRANT USAGE ON SCHEMA order_gateway_monitoring TO order_gateway_checker;
GRANT SELECT, INSERT, UPDATE, DELETE ON order_gateway_monitoring.check_result TO order_gateway_checker;

-- Two requests a server: once an hour is plenty. Each check is committed by
-- itself, so no transaction is open while the next one waits.

CREATE PROCEDURE order_gateway_monitoring.check_servers()
LANGUAGE plpgsql AS $$
DECLARE
    servers name[] := ARRAY(
        SELECT s.srvname
        FROM pg_foreign_server AS s
        JOIN pg_foreign_data_wrapper AS w ON w.oid = s.srvfdw
        WHERE w.fdwname IN ('xt_fdw', 'tronsave_fdw', 'btse_fdw', 'wangdian_fdw')
          AND EXISTS (SELECT FROM pg_user_mappings AS m
                      WHERE m.srvid = s.oid AND (m.umuser = 0 OR m.usename = current_user))
        ORDER BY s.srvname);
    checked name;
    began   timestamptz;
BEGIN
    DELETE FROM order_gateway_monitoring.check_result AS r
    WHERE r.role = current_user AND r.server <> ALL (servers);
    COMMIT;

    FOREACH checked IN ARRAY servers LOOP
        began := clock_timestamp();
        BEGIN
            INSERT INTO order_gateway_monitoring.check_result AS r
                   (role, server, item, ok, result, hint, certificate_until, checked_at, failed_since)
            SELECT current_user, checked, c.item, c.ok, c.result, c.hint,
                   CASE WHEN c.item = 'certificate'
                        THEN substring(c.result FROM 'until (\d{4}-\d\d-\d\d)')::date END,
                   clock_timestamp(),
                   CASE WHEN NOT c.ok THEN clock_timestamp() END
            FROM order_gateway_check(checked) AS c
            ON CONFLICT (role, server, item) DO UPDATE
            SET ok = excluded.ok, result = excluded.result, hint = excluded.hint,
                certificate_until = coalesce(excluded.certificate_until, r.certificate_until),
                checked_at = excluded.checked_at,
                failed_since = CASE WHEN NOT excluded.ok
                                    THEN coalesce(r.failed_since, excluded.failed_since) END;
        EXCEPTION WHEN OTHERS THEN
            -- It was not even tried: no privilege, or no mapping that is whole.
            INSERT INTO order_gateway_monitoring.check_result AS r
                   (role, server, item, ok, result, checked_at, failed_since)
            VALUES (current_user, checked, 'check', false, SQLERRM, clock_timestamp(), clock_timestamp())
            ON CONFLICT (role, server, item) DO UPDATE
            SET result = excluded.result, checked_at = excluded.checked_at;
        END;
        DELETE FROM order_gateway_monitoring.check_result AS r
        WHERE r.role = current_user AND r.server = checked AND r.checked_at < began;
        COMMIT;
    END LOOP;
END
$$;

REVOKE ALL ON PROCEDURE order_gateway_monitoring.check_servers() FROM PUBLIC;
GRANT EXECUTE ON PROCEDURE order_gateway_monitoring.check_servers() TO order_gateway_checker;

-- What is wrong now, the worst first: what, with whose orders, since when, and
-- what to do. Last come what was counted since the statistics were begun: when
-- those counts rose, only Prometheus or your own log can tell.

CREATE VIEW order_gateway_monitoring.findings AS
SELECT f.severity, f.what, f.whose, f.since, f.details, f.what_to_do
FROM (
    SELECT 'counted' AS severity, o.n || ' ' || o.outcome AS what,
           concat_ws('.', s.database, s.server) || ', ' || s.function AS whose,
           s.since, NULL AS details, o.what_to_do
    FROM order_gateway_stats AS s,
         LATERAL (VALUES
             ('unknown', s.unknown, 'order_gateway_settle() asks what became of them'),
             ('rejected', s.rejected, 'nothing was done: repair what code and message of the rows say, then send again'),
             ('not_sent', s.not_sent, 'nothing was done: order_gateway_check() tells where it ends, then send again'))
             AS o (outcome, n, what_to_do)
    WHERE o.n > 0
    UNION ALL
    SELECT CASE WHEN l.held_until > now() + interval '10 min' THEN 'critical' ELSE 'warning' END,
           'lane held', concat_ws('.', l.database, l.server) || ', ' || l.class || ' at ' || l.host,
           max(l.last_sent_at),
           'until ' || date_trunc('second', l.held_until) || ', ' || max(l.sessions_waiting) || ' sessions wait',
           'the provider asked for a pause: see code and message of the last rows; lower rate_limit'
    FROM order_gateway_limits AS l
    WHERE l.held_until > now()
    GROUP BY l.lane, l.class, l.host, l.database, l.server, l.held_until
    UNION ALL
    SELECT 'critical', 'no worker', w.database, coalesce(w.last_commit, pg_postmaster_start_time()), w.last_error,
           'what is submitted there waits, and expires: last_error and the log of the server say why'
    FROM order_gateway_workers AS w JOIN pg_database AS d ON d.datname = w.database
    WHERE w.pid IS NULL AND NOT pg_is_in_recovery()
    UNION ALL
    SELECT CASE WHEN q.what = 'queue is old' THEN 'warning' ELSE 'critical' END,
           q.what, w.database, q.since, w.queued || ' queued, ' || w.in_flight || ' in flight', q.what_to_do
    FROM order_gateway_workers AS w,
         LATERAL (VALUES
             ('worker waits for the standby', coalesce(w.last_commit, w.since), w.waiting_for_standby,
              'nothing is sent meanwhile: look at pg_stat_replication'),
             ('queue is old', w.oldest_queued, w.oldest_queued < now() - interval '10 min',
              'no connection, a lane that is held, or more orders than the pace allows: see order_gateway_limits'),
             (w.quarantined || ' calls quarantined', w.since, w.quarantined > 0,
              'they crashed the server: see order_gateway_calls, and report them'))
             AS q (what, since, is_so, what_to_do)
    WHERE q.is_so
    UNION ALL
    SELECT 'critical', 'heartbeat ' || h.state, current_database() || '.' || h.server || ', as ' || h.role,
           h.since, h.message, 'BTSE cancels ALL orders of the account when it fires: see order_gateway_heartbeats'
    FROM order_gateway_monitoring.heartbeats() AS h
    WHERE NOT h.armed AND NOT pg_is_in_recovery()
    UNION ALL
    SELECT 'critical', 'no stream worker', current_database(), min(s.started_at), count(*) || ' streams are not followed',
           'the log of the server says why: mostly max_worker_processes is spent'
    FROM order_gateway_monitoring.streams() AS s
    WHERE s.state <> 'stopped'
      AND NOT EXISTS (SELECT FROM pg_stat_activity AS a
                      WHERE a.backend_type = 'order_gateway stream worker' AND a.datname = current_database())
    HAVING count(*) > 0
    UNION ALL
    SELECT p.severity, 'stream ' || s.stream_id || ' ' || p.what,
           concat_ws('.', current_database(), s.server) || ', ' || concat_ws(' ', s.kind, s.symbol) || ' of ' || s.role,
           p.since, concat_ws(', ', s.state, s.last_error), p.what_to_do
    FROM order_gateway_monitoring.streams() AS s,
         LATERAL (VALUES
             ('critical', 'is ' || s.state, s.since, s.state IN ('stale', 'refused'),
              'last_error of order_gateway_streams says what is in the way'),
             ('warning', 'is ' || s.state || ' for long', s.since,
              s.state IN ('connecting', 'catching_up') AND s.since < now() - interval '30 min',
              'last_error of order_gateway_streams says what is in the way'),
             ('critical', 'is not complete', coalesce(s.complete_until, s.started_at),
              s.kind = 'fills' AND s.state <> 'stopped' AND
              coalesce(s.complete_until, s.started_at) < now() - interval '15 min',
              'sums of fills may be wrong from then on: what is missing is read as soon as that can be'))
             AS p (severity, what, since, is_so, what_to_do)
    WHERE p.is_so
    UNION ALL
    SELECT 'critical', 'book is old', concat_ws('.', current_database(), b.server) || ', ' || b.symbol || ' ' || b.book_grouping,
           b.received_at, 'unwritten for ' || b.unwritten,
           'its row cannot be written: a lock in pg_locks, a full disk'
    FROM order_gateway_monitoring.books() AS b
    WHERE b.age > interval '90 s' OR b.unwritten > interval '30 s'
    UNION ALL
    SELECT 'warning', e.events || ' ' || p.what,
           concat_ws('.', current_database(), e.server) || ', ' || concat_ws(' ', e.kind, e.symbol) ||
           coalesce(' of ' || e.role, ''), e.first_at, 'in the last 15 minutes', p.what_to_do
    FROM order_gateway_monitoring.stream_events() AS e
    JOIN (VALUES
             ('hole', 'holes', 'btse_stream_event has their times: what was then is not in the tables'),
             ('refused_row', 'rows refused by a table', 'btse_stream_event has them, and why: add them by hand'))
             AS p (event, what, what_to_do) USING (event)
    UNION ALL
    SELECT 'warning', 'call waits', concat_ws('.', a.database, a.server) || ', ' || a.function || ' of ' || a.role,
           a.waiting_since, 'for ' || a.waiting_for || ', ' || a.ids_answered || ' of ' || a.ids || ' answered',
           'pg_cancel_backend(' || a.pid || ') ends it; the log then tells what it had sent'
    FROM order_gateway_activity AS a
    WHERE a.waiting_since < now() - interval '10 min'
    UNION ALL
    SELECT CASE WHEN r.item = 'certificate' AND r.certificate_until > now() THEN 'warning' ELSE 'critical' END,
           'check of ' || r.item || ' fails', current_database() || '.' || r.server || ', as ' || r.role,
           r.failed_since, r.result, r.hint
    FROM check_result AS r
    WHERE NOT r.ok
    UNION ALL
    SELECT 'warning', 'check is old', current_database() || '.' || r.server || ', as ' || r.role,
           max(r.checked_at), NULL, 'look why the job that calls check_servers() does not run'
    FROM check_result AS r
    GROUP BY r.role, r.server
    HAVING max(r.checked_at) < now() - interval '3 hours') AS f
ORDER BY array_position(ARRAY['critical', 'warning', 'counted'], f.severity), f.since, f.what, f.whose;

GRANT SELECT ON order_gateway_monitoring.findings TO order_gateway_monitor;

COMMIT;
