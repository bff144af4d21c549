# order_gateway_check: what a DBA sees of a server before going live, and what
# a refusal in a call says about the clock.
#
# A check is eight rows.  The tables below write what their "ok" are as a word
# of eight letters, one for each of @ITEMS: t, f, and - for NULL.

use strict;
use warnings;
use utf8;

use OrderGateway::OwnNames;
use Test::More;

use OrderGateway::Test qw(call_sql letters sql_text);

# In the order in which a call meets them.
my @ITEMS = ('name lookup', 'connection', 'tls', 'certificate', 'http',
	'round trip', 'clock', 'credentials');

# What a check asks for, and nothing else: operations as the sandbox calls
# them, '-' for a path it does not know.
my %ASKED = (
	xt => [ 'get_server_time', 'get_batch_orders' ],
	tronsave => [ '-', 'tracking' ],
	btse => [ 'time', 'open_orders' ],
	wangdian => ['-'],
);
my $GOOD = 'tttttttt';

my $test = OrderGateway::Test->start(
	standby => 1,

	# so that none has to make room for another, and its history is lost
	conf => "order_gateway.max_accounts = 256\n",
	sandbox => { OrderGateway::OwnNames::sandbox_options() });
my ($sandbox, $node) = ($test->sandbox, $test->node);
my $session = $test->session;
my @providers = $sandbox->providers;

# ----
# Words
# ----

# Rows of a check, as hashes.
sub check_sql
{
	my ($server) = @_;

	return 'SELECT row_to_json(c) FROM order_gateway_check('
	  . sql_text($server) . ') AS c';
}

# A server with its mapping; options as OrderGateway::Sandbox has them, those
# of the mapping in "mapping".  Pace is off, or a check would wait for the one
# before it.
my $servers = 0;

sub server
{
	my ($provider, %options) = @_;
	my $name = "${provider}_" . ++$servers;
	my $mapping = delete $options{mapping} // {};

	$options{query_rate_limit} //= 'off' if $provider ne 'wangdian';
	$node->safe_psql('postgres',
		$sandbox->server_sql($provider, name => $name, %options)
		  . $sandbox->mapping_sql($provider, name => $name, %$mapping));
	return $name;
}

sub ok_letters
{
	my ($rows) = @_;

	return join '',
	  map { !defined $_->{ok} ? '-' : $_->{ok} ? 't' : 'f' } @$rows;
}

# A row by its item.
sub row
{
	my ($rows, $item) = @_;

	return (grep { $_->{item} eq $item } @$rows)[0];
}

