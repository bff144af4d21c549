package OrderGateway::Test;

=encoding utf8

=head1 NAME

OrderGateway::Test - a cluster, the sandbox, and calls between them

=head1 SYNOPSIS

  use utf8;
  use Test::More;
  use OrderGateway::Test qw(letters);

  my $test = OrderGateway::Test->start(options => { rate_limit => 'off' });
  my $sandbox = $test->sandbox;
  my $session = $test->session;

  $test->seed('xt', 1 .. 250);
  $sandbox->arm('close_after', provider => 'xt', match_id => 1);
  my $rows = $session->call('xt', [ 1 .. 250 ]);
  is(letters($rows), 'U' x 100 . 'C' x 150, 'one batch was not answered');
  $test->promises_ok('xt', $rows, 'every row tells the truth');

  done_testing();

=head1 DESCRIPTION

What all network tests have in common.  All texts are character strings, in
SQL and out of it, so a test with other than ASCII in it says C<use utf8>.

=cut

use strict;
use warnings;
use utf8;

use Exporter qw(import);
use IPC::Run ();
use JSON::PP ();
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils ();
use Test::More;
use Time::HiRes ();

use OrderGateway::Sandbox;

our @EXPORT_OK = qw(call_sql letters sql_array sql_text);

my %FUNCTION = (
	xt => 'batch_cancel',
	tronsave => 'tronsave_cancel',
	btse => 'btse_cancel',
	wangdian => 'wangdian_cancel',
);

my %MARKET = (xt => 'btc_usdt', btse => 'BTC-USD');

my %LETTER = (
	cancelled => 'C',
	not_found => 'N',
	not_cancellable => 'X',
	rejected => 'R',
	not_sent => '-',
	unknown => 'U',
);

=head1 WORDS FOR SQL AND ROWS

=head2 sql_text($text), sql_array(@ids)

An SQL literal; an array of them, of type C<text[]>.

=head2 call_sql($provider, $ids, %options)

