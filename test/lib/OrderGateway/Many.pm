package OrderGateway::Many;

=pod

=head1 NAME

OrderGateway::Many - many calls at once in one process

=head1 SYNOPSIS

  use OrderGateway::Many;
  my $many = OrderGateway::Many->build;
  $many->install($session);

=head1 DESCRIPTION

The library of F<test/many>, made of the objects of all rooms but sql/ and
session/.  Its own copy of the rooms finds the same shared memory only where none
is preloaded; since it may be the one that makes it, it needs all that has a part
there.

=cut

use strict;
use warnings;
use utf8;

use OrderGateway::Linked;

sub build
{
	my ($class) = @_;

	my @rooms = grep { !/^(?:sql|session)$/ } map { m{^src/([^/]+)/$} } glob 'src/*/';
	return bless { library => OrderGateway::Linked::build('many', @rooms) }, $class;
}

# As the files there say of them.
sub install
{
	my ($self, $session) = @_;
	my $answer = $session->query(<<"END");
CREATE FUNCTION many_calls(servers name[], ids text[], modes text[])
RETURNS TABLE (job int, finished int, outcome text, message text,
	asked int, "left" int, shown int, closed text, "rows" text)
AS '$self->{library}', 'many_calls' LANGUAGE C;
CREATE FUNCTION many_in_turn(server name, first bigint, calls int, at_once int, keep int)
RETURNS TABLE (seconds float8, kept int, palloced bigint, malloced bigint)
AS '$self->{library}', 'many_in_turn' LANGUAGE C;
END

	die $answer->{stderr} if $answer->{sqlstate};
	return;
}

1;
