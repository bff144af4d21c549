# A file of authorities that changes counts from the next request on, for new
# connections and for those that are kept; and connections that nobody uses give
# way where a process may have no more descriptors.

use strict;
use warnings;
use utf8;

use OrderGateway::OwnNames qw(certificates);

use File::Copy qw(copy);
use Test::More;

use OrderGateway::Test qw(letters);

# With 64 files at most, a session may have a dozen connections or two.
my $ENDPOINTS = 70;

my $test = OrderGateway::Test->start(
	conf => "max_files_per_process = 64\n",
	sandbox => { OrderGateway::OwnNames::sandbox_options() },
	options => { rate_limit => 'off', retries => 0 });
my ($sandbox, $node) = ($test->sandbox, $test->node);
my $session = $test->session;
my $dir = $node->basedir;
my $ca = "$dir/authorities.pem";

my $UNTRUSTED = qr/^could not verify the certificate of localhost:\d+/;
my $UNREADABLE = qr/^could not read the file of root certificates "\Q$ca\E": No such file or directory$/;

sub fresh
{
	$test->reset;
	return $sandbox->settings(accept_any_id => 'on');
}

sub contents
{
	my (@files) = @_;

	return join '', map { PostgreSQL::Test::Utils::slurp_file($_) } @files;
}

# Write a file in place, keeping its inode.
sub overwrite
{
	my ($file, $text) = @_;

	open my $out, '>', $file or die "could not write $file: $!";
	print $out $text;
	close $out or die "could not write $file: $!";
	return;
}

# Put another file in the place of one, as programs do that must not fail.
sub replace
{
	my ($file, $text) = @_;

	overwrite("$file.new", $text);
	rename "$file.new", $file or die "could not rename $file.new: $!";
	return;
}

my $OURS = contents($sandbox->ca);
my $FOREIGN = contents($sandbox->foreign_ca);

