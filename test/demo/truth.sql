-- What do the providers themselves say now? (In the sandbox we can look.)
-- Whatever we call cancelled is cancelled. Of the "unknown", most turn out to
-- be: the answer was lost, not the request.

SELECT o.provider, l.outcome AS our_row,
       coalesce(t.status, '(never heard of)') AS at_the_provider, count(*)
FROM cancel_log l
JOIN orders o ON o.id = l.order_id
LEFT JOIN truth t ON t.provider = o.provider AND t.id = o.id
GROUP BY 1, 2, 3
ORDER BY 1, 2, 3;

-- And no order was touched that we did not name.

SELECT count(*) AS cancelled_but_not_named
FROM truth t
WHERE t.cancelled_by IS NOT NULL
  AND NOT EXISTS (SELECT FROM cancel_log l WHERE l.order_id = t.id);
