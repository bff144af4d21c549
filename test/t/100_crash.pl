# A backend that is killed in the middle of a call, in each phase of it: the
# cluster comes back, no account stays locked, the pace still counts what was
# sent and nothing else, and nothing is sent a second time.
#
# Each phase has an account of its own, which may send one request an hour.

use strict;
use warnings;
use utf8;

use OrderGateway::OwnNames;

use Test::More;
use Time::HiRes qw(sleep);

use OrderGateway::Test qw(call_sql letters);

# What a call says that finds no turn left, and one that finds one but nobody
# to send to.
my $NO_TURN = qr/^its turn did not come within max_wait$/;
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

sub locks
{
	return watch(
		'SELECT count(*) FROM pg_locks WHERE locktype = $$advisory$$ AND objsubid = 20295');
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

sub waits_for_account
{
	my ($session) = @_;

	return watch('SELECT count(*) FROM pg_locks WHERE NOT granted'
		  . ' AND objsubid = 20295 AND pid = ' . $session->pid) == 1;
}

# ----
# Phases
# ----

# name		of the phase
# skip		why it cannot be had on this system, if it cannot
# server	options of the servers besides pace and bounds
# arm		a fault of the sandbox
# before	ids that the account has cancelled before
# holder	another session is using the account, with this id
# reached	is the session in that phase?
# sent		did its request leave?
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
			sent => 1,
		},
		{
			name => 'half an answer',
			arm => [ 'endless_body', ms => 50 ],
			reached => sub {
				scalar grep { $_->{answered_at} } @{ $sandbox->requests };
			},
			sent => 1,
		},
		{
			name => 'waiting for a turn',
			before => [100],
			reached => \&says_it_waits,
		},
		{
			# With shared memory it waits for a turn here, too.
			name => 'waiting for the account',
			arm => ['black_hole'],
			holder => 100,
			reached => sub {
				waits_for_account($_[0]) || says_it_waits($_[0]);
			},
		},
		{
			name => 'backoff',
			arm => [ 'retry_after', seconds => 3600 ],
			reached => \&says_it_waits,
			sent => 1,
		},
	);
}

# Two servers for the same account: that of the call that is killed, and one
# that asks afterwards, and will not wait.
sub make_servers
{
	my ($phase, $number) = @_;
	my %credentials = (access_key => "crash-$number", secret_key => 'crash');
	my %bounds = (
		"crash_$number" => { connect_timeout => '1h', timeout => '1h', max_wait => 0 },
		"after_$number" => {
			connect_timeout => '500ms',
			timeout => '1min',
			max_wait => '10ms',
			retries => 0,
		});

	$sandbox->add_account('xt', \%credentials);
	foreach my $name (sort keys %bounds)
	{
		$node->safe_psql('postgres',
			$sandbox->server_sql('xt', name => $name, rate_limit => '1/1h',
				%{ $bounds{$name} }, %{ $phase->{server} // {} })
			  . $sandbox->mapping_sql('xt', name => $name, %credentials));
	}
	return;
}

# The session's server has ended for all; wait until it is there again.
sub wait_for_recovery
{
	my ($victim) = @_;

	like($victim->finish->{stderr},
		qr/server closed the connection|connection to server was lost/,
		'the session is gone');
	undef $watcher;
	return $test->wait_until(
		sub { $node->psql('postgres', 'SELECT 1') == 0 },
		'the cluster is there again');
}

# What does the account say to the next call?
sub check_pace
{
	my ($phase, $number, $preload) = @_;
	my $counted = $phase->{sent} || $phase->{before} || $phase->{holder};
	my ($row) =
	  @{ $test->session->call('xt', [900], server => "after_$number") };

	return like($row->{message}, $NO_TURN, 'what was sent is counted')
	  if $counted;

	# Shared memory is made anew after a crash, with its windows spent.
	return like($row->{message}, $preload ? qr/$NO_TURN|$NO_CONNECTION/ : $NO_CONNECTION,
		'what was not sent is not');
}

# Nothing more arrives; what did, did so once.
sub check_requests
{
	my ($phase) = @_;
	my %expected = map { $_ => 1 } @{ $phase->{before} // [] },
	  $phase->{holder} // (), $phase->{sent} ? 101 : ();
	my %requested;

	$requested{$_}++ foreach map { @{ $_->{ids} } } @{ $sandbox->requests };
	is_deeply(\%requested, \%expected, 'nothing is sent twice, nor late');
	return;
}

sub crash_in
{
	my ($phase, $number, $preload) = @_;
	my ($victim, $holder);

	make_servers($phase, $number);
	$sandbox->reset;
	$sandbox->settings(accept_any_id => 'on');
	foreach my $id (@{ $phase->{before} // [] })
	{
		is(letters($test->session->call('xt', [$id], server => "crash_$number")),
			'C', 'a call before');
	}
	$sandbox->arm($phase->{arm}[0], provider => 'xt',
		@{ $phase->{arm} }[ 1 .. $#{ $phase->{arm} } ]) if $phase->{arm};
	if ($phase->{holder})
	{
		$holder = $test->session;
		$holder->send_call('xt', [ $phase->{holder} ], server => "crash_$number");
		ok($sandbox->wait_for(fault => $phase->{arm}[0], count => 1),
			'another session uses the account');
	}

	$victim = $test->session;
	$victim->send_call('xt', [101], server => "crash_$number");
	$test->wait_until(sub { $phase->{reached}->($victim) },
		'the call is in that phase');
	kill 'KILL', $victim->pid;
	wait_for_recovery($victim);
	$holder->finish if $holder;

	is(locks(), 0, 'no account is locked');
	$sandbox->disarm;
	check_pace($phase, $number, $preload);
	check_requests($phase);
	is(letters($test->session->call('xt', [901])), 'C', 'another account works');
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
		conf => "restart_after_crash = on\n"
		  . ($preload ? "shared_preload_libraries = 'order_gateway'\n" : ''),
		sandbox => { OrderGateway::OwnNames::sandbox_options() });
	$node = $test->node;
	$sandbox = $test->sandbox;
	$test->wait_until(
		sub {
			watch(q{SELECT now() - pg_postmaster_start_time() > interval '2 s'})
			  eq 't';
		},
		'what was sent before the start counts no more');
	foreach my $phase (phases())
	{
		$number++;
	  SKIP:
		{
			skip "$phase->{name}: $phase->{skip}", 1 if $phase->{skip};
			subtest $phase->{name} => sub { crash_in($phase, $number, $preload) };
		}
	}
	undef $watcher;
	$sandbox->stop;
	$node->stop;
	return;
}

crash_everywhere(0);
done_testing();
