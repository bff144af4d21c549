/* examples/pg_cron.sql: made of docs/recipes.md by "make docs" */

-- ----
-- pg_cron
-- ----

-- cron.use_background_workers lets jobs run without a connection to localhost
-- and so without a password; each running job takes one of
-- max_worker_processes. statement_timeout does not bound such a job;
-- call_timeout and max_steps do.
CREATE EXTENSION pg_cron;
SELECT cron.schedule('cancel stale orders', '* * * * *', 'CALL cancel_stale_orders()');

-- ----
-- A job that settles unknown outcomes
-- ----

--
SELECT cron.schedule('settle unknown orders', '* * * * *', 'CALL settle_unknown_orders()');
