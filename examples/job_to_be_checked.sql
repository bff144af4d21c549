/* examples/job_to_be_checked.sql: made of docs/job.md by "make docs" */

-- ----
-- When the job stops
-- ----

-- What needs a human eye is rejected (read message and repair the cause), and
-- what is still unknown after it was settled:
SELECT o.id, o.call_id, o.claimed_at, l.outcome, l.code, l.message, l.sent_at
FROM orders AS o
LEFT JOIN call_outcome AS l
       ON l.server = o.provider AND l.order_id = o.id AND l.call_id = o.call_id
WHERE o.status = 'check'
   OR o.status = 'cancelling' AND o.claimed_at < now() - interval '10 minutes'
ORDER BY o.claimed_at, o.id;
