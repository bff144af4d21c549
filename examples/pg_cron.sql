/* examples/pg_cron.sql: made of docs/recipes.md by "make docs" */

-- ----
-- pg_cron
-- ----

-- cron.use_background_workers lets jobs run without a connection to localhost
-- and so without a password; each running job takes one of
-- max_worker_processes, and so does the gateway worker.
CREATE EXTENSION IF NOT EXISTS pg_cron;
SELECT cron.schedule('cancel stale orders', '* * * * *', 'CALL submit_stale_orders()');
SELECT cron.schedule('take over results', '* * * * *', 'CALL take_over_results()');
SELECT cron.schedule('take over what was settled', '* * * * *', 'CALL take_over_settled()');
