# As many streams as there can be: all of them are followed and shown, one more is
# refused, and all can be stopped at once.

use strict;
use warnings;
use utf8;

use Test::More;
use Time::HiRes qw(time);

use OrderGateway::Books;

my $MOST = 2048;

my $books = OrderGateway::Books->start(conf => "jit = off\n");
my $sandbox = $books->sandbox;

$sandbox->put('btse', 'markets', map { { symbol => "M$_-USD" } } 2 .. $MOST);
my $begun = time;
$books->sql("SELECT count(btse_stream_start('l1', 'M' || n || '-USD')) FROM generate_series(2, $MOST) AS n");
my $book = $books->sql(q{SELECT btse_stream_start('book', 'BTC-USD')});
note(sprintf 'started in %.1f s', time - $begun);
$books->wait_sql(q{SELECT state || ' ' || count(*) FROM order_gateway_streams GROUP BY state}, "live $MOST", 'all are live', 150);
note(sprintf 'live after %.1f s', time - $begun);
is($books->sql('SELECT count(*) FROM btse_l1'), $MOST - 1, '... and shown');
is(scalar(grep { $_->{open} && keys %{ $_->{topics} } > 100 } @{ $sandbox->streams->{connections} }), 0,
	'... on connections with 100 topics at most');

foreach my $statement (q{SELECT btse_stream_start('l1', 'BTC-USD')}, q{SELECT btse_stream_start('fills')})
{
	my $result = $books->test->session->query($statement);

	is($result->{sqlstate}, '54000', 'one more is refused');
	like($result->{stderr}, qr/ERROR:\s+54000: this database has $MOST streams, and can have no more/, '... it is said why');
	like($result->{stderr}, qr/HINT:\s+The view order_gateway_streams shows them, and btse_stream_stop\(\) ends one\./, '... and what helps');
}

$sandbox->trade(rate => 20, symbols => ['BTC-USD']);
my ($wrong, $seen) = $books->watch('BTC-USD', 0, 2);
is_deeply($wrong, [], 'the book goes on beside them');
cmp_ok($seen, '>', 0, '... and is shown');
$sandbox->stop_trading;
$books->wait_current('BTC-USD', 0, '... until the last message');

$books->sql(q{SELECT btse_stream_stop(stream_id) FROM order_gateway_streams WHERE symbol = 'M2-USD'});
my $fills = $books->follow('fills');
$begun = time;
$books->sql('SELECT count(btse_stream_stop(stream_id)) FROM order_gateway_streams');
$books->wait_sql('SELECT count(*) FROM order_gateway_streams', '0', 'all are stopped');
$books->wait_sql(q{SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'order_gateway stream worker'}, '0',
	'... and nobody follows anything');
note(sprintf 'stopped after %.1f s', time - $begun);
$books->test->wait_until(sub { return $sandbox->streams->{open} == 0 }, '... over any connection');
$books->wait_sql('SELECT (SELECT count(*) FROM btse_l1) + (SELECT count(*) FROM btse_book)', '0', 'nothing is shown');
is($books->events('not_shown'), 0, 'nor was there a moment without room');

$sandbox->stop;
done_testing();
