/* examples/job_lend_account.sql: made of docs/job.md by "make docs" */

-- ----
-- A function that lends an account
-- ----

-- Users cancel single orders without ever seeing the key: a SECURITY DEFINER
-- function calls as its owner, and the owner has the mapping. The owner is a
-- role that nobody logs in as.
CREATE ROLE order_desk NOLOGIN;
GRANT USAGE ON FOREIGN SERVER xt TO order_desk;
GRANT EXECUTE ON FUNCTION batch_cancel, batch_cancel_preview TO order_desk;
GRANT SELECT, UPDATE ON orders TO order_desk;
GRANT SELECT, INSERT ON cancel_log TO order_desk;
GRANT USAGE ON SEQUENCE cancel_call TO order_desk;

-- Give order_desk its mapping as the script that leaves no trace shows. A
-- SECURITY DEFINER function cannot commit, and the claim must be committed
-- before the call. So there are two of them, and a procedure without rights
-- of its own that commits between. As a superuser, in one transaction, so
-- that none is ever open to PUBLIC:
BEGIN;

CREATE FUNCTION claim_order(the_id text)
RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    this_call bigint := nextval('public.cancel_call');
BEGIN
    UPDATE public.orders
    SET status = 'cancelling', call_id = this_call, claimed_at = now()
    WHERE id = the_id AND provider = 'xt' AND market = 'btc_usdt'
      AND status IN ('open', 'to cancel');
    IF NOT FOUND THEN
        RAISE EXCEPTION 'order "%" is not open', the_id;
    END IF;
    PERFORM FROM public.batch_cancel_preview('btc_usdt', ARRAY[the_id]);
    RETURN this_call;
END
$$;

CREATE FUNCTION send_claimed_order(the_id text, the_call bigint)
RETURNS public.order_outcome
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    -- Only a claim that was made just now, by a transaction that has committed,
    -- and that was not used before.
    PERFORM FROM public.orders
    WHERE id = the_id AND call_id = the_call AND status = 'cancelling'
      AND claimed_at < now() AND claimed_at > now() - interval '1 minute'
    FOR UPDATE;
    IF NOT FOUND OR EXISTS (SELECT FROM public.cancel_log WHERE call_id = the_call) THEN
        RAISE EXCEPTION 'order "%" is not claimed by call %', the_id, the_call;
    END IF;

    INSERT INTO public.cancel_log
    SELECT the_call, now(), 'xt', c.*
    FROM public.batch_cancel('btc_usdt', ARRAY[the_id]) AS c;

    RETURN (SELECT max(outcome) FROM public.cancel_log WHERE call_id = the_call);
END
$$;

CREATE PROCEDURE cancel_one_order(the_id text, INOUT outcome public.order_outcome DEFAULT NULL)
LANGUAGE plpgsql
AS $$
DECLARE
    this_call bigint;
BEGIN
    this_call := public.claim_order(the_id);
    COMMIT;
    outcome := public.send_claimed_order(the_id, this_call);
    COMMIT;
END
$$;

ALTER FUNCTION claim_order(text) OWNER TO order_desk;
ALTER FUNCTION send_claimed_order(text, bigint) OWNER TO order_desk;
REVOKE ALL ON ROUTINE claim_order, send_claimed_order, cancel_one_order FROM PUBLIC;
GRANT EXECUTE ON ROUTINE claim_order, send_claimed_order, cancel_one_order TO clerk;

COMMIT;
