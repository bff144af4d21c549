# Reads over a span of time, at random: however many records there are, close
# together or far apart, and however a provider cuts its answers, each record
# comes once; or the call says that it cannot know, or fails.
#
# OG_SEED=n tries others than those of every run, OG_CASES=n so many.

use strict;
use warnings;
use utf8;

use List::Util qw(max min);
use Test::More;

use OrderGateway::Test;

my $DAY = 86_400_000;
my $WINDOW = 7 * $DAY - 2000;
my $SPAN = 21 * $DAY;
my @SPREADS = (3, 3000, 100_000, 20 * $DAY);
my @GRAINS = (1, 1, 1000, $DAY);

# So many records of one moment, and nothing else, are believed to be all.
my $DOUBTFUL = 20;

my $test = OrderGateway::Test->start(options => {});
my $sandbox = $test->sandbox;
my $session = $test->session;

$session->query("ALTER SERVER btse OPTIONS (ADD query_rate_limit 'off')");
srand($ENV{OG_SEED} // 1);

sub one_of { return $_[ int rand @_ ]; }

# How long ago each trade was, in ms before the end of the span.
sub ages
{
	my ($count) = @_;
	my ($spread, $grain) = (one_of(@SPREADS), one_of(@GRAINS));
	my @ages = map { my $age = int rand $spread; $age - $age % $grain } 1 .. $count;

	# Where windows meet, and where the span begins and ends.
	push @ages, (7 * $DAY) x int rand 5 if rand() < 0.2;
	push @ages, map { $WINDOW + int(rand 5) - 2 } 1 .. int rand 5 if rand() < 0.3;
	push @ages, (0) x int rand 3, ($SPAN) x int rand 3 if rand() < 0.3;
	return @ages;
}

sub random_case
{
	my %case = (settings => {
		btse_default_count => rand() < 0.1 ? 0 : 1 + int rand 12,
		btse_rows => one_of(qw(newest oldest newest_last oldest_last)),
		btse_times => one_of(qw(inclusive exclusive exclusive_both seconds
			  seconds_exclusive)) });
	my $most = one_of(0, 0, 0, 1 + int rand 4, 5 + int rand 8, 50 + int rand 5);

	# A limit that cannot be lifted.
	$case{settings}{btse_most_count} = $most if $most;
	$case{ages} = [ ages(int rand($most >= 50 ? 130 : 40)) ];
	$case{count} = 1 + int rand 50 if rand() < 0.2;
	return \%case;
}

sub run_case
{
	my ($case) = @_;
	my $end = time() * 1000;
	my $n = 0;
	my @fills = map { { tradeId => 't' . $n++, symbol => 'BTC-USD',
			timestamp => $end - $_ } } @{ $case->{ages} };

	$sandbox->reset;
	$sandbox->drop('btse', 'fills');
	$sandbox->put('btse', 'fills', @fills) if @fills;
	$sandbox->settings(%{ $case->{settings} });
	return $session->query(sprintf "SELECT trade_id FROM btse_trade_history('BTC-USD',"
		  . ' from_time => to_timestamp(%s / 1000.0), to_time => to_timestamp(%s / 1000.0)%s)',
		$end - $SPAN, $end, $case->{count} ? ", count => $case->{count}" : '');
}

# The ages of each window, by its number.
sub windows
{
	my ($case) = @_;
	my %windows;

	push @{ $windows{ int($_ / ($WINDOW + 1)) } }, $_ foreach @{ $case->{ages} };
	return values %windows;
}

# Is all of a window of one moment, as the provider counts moments?
sub is_crowd
{
	my ($case, $ages) = @_;
	my $moment = $case->{settings}{btse_times} =~ /seconds/ ? 2000 : 0;

	return max(@$ages) - min(@$ages) <= $moment;
}

# The ages that must come, the newest first; of the ones of a crowd that a
# provider never tells in full nobody can know.
sub expected
{
	my ($case) = @_;
	my $most = $case->{settings}{btse_most_count} // 0;
	my @sure = grep { !$most || $most >= $DOUBTFUL || $most >= @$_ || !is_crowd($case, $_) }
	  windows($case);
	my @expected = sort { $a <=> $b } map { @$_ } @sure;

	return () if $case->{count} && @sure < (() = windows($case));
	splice @expected, $case->{count} if $case->{count} && @expected > $case->{count};
	return @expected;
}

# What is wrong with the rows, or nothing.
sub complaint
{
	my ($case, $result) = @_;
	my @told = map { $case->{ages}[ substr $_, 1 ] } @{ $result->{lines} };
	my %rows;
	my %missing;

	# Where the limit is hard, more may be of one moment than can be told.
	if ($case->{settings}{btse_most_count})
	{
		return if ($result->{sqlstate} // '') eq '38000';
		return if $result->{stderr} =~ /WARNING: .* may have more records than it told/;
	}
	return $result->{stderr} if $result->{stderr} ne ''
	  && !grep { @$_ >= $DOUBTFUL && is_crowd($case, $_) } windows($case);
	$rows{$_}++ foreach @{ $result->{lines} };
	return 'some came twice' if grep { $_ > 1 } values %rows;
	return 'not the newest first' if $case->{count}
	  && "@told" ne join ' ', sort { $a <=> $b } @told;
	$missing{$_}++ foreach expected($case);
	$missing{$_}-- foreach @told;
	return 'missing are ' . join ' ', grep { $missing{$_} > 0 } keys %missing
	  if grep { $_ > 0 } values %missing;
	return scalar(@told) . ' came' if $case->{count} && @told > $case->{count};
	return;
}

foreach my $number (1 .. $ENV{OG_CASES} // 250)
{
	my $case = random_case();
	my $settings = $case->{settings};

	is(complaint($case, run_case($case)), undef,
		"case $number: " . @{ $case->{ages} } . ' trades, '
		  . ($case->{count} ? "count $case->{count}, " : '')
		  . join(' ', map { "$_=$settings->{$_}" } sort keys %$settings))
	  or diag('ages: ' . join(' ', @{ $case->{ages} }));
}
done_testing();
