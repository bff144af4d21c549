# What streams tell settles the journal, before anybody asks; and notifications, which
# no read tells once more.

use strict;
use warnings;
use utf8;

use Test::More;

use OrderGateway::Appended;
use OrderGateway::Journal;

my $streams = OrderGateway::Appended->start(options => { settle_after => '1h' });
my $sandbox = $streams->sandbox;
my $journal = OrderGateway::Journal->new($streams->node);

# Submit, and have the answer be lost; "processed": it is carried out.
sub lose
{
	my ($operation, $processed, $function, @arguments) = @_;
	my $fault = $sandbox->arm($processed ? 'close_after' : 'close_before',
		provider => 'btse', times => 0, operation => $operation);
	my $call = $journal->submit($function, @arguments);

	$journal->wait_for($call, 'done', "$function: the answer is lost");
	$sandbox->disarm($fault);
	return $call;
}

sub outcome_ok
{
	my ($call, $expected, $name) = @_;

	return $streams->wait_sql(qq{SELECT outcome || ' ' || (settled_at IS NOT NULL) || ' ' || answered_outcome
		FROM order_gateway_results WHERE call_id = $call}, $expected, $name, 20);
}

my $fills = $streams->follow('fills');
my $told = $streams->follow('notifications');

# ---------- notifications ----------

$sandbox->seed('btse', market => 'BTC-USD', ids => ['a1b2c3d4-0000-4000-8000-000000000001'],
	fields => { size => '3.5', price => '10' });
$streams->sql(q{SELECT * FROM btse_cancel('BTC-USD', ARRAY['a1b2c3d4-0000-4000-8000-000000000001'])});
$streams->wait_sql(q{SELECT string_agg(status::text, ',' ORDER BY received_at) FROM btse_notification_log
	WHERE order_id = 'a1b2c3d4-0000-4000-8000-000000000001'}, '6', 'a notification');
is($streams->sql(q{SELECT DISTINCT format('%s %s %s', server, role, symbol) FROM btse_notification_log}),
	'btse postgres BTC-USD', 'its columns');

# ---------- the journal ----------

my $create = lose('create_order', 1, 'btse_create_order',
	q{symbol => 'BTC-USD', side => 'BUY', type => 'LIMIT', size => 0.01, price => 100});
outcome_ok($create, 'accepted true unknown', 'a create whose answer was lost is accepted: a notification says so');

