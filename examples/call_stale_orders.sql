/* examples/call_stale_orders.sql: made of docs/recipes.md by "make docs" */

-- ----
-- A job that calls and waits
-- ----

-- Who wants the answer in the same run calls, instead of submitting. The
-- worker makes the call, so nothing has to be claimed before and logged
-- after: what a run has sent and could not write down here, the next one
-- finds in the journal.
CREATE PROCEDURE call_stale_orders()
LANGUAGE sql
AS $$
    -- What an earlier run has sent before it was stopped.
    UPDATE orders AS o
    SET status = CASE sent.outcome
                     WHEN 'cancelled' THEN 'cancelled'
                     WHEN 'not_found' THEN 'gone'
                     WHEN 'not_cancellable' THEN 'closed'
                     ELSE 'check'                        -- unknown
                 END
    FROM (SELECT DISTINCT ON (order_id) order_id, outcome
          FROM order_gateway_find((SELECT array_agg(id) FROM orders
                                   WHERE provider = 'xt' AND market = 'btc_usdt'
                                     AND status = 'open' AND placed_at < now() - interval '1 hour'))
          ORDER BY order_id, call_id DESC, outcome DESC) AS sent
    WHERE o.id = sent.order_id AND sent.outcome NOT IN ('not_sent', 'rejected');

    WITH answer AS MATERIALIZED (
        SELECT order_id, outcome
        FROM batch_cancel('btc_usdt', (SELECT array_agg(id) FROM orders
                                       WHERE provider = 'xt' AND market = 'btc_usdt'
                                         AND status = 'open' AND placed_at < now() - interval '1 hour')))
    UPDATE orders AS o
    SET status = CASE answer.outcome
                     WHEN 'cancelled' THEN 'cancelled'
                     WHEN 'not_found' THEN 'gone'
                     WHEN 'not_cancellable' THEN 'closed'
                     WHEN 'not_sent' THEN 'open'         -- may go again
                     ELSE 'check'                        -- rejected, unknown
                 END
    FROM answer
    WHERE o.id = answer.order_id;
$$;
