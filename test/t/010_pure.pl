# The pure rooms without a server: every test/pure/test_*.c is built and run,
# and its TAP passed on as a subtest. Then answers of the sandbox are mutated,
# for each provider for a moment.
#
# Nothing is written to the source tree. To run one of them by hand, and the
# fuzzers for longer:
#
#	make -C test/pure check
#	make fuzz

use strict;
use warnings;
use File::Basename qw(dirname);
use File::Spec;
use File::Temp qw(tempdir);
use Test::More;

my $top = File::Spec->rel2abs($ENV{OG_SOURCE_DIR} // dirname(__FILE__) . '/../..');
my $pg_config = $ENV{PG_CONFIG} // 'pg_config';
my $build_dir = tempdir(CLEANUP => 1);

my @FUZZERS = qw(json frames stream xt tronsave btse wangdian);
my $FUZZ_SECONDS = 2;

# What an outer make left in the environment is not meant for this one.
delete @ENV{qw(MAKEFLAGS MFLAGS MAKELEVEL)};
my @make = ('make', '-s', '-j4', '-C', "$top/test/pure", "BUILD_DIR=$build_dir",
	"PG_CONFIG=$pg_config");

# Run a command; returns its exit code and what it said.
sub run
{
	my (@command) = @_;

	open my $out, q{-|}, q{sh}, q{-c}, q{exec "$@" 2>&1}, q{sh}, @command
	  or die "could not run $command[0]: $!";
	my @lines = <$out>;
	close $out;
	return ($?, @lines);
}

# Pass on the TAP of one program.
sub pass_on
{
	my ($program) = @_;
	my ($exit, @lines) = run("$build_dir/plain/$program");
	my $planned;

	foreach my $line (@lines)
	{
		chomp $line;
		if    ($line =~ /^(not )?ok \d+ - (.*)/) { ok(!$1, $2) }
		elsif ($line =~ /^1\.\.(\d+)/)           { $planned = $1 }
		else                                     { diag($line) }
	}
	is($exit, 0, 'ended in order');
	is(Test::More->builder->current_test - 1, $planned, 'ran to its end');
}

my ($exit, @built) = run(@make, 'all');
is($exit, 0, 'the test programs are built') or BAIL_OUT(join '', @built);

my ($listed, @names) = run(@make, 'list');
my @programs = map { split } @names;
cmp_ok(scalar @programs, '>', 0, 'there are test programs');
subtest $_ => sub { pass_on($_) } foreach @programs;

# The fuzzers, as far as a few seconds each go, with the sanitizers where this
# compiler has them.
my $kind = 'asan';
($exit, @built) = run(@make, 'fuzzers');
if ($exit != 0)
{
	note('without sanitizers: ', @built);
	$kind = 'plain';
	($exit, @built) = run(@make, map { "$build_dir/plain/fuzz_$_" } @FUZZERS);
}
is($exit, 0, 'the fuzzers are built') or BAIL_OUT(join '', @built);

($exit, my @said) = run(@make, 'corpus');
is($exit, 0, 'the sandbox gives answers to begin with') or diag(@said);
foreach my $fuzzer (@FUZZERS)
{
	my @command = ("$build_dir/$kind/fuzz_$fuzzer", $FUZZ_SECONDS, time,
		"$build_dir/corpus/$fuzzer");

	($exit, @said) = run(@command);
	is($exit, 0, "nothing is misread at random: $fuzzer") or diag(@said);
	like($said[-1], qr/^\d+ seeds and \d+ mutations/, '... in so many answers');
	note("$fuzzer: $said[-1]");
}

done_testing();