my $order = $streams->sql(qq{SELECT order_id FROM order_gateway_results WHERE call_id = $create});
my ($exchange_id) = map { $_->{orderID} }
  grep { ($_->{clOrderID} // '') eq $order } @{ $sandbox->stream_notifications };

my $cancel = lose('cancel', 1, 'btse_cancel', q{'BTC-USD'}, "ARRAY['$exchange_id']");
outcome_ok($cancel, 'cancelled true unknown', 'so is a cancel');

my $nothing = lose('create_order', 0, 'btse_create_order',
	q{symbol => 'BTC-USD', side => 'BUY', type => 'LIMIT', size => 0.01, price => 100});
outcome_ok($nothing, 'unknown false unknown', 'of what was not done nothing is told');

# an order that is filled at once
$sandbox->put('btse', 'book', { symbol => 'BTC-USD', buy => [ [ '90', '5' ] ], sell => [ [ '110', '5' ] ] });
my $filled = lose('create_order', 1, 'btse_create_order',
	q{symbol => 'BTC-USD', side => 'BUY', type => 'LIMIT', size => 0.01, price => 120});
outcome_ok($filled, 'accepted true unknown', 'an order that is filled is accepted');

# ---------- by fills alone ----------

$streams->sql("SELECT btse_stream_stop($told)");
my $by_fill = lose('create_order', 1, 'btse_create_order',
	q{symbol => 'BTC-USD', side => 'BUY', type => 'LIMIT', size => 0.01, price => 120});
outcome_ok($by_fill, 'accepted true unknown', 'a fill says so, too');
$streams->fills_ok('and is there');

# ---------- a user's own id settles nothing ----------

$told = $streams->follow('notifications');
my $own = lose('create_order', 1, 'btse_create_order',
	q{symbol => 'BTC-USD', side => 'BUY', type => 'LIMIT', size => 0.01, price => 100, client_order_id => 'mine-1'});
$streams->wait_sql(q{SELECT count(*) FROM btse_notification_log WHERE client_order_id = 'mine-1'}, '1',
	'a notification about an order by a user\'s own id');
outcome_ok($own, 'unknown false unknown', 'it settles nothing, since the id may be given again');

# ---------- another account may have an order of that name ----------

my $SAME = 'a1b2c3d4-0000-4000-8000-000000000099';

sub other_role
{
	my ($role, %key) = @_;

	$streams->sql("CREATE ROLE $role; GRANT USAGE ON FOREIGN SERVER btse TO $role;"
		  . "GRANT EXECUTE ON FUNCTION btse_stream_start TO $role");
	$streams->sql($sandbox->mapping_sql('btse', role => $role, %key));
	return $streams->follow('notifications', role => $role);
}

# That an order was cancelled, told to all who are connected for this account.
sub tell_cancelled
{
	my ($account) = @_;

	foreach my $connection (grep { $_->{open} && ($_->{account} // '') eq $account } @{ $sandbox->streams->{connections} })
	{
		$sandbox->send_stream(sprintf('{"topic":"notificationApiV3","data":{"symbol":"BTC-USD","orderID":"%s","side":"BUY",'
			. '"orderType":76,"price":10,"status":6,"clOrderID":"","timestamp":%d}}', $SAME, 1000 * time),
			connection => $connection->{connection});
	}
	return;
}

my %other = (api_key => 'other-key', secret_key => 'other-secret');
$sandbox->add_account('btse', \%other);
my $others = other_role('other', %other);
$streams->sql("SELECT btse_stream_stop($_)") foreach $told, $fills;
my $theirs = lose('cancel', 0, 'btse_cancel', q{'BTC-USD'}, "ARRAY['$SAME']");
tell_cancelled('other-key');
$streams->wait_sql(qq{SELECT string_agg(DISTINCT role, ',') FROM btse_notification_log WHERE order_id = '$SAME'}, 'other',
	'an order of the same name of another account is cancelled');
$streams->sql('SELECT pg_catalog.pg_sleep(3)');
outcome_ok($theirs, 'unknown false unknown', 'it settles nothing of ours');
$streams->sql("SELECT btse_stream_stop($others)");

# a role with the same key has the same account
my $twin = other_role('twin');
tell_cancelled($sandbox->credentials('btse')->{api_key});
outcome_ok($theirs, 'cancelled true unknown', 'what a role of the same account is told does');
$streams->sql("SELECT btse_stream_stop($twin)");
$fills = $streams->follow('fills');
$told = $streams->follow('notifications');

# ---------- what turns unknown after it was told ----------

$sandbox->arm('black_hole', provider => 'btse', operation => 'create_order');
my $late = $journal->submit('btse_create_order',
	q{symbol => 'BTC-USD', side => 'BUY', type => 'LIMIT', size => 0.02, price => 100});
$streams->wait_sql(q{SELECT count(*) FROM btse_notification_log WHERE original_order_base_size = 0.02}, '1',
	'a notification comes before any answer');
$streams->kill_worker;
outcome_ok($late, 'accepted true unknown', 'what a crash makes unknown is settled by what was told before');
$streams->state_ok($told, 'live', 'after the crash: notifications are told again');

# ---------- what is lost together with a connection ----------

# An order that is cancelled, of which a notification tells.
sub cancel_one
{
	my ($number) = @_;
	my $order = "a1b2c3d4-0000-4000-8000-000000000$number";

	$sandbox->seed('btse', market => 'BTC-USD', ids => [$order], fields => { size => '3.5', price => '10' });
	$streams->sql("SELECT * FROM btse_cancel('BTC-USD', ARRAY['$order'])");
	return;
}

sub in_hole_ok
{
	my ($number, $name) = @_;
	my ($lost) = grep { ($_->{orderID} // '') =~ /$number$/ } @{ $sandbox->stream_notifications };

	return $streams->wait_sql("SELECT count(*) > 0 FROM btse_stream_event WHERE event = 'hole' AND kind = 'notifications'
		AND to_timestamp($lost->{timestamp} / 1000.0) BETWEEN from_time AND to_time", 't', $name);
}

# A notification that is told late, or never, after others that happened later.
$sandbox->arm('stream_late', provider => 'btse', topic => 'notificationApiV3', ms => 600_000, times => 1);
cancel_one($_) foreach 201, 202;
$streams->wait_sql(q{SELECT string_agg(right(order_id, 3), ',') FROM btse_notification_log
	WHERE order_id ~ '00020[12]$'}, '202', 'one notification overtakes another one');
$sandbox->close_streams(how => 'drop');
in_hole_ok(201, 'the connection is lost, and the other one with it: the hole is of its time, too');
$sandbox->disarm;
$streams->state_ok($told, 'live', 'they are told again');

# A worker that is kept waiting takes a message long after it came; what came behind it
# is lost with the connection.
{
	my $pid = $streams->sql(q{SELECT pid FROM pg_stat_activity WHERE backend_type = 'order_gateway stream worker'});

	kill 'STOP', $pid;
	$sandbox->send_stream('this is not JSON', topic => 'notificationApiV3');
	cancel_one(203);
	sleep 12;
	kill 'CONT', $pid;
	in_hole_ok(203, 'a worker that waits: the hole begins when it last heard all');
	$streams->state_ok($told, 'live', 'they are told again');
	is($streams->sql(q{SELECT count(*) FROM btse_notification_log WHERE order_id ~ '000203$'}), '0', '... and that one was lost');
}

# ---------- a span without a connection ----------

my $events = $streams->sql(q{SELECT count(*) FROM btse_stream_event WHERE event = 'hole'});
$sandbox->close_streams(how => 'drop');
$streams->wait_sql(q{SELECT count(*) FROM btse_stream_event WHERE event = 'hole' AND kind = 'notifications'
	AND from_time < to_time}, $events + 1, 'notifications of a disconnect are lost, and an event names the time');
$streams->state_ok($told, 'live', 'they are told again');

$streams->kill_worker;
$streams->wait_sql(q{SELECT count(*) FROM btse_stream_event WHERE event = 'hole' AND kind = 'notifications'},
	$events + 2, 'so are those of a crash');
$streams->state_ok($told, 'live', 'and they are told again');

done_testing();
