package OrderGateway::Clock;

=encoding utf8

=head1 NAME

OrderGateway::Clock - clocks that a test can set

=head1 SYNOPSIS

  use OrderGateway::Clock;

  my $clock = OrderGateway::Clock->new;
  my $test = OrderGateway::Test->start(env => $clock->env);

  $clock->pass(3600);
  # ... for the server an hour has gone by ...

=head1 DESCRIPTION

F<test/lib/set_clock.c> is preloaded into the cluster's servers.  Whoever waits
for a moment notices that it has passed when he looks at the clock again: workers
do so each second.

=head2 OrderGateway::Clock->new(%options)

C<ahead> is how many seconds the time of day is ahead of the machine's.

=head2 $clock->env

Environment of the cluster, as a hash.

=head2 $clock->pass($seconds)

So much time goes by at once, by the clock that only goes forward.  The time of
day stays what it was.

=head2 $clock->set($seconds)

The time of day is so far ahead of the machine's from now on.

=head2 $clock->now

The clock that only goes forward, as the server has it, but for a constant.

=cut

use strict;
use warnings;

use Time::HiRes qw(clock_gettime CLOCK_MONOTONIC);

use parent 'OrderGateway::Preloaded';

sub new
{
	my ($class, %options) = @_;
	my $self = $class->prepare('clock', 'set_clock.c');

	@$self{qw(ahead passed)} = ($options{ahead} // 0, 0);
	$self->_write;
	return $self;
}

sub _write { return $_[0]->steer(pack 'l!l!', $_[0]{ahead}, $_[0]{passed}); }

sub pass
{
	my ($self, $seconds) = @_;

	$self->{passed} += $seconds;
	return $self->_write;
}

sub set
{
	my ($self, $seconds) = @_;

	$self->{ahead} = $seconds;
	return $self->_write;
}

sub now { return clock_gettime(CLOCK_MONOTONIC) + $_[0]{passed}; }

1;
