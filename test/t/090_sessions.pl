# Long sessions and short ones: memory, descriptors and connections after
# thousands of calls, and connections that were idle for too long.
#
# OG_CALLS is the number of calls in the long session, 2000 where it is not
# set.

use strict;
use warnings;
use utf8;

use Test::More;
use Time::HiRes qw(sleep time);

use OrderGateway::Test qw(call_sql letters);

my $CALLS = $ENV{OG_CALLS} // 2000;

# Calls before the first look, in which caches fill.
my $WARM_UP = 300;

# Seconds after which a connection is not used any more.
my $IDLE = 30;

my $test = OrderGateway::Test->start(options => { rate_limit => 'off' });
my $node = $test->node;
my $sandbox = $test->sandbox;

$sandbox->settings(accept_any_id => 'on', keep_requests => 1000);
$node->safe_psql('postgres',
	$sandbox->server_sql('xt', name => 'xt_refused', retries => 0,
		base_url => 'https://localhost:1')
	  . $sandbox->mapping_sql('xt', name => 'xt_refused'));

my $next_id = 1;

sub last_request { return $sandbox->requests(last => 1)->[0]; }

# Call with new ids, for as many requests.
sub outcomes
{
	my ($session, $provider, $count) = @_;
	my @ids = ($next_id .. $next_id + $count - 1);

	$next_id += $count;
	return letters($session->call($provider, \@ids));
}

# ----
# A session that will be idle while others are busy
# ----

my $idle = $test->session;
is(outcomes($idle, 'xt', 1), 'C', 'a first call');
my $first = last_request();
is(outcomes($idle, 'xt', 1), 'C', 'a second call');
my $second = last_request();
is($second->{connection}, $first->{connection}, '... uses the same connection');
is($second->{nth_on_connection}, 2, '... again');
my $idle_since = time;

# ----
# A long session
# ----

my $session = $test->session;

