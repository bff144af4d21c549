/* examples/job_pg_cron.sql: made of docs/job.md by "make docs" */

-- ----
-- pg_cron
-- ----

-- Its settings are those of the recipes, but for order_gateway.databases.
-- statement_timeout does not bound a job that runs without a connection;
-- call_timeout and max_steps do.
CREATE EXTENSION IF NOT EXISTS pg_cron;
SELECT cron.schedule('cancel stale orders', '* * * * *', 'CALL cancel_stale_orders()');

-- ----
-- A job that settles unknown outcomes
-- ----

--
SELECT cron.schedule('settle unknown orders', '* * * * *', 'CALL settle_unknown_orders()');
