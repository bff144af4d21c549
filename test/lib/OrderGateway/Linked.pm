package OrderGateway::Linked;

=pod

=head1 NAME

OrderGateway::Linked - a library of a test's own, made of rooms of src/

=head1 SYNOPSIS

  my $library = OrderGateway::Linked::build('many', qw(http ground));

=head1 DESCRIPTION

Compiles all of F<test/many/*.c> and links it with the objects of these rooms
(folders of src/, with those below them) into a library that a server can load.

=cut

use strict;
use warnings;

sub build
{
	my ($folder, @rooms) = @_;

	# Of its own: tests that run side by side must not find it half written. Its
	# name is ours, so that "make memcheck" counts what it finds there.
	my $own = "$PostgreSQL::Test::Utils::tmp_check/$folder.$$";
	my $library = "$own/order_gateway.so";
	my $include = qx($ENV{PG_CONFIG} --includedir-server);
	my $needed = qx(pkg-config --cflags --libs "libcurl >= 7.87" "openssl >= 3.0" libcjson);

	mkdir $own or die "could not make $own: $!";
	chomp($include, $needed);
	PostgreSQL::Test::Utils::system_or_bail('cc', '-shared', '-fPIC', '-O', '-Wall', '-Werror',
		'-D_GNU_SOURCE', '-Isrc', "-Itest/$folder", "-I$include", '-o', $library,
		(glob "test/$folder/*.c"), (map { glob "src/$_/*.o src/$_/*/*.o" } @rooms),
		'-Wl,-Bsymbolic', split(' ', $needed), '-lwslay');
	return $library;
}

1;
