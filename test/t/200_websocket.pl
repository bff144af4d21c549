# WebSockets against other sides that do as they are told: TLS and certificates,
# upgrades that are none, every way in which messages may come, and what nobody
# has to put up with.  The frames alone are test/pure/test_websocket.c.

use strict;
use warnings;
use utf8;

use Encode qw(decode_utf8);
use Test::More;

use PostgreSQL::Test::Utils;
use OrderGateway::WebSockets;

my $websockets = OrderGateway::WebSockets->start;
my $node = $websockets->node;

# How a run ends: state, messages, code and problem, without ports.
sub ends
{
	my ($what, $expected, $port, $path, %options) = @_;
	my $run = $websockets->run($port, $path, %options);
	my $got = join ' ', $run->{state}, $run->{messages}, $run->{code},
	  $run->{problem} =~ s/localhost:\d+/SITE/gr;

	is($got, $expected, $what) or diag(explain($run));
	return $run;
}

# The peer was closed with that code.
sub told
{
	my ($code, $path) = @_;

	is($websockets->seen($path)->{code}, $code, "... and is told $code");
	return;
}

my $run;
my $seen;

subtest 'as it should be' => sub {
	foreach my $port (qw(tls tls12 plain))
	{
		$run = ends("messages come over $port", 'closed 3 1000 ', $port, 'hello', want => 3);
		is($run->{last}, 'three', '... in order');
		is($run->{status}, 101, '... after an upgrade');
		$seen = $websockets->seen('hello');
		is($seen->{code}, 1000, '... until we say farewell');
		ok($seen->{masked}, '... masked, as all that we say');
	}
	is($seen->{request}[0], 'GET /hello HTTP/1.1', 'the request is for what is in the URL');
	ok((grep { /^Sec-WebSocket-Key: [A-Za-z0-9+\/]{22}==$/ } @{ $seen->{request} }), '... with a key');
	my @keys = map { (grep { /^Sec-WebSocket-Key/ } @{ $websockets->run('plain', 'hello', want => 1)
			  && $websockets->seen('hello')->{request} })[0] } 1 .. 2;
	isnt($keys[0], $keys[1], '... of its own');
	is((grep { /Extensions|Protocol:/ } @{ $seen->{request} }), 0, '... and asks for nothing besides');

	$run = ends('what is said is heard', 'closed 5 1000 ', 'tls', 'echo',
		say => 'grüß dich', times => 5, want => 5);
	is_deeply($websockets->seen('echo')->{texts}, [ ('grüß dich') x 5 ], '... by the other side');
	$run = ends('so is a long text', 'closed 1 1000 ', 'tls', 'echo', say => 'x' x 60000, want => 1);
	is($run->{bytes}, 60000, '... all of it');

	ends('an upgrade and messages at once', 'closed 2 1000 ', 'tls', 'together', want => 2);
	ends('a slow upgrade', 'closed 1 1000 ', 'tls', 'slow_upgrade', want => 1);
	ends('byte by byte', 'closed 2 1000 ', 'tls', 'drip', want => 2);
	ends('without TLS, too', 'closed 2 1000 ', 'plain', 'drip', want => 2);
	$run = ends('the largest message', 'closed 1 1000 ', 'tls', 'large?size=1048576', want => 1);
	is($run->{bytes}, 1048576, '... all of it');
	$websockets->seen('large');

	$run = ends('a server that only knows HTTP/2 is not asked for it', 'closed 3 1000 ', 'h2', 'hello',
		want => 3);
	is($websockets->seen('hello')->{alpn}, undef, '... nor for anything else');
};

