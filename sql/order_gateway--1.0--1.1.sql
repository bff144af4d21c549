/* order_gateway--1.0--1.1.sql */

-- complain if script is sourced in psql, rather than via ALTER EXTENSION
\echo Use "ALTER EXTENSION order_gateway UPDATE TO '1.1'" to load this file. \quit

--
-- Calls in progress.  What the function returns is already limited to what
-- the current role may see.
--

CREATE FUNCTION order_gateway_activity(
	OUT pid int,
	OUT datid oid,
	OUT roleid oid,
	OUT server name,
	OUT function text,
	OUT started_at timestamptz,
	OUT ids bigint,
	OUT ids_answered bigint,
	OUT requests_sent bigint,
	OUT requests_answered bigint,
	OUT requests_in_flight int,
	OUT requests_retried bigint,
	OUT waiting_for text,
	OUT waiting_since timestamptz,
	OUT expected_end timestamptz)
RETURNS SETOF record
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE PARALLEL RESTRICTED ROWS 10;

COMMENT ON FUNCTION order_gateway_activity() IS
'calls in progress in all databases, one row each, as the view order_gateway_activity shows them: '
'those of the current role, or all to members of pg_read_all_stats. '
'Error 55000 where sessions share no memory';

CREATE VIEW order_gateway_activity AS
SELECT a.pid,
	d.datname AS database,
	pg_catalog.pg_get_userbyid(a.roleid) AS role,
	a.server,
	a.function,
	a.ids,
	a.ids_answered,
	a.requests_sent,
	a.requests_answered,
	a.requests_in_flight,
	a.requests_retried,
	a.waiting_for,
	a.waiting_since,
	a.started_at,
	a.expected_end
FROM order_gateway_activity() AS a
LEFT JOIN pg_catalog.pg_database AS d ON d.oid = a.datid;

COMMENT ON VIEW order_gateway_activity IS
'calls in progress: one row each, those of the current role, or all to members of pg_read_all_stats';
COMMENT ON COLUMN order_gateway_activity.pid IS 'process id of the session, as in pg_stat_activity';
COMMENT ON COLUMN order_gateway_activity.database IS 'database of the session';
COMMENT ON COLUMN order_gateway_activity.role IS 'role that calls, whose user mapping is used';
COMMENT ON COLUMN order_gateway_activity.server IS 'foreign server that is called';
COMMENT ON COLUMN order_gateway_activity.function IS 'function that was called';
COMMENT ON COLUMN order_gateway_activity.ids IS 'ids in the call, repeated ones counted once';
COMMENT ON COLUMN order_gateway_activity.ids_answered IS 'ids that were sent and have their final outcome';
COMMENT ON COLUMN order_gateway_activity.requests_sent IS 'requests that left, those sent again included';
COMMENT ON COLUMN order_gateway_activity.requests_answered IS 'requests to which a whole answer came';
COMMENT ON COLUMN order_gateway_activity.requests_in_flight IS 'requests whose answer is awaited';
COMMENT ON COLUMN order_gateway_activity.requests_retried IS 'attempts after the first one of a batch';
COMMENT ON COLUMN order_gateway_activity.waiting_for IS 'what it waits for: turn (the pace), connect, answer, or backoff (a pause before a retry)';
COMMENT ON COLUMN order_gateway_activity.waiting_since IS 'since when it waits for that';
COMMENT ON COLUMN order_gateway_activity.started_at IS 'when the call began';
COMMENT ON COLUMN order_gateway_activity.expected_end IS 'when it will be done, as far as its progress and the pace tell; NULL while nobody knows';

GRANT SELECT ON order_gateway_activity TO PUBLIC;

--
-- Statistics
--

CREATE FUNCTION order_gateway_stats(
	OUT datid oid,
	OUT server name,
	OUT function text,
	OUT calls bigint,
	OUT requests bigint,
	OUT retries bigint,
	OUT cancelled bigint,
	OUT accepted bigint,
	OUT not_found bigint,
	OUT not_cancellable bigint,
	OUT rejected bigint,
	OUT not_sent bigint,
	OUT unknown bigint,
	OUT bytes_sent bigint,
	OUT bytes_received bigint,
	OUT connections bigint,
	OUT turn_wait_time float8,
	OUT answers bigint,
	OUT min_answer_time float8,
	OUT mean_answer_time float8,
	OUT max_answer_time float8,
	OUT answer_time_histogram bigint[],
	OUT since timestamptz,
	OUT stats_reset timestamptz)
