# One pace for all sessions: lanes are in shared memory, and sessions of all
# databases keep within the provider's limits together, at full speed and in the
# order in which they came.
#
# OG_SECONDS is how long the sessions send at the limit, 70 where it is not
# set.

use strict;
use warnings;
use utf8;

use Test::More;
use Time::HiRes qw(sleep time);

use OrderGateway::Test qw(call_sql letters);

my $SECONDS = $ENV{OG_SECONDS} // 70;

my $test = OrderGateway::Test->start(
	preload => 1,
	conf => "order_gateway.max_accounts = 3\n");
my $node = $test->node;
my $sandbox = $test->sandbox;
my $session = $test->session;

$node->safe_psql('postgres', 'CREATE DATABASE other ENCODING UTF8 TEMPLATE template0');
$node->safe_psql('other', 'CREATE EXTENSION order_gateway');
$sandbox->settings(accept_any_id => 'on', pace_tolerance_ms => 100);

# A server with an account of its own, in both databases.
sub shared_server
{
	my ($provider, $name, %options) = @_;
	my $credentials = $sandbox->credentials($provider);

	$test->own_server($provider, $name, %options);
	$_ .= "-$name" foreach values %$credentials;
	$node->safe_psql('other',
		$sandbox->server_sql($provider, name => $name, %options)
		  . $sandbox->mapping_sql($provider, name => $name, %$credentials));
	return;
}

# Requests since the last reset, in order of arrival, by their first id.
sub arrivals
{
	return [ map { $_->{ids}[0] } @{ $sandbox->requests } ];
}

sub waiting
{
	return $session->value(
		'SELECT coalesce(sum(sessions_waiting), 0) FROM order_gateway_limits');
}

# ----
# Sessions use one account at once
# ----

shared_server('xt', 'xt_any', rate_limit => 'off');
$sandbox->arm('black_hole', provider => 'xt', match_id => 1);
my $first = $test->session;
$first->send_call('xt', [1], server => 'xt_any');
ok($sandbox->wait_for(fault => 'black_hole'), 'a call is under way');
is(letters($session->call('xt', [2], server => 'xt_any')), 'C',
	'another one with its account need not wait for it');
$sandbox->disarm;
is(letters($first->finish_call), 'U', '... and both end');

# ----
# Order of arrival, and what waiting costs
# ----

shared_server('tronsave', 'tronsave_slow', rate_limit => '1/4s');
$sandbox->reset;
$sandbox->settings(accept_any_id => 'on');
my @waiters = map { $test->session(database => $_) } qw(postgres other postgres);

is(letters($session->call('tronsave', ['first'], server => 'tronsave_slow')), 'C',
	'a turn is taken');

sub cpu_ticks
{
	my ($pid) = @_;
	my @fields = split ' ',
	  (PostgreSQL::Test::Utils::slurp_file("/proc/$pid/stat") =~ s/.*\) //sr);

	return $fields[11] + $fields[12];
}

