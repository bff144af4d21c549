/* examples/cancel_by_trigger.sql: made of docs/recipes.md by "make docs" */

-- ----
-- A trigger that cancels
-- ----

-- The trigger submits the cancel as a part of that very transaction. If it is
-- rolled back, so is the cancel. One call for all rows of the statement is
-- what providers that take many ids in a request like best.
CREATE FUNCTION submit_cancels()
RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    INSERT INTO submitted_call (call_id)
    SELECT batch_cancel_submit(marked.market, array_agg(marked.id ORDER BY marked.id))
    FROM marked
    JOIN before USING (id)
    WHERE marked.provider = 'xt' AND marked.status = 'to cancel' AND before.status <> 'to cancel'
    GROUP BY marked.market;
    RETURN NULL;
END
$$;

CREATE TRIGGER submit_cancels
AFTER UPDATE ON orders
REFERENCING OLD TABLE AS before NEW TABLE AS marked
FOR EACH STATEMENT EXECUTE FUNCTION submit_cancels();
