# What cannot be written: events do not hold up books, and a book that cannot be
# written for too long is not shown.

use strict;
use warnings;
use utf8;

use Test::More;

use OrderGateway::Books;

my $books = OrderGateway::Books->start;
my $sandbox = $books->sandbox;

my $book = $books->follow('book', symbol => 'BTC-USD');
my $best = $books->follow('l1', symbol => 'ETH-USD');

# ---------- an event that cannot be written ----------

# The numbers of the next events are taken: writing one fails, and is tried again.
sub take_numbers
{
	return $books->sql(q{INSERT INTO order_gateway_stream_event (installation, event_id, at, event, server_id, server)
		SELECT i.id, n, now(), 'taken', 0, '' FROM order_gateway_installation AS i,
			generate_series((SELECT last_value + 1 FROM order_gateway_stream_event_id),
				(SELECT last_value + 100000 FROM order_gateway_stream_event_id)) AS n});
}

sub give_numbers_back { return $books->sql(q{DELETE FROM order_gateway_stream_event WHERE event = 'taken'}); }

take_numbers();
$sandbox->close_streams(how => 'drop');
$books->state_ok($book, 'live', 'events that cannot be written: the book is live again');
$books->state_ok($best, 'live', '... and best prices');
$sandbox->trade(rate => 50, symbols => [ 'BTC-USD', 'ETH-USD' ]);
$books->wait_sql(q{SELECT sum(messages) > 50 FROM order_gateway_streams}, 't', '... the provider tells something');
$sandbox->stop_trading;
$books->wait_current('BTC-USD', 0, '... the book is the provider\'s');
is($books->sql(q{SELECT count(*) FROM btse_stream_event WHERE event = 'disconnected'}), '0',
	'... and the event was not written');
give_numbers_back();
$books->wait_sql(q{SELECT count(*) > 0 FROM btse_stream_event WHERE event = 'disconnected'}, 't',
	'it is written when that can be');

# ---------- a hole that cannot be told ----------

# Whoever comes after a crash tells of it, since nothing says that there was none.
my $notes = $books->follow('notifications');

sub told
{
	my ($name) = @_;
	my $before = $books->sql('SELECT count(*) FROM btse_notification_log');

	$books->fill(1);
	return $books->wait_sql("SELECT count(*) > $before FROM btse_notification_log", 't', $name);
}

told('a notification is told') foreach 1 .. 2;
take_numbers();
my $lost = $books->sql('SELECT now()');
$sandbox->close_streams(how => 'drop');
$books->wait_sql("SELECT reconnects > 0 AND state = 'live' FROM order_gateway_streams WHERE stream_id = $notes", 't',
	'a hole that cannot be told: the stream goes on');
told('... with what comes') foreach 1 .. 3;
$books->kill_worker;
give_numbers_back();
$books->wait_sql("SELECT count(*) > 0 FROM btse_stream_event WHERE event = 'hole' AND kind = 'notifications'
	AND '$lost' BETWEEN from_time AND to_time", 't', '... and the next worker tells it');
$books->state_ok($_, 'live', 'all is live again') foreach $book, $best, $notes;

# ---------- a book that cannot be written ----------

my $session = $books->test->session;

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
