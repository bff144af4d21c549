-- The orders of the demo for test/demo/picture.py, as one JSON array.

SELECT json_agg(p ORDER BY provider, ordinal)
FROM (SELECT o.provider, l.ordinal, l.outcome,
             coalesce(s.outcome, l.outcome) AS settled, t.status AS state,
             t.cancelled_by IS NOT NULL AS ours
      FROM order_gateway_results l
      JOIN orders o ON o.id = l.order_id
      LEFT JOIN settled s ON s.order_id = l.order_id
      LEFT JOIN truth t ON t.provider = o.provider AND t.id = o.id) AS p;
