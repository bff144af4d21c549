# What streams do as time goes by: fills are read again and again, what was refused is
# asked for once more, alone, and what is silent is noticed.

use strict;
use warnings;
use utf8;

use Test::More;
use Time::HiRes qw(sleep time);

use OrderGateway::Books;
use OrderGateway::Clock;

my $HOUR = 3600;

my $clock = OrderGateway::Clock->new;
my $books = OrderGateway::Books->start(env => $clock->env);
my $sandbox = $books->sandbox;

sub is_of
{
	my ($request, $path) = @_;

	return $request->{path} =~ m{/\Q$path\E$};
}

# Requests of this path that have arrived, with when, by the server's steady clock: so
# much of that had passed by then as the test has let.
my @passed = ([ 0, 0 ]);

sub let_pass
{
	my ($seconds) = @_;

	$clock->pass($seconds);
	push @passed, [ time, $passed[-1][1] + $seconds ];
	return;
}

sub arrivals
{
	my ($path) = @_;
	my @times;

	foreach my $request (grep { is_of($_, $path) } @{ $sandbox->requests(provider => 'btse') })
	{
		my ($before) = grep { $_->[0] <= $request->{arrived_at} } reverse @passed;

		push @times, $request->{arrived_at} + $before->[1];
	}
	return @times;
}

# ----
# Fills are read again
# ----

