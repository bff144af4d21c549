/* examples/cancel_stale_orders.sql: made of docs/recipes.md by "make docs" */

-- ----
-- A job that cancels stale orders
-- ----

-- One statement. It marks what is stale, submits one call for all of it, and
-- keeps the number of the call:
CREATE PROCEDURE submit_stale_orders()
LANGUAGE sql
AS $$
    WITH stale AS (
        UPDATE orders SET status = 'cancelling'
        WHERE provider = 'xt' AND market = 'btc_usdt'
          AND status = 'open' AND placed_at < now() - interval '1 hour'
        RETURNING id)
    INSERT INTO submitted_call (call_id)
    SELECT batch_cancel_submit('btc_usdt', array_agg(id)) FROM stale HAVING count(*) > 0;
$$;

-- ----
-- Taking over what became of them
-- ----

-- Another statement, as often as you like:
CREATE PROCEDURE take_over_results()
LANGUAGE sql
AS $$
    WITH done AS (
        DELETE FROM submitted_call AS s
        WHERE (SELECT c.state FROM order_gateway_calls AS c
               WHERE c.call_id = s.call_id) IN ('done', 'quarantined')
        RETURNING s.call_id)
    UPDATE orders AS o
    SET status = CASE r.outcome
                     WHEN 'cancelled' THEN 'cancelled'
                     WHEN 'not_found' THEN 'gone'
                     WHEN 'not_cancellable' THEN 'closed'
                     WHEN 'not_sent' THEN 'open'         -- may go again
                     ELSE 'check'                        -- rejected, unknown
                 END
    FROM done, LATERAL (SELECT order_id, max(outcome) AS outcome
                        FROM order_gateway_results
                        WHERE call_id = done.call_id
                        GROUP BY order_id) AS r
    WHERE o.id = r.order_id AND o.status IN ('to cancel', 'cancelling');
$$;
