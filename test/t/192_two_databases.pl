# One account, used by the workers of two databases of a cluster and by sessions: at
# one pace, with each nonce once, and nothing twice.

use strict;
use warnings;
use utf8;

use Test::More;

use OrderGateway::Journal;
use OrderGateway::Test qw(letters);

my $CALLS = 40;

my $test = OrderGateway::Test->start(
	preload => 1,
	conf => "order_gateway.databases = 'postgres, second'\n",
	options => { settle_after => '0' });
my $node = $test->node;
my $sandbox = $test->sandbox;
my $session = $test->session;
my %journal = (postgres => OrderGateway::Journal->new($node),
	second => OrderGateway::Journal->new($node, 'second'));

$node->safe_psql('postgres', 'CREATE DATABASE second');
$node->safe_psql('second', 'CREATE EXTENSION order_gateway');
$journal{$_}->wait_for_worker("a worker of $_") foreach sort keys %journal;

# The same account in both.
sub account
{
	my ($provider, $name, %options) = @_;
	my $credentials = $sandbox->credentials($provider);

	$_ .= "-$name" foreach values %$credentials;
	$options{settle_after} = '0';
	$test->own_server($provider, $name, %options);
	return $node->safe_psql('second', $sandbox->server_sql($provider, name => $name, %options)
		  . $sandbox->mapping_sql($provider, name => $name, %$credentials));
}

sub submit_many
{
	my ($database, $function, $first, $server) = @_;

	return $journal{$database}->sql("SELECT count(${function}_submit(@{[
		$function eq 'batch_cancel' ? q{'btc_usdt',} : q{'BTC-USD',}]} ARRAY[i::text], server => '$server'))"
		  . " FROM generate_series($first, $first + $CALLS - 1) AS i");
}

sub all_done
{
	my ($database, $server) = @_;

	return $journal{$database}->wait_until("SELECT count(*) = $CALLS FROM order_gateway_calls"
		  . " WHERE server = '$server' AND cancelled = 1", "... calls of $database are done");
}

# How often each id was in a request of a provider.
sub arrivals
{
	my ($provider) = @_;
	my %count;

	$count{$_}++ foreach map { @{ $_->{ids} // [] } } @{ $sandbox->requests(provider => $provider) };
	return \%count;
}

my %function = (xt => 'batch_cancel', btse => 'btse_cancel');

foreach my $provider (sort keys %function)
{
	my $server = "${provider}_shared";

	note($provider);
	$sandbox->reset;
	$sandbox->settings(accept_any_id => 'on', pace => 'on', pace_tolerance_ms => 100);
	account($provider, $server);
	submit_many('postgres', $function{$provider}, 1001, $server);
	submit_many('second', $function{$provider}, 2001, $server);
	is(letters($session->call($provider, [ 3001 .. 3020 ], server => $server)), 'C*20',
		'a session sends beside two workers');

	# One of them is another one from here on.
	my $pid = $journal{second}->worker_pid;
	kill 'TERM', $pid;
	$journal{second}->wait_for_worker('... one of which is replaced', $pid);
	all_done('postgres', $server);
	$journal{second}->wait_until("SELECT count(*) = $CALLS FROM order_gateway_calls"
		  . " WHERE server = '$server' AND cancelled + unknown = 1", '... calls of second are done');

	my $pace = $sandbox->pace;
	is($pace->{violations}, 0, '... at one pace');
	is($_->{repeated}, 0, '... with each nonce once')
	  foreach grep { $_->{key} =~ /\Q$server\E/ } @{ $pace->{nonces} };
	my $arrived = arrivals($provider);
	is(scalar(grep { ($arrived->{$_} // 0) > 1 } keys %$arrived), 0, '... and nothing twice');
	is(scalar(grep { !$arrived->{$_} } 1001 .. 1000 + $CALLS), 0, '... and everything once');
	is($journal{$_}->sql('SELECT count(*) FROM order_gateway_results'
		  . q{ WHERE outcome = 'cancelled' AND order_id::int BETWEEN 1001 AND 3000}),
		$journal{$_}->sql(q{SELECT sum(cancelled) FROM order_gateway_calls WHERE origin = 'outbox'}),
		"... which the journal of $_ has of its own calls") foreach sort keys %journal;
}

# What one of them was told, the other one keeps to.
$sandbox->reset;
$sandbox->settings(accept_any_id => 'on', pace => 'off');
account('xt', 'xt_told');
$sandbox->arm('status', provider => 'xt', status => 429, headers => { 'Retry-After' => 3 }, times => 1);
my $told = $journal{postgres}->cancel([4001], server => 'xt_told');
$journal{postgres}->wait_until(
	q{SELECT count(*) > 0 FROM order_gateway_limits WHERE server = 'xt_told' AND held_until IS NOT NULL},
	'one worker is told to wait');
my $other = $journal{second}->cancel([4002], server => 'xt_told');
$journal{second}->wait_for($other, 'done', 'so does the other one');
$journal{postgres}->wait_for($told, 'done', '... and both go on');
my @arrived = map { $_->{arrived_at} } @{ $sandbox->requests(provider => 'xt') };
is(scalar @arrived, 3, '... with a request each');
cmp_ok($arrived[1] - $arrived[0], '>=', 2.9, '... when they may');

$session->quit;
$node->stop;
done_testing();
