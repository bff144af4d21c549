# A standby that is promoted follows what was followed: the logs are complete, and the
# ledger, which came with them, keeps fills single.

use strict;
use warnings;
use utf8;

use Test::More;

use OrderGateway::Appended;
use OrderGateway::Journal;

my $streams = OrderGateway::Appended->start(standby => 1);
my $sandbox = $streams->sandbox;
my $primary = $streams->node;
my $worker = q{SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'order_gateway stream worker'};

$streams->sql('CREATE TABLE fills (serial_id text, filled_price numeric, filled_size numeric)');

my @ids = ($streams->follow('fills'), $streams->follow('fills', into => 'fills'));
my $told = $streams->follow('notifications');
my $book = $streams->sql(q{SELECT btse_stream_start('book', 'BTC-USD')});
my $best = $streams->sql(q{SELECT btse_stream_start('l1', 'BTC-USD')});

$streams->state_ok($_, 'live', 'the market is followed') foreach $book, $best;
$streams->fill(10);
$streams->fills_ok('the log of the primary');
$streams->fills_ok('its table', table => 'fills');
$streams->wait_sql('SELECT count(*) > 0 FROM btse_notification_log', 't', 'notifications');

my $standby = $streams->test->standby;
my $session = $streams->test->session(node => $standby);

# ----
# A standby
# ----

$streams->fill(3);
$streams->fills_ok('more of them');
$primary->wait_for_catchup($standby);
foreach my $view (qw(btse_book btse_book_top btse_l1))
{
	my $result = $session->query("SELECT count(*) FROM $view");

	is($result->{sqlstate}, '0A000', "$view is not to be had on a standby");
	like($result->{stderr}, qr/HINT:\s+Ask the primary server/, '... and it is said where it is');
}
is($session->value($_), $streams->sql($_), 'logs are: the same')
  foreach 'SELECT count(*) || \' \' || sum(filled_size) FROM btse_fill_log', 'SELECT count(*) FROM btse_notification_log';
is($session->value('SELECT string_agg(DISTINCT state, \' \') FROM order_gateway_streams'), 'stale', 'nothing is followed there');
is($session->value($worker), 0, '... by nobody');
is($session->error("SELECT btse_stream_stop($book)"), '25006', 'nor can a stream be stopped there');
$session->quit;

# ----
# Promoted
# ----

$primary->stop('immediate');
$streams->fill(4);
$standby->promote;
$streams->{test}{node} = $standby;
$streams->fill(2);
$streams->state_ok($_, 'live', 'promoted: it is followed there') foreach @ids, $told, $book, $best;
is($streams->sql($worker), 1, '... by one worker');
$streams->fills_ok('the log is complete, and each fill there once');
$streams->fills_ok('so is the table', table => 'fills');
$streams->wait_sql('SELECT count(*) FROM btse_book_top', '1', 'the book is shown');
$streams->wait_sql('SELECT count(*) FROM btse_l1', '1', 'so are best prices');
$streams->wait_sql(q{SELECT count(*) FROM btse_stream_event WHERE event = 'hole' AND kind = 'notifications'
	AND from_time < to_time}, '1', 'of notifications an event names the time that is missing');
is($streams->sql(q{SELECT count(*) FROM btse_stream_event WHERE event = 'hole' AND kind <> 'notifications'}), '0',
	'... and of nothing else');
$streams->fill(3);
$streams->fills_ok('it goes on');

# Once more a connection is lost: what was read before is not read into it again.
$sandbox->close_streams(how => 'drop');
$streams->fill(2);
$streams->fills_ok('after another loss', table => $_) foreach 'btse_fill_log', 'fills';

$standby->stop;
$sandbox->stop;
done_testing();