The call of a cancel function, to be put behind FROM.  C<$ids> is an array of
ids, or the SQL of one.  Options: C<market>, C<by>, C<server> (default: the
provider's name), C<type> (of the array, default C<text[]>).

=head2 letters($rows)

The outcomes of some rows as text, a letter for each: C<C>ancelled,
C<N>ot_found, C<X> not_cancellable, C<R>ejected, C<-> not_sent, C<U>nknown.
Where several rows have the same ordinal a C<+> is between them: C<C+CN>.  More
than six of a kind in a row are counted: C<C*100UU>.

=cut

sub sql_text
{
	my ($text) = @_;

	$text =~ s/'/''/g;
	return "'$text'";
}

sub sql_array
{
	my (@ids) = @_;

	return 'ARRAY[' . join(',', map { sql_text($_) } @ids) . ']::text[]';
}

sub call_sql
{
	my ($provider, $ids, %opts) = @_;
	my $market = $opts{market} // $MARKET{$provider};
	my $array = ref $ids ? sql_array(@$ids) : $ids;
	my @args;

	push @args, sql_text($market) if defined $market;
	push @args, $opts{type} ? "($array)::$opts{type}" : $array;
	push @args, sql_text($opts{by} // 'order_id') if $provider eq 'btse';
	push @args, sql_text($opts{server} // $provider);
	return "$FUNCTION{$provider}(" . join(', ', @args) . ')';
}

sub letters
{
	my ($rows) = @_;
	my $text = '';
	my $last = 0;

	foreach my $row (@$rows)
	{
		$text .= '+' if $row->{ordinal} == $last;
		$text .= $LETTER{ $row->{outcome} };
		$last = $row->{ordinal};
	}
	$text =~ s/(([^+])\2{6,})/"$2*" . length $1/ge;
	return $text;
}

=head1 A CLUSTER AND THE SANDBOX

=head2 OrderGateway::Test->start(%options)

Starts a cluster and the sandbox, and creates in database C<postgres> the
extension and a server and user mapping for each provider, named like it.
C<name> is the cluster's (C<main>), C<initdb> an array of options of initdb,
C<conf> is added to postgresql.conf,
C<sandbox> is a hash of options for the sandbox, C<options> one of options for
all servers, C<env> one of environment variables for the cluster; C<standby>
prepares it for streaming.  The library is preloaded if C<preload> says so, by
default with C<OG_PRELOAD> in the environment.

With C<worker>, by default with C<OG_WORKER> in the environment, database
C<postgres> has a gateway worker, which makes the acts that sessions call; it
runs when this returns.  It does not ask by itself what became of orders that are
unknown (C<settle_after>), so that the requests are those of the test alone.

=head2 $test->by_worker

Does a worker make the acts of sessions?  What differs then is not what is
answered, but who remembers what was sent: the journal, and not the server's log.

=head2 $test->node, $test->sandbox

The PostgreSQL::Test::Cluster, the L<OrderGateway::Sandbox>.

=head2 $test->servers($suffix, %options)

One more server with its mapping for each provider, named C<xt_$suffix> and so
on, with these options.  C<kind> picks the sandbox's port, C<providers> (an
array) the providers.

=head2 $test->own_server($provider, $name, %options)

A server with an account of its own at the sandbox, so that nobody else's
requests count on its limits.  The sandbox knows no orders of it; see the
setting C<accept_any_id>.

=head2 $test->session(%options)

A new psql session, see below.  C<database>, C<user>, C<node>.

=head2 $test->standby($name, $of)

A standby that has caught up, as another PostgreSQL::Test::Cluster, named
C<standby> by default; the cluster must have been started with C<standby>.  Of
another server than the cluster's, if one is given.

=head2 $test->seed($provider, @ids)

Gives the sandbox open orders, in the market that calls use.

=head2 $test->reset

Forgets what is in the sandbox, but for open connections.

=cut

sub start
{
	my ($class, %opts) = @_;
	my $node = PostgreSQL::Test::Cluster->new($opts{name} // 'main');
	my $worker = $opts{worker} // $ENV{OG_WORKER};

	$node->init(allows_streaming => $opts{standby} // 0, extra => $opts{initdb} // []);
	$node->append_conf('postgresql.conf',
		"shared_preload_libraries = 'order_gateway'")
	  if $worker || ($opts{preload} // $ENV{OG_PRELOAD});
	$node->append_conf('postgresql.conf',
		"order_gateway.databases = 'postgres'\nmax_worker_processes = 16")
	  if $worker;
	$node->append_conf('postgresql.conf', $opts{conf}) if $opts{conf};
	{
		local %ENV = (%ENV, %{ $opts{env} // {} });
		$node->start;
	}
	my $self = bless {
		node => $node,
		worker => $worker,
		options => { $worker ? (settle_after => '0') : (), %{ $opts{options} // {} } },
		sandbox => OrderGateway::Sandbox->start(%{ $opts{sandbox} // {} }),
	}, $class;
	$self->{sandbox}->install($node, extension => 1, %{ $self->{options} });
	$self->memory_is_new;
	return $self;
}

sub node { return $_[0]{node}; }
sub sandbox { return $_[0]{sandbox}; }
sub by_worker { return $_[0]{worker}; }

sub servers
{
	my ($self, $suffix, %options) = @_;
	my $providers = delete $options{providers}
	  // [ $self->{sandbox}->providers ];

	foreach my $provider (@$providers)
	{
		my $name = "${provider}_$suffix";
		$self->{node}->safe_psql('postgres',
			$self->{sandbox}->server_sql($provider, name => $name,
				%{ $self->{options} }, %options)
			  . $self->{sandbox}->mapping_sql($provider, name => $name));
	}
	return;
}

sub own_server
{
	my ($self, $provider, $name, %options) = @_;
	my $sandbox = $self->{sandbox};
	my $credentials = $sandbox->credentials($provider);

	$_ .= "-$name" foreach values %$credentials;
	$sandbox->add_account($provider, $credentials);
	$self->{node}->safe_psql('postgres',
		$sandbox->server_sql($provider, name => $name,
			%{ $self->{options} }, %options)
		  . $sandbox->mapping_sql($provider, name => $name, %$credentials));
	return;
}

sub session
{
	my ($self, %opts) = @_;
	my $node = $opts{node} // $self->{node};
	my $connstr = $node->connstr($opts{database} // 'postgres');

	$connstr .= " user=$opts{user}" if $opts{user};
	return OrderGateway::Test::Session->new($connstr);
}

sub standby
{
	my ($self, $name, $of) = @_;
	my $node = $of // $self->{node};
	my $standby = PostgreSQL::Test::Cluster->new($name // 'standby');

	$node->backup($standby->name);
	$standby->init_from_backup($node, $standby->name, has_streaming => 1);
	$standby->start;
	$node->wait_for_catchup($standby);
	return $standby;
}

sub seed
{
	my ($self, $provider, @ids) = @_;

	return $self->{sandbox}->seed($provider,
		market => $MARKET{$provider}, ids => \@ids);
}

sub reset
{
	my ($self) = @_;

	return $self->{sandbox}->reset;
}

=head2 $test->promises_ok($provider, $rows, $name)

One test: nothing in the rows is contradicted by what the sandbox really did
since the last reset.  C<cancelled> is cancelled; what was C<rejected>,
C<not_sent>, C<not_found> or C<not_cancellable> was not touched; and no order
was cancelled twice.  C<unknown> promises nothing.

=head2 $test->broken_promises($provider, $rows)

The same as an array of complaints.

=cut

sub broken_promises
{
	my ($self, $provider, $rows) = @_;
	my $truth = $self->{sandbox}->truth($provider);
	my %executed;
	my @broken;

	$executed{$_}++ foreach @{ $self->{sandbox}->executed($provider) };
	foreach my $id (grep { $executed{$_} > 1 } sort keys %executed)
	{
		push @broken, "$id was cancelled $executed{$id} times";
	}
	foreach my $row (@$rows)
	{
		# one of several orders of an id is named in its own element
		my ($leg) = ($row->{response} // '') =~ /"orderID": ?"([^"]+)"/;
		my $id = $leg // $row->{order_id};
		my $status = $truth->{$id} // next;

		push @broken, "$id is $status, not cancelled"
		  if $row->{outcome} eq 'cancelled' && $status ne 'cancelled';
		push @broken, "$id is $row->{outcome}, but was cancelled"
		  if $row->{outcome} !~ /^(cancelled|unknown)$/ && $executed{$id};
	}
	return @broken;
}

sub promises_ok
{
	my ($self, $provider, $rows, $name) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;

	return is_deeply([ $self->broken_promises($provider, $rows) ], [], $name);
}

=head2 $test->wait_until($condition, $name)

One test: the code answers true, in time.

=head2 $test->crash($pid, $name)

One test: a process of the server is killed, so that all of them end, and the
server is there again, in time.

=head2 $test->log_from($offset), $test->log_end

The server's log from a place on, and the place where it ends now.

=head2 $test->context_size($session, $name)

How many bytes a memory context of a session has that is in the middle of
something; undef if it has none of that name.

=cut

# It answers until it has noticed; and a psql that is refused may be gone before it
# was told what to ask, which raises.
sub crash
{
	my ($self, $pid, $name) = @_;
	my $from = $self->log_end;
	local $Test::Builder::Level = $Test::Builder::Level + 1;

	kill 'KILL', $pid;
	return $self->wait_until(sub {
		return $self->log_from($from) =~ /all server processes terminated; reinitializing/
		  && (eval { $self->node->psql('postgres', 'SELECT 1') } // 1) == 0;
	}, $name);
}

sub wait_until
{
	my ($self, $condition, $name) = @_;
	my $until = Time::HiRes::time() + 30;
	my $reached;
	local $Test::Builder::Level = $Test::Builder::Level + 1;

	while (!($reached = $condition->()) && Time::HiRes::time() < $until)
	{
		Time::HiRes::sleep(0.05);
	}
	return ok($reached, $name);
}

sub log_end { return -s $_[0]{node}->logfile; }

sub log_from
{
	my ($self, $offset) = @_;

	return PostgreSQL::Test::Utils::slurp_file($self->{node}->logfile,
		$offset);
}

sub context_size
{
	my ($self, $session, $name) = @_;
	my $start = $self->log_end;

	$self->_ask('SELECT pg_log_backend_memory_contexts(' . $session->pid . ')');
	$self->{node}->wait_for_log(qr/Grand total: /, $start);
	my ($size) = $self->log_from($start) =~ /\Q$name\E: (\d+) total/;
	note("memory of $name: " . ($size // 'not told'));
	return $size;
}

=head1 THE PACE

=head2 $test->wait_out_doubt($seconds)

Waits until windows of so many seconds are no longer partly spent for what may
have been sent before the shared memory was made.

=head2 $test->memory_is_new

To be called when the cluster has been started again, or come back from a
crash: its shared memory was made anew, or is now.

=head2 $test->wait_for_worker

Until the worker runs, and has found the extension, where there is to be one.

=head2 $test->waiting_sessions

How many sessions stand in the longest queue for turns that there is.

=cut

# What a window may have on top of its length: see limiter_lane.c.
my $LARGEST_MARGIN = 0.25;

sub wait_out_doubt
{
	my ($self, $seconds) = @_;

	my $left = $self->{memory_since} + $seconds + $LARGEST_MARGIN - Time::HiRes::time();
	Time::HiRes::sleep($left) if $left > 0;
	return;
}

sub memory_is_new
{
	my ($self) = @_;

	# Where nothing is preloaded, whoever looks first has it made.
	$self->_ask('SELECT count(*) FROM order_gateway_limits');
	$self->{memory_since} = Time::HiRes::time();
	$self->wait_for_worker;
	return;
}

sub wait_for_worker
{
	my ($self) = @_;

	return if !$self->{worker};
	$self->_poll(q{SELECT count(*) = 1 FROM order_gateway_workers AS w, order_gateway_installation AS i
		WHERE w.database = current_database() AND w.pid IS NOT NULL AND i.running})
	  or die 'the worker does not run';
	return;
}

=head2 $test->has_told($ids)

Can the session that called last know by now of so many answered ids? Where it
makes its calls itself it does when another request of its has arrived; else when
the worker has written them down and has nothing more to do.

=cut

sub has_told
{
	my ($self, $ids) = @_;

	return 1 if !$self->{worker};
	return $self->_ask(qq{SELECT count(*) >= $ids
			AND (SELECT bool_and(wait_event_type = 'Extension') FROM pg_stat_activity
				WHERE backend_type = 'order_gateway worker')
		FROM order_gateway_results WHERE answered_at IS NOT NULL
			AND call_id = (SELECT max(call_id) FROM order_gateway_calls WHERE origin = 'session')}) eq 't';
}

# Until a query answers true, whatever the server says besides.
sub _poll
{
	my ($self, $sql) = @_;
	my $until = Time::HiRes::time() + $PostgreSQL::Test::Utils::timeout_default;

	while (Time::HiRes::time() < $until)
	{
		return 1 if $self->_ask($sql) eq 't';
		Time::HiRes::sleep(0.1);
	}
	return 0;
}

=head1 WHAT IS LEFT OF CALLS WHOSE ROWS ARE LOST

=head2 $test->trace_mark, $test->traces($mark)

What is remembered of calls since then, a line for each request that was sent,
such as C<batch_cancel on server "xt" had sent batch 1: 2 cancelled (1, 2), 1
unknown (3)>: the server's log has that where sessions make their calls, for those
that were rolled back, and the journal where a worker does, for all.  Then this
waits until they have ended: a test that holds up a request lets it go before.

=cut

my $CALLS_SINCE = q{FROM order_gateway_calls WHERE origin = 'session' AND call_id > %d};

sub trace_mark
{
	my ($self) = @_;

	return {
		log => $self->log_end,
		call => $self->{worker}
		? $self->_ask('SELECT coalesce(max(call_id), 0) ' . sprintf $CALLS_SINCE, 0) : 0,
	};
}

sub traces
{
	my ($self, $mark) = @_;
	my $calls = sprintf $CALLS_SINCE, $mark->{call};

	return $self->log_from($mark->{log}) =~
	  /LOG: +order_gateway: rolled back after (\S+ on server "\w+" had sent [^\n]*)/g
	  if !$self->{worker};
	$self->_poll("SELECT coalesce(bool_and(state = 'done'), true) $calls")
	  or die 'calls have not ended';
	return split /\n/, $self->_ask(qq{
		SELECT format('%s on server "%s" had sent batch %s: %s', function, server, batch,
			string_agg(outcomes, ', ' ORDER BY outcome))
		FROM (SELECT call_id, batch, answered_outcome AS outcome,
				format('%s %s (%s)', count(*), answered_outcome,
					string_agg(order_id, ', ' ORDER BY ordinal)) AS outcomes
			FROM (SELECT call_id, ordinal, order_id, answered_outcome, coalesce(batch, (SELECT max(number)
						FROM order_gateway_journal_mark AS m
						WHERE m.call_id = r.call_id AND leaves AND r.ordinal = ANY (ordinals))) AS batch
				FROM order_gateway_results AS r
				WHERE (sent_at IS NOT NULL OR answered_outcome = 'unknown')
					AND (call_id, ordinal) IN (SELECT call_id, min(ordinal) FROM order_gateway_results
						GROUP BY call_id, order_id)) AS r
			GROUP BY call_id, batch, answered_outcome) AS o
		JOIN (SELECT call_id, function, server $calls) AS c USING (call_id)
		GROUP BY call_id, function, server, batch ORDER BY call_id, batch});
}

sub waiting_sessions
{
	my ($self) = @_;

	return $self->_ask(
		'SELECT coalesce(max(sessions_waiting), 0) FROM order_gateway_limits');
}

sub _ask { return $_[0]{node}->safe_psql('postgres', $_[1]); }

package OrderGateway::Test::Session;

=head1 A SESSION

One psql that lives on from call to call, as connections kept by the session
need it.

=head2 $session->query($sql)

Runs it and answers a hash: C<lines> (an array, columns divided by C<|>),
C<stderr> (with SQLSTATEs and contexts), C<sqlstate> (of the first error, or
undef).

=head2 $session->send($sql), $session->finish

The same in two steps, to do something else meanwhile.

=head2 $session->value($sql), $session->rows($sql)

The text of the first line; all lines, each read as JSON.  Die of an error.

=head2 $session->call($provider, $ids, %options)

Calls a cancel function, see call_sql, and answers its rows: an array of
hashes with C<order_id> as text and C<response> as the very text.  Dies of an
error.

=head2 $session->stderr

What the last statement raised: warnings, notices, errors.

=head2 $session->error($sql)

The SQLSTATE that it fails with, or 'none'.

=head2 $session->pid, $session->quit

Its process id in the server; the end.

=cut

use Carp qw(croak);
use Encode ();
use Time::HiRes ();

my $COLUMNS = 'order_id::text, outcome::text, code, message, ordinal, batch,'
  . ' attempts, http_status, extract(epoch FROM sent_at) AS sent_at,'
  . ' extract(epoch FROM answered_at) AS answered_at,'
  . ' response::text AS response';

sub new
{
	my ($class, $connstr) = @_;
	my $self = bless { in => '', out => '', err => '', turn => 0 }, $class;
	my @psql = (
		'psql', '--no-psqlrc', '--no-align', '--tuples-only', '--quiet',
		'--set', 'VERBOSITY=verbose', '--set', 'SHOW_CONTEXT=always',
		'--file', '-', '--dbname', $connstr);

	local $ENV{PGCLIENTENCODING} = 'UTF8';
	$self->{timer} =
	  IPC::Run::timeout($PostgreSQL::Test::Utils::timeout_default);
	$self->{psql} = IPC::Run::start(\@psql, '<', \$self->{in},
		'>', \$self->{out}, '2>', \$self->{err}, $self->{timer});
	$self->{pid} = $self->value('SELECT pg_backend_pid()');
	return $self;
}

sub send
{
	my ($self, $sql) = @_;
	my $mark = '=== ' . ++$self->{turn};

	$self->{timer}->start;
	$self->{out} = $self->{err} = '';
	$self->{in} .=
	  Encode::encode('UTF-8', "$sql\n;\n\\echo $mark\n\\warn $mark\n");
	while (length $self->{in} && $self->{psql}->pumpable)
	{
		# pump() would go on to wait for an answer
		$self->{psql}->pump_nb;
		Time::HiRes::sleep(0.001);
	}
	return;
}

sub finish
{
	my ($self) = @_;
	my $mark = "=== $self->{turn}\n";
	my $sqlstate;

	$self->{psql}->pump
	  while ((index($self->{out}, $mark) < 0
			|| index($self->{err}, $mark) < 0)
		&& $self->{psql}->pumpable);
	$self->{timer}->reset;
	my ($out, $err) =
	  map { Encode::decode('UTF-8', s/\Q$mark\E//r) } @$self{qw(out err)};
	$self->{stderr} = $err;
	($sqlstate) = $err =~ /(?:ERROR|FATAL|PANIC):\s+(\w{5}):/;
	return {
		lines => [ split /\n/, $out ],
		stderr => $err,
		sqlstate => $sqlstate,
	};
}

sub query
{
	my ($self, $sql) = @_;

	$self->send($sql);
	return $self->finish;
}

sub _lines
{
	my ($self, $sql) = @_;
	my $result = $self->query($sql);

	croak "$sql: $result->{stderr}" if defined $result->{sqlstate};
	return @{ $result->{lines} };
}

sub value { return ($_[0]->_lines($_[1]))[0]; }

sub rows
{
	my ($self, $sql) = @_;

	return [ map { JSON::PP->new->decode($_) } $self->_lines($sql) ];
}

sub call_rows_sql
{
	my ($call) = @_;

	return "SELECT row_to_json(r) FROM (SELECT $COLUMNS FROM $call) AS r";
}

sub call
{
	my ($self, @args) = @_;

	return $self->rows(call_rows_sql(OrderGateway::Test::call_sql(@args)));
}

=head2 $session->send_call($provider, $ids, %options), $session->finish_call

The same in two steps.

=cut

sub send_call
{
	my ($self, @args) = @_;

	return $self->send(call_rows_sql(OrderGateway::Test::call_sql(@args)));
}

sub finish_call
{
	my ($self) = @_;
	my $result = $self->finish;

	croak $result->{stderr} if defined $result->{sqlstate};
	return [ map { JSON::PP->new->decode($_) } @{ $result->{lines} } ];
}

sub stderr { return $_[0]{stderr}; }
sub error { return $_[0]->query($_[1])->{sqlstate} // 'none'; }
sub pid { return $_[0]{pid}; }

sub quit
{
	my ($self) = @_;
	my $psql = delete $self->{psql} // return;

	$self->{in} .= "\\q\n";
	$psql->finish;
	return;
}

sub DESTROY
{
	my ($self) = @_;

	local ($@, $!, $?);
	eval { $self->{psql}->kill_kill(grace => 1) if $self->{psql} };
	return;
}

1;
