/* examples/job_tables.sql: made of docs/job.md by "make docs" */

-- ----
-- Orders
-- ----

-- The table of orders is that of the recipes, and says a little more of each:
ALTER TABLE orders
    ADD COLUMN call_id    bigint,              -- which call has it
    ADD COLUMN claimed_at timestamptz;         -- and since when

-- ----
-- The log
-- ----

-- One row for each row that a call returns, and one for each that settling
-- returns later. A number per call tells calls apart, without trusting a
-- clock. There are no constraints that could refuse a row later.
CREATE SEQUENCE cancel_call;

CREATE TABLE cancel_log (
    call_id     bigint NOT NULL,
    logged_at   timestamptz NOT NULL,
    server      name NOT NULL,
    order_id    text NOT NULL,
    outcome     order_outcome NOT NULL,
    code        text,
    message     text,
    ordinal     int,
    batch       int,
    attempts    int,
    http_status int,
    sent_at     timestamptz,
    answered_at timestamptz,
    response    json
);

CREATE INDEX ON cancel_log (order_id, call_id);
CREATE INDEX ON cancel_log (call_id);

CREATE TABLE settle_log (
    call_id     bigint NOT NULL,               -- the call whose outcome was unknown
    logged_at   timestamptz NOT NULL,
    server      name NOT NULL,
    order_id    text NOT NULL,
    outcome     order_outcome NOT NULL,
    order_state order_state NOT NULL,
    message     text,
    raw         json
);

CREATE INDEX ON settle_log (order_id, call_id);

-- ----
-- The last outcome of each order
-- ----

-- First what each call did to each order. Where an id stands for several
-- orders (BTSE), the least certain outcome counts; what settling found out
-- replaces what the call did not know.
CREATE VIEW call_outcome AS
SELECT DISTINCT ON (server, order_id, call_id)
       server, order_id, call_id, outcome, code, message, sent_at, logged_at
FROM (SELECT server, order_id, call_id, outcome, code, message, sent_at, logged_at,
             false AS settled
      FROM cancel_log
      UNION ALL
      SELECT server, order_id, call_id, outcome, NULL, message, NULL, logged_at, true
      FROM settle_log
      WHERE outcome <> 'unknown') AS l
ORDER BY server, order_id, call_id, settled DESC, outcome DESC;

-- Then the last one of each order that tells something. cancelled is never
-- replaced. That an order which was cancelled or filled is not found when it
-- is sent once more is no news. And rejected and not_sent only say that a
-- call did nothing, so they do not replace what an earlier one did, or may
-- have done.
CREATE VIEW last_outcome AS
SELECT DISTINCT ON (server, order_id) *
FROM call_outcome AS c
WHERE outcome <> 'not_found'
   OR NOT EXISTS (SELECT FROM call_outcome AS other
                  WHERE other.server = c.server AND other.order_id = c.order_id
                    AND other.outcome IN ('cancelled', 'not_cancellable'))
ORDER BY server, order_id, outcome = 'cancelled' DESC,
         outcome IN ('rejected', 'not_sent'), call_id DESC;
