# pg_upgrade may give a server the OID that another one had.  What is known of either
# is known of it afterwards: heartbeats, calls that wait, orders that are unknown.
# 174, 187 and 212 upgrade; here rows have OIDs as an upgrade leaves them.

use strict;
use warnings;
use utf8;

use Test::More;

use OrderGateway::Heartbeat;
use OrderGateway::Journal;
use OrderGateway::Test;

my $test = OrderGateway::Test->start(OrderGateway::Journal::worker(),
	options => { rate_limit => 'off', query_rate_limit => 'off', settle_after => '1h' });
my ($node, $sandbox) = ($test->node, $test->sandbox);
my $journal = OrderGateway::Journal->new($node);
my $hearts = OrderGateway::Heartbeat->new($test, $journal);

my %MS = (one => 600_000, two => 1_200_000, three => 1_800_000);

# Timeouts that its account was given.
sub timeouts
{
	my ($name) = @_;
	my %seen = map { $_->{timeout} => 1 } $hearts->done($name, 'timer_set');

	return join ' ', sort { $a <=> $b } keys %seen;
}

# One, two, three had the OIDs that two, three and one have now; functions had others.
sub upgrade
{
	my $in = 'moved';
	my @tables = qw(order_gateway_heartbeat_wish order_gateway_heartbeat order_gateway_journal_call
	  order_gateway_journal_unsettled);

	$journal->sql(qq{
		CREATE TEMP TABLE $in AS SELECT s.oid AS now,
			(SELECT o.oid FROM pg_foreign_server AS o
			WHERE o.srvname = CASE s.srvname WHEN 'one' THEN 'two' WHEN 'two' THEN 'three' ELSE 'one' END) AS before
		FROM pg_foreign_server AS s WHERE s.srvname IN ('one', 'two', 'three');
	} . join '', map { qq{
		UPDATE $_ SET server_id = server_id::int8 + 1000000 FROM $in WHERE server_id = now;
		UPDATE $_ SET server_id = before FROM $in WHERE server_id = now::int8 + 1000000;
	} } @tables);
	$journal->sql(q{UPDATE order_gateway_heartbeat_wish SET function_id = 1;
		UPDATE order_gateway_journal_call SET function_id = 1;
		UPDATE order_gateway_installation SET system_identifier = 1});
	return;
}

sub restart
{
	my ($databases) = @_;

	$node->append_conf('postgresql.conf', "order_gateway.databases = '$databases'\n");
	$node->restart;
	return;
}

# ----
# Before
# ----

$journal->wait_for_worker('there is a worker');
foreach my $name (sort keys %MS)
{
	$hearts->add($name);
	$hearts->start($name, $MS{$name} / 1000 . ' s');
	$hearts->wait_for($name, 'armed', "$name is armed");
	$sandbox->seed('btse', market => 'BTC-USD', ids => ["lost-$name"], account => $hearts->account($name));
}
$sandbox->arm('close_after', provider => 'btse', times => 1, operation => 'cancel');
my $lost = $journal->submit('btse_cancel', q{'BTC-USD'}, q{ARRAY['lost-one']}, q{server => 'one'});
$journal->wait_for($lost, 'done', 'a call is made');
is($journal->letters($lost), 'U', '... whose answer is lost');
my $queued = $journal->submit('btse_cancel', q{'BTC-USD'}, q{ARRAY['lost-two']}, q{server => 'two'},
	q{not_before => now() + interval '1 hour'}, q{expires_at => now() + interval '2 hours'});
restart('');

# A wish that no worker has seen.
$journal->sql(q{INSERT INTO order_gateway_heartbeat_wish
	SELECT installation, nextval('order_gateway_call_id'), function, function_id, server_id, server, role_id, role,
		1500000, now()
	FROM order_gateway_heartbeat_wish WHERE server = 'two'});
my %before = map { $_ => timeouts($_) } keys %MS;
is_deeply(\%before, \%MS, 'each account has a timer of its own');

# ----
# After
# ----

upgrade();
isnt($journal->sql(q{SELECT string_agg(w.server, ' ' ORDER BY s.srvname)
		FROM order_gateway_heartbeat_wish AS w JOIN pg_foreign_server AS s ON s.oid = w.server_id}),
	'one three two two', 'rows have OIDs of other servers');
restart('postgres');
$journal->wait_for_worker('there is a worker again');
$hearts->wait_until($_, q{beats > 1 AND state = 'armed' AND outcome = 'accepted'}, "$_ is armed again")
  foreach sort keys %MS;
is($journal->sql(q{SELECT string_agg(server || ' ' || extract(epoch FROM timeout)::int, ', ' ORDER BY server)
		FROM order_gateway_heartbeats}),
	'one 600, three 1800, two 1500', '... with what was wished of it');
is(timeouts('one'), $MS{one}, 'no account was given the timer of another one: one');
is(timeouts('two'), "$MS{two} 1500000", '... two, for which something else was wished since');
is(timeouts('three'), $MS{three}, '... three');

$journal->sql(q{UPDATE order_gateway_journal_result SET sent_at = sent_at - interval '2 min';
	UPDATE order_gateway_journal_unsettled SET since = since - interval '2 min'});
$journal->sql("ALTER SERVER $_ OPTIONS (SET settle_after '1s')") foreach sort keys %MS;
$journal->wait_until("SELECT outcome <> 'unknown' FROM order_gateway_results WHERE call_id = $lost",
	'it is found out what became of the order');
is($journal->sql("SELECT outcome || ' ' || order_state FROM order_gateway_results WHERE call_id = $lost"),
	'cancelled cancelled', '... where it is');
$journal->wait_until('SELECT count(*) = 0 FROM order_gateway_journal_unsettled', '... and nobody asks any more');

$journal->sql("UPDATE order_gateway_journal_call SET not_before = now() WHERE call_id = $queued");
$node->restart;
$journal->wait_for($queued, 'done', 'what was queued is made');
is($journal->letters($queued), 'C', '... where its order is');
is($hearts->fired($_), 0, "the timer of $_ did not fire") foreach sort keys %MS;

$sandbox->stop;
done_testing();
