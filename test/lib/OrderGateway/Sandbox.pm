package OrderGateway::Sandbox;

=encoding utf8

=head1 NAME

OrderGateway::Sandbox - the order sandbox, for TAP tests

=head1 SYNOPSIS

  use OrderGateway::Sandbox;

  my $sandbox = OrderGateway::Sandbox->start(pace => 'off');
  $sandbox->install($node);                   # servers and user mappings

  $sandbox->seed('xt', market => 'btc_usdt', ids => [ 1 .. 250 ]);
  $sandbox->arm('close_after', provider => 'xt', skip => 1);

  # ... the SQL that is tested ...

  is(scalar(@{ $sandbox->requests(provider => 'xt') }), 3, 'three requests');
  is($sandbox->fired('close_after'), 1, 'and one was not answered');
  is($sandbox->truth('xt')->{17}, 'cancelled', 'the order really is');

  $sandbox->stop;                             # or when it goes out of scope

=head1 DESCRIPTION

Starts F<test/sandbox/sandbox> on free ports, talks to its control API, and
stops it again.  The sandbox also ends when the test does, whatever the
reason: it watches a pipe that only the test holds open.  All ids are strings.
Every method dies with the sandbox's own words when it is asked for something
that does not exist.

=cut

use strict;
use warnings;

use Carp qw(croak);
use Cwd ();
use File::Basename ();
use HTTP::Tiny;
use IO::Select;
use JSON::PP;
use MIME::Base64 qw(encode_base64);
use POSIX ();
use Socket ();
use Time::HiRes ();

my $JSON = JSON::PP->new->utf8->canonical->allow_nonref;

=head1 STARTING AND STOPPING

=head2 OrderGateway::Sandbox->start(%options)

C<pace> (C<'off'> is the default here), C<port>, C<control_port>,
C<plain_port>, C<dir>, C<silent_dns> (C<'ADDR:PORT'>), C<timeout> (seconds to
wait for it, 30), C<log> (a file for its standard error), C<command> (the
program, when it is not found beside this library), C<wrapper> (an array of
words to put before the command, such as C<['unshare', '-m']>).

=cut

