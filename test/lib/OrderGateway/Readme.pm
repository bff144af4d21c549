package OrderGateway::Readme;

=encoding utf8

=head1 NAME

OrderGateway::Readme - README.md in pieces, for the tests that hold it to its word

=head1 SYNOPSIS

  use OrderGateway::Readme;

  my $readme = OrderGateway::Readme->new;

  $node->safe_psql('erp', $readme->recipe('log-table'));
  is_deeply([ map { $_->[0] } $readme->table_rows($readme->chapter('## XT')) ],
      [ ... ], 'its table');

  $readme->all_were_run;                      # at the end of the test

=head1 DESCRIPTION

A block of code that follows a line C<< <!-- recipe: NAME --> >> is run by a
test as it stands.  Several tests share the recipes: which one runs a recipe is
seen from the test's own text, in which its name stands.

=cut

use strict;
use warnings;
use utf8;

use Encode qw(decode_utf8);
use File::Basename qw(basename dirname);
use Test::More;

=head2 OrderGateway::Readme->new

Reads it, from C<OG_SOURCE_DIR> or from where the test is.

=cut

sub new
{
	my ($class) = @_;
	my $top = $ENV{OG_SOURCE_DIR} // dirname($0) . '/../..';
	my $self = bless {
		tests => "$top/test/t",
		text => decode_utf8(_slurp("$top/README.md")),
		was_run => {},
	}, $class;

	$self->{blocks} = [ $self->_cut_blocks ];
	foreach my $block (grep { $_->{name} } $self->blocks)
	{
		die "README: two recipes \"$block->{name}\""
		  if $self->{recipes}{ $block->{name} };
		$self->{recipes}{ $block->{name} } = $block->{text};
	}
	return $self;
}

sub _slurp
{
	my ($file) = @_;

	open(my $fh, '<', $file) or die "could not read $file: $!";
	local $/;
	return scalar <$fh>;
}

sub _cut_blocks
{
	my ($self) = @_;
	my (@blocks, $name, $block);

	foreach my $line (split /\n/, $self->{text})
	{
		if ($block)
		{
			if ($line =~ /^\s*```$/)
			{
				push @blocks, $block;
				undef $block;
				next;
			}
			$line =~ s/^$block->{indent}//;
			$block->{text} .= "$line\n";
		}
		elsif ($line =~ /^\s*<!-- recipe: (\S+) -->$/)
		{
			$name = $1;
		}
		elsif ($line =~ /^(\s*)```(\w*)$/)
		{
			$block = { indent => $1, language => $2, name => $name,
				text => '' };
			undef $name;
		}
		elsif ($name)
		{
			die "README: no block of code after recipe \"$name\"";
		}
	}
	return @blocks;
}

=head2 $readme->blocks

All blocks of code: hashes of C<language>, C<text>, and C<name> of a recipe.

=cut

sub blocks { return @{ $_[0]{blocks} }; }

=head2 $readme->recipe($name)

The text of a recipe, which is then taken to have been run.

=cut

sub recipe
{
	my ($self, $name) = @_;

	$self->{was_run}{$name} = 1;
	return $self->{recipes}{$name} // die "README: no recipe \"$name\"";
}

=head2 $readme->all_were_run(@excused)

Tests that every recipe which this test names was run, but for those that are
excused here, and that every recipe is named by some test.

=cut

sub all_were_run
{
	my ($self, @excused) = @_;
	my %where = map { $_ => _slurp($_) } glob "$self->{tests}/*.pl";
	my %ours = map { $_ => 1 } @excused;
	my (@forgotten, @homeless);

	foreach my $name (sort keys %{ $self->{recipes} })
	{
		my @tests = map { basename($_) }
		  grep { $where{$_} =~ /\brecipe\b[^;]*?[\s'(]\Q$name\E[\s')]/ } sort keys %where;

		push @homeless, $name if !@tests;
		push @forgotten, $name
		  if !$ours{$name} && !$self->{was_run}{$name}
		  && grep { $_ eq basename($0) } @tests;
	}
	is("@homeless", '', 'README: every recipe has a test');
	is("@forgotten", '', 'README: every recipe of this test was run');
	return;
}

=head2 $readme->chapter($heading)

Its text, from the heading to the next of the same level.

=cut

sub chapter
{
	my ($self, $heading) = @_;
	my ($level) = $heading =~ /^(#+)/;

	$self->{text} =~ /^\Q$heading\E\n(.*?)(?=^#{1,${\length $level}} |\z)/ms
	  or die "README: no chapter \"$heading\"";
	return $1;
}

=head2 $readme->generated

What "make generate" wrote: by the names of the types, rows and views that are
shown, the text between the marks.

=cut

sub generated
{
	my ($self) = @_;

	return $self->{text} =~ /^<!-- generated: (?:type|columns of) (\w+) -->\n(.*?)^<!-- end of generated -->$/msg;
}

=head2 $readme->table_rows($text)

The rows of all tables in some text: arrays of cells, without the heads.

=cut

sub table_rows
{
	my ($self, $text) = @_;
	my (@rows, $in_body);

	foreach my $line (split /\n/, $text)
	{
		$in_body = $line =~ /^\|[-|]+\|$/ ? 1 : $line =~ /^\|/ ? $in_body : 0;
		next if !$in_body || $line =~ /^\|[-|]+\|$/;
		my @cells = split /\|/, $line;
		shift @cells;
		s/^\s+|\s+$//g foreach @cells;
		push @rows, \@cells;
	}
	return @rows;
}

=head2 $readme->quoted($text)

What stands in backquotes.

=cut

sub quoted
{
	my ($self, $text) = @_;

	return $text =~ /`([^`]+)`/g;
}

1;
