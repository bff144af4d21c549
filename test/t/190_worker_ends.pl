# A worker that is told to end, or a server that is shut down, leaves behind what it
# knows: what came back is written, and what was marked and had not left goes on at
# the next start, and is sent once.

use strict;
use warnings;
use utf8;

use Test::More;

use OrderGateway::Journal;
use OrderGateway::Test;

my $test = OrderGateway::Test->start(
	OrderGateway::Journal::worker(),
	standby => 1,
	options => { rate_limit => 'off', settle_after => '0' });
my $node = $test->node;
my $sandbox = $test->sandbox;
my $journal = OrderGateway::Journal->new($node);

sub marks
{
	my ($call) = @_;

	return $journal->sql("SELECT string_agg(ordinals::text || CASE WHEN leaves THEN '' ELSE '!' END, ' ' ORDER BY number)"
		  . " FROM order_gateway_journal_mark WHERE call_id = $call");
}

sub arrivals
{
	my ($id) = @_;

	return scalar grep { grep { $_ eq $id } @{ $_->{ids} // [] } } @{ $sandbox->requests(provider => 'xt') };
}

# Requests wait for a standby that is not there, until this is taken back.
sub ask_for_standby
{
	my ($name) = @_;

	$node->append_conf('postgresql.conf', "synchronous_standby_names = '$name'");
	$node->reload;
	return $journal->wait_until("SELECT current_setting('synchronous_standby_names') = '$name'",
		$name eq '' ? 'no standby is asked for' : 'a standby is asked for');
}

# Sessions do not wait for it.
my $before = 'SET synchronous_commit = local; ';

my %END = (
	'a worker that is told to end' => sub {
		my $pid = $journal->worker_pid;

		kill 'TERM', $pid;
		$journal->wait_for_worker('... another one comes', $pid);
	},
	'a fast shutdown' => sub {
		$node->stop('fast');
		$node->start;
		$journal->wait_for_worker('... and a start');
	});

my $id = 100;

foreach my $how (sort keys %END)
{
	note($how);
	$id += 10;

	# One is out, and gets no answer; another one waits to leave.
	$test->seed('xt', $id .. $id + 9);
	$sandbox->arm('black_hole', provider => 'xt', match_id => $id);
	my $out = $journal->cancel([ $id, $id + 1 ]);
	ok($sandbox->wait_for(fault => 'black_hole', count => 1, seconds => 60), 'a request is out');
	$sandbox->disarm;
	ask_for_standby('nobody');
	my @held = map { $journal->cancel([ $id + $_ ], before => $before) } 2 .. 5;
	$journal->wait_until("SELECT count(*) = 1 FROM order_gateway_journal_mark WHERE call_id = $_",
		'a request is marked') foreach @held;
	is(arrivals($id + 2), 0, '... and has not left');
	$END{$how}->();
	like(marks($_), qr/^\{1\} \{1\}!/, '... which the journal has') foreach @held;
	$journal->wait_for($out, 'done', 'what had left ...');
	is($journal->letters($out), 'UU', '... is unknown');
	ask_for_standby('');
	$journal->wait_for($_, 'done', 'what had not ...') foreach @held;
	is(join('', map { $journal->letters($_) } @held), 'CCCC', '... goes on');
	is(join(' ', map { arrivals($_) } $id .. $id + 5), '1 1 1 1 1 1', '... once each');
	is(marks($held[0]), '{1} {1}! {1}', '... with another mark');
	$sandbox->reset;
}

# A crash leaves nobody who could say so.
$test->seed('xt', 200);
ask_for_standby('nobody');
my $lost = $journal->cancel([200], before => $before);
$journal->wait_until("SELECT count(*) = 1 FROM order_gateway_journal_mark WHERE call_id = $lost", 'a request is marked');
$journal->crash;
ask_for_standby('');
$journal->wait_for($lost, 'done', 'after a crash');
is($journal->letters($lost), 'U', '... nobody knows whether it had left');
is(arrivals(200), 0, '... so it does not leave again');

# ----
# Numbers of calls
# ----

my $sequence = 'ALTER SEQUENCE order_gateway_call_id';
my (undef, undef, $error);

foreach my $wrong ('CACHE 10', 'INCREMENT BY -1 MAXVALUE 1000000', 'CYCLE')
{
	$journal->sql("$sequence $wrong");
	(undef, undef, $error) = $node->psql('postgres', q{SELECT batch_cancel_submit('btc_usdt', '{1}'::text[])});
	like($error, qr/does not number calls in their order/, "no call gets a number by $wrong");
	$journal->sql("$sequence INCREMENT BY 1 CACHE 1 NO CYCLE NO MAXVALUE");
}
$test->seed('xt', 300);
my $call = $journal->cancel([300]);
$journal->wait_for($call, 'done', 'then numbers are given again');

$node->stop;
done_testing();