RETURNS SETOF record
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE PARALLEL RESTRICTED ROWS 10;

COMMENT ON FUNCTION order_gateway_stats() IS
'what calls of all databases did since the last reset, one row per server and function, as the view order_gateway_stats shows it. '
'Error 55000 where sessions share no memory';

CREATE VIEW order_gateway_stats AS
SELECT d.datname AS database,
	s.server,
	s.function,
	s.calls,
	s.requests,
	s.retries,
	s.cancelled,
	s.accepted,
	s.not_found,
	s.not_cancellable,
	s.rejected,
	s.not_sent,
	s.unknown,
	s.bytes_sent,
	s.bytes_received,
	s.connections,
	s.turn_wait_time,
	s.answers,
	s.min_answer_time,
	s.mean_answer_time,
	s.max_answer_time,
	s.answer_time_histogram,
	s.since,
	s.stats_reset
FROM order_gateway_stats() AS s
LEFT JOIN pg_catalog.pg_database AS d ON d.oid = s.datid;

COMMENT ON VIEW order_gateway_stats IS
'what calls did since the last reset: one row per server and function; times are in milliseconds';
COMMENT ON COLUMN order_gateway_stats.database IS 'database that the server belongs to';
COMMENT ON COLUMN order_gateway_stats.server IS 'foreign server, by the name it was called by last';
COMMENT ON COLUMN order_gateway_stats.function IS 'function that was called';
COMMENT ON COLUMN order_gateway_stats.calls IS 'calls that had at least one id';
COMMENT ON COLUMN order_gateway_stats.requests IS 'requests that left, those sent again included';
COMMENT ON COLUMN order_gateway_stats.retries IS 'attempts after the first one of a batch';
COMMENT ON COLUMN order_gateway_stats.cancelled IS 'ids with this outcome; an id that stands for several orders counts with the first';
COMMENT ON COLUMN order_gateway_stats.accepted IS 'ids with this outcome';
COMMENT ON COLUMN order_gateway_stats.not_found IS 'ids with this outcome';
COMMENT ON COLUMN order_gateway_stats.not_cancellable IS 'ids with this outcome';
COMMENT ON COLUMN order_gateway_stats.rejected IS 'ids with this outcome';
COMMENT ON COLUMN order_gateway_stats.not_sent IS 'ids with this outcome, those of calls that were stopped included';
COMMENT ON COLUMN order_gateway_stats.unknown IS 'ids with this outcome, those included whose answer was awaited when a call was stopped';
COMMENT ON COLUMN order_gateway_stats.bytes_sent IS 'bytes of requests, without what TLS adds';
COMMENT ON COLUMN order_gateway_stats.bytes_received IS 'bytes of answers, without what TLS adds';
COMMENT ON COLUMN order_gateway_stats.connections IS 'connections that were opened';
COMMENT ON COLUMN order_gateway_stats.turn_wait_time IS 'time spent waiting for turns of the pace, in ms';
COMMENT ON COLUMN order_gateway_stats.answers IS 'requests to which a whole answer came';
COMMENT ON COLUMN order_gateway_stats.min_answer_time IS 'shortest time from sending a request to the end of its answer, in ms';
COMMENT ON COLUMN order_gateway_stats.mean_answer_time IS 'mean of that time, in ms';
COMMENT ON COLUMN order_gateway_stats.max_answer_time IS 'longest such time, in ms';
COMMENT ON COLUMN order_gateway_stats.answer_time_histogram IS
'answers by time: up to 1, 2, 5, 10, 20, 50, 100, 200, 500 ms, 1, 2, 5, 10, 20, 50 s, and above';
COMMENT ON COLUMN order_gateway_stats.since IS 'when this row was begun';
COMMENT ON COLUMN order_gateway_stats.stats_reset IS 'when all rows were reset last';

CREATE FUNCTION order_gateway_stats_reset()
RETURNS void
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE PARALLEL RESTRICTED;

