-- For those who keep the log of docs/recipes (orders, cancel_log, settle_log and
-- the view call_outcome): which orders wait for somebody, and the log by time.
-- Run it after setup.sql, as a superuser or the owner of those tables:
--
--	psql --dbname=erp --file=setup-log.sql
--
-- If your log looks otherwise, this view is the one thing to rewrite.

\set ON_ERROR_STOP on
BEGIN;

CREATE VIEW order_gateway_monitoring.orders_to_check AS
SELECT o.provider AS server, o.id AS order_id, coalesce(l.outcome::text, 'no row') AS outcome,
       l.code, l.message, coalesce(l.sent_at, o.claimed_at) AS since, o.call_id
FROM orders AS o
LEFT JOIN call_outcome AS l
       ON l.server = o.provider AND l.order_id = o.id AND l.call_id = o.call_id
WHERE o.status = 'check'
   OR o.status = 'cancelling' AND o.claimed_at < now() - interval '10 minutes';

GRANT SELECT ON order_gateway_monitoring.orders_to_check TO order_gateway_monitor;
GRANT SELECT (call_id, logged_at, server, order_id, outcome, code, message)
    ON cancel_log TO order_gateway_monitor;

COMMIT;
