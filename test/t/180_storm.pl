# Three short storms, the second of which ends with a failover, and the third is
# over BTSE's streams; test/setup/storm tells of longer ones.  And before them, the rules by which they compare their
# books, which have to notice everything.
#
# OG_SECONDS and OG_SEED set how long the first one blows and what they try.

use strict;
use warnings;

use Test::More;

my @storm = 'test/storm/storm';

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
run_ok('after a storm the books agree', @storm, '--seconds=' . ($ENV{OG_SECONDS} // 40));
run_ok('... and on a standby that took over', @storm, '--seconds=15', '--standby');
run_ok('after a storm over streams, too', @storm, '--seconds=30', '--streams');
done_testing();
