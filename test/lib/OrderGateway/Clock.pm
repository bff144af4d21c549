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

use PostgreSQL::Test::Utils ();
use Time::HiRes qw(clock_gettime CLOCK_MONOTONIC);

sub new
{
	my ($class, %options) = @_;
	# Tests that run side by side have clocks of their own.
	my $path = "$PostgreSQL::Test::Utils::tmp_check/clock_$$";
	my $self = bless {
		file => $path,
		library => "$path.so",
		ahead => $options{ahead} // 0,
		passed => 0,
	}, $class;

	PostgreSQL::Test::Utils::system_or_bail('cc', '-shared', '-fPIC', '-O', '-o', $self->{library},
		'test/lib/set_clock.c');
	PostgreSQL::Test::Utils::append_to_file($path, $self->_bytes);
	return $self;
}

sub env
{
	my ($self) = @_;

	return { LD_PRELOAD => $self->{library}, OG_CLOCK_FILE => $self->{file} };
}

sub _bytes { return pack 'l!l!', $_[0]{ahead}, $_[0]{passed}; }

sub _write
{
	my ($self) = @_;

	# In place, since it is mapped.
	open my $file, '+<:raw', $self->{file} or die "$self->{file}: $!";
	syswrite $file, $self->_bytes;
	close $file;
	return;
}

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
