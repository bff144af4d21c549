# A provider that wants to be left alone is: whatever its answer is, for as long
# as it says and however it writes that, by every session, act, read and check.

use strict;
use warnings;
use utf8;

use List::Util qw(min);
use Test::More;
use Time::HiRes qw(time);

use OrderGateway::Test qw(letters);

my $test = OrderGateway::Test->start(preload => 1, options => { rate_limit => 'off' });
my $sandbox = $test->sandbox;
my $session = $test->session;
my $second = $test->session;
my $servers = 0;

my $UNSENT = qr/^its turn did not come within max_wait: the provider asked for a pause until \d{4}-\d\d-\d\d \d\d:\d\d:\d\d[ +-]/;

# A server whose account nobody else uses, and a sandbox with nothing in it.
sub fresh
{
	my ($provider, %options) = @_;
	my $name = "${provider}_" . ++$servers;

	$test->reset;
	$sandbox->settings(accept_any_id => 'on');
	$test->own_server($provider, $name, batch_size => 1, max_in_flight => 1,
		%options);
	return $name;
}

sub requests { return @{ $sandbox->requests }; }

# Seconds between the first answer and whatever came next.
sub silence
{
	my ($first, @others) = requests();

	return min(map { $_->{arrived_at} } @others) - $first->{answered_at};
}

# ----
# Whatever the answer is
# ----

foreach my $case (
	[ 'xt', 429, 'R' ], [ 'xt', 418, 'R' ], [ 'xt', 403, 'R' ], [ 'xt', 503, 'U' ],
	[ 'tronsave', 403, 'R' ], [ 'btse', 403, 'R' ], [ 'btse', 503, 'U' ],
	[ 'wangdian', 408, 'U' ], [ 'wangdian', 502, 'U' ])
{
	my ($provider, $status, $letter) = @$case;
	my $name = fresh($provider, max_wait => '1s');
	my $begin = time;

	$sandbox->arm('retry_after', provider => $provider, status => $status,
		seconds => 600);
	my $rows = $session->call($provider, [ map { "10$_" } 1 .. 10 ], server => $name);
	is(letters($rows), "$letter-*9", "$provider HTTP $status: nine of ten stay here");
	is(scalar(requests()), 1, '... and nothing else arrived');
	is(scalar(grep { $_->{message} =~ $UNSENT } @$rows[ 1 .. 9 ]), 9,
		'... which the rows explain')
	  or diag($rows->[1]{message});
	is_deeply([ map { $_->{attempts} } @$rows ], [ 1, (0) x 9 ], '... truly');
	cmp_ok(time - $begin, '<', 60, '... and at once');
	is(letters($second->call($provider, ['111'], server => $name)), '-',
		'... another session is held, too');
	is($second->value("SELECT held_until - now() > '9 min' FROM order_gateway_limits"
			  . " WHERE server = '$name' AND held_until IS NOT NULL"),
		't', '... as can be seen');
}

# Only failures: a pause that a success, or a redirect, asks for is nobody's.
foreach my $status (200, 302)
{
	my $name = fresh('xt', max_wait => '1s');

	$sandbox->arm('status', provider => 'xt', status => $status,
		body => '{"code":307,"info":"no"}', headers => { 'Retry-After' => 600 });
	like(letters($session->call('xt', [ 1, 2 ], server => $name)), qr/^[RU]C$/,
		"HTTP $status holds nothing");
}

# Half of an answer is enough to say so.
my $name = fresh('btse', max_wait => '1s');
$sandbox->arm('retry_after', provider => 'btse', status => 503, seconds => 600);
$sandbox->arm('half_answer', provider => 'btse');
is(letters($session->call('btse', [ 'a', 'b' ], server => $name)), 'U-',
	'a head without a body holds');

# So does "too frequent" about an order that nobody asked for.
foreach my $row ('"status":303,"orderID":"a","symbol":"ETH-USD"', '"status":303,"orderID":"c"', '"status":303')
{
	$name = fresh('btse');
	$sandbox->arm('status', provider => 'btse', status => 200, body => "[{$row}]");
	is(letters($session->call('btse', [ 'a', 'b' ], server => $name)), 'UC', "a row of $row holds");
	cmp_ok(silence(), '>=', 0.9, '... before the next one');
}

# ----
# After the pause
# ----

foreach my $case ([ 503, 'U', 1 ], [ 403, 'R', 1 ], [ 429, 'C', 2 ])
{
	my ($status, $letter, $sends) = @$case;

	$name = fresh('xt');
	$sandbox->arm('retry_after', provider => 'xt', status => $status, seconds => 1);
	my $rows = $session->call('xt', [ 1 .. 3 ], server => $name);
	is(letters($rows), $letter . 'CC', "after HTTP $status the others go");
	cmp_ok(silence(), '>=', 0.9, '... when they may');
	is(scalar(grep { "@{ $_->{ids} }" eq '1' } requests()), $sends,
		'... and what was answered does not go again');
	$test->promises_ok('xt', $rows, '... and all is true');
}

# What is said of an order may be said of a request.
$name = fresh('xt');
$sandbox->arm('envelope', provider => 'xt', code => 124);
my $rows = $session->call('xt', [ 1 .. 3 ], server => $name);
is(letters($rows), 'UCC', 'an envelope "too frequent" decides nothing');
is($rows->[0]{code}, '124', '... but is shown');
cmp_ok(silence(), '>=', 0.9, '... and holds');
is(scalar(requests()), 3, '... and nothing goes again');

