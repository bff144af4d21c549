# A full disk: what came back of requests that had left stays in memory, nothing
# more is sent that could not be written down, and when there is room again all of
# it is written, and the queue goes on.

use strict;
use warnings;
use utf8;

use Test::More;
use Time::HiRes qw(sleep);

use OrderGateway::Disk;
use OrderGateway::Test qw(sql_array);

my $disk = OrderGateway::Disk->new;
my $test = OrderGateway::Test->start(
	preload => 1,
	env => $disk->env,
	conf => "order_gateway.databases = 'postgres'\njit = off\n",
	options => { rate_limit => 'off' });
my $sandbox = $test->sandbox;
my $session = $test->session;

sub worker
{
	return $session->rows('SELECT row_to_json(w) FROM order_gateway_workers AS w')->[0];
}

sub submit
{
	my ($first, $last, $server) = @_;

	return $session->value('SELECT batch_cancel_submit(\'btc_usdt\', (SELECT array_agg(i::text)'
		  . " FROM generate_series($first, $last) AS i), '$server')");
}

sub counts
{
	my ($call) = @_;

	return $session->value("SELECT concat_ws(' ', state, cancelled, not_sent, unknown)"
		  . " FROM order_gateway_calls WHERE call_id = $call");
}

sub done
{
	my ($call) = @_;

	$session->query("SELECT count(*) FROM order_gateway_wait($call, '60 s')");
	return counts($call);
}

# Ids that requests have named, and how often.
sub arrivals
{
	my %count;

	$count{$_}++ foreach map { @{ $_->{ids} // [] } } @{ $sandbox->requests(provider => 'xt') };
	return \%count;
}

# Statistics and sessions write as well, which is not what is looked at here.
$session->query($_) foreach
  'ALTER SYSTEM SET autovacuum = off', 'SELECT pg_reload_conf()';
$sandbox->settings(accept_any_id => 'on', pace => 'off');
$test->own_server('xt', 'xt_out', max_in_flight => 4);
$test->own_server('xt', 'xt_next', max_in_flight => 4);
$test->wait_until(sub { worker()->{pid} }, 'the worker is there');
is(done(submit(1, 1000, 'xt_out')), 'done 1000 0 0', 'while there is room');

# ----
# Requests are out whose answers come when the disk is full
# ----

my $before = $test->log_end;

$sandbox->arm('delay', provider => 'xt', ms => 1500, times => 4);
my $out = submit(2001, 4000, 'xt_out');
$test->wait_until(sub { $session->value(
		"SELECT count(*) FROM order_gateway_journal_mark WHERE call_id = $out") == 4 },
	'four requests of a long call leave');
my @queued = map { submit(10_000 + 1000 * $_, 10_999 + 1000 * $_, 'xt_next') } 1 .. 2;
$disk->fill;
$test->wait_until(sub { (worker()->{last_error} // '') =~ /could not extend file/ },
	'the disk is full, and the worker says so');
$test->wait_until(sub { !grep { !$_->{answered_at} } @{ $sandbox->requests(provider => 'xt') } },
	'... all that had left is answered');
my $left = scalar @{ $sandbox->requests(provider => 'xt') };
sleep(3);
is(scalar @{ $sandbox->requests(provider => 'xt') }, $left, '... and nothing more leaves');
my $pid = worker()->{pid};
ok(defined $pid, 'the worker lives on');

# Each order that arrived was written down before.
my ($unmarked) = $session->value(<<"END");
SELECT count(*)
FROM unnest(@{[ sql_array(keys %{ arrivals() }) ]}) AS arrived
WHERE NOT EXISTS (SELECT
	FROM order_gateway_journal_call AS c
	JOIN order_gateway_journal_mark AS m USING (installation, call_id)
	WHERE arrived = ANY (c.ids) AND m.leaves
		AND array_position(c.ids, arrived) = ANY (m.ordinals))
END
is($unmarked, 0, 'what left was marked');

# ----
# Room
# ----

$disk->free;
is(done($out), 'done 2000 0 0', 'with room again each order has what it was answered');
is(done($_), 'done 1000 0 0', '... and what was queued goes on') foreach @queued;
is(worker()->{pid}, $pid, '... by the same worker');
my $arrived = arrivals();
is(join(' ', grep { $arrived->{$_} != 1 } sort keys %$arrived), '', 'nothing was sent twice');
is(scalar keys %$arrived, 5000, '... and everything once');
unlike($test->log_from($before), qr/PANIC|was terminated by signal/, 'nobody died of it');

$session->quit;
$test->node->stop;
done_testing();
