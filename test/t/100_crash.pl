# A backend that is killed in the middle of a call, in each phase of it: the
# cluster comes back, nobody is left in a queue, and nothing is sent a second
# time.
#
# Memory that sessions share is made anew, and knows nothing; then it counts as
# if windows of up to 2 s were spent.  So each phase has an account of its own
# that may send one request in 2 s, and the sandbox judges.

use strict;
use warnings;
use utf8;

use OrderGateway::OwnNames;

use Test::More;
use Time::HiRes qw(sleep time);

use OrderGateway::Test qw(call_sql letters);

# What a call says that finds a turn but nobody to send to.
my $NO_CONNECTION = qr/^no connection to \S+ within \d+ ms$/;

my ($test, $node, $sandbox);

# The session that looks at the others, of the cluster as it is now.
my $watcher;

# ----
# What can be observed of a session: each of these looks once
# ----

sub watch
{
	my ($sql) = @_;

	$watcher //= $test->session;
	return $watcher->value($sql);
}

sub has_happened { return $sandbox->wait_for(@_, seconds => 0.01); }

sub is_connecting
{
	my $remote = sprintf ':%04X 02 ', $sandbox->port('stuck');

	return PostgreSQL::Test::Utils::slurp_file('/proc/net/tcp') =~ /\Q$remote\E/;
}

# Does it sleep, having said that it will for long?
sub says_it_waits
{
	my ($session) = @_;

	$session->{psql}->pump_nb if $session->{psql}->pumpable;
	return $session->{err} =~ /makes this call wait/
	  && watch('SELECT wait_event_type FROM pg_stat_activity WHERE pid = '
		  . $session->pid) eq 'Extension';
}

# ----
# Phases
# ----

# name		of the phase
# skip		why it cannot be had on this system, if it cannot
# server	options of the servers besides pace and bounds
# arm		a fault of the sandbox
# pace		what its server allows, if not what the account may send
# before	ids that the account has cancelled before
# holder	another session uses the account, with this id, on this server
# held		does it?
# reached	is the session in that phase?
# sent		ids that have left, then
sub phases
{
	return (
		{
			name => 'name lookup',
			skip => OrderGateway::OwnNames::has_own()
			? undef : 'no namespaces for this user',
			server => {
				base_url => $sandbox->base_url('xt', host => 'orders.example')
			},
			reached => sub { has_happened(phase => 'dns', count => 1) },
		},
		{
			name => 'connect',
			skip => $sandbox->has_port('stuck') ? undef : 'every connect succeeds',
			server => { kind => 'stuck' },
			reached => \&is_connecting,
		},
		{
			name => 'TLS handshake',
			server => { kind => 'mute' },
			reached => sub {
				has_happened(phase => 'accepted', port => 'mute', count => 1);
			},
		},
		{
			name => 'request sent',
			arm => ['black_hole'],
			reached => sub { has_happened(fault => 'black_hole', count => 1) },
			sent => [101],
		},
		{
			name => 'half an answer',
			arm => [ 'endless_body', ms => 50 ],
			reached => sub {
				scalar grep { $_->{answered_at} } @{ $sandbox->requests };
			},
			sent => [101],
		},
		{
			name => 'waiting for a turn',
			pace => '1/1h',
			before => [100],
			reached => \&says_it_waits,
			sent => [100],
		},
		{
			name => 'waiting behind another call',
			pace => '1/1h',
			holder => [ 100, 'crash' ],
			held => sub { $test->waiting_sessions == 1 },
			reached => sub {
				says_it_waits($_[0]) && $test->waiting_sessions == 2;
			},
		},
		{
			name => 'backoff',
			arm => [ 'retry_after', seconds => 3600 ],
			reached => \&says_it_waits,
			sent => [101],
		},
	);
}

