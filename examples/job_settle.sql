/* examples/job_settle.sql: made of docs/job.md by "make docs" */

-- ----
-- A job that settles unknown outcomes
-- ----

-- What the job above set aside as check can mostly be settled by the
-- provider's own reads. This procedure asks what became of the orders whose
-- outcome is unknown, and of those whose call ended without a row; it keeps
-- the answers and moves the orders on. Those that stay unknown are asked
-- about again, after one minute, two, four and so on; those of which nothing
-- is ever known remain for a human eye.
CREATE PROCEDURE settle_unknown_orders()
LANGUAGE sql
AS $$
    WITH due AS (
        -- Without a row, nobody knows when it was sent, but after five minutes
        -- the call was over.
        SELECT o.id, o.call_id, coalesce(l.sent_at, o.claimed_at + interval '5 minutes') AS sent_at
        FROM orders AS o
        LEFT JOIN call_outcome AS l
               ON l.server = o.provider AND l.order_id = o.id AND l.call_id = o.call_id
        CROSS JOIN LATERAL (SELECT max(logged_at) AS asked_at FROM settle_log
                            WHERE order_id = o.id AND call_id = o.call_id) AS s
        WHERE o.provider = 'xt' AND o.market = 'btc_usdt' AND o.status = 'check'
          AND (l.outcome IS NULL OR l.outcome = 'unknown')
          AND coalesce(l.sent_at, o.claimed_at + interval '5 minutes') < now() - interval '1 minute'
          -- ask again after twice the time
          AND (s.asked_at IS NULL OR now() - s.asked_at > s.asked_at - o.claimed_at)
        ORDER BY o.claimed_at
        LIMIT 1000
    ), settled AS (
        INSERT INTO settle_log
        SELECT (SELECT call_id FROM due WHERE due.id = s.order_id), now(), 'xt',
               s.order_id, s.outcome, s.order_state, s.message, s.raw
        FROM order_gateway_settle('xt',
                 (SELECT array_agg(id ORDER BY id) FROM due),
                 (SELECT array_agg(sent_at ORDER BY id) FROM due),
                 'btc_usdt') AS s
        RETURNING order_id, call_id, outcome
    )
    UPDATE orders AS o
    SET status = CASE s.outcome
                     WHEN 'cancelled' THEN 'cancelled'
                     WHEN 'not_cancellable' THEN 'closed'
                     ELSE 'to cancel'               -- rejected: still open, may go again
                 END
    FROM settled AS s
    WHERE o.id = s.order_id AND o.call_id = s.call_id
      AND o.status = 'check' AND s.outcome <> 'unknown';
$$;
