# Whatever a call is waiting for or computing, it ends when it is told to.
#
# A table: in each phase of a call (rows) each way to end it (columns) is
# tried.  A cell waits until the phase is really reached, fires, and looks at
# how long the end took, what was said, what the log kept, and what the
# provider really did.  The times are printed (50 ms is what we promise); a
# cell only fails above a bound that no machine should need.

use strict;
use warnings;
use utf8;

use OrderGateway::OwnNames;

use Test::More;
use Time::HiRes qw(sleep time);

use OrderGateway::Test qw(call_sql letters);

# Seconds after which an end is no end any more.
my $BOUND = 2;

# Seconds to wait for a phase to be reached.
my $PATIENCE = $PostgreSQL::Test::Utils::timeout_default;

my $test = OrderGateway::Test->start(
	options => {
		rate_limit => 'off',
		connect_timeout => '1h',
		timeout => '1h',
		max_response_size => '64MB',
	},
	sandbox => { OrderGateway::OwnNames::sandbox_options() });
my $node = $test->node;
my $sandbox = $test->sandbox;

# ----
# Servers
# ----

sub server
{
	my ($suffix, %options) = @_;

	$node->safe_psql('postgres',
		$sandbox->server_sql('xt', name => "xt_$suffix",
			rate_limit => 'off', connect_timeout => '1h', timeout => '1h',
			max_response_size => '64MB', %options)
		  . $sandbox->mapping_sql('xt', name => "xt_$suffix"));
	return;
}

server('nameless',
	base_url => $sandbox->base_url('xt', host => 'orders.example'));
server('mute', kind => 'mute');
server('stuck', kind => 'stuck') if $sandbox->has_port('stuck');
server('single', batch_size => 1, max_in_flight => 1);
server('turn', rate_limit => '1/1h', max_wait => 0);
server('host', rate_limit => '1/1h per host', max_wait => 0);
$test->own_server('xt', 'xt_of_another', rate_limit => '1/1h per host', max_wait => 0);
server('backoff', max_wait => 0);

# How many ids to be busy with, and the most that are tried.
my $many = 1_000_000;
my $TOO_MANY = 16_000_000;

# Seconds for which they keep a statement busy at least.
my $BUSY = 0.5;

# A statement that says when it begins to work on them, which is at once.
my $kept = 0;

sub with_many
{
	my ($call, $last) = @_;

	$node->safe_psql('postgres', qq{
		TRUNCATE many;
		INSERT INTO many SELECT array_agg(i::text) FROM generate_series(1, $many) i;
	}) if $kept != $many;
	$kept = $many;
	return qq{SELECT count(*) || ' rows' FROM many,
			LATERAL $call('btc_usdt', CASE WHEN say('now') THEN ids || '{$last}'::text[] END)};
}
$node->safe_psql('postgres', q{
	CREATE TABLE many (ids text[]);
	ALTER TABLE many ALTER COLUMN ids SET STORAGE EXTERNAL;
});
$node->safe_psql('postgres', q{
	CREATE FUNCTION say(what text) RETURNS boolean LANGUAGE plpgsql
	AS $$ BEGIN RAISE NOTICE '%', what; RETURN true; END $$;
});

# ----
# What can be observed while a statement runs: each of these looks once
# ----

# The session that looks at the others.
my $watcher;

sub watch
{
	my ($sql) = @_;

	$watcher //= $test->session;
	return $watcher->value($sql);
}

