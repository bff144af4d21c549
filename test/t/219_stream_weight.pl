# How often books are written, and what that leaves in their table: with a flush of 0
# each message at once; the table stays as large as it is; and where somebody looks at
# what was for long, so that nothing of it can go, books are written seldom after a
# while, and their age tells.

use strict;
use warnings;
use utf8;

use Test::More;
use Time::HiRes qw(sleep time);

use OrderGateway::Books;
use OrderGateway::Clock;

my $COUNT = 40;
my $MIB = 1024 * 1024;

# More than this may not be dead weight: as in the source.
my $BOUND = 64 * $MIB;

my $clock = OrderGateway::Clock->new;
my $books = OrderGateway::Books->start(
	env => $clock->env,
	conf => "order_gateway.stream_flush = '1min'\nautovacuum = off\njit = off\n");
my $sandbox = $books->sandbox;

sub size { return $books->sql(q{SELECT pg_total_relation_size('order_gateway_stream_book')}); }
sub oldest { return $books->sql('SELECT extract(epoch FROM max(age)) FROM btse_book_top'); }
sub rows { return $books->sql('SELECT sum(rows) FROM order_gateway_streams'); }

# ----
# When they are written
# ----

my $fills = $books->sql(q{SELECT btse_stream_start('fills')});

ok($sandbox->wait_for(topic => 'fills'), 'fills are followed');
$books->fill(1);
sleep 3;
is($books->sql('SELECT count(*) FROM btse_fill_log'), 0, 'a minute\'s flush: a fill is not written at once');
$clock->pass(60);
$books->fills_ok('... but after a minute');
$books->sql('ALTER SYSTEM SET order_gateway.stream_flush = 0');
$books->node->reload;
$books->fill(1);
$books->fills_ok('with 0 one is written as soon as it comes, without a minute that passes', seconds => 30);
$books->fill(1);
$books->fills_ok('... and each', seconds => 30);
$books->sql("SELECT btse_stream_stop($fills)");

# ----
# Books, of as many servers, so that each message is told of each
# ----

$books->sql($sandbox->server_sql('btse', name => "book_$_", streams => 1, rate_limit => 'off')
	  . "SELECT btse_stream_start('book', 'BTC-USD', server => 'book_$_')") foreach 1 .. $COUNT;
$books->wait_sql(q{SELECT count(*) FROM order_gateway_streams WHERE state = 'live'}, $COUNT, 'books are live');

my $seq = 1_000_000;

sub message
{
	my ($type, $bids, $asks) = @_;
	my $sides = join ',', map { my ($name, $levels) = @$_;
		qq{"$name":[} . join(',', map { sprintf '["%.1f","%.5f"]', @$_ } @$levels) . ']' } [ bids => $bids ], [ asks => $asks ];
	my $text = sprintf '{"topic":"update:BTC-USD%s","data":{%s,"seqNum":%d,"prevSeqNum":%d,"type":"%s","timestamp":%d,"symbol":"BTC-USD"}}',
		$type eq 'snapshot' ? '_0' : '', $sides, $seq, $seq - 1, $type, 1000 * time;

	$seq++;
	return $sandbox->send_stream($text, topic => 'update:BTC-USD_0');
}

sub change { return message('delta', [ [ 59_000.5, 1 + $seq % 1000 / 1000 ] ], []); }

# Until that is so, for at most so many seconds of changes.
sub change_until
{
	my ($condition, $seconds) = @_;
	my $until = time + $seconds;

	while (time < $until)
	{
		change() foreach 1 .. 20;
		return 1 if $condition->();
	}
	return 0;
}

is(message('snapshot', [ map { [ 59_000.5 - $_, 1.12345 + $_ ] } 0 .. 49 ], [ map { [ 59_001.5 + $_, 1.12345 + $_ ] } 0 .. 49 ]),
	$COUNT, 'all are told of a deep book');
$books->wait_sql("SELECT count(*) FROM btse_book WHERE level = 50", 2 * $COUNT, '... and have it');

# ----
# A table that stays as it is
# ----

my $enough = rows() + 100 * $COUNT;

ok(change_until(sub { rows() >= $enough }, 60), 'each is written a hundred times');
my $flat = size();
$enough += 100 * $COUNT;
ok(change_until(sub { rows() >= $enough }, 60), '... and again');
cmp_ok(size(), '<=', $flat + $MIB, 'the table is no larger for that');
cmp_ok($flat, '<', 4 * $MIB, '... and is small');

# ----
# One who looks for long
# ----

my $session = $books->test->session;

$session->query('BEGIN ISOLATION LEVEL REPEATABLE READ');
my $seen = $session->value('SELECT DISTINCT seq FROM btse_book_top');
ok(change_until(sub { return size() > $BOUND / 2 && (oldest() || 0) > 5 }, 120), 'where nothing can go, books are written seldom after a while');
is($books->sql(q{SELECT DISTINCT state FROM order_gateway_streams}), 'live', '... they are live, and their age tells');
my $heavy = size();
cmp_ok($heavy, '<', 2 * $BOUND, '... when there is as much of it as there may be');
my $before = rows();
change() foreach 1 .. 100;
$clock->pass(10);
$books->wait_sql("SELECT sum(rows) >= $before + $COUNT FROM order_gateway_streams", 't', 'each 10 s they are written');
cmp_ok(rows(), '<', $before + 50 * $COUNT, '... and not for each of a hundred messages');
cmp_ok(size(), '<', $heavy + $MIB, '... so that the table hardly grows');
is($session->value('SELECT DISTINCT seq FROM btse_book_top'), $seen, 'who looks has the same all the time');
$session->query('COMMIT');

$clock->pass(10);
change();
$before = rows();
ok(change_until(sub { return rows() > $before + 20 * $COUNT }, 60), 'when he has gone, they are written as ever');
cmp_ok(oldest(), '<', 5, '... and are young');
is($books->events('gap') + $books->events('went_back'), 0, 'nothing was wrong with them');

$session->quit;
$sandbox->stop;
done_testing();