# Servers for the same account: that of the call that is killed, one that asks
# afterwards, and one without a limit.
sub make_servers
{
	my ($phase, $number) = @_;
	my $often = '1/2s';
	my %credentials = (access_key => "crash-$number", secret_key => 'crash');
	my %servers = (
		crash => {
			rate_limit => $phase->{pace} // $often,
			connect_timeout => '1h',
			timeout => '1h',
			max_wait => 0,
		},
		after => {
			rate_limit => $often,
			connect_timeout => '500ms',
			timeout => '1min',
			max_wait => '1min',
			retries => 0,
		},
		free => { rate_limit => 'off' });

	$sandbox->add_account('xt', \%credentials);
	foreach my $name (sort keys %servers)
	{
		$node->safe_psql('postgres',
			$sandbox->server_sql('xt', name => "${name}_$number",
				%{ $servers{$name} }, %{ $phase->{server} // {} })
			  . $sandbox->mapping_sql('xt', name => "${name}_$number", %credentials));
	}
	return;
}

# The session's server ends for all, and is there again.
sub crash
{
	my ($victim) = @_;

	$test->crash($victim->pid, 'the cluster is there again');
	like($victim->finish->{stderr},
		qr/server closed the connection|connection to server was lost/,
		'the session is gone');
	undef $watcher;
	return;
}

# What does memory that was made after the backend was killed say to the next
# call?
sub check_new_memory
{
	my ($phase, $number, $killed_at) = @_;

	is(watch('SELECT count(*) FROM order_gateway_activity'), 0,
		'no call is left in progress');
	is(watch('SELECT count(*) FROM order_gateway_stats'), 0, '... nor counted');
	is(watch('SELECT count(*) FROM order_gateway_limits'), 0, '... nor a lane in use');

	my ($row) =
	  @{ $test->session->call('xt', [900], server => "after_$number") };
	if ($phase->{server})
	{
		like($row->{message}, $NO_CONNECTION, 'there is a turn for the next call');
	}
	else
	{
		is(letters([$row]), 'C', 'there is a turn for the next call');
	}
	cmp_ok(($row->{sent_at} // time) - $killed_at, '>=', 2, '... when 2 s are over');
	is($sandbox->pace->{violations}, 0, '... and the provider sees no violation');
	is(watch('SELECT server, calls, cancelled + not_sent FROM order_gateway_stats'),
		"after_$number|1|1", '... which is all that is counted');
	is(watch('SELECT count(*) FROM order_gateway_activity'), 0, '... and then over');
	is($test->waiting_sessions, 0, '... and nobody waits');
	return;
}

# Nothing more arrives; what did, did so once.
sub check_requests
{
	my ($phase) = @_;
	my %expected = map { $_ => 1 } @{ $phase->{sent} // [] };
	my %requested;

	$expected{900} = 1 if !$phase->{server};
	$requested{$_}++ foreach map { @{ $_->{ids} } } @{ $sandbox->requests };
	is_deeply(\%requested, \%expected, 'nothing is sent twice, nor late');
	return;
}

sub fresh
{
	$sandbox->reset;
	$sandbox->settings(accept_any_id => 'on', @_);
	return;
}

# Another session is to use the account meanwhile.
sub hold_account
{
	my ($phase, $number) = @_;
	my ($id, $server) = @{ $phase->{holder} };
	my $holder = $test->session;

	$holder->send_call('xt', [$id], server => "${server}_$number");
	$test->wait_until($phase->{held}, 'another session uses the account');
	return $holder;
}

sub crash_in
{
	my ($phase, $number) = @_;
	my ($victim, $holder, $killed_at);

	make_servers($phase, $number);
	fresh();
	$sandbox->pace(provider => 'xt',
		limits => [ { count => 1, seconds => 2, scope => 'key', lane => 'orders' } ]);
	foreach my $id (@{ $phase->{before} // [] })
	{
		is(letters($test->session->call('xt', [$id], server => "free_$number")),
			'C', 'a call before');
	}
	$sandbox->arm($phase->{arm}[0], provider => 'xt',
		@{ $phase->{arm} }[ 1 .. $#{ $phase->{arm} } ]) if $phase->{arm};
	$holder = hold_account($phase, $number) if $phase->{holder};

	$victim = $test->session;
	$victim->send_call('xt', [101], server => "crash_$number");
	$test->wait_until(sub { $phase->{reached}->($victim) },
		'the call is in that phase');
	$killed_at = time;
	crash($victim);
	$holder->finish if $holder;

	$sandbox->disarm;
	check_new_memory($phase, $number, $killed_at);
	check_requests($phase);
	is(letters($test->session->call('xt', [901])), 'C', 'another account works');
	return;
}

# So many ids that no other number has.
sub ids { return map { $_[0] * 10_000 + $_ } 1 .. $_[1]; }

# Several sessions send as fast as they may, before and after.
sub crash_at_the_limit
{
	$test->own_server('xt', 'busy', rate_limit => undef, max_wait => 0);
	fresh(pace => 'on', pace_tolerance_ms => 100);
	my @victims = map { $test->session } 1 .. 4;
	$victims[$_]->send_call('xt', [ ids($_, 3000) ], server => 'busy') foreach 0 .. 3;
	ok($sandbox->wait_for(requests => 15, seconds => 60), 'sessions send at the limit');
	crash(pop @victims);
	$_->finish foreach @victims;

	my $before = @{ $sandbox->requests };
	my @sessions = map { $test->session } 1 .. 4;
	$sessions[$_]->send_call('xt', [ ids($_ + 4, 1000) ], server => 'busy') foreach 0 .. 3;
	is(letters($_->finish_call), 'C*1000', 'a session sends again') foreach @sessions;
	is(@{ $sandbox->requests } - $before, 40, '... as many requests as it takes');
	my $pace = $sandbox->pace;
	my ($window) = grep { $_->{who} =~ /busy/ && $_->{scope} eq 'user' } @{ $pace->{windows} };
	is($pace->{violations}, 0, '... with no violation before or after');
	is($window->{max_seen}, 10, '... though at the limit');

	is(watch('SELECT calls, requests, cancelled, unknown, not_sent'
			  . q{ FROM order_gateway_stats WHERE server = 'busy'}),
		'4|40|4000|0|0', '... and counted since the crash');
	is(watch('SELECT count(*) FROM order_gateway_activity'), 0, '... with nobody left over');
	return;
}

# All phases, with the library preloaded or not.
sub crash_everywhere
{
	my ($preload) = @_;
	my $number = 0;

	$test = OrderGateway::Test->start(
		name => $preload ? 'preloaded' : 'loaded',
		options => { rate_limit => 'off' },
		preload => $preload,
		conf => "restart_after_crash = on\n",
		sandbox => { OrderGateway::OwnNames::sandbox_options() });
	$node = $test->node;
	$sandbox = $test->sandbox;
	note($preload ? 'preloaded' : 'not preloaded');
	$test->wait_out_doubt(2);
	foreach my $phase (phases())
	{
		$number++;
	  SKIP:
		{
			skip "$phase->{name}: $phase->{skip}", 1 if $phase->{skip};
			subtest $phase->{name} => sub { crash_in($phase, $number) };
		}
	}
	subtest 'at the limit' => \&crash_at_the_limit;
	undef $watcher;
	$sandbox->stop;
	$node->stop;
	return;
}

crash_everywhere(0);
crash_everywhere(1);
done_testing();
