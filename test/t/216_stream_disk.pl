# A full disk under what streams append: what is told waits, orders do not notice, the
# stream says why, and when there is room again nothing is missing.

use strict;
use warnings;
use utf8;

use Test::More;

use OrderGateway::Appended;
use OrderGateway::Disk;

my $disk = OrderGateway::Disk->new;
my $streams = OrderGateway::Appended->start(env => $disk->env, conf => "jit = off\nautovacuum = off\n");
my $sandbox = $streams->sandbox;
my $session = $streams->test->session;

# Rows are long, so that pages are full soon; rows of our log are as long as they are.
$streams->sql(q{CREATE TABLE fills (serial_id text, filled_price numeric, filled_size numeric, raw json,
	padding text DEFAULT repeat('x', 1500))});
$streams->sql('ALTER TABLE fills ALTER padding SET STORAGE PLAIN');

my $log = $streams->follow('fills');
my $into = $streams->follow('fills', into => 'fills');

sub both_ok
{
	my ($name) = @_;

	$streams->fills_ok("$name: the log");
	$streams->fills_ok("$name: the table", table => 'fills');
	return;
}

sub column_of
{
	my ($column, $id) = @_;

	return $session->value("SELECT $column FROM order_gateway_streams WHERE stream_id = $id");
}

$sandbox->settings(accept_any_id => 'on');
$streams->fill(10);
both_ok('while there is room');
is($session->value(q{SELECT outcome FROM btse_cancel('BTC-USD', ARRAY['00000000-0000-4000-8000-000000000001'])}), 'cancelled',
	'an order is cancelled');

my $pid = $session->value(q{SELECT pid FROM pg_stat_activity WHERE backend_type = 'order_gateway stream worker'});
my $begins = $streams->test->log_end;

$disk->fill;
$streams->fill(40);
foreach my $pair ([ $into, 'a table' ], [ $log, 'the log' ])
{
	my ($id, $name) = @$pair;

	$streams->test->wait_until(sub { return (column_of('last_error', $id) // '') =~ /could not extend file/ && column_of('queued', $id) > 0 },
		"a full disk below $name: its stream says so, and what is told waits");
}
is(column_of('state', $_), 'live', '... it is followed') foreach $log, $into;

# Orders are another process's, and need no room of what streams need.
my $order = 100;
foreach my $number (1 .. 5)
{
	my $id = sprintf '00000000-0000-4000-8000-%012d', ++$order;

	is($session->value("SELECT outcome FROM btse_cancel('BTC-USD', ARRAY['$id'])"), 'cancelled', "order $number is cancelled");
}
$streams->fill(20);
is($session->value(q{SELECT pid FROM pg_stat_activity WHERE backend_type = 'order_gateway stream worker'}), $pid,
	'the worker lives on');

# What is told over another connection meanwhile waits as well.
$sandbox->close_streams(how => 'drop');
$streams->fill(5);

$disk->free;
both_ok('with room again');
$streams->state_ok($_, 'live', 'it is live') foreach $log, $into;
is($session->value(q{SELECT count(*) FROM btse_stream_event WHERE event IN ('refused_row', 'hole', 'overflow')}), '0',
	'nothing was refused, and nothing is missing');
is($session->value(q{SELECT pid FROM pg_stat_activity WHERE backend_type = 'order_gateway stream worker'}), $pid,
	'... by the same worker');
unlike($streams->test->log_from($begins), qr/PANIC|was terminated by signal/, 'nobody died of it');

$session->quit;
$sandbox->stop;
done_testing();