COMMENT ON FUNCTION order_gateway_stats_reset() IS
'forgets the statistics of all servers and functions. Error 55000 where sessions share no memory';

-- The one who trades, and how much, is not everybody's business.
REVOKE ALL ON FUNCTION order_gateway_stats() FROM PUBLIC;
REVOKE ALL ON FUNCTION order_gateway_stats_reset() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION order_gateway_stats() TO pg_read_all_stats;
GRANT SELECT ON order_gateway_stats TO pg_read_all_stats;

--
-- Limits
--

CREATE FUNCTION order_gateway_limits(
	OUT lane text,
	OUT class text,
	OUT host text,
	OUT datid oid,
	OUT server name,
	OUT rate_limit text,
	OUT requests int,
	OUT used int,
	OUT available int,
	OUT next_turn_at timestamptz,
	OUT held_until timestamptz,
	OUT sessions_waiting int,
	OUT last_sent_at timestamptz)
RETURNS SETOF record
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE PARALLEL RESTRICTED ROWS 10;

COMMENT ON FUNCTION order_gateway_limits() IS
'what is left of each limit of each lane, as the view order_gateway_limits shows it. '
'Error 55000 where sessions share no memory';

CREATE VIEW order_gateway_limits AS
SELECT l.lane,
	l.class,
	l.host,
	d.datname AS database,
	l.server,
	l.rate_limit,
	l.requests,
	l.used,
	l.available,
	l.next_turn_at,
	l.held_until,
	l.sessions_waiting,
	l.last_sent_at
FROM order_gateway_limits() AS l
LEFT JOIN pg_catalog.pg_database AS d ON d.oid = l.datid;

COMMENT ON VIEW order_gateway_limits IS
'what is left of each limit: one row per lane (what a provider counts requests on) and limit';
COMMENT ON COLUMN order_gateway_limits.lane IS 'name of the account or host: the beginning of a hash, which holds no key';
COMMENT ON COLUMN order_gateway_limits.class IS 'what is counted: orders or queries of an account, or all of a host';
COMMENT ON COLUMN order_gateway_limits.host IS 'host and port of the provider';
COMMENT ON COLUMN order_gateway_limits.database IS 'database of the call that used the lane last';
COMMENT ON COLUMN order_gateway_limits.server IS 'server of the call that used the lane last; its limits are shown';
COMMENT ON COLUMN order_gateway_limits.rate_limit IS 'one limit of that server; NULL where it has none that counts here';
COMMENT ON COLUMN order_gateway_limits.requests IS 'how many requests the limit allows';
COMMENT ON COLUMN order_gateway_limits.used IS 'how many it counts now';
COMMENT ON COLUMN order_gateway_limits.available IS 'how many may be sent at once';
COMMENT ON COLUMN order_gateway_limits.next_turn_at IS 'when the next request may be sent; NULL = now';
COMMENT ON COLUMN order_gateway_limits.held_until IS 'until when nothing is sent because the provider said "too frequent"; NULL = not held back';
COMMENT ON COLUMN order_gateway_limits.sessions_waiting IS 'sessions that wait for a turn';
COMMENT ON COLUMN order_gateway_limits.last_sent_at IS 'when a request was sent last';

REVOKE ALL ON FUNCTION order_gateway_limits() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION order_gateway_limits() TO pg_read_all_stats;
GRANT SELECT ON order_gateway_limits TO pg_read_all_stats;

--
-- Before going live: what a DBA wants to know of a server.  It opens
-- connections and uses credentials, so it is granted to nobody at first; it
-- only reads, so it may run in READ ONLY transactions and on standbys.
--

CREATE FUNCTION order_gateway_check(
	server name,
	OUT item text,
	OUT ok boolean,
	OUT result text,
	OUT hint text)
RETURNS SETOF record
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE PARALLEL UNSAFE COST 100000 ROWS 8;

COMMENT ON FUNCTION order_gateway_check(name) IS
'checks a server before going live, by two requests at most that touch no order: '
'name lookup, connection, TLS and its certificate, HTTP, round trip, clock, and the current user''s credentials. '
'Returns one row per item: ok is true, false with a hint what to do, or NULL where the item was not reached or does not exist. '
'Call it in FROM';

REVOKE ALL ON FUNCTION order_gateway_check(name) FROM PUBLIC;
