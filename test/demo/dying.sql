-- 6  And if the worker dies in the middle? Two orders more. Their cancel
--    arrives, and is carried out, but the answer takes its time.

SELECT batch_cancel_submit('btc_usdt', ARRAY['7000000000000000001',
                                             '7000000000000000002']) > 0 AS xt;
