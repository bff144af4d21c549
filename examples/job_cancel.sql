/* examples/job_cancel.sql: made of docs/job.md by "make docs" */

-- ----
-- A job that cancels stale orders
-- ----

-- First bound what one call may take, so that a claim that is much older is
-- known to be abandoned:
ALTER SERVER xt OPTIONS (ADD call_timeout '2min');

-- The brake. When most of a step fails, the next one would fail as well: the
-- key is wrong, or the account is locked. Then the job stops, and leaves a
-- row here that keeps it from starting again for ten minutes:
CREATE TABLE cancel_brake (
    server name PRIMARY KEY,
    until  timestamptz NOT NULL,
    reason text NOT NULL
);

-- Then three procedures. The first takes over what the log says. It also sets
-- aside what was claimed long ago and has nothing in the log:
CREATE PROCEDURE settle_orders()
LANGUAGE sql
AS $$
    WITH due AS (
        SELECT o.id,
               (SELECT max(l.outcome) FROM cancel_log AS l
                WHERE l.order_id = o.id AND l.call_id = o.call_id) AS outcome
        FROM orders AS o
        WHERE o.status = 'cancelling'
          AND (o.claimed_at < now() - interval '1 hour'
               OR EXISTS (SELECT FROM cancel_log AS l
                          WHERE l.order_id = o.id AND l.call_id = o.call_id))
        FOR UPDATE SKIP LOCKED
    )
    UPDATE orders AS o
    SET status = CASE due.outcome
                     WHEN 'cancelled' THEN 'cancelled'
                     WHEN 'not_found' THEN 'gone'
                     WHEN 'not_cancellable' THEN 'closed'
                     WHEN 'not_sent' THEN 'to cancel'    -- may go again
                     ELSE 'check'                        -- rejected, unknown, or no row at all
                 END
    FROM due
    WHERE o.id = due.id;
$$;

-- The second cancels what is marked to cancel, whoever marked it:
CREATE PROCEDURE cancel_marked_orders(step int DEFAULT 500, max_steps int DEFAULT 20)
LANGUAGE plpgsql
AS $$
DECLARE
    this_step int;
    this_call bigint;
    claimed   text[];
    brake     cancel_brake;
    lost      int;
    result    record;
BEGIN
    -- What an earlier run left behind.
    CALL settle_orders();
    COMMIT;

    FOR i IN 1 .. max_steps LOOP
        -- The brake: stand still, then feel the way with a few orders.
        this_step := step;
        SELECT * INTO brake FROM cancel_brake WHERE server = 'xt';
        IF brake.until > now() THEN
            RAISE EXCEPTION 'cancelling stands still until %', date_trunc('second', brake.until)
                USING DETAIL = brake.reason,
                      HINT = 'Repair the cause. DELETE FROM cancel_brake starts it at once.';
        ELSIF brake.until IS NOT NULL THEN
            this_step := least(step, 10);
        END IF;

        -- Calls that ended without a row, and not only once.
        SELECT count(DISTINCT call_id) INTO lost FROM orders
        WHERE provider = 'xt' AND status = 'cancelling'
          AND claimed_at < now() - interval '5 minutes';
        IF lost >= 3 THEN
            RAISE EXCEPTION '% calls ended without writing what became of their orders', lost
                USING HINT = 'Look into the server''s log for their end, and for the orders. '
                             'Their claims are set aside one hour after they were made.';
        END IF;

        -- Claim orders that nobody else is claiming.
        this_call := nextval('cancel_call');
        WITH marked AS (
            SELECT id
            FROM orders
            WHERE provider = 'xt' AND market = 'btc_usdt' AND status = 'to cancel'
            ORDER BY placed_at
            LIMIT this_step
            FOR UPDATE SKIP LOCKED
        ), claim AS (
            UPDATE orders AS o
            SET status = 'cancelling', call_id = this_call, claimed_at = now()
            FROM marked
            WHERE o.id = marked.id
            RETURNING o.id
        )
        SELECT array_agg(id) INTO claimed FROM claim;
        EXIT WHEN claimed IS NULL;

        -- A preview sends nothing and raises the errors that the call would:
        -- better now, while the claim can still be rolled back.
        PERFORM FROM batch_cancel_preview('btc_usdt', claimed);
        COMMIT;

        -- Call, and make the answer durable before anything else.
        INSERT INTO cancel_log
        SELECT this_call, now(), 'xt', c.*
        FROM batch_cancel('btc_usdt', claimed) AS c;
        COMMIT;

        CALL settle_orders();
        COMMIT;

        -- Did it work?
        SELECT count(*) AS orders,
               count(*) FILTER (WHERE outcome IN ('rejected', 'unknown')) AS refused,
               count(*) FILTER (WHERE outcome = 'not_sent') AS not_sent,
               mode() WITHIN GROUP (ORDER BY concat_ws(', ', outcome, code, message))
                   FILTER (WHERE outcome IN ('rejected', 'not_sent', 'unknown')) AS words
        INTO result
        FROM cancel_log WHERE call_id = this_call;

        IF 2 * (result.refused + result.not_sent) > result.orders THEN
            IF result.refused > 0 THEN
                INSERT INTO cancel_brake
                VALUES ('xt', now() + interval '10 minutes', format('call %s: %s', this_call, result.words))
                ON CONFLICT (server) DO UPDATE SET until = excluded.until, reason = excluded.reason;
                COMMIT;
            END IF;
            RAISE EXCEPTION '% of % orders failed in call %',
                            result.refused + result.not_sent, result.orders, this_call
                USING DETAIL = 'Mostly ' || result.words,
                      HINT = 'order_gateway_check(''xt'') tells what is wrong on the way to the provider.'
                             || CASE WHEN result.refused > 0 THEN
                                    ' The job stands still for ten minutes; DELETE FROM cancel_brake ends that.'
                                ELSE '' END;
        END IF;
        DELETE FROM cancel_brake WHERE server = 'xt' AND until <= now();
        COMMIT;

        -- A part was not even sent: the pace is spent. Go on in the next run.
        EXIT WHEN result.not_sent > 0;
    END LOOP;
END
$$;

-- The third is the job. It marks what is stale and sends it off:
CREATE PROCEDURE cancel_stale_orders(step int DEFAULT 500, max_steps int DEFAULT 20)
LANGUAGE plpgsql
AS $$
BEGIN
    UPDATE orders
    SET status = 'to cancel'
    WHERE id IN (SELECT id FROM orders
                 WHERE provider = 'xt' AND market = 'btc_usdt'
                   AND status = 'open' AND placed_at < now() - interval '1 hour'
                 FOR UPDATE SKIP LOCKED);
    COMMIT;
    CALL cancel_marked_orders(step, max_steps);
END
$$;