subtest 'passes of fills' => sub {
	my $fills = $books->follow('fills');
	my @due = (0, 10, 60, 300);
	my $number = 1;

	# A pass begins with a look at the markets.
	my $passes_ok = sub {
		my ($count, $name) = @_;

		$books->test->wait_until(sub { arrivals('market_summary') >= $count }, $name);
		return;
	};

	$passes_ok->(1, 'when they are live they are read');
	foreach my $pass (1 .. $#due)
	{
		# The provider's stream has not told them.
		$sandbox->arm('stream_lost', provider => 'btse', times => 1);
		$books->fill(1);
		$sandbox->disarm('stream_lost');
		let_pass($due[$pass] - $due[ $pass - 1 ]);
		$passes_ok->($pass + 1, "... again after $due[$pass] s");
		$books->fills_ok('... which finds what was not told');
	}
	foreach my $hour (1, 2)
	{
		$sandbox->arm('stream_lost', provider => 'btse', times => 1);
		$books->fill(1);
		$sandbox->disarm('stream_lost');
		let_pass($HOUR);
		$passes_ok->(@due + $hour, '... then each hour');
		$books->fills_ok('... the same');
	}
	my @times = arrivals('market_summary');
	is(scalar @times, @due + 2, 'no pass more');
	foreach my $pass (1 .. $#due)
	{
		cmp_ok($times[$pass] - $times[0], '>', $due[$pass] - 1, "... none before $due[$pass] s have passed");
	}
	cmp_ok($times[$_] - $times[ $_ - 1 ], '>', $HOUR - 1, '... or an hour') foreach 4, 5;
	$books->state_ok($fills, 'live', 'it is live');
	$books->sql("SELECT btse_stream_stop($fills)");
};

# ----
# What is said to be complete is so but for holes that everybody sees
# ----

subtest 'a hole that nobody sees yet' => sub {
	my $fills = $books->follow('fills');
	my $session = $books->test->session;
	my $holes = q{SELECT count(*) > 0 FROM btse_stream_event WHERE event = 'hole' AND message ~ 'tells nothing of it'};
	my $proved = "SELECT complete_until FROM order_gateway_streams WHERE stream_id = $fills";

	# The passes that follow when it is live; each is of what was five minutes before
	# that, but the last.
	my $read_again = sub {
		my ($before, $name) = @_;

		foreach my $seconds (0, 10, 50, 240)
		{
			let_pass($seconds);
			$before++;
			$books->test->wait_until(sub { arrivals('market_summary') >= $before }, "$name, after $seconds s more");
		}
		$books->state_ok($fills, 'live', '... and it is live');
	};
	my $before = arrivals('market_summary');

	$books->state_ok($fills, 'live', 'it is live');
	$read_again->($before - 1, 'it is read');
	$books->wait_sql($proved =~ s/complete_until/complete_until > since/r, 't', 'it is complete');
	$sandbox->arm('status', provider => 'btse', operation => 'trade_history', status => 400,
		body => { status => 400, errorCode => -7, message => 'no such market', time => 1 }, times => 0);
	$session->query('BEGIN; LOCK TABLE order_gateway_stream_event IN SHARE MODE');
	$before = arrivals('market_summary');
	$sandbox->close_streams(how => 'drop');
	$read_again->($before, 'what was missed is read');
	my $known = $books->sql($proved);
	sleep 3;
	is($books->sql($holes), 'f', 'the event cannot be written');
	is($books->sql($proved), $known, '... and nothing more is said to be complete');
	$session->query('COMMIT');
	$books->wait_sql("SELECT complete_until > '$known' FROM ($proved) AS p", 't', 'it is when ...');
	is($books->sql($holes), 't', '... the hole is seen');
	$sandbox->disarm;
	$books->sql("SELECT btse_stream_stop($fills)");
};

# ----
# What was refused
# ----

# What clients have asked for that names such a market, each a list of topics.
sub asked
{
	my ($market) = @_;

	return map { [ sort /"(snapshotL1:[^"]*)"/g ] } grep { /"subscribe"/ && /:\Q$market\E/ }
	  map { @{ $_->{texts} } } @{ $sandbox->streams->{connections} };
}

subtest 'what was refused is asked for hourly, alone' => sub {
	my $good = $books->follow('l1', symbol => 'BTC-USD');
	my @symbols = map { "NEW$_-USD" } 1 .. 3;
	my %id = map { ($_ => $books->sql("SELECT btse_stream_start('l1', '$_')")) } @symbols;

	$books->state_ok($id{$_}, 'refused', "$_ is refused") foreach @symbols;
	my $before = () = asked('NEW');

	# An hour less what has passed since: nothing is asked for.
	let_pass($HOUR - 300);
	$books->state_ok($good, 'live', 'others are live');
	sleep 2.5;
	is(scalar(() = asked('NEW')), $before, 'for most of an hour nobody asks again');

	# Then one after the other, a minute apart at least; the last is one that there is.
	$sandbox->put('btse', 'markets', { symbol => $symbols[2] });
	let_pass(300);
	foreach my $number (1 .. 3)
	{
		$books->test->wait_until(sub { (() = asked('NEW')) >= $before + $number }, "attempt $number comes");
		sleep 2.5;
		is(scalar(() = asked('NEW')), $before + $number, '... and no other with it, nor soon after');
		let_pass(60) if $number < 3;
	}
	my @again = asked('NEW');
	@again = @again[ $before .. $#again ];
	is_deeply([ sort map { "@$_" } @again ], [ map { "snapshotL1:$_" } @symbols ], 'each was asked for, alone');
	$books->state_ok($id{ $symbols[2] }, 'live', 'one of them is taken now, and is live');
	$books->state_ok($id{$_}, 'refused', '... others are refused again') foreach @symbols[ 0, 1 ];
	is($books->sql("SELECT gaps + reconnects FROM order_gateway_streams WHERE stream_id = $good"), '0',
		'... which is nothing to others');
	$books->sql("SELECT btse_stream_stop($_)") foreach $good, values %id;
};

subtest 'each of many has its turn within an hour' => sub {
	my $count = 90;
	my $apart = $HOUR / $count;
	my $good = $books->follow('l1', symbol => 'BTC-USD');

	$books->sql("SELECT btse_stream_start('l1', 'MANY' || n || '-USD') FROM generate_series(1, $count) AS n");
	$books->wait_sql(q{SELECT count(*) FROM order_gateway_streams WHERE state = 'refused'}, $count, 'many are refused');
	my $before = () = asked('MANY');
	let_pass($HOUR);
	my $first;
	foreach my $number (1 .. 6)
	{
		$books->test->wait_until(sub { (() = asked('MANY')) >= $before + $number }, "attempt $number comes");
		$first //= $clock->now;
		sleep 1.5;
		is(scalar(() = asked('MANY')), $before + $number, '... and no other with it');
		let_pass($apart) if $number < 6;
	}

	# As far apart as others they would not have come by then.
	cmp_ok($clock->now - $first, '<', 5 * 60, 'they are not as far apart as few are');
	$books->sql("SELECT btse_stream_stop(stream_id) FROM order_gateway_streams");
};

# ----
# What is silent
# ----

subtest 'best prices that are silent' => sub {
	my $topic = 'snapshotL1:ETH-USD';

	# from the first moment on
	$sandbox->arm('stream_silent', topic => $topic, times => 0);
	my $best = $books->sql(q{SELECT btse_stream_start('l1', 'ETH-USD')});
	ok($sandbox->wait_for(topic => $topic), 'they are asked for');
	$books->state_ok($best, 'connecting', '... and not live before they come');
	is($books->events('silent'), 0, 'for 10 s that is nothing to speak of');
	let_pass(10);
	$books->wait_event('silent', 1, '... then it is an event');
	$sandbox->disarm;
	$books->state_ok($best, 'live', '... and they are asked for anew');

	# later: it may be that nothing happens
	my $since = $books->sql("SELECT since FROM order_gateway_streams WHERE stream_id = $best");
	my ($events, $before) = ($books->events('silent'), scalar(() = asked('ETH-USD')));
	let_pass(60);
	$books->test->wait_until(sub { (() = asked('ETH-USD')) > $before }, 'after a minute of silence they are asked for anew');
	$books->wait_sql("SELECT last_message_at > '$since' FROM order_gateway_streams WHERE stream_id = $best", 't', '... and come');
	let_pass(11);
	sleep 2.5;
	$books->state_ok($best, 'live', '... so that they are live');
	is($books->sql("SELECT since FROM order_gateway_streams WHERE stream_id = $best"), $since, '... and were all the time');
	is($books->events('silent'), $events, '... which is no event');

	# or that the provider has forgotten them
	$sandbox->arm('stream_silent', topic => $topic, times => 0);
	let_pass(60);
	$books->test->wait_until(sub { (() = asked('ETH-USD')) > $before + 1 }, 'after another one they are asked for again');
	let_pass(10);
	$books->wait_event('silent', $events + 1, '... and what does not come within 10 s is an event');
	is($books->sql(q{SELECT count(*) FROM btse_l1 WHERE symbol = 'ETH-USD'}), 0, '... of prices that are not shown');
	$sandbox->disarm;
	$books->state_ok($best, 'live', '... until they come');
	is($books->sql(q{SELECT count(*) FROM btse_l1 WHERE symbol = 'ETH-USD'}), 1, '... and are');
	$books->sql("SELECT btse_stream_stop($best)");
};

$sandbox->stop;
done_testing();
