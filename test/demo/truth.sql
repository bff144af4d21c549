-- Was that right? In the sandbox we can look. Whatever we call cancelled is
-- cancelled, the lost answers included.

SELECT o.provider, l.outcome AS our_row, s.outcome AS settled,
       coalesce(t.status, '(never heard of)') AS at_the_provider,
       count(*) AS orders
FROM order_gateway_results l
JOIN orders o ON o.id = l.order_id
LEFT JOIN settled s ON s.order_id = l.order_id
LEFT JOIN truth t ON t.provider = o.provider AND t.id = o.id
GROUP BY 1, 2, 3, 4
ORDER BY 1, 2, 3, 4;

-- And no order was touched that we did not name.

SELECT count(*) AS cancelled_but_not_named
FROM truth t
WHERE t.cancelled_by IS NOT NULL
  AND NOT EXISTS (SELECT FROM order_gateway_results l WHERE l.order_id = t.id);
