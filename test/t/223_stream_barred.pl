# A table that takes no rows for a while: what was told meanwhile waits, and comes
# when it does, though nobody tells it again.

use strict;
use warnings;
use utf8;

use Test::More;

use OrderGateway::Appended;

my $streams = OrderGateway::Appended->start;
my $sandbox = $streams->sandbox;

$streams->add_trader(q{
	CREATE TABLE desk.notifications (order_id text, raw json);
	CREATE TABLE desk.fills (serial_id text NOT NULL, filled_size numeric);
	CREATE TABLE desk.trades (trade_id text NOT NULL, size numeric)});

# How a stream is started, and what the log has that the table lacks.
my %STREAM = (
	notifications => [ {},
		q{SELECT (SELECT count(*) FROM btse_notification_log) - (SELECT count(*) FROM desk.notifications)} ],
	fills => [ {}, q{SELECT count(*) FROM btse_fill_log WHERE serial_id NOT IN (SELECT serial_id FROM desk.fills)} ],
	trades => [ { symbol => 'BTC-USD' }, q{SELECT count(*) FROM btse_trade_log
		WHERE trade_id::bigint >= (SELECT min(trade_id::bigint) FROM desk.trades)
			AND trade_id NOT IN (SELECT trade_id FROM desk.trades)} ]);
my %own;

foreach my $kind (sort keys %STREAM)
{
	my %options = %{ $STREAM{$kind}[0] };

	$streams->follow($kind, %options);
	$own{$kind} = $streams->follow($kind, %options, role => 'trader', into => "desk.$kind");
}

sub agree
{
	my ($name) = @_;

	$streams->wait_sql($STREAM{$_}[1], '0', "$name: no $_ lack", 30) foreach sort keys %STREAM;
	return;
}

# More than one order, filled, and trades of the market.
sub happen
{
	$streams->fill(4);
	$sandbox->trade(rate => 50, moves => 40, symbols => ['BTC-USD']);
	return;
}

happen();
agree('as it should be');

$streams->wait_sql('SELECT count(*) > 0 FROM desk.notifications', 't', 'there are notifications');

my $notes = $streams->sql('SELECT count(*) FROM btse_notification_log');

foreach my $kind (sort keys %STREAM)
{
	$streams->sql("REVOKE INSERT ON desk.$kind FROM trader");
}
$streams->state_ok($own{$_}, 'refused', "a right that is lost: $_ are refused") foreach sort keys %STREAM;
my $before = $streams->sql('SELECT max(event_id) FROM btse_stream_event');
happen();
$streams->wait_sql('SELECT count(*) > ' . $notes . ' FROM btse_notification_log', 't', 'more is told meanwhile');
sleep(2);
$streams->sql("GRANT INSERT ON desk.$_ TO trader") foreach sort keys %STREAM;
$streams->state_ok($own{$_}, 'live', "given back: $_ are live") foreach sort keys %STREAM;
agree('and all that was told is there');
is($streams->sql("SELECT count(*) FROM btse_stream_event WHERE event_id > $before AND event IN ('hole', 'overflow', 'refused_row')"),
	'0', '... nothing was lost');

$sandbox->stop;
done_testing();
