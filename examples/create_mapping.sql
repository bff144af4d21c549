/* examples/create_mapping.sql: made of docs/security.md by "make docs" */

-- ----
-- A user mapping that leaves no trace
-- ----

-- A CREATE USER MAPPING with the key in it can end up in the shell's and
-- psql's history, the server's log (log_statement,
-- log_min_duration_statement, or as the STATEMENT of an error),
-- pg_stat_activity and pg_stat_statements. This script, run from a file,
-- leaves it in none of them: create_mapping.sql, here for a role order_desk.
\set ON_ERROR_STOP on
\getenv access_key XT_ACCESS_KEY
\getenv secret_key XT_SECRET_KEY
SELECT NOT (:{?access_key} AND :{?secret_key}) AS keys_are_missing \gset
\if :keys_are_missing
    DO $$ BEGIN RAISE 'XT_ACCESS_KEY and XT_SECRET_KEY must be set in the environment'; END $$;
\endif
SET log_transaction_sample_rate = 0;
BEGIN;
SET LOCAL log_statement = 'none';
SET LOCAL log_min_duration_statement = -1;
SET LOCAL log_min_duration_sample = -1;
SET LOCAL log_min_error_statement = 'panic';
SET LOCAL track_activities = off;
SET LOCAL pg_stat_statements.track_utility = off;
CREATE USER MAPPING FOR order_desk SERVER xt
    OPTIONS (access_key :'access_key', secret_key :'secret_key');
COMMIT;
