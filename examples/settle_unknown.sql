/* examples/settle_unknown.sql: made of docs/recipes.md by "make docs" */

-- ----
-- Settling what is unknown
-- ----

-- An unknown order was sent, and nobody knows what became of it. Mostly the
-- provider's own reads tell. This procedure asks about what is check, of the
-- last day, and moves on what is certain:
CREATE PROCEDURE settle_unknown()
LANGUAGE sql
AS $$
    WITH last AS (
        -- Of what was out in a crash nobody knows when it left, but then it had.
        SELECT DISTINCT ON (r.order_id) r.order_id, r.outcome,
               coalesce(r.sent_at, (SELECT c.done_at FROM order_gateway_calls AS c
                                    WHERE c.call_id = r.call_id)) AS sent_at
        FROM order_gateway_find((SELECT array_agg(id) FROM orders
                                 WHERE provider = 'xt' AND market = 'btc_usdt' AND status = 'check')) AS r
        ORDER BY r.order_id, r.call_id DESC, r.outcome DESC
    ), due AS (
        SELECT order_id, sent_at
        FROM last
        WHERE outcome = 'unknown' AND sent_at BETWEEN now() - interval '1 day' AND now() - interval '1 minute'
    )
    UPDATE orders AS o
    SET status = CASE s.outcome
                     WHEN 'cancelled' THEN 'cancelled'
                     WHEN 'not_cancellable' THEN 'closed'
                     ELSE 'open'                         -- rejected: still open, may go again
                 END
    FROM order_gateway_settle('xt',
             (SELECT array_agg(order_id ORDER BY order_id) FROM due),
             (SELECT array_agg(sent_at ORDER BY order_id) FROM due),
             'btc_usdt') AS s
    WHERE o.id = s.order_id AND o.status = 'check' AND s.outcome <> 'unknown';
$$;