# What psql is to run, over and over: whatever may leave something behind.
my @statements = (
	# one request
	sub { 'SELECT count(*) FROM ' . call_sql('xt', [ $_[0] ]) },
	# three at once, and a repeated id
	sub { 'SELECT count(*) FROM ' . call_sql('btse', [ $_[0], "$_[0]b", "$_[0]c", $_[0] ]) },
	# one of two batches
	sub { 'SELECT count(*) FROM ' . call_sql('wangdian', [ map { "$_[0]-$_" } 1 .. 21 ]) },
	# no answer: the connection is lost
	sub { 'SELECT count(*) FROM ' . call_sql('tronsave', [ $_[0] ]) },
	# no connection
	sub { 'SELECT count(*) FROM ' . call_sql('xt', [ $_[0] ], server => 'xt_refused') },
	# refused before it is sent
	sub { 'SELECT count(*) FROM ' . call_sql('xt', ['none']) },
	# an error after it was sent
	sub { 'SELECT 1 / (ordinal - 1) FROM ' . call_sql('xt', [ $_[0] ]) },
	# a call that is not read to its end
	sub { 'SELECT ordinal FROM ' . call_sql('xt', [ $_[0], "$_[0]1" ]) . ' LIMIT 1' },
	# a subtransaction that is rolled back
	sub {
		'SELECT in_vain($$SELECT count(*) FROM ' . call_sql('xt', [ $_[0] ]) . '$$)';
	},
	# a preview
	sub {
		'SELECT count(*) FROM ' . call_sql('btse', [ $_[0] ]) =~ s/\(/_preview(/r;
	},
);
$session->query(q{
	CREATE FUNCTION in_vain(statement text) RETURNS void LANGUAGE plpgsql
	AS $$
	BEGIN
		EXECUTE statement;
		RAISE EXCEPTION 'in vain';
	EXCEPTION WHEN raise_exception THEN
	END
	$$;
});
$sandbox->arm('close_after', provider => 'tronsave', times => 0);

# How statements ended that did not end well, by SQLSTATE.
my %errors;

sub make_calls
{
	my ($count) = @_;

	while ($count > 0)
	{
		my $some = $count < 200 ? $count : 200;
		my $result = $session->query(join ";\n",
			map { $statements[ $next_id % @statements ]->($next_id++) } 1 .. $some);

		$errors{$_}++ foreach $result->{stderr} =~ /ERROR: +(\w{5}):/g;
		$count -= $some;
	}
	return;
}

# What the session holds.
sub held
{
	my $pid = $session->pid;
	my ($contexts) = $session->value(
		'SELECT sum(total_bytes) FROM pg_backend_memory_contexts');
	my ($resident) =
	  (split ' ', PostgreSQL::Test::Utils::slurp_file("/proc/$pid/statm"))[1];
	my @descriptors = grep { !/^\.\.?$/ } do
	{
		opendir my $dir, "/proc/$pid/fd" or die "could not list descriptors: $!";
		readdir $dir;
	};

	return {
		contexts => $contexts,
		resident => $resident * 4096,
		descriptors => scalar @descriptors,
	};
}

my $begin = time;
make_calls($WARM_UP);
my $before = held();
%errors = ();
make_calls($CALLS);
my $after = held();

note(sprintf '%d calls in %.1f s; memory contexts %+d bytes, resident %+d kB,'
	  . ' descriptors %+d', $WARM_UP + $CALLS, time - $begin,
	$after->{contexts} - $before->{contexts},
	($after->{resident} - $before->{resident}) / 1024,
	$after->{descriptors} - $before->{descriptors});
cmp_ok($after->{contexts} - $before->{contexts}, '<', 64 * 1024,
	"memory contexts are as large after $CALLS calls as before");
cmp_ok($after->{resident} - $before->{resident}, '<', 2 * 1024 * 1024,
	'... so is the process');
cmp_ok($after->{descriptors}, '<=', $before->{descriptors},
	'... and it has no more descriptors open');
is_deeply(
	\%errors,
	{ map { $_ => int($CALLS / @statements) } qw(22012 22023) },
	'the calls went as planned') if $CALLS % @statements == 0;

# All four providers are one endpoint here, so the session has one connection.
is(outcomes($session, 'xt', 1), 'C', 'the session still works');
$first = last_request();
$sandbox->reset;
$sandbox->settings(accept_any_id => 'on');
foreach my $count (1 .. 50)
{
	outcomes($session, 'xt', 1) eq 'C'
	  && outcomes($session, 'btse', 3) eq 'CCC'
	  && outcomes($session, 'wangdian', 1) eq 'C'
	  or fail("a call in round $count");
}
$second = last_request();
is($second->{connection}, $first->{connection},
	'150 calls to three providers of one endpoint go over one connection');
ok($sandbox->wait_for(open => 2), 'those opened besides it are closed');

# ----
# Large answers, one after the other
# ----

# Each is let go once its row is formed, so that many take no more memory
# than those that may be ahead of the row that is next: four per request in
# flight, of up to three times their size.
my ($MB, $answers, $in_flight) = (1024 * 1024, 60, 2);
my $large = $test->session;

sub peak
{
	my ($kb) = PostgreSQL::Test::Utils::slurp_file('/proc/' . $large->pid . '/status')
	  =~ /^VmHWM:\s+(\d+)/m;

	return $kb * 1024;
}

$node->safe_psql('postgres',
	"ALTER SERVER btse OPTIONS (ADD max_in_flight '$in_flight')");
outcomes($large, 'btse', 1);
my $small_peak = peak();
$sandbox->arm('oversize_message', provider => 'btse', times => 0,
	bytes => 7 * $MB);
is_deeply(
	$large->query('SELECT outcome, count(*) FROM '
		  . call_sql('btse', [ map { "large-$_" } 1 .. $answers ]) . ' GROUP BY 1')
	  ->{lines},
	["cancelled|$answers"], "$answers answers of 7 MB");
note(sprintf 'they took %d MB at most', (peak() - $small_peak) / $MB);
cmp_ok(peak() - $small_peak, '<', 4 * $in_flight * 3 * 7 * $MB,
	'... do not pile up');
$sandbox->disarm;
$large->quit;

# ----
# The idle one
# ----

my $left = $idle_since + $IDLE + 1 - time;
sleep $left if $left > 0;
my $old = $sandbox->connections(port => 'tls')->{connections};
is(outcomes($idle, 'xt', 1), 'C', "a call after $IDLE s");
my $request = last_request();
is($request->{nth_on_connection}, 1, '... goes over a connection of its own');
ok(!(grep { $_->{number} == $request->{connection} } @$old),
	'... that was not there before');
is(outcomes($idle, 'xt', 1), 'C', 'and the next one');
is(last_request()->{nth_on_connection}, 2, '... uses that again');
$idle->quit;

done_testing();