subtest 'no connection' => sub {
	$run = ends('a foreign authority',
		'closed 0 1006 could not verify the certificate of SITE: unable to get local issuer certificate',
		'foreign', 'hello');
	is($run->{hopeless}, 't', '... is hopeless');
	$run = ends('an expired certificate',
		'closed 0 1006 could not verify the certificate of SITE: certificate has expired',
		'expired', 'hello');
	$run = ends('one for another name', 'closed 0 1006 the certificate of SITE is for another name',
		'misnamed', 'hello');
	$run = ends('no file of authorities',
		'closed 0 1006 could not read the file of root certificates "/nowhere": No such file or directory',
		'tls', 'hello', ca => '/nowhere');
	is($run->{hopeless}, 't', '... is hopeless');
	$run = ends('nobody listens', 'closed 0 1006 could not connect to SITE: Connection refused',
		'refused', 'hello');
	is($run->{hopeless}, 'f', '... may work later');
	ends('nobody answers TLS', 'closed 0 1006 no connection to SITE within 300 ms',
		'mute', 'hello', timeout_ms => 300);
	like($websockets->run('', '', url => 'wss://no.such.host.invalid/', timeout_ms => 3000)->{problem},
		qr/^(?:could not look up the address of|no connection to) no\.such\.host\.invalid:443/,
		'a name that nobody knows');
	like($websockets->run('', '', url => $websockets->url('plain', 'hello') =~ s/^ws/wss/r)->{problem},
		qr/^could not agree on TLS with localhost:\d+: /, 'no TLS where it is asked for');
	like($websockets->run('', '', url => $websockets->url('tls', 'hello') =~ s/^wss/ws/r)->{problem},
		qr/^could not open a WebSocket at localhost:\d+/, 'TLS where it is not asked for');
	foreach my $url ('http://localhost/', 'wss://', 'wss://user@localhost/', 'wss://localhost/a b',
		'wss://localhost/#x', "wss://localhost/\t", 'localhost', 'wss://localhost:0/',
		'wss://localhost/?a=b c')
	{
		$run = ends("no such URL: $url", 'closed 0 1006 the URL is not valid', '', '', url => $url);
		is($run->{hopeless}, 't', '... is hopeless');
	}
};

subtest 'no upgrade' => sub {
	my $no = 'could not open a WebSocket at SITE';

	ends('no answer', "closed 0 1006 no WebSocket at SITE within 2000 ms", 'tls', 'mute_upgrade',
		timeout_ms => 2000);
	ends('an answer without end', "closed 0 1006 no WebSocket at SITE within 2000 ms", 'tls',
		'endless_upgrade', timeout_ms => 2000);
	ends('large headers', "closed 0 1006 $no, which sent an answer with headers that are too large",
		'tls', 'large_upgrade');
	ends('another key', "closed 0 1006 $no, which sent an answer to another key than ours",
		'tls', 'wrong_accept');
	ends('an extension', "closed 0 1006 $no, which sent an extension that nobody asked for",
		'tls', 'extension');
	ends('a subprotocol', "closed 0 1006 $no, which sent a subprotocol that nobody asked for",
		'tls', 'subprotocol');
	$run = ends('a status', "closed 0 1006 $no: HTTP 403", 'tls', 'status?code=403');
	is($run->{status}, 403, '... can be told from others');
	ends('a redirect', "closed 0 1006 $no: HTTP 301", 'tls', 'redirect');
	ends('half an answer', "closed 0 1006 $no: it ended without a farewell", 'tls', 'half_upgrade');
	ends('frames of HTTP/2', "closed 0 1006 $no, which sent an answer that is not HTTP/1.1",
		'h2', 'h2_settings');
};

