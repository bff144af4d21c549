# A clock that is set, back or forward, while a worker runs: calls begin and expire
# by the time of day, as they were submitted, and by nothing else; pauses and looks
# last for as long as they are; and nothing is sent twice.

use strict;
use warnings;
use utf8;

use Test::More;
use Time::HiRes qw(sleep time);

use OrderGateway::Clock;
use OrderGateway::Journal;
use OrderGateway::Test;

my $HOUR = 3600;
my $now = 3 * $HOUR;
my $clock = OrderGateway::Clock->new(ahead => $now);

sub step
{
	$now += $_[0];
	return $clock->set($now);
}

my $test = OrderGateway::Test->start(
	preload => 1,
	env => $clock->env,
	conf => "order_gateway.databases = 'postgres'\njit = off\n",
	options => { rate_limit => 'off', max_in_flight => 4, settle_after => '0' });
my $sandbox = $test->sandbox;
my $journal = OrderGateway::Journal->new($test->node);
my $session = $test->session;
my $id = 1000;
my %sent;

$sandbox->settings(accept_any_id => 'on', pace => 'off');
$test->servers('down', providers => ['xt'], kind => 'refused');
$test->own_server('xt', 'xt_busy', max_in_flight => 1);
$journal->wait_for_worker('the worker is there');

# A cancel of one order that no other call has.
sub submit
{
	my (%opts) = @_;

	return $journal->cancel([ $id++ ], %opts);
}

sub state_of { return $journal->of($_[0], 'state'); }

sub arrivals
{
	my %count;

	$count{$_}++ foreach map { @{ $_->{ids} // [] } } @{ $sandbox->requests(provider => 'xt') };
	return \%count;
}

# Whatever is submitted from now on is made without anybody waiting for a clock.
sub goes_on
{
	my ($name) = @_;
	my $begin = time;
	my $call = submit();

	$journal->wait_for($call, 'done', "$name: calls go on");
	is($journal->letters($call), 'C', '... and are made');
	return;
}

my @tomorrow = (expires_at => "now() + interval '1 day'");

foreach my $shift (-$HOUR, $HOUR, -2 * $HOUR)
{
	my $name = sprintf 'set by %+d h', $shift / $HOUR;

	step($shift);
	goes_on($name);
}

# ----
# Not before
# ----

my $soon = submit(not_before => "now() + interval '30 min'", @tomorrow);
my $late = submit(not_before => "now() + interval '90 min'", @tomorrow);

step(-$HOUR);
goes_on('set back');
is(state_of($_), 'queued', '... whose time has not come waits') foreach $soon, $late;
step(2 * $HOUR);
$journal->wait_for($soon, 'done', 'set forward, its time has come');
is($journal->letters($soon), 'C', '... and it is sent');
is(state_of($late), 'queued', '... but not what has to wait for longer');
step(-2 * $HOUR);
goes_on('set back once more');
is(state_of($late), 'queued', '... it still waits');
step(3 * $HOUR);
$journal->wait_for($late, 'done', 'until its time has come, too');
is($journal->letters($late), 'C', '... and it is sent');

# ----
# Expiry
# ----

my $reads = $sandbox->arm('black_hole', provider => 'xt', match_id => $id);
my $busy = submit(server => 'xt_busy', @tomorrow);

ok($sandbox->wait_for(fault => 'black_hole', count => 1, seconds => 60), 'an account is busy');
my $expires = submit(server => 'xt_busy', expires_at => "now() + interval '30 min'");
my $stays = submit(server => 'xt_busy', expires_at => "now() + interval '10 h'");
my $down = submit(server => 'xt_down', expires_at => "now() + interval '30 min'");
my $comes_up = submit(server => 'xt_down', expires_at => "now() + interval '10 h'");

$journal->wait_until(q{SELECT last_error LIKE '%connect%' FROM order_gateway_workers}, 'a server is down');
step(-$HOUR);
goes_on('set back');
is(state_of($expires), 'queued', '... nothing has expired');
step(2 * $HOUR);
foreach my $call ($expires, $down)
{
	$journal->wait_for($call, 'done', 'set forward, it has expired');
	like($journal->words($call), qr/^it had expired before it could be sent/, '... and is not sent');
}
is(state_of($_), 'queued', '... what has not waits') foreach $stays, $comes_up;

# ----
# Pauses
# ----

step(-2 * $HOUR);
my $up = $sandbox->base_url('xt');
$journal->sql("ALTER SERVER xt_down OPTIONS (SET base_url '$up')");
$journal->wait_for($comes_up, 'done', 'set back, a pause is not longer for that');
is($journal->letters($comes_up), 'C', '... and it is sent');
$sandbox->disarm($reads);
$journal->wait_for($busy, 'done', 'what is in flight ends');
is($journal->letters($busy), 'U', '... without an answer');
$journal->wait_for($stays, 'done', '... and what is behind it goes');
is($journal->letters($stays), 'C', '... as it is to');

# Too frequent: as long as the provider says.
foreach my $shift (-$HOUR, $HOUR)
{
	$sandbox->arm('status', provider => 'xt', status => 429, headers => { 'Retry-After' => 3 }, times => 1);
	my $begin = time;
	my $call = submit(@tomorrow);

	$journal->wait_until('SELECT count(*) > 0 FROM order_gateway_limits WHERE held_until IS NOT NULL',
		'a lane is held');
	step($shift);
	$journal->wait_for($call, 'done', sprintf 'set by %+d h, it goes on', $shift / $HOUR);
	is($journal->letters($call), 'C', '... and is sent');
	cmp_ok(time - $begin, '>=', 3, '... not before it may');
}

# ----
# A worker that ends, and one that begins, with different times
# ----

my $waits = submit(not_before => "now() + interval '30 min'", @tomorrow);

foreach my $shift (-5 * $HOUR, 5 * $HOUR)
{
	my $pid = $journal->worker_pid;

	step($shift);
	kill 'TERM', $pid;
	$journal->wait_for_worker('another worker', $pid);
	goes_on(sprintf 'set by %+d h', $shift / $HOUR);
	is(state_of($waits), 'queued', '... and what is to wait does');
}
step($HOUR);
$journal->wait_for($waits, 'done', '... until its time has come');

# ----
# In the middle of many
# ----

my $first = $id;
$sandbox->arm('delay', provider => 'xt', ms => 20, times => 0);
$session->value('SELECT count(batch_cancel_submit(\'btc_usdt\', ARRAY[i::text]))'
	  . ' FROM generate_series(' . $first . ', ' . ($first + 299) . ') AS i');
$id += 300;
foreach my $shift (-$HOUR, 2 * $HOUR, -2 * $HOUR, $HOUR)
{
	sleep(0.1);
	step($shift);
}
$journal->wait_until('SELECT count(*) = 0 FROM order_gateway_calls WHERE done_at IS NULL', 'many calls end');
is($session->value('SELECT count(*) FROM order_gateway_results'
	  . " WHERE order_id::bigint >= $first AND outcome = 'cancelled'"), 300, '... as they are to');

my $arrived = arrivals();
my %again = map { $_ => $arrived->{$_} } grep { $arrived->{$_} > 1 } keys %$arrived;

# Those that were too frequent were not processed.
is(scalar(grep { $again{$_} > 2 } keys %again), 0, 'nothing is sent more often than it may be');
is(scalar(keys %again), 2, '... and only what was refused as too frequent twice');

$session->quit;
$test->node->stop;
done_testing();
