# How long rows of the extension's own logs are kept.

use strict;
use warnings;
use utf8;

use Test::More;

use OrderGateway::Appended;

my $streams = OrderGateway::Appended->start;
my $sandbox = $streams->sandbox;
my $node = $streams->node;

# What came then, came a while ago.
sub make_older
{
	foreach my $log (qw(fill notification trade))
	{
		$streams->sql("UPDATE order_gateway_stream_$log SET received_at = received_at - interval '3 days'");
	}
	return;
}

sub counts
{
	return $streams->sql(q{SELECT (SELECT count(*) FROM btse_fill_log) || ' ' ||
		(SELECT count(*) FROM btse_notification_log)});
}

my $fills = $streams->follow('fills');
my $told = $streams->follow('notifications');

$streams->fill(30);
$streams->fills_ok('fills');
$streams->wait_sql(q{SELECT count(*) > 0 FROM btse_notification_log}, 't', 'notifications');
my $notified = $streams->sql('SELECT count(*) FROM btse_notification_log');

make_older();
$streams->fill(5);
$streams->fills_ok('others');
my $before = counts();
$streams->sql(q{ALTER SYSTEM SET order_gateway.stream_keep = '1d'});
$node->reload;
$streams->wait_sql('SELECT count(*) FROM btse_fill_log', '5', 'what is old goes', 90);
$streams->wait_sql(qq{SELECT count(*) FROM btse_notification_log
	WHERE received_at < now() - interval '1 day'}, '0', 'so do notifications', 90);

# what went does not come again
$sandbox->close_streams(how => 'drop');
$streams->state_ok($fills, 'live', 'live again');
is($streams->sql('SELECT count(*) FROM btse_fill_log'), '5', 'what went is not read again');

# who stops a stream leaves its rows
$streams->sql("SELECT btse_stream_stop($fills)");
is($streams->sql('SELECT count(*) FROM btse_fill_log'), '5', 'rows stay when a stream is stopped');
$streams->wait_sql("SELECT count(*) FROM order_gateway_stream_mark WHERE stream_id = $fills", '0',
	'its marks do not', 90);

done_testing();
