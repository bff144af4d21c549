# Streams go on after restarts, crashes and failovers; a copy of a database does not
# follow them; and a worker that does nothing is seen.

use strict;
use warnings;
use utf8;

use PostgreSQL::Test::Utils ();
use Test::More;
use Time::HiRes qw(sleep time);

use OrderGateway::Books;
use OrderGateway::Journal;
use OrderGateway::Test;

my $books = OrderGateway::Books->start(standby => 1, conf => "order_gateway.databases = 'postgres, copy, restored'\n");
my $test = $books->test;
my $node = $books->node;
my $sandbox = $books->sandbox;
my $WORKER = q{SELECT pid FROM pg_stat_activity WHERE backend_type = 'order_gateway stream worker' AND datname = 'postgres'};
my $book = $books->follow('book', symbol => 'BTC-USD');
my $best = $books->follow('l1', symbol => 'ETH-USD');

sub goes_on
{
	my ($name) = @_;

	$books->state_ok($book, 'live', "$name: the book is live again");
	$books->state_ok($best, 'live', '... and best prices');
	$sandbox->trade(rate => 50, moves => 50, symbols => [ 'BTC-USD', 'ETH-USD' ]);
	sleep 1.5;
	$books->wait_current('BTC-USD', 0, '... and the book is the provider\'s');
	return;
}

# ----
# The process
# ----

subtest 'a worker that is ended' => sub {
	my $pid = $books->sql($WORKER);

	kill 'TERM', $pid;
	$books->wait_sql("SELECT count(*) FROM pg_stat_activity WHERE pid = $pid", '0', 'it ends');
	goes_on('SIGTERM');
	isnt($books->sql($WORKER), $pid, 'that is another one');
};

subtest 'a worker that hangs' => sub {
	my $pid = $books->sql($WORKER);

	kill 'STOP', $pid;
	$books->state_ok($book, 'stale', 'it is stale');
	ok(!$books->is_shown('BTC-USD', 0), '... and not shown');
	kill 'CONT', $pid;
	goes_on('SIGCONT');
};

subtest 'a crash' => sub {
	$test->crash($books->sql($WORKER), 'the server is there again');
	goes_on('kill -9 of the worker');
	$node->stop('immediate');
	$node->start;
	goes_on('an immediate restart');
	$node->restart;
	goes_on('a restart');
	is($books->sql('SELECT count(*) FROM order_gateway_stream_book'), 1, 'there is one row of it');
};

# ----
# Tables
# ----

subtest 'a table that somebody has for himself' => sub {
	my $session = $test->session;

	$session->query('BEGIN; LOCK TABLE order_gateway_stream_event, order_gateway_stream IN ACCESS EXCLUSIVE MODE');
	$sandbox->trade(rate => 50, symbols => ['BTC-USD']);
	my ($wrong, $seen) = $books->watch('BTC-USD', 0, 2);
	is_deeply($wrong, [], 'the book goes on');
	cmp_ok($seen, '>', 0, '... and is shown');
	$session->query('COMMIT');
	$session->query('BEGIN; LOCK TABLE order_gateway_stream_book IN EXCLUSIVE MODE');
	sleep 1;
	is($books->difference('BTC-USD', 0), '', 'a book that cannot be written is the provider\'s, as it was');
	$session->query('COMMIT');
	$sandbox->stop_trading;
	$books->wait_current('BTC-USD', 0, '... until it can');
	my $begins = -s $node->logfile;

	foreach my $does ('VACUUM FULL order_gateway_stream_book', 'TRUNCATE order_gateway_stream_book')
	{
		$books->sql($does);
		$sandbox->trade(rate => 50, moves => 50, symbols => ['BTC-USD']);
		sleep 1.5;
		$books->wait_current('BTC-USD', 0, "$does does no harm");
	}
	unlike(PostgreSQL::Test::Utils::slurp_file($node->logfile, $begins), qr/order_gateway: /,
		'... nor is a row looked for where it was before');
};

# ----
# Databases
# ----

subtest 'commands that need the database for themselves' => sub {
	my $begun = time;

	$node->safe_psql('template1', 'CREATE DATABASE copy TEMPLATE postgres');
	cmp_ok(time - $begun, '<', 5, 'it is copied at once');
	goes_on('after that');
	is($node->safe_psql('copy', 'SELECT DISTINCT state FROM order_gateway_streams'), 'stopped',
		'the copy does not follow them');
	sleep 2.5;
	is($books->sql(q{SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'order_gateway stream worker'}), 1,
		'... and has no worker for that');
	is($node->safe_psql('copy', q{SELECT btse_stream_start('l1', 'BTC-USD') IS NOT NULL}), 't', 'it can have its own');
	my $copy = OrderGateway::Journal->new($node, 'copy');
	$copy->wait_until(q{SELECT count(*) = 1 FROM btse_l1}, '... which is live');
	$node->safe_psql('postgres', 'DROP DATABASE copy');
	pass('a database may be dropped while streams are followed there');
};

subtest 'a dump' => sub {
	my $dump = $node->basedir . '/dump.sql';

	$node->command_ok([ 'pg_dump', '-h', $node->host, '-p', $node->port, '-f', $dump, 'postgres' ], 'it is dumped');
	$node->safe_psql('postgres', 'CREATE DATABASE restored');
	$node->command_ok([ 'psql', '-X', '-v', 'ON_ERROR_STOP=1', '-h', $node->host, '-p', $node->port, '-f', $dump, 'restored' ],
		'... and restored');
	is($node->safe_psql('restored', 'SELECT string_agg(DISTINCT state, \',\') FROM order_gateway_streams'), 'stopped',
		'what was followed is stopped there');
	my $id = $node->safe_psql('restored', 'SELECT stream_id FROM order_gateway_streams LIMIT 1');
	$node->safe_psql('restored', "SELECT btse_stream_stop($id)");
	is($node->safe_psql('restored', 'SELECT count(*) FROM order_gateway_streams'), 1, '... and can be removed');
	cmp_ok($node->safe_psql('restored', q{SELECT btse_stream_start('book', 'BTC-USD')}), '>', $best,
		'numbers go on where they were');
	$node->safe_psql('restored', 'SELECT btse_stream_stop(stream_id) FROM order_gateway_streams');
	$node->safe_psql('postgres', 'DROP DATABASE restored');
};

# ----
# Standbys
# ----

subtest 'a standby' => sub {
	my $standby = $test->standby;
	my $session = $test->session(node => $standby);

	foreach my $view (qw(btse_book btse_book_top btse_l1))
	{
		my $result = $session->query("SELECT count(*) FROM $view");

		is($result->{sqlstate}, '0A000', "$view is not to be had on a standby");
		like($result->{stderr}, qr/Ask the primary server/, '... and it is said where it is');
	}
	is($standby->safe_psql('postgres', 'SELECT DISTINCT state FROM order_gateway_streams'), 'stale',
		'streams are stale there');
	is($session->error("SELECT btse_stream_start('l1', 'BTC-USD')"), '25006', '... and none can be started');
	$node->stop('immediate');
	$standby->promote;
	my $promoted = OrderGateway::Journal->new($standby, 'postgres');
	$promoted->wait_until("SELECT count(*) = 1 FROM btse_book_top", 'after a promotion they go on');
	$promoted->wait_until("SELECT count(*) = 1 FROM btse_l1", '... all of them');
	$standby->stop;
};

$sandbox->stop;
done_testing();
