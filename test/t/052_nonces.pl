# Nonces increase as they are signed, but requests over several connections may
# arrive in another order. A provider that minds says so before it does anything,
# and then they go again, one after the other.

use strict;
use warnings;
use utf8;

use Test::More;

use OrderGateway::Test qw(letters);

my $test = OrderGateway::Test->start(preload => 1, options => { rate_limit => 'off' });
my $sandbox = $test->sandbox;
my $session = $test->session;
my $second = $test->session;

my $WORDS = 'Nonce must be above the last one';

sub fresh
{
	$test->reset;
	return $sandbox->settings(accept_any_id => 'on');
}

sub requests { return @{ $sandbox->requests(provider => $_[0] // 'xt') }; }

sub refused { return grep { ($_->{note} // '') =~ /nonce/ } requests(@_); }

# How many requests arrived while another one that came after $first had no
# answer yet.
sub overlapping
{
	my ($first) = @_;
	my @late = grep { $_->{arrived_at} > $first } requests();
	my $count = 0;

	foreach my $i (1 .. $#late)
	{
		$count++ if $late[$i]{arrived_at} < $late[ $i - 1 ]{answered_at};
	}
	return $count;
}

# ----
# Out of order, at a provider that insists
# ----

$test->own_server('xt', 'xt_many', batch_size => 1);
fresh();
$sandbox->arm('nonce_order', provider => 'xt', times => 0, ms => 100);
my $rows = $session->call('xt', [ 1 .. 30 ], server => 'xt_many');
is(letters($rows), 'C*30', 'a provider that insists on the order gets it');
$test->promises_ok('xt', $rows, '... and nothing was sent twice');
my @refused = refused();
cmp_ok(scalar(@refused), '>=', 1, '... after it refused some');
cmp_ok(scalar(@refused), '<', 10, '... but not many');
is(scalar(requests()), 30 + @refused, '... each of which went again');

# Those that were in flight at that moment had left by then.
my ($last) = sort { $b <=> $a } map { $_->{answered_at} } @refused;
is(overlapping($last), 0, '... one after the other');
cmp_ok(scalar(grep { $_->{arrived_at} > $last } requests()), '>=', 10,
	'... to the end of the call');

$test->own_server('xt', 'xt_once', batch_size => 1, retries => 0);
fresh();
$sandbox->arm('nonce_order', provider => 'xt', times => 0, ms => 100);
$rows = $session->call('xt', [ 1 .. 30 ], server => 'xt_once');
like(letters($rows), qr/R/, 'retries are the bound');
is(scalar(requests()), 30, '... of what is sent');
is_deeply([ map { $_->{code} } grep { $_->{outcome} ne 'cancelled' } @$rows ],
	[ map { '308' } refused() ], '... and the provider\'s words are told');
$test->promises_ok('xt', $rows, '... truly');

# Where the order is kept from the beginning, nothing is refused.
$test->own_server('xt', 'xt_single', batch_size => 1, max_in_flight => 1, retries => 0);
fresh();
$sandbox->arm('nonce_order', provider => 'xt', times => 0, ms => 20);
is(letters($session->call('xt', [ 1 .. 10 ], server => 'xt_single')), 'C*10',
	"max_in_flight '1' keeps it");
is(scalar(refused()), 0, '... without a refusal');

# Two sessions cannot keep each other's order, but nothing becomes untrue.
fresh();
$sandbox->arm('nonce_order', provider => 'xt', times => 0, ms => 5, every => 7);
$session->send_call('xt', [ 1 .. 30 ], server => 'xt_many');
$rows = $second->call('xt', [ 31 .. 60 ], server => 'xt_many');
push @$rows, @{ $session->finish_call };
like(letters($rows) =~ s/\*\d+//gr, qr/^[CR]+$/, 'two sessions of one account: no doubt about any');
cmp_ok(scalar(grep { $_->{outcome} eq 'cancelled' } @$rows), '>=', 50,
	'... and hardly any is left over');
$test->promises_ok('xt', $rows, '... truly');

# ----
# What counts as its words
# ----

foreach my $case (
	[ { code => 308, message => $WORDS }, 'CC', 2 ],
	[ { code => 308, message => "INVALID_NONCE", status => 401 }, 'CC', 2 ],
	[ { code => 308, message => 'signature' }, 'RR', 1 ],
	[ { code => 307, message => $WORDS }, 'RR', 1 ],
	[ { code => 400, message => $WORDS }, 'RR', 1 ],
	[ { code => 999, message => $WORDS }, 'UU', 1 ],
	[ { code => 308, message => $WORDS, status => 500 }, 'UU', 1 ],
	[ { code => 308, message => $WORDS, with_rows => 1, process => 1 }, 'CC', 1 ],
	[ { code => 308, message => $WORDS, times => 3 }, 'RR', 3 ])
{
	my ($args, $letters, $sends) = @$case;
	my $name = join ' ', map { "$_=$args->{$_}" } sort keys %$args;

	fresh();
	$sandbox->arm('envelope', provider => 'xt', %$args);
	$rows = $session->call('xt', [ 1, 2 ]);
	is(letters($rows), $letters, $name);
	is(scalar(requests()), $sends, "... arrived $sends times");
	is_deeply([ map { $_->{attempts} } @$rows ], [ $sends, $sends ], '... as told');
	$test->promises_ok('xt', $rows, '... truly');
}
is($rows->[0]{message}, $WORDS, 'the provider\'s words are told');

# A nonce that is refused although nothing overtook it is wrong for another
# reason, such as a clock: that is not tried with every batch.
fresh();
$sandbox->arm('envelope', provider => 'xt', code => 308, message => $WORDS, times => 0);
$rows = $session->call('xt', [ 1 .. 40 ], server => 'xt_many');
is(letters($rows), 'R*40', 'what is refused each time');
cmp_ok(scalar(requests()), '<=', 40 + 2 * 8, '... is not sent again for ever');
cmp_ok($rows->[39]{attempts}, '==', 1, '... but for the first ones');

# BTSE's are not documented: there a refusal is what it is.
$test->own_server('btse', 'btse_many');
fresh();
$sandbox->arm('nonce_order', provider => 'btse', times => 0, ms => 100);
$rows = $session->call('btse', [ map { "o$_" } 1 .. 20 ], server => 'btse_many');
is(scalar(grep { $_->{outcome} eq 'rejected' } @$rows), scalar(refused('btse')),
	'BTSE: refused is rejected');
is(scalar(requests('btse')), 20, '... and not sent again');
$test->own_server('btse', 'btse_single', max_in_flight => 1);
fresh();
$sandbox->arm('nonce_order', provider => 'btse', times => 0, ms => 20);
is(letters($session->call('btse', [ map { "o$_" } 1 .. 10 ], server => 'btse_single')),
	'C*10', "... with max_in_flight '1' nothing is");

# ----
# Reads
# ----

foreach my $case (
	[ { message => $WORDS }, 'none', 2 ],
	[ { message => $WORDS, times => 3 }, '28000', 3 ],
	[ { message => 'signature' }, '28000', 1 ])
{
	my ($args, $sqlstate, $sends) = @$case;
	my $name = join ' ', map { "$_=$args->{$_}" } sort keys %$args;

	fresh();
	$sandbox->arm('envelope', provider => 'xt', code => 308, %$args);
	my $result = $session->query("SELECT * FROM xt_open_orders('btc_usdt')");
	is($result->{sqlstate} // 'none', $sqlstate, "a read, $name");
	is(scalar(requests()), $sends, "... arrived $sends times");
	like($result->{stderr}, qr/HINT:  Another request with the same key overtook this one: .*max_in_flight/,
		'... and says what to do') if $sends == 3;
}

is($sandbox->stderr_text, '', 'the sandbox has nothing to complain about');
done_testing();
