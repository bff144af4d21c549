# Reads over a span of time, at random: however many records there are, close
# together or far apart, and however a provider cuts its answers, each record
# comes once; or the call says that it cannot know.
#
# OG_SEED=n tries others than those of every run.

use strict;
use warnings;
use utf8;

use Test::More;

use OrderGateway::Test;

my $CASES = 200;
my $DAY = 86_400_000;
my @SPREADS = (3, 3000, 100_000, 20 * $DAY);
my @GRAINS = (1, 1, 1000, $DAY);

my $test = OrderGateway::Test->start(options => {});
my $sandbox = $test->sandbox;
my $session = $test->session;

$session->query("ALTER SERVER btse OPTIONS (ADD query_rate_limit 'off')");
srand($ENV{OG_SEED} // 1);

sub one_of { return $_[ int rand @_ ]; }

# How long ago each trade was, in ms before the end of the span.  At the end there
# is none: nothing would show that a provider counts it out.
sub ages
{
	my ($count) = @_;
	my ($spread, $grain) = (one_of(@SPREADS), one_of(@GRAINS));
	my @ages = map { my $age = int rand $spread; 1 + $age - $age % $grain } 1 .. $count;

	# Where two windows meet.
	push @ages, (7 * $DAY) x int rand 5 if rand() < 0.3;
	return @ages;
}

# [arguments, trades there are, settings of the sandbox]
sub random_case
{
	my %case = (settings => {
		btse_default_count => 1 + int rand 12,
		btse_rows => one_of(qw(newest oldest newest_last)),
		btse_times => one_of(qw(inclusive exclusive seconds)) });

	# A limit that cannot be lifted.
	$case{settings}{btse_most_count} = 50 + int rand 5 if rand() < 0.4;
	$case{ages} = [ ages(int rand($case{settings}{btse_most_count} ? 130 : 40)) ];
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
		$end - 21 * $DAY, $end, $case->{count} ? ", count => $case->{count}" : '');
}

# What is wrong with the rows, or nothing.
sub complaint
{
	my ($case, $result) = @_;
	my %times;
	my $expected = @{ $case->{ages} };

	# Where the limit is hard, more may be of one moment than can be told.
	if ($case->{settings}{btse_most_count})
	{
		return if ($result->{sqlstate} // '') eq '38000';
		return if $result->{stderr} =~ /WARNING: .* may have more records than it told/;
	}
	# So many of one moment are not believed to be all.
	return $result->{stderr}
	  if $result->{stderr} ne '' && @{ $case->{ages} } < 50;
	$expected = $case->{count} if $case->{count} && $case->{count} < $expected;
	$times{$_}++ foreach @{ $result->{lines} };
	return scalar(keys %times) . " of $expected came" if keys %times != $expected;
	return (grep { $_ > 1 } values %times) ? 'some came twice' : undef;
}

foreach my $number (1 .. $CASES)
{
	my $case = random_case();
	my $settings = $case->{settings};

	is(complaint($case, run_case($case)), undef,
		"case $number: " . @{ $case->{ages} } . ' trades, '
		  . join(' ', map { "$_=$settings->{$_}" } sort keys %$settings))
	  or diag('ages: ' . join(' ', @{ $case->{ages} }));
}
done_testing();
