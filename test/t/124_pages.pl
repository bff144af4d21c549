# Reads from page to page: whatever comes, goes and changes while pages are
# read, every order that stayed open is there, once; or the call says that it
# cannot know, or fails.
#
# OG_SEED=n tries others than those of every run, OG_CASES=n so many.

use strict;
use warnings;
use utf8;

use Test::More;

use OrderGateway::Test;

my $test = OrderGateway::Test->start(options => {});
my ($sandbox, $session) = ($test->sandbox, $test->session);

$session->query("ALTER SERVER xt OPTIONS (ADD query_rate_limit 'off')");
srand($ENV{OG_SEED} // 1);

# Orders 1 to n are open.
sub fresh
{
	my ($count, %settings) = @_;

	$test->reset;
	$sandbox->seed('xt', market => 'btc_usdt', range => [ 1, $count ]) if $count > 0;
	$sandbox->settings(%settings) if %settings;
	return;
}

sub arm_moves
{
	my (%how) = @_;

	$sandbox->arm('orders_move', provider => 'xt', operation => 'get_open_orders', %how);
	return;
}

sub told { return $session->query("SELECT order_id FROM xt_open_orders('btc_usdt')"); }

# Orders that are open and were so before the call, but were not told; and those
# that were told twice.
sub missing
{
	my ($result) = @_;
	my %told;
	my $truth = $sandbox->truth('xt');

	$told{$_}++ foreach @{ $result->{lines} };
	return (
		(grep { $truth->{$_} eq 'open' && $_ < 900_000_000_000 && !$told{$_} }
			  sort keys %$truth),
		map { "$_ twice" } grep { $told{$_} > 1 } sort keys %told);
}

sub pages
{
	return join ' ', map { $_->{query} =~ /page=(\d+)/ ? $1 : () } @{ $sandbox->requests };
}

# ----
# How many requests
# ----

foreach my $case (
	[ 0, '1' ], [ 9, '1' ], [ 10, '1 2' ], [ 999, '1 2' ],
	[ 1000, '1 2' ], [ 1001, '1 2' ], [ 2000, '1 2 3 1 2' ],
	[ 2500, '1 2 3 4 1 2 3' ])
{
	my ($count, $expected) = @$case;
	my $result;

	# A page of fewer than 10 is the last one; all pages are read again.
	$expected = '1 2 1 2' if $count == 1001;
	$expected = '1 2 1' if $count >= 10 && $count <= 1000;
	fresh($count);
	$result = told();
	is_deeply([ scalar @{ $result->{lines} }, missing($result), $result->{stderr} ],
		[ $count, '' ], "$count open orders");
	is(pages(), $expected, "... on pages $expected");
}

# ----
# What leaves, changes and arrives
# ----

fresh(2500);
arm_moves(leave => 10);
my $result = told();
is_deeply([ missing($result) ], [], 'ten of page 1 leave: all others are there');
is(scalar(@{ $result->{lines} }), 2490, '... and they are not');
is($result->{stderr}, '', '... without a word');

foreach my $order (qw(oldest newest changed))
{
	foreach my $which (qw(first last))
	{
		foreach my $how ([ leave => 7 ], [ change => 3 ], [ arrive => 30 ],
			[ leave => 5, change => 2, arrive => 12 ])
		{
			foreach my $skip (0, 1, 3)
			{
				fresh(250, xt_page_most => 50, xt_page_order => $order);
				arm_moves(which => $which, @$how, skip => $skip);
				$result = told();
				is_deeply([ missing($result), $result->{stderr} ], [''],
					"$order first, @$how of the $which, after page " . ($skip + 1));
			}
		}
	}
}

# A provider's pages that are smaller than asked for, of which one is all: what
# leaves before the second is asked for would move into the first.
fresh(105, xt_page_most => 100);
arm_moves(leave => 10);
$result = told();
is_deeply([ scalar @{ $result->{lines} }, missing($result) ], [95], 'pages of 100, 105 orders, ten leave');

# What arrives with every page does no harm, what leaves with every page does.
fresh(120, xt_page_most => 20);
arm_moves(arrive => 1, times => 0);
$result = told();
is_deeply([ missing($result), $result->{stderr} ], [''], 'one arrives with each page');
fresh(300, xt_page_most => 20);
arm_moves(leave => 1, times => 0);
$result = told();
is($result->{sqlstate}, '38000', 'one leaves with each page');
like($result->{stderr}, qr/xt_open_orders\(\): server "xt" gave answers that are not complete: it told other records each time that its pages were read: \d+ of \d+ had gone the last time\n.*HINT:  Ask again when fewer orders come and go/s,
	'... which is an error in the end');
cmp_ok(scalar(@{ $sandbox->requests }), '<', 150, '... after so many requests');
is_deeply($session->query(q{BEGIN; SAVEPOINT s; SELECT count(*) FROM xt_open_orders('btc_usdt'); ROLLBACK TO s; SELECT 'goes on'; COMMIT})->{lines},
	['goes on'], '... and the transaction goes on');

# The rows are of the last pass.
fresh(30, xt_page_most => 10);
arm_moves(leave => 1, skip => 1);
is($session->value(q{SELECT count(*) || ' ' || count(DISTINCT order_id) FROM xt_open_orders('btc_usdt')}),
	'29 29', 'what was read first is not told twice');

# Pages that are the same are not told anew; those behind them are.
foreach my $skip (0, 1, 2, 4)
{
	my $left = 10 * $skip + 1;

	fresh(55, xt_page_most => 10, xt_page_order => 'oldest');
	arm_moves(leave => 1, skip => $skip);
	is($session->value(q{SELECT string_agg(order_id || ' ' || (raw->>'id'), ',') FROM xt_open_orders('btc_usdt')}),
		join(',', map { "$_ $_" } grep { $_ != $left } 1 .. 55),
		"one leaves after page " . ($skip + 1) . ': all others in order, once');
}

# Rows of pages that stayed the same are kept where a later page is another one,
# also by a cursor that goes back, and where they do not fit in memory.
foreach my $work_mem ('4MB', '64kB')
{
	foreach my $cursor ('SCROLL CURSOR FOR', 'SCROLL CURSOR WITH HOLD FOR', 'NO SCROLL CURSOR FOR')
	{
		my $goes_back = $cursor !~ /^NO/;

		fresh(3000);
		arm_moves(leave => 5, which => 'last', skip => 5);
		$result = $session->query(qq{
			SET work_mem = '$work_mem';
			BEGIN;
			DECLARE c $cursor SELECT order_id FROM xt_open_orders('btc_usdt');
			FETCH ALL FROM c;
			} . ($goes_back ? "FETCH BACKWARD ALL FROM c;" : '') . q{
			COMMIT;
			RESET work_mem;
			} . ($cursor =~ /HOLD/ ? 'CLOSE c;' : ''));

		my @there = splice @{ $result->{lines} }, 0, 2995;
		my @back = reverse @{ $result->{lines} };

		is_deeply([ missing({ lines => \@there }), $result->{stderr} ], [''],
			"$cursor, work_mem $work_mem: all are there");
		is_deeply(\@back, $goes_back ? \@there : [], '... and back');
	}
}

# ----
# Pages that are not turned
# ----

fresh(300, xt_page_number => 'ignored');
$result = told();
is(scalar(@{ $result->{lines} }), 300, 'the number of a page is ignored');
like($result->{stderr}, qr/WARNING:  01000: xt_open_orders\(\): server "xt" may have more records than it told\nDETAIL:  Another page was asked for, and the same one came\./,
	'... so that there may be more');
fresh(1500, xt_page_number => 'ignored');
$result = told();
is($result->{sqlstate}, '38000', '... as there are, where a page is full');
like($result->{stderr}, qr/not complete: it does not turn the page/, '... which is said');
fresh(250, xt_page_most => 50, xt_page_number => 'last');
$result = told();
is_deeply([ scalar @{ $result->{lines} }, missing($result), $result->{stderr} ], [ 250, '' ],
	'the last page instead of none');

# ----
# At random
# ----

foreach my $number (1 .. $ENV{OG_CASES} // 60)
{
	my %settings = (
		xt_page_most => 10 + int rand 15,
		xt_page_order => (qw(oldest newest changed))[ rand 3 ]);
	my $count = int rand 120;
	my @moves;

	fresh($count, %settings);
	foreach (0 .. int rand 3)
	{
		my %move = (which => (qw(first last))[ rand 2 ], skip => int rand 8,
			leave => int rand 4, change => int rand 3, arrive => int rand 4);

		arm_moves(%move, times => 1 + int rand 2);
		push @moves, join ' ', map { "$_=$move{$_}" } sort keys %move;
	}
	$result = told();
	if (($result->{sqlstate} // '') eq '38000')
	{
		pass("case $number: it says so");
		next;
	}
	is_deeply([ missing($result), $result->{stderr} ], [''],
		"case $number: $count orders, " . join(' ', map { "$_=$settings{$_}" } sort keys %settings))
	  or diag(join "\n", @moves, pages());
}
done_testing();
