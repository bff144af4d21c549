# A clock that is set, back or forward, while the server runs: pauses and windows
# last for as long as they are, neither longer nor shorter, and what is signed
# with the time is right again as soon as the clock is.

use strict;
use warnings;
use utf8;

use Test::More;
use Time::HiRes qw(sleep time);

use OrderGateway::Clock;
use OrderGateway::Test qw(letters);

my $NOW = 3 * 3600;
my $HOUR = 3600;

# Wrong at first.
my $clock = OrderGateway::Clock->new(ahead => $NOW);

my $test = OrderGateway::Test->start(
	options => { max_wait => '20s', retries => 0 },
	env => $clock->env,
	conf => "jit = off\n");
my $node = $test->node;
my $sandbox = $test->sandbox;
my $session = $test->session;
my $waiter = $test->session;

sub fresh
{
	$sandbox->reset;
	$sandbox->settings(accept_any_id => 'on', pace => 'on', pace_tolerance_ms => 20, @_);
	$clock->set($NOW);
	return;
}

# How far the server's clock is ahead, in hours.
sub hours_ahead
{
	return sprintf '%.0f',
	  ($session->value('SELECT extract(epoch FROM clock_timestamp())') - time) / $HOUR;
}

is(hours_ahead(), 3, 'the clock is wrong');
$clock->set($NOW - $HOUR);
is(hours_ahead(), 2, '... and can be set');

# Do it, set the clock, do it again; answers how much later that was.
sub seconds_between
{
	my ($shift, $first, $second) = @_;
	my $begin;

	$first->();
	$begin = time;
	$clock->set($NOW + $shift);
	$second->();
	return time - $begin;
}

# ----
# A pause
# ----

foreach my $shift (-$HOUR, $HOUR, -2 * $HOUR)
{
	my $name = 'xt_held' . abs($shift) . ($shift < 0 ? 'back' : 'on');

	$test->own_server('xt', $name, rate_limit => 'off');
	fresh();
	$sandbox->arm('status', provider => 'xt', status => 429, headers => { 'Retry-After' => 4 });
	my $took = seconds_between($shift,
		sub {
			is(letters($session->call('xt', [1], server => $name)), 'R', 'too frequent');
		},
		sub {
			my ($held) = $session->value('SELECT extract(epoch FROM held_until - clock_timestamp())'
				  . " FROM order_gateway_limits WHERE server = '$name' AND held_until IS NOT NULL");

			cmp_ok(abs($held - 2.5), '<', 2.4, "... for $held s more, with the clock set by $shift s");
			is(letters($session->call('xt', [2], server => $name)), 'C', '... then it goes on');
		});
	cmp_ok($took, '>=', 3, "... $took s later, not before");
}

# ----
# Windows
# ----

foreach my $shift (-$HOUR, $HOUR)
{
	my $name = 'xt_paced' . ($shift < 0 ? 'back' : 'on');

	$test->own_server('xt', $name, rate_limit => '2/3s', batch_size => 1);
	fresh();
	$sandbox->pace(provider => 'xt',
		limits => [ { count => 2, seconds => 3, scope => 'user', lane => 'orders' } ]);
	my $took = seconds_between($shift,
		sub {
			is(letters($session->call('xt', [ 1, 2 ], server => $name)), 'CC', 'two turns');
		},
		sub {
			is($session->value('SELECT last_sent_at BETWEEN clock_timestamp() - interval \'30 s\''
					  . " AND clock_timestamp() FROM order_gateway_limits WHERE server = '$name'"
					  . q{ AND class = 'orders'}), 't', "... a moment ago, be the clock set by $shift s");
			is(letters($session->call('xt', [3], server => $name)), 'C', '... and a third');
		});
	cmp_ok($took, '>=', 2.5, '... not before the window is over');
	is($sandbox->pace->{violations}, 0, '... which the provider sees so, too');
	$sandbox->pace(provider => 'xt', limits => 'default');
}

# Sessions that wait are told nothing of it, nor are those who look at them.
foreach my $shift (-$HOUR, $HOUR)
{
	my $name = 'tronsave_queue' . ($shift < 0 ? 'back' : 'on');

	$test->own_server('tronsave', $name, rate_limit => '1/4s', batch_size => 1);
	fresh();
	is(letters($session->call('tronsave', ['a'], server => $name)), 'C', 'a turn is taken');
	my $begin = time;
	$waiter->send_call('tronsave', [ 'b', 'c' ], server => $name);
	$test->wait_until(sub { $test->waiting_sessions == 1 }, '... another session waits');
	$clock->set($NOW + $shift);
	my ($left) = $session->value('SELECT extract(epoch FROM expected_end - clock_timestamp())'
		  . " FROM order_gateway_activity WHERE server = '$name'");
	cmp_ok(abs($left - 6), '<', 6, "... for $left s more, with the clock set by $shift s");
	is(letters($waiter->finish_call), 'CC', '... and gets its turns');
	cmp_ok(time - $begin, '>=', 7, '... not before');
	cmp_ok(time - $begin, '<', 60, '... nor an hour later');
	cmp_ok($session->value('SELECT turn_wait_time FROM order_gateway_stats'
			  . " WHERE server = '$name'"), '<', 60_000, '... which is what is counted');
}

# ----
# What is signed
# ----

foreach my $provider (qw(xt btse))
{
	fresh(reject_nonce => 'on', pace => 'off');
	$test->own_server($provider, "${provider}_nonce", rate_limit => 'off');
	foreach my $shift (0, -$HOUR, 0, $HOUR, -$HOUR)
	{
		$clock->set($NOW + $shift);
		like(letters($session->call($provider, [1], server => "${provider}_nonce")), qr/^[CN]$/,
			"$provider: nonces increase, be the clock set by $shift s");
	}
	my ($nonces) = grep { $_->{key} =~ /nonce/ } @{ $sandbox->pace->{nonces} };
	is_deeply([ @$nonces{qw(repeated backwards)} ], [ 0, 0 ], '... always');
}

# A provider that looks at the time itself wants it to be right.
fresh();
is(letters($session->call('wangdian', ['CR-1'])), 'R', 'wangdian: a wrong clock is refused');
$clock->set(0);
is(letters($session->call('wangdian', ['CR-1'])), 'C', '... a right one is not');

# ----
# Statistics
# ----

is($session->value('SELECT count(*) FROM order_gateway_stats WHERE min_answer_time < 0'
		  . ' OR max_answer_time > 60000 OR turn_wait_time < 0'), 0,
	'no time that was measured is wrong');
$_->quit foreach $session, $waiter;
$node->stop;
done_testing();