foreach my $i (0 .. $#waiters)
{
	$waiters[$i]->send_call('tronsave', ["waiter-$i"], server => 'tronsave_slow');
	$test->wait_until(sub { waiting() == $i + 1 }, 'session ' . ($i + 1) . ' waits');
}
my @ticks = map { cpu_ticks($_->pid) } @waiters;
is(letters($_->finish_call), 'C', '... and gets its turn') foreach @waiters;
is_deeply(arrivals(), [ 'first', map { "waiter-$_" } 0 .. $#waiters ],
	'turns come in the order in which the sessions came');
cmp_ok(cpu_ticks($waiters[2]->pid) - $ticks[2], '<=', 10,
	'waiting for 12 s takes no more than 0.1 s of CPU');
is(waiting(), 0, 'nobody waits any more');

# Each request of a long call waits anew, so others come in between.
$sandbox->reset;
$sandbox->settings(accept_any_id => 'on');
shared_server('tronsave', 'tronsave_fair', rate_limit => '1/1s', batch_size => 1);
$waiters[0]->send_call('tronsave', [qw(a1 a2 a3)], server => 'tronsave_fair');
$test->wait_until(sub { waiting() == 1 }, 'a call of three requests waits');
$waiters[1]->send_call('tronsave', ['b'], server => 'tronsave_fair');
is(letters($waiters[1]->finish_call), 'C', 'a short call goes in between');
is(letters($waiters[0]->finish_call), 'CCC', '... the long one goes on');
is_deeply([ @{ arrivals() }[ 0, 3 ] ], [ 'a1', 'a3' ], '... to its end');

# ----
# Whoever leaves does not keep others waiting
# ----

sub start_waiting
{
	foreach my $i (0 .. $#waiters)
	{
		my $before = waiting();

		$waiters[$i]->send_call('tronsave', ["waiter-$i"], server => 'tronsave_slow');
		$test->wait_until(sub { waiting() == $before + 1 }, 'a session waits');
	}
	return;
}

$session->call('tronsave', ['taken'], server => 'tronsave_slow');
start_waiting();
my $begin = time;
$session->value('SELECT pg_cancel_backend(' . $waiters[0]->pid . ')');
is($waiters[0]->finish->{sqlstate}, '57014', 'the first in the queue is cancelled');
cmp_ok(time - $begin, '<', 3, '... without waiting for its turn');
$session->value('SELECT pg_terminate_backend(' . $waiters[1]->pid . ')');
is($waiters[1]->finish->{sqlstate}, '57P01', '... the next one is terminated');
is(letters($waiters[2]->finish_call), 'C', 'the last one gets the turn');
is(waiting(), 0, '... and nobody is left');
is($session->value(
		q{SELECT used FROM order_gateway_limits WHERE server = 'tronsave_slow' AND class = 'orders'}),
	1, 'what was not used was given back');
$waiters[1] = $test->session(database => 'other');

# A turn that is taken and given back: the connection never comes about.
$session->query("SET client_min_messages = error");
$node->safe_psql('postgres', $sandbox->server_sql('tronsave',
		name => 'tronsave_mute', kind => 'mute', rate_limit => '1/1s',
		connect_timeout => '60s')
	  . $sandbox->mapping_sql('tronsave', name => 'tronsave_mute'));
$waiters[0]->send_call('tronsave', ['never'], server => 'tronsave_mute');
$test->wait_until(
	sub {
		$session->value('SELECT coalesce(max(used), 0) FROM order_gateway_limits'
			  . q{ WHERE server = 'tronsave_mute' AND class = 'orders'}) == 1;
	},
	'a turn is taken while a connection is being made');
$session->value('SELECT pg_terminate_backend(' . $waiters[0]->pid . ')');
$waiters[0]->finish;
$test->wait_until(
	sub {
		$session->value('SELECT max(used) FROM order_gateway_limits'
			  . q{ WHERE server = 'tronsave_mute' AND class = 'orders'}) == 0;
	},
	'... and given back when the backend is terminated');
$waiters[0] = $test->session;

# ----
# "Too frequent" holds all sessions back
# ----

# What earlier parts used would take the places of later ones.
sub restart
{
	$_->quit foreach $session, @waiters;
	$node->restart;
	$session = $test->session;
	@waiters = map { $test->session(database => $_) } qw(postgres other postgres);
	return;
}

restart();
shared_server('xt', 'xt_held', rate_limit => 'off', retries => 0);
$sandbox->reset;
$sandbox->settings(accept_any_id => 'on');
$sandbox->arm('status', provider => 'xt', match_id => 7, status => 429,
	headers => { 'Retry-After' => 3 });
$begin = time;
is(letters($session->call('xt', [7], server => 'xt_held')), 'R',
	'one session is told to wait for 3 s');
like($session->value('SELECT held_until - now() FROM order_gateway_limits'
		  . q{ WHERE server = 'xt_held' AND held_until IS NOT NULL}),
	qr/^00:00:0[12]/, '... which can be seen');
is(letters($waiters[1]->call('xt', [8], server => 'xt_held')), 'C',
	'another one, of another database, may send');
cmp_ok(time - $begin, '>=', 3, '... when they have passed');

# ----
# New memory knows nothing of what was sent before
# ----

# When this server made its shared memory, at the latest.
sub sent_after_start
{
	my ($rows) = @_;

	return $rows->[0]{sent_at} - $session->value(
		'SELECT extract(epoch FROM pg_postmaster_start_time())');
}

shared_server('xt', "xt_$_", rate_limit => '5/60s', max_wait => '30s')
  foreach 1 .. 4;
shared_server('xt', 'xt_second', rate_limit => '5/1s');
restart();
$sandbox->reset;
$sandbox->settings(accept_any_id => 'on');
my $rows = $session->call('xt', [1], server => 'xt_second');
is(letters($rows), 'C', 'a first call');
cmp_ok(sent_after_start($rows), '>=', 1,
	'... waits as if a window of a second were spent');
$rows = $session->call('xt', [2], server => 'xt_1');
is(letters($rows), 'C', 'another one');
cmp_ok(sent_after_start($rows), '>=', 12,
	'... waits for a fifth of the window of a minute that allows five');

# ----
# A table of fixed size
# ----

is(letters($session->call('xt', [$_], server => "xt_$_")), 'C',
	'a place is found for one more account') foreach 2 .. 3;
my $result = $session->query('SELECT * FROM '
	  . call_sql('xt', [4], server => 'xt_4'));
is($result->{sqlstate}, '53400', 'three accounts whose requests count leave no place');
like($result->{stderr}, qr/pace of too many accounts.*order_gateway\.max_accounts/s,
	'... and the error tells what to do');
is(@{ $sandbox->requests }, 4, '... nothing was sent');
is_deeply(
	$session->query('SELECT DISTINCT server FROM order_gateway_limits'
		  . q{ WHERE class = 'orders' ORDER BY 1})->{lines},
	[qw(xt_1 xt_2 xt_3)], 'the account that was idle made room');
$session->quit;
$_->quit foreach @waiters;

# ----
# At the limit
# ----

$node->append_conf('postgresql.conf', 'order_gateway.max_accounts = 64');
$node->restart;
shared_server('xt', 'xt_busy', max_wait => '0', call_timeout => "${SECONDS}s");
$sandbox->reset;
$sandbox->settings(accept_any_id => 'on', pace => 'on', pace_tolerance_ms => 20);
$session = $test->session;
my @senders = map { $test->session(database => $_ % 2 ? 'other' : 'postgres') } 1 .. 8;
# 300 requests of 100 ids each, of which each will get an eighth of the turns
$senders[$_]->send('SELECT count(DISTINCT batch) FILTER (WHERE sent_at IS NOT NULL), '
	  . "count(DISTINCT batch) FILTER (WHERE sent_at IS NOT NULL AND outcome <> 'cancelled') FROM "
	  . call_sql('xt', '(SELECT array_agg(i) FROM generate_series('
		  . ($_ * 100000 + 1) . ", ${_}30000) AS i)", server => 'xt_busy'))
  foreach 1 .. 7, 0;
my $sent = 0;
foreach my $sender (@senders)
{
	my ($requests, $others) = split /\|/, $sender->finish->{lines}[0];

	# The time of the call may be over before the last one is answered.
	$sent += $requests;
	cmp_ok($others, '<=', 1, "a session had $requests of the turns");
}
my $pace = $sandbox->pace;
my ($window) = grep { $_->{who} =~ /xt_busy/ && $_->{scope} eq 'user' } @{ $pace->{windows} };
is($pace->{violations}, 0, "8 sessions in 2 databases send for $SECONDS s: no violation");
is($window->{max_seen}, 10, '... but the limit is reached');
is($window->{requests}, $sent, '... and every request is accounted for');
cmp_ok($sent, '>=', 0.9 * 10 * $SECONDS, "... $sent requests are at least 90 % of the limit");
is_deeply($pace->{locked}, [], '... and the account was not locked');
my ($nonces) = grep { $_->{key} =~ /xt_busy/ } @{ $pace->{nonces} };
is($nonces->{repeated}, 0, '... no nonce was used twice');
done_testing();