# What the sandbox was asked for since the last reset.
sub asked
{
	return [ map { $_->{operation} // '-' } @{ $sandbox->requests } ];
}

# What is wrong with rows whatever they say.
sub complaints
{
	my ($provider, $rows) = @_;
	my @items = map { $_->{item} } @$rows;
	my %secrets = %{ $sandbox->credentials($provider) };
	my @wrong;

	push @wrong, "items are @items" if "@items" ne "@ITEMS";
	foreach my $row (@$rows)
	{
		my $text = join ' ', map { $_ // '' } @$row{qw(result hint)};

		push @wrong, "$row->{item} says nothing" if !length $row->{result};
		push @wrong, "$row->{item} is false without a hint"
		  if defined $row->{ok} && !$row->{ok} && !length($row->{hint} // '');
		push @wrong, "$row->{item} is true with a hint"
		  if $row->{ok} && defined $row->{hint};
		push @wrong, "$row->{item} tells a secret"
		  if grep { index($text, $_) >= 0 } values %secrets;
	}
	push @wrong, 'an order was looked at'
	  if @{ $sandbox->processed($provider) };
	push @wrong, 'something was acted on'
	  if grep { /cancel/ } @{ asked() };
	return \@wrong;
}

# Check a server: answers the rows.
sub check
{
	my ($provider, $server, $expected, $name) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my $rows = $session->rows(check_sql($server));

	# a provider without such a call has nothing to say on its last item
	$expected =~ s/.$/-/ if $provider eq 'wangdian';
	is(ok_letters($rows), $expected, $name)
	  or diag(map { "$_->{item}: $_->{result}\n" } @$rows);
	is_deeply(complaints($provider, $rows), [], '... in rows that are in order');
	return $rows;
}

# Open orders that no check may touch.
sub fresh
{
	$test->reset;
	$test->seed($_, 1, 2) foreach @providers;
	return;
}

# ----
# All is well
# ----

foreach my $provider (@providers)
{
	fresh();
	my $rows = check($provider, $provider, $GOOD, "$provider: all is well");
	my ($last) = reverse @{ $ASKED{$provider} };

	is(row($rows, 'name lookup')->{result} =~ s/\d+\.\d ms$/N ms/r,
		'localhost is 127.0.0.1, in N ms', '... the address');
	is(row($rows, 'connection')->{result} =~ s/\d+\.\d ms$/N ms/r,
		'to 127.0.0.1 port ' . $sandbox->port('tls') . ', in N ms',
		'... the connection');
	like(row($rows, 'tls')->{result}, qr/^TLSv1\.3, TLS_\w+, in \d+\.\d ms$/,
		'... TLS');
	like(row($rows, 'certificate')->{result},
		qr/^until \d{4}-\d\d-\d\d \((?:89|90) days\), for localhost, 127\.0\.0\.1, issued by order sandbox CA, throw-away$/,
		'... the certificate');
	like(row($rows, 'http')->{result}, qr/^GET \S+: HTTP (?:200|404)\b/,
		'... HTTP');
	like(row($rows, 'round trip')->{result},
		qr/^\d+\.\d ms from request to answer$/, '... the round trip');
	like(row($rows, 'clock')->{result},
		qr/^ours and the provider's agree within \d+\.\d s$/, '... the clock');
	like(row($rows, 'credentials')->{result},
		$provider eq 'wangdian'
		? qr/^not tried: the provider has no call that only reads$/
		: qr{^accepted by (?:GET|POST) /\S+$},
		'... the credentials');
	is_deeply(asked(), $ASKED{$provider}, '... after so many requests');
	is_deeply([ map { $_->{port} } @{ $sandbox->requests } ],
		[ ('tls') x @{ $ASKED{$provider} } ], '... over TLS');

	# the probe tells nobody who asks
	my $probe = $sandbox->requests->[0];
	is(join(' ', $probe->{method}, $probe->{query}, $probe->{body},
			grep { /^(?:apikey|request-)/ } sort keys %{ $probe->{headers} }),
		'GET  ', '... the first of which tells nobody who asks');
}

# ----
# The connection is a new one, whatever there was before
# ----

fresh();
is(letters($session->call('xt', [1])), 'C', 'a call keeps its connection');
my $kept = $sandbox->requests->[0]{connection};
$test->reset;
$test->seed('xt', 2);
check('xt', 'xt', $GOOD, 'a check after it');
my ($probe, $read) = @{ $sandbox->requests };
isnt($probe->{connection}, $kept, '... makes a connection of its own');
is($probe->{nth_on_connection}, 1, '... which it is the first to use');
is($read->{connection}, $kept, '... and asks as a call would ask');
ok($sandbox->wait_for(open => 1), '... and leaves one open, no more');
is(letters($session->call('xt', [2])), 'C', 'a call after it');
is($sandbox->requests(last => 1)->[0]{connection}, $kept,
	'... has its old connection');

# ----
# Credentials
# ----

my %OTHERS = (
	xt => { access_key => 'nobodys' },
	tronsave => { api_key => 'nobodys' },
	btse => { api_key => 'nobodys' },
);
my %REFUSED = (
	xt => 'refused by GET /trade/api/v1/getBatchOrders: HTTP 200 OK, code 307, access key',
	tronsave => 'refused by POST /v0/fast-charge-order-tracking: HTTP 401 Unauthorized, TSAS:107 INVALID_API_KEY',
	btse => 'refused by GET /api/v3.3/user/open_orders: HTTP 401 Unauthorized, code 401, UNAUTHORIZED: api key',
);

foreach my $provider (sort keys %OTHERS)
{
	fresh();
	my $server = server($provider, mapping => $OTHERS{$provider});
	my $rows = check($provider, $server, 'tttttttf', "$provider: a wrong key");
	my $row = row($rows, 'credentials');

	is($row->{result}, $REFUSED{$provider}, '... in whose words');
	like($row->{hint}, qr/\b\Q$_\E\b/, "... the hint names $_")
	  foreach keys %{ $sandbox->credentials($provider) };
}
foreach my $provider (qw(xt btse))
{
	fresh();
	my $server = server($provider, mapping => { secret_key => 'wrong' });
	my $rows = check($provider, $server, 'tttttttf',
		"$provider: a wrong secret");

	like(row($rows, 'credentials')->{result},
		qr/^refused by GET \S+: .*signature$/, '... in whose words');
	is($sandbox->requests->[1]{signature_ok}, JSON::PP::false,
		'... for what reason');
}

fresh();
my $rows = check('xt', server('xt', signed_data => 'decoded'), 'tttttttf',
	'xt: the wrong one of two ways to sign');
like(row($rows, 'credentials')->{hint}, qr/\bsigned_data\b/,
	'... which the hint names');
$sandbox->settings(xt_signed_data => 'decoded');
check('xt', server('xt', signed_data => 'decoded'), $GOOD, '... and the right one');

# A key that may not trade: its reads are refused where they take the same.
fresh();
$sandbox->add_account('btse', { api_key => 'reader', secret_key => 's' },
	trade => 0);
$rows = check('btse',
	server('btse', mapping => { api_key => 'reader', secret_key => 's' }),
	'tttttttf', 'btse: a key that may not trade');
like(row($rows, 'credentials')->{result}, qr/403, FORBIDDEN/, '... and why');

# ----
# Clocks: seconds that the provider's is ahead, letter, what is said
# ----

my @clocks = (
	[ xt => 131, 'f', qr/^our clock is 13[012] s behind the provider's$/ ],
	[ xt => -131, 'f', qr/^our clock is 13[012] s ahead of the provider's$/ ],
	[ xt => 3, 't', qr/^our clock is [23](?:\.\d)? s behind/ ],
	[ tronsave => 60, 'f', qr/^our clock is (?:59|60|61) s behind/ ],
	[ btse => -60, 'f', qr/^our clock is (?:59|60|61) s ahead/ ],
	[ wangdian => 60, 't', qr/^our clock is (?:59|60|61) s behind/ ],
	[ wangdian => -131, 'f', qr/^our clock is 13[012] s ahead/ ],
);

foreach my $clock (@clocks)
{
	my ($provider, $offset, $letter, $words) = @$clock;

	fresh();
	$sandbox->settings(clock_offset => $offset);
	my $rows = check($provider, server($provider), "tttttt${letter}t",
		"$provider: a clock that is $offset s ahead");
	my $row = row($rows, 'clock');

	like($row->{result}, $words, '... as it says');
	like($row->{hint}, qr/Set this machine's clock/, '... and what to do')
	  if $letter eq 'f';
}

# Both are wrong: the clock comes first.
fresh();
$sandbox->settings(clock_offset => 30);
$rows = check('xt', server('xt', mapping => { secret_key => 'wrong' }),
	'ttttttff', 'xt: neither clock nor secret is right');
is(row($rows, 'credentials')->{hint}, "Set this machine's clock first.",
	'... of which the clock comes first');

# ----
# Certificates
# ----

my $NAMES = 'for localhost, 127\.0\.0\.1';
my $OURS = 'issued by order sandbox CA, throw-away';

# Options of the server, letters, what the certificate's row says, its hint.
my @certificates = (
	[ { kind => 'expired' }, 'tttf----',
		qr/^certificate has expired \(until \d{4}-\d\d-\d\d, $NAMES, $OURS\)$/,
		qr/has to renew it/ ],
	[ { kind => 'foreign' }, 'tttf----',
		qr/^unable to get local issuer certificate \(until \d{4}-\d\d-\d\d \(\d+ days\), $NAMES, issued by foreign CA, throw-away\)$/,
		qr/sslrootcert/ ],
	[ { kind => 'misnamed' }, 'tttf----',
		qr/^for another name \(until .*, for orders\.example\.com, $OURS\)$/,
		qr/Give a host/ ],
	[ { sslrootcert => '/nowhere/ca.pem' }, 'tt-f----',
		qr/^could not read the file of root certificates "\/nowhere\/ca\.pem": No such file or directory$/, qr/sslrootcert/ ],
	[ { kind => 'ending' }, 'tttftttt',
		qr/^until \d{4}-\d\d-\d\d \([45] days\), $NAMES, $OURS$/,
		qr/renews it in time/ ],
	[ { kind => 'tls12' }, $GOOD, qr/^until .* $OURS$/, undef ],
);

foreach my $certificate (@certificates)
{
	my ($options, $letters, $words, $hint) = @$certificate;
	my $name = $options->{kind} // 'no authority';

	foreach my $provider (@providers)
	{
		fresh();
		my $rows = check($provider, server($provider, %$options), $letters,
			"$provider: $name");
		my $row = row($rows, 'certificate');

		like($row->{result}, $words, '... is what it says');
		like($row->{hint} // '', $hint // qr/^$/, '... and what to do');
		is_deeply(asked(), $letters =~ /-/ ? [] : $ASKED{$provider},
			'... after so many requests');
	}
}
$rows = $session->rows(check_sql(server('xt', kind => 'tls12')));
like(row($rows, 'tls')->{result}, qr/^TLSv1\.2, /, 'TLS 1.2 is told from 1.3');

# ----
# No connection comes about
# ----

# Options, letters, the item that is false, what it says.
my %UNHURRIED = (connect_timeout => '500ms');
my @unreachable = (
	[ { kind => 'refused' }, 'tf------', 'connection', qr/could not connect to .*refused/ ],
	[ { kind => 'mute', %UNHURRIED }, 'ttf-----', 'tls', qr/within 500 ms/ ],
	[ { base_url => 'https://localhost:' . $sandbox->port('plain'), %UNHURRIED },
		'ttf-----', 'tls', qr/TLS|within 500 ms/ ],
);
push @unreachable,
  [ { kind => 'stuck', %UNHURRIED }, 'tf------', 'connection', qr/within 500 ms/ ]
  if $sandbox->has_port('stuck');
push @unreachable,
  [ { kind => 'old_tls' }, 'ttf-----', 'tls', qr/could not agree on TLS/ ]
  if $sandbox->has_port('old_tls');

foreach my $case (@unreachable)
{
	my ($options, $letters, $item, $words) = @$case;
	my $name = $options->{kind} // 'no TLS';

	foreach my $provider (qw(xt wangdian))
	{
		fresh();
		my $rows = check($provider, server($provider, %$options), $letters,
			"$provider: $name");

		like(row($rows, $item)->{result}, $words, '... is what it says');
		is_deeply(asked(), [], '... and nothing was asked for');
	}
}

SKIP:
{
	skip 'no namespaces for this user', 3 if !OrderGateway::OwnNames::has_own();

	fresh();
	my $rows = check('xt',
		server('xt', %UNHURRIED,
			base_url => $sandbox->base_url('xt', host => 'orders.example')),
		'f-------', 'a name server that does not answer');
	like(row($rows, 'name lookup')->{result},
		qr/^no connection to orders\.example:\d+ within 500 ms$/,
		'... is what it says');
}

# The host may be an address already.
fresh();
$rows = check('xt',
	server('xt', base_url => $sandbox->base_url('xt', host => '127.0.0.1')),
	$GOOD, 'an address');
is(row($rows, 'name lookup')->{result}, '127.0.0.1 is an address',
	'... needs no name');

# ----
# Plain HTTP
# ----

foreach my $provider (@providers)
{
	fresh();
	my $rows = check($provider, server($provider, kind => 'plain'), 'tt--tttt',
		"$provider: plain http");

	foreach my $item ('tls', 'certificate')
	{
		is(row($rows, $item)->{result}, 'none: base_url is plain http',
			"... has no $item");
	}
	like(row($rows, 'tls')->{hint}, qr/can read and change/, '... and says so');
	is_deeply([ map { $_->{port} } @{ $sandbox->requests } ],
		[ ('plain') x @{ $ASKED{$provider} } ], '... which is what it used');
}

# ----
# Something answers, but not well
# ----

# Fault of the probe, its arguments, the rows ("*" for all that are not named),
# what http says.
my %NOT_DOCUMENTED = (tronsave => 'tttt-ttt', wangdian => 'tttt-tt-');
my @answers = (
	[ 'http_500', {}, { '*' => 'ttttftt-' }, qr/: HTTP 500 Internal Server Error$/ ],
	[ 'http_503', {}, { '*' => 'ttttftt-' }, qr/: HTTP 503 Service Unavailable$/ ],
	[ 'status', { status => 429 }, { '*' => 'ttttftt-' }, qr/: HTTP 429 Too Many Requests$/ ],
	[ 'redirect', {}, { '*' => 'ttttftt-' },
		qr{: HTTP 302 redirect to https://elsewhere\.example\.com/login was not followed$} ],
	[ 'html', {}, { '*' => 'ttttftt-', %NOT_DOCUMENTED },
		qr/: HTTP 200 OK, but the answer is not JSON$/ ],
	[ 'html', { status => 403 }, { '*' => 'ttttftt-', %NOT_DOCUMENTED },
		qr/: HTTP 403 Forbidden/ ],
	[ 'swapped_top', {}, { '*' => 'ttttftt-', %NOT_DOCUMENTED }, qr/HTTP (?:200|404) / ],
	[ 'close_after', {}, { '*' => 'ttttf---' }, qr/: the connection was lost before an answer came$/ ],
	[ 'black_hole', { hasty => 1 }, { '*' => 'ttttf---' }, qr/: no answer within 1000 ms$/ ],
	[ 'half_answer', {}, { '*' => 'ttttft--' }, qr/: the connection was lost in the middle of the answer$/ ],
	[ 'gzip', {}, { '*' => 'ttttft--' }, qr/: the answer is compressed$/ ],
);

foreach my $case (@answers)
{
	my ($fault, $args, $letters, $words) = @$case;
	my %args = %$args;
	my %options = delete $args{hasty} ? (timeout => '1s') : ();
	my $name = join ' ', $fault, %$args;

	foreach my $provider (@providers)
	{
		fresh();
		$sandbox->arm($fault, provider => $provider, %args);
		my $expected = $letters->{$provider} // $letters->{'*'};
		my $rows = check($provider, server($provider, %options), $expected,
			"$provider: $name");

		like(row($rows, 'http')->{result}, $words, '... is what it says');
		unlike(join(' ', map { $_->{result} } @$rows), qr/query-secret/,
			'... and no more than that');
		is_deeply(asked(),
			[ @{ $ASKED{$provider} }[ 0 .. ($expected =~ /[tf]$/ ? 1 : 0) ] ],
			'... and a key only went to what looked like the API');
	}
}

# The same for the second request.
my @reads = (
	[ 'http_500', {}, qr/^not known: \S+ \S+: HTTP 500 / ],
	[ 'html', {}, qr/^not known: .* HTTP 200 OK, but the answer is not JSON$/ ],
	[ 'html', { status => 403 }, qr/^refused by .* HTTP 403 Forbidden$/ ],
	[ 'status', { status => 429 }, qr/^not known: .* HTTP 429 Too Many Requests$/ ],
	[ 'redirect', {}, qr/^not known: .* HTTP 302 redirect to / ],
	[ 'close_after', {}, qr/^not known: .* the connection was lost/ ],
	[ 'envelope', { code => 5 }, qr/^not known: .*the service says no$/ ],
);

foreach my $case (@reads)
{
	my ($fault, $args, $words) = @$case;

	foreach my $provider (qw(xt tronsave btse))
	{
		fresh();
		$sandbox->arm($fault, provider => $provider, skip => 1, %$args);
		my $rows = check($provider,
			server($provider, mapping => own_account($provider)),
			'tttttttf', join ' ', "$provider, credentials:", $fault, %$args);

		like(row($rows, 'credentials')->{result}, $words,
			'... is what it says');
	}
}

# Credentials of an account that no other test waits with.
sub own_account
{
	my ($provider) = @_;
	my $credentials = $sandbox->credentials($provider);

	$_ .= "-$servers" foreach values %$credentials;
	$sandbox->add_account($provider, $credentials);
	return $credentials;
}

# ----
# Bounds: pace, time, another call
# ----

# New memory knows nothing of a minute before it was made.
$test->wait_out_doubt(60);
fresh();
my $server = server('xt', query_rate_limit => '1/60s',
	mapping => own_account('xt'));
check('xt', $server, $GOOD, 'the one read of this minute');
$rows = check('xt', $server, 'ttttttt-', '... was the only one');
is(row($rows, 'credentials')->{result},
	'not tried: the pace leaves no turn for it now',
	'... and the check does not wait for the next minute');
$rows = check('xt', server('xt', query_rate_limit => '1/60s per host'),
	'--------', 'a host that was asked in this minute');
is(row($rows, $_)->{result}, 'not tried: the pace leaves no turn for it now',
	"... says nothing of $_") foreach @ITEMS[ 0 .. 6 ];

fresh();
$sandbox->arm('black_hole', provider => 'xt');
$rows = check('xt', server('xt', call_timeout => '1s'), 'ttttf---',
	'call_timeout ends it');
like(row($rows, 'http')->{result},
	qr/: call_timeout ran out before an answer came$/, '... and that is said');

fresh();
$sandbox->arm('black_hole', provider => 'xt');
my $busy = $test->session;
$busy->send_call('xt', [1]);
ok($sandbox->wait_for(fault => 'black_hole'), 'another call is under way');
my $from = @{ $sandbox->requests };

# The other waits for an answer, and keeps nobody from a turn.
$rows = $session->rows(check_sql(server('xt', max_wait => '30s')));
is(ok_letters($rows), $GOOD, '... which takes nothing from a check');
is(@{ $sandbox->requests } - $from, 2, '... and both is asked for');
$sandbox->disarm;
is(letters($busy->finish_call), 'U', '... and goes on as if nothing were');
$busy->quit;

# ----
# Who may, and where
# ----

my $role_sql = $sandbox->server_sql('xt', name => 'xt_checker')
  . $sandbox->mapping_sql('xt', name => 'xt_checker', role => 'checker');
$node->safe_psql('postgres', qq{
	CREATE ROLE checker LOGIN;
	$role_sql;
	GRANT USAGE ON FOREIGN SERVER xt, xt_checker TO checker;
	GRANT EXECUTE ON FUNCTION order_gateway_check(name) TO checker});
my $checker = $test->session(user => 'checker');
fresh();
is(ok_letters($checker->rows(check_sql('xt_checker'))), $GOOD,
	'a role with all it takes needs no other rights');
$test->reset;
is($checker->error("SELECT * FROM order_gateway_check('xt')"), '42704',
	'... but a mapping of its own');
is($checker->error("SELECT * FROM order_gateway_check('btse')"), '42501',
	'... and USAGE');
is_deeply(asked(), [], '... without which nothing is asked for');
$checker->quit;

fresh();
$session->query('BEGIN TRANSACTION READ ONLY');
check('xt', 'xt', $GOOD, 'in a READ ONLY transaction');
$session->query('COMMIT');

my $standby = $test->standby;
my $reader = $test->session(node => $standby);
is(ok_letters($reader->rows(check_sql('xt'))), $GOOD, 'on a standby');
$reader->quit;
$standby->stop('immediate');

# ----
# It ends when it is told to
# ----

# Server, fault and its arguments, how it is seen that it waits.
my @waits = (
	[ server('xt', kind => 'mute', connect_timeout => '1h', timeout => '1h'),
		undef, sub { phase => 'accepted', port => 'mute' } ],
	[ server('xt', timeout => '1h'), [ 'black_hole' ],
		sub { fault => 'black_hole' } ],
	[ server('xt', timeout => '1h'), [ 'black_hole', skip => 1 ],
		sub { fault => 'black_hole' } ],
);
push @waits,
  [ server('xt', connect_timeout => '1h', timeout => '1h',
		base_url => $sandbox->base_url('xt', host => 'orders.example')),
	undef, sub { phase => 'dns' } ]
  if OrderGateway::OwnNames::has_own();

foreach my $wait (@waits)
{
	my ($server, $fault, $seen) = @$wait;
	my %seen = $seen->();
	my $name = join ' ', map { $seen{$_} } sort keys %seen;

	fresh();
	$sandbox->arm($fault->[0], provider => 'xt', @$fault[ 1 .. $#$fault ])
	  if $fault;
	$session->send(check_sql($server));
	ok($sandbox->wait_for(%seen), "a check waits: $name");
	$node->safe_psql('postgres',
		'SELECT pg_cancel_backend(' . $session->pid . ')');
	my $result = $session->finish;
	is($result->{sqlstate}, '57014', '... and is cancelled');
	$sandbox->disarm;
	check('xt', 'xt', $GOOD, '... and the session goes on');
}

# ----
# A refusal in a call says how far the clocks are apart
# ----

# Provider, mapping, seconds the provider is ahead, its words, words on the clock.
my @refusals = (
	[ xt => { secret_key => 'wrong' }, 131, 'signature', qr/13[012] s behind/ ],
	[ xt => { secret_key => 'wrong' }, -60, 'signature', qr/(?:59|60|61) s ahead of/ ],
	[ xt => { access_key => 'wrong' }, 131, 'access key', undef ],
	[ xt => { secret_key => 'wrong' }, 0, 'signature', undef ],
	[ btse => { secret_key => 'wrong' }, 131, 'UNAUTHORIZED: signature', qr/13[012] s behind/ ],
	[ btse => { secret_key => 'wrong' }, 0, 'UNAUTHORIZED: signature', undef ],
	[ wangdian => {}, 131, '时间戳错误', qr/13[012] s behind/ ],
	[ wangdian => { app_secret => 'wrong:sandbox-salt' }, 60, '签名错误', qr/(?:59|60|61) s behind/ ],
	[ wangdian => { app_secret => 'wrong:sandbox-salt' }, 0, '签名错误', undef ],
	[ tronsave => { api_key => 'wrong' }, 131, 'TSAS:107 INVALID_API_KEY', undef ],
);

foreach my $case (@refusals)
{
	my ($provider, $mapping, $offset, $words, $clock) = @$case;

	fresh();
	$sandbox->settings(clock_offset => $offset);
	my $rows = $session->call($provider, [ 1, 2 ],
		server => server($provider, mapping => $mapping));

	# one request per id, or one that refuses both
	is(letters($rows), 'RR', "$provider: refused, $offset s apart");
	foreach my $message (map { $_->{message} } @$rows)
	{
		if (defined $clock)
		{
			like($message,
				qr/^\Q$words\E; our clock is $clock the provider's$/,
				'... and says so');
		}
		else
		{
			is($message, $words, '... and says nothing of it');
		}
	}
}

is($sandbox->stderr_text, '', 'the sandbox has nothing to complain about');
done_testing();