# ----
# However it is written
# ----

# In 1.5 s, or a little later where only whole seconds can be written.
foreach my $case (
	map { [ form => $_ ] }
	qw(seconds fraction list headers date rfc850 asctime unix unix_ms))
{
	my %how = @$case;

	foreach my $clock ($how{form} =~ /^[drau][afns]/ ? (0, -3600, 'none') : (0))
	{
		$name = fresh('xt');
		$sandbox->settings(clock_offset => $clock) if $clock ne 'none';
		$sandbox->arm('retry_after', provider => 'xt', seconds => 1.5,
			dated => $clock ne 'none', %how);
		is(letters($session->call('xt', [ 1, 2 ], server => $name)), 'CC',
			"Retry-After as $how{form}, clock $clock");
		cmp_ok(silence(), '>=', 1.4, '... is kept');
		cmp_ok(silence(), '<', 20, '... and is no longer than that');
	}
}

# Without a word that can be read, our own pause.
foreach my $value ('soon', '-600', '600s', '12345678901')
{
	$name = fresh('xt');
	$sandbox->arm('retry_after', provider => 'xt', value => $value);
	is(letters($session->call('xt', [1], server => $name)), 'C',
		"Retry-After: $value says nothing");
	cmp_ok(silence(), '>=', 0.9, '... so it is a second');

	$sandbox->arm('retry_after', provider => 'xt', value => $value, status => 503);
	is(letters($session->call('xt', [ 2, 3 ], server => $name)), 'UC',
		'... and nothing with HTTP 503');
}

# Years are a day.
$name = fresh('xt', max_wait => '1s');
$sandbox->arm('retry_after', provider => 'xt', value => '999999999');
is(letters($session->call('xt', [ 1, 2 ], server => $name)), 'R-', 'for years');
is($session->value("SELECT held_until - now() BETWEEN '23:50' AND '24:00'"
		  . " FROM order_gateway_limits WHERE server = '$name'"
		  . ' AND held_until IS NOT NULL'), 't', '... is for a day');

# ----
# A long wait is announced, and can be cancelled
# ----

$name = fresh('xt', max_wait => '0');
$sandbox->arm('retry_after', provider => 'xt', status => 503, seconds => 600);
$session->send_call('xt', [ 1, 2 ], server => $name);
$test->wait_until(
	sub {
		return $second->value('SELECT wait_event_type = \'Extension\''
			  . ' FROM pg_stat_activity WHERE pid = ' . $session->pid) eq 't'
		  && requests() == 1 && (requests())[0]{answered_at};
	},
	'a call that waits for ten minutes');
$second->value('SELECT pg_cancel_backend(' . $session->pid . ')');
my $result = $session->finish;
is($result->{sqlstate}, '57014', '... can be cancelled');
like($result->{stderr}, qr/NOTICE: .*wait for about \d+ seconds/, '... and is announced');
like($result->{stderr}, qr/DETAIL:  The provider asked for a pause until \d{4}-/,
	'... with its reason');

$name = fresh('xt', call_timeout => '1s');
$sandbox->arm('retry_after', provider => 'xt', status => 503, seconds => 600);
$rows = $session->call('xt', [ 1, 2 ], server => $name);
is(letters($rows), 'U-', 'call_timeout ends it as well');
like($rows->[1]{message},
	qr/^call_timeout ran out before it could be sent: the provider asked for a pause until /,
	'... and says what it waited for');

# ----
# Reads and checks
# ----

$name = fresh('btse', query_rate_limit => 'off', retries => 1);
$sandbox->arm('retry_after', provider => 'btse', status => 503, seconds => 1);
is($session->error("SELECT * FROM btse_open_orders(server => '$name')"), 'none',
	'a read that failed is asked again');
cmp_ok(silence(), '>=', 0.9, '... after the pause');

$name = fresh('btse', query_rate_limit => 'off', retries => 1, max_wait => '1s');
$sandbox->arm('status', provider => 'btse', status => 403,
	body => '{"errorCode":403,"status":403,"message":"FORBIDDEN"}',
	headers => { 'Retry-After' => 600 });
is($session->error("SELECT * FROM btse_open_orders(server => '$name')"), '28000',
	'a read that was refused is not');
$result = $second->query("SELECT * FROM btse_fees(server => '$name')");
is($result->{sqlstate}, '53400', '... and another session asks nothing');
like($result->{stderr},
	qr/could not be asked within max_wait: the pace leaves no turn for it now: the provider asked for a pause until /,
	'... and says why');
is(scalar(requests()), 1, '... truly');
is($session->value('SELECT result FROM order_gateway_check('
		  . "'$name') WHERE item = 'credentials'") =~
	/^not tried: the pace leaves no turn for it now: the provider asked for a pause until /,
	1, '... nor does a check');

$name = fresh('btse', query_rate_limit => 'off', max_wait => '1s');
$sandbox->arm('retry_after', provider => 'btse', status => 418, seconds => 600,
	operation => 'open_orders');
$session->query("SELECT * FROM order_gateway_check('$name')");
is($sandbox->fired('retry_after'), 1, 'what a check is told');
is($second->error("SELECT * FROM btse_fees(server => '$name')"), '53400',
	'... holds reads');

is($sandbox->stderr_text, '', 'the sandbox has nothing to complain about');
done_testing();
