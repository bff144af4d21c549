-- 7  The market and our account, followed into tables by the stream worker.
--    What a row says is the provider's, as of its seq, or it is not there.
--    (wait_until() looks ten times a second whether its condition is true.)

SELECT kind, btse_stream_start(kind, symbol) AS stream_id
FROM (VALUES ('book', 'BTC-USD'), ('trades', 'BTC-USD'),
             ('fills', NULL), ('notifications', NULL)) AS s (kind, symbol);

CALL wait_until('count(*) = 4 FROM order_gateway_streams'
                ' WHERE state = ''live''');

SELECT bid_price, bid_size, ask_price, ask_size, spread, age < '10 s' AS fresh
FROM btse_book_top WHERE symbol = 'BTC-USD';

-- An order of ours stands in the book as soon as the provider has it.

CREATE TABLE bid AS
SELECT * FROM btse_create_order('BTC-USD', 'BUY', 'LIMIT', 0.5, price => 36976);

CALL wait_until('bid_price = 36976 FROM btse_book_top');

SELECT side, level, price, size FROM btse_book
WHERE symbol = 'BTC-USD' AND level <= 2 ORDER BY price DESC;

-- Another one takes what the two best levels offer: the book shows it, and the
-- fills are there without anybody asking for them.

SELECT outcome, total_filled_base_size AS filled,
       round(avg_filled_price, 2) AS average
FROM btse_create_order('BTC-USD', 'BUY', 'MARKET', 7);

CALL wait_until('count(*) = 2 FROM btse_fill_log');
CALL wait_until('ask_price = 36977 FROM btse_book_top');

SELECT side, filled_price, filled_size, fee_amount, fee_currency, maker
FROM btse_fill_log ORDER BY filled_price;

SELECT side, level, price, size FROM btse_book
WHERE symbol = 'BTC-USD' AND level <= 2 ORDER BY price DESC;

-- And when our bid is cancelled, it is gone from there.

SELECT outcome
FROM btse_cancel('BTC-USD', (SELECT array_agg(order_id) FROM bid));

CALL wait_until('bid_price < 36976 FROM btse_book_top');

SELECT kind, state, messages > 0 AS heard, gaps, reconnects
FROM order_gateway_streams ORDER BY stream_id;
