# Two roles with one account: what that is told is told to each, and each has it once,
# whenever it is written.

use strict;
use warnings;
use utf8;

use Test::More;

use OrderGateway::Appended;

my $streams = OrderGateway::Appended->start;
my $sandbox = $streams->sandbox;

$streams->sql(q{CREATE ROLE second; GRANT USAGE ON FOREIGN SERVER btse TO second;
	GRANT EXECUTE ON FUNCTION btse_stream_start, btse_stream_stop TO second;
	CREATE TABLE fills (serial_id text, filled_price numeric, filled_size numeric, role text);
	GRANT INSERT ON fills TO second});
$streams->sql($sandbox->mapping_sql('btse', role => 'second'));

my @roles = ('postgres', 'second');

foreach my $role (@roles)
{
	$streams->follow('fills', role => $role);
	$streams->follow('fills', role => $role, into => 'fills');
	$streams->follow('notifications', role => $role);
}

sub each_ok
{
	my ($name) = @_;

	foreach my $role (@roles)
	{
		$streams->fills_ok("$name: $role has each fill once", table => "(SELECT * FROM $_ WHERE role = '$role') AS t")
		  foreach 'btse_fill_log', 'fills';
	}
	return;
}

$streams->fill(5);
each_ok('told');

# All that comes while the tables are locked is written in one batch.
my $session = $streams->test->session;

$session->query('BEGIN; LOCK TABLE order_gateway_stream_fill, fills IN ACCESS EXCLUSIVE MODE');
$streams->fill(5);
$streams->wait_sql(q{SELECT bool_and(queued >= 5) FROM order_gateway_streams WHERE kind = 'fills'}, 't',
	'all of it waits');
$session->query('COMMIT');
each_ok('written at once');

# Told, and read: the same.
$session->query('BEGIN; LOCK TABLE order_gateway_stream_fill, fills IN ACCESS EXCLUSIVE MODE');
$streams->fill(3);
$sandbox->close_streams(how => 'drop');
$streams->wait_sql(q{SELECT bool_and(queued > 3 AND state = 'catching_up') FROM order_gateway_streams WHERE kind = 'fills'}, 't',
	'what waits is read once more');
$session->query('COMMIT');
each_ok('told and read');
$streams->wait_sql(q{SELECT string_agg(DISTINCT state, ' ') FROM order_gateway_streams}, 'live', 'all are live');
is($streams->sql(q{SELECT count(DISTINCT n) FROM (SELECT count(*) AS n FROM btse_notification_log GROUP BY role) AS t}), '1',
	'notifications came to both');

# Who stops has no more; the other has.
$streams->sql(q{SET ROLE second; SELECT btse_stream_stop(stream_id) FROM order_gateway_streams WHERE role = 'second'});
$streams->wait_sql(q{SELECT count(*) FROM order_gateway_streams}, '3', 'one role stops');
my $had = $streams->sql(q{SELECT count(*) FROM btse_fill_log WHERE role = 'second'});
$streams->fill(4);
$streams->fills_ok('the other goes on', table => q{(SELECT * FROM btse_fill_log WHERE role = 'postgres') AS t});
is($streams->sql(q{SELECT count(*) FROM btse_fill_log WHERE role = 'second'}), $had, '... alone');

$session->quit;
$sandbox->stop;
done_testing();