# Nobody may be there to bury the dead at once.
sub is_gone
{
	open my $stat, '<', "/proc/$_[0]/stat" or return 1;
	return (<$stat> // ') Z') =~ /\) [ZX]/;
}

# Has psql come to the end of what it was sent, or to its own?
sub is_over
{
	my ($session) = @_;

	return 1 if !$session->{psql}->pumpable;
	$session->{psql}->pump_nb;
	return index($session->{out}, "=== $session->{turn}\n") >= 0;
}

sub has_said
{
	my ($session, $what) = @_;

	$session->{psql}->pump_nb if $session->{psql}->pumpable;
	return $session->{err} =~ $what;
}

sub waits_for
{
	my ($session, $event) = @_;

	return watch(q{SELECT concat_ws(' ', state, wait_event_type, wait_event)}
		  . ' FROM pg_stat_activity WHERE pid = ' . $session->pid) =~ $event;
}

# Does it sleep, waiting for that, or for a worker that does?  Such waits have names
# since 17.
sub sleeps
{
	my ($session, $what) = @_;
	my $name = $test->by_worker ? 'Worker' : $what;
	my $event = $node->pg_version >= 17 ? "OrderGateway$name" : 'Extension';

	return waits_for($session, qr/^active Extension $event$/);
}

# How many stand in the longest queue for turns?
sub waiting
{
	return watch('SELECT coalesce(max(sessions_waiting), 0) FROM order_gateway_limits');
}

sub has_happened { return $sandbox->wait_for(@_, seconds => 0.01); }

# Is a TCP connection to this port being made?
sub is_connecting
{
	my ($port) = @_;
	my $remote = sprintf ':%04X 02 ', $port;

	open my $tcp, '<', '/proc/net/tcp'
	  or die "could not read /proc/net/tcp: $!";
	return grep { /\Q$remote\E/ } <$tcp>;
}

# Poll until something is true.
sub until_true
{
	my ($condition) = @_;
	my $until = time + $PATIENCE;

	until ($condition->())
	{
		return 0 if time > $until;
		sleep 0.001;
	}
	return 1;
}

# ----
# Rows of the table: how a call gets into a phase, and what its ids are then
# ----

my $unsent = '0 of 1 ids answered (0 cancelled), 0 in flight, 1 not sent';
my $sent = '0 of 1 ids answered (0 cancelled), 1 in flight, 0 not sent';

# Another session stands before this one in the queue for turns, of the key or
# of the host.
sub waits_for_others
{
	return (
		waits_in_queue('waiting behind another call', qw(xt_turn xt_turn)),
		waits_in_queue('waiting behind another account', qw(xt_host xt_of_another)));
}

sub waits_in_queue
{
	my ($name, $first, $second) = @_;

	return {
		name => $name,
		prepare => sub {
			my ($session, $cell) = @_;

			$session->call('xt', [100]);
			return if $cell->{holder};
			$cell->{holder} = $test->session;
			$cell->{holder}->send('SELECT outcome FROM '
				  . call_sql('xt', [102], server => $first));
			until_true(sub { waiting() == 1 });
		},
		sql => 'SELECT outcome FROM ' . call_sql('xt', [101], server => $second),
		reached => sub { has_said($_[0], qr/makes this call wait/) && waiting() == 2 },
		event => 'Turn',
		after => sub {
			my ($cell) = @_;
			my $holder = $cell->{holder} // return;

			ok(until_true(sub { waiting() == 1 }), 'the session before it waits on');
			watch('SELECT pg_cancel_backend(' . $holder->pid . ')');
			is($holder->finish->{sqlstate}, '57014', '... until it is cancelled');
			ok(until_true(sub { waiting() == 0 }), '... and nobody waits any more');
		},
		context => $unsent,
		executed => [100],
	};
}

# name		of the phase
# skip		why it cannot be had on this system, if it cannot
# arm		a fault of the sandbox
# prepare	done before the statement is sent, by the same session
# sql		the statement, or what makes it
# reached	is it in that phase?
# event		what it sleeps on then
# context	what the error must say in its context
# log		what the log must say about batches
# executed	what the provider must have done
# over		how a statement ends that was not stopped (of those that end)
# grow		make it last longer
# busy		milliseconds it takes when it is not stopped
my @phases = (
	{
		name => 'name lookup',
		skip => OrderGateway::OwnNames::has_own()
		? undef : 'no namespaces for this user',
		sql => 'SELECT outcome FROM ' . call_sql('xt', [101], server => 'xt_nameless'),
		reached => sub { has_happened(phase => 'dns', count => 1) },
		event => 'Connect',
		context => $unsent,
	},
	{
		name => 'connect',
		skip => $sandbox->has_port('stuck') ? undef : 'every connect succeeds',
		sql => 'SELECT outcome FROM ' . call_sql('xt', [101], server => 'xt_stuck'),
		reached => sub { is_connecting($sandbox->port('stuck')) },
		event => 'Connect',
		context => $unsent,
	},
	{
		name => 'TLS handshake',
		sql => 'SELECT outcome FROM ' . call_sql('xt', [101], server => 'xt_mute'),
		reached => sub {
			has_happened(phase => 'accepted', port => 'mute', count => 1);
		},
		event => 'Connect',
		context => $unsent,
	},
	{
		# Three requests, one after the other; the second gets no answer.
		name => 'first byte of the answer',
		arm => [ 'black_hole', skip => 1 ],
		sql => 'SELECT outcome FROM ' . call_sql('xt', [ 101 .. 103 ], server => 'xt_single'),
		reached => sub { has_happened(fault => 'black_hole', count => 1) && $test->has_told(1) },
		event => 'Answer',
		context =>
		  '1 of 3 ids answered (1 cancelled), 1 in flight, 1 not sent',
		log => [ 'batch 1: 1 cancelled (101)', 'batch 2: 1 unknown (102)' ],
		executed => [ 101, 102 ],
	},
	{
		name => 'body of the answer',
		arm => [ 'endless_body', ms => 50 ],
		sql => 'SELECT outcome FROM ' . call_sql('xt', [101]),
		reached => sub {
			scalar grep { $_->{answered_at} } @{ $sandbox->requests };
		},
		event => 'Answer',
		context => $sent,
		log => ['batch 1: 1 unknown (101)'],
		executed => [101],
	},
	{
		# One request per hour, and that one was a moment ago.
		name => 'waiting for a turn',
		prepare => sub { $_[0]->call('xt', [100]) },
		sql => 'SELECT outcome FROM ' . call_sql('xt', [101], server => 'xt_turn'),
		reached => sub { has_said($_[0], qr/makes this call wait/) },
		event => 'Turn',
		context => $unsent,
		executed => [100],
	},
	waits_for_others(),
	{
		# Has an account of its own, which remembers to wait for an hour.
		name => 'backoff',
		arm => [ 'retry_after', seconds => 3600 ],
		prepare => sub {
			my ($session, $cell) = @_;
			my %account = (
				access_key => "backoff-$cell->{number}-$cell->{try}",
				secret_key => 'backoff');

			$sandbox->add_account('xt', \%account);
			$node->safe_psql('postgres',
				    'ALTER USER MAPPING FOR CURRENT_USER SERVER xt_backoff'
				  . " OPTIONS (SET access_key '$account{access_key}',"
				  . " SET secret_key '$account{secret_key}')");
		},
		sql => 'SELECT outcome FROM ' . call_sql('xt', [101], server => 'xt_backoff'),
		reached => sub { has_said($_[0], qr/makes this call wait/) },
		event => 'Backoff',
		context => $unsent,
		log => ['batch 1: 1 rejected (101)'],
	},
	{
		name => 'checking a million ids',
		# The last one is none, so they never leave.
		sql => sub { with_many('batch_cancel', '""') },
		reached => sub { has_said($_[0], qr/NOTICE: .*now/) },
		over => qr/ERROR: +22023/,
		grow => sub { $many *= 2 },
	},
	{
		name => 'building a preview of a million ids',
		sql => sub { with_many('batch_cancel_preview', '') },
		reached => sub { has_said($_[0], qr/NOTICE: .*now/) },
		over => qr/^\d+ rows$/m,
		grow => sub { $many *= 2 },
	},
	{
		# The largest answer there may be has come, and is being read.
		name => 'reading an answer of 60 MB',
		arm => [ 'oversize_message', bytes => 60_000_000 ],
		sql => 'SELECT outcome FROM ' . call_sql('xt', [101]),
		reached => sub { has_happened(phase => 'answered', count => 1) },
		context => undef,
		log => qr/^batch 1: 1 (unknown|cancelled) \(101\)$/,
		executed => [101],
		over => qr/^cancelled$/m,
	},
);

# ----
# Columns of the table: how to end a statement
# ----

sub postmaster
{
	my ($pid) = split /\n/,
	  PostgreSQL::Test::Utils::slurp_file($node->data_dir . '/postmaster.pid');

	return $pid;
}

# name			of the way to end it
# fire			end the statement of this session; none: it ends by itself
# sqlstate, words	what it says, if it can
# ends_session, ends_server	what else ends
# waits_only	computing does not end that way
my @stops = (
	{
		name => 'query cancel',
		fire => sub { watch('SELECT pg_cancel_backend(' . $_[0]->pid . ')') },
		sqlstate => '57014',
		words => qr/canceling statement due to user request/,
	},
	{
		name => 'statement_timeout',
		sqlstate => '57014',
		words => qr/canceling statement due to statement timeout/,
	},
	{
		name => 'pg_terminate_backend',
		fire =>
		  sub { watch('SELECT pg_terminate_backend(' . $_[0]->pid . ')') },
		sqlstate => '57P01',
		words => qr/terminating connection due to administrator command/,
		ends_session => 1,
	},
	{
		name => 'fast shutdown',
		fire => sub { kill 'INT', postmaster() },
		sqlstate => '57P01',
		words => qr/terminating connection due to administrator command/,
		ends_session => 1,
		ends_server => 1,
	},
	{
		# The processes that it leaves behind notice when they wait.
		name => 'death of the postmaster',
		fire => sub { $node->kill9 },
		ends_session => 1,
		ends_server => 1,
		waits_only => 1,
	},
);

# ----
# A cell of the table
# ----

# Run the statement and end it: answers the milliseconds that took, or undef
# when it was not in its phase at that moment.
sub stop_in_phase
{
	my ($cell) = @_;
	my ($phase, $stop, $session) = @$cell{qw(phase stop session)};
	my $pid = $session->pid;
	my $reached = 0;
	my ($fired, $end);

	$cell->{postmaster} = postmaster();

	$session->query(sprintf 'SET statement_timeout = %d', 1000 * $cell->{timeout})
	  if !$stop->{fire};
	watch('SELECT 1');
	$fired = time + $cell->{timeout};
	$session->send(ref $phase->{sql} ? $phase->{sql}->() : $phase->{sql});
	until_true(sub {
		$reached = $phase->{reached}->($session)
		  && (!$phase->{event} || sleeps($session, $phase->{event}));
		return $reached || is_over($session);
	});
	if ($stop->{fire})
	{
		$fired = time;
		$stop->{fire}->($session);
	}
	$cell->{too_early} = !$reached || (!$stop->{fire} && time >= $fired);

	until_true(sub { is_gone($pid) }) if $stop->{ends_session};
	$end = time;
	$cell->{result} = $session->finish;
	$end = time if !$stop->{ends_session};
	$session->query('RESET statement_timeout') if !$stop->{fire};
	$cell->{was_over} = $phase->{over}
	  && join("\n", @{ $cell->{result}{lines} }, $cell->{result}{stderr})
	  =~ $phase->{over};
	return $cell->{too_early} || $cell->{was_over} ? undef : 1000 * ($end - $fired);
}

# A timeout may come before its phase, and computing be over before either:
# neither is more than a reason to try again with other times.
sub stop_until_in_phase
{
	my ($cell) = @_;
	my ($phase, $stop) = @$cell{qw(phase stop)};
	my ($low, $high) = (0, undef);
	my $ms;

	$cell->{timeout} = 0.15;
	foreach my $try (1 .. 24)
	{
		$cell->{try} = $try;
		$test->reset;
		$test->seed('xt', 100 .. 103, 900);
		$sandbox->arm($phase->{arm}[0], provider => 'xt',
			@{ $phase->{arm} }[ 1 .. $#{ $phase->{arm} } ]) if $phase->{arm};
		$phase->{prepare}->($cell->{session}, $cell) if $phase->{prepare};
		$cell->{mark} = $test->trace_mark;
		$ms = stop_in_phase($cell);

		# What is slow once may be so by accident.
		last if defined $ms && ($ms < $cell->{bound} || $try > 3);

		# What ends a session must not miss.
		last if !defined $ms && $stop->{ends_session} && !$phase->{grow};
		restart($cell);
		$cell->{session} = $test->session if $stop->{ends_session};
		next if defined $ms;
		if ($cell->{was_over} && $phase->{grow} && $stop->{fire})
		{
			last if $many >= $TOO_MANY;
			$phase->{grow}->();
			next;
		}
		# A timeout has to meet a phase that others make come and go: after
		# some tries in vain, let it last longer.
		if ($try % 4 == 0 && $phase->{grow} && $many < $TOO_MANY)
		{
			$phase->{grow}->();
			($low, $high) = (0, undef);
		}
		$low = $cell->{timeout} if $cell->{too_early};
		$high = $cell->{timeout} if $cell->{was_over};
		$cell->{timeout} = defined $high ? ($low + $high) / 2 : 2 * $low;
	}
	return $ms;
}

# Who computes looks for interrupts now and then, and not just at the end:
# the end must come in half of the milliseconds that all of it would take.
sub busy_ms
{
	my ($phase) = @_;
	my $session = $test->session;
	my $begun;

	for (;;)
	{
		$session->send($phase->{sql}->());
		until_true(sub { $phase->{reached}->($session) || is_over($session) });
		$begun = time;
		$session->finish;
		last if time - $begun > $BUSY || $many >= $TOO_MANY;
		$phase->{grow}->();
	}
	$session->quit;
	return 1000 * (time - $begun);
}

# Have a server again after one that was to end.
sub restart
{
	my ($cell) = @_;

	return if !$cell->{stop}{ends_server};
	undef $watcher;
	undef $cell->{holder};
	$node->stop('fast', fail_ok => 1);

	# Its dead may not be buried yet, but nobody is left.
	until_true(sub { is_gone($cell->{postmaster}) })
	  or die 'the server does not end';
	unlink $node->data_dir . '/postmaster.pid';
	until_true(sub { $node->start(fail_ok => 1) })
	  or die 'the server does not start again';
	$test->wait_for_worker;
	return;
}

# What is left of batches since the cell began.  A worker waits for what has left.
sub logged
{
	my ($cell) = @_;

	$sandbox->close_connections('reset') if $test->by_worker;

	# not what others were up to
	return grep { !/\(100\)/ } map { /(batch \d+: .*)$/ } $test->traces($cell->{mark});
}

# What the error says of the call.  A worker marks a request before it opens a
# connection for it, and counts it from then on; and it names the call.
sub contexts
{
	my ($cell) = @_;
	my @contexts = $cell->{result}{stderr} =~ /order_gateway: (\d+ of .*)$/mg;

	return @contexts if !$test->by_worker;
	s/, call \d+ of the journal$// foreach @contexts;
	if (($cell->{phase}{context} // '') eq $unsent)
	{
		s/, 1 in flight, 0 not sent/, 0 in flight, 1 not sent/ foreach @contexts;
	}
	return @contexts;
}

# What is left of the batches of a phase.  What was marked, and whose worker ends,
# is unknown, or was answered that it may go again.
sub expected_log
{
	my ($cell) = @_;
	my $log = $cell->{phase}{log} // [];
	my $context = $cell->{phase}{context} // '';

	return $log if !$test->by_worker || !$cell->{stop}{ends_server} || $context ne $unsent;
	return qr/^(batch 1: 1 (unknown|rejected) \(101\))?$/;
}

sub check_words
{
	my ($cell) = @_;
	my ($phase, $stop, $result) = @$cell{qw(phase stop result)};
	my @contexts = contexts($cell);

	is($result->{sqlstate}, $stop->{sqlstate}, 'its SQLSTATE');
	like($result->{stderr}, $stop->{words}, 'its words');
	return if exists $phase->{context} && !defined $phase->{context};
	is_deeply(\@contexts, [ $phase->{context} // () ],
		'its context counts the ids');
	return;
}

sub check_log
{
	my ($cell) = @_;
	my $log = expected_log($cell);
	my @logged = logged($cell);

	return is_deeply(\@logged, $log, 'what was sent is told')
	  if ref $log eq 'ARRAY';
	cmp_ok(scalar @logged, '<=', 1, 'there is a line at most');
	return like("@logged", $log, '... that names what was sent');
}

# The provider has done what it should, once, and all goes on.
sub check_aftermath
{
	my ($cell) = @_;
	my ($phase, $stop) = @$cell{qw(phase stop)};
	my %requested;

	$sandbox->disarm;
	my $session = $stop->{ends_session} ? $test->session : $cell->{session};
	is(letters($session->call('xt', [900])), 'C',
		$stop->{ends_session} ? 'another session works' : 'the same session works');

	is_deeply([ sort @{ $sandbox->executed('xt') } ],
		[ sort(@{ $phase->{executed} // [] }, 900) ],
		'the provider did what it was asked for');
	$requested{$_}++ foreach map { @{ $_->{ids} } } @{ $sandbox->requests };
	is_deeply([ grep { $requested{$_} > 1 } sort keys %requested ],
		[], '... and nothing was asked for twice');
	return;
}

my %done;
my @times;

sub cell
{
	my ($phase, $stop) = @_;
	my $cell = {
		phase => {%$phase},
		stop => $stop,
		number => scalar keys %done,
		session => $test->session,
		bound => 1000 * $BOUND,
	};

	if ($phase->{grow})
	{
		$phase->{busy} //= busy_ms($phase);
		$cell->{bound} = $phase->{busy} / 2 if $phase->{busy} / 2 < $cell->{bound};
	}
	my $ms = stop_until_in_phase($cell);

	if (!defined $ms)
	{
		# Reading is quick; on some machine it may always be over.
		ok($cell->{was_over} && !$phase->{grow}, 'it is in its phase, or over');
		push @times, [ $phase->{name}, $stop->{name}, 'was over' ];
	}
	else
	{
		cmp_ok($ms, '<', $cell->{bound}, 'it ends soon');
		check_words($cell) if $stop->{sqlstate};
		push @times,
		  [ $phase->{name}, $stop->{name}, sprintf '%.0f ms', $ms ];
	}
	ok(until_true(sub { is_gone($cell->{postmaster}) }), 'the server ends')
	  if $stop->{ends_server};
	restart($cell);
	check_log($cell) if defined $ms;
	$phase->{after}->($cell) if $phase->{after};
	check_aftermath($cell) if defined $ms;
	return;
}

foreach my $phase (@phases)
{
	foreach my $stop (@stops)
	{
		my $name = "$phase->{name}: $stop->{name}";

		next if $stop->{waits_only} && $phase->{over};
		$done{$name} = 1;
	  SKIP:
		{
			skip "$name: $phase->{skip}", 1 if $phase->{skip};
			subtest $name => sub { cell($phase, $stop) };
		}
	}
}

# ----
# The table is whole
# ----

my @waits = (
	'name lookup', 'connect', 'TLS handshake', 'first byte of the answer',
	'body of the answer', 'waiting for a turn',
	'waiting behind another call', 'waiting behind another account',
	'backoff');
my @computations = (
	'checking a million ids', 'building a preview of a million ids',
	'reading an answer of 60 MB');
my @ways = (
	'query cancel', 'statement_timeout', 'pg_terminate_backend',
	'fast shutdown');

is_deeply(
	[ sort keys %done ],
	[
		sort map {
			my $phase = $_;
			map { "$phase: $_" } @ways,
			  (grep { $_ eq $phase } @waits) ? 'death of the postmaster' : ()
		} @waits, @computations
	],
	'each phase was ended in each way');

foreach my $time (@times)
{
	note(sprintf '%-36s %-24s %9s', @$time);
}
done_testing();
