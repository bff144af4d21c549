# examples/monitoring and streams: what the exporter's queries and the view of what is
# wrong say of streams that are live, stale, refused, locked out of their tables, that
# have holes or no worker; and that nothing of it fails on a standby.

use strict;
use warnings;
use utf8;

use File::Basename qw(dirname);
use Test::More;

use OrderGateway::Books;
use OrderGateway::Monitoring;

my $TOP = $ENV{OG_SOURCE_DIR} // dirname(__FILE__) . '/../..';
my $ROLE = 'order_gateway_monitor';

my $monitoring = OrderGateway::Monitoring->new($TOP);
my %query = map { $_->{name} => $_->{sql} } $monitoring->queries('queries.yaml');

my $books = OrderGateway::Books->start(standby => 1);
my ($test, $node, $sandbox) = ($books->test, $books->node, $books->sandbox);

$node->command_ok([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr('postgres'), '-f',
		$monitoring->path('setup.sql') ], 'setup.sql runs');
my $monitor = $test->session(user => $ROLE);

# What a query says now of the rows with these labels: a column of each, in order.
sub metric
{
	my ($name, $column, %labels) = @_;
	my $sql = $query{$name} =~ s/;?\s*\z//r;
	my @found = grep { my $row = $_; !grep { $row->{$_} ne $labels{$_} } keys %labels }
	  @{ $monitor->rows("SELECT row_to_json(q) FROM ($sql) AS q") };

	return join ' ', sort map { $_->{$column} } @found;
}

sub wait_metric
{
	my ($is_so, $name, @metric) = @_;

	return $test->wait_until(sub { local $_ = metric(@metric); return length($_) && $is_so->(); }, $name);
}

# What is found wrong with streams, and how bad that is; in order.
sub findings
{
	return join ', ', @{ $monitor->query(q{SELECT severity || ' ' || what FROM order_gateway_monitoring.findings
		WHERE what ~ 'stream|book|hole|rows refused' ORDER BY 1})->{lines} };
}

# ----
# Nothing is followed
# ----

is(metric($_, 'database'), '', "without a stream $_ has no row")
  foreach grep { /^order_gateway_(stream|book)/ } sort keys %query;
is(findings(), '', '... and nothing is wrong');

# ----
# Live
# ----

my $book = $books->follow('book', symbol => 'BTC-USD');
my $fills = $books->follow('fills');

subtest 'streams that are live' => sub {
	is(metric('order_gateway_stream_worker', 'running'), 1, 'a stream worker runs');
	is(metric('order_gateway_stream_worker', 'streams'), 2, '... which has two streams to follow');
	is(metric('order_gateway_stream_state', 'state', stream_id => $_), 'live', "stream $_ is live") foreach $book, $fills;
	is(metric('order_gateway_stream_state', 'reason', stream_id => $book), '', '... for which there is no reason');
	cmp_ok(metric('order_gateway_stream_state', 'seconds', stream_id => $book), '<', 60, '... and has not been for long');
	is(metric('order_gateway_stream', 'kind', role => 'postgres', foreign_server => 'btse', symbol => 'BTC-USD', book_grouping => 0),
		'book', 'it is known what it is');
	cmp_ok(metric('order_gateway_stream', 'messages_total', stream_id => $book), '>', 0, '... has messages');
	cmp_ok(metric('order_gateway_stream', 'rows_total', stream_id => $book), '>', 0, '... and rows');
	is(metric('order_gateway_stream', $_, stream_id => $book), 0, "... and no $_")
	  foreach qw(queued gaps_total reconnects_total incomplete_seconds);
	cmp_ok(metric('order_gateway_stream', 'incomplete_seconds', stream_id => $fills), '<', 400,
		'fills are complete until some minutes before they were followed');
	cmp_ok(metric('order_gateway_book', 'age_seconds', symbol => 'BTC-USD'), '<', 90, 'the book is not old');
	cmp_ok(metric('order_gateway_book', 'unwritten_seconds', symbol => 'BTC-USD'), '<', 30, '... and written');
	is(findings(), '', 'nothing is wrong');
	is($monitor->value('SELECT count(*) FROM btse_book'), 0, 'who watches sees no book by the views');
	is($monitor->value('SELECT count(*) FROM btse_fill_log'), 0, '... and no fill');
};