# Each is a peer that sends these bytes.
subtest 'what breaks a rule' => sub {
	foreach my $case (
		[ 'a masked frame', '8185010203044967', 1002, 'a masked frame' ],
		[ 'a reserved bit', 'c10548656c6c6f', 1002, 'a frame of an extension that is not in use' ],
		[ 'an unknown opcode', '8300', 1002, 'a frame of an unknown kind' ],
		[ 'a continuation of nothing', '800168', 1002, 'a continuation of no message' ],
		[ 'a message within another', '010161810162', 1002, 'a message in the middle of another' ],
		[ 'a ping in parts', '090161800162', 1002, 'a frame with a head that is not valid' ],
		[ 'a large ping', '897e007e41', 1002, 'a frame with a head that is not valid' ],
		[ 'a length that is too long', '817e000161', 1002, 'a frame with a head that is not valid' ],
		[ 'binary', '820141', 1003, 'a binary message' ],
		[ 'text that is not UTF-8', '8102c328', 1007, 'a message that is not UTF-8' ],
		[ 'a NUL', '810100', 1007, 'a message that is not UTF-8' ],
		[ 'a large message', '817f000000000010000141', 1009, 'a message that is too large' ],
		[ 'a gigantic message', '817f7fffffffffffffff41', 1009, 'a message that is too large' ],
		[ 'half a code', '880103', 1002, 'a farewell with half a code' ],
		[ 'a code that does not exist', '880203ed', 1002, 'a farewell with a code that does not exist' ],
		[ 'a reason that is not UTF-8', '880403e8c328', 1007, 'a farewell that is not UTF-8' ])
	{
		my ($what, $hex, $code, $words) = @$case;

		ends($what, "closed 0 $code closed the connection to SITE, which sent $words", 'tls', "raw?hex=$hex");
		told($code, 'raw');
	}
	ends('what came before is heard',
		'closed 2 1002 closed the connection to SITE, which sent a frame of an unknown kind',
		'tls', 'raw?hex=8101418101428300');
	$websockets->seen('raw');
	$run = ends('a ping between parts is no break', 'closed 1 1000 ', 'tls',
		'raw?hex=010348656c890170' . '80026c6f', want => 1);
	is($run->{last}, 'Hello', '... of a message');
	is_deeply($websockets->seen('raw')->{pongs}, ['p'], '... and is answered');
	ends('parts without end',
		'closed 0 1008 closed the connection to SITE, which sent a message in too many parts',
		'tls', 'empty_parts');
};

subtest 'pings' => sub {
	ends('are answered', 'closed 1 1000 ', 'tls', 'ping', want => 1);
	is($websockets->seen('ping')->{pongs}[-1], 'are you there', '... the last of them at least');
	ends('are not, if they are a flood',
		'closed 0 1008 closed the connection to SITE, which sent too many pings', 'tls', 'ping_flood');
	ends('as many as may be are no harm', 'closed 1 1000 ', 'tls', 'deaf_ping_flood', want => 1);
};

subtest 'the end' => sub {
	$run = ends('a farewell', 'closed 0 1001 SITE closed the connection with code 1001',
		'tls', 'tell?code=1001&reason=going%20d%C3%B6wn');
	is(decode_utf8($run->{reason}), 'going döwn', '... with its reason');
	told(1001, 'tell');
	$run = ends('one of a newer code', 'closed 0 1012 SITE closed the connection with code 1012',
		'tls', 'tell?code=1012');
	$websockets->seen('tell');
	ends('one without code', 'closed 0 1005 SITE closed the connection without a code',
		'tls', 'raw?hex=8800');
	told(0, 'raw');
	ends('none', 'closed 1 1006 lost the connection to SITE: it ended without a farewell', 'tls', 'eof');
	ends('none, without TLS', 'closed 1 1006 lost the connection to SITE: it ended without a farewell',
		'plain', 'eof');
	like($websockets->run('tls', 'truncated')->{problem},
		qr/^lost the connection to localhost:\d+: it ended without a farewell$/, 'TLS that was cut');
	ends('in the middle of a message, without TLS',
		'closed 0 1006 lost the connection to SITE: it ended without a farewell', 'plain', 'truncated');
	ends('reset', 'closed 1 1006 lost the connection to SITE: it ended without a farewell', 'plain', 'reset');

	$run = ends('our farewell, not answered', 'closed 1 1006 ', 'tls', 'stubborn', want => 1);
	told(1000, 'stubborn');
	ends('our farewell, talked over', 'closed 100 1006 ', 'tls', 'talkative', want => 100, per_round => 1);

	$run = ends('silence is not the end', 'open 0 0 ', 'tls', 'silent', patience_ms => 500);
	cmp_ok($run->{sleeps}, '<', 10, '... and is slept through');
	$seen = $websockets->seen('silent');
	is($seen->{code}, undef, 'when its context goes, it is closed at once');

	# More than buffers of the kernel take.
	ends('one that does not read',
		'closed 0 1006 closed the connection to SITE, which does not take what is sent',
		'tls', 'deaf', say => 'x' x 30000, times => 1000);
};

