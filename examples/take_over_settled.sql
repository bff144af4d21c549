/* examples/take_over_settled.sql: made of docs/recipes.md by "make docs" */

-- ----
-- What was unknown, and was settled
-- ----

-- An unknown order was sent, and nobody knows what became of it. The worker
-- asks the provider, first after a minute, and changes its outcome when that
-- tells. This takes over what was found out:
CREATE PROCEDURE take_over_settled()
LANGUAGE sql
AS $$
    UPDATE orders AS o
    SET status = CASE last.outcome
                     WHEN 'cancelled' THEN 'cancelled'
                     WHEN 'not_cancellable' THEN 'closed'
                     ELSE 'open'                         -- rejected: still open, may go again
                 END
    FROM (SELECT DISTINCT ON (order_id) order_id, outcome, settled_at
          FROM order_gateway_find((SELECT array_agg(id) FROM orders WHERE status = 'check'))
          ORDER BY order_id, call_id DESC, outcome DESC) AS last
    WHERE o.id = last.order_id AND o.status = 'check' AND last.settled_at IS NOT NULL;
$$;