subtest 'depth of a book' => sub {
	my $levels = sub { return $sandbox->book('BTC-USD', 0)->{ $_[0] eq 'buy' ? 'bids' : 'asks' }; };

	foreach my $side (qw(buy sell))
	{
		my @levels = @{ $levels->($side) };
		my $best = $levels[0][0];
		my %depth;

		foreach my $level (@levels)
		{
			foreach my $within ([ '0.1 %', 0.001 ], [ '0.5 %', 0.005 ], [ '1 %', 0.01 ], [ 'all', 1e9 ])
			{
				$depth{ $within->[0] } += $level->[1] if abs($level->[0] / $best - 1) <= $within->[1];
			}
		}
		my %label = (symbol => 'BTC-USD', book_grouping => 0, side => $side);
		cmp_ok(abs(metric('order_gateway_book_depth', 'size', %label, within => $_) - $depth{$_}), '<', 1e-6,
			"$side within $_: the size of all levels as near") foreach sort keys %depth;
		is(metric('order_gateway_book_depth', 'best_price', %label, within => 'all') + 0, $best + 0, '... and the best price');
	}
};

# ----
# Stale, and why
# ----

subtest 'a book that does not come any more' => sub {
	$sandbox->arm('stream_silent', topic => 'update:BTC-USD_0', times => 0);
	$sandbox->close_streams(url => 'book');
	wait_metric(sub { $_ eq 'no data came within 10 s' }, 'it is told why',
		'order_gateway_stream_state', 'reason', stream_id => $book);
	is(metric('order_gateway_stream_state', 'state', stream_id => $book), 'stale', '... it is stale');
	is(metric('order_gateway_book', 'age_seconds'), '', '... and nothing is said of what was its book');
	is(metric('order_gateway_book_depth', 'size'), '', '... nor of its depth');
	cmp_ok(metric('order_gateway_stream', $_, stream_id => $book), '>', 0, "... $_ are counted") foreach qw(gaps_total reconnects_total);
	cmp_ok(metric('order_gateway_stream_recent', 'events', event => 'silent', kind => 'book', symbol => 'BTC-USD'), '>', 0,
		'... and events');
	is(findings(), "critical stream $book is stale", 'it is found to be wrong');
	$sandbox->disarm;
	$books->state_ok($book, 'live', 'it is live again');
	is(findings(), '', '... and nothing is wrong');
};

# ----
# Holes, refused rows, locked tables
# ----

subtest 'a hole' => sub {
	my $told = $books->follow('notifications');

	$sandbox->close_streams(topic => 'fills');
	wait_metric(sub { $_ == 1 }, 'notifications of a time without a connection are lost',
		'order_gateway_stream_recent', 'events', event => 'hole', kind => 'notifications', role => 'postgres');
	is(findings(), 'warning 1 holes', '... which is found to be wrong');
	$books->sql("SELECT btse_stream_stop($told)");
	$books->state_ok($fills, 'live', 'fills are live again');
};