subtest 'many messages' => sub {
	foreach my $port (qw(tls plain))
	{
		$run = ends("a burst over $port", 'closed 20000 1000 SITE closed the connection with code 1000',
			$port, 'burst?count=20000');
		is($run->{bytes}, 20000 * 677, '... all of it');
		$websockets->seen('burst');
	}

	# A record of TLS is taken from its socket as a whole.
	$run = ends('one in each round, though no socket tells of them', 'closed 1000 1000 ',
		'tls', 'record?count=1000', want => 1000, per_round => 1);
	is($run->{last}, '999', '... to the last');
};

subtest 'beside a request' => sub {
	my $rest = $websockets->url('tls', 'late?ms=700') =~ s/^wss/https/r;

	$run = ends('a WebSocket is read while a request is under way', 'closed ' . 0 . ' 1000 ', 'tls', 'silent',
		rest => $rest);
	is($run->{rest_status}, 200, '... which is answered');
	$websockets->seen('silent');
	$run = $websockets->run('tls', 'ticking', rest => $rest);
	is($run->{rest_status}, 200, 'so it is beside one that talks');
	cmp_ok($run->{messages}, '>', 10, '... and is heard');
	$run = $websockets->run('tls', 'talkative', rest => $rest, per_round => 1);
	is($run->{rest_status}, 200, 'and beside one that never stops');
};

subtest 'interrupts' => sub {
	$websockets->met('silent');
	foreach my $end ([ 'pg_cancel_backend(%d)', 'a cancel' ], [ 'pg_terminate_backend(%d, 60000)', 'the end of the session' ])
	{
		my $session = $node->background_psql('postgres', on_error_stop => 0);
		my $pid = $session->query('SELECT pg_backend_pid()');

		$session->query_until(qr/^$/, '\echo' . "\n" . $websockets->run_sql('tls', 'silent') . ";\n");
		$websockets->met('silent');
		$node->safe_psql('postgres', sprintf "SELECT $end->[0]", $pid);
		is($websockets->seen('silent')->{code}, undef, "$end->[1] ends a connection");
		$session->{run}->kill_kill;
	}
};

subtest 'many at once' => sub {
	my $hold = $websockets->hold(60, 10, map { $websockets->url('tls', "ticking?ms=20&i=$_") } 1 .. 30);

	is($hold->{open}, 30, 'thirty are open at once') or diag(explain($hold));
	cmp_ok($hold->{messages}, '>=', 300, '... and all are read');
};

subtest 'nothing is left' => sub {
	my $count = "SELECT count(*) FROM pg_ls_dir('/proc/self/fd')";
	my @some = map { $websockets->run_sql('tls', $_, want => 1) } 'hello', 'wrong_accept', 'eof', 'raw?hex=8300';
	my $four = join '; ', map { s/\*/count(*)/r } @some, $websockets->run_sql('foreign', 'hello');
	my @lines = grep { $_ ne '1' } split /\n/,
	  $node->safe_psql('postgres', "$four; $count; " . "$four; " x 20 . $count);

	is(scalar @lines, 2, 'a hundred are opened in one session');
	is($lines[1], $lines[0], '... and hold no descriptor afterwards');
};

done_testing();
