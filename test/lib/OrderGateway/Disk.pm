package OrderGateway::Disk;

=encoding utf8

=head1 NAME

OrderGateway::Disk - a disk that a test can fill

=head1 SYNOPSIS

  use OrderGateway::Disk;

  my $disk = OrderGateway::Disk->new;
  my $test = OrderGateway::Test->start(env => $disk->env);

  $disk->fill;
  # ... no table of that cluster becomes larger ...
  $disk->free;

=head1 DESCRIPTION

A small file system would need to be mounted, which not every user and not every
machine may do.  So F<test/lib/full_disk.c> is preloaded into the cluster's
servers: while the disk is full, whatever would make a file longer gets "no
space left on device".  What is there can be written once more, as on a real
one, so a row for which a page has room is no trouble.

=head2 OrderGateway::Disk->new(%options)

C<directory> is the name of the one, anywhere in a file's path, below which
nothing grows: C<base> by default, where tables are.  With C<pg_wal> the log
cannot go on when its files are used up, which ends the server.

=head2 $disk->env

Environment of the cluster, as a hash.

=head2 $disk->fill, $disk->free

At once, for every process.

=cut

use strict;
use warnings;

use parent 'OrderGateway::Preloaded';

sub new
{
	my ($class, %options) = @_;
	my $self = $class->prepare('disk', 'full_disk.c', '-ldl');

	$self->{directory} = $options{directory} // 'base';
	$self->free;
	return $self;
}

sub env { return $_[0]->SUPER::env(OG_DISK_DIRECTORY => $_[0]{directory}); }

sub fill { return $_[0]->steer(pack 'i!', 1); }
sub free { return $_[0]->steer(pack 'i!', 0); }

1;
