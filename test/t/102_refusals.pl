# Limits that count per host, and what is not sent any more once a provider has
# said "too frequent": requests that are on their way to a connection, and those
# of other sessions.

use strict;
use warnings;
use utf8;

use Test::More;
use Time::HiRes qw(sleep time);

use OrderGateway::Test qw(call_sql letters);

my $test = OrderGateway::Test->start(
	conf => "shared_preload_libraries = 'order_gateway'\n");
my $node = $test->node;
my $sandbox = $test->sandbox;
my $session = $test->session;

sub fresh
{
	$sandbox->reset;
	$sandbox->settings(accept_any_id => 'on', @_);
	return;
}

sub first_ids
{
	return [ map { $_->{ids}[0] } @{ $sandbox->requests } ];
}

# ----
# A limit per host counts the requests of all accounts
# ----

fresh(pace => 'on', pace_tolerance_ms => 20);
$sandbox->pace(provider => 'xt',
	limits => [ { count => 5, seconds => 2, scope => 'host', lane => 'orders' } ]);
my @hosted = map { $test->session } 1 .. 4;
$test->own_server('xt', "xt_host_$_", batch_size => 1, max_wait => 0,
	rate_limit => '100/1s per key, 5/2s per host') foreach 1, 2;
foreach my $n (0 .. 3)
{
	$hosted[$n]->send_call('xt', [ 10 * $n + 1 .. 10 * $n + 5 ],
		server => 'xt_host_' . ($n % 2 + 1));
}
is(letters($_->finish_call), 'CCCCC', 'a session of one of two accounts')
  foreach @hosted;
my $pace = $sandbox->pace;
is($pace->{violations}, 0, '20 requests at 5 in 2 s per host: no violation');
is((grep { $_->{scope} eq 'host' && $_->{provider} eq 'xt' } @{ $pace->{windows} })[0]{max_seen},
	5, '... and the limit is used');
$sandbox->pace(provider => 'xt', limits => 'default');

# ----
# A check that is cancelled in a transaction block leaves the queue at once
# ----

$test->own_server('xt', 'xt_queue', rate_limit => '1/3s per host',
	query_rate_limit => '1/3s per host', max_wait => '1min');
fresh();
is(letters($session->call('xt', [1], server => 'xt_queue')), 'C', 'a turn is taken');
my $blocked = $test->session;
$blocked->query('BEGIN');
$blocked->send(q{SELECT * FROM order_gateway_check('xt_queue')});
sub waiting
{
	return $session->value(
		'SELECT coalesce(sum(sessions_waiting), 0) FROM order_gateway_limits');
}
$test->wait_until(sub { waiting() > 0 }, 'a check waits for its turn');
$session->value('SELECT pg_cancel_backend(' . $blocked->pid . ')');
is($blocked->finish->{sqlstate}, '57014', '... and is cancelled');
is(waiting(), 0, '... and does not wait any more, before any ROLLBACK');
is(letters($session->call('xt', [2], server => 'xt_queue')), 'C',
	'... so nobody has to wait for it');
$blocked->query('ROLLBACK');

# ----
# What has not left by the time of a refusal does not leave
# ----

$test->own_server('xt', 'xt_line', rate_limit => 'off');
# so that connections are known to be dear
is(letters($session->call('xt', [$_], server => 'xt_line')), 'C', 'a call before')
  foreach 1 .. 5;
fresh();
$sandbox->arm('status', provider => 'xt', match_id => 1001, status => 429,
	headers => { 'Retry-After' => 3 });
my $rows = $session->call('xt', [ 1001 .. 1800 ], server => 'xt_line');
is(letters($rows), 'C*800', 'eight batches, of which the first is too frequent');
cmp_ok(scalar(grep { $_->{attempts} == 1 } @$rows), '>=', 700,
	'... and being held back is no attempt');
my ($refused) = grep { $_->{ids}[0] == 1001 } @{ $sandbox->requests };
# what had left over other connections by then could not be held back
is(scalar(grep {
			$_->{connection} == $refused->{connection}
			  && $_->{number} > $refused->{number}
			  && $_->{arrived_at} < $refused->{arrived_at} + 2.9
		} @{ $sandbox->requests }),
	0, '... nothing follows it over its connection before 3 s are over');

# One at a time: the next one only when the last answer was read.
$test->own_server('xt', 'xt_one', rate_limit => 'off', batch_size => 1,
	max_in_flight => 1);
fresh();
$sandbox->arm('too_frequent', provider => 'xt', match_id => 2002);
is(letters($session->call('xt', [ 2001 .. 2003 ], server => 'xt_one')), 'CCC',
	'one request at a time, of which the second is too frequent');
is_deeply(first_ids(), [ 2001, 2002, 2002, 2003 ], '... and goes again before the next');

# ----
# Statistics of a call that is stopped while an answer is read
# ----

$session->query('SELECT order_gateway_stats_reset()');
fresh();
$sandbox->arm('oversize_message', provider => 'xt', times => 0, bytes => 7 * 1024 * 1024);
foreach my $ms (map { 15 + 3 * $_ } 0 .. 20)
{
	$session->query("SET statement_timeout = $ms; SELECT FROM "
		  . call_sql('xt', [ 1 .. 100 ], server => 'xt_line') . ';'
		  . 'RESET statement_timeout');
}
my ($requests, $not_sent, $ids) = split /\|/, $session->value(
	q{SELECT requests, not_sent, cancelled + unknown + rejected + not_found
	  FROM order_gateway_stats WHERE server = 'xt_line'});
is($ids, 100 * $requests, 'every id of a request that left has another outcome than not_sent')
  or diag("$requests requests, $not_sent not sent");

done_testing();
