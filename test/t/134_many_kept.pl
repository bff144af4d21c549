# The connections that a process keeps which makes many calls, as a worker does:
# how many, which of them are used, when they are closed; and that it needs no
# more memory and no more descriptors however long it lives.
#
# OG_CALLS is the number of its calls, 8000 where it is not set.

use strict;
use warnings;
use utf8;

use File::Copy qw(copy);
use List::Util qw(min);
use Test::More;
use Time::HiRes qw(sleep time);

use OrderGateway::Many;
use OrderGateway::Test qw();

my $CALLS = $ENV{OG_CALLS} // 8000;

# Seconds after which a connection is not used any more.
my $IDLE = 30;

# Requests that the sandbox remembers.
my $KEPT = 1000;

# What a call may leave behind, in bytes: there is no smaller piece of memory.
my $LEFT_BEHIND = 16;

my $many = OrderGateway::Many->build;
my $test = OrderGateway::Test->start(preload => 0, options => { rate_limit => 'off' });
my $sandbox = $test->sandbox;
my $session = $test->session;
my $id = 1;

$sandbox->settings(accept_any_id => 'on', keep_requests => $KEPT);
$many->install($session);

# What many_in_turn() tells, and by how many connections its requests came.
sub in_turn
{
	my ($session, $server, $calls, $at_once, $keep) = @_;
	my $answer = $session->query("SELECT * FROM many_in_turn('$server', $id, $calls, $at_once, $keep)");
	my %told;

	die $answer->{stderr} if $answer->{sqlstate};
	@told{qw(seconds kept palloced malloced)} = split /\|/, $answer->{lines}[0];
	$id += $calls;
	$told{connections} = { map { $_->{connection} => 1 }
		@{ $sandbox->requests(last => min($calls, $KEPT)) } };
	return \%told;
}

# How many connections of some were those of others; how many were not.
sub shared
{
	my ($some, $others) = @_;

	return scalar(grep { exists $others->{connections}{$_} } keys %{ $some->{connections} });
}

sub unshared
{
	my ($some, $others) = @_;

	return keys(%{ $some->{connections} }) - shared($some, $others);
}

sub counts { return join ' ', map { scalar keys %{ $_->{connections} }, $_->{kept} } @_; }

# ----
# How many, and which
# ----

my $ca = "$PostgreSQL::Test::Utils::tmp_check/ca.pem";
copy($sandbox->ca, $ca) or die "could not copy: $!";
$test->own_server('xt', 'xt_ca', sslrootcert => $ca);

my $first = in_turn($session, 'xt_ca', 200, 8, 8);
is(counts($first), '8 8', 'as many are kept as there were calls at once');
my $second = in_turn($session, 'xt_ca', 200, 8, 8);
is(counts($second), '8 8', '... for the next calls');
is(unshared($second, $first), 0, '... which need no others');
my $few = in_turn($session, 'xt_ca', 100, 2, 8);
is(counts($few), '2 8', 'fewer calls at once use as many of them');
is(unshared(in_turn($session, 'xt_ca', 50, 2, 8), $few), 0, '... those that were used last');
is(in_turn($session, 'xt_ca', 20, 2, 3)->{kept}, 3, 'who wants to keep fewer keeps fewer');
is(unshared(in_turn($session, 'xt_ca', 10, 2, 3), $few), 0, '... those that were used last');
is(in_turn($session, 'xt_ca', 20, 8, 1)->{kept}, 1, 'one is kept of eight, where one is wanted');

# ----
# When they are closed
# ----

$first = in_turn($session, 'xt_ca', 40, 4, 4);
copy($sandbox->ca, "$ca.new") && rename("$ca.new", $ca) or die "could not copy: $!";
$second = in_turn($session, 'xt_ca', 40, 4, 4);
is(counts($second), '4 4', 'with other authorities as many are kept');
is(shared($second, $first), 0, '... and none that was trusted before');
my $idle_since = time;

# ----
# Memory and descriptors
# ----

my $long = $test->session;
my $pid = $long->pid;

sub descriptors { return scalar(() = glob "/proc/$pid/fd/*"); }

in_turn($long, 'xt', 1000, 16, 16);
my $before = in_turn($long, 'xt', 200, 16, 16);
my $open = descriptors();
in_turn($long, 'xt', $CALLS, 16, 16);
my $after = in_turn($long, 'xt', 200, 16, 16);

foreach my $kind (qw(palloced malloced))
{
	my $grown = $after->{$kind} - $before->{$kind};

	cmp_ok($grown, '<', $CALLS * $LEFT_BEHIND, "$CALLS calls leave nothing behind that was $kind")
	  or diag("$before->{$kind} bytes, then $after->{$kind}");
}
is(descriptors(), $open, '... and no descriptor');
is($after->{kept}, 16, '... but the connections that are kept');

# ----
# Those that were idle
# ----

my $left = $idle_since + $IDLE + 1 - time;
sleep($left) if $left > 0;
is(shared(my $late = in_turn($session, 'xt_ca', 1, 1, 4), $second), 0,
	"none is used after $IDLE s");
is($late->{kept}, 1, '... and the others are closed');

done_testing();
