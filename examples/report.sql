/* examples/report.sql: made of docs/recipes.md by "make docs" */

-- ----
-- Reports
-- ----

-- What the calls of a day became:
SELECT c.server, c.function, r.outcome, count(*) AS orders, min(r.message) AS for_example
FROM order_gateway_calls AS c
JOIN order_gateway_results AS r USING (call_id)
WHERE c.submitted_at > now() - interval '1 day'
GROUP BY c.server, c.function, r.outcome
ORDER BY c.server, c.function, r.outcome;

-- Which of your orders were cancelled, by whom, and how long that took:
SELECT o.id, o.market, c.role, r.outcome,
       r.sent_at - c.submitted_at AS waited, r.answered_at - r.sent_at AS answered_in
FROM orders AS o
JOIN order_gateway_results AS r ON r.order_id = o.id
JOIN order_gateway_calls AS c USING (call_id)
WHERE c.server = 'xt' AND c.submitted_at > now() - interval '1 day'
ORDER BY o.id, c.call_id;

-- All that ever happened to one order, found by an index:
SELECT call_id, outcome, code, message, sent_at, response
FROM order_gateway_find(ARRAY['7001'])
ORDER BY call_id;

-- What needs a human eye: what was refused (read message and repair the
-- cause), and what is still unknown although the worker has asked:
SELECT r.order_id, r.call_id, r.outcome, r.code, r.message, r.sent_at
FROM order_gateway_find((SELECT array_agg(id) FROM orders WHERE status = 'check')) AS r
WHERE r.outcome IN ('rejected', 'unknown')
ORDER BY r.sent_at, r.order_id;