subtest 'a table that refuses a row, and one that is locked' => sub {
	$books->sql('CREATE TABLE few (trade_id text, price numeric CHECK (price > 1e9))');
	my $few = $books->sql(q{SELECT btse_stream_start('trades', 'BTC-USD', into_table => 'few')});

	$sandbox->trade(rate => 50, symbols => ['BTC-USD']);
	wait_metric(sub { $_ > 0 }, 'rows that a table refuses are counted',
		'order_gateway_stream_recent', 'events', event => 'refused_row', kind => 'trades', symbol => 'BTC-USD');
	is(metric('order_gateway_stream_state', 'reason', stream_id => $few), '', '... without the table\'s own words');
	like(findings(), qr/warning \d+ rows refused by a table/, '... and found to be wrong');
	$sandbox->stop_trading;
	$books->sql("SELECT btse_stream_stop($few)");

	my $locker = $test->session;

	$locker->query('BEGIN; LOCK TABLE order_gateway_stream_fill IN EXCLUSIVE MODE');
	$books->fill(3);
	wait_metric(sub { $_ == 3 }, 'rows that wait are counted', 'order_gateway_stream', 'queued', stream_id => $fills);
	my $waits = $sandbox->stream_fills->[-3]{timestamp};
	wait_metric(sub { time - $_ < $waits / 1000 }, '... and fills are not complete meanwhile',
		'order_gateway_stream', 'incomplete_seconds', stream_id => $fills);
	$locker->query('ROLLBACK');
	wait_metric(sub { $_ == 0 }, '... until the lock is gone', 'order_gateway_stream', 'queued', stream_id => $fills);

	$locker->query('BEGIN; LOCK TABLE order_gateway_stream_book IN EXCLUSIVE MODE');
	$sandbox->trade(rate => 50, symbols => ['BTC-USD']);
	wait_metric(sub { $_ > 2 }, 'a book that is not written is known by what is newer',
		'order_gateway_book', 'unwritten_seconds', symbol => 'BTC-USD');
	cmp_ok(metric('order_gateway_book', 'age_seconds', symbol => 'BTC-USD'), '>', 2, '... and by its age');
	$locker->query('ROLLBACK');
	wait_metric(sub { $_ < 2 }, '... until it is', 'order_gateway_book', 'unwritten_seconds', symbol => 'BTC-USD');
	$sandbox->stop_trading;
};

# ----
# Refused, copied, stopped; no worker; a standby
# ----

subtest 'what is refused, and what is not of this installation' => sub {
	my $nowhere = $books->follow('l1', symbol => 'NO-SUCH', state => 'refused');

	like(metric('order_gateway_stream_state', 'reason', stream_id => $nowhere), qr/^the provider answers 1000, /,
		'a market that there is not is refused, and it is told why');
	like(findings(), qr/critical stream $nowhere is refused/, '... and found to be wrong');
	$books->sql("SELECT btse_stream_stop($nowhere)");
	is(metric('order_gateway_stream_state', 'state', stream_id => $nowhere), '', 'what is stopped is not there any more');

	# as a restored dump has it: with a number that is taken here
	$books->sql(qq{INSERT INTO order_gateway_stream
		SELECT '00000000-0000-0000-0000-000000000001', stream_id, kind, symbol, book_grouping, NULL, 0, server_id, server,
		       role_id, role, now() - interval '1 day' FROM order_gateway_stream WHERE stream_id = $fills});
	is(metric('order_gateway_stream_state', 'state', stream_id => $fills), 'live stopped', 'what was restored is stopped');
	is(metric('order_gateway_stream', 'kind', stream_id => $fills), 'fills', '... and told of in no other way');
	unlike(findings(), qr/stream $fills/, '... and not wrong');
};

subtest 'on a standby' => sub {
	my $standby = $test->standby;
	my $there = $test->session(node => $standby, user => $ROLE);

	is($there->error($query{$_}), 'none', "$_ runs") foreach sort keys %query;
	is($there->value("SELECT count(*) FROM ($query{$_}) AS q"), 0, "$_ has no row")
	  foreach grep { /^order_gateway_(stream|book)/ } sort keys %query;
	is($test->session(node => $standby)->value(q{SELECT string_agg(DISTINCT state, ' ') FROM order_gateway_streams}),
		'stale stopped', 'where all streams are stale, who watches is told of none');
	is($there->error('TABLE order_gateway_monitoring.findings'), 'none', 'what is wrong can be asked for');
	is($there->error('SELECT count(*) FROM order_gateway_monitoring.depth()'), 'none', '... and books');
	$standby->stop;
};

subtest 'without a stream worker' => sub {
	$node->append_conf('postgresql.conf', "order_gateway.databases = ''");
	$node->restart;
	$monitor = $test->session(user => $ROLE);
	is(metric('order_gateway_stream_worker', 'running'), 0, 'none runs');
	is(metric('order_gateway_stream_worker', 'streams'), 2, '... though there are streams');
	is(metric('order_gateway_stream_state', 'state', stream_id => $book), 'stale', '... which are stale');
	like(findings(), qr/critical no stream worker/, '... and it is found to be wrong');
	$books->sql('DELETE FROM order_gateway_stream');
	is(metric('order_gateway_stream_worker', 'running'), '', 'where nothing is to be followed none is missing');
};

$sandbox->stop;
done_testing();