# What a call, a read and a check find at the port whose certificate is ours, or
# at that with a foreign one.
sub trusts
{
	my ($server) = @_;
	my $rows = $session->call('xt', [1], server => $server);
	my $text = letters($rows) ne '-' ? 'act' : '';

	push @main::messages, $rows->[0]{message} if $text eq '';
	$text .= ' read'
	  if $session->error("SELECT * FROM xt_open_orders('btc_usdt', server => '$server')")
	  eq 'none';
	$text .= ' check'
	  if ($session->value("SELECT ok FROM order_gateway_check('$server')"
		  . q{ WHERE item = 'http'}) // '') eq 't';
	return $text;
}

our @messages;

sub trusts_is
{
	my ($ours, $foreign, $name) = @_;
	my $all = 'act read check';
	local $Test::Builder::Level = $Test::Builder::Level + 1;

	@messages = ();
	is(trusts('xt_ours'), $ours ? $all : '', "$name: our authority");
	is(trusts('xt_foreign'), $foreign ? $all : '', "$name: the other one");
	return;
}

# ----
# Every way in which a file changes
# ----

overwrite($ca, $OURS);
$test->servers('ours', providers => ['xt'], sslrootcert => $ca);
$test->servers('foreign', providers => ['xt'], sslrootcert => $ca, kind => 'foreign');
fresh();

trusts_is(1, 0, 'at first');
like($messages[0], $UNTRUSTED, '... as is told');
trusts_is(1, 0, 'unchanged');
overwrite($ca, $OURS . $FOREIGN);
trusts_is(1, 1, 'one added');
overwrite($ca, $FOREIGN);
trusts_is(0, 1, 'one removed');
like($messages[0], $UNTRUSTED, '... as is told');
replace($ca, $OURS);
trusts_is(1, 0, 'replaced by another file');
replace($ca, $FOREIGN);
trusts_is(0, 1, 'and again');

# As often as one likes within a second, be it with the same length.
foreach my $i (1 .. 6)
{
	my $turn = $i % 2;

	overwrite($ca, ($turn ? $OURS : $FOREIGN) . '#' x 100);
	trusts_is($turn, !$turn, "changed quickly, $i");
}

# A time that was put back hides nothing.
my ($atime, $mtime) = (stat $ca)[ 8, 9 ];
my $size = -s $ca;
overwrite($ca, $OURS . '#' x ($size - length $OURS));
utime $atime, $mtime, $ca;
trusts_is(1, 0, 'with its old time and length');

unlink $ca or die "could not remove $ca: $!";
trusts_is(0, 0, 'no file');
like($messages[0], $UNREADABLE, '... as is told');
like($messages[1], $UNREADABLE, '... by both');
overwrite($ca, '');
trusts_is(0, 0, 'an empty file');
overwrite($ca, $OURS);
trusts_is(1, 0, 'there again');

# Links, as secrets of a container platform are updated.
mkdir "$dir/$_" foreach qw(one two);
overwrite("$dir/one/ca.pem", $OURS);
overwrite("$dir/two/ca.pem", $FOREIGN);
symlink "$dir/one", "$dir/current" or die "could not link: $!";
unlink $ca;
symlink "$dir/current/ca.pem", $ca or die "could not link: $!";
trusts_is(1, 0, 'a link to a link');
symlink "$dir/two", "$dir/current.new" or die "could not link: $!";
rename "$dir/current.new", "$dir/current" or die "could not rename: $!";
trusts_is(0, 1, 'that leads elsewhere');
overwrite("$dir/two/ca.pem", $OURS);
trusts_is(1, 0, 'to a file that changes');

# ----
# Connections that were verified before
# ----

fresh();
letters($session->call('xt', [1], server => 'xt_ours'));
my $kept = $sandbox->requests->[0]{connection};
letters($session->call('xt', [2], server => 'xt_ours'));
is($sandbox->requests->[1]{connection}, $kept, 'a connection is kept');
overwrite("$dir/two/ca.pem", $OURS . $FOREIGN);
is(letters($session->call('xt', [3], server => 'xt_ours')), 'C', 'although still trusted');
isnt($sandbox->requests->[2]{connection}, $kept, '... it is not used again');
ok(!(grep { $_->{number} == $kept && !$_->{closed_at} } @{ $sandbox->connections->{connections} }),
	'... but closed');

# In the middle of a call: what leaves later is not sent over what was opened
# before, neither the kept connection nor those of the call.
$test->servers('long', providers => ['xt'], sslrootcert => $ca, batch_size => 1,
	max_in_flight => 4);
fresh();
$sandbox->settings(latency_ms => 100);
$session->send_call('xt', [ 1 .. 40 ], server => 'xt_long');
ok($sandbox->wait_for(requests => 12), 'a call that is under way');
replace("$dir/two/ca.pem", $FOREIGN);	# not in place: the call must not find it empty
my $rows = $session->finish_call;
like(letters($rows), qr/^C\*\d+-\*\d+$/, '... stops where its authority is gone');
$test->promises_ok('xt', $rows, '... truly');
cmp_ok(scalar(grep { $_->{outcome} eq 'cancelled' } @$rows), '<', 32, '... and at once');
like($rows->[-1]{message}, $UNTRUSTED, '... as it says');
overwrite("$dir/two/ca.pem", $OURS);
is(letters($session->call('xt', [ 41, 42 ], server => 'xt_long')), 'CC', '... and begins again');

# ----
# The system's own
# ----

SKIP:
{
	skip 'no namespaces for this user', 8 if !OrderGateway::OwnNames::has_own();
	my $bundle = '/etc/ssl/certs/ca-certificates.crt';

	$ca = $bundle;
	replace($bundle, $OURS);
	$session->query($sandbox->server_sql('xt', name => "xt_system_$_->[0]",
			kind => $_->[1], sslrootcert => undef, rate_limit => 'off', retries => 0)
		  . $sandbox->mapping_sql('xt', name => "xt_system_$_->[0]"))
	  foreach [ ours => 'tls' ], [ foreign => 'foreign' ];
	fresh();
	is(trusts('xt_system_ours'), 'act read check', 'the system\'s bundle');
	is(trusts('xt_system_foreign'), '', '... and what is not in it');
	replace($bundle, $FOREIGN);
	is(trusts('xt_system_ours'), '', '... another one');
	is(trusts('xt_system_foreign'), 'act read check', '... with another authority');
	overwrite($bundle, $OURS);
	is(trusts('xt_system_ours'), 'act read check', '... overwritten');
	is(trusts('xt_system_foreign'), '', '... and the other one is gone');
	unlink $bundle;
	@messages = ();
	is(trusts('xt_system_ours'), '', '... none');
	is($messages[0], "could not read the file of root certificates \"$bundle\": No such file or directory",
		'... as is told');
}

# ----
# More endpoints than descriptors
# ----

# An endpoint is an address and what is trusted there.
fresh();
foreach my $i (1 .. $ENDPOINTS)
{
	copy($sandbox->ca, "$dir/ca$i.pem") or die "could not copy: $!";
	$test->servers("e$i", providers => [ 'xt', 'btse' ], query_rate_limit => 'off',
		sslrootcert => "$dir/ca$i.pem");
}
my $before = $sandbox->connections->{open};
is_deeply([ grep { letters($session->call('xt', [$_], server => "xt_e$_")) ne 'C' }
		1 .. $ENDPOINTS ], [], "$ENDPOINTS endpoints after each other");
my $open = $sandbox->connections->{open} - $before;
cmp_ok($open, '>=', 5, '... whose connections are kept');
cmp_ok($open, '<', 30, '... as far as there are descriptors');

# The last ones are those that stay.
fresh();
letters($session->call('xt', [1], server => "xt_e$ENDPOINTS"));
cmp_ok($sandbox->requests->[-1]{nth_on_connection}, '>', 1, '... the last one');
letters($session->call('xt', [1], server => 'xt_e1'));
is($sandbox->requests->[-1]{nth_on_connection}, 1, '... but not the first');

fresh();
is_deeply([ grep { $session->error("SELECT * FROM btse_price(server => 'btse_e$_')") ne 'none' }
		1 .. $ENDPOINTS ], [], 'reads');
is_deeply([ grep {
			$session->value("SELECT count(*) FROM order_gateway_check('xt_e$_')"
				  . q{ WHERE result ~ '^could not|descriptor|socket'}) ne '0'
		} 1 .. $ENDPOINTS ], [], 'checks');

# None that is in use is closed for another: a call with more requests at once
# than there are descriptors uses those that it can get.
$test->servers('wide', providers => ['xt'], batch_size => 1, max_in_flight => 64);
fresh();
$sandbox->settings(latency_ms => 50);
$rows = $session->call('xt', [ 1 .. 300 ], server => 'xt_wide');
is(letters($rows), 'C*300', 'more requests at once than descriptors');
is_deeply([ grep { $_->{attempts} != 1 } @$rows ], [], '... each sent once');
cmp_ok(scalar(@{ $sandbox->connections->{connections} }), '<', 200, '... over a few connections');
is(letters($session->call('xt', [1000], server => 'xt_e5')), 'C', '... and the session goes on');

is($sandbox->stderr_text, '', 'the sandbox has nothing to complain about');
done_testing();
