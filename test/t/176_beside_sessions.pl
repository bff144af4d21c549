# A worker and the sessions of its cluster, which share more than a database: the
# pace of an account, and the files of its server, which change while both live.

use strict;
use warnings;
use utf8;

use JSON::PP ();
use PostgreSQL::Test::Utils qw(slurp_file);
use Test::More;

use OrderGateway::Journal;
use OrderGateway::Test qw(letters);

my $test = OrderGateway::Test->start(OrderGateway::Journal::worker());
my $journal = OrderGateway::Journal->new($test->node);
my ($sandbox, $session, $other) = ($test->sandbox, $test->session, $test->session);

$journal->wait_for_worker('there is a worker');

# ----
# Pace.  The sandbox is told to forgive 100 ms, because what is late here may be
# this machine.
# ----

$test->own_server('xt', 'xt_paced');
$sandbox->settings(pace => 'on', pace_tolerance_ms => 100, accept_any_id => 'on');
$session->query(q{SELECT batch_cancel_submit('btc_usdt', ARRAY[i::text], 'xt_paced')
	FROM generate_series(1, 20) AS i});
my $rows = $other->call('xt', [ 1001 .. 3000 ], server => 'xt_paced');
is(letters($rows), 'C*2000', 'a session sends 20 requests');
$journal->wait_until(q{SELECT count(*) = 20 FROM order_gateway_calls WHERE cancelled = 1},
	'... and the worker others of the same account');

my $pace = $sandbox->pace;
my ($window) = grep { $_->{who} =~ /xt_paced/ && $_->{scope} eq 'user' } @{ $pace->{windows} };
is($pace->{violations}, 0, '... at one pace');
is($window->{requests}, 40, '... which counts all of them');
my ($nonces) = grep { $_->{key} =~ /xt_paced/ } @{ $pace->{nonces} };
is($nonces->{repeated}, 0, '... and no nonce twice');
$sandbox->settings(pace => 'off');

# ----
# Root certificates
# ----

my $ca = $test->node->basedir . '/authorities.pem';
my $good = slurp_file($sandbox->ca);

sub write_file
{
	my ($contents) = @_;

	open my $file, '>', $ca or die "$ca: $!";
	print {$file} $contents;
	close $file or die "$ca: $!";
	$sandbox->reset(connections => 1);
	$sandbox->settings(accept_any_id => 'on');
	return;
}

sub submit
{
	my ($id) = @_;

	return $session->value("SELECT batch_cancel_submit('btc_usdt', ARRAY['$id'], 'xt_trusting')");
}

write_file($good);
$test->servers('trusting', providers => ['xt'], sslrootcert => $ca, rate_limit => 'off');
my $call = submit(1);
$journal->wait_for($call, 'done', 'a worker trusts an authority');
is($journal->letters($call), 'C', '... and sends');

write_file("# nobody\n");
$call = submit(2);
$journal->wait_until(q{SELECT next_try_at IS NOT NULL FROM order_gateway_calls WHERE call_id = } . $call,
	'the same worker does not trust it any more');
is(scalar(grep { "@{ $_->{ids} // [] }" =~ /\b2\b/ } @{ $sandbox->requests }), 0, '... and sends nothing');
write_file($good);
$journal->wait_for($call, 'done', '... until it does again');
is($journal->letters($call), 'C', '... and then that, too');

done_testing();
