# What cannot be written: events do not hold up books, and a book that cannot be
# written for too long is not shown.

use strict;
use warnings;
use utf8;

use Test::More;

use OrderGateway::Books;

my $books = OrderGateway::Books->start;
my $sandbox = $books->sandbox;
my $session = $books->test->session;

my $book = $books->follow('book', symbol => 'BTC-USD');
my $best = $books->follow('l1', symbol => 'ETH-USD');

# ---------- an event that cannot be written ----------

# The numbers of the next events are taken: writing one fails, and is tried again.
$books->sql(q{INSERT INTO order_gateway_stream_event (installation, event_id, at, event, server_id, server)
	SELECT i.id, n, now(), 'taken', 0, '' FROM order_gateway_installation AS i,
		generate_series((SELECT last_value + 1 FROM order_gateway_stream_event_id),
			(SELECT last_value + 100000 FROM order_gateway_stream_event_id)) AS n});
$sandbox->close_streams(how => 'drop');
$books->state_ok($book, 'live', 'events that cannot be written: the book is live again');
$books->state_ok($best, 'live', '... and best prices');
$sandbox->trade(rate => 50, symbols => [ 'BTC-USD', 'ETH-USD' ]);
$books->wait_sql(q{SELECT sum(messages) > 50 FROM order_gateway_streams}, 't', '... the provider tells something');
$sandbox->stop_trading;
$books->wait_current('BTC-USD', 0, '... the book is the provider\'s');
is($books->sql(q{SELECT count(*) FROM btse_stream_event WHERE event = 'disconnected'}), '0',
	'... and the event was not written');
$books->sql(q{DELETE FROM order_gateway_stream_event WHERE event = 'taken'});
$books->wait_sql(q{SELECT count(*) > 0 FROM btse_stream_event WHERE event = 'disconnected'}, 't',
	'it is written when that can be');

# ---------- a book that cannot be written ----------

$session->query('BEGIN; LOCK TABLE order_gateway_stream_book, order_gateway_stream_l1 IN EXCLUSIVE MODE');
$sandbox->trade(rate => 20, symbols => [ 'BTC-USD', 'ETH-USD' ]);
$books->state_ok($book, 'stale', 'a book that cannot be written is stale after a while');
$books->state_ok($best, 'stale', '... and so are best prices');
is($books->sql('SELECT (SELECT count(*) FROM btse_book_top) + (SELECT count(*) FROM btse_l1)'), '0',
	'... and they are not shown');
like($books->sql("SELECT last_error FROM order_gateway_streams WHERE stream_id = $book"), qr/^what has changed cannot be written/,
	'... for this reason');
$session->query('COMMIT');
$books->state_ok($book, 'live', 'when it can be, it is live');
$books->state_ok($best, 'live', '... and so are best prices');
$sandbox->stop_trading;
$books->wait_current('BTC-USD', 0, '... and what the provider has');
$books->wait_sql(q{SELECT string_agg(kind, ' ' ORDER BY kind) FROM btse_stream_event WHERE event = 'not_written'},
	'book l1', 'events tell so');

done_testing();
