# Wangdian: numbers that its database may hold for one never share a request, so
# that silence about one is not taken from a failure of the other; and returns
# whose outcome is unknown are settled by reading them.
#
# OG_SEED=n tries other numbers than those of every run.

use strict;
use warnings;
use utf8;

use JSON::PP ();
use Test::More;
use Time::HiRes ();
use Unicode::Normalize qw(NFKD);
use feature qw(fc);

use OrderGateway::Test qw(call_sql sql_array);

my $test = OrderGateway::Test->start;
my $sandbox = $test->sandbox;
my $session = $test->session;
my $seed = $ENV{OG_SEED} // 1;

srand($seed);

sub one_of { return $_[ int rand @_ ]; }

# Start anew, with returns as [number, status].
sub begin
{
	my ($how, @returns) = @_;

	$sandbox->reset;
	$sandbox->settings(wangdian_numbers => $how);
	$sandbox->seed('wangdian', ids => [ $_->[0] ], status => $_->[1]) foreach @returns;
	return;
}

# "number outcome batch" of each row.
sub cancelled
{
	return [ map { "$_->{order_id} $_->{outcome} $_->{batch}" }
		  @{ $session->call('wangdian', [@_]) } ];
}

# ----
# Numbers that differ by case or width
# ----

foreach my $case ([ 'cr1', 'cr1' ], [ 'ＣＲ1', 'CR1 in wide letters' ], [ 'Cr１', 'Cr1 with a wide digit' ])
{
	my ($spelling, $name) = @$case;

	begin('folded', [ 'CR1', 'approved' ]);
	is_deeply(cancelled($spelling, 'CR1'), [ "$spelling unknown 1", 'CR1 not_cancellable 2' ],
		"$name and CR1: a failure of CR1 says nothing of the other");
	is_deeply($sandbox->truth('wangdian'), { CR1 => 'approved' }, '... and nothing was cancelled');
	like($session->stderr, qr/WARNING:  01000: server "wangdian" answered about 1 order/,
		'... but a number was named that was not asked for');
	begin('folded', [ 'CR1', 'open' ]);
	is($session->value(q{SELECT outcome FROM } . call_sql('wangdian', [$spelling])), 'cancelled',
		"... and $name alone is cancelled where it is one");
}
begin('folded', [ 'CR1', 'open' ], [ 'CR2', 'approved' ]);
my $rows = cancelled('CR1', 'CR2', 'cr1', 'CR1', 'cr2');
is($rows->[0], $rows->[3] =~ s/^\S+ //r && $rows->[0], 'a number that is repeated is one');
is_deeply([ map { (split ' ')[2] } @$rows ], [ 1, 1, 2, 1, 2 ],
	'... and its likeness is in another request') or diag(explain($rows));
is((grep { /^(CR1|cr1) cancelled/ } @$rows[ 0, 2 ]) + 0, 1,
	'... of which only one has cancelled it') or diag(explain($rows));
is_deeply([ sort map { scalar @{ $_->{ids} } } @{ $sandbox->requests } ], [ 2, 2 ],
	'... in two requests');

# One whose characters may be equal to anything goes alone.
begin('folded', [ 'CRe', 'approved' ], [ 'CRss', 'approved' ], map { [ "CR$_", 'open' ] } 1 .. 3);
is_deeply(cancelled('CR1', 'CRé', 'CR2', 'CRß', 'CR3'),
	[ 'CR1 cancelled 1', 'CRé unknown 2', 'CR2 cancelled 3', 'CRß unknown 4', 'CR3 cancelled 5' ],
	'accents and ligatures');

# What is rolled back is remembered by the requests that there were.
begin('folded', [ 'CR1', 'open' ], [ 'CR2', 'open' ], [ 'cr3', 'approved' ]);
my $from = $test->trace_mark;
$session->query('BEGIN; SELECT * FROM ' . call_sql('wangdian', [ 'CR1', 'CR2', 'cr1', 'CR3' ]) . '; ROLLBACK');
my $log = join "\n", $test->traces($from);
like($log, qr/had sent batch 1: 2 cancelled \(CR1, CR2\)$/m, 'a rollback tells of the first request');
like($log, qr/had sent batch 2: 2 unknown \(cr1, CR3\)$/m, '... and of the second');
unlike($log, qr/had sent batch 3/, '... and there was no other');

# Twenty in a request where no two are alike, however many there are.
begin('exact', map { ([ "CR$_", 'open' ], [ "cr$_", 'open' ]) } 1 .. 50);
$rows = $session->call('wangdian', [ (map { "CR$_" } 1 .. 50), (map { "cr$_" } 1 .. 50) ]);
is((grep { $_->{outcome} eq 'cancelled' } @$rows) + 0, 100, 'a hundred numbers, two by two alike');
is(scalar @{ $sandbox->requests }, 5, '... in as few requests as there can be');

# ----
# At random
# ----

# Are these one number to a database that compares so?
sub is_one
{
	my ($how, $a, $b) = @_;
	my ($one, $other) = map { fc(NFKD($_)) =~ s/\p{M}//gr } $a, $b;

	return $how eq 'folded' ? $one eq $other : $a eq $b;
}

my @lies;
my %heard;

foreach my $round (1 .. 150)
{
	my $how = one_of(qw(exact folded folded));
	my @letters = qw(c C Ｃ é e E ß s S １ 1 采);
	my %asked = map { my $n = $_; join('', map { one_of(@letters) } 1 .. 1 + int rand 3) => 1 } 1 .. 25;
	my @asked = keys %asked;
	my %there;

	# A database that folds numbers has none twice.
	foreach my $number (@asked)
	{
		next if rand() < 0.5 || grep { is_one($how, $_, $number) } keys %there;
		$there{$number} = one_of(qw(open open approved editing));
	}
	begin($how, map { [ $_, $there{$_} ] } sort keys %there);

	my $truth;
	foreach my $row (@{ $session->call('wangdian', \@asked) })
	{
		$truth //= $sandbox->truth('wangdian');
		my ($number) = grep { is_one($how, $_, $row->{order_id}) } keys %$truth;
		my $is = defined $number ? $truth->{$number} : 'not there';

		$heard{ $row->{outcome} }++;
		push @lies, "round $round, $how: $row->{order_id} is $row->{outcome}, but $is"
		  if $row->{outcome} eq 'cancelled' && $is ne 'cancelled'
		  || $row->{outcome} eq 'not_found' && $is ne 'not there'
		  || $row->{outcome} eq 'not_cancellable' && $is !~ /^(approved|cancelled)$/;
	}
}
is_deeply(\@lies, [], 'nothing untrue was said of numbers like these') or diag("OG_SEED=$seed");
cmp_ok($heard{$_} // 0, '>', 0, "... and it was said: $_") foreach qw(cancelled not_found not_cancellable unknown);

# ----
# Settling
# ----

# Settle numbers; sent_at is seconds ago.  Answers "outcome state" of each.
sub settled
{
	my ($ids, %opts) = @_;
	my $sent_at = exists $opts{ago}
	  ? "array_fill(now() - interval '$opts{ago} s', ARRAY[" . scalar(@$ids) . '])' : 'NULL';

	return [ map { s/\|/ /gr } @{ $session->query("SELECT order_id, outcome, order_state FROM order_gateway_settle('wangdian', "
			  . sql_array(@$ids) . ", $sent_at, act => '" . ($opts{act} // 'cancel') . "')")->{lines} } ];
}

sub is_settled
{
	my ($expected, $name, %opts) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;

	is_deeply(settled([ map { (split ' ')[0] } @$expected ], %opts), $expected, $name)
	  or diag($session->stderr);
	return;
}

begin('exact', [ 'CR1', 'open' ], [ 'CR2', 'editing' ], [ 'CR3', 'approved' ], [ 'CR4', 'filled' ],
	[ 'CR5', 'cancelled' ]);
foreach my $stockout (1 .. 3)
{
	$sandbox->seed('wangdian', ids => ["OUT$stockout"], status => 'approved',
		fields => { stockout_status => $stockout });
}
$sandbox->seed('wangdian', ids => ['LOST'], status => 'cancelled', fields => { stockout_status => 2 });
my @over = ('CR4 not_cancellable filled', 'CR5 cancelled cancelled', 'OUT1 not_cancellable partly_filled',
	'OUT2 not_cancellable filled', 'OUT3 not_cancellable partly_filled', 'LOST unknown unknown', 'CR9 unknown gone');
is_settled([ 'CR1 rejected open', 'CR2 rejected open', 'CR3 rejected open', @over, 'CR1 rejected open' ],
	'a minute after the cancel was sent', ago => 61);
is_deeply([ map { scalar @{ $_->{ids} } } @{ $sandbox->requests } ], [ (1) x 10 ],
	'... one number in a request, each once');
is_deeply([ grep { !$_->{signature_ok} } @{ $sandbox->requests } ], [], '... all of them signed');
is_deeply($sandbox->executed('wangdian'), [], '... and none was touched');
is_settled([ 'CR1 unknown open', 'CR2 unknown open', 'CR3 unknown open', @over ],
	'before a minute is over the request may still be running', ago => 59);
is_settled([ 'CR1 unknown open', @over ], 'nor is it known when it was sent');
is_settled([ 'CR1 accepted open', 'CR5 accepted cancelled', 'CR9 unknown gone' ],
	'what was created is there', ago => 5, act => 'create');
$sandbox->age('wangdian', 'CR1', 3600);
is_settled(['CR1 unknown open'], '... unless it was there before', ago => 5, act => 'create');
$sandbox->arm('set_fields', provider => 'wangdian', values => { created => '2022-08-10 15:49:05' });
is_settled(['CR2 unknown open'], '... or does not tell since when', ago => 5, act => 'create');

# Records that disagree, that are about something else, or that are not all.
foreach my $case (
	[ [ { return_no => 'CR1', status => 10 }, { return_no => 'CR1', status => 30 } ], 'unknown unknown' ],
	[ [ { return_no => 'CR1', status => 10 }, { return_no => 'CR1', status => 10 } ], 'cancelled cancelled' ],
	[ [ { return_no => 'CR1', status => 10 }, { return_no => 'CR1' } ], 'unknown unknown' ],
	[ [ { return_no => 'CR1', status => 10 }, { return_no => 'cr1', status => 30 } ], 'cancelled cancelled' ],
	[ [ { return_no => 'cr1', status => 10 } ], 'unknown unknown' ],
	[ [ { return_no => 'ＣＲ1', status => 10 } ], 'unknown unknown' ],
	[ [ { return_no => 'CR77', status => 10 } ], 'unknown unknown' ],
	[ [ { status => 10 } ], 'unknown unknown' ],
	[ [ { return_no => 'CR1', status => 50 } ], 'unknown unknown' ],
	[ [], 'unknown gone' ])
{
	my ($orders, $expected) = @$case;
	my $told = JSON::PP->new->canonical->ascii->encode($orders);

	begin('exact');
	$sandbox->arm('status', provider => 'wangdian', status => 200,
		body => { status => 0, data => { total_count => scalar @$orders, order => $orders } });
	is_settled(["CR1 $expected"], "CR1 where $told is told", ago => 61);
}
begin('folded', [ 'CR1', 'cancelled' ]);
is_settled(['cr1 unknown unknown'], 'a return that differs by case is not the one', ago => 61);
foreach my $form (qw(high low null words missing page_cut no_list))
{
	$sandbox->arm('wangdian_total', form => $form, times => 0);
	is($session->error(q{SELECT * FROM order_gateway_settle('wangdian', '{CR1}')}), '38000',
		"a page that is not all of it is an error: $form");
	$sandbox->disarm;
}

# From a log of outcomes, with answers that were lost.
begin('exact', map { [ "CR$_", 'open' ] } 1 .. 50);
$session->query('CREATE TABLE log AS SELECT * FROM ' . call_sql('wangdian', []));
$sandbox->arm('close_after', provider => 'wangdian', process => JSON::PP::true(), match_id => 'CR1');
$sandbox->arm('close_after', provider => 'wangdian', process => JSON::PP::false(), match_id => 'CR21');
$session->query('INSERT INTO log SELECT * FROM ' . call_sql('wangdian', [ map { "CR$_" } 1 .. 50 ]));
$session->query(q{UPDATE log SET sent_at = sent_at - interval '2 min'});
is_deeply($session->query(q{
	SELECT s.outcome, s.order_state, count(*), min(s.ordinal), max(s.ordinal)
	FROM (SELECT array_agg(order_id ORDER BY ordinal) AS ids, array_agg(sent_at ORDER BY ordinal) AS times
			FROM log WHERE outcome = 'unknown') AS l,
		order_gateway_settle('wangdian', l.ids, l.times) AS s
	GROUP BY 1, 2 ORDER BY 1})->{lines},
	[ 'cancelled|cancelled|20|1|20', 'rejected|open|20|21|40' ],
	'unknown outcomes of a log are settled') or diag($session->stderr);

# The pace is that of its queries, and call_timeout bounds all of it.
$test->own_server('wangdian', 'erp_slow', query_rate_limit => '2/300ms');
my $begin = Time::HiRes::time();
is($session->value(q{SELECT count(*) FROM order_gateway_settle('erp_slow', '{CR1,CR2,CR3,CR4,CR5}')}), 5,
	'five numbers, two in 300 ms');
cmp_ok(Time::HiRes::time() - $begin, '>=', 0.6, '... take their time');
$test->own_server('wangdian', 'erp_short', call_timeout => '300ms');
$sandbox->arm('delay', provider => 'wangdian', ms => 200, times => 0);
is($session->error(q{SELECT FROM wangdian_returns('{CR1,CR2,CR3}', 'erp_short')}), '57014',
	'call_timeout bounds all requests of a read');
$sandbox->disarm;
is($session->value(q{SELECT count(*) FROM wangdian_returns(ARRAY(SELECT 'CR' || i FROM generate_series(1, 300) i))}),
	50, '300 numbers');
is(scalar(grep { $_->{path} =~ /openapi/ && $_->{query} =~ /queryWithDetail/ } @{ $sandbox->requests }) >= 300, 1,
	'... one in a request');

done_testing();
