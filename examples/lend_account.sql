/* examples/lend_account.sql: made of docs/recipes.md by "make docs" */

-- ----
-- A function that lends an account
-- ----

-- Users cancel single orders without ever seeing the key: a SECURITY DEFINER
-- function submits as its owner, and the owner has the mapping. The owner is
-- a role that nobody logs in as.
CREATE ROLE order_desk NOLOGIN;
GRANT USAGE ON FOREIGN SERVER xt TO order_desk;
GRANT EXECUTE ON FUNCTION batch_cancel_submit TO order_desk;
GRANT SELECT, UPDATE ON orders TO order_desk;
GRANT INSERT ON submitted_call TO order_desk;

-- Give order_desk its mapping as the script that leaves no trace shows. As a
-- superuser, in one transaction, so that the function is never open to
-- PUBLIC:
BEGIN;

CREATE FUNCTION cancel_one_order(the_id text)
RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    this_call bigint;
BEGIN
    UPDATE public.orders SET status = 'cancelling'
    WHERE id = the_id AND provider = 'xt' AND market = 'btc_usdt' AND status = 'open';
    IF NOT FOUND THEN
        RAISE EXCEPTION 'order "%" is not open', the_id;
    END IF;
    this_call := public.batch_cancel_submit('btc_usdt', ARRAY[the_id]);
    INSERT INTO public.submitted_call (call_id) VALUES (this_call);
    RETURN this_call;
END
$$;

ALTER FUNCTION cancel_one_order(text) OWNER TO order_desk;
REVOKE ALL ON FUNCTION cancel_one_order FROM PUBLIC;
GRANT EXECUTE ON FUNCTION cancel_one_order TO clerk;

COMMIT;
