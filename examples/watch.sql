/* examples/watch.sql: made of docs/operations.md by "make docs" */

-- ----
-- Workers
-- ----

-- One row for each database that order_gateway.databases names:
SELECT database, pid, queued, in_flight, quarantined,
       date_trunc('second', now() - oldest_queued) AS oldest, last_error
FROM order_gateway_workers;

-- ----
-- Calls in progress
-- ----

-- One row per call, for its role and for members of pg_read_all_stats:
SELECT pid, server, function, ids_answered || ' of ' || ids AS answered,
       requests_in_flight AS in_flight, waiting_for,
       date_trunc('second', now() - waiting_since) AS since,
       date_trunc('second', expected_end - now()) AS left
FROM order_gateway_activity;

-- ----
-- Statistics
-- ----

-- One row per server and function since the last order_gateway_stats_reset();
-- times are in milliseconds. What is submitted counts as what it became in
-- the end, when it has. A preloading server keeps them over a clean restart.
-- A server that was dropped keeps its rows, marked dropped; another one of
-- the same name has rows of its own.
SELECT server, function, calls, requests, retries, cancelled, not_found,
       rejected, not_sent, unknown, round(mean_answer_time) AS ms
FROM order_gateway_stats
ORDER BY unknown DESC, server;

-- How long answers take, as a histogram:
SELECT s.server, s.function, b.up_to, h.answers
FROM order_gateway_stats AS s
CROSS JOIN LATERAL unnest(s.answer_time_histogram) WITH ORDINALITY AS h (answers, n)
JOIN unnest('{1 ms,2 ms,5 ms,10 ms,20 ms,50 ms,100 ms,200 ms,500 ms,1 s,2 s,5 s,10 s,20 s,50 s,more}'::text[])
    WITH ORDINALITY AS b (up_to, n) USING (n)
WHERE h.answers > 0
ORDER BY s.server, s.function, n;

-- ----
-- Limits
-- ----

-- What is left of each limit of each lane. A limit is shown as long as there
-- is a server that has it, with the one that used it last, whoever else used
-- the lane since:
SELECT lane, class, host, server, rate_limit, used, available,
       next_turn_at - now() AS next_turn_in, held_until, sessions_waiting
FROM order_gateway_limits;
