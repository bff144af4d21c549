# A short storm; test/setup/storm tells of longer ones.  And before it, the
# rules by which it compares its books, which have to notice everything.
#
# OG_SECONDS and OG_SEED set how long it blows and what is tried.

use strict;
use warnings;

use Test::More;

my @storm = ('test/storm/storm', '--seconds=' . ($ENV{OG_SECONDS} // 40));

push @storm, "--seed=$ENV{OG_SEED}" if defined $ENV{OG_SEED};

sub run_ok
{
	my ($name, @command) = @_;

	open my $out, '-|', "@command 2>&1" or die "$command[0]: $!";
	note($_) foreach my @lines = map { s/\n//r } <$out>;
	my $fine = ok(close $out, $name);
	diag($_) foreach $fine ? () : @lines;
	return;
}

run_ok('every rule notices what breaks it', 'test/storm/selftest');
run_ok('after a storm the books agree', @storm);
done_testing();
