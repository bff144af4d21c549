package OrderGateway::Preloaded;

=encoding utf8

=head1 NAME

OrderGateway::Preloaded - a library that servers load first, and a file to steer it by

=head1 SYNOPSIS

  use parent 'OrderGateway::Preloaded';

  my $self = $class->prepare('disk', 'full_disk.c', '-ldl');
  $self->steer(pack 'i!', 0);

=head1 DESCRIPTION

What L<OrderGateway::Clock> and L<OrderGateway::Disk> have in common.  The library
maps the file, so that all servers hear at once what is written there.

=head2 $class->prepare($name, $source, @libraries)

Compiles that source of F<test/lib>.  Tests that run side by side have a library and
a file each.

=head2 $self->steer($bytes)

Writes them into the file.

=head2 $self->env(%more)

Environment of the cluster, as a hash: the file is told by C<OG_*_FILE>, where C<*>
is the name in capitals.

=cut

use strict;
use warnings;

use PostgreSQL::Test::Utils ();

sub prepare
{
	my ($class, $name, $source, @libraries) = @_;
	my $path = "$PostgreSQL::Test::Utils::tmp_check/${name}_$$";
	my $self = bless { name => $name, file => $path, library => "$path.so" }, $class;

	PostgreSQL::Test::Utils::system_or_bail('cc', '-shared', '-fPIC', '-O', '-o', $self->{library},
		"test/lib/$source", @libraries);
	return $self;
}

sub steer
{
	my ($self, $bytes) = @_;

	# In place, since it is mapped.
	open my $file, -e $self->{file} ? '+<:raw' : '>:raw', $self->{file} or die "$self->{file}: $!";
	syswrite $file, $bytes;
	close $file;
	return;
}

sub env
{
	my ($self, %more) = @_;

	return { LD_PRELOAD => $self->{library}, 'OG_' . uc($self->{name}) . '_FILE' => $self->{file}, %more };
}

1;