sub start
{
	my ($class, %opts) = @_;
	my $self = bless {
		owner => $$,
		http => HTTP::Tiny->new(timeout => 320),
	}, $class;
	my $log = delete $opts{log};
	my $timeout = delete $opts{timeout} // 30;
	my $command = delete $opts{command} // _command();
	my @words = (@{ delete $opts{wrapper} // [] },
		$command, '--json', '--exit-with-stdin');

	$opts{pace} //= 'off';
	foreach my $name (qw(pace port plain_port control_port dir silent_dns))
	{
		my $value = delete $opts{$name};
		next unless defined $value;
		(my $option = $name) =~ tr/_/-/;
		push @words, "--$option", $value;
	}
	croak "unknown option: " . join(', ', sort keys %opts) if %opts;

	# undef makes a file without a name, which nobody has to remove
	(defined $log
		? open($self->{log}, '+>', $log)
		: open($self->{log}, '+>', undef))
	  or croak "cannot write the log: $!";
	$self->_launch(@words);
	$self->_read_greeting($timeout);
	return $self;
}

# The program, looked for from where this file is.
sub _command
{
	my $here = File::Basename::dirname(Cwd::abs_path(__FILE__));

	return Cwd::abs_path("$here/../../sandbox/sandbox")
	  // croak "cannot find test/sandbox/sandbox from $here";
}

# Start the program.  Perl closes both pipes in whatever else the test
# starts, so the sandbox sees the end of its standard input when we end.
sub _launch
{
	my ($self, @words) = @_;

	pipe(my $stdin, my $stdin_write) or croak "pipe: $!";
	pipe(my $stdout_read, my $stdout) or croak "pipe: $!";
	my $pid = fork() // croak "fork: $!";
	if ($pid == 0)
	{
		# Test modules may have tied or redirected the Perl handles, so
		# this works on descriptors only.
		POSIX::setsid();
		POSIX::dup2(fileno($stdin), 0);
		POSIX::dup2(fileno($stdout), 1);
		POSIX::dup2(fileno($self->{log}), 2);
		# nothing else of the test's is to be held open
		POSIX::close($_) foreach (3 .. 255);
		no warnings 'exec';
		exec { $words[0] } @words;
		POSIX::write(2, "could not run $words[0]: $!\n",
			length("could not run $words[0]: $!\n"));
		POSIX::_exit(127);
	}
	close $stdin;
	close $stdout;
	$self->{pid} = $pid;
	$self->{stdin} = $stdin_write;
	$self->{stdout} = $stdout_read;
	return;
}

# Wait for the one line of JSON.
sub _read_greeting
{
	my ($self, $timeout) = @_;
	my $until = Time::HiRes::time() + $timeout;
	my $select = IO::Select->new($self->{stdout});
	my $text = '';

	while ($text !~ /\n/)
	{
		my $left = $until - Time::HiRes::time();
		my $got = 0;

		$got = sysread($self->{stdout}, $text, 65536, length $text)
		  if $left > 0 && $select->can_read($left);
		next if $got;
		my $why = $left > 0 ? 'ended' : "said nothing for $timeout s";
		my $words = $self->stderr_text;
		$self->stop;
		croak "the sandbox $why before it was ready: $words";
	}
	$self->{ready} = $JSON->decode($text);
	return;
}

=head2 $sandbox->stop

Ends it and waits for that.  Also done when the object goes away.

=cut

sub stop
{
	my ($self) = @_;
	my $pid = delete $self->{pid};

	return if !defined $pid || $self->{owner} != $$;
	close delete $self->{stdin} if $self->{stdin};
	local $?;
	for my $try (1 .. 500)
	{
		return if waitpid($pid, POSIX::WNOHANG()) != 0;
		kill 'TERM', $pid if $try == 100;
		kill 'KILL', $pid if $try == 400;
		Time::HiRes::sleep(0.01);
	}
	return;
}

sub DESTROY
{
	my ($self) = @_;

	local ($@, $!, $?);
	eval { $self->stop };
	return;
}

=head2 $sandbox->stderr_text

What it has written to standard error.

=cut

sub stderr_text
{
	my ($self) = @_;

	# opened anew, to leave the place where the sandbox writes alone
	open(my $fh, '<', '/proc/self/fd/' . fileno($self->{log})) or return '';
	local $/;
	my $text = <$fh> // '';
	close $fh;
	return $text;
}

=head1 WHERE IT IS

=head2 $sandbox->base_url($provider, kind => 'tls')

C<kind> is C<tls>, C<plain>, C<expired>, C<ending> (in five days), C<foreign>,
C<misnamed>, C<tls12> (at most), C<refused> (nobody listens), C<mute> (takes the connection, never
answers the TLS handshake), C<old_tls> (TLS 1.1 at most) or C<stuck> (the TCP
connect never completes).  The last two are not there on every system; see
C<has_port>.  C<host> replaces C<localhost>.

=head2 $sandbox->stream_url(kind => 'tls'), book_stream_url(kind => 'tls')

BTSE's two WebSocket URLs, with the same options as C<base_url>.

=head2 $sandbox->has_port($kind), $sandbox->port($kind)

Whether there is such a port, and its number.

=head2 $sandbox->ca, foreign_ca, dir, pid, control_url, ready

Files of the certificate authorities, the directory they are in, the process,
and where the control API is.  C<ready> is all that it printed, as a hash.

=head2 $sandbox->credentials($provider)

A hash of the user mapping's options.

=cut

sub base_url
{
	my ($self, $provider, %opts) = @_;
	my $kind = $opts{kind} // 'tls';
	my $urls = $self->{ready}{urls}{$provider}
	  // croak "no provider $provider";
	my $url = $urls->{$kind} // croak "no port of kind $kind here";

	$url =~ s{//localhost:}{//$opts{host}:} if defined $opts{host};
	return $url;
}

sub stream_url { return shift->_stream('/ws/spot', @_); }
sub book_stream_url { return shift->_stream('/ws/oss/spot', @_); }

sub _stream
{
	my ($self, $path, %opts) = @_;
	my $url = $self->base_url('btse', %opts);

	$url =~ s{^http(s?://[^/]+)/.*$}{ws$1$path};
	return $url;
}

sub port
{
	my ($self, $kind) = @_;

	return $self->{ready}{ports}{$kind} // croak "no port of kind $kind here";
}

sub has_port
{
	my ($self, $kind) = @_;

	return exists $self->{ready}{ports}{$kind};
}

sub ready { return $_[0]{ready}; }
sub ca { return $_[0]{ready}{ca}; }
sub foreign_ca { return $_[0]{ready}{foreign_ca}; }
sub dir { return $_[0]{ready}{dir}; }
sub pid { return $_[0]{ready}{pid}; }
sub control_url { return $_[0]{ready}{control_url}; }

sub credentials
{
	my ($self, $provider) = @_;

	return { %{ $self->{ready}{credentials}{$provider}
			  // croak "no provider $provider" } };
}

=head1 SQL

=head2 $sandbox->server_sql($provider, %options)

The CREATE SERVER statement.  C<name> is the server's name (default: the
provider's), C<kind> chooses the port as in C<base_url>; everything else is a
server option, and one that is C<undef> is left out.  With C<kind> C<plain>,
C<allow_http> is set.  With C<< streams => 1 >>, a server of BTSE has
C<stream_url> and C<book_stream_url>, too.

=head2 $sandbox->mapping_sql($provider, %options)

The CREATE USER MAPPING statement.  C<name> is the server, C<role> defaults to
C<CURRENT_USER>; everything else is an option of the mapping.

=head2 $sandbox->install($where, %options)

Runs both for all four providers.  C<$where> is a PostgreSQL::Test::Cluster or
a code reference that is given the SQL.  C<database> (default C<postgres>),
C<role>, C<providers> (an array), C<extension> (1 to create the extension
first), and any server option.

=cut

sub _quote
{
	my ($text) = @_;

	my $escape = $text =~ /\\/ ? 'E' : '';
	$text =~ s/\\/\\\\/g;
	$text =~ s/'/''/g;
	return "$escape'$text'";
}

sub _options
{
	my (%options) = @_;

	return join(', ',
		map { "$_ " . _quote($options{$_}) }
		grep { defined $options{$_} } sort keys %options);
}

sub _identifier
{
	my ($name) = @_;

	return $name if $name =~ /^[a-z_][a-z0-9_]*$/;
	$name =~ s/"/""/g;
	return qq("$name");
}

sub server_sql
{
	my ($self, $provider, %options) = @_;
	my $name = delete $options{name} // $provider;
	my $kind = delete $options{kind} // 'tls';
	my %streams = (delete $options{streams} && $provider eq 'btse')
	  ? (stream_url => $self->stream_url(kind => $kind),
		book_stream_url => $self->book_stream_url(kind => $kind)) : ();
	my %all = (
		%streams,
		base_url => $self->base_url($provider, kind => $kind),
		$kind eq 'plain'
		? (allow_http => 'true')
		: (sslrootcert => $self->ca),
		%options);

	return sprintf("CREATE SERVER %s FOREIGN DATA WRAPPER %s_fdw"
		  . " OPTIONS (%s);\n",
		_identifier($name), $provider, _options(%all));
}

sub mapping_sql
{
	my ($self, $provider, %options) = @_;
	my $name = delete $options{name} // $provider;
	my $role = delete $options{role} // 'CURRENT_USER';
	my %all = (%{ $self->credentials($provider) }, %options);

	return sprintf("CREATE USER MAPPING FOR %s SERVER %s OPTIONS (%s);\n",
		$role, _identifier($name), _options(%all));
}

sub install
{
	my ($self, $where, %options) = @_;
	my $database = delete $options{database} // 'postgres';
	my $role = delete $options{role} // 'CURRENT_USER';
	my @providers = @{ delete $options{providers} // [ $self->providers ] };
	my $sql = delete $options{extension}
	  ? "CREATE EXTENSION IF NOT EXISTS order_gateway;\n" : '';

	foreach my $provider (@providers)
	{
		$sql .= $self->server_sql($provider, %options);
		$sql .= $self->mapping_sql($provider, role => $role);
	}
	return $where->($sql) if ref $where eq 'CODE';
	return $where->safe_psql($database, $sql);
}

=head2 $sandbox->providers

Their names.

=cut

sub providers
{
	return qw(xt tronsave btse wangdian);
}

=head1 ORDERS

=head2 $sandbox->seed($provider, ids => [...], %more)

C<market>, C<status> (default C<open>), C<client_order_id> (one for all) or
C<client_order_ids> (one each), C<group> (the legs of one OCO order), C<fields>
(BTSE, XT: fields of the order, numbers as text), C<account>; or
C<< range => [first, count] >> instead of C<ids>.

=head2 $sandbox->set_status($provider, $id, $status)

Something else happened to the order meanwhile.

=head2 $sandbox->fill($provider, $id, %how)

It was filled meanwhile.  At BTSE this makes a trade, with C<size> (default:
the rest), C<price> (default: the order's) and C<maker>.

=head2 $sandbox->age($provider, $id, $seconds)

All that happened to it happened so much earlier.

=head2 $sandbox->put($provider, $kind, @items), data($provider, $kind), drop($provider, $kind)

What else a provider knows, such as BTSE's markets, book, trades, candles,
fills, balances, timers and investments: puts some, shows all, drops all.
F<test/sandbox/README.md> has the kinds.  Amounts are best given as text.

=head2 $sandbox->truth($provider)

A hash: id to status.

=head2 $sandbox->orders(%filter)

Full descriptions; C<provider>, C<account>, C<status>, C<id>.

=head2 $sandbox->executed($provider, $action)

The ids really cancelled, in order, one entry per time.  Two entries for one
id would mean that the sandbox cancelled it twice.  Another action than
C<cancelled> can be asked for.

=head2 $sandbox->processed($provider)

Everything that was done, or looked at: an array of hashes with C<order>,
C<action> (C<cancelled>, C<created>, C<not_found> and others, see
F<test/sandbox/README.md>), C<request> and C<detail>.

=head2 $sandbox->add_account($provider, $credentials, %more), accounts

One more key; C<trade>, C<read> or C<wallet> 0 for one that may not, and
C<user> for one that shares a user's limits.  And all of them.

=cut

sub seed
{
	my ($self, $provider, %seed) = @_;

	foreach my $list (qw(ids client_order_ids))
	{
		$seed{$list} = [ map { "$_" } @{ $seed{$list} } ] if $seed{$list};
	}
	return $self->_post('/orders', { provider => $provider, %seed })->{seeded};
}

sub set_status
{
	my ($self, $provider, $id, $status) = @_;

	return $self->_post('/orders/' . _escape($id) . '/status'
		  . _query(provider => $provider), { status => $status });
}

sub fill
{
	my ($self, $provider, $id, %how) = @_;

	$how{maker} = _boolean($how{maker}) if defined $how{maker};
	return $self->_post('/orders/' . _escape($id) . '/fill'
		  . _query(provider => $provider), \%how);
}

sub age
{
	my ($self, $provider, $id, $seconds) = @_;

	return $self->_post('/orders/' . _escape($id) . '/age'
		  . _query(provider => $provider), { seconds => $seconds });
}

sub put
{
	my ($self, $provider, $kind, @items) = @_;

	return $self->_post("/data/$provider/$kind", \@items)->{put};
}

sub data
{
	my ($self, $provider, $kind) = @_;

	return $self->_get("/data/$provider/$kind");
}

sub drop
{
	my ($self, $provider, $kind) = @_;

	$self->_request('DELETE', "/data/$provider/$kind");
	return;
}

sub truth
{
	my ($self, $provider, %filter) = @_;

	return $self->_get('/orders',
		%filter, provider => $provider, short => 1);
}

sub orders
{
	my ($self, %filter) = @_;

	return $self->_get('/orders', %filter);
}

sub executed
{
	my ($self, $provider, $action) = @_;

	return [
		map { $_->{order} } @{
			$self->_get('/executed',
				provider => $provider, action => $action)
		} ];
}

sub processed
{
	my ($self, $provider) = @_;

	return $self->_get('/executed', provider => $provider, all => 1);
}

sub add_account
{
	my ($self, $provider, $credentials, %more) = @_;

	foreach my $name (qw(trade read wallet))
	{
		$more{$name} = _boolean($more{$name}) if defined $more{$name};
	}
	return $self->_post('/accounts',
		{ provider => $provider, credentials => $credentials, %more });
}

sub accounts { return $_[0]->_get('/accounts'); }

=head1 FAULTS

=head2 $sandbox->arm($fault, %args)

Returns the id.  The arguments are those of the fault and, for every fault,
C<provider>, C<process>, C<times>, C<skip>, C<kept>, C<match_id>,
C<operation>.  Those of streams (C<stream_...>) have C<topic>, C<url>,
C<connection> and C<on> instead of the last five.

=head2 $sandbox->disarm($id_or_name)

Without an argument, all of them.

=head2 $sandbox->faults, $sandbox->fired($id_or_name), $sandbox->known_faults

What was armed (with C<fired>, C<matched>, C<requests>); how often one has
fired; a hash of all there are.

=cut

sub arm
{
	my ($self, $fault, %args) = @_;

	foreach my $name (qw(process kept goodbye declared some with_rows whole
		validation dated data error raw equal pings_between empty))
	{
		$args{$name} = _boolean($args{$name}) if defined $args{$name};
	}
	foreach my $name (qw(times skip ms bytes depth digits keep seconds status
		legs times_100 code every more by levels pings connection))
	{
		$args{$name} += 0
		  if defined $args{$name} && $args{$name} =~ /^-?[0-9.]+$/;
	}
	return $self->_post('/faults', { fault => $fault, %args })->{id};
}

sub disarm
{
	my ($self, $which) = @_;

	return $self->_request('DELETE', '/faults' . _query(
			!defined $which ? ()
			: $which =~ /^\d+$/ ? (id => $which) : (fault => $which)))
	  ->{disarmed};
}

sub faults { return $_[0]->_get('/faults'); }

sub fired
{
	my ($self, $which) = @_;
	my $fired = 0;

	$fired += $_->{fired}
	  foreach grep { $_->{id} eq $which || $_->{fault} eq $which }
	  @{ $self->faults };
	return $fired;
}

sub known_faults
{
	my ($self) = @_;

	return { map { $_->{name} => $_ }
		  @{ $self->_get('/faults/known')->{faults} } };
}

=head1 BTSE'S STREAMS

=head2 $sandbox->streams

A hash: C<open> (how many connections), C<topics> (topic to how many follow
it), C<counts>, C<books> (with C<symbol>, C<grouping>, C<seq>) and
C<connections>, those that are gone included, oldest first: C<connection url
account topics> (topic to messages sent) C<received sent pings texts open why
close_code> and more.

=head2 $sandbox->book($symbol, $grouping, %which), best($symbol)

The truth about a book, as it was told: C<seq>, C<event_time>, C<bids> and
C<asks>, both best first, as arrays of [price, size].  C<< seq => n >> asks for
an older state, C<< last => n >> for an array of the last ones.  C<best> has
C<now> and C<history> of what snapshotL1 told, each with C<bid> and C<ask>.

=head2 $sandbox->stream_fills($account), stream_notifications($account), stream_trades($symbol)

All there were, oldest first, with the names of REST (C<filledPrice>,
C<serialId>) or, for notifications, of the message; C<told> is how often each
was sent to somebody.  The account's name is its API key; undef is the first.

=head2 $sandbox->trade(%how), stop_trading, burst($moves, $symbol)

Makes the market move: C<rate> (moves a second, default 20), C<moves> (then it
stops; 0: it goes on), C<symbols> (an array, default all), C<seed>,
C<changes> (levels changed by a move).  C<burst> makes so many moves of one
market and sends their messages at once; it answers how many those were.

=head2 $sandbox->send_stream($text, %to), close_streams(%how)

Sends a text, whatever it is, to the connections that C<< topic => ... >>,
C<< url => 'book' >> or C<'other'>, or C<< connection => number >> names, or to
all; C<< opcode => 2 >> makes it binary, C<< raw => 1 >> sends it without a
frame.  C<close_streams> closes them: C<how> is C<close> (with C<code>,
C<reason>), C<drop> or C<reset>.  Both answer how many there were.

=cut

sub streams { return $_[0]->_get('/streams'); }

sub book
{
	my ($self, $symbol, $grouping, %which) = @_;

	return $self->_get('/streams/book',
		symbol => $symbol, grouping => $grouping // 0, %which);
}

sub best { return $_[0]->_get('/streams/l1', symbol => $_[1]); }
sub stream_fills { return $_[0]->_get('/streams/fills', account => $_[1]); }
sub stream_trades { return $_[0]->_get('/streams/trades', symbol => $_[1]); }

sub stream_notifications
{
	return $_[0]->_get('/streams/notifications', account => $_[1]);
}

sub trade
{
	my ($self, %how) = @_;

	foreach my $name (qw(rate moves seed changes))
	{
		$how{$name} += 0 if defined $how{$name};
	}
	return $self->_post('/streams/trader', \%how);
}

sub stop_trading { return $_[0]->_request('DELETE', '/streams/trader'); }

sub burst
{
	my ($self, $moves, $symbol) = @_;

	return $self->_post('/streams/burst',
		{ moves => $moves, symbol => $symbol // 'BTC-USD' })->{sent};
}

sub send_stream
{
	my ($self, $text, %to) = @_;

	$to{raw} = _boolean($to{raw}) if defined $to{raw};
	return $self->_post('/streams/send',
		{ %to, base64 => encode_base64($text, '') })->{sent};
}

sub close_streams
{
	my ($self, %how) = @_;

	return $self->_post('/streams/close', \%how)->{closed};
}

=head1 WHAT ARRIVED

=head2 $sandbox->requests(%filter)

C<provider>, C<account>, C<path>, C<id>, C<since> (a request number), C<last>
or C<most> (how many, of the newest or the oldest).  An array of hashes: C<number provider operation method path query
headers body market ids account signature_ok note port connection
nth_on_connection arrived_at faults processed status answered_at left_at>.

=head2 $sandbox->connections(port => $kind)

C<opened>, C<handshakes>, C<closed>, C<open>, C<connections>.

=head2 $sandbox->close_connections($how)

Closes all that are open: C<close>, C<silent> (no TLS goodbye) or C<reset>.

=head2 $sandbox->wait_for_requests($n, %opts)

Waits until that many have arrived since the last reset; C<provider>, C<port>,
C<seconds> (default 10).  True when they have.

=head2 $sandbox->wait_for(%condition)

Any of C<< requests => n >>, C<< more => n >>, C<< phase => 'accepted' >> (C<handshake>,
C<headers>, C<body>, C<fault>, C<answered>, C<left>, C<closed>, C<dns>) with
C<< count => n >>, C<< fault => name >>, C<< executed => n >> (with
C<action>),
C<< open => n >> (at most so many open connections),
C<< streams => n >> (so many stream connections are open),
C<< topic => 'fills' >> (C<count> connections follow it, and were sent at least
C<sent> messages of it; 1 and 0), with C<provider>,
C<port>, C<seconds>.  True when all of them came true in time.

=cut

sub requests
{
	my ($self, %filter) = @_;

	return $self->_get('/requests', %filter);
}

sub connections
{
	my ($self, %filter) = @_;

	return $self->_get('/connections', %filter);
}

sub close_connections
{
	my ($self, $how) = @_;

	return $self->_post('/connections/close' . _query(how => $how // 'close'),
		{})->{closed};
}

sub wait_for_requests
{
	my ($self, $n, %opts) = @_;

	return $self->wait_for(requests => $n, %opts);
}

sub wait_for
{
	my ($self, %condition) = @_;

	return $self->_get('/wait', %condition)->{reached} ? 1 : 0;
}

=head1 PACE AND SETTINGS

=head2 $sandbox->pace(%change)

What is known about pace: C<windows> (with C<max_seen>, C<violations>),
C<violations> in all, C<locked>, C<nonces>.  With C<< pace => 'on' >>,
C<< unlock => 1 >>, or C<< provider => ..., limits => [...] >> it is changed
first.

=head2 $sandbox->settings(%change)

Changes settings if any are given; a hash of all of them.  They are listed in
F<test/sandbox/README.md>.

=head2 $sandbox->reset(%opts)

As after the start: no orders, faults or requests, settings as given to
C<start>.  Accounts stay; so do open connections unless C<< connections => 1
>>.

=cut

sub pace
{
	my ($self, %change) = @_;

	return %change ? $self->_post('/pace', \%change) : $self->_get('/pace');
}

sub settings
{
	my ($self, %change) = @_;

	return %change
	  ? $self->_post('/settings', \%change) : $self->_get('/settings');
}

sub reset
{
	my ($self, %opts) = @_;

	$self->_post('/reset' . _query(%opts), {});
	return;
}

# ---- the control API

sub _boolean
{
	return $_[0] ? JSON::PP::true : JSON::PP::false;
}

sub _escape
{
	my ($text) = @_;

	utf8::encode($text) if utf8::is_utf8($text);
	$text =~ s/([^A-Za-z0-9._~-])/sprintf('%%%02X', ord $1)/ge;
	return $text;
}

sub _query
{
	my (%query) = @_;

	return '' unless %query;
	return '?' . join('&',
		map { _escape($_) . '=' . _escape($query{$_}) }
		grep { defined $query{$_} } sort keys %query);
}

sub _get
{
	my ($self, $path, %query) = @_;

	return $self->_request('GET', $path . _query(%query));
}

sub _post
{
	my ($self, $path, $value) = @_;

	return $self->_request('POST', $path, $value);
}

# HTTP::Tiny writes head and body of a POST apart, and on a connection that is
# kept the second would wait 40 ms for the acknowledgement of the first.
sub _hurry
{
	my ($handle) = @_;

	setsockopt($handle->{fh}, Socket::IPPROTO_TCP(), Socket::TCP_NODELAY(), 1)
	  if ref $handle && $handle->{fh};
	return;
}

sub _request
{
	my ($self, $method, $path, $value) = @_;
	my %options;

	$options{content} = $JSON->encode($value) if defined $value;
	my $answer = $self->{http}->request($method,
		$self->control_url . $path, \%options);
	_hurry($self->{http}{handle});
	return $JSON->decode($answer->{content}) if $answer->{success};
	my $error = eval { $JSON->decode($answer->{content})->{error} }
	  // "$answer->{status} $answer->{content}";
	croak "sandbox: $method $path: $error";
}

1;
